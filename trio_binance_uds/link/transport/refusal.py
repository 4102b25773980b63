"""Words for a handshake that failed, without secrets and with nothing in them that forges a log line."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

from trio_binance_uds.errors import ConnectFailed, HandshakeRejected
from trio_binance_uds.link.left_alone import seconds_to_wait
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.transport.address import Address
from trio_binance_uds.wire.json_text import InvalidJson, loads

_LINE = 160


def malformed(address: Address, problem: str, masker: Masker) -> ConnectFailed:
    """Return the error for an answer that is no WebSocket handshake; nothing is chained, as that would quote it."""
    return ConnectFailed(f"{address} did not answer with a WebSocket handshake: {masker.text(problem, _LINE)}")


def rejected(
    address: Address,
    status: int,
    headers: Iterable[tuple[str, str]],
    body: bytes | bytearray,
    now: Callable[[], float],
    masker: Masker,
) -> HandshakeRejected:
    """Return the error for an HTTP answer other than 101.

    ``now`` tells the venue's time, in seconds since the epoch, which a ban named in the body is measured by.

    Source: Binance Spot, REST API, "HTTP Return Codes" and "IP Limits": ``Retry-After`` is in seconds (2026-07-21).
    """
    fields = {name.lower(): value.strip() for name, value in headers}
    message = f"{address} refused the WebSocket handshake with HTTP {status}"
    code, msg, data = None, "", None
    if 300 <= status < 400:
        message += f", a redirect to {host_of(fields.get('location', ''), masker)}, which is not followed"
    else:
        code, msg, data = _json_error(body)
        if code is not None:
            message += f", code {code}: {masker.text(msg, _LINE)}"
        elif "html" in fields.get("content-type", "") or body.lstrip()[:1] == b"<":
            message += " and an HTML page"
    wait = seconds_to_wait(now(), header=fields.get("retry-after"), data=data, text=msg)
    return HandshakeRejected(message, status=status, retry_after=wait, code=code)


def _json_error(body: bytes | bytearray) -> tuple[int | None, str, Any]:
    try:
        answer = loads(bytes(body))
    except InvalidJson:
        return None, "", None
    if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        answer = answer["error"]  # a WebSocket API answer has the same two members, one level down
    if not isinstance(answer, dict) or type(answer.get("code")) is not int:
        return None, "", None
    return answer["code"], str(answer.get("msg", "")), answer.get("data")


def host_of(location: str, masker: Masker) -> str:
    """Return where a redirect leads, for messages."""
    # Only the host: the rest of a Location can repeat our query.
    try:
        return masker.text(urlsplit(location).hostname or "the same host", _LINE)
    except ValueError:
        return "an address that cannot be read"
