"""How the additional stream of a Portfolio Margin Pro account recovers: by what the account is now."""
