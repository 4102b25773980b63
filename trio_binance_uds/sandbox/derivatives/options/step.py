"""Gathers what one step of the options desk does; its events are told in the ways of options.

A fill is told by the order's report, then by that of balance and position, then by the totals and the greeks.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.derivatives.amounts import ZERO
from trio_binance_uds.sandbox.derivatives.options import events
from trio_binance_uds.sandbox.derivatives.options.accounts import OptionsAccount
from trio_binance_uds.sandbox.derivatives.step import Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.orders import Fill, Order
    from trio_binance_uds.sandbox.derivatives.positions import Position


class OptionsStep(Step):
    """One atomic step of the options desk."""

    __slots__ = ()

    def report(self, order: Order, execution: str, *, fill: Fill | None = None, modify_id: str | None = None) -> None:
        """Report a change that was just made to an order, and with a fill that of its account."""
        self.change(order)
        self.emit(order.account, events.order_trade_update(order, execution, self.time, fill))
        if fill is not None:
            self.report_account(order.account, "ORDER", {order.contract.margin_asset: ZERO}, [order.position])

    def report_account(
        self,
        account: FuturesAccount,
        reason: str,
        changes: Mapping[str, Decimal],
        positions: Iterable[Position] = (),
        *,
        symbol: str | None = None,
    ) -> None:
        """Tell a wallet and positions that were just changed, and what the account is worth now."""
        assert isinstance(account, OptionsAccount)
        listed = list(positions)
        for asset, change in changes.items():
            update = events.balance_position_update(account, reason, self.time, asset, change, listed)
            self.emit(account, update)
            self.report_totals(account, asset, greeks=bool(listed))

    def report_totals(self, account: OptionsAccount, asset: str, *, greeks: bool) -> None:
        """Tell what the account is worth, its greeks, and the risk level if that has changed."""
        self.emit(account, events.account_update(account, asset, self.time))
        if greeks:
            self.emit(account, events.greek_update(account, self.time))
        level = "REDUCE_ONLY" if account.equity(asset) < account.maintenance_margin else "NORMAL"
        if level != account.risk_level:
            account.risk_level = level
            if account.hears_of_risk:
                self.emit(account, events.risk_level_change(account, asset, self.time))
