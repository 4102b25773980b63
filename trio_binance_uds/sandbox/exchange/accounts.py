"""Keeps the money: accounts, their balances, and the reservations that open orders hold.

Two rules hold after every step, and a step that would break one raises :exc:`LedgerBroken`, which is a bug
here: no balance is negative; an amount leaves one place only to arrive in another.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.exchange.amounts import ZERO
from trio_binance_uds.sandbox.exchange.records import Records
from trio_binance_uds.sandbox.exchange.refusals import insufficient_balance

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange.order_lists import OrderList


class LedgerBroken(AssertionError):
    """A balance would have become negative."""


@attrs.define
class Balance:
    """What an account has of one asset."""

    free: Decimal = ZERO
    locked: Decimal = ZERO
    external: Decimal = ZERO
    """The part of ``locked`` that was locked from outside and belongs to no order."""


@attrs.define(eq=False, kw_only=True)
class Account:
    """A spot account. Made by ``Exchange.add_account``; read it freely, change it through the exchange."""

    uid: int
    maker_commission: Decimal
    taker_commission: Decimal
    uses_bnb: bool = False
    trade_group_id: int = -1
    balances: dict[str, Balance] = attrs.field(factory=dict, repr=False)
    update_time: int = 0
    records: dict[str, Records] = attrs.field(factory=dict, repr=False)
    order_lists: dict[int, OrderList] = attrs.field(factory=dict, repr=False)
    lists_by_client_id: dict[str, OrderList] = attrs.field(factory=dict, repr=False)
    open_lists: dict[int, OrderList] = attrs.field(factory=dict, repr=False)
    list_history: list[OrderList] = attrs.field(factory=list, repr=False)
    """Every list ever, by rising id."""

    def balance(self, asset: str) -> Balance:
        """Return the balance of an asset, which from now on the account lists."""
        found = self.balances.get(asset)
        if found is None:
            found = self.balances[asset] = Balance()
        return found

    def free(self, asset: str) -> Decimal:
        found = self.balances.get(asset)
        return ZERO if found is None else found.free

    def records_of(self, symbol: str) -> Records:
        found = self.records.get(symbol)
        if found is None:
            found = self.records[symbol] = Records()
        return found

    def add_list(self, order_list: OrderList) -> None:
        self.order_lists[order_list.list_id] = order_list
        self.open_lists[order_list.list_id] = order_list
        self.list_history.append(order_list)
        self.lists_by_client_id[order_list.client_id] = order_list

    def change(self, asset: str, *, free: Decimal = ZERO, locked: Decimal = ZERO) -> None:
        """Add to a balance; amounts may be negative, the result may not."""
        balance = self.balance(asset)
        new_free, new_locked = balance.free + free, balance.locked + locked
        if new_free < 0 or new_locked < balance.external:
            raise LedgerBroken(f"{asset} of account {self.uid}: free {new_free}, locked {new_locked}")
        balance.free, balance.locked = new_free, new_locked


@attrs.define(eq=False)
class Reservation:
    """An amount that is locked for one order, or for the two legs of an OCO together."""

    account: Account
    asset: str
    amount: Decimal = ZERO

    def grow_to(self, amount: Decimal) -> None:
        """Lock more, up to ``amount``.

        Raises:
            Refusal: the free balance does not suffice; nothing was changed.
        """
        missing = amount - self.amount
        if missing <= 0:
            return
        if self.account.free(self.asset) < missing:
            raise insufficient_balance()
        self.account.change(self.asset, free=-missing, locked=missing)
        self.amount = amount

    def trim_to(self, amount: Decimal) -> None:
        """Give back to the free balance whatever is above ``amount``."""
        surplus = self.amount - amount
        if surplus > 0:
            self.account.change(self.asset, free=surplus, locked=-surplus)
            self.amount = amount

    def pay(self, amount: Decimal) -> None:
        """Take ``amount`` out of the account for good."""
        self.account.change(self.asset, locked=-amount)
        self.amount -= amount
