"""How a futures recovery asks: what, in which order, how often, for how much, and what it does about refusals."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
from futures_answers import order_row, position_row, trade_row
from futures_scene import ALICE, BOB, COINM, USDM, Kind, Market, Stream, positions, reports
from test_futures_random import check_story

from trio_binance_uds.errors import ApiError, NotConnected, OutcomeUnknown, RateLimited
from trio_binance_uds.events import AlgoUpdate, OrderTradeUpdate
from trio_binance_uds.products import usdm_futures
from trio_binance_uds.stream.recovery import Recovery

UNSIGNED = ["GET /fapi/v3/balance", "GET /fapi/v3/positionRisk", "GET /fapi/v1/openOrders"]


async def whole(market: Market, options: Recovery | None = None) -> Stream:
    """A stream with a baseline, and a limit order that was told."""
    stream = Stream(market, options)
    assert await stream.start() == ""
    market.limit("SELL", "2" if market.kind is COINM else "0.02", "20100")
    stream.deliver()
    stream.link.calls.clear()
    return stream


def lot(market: Market, lots: int) -> str:
    return str(lots * Decimal(market.kind.symbols[market.symbol][2]))


def hit(market: Market, lots: int, price: str = "20100", symbol: str | None = None) -> None:
    """Let Bob buy from Alice."""
    market.tick()
    market.limit("BUY", lot(market, lots), price, BOB, **({} if symbol is None else {"symbol": symbol}))


def told(events: list[Any]) -> list[str]:
    return [f"{one.execution_type} {one.order_status}" for one in reports(events)]


def refusing(method: str, code: int, status: int = 400) -> Callable[[str, dict[str, Any]], None]:
    def refuse(asked: str, params: dict[str, Any]) -> None:
        if asked == method and (code != -1102 or "symbol" not in params):
            raise ApiError(method=asked, status=status, code=code, msg="no")

    return refuse


def limited(stream: Stream, **limits: int) -> None:
    """Let answers hold so many entries only."""
    dialect = stream.recoverer.scope.dialect
    calls = {name: attrs.evolve(getattr(dialect, name), limit=limit) for name, limit in limits.items()}
    stream.recoverer.scope = attrs.evolve(stream.recoverer.scope, dialect=attrs.evolve(dialect, **calls))


def refusing_all(*methods: str) -> Callable[[str, dict[str, Any]], None]:
    def refuse(asked: str, params: dict[str, Any]) -> None:
        if asked in methods:
            raise ApiError(method=asked, status=400, code=-1102, msg="no")

    return refuse


async def live(market: Market, stream: Stream, seconds: float) -> None:
    """Let time pass in which the stream is whole."""
    market.tick(seconds)
    hit_back = market.limit("SELL", lot(market, 1), "20300")
    market.call("DELETE /v1/order", symbol=market.symbol, orderId=hit_back["orderId"])
    stream.deliver()
    market.tick(60)


CONDITIONAL = {
    "symbol": "BTCUSDT",
    "algoType": "CONDITIONAL",
    "side": "SELL",
    "type": "STOP_MARKET",
    "quantity": "0.01",
    "triggerPrice": "15000",
}


def fitting(answer: Any, params: Mapping[str, Any]) -> Any:
    """Return the answer with rows that are about what was asked for."""
    if type(answer) is not list or "symbol" not in params:
        return answer
    asked = {"id": params.get("fromId", 5), **{name: params[name] for name in ("symbol", "orderId") if name in params}}
    return [{**row, **asked, "time": params.get("startTime", row["time"])} for row in answer]


class TestTheBaseline:
    async def test_it_asks_for_what_is_there_and_costs_what_it_says(self, autojump_clock: trio.abc.Clock) -> None:
        stream = Stream(Market())
        assert await stream.start() == ""
        assert [method for method, _ in stream.link.calls] != []
        assert {method for method, _ in stream.link.calls} == {
            *UNSIGNED,
            "GET /fapi/v1/openAlgoOrders",
            "GET /fapi/v1/symbolConfig",
            "GET /fapi/v1/accountConfig",
        }
        assert stream.link.weight == 100

    async def test_without_it_no_gap_is_complete_until_it_is_made_up_for(
        self, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        market = Market()
        market.limit("SELL", "0.02", "20100")
        market.tick()
        stream = Stream(market)
        stream.link.before = refusing("GET /fapi/v1/openOrders", -1000)
        with caplog.at_level(logging.WARNING):
            assert "the open orders" in await stream.start()
        assert "gaps cannot be proven complete" in caplog.text
        stream.link.before = lambda method, params: None
        market.tick(60)
        await stream.missed()
        assert "what was there before the stream began is not known" in stream.results[-1].detail
        hit(market, 2)
        assert told(await stream.missed()) == ["TRADE FILLED"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_what_is_not_told_without_it_is_not_made_up_either(self, autojump_clock: trio.abc.Clock) -> None:
        stream = Stream(Market())
        stream.link.before = refusing("GET /fapi/v3/balance", -1000)
        assert await stream.start() != ""
        await stream.missed()
        assert stream.knowledge.baseline_until is None

    async def test_orders_born_of_conditional_ones_are_traced_back(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        market.call(
            "POST /v1/algoOrder",
            symbol="BTCUSDT",
            algoType="CONDITIONAL",
            side="SELL",
            type="STOP",
            quantity="0.02",
            price="20100",
            timeInForce="GTC",
            triggerPrice="19000",
            workingType="MARK_PRICE",
        )
        market.tick()
        market.desk.set_mark_price("BTCUSDT", "18900")
        market.tick(100)
        stream = Stream(market)
        assert await stream.start() == ""
        stream.deliver()
        hit(market, 2)
        events = await stream.missed()
        assert told(events) == ["TRADE FILLED"]
        assert [one.algo_status for one in events if isinstance(one, AlgoUpdate)] == ["FINISHED"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_gap_that_begins_before_it_is_answered_is_incomplete(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = Stream(market)
        assert await stream.start() == ""
        market.tick()
        assert stream.knowledge.began is not None
        result = await stream.recover(stream.position, since=stream.knowledge.began - timedelta(seconds=1))
        assert "while it was still asked what was there before" in result.detail

    async def test_an_order_that_changed_meanwhile_is_asked_about_by_its_id(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        placed = market.limit("SELL", "0.02", "20100")
        stop = market.call(
            "POST /v1/algoOrder",
            symbol="BTCUSDT",
            algoType="CONDITIONAL",
            side="SELL",
            type="TRAILING_STOP_MARKET",
            quantity="0.02",
            activatePrice="20200",
            callbackRate="1",
            workingType="MARK_PRICE",
        )
        market.tick(600)
        stream = Stream(market)

        first = iter([True])

        def change(method: str, params: dict[str, Any]) -> None:
            if next(first, False):
                market.tick()
                market.limit("BUY", "0.01", "20100", BOB)
                market.desk.set_mark_price("BTCUSDT", "20250")

        # The events of it are lost.
        stream.link.before = change
        assert await stream.start() == ""
        stream.link.before = lambda method, params: None
        assert list(stream.knowledge.untold_at_start) == [("BTCUSDT", placed["orderId"])]
        assert list(stream.knowledge.untold_conditionals_at_start) == [stop["algoId"]]
        market.tick()
        market.call("DELETE /v1/order", symbol="BTCUSDT", orderId=placed["orderId"])
        market.call("DELETE /v1/algoOrder", algoId=stop["algoId"])
        events = await stream.missed()
        assert told(events) == ["TRADE PARTIALLY_FILLED", "CANCELED CANCELED"]
        assert [one.algo_status for one in events if isinstance(one, AlgoUpdate)] == ["CANCELED"]

    async def test_where_it_was_never_asked_for_the_stream_begins_with_the_gap(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = Stream(market)
        market.tick()
        market.limit("SELL", "0.02", "20100")
        result = await stream.recover(len(market.sent()), since=market.now() - timedelta(seconds=1))
        assert told(list(result.events)) == ["NEW NEW"]
        assert "it was never asked for" in result.detail


class TestTheQuestions:
    async def test_all_orders_are_asked_for_at_once_so_that_no_symbol_is_missed(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        market.limit("BUY", "0.1", "990", symbol="ETHUSDT")
        market.tick()
        market.call("DELETE /v1/allOpenOrders", symbol="ETHUSDT")
        assert told(await stream.missed()) == ["NEW NEW", "CANCELED CANCELED"]
        assert stream.results[-1].complete
        assert ["symbol" in params for params in stream.link.asked_for("GET /fapi/v1/allOrders")] == [False]

    async def test_where_a_symbol_is_demanded_those_that_are_known_are_asked_about(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market, Recovery(symbols=("ETHUSDT",)))
        stream.link.before = refusing("GET /fapi/v1/allOrders", -1102)
        hit(market, 1)
        assert told(await stream.missed()) == ["TRADE PARTIALLY_FILLED"]
        assert stream.results[-1].complete, stream.results[-1].detail
        asked = [params.get("symbol") for params in stream.link.asked_for("GET /fapi/v1/allOrders")]
        assert asked[0] is None
        assert set(asked[1:]) == {"ETHUSDT", "BTCUSDT"}
        stream.link.calls.clear()
        await stream.missed()
        assert all("symbol" in params for params in stream.link.asked_for("GET /fapi/v1/allOrders"))

    async def test_a_symbol_that_nobody_named_comes_to_light_by_the_income(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market(COINM)
        stream = await whole(market)
        market.tick()
        market.limit("SELL", "1", "1010", symbol="ETHUSD_PERP")
        hit(market, 1, "1010", "ETHUSD_PERP")
        market.tick()
        market.limit("BUY", "1", "990", symbol="ETHUSD_PERP")
        market.tick()
        market.limit("SELL", "1", "990", BOB, symbol="ETHUSD_PERP")
        events = await stream.missed()
        assert told(events) == ["NEW NEW", "TRADE FILLED", "NEW NEW", "TRADE FILLED"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_pages_that_are_full_are_halved_and_trades_are_paged_by_id(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market(COINM)
        stream = await whole(market, Recovery(max_weight=20_000))
        limited(stream, all_orders=2, income=3, trades=2)
        for _ in range(5):
            market.tick(3)
            market.limit("SELL", "1", "20100")
            hit(market, 1)
        before = stream.position
        await stream.missed()
        assert stream.results[-1].complete, stream.results[-1].detail
        check_story(market.sent(before - 1), stream.told)
        assert len(stream.link.asked_for("GET /dapi/v1/allOrders")) > 4
        assert len(stream.link.asked_for("GET /dapi/v1/income")) > 3
        assert [params["fromId"] for params in stream.link.asked_for("GET /dapi/v1/userTrades") if "fromId" in params]

    async def test_more_than_a_page_within_one_millisecond_is_said(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)

        def full(method: str, params: dict[str, Any]) -> Any:
            if method == "GET /fapi/v1/allOrders":
                times = dict.fromkeys(("time", "updateTime"), params["startTime"])
                return [{**order_row(number, symbol="XXX"), **times} for number in range(1000)]
            return None

        stream.link.before = full
        await stream.recover(stream.position)
        assert "the orders: there are more than 1000 in one millisecond" in stream.results[-1].detail

    @pytest.mark.parametrize(
        ("method", "answer", "problem"),
        [
            ("GET /fapi/v1/userTrades", [trade_row(5, 0, "1")] * 1000, "a page of 1000 trades holds a single trade id"),
            ("GET /fapi/v1/orderAmendment", [], "there are more than 0"),
            ("GET /fapi/v3/balance", {"a": 1}, '"assets" is missing'),
            ("GET /fapi/v1/openOrders", [{"symbol": 5}], '"symbol" is not a text'),
            ("GET /fapi/v1/income", 7, "a list was expected"),
        ],
    )
    async def test_an_answer_that_cannot_be_read_makes_it_incomplete(
        self, autojump_clock: trio.abc.Clock, method: str, answer: Any, problem: str
    ) -> None:
        market = Market()
        stream = await whole(market)
        hit(market, 1)
        limited(stream, amendments=0)
        stream.link.before = lambda asked, params: fitting(answer, params) if asked == method else None
        await stream.missed()
        assert problem in stream.results[-1].detail

    async def test_a_long_gap_is_asked_for_window_by_window(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = Stream(market)
        assert await stream.start() == ""
        market.tick(10 * 86_400)
        market.limit("SELL", "0.02", "20100")
        hit(market, 1)
        assert told(await stream.missed()) == ["NEW NEW", "TRADE PARTIALLY_FILLED"]
        # All was found, but an order may have come and gone that is not listed any more.
        forgotten = "orders that ended without a fill are not listed any more when they are older than 3 days"
        assert stream.results[-1].detail == forgotten
        assert not stream.results[-1].complete
        assert len(stream.link.asked_for("GET /fapi/v1/allOrders")) == 2
        assert len(stream.link.asked_for("GET /fapi/v1/userTrades")) == 2

    async def test_the_first_page_of_trades_leads_to_the_next(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = Stream(market)
        assert await stream.start() == ""
        limited(stream, trades=2)
        market.limit("SELL", "0.05", "20100")
        for _ in range(4):
            hit(market, 1)
        await stream.missed()
        assert stream.results[-1].complete, stream.results[-1].detail
        assert "fromId" not in stream.link.asked_for("GET /fapi/v1/userTrades")[0]
        assert len(stream.link.asked_for("GET /fapi/v1/userTrades")) == 4

    async def test_trades_that_an_earlier_gap_lost_are_asked_for_by_their_order(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        market.limit("SELL", "0.01", "20200")
        stream.deliver()
        hit(market, 2)
        stream.link.before = lambda method, params: _hang_up()
        assert await stream.missed() == []
        stream.link.before = lambda method, params: None
        hit(market, 1, "20200")
        stream.deliver()
        market.tick()
        assert told(await stream.missed()) == ["TRADE FILLED"]
        assert stream.results[-1].complete, stream.results[-1].detail
        assert [params["orderId"] for params in stream.link.asked_for("GET /fapi/v1/userTrades") if "orderId" in params]

    async def test_types_that_the_stream_was_not_asked_for_are_not_asked_for(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = Stream(market, product=usdm_futures(events=["ACCOUNT_UPDATE"]))
        assert await stream.start() == ""
        market.limit("SELL", "0.02", "20100")
        hit(market, 2)
        (wallet, held) = await stream.missed()
        assert {wallet.event_type, held.event_type} == {"ACCOUNT_UPDATE"}
        assert positions([wallet, held]) == {("BTCUSDT", "BOTH"): (Decimal("-0.02"), Decimal(20100))}
        assert stream.results[-1].complete, stream.results[-1].detail
        assert {method for method, _ in stream.link.calls} == {*UNSIGNED, "GET /fapi/v1/income"}

    async def test_only_conditional_orders_are_asked_about_where_only_these_are_told(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = Stream(market, Recovery(symbols=("BTCUSDT",)), usdm_futures(events=["ALGO_UPDATE", "TRADE_LITE"]))
        assert await stream.start() == ""
        market.call(
            "POST /v1/algoOrder",
            symbol="BTCUSDT",
            algoType="CONDITIONAL",
            side="SELL",
            type="STOP_MARKET",
            quantity="0.02",
            triggerPrice="19000",
            workingType="MARK_PRICE",
        )
        market.tick()
        market.desk.set_mark_price("BTCUSDT", "18900")
        statuses = [one.algo_status for one in await stream.missed() if isinstance(one, AlgoUpdate)]
        assert statuses == ["NEW", "TRIGGERED", "FINISHED"]
        assert "recovered as ORDER_TRADE_UPDATE only" in stream.results[-1].detail
        assert not stream.link.asked_for("GET /fapi/v1/allOrders")


class TestAfterAGapThatWasNotProven:
    """The history goes by when an order was placed: what one gap left out ends unseen in the next, unless asked for."""

    @pytest.mark.parametrize("kind", [USDM, COINM], ids=["usdm", "coinm"])
    async def test_an_order_that_was_placed_there_and_ends_in_the_next_gap_is_told(
        self, kind: Kind, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market(kind)
        stream = await whole(market)
        market.tick(60)
        order = market.limit("SELL", lot(market, 1), "20200")
        prefix = "GET /fapi/v1" if kind is USDM else "GET /dapi/v1"
        stream.link.before = refusing_all(f"{prefix}/openOrders", f"{prefix}/allOrders")
        await stream.missed()
        assert not stream.results[-1].complete
        stream.link.before = lambda method, params: None
        await live(market, stream, 3600)
        market.call("DELETE /v1/order", symbol=market.symbol, orderId=order["orderId"])
        assert told(await stream.missed()) == ["NEW NEW", "CANCELED CANCELED"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_so_is_a_conditional_order(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        market.tick(60)
        order = market.call("POST /v1/algoOrder", **CONDITIONAL)
        stream.link.before = refusing_all("GET /fapi/v1/openAlgoOrders", "GET /fapi/v1/allAlgoOrders")
        await stream.missed()
        assert not stream.results[-1].complete
        stream.link.before = lambda method, params: None
        await live(market, stream, 3600)
        market.call("DELETE /v1/algoOrder", algoId=order["algoId"])
        algos = [event for event in await stream.missed() if isinstance(event, AlgoUpdate)]
        assert [event.algo_status for event in algos] == ["NEW", "CANCELED"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_what_was_open_is_known_once_it_was_listed_and_the_gap_is_looked_into_no_more(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        history = "GET /fapi/v1/allOrders"

        async def questions(failing: str | None) -> int:
            """How many windows of the history the next gap asks about."""
            await live(market, stream, 3600)
            stream.link.calls.clear()
            stream.link.before = refusing_all(failing) if failing else lambda method, params: None
            await stream.missed()
            assert stream.results[-1].complete is (failing is None)
            return len({params["startTime"] for params in stream.link.asked_for(history)})

        # One is of the time since the gap began, and one of the minutes before.
        assert await questions(None) == 2
        assert await questions("GET /fapi/v1/openOrders") == 2
        assert await questions("GET /fapi/v1/openOrders") == 3
        assert await questions("GET /fapi/v1/income") == 4
        # The open orders were listed: nothing unknown is open from the two gaps before, nor from this one.
        assert await questions("GET /fapi/v1/income") == 3
        assert await questions(None) == 3
        assert await questions(None) == 2


class TestWhatTheVenueDoesNotKnow:
    async def test_an_order_that_vanished_is_a_doubt(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        market.call("DELETE /v1/allOpenOrders", symbol="BTCUSDT")
        market.tick(4 * 86_400)
        assert told(await stream.missed()) == []
        assert "cannot be found any more" in stream.results[-1].detail

    async def test_a_conditional_order_that_vanished_is_a_doubt(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = Stream(market)
        assert await stream.start() == ""
        stop = market.call(
            "POST /v1/algoOrder",
            symbol="BTCUSDT",
            algoType="CONDITIONAL",
            side="SELL",
            type="STOP_MARKET",
            quantity="0.02",
            triggerPrice="19000",
        )
        stream.deliver()
        market.call("DELETE /v1/algoOrder", algoId=stop["algoId"])
        market.tick(4 * 86_400)
        await stream.missed()
        assert f"conditional order {stop['algoId']} cannot be found any more" in stream.results[-1].detail

    async def test_liquidations_are_looked_for_among_the_forced_orders(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        hit(market, 2)
        stream.deliver()
        market.tick()
        forced = order_row(
            77,
            symbol="BTCUSDT",
            status="FILLED",
            clientOrderId="autoclose-1",
            executedQty="0.02",
            origQty="0.02",
            side="BUY",
            timeInForce="IOC",
            time=market.time // 1000,
            updateTime=market.time // 1000,
        )
        del forced["selfTradePreventionMode"]
        sold = trade_row(
            market.desk.contracts["BTCUSDT"].next_trade_id(),
            0,
            "0.02",
            77,
            symbol="BTCUSDT",
            buyer=True,
            time=market.time // 1000,
            commission="0",
        )

        def answer(method: str, params: dict[str, Any]) -> Any:
            if method == "GET /fapi/v1/userTrades":
                return [sold]
            return [forced] if method == "GET /fapi/v1/forceOrders" else None

        stream.link.before = answer
        stream.knowledge.orders.clear()
        events = await stream.recover(stream.position)
        assert stream.link.asked_for("GET /fapi/v1/order") == []
        stream.recoverer._options = Recovery(symbols=("BTCUSDT",))
        events = await stream.recover(stream.position)
        assert told(list(events.events)) == ["NEW NEW", "TRADE FILLED"]
        reports = [event for event in events.events if isinstance(event, OrderTradeUpdate)]
        assert [report.is_venue_order for report in reports] == [True, True], "although the answer says LIMIT"
        assert stream.link.asked_for("GET /fapi/v1/order") != []

    @pytest.mark.parametrize("code", [-5000, 0])
    async def test_where_there_are_no_routes_for_conditional_orders_that_is_remembered(
        self, autojump_clock: trio.abc.Clock, code: int
    ) -> None:
        market = Market(COINM)
        stream = Stream(market)

        def refuse(method: str, params: dict[str, Any]) -> None:
            if "lgo" in method:
                raise ApiError(method=method, status=404, code=code, msg="no such path")

        stream.link.before = refuse
        assert await stream.start() == ""
        market.limit("SELL", "2", "20100")
        stream.link.calls.clear()
        assert told(await stream.missed()) == ["NEW NEW"]
        assert stream.results[-1].complete, stream.results[-1].detail
        assert not [method for method, _ in stream.link.calls if "lgo" in method]

    async def test_on_usdm_the_routes_for_conditional_orders_are_not_doubtful(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        stream = Stream(Market())
        stream.link.before = refusing("GET /fapi/v1/openAlgoOrders", -5000, 404)
        assert "the open conditional orders" in await stream.start()


class TestLag:
    async def test_a_fill_that_the_database_does_not_show_yet_is_asked_for_again(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        hit(market, 1)
        start = trio.current_time()

        def lag(method: str, params: dict[str, Any]) -> Any:
            return [] if method == "GET /fapi/v1/userTrades" and trio.current_time() < start + 1 else None

        stream.link.before = lag
        assert told(await stream.missed()) == ["TRADE PARTIALLY_FILLED"]
        assert trio.current_time() - start == 1
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_balances_and_positions_that_are_older_than_what_was_told_are_asked_for_again(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        market = Market()
        stream = await whole(market)
        old = [position_row("0", None, symbol="BTCUSDT")]
        hit(market, 1)
        stream.deliver()
        asked: list[str] = []

        def lag(method: str, params: dict[str, Any]) -> Any:
            asked.append(method)
            return old if method == "GET /fapi/v3/positionRisk" and asked.count(method) < 2 else None

        stream.link.before = lag
        assert await stream.missed() == []
        assert asked.count("GET /fapi/v3/positionRisk") == 2
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_conditional_order_is_asked_for_again_too(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = Stream(market)
        assert await stream.start() == ""
        stop = market.call(
            "POST /v1/algoOrder",
            symbol="BTCUSDT",
            algoType="CONDITIONAL",
            side="SELL",
            type="STOP_MARKET",
            quantity="0.02",
            triggerPrice="19000",
        )
        stream.deliver()
        market.tick()
        market.call("DELETE /v1/algoOrder", algoId=stop["algoId"])
        refusals = iter([True])

        def refuse(method: str, params: dict[str, Any]) -> Any:
            if method == "GET /fapi/v1/algoOrder" and next(refusals, False):
                raise ApiError(method=method, status=400, code=-2013, msg="Order does not exist.")
            return [] if method == "GET /fapi/v1/allAlgoOrders" else None

        stream.link.before = refuse
        events = await stream.missed()
        assert [one.algo_status for one in events if isinstance(one, AlgoUpdate)] == ["CANCELED"]
        assert stream.results[-1].complete, stream.results[-1].detail


class TestLimits:
    async def test_it_ends_in_time_with_what_it_has(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        market.call("DELETE /v1/allOpenOrders", symbol="BTCUSDT")
        original = stream.link.request

        async def stuck(method: str, params: Any) -> Any:
            if method == "GET /fapi/v1/income":
                await trio.sleep_forever()
            return await original(method, params)

        stream.link.request = stuck  # type: ignore[method-assign]
        start = trio.current_time()
        assert told(await stream.missed()) == ["CANCELED CANCELED"]
        assert trio.current_time() - start == pytest.approx(10)
        assert "no answer came in time for the income" in stream.results[-1].detail

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
        start = trio.current_time()
        assert await stream.missed() == []
        assert len(stream.link.calls) <= 6
        assert trio.current_time() == start
        assert str(error) in stream.results[-1].detail

    async def test_what_is_not_afforded_makes_it_incomplete(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market, Recovery(max_weight=100))
        await stream.missed()
        assert "the allowed weight did not suffice for" in stream.results[-1].detail

    async def test_cancelled_it_leaves_nothing_behind(self, autojump_clock: trio.abc.Clock) -> None:
        market = Market()
        stream = await whole(market)
        known = dict(stream.knowledge.orders)
        stream.link.before = lambda method, params: _lose()
        with trio.move_on_after(0.5):
            await stream.recover(stream.position)
        assert stream.knowledge.orders == known


def _hang_up() -> None:
    raise NotConnected("gone", method="m")


def _lose() -> None:
    raise OutcomeUnknown("lost", method="m")


@pytest.mark.parametrize("kind", [USDM, COINM])
async def test_order_ids_beyond_what_a_float_holds_are_told_exactly(kind: Kind, autojump_clock: trio.abc.Clock) -> None:
    market = Market(kind)
    market.desk.contracts[market.symbol].count_orders_from(2**53 + 1)
    stream = Stream(market)
    assert await stream.start() == ""
    market.limit("SELL", lot(market, 2), "20100")
    hit(market, 1)
    events = await stream.missed()
    assert all(isinstance(one, OrderTradeUpdate) for one in reports(events))
    assert {one.order_id for one in reports(events)} == {2**53 + 1}
    assert market.desk.has(ALICE)
