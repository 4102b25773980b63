"""A dozen seconds of trading on an options account: premiums are paid, and totals and greeks are told."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import trio

from trio_binance_uds import BalancePositionUpdate, Event, Notice, Product
from trio_binance_uds.cli.plays.futures import Contract, Market
from trio_binance_uds.cli.script import STEP, Play, Stage, at_desk, do, key_expires, kinds, something_new, statuses

_DESK = "options"
_FIRST = Contract("BTC-261225-100000-C", Decimal(1200), Decimal(5), Decimal("0.5"))
_SECOND = Contract("ETH-261225-4000-C", Decimal(100), Decimal("0.2"), Decimal(2))


def options_play(product: Product) -> Play:
    """Return the play of an options account."""
    return Play(
        wallets={_DESK: {"USDT": "50000"}},
        perform=_perform,
        journals=at_desk(_DESK),
        seen={
            **statuses("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED"),
            **kinds("OptionsOrderTradeUpdate", "OptionsAccountUpdate", "GreekUpdate"),
            "the withdrawal at the end": _is_withdrawal,
        },
        symbols=(_FIRST.symbol, _SECOND.symbol),
    )


def _is_withdrawal(item: Event | Notice) -> bool:
    return isinstance(item, BalancePositionUpdate) and item.event_reason_type == "WITHDRAW"


async def _perform(stage: Stage) -> None:
    maker = stage.sandbox.add_account(key="hmac", options={"USDT": "100000000"})
    market = Market(desk=stage.sandbox.desks[_DESK], root="/eapi/v1", account=stage.account, maker=maker)
    market.open((_FIRST, _SECOND))
    uid = stage.account.uid
    await trio.sleep(STEP)
    await do(stage, "2,500 USDT come in", lambda: market.desk.transfer(uid, "USDT", "2500"))
    await market.fill_in_parts(stage, _FIRST)
    await market.change_of_mind(stage, _SECOND)
    await something_new(stage)
    await key_expires(
        stage,
        [
            partial(market.take, _SECOND, "BUY", _SECOND.quantity),
            partial(market.take, _FIRST, "SELL", _FIRST.quantity / 5),
        ],
        f"back again; {_SECOND.quantity} of {_SECOND.symbol} were bought meanwhile, and some of {_FIRST.symbol} sold",
    )
    await do(
        stage,
        "one position is closed, and 1,000 USDT leave; that is all",
        lambda: market.take(_SECOND, "SELL", _SECOND.quantity),
        lambda: market.desk.transfer(uid, "USDT", "-1000"),
    )
