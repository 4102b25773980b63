"""What the WebSocket API's methods need: a signature or none, and whether asking twice does harm.

Source: Binance Spot, WebSocket API, the security type of each method (2026-07-21).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

# Methods of security type NONE; a stray parameter on some of them is refused, so they get none of ours.
_UNSIGNED = frozenset(
    {
        "ping",
        "time",
        "exchangeInfo",
        "executionRules",
        "depth",
        "trades.recent",
        "trades.historical",
        "blockTrades.historical",
        "trades.aggregate",
        "klines",
        "uiKlines",
        "avgPrice",
        "ticker.24hr",
        "ticker.tradingDay",
        "ticker",
        "ticker.price",
        "ticker.book",
        "referencePrice",
        "referencePrice.calculation",
        "session.status",
        "session.logout",
        "session.subscriptions",
        "userDataStream.subscribe",
        "userDataStream.subscribe.listenToken",
        "userDataStream.unsubscribe",
    }
)

# What the stream itself does on its connection; done by anybody else it would break the subscription.
_OWNED = frozenset(
    {
        "session.logon",
        "session.logout",
        "userDataStream.subscribe",
        "userDataStream.subscribe.signature",
        "userDataStream.subscribe.listenToken",
        "userDataStream.unsubscribe",
    }
)

# Listen keys of spot. On the futures' WebSocket APIs these methods go on.
_RETIRED = frozenset({"userDataStream.start", "userDataStream.ping", "userDataStream.stop"})

_QUERIES = frozenset(
    {
        "account.status",
        "account.commission",
        "account.rateLimits.orders",
        "allOrders",
        "allOrderLists",
        "myAllocations",
        "myFilters",
        "myPreventedMatches",
        "myTrades",
        "openOrders.status",
        "openOrderLists.status",
        "order.amendments",
        "order.status",
        "order.test",
        "orderList.status",
        "sor.order.test",
        "session.logon",
        "userDataStream.subscribe.signature",
    }
)

# The parameter by which an order, or a list of orders, can be looked up when its answer is lost.
_ID_PARAMETER = {
    "order.place": "newClientOrderId",
    "order.cancelReplace": "newClientOrderId",
    "sor.order.place": "newClientOrderId",
    "orderList.place": "listClientOrderId",
    "orderList.place.oco": "listClientOrderId",
    "orderList.place.oto": "listClientOrderId",
    "orderList.place.otoco": "listClientOrderId",
    "orderList.place.opo": "listClientOrderId",
    "orderList.place.opoco": "listClientOrderId",
}


def _bare(method: str) -> str:
    return method.removeprefix("v3/")


def is_signed(method: str) -> bool:
    """Whether a method needs a session or a signature; a method that is not known does."""
    return _bare(method) not in _UNSIGNED


def is_owned_by_stream(method: str) -> bool:
    """Whether only the stream itself may call a method on its connection."""
    return _bare(method) in _OWNED


def is_retired(method: str) -> bool:
    """Whether spot's WebSocket API had the method once, and has it no more."""
    return _bare(method) in _RETIRED


def may_be_repeated(method: str) -> bool:
    """Whether asking once more cannot do anything twice."""
    return _bare(method) in _QUERIES or not is_signed(method)


def id_parameter(method: str) -> str | None:
    """Return the parameter that names the order, or list of orders, which a method places; ``None`` for all others."""
    return _ID_PARAMETER.get(_bare(method))


def client_order_ids() -> Iterator[str]:
    """Yield client order ids that nobody else makes: what is random about them is drawn once, and then they count."""
    # Hexadecimal digits only: SQL keywords in a request can trigger the venue's firewall.
    mine = secrets.token_hex(8)
    return (f"uds-{mine}{number:08x}" for number in count(1))


def with_order_id(
    method: str, params: Mapping[str, Any], order_ids: Iterator[str]
) -> tuple[Mapping[str, Any], str | None]:
    """Return the parameters with a client order id where the method takes one, and that id.

    An id that the caller gave stays. Without one, an order whose answer is lost could not be looked up.
    """
    name = id_parameter(method)
    if name is None:
        return params, None
    given = params.get(name)
    if given is not None:
        return params, str(given)
    made = next(order_ids)
    return {**params, name: made}, made
