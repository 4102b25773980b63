"""The buffer keeps order, keeps its bound, and marks each loss where it happened."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import attrs
import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from support.fake_transport import FakeTransport
from trio_binance_uds.credentials import Credentials
from trio_binance_uds.errors import StreamFailed
from trio_binance_uds.events import Disconnected, Event, Gap, GapCause, Notice, ReconnectFailed, Shedding, UnknownEvent
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import TransportClosed
from trio_binance_uds.products import SPOT
from trio_binance_uds.stream.buffer import EventBuffer, Mark

START = datetime(2031, 1, 1, tzinfo=UTC)


def now() -> datetime:
    return START + timedelta(seconds=trio.current_time())


class Marked:
    """A buffer, and the marks that its consumer has read as far as."""

    def __init__(self, size: int) -> None:
        self.marks: list[Mark] = []
        self.buffer = EventBuffer(size, now, on_caught_up=self.marks.append)

    def resume(self) -> None:
        """Do what the supervisor does."""
        (mark,) = self.marks
        self.marks.clear()
        self.buffer.resume()
        self.buffer.put(Gap(cause=GapCause.CONSUMER_TOO_SLOW, since=mark.since, until=now(), shed=mark.shed))
        self.buffer.flush(trio.current_time())


def new_buffer(size: int) -> EventBuffer:
    return Marked(size).buffer


def event(number: int) -> Event:
    return UnknownEvent(raw={"n": number}, problem="made up", event_type=str(number))


def number(item: Event | Notice) -> int | str:
    return int(item.event_type or -1) if isinstance(item, Event) else type(item).__name__


async def test_what_was_accepted_comes_out_once_and_in_order(autojump_clock: trio.testing.MockClock) -> None:
    buffer = new_buffer(1000)
    for i in range(500):
        buffer.put(event(i))
        if i % 7 == 0:
            buffer.flush(trio.current_time())
    buffer.flush(trio.current_time())
    assert [number(await buffer.receive()) for _ in range(500)] == list(range(500))
    assert (buffer.held, buffer.delivered, buffer.shed) == (0, 500, 0)


async def test_the_mark_stands_exactly_after_the_last_event_that_found_room(
    autojump_clock: trio.testing.MockClock,
) -> None:
    marked = Marked(4)
    buffer = marked.buffer
    accepted = [buffer.put(event(i)) for i in range(10)]
    assert accepted == [True] * 3 + [False] * 7
    buffer.flush(trio.current_time())
    full_at = now()
    await trio.sleep(5)
    assert buffer.held == 4
    assert [number(await buffer.receive()) for _ in range(3)] == [0, 1, 2]
    assert marked.marks == []
    assert not buffer.put(event(10))  # Still shed: the consumer has not read as far as the mark.
    buffer.resumes_from = trio.current_time() + 7
    shedding = await buffer.receive()
    assert isinstance(shedding, Shedding)
    assert (shedding.at, shedding.shed, shedding.behind_seconds) == (full_at, 8, 5)
    assert shedding.resumes_at == now() + timedelta(seconds=7)
    assert "behind for 5.000 s" in shedding.detail
    (mark,) = marked.marks
    assert (mark.since, mark.shed) == (full_at, 8)
    marked.resume()
    assert buffer.put(event(11))
    buffer.flush(trio.current_time())
    assert number(await buffer.receive()) == "Gap"
    assert number(await buffer.receive()) == 11
    assert buffer.shed == 8


@given(
    steps=st.lists(st.tuples(st.integers(0, 9), st.booleans(), st.integers(0, 6), st.booleans()), max_size=40),
    size=st.integers(2, 8),
)
def test_no_event_is_lost_without_a_gap_in_its_place(steps: list[tuple[int, bool, int, bool]], size: int) -> None:
    out: list[int | str] = []
    put = 0

    async def scenario() -> None:
        nonlocal put
        marked = Marked(size)
        buffer = marked.buffer

        async def read_one() -> bool:
            with trio.move_on_after(0.01) as scope:
                out.append(number(await buffer.receive()))
            return not scope.cancelled_caught

        for puts, flush, reads, resume in steps:
            for _ in range(puts):
                buffer.put(event(put))
                put += 1
                assert buffer.held <= size
            if flush:
                buffer.flush(trio.current_time())
            for _ in range(reads):
                if not await read_one():
                    break
            if resume and marked.marks:
                marked.resume()
        buffer.flush(trio.current_time())
        while buffer.held or marked.marks:
            await read_one()
            if marked.marks:
                marked.resume()
        # One more, so that a loss at the very end shows as well.
        buffer.put(event(put))
        buffer.flush(trio.current_time())
        out.append(number(await buffer.receive()))

    trio.run(scenario, clock=trio.testing.MockClock(autojump_threshold=0))
    expected, told_at = 0, -2
    for item in out:
        if item == "Shedding":
            told_at = expected
        elif item == "Gap":
            assert told_at == expected, "in the place of the loss, before the gap"
            expected = -1
        elif expected == -1:
            assert isinstance(item, int)
            expected = item + 1
        else:
            assert item == expected
            expected += 1
    events = [item for item in out if isinstance(item, int)]
    assert events == sorted(set(events))
    assert events[-1] == put


async def test_what_has_been_in_memory_anyway_finds_room_beyond_the_bound() -> None:
    buffer = new_buffer(3)
    buffer.has_room_for_all = True
    assert buffer.has_room()
    assert [buffer.put(event(0)) for _ in range(5)] == [True] * 5
    assert buffer.has_room()
    buffer.has_room_for_all = False
    assert not buffer.put(event(1)), "what comes live does not"
    buffer.has_room_for_all = True
    assert not buffer.put(event(0)), "and nothing comes behind a mark"


async def test_a_notice_that_finds_no_room_is_not_counted_as_an_event() -> None:
    buffer = new_buffer(2)
    buffer.put(event(0))
    assert not buffer.put(Disconnected(at=START, cause="connection_lost"))
    buffer.put(event(1))
    assert buffer.shed == 1
    assert buffer.held == 2


async def test_what_is_older_than_now_dates_the_mark_back() -> None:
    marked = Marked(2)
    marked.buffer.put(event(0))
    marked.buffer.dating_from = START - timedelta(seconds=99)
    marked.buffer.put(event(1))
    marked.buffer.dating_from = None
    marked.buffer.flush(trio.current_time())
    await marked.buffer.receive()
    shedding = await marked.buffer.receive()
    assert isinstance(shedding, Shedding)
    assert shedding.at == START - timedelta(seconds=99)
    assert marked.marks[0].since == START - timedelta(seconds=99)


async def test_when_the_stream_has_ended_what_was_shed_is_told_all_the_same() -> None:
    marked = Marked(2)
    for i in range(3):
        marked.buffer.put(event(i))
    marked.buffer.finish(StreamFailed("over"))
    assert number(await marked.buffer.receive()) == 0
    gap = await marked.buffer.receive()
    assert isinstance(gap, Gap)
    assert (gap.shed, gap.complete) == (2, False)
    with pytest.raises(StreamFailed):
        await marked.buffer.receive()


async def test_when_the_stream_ends_after_the_consumer_has_caught_up_what_was_shed_is_told_all_the_same() -> None:
    marked = Marked(2)
    for i in range(3):
        marked.buffer.put(event(i))
    assert [number(await marked.buffer.receive()) for _ in range(2)] == [0, "Shedding"]
    marked.buffer.put(event(3))
    marked.buffer.finish(StreamFailed("over"))
    gap = await marked.buffer.receive()
    assert isinstance(gap, Gap)
    assert (gap.shed, gap.complete) == (3, False)
    with pytest.raises(StreamFailed):
        await marked.buffer.receive()


async def test_a_consumer_that_does_not_read_makes_nothing_grow() -> None:
    buffer = new_buffer(100_000)
    buffer.put(event(-1))
    for _ in range(5000):
        buffer.flush(trio.current_time())  # as for each pong that comes
    assert len(buffer._flushes) == 1
    for i in range(5000):
        buffer.put(event(i))
        buffer.flush(trio.current_time())
    assert len(buffer._flushes) <= 1025


async def test_the_lag_stays_right_where_much_is_read_in_small_pieces(autojump_clock: trio.testing.MockClock) -> None:
    buffer = new_buffer(100_000)
    for i in range(3001):
        buffer.put(event(i))
        buffer.flush(trio.current_time())
        await trio.sleep(1)
    assert buffer.lag == 3001
    for left in range(3001, 0, -1):
        assert left <= buffer.lag <= left + 8
        await buffer.receive()
    assert buffer.lag == 0


async def test_of_notices_about_one_outage_only_the_latest_waits() -> None:
    buffer = new_buffer(4)
    for attempts in range(1, 9):
        buffer.put_latest(ReconnectFailed(at=START, attempts=attempts, next_attempt_at=START))
    assert buffer.held == 1
    notice = await buffer.receive()
    assert isinstance(notice, ReconnectFailed)
    assert notice.attempts == 8
    for i in range(4):
        buffer.put(event(i))
    buffer.put_latest(ReconnectFailed(at=START, attempts=9, next_attempt_at=START))
    assert [number(await buffer.receive()) for _ in range(4)] == [0, 1, 2, "Shedding"]


async def test_the_consumers_lag_is_the_age_of_the_oldest_that_waits(autojump_clock: trio.testing.MockClock) -> None:
    buffer = new_buffer(10)
    assert buffer.lag == 0
    for i in range(2):
        buffer.put(event(i))
    buffer.flush(trio.current_time())
    await trio.sleep(3)
    buffer.put(event(2))
    buffer.flush(trio.current_time())
    assert buffer.lag == 3
    await buffer.receive()
    assert buffer.lag == 3
    await buffer.receive()
    assert buffer.lag == 0
    await buffer.receive()
    assert buffer.lag == 0


async def test_cancelling_a_receive_loses_nothing() -> None:
    buffer = new_buffer(300)
    out: list[int | str] = []
    for i in range(200):
        buffer.put(event(i))
        buffer.flush(trio.current_time())
    while buffer.held:
        with trio.CancelScope() as scope:
            scope.cancel()
            out.append(number(await buffer.receive()))
        with trio.CancelScope() as scope:
            out.append(number(await buffer.receive()))
    assert out == list(range(200))


async def test_a_long_run_of_events_lets_other_tasks_in() -> None:
    buffer = new_buffer(2000)
    for i in range(1000):
        buffer.put(event(i))
    buffer.flush(trio.current_time())
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            await trio.lowlevel.checkpoint()
            turns += 1

    async with trio.open_nursery() as nursery:
        nursery.start_soon(other)
        while not turns:
            await trio.lowlevel.checkpoint()
        for _ in range(1000):
            await buffer.receive()
        nursery.cancel_scope.cancel()
    assert turns >= 1000 // 64 - 2  # The other task may begin a turn late, and be behind in its last one.


async def test_putting_is_synchronous_and_a_waiting_consumer_wakes() -> None:
    buffer = new_buffer(10)
    got: list[int | str] = []

    async def consume() -> None:
        got.append(number(await buffer.receive()))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        await trio.testing.wait_all_tasks_blocked()
        with trio.testing.assert_no_checkpoints():
            buffer.put(event(7))
            buffer.flush(trio.current_time())
    assert got == [7]


async def test_several_consumers_share_the_events_and_none_overtakes() -> None:
    buffer = new_buffer(1000)
    got: list[int] = []

    async def consume() -> None:
        while True:
            item = number(await buffer.receive())
            assert isinstance(item, int)
            got.append(item)
            await trio.lowlevel.checkpoint()

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(consume)
        for i in range(300):
            buffer.put(event(i))
            if i % 3 == 2:
                buffer.flush(trio.current_time())
            if i % 5 == 0:
                await trio.testing.wait_all_tasks_blocked()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert got == list(range(300))


async def test_after_the_buffered_events_the_failure_is_raised_again_and_again() -> None:
    buffer = new_buffer(10)
    buffer.put(event(1))
    failure = StreamFailed("over")
    failure.__cause__ = ValueError("the reason")
    buffer.finish(failure)
    assert number(await buffer.receive()) == 1
    for _ in range(2):
        with pytest.raises(StreamFailed, match="over") as caught:
            await buffer.receive()
        assert isinstance(caught.value.__cause__, ValueError)


async def test_closing_wakes_who_waits_and_makes_putting_harmless() -> None:
    buffer = new_buffer(10)

    async def consume() -> None:
        with pytest.raises(trio.ClosedResourceError):
            await buffer.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        await trio.testing.wait_all_tasks_blocked()
        buffer.close()
    for i in range(100):
        buffer.put(event(i))
        buffer.flush(trio.current_time())
    assert buffer.held == 0
    with pytest.raises(trio.ClosedResourceError):
        await buffer.receive()


async def test_recovered_events_are_counted_when_they_are_read() -> None:
    buffer = new_buffer(10)
    for item in (event(0), attrs.evolve(event(1), recovered=True)):
        buffer.put(item)
    buffer.flush(trio.current_time())
    await buffer.receive()
    assert (buffer.delivered, buffer.recovered) == (1, 0)
    await buffer.receive()
    assert (buffer.delivered, buffer.recovered) == (2, 1)


async def test_a_consumer_that_reads_as_fast_as_it_may_keeps_up_with_a_burst() -> None:
    buffer = new_buffer(300)
    assert buffer.size == 300
    transport = FakeTransport()
    for _ in range(100):
        transport.feed(*[b'{"event":{"e":"unheardOf"}}'] * 150)
    transport.lose()
    connection = Connection(
        transport,
        SPOT,
        Credentials.from_secret("test-api-key-0001", "test-secret-0001"),
        ServerClock(),
        Timeouts(),
        on_event=buffer.put,
        on_batch_end=buffer.flush,
    )

    async def consume() -> None:
        while True:
            await buffer.receive()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(consume)
        assert isinstance(await connection.serve(trio.sleep_forever), TransportClosed)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert (buffer.delivered, buffer.shed) == (100 * 150, 0)


def test_a_buffer_too_small_for_an_event_and_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        new_buffer(1)
