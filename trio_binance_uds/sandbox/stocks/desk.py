"""The stocks desk: places, fills, cancels and lists orders for US equities, and tells of them.

Money and holdings are not counted, as no route or event that is known tells of them. Prices stand still until they are
set; an order that meets its price is filled whole, and :meth:`StocksDesk.fill` fills a part of one.

Source: ``binance-sdk-stocks`` 1.6.0 (2026-10); no page was seen. By which time ``history`` lists orders, and the codes
of refusals, are inferred.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import attrs

from trio_binance_uds.sandbox.desk import Route, Sink
from trio_binance_uds.sandbox.exchange import Journal, Refusal
from trio_binance_uds.sandbox.exchange.delivery import Delivery
from trio_binance_uds.sandbox.exchange.parameters import Parameters
from trio_binance_uds.sandbox.stocks import answers
from trio_binance_uds.sandbox.stocks.operations import OPERATIONS
from trio_binance_uds.sandbox.stocks.orders import Fill, Order

_MILLISECOND = 1000


@attrs.frozen
class _Owner:
    uid: int


class StocksDesk:
    """The stocks accounts of a sandbox.

    Attributes:
        prices: what each stock costs, in US dollars.
        lists_by_update: whether ``history`` goes by when an order last changed; else by when it was placed.
    """

    def __init__(self, now: Callable[[], int], seed: int = 0) -> None:
        self.prices: dict[str, Decimal] = {"AAPL": Decimal(200), "MSFT": Decimal(400), "NVDA": Decimal(150)}
        self.lists_by_update: bool = False
        self._now = now
        self._latest = 0
        self._random = Random(seed)
        self._journal = Journal()
        self._delivery = Delivery(self._journal)
        self._orders: dict[int, dict[str, Order]] = {}

    # What the fronts need: see the desk's contract.

    @property
    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The routes by verb and path."""
        return {place: operation.route for place, operation in OPERATIONS.items()}

    @property
    def journal(self) -> Journal:
        """Every event of the desk, by uid."""
        return self._journal

    def has(self, uid: int) -> bool:
        """Whether this owner has an account here."""
        return uid in self._orders

    def open_account(self, uid: int, balances: Mapping[str, str]) -> None:
        """Open an owner's account; what it has is not counted.

        Raises:
            ValueError: there is one.
        """
        if uid in self._orders:
            raise ValueError(f"there is a stocks account of {uid} already")
        self._orders[uid] = {}

    def call(self, uid: int, verb: str, path: str, params: Mapping[str, Any]) -> Any:
        """Do what a route does for an account, and return its answer.

        Raises:
            Refusal: the desk does not want to.
        """
        return OPERATIONS[verb, path].do(self, uid, Parameters(params))

    def watch(self, uid: int, sink: Sink) -> Callable[[], None]:
        """Send an account's events to a sink; return what ends that."""
        return self._delivery.watch(uid, sink)

    # Orders

    def time(self) -> int:
        """Read the clock, in microseconds since the epoch; it never goes back."""
        self._latest = max(self._latest, self._now())
        return self._latest

    def orders_of(self, uid: int) -> list[Order]:
        """Return all orders of an account, oldest first."""
        return list(self._orders[uid].values())

    def find(self, uid: int, order_id: str) -> Order:
        """Return an order of an account.

        Raises:
            Refusal: -2013, there is none.
        """
        found = self._orders[uid].get(order_id)
        if found is None:
            raise Refusal(-2013, "Order does not exist.")
        return found

    def new_id(self) -> str:
        """Return an id that nothing else has."""
        return str(UUID(int=self._random.getrandbits(128), version=4))

    def add(self, order: Order) -> None:
        """Take an order in, tell so, and fill it if it meets its price."""
        self._orders[order.owner][order.id] = order
        self._tell(order)
        self._change(order, "ACCEPTED")
        self._meet(order)

    def cancel(self, order: Order) -> None:
        """End an open order."""
        self._change(order, "CANCELED")

    def expire(self, uid: int, order_id: str) -> None:
        """End an open order as the close of the day does."""
        self._change(self.find(uid, order_id), "EXPIRED")

    def set_price(self, symbol: str, price: Decimal | str | int) -> None:
        """Let a stock cost this from now on, and fill what meets it."""
        self.prices[symbol] = Decimal(price)
        for orders in list(self._orders.values()):
            for order in list(orders.values()):
                if order.symbol == symbol and order.is_open:
                    self._meet(order)

    def fill(self, uid: int, order_id: str, quantity: Decimal | str, price: Decimal | str | None = None) -> None:
        """Fill a part of an open order, or all that is left of it, at its limit or at this price.

        Raises:
            ValueError: it is not open, or has less left.
        """
        order = self.find(uid, order_id)
        at = Decimal(price) if price is not None else order.price or self.prices[order.symbol]
        self._fill(order, Decimal(quantity), at)

    def _meet(self, order: Order) -> None:
        now = self.prices[order.symbol]
        if order.price is None or (order.price >= now if order.side == "BUY" else order.price <= now):
            at = now if order.price is None else order.price
            self._fill(order, order.left_at(at), at)

    def _fill(self, order: Order, quantity: Decimal, price: Decimal) -> None:
        left = order.left_at(price)
        if not order.is_open or not 0 < quantity <= left:
            raise ValueError(f"{quantity} of an order cannot be filled that is {order.status} and has {left} left")
        # One change in a millisecond: the stream tells changes apart by it.
        self._latest = max(self.time(), order.updated + _MILLISECOND)
        order.fills.append(Fill(id=self.new_id(), order=order, price=price, quantity=quantity, time=self._latest))
        self._change(order, "FILLED" if quantity == left else "PARTIALLY_FILLED")

    def _change(self, order: Order, status: str) -> None:
        order.status, order.updated = status, self.time()
        self._tell(order)

    def _tell(self, order: Order) -> None:
        time = self.time()
        self._delivery.post(time, _Owner(order.owner), answers.order_report(order, time))
        self._delivery.flush()
