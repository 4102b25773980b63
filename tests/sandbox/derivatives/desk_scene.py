"""Small desks with two traders, for the tests of the derivatives desks."""

from __future__ import annotations

from typing import Any

from trio_binance_uds.sandbox.derivatives import CoinmDesk, UsdmDesk
from trio_binance_uds.sandbox.derivatives.futures import FuturesDesk
from trio_binance_uds.sandbox.exchange import Refusal

START = 1_790_000_000_000_000
START_MS = START // 1000
SECOND = 1_000_000
DAY = 86_400 * SECOND
ALICE, BOB = 11, 12


class Scene:
    """A futures desk whose clock a test moves, Alice (who acts), and Bob (her market)."""

    def __init__(self, desk: str = "usdm", **options: Any) -> None:
        self.time = START
        made, self.prefix, self.symbol, asset, funds = {
            "usdm": (UsdmDesk, "/fapi", "BTCUSDT", "USDT", "100000"),
            "coinm": (CoinmDesk, "/dapi", "BTCUSD_PERP", "BTC", "10"),
        }[desk]
        self.desk: FuturesDesk = made(lambda: self.time, 7, **options)  # type: ignore[operator]
        self.asset = asset
        for uid in (ALICE, BOB):
            self.desk.open_account(uid, {asset: funds})
        self.mark = 0
        self.kind = desk

    def tick(self, microseconds: int = SECOND) -> None:
        self.time += microseconds

    @property
    def now(self) -> int:
        """The clock in milliseconds."""
        return self.time // 1000

    def call(self, what: str, uid: int = ALICE, **params: Any) -> Any:
        """Call a route, such as ``GET /v1/order``, as Alice."""
        verb, path = what.split()
        return self.desk.call(uid, verb, self.prefix + path, params)

    def refuse(self, what: str, uid: int = ALICE, **params: Any) -> int:
        """Make a call that must be refused, and change nothing; return the code."""
        before = fingerprint(self)
        try:
            result = self.call(what, uid, **params)
        except Refusal as refusal:
            assert fingerprint(self) == before
            return refusal.code
        raise AssertionError(f"{what} was not refused but gave {result}")

    def place(self, side: str, quantity: str, price: str | None = None, uid: int = ALICE, **more: Any) -> Any:
        """Place a market order, or with a price a GTC limit order."""
        return self.call("POST /v1/order", uid, **self.order(side, quantity, price, **more))

    def order(self, side: str, quantity: str, price: str | None = None, **more: Any) -> dict[str, Any]:
        params = {"symbol": self.symbol, "side": side, "type": "MARKET", "quantity": quantity}
        if price is not None:
            params |= {"type": "LIMIT", "timeInForce": "GTC", "price": price}
        return params | more

    def trade(self, side: str, quantity: str, price: str, **more: Any) -> Any:
        """Let Alice trade with Bob, who was there first."""
        opposite = "SELL" if side == "BUY" else "BUY"
        bobs = {key: {"LONG": "SHORT", "SHORT": "LONG"}.get(value, value) for key, value in more.items()}
        self.place(opposite, quantity, price, uid=BOB, **{k: v for k, v in bobs.items() if k == "positionSide"})
        return self.place(side, quantity, price, **more)

    def forget(self) -> None:
        """Let :meth:`events` begin here."""
        self.mark = len(self.desk.journal)

    def events(self, uid: int = ALICE) -> list[dict[str, Any]]:
        """Return the events of an account (of Alice) since :meth:`forget`."""
        return self.desk.journal.events(uid, self.mark)

    def story(self, uid: int = ALICE) -> list[str]:
        """Return those events in short: what a reader needs to see the sequence."""
        return [told(event) for event in self.events(uid)]

    def balance(self, uid: int = ALICE, asset: str | None = None) -> str:
        return str(self.desk.accounts[uid].balance(asset or self.asset))


def told(event: dict[str, Any]) -> str:
    """Say an event in a few words."""
    match event["e"]:
        case "ORDER_TRADE_UPDATE":
            order = event["o"]
            words = [order["o"], order["x"], order["X"]]
            if order["t"]:
                words.append(f"{order['l']}@{order['L']}")
            if order.get("er", "0") != "0":
                words.append(f"er {order['er']}")
        case "TRADE_LITE":
            words = ["lite", f"{event['l']}@{event['L']}"]
        case "ACCOUNT_UPDATE":
            told_account = event["a"]
            words = ["account", told_account["m"]]
            words += [f"{row['s']} {row['ps']} {row['pa']}" for row in told_account["P"]]
        case "ALGO_UPDATE":
            order = event.get("o") or event["ao"]
            words = ["algo", order["o"], order["X"]]
            if order.get("ia"):
                words.append("active")
        case "CONDITIONAL_ORDER_TRADE_UPDATE":
            words = ["strategy", event["so"]["st"], event["so"]["os"]]
        case other:
            words = [other]
    return " ".join(words)


def fingerprint(scene: Scene) -> list[Any]:
    """Return what anybody can see of a desk, to tell whether anything has changed."""
    seen: list[Any] = [len(scene.desk.journal)]
    for contract in scene.desk.contracts.values():
        seen += [contract.book.bids.depth(99), contract.book.asks.depth(99), contract.last_price, contract.mark_price]
    for account in scene.desk.accounts.values():
        seen += [account.hedged, account.multi_assets, dict(account.algos.open)]
        seen += [(wallet.asset, wallet.balance) for wallet in account.wallets.values()]
        seen += [
            (key, held.amount, held.cost, held.bids, held.asks, held.leverage, held.isolated)
            for key, held in account.positions.items()
            if held.amount or held.bids or held.asks
        ]
    return seen
