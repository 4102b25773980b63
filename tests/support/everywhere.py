"""An environment in which every host is another one, and the stage that a product's stream plays on there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio

import trio_binance_uds as uds
from support.venue import Venue
from trio_binance_uds.nurseries import open_bare_nursery

CREDENTIALS = uds.Credentials.from_secret("test-api-key-0001", "test-secret-0001")


def _url(host: uds.Host) -> str:
    if host.schemes[0] == "https":
        return f"http://{name_of(host)}"
    return f"ws://{name_of(host)}/{'ws-api/v3' if host is uds.Host.SPOT_WS_API else 'root/ws'}"


def name_of(host: uds.Host) -> str:
    return f"{host.replace('_', '-')}.test"


EVERYWHERE = uds.Environment("everywhere", {host: _url(host) for host in uds.Host})

# Products that exist nowhere: a new one takes one value, and no other change.
MADE_UP = uds.Product(
    "made-up",
    uds.ListenKeyStream(
        rest=uds.Host.OPTIONS_REST,
        path="/madeup/v7/listenKey",
        stream=uds.Host.COINM_STREAM,
        place=uds.KeyPlace.QUERY,
        life=600.0,
        put_names_key=True,
    ),
    uds.MARGIN_RISK.event_types,
)
MADE_UP_MARGIN = uds.Product(
    "made-up-margin",
    uds.ListenTokenSubscription(
        ws_api=uds.Host.SPOT_WS_API,
        rest=uds.Host.OPTIONS_REST,
        accounts=(uds.MarginAccount(name="made-up-margin"),),
        path="/madeup/v7/userListenToken",
        validity=3600.0,
    ),
    uds.CROSS_MARGIN.event_types,
)

KEYED = (
    uds.MARGIN_RISK,
    uds.margin_listen_key(uds.CROSS_MARGIN),
    uds.margin_listen_key(uds.isolated_margin("BTCUSDT")),
    uds.UNIFIED_MARGIN,
    uds.USDM_FUTURES,
    uds.usdm_futures(events=["ORDER_TRADE_UPDATE"]),
    uds.COINM_FUTURES,
    uds.OPTIONS,
    uds.PORTFOLIO_MARGIN,
    uds.PORTFOLIO_MARGIN_PRO,
    uds.STOCKS,
    MADE_UP,
)
TOKENED = (
    uds.CROSS_MARGIN,
    uds.isolated_margin("BTCUSDT"),
    uds.margin_accounts(uds.CROSS_MARGIN, uds.isolated_margin("BTCUSDT"), uds.isolated_margin("ETHUSDT")),
    MADE_UP_MARGIN,
)
THREE_ACCOUNTS = TOKENED[2]


def expected_calls(product: uds.Product) -> set[tuple[str, str, str]]:
    """Where, how and at which path a product may call REST, when it is neither deleted nor asked about its past."""
    mechanism = product.mechanism
    if isinstance(mechanism, uds.ListenKeyStream):
        rest = name_of(mechanism.rest)
        calls = {(rest, "POST", mechanism.path)}
        if not mechanism.has_only_post:
            calls.add((rest, "PUT", mechanism.path))
        return calls | ({(rest, "GET", mechanism.time_path)} if mechanism.time_path else set())
    assert isinstance(mechanism, uds.ListenTokenSubscription)
    return {(name_of(mechanism.rest), "POST", mechanism.path)}


def renewal_of(product: uds.Product) -> str:
    """The route that prolongs the listen key of the product."""
    assert isinstance(product.mechanism, uds.ListenKeyStream)
    return f"{'POST' if product.mechanism.has_only_post else 'PUT'} {product.mechanism.path}"


def life_of(product: uds.Product) -> float:
    """How many seconds a key or token of the product lives."""
    mechanism = product.mechanism
    if isinstance(mechanism, uds.ListenKeyStream):
        return mechanism.life
    assert isinstance(mechanism, uds.ListenTokenSubscription)
    return mechanism.validity or 86_400.0


def unhurried(product: uds.Product) -> uds.Timeouts:
    """Proofs of life so rare that a test of a whole life is short."""
    return uds.Timeouts(subscription_check=life_of(product) / 20, ping_interval=life_of(product) / 20)


def logged(caplog: pytest.LogCaptureFixture) -> str:
    """What was logged, but for the venue's own side."""
    return "\n".join(record.getMessage() for record in caplog.records if record.name != "websockets.server")


async def lose(venue: Venue, how: str) -> None:
    """End the keys and subscriptions of everybody."""
    if how == "cut":
        for socket in venue.live_sockets():
            await socket.drop()
        return
    await venue.expire_keys(silently=how == "silently", member=how != "without a name")
    for socket in venue.live_sockets():
        for whose in set(socket.subscriptions.values()):
            await venue.end_subscription(whose, silently=how == "silently")


def venue_for(product: uds.Product, **options: Any) -> Venue:
    venue = Venue(**options)
    if isinstance(product.mechanism, uds.ListenKeyStream):
        venue.put_tells_key = product.mechanism.put_tells_key
    return venue


@attrs.define
class Stage:
    """A venue, a product's stream there, and what it has told."""

    venue: Venue
    product: uds.Product
    stream: uds.UserDataStream
    items: list[uds.Event | uds.Notice] = attrs.field(factory=list)
    failed: uds.StreamFailed | None = None

    async def read(self) -> None:
        try:
            async for item in self.stream:
                self.items.append(item)
        except uds.StreamFailed as error:
            self.failed = error

    def kinds(self) -> list[str]:
        """The classes of what was told; of events that nobody knows, their types."""
        return [
            item.event_type or "" if isinstance(item, uds.UnknownEvent) else type(item).__name__ for item in self.items
        ]


@asynccontextmanager
async def opened(product: uds.Product, venue: Venue | None = None, **options: Any) -> AsyncIterator[Stage]:
    async with venue or venue_for(product) as running:
        settings = {"environment": EVERYWHERE, "network": running.network, "seed": 1, **options}
        settings.setdefault("recovery", uds.Recovery(enabled=False))
        async with (
            uds.open_user_data_stream(CREDENTIALS, product, **settings) as stream,
            open_bare_nursery() as nursery,
        ):
            stage = Stage(running, product, stream)
            nursery.start_soon(stage.read)
            try:
                yield stage
                await trio.sleep(0.001)
            finally:
                nursery.cancel_scope.cancel()
        assert running.open_streams() == 0
