"""Keeps an account's history, indexed so that no query and no order walks through all of it."""

from __future__ import annotations

import copy
from bisect import bisect_left, bisect_right
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from trio_binance_uds.sandbox.derivatives.algos import AlgoOrder
    from trio_binance_uds.sandbox.derivatives.orders import Fill, Order

T = TypeVar("T")


class Versioned(Protocol):
    """Something whose former states may be asked for."""

    updated: int
    versions: list[Any]
    """Former states, oldest first."""


V = TypeVar("V", bound=Versioned)


def keep_version(thing: Versioned) -> None:
    """Remember the present state of something that was just changed."""
    thing.versions.append(copy.copy(thing))


def as_of(thing: V, horizon: int | None) -> V | None:
    """Return something as it was at a time, or ``None`` if it was not there yet; without a time as it is now."""
    if horizon is None or thing.updated <= horizon:
        return thing
    versions: list[V] = thing.versions
    newest = bisect_right(versions, horizon, key=lambda version: version.updated) - 1
    return versions[newest] if newest >= 0 else None


@attrs.frozen(kw_only=True)
class Window:
    """From when to when, in epoch microseconds and both included; ``newest``: of too much take the newest."""

    start: int
    end: int
    newest: bool

    def of(self, rows: Sequence[T], time: Callable[[T], int], limit: int, *, since: int = 0) -> Sequence[T]:
        """Return at most ``limit`` rows of those whose times, which rise, lie inside; ``since``: from this place on."""
        first = bisect_left(rows, self.start, since, key=time)
        last = bisect_right(rows, self.end, key=time)
        return rows[max(first, last - limit) : last] if self.newest else rows[first : min(last, first + limit)]

    def chosen(
        self,
        rows: Sequence[T],
        time: Callable[[T], int],
        limit: int,
        wanted: Callable[[T], bool],
        *,
        since: int = 0,
    ) -> list[T]:
        """Do the same where only some rows are wanted: no more are looked at than needed."""
        first = bisect_left(rows, self.start, since, key=time)
        last = bisect_right(rows, self.end, key=time)
        places: Iterable[int] = range(last - 1, first - 1, -1) if self.newest else range(first, last)
        found = list(islice((rows[place] for place in places if wanted(rows[place])), limit))
        return found[::-1] if self.newest else found


@attrs.define(eq=False)
class OrderRecords:
    """The orders and fills of one account on one symbol."""

    orders: list[Order] = attrs.field(factory=list)
    """Every order ever, by rising id, which is also by rising time."""
    by_id: dict[int, Order] = attrs.field(factory=dict)
    by_client_id: dict[str, Order] = attrs.field(factory=dict)
    """The newest order of each client id."""
    open: dict[int, Order] = attrs.field(factory=dict)
    fills: list[Fill] = attrs.field(factory=list)
    fills_of: dict[int, list[Fill]] = attrs.field(factory=dict)

    def add(self, order: Order) -> None:
        self.orders.append(order)
        self.by_id[order.order_id] = order
        self.by_client_id[order.client_order_id] = order
        self.open[order.order_id] = order

    def add_fill(self, fill: Fill) -> None:
        self.fills.append(fill)
        self.fills_of.setdefault(fill.order.order_id, []).append(fill)

    def find(self, order_id: int | None, client_order_id: str | None) -> Order | None:
        """Return the order of an id, else the newest of a client id."""
        if order_id is not None:
            return self.by_id.get(order_id)
        return self.by_client_id.get(client_order_id or "")

    def find_open(self, order_id: int | None, client_order_id: str | None) -> Order | None:
        order = self.find(order_id, client_order_id)
        return order if order is not None and order.is_open else None


@attrs.frozen(kw_only=True)
class Income:
    """One movement of money in a wallet."""

    tran_id: int
    symbol: str
    kind: str
    amount: Decimal
    asset: str
    time: int
    trade_id: int | None


class IncomeLog:
    """The movements of an account, also by symbol and by kind."""

    __slots__ = ("_rows",)

    def __init__(self) -> None:
        self._rows: dict[tuple[str | None, str | None], list[Income]] = {}

    def append(self, income: Income) -> None:
        for symbol in (None, income.symbol):
            for kind in (None, income.kind):
                self._rows.setdefault((symbol, kind), []).append(income)

    def rows(self, symbol: str | None = None, kind: str | None = None) -> Sequence[Income]:
        """Return the movements of a symbol, or of all, and of a kind, or of all, oldest first."""
        return self._rows.get((symbol, kind), [])


class AlgoRecords:
    """The conditional orders of an account: all symbols in one place, as their ids are unique among all."""

    __slots__ = ("by_client_id", "by_id", "open", "orders_of")

    def __init__(self) -> None:
        self.by_id: dict[int, AlgoOrder] = {}
        self.by_client_id: dict[str, AlgoOrder] = {}
        self.open: dict[int, AlgoOrder] = {}
        """Those that have not gone off."""
        self.orders_of: dict[str, list[AlgoOrder]] = {}
        """Every one ever, by symbol, by rising id and time."""

    def add(self, algo: AlgoOrder) -> None:
        self.by_id[algo.algo_id] = algo
        self.by_client_id[algo.client_algo_id] = algo
        self.open[algo.algo_id] = algo
        self.orders_of.setdefault(algo.contract.name, []).append(algo)

    def find(self, algo_id: int | None, client_algo_id: str | None) -> AlgoOrder | None:
        """Return the order of an id, else the newest of a client id."""
        return self.by_id.get(algo_id) if algo_id is not None else self.by_client_id.get(client_algo_id or "")

    def has_open(self, symbol: str | None = None) -> bool:
        return any(symbol in (None, algo.contract.name) for algo in self.open.values())
