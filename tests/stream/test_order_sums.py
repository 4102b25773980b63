"""The sums inside the reports: what proves that a report is missing, and what does not."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest

import trio_binance_uds as uds
from trio_binance_uds.stream import order_sums
from trio_binance_uds.stream.order_sums import OrderSums

START = datetime(2030, 1, 1, tzinfo=UTC)


def spot(order_id: int = 7, at: float = 0, **more: Any) -> uds.ExecutionReport:
    """Return a report of a spot order of 1 BTC at 100 USDT."""
    now = START + timedelta(seconds=at)
    filled, part = Decimal(more.pop("filled", 0)), Decimal(more.pop("part", 0))
    fields: dict[str, Any] = {field.name: None for field in attrs.fields(uds.ExecutionReport) if field.init}
    fields |= {
        "account": "spot", "event_type": "executionReport", "event_time": now, "transaction_time": now,
        "symbol": "BTCUSDT", "order_id": order_id, "execution_type": "TRADE" if part else "NEW",
        "order_status": "PARTIALLY_FILLED" if filled else "NEW", "order_quantity": Decimal(1),
        "quote_order_quantity": Decimal(0), "cumulative_filled_quantity": filled, "last_executed_quantity": part,
        "cumulative_quote_quantity": 100 * filled, "last_quote_quantity": 100 * part, "recovered": False,
    }  # fmt: skip
    return uds.ExecutionReport(**{**fields, **more})


def futures(order_id: int = 7, at: float = 0, **more: Any) -> Any:
    """Return a report of a futures order of 1 BTC."""
    now = START + timedelta(seconds=at)
    filled, part = Decimal(more.pop("filled", 0)), Decimal(more.pop("part", 0))
    cls: Any = more.pop("cls", uds.UsdmOrderTradeUpdate)
    fields: dict[str, Any] = {field.name: None for field in attrs.fields(cls) if field.init}
    fields |= {
        "account": "usdm-futures", "event_type": "ORDER_TRADE_UPDATE", "event_time": now, "transaction_time": now,
        "symbol": "BTCUSDT", "order_id": order_id, "execution_type": "TRADE" if part else "NEW",
        "order_status": "PARTIALLY_FILLED" if filled else "NEW", "original_quantity": Decimal(1),
        "filled_accumulated_quantity": filled, "last_filled_quantity": part, "recovered": False,
    }  # fmt: skip
    return cls(**{**fields, **more})


MAKERS: list[Any] = [spot, futures]
both = pytest.mark.parametrize("report", MAKERS)


@both
def test_reports_that_continue_each_other_show_nothing(report: Any) -> None:
    sums = OrderSums()
    for one in (
        report(),
        report(filled="0.1", part="0.1"),
        report(filled="0.1", execution_type="REPLACED"),
        report(filled="0.4", part="0.3"),
        report(filled="1", part="0.6", order_status="FILLED"),
    ):
        assert sums.check(one) is None
    assert sums.open_questions() == ""


@both
def test_report_that_jumps_is_not_added_before_the_missing_one_is(report: Any) -> None:
    sums = OrderSums()
    assert sums.check(report(at=0)) is None
    assert sums.check(report(at=1, filled="0.1", part="0.1")) is None
    jump = report(at=3, filled="0.3", part="0.1")
    for _ in range(2):
        found = sums.check(jump)
        assert found is not None
        assert found.since == START + timedelta(seconds=1)
        assert found.detail == "order 7 of BTCUSDT had been filled by 0.1 more than its reports said"
        assert found.may_ask
    assert sums.open_questions() == ""
    sums.add_recovered(report(at=2, filled="0.2", part="0.1"))
    assert sums.check(jump) is None
    assert sums.check(report(at=4, filled="0.3", order_status="CANCELED")) is None
    assert sums.open_questions() == ""


@both
@pytest.mark.parametrize("status", ["CANCELED", "EXPIRED", "EXPIRED_IN_MATCH", "PARTIALLY_FILLED", "NEW"])
def test_report_without_a_fill_must_repeat_the_sum(report: Any, status: str) -> None:
    sums = OrderSums()
    assert sums.check(report()) is None
    assert sums.check(report(filled="0.2", order_status=status)) is not None


@both
def test_conceded_report_leaves_a_hole_that_is_named_until_the_missing_report_comes(report: Any) -> None:
    sums = OrderSums()
    sums.check(report())
    jump = report(at=5, filled="0.5", part="0.1", order_status="CANCELED")
    assert sums.check(jump) is not None
    sums.concede(jump)
    assert sums.check(jump) is None, "it comes again, from the link that waited"
    assert sums.open_questions() == "the delivered reports do not add up: order 7 of BTCUSDT lacks 0.4"
    assert sums.check(report(at=2, filled="0.3", part="0.2")) is None, "late, out of the middle of the hole"
    assert sums.open_questions() == "the delivered reports do not add up: order 7 of BTCUSDT lacks 0.2"
    sums.add_recovered(report(at=1, filled="0.1", part="0.1"))
    sums.add_recovered(report(at=3, filled="0.4", part="0.1"))
    assert sums.open_questions() == ""


@both
def test_order_is_not_asked_about_again_soon_after_that_has_failed(report: Any) -> None:
    sums = OrderSums()
    sums.check(report())
    waits, at = [], 10
    for number in range(1, 10):
        jump = report(at=at, filled=Decimal("0.01") * 2 * number, part="0.01")
        found = sums.check(jump)
        assert found is not None
        assert found.may_ask
        sums.concede(jump)
        wait = 30 * 2 ** min(number - 1, 7)
        early = report(at=at + wait - 1, filled=jump_filled(jump) + Decimal("0.002"), part="0.001")
        again = sums.check(early)
        assert again is not None
        assert not again.may_ask
        waits.append(wait)
        at += wait
    assert waits == [30, 60, 120, 240, 480, 960, 1920, 3840, 3840]


def jump_filled(report: Any) -> Decimal:
    filled = getattr(report, "cumulative_filled_quantity", None)
    return filled if filled is not None else report.filled_accumulated_quantity  # type: ignore[no-any-return]


@both
def test_order_that_was_there_before_begins_with_its_first_report(report: Any) -> None:
    sums = OrderSums()
    assert sums.check(report(filled="0.3", part="0.1")) is None
    assert sums.check(report(filled="0.4", part="0.1")) is None
    assert sums.check(report(filled="0.6", part="0.1")) is not None


@both
def test_late_and_repeated_reports_prove_nothing(report: Any) -> None:
    sums = OrderSums()
    for one in (
        report(),
        report(filled="0.3", part="0.3"),
        report(filled="0.3", part="0.3"),
        report(filled="0.1", part="0.1"),
        report(),
        report(filled="0.2", order_status="CANCELED"),
        report(filled="0.3", part="0.1"),
        report(filled="0.1", part="0.1"),
    ):
        assert sums.check(one) is None
    assert sums.open_questions() == ""
    assert sums.check(report(filled="0.9", part="0.1")) is not None, "after its end the sum is still known"


@both
def test_overlapping_report_is_taken_as_it_is(report: Any) -> None:
    sums = OrderSums()
    sums.check(report())
    sums.check(report(filled="0.3", part="0.3"))
    assert sums.check(report(filled="0.4", part="0.2")) is None
    assert sums.check(report(filled="0.5", part="0.1")) is None


@both
def test_filled_order_that_is_not_filled_is_said_once(report: Any) -> None:
    sums = OrderSums()
    sums.check(report())
    short = report(filled="0.7", part="0.7", order_status="FILLED")
    found = sums.check(short)
    assert found is not None
    assert found.detail == "order 7 of BTCUSDT is said to be filled, but 0.3 of it are not"
    sums.concede(short)
    assert sums.open_questions() == "the delivered reports do not add up: order 7 of BTCUSDT lacks 0.3"


def test_what_self_trade_prevention_took_off_is_not_lacking() -> None:
    sums = OrderSums()
    sums.check(spot())
    prevented = {"prevented_quantity": Decimal("0.3"), "order_status": "FILLED"}
    assert sums.check(spot(filled="0.7", part="0.7", **prevented)) is None


def test_size_in_the_quote_asset_is_no_quantity_to_be_filled() -> None:
    sums = OrderSums()
    sums.check(spot(quote_order_quantity=Decimal(50)))
    whole = spot(filled="0.5", part="0.5", quote_order_quantity=Decimal(50), order_status="FILLED")
    assert sums.check(whole) is None


@pytest.mark.parametrize(
    ("quote", "is_wrong"), [("20", False), ("20.00000005", False), ("19", True), ("21", True), ("-1", False)]
)
def test_sums_in_the_quote_asset_must_agree_too(quote: str, is_wrong: bool) -> None:
    sums = OrderSums()
    sums.check(spot())
    sums.check(spot(filled="0.1", part="0.1"))
    report = spot(filled="0.2", part="0.1", cumulative_quote_quantity=Decimal(quote))
    found = sums.check(report)
    assert (found is not None) == is_wrong
    if found is not None:
        assert found.detail == "order 7 of BTCUSDT has traded another sum in the quote asset than its reports said"
        sums.concede(report)
        assert sums.open_questions() == "", "no part of the quantity is missing"
    after = spot(filled="0.3", part="0.1", cumulative_quote_quantity=Decimal(quote) + 10)
    assert sums.check(after) is None


@both
def test_order_of_another_symbol_with_the_same_id_replaces_the_one_before(report: Any) -> None:
    sums = OrderSums()
    assert sums.check(report()) is None
    assert sums.check(report(symbol="ETHUSDT", filled="0.5", part="0.1")) is None, "it was there before"
    assert sums.check(report(symbol="ETHUSDT", filled="0.7", part="0.1")) is not None


def test_orders_are_told_apart_by_symbol_and_by_kind() -> None:
    sums = OrderSums()
    assert sums.check(spot()) is None
    assert sums.check(spot(symbol="ETHUSDT", filled="0.5", part="0.1")) is None, "it was there before"
    assert sums.check(spot(symbol="ETHUSDT", filled="0.7", part="0.1")) is not None
    assert sums.check(futures(filled="0.5", part="0.1", cls=uds.PortfolioMarginOrderTradeUpdate)) is None
    assert sums.check(futures(filled="0.7", part="0.1", cls=uds.PortfolioMarginOrderTradeUpdate)) is not None
    assert sums.check(futures(8, filled="0.5", part="0.1", cls=uds.OptionsOrderTradeUpdate)) is None


@both
@pytest.mark.parametrize("first", [1, 2, 3])
def test_orders_of_several_symbols_with_one_id_are_each_held_against_their_own(report: Any, first: int) -> None:
    sums = OrderSums()
    symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
    for symbol in symbols:
        assert sums.check(report(symbol=symbol)) is None
    for symbol in symbols:
        assert sums.check(report(symbol=symbol, filled="0.2", part="0.2")) is None
    ended = symbols[first - 1]
    assert sums.check(report(symbol=ended, filled="1", part="0.8", order_status="FILLED")) is None
    for symbol in symbols:
        if symbol != ended:
            found = sums.check(report(symbol=symbol, filled="0.3", order_status="CANCELED"))
            assert found is not None
            assert found.detail == f"order 7 of {symbol} had been filled by 0.1 more than its reports said"
            assert sums.check(report(symbol=symbol, filled="0.2", order_status="CANCELED")) is None


def test_orders_with_one_id_that_are_kept_aside_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_sums, "_ASIDE_AT_MOST", 1)
    sums = OrderSums()
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        assert sums.check(spot(symbol=symbol, filled="0.1", part="0.1")) is None
    assert sums.check(spot(symbol="BTCUSDT", filled="0.5", part="0.1")) is None, "it was forgotten"
    assert sums.check(spot(symbol="SOLUSDT", filled="0.5", part="0.1")) is not None


def test_other_events_have_no_sums() -> None:
    sums = OrderSums()
    news = uds.UnknownEvent(problem="unknown")
    assert sums.check(news) is None
    sums.add_recovered(news)
    assert sums.open_questions() == ""


def test_many_names_are_cut_short() -> None:
    sums = OrderSums()
    for number in range(8):
        sums.check(spot(number))
        sums.concede(spot(number, filled="0.2", part="0.1"))
    assert sums.open_questions().endswith("order 4 of BTCUSDT lacks 0.1 and 3 more")


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, most in (("_OPEN_AT_MOST", 3), ("_ENDED_AT_MOST", 3), ("_TROUBLED_AT_MOST", 3)):
        monkeypatch.setattr(order_sums, name, most)
    sums = OrderSums()
    for number in range(10):
        sums.check(spot(number))
    assert sums.check(spot(0, filled="0.5", part="0.1")) is None, "forgotten, so it begins anew"
    for number in range(20, 30):
        sums.check(spot(number, filled="0.5", part="0.5", order_status="CANCELED"))
    assert sums.check(spot(20, filled="0.9", part="0.1")) is None
    assert sums.check(spot(29, filled="0.9", part="0.1")) is not None
    for number in range(40, 50):
        sums.check(spot(number))
        sums.concede(spot(number, filled="0.2", part="0.1"))
    assert sums.open_questions().count("lacks") == 3


@both
@pytest.mark.parametrize("seed", range(40))
def test_each_single_loss_is_found_exactly_at_the_next_report(report: Any, seed: int) -> None:
    rng = random.Random(seed)
    lives: list[list[Any]] = []
    for order_id in range(5):
        filled, life = Decimal(0), [report(order_id)]
        while filled < 1:
            part = min(Decimal(rng.randrange(1, 50)) / 100, 1 - filled)
            filled += part
            life.append(
                report(order_id, filled=filled, part=part, **({"order_status": "FILLED"} if filled == 1 else {}))
            )
        lives.append(life)
    stream: list[Any] = []
    while any(lives):
        stream.append(rng.choice([life for life in lives if life]).pop(0))
    fills = [one for one in stream if one.execution_type == "TRADE" and one.order_status != "FILLED"]
    lost = rng.choice(fills)
    sums, found = OrderSums(), []
    for one in stream:
        if one is not lost and sums.check(one) is not None:
            found.append(one)
            sums.concede(one)
    after = [one for one in stream if one.order_id == lost.order_id]
    if after[0] is lost:
        assert found == []
    else:
        assert found == [after[after.index(lost) + 1]]
        sums.add_recovered(lost)
    assert sums.open_questions() == ""


@both
def test_orders_that_end_leave_alone_those_of_another_symbol_with_another_id(report: Any) -> None:
    sums = OrderSums()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        assert sums.check(report(symbol=symbol)) is None
    assert sums.check(report(8)) is None
    assert sums.check(report(8, order_status="CANCELED")) is None
    for symbol in ("BTCUSDT", "ETHUSDT"):
        assert sums.check(report(symbol=symbol, filled="0.3", part="0.1")) is not None
