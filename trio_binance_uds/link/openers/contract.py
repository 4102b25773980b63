"""What a link asks of the way in which its subscription comes about, whichever that is.

An :class:`Opener` belongs to a stream and makes a :class:`Subscription` for each of its links. The link's tasks call
it in this order, and each time from one task only, :meth:`Subscription.is_alive` apart:

1. ``prepare``, before there is a connection: a listen key and the socket that its URL opens are one thing, so that
   each link has its own;
2. ``subscribe``, on the fresh connection;
3. ``is_alive``, at intervals, and before another link takes over; beside it ``maintain``, as long as the link lives;
4. ``leave``, when another link has taken over.

None of them is called again after the connection has ended.
"""

from __future__ import annotations

import abc
import logging
from collections.abc import Awaitable, Callable

import trio

from trio_binance_uds.errors import ApiError, OutcomeUnknown
from trio_binance_uds.events import Event
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.intake import Intake
from trio_binance_uds.link.lease import Lease
from trio_binance_uds.logs import stream_logger

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

# How long the venue's clock is waited for before the machine's own is used.
_CLOCK_SECONDS = 2.0


class Subscription(abc.ABC):
    """The subscription of one link.

    ``events_prove`` says whether any event shows that all of it is alive. ``unproven`` says, once it is subscribed, why
    nothing has shown so far that its socket brings the account's events; it is empty where something has.
    """

    events_prove: bool = True
    unproven: str = ""

    @property
    def leases(self) -> tuple[Lease, ...]:
        """What it depends on, where it has to be renewed."""
        return ()

    async def measure_clock(self, connection: Connection) -> None:
        """Ask for the venue's time, and let the clock go by it.

        Raises:
            RequestError: there is no answer, or none with a time.
        """
        await connection.measure_clock()

    def check_interval(self, wanted: float) -> float:
        """Return how many seconds to leave between two proofs of life: as many as wanted, or fewer."""
        return wanted

    @abc.abstractmethod
    async def prepare(self) -> str:
        """Do what comes before the connection, and return the URL to connect to.

        Raises:
            RequestError: the venue has refused, or not answered.
        """

    @abc.abstractmethod
    async def subscribe(self, connection: Connection, intake: Intake) -> float:
        """Have the venue acknowledge the subscription, and open the intake for its events.

        Returns the last moment of trio's clock at which it is certain that the subscription stood.

        Raises:
            RequestError, SubscriptionEnded: it has not.
        """

    @abc.abstractmethod
    async def is_alive(self, connection: Connection) -> bool:
        """Ask the venue whether the subscription stands.

        Raises:
            RequestError: there is no answer, or none that says either.
            SubscriptionEnded: so many questions have had no answer that the subscription is given up.
        """

    async def maintain(self, connection: Connection) -> None:
        """Renew what has to be renewed, for ever."""
        await trio.sleep_forever()

    async def leave(self, connection: Connection) -> None:
        """Say that nothing more is wanted. The connection is closed after it.

        Raises:
            RequestError: the venue did not hear of it, which does no harm.
        """
        await trio.lowlevel.checkpoint()

    @abc.abstractmethod
    def end_told_by(self, event: Event) -> str | None:
        """Return why the subscription is over if this event says so; otherwise the event is one to deliver."""


class Opener(abc.ABC):
    """The way in which the subscriptions of one stream come about.

    ``is_signed`` says whether a subscription proves the secret and not the API key alone.
    """

    is_signed: bool = False

    @abc.abstractmethod
    def new_subscription(self, at_risk: Callable[[Lease, str], None]) -> Subscription:
        """Return the subscription of a new link.

        ``at_risk`` is told, once for each lease, that one is about to end and could not be renewed, and why.
        """

    @abc.abstractmethod
    def check_request(self, method: str) -> None:
        """Let the user's request pass, if the connection takes such requests.

        Raises:
            NotOffered: it does not.
        """

    async def finish(self) -> None:
        """Clean up what the stream leaves behind with the venue: shielded, bounded, and without any exception."""
        await trio.lowlevel.cancel_shielded_checkpoint()


async def look_at_the_clock(measure: Callable[[], Awaitable[None]]) -> None:
    """Go by the venue's clock where it tells; a wrong clock shows in a refused timestamp at the latest."""
    with trio.move_on_after(_CLOCK_SECONDS) as scope:
        try:
            await measure()
        except (ApiError, OutcomeUnknown) as error:
            log.warning("the venue does not tell the time, this machine's clock is used: %s", error)
    if scope.cancelled_caught:
        log.warning("the venue did not tell the time within %g s, this machine's clock is used", _CLOCK_SECONDS)
