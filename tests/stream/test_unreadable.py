"""What cannot be read is delivered as it came, and the venue is asked what it has changed; that stays in question."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.stream.unreadable import Unreadable

from test_open_user_data_stream import Stage, reading  # isort: skip

REPORT = '{"subscriptionId":0,"event":{"e":"executionReport","E":%d,"s":"BTCUSDT","x":"TRADE"}}'


def now_ms(staged: Stage) -> int:
    return int(staged.sandbox.clock.datetime().timestamp() * 1000)


def gaps(staged: Stage) -> list[uds.Gap]:
    return [item for item in staged.items if isinstance(item, uds.Gap)]


async def test_unreadable_report_is_followed_by_the_gap_and_what_it_was(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        order = staged.order(quantity="0.003", price="50000")
        await trio.sleep(1)
        staged.sandbox.faults.drop(1000)
        staged.account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
        await trio.sleep(0.1)
        staged.sandbox.faults.drop(0)
        staged.sandbox.faults.send_raw(REPORT % now_ms(staged))
        await trio.sleep(5)
    kinds = [type(item) for item in staged.items]
    assert kinds[-4:] == [uds.UndecodableEvent, uds.Gap, uds.ExecutionReport, uds.OutboundAccountPosition]
    (gap,) = gaps(staged)
    assert gap.cause is uds.GapCause.EVENT_UNREADABLE
    assert gap.complete, gap.detail
    assert "1 could not be read: executionReport" in gap.detail
    report = staged.items[-2]
    assert isinstance(report, uds.ExecutionReport)
    assert report.recovered
    assert report.order_status is uds.OrderStatus.CANCELED


@pytest.mark.parametrize(
    ("frame", "what"),
    [
        ("{not json", "a frame without a type"),
        ("[]", "a frame without a type"),
        ('{"subscriptionId":0,"event":{"E":1900000000000,"s":"BTCUSDT","x":"TRADE"}}', "a frame without a type"),
        ('{"subscriptionId":0,"event":{"e":"balanceUpdate","E":1900000000000,"a":7,"d":"NaN"}}', "balanceUpdate"),
        ('{"subscriptionId":0,"event":{"e":"externalLockUpdate","E":1900000000000}}', "externalLockUpdate"),
    ],
)
async def test_what_no_answer_shows_keeps_the_gap_in_question(
    autojump_clock: trio.testing.MockClock, frame: str, what: str
) -> None:
    async with reading() as staged:
        staged.sandbox.faults.send_raw(frame)
        await trio.sleep(5)
    (gap,) = gaps(staged)
    assert [type(item) for item in staged.items] == [uds.UndecodableEvent, uds.Gap]
    assert gap.cause is uds.GapCause.EVENT_UNREADABLE
    assert not gap.complete
    assert gap.detail == f"1 could not be read: {what}; no answer shows what this was: {what}"


async def test_event_of_a_type_that_nobody_knows_starts_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        staged.sandbox.faults.send_event({"e": "somethingNew", "E": now_ms(staged), "x": 1})
        await trio.sleep(60)
    assert [type(item) for item in staged.items] == [uds.UnknownEvent]


async def test_venue_that_sends_nothing_readable_is_not_asked_all_the_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        for _ in range(600):
            staged.sandbox.faults.send_raw(REPORT % now_ms(staged))
            await trio.sleep(0.5)
        await trio.sleep(60)
    found = gaps(staged)
    assert 9 <= len(found) <= 12
    assert all(gap.complete for gap in found)
    assert sum(isinstance(item, uds.UndecodableEvent) for item in staged.items) == 600


async def test_what_could_not_be_read_before_a_loss_is_in_the_gap_of_the_loss(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        staged.sandbox.faults.send_raw("{")
        await trio.sleep(5)
        staged.sandbox.faults.send_raw("{")
        await trio.sleep(1)
        staged.sandbox.faults.refuse_connections(status=503, seconds=60)
        staged.sandbox.faults.cut()
        await trio.sleep(200)
    first, second = gaps(staged)
    assert first.cause is uds.GapCause.EVENT_UNREADABLE
    assert second.cause is uds.GapCause.LINK_LOST
    assert not second.complete
    assert "no answer shows what this was" in second.detail


async def test_it_is_asked_for_together_with_a_report_that_is_missing(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        order = staged.order(quantity="0.003", price="50000")
        await trio.sleep(1)
        staged.sandbox.faults.send_raw("{")
        await trio.sleep(5)
        staged.sandbox.faults.send_raw("{")  # Nobody asks about this for half a minute,
        other = staged.sandbox.add_account(balances={"BTC": "1"})
        taken = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.001"}
        staged.sandbox.faults.drop(1000)
        other.call("order.place", taken)
        await trio.sleep(0.1)
        staged.sandbox.faults.drop(0)
        staged.account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])  # unless there is more.
        await trio.sleep(60)
    _, second = gaps(staged)
    assert second.cause is uds.GapCause.REPORT_MISSING
    assert second.recovered == 1
    assert not second.complete


async def test_it_waits_for_a_recovery_that_has_begun(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        faults = staged.sandbox.faults
        order = staged.order(quantity="0.003", price="50000")
        await trio.sleep(40)
        faults.send_raw("{", after=40.0)
        faults.delay_answer(8, "openOrders.status")
        other = staged.sandbox.add_account(balances={"BTC": "1"})
        faults.drop(1000)
        other.call("order.place", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.001")
        await trio.sleep(0.1)
        faults.drop(0)
        faults.send_raw("{", after=0.1)
        staged.account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
        await trio.sleep(100)
    assert next(str(gap.cause) for gap in gaps(staged)) == "report_missing"


def unreadable(kind: str | None, at: float | None) -> uds.UndecodableEvent:
    start = datetime(2030, 1, 1, tzinfo=UTC)
    time: Any = None if at is None else start + timedelta(seconds=at)
    return uds.UndecodableEvent(problem="made up", event_type=kind, event_time=time)


def test_times_and_types_are_collected() -> None:
    found = Unreadable()
    for kind, at in (("ORDER_TRADE_UPDATE", 7), ("ALGO_UPDATE", 5), ("ALGO_UPDATE", None), ("ACCOUNT_UPDATE", 6)):
        found.add(unreadable(kind, at))
    assert found.since == datetime(2030, 1, 1, 0, 0, 5, tzinfo=UTC)
    assert found.in_question() == ""
    for kind in ("MARGIN_CALL", "STRATEGY_UPDATE", None, "liabilityChange"):
        found.add(unreadable(kind, None))
    assert found.detail() == "8 could not be read: ORDER_TRADE_UPDATE, ALGO_UPDATE, ACCOUNT_UPDATE and 4 more"
    assert found.in_question() == (
        "no answer shows what this was: MARGIN_CALL, STRATEGY_UPDATE, a frame without a type and 1 more"
    )
    assert Decimal(found.count) == 8
