"""The way back down: one corridor for every command."""
