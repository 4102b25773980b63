"""One HTTP exchange, by httpx: it dials as the streams do, and knows whether anything was sent.

* The query of a request can hold a signature or a listen key. httpx logs URLs, so it is given URLs without a query; the
  query goes by the ``target`` extension, which nobody logs.
* httpx's own transport dials by itself. Ours has the HTTP/1.1 connections of httpcore, which are httpx's too, on our
  own streams: proxy, TLS context, stand-ins for TCP and the wording of failures are then those of the WebSockets.
* Nothing is taken from the environment, no redirect is followed, and no cookie is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import attrs
import httpcore
import httpx
import trio

from trio_binance_uds.errors import ConnectFailed, NotConnected
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.outcomes import unknown
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport.address import USER_AGENT, Address
from trio_binance_uds.link.transport.dial import close_now, connecting, dial

MAX_ANSWER_SIZE = 32 * 2**20
"""Bytes in one answer, its headers included: far above the longest page of any query."""

# A recovery asks many things at once.
_MOST_AT_ONCE = 10
# A connection that has been idle for longer is not used again, as the server may be closing it in this moment. Common
# servers wait for 5 s and more before they do.
_IDLE_SECONDS = 4.0


@attrs.frozen
class Answer:
    """What came back, whatever it means."""

    status: int
    headers: httpx.Headers = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


class Http:
    """Exchanges with any number of servers, over connections that are kept for a few seconds."""

    def __init__(self, network: Network, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._transport = _Transport(network, timeouts.connect)
        self._client = httpx.AsyncClient(
            transport=self._transport,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            timeout=None,
            trust_env=False,
        )

    async def exchange(self, verb: str, address: Address, headers: Mapping[str, str]) -> Answer:
        """Send a request without a body and return its answer.

        Cancelled, it closes its connection; what was sent before may still be acted on.

        Raises:
            NotConnected: nothing was sent.
            OutcomeUnknown: it was sent, and no whole answer came in time.
        """

        async def trace(event: str, _: object) -> None:
            if event == "http11.send_request_headers.started":
                in_time.deadline = trio.current_time() + self._timeouts.answer

        route = f"{verb} {address.path}"
        request = self._client.build_request(
            verb,
            address.without_query,
            headers=headers,
            extensions={"address": address, "target": address.resource.encode("ascii"), "trace": trace},
        )
        failure: Exception | None = None
        with trio.CancelScope() as in_time:
            try:
                response = await self._client.send(request)
                return Answer(response.status_code, response.headers, response.content)
            except ConnectFailed as error:
                raise NotConnected(f"{route} was not sent: {error}", method=route) from error
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                failure = error
        if failure is None:
            raise unknown(route, None, f"no answer came within {self._timeouts.answer:g} s")
        # httpcore, which is given an open stream, has nothing to fail at before it sends.
        raise unknown(route, None, str(failure)) from failure

    async def aclose(self) -> None:
        """Close the connections that are kept. It does not wait for anybody."""
        await self._transport.aclose()


@attrs.define(eq=False)
class _Kept:
    """A connection that waits to be used again."""

    connection: httpcore.AsyncHTTP11Connection
    stream: _Stream
    since: float

    def is_usable(self) -> bool:
        # A server says nothing by itself but that it has closed the connection.
        return trio.current_time() - self.since <= _IDLE_SECONDS and not self.stream.is_readable()


class _Transport(httpx.AsyncBaseTransport):
    """HTTP/1.1 on streams that are dialled as those of the WebSockets are."""

    def __init__(self, network: Network, connect_timeout: float) -> None:
        self._network = network
        self._connect_timeout = connect_timeout
        self._slots = trio.Semaphore(_MOST_AT_ONCE)
        self._kept: dict[str, list[_Kept]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and read its whole answer."""
        url = httpcore.URL(scheme=request.url.raw_scheme, host=request.url.raw_host, port=request.url.port, target=b"/")
        sent = httpcore.Request(
            request.method, url, headers=request.headers.raw, content=_NoBody(), extensions=request.extensions
        )
        async with self._slots, self._connection(request.extensions["address"], url.origin) as connection:
            response = await connection.handle_async_request(sent)
            content = await response.aread()
            await response.aclose()
        return httpx.Response(response.status, headers=response.headers, content=content)

    @asynccontextmanager
    async def _connection(
        self, address: Address, origin: httpcore.Origin
    ) -> AsyncIterator[httpcore.AsyncHTTP11Connection]:
        place = str(origin)
        kept = await self._take(place) or await self._open(address, origin)
        try:
            yield kept.connection
        finally:
            # It is idle only if the whole answer has been read; in every other case it cannot be used again.
            if kept.connection.is_idle():
                kept.since = trio.current_time()
                self._kept.setdefault(place, []).append(kept)
            else:
                await close_now(kept.stream.inner)

    async def _take(self, place: str) -> _Kept | None:
        waiting = self._kept.get(place, [])
        while waiting:
            kept = waiting.pop()
            if kept.is_usable():
                return kept
            await close_now(kept.stream.inner)
        return None

    async def _open(self, address: Address, origin: httpcore.Origin) -> _Kept:
        with connecting(address, self._connect_timeout) as attempt:
            stream = _Stream(await dial(address, self._network, attempt))
        return _Kept(httpcore.AsyncHTTP11Connection(origin, stream), stream, trio.current_time())

    async def aclose(self) -> None:
        kept, self._kept = self._kept, {}
        for connections in kept.values():
            for connection in connections:
                await close_now(connection.stream.inner)


class _NoBody:
    """The body of a request that has none. Not a generator, which a cancellation could leave half used."""

    def __aiter__(self) -> _NoBody:
        return self

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration


class _Stream(httpcore.AsyncNetworkStream):
    """A trio stream as httpcore uses one, which gives up on an answer that is too long."""

    def __init__(self, inner: trio.abc.Stream) -> None:
        self.inner = inner
        self._received = 0

    # The deadlines are in the scopes around: httpcore gets none, and so asks for none.

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        try:
            data = bytes(await self.inner.receive_some(max_bytes))
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.ReadError("the connection was lost before a whole answer came") from error
        self._received += len(data)
        if self._received > MAX_ANSWER_SIZE:
            raise httpcore.ReadError(f"the answer is longer than {MAX_ANSWER_SIZE} bytes")
        return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        self._received = 0
        try:
            await self.inner.send_all(buffer)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise httpcore.WriteError("the connection was lost while the request was being sent") from error

    async def aclose(self) -> None:
        await close_now(self.inner)

    def is_readable(self) -> bool:
        """Whether something has arrived, or the other side has closed; streams that are no sockets cannot say."""
        stream: Any = self.inner
        while isinstance(stream, trio.SSLStream):
            stream = stream.transport_stream
        return isinstance(stream, trio.SocketStream) and stream.socket.is_readable()
