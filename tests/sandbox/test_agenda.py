"""The agenda: things are done at their time on the server's clock, be it moved or not."""

from __future__ import annotations

from datetime import UTC, datetime

import trio
from trio.testing import MockClock

from trio_binance_uds.sandbox import Clock
from trio_binance_uds.sandbox.agenda import Agenda

START = datetime(2026, 7, 21, 12, tzinfo=UTC)
SECOND = 1_000_000


async def test_things_are_done_in_the_order_of_their_times(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    clock = Clock(START)
    agenda = Agenda(clock)
    done: list[tuple[str, float]] = []
    nursery.start_soon(agenda.run)
    start = clock.now()
    for name, seconds in (("b", 20), ("a", 5), ("c", 20), ("past", -7)):
        agenda.at(start + seconds * SECOND, lambda name=name: done.append((name, clock.now() - start)))
    await trio.sleep(60)
    assert done == [("past", 0), ("a", 5 * SECOND), ("b", 20 * SECOND), ("c", 20 * SECOND)]


async def test_what_is_taken_off_the_list_is_not_done(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    clock = Clock(START)
    agenda = Agenda(clock)
    done: list[str] = []
    nursery.start_soon(agenda.run)
    cancel = agenda.at(clock.now() + SECOND, lambda: done.append("never"))
    cancel()
    cancel()
    kept = agenda.at(clock.now() + SECOND, lambda: done.append("once"))
    await trio.sleep(2)
    kept()
    assert done == ["once"]


async def test_a_clock_that_is_moved_brings_things_forward(autojump_clock: MockClock, nursery: trio.Nursery) -> None:
    clock = Clock(START)
    agenda = Agenda(clock)
    times: list[float] = []
    nursery.start_soon(agenda.run)
    agenda.at(clock.now() + 3600 * SECOND, lambda: times.append(trio.current_time()))
    start = trio.current_time()
    await trio.sleep(10)
    clock.jump(3595)
    await trio.sleep(0.5)
    assert times == [start + 10]


async def test_whoever_catches_up_does_not_wait_for_the_task(autojump_clock: MockClock) -> None:
    clock = Clock(START)
    agenda = Agenda(clock)
    done: list[str] = []
    agenda.at(clock.now() + SECOND, lambda: done.append("done"))
    agenda.catch_up()
    assert done == []
    clock.jump(1)
    agenda.catch_up()
    assert done == ["done"]
