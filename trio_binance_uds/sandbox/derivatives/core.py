"""Is what all derivatives desks have in common: contracts, accounts, a clock, and calls that are atomic.

A call reads the clock that was passed in once, and everything it does carries that time. A refused call changes
nothing. Events reach the watchers after the call has done all its work, in order.
"""

from __future__ import annotations

import random
import string
from abc import ABC, abstractmethod
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from trio_binance_uds.sandbox.derivatives import refusals
from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
from trio_binance_uds.sandbox.derivatives.amounts import ZERO, decimal_places
from trio_binance_uds.sandbox.derivatives.contracts import Contract
from trio_binance_uds.sandbox.derivatives.engine import Engine
from trio_binance_uds.sandbox.derivatives.ledger import Ledger
from trio_binance_uds.sandbox.derivatives.matching import Matching
from trio_binance_uds.sandbox.derivatives.records import keep_version
from trio_binance_uds.sandbox.derivatives.step import Step
from trio_binance_uds.sandbox.exchange.delivery import Delivery
from trio_binance_uds.sandbox.exchange.journal import Journal
from trio_binance_uds.sandbox.exchange.parameters import Parameters
from trio_binance_uds.sandbox.exchange.refusals import UnknownMethod

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

ContractT = TypeVar("ContractT", bound=Contract)
HolderT = TypeVar("HolderT", bound=FuturesAccount)


class DeskCore(ABC, Generic[ContractT, HolderT]):
    """A derivatives exchange in memory, of which the kinds of desk add what is theirs.

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
        ledger: Ledger | None = None,
    ) -> None:
        self.dialect: Dialect = dialect
        self.contracts: dict[str, ContractT] = {}
        self.accounts: dict[int, HolderT] = {}
        self.lag: float = 0
        self.ledger: Ledger = Ledger() if ledger is None else ledger
        self.engine: Engine = Engine(dialect, Matching(dialect, self.ledger), self._new_client_id)
        self._operations = operations
        self._routes = {place: operation.route for place, operation in operations.items()}
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
        return self._routes

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
        account = self._new_account(uid, "".join(self._random.choices(CLIENT_ID_ALPHABET, k=4)))
        for asset, amount in balances.items():
            wallet = account.wallet(asset)
            wallet.balance, wallet.updated = read_amount(amount), self.time()
            keep_version(wallet)
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
            raise refusals.Refusal(*self.dialect.no_account)
        self.tick()
        return operation.do(self, account, Parameters(params))

    def watch(self, uid: int, sink: Sink) -> Callable[[], None]:
        """Call ``sink`` with every event of an account from now on; return a function that ends this.

        It is called inside whatever call made the event, after that call has done its work. It may call the desk.
        It must not raise, and must not change the event, which is shared.
        """
        return self._delivery.watch(uid, sink)

    def emit(self, uid: int, event: dict[str, Any]) -> None:
        """Send an event of the caller's making to an account, such as one of a kind that nothing here causes."""
        with self.step() as step:
            step.emit(self.accounts[uid], event)

    # What the kinds of desk fill in.

    @abstractmethod
    def tick(self) -> None:
        """Let happen what is due by the clock; every call does so too."""

    @abstractmethod
    def _new_account(self, uid: int, alias: str) -> HolderT: ...

    def _new_step(self, time: int, post: Callable[[int, FuturesAccount, dict[str, Any]], None]) -> Step:
        return Step(time, self.dialect, post)

    def _settle(self, step: Step) -> None:
        """Work off what a step has set going."""

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

    def find_contract(self, symbol: str) -> ContractT | None:
        """Return a contract by its name, if it is listed."""
        return self.contracts.get(symbol)

    def contract(self, name: str) -> ContractT:
        found = self.contracts.get(name)
        if found is None:
            raise refusals.bad_symbol()
        return found

    def contract_of(self, p: Parameters) -> ContractT:
        """Read the mandatory ``symbol``."""
        return self.contract(p.need_text("symbol"))

    @contextmanager
    def step(self) -> Iterator[Step]:
        """Run one atomic step; its events go out when it ends."""
        step = self._new_step(self.time(), self._delivery.post)
        try:
            yield step
            self._settle(step)
        finally:
            step.close(keep_versions=self.lag > 0)
            self._delivery.flush()

    def _new_client_id(self) -> str:
        return "".join(self._random.choices(CLIENT_ID_ALPHABET, k=CLIENT_ID_LENGTH))


def read_amount(value: Amount) -> Decimal:
    amount = Decimal(value)
    if amount < ZERO or decimal_places(amount) > 8:
        raise ValueError(f"{value!r} is not an amount: it must be at least 0 and have at most 8 decimals")
    return amount
