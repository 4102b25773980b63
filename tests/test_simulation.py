"""A part of the soak, for every market: the oracle holds under faults, and a seed repeats its run exactly."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import attrs
import pytest

import trio_binance_uds as uds
from simulation.markets import MARKETS
from simulation.simulation import simulate
from simulation.soak import heavy_hour, lagging_hour, revoked_hour, sleepy_hour, stormy_hour
from simulation.story import Outcome, Story

pytestmark = pytest.mark.long

SEEDS = {"spot": 6, "usdm": 3, "portfolio margin": 1}
every_market = pytest.mark.parametrize("market", MARKETS)


def lived(story: Story, market: str) -> Outcome:
    outcome = simulate(attrs.evolve(story, market=market))
    assert outcome.violations == []
    assert outcome.statistics is not None
    return outcome


@pytest.mark.parametrize(
    ("market", "seed"), [(market, seed) for market in MARKETS for seed in range(SEEDS.get(market, 2))]
)
def test_an_hour_of_heavy_faults_loses_nothing_in_silence(market: str, seed: int) -> None:
    outcome = lived(heavy_hour(seed), market)
    assert outcome.statistics is not None
    assert outcome.facts > 500
    assert outcome.recovered > 20
    assert outcome.statistics.gaps_complete > outcome.statistics.gaps_incomplete


@every_market
def test_a_consumer_that_falls_asleep_loses_nothing_in_silence(market: str) -> None:
    # Some streams say so little that a buffer must be very small to be full.
    size = 4 if market == "portfolio margin pro" else 30
    outcome = lived(attrs.evolve(sleepy_hour(1), max_buffer=size), market)
    assert outcome.statistics is not None
    assert outcome.statistics.events_shed > 0


@pytest.mark.parametrize(("market", "seed"), [("spot", 1), ("margin", 1), ("usdm", 2), ("options", 3)])
def test_an_hour_of_everything_at_once_loses_nothing_in_silence(market: str, seed: int) -> None:
    lived(stormy_hour(seed), market)


@pytest.mark.parametrize(("market", "seed"), [("usdm", 0), ("coinm", 1), ("options", 2), ("portfolio margin", 1)])
def test_databases_that_lag_make_it_repeat_and_invent_nothing_and_end_up_right(market: str, seed: int) -> None:
    outcome = lived(lagging_hour(seed), market)
    assert outcome.in_lag < outcome.facts / 100


@every_market
def test_a_stream_whose_key_is_revoked_ends_having_told_all_until_then(market: str) -> None:
    outcome = lived(attrs.evolve(revoked_hour(1), seconds=1800), market)
    assert outcome.failure is not None
    assert "AuthenticationFailed" in outcome.failure


@every_market
def test_a_day_of_renewals_with_the_rollover_before_the_24_hour_limit_loses_nothing_at_all(market: str) -> None:
    outcome = lived(Story(seed=1, seconds=86_400, actions_per_second=0.01, mean_calm=None), market)
    assert outcome.statistics is not None
    assert outcome.in_incomplete_gaps == 0
    first, second, *_ = outcome.statistics.links
    assert first.ended_by == "retired"
    assert second.up_since - first.up_since > timedelta(hours=22)
    # The only gaps are those of the cuts that end every story.
    assert outcome.statistics.gaps_complete == 2
    assert outcome.statistics.gaps_incomplete == 0


@every_market
def test_many_rollovers_in_heavy_trading_lose_nothing_at_all(market: str) -> None:
    rollover = uds.Rollover(lifetime=20, lead=8, jitter=5)
    story = Story(seed=2, seconds=300, actions_per_second=5, mean_calm=None, lifetime=20, rollover=rollover)
    outcome = lived(story, market)
    assert outcome.statistics is not None
    assert outcome.statistics.links_opened > 20
    assert outcome.in_incomplete_gaps == 0
    assert outcome.recovered <= outcome.facts / 100
    assert outcome.statistics.gaps_complete == 2


def test_a_seed_repeats_its_run_exactly_in_whichever_process() -> None:
    stories = [Story(seed=77, market=market, seconds=600, mean_calm=30, slow=0.01, max_buffer=50) for market in MARKETS]
    program = (
        "import logging, pickle, sys\n"
        "from simulation.simulation import simulate\n"
        "logging.disable(logging.CRITICAL)\n"
        "print(*[simulate(story).digest for story in pickle.load(sys.stdin.buffer)])"
    )
    # Another order of sets, and other addresses of everything.
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONHASHSEED": "5"}
    run = [sys.executable, "-c", program]
    done = subprocess.run(run, input=pickle.dumps(stories), stdout=subprocess.PIPE, env=environment, check=True)
    assert done.stdout.decode().split() == [simulate(story).digest for story in stories]
