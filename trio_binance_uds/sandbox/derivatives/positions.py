"""Keeps positions and wallets, and the arithmetic of profit.

A position remembers its *cost*: what its quantity was worth when it was opened, signed so that profit is the value now
less the cost. Closing a part releases that share of the cost. So over all accounts the realised profits and the costs
stay equal to the last unit, whatever is rounded: what one side of a trade adds the other takes away.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.derivatives.amounts import ZERO, to_unit

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.orders import Order


@attrs.define(eq=False)
class Wallet:
    """What an account has of one asset, apart from profit that is not realised."""

    asset: str
    balance: Decimal = ZERO
    updated: int = 0
    versions: list[Wallet] = attrs.field(factory=list, repr=False)


@attrs.define(eq=False, kw_only=True)
class Position:
    """One position of an account on one contract, with the value of the orders that are open for it."""

    contract: Contract
    side: str
    amount: Decimal = ZERO
    """Negative when short."""
    cost: Decimal = ZERO
    fees: Decimal = ZERO
    """The commissions on what is open now."""
    realized: Decimal = ZERO
    """The profit realised so far, before fees."""
    isolated: bool = False
    isolated_wallet: Decimal = ZERO
    leverage: int = 20
    bids: Decimal = ZERO
    asks: Decimal = ZERO
    """What its open orders are worth."""
    bid_quantity: Decimal = ZERO
    ask_quantity: Decimal = ZERO
    updated: int = 0
    versions: list[Position] = attrs.field(factory=list, repr=False)
    reducing: dict[int, Order] = attrs.field(factory=dict, repr=False)
    """Its open orders that only reduce it."""

    @property
    def sign(self) -> int:
        return (self.amount > 0) - (self.amount < 0)

    @property
    def size(self) -> Decimal:
        return abs(self.amount)

    def trade(self, sign: int, quantity: Decimal, value: Decimal, fee: Decimal) -> Decimal:
        """Take in a fill of either side; return the profit that it realises, before its fee."""
        flow = self.contract.direction * sign * value
        closed = min(quantity, self.size) if sign == -self.sign else ZERO
        if not closed:
            self._open(sign * quantity, flow, fee)
            return ZERO
        # Of a trade that turns the position around, one part closes and the rest opens.
        closing = flow if closed == quantity else to_unit(flow * closed / quantity)
        released = self._share(self.cost, closed)
        self.fees -= self._share(self.fees, closed)
        self.isolated_wallet -= self._share(self.isolated_wallet, closed)
        self.cost -= released
        self.amount += sign * closed
        profit = -closing - released
        self.realized += profit
        if closed < quantity:
            self._open(sign * (quantity - closed), flow - closing, to_unit(fee * (quantity - closed) / quantity))
        return profit

    def _open(self, amount: Decimal, flow: Decimal, fee: Decimal) -> None:
        self.amount += amount
        self.cost += flow
        self.fees += fee
        if self.isolated:
            self.isolated_wallet += to_unit(abs(flow) / self.leverage)

    def _share(self, whole: Decimal, closed: Decimal) -> Decimal:
        return whole if closed == self.size else to_unit(whole * closed / self.size)

    @property
    def entry_price(self) -> Decimal:
        """The average price at which it was opened; 0 when there is none."""
        return self.contract.price_of(abs(self.cost), self.size)

    @property
    def break_even_price(self) -> Decimal:
        """The price at which closing it would make up for the commissions paid; 0 when there is none."""
        worth = (self.cost + self.fees) * self.contract.direction * self.sign
        return self.contract.price_of(worth, self.size) if worth > 0 else ZERO

    @property
    def notional(self) -> Decimal:
        """What it is worth now, negative when short, in the margin asset."""
        return self.sign * self.contract.marked_value(self.size)

    @property
    def profit(self) -> Decimal:
        """The profit that is not realised."""
        if not self.amount or self.contract.mark is None:
            return ZERO
        return self.contract.direction * self.notional - self.cost

    @property
    def maintenance_margin(self) -> Decimal:
        return to_unit(abs(self.notional) * self.contract.maintenance_rate)

    @property
    def initial_margin(self) -> Decimal:
        return to_unit(abs(self.notional) / self.leverage)

    @property
    def order_margin(self) -> Decimal:
        """What its open orders need beyond its own margin, if the market filled either all bids or all asks."""
        notional = self.notional
        reached = {
            "BOTH": max(abs(notional + self.bids), abs(notional - self.asks)),
            "LONG": abs(notional) + self.bids,
            "SHORT": abs(notional) + self.asks,
        }[self.side]
        return max(ZERO, to_unit(reached / self.leverage) - self.initial_margin)
