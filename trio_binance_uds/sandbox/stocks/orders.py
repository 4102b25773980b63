"""Orders for stocks and their fills, and the statuses that an order goes through."""

from __future__ import annotations

from decimal import Decimal

import attrs

ZERO = Decimal(0)
CENT = Decimal("0.01")
OPEN = ("NEW", "ACCEPTED", "PARTIALLY_FILLED")
# What is charged of a fill; the real fees are not known here.
FEE_RATE = Decimal("0.0004")


@attrs.frozen(kw_only=True)
class Fill:
    """One execution. ``time`` is in microseconds since the epoch."""

    id: str
    order: Order
    price: Decimal
    quantity: Decimal
    time: int

    @property
    def total(self) -> Decimal:
        """What the shares are worth at the price of the fill."""
        return self.price * self.quantity


@attrs.define(eq=False, kw_only=True)
class Order:
    """An order, by quantity or, for a market order that buys, by notional. Times are in microseconds."""

    id: str
    client_id: str
    owner: int
    symbol: str
    quote: str
    side: str
    type: str
    price: Decimal | None
    quantity: Decimal | None
    notional: Decimal | None
    session: str | None
    created: int
    updated: int
    status: str = "NEW"
    fills: list[Fill] = attrs.field(factory=list, repr=False)

    @property
    def is_open(self) -> bool:
        """Whether it can still be filled."""
        return self.status in OPEN

    @property
    def filled(self) -> Decimal:
        """How many shares are filled."""
        return sum((fill.quantity for fill in self.fills), ZERO)

    @property
    def filled_notional(self) -> Decimal:
        """What the filled shares are worth, at their prices."""
        return sum((fill.total for fill in self.fills), ZERO)

    @property
    def fee(self) -> Decimal:
        """What has been charged for the fills."""
        return (self.filled_notional * FEE_RATE).quantize(CENT)

    @property
    def average_price(self) -> Decimal | None:
        """The average price of the fills."""
        return (self.filled_notional / self.filled).quantize(CENT) if self.fills else None

    def left_at(self, price: Decimal) -> Decimal:
        """Return how many shares are not filled yet, where what is left of a notional buys them at this price."""
        if self.quantity is not None:
            return self.quantity - self.filled
        assert self.notional is not None, "an order has one of the two"
        return ((self.notional - self.filled_notional) / price).quantize(Decimal("0.000001"))
