"""One live subscription on a connection of its own, from before the dialling to its end.

A link tells the supervisor what happens to it by reports, which are plain values: :class:`LinkUp` once,
:class:`ShutdownAnnounced` and :class:`LeaseEndangered` perhaps, :class:`LinkEnded` always and last. Its events go to
``accept``. How its subscription comes about and stays alive is its opener's business; the life of a link is always the
same.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from functools import partial

import attrs
import trio

from trio_binance_uds.errors import AuthenticationFailed, ConnectFailed, NotConnected, RequestError
from trio_binance_uds.events import Event, ServerShutdown
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.intake import Intake, SubscriptionEnded
from trio_binance_uds.link.lease import Lease
from trio_binance_uds.link.left_alone import ban_in
from trio_binance_uds.link.openers.contract import Subscription, look_at_the_clock
from trio_binance_uds.link.plan import LinkPlan
from trio_binance_uds.link.transport import TransportClosed, open_transport
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.nurseries import start
from trio_binance_uds.tracebacks import forget_locals

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

MAX_MESSAGE_SIZE = 16 * 2**20
# So many proofs of life in a row may be refused for the key before the link is given up, and so soon they are repeated.
_REFUSED_CHECKS = 3
_RECHECK_SECONDS = 5.0


@attrs.define(eq=False)
class Link:
    """One link, as the supervisor knows it. Only its own task writes to it, :meth:`retire` apart."""

    number: int
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    subscription: Subscription | None = None
    connection: Connection | None = None
    up_at: float | None = None
    # The last moment of trio's clock at which the subscription was shown to be alive, by an event or by asking.
    proven_at: float = 0.0
    has_brought_events: bool = False
    leaving: bool = False

    @property
    def unproven(self) -> str:
        """Why nothing has shown so far that its socket brings the account's events; empty where something has."""
        return "" if self.subscription is None or self.has_brought_events else self.subscription.unproven

    def retire(self) -> None:
        """End the link without further ado."""
        self.scope.cancel()

    @property
    def lease_ends_at(self) -> float | None:
        """The moment of trio's clock at which the first of its leases ends, or ``None`` where there is none."""
        leases = () if self.subscription is None else self.subscription.leases
        return min((lease.until for lease in leases), default=None)

    async def prove(self) -> bool:
        """Whether the subscription stands and everything that the venue sent before has arrived.

        The answer about the subscription says the one. Whether events can overtake an answer or lag behind it is
        not documented, so a ping that follows says the other.
        """
        if self.connection is None or self.subscription is None:
            return False
        asked_at = trio.current_time()
        try:
            if not await self.subscription.is_alive(self.connection):
                return False
            await self.connection.ping()
        except (RequestError, SubscriptionEnded):
            return False
        self.proven_at = max(self.proven_at, asked_at)
        return True

    async def leave(self, grace: float) -> None:
        """Give the subscription up politely and end the link; at the latest after ``grace`` seconds."""
        self.leaving = True
        try:
            with trio.move_on_after(grace):
                if self.connection is not None and self.subscription is not None:
                    await self.subscription.leave(self.connection)
        except RequestError as error:
            log.debug("link %d could not unsubscribe: %s", self.number, error)
        finally:
            self.retire()


@attrs.frozen
class LinkUp:
    """The venue has acknowledged the link's subscription."""

    link: Link


@attrs.frozen
class ShutdownAnnounced:
    """The venue is about to close the link's connection."""

    link: Link


@attrs.frozen
class LeaseEndangered:
    """A listen key or token of the link is about to end and could not be renewed; ``why`` is for people."""

    link: Link
    lease: Lease
    why: str


@attrs.frozen
class CredentialsDenied:
    """The venue has refused the key or the signature of one of the stream's own questions, more than once."""

    error: AuthenticationFailed


@attrs.frozen
class LinkEnded:
    """The link is over; ``cause`` is ``None`` when it was retired."""

    link: Link
    cause: Exception | None


Report = LinkUp | ShutdownAnnounced | LeaseEndangered | CredentialsDenied | LinkEnded


async def run_link(
    link: Link,
    plan: LinkPlan,
    *,
    report: Callable[[Report], None],
    accept: Callable[[Link, Event], None],
    on_batch_end: Callable[[float], None],
    on_size: Callable[[int], None],
) -> None:
    """Live a link's life. No ordinary exception leaves it: the cause is in the last report."""
    cause: Exception | None = None
    with link.scope:
        try:
            cause = await _Life(link, plan, report, accept, on_batch_end, on_size).live()
        except Exception as error:
            cause = error
    if link.scope.cancelled_caught:
        cause = None
    if cause is not None:
        forget_locals(cause)
        now = plan.clock.seconds(trio.current_time())
        plan.bar.note((ban_in(cause.reason, now) if isinstance(cause, TransportClosed) else None) or cause)
    # An attempt that was refused is no link: what never was up is named an attempt.
    what = "attempt %d to connect has ended: %s" if link.up_at is None else "link %d has ended: %s"
    log.info(what, link.number, "retired" if cause is None else cause)
    report(LinkEnded(link, cause))


class _Life:
    """What the tasks of one link do."""

    def __init__(
        self,
        link: Link,
        plan: LinkPlan,
        report: Callable[[Report], None],
        accept: Callable[[Link, Event], None],
        on_batch_end: Callable[[float], None],
        on_size: Callable[[int], None],
    ) -> None:
        self._link = link
        self._plan = plan
        self._report = report
        self._on_size = on_size
        self._subscription = link.subscription = plan.opener.new_subscription(self._at_risk)
        self._intake = Intake(
            accept=partial(accept, link),
            about_the_link=self._is_about_the_link,
            proven=self._proven_by_events,
            on_batch_end=on_batch_end,
            masker=plan.masker,
        )

    async def live(self) -> Exception:
        """Prepare, connect, subscribe; return why it ended."""
        link, plan = self._link, self._plan
        try:
            url = await self._subscription.prepare()
        except NotConnected as error:
            raise ConnectFailed(str(error)) from error
        async with open_transport(
            plan.transport,
            url,
            plan.network,
            connect_timeout=plan.timeouts.connect,
            close_timeout=plan.timeouts.close,
            max_message_size=MAX_MESSAGE_SIZE,
            now=lambda: plan.clock.seconds(trio.current_time()),
            masker=plan.masker,
        ) as transport:
            connection = link.connection = Connection(
                transport,
                plan.product,
                plan.credentials,
                plan.clock,
                plan.timeouts,
                on_event=self._intake.on_event,
                on_batch_end=self._intake.on_batch_end,
                on_size=self._on_size,
                stream=plan.name,
                bar=plan.bar,
                masker=plan.masker,
                questions=plan.questions,
            )
            return await connection.serve(lambda: self._subscribe(connection))

    async def _subscribe(self, connection: Connection) -> None:
        """Subscribe, say so, and see to it that the subscription stands."""
        link, plan = self._link, self._plan
        with trio.move_on_after(plan.timeouts.subscribe) as scope:
            link.proven_at = await self._subscription.subscribe(connection, self._intake)
        if scope.cancelled_caught:
            raise ConnectFailed(f"the subscription was not acknowledged within {plan.timeouts.subscribe:g} s")
        link.up_at = trio.current_time()
        log.info("link %d is up", link.number)
        self._report(LinkUp(link))

        async def guarded(task: Callable[[Connection], Awaitable[None]]) -> None:
            # A nursery would wrap what a task raises.
            try:
                await task(connection)
            except Exception as error:
                connection.end(error)

        async with trio.open_nursery() as nursery:
            start(nursery, guarded, self._subscription.maintain)
            start(nursery, guarded, self._watch)

    async def _watch(self, connection: Connection) -> None:
        """Ask at intervals whether the subscription still stands. A quiet account is no sign, one way or the other."""
        link, interval = self._link, self._subscription.check_interval(self._plan.timeouts.subscription_check)
        refusals = 0
        while True:
            await trio.sleep(min(interval, _RECHECK_SECONDS) if refusals else interval)
            if link.leaving:
                return
            asked_at = trio.current_time()
            try:
                alive = await self._subscription.is_alive(connection)
                if not self._plan.clock.is_fresh:
                    await look_at_the_clock(partial(self._subscription.measure_clock, connection))
            except AuthenticationFailed as error:
                # Right keys are refused for moments. What is refused again and again may have ended the events too.
                log.warning("link %d cannot tell whether its subscription stands: %s", link.number, error)
                refusals += 1
                if refusals >= _REFUSED_CHECKS:
                    raise
                continue
            except RequestError as error:
                # A refusal, or no answer: nothing about the subscription. It goes on, without being proven.
                log.warning("link %d cannot tell whether its subscription stands: %s", link.number, error)
                continue
            refusals = 0
            if not alive and not link.leaving:
                raise SubscriptionEnded("the venue no longer knows the subscription")
            # An answer that came another way, as by REST, says nothing of a socket that may have fallen silent before.
            link.proven_at = max(link.proven_at, min(asked_at, connection.heard_at))

    def _proven_by_events(self, newest: Event, now: float) -> None:
        link, sent_at = self._link, newest.event_time
        link.has_brought_events = True
        if self._subscription.events_prove and sent_at is not None:
            # What the venue has sent since then can still be on a slow line, and be lost with it.
            link.proven_at = max(link.proven_at, min(now, self._plan.clock.moment_of(sent_at.timestamp())))

    def _is_about_the_link(self, event: Event) -> bool:
        """Take in an event that may be about the link, and return whether it was."""
        link = self._link
        if isinstance(event, ServerShutdown):
            self._report(ShutdownAnnounced(link))
            return True
        why = self._subscription.end_told_by(event)
        if why is None:
            return False
        if not link.leaving:
            assert link.connection is not None
            link.connection.end(SubscriptionEnded(why))
        return True

    def _at_risk(self, lease: Lease, why: str) -> None:
        ends_at = self._plan.clock.at(lease.until)
        log.warning("what link %d lives by ends at %s and could not be renewed: %s", self._link.number, ends_at, why)
        self._report(LeaseEndangered(self._link, lease, why))
