"""Every product over real sockets, through the one door: opened, renewed, rolled over, expired, cut, closed.

The account is traded on throughout. What is waited for is what comes by the stream, and never a time.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio

import trio_binance_uds as uds
from simulation.markets import MARKETS, DeskMarket, MarginMarket, Market, decoded
from simulation.oracle import judge
from simulation.story import Outcome, Story
from trio_binance_uds.products import FuturesHistory, FuturesKind, Host
from trio_binance_uds.sandbox import Behaviour, Sandbox, SandboxAccount, open_sandbox

pytestmark = pytest.mark.long

LIFE = 1.5  # Seconds that a listen key or a listen token lives: it is renewed at half of that.
ROLLOVER = uds.Rollover(lifetime=3.0, lead=2.0, jitter=0.1)
PATIENCE = 120.0

# A product that nobody has heard of, on routes that the venue has: it takes one value, and nothing else.
MADE_UP = uds.Product(
    "made-up",
    uds.ListenKeyStream(
        rest=Host.USDM_REST,
        path="/fapi/v1/listenKey",
        stream=Host.USDM_STREAM,
        place=uds.KeyPlace.QUERY,
        put_tells_key=True,
    ),
    uds.USDM_FUTURES.event_types,
    FuturesHistory(rest=Host.USDM_REST, kind=FuturesKind.USDM),
)


class CrossMarket(MarginMarket):
    """A cross margin account alone."""

    product = uds.CROSS_MARGIN
    symbols = ("BTCUSDT",)
    pairs = (None,)


class IsolatedMarket(MarginMarket):
    """The account of one isolated pair alone."""

    product = uds.isolated_margin("ETHUSDT")
    symbols = ("ETHUSDT",)
    pairs = ("ETHUSDT",)


def _made_up() -> Market:
    usdm = MARKETS["usdm"]
    assert isinstance(usdm, DeskMarket)
    return attrs.evolve(usdm, product=MADE_UP)


SCENES: dict[str, tuple[Market, bool]] = {
    **{name: (market, False) for name, market in MARKETS.items()},
    "cross margin": (CrossMarket(), False),
    "isolated margin": (IsolatedMarket(), False),
    "made up": (_made_up(), False),
    "margin, TLS": (MARKETS["margin"], True),
    "usdm, TLS": (MARKETS["usdm"], True),
}


def short_lived(product: uds.Product) -> uds.Product:
    """Return the product with keys or tokens of a short life."""
    match product.mechanism:
        case uds.ListenKeyStream():
            return attrs.evolve(product, mechanism=attrs.evolve(product.mechanism, life=LIFE))
        case uds.ListenTokenSubscription():
            return attrs.evolve(product, mechanism=attrs.evolve(product.mechanism, validity=LIFE))
        case _:
            return product


@attrs.define
class Stage:
    """A stream, and what it has told."""

    market: Market
    sandbox: Sandbox
    account: SandboxAccount
    stream: uds.UserDataStream
    items: list[uds.Event | uds.Notice] = attrs.field(factory=list)
    gaps: int = 0
    _news: trio.Event = attrs.field(factory=trio.Event)

    async def read(self) -> None:
        async for item in self.stream:
            self.items.append(item)
            self.gaps += isinstance(item, uds.Gap)
            self._news.set()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something that shows when an event comes."""
        while not is_so():
            self._news = trio.Event()
            await self._news.wait()

    async def heals(self) -> None:
        """Wait for the next gap, and for what is live again after it."""
        gaps = self.gaps
        await self.until(lambda: self.gaps > gaps)
        told = len(self.items)
        await self.until(lambda: any(isinstance(item, uds.Event) and not item.recovered for item in self.items[told:]))

    def judged(self) -> Outcome:
        outcome = Outcome(story=Story(seed=0, seconds=0))
        judge(outcome, decoded(self.market, self.sandbox, self.account), self.items)
        return outcome

    def end_lease(self) -> None:
        """End what the subscription lives by, or the subscription where there is no such thing."""
        ends = self.market.ends(self.sandbox, self.account)
        for name in ("key expired", "token expired", "token of the pair expired"):
            if name in ends:
                ends[name]()
        if not ends:
            self.sandbox.faults.terminate_subscription()


class CountedNetwork:
    """Dials as usual, and remembers the sockets."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sockets: list[trio.socket.SocketType] = []
        self.network = attrs.evolve(sandbox.network, open_stream=self._dial)

    async def _dial(self, host: str, port: int) -> trio.abc.Stream:
        stream = await trio.open_tcp_stream(host, port)
        self.sockets.append(stream.socket)
        return stream

    def open_sockets(self) -> int:
        return sum(socket.fileno() != -1 for socket in self.sockets)


@asynccontextmanager
async def traded(market: Market, sandbox: Sandbox, account: SandboxAccount) -> AsyncIterator[None]:
    """Keep the account busy for as long as the block runs."""

    async def trade(number: int) -> None:
        await market.trade(sandbox, account, number, seed=number, seconds=float("inf"), rate=40)

    async with trio.open_nursery() as nursery:
        for number in range(len(market.symbols)):
            nursery.start_soon(trade, number)
        yield
        nursery.cancel_scope.cancel()


async def play(market: Market, sandbox: Sandbox, counted: CountedNetwork) -> None:
    account = market.open(sandbox, "ed25519")
    options: dict[str, Any] = {"environment": sandbox.environment, "network": counted.network, "seed": 1}
    async with (
        uds.open_user_data_stream(
            account.credentials,
            short_lived(market.product),
            rollover=ROLLOVER,
            recovery=uds.Recovery(symbols=market.symbols, max_seconds=PATIENCE),
            **options,
        ) as stream,
        trio.open_nursery() as nursery,
    ):
        stage = Stage(market, sandbox, account, stream)
        nursery.start_soon(stage.read)
        async with traded(market, sandbox, account):
            await stage.until(lambda: len(stage.items) > 20)
            first_end = stream.statistics().lease_expires_at
            if first_end is not None:
                await stage.until(lambda: (stream.statistics().lease_expires_at or first_end) > first_end)
            stage.end_lease()
            await stage.heals()
            sandbox.faults.cut()
            await stage.heals()
            await stage.until(lambda: any(link.ended_by == "retired" for link in stream.statistics().links))
        with trio.move_on_after(PATIENCE):  # What was traded last is on its way.
            await stage.until(lambda: not stage.judged().violations)
        outcome = stage.judged()
        nursery.cancel_scope.cancel()
    assert outcome.violations == []
    assert outcome.in_incomplete_gaps == 0
    assert outcome.facts > 20
    assert stage.gaps >= 2


@pytest.mark.parametrize("scene", SCENES)
async def test_a_stream_lives_through_everything_and_leaves_nothing_behind(scene: str) -> None:
    market, tls = SCENES[scene]
    tasks = trio.lowlevel.current_statistics().tasks_living
    behaviour = Behaviour(listen_key_life=LIFE, stream_lifetime=6.0)
    with trio.fail_after(3 * PATIENCE):
        async with open_sandbox(tls=tls, seed=3, lifetime=6.0, behaviour=behaviour) as sandbox:
            counted = CountedNetwork(sandbox)
            await play(market, sandbox, counted)
            assert len(counted.sockets) > 3
            assert counted.open_sockets() == 0
            while sandbox.connections:  # The venue has yet to hear of it.
                await trio.lowlevel.checkpoint()
    assert trio.lowlevel.current_statistics().tasks_living == tasks
