"""The REST routes of the products in one table: public ones, listen keys and tokens, and those of the desks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import attrs

from trio_binance_uds.sandbox.catalogue import Permission
from trio_binance_uds.sandbox.clock import Clock
from trio_binance_uds.sandbox.desk import Desk, Route
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.families import FAMILIES, Family, family_of
from trio_binance_uds.sandbox.keys import ApiKey
from trio_binance_uds.sandbox.limits import Budget, Limiter
from trio_binance_uds.sandbox.listen_keys import KEY_ROUTES, KeyRoute, ListenKeys
from trio_binance_uds.sandbox.listen_tokens import TOKEN_ROUTE, ListenTokens
from trio_binance_uds.sandbox.stream_paths import desks_of

_NOBODY = 0


@attrs.frozen(kw_only=True)
class Service:
    """One route, and what does its work.

    Attributes:
        signed: whether a call that needs a key needs a signature too.
        do: does what a call asks for; the key is ``None`` for a public route.
    """

    family: Family
    route: Route
    signed: bool = True
    do: Callable[[ApiKey | None, Mapping[str, Any]], Any]


class Services:
    """Every route that is not one of spot's own, by verb and path."""

    def __init__(
        self,
        *,
        clock: Clock,
        limiter: Limiter,
        desks: Mapping[str, Desk],
        listen_keys: ListenKeys,
        listen_tokens: ListenTokens,
    ) -> None:
        self._clock = clock
        self._limiter = limiter
        self._desks = desks
        self._listen_keys = listen_keys
        self._listen_tokens = listen_tokens
        self._table: dict[tuple[str, str], Service] = {}
        for family in FAMILIES:
            self._add_common(family)
        for path, key_route in KEY_ROUTES.items():
            self._add_listen_key(path, key_route)
        self._add(*TOKEN_ROUTE, Route(permission=Permission.USER_STREAM, per_account=True), self._token, signed=False)
        # A desk knows better than what all have alike.
        for desk in desks.values():
            for (verb, path), route in desk.routes.items():
                self._add(verb, path, route, partial(self._at_desk, desk, verb, path))

    def find(self, verb: str, path: str) -> Service | None:
        """Return what does the work of a route."""
        return self._table.get((verb, path))

    # How the table comes about

    def _add(
        self,
        verb: str,
        path: str,
        route: Route,
        do: Callable[[ApiKey | None, Mapping[str, Any]], Any],
        *,
        signed: bool = True,
    ) -> None:
        family = family_of(path)
        assert family is not None, f"{path} is of no family of routes"
        self._table[verb, path] = Service(family=family, route=route, signed=signed, do=do)

    def _add_common(self, family: Family) -> None:
        answers: dict[str, Callable[[], Any]] = {
            "ping": dict,
            "time": lambda: {"serverTime": self._clock.now_ms()},
            "exchangeInfo": partial(self._exchange_info, family.orders),
        }
        for name in family.public:
            self._add("GET", f"{family.prefix}v1/{name}", Route(permission=None), _saying(answers[name]))
        if family.order_count is not None:
            path, weight = family.order_count
            route = Route(permission=Permission.USER_DATA, weight=_costing(weight))
            self._add("GET", path, route, partial(self._order_count, family.orders))

    def _add_listen_key(self, path: str, key_route: KeyRoute) -> None:
        for verb in key_route.verbs:
            weight = _costing(key_route.delete_weight if verb == "DELETE" else 1)
            route = Route(permission=Permission.USER_STREAM, weight=weight, per_account=key_route.per_account)
            self._add(verb, path, route, partial(self._listen_key, verb, path, key_route), signed=False)

    # What the routes do

    def _exchange_info(self, budget: Budget) -> dict[str, Any]:
        return {
            "timezone": "UTC",
            "serverTime": self._clock.now_ms(),
            "exchangeFilters": [],
            "rateLimits": self._limiter.published(budget),
            "symbols": [],
        }

    def _order_count(self, budget: Budget, key: ApiKey | None, params: Mapping[str, Any]) -> Any:
        return self._limiter.order_rows(_uid(key), budget)

    def _listen_key(
        self, verb: str, path: str, key_route: KeyRoute, key: ApiKey | None, params: Mapping[str, Any]
    ) -> Any:
        assert key is not None, "the route needs a key"
        desks = [desk for name, desk in self._desks.items() if name in desks_of(key_route.space)]
        if not any(desk.has(key.account.uid) for desk in desks):
            raise _no_account(path)
        return self._listen_keys.answer(verb, path, key, params)

    def _token(self, key: ApiKey | None, params: Mapping[str, Any]) -> Any:
        assert key is not None, "the route needs a key"
        return self._listen_tokens.post(key, params)

    def _at_desk(self, desk: Desk, verb: str, path: str, key: ApiKey | None, params: Mapping[str, Any]) -> Any:
        if key is not None and not desk.has(key.account.uid):
            raise _no_account(path)
        return desk.call(_uid(key), verb, path, params)


def _costing(weight: int) -> Callable[[Mapping[str, Any]], int]:
    return lambda params: weight


def _saying(answer: Callable[[], Any]) -> Callable[[ApiKey | None, Mapping[str, Any]], Any]:
    return lambda key, params: answer()


def _uid(key: ApiKey | None) -> int:
    return _NOBODY if key is None else key.account.uid


def _no_account(path: str) -> Refusal:
    family = family_of(path)
    assert family is not None, "a route in the table has a family"
    return family.no_account()
