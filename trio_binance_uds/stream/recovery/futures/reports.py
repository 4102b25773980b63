"""Writes events from the venue's answers: the fields that an answer has, and ``None`` for what it has not.

What no query tells: the notional or quantity of open bids and asks then, why an order expired, the user's id of a
modification, the profit that a position has realised so far, and when the venue would have sent the event (the time
of what happened stands for it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from trio_binance_uds.events import (
    AccountConfigUpdate,
    AccountUpdate,
    AccountUpdateBalance,
    AccountUpdatePosition,
    AccountUpdateReason,
    MarginType,
    OrderTradeUpdate,
    PositionSide,
)
from trio_binance_uds.stream.recovery.futures.answers import ZERO, BalanceAnswer, OrderAnswer, PositionAnswer
from trio_binance_uds.stream.recovery.futures.dialect import Dialect
from trio_binance_uds.wire.values import vocabulary

RECOVERED_REASON = "RECOVERED"
"""Why balances or positions are told after a gap; there may have been many reasons, and no query orders them."""

_UNTRADED: Mapping[str, Any] = {
    "last_filled_quantity": ZERO,
    "last_filled_price": ZERO,
    "commission_asset": None,
    "commission": None,
    "trade_id": 0,
    "is_maker": False,
    "realized_profit": ZERO,
}
_MARGIN_TYPES: Mapping[str, MarginType] = {
    "cross": MarginType.CROSS,
    "crossed": MarginType.CROSS,
    "isolated": MarginType.ISOLATED,
}


def _margin_type(word: str) -> MarginType:
    return _MARGIN_TYPES.get(word.lower()) or vocabulary(MarginType)[word]


def report_of(
    order: OrderAnswer, dialect: Dialect, alias: str, *, raw: Mapping[str, Any] | None = None, **changes: Any
) -> OrderTradeUpdate:
    """Return a report of an order as the answer has it, with some fields changed."""
    fields = {"stop_price": ZERO, "self_trade_prevention_mode": None, **_UNTRADED, **order.state, **changes}
    at = fields["order_trade_time"]
    return dialect.write_report(
        {
            "event_type": "ORDER_TRADE_UPDATE",
            "event_time": at,
            "transaction_time": at,
            "recovered": True,
            "raw": {"order": order.raw, **(raw or {})},
            **fields,
        },
        alias,
    )


def balances_of(
    at: datetime, balances: Iterable[tuple[BalanceAnswer, Decimal | None]], dialect: Dialect, alias: str | None
) -> AccountUpdate:
    """Return an update of these balances; beside each, how much of its change is neither profit nor commission."""
    listed = list(balances)
    return AccountUpdate(
        event_type="ACCOUNT_UPDATE",
        event_time=at,
        transaction_time=at,
        recovered=True,
        raw={"balances": [balance.raw for balance, _ in listed]},
        event_reason_type=vocabulary(AccountUpdateReason)[RECOVERED_REASON],
        balances=tuple(
            [
                AccountUpdateBalance(
                    asset=balance.asset,
                    wallet_balance=balance.wallet,
                    cross_wallet_balance=balance.cross_wallet,
                    balance_change=change,
                )
                for balance, change in listed
            ]
        ),
        account_alias=alias,
        business_unit=dialect.unit,
    )


def positions_of(
    at: datetime, positions: Iterable[PositionAnswer], dialect: Dialect, alias: str | None
) -> AccountUpdate:
    """Return an update of these positions."""
    listed = list(positions)
    return AccountUpdate(
        event_type="ACCOUNT_UPDATE",
        event_time=at,
        transaction_time=at,
        recovered=True,
        raw={"positions": [position.raw for position in listed]},
        event_reason_type=vocabulary(AccountUpdateReason)[RECOVERED_REASON],
        positions=tuple([_position(position) for position in listed]),
        account_alias=alias,
        business_unit=dialect.unit,
    )


def _position(position: PositionAnswer) -> AccountUpdatePosition:
    margin_type = position.margin_type
    return AccountUpdatePosition(
        symbol=position.symbol,
        position_amount=position.amount,
        entry_price=position.entry_price,
        breakeven_price=position.breakeven_price,
        accumulated_realized=None,
        unrealized_pnl=position.unrealized_pnl,
        margin_type=None if margin_type is None else _margin_type(str(margin_type)),
        isolated_wallet=position.isolated_wallet,
        position_side=vocabulary(PositionSide)[position.side],
        margin_asset=position.margin_asset,
    )


def leverage_of(at: datetime, symbol: str, leverage: int, dialect: Dialect) -> AccountConfigUpdate:
    """Return an update of a symbol's leverage, which was found to have changed at this time at the latest."""
    return AccountConfigUpdate(
        event_type="ACCOUNT_CONFIG_UPDATE",
        event_time=at,
        transaction_time=at,
        recovered=True,
        raw={"symbol": symbol, "leverage": leverage},
        symbol=symbol,
        leverage=leverage,
        business_unit=dialect.unit,
    )


def multi_assets_mode_of(at: datetime, is_on: bool, dialect: Dialect) -> AccountConfigUpdate:
    """Return an update of the multi-assets mode, which was found to have changed at this time at the latest."""
    return AccountConfigUpdate(
        event_type="ACCOUNT_CONFIG_UPDATE",
        event_time=at,
        transaction_time=at,
        recovered=True,
        raw={"multiAssetsMargin": is_on},
        is_multi_assets_mode=is_on,
        business_unit=dialect.unit,
    )
