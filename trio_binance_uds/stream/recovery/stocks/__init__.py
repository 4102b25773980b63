"""How a stocks account recovers what was missed: from the states of its orders and from their fills."""
