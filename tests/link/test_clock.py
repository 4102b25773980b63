"""The venue's clock: right within its uncertainty, whatever it is taught, and impressed by nothing that cannot be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_binance_uds.link.clock import UNMEASURED, ServerClock, venue_seconds

TRUE = datetime(2031, 4, 5, 6, 7, 8, 250_000, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def ms(at: datetime) -> int:
    return (at - EPOCH) // timedelta(milliseconds=1)


def true_at(moment: float) -> datetime:
    """What time it really is at the venue, where trio's clock began at ``TRUE``."""
    return TRUE + timedelta(seconds=moment)


@pytest.fixture(autouse=True)
def wall(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """This machine's clock, which goes with trio's: ahead by so many seconds."""
    ahead, real = [0.0], time.time

    def now() -> float:
        try:
            return true_at(trio.current_time()).timestamp() + ahead[0]
        except RuntimeError:  # hypothesis looks at it too
            return real()

    with monkeypatch.context() as patched:
        patched.setattr(time, "time", now)
        yield ahead


def off(clock: ServerClock) -> timedelta:
    return clock.now() - true_at(trio.current_time())


def tell(clock: ServerClock, *, off_by: float = 0.0, trip: float = 0.0) -> bool:
    """Let the clock be told the time, to the millisecond, over a round trip that has just ended."""
    now = trio.current_time()
    server = true_at(now - trip / 2) + timedelta(seconds=off_by)
    return clock.learn(now - trip, now, {"serverTime": ms(server)})


def tell_date(clock: ServerClock, *, off_by: float = 0.0, trip: float = 0.0) -> None:
    now = trio.current_time()
    server = true_at(now - trip / 2) + timedelta(seconds=off_by)
    clock.learn_date(now - trip, now, server.replace(microsecond=0))


# Units, and what is no time.


@pytest.mark.parametrize(
    ("stamp", "seconds"),
    [
        (1_900_000_000_123, 1_900_000_000.123),
        (1_900_000_000_123_456, 1_900_000_000.123456),
        ("1900000000123", 1_900_000_000.123),
        ("1900000000123456", 1_900_000_000.123456),
        (1_500_000_000_000, 1_500_000_000.0),
    ],
)
def test_the_size_of_a_time_tells_its_unit(stamp: object, seconds: float) -> None:
    assert venue_seconds(stamp) == seconds


@pytest.mark.parametrize(
    "stamp",
    [
        *(None, True, False, 0, -1, 1, 1_900_000_000, 10**14, 10**13, 10**18, 10**19, 10**400, -(10**15)),
        *(1.9e12, float("nan"), float("inf"), "", "now", "-1", "1.9e12", "١٩٠٠٠٠٠٠٠٠٠٠٠", "9" * 5000, [], {}, b"1"),
    ],
    ids=lambda stamp: repr(stamp)[:20],
)
def test_what_cannot_be_a_time_is_none(stamp: object) -> None:
    assert venue_seconds(stamp) is None


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda inner: st.lists(inner) | st.dictionaries(st.just("serverTime") | st.text(), inner),
        max_leaves=5,
    )
)
def test_no_result_of_any_kind_hurts_the_clock(result: object) -> None:
    async def check() -> None:
        clock = ServerClock()
        assert clock.learn(trio.current_time(), trio.current_time(), result) == clock.is_measured

    trio.run(check)


@pytest.mark.parametrize(
    "date",
    [datetime.max.replace(tzinfo=UTC), EPOCH, datetime(2016, 12, 31, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)],
)
async def test_a_date_that_cannot_be_is_ignored_and_logged_once(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture, date: datetime
) -> None:
    clock = ServerClock()
    for _ in range(3):
        clock.learn_date(0.0, 0.0, date)
    assert off(clock) == timedelta(0)
    assert (clock.is_measured, clock.wall_ahead, clock.uncertainty) == (False, None, UNMEASURED)
    assert [record.getMessage() for record in caplog.records] == [
        f"the date of an answer cannot be ({date}) and is ignored"
    ]
    assert tell(clock)
    clock.learn_date(0.0, 0.0, date)
    assert abs(off(clock)) <= timedelta(milliseconds=1)


# What one reading says.


async def test_without_a_reading_the_wall_clock_is_used(
    autojump_clock: trio.testing.MockClock, wall: list[float]
) -> None:
    clock = ServerClock()
    wall[0] = 7.5
    assert off(clock) == timedelta(seconds=7.5)
    assert (clock.is_measured, clock.is_fresh, clock.wall_ahead) == (False, False, None)
    assert clock.uncertainty == UNMEASURED


@pytest.mark.parametrize("ahead", [-3600.0, -0.3, 0.0, 30.0, 86_400.0])
async def test_a_reading_corrects_a_machine_however_far_off_it_is(
    autojump_clock: trio.testing.MockClock, wall: list[float], ahead: float
) -> None:
    wall[0] = ahead
    clock = ServerClock()
    assert tell(clock, trip=0.2)
    assert abs(off(clock)) <= timedelta(milliseconds=1)
    assert clock.wall_ahead == pytest.approx(ahead, abs=0.002)
    assert clock.uncertainty == pytest.approx(timedelta(seconds=0.101), abs=timedelta(milliseconds=1))
    await trio.sleep(100)
    wall[0] = 0.0  # a step of the wall clock matters to nobody
    assert abs(off(clock)) <= timedelta(milliseconds=1)


@pytest.mark.parametrize("ahead", [-3600.0, -2.0, 2.0, 86_400.0])
async def test_so_does_a_date_within_its_second(
    autojump_clock: trio.testing.MockClock, wall: list[float], ahead: float
) -> None:
    wall[0] = ahead
    clock = ServerClock()
    tell_date(clock, trip=0.2)
    assert clock.uncertainty == pytest.approx(timedelta(seconds=0.65), abs=timedelta(milliseconds=1))
    assert abs(off(clock)) <= clock.uncertainty


@pytest.mark.parametrize("ahead", [-0.2, 0.0, 0.7])
async def test_a_wall_clock_that_the_date_leaves_possible_is_kept(
    autojump_clock: trio.testing.MockClock, wall: list[float], ahead: float
) -> None:
    wall[0] = ahead
    clock = ServerClock()
    tell_date(clock)
    assert off(clock) == pytest.approx(timedelta(seconds=ahead), abs=timedelta(milliseconds=1))
    assert clock.uncertainty >= timedelta(seconds=abs(ahead))


# Several readings.


async def test_many_whole_seconds_make_a_fine_clock(autojump_clock: trio.testing.MockClock, wall: list[float]) -> None:
    wall[0] = 5.0
    clock = ServerClock()
    for _ in range(40):
        tell_date(clock, trip=0.02)
        assert abs(off(clock)) <= clock.uncertainty
        await trio.sleep(1.37)
    assert clock.uncertainty < timedelta(seconds=0.15)


async def test_whole_seconds_never_overrule_milliseconds(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    clock = ServerClock()
    tell(clock)
    for off_by in (-86_400.0, 3600.0, 3600.0, 3600.0, 0.0):
        tell_date(clock, off_by=off_by)
        assert abs(off(clock)) <= timedelta(milliseconds=1)
        assert clock.uncertainty <= timedelta(milliseconds=2)
    assert len(caplog.records) == 1
    assert "off what is known of the venue's time; ignored" in caplog.text


async def test_milliseconds_overrule_whatever_they_contradict(autojump_clock: trio.testing.MockClock) -> None:
    clock = ServerClock()
    tell_date(clock, off_by=7200)
    tell(clock)
    assert abs(off(clock)) <= timedelta(milliseconds=1)
    tell(clock, off_by=3600)
    assert off(clock) == pytest.approx(3600 * SECOND, abs=timedelta(milliseconds=1))


async def test_a_date_alone_against_others_is_a_stored_page_and_two_that_agree_are_the_venue(
    autojump_clock: trio.testing.MockClock,
) -> None:
    clock = ServerClock()
    tell_date(clock)
    stored = true_at(-5000.0).replace(microsecond=0)
    for _ in range(5):
        clock.learn_date(trio.current_time(), trio.current_time(), stored)
        assert abs(off(clock)) <= clock.uncertainty
        await trio.sleep(3)  # the same page once more is older once more
    tell_date(clock, off_by=300.0)
    assert abs(off(clock)) <= clock.uncertainty
    tell_date(clock)  # the venue again: the one before was the stored one
    tell_date(clock, off_by=300.0)
    assert abs(off(clock)) <= clock.uncertainty
    await trio.sleep(1)
    tell_date(clock, off_by=300.0)
    assert abs(off(clock) - 300 * SECOND) <= clock.uncertainty


async def test_after_a_refused_timestamp_the_next_reading_counts(autojump_clock: trio.testing.MockClock) -> None:
    clock = ServerClock()
    tell(clock)
    noted_at = trio.current_time()
    clock.note_refused_timestamp()
    assert (clock.is_measured, clock.uncertainty) == (False, UNMEASURED)
    assert abs(off(clock)) <= timedelta(milliseconds=1), "until then it goes on"
    tell_date(clock, off_by=-60.0)
    assert abs(off(clock) + 60 * SECOND) <= clock.uncertainty
    assert clock.corrected_since(noted_at) == pytest.approx(60 * SECOND, abs=SECOND)
    await trio.sleep(1)
    assert clock.corrected_since(trio.current_time()) == timedelta(0)


async def test_corrections_are_never_forgotten_however_many_there_are(autojump_clock: trio.testing.MockClock) -> None:
    clock = ServerClock()
    tell(clock)
    await trio.sleep(1)
    began_at = trio.current_time()
    for hours in range(1, 31):
        tell(clock, off_by=3600.0 * hours)
    assert clock.corrected_since(began_at) == pytest.approx(timedelta(hours=30), abs=SECOND)


async def test_it_gets_less_certain_with_time_until_it_is_read_again(autojump_clock: trio.testing.MockClock) -> None:
    clock = ServerClock()
    tell(clock, trip=0.02)
    assert clock.is_fresh
    before = clock.uncertainty
    await trio.sleep(3600)
    assert not clock.is_fresh
    assert clock.uncertainty == pytest.approx(before + timedelta(seconds=0.36), abs=timedelta(milliseconds=1))
    tell(clock, trip=0.02)
    assert clock.is_fresh
    assert clock.uncertainty == pytest.approx(before, abs=timedelta(milliseconds=1))


async def test_a_moment_is_found_for_a_time(autojump_clock: trio.testing.MockClock) -> None:
    clock = ServerClock()
    for _ in range(2):
        in_a_minute = true_at(trio.current_time() + 60).timestamp()
        assert clock.moment_of(in_a_minute) == pytest.approx(trio.current_time() + 60, abs=0.001)
        tell(clock)


@settings(deadline=None)
@given(
    drift=st.floats(-90e-6, 90e-6),
    steps=st.lists(
        st.tuples(
            st.floats(0, 20_000),  # how long after the one before
            st.booleans(),  # a Date, or milliseconds
            st.floats(0, 2),  # there
            st.floats(0, 2),  # and back
            st.floats(-0.04, 0.04),  # by how much the front server's clock is off
        ),
        min_size=1,
        max_size=30,
    ),
)
def test_of_an_honest_venue_the_truth_always_lies_within_the_uncertainty(
    drift: float, steps: list[tuple[float, bool, float, float, float]]
) -> None:
    async def check() -> None:
        def venue(moment: float) -> datetime:
            return TRUE + timedelta(seconds=moment * (1 + drift))

        clock = ServerClock()
        for pause, is_date, there, back, slack in steps:
            await trio.sleep(pause)
            asked_at = trio.current_time()
            await trio.sleep(there)
            server = venue(trio.current_time())
            await trio.sleep(back)
            if is_date:
                date = (server + timedelta(seconds=slack)).replace(microsecond=0)
                clock.learn_date(asked_at, trio.current_time(), date)
            else:
                clock.learn(asked_at, trio.current_time(), {"serverTime": ms(server)})
            wrong = abs(clock.now() - venue(trio.current_time()))
            assert wrong <= clock.uncertainty + timedelta(microseconds=2)

    trio.run(check, clock=trio.testing.MockClock(autojump_threshold=0))
