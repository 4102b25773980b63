"""A dozen seconds of a Portfolio Margin account, all parts of it on one stream; and of a Pro account's extra stream."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from typing import Any

import trio

from trio_binance_uds import BalanceUpdate, Event, Notice, PmProAccountUpdate, Product, RiskLevelChange
from trio_binance_uds.cli.plays.futures import ALGO, Contract, Market
from trio_binance_uds.cli.plays.spot import BOOKS, open_books
from trio_binance_uds.cli.script import STEP, Play, Stage, at_desk, do, key_expires, kinds, something_new, statuses

_DESK = "portfolio_margin"
_UM = Contract("BTCUSDT", Decimal(60_000), Decimal(10), Decimal("0.5"))
_CM = Contract("BTCUSD_PERP", Decimal(60_000), Decimal(10), Decimal(50))
_BOOK = BOOKS["BTCUSDT"]


def portfolio_play(product: Product) -> Play:
    """Return the play of a Portfolio Margin account."""
    return Play(
        wallets={_DESK: {"USDT": "50000", "BTC": "1"}},
        perform=_perform,
        journals=at_desk(_DESK),
        seen={
            **statuses("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "TRIGGERED", "FINISHED"),
            **kinds(
                "PortfolioMarginOrderTradeUpdate",
                "AlgoUpdate",
                "ConditionalOrderTradeUpdate",
                "LiabilityChange",
                "PortfolioMarginExecutionReport",
            ),
            "the withdrawal at the end": _is_withdrawal,
        },
    )


def _is_withdrawal(item: Event | Notice) -> bool:
    return isinstance(item, BalanceUpdate) and item.balance_delta < 0


async def _perform(stage: Stage) -> None:
    owner, sandbox = stage.account, stage.sandbox
    maker = sandbox.add_account(key="hmac", portfolio_margin={"USDT": "100000000", "BTC": "100000"})
    um = Market(
        desk=sandbox.desks[_DESK],
        root="/papi/v1/um",
        account=owner,
        maker=maker,
        algos="/papi/v1/um/algo/order",
        algo=ALGO,
    )
    cm = Market(
        desk=um.desk,
        root="/papi/v1/cm",
        account=owner,
        maker=maker,
        algos="/papi/v1/cm/conditional/order",
        algo={"strategyType": "STOP_MARKET"},
    )
    open_books(sandbox, [_BOOK])
    um.open((_UM,))
    cm.open((_CM,))
    await trio.sleep(STEP)
    await do(
        stage,
        "1,000 USDT are borrowed, and bitcoin is bought on the margin side",
        partial(owner.call, "POST /papi/v1/marginLoan", asset="USDT", amount="1000"),
        partial(
            owner.call,
            "POST /papi/v1/margin/order",
            symbol=_BOOK.symbol,
            side="BUY",
            type="MARKET",
            quantity="0.1",
        ),
    )
    await um.fill_in_parts(stage, _UM)
    await um.stop_loss(stage, _UM)
    await cm.fill_in_parts(stage, _CM)
    await cm.stop_loss(stage, _CM)
    await um.change_of_mind(stage, _UM)
    await do(stage, "funding is paid", lambda: um.desk.um.fund(_UM.symbol, "0.0001"))
    await something_new(stage)
    await key_expires(
        stage,
        [partial(um.take, _UM, "BUY", _UM.quantity / 5), partial(cm.take, _CM, "SELL", _CM.quantity / 5)],
        "back again; futures of both kinds were traded meanwhile",
    )
    await do(
        stage,
        "1,000 USDT leave the margin side; that is all",
        lambda: um.desk.transfer(owner.uid, "MARGIN", "USDT", "-1000"),
    )


_PRO_DESK = "portfolio_margin_pro"


def pro_play(product: Product) -> Play:
    """Return the play of the additional stream of a Portfolio Margin Pro account."""
    return Play(
        wallets={_PRO_DESK: {"USDT": "100000"}},
        perform=_perform_pro,
        journals=at_desk(_PRO_DESK),
        seen={
            **kinds("PmProAccountUpdate"),
            "a margin call": partial(_is_level, "MARGIN_CALL"),
            "totals that were recovered": lambda item: isinstance(item, PmProAccountUpdate) and item.recovered,
            "the end of the danger": partial(_is_level, "NORMAL"),
        },
    )


def _is_level(level: str, item: Event | Notice) -> bool:
    return isinstance(item, RiskLevelChange) and item.risk_level == level


async def _perform_pro(stage: Stage) -> None:
    desk: Any = stage.sandbox.desks[_PRO_DESK]

    def stand(equity: str) -> None:
        desk.set_standing(stage.account.uid, equity=equity, initial_margin="55000", maintenance_margin="50000")

    await do(stage, "the account trades elsewhere, and now needs 50,000 USD", partial(stand, "100000"))
    await trio.sleep(6)
    await do(stage, "its positions lose, and it is called", partial(stand, "70000"))
    await something_new(stage)
    await key_expires(stage, [partial(stand, "58000")], "back again; the account may only reduce its positions now")
    await do(stage, "its positions have recovered, and that is all", partial(stand, "100000"))
