"""Describes a futures contract: what it is worth, its filters, its counters, its book and its waiting orders.

A linear contract is margined and paid in its quote asset, by the base asset. An inverse one is margined and paid in its
base asset, and counts contracts that are worth a fixed amount of the quote asset each. What differs is in three
methods; everything above speaks of *values* in the margin asset only.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.derivatives import refusals
from trio_binance_uds.sandbox.derivatives.amounts import UNIT, ZERO, decimal_places, to_unit
from trio_binance_uds.sandbox.derivatives.triggers import Triggers
from trio_binance_uds.sandbox.exchange.book import Book

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.orders import Order

FIRST_TRADE_ID = 3_000_000_001


@attrs.define(eq=False, kw_only=True)
class Contract:
    """A perpetual future. Made by ``FuturesDesk.add_contract``."""

    name: str
    pair: str
    base: str
    quote: str
    tick_size: Decimal
    step_size: Decimal
    min_notional: Decimal = ZERO
    """The least value of an order that opens, in the margin asset."""
    contract_size: Decimal | None = None
    """What one contract is worth in the quote asset; ``None``: the contract is linear."""
    max_price: Decimal = Decimal(10_000_000)
    max_quantity: Decimal = Decimal(1_000_000)
    max_leverage: int = 125
    maintenance_rate: Decimal = Decimal("0.004")
    max_notional: int = 1_000_000
    last_price: Decimal | None = None
    mark_price: Decimal | None = None
    book: Book[Order] = attrs.field(factory=lambda: Book(), repr=False)
    triggers: Triggers = attrs.field(factory=Triggers, repr=False)
    _order_id: int = 0
    _trade_id: int = FIRST_TRADE_ID - 1

    def __attrs_post_init__(self) -> None:
        if self.contract_size is None and (self.tick_size * self.step_size) % UNIT:
            # Otherwise price times quantity would have to be rounded, and rounding makes or destroys money.
            raise ValueError("tick_size times step_size must be a multiple of 0.00000001")

    @property
    def margin_asset(self) -> str:
        return self.quote if self.contract_size is None else self.base

    @property
    def direction(self) -> int:
        """1 if a long position gains in value when the price rises; -1 if the value in coins falls then."""
        return 1 if self.contract_size is None else -1

    def value(self, price: Decimal, quantity: Decimal) -> Decimal:
        """Return what a quantity is worth at a price, in the margin asset."""
        if self.contract_size is None:
            return to_unit(price * quantity)
        return to_unit(self.contract_size * quantity / price)

    def price_of(self, value: Decimal, quantity: Decimal) -> Decimal:
        """Return the price at which a quantity is worth this; 0 where there is none."""
        if self.contract_size is None:
            return value / quantity if quantity else ZERO
        return self.contract_size * quantity / value if value else ZERO

    def base_quantity(self, price: Decimal, quantity: Decimal) -> Decimal:
        """Return how much of the base asset a quantity is at a price."""
        return quantity if self.contract_size is None else self.value(price, quantity)

    def quote_quantity(self, price: Decimal, quantity: Decimal) -> Decimal:
        """Return how much of the quote asset a quantity is at a price."""
        return self.value(price, quantity) if self.contract_size is None else self.contract_size * quantity

    @property
    def mark(self) -> Decimal | None:
        """The price that positions are valued at: the mark price, else the last one."""
        return self.last_price if self.mark_price is None else self.mark_price

    def marked_value(self, quantity: Decimal) -> Decimal:
        """Return what a quantity is worth now; nothing without any price."""
        mark = self.mark
        return ZERO if mark is None else self.value(mark, quantity)

    def count_orders_from(self, first: int) -> None:
        """Give the next order this id."""
        self._order_id = first - 1

    def next_order_id(self) -> int:
        self._order_id += 1
        return self._order_id

    def next_trade_id(self) -> int:
        self._trade_id += 1
        return self._trade_id

    def check_price(self, price: Decimal) -> None:
        """Hold a price against the filters."""
        if price <= 0:
            raise refusals.not_positive_price()
        if decimal_places(price) > decimal_places(self.tick_size):
            raise refusals.too_precise()
        if price % self.tick_size:
            raise refusals.price_off_tick()
        if price > self.max_price:
            raise refusals.Refusal(-4016, f"Limit price can't be higher than {self.max_price}.")

    def check_quantity(self, quantity: Decimal) -> None:
        """Hold a quantity against the filters."""
        if quantity <= 0:
            raise refusals.not_positive_quantity()
        if decimal_places(quantity) > decimal_places(self.step_size):
            raise refusals.too_precise()
        if quantity % self.step_size:
            raise refusals.quantity_off_step()
        if quantity > self.max_quantity:
            raise refusals.Refusal(-4005, "Quantity greater than max quantity.")
