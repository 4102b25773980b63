"""The recovery of an options stream: what is made of the answers, what is asked, and what is said of what is open."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
from recovery_desk_scene import ALICE, BOB, CALL, PUT, DeskStream, OptionsScene
from test_options_random import fills

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError
from trio_binance_uds.events import (
    BalancePositionUpdate,
    Event,
    GreekUpdate,
    OptionsAccountUpdate,
    OptionsOrderTradeUpdate,
    OptionsRiskLevelChange,
    UnknownEvent,
)
from trio_binance_uds.stream.recovery import Recovery
from trio_binance_uds.stream.recovery.european_options.answers import (
    AccountAnswer,
    OrderAnswer,
    PositionAnswer,
    TradeAnswer,
)
from trio_binance_uds.stream.recovery.european_options.evidence import Evidence
from trio_binance_uds.stream.recovery.european_options.knowledge import Knowledge
from trio_binance_uds.stream.recovery.reading import Unreadable

SNAPSHOTS = ("OptionsAccountUpdate", "GreekUpdate")
ORDER: dict[str, Any] = {
    "orderId": 4611875134427365401,
    "symbol": "BTC-261225-90000-P",
    "price": "1150",
    "quantity": "-0.50",
    "executedQty": "-0.20",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "reduceOnly": False,
    "createTime": 1790000000000,
    "updateTime": 1790000001000,
    "status": "PARTIALLY_FILLED",
    "avgPrice": "1152.5",
    "clientOrderId": "mine",
    "quoteAsset": "USDT",
}


async def whole(scene: OptionsScene, options: Recovery | None = None) -> DeskStream:
    """A stream of which nothing was missed yet: Alice has an order that rests."""
    stream = DeskStream(scene, options)
    await stream.start()
    scene.tick()
    scene.place("SELL", "1", "1300")
    stream.deliver()
    scene.tick(5)
    stream.link.calls.clear()
    stream.link.weight = 0
    return stream


def said(events: list[Event]) -> list[str]:
    return [
        f"{event.execution_type} {event.order_status}"
        if isinstance(event, OptionsOrderTradeUpdate)
        else type(event).__name__
        for event in events
    ]


def without(route: str) -> Callable[[str, Any], None]:
    def fail(method: str, params: Any) -> None:
        if method.endswith(route):
            raise ApiError(method=method, status=400, code=-1000, msg="An unknown error occurred")

    return fail


async def missed(stream: DeskStream) -> list[str]:
    """What was recovered, but for the totals and greeks of now."""
    return [word for word in said(await stream.missed()) if word not in SNAPSHOTS]


def only(events: list[Event], kind: type[Any]) -> Any:
    (found,) = [event for event in events if isinstance(event, kind)]
    return found


class TestWhatIsAsked:
    async def test_a_quiet_gap_costs_48_and_8_for_each_symbol(self, autojump_clock: trio.abc.Clock) -> None:
        stream = await whole(OptionsScene(), Recovery(symbols=(PUT,)))
        assert await missed(stream) == []
        assert stream.results[-1].complete, stream.results[-1].detail
        assert stream.link.weight == 48 + 2 * 8

    async def test_an_order_that_is_open_no_more_is_asked_for(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.tick(3600)
        stream.whole_until = scene.now()
        (order,) = scene.call("GET openOrders")
        scene.call("DELETE order", symbol=CALL, orderId=order["orderId"])
        assert await missed(stream) == ["CANCELED CANCELED"]
        assert stream.link.asked_for("order") == [{"symbol": CALL, "orderId": order["orderId"]}]
        assert order["orderId"] > 2**53
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_fills_from_an_earlier_gap_that_was_not_made_good_are_found(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.place("BUY", "0.5", "1300", BOB)
        stream.link.before = without("userTrades")
        await stream.missed()
        assert not stream.results[-1].complete
        stream.link.before = lambda method, params: None
        scene.tick(3600)
        scene.trade("BUY", "1", "1200")
        stream.deliver()
        scene.tick(3600)
        assert "TRADE PARTIALLY_FILLED" in await missed(stream)
        assert set(fills(stream.told)) == set(fills(scene.sent())), "late rather than never"
        assert stream.results[-1].complete, stream.results[-1].detail
        scene.tick(3600)
        assert await missed(stream) == []
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_an_order_that_an_unproven_gap_left_out_and_that_ends_in_the_next_one_is_told(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        """The history goes by when an order was placed."""
        scene = OptionsScene()
        stream = await whole(scene)
        order = scene.place("SELL", "0.5", "1400")
        stream.link.before = without("openOrders")
        assert await missed(stream) == []
        assert not stream.results[-1].complete
        stream.link.before = lambda method, params: None
        scene.tick(3600)
        scene.trade("BUY", "0.1", "1200")
        stream.deliver()
        scene.tick(60)
        scene.call("DELETE order", symbol=CALL, orderId=order["orderId"])
        assert await missed(stream) == ["NEW NEW", "CANCELED CANCELED"]
        assert stream.results[-1].complete, stream.results[-1].detail
        asked = len(stream.link.asked_for("historyOrders"))
        scene.tick(3600)
        assert await missed(stream) == []
        # Once since the gap began, and once about the minutes before.
        assert len(stream.link.asked_for("historyOrders")) == asked + 2, "that gap is looked into no more"

    async def test_a_fill_on_a_symbol_that_was_never_seen_shows_in_its_position(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.trade("BUY", "0.2", "800", PUT)
        assert await missed(stream) == ["NEW NEW", "TRADE FILLED", "BalancePositionUpdate"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_more_fills_and_orders_than_a_page_holds_are_all_found(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        for _ in range(1100):
            scene.tick(0.01)
            scene.trade("BUY", "0.01", "1200")
        await stream.missed()
        assert len(fills(stream.told)) == 1100
        assert fills(stream.told) == fills(scene.sent())
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_more_in_a_millisecond_than_a_page_holds_is_not_complete(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        for _ in range(1001):
            scene.trade("BUY", "0.01", "1200")
        await stream.missed()
        assert "in one millisecond" in stream.results[-1].detail

    async def test_a_gap_of_more_than_five_days_is_not_complete(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.tick(6 * 86_400)
        await stream.missed()
        assert stream.results[-1].detail == "orders that ended are not listed any more when they are older than 5 days"

    async def test_it_never_costs_more_than_allowed(self, autojump_clock: trio.abc.Clock) -> None:
        stream = await whole(OptionsScene(), Recovery(symbols=(PUT,), max_weight=57))
        await stream.missed()
        assert stream.link.weight <= 57
        assert "the allowed weight did not suffice" in stream.results[-1].detail


class TestHoldings:
    async def test_what_has_changed_is_told_as_it_is_now(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.trade("BUY", "0.2", "1200")
        scene.trade("BUY", "0.1", "1205")
        last = [event for event in scene.sent() if isinstance(event, BalancePositionUpdate)][-1]
        told = await stream.missed()
        update = only(told, BalancePositionUpdate)
        assert (update.event_reason_type, update.balances) == ("RECOVERED", last.balances)
        (position,), (right,) = update.positions, last.positions
        assert (position.quantity, position.average_entry_price) == (right.quantity, right.average_entry_price)
        assert position.position_value == right.position_value
        assert all(event.recovered and event.account == "options" for event in told)

    async def test_what_our_clock_says_has_yet_to_happen_is_told_as_of_when_it_did(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        """Otherwise what is told next would be explained by these fills a second time."""
        scene = OptionsScene()
        stream = await whole(scene)
        scene.tick(5)
        scene.trade("BUY", "0.2", "1200")
        filled_at = scene.now()
        found = await stream.recoverer.recover(
            stream.link.request, stream.whole_until, ExactClock(lambda: scene.now() - timedelta(seconds=0.4))
        )
        assert found.complete, found.detail
        for event in found.events:
            stream.tell(event)
        assert only(list(found.events), BalancePositionUpdate).transaction_time == filled_at
        stream.position, stream.whole_until = len(scene.sent()), scene.now()
        scene.tick(60)
        assert await missed(stream) == []
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_wallet_that_nothing_explains_is_not_told_anew_for_the_digits_of_an_average(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        """The wallet is concluded from average entry prices, of which a few digits are shown."""
        scene = OptionsScene()
        stream = await whole(scene)
        for price in ("1200", "1205"):
            scene.trade("BUY", "0.1", price)
        stream.deliver()
        scene.tick(60)
        scene.trade("BUY", "0.1", "1205")
        (wallet,) = only(scene.sent(stream.position), BalancePositionUpdate).balances
        (told,) = only(
            [event for event in stream.told if isinstance(event, BalancePositionUpdate)][-1:], Event
        ).balances
        scene.desk.transfer(ALICE, "USDT", str(told.balance - wallet.balance))
        scene.tick(5)
        assert only(await stream.missed(), BalancePositionUpdate).balances == ()
        assert "USDT is not explained" in stream.results[-1].detail

    async def test_a_deposit_is_in_the_balance_and_not_complete(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.tick(60)
        scene.desk.transfer(ALICE, "USDT", "50")
        update = only(await stream.missed(), BalancePositionUpdate)
        (balance,) = update.balances
        assert (balance.balance, balance.balance_change) == (Decimal(10_000_050), Decimal(50))
        assert stream.results[-1].detail == "+50 USDT is not explained"

    async def test_holdings_that_may_be_older_than_what_was_told_are_not_told(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        old = {route: scene.call(f"GET {route}") for route in ("marginAccount", "position")}
        scene.trade("BUY", "0.2", "1200")
        stream.deliver()
        scene.tick(5)
        stream.link.before = lambda method, params: old.get(method.rpartition("/")[2])
        assert "BalancePositionUpdate" not in said(await stream.missed())
        assert "is 0.2 off what its fills say" not in stream.results[-1].detail
        assert f"the position in {CALL} is -0.2 off" in stream.results[-1].detail

    @pytest.mark.parametrize(("side", "index"), [("BUY", "101500"), ("SELL", "101500"), ("BUY", "90000")])
    async def test_an_exercise_explains_a_position_that_has_expired(
        self, side: str, index: str, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.trade(side, "0.2", "1200")
        stream.deliver()
        scene.tick(60)
        scene.desk.expire(CALL, index)
        told = await missed(stream)
        assert told == ["EXPIRED EXPIRED", "BalancePositionUpdate"]
        assert stream.results[-1].complete, stream.results[-1].detail
        (position,) = only(stream.told[-3:], BalancePositionUpdate).positions
        assert (position.quantity, position.position_value, position.average_entry_price) == (0, 0, 0)

    async def test_fills_whose_update_was_missed_explain_it(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.trade("SELL", "0.2", "1200")
        stream.deliver(2)
        assert await missed(stream) == ["BalancePositionUpdate"]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_an_update_that_comes_late_and_says_the_same_is_an_echo(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.trade("BUY", "0.2", "1200")
        live = [event for event in scene.sent() if isinstance(event, BalancePositionUpdate)]
        scene.tick(5)
        await stream.missed()
        echoes = stream.results[-1].echoes()
        assert echoes.is_echo(live[-1])
        scene.trade("BUY", "0.1", "1200")
        newer = [event for event in scene.sent() if isinstance(event, BalancePositionUpdate)][-1]
        assert not echoes.is_echo(newer)


class TestTotals:
    async def test_totals_and_greeks_of_now_are_told_if_they_have_changed(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.trade("BUY", "0.2", "1200")
        scene.desk.set_mark_price(CALL, "1250")
        told = await stream.missed()
        totals, greeks = only(told, OptionsAccountUpdate), only(told, GreekUpdate)
        scene.tick(11)
        last = scene.sent()
        right = [event for event in last if isinstance(event, OptionsAccountUpdate)][-1]
        for name in ("equity", "adjusted_equity", "wallet_balance", "position_value", "unrealized_pnl"):
            assert getattr(totals, name) == getattr(right, name), name
        assert (totals.initial_margin, totals.maintenance_margin) == (right.initial_margin, right.maintenance_margin)
        assert greeks.greeks == [event for event in last if isinstance(event, GreekUpdate)][-1].greeks
        older = totals.transaction_time - timedelta(seconds=1)
        echoes = stream.results[-1].echoes()
        for event, is_echo in ((right, False), (totals, False)):
            assert echoes.is_echo(event) is is_echo
        assert echoes.is_echo(attrs.evolve(totals, transaction_time=older))

    async def test_a_changed_level_of_risk_is_told(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        answer = scene.call("GET marginAccount") | {"reduceOnly": True}
        stream.link.before = lambda method, params: answer if method.endswith("marginAccount") else None
        level = only(await stream.missed(), OptionsRiskLevelChange)
        assert (level.risk_level, level.recovered, level.account) == ("REDUCE_ONLY", True, "options")
        assert level.margin_balance == Decimal(10_000_000)
        assert stream.results[-1].echoes().is_echo(level)
        assert await stream.missed() == []

    async def test_an_account_without_totals_has_none_to_tell(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.trade("BUY", "0.2", "1200")
        account = scene.call("GET marginAccount")
        del account["asset"][0]["adjustedEquity"]
        stream.link.before = lambda method, params: account if method.endswith("marginAccount") else None
        assert "OptionsAccountUpdate" not in said(await stream.missed())
        account["asset"] = []
        scene.tick(5)
        scene.trade("BUY", "0.2", "1200")
        assert "OptionsAccountUpdate" not in said(await stream.missed())


class TestDoubts:
    async def test_an_order_that_cannot_be_found_is_asked_for_again_and_then_said(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = OptionsScene()
        stream = await whole(scene)

        def forget(method: str, params: Any) -> Any:
            if method.endswith("/order"):
                raise ApiError(method=method, status=400, code=-2013, msg="Order does not exist.")
            return [] if method.endswith(("openOrders", "historyOrders")) else None

        stream.link.before = forget
        assert await missed(stream) == []
        assert "cannot be found any more" in stream.results[-1].detail
        assert len(stream.link.asked_for("order")) == 2

    async def test_an_order_whose_fate_is_not_answered_is_said(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)

        def refuse(method: str, params: Any) -> Any:
            if method.endswith("/order"):
                raise ApiError(method=method, status=400, code=-1000, msg="An unknown error occurred")
            return [] if method.endswith(("openOrders", "historyOrders")) else None

        stream.link.before = refuse
        await missed(stream)
        assert "neither among the open orders nor known to have ended" in stream.results[-1].detail

    async def test_fills_that_are_not_listed_are_said(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.place("BUY", "0.4", "1300", BOB)
        stream.link.before = lambda method, params: [] if method.endswith("userTrades") else None
        await missed(stream)
        assert "is filled by 0.4 more than its trades say" in stream.results[-1].detail

    async def test_a_trade_of_an_order_that_nobody_knows_is_said(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.trade("BUY", "0.4", "1200")

        def forget(method: str, params: Any) -> Any:
            if method.endswith("/order"):
                raise ApiError(method=method, status=400, code=-2013, msg="Order does not exist.")
            return [] if method.endswith("historyOrders") else None

        stream.link.before = forget
        assert "TRADE FILLED" not in await missed(stream)
        assert "has traded, but cannot be found" in stream.results[-1].detail

    async def test_without_a_baseline_nothing_is_proven_but_the_next_gap_can_be(
        self, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        scene = OptionsScene()
        scene.place("SELL", "1", "1300")
        scene.place("BUY", "0.3", "1300", BOB)
        scene.tick(5)
        stream = DeskStream(scene, Recovery(symbols=(CALL,)))

        def refuse(method: str, params: Any) -> None:
            raise ApiError(method=method, status=400, code=-1000, msg="An unknown error occurred")

        stream.link.before = refuse
        await stream.start()
        assert "cannot be proven complete" in caplog.text
        await stream.missed()
        assert "before the stream began" in stream.results[-1].detail
        stream.link.before = lambda method, params: None
        scene.tick(5)
        scene.place("BUY", "0.2", "1300", BOB)
        told = await stream.missed()
        fill = only(told, OptionsOrderTradeUpdate)
        assert (fill.filled_accumulated_quantity, fill.average_price) == (Decimal("0.5"), 1300)
        assert "before the stream began" in stream.results[-1].detail
        assert next(row.balance_change for row in only(told, BalancePositionUpdate).balances) is None
        scene.tick(5)
        scene.place("BUY", "0.5", "1300", BOB)
        assert await missed(stream) == ["TRADE FILLED", "BalancePositionUpdate"]
        assert stream.results[-1].complete, stream.results[-1].detail


class TestJoining:
    async def test_what_the_live_events_take_up_is_left_to_them(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        for _ in range(2):
            scene.tick(0.1)
            scene.place("BUY", "0.2", "1300", BOB)
        second = [event for event in scene.sent() if isinstance(event, OptionsOrderTradeUpdate)][-1]
        found = await stream.recoverer.recover(stream.link.request, stream.whole_until, ExactClock(scene.now))
        assert said(list(found.without([second]).events))[:2] == ["TRADE PARTIALLY_FILLED", "BalancePositionUpdate"]
        assert found.without([second]).complete
        lost = found.without([evolved(second, filled_accumulated_quantity=Decimal("0.7"))])
        assert "had been filled by 0.1 more when it appeared again" in lost.detail
        strange = found.without([evolved(second, order_id=5)])
        assert "order 5 of" in strange.detail
        assert "appears without its beginning" in strange.detail
        fresh = evolved(second, order_id=5, execution_type="NEW", filled_accumulated_quantity=0, last_filled_quantity=0)
        assert found.without([fresh]).complete
        assert not found.echoes().is_echo(UnknownEvent(problem="new", raw={}))

    async def test_an_end_is_an_echo_once_and_what_is_older_always(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        (order,) = scene.call("GET openOrders")
        scene.tick(1)
        scene.call("DELETE order", symbol=CALL, orderId=order["orderId"])
        placed, canceled = [event for event in scene.sent() if isinstance(event, OptionsOrderTradeUpdate)]
        found = await stream.recoverer.recover(stream.link.request, stream.whole_until, ExactClock(scene.now))
        echoes = found.echoes()
        assert [echoes.is_echo(event) for event in (placed, canceled, canceled)] == [True, True, False]
        assert not echoes.is_echo(evolved(canceled, order_id=5))

    async def test_a_doubt_about_an_order_is_dispelled_by_live_events_that_continue_it(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        scene.place("BUY", "0.2", "1300", BOB)
        live = scene.sent(stream.position)
        stream.link.before = lambda method, params: [] if method.endswith("userTrades") else None
        found = await stream.recoverer.recover(stream.link.request, stream.whole_until, ExactClock(scene.now))
        assert "more than its trades say" in found.detail
        assert "more than its trades say" not in found.without(live).detail

    async def test_many_reasons_are_told_in_short(self, autojump_clock: trio.abc.Clock) -> None:
        scene = OptionsScene()
        stream = await whole(scene)
        for _ in range(9):
            scene.place("SELL", "0.1", "1400")
        stream.deliver()
        scene.call("DELETE allOpenOrders", symbol=CALL)

        def refuse(method: str, params: Any) -> Any:
            if method.endswith("/order"):
                raise ApiError(method=method, status=400, code=-1000, msg="An unknown error occurred")
            return [] if method.endswith("historyOrders") else None

        stream.link.before = refuse
        await stream.missed()
        assert "; and " in stream.results[-1].detail


def evolved(event: Event, **changes: Any) -> Any:
    return attrs.evolve(event, **changes)


class TestMemory:
    async def test_what_was_told_as_ended_stays_so_and_no_more_than_enough_is_remembered(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = OptionsScene()
        scene.trade("BUY", "0.2", "1200")
        new, fill = [event for event in scene.sent() if isinstance(event, OptionsOrderTradeUpdate)]
        knowledge = Knowledge()
        for event in (new, fill, new):
            knowledge.observe(event)
        assert knowledge.orders == {}
        for number in range(20_001):
            knowledge.observe(evolved(fill, trade_id=number + 10))
        assert len(knowledge.unsettled) == 10_000
        assert not knowledge.is_fill_told((CALL, 10, fill.order_id))
        assert knowledge.is_fill_told((CALL, 20_010, fill.order_id))

    def test_of_two_answers_the_one_with_more_progress_stands(self) -> None:
        knowledge = Knowledge()
        knowledge.begin(OptionsScene().now())
        evidence = Evidence(knowledge, OptionsScene().now())
        newer = OrderAnswer.read(ORDER)
        evidence.add_orders([newer, OrderAnswer.read(ORDER | {"executedQty": "0"})])
        assert evidence.orders == {newer.key: newer}


class TestAnswers:
    @pytest.mark.parametrize(("word", "status"), [("ACCEPTED", "NEW"), ("CANCELLED", "CANCELED"), ("NEW", "NEW")])
    def test_both_words_for_a_status_are_understood(self, word: str, status: str) -> None:
        assert OrderAnswer.read(ORDER | {"status": word}).status == status

    def test_sales_are_written_with_or_without_a_minus(self) -> None:
        order = OrderAnswer.read(ORDER)
        assert (order.quantity, order.executed, order.order_id) == (
            Decimal("0.50"),
            Decimal("0.20"),
            4611875134427365401,
        )
        other = OrderAnswer.read(ORDER | {"quantity": "0.50", "executedQty": "0.20"})
        assert (other.quantity, other.executed) == (order.quantity, order.executed)

    def test_the_time_of_placement_has_two_names(self) -> None:
        other = {name: value for name, value in ORDER.items() if name != "createTime"}
        assert OrderAnswer.read(other | {"createDate": 1790000000000}).created == OrderAnswer.read(ORDER).created

    def test_a_fee_that_was_paid_is_negative_and_leaves_the_wallet(self) -> None:
        trade = TradeAnswer.read(
            {
                "tradeId": 239,
                "orderId": ORDER["orderId"],
                "symbol": ORDER["symbol"],
                "price": "1150",
                "quantity": "-0.2",
                "fee": "-0.069",
                "realizedProfit": "0",
                "side": "SELL",
                "liquidity": "MAKER",
                "time": 1790000001000,
                "quoteAsset": "USDT",
            }
        )
        assert (trade.fee, trade.cash, trade.is_maker) == (Decimal("-0.069"), Decimal("229.931"), True)

    def test_the_wallet_is_the_equity_less_what_the_positions_are_worth(self) -> None:
        knowledge = Knowledge()
        knowledge.begin(OptionsScene().now())
        evidence = Evidence(knowledge, OptionsScene().now())
        assert evidence.wallets() is None
        assert evidence.baseline() is None
        position = {
            "entryPrice": "1000",
            "symbol": ORDER["symbol"],
            "side": "SHORT",
            "quantity": "0.1",
            "markPrice": "1050.01",
            "quoteAsset": "USDT",
        }
        read = PositionAnswer.read(position)
        assert (read.quantity, read.value) == (Decimal("-0.1"), Decimal("-105.001"))
        evidence.positions = {read.symbol: read}
        asset = {
            "asset": "USDT",
            "marginBalance": "10099.448",
            "equity": "10094.447",
            "initialMargin": "1084.5",
            "maintMargin": "151",
            "unrealizedPNL": "-5.001",
        }
        raw = {"asset": [asset], "greek": [], "time": 1790000001000, "reduceOnly": False}
        evidence.account = AccountAnswer.read(raw)
        assert evidence.wallets() == {"USDT": Decimal("10199.448")}

    @pytest.mark.parametrize("read", [OrderAnswer.read, TradeAnswer.read, PositionAnswer.read, AccountAnswer.read])
    def test_what_is_no_object_is_refused(self, read: Any) -> None:
        with pytest.raises(Unreadable, match="an object was expected"):
            read([])
