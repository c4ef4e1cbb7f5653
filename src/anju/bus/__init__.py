"""NATS: wake-ups, request/reply, live topics. Never the only copy of anything."""
