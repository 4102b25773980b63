"""What a text frame can be, besides an event: the answer to a request, or a fault of the connection."""

from __future__ import annotations

from typing import Any

import attrs


@attrs.frozen(kw_only=True)
class ApiFailure:
    """Why the venue refused.

    Attributes:
        code: Binance's error code, or 0 where the venue gave none that can be read.
        msg: Binance's text, or what was wrong with its error.
        data: the ``data`` member of the error, unaltered, or ``None``. Of an error that cannot be read all of it.
    """

    code: int
    # Neither is shown: both can repeat what was sent.
    msg: str = attrs.field(repr=False)
    data: Any = attrs.field(default=None, repr=False)


@attrs.frozen(kw_only=True)
class RateLimit:
    """One limiter that a request has touched, and how much of it is used.

    Source: Binance Spot, WebSocket API, "Rate limits" (2026-07-21).

    Attributes:
        rate_limit_type: ``REQUEST_WEIGHT`` or ``ORDERS``.
        interval, interval_num: the window, such as ``MINUTE`` and 1; windows are aligned to the clock.
        count: what is used of ``limit``, or ``None`` where the venue does not say.
    """

    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int
    count: int | None = None


@attrs.frozen(kw_only=True)
class Response:
    """The answer to the request with this id.

    It is *yes* with status 200 and without an error, *no* with a status from 400 to 499 and an error whose code does
    not say otherwise, and in every other case *unknown*: also when the answer is malformed.

    Attributes:
        id: the request's own id.
        status: the HTTP-like status, or 0 where the frame states none that can be read.
        result: what was asked for, or ``None``; kept out of the repr, as it can hold keys.
        error: present in a refusal, even in one that gives no reason.
        rate_limit_entries: what the frame says of rate limits, as it came; see :attr:`rate_limits`.
    """

    id: int | str
    status: int
    result: Any = attrs.field(default=None, repr=False)
    error: ApiFailure | None = None
    rate_limit_entries: Any = attrs.field(default=None, repr=False, eq=False)

    @property
    def rate_limits(self) -> tuple[RateLimit, ...]:
        """The limiters that the request has touched; entries that cannot be read are left out.

        They are read when asked for, as they cost as much as the rest of an answer.
        """
        entries = self.rate_limit_entries
        if type(entries) is not list:
            return ()
        return tuple([limit for entry in entries if (limit := _rate_limit(entry)) is not None])


@attrs.frozen(kw_only=True)
class ConnectionFault:
    """An error that belongs to no request: its id is null or cannot be used.

    With status 401 the key of the session is no longer accepted, and the request that brought it to light may never
    be answered under its own id. With status 400 one of our requests had an id that the venue refuses.

    Source: Binance Spot, WebSocket API, "Log in with API key" (2026-07-21); the second case is observed only.
    """

    status: int
    error: ApiFailure


def _rate_limit(entry: Any) -> RateLimit | None:
    if type(entry) is not dict:
        return None
    kind, interval = entry.get("rateLimitType"), entry.get("interval")
    interval_num, limit, count = entry.get("intervalNum"), entry.get("limit"), entry.get("count")
    if type(kind) is not str or type(interval) is not str or type(interval_num) is not int or type(limit) is not int:
        return None
    return RateLimit(
        rate_limit_type=kind,
        interval=interval,
        interval_num=interval_num,
        limit=limit,
        count=count if type(count) is int else None,
    )
