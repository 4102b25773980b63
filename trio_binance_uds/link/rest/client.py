"""The requests of one REST API, each with one of three outcomes, as on a WebSocket API connection."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import trio

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.errors import ClockSkew, RateLimited
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.left_alone import Bar
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.outcomes import unknown
from trio_binance_uds.link.rest.answers import date_of, result_of, used_weights
from trio_binance_uds.link.rest.http import Answer, Http
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport.address import Address
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.products import Environment, Host
from trio_binance_uds.wire.requests import rest_query, sign_rest

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)


class RestClient:
    """One REST API as one key sees it.

    A request is named by its verb and path, such as ``GET /fapi/v1/openOrders``; its parameters go into the query.

    After a 429 or 418 nothing is sent until the time that the venue named, not even a keepalive: to go on would turn a
    limit into a ban, and a ban into a longer one. A ban counts for all who share ``bar``.
    """

    def __init__(
        self,
        url: str,
        http: Http,
        credentials: Credentials,
        clock: ServerClock,
        masker: Masker,
        *,
        time_path: str | None = None,
        bar: Bar | None = None,
    ) -> None:
        self._base = Address.parse(url, "http")
        self._http = http
        self._credentials = credentials
        self._clock = clock
        self.masker = masker
        self._time_path = time_path
        self._bar = Bar(bar)
        self._last: tuple[float, float, Answer] | None = None
        self.used_weights: Mapping[str, int] = {}

    async def request(self, route: str, params: Mapping[str, Any] | None = None) -> Any:
        """Send a signed request and return its JSON, or ``None`` where the answer is empty.

        A refused timestamp leads to a new look at the venue's clock and, for a ``GET``, to one more try. Cancelling is
        safe at any point; what was sent before may still be acted on.

        Raises:
            NotConnected: nothing was sent.
            OutcomeUnknown: it was sent, and no answer says what became of it.
            ApiError: the venue refused; :exc:`Retired` where it has taken the route away.
            ValueError, TypeError: a parameter cannot be sent as it is; nothing was sent.
        """
        given = params or {}

        def signed() -> str:
            return sign_rest(self._credentials, given, self._clock.epoch_ms())

        try:
            return await self._ask(route, signed, keyed=True)
        except ClockSkew:
            await self.measure_clock()
            if not route.startswith("GET "):
                raise
            return await self._ask(route, signed, keyed=True)

    async def keyed(self, route: str, params: Mapping[str, Any] | None = None) -> Any:
        """Send a request that names the key in a header and is not signed; otherwise like :meth:`request`."""
        return await self._ask(route, lambda: rest_query(params or {}), keyed=True)

    async def public(self, route: str, params: Mapping[str, Any] | None = None) -> Any:
        """Send a request that anybody may send; otherwise like :meth:`request`."""
        return await self._ask(route, lambda: rest_query(params or {}), keyed=False)

    async def measure_clock(self) -> None:
        """Let the clock go by the venue's time.

        Where no route tells it, the date of the last answer does. That has whole seconds, so it is believed only where
        it contradicts what the clock says.

        Raises:
            NotConnected, OutcomeUnknown, ApiError: as for :meth:`request`.
        """
        if self._time_path is None:
            self._learn_from_date()
            return
        asked_at = trio.current_time()
        route = f"GET {self._time_path}"
        result = await self.public(route)
        server_ms = result.get("serverTime") if isinstance(result, dict) else None
        if type(server_ms) is not int or not 0 < server_ms < 10**14:
            raise unknown(route, None, "its answer has no serverTime in milliseconds")
        self._clock.learn(asked_at, trio.current_time(), server_ms)

    def _learn_from_date(self) -> None:
        if self._last is None:
            return
        asked_at, heard_at, answer = self._last
        date = date_of(answer)
        if date is None:
            return
        believed = self._clock.at((asked_at + heard_at) / 2)
        # The second that the server was in, give or take half of the way there and back.
        off = (believed - date).total_seconds() - 0.5
        if abs(off) > 0.5 + (heard_at - asked_at) / 2:
            log.warning("the clock is off by %.1f s from the venue's, and goes by its dates now", off)
            self._clock.learn(asked_at, heard_at, date.timestamp() * 1000 + 500)
        else:
            self._clock.hold()

    async def _ask(self, route: str, query: Callable[[], str], *, keyed: bool) -> Any:
        self._bar.check(route)
        verb, _, path = route.partition(" ")
        text = query()
        self.masker.add_from(dict(parse_qsl(text)))
        address = self._base.at(path, text)
        asked_at = trio.current_time()
        answer = await self._http.exchange(verb, address, {"X-MBX-APIKEY": self._credentials.api_key} if keyed else {})
        self._last = asked_at, trio.current_time(), answer
        self.used_weights = used_weights(answer) or self.used_weights
        log.debug("%s: status %d", route, answer.status)
        try:
            return result_of(route, answer, self._clock.seconds(trio.current_time()), self.masker)
        except RateLimited as error:
            self._bar.note(error)
            raise


class Rest:
    """The REST APIs that one stream needs."""

    def __init__(
        self,
        environment: Environment,
        network: Network,
        credentials: Credentials,
        clock: ServerClock,
        timeouts: Timeouts,
        bar: Bar | None = None,
        masker: Masker | None = None,
    ) -> None:
        self._environment = environment
        self._masker = masker or Masker(credentials)
        self._credentials = credentials
        self._clock = clock
        self._bar = bar
        self._http = Http(network, timeouts, self._masker)
        self._clients: dict[Host, RestClient] = {}

    def at(self, host: Host, *, time_path: str | None = None) -> RestClient:
        """Return the API of a host; the first who asks for it may say where it tells the time.

        Raises:
            NotOffered: the environment has no such host.
        """
        client = self._clients.get(host)
        if client is None:
            url = self._environment.url(host)
            client = RestClient(
                url, self._http, self._credentials, self._clock, self._masker, time_path=time_path, bar=self._bar
            )
            self._clients[host] = client
        return client

    @property
    def used_weights(self) -> Mapping[str, int]:
        """How much of the limits is used, by the header that said so last."""
        return {name: used for client in self._clients.values() for name, used in client.used_weights.items()}

    async def aclose(self) -> None:
        """Close all connections; shielded from cancellation, without waiting for anybody."""
        await self._http.aclose()
