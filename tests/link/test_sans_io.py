"""Cutting whole texts out of what was read changes nothing: messages, answers and ends are those of the core alone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN
from websockets.uri import WebSocketURI

from support.peer import close, frame, text
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.transport import Pong, TransportClosed
from trio_binance_uds.link.transport.sans_io import SansIoTransport

LIMIT = 80_000


@attrs.define(eq=False)
class Pieces(trio.abc.Stream):
    """A stream on which these pieces arrive, then the end."""

    pieces: list[bytes]
    written: bytearray = attrs.field(factory=bytearray)

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        await trio.lowlevel.checkpoint()
        return self.pieces.pop(0) if self.pieces else b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()
        self.written += data

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        self.pieces.clear()
        await trio.lowlevel.checkpoint()


def open_core() -> ClientProtocol:
    return ClientProtocol(WebSocketURI(False, "host", 80, "/", ""), state=OPEN, max_size=LIMIT)


@attrs.frozen
class Said:
    """All that came of what arrived."""

    items: list[bytes | str | Pong]
    code: int | None
    answers: list[tuple[Opcode, bytes]]


def by_the_core(arrived: bytes) -> Said:
    core = open_core()
    core.receive_data(arrived)
    core.receive_eof()
    items: list[bytes | str | Pong] = []
    partial = b""
    for event in core.events_received():
        assert isinstance(event, Frame)
        if event.opcode is Opcode.PONG:
            items.append(Pong(bytes(event.data)))
        elif event.opcode in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            partial += event.data
            if event.fin:
                items.append(partial)
                partial = b""
    closes = core.close_rcvd or (core.close_sent if core.parser_exc and core.close_sent else None)
    return Said(items, None if closes is None else int(closes.code), unmasked(b"".join(core.data_to_send())))


def by_the_transport(pieces: Sequence[bytes]) -> Said:
    stream = Pieces([piece for piece in pieces[1:] if piece])
    items: list[bytes | str | Pong] = []
    code = None

    async def receive_all() -> None:
        nonlocal code
        # The first piece is what came with the end of the handshake.
        transport = SansIoTransport(stream, open_core(), pieces[0], 1.0, LIMIT, Masker())
        while True:
            try:
                items.extend(await transport.receive())
            except TransportClosed as end:
                code = end.code
                break
            finally:
                if transport.owes_output:
                    await transport.send(())
        await transport.aclose(0)

    trio.run(receive_all)
    return Said(items, code, unmasked(bytes(stream.written)))


def unmasked(written: bytes) -> list[tuple[Opcode, bytes]]:
    """Return the frames of a client, as their masks are random."""
    frames = []
    while written:
        opcode, length = Opcode(written[0] & 15), written[1] & 127
        assert length < 126, "answers are short"
        mask, data = written[2:6], written[6 : 6 + length]
        frames.append((opcode, bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))))
        written = written[6 + length :]
    return frames


def like_frames(size: int) -> bytes:
    """Return a payload that looks like frames, for whoever loses his place."""
    return (b"\x81\x01!" * size)[:size]


SIZES = st.sampled_from([0, 1, 2, 125, 126, 127, 700, 65_535, 65_536, 70_000])
FRAMES = st.one_of(
    SIZES.map(lambda size: text(like_frames(size))),
    SIZES.map(lambda size: frame(Opcode.BINARY, like_frames(size))),
    st.just(frame(Opcode.TEXT, b"be", fin=False) + frame(Opcode.PING, b"!") + frame(Opcode.CONT, b"gun", fin=True)),
    st.binary(max_size=5).map(lambda payload: frame(Opcode.PING, payload)),
    st.binary(max_size=5).map(lambda payload: frame(Opcode.PONG, payload)),
)
ENDS = st.one_of(
    st.just(b""),
    st.just(close(1001, "bye") + text("after the end")),
    st.just(text("x" * (LIMIT + 1)) + text("after the end")),
    st.just(frame(Opcode.TEXT, b"begun", fin=False) + text("a text inside a text") + text("after the end")),
    st.just(Frame(Opcode.TEXT, b"masked").serialize(mask=True) + text("after the end")),
    st.sampled_from(
        [b"\xc1\x01x", b"\x83\x00", b"\x89\x7e\x00\x80" + b"p" * 128, b"\x81", b"\x81\x05ab", b"\x81\x7e\x01"]
    ),
    st.binary(max_size=30),
)


@given(frames=st.lists(FRAMES, max_size=8), end=ENDS, cuts=st.lists(st.integers(0, 200_000), max_size=8))
def test_wherever_the_reads_are_cut_it_says_what_the_core_says(
    frames: list[bytes], end: bytes, cuts: list[int]
) -> None:
    arrived = b"".join(frames) + end
    places = [0, *sorted(cut % (len(arrived) + 1) for cut in cuts), len(arrived)]
    pieces = [arrived[a:b] for a, b in itertools.pairwise(places)]
    assert by_the_transport(pieces) == by_the_core(arrived)


@pytest.mark.parametrize("end", [b"", b"\x89", b"\x81\x7e", text("whole")[:-1]])
def test_byte_by_byte_it_says_what_the_core_says(end: bytes) -> None:
    parts = [text("one"), text("x" * 126), frame(Opcode.PING, b"p"), text(""), frame(Opcode.BINARY, b"b" * 300), end]
    arrived = b"".join(parts)
    assert by_the_transport([bytes([byte]) for byte in arrived]) == by_the_core(arrived)


def test_a_limit_below_the_length_of_a_short_frame_holds_too() -> None:
    transport = SansIoTransport(
        Pieces([]),
        ClientProtocol(WebSocketURI(False, "host", 80, "/", ""), state=OPEN, max_size=10),
        text("0123456789") + text("0123456789A"),
        1.0,
        10,
        Masker(),
    )

    async def receive() -> None:
        assert await transport.receive() == [b"0123456789"]
        with pytest.raises(TransportClosed) as caught:
            await transport.receive()
        assert caught.value.code == 1009

    trio.run(receive)
