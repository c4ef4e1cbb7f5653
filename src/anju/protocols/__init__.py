"""Bytes <-> objects. Pure: no socket, no clock, no database, no domain."""
