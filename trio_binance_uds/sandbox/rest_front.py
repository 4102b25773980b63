"""The REST front: an ASGI application with the routes of all hosts, and what of it each host shows.

The routes of ``/api/v3`` are spot's own, on the same exchange as the WebSocket front; the others are in a table.

Source: Binance Spot, REST API, "General API Information", "HTTP Return Codes", "Request security" and "Limits"
(2026-07-21); "General Info" of Margin Trading and of Derivatives (2026-05-28); the retirement of the listen keys is of
the change log of 2026-02-20.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from email.utils import format_datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qsl

import attrs
import trio

from trio_binance_uds.products import Host
from trio_binance_uds.sandbox.auth import authenticate_header, authenticate_rest
from trio_binance_uds.sandbox.catalogue import ROUTES, Permission
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.families import Family, family_of
from trio_binance_uds.sandbox.keys import ApiKey
from trio_binance_uds.sandbox.timeunit import in_microseconds
from trio_binance_uds.sandbox.venue import Answer, Venue, retry_after_seconds
from trio_binance_uds.wire.json_text import dumps

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MAX_BODY = 2**20
_TIME_UNITS = {"MILLISECOND": False, "MICROSECOND": True}
_ORDER_HEADERS = {
    "SECOND": b"x-mbx-order-count-10s",
    "MINUTE": b"x-mbx-order-count-1m",
    "DAY": b"x-mbx-order-count-1d",
}
_JSON = b"application/json;charset=UTF-8"
CUT = "trio_binance_uds.cut"
"""The extension of the ASGI scope that ends the connection of a request."""
_RETIRED = {
    "/api/v3/userDataStream": ("POST", "PUT", "DELETE"),
    "/api/v1/userDataStream": ("GET", "POST", "PUT", "DELETE"),
    "/sapi/v1/userDataStream": ("POST", "PUT", "DELETE"),
    "/sapi/v1/userDataStream/isolated": ("POST", "PUT", "DELETE"),
}


def _page(title: str) -> bytes:
    return (
        f"<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    ).encode()


@attrs.frozen(kw_only=True)
class _Request:
    verb: str
    path: str
    query: str
    body: str
    headers: Mapping[str, str]
    ip: str

    @property
    def route(self) -> str:
        """The route as the faults and the limits name it."""
        return f"{self.verb} {self.path}"

    @property
    def time_unit(self) -> str:
        """The unit that was asked for, whatever it may be."""
        return self.headers.get("x-mbx-time-unit", "MILLISECOND").upper()

    def params(self) -> dict[str, str]:
        """Return the parameters of query string and body; the query string wins.

        Raises:
            Refusal: -1101, one of them is sent twice in the same place.
        """
        params: dict[str, str] = {}
        for text in (self.body, self.query):
            pairs = parse_qsl(text, keep_blank_values=True)
            if len(dict(pairs)) < len(pairs):
                raise Refusal(-1101, "Duplicate values for a parameter detected.")
            params.update(pairs)
        return params

    def signed_text(self) -> str:
        """Return what the signature covers: query and body as they were sent, without the signature itself."""
        return _without_signature(self.query) + _without_signature(self.body)


def _without_signature(text: str) -> str:
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))


class RestFront:
    """The ASGI application of all hosts together. Give it to ``httpx.ASGITransport``, or to any server of ASGI."""

    def __init__(self, venue: Venue) -> None:
        self._venue = venue

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or the lifespan of the server."""
        await self._serve(scope, receive, send, None)

    def at(self, host: Host) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
        """Return the application of one host, where nothing is found of the others."""

        async def serve(scope: Scope, receive: Receive, send: Send) -> None:
            await self._serve(scope, receive, send, host)

        return serve

    async def _serve(self, scope: Scope, receive: Receive, send: Send, host: Host | None) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise ValueError(f"the REST front does not speak {scope['type']}")
        send = partial(self._send_dated, send)
        request = await _read(scope, receive)
        if request is None:
            await _respond(send, 413, b"", b"text/plain", [])
            return
        family = family_of(request.path)
        if family is None or host not in (None, family.host):
            await self._not_found(request, send)
            return
        if request.verb in _RETIRED.get(request.path, ()):
            await _respond(send, 410, _page("410 Gone"), b"text/html", [])
            return
        answer = self._answer(request, family)
        if answer is None:
            await self._not_found(request, send)
            return
        if answer.lost:
            # The client gets nothing until it gives up: behind a whole request, that is what is received next.
            await receive()
            return
        if answer.delay:
            await trio.sleep(answer.delay)
        if answer.cut:
            await _cut(scope)
            return
        if answer.page is not None:
            await _respond(send, answer.status, _page(answer.page), b"text/html", [])
            return
        headers = self._headers(answer, request, family)
        await _respond(send, answer.status, self._body(answer, request, family), _JSON, headers)

    async def _send_dated(self, send: Send, message: MutableMapping[str, Any]) -> None:
        """Send a message; the head of an answer with the date, by the clock of the sandbox."""
        if message["type"] == "http.response.start":
            date = format_datetime(self._venue.clock.datetime(), usegmt=True)
            message["headers"] = [*message["headers"], (b"date", date.encode())]
        await send(message)

    def _answer(self, request: _Request, family: Family) -> Answer | None:
        """Return the answer to a request, or ``None`` if there is no such route."""
        venue = self._venue
        name = ROUTES.get((request.verb, request.path))
        service = venue.services.find(request.verb, request.path)
        if name is None and service is None:
            return None
        try:
            params = request.params()
            if family.speaks_microseconds and request.time_unit not in _TIME_UNITS:
                raise Refusal(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
        except Refusal as refusal:
            return Answer(status=refusal.status, error={"code": refusal.code, "msg": refusal.msg})
        api_key = request.headers.get("x-mbx-apikey")

        def authenticate(permission: Permission) -> ApiKey:
            if service is not None and not service.signed:
                return authenticate_header(venue.keys, api_key, permission)
            malformed = 400 if service is None else 401
            return authenticate_rest(
                venue.keys,
                api_key,
                params,
                request.signed_text(),
                venue.clock.now(),
                permission,
                malformed=malformed,
            )

        if service is not None:
            return venue.serve(request.ip, request.route, service, params, authenticate)
        assert name is not None, "one of the two is there"
        return venue.answer(request.ip, name, params, authenticate)

    def _body(self, answer: Answer, request: _Request, family: Family) -> bytes:
        if answer.error is not None:
            error = dict(answer.error)
            if answer.status in (418, 429):
                # On REST the time to wait is in a header.
                error.pop("data", None)
            return dumps(error).encode()
        micro = family.speaks_microseconds and _TIME_UNITS[request.time_unit]
        return dumps(in_microseconds(answer.result) if micro else answer.result).encode()

    def _headers(self, answer: Answer, request: _Request, family: Family) -> list[tuple[bytes, bytes]]:
        limiter = self._venue.limiter
        if answer.charged is None:
            used = limiter.weight_used(request.ip, family.budget or request.route)
            names = family.used_headers
        else:
            used = limiter.weight_used(answer.charged, request.route)
            names = (b"x-sapi-used-uid-weight-1m",)
        headers = [(name, str(used).encode()) for name in names]
        for row in answer.rate_limits:
            if row["rateLimitType"] == "ORDERS":
                headers.append((_ORDER_HEADERS[row["interval"]], str(row["count"]).encode()))
        seconds = retry_after_seconds((answer.error or {}).get("data"))
        if seconds is not None:
            headers.append((b"retry-after", str(seconds).encode()))
        return headers

    async def _not_found(self, request: _Request, send: Send) -> None:
        if "text/html" in request.headers.get("accept", ""):
            await _respond(send, 404, _page("404 Not Found"), b"text/html", [])
        else:
            await _respond(send, 404, b'{"code":-1000,"msg":"Not found."}', _JSON, [])


async def _cut(scope: Scope) -> None:
    cut = scope.get("extensions", {}).get(CUT)
    if cut is None:
        # Behind no server of ours there is no connection to end.
        raise ConnectionAbortedError("cut on purpose, by the faults of the sandbox")
    await cut()


async def _live(receive: Receive, send: Send) -> None:
    # There is nothing to start and nothing to stop, and a server sends these two, in this order.
    for _ in ("startup", "shutdown"):
        message = await receive()
        await send({"type": f"{message['type']}.complete"})


async def _read(scope: Scope, receive: Receive) -> _Request | None:
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > _MAX_BODY:
            return None
    client = scope.get("client")
    return _Request(
        verb=scope["method"],
        path=scope["path"],
        query=scope["query_string"].decode("latin-1"),
        body=body.decode("latin-1"),
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        ip=client[0] if client else "127.0.0.1",
    )


async def _respond(
    send: Send, status: int, body: bytes, content_type: bytes, headers: list[tuple[bytes, bytes]]
) -> None:
    basic = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": [*basic, *headers]})
    await send({"type": "http.response.body", "body": body})
