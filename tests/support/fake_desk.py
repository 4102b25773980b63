"""A desk that keeps nothing: one route that posts an event, for tests of what stands around the desks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from trio_binance_uds.sandbox import Exchange, Permission, Refusal
from trio_binance_uds.sandbox import server as sandbox_server
from trio_binance_uds.sandbox.desk import Route, Sink
from trio_binance_uds.sandbox.exchange.journal import Journal

PREFIXES = {
    "usdm": "/fapi/v1",
    "coinm": "/dapi/v1",
    "options": "/eapi/v1",
    "portfolio_margin": "/papi/v1",
    "portfolio_margin_pro": "/sapi/v1/portfolio",
}


class FakeDesk:
    """Says ``{"e": "ACCOUNT_UPDATE", "E": ms, "n": n}`` for each order that is placed, and remembers wallets."""

    def __init__(self, prefix: str, now: Callable[[], int]) -> None:
        self.journal = Journal()
        self.wallets: dict[int, dict[str, str]] = {}
        self._prefix = prefix
        self._now = now
        self._sinks: dict[int, dict[object, Sink]] = {}
        self.routes: Mapping[tuple[str, str], Route] = {
            ("POST", f"{prefix}/order"): Route(
                permission=Permission.TRADE, weight=lambda params: 3, orders=1, per_account=prefix.startswith("/sapi")
            ),
            ("GET", f"{prefix}/account"): Route(permission=Permission.USER_DATA, weight=lambda params: 5),
            ("GET", f"{prefix}/depth"): Route(permission=None),
        }

    def has(self, uid: int) -> bool:
        return uid in self.wallets

    def open_account(self, uid: int, balances: Mapping[str, str]) -> None:
        self.wallets[uid] = dict(balances)

    def call(self, uid: int, verb: str, path: str, params: Mapping[str, Any]) -> Any:
        match verb, path.removeprefix(self._prefix):
            case "GET", "/account":
                return self.wallets[uid]
            case "GET", "/depth":
                return {"bids": [], "asks": []}
        if "quantity" not in params:
            raise Refusal(-1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed.")
        self.post(uid, {"e": "ACCOUNT_UPDATE", "E": self._now() // 1000, "n": len(self.journal)})
        return {"orderId": len(self.journal)}

    def post(self, uid: int, event: dict[str, Any]) -> None:
        """Send an event to whoever watches an account."""
        self.journal.append(self._now(), uid, event)
        for sink in tuple(self._sinks.get(uid, {}).values()):
            sink(event)

    def watch(self, uid: int, sink: Sink) -> Callable[[], None]:
        token = object()
        self._sinks.setdefault(uid, {})[token] = sink

        def unwatch() -> None:
            self._sinks[uid].pop(token, None)

        return unwatch


def use_fake_desks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the sandboxes of this test have a fake desk for each product of derivatives."""

    def making(prefix: str) -> Callable[[Exchange, Callable[[], int], int], FakeDesk]:
        return lambda exchange, now, seed: FakeDesk(prefix, now)

    for name, prefix in PREFIXES.items():
        monkeypatch.setitem(sandbox_server.DESKS, name, making(prefix))
