"""A small exchange with two traders, for the tests of the exchange core."""

from __future__ import annotations

from typing import Any

from trio_binance_uds.sandbox.exchange import Account, Exchange, Refusal

START = 1_790_000_000_000_000
START_MS = START // 1000
SECOND = 1_000_000


class Scene:
    """An exchange whose clock moves by one second per :meth:`tick`, Alice (who acts), and Bob (her market)."""

    def __init__(self, **options: Any) -> None:
        self.time = START
        self.exchange = Exchange.default(lambda: self.time, seed=7)
        self.alice = self.exchange.add_account({"BTC": "10", "USDT": "100000"}, **options)
        self.bob = self.exchange.add_account({"BTC": "10", "USDT": "1000000"})
        self.mark = 0

    @property
    def now(self) -> int:
        """The clock in milliseconds."""
        return self.time // 1000

    def tick(self, microseconds: int = SECOND) -> None:
        self.time += microseconds

    def call(self, account: Account, method: str, **params: Any) -> Any:
        return self.exchange.call(account, method, params)

    def refuse(self, account: Account | None, method: str, **params: Any) -> Refusal:
        """Make a call that must be refused; return the refusal."""
        try:
            result = self.exchange.call(account, method, params)
        except Refusal as refusal:
            return refusal
        raise AssertionError(f"{method} was not refused but gave {result}")

    def place(self, account: Account, side: str, quantity: str, price: str | None = None, **more: Any) -> Any:
        """Place a market order, or with a price a GTC limit order."""
        params = {"symbol": "BTCUSDT", "side": side, "type": "MARKET", "quantity": quantity}
        if price is not None:
            params |= {"type": "LIMIT", "timeInForce": "GTC", "price": price}
        return self.exchange.call(account, "order.place", params | more)

    def trade_at(self, price: str) -> None:
        """Make ``price`` the last price, by a trade of Bob with a third account."""
        third = self.exchange.add_account({"USDT": "1000000"})
        self.place(self.bob, "SELL", "0.01", price, selfTradePreventionMode="NONE")
        self.place(third, "BUY", "0.01", price)

    def forget(self) -> None:
        """Let :meth:`events` begin here."""
        self.mark = len(self.exchange.journal)

    def events(self, account: Account | None = None) -> list[dict[str, Any]]:
        """Return the events of an account (of Alice) since :meth:`forget`."""
        return self.exchange.journal.events(self.alice if account is None else account, self.mark)

    def story(self, account: Account | None = None) -> list[str]:
        """Return those events in short: what a reader needs to see the sequence."""
        return [told(event) for event in self.events(account)]

    def balance(self, account: Account, asset: str) -> tuple[str, str]:
        """Return free and locked as the exchange tells them."""
        for row in self.call(account, "account.status")["balances"]:
            if row["asset"] == asset:
                return row["free"], row["locked"]
        return "0.00000000", "0.00000000"


def told(event: dict[str, Any]) -> str:
    """Say an event in a few words."""
    match event["e"]:
        case "executionReport":
            words = [event["o"], event["x"], event["X"]]
            if event["x"] == "TRADE":
                words.append(f"{short(event['l'])}@{short(event['L'])}")
            if "eR" in event:
                words.append(event["eR"])
            words.append("on book" if event["w"] else "off book")
        case "listStatus":
            words = ["list", event["c"], event["l"], event["L"]]
        case "outboundAccountPosition":
            words = ["balances"]
        case other:
            words = [other, event["a"], short(event["d"])]
    return " ".join(words)


def short(amount: str) -> str:
    return amount.rstrip("0").rstrip(".")


def fingerprint(exchange: Exchange) -> list[Any]:
    """Return all that anybody can ask of the exchange, to see whether anything has changed."""
    seen: list[Any] = [len(exchange.journal)]
    for symbol in exchange.symbols:
        seen.append(exchange.call(None, "depth", {"symbol": symbol}))
        seen.append(exchange.call(None, "ticker.price", {"symbol": symbol}))
    for account in exchange.accounts.values():
        for method in ("account.status", "openOrders.status", "openOrderLists.status", "allOrderLists"):
            seen.append(exchange.call(account, method, {}))
        for symbol in exchange.symbols:
            for method in ("allOrders", "myTrades"):
                seen.append(exchange.call(account, method, {"symbol": symbol}))
    return seen
