"""A dozen seconds of debt: a margin account borrows, and the price of what it bought with that falls."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import trio

from trio_binance_uds import Event, MarginLevelStatusChange, Notice, Product, UserLiabilityChange
from trio_binance_uds.cli.plays.spot import BOOKS, limit, market, open_books
from trio_binance_uds.cli.script import STEP, Play, Stage, at_desk, do, key_expires, kinds, something_new
from trio_binance_uds.sandbox import SandboxAccount

_BOOK = BOOKS["BTCUSDT"]
_CHEAP = Decimal(46_000)


def risk_play(product: Product) -> Play:
    """Return the play of a cross-margin account's risk stream."""
    return Play(
        wallets={"cross_margin": {"USDT": "10000"}},
        perform=_perform,
        journals=at_desk("margin"),
        seen={
            **kinds(),
            "a loan that was recovered": lambda item: isinstance(item, UserLiabilityChange) and item.recovered,
            "a margin call": lambda item: _has_status(item, "MARGIN_CALL"),
            "the end of the margin call": lambda item: _has_status(item, "EXCESSIVE"),
            "the repayment at the end": _is_last_repayment,
        },
    )


def unified_play(product: Product) -> Play:
    """Return the play of margin under a unified account, of whose past nothing can be asked."""
    return Play(
        wallets={"cross_margin": {"USDT": "10000"}},
        perform=_perform,
        journals=at_desk("unified_margin"),
        seen={
            **kinds("UnifiedLiabilityChange", "MarginLevelChange", "ExecutionReport", "OutboundAccountPosition"),
            "a margin call": lambda item: _has_status(item, "MARGIN_CALL"),
            "the end of the margin call": lambda item: _has_status(item, "EXCESSIVE"),
        },
    )


def _has_status(item: Event | Notice, status: str) -> bool:
    return isinstance(item, MarginLevelStatusChange) and item.margin_level_status == status


def _is_last_repayment(item: Event | Notice) -> bool:
    return isinstance(item, UserLiabilityChange) and str(item.liability_type) == "REPAY" and item.principal > 10_000


def _change_debt(account: SandboxAccount, kind: str, amount: str) -> None:
    account.call("POST /sapi/v1/margin/borrow-repay", asset="USDT", type=kind, amount=amount)


async def _perform(stage: Stage) -> None:
    owner, cross = stage.account, stage.sandbox.margin_account(stage.account)
    counterparty = open_books(stage.sandbox, [_BOOK])
    await trio.sleep(STEP)
    await do(
        stage,
        "15,000 USDT are borrowed, and spent on bitcoin",
        partial(_change_debt, owner, "BORROW", "15000"),
        partial(market, cross, _BOOK, "BUY", Decimal("0.4")),
    )
    await key_expires(
        stage,
        [partial(_change_debt, owner, "BORROW", "100"), partial(_change_debt, owner, "REPAY", "200")],
        "back again; 100 USDT were borrowed meanwhile, and 200 paid back",
    )
    await something_new(stage)
    others = stage.sandbox.add_account(balances={"USDT": "1000000", "BTC": "10"}, key="hmac")

    def crash() -> None:
        stage.sandbox.exchange.call(counterparty.exchange_account, "openOrders.cancelAll", {"symbol": _BOOK.symbol})
        _trade_at(counterparty, others, _CHEAP)

    await do(stage, "the price of bitcoin falls, and the account is called", crash)
    await do(stage, "the price comes back", partial(_trade_at, counterparty, others, _BOOK.middle))
    await do(
        stage,
        "the bitcoin is sold, and the debt paid back; that is all",
        partial(limit, counterparty, _BOOK, "BUY", Decimal(1), _BOOK.middle),
        partial(market, cross, _BOOK, "SELL", Decimal("0.39")),
        partial(_change_debt, owner, "REPAY", "14000"),
    )


def _trade_at(buyer: SandboxAccount, seller: SandboxAccount, price: Decimal) -> None:
    limit(buyer, _BOOK, "BUY", Decimal("0.01"), price)
    market(seller, _BOOK, "SELL", Decimal("0.01"))
