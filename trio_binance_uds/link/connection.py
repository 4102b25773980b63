"""One WebSocket connection: its loops, and requests that each resolve once.

Three tasks run as long as the connection lives, in one nursery:

* the *receive loop* alone resolves calls and hands out events; it never waits for the application;
* the *writer* alone writes; a caller's cancel scope therefore never reaches the socket, where cancelling a TLS
  write would break the connection and cancelling a plain one would leave half a frame;
* the *keepalive* proves by ping and pong that the other side is still there.

A call passes to the writer over a zero-capacity channel. Before that nothing is sent, after that the venue may
act. When the connection ends, every call that is still open is resolved in one place, once the tasks are gone:
those which never reached the socket as :exc:`NotConnected`, the others as :exc:`OutcomeUnknown`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from enum import Enum
from typing import Any

import attrs
import trio

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.errors import ClockSkew, NotConnected
from trio_binance_uds.events import Event
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.outcomes import outcome, refusal, unknown
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import Ping, Pong, Transport
from trio_binance_uds.products import Product
from trio_binance_uds.wire.decode import decode_frame
from trio_binance_uds.wire.frames import ConnectionFault, Response
from trio_binance_uds.wire.methods import is_signed, may_be_repeated, with_order_id
from trio_binance_uds.wire.requests import encode_request, sign_ws_params, stamp_ws_params

log: logging.Logger = logging.getLogger(__name__)

# For so many frames of one read other tasks get one turn: what a consumer reads in one turn.
_FRAMES_PER_TURN = 64


class PongMissing(Exception):
    """The other side did not answer a ping in time: the connection is taken for dead."""


class _Auth(Enum):
    NONE = "none"
    SESSION = "session"
    SIGNATURE = "signature"


@attrs.define(eq=False)
class _Call:
    """One request on its way. It is done when ``answered`` is set; ``error`` or else ``response`` then says how."""

    method: str
    params: Mapping[str, Any]
    auth: _Auth
    client_order_id: str | None
    answered: trio.Event = attrs.field(factory=trio.Event)
    id: int | None = None
    abandoned: bool = False
    response: Response | None = None
    error: Exception | None = None

    def resolve(self, *, response: Response | None = None, error: Exception | None = None) -> None:
        assert not self.answered.is_set(), "a call resolves exactly once"
        self.response, self.error = response, error
        self.answered.set()


class _Flush:
    """To the writer: the transport owes output, most likely a pong."""


@attrs.define(eq=False)
class ConnectionStatistics:
    """Counts of one connection."""

    calls_sent: int = 0
    late_answers: int = 0
    faults: int = 0


class Connection:
    """One WebSocket connection to the WebSocket API.

    ``on_event`` is called, synchronously, for each event in the order of arrival, and ``on_batch_end`` when all
    that was in memory has been handed out.
    """

    def __init__(
        self,
        transport: Transport,
        product: Product,
        credentials: Credentials,
        clock: ServerClock,
        timeouts: Timeouts,
        *,
        on_event: Callable[[Event], None],
        on_batch_end: Callable[[], None],
    ) -> None:
        self._transport = transport
        self._product = product
        self._credentials = credentials
        self._clock = clock
        self._timeouts = timeouts
        self._on_event = on_event
        self._on_batch_end = on_batch_end
        self._to_writer, self._from_callers = trio.open_memory_channel[_Call | Ping | _Flush](0)
        self._calls: dict[int, _Call] = {}
        # Requests of the session that were written and not answered, those of cancelled callers included.
        self._session_call_ids: set[int] = set()
        self._open_calls = 0
        self._call_closed = trio.Event()
        self._next_id = 1
        self._pings_sent = 0
        self._pongs: dict[bytes, trio.Event] = {}
        self._scope = trio.CancelScope()
        self._ended_by: Exception | None = None
        self._ended = False
        self.logged_on: bool = False
        self.statistics: ConnectionStatistics = ConnectionStatistics()
        # The last moment of trio's clock at which anything arrived: all that the venue sent before it has arrived too.
        self.heard_at: float = trio.current_time()

    async def serve(self, opening: Callable[[], Awaitable[None]]) -> Exception:
        """Run the connection until it ends, and return why it did.

        ``opening`` runs beside the loops, to log on and subscribe; an exception from it ends the connection.
        Cancelling ends the connection at once, and nothing that it started goes on.
        """
        try:
            with self._scope:
                async with trio.open_nursery() as nursery:
                    for task in (self._receive_loop, self._writer, self._keepalive, opening):
                        nursery.start_soon(self._guarded, task)
        finally:
            self._resolve_all()
        assert self._ended_by is not None, "only an end or a cancellation leaves the nursery"
        return self._ended_by

    def end(self, cause: Exception) -> None:
        """End the connection for this reason; the first reason stands."""
        if self._ended_by is None:
            self._ended_by = cause
            self._scope.cancel()

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Call a WebSocket API method and return its ``result``.

        It is time-stamped, and signed where needed, at the moment of writing. An order or order list without a
        client order id gets one, so that it can be looked up if its answer is lost. A refused timestamp leads to
        a new look at the venue's clock and, where asking twice does no harm, to one more try.

        Cancelling is safe at any point. Before the request is handed to the writer nothing is sent; after that
        the venue may still act on it, and its answer is discarded and counted.

        Raises:
            NotConnected: the connection is gone; nothing was sent.
            OutcomeUnknown: the connection was lost after sending, no answer came in time, or the answer says
                that the venue does not know either.
            ApiError: the venue refused.
            ValueError, TypeError: a parameter cannot be sent as it is; nothing was sent.

        Source: Binance Spot, WebSocket API, "Request format", "Response format", "Status codes" (2026-07-21).
        """
        auth = _Auth.NONE
        if is_signed(method):
            auth = _Auth.SESSION if self.logged_on else _Auth.SIGNATURE
        return await self._request(method, params or {}, auth)

    async def signed_request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Like :meth:`request`, with a signature of its own whether logged on or not."""
        return await self._request(method, params or {}, _Auth.SIGNATURE)

    async def measure_clock(self) -> None:
        """Ask for the venue's time and let the clock go by it."""
        asked_at = trio.current_time()
        result = await self._call("time", {}, _Auth.NONE)
        server_ms = result.get("serverTime") if isinstance(result, dict) else None
        if type(server_ms) is not int or not 0 < server_ms < 10**14:
            raise unknown("time", None, "its answer has no serverTime in milliseconds")
        self._clock.learn(asked_at, trio.current_time(), server_ms)

    async def ping(self) -> None:
        """Return once the other side has answered a ping: all that it sent before has then been handed out.

        Raises:
            NotConnected: the connection is gone.
        """
        self._pings_sent += 1
        payload = b"%d" % self._pings_sent
        answered = self._pongs[payload] = trio.Event()
        try:
            await self._hand_over(Ping(payload), "ping")
            await answered.wait()
        finally:
            del self._pongs[payload]
        if self._ended:
            raise NotConnected("the connection ended before the pong", method="ping")

    @property
    def has_ended(self) -> bool:
        """Whether the connection is over; what it still had to say was that its calls are lost."""
        return self._ended

    @property
    def open_calls(self) -> int:
        """How many requests wait for their answers, those not yet written included."""
        return self._open_calls

    async def wait_idle(self) -> None:
        """Return once no request waits for its answer."""
        while self._open_calls:
            await self._call_closed.wait()

    # What the callers' tasks do.

    async def _request(self, method: str, params: Mapping[str, Any], auth: _Auth) -> Any:
        try:
            return await self._call(method, params, auth)
        except ClockSkew:
            await self.measure_clock()
            if not may_be_repeated(method):
                raise
            return await self._call(method, params, auth)

    async def _call(self, method: str, params: Mapping[str, Any], auth: _Auth) -> Any:
        params, client_order_id = with_order_id(method, params)
        call = _Call(method, params, auth, client_order_id)
        answered = False
        self._open_calls += 1
        try:
            with trio.move_on_after(self._timeouts.answer):
                await self._hand_over(call, method)
                await call.answered.wait()
                answered = True
        finally:
            call.abandoned = True
            if call.id is not None:
                self._calls.pop(call.id, None)
            self._open_calls -= 1
            if not self._open_calls:
                self._call_closed.set()
                self._call_closed = trio.Event()
        if not answered:
            if call.id is None:
                raise NotConnected(f"{method} was not sent: the connection does not take it", method=method)
            raise unknown(method, client_order_id, f"no answer came within {self._timeouts.answer:g} s")
        if call.error is not None:
            raise call.error
        assert call.response is not None
        return outcome(method, call.response, client_order_id)

    async def _hand_over(self, item: _Call | Ping, method: str) -> None:
        try:
            await self._to_writer.send(item)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise NotConnected(f"{method} was not sent: there is no connection", method=method) from None

    # What the connection's own tasks do.

    async def _guarded(self, task: Callable[[], Awaitable[None]]) -> None:
        """Run a task of ours so that its failure ends the connection and is told, whatever it is."""
        try:
            await task()
        except Exception as error:
            self.end(error)

    async def _receive_loop(self) -> None:
        receive, product, on_event = self._transport.receive, self._product, self._on_event
        while True:
            items = await receive()
            for item in items:
                if type(item) is Pong:
                    self._on_pong(item)
                    continue
                value = decode_frame(item, product)  # type: ignore[arg-type]  # narrowed by type() above
                if isinstance(value, Event):
                    on_event(value)
                elif isinstance(value, Response):
                    self._on_response(value)
                else:
                    self._on_fault(value)
            self.heard_at = trio.current_time()
            self._on_batch_end()
            if self._transport.owes_output:
                # A busy writer is not told: it looks for output that is owed before it waits again.
                with suppress(trio.WouldBlock):
                    self._to_writer.send_nowait(_Flush())
            # A consumer reads at most so many events in its turn. It must get as many turns as it needs for these, or
            # in a burst a buffer overflows although its consumer is fast enough.
            for _ in range(len(items) // _FRAMES_PER_TURN):
                await trio.lowlevel.checkpoint()

    async def _writer(self) -> None:
        transport, inbox = self._transport, self._from_callers
        while True:
            items = [await inbox.receive()]
            while True:
                try:
                    items.append(inbox.receive_nowait())
                except trio.WouldBlock:
                    break
            # From here to the call of send() there is no checkpoint: what is marked as sent is being sent.
            await transport.send([ready for item in items for ready in self._outgoing(item)])
            while transport.owes_output:
                await transport.send(())

    def _outgoing(self, item: _Call | Ping | _Flush) -> Sequence[str | Ping]:
        if isinstance(item, Ping):
            return (item,)
        if isinstance(item, _Flush) or item.abandoned:
            return ()
        number = self._next_id
        try:
            text = encode_request(number, item.method, self._authenticated(item))
        except Exception as error:  # The caller's parameters: the caller hears of it, nobody else.
            item.resolve(error=error)
            return ()
        self._next_id += 1
        item.id = number
        self._calls[number] = item
        if item.auth is _Auth.SESSION:
            self._session_call_ids.add(number)
        self.statistics.calls_sent += 1
        return (text,)

    def _authenticated(self, call: _Call) -> Mapping[str, Any]:
        if call.auth is _Auth.NONE:
            return call.params
        if call.auth is _Auth.SESSION:
            return stamp_ws_params(call.params, self._clock.epoch_ms())
        return sign_ws_params(self._credentials, call.params, self._clock.epoch_ms())

    async def _keepalive(self) -> None:
        while True:
            await trio.sleep(self._timeouts.ping_interval)
            with trio.move_on_after(self._timeouts.pong) as scope:
                await self.ping()
            if scope.cancelled_caught:
                raise PongMissing(f"no pong came within {self._timeouts.pong:g} s")

    def _on_pong(self, pong: Pong) -> None:
        waiting = self._pongs.get(pong.payload)
        if waiting is not None:
            waiting.set()

    def _on_response(self, response: Response) -> None:
        number = response.id
        call = self._calls.pop(number, None) if type(number) is int else None
        if type(number) is int:
            self._session_call_ids.discard(number)
        if call is None:
            self.statistics.late_answers += 1
            log.debug("an answer with status %s came after its caller had left", response.status)
        else:
            call.resolve(response=response)

    def _on_fault(self, fault: ConnectionFault) -> None:
        """Take in an error that carries no id.

        With status 401 the key of the session was refused, in reaction to a request of the session which then
        gets no answer of its own. Where only one was open, it was that one. Where several were, nobody can say
        which of the others were carried out.
        """
        self.statistics.faults += 1
        error = refusal("session", fault.status, fault.error)
        if fault.status != 401:
            log.warning("the venue reports an error of the connection: %s", error)
            if fault.status in (418, 429):
                self.end(error)
            return
        open_numbers = sorted(self._session_call_ids)
        self._session_call_ids.clear()
        for number in open_numbers:
            call = self._calls.pop(number, None)
            if call is None:
                continue
            if len(open_numbers) == 1:
                call.resolve(error=refusal(call.method, fault.status, fault.error))
            else:
                lost = unknown(call.method, call.client_order_id, "the key was refused while it was open")
                lost.__cause__ = error
                call.resolve(error=lost)
        self.end(error)

    def _resolve_all(self) -> None:
        """Resolve what is still open. Only after the nursery: the writer must not be woken by a closed channel."""
        self._ended = True
        cause = self._ended_by
        self._from_callers.close()
        calls, self._calls = list(self._calls.values()), {}
        for call in calls:
            lost = unknown(call.method, call.client_order_id, "the connection was lost before an answer came")
            lost.__cause__ = cause
            call.resolve(error=lost)
        for answered in self._pongs.values():
            answered.set()
