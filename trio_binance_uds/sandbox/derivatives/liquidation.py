"""Calls for margin and liquidates positions when the mark price says so.

An account is called when its maintenance margin takes up :data:`CALL_AT` of what backs it, once until it is better off
again. When it takes up all, its open orders on the contract expire and the venue closes the position with an order of
its own: first against the book, at the mark price or better, then against the insurance fund, which also makes up for
what the account cannot pay. The real venue's tiers and partial liquidations are left out.

Source: Binance USD-M Futures, "Event: Margin Call" and "Event: Order Update" (2026-05-28).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.derivatives import events
from trio_binance_uds.sandbox.derivatives.amounts import ZERO, floor_to, milliseconds
from trio_binance_uds.sandbox.derivatives.lifecycle import expire
from trio_binance_uds.sandbox.derivatives.orders import OrderRequest

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.algo_engine import AlgoEngine
    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.dialects import Dialect
    from trio_binance_uds.sandbox.derivatives.engine import Engine
    from trio_binance_uds.sandbox.derivatives.ledger import Ledger
    from trio_binance_uds.sandbox.derivatives.positions import Position
    from trio_binance_uds.sandbox.derivatives.step import Step

CALL_AT = Decimal("0.8")


class Liquidation:
    """The venue's watch over margins."""

    def __init__(
        self, dialect: Dialect, engine: Engine, algos: AlgoEngine, ledger: Ledger, fund: FuturesAccount
    ) -> None:
        self._dialect = dialect
        self._engine = engine
        self._algos = algos
        self._ledger = ledger
        self._fund = fund
        self._liquidated = 0

    def watch(self, step: Step, account: FuturesAccount, contract: Contract) -> None:
        """Look at an account after the mark price of a contract has moved."""
        open_positions = [position for position in account.positions_of(contract) if position.amount]
        called = [position for position in open_positions if _used(account, position) >= CALL_AT]
        doomed = [position for position in called if _used(account, position) >= 1]
        if called and not account.called:
            step.emit(account, events.margin_call(self._dialect, account, called, step.time))
        account.called = bool(called) and not doomed
        for position in doomed:
            self.liquidate(step, account, position)

    def liquidate(self, step: Step, account: FuturesAccount, position: Position) -> None:
        """Close a position in the venue's name."""
        contract = position.contract
        for order in list(account.records_of(contract.name).open.values()):
            expire(step, order, "liquidation")
        for algo in list(account.algos.open.values()):
            if algo.contract is contract:
                self._algos.cancel(step, algo, "EXPIRED")
        backing = position.isolated_wallet if position.isolated else None
        self._liquidated += 1
        mark = contract.mark or ZERO
        request = OrderRequest(
            side="SELL" if position.amount > 0 else "BUY",
            type="LIQUIDATION",
            time_in_force="IOC",
            quantity=position.size,
            price=max(floor_to(mark, contract.tick_size), contract.tick_size),
            position_side=position.side,
            client_order_id=f"autoclose-{milliseconds(step.time)}{self._liquidated:06}",
            stp_mode="NONE",
        )
        asset = contract.margin_asset
        before = account.balance(asset)
        order = self._engine.liquidate(step, account, contract, request, self._fund)
        account.forced.append(order)
        wallet = account.balance(asset)
        missing = -wallet if backing is None else -(wallet - before + backing)
        if missing > 0 and self._dialect.liquidates:
            self._ledger.move(step, account, "INSURANCE_CLEAR", missing, asset, symbol=contract.name)
            step.report_account(account, "INSURANCE_CLEAR", {asset: missing})


def _used(account: FuturesAccount, position: Position) -> Decimal:
    """Return which share of what backs a position its maintenance margin takes up; at least 1: all of it."""
    if position.isolated:
        needed, backing = position.maintenance_margin, position.isolated_wallet + position.profit
    else:
        asset = position.contract.margin_asset
        cross = [other for other in account.margined_in(asset) if not other.isolated]
        needed = sum((other.maintenance_margin for other in cross), ZERO)
        backing = account.cross_wallet(asset) + account.cross_profit(asset)
    return needed / backing if backing > 0 else Decimal(1)
