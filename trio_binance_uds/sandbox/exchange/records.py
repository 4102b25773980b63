"""Keeps one account's history on one symbol, indexed so that no query and no order walks through all of it."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_binance_uds.sandbox.exchange.orders import Order, PreventedMatch, Trade


class Logged(Protocol):
    """Something with a place in an update log."""

    log_position: int


T = TypeVar("T", bound=Logged)


class UpdateLog(Generic[T]):
    """Things in the order of their last update.

    Every update appends; an older entry of the same thing stays behind and is skipped when reading, because
    the thing itself knows where its newest entry stands. Appending is O(1), finding a time O(log n).
    """

    __slots__ = ("_items", "_times")

    def __init__(self) -> None:
        self._times: list[int] = []
        self._items: list[T] = []

    def append(self, time: int, item: T) -> None:
        """Note an update; times must not fall."""
        item.log_position = len(self._items)
        self._times.append(time)
        self._items.append(item)

    def forward(self, start: int) -> Iterator[T]:
        """Yield what was last updated at ``start`` or later, oldest first."""
        for position in range(bisect_left(self._times, start), len(self._items)):
            item = self._items[position]
            if item.log_position == position:
                yield item

    def backward(self, end: int) -> Iterator[T]:
        """Yield what was last updated at ``end`` or earlier, newest first."""
        for position in range(bisect_right(self._times, end) - 1, -1, -1):
            item = self._items[position]
            if item.log_position == position:
                yield item

    def touched_since(self, start: int) -> list[T]:
        """Return, each once, what had any update at ``start`` or later, also if it was updated again since."""
        return list(dict.fromkeys(self._items[bisect_left(self._times, start) :]))


@attrs.define(eq=False)
class Records:
    """The orders, trades and prevented matches of one account on one symbol."""

    orders: list[Order] = attrs.field(factory=list)
    """Every order ever, by rising id."""
    by_id: dict[int, Order] = attrs.field(factory=dict)
    by_client_id: dict[str, Order] = attrs.field(factory=dict)
    """The order that was last given each client id; former ids do not find an order."""
    open: dict[int, Order] = attrs.field(factory=dict)
    open_by_client_id: dict[str, Order] = attrs.field(factory=dict)
    log: UpdateLog[Order] = attrs.field(factory=lambda: UpdateLog())
    trades: list[Trade] = attrs.field(factory=list)
    prevented: list[PreventedMatch] = attrs.field(factory=list)

    def add(self, order: Order) -> None:
        self.orders.append(order)
        self.by_id[order.order_id] = order
        self.by_client_id[order.client_order_id] = order
        if order.is_open:
            self.open[order.order_id] = order
            self.open_by_client_id[order.client_order_id] = order

    def close(self, order: Order) -> None:
        """Take an order that has ended out of the open ones."""
        del self.open[order.order_id], self.open_by_client_id[order.client_order_id]

    def find(self, client_order_id: str) -> Order | None:
        """Return the order of a client id: the open one if there is one, else the newest."""
        return self.open_by_client_id.get(client_order_id) or self.by_client_id.get(client_order_id)

    def rename(self, order: Order, client_order_id: str) -> None:
        """Give an order a new client id; the old one no longer finds it."""
        for index in (self.by_client_id, self.open_by_client_id):
            if index.get(order.client_order_id) is order:
                del index[order.client_order_id]
        order.client_order_id = client_order_id
        self.by_client_id[client_order_id] = order
        if order.is_open:
            self.open_by_client_id[client_order_id] = order
