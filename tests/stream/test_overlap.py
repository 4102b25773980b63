"""While two links bring the same, each event is delivered once, whatever else happens meanwhile."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox.session import Session

from test_open_user_data_stream import Stage, reading, sent_story, stage, story  # isort: skip


def deposit(staged: Stage, amount: int) -> None:
    staged.sandbox.exchange.deposit(staged.account.exchange_account, "USDT", str(amount))


def deposited(staged: Stage) -> list[int]:
    return [int(item.balance_delta) for item in staged.items if isinstance(item, uds.BalanceUpdate)]


async def test_transfers_are_delivered_once_where_a_link_is_replaced_during_its_recovery(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """A rolling restart: the server that was connected to after the loss announces its own end at once."""
    async with reading() as staged:
        staged.sandbox.faults.delay_answer(3, "account.status")
        staged.sandbox.faults.cut()
        await trio.sleep(1.5)
        staged.sandbox.faults.server_shutdown(grace=90)
        await trio.sleep(0.5)
        assert len(staged.sandbox.connections) == 2
        for amount in (7, 8, 8):
            deposit(staged, amount)
            await trio.sleep(0.3)
        await trio.sleep(30)
        deposit(staged, 8)
        await trio.sleep(5)
    assert deposited(staged) == [7, 8, 8, 8]


@pytest.mark.parametrize("is_subscribed", [True, False], ids=["the answer is late", "the question is late"])
async def test_a_transfer_that_came_while_the_successor_was_dialled_swallows_no_equal_one(
    autojump_clock: trio.testing.MockClock, is_subscribed: bool
) -> None:
    async with reading() as staged:
        (old,) = staged.sandbox.connections
        if is_subscribed:
            staged.sandbox.faults.delay_answer(2, "userDataStream.subscribe")
        else:
            staged.sandbox.faults.delay_answer(2, "session.logon")
        staged.sandbox.faults.server_shutdown(old, grace=30)
        await trio.sleep(1)
        deposit(staged, 5)
        await trio.sleep(14)
        assert staged.sandbox.connections != [old]
        deposit(staged, 5)
        await trio.sleep(5)
    assert deposited(staged) == [5, 5]


@asynccontextmanager
async def late_events(monkeypatch: pytest.MonkeyPatch, seconds: float) -> AsyncIterator[None]:
    """Have events leave the venue so much later than answers and pongs."""
    send = Session._event

    def send_later(self: Session, frame: Any, *, may_lead: bool = False) -> None:
        async def later() -> None:
            await trio.sleep(seconds)
            send(self, frame)

        nursery.start_soon(later)

    async with trio.open_nursery() as nursery:
        monkeypatch.setattr(Session, "_event", send_later)
        yield
        nursery.cancel_scope.cancel()


async def test_a_planned_change_loses_nothing_where_events_are_later_than_pongs(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with late_events(monkeypatch, 0.4), reading() as staged:
        staged.sandbox.faults.delay(0.03)
        for _ in range(3):
            staged.sandbox.faults.server_shutdown(grace=100)
            for _ in range(60):
                order = staged.order()
                await trio.sleep(0.02)
                staged.account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
                await trio.sleep(0.02)
            await trio.sleep(20)
        links = staged.stream.statistics().links_opened
    assert links == 4
    assert staged.notices() == []
    assert story(staged.items) == sent_story(staged)


async def test_an_old_link_that_is_closed_after_it_has_shown_that_all_has_arrived_is_no_loss(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        (old,) = staged.sandbox.connections
        staged.sandbox.faults.server_shutdown(old, grace=1)
        for _ in range(40):
            staged.order()
            await trio.sleep(0.1)
        assert old not in staged.sandbox.connections
    assert staged.notices() == []
    assert story(staged.items) == sent_story(staged)


async def test_what_was_shed_is_recovered_though_an_old_link_is_still_drained(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with stage(max_buffer=30) as staged:
        maker = staged.sandbox.add_account(balances={"BTC": "5"})

        def fill() -> None:
            sold = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": "31000"}
            maker.call("order.place", sold | {"quantity": "0.02"})

        async def ask() -> None:
            await staged.stream.request("account.status")

        await trio.sleep(1)
        staged.order(quantity="0.2", price="31000")
        (old,) = staged.sandbox.connections
        staged.sandbox.faults.delay_answer(12, "account.status")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.sleep(0.1)
            staged.sandbox.faults.server_shutdown(old, grace=100)
            await trio.sleep(4)
            assert len(staged.sandbox.connections) == 2, "the old one waits for the answer"
            for _ in range(16):
                staged.order()
            for _ in range(2):
                fill()
            await trio.sleep(0.1)
            staged.sandbox.faults.delay_answer(2, "openOrders.status")
            nursery.start_soon(staged.read)
            await trio.sleep(0.5)
            fill()
            await trio.sleep(60)
            nursery.cancel_scope.cancel()
        assert staged.stream.statistics().events_shed > 0
    assert [row for row in story(staged.items) if row[2] == "TRADE"] == [
        row for row in sent_story(staged) if row[2] == "TRADE"
    ]


async def test_links_that_have_ended_leave_no_task_behind(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        before = trio.lowlevel.current_statistics().tasks_living
        for _ in range(60):
            staged.sandbox.faults.cut()
            await trio.sleep(40)
        assert staged.stream.statistics().links_opened > 40
        await trio.sleep(100)
        assert trio.lowlevel.current_statistics().tasks_living <= before + 3
