"""Stocks recover from the states of their orders and from their fills, and say so when that proves nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

import trio_binance_uds as uds
from support.exact_clock import ExactClock
from trio_binance_uds.sandbox import Refusal, Sandbox, SandboxAccount, StocksDesk, open_sandbox
from trio_binance_uds.stream.recovery.contract import LOST_MEANWHILE
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.stocks.recovered import StocksRecovered
from trio_binance_uds.stream.recovery.stocks.recoverer import StocksRecoverer
from trio_binance_uds.wire.json_text import dumps

UID = 7
START = datetime(2031, 3, 3, 15, 0, tzinfo=UTC)
LIMIT = {"symbol": "AAPL", "side": "BUY", "orderType": "LIMIT", "price": "195.5", "tradingSession": "24H"}
ROUTE = "/sapi/v1/equity/order"


@attrs.define
class Scene:
    """A desk, a recoverer, and how many of the desk's events it has been given."""

    at: datetime = START
    options: Recovery = attrs.field(factory=lambda: Recovery(max_weight=1000))
    delivered: int = 0
    asked: list[str] = attrs.field(factory=list)
    # What to do with an answer: by route.
    bent: dict[str, Callable[[Any], Any]] = attrs.field(factory=dict)
    desk: StocksDesk = attrs.field(init=False)
    recoverer: StocksRecoverer = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.desk = StocksDesk(lambda: int(self.at.timestamp() * 1_000_000))
        self.desk.open_account(UID, {})
        self.recoverer = StocksRecoverer(self.options, "stocks")

    def now(self) -> datetime:
        return self.at

    def later(self, seconds: float = 1.0) -> None:
        self.at += timedelta(seconds=seconds)

    async def request(self, method: str, params: Mapping[str, Any] | None) -> Any:
        await trio.lowlevel.checkpoint()
        self.asked.append(method)
        verb, path = method.split()
        try:
            answer = self.desk.call(UID, verb, path, dict(params or {}))
        except Refusal as refusal:
            raise uds.ApiError(method=method, status=refusal.status, code=refusal.code, msg=refusal.msg) from None
        bend = self.bent.get(path.rpartition("/")[2])
        return answer if bend is None else bend(answer)

    def place(self, quantity: str = "10", **terms: str) -> str:
        self.later()
        return self.order(**{**LIMIT, "quantity": quantity, **terms})

    def order(self, **terms: str) -> str:
        order_id: str = self.desk.call(UID, "POST", f"{ROUTE}/place", terms)["orderId"]
        return order_id

    def fill(self, order_id: str, quantity: str) -> None:
        self.later()
        self.desk.fill(UID, order_id, quantity)

    def cancel(self, order_id: str) -> None:
        self.later()
        self.desk.call(UID, "POST", f"{ROUTE}/cancel", {"orderId": order_id})

    def desk_open(self) -> list[str]:
        rows = self.desk.call(UID, "GET", f"{ROUTE}/open-orders", {})
        return [row["orderId"] for row in rows]

    def events(self) -> list[uds.OrderReport]:
        found = [uds.decode_frame(dumps(event), uds.STOCKS) for event in self.desk.journal.events(UID)]
        assert all(isinstance(event, uds.OrderReport) for event in found)
        return found  # type: ignore[return-value]  # as was just seen

    def deliver(self) -> None:
        """Deliver all that was not delivered."""
        for event in self.events()[self.delivered :]:
            self.recoverer.observe(event)
        self.delivered = len(self.events())

    async def begin(self) -> None:
        self.later()
        await self.recoverer.take_baseline(self.request, ExactClock(self.now))
        self.later(60)

    async def recover(self) -> StocksRecovered:
        since = self.at
        self.later(5)
        return await self.recoverer.recover(self.request, since - timedelta(seconds=30), ExactClock(self.now))

    async def tell(self) -> StocksRecovered:
        """Recover, and deliver what that brings."""
        found = await self.recover()
        for event in found.events:
            self.recoverer.observe(event)
        self.recoverer.note_gap(self.at - timedelta(seconds=40), self.at, complete=found.complete)
        self.delivered = len(self.events())
        return found


def said(found: StocksRecovered) -> list[tuple[str, str, Decimal | None]]:
    return [(event.order_id, str(event.order_status), event.filled_quantity) for event in found.events]


async def test_each_fill_that_was_missed_is_a_report_and_the_last_is_how_the_order_stands(
    autojump_clock: MockClock,
) -> None:
    scene = Scene()
    await scene.begin()
    first = scene.place()
    scene.fill(first, "2.5")
    scene.deliver()
    scene.fill(first, "3.5")
    scene.fill(first, "4")
    second = scene.place("3", side="SELL", price="210")
    found = await scene.recover()
    assert said(found) == [
        (first, "partially_filled", Decimal(6)),
        (first, "filled", Decimal(10)),
        (second, "accepted", Decimal(0)),
    ]
    assert found.complete
    live = scene.events()
    for event, told in zip(found.events, [live[3], live[4], live[6]], strict=True):
        assert event.identity == told.identity, "as the stream would have told it"
        assert event.recovered
        assert (event.filled_notional, event.price, event.side, event.base_asset) == (
            told.filled_notional,
            told.price,
            told.side,
            told.base_asset,
        )
    assert found.events[0].raw["trade"]["executionId"] == found.events[0].raw["order"]["trades"][1]["executionId"]
    assert (found.events[0].total_cost, found.events[0].asset_id) == (None, None)


async def test_an_order_that_ends_after_fills_has_a_report_for_its_end(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.fill(order, "1")
    scene.cancel(order)
    scene.later()
    notional = scene.order(symbol="MSFT", side="BUY", orderType="MARKET", notional="50")
    found = await scene.tell()
    assert said(found) == [
        (order, "partially_filled", Decimal(1)),
        (order, "canceled", Decimal(1)),
        (notional, "filled", Decimal("0.125")),
    ]
    assert found.events[1].execution_type is uds.StockExecutionType.ORDER_TERMINAL
    assert (found.events[2].quantity, found.events[2].notional) == (0, 50)
    assert found.complete
    again = await scene.recover()
    assert (again.events, again.complete) == ((), True), "once"


async def test_nothing_missed_is_nothing_told_and_proven(autojump_clock: MockClock) -> None:
    scene = Scene()
    old = scene.place()
    scene.later(10)
    await scene.begin()
    scene.place("4")
    done = scene.place("2")
    scene.fill(done, "2")
    scene.deliver()
    found = await scene.recover()
    assert (found.events, found.detail) == ((), "")
    assert scene.asked.count(f"GET {ROUTE}/detail") == 0
    scene.fill(old, "1")
    assert said(await scene.recover()) == [(old, "partially_filled", Decimal(1))]


@pytest.mark.parametrize("by_update", [False, True])
async def test_an_order_from_before_that_ends_in_the_gap_is_found_whatever_the_history_goes_by(
    autojump_clock: MockClock, by_update: bool
) -> None:
    scene = Scene()
    scene.desk.lists_by_update = by_update
    old = scene.place()
    scene.fill(old, "1")
    scene.later(10)
    await scene.begin()
    scene.later(7200)
    scene.fill(old, "9")
    found = await scene.recover()
    assert said(found) == [(old, "filled", Decimal(10))]
    assert found.complete


async def test_what_ended_before_the_stream_began_is_none_of_it(autojump_clock: MockClock) -> None:
    scene = Scene()
    order = scene.place()
    scene.fill(order, "10")
    scene.later(10)
    await scene.begin()
    scene.at -= timedelta(seconds=55)
    assert said(await scene.recover()) == []


async def test_what_was_filled_about_the_beginning_may_not_have_been_delivered(autojump_clock: MockClock) -> None:
    scene = Scene()
    order = scene.place()
    scene.fill(order, "2")
    scene.later(60)
    began = scene.at
    # The stream is subscribed, a fill's report is on its way, and the baseline has the fill already.
    scene.fill(order, "3")
    await scene.recoverer.take_baseline(scene.request, ExactClock(lambda: began))
    found = await scene.recover()
    assert said(found) == [(order, "partially_filled", Decimal(5))]
    assert found.detail == LOST_MEANWHILE
    scene.later(60)
    found = await scene.recover()
    assert said(found) == [(order, "partially_filled", Decimal(5))]
    assert found.complete


async def test_an_order_that_ends_while_the_stream_is_lost_and_still_asks_leaves_the_gap_unproven(
    autojump_clock: MockClock,
) -> None:
    scene = Scene()
    order = scene.place()
    scene.later(7200)
    began = scene.at

    async def request(method: str, params: Mapping[str, Any] | None) -> Any:
        if order in scene.desk_open():
            scene.cancel(order)
        return await scene.request(method, params)

    await scene.recoverer.take_baseline(request, ExactClock(scene.now))
    scene.later(5)
    found = await scene.recoverer.recover(scene.request, began, ExactClock(scene.now))
    assert not found.complete
    assert LOST_MEANWHILE in found.detail


async def test_a_history_that_does_not_show_what_was_delivered_proves_nothing(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    first = scene.place()
    scene.cancel(first)
    scene.deliver()
    scene.cancel(scene.place())  # while nobody listens
    scene.bent["history"] = lambda answer: {**answer, "rows": [], "total": "0"}
    found = await scene.tell()
    assert found.detail == "the history of orders is behind"
    scene.bent.clear()
    scene.later(5)
    assert (await scene.recover()).complete


async def test_without_a_baseline_nothing_is_proven_until_all_that_is_open_was_listed(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    scene = Scene()
    scene.bent["open-orders"] = lambda answer: {"not": "a list"}
    await scene.begin()
    assert "cannot be proven complete" in caplog.text
    found = await scene.tell()
    assert "the open orders: a list was expected" in found.detail
    assert "what was open before is not known" in found.detail
    scene.bent.clear()
    assert (await scene.tell()).detail == "what was open before is not known"
    assert (await scene.tell()).complete


async def test_an_order_of_an_unproven_gap_is_looked_for_again(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.bent["open-orders"] = lambda answer: None
    found = await scene.tell()
    assert (found.events, found.complete) == ((), False)
    scene.bent.clear()
    scene.later(7200)
    scene.fill(order, "10")
    found = await scene.tell()
    assert said(found) == [(order, "filled", Decimal(10))]


async def test_answers_that_lag_are_asked_for_once_more(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.deliver()
    stale = scene.desk.call(UID, "GET", f"{ROUTE}/detail", {"orderId": order})
    scene.fill(order, "4")
    scene.deliver()
    scene.bent["open-orders"] = lambda answer: []
    scene.bent["detail"] = lambda answer: stale
    scene.bent["history"] = lambda answer: {**answer, "rows": []}
    found = await scene.recover()
    assert found.events == ()
    assert found.detail == f"the answer about order {order} is older than what was delivered of it"
    assert scene.asked.count(f"GET {ROUTE}/detail") == 2


async def test_an_open_order_that_is_not_listed_proves_nothing(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.deliver()
    scene.bent["open-orders"] = lambda answer: []
    assert (await scene.recover()).detail == f"order {order} is open, and not among the open orders"


async def test_fills_that_do_not_add_up_prove_nothing_and_the_state_is_told_all_the_same(
    autojump_clock: MockClock,
) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.fill(order, "4")
    scene.fill(order, "6")
    scene.bent["detail"] = lambda answer: {**answer, "trades": answer["trades"][:1]}
    found = await scene.recover()
    assert said(found) == [(order, "filled", Decimal(10))]
    assert found.events[0].filled_notional is None
    assert found.detail == f"the fills of order {order} do not make up what is filled of it"


async def test_what_was_delivered_must_end_where_a_fill_ends(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.fill(order, "4")
    scene.deliver()
    scene.recoverer.observe(attrs.evolve(scene.events()[-1], filled_quantity=Decimal("4.5")))
    scene.fill(order, "6")
    assert (await scene.recover()).detail == f"what was delivered of order {order} ends between two of its fills"


async def test_an_order_that_is_not_answered_is_named(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.deliver()
    scene.fill(order, "10")
    scene.bent["detail"] = lambda answer: {**answer, "orderId": "another"}
    found = await scene.recover()
    assert f"order {order}: the answer is about orderId 'another'" in found.detail
    assert f"what became of order {order} was not answered" in found.detail


@pytest.mark.parametrize("route", ["order/history", "trade/history"])
async def test_a_page_of_another_time_is_no_answer(autojump_clock: MockClock, route: str) -> None:
    scene = Scene()
    old = scene.place("1")
    scene.fill(old, "1")
    page = scene.desk.call(UID, "GET", f"/sapi/v1/equity/{route}", {"startTime": 0, "endTime": 2**45})
    scene.later(7200)
    await scene.begin()
    scene.asked.clear()
    answers = {route: page}
    request = scene.request

    async def mixed_up(method: str, params: Mapping[str, Any] | None) -> Any:
        answer = await request(method, params)
        return answers.get(method.removeprefix("GET /sapi/v1/equity/"), answer)

    found = await scene.recoverer.recover(mixed_up, scene.at, ExactClock(scene.now))
    assert "the answer is about another time than was asked for" in found.detail
    assert found.events == ()


async def test_an_order_that_the_venue_does_not_know_any_more_is_said_once(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.deliver()
    del scene.desk._orders[UID][order]
    assert (await scene.tell()).detail == f"the venue does not know order {order}"
    assert (await scene.tell()).complete


async def test_a_fill_of_an_order_that_no_list_has_leads_to_it(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.fill(order, "10")
    scene.bent["history"] = lambda answer: (
        {**answer, "rows": [row for row in answer["rows"] if "executionId" in row]} if "rows" in answer else answer
    )
    assert said(await scene.recover()) == [(order, "filled", Decimal(10))]


async def test_a_venue_whose_clock_has_been_set_forward_is_asked_beyond_our_time(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.fill(order, "10")
    behind = ExactClock(lambda: scene.now() - timedelta(seconds=5))
    found = await scene.recoverer.recover(scene.request, behind.now(), behind)
    assert said(found) == [(order, "filled", Decimal(10))]


async def test_a_history_of_many_pages_is_read_to_its_end(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    orders = []
    for _ in range(230):
        orders.append(scene.place("1"))
        scene.at -= timedelta(seconds=0.9)
        scene.desk.cancel(scene.desk.find(UID, orders[-1]))
    scene.deliver()
    late = scene.place("1")
    scene.cancel(late)
    found = await scene.recover()
    assert said(found) == [(late, "canceled", Decimal(0))]
    assert scene.asked.count(f"GET {ROUTE}/history") == 3 + 1, "three pages, and the minutes before"


async def test_the_weight_that_is_allowed_is_kept_to(autojump_clock: MockClock) -> None:
    scene = Scene(options=Recovery(max_weight=4))
    await scene.begin()
    for _ in range(4):
        scene.place("1")
    found = await scene.recover()
    assert len(found.events) == 1
    assert "the allowed weight did not suffice" in found.detail


# Beside live events


async def test_live_reports_tell_from_their_first_on(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    for _ in range(3):
        scene.fill(order, "2")
    other = scene.place("1")
    scene.fill(other, "1")
    found = await scene.recover()
    assert len(found.events) == 4
    live = {(event.order_id, event.filled_quantity, str(event.order_status)): event for event in scene.events()}
    parked: list[uds.Event] = [
        live[order, Decimal(4), "partially_filled"],
        live[order, Decimal(6), "partially_filled"],
        uds.UnknownEvent(problem="of no matter"),
    ]
    left = found.without(parked)
    assert said(left) == [(order, "partially_filled", Decimal(2)), (other, "filled", Decimal(1))]
    echoes = left.echoes()
    assert not echoes.is_echo(parked[2])
    assert echoes.is_echo(live[order, Decimal(2), "partially_filled"])
    assert echoes.is_echo(live[order, Decimal(0), "accepted"])
    assert not echoes.is_echo(parked[0])
    assert echoes.is_echo(live[other, Decimal(1), "filled"])
    assert not echoes.is_echo(attrs.evolve(parked[0], order_id="another"))  # type: ignore[call-arg]  # it has one


@pytest.mark.parametrize("word", ["pending_cancel", "suspended"])
async def test_a_status_that_nobody_knows_is_told_as_it_is(autojump_clock: MockClock, word: str) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.bent["open-orders"] = lambda answer: [{**row, "status": word.upper()} for row in answer]
    scene.bent["detail"] = lambda answer: {**answer, "status": word.upper()}
    found = await scene.recover()
    assert said(found) == [(order, word, Decimal(0))]
    assert found.complete


async def test_a_live_end_in_a_word_that_nobody_knows_is_an_end(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    order = scene.place()
    scene.cancel(order)
    for event in scene.events()[:-1]:
        scene.recoverer.observe(event)
    scene.recoverer.observe(attrs.evolve(scene.events()[-1], order_status="done_for_day", filled_quantity=None))
    assert (await scene.recover()).events == ()


async def test_an_order_that_has_ended_stays_so_whatever_comes_late(autojump_clock: MockClock) -> None:
    scene = Scene()
    order = scene.place()
    answer = scene.desk.call(UID, "GET", f"{ROUTE}/open-orders", {})
    scene.cancel(order)
    scene.deliver()
    # The baseline is older than the end, and so is a report that comes behind it.
    scene.bent["open-orders"] = lambda _: answer
    await scene.begin()
    scene.bent.clear()
    scene.recoverer.observe(scene.events()[0])
    scene.recoverer.observe(uds.UnknownEvent(problem="of no matter"))
    found = await scene.recover()
    assert (found.events, found.detail) == ((), "")


@pytest.mark.parametrize("answer", [7, [7], [{}], [{"orderId": "x"}]])
async def test_an_answer_that_cannot_be_read_proves_nothing(autojump_clock: MockClock, answer: Any) -> None:
    scene = Scene()
    await scene.begin()
    scene.bent["open-orders"] = lambda _: answer
    assert "the open orders:" in (await scene.recover()).detail


# Through the front door


async def opened(sandbox: Sandbox) -> tuple[SandboxAccount, StocksDesk]:
    desk = sandbox.desks["stocks"]
    assert isinstance(desk, StocksDesk)
    return sandbox.add_account(stocks={}), desk


@pytest.mark.parametrize("how", ["cut", "expired", "silently", "vanished"])
async def test_a_gap_is_healed_through_the_front_door(autojump_clock: MockClock, how: str) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account, desk = await opened(sandbox)
        async with uds.open_user_data_stream(
            account.credentials, uds.STOCKS, environment=sandbox.environment, network=sandbox.network
        ) as stream:
            await trio.sleep(5)
            order = account.call(f"POST {ROUTE}/place", {**LIMIT, "quantity": "10"})["orderId"]
            assert [(await stream.receive()).order_status for _ in range(2)] == ["new", "accepted"]  # type: ignore[union-attr]  # so they have
            faults = sandbox.faults
            if how == "cut":
                faults.cut()
            elif how == "vanished":
                faults.vanish_subscription()
            else:
                faults.expire_listen_key(account, uds.STOCKS, silently=how == "silently")
            desk.fill(account.uid, order, "4")
            desk.fill(account.uid, order, "6")
            items = []
            with trio.fail_after(120):
                while not items or getattr(items[-1], "order_status", "") != "filled":
                    items.append(await stream.receive())
            gaps = [item for item in items if isinstance(item, uds.Gap)]
            assert [(gap.recovered, gap.complete) for gap in gaps] == [(2, True)]
            reports = [item for item in items if isinstance(item, uds.OrderReport)]
            assert [(report.filled_quantity, report.recovered) for report in reports] == [(4, True), (10, True)]


async def test_open_orders_that_are_not_answered_differ_from_nothing(autojump_clock: MockClock) -> None:
    scene = Scene()
    await scene.begin()
    scene.place()
    clock = ExactClock(scene.now)
    assert "is not open or filled as it was delivered" in await scene.recoverer.check(scene.request, clock)
    scene.bent["open-orders"] = lambda answer: {"not": "a list"}
    assert await scene.recoverer.check(scene.request, clock) == ""
