"""Anju 安居: makes a residential community safe and proves it."""

__version__ = "0.1.0"
