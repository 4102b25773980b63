"""The gaps that were not proven, as far as a later recovery must look into them again.

Some histories list an order by when it was placed. What was placed in a gap of which the open orders were not answered,
and ends in a later gap, is then in no answer to the questions about the later one, although nobody was told of it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

Span = tuple[datetime, datetime]
"""The first and the last moment of a gap."""

# Where what is open is never answered, more and more gaps would be asked about, at the cost of what is of use.
_AT_MOST = 8


class Unproven:
    """The gaps in which orders may have been placed that are open and that nobody knows.

    It is done with them as soon as everything that is open has been listed, whatever else stays unknown: so they are
    few. Should they become many, the oldest are taken for one, with the time between them.
    """

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._is_listed = False

    def before(self, start: datetime, margin: timedelta) -> tuple[Span, ...]:
        """Return, as a recovery begins, what of them lies before the time from which it asks, with a margin."""
        self._is_listed = False
        spans = [(since - margin, min(until + margin, start)) for since, until in self._spans]
        return tuple([(since, until) for since, until in spans if since < until])

    def note_listed(self) -> None:
        """Take in that a recovery has listed all that is open, and is about to tell of it."""
        self._is_listed = True

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told."""
        if complete or self._is_listed:
            self._spans.clear()
        if not complete:
            self._spans.append((since, until))
        if len(self._spans) > _AT_MOST:
            (first, _), (_, last), *rest = self._spans
            self._spans = [(first, last), *rest]
