"""Anju 安居: makes a residential community safe and proves it."""
