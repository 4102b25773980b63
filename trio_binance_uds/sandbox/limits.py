"""How much a client may ask: request weight, orders, connections, and the ban of those who do not listen.

Source: Binance Spot, WebSocket API, "Rate limits", and ``exchangeInfo`` (2026-07-21). Intervals are aligned to the
clock. When exactly repeated 429s become a ban is not documented; :attr:`Limits.strikes` says it here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs

from trio_binance_uds.sandbox.exchange import Refusal

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_DAY = 86_400 * _SECOND
_LONGEST_BAN = 3 * _DAY


@attrs.frozen(kw_only=True)
class Limits:
    """The limits of a sandbox; the defaults are production's.

    Attributes:
        request_weight: per minute and IP address, over both fronts.
        orders_per_10s, orders_per_day: new orders of an account, over all its keys. A sandbox does not take filled
            orders off this count again, as Binance does.
        connections: attempts per five minutes and IP address.
        strikes: how many requests may be refused with 429 within a minute before the address is banned with 418.
        ban: seconds that a first ban lasts; each further one lasts twice as long, three days at most.
        invalid_requests: how many unusable frames in a row, or failed authentications, end a connection with 1008.
        active_subscriptions, subscription_ids: of one connection, at a time and over its life.
        outgoing: bytes that may wait for a client that does not read, before it is cut off.
    """

    request_weight: int = 6000
    orders_per_10s: int = 100
    orders_per_day: int = 200_000
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
    weight: _Window
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
        self._orders: dict[int, tuple[_Window, _Window]] = {}

    def _address(self, ip: str) -> _Address:
        if ip not in self._addresses:
            self._addresses[ip] = _Address(
                _Window(_MINUTE, self.limits.request_weight),
                _Window(5 * _MINUTE, self.limits.connections),
                _Window(_MINUTE, self.limits.strikes),
            )
        return self._addresses[ip]

    def _account(self, uid: int) -> tuple[_Window, _Window]:
        if uid not in self._orders:
            self._orders[uid] = (
                _Window(10 * _SECOND, self.limits.orders_per_10s),
                _Window(_DAY, self.limits.orders_per_day),
            )
        return self._orders[uid]

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

    def charge(self, ip: str, weight: int) -> None:
        """Count the weight of a request.

        Raises:
            Refusal: 429 when it does not fit any more, 418 when the address is banned, both with ``retryAfter``.
        """
        now = self._now()
        address = self._address(ip)
        if address.banned_until > now:
            raise self._banned(address, now)
        if address.weight.at(now) + weight > address.weight.limit:
            msg = f"Too much request weight used; current limit is {address.weight.limit} request weight per 1 MINUTE."
            raise self._too_much(address, now, msg, address.weight.end(now))
        address.weight.count += weight

    def refund(self, ip: str, weight: int) -> None:
        """Take back what :meth:`charge` counted, for a call that turned out to be free."""
        window = self._address(ip).weight
        window.count = max(0, window.at(self._now()) - weight)

    def connect(self, ip: str, weight: int) -> None:
        """Count an attempt to connect, and its weight.

        Raises:
            Refusal: 429 or 418.
        """
        now = self._now()
        address = self._address(ip)
        if address.banned_until > now:
            raise self._banned(address, now)
        if address.connections.at(now) >= address.connections.limit:
            msg = f"Too many connections; current limit is {address.connections.limit} per 5 MINUTE."
            raise self._too_much(address, now, msg, address.connections.end(now))
        address.connections.count += 1
        self.charge(ip, weight)

    def check_orders(self, uid: int, number: int) -> None:
        """Refuse new orders that the account may not place any more; nothing is counted.

        Raises:
            Refusal: -1015 with status 429, without ``data``.
        """
        now = self._now()
        for window, text in zip(self._account(uid), ("10 SECOND", "1 DAY"), strict=True):
            if window.at(now) + number > window.limit:
                raise Refusal(-1015, f"Too many new orders; current limit is {window.limit} orders per {text}.", 429)

    def count_orders(self, uid: int, number: int) -> None:
        """Count orders that were placed."""
        now = self._now()
        for window in self._account(uid):
            window.at(now)
            window.count += number

    def published(self) -> list[dict[str, Any]]:
        """Return the limits as ``exchangeInfo`` lists them."""
        limits = self.limits
        return [
            {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
            for kind, interval, number, limit in (
                ("REQUEST_WEIGHT", "MINUTE", 1, limits.request_weight),
                ("ORDERS", "SECOND", 10, limits.orders_per_10s),
                ("ORDERS", "DAY", 1, limits.orders_per_day),
                ("CONNECTIONS", "MINUTE", 5, limits.connections),
            )
        ]

    def weight_used(self, ip: str) -> int:
        """Return the weight that an address has used in this minute."""
        return self._address(ip).weight.at(self._now())

    def weight_row(self, ip: str) -> dict[str, Any]:
        """Return the entry of an answer's ``rateLimits`` for the request weight."""
        return _row("REQUEST_WEIGHT", "MINUTE", 1, self._address(ip).weight, self._now())

    def order_rows(self, uid: int) -> list[dict[str, Any]]:
        """Return the entries of an answer's ``rateLimits`` for an account's orders."""
        now = self._now()
        per_10s, per_day = self._account(uid)
        return [_row("ORDERS", "SECOND", 10, per_10s, now), _row("ORDERS", "DAY", 1, per_day, now)]
