"""A market with a margin account on it: what the tests of the margin desk begin with."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trio_binance_uds.sandbox import Sandbox, SandboxAccount
from trio_binance_uds.sandbox.exchange import Account

MARGIN = "/sapi/v1/margin/"
LIMIT = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC"}


class Scene:
    """An owner with 10000 USDT on cross margin and 1000 on an isolated pair; bitcoin is at 50000, ether at 2500."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.owner: SandboxAccount = sandbox.add_account(
            balances={"USDT": "5000"},
            cross_margin={"USDT": "10000"},
            isolated_margin={"BTCUSDT": {"USDT": "1000"}},
        )
        self.maker = sandbox.exchange.add_account({"BTC": "1000", "USDT": "100000000", "ETH": "10000"})
        sandbox.exchange.seed_book("BTCUSDT", "50000", 5, self.maker, quantity="1")
        sandbox.exchange.seed_book("ETHUSDT", "2500", 5, self.maker, quantity="10")

    @property
    def cross(self) -> Account:
        return self.sandbox.margin.account(self.owner.uid)

    @property
    def isolated(self) -> Account:
        return self.sandbox.margin.account(self.owner.uid, "BTCUSDT")

    def call(self, route: str, /, **params: Any) -> Any:
        """Call a route below ``/sapi/v1/margin/``, such as ``GET account``."""
        verb, _, path = route.partition(" ")
        return self.owner.call(f"{verb} {MARGIN}{path}", params)

    def transfer(self, kind: str, asset: str, amount: str, **symbols: str) -> Any:
        return self.owner.call("POST /sapi/v1/asset/transfer", type=kind, asset=asset, amount=amount, **symbols)

    def borrow(self, asset: str, amount: str, **where: str) -> Any:
        return self.call("POST borrow-repay", type="BORROW", asset=asset, amount=amount, **where)

    def repay(self, asset: str, amount: str, **where: str) -> Any:
        return self.call("POST borrow-repay", type="REPAY", asset=asset, amount=amount, **where)

    def repay_all(self, asset: str) -> None:
        row = self.held(asset)
        self.repay(asset, str(Decimal(row["borrowed"]) + Decimal(row["interest"])))

    def held(self, asset: str) -> dict[str, Any]:
        """Return the row of an asset in the cross account."""
        rows = self.call("GET account")["userAssets"]
        (row,) = [row for row in rows if row["asset"] == asset]
        return dict(row)

    def risk(self) -> list[dict[str, Any]]:
        """Return all events of the risk stream so far."""
        return [entry.event for entry in self.sandbox.margin.journal.entries()]

    def events(self, account: Account) -> list[str]:
        """Return the types of all events of an account so far."""
        return [event["e"] for event in self.sandbox.exchange.journal.events(account)]

    def crash(self, price: str) -> None:
        """Let bitcoin trade at a price far from where it was, over an empty book."""
        exchange = self.sandbox.exchange
        if exchange.call(self.maker, "openOrders.status", {"symbol": "BTCUSDT"}):
            exchange.call(self.maker, "openOrders.cancelAll", {"symbol": "BTCUSDT"})
        other = exchange.add_account({"USDT": "100000000"})
        order = {**LIMIT, "quantity": "0.001", "price": price}
        exchange.call(self.maker, "order.place", {**order, "side": "SELL"})
        exchange.call(other, "order.place", {**order, "side": "BUY"})
