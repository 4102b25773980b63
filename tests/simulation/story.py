"""What is to happen in a story, and what came of it, as values."""

from __future__ import annotations

from collections import Counter

import attrs

import trio_binance_uds as uds


@attrs.frozen(kw_only=True)
class Story:
    """What is to happen.

    Attributes:
        market: the name of what is traded.
        seconds: of virtual time.
        actions_per_second: of the trader, on each symbol.
        mean_calm: seconds between two faults, on average; ``None`` for none.
        lifetime: of a connection.
        slow: how often the consumer falls asleep for a while, as a share of what it reads.
        moves_money: whether money comes and goes without an order.
        lag: how many seconds the venue's databases are behind, where the desk can have them so.
        revoked: whether the API key is deleted in the midst of it, for good.
    """

    seed: int
    seconds: float
    market: str = "spot"
    actions_per_second: float = 0.5
    mean_calm: float | None = 60.0
    lifetime: float = 86_400.0
    rollover: uds.Rollover = attrs.field(factory=uds.Rollover)
    max_buffer: int = 2000
    slow: float = 0.0
    moves_money: bool = False
    lag: float = 0.0
    revoked: bool = False


@attrs.define(kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        happened, live, recovered: events at the venue, and those that were told.
        facts, fills: what had to be told once, and how many of that were fills.
        in_incomplete_gaps: facts that were not told, and lie in a gap that says so.
        passed: facts that were not told, which lie in a gap, and which no query tells of afterwards.
        unseen: facts that were not told, whose frame was never sent, and which nothing repeats.
        in_lag: facts that were not told, because the databases did not have them yet when they were asked.
        proven_missing: gaps in which the events themselves have shown that others are missing.
        failure: what the stream has ended with.
    """

    story: Story
    happened: int = 0
    facts: int = 0
    fills: int = 0
    live: int = 0
    recovered: int = 0
    in_incomplete_gaps: int = 0
    passed: int = 0
    unseen: int = 0
    in_lag: int = 0
    proven_missing: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    requests: Counter[str] = attrs.field(factory=Counter)
    statistics: uds.StreamStatistics | None = None
    failure: str | None = None
    calm: bool = False
    digest: str = ""
    violations: list[str] = attrs.field(factory=list)
