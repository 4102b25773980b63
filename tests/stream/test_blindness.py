"""A stream that sees nothing says so at once, says it again with measure, and can be asked since when and why."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise

import pytest
import trio
import trio.testing

import trio_binance_uds as uds

from test_open_user_data_stream import reading, sent_story, stage, story, trade  # isort: skip

Item = uds.Event | uds.Notice


async def read_until(stream: uds.UserDataStream, kind: type[Item], seconds: float = 60) -> list[Item]:
    items: list[Item] = []
    with trio.fail_after(seconds):
        while not items or not isinstance(items[-1], kind):
            items.append(await stream.receive())
    return items


async def until(holds: Callable[[], bool]) -> None:
    with trio.fail_after(120):
        while not holds():  # noqa: ASYNC110 - there is nothing to wait for but the time
            await trio.sleep(0.1)


async def test_a_consumer_that_has_caught_up_is_told_at_once_that_events_are_being_shed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with stage(max_buffer=20) as staged, trio.open_nursery() as nursery:
        nursery.start_soon(trade, staged, 120, 0.5)
        await trio.sleep(12)
        await read_until(staged.stream, uds.Gap)  # From here on the next recovery has to wait.
        await trio.sleep(12)
        assert staged.stream.blind_since is not None
        seen = await read_until(staged.stream, uds.Shedding, seconds=0.001)
        shedding = seen[-1]
        assert isinstance(shedding, uds.Shedding)
        assert shedding.stream == "spot"
        blind = staged.stream.blind
        assert blind is not None
        assert blind.reason is uds.BlindReason.SHEDDING
        assert blind.since == staged.stream.blind_since == shedding.at
        caught_up_at = trio.current_time()
        gap = (await read_until(staged.stream, uds.Gap))[-1]
        waited = trio.current_time() - caught_up_at
        assert isinstance(gap, uds.Gap)
        assert waited > 5, "it had to wait, or this shows nothing"
        assert (gap.since, gap.shed > shedding.shed) == (shedding.at, True)
        assert gap.since.timestamp() + shedding.behind_seconds + waited == pytest.approx(gap.until.timestamp(), abs=1)
        assert f"behind for {shedding.behind_seconds:.3f} s" in gap.detail, "what we waited for is not the consumer's"
        assert shedding.resumes_at == pytest.approx(gap.until, abs=timedelta(seconds=1))
        nursery.cancel_scope.cancel()


async def test_a_consumer_that_reads_nothing_can_be_told_that_events_are_being_shed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with stage(max_buffer=5) as staged:
        assert staged.stream.blind is None
        await trade(staged, 5, 1)
        blind = staged.stream.blind
        assert blind is not None
        assert blind.reason == "shedding"
        assert "the consumer has been behind for" in blind.detail
        before = staged.stream.statistics().blind_seconds
        await trio.sleep(10)
        assert staged.stream.statistics().blind_seconds == pytest.approx(before + 10)


async def test_the_log_says_who_was_slow_and_for_how_long(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "trio_binance_uds")
    async with stage(max_buffer=5) as staged:
        await trade(staged, 5, 1)
        await read_until(staged.stream, uds.Gap)
        await trade(staged, 5, 1)
        shedding = (await read_until(staged.stream, uds.Shedding))[-1]
        await read_until(staged.stream, uds.Gap)
    assert isinstance(shedding, uds.Shedding)
    said = [record.getMessage() for record in caplog.records if "events were shed:" in record.getMessage()]
    assert len(said) == 2
    assert f"the consumer was behind for {shedding.behind_seconds:.3f} s" in said[1]


async def test_each_reason_for_blindness_is_told_and_where_it_stands(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        stream, faults = staged.stream, staged.sandbox.faults
        proven_at = stream.statistics().proven_at
        assert proven_at is not None
        faults.refuse_connections(status=503, seconds=30)
        faults.delay_answer(4, "account.status")
        faults.cut()
        await trio.sleep(20)
        lost = stream.blind
        assert lost is not None
        assert (lost.since, lost.reason) == (proven_at, uds.BlindReason.LINK_LOST)
        assert "attempts to connect have failed since, the last: " in lost.detail
        assert "503" in lost.detail
        await until(lambda: stream.statistics().connected_since is not None)
        recovering = stream.blind
        assert recovering is not None
        assert (recovering.since, recovering.reason) == (proven_at, uds.BlindReason.RECOVERING)
        running = stream.statistics().blind_seconds
        await trio.sleep(1)
        assert stream.statistics().blind_seconds == running, "the gap ends with the new subscription"
        await trio.sleep(10)
        assert stream.blind is None
        assert stream.statistics().blind_seconds == running
        faults.refuse_connections(seconds=5)
        faults.vanish_subscription()
        await until(lambda: stream.blind is not None)
        assert stream.blind is not None
        assert stream.blind.reason is uds.BlindReason.SUBSCRIPTION_LOST


async def test_a_link_that_has_failed_once_says_why_until_the_first_attempt(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading(backoff=uds.Backoff(initial=30, maximum=30)) as staged:
        staged.sandbox.faults.cut()
        await trio.sleep(0.1)
        blind, statistics = staged.stream.blind, staged.stream.statistics()
        assert blind is not None
        assert blind.detail
        assert "attempts" not in blind.detail
        assert statistics.next_attempt_at is not None
        assert (statistics.attempts_failed, statistics.last_failure, statistics.last_failure_at) == (0, None, None)


async def test_a_stream_that_has_ended_is_blind_for_ever(autojump_clock: trio.testing.MockClock) -> None:
    async with stage(backoff=uds.Backoff(attempts=2)) as staged:
        staged.sandbox.faults.refuse_connections()
        staged.sandbox.faults.cut()
        with pytest.raises(uds.StreamFailed):
            async for _ in staged.stream:
                pass
        blind = staged.stream.blind
        assert blind is not None
        assert (blind.reason, blind.since) == (uds.BlindReason.ENDED, staged.stream.blind_since)
        assert "gave up" in blind.detail


async def test_an_outage_is_told_while_it_lasts_and_with_measure(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        staged.sandbox.faults.refuse_connections(status=503, seconds=30 * 3600)
        staged.sandbox.faults.cut()
        await trio.sleep(400)
        early = staged.stream.statistics()
        await trio.sleep(400)
        later = staged.stream.statistics()
        await trio.sleep(31 * 3600)
        staged.order()
        await trio.sleep(1)
        healed = staged.stream.statistics()
    assert early.attempts_failed > 5
    assert early.last_failure is not None
    assert "503" in early.last_failure
    assert early.last_failure_at is not None
    assert later.attempts_failed > early.attempts_failed
    assert early.next_attempt_at is None or early.next_attempt_at >= early.last_failure_at
    assert later.blind_seconds == pytest.approx(early.blind_seconds + 400, abs=1)
    assert early.blind_seconds == pytest.approx(400, abs=2)
    assert healed.next_attempt_at is None
    disconnected, *failed, gap = staged.notices()
    assert isinstance(disconnected, uds.Disconnected)
    assert isinstance(gap, uds.Gap)
    notices = [notice for notice in failed if isinstance(notice, uds.ReconnectFailed)]
    assert len(notices) == len(failed)
    first = notices[0]
    assert (first.attempts, first.at - disconnected.at < timedelta(seconds=5)) == (1, True)
    assert first.next_attempt_at >= first.at
    assert "503" in first.detail
    pauses = [(after.at - before.at).total_seconds() for before, after in pairwise(notices)]
    assert pauses[0] < 120
    doubled = [30 * 2**n for n in range(1, 7)]
    assert all(least <= pause < least + 61 for least, pause in zip([30, *doubled], pauses, strict=False))
    assert all(pause < 3600 + 61 for pause in pauses)
    assert 30 < len(notices) < 50
    assert notices[-1].attempts > 1000
    between = staged.items[staged.items.index(disconnected) : staged.items.index(gap)]
    assert not [item for item in between if isinstance(item, uds.Event)]
    assert story(staged.items) == sent_story(staged)


async def test_a_wait_that_the_venue_names_is_told_however_long_it_is(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        staged.sandbox.faults.refuse_connections(status=503, count=2)
        staged.sandbox.faults.refuse_connections(status=429, retry_after=7200, count=1)
        staged.sandbox.faults.cut()
        await trio.sleep(60)
        until = staged.stream.statistics().next_attempt_at
        notice = staged.notices()[-1]
        assert isinstance(notice, uds.ReconnectFailed)
        assert notice.next_attempt_at == until
        assert until is not None
        assert (until - notice.at).total_seconds() == pytest.approx(7200, abs=1)


async def test_an_outage_of_any_length_takes_one_place_in_the_buffer(autojump_clock: trio.testing.MockClock) -> None:
    async with stage() as staged:
        await trio.sleep(1)
        staged.sandbox.faults.refuse_connections(status=503, seconds=10 * 3600)
        staged.sandbox.faults.cut()
        await trio.sleep(9 * 3600)
        assert staged.stream.statistics().buffered == 2
        assert isinstance(await staged.stream.receive(), uds.Disconnected)
        notice = await staged.stream.receive()
        assert isinstance(notice, uds.ReconnectFailed)
        assert notice.attempts > 100
        assert notice.stream == "spot"


async def test_an_attempt_that_was_refused_is_called_an_attempt_and_no_link(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "trio_binance_uds")
    async with reading() as staged:
        staged.sandbox.faults.refuse_connections(status=503, count=2)
        staged.sandbox.faults.cut()
        await trio.sleep(30)
    said = [record.getMessage() for record in caplog.records]
    assert [text for text in said if text.startswith("spot: attempt 2 to connect has failed")]
    assert [text for text in said if text.startswith("spot: link 1 has ended")]
    assert not [text for text in said if text.startswith(("spot: link 2 has ended", "spot: link 3 has ended"))]


async def test_a_failed_rollover_is_counted_and_is_no_notice(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        staged.sandbox.faults.refuse_connections(status=503, count=3)
        staged.sandbox.faults.server_shutdown(grace=100)
        await trio.sleep(50)
        assert staged.stream.statistics().attempts_failed == 3
    assert staged.notices() == []


async def test_the_last_proof_moves_on_a_quiet_account_too(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        await trio.sleep(1000)
        proven_at, now = staged.stream.statistics().proven_at, staged.sandbox.clock.datetime()
        assert proven_at is not None
        assert now - proven_at < timedelta(seconds=31)
        staged.sandbox.faults.refuse_connections()
        staged.sandbox.faults.cut()
        await trio.sleep(100)
        kept = staged.stream.statistics().proven_at
        assert kept is not None
        assert kept < now + timedelta(seconds=1)


FLOODS = {
    "empty texts": "",
    "no objects": "[1, 2]",
    "no events": '{"some": "thing"}',
    "errors": '{"id": null, "status": 400, "error": {"code": -1000, "msg": "no"}}',
    "unknown answers": '{"id": 99999999, "status": 200, "result": {}}',
}


@pytest.mark.parametrize("text", FLOODS.values(), ids=FLOODS.keys())
async def test_a_flood_of_worthless_frames_does_not_keep_the_next_event_away(
    autojump_clock: trio.testing.MockClock, text: str
) -> None:
    async with stage() as staged:
        for _ in range(21_000):
            staged.sandbox.faults.send_raw(text)
        staged.order()
        began = trio.current_time()
        with trio.fail_after(15):
            while not isinstance(await staged.stream.receive(), uds.ExecutionReport):
                pass
        assert trio.current_time() - began < 5
        statistics = staged.stream.statistics()
        assert statistics.events_shed == 0
        assert statistics.links_opened == (1 if "9999" in text else 2)
