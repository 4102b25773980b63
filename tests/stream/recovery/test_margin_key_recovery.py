"""A margin account with its listen key recovers its orders, its balances and its debts together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

import trio_binance_uds as uds
from support.exact_clock import ExactClock
from trio_binance_uds.products import MarginListenKeyHistory
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.stream.recovery.margin_key.recoverer import MarginKeyRecoverer
from trio_binance_uds.stream.recovery.options import Recovery

PRODUCTS = [uds.margin_listen_key(uds.CROSS_MARGIN), uds.margin_listen_key(uds.isolated_margin("BTCUSDT"))]
every_product = pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.1"}


@attrs.define
class Scene:
    """An owner with one margin account, and its stream."""

    sandbox: Sandbox
    owner: SandboxAccount
    margin: SandboxAccount
    pair: str | None
    stream: uds.UserDataStream

    def borrow(self, amount: str) -> None:
        where = {} if self.pair is None else {"isIsolated": "TRUE", "symbol": self.pair}
        self.owner.call("POST /sapi/v1/margin/borrow-repay", where, asset="USDT", type="BORROW", amount=amount)

    def price(self, price: str) -> None:
        self.sandbox.exchange.symbols["BTCUSDT"].last_price = Decimal(price)

    async def until_gap(self) -> list[Any]:
        items: list[Any] = []
        with trio.fail_after(120):
            while not items or not isinstance(items[-1], uds.Gap):
                items.append(await self.stream.receive())
        return items

    async def recovered(self, gap: uds.Gap) -> list[Any]:
        return [await self.stream.receive() for _ in range(gap.recovered)]


@asynccontextmanager
async def opened(product: uds.Product, **options: Any) -> AsyncIterator[Scene]:
    pair = None if product.name.startswith("cross") else "BTCUSDT"
    async with open_sandbox(in_memory=True) as sandbox:
        sandbox.exchange.symbols["BTCUSDT"].last_price = Decimal(50_000)
        funds = {"USDT": "10000", "BTC": "1"}
        wallets: dict[str, Any] = {"isolated_margin": {pair: funds}} if pair else {"cross_margin": funds}
        owner = sandbox.add_account(**wallets)
        async with uds.open_user_data_stream(
            owner.credentials, product, environment=sandbox.environment, network=sandbox.network, **options
        ) as stream:
            await trio.sleep(5)
            yield Scene(sandbox, owner, sandbox.margin_account(owner, pair), pair, stream)


@every_product
@pytest.mark.parametrize("how", ["cut", "expired"])
async def test_orders_and_debts_of_a_gap_are_recovered_together_and_proven(
    autojump_clock: MockClock, product: uds.Product, how: str
) -> None:
    async with opened(product) as scene:
        scene.borrow("100")
        kinds = [type(await scene.stream.receive()).__name__ for _ in range(2)]
        assert kinds == ["UserLiabilityChange", "OutboundAccountPosition"]
        await trio.sleep(60)
        if how == "cut":
            scene.sandbox.faults.cut()
        else:
            scene.sandbox.faults.expire_listen_key(scene.owner, product)
        scene.borrow("250")
        scene.margin.call("order.place", ORDER, price="40000")
        *_, gap = await scene.until_gap()
        assert gap.complete
        events = await scene.recovered(gap)
        assert {type(event).__name__ for event in events} == {
            "UserLiabilityChange",
            "ExecutionReport",
            "OutboundAccountPosition",
        }
        assert {event.account for event in events} == {product.name}
        assert all(event.recovered for event in events)
        (debt,) = [event for event in events if isinstance(event, uds.UserLiabilityChange)]
        assert (debt.asset, debt.principal) == ("USDT", 250)
        scene.borrow("1")
        live = await scene.stream.receive()
        assert isinstance(live, uds.UserLiabilityChange), "and goes on, with nothing told twice"
        assert not live.recovered


@every_product
async def test_the_status_of_now_is_told_when_it_has_changed(autojump_clock: MockClock, product: uds.Product) -> None:
    async with opened(product) as scene:
        scene.borrow("42000")
        await trio.sleep(60)
        scene.sandbox.faults.cut()
        scene.price("1000")
        items = await scene.until_gap()
        gap = items[-1]
        events = await scene.recovered(gap)
        (level,) = [event for event in events if isinstance(event, uds.MarginLevelStatusChange)]
        assert level.margin_level_status == "MARGIN_CALL"
        # The routes of a pair name the status; those of cross have bars, and two words that can be meant.
        assert gap.complete is (scene.pair is not None)
        assert ("can mean MARGIN_CALL or PRE_LIQUIDATION" in gap.detail) is (scene.pair is None)


@every_product
async def test_a_rollover_loses_nothing_and_tells_nothing_twice(
    autojump_clock: MockClock, product: uds.Product
) -> None:
    async with opened(product, rollover=uds.Rollover(lifetime=300, lead=60, jitter=30)) as scene:
        for number in range(1, 4):
            await trio.sleep(250)
            scene.borrow(f"{number}")
        await trio.sleep(100)
        assert scene.stream.statistics().links_opened > 1
        changes = []
        with trio.move_on_after(5):
            while True:
                item = await scene.stream.receive()
                assert not isinstance(item, uds.Gap)
                if isinstance(item, uds.UserLiabilityChange) and item.liability_type == "BORROW":
                    changes.append(item.principal)
        assert changes == [1, 2, 3]


@every_product
async def test_books_that_do_not_answer_leave_the_gap_incomplete(
    autojump_clock: MockClock, product: uds.Product
) -> None:
    async with opened(product) as scene:
        scene.sandbox.faults.fail_next("GET /sapi/v1/margin/interestHistory", times=9)
        scene.sandbox.faults.cut()
        *_, gap = await scene.until_gap()
        assert not gap.complete
        assert "the interest" in gap.detail


@pytest.mark.parametrize("failing", ["GET /sapi/v1/margin/openOrderList", ""])
async def test_only_the_part_of_the_baseline_that_is_missing_is_asked_for_again(
    autojump_clock: MockClock, failing: str
) -> None:
    asked: list[str] = []
    async with opened(PRODUCTS[0]) as scene:
        recoverer = MarginKeyRecoverer(
            MarginListenKeyHistory(rest=uds.Host.SPOT_REST, account=uds.MarginAccount(name="cross")),
            Recovery(max_weight=3000),
        )
        refuse = [True]

        async def request(method: str, params: Mapping[str, Any] | None) -> Any:
            await trio.lowlevel.checkpoint()
            asked.append(method)
            if method == failing and refuse[0]:
                raise uds.OutcomeUnknown("no answer", method=method)
            return scene.owner.call(method, params)

        clock = ExactClock(scene.sandbox.clock.datetime)
        await recoverer.take_baseline(request, clock)
        assert bool(recoverer.no_baseline_because) is bool(failing)
        refuse[0] = False
        asked.clear()
        await recoverer.take_baseline(request, clock)
        assert recoverer.no_baseline_because == ""
        assert ("GET /sapi/v1/margin/openOrderList" in asked) is bool(failing)
        assert "GET /sapi/v1/margin/tradeCoeff" not in asked, "of the risk everything was answered"
        # Each part looks at its own kinds of events, and nothing else is an echo of either.
        since = scene.sandbox.clock.datetime()
        await trio.sleep(5)
        scene.borrow("20")
        echoes = (await recoverer.recover(request, since, clock)).echoes()
        assert not echoes.is_echo(uds.UnknownEvent(problem="of no matter"))
        live = await scene.stream.receive()
        assert isinstance(live, uds.UserLiabilityChange)
        assert [echoes.is_echo(live) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("pairs", [[], [{}, {}]])
async def test_an_answer_about_other_than_one_pair_proves_nothing(
    autojump_clock: MockClock, pairs: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from trio_binance_uds.stream.recovery.reading import Unreadable
    from trio_binance_uds.stream.recovery.risk.answers import DebtAnswer

    async with opened(PRODUCTS[1]) as scene:
        at = scene.sandbox.clock.datetime()
        with pytest.raises(Unreadable, match="one isolated pair was expected"):
            DebtAnswer.read_isolated({"assets": pairs}, at, at)
