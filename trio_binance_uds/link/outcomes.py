"""What an answer means to the caller: yes, no or unknown."""

from __future__ import annotations

from typing import Any

from trio_binance_uds.errors import ApiError, AuthenticationFailed, ClockSkew, OutcomeUnknown, RateLimited
from trio_binance_uds.link.left_alone import seconds_to_wait
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.wire.frames import ApiFailure, Response

# Source: Binance Spot, WebSocket API, "Status codes" and errors.md (2026-07-21): the venue cannot say either.
_UNKNOWN_CODES = frozenset({-1006, -1007})
_AUTHENTICATION_CODES = frozenset({-1002, -1022, -1099, -2014, -2015})
_RATE_CODES = frozenset({-1003, -1015, -1034})


def refusal(
    method: str,
    status: int,
    failure: ApiFailure,
    now: float,
    header: str | None = None,
    *,
    masker: Masker | None = None,
) -> ApiError:
    """Return the exception for a request that the venue refused.

    ``now`` is the venue's time in seconds since the epoch, and ``header`` the ``Retry-After`` of an HTTP answer. What
    the venue says goes through the masker, as it may repeat what it was sent.
    """
    masker = masker or Masker()
    code, msg, data = failure.code, masker.text(failure.msg), masker.value(failure.data)
    if code in _RATE_CODES or status in (418, 429):
        wait = seconds_to_wait(now, header=header, data=failure.data, text=failure.msg)
        return RateLimited(method=method, status=status, code=code, msg=msg, data=data, retry_after=wait)
    kind = ApiError
    # The venue gives a code when it refuses a key. A 401 without one comes from a server that stands before it.
    if code in _AUTHENTICATION_CODES or (status == 401 and code):
        kind = AuthenticationFailed
    elif code == -1021:
        kind = ClockSkew
    return kind(method=method, status=status, code=code, msg=msg, data=data)


def failure_in(content: Any) -> ApiFailure | None:
    """Return the refusal that stands in a result, as ``{"code": -2015, "msg": "..."}`` with status 200.

    The venue's error codes are negative; ``{"code": 200, "msg": "success"}`` is the result of some routes.
    """
    if not isinstance(content, dict) or "msg" not in content:
        return None
    code = content.get("code")
    if type(code) is not int or code >= 0:
        return None
    return ApiFailure(code=code, msg=str(content["msg"]), data=content.get("data"))


def outcome(
    method: str,
    response: Response,
    client_order_id: str | None,
    now: float,
    header: str | None = None,
    *,
    masker: Masker | None = None,
) -> Any:
    """Return the result of a request, or raise what became of it; the last arguments are those of :func:`refusal`.

    Raises:
        ApiError: the venue refused: an error with a status from 400 to 499, or with a code of its own and status 200.
        OutcomeUnknown: anything that is neither plainly yes nor plainly no, also of one half of a replacement.
    """
    status, error = response.status, response.error
    if status == 200 and error is None:
        error = failure_in(response.result)
        if error is None:
            return response.result
    is_refused = error is not None and (400 <= status < 500 or (status == 200 and error.code < 0))
    if error is not None and is_refused and error.code not in _UNKNOWN_CODES:
        if _is_unknown_by_half(error.data):
            raise unknown(method, client_order_id, "the venue does not know of one half of it", status=status)
        raise refusal(method, status, error, now, header, masker=masker)
    code = None if error is None else error.code
    raise unknown(method, client_order_id, f"the answer has status {status} and code {code}", status=status, code=code)


def _is_unknown_by_half(data: Any) -> bool:
    """Whether it is a replacement of an order of which the venue does not know one half.

    Source: Binance Spot, WebSocket API, "Cancel and replace order" (2026-07-21).
    """
    halves = [data.get(half) for half in ("cancelResponse", "newOrderResponse")] if isinstance(data, dict) else []
    codes = [half.get("code") for half in halves if isinstance(half, dict)]
    return any(type(code) is int and code in _UNKNOWN_CODES for code in codes)


def unknown(
    method: str, client_order_id: str | None, why: str, *, status: int | None = None, code: int | None = None
) -> OutcomeUnknown:
    """Return the exception for a request that was sent and not plainly answered."""
    return OutcomeUnknown(
        f"{method} was sent and may have taken effect: {why}",
        method=method,
        client_order_id=client_order_id,
        status=status,
        code=code,
    )
