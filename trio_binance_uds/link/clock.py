"""The venue's time, from trio's clock, and by how much it may be wrong.

A *reading* is the venue's time as one answer states it. The venue looked at its clock at some moment between the
question and the answer, and states it to the millisecond (``serverTime``) or to the second (the ``Date`` of an answer):
so a reading gives the first and the last time that it can have been. The clock keeps what all readings have in common.
It widens that as time passes, since two clocks never run alike.

The rules:

* A time before 2017 or after 2200 is no time of the venue, whoever states it. It is ignored, and logged once.
* A reading that fits what is known narrows it.
* A reading of whole seconds never overrules one of milliseconds.
* A reading of milliseconds that contradicts what is known replaces it: the venue's clock was set, or this machine
  slept, when trio's clock stands still.
* A reading of whole seconds that contradicts others of whole seconds counts when a second one agrees with it: a single
  one can be a page that somebody has stored.
* The wall clock of this machine is no reading. It is used until there is one, whatever it shows: a machine that is
  hours off is corrected by the first reading, of either kind. Among the times that whole seconds leave open it is
  preferred, since it is usually right.
* A refused timestamp shows that what is known is wrong: the next reading counts, whatever it contradicts.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta

import attrs
import trio

from trio_binance_uds.logs import stream_logger

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The venue opened in 2017.
_EARLIEST = datetime(2017, 1, 1, tzinfo=UTC).timestamp()
_LATEST = datetime(2200, 1, 1, tzinfo=UTC).timestamp()
# A number from here on counts microseconds: as milliseconds it would be a time after the year 5000.
_MICROSECONDS_FROM = 10**14
_MILLISECOND = 0.001
# What a quartz that nobody corrects can be off by: 9 seconds in a day.
_DRIFT = 100e-6
# The front servers that write a ``Date`` have clocks of their own, and write it before the answer has left.
_DATE_SLACK = 0.05
# How old the newest reading may become before another is worth a request.
_FRESH_SECONDS = 3600.0
_CORRECTIONS_KEPT = 8
# A correction below this is none that a person needs to read of.
_WORTH_A_WARNING = 1.0
# Without any reading the venue's answers to signed questions are the only bound: it refuses a timestamp that is more
# than 5 s old or 1 s early.
UNMEASURED = timedelta(seconds=5)


def venue_seconds(stamp: object) -> float | None:
    """Return a time that the venue states, in seconds since 1970; ``None`` if it is none.

    It can be in milliseconds or, with ``timeUnit=MICROSECOND``, in microseconds: its size tells.
    """
    if isinstance(stamp, str) and len(stamp) <= 17 and stamp.isascii() and stamp.isdecimal():
        stamp = int(stamp)
    if type(stamp) is not int:
        return None
    if not 0 < stamp < 100 * _MICROSECONDS_FROM:
        return None
    seconds = stamp / 1_000_000 if stamp >= _MICROSECONDS_FROM else stamp / 1000
    return seconds if _is_plausible(seconds) else None


def _is_plausible(seconds: float) -> bool:
    return _EARLIEST <= seconds < _LATEST


@attrs.frozen(kw_only=True)
class _Span:
    """The venue's time at the zero of trio's clock, in seconds since 1970, lies between these.

    Attributes:
        as_of: the moment of trio's clock at which that was certain; it widens from there on.
        is_coarse: whether it is known from whole seconds alone.
    """

    low: float
    high: float
    as_of: float
    is_coarse: bool

    @classmethod
    def read(cls, asked_at: float, heard_at: float, first: float, last: float, *, is_coarse: bool) -> _Span:
        """Return what one answer says: the venue's clock showed a time from ``first`` to ``last`` between the two."""
        span = cls(low=first - heard_at, high=last - asked_at, as_of=asked_at, is_coarse=is_coarse)
        return span.widened_to(heard_at)  # On the way, too, the clocks have not run alike.

    @property
    def middle(self) -> float:
        return (self.low + self.high) / 2

    def widened_to(self, moment: float) -> _Span:
        """Return the same, as far as it is still certain at a later moment."""
        more = _DRIFT * max(0.0, moment - self.as_of)
        return attrs.evolve(self, low=self.low - more, high=self.high + more, as_of=max(self.as_of, moment))

    def common_with(self, other: _Span) -> _Span | None:
        """Return what both leave open; ``None`` where they contradict each other.

        It is never narrower than a millisecond to each side: the venue's servers do not agree better than that.
        """
        low, high = max(self.low, other.low), min(self.high, other.high)
        if low > high:
            return None
        lacking = max(0.0, _MILLISECOND - (high - low) / 2)
        return _Span(
            low=low - lacking,
            high=high + lacking,
            as_of=max(self.as_of, other.as_of),
            is_coarse=self.is_coarse and other.is_coarse,
        )


class ServerClock:
    """What time it is at the venue, and how certain that is.

    Once there is a reading it goes on from there with trio's clock: a wrong, drifting or stepped wall clock of this
    machine then matters to nobody.
    """

    def __init__(self) -> None:
        self._epoch_at_zero: float | None = None
        self._known: _Span | None = None
        # A reading of whole seconds that contradicts what is known, until another agrees with it.
        self._suspect: _Span | None = None
        # When a reading has replaced what was known, and by how many seconds that moved the time.
        self._corrections: list[tuple[float, float]] = []
        self._has_logged_impossible = False
        self._has_logged_ignored = False
        self._wall_ahead: float | None = None

    # What is known.

    @property
    def uncertainty(self) -> timedelta:
        """By how much the time may be wrong, at most, to either side; :data:`UNMEASURED` before there is a reading."""
        known, best = self._known, self._epoch_at_zero
        if known is None or best is None:
            return UNMEASURED
        known = known.widened_to(trio.current_time())
        return timedelta(microseconds=round(max(best - known.low, known.high - best) * 1_000_000))

    @property
    def is_measured(self) -> bool:
        """Whether there is a reading that was not refused since."""
        return self._known is not None

    @property
    def is_fresh(self) -> bool:
        """Whether the newest reading is young enough to go by."""
        return self._known is not None and trio.current_time() - self._known.as_of < _FRESH_SECONDS

    @property
    def wall_ahead(self) -> float | None:
        """By how many seconds this machine's wall clock was ahead of the venue's at the last reading.

        ``None`` before there is one.
        """
        return self._wall_ahead

    def corrected_since(self, moment: float) -> timedelta:
        """Return by how much readings have contradicted the clock since a moment of trio's clock.

        A time that it gave before can be wrong by that, besides its uncertainty.
        """
        return timedelta(seconds=sum(by for at, by in self._corrections if at >= moment))

    # Readings.

    def learn(self, asked_at: float, heard_at: float, result: object) -> bool:
        """Note the ``serverTime`` of a result that was asked for and answered at these moments of trio's clock.

        Returns whether there is one that can be.
        """
        seconds = venue_seconds(result.get("serverTime")) if isinstance(result, dict) else None
        if seconds is None:
            return False
        first, last = seconds - _MILLISECOND, seconds + _MILLISECOND
        self._learn(_Span.read(asked_at, heard_at, first, last, is_coarse=False), heard_at)
        return True

    def learn_date(self, asked_at: float, heard_at: float, date: datetime) -> None:
        """Note the second that the ``Date`` of an answer names; otherwise like :meth:`learn`."""
        first = (date - _EPOCH).total_seconds()
        if _is_plausible(first):
            first, last = first - _DATE_SLACK, first + 1 + _DATE_SLACK
            self._learn(_Span.read(asked_at, heard_at, first, last, is_coarse=True), heard_at)
        elif not self._has_logged_impossible:
            self._has_logged_impossible = True
            log.warning("the date of an answer cannot be (%s) and is ignored", date)

    def note_refused_timestamp(self) -> None:
        """Note that the venue has refused a timestamp of this clock: what was known counts no more."""
        self._known = self._suspect = None

    def _learn(self, read: _Span, heard_at: float) -> None:
        known = None if self._known is None else self._known.widened_to(heard_at)
        if known is None:
            self._replace(read, heard_at)
        elif (common := known.common_with(read)) is not None:
            self._suspect = None
            # Whole seconds change nothing about milliseconds: where they agree, they say less.
            if known.is_coarse or not read.is_coarse:
                self._set(common, heard_at)
        elif not read.is_coarse or (known.is_coarse and self._is_confirmed(read)):
            self._replace(read, heard_at)
        else:
            self._suspect = read
            if not self._has_logged_ignored:
                self._has_logged_ignored = True
                off = read.middle - known.middle
                log.warning("the date of an answer is %+.1f s off what is known of the venue's time; ignored", off)

    def _is_confirmed(self, read: _Span) -> bool:
        suspect = self._suspect
        return suspect is not None and suspect.widened_to(read.as_of).common_with(read) is not None

    def _replace(self, read: _Span, moment: float) -> None:
        before = self.seconds(moment)
        self._suspect = None
        self._set(read, moment)
        off = before - self.seconds(moment)
        if abs(off) > _WORTH_A_WARNING:
            log.warning("the clock is off by %+.1f s from the venue's, and goes by the venue's now", off)
        self._corrections.append((moment, abs(off)))
        if len(self._corrections) > _CORRECTIONS_KEPT:
            (_, first), (at, second), *rest = self._corrections
            self._corrections = [(at, first + second), *rest]

    def _set(self, known: _Span, moment: float) -> None:
        best, before = known.middle, self.seconds(moment) - moment
        if known.is_coarse and known.low <= before <= known.high:
            best = before
        self._known, self._epoch_at_zero = known, best
        self._wall_ahead = time.time() - self.seconds(trio.current_time())

    # The time.

    def epoch_ms(self) -> int:
        """Return the venue's time as epoch milliseconds, for a ``timestamp`` parameter."""
        return round(self.seconds(trio.current_time()) * 1000)

    def now(self) -> datetime:
        """Return the venue's time."""
        return self.at(trio.current_time())

    def at(self, moment: float) -> datetime:
        """Return the venue's time at a moment of trio's clock."""
        return _EPOCH + timedelta(microseconds=round(self.seconds(moment) * 1_000_000))

    def moment_of(self, seconds: float) -> float:
        """Return the moment of trio's clock at which it is that time at the venue, in seconds since 1970."""
        now = trio.current_time()
        return now + seconds - self.seconds(now)

    def seconds(self, moment: float) -> float:
        """Return the venue's time at a moment of trio's clock, in seconds since 1970."""
        if self._epoch_at_zero is None:
            return time.time() - (trio.current_time() - moment)
        return self._epoch_at_zero + moment
