"""Management API, live push, log-in; serves the built console."""
