"""How long a listen key or token lives, by trio's clock, and when to do something about it."""

from __future__ import annotations

import attrs

# A token is renewed at half of its life; who reads the stream is warned when only a tenth is left.
_RENEW_AT = 0.5
_ALARM_AT = 0.9


@attrs.frozen(kw_only=True)
class Lease:
    """One life of a listen key or token; renewing it begins another.

    Attributes:
        account: whose events depend on it.
        since, until: moments of trio's clock.
    """

    account: str
    since: float
    until: float

    @property
    def renew_at(self) -> float:
        """When to renew it."""
        return self.since + _RENEW_AT * (self.until - self.since)

    @property
    def alarm_at(self) -> float:
        """When to warn that it has not been renewed."""
        return self.since + _ALARM_AT * (self.until - self.since)
