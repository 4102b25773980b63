"""What waits is bounded in bytes as well as in number: in the buffer, and on a link that does not deliver yet."""

from __future__ import annotations

import json

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.stream.buffer import EventBuffer

from test_buffer import event, now, number  # isort: skip
from test_open_user_data_stream import Stage, reading, sent_story, stage, story  # isort: skip

MIB = 2**20


async def send_big(staged: Stage, count: int, size: int = MIB) -> None:
    for n in range(count):
        big = {"e": "somethingNew", "E": 1_900_000_000_000 + n, "x": "a" * size}
        staged.sandbox.faults.send_raw(json.dumps({"subscriptionId": 0, "event": big}))
        await trio.sleep(0.01)  # The sandbox does not keep much for a reader that is slow.


async def test_big_events_are_shed_before_the_memory_is_full_and_recovered(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with stage(max_buffer_bytes=5 * MIB) as staged:
        assert staged.stream.statistics().max_buffer_bytes == 5 * MIB
        await send_big(staged, 50)
        await trio.sleep(1)
        order = staged.order()
        await trio.sleep(1)
        statistics = staged.stream.statistics()
        assert 5 * MIB <= statistics.buffered_bytes < 7 * MIB
        assert statistics.events_shed >= 44
        seen: list[uds.Event | uds.Notice] = []
        with trio.fail_after(60):
            while not isinstance(seen[-1] if seen else None, uds.ExecutionReport):
                seen.append(await staged.stream.receive())
        kinds = [type(item) for item in seen if isinstance(item, uds.Notice)]
        assert kinds == [uds.Shedding, uds.Gap]
        report = seen[-1]
        assert isinstance(report, uds.ExecutionReport)
        assert (report.order_id, report.recovered) == (order["orderId"], True)
        assert staged.stream.statistics().buffered_bytes < MIB


async def test_a_consumer_that_reads_big_events_as_they_come_loses_none(autojump_clock: trio.testing.MockClock) -> None:
    async with reading(max_buffer_bytes=2 * MIB) as staged:
        for _ in range(20):
            await send_big(staged, 1)
            await trio.sleep(0.1)
        staged.order()
        await trio.sleep(1)
        assert staged.stream.statistics().events_shed == 0
        assert staged.stream.statistics().buffered_bytes == 0
    assert staged.notices() == []


async def test_big_events_that_wait_for_a_recovery_end_it(autojump_clock: trio.testing.MockClock) -> None:
    async with reading(max_buffer_bytes=5 * MIB) as staged:
        staged.sandbox.faults.delay_answer(8, "account.status", times=3)
        staged.sandbox.faults.cut()
        await trio.sleep(2)
        await send_big(staged, 8)
        await trio.sleep(0.5)
        gaps = [item for item in staged.items if isinstance(item, uds.Gap)]
        assert len(gaps) == 1, "they do not wait any longer for the answers"
        assert "bytes came than may wait" in gaps[0].detail
        assert not gaps[0].complete


async def test_big_events_before_the_acknowledgement_end_the_link(autojump_clock: trio.testing.MockClock) -> None:
    async with reading(key="hmac", max_buffer_bytes=5 * MIB) as staged:
        staged.sandbox.faults.delay_answer(5, "userDataStream.subscribe.signature")
        staged.sandbox.faults.cut()
        await trio.sleep(3)
        await send_big(staged, 8)
        await trio.sleep(1)
        failure = staged.stream.statistics().last_failure
        assert failure is not None
        assert "wait on a link that is not active yet" in failure
        await trio.sleep(60)
        staged.order()
        await trio.sleep(1)
    assert story(staged.items) == sent_story(staged)


async def test_answers_to_requests_are_not_counted(autojump_clock: trio.testing.MockClock) -> None:
    async with stage(max_buffer_bytes=20_000) as staged:
        staged.order()
        await trio.sleep(1)
        for _ in range(50):
            await staged.stream.request("exchangeInfo")
            staged.order()
            await trio.sleep(0.01)
            assert isinstance(await staged.stream.receive(), uds.ExecutionReport)
            assert isinstance(await staged.stream.receive(), uds.Event)
        assert staged.stream.statistics().events_shed == 0


async def test_room_comes_back_when_what_was_too_big_has_been_read() -> None:
    buffer = EventBuffer(10, now, on_caught_up=lambda mark: None, max_bytes=100)
    buffer.put(event(0))
    buffer.add_bytes(150)
    buffer.flush(trio.current_time())
    assert buffer.held_bytes == 150
    assert await buffer.receive() == event(0)
    assert buffer.held_bytes == 0
    assert buffer.put(event(1)), "it was read"
    buffer.add_bytes(60)
    buffer.flush(trio.current_time())
    buffer.put(event(2))
    buffer.add_bytes(60)
    buffer.flush(trio.current_time())
    assert not buffer.put(event(3))
    assert [number(await buffer.receive()) for _ in range(3)] == [1, 2, "Shedding"]


async def test_bytes_of_what_was_not_put_wait_nowhere() -> None:
    buffer = EventBuffer(10, now, on_caught_up=lambda mark: None, max_bytes=100)
    buffer.add_bytes(70)
    buffer.flush(trio.current_time())
    assert (buffer.pending_bytes, buffer.held_bytes) == (70, 0)
    buffer.forget_pending()
    buffer.put(event(0))
    buffer.add_bytes(5)
    buffer.flush(trio.current_time())
    assert (buffer.pending_bytes, buffer.held_bytes) == (0, 5)


@pytest.mark.parametrize("value", [0, -1, 1.5, "many"])
async def test_a_bound_that_is_none_is_refused(value: int) -> None:
    with pytest.raises((TypeError, ValueError), match="max_buffer_bytes must be a whole number of at least 1"):
        async with stage(max_buffer_bytes=value):
            pytest.fail("it opened")
