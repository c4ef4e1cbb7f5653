"""The media plane: receives, records, shows and relays what cameras send."""
