"""How subscriptions come about, are proven, renewed and given up: one opener for each class of mechanisms."""
