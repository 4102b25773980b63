"""One live subscription on a connection of its own, from the dialling to its end.

A link tells the supervisor what happens to it by reports, which are plain values: :class:`LinkUp` once,
:class:`ShutdownAnnounced` perhaps, :class:`LinkEnded` always and last. Its events go to ``accept``.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Callable

import attrs
import trio

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.errors import ApiError, ConnectFailed, OutcomeUnknown, RequestError
from trio_binance_uds.events import Event, EventStreamTerminated, ServerShutdown, UnknownEvent
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.openers import (
    active_subscriptions,
    subscribe_by_logon,
    subscribe_by_signature,
    unsubscribe,
    wants_logon,
)
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import TransportKind, open_transport
from trio_binance_uds.products import Environment, Product

log: logging.Logger = logging.getLogger(__name__)

MAX_MESSAGE_SIZE = 16 * 2**20


# So many checks of the subscription may in a row get no usable answer before the connection is given up.
_CHECKS_WITHOUT_ANSWER = 3
# How long the venue's clock is waited for before the machine's own is used.
_CLOCK_SECONDS = 2.0
# How many events may come before the acknowledgement of the subscription.
_MAX_EARLY = 10_000


class SubscriptionEnded(Exception):
    """The subscription is gone although nobody of ours ended it."""


@attrs.frozen(kw_only=True)
class LinkPlan:
    """Everything that the links of one stream have in common."""

    credentials: Credentials
    product: Product
    url: str
    network: Network
    timeouts: Timeouts
    transport: TransportKind
    by_logon: bool
    clock: ServerClock

    @classmethod
    def make(
        cls,
        credentials: Credentials,
        product: Product,
        environment: Environment,
        *,
        network: Network,
        timeouts: Timeouts,
        transport: TransportKind,
        logon: bool | None,
    ) -> LinkPlan:
        """Check that all of it fits together, before anything is opened."""
        url = environment.url(product.mechanism.connects_to)
        if network.ssl_context is None and url.startswith("wss:"):
            # Once for all links: to load the certificates takes long enough to hold up a link that is delivering.
            network = attrs.evolve(network, ssl_context=ssl.create_default_context())
        return cls(
            credentials=credentials,
            product=product,
            url=url,
            network=network,
            timeouts=timeouts,
            transport=transport,
            by_logon=wants_logon(credentials, logon),
            clock=ServerClock(),
        )


@attrs.define(eq=False)
class Link:
    """One link, as the supervisor knows it. Only its own task writes to it, :meth:`retire` apart."""

    number: int
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)
    connection: Connection | None = None
    subscription_id: int | None = None
    up_at: float | None = None
    # The last moment of trio's clock at which the subscription was shown to be alive, by an event or by asking.
    proven_at: float = 0.0
    leaving: bool = False

    def retire(self) -> None:
        """End the link without further ado."""
        self.scope.cancel()

    async def prove(self) -> bool:
        """Whether the subscription stands and everything that the venue sent before has arrived.

        The answer about the subscription says the one. Whether events can overtake an answer or lag behind it is
        not documented, so a ping that follows says the other.
        """
        try:
            if self.connection is None or self.subscription_id not in await active_subscriptions(self.connection):
                return False
            await self.connection.ping()
        except RequestError:
            return False
        return True

    async def leave(self, grace: float) -> None:
        """Unsubscribe politely and end the link; at the latest after ``grace`` seconds."""
        self.leaving = True
        try:
            with trio.move_on_after(grace):
                if self.connection is not None and self.subscription_id is not None:
                    await unsubscribe(self.connection, self.subscription_id)
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
class LinkEnded:
    """The link is over; ``cause`` is ``None`` when it was retired."""

    link: Link
    cause: Exception | None


Report = LinkUp | ShutdownAnnounced | LinkEnded


async def run_link(
    link: Link,
    plan: LinkPlan,
    *,
    report: Callable[[Report], None],
    accept: Callable[[Link, Event], None],
    on_batch_end: Callable[[], None],
) -> None:
    """Live a link's life. No ordinary exception leaves it: the cause is in the last report."""
    cause: Exception | None = None
    with link.scope:
        try:
            async with open_transport(
                plan.transport,
                plan.url,
                plan.network,
                connect_timeout=plan.timeouts.connect,
                close_timeout=plan.timeouts.close,
                max_message_size=MAX_MESSAGE_SIZE,
            ) as transport:
                intake = _Intake(link, report, accept, on_batch_end)
                connection = link.connection = Connection(
                    transport,
                    plan.product,
                    plan.credentials,
                    plan.clock,
                    plan.timeouts,
                    on_event=intake.on_event,
                    on_batch_end=intake.on_batch_end,
                )
                cause = await connection.serve(lambda: _live(link, plan, connection, intake, report))
        except Exception as error:
            cause = error
    if link.scope.cancelled_caught:
        cause = None
    log.info("link %d has ended: %s", link.number, "retired" if cause is None else cause)
    report(LinkEnded(link, cause))


async def _live(
    link: Link, plan: LinkPlan, connection: Connection, intake: _Intake, report: Callable[[Report], None]
) -> None:
    """Subscribe, say so, and go on asking whether the subscription still stands."""
    opener = subscribe_by_logon if plan.by_logon else subscribe_by_signature
    with trio.move_on_after(plan.timeouts.subscribe) as scope:
        await _look_at_the_clock(connection)
        intake.subscribed(await opener(connection))
    if scope.cancelled_caught:
        raise ConnectFailed(f"the subscription was not acknowledged within {plan.timeouts.subscribe:g} s")
    link.up_at = link.proven_at = trio.current_time()
    log.info("link %d is up, subscription %d", link.number, link.subscription_id)
    report(LinkUp(link))
    await _watch_subscription(link, connection, plan.timeouts.subscription_check)


async def _look_at_the_clock(connection: Connection) -> None:
    """Go by the venue's clock where it tells; a wrong clock shows in a refused timestamp at the latest."""
    with trio.move_on_after(_CLOCK_SECONDS) as scope:
        try:
            await connection.measure_clock()
        except (ApiError, OutcomeUnknown) as error:
            log.warning("the venue does not tell the time, this machine's clock is used: %s", error)
    if scope.cancelled_caught:
        log.warning("the venue did not tell the time within %g s, this machine's clock is used", _CLOCK_SECONDS)


async def _watch_subscription(link: Link, connection: Connection, interval: float) -> None:
    """Ask at intervals whether the subscription still stands. A quiet account is no sign, one way or the other.

    Source: Binance Spot, WebSocket API, "Listing all subscriptions" (2026-07-21).
    """
    without_answer = 0
    while True:
        await trio.sleep(interval)
        if link.leaving:
            return
        asked_at = trio.current_time()
        try:
            active = await active_subscriptions(connection)
        except ApiError as error:
            # A refusal is an answer, and none about the subscription: it goes on, without being proven.
            log.warning("link %d cannot ask whether its subscription stands: %s", link.number, error)
            continue
        except OutcomeUnknown as error:
            without_answer += 1
            log.warning("link %d cannot tell whether its subscription stands: %s", link.number, error)
            if without_answer >= _CHECKS_WITHOUT_ANSWER:
                raise SubscriptionEnded(f"{without_answer} checks in a row brought no answer") from error
            continue
        without_answer = 0
        if link.subscription_id not in active and not link.leaving:
            raise SubscriptionEnded("the venue no longer lists the subscription")
        link.proven_at = max(link.proven_at, asked_at)


class _Intake:
    """Sorts a link's events: those of its subscription, those about the link itself, and strays.

    Whether events may overtake the acknowledgement of the subscription is not documented. What comes early is
    held until the subscription's id is known.
    """

    def __init__(
        self,
        link: Link,
        report: Callable[[Report], None],
        accept: Callable[[Link, Event], None],
        on_batch_end: Callable[[], None],
    ) -> None:
        self._link = link
        self._report = report
        self._accept = accept
        self._on_batch_end = on_batch_end
        self._early: list[Event] | None = []
        self._brought_events = False

    def subscribed(self, subscription_id: int) -> None:
        """Take the subscription's id and let in what came before it."""
        self._link.subscription_id = subscription_id
        early, self._early = self._early, None
        for event in early or ():
            self.on_event(event)

    def on_batch_end(self) -> None:
        """Note that events arrived, and pass the end of the batch on."""
        if self._brought_events:
            self._brought_events = False
            self._link.proven_at = trio.current_time()
        self._on_batch_end()

    def on_event(self, event: Event) -> None:
        """Sort one event."""
        if self._early is not None:
            if len(self._early) >= _MAX_EARLY:
                raise SubscriptionEnded(f"{_MAX_EARLY} events came before the subscription was acknowledged")
            self._early.append(event)
            return
        # An event without an id is for the only subscription there is.
        if event.subscription_id is not None and event.subscription_id != self._link.subscription_id:
            self._accept(self._link, _stray(event))
        elif isinstance(event, EventStreamTerminated):
            if not self._link.leaving:
                assert self._link.connection is not None
                self._link.connection.end(SubscriptionEnded("the venue ended the subscription"))
        elif isinstance(event, ServerShutdown):
            self._report(ShutdownAnnounced(self._link))
        else:
            self._brought_events = True
            self._accept(self._link, event)


def _stray(event: Event) -> UnknownEvent:
    return UnknownEvent(
        raw=event.raw,
        problem=f"it came for subscription {event.subscription_id}, which is not this stream's",
        event_type=event.event_type,
        subscription_id=event.subscription_id,
    )
