"""Keeps resting orders by price, then by time."""

from __future__ import annotations

from bisect import bisect_left, insort
from decimal import Decimal
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from trio_binance_uds.sandbox.exchange.amounts import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterator


class Resting(Protocol):
    """What a book needs to know of an order, whatever it trades."""

    order_id: int

    @property
    def price(self) -> Decimal:
        """Where it rests."""
        ...

    @property
    def shown_quantity(self) -> Decimal:
        """How much of it the market may see."""
        ...


OrderT = TypeVar("OrderT", bound=Resting)


class BookSide(Generic[OrderT]):
    """One side of a book.

    A level is a dict by order id: it keeps the order of arrival and loses any member in O(1). The sorted keys
    are prices, negated on the bid side, so that the best one is always the first.
    """

    __slots__ = ("_keys", "_levels", "_sign")

    def __init__(self, *, bids: bool) -> None:
        self._sign = -1 if bids else 1
        self._keys: list[Decimal] = []
        self._levels: dict[Decimal, dict[int, OrderT]] = {}

    def add(self, order: OrderT) -> None:
        """Put an order behind all others of its price."""
        key = order.price * self._sign
        level = self._levels.get(key)
        if level is None:
            level = self._levels[key] = {}
            insort(self._keys, key)
        level[order.order_id] = order

    def remove(self, order: OrderT) -> None:
        """Take an order out; one that is not there is ignored."""
        key = order.price * self._sign
        level = self._levels.get(key)
        if level is None or level.pop(order.order_id, None) is None:
            return
        if not level:
            del self._levels[key]
            del self._keys[bisect_left(self._keys, key)]

    def best(self) -> OrderT | None:
        """Return the order that is next to trade."""
        return next(iter(self._levels[self._keys[0]].values())) if self._keys else None

    def best_price(self) -> Decimal | None:
        return self._keys[0] * self._sign if self._keys else None

    def __iter__(self) -> Iterator[OrderT]:
        """Yield the orders in the order in which they would trade; the side must not change meanwhile."""
        for key in self._keys:
            yield from self._levels[key].values()

    def depth(self, limit: int) -> list[tuple[Decimal, Decimal]]:
        """Return the best prices with the quantity shown at each; of an iceberg only its visible part counts."""
        return [
            (key * self._sign, sum((order.shown_quantity for order in self._levels[key].values()), ZERO))
            for key in self._keys[:limit]
        ]


class Book(Generic[OrderT]):
    """The two sides of one symbol."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids: BookSide[OrderT] = BookSide(bids=True)
        self.asks: BookSide[OrderT] = BookSide(bids=False)

    def own_side(self, side: str) -> BookSide[OrderT]:
        return self.bids if side == "BUY" else self.asks

    def other_side(self, side: str) -> BookSide[OrderT]:
        """Return the side that an order of ``side`` trades with."""
        return self.asks if side == "BUY" else self.bids

    def would_match(self, side: str, price: Decimal) -> bool:
        """Tell whether a limit order at this price would trade at once."""
        best = self.other_side(side).best_price()
        return best is not None and (price >= best if side == "BUY" else price <= best)
