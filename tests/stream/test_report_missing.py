"""One report that never comes is shown by the next one of its order, and is made good before that is delivered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox

Item = uds.Event | uds.Notice


@attrs.frozen
class Kind:
    """A product, and how an order is placed, taken and cancelled there."""

    product: uds.Product
    funds: dict[str, Any]
    place: str
    cancel: str
    order: dict[str, str]
    part: str
    taken_by: str = ""

    def __str__(self) -> str:
        return f"{self.product.name} {self.place}"


WALLET = {"USDT": "1000000", "BTC": "100"}
BTC = {"symbol": "BTCUSDT", "price": "50000", "quantity": "0.4"}
KINDS = [
    Kind(uds.SPOT, {"balances": WALLET}, "order.place", "order.cancel", BTC, "0.1"),
    Kind(
        uds.CROSS_MARGIN,
        {"cross_margin": WALLET},
        "POST /sapi/v1/margin/order",
        "DELETE /sapi/v1/margin/order",
        BTC,
        "0.1",
    ),
    Kind(
        uds.margin_accounts(uds.CROSS_MARGIN, uds.isolated_margin("BTCUSDT")),
        {"cross_margin": WALLET, "isolated_margin": {"BTCUSDT": WALLET}},
        "POST /sapi/v1/margin/order",
        "DELETE /sapi/v1/margin/order",
        BTC | {"isIsolated": "TRUE"},
        "0.1",
    ),
    Kind(
        uds.margin_listen_key(uds.CROSS_MARGIN),
        {"cross_margin": WALLET},
        "POST /sapi/v1/margin/order",
        "DELETE /sapi/v1/margin/order",
        BTC,
        "0.1",
    ),
    Kind(uds.USDM_FUTURES, {"usdm": WALLET}, "POST /fapi/v1/order", "DELETE /fapi/v1/order", BTC, "0.1"),
    Kind(
        uds.COINM_FUTURES,
        {"coinm": WALLET},
        "POST /dapi/v1/order",
        "DELETE /dapi/v1/order",
        {"symbol": "BTCUSD_PERP", "price": "50000", "quantity": "40"},
        "10",
    ),
    Kind(
        uds.OPTIONS,
        {"options": {"USDT": "1000000"}},
        "POST /eapi/v1/order",
        "DELETE /eapi/v1/order",
        {"symbol": "BTC-261225-100000-C", "price": "1200", "quantity": "0.4"},
        "0.1",
    ),
    Kind(
        uds.PORTFOLIO_MARGIN,
        {"portfolio_margin": WALLET},
        "POST /papi/v1/um/order",
        "DELETE /papi/v1/um/order",
        BTC,
        "0.1",
    ),
    Kind(
        uds.PORTFOLIO_MARGIN,
        {"portfolio_margin": WALLET},
        "POST /papi/v1/cm/order",
        "DELETE /papi/v1/cm/order",
        {"symbol": "BTCUSD_PERP", "price": "50000", "quantity": "40"},
        "10",
    ),
    Kind(
        uds.PORTFOLIO_MARGIN,
        {"portfolio_margin": WALLET},
        "POST /papi/v1/margin/order",
        "DELETE /papi/v1/margin/order",
        BTC,
        "0.1",
    ),
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


@attrs.define
class Scene:
    """An open order of ours, one who trades against it, and what the stream has brought."""

    kind: Kind
    sandbox: Sandbox
    account: SandboxAccount
    other: SandboxAccount
    stream: uds.UserDataStream
    items: list[Item] = attrs.field(factory=list)

    def order(self) -> int:
        more = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        placed = self.account.call(self.kind.place, **{**self.kind.order, **more})
        return int(placed["orderId"])

    async def fill(self) -> None:
        more = {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": self.kind.part}
        self.other.call(self.kind.place, **{**self.kind.order, **more})
        await trio.sleep(0.5)

    async def cancel(self, order_id: int) -> None:
        names = {name: self.kind.order[name] for name in ("symbol", "isIsolated") if name in self.kind.order}
        self.account.call(self.kind.cancel, orderId=order_id, **names)
        await trio.sleep(0.5)

    @asynccontextmanager
    async def dropped(self) -> AsyncIterator[None]:
        """Let the venue never send what happens meanwhile, on a connection that is well."""
        self.sandbox.faults.drop(1000)
        yield
        await trio.sleep(0.1)
        self.sandbox.faults.drop(0)

    def gaps(self) -> list[uds.Gap]:
        return [item for item in self.items if isinstance(item, uds.Gap)]

    def told(self) -> list[Any]:
        """What was delivered of our order, and the gaps, in their order."""
        found: list[Any] = []
        for item in self.items:
            if isinstance(item, uds.Gap):
                found.append("gap")
            elif isinstance(item, uds.ExecutionReport):
                found.append((str(item.execution_type), item.cumulative_filled_quantity, item.recovered))
            elif isinstance(item, uds.OrderTradeUpdate | uds.OptionsOrderTradeUpdate):
                found.append((str(item.execution_type), item.filled_accumulated_quantity, item.recovered))
        return found

    def parts(self, *expected: Any) -> list[Any]:
        """Return what should have been delivered, with sums as a number of parts; ``~`` before a number: recovered."""
        part = Decimal(self.kind.part)
        found: list[Any] = []
        for one in expected:
            if isinstance(one, tuple):
                what, sum_, *rest = one
                found.append((what, sum_ * part, bool(rest)))
            else:
                found.append(one)
        return found


@asynccontextmanager
async def scene(kind: Kind, **options: Any) -> AsyncIterator[Scene]:
    async with open_sandbox(in_memory=True) as sandbox:
        account, other = sandbox.add_account(**kind.funds), sandbox.add_account(**kind.funds)
        async with uds.open_user_data_stream(
            account.credentials, kind.product, environment=sandbox.environment, network=sandbox.network, **options
        ) as stream:
            played = Scene(kind, sandbox, account, other, stream)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_read, played)
                await trio.sleep(5)
                yield played
                await trio.sleep(5)
                nursery.cancel_scope.cancel()


async def _read(played: Scene) -> None:
    async for item in played.stream:
        played.items.append(item)


@every_kind
async def test_fill_that_never_came_is_recovered_before_the_report_that_shows_it(
    kind: Kind, autojump_clock: trio.testing.MockClock
) -> None:
    async with scene(kind) as played:
        played.order()
        await played.fill()
        async with played.dropped():
            await played.fill()
        await played.fill()
        await trio.sleep(5)
        await played.fill()
    assert played.told() == played.parts(
        ("NEW", 0), ("TRADE", 1), "gap", ("TRADE", 2, "recovered"), ("TRADE", 3), ("TRADE", 4)
    )
    (gap,) = played.gaps()
    assert gap.cause is uds.GapCause.REPORT_MISSING
    assert gap.complete, gap.detail
    assert "more than its reports said" in gap.detail
    second = next(item for item in played.items if isinstance(item, uds.Event) and item.recovered)
    assert gap.since <= second.event_time <= gap.until  # type: ignore[operator]


@every_kind
async def test_end_of_an_order_shows_the_fills_that_never_came(
    kind: Kind, autojump_clock: trio.testing.MockClock
) -> None:
    async with scene(kind) as played:
        order_id = played.order()
        async with played.dropped():
            await played.fill()
            await played.fill()
        await played.cancel(order_id)
    assert played.told() == played.parts(
        ("NEW", 0), "gap", ("TRADE", 1, "recovered"), ("TRADE", 2, "recovered"), ("CANCELED", 2)
    )
    (gap,) = played.gaps()
    assert gap.complete, gap.detail


@every_kind
async def test_usual_lives_of_orders_show_nothing_missing(kind: Kind, autojump_clock: trio.testing.MockClock) -> None:
    async with scene(kind) as played:
        order_id = played.order()
        await played.fill()
        await played.cancel(order_id)
        played.order()
        for _ in range(4):
            await played.fill()
    assert played.gaps() == []


@every_kind
async def test_without_recovery_the_gap_says_what_is_missing_and_later_ones_do_too(
    kind: Kind, autojump_clock: trio.testing.MockClock
) -> None:
    async with scene(kind, recovery=uds.Recovery(enabled=False)) as played:
        played.order()
        async with played.dropped():
            await played.fill()
        await played.fill()
        await played.fill()
    assert played.told() == played.parts(("NEW", 0), "gap", ("TRADE", 2), ("TRADE", 3))
    (gap,) = played.gaps()
    assert not gap.complete
    assert "the delivered reports do not add up" in gap.detail


async def test_venue_is_not_asked_more_than_three_times_in_a_while(autojump_clock: trio.testing.MockClock) -> None:
    async with scene(KINDS[0]) as played:
        for _ in range(5):
            played.order()
            async with played.dropped():
                await played.fill()
            for _ in range(3):
                await played.fill()
            await trio.sleep(2)
        order_id = played.order()
        async with played.dropped():
            await played.fill()
        await trio.sleep(120)
        await played.cancel(order_id)
    gaps = played.gaps()
    assert [gap.cause for gap in gaps] == [uds.GapCause.REPORT_MISSING] * 6
    assert [gap.complete for gap in gaps] == [True, True, True, False, False, True]
    assert "not asked again so soon" in gaps[3].detail
    assert "the delivered reports do not add up" in gaps[4].detail
    assert [gap.recovered for gap in gaps] == [1, 1, 1, 0, 0, 3], "what was not asked for is asked for now"


async def test_report_that_is_held_back_when_its_link_ends_is_recovered_with_the_rest(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with scene(KINDS[0]) as played:
        played.order()
        async with played.dropped():
            await played.fill()
        played.sandbox.faults.delay_answer(8, "openOrders.status")
        await played.fill()
        played.sandbox.faults.cut()
        await trio.sleep(60)
        await played.fill()
    recovered = [("TRADE", 1, "recovered"), ("TRADE", 2, "recovered")]
    assert played.told() == played.parts(("NEW", 0), "gap", *recovered, ("TRADE", 3))
    (gap,) = played.gaps()
    assert gap.complete, gap.detail


async def test_what_is_shed_is_no_report_that_is_missing(autojump_clock: trio.testing.MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account, other = sandbox.add_account(balances=WALLET), sandbox.add_account(balances=WALLET)
        async with uds.open_user_data_stream(
            account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network, max_buffer=4
        ) as stream:
            played = Scene(KINDS[0], sandbox, account, other, stream)
            await trio.sleep(1)
            played.order()
            for _ in range(3):
                await played.fill()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_read, played)
                await trio.sleep(60)
                await played.fill()
                await trio.sleep(1)
                nursery.cancel_scope.cancel()
    assert [gap.cause for gap in played.gaps()] == [uds.GapCause.CONSUMER_TOO_SLOW]
    assert [sum_ for what, sum_, _ in (one for one in played.told() if one != "gap")] == [
        number * Decimal("0.1") for number in range(5)
    ]


async def test_rollovers_in_the_midst_of_it_change_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with scene(KINDS[0], rollover=uds.Rollover(lifetime=40, lead=20, jitter=0)) as played:
        for _ in range(8):
            played.order()
            async with played.dropped():
                await played.fill()
            for _ in range(3):
                await played.fill()
            await trio.sleep(37)
    fills = [one for one in played.told() if one != "gap" and one[0] == "TRADE"]
    assert len(fills) == 32
    proven = [gap for gap in played.gaps() if gap.cause is uds.GapCause.REPORT_MISSING]
    assert len(proven) > 3
    assert [gap.detail for gap in proven if not gap.complete] == []


async def test_report_that_is_missing_among_those_that_waited_for_a_recovery_is_looked_into(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with scene(KINDS[0]) as played:
        played.order()
        await trio.sleep(1)
        played.sandbox.faults.delay_answer(8, "myTrades")  # They are looked up before what follows has happened.
        played.sandbox.faults.cut()
        await trio.sleep(2)
        await played.fill()
        async with played.dropped():
            await played.fill()
        await played.fill()
        await trio.sleep(30)
    assert played.told() == played.parts(
        ("NEW", 0), "gap", ("TRADE", 1), "gap", ("TRADE", 2, "recovered"), ("TRADE", 3)
    )
    assert [gap.cause for gap in played.gaps()] == [uds.GapCause.LINK_LOST, uds.GapCause.REPORT_MISSING]
    assert played.gaps()[-1].complete, played.gaps()[-1].detail


@every_kind
async def test_order_whose_placement_never_came_is_recovered_when_it_ends_in_a_gap(
    kind: Kind, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some histories go by placement, and this one was placed before the gap: it must be asked for all the same."""
    # The open orders are not listed before the gap, as if the stream had never been quiet.
    monkeypatch.setattr("trio_binance_uds.stream.quiet.QUIET_SECONDS", 1000.0)
    async with scene(kind) as played:
        await played.cancel(played.order())  # Most histories are asked for by the symbols that are known.
        async with played.dropped():
            order_id = played.order()
        await trio.sleep(90)
        played.sandbox.faults.refuse_connections(seconds=5)
        played.sandbox.faults.cut()
        await played.cancel(order_id)
        await trio.sleep(60)
    recovered = [("NEW", 0, "recovered"), ("CANCELED", 0, "recovered")]
    assert played.told() == played.parts(("NEW", 0), ("CANCELED", 0), "gap", *recovered)
    (gap,) = played.gaps()
    assert gap.complete, gap.detail


@pytest.mark.parametrize("size", range(4, 9))
@every_kind
async def test_fill_whose_balance_or_position_was_shed_is_not_looked_into(
    kind: Kind, size: int, autojump_clock: trio.testing.MockClock
) -> None:
    """A buffer of each size, so that events are shed after each of those that belong together."""
    async with open_sandbox(in_memory=True) as sandbox:
        account, other = sandbox.add_account(**kind.funds), sandbox.add_account(**kind.funds)
        async with uds.open_user_data_stream(
            account.credentials, kind.product, environment=sandbox.environment, network=sandbox.network, max_buffer=size
        ) as stream:
            played = Scene(kind, sandbox, account, other, stream)
            with trio.move_on_after(30):
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(_read, played)
                    await trio.sleep(10)
                    played.order()
                    await played.fill()
            for _ in range(3):
                await played.fill()
                await trio.sleep(12)
            with trio.move_on_after(60):
                await _read(played)
    assert {gap.cause for gap in played.gaps()} <= {uds.GapCause.CONSUMER_TOO_SLOW}
    assert all(gap.complete for gap in played.gaps())
    sums = [one[1] for one in played.told() if one != "gap"]
    assert sums == [number * Decimal(kind.part) for number in range(5)]


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind.product in (uds.USDM_FUTURES, uds.COINM_FUTURES, uds.OPTIONS)], ids=str
)
async def test_a_position_that_no_fill_explains_leaves_the_gap_unproven(
    kind: Kind, autojump_clock: trio.testing.MockClock
) -> None:
    """An order's placement, its first fill and the position beside it never came; its last fill did."""
    async with scene(kind) as played:
        played.order()
        await played.fill()
        for _ in range(3):
            await played.fill()
        await trio.sleep(10)
        async with played.dropped():
            played.order()
            await played.fill()
        for _ in range(3):
            await played.fill()
        await trio.sleep(20)
    fills = [one for one in played.told() if one != "gap" and one[0] == "TRADE"]
    (gap,) = played.gaps()
    assert gap.cause is uds.GapCause.REPORT_MISSING
    assert gap.complete is (len(fills) == 8), gap.detail
    assert gap.complete or "no fill was found that explains it" in gap.detail
