"""One upgraded WebSocket connection, whatever is spoken on it: its socket, its outgoing frames, its three timers.

Rules of the machine:

* Whoever has something to send puts whole frames into the queue and goes on; the writer alone touches the socket, and
  joins all that is due into one write. A client that does not read fills the queue, and is cut off at its bound.
* Frames leave in the order in which they were put, except for an answer that a fault holds back.
* The connection ends in one place: whatever happens cancels the scope, and the stream is closed on the way out.

Source: Binance Spot, WebSocket API, "General API Information" (2026-07-21): a ping every 20 s, the connection is cut
without a pong within a minute, and ends after 24 h. Binance Derivatives, "Websocket Market Streams" (2026-05-28): other
times, and ten messages per second at most. Close codes are not documented; 1008 has been observed.
"""

from __future__ import annotations

import heapq
import socket
import struct
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import attrs
import trio

from trio_binance_uds.sandbox.fault_state import How, Line
from trio_binance_uds.sandbox.framing import Framing, Item, Message, PingReceived, PongReceived
from trio_binance_uds.sandbox.keys import ApiKey
from trio_binance_uds.sandbox.port import AnySession, Kind, Port
from trio_binance_uds.sandbox.venue import Venue

_READ_SIZE = 65_536


@attrs.frozen(kw_only=True)
class Timing:
    """Seconds that a connection's timers take; the defaults are those of the WebSocket API in production.

    More frames than ``messages_per_second`` within a second, pings and pongs included, end the connection.
    """

    lifetime: float = 86_400.0
    ping_interval: float = 20.0
    pong_timeout: float = 60.0
    handshake: float = 10.0
    close: float = 2.0
    messages_per_second: int | None = None


class Connection:
    """A live connection of a client; read its attributes, and leave the rest to ``sandbox.faults``.

    Attributes:
        id: counts up from 1 for each sandbox.
        ip: where the client comes from.
        path: what the client has asked for, without a listen key.
        opened_at: the server's time of the upgrade.
        line: what is wrong with it on purpose.
    """

    def __init__(
        self,
        stream: trio.abc.Stream,
        framing: Framing,
        *,
        id: int,
        ip: str,
        path: str,
        venue: Venue,
        timing: Timing,
        open_session: Callable[[Port], AnySession],
    ) -> None:
        self.id = id
        self.ip = ip
        self.path = path
        self.opened_at: datetime = venue.clock.datetime()
        self.line: Line = venue.faults.new_line()
        self._stream = stream
        self._framing = framing
        self._venue = venue
        self._timing = timing
        self._scope = trio.CancelScope()
        self._session = open_session(self)
        # (due, number, frame); None in place of a frame ends the connection.
        self._queue: list[tuple[float, int, bytes | None]] = []
        self._number = 0
        self._queued = 0
        self._last_due = 0.0
        self._wake = trio.Event()
        self._how = How.EOF
        self._polite = False
        self._closing = False
        self._pings: deque[tuple[bytes, float]] = deque()
        self._arrivals: deque[float] = deque(maxlen=timing.messages_per_second)

    @property
    def is_live(self) -> bool:
        """Whether nothing has ended the connection yet."""
        return not self._scope.cancel_called

    @property
    def accounts(self) -> tuple[int, ...]:
        """The uids of the accounts whose events this connection gets, in the order of their subscriptions."""
        return tuple(self._session.watched.values())

    @property
    def subscriptions(self) -> dict[int, int]:
        """The uid of the account behind each active subscription id."""
        return dict(self._session.watched)

    @property
    def api_key(self) -> str | None:
        """The key that the session is logged on with."""
        return self._session.api_key

    # Outgoing

    def emit(self, text: str, kind: Kind, delay: float) -> None:
        """Queue a text message, as the faults will have it."""
        self._send(text, kind, delay)

    def send_raw(self, data: str | bytes) -> None:
        """Queue a message of any content."""
        self._send(data)

    def send_event(self, event: dict[str, Any]) -> None:
        """Queue an event for each subscription."""
        self._session.send_event(event)

    def vanish(self, subscription_id: int | None) -> None:
        """Forget a subscription, or all."""
        self._session.vanish(subscription_id)

    def terminate(self, subscription_id: int | None) -> None:
        """End a subscription, or all, with ``eventStreamTerminated``."""
        self._session.terminate(subscription_id)

    def announce_shutdown(self) -> None:
        """Say that the connection is about to be closed, if that is said on it."""
        self._session.announce_shutdown()

    def end_subscriptions(self, key: ApiKey, *, silently: bool) -> None:
        """End the subscriptions that were made with this key."""
        self._session.end_subscriptions(key, silently=silently)

    def _send(self, data: str | bytes, kind: Kind | None = None, delay: float = 0.0) -> None:
        line = self.line
        if line.silent or not self._framing.is_open:
            return
        if line.drop > 0:
            line.drop -= 1
            self._venue.faults.never_sent.append(data)
            return
        frame = self._framing.text(data.encode()) if isinstance(data, str) else self._framing.binary(data)
        if line.tear:
            line.tear = False
            self._put(frame[: max(1, len(frame) // 2)])
            self._put(None)
            return
        self._put(frame, delay)
        if kind is Kind.EVENT and line.duplicate > 0:
            line.duplicate -= 1
            self._put(frame)

    def _put(self, frame: bytes | None, late: float = 0.0) -> None:
        if not self.is_live:
            return
        due = max(self._last_due, trio.current_time() + self.line.delay)
        self._last_due = due
        self._number += 1
        heapq.heappush(self._queue, (due + late, self._number, frame))
        self._queued += len(frame or b"")
        if self._queued > self._venue.limiter.limits.outgoing:
            self.cut(How.RESET)
        self._wake.set()

    def _put_output(self, output: Sequence[bytes | None]) -> None:
        """Queue what the protocol itself wants to say: a close frame, and the end of the connection."""
        for data in output:
            if not self.line.silent:
                self._polite = self._polite or data is None
                self._put(data)

    async def _write(self) -> None:
        while True:
            with trio.move_on_at(self._queue[0][0] if self._queue else float("inf")):
                self._wake = trio.Event()
                # Nothing can have been put since the queue was looked at: there is no checkpoint in between.
                if not self._queue or self._queue[0][0] > trio.current_time():
                    await self._wake.wait()
            frames: list[bytes] = []
            ended = False
            now = trio.current_time()
            while self._queue and self._queue[0][0] <= now and not ended:
                frame = heapq.heappop(self._queue)[2]
                ended = frame is None
                frames.append(frame or b"")
            data = b"".join(frames)
            if data:
                await self._stream.send_all(data)
                self._queued -= len(data)
            if ended:
                self._scope.cancel()
                return

    # Incoming

    async def _read(self) -> None:
        while True:
            data = await self._stream.receive_some(_READ_SIZE)
            if not data:
                return
            # Also while silent: a line that is healed later must still know where the frames begin.
            items = self._framing.receive(bytes(data))
            output = self._framing.output()
            if not self.line.silent:
                self._take(items)
            self._put_output(output)

    def _take(self, items: Sequence[Item]) -> None:
        for item in items:
            if self._closing:
                # What comes behind the request for which the connection is closed is not looked at.
                return
            if self._is_one_too_many():
                self.close(1008, "Too many requests")
            elif isinstance(item, Message):
                self._session.receive(item.data)
            elif isinstance(item, PongReceived):
                self._take_pong(item.payload)
            elif isinstance(item, PingReceived) and self.line.answer_pings and self._framing.is_open:
                self._put(self._framing.pong(item.payload))

    def _is_one_too_many(self) -> bool:
        most = self._timing.messages_per_second
        if most is None:
            return False
        now = trio.current_time()
        full = len(self._arrivals) == most and now - self._arrivals[0] < 1.0
        self._arrivals.append(now)
        return full

    def _take_pong(self, payload: bytes) -> None:
        # A pong that answers no ping of ours is allowed, and proves nothing.
        if any(payload == sent for sent, _ in self._pings):
            while self._pings.popleft()[0] != payload:
                pass

    # The end

    def close(self, code: int, reason: str) -> None:
        """Send a close frame, and give the client a moment to answer it."""
        if self._framing.is_open and not self.line.silent:
            self._closing = True
            self._put(self._framing.close(code, reason))
            self._scope.deadline = trio.current_time() + self.line.delay + self._timing.close

    def cut(self, how: How) -> None:
        """End the connection at once; what is queued is lost."""
        self._how = how
        self._polite = False
        self._scope.cancel()

    async def _ping(self) -> None:
        next_ping = trio.current_time() + self._timing.ping_interval
        while True:
            patience = self._pings[0][1] + self._timing.pong_timeout if self._pings else float("inf")
            await trio.sleep_until(min(next_ping, patience))
            now = trio.current_time()
            if now >= next_ping:
                next_ping = now + self._timing.ping_interval
                self._send_ping(now)
            elif self._pings and now >= self._pings[0][1] + self._timing.pong_timeout:
                # A silent server does nothing about a silent client either.
                self._pings.clear()
                self.close(1008, "Pong timeout")

    def _send_ping(self, now: float) -> None:
        line = self.line
        if line.send_pings and not line.silent and self._framing.is_open:
            payload = str(self._venue.clock.now_ms()).encode()
            self._pings.append((payload, now))
            self._put(self._framing.ping(payload))

    async def _expire(self) -> None:
        await trio.sleep(self._timing.lifetime)
        self.close(1008, "disconnected")

    async def run(self, items: Sequence[Item]) -> None:
        """Serve the connection until it ends, beginning with the answer to the upgrade and what came behind it."""
        self._put_output(self._framing.output())
        self._take(items)
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._write)
                    nursery.start_soon(self._ping)
                    nursery.start_soon(self._expire)
                    await self._read()
                    self._scope.cancel()
        except* (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._session.vanish(None)
            await self._hang_up()

    async def _hang_up(self) -> None:
        if self._how is How.RESET:
            transport = self._stream.transport_stream if isinstance(self._stream, trio.SSLStream) else self._stream
            if isinstance(transport, trio.SocketStream):
                # Lingering for no time at all is how one asks for a reset.
                transport.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if self._polite:
            with trio.move_on_after(self._timing.close, shield=True):
                await self._stream.aclose()
        await trio.aclose_forcefully(self._stream)
