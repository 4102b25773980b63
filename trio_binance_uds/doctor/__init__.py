"""Finds out, step by step, why an account's events do not arrive, or proves that they do."""
