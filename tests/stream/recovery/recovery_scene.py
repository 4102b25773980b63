"""A market with a stream that breaks: what the exchange has sent, what was delivered of it, and a link that asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import trio

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError
from trio_binance_uds.events import Event, ExecutionReport, ListStatus, OutboundAccountPosition
from trio_binance_uds.products import SPOT
from trio_binance_uds.sandbox.exchange import Account, Exchange, Refusal
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.recovery import Echoes, Recovered, baseline, recover
from trio_binance_uds.wire.decode import decode_frame
from trio_binance_uds.wire.json_text import dumps, loads

START = 1_790_000_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PRICES = {"BTCUSDT": Decimal(20000), "ETHUSDT": Decimal(1000), "ETHBTC": Decimal("0.05")}
TICKS = {"BTCUSDT": Decimal(10), "ETHUSDT": Decimal(1), "ETHBTC": Decimal("0.00005")}
LOTS = {"BTCUSDT": Decimal("0.01"), "ETHUSDT": Decimal("0.1"), "ETHBTC": Decimal("0.1")}


class Market:
    """Alice, whose stream it is, Bob, who trades with her, and a clock that only the test moves."""

    def __init__(self, *, uses_bnb: bool = False) -> None:
        self.time = START
        self._slept = 0.0
        self.exchange = Exchange.default(lambda: self.time, seed=3)
        funds = {"BTC": "1000", "ETH": "10000", "USDT": "10000000", "BNB": "1000"}
        self.alice = self.exchange.add_account(funds, uses_bnb=uses_bnb)
        self.bob = self.exchange.add_account(dict.fromkeys(funds, "100000000"))

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.time)

    def tick(self, seconds: float = 1.0) -> None:
        self.time += round(seconds * 1_000_000)

    def catch_up(self) -> None:
        """Let the time that has passed in trio's clock pass here too."""
        slept, self._slept = self._slept, trio.current_time()
        self.tick(self._slept - slept)

    def call(self, account: Account, method: str, **params: Any) -> Any:
        return self.exchange.call(account, method, params)

    def limit(self, side: str, quantity: str, price: str, account: Account | None = None, **more: Any) -> Any:
        params = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "side": side}
        params |= {"quantity": quantity, "price": price, **more}
        return self.exchange.call(account or self.alice, "order.place", params)

    def sent(self, since: int = 0) -> list[Event]:
        """Everything that the exchange has sent to Alice, decoded as a stream would."""
        return [decoded(event) for event in self.exchange.journal.events(self.alice)[since:]]


def decoded(event: Mapping[str, Any]) -> Event:
    found = decode_frame(dumps({"subscriptionId": 0, "event": event}), SPOT)
    assert isinstance(found, Event)
    return found


class Link:
    """Asks the exchange as a connection would, counts what it costs, and can be told to misbehave."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.weight = 0
        self.before: Callable[[str, dict[str, Any]], Any] = lambda method, params: None

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        asked = dict(params or {})
        self.calls.append((method, asked))
        exchange = self.market.exchange
        self.weight += exchange.method_weight(method, asked)
        await trio.lowlevel.checkpoint()
        self.market.catch_up()
        answer = self.before(method, asked)
        if answer is not None:
            return answer
        try:
            result = exchange.call(self.market.alice, method, asked)
        except Refusal as refusal:
            raise ApiError(method=method, status=refusal.status, code=refusal.code, msg=refusal.msg) from None
        return loads(dumps(result))

    def asked_for(self, method: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name == method]


class Stream:
    """What a user gets: live events while it is whole, and after a break what is recovered, parked and late."""

    def __init__(self, market: Market, options: Recovery | None = None) -> None:
        self.market = market
        self.options = options or Recovery()
        self.knowledge = Knowledge()
        self.told: list[Event] = []
        self.position = len(market.exchange.journal.events(market.alice))
        self.link = Link(market)
        self.results: list[Recovered] = []

    async def start(self) -> str:
        return await baseline(self.link.request, self.knowledge, self.options, ExactClock(self.market.now))

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self.knowledge.observe(event)

    def deliver(self, upto: int | None = None) -> None:
        """Deliver what was sent since the last time."""
        for event in self.market.sent(self.position)[: None if upto is None else upto]:
            self.position += 1
            self.tell(event)

    async def recover(self, subscribed_at: int, since: datetime | None = None, *, late: int = 0) -> Recovered:
        """Make good what was sent from ``position`` to ``subscribed_at``; the ``late`` last live events come after."""
        if since is None:
            newest = self.knowledge.newest or self.knowledge.began
            assert newest is not None
            since = newest
        found = await recover(self.link.request, self.knowledge, since, self.options, ExactClock(self.market.now))
        live = self.market.sent(subscribed_at)
        split = max(0, len(live) - late)
        rest = found.without(live[:split])
        self.knowledge.learned.record()
        for event in (*rest.events, *live[:split]):
            self.tell(event)
        echoes = Echoes(rest)
        for event in live[split:]:
            if not echoes.is_echo(event):
                self.tell(event)
        self.position = subscribed_at + len(live)
        self.results.append(rest)
        return rest


# What must hold of what was told.


def reports(events: list[Event]) -> list[ExecutionReport]:
    return [event for event in events if isinstance(event, ExecutionReport)]


def fill_of(report: ExecutionReport) -> tuple[object, ...]:
    """What a fill says, apart from the state of the order, which can be told in a different order."""
    return (
        report.symbol,
        report.order_id,
        report.trade_id,
        report.last_executed_price,
        report.last_executed_quantity,
        report.last_quote_quantity,
        report.commission_amount,
        report.commission_asset,
        report.is_maker,
        report.transaction_time,
        report.cumulative_filled_quantity,
        report.cumulative_quote_quantity,
        report.order_status,
    )


def fills(events: list[Event]) -> list[tuple[object, ...]]:
    return [fill_of(report) for report in reports(events) if report.execution_type == "TRADE"]


def by_order(events: list[Event]) -> dict[tuple[str, int], list[ExecutionReport]]:
    found: dict[tuple[str, int], list[ExecutionReport]] = {}
    for report in reports(events):
        found.setdefault((report.symbol, report.order_id), []).append(report)
    return found


def lists(events: list[Event]) -> list[tuple[object, ...]]:
    return [
        (event.order_list_id, event.list_status_type, event.transaction_time)
        for event in events
        if isinstance(event, ListStatus) and event.list_status_type != "UPDATED"
    ]


def balances(events: list[Event]) -> dict[str, tuple[Decimal, Decimal]]:
    """The balances as a user who follows the positions has them in the end."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for event in events:
        if isinstance(event, OutboundAccountPosition):
            found |= {balance.asset: (balance.free, balance.locked) for balance in event.balances}
    return found


class Trader:
    """Trades at random, but the same way for the same seed."""

    def __init__(self, market: Market, seed: int) -> None:
        self.market = market
        self.random = Random(seed)
        self.lists = True

    def step(self) -> None:
        random = self.random
        self.market.tick(random.choice([0, 0, 0.0004, 0.001, 0.02, 1]))
        symbol = random.choice(list(PRICES))
        actions = [self._limit, self._limit, self._hit, self._hit, self._hit, self._market, self._cancel, self._amend]
        actions += [self._stop, self._oco, self._oto, self._otoco, self._replace, self._cancel_all, self._ioc]
        with suppress(Refusal):  # The market has moved; a trader lives with that.
            random.choice(actions)(symbol)

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.step()

    def _price(self, symbol: str, ticks: int) -> str:
        return str(PRICES[symbol] + ticks * TICKS[symbol])

    def _quantity(self, symbol: str, most: int = 9) -> str:
        return str(LOTS[symbol] * self.random.randint(1, most))

    def _call(self, account: Account, method: str, symbol: str, **params: Any) -> Any:
        return self.market.call(account, method, symbol=symbol, **params)

    def _side(self) -> tuple[str, int]:
        side = self.random.choice(["BUY", "SELL"])
        return side, (-1 if side == "BUY" else 1)

    def _limit(self, symbol: str) -> None:
        side, sign = self._side()
        price = self._price(symbol, sign * self.random.randint(-1, 6))
        self._call(
            self.market.alice,
            "order.place",
            symbol,
            side=side,
            type="LIMIT",
            timeInForce="GTC",
            quantity=self._quantity(symbol),
            price=price,
            selfTradePreventionMode=self.random.choice(
                ["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT"]
            ),
        )

    def _ioc(self, symbol: str) -> None:
        side, sign = self._side()
        self._call(
            self.market.alice,
            "order.place",
            symbol,
            side=side,
            type="LIMIT",
            timeInForce=self.random.choice(["IOC", "FOK"]),
            quantity=self._quantity(symbol),
            price=self._price(symbol, -sign * self.random.randint(0, 6)),
        )

    def _hit(self, symbol: str) -> None:
        """Bob meets what Alice offers, or gives her something to meet."""
        side, sign = self._side()
        self._call(
            self.market.bob,
            "order.place",
            symbol,
            side=side,
            type="LIMIT",
            timeInForce=self.random.choice(["GTC", "IOC"]),
            quantity=self._quantity(symbol, 5),
            price=self._price(symbol, -sign * self.random.randint(-6, 6)),
            selfTradePreventionMode="NONE",
        )

    def _market(self, symbol: str) -> None:
        side, _ = self._side()
        amount = {"quoteOrderQty": str(PRICES[symbol])} if self.random.random() < 0.3 else {}
        if not amount:
            amount = {"quantity": self._quantity(symbol)}
        self._call(self.market.alice, "order.place", symbol, side=side, type="MARKET", **amount)

    def _stop(self, symbol: str) -> None:
        side, sign = self._side()
        kind = self.random.choice(["STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"])
        away = sign if kind.startswith("TAKE") else -sign
        limit = {"price": self._price(symbol, 0), "timeInForce": "GTC"} if kind.endswith("LIMIT") else {}
        self._call(
            self.market.alice,
            "order.place",
            symbol,
            side=side,
            type=kind,
            quantity=self._quantity(symbol),
            stopPrice=self._price(symbol, away * self.random.randint(1, 5)),
            **limit,
        )

    def _oco(self, symbol: str) -> None:
        self._call(
            self.market.alice,
            "orderList.place.oco",
            symbol,
            side="SELL",
            quantity=self._quantity(symbol),
            aboveType="LIMIT_MAKER",
            abovePrice=self._price(symbol, self.random.randint(2, 6)),
            belowType="STOP_LOSS",
            belowStopPrice=self._price(symbol, -self.random.randint(2, 6)),
        )

    def _oto(self, symbol: str) -> None:
        self._call(
            self.market.alice,
            "orderList.place.oto",
            symbol,
            workingType="LIMIT",
            workingSide="BUY",
            workingPrice=self._price(symbol, self.random.randint(-4, 2)),
            workingQuantity=self._quantity(symbol),
            workingTimeInForce="GTC",
            pendingType=self.random.choice(["LIMIT_MAKER", "LIMIT_MAKER", "MARKET"]),
            pendingSide="SELL",
            pendingQuantity=self._quantity(symbol),
            **self._pending_price(symbol),
        )

    def _pending_price(self, symbol: str) -> dict[str, str]:
        return {"pendingPrice": self._price(symbol, self.random.randint(3, 8))}

    def _otoco(self, symbol: str) -> None:
        self._call(
            self.market.alice,
            "orderList.place.otoco",
            symbol,
            workingType="LIMIT",
            workingSide="BUY",
            workingPrice=self._price(symbol, self.random.randint(-4, 2)),
            workingQuantity=self._quantity(symbol),
            workingTimeInForce="GTC",
            pendingSide="SELL",
            pendingQuantity=self._quantity(symbol),
            pendingAboveType="LIMIT_MAKER",
            pendingAbovePrice=self._price(symbol, self.random.randint(3, 8)),
            pendingBelowType="STOP_LOSS",
            pendingBelowStopPrice=self._price(symbol, -self.random.randint(2, 6)),
        )

    def _any_open(self, symbol: str) -> dict[str, Any] | None:
        found = self._call(self.market.alice, "openOrders.status", symbol)
        return self.random.choice(found) if found else None

    def _cancel(self, symbol: str) -> None:
        if (order := self._any_open(symbol)) is not None:
            self._call(self.market.alice, "order.cancel", symbol, orderId=order["orderId"])

    def _cancel_all(self, symbol: str) -> None:
        if self.random.random() < 0.2:
            self._call(self.market.alice, "openOrders.cancelAll", symbol)

    def _amend(self, symbol: str) -> None:
        if (order := self._any_open(symbol)) is not None:
            less = str(max(Decimal(order["origQty"]) - LOTS[symbol], LOTS[symbol]))
            # In a millisecond of its own: within one, no query tells whether it came before a fill or after it.
            self.market.tick(0.001)
            self._call(self.market.alice, "order.amend.keepPriority", symbol, orderId=order["orderId"], newQty=less)
            self.market.tick(0.001)

    def _replace(self, symbol: str) -> None:
        if (order := self._any_open(symbol)) is not None:
            side, sign = self._side()
            self._call(
                self.market.alice,
                "order.cancelReplace",
                symbol,
                cancelReplaceMode="STOP_ON_FAILURE",
                cancelOrderId=order["orderId"],
                side=side,
                type="LIMIT_MAKER",
                quantity=self._quantity(symbol),
                price=self._price(symbol, sign * self.random.randint(-2, 6)),
            )
