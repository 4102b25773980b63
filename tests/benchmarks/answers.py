"""What the benchmark's server answers to the requests that clients make; pure."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import attrs

from benchmarks.frames import EPOCH_MS

_SESSION = {"apiKey": "k", "authorizedSince": EPOCH_MS, "connectedSince": EPOCH_MS, "returnRateLimits": False}
_ORDER = (
    '"symbol":"BTCUSDT","orderId":12569099453,"orderListId":-1,"transactTime":1790000000123,"price":"23416.10000000",'
    '"origQty":"0.00847000","executedQty":"0.00000000","origQuoteOrderQty":"0.00000000",'
    '"cummulativeQuoteQty":"0.00000000","status":"NEW","timeInForce":"GTC","type":"LIMIT","side":"SELL",'
    '"workingTime":1790000000123,"selfTradePreventionMode":"EXPIRE_MAKER"'
)
_RATE_LIMITS = (
    '"rateLimits":[{"rateLimitType":"ORDERS","interval":"SECOND","intervalNum":10,"limit":50,"count":12},'
    '{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":6000,"count":321}]'
)
_ACCOUNT = {
    "makerCommission": 10, "takerCommission": 10, "buyerCommission": 0, "sellerCommission": 0, "canTrade": True,
    "canWithdraw": True, "canDeposit": True, "brokered": False, "requireSelfTradePrevention": False,
    "commissionRates": {"maker": "0.001", "taker": "0.001", "buyer": "0", "seller": "0"}, "preventSor": False,
    "updateTime": EPOCH_MS, "accountType": "SPOT", "permissions": ["SPOT"], "uid": 35,
    "balances": [{"asset": "BTC", "free": "1.50000000", "locked": "0.00000000"}],
}  # fmt: skip


@attrs.define
class Session:
    """What the server remembers of one connection."""

    subscriptions: list[int] = attrs.field(factory=list)

    def subscribe(self) -> dict[str, int]:
        self.subscriptions.append(len(self.subscriptions))
        return {"subscriptionId": self.subscriptions[-1]}


# What each method results in. Everything that is listed is empty: the account is a new one.
_RESULTS: dict[str, Callable[[Session], Any]] = {
    "ping": lambda session: {},
    "time": lambda session: {"serverTime": time.time_ns() // 1_000_000},
    "session.logon": lambda session: _SESSION | {"serverTime": time.time_ns() // 1_000_000},
    "session.status": lambda session: _SESSION | {"serverTime": time.time_ns() // 1_000_000},
    "session.subscriptions": lambda session: [{"subscriptionId": number} for number in session.subscriptions],
    "userDataStream.subscribe": Session.subscribe,
    "userDataStream.subscribe.signature": Session.subscribe,
    "userDataStream.unsubscribe": lambda session: {},
    "account.status": lambda session: _ACCOUNT,
    "exchangeInfo": lambda session: {"timezone": "UTC", "serverTime": EPOCH_MS, "symbols": []},
    **dict.fromkeys(
        ("openOrders.status", "openOrderLists.status", "allOrders", "allOrderLists", "myTrades", "myAllocations"),
        lambda session: [],
    ),
}


def answer(text: bytes, session: Session) -> tuple[str, bytes]:
    """Return the method that a request calls, and the text of its answer."""
    request = json.loads(text)
    method, id_ = request["method"], json.dumps(request["id"])
    if method == "order.place":
        client_order_id = json.dumps(request["params"].get("newClientOrderId", ""))
        result = f'{{"clientOrderId":{client_order_id},{_ORDER}}}'
    elif method in _RESULTS:
        result = json.dumps(_RESULTS[method](session), separators=(",", ":"))
    else:
        error = json.dumps({"code": -1000, "msg": f"the benchmark does not know {method}"})
        return method, f'{{"id":{id_},"status":400,"error":{error}}}'.encode()
    return method, f'{{"id":{id_},"status":200,"result":{result},{_RATE_LIMITS}}}'.encode()
