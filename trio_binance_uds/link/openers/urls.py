"""URLs of sockets, with what is added to them: whatever query an overridden URL has stays in it."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit

from trio_binance_uds.checks import shown
from trio_binance_uds.products import ListenTokenSubscription, Product, TimeUnit, WsApiSubscription

_TIME_UNIT = "timeUnit"


def extended(url: str, path: str = "", query: str = "") -> str:
    """Return a URL with something added to its path, and to its query."""
    parts = urlsplit(url)
    path = f"{parts.path.rstrip('/')}{path}" if path else parts.path
    return urlunsplit(parts._replace(path=path, query="&".join(filter(None, (parts.query, query)))))


def with_time_unit(url: str, product: Product, unit: TimeUnit | str | None) -> str:
    """Return the URL of a product's socket, on which times are in this unit; ``None``: as the URL says already.

    Raises:
        ValueError: there is no such unit, or the product's socket has no choice.

    Source: Binance Spot, WebSocket API, "General API Information" (2026-07-21).
    """
    if unit is None:
        return url
    name = unit.upper() if isinstance(unit, str) else unit
    if name not in tuple(TimeUnit):
        raise ValueError(f"time_unit must be one of {', '.join(TimeUnit)}, got {shown(unit)}")
    if not isinstance(product.mechanism, WsApiSubscription | ListenTokenSubscription):
        raise ValueError(
            f"time_unit is for products on the WebSocket API (spot and margin accounts), which {product.name} is not: "
            "its times are in milliseconds"
        )
    parts = urlsplit(url)
    others = [part for part in parts.query.split("&") if part and part.partition("=")[0] != _TIME_UNIT]
    return extended(urlunsplit(parts._replace(query="&".join(others))), query=f"{_TIME_UNIT}={name}")
