"""What margin accounts are asked after a gap, what it costs, and what is said where the routes say too little."""

from __future__ import annotations

import gc
import sys
from datetime import timedelta
from decimal import Decimal
from types import FrameType
from typing import Any

import attrs
import pytest
import trio
from recovery_answers import position
from recovery_margin_scene import BOTH, CROSS, ISOLATED, MarginMarket, MarginStream
from recovery_scene import balances, fills, reports

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError, RateLimited
from trio_binance_uds.events import Event, ExecutionReport, ListStatus, UnknownEvent
from trio_binance_uds.products import CROSS_MARGIN, Product, isolated_margin
from trio_binance_uds.stream.recovery import Recovery
from trio_binance_uds.stream.recovery.margin.answers import read_isolated_account, read_order, read_trade
from trio_binance_uds.stream.recovery.margin.recoverer import MarginRecoverer
from trio_binance_uds.stream.recovery.reading import Unreadable
from trio_binance_uds.stream.recovery.spot.ledger import split_names

ISOLATED_ONLY = isolated_margin("BTCUSDT")


async def whole(market: MarginMarket, options: Recovery | None = None, *, is_rich: bool = False) -> MarginStream:
    """A stream of which nothing was missed yet: there is an order that rests."""
    stream = MarginStream(market, options, is_rich=is_rich)
    await stream.start()
    market.tick()
    market.limit("SELL", "1", "20000")
    stream.deliver()
    market.tick(5)
    stream.link.calls.clear()
    stream.link.weight = 0
    return stream


async def missed(stream: MarginStream) -> list[str]:
    mark = len(stream.told)
    await stream.recover(len(stream.market.sent()))
    return said(stream.told[mark:])


def said(events: list[Event]) -> list[str]:
    return [
        f"{event.execution_type} {event.order_status}" if isinstance(event, ExecutionReport) else type(event).__name__
        for event in events
    ]


def sell_to_bob(market: MarginMarket, quantity: str = "0.25") -> None:
    market.call(market.bob, "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity=quantity)


class TestWhatIsAsked:
    @pytest.mark.parametrize(("product", "weight"), [(CROSS_MARGIN, 240), (ISOLATED_ONLY, 240)])
    async def test_a_quiet_gap_costs_the_state_and_the_history_of_each_symbol(
        self, product: Product, weight: int, autojump_clock: trio.abc.Clock
    ) -> None:
        stream = await whole(MarginMarket(product))
        assert await missed(stream) == []
        assert stream.results[-1].complete, stream.results[-1].detail
        assert stream.link.weight == weight

    async def test_each_account_is_asked_as_what_it_is(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket(BOTH)
        market.alice = market.margin[ISOLATED]
        stream = await whole(market, Recovery(symbols=("BTCUSDT",)))
        market.alice = market.margin[CROSS]
        market.limit("SELL", "1", "20500")
        await missed(stream)
        for route in ("openOrders", "openOrderList"):
            flags = {params["isIsolated"]: params.get("symbol") for params in stream.link.asked_for(route)}
            # Without a symbol, the open orders of the cross account cost as much as there are symbols.
            assert flags == {"TRUE": "BTCUSDT", "FALSE": "BTCUSDT" if route == "openOrders" else None}
        assert stream.link.asked_for("isolated/account") == [{"symbols": "BTCUSDT"}]
        assert stream.link.asked_for("account") == [{}]

    async def test_trades_and_known_orders_come_before_the_dear_history(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market, Recovery(symbols=("BTCUSDT", "ETHUSDT"), max_weight=120))
        sell_to_bob(market, "1")
        assert await missed(stream) == ["TRADE FILLED", "OutboundAccountPosition"]
        assert stream.link.asked_for("allOrders") == []
        (result,) = stream.results
        assert not result.complete
        assert "the allowed weight did not suffice for the orders of BTCUSDT, the orders of ETHUSDT" in result.detail

    async def test_all_accounts_spend_one_budget(self, autojump_clock: trio.abc.Clock) -> None:
        stream = await whole(MarginMarket(BOTH), Recovery(max_weight=350))
        await missed(stream)
        assert stream.link.weight <= 350
        assert len(stream.link.asked_for("allOrders")) == 1
        assert "the allowed weight" in stream.results[-1].detail

    async def test_a_limit_that_one_account_hits_ends_the_asking_for_all(self, autojump_clock: trio.abc.Clock) -> None:
        stream = await whole(MarginMarket(BOTH))

        def refuse(route: str, params: Any) -> None:
            raise RateLimited(method=route, status=429, code=-1003, msg="Too much request weight used")

        stream.link.before = refuse
        assert await missed(stream) == []
        assert len(stream.link.calls) <= 6
        assert stream.results[-1].detail.count("Too much request weight") == 2

    async def test_lists_are_asked_for_only_if_orders_were_placed(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market)
        sell_to_bob(market)
        await missed(stream)
        assert stream.link.asked_for("allOrderList") == []
        market.limit("SELL", "1", "21000")
        assert await missed(stream) == ["NEW NEW", "OutboundAccountPosition"]
        assert len(stream.link.asked_for("allOrderList")) == 1

    async def test_trades_on_a_symbol_that_nobody_named_are_found_by_the_balances_they_moved(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = MarginMarket()
        stream = await whole(market)
        offer = {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "1000"}
        market.call(market.bob, "order.place", symbol="ETHUSDT", **offer)
        market.call(market.alice, "order.place", symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.5")
        assert await missed(stream) == ["NEW NEW", "TRADE FILLED", "OutboundAccountPosition"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_without_a_baseline_nothing_is_proven(
        self, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        market = MarginMarket()
        stream = MarginStream(market)

        def refuse(route: str, params: Any) -> None:
            raise ApiError(method=route, status=400, code=-1000, msg="An unknown error occurred")

        stream.link.before = refuse
        await stream.start()
        assert "gaps of cross-margin cannot be proven complete" in caplog.text
        stream.link.before = lambda route, params: None
        market.tick(5)
        await missed(stream)
        assert "before the stream began" in stream.results[-1].detail


class TestAccounts:
    async def test_each_account_is_told_by_itself_in_the_order_of_time(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket(BOTH)
        stream = await whole(market)
        mark = len(stream.told)
        for name in (ISOLATED, CROSS, ISOLATED):
            market.tick(0.01)
            market.alice = market.margin[name]
            market.limit("SELL", "0.1", "21000")
        await missed(stream)
        told = reports(stream.told[mark:])
        assert [event.account for event in told] == [ISOLATED, CROSS, ISOLATED]
        assert all(event.recovered for event in told)
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_it_is_complete_only_if_all_are_and_says_whose_is_not(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket(BOTH)
        stream = await whole(market)
        market.tick(60)
        market.exchange.deposit(market.margin[ISOLATED], "USDT", "5")
        assert await missed(stream) == ["OutboundAccountPosition"]
        assert not stream.results[-1].complete
        assert stream.results[-1].detail == f"{ISOLATED}: +5 USDT is not explained"
        assert stream.told[-1].account == ISOLATED

    async def test_events_of_nobody_are_nobodys_echo(self, autojump_clock: trio.abc.Clock) -> None:
        stream = await whole(MarginMarket(BOTH))
        stranger = UnknownEvent(problem="new", raw={})
        stream.recoverer.observe(stranger)
        await missed(stream)
        assert not stream.results[-1].echoes().is_echo(stranger)


class TestBalances:
    async def test_a_loan_explains_a_balance(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket(BOTH)
        stream = await whole(market)
        market.borrow(CROSS, "USDT", "500")
        market.borrow(ISOLATED, "BTC", "0.5")
        assert await missed(stream) == ["OutboundAccountPosition"] * 2
        assert stream.results[-1].complete, stream.results[-1].detail
        assert balances(stream.of(CROSS))["USDT"][0] == 10_000_500

    @pytest.mark.parametrize(
        "changes",
        [{"status": "PENDING"}, {"isolatedSymbol": "ETHUSDT"}, {"principal": "499"}, {"asset": "BTC"}],
    )
    async def test_another_loan_does_not(self, changes: dict[str, str], autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market)
        market.borrow(CROSS, "USDT", "500")
        row = market.borrowed[0] | changes
        stream.link.before = lambda route, params: (
            {"rows": [row] if params["type"] == "BORROW" else [], "total": 1} if route == "borrow-repay" else None
        )
        await missed(stream)
        assert "+500 USDT is not explained" in stream.results[-1].detail

    async def test_loans_of_several_pages_and_repayments_are_added_up(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market)
        for _ in range(100):
            market.borrow(CROSS, "USDT", "5")
        market.exchange.adjust(market.margin[CROSS], "USDT", "-20")
        repaid = {"asset": "USDT", "amount": "20", "principal": "19", "interest": "1", "status": "CONFIRMED"}
        rows = [repaid | {"type": "AUTO", "timestamp": market.time // 1000, "txId": 7}]
        stream.link.before = lambda route, params: (
            {"rows": rows, "total": 1} if route == "borrow-repay" and params["type"] == "REPAY" else None
        )
        await missed(stream)
        assert stream.results[-1].complete, stream.results[-1].detail
        assert [params["current"] for params in stream.link.asked_for("borrow-repay")] == [1, 1, 2]

    async def test_balances_older_than_what_was_told_are_not_told(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market)
        old = await stream.link.request("GET /sapi/v1/margin/account")
        sell_to_bob(market)
        stream.deliver()
        market.tick(5)
        stream.link.before = lambda route, params: old if route == "account" else None
        start = trio.current_time()
        assert await missed(stream) == []
        assert trio.current_time() - start == pytest.approx(1), "it was asked again"
        assert "BTC is not explained" in stream.results[-1].detail

    async def test_what_is_none_of_a_pairs_assets_is_kept_elsewhere(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket(ISOLATED_ONLY)
        stream = await whole(market)
        stream.tell(attrs.evolve(position(0, BNB="3.00"), account=ISOLATED))
        assert await missed(stream) == []
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_balance_that_nothing_explains_long_after_is_told(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market)
        market.tick(60)
        market.exchange.deposit(market.alice, "BTC", "5")
        market.tick(60)
        assert await missed(stream) == ["OutboundAccountPosition"]
        assert balances(stream.told)["BTC"] == (Decimal(1004), Decimal(1))
        assert "+5 BTC is not explained" in stream.results[-1].detail

    async def test_assets_of_symbols_that_cannot_be_told_apart_prove_nothing(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = MarginMarket()
        stream = await whole(market)
        sell_to_bob(market)

        def with_more(route: str, params: Any) -> Any:
            nothing = {"free": "0", "locked": "0", "borrowed": "0", "interest": "0"}
            rows = [*market_assets(market), nothing | {"asset": "BTCU"}, nothing | {"asset": "SDT"}]
            return {"marginLevel": "9", "userAssets": rows} if route == "account" else None

        stream.link.before = with_more
        assert "TRADE PARTIALLY_FILLED" in await missed(stream)
        assert "the assets of BTCUSDT are not known" in stream.results[-1].detail

    def test_symbols_are_split_where_that_goes_one_way_only(self) -> None:
        assets = frozenset({"BNB", "BNBT", "USD", "TUSD", "BTC"})
        assert dict(split_names(["BNBTUSD", "BNBBTC", "ETHBTC"], assets)) == {"BNBBTC": ("BNB", "BTC")}


def market_assets(market: MarginMarket) -> list[dict[str, Any]]:
    return list(market.exchange.call(market.alice, "account.status", {})["balances"])


class TestWhatIsNotSaid:
    async def test_a_fill_without_a_commission_is_told_and_not_complete(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market)
        sell_to_bob(market)
        original = stream.link.request

        async def without_commission(method: str, params: Any = None) -> Any:
            rows = await original(method, params)
            if method.endswith("myTrades"):
                rows = [row | {"commission": None, "commissionAsset": None} for row in rows]
            return rows

        stream.link.request = without_commission  # type: ignore[method-assign]
        assert "TRADE PARTIALLY_FILLED" in await missed(stream)
        (fill,) = [report for report in reports(stream.told) if report.execution_type == "TRADE"]
        assert (fill.commission_amount, fill.commission_asset) == (0, None)
        assert "the commission of trade" in stream.results[-1].detail

    async def test_allocations_cannot_be_asked_for_and_what_they_would_explain_is_said(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = MarginMarket()
        stream = await whole(market)
        sell_to_bob(market)
        original = stream.link.request

        async def routed(method: str, params: Any = None) -> Any:
            rows = await original(method, params)
            if method.endswith("allOrders"):
                rows = [row | {"usedSor": True} for row in rows]
            return [] if method.endswith("myTrades") else rows

        stream.link.request = routed  # type: ignore[method-assign]
        await missed(stream)
        assert "is filled by 0.25 more than its trades say" in stream.results[-1].detail

    async def test_a_stop_that_takes_was_triggered_by_then(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market)
        market.limit("BUY", "3", "19000", market.bob)
        market.call(
            market.alice,
            "order.place",
            symbol="BTCUSDT",
            side="SELL",
            type="STOP_LOSS",
            quantity="1",
            stopPrice="19500",
        )
        market.tick(1)
        market.limit("SELL", "0.01", "19000", market.bob, selfTradePreventionMode="NONE")
        assert await missed(stream) == ["NEW NEW", "NEW NEW", "TRADE FILLED", "OutboundAccountPosition"]
        assert stream.results[-1].complete, stream.results[-1].detail
        mine = reports(stream.told)[-3:]
        assert [report.working_time for report in mine] == [None, *[mine[-1].transaction_time] * 2]

    async def test_a_stop_that_rests_was_triggered_when_it_last_changed(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market)
        stop(market)
        stream.deliver()
        market.tick(1)
        trigger(market)
        at = market.now()
        market.tick(1)
        assert await missed(stream) == ["NEW NEW"]
        assert stream.results[-1].complete, stream.results[-1].detail
        report = reports(stream.told)[-1]
        assert (report.is_on_book, report.working_time) == (True, at.replace(microsecond=at.microsecond // 1000 * 1000))

    async def test_that_a_stop_was_triggered_at_a_time_that_nobody_knows_is_said(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = MarginMarket()
        stream = await whole(market)
        placed = stop(market)
        stream.deliver()
        trigger(market)
        market.tick(1)
        market.call(market.alice, "order.cancel", symbol="BTCUSDT", orderId=placed["orderId"])
        start = trio.current_time()
        assert await missed(stream) == ["CANCELED CANCELED", "OutboundAccountPosition"]
        assert trio.current_time() == start, "asking again would not help"
        detail = f"cross-margin: order {placed['orderId']} of BTCUSDT was triggered, and nothing says when"
        assert stream.results[-1].detail == detail

    async def test_a_prevention_that_is_not_listed_is_said(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market)
        market.limit("BUY", "0.4", "20000", selfTradePreventionMode="DECREMENT")
        stream.link.before = lambda route, params: [] if route == "myPreventedMatches" else None
        await missed(stream)
        assert "has changed by self-trade prevention, which is not listed" in stream.results[-1].detail

    async def test_an_order_that_decrement_made_smaller_and_then_was_filled_is_told(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = MarginMarket()
        stream = await whole(market)
        market.limit("BUY", "0.4", "20000", selfTradePreventionMode="DECREMENT")
        market.tick(1)
        sell_to_bob(market, "0.6")
        told = await missed(stream)
        assert [word for word in told if "PREVENTION" in word or "TRADE F" in word] == [
            "TRADE_PREVENTION NEW",
            "TRADE_PREVENTION EXPIRED_IN_MATCH",
            "TRADE FILLED",
        ]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_list_that_came_and_went_is_told_with_its_orders(self, autojump_clock: trio.abc.Clock) -> None:
        market = MarginMarket()
        stream = await whole(market)
        placed = market.call(
            market.alice,
            "orderList.place.oco",
            symbol="BTCUSDT",
            side="SELL",
            quantity="0.1",
            aboveType="LIMIT_MAKER",
            abovePrice="22000",
            belowType="STOP_LOSS",
            belowStopPrice="18000",
        )
        market.tick(0.01)
        market.call(market.alice, "orderList.cancel", symbol="BTCUSDT", orderListId=placed["orderListId"])
        mark = len(stream.told)
        told = await missed(stream)
        assert told.count("ListStatus") == 2
        assert told.count("NEW NEW") == told.count("CANCELED CANCELED") == 2
        new = [event for event in stream.told[mark:] if isinstance(event, ExecutionReport | ListStatus)]
        assert {event.order_list_id for event in new} == {placed["orderListId"]}
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_fills_are_the_same_whether_the_routes_say_more_or_less(self, autojump_clock: trio.abc.Clock) -> None:
        told = []
        for is_rich in (False, True):
            market = MarginMarket()
            stream = await whole(market, is_rich=is_rich)
            sell_to_bob(market)
            await missed(stream)
            told.append(fills(stream.told))
        assert told[0] == told[1] != []

    async def test_history_goes_back_to_a_little_before_the_last_sign_of_life(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = MarginMarket()
        stream = await whole(market)
        market.tick(3600)
        since = market.now()
        market.tick(600)
        await stream.recover(len(market.sent()), since)
        (asked,) = stream.link.asked_for("allOrders")
        assert asked["startTime"] == int((since - timedelta(seconds=30)).timestamp() * 1000)
        assert asked["limit"] == 500


def stop(market: MarginMarket) -> Any:
    """A stop that Alice sells at 20500 when the price falls to 19500."""
    limit = {"price": "20500", "timeInForce": "GTC", "quantity": "1", "stopPrice": "19500"}
    return market.call(market.alice, "order.place", symbol="BTCUSDT", side="SELL", type="STOP_LOSS_LIMIT", **limit)


def trigger(market: MarginMarket) -> None:
    """Let the price fall to 19000."""
    market.limit("BUY", "0.01", "19000", market.bob)
    other = market.exchange.add_account({"BTC": "10", "USDT": "100000"})
    market.limit("SELL", "0.01", "19000", other)


class TestUnreadable:
    def test_more_than_one_isolated_pair_is_refused(self) -> None:
        pair = {side: {"asset": side, "free": "0", "locked": "0"} for side in ("baseAsset", "quoteAsset")}
        now = MarginMarket().now()
        assert read_isolated_account({"assets": [pair]}, now, now).names == {"baseAsset", "quoteAsset"}
        with pytest.raises(Unreadable, match="one isolated pair was expected, not 2"):
            read_isolated_account({"assets": [pair, pair]}, now, now)

    @pytest.mark.parametrize("read", [read_order, read_trade])
    def test_what_is_no_object_is_refused(self, read: Any) -> None:
        with pytest.raises(Unreadable, match="an object was expected"):
            read([])


async def test_the_baseline_is_asked_again_only_for_the_account_that_lacks_it(autojump_clock: trio.abc.Clock) -> None:
    stream = MarginStream(MarginMarket(BOTH))
    await stream.start()
    recoverer = stream.recoverer
    assert isinstance(recoverer, MarginRecoverer)
    assert not recoverer.no_baseline_because
    lacking = next(iter(recoverer._accounts.values()))
    lacking.knowledge.no_baseline_because = "it was not answered"
    stream.link.calls.clear()
    await stream.start()
    assert sum("account" in str(call) for call in stream.link.calls) == 1
    assert not recoverer.no_baseline_because


async def calls_of_a_recovery(lists: int) -> int:
    """How many calls it takes to conclude what was missed of so many order lists."""
    market = MarginMarket()
    stream = MarginStream(market, Recovery(symbols=("BTCUSDT",), max_weight=10**6))
    await stream.start()
    market.tick(60)
    stream.whole_until = market.now()
    terms = {"aboveType": "LIMIT_MAKER", "abovePrice": "21000", "belowType": "STOP_LOSS", "belowStopPrice": "10000"}
    for _ in range(lists):
        market.call(market.alice, "orderList.place.oco", symbol="BTCUSDT", side="SELL", quantity="0.01", **terms)
        market.call(market.alice, "openOrders.cancelAll", symbol="BTCUSDT")
        market.tick(0.01)
    calls = 0

    def profile(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    former = sys.getprofile()
    gc.disable()
    sys.setprofile(profile)
    try:
        await stream.recoverer.recover(stream.link.request, stream.whole_until, ExactClock(market.now))
    finally:
        sys.setprofile(former)
        gc.enable()
    return calls


async def test_what_a_recovery_costs_grows_with_what_was_missed_and_not_with_its_square(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """In one step of a task no ping is answered."""
    few, many = await calls_of_a_recovery(50), await calls_of_a_recovery(200)
    assert many < 5 * few
