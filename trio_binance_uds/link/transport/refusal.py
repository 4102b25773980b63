"""Words a handshake that did not come about, with nothing in it that the other side could smuggle into a log."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from trio_binance_uds.errors import ConnectFailed, HandshakeRejected
from trio_binance_uds.link.transport.address import Address
from trio_binance_uds.wire.json_text import InvalidJson, loads


def printable(text: str, limit: int = 160) -> str:
    """Return text of the other side in one short line, with everything unprintable replaced."""
    line = "".join(char if char.isprintable() else "?" for char in text[: limit + 1])
    return line if len(line) <= limit else line[: limit - 3] + "..."


def malformed(address: Address, problem: str) -> ConnectFailed:
    """Return the error for an answer that is no WebSocket handshake; the caller chains the cause."""
    return ConnectFailed(f"{address} did not answer with a WebSocket handshake: {printable(problem)}")


def rejected(
    address: Address, status: int, headers: Iterable[tuple[str, str]], body: bytes | bytearray
) -> HandshakeRejected:
    """Return the error for an HTTP answer other than 101.

    Source: Binance Spot, REST API, "HTTP Return Codes" and "IP Limits": ``Retry-After`` is in seconds (2026-07-21).
    """
    fields = {name.lower(): value.strip() for name, value in headers}
    message = f"{address} refused the WebSocket handshake with HTTP {status}"
    code = None
    if 300 <= status < 400:
        message += f", a redirect to {host_of(fields.get('location', ''))}, which is not followed"
    else:
        code, msg = _json_error(body)
        if code is not None:
            message += f", code {code}: {printable(msg)}"
        elif "html" in fields.get("content-type", "") or body.lstrip()[:1] == b"<":
            message += " and an HTML page"
    seconds = fields.get("retry-after", "")
    retry_after = float(seconds) if seconds.isascii() and seconds.isdecimal() and len(seconds) < 10 else None
    return HandshakeRejected(message, status=status, retry_after=retry_after, code=code)


def _json_error(body: bytes | bytearray) -> tuple[int | None, str]:
    try:
        answer = loads(bytes(body))
    except InvalidJson:
        return None, ""
    if isinstance(answer, dict) and isinstance(answer.get("error"), dict):
        answer = answer["error"]  # a WebSocket API answer has the same two members, one level down
    if not isinstance(answer, dict) or type(answer.get("code")) is not int:
        return None, ""
    return answer["code"], str(answer.get("msg", ""))


def host_of(location: str) -> str:
    """Return where a redirect leads, for messages."""
    # Only the host: the rest of a Location can repeat our query.
    try:
        return printable(urlsplit(location).hostname or "the same host")
    except ValueError:
        return "an address that cannot be read"
