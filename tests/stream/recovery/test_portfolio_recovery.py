"""A Portfolio Margin stream recovers its three parts side by side, each event once and of its own class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
import trio
from futures_scene import by_order, fills, kind_of, reports
from trio._core import _run  # trio's own tests seed its scheduler in the same way; there is no public way

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError, RateLimited
from trio_binance_uds.events import (
    AccountUpdate,
    AlgoUpdate,
    BusinessUnit,
    ConditionalOrderTradeUpdate,
    Event,
    ExecutionReport,
    ListStatus,
    PortfolioMarginExecutionReport,
    PortfolioMarginOrderTradeUpdate,
    PortfolioMarginOutboundAccountPosition,
    UnknownEvent,
)
from trio_binance_uds.products import PORTFOLIO_MARGIN
from trio_binance_uds.sandbox.derivatives.portfolio import PortfolioMarginDesk
from trio_binance_uds.sandbox.exchange import Exchange, Refusal
from trio_binance_uds.stream.recovery import Recovered, Recovery, recoverer_for
from trio_binance_uds.wire.decode import decode_frame
from trio_binance_uds.wire.json_text import dumps, loads

START = 1_790_000_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ALICE, BOB = 11, 12
PRICES = {"BTCUSDT": (20000, 10, "0.01"), "BTCUSD_PERP": (20000, 10, "1"), "ETHUSDT": (1000, 1, "0.1")}
MARGIN = {"BTCUSDT": (20000, 10, "0.01")}


def unit_of(symbol: str) -> str:
    return "cm" if symbol.endswith("_PERP") else "um"


class Account:
    """Alice's account, Bob who trades with her, a clock, a stream that breaks, and what it told."""

    def __init__(self, options: Recovery | None = None) -> None:
        self.time = START
        self._slept = 0.0
        self.exchange = Exchange.default(lambda: self.time, seed=3)
        self.desk = PortfolioMarginDesk(lambda: self.time, 7, self.exchange)
        self.desk.open_account(ALICE, {"USDT": "10000000", "BTC": "100"})
        self.desk.open_account(BOB, {"USDT": "100000000", "BTC": "100000"})
        for symbol, (price, _, _) in PRICES.items():
            self.desk.set_mark_price(symbol, str(price))
        for uid in (ALICE, BOB):
            self.desk.transfer(uid, "UM", "USDT", "1000000")
            self.desk.transfer(uid, "CM", "BTC", "1000")
        self.tick()
        self.recoverer = recoverer_for(PORTFOLIO_MARGIN, options or Recovery(symbols=("BTCUSDT",), max_weight=6000))
        self.told: list[Event] = []
        self.position = len(self.desk.journal.events(ALICE))
        self.first = self.position
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failing = False
        self.results: list[Recovered] = []

    def now(self) -> datetime:
        return EPOCH + timedelta(microseconds=self.time)

    def tick(self, seconds: float = 1.0) -> None:
        self.time += round(seconds * 1_000_000)

    def call(self, what: str, uid: int = ALICE, **params: Any) -> Any:
        verb, path = what.split()
        return self.desk.call(uid, verb, path, params)

    def place(self, symbol: str, side: str, price: int, lots: int, uid: int = ALICE, **more: Any) -> Any:
        quantity = str(lots * Decimal(PRICES[symbol][2]))
        params = {"symbol": symbol, "side": side, "type": "LIMIT", "timeInForce": "GTC", "quantity": quantity}
        return self.call(f"POST /papi/v1/{unit_of(symbol)}/order", uid, **params, price=str(price), **more)

    def sent(self, since: int = 0) -> list[Event]:
        found = [decode_frame(dumps(event), PORTFOLIO_MARGIN) for event in self.desk.journal.events(ALICE)[since:]]
        assert all(isinstance(event, Event) for event in found)
        return found  # type: ignore[return-value]

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        asked = dict(params or {})
        self.calls.append((method, asked))
        await trio.lowlevel.checkpoint()
        slept, self._slept = self._slept, trio.current_time()
        self.tick(self._slept - slept)
        if self.failing:
            raise RateLimited(method=method, status=429, code=-1003, msg="too much")
        verb, path = method.split()
        try:
            return loads(dumps(self.desk.call(ALICE, verb, path, asked)))
        except Refusal as refusal:
            raise ApiError(method=method, status=refusal.status, code=refusal.code, msg=refusal.msg) from None

    async def start(self) -> None:
        await self.recoverer.take_baseline(self.request, ExactClock(self.now))
        self.tick()

    def tell(self, event: Event) -> None:
        self.told.append(event)
        self.recoverer.observe(event)

    def deliver(self, upto: int | None = None) -> None:
        for event in self.sent(self.position)[: None if upto is None else upto]:
            self.position += 1
            self.tell(event)

    async def missed(self, subscribed_at: int | None = None, *, late: int = 0) -> Recovered:
        """Make good what was sent since the last time; of the live events the last ones come late."""
        since = max([event.event_time for event in self.told if event.event_time], default=self.now())
        start = len(self.sent()) if subscribed_at is None else subscribed_at
        found = await self.recoverer.recover(self.request, since, ExactClock(self.now))
        live = self.sent(start)
        split = max(0, len(live) - late)
        rest = found.without(live[:split])
        for event in (*rest.events, *live[:split]):
            self.tell(event)
        echoes = rest.echoes()
        for event in live[split:]:
            if not echoes.is_echo(event):
                self.tell(event)
        self.position = start + len(live)
        self.results.append(rest)
        return rest


class Trader:
    """Trades on all three parts at random, but the same way for the same seed."""

    def __init__(self, account: Account, seed: int) -> None:
        self.account = account
        self.random = Random(seed)

    def steps(self, count: int) -> None:
        for _ in range(count):
            self.account.tick(self.random.choice([0, 0.001, 0.02, 1]))
            with suppress(Refusal):  # The market has moved; a trader lives with that.
                self.random.choice([self._futures, self._futures, self._cancel, self._stop, self._mark, self._margin])()

    def _futures(self) -> None:
        symbol = self.random.choice(list(PRICES))
        price, step, _ = PRICES[symbol]
        side = self.random.choice(["BUY", "SELL"])
        uid = self.random.choice([ALICE, BOB])
        self.account.place(symbol, side, price + step * self.random.randint(-4, 4), self.random.randint(1, 5), uid)

    def _cancel(self) -> None:
        symbol = self.random.choice(list(PRICES))
        self.account.call(f"DELETE /papi/v1/{unit_of(symbol)}/allOpenOrders", symbol=symbol)

    def _stop(self) -> None:
        price = str(20000 - 10 * self.random.randint(1, 5))
        common = {"side": "SELL", "workingType": "MARK_PRICE"}
        if self.random.random() < 0.5:
            stop = {"algoType": "CONDITIONAL", "type": "STOP_MARKET", "triggerPrice": price, "quantity": "0.01"}
            self.account.call("POST /papi/v1/um/algo/order", symbol="BTCUSDT", **stop, **common)
        else:
            stop = {"strategyType": "STOP_MARKET", "stopPrice": price, "quantity": "1"}
            self.account.call("POST /papi/v1/cm/conditional/order", symbol="BTCUSD_PERP", **stop, **common)

    def _mark(self) -> None:
        for symbol in ("BTCUSDT", "BTCUSD_PERP"):
            self.account.desk.set_mark_price(symbol, str(20000 + 10 * self.random.randint(-6, 6)))

    def _margin(self) -> None:
        side = self.random.choice(["BUY", "SELL"])
        uid = self.random.choice([ALICE, ALICE, BOB])
        params = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "side": side, "quantity": "0.01"}
        params["price"] = str(20000 + 10 * self.random.randint(-3, 3))
        params["selfTradePreventionMode"] = "NONE"
        self.account.call("POST /papi/v1/margin/order", uid, **params)


@pytest.fixture
def deterministic() -> Iterator[Random]:
    """trio's scheduler, which takes tasks that are ready in an order of its own."""
    state = _run._r.getstate()
    yield _run._r
    _run._r.setstate(state)


def margin_steps(events: list[Event]) -> dict[int, list[tuple[object, ...]]]:
    found: dict[int, list[tuple[object, ...]]] = {}
    for event in events:
        if isinstance(event, ExecutionReport):
            step = (event.execution_type, event.order_status, event.cumulative_filled_quantity, event.trade_id)
            found.setdefault(event.order_id, []).append(step)
    return found


def rungs(events: list[Event]) -> dict[tuple[str, int], list[str]]:
    found: dict[tuple[str, int], list[str]] = {}
    for event in events:
        if isinstance(event, AlgoUpdate) and event.algo_status != "TRIGGERING":
            found.setdefault(("algo", event.algo_id), []).append(str(event.algo_status))
        elif isinstance(event, ConditionalOrderTradeUpdate):
            statuses = found.setdefault(("strategy", event.strategy_id), [])
            if event.order_status not in statuses:  # About to trigger is called triggered here.
                statuses.append(str(event.order_status))
    return found


@pytest.mark.parametrize("seed", range(30))
async def test_what_was_missed_on_every_part_is_told_once_in_order_and_complete(
    seed: int, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    account = Account()
    trader = Trader(account, seed)
    await account.start()
    for _ in range(2):
        trader.steps(random.randint(0, 25))
        account.deliver(random.randint(0, len(account.sent(account.position))))
        trader.steps(random.randint(0, 25))
        result = await account.missed(late=random.choice([0, 0, 2, 4]))
        assert result.complete, result.detail
    trader.steps(5)
    account.deliver()
    sent = account.sent(account.first)
    assert Counter(fills(account.told)) == Counter(fills(sent))
    ours = by_order(account.told)
    for key, right in by_order(sent).items():
        steps = [(kind_of(one), one.order_status, one.filled_accumulated_quantity, one.trade_id) for one in right]
        told = [(kind_of(one), one.order_status, one.filled_accumulated_quantity, one.trade_id) for one in ours[key]]
        assert told == steps
    assert margin_steps(account.told) == margin_steps(sent)
    assert rungs(account.told) == rungs(sent)
    for event in account.told:
        if isinstance(event, ExecutionReport):
            assert isinstance(event, PortfolioMarginExecutionReport)
        if event.recovered:
            assert event.account == "portfolio-margin"


async def test_events_name_their_unit_and_what_their_routes_do_not_tell_is_none(
    autojump_clock: trio.abc.Clock,
) -> None:
    account = Account()
    account.call("POST /papi/v1/um/leverage", symbol="BTCUSDT", leverage=5)
    await account.start()
    account.place("BTCUSDT", "SELL", 20100, 1, BOB)
    account.place("BTCUSDT", "BUY", 20100, 1)
    account.place("BTCUSD_PERP", "SELL", 20100, 1, BOB)
    account.place("BTCUSD_PERP", "BUY", 20100, 1)
    account.call("POST /papi/v1/um/leverage", symbol="BTCUSDT", leverage=7)
    account.call(
        "POST /papi/v1/cm/conditional/order",
        symbol="BTCUSD_PERP",
        side="SELL",
        strategyType="TRAILING_STOP_MARKET",
        quantity="1",
        callbackRate="1",
    )
    order = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "side": "BUY", "quantity": "0.01"}
    account.call("POST /papi/v1/margin/order", **order, price="15000")
    result = await account.missed()
    assert result.complete, result.detail
    by_unit = {one.business_unit: one for one in reports(list(result.events)) if one.trade_id}  # type: ignore[attr-defined]
    assert set(by_unit) == {BusinessUnit.UM, BusinessUnit.CM}
    um, cm = by_unit[BusinessUnit.UM], by_unit[BusinessUnit.CM]
    assert isinstance(um, PortfolioMarginOrderTradeUpdate)
    assert (um.self_trade_prevention_mode, um.bids_notional, um.stop_price) == ("EXPIRE_MAKER", None, 0)
    assert cm.self_trade_prevention_mode is None
    updates = [one for one in result.events if isinstance(one, AccountUpdate)]
    assert Counter(one.business_unit for one in updates) == {BusinessUnit.UM: 2, BusinessUnit.CM: 2}
    assert {one.breakeven_price for update in updates for one in update.positions} == {None}
    (strategy,) = [one for one in result.events if isinstance(one, ConditionalOrderTradeUpdate)]
    assert (strategy.order_status, strategy.callback_rate, strategy.stop_price_working_type) == ("NEW", 1, None)
    (position,) = [one for one in result.events if isinstance(one, PortfolioMarginOutboundAccountPosition)]
    assert position.update_id is None
    leverages = [one.leverage for one in result.events if one.event_type == "ACCOUNT_CONFIG_UPDATE"]  # type: ignore[attr-defined]
    assert leverages == [7]
    kinds = [one.event_type for one in result.events]
    assert kinds.index("ACCOUNT_UPDATE") > max(kinds.index("ORDER_TRADE_UPDATE"), kinds.index("executionReport"))


async def test_late_events_of_any_part_are_echoes(autojump_clock: trio.abc.Clock) -> None:
    account = Account()
    await account.start()
    account.place("BTCUSDT", "SELL", 20100, 1, BOB)
    account.place("BTCUSDT", "BUY", 20100, 1)
    account.place("BTCUSD_PERP", "BUY", 19000, 1)
    order = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "side": "BUY", "quantity": "0.01"}
    account.call("POST /papi/v1/margin/order", **order, price="15000")
    result = await account.missed(account.position, late=100)
    assert result.complete, result.detail
    # The balances of the margin part are answered without a time: the live ones may be newer.
    kinds = [type(one) for one in account.told if not one.recovered]
    assert set(kinds) <= {PortfolioMarginOutboundAccountPosition}
    assert not result.echoes().is_echo(UnknownEvent(problem="new", raw={}))


async def test_open_order_lists_show_symbols_that_nobody_named(autojump_clock: trio.abc.Clock) -> None:
    account = Account(Recovery(max_weight=6000))
    account.call(
        "POST /papi/v1/margin/order/oco",
        symbol="BTCUSDT",
        side="SELL",
        quantity="0.01",
        price="25000",
        stopPrice="15000",
        stopLimitPrice="14900",
        stopLimitTimeInForce="GTC",
    )
    account.tick()
    await account.start()
    asked = [params for method, params in account.calls if method == "GET /papi/v1/margin/openOrders"]
    assert asked == [{"symbol": "BTCUSDT"}]
    account.call("DELETE /papi/v1/margin/allOpenOrders", symbol="BTCUSDT")
    result = await account.missed()
    assert result.complete, result.detail
    assert [one.list_order_status for one in result.events if isinstance(one, ListStatus)] == ["ALL_DONE"]


async def test_each_part_says_for_itself_why_it_is_incomplete(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    account = Account()
    account.failing = True
    await account.start()
    assert "gaps of margin orders cannot be proven complete" in caplog.text
    result = await account.missed()
    assert not result.complete
    assert all(f"{name}: " in result.detail for name in ("UM", "CM", "margin"))


async def test_what_self_trade_prevention_took_is_not_asked_for_where_it_is_not_listed(
    autojump_clock: trio.abc.Clock,
) -> None:
    account = Account()
    await account.start()
    order = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "price": "20000", "quantity": "0.01"}
    account.call("POST /papi/v1/margin/order", **order, side="BUY", selfTradePreventionMode="NONE")
    account.deliver()
    account.tick()
    account.call("POST /papi/v1/margin/order", **order, side="SELL", selfTradePreventionMode="EXPIRE_BOTH")
    result = await account.missed()
    assert not any("myPreventedMatches" in method for method, _ in account.calls)
    assert "Portfolio Margin does not list them" in result.detail
