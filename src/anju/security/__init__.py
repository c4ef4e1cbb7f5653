"""Identities, rights, sessions, the sealed operator log, field encryption."""
