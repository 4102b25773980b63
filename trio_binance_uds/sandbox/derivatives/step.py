"""Gathers what one step of a futures desk does: its time, its events, what it changed, and what follows it.

Every change happens inside one step and carries its one time. A fill is told by the short report where there is one,
then by the order's, then by the account's.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.derivatives import events
from trio_binance_uds.sandbox.derivatives.amounts import ZERO
from trio_binance_uds.sandbox.derivatives.records import keep_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal

    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.algos import AlgoOrder
    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.dialects import Dialect
    from trio_binance_uds.sandbox.derivatives.orders import Fill, Order
    from trio_binance_uds.sandbox.derivatives.positions import Position, Wallet


class Step:
    """One atomic step of a futures desk."""

    __slots__ = ("_changed", "_dialect", "_post", "moved", "time")

    def __init__(self, time: int, dialect: Dialect, post: Callable[[int, FuturesAccount, events.Event], None]) -> None:
        self.time: int = time
        self.moved: deque[tuple[Contract, str, Decimal]] = deque()
        """Prices that have moved and whose conditional orders have yet to react: contract, kind of price, price."""
        self._dialect = dialect
        self._post = post
        self._changed: dict[Order | Position | Wallet | AlgoOrder, None] = {}

    def emit(self, account: FuturesAccount, event: events.Event) -> None:
        """Send an event to an account."""
        self._post(self.time, account, event)

    def change(self, thing: Order | Position | Wallet | AlgoOrder) -> None:
        """Note that something has changed now."""
        thing.updated = self.time
        self._changed[thing] = None

    def report(self, order: Order, execution: str, *, fill: Fill | None = None, modify_id: str | None = None) -> None:
        """Report a change that was just made to an order, and with a fill that of its account."""
        self.change(order)
        account = order.account
        if fill is not None and self._dialect.trade_lite:
            self.emit(account, events.trade_lite(order, self.time, fill))
        event = events.order_trade_update(self._dialect, order, execution, self.time, fill=fill, modify_id=modify_id)
        self.emit(account, event)
        if fill is not None:
            self.report_account(account, "ORDER", {order.contract.margin_asset: ZERO}, [order.position])

    def report_account(
        self,
        account: FuturesAccount,
        reason: str,
        changes: Mapping[str, Decimal],
        positions: Iterable[Position] = (),
        *,
        symbol: str | None = None,
    ) -> None:
        """Tell wallets and positions that were just changed."""
        event = events.account_update(
            self._dialect, account, reason, self.time, changes=changes, positions=positions, symbol=symbol
        )
        self.emit(account, event)

    def report_algo(self, algo: AlgoOrder) -> None:
        """Report a change that was just made to a conditional order."""
        self.change(algo)
        self.emit(algo.account, events.algo_update(self._dialect, algo, self.time))

    def close(self, *, keep_versions: bool) -> None:
        """End the step; the states that it leaves behind may be kept for those who ask late."""
        if keep_versions:
            for thing in self._changed:
                keep_version(thing)
        self._changed.clear()
