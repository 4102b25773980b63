"""The reports of an order's own fills: what is asked about orders whose delivered reports do not add up.

A part of an order that is filled, and of which no report was delivered, lies before the last report of the order: a
recovery does not look there. So after each recovery the venue is asked how far such orders are filled, and for all of
their fills. These give every report of a fill with its running figures, from which those that are missing are taken.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Protocol, runtime_checkable

import attrs

from trio_binance_uds.events import Event
from trio_binance_uds.stream.recovery.inquiry import Request
from trio_binance_uds.stream.recovery.timing import VenueClock


@attrs.frozen(kw_only=True)
class OrderName:
    """What names an order on a stream.

    Attributes:
        unit: the part of a Portfolio Margin account that has contracts; ``None`` for all else.
        is_spot: whether its reports are those of spot and margin.
    """

    account: str | None
    unit: str | None = None
    symbol: str
    order_id: int
    is_spot: bool

    @property
    def key(self) -> tuple[str, int]:
        """The name within its account."""
        return (self.symbol, self.order_id)

    def __str__(self) -> str:
        return f"order {self.order_id} of {self.symbol}"


@attrs.frozen(kw_only=True)
class OwnReports:
    """What the venue has answered about an order.

    Attributes:
        reports: those of all its fills, in order, as recovered events.
        filled: how much of it is filled, which these add up to.
        is_known: whether the venue still knows it.
    """

    reports: tuple[Event, ...] = ()
    filled: Decimal = Decimal(0)
    is_known: bool = True


Searched = Mapping[OrderName, OwnReports]
"""The answers about several orders; one that is not in it was not answered, or not in a way that adds up."""


@runtime_checkable
class Searches(Protocol):
    """A recoverer that can be asked for the reports of an order's own fills."""

    async def search(self, request: Request, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
        """Ask about these orders, within what the last recovery has left of its weight and of its time.

        It raises no ordinary exception.
        """
        ...
