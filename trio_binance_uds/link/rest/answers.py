"""What an HTTP answer of the venue means: a result, a refusal, or nothing that says either.

The exchange itself answers in JSON. Before it stands a front server, which answers in HTML or not at all: its refusals
have code 0. A body that says nothing (none, or ``{}``) is a result like any other.

Source: Binance Spot, REST API, "HTTP Return Codes" and "IP Limits" (2026-07-21); Binance Derivatives, "General Info"
(2026-05-28); notices of 2026-01-21 on the retirement of listen keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from trio_binance_uds.errors import Retired
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.outcomes import failure_in, outcome, refusal, unknown
from trio_binance_uds.link.rest.http import Answer
from trio_binance_uds.link.transport.refusal import host_of
from trio_binance_uds.wire.frames import ApiFailure, Response
from trio_binance_uds.wire.json_text import InvalidJson, loads

_GONE_CODE = -21015
_USED = ("x-mbx-used-weight-", "x-sapi-used-")

# Routes that Binance has taken away: what they were for, since when, and what came instead.
_RETIRED = {
    "/api/v3/userDataStream": ("listen keys of spot", date(2026, 2, 20), "a subscription on the WebSocket API (SPOT)"),
    "/sapi/v1/userDataStream": ("listen keys of cross margin", date(2026, 2, 20), "listen tokens (CROSS_MARGIN)"),
    "/sapi/v1/userDataStream/isolated": (
        "listen keys of isolated margin",
        date(2026, 2, 20),
        "listen tokens (isolated_margin)",
    ),
}


def result_of(route: str, answer: Answer, now: float, masker: Masker) -> Any:
    """Return the JSON of an answer, ``None`` for an empty one, or raise what became of the request.

    ``now`` is the venue's time in seconds since the epoch.

    Raises:
        Retired: the venue does not have this route any more.
        ApiError: the venue refused.
        OutcomeUnknown: anything that is neither plainly yes nor plainly no.
    """
    status = answer.status
    content, readable = _content(answer.body)
    failure = _failure(status, content, readable, answer, masker)
    if status == 410 or failure.code == _GONE_CODE:
        raise _retired(route, status, failure, masker)
    if 200 <= status < 300:
        if not readable:
            raise unknown(route, None, f"the answer with status {status} is not JSON", status=status)
        if failure_in(content) is None:
            return content
        status = 200  # The error is what counts, whichever of them it came with.
    if status == 408:
        raise unknown(route, None, "the venue's backend did not answer in time", status=status, code=failure.code)
    if 300 <= status < 400:
        raise refusal(route, status, failure, now, masker=masker)  # Nothing was done, and nobody follows.
    wait = answer.headers.get("retry-after")
    return outcome(route, Response(id=0, status=status, error=failure), None, now, wait, masker=masker)


def used_weights(answer: Answer) -> Mapping[str, int]:
    """Return how much of the venue's limits is used, by the header that says so, in lower case."""
    return {
        name.lower(): int(value)
        for name, value in answer.headers.items()
        if name.lower().startswith(_USED) and value.isascii() and value.isdecimal() and len(value) < 10
    }


def date_of(answer: Answer) -> datetime | None:
    """Return the ``Date`` of an answer, which has whole seconds; ``None`` where it has none that can be read.

    An answer with an ``Age`` was stored on its way: its date is that of another answer.
    """
    if answer.headers.get("age", "0").strip() != "0":
        return None
    try:
        when = parsedate_to_datetime(answer.headers.get("date", ""))
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _content(body: bytes) -> tuple[Any, bool]:
    if not body.strip():
        return None, True
    try:
        return loads(body), True
    except InvalidJson:
        return None, False


def _failure(status: int, content: Any, readable: bool, answer: Answer, masker: Masker) -> ApiFailure:
    if isinstance(content, dict) and type(content.get("code")) is int:
        return ApiFailure(code=content["code"], msg=str(content.get("msg", "")), data=content.get("data"))
    if 300 <= status < 400:
        where = host_of(answer.headers.get("location", ""), masker)
        return ApiFailure(code=0, msg=f"HTTP {status}, a redirect to {where}, which is not followed")
    what = "an answer without a code" if readable else "a page that is not JSON, as from a firewall or a front server"
    return ApiFailure(code=0, msg=what)


def _retired(route: str, status: int, failure: ApiFailure, masker: Masker) -> Retired:
    path = route.partition(" ")[2]
    what, since, instead = _RETIRED.get(path, ("this route", None, "see whether a later version of this library knows"))
    msg = masker.text(failure.msg)
    return Retired(method=route, status=status, code=failure.code, msg=msg, what=what, since=since, replaced_by=instead)
