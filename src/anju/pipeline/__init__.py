"""The road of an event: accept, clean, keep, link, push."""
