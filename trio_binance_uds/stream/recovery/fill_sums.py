"""How an order's fills add up to what its answer says is filled; a product's facts about an order build on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import datetime
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

import attrs

_ZERO = Decimal(0)


class _Fill(Protocol):
    @property
    def quantity(self) -> Decimal: ...

    @property
    def time(self) -> datetime: ...


class _Order(Protocol):
    @property
    def executed(self) -> Decimal: ...

    @property
    def updated(self) -> datetime: ...


OrderT = TypeVar("OrderT", bound=_Order)
FillT = TypeVar("FillT", bound=_Fill)


@attrs.frozen(kw_only=True)
class FillSums(ABC, Generic[OrderT, FillT]):
    """An order, and those of its fills that were not delivered.

    Attributes:
        order: the newest answer, or the order as it was delivered where that is newer.
        is_born: whether it was placed in the gap, so that its beginning must be delivered.
        fills: the oldest first. One that is newer than the answer is not among them: the stream brings it, as it was
            subscribed before anything was asked.
    """

    order: OrderT
    is_born: bool
    fills: list[FillT] = attrs.Factory(list)

    @property
    @abstractmethod
    def delivered_filled(self) -> Decimal | None:
        """How much of it was delivered as filled; ``None``: nothing was delivered of it."""

    @property
    def filled_before(self) -> Decimal:
        """How much of it was filled before what was missed."""
        if self.delivered_filled is not None:
            return self.delivered_filled
        return _ZERO if self.is_born else self.order.executed - self._sum()

    def missing_quantity(self) -> Decimal:
        """How much the order says is filled beyond the fills that are there; negative: there are too many."""
        return self.order.executed - self.filled_before - self._sum()

    def lost_before(self) -> Decimal:
        """How much was filled before the fills that are there, and is not among them.

        Where the newest fill is there, it is older ones that are lacking: they were lost in an earlier gap, or the
        history does not list them yet. The reports of the newer ones say what is filled with them.
        """
        has_newest = bool(self.fills) and self.fills[-1].time == self.order.updated
        return max(_ZERO, self.missing_quantity()) if has_newest else _ZERO

    def _sum(self) -> Decimal:
        return sum((fill.quantity for fill in self.fills), _ZERO)
