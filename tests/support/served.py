"""A connection that runs on a transport whose other side is the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs
import trio
import trio.testing

from support.fake_transport import FakeTransport
from trio_binance_uds.credentials import Credentials
from trio_binance_uds.events import Event
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.products import SPOT

SERVER_START_MS = 1_900_000_000_000


@attrs.define
class Served:
    """A connection that runs, its other side, and what came of it."""

    connection: Connection
    transport: FakeTransport
    clock: ServerClock
    events: list[Event] = attrs.field(factory=list)
    batches: int = 0
    ended_by: Exception | None = None
    ended: trio.Event = attrs.field(factory=trio.Event)


async def no_opening() -> None:
    pass


@asynccontextmanager
async def serving(
    transport: FakeTransport | None = None, *, timeouts: Timeouts | None = None, logged_on: bool = True
) -> AsyncIterator[Served]:
    transport = transport or FakeTransport()
    clock = ServerClock()
    clock.learn(trio.current_time(), trio.current_time(), {"serverTime": SERVER_START_MS})
    events: list[Event] = []

    def on_batch_end(now: float) -> None:
        served.batches += 1

    connection = Connection(
        transport,
        SPOT,
        Credentials.from_secret("test-api-key-0001", "test-secret-0001"),
        clock,
        timeouts or Timeouts(),
        on_event=events.append,
        on_batch_end=on_batch_end,
    )
    connection.logged_on = logged_on
    served = Served(connection, transport, clock, events)

    async def serve() -> None:
        served.ended_by = await connection.serve(no_opening)
        served.ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        await trio.testing.wait_all_tasks_blocked()
        yield served
        nursery.cancel_scope.cancel()
