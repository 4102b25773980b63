"""Keeps conditional orders until the last price or the mark price sets them off.

A stop waits for the price to move against its side's wish (a buy for a rise, a sell for a fall), a take-profit for the
opposite. A trailing stop becomes active at its activation price, at once without one; then it follows the market at a
distance in percent, and goes off when the price comes back by that much.

Source: Binance USD-M Futures, "New Algo Order" (2026-05-28); the direction of activation is simplified.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.derivatives.amounts import ZERO

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.algos import AlgoOrder

PERCENT = Decimal(100)


@attrs.define
class _Waiting:
    """What waits for one kind of price. Sorted so that the first to go off comes first: falling ones negated."""

    rising: list[tuple[Decimal, int]] = attrs.field(factory=list)
    falling: list[tuple[Decimal, int]] = attrs.field(factory=list)
    trailing: dict[int, AlgoOrder] = attrs.field(factory=dict)


class Triggers:
    """The conditional orders of one contract that have not gone off."""

    __slots__ = ("_by_price", "_orders")

    def __init__(self) -> None:
        self._by_price: dict[str, _Waiting] = {}
        self._orders: dict[int, AlgoOrder] = {}

    def add(self, algo: AlgoOrder) -> None:
        """Let an order wait."""
        self._orders[algo.algo_id] = algo
        waiting = self._by_price.setdefault(algo.request.working_type, _Waiting())
        if algo.trails:
            waiting.trailing[algo.algo_id] = algo
        else:
            rises = algo.request.rises
            level = algo.request.trigger_price
            insort(waiting.rising if rises else waiting.falling, (level if rises else -level, algo.algo_id))

    def remove(self, algo: AlgoOrder) -> None:
        """Let an order that waits do so no longer."""
        del self._orders[algo.algo_id]
        waiting = self._by_price[algo.request.working_type]
        if waiting.trailing.pop(algo.algo_id, None) is None:
            rises = algo.request.rises
            levels = waiting.rising if rises else waiting.falling
            level = algo.request.trigger_price
            del levels[bisect_left(levels, (level if rises else -level, algo.algo_id))]

    def moved(self, working_type: str, price: Decimal) -> tuple[list[AlgoOrder], list[AlgoOrder]]:
        """Tell a new price; return what it activates, and take out and return what it sets off, both by their ids."""
        waiting = self._by_price.get(working_type)
        if waiting is None:
            return [], []
        activated: list[AlgoOrder] = []
        fired: list[AlgoOrder] = []
        for algo in list(waiting.trailing.values()):
            if not algo.is_activated and activates(algo, price):
                algo.is_activated = True
                algo.extreme = price
                activated.append(algo)
            elif algo.is_activated and trails_into(algo, price):
                del waiting.trailing[algo.algo_id], self._orders[algo.algo_id]
                fired.append(algo)
        for levels, bound in ((waiting.rising, price), (waiting.falling, -price)):
            while levels and levels[0][0] <= bound:
                fired.append(self._orders.pop(levels.pop(0)[1]))
        return activated, sorted(fired, key=lambda algo: algo.algo_id)


def activates(algo: AlgoOrder, price: Decimal) -> bool:
    """Tell whether a price starts a trailing order: a fall to its activation price a buy, a rise a sell."""
    bound = algo.request.activation_price
    if not bound:
        return True
    return price <= bound if algo.request.side == "BUY" else price >= bound


def trails_into(algo: AlgoOrder, price: Decimal) -> bool:
    """Move an active trailing order along with the market and tell whether it goes off."""
    share = (algo.request.callback_rate or ZERO) / PERCENT
    if algo.request.side == "BUY":
        algo.extreme = min(algo.extreme, price)
        return price >= algo.extreme * (1 + share)
    algo.extreme = max(algo.extreme, price)
    return price <= algo.extreme * (1 - share)
