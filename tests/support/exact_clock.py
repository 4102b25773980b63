"""A venue's clock that is known exactly, for a recovery that is played without a stream."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import attrs


@attrs.frozen
class ExactClock:
    """Shows the time that a scene shows; ``uncertainty`` is what a recovery must believe of it."""

    now: Callable[[], datetime]
    uncertainty: timedelta = timedelta(0)

    def corrected_since(self, moment: float) -> timedelta:
        return timedelta(0)
