"""Is a futures desk: contracts, accounts, and what their routes do, without any I/O.

USD-M, COIN-M and the two futures parts of a Portfolio Margin account are such desks; what tells them apart are a
dialect, a table of operations, and their contracts. A call reads the clock that was passed in once, and everything it
does carries that time. Calls are atomic: a refused one changes nothing. Events reach the watchers after the call has
done all its work, in order.
"""

from __future__ import annotations

import random
import string
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives import refusals
from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
from trio_binance_uds.sandbox.derivatives.algo_engine import AlgoEngine
from trio_binance_uds.sandbox.derivatives.amounts import ZERO, decimal_places, to_unit
from trio_binance_uds.sandbox.derivatives.contracts import Contract
from trio_binance_uds.sandbox.derivatives.engine import Engine
from trio_binance_uds.sandbox.derivatives.ledger import Ledger
from trio_binance_uds.sandbox.derivatives.liquidation import Liquidation
from trio_binance_uds.sandbox.derivatives.matching import Matching
from trio_binance_uds.sandbox.derivatives.step import Step
from trio_binance_uds.sandbox.exchange.delivery import Delivery
from trio_binance_uds.sandbox.exchange.journal import Journal
from trio_binance_uds.sandbox.exchange.parameters import Parameters
from trio_binance_uds.sandbox.exchange.refusals import InsufficientFunds, UnknownMethod

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trio_binance_uds.sandbox.derivatives.dialects import Dialect
    from trio_binance_uds.sandbox.derivatives.operations import Operation
    from trio_binance_uds.sandbox.desk import Route, Sink

    Amount = str | int | Decimal

CLIENT_ID_LENGTH = 22
CLIENT_ID_ALPHABET = string.ascii_letters + string.digits
FIRST_ORDER_ID = 8_000_000_001
FUND_UID = 0
"""Whose account the insurance fund is."""


class FuturesDesk:
    """A futures exchange in memory.

    Args:
        now: the time in epoch microseconds; a clock that goes back is held at its highest value.
        seed: what generated client ids and aliases come from.
        first_order_id: where the ids of each contract begin; from 2**53 on they do not fit a floating-point number.
        delivery: the way of the events, with its journal, where several desks share one.

    Attributes:
        lag: how far behind, in seconds, the answers of queries for history, positions and balances are. Former
            states are kept only while it is above zero, so set it before trading.
    """

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
        self.dialect: Dialect = dialect
        self.contracts: dict[str, Contract] = {}
        self.accounts: dict[int, FuturesAccount] = {}
        self.lag: float = 0
        self.ledger: Ledger = Ledger()
        self.engine: Engine = Engine(dialect, Matching(self.ledger), self._new_client_id)
        self.algos: AlgoEngine = AlgoEngine(self.engine, self._new_client_id)
        self.insurance_fund: FuturesAccount = FuturesAccount(uid=FUND_UID, alias="fund")
        self._liquidation = Liquidation(dialect, self.engine, self.algos, self.ledger, self.insurance_fund)
        self._operations = operations
        self._now = now
        self._latest = 0
        self._random = random.Random(seed)
        self._first_order_id = first_order_id
        if delivery is None:
            journal = Journal()
            delivery = Delivery(journal), journal
        self._delivery, self._journal = delivery

    # What the fronts need: see the desk's contract.

    @property
    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The routes by verb and path."""
        return {place: operation.route for place, operation in self._operations.items()}

    @property
    def journal(self) -> Journal:
        """Every event of the desk, by uid."""
        return self._journal

    def has(self, uid: int) -> bool:
        """Whether this owner has an account here."""
        return uid in self.accounts

    def open_account(self, uid: int, balances: Mapping[str, str]) -> None:
        """Open an owner's account with these wallet balances by asset; that is no event.

        Raises:
            ValueError: the owner has one, or an amount is none.
        """
        if uid in self.accounts or uid == FUND_UID:
            raise ValueError(f"there is an account of owner {uid} already")
        account = FuturesAccount(uid=uid, alias="".join(self._random.choices(CLIENT_ID_ALPHABET, k=4)))
        for asset, amount in balances.items():
            wallet = account.wallet(asset)
            wallet.balance, wallet.updated = _amount(amount), self.time()
        account.wallet(self.main_asset)
        self.accounts[uid] = account

    def call(self, uid: int, verb: str, path: str, params: Mapping[str, Any]) -> Any:
        """Do what a route does for an account, and return its answer as JSON would have it.

        ``params`` are those of the route alone: the timestamp and its like are the front's and would be refused.

        Raises:
            Refusal: the desk says no; nothing was changed.
            UnknownMethod: it has no such route.
        """
        operation = self._operations.get((verb, path))
        if operation is None:
            raise UnknownMethod(f"{verb} {path}")
        account = self.accounts.get(uid)
        if account is None:
            raise refusals.Refusal(-4109, "This account is inactive, please transfer asset to activate it.")
        self.tick()
        return operation.do(self, account, Parameters(params))

    def watch(self, uid: int, sink: Sink) -> Callable[[], None]:
        """Call ``sink`` with every event of an account from now on; return a function that ends this.

        It is called inside whatever call made the event, after that call has done its work. It may call the desk.
        It must not raise, and must not change the event, which is shared.
        """
        return self._delivery.watch(uid, sink)

    # What happens without a request.

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
        contract.mark_price = _amount(price)
        with self.step() as step:
            step.moved.append((contract, "MARK_PRICE", contract.mark_price))
            self.algos.settle(step)
            for account in list(self.accounts.values()):
                self._liquidation.watch(step, account, contract)

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

    def emit(self, uid: int, event: dict[str, Any]) -> None:
        """Send an event of the caller's making to an account, such as one of a kind that nothing here causes."""
        with self.step() as step:
            step.emit(self.accounts[uid], event)

    # What the operations need.

    @property
    def main_asset(self) -> str:
        """The asset that margin is of: that of the first contract."""
        return next(iter(self.contracts.values())).margin_asset

    def time(self) -> int:
        """Read the clock, in epoch microseconds; it never goes back."""
        self._latest = max(self._latest, self._now())
        return self._latest

    def horizon(self) -> int | None:
        """Return up to when the database knows, or ``None`` if it knows everything."""
        return self.time() - int(self.lag * 1_000_000) if self.lag else None

    def contract(self, name: str) -> Contract:
        found = self.contracts.get(name)
        if found is None:
            raise refusals.bad_symbol()
        return found

    def contract_of(self, p: Parameters) -> Contract:
        """Read the mandatory ``symbol``."""
        return self.contract(p.need_text("symbol"))

    @contextmanager
    def step(self) -> Iterator[Step]:
        """Run one atomic step; its events go out when it ends."""
        step = Step(self.time(), self.dialect, self._delivery.post)
        try:
            yield step
            self.algos.settle(step)
        finally:
            step.close(keep_versions=self.lag > 0)
            self._delivery.flush()

    def _new_client_id(self) -> str:
        return "".join(self._random.choices(CLIENT_ID_ALPHABET, k=CLIENT_ID_LENGTH))


def _amount(value: Amount) -> Decimal:
    amount = Decimal(value)
    if amount < ZERO or decimal_places(amount) > 8:
        raise ValueError(f"{value!r} is not an amount: it must be at least 0 and have at most 8 decimals")
    return amount
