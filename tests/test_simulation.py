"""A part of the soak: the oracle holds under faults, and a seed repeats its run exactly."""

from __future__ import annotations

from datetime import timedelta

import pytest

import trio_binance_uds as uds
from simulation.simulation import Story, simulate
from simulation.soak import stormy_hour

pytestmark = pytest.mark.long


@pytest.mark.parametrize("seed", range(12))
def test_an_hour_of_heavy_faults_loses_nothing_in_silence(seed: int) -> None:
    outcome = simulate(Story(seed=seed, seconds=3600, mean_calm=40))
    assert outcome.violations == []
    assert outcome.fills > 100


@pytest.mark.parametrize("seed", range(4))
def test_a_consumer_that_falls_asleep_loses_nothing_in_silence(seed: int) -> None:
    outcome = simulate(Story(seed=seed, seconds=3600, mean_calm=200, slow=0.02, max_buffer=30))
    assert outcome.violations == []
    assert outcome.statistics is not None
    assert outcome.statistics.events_shed > 0


@pytest.mark.parametrize("seed", [1, 2])
def test_an_hour_of_everything_at_once_loses_nothing_in_silence(seed: int) -> None:
    assert simulate(stormy_hour(seed)).violations == []


def test_the_rollover_before_the_24_hour_limit_loses_nothing_at_all() -> None:
    outcome = simulate(Story(seed=1, seconds=86_400, actions_per_second=0.02, mean_calm=None))
    assert outcome.violations == []
    assert outcome.in_incomplete_gaps == 0
    assert outcome.statistics is not None
    first, second, *_ = outcome.statistics.links
    assert first.ended_by == "retired"
    assert second.up_since - first.up_since > timedelta(hours=22)


def test_many_rollovers_in_heavy_trading_lose_nothing_at_all() -> None:
    rollover = uds.Rollover(lifetime=20, lead=8, jitter=5)
    outcome = simulate(Story(seed=2, seconds=600, actions_per_second=5, mean_calm=None, lifetime=20, rollover=rollover))
    assert outcome.violations == []
    assert outcome.in_incomplete_gaps == 0
    assert outcome.recovered <= outcome.fills / 100


def test_a_seed_repeats_its_run_exactly() -> None:
    story = Story(seed=77, seconds=1800, mean_calm=30, slow=0.01, max_buffer=50)
    assert simulate(story).digest == simulate(story).digest
