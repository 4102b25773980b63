"""Orders whose delivered reports do not add up: each later recovery asks for their own fills, until they do."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing
from test_order_sums import both, futures, spot
from test_report_missing import Kind, Scene, every_kind, scene

import trio_binance_uds as uds
from trio_binance_uds.stream import order_sums
from trio_binance_uds.stream.order_sums import OrderSums
from trio_binance_uds.stream.recovery.own_reports import OwnReports


@asynccontextmanager
async def lacking(kind: Kind, **options: Any) -> AsyncIterator[Scene]:
    """An order of which one fill is missing, as nothing was answered when that was noticed."""
    async with scene(kind, **options) as played:
        played.order()
        async with played.dropped():
            await played.fill()
        played.sandbox.faults.fail_next(status=400, code=-1104, times=1000)
        await played.fill()
        await trio.sleep(15)
        played.sandbox.faults.heal()
        (gap,) = played.gaps()
        assert not gap.complete
        yield played


async def cut(played: Scene) -> None:
    played.sandbox.faults.cut()
    await trio.sleep(30)


def route_of_order(kind: Kind) -> str:
    return "order.status" if kind.product is uds.SPOT else kind.place.replace("POST", "GET")


def route_of_trades(kind: Kind) -> str:
    trades = "myTrades" if "margin/order" in kind.place else "userTrades"
    return "myTrades" if kind.product is uds.SPOT else route_of_order(kind).removesuffix("order") + trades


@every_kind
async def test_what_one_recovery_could_not_fill_a_later_one_does(
    kind: Kind, autojump_clock: trio.testing.MockClock
) -> None:
    async with lacking(kind) as played:
        await played.fill()
        await cut(played)
        await cut(played)
    assert played.told() == played.parts(
        ("NEW", 0), "gap", ("TRADE", 2), ("TRADE", 3), "gap", ("TRADE", 1, "recovered"), "gap"
    )
    _, found, later = played.gaps()
    assert (found.complete, later.complete) == (True, True), (found.detail, later.detail)
    assert found.recovered
    assert "add up" not in found.detail + later.detail
    reports = (uds.ExecutionReport, uds.OrderTradeUpdate, uds.OptionsOrderTradeUpdate)
    ours = [item for item in played.items if isinstance(item, reports)]
    assert len({(item.account, type(item), item.event_type, item.symbol, item.order_id) for item in ours}) == 1


@every_kind
async def test_so_it_is_when_the_order_has_ended_meanwhile(kind: Kind, autojump_clock: trio.testing.MockClock) -> None:
    async with lacking(kind) as played:
        await played.fill()
        await played.fill()
        await cut(played)
        await cut(played)
    parts = played.parts(
        ("NEW", 0), "gap", ("TRADE", 2), ("TRADE", 3), ("TRADE", 4), "gap", ("TRADE", 1, "recovered"), "gap"
    )
    assert played.told() == parts
    assert [gap.complete for gap in played.gaps()] == [False, True, True], [gap.detail for gap in played.gaps()]


@every_kind
async def test_an_order_that_the_venue_does_not_know_any_more_is_named_once_more(
    kind: Kind, autojump_clock: trio.testing.MockClock
) -> None:
    async with lacking(kind) as played:
        played.sandbox.faults.fail_next(route_of_order(kind), status=400, code=-2013)
        await cut(played)
        await cut(played)
    assert played.told() == played.parts(("NEW", 0), "gap", ("TRADE", 2), "gap", "gap")
    assert [gap.complete for gap in played.gaps()] == [False, False, True], [gap.detail for gap in played.gaps()]
    assert "cannot be found any more, and lacks" in played.gaps()[1].detail


def refuse_the_order(played: Scene) -> None:
    played.sandbox.faults.fail_next(route_of_order(played.kind), status=400, code=-1104)


def refuse_its_trades(played: Scene) -> None:
    played.sandbox.faults.fail_next(route_of_trades(played.kind), status=400, code=-1104, times=8)
    played.sandbox.faults.heal(after=25)


def never_answer(played: Scene) -> None:
    played.sandbox.faults.lose_answer(route_of_order(played.kind), times=8)
    played.sandbox.faults.heal(after=25)


@every_kind
@pytest.mark.parametrize("fault", [refuse_the_order, refuse_its_trades, never_answer])
async def test_what_is_not_answered_is_asked_for_again(
    fault: Callable[[Scene], None], kind: Kind, autojump_clock: trio.testing.MockClock
) -> None:
    async with lacking(kind) as played:
        fault(played)
        await cut(played)
        await cut(played)
    assert played.told() == played.parts(("NEW", 0), "gap", ("TRADE", 2), "gap", "gap", ("TRADE", 1, "recovered"))
    assert [gap.complete for gap in played.gaps()] == [False, False, True], [gap.detail for gap in played.gaps()]


# The sums by themselves.


def _sums_with_hole(report: Any) -> tuple[OrderSums, list[Any]]:
    sums = OrderSums()
    assert sums.check(report()) is None
    jump = report(at=3, filled="0.4", part="0.1")
    assert sums.check(jump) is not None
    sums.concede(jump)
    fills = [report(at=at, filled=str(at / 10), part="0.1") for at in (1, 2, 3, 4)]
    return sums, fills


@both
def test_only_the_reports_in_the_hole_are_taken(report: Any) -> None:
    sums, fills = _sums_with_hole(report)
    (name,) = sums.next_lacking()
    found = sums.settle({name: OwnReports(reports=tuple(fills), filled=getattr(fills[-1], _filled(report)))})
    assert list(found.reports) == fills[:3]
    assert (found.reasons, found.remarks) == ((), ())
    assert sums.open_questions() == ""
    assert sums.next_lacking() == []
    assert sums.settle({name: OwnReports(is_known=False)}).reasons == (), "nothing is missing any more"


@both
def test_an_answer_that_is_behind_what_was_delivered_is_none(report: Any) -> None:
    sums, fills = _sums_with_hole(report)
    (name,) = sums.next_lacking()
    found = sums.settle({name: OwnReports(reports=tuple(fills[:2]), filled=getattr(fills[1], _filled(report)))})
    assert found.reports == ()
    assert "lacks 0.3" in sums.open_questions()


@both
def test_what_was_never_filled_is_not_missing(report: Any) -> None:
    sums = OrderSums()
    assert sums.check(report()) is None
    ended = report(at=1, filled="0.4", part="0.4", order_status="FILLED")
    assert sums.check(ended) is not None
    sums.concede(ended)
    assert "lacks 0.6" in sums.open_questions()
    (name,) = sums.next_lacking()
    found = sums.settle({name: OwnReports(reports=(ended,), filled=getattr(ended, _filled(report)))})
    assert found.reports == ()
    assert found.remarks == ("order 7 of BTCUSDT is filled by 0.4, and nothing of that is missing",)
    assert sums.open_questions() == ""


def test_many_orders_are_asked_about_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_sums, "_SEARCHED_AT_MOST", 2)
    sums = OrderSums()
    for number in range(3):
        sums.check(spot(number))
        sums.concede(spot(number, filled="0.4", part="0.1"))
    asked = [[name.order_id for name in sums.next_lacking()] for _ in range(3)]
    assert asked == [[0, 1], [2, 0], [1, 2]]


def test_orders_are_named_by_account_and_part() -> None:
    sums = OrderSums()
    cls = uds.PortfolioMarginOrderTradeUpdate
    for report in (spot(), futures(8, cls=cls, business_unit="CM"), futures(9)):
        sums.check(report)
    jumps = [spot(filled="0.4"), futures(8, cls=cls, business_unit="CM", filled="0.4"), futures(9, filled="0.4")]
    for jump in jumps:
        sums.concede(jump)
    names = sums.next_lacking()
    assert [(name.account, name.unit, name.order_id, name.is_spot) for name in names] == [
        ("spot", None, 7, True),
        ("usdm-futures", "CM", 8, False),
        ("usdm-futures", None, 9, False),
    ]
    assert str(names[0]) == "order 7 of BTCUSDT"


def _filled(report: Any) -> str:
    return "cumulative_filled_quantity" if report is spot else "filled_accumulated_quantity"
