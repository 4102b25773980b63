"""The transport on the Sans-I/O core of ``websockets``: its framing, our stream, reads and writes.

The core does framing, masking, pongs, fragmentation rules and the closing handshake, in memory. It is the part of
``websockets`` that is documented for this use. No task runs in here: the receiving task feeds the core and takes
out what came of it, and what the core wants to say in answer waits in ``_owed`` until the writing task asks.

One kind of frame never reaches the core, as nearly all frames are of it and the core takes most of the time of an
event: a whole text message in one frame of less than 64 KiB, between two other messages of an open connection. Such a
frame is four bytes and a text, and nothing follows from it. Everything else is the core's, byte for byte.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import cast

import trio
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, PayloadTooBig
from websockets.frames import Frame, Opcode
from websockets.protocol import CONNECTING, OPEN
from websockets.uri import WebSocketURI

from trio_binance_uds.errors import ConnectFailed
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.transport import Ping, Pong, Transport, TransportClosed
from trio_binance_uds.link.transport.address import USER_AGENT, Address
from trio_binance_uds.link.transport.dial import READ_SIZE, Attempt, close_now, connecting, dial
from trio_binance_uds.link.transport.refusal import malformed, rejected
from trio_binance_uds.logs import stream_logger

# How a frame begins that is a message of its own, a text, and has no extension; and the longest that is cut out here.
_WHOLE_TEXT = 0x81
_LONGEST_TEXT = 0xFFFF
_CONT, _TEXT, _BINARY, _PONG = Opcode.CONT, Opcode.TEXT, Opcode.BINARY, Opcode.PONG

# Pongs that wait for the writer. When a server pings faster than the writer writes, RFC 6455 (5.5.3) lets a client
# answer the latest pings only; without a bound, a stuck writer would let them pile up.
_MOST_OWED = 64


@asynccontextmanager
async def open_sans_io(
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
    with connecting(address, connect_timeout) as attempt:
        transport = await _connect(address, network, attempt, close_timeout, max_message_size, now, masker)
    try:
        yield transport
    finally:
        await transport.aclose()


async def _connect(
    address: Address,
    network: Network,
    attempt: Attempt,
    close_timeout: float,
    max_message_size: int,
    now: Callable[[], float],
    masker: Masker,
) -> SansIoTransport:
    stream = await dial(address, network, attempt)
    try:
        attempt.step = "the WebSocket handshake"
        core = ClientProtocol(
            WebSocketURI(address.secure, address.host, address.port, address.path, address.query),
            max_size=max_message_size,
            logger=_Discreet(stream_logger(__name__)),
        )
        early = await _shake_hands(stream, core, address, now, masker)
    except BaseException:
        await close_now(stream)
        raise
    return SansIoTransport(stream, core, early, close_timeout, max_message_size, masker)


async def _shake_hands(
    stream: trio.abc.Stream, core: ClientProtocol, address: Address, now: Callable[[], float], masker: Masker
) -> bytes:
    """Open the connection, and return what came in one read with the end of the handshake and lies behind it."""
    request = core.connect()
    request.headers["User-Agent"] = USER_AGENT
    core.send_request(request)
    data, at = b"", 0
    try:
        await stream.send_all(b"".join(core.data_to_send()))
        while core.state is CONNECTING and core.handshake_exc is None:
            data, at = bytes(await stream.receive_some(READ_SIZE)), 0
            if not data:
                core.receive_eof()
            # Line by line, as the core would keep what follows the last one.
            while at < len(data) and core.state is CONNECTING:
                end = data.find(b"\n", at) + 1 or len(data)
                core.receive_data(data[at:end])
                at = end
    except trio.BrokenResourceError as exc:
        cause = exc.__cause__ or exc
        raise ConnectFailed(f"{address} broke the connection off during the WebSocket handshake: {cause}") from cause
    refused = core.handshake_exc
    if isinstance(refused, InvalidStatus):
        answer = refused.response
        raise rejected(address, answer.status_code, answer.headers.raw_items(), answer.body, now, masker) from None
    if refused is not None:
        cause = refused.__cause__ or refused
        if isinstance(cause, EOFError):
            raise ConnectFailed(f"{address} closed the connection during the WebSocket handshake") from cause
        raise malformed(address, str(cause), masker)
    core.events_received()  # The answer to the handshake is no message.
    return data[at:]


class SansIoTransport(Transport):
    """One open connection; see :class:`~trio_binance_uds.link.transport.Transport`."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        core: ClientProtocol,
        early: bytes,
        close_timeout: float,
        max_message_size: int,
        masker: Masker,
    ) -> None:
        self._stream = stream
        self._masker = masker
        self._core = core
        self._close_timeout = close_timeout
        self._longest_text = min(max_message_size, _LONGEST_TEXT)
        self._rest = b""  # the beginning of a frame, which waits for more of it
        self._due = 0  # how much the core has yet to get of the frame that it has begun
        self._owed: list[bytes] = []
        self._partial: bytearray | None = None  # a fragmented message so far; one buffer, however many the fragments
        self._end: TransportClosed | None = None
        self._receiving = False
        self._torn = False  # a write has failed or was cut short: a frame may have left by half
        self._closed = False
        # Frames can have come in the same read as the end of the handshake.
        self._early: list[str | bytes | Pong] | None = self._take_in(early)

    async def receive(self) -> Sequence[str | bytes | Pong]:
        if self._early is not None:
            await trio.lowlevel.checkpoint()  # Nothing is taken before it: cancelling must not lose messages.
            early, self._early = self._early, None
            if early or self._owed:
                return early
        self._receiving = True
        try:
            while self._end is None:
                data = await self._stream.receive_some(READ_SIZE)
                if not data:
                    break
                items = self._take_in(bytes(data))
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
        # The task that writes is woken to answer a Close, and cancelled in the same turn, as the connection is over. It
        # must not take the answer along: from here on the write is begun, and one that is cut short ends all writing.
        await trio.lowlevel.checkpoint_if_cancelled()
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
        """Say what is owed and goodbye, and wait for the server's goodbye if it has not been said.

        What is owed can be the answer to the server's Close, or the Close that names how it broke the protocol.
        """
        core = self._core
        if said_first := core.state is OPEN:
            core.send_close(1000)
        owed, self._owed = self._owed, []
        try:
            await self._write(b"".join((*owed, *core.data_to_send())))
            if said_first:
                rest, self._rest = self._rest, b""
                core.receive_data(rest)
            # Closing the socket with unread bytes in it resets it, and can take our Close frame along.
            while core.close_rcvd is None and not self._receiving:
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

    def _take_in(self, data: bytes) -> list[str | bytes | Pong]:
        """Return the messages and pongs in what has arrived."""
        items: list[str | bytes | Pong] = []
        if self._rest:
            data, self._rest = self._rest + data, b""
        at, size, longest = 0, len(data), self._longest_text
        while at < size:
            if not self._due and self._partial is None and self._core.state is OPEN:
                # The way of nearly every frame: final, a text, without a mask, with a length of one byte or of three.
                while size - at >= 4 and data[at] == _WHOLE_TEXT:
                    begin, length = at + 2, data[at + 1]
                    if length == 126:
                        begin, length = at + 4, data[at + 2] << 8 | data[at + 3]
                    elif length > 126:
                        break
                    if length > longest:
                        break
                    end = begin + length
                    if end > size:
                        self._rest = data[at:]
                        return items
                    # UTF-8 is left to the decoder, which checks it anyway.
                    items.append(data[begin:end])
                    at = end
                if at == size:
                    break
            at = self._give_to_core(data, at)
            self._collect(items)
        return items

    def _give_to_core(self, data: bytes, at: int) -> int:
        """Feed the core with the frame that begins, or goes on, at this place, and return where it ends.

        Of a frame whose length has not come yet nothing is fed; it waits in ``_rest``.
        """
        size = len(data)
        if self._core.state is not OPEN:
            end = size  # The core discards everything from here on.
        elif self._due:
            end = min(at + self._due, size)
            self._due -= end - at
        else:
            length = data[at + 1] & 127 if size - at >= 2 else 0
            header = 4 if length == 126 else 10 if length == 127 else 2
            if size - at < header:
                self._rest = data[at:]
                return size
            if header > 2:
                length = int.from_bytes(data[at + 2 : at + header])
            end = min(at + header + length, size)
            self._due = at + header + length - end
        self._core.receive_data(data[at:end])
        return end

    def _collect(self, items: list[str | bytes | Pong]) -> None:
        """Add the messages and pongs among the core's events; take over its answers, and the end if it came."""
        core = self._core
        for frame in cast("list[Frame]", core.events_received()):
            opcode = frame.opcode
            if opcode is _TEXT or opcode is _BINARY:
                if frame.fin:
                    items.append(bytes(frame.data))  # a copy, as the core hands out a bytearray
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

    def _take_close(self) -> None:
        core = self._core
        if core.close_rcvd is not None:
            code, reason = int(core.close_rcvd.code), self._masker.text(core.close_rcvd.reason)
            said = f": {reason}" if reason else ""
            self._set_end(code, reason, f"the server closed the connection with code {code}{said}")
            return
        assert core.close_sent is not None, "the core answers a violation with a Close frame"
        problem = self._masker.text(str(core.parser_exc))
        what = "a message is too big" if isinstance(core.parser_exc, PayloadTooBig) else "the server broke the protocol"
        # Without the library's exception, which has in it what came.
        self._set_end(int(core.close_sent.code), problem, f"{what}: {problem}")

    def _take_end_of_stream(self) -> None:
        core = self._core
        core.receive_data(self._rest)
        core.receive_eof()
        whole = self._partial is None and str(core.parser_exc) == "unexpected end of stream"
        where = "without a Close frame" if whole else "inside a message, which is dropped"
        self._set_end(None, f"the server ended the connection {where}", cause=core.parser_exc)

    def _set_end(
        self, code: int | None, reason: str, message: str | None = None, *, cause: BaseException | None = None
    ) -> None:
        self._end = TransportClosed(code, reason, message)
        # Without its way here, which was through frames that have in them what came.
        self._end.__cause__ = None if cause is None else cause.with_traceback(None)


class _Discreet(logging.LoggerAdapter[logging.LoggerAdapter[logging.Logger]]):
    """Keeps the core from logging frames, which hold keys and signatures, whatever the level is set to."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 - the name is that of logging
        return level > logging.DEBUG and super().isEnabledFor(level)
