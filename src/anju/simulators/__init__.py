"""The other side of every door, built on protocols and wire only."""
