"""The answers of the margin routes: those of spot, which say less.

An order is told without its list, its working time, what self-trade prevention took off it, and its size in quote
asset; a trade without its quote quantity. Some of it may be there all the same, and is then read. No balances say when
they were taken.

Source: Binance Margin Trading, "Trade" and "Account" (2026-01-15); from 2026-10-14 on the commission of a trade can be
null.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from types import MappingProxyType
from typing import Any

import attrs

from trio_binance_uds.stream.recovery.reading import Unreadable, amount, each, integer, member, moment, text, whole
from trio_binance_uds.stream.recovery.spot.answers import (
    QUERIED,
    AccountAnswer,
    FillAnswer,
    OrderAnswer,
    read_balances,
)
from trio_binance_uds.stream.recovery.spot.ledger import Loan
from trio_binance_uds.stream.recovery.timing import BETWEEN_SERVERS

# What stands for members of an order that no query tells, where a report must have the field.
_INSTEAD: Mapping[str, Any] = MappingProxyType({"orderListId": -1, "origQuoteOrderQty": "0.00000000"})
_QUOTE_STEP = Decimal("0.00000001")
_NOTHING = (Decimal(0), Decimal(0))


def read_order(raw: Any) -> OrderAnswer:
    """Read an order of ``openOrders``, ``allOrders`` or ``order``."""
    order = OrderAnswer.read({**_INSTEAD, **_object(raw)})
    untold = frozenset([name for query, name in QUERIED.items() if raw.get(query) is None])
    return attrs.evolve(order, raw=raw, untold=untold)


def read_trade(raw: Any) -> FillAnswer:
    """Read a trade of ``myTrades``: its quote quantity is its price times its quantity."""
    if "quoteQty" not in _object(raw):
        quote = member(raw, "price", amount) * member(raw, "qty", amount)
        raw = {**raw, "quoteQty": str(quote.quantize(_QUOTE_STEP, ROUND_DOWN))}
    if raw.get("commission") is not None and raw.get("commissionAsset") is not None:
        return FillAnswer.read_trade(raw)
    trade = FillAnswer.read_trade({**raw, "commission": "0", "commissionAsset": ""})
    return attrs.evolve(trade, raw=raw, commission=None, commission_asset=None)


def read_cross_account(raw: Any, asked: datetime, answered: datetime) -> AccountAnswer:
    """Read the balances of ``account``."""
    rows = each(member(raw, "userAssets", whole))
    found = read_balances(rows)
    return AccountAnswer(
        raw=raw,
        updated=asked - BETWEEN_SERVERS,
        not_after=answered + BETWEEN_SERVERS,
        names=frozenset(found),
        balances={asset: held for asset, held in found.items() if held != _NOTHING},
    )


def read_isolated_account(raw: Any, asked: datetime, answered: datetime) -> AccountAnswer:
    """Read the balances of ``isolated/account``, asked for one pair; what is none of its two assets is kept elsewhere.

    Raises:
        Unreadable: it is not one pair.
    """
    pairs = each(member(raw, "assets", whole))
    if len(pairs) != 1:
        raise Unreadable(f"one isolated pair was expected, not {len(pairs)}")
    found = read_balances([member(pairs[0], side, whole) for side in ("baseAsset", "quoteAsset")])
    return AccountAnswer(
        raw=raw,
        updated=asked - BETWEEN_SERVERS,
        not_after=answered + BETWEEN_SERVERS,
        is_all=False,
        names=frozenset(found),
        balances=found,
    )


def read_borrowed(row: Any, symbol: str | None) -> Loan | None:
    """Read a row of ``borrow-repay`` with type ``BORROW``; ``None``: it is another account's, or has not succeeded."""
    return _loan(row, symbol, "principal", 1)


def read_repaid(row: Any, symbol: str | None) -> Loan | None:
    """Read a row with type ``REPAY``: the principal and the interest are taken from the balance."""
    return _loan(row, symbol, "amount", -1)


def _loan(row: Any, symbol: str | None, name: str, sign: int) -> Loan | None:
    if member(row, "status", text) != "CONFIRMED" or (row.get("isolatedSymbol") or None) != symbol:
        return None
    return Loan(
        number=member(row, "txId", integer),
        asset=member(row, "asset", text),
        change=sign * member(row, name, amount),
        time=member(row, "timestamp", moment),
    )


def _object(raw: Any) -> dict[str, Any]:
    if type(raw) is not dict:
        raise Unreadable("an object was expected")
    return raw
