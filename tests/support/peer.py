"""A server that does what a test says: the Sans-I/O core of ``websockets`` over whichever stream it is given."""

from __future__ import annotations

import contextlib
import ssl
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from socket import SO_LINGER, SOL_SOCKET

import attrs
import trio
import trio.testing
import trustme
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from trio_binance_uds.link.network import Network


@attrs.define(eq=False)
class Peer:
    """The server's end of one connection."""

    stream: trio.abc.Stream
    core: ServerProtocol = attrs.field(factory=lambda: ServerProtocol(max_size=2**25))
    frames: list[Frame] = attrs.field(factory=list)
    request: Request | None = None

    async def accept(self, *, with_it: bytes = b"", split: bool = False) -> Peer:
        """Answer the handshake; ``with_it`` leaves in the same write, ``split`` sends it byte by byte."""
        self.request = await self.read_request()
        self.core.send_response(self.core.accept(self.request))
        answer = b"".join(self.core.data_to_send()) + with_it
        for part in [answer[i : i + 1] for i in range(len(answer))] if split else [answer]:
            await self.stream.send_all(part)
        return self

    async def read_request(self) -> Request:
        while True:
            self.core.receive_data(await self._read())
            for event in self.core.events_received():
                if isinstance(event, Request):
                    return event

    async def answer_http(self, raw: bytes) -> None:
        """Answer the handshake with these bytes instead."""
        await self.read_request()
        await self.stream.send_all(raw)

    async def frame(self) -> Frame:
        """Return the client's next frame; its pings and Close are answered when asked for, by :meth:`flush`."""
        while not self.frames:
            self.core.receive_data(await self._read())
            for event in self.core.events_received():
                assert isinstance(event, Frame)
                self.frames.append(event)
        return self.frames.pop(0)

    async def flush(self) -> None:
        """Send what the core owes: pongs, and the answer to a Close."""
        await self.stream.send_all(b"".join(self.core.data_to_send()))

    async def send(self, *frames: bytes) -> None:
        """Send frames, or anything else, in one write."""
        await self.stream.send_all(b"".join(frames))

    async def read_to_end(self) -> list[Frame]:
        """Return the frames that still come, up to the end of the stream."""
        frames, self.frames = self.frames, []
        while data := await self._receive():
            self.core.receive_data(data)
            frames += [event for event in self.core.events_received() if isinstance(event, Frame)]
        return frames

    async def part(self) -> None:
        """Answer what comes until the client has said goodbye or has gone; then close, as servers do."""
        with contextlib.suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self.flush()
            while self.core.close_rcvd is None and (data := await self._receive()):
                self.core.receive_data(data)
                await self.flush()
        await trio.aclose_forcefully(self.stream)

    async def reset(self) -> None:
        """Break the TCP connection off."""
        stream = self.stream.transport_stream if isinstance(self.stream, trio.SSLStream) else self.stream
        stream.socket.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        await trio.aclose_forcefully(stream)

    async def _read(self) -> bytes:
        data = await self._receive()
        assert data, "the client has closed the connection"
        return data

    async def _receive(self) -> bytes:
        try:
            return bytes(await self.stream.receive_some(65536))
        except trio.BrokenResourceError:
            return b""


def frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    """Return a server's frame as bytes."""
    return Frame(opcode, data, fin).serialize(mask=False)


def text(data: str | bytes) -> bytes:
    return frame(Opcode.TEXT, data.encode() if isinstance(data, str) else data)


def close(code: int, reason: str = "") -> bytes:
    return frame(Opcode.CLOSE, struct.pack("!H", code) + reason.encode())


@attrs.define(eq=False)
class Counted(trio.abc.Stream):
    """A stream that knows whether it has been closed, counts writes, and can be told to get stuck or fail in one."""

    inner: trio.abc.Stream
    closed: bool = False
    writes: int = 0
    stuck: bool = False
    broken: bool = False
    _closing: trio.Event = attrs.field(factory=trio.Event)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        self.writes += 1
        if self.broken:
            raise trio.BrokenResourceError
        if self.stuck:
            await self._closing.wait()
            raise trio.ClosedResourceError
        await self.inner.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self.inner.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self.inner.receive_some(max_bytes)

    async def aclose(self) -> None:
        self.closed = True
        self._closing.set()
        await self.inner.aclose()


@attrs.define(eq=False)
class Wire:
    """A network, the URL to give to a client, and the server's ends of the connections that it opens."""

    url: str
    network: Network
    _accepted: trio.MemoryReceiveChannel[trio.abc.Stream]
    opened: list[Counted] = attrs.field(factory=list)

    async def stream(self) -> trio.abc.Stream:
        """Wait for the next connection."""
        return await self._accepted.receive()

    async def peer(self) -> Peer:
        """Wait for the next connection; its handshake has not been answered yet."""
        return Peer(await self.stream())


def memory_wire(url: str = "ws://peer.test/ws-api/v3") -> Wire:
    """Connect without sockets, so that time can be virtual."""
    to_test, accepted = trio.open_memory_channel[trio.abc.Stream](100)
    opened: list[Counted] = []

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        ours, theirs = trio.testing.memory_stream_pair()
        counted = Counted(ours)
        opened.append(counted)
        to_test.send_nowait(theirs)
        return counted

    return Wire(url, Network(open_stream=open_stream), accepted, opened)


@asynccontextmanager
async def socket_wire(
    *,
    wrap: Callable[[trio.SocketStream], trio.abc.Stream] = lambda stream: stream,
    scheme: str = "ws",
    network: Network,
) -> AsyncIterator[Wire]:
    """Connect over TCP on the loopback."""
    to_test, accepted = trio.open_memory_channel[trio.abc.Stream](100)
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")

    streams: list[trio.SocketStream] = []

    async def accept() -> None:
        while True:
            streams.append(stream := await listener.accept())
            to_test.send_nowait(wrap(stream))

    async with listener, trio.open_nursery() as nursery:
        nursery.start_soon(accept)
        port = listener.socket.getsockname()[1]
        try:
            yield Wire(f"{scheme}://127.0.0.1:{port}/ws-api/v3", network, accepted)
        finally:
            nursery.cancel_scope.cancel()
            for stream in streams:
                stream.socket.close()


@attrs.frozen
class Authority:
    """A certificate authority of our own, a context for servers on the loopback and one for clients."""

    server: ssl.SSLContext
    client: ssl.SSLContext

    @classmethod
    def create(cls) -> Authority:
        authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
        server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost", key_type=trustme.KeyType.ECDSA).configure_cert(server)
        client = ssl.create_default_context()
        authority.configure_trust(client)
        return cls(server, client)

    def wrap(self, stream: trio.abc.Stream) -> trio.abc.Stream:
        return trio.SSLStream(stream, self.server, server_side=True, https_compatible=True)
