"""What the account of a served sandbox has, and what goes on there if somebody trades: something on every market."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from itertools import cycle
from types import MappingProxyType
from typing import Any

import trio

from trio_binance_uds.sandbox import (
    DeskTrader,
    Refusal,
    Sandbox,
    SandboxAccount,
    StocksTrader,
    run_trader,
)

_COINS = {"BTC": "2", "ETH": "20"}
_MONEY = {"USDT": "100000"}
WALLETS: Mapping[str, Any] = MappingProxyType(
    {
        "balances": {**_MONEY, **_COINS, "BNB": "50"},
        "cross_margin": {**_MONEY, **_COINS, "BNB": "50"},
        "isolated_margin": {"BTCUSDT": {**_MONEY, "BTC": "2"}},
        "usdm": _MONEY,
        "coinm": _COINS,
        "options": _MONEY,
        "portfolio_margin": {**_MONEY, **_COINS},
        "portfolio_margin_pro": _MONEY,
        "stocks": {},
    }
)
"""As ``add_account`` takes them."""

# Actions per second on each market: what a person can follow.
TRADER_RATE = 1.0
# Each in a book of its own, where it meets nobody but its maker.
_PAIRS = (("ETHUSDT", "3000"), ("BNBUSDT", "600"), ("BTCUSDT", "50000"))
_CONTRACTS = (
    ("usdm", "BTCUSDT", "50000"),
    ("coinm", "BTCUSD_PERP", "50000"),
    ("options", "BTC-261225-100000-C", "1200"),
    ("portfolio_margin", "ETHUSDT", "3000"),
    ("portfolio_margin", "ETHUSD_PERP", "3000"),
)
# A loan that is taken and paid back, again and again, every so many actions of the others.
_LOAN = "50"
_SELDOM = 10


async def keep_busy(sandbox: Sandbox, account: SandboxAccount, seed: int) -> None:
    """Trade on every market of the account, and take loans, until cancelled."""
    spot_like = (account, sandbox.margin_account(account), sandbox.margin_account(account, "BTCUSDT"))
    async with trio.open_nursery() as nursery:
        for number, (trading, (symbol, price)) in enumerate(zip(spot_like, _PAIRS, strict=True)):
            trade = partial(
                run_trader,
                seed=seed + number,
                duration=math.inf,
                rate=TRADER_RATE,
                symbol=symbol,
                price=price,
            )
            nursery.start_soon(trade, sandbox, trading)
        for number, (name, symbol, price) in enumerate(_CONTRACTS, len(spot_like)):
            desk: Any = sandbox.desks[name]
            nursery.start_soon(_trade_at_desk, DeskTrader(desk, account.uid, symbol, price, seed + number))
        stocks: Any = sandbox.desks["stocks"]
        nursery.start_soon(_trade_at_desk, StocksTrader(stocks, account.uid, "AAPL", "200", seed))
        nursery.start_soon(_borrow_and_repay, account)


async def _trade_at_desk(trader: DeskTrader | StocksTrader) -> None:
    while True:
        trader.act()
        await trio.sleep(1 / TRADER_RATE)


async def _borrow_and_repay(account: SandboxAccount) -> None:
    """Change the debt of the cross-margin account, which its risk streams tell."""
    kinds = cycle(("BORROW", "REPAY"))
    while True:
        kind = next(kinds)
        # The account may have spent what it is to pay back.
        with suppress(Refusal):
            account.call("POST /sapi/v1/margin/borrow-repay", asset="USDT", type=kind, amount=_LOAN)
        await trio.sleep(_SELDOM / TRADER_RATE)
