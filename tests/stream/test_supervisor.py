"""The rare turns of the supervisor: what comes too late, what dies at the wrong moment, and a bug of our own."""

from __future__ import annotations

import logging
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import open_sandbox
from trio_binance_uds.stream.delivery import Delivery
from trio_binance_uds.stream.inbox import Answered, Resumption
from trio_binance_uds.stream.recovery import NothingRecovered

from test_open_user_data_stream import Stage, new_account, reading, stage, story, sent_story, trade  # isort: skip


async def test_a_connection_that_is_lost_before_the_acknowledgement_is_a_failed_connect(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = new_account(sandbox, "hmac")
        sandbox.faults.delay_answer(5, "userDataStream.subscribe.signature")
        sandbox.faults.cut(after=2)
        with pytest.raises(uds.ConnectFailed, match="before the subscription was acknowledged") as caught:
            async with uds.open_user_data_stream(
                account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network
            ):
                pytest.fail("it opened")
        assert caught.value.__cause__ is not None


async def test_a_flood_before_the_acknowledgement_is_bounded(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_binance_uds.link.intake._MAX_EARLY", 3)
    async with open_sandbox(in_memory=True) as sandbox:
        account = new_account(sandbox, "hmac")
        sandbox.faults.delay_answer(5, "userDataStream.subscribe.signature")
        for _ in range(5):
            sandbox.faults.send_raw('{"event":{"e":"news","E":1900000000000}}', after=1)
        with pytest.raises(uds.ConnectFailed, match="3 events came before"):
            async with uds.open_user_data_stream(
                account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network
            ):
                pytest.fail("it opened")


async def test_a_bug_of_ours_ends_the_stream_and_is_told(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a bug")

    async with stage() as staged:
        monkeypatch.setattr(Delivery, "note_blindness", broken)
        staged.sandbox.faults.cut()
        assert isinstance(await staged.stream.receive(), uds.Disconnected)
        with pytest.raises(uds.StreamFailed) as caught:
            await staged.stream.receive()
        assert isinstance(caught.value.__cause__, ZeroDivisionError)


async def test_a_bug_in_a_task_of_ours_ends_the_stream_and_is_told(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: Any) -> None:
        raise LookupError("a bug")

    async with stage() as staged:
        monkeypatch.setattr("trio_binance_uds.stream.recovery.spot.recoverer.SpotRecoverer.recover", broken)
        staged.sandbox.faults.cut()
        assert isinstance(await staged.stream.receive(), uds.Disconnected)
        with pytest.raises(uds.StreamFailed) as caught:
            await staged.stream.receive()
        assert isinstance(caught.value.__cause__, LookupError)


async def test_the_old_link_may_die_while_it_is_asked_to_prove_itself(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        (old,) = staged.sandbox.connections
        staged.sandbox.faults.delay_answer(4, "session.subscriptions")
        staged.sandbox.faults.server_shutdown(old, grace=100)
        await trio.sleep(2)
        staged.order()
        staged.sandbox.faults.cut(old)
        await trio.sleep(30)
        staged.order()
    disconnected, gap = staged.notices()
    assert isinstance(disconnected, uds.Disconnected)
    assert isinstance(gap, uds.Gap)
    assert gap.complete
    assert story(staged.items) == sent_story(staged)
    assert staged.stream.statistics().links_opened == 2


async def test_a_successor_that_fails_leaves_the_active_link_alone(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        (old,) = staged.sandbox.connections
        staged.sandbox.faults.refuse_connections(status=503, count=3)
        staged.sandbox.faults.server_shutdown(old, grace=100)
        await trio.sleep(50)
        staged.order()
        await trio.sleep(1)
        assert staged.stream.statistics().links_opened == 2
    assert staged.notices() == []
    assert staged.reports() == staged.sent_reports()


async def test_the_active_link_may_be_lost_while_its_successor_is_still_dialling(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        (old,) = staged.sandbox.connections
        staged.sandbox.faults.delay_answer(3, "session.logon")
        staged.sandbox.faults.server_shutdown(old, grace=1)
        await trio.sleep(30)
        staged.order()
    assert [type(notice) for notice in staged.notices()] == [uds.Disconnected, uds.Gap]
    assert story(staged.items) == sent_story(staged)


async def test_a_server_that_announces_its_end_again_and_again_does_not_make_the_loop_hot(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        for _ in range(100):
            staged.sandbox.faults.server_shutdown(grace=60)
            await trio.sleep(1)
        links = staged.stream.statistics().links_opened
        assert links < 20
        staged.order()
    assert story(staged.items) == sent_story(staged)


async def test_a_link_that_leaves_is_not_asked_about_its_subscription(autojump_clock: trio.testing.MockClock) -> None:
    async with reading(timeouts=uds.Timeouts(subscription_check=0.3)) as staged:
        staged.sandbox.faults.lose_answer("userDataStream.unsubscribe")
        staged.sandbox.faults.server_shutdown(grace=100)
        await trio.sleep(10)
        staged.sandbox.faults.fail_next("userDataStream.unsubscribe", status=400, code=-2036)
        staged.sandbox.faults.server_shutdown(grace=100)
        await trio.sleep(10)
    assert staged.notices() == []


async def test_a_link_that_was_replaced_early_is_not_replaced_again(autojump_clock: trio.testing.MockClock) -> None:
    async with reading(rollover=uds.Rollover(lifetime=1000, lead=900, jitter=0)) as staged:
        await trio.sleep(50)
        staged.sandbox.faults.server_shutdown(grace=5)
        await trio.sleep(70)
        assert staged.stream.statistics().links_opened == 2
        await trio.sleep(60)
        assert staged.stream.statistics().links_opened == 3
    assert staged.notices() == []


async def test_a_successor_that_is_announced_to_close_is_succeeded_itself(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        (old,) = staged.sandbox.connections
        staged.sandbox.faults.delay_answer(4, "session.subscriptions")
        staged.sandbox.faults.server_shutdown(old, grace=30)
        await trio.sleep(2)
        (_, new) = staged.sandbox.connections
        staged.sandbox.faults.server_shutdown(new, grace=20)
        staged.order()
        await trio.sleep(60)
        staged.order()
        await trio.sleep(1)
        assert staged.stream.statistics().links_opened == 3
    assert staged.notices() == []
    assert staged.reports() == staged.sent_reports()


async def test_the_successor_may_die_while_the_old_link_is_asked(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        (old,) = staged.sandbox.connections
        staged.sandbox.faults.delay_answer(4, "session.subscriptions")
        staged.sandbox.faults.server_shutdown(old, grace=100)
        await trio.sleep(2)
        (_, new) = staged.sandbox.connections
        staged.sandbox.faults.cut(new)
        staged.order()
        await trio.sleep(30)
        staged.order()
    assert staged.notices() == []
    assert staged.reports() == staged.sent_reports()


@pytest.mark.parametrize(("outage", "read_after"), [(2, 5), (100, 5), (0.01, 1.5), (0.01, 2.5)])
async def test_a_consumer_that_catches_up_while_the_link_is_away_gets_one_gap_for_all(
    autojump_clock: trio.testing.MockClock, outage: float, read_after: float
) -> None:
    async with stage(max_buffer=20) as staged:
        await trio.sleep(1)
        for _ in range(30):
            staged.order()
            await trio.sleep(0.01)
        staged.sandbox.faults.refuse_connections(seconds=outage)
        staged.sandbox.faults.delay_answer(5, "account.status")
        staged.sandbox.faults.cut()
        staged.order()
        await trio.sleep(read_after)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(staged.read)
            await trio.sleep(300)
            nursery.cancel_scope.cancel()
    gaps = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert gaps
    assert all(gap.complete for gap in gaps)
    assert sorted(story(staged.items)) == sorted(sent_story(staged))


async def test_a_rollover_waits_for_the_recovery_of_what_a_slow_consumer_made_us_shed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with stage(max_buffer=20) as staged:
        await trio.sleep(1)
        for _ in range(30):
            staged.order()
            await trio.sleep(0.01)
        staged.sandbox.faults.delay_answer(3, "account.status")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(staged.read)
            await trio.sleep(0.5)
            staged.sandbox.faults.server_shutdown(grace=60)
            await trio.sleep(60)
            nursery.cancel_scope.cancel()
    gaps = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert gaps
    assert all(gap.complete for gap in gaps)
    assert sorted(story(staged.items)) == sorted(sent_story(staged))


async def test_a_link_lost_during_a_recovery_is_recovered_by_the_next(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        staged.sandbox.faults.cut()
        staged.order()
        staged.sandbox.faults.delay_answer(5, "account.status")
        await trio.sleep(3)
        staged.order()
        staged.sandbox.faults.cut()
        await trio.sleep(60)
    (gap,) = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert gap.complete, gap.detail
    assert story(staged.items) == sent_story(staged)


async def test_what_a_recovery_brings_beyond_the_waiting_live_events_comes_behind_them(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        maker = staged.sandbox.add_account(balances={"BTC": "1"})
        offer = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC"}
        maker.call("order.place", **offer, quantity="1", price="20000")
        staged.order()
        await trio.sleep(1)
        staged.sandbox.faults.delay_answer(8, "account.status")
        staged.sandbox.faults.cut()
        staged.order()
        await trio.sleep(3)
        staged.order()  # It comes live, and waits.
        await trio.sleep(1)
        staged.sandbox.faults.vanish_subscription()
        staged.order()  # It does not come live, and the answers have it.
        await trio.sleep(200)
    fills = [item for item in staged.items if isinstance(item, uds.ExecutionReport) and item.execution_type == "TRADE"]
    assert [fill.recovered for fill in fills] == [False, True, False, True]
    assert story(staged.items) == sent_story(staged)


async def test_a_live_event_that_repeats_what_was_recovered_is_an_echo(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        staged.sandbox.faults.events_first(False)
        staged.sandbox.faults.cut()
        await trio.sleep(5)
        staged.sandbox.faults.cut()
        order = staged.order()
        await trio.sleep(5)
        live = staged.sandbox.exchange.journal.events(staged.account.exchange_account)[0]
        assert live["i"] == order["orderId"]
        staged.sandbox.faults.send_event(live)
        await trio.sleep(1)
        statistics = staged.stream.statistics()
        assert statistics.echoes_dropped == 1
        await trio.sleep(100)
        staged.order()
    assert story(staged.items) == sent_story(staged)


async def test_without_what_was_there_before_nothing_is_proven(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with open_sandbox(in_memory=True) as sandbox:
        sandbox.faults.fail_next("openOrders.status", status=400, code=-1000, times=5)
        account = new_account(sandbox)
        async with uds.open_user_data_stream(
            account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network
        ) as stream:
            assert isinstance(await stream.receive(), uds.BaselineMissing)
            await trio.sleep(5)
            sandbox.faults.heal()
            sandbox.faults.cut()
            assert isinstance(await stream.receive(), uds.Disconnected)
            gap = await stream.receive()
    assert isinstance(gap, uds.Gap)
    assert not gap.complete
    assert any("cannot be proven complete" in record.getMessage() for record in caplog.records)


async def test_a_consumer_can_stop_and_the_connection_stays(autojump_clock: trio.testing.MockClock) -> None:
    async with stage() as staged:
        assert staged.stream.product is uds.SPOT
        await staged.stream.aclose()
        with pytest.raises(trio.ClosedResourceError):
            await staged.stream.receive()
        staged.order()
        await trio.sleep(1)
        assert (await staged.stream.request("account.status"))["accountType"] == "SPOT"
        assert staged.stream.statistics().buffered == 0


async def test_live_events_wait_for_a_recovery_no_longer_than_allowed(autojump_clock: trio.testing.MockClock) -> None:
    async with reading(recovery=uds.Recovery(max_seconds=4)) as staged:
        staged.sandbox.faults.delay_answer(100, "account.status", times=20)
        staged.sandbox.faults.cut()
        await trio.sleep(3)
        asked_at = staged.sandbox.clock.datetime()
        staged.order()
        await trio.sleep(10)
    (gap,) = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert not gap.complete
    assert gap.until - asked_at <= timedelta(seconds=4)
    assert len(staged.reports()) == 1


async def trade_quickly(staged: Stage, count: int) -> None:
    for _ in range(count):
        staged.order()
        await trio.sleep(0.01)


async def test_a_buffer_that_is_too_small_for_a_recovery_does_not_keep_a_busy_stream_blind(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading(max_buffer=20) as staged:
        staged.sandbox.faults.delay_answer(1, "account.status", times=5)
        staged.sandbox.faults.cut()
        await trade_quickly(staged, 300)
        await trio.sleep(60)
        statistics = staged.stream.statistics()
    assert statistics.links_opened == 2
    assert statistics.connected_since is not None
    assert statistics.gaps_incomplete == 0
    assert sorted(story(staged.items)) == sorted(sent_story(staged))
    assert [type(item) for item in staged.items].count(uds.Gap) == 1
    assert statistics.events_shed == 0


@pytest.mark.parametrize(("size", "rate"), [(100, 10), (1000, 80)])
async def test_a_consumer_that_keeps_up_has_nothing_shed_after_an_outage_of_more_than_its_buffer(
    autojump_clock: trio.testing.MockClock, size: int, rate: int
) -> None:
    """What was recovered fills the buffer beyond its bound: were what waited shed for that, it would go on for ever."""

    async def trade() -> None:
        while True:
            order = staged.order()
            staged.account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
            await trio.sleep(4 / rate)  # Each of the two is told by two events.

    async with reading(max_buffer=size) as staged, trio.open_nursery() as nursery:
        nursery.start_soon(trade)
        await trio.sleep(10)
        staged.sandbox.faults.delay(0.15)
        staged.sandbox.faults.refuse_connections(seconds=size / rate + 10)
        staged.sandbox.faults.cut()
        await trio.sleep(size / rate + 200)
        statistics = staged.stream.statistics()
        nursery.cancel_scope.cancel()
    assert statistics.events_shed == 0
    assert statistics.gaps_complete == 1
    assert statistics.blind_seconds < size / rate + 60


async def test_a_consumer_that_catches_up_during_a_long_recovery_gets_one_gap_for_all(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with stage(max_buffer=20, recovery=uds.Recovery(max_seconds=300)) as staged:
        await trio.sleep(1)
        await trade_quickly(staged, 30)
        for method in ("account.status", "allOrders"):
            staged.sandbox.faults.delay_answer(100, method, times=3)  # A question is asked three times.
        staged.sandbox.faults.cut()
        await trio.sleep(36)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(staged.read)
            await trio.sleep(500)
            nursery.cancel_scope.cancel()
    assert [type(item) for item in staged.items].count(uds.Gap) >= 1
    assert sorted(story(staged.items)) == sorted(sent_story(staged))


async def test_what_was_recovered_finds_room_however_small_the_buffer(autojump_clock: trio.testing.MockClock) -> None:
    async with reading(max_buffer=5, recovery=uds.Recovery(symbols=("BTCUSDT",))) as staged:
        staged.sandbox.faults.refuse_connections(seconds=1500)
        staged.sandbox.faults.cut()
        for _ in range(100):
            order = staged.order()
            await trio.sleep(10)
            staged.account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
            await trio.sleep(0.01)
        await trio.sleep(1000)
    (gap,) = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert gap.complete, gap.detail
    assert story(staged.items) == sent_story(staged)


async def test_a_slow_consumer_does_not_make_the_stream_ask_the_venue_again_and_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    gaps_read_at: list[float] = []
    async with stage(max_buffer=10) as staged, trio.open_nursery() as nursery:

        async def read_slowly() -> None:
            async for item in staged.stream:
                staged.items.append(item)
                if isinstance(item, uds.Gap):
                    gaps_read_at.append(trio.current_time())
                await trio.sleep(0.5)

        nursery.start_soon(read_slowly)
        await trade(staged, 600, every=1)
        await trio.sleep(600)
        nursery.cancel_scope.cancel()
    assert len(gaps_read_at) > 3
    assert all(later - earlier > 25 for earlier, later in pairwise(gaps_read_at))
    assert sorted(story(staged.items)) == sorted(sent_story(staged))


async def test_more_live_events_than_may_wait_for_a_recovery_end_it_and_are_delivered(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_binance_uds.stream.delivery._MAY_WAIT_AT_LEAST", 50)
    async with reading(max_buffer=50) as staged:
        staged.sandbox.faults.delay_answer(8, "account.status")
        staged.sandbox.faults.cut()
        staged.order()
        await trio.sleep(2)
        await trade_quickly(staged, 30)
        assert len(staged.reports()) > 20, "they do not wait any longer for the answer"
        statistics = staged.stream.statistics()
        await trio.sleep(60)
    _, gap, *rest = staged.items
    assert isinstance(gap, uds.Gap)
    assert not gap.complete
    assert "more events came than may wait" in gap.detail
    assert statistics.links_opened == 2
    # What such a gap left out can come with a later one: here with that of the live events that had to be shed.
    assert sorted(story(rest)) == sorted(sent_story(staged))


async def test_the_venues_pings_are_answered_however_long_nobody_reads(autojump_clock: trio.testing.MockClock) -> None:
    async with stage(max_buffer=5) as staged:
        for _ in range(20):
            staged.order()
        await trio.sleep(600)  # The venue cuts a connection that leaves a ping unanswered for a minute.
        statistics = staged.stream.statistics()
        assert statistics.links_opened == 1
        assert statistics.buffered == 5
        assert statistics.consumer_lag_seconds > 590
        assert (await staged.stream.request("account.status"))["accountType"] == "SPOT"


async def test_answers_that_nothing_can_be_computed_with_leave_a_gap_and_the_stream_goes_on(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def divide(*_: object, **__: object) -> object:
        return Decimal(1) / Decimal(0)

    async with reading() as staged:
        monkeypatch.setattr("trio_binance_uds.stream.recovery.spot.recoverer.recover", divide)
        staged.sandbox.faults.cut()
        await trio.sleep(5)
        staged.order()
        await trio.sleep(1)
        assert staged.stream.statistics().connected_since is not None
    (gap,) = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert not gap.complete
    assert "cannot be computed with (DivisionByZero)" in gap.detail
    assert len(staged.reports()) == 1
    assert "cannot be computed from the venue's answers" in caplog.text


async def test_a_baseline_that_nothing_can_be_computed_with_is_missing_and_asked_for_again(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[float] = []

    async def divide(*_: object, **__: object) -> object:
        asked.append(trio.current_time())
        return Decimal(1) / Decimal(0)

    monkeypatch.setattr("trio_binance_uds.stream.recovery.spot.recoverer.baseline", divide)
    async with reading() as staged:
        await trio.sleep(100)
        staged.order()
        await trio.sleep(1)
        assert staged.stream.statistics().connected_since is not None
    assert len(asked) > 1
    assert any(isinstance(item, uds.BaselineMissing) for item in staged.items)
    assert len(staged.reports()) == 1
    assert "cannot be computed from the venue's answers" in caplog.text


async def test_recovered_events_that_cannot_be_compared_with_live_ones_leave_a_gap_and_the_stream_goes_on(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def divide(*_: object) -> object:
        return Decimal(1) / Decimal(0)

    async with reading() as staged:
        monkeypatch.setattr("trio_binance_uds.stream.recovery.spot.recovered.Recovered.without", divide)
        staged.sandbox.faults.cut()
        await trio.sleep(5)
        staged.order()
        await trio.sleep(1)
        assert staged.stream.statistics().connected_since is not None
    (gap,) = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert not gap.complete
    assert "cannot be computed with (DivisionByZero)" in gap.detail
    assert len(staged.reports()) == 1
    assert "cannot be compared" in caplog.text


async def test_answers_that_nobody_waits_for_any_more_change_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        supervisor = staged.stream._supervisor
        assert supervisor.active is not None
        late = Answered(Resumption(supervisor.active, staged.sandbox.clock.datetime()), NothingRecovered("late"), {})
        supervisor._to_inbox.send_nowait(late)
        await trio.sleep(1)
        staged.order()
        await trio.sleep(1)
    assert staged.notices() == []
    assert len(staged.reports()) == 1


async def test_what_could_not_be_read_before_a_planned_change_is_asked_for_by_the_new_link(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        staged.sandbox.faults.send_raw("{")
        await trio.sleep(5)
        staged.sandbox.faults.send_raw("{")  # Nobody asks about this one for half a minute.
        staged.sandbox.faults.server_shutdown(grace=100)
        for _ in range(5):
            staged.order()
            await trio.sleep(1)
        await trio.sleep(15)
        assert staged.stream.statistics().links_opened == 2
        gaps = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert [gap.cause for gap in gaps] == [uds.GapCause.EVENT_UNREADABLE] * 2
    assert story(staged.items) == sent_story(staged)
