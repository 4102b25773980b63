"""USD-M events: what each field of each event says, and which reports are of the same fill."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from support.product_payloads import ALGO_ORDER, UM_ORDER, futures
from support.products import COINM, OPTIONS, PORTFOLIO_MARGIN, USDM, Sampled
from trio_binance_uds.events import (
    AccountConfigUpdate,
    AccountUpdate,
    AccountUpdateBalance,
    AccountUpdatePosition,
    AccountUpdateReason,
    AlgoStatus,
    AlgoUpdate,
    ConditionalOrderTriggerReject,
    FuturesExecutionType,
    FuturesExpiryReason,
    FuturesOrderType,
    FuturesTimeInForce,
    GridUpdate,
    MarginCall,
    MarginCallMarginType,
    MarginCallPosition,
    MarginType,
    OrderStatus,
    OrderTradeUpdate,
    PositionSide,
    PriceMatchMode,
    SelfTradePreventionMode,
    Side,
    StrategyStatus,
    StrategyUpdate,
    TradeLite,
    UsdmOrderTradeUpdate,
    WorkingType,
)
from trio_binance_uds.wire.decode import decode_frame

EVENT_TIME = datetime(2026, 7, 1, 12, 0, 0, 457000, tzinfo=UTC)
DONE = datetime(2026, 7, 1, 12, 0, 0, 456000, tzinfo=UTC)


def decode(payload: dict[str, Any], sampled: Sampled = USDM) -> Any:
    return decode_frame(json.dumps(payload), sampled.product)


def order(sampled: Sampled = USDM, **changes: Any) -> Any:
    payload = sampled.payloads["ORDER_TRADE_UPDATE"]
    kept = {key: value for key, value in {**payload["o"], **changes}.items() if value is not None}
    return decode({**payload, "o": kept}, sampled)


def common(name: str) -> dict[str, Any]:
    return {"event_type": name, "event_time": EVENT_TIME, "transaction_time": DONE}


class TestWhatTheyShare:
    def test_order_trade_update(self) -> None:
        event = decode(USDM.payloads["ORDER_TRADE_UPDATE"])
        assert isinstance(event, OrderTradeUpdate)
        assert event == UsdmOrderTradeUpdate(
            **common("ORDER_TRADE_UPDATE"),
            symbol="LINKUSDT",
            client_order_id="hedge-204",
            side=Side.SELL,
            order_type=FuturesOrderType.LIMIT,
            time_in_force=FuturesTimeInForce.GTD,
            original_quantity=Decimal("41.3"),
            original_price=Decimal("17.455"),
            average_price=Decimal("17.4562"),
            stop_price=Decimal("17.401"),
            execution_type=FuturesExecutionType.TRADE,
            order_status=OrderStatus.PARTIALLY_FILLED,
            order_id=9007199254741993,
            last_filled_quantity=Decimal("11.3"),
            filled_accumulated_quantity=Decimal("21.3"),
            last_filled_price=Decimal("17.456"),
            commission_asset="BNB",
            commission=Decimal("0.00013877"),
            order_trade_time=DONE,
            trade_id=660712,
            is_maker=True,
            is_reduce_only=True,
            stop_price_working_type=WorkingType.MARK_PRICE,
            original_order_type=FuturesOrderType.TRAILING_STOP_MARKET,
            position_side=PositionSide.SHORT,
            is_close_all=False,
            activation_price=Decimal("17.9"),
            callback_rate=Decimal("0.8"),
            is_price_protected=True,
            realized_profit=Decimal("-3.052"),
            self_trade_prevention_mode=SelfTradePreventionMode.EXPIRE_BOTH,
            price_match_mode=PriceMatchMode.QUEUE_5,
            expiry_reason=FuturesExpiryReason.REDUCE_ONLY_DISPLACED,
            modify_id="second-thought",
            bids_notional=Decimal("35.2"),
            ask_notional=Decimal("349.1"),
            ignored_si=0,
            ignored_ss=0,
            good_till_date=datetime(2026, 7, 2, 12, tzinfo=UTC),
        )

    def test_trade_lite(self) -> None:
        assert decode(USDM.payloads["TRADE_LITE"]) == TradeLite(
            **common("TRADE_LITE"),
            symbol="LINKUSDT",
            original_quantity=Decimal("41.3"),
            original_price=Decimal("17.455"),
            is_maker=True,
            client_order_id="hedge-204",
            side=Side.SELL,
            last_filled_price=Decimal("17.456"),
            last_filled_quantity=Decimal("11.3"),
            trade_id=660712,
            order_id=9007199254741993,
        )

    def test_account_update(self) -> None:
        assert decode(USDM.payloads["ACCOUNT_UPDATE"]) == AccountUpdate(
            **common("ACCOUNT_UPDATE"),
            event_reason_type=AccountUpdateReason.FUNDING_FEE,
            funding_symbol="LINKUSDT",
            balances=(
                AccountUpdateBalance(
                    asset="USDC",
                    wallet_balance=Decimal("1204.55"),
                    cross_wallet_balance=Decimal("1116.45"),
                    balance_change=Decimal(-20),
                ),
                AccountUpdateBalance(
                    asset="BNB",
                    wallet_balance=Decimal("0.81"),
                    cross_wallet_balance=Decimal("0.81"),
                    balance_change=Decimal(0),
                ),
            ),
            positions=(
                AccountUpdatePosition(
                    symbol="LINKUSDT",
                    position_amount=Decimal("-20.5"),
                    entry_price=Decimal("17.4011"),
                    breakeven_price=Decimal("17.3902"),
                    accumulated_realized=Decimal("12.705"),
                    unrealized_pnl=Decimal("-0.4125"),
                    margin_type=MarginType.ISOLATED,
                    isolated_wallet=Decimal("88.1"),
                    position_side=PositionSide.SHORT,
                    margin_asset="USDC",
                ),
            ),
        )

    def test_margin_call(self) -> None:
        event = decode(USDM.payloads["MARGIN_CALL"])
        assert event == MarginCall(
            event_type="MARGIN_CALL",
            event_time=EVENT_TIME,
            cross_wallet_balance=Decimal("740.1"),
            positions=(
                MarginCallPosition(
                    symbol="LINKUSDT",
                    position_side="BOTH",
                    position_amount=Decimal("730.1"),
                    margin_type="CROSSED",
                    isolated_wallet=Decimal(0),
                    mark_price=Decimal("15.0021"),
                    unrealized_pnl=Decimal("-901.15"),
                    maintenance_margin_required=Decimal("55.7011"),
                ),
            ),
        )
        assert event.positions[0].margin_type is MarginCallMarginType.CROSSED

    def test_algo_update(self) -> None:
        event = decode(USDM.payloads["ALGO_UPDATE"])
        assert event == AlgoUpdate(
            **common("ALGO_UPDATE"),
            client_algo_id="guard-9",
            algo_id=3300127,
            algo_type="CONDITIONAL",
            order_type="TRAILING_STOP_MARKET",
            symbol="LINKUSDT",
            side="BUY",
            position_side="LONG",
            time_in_force="GTC",
            quantity=Decimal("5.25"),
            algo_status="TRIGGERED",
            order_id=9223372036854775807,
            average_price=Decimal("18.02"),
            executed_quantity=Decimal("1.25"),
            actual_order_type="MARKET",
            trigger_price=Decimal("18.01"),
            price=Decimal(0),
            self_trade_prevention_mode="EXPIRE_TAKER",
            working_type="CONTRACT_PRICE",
            price_match_mode="OPPONENT_10",
            is_close_all=False,
            is_price_protected=True,
            is_reduce_only=False,
            trigger_time=datetime(2026, 7, 1, 12, 0, 0, 441000, tzinfo=UTC),
            good_till_date=datetime(2026, 7, 2, 12, 0, 0, 1000, tzinfo=UTC),
            failed_reason="Margin is insufficient",
            is_activated=True,
        )
        assert event.algo_status is AlgoStatus.TRIGGERED

    def test_strategy_and_grid_update(self) -> None:
        strategy = decode(USDM.payloads["STRATEGY_UPDATE"])
        assert strategy == StrategyUpdate(
            **common("STRATEGY_UPDATE"),
            strategy_id=81200044,
            strategy_type="GRID",
            strategy_status="WORKING",
            symbol="LINKUSDT",
            update_time=datetime(2026, 7, 1, 12, 0, 0, 400000, tzinfo=UTC),
            op_code=8007,
        )
        assert strategy.strategy_status is StrategyStatus.WORKING
        assert decode(USDM.payloads["GRID_UPDATE"]) == GridUpdate(
            **common("GRID_UPDATE"),
            strategy_id=81200044,
            strategy_type="GRID",
            strategy_status="CANCELLED",
            symbol="LINKUSDT",
            realized_pnl=Decimal("-0.0125"),
            unmatched_average_price=Decimal("17.4"),
            unmatched_quantity=Decimal("-3.2"),
            unmatched_fee=Decimal("-0.0011136"),
            matched_pnl=Decimal("0.31"),
            update_time=datetime(2026, 7, 1, 12, 0, 0, 401000, tzinfo=UTC),
        )

    def test_conditional_order_trigger_reject(self) -> None:
        assert decode(USDM.payloads["CONDITIONAL_ORDER_TRIGGER_REJECT"]) == ConditionalOrderTriggerReject(
            **common("CONDITIONAL_ORDER_TRIGGER_REJECT"),
            symbol="LINKUSDT",
            order_id=9007199254741993,
            reject_reason="Would trigger.",
        )


class TestWhatMayLack:
    def test_a_plain_order_has_none_of_what_conditional_ones_have(self) -> None:
        event = order(x="NEW", X="NEW", t=0, N=None, n=None, cp=None, AP=None, cr=None, er=None, M=None, gtd=0)
        assert type(event) is UsdmOrderTradeUpdate
        for name in ("commission", "commission_asset", "is_close_all", "activation_price", "callback_rate"):
            assert getattr(event, name) is None
        assert (event.expiry_reason, event.modify_id, event.good_till_date) == (None, None, None)

    @pytest.mark.parametrize("positions", [{}, {"P": []}, {"P": None}])
    def test_funding_of_a_cross_position_lists_no_position(self, positions: dict[str, Any]) -> None:
        event = decode(futures("ACCOUNT_UPDATE", a={"m": "FUNDING_FEE", "B": [], **positions}))
        assert type(event) is AccountUpdate
        assert (event.balances, event.positions, event.funding_symbol) == ((), (), None)

    def test_a_configuration_is_that_of_a_symbol_or_that_of_the_account(self) -> None:
        kind = common("ACCOUNT_CONFIG_UPDATE")
        assert decode(futures("ACCOUNT_CONFIG_UPDATE", ac={"s": "LINKUSDT", "l": 12})) == AccountConfigUpdate(
            **kind, symbol="LINKUSDT", leverage=12
        )
        assert decode(futures("ACCOUNT_CONFIG_UPDATE", ai={"j": False})) == AccountConfigUpdate(
            **kind, is_multi_assets_mode=False
        )

    def test_a_margin_call_of_isolated_positions_has_no_cross_wallet(self) -> None:
        payload = {key: value for key, value in USDM.payloads["MARGIN_CALL"].items() if key != "cw"}
        assert decode(payload).cross_wallet_balance is None

    def test_an_algo_order_that_was_not_triggered_has_no_real_order(self) -> None:
        waiting = {key: value for key, value in ALGO_ORDER.items() if key not in ("ap", "aq", "act", "rm", "ia")}
        event = decode(futures("ALGO_UPDATE", o={**waiting, "X": "NEW", "ai": "", "tt": 0, "gtd": 0}))
        assert type(event) is AlgoUpdate
        assert (event.order_id, event.trigger_time, event.good_till_date) == (None, None, None)
        assert (event.average_price, event.executed_quantity, event.actual_order_type) == (None, None, None)
        assert (event.failed_reason, event.is_activated) == (None, None)
        documented = decode(futures("ALGO_UPDATE", o={**waiting, "ai": "", "ap": "0.00000", "aq": "0.00", "act": "0"}))
        assert (documented.average_price, documented.actual_order_type) == (Decimal(0), "0")

    @pytest.mark.parametrize("sent", [" 5", "5.0", "0x5", "9" * 700, True, 1.5])
    def test_the_real_order_of_an_algo_order_is_an_integer(self, sent: Any) -> None:
        event = decode(futures("ALGO_UPDATE", o={**ALGO_ORDER, "ai": sent}))
        assert type(event) is AlgoUpdate
        assert event.order_id is None
        (fault,) = event.faults
        assert (fault.name, fault.wire) == ("order_id", "o|ao.ai")
        assert fault.reason.startswith("is not a whole number: ")

    @pytest.mark.parametrize("sent", [0, -1, "0", "-1", "", "none"])
    def test_what_stands_for_no_time_is_none_where_there_may_be_none(self, sent: Any) -> None:
        event = order(gtd=sent)
        assert type(event) is UsdmOrderTradeUpdate
        assert (event.good_till_date, event.faults) == (None, ())


class TestFills:
    def test_both_reports_of_a_fill_have_its_key_and_are_two_events(self) -> None:
        full, lite = decode(USDM.payloads["ORDER_TRADE_UPDATE"]), decode(USDM.payloads["TRADE_LITE"])
        assert full.fill_key == lite.fill_key == ("LINKUSDT", 660712)
        assert full.identity != lite.identity
        assert lite.identity == ("TRADE_LITE", "LINKUSDT", 9007199254741993, 660712)

    @pytest.mark.parametrize("sampled", [USDM, COINM, OPTIONS, PORTFOLIO_MARGIN], ids=lambda s: s.product.name)
    def test_a_report_without_a_trade_has_no_key(self, sampled: Sampled) -> None:
        assert order(sampled).fill_key == (order(sampled).symbol, order(sampled).trade_id)
        for trade_id in (0, -1):
            assert order(sampled, x="NEW", t=trade_id).fill_key is None

    def test_a_trade_lite_without_a_trade_has_no_key(self) -> None:
        assert decode({**USDM.payloads["TRADE_LITE"], "t": 0}).fill_key is None

    def test_the_two_orders_of_a_trade_with_oneself_are_two_events(self) -> None:
        for name, change in (("ORDER_TRADE_UPDATE", {"o": {**UM_ORDER, "i": 8}}), ("TRADE_LITE", {"i": 8})):
            one, other = decode(USDM.payloads[name]), decode({**USDM.payloads[name], **change})
            assert one.fill_key == other.fill_key
            assert one.identity != other.identity


class TestIdentity:
    @pytest.mark.parametrize("sampled", [USDM, COINM, OPTIONS, PORTFOLIO_MARGIN], ids=lambda s: s.product.name)
    @pytest.mark.parametrize(
        "change",
        [
            {"s": "UNIUSDT"},
            {"i": 5},
            {"t": 660713},
            {"x": "AMENDMENT"},
            {"X": "FILLED"},
            {"z": "21.31"},
            {"q": "41.31"},
            {"p": "17.456"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_reports_of_an_order_are_told_apart(self, sampled: Sampled, change: dict[str, Any]) -> None:
        assert order(sampled, **change).identity != order(sampled).identity

    def test_equal_modifications_at_once_are_told_apart_by_their_ids(self) -> None:
        assert order(M="a").identity != order(M="b").identity

    def test_an_algo_order_is_new_twice_when_it_trails(self) -> None:
        new = [decode(futures("ALGO_UPDATE", o={**ALGO_ORDER, "X": "NEW", "ia": active})) for active in (False, True)]
        assert new[0].identity != new[1].identity

    def test_how_it_arrived_does_not_count(self) -> None:
        event = decode(USDM.payloads["ACCOUNT_UPDATE"])
        assert attrs.evolve(event, subscription_id=4, recovered=True, raw={}) == event
        assert attrs.evolve(event, funding_symbol=None).identity != event.identity


class TestWords:
    @pytest.mark.parametrize(
        ("sent", "reason"),
        [("0", FuturesExpiryReason.NONE), ("1", FuturesExpiryReason.SELF_TRADE_PREVENTION), ("12", "12")],
    )
    def test_a_reason_of_expiry_is_a_number_in_a_text(self, sent: str, reason: str) -> None:
        event = order(er=sent)
        assert event.expiry_reason == reason
        assert type(event.expiry_reason) is type(reason)

    def test_new_words_stay_strings(self) -> None:
        event = order(
            o="TWAP", f="GTX2", x="REJECTED", X="PARKED", ps="NET", wt="INDEX_PRICE", pm="MID", V="TRANSFER_2"
        )
        for name in ("order_type", "time_in_force", "execution_type", "order_status", "position_side"):
            assert type(getattr(event, name)) is str
        assert (event.stop_price_working_type, event.price_match_mode) == ("INDEX_PRICE", "MID")
