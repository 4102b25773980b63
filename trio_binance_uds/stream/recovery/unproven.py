"""Since when the orders must have been placed that a recovery asks for, where a history goes by that time.

What was placed in a gap of which the open orders were not answered, and ends in a later gap, is in no answer to the
questions about the later one, although nothing of it was delivered. So the gaps that were not proven are asked about
again. The same holds for an order whose placement the venue never sent although the connection was well: so a recovery
asks for what was placed since the open orders were listed last, but for no more than some minutes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from trio_binance_uds.stream.recovery.finished import KEPT

Span = tuple[datetime, datetime]
"""The first and the last moment of a gap."""

# Where what is open is never answered, more and more gaps would be asked about, at the cost of what is of use.
_AT_MOST = 8
# What has ended meanwhile and was delivered is remembered for so long; beyond that it could be delivered again.
_LOOKED_BACK = KEPT - timedelta(minutes=1)


class Unproven:
    """The gaps in which orders may have been placed that are open and that nobody knows.

    It is done with them as soon as everything that is open has been listed, whatever else stays unknown: so they are
    few. Should they become many, the oldest are taken for one, with the time between them.
    """

    def __init__(self) -> None:
        self._spans: list[Span] = []
        self._is_listed = False
        # When everything that is open was listed last, and that was delivered.
        self._listed_until: datetime | None = None

    def before(self, start: datetime, margin: timedelta) -> tuple[Span, ...]:
        """Return, as a recovery begins, what of them lies before the time from which it asks, with a margin."""
        spans = [(since - margin, min(until + margin, start)) for since, until in self._spans]
        return tuple([(since, until) for since, until in spans if since < until])

    def placed_since(self, start: datetime, began: datetime) -> datetime:
        """Return since when orders may have been placed that nobody knows, for a recovery of what was since ``start``.

        What was placed before the stream began, and ended before the gap, was not for it to deliver.
        """
        return min(start, max(start - _LOOKED_BACK, self._listed_until or began, began))

    def note_listed(self) -> None:
        """Record that a recovery has listed all that is open; its gap is delivered next."""
        self._is_listed = True

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told."""
        is_listed, self._is_listed = self._is_listed, False
        if complete or is_listed:
            self._spans.clear()
            self._listed_until = since
        if not complete:
            self._spans.append((since, until))
        if len(self._spans) > _AT_MOST:
            (first, _), (_, last), *rest = self._spans
            self._spans = [(first, last), *rest]
