"""A recovery after events with holes: whatever they lacked, what was delivered is not told again and nothing fails."""

from __future__ import annotations

import copy
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import futures_answers as futures
import pytest
import recovery_answers as spot
import trio
from recovery_desk_scene import OptionsScene
from test_options_recovery import ORDER

from support.products import PORTFOLIO_MARGIN
from trio_binance_uds.events import (
    AccountUpdate,
    Event,
    ExecutionReport,
    MarginLevelStatusChange,
    OptionsOrderTradeUpdate,
    OptionsRiskLevelChange,
    PmProAccountUpdate,
    UsdmOrderTradeUpdate,
    UserLiabilityChange,
)
from trio_binance_uds.events.fields import wire_fields
from trio_binance_uds.stream.record import StreamRecord
from trio_binance_uds.stream.recovery.european_options import answers as options_answers
from trio_binance_uds.stream.recovery.european_options import reports as options_reports
from trio_binance_uds.stream.recovery.european_options.knowledge import Knowledge as OptionsKnowledge
from trio_binance_uds.stream.recovery.futures.answers import FillAnswer
from trio_binance_uds.stream.recovery.futures.units import is_of_unit
from trio_binance_uds.stream.recovery.risk.knowledge import RiskKnowledge, row_of
from trio_binance_uds.stream.recovery.spot.answers import OrderAnswer as SpotOrderAnswer
from trio_binance_uds.stream.recovery.spot.ledger import _of_report
from trio_binance_uds.stream.recovery.spot.reconstruct import reconstruct
from trio_binance_uds.stream.recovery.told_states import SnapshotEchoes, WordEcho
from trio_binance_uds.stream.repetitions import Repetitions
from trio_binance_uds.wire.decode import decode_frame

NOT_CORE = {
    cls: [declared.name for declared in wire_fields(cls) if not declared.is_core]
    for cls in (UsdmOrderTradeUpdate, ExecutionReport, OptionsOrderTradeUpdate)
}


def without(event: Any, *names: str) -> Any:
    return attrs.evolve(event, **dict.fromkeys(names))


@pytest.mark.parametrize("name", NOT_CORE[UsdmOrderTradeUpdate])
def test_a_futures_report_may_lack_anything_that_is_not_core(name: str) -> None:
    new, first = futures.report("NEW", "NEW", 1000), futures.fill(51, 1500, "0.4", "0.4")
    knowledge = futures.knowing(without(new, name), without(first, name))
    answer = futures.order(status="CANCELED", executedQty="0.7", updated=3000)
    fills = (futures.trade(51, 1500, "0.4"), futures.trade(52, 2000, "0.3"))
    result = futures.found(knowledge, futures.answered(knowledge, answer, fills=fills))
    assert futures.story(result.events) == ["TRADE PARTIALLY_FILLED 0.7/1@100", "CANCELED CANCELED 0.7/1@100"]


@pytest.mark.parametrize("name", NOT_CORE[ExecutionReport])
def test_a_spot_report_may_lack_anything_that_is_not_core(name: str) -> None:
    new, first = spot.report("NEW", "NEW", 1000), spot.fill(7, 1500, "0.40", "0.40")
    knowledge = spot.knowing(without(new, name), without(first, name))
    answer = spot.order(status="CANCELED", executedQty="0.70", cummulativeQuoteQty="70.00", updated=3000)
    fills = (spot.trade(7, 1500, "0.40"), spot.trade(8, 2000, "0.30"))
    found = reconstruct(knowledge, spot.answers(knowledge, answer, fills=fills))
    reports = [event for event in found.events if isinstance(event, ExecutionReport)]
    assert [report.cumulative_filled_quantity for report in reports] == [Decimal("0.7"), Decimal("0.7")]
    assert [report.execution_type for report in reports] == ["TRADE", "CANCELED"]
    assert reports[-1].cumulative_quote_quantity == 70


def test_an_order_that_no_answer_knows_stands_as_its_report_told_it_with_its_holes() -> None:
    told = without(spot.fill(7, 1500, "0.40", "0.40"), *NOT_CORE[ExecutionReport][1:])
    answer = SpotOrderAnswer.of_report(told)
    assert (answer.list_id, answer.type, answer.quote_executed) == (-1, "", 0)
    report = without(futures.fill(51, 1500, "0.4", "0.4"), *NOT_CORE[UsdmOrderTradeUpdate][1:])
    state = futures.knowing(report).orders["AAABBB", 1].state()
    assert (state.client_order_id, state.average_price, state.updated) == ("", 0, futures.at(1500))


def test_a_fill_without_its_trade_is_known_by_all_else() -> None:
    futures_knows = futures.knowing(without(futures.fill(51, 1500, "0.4", "0.4"), "trade_id"))
    assert futures_knows.is_fill_told(futures.trade(51, 1500, "0.4"))
    assert not futures_knows.is_fill_told(futures.trade(51, 1500, "0.3"))
    assert len(futures_knows.unsettled) == 1
    spot_knows = spot.knowing(without(spot.fill(7, 1500, "0.40", "0.40"), "trade_id"))
    assert spot_knows.is_fill_told(spot.trade(7, 1500, "0.40"))
    assert not spot_knows.is_fill_told(spot.trade(7, 1600, "0.40"))


def test_a_report_without_trade_and_without_fill_is_none() -> None:
    knowledge = futures.knowing(without(futures.report("NEW", "NEW", 1000), "trade_id"))
    assert (knowledge.unsettled, len(knowledge.unnumbered_fills)) == ([], 0)


async def test_an_options_fill_without_its_trade_is_known_by_all_else(autojump_clock: trio.abc.Clock) -> None:
    scene = OptionsScene()
    scene.trade("BUY", "0.2", "1200")
    new, fill = [event for event in scene.sent() if isinstance(event, OptionsOrderTradeUpdate)]
    knowledge = OptionsKnowledge()
    holes = [name for name in NOT_CORE[OptionsOrderTradeUpdate] if name not in ("event_type", "event_time")]
    for told in (new, fill):
        knowledge.observe(without(told, *holes))
    trade = options_answers.TradeAnswer(
        raw={},
        symbol=fill.symbol,
        order_id=fill.order_id,
        trade_id=5,
        price=fill.last_filled_price,
        quantity=fill.last_filled_quantity,
        fee=Decimal(0),
        realized_profit=Decimal(0),
        is_buyer=True,
        is_maker=False,
        quote_asset="USDT",
        time=fill.transaction_time,
    )
    assert knowledge.is_fill_told(trade.but_for_its_number)
    assert not knowledge.is_fill_told(trade.identity)
    answer = options_answers.OrderAnswer.of_update(without(fill, *holes))
    update = options_reports.update_of(answer)
    assert (update.client_order_id, update.average_price, update.order_type) == (None, 0, None)
    assert answer.key != options_answers.OrderAnswer.read(ORDER).key


def test_what_balances_and_positions_lacked_is_told_by_the_answers() -> None:
    update: Any = futures.account(1500, wallet="1000", amount="-0.4")
    assert isinstance(update, AccountUpdate)
    holes = attrs.evolve(
        update,
        balances=tuple(without(one, "cross_wallet_balance", "balance_change") for one in update.balances),
        positions=tuple(without(one, "entry_price", "position_side") for one in update.positions),
    )
    knowledge = futures.knowing(holes)
    assert knowledge.balances["BBB"].state.cross_wallet == 0
    assert knowledge.positions["AAABBB", "BOTH"].state.entry_price == 0


def test_a_fill_of_a_report_with_holes_counts_as_one_all_the_same() -> None:
    names = ("trade_id", "realized_profit", "order_trade_time", "is_maker", "position_side", "commission")
    answer = FillAnswer.of_report(without(futures.fill(51, 1500, "0.4", "0.4"), *names))
    assert (answer.trade_id, answer.realized_profit, answer.time) == (0, 0, futures.at(1500))
    assert (answer.position, answer.is_maker, answer.commission) == (("AAABBB", "BOTH"), False, 0)


def test_no_echo_is_seen_where_the_trade_is_not_known() -> None:
    reports = [without(spot.fill(7, 1500, "0.40", "0.40", I=900 + n), "trade_id") for n in range(2)]
    repetitions = Repetitions(StreamRecord())
    assert [repetitions.is_repeated(report) for report in reports] == [False, False]


class TestUnits:
    """On Portfolio Margin an event that does not name its part is known by its symbol."""

    @pytest.mark.parametrize(("symbol", "unit"), [("ABUSDT", "UM"), ("ABUSDT_260925", "UM"), ("ABUSD_PERP", "CM")])
    def test_a_report_is_known_by_its_symbol(self, symbol: str, unit: str) -> None:
        payload = copy.deepcopy(PORTFOLIO_MARGIN.payloads["ORDER_TRADE_UPDATE"])
        payload["o"]["s"] = symbol
        del payload["fs"]
        event: Any = decode_frame(json.dumps(payload), PORTFOLIO_MARGIN.product)
        for knows in ("UM", "CM"):
            knowledge = futures.knowing(event, unit=knows)
            assert (event.order_id in [order_id for _, order_id in knowledge.orders]) is (knows == unit)
        assert not is_of_unit(event, None)

    def test_an_account_update_is_known_by_its_first_position(self) -> None:
        payload = {**PORTFOLIO_MARGIN.payloads["ACCOUNT_UPDATE"], "fs": None}
        event: Any = decode_frame(json.dumps(payload), PORTFOLIO_MARGIN.product)
        assert (is_of_unit(event, "UM"), is_of_unit(event, "CM")) == (True, False)
        event = attrs.evolve(event, positions=())
        assert (is_of_unit(event, "UM"), is_of_unit(event, "CM")) == (False, False)
        assert not is_of_unit(attrs.evolve(event, business_unit="CM"), "UM")


class TestTimes:
    """Totals, levels and debts that came without a time: they are news, and fail nothing."""

    def test_totals_and_levels(self) -> None:
        totals = SnapshotEchoes([(PmProAccountUpdate, futures.at(5)), (OptionsRiskLevelChange, None)])
        event: Any = object.__new__(PmProAccountUpdate)
        assert totals.is_echo(event, futures.at(4))
        assert not totals.is_echo(event, None)
        assert not totals.is_echo(object.__new__(OptionsRiskLevelChange), futures.at(4))
        assert not WordEcho("NORMAL", futures.at(5)).is_echo("NORMAL", None)
        assert WordEcho("NORMAL", futures.at(5)).is_echo("NORMAL", futures.at(5))

    def test_debts(self) -> None:
        def change(at: Any) -> UserLiabilityChange:
            return UserLiabilityChange(
                event_type="USER_LIABILITY_CHANGE",
                event_time=at,
                asset="AAA",
                liability_type="BORROW",
                principal=Decimal(4),
                interest=None,
            )

        knowledge = RiskKnowledge()
        for at in (None, futures.at(0), None, futures.at(0) + timedelta(hours=5)):
            knowledge.observe(change(at))
        assert len(knowledge.changes) <= 4
        assert row_of(change(None), []) is None
        level = MarginLevelStatusChange(
            event_type="x", event_time=None, margin_level=None, margin_level_status="NORMAL"
        )
        events: list[Event] = [level, without(level, "margin_level_status")]
        for event in events:
            knowledge.observe(event)
        assert knowledge.status == "NORMAL"


def test_what_a_fill_is_worth_follows_from_its_price_where_the_report_does_not_say() -> None:
    told = spot.fill(7, 1500, "0.40", "0.40")
    lacking = without(told, "last_quote_quantity")
    moved = [list(_of_report(spot.knowing(report), report)) for report in (told, lacking)]
    assert moved[0] == moved[1]
    assert ("BBB", Decimal(40), spot.at(1500)) in moved[1]
