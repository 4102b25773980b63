"""How long the venue wants to be left alone: one reader for every place where it says so, and the bar that obeys it.

The venue names the time in four ways: ``Retry-After`` (seconds, or a date) of an HTTP answer or a refused upgrade,
``retryAfter`` in the data of an error of the WebSocket API, and "banned until" in the text of an error or of a Close
frame. Whichever it is, what comes out is a number of seconds from now.

A ban lasts 2 minutes to 3 days. What is longer is a mistake and is cut, with a line in the log: to believe it would
blind the stream for as long. A ban without a time counts as the shortest one.

Source: Binance Spot, REST API and WebSocket API, "IP Limits" (2026-07-21): ``Retry-After`` is in seconds,
``retryAfter`` is a timestamp. In which unit a text names its time is not documented; 13 digits have been seen.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import trio

from trio_binance_uds.errors import HandshakeRejected, RateLimited
from trio_binance_uds.logs import stream_logger

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

SHORTEST_BAN_SECONDS = 120.0
LONGEST_BAN_SECONDS = 3 * 86_400.0

_UNTIL = re.compile(r"\buntil\D{0,3}(\d{10,19})(?!\d)", re.IGNORECASE)
# Too many orders: that limit is the account's, and says nothing about questions.
_TOO_MANY_ORDERS = -1015
# The units of a timestamp by its size, the largest first: nanoseconds, microseconds, milliseconds, seconds.
_UNITS = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3), (10**9, 1))


def seconds_to_wait(now: float, *, header: str | None = None, data: Any = None, text: str = "") -> float | None:
    """Return for how many seconds from now the venue wants to be left alone; ``None`` where it does not say.

    Args:
        now: the venue's time, in seconds since the epoch.
        header: the value of ``Retry-After``.
        data: the ``data`` member of an error.
        text: the text of an error, or of a Close frame.
    """
    named = [_of_header(header, now), _of_data(data, now), _of_text(text, now)]
    # What has passed is no time to come back at: it can be old, or the clock be wrong.
    waits = [wait for wait in named if wait is not None and wait > 0]
    if not waits:
        return None
    wait = max(waits)
    if wait > LONGEST_BAN_SECONDS:
        log.warning(
            "the venue names a wait of %.0f s, which is more than its longest ban of %.0f s; that one is kept instead",
            wait,
            LONGEST_BAN_SECONDS,
        )
    return min(wait, LONGEST_BAN_SECONDS)


def is_ban(error: HandshakeRejected | RateLimited) -> bool:
    """Whether the venue has banned the address: by status 418, or in so many words."""
    return error.status == 418 or "banned" in str(error).lower()


def wait_of(error: Exception | None) -> float:
    """Return for how many seconds the venue wants to be left alone after this failure."""
    if not isinstance(error, HandshakeRejected | RateLimited):
        return 0.0
    if error.retry_after is not None:
        return min(error.retry_after, LONGEST_BAN_SECONDS)
    return SHORTEST_BAN_SECONDS if is_ban(error) else 0.0


def ban_in(reason: str, now: float) -> RateLimited | None:
    """Return the refusal that the reason of a Close frame amounts to, if it names the end of a ban."""
    wait = seconds_to_wait(now, text=reason) if "banned" in reason.lower() else None
    if wait is None:
        return None
    return RateLimited(method="the connection", status=418, code=0, msg=reason, retry_after=wait)


class Bar:
    """Until when nothing is to be asked of one place, and why.

    A limit is about one place, such as a REST API. A ban is about the whole address, so it is kept by ``whole``, which
    the bars of all places of a stream have in common.
    """

    def __init__(self, whole: Bar | None = None) -> None:
        self._whole = whole
        self._until = -float("inf")
        self._by: HandshakeRejected | RateLimited | None = None

    def note(self, error: Exception) -> None:
        """Record a refusal that may say when to come back; other failures say nothing."""
        wait = wait_of(error)
        if wait <= 0 or not isinstance(error, HandshakeRejected | RateLimited) or error.code == _TOO_MANY_ORDERS:
            return
        if self._whole is not None and is_ban(error):
            self._whole.note(error)
            return
        until = trio.current_time() + wait
        if until > self._until:
            self._until, self._by = until, error
            log.warning("nothing more is asked for %.0f s: %s", wait, error)

    @property
    def seconds_left(self) -> float:
        """For how many seconds nothing is to be asked; 0 where there is no bar."""
        own = max(0.0, self._until - trio.current_time())
        return own if self._whole is None else max(own, self._whole.seconds_left)

    def check(self, method: str) -> None:
        """Let a question pass, unless the time has not come.

        Raises:
            RateLimited: nothing was sent.
        """
        if self._whole is not None:
            self._whole.check(method)
        left, by = self.seconds_left, self._by
        if left <= 0 or by is None:
            return
        # A new one each time: an exception that is raised again collects tracebacks.
        raise RateLimited(
            method=method,
            status=by.status,
            code=by.code or 0,
            msg=f"it was not sent, as the venue wants to be left alone for {left:.0f} s more ({by})",
            retry_after=left,
        )


def _of_header(value: str | None, now: float) -> float | None:
    text = "" if value is None else value.strip()
    if text.isascii() and text.isdecimal():
        # A number that no float holds is as wrong as one of a hundred days, and is cut like it.
        return float(text[:18])
    try:
        date = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return (date.replace(tzinfo=UTC) if date.tzinfo is None else date).timestamp() - now


def _of_data(data: Any, now: float) -> float | None:
    named = data.get("retryAfter") if isinstance(data, dict) else None
    if isinstance(named, str) and named.isascii() and named.isdecimal():
        named = int(named[:20])
    if type(named) is not int or named <= 0:
        return None
    return _from_now(named, now) if named >= 10**9 else float(named)


def _of_text(text: str, now: float) -> float | None:
    found = _UNTIL.search(text)
    return None if found is None else _from_now(int(found[1]), now)


def _from_now(stamp: int, now: float) -> float | None:
    unit = next((unit for size, unit in _UNITS if stamp >= size), None)
    return None if unit is None else min(stamp, 10**20) / unit - now
