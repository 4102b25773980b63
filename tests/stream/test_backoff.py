"""The waits between attempts: spread, capped, never hot, and as long as the venue asks for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance_uds.errors import ConnectFailed, HandshakeRejected, RateLimited
from trio_binance_uds.stream.backoff import Attempts, Backoff
from trio_binance_uds.stream.rollover import Rollover


class Highest(random.Random):
    def uniform(self, a: float, b: float) -> float:
        return b


def test_the_ceiling_doubles_up_to_the_maximum() -> None:
    attempts = Attempts(Backoff(), Highest())
    ceilings = []
    for _ in range(10):
        ceilings.append(attempts.next_wait(None))
        attempts.note_end(None)
    assert ceilings == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]


@given(seed=st.integers(), lives=st.lists(st.none() | st.floats(0, 59.9), min_size=60, max_size=60))
def test_no_pattern_of_short_lives_exceeds_the_venues_limit_of_300_connections_in_5_minutes(
    seed: int, lives: list[float | None]
) -> None:
    attempts = Attempts(Backoff(), random.Random(seed))
    now, starts = 0.0, []
    for lived in lives:
        starts.append(now)
        attempts.note_end(lived)
        now += (lived or 0.0) + attempts.next_wait(ConnectFailed("refused"))
    for start in starts:
        # Other programs share the address: a small part of the limit is ours.
        assert sum(start <= other < start + 300 for other in starts) <= 60


def test_only_a_link_that_has_lived_ends_the_row() -> None:
    attempts = Attempts(Backoff(reset_after=60), Highest())
    for lived in (None, 1.0, 59.9):
        attempts.note_end(lived)
    assert attempts.next_wait(None) == 4.0
    attempts.note_end(60.0)
    assert attempts.next_wait(None) == 0.5


def test_the_wait_that_the_venue_names_is_kept() -> None:
    attempts = Attempts(Backoff(), random.Random(1))
    assert attempts.next_wait(HandshakeRejected("busy", status=429, retry_after=77)) == 77
    banned = RateLimited(method="time", status=418, code=-1003, msg="banned", retry_after=130.0)
    assert attempts.next_wait(banned) == 130


def test_a_ban_whose_end_the_venue_does_not_name_is_kept_for_as_long_as_the_shortest_lasts() -> None:
    attempts = Attempts(Backoff(), random.Random(1))
    assert attempts.next_wait(HandshakeRejected("banned", status=418)) == 120
    assert attempts.next_wait(RateLimited(method="time", status=418, code=-1003, msg="banned")) == 120
    assert attempts.next_wait(HandshakeRejected("banned", status=418, retry_after=5)) == 5
    assert attempts.next_wait(HandshakeRejected("busy", status=429)) <= 0.5


def test_a_wait_beyond_the_longest_ban_is_not_believed() -> None:
    attempts = Attempts(Backoff(), random.Random(1))
    assert attempts.next_wait(HandshakeRejected("busy", status=429, retry_after=1e12)) == 3 * 86_400


def test_a_budget_of_attempts_is_opt_in() -> None:
    forever, three = Attempts(Backoff(), random.Random(1)), Attempts(Backoff(attempts=3), random.Random(1))
    for _ in range(2):
        three.note_end(None)
    assert not three.spent
    three.note_end(None)
    assert three.spent
    for _ in range(5000):
        forever.note_end(None)
    assert not forever.spent
    assert 0 <= forever.next_wait(None) <= 60


@pytest.mark.parametrize(
    "wrong", [{"initial": 0}, {"initial": 61}, {"initial": -1}, {"reset_after": -1}, {"attempts": 0}]
)
def test_a_backoff_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        Backoff(**wrong)  # type: ignore[arg-type]


@given(seed=st.integers())
def test_a_rollover_is_due_well_before_the_end_of_the_connections_life(seed: int) -> None:
    due = Rollover().seconds_until_due(random.Random(seed))
    assert 23 * 3600 <= due <= 23.5 * 3600


def test_a_rollover_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="lifetime"):
        Rollover(lifetime=10, lead=5, jitter=5)
