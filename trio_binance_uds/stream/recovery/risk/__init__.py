"""How the risk stream of a cross-margin account recovers: by its loans, its interest, and its margin level."""
