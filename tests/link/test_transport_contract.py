"""What every kind of transport promises, over memory, TCP and TLS, against a scripted server."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing
from websockets.frames import Opcode

from support.peer import Authority, Counted, Peer, Wire, close, frame, memory_wire, socket_wire, text
from support.steps import cancel_at_every_step
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.transport import Ping, Pong, Transport, TransportClosed, TransportKind, open_transport

SANS_IO, TRIO_WS = TransportKind.WEBSOCKETS, TransportKind.TRIO_WEBSOCKET


@pytest.fixture(params=list(TransportKind), ids=str)
def kind(request: pytest.FixtureRequest) -> TransportKind:
    return request.param


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create()


async def _wire(name: str, authority: Authority) -> AsyncIterator[Wire]:
    if name == "memory":
        yield memory_wire()
    elif name == "tcp":
        async with socket_wire(network=Network()) as wire:
            yield wire
    else:
        network = Network(ssl_context=authority.client)
        async with socket_wire(wrap=authority.wrap, scheme="wss", network=network) as wire:
            yield wire


@pytest.fixture(params=["memory", "tcp", "tls"])
async def wire(request: pytest.FixtureRequest, authority: Authority) -> AsyncIterator[Wire]:
    async for wire in _wire(request.param, authority):
        yield wire


@pytest.fixture(params=["tcp", "tls"])
async def real_wire(request: pytest.FixtureRequest, authority: Authority) -> AsyncIterator[Wire]:
    async for wire in _wire(request.param, authority):
        yield wire


@asynccontextmanager
async def connected(
    kind: TransportKind,
    wire: Wire,
    *,
    with_handshake: bytes = b"",
    split: bool = False,
    close_timeout: float = 5,
    max_message_size: int = 2**24,
    polite: bool = True,
) -> AsyncIterator[tuple[Transport, Peer]]:
    """Yield both ends of a connection; ``polite`` peers answer the Close when the block is left."""
    peers: list[Peer] = []
    accepted = trio.Event()

    async def serve() -> None:
        peers.append(await (await wire.peer()).accept(with_it=with_handshake, split=split))
        accepted.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with open_transport(
            kind,
            wire.url,
            wire.network,
            connect_timeout=5,
            close_timeout=close_timeout,
            max_message_size=max_message_size,
        ) as transport:
            await accepted.wait()
            yield transport, peers[0]
            if polite:
                nursery.start_soon(peers[0].part)


async def receive(transport: Transport, count: int) -> list[str | Pong]:
    """Receive until there are so many items; what the server is owed is written on the way."""
    items: list[str | bytes | Pong] = []
    while len(items) < count:
        items += await transport.receive()
        if transport.owes_output:
            await transport.send(())
    return [item.decode() if isinstance(item, bytes) else item for item in items]


async def receive_the_end(transport: Transport) -> tuple[list[str | bytes | Pong], TransportClosed]:
    """Receive everything up to the end of the connection, and the end."""
    items: list[str | bytes | Pong] = []
    while True:
        try:
            items += await transport.receive()
        except TransportClosed as end:
            return [item.decode() if isinstance(item, bytes) else item for item in items], end


# Receiving


async def test_whole_messages_come_out_in_order(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire) as (transport, peer):
        await peer.send(
            text("one"),
            frame(Opcode.BINARY, b"two"),
            frame(Opcode.TEXT, "thr€".encode()[:4], fin=False),
            frame(Opcode.CONT, b"", fin=False),
            frame(Opcode.CONT, "thr€".encode()[4:] + b"e", fin=True),
            text(""),
            text("x" * 70_000),
        )
        assert await receive(transport, 5) == ["one", "two", "thr€e", "", "x" * 70_000]


async def test_a_ping_between_fragments_leaves_the_message_whole(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire) as (transport, peer):
        await peer.send(frame(Opcode.TEXT, b"a", fin=False), frame(Opcode.PING, b"p"), frame(Opcode.CONT, b"b"))
        assert await receive(transport, 1) == ["ab"]
        answer = await peer.frame()
        assert (answer.opcode, bytes(answer.data)) == (Opcode.PONG, b"p")


async def test_a_burst_comes_out_complete_and_in_order(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire) as (transport, peer):
        expected = [f"{number} {'x' * 800}" for number in range(1000)]
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.send, *map(text, expected))
            assert await receive(transport, 1000) == expected


async def test_a_burst_that_nobody_receives_yet_is_kept(kind: TransportKind) -> None:
    async with connected(kind, memory_wire()) as (transport, peer):
        expected = [str(number) for number in range(2500)]
        await peer.send(*map(text, expected))
        await trio.testing.wait_all_tasks_blocked()
        assert await receive(transport, 2500) == expected


async def test_all_that_is_in_memory_comes_in_one_batch(autojump_clock: trio.testing.MockClock) -> None:
    async with connected(SANS_IO, memory_wire()) as (transport, peer):
        await peer.send(*(text(str(number)) for number in range(50)))
        assert len(await transport.receive()) == 50


async def test_a_frame_that_comes_byte_by_byte_is_put_together(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire) as (transport, peer):
        for byte in text("abc") + text("def"):
            await peer.send(bytes([byte]))
        assert await receive(transport, 2) == ["abc", "def"]


async def test_frames_that_come_with_the_handshake_are_not_lost(kind: TransportKind, wire: Wire) -> None:
    early = text("early") + frame(Opcode.PING, b"p") + text("bird")
    async with connected(kind, wire, with_handshake=early) as (transport, peer):
        assert await receive(transport, 2) == ["early", "bird"]
        answer = await peer.frame()
        assert (answer.opcode, bytes(answer.data)) == (Opcode.PONG, b"p")


async def test_a_handshake_that_comes_byte_by_byte_is_accepted(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire, with_handshake=text("late"), split=True) as (transport, _):
        assert await receive(transport, 1) == ["late"]


async def test_cancelling_a_receive_loses_nothing(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire) as (transport, peer):
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(receive, transport, 1)
                await trio.testing.wait_all_tasks_blocked()
                scope.cancel()
        await peer.send(text("after"))
        assert await receive(transport, 1) == ["after"]


@pytest.mark.parametrize("waiting", [True, False])
async def test_a_receive_that_starts_cancelled_leaves_what_has_arrived(kind: TransportKind, waiting: bool) -> None:
    early = text("early") if waiting else b""
    async with connected(kind, memory_wire(), with_handshake=early) as (transport, peer):
        await trio.testing.wait_all_tasks_blocked()
        with trio.CancelScope() as scope:
            scope.cancel()
            await transport.receive()
        assert scope.cancelled_caught
        await peer.send(text("late"))
        expected = ["early", "late"] if waiting else ["late"]
        assert await receive(transport, len(expected)) == expected


async def test_text_that_is_not_utf8_reaches_the_decoder_or_ends_the_connection(kind: TransportKind) -> None:
    async with connected(kind, memory_wire()) as (transport, peer):
        await peer.send(text("good"), text(b"b\xffd"))
        if kind is SANS_IO:
            assert list(await transport.receive()) == [b"good", b"b\xffd"]
        else:
            items, end = await receive_the_end(transport)
            assert (items, end.code) == (["good"], 1007)


# Pings and pongs


async def test_a_ping_is_answered_with_its_payload(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire) as (transport, peer), trio.open_nursery() as nursery:
        nursery.start_soon(receive, transport, 1)
        for payload in (b"", b"1700000000000", bytes(range(125))):
            await peer.send(frame(Opcode.PING, payload))
            answer = await peer.frame()
            assert (answer.opcode, bytes(answer.data)) == (Opcode.PONG, payload)
        await peer.send(text("done"))


async def test_a_lone_ping_wakes_the_caller_with_nothing() -> None:
    async with connected(SANS_IO, memory_wire()) as (transport, peer):
        assert not transport.owes_output
        await peer.send(frame(Opcode.PING, b"p"))
        assert list(await transport.receive()) == []
        assert transport.owes_output
        await transport.send(())
        assert not transport.owes_output


async def test_pongs_that_nobody_writes_do_not_pile_up() -> None:
    async with connected(SANS_IO, memory_wire()) as (transport, peer):
        for number in range(500):
            await peer.send(frame(Opcode.PING, b"%d" % number))
            await transport.receive()
        await transport.send(["that is all"])
        answers = []
        while (answer := await peer.frame()).opcode is Opcode.PONG:
            answers.append(int(bytes(answer.data)))
        assert answers == list(range(500 - len(answers), 500)), "the latest are answered"
        assert len(answers) < 100


async def test_a_ping_of_ours_comes_back_as_a_pong(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire) as (transport, peer):
        for payload in (b"1", b"2"):
            await transport.send([Ping(payload)])
            assert (await peer.frame()).opcode is Opcode.PING
            await peer.flush()
            assert await receive(transport, 1) == [Pong(payload)]


async def test_a_payload_may_be_used_again_once_it_was_answered(kind: TransportKind) -> None:
    async with connected(kind, memory_wire()) as (transport, peer):
        for _ in range(2):
            await transport.send([Ping(b"same")])
            await peer.frame()
            await peer.flush()
            assert await receive(transport, 1) == [Pong(b"same")]


async def test_a_payload_on_its_way_is_not_used_again() -> None:
    async with connected(TRIO_WS, memory_wire()) as (transport, _):
        await transport.send([Ping(b"same")])
        with pytest.raises(ValueError, match="has not been answered"):
            await transport.send([Ping(b"same")])


def test_a_ping_has_at_most_125_bytes() -> None:
    with pytest.raises(ValueError, match="125"):
        Ping(bytes(126))


@pytest.mark.parametrize("seed", range(8))
async def test_a_pong_comes_after_the_messages_before_it(kind: TransportKind, seed: int) -> None:
    trio._core._run._r.seed(seed)
    async with connected(kind, memory_wire()) as (transport, peer):
        await transport.send([Ping(b"barrier")])
        await peer.frame()
        (pong,) = peer.core.data_to_send()
        await peer.send(*(text(str(number)) for number in range(20)), pong, text("after"))
        items = await receive(transport, 22)
        assert items[:20] == [*map(str, range(20))]
        assert Pong(b"barrier") in items[20:]


async def test_a_pong_waits_behind_messages_that_nobody_receives_yet(kind: TransportKind) -> None:
    async with connected(kind, memory_wire()) as (transport, peer):
        await transport.send([Ping(b"barrier")])
        await peer.frame()
        (pong,) = peer.core.data_to_send()
        await peer.send(*(text(str(number)) for number in range(1005)), pong)
        await trio.testing.wait_all_tasks_blocked()
        assert (await receive(transport, 1006))[-1] == Pong(b"barrier")


# Sending


async def test_what_is_sent_arrives_in_order_and_masked(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire) as (transport, peer):
        await transport.send(["one", "zw€i"])
        await transport.send(["x" * 100_000])
        # The peer's core takes masked frames only.
        assert [bytes((await peer.frame()).data).decode() for _ in range(3)] == ["one", "zw€i", "x" * 100_000]


async def test_the_masking_bit_is_set_and_the_text_is_not_readable(kind: TransportKind) -> None:
    wire = memory_wire()
    async with connected(kind, wire) as (transport, peer):
        await transport.send(["plain text"])
        raw = await peer.stream.receive_some()
        assert raw[:2] == bytes([0x81, 0x80 | len("plain text")])
        assert b"plain text" not in raw
        peer.core.receive_data(raw)


async def test_what_is_ready_together_leaves_in_one_write_with_what_is_owed() -> None:
    wire = memory_wire()
    async with connected(SANS_IO, wire) as (transport, peer):
        await peer.send(frame(Opcode.PING, b"p"))
        await transport.receive()
        await transport.send(["a", Ping(b"mine"), "b"])
        peer.core.receive_data(await peer.stream.receive_some())
        frames = [event.opcode.name for event in peer.core.events_received()]
        assert frames == ["PONG", "TEXT", "PING", "TEXT"]
        assert wire.opened[0].writes == 2, "the handshake and the rest"


async def test_sending_after_the_servers_close_tells_the_end(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire) as (transport, peer):
        await peer.send(close(1001, "bye"))
        await receive_the_end(transport)
        with pytest.raises(TransportClosed) as caught:
            await transport.send(["too late"])
        assert (caught.value.code, caught.value.reason) == (1001, "bye")


async def test_sending_into_a_reset_connection_tells_the_end(kind: TransportKind, real_wire: Wire) -> None:
    async with connected(kind, real_wire, polite=False) as (transport, peer):
        await peer.reset()

        async def send_on() -> None:
            while True:
                await transport.send(["x" * 100_000])

        with pytest.raises(TransportClosed, match="broke"):
            await send_on()
        with pytest.raises(TransportClosed):
            await transport.send(["again"])


@pytest.mark.parametrize("item", ["text", Ping(b"p")])
async def test_a_write_that_fails_ends_the_connection(kind: TransportKind, item: str | Ping) -> None:
    wire = memory_wire()
    async with connected(kind, wire, polite=False) as (transport, _):
        wire.opened[0].broken = True

        async def use() -> None:
            await transport.send([item])
            await transport.receive()  # trio-websocket writes a ping beside the writer

        with pytest.raises(TransportClosed, match="broke"):
            await use()


@pytest.mark.parametrize("item", ["text", Ping(b"p")])
async def test_after_a_write_was_cut_short_nothing_more_is_written(
    kind: TransportKind, item: str | Ping, autojump_clock: trio.testing.MockClock
) -> None:
    wire = memory_wire()
    async with connected(kind, wire, polite=False) as (transport, peer):
        stream = wire.opened[0]
        stream.stuck = True
        with trio.move_on_after(1) as scope:
            await transport.send(["cut", item])
        assert scope.cancelled_caught
        stream.stuck = False
        with pytest.raises(TransportClosed, match="cut short"):
            await transport.send(["next"])
    assert await peer.read_to_end() == []


# The end


async def test_the_servers_close_comes_after_its_messages_with_code_and_reason(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire) as (transport, peer):
        await peer.send(text("last"), close(1008, "Pong timeout"))
        items, end = await receive_the_end(transport)
        assert items == ["last"]
        assert (end.code, end.reason) == (1008, "Pong timeout")
        assert "1008" in str(end)
        assert "Pong timeout" in str(end)
        # It stays so.
        _, end = await receive_the_end(transport)
        assert (end.code, end.reason) == (1008, "Pong timeout")


async def test_the_servers_close_is_answered(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire, polite=False) as (transport, peer):
        await peer.send(close(1001))
        await receive_the_end(transport)
    (answer,) = await peer.read_to_end()
    assert (answer.opcode, bytes(answer.data)) == (Opcode.CLOSE, (1001).to_bytes(2, "big"))


async def test_a_close_without_a_code_is_told(kind: TransportKind) -> None:
    async with connected(kind, memory_wire()) as (transport, peer):
        await peer.send(frame(Opcode.CLOSE))
        assert (await receive_the_end(transport))[1].code == 1005


async def test_a_close_that_comes_with_the_handshake_is_told(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire, with_handshake=text("hello") + close(1013)) as (transport, _):
        items, end = await receive_the_end(transport)
        assert (items, end.code) == (["hello"], 1013)


async def test_an_end_without_a_close_frame_is_told(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire, polite=False) as (transport, peer):
        await peer.send(text("last"))
        await peer.stream.aclose()
        items, end = await receive_the_end(transport)
        assert (items, end.code) == (["last"], None)
        assert "without a Close frame" in str(end)


@pytest.mark.parametrize(
    "torn",
    [
        text("half of it")[:1],
        text("half of it")[:2],
        text("half of it")[:6],
        frame(Opcode.TEXT, b"half", fin=False),
        frame(Opcode.TEXT, b"half", fin=False) + frame(Opcode.CONT, b" of it")[:3],
    ],
    ids=["in the header", "after the header", "in the payload", "between fragments", "in a fragment"],
)
async def test_a_torn_frame_is_dropped_and_told(kind: TransportKind, wire: Wire, torn: bytes) -> None:
    async with connected(kind, wire, polite=False) as (transport, peer):
        await peer.send(text("whole"), torn)
        await peer.stream.aclose()
        items, end = await receive_the_end(transport)
        assert (items, end.code) == (["whole"], None)
        # trio-websocket does not say where the stream ended.
        assert ("inside a message" if kind is SANS_IO else "without a Close frame") in str(end)


async def test_a_reset_is_told_with_its_cause(kind: TransportKind, real_wire: Wire) -> None:
    async with connected(kind, real_wire, polite=False) as (transport, peer):
        await peer.reset()
        items, end = await receive_the_end(transport)
        assert (items, end.code) == ([], None)
        assert "broke" in str(end)
        assert end.__cause__ is not None


async def test_a_silent_server_is_waited_for(kind: TransportKind, autojump_clock: trio.testing.MockClock) -> None:
    async with connected(kind, memory_wire()) as (transport, peer):
        with trio.move_on_after(3600) as scope:
            await transport.receive()
        assert scope.cancelled_caught
        await peer.send(text("at last"))
        assert await receive(transport, 1) == ["at last"]


async def test_a_message_beyond_the_limit_ends_the_connection_with_1009(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire, max_message_size=1000) as (transport, peer):
        await peer.send(text("y" * 1000), text("x" * 1001))
        items, end = await receive_the_end(transport)
        assert (items, end.code) == (["y" * 1000], 1009)
        assert "1000" in str(end)
    assert peer.core.close_rcvd is not None
    assert peer.core.close_rcvd.code == 1009


async def test_fragments_beyond_the_limit_end_the_connection_with_1009(kind: TransportKind) -> None:
    async with connected(kind, memory_wire(), max_message_size=1000) as (transport, peer):
        await peer.send(frame(Opcode.TEXT, b"x" * 600, fin=False), frame(Opcode.CONT, b"x" * 600))
        items, end = await receive_the_end(transport)
        assert (items, end.code) == ([], 1009)


@pytest.mark.parametrize(
    "wrong",
    [
        bytes([0x83, 0x00]),
        bytes([0xC1, 0x00]),
        frame(Opcode.CONT, b"of what?"),
        frame(Opcode.TEXT, b"a", fin=False) + text("b"),
        bytes([0x88, 0x01, 0x00]),
    ],
    ids=["opcode", "reserved bit", "continuation of nothing", "text inside a message", "short Close"],
)
async def test_a_broken_protocol_ends_the_connection_with_1002(kind: TransportKind, wrong: bytes) -> None:
    async with connected(kind, memory_wire()) as (transport, peer):
        await peer.send(text("fine"), wrong, text("not read any more"))
        items, end = await receive_the_end(transport)
        assert (items, end.code) == (["fine"], 1002)
        assert str(end).isprintable()


async def test_a_close_reason_cannot_forge_a_log_line(kind: TransportKind) -> None:
    async with connected(kind, memory_wire()) as (transport, peer):
        await peer.send(close(4000, "a\nb\x1b[31m"))
        _, end = await receive_the_end(transport)
        assert end.reason == "a?b?[31m"
        assert str(end).isprintable()


async def test_a_crash_of_the_library_is_an_end_and_does_not_disturb_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    async def crash(*_: object) -> None:
        raise RuntimeError("a bug in\nthe library")

    monkeypatch.setattr("trio_websocket.WebSocketConnection._handle_ping_event", crash)
    async with connected(TRIO_WS, memory_wire(), polite=False) as (transport, peer):
        await peer.send(text("last"), frame(Opcode.PING))
        items, end = await receive_the_end(transport)
        assert items == ["last"]
        assert "the connection failed: a bug in?the library" in str(end)
        assert isinstance(end.__cause__, RuntimeError)
        for item in ("text", Ping(b"p")):
            with pytest.raises(TransportClosed):
                await transport.send([item])
        await trio.lowlevel.checkpoint()  # not cancelled


# Parting


async def test_leaving_the_block_says_goodbye_and_waits_for_the_answer(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire, polite=False) as (transport, peer), trio.open_nursery() as nursery:
        nursery.start_soon(transport.aclose)
        goodbye = await peer.frame()
        assert (goodbye.opcode, bytes(goodbye.data)) == (Opcode.CLOSE, (1000).to_bytes(2, "big"))
        # What still comes is lost, as the docstring says.
        await peer.send(text("ignored"))
        await peer.flush()
    assert await peer.read_to_end() == []


async def test_a_silent_server_cannot_hold_up_the_parting(
    kind: TransportKind, autojump_clock: trio.testing.MockClock
) -> None:
    wire = memory_wire()
    async with connected(kind, wire, close_timeout=2, polite=False):
        left = trio.current_time()
    assert trio.current_time() - left == pytest.approx(2)
    assert wire.opened[0].closed


@pytest.mark.parametrize("before", ["our Close", "its own"])
async def test_a_server_that_closes_without_answering_ends_the_parting(
    kind: TransportKind, before: str, autojump_clock: trio.testing.MockClock
) -> None:
    async def hang_up(peer: Peer) -> None:
        if before == "its own":
            assert (await peer.frame()).opcode is Opcode.CLOSE
        await peer.stream.aclose()

    async with trio.open_nursery() as nursery:
        async with connected(kind, memory_wire(), close_timeout=100, polite=False) as (_, peer):
            nursery.start_soon(hang_up, peer)
            await trio.testing.wait_all_tasks_blocked()
            left = trio.current_time()
        assert trio.current_time() - left < 1


async def test_a_server_that_does_not_read_cannot_hold_up_the_parting(
    kind: TransportKind, autojump_clock: trio.testing.MockClock
) -> None:
    wire = memory_wire()
    async with connected(kind, wire, close_timeout=2, polite=False):
        wire.opened[0].stuck = True
        left = trio.current_time()
    assert trio.current_time() - left == pytest.approx(2)


async def test_without_grace_nothing_is_said(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire, polite=False) as (transport, peer):
        await transport.aclose(0)
    assert await peer.read_to_end() == []


async def test_a_cancelled_block_still_says_goodbye(kind: TransportKind) -> None:
    with trio.CancelScope() as scope:
        async with connected(kind, memory_wire(), close_timeout=0.01, polite=False) as (_, peer):
            scope.cancel()
    assert [event.opcode for event in await peer.read_to_end()] == [Opcode.CLOSE]


async def test_closing_again_does_nothing_and_everything_else_tells_the_end(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire, polite=False) as (transport, peer):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(peer.part)
            await transport.aclose()
        await transport.aclose()
        for operation in (transport.receive, lambda: transport.send(["x"])):
            with pytest.raises(TransportClosed, match="on this side"):
                await operation()


async def test_closing_wakes_a_receive_in_another_task(kind: TransportKind, wire: Wire) -> None:
    async with connected(kind, wire, polite=False) as (transport, peer), trio.open_nursery() as nursery:
        nursery.start_soon(receive_the_end, transport)
        nursery.start_soon(peer.part)
        await trio.testing.wait_all_tasks_blocked()
        await transport.aclose()


async def test_closing_wakes_a_write_in_another_task(
    kind: TransportKind, autojump_clock: trio.testing.MockClock
) -> None:
    wire = memory_wire()

    async def write(transport: Transport) -> None:
        with pytest.raises(TransportClosed):
            await transport.send(["x"])

    link = connected(kind, wire, polite=False, close_timeout=1)
    async with link as (transport, _), trio.open_nursery() as nursery:
        wire.opened[0].stuck = True
        nursery.start_soon(write, transport)
        await trio.testing.wait_all_tasks_blocked()
        await transport.aclose()


async def test_an_exception_leaves_the_block_as_itself(kind: TransportKind, wire: Wire) -> None:
    error = KeyError("mine")

    async def use() -> None:
        async with open_transport(kind, wire.url, wire.network, connect_timeout=5, close_timeout=5):
            raise error

    async def serve() -> None:
        await (await (await wire.peer()).accept()).part()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(KeyError) as caught:
            await use()
        assert caught.value is error
        assert error.__context__ is None


async def test_an_exception_survives_a_cancellation_beside_it(kind: TransportKind) -> None:
    wire = memory_wire()

    async def serve() -> None:
        await (await wire.peer()).accept()

    async def use() -> None:
        with trio.CancelScope() as scope:
            async with open_transport(kind, wire.url, wire.network, connect_timeout=5, close_timeout=0.01):
                scope.cancel()
                raise KeyError("mine")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(KeyError):
            await use()


@pytest.mark.parametrize("seeds", [range(4)], ids=["4 orders"])
def test_cancelled_at_any_step_nothing_runs_and_nothing_is_open(kind: TransportKind, seeds: Sequence[int]) -> None:
    wires: list[Wire] = []
    delivered: list[str | Pong] = []

    async def serve(wire: Wire) -> None:
        peer = await (await wire.peer()).accept(with_it=text("0"))
        await peer.send(text("1"), frame(Opcode.PING, b"p"))
        while (await peer.frame()).opcode is not Opcode.PING:
            pass
        await peer.flush()
        await peer.send(text("2"))
        await peer.part()

    async def scenario() -> None:
        delivered.clear()
        wires.append(wire := memory_wire())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, wire)
            async with open_transport(kind, wire.url, wire.network, connect_timeout=5, close_timeout=1) as transport:
                await transport.send(["hello", Ping(b"barrier")])
                while len(delivered) < 4:
                    delivered.extend(await receive(transport, 1))

    def check() -> None:
        assert all(stream.closed for stream in wires.pop().opened)
        messages = [item for item in delivered if isinstance(item, str)]
        assert messages == ["0", "1", "2"][: len(messages)], "what was delivered is a prefix"
        assert Pong(b"barrier") not in delivered[:2], "a pong overtakes nothing"

    assert cancel_at_every_step(scenario, check=check, seeds=seeds) > 40


# Manners


async def test_the_request_offers_no_compression_and_names_its_host(kind: TransportKind) -> None:
    async with connected(kind, memory_wire("ws://peer.test:9443/ws-api/v3?timeUnit=MICROSECOND")) as (_, peer):
        assert peer.request is not None
        assert peer.request.path == "/ws-api/v3?timeUnit=MICROSECOND"
        assert peer.request.headers["Host"] == "peer.test:9443"
        assert "Sec-WebSocket-Extensions" not in peer.request.headers
        assert "trio-binance-uds" in peer.request.headers["User-Agent"]


@pytest.mark.parametrize(
    ("url", "host"),
    [("ws://peer.test/x", "peer.test"), ("ws://[::1]/x", "[::1]"), ("ws://[::1]:9443", "[::1]:9443")],
)
async def test_the_host_is_named_as_in_a_url(kind: TransportKind, url: str, host: str) -> None:
    async with connected(kind, memory_wire(url)) as (_, peer):
        assert peer.request is not None
        assert peer.request.headers["Host"] == host


async def test_no_frame_is_ever_logged(kind: TransportKind, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with connected(kind, memory_wire("ws://peer.test/ws/lstnky?token=tkn")) as (transport, peer):
        await transport.send(["signature=sgntr"])
        await peer.send(text("balance=blnc"))
        await receive(transport, 1)
    ours = "".join(record.getMessage() for record in caplog.records if record.name != "websockets.server")
    assert not [secret for secret in ("lstnky", "tkn", "sgntr", "blnc") if secret in ours]


@pytest.mark.parametrize("kind", [None, *TransportKind], ids=str)
def test_only_the_library_that_is_used_is_imported(kind: TransportKind | None) -> None:
    modules = {
        None: "trio_binance_uds.link.transport",
        SANS_IO: "trio_binance_uds.link.transport.sans_io",
        TRIO_WS: "trio_binance_uds.link.transport.trio_ws",
    }
    code = (
        f"import sys, {modules[kind]}; print({{'websockets', 'trio_websocket', 'wsproto', 'h11'}} & set(sys.modules))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert ("websockets" in output) == (kind is SANS_IO)
    assert ("trio_websocket" in output) == (kind is TRIO_WS)


def test_a_counted_stream_is_open_until_closed() -> None:
    # The checks above rest on it.
    assert not Counted(trio.testing.memory_stream_pair()[0]).closed
