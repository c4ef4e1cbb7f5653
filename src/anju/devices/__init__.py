"""Front doors: one driver per thing at the other end of the wire."""
