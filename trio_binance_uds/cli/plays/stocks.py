"""A dozen seconds of trading on a stocks account: each report has the sum of the fills of its order."""

from __future__ import annotations

from functools import partial
from typing import Any

import trio

from trio_binance_uds import Event, Notice, OrderReport, Product
from trio_binance_uds.cli.script import STEP, Play, Stage, at_desk, do, kinds, outage, something_new, statuses

_DESK = "stocks"
_ROOT = "/sapi/v1/equity/order"


def stocks_play(product: Product) -> Play:
    """Return the play of a stocks account."""
    return Play(
        wallets={_DESK: {}},
        perform=_perform,
        journals=at_desk(_DESK),
        seen={
            **statuses("accepted", "partially_filled", "filled", "canceled"),
            **kinds("OrderReport"),
            "the sale at the end": _is_last_sale,
        },
    )


def _is_last_sale(item: Event | Notice) -> bool:
    return isinstance(item, OrderReport) and item.side == "sell" and item.order_status == "filled"


async def _perform(stage: Stage) -> None:
    desk: Any = stage.sandbox.desks[_DESK]
    uid, ids = stage.account.uid, list[str]()

    def place(**terms: str) -> None:
        ids.append(stage.account.call(f"POST {_ROOT}/place", terms)["orderId"])

    def fill(number: int, quantity: str) -> None:
        desk.fill(uid, ids[number], quantity)

    limit = {"orderType": "LIMIT", "side": "BUY", "tradingSession": "24H"}
    await trio.sleep(STEP)
    await do(
        stage,
        "10 shares of AAPL are ordered, and bought in two parts",
        partial(place, symbol="AAPL", price="195.5", quantity="10", **limit),
        lambda: fill(0, "4"),
        lambda: fill(0, "6"),
    )
    await do(
        stage,
        "2.5 shares of MSFT are ordered, and that is thought better of",
        partial(place, symbol="MSFT", price="380", quantity="2.5", **limit),
        lambda: stage.account.call(f"POST {_ROOT}/cancel", orderId=ids[1]),
        partial(place, symbol="NVDA", price="140", quantity="8", **limit),
    )
    await something_new(stage)
    await outage(
        stage,
        "the connection breaks, and trading goes on without us",
        stage.sandbox.faults.cut,
        [
            lambda: fill(2, "3"),
            lambda: fill(2, "5"),
            partial(place, symbol="MSFT", side="BUY", orderType="MARKET", notional="500"),
        ],
        "back again; 8 shares of NVDA were bought meanwhile in two parts, and MSFT for 500 dollars",
    )
    await do(
        stage,
        "the AAPL are sold; that is all",
        partial(place, symbol="AAPL", side="SELL", orderType="MARKET", quantity="10"),
    )
