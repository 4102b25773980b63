"""Who may ask: the rules for timestamps, receive windows, API keys and signatures, on both fronts.

Source: Binance Spot, WebSocket API and REST API, "Request security", "Timing security" and "SIGNED request
example" (2026-07-21). In which order a server checks is not documented; here a cheap check goes first.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from trio_binance_uds.sandbox.catalogue import Permission
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.keys import ApiKey, KeyRing

_API_KEY = re.compile(r"[A-Za-z0-9]{64}")
_WHOLE = re.compile(r"[0-9]{1,19}")
_WINDOW = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")
_MAX_WINDOW_MS = 60_000
_AHEAD_US = 1_000_000
AUTH_PARAMETERS = frozenset({"apiKey", "signature", "timestamp", "recvWindow"})


class WireDecimal(Decimal):
    """A JSON number with a fraction or an exponent that remembers how it was written: a signature covers that text."""

    __slots__ = ("raw",)
    raw: str

    def __new__(cls, raw: str) -> WireDecimal:
        self = super().__new__(cls, raw)
        self.raw = raw
        return self


def missing(name: str) -> Refusal:
    """Return the refusal of a request that lacks a parameter, or has it malformed."""
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def bad_key() -> Refusal:
    """Return the refusal of a key that is unknown, revoked, from the wrong address or without the permission."""
    return Refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=401)


def value_text(value: Any) -> str:
    """Return a parameter's value as it stands in the signed text of the WebSocket API."""
    if isinstance(value, str):
        return value
    if isinstance(value, WireDecimal):
        return value.raw
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=value_text)


def signed_text(params: Mapping[str, Any]) -> str:
    """Return what a WebSocket API signature covers: all other parameters, sorted by name, nothing encoded."""
    return "&".join(f"{name}={value_text(params[name])}" for name in sorted(params) if name != "signature")


def check_timing(params: Mapping[str, Any], now: int) -> None:
    """Refuse a request whose ``timestamp`` is missing, too old for its ``recvWindow``, or over a second ahead.

    ``now`` is in microseconds; the request's timestamp may be in milliseconds or microseconds.
    """
    stamp = value_text(params.get("timestamp", ""))
    if not _WHOLE.fullmatch(stamp):
        raise missing("timestamp")
    window = value_text(params.get("recvWindow", "5000"))
    if not _WINDOW.fullmatch(window):
        raise missing("recvWindow")
    window_us = int(Decimal(window) * 1000)
    if window_us > _MAX_WINDOW_MS * 1000:
        raise Refusal(-1131, f"recvWindow must be less than {_MAX_WINDOW_MS}.")
    # Sixteen digits are microseconds, thirteen milliseconds; the border lies far from both.
    asked = int(stamp) if int(stamp) >= 10**14 else int(stamp) * 1000
    # A receive window counts whole milliseconds of a timestamp in milliseconds: the server compares like with like.
    age = now - asked if int(stamp) >= 10**14 else now // 1000 * 1000 - asked
    if age <= -_AHEAD_US:
        raise Refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time.")
    if age > window_us:
        raise Refusal(-1021, "Timestamp for this request is outside of the recvWindow.")


def _known(keys: KeyRing, api_key: Any, status: int = 400) -> ApiKey:
    if not isinstance(api_key, str) or not _API_KEY.fullmatch(api_key):
        raise Refusal(-2014, "API-key format invalid.", status)
    key = keys.get(api_key)
    if key is None or not key.usable:
        raise bad_key()
    return key


def _check(key: ApiKey, text: str, signature: Any, permission: Permission | None) -> None:
    if not isinstance(signature, str) or not signature:
        raise missing("signature")
    if not key.verify(text, signature):
        raise Refusal(-1022, "Signature for this request is not valid.")
    if permission is not None and not key.allows(permission):
        raise bad_key()


def authenticate_ws(
    keys: KeyRing, params: Mapping[str, Any], now: int, permission: Permission | None, session: ApiKey | None = None
) -> ApiKey:
    """Return the key behind a signed WebSocket API request.

    ``session`` is the key that the connection is logged on with; a request that brings its own overrides it.

    Raises:
        Refusal: -1102, -2014, -2015, -1021, -1131 or -1022.
    """
    if session is not None and "apiKey" not in params and "signature" not in params:
        check_timing(params, now)
        if permission is not None and not session.allows(permission):
            raise bad_key()
        return session
    if params.get("apiKey") in (None, ""):
        raise missing("apiKey")
    key = _known(keys, params["apiKey"])
    check_timing(params, now)
    _check(key, signed_text(params), params.get("signature"), permission)
    return key


def authenticate_rest(
    keys: KeyRing,
    api_key: str | None,
    params: Mapping[str, str],
    text: str,
    now: int,
    permission: Permission | None,
    *,
    malformed: int = 400,
) -> ApiKey:
    """Return the key behind a signed REST request.

    ``text`` is what the signature covers: query string and body as they were sent, percent-encoding included,
    without the signature. ``malformed`` is the status of the answer to a key that cannot be one.

    Raises:
        Refusal: -2014, -2015, -1102, -1021, -1131 or -1022.
    """
    key = _known(keys, api_key or "", malformed)
    check_timing(params, now)
    _check(key, text, params.get("signature"), permission)
    return key


def authenticate_header(keys: KeyRing, api_key: str | None, permission: Permission) -> ApiKey:
    """Return the key behind a REST request that needs no signature; one that is there is not looked at.

    Raises:
        Refusal: -2014 or -2015, both with status 401.
    """
    key = _known(keys, api_key or "", 401)
    if not key.allows(permission):
        raise bad_key()
    return key
