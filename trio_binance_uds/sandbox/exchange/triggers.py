"""Keeps contingent orders until the last price sets them off.

An order that waits for a rise goes off at its stop price or above, one that waits for a fall at it or below.
A trailing order follows the market at a distance in hundredths of a percent: one that waits for a rise is
measured from the lowest price since it became active, the other from the highest. With a stop price it becomes
active when that is reached, without at once.

Source: Binance Spot, "Trailing stop FAQ" (2026-07-21); the directions are simplified from its table.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange.orders import Order

BASIS_POINTS = Decimal(10_000)


class Triggers:
    """The contingent orders of one symbol that have not gone off."""

    __slots__ = ("_falling", "_orders", "_rising", "_trailing")

    def __init__(self) -> None:
        # Sorted so that the first to go off comes first: falling ones by negated price.
        self._rising: list[tuple[Decimal, int]] = []
        self._falling: list[tuple[Decimal, int]] = []
        self._trailing: dict[int, Order] = {}
        self._orders: dict[int, Order] = {}

    def add(self, order: Order, last_price: Decimal | None, time: int) -> None:
        """Let an order wait."""
        self._orders[order.order_id] = order
        if order.request.trailing_delta is not None and not order.request.stop_price:
            self._follow(order, last_price, time)
        elif order.request.rises:
            insort(self._rising, (order.request.stop_price, order.order_id))
        else:
            insort(self._falling, (-order.request.stop_price, order.order_id))

    def remove(self, order: Order) -> None:
        """Let an order wait no longer; one that does not wait is ignored."""
        if self._orders.pop(order.order_id, None) is None or self._trailing.pop(order.order_id, None) is not None:
            return
        waiting = self._rising if order.request.rises else self._falling
        sign = 1 if order.request.rises else -1
        del waiting[bisect_left(waiting, (order.request.stop_price * sign, order.order_id))]

    def went_off(self, price: Decimal, time: int) -> list[Order]:
        """Take out and return the orders that this trade price sets off, in the order of their ids."""
        fired: list[Order] = []
        for order in list(self._trailing.values()):
            if _trails_into(order, price):
                del self._trailing[order.order_id], self._orders[order.order_id]
                fired.append(order)
        for waiting, bound in ((self._rising, price), (self._falling, -price)):
            while waiting and waiting[0][0] <= bound:
                order = self._orders[waiting.pop(0)[1]]
                if order.request.trailing_delta is not None:
                    self._follow(order, price, time)
                else:
                    del self._orders[order.order_id]
                    fired.append(order)
        return sorted(fired, key=lambda order: order.order_id)

    def _follow(self, order: Order, price: Decimal | None, time: int) -> None:
        order.trailing_since = time
        if price is not None:
            order.trailing_extreme = price
        self._trailing[order.order_id] = order


def _trails_into(order: Order, price: Decimal) -> bool:
    """Move an active trailing order along with the market and tell whether it goes off."""
    share = Decimal(order.request.trailing_delta or 0) / BASIS_POINTS
    if not order.trailing_extreme:
        order.trailing_extreme = price
    if order.request.rises:
        order.trailing_extreme = min(order.trailing_extreme, price)
        return price >= order.trailing_extreme * (1 + share)
    order.trailing_extreme = max(order.trailing_extreme, price)
    return price <= order.trailing_extreme * (1 - share)
