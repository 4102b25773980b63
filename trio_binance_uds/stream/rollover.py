"""When a connection is replaced before the venue ends it."""

from __future__ import annotations

import random

import attrs

from trio_binance_uds import checks


@attrs.frozen(kw_only=True)
class Rollover:
    """A connection is replaced ``lead`` seconds, plus up to ``jitter`` seconds, before its ``lifetime`` is over.

    The jitter keeps many streams that were started together from being replaced together.

    Source: Binance Spot, WebSocket API, "General API Information": a connection is valid for 24 hours (2026-07-21).
    """

    lifetime: float = attrs.field(default=86_400.0, validator=checks.seconds())
    lead: float = attrs.field(default=1_800.0, validator=checks.seconds())
    jitter: float = attrs.field(default=1_800.0, validator=checks.seconds(allow_zero=True))

    def __attrs_post_init__(self) -> None:
        if self.lead + self.jitter >= self.lifetime:
            raise ValueError(
                f"lead and jitter must leave something of the lifetime, got {self.lead!r} and {self.jitter!r} "
                f"of {self.lifetime!r} seconds"
            )

    def seconds_until_due(self, rng: random.Random) -> float:
        """Return how long after its opening a connection is to be replaced."""
        return self.lifetime - self.lead - rng.uniform(0, self.jitter)
