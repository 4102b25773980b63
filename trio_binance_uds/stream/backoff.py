"""How long to wait before the next attempt to connect."""

from __future__ import annotations

import random

import attrs

from trio_binance_uds import checks
from trio_binance_uds.link.left_alone import wait_of


@attrs.frozen(kw_only=True)
class Backoff:
    """Waits between attempts: doubling, capped, and spread over the whole interval ("full jitter").

    The n-th attempt in a row waits a random time between 0 and ``initial * 2**n`` seconds, at most ``maximum``.
    The row ends only when a link has lived for ``reset_after`` seconds, so that a link which dies right after
    subscribing, again and again, cannot turn the loop hot; with the defaults it stays far below the venue's 300
    connections in 5 minutes. A time that the venue names (``Retry-After``, "banned until") is waited for in full, up to
    the three days of its longest ban; a ban (418) without such a time for the two minutes of its shortest. Until then
    the stream asks nothing at all, neither by its sockets nor by REST.

    Attributes:
        attempts: how many failed attempts in a row end the stream with :exc:`StreamFailed`; ``None``, the
            default, is for ever.
        refusals, refusal_seconds: how often, and over how many seconds, the venue must refuse a key that has worked in
            this stream before that ends it with :exc:`StreamFailed`: venues refuse right keys for moments. Until then
            the stream goes on trying. On entering, a refusal is raised at once.

    Source: Binance Spot, WebSocket API, "IP limits" (2026-07-21).
    """

    initial: float = attrs.field(default=0.5, validator=checks.seconds())
    maximum: float = attrs.field(default=60.0, validator=checks.seconds())
    reset_after: float = attrs.field(default=60.0, validator=checks.seconds(allow_zero=True))
    attempts: int | None = attrs.field(default=None, validator=checks.at_least(1, allow_none=True))
    refusals: int = attrs.field(default=5, validator=checks.at_least(1))
    refusal_seconds: float = attrs.field(default=180.0, validator=checks.seconds(allow_zero=True))

    def __attrs_post_init__(self) -> None:
        if self.initial > self.maximum:
            raise ValueError(f"initial must be at most maximum, got {self.initial!r} and {self.maximum!r}")


class Attempts:
    """The attempts in a row so far, and the wait before the next one."""

    def __init__(self, backoff: Backoff, rng: random.Random) -> None:
        self._backoff = backoff
        self._rng = rng
        self.failed: int = 0

    def note_end(self, lived: float | None) -> None:
        """Take in that a link has ended which was up for ``lived`` seconds, or was never up."""
        if lived is not None and lived >= self._backoff.reset_after:
            self.failed = 0
        else:
            self.failed += 1

    @property
    def spent(self) -> bool:
        """Whether the budget of attempts is used up."""
        return self._backoff.attempts is not None and self.failed >= self._backoff.attempts

    def next_wait(self, cause: Exception | None) -> float:
        """Return the seconds to wait; ``cause`` is what ended the last link."""
        # The exponent is capped as well: 2**2000 is no float.
        ceiling = min(self._backoff.maximum, self._backoff.initial * 2.0 ** min(self.failed, 64))
        return max(self._rng.uniform(0, ceiling), wait_of(cause))
