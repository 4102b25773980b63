"""A dozen seconds of trading on a spot account, or on margin accounts, which trade in the same books."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, cast

import attrs
import trio

from trio_binance_uds import (
    Balance,
    Event,
    ExecutionReport,
    ListenTokenSubscription,
    Notice,
    Product,
    UserDataStream,
    UserDataStreamError,
)
from trio_binance_uds.cli.failures import WrongUsage
from trio_binance_uds.cli.script import STEP, Play, Stage, at_desk, do, kinds, outage, something_new, statuses
from trio_binance_uds.sandbox import JournalEntry, Sandbox, SandboxAccount


@attrs.frozen
class Book:
    """What is in the books of a symbol: the price in the middle, and how much there is on each level."""

    symbol: str
    middle: Decimal
    size: Decimal

    def near(self, offset: int) -> Decimal:
        """Return a price so many of 60,000th parts off the middle; the first level is 30 off."""
        return self.middle + self.middle * offset / 60_000


BOOKS = {
    symbol: Book(symbol, Decimal(middle), Decimal(size))
    for symbol, middle, size in (("BTCUSDT", 60_000, 1), ("ETHUSDT", 3_000, 10), ("BNBUSDT", 600, 20))
}
_CROSS_TRADES = "BTCUSDT"
_FUNDS = {"USDT": "50000"}


# Acting in the books


def open_books(sandbox: Sandbox, books: Iterable[Book]) -> SandboxAccount:
    """Put orders of somebody else on both sides of the books, and return who that is."""
    assets = {"USDT", *(sandbox.exchange.symbols[book.symbol].base for book in books)}
    maker = sandbox.add_account(balances=dict.fromkeys(assets, "100000000"), key="hmac")
    for book in books:
        sandbox.exchange.seed_book(book.symbol, book.middle, 5, maker.exchange_account, quantity=book.size)
    return maker


def limit(account: SandboxAccount, book: Book, side: str, quantity: Decimal, price: Decimal) -> int:
    """Place an order that stays, and return its id."""
    order = {"symbol": book.symbol, "side": side, "type": "LIMIT", "timeInForce": "GTC"}
    answer = account.call("order.place", order, quantity=quantity, price=price)
    order_id: int = answer["orderId"]
    return order_id


def market(account: SandboxAccount, book: Book, side: str, quantity: Decimal) -> None:
    """Trade at once."""
    account.call("order.place", symbol=book.symbol, side=side, type="MARKET", quantity=quantity)


# Scenes


async def _fill_in_parts(stage: Stage, account: SandboxAccount, counterparty: SandboxAccount, book: Book) -> None:
    stage.narrate("a limit order; somebody sells into it, twice")
    quantity = book.size / 2
    limit(account, book, "BUY", quantity, book.near(-10))
    for part in (Decimal("0.4"), Decimal("0.6")):
        await trio.sleep(STEP)
        market(counterparty, book, "SELL", part * quantity)
    await trio.sleep(STEP)


async def _change_of_mind(stage: Stage, account: SandboxAccount, book: Book) -> None:
    stage.narrate("an order, and a change of mind")
    order = limit(account, book, "SELL", book.size / 10, book.near(2000))
    await trio.sleep(STEP)
    account.call("order.cancel", symbol=book.symbol, orderId=order)
    await trio.sleep(STEP)


async def _one_cancels_the_other(stage: Stage, counterparty: SandboxAccount, book: Book) -> None:
    stage.narrate("take profit or stop loss, whichever comes first")
    quantity = book.size * 2 / 5
    stage.account.call(
        "orderList.place.oco",
        symbol=book.symbol,
        side="SELL",
        quantity=quantity,
        aboveType="LIMIT_MAKER",
        abovePrice=book.near(20),
        belowType="STOP_LOSS",
        belowStopPrice=book.near(-1000),
    )
    await trio.sleep(STEP)
    market(counterparty, book, "BUY", quantity)
    await trio.sleep(STEP)


async def _restart(stage: Stage, account: SandboxAccount, book: Book) -> None:
    stage.narrate("the venue announces a restart")
    before = stage.links_opened()
    stage.sandbox.faults.server_shutdown(grace=3 * STEP)
    order = limit(account, book, "SELL", book.size / 20, book.near(10))
    for offset in (12, 14):
        await trio.sleep(1.5 * STEP)
        account.call("order.cancel", symbol=book.symbol, orderId=order)
        order = limit(account, book, "SELL", book.size / 20, book.near(offset))
        if stage.links_opened() > before:
            before = stage.links_opened()
            stage.narrate("another connection has taken over, and nothing was lost")
    await trio.sleep(STEP)


# Spot


def spot_play(product: Product) -> Play:
    """Return the play of a spot account."""
    return Play(
        wallets={"balances": {"USDT": "50000", "ETH": "4"}},
        perform=_perform_spot,
        journals=lambda sandbox, account: {"": sandbox.exchange.journal.entries(account.exchange_account)},
        seen={
            **statuses("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED"),
            **kinds("OutboundAccountPosition", "BalanceUpdate", "ListStatus"),
            "the withdrawal at the end": lambda item: getattr(item, "balance_delta", Decimal(0)) < 0,
        },
        links=3,
        symbols=tuple(BOOKS),
        ask_balances=_ask_balances,
    )


async def _ask_balances(stream: UserDataStream) -> list[Balance] | None:
    try:
        status = await stream.request("account.status", {"omitZeroBalances": True})
    except UserDataStreamError:
        return None
    return [
        Balance(asset=row["asset"], free=Decimal(row["free"]), locked=Decimal(row["locked"]))
        for row in status["balances"]
    ]


async def _perform_spot(stage: Stage) -> None:
    exchange, account = stage.sandbox.exchange, stage.account
    bitcoin, ether, coin = BOOKS.values()
    counterparty = open_books(stage.sandbox, BOOKS.values())
    await trio.sleep(STEP)
    await do(stage, "2,500 USDT are deposited", lambda: exchange.deposit(account.exchange_account, "USDT", "2500"))
    await _fill_in_parts(stage, account, counterparty, bitcoin)
    await _change_of_mind(stage, account, ether)
    await _one_cancels_the_other(stage, counterparty, bitcoin)
    await something_new(stage)
    await outage(
        stage,
        "the connection breaks, and trading goes on without us",
        stage.sandbox.faults.cut,
        [partial(market, account, ether, "BUY", Decimal(1)), partial(market, account, coin, "BUY", Decimal(5))],
        "back again; 1 ETH and 5 BNB were bought meanwhile",
    )
    market(account, ether, "SELL", Decimal(2))
    await trio.sleep(STEP)
    await _restart(stage, account, bitcoin)
    await do(
        stage,
        "1,000 USDT are withdrawn, and that is all",
        lambda: exchange.withdraw(account.exchange_account, "USDT", "1000"),
    )


# Margin


@attrs.frozen
class _Venture:
    """One of the margin accounts of a product, and what is traded on it."""

    name: str
    pair: str | None
    book: Book

    def borrow_or_repay(self, owner: SandboxAccount, kind: str, amount: str) -> None:
        where = {} if self.pair is None else {"isIsolated": "TRUE", "symbol": self.pair}
        owner.call("POST /sapi/v1/margin/borrow-repay", where, asset="USDT", type=kind, amount=amount)

    def take_out(self, owner: SandboxAccount, amount: str) -> None:
        where = (
            {"type": "MARGIN_MAIN"} if self.pair is None else {"type": "ISOLATED_MARGIN_MAIN", "fromSymbol": self.pair}
        )
        owner.call("POST /sapi/v1/asset/transfer", where, asset="USDT", amount=amount)


def margin_play(product: Product) -> Play:
    """Return the play of one margin account, or of several on one connection.

    Raises:
        WrongUsage: there is a pair that nobody trades in the demo.
    """
    mechanism, history = product.mechanism, cast("Any", product.history)
    has_token = isinstance(mechanism, ListenTokenSubscription)
    accounts = mechanism.accounts if isinstance(mechanism, ListenTokenSubscription) else (history.account,)
    ventures = []
    for account in accounts:
        book = BOOKS.get(account.symbol or _CROSS_TRADES)
        if book is None:
            raise WrongUsage(f"the demo has no pair {account.symbol}; it has {', '.join(BOOKS)}")
        ventures.append(_Venture(account.name, account.symbol, book))
    pairs = [venture.pair for venture in ventures]
    return Play(
        wallets={
            "cross_margin": _FUNDS if None in pairs else None,
            "isolated_margin": {pair: _FUNDS for pair in pairs if pair is not None},
        },
        perform=partial(_perform_margin, ventures),
        journals=partial(_margin_journals, ventures) if has_token else at_desk("margin_accounts"),
        seen={
            **statuses("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED"),
            **kinds("OutboundAccountPosition", "BalanceUpdate", *(() if has_token else ("UserLiabilityChange",))),
            **{
                f"a fill of {venture.name} that was recovered": partial(_is_recovered_fill, venture.name)
                for venture in ventures
            },
        },
        links=3 if has_token else 2,
    )


def _is_recovered_fill(account: str, item: Event | Notice) -> bool:
    return isinstance(item, ExecutionReport) and item.recovered and item.account == account


def _margin_journals(
    ventures: Sequence[_Venture], sandbox: Sandbox, account: SandboxAccount
) -> Mapping[str, Iterable[JournalEntry]]:
    journal, desk = sandbox.exchange.journal, sandbox.margin
    return {venture.name: journal.entries(desk.account(account.uid, venture.pair)) for venture in ventures}


async def _perform_margin(ventures: Sequence[_Venture], stage: Stage) -> None:
    owner = stage.account
    accounts = {venture: stage.sandbox.margin_account(owner, venture.pair) for venture in ventures}
    counterparty = open_books(stage.sandbox, {venture.book for venture in ventures})
    await trio.sleep(STEP)
    for venture, account in accounts.items():
        await do(
            stage,
            f"{venture.name} borrows 5,000 USDT",
            partial(venture.borrow_or_repay, owner, "BORROW", "5000"),
        )
        await _fill_in_parts(stage, account, counterparty, venture.book)
        await _change_of_mind(stage, account, venture.book)
    await something_new(stage)
    await outage(
        stage,
        "the connection breaks, and trading goes on without us",
        stage.sandbox.faults.cut,
        [
            partial(market, account, venture.book, "BUY", venture.book.size / 20)
            for venture, account in accounts.items()
        ],
        "back again; something was bought on each account meanwhile",
    )
    first = ventures[0]
    if isinstance(stage.product.mechanism, ListenTokenSubscription):
        # The others are not told before the server closes their connections.
        await _restart(stage, accounts[first], first.book)
    await do(
        stage,
        f"{first.name} pays 5,000 USDT back, and 1,000 USDT leave it; that is all",
        partial(first.borrow_or_repay, owner, "REPAY", "5000"),
        partial(first.take_out, owner, "1000"),
    )
