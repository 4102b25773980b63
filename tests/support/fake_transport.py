"""A transport whose other side is the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import trio

from trio_binance_uds.link.transport import Ping, Pong, Transport, TransportClosed

Frame = str | bytes | Pong


class FakeTransport(Transport):
    """What is sent lands in ``sent``; what :meth:`feed` is given arrives. ``on_text`` may answer each request."""

    def __init__(self, on_text: Callable[[dict[str, Any]], Sequence[Frame]] | None = None) -> None:
        self.sent: list[dict[str, Any]] = []
        self.writes: list[Sequence[str | Ping]] = []
        self.pings: list[bytes] = []
        self.answers_pings = True
        self.owed = False
        # While this is an unset event, writing blocks, as on a socket whose buffer is full.
        self.writable = trio.Event()
        self.writable.set()
        self.closed = False
        self._on_text = on_text
        self._to_client, self._from_peer = trio.open_memory_channel[Sequence[Frame] | TransportClosed](float("inf"))

    def feed(self, *frames: Frame) -> None:
        self._to_client.send_nowait(frames)

    def answer(self, request: dict[str, Any], result: Any = None, *, status: int = 200, **members: Any) -> None:
        self.feed(json.dumps({"id": request["id"], "status": status, "result": result, **members}))

    def refuse(self, request: dict[str, Any], status: int, code: int, **members: Any) -> None:
        error = {"code": code, "msg": "refused by the test", **members}
        self.feed(json.dumps({"id": request["id"], "status": status, "error": error}))

    def lose(self, reason: str = "lost") -> None:
        self._to_client.send_nowait(TransportClosed(None, reason))

    async def receive(self) -> Sequence[Frame]:
        item = await self._from_peer.receive()
        if isinstance(item, TransportClosed):
            raise item
        return item

    async def send(self, items: Sequence[str | Ping]) -> None:
        await trio.lowlevel.checkpoint()
        await self.writable.wait()
        self.owed = False
        self.writes.append(items)
        for item in items:
            if isinstance(item, Ping):
                self.pings.append(item.payload)
                if self.answers_pings:
                    self.feed(Pong(item.payload))
            else:
                request = json.loads(item)
                self.sent.append(request)
                if self._on_text is not None:
                    answers = self._on_text(request)
                    if answers:
                        self.feed(*answers)

    @property
    def owes_output(self) -> bool:
        return self.owed

    async def aclose(self, grace: float | None = None) -> None:
        self.closed = True
        await trio.lowlevel.checkpoint()
