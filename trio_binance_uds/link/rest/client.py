"""The requests of one REST API, each with one of three outcomes, as on a WebSocket API connection."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl

import trio

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.credentials.hidden import SecretText
from trio_binance_uds.errors import ApiError, ClockSkew, RateLimited, RequestError
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.left_alone import Bar
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.outcomes import unknown
from trio_binance_uds.link.request_counts import RequestCounts
from trio_binance_uds.link.rest.answers import date_of, result_of, used_weights
from trio_binance_uds.link.rest.http import Http
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport.address import Address
from trio_binance_uds.link.usage import Usage
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
        questions: RequestCounts | None = None,
    ) -> None:
        self._questions = questions or RequestCounts()
        self._base = Address.parse(url, "http")
        self._http = http
        self._credentials = credentials
        self._headers = {"X-MBX-APIKEY": SecretText(credentials.api_key)}
        self._clock = clock
        self.masker = masker
        self._time_path = time_path
        self._bar = Bar(bar)
        self.used_weights: Mapping[str, int] = {}
        self.usage: Usage = Usage(clock)

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
        rest_query(given)  # What cannot be sent is said before anything is.

        def signed() -> str:
            return sign_rest(self._credentials, given, self._clock.epoch_ms())

        try:
            return await self._ask(route, signed, keyed=True)
        except ClockSkew:
            with suppress(RequestError):  # The refusal stands whatever comes of this.
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
        """Ask for the venue's time and let the clock go by it.

        Where no route states it, the clock has gone by the dates of all answers already.

        Raises:
            NotConnected, OutcomeUnknown, ApiError: as for :meth:`request`.
        """
        if self._time_path is None:
            await trio.lowlevel.checkpoint()
            return
        asked_at = trio.current_time()
        route = f"GET {self._time_path}"
        result = await self.public(route)
        if not self._clock.learn(asked_at, trio.current_time(), result):
            raise unknown(route, None, "its answer has no serverTime that can be")

    @property
    def seconds_left(self) -> float:
        """For how many seconds nothing is to be asked of it."""
        return self._bar.seconds_left

    async def _ask(self, route: str, query: Callable[[], str], *, keyed: bool) -> Any:
        self._bar.check(route)
        with self._questions.counted():
            return await self._ask_now(route, query, keyed=keyed)

    async def _ask_now(self, route: str, query: Callable[[], str], *, keyed: bool) -> Any:
        verb, _, path = route.partition(" ")
        asked_at = trio.current_time()

        def written() -> Address:
            nonlocal asked_at
            text = query()
            self.masker.add_from(dict(parse_qsl(text)))
            asked_at = trio.current_time()
            return self._base.at(path, text)

        answer = await self._http.exchange(verb, self._base.at(path, ""), written, self._headers if keyed else {})
        heard_at = trio.current_time()
        used = used_weights(answer)
        self.used_weights = used or self.used_weights
        self.usage.note_headers(route, used)
        log.debug("%s: status %d", route, answer.status)
        is_of_the_exchange = False
        try:
            result = result_of(route, answer, self._clock.seconds(trio.current_time()), self.masker)
            is_of_the_exchange = True
            return result
        except RateLimited as error:
            self._bar.note(error)
            raise
        except ApiError as error:
            # The exchange has codes; what stands before it has none, and may have stored its page.
            is_of_the_exchange = error.code != 0
            if isinstance(error, ClockSkew):
                self._clock.note_refused_timestamp()
            raise
        finally:
            date = date_of(answer) if is_of_the_exchange and self._time_path is None else None
            if date is not None:
                self._clock.learn_date(asked_at, heard_at, date)


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
        questions: RequestCounts | None = None,
    ) -> None:
        self._questions = questions
        self._environment = environment
        self._masker = masker or Masker(credentials)
        self._credentials = credentials
        self._clock = clock
        self._bar = bar
        self._http = Http(network, timeouts, self._masker)
        self._clients: dict[Host, RestClient] = {}

    def at(self, host: Host, *, time_path: str | None = None) -> RestClient:
        """Return the API of a host; the first who asks for it may say where it states the time.

        Raises:
            NotOffered: the environment has no such host.
        """
        client = self._clients.get(host)
        if client is None:
            url = self._environment.url(host)
            client = RestClient(
                url,
                self._http,
                self._credentials,
                self._clock,
                self._masker,
                time_path=time_path,
                bar=self._bar,
                questions=self._questions,
            )
            self._clients[host] = client
        return client

    @property
    def seconds_left(self) -> float:
        """For how many seconds nothing is to be asked, of the one of them for which that is longest."""
        return max((client.seconds_left for client in self._clients.values()), default=0.0)

    @property
    def used_weights(self) -> Mapping[str, int]:
        """How much of the limits is used, by the header that said so last."""
        return {name: used for client in self._clients.values() for name, used in client.used_weights.items()}

    async def aclose(self) -> None:
        """Close all connections; shielded from cancellation, without waiting for anybody."""
        await self._http.aclose()
