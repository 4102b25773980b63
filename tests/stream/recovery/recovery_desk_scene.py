"""Desks of the sandbox with a stream that breaks: what was sent, what was delivered of it, and a link that asks."""

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
from trio_binance_uds.events import Event
from trio_binance_uds.products import MARGIN_RISK, OPTIONS, PORTFOLIO_MARGIN_PRO, Product
from trio_binance_uds.sandbox.agenda import Agenda
from trio_binance_uds.sandbox.clock import Clock
from trio_binance_uds.sandbox.derivatives import OptionsDesk, PortfolioMarginProDesk
from trio_binance_uds.sandbox.desk import Desk
from trio_binance_uds.sandbox.exchange import Exchange, Refusal
from trio_binance_uds.sandbox.margin.desk import MarginDesk
from trio_binance_uds.stream.recovery import Recovered, Recoverer, Recovery, recoverer_for
from trio_binance_uds.wire.decode import decode_frame
from trio_binance_uds.wire.json_text import dumps, loads

START = 1_790_000_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ALICE, BOB = 11, 12
CALL, PUT, ETHER = "BTC-261225-100000-C", "BTC-261225-100000-P", "ETH-261225-4000-C"


class HandClock(Clock):
    """A clock that only a test moves."""

    def __init__(self) -> None:
        super().__init__()
        self.time = START

    def now(self) -> int:
        return self.time


class Scene:
    """One owner at a desk, whose stream it is, and a clock that only the test moves."""

    product: Product
    desk: Desk
    uid: int = ALICE

    def __init__(self) -> None:
        self.clock = HandClock()
        self._slept = 0.0

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.clock.time)

    def tick(self, seconds: float = 1.0) -> None:
        self.clock.time += round(seconds * 1_000_000)
        self.moved()

    def moved(self) -> None:
        """Let happen what is due by the clock."""

    def catch_up(self) -> None:
        """Let the time that has passed in trio's clock pass here too."""
        slept, self._slept = self._slept, trio.current_time()
        self.tick(self._slept - slept)

    def sent(self, since: int = 0) -> list[Event]:
        """Everything that the desk has sent, decoded as a stream would."""
        return [decoded(entry.event, self.product) for entry in self.desk.journal.entries() if entry.uid == self.uid][
            since:
        ]


def decoded(event: Mapping[str, Any], product: Product) -> Event:
    found = decode_frame(dumps(event), product)
    assert isinstance(found, Event)
    return found


class DeskLink:
    """Asks the desk as a REST client would, counts what it costs, and can be told to misbehave."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.weight = 0
        self.before: Callable[[str, dict[str, Any]], Any] = lambda method, params: None

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        asked = dict(params or {})
        self.calls.append((method, asked))
        verb, path = method.split()
        self.weight += self.scene.desk.routes[verb, path].weight(asked)
        await trio.lowlevel.checkpoint()
        self.scene.catch_up()
        answer = self.before(method, asked)
        if answer is not None:
            return answer
        try:
            return loads(dumps(self.scene.desk.call(self.scene.uid, verb, path, asked)))
        except Refusal as refusal:
            raise ApiError(method=method, status=refusal.status, code=refusal.code, msg=refusal.msg) from None

    def asked_for(self, route: str) -> list[dict[str, Any]]:
        return [params for name, params in self.calls if name.endswith(f"/{route}")]


class DeskStream:
    """What a user gets: live events while it is whole, and after a break what is recovered, parked and late."""

    def __init__(self, scene: Scene, options: Recovery | None = None) -> None:
        self.scene = scene
        self.recoverer: Recoverer = recoverer_for(scene.product, options or Recovery())
        self.told: list[Event] = []
        self.position = len(scene.sent())
        self.link = DeskLink(scene)
        self.results: list[Recovered] = []
        self.asked_at: list[datetime] = []
        self.whole_until = scene.now()

    async def start(self) -> None:
        await self.recoverer.take_baseline(self.link.request, ExactClock(self.scene.now))

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self.recoverer.observe(event)

    def deliver(self, upto: int | None = None) -> None:
        """Deliver what was sent since the last time."""
        for event in self.scene.sent(self.position)[: None if upto is None else upto]:
            self.position += 1
            self.tell(event)
            assert event.event_time is not None
            self.whole_until = max(self.whole_until, event.event_time)

    async def recover(self, subscribed_at: int | None = None, *, late: int = 0) -> Recovered:
        """Make good what was sent from ``position`` to ``subscribed_at``; the ``late`` last live events come after."""
        subscribed_at = len(self.scene.sent()) if subscribed_at is None else subscribed_at
        self.asked_at.append(self.scene.now())
        found = await self.recoverer.recover(self.link.request, self.whole_until, ExactClock(self.scene.now))
        live = self.scene.sent(subscribed_at)
        split = max(0, len(live) - late)
        rest = found.without(live[:split])
        self.recoverer.note_gap(self.whole_until, self.scene.now(), complete=rest.complete)
        for event in (*rest.events, *live[:split]):
            self.tell(event)
        echoes = rest.echoes()
        for event in live[split:]:
            if not echoes.is_echo(event):
                self.tell(event)
        self.position = subscribed_at + len(live)
        self.whole_until = self.scene.now()
        self.results.append(rest)
        return rest

    async def missed(self) -> list[Event]:
        """Make good everything that was sent since the last time, and return what was told because of that."""
        mark = len(self.told)
        await self.recover()
        return self.told[mark:]


class OptionsScene(Scene):
    """Alice and Bob trade options; Alice has the stream."""

    product = OPTIONS
    desk: OptionsDesk

    def __init__(self, *, lag: float = 0) -> None:
        super().__init__()
        self.desk = OptionsDesk(self.clock.now, 7)
        self.desk.lag = lag
        for uid in (ALICE, BOB):
            self.desk.open_account(uid, {"USDT": "10000000"})
        for symbol, mark in ((CALL, "1200"), (PUT, "800"), (ETHER, "100")):
            self.desk.set_mark_price(symbol, mark)
        self.tick()

    def moved(self) -> None:
        self.desk.tick()

    def call(self, what: str, uid: int = ALICE, **params: Any) -> Any:
        verb, path = what.split()
        return self.desk.call(uid, verb, f"/eapi/v1/{path}", params)

    def place(self, side: str, quantity: str, price: str, uid: int = ALICE, symbol: str = CALL, **more: Any) -> Any:
        params = {"symbol": symbol, "side": side, "type": "LIMIT", "quantity": quantity, "price": price}
        return self.call("POST order", uid, **params, **more)

    def trade(self, side: str, quantity: str, price: str, symbol: str = CALL) -> Any:
        """Let Alice trade with Bob, who was there first."""
        self.place("SELL" if side == "BUY" else "BUY", quantity, price, BOB, symbol)
        return self.place(side, quantity, price, symbol=symbol)


_TICKS = {CALL: Decimal(5), PUT: Decimal(5), ETHER: Decimal("0.2")}
_PRICES = {CALL: Decimal(1200), PUT: Decimal(800), ETHER: Decimal(100)}


class OptionsTrader:
    """Trades at random, but the same way for the same seed."""

    def __init__(self, scene: OptionsScene, seed: int) -> None:
        self.scene = scene
        self.random = Random(seed)

    def steps(self, count: int) -> None:
        for _ in range(count):
            random = self.random
            self.scene.tick(random.choice([0, 0, 0.0004, 0.001, 0.02, 1, 3]))
            with suppress(Refusal):
                random.choice([self._order] * 4 + [self._hit] * 4 + [self._cancel, self._cancel_all, self._mark])()

    def _place(self, uid: int, away: int, **more: Any) -> None:
        random = self.random
        symbol = random.choice(list(_PRICES))
        side = random.choice(["BUY", "SELL"])
        sign = -1 if side == "BUY" else 1
        price = _PRICES[symbol] + sign * away * _TICKS[symbol]
        quantity = str(Decimal(random.randint(1, 9)) / 100)
        self.scene.place(side, quantity, str(price), uid, symbol, **more)

    def _order(self) -> None:
        random = self.random
        more = {"timeInForce": random.choice(["GTC", "GTC", "IOC", "FOK", "GTX"])}
        more["selfTradePreventionMode"] = random.choice(["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH"])
        self._place(ALICE, random.randint(-3, 4), **more)

    def _hit(self) -> None:
        self._place(BOB, self.random.randint(-4, 4), timeInForce=self.random.choice(["GTC", "IOC"]))

    def _cancel(self) -> None:
        if found := self.scene.call("GET openOrders"):
            order = self.random.choice(found)
            self.scene.call("DELETE order", symbol=order["symbol"], orderId=order["orderId"])

    def _cancel_all(self) -> None:
        if self.random.random() < 0.3:
            self.scene.call("DELETE allOpenOrders", symbol=self.random.choice(list(_PRICES)))

    def _mark(self) -> None:
        symbol = self.random.choice(list(_PRICES))
        mark = _PRICES[symbol] + self.random.randint(-5, 5) * _TICKS[symbol]
        self.scene.desk.set_mark_price(symbol, str(mark))


class RiskScene(Scene):
    """A cross-margin account that borrows and repays."""

    product = MARGIN_RISK
    desk: MarginDesk

    def __init__(self) -> None:
        super().__init__()
        self.exchange = Exchange.default(self.clock.now, 3)
        self.agenda = Agenda(self.clock)
        self.desk = MarginDesk(self.exchange, self.agenda)
        self.uid = self.exchange.add_account({}).uid
        self.price("BTCUSDT", "20000")
        self.price("ETHUSDT", "1000")
        self.desk.open_account(self.uid, {"USDT": "100000", "BTC": "1"})
        self.desk.open_isolated(self.uid, "BTCUSDT", {"USDT": "100000"})

    def moved(self) -> None:
        self.agenda.catch_up()

    def price(self, symbol: str, price: str) -> None:
        """Let a price be another; the exchange notices with its next step."""
        self.exchange.symbols[symbol].last_price = Decimal(price)

    def look(self) -> None:
        """Let the exchange make a step."""
        self.exchange.deposit(self.exchange.add_account({}), "BNB", "1")

    def loan(self, kind: str, asset: str, amount: str, **where: str) -> None:
        params = {"type": kind, "asset": asset, "amount": amount, **where}
        self.desk.call(self.uid, "POST", "/sapi/v1/margin/borrow-repay", params)

    def debts(self) -> dict[str, tuple[Decimal, Decimal]]:
        rows = self.desk.call(self.uid, "GET", "/sapi/v1/margin/account", {})["userAssets"]
        found = {row["asset"]: (Decimal(row["borrowed"]), Decimal(row["interest"])) for row in rows}
        return {asset: owed for asset, owed in found.items() if any(owed)}


class Borrower:
    """Borrows and repays at random, but the same way for the same seed."""

    def __init__(self, scene: RiskScene, seed: int) -> None:
        self.scene = scene
        self.random = Random(seed)

    def steps(self, count: int) -> None:
        for _ in range(count):
            random, scene = self.random, self.scene
            scene.tick(random.choice([0, 0.0004, 0.02, 1, 60, 900, 3700]))
            asset, most = random.choice([("USDT", 20000), ("BTC", 1), ("ETH", 10)])
            amount = str(Decimal(random.randint(1, 100)) * most / 100)
            with suppress(Refusal):
                scene.loan(random.choice(["BORROW", "BORROW", "REPAY"]), asset, amount)
            if random.random() < 0.1:
                with suppress(Refusal):
                    scene.loan("BORROW", "USDT", "50", isIsolated="TRUE", symbol="BTCUSDT")


class ProScene(Scene):
    """A Portfolio Margin Pro account."""

    product = PORTFOLIO_MARGIN_PRO
    desk: PortfolioMarginProDesk

    def __init__(self) -> None:
        super().__init__()
        self.desk = PortfolioMarginProDesk(self.clock.now)
        self.desk.open_account(ALICE, {"USDT": "122607.35"})

    def moved(self) -> None:
        self.desk.tick()

    def stand(self, equity: str, maintenance: str = "1000", initial: str = "2000") -> None:
        self.desk.set_standing(ALICE, equity=equity, initial_margin=initial, maintenance_margin=maintenance)
