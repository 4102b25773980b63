"""What was there before the stream began is known on entering; where it is not, the stream says so and asks again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.stream.recovery.spot.recoverer import SpotRecoverer

from test_blindness import until  # isort: skip

CROSS_AND_ISOLATED = uds.margin_accounts(uds.CROSS_MARGIN, uds.isolated_margin("BTCUSDT"))
# By product, a question of the baseline, for all of its parts.
QUESTIONS: dict[str, tuple[uds.Product, tuple[str, ...]]] = {
    "spot": (uds.SPOT, ("account.status",)),
    "margin": (CROSS_AND_ISOLATED, ("GET /sapi/v1/margin/account", "GET /sapi/v1/margin/isolated/account")),
    "margin-risk": (uds.MARGIN_RISK, ("GET /sapi/v1/margin/account",)),
    "usdm-futures": (uds.USDM_FUTURES, ("GET /fapi/v1/openOrders",)),
    "coinm-futures": (uds.COINM_FUTURES, ("GET /dapi/v1/openOrders",)),
    "options": (uds.OPTIONS, ("GET /eapi/v1/openOrders",)),
    "portfolio-margin": (uds.PORTFOLIO_MARGIN, ("GET /papi/v1/um/openOrders",)),
    "portfolio-margin-pro": (uds.PORTFOLIO_MARGIN_PRO, ("GET /sapi/v1/portfolio/account",)),
    "stocks": (uds.find_product("stocks"), ("GET /sapi/v1/equity/order/open-orders",)),
}
every = pytest.mark.parametrize("name", QUESTIONS)


def account_of(sandbox: Sandbox) -> SandboxAccount:
    money = {"USDT": "10000"}
    return sandbox.add_account(
        balances=money,
        usdm=money,
        coinm={"BTC": "1"},
        options=money,
        portfolio_margin=money,
        cross_margin=money,
        isolated_margin={"BTCUSDT": money},
        portfolio_margin_pro={},
        stocks=money,
    )


def opening(sandbox: Sandbox, account: SandboxAccount, product: uds.Product, **options: Any) -> Any:
    return uds.open_user_data_stream(
        account.credentials, product, environment=sandbox.environment, network=sandbox.network, seed=1, **options
    )


async def next_notice(stream: uds.UserDataStream) -> uds.Notice:
    while True:
        item = await next_item(stream)
        if isinstance(item, uds.Notice):
            return item


async def next_item(stream: uds.UserDataStream) -> uds.Event | uds.Notice:
    with trio.fail_after(60):
        return await stream.receive()


@every
async def test_on_entering_the_baseline_stands_and_the_first_gap_can_be_complete(
    autojump_clock: trio.testing.MockClock, name: str
) -> None:
    product, _ = QUESTIONS[name]
    async with open_sandbox(in_memory=True) as sandbox, opening(sandbox, account_of(sandbox), product) as stream:
        assert stream.is_baseline_known
        assert stream.statistics().is_baseline_known
        # There the venue's time is known to a second only, and a proof must be later than the baseline beyond doubt.
        await trio.sleep(3 if name == "portfolio-margin" else 0)
        sandbox.faults.cut()
        assert isinstance(await next_item(stream), uds.Disconnected)
        gap = await next_item(stream)
        assert isinstance(gap, uds.Gap)
        assert gap.complete, gap.detail


@every
async def test_where_it_is_missing_it_is_said_and_asked_again_until_it_is_known(
    autojump_clock: trio.testing.MockClock, name: str
) -> None:
    product, questions = QUESTIONS[name]
    async with open_sandbox(in_memory=True) as sandbox:
        for question in questions:
            sandbox.faults.fail_next(question, status=400, code=-1130, msg="not now", times=2)
        async with opening(sandbox, account_of(sandbox), product) as stream:
            assert not stream.is_baseline_known
            assert not stream.statistics().is_baseline_known
            missing = await next_item(stream)
            assert isinstance(missing, uds.BaselineMissing)
            assert "not now" in missing.detail
            known = await next_notice(stream)
            assert isinstance(known, uds.BaselineKnown)
            assert timedelta(seconds=14) < known.at - missing.at < timedelta(seconds=60)
            assert stream.is_baseline_known
            await trio.sleep(3600)
            assert stream.statistics().buffered == 0 or name == "portfolio-margin-pro", "each is said once"
            sandbox.faults.cut()
            assert isinstance(await next_notice(stream), uds.Disconnected)
            gap = await next_notice(stream)
            assert isinstance(gap, uds.Gap)
            assert gap.complete, gap.detail


async def test_entering_waits_for_the_baseline_no_longer_than_a_few_seconds(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        sandbox.faults.delay_answer(9, "GET /fapi/v1/openOrders", times=3)
        began = trio.current_time()
        async with opening(sandbox, account_of(sandbox), uds.USDM_FUTURES) as stream:
            assert 4.9 < trio.current_time() - began < 6
            assert isinstance(await next_item(stream), uds.BaselineMissing)
            assert not stream.is_baseline_known
            await until(lambda: stream.is_baseline_known)
            await trio.sleep(1)
            assert isinstance(await next_item(stream), uds.BaselineKnown)


async def test_the_intervals_grow(autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, take_baseline = 0, SpotRecoverer.take_baseline

    async def counted(self: SpotRecoverer, *args: Any) -> None:
        nonlocal asked
        asked += 1
        await take_baseline(self, *args)

    monkeypatch.setattr(SpotRecoverer, "take_baseline", counted)
    async with open_sandbox(in_memory=True) as sandbox:
        sandbox.faults.fail_next("openOrders.status", status=400, code=-1130, msg="never", times=10_000)
        async with opening(sandbox, account_of(sandbox), uds.SPOT) as stream:
            await trio.sleep(4 * 3600)
            asked = (
                sum(call.method == "openOrders.status" for call in sandbox.calls) if hasattr(sandbox, "calls") else 0
            )
            assert asked < 30
            assert stream.statistics().buffered == 1


async def test_a_recovery_brings_the_baseline_too(autojump_clock: trio.testing.MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        sandbox.faults.fail_next("account.status", status=400, code=-1130, msg="not now", times=1)
        async with opening(sandbox, account_of(sandbox), uds.SPOT) as stream:
            assert isinstance(await next_item(stream), uds.BaselineMissing)
            sandbox.faults.cut()
            await trio.sleep(10)
            kinds = [type(await next_item(stream)) for _ in range(stream.statistics().buffered)]
            assert kinds == [uds.Disconnected, uds.Gap, uds.OutboundAccountPosition, uds.BaselineKnown]
            await trio.sleep(60)
            assert stream.statistics().buffered == 0


async def test_a_link_that_is_lost_while_the_baseline_is_asked_for_is_replaced_and_entering_does_not_wait(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        sandbox.faults.delay_answer(4, "account.status")
        sandbox.faults.cut(after=2)
        began = trio.current_time()
        async with opening(sandbox, account_of(sandbox), uds.SPOT) as stream:
            assert trio.current_time() - began < 3
            await until(lambda: stream.is_baseline_known)
            kinds = [type(await next_item(stream)) for _ in range(stream.statistics().buffered)]
            assert {uds.Disconnected, uds.BaselineMissing, uds.Gap, uds.BaselineKnown} <= set(kinds)


async def test_a_socket_that_is_lost_while_rest_is_asked_for_the_baseline_does_not_hold_entering_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        sandbox.faults.delay_answer(9, "GET /fapi/v1/openOrders", times=3)
        sandbox.faults.cut(after=2)
        began = trio.current_time()
        async with opening(sandbox, account_of(sandbox), uds.USDM_FUTURES) as stream:
            assert trio.current_time() - began < 3
            assert isinstance(await next_notice(stream), uds.Disconnected)
            await until(lambda: stream.is_baseline_known)


async def test_without_recovery_there_is_no_baseline_and_nothing_is_said_of_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        recovery = uds.Recovery(enabled=False)
        async with opening(sandbox, account_of(sandbox), uds.SPOT, recovery=recovery) as stream:
            await trio.sleep(100)
            assert not stream.is_baseline_known
            assert stream.statistics().buffered == 0


async def test_it_is_asked_again_only_by_a_link_that_lives(autojump_clock: trio.testing.MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        sandbox.faults.fail_next("account.status", status=400, code=-1130, msg="not now", times=1)
        async with opening(sandbox, account_of(sandbox), uds.SPOT) as stream:
            assert isinstance(await next_item(stream), uds.BaselineMissing)
            sandbox.faults.refuse_connections(status=503, seconds=40)
            sandbox.faults.cut()
            await trio.sleep(30)
            assert not stream.is_baseline_known
            await until(lambda: stream.is_baseline_known)


async def test_a_recovery_waits_for_a_baseline_that_is_being_asked_for(autojump_clock: trio.testing.MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = account_of(sandbox)
        sandbox.faults.delay_answer(9, "GET /fapi/v1/openOrders", times=3)
        async with opening(sandbox, account, uds.USDM_FUTURES, max_buffer=3) as stream:
            for _ in range(4):
                account.call(
                    "POST /fapi/v1/order",
                    {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
                    | {"price": "30000", "quantity": "0.01"},
                )
                await trio.sleep(0.01)
            kinds = []
            while uds.Gap not in kinds:
                kinds.append(type(await next_item(stream)))
            assert uds.Shedding in kinds
