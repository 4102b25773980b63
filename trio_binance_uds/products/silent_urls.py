"""URLs that take a connection and never bring the account's events, as far as that is known.

A socket that is opened at one of them is acknowledged and answers pings for ever, so that nothing would show the
mistake. Only what is known to be silent is refused; what is merely not documented stays open to those who know better.

Source: "Important WebSocket Change Notice" (2026-03-05) with the paths of USD-M and options; Binance Derivatives, "User
Data Streams Connect" of each product (2026-05-28); Binance Margin Trading, "Risk Data Stream" (2023-12-22). That the
bare path of USD-M is silent was measured on the production host; reports about the testnet contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

_SPOT_WS_API = "spot_ws_api"
# By the role of a stream, a URL to use.
_EXAMPLES: Mapping[str, str] = MappingProxyType(
    {
        "spot_ws_api": "wss://ws-api.binance.com:443/ws-api/v3",
        "margin_stream": "wss://margin-stream.binance.com/ws",
        "usdm_stream": "wss://fstream.binance.com/private/ws",
        "coinm_stream": "wss://dstream.binance.com/ws",
        "options_stream": "wss://fstream.binance.com/private/ws",
        "portfolio_margin_stream": "wss://fstream.binance.com/pm/ws",
        "portfolio_margin_pro_stream": "wss://fstream.binance.com/pm-classic/ws",
        "margin_listen_key_stream": "wss://margin-stream.binance.com/ws",
        "unified_margin_stream": "wss://fstream.binance.com/private/ws",
        "stocks_stream": "wss://nbstream.binance.com/equity/ws",
    }
)
# These may stand in for each other: of margin little is published, and it has moved to /private for some accounts.
_MARGIN = frozenset({"margin_stream", "margin_listen_key_stream", "unified_margin_stream"})
# Which of these roles a path can play, by what stands before /ws or /stream; COIN-M may move to /private one day.
_PATHS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "/public": frozenset(),
        "/market": frozenset(),
        "/private": frozenset({"usdm_stream", "options_stream", "coinm_stream"}) | _MARGIN,
        "/pm": frozenset({"portfolio_margin_stream"}),
        "/pm-classic": frozenset({"portfolio_margin_pro_stream"}),
        "/equity": frozenset({"stocks_stream"}),
        "/eoptions": frozenset({"options_stream"}),
        "/ws-api": frozenset({_SPOT_WS_API}),
        "/ws-fapi": frozenset(),
        "/ws-dapi": frozenset(),
    }
)
# The same by the server, of which this is in the first label of the name: dstream and dstream-auth, demo-fstream and
# fstream-mm. The first that fits decides.
_SERVERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "ws-api": frozenset({_SPOT_WS_API}),
        "ws-fapi": frozenset(),
        "ws-dapi": frozenset(),
        "margin-stream": _MARGIN,
        "dstream": frozenset({"coinm_stream"}),
        "fstream": frozenset(_EXAMPLES) - {_SPOT_WS_API, "coinm_stream", "stocks_stream"},
        "nbstream": frozenset({"options_stream", "stocks_stream"}),
        # Market data of spot in production; of futures, with events, on the testnet.
        "stream": frozenset({"usdm_stream", "options_stream"}),
    }
)
_PRODUCTION = "binance.com"
_BINANCE = (_PRODUCTION, "binancefuture.com", "binance.vision")


def silent_because(role: str, url: str) -> str | None:
    """Return why nothing would come at this URL for this role, and what to use; ``None`` where that is not known."""
    if role not in _EXAMPLES:
        return None
    parts = urlsplit(url)
    before, kind = _split(parts.path.lower())
    why = None
    if role not in _PATHS.get(before, frozenset({role})):
        why = f"the path {before} never brings the events of this product"
    elif kind and role == _SPOT_WS_API:
        why = f"/{kind} is the path of a stream, which takes no subscription to an account"
    else:
        host = (parts.hostname or "").rstrip(".")
        label, _, domain = host.partition(".")
        server = next((name for name in _SERVERS if name in label), None)
        # A server of somebody else's may pass on whatever it likes.
        if domain in _BINANCE and server is not None:
            bare_in_production = domain == _PRODUCTION and kind and not before
            is_spot_market = server == "stream" and domain == _PRODUCTION
            if role not in _SERVERS[server] or is_spot_market:
                why = f"{host} never brings the events of this product"
            elif bare_in_production and server == "fstream":
                why = f"/{kind} alone acknowledges a connection at {host} and brings nothing"
    return why and f"{why}; use a URL such as {_EXAMPLES[role]}"


def _split(path: str) -> tuple[str, str]:
    """Return what stands before ``/ws`` or ``/stream``, and which of them it is; else the first part of the path."""
    segments = [segment for segment in path.split("/") if segment]
    for kind in ("ws", "stream"):
        if kind in segments:
            return "".join(f"/{segment}" for segment in segments[: segments.index(kind)]), kind
    return "".join(f"/{segment}" for segment in segments[:1]), ""
