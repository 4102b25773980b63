"""How a Portfolio Margin account recovers what its stream has missed: its parts, each by its own queries."""
