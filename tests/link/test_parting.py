"""A connection that ends says why: the server's Close is answered, and what broke the protocol is named to it.

Source: RFC 6455, 5.5.1 and 7.1.7.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
import trio
import trio.testing
from websockets.frames import Frame, Opcode

from support.peer import Counted, Peer, Wire, close, frame, memory_wire, socket_wire, text
from trio_binance_uds.credentials import Credentials
from trio_binance_uds.errors import NotConnected, OutcomeUnknown
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import TransportClosed, TransportKind, open_transport
from trio_binance_uds.products import SPOT

CREDENTIALS = Credentials.from_secret("a" * 64, "s" * 64)


@pytest.fixture(params=list(TransportKind), ids=str)
def kind(request: pytest.FixtureRequest) -> TransportKind:
    return request.param


@pytest.fixture(params=["memory", "tcp"])
async def wire(request: pytest.FixtureRequest) -> AsyncIterator[Wire]:
    if request.param == "memory":
        yield memory_wire()
    else:
        async with socket_wire(network=Network()) as wire:
            yield wire


class Ending:
    """How a connection ended, on both sides."""

    def __init__(self) -> None:
        self.cause: Exception | None = None
        self.frames: list[Frame] = []

    @property
    def closes(self) -> list[int]:
        """The codes of the Close frames that the server got."""
        return [int.from_bytes(frame.data[:2], "big") for frame in self.frames if frame.opcode is Opcode.CLOSE]


@asynccontextmanager
async def served(kind: TransportKind, wire: Wire, ending: Ending) -> AsyncIterator[tuple[Connection, Peer]]:
    """Serve a connection until it ends; then ``ending`` says what either side saw."""

    async def no_opening() -> None:
        await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        connected = trio.Event()
        connections: list[Connection] = []

        async def serve() -> None:
            async with open_transport(
                kind, wire.url, wire.network, connect_timeout=5, close_timeout=1, max_message_size=1000
            ) as transport:
                connection = Connection(
                    transport,
                    SPOT,
                    CREDENTIALS,
                    ServerClock(),
                    Timeouts(),
                    on_event=lambda event: None,
                    on_batch_end=lambda now: None,
                )
                connections.append(connection)
                connected.set()
                ending.cause = await connection.serve(no_opening)

        nursery.start_soon(serve)
        peer = await (await wire.peer()).accept()
        await connected.wait()
        yield connections[0], peer
        # A server waits for the Close, and then closes the connection.
        with suppress(AssertionError):
            while not ending.closes:
                ending.frames.append(await peer.frame())
        await peer.stream.aclose()


async def test_the_servers_close_is_answered_by_a_whole_connection(kind: TransportKind, wire: Wire) -> None:
    ending = Ending()
    async with served(kind, wire, ending) as (_, peer):
        await peer.send(text('{"e":"x"}'), close(1001, "going away"))
    assert ending.closes == [1001]
    assert isinstance(ending.cause, TransportClosed)
    assert ending.cause.code == 1001


async def test_a_close_is_answered_although_a_request_waits_to_be_written(kind: TransportKind) -> None:
    ending = Ending()

    async def request(connection: Connection) -> None:
        with pytest.raises((NotConnected, OutcomeUnknown)):
            await connection.request("ping")

    # On sockets, where a write that need not wait is done in one step.
    async with (
        socket_wire(network=Network()) as wire,
        trio.open_nursery() as nursery,
        served(kind, wire, ending) as (connection, peer),
    ):
        await peer.send(close(1000))
        nursery.start_soon(request, connection)
    assert ending.closes == [1000]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (bytes([0x83, 0x00]), 1002),
        (bytes([0xC1, 0x00]), 1002),
        (frame(Opcode.CONT, b"of what?"), 1002),
        (frame(Opcode.TEXT, b"a", fin=False) + text("b"), 1002),
        (bytes([0x88, 0x01, 0x00]), 1002),
        (bytes([0x81, 0x80, 0, 0, 0, 0]), 1002),
        (text("x" * 1001), 1009),
        (frame(Opcode.CLOSE, b"\x03\xe8\xff\xfe"), 1007),
    ],
    ids=[
        "opcode",
        "compressed",
        "continuation of nothing",
        "text inside a message",
        "short Close",
        "masked",
        "too big",
        "reason that is no UTF-8",
    ],
)
async def test_what_broke_the_protocol_is_named_to_the_server(
    kind: TransportKind, wire: Wire, wrong: bytes, code: int
) -> None:
    ending = Ending()
    async with served(kind, wire, ending) as (_, peer):
        await peer.send(wrong + text("more of it" * 20))
    assert ending.closes == [code]
    assert isinstance(ending.cause, TransportClosed)
    assert ending.cause.code == code


async def test_a_server_that_goes_on_sending_cannot_hold_up_the_end(
    kind: TransportKind, autojump_clock: trio.testing.MockClock
) -> None:
    ending, wire = Ending(), memory_wire()

    async def flood(peer: Peer) -> None:
        while True:
            try:
                await peer.send(text("and more"))
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return
            await trio.sleep(0.1)

    began = trio.current_time()
    async with trio.open_nursery() as nursery, served(kind, wire, ending) as (_, peer):
        await peer.send(bytes([0x83, 0x00]))
        nursery.start_soon(flood, peer)
    assert ending.closes == [1002]
    assert trio.current_time() - began <= 1.2


async def test_a_write_that_is_stuck_when_the_close_comes_does_not_hold_up_the_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ending, wire = Ending(), memory_wire()
    began = trio.current_time()

    async def request(connection: Connection) -> None:
        with pytest.raises(Exception, match="lost"):
            await connection.request("ping")

    async with trio.open_nursery() as nursery, served(TransportKind.WEBSOCKETS, wire, ending) as (connection, peer):
        stream = wire.opened[0]
        assert isinstance(stream, Counted)
        stream.stuck = True
        nursery.start_soon(request, connection)
        await trio.testing.wait_all_tasks_blocked()
        await peer.send(close(1001))
    assert ending.closes == []  # Half of a frame may have left before it.
    assert trio.current_time() - began <= 1.2
