"""Writes events from the answers of the options routes.

What no query tells: the open quantities of the account on the symbol (``None``), and when the venue sent the event
(the time of what happened stands for it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from trio_binance_uds.events import (
    AccountUpdateReason,
    BalancePositionUpdate,
    FuturesExecutionType,
    FuturesOrderType,
    FuturesTimeInForce,
    Greek,
    GreekUpdate,
    OptionsAccountUpdate,
    OptionsBalance,
    OptionsOrderTradeUpdate,
    OptionsPosition,
    OptionsRiskLevelChange,
    RiskLevel,
    SelfTradePreventionMode,
    Side,
)
from trio_binance_uds.events.words import OpenEnum
from trio_binance_uds.stream.recovery.european_options.answers import (
    ZERO,
    AccountAnswer,
    AssetAnswer,
    OrderAnswer,
    Totals,
)
from trio_binance_uds.wire.values import vocabulary

RECOVERED = "RECOVERED"
"""The reason of a recovered update of balances and positions, which is no word of the venue's."""

_UNTRADED: Mapping[str, Any] = {
    "last_filled_quantity": ZERO,
    "last_filled_price": ZERO,
    "commission_asset": None,
    "commission": None,
    "trade_id": 0,
    "is_maker": False,
    "realized_profit": ZERO,
}


def update_of(
    order: OrderAnswer,
    execution_type: FuturesExecutionType = FuturesExecutionType.NEW,
    *,
    raw: Mapping[str, Any] | None = None,
    **changes: Any,
) -> OptionsOrderTradeUpdate:
    """Return an update of an order as the answer has it, with some fields changed."""
    fields: dict[str, Any] = {
        "transaction_time": order.updated,
        "average_price": order.average_price,
        "order_status": order.status,
        "filled_accumulated_quantity": order.executed,
        **_UNTRADED,
        **changes,
    }
    return OptionsOrderTradeUpdate(
        event_type="ORDER_TRADE_UPDATE",
        event_time=fields["transaction_time"],
        recovered=True,
        raw={"order": order.raw, **(raw or {})},
        symbol=order.symbol,
        client_order_id=order.client_order_id,
        side=vocabulary(Side)[order.side],
        order_type=_known(FuturesOrderType, order.type),
        time_in_force=_known(FuturesTimeInForce, order.time_in_force),
        original_quantity=order.quantity,
        original_price=order.price,
        execution_type=execution_type,
        order_id=order.order_id,
        order_trade_time=fields["transaction_time"],
        bid_quantity=None,
        ask_quantity=None,
        is_reduce_only=order.is_reduce_only,
        original_order_type=_known(FuturesOrderType, order.type),
        self_trade_prevention_mode=_known(SelfTradePreventionMode, order.stp_mode),
        **fields,
    )


_WordsT = TypeVar("_WordsT", bound=OpenEnum)


def _known(of: type[_WordsT], word: OpenEnum | str | None) -> _WordsT | None:
    return None if word is None else vocabulary(of)[str(word)]


def balances_and_positions(
    at: datetime, balances: Iterable[OptionsBalance], positions: Iterable[OptionsPosition], raw: Mapping[str, Any]
) -> BalancePositionUpdate:
    """Return an update with what there is now."""
    return BalancePositionUpdate(
        event_type="BALANCE_POSITION_UPDATE",
        event_time=at,
        recovered=True,
        raw=raw,
        transaction_time=at,
        event_reason_type=vocabulary(AccountUpdateReason)[RECOVERED],
        balances=tuple(balances),
        positions=tuple(positions),
    )


def account_update(account: AccountAnswer, totals: Totals) -> OptionsAccountUpdate:
    """Return the totals of now."""
    equity, adjusted, wallet, value, pnl, initial, maintenance = totals
    assert wallet is not None, "an update of the totals has it"
    return OptionsAccountUpdate(
        event_type="ACCOUNT_UPDATE",
        event_time=account.time,
        recovered=True,
        raw={"account": account.raw},
        transaction_time=account.time,
        equity=equity,
        adjusted_equity=adjusted,
        wallet_balance=wallet,
        position_value=value,
        unrealized_pnl=pnl,
        initial_margin=initial,
        maintenance_margin=maintenance,
    )


def greek_update(account: AccountAnswer) -> GreekUpdate:
    """Return the greeks of now."""
    return GreekUpdate(
        event_type="GREEK_UPDATE",
        event_time=account.time,
        recovered=True,
        raw={"account": account.raw},
        transaction_time=account.time,
        greeks=tuple(
            [
                Greek(underlying=underlying, delta=delta, gamma=gamma, theta=theta, vega=vega)
                for underlying, (delta, gamma, theta, vega) in account.greeks.items()
            ]
        ),
    )


def risk_level_change(account: AccountAnswer, asset: AssetAnswer, level: str) -> OptionsRiskLevelChange:
    """Return the level of risk of now."""
    return OptionsRiskLevelChange(
        event_type="RISK_LEVEL_CHANGE",
        event_time=account.time,
        recovered=True,
        raw={"account": account.raw},
        risk_level=vocabulary(RiskLevel)[level],
        margin_balance=asset.margin_balance,
        maintenance_margin=asset.maintenance_margin,
    )


def plain(value: Decimal) -> str:
    """Return an amount for people."""
    return f"{value.normalize():f}"
