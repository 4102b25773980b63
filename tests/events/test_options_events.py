"""Options events: what each field says, where futures mean other things by the same keys."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from support.product_payloads import futures
from support.products import OPTIONS, USDM
from trio_binance_uds.events import (
    AccountUpdateReason,
    BalancePositionUpdate,
    Fault,
    FuturesTimeInForce,
    Greek,
    GreekUpdate,
    KnownEvent,
    OptionsAccountUpdate,
    OptionsBalance,
    OptionsOrderTradeUpdate,
    OptionsPosition,
    OptionsRiskLevelChange,
    OrderTradeUpdate,
    RiskLevel,
    UndecodableEvent,
)
from trio_binance_uds.wire.decode import decode_frame

EVENT_TIME = datetime(2026, 7, 1, 12, 0, 0, 457000, tzinfo=UTC)
DONE = datetime(2026, 7, 1, 12, 0, 0, 456000, tzinfo=UTC)


def decode(payload: dict[str, Any]) -> Any:
    return decode_frame(json.dumps(payload), OPTIONS.product)


@pytest.mark.parametrize(
    "event",
    [
        OptionsAccountUpdate(
            event_type="ACCOUNT_UPDATE",
            event_time=EVENT_TIME,
            transaction_time=DONE,
            equity=Decimal("5021.1"),
            adjusted_equity=Decimal("5030.2"),
            wallet_balance=Decimal(5044),
            position_value=Decimal("-22.9"),
            unrealized_pnl=Decimal("3.7"),
            initial_margin=Decimal("410.55"),
            maintenance_margin=Decimal("81.05"),
        ),
        BalancePositionUpdate(
            event_type="BALANCE_POSITION_UPDATE",
            event_time=EVENT_TIME,
            transaction_time=DONE,
            event_reason_type=AccountUpdateReason.ORDER,
            balances=(OptionsBalance(asset="USDT", balance=Decimal(5044), balance_change=Decimal(0)),),
            positions=(
                OptionsPosition(
                    symbol="ETH-260925-4200-P",
                    quantity=Decimal("-0.3"),
                    position_value=Decimal("-22.9"),
                    average_entry_price=Decimal("88.6"),
                ),
            ),
        ),
        GreekUpdate(
            event_type="GREEK_UPDATE",
            event_time=EVENT_TIME,
            transaction_time=DONE,
            greeks=(
                Greek(
                    underlying="ETHUSDT",
                    delta=Decimal("0.1102"),
                    gamma=Decimal("-0.0009"),
                    theta=Decimal("3.441"),
                    vega=Decimal("-1.9"),
                ),
            ),
        ),
        OptionsOrderTradeUpdate(
            event_type="ORDER_TRADE_UPDATE",
            event_time=EVENT_TIME,
            transaction_time=DONE,
            symbol="ETH-260925-4200-P",
            client_order_id="wing-1",
            side="SELL",
            order_type="LIMIT",
            time_in_force=FuturesTimeInForce.GTX,
            original_quantity=Decimal("0.5"),
            original_price=Decimal("88.6"),
            average_price=Decimal("88.6"),
            execution_type="TRADE",
            order_status="PARTIALLY_FILLED",
            order_id=4611875134427365999,
            last_filled_quantity=Decimal("0.3"),
            filled_accumulated_quantity=Decimal("0.3"),
            last_filled_price=Decimal("88.6"),
            commission_asset="USDT",
            commission=Decimal("-0.041"),
            order_trade_time=DONE,
            trade_id=77,
            bid_quantity=Decimal(0),
            ask_quantity=Decimal("0.2"),
            is_maker=True,
            is_reduce_only=False,
            original_order_type="LIMIT",
            realized_profit=Decimal("1.1"),
            self_trade_prevention_mode="EXPIRE_MAKER",
        ),
        OptionsRiskLevelChange(
            event_type="RISK_LEVEL_CHANGE",
            event_time=EVENT_TIME,
            risk_level=RiskLevel.REDUCE_ONLY,
            margin_balance=Decimal("412.1"),
            maintenance_margin=Decimal("399.05"),
        ),
    ],
    ids=lambda event: type(event).__name__,
)
def test_an_event_says_what_was_sent(event: KnownEvent) -> None:
    assert decode(OPTIONS.payloads[event.event_type]) == event


def test_an_order_is_none_of_futures() -> None:
    assert not issubclass(OptionsOrderTradeUpdate, OrderTradeUpdate)


def test_the_fill_of_an_order_has_a_key() -> None:
    assert decode(OPTIONS.payloads["ORDER_TRADE_UPDATE"]).fill_key == ("ETH-260925-4200-P", 77)


def test_an_update_need_not_list_both_balances_and_positions() -> None:
    event = decode(futures("BALANCE_POSITION_UPDATE", m="DEPOSIT"))
    assert type(event) is BalancePositionUpdate
    assert (event.balances, event.positions) == ((), ())
    assert event.faults == (Fault("balances or positions", "B or P", "is missing"),)


def test_an_account_update_of_futures_is_not_taken_for_one_of_options() -> None:
    event = decode(USDM.payloads["ACCOUNT_UPDATE"])
    assert type(event) is UndecodableEvent
    assert event.problem == 'ACCOUNT_UPDATE: wallet_balance ("b") is missing'
