"""One HTTP exchange, by httpx on a stream of our own: it dials as WebSockets do, and knows whether anything was sent.

* httpx's own transport dials by itself, keeps bytes behind an answer for the next one, and undoes any compression. Ours
  exchanges by ``plain_http``: proxy, TLS context, stand-ins for TCP and the wording of failures are those of the
  WebSockets, and what nobody asked for is refused.
* Nothing of httpx's client is wanted: it writes a line at INFO for each request, which are thousands a day for a listen
  key. So a request goes to the transport without one.
* The query of a request can hold a signature or a listen key, and a header the API key. What is shown of a request is
  its URL, so that has no query, and no header is ours: both go by an extension.
* Connections are kept for a few seconds. One that says anything while nobody asks is not used again.
* Nothing is taken from the environment, no redirect is followed, and no cookie is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import attrs
import httpx
import trio

from trio_binance_uds.errors import ConnectFailed, NotConnected
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.outcomes import unknown
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport.address import Address
from trio_binance_uds.link.transport.dial import close_now, connecting, dial
from trio_binance_uds.link.transport.plain_http import BadAnswer, exchange, is_quiet

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
    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


@attrs.define(eq=False)
class _Kept:
    """A connection that is in use, or waits to be used again."""

    stream: trio.abc.Stream
    since: float = 0.0
    reusable: bool = False

    async def is_usable(self) -> bool:
        # A server says nothing by itself but that it has closed the connection.
        return trio.current_time() - self.since <= _IDLE_SECONDS and await is_quiet(self.stream)


@attrs.frozen
class _Sent:
    """What goes to the server, in a form that shows nothing of it; ``written`` makes its address with the query."""

    address: Address = attrs.field(repr=False)
    written: Callable[[], Address] = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)


class Http:
    """Exchanges with any number of servers, over connections that are kept for a few seconds."""

    def __init__(self, network: Network, timeouts: Timeouts, masker: Masker) -> None:
        self._masker = masker
        self._timeouts = timeouts
        self._transport = _Transport(network, timeouts)

    async def exchange(
        self, verb: str, address: Address, written: Callable[[], Address], headers: Mapping[str, str]
    ) -> Answer:
        """Send a request without a body and return its answer.

        ``written`` returns the address again, with the query. It is called when there is a connection and the request
        goes out at once: a signature counts for some seconds only, and to wait for a connection can take longer.

        Cancelled, it closes its connection; what was sent before may still be acted on.

        Raises:
            NotConnected: nothing was sent.
            OutcomeUnknown: it was sent, and no whole answer came in time.
        """
        route = f"{verb} {address.path}"
        request = httpx.Request(
            verb, f"{address.origin}{address.path}", extensions={"sent": _Sent(address, written, headers)}
        )
        try:
            response = await self._transport.handle_async_request(request)
            return Answer(response.status_code, response.headers, response.content)
        except ConnectFailed as error:
            raise NotConnected(f"{route} was not sent: {error}", method=route) from error
        except _Late:
            problem = f"no answer came within {self._timeouts.answer:g} s"
        except BadAnswer as error:
            problem = self._masker.text(str(error))
        raise unknown(route, None, problem)

    async def aclose(self) -> None:
        """Close the connections that are kept. It does not wait for anybody."""
        await self._transport.aclose()


class _Late(Exception):
    """No whole answer came in time."""


class _Transport(httpx.AsyncBaseTransport):
    """HTTP/1.1 on streams that are dialled as those of the WebSockets are."""

    def __init__(self, network: Network, timeouts: Timeouts) -> None:
        self._network = network
        self._timeouts = timeouts
        self._slots = trio.Semaphore(_MOST_AT_ONCE)
        self._kept: dict[str, list[_Kept]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request and read its whole answer."""
        sent: _Sent = request.extensions["sent"]
        async with self._slots, self._connection(sent.address) as connection:
            with trio.move_on_after(self._timeouts.answer):
                answer, connection.reusable = await exchange(
                    connection.stream, request.method, sent.written(), sent.headers, max_size=MAX_ANSWER_SIZE
                )
                return httpx.Response(answer.status, headers=answer.headers, content=answer.body)
        raise _Late

    @asynccontextmanager
    async def _connection(self, address: Address) -> AsyncIterator[_Kept]:
        place = address.origin
        connection = await self._take(place) or await self._open(address)
        connection.reusable = False
        try:
            yield connection
        finally:
            if connection.reusable:
                connection.since = trio.current_time()
                self._kept.setdefault(place, []).append(connection)
            else:
                await close_now(connection.stream)

    async def _take(self, place: str) -> _Kept | None:
        waiting = self._kept.get(place, [])
        while waiting:
            kept = waiting.pop()
            usable = False
            try:
                usable = await kept.is_usable()
            finally:
                if not usable:
                    await close_now(kept.stream)
            if usable:
                return kept
        return None

    async def _open(self, address: Address) -> _Kept:
        with connecting(address, self._timeouts.connect) as attempt:
            return _Kept(await dial(address, self._network, attempt))

    async def aclose(self) -> None:
        kept, self._kept = self._kept, {}
        for connections in kept.values():
            for connection in connections:
                await close_now(connection.stream)
