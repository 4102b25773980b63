"""Is the margin desk: cross and isolated margin accounts, their loans, and the stream of a cross account's risk.

The accounts are accounts of the exchange, on the same order books as those of spot, with balances and a number of their
own. What happens on them is told by the exchange, in its journal under that number; whoever watches the desk is told of
debts and of the margin level, which only cross accounts have a stream for.

Nobody is liquidated but on purpose: see :meth:`MarginDesk.force_liquidation`.

Source: Binance Margin Trading, "Trade Data Stream" and "Risk Data Stream" (2026-01-15).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from trio_binance_uds.sandbox.agenda import Agenda
from trio_binance_uds.sandbox.desk import Route, Sink
from trio_binance_uds.sandbox.exchange import Account, Exchange, Journal, Refusal
from trio_binance_uds.sandbox.exchange.delivery import Delivery
from trio_binance_uds.sandbox.margin import events, trading
from trio_binance_uds.sandbox.margin.accounts import MarginAccount, Record
from trio_binance_uds.sandbox.margin.levels import Prices, level_of, status_at
from trio_binance_uds.sandbox.margin.loans import Loans
from trio_binance_uds.sandbox.margin.operations import OPERATIONS

_HOUR = 3_600_000_000

Follow = Callable[[MarginAccount, dict[str, Any]], None]
"""Takes an event of an account."""


class MarginDesk:
    """The margin accounts of a sandbox.

    Attributes:
        exchange: where they trade.
        prices: what their assets are worth.
        loans: who lends to them.
    """

    def __init__(self, exchange: Exchange, agenda: Agenda) -> None:
        self.exchange = exchange
        self.prices: Prices = Prices(exchange.symbols)
        self.loans: Loans = Loans(exchange, self.prices, self._tell, self._expect_interest)
        self._agenda = agenda
        self._journal = Journal()
        self._delivery = Delivery(self._journal)
        self._accounts: dict[tuple[int, str | None], MarginAccount] = {}
        self._owing: dict[int, MarginAccount] = {}
        self._is_interest_due = False
        self._followers: list[tuple[Follow, Follow]] = []
        exchange.observe(self._review)

    # What the fronts need: see the desk's contract.

    @property
    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The routes by verb and path."""
        return {place: operation.route for place, operation in OPERATIONS.items()}

    @property
    def journal(self) -> Journal:
        """Every event of the risk streams, by the uid of the owner."""
        return self._journal

    def has(self, uid: int) -> bool:
        """Whether this owner has any margin account."""
        return any(owner == uid for owner, _ in self._accounts)

    def open_account(self, uid: int, balances: Mapping[str, str]) -> None:
        """Open an owner's cross margin account with these balances; that is no event.

        Raises:
            ValueError: there is one.
        """
        self._open(uid, None, balances)

    def open_isolated(self, uid: int, symbol: str, balances: Mapping[str, str]) -> None:
        """Open an owner's isolated margin account of a pair with these balances; that is no event.

        Raises:
            ValueError: there is one, there is no such pair, or it has no such asset.
        """
        pair = self.exchange.symbols.get(symbol)
        if pair is None or not balances.keys() <= {pair.base, pair.quote}:
            raise ValueError(f"there is no isolated margin account of {symbol} with {', '.join(balances) or 'nothing'}")
        self._open(uid, symbol, balances)

    def call(self, uid: int, verb: str, path: str, params: Mapping[str, Any]) -> Any:
        """Do what a route does for an owner, and return its answer.

        Raises:
            Refusal: the desk, or the exchange, says no.
        """
        self._agenda.catch_up()
        return OPERATIONS[verb, path].do(self, uid, params)

    def watch(self, uid: int, sink: Sink) -> Callable[[], None]:
        """Send the risk events of an owner's cross account to a sink; return what ends that."""
        return self._delivery.watch(uid, sink)

    def follow(self, on_account_event: Follow, on_risk_event: Follow) -> None:
        """Call these with every event of every account that is opened from now on, cross or isolated."""
        self._followers.append((on_account_event, on_risk_event))

    # Accounts

    def find(self, owner: int, symbol: str | None) -> MarginAccount:
        """Return the cross account of an owner, or that of a pair.

        Raises:
            Refusal: -3003.
        """
        found = self._accounts.get((owner, symbol))
        if found is None:
            raise Refusal(-3003, "Margin account does not exist.")
        return found

    def account(self, owner: int, symbol: str | None = None) -> Account:
        """Return the cross account of an owner, or that of a pair, as the exchange knows it.

        Raises:
            Refusal: -3003.
        """
        return self.find(owner, symbol).account

    def isolated_of(self, owner: int) -> list[MarginAccount]:
        """Return all isolated accounts of an owner, oldest first."""
        return [account for account in self._accounts.values() if account.owner == owner and account.is_isolated]

    def _open(self, owner: int, symbol: str | None, balances: Mapping[str, str]) -> None:
        if (owner, symbol) in self._accounts:
            raise ValueError(f"there is a margin account of {owner} for {symbol or 'cross'} already")
        made = MarginAccount(owner=owner, symbol=symbol, account=self.exchange.add_account(balances))
        self._accounts[owner, symbol] = made
        for on_account_event, _ in self._followers:
            self.exchange.watch(made.account, partial(on_account_event, made))
        self.exchange.watch(made.account, lambda event: self._repay_from(made, event))

    # Repaying by orders

    def repay_by(self, account: MarginAccount, symbol: str, order_id: int) -> None:
        """Repay with what an order has brought, and with what it still brings."""
        order = account.account.records_of(symbol).by_id[order_id]
        account.auto_repay.add((symbol, order_id))
        if order.trades:
            self._repay_proceeds(account, symbol, is_buy=order.is_buy)
        if not order.is_open:
            account.auto_repay.discard((symbol, order_id))

    def _repay_from(self, account: MarginAccount, event: Mapping[str, Any]) -> None:
        if event["e"] != "executionReport" or (event["s"], event["i"]) not in account.auto_repay:
            return
        if event["x"] == "TRADE":
            self._repay_proceeds(account, event["s"], is_buy=event["S"] == "BUY")
        if event["X"] not in ("NEW", "PARTIALLY_FILLED"):
            account.auto_repay.discard((event["s"], event["i"]))

    def _repay_proceeds(self, account: MarginAccount, symbol: str, *, is_buy: bool) -> None:
        pair = self.exchange.symbols[symbol]
        self.loans.repay_what_is_there(account, pair.base if is_buy else pair.quote)

    def force_liquidation(
        self, owner: int, *, symbol: str, side: str, quantity: str, isolated: bool = False
    ) -> dict[str, Any]:
        """Trade at the market in the venue's name, repay with what that brings, and return the record of it.

        The client sees an order that it never sent.

        Raises:
            Refusal: there is no such account, or nobody to trade with.
        """
        account = self.find(owner, symbol if isolated else None)
        row = trading.liquidate(self, account, symbol, side, quantity)
        record = Record(id=row["orderId"], time=self.now(), asset="", kind="LIQUIDATION", row=row)
        account.liquidations.append(record)
        self._repay_proceeds(account, symbol, is_buy=side == "BUY")
        return row

    # Debts and levels

    def now(self) -> int:
        """Read the exchange's clock, in microseconds since the epoch."""
        return self.exchange.time()

    def _tell(self, account: MarginAccount, event: dict[str, Any]) -> None:
        """Send an event about the risk of an account; isolated ones have no risk stream."""
        self._owing[account.account.uid] = account
        for _, on_risk_event in self._followers:
            on_risk_event(account, event)
        if not account.is_isolated:
            self._delivery.post(self.now(), self.exchange.accounts[account.owner], event)
            self._delivery.flush()

    def _review(self) -> None:
        """Look at the level of everybody who owes, behind every step of the exchange."""
        for uid, account in list(self._owing.items()):
            level = level_of(account, self.prices.of)
            status = status_at(level)
            if status != account.status:
                account.status = status
                self._tell(account, events.level_status_change(self.now(), level, status))
            if not account.owes:
                self._owing.pop(uid, None)

    def _expect_interest(self) -> None:
        if not self._is_interest_due:
            self._is_interest_due = True
            self._agenda.at((self.now() // _HOUR + 1) * _HOUR, self._charge)

    def _charge(self) -> None:
        """Charge everybody who owes for an hour, and come back as long as anybody does."""
        self._is_interest_due = False
        owing = [account for account in self._accounts.values() if account.owes]
        for account in owing:
            self.loans.charge(account)
        self._review()
        if owing:
            self._expect_interest()
