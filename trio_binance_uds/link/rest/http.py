"""One HTTP exchange on a stream of our own: it dials as WebSockets do, and knows whether anything was sent.

* It exchanges by ``plain_http``: proxy, TLS context, stand-ins for TCP and the wording of failures are those of the
  WebSockets, and what nobody asked for is refused.
* The query of a request can hold a signature or a listen key, and a header the API key. No line of a log has either.
* Connections are kept for a few seconds. One that says anything while nobody asks is not used again.
* Nothing is taken from the environment, no redirect is followed, and no cookie is kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager

import attrs
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
    """What came back, whatever it means; the names of its headers are in lower case."""

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


class Http:
    """Exchanges with any number of servers, over connections that are kept for a few seconds."""

    def __init__(self, network: Network, timeouts: Timeouts, masker: Masker) -> None:
        self._masker = masker
        self._network = network
        self._timeouts = timeouts
        self._slots = trio.Semaphore(_MOST_AT_ONCE)
        self._kept: dict[str, list[_Kept]] = {}

    async def exchange(self, verb: str, address: Address, headers: Mapping[str, str]) -> Answer:
        """Send a request without a body and return its answer.

        Cancelled, it closes its connection; what was sent before may still be acted on.

        Raises:
            NotConnected: nothing was sent.
            OutcomeUnknown: it was sent, and no whole answer came in time.
        """
        route = f"{verb} {address.path}"
        problem = f"no answer came within {self._timeouts.answer:g} s"
        try:
            async with self._slots, self._connection(address) as connection:
                with trio.move_on_after(self._timeouts.answer):
                    answer, connection.reusable = await exchange(
                        connection.stream, verb, address, headers, max_size=MAX_ANSWER_SIZE
                    )
                    return Answer(answer.status, _by_name(answer.headers), answer.body)
        except ConnectFailed as error:
            raise NotConnected(f"{route} was not sent: {error}", method=route) from error
        except BadAnswer as error:
            problem = self._masker.text(str(error))
        raise unknown(route, None, problem)

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
        """Close the connections that are kept. It does not wait for anybody."""
        kept, self._kept = self._kept, {}
        for connections in kept.values():
            for connection in connections:
                await close_now(connection.stream)


def _by_name(headers: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Return headers by their names in lower case; the values of one that comes several times, in one."""
    values: dict[str, list[str]] = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(value)
    return {name: ", ".join(several) for name, several in values.items()}
