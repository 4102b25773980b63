"""Gathers what one step of the exchange does: its time, its events, whose balances it touched, what follows it.

Every change of the exchange happens inside one transaction and carries its one time. The events of an account
come out in the order of its reports, and behind the last of them one ``outboundAccountPosition``.
"""

from __future__ import annotations

import copy
from collections import deque
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.exchange import events

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance_uds.sandbox.exchange.accounts import Account
    from trio_binance_uds.sandbox.exchange.order_lists import OrderList
    from trio_binance_uds.sandbox.exchange.orders import Order, PreventedMatch, Trade

FEE_ASSET = "BNB"


class Transaction:
    """One atomic step of the exchange."""

    __slots__ = ("_emit", "_touched", "activations", "keep_versions", "time", "triggered")

    def __init__(
        self, time: int, emit: Callable[[int, Account, events.Event], None], *, keep_versions: bool = False
    ) -> None:
        self.time: int = time
        self.keep_versions: bool = keep_versions
        self.triggered: deque[Order] = deque()
        """Contingent orders that went off and have yet to enter the market."""
        self.activations: deque[OrderList] = deque()
        """Lists whose working order is filled and whose pending orders have yet to be placed."""
        self._emit = emit
        self._touched: dict[int, tuple[Account, dict[str, None]]] = {}

    def emit(self, account: Account, event: events.Event) -> None:
        """Send an event to an account."""
        self._emit(self.time, account, event)

    def touch(self, account: Account, *assets: str) -> None:
        """Note that balances may have changed and must be told at the end."""
        touched = self._touched.get(account.uid)
        if touched is None:
            touched = self._touched[account.uid] = (account, {})
        touched[1].update(dict.fromkeys(assets))
        account.update_time = self.time

    def report(
        self,
        order: Order,
        execution: str,
        *,
        trade: Trade | None = None,
        prevention: PreventedMatch | None = None,
        former_client_order_id: str = "",
        reject_reason: str = "NONE",
    ) -> int:
        """Report a change that was just made to an order; return the execution id of the report."""
        execution_id = order.symbol.next_execution_id()
        account = order.account
        order.updated = self.time
        account.records_of(order.symbol.name).log.append(self.time, order)
        if self.keep_versions:
            order.versions.append(copy.copy(order))
        # Observed: any order report brings the base asset, BNB and the quote asset, changed or not.
        bnb = (FEE_ASSET,) if account.uses_bnb or FEE_ASSET in account.balances else ()
        self.touch(account, order.symbol.base, *bnb, order.symbol.quote)
        self.emit(
            account,
            events.execution_report(
                order,
                execution,
                self.time,
                execution_id,
                trade=trade,
                prevention=prevention,
                former_client_order_id=former_client_order_id,
                reject_reason=reject_reason,
            ),
        )
        return execution_id

    def report_list(self, order_list: OrderList, status_type: str) -> None:
        """Report a change of an order list."""
        order_list.updated = self.time
        account = order_list.orders[0].account
        self.emit(account, events.list_status(order_list, status_type, self.time))

    def close(self) -> None:
        """Tell the touched balances; nothing may follow."""
        for account, assets in self._touched.values():
            self.emit(account, events.account_position(account, assets, self.time))
        self._touched.clear()
