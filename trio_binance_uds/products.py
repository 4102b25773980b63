"""What can be streamed, where, and by which mechanism: products and environments as values."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import urlsplit

import attrs

from trio_binance_uds.errors import NotOffered
from trio_binance_uds.events import SPOT_EVENTS, Event


class Host(StrEnum):
    """A role that a server plays; an :class:`Environment` says which URL plays it."""

    SPOT_WS_API = "spot_ws_api"
    SPOT_REST = "spot_rest"


_SCHEMES = {Host.SPOT_WS_API: ("wss", "ws"), Host.SPOT_REST: ("https", "http")}


def _checked(urls: Mapping[Host, str]) -> Mapping[Host, str]:
    for host, url in urls.items():
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES[host] or not parts.hostname:
            schemes = " or ".join(f"{scheme}://" for scheme in _SCHEMES[host])
            raise ValueError(f"the URL for {host} must start with {schemes} and name a host, got {url!r}")
    return MappingProxyType(dict(urls))


@attrs.frozen
class Environment:
    """A world of its own with its own keys and URLs: production, testnet, demo mode, or a sandbox.

    Source: Binance Spot, WebSocket API, "General API Information"; testnet and demo mode pages (2026-07-21).
    """

    name: str
    urls: Mapping[Host, str] = attrs.field(converter=_checked, hash=False)

    def override(self, **urls: str) -> Environment:
        """Return this environment with some URLs replaced, such as ``spot_ws_api="wss://...:9443/ws-api/v3"``.

        Raises:
            ValueError: a name is not one of :class:`Host`, or a URL has the wrong scheme.
        """
        unknown = sorted(set(urls) - set(Host))
        if unknown:
            raise ValueError(f"there is no URL named {unknown[0]!r}; there are {', '.join(Host)}")
        return attrs.evolve(self, urls={**self.urls, **{Host(name): url for name, url in urls.items()}})

    def url(self, host: Host) -> str:
        """Return the URL that plays this role here.

        Raises:
            NotOffered: this environment has none.
        """
        try:
            return self.urls[host]
        except KeyError:
            raise NotOffered(f"the {self.name} environment has no {host}; give one with override()") from None


PRODUCTION = Environment(
    "production",
    {Host.SPOT_WS_API: "wss://ws-api.binance.com:443/ws-api/v3", Host.SPOT_REST: "https://api.binance.com"},
)
TESTNET = Environment(
    "testnet",
    {
        Host.SPOT_WS_API: "wss://ws-api.testnet.binance.vision/ws-api/v3",
        Host.SPOT_REST: "https://testnet.binance.vision",
    },
)
DEMO = Environment(
    "demo",
    {Host.SPOT_WS_API: "wss://demo-ws-api.binance.com/ws-api/v3", Host.SPOT_REST: "https://demo-api.binance.com"},
)


def _read_only(event_types: Mapping[str, type[Event]]) -> Mapping[str, type[Event]]:
    return MappingProxyType(dict(event_types))


@attrs.frozen
class WsApiSubscription:
    """Events arrive on a WebSocket API connection that subscribed with a key's signature or after a logon.

    Source: Binance Spot, WebSocket API, "User Data Stream requests" (2026-07-21).
    """

    ws_api: Host


@attrs.frozen
class Product:
    """One kind of account whose events can be streamed.

    Attributes:
        name: as it is written on the command line, such as ``spot``.
        mechanism: how a subscription comes about and stays alive.
        event_types: the typed event for each value of the wire's ``e``.
    """

    name: str
    mechanism: WsApiSubscription
    event_types: Mapping[str, type[Event]] = attrs.field(converter=_read_only, eq=False, repr=False)


SPOT = Product("spot", WsApiSubscription(ws_api=Host.SPOT_WS_API), SPOT_EVENTS)
