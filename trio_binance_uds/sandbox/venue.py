"""What both fronts share: one request against the exchange, with its permission, its cost and its faults.

Source: Binance Spot, WebSocket API, "Response format", "Rate limits" and "Request security" (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import attrs

from trio_binance_uds.sandbox.auth import AUTH_PARAMETERS
from trio_binance_uds.sandbox.behaviour import Behaviour
from trio_binance_uds.sandbox.catalogue import METHODS, Permission
from trio_binance_uds.sandbox.clock import Clock
from trio_binance_uds.sandbox.desk import Desk
from trio_binance_uds.sandbox.exchange import Exchange, Refusal, UnknownMethod
from trio_binance_uds.sandbox.fault_state import Script
from trio_binance_uds.sandbox.faults import Faults
from trio_binance_uds.sandbox.keys import ApiKey, KeyRing
from trio_binance_uds.sandbox.limits import Budget, Limiter
from trio_binance_uds.sandbox.listen_keys import ListenKeys
from trio_binance_uds.sandbox.listen_tokens import ListenTokens
from trio_binance_uds.sandbox.services import Service, Services

_UNKNOWN_WEIGHT = 1
_IGNORED = AUTH_PARAMETERS | {"returnRateLimits"}


@attrs.frozen(kw_only=True)
class Answer:
    """How a request ended.

    Attributes:
        status: like HTTP's.
        result: of a request that succeeded.
        error: of one that did not: ``{"code": ..., "msg": ...}``, sometimes with ``data``.
        rate_limits: the limiters that it touched.
        charged: the uid that the weight was counted for, where it is not the address.
        lost: whether the client must never get this answer.
        cut: whether the connection is to end in its place.
        page: the title of an HTML page to send in its place.
        delay: seconds that it comes late.
    """

    status: int
    result: Any = None
    error: dict[str, Any] | None = None
    rate_limits: tuple[dict[str, Any], ...] = ()
    charged: int | None = None
    lost: bool = False
    cut: bool = False
    page: str | None = None
    delay: float = 0.0


def error_of(refusal: Refusal) -> dict[str, Any]:
    """Return the ``error`` member of an answer for a refusal."""
    error: dict[str, Any] = {"code": refusal.code, "msg": refusal.msg}
    if refusal.data is not None:
        error["data"] = refusal.data
    return error


def retry_after_seconds(data: Any) -> int | None:
    """Return how long the ``data`` of an error says to wait, as the ``Retry-After`` header has it."""
    if not isinstance(data, dict) or not {"retryAfter", "serverTime"} <= data.keys():
        return None
    wait: int = data["retryAfter"] - data["serverTime"]
    return -(-wait // 1000)


@attrs.frozen(kw_only=True, eq=False)
class Venue:
    """The exchange and the desks with their doorkeepers."""

    clock: Clock
    exchange: Exchange
    keys: KeyRing
    limiter: Limiter
    faults: Faults
    behaviour: Behaviour
    desks: Mapping[str, Desk]
    listen_keys: ListenKeys
    listen_tokens: ListenTokens
    services: Services

    def answer(
        self,
        ip: str,
        name: str,
        params: Mapping[str, Any],
        authenticate: Callable[[Permission], ApiKey],
        *,
        connection: int | None = None,
    ) -> Answer:
        """Do what a request asks for and say how it ended.

        Synchronous: what it causes has reached every subscriber when it returns. ``authenticate`` is called for
        methods that need a key and raises :exc:`Refusal` for the wrong one; that request has cost its weight.
        """
        permission = METHODS[name].permission if name in METHODS else None
        wanted = {key: value for key, value in params.items() if key not in _IGNORED}
        try:
            weight = self.exchange.method_weight(name, wanted)
        except UnknownMethod:
            weight = _UNKNOWN_WEIGHT
        orders = self.exchange.unfilled_order_count(name)
        rows: list[dict[str, Any]] = []

        def work() -> Any:
            if permission is None:
                return self.exchange.call(None, name, wanted)
            account = authenticate(permission).account
            if name == "account.rateLimits.orders":
                return self.limiter.order_rows(account.uid)
            if not orders:
                result = self.exchange.call(account, name, wanted)
            else:
                try:
                    self.limiter.check_orders(account.uid, orders)
                    result = self.exchange.call(account, name, wanted)
                    self.limiter.count_orders(account.uid, orders)
                finally:
                    rows.extend(self.limiter.order_rows(account.uid))
            self.limiter.refund(ip, weight - self.exchange.method_weight(name, wanted, succeeded=True))
            return result

        answer = self.run(ip, name, weight, work, connection=connection)
        return attrs.evolve(answer, rate_limits=(*rows, self.limiter.weight_row(ip)))

    def serve(
        self,
        ip: str,
        name: str,
        service: Service,
        params: Mapping[str, Any],
        authenticate: Callable[[Permission], ApiKey],
    ) -> Answer:
        """Do what a request to one of the products' routes asks for, as :meth:`answer` does for those of spot."""
        route, family = service.route, service.family
        wanted = {key: value for key, value in params.items() if key not in AUTH_PARAMETERS}
        weight = route.weight(wanted)
        rows: list[dict[str, Any]] = []
        charged: list[int] = []

        def work() -> Any:
            if route.permission is None:
                return service.do(None, wanted)
            key = authenticate(route.permission)
            uid = key.account.uid
            if route.per_account:
                charged.append(uid)
                self.limiter.charge(ip, weight, name, uid)
            if not route.orders:
                return service.do(key, wanted)
            try:
                self.limiter.check_orders(uid, route.orders, family.orders)
                result = service.do(key, wanted)
                self.limiter.count_orders(uid, route.orders, family.orders)
            finally:
                rows.extend(self.limiter.order_rows(uid, family.orders))
            return result

        budget = name if family.budget is None else family.budget
        answer = self.run(ip, name, 0 if route.per_account else weight, work, budget=budget)
        return attrs.evolve(answer, rate_limits=tuple(rows), charged=charged[0] if charged else None)

    def run(
        self,
        ip: str,
        name: str,
        weight: int,
        work: Callable[[], Any],
        *,
        connection: int | None = None,
        budget: str = Budget.SPOT,
    ) -> Answer:
        """Do a piece of work as the fault scripts will have it, for its weight."""
        script = self.faults.script_for(name, connection) or Script()
        wrong: dict[str, Any] = {"lost": script.lost, "cut": script.cut, "page": script.page, "delay": script.delay}
        try:
            self.limiter.charge(ip, weight, budget)
            result = work() if script.execute else None
            if script.error is not None:
                raise script.error
        except UnknownMethod:
            return Answer(status=400, error={"code": -1020, "msg": f"The operation {name} is not supported."})
        except Refusal as refusal:
            return Answer(status=refusal.status, error=error_of(refusal), **wrong)
        return Answer(status=200, result=result, **wrong)
