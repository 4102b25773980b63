"""A recovery changes what is known only where what it has found is delivered; if not, the next one asks for it all."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.stream.buffer import EventBuffer
from trio_binance_uds.stream.delivery import Blindness, Delivery
from trio_binance_uds.stream.inbox import Crashed
from trio_binance_uds.stream.record import StreamRecord
from trio_binance_uds.stream.recovery import NothingRecovered, recoverer_for

ORDER = {"symbol": "ETHUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.4", "price": "2900"}


@attrs.define
class Futures:
    """A stream of USD-M futures and what it has brought."""

    sandbox: Sandbox
    account: SandboxAccount
    items: list[uds.Event | uds.Notice] = attrs.field(factory=list)

    def refuse_lists_of_orders(self) -> None:
        for name in ("openOrders", "allOrders"):
            self.sandbox.faults.fail_next(f"GET /fapi/v1/{name}", status=400, code=-1102, times=20)

    def gaps(self) -> list[uds.Gap]:
        return [item for item in self.items if isinstance(item, uds.Gap)]


@asynccontextmanager
async def futures() -> AsyncIterator[Futures]:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(usdm={"USDT": "50000"})
        async with uds.open_user_data_stream(
            account.credentials,
            uds.USDM_FUTURES,
            environment=sandbox.environment,
            network=sandbox.network,
            recovery=uds.Recovery(symbols=("ETHUSDT",)),
            backoff=uds.Backoff(initial=0.2, maximum=0.3),
            seed=1,
        ) as stream:
            scene = Futures(sandbox, account)

            async def read() -> None:
                async for item in stream:
                    scene.items.append(item)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                await trio.sleep(30)
                yield scene
                nursery.cancel_scope.cancel()


async def test_what_a_recovery_has_listed_whose_link_was_lost_settles_no_gap(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with futures() as scene:
        faults = scene.sandbox.faults
        faults.cut()
        scene.refuse_lists_of_orders()
        placed = scene.account.call("POST /fapi/v1/order", ORDER)
        await trio.sleep(200)
        assert [gap.complete for gap in scene.gaps()] == [False], "nobody has said what is open"
        faults.heal()
        # The next recovery lists the order, and waits for its last answer when its link is cut.
        faults.delay_answer(20, "GET /fapi/v1/income", times=4)
        faults.cut()
        await trio.sleep(2)
        scene.refuse_lists_of_orders()
        faults.cut()
        await trio.sleep(60)
        faults.heal()
        await trio.sleep(300)
        faults.cut()
        scene.account.call("DELETE /fapi/v1/order", symbol="ETHUSDT", orderId=placed["orderId"])
        await trio.sleep(60)
    *_, last = scene.gaps()
    ends = [item for item in scene.items if isinstance(item, uds.OrderTradeUpdate) and item.order_status == "CANCELED"]
    assert last.complete, last.detail
    assert len(ends) == 1
    assert ends[0].recovered


async def shed_and_ended(items: list[uds.Event | uds.Notice]) -> None:
    """Shed events, and end the stream while the venue is asked for them."""
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "100000"})
        async with uds.open_user_data_stream(
            account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network, max_buffer=2
        ) as stream:
            await trio.sleep(60)  # so that it may ask at once
            for _ in range(5):
                account.call("order.place", **ORDER)
            await trio.sleep(1)
            sandbox.faults.delay_answer(5, "allOrders")
            while stream.blind is None or stream.blind.reason is not uds.BlindReason.RECOVERING:
                items.append(await stream.receive())
                await trio.sleep(0.1)
            stream._supervisor._to_inbox.send_nowait(Crashed(RuntimeError("made up")))
            async for item in stream:
                items.append(item)


async def test_events_that_were_shed_are_told_also_where_the_stream_ends_while_they_are_asked_for(
    autojump_clock: trio.testing.MockClock,
) -> None:
    items: list[uds.Event | uds.Notice] = []
    with pytest.raises(uds.StreamFailed):
        await shed_and_ended(items)
    (gap,) = [item for item in items if isinstance(item, uds.Gap)]
    assert items[-1] is gap
    assert (gap.cause, gap.complete) == (uds.GapCause.CONSUMER_TOO_SLOW, False)
    assert gap.shed >= 3
    assert "the stream has ended before the venue had answered" in gap.detail


START = datetime(2031, 5, 4, 12, tzinfo=UTC)


def delivery(size: int) -> tuple[Delivery, EventBuffer]:
    buffer = EventBuffer(size, lambda: START, on_caught_up=lambda mark: None)
    delivery = Delivery(buffer, recoverer_for(uds.SPOT, uds.Recovery()), StreamRecord())
    delivery.handover.park(1)
    delivery.resume_from(1, START, NothingRecovered())
    return delivery, buffer


async def test_gap_that_finds_no_room_stays_in_question_with_all_that_it_was_about() -> None:
    passing, buffer = delivery(2)
    passing.handover.accept(1, uds.UnknownEvent(raw={}, problem="made up"))
    since = START - timedelta(minutes=3)
    lost = Blindness(since, uds.GapCause.EVENT_UNREADABLE, "made up", shed=4, in_question="what no answer shows")
    passing.note_blindness(lost)
    passing.handover.park_active()
    assert passing.resume_from(1, START, NothingRecovered()) is None
    assert passing.blindness == lost
    assert buffer.mark is not None
    assert buffer.mark.since == since
    await buffer.receive()
    assert isinstance(await buffer.receive(), uds.Shedding)
    buffer.resume()
    passing.note_blindness(Blindness(since, uds.GapCause.CONSUMER_TOO_SLOW, "slow", shed=1))
    passing.handover.park_active()
    passing.resume_from(1, START, NothingRecovered())
    gap = await buffer.receive()
    assert isinstance(gap, uds.Gap)
    assert (gap.cause, gap.shed, gap.complete) == (uds.GapCause.EVENT_UNREADABLE, 5, False)
    assert "what no answer shows" in gap.detail
    assert passing.blindness is None
