"""Opens a sandbox: the exchange, the desks, their fronts on sockets or in memory, and the way for a client to them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from random import Random
from types import MappingProxyType
from typing import Any

import attrs

from trio_binance_uds.link.network import Network
from trio_binance_uds.nurseries import open_bare_nursery, require_trio
from trio_binance_uds.products import Environment, Host
from trio_binance_uds.sandbox.accounts import SandboxAccount
from trio_binance_uds.sandbox.agenda import Agenda
from trio_binance_uds.sandbox.behaviour import Behaviour
from trio_binance_uds.sandbox.catalogue import ALL_PERMISSIONS
from trio_binance_uds.sandbox.clock import Clock
from trio_binance_uds.sandbox.derivatives import (
    CoinmDesk,
    OptionsDesk,
    PortfolioMarginDesk,
    PortfolioMarginProDesk,
    UsdmDesk,
)
from trio_binance_uds.sandbox.desk import Desk
from trio_binance_uds.sandbox.exchange import Exchange
from trio_binance_uds.sandbox.faults import Faults
from trio_binance_uds.sandbox.keys import KeyRing, KeyType
from trio_binance_uds.sandbox.limits import Limiter, Limits
from trio_binance_uds.sandbox.listen_keys import ListenKeys
from trio_binance_uds.sandbox.listen_tokens import ListenTokens
from trio_binance_uds.sandbox.listening import REST_HOSTS, WS_API, MemoryPorts, Serve, environment, listen, make_tls
from trio_binance_uds.sandbox.margin import MarginDesk, MarginFeed, as_unified
from trio_binance_uds.sandbox.rest_front import RestFront
from trio_binance_uds.sandbox.rest_server import RestServer
from trio_binance_uds.sandbox.services import Services
from trio_binance_uds.sandbox.stocks import StocksDesk
from trio_binance_uds.sandbox.stream_front import StreamFront
from trio_binance_uds.sandbox.stream_paths import StreamHost
from trio_binance_uds.sandbox.ticking import Ticker
from trio_binance_uds.sandbox.venue import Venue
from trio_binance_uds.sandbox.ws_api import WsApi
from trio_binance_uds.sandbox.ws_connection import Connection, Timing
from trio_binance_uds.sandbox.ws_front import Connections, WsFront

MakeDesk = Callable[[Exchange, Callable[[], int], int], Desk]
"""Makes a desk that shares the exchange, the clock (in microseconds) and the seed of a sandbox."""

DESKS: Mapping[str, MakeDesk] = MappingProxyType(
    {
        "usdm": lambda exchange, now, seed: UsdmDesk(now, seed),
        "coinm": lambda exchange, now, seed: CoinmDesk(now, seed),
        "options": lambda exchange, now, seed: OptionsDesk(now, seed),
        "portfolio_margin": lambda exchange, now, seed: PortfolioMarginDesk(now, seed, exchange),
        "portfolio_margin_pro": lambda exchange, now, seed: PortfolioMarginProDesk(now, seed),
        "stocks": lambda exchange, now, seed: StocksDesk(now, seed),
    }
)
"""The desks of a sandbox by their names, which are those of the arguments of ``add_account``."""


class Sandbox:
    """A running local Binance; made by :func:`open_sandbox`.

    Attributes:
        environment: where a client finds it: a URL for every role of :class:`Host`.
        network: how a client reaches it: what to trust, and what to dial with in memory.
        exchange: the accounts of spot and margin, the order books, and the journal of every event of theirs.
        desks: what keeps the accounts of the other products, by name; each has a journal of its own.
        margin: the desk that is named so, for what only it can.
        listen_keys, listen_tokens: who has which listen key, and which listen tokens are alive.
        clock: what time the server believes it is.
        faults: what goes wrong, on purpose.
        keys: all API keys.
        rest_app: the REST front of all hosts as one ASGI application, for ``httpx.ASGITransport``.
        ca_pem: the certificate to trust when ``tls`` is on, else empty.
    """

    def __init__(
        self,
        *,
        venue: Venue,
        margin: MarginDesk,
        ticker: Ticker,
        connections: Connections,
        rest_front: RestFront,
        environment: Environment,
        network: Network,
        ca_pem: bytes,
    ) -> None:
        self.environment = environment
        self.network = network
        self.exchange: Exchange = venue.exchange
        self.desks: Mapping[str, Desk] = venue.desks
        self.margin: MarginDesk = margin
        self.listen_keys: ListenKeys = venue.listen_keys
        self.listen_tokens: ListenTokens = venue.listen_tokens
        self.clock: Clock = venue.clock
        self.faults: Faults = venue.faults
        self.keys: KeyRing = venue.keys
        self.rest_app = rest_front
        self.ca_pem = ca_pem
        self._services = venue.services
        self._ticker = ticker
        self._connections = connections

    def __repr__(self) -> str:
        return f"<Sandbox {self.environment.url(Host.SPOT_WS_API)}>"

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The live WebSocket connections to all hosts, oldest first."""
        return self._connections.live

    def add_account(
        self,
        *,
        balances: Mapping[str, str] | None = None,
        cross_margin: Mapping[str, str] | None = None,
        isolated_margin: Mapping[str, Mapping[str, str]] | None = None,
        usdm: Mapping[str, str] | None = None,
        coinm: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
        portfolio_margin: Mapping[str, str] | None = None,
        portfolio_margin_pro: Mapping[str, str] | None = None,
        stocks: Mapping[str, str] | None = None,
        key: KeyType | str = KeyType.ED25519,
        permissions: Iterable[str] = ALL_PERMISSIONS,
        **more: Any,
    ) -> SandboxAccount:
        """Open an account with an API key.

        It has a spot account always, with these ``balances`` by asset, and one of each other product whose balances
        are given, be they empty; ``isolated_margin`` has balances for each pair, such as
        ``{"BTCUSDT": {"USDT": "1000"}}``. ``more`` goes to the exchange's own ``add_account``.

        Raises:
            ValueError: this sandbox has no desk for one of them, or there is no such pair.
        """
        wanted = {
            "margin": cross_margin,
            "usdm": usdm,
            "coinm": coinm,
            "options": options,
            "portfolio_margin": portfolio_margin,
            "portfolio_margin_pro": portfolio_margin_pro,
            "stocks": stocks,
        }
        opened = {name: wallet for name, wallet in wanted.items() if wallet is not None}
        if missing := sorted(opened.keys() - self.desks.keys()):
            raise ValueError(f"this sandbox has no desk for {missing[0]}")
        account = self.exchange.add_account(balances or {}, **more)
        for name, wallet in opened.items():
            self.desks[name].open_account(account.uid, wallet)
            self._ticker.start(self.desks[name])
        for symbol, wallet in (isolated_margin or {}).items():
            self.margin.open_isolated(account.uid, symbol, wallet)
        return SandboxAccount(self.exchange, self._services, account, self.keys.create(account, key, permissions))

    def add_key(
        self,
        account: SandboxAccount,
        *,
        key: KeyType | str = KeyType.ED25519,
        permissions: Iterable[str] = ALL_PERMISSIONS,
    ) -> SandboxAccount:
        """Give an account another API key; returned is the same account with that key."""
        created = self.keys.create(account.exchange_account, key, permissions)
        return SandboxAccount(self.exchange, self._services, account.exchange_account, created)

    def margin_account(self, account: SandboxAccount, symbol: str | None = None) -> SandboxAccount:
        """Return the owner's cross margin account, or that of an isolated pair, as one that trades by ``call``.

        Its methods are those of spot, such as ``order.place``, on the margin account's own balances.

        Raises:
            Refusal: there is no such account.
        """
        margin = self.margin.account(account.uid, symbol)
        return SandboxAccount(self.exchange, self._services, margin, account.key)

    def revoke(self, account: SandboxAccount) -> None:
        """Delete the account's API key; :meth:`Faults.revoke` can do it later, or audibly."""
        self.faults.revoke(account.key)


@asynccontextmanager
async def open_sandbox(
    *,
    tls: bool = False,
    in_memory: bool = False,
    seed: int = 0,
    clock: Clock | None = None,
    limits: Limits | None = None,
    behaviour: Behaviour | None = None,
    lifetime: float = 86_400.0,
    ping_interval: float = 20.0,
    pong_timeout: float = 60.0,
    host: str = "127.0.0.1",
    ws_port: int = 0,
    rest_port: int = 0,
) -> AsyncIterator[Sandbox]:
    """Run a local Binance for as long as the block runs.

    Args:
        tls: whether all fronts speak TLS; :attr:`Sandbox.network` trusts them.
        in_memory: whether to do without sockets. Clients dial with :attr:`Sandbox.network`, whose streams work with
            :class:`trio.testing.MockClock`. REST is there too, and as :attr:`Sandbox.rest_app`.
        seed: decides everything that is random: keys (RSA's excepted), ids, the storms of the faults.
        clock: the server's; by default one that runs with trio's from the machine's present time on.
        limits: the limits of production by default.
        behaviour: what to do where Binance is not known to do one thing; also the times of listen keys and of the
            streams that they open.
        lifetime, ping_interval, pong_timeout: seconds, of every connection to the WebSocket API.
        host: where to listen.
        ws_port, rest_port: the ports of spot's WebSocket API and REST API; 0 is any free one. The other hosts have
            ports of their own, which are any free ones.

    When the block is left, every connection is cut off and nothing is listening any more.
    """
    require_trio("open_sandbox()")
    server_tls: ssl.SSLContext | None = None
    client_tls: ssl.SSLContext | None = None
    ca_pem = b""
    if tls:
        server_tls, client_tls, ca_pem = make_tls(host)
    async with open_bare_nursery() as nursery:
        connections = Connections()
        clock = clock or Clock()
        agenda = Agenda(clock)
        exchange = Exchange.default(clock.now, seed)
        margin = MarginDesk(exchange, agenda)
        venue = _open_venue(
            clock=clock,
            agenda=agenda,
            exchange=exchange,
            margin=margin,
            seed=seed,
            limits=limits or Limits(),
            behaviour=behaviour or Behaviour(),
            connections=connections,
            start_soon=nursery.start_soon,
        )
        rest_front = RestFront(venue)
        rest_servers = {host: RestServer(rest_front.at(host)) for host in REST_HOSTS}
        ws_timing = Timing(lifetime=lifetime, ping_interval=ping_interval, pong_timeout=pong_timeout)
        servers: dict[str, Serve] = {
            WS_API: WsFront(venue, connections, WsApi(venue, ws_timing), ws_timing).serve,
            **{name: server.serve for name, server in rest_servers.items()},
        }
        for name in StreamHost:
            front = StreamFront(venue, name)
            servers[name] = WsFront(venue, connections, front, front.timing).serve
        nursery.start_soon(agenda.run)
        network = Network(ssl_context=client_tls)
        try:
            if in_memory:
                memory = MemoryPorts(nursery, servers, server_tls)
                ports = memory.ports
                network = attrs.evolve(network, open_stream=memory.dial)
            else:
                wanted = {WS_API: ws_port, Host.SPOT_REST: rest_port}
                ports = await listen(nursery, servers, server_tls, host, wanted)
            yield Sandbox(
                venue=venue,
                margin=margin,
                ticker=Ticker(agenda, clock.now, venue.behaviour.tick),
                connections=connections,
                rest_front=rest_front,
                environment=environment(host, ports, secure=tls),
                network=network,
                ca_pem=ca_pem,
            )
        finally:
            nursery.cancel_scope.cancel()
            for server in rest_servers.values():
                await server.close()


def _open_venue(
    *,
    clock: Clock,
    agenda: Agenda,
    exchange: Exchange,
    margin: MarginDesk,
    seed: int,
    limits: Limits,
    behaviour: Behaviour,
    connections: Connections,
    start_soon: Callable[..., None],
) -> Venue:
    """Put together everything that is behind the fronts."""
    random = Random(seed)
    for_faults, for_keys, for_listen_keys, for_tokens = (Random(random.random()) for _ in range(4))
    limiter = Limiter(limits, clock.now)
    exchange.rate_limits = limiter.published()
    desks: dict[str, Desk] = {
        "margin": margin,
        "margin_accounts": MarginFeed(margin),
        "unified_margin": MarginFeed(margin, as_unified),
    }
    desks.update((name, make(exchange, clock.now, seed)) for name, make in DESKS.items())
    listen_keys = ListenKeys(
        clock.now,
        agenda,
        for_listen_keys,
        life=behaviour.listen_key_life,
        text_expiry_times=behaviour.text_expiry_times,
    )
    listen_tokens = ListenTokens(clock.now, agenda, for_tokens, margin.account)
    return Venue(
        clock=clock,
        exchange=exchange,
        keys=KeyRing(for_keys),
        limiter=limiter,
        faults=Faults(
            clock=clock,
            limiter=limiter,
            random=for_faults,
            live=lambda: connections.live,
            start_soon=start_soon,
            listen_keys=listen_keys,
            listen_tokens=listen_tokens,
        ),
        behaviour=behaviour,
        desks=MappingProxyType(desks),
        listen_keys=listen_keys,
        listen_tokens=listen_tokens,
        services=Services(
            clock=clock, limiter=limiter, desks=desks, listen_keys=listen_keys, listen_tokens=listen_tokens
        ),
    )
