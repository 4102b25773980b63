"""How much a client may ask: request weight, orders, connections, and the ban of those who do not listen.

Source: Binance Spot, WebSocket API, "Rate limits", and ``exchangeInfo`` (2026-07-21); "Limits" of Margin Trading and of
Derivatives (2026-05-28). Intervals are aligned to the clock. When exactly repeated 429s become a ban is not documented;
:attr:`Limits.strikes` says it here. A ban holds for all hosts of a sandbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Any

import attrs

from trio_binance_uds.sandbox.exchange import Refusal

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_DAY = 86_400 * _SECOND
_LONGEST_BAN = 3 * _DAY


@unique
class Budget(StrEnum):
    """Something that the weight of requests, and new orders, are counted against."""

    SPOT = "spot"
    MARGIN = "margin"  #: for orders only: each route has a weight of its own
    FUTURES = "futures"
    OPTIONS = "options"
    PORTFOLIO_MARGIN = "portfolio_margin"


@attrs.frozen(kw_only=True)
class Limits:
    """The limits of a sandbox; the defaults are production's.

    Attributes:
        request_weight: per minute and IP address, over both fronts of spot.
        futures_weight, options_weight, portfolio_margin_weight: the same of the other hosts; USD-M and COIN-M futures
            share theirs.
        route_ip_weight, route_uid_weight: per minute, of each route of ``/sapi`` by itself, for an address or an
            account.
        orders_per_10s, orders_per_day: new orders of an account, over all its keys. A sandbox does not take filled
            orders off this count again, as Binance does.
        futures_orders_per_10s: the same of futures.
        orders_per_minute: the same of futures, of options, and of portfolio margin.
        connections: attempts per five minutes and IP address.
        strikes: how many requests may be refused with 429 within a minute before the address is banned with 418.
        ban: seconds that a first ban lasts; each further one lasts twice as long, three days at most.
        invalid_requests: how many unusable frames in a row, or failed authentications, end a connection with 1008.
        active_subscriptions, subscription_ids: of one connection, at a time and over its life.
        outgoing: bytes that may wait for a client that does not read, before it is cut off.
    """

    request_weight: int = 6000
    futures_weight: int = 2400
    options_weight: int = 2400
    portfolio_margin_weight: int = 6000
    route_ip_weight: int = 12_000
    route_uid_weight: int = 180_000
    orders_per_10s: int = 100
    orders_per_day: int = 200_000
    futures_orders_per_10s: int = 300
    orders_per_minute: int = 1200
    connections: int = 300
    strikes: int = 5
    ban: float = 120.0
    invalid_requests: int = 5
    active_subscriptions: int = 1000
    subscription_ids: int = 65_535
    outgoing: int = 32 * 2**20


@attrs.define
class _Window:
    """A count that starts again whenever the clock enters a new interval."""

    length: int
    limit: int
    count: int = 0
    index: int = -1

    def at(self, now: int) -> int:
        if now // self.length != self.index:
            self.index = now // self.length
            self.count = 0
        return self.count

    def end(self, now: int) -> int:
        return (now // self.length + 1) * self.length


# Interval, number of intervals, and the field of Limits: what new orders are counted by.
_ORDERS: Mapping[Budget, tuple[tuple[str, int, str], ...]] = MappingProxyType(
    {
        Budget.SPOT: (("SECOND", 10, "orders_per_10s"), ("DAY", 1, "orders_per_day")),
        Budget.MARGIN: (("SECOND", 10, "orders_per_10s"), ("DAY", 1, "orders_per_day")),
        Budget.FUTURES: (("SECOND", 10, "futures_orders_per_10s"), ("MINUTE", 1, "orders_per_minute")),
        Budget.OPTIONS: (("MINUTE", 1, "orders_per_minute"),),
        Budget.PORTFOLIO_MARGIN: (("MINUTE", 1, "orders_per_minute"),),
    }
)
_WEIGHTS: Mapping[Budget, str] = MappingProxyType(
    {
        Budget.SPOT: "request_weight",
        Budget.FUTURES: "futures_weight",
        Budget.OPTIONS: "options_weight",
        Budget.PORTFOLIO_MARGIN: "portfolio_margin_weight",
    }
)
_CONNECTIONS = {Budget.SPOT: [("CONNECTIONS", "MINUTE", 5, "connections")]}
_LENGTHS: Mapping[str, int] = MappingProxyType({"SECOND": _SECOND, "MINUTE": _MINUTE, "DAY": _DAY})


def _row(kind: str, interval: str, number: int, window: _Window, now: int) -> dict[str, Any]:
    return {
        "rateLimitType": kind,
        "interval": interval,
        "intervalNum": number,
        "limit": window.limit,
        "count": window.at(now),
    }


@attrs.define
class _Address:
    connections: _Window
    strikes: _Window
    banned_until: int = 0
    bans: int = 0


class Limiter:
    """The counters behind :class:`Limits`, for all addresses and accounts."""

    def __init__(self, limits: Limits, now: Callable[[], int]) -> None:
        self.limits = limits
        self._now = now
        self._addresses: dict[str, _Address] = {}
        self._weights: dict[tuple[str, str | int], _Window] = {}
        self._orders: dict[tuple[Budget, int], list[_Window]] = {}

    def _address(self, ip: str) -> _Address:
        if ip not in self._addresses:
            self._addresses[ip] = _Address(
                _Window(5 * _MINUTE, self.limits.connections),
                _Window(_MINUTE, self.limits.strikes),
            )
        return self._addresses[ip]

    def _weight(self, budget: str, who: str | int) -> _Window:
        """Return the window of a budget, or of a route that has its own, for an address or an account."""
        if (budget, who) not in self._weights:
            if budget in _WEIGHTS:
                limit: int = getattr(self.limits, _WEIGHTS[Budget(budget)])
            else:
                limit = self.limits.route_ip_weight if isinstance(who, str) else self.limits.route_uid_weight
            self._weights[budget, who] = _Window(_MINUTE, limit)
        return self._weights[budget, who]

    def _account(self, uid: int, budget: Budget) -> list[_Window]:
        if (budget, uid) not in self._orders:
            self._orders[budget, uid] = [
                _Window(number * _LENGTHS[interval], getattr(self.limits, limit))
                for interval, number, limit in _ORDERS[budget]
            ]
        return self._orders[budget, uid]

    def _too_much(self, address: _Address, now: int, msg: str, until: int) -> Refusal:
        address.strikes.at(now)
        address.strikes.count += 1
        if address.strikes.count > self.limits.strikes:
            self._ban(address, now, self.limits.ban * 2**address.bans)
            return self._banned(address, now)
        return Refusal(-1003, msg, status=429, data={"serverTime": now // 1000, "retryAfter": until // 1000})

    def _ban(self, address: _Address, now: int, seconds: float) -> None:
        address.banned_until = now + min(round(seconds * _SECOND), _LONGEST_BAN)
        address.bans = min(address.bans + 1, 20)

    def _banned(self, address: _Address, now: int) -> Refusal:
        until = address.banned_until // 1000
        msg = f"Way too much request weight used; IP banned until {until}."
        return Refusal(-1003, msg, status=418, data={"serverTime": now // 1000, "retryAfter": until})

    def ban(self, ip: str, seconds: float) -> None:
        """Ban an address for a while, whatever it has done."""
        self._ban(self._address(ip), self._now(), seconds)

    def addresses(self) -> list[str]:
        """Return every address that has asked for something."""
        return list(self._addresses)

    def check_ban(self, ip: str) -> None:
        """Refuse an address that is banned.

        Raises:
            Refusal: 418, with ``retryAfter``.
        """
        now, address = self._now(), self._address(ip)
        if address.banned_until > now:
            raise self._banned(address, now)

    def charge(self, ip: str, weight: int, budget: str = Budget.SPOT, uid: int | None = None) -> None:
        """Count the weight of a request against a budget, or a route; of an account where ``uid`` names one.

        Raises:
            Refusal: 429 when it does not fit any more, 418 when the address is banned, both with ``retryAfter``.
        """
        self.check_ban(ip)
        now = self._now()
        window = self._weight(budget, ip if uid is None else uid)
        if window.at(now) + weight > window.limit:
            msg = f"Too much request weight used; current limit is {window.limit} request weight per 1 MINUTE."
            raise self._too_much(self._address(ip), now, msg, window.end(now))
        window.count += weight

    def refund(self, ip: str, weight: int) -> None:
        """Take back what :meth:`charge` counted on spot, for a call that turned out to be free."""
        window = self._weight(Budget.SPOT, ip)
        window.count = max(0, window.at(self._now()) - weight)

    def connect(self, ip: str, weight: int) -> None:
        """Count an attempt to connect, and its weight.

        Raises:
            Refusal: 429 or 418.
        """
        self.check_ban(ip)
        now, address = self._now(), self._address(ip)
        if address.connections.at(now) >= address.connections.limit:
            msg = f"Too many connections; current limit is {address.connections.limit} per 5 MINUTE."
            raise self._too_much(address, now, msg, address.connections.end(now))
        address.connections.count += 1
        self.charge(ip, weight)

    def check_orders(self, uid: int, number: int, budget: Budget = Budget.SPOT) -> None:
        """Refuse new orders that the account may not place any more; nothing is counted.

        Raises:
            Refusal: -1015 with status 429, without ``data``.
        """
        now = self._now()
        for window, (interval, length, _) in zip(self._account(uid, budget), _ORDERS[budget], strict=True):
            if window.at(now) + number > window.limit:
                text = f"{length} {interval}"
                raise Refusal(-1015, f"Too many new orders; current limit is {window.limit} orders per {text}.", 429)

    def count_orders(self, uid: int, number: int, budget: Budget = Budget.SPOT) -> None:
        """Count orders that were placed."""
        now = self._now()
        for window in self._account(uid, budget):
            window.at(now)
            window.count += number

    def published(self, budget: Budget = Budget.SPOT) -> list[dict[str, Any]]:
        """Return the limits as ``exchangeInfo`` lists them."""
        limits = [("REQUEST_WEIGHT", "MINUTE", 1, _WEIGHTS[budget])]
        limits += [("ORDERS", *order) for order in _ORDERS[budget]]
        limits += _CONNECTIONS.get(budget, [])
        return [
            {
                "rateLimitType": kind,
                "interval": interval,
                "intervalNum": number,
                "limit": getattr(self.limits, limit),
            }
            for kind, interval, number, limit in limits
        ]

    def weight_used(self, who: str | int, budget: str = Budget.SPOT) -> int:
        """Return the weight that an address, or an account, has used of a budget or a route in this minute."""
        return self._weight(budget, who).at(self._now())

    def weight_row(self, ip: str) -> dict[str, Any]:
        """Return the entry of an answer's ``rateLimits`` for the request weight of spot."""
        return _row("REQUEST_WEIGHT", "MINUTE", 1, self._weight(Budget.SPOT, ip), self._now())

    def order_rows(self, uid: int, budget: Budget = Budget.SPOT) -> list[dict[str, Any]]:
        """Return the entries of an answer's ``rateLimits`` for an account's orders."""
        now = self._now()
        return [
            _row("ORDERS", interval, number, window, now)
            for window, (interval, number, _) in zip(self._account(uid, budget), _ORDERS[budget], strict=True)
        ]
