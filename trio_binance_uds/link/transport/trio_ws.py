"""The transport on ``trio-websocket``, over a stream that we own.

``trio-websocket`` runs a reader task of its own, which may raise, may wait for ever after a failed write, and answers
pings only as long as its messages are taken. So it lives in a service of ours:

* the service is shielded from birth and ended by us, so that its reader still lives while the parting is said;
* nothing that happens in it is raised into the user's block: it becomes the end of the connection;
* a pump takes each message at once, over a queue without a buffer. With no message waiting in the queue, a pong can
  not overtake the messages that came before it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from secrets import token_bytes
from typing import cast

import attrs
import trio
from trio_websocket import (
    ConnectionClosed,
    ConnectionRejected,
    WebSocketConnection,
    wrap_client_stream,
)

from trio_binance_uds.errors import ConnectFailed
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.transport import Ping, Pong, Transport, TransportClosed
from trio_binance_uds.link.transport.address import USER_AGENT, Address
from trio_binance_uds.link.transport.dial import READ_SIZE, close_now, connecting, dial
from trio_binance_uds.link.transport.refusal import malformed, rejected
from trio_binance_uds.nurseries import open_bare_nursery, start

# How a Close frame begins, and the codes that name a violation: RFC 6455, 5.2 and 7.4.1.
_CLOSE = 0x88
_VIOLATIONS = frozenset({1002, 1007, 1009})
_LONGEST_ANSWER = 2**20  # bytes before the connection is open: a page, if it is more than a handshake
_MOST_WAITING = 1000  # messages that nobody has received; then reading stops, and with it the answering of pings


@asynccontextmanager
async def open_trio_ws(
    url: str,
    network: Network,
    *,
    connect_timeout: float,
    close_timeout: float,
    max_message_size: int,
    now: Callable[[], float],
    masker: Masker,
) -> AsyncIterator[Transport]:
    """See :func:`~trio_binance_uds.link.transport.open_transport`."""
    address = Address.parse(url)
    async with open_bare_nursery() as nursery:
        with connecting(address, connect_timeout) as attempt:
            watched = _Watched(await dial(address, network, attempt))
            attempt.step = "the WebSocket handshake"
            transport = TrioWebsocketTransport(watched, close_timeout, masker)
            start(nursery, transport.serve, address, max_message_size)
            try:
                await transport.wait_open(address, now)
            except BaseException:
                await transport.aclose(0)
                raise
        try:
            yield transport
        finally:
            await transport.aclose()


@attrs.frozen
class _Protecting:
    """A nursery as trio-websocket uses it, which starts tasks protected from Ctrl-C."""

    nursery: trio.Nursery

    def start_soon(self, task: Callable[..., Awaitable[object]], *args: object) -> None:
        start(self.nursery, task, *args)


class TrioWebsocketTransport(Transport):
    """One open connection; see :class:`~trio_binance_uds.link.transport.Transport`."""

    def __init__(self, stream: _Watched, close_timeout: float, masker: Masker) -> None:
        self._stream = stream
        self._masker = masker
        self._close_timeout = close_timeout
        self._service = trio.CancelScope(shield=True)
        self._pings: trio.Nursery | None = None  # outlives the connection, so that it is always open to a ping
        self._connection: WebSocketConnection | None = None
        self._arrived: list[str | bytes | Pong] = []
        self._pinged: set[bytes] = set()
        self._end: TransportClosed | None = None
        self._crash: Exception | None = None  # what trio-websocket's reader raised, if anything
        self._news = trio.Event()  # something has arrived, the handshake is done, or the end has come
        self._room = trio.Event()
        self._violation: int | None = None  # the code for what was wrong, where trio-websocket or the server says so
        self._torn = False
        self._closed = False

    async def serve(self, address: Address, max_message_size: int) -> None:
        """Run the connection until :meth:`aclose`. No ordinary exception leaves it."""
        with self._service:
            async with trio.open_nursery() as pings:
                self._pings = pings
                try:
                    await self._speak(address, max_message_size)
                except* Exception as group:
                    self._crash = _innermost(group)
                end = TransportClosed(None, f"the connection failed: {self._masker.text(str(self._crash))}")
                end.__cause__ = self._crash
                self._set_end(end)
                pings.cancel_scope.cancel()

    async def _speak(self, address: Address, max_message_size: int) -> None:
        async with trio.open_nursery() as nursery:
            start(nursery, self._watch_handshake, nursery.cancel_scope)
            self._connection = await wrap_client_stream(
                cast("trio.Nursery", _Protecting(nursery)),
                cast("trio.SocketStream", self._stream),  # typed more narrowly than it is used
                address.host_header,
                address.resource,
                extra_headers=[(b"User-Agent", USER_AGENT.encode())],
                message_queue_size=0,
                max_message_size=max_message_size,
                receive_buffer_size=READ_SIZE,
            )
            self._stream.keep_nothing()
            self._news.set()
            await self._pump(self._connection)

    async def wait_open(self, address: Address, now: Callable[[], float]) -> None:
        """Wait for the handshake.

        Raises:
            ConnectFailed: there was none.
        """
        await self._news.wait()
        if self._connection is not None:
            return
        crash, broken = self._crash, self._stream.failure
        if isinstance(crash, ConnectionRejected):
            headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in crash.headers]
            raise rejected(address, crash.status_code, headers, crash.body or b"", now, self._masker) from None
        if broken is not None:
            problem = f"broke the connection off during the WebSocket handshake: {broken}"
            raise ConnectFailed(f"{address} {problem}") from broken
        if crash is not None:
            raise malformed(address, str(crash), self._masker)
        # An answer whose body ends with the stream: trio-websocket waits for more.
        from trio_binance_uds.link.transport.plain_http import read_answer

        answer = read_answer(self._stream.head)
        if answer is not None:
            raise rejected(address, answer.status, answer.headers, answer.body, now, self._masker)
        raise ConnectFailed(f"{address} closed the connection during the WebSocket handshake")

    async def receive(self) -> Sequence[str | bytes | Pong]:
        if self._arrived:
            await trio.lowlevel.checkpoint()  # Nothing is taken before it: cancelling must not lose messages.
        elif self._end is None:
            self._news = trio.Event()
            await self._news.wait()
        if not self._arrived:
            assert self._end is not None
            raise self._end.again()
        arrived, self._arrived = self._arrived, []
        self._room.set()
        return arrived

    async def send(self, items: Sequence[str | Ping]) -> None:
        assert self._connection is not None
        assert self._pings is not None
        if self._torn:
            raise TransportClosed(None, "an earlier write was cut short")
        try:
            for item in items:
                if self._end is not None:
                    raise self._end.again()
                if isinstance(item, str):
                    await self._connection.send_message(item)
                elif item.payload in self._pinged:
                    raise ValueError(f"a ping with the payload {item.payload!r} has not been answered yet")
                else:
                    self._pinged.add(item.payload)
                    start(self._pings, self._ping, self._connection, item.payload)
        except ConnectionClosed as exc:
            end = self._worded(exc)
            raise end from end.__cause__
        except trio.Cancelled:
            self._torn = True
            raise
        await trio.lowlevel.checkpoint()

    @property
    def owes_output(self) -> bool:
        return False  # trio-websocket's reader writes pongs itself.

    async def aclose(self, grace: float | None = None) -> None:
        if not self._closed:
            self._closed = True
            open_until_now = self._end is None
            self._set_end(TransportClosed(None, "the connection was closed on this side"))
            seconds = self._close_timeout if grace is None else grace
            if self._connection is not None and seconds > 0 and not self._torn:
                with trio.move_on_after(seconds, shield=True):
                    if open_until_now:
                        await self._connection.aclose()
                    elif self._violation is not None and not self._stream.said_goodbye:
                        await self._name_violation(self._violation)
            self._service.cancel()
        await close_now(self._stream)

    async def _name_violation(self, code: int) -> None:
        """Tell the server how it broke the protocol, which trio-websocket does not, and wait for it to go."""
        mask = token_bytes(4)
        masked = bytes(byte ^ key for byte, key in zip(code.to_bytes(2, "big"), mask, strict=False))
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
            await self._stream.send_all(bytes([_CLOSE, 0x80 | len(masked)]) + mask + masked)
            # trio-websocket's reader goes on reading: a socket that is closed with unread bytes in it is reset, which
            # can take the frame along.
            await self._stream.over.wait()

    async def _watch_handshake(self, scope: trio.CancelScope) -> None:
        """End the attempt when the stream ends first: trio-websocket would wait for its handshake for ever."""
        await self._stream.over.wait()
        if self._connection is None:
            scope.cancel()

    async def _pump(self, connection: WebSocketConnection) -> None:
        try:
            while True:
                message = await connection.get_message()
                self._arrived.append(message)  # not in one line: receive() exchanges the list during the wait
                self._news.set()
                if len(self._arrived) >= _MOST_WAITING:
                    self._room = trio.Event()
                    await self._room.wait()
        except ConnectionClosed as exc:
            if exc.reason is not None:  # else the reader has crashed, which serve() tells
                self._set_end(self._worded(exc))

    async def _ping(self, connection: WebSocketConnection, payload: bytes) -> None:
        try:
            await connection.ping(payload)
        except ConnectionClosed:
            return  # The pump tells.
        finally:
            self._pinged.discard(payload)
        self._arrived.append(Pong(payload))
        self._news.set()

    def _worded(self, exc: ConnectionClosed) -> TransportClosed:
        broken = self._stream.failure
        if broken is not None:
            end = TransportClosed(None, f"the connection broke: {broken}")
            broken = broken.with_traceback(None)  # It led through the library, whose frames have in them what came.
        elif exc.reason is None or exc.reason.code == 1006:
            end = TransportClosed(None, "the server ended the connection without a Close frame")
        else:
            code, reason = int(exc.reason.code), self._masker.text(exc.reason.reason or "")
            said = f": {reason}" if reason else ""
            # The library does not tell a Close of the server from its own verdict on what the server sent.
            self._violation = code if code in _VIOLATIONS else None
            who = "the server closed the connection" if self._violation is None else "the connection was closed"
            end = TransportClosed(code, reason, f"{who} with code {code}{said}")
        end.__cause__ = broken  # not the library's exception, which has in it what came
        return end

    def _set_end(self, end: TransportClosed) -> None:
        if self._end is None:
            self._end = end
        self._news.set()


class _Watched(trio.abc.AsyncResource):
    """Passes a stream on, and remembers what trio-websocket does not tell: how it ended, and how it began.

    It has of a stream what trio-websocket uses.
    """

    def __init__(self, stream: trio.abc.Stream) -> None:
        self._stream = stream
        self.over: trio.Event = trio.Event()
        self.failure: BaseException | None = None
        self.head: bytes = b""
        # Whether a Close frame has left. trio-websocket writes each frame by itself.
        self.said_goodbye: bool = False
        self._keep = True
        self._received = 0

    def keep_nothing(self) -> None:
        """Stop collecting: the handshake is over."""
        self._keep, self.head = False, b""

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        try:
            data = await self._stream.receive_some(max_bytes)
        except trio.BrokenResourceError as exc:
            self._set_failure(exc)
            raise
        if not data:
            self.over.set()
        elif self._keep:
            self._received += len(data)
            if self._received > _LONGEST_ANSWER:
                # trio-websocket would collect the page of a refusal for as long as it comes.
                self.over.set()
                return b""
            if len(self.head) < READ_SIZE:
                self.head += data
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.said_goodbye = self.said_goodbye or data[:1] == bytes([_CLOSE])
        try:
            await self._stream.send_all(data)
        except trio.BrokenResourceError as exc:
            self._set_failure(exc)
            raise

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _set_failure(self, exc: trio.BrokenResourceError) -> None:
        self.failure = exc.__cause__ or exc
        self.over.set()


def _innermost(error: BaseException) -> Exception:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error
