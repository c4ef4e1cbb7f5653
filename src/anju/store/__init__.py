"""SQL lives here and nowhere above; one module per subject."""
