"""What nothing that comes later shows is found when it is quiet, by the list of what is open."""

from __future__ import annotations

from decimal import Decimal

import pytest
import trio
import trio.testing
from test_report_missing import KINDS, WALLET, Kind, Scene, every_kind, scene

import trio_binance_uds as uds
from trio_binance_uds.sandbox import open_sandbox
from trio_binance_uds.stream.quiet import BETWEEN_SECONDS, QUIET_SECONDS, Quiet
from trio_binance_uds.stream.recovery.open_check import differences
from trio_binance_uds.stream.recovery.spot.recoverer import SpotRecoverer

# Their open orders are asked for symbol by symbol, and for no symbol of which nothing is known to be open.
BY_SYMBOL = [
    kind for kind in KINDS if "margin" in kind.product.name and "um" not in kind.place and "cm" not in kind.place
]


@pytest.fixture
def lists(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When the open orders were listed."""
    asked: list[float] = []
    note_asked = Quiet.note_asked

    def noted(quiet: Quiet) -> None:
        asked.append(trio.current_time())
        note_asked(quiet)

    monkeypatch.setattr(Quiet, "note_asked", noted)
    return asked


@every_kind
async def test_a_last_fill_of_which_everything_was_lost_is_delivered_when_it_is_quiet(
    kind: Kind, autojump_clock: trio.testing.MockClock
) -> None:
    async with scene(kind) as played:
        played.order()
        for _ in range(3):
            await played.fill()
        async with played.dropped():
            await played.fill()
        await trio.sleep(QUIET_SECONDS + 5)
        assert played.told()[-2:] == played.parts("gap", ("TRADE", 4, "recovered"))
        (gap,) = played.gaps()
        assert gap.cause is uds.GapCause.REPORT_MISSING
        assert gap.complete, gap.detail
        assert "is not open or filled as it was delivered" in gap.detail
        await trio.sleep(3 * BETWEEN_SECONDS)
    assert len(played.gaps()) == 1


@every_kind
async def test_an_end_without_a_fill_that_was_lost_is_delivered_when_it_is_quiet(
    kind: Kind, autojump_clock: trio.testing.MockClock
) -> None:
    async with scene(kind) as played:
        order_id = played.order()
        await trio.sleep(1)
        async with played.dropped():
            await played.cancel(order_id)
        await trio.sleep(QUIET_SECONDS + 5)
    assert played.told() == played.parts(("NEW", 0), "gap", ("CANCELED", 0, "recovered"))
    assert played.gaps()[0].complete, played.gaps()[0].detail


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in BY_SYMBOL], ids=str)
async def test_a_placement_that_was_lost_is_delivered_when_it_is_quiet(
    kind: Kind, autojump_clock: trio.testing.MockClock
) -> None:
    async with scene(kind) as played:
        await played.cancel(played.order())
        async with played.dropped():
            played.order()
        await trio.sleep(QUIET_SECONDS + 5)
    assert played.told()[-2:] == played.parts("gap", ("NEW", 0, "recovered"))
    assert played.gaps()[0].complete, played.gaps()[0].detail


@every_kind
async def test_where_nothing_is_missing_it_costs_one_list_in_five_minutes_and_says_nothing(
    kind: Kind, lists: list[float], autojump_clock: trio.testing.MockClock
) -> None:
    async with scene(kind) as played:
        played.order()
        await trio.sleep(QUIET_SECONDS + 5)
        assert len(lists) == 1
        for _ in range(4):
            await played.fill()
            await trio.sleep(QUIET_SECONDS + 5)
        assert len(lists) == 1, "it is not asked again so soon"
        await trio.sleep(4 * BETWEEN_SECONDS)
        assert len(lists) == 2, "and not where nothing has come since"
        assert lists[1] - lists[0] == pytest.approx(BETWEEN_SECONDS)
    assert played.gaps() == []


async def test_a_stream_that_is_never_quiet_is_not_interrupted(
    lists: list[float], autojump_clock: trio.testing.MockClock
) -> None:
    async with scene(KINDS[0]) as played:
        for _ in range(60):
            await played.cancel(played.order())
            await trio.sleep(QUIET_SECONDS / 2)
        assert lists == []
    assert played.gaps() == []


async def test_what_comes_while_the_list_is_on_its_way_says_that_it_proves_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with scene(KINDS[4]) as played:
        played.order()
        await trio.sleep(1)
        played.sandbox.faults.delay_answer(5, "GET /fapi/v1/openOrders")
        await trio.sleep(QUIET_SECONDS)
        await played.cancel(played.order())  # It is in the list that is on its way, and has ended.
        order_id = played.order()  # It is not in that list.
        await trio.sleep(60)
        await played.cancel(order_id)
    assert played.gaps() == []


async def test_an_event_that_is_late_is_waited_for(autojump_clock: trio.testing.MockClock) -> None:
    async with scene(KINDS[0]) as played:
        played.order()
        await trio.sleep(QUIET_SECONDS - 0.3)
        played.sandbox.faults.delay(1.0)
        played.order()
        await trio.sleep(10)
        played.sandbox.faults.delay(0)
        await trio.sleep(10)
    assert played.gaps() == []
    assert len(played.told()) == 2


@every_kind
async def test_a_list_that_is_refused_says_nothing(
    kind: Kind, lists: list[float], autojump_clock: trio.testing.MockClock
) -> None:
    async with scene(kind) as played:
        order_id = played.order()
        await trio.sleep(1)
        async with played.dropped():
            await played.cancel(order_id)
        played.sandbox.faults.fail_next(status=400, code=-1000, times=1000)
        await trio.sleep(QUIET_SECONDS + 5)
        assert len(lists) == 1
        assert played.gaps() == []


async def test_while_events_are_shed_no_list_is_asked_for(
    lists: list[float], autojump_clock: trio.testing.MockClock
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account, other = sandbox.add_account(balances=WALLET), sandbox.add_account(balances=WALLET)
        async with uds.open_user_data_stream(
            account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network, max_buffer=2
        ) as stream:
            played = Scene(KINDS[0], sandbox, account, other, stream)
            for _ in range(5):
                await played.cancel(played.order())
            await trio.sleep(QUIET_SECONDS + 5)
            assert len(lists) == 1
            assert stream.blind is not None
            assert stream.blind.reason is uds.BlindReason.SHEDDING


async def test_orders_of_stocks_are_compared_too(autojump_clock: trio.testing.MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(stocks={})
        items: list[uds.Event | uds.Notice] = []
        async with (
            uds.open_user_data_stream(
                account.credentials, uds.STOCKS, environment=sandbox.environment, network=sandbox.network
            ) as stream,
            trio.open_nursery() as nursery,
        ):

            async def read() -> None:
                async for item in stream:
                    items.append(item)

            nursery.start_soon(read)
            await trio.sleep(5)
            placed = account.call(
                "POST /sapi/v1/equity/order/place",
                symbol="AAPL",
                side="BUY",
                orderType="LIMIT",
                price="195.5",
                quantity="10",
                tradingSession="24H",
            )
            await trio.sleep(1)
            sandbox.faults.drop(1000)
            account.call("POST /sapi/v1/equity/order/cancel", orderId=placed["orderId"])
            await trio.sleep(0.1)
            sandbox.faults.drop(0)
            await trio.sleep(QUIET_SECONDS + 5)
            nursery.cancel_scope.cancel()
    gap = next(item for item in items if isinstance(item, uds.Gap))
    assert gap.complete, gap.detail
    assert f"order {placed['orderId']} is not open or filled as it was delivered" in gap.detail
    last = items[-1]
    assert isinstance(last, uds.OrderReport)
    assert (last.recovered, str(last.order_status)) == (True, "canceled")


def test_only_more_than_was_delivered_is_a_difference() -> None:
    one, two = Decimal(1), Decimal(2)
    assert list(differences({"a": one}, {"a": one}, ())) == []
    assert list(differences({"a": two}, {"a": one}, ())) == [], "the list is behind"
    assert list(differences({"a": one}, {"a": two}, ())) == ["a"]
    assert list(differences({"a": one}, {}, ())) == ["a"]
    assert list(differences({}, {"a": one}, ())) == ["a"]
    assert list(differences({}, {"a": one}, {"a"})) == [], "the list is behind"


@pytest.mark.parametrize("is_proven", [True, False])
async def test_a_list_that_always_differs_is_looked_into_until_that_is_proven_to_mean_nothing(
    is_proven: bool, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that leaves out orders of a kind that the stream reports as open."""

    async def check(self: SpotRecoverer, request: object, clock: object) -> str:
        return "order 7 of BTCUSDT is not open or filled as it was delivered"

    monkeypatch.setattr(SpotRecoverer, "check", check)
    async with scene(KINDS[0]) as played:
        for _ in range(4):
            await played.cancel(played.order())
            if not is_proven:
                played.sandbox.faults.fail_next("allOrders", status=400, code=-1000, times=3)
            await trio.sleep(BETWEEN_SECONDS + QUIET_SECONDS)
        assert len(played.gaps()) == (1 if is_proven else 4)
        assert {gap.complete for gap in played.gaps()} == {is_proven}


async def test_orders_of_a_list_of_which_one_waits_for_another_are_open(autojump_clock: trio.testing.MockClock) -> None:
    async with scene(KINDS[0]) as played:
        working = {"workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "50000", "workingQuantity": "0.1"}
        pending = {"pendingType": "LIMIT", "pendingSide": "SELL", "pendingPrice": "70000", "pendingQuantity": "0.1"}
        times = {"workingTimeInForce": "GTC", "pendingTimeInForce": "GTC"}
        played.account.call("orderList.place.oto", symbol="BTCUSDT", **working, **pending, **times)
        await trio.sleep(QUIET_SECONDS + 5)
        assert len(played.told()) == 2
        assert played.gaps() == []
