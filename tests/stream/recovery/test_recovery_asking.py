"""What is asked after a gap, what it costs, and what is said when the venue does not answer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import trio
from recovery_answers import allocation, amendment, order, trade
from recovery_scene import Market, Stream, balances, fills, reports

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError, NotConnected, OutcomeUnknown, RateLimited
from trio_binance_uds.events import ExecutionReport
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.recovery import recover


async def whole(market: Market, options: Recovery | None = None) -> Stream:
    """A stream of which nothing was missed yet: Alice has an order that rests."""
    stream = Stream(market, options)
    assert await stream.start() == ""
    market.tick()
    market.limit("SELL", "1", "20000")
    stream.deliver()
    market.tick()
    return stream


def told_since(stream: Stream, mark: int) -> list[str]:
    return [
        f"{event.execution_type} {event.order_status}" if isinstance(event, ExecutionReport) else type(event).__name__
        for event in stream.told[mark:]
    ]


async def missed(stream: Stream, *, late: int = 0) -> list[str]:
    mark = len(stream.told)
    await stream.recover(len(stream.market.sent()), late=late)
    return told_since(stream, mark)


class TestWhatIsAsked:
    async def test_a_quiet_gap_costs_106_and_40_for_each_symbol_with_open_orders(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        stream = await whole(Market())
        spent = stream.link.weight
        assert await missed(stream) == []
        assert stream.results[-1].complete
        assert stream.link.weight - spent == 20 + 80 + 6 + 20 + 20

    async def test_history_goes_back_to_a_little_before_the_last_sign_of_life(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        market.tick(3600)
        since = market.now()
        market.tick(600)
        await stream.recover(len(market.sent()), since)
        (asked,) = stream.link.asked_for("allOrders")
        assert asked["startTime"] == int((since - timedelta(seconds=30)).timestamp() * 1000)

    async def test_it_never_goes_back_to_before_the_stream_began(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        market.limit("BUY", "1", "19000")
        market.limit("SELL", "0.5", "19000", market.bob)
        market.tick(1)
        stream = await whole(market)
        assert await missed(stream) == []
        assert stream.results[-1].complete

    async def test_what_was_open_before_the_stream_began_is_known_and_not_told(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        order = market.limit("BUY", "1", "19000")
        market.tick()
        stream = await whole(market)
        market.limit("SELL", "0.25", "19000", market.bob)
        assert await missed(stream) == ["TRADE PARTIALLY_FILLED", "OutboundAccountPosition"]
        assert stream.results[-1].complete, stream.results[-1].detail
        assert reports(stream.told)[-1].order_id == order["orderId"]

    async def test_the_questions_of_a_round_are_asked_at_once(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market, Recovery(symbols=("ETHUSDT", "ETHBTC")))
        waiting, most = 0, 0
        original = stream.link.request

        async def counting(method: str, params: Any) -> Any:
            nonlocal waiting, most
            waiting += 1
            most = max(most, waiting)
            await trio.sleep(0.1)
            waiting -= 1
            return await original(method, params)

        start = trio.current_time()
        found = await recover(counting, stream.knowledge, market.now(), stream.options, ExactClock(market.now))
        assert found.complete
        assert most == 6
        assert trio.current_time() - start == pytest.approx(0.2)

    async def test_symbols_that_the_caller_names_are_asked_about_first(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market, Recovery(symbols=("ETHBTC",)))
        order = market.call(
            market.alice,
            "order.place",
            symbol="ETHBTC",
            side="SELL",
            type="LIMIT",
            timeInForce="GTC",
            quantity="1",
            price="0.06",
        )
        market.tick(0.01)
        market.call(market.alice, "order.cancel", symbol="ETHBTC", orderId=order["orderId"])
        assert await missed(stream) == ["NEW NEW", "CANCELED CANCELED"]
        assert stream.results[-1].complete

    async def test_trades_on_a_symbol_that_nobody_named_are_found_by_the_balances_they_moved(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        offer = {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "1000"}
        market.call(market.bob, "order.place", symbol="ETHUSDT", **offer)
        market.call(market.alice, "order.place", symbol="ETHUSDT", side="BUY", type="MARKET", quantity="0.5")
        assert await missed(stream) == ["NEW NEW", "TRADE FILLED", "OutboundAccountPosition"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_more_trades_and_orders_than_a_page_holds_are_all_found(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        for _ in range(1100):
            market.tick(0.01)
            market.call(market.bob, "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.0005")
        for _ in range(1200):
            market.tick(0.01)
            order = market.limit("BUY", "0.01", "19000")
            market.call(market.alice, "order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
        mark = len(stream.told)
        result = await stream.recover(len(market.sent()))
        assert result.complete, result.detail
        assert fills(stream.told[mark:]) == fills(market.sent(stream.position - len(market.sent()))[mark:])
        assert len(fills(stream.told)) == 1100
        assert len(reports(stream.told)) == 1 + 1100 + 2400

    async def test_a_gap_of_days_is_asked_for_in_windows_of_a_day(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        for _ in range(3):
            market.tick(86_400)
            market.call(market.bob, "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
        market.tick(3600)
        told = await missed(stream)
        assert told == ["TRADE PARTIALLY_FILLED"] * 3 + ["OutboundAccountPosition"]
        assert stream.results[-1].complete, stream.results[-1].detail
        windows = [params["endTime"] - params["startTime"] for params in stream.link.asked_for("allOrders")]
        assert len(windows) == 4
        assert max(windows) < 86_400_000

    async def test_both_halves_of_a_trade_with_oneself_are_told(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        mark = len(market.sent())
        market.limit("BUY", "1", "20000", selfTradePreventionMode="NONE")
        first = next(n for n, e in enumerate(market.sent(mark)) if isinstance(e, ExecutionReport) and e.trade_id > 0)
        stream.deliver(first + 1)
        assert await missed(stream) == ["TRADE FILLED", "OutboundAccountPosition"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_many_order_lists_are_asked_for_at_once(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        for _ in range(7):
            market.tick(0.01)
            placed = oco(market)
            market.tick(0.01)
            market.call(market.alice, "orderList.cancel", symbol="BTCUSDT", orderListId=placed["orderListId"])
        assert (await missed(stream)).count("ListStatus") == 14
        assert stream.results[-1].complete, stream.results[-1].detail
        assert len(stream.link.asked_for("allOrderLists")) == 1
        assert stream.link.asked_for("orderList.status") == []

    async def test_a_list_placed_before_the_stream_began_is_told_when_it_ends(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        placed = oco(market)
        market.tick()
        stream = await whole(market)
        market.call(market.alice, "orderList.cancel", symbol="BTCUSDT", orderListId=placed["orderListId"])
        stream.deliver(2)
        assert await missed(stream) == ["ListStatus", "OutboundAccountPosition"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_fills_from_an_earlier_gap_that_was_not_made_good_are_found(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        market.limit("BUY", "1", "19000")
        market.limit("SELL", "0.5", "19000", market.bob)
        stream.link.before = too_much
        assert await missed(stream) == []
        stream.link.before = lambda method, params: None
        market.tick()
        market.limit("BUY", "0.5", "20000", market.bob)
        stream.deliver()
        market.tick()
        assert "TRADE PARTIALLY_FILLED" in await missed(stream)
        assert len(fills(stream.told)) == len(fills(market.sent()))
        assert any("orderId" in params for params in stream.link.asked_for("myTrades"))
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_an_order_filled_in_the_millisecond_of_its_placement_gets_its_fill_when_trades_are_answered_again(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        market.limit("SELL", "1", "20000", market.bob)
        market.limit("BUY", "1", "20000")
        stream.link.before = lambda method, params: [] if method == "myTrades" else None
        await missed(stream)
        assert not stream.results[-1].complete
        stream.link.before = lambda method, params: None
        market.tick()
        market.limit("SELL", "1", "20000", market.bob)
        market.limit("BUY", "1", "20000")  # Of this one, the live trade has a higher id.
        stream.deliver()
        market.tick()
        assert "TRADE FILLED" in await missed(stream)
        assert len(fills(stream.told)) == len(fills(market.sent()))
        market.tick()
        assert await missed(stream) == []
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_orders_routed_by_the_venue_get_their_fills_from_allocations(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        routed = order(5, created=2000, updated=2500, symbol="BTCUSDT", usedSor=True, **SOLD)
        listed = dict(routed.raw) | {"time": market.time // 1000, "updateTime": market.time // 1000}
        sold = dict(allocation(4, 0, "1.00", 5).raw) | {"symbol": "BTCUSDT", "time": market.time // 1000}

        def answer(method: str, params: Any) -> Any:
            if method == "allOrders":
                return [market.call(market.alice, "allOrders", symbol="BTCUSDT")[0], listed]
            return [sold] if method == "myAllocations" else None

        stream.link.before = answer
        assert await missed(stream) == ["NEW NEW", "TRADE FILLED"]
        assert reports(stream.told)[-1].allocation_id == 4
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_self_trade_prevention_in_several_matches_is_told_match_by_match(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        for _ in range(2):
            market.tick()
            market.limit("BUY", "0.1", "20000", selfTradePreventionMode="DECREMENT")
        told = await missed(stream)
        assert told.count("TRADE_PREVENTION NEW") == 2
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_more_in_a_millisecond_than_a_page_holds_is_not_complete(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        for _ in range(1001):
            market.call(market.alice, "order.place", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.001")
        await missed(stream)
        assert "in one millisecond" in stream.results[-1].detail


SOLD = {"status": "FILLED", "executedQty": "1.00", "cummulativeQuoteQty": "100.00"}


def oco(market: Market) -> Any:
    return market.call(
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


def too_much(method: str, params: Any) -> None:
    raise RateLimited(method=method, status=429, code=-1003, msg="Too much request weight used")


class TestLimits:
    async def test_pages_that_lead_nowhere_are_not_complete(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        page = [dict(trade(7, 0, "0.01").raw)] * 1000
        pages = {
            "myTrades": page,
            "order.amendments": [dict(amendment(1, 0, "2", "1").raw)] * 1000,
        }
        market.call(
            market.alice,
            "order.amend.keepPriority",
            symbol="BTCUSDT",
            orderId=reports(stream.told)[0].order_id,
            newQty="0.5",
        )
        market.call(market.alice, "openOrders.cancelAll", symbol="BTCUSDT")

        def full(method: str, params: Any) -> Any:
            asked = {name: params[name] for name in ("symbol", "orderId") if name in params}
            asked |= {"id": params.get("fromId", 7), "time": params.get("startTime", page[0]["time"])}
            return [{**row, **asked} for row in pages[method]] if method in pages else None

        stream.link.before = full
        await missed(stream)
        for text in ("single trade id", "the amendments of order"):
            assert text in stream.results[-1].detail

    async def test_a_limit_that_is_hit_stops_what_has_not_left_yet(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market, Recovery(symbols=tuple(f"S{n}" for n in range(60)), max_weight=5000))
        stream.link.before = lambda method, params: too_much(method, params) if "symbol" in params else None
        asked = len(stream.link.calls)
        assert await missed(stream) == []
        assert len(stream.link.calls) - asked <= 3 + 40

    async def test_it_never_costs_more_than_allowed_and_says_what_was_not_asked(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market, Recovery(symbols=("ETHUSDT", "ETHBTC"), max_weight=180))
        spent = stream.link.weight
        await missed(stream)
        assert stream.link.weight - spent <= 180
        assert not stream.results[-1].complete
        assert "BTCUSDT" in stream.results[-1].detail
        assert "allowed weight" in stream.results[-1].detail

    async def test_it_never_takes_longer_than_allowed_and_says_what_was_not_answered(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        market.call(market.alice, "order.cancel", symbol="BTCUSDT", orderId=reports(stream.told)[0].order_id)
        original = stream.link.request

        async def stuck(method: str, params: Any) -> Any:
            if method == "myTrades":
                await trio.sleep_forever()
            return await original(method, params)

        stream.link.request = stuck  # type: ignore[method-assign]
        start = trio.current_time()
        assert "CANCELED CANCELED" in await missed(stream)
        assert trio.current_time() - start == pytest.approx(10)
        assert not stream.results[-1].complete
        assert "no answer came in time for the trades of BTCUSDT" in stream.results[-1].detail

    @pytest.mark.parametrize(
        "error",
        [
            NotConnected("there is no connection", method="m"),
            RateLimited(method="m", status=429, code=-1003, msg="too much"),
        ],
    )
    async def test_a_lost_link_or_a_limit_ends_the_asking_at_once(
        self, autojump_clock: trio.abc.Clock, error: Exception
    ) -> None:
        stream = await whole(Market())

        def refuse(method: str, params: Any) -> None:
            raise error

        stream.link.before = refuse
        calls, start = len(stream.link.calls), trio.current_time()
        assert await missed(stream) == []
        assert len(stream.link.calls) - calls <= 3
        assert trio.current_time() == start
        assert str(error) in stream.results[-1].detail

    @pytest.mark.parametrize(
        "error",
        [
            OutcomeUnknown("no answer came within 10 s", method="myTrades"),
            ApiError(method="myTrades", status=400, code=-1000, msg="An unknown error occurred"),
        ],
    )
    async def test_what_is_asked_again_must_be_afforded_too(
        self, autojump_clock: trio.abc.Clock, error: Exception
    ) -> None:
        market = Market()
        stream = await whole(market, Recovery(max_weight=150))

        def lose(method: str, params: Any) -> None:
            if method == "myTrades":
                raise error

        stream.link.before = lose
        spent = stream.link.weight
        assert await missed(stream) == []
        assert str(error) in stream.results[-1].detail
        assert stream.link.weight - spent <= 150

    async def test_of_two_questions_that_want_to_be_asked_again_one_may_be_afforded(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market, Recovery(max_weight=146 + 20))
        lost: list[str] = []

        def lose(method: str, params: Any) -> None:
            if method in ("myTrades", "allOrders") and method not in lost:
                lost.append(method)
                raise OutcomeUnknown("no answer came within 10 s", method=method)

        stream.link.before = lose
        spent = stream.link.weight
        assert await missed(stream) == []
        assert not stream.results[-1].complete
        assert "no answer came within 10 s" in stream.results[-1].detail
        assert stream.link.weight - spent == 146 + 20

    async def test_an_answer_that_got_lost_is_asked_for_again(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        lost: list[str] = []

        def lose(method: str, params: Any) -> None:
            if method not in lost:
                lost.append(method)
                raise OutcomeUnknown("no answer came within 10 s", method=method)

        stream.link.before = lose
        spent = stream.link.weight
        assert await missed(stream) == []
        assert stream.results[-1].complete, stream.results[-1].detail
        assert stream.link.weight - spent == 2 * 146

    @pytest.mark.parametrize(
        "error",
        [
            ApiError(method="m", status=400, code=-1000, msg="An unknown error occurred"),
            ApiError(method="m", status=400, code=-1001, msg="Internal error; unable to process your request."),
            ApiError(method="m", status=400, code=-1008, msg="Server is currently overloaded with other requests."),
            ApiError(method="m", status=403, code=0, msg="a page that is not JSON"),
        ],
    )
    async def test_a_passing_trouble_of_the_venue_is_waited_out(
        self, autojump_clock: trio.abc.Clock, error: Exception
    ) -> None:
        market = Market()
        stream = await whole(market)
        market.call(market.bob, "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
        over_at = trio.current_time() + 2

        def trouble(method: str, params: Any) -> None:
            if trio.current_time() < over_at:
                raise error

        stream.link.before = trouble
        assert "TRADE PARTIALLY_FILLED" in await missed(stream)
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_refusal_that_says_why_is_not_asked_again(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)

        def refuse(method: str, params: Any) -> None:
            if method == "myTrades":
                raise ApiError(method=method, status=400, code=-1121, msg="Invalid symbol.")

        stream.link.before = refuse
        asked = len(stream.link.calls)
        await missed(stream)
        assert not stream.results[-1].complete
        assert [method for method, *_ in stream.link.calls[asked:]].count("myTrades") == 1

    @pytest.mark.parametrize("method", ["account.status", "openOrders.status", "allOrders", "myTrades", "exchangeInfo"])
    @pytest.mark.parametrize(
        "error",
        [
            OutcomeUnknown("no answer came within 10 s", method="m"),
            ApiError(method="m", status=400, code=-1000, msg="An unknown error occurred"),
            None,
        ],
    )
    async def test_one_question_without_an_answer_leaves_the_rest_but_is_not_complete(
        self, autojump_clock: trio.abc.Clock, method: str, error: Exception | None
    ) -> None:
        market = Market()
        stream = await whole(market)
        market.call(market.bob, "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
        market.tick()
        market.call(market.alice, "order.cancel", symbol="BTCUSDT", orderId=reports(stream.told)[0].order_id)

        def refuse(asked: str, params: Any) -> Any:
            if asked == method and error is not None:
                raise error
            return {"not": "what is documented"} if asked == method else None

        stream.link.before = refuse
        told = await missed(stream)
        assert "CANCELED CANCELED" in told
        assert ("TRADE PARTIALLY_FILLED" in told) == (method != "myTrades")
        assert not stream.results[-1].complete
        assert stream.results[-1].detail

    async def test_cancelled_it_leaves_nothing_behind(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        with trio.CancelScope() as scope:
            stream.link.before = lambda method, params: scope.cancel()
            await stream.recover(len(market.sent()))
        assert scope.cancelled_caught
        stream.link.before = lambda method, params: None
        assert await missed(stream) == []
        assert stream.results[-1].complete


class TestWithoutBaseline:
    async def test_without_a_baseline_nothing_is_proven_but_the_next_gap_can_be(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        order = market.limit("SELL", "1", "20000")
        market.tick()
        stream = Stream(market)
        stream.link.before = too_much
        assert "Too much" in await stream.start()
        stream.link.before = lambda method, params: None
        market.tick()
        market.call(market.bob, "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
        market.tick()
        assert "TRADE PARTIALLY_FILLED" in await missed(stream)
        assert not stream.results[-1].complete
        assert "before the stream began" in stream.results[-1].detail
        market.tick()
        market.call(market.alice, "order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
        assert await missed(stream) == ["CANCELED CANCELED", "OutboundAccountPosition"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_baseline_that_cannot_be_made_up_for_stays_unknown(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = Stream(market)

        def refuse(method: str, params: Any) -> None:
            raise ApiError(method=method, status=400, code=-1000, msg="An unknown error occurred")

        stream.link.before = refuse
        assert "unknown error" in await stream.start()
        for _ in range(2):
            assert await missed(stream) == []
            assert "before the stream began" in stream.results[-1].detail

    async def test_a_first_gap_before_anything_was_told_raises_nothing(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        market.limit("SELL", "1", "20000")
        found = await recover(
            Stream(market).link.request, Knowledge(), market.now(), Recovery(), ExactClock(market.now)
        )
        assert not found.complete


class TestMovementsFromOutside:
    async def test_a_deposit_in_the_gap_is_told_as_a_balance_and_not_complete(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        market.exchange.deposit(market.alice, "ETH", "2.5")
        assert await missed(stream) == ["OutboundAccountPosition"]
        assert not stream.results[-1].complete
        assert "+2.5 ETH is not explained" in stream.results[-1].detail
        assert balances(stream.told)["ETH"][0] == 10002.5

    async def test_a_deposit_after_the_gap_takes_nothing_from_completeness(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        subscribed_at = len(market.sent())
        market.exchange.deposit(market.alice, "ETH", "2.5")
        mark = len(stream.told)
        result = await stream.recover(subscribed_at)
        assert result.complete, result.detail
        assert told_since(stream, mark) == ["OutboundAccountPosition", "BalanceUpdate"][::-1]

    async def test_a_deposit_of_which_only_the_balance_was_missed_is_explained(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        market.exchange.deposit(market.alice, "ETH", "2.5")
        stream.deliver(1)
        assert await missed(stream) == ["OutboundAccountPosition"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_lock_from_outside_in_the_gap_is_not_complete(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        market.exchange.lock_externally(market.alice, "ETH", "2.5")
        assert await missed(stream) == ["OutboundAccountPosition"]
        assert "the account changed" in stream.results[-1].detail

    async def test_a_fill_whose_balances_were_missed_is_explained(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        market.call(market.bob, "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
        stream.deliver(1)
        assert await missed(stream) == ["OutboundAccountPosition"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_self_trade_prevention_that_transfers_is_not_complete(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        market.alice.trade_group_id = market.bob.trade_group_id = 7
        stream = await whole(market)
        order = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.5", "price": "20000"}
        market.call(market.bob, "order.place", symbol="BTCUSDT", selfTradePreventionMode="TRANSFER", **order)
        assert await missed(stream) == ["TRADE_PREVENTION NEW", "OutboundAccountPosition"]
        assert not stream.results[-1].complete
        assert "-0.5 BTC is not explained" in stream.results[-1].detail


class TestLag:
    async def test_a_history_that_lags_a_little_is_asked_again_and_complete(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        market.exchange.database_lag = 700_000
        stream = await whole(market)
        market.tick()
        market.call(market.alice, "order.cancel", symbol="BTCUSDT", orderId=reports(stream.told)[0].order_id)
        start = trio.current_time()
        assert "CANCELED CANCELED" in await missed(stream)
        assert trio.current_time() - start == pytest.approx(1)
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_history_that_lags_for_long_is_said(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        market.exchange.database_lag = 60_000_000
        stream = await whole(market)
        market.tick()
        market.call(market.alice, "order.cancel", symbol="BTCUSDT", orderId=reports(stream.told)[0].order_id)
        assert "CANCELED CANCELED" in await missed(stream)
        assert not stream.results[-1].complete
        assert "the order history of BTCUSDT is behind" in stream.results[-1].detail

    async def test_an_order_that_the_stream_closed_stays_closed_although_it_is_listed_as_open(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        listed = market.call(market.alice, "openOrders.status")
        market.call(market.alice, "order.cancel", symbol="BTCUSDT", orderId=listed[0]["orderId"])
        stream.deliver()
        stream.link.before = lambda method, params: listed if method == "openOrders.status" else None
        assert await missed(stream) == []
        assert "has ended, but is listed as open" in stream.results[-1].detail
        assert not stream.knowledge.orders

    async def test_balances_older_than_what_was_told_are_not_told(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        old = market.call(market.alice, "account.status")
        market.tick()
        market.limit("SELL", "1", "21000")
        stream.deliver()
        stream.link.before = lambda method, params: old if method == "account.status" else None
        assert await missed(stream) == []
        assert "older than what was told" in stream.results[-1].detail

    async def test_an_order_that_cannot_be_found_is_asked_for_again_and_then_said(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)

        def forget(method: str, params: Any) -> Any:
            if method == "order.status":
                raise ApiError(method=method, status=400, code=-2013, msg="Order does not exist.")
            return [] if method in ("openOrders.status", "allOrders") else None

        stream.link.before = forget
        assert await missed(stream) == []
        assert "cannot be found" in stream.results[-1].detail
        assert len(stream.link.asked_for("order.status")) == 2
