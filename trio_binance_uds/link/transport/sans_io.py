"""The transport on the Sans-I/O core of ``websockets``: its framing, our stream, reads and writes.

The core does framing, masking, pongs, fragmentation rules and the closing handshake, in memory. It is the part of
``websockets`` that is documented for this use. No task runs in here: the receiving task feeds the core and takes
out what came of it, and what the core wants to say in answer waits in ``_owed`` until the writing task asks.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import cast

import trio
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.protocol import CONNECTING, OPEN, Event
from websockets.uri import WebSocketURI

from trio_binance_uds.errors import ConnectFailed
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.transport import Ping, Pong, Transport, TransportClosed
from trio_binance_uds.link.transport.address import USER_AGENT, Address
from trio_binance_uds.link.transport.dial import READ_SIZE, Attempt, close_now, connecting, dial
from trio_binance_uds.link.transport.refusal import malformed, printable, rejected

_CONT, _TEXT, _BINARY, _PONG = Opcode.CONT, Opcode.TEXT, Opcode.BINARY, Opcode.PONG

# Pongs that wait for the writer. When a server pings faster than the writer writes, RFC 6455 (5.5.3) lets a client
# answer the latest pings only; without a bound, a stuck writer would let them pile up.
_MOST_OWED = 64


@asynccontextmanager
async def open_sans_io(
    url: str, network: Network, *, connect_timeout: float, close_timeout: float, max_message_size: int
) -> AsyncIterator[Transport]:
    """See :func:`~trio_binance_uds.link.transport.open_transport`."""
    address = Address.parse(url)
    with connecting(address, connect_timeout) as attempt:
        transport = await _connect(address, network, attempt, close_timeout, max_message_size)
    try:
        yield transport
    finally:
        await transport.aclose()


async def _connect(
    address: Address, network: Network, attempt: Attempt, close_timeout: float, max_message_size: int
) -> SansIoTransport:
    stream = await dial(address, network, attempt)
    try:
        attempt.step = "the WebSocket handshake"
        core = ClientProtocol(
            WebSocketURI(address.secure, address.host, address.port, address.path, address.query),
            max_size=max_message_size,
            logger=_Discreet(logging.getLogger(__name__)),
        )
        await _shake_hands(stream, core, address)
    except BaseException:
        await close_now(stream)
        raise
    return SansIoTransport(stream, core, close_timeout)


async def _shake_hands(stream: trio.abc.Stream, core: ClientProtocol, address: Address) -> None:
    request = core.connect()
    request.headers["User-Agent"] = USER_AGENT
    core.send_request(request)
    try:
        await stream.send_all(b"".join(core.data_to_send()))
        while core.state is CONNECTING and core.handshake_exc is None:
            data = await stream.receive_some(READ_SIZE)
            if data:
                core.receive_data(data)
            else:
                core.receive_eof()
    except trio.BrokenResourceError as exc:
        cause = exc.__cause__ or exc
        raise ConnectFailed(f"{address} broke the connection off during the WebSocket handshake: {cause}") from cause
    refused = core.handshake_exc
    if isinstance(refused, InvalidStatus):
        answer = refused.response
        raise rejected(address, answer.status_code, answer.headers.raw_items(), answer.body) from None
    if refused is not None:
        cause = refused.__cause__ or refused
        if isinstance(cause, EOFError):
            raise ConnectFailed(f"{address} closed the connection during the WebSocket handshake") from cause
        raise malformed(address, str(cause)) from cause


class SansIoTransport(Transport):
    """One open connection; see :class:`~trio_binance_uds.link.transport.Transport`."""

    def __init__(self, stream: trio.abc.Stream, core: ClientProtocol, close_timeout: float) -> None:
        self._stream = stream
        self._core = core
        self._close_timeout = close_timeout
        self._owed: list[bytes] = []
        self._partial: bytearray | None = None  # a fragmented message so far; one buffer, however many the fragments
        self._end: TransportClosed | None = None
        self._receiving = False
        self._torn = False  # a write has failed or was cut short: a frame may have left by half
        self._closed = False
        # Frames can have come in the same read as the end of the handshake, of which the first event tells.
        self._early: list[str | bytes | Pong] | None = self._collect(core.events_received()[1:])

    async def receive(self) -> Sequence[str | bytes | Pong]:
        if self._early is not None:
            await trio.lowlevel.checkpoint()  # Nothing is taken before it: cancelling must not lose messages.
            early, self._early = self._early, None
            if early or self._owed:
                return early
        core = self._core
        self._receiving = True
        try:
            while self._end is None:
                data = await self._stream.receive_some(READ_SIZE)
                if not data:
                    break
                core.receive_data(data)
                items = self._collect(core.events_received())
                if items or self._owed:
                    return items
        except trio.BrokenResourceError as exc:
            self._set_end(None, f"the connection broke: {exc.__cause__ or exc}", cause=exc)
        except trio.ClosedResourceError as exc:
            self._set_end(None, "the connection was closed on this side", cause=exc)
        finally:
            self._receiving = False
        if self._end is None:
            self._take_end_of_stream()
        assert self._end is not None
        raise self._end.again()

    async def send(self, items: Sequence[str | Ping]) -> None:
        core = self._core
        if self._torn:
            raise TransportClosed(None, "an earlier write was cut short")
        if items and core.state is not OPEN:
            raise self._end.again() if self._end else TransportClosed(None, "the connection was closed on this side")
        for item in items:
            if isinstance(item, Ping):
                core.send_ping(item.payload)
            else:
                core.send_text(item.encode())
        owed, self._owed = self._owed, []
        await self._write(b"".join((*owed, *core.data_to_send())))

    @property
    def owes_output(self) -> bool:
        return bool(self._owed)

    async def aclose(self, grace: float | None = None) -> None:
        if not self._closed:
            self._closed = True
            seconds = self._close_timeout if grace is None else grace
            if seconds > 0 and not self._torn:
                with trio.move_on_after(seconds, shield=True):
                    await self._part()
        await close_now(self._stream)

    async def _part(self) -> None:
        """Say what is owed and goodbye, and wait for the server's goodbye if it has not been said."""
        core = self._core
        said_first = core.state is OPEN
        if said_first:
            core.send_close(1000)
        owed, self._owed = self._owed, []
        try:
            await self._write(b"".join((*owed, *core.data_to_send())))
            # Closing the socket with unread bytes in it resets it, and can take our Close frame along.
            while said_first and core.close_rcvd is None and not self._receiving:
                data = await self._stream.receive_some(READ_SIZE)
                if not data:
                    break
                core.receive_data(data)
                core.events_received()
        except (TransportClosed, trio.BrokenResourceError, trio.ClosedResourceError, trio.BusyResourceError):
            pass  # Politeness was not possible.

    async def _write(self, data: bytes) -> None:
        try:
            await self._stream.send_all(data)
        except (trio.BrokenResourceError, trio.ClosedResourceError) as exc:
            self._torn = True
            raise TransportClosed(None, f"the connection broke while writing: {exc.__cause__ or exc}") from exc
        except BaseException:
            self._torn = True
            raise

    def _collect(self, events: list[Event]) -> list[str | bytes | Pong]:
        """Return the messages and pongs among the core's events; take over its answers, and the end if it came."""
        core = self._core
        items: list[str | bytes | Pong] = []
        for frame in cast("list[Frame]", events):
            opcode = frame.opcode
            if opcode is _TEXT or opcode is _BINARY:
                if frame.fin:
                    # A copy, as the core hands out a bytearray. UTF-8 is left to the decoder, which checks it anyway.
                    items.append(bytes(frame.data))
                else:
                    self._partial = bytearray(frame.data)
            elif opcode is _CONT and self._partial is not None:
                self._partial += frame.data
                if frame.fin:
                    items.append(bytes(self._partial))
                    self._partial = None
            elif opcode is _PONG:
                items.append(Pong(bytes(frame.data)))
        if answers := [answer for answer in core.data_to_send() if answer]:  # b"" stands for a half-close
            self._owed += answers
            del self._owed[:-_MOST_OWED]
        if core.state is not OPEN and self._end is None and not self._closed:
            self._take_close()
        return items

    def _take_close(self) -> None:
        core = self._core
        if core.close_rcvd is not None:
            code, reason = int(core.close_rcvd.code), core.close_rcvd.reason
            said = f": {printable(reason)}" if reason else ""
            self._set_end(code, reason, f"the server closed the connection with code {code}{said}")
            return
        assert core.close_sent is not None, "the core answers a violation with a Close frame"
        problem = printable(str(core.parser_exc))
        what = "a message is too big" if isinstance(core.parser_exc, PayloadTooBig) else "the server broke the protocol"
        self._set_end(int(core.close_sent.code), problem, f"{what}: {problem}", cause=core.parser_exc)

    def _take_end_of_stream(self) -> None:
        core = self._core
        core.receive_eof()
        whole = self._partial is None and str(core.parser_exc) == "unexpected end of stream"
        where = "without a Close frame" if whole else "inside a message, which is dropped"
        self._set_end(None, f"the server ended the connection {where}", cause=core.parser_exc)

    def _set_end(
        self, code: int | None, reason: str, message: str | None = None, *, cause: BaseException | None = None
    ) -> None:
        self._end = TransportClosed(code, reason, message)
        self._end.__cause__ = cause


class _Discreet(logging.LoggerAdapter[logging.Logger]):
    """Keeps the core from logging frames, which hold keys and signatures, whatever the level is set to."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the name is that of logging
        return level > logging.DEBUG and super().isEnabledFor(level)
