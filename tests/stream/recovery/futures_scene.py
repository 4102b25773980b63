"""A futures market with a stream that breaks: what the desk sent, what was delivered of it, and a link that asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import attrs
import trio

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError
from trio_binance_uds.events import AccountUpdate, Event, OrderTradeUpdate
from trio_binance_uds.products import COINM_FUTURES, USDM_FUTURES, Product
from trio_binance_uds.sandbox.derivatives import CoinmDesk, UsdmDesk
from trio_binance_uds.sandbox.derivatives.futures import FuturesDesk
from trio_binance_uds.sandbox.exchange import Refusal, UnknownMethod
from trio_binance_uds.stream.recovery import Recovered, Recovery, recoverer_for
from trio_binance_uds.stream.recovery.futures.recoverer import FuturesRecoverer
from trio_binance_uds.wire.decode import decode_frame
from trio_binance_uds.wire.json_text import dumps, loads

START = 1_790_000_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ALICE, BOB = 11, 12


@attrs.frozen
class Kind:
    """One kind of futures as the tests trade it: each symbol with its price, tick and lot."""

    product: Product
    desk: Callable[..., FuturesDesk]
    prefix: str
    funds: Mapping[str, str]
    symbols: Mapping[str, tuple[str, str, str]]


USDM = Kind(
    USDM_FUTURES,
    UsdmDesk,
    "/fapi",
    {"USDT": "1000000"},
    {"BTCUSDT": ("20000", "10", "0.01"), "ETHUSDT": ("1000", "1", "0.1")},
)
COINM = Kind(
    COINM_FUTURES,
    CoinmDesk,
    "/dapi",
    {"BTC": "1000", "ETH": "10000"},
    {"BTCUSD_PERP": ("20000", "10", "1"), "ETHUSD_PERP": ("1000", "1", "1")},
)
KINDS = {"usdm": USDM, "coinm": COINM}


class Market:
    """Alice, whose stream it is, Bob, who trades with her, and a clock that only the test moves."""

    def __init__(self, kind: Kind = USDM, *, hedged: bool = False, lag: float = 0) -> None:
        self.kind = kind
        self.time = START
        self._slept = 0.0
        self.desk = kind.desk(lambda: self.time, 7)
        self.desk.lag = lag
        self.desk.open_account(ALICE, kind.funds)
        self.desk.open_account(BOB, dict.fromkeys(kind.funds, "100000000"))
        self.symbol = next(iter(kind.symbols))
        self.hedged = hedged
        for symbol, (price, _, _) in kind.symbols.items():
            self.desk.set_mark_price(symbol, price)
        if hedged:
            self.call("POST /v1/positionSide/dual", dualSidePosition="true")
        self.tick()

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.time)

    def tick(self, seconds: float = 1.0) -> None:
        self.time += round(seconds * 1_000_000)

    def catch_up(self) -> None:
        """Let the time that has passed in trio's clock pass here too."""
        slept, self._slept = self._slept, trio.current_time()
        self.tick(self._slept - slept)

    def call(self, what: str, uid: int = ALICE, **params: Any) -> Any:
        verb, path = what.split()
        return self.desk.call(uid, verb, self.kind.prefix + path, params)

    def limit(self, side: str, quantity: str, price: str, uid: int = ALICE, **more: Any) -> Any:
        params = {"symbol": self.symbol, "side": side, "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity}
        return self.call("POST /v1/order", uid, **(params | {"price": price, **more}))

    def sent(self, since: int = 0) -> list[Event]:
        """Everything that the desk has sent to Alice, decoded as a stream would."""
        return [decoded(event, self.kind.product) for event in self.desk.journal.events(ALICE)[since:]]


def decoded(event: Mapping[str, Any], product: Product) -> Event:
    found = decode_frame(dumps(event), product)
    assert isinstance(found, Event)
    return found


class Link:
    """Asks the desk as a REST client would, counts what it costs, and can be told to misbehave."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.weight = 0
        self.before: Callable[[str, dict[str, Any]], Any] = lambda method, params: None

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        asked = dict(params or {})
        self.calls.append((method, asked))
        verb, path = method.split()
        await trio.lowlevel.checkpoint()
        self.market.catch_up()
        answer = self.before(method, asked)
        if answer is not None:
            return answer
        desk = self.market.desk
        try:
            self.weight += desk.routes[verb, path].weight(asked)
            result = desk.call(ALICE, verb, path, asked)
        except Refusal as refusal:
            raise ApiError(method=method, status=refusal.status, code=refusal.code, msg=refusal.msg) from None
        except (KeyError, UnknownMethod):
            raise ApiError(method=method, status=404, code=-5000, msg="this path is invalid") from None
        return loads(dumps(result))

    def asked_for(self, method: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name == method]


class Stream:
    """What a user gets: live events while it is whole, and after a break what is recovered, parked and late."""

    def __init__(self, market: Market, options: Recovery | None = None, product: Product | None = None) -> None:
        self.market = market
        self.product = product or market.kind.product
        recoverer = recoverer_for(self.product, options or Recovery())
        assert isinstance(recoverer, FuturesRecoverer)
        self.recoverer = recoverer
        self.knowledge = recoverer.knowledge
        self.told: list[Event] = []
        self.position = len(market.desk.journal.events(ALICE))
        self.link = Link(market)
        self.results: list[Recovered] = []
        self.started = (self.position, market.now())

    async def start(self) -> str:
        await self.recoverer.take_baseline(self.link.request, ExactClock(self.market.now))
        self.started = (len(self.market.desk.journal.events(ALICE)), self.market.now())
        return self.knowledge.no_baseline_because

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self.recoverer.observe(event)

    def deliver(self, upto: int | None = None) -> None:
        """Deliver what was sent since the last time."""
        for event in self.market.sent(self.position)[: None if upto is None else upto]:
            self.position += 1
            self.tell(event)

    async def recover(self, subscribed_at: int, since: datetime | None = None, *, late: int = 0) -> Recovered:
        """Make good what was sent from ``position`` to ``subscribed_at``; the ``late`` last live events come after."""
        if since is None:
            assert self.knowledge.began is not None
            since = self.knowledge.newest or self.knowledge.began
            position, at = self.started
            if self.position >= position:
                since = max(since, at)
        found = await self.recoverer.recover(self.link.request, since, ExactClock(self.market.now))
        until = self.market.now()
        live = self.market.sent(subscribed_at)
        split = max(0, len(live) - late)
        rest = found.without(live[:split])
        self.recoverer.note_gap(since, until, complete=rest.complete)
        for event in (*rest.events, *live[:split]):
            self.tell(event)
        echoes = rest.echoes()
        for event in live[split:]:
            if not echoes.is_echo(event):
                self.tell(event)
        self.position = subscribed_at + len(live)
        self.started = (self.position, self.market.now())
        self.results.append(rest)
        return rest

    async def missed(self) -> list[Event]:
        """Make good everything that was sent since the last time, and return what was recovered."""
        return list((await self.recover(len(self.market.desk.journal.events(ALICE)))).events)


# What must hold of what was told.


def reports(events: list[Event]) -> list[OrderTradeUpdate]:
    return [event for event in events if isinstance(event, OrderTradeUpdate)]


def kind_of(report: OrderTradeUpdate) -> str:
    """What has happened; the fund's part of a liquidation cannot be told from a trade."""
    return "TRADE" if report.execution_type == "CALCULATED" else str(report.execution_type)


def fill_of(report: OrderTradeUpdate) -> tuple[object, ...]:
    return (
        report.symbol,
        report.order_id,
        report.trade_id,
        report.last_filled_price,
        report.last_filled_quantity,
        report.commission,
        report.commission_asset,
        report.realized_profit,
        report.is_maker,
        report.order_trade_time,
        report.filled_accumulated_quantity,
        report.order_status,
    )


def fills(events: list[Event]) -> list[tuple[object, ...]]:
    return [fill_of(report) for report in reports(events) if report.trade_id]


def by_order(events: list[Event]) -> dict[tuple[str, int], list[OrderTradeUpdate]]:
    found: dict[tuple[str, int], list[OrderTradeUpdate]] = {}
    for report in reports(events):
        found.setdefault((report.symbol, report.order_id), []).append(report)
    return found


def balances(events: list[Event]) -> dict[str, tuple[Decimal, Decimal]]:
    """The wallets as a user who follows the updates has them in the end."""
    found: dict[str, tuple[Decimal, Decimal]] = {}
    for event in events:
        if isinstance(event, AccountUpdate):
            found |= {one.asset: (one.wallet_balance, one.cross_wallet_balance) for one in event.balances}
    return found


def positions(events: list[Event]) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """The positions as a user who follows the updates has them in the end."""
    found: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for event in events:
        if isinstance(event, AccountUpdate):
            for one in event.positions:
                found[one.symbol, one.position_side] = (one.position_amount, one.entry_price)
    return found


class Trader:
    """Trades at random, but the same way for the same seed."""

    def __init__(self, market: Market, seed: int) -> None:
        self.market = market
        self.random = Random(seed)

    def step(self) -> None:
        random = self.random
        self.market.tick(random.choice([0, 0, 0.0004, 0.001, 0.02, 1]))
        symbol = random.choice(list(self.market.kind.symbols))
        actions = [self._limit, self._limit, self._hit, self._hit, self._hit, self._market, self._cancel, self._modify]
        actions += [self._stop, self._stop, self._trail, self._mark, self._mark, self._cancel_algo, self._cancel_all]
        actions += [self._ioc, self._fund, self._transfer, self._lever]
        with suppress(Refusal):  # The market has moved; a trader lives with that.
            random.choice(actions)(symbol)

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.step()

    def _price(self, symbol: str, ticks: int) -> str:
        price, tick, _ = self.market.kind.symbols[symbol]
        return str(Decimal(price) + ticks * Decimal(tick))

    def _quantity(self, symbol: str, most: int = 9) -> str:
        return str(Decimal(self.market.kind.symbols[symbol][2]) * self.random.randint(1, most))

    def _side(self) -> tuple[str, int]:
        side = self.random.choice(["BUY", "SELL"])
        return side, (-1 if side == "BUY" else 1)

    def _position_side(self) -> dict[str, str]:
        return {"positionSide": self.random.choice(["LONG", "SHORT"])} if self.market.hedged else {}

    def _place(self, symbol: str, uid: int = ALICE, **params: Any) -> None:
        if uid == ALICE:
            params |= self._position_side()
        self.market.call("POST /v1/order", uid, symbol=symbol, **params)

    def _limit(self, symbol: str) -> None:
        side, sign = self._side()
        self._place(
            symbol,
            side=side,
            type="LIMIT",
            timeInForce=self.random.choice(["GTC", "GTC", "GTX"]),
            quantity=self._quantity(symbol),
            price=self._price(symbol, sign * self.random.randint(-1, 6)),
            selfTradePreventionMode=self.random.choice(["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH"]),
        )

    def _ioc(self, symbol: str) -> None:
        side, sign = self._side()
        self._place(
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
        self._place(
            symbol,
            BOB,
            side=side,
            type="LIMIT",
            timeInForce=self.random.choice(["GTC", "IOC"]),
            quantity=self._quantity(symbol, 5),
            price=self._price(symbol, -sign * self.random.randint(-6, 6)),
            selfTradePreventionMode="NONE",
        )

    def _market(self, symbol: str) -> None:
        side, _ = self._side()
        reduces = {} if self.market.hedged else {"reduceOnly": self.random.choice(["true", "false"])}
        self._place(symbol, side=side, type="MARKET", quantity=self._quantity(symbol), **reduces)

    def _any_open(self, symbol: str) -> dict[str, Any] | None:
        found = self.market.call("GET /v1/openOrders", symbol=symbol)
        return self.random.choice(found) if found else None

    def _cancel(self, symbol: str) -> None:
        if (order := self._any_open(symbol)) is not None:
            self.market.call("DELETE /v1/order", symbol=symbol, orderId=order["orderId"])

    def _cancel_all(self, symbol: str) -> None:
        if self.random.random() < 0.2:
            self.market.call("DELETE /v1/allOpenOrders", symbol=symbol)

    def _modify(self, symbol: str) -> None:
        if (order := self._any_open(symbol)) is not None:
            # In a millisecond of its own: within one, no query tells which terms an order had when.
            self.market.tick(0.001)
            with suppress(Refusal):
                self.market.call(
                    "PUT /v1/order",
                    symbol=symbol,
                    orderId=order["orderId"],
                    side=order["side"],
                    quantity=self._quantity(symbol),
                    price=self._price(symbol, self.random.randint(-6, 6)),
                )
            self.market.tick(0.001)

    def _stop(self, symbol: str) -> None:
        side, sign = self._side()
        kind = self.random.choice(["STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET"])
        away = sign if kind.startswith("TAKE") else -sign
        limit = {} if kind.endswith("MARKET") else {"price": self._price(symbol, 0), "timeInForce": "GTC"}
        self.market.call(
            "POST /v1/algoOrder",
            symbol=symbol,
            algoType="CONDITIONAL",
            side=side,
            type=kind,
            quantity=self._quantity(symbol),
            triggerPrice=self._price(symbol, away * self.random.randint(1, 8)),
            workingType=self.random.choice(["MARK_PRICE", "CONTRACT_PRICE"]),
            **limit,
            **self._position_side(),
        )

    def _trail(self, symbol: str) -> None:
        side, sign = self._side()
        self.market.call(
            "POST /v1/algoOrder",
            symbol=symbol,
            algoType="CONDITIONAL",
            side=side,
            type="TRAILING_STOP_MARKET",
            quantity=self._quantity(symbol),
            activatePrice=self._price(symbol, sign * self.random.randint(1, 5)),
            callbackRate="0.1",
            **self._position_side(),
        )

    def _cancel_algo(self, symbol: str) -> None:
        if found := self.market.call("GET /v1/openAlgoOrders", symbol=symbol):
            self.market.call("DELETE /v1/algoOrder", algoId=self.random.choice(found)["algoId"])

    def _mark(self, symbol: str) -> None:
        self.market.desk.set_mark_price(symbol, self._price(symbol, self.random.randint(-9, 9)))

    def _fund(self, symbol: str) -> None:
        self.market.desk.fund(symbol, self.random.choice(["0.0001", "-0.0001"]))

    def _transfer(self, symbol: str) -> None:
        asset = self.random.choice(list(self.market.kind.funds))
        self.market.desk.transfer(ALICE, asset, self.random.choice(["7.5", "-3"]))

    def _lever(self, symbol: str) -> None:
        self.market.call("POST /v1/leverage", symbol=symbol, leverage=self.random.choice([5, 10, 20]))
