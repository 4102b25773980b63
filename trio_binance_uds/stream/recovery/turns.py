"""What to say where nothing tells which of two changes of an order came first."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Order(Protocol):
    """An order, as a venue's answer names it."""

    @property
    def symbol(self) -> str:
        """Its symbol."""
        ...

    @property
    def order_id(self) -> int:
        """Its id."""
        ...


def unknown_turn(order: Order, at: datetime) -> str:
    """Say that the order of two reports is a guess, and their running figures with it."""
    what = f"what came first to order {order.order_id} of {order.symbol} at {at.isoformat(timespec='milliseconds')}"
    return f"{what}, a fill or another change, is not known"
