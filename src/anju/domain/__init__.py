"""Words and rules. Values in, decisions out; no I/O."""
