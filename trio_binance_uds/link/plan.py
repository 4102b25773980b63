"""Everything that the links of one stream have in common."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import trio

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.left_alone import Bar
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.openers.choice import opener_for, rest_hosts
from trio_binance_uds.link.openers.contract import Opener
from trio_binance_uds.link.openers.urls import with_time_unit
from trio_binance_uds.link.request_counts import RequestCounts
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import TransportKind
from trio_binance_uds.products import Environment, Product, SpotHistory, TimeUnit

if TYPE_CHECKING:
    from trio_binance_uds.link.rest.client import Rest

Request = Callable[[str, Mapping[str, Any] | None], Awaitable[Any]]


@attrs.frozen(kw_only=True)
class LinkPlan:
    """How the links of one stream are made, and what they share: a clock, and REST where the product needs it."""

    name: str
    credentials: Credentials
    product: Product
    network: Network
    timeouts: Timeouts
    transport: TransportKind
    clock: ServerClock
    opener: Opener
    rest: Rest | None
    # Of the place that the socket is at; its ``whole`` is that of the address, which REST shares.
    bar: Bar
    # What was sent and must not be shown.
    masker: Masker
    # Of the user's requests, and of the stream's own.
    requests: RequestCounts = attrs.field(factory=RequestCounts)
    questions: RequestCounts = attrs.field(factory=RequestCounts)

    @classmethod
    def make(
        cls,
        credentials: Credentials,
        product: Product,
        environment: Environment,
        *,
        name: str,
        network: Network,
        timeouts: Timeouts,
        transport: TransportKind,
        logon: bool | None,
        time_unit: TimeUnit | str | None = None,
        delete_listen_key_on_exit: bool = False,
    ) -> LinkPlan:
        """Check that all of it fits together, before anything is opened.

        Raises:
            ValueError, CredentialsError, NotOffered: it does not.
        """
        url = with_time_unit(environment.url(product.mechanism.connects_to), product, time_unit)
        urls = [url, *(environment.url(host) for host in rest_hosts(product))]
        if network.ssl_context is None and any(url.startswith(("wss:", "https:")) for url in urls):
            # Once for all links: to load the certificates takes long enough to hold up a link that is delivering.
            network = attrs.evolve(network, ssl_context=ssl.create_default_context())
        clock = ServerClock()
        rest, banned, masker, questions = None, Bar(), Masker(credentials), RequestCounts()
        if len(urls) > 1:
            from trio_binance_uds.link.rest.client import Rest

            rest = Rest(environment, network, credentials, clock, timeouts, banned, masker, questions)
        opener = opener_for(
            product,
            url,
            rest,
            credentials,
            clock,
            logon=logon,
            delete_listen_key_on_exit=delete_listen_key_on_exit,
        )
        return cls(
            name=name,
            credentials=credentials,
            product=product,
            network=network,
            timeouts=timeouts,
            transport=transport,
            clock=clock,
            opener=opener,
            rest=rest,
            bar=Bar(banned),
            masker=masker,
            questions=questions,
        )

    def request_about_the_past(self, connection: Connection) -> Request:
        """Return what asks the venue about an account's past: on the connection, or over REST."""
        history = self.product.history
        if self.rest is None or history is None or isinstance(history, SpotHistory):
            return connection.ask
        return self.rest.at(history.rest, time_path=history.rest.time_path).request

    def weight_left(self, connection: Connection, route: str) -> int | None:
        """Return how much weight the venue allows in this minute for a question, as far as it has said what is used."""
        history = self.product.history
        if history is None:
            return None
        if self.rest is None or isinstance(history, SpotHistory):
            used = connection.usage.of(route)
        else:
            used = self.rest.at(history.rest).usage.of(route)
        return None if used is None else history.weight_per_minute - used

    @property
    def left_alone_until(self) -> float | None:
        """The moment of trio's clock until which nothing is asked of one of the places; ``None`` where all may be."""
        left = max(self.bar.seconds_left, 0.0 if self.rest is None else self.rest.seconds_left)
        return trio.current_time() + left if left > 0 else None

    @property
    def used_weights(self) -> Mapping[str, int]:
        """How much of REST's limits is used, by the header that said so last."""
        return {} if self.rest is None else self.rest.used_weights

    async def aclose(self) -> None:
        """Leave nothing behind: with the venue, what was asked to be deleted; here, no connection.

        Shielded from cancellation, bounded, and free of ordinary exceptions.
        """
        try:
            await self.opener.finish()
        finally:
            if self.rest is not None:
                await self.rest.aclose()
