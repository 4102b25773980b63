"""What permission each method needs, and which REST route does the same.

Source: Binance Spot, WebSocket API and REST API, "Request security" and the page of each method (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import attrs


class Permission(StrEnum):
    """What an API key may be allowed to do; the name of a method's security type."""

    USER_STREAM = "USER_STREAM"
    USER_DATA = "USER_DATA"
    TRADE = "TRADE"


ALL_PERMISSIONS = frozenset(Permission)


@attrs.frozen
class Method:
    """One method: the permission that a key needs for it (``None``: anybody may call it), and its REST route."""

    permission: Permission | None
    verb: str
    path: str


def _of(permission: Permission | None, routes: Mapping[str, str]) -> dict[str, Method]:
    methods = {}
    for name, route in routes.items():
        verb, _, path = route.partition(" ")
        methods[name] = Method(permission, verb, f"/api/v3{path}")
    return methods


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        **_of(
            None,
            {
                "ping": "GET /ping",
                "time": "GET /time",
                "exchangeInfo": "GET /exchangeInfo",
                "depth": "GET /depth",
                "trades.recent": "GET /trades",
                "avgPrice": "GET /avgPrice",
                "ticker.price": "GET /ticker/price",
                "ticker.book": "GET /ticker/bookTicker",
            },
        ),
        **_of(
            Permission.TRADE,
            {
                "order.place": "POST /order",
                "order.test": "POST /order/test",
                "order.cancel": "DELETE /order",
                "order.cancelReplace": "POST /order/cancelReplace",
                "order.amend.keepPriority": "PUT /order/amend/keepPriority",
                "openOrders.cancelAll": "DELETE /openOrders",
                "orderList.place": "POST /order/oco",
                "orderList.place.oco": "POST /orderList/oco",
                "orderList.place.oto": "POST /orderList/oto",
                "orderList.place.otoco": "POST /orderList/otoco",
                "orderList.place.opo": "POST /orderList/opo",
                "orderList.place.opoco": "POST /orderList/opoco",
                "orderList.cancel": "DELETE /orderList",
            },
        ),
        **_of(
            Permission.USER_DATA,
            {
                "account.status": "GET /account",
                "account.commission": "GET /account/commission",
                "account.rateLimits.orders": "GET /rateLimit/order",
                "openOrders.status": "GET /openOrders",
                "openOrderLists.status": "GET /openOrderList",
                "order.status": "GET /order",
                "order.amendments": "GET /order/amendments",
                "orderList.status": "GET /orderList",
                "allOrders": "GET /allOrders",
                "allOrderLists": "GET /allOrderList",
                "myTrades": "GET /myTrades",
                "myAllocations": "GET /myAllocations",
                "myPreventedMatches": "GET /myPreventedMatches",
            },
        ),
    }
)

ROUTES: Mapping[tuple[str, str], str] = MappingProxyType(
    {(method.verb, method.path): name for name, method in METHODS.items()}
)
