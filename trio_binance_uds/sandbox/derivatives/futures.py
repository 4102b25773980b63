"""Is a futures desk: what moves futures accounts apart from their own requests.

USD-M, COIN-M and the two futures parts of a Portfolio Margin account are such desks; what tells them apart are a
dialect, a table of operations, and their contracts.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
from trio_binance_uds.sandbox.derivatives.algo_engine import AlgoEngine
from trio_binance_uds.sandbox.derivatives.amounts import to_unit
from trio_binance_uds.sandbox.derivatives.contracts import Contract
from trio_binance_uds.sandbox.derivatives.core import FIRST_ORDER_ID, FUND_UID, DeskCore, read_amount
from trio_binance_uds.sandbox.derivatives.liquidation import Liquidation
from trio_binance_uds.sandbox.exchange.refusals import InsufficientFunds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trio_binance_uds.sandbox.derivatives.core import Amount
    from trio_binance_uds.sandbox.derivatives.dialects import Dialect
    from trio_binance_uds.sandbox.derivatives.operations import Operation
    from trio_binance_uds.sandbox.derivatives.step import Step
    from trio_binance_uds.sandbox.exchange.delivery import Delivery
    from trio_binance_uds.sandbox.exchange.journal import Journal

__all__ = ["FIRST_ORDER_ID", "FuturesDesk"]


class FuturesDesk(DeskCore[Contract, FuturesAccount]):
    """A futures exchange in memory; see :class:`DeskCore`."""

    def __init__(
        self,
        now: Callable[[], int],
        seed: int = 0,
        *,
        dialect: Dialect,
        operations: Mapping[tuple[str, str], Operation],
        first_order_id: int = FIRST_ORDER_ID,
        delivery: tuple[Delivery, Journal] | None = None,
    ) -> None:
        super().__init__(
            now,
            seed,
            dialect=dialect,
            operations=operations,
            first_order_id=first_order_id,
            delivery=delivery,
        )
        self.algos: AlgoEngine = AlgoEngine(self.engine, self._new_client_id)
        self.insurance_fund: FuturesAccount = FuturesAccount(uid=FUND_UID, alias="fund")
        self._liquidation = Liquidation(self.dialect, self.engine, self.algos, self.ledger, self.insurance_fund)

    def _new_account(self, uid: int, alias: str) -> FuturesAccount:
        return FuturesAccount(uid=uid, alias=alias)

    def _settle(self, step: Step) -> None:
        self.algos.settle(step)

    def add_contract(self, name: str, pair: str, base: str, quote: str, **options: Any) -> Contract:
        """List a contract; the options are those of :class:`Contract`.

        Raises:
            ValueError: it is listed already.
        """
        if name in self.contracts:
            raise ValueError(f"{name} is listed already")
        made = Contract(name=name, pair=pair, base=base, quote=quote, **options)
        made.count_orders_from(self._first_order_id)
        self.contracts[name] = made
        return made

    def tick(self) -> None:
        """Let happen what is due by the clock: orders whose date has come expire. Every call does so too."""
        now = self.time()
        if self.engine.is_due(now) or self.algos.is_due(now):
            with self.step() as step:
                self.engine.expire_due(step)
                self.algos.expire_due(step)

    def set_mark_price(self, symbol: str, price: Amount) -> None:
        """Move the mark price: conditional orders may go off, margins are called, positions are liquidated."""
        contract = self.contracts[symbol]
        contract.mark_price = read_amount(price)
        with self.step() as step:
            step.moved.append((contract, "MARK_PRICE", contract.mark_price))
            self.algos.settle(step)
            if self.dialect.liquidates:
                for account in list(self.accounts.values()):
                    self._liquidation.watch(step, account, contract)

    def liquidate(self, uid: int) -> None:
        """Liquidate all positions of an account, whatever its margin is."""
        account = self.accounts[uid]
        with self.step() as step:
            for position in list(account.positions.values()):
                if position.amount:
                    self._liquidation.liquidate(step, account, position)

    def fund(self, symbol: str, rate: Amount) -> None:
        """Let long positions of a contract pay funding, and short ones get it; with a negative rate the other way.

        One event for each position: a cross one lists no position, an isolated one pays from its own wallet.
        """
        contract = self.contracts[symbol]
        asset = contract.margin_asset
        with self.step() as step:
            for account in list(self.accounts.values()):
                for position in account.positions_of(contract):
                    if not position.amount:
                        continue
                    payment = to_unit(-position.notional * Decimal(rate))
                    self.ledger.move(step, account, "FUNDING_FEE", payment, asset, symbol=symbol)
                    if position.isolated:
                        position.isolated_wallet += payment
                        step.change(position)
                    listed = [position] if position.isolated else []
                    step.report_account(account, "FUNDING_FEE", {asset: payment}, listed, symbol=symbol)

    def transfer(self, uid: int, asset: str, amount: Amount, reason: str | None = None) -> None:
        """Put money into a wallet or, with a negative amount, take it out.

        The event says DEPOSIT or WITHDRAW, unless another ``reason`` is given.

        Raises:
            InsufficientFunds: there is less to take; nothing was changed.
        """
        account, change = self.accounts[uid], Decimal(amount)
        if change < 0 and account.withdrawable(asset) < -change:
            raise InsufficientFunds(f"less than {-change} {asset} can be withdrawn")
        with self.step() as step:
            self.ledger.move(step, account, "TRANSFER", change, asset)
            step.report_account(account, reason or ("WITHDRAW" if change < 0 else "DEPOSIT"), {asset: change})
