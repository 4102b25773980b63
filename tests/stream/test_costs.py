"""What an event costs, as a number of calls: it is the same each time and on each machine, and it stays flat.

Each test has events of its own (their seed), as amounts that were met before are remembered and cost less.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from functools import partial
from types import FrameType
from typing import Any

import attrs
import pytest
import trio
import trio.testing
from websockets.frames import Opcode

from benchmarks.answers import Session, answer
from benchmarks.frames import Envelope, event_frames, event_text, frame, order_events
from support.peer import Peer, Wire, memory_wire
from trio_binance_uds import (
    SPOT,
    TESTNET,
    Credentials,
    ExecutionReport,
    Recovery,
    UserDataStream,
    isolated_margin,
    margin_accounts,
    open_user_data_stream,
)
from trio_binance_uds.link.intake import Intake, Route
from trio_binance_uds.stream.buffer import EventBuffer
from trio_binance_uds.stream.delivery import Delivery
from trio_binance_uds.stream.handover import Handover
from trio_binance_uds.stream.record import StreamRecord
from trio_binance_uds.stream.recovery import recoverer_for
from trio_binance_uds.wire.decode import frame_decoder

pytestmark = pytest.mark.long

CREDENTIALS = Credentials.from_secret("test-api-key-0001", "test-secret-0001")
MEASURED = 300
# A tenth above what it is: for other versions of Python and of the libraries below, not for carelessness.
MOST_CALLS = 69


@attrs.define
class Calls:
    """A number of Python and C calls."""

    number: int = 0


@contextmanager
def counted_calls() -> Iterator[Calls]:
    calls = Calls()

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        calls.number += event in ("call", "c_call")

    former = sys.getprofile()
    gc.disable()  # What would be collected meanwhile is the rubbish of other tests, and its calls would count.
    sys.setprofile(profile)
    try:
        yield calls
    finally:
        sys.setprofile(former)
        gc.enable()


@attrs.define
class Streamed:
    """A stream that has settled, and the server's end of it."""

    stream: UserDataStream
    peer: Peer

    async def read(self, frames: list[bytes]) -> float:
        """Send these events in one go, read them, and return how many calls each of them took."""
        await self.peer.send(*frames)
        with counted_calls() as calls:
            for _ in frames:
                assert type(await self.stream.receive()) is ExecutionReport
        return calls.number / len(frames)

    async def let_wait(self, frames: list[bytes]) -> float:
        """Send these events, read none, and return how many calls it took to take each of them in."""
        waiting = self.stream.statistics().buffered
        await self.peer.send(*frames)
        with counted_calls() as calls:
            await trio.testing.wait_all_tasks_blocked()
        assert self.stream.statistics().buffered == waiting + len(frames)
        return calls.number / len(frames)


async def serve(wire: Wire, peers: list[Peer]) -> None:
    peers.append(peer := await (await wire.peer()).accept())
    session = Session()
    while (asked := await peer.frame()).opcode is Opcode.TEXT:
        await peer.send(frame(answer(bytes(asked.data), session)[1]))


@asynccontextmanager
async def streaming() -> AsyncIterator[Streamed]:
    wire, peers = memory_wire(), list[Peer]()
    environment = TESTNET.override(spot_ws_api=wire.url)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve, wire, peers)
        async with open_user_data_stream(
            CREDENTIALS, SPOT, environment=environment, network=wire.network, max_buffer=50_000
        ) as stream:
            await trio.testing.wait_all_tasks_blocked()  # it asks what was there before it began
            yield Streamed(stream, peers[0])
        nursery.cancel_scope.cancel()


def orders(count: int, status: str) -> list[bytes]:
    """Return the frames of reports of so many orders, which with ``NEW`` stay open."""
    events = [event for event in order_events(count * 3, seed=2) if event["x"] == "NEW"][:count]
    # Ids beyond those of all other events.
    marked = [
        event | {"i": 10**12 + number, "I": 10**12 + number, "x": status, "X": status}
        for number, event in enumerate(events)
    ]
    return [frame(event_text(event, Envelope.WS_API)) for event in marked]


async def test_event_takes_no_more_than_so_many_calls_from_the_socket_to_the_user() -> None:
    async with streaming() as streamed:
        frames = event_frames(2 * MEASURED, Envelope.WS_API, seed=3)
        await streamed.read(frames[:MEASURED])
        assert await streamed.read(frames[MEASURED:]) < MOST_CALLS


async def test_cost_of_an_event_does_not_grow_with_the_events_before_it() -> None:
    frames = event_frames(6_000, Envelope.WS_API, seed=4)
    async with streaming() as streamed:
        costs = [await streamed.read(frames[at : at + MEASURED]) for at in range(0, len(frames), MEASURED)]
    assert max(costs[-4:]) < 1.1 * max(costs[1:5])


@pytest.mark.parametrize("waiting", [False, True], ids=["read at once", "left waiting"])
async def test_cost_of_an_event_does_not_grow_with_the_orders_that_are_open(waiting: bool) -> None:
    frames = event_frames(2 * MEASURED, Envelope.WS_API, seed=5)
    costs = {}
    for status in ("CANCELED", "NEW"):
        async with streaming() as streamed:
            await streamed.read(frames[:MEASURED])
            await streamed.read(orders(2_000, status))
            costs[status] = await (streamed.let_wait if waiting else streamed.read)(frames[MEASURED:])
    assert costs["NEW"] < 1.05 * costs["CANCELED"]


async def test_cost_of_an_event_does_not_grow_with_those_that_wait_before_it() -> None:
    frames = event_frames(6_000, Envelope.WS_API, seed=6)
    async with streaming() as streamed:
        taking_in = [await streamed.let_wait(frames[at : at + MEASURED]) for at in range(0, len(frames), MEASURED)]

        async def take(count: int) -> int:
            with counted_calls() as calls:
                for _ in range(count):
                    await streamed.stream.receive()
            return calls.number

        # On a busy machine a timer of the stream can fall into the time of one of them.
        first = min([await take(MEASURED) for _ in range(3)])
        for _ in range(len(frames) - 6 * MEASURED):
            await streamed.stream.receive()
        last = min([await take(MEASURED) for _ in range(3)])
    assert max(taking_in[-4:]) < 1.1 * max(taking_in[1:5])
    assert 0.8 * last < first < 1.2 * last


async def test_cost_of_an_event_does_not_grow_with_the_accounts_on_its_connection() -> None:
    costs = {}
    for number in (1, 40):
        product = margin_accounts(*[isolated_margin(f"COIN{n}USDT") for n in range(number)])
        buffer = EventBuffer(50_000, lambda: datetime.now(UTC), on_caught_up=lambda mark: None)
        delivery = Delivery(buffer, recoverer_for(product, Recovery()), StreamRecord())
        delivery.handover.park(1)
        delivery.handover.cut(1)
        intake = Intake(
            accept=partial(delivery.handover.accept, 1),
            about_the_link=lambda event: False,
            proven=lambda newest, now: None,
            on_batch_end=buffer.flush,
        )
        intake.open({n: Route(name) for n, name in enumerate(product.accounts)})
        decode: Any = frame_decoder(product)
        texts = [
            json.dumps({"subscriptionId": n % number, "event": event}).encode()
            for n, event in enumerate(order_events(2 * MEASURED, seed=7))
        ]
        for text in texts[:MEASURED]:
            intake.on_event(decode(text))
        with counted_calls() as calls:
            for text in texts[MEASURED:]:
                intake.on_event(decode(text))
        assert buffer.held == 2 * MEASURED
        costs[number] = calls.number
    assert costs[40] < 1.05 * costs[1]


@pytest.mark.parametrize("links", [2, 4])
async def test_cost_of_an_event_stays_flat_however_long_links_overlap(links: int) -> None:
    told: list[Any] = []
    handover = Handover(told.append, max_parked=50_000)
    for link in range(links):
        handover.park(link)
    handover.cut(0)
    decode: Any = frame_decoder(SPOT)
    events = [decode(json.dumps({"event": event}).encode()) for event in order_events(10 * MEASURED, seed=8)]
    costs = []
    for at in range(0, len(events), MEASURED):
        with counted_calls() as calls:
            for event in events[at : at + MEASURED]:
                handover.accept(0, event)
        costs.append(calls.number)
    assert told == events
    assert max(costs[1:]) < 1.05 * costs[0]
