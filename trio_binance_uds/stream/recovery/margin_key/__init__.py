"""How a margin account with its listen key recovers: as its account stream and its risk stream do, together."""
