"""What the library wants to reach, as ratios to others that were measured in the same run."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from benchmarks.results import Results
from benchmarks.rivals import FLOOR_JSON, NPM_RAW, OFFICIAL_SDK, OURS, Case


@attrs.frozen
class Goal:
    """One promise: what is looked at, what it may be at most (or has to be at least), and how it is worked out."""

    text: str
    bound: float
    value: Callable[[Results], float | None]
    at_least: bool = False
    unit: str = ""


@attrs.frozen
class Verdict:
    """What a goal came to; ``reached`` is ``None`` where something needed for it was not measured."""

    goal: Goal
    value: float | None

    @property
    def reached(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.goal.bound if self.goal.at_least else self.value <= self.goal.bound


def _ratio(case: Case, metric: str, to: str) -> Callable[[Results], float | None]:
    def value(results: Results) -> float | None:
        ours, other = results.median(case, OURS, metric), results.median(case, to, metric)
        return None if ours is None or not other else ours / other

    return value


def _to_fastest_python(results: Results) -> float | None:
    """Return our latency at 500 events per second beside the best of the Python clients; a floor is no client."""
    others = [
        median
        for client in results.clients(Case.PACED_500)
        if client != OURS and "floor" not in client and "npm" not in client
        if (median := results.median(Case.PACED_500, client, "p50_us")) is not None
    ]
    ours = results.median(Case.PACED_500, OURS, "p50_us")
    return None if ours is None or not others else ours / min(others)


def _own(case: Case, metric: str) -> Callable[[Results], float | None]:
    return lambda results: results.median(case, OURS, metric)


def _burst_loss(results: Results) -> float | None:
    told, lost = (results.median(Case.BURST, OURS, metric) for metric in ("told_lost", "lost"))
    return None if told is None or lost is None else told + lost


def _within_bound(results: Results) -> float | None:
    told, lost = (results.median(Case.SLOW_WITHIN, OURS, metric) for metric in ("told_lost", "lost"))
    return None if told is None or lost is None else told + lost


GOALS = (
    Goal("burst, CPU per event, to npm binance raw", 0.75, _ratio(Case.BURST, "cpu_us", NPM_RAW)),
    Goal("burst, CPU per event, to the official SDK", 0.2, _ratio(Case.BURST, "cpu_us", OFFICIAL_SDK)),
    Goal("burst, CPU per event, to the floor with json", 3.0, _ratio(Case.BURST, "cpu_us", FLOOR_JSON)),
    Goal("burst, a consumer that does nothing: events lost or shed", 0, _burst_loss),
    Goal("500 events/s, p50 latency, to the fastest Python client", 1.1, _to_fastest_python),
    Goal("slow consumer, within the buffer's bound: events lost", 0, _within_bound),
    Goal("slow consumer, beyond the bound: events lost in silence", 0, _own(Case.SLOW, "lost")),
    Goal("slow consumer, memory at the peak", 100, _own(Case.SLOW, "grown_mb"), unit="MB"),
    Goal("session order, 1 in flight, p50, to npm binance", 0.85, _ratio(Case.SESSION, "p50_us", NPM_RAW)),
    Goal("session order, 1 in flight, p50, to the official SDK", 0.6, _ratio(Case.SESSION, "p50_us", OFFICIAL_SDK)),
    Goal("session orders, 100 in flight, rate, to npm binance", 3.0, _ratio(Case.SESSION, "rate", NPM_RAW), True),
    Goal("import, to the official SDK", 0.15, _ratio(Case.IMPORT, "import_ms", OFFICIAL_SDK)),
    Goal("memory after connecting", 40, _own(Case.ACCOUNTS, "connected_mb"), unit="MB"),
)


def verdicts(results: Results) -> list[Verdict]:
    """Return what every goal has come to."""
    return [Verdict(goal, goal.value(results)) for goal in GOALS]
