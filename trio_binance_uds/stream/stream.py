"""The stream that the user reads, and the request channel beside it."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import attrs
import trio

from trio_binance_uds.errors import NotConnected
from trio_binance_uds.events import Event, GapCause, Notice
from trio_binance_uds.link.plan import LinkPlan
from trio_binance_uds.link.request_counts import RequestStatistics
from trio_binance_uds.products import Product
from trio_binance_uds.stream.blind import Blind, BlindReason
from trio_binance_uds.stream.record import LinkRecord
from trio_binance_uds.stream.supervisor import Supervisor
from trio_binance_uds.tracebacks import forget_locals
from trio_binance_uds.wire.frames import RateLimit
from trio_binance_uds.wire.methods import is_owned_by_stream
from trio_binance_uds.wire.order_names import naming_order
from trio_binance_uds.wire.requests import MaskedParams


@attrs.frozen(kw_only=True)
class StreamStatistics:
    """What has happened since the stream was opened. Times are the venue's, in UTC; a number of seconds says so.

    Attributes:
        stream: the name of the stream.
        blind_since, blind_reason: since when nothing can be delivered, and why; ``None`` while events are delivered.
            See :attr:`UserDataStream.blind`.
        connected_since: when the venue acknowledged the subscription that delivers now; ``None`` while there is none.
        proven_at: when the subscription was last proven to be alive, by an event that can be read or by asking the
            venue. The age of the last event says nothing; this does. ``None`` while the stream is :class:`Unproven`.
        is_baseline_known: whether it is known what was there before the stream began. Until it is, no gap can be proven
            complete; without recovery it never is.
        lease_expires_at: when the listen key, or the first of the listen tokens, ends unless it is renewed, which it is
            long before; ``None`` where there is none.
        links_opened: how many subscriptions were acknowledged, the first included.
        links: the last hundred of them, and why each ended.
        attempts: attempts to connect so far, the first and those before a rollover included.
        attempts_failed: attempts to connect that have failed so far, those before a rollover included.
        last_failure, last_failure_at: why the last of them failed, for people, and when; ``None`` while none has.
        next_attempt_at: when the next attempt begins; ``None`` while one is under way or none is needed.
        blind_seconds: for how long events may have been missed, over all gaps and in the present blindness.
        gaps_complete: gaps of which it is proven that nothing is missing any more.
        gaps_incomplete: gaps of which it is not.
        gaps_by_cause: all gaps, by their causes; a cause of which there was none is not in it.
        recoveries: how often the venue was asked what had been missed. One that a loss has cut short does not count.
        recovery_seconds: how long these have taken, all together; events wait meanwhile.
        last_recovery_seconds: how long the last of them took; ``None`` before there was one.
        events_delivered: events that the consumer has received, recovered ones included.
        events_recovered: those of them that were recovered.
        events_with_faults: events that lacked a member which the venue documents, or had one that could not be read;
            see :attr:`Event.faults`. Those that were shed are not counted.
        events_undecodable: events of which not even what they are about could be read, and frames that are no JSON:
            delivered as :class:`UndecodableEvent`.
        events_shed: events discarded because the consumer was slow; each lies in a :class:`Gap`.
        echoes_dropped: events dropped because they had been delivered already, by another connection or recovered.
        events_repeated: reports dropped because the venue sent the same one twice on one connection.
        fills_renumbered: fills dropped because they came again under another execution id. Above 0, two connections
            do not number events alike, which the guarantee assumes: other events may have been delivered twice.
        buffered_bytes, max_buffer_bytes: how big the frames are of what waits now, and how big they may be.
        buffered, max_buffer: what waits for the consumer now, and what may; recovered events find room beyond that.
        consumer_lag_seconds: how long the oldest of what waits has been waiting.
        latency_seconds: from the event time that the venue states to the arrival here, of the last event of the last
            read from the socket; ``None`` before the first event. It is as exact as the venue's clock is known.
        requests: what has become of the requests of :meth:`UserDataStream.request`.
        questions: what has become of the stream's own requests: for its subscription, its proofs and its recoveries.
        open_requests: requests that wait for an answer on the present connection.
        late_answers: answers on the present connection whose callers had left.
        clock_offset_seconds: by how much this machine's wall clock was ahead of the venue's when the venue's was last
            measured; negative where it was behind, and ``None`` while the venue has not stated its time.
        clock_uncertainty_seconds: by how much the venue's time, as :meth:`UserDataStream.now` returns it, may be wrong
            to either side; ``None`` while the venue has not stated its time.
        rest_weights_used: how much of the limits of the REST API is used, by the header that said so last, such as
            ``x-mbx-used-weight-1m``; everything behind the same address shares them.
        rate_limits: the limits of the WebSocket API and how much of each is used, as the last answer on the present
            connection says; empty where it has none.
        weight_per_minute: how much weight the venue allows an address in a minute for what recovery asks; ``None``
            where it can be asked nothing.
        left_alone_until: until when nothing is asked, as the venue wants to be left alone (429, 418); ``None`` where it
            may be asked.
    """

    stream: str
    blind_since: datetime | None
    blind_reason: BlindReason | str | None
    connected_since: datetime | None
    proven_at: datetime | None
    is_baseline_known: bool
    lease_expires_at: datetime | None
    links_opened: int
    links: tuple[LinkRecord, ...] = attrs.field(repr=False)
    attempts: int
    attempts_failed: int
    last_failure: str | None
    last_failure_at: datetime | None
    next_attempt_at: datetime | None
    blind_seconds: float
    gaps_complete: int
    gaps_incomplete: int
    gaps_by_cause: Mapping[GapCause, int] = attrs.field(repr=False)
    recoveries: int
    recovery_seconds: float
    last_recovery_seconds: float | None
    events_delivered: int
    events_recovered: int
    events_with_faults: int
    events_undecodable: int
    events_shed: int
    echoes_dropped: int
    events_repeated: int
    fills_renumbered: int
    buffered: int
    max_buffer: int
    buffered_bytes: int
    max_buffer_bytes: int
    consumer_lag_seconds: float
    latency_seconds: float | None
    requests: RequestStatistics = attrs.field(repr=False)
    questions: RequestStatistics = attrs.field(repr=False)
    open_requests: int
    late_answers: int
    clock_offset_seconds: float | None
    clock_uncertainty_seconds: float | None
    rest_weights_used: Mapping[str, int] = attrs.field(repr=False)
    rate_limits: tuple[RateLimit, ...] = attrs.field(repr=False)
    weight_per_minute: int | None
    left_alone_until: datetime | None


class UserDataStream(trio.abc.ReceiveChannel[Event | Notice]):
    """The events of one account, in order, each once, with what was lost marked where it was lost.

    It comes from :func:`open_user_data_stream`. Read it with ``async for``.
    """

    def __init__(self, plan: LinkPlan, supervisor: Supervisor) -> None:
        self._plan = plan
        self._supervisor = supervisor
        self._buffer = supervisor.buffer

    def __repr__(self) -> str:
        blind = self.blind
        state = "connected" if blind is None else f"blind since {blind.since:%Y-%m-%dT%H:%M:%SZ} ({blind.reason})"
        return f"<UserDataStream {self.name!r} of {self.product.name}: {state}, {self._buffer.held} items wait>"

    @property
    def name(self) -> str:
        """The name that its events, notices, statistics and log lines have; by default the product's."""
        return self._plan.name

    @property
    def product(self) -> Product:
        """What is streamed."""
        return self._plan.product

    @property
    def blind(self) -> Blind | None:
        """Since when nothing can be delivered, and why; ``None`` while events are delivered.

        It says how things are now, and not at the place in the stream that is being read: ``Disconnected`` or
        ``Shedding``, and the ``Gap`` that ends the blindness, may still wait in the buffer.
        """
        return self._supervisor.blind

    @property
    def blind_since(self) -> datetime | None:
        """The last moment at which nothing was missing, while nothing can be delivered; see :attr:`blind`."""
        blind = self._supervisor.blind
        return None if blind is None else blind.since

    @property
    def is_baseline_known(self) -> bool:
        """Whether it is known what was there before the stream began: only then can a gap be proven complete.

        It is on entering, unless the venue has not answered in time: then :class:`BaselineMissing` has been put into
        the stream, and :class:`BaselineKnown` follows. Without recovery it never is.
        """
        return self._supervisor.baseline.is_known

    async def receive(self) -> Event | Notice:
        """Return the next event or notice, waiting for one if there is none.

        A checkpoint. Cancelling it loses nothing: an event is taken only in the moment of its return. While
        events are waiting, other tasks are let in at least once in 64 events. Several tasks may receive; each
        event goes to one of them.

        Raises:
            StreamFailed: the stream has ended for good, and everything that was buffered has been received. Its
                ``__cause__`` is the reason.
            trio.ClosedResourceError: this end was closed, or the ``async with`` block has been left.
        """
        return await self._buffer.receive()

    if TYPE_CHECKING:

        async def __anext__(self) -> Event | Notice: ...
    else:

        def __anext__(self):
            # As the base class does it, with two coroutines less for each event: this stream ends by an error only.
            return self._buffer.receive()

    async def aclose(self) -> None:
        """Stop receiving; what is buffered is discarded. The connection stays until the block is left."""
        self._buffer.close()
        await trio.lowlevel.checkpoint()

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Call a WebSocket API method on the live connection and return its ``result``.

        That is for spot. The connection of a margin account is one of spot too, and takes only what needs no key; the
        sockets of all other products take no requests.

        ``apiKey``, ``timestamp`` and ``signature`` are added where the method needs them, at the moment of writing.
        Give amounts as strings or :class:`~decimal.Decimal`; a ``float`` is refused. An order, or a list of orders,
        that is placed without a client order id gets one.

        Cancelling is safe at any point. Before the request is handed to the writer nothing is sent; after that
        the venue may still act on it, and its answer is discarded.

        Raises:
            NotOffered: this product's connection does not take the request; nothing was sent.
            Retired: the venue has taken the method away; nothing was sent.
            NotConnected: there is no live connection for now; nothing was sent. It is not queued: a queued order is a
                stale order.
            StreamFailed: the stream has ended for good, by its ``__cause__``; nothing was sent.
            trio.ClosedResourceError: the ``async with`` block has been left; nothing was sent.
            OutcomeUnknown: it was sent, and the connection was lost, no answer came in time, or the venue does
                not know the outcome itself (5xx, -1006, -1007).
            ApiError: the venue refused; see ``code``.
            ValueError, TypeError: a parameter cannot be sent as it is, or the method would break the stream's
                own subscription; nothing was sent.

        Source: Binance Spot, WebSocket API, "Request format" and "Status codes" (2026-07-21).
        """
        # From here on no frame of ours shows a token or key that the caller has given.
        params = MaskedParams(params or {})
        handled = sys.exception()
        try:
            return await self._request(method, params)
        except Exception as error:
            forget_locals(error, handled=handled)
            raise

    async def _request(self, method: str, params: MaskedParams) -> Any:
        self._supervisor.check_open()
        if is_owned_by_stream(method):
            raise ValueError(f"{method} is called by the stream itself and would break it if called by anyone else")
        self._plan.opener.check_request(method)
        link = self._supervisor.active
        if link is None or link.connection is None:
            self._plan.requests.note_not_sent()
            error = NotConnected(f"{method} was not sent: there is no live connection now", method=method)
            raise naming_order(error, method, params)
        return await link.connection.request(method, params, self._plan.requests)

    def now(self) -> datetime:
        """Return the venue's time, as an aware ``datetime`` in UTC.

        It is measured when a link is opened and every hour after that, and goes on with trio's clock in between: the
        wall clock of this machine has no part in it. ``statistics().clock_uncertainty_seconds`` says how exact it is.
        """
        return self._plan.clock.now()

    def statistics(self) -> StreamStatistics:
        """Return counts of what has happened so far."""
        supervisor, buffer, record = self._supervisor, self._buffer, self._supervisor.record
        link, clock, tries = supervisor.active, self._plan.clock, supervisor.reconnecting
        connection = None if link is None else link.connection
        lease_ends_at = None if link is None else link.lease_ends_at
        blind, history, barred_until = supervisor.blind, self._plan.product.history, self._plan.left_alone_until
        latency = None
        if record.newest is not None:
            sent, came = record.newest
            latency = round(came - sent.timestamp(), 6)  # both are exact to a microsecond
        return StreamStatistics(
            stream=self._plan.name,
            blind_since=None if blind is None else blind.since,
            blind_reason=None if blind is None else blind.reason,
            connected_since=None if link is None or link.up_at is None else clock.at(link.up_at),
            proven_at=supervisor.proven_at,
            is_baseline_known=supervisor.baseline.is_known,
            lease_expires_at=None if lease_ends_at is None else clock.at(lease_ends_at),
            links_opened=record.links_up,
            links=record.links,
            attempts=supervisor.attempts,
            attempts_failed=tries.attempts_failed,
            last_failure=tries.last_failure,
            last_failure_at=tries.last_failure_at,
            next_attempt_at=None if tries.next_attempt_at is None else clock.at(tries.next_attempt_at),
            blind_seconds=supervisor.blind_seconds,
            gaps_complete=record.gaps_complete,
            gaps_incomplete=record.gaps_incomplete,
            gaps_by_cause=dict(record.gaps_by_cause),
            recoveries=record.recoveries,
            recovery_seconds=record.recovery_seconds,
            last_recovery_seconds=record.last_recovery_seconds,
            events_delivered=buffer.delivered,
            events_recovered=buffer.recovered,
            events_with_faults=record.with_faults,
            events_undecodable=record.undecodable,
            events_shed=buffer.shed,
            echoes_dropped=supervisor.delivery.echoes,
            events_repeated=record.repeated,
            fills_renumbered=record.renumbered,
            buffered=buffer.held,
            max_buffer=buffer.size,
            buffered_bytes=buffer.held_bytes,
            max_buffer_bytes=buffer.max_bytes,
            consumer_lag_seconds=buffer.lag,
            latency_seconds=latency,
            requests=self._plan.requests.so_far,
            questions=self._plan.questions.so_far,
            open_requests=0 if connection is None else connection.open_calls,
            late_answers=0 if connection is None else connection.statistics.late_answers,
            clock_offset_seconds=clock.wall_ahead,
            clock_uncertainty_seconds=clock.uncertainty.total_seconds() if clock.is_measured else None,
            rest_weights_used=self._plan.used_weights,
            rate_limits=() if connection is None else connection.rate_limits,
            weight_per_minute=None if history is None else history.weight_per_minute,
            left_alone_until=None if barred_until is None else clock.at(barred_until),
        )
