"""Where things are: the roles that servers play, and the worlds that say which URL plays each.

Which URLs carry an account's events has changed before (USD-M and options in 2026), so every one can be overridden.

Source: Binance Spot, WebSocket API, "General API Information", and the testnet and demo mode pages (2026-07-21);
Binance Derivatives, "General Info" and "User Data Streams Connect" of each product (2026-05-28), with the "Important
WebSocket Change Notice" (2026-03-05). For the testnets of derivatives several hosts are in use at once: those that
Binance's documents name are here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import attrs

from trio_binance_uds import checks
from trio_binance_uds.errors import NotOffered
from trio_binance_uds.products.silent_urls import silent_because


class TimeUnit(StrEnum):
    """The unit of the times that the WebSocket API sends.

    Source: Binance Spot, WebSocket API, "General API Information" (2026-07-21).
    """

    MILLISECOND = "MILLISECOND"
    MICROSECOND = "MICROSECOND"


class Host(StrEnum):
    """A role that a server plays; an :class:`Environment` says which URL plays it.

    The URL of a stream is what stands before the listen key: with its path, and without a slash at the end. Where no
    URL has a key, it is the whole URL.
    """

    SPOT_WS_API = "spot_ws_api"  #: the WebSocket API of spot, where margin accounts subscribe too
    SPOT_REST = "spot_rest"  #: the REST API of spot and of margin
    MARGIN_STREAM = "margin_stream"  #: the risk stream of cross margin
    MARGIN_LISTEN_KEY_STREAM = "margin_listen_key_stream"  #: margin's account and risk events with one listen key
    UNIFIED_MARGIN_STREAM = "unified_margin_stream"  #: margin under a unified account
    USDM_REST = "usdm_rest"
    USDM_STREAM = "usdm_stream"
    COINM_REST = "coinm_rest"
    COINM_STREAM = "coinm_stream"
    OPTIONS_REST = "options_rest"
    OPTIONS_STREAM = "options_stream"
    PORTFOLIO_MARGIN_REST = "portfolio_margin_rest"
    PORTFOLIO_MARGIN_STREAM = "portfolio_margin_stream"
    PORTFOLIO_MARGIN_PRO_STREAM = "portfolio_margin_pro_stream"
    STOCKS_STREAM = "stocks_stream"

    @property
    def schemes(self) -> tuple[str, str]:
        """The URL schemes that fit the role, the one with TLS first."""
        return ("https", "http") if self.value.endswith("_rest") else ("wss", "ws")

    @property
    def time_path(self) -> str | None:
        """Where the REST API in this role states the venue's time; ``None`` where no route does."""
        return _TIME_PATHS.get(self)


_TIME_PATHS = {
    Host.SPOT_REST: "/api/v3/time",
    Host.USDM_REST: "/fapi/v1/time",
    Host.COINM_REST: "/dapi/v1/time",
    Host.OPTIONS_REST: "/eapi/v1/time",
}


def _checked(urls: Mapping[Host, str] | Mapping[str, str]) -> Mapping[Host, str]:
    if unknown := sorted(str(name) for name in set(urls) - set(Host)):
        raise ValueError(f"there is no URL named {checks.shown(unknown[0])}; there are {', '.join(Host)}")
    checked = {Host(name): url for name, url in urls.items()}
    for host, url in checked.items():
        checks.an(str, f"the URL for {host}", url, "a text")
        parts = urlsplit(url)
        if parts.scheme not in host.schemes or not parts.hostname:
            schemes = " or ".join(f"{scheme}://" for scheme in host.schemes)
            raise ValueError(f"the URL for {host} must start with {schemes} and name a host, got {url!r}")
        if parts.query and host.value.endswith("_rest"):
            raise ValueError(f"the URL for {host} cannot have a query: a request is signed over all of its query")
    return MappingProxyType(checked)


@attrs.frozen
class Environment:
    """A world of its own with its own keys and URLs: production, testnet, demo mode, or a sandbox.

    Attributes:
        name: for messages and for the command line.
        urls: who plays which role; a role that nobody plays belongs to products that are not offered there.
    """

    name: str
    urls: Mapping[Host, str] = attrs.field(converter=_checked, hash=False)

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping that cannot be written to cannot be pickled either.
        return type(self), (self.name, dict(self.urls))

    def override(self, **urls: str) -> Environment:
        """Return this environment with some URLs replaced, such as ``spot_ws_api="wss://...:9443/ws-api/v3"``.

        Raises:
            ValueError: a name is not one of :class:`Host`, a URL has the wrong scheme, or it is known that it
                acknowledges a connection and never brings the events. An environment that is made by calling
                :class:`Environment` takes such a URL all the same.
        """
        environment = attrs.evolve(self, urls={**{str(host): url for host, url in self.urls.items()}, **urls})
        for name, url in urls.items():
            if why := silent_because(name, url):
                raise ValueError(f"the URL {url!r} cannot be {name}: {why}")
        return environment

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
    {
        Host.SPOT_WS_API: "wss://ws-api.binance.com:443/ws-api/v3",
        Host.SPOT_REST: "https://api.binance.com",
        Host.MARGIN_STREAM: "wss://margin-stream.binance.com/ws",
        # Inferred: no source names the host of this key.
        Host.MARGIN_LISTEN_KEY_STREAM: "wss://margin-stream.binance.com/ws",
        # Second hand.
        Host.UNIFIED_MARGIN_STREAM: "wss://fstream.binance.com/private/ws",
        Host.USDM_REST: "https://fapi.binance.com",
        Host.USDM_STREAM: "wss://fstream.binance.com/private/ws",
        Host.COINM_REST: "https://dapi.binance.com",
        Host.COINM_STREAM: "wss://dstream.binance.com/ws",
        Host.OPTIONS_REST: "https://eapi.binance.com",
        Host.OPTIONS_STREAM: "wss://fstream.binance.com/private/ws",
        Host.PORTFOLIO_MARGIN_REST: "https://papi.binance.com",
        Host.PORTFOLIO_MARGIN_STREAM: "wss://fstream.binance.com/pm/ws",
        Host.PORTFOLIO_MARGIN_PRO_STREAM: "wss://fstream.binance.com/pm-classic/ws",
        # From clients' code.
        Host.STOCKS_STREAM: "wss://nbstream.binance.com/equity/ws",
    },
)
TESTNET = Environment(
    "testnet",
    {
        Host.SPOT_WS_API: "wss://ws-api.testnet.binance.vision/ws-api/v3",
        Host.SPOT_REST: "https://testnet.binance.vision",
        Host.USDM_REST: "https://testnet.binancefuture.com",
        Host.USDM_STREAM: "wss://fstream.binancefuture.com/private/ws",
        Host.COINM_REST: "https://testnet.binancefuture.com",
        Host.COINM_STREAM: "wss://dstream.binancefuture.com/ws",
        Host.OPTIONS_REST: "https://testnet.binancefuture.com",
        Host.OPTIONS_STREAM: "wss://fstream.binancefuture.com/private/ws",
    },
)
# For demo trading of futures two sets of hosts are in use. REST is at demo-fapi in Binance's documents of 2026-05;
# for the streams they and Binance's own connector name fstream.binancefuture.com, and other clients demo-fstream.
DEMO = Environment(
    "demo",
    {
        Host.SPOT_WS_API: "wss://demo-ws-api.binance.com/ws-api/v3",
        Host.SPOT_REST: "https://demo-api.binance.com",
        Host.USDM_REST: "https://demo-fapi.binance.com",
        Host.USDM_STREAM: "wss://demo-fstream.binance.com/private/ws",
        Host.COINM_REST: "https://demo-dapi.binance.com",
        Host.COINM_STREAM: "wss://demo-dstream.binance.com/ws",
    },
)
DEMO_BINANCEFUTURE = Environment(
    "demo-binancefuture",
    {
        **DEMO.urls,
        Host.USDM_STREAM: "wss://fstream.binancefuture.com/private/ws",
        Host.COINM_STREAM: "wss://dstream.binancefuture.com/ws",
    },
)

_ENVIRONMENTS = {environment.name: environment for environment in (PRODUCTION, TESTNET, DEMO, DEMO_BINANCEFUTURE)}


def find_environment(name: str) -> Environment:
    """Return the environment of a name: ``production``, ``testnet``, ``demo`` or ``demo-binancefuture``.

    Raises:
        ValueError: there is none; the message lists those that there are.
    """
    checks.an(str, "the name of an environment", name, "a text such as 'testnet'")
    try:
        return _ENVIRONMENTS[name]
    except KeyError:
        raise ValueError(
            f"there is no environment {checks.shown(name)}; there are {', '.join(_ENVIRONMENTS)}; "
            "that of a sandbox is its attribute environment"
        ) from None
