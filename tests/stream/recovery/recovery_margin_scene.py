"""Margin accounts on a market, asked by their routes: answers hold what is documented, unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import attrs
import trio
from recovery_scene import PRICES, Market, Trader, decoded

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError
from trio_binance_uds.events import BalanceUpdate, Event
from trio_binance_uds.products import CROSS_MARGIN, MarginHistory, Product, isolated_margin, margin_accounts
from trio_binance_uds.sandbox.exchange import Account, Refusal
from trio_binance_uds.stream.recovery import Recovered, Recoverer, Recovery, recoverer_for
from trio_binance_uds.wire.json_text import dumps, loads

CROSS = "cross-margin"
ISOLATED = "isolated-margin:BTCUSDT"
BOTH = margin_accounts(CROSS_MARGIN, isolated_margin("BTCUSDT"))
FUNDS = {"BTC": "1000", "ETH": "10000", "USDT": "10000000", "BNB": "1000"}

# The members that are documented for an order of the margin routes.
ORDER = {
    "clientOrderId", "cummulativeQuoteQty", "executedQty", "icebergQty", "isWorking", "orderId", "origQty", "price",
    "side", "status", "stopPrice", "symbol", "time", "timeInForce", "type", "selfTradePreventionMode", "updateTime",
}  # fmt: skip
TRADE = {
    "commission", "commissionAsset", "id", "isBestMatch", "isBuyer", "isMaker", "orderId", "price", "qty", "symbol",
    "time",
}  # fmt: skip
SPOT_METHODS = {
    "openOrders": "openOrders.status",
    "openOrderList": "openOrderLists.status",
    "order": "order.status",
    "orderList": "orderList.status",
    "allOrders": "allOrders",
    "allOrderList": "allOrderLists",
    "myTrades": "myTrades",
    "myPreventedMatches": "myPreventedMatches",
}
WEIGHTS = {"allOrders": 200, "allOrderList": 200}
PAGES = {"allOrders": 500, "allOrderList": 500}


class MarginMarket(Market):
    """A market whose Alice has margin accounts: ``alice`` is the one that trades at the moment."""

    def __init__(self, product: Product = CROSS_MARGIN, *, uses_bnb: bool = False) -> None:
        super().__init__()
        assert isinstance(product.history, MarginHistory)
        self.product = product
        self.margin: dict[str, Account] = {}
        for account in product.history.accounts:
            assets = FUNDS if account.symbol is None else ("BTC", "USDT")
            funds = {asset: FUNDS[asset] for asset in assets}
            self.margin[account.name] = self.exchange.add_account(funds, uses_bnb=uses_bnb and account.symbol is None)
        self.alice = next(iter(self.margin.values()))
        # Money that comes without a word of why on the stream, as loans do.
        self.borrowed: list[dict[str, Any]] = []
        self._unsaid: set[int] = set()

    def borrow(self, name: str, asset: str, amount: str) -> None:
        mark = len(self.exchange.journal)
        self.exchange.deposit(self.margin[name], asset, amount)
        for entry in self.exchange.journal.entries(self.margin[name], since=mark):
            if entry.event["e"] == "balanceUpdate":
                self._unsaid.add(entry.seq)
        symbol = name.partition(":")[2]
        row = {"type": "AUTO", "asset": asset, "amount": amount, "principal": amount, "interest": "0"}
        row |= {"status": "CONFIRMED", "timestamp": self.time // 1_000_000 * 1000, "txId": len(self.borrowed)}
        self.borrowed.append(row | ({"isolatedSymbol": symbol} if symbol else {}))

    def sent(self, since: int = 0) -> list[Event]:
        """Everything that the exchange has sent to the margin accounts, in order."""
        names = {account.uid: name for name, account in self.margin.items()}
        return [
            attrs.evolve(decoded(entry.event), account=names[entry.uid])
            for entry in self.exchange.journal.entries()
            if entry.uid in names and entry.seq not in self._unsaid
        ][since:]


class MarginLink:
    """Asks the routes, counts what it costs, and can be told to misbehave."""

    def __init__(self, market: MarginMarket, *, is_rich: bool = False) -> None:
        self.market = market
        self.is_rich = is_rich
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.weight = 0
        self.before: Callable[[str, dict[str, Any]], Any] = lambda route, params: None

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        asked = dict(params or {})
        verb, _, path = method.partition(" ")
        assert verb == "GET"
        route = path.removeprefix("/sapi/v1/margin/")
        self.calls.append((route, dict(asked)))
        self.weight += WEIGHTS.get(route, 10)
        await trio.lowlevel.checkpoint()
        self.market.catch_up()
        answer = self.before(route, dict(asked))
        if answer is not None:
            return answer
        try:
            return loads(dumps(self._answer(route, asked)))
        except Refusal as refusal:
            raise ApiError(method=method, status=refusal.status, code=refusal.code, msg=refusal.msg) from None

    def asked_for(self, route: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name == route]

    def _answer(self, route: str, params: dict[str, Any]) -> Any:
        if route == "account":
            assert not params
            return {"marginLevel": "999", "userAssets": self._assets(CROSS)}
        if route == "isolated/account":
            symbol = params["symbols"]
            held = {row["asset"]: row for row in self._assets(f"isolated-margin:{symbol}")}
            base, quote = symbol[:3], symbol[3:]
            return {"assets": [{"symbol": symbol, "baseAsset": held[base], "quoteAsset": held[quote]}]}
        if route == "borrow-repay":
            return self._loans(params)
        is_isolated = {"TRUE": True, "FALSE": False}[params.pop("isIsolated")]
        name = f"isolated-margin:{params['symbol']}" if is_isolated else CROSS
        if route in ("openOrderList", "orderList", "allOrderList"):
            assert is_isolated or "symbol" not in params
            params.pop("symbol", None)
        assert int(params.get("limit", 0)) <= PAGES.get(route, 1000)
        result = self.market.exchange.call(self.market.margin[name], SPOT_METHODS[route], params)
        return self._documented(route, result, is_isolated)

    def _documented(self, route: str, result: Any, is_isolated: bool) -> Any:
        members = {"openOrders": ORDER, "allOrders": ORDER, "order": ORDER, "myTrades": TRADE}.get(route)
        if isinstance(result, list):
            return [self._documented(route, row, is_isolated) for row in result]
        kept = result if members is None or self.is_rich else {name: result[name] for name in result if name in members}
        return kept | {"isIsolated": is_isolated}

    def _assets(self, name: str) -> list[dict[str, Any]]:
        rows = self.market.exchange.call(self.market.margin[name], "account.status", {})["balances"]
        return [row | {"borrowed": "0.00000000", "interest": "0.00000000"} for row in rows]

    def _loans(self, params: dict[str, Any]) -> Any:
        rows = [
            row
            for row in self.market.borrowed
            if params["type"] == "BORROW"
            and row.get("isolatedSymbol") == params.get("isolatedSymbol")
            and int(params["startTime"]) <= row["timestamp"] <= int(params["endTime"])
        ]
        start = (params["current"] - 1) * params["size"]
        return {"rows": rows[start : start + params["size"]], "total": len(rows)}


class MarginStream:
    """What a user gets: live events while it is whole, and after a break what is recovered, parked and late."""

    def __init__(self, market: MarginMarket, options: Recovery | None = None, *, is_rich: bool = False) -> None:
        self.market = market
        self.recoverer: Recoverer = recoverer_for(market.product, options or Recovery())
        self.told: list[Event] = []
        self.position = len(market.sent())
        self.link = MarginLink(market, is_rich=is_rich)
        self.results: list[Recovered] = []
        self.whole_until = market.now()

    async def start(self) -> None:
        await self.recoverer.take_baseline(self.link.request, ExactClock(self.market.now))

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self.recoverer.observe(event)

    def deliver(self, upto: int | None = None) -> None:
        """Deliver what was sent since the last time."""
        for event in self.market.sent(self.position)[: None if upto is None else upto]:
            self.position += 1
            self.tell(event)
            assert event.event_time is not None
            self.whole_until = max(self.whole_until, event.event_time)

    async def recover(self, subscribed_at: int, since: datetime | None = None, *, late: int = 0) -> Recovered:
        """Make good what was sent from ``position`` to ``subscribed_at``; the ``late`` last live events come after."""
        found = await self.recoverer.recover(self.link.request, since or self.whole_until, ExactClock(self.market.now))
        live = self.market.sent(subscribed_at)
        split = max(0, len(live) - late)
        rest = found.without(live[:split])
        self.recoverer.note_gap(self.whole_until, self.market.now(), complete=rest.complete)
        for event in (*rest.events, *live[:split]):
            self.tell(event)
        echoes = rest.echoes()
        for event in live[split:]:
            if not echoes.is_echo(event):
                self.tell(event)
        self.position = subscribed_at + len(live)
        self.whole_until = self.market.now()
        self.results.append(rest)
        return rest

    def of(self, name: str, events: list[Event] | None = None) -> list[Event]:
        return [event for event in (self.told if events is None else events) if event.account == name]


class MarginTrader(Trader):
    """Trades on all accounts, as margin can: nothing is amended."""

    market: MarginMarket

    def step(self) -> None:
        name = self.random.choice(list(self.market.margin))
        self.market.alice = self.market.margin[name]
        self.market.tick(self.random.choice([0, 0, 0.0004, 0.001, 0.02, 1]))
        symbol = self.random.choice(list(PRICES)) if name == CROSS else name.partition(":")[2]
        actions = [self._limit, self._limit, self._hit, self._hit, self._hit, self._market, self._cancel, self._ioc]
        actions += [self._stop, self._oco, self._oto, self._otoco, self._replace, self._cancel_all]
        with suppress(Refusal):
            self.random.choice(actions)(symbol)


def transfers(events: list[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, BalanceUpdate)]
