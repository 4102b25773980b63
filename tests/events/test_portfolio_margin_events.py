"""Portfolio Margin events: futures and margin on one stream, told apart, and the events of Pro."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest

from support.product_payloads import CONDITIONAL_ORDER, PM_ORDER, futures
from support.products import MARGIN, PORTFOLIO_MARGIN, PORTFOLIO_MARGIN_PRO, USDM
from trio_binance_uds.events import (
    AccountUpdate,
    AlgoUpdate,
    Balance,
    BalanceUpdate,
    BusinessUnit,
    ConditionalOrderStatus,
    ConditionalOrderTradeUpdate,
    ExecutionReport,
    ExpiryReason,
    KnownEvent,
    LiabilityChange,
    OpenOrderLoss,
    OpenOrderLossAsset,
    OrderTradeUpdate,
    OutboundAccountPosition,
    PmProAccountUpdate,
    PortfolioMarginBalanceUpdate,
    PortfolioMarginExecutionReport,
    PortfolioMarginOrderTradeUpdate,
    PortfolioMarginOutboundAccountPosition,
    RiskLevel,
    RiskLevelChange,
)
from trio_binance_uds.events.fields import wire_fields
from trio_binance_uds.products import Product
from trio_binance_uds.wire.decode import decode_frame

EVENT_TIME = datetime(2026, 7, 1, 12, 0, 0, 457000, tzinfo=UTC)
DONE = datetime(2026, 7, 1, 12, 0, 0, 456000, tzinfo=UTC)


def decode(payload: dict[str, Any], product: Product = PORTFOLIO_MARGIN.product) -> Any:
    return decode_frame(json.dumps(payload), product)


class TestFutures:
    def test_order_trade_update(self) -> None:
        event = decode(PORTFOLIO_MARGIN.payloads["ORDER_TRADE_UPDATE"])
        assert type(event) is PortfolioMarginOrderTradeUpdate
        assert isinstance(event, OrderTradeUpdate)
        usdm = decode(USDM.payloads["ORDER_TRADE_UPDATE"], USDM.product)
        not_sent = (
            "stop_price_working_type", "original_order_type", "is_close_all", "activation_price", "callback_rate",
            "is_price_protected", "price_match_mode", "expiry_reason",
        )  # fmt: skip
        for declared in wire_fields(OrderTradeUpdate):
            expected = None if declared.name in not_sent else getattr(usdm, declared.name)
            assert getattr(event, declared.name) == expected, declared.name
        assert (event.business_unit, event.account_alias) == (BusinessUnit.UM, "")
        assert (event.strategy_type, event.strategy_id) == ("C_STOP_MARKET", 70415)
        assert event.good_till_date == datetime(2026, 7, 2, 12, tzinfo=UTC)
        assert event.fill_key == ("LINKUSDT", 660712)

    def test_an_order_id_is_one_within_its_business_unit(self) -> None:
        um, cm = (decode(futures("ORDER_TRADE_UPDATE", fs=unit, i="", o=PM_ORDER)) for unit in ("UM", "CM"))
        assert um.identity != cm.identity

    def test_an_order_that_was_not_conditional_has_no_strategy(self) -> None:
        plain = {key: value for key, value in PM_ORDER.items() if key not in ("st", "si", "N", "n")}
        event = decode(futures("ORDER_TRADE_UPDATE", fs="CM", o={**plain, "gtd": 0}))
        assert (event.strategy_type, event.strategy_id, event.commission, event.good_till_date) == (None,) * 4
        assert event.account_alias is None

    def test_account_update_names_the_wallet(self) -> None:
        event = decode(PORTFOLIO_MARGIN.payloads["ACCOUNT_UPDATE"])
        assert type(event) is AccountUpdate
        assert (event.business_unit, event.account_alias) == (BusinessUnit.CM, "XyAl")
        assert (event.positions[0].margin_type, event.positions[0].isolated_wallet) == (None, None)

    def test_algo_update_is_that_of_usdm_with_its_business_unit(self) -> None:
        event = decode(PORTFOLIO_MARGIN.payloads["ALGO_UPDATE"])
        assert type(event) is AlgoUpdate
        assert event.business_unit is BusinessUnit.UM
        assert attrs.evolve(event, business_unit=None) == decode(USDM.payloads["ALGO_UPDATE"], USDM.product)

    def test_conditional_order_trade_update(self) -> None:
        assert decode(PORTFOLIO_MARGIN.payloads["CONDITIONAL_ORDER_TRADE_UPDATE"]) == ConditionalOrderTradeUpdate(
            event_type="CONDITIONAL_ORDER_TRADE_UPDATE",
            event_time=EVENT_TIME,
            transaction_time=DONE,
            business_unit=BusinessUnit.CM,
            symbol="LINKUSD_PERP",
            strategy_client_id="fence-2",
            strategy_id=70416,
            side="BUY",
            strategy_type="STOP",
            time_in_force="GTC",
            quantity=Decimal(12),
            price=Decimal("18.2"),
            stop_price=Decimal("18.15"),
            order_status=ConditionalOrderStatus.TRIGGERED,
            book_time=datetime(2026, 7, 1, 11, 58, 20, tzinfo=UTC),
            update_time=datetime(2026, 7, 1, 12, 0, 0, 455000, tzinfo=UTC),
            is_reduce_only=True,
            stop_price_working_type="MARK_PRICE",
            position_side="BOTH",
            is_close_all=False,
            activation_price=Decimal(18),
            callback_rate=Decimal("1.2"),
            order_id=9007199254741995,
            self_trade_prevention_mode="NONE",
            good_till_date=datetime(2026, 7, 2, 12, 0, 0, 2000, tzinfo=UTC),
        )

    def test_a_conditional_order_that_waits_has_no_real_order(self) -> None:
        waiting = {key: value for key, value in CONDITIONAL_ORDER.items() if key not in ("i", "cp", "AP", "cr", "gtd")}
        event = decode(futures("CONDITIONAL_ORDER_TRADE_UPDATE", fs="CM", so=waiting))
        assert (event.order_id, event.activation_price, event.callback_rate, event.good_till_date) == (None,) * 4


class TestMargin:
    def test_a_report_is_one_of_spot_without_the_best_match(self) -> None:
        event = decode(PORTFOLIO_MARGIN.payloads["executionReport"])
        assert type(event) is PortfolioMarginExecutionReport
        assert isinstance(event, ExecutionReport)
        assert event.is_best_match is None
        assert event.expiry_reason is ExpiryReason.INSUFFICIENT_LIQUIDITY
        margin = decode(MARGIN.payloads["executionReport"], MARGIN.product)
        for declared in wire_fields(ExecutionReport):
            if declared.name != "is_best_match":
                assert getattr(event, declared.name) == getattr(margin, declared.name)
        assert event.identity == margin.identity

    def test_balances_are_those_of_spot_with_an_update_id(self) -> None:
        assert decode(PORTFOLIO_MARGIN.payloads["outboundAccountPosition"]) == PortfolioMarginOutboundAccountPosition(
            event_type="outboundAccountPosition",
            event_time=EVENT_TIME,
            last_account_update=DONE,
            balances=(Balance(asset="LINK", free=Decimal("9.1"), locked=Decimal(0)),),
            update_id=1027053479999,
        )
        assert decode(PORTFOLIO_MARGIN.payloads["balanceUpdate"]) == PortfolioMarginBalanceUpdate(
            event_type="balanceUpdate",
            event_time=EVENT_TIME,
            asset="LINK",
            balance_delta=Decimal("-2.5"),
            clear_time=datetime(2026, 7, 1, 12, 0, 0, 455000, tzinfo=UTC),
            update_id=1027053479998,
        )
        assert issubclass(PortfolioMarginOutboundAccountPosition, OutboundAccountPosition)
        assert issubclass(PortfolioMarginBalanceUpdate, BalanceUpdate)

    @pytest.mark.parametrize(
        "event",
        [
            LiabilityChange(
                event_type="liabilityChange",
                event_time=EVENT_TIME,
                asset="LINK",
                liability_type="BORROW",
                transaction_id=1352286576452864999,
                principal=Decimal(4),
                interest=Decimal("0.000021"),
                total_liability=Decimal("11.000021"),
            ),
            OpenOrderLoss(
                event_type="openOrderLoss",
                event_time=EVENT_TIME,
                losses=(
                    OpenOrderLossAsset(asset="USDC", loss_amount=Decimal("-1.25")),
                    OpenOrderLossAsset(asset="LINK", loss_amount=Decimal("-0.0000001")),
                ),
            ),
            RiskLevelChange(
                event_type="riskLevelChange",
                event_time=EVENT_TIME,
                uni_mmr=Decimal("1.14"),
                risk_level=RiskLevel.MARGIN_CALL,
                account_equity=Decimal("830.1"),
                actual_equity=Decimal("841.55"),
                maintenance_margin=Decimal("728.16"),
            ),
        ],
        ids=lambda event: type(event).__name__,
    )
    def test_events_of_the_whole_account(self, event: KnownEvent) -> None:
        assert decode(PORTFOLIO_MARGIN.payloads[event.event_type]) == event


class TestPro:
    def test_pm_pro_account_update(self) -> None:
        payload = PORTFOLIO_MARGIN_PRO.payloads["PM_PRO_ACCOUNT_UPDATE"]
        for name in ("PM_PRO_ACCOUNT_UPDATE", "pmProAccountUpdate"):
            assert decode({**payload, "e": name}, PORTFOLIO_MARGIN_PRO.product) == PmProAccountUpdate(
                event_type=name,
                event_time=EVENT_TIME,
                uni_mmr=Decimal("4.2"),
                account_equity=Decimal("830.1"),
                actual_equity=Decimal("841.55"),
                initial_margin=Decimal(310),
                maintenance_margin=Decimal("197.65"),
                available_balance=Decimal("520.1"),
                virtual_max_withdraw=Decimal("519.9"),
            )

    @pytest.mark.parametrize("name", ["riskLevelChange", "RISK_LEVEL_CHANGE", "Risklevelchange"])
    def test_the_risk_level_is_known_by_each_of_its_names(self, name: str) -> None:
        for sampled in (PORTFOLIO_MARGIN, PORTFOLIO_MARGIN_PRO):
            assert type(decode({**sampled.payloads["riskLevelChange"], "e": name}, sampled.product)) is RiskLevelChange
        pro = decode(PORTFOLIO_MARGIN_PRO.payloads["riskLevelChange"], PORTFOLIO_MARGIN_PRO.product)
        assert pro.risk_level is RiskLevel.NORMAL
