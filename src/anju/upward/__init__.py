"""To the tier above."""
