"""What was measured, as values that go to JSON and come back."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any

import attrs

from benchmarks.rivals import Case


@attrs.frozen
class Spread:
    """Repeated measurements of one figure."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def least(self) -> float:
        return min(self.values)

    @property
    def most(self) -> float:
        return max(self.values)


@attrs.define
class Results:
    """The figures of a run, by case, client and metric, and what kept others from being measured."""

    about: dict[str, Any] = attrs.field(factory=dict)
    figures: dict[tuple[str, str, str], list[float]] = attrs.field(factory=dict)
    problems: dict[tuple[str, str], str] = attrs.field(factory=dict)

    def add(self, case: str, client: str, figures: dict[str, float]) -> None:
        """Take in one run of one client."""
        for metric, value in figures.items():
            self.figures.setdefault((case, client, metric), []).append(value)

    def fail(self, case: str, client: str, problem: str) -> None:
        """Note that a run came to nothing."""
        self.problems[case, client] = problem

    def spread(self, case: str, client: str, metric: str) -> Spread | None:
        """Return a figure, or ``None`` where it was not measured."""
        values = self.figures.get((case, client, metric))
        return Spread(tuple(values)) if values else None

    def median(self, case: str, client: str, metric: str) -> float | None:
        """Return the median of a figure, or ``None`` where it was not measured."""
        spread = self.spread(case, client, metric)
        return None if spread is None else spread.median

    def clients(self, case: str) -> list[str]:
        """Return who was measured in a case or could not be, in the order of first measurement."""
        measured = [client for of, client, _ in self.figures if of == case]
        failed = [client for of, client in self.problems if of == case]
        return list(dict.fromkeys([*measured, *failed]))

    def cases(self) -> Iterable[Case]:
        """Yield the cases of which there is anything."""
        there = {key[0] for key in self.figures} | {key[0] for key in self.problems}
        return [case for case in Case if case in there]

    def to_json(self) -> dict[str, Any]:
        return {
            "about": self.about,
            "figures": [
                {
                    "case": case,
                    "client": client,
                    "metric": metric,
                    "values": [float(f"{value:.6g}") for value in values],
                }
                for (case, client, metric), values in self.figures.items()
            ],
            "problems": [
                {"case": case, "client": client, "problem": problem}
                for (case, client), problem in self.problems.items()
            ],
        }

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Results:
        results = cls(document["about"])
        for each in document["figures"]:
            results.figures[each["case"], each["client"], each["metric"]] = list(each["values"])
        for each in document["problems"]:
            results.problems[each["case"], each["client"]] = each["problem"]
        return results
