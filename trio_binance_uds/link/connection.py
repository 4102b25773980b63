"""One WebSocket connection: its loops, and requests that each resolve once.

Four tasks run as long as the connection lives, in one nursery:

* the *receive loop* alone resolves calls and hands out events; it never waits for the application;
* the *writer* alone writes; a caller's cancel scope therefore never reaches the socket, where cancelling a TLS
  write would break the connection and cancelling a plain one would leave half a frame;
* the *keepalive* proves by ping and pong that the other side is still there;
* the *timekeeper* gives up calls that get no answer in time.

A call waits until the writer takes it, together with all others that wait. Before that nothing is sent, after that
the venue may act. When the connection ends, every call that is still open is resolved in one place, once the tasks are
gone: those which never reached the socket as :exc:`NotConnected`, the others as :exc:`OutcomeUnknown`.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import attrs
import trio

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.errors import ClockSkew, NotConnected, RateLimited, RequestError
from trio_binance_uds.events import Event
from trio_binance_uds.link.calls import Auth, Call, Calls, not_connected
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.left_alone import Bar
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.outcomes import outcome, refusal, unknown
from trio_binance_uds.link.request_counts import RequestCounts
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import Ping, Pong, Transport, TransportClosed
from trio_binance_uds.link.usage import Usage
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.nurseries import start
from trio_binance_uds.products import Product
from trio_binance_uds.wire.decode import frame_decoder
from trio_binance_uds.wire.frames import ConnectionFault, RateLimit, Response
from trio_binance_uds.wire.methods import client_order_ids, is_signed, may_be_repeated, with_order_id
from trio_binance_uds.wire.order_names import naming_order
from trio_binance_uds.wire.requests import Streams, encode_request, sign_ws_params, stamp_ws_params

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

# For so many frames of one read other tasks get one turn: what a consumer reads in one turn.
_FRAMES_PER_TURN = 64
# A connection that reports so many errors that belong to no request is broken; each is a line in the log.
_MOST_FAULTS = 1000


class PongMissing(Exception):
    """The other side did not answer a ping in time: the connection is taken for dead."""


@attrs.define(eq=False)
class ConnectionStatistics:
    """Counts of one connection."""

    calls_sent: int = 0
    late_answers: int = 0
    faults: int = 0


class Connection:
    """One WebSocket connection to the WebSocket API.

    ``on_event`` is called, synchronously, for each event in the order of arrival, and ``on_batch_end`` when all
    that was in memory has been handed out, with the time of trio's clock. The events are marked with the name of
    the ``stream``.
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
        on_batch_end: Callable[[float], None],
        on_size: Callable[[int], None] = lambda size: None,
        stream: str | None = None,
        bar: Bar | None = None,
        masker: Masker | None = None,
        questions: RequestCounts | None = None,
    ) -> None:
        self._transport = transport
        self._questions = questions or RequestCounts()
        self._masker = masker or Masker(credentials)
        self._decode = frame_decoder(product, stream)
        self._credentials = credentials
        self._clock = clock
        self._timeouts = timeouts
        self._on_event = on_event
        self._on_batch_end = on_batch_end
        self._on_size = on_size
        self._bar = bar or Bar()
        self.usage: Usage = Usage(clock)
        self._last_limits: Any = None
        self._newest_limits: Any = None
        self._calls = Calls(timeouts.answer)
        self._order_ids = client_order_ids()
        self._pings: list[Ping] = []  # to be sent
        self._idle_writer = trio.lowlevel.ParkingLot()
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
                    for task in (self._receive_loop, self._writer, self._keepalive, self._timekeeper, opening):
                        start(nursery, self._guarded, task)
        finally:
            self._resolve_all()
        assert self._ended_by is not None, "only an end or a cancellation leaves the nursery"
        return self._ended_by

    def end(self, cause: Exception) -> None:
        """End the connection for this reason; the first reason stands."""
        if self._ended_by is None:
            self._ended_by = cause
            self._scope.cancel()

    async def request(
        self, method: str, params: Mapping[str, Any] | None = None, counts: RequestCounts | None = None
    ) -> Any:
        """Call a WebSocket API method and return its ``result``.

        It is counted as one of the stream's own, unless other ``counts`` are given.

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
        auth = Auth.NONE
        if is_signed(method):
            auth = Auth.SESSION if self.logged_on else Auth.SIGNATURE
        return await self._request(method, params or {}, auth, counts or self._questions)

    async def ask(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Like :meth:`request`, for the stream's own questions: nothing is sent while the venue wants to be left alone.

        Raises:
            RateLimited: the time has not come; or as for :meth:`request`.
        """
        self._bar.check(method)
        try:
            return await self.request(method, params)
        finally:
            # An answer to anybody else's request that came after ours says as much.
            self.usage.note_frame(self._last_limits)

    async def signed_request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Like :meth:`request`, with a signature of its own whether logged on or not."""
        return await self._request(method, params or {}, Auth.SIGNATURE, self._questions)

    async def control(self, method: str, *streams: str) -> Any:
        """Send a control message of a stream's socket, such as ``LIST_SUBSCRIPTIONS``, and return its ``result``.

        ``SUBSCRIBE`` names the streams that it is about.

        It resolves as a request does; an answer to it has no status.

        Raises:
            NotConnected: the connection is gone; nothing was sent.
            OutcomeUnknown: the connection was lost after sending, no answer came in time, or it is an error.
            ApiError: the answer has the status of a refusal: the other side is a WebSocket API and no stream's socket.

        Source: Binance USD-M Futures, "Websocket Market Streams", "Live Subscribing/Unsubscribing" (2026-05-28).
        """
        with self._questions.counted():
            response = await self._answer(method, Streams(dict.fromkeys(streams)), Auth.NONE)
            if response.error is not None and response.status:
                raise refusal(method, response.status, response.error, self._clock.seconds(trio.current_time()))
            if response.error is not None:
                raise unknown(method, None, f"the answer is an error with code {response.error.code}")
            return response.result

    async def measure_clock(self) -> None:
        """Ask for the venue's time and let the clock go by it."""
        asked_at = trio.current_time()
        result = await self._call("time", {}, Auth.NONE, self._questions)
        if not self._clock.learn(asked_at, trio.current_time(), result):
            raise unknown("time", None, "its answer has no serverTime that can be")

    async def ping(self) -> None:
        """Return once the other side has answered a ping: all that it sent before has then been handed out.

        Raises:
            NotConnected: the connection is gone.
        """
        self._pings_sent += 1
        payload = b"%d" % self._pings_sent
        answered = self._pongs[payload] = trio.Event()
        try:
            if self._ended:
                await trio.lowlevel.checkpoint_if_cancelled()
                raise not_connected("ping")
            self._pings.append(Ping(payload))
            self._idle_writer.unpark()
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
        return len(self._calls)

    async def wait_idle(self) -> None:
        """Return once no request waits for its answer."""
        await self._calls.wait_none()

    # What the callers' tasks do.

    @property
    def rate_limits(self) -> tuple[RateLimit, ...]:
        """The limits of the WebSocket API and how much of them is used, as the last answer that has them says."""
        return Response(id=0, status=0, rate_limit_entries=self._newest_limits).rate_limits

    async def _request(self, method: str, params: Mapping[str, Any], auth: Auth, counts: RequestCounts) -> Any:
        try:
            return await self._call(method, params, auth, counts)
        except ClockSkew:
            self._clock.note_refused_timestamp()
            with suppress(RequestError):  # The refusal stands whatever comes of this.
                await self.measure_clock()
            if not may_be_repeated(method):
                raise
            return await self._call(method, params, auth, counts)

    async def _call(self, method: str, params: Mapping[str, Any], auth: Auth, counts: RequestCounts) -> Any:
        params, client_order_id = with_order_id(method, params, self._order_ids)
        try:
            with counts.counted():
                response = await self._answer(method, params, auth, client_order_id)
                return outcome(method, response, client_order_id, self._venue_now(), masker=self._masker)
        except RequestError as error:
            if isinstance(error, RateLimited):
                self._bar.note(error)
            raise naming_order(error, method, params)  # noqa: B904  # it is the same one

    def _venue_now(self) -> float:
        """Return the venue's time, in seconds since the epoch."""
        return self._clock.seconds(trio.current_time())

    async def _answer(
        self, method: str, params: Mapping[str, Any], auth: Auth, client_order_id: str | None = None
    ) -> Response:
        await trio.lowlevel.checkpoint_if_cancelled()  # A caller who is cancelled already sends nothing.
        if self._ended:
            raise not_connected(method)
        call = self._calls.begin(method, params, auth, client_order_id)
        self._idle_writer.unpark()
        try:
            await call.resolved.wait()
        finally:
            self._calls.leave(call)
        if call.error is not None:
            raise call.error
        assert call.response is not None
        self._last_limits = call.response.rate_limit_entries
        # Not every answer has them.
        self._newest_limits = self._last_limits or self._newest_limits
        return call.response

    # What the connection's own tasks do.

    async def _guarded(self, task: Callable[[], Awaitable[None]]) -> None:
        """Run a task of ours so that its failure ends the connection and is told, whatever it is."""
        try:
            await task()
        except Exception as error:
            self.end(error)

    async def _receive_loop(self) -> None:
        receive, decode, on_event = self._transport.receive, self._decode, self._on_event
        while True:
            items = await receive()
            others = 0
            for item in items:
                if type(item) is Pong:
                    self._on_pong(item)
                    others += len(item)
                    continue
                value = decode(item)  # type: ignore[arg-type]  # narrowed by type() above
                if isinstance(value, Event):
                    on_event(value)
                elif isinstance(value, Response):
                    self._on_response(value)
                    others += len(item)
                else:
                    self._on_fault(value)
                    others += len(item)
            self._on_size(sum(map(len, items)) - others)
            now = self.heard_at = trio.current_time()
            self._on_batch_end(now)
            if self._transport.owes_output:
                self._idle_writer.unpark()
            # A consumer reads at most so many events in its turn. It must get as many turns as it needs for these, or
            # in a burst a buffer overflows although its consumer is fast enough.
            for _ in range(len(items) // _FRAMES_PER_TURN):
                await trio.lowlevel.checkpoint()

    async def _writer(self) -> None:
        transport, calls = self._transport, self._calls
        while True:
            while not (calls.are_waiting or self._pings or transport.owes_output):
                await self._idle_writer.park()
            # From here to the call of send() there is no checkpoint: what is marked as sent is being sent.
            pings, self._pings = self._pings, []
            texts = [text for call in calls.take_waiting() if (text := self._written(call)) is not None]
            await transport.send([*texts, *pings])

    def _written(self, call: Call) -> str | None:
        """Return the frame of a call that is about to be sent, or resolve it."""
        try:
            params = self._authenticated(call)
            text = encode_request(self._calls.next_id, call.method, params)
        except Exception as error:  # The caller's parameters: the caller hears of it, nobody else.
            call.resolve(error=error)
            return None
        self._masker.add_from(params)
        self._calls.mark_sent(call)
        self.statistics.calls_sent += 1
        return text

    def _authenticated(self, call: Call) -> Mapping[str, Any]:
        if call.auth is Auth.NONE:
            return call.params
        if call.auth is Auth.SESSION:
            return stamp_ws_params(call.params, self._clock.epoch_ms())
        return sign_ws_params(self._credentials, call.params, self._clock.epoch_ms())

    async def _keepalive(self) -> None:
        while True:
            await trio.sleep(self._timeouts.ping_interval)
            with trio.move_on_after(self._timeouts.pong) as scope:
                await self.ping()
            if scope.cancelled_caught:
                raise PongMissing(f"no pong came within {self._timeouts.pong:g} s")

    async def _timekeeper(self) -> None:
        while True:
            due = self._calls.expire()
            await trio.sleep_until(due)

    def _on_pong(self, pong: Pong) -> None:
        waiting = self._pongs.get(pong.payload)
        if waiting is not None:
            waiting.set()

    def _on_response(self, response: Response) -> None:
        if not self._calls.answered(response):
            self.statistics.late_answers += 1
            log.debug("an answer with status %s came after its caller had left", response.status)

    def _on_fault(self, fault: ConnectionFault) -> None:
        """Take in an error that carries no id. With status 401 it is the key of the session that was refused."""
        self.statistics.faults += 1
        error = refusal("session", fault.status, fault.error, self._venue_now(), masker=self._masker)
        if fault.status == 401:
            self._calls.session_refused(fault, error, self._venue_now(), self._masker)
            self.end(error)
            return
        if self.statistics.faults > _MOST_FAULTS:
            self.end(TransportClosed(None, f"the venue has reported more than {_MOST_FAULTS} errors of the connection"))
            return
        log.warning("the venue reports an error of the connection: %s", error)
        self._bar.note(error)
        if fault.status in (418, 429):
            self.end(error)

    def _resolve_all(self) -> None:
        """Resolve what is still open. Only after the nursery: before, an answer could still come."""
        self._ended = True
        self._calls.connection_ended(self._ended_by)
        for answered in self._pongs.values():
            answered.set()
