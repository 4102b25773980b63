"""Rate limits: what is counted, when it is refused, and what happens to those who do not listen."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import trio
from trio.testing import MockClock

from support.raw_client import RawClient, Rejected, signed
from trio_binance_uds.sandbox import Clock, Limits, Refusal, Sandbox, open_sandbox
from trio_binance_uds.sandbox.limits import Limiter

# Fifty seconds into a minute.
START = datetime(2026, 7, 21, 12, 0, 50, tzinfo=UTC)
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "20000",
}


class Time:
    """A clock to be set."""

    def __init__(self) -> None:
        self.now = int(START.timestamp()) * 1_000_000

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1_000_000)


@pytest.fixture
def time() -> Time:
    return Time()


def refusal_of(action: Any, *args: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        action(*args)
    return caught.value


def test_weight_is_counted_per_address_and_starts_again_with_the_minute(time: Time) -> None:
    limiter = Limiter(Limits(request_weight=10), time)
    limiter.charge("a", 10)
    limiter.charge("b", 3)
    assert (limiter.weight_used("a"), limiter.weight_used("b")) == (10, 3)
    refusal = refusal_of(limiter.charge, "a", 1)
    assert (refusal.status, refusal.code) == (429, -1003)
    assert refusal.data == {"serverTime": time.now // 1000, "retryAfter": time.now // 1000 + 10_000}
    time.sleep(9.999)
    refusal_of(limiter.charge, "a", 1)
    time.sleep(0.001)
    limiter.charge("a", 1)
    assert limiter.weight_used("a") == 1


def test_a_refund_does_not_go_below_zero(time: Time) -> None:
    limiter = Limiter(Limits(), time)
    limiter.charge("a", 5)
    time.sleep(60)
    limiter.refund("a", 5)
    assert limiter.weight_used("a") == 0


def test_whoever_ignores_429_is_banned_and_longer_each_time(time: Time) -> None:
    limiter = Limiter(Limits(request_weight=1, strikes=2, ban=120), time)
    limiter.charge("a", 1)
    for expected in (120, 240, 480):
        time.sleep(60)
        limiter.charge("a", 1)
        assert [refusal_of(limiter.charge, "a", 1).status for _ in range(3)] == [429, 429, 418]
        refusal = refusal_of(limiter.charge, "a", 0)
        assert refusal.status == 418
        assert refusal.data == {"serverTime": time.now // 1000, "retryAfter": time.now // 1000 + expected * 1000}
        assert str(refusal.data["retryAfter"]) in refusal.msg
        assert refusal_of(limiter.connect, "a", 2).status == 418
        limiter.charge("b", 0)
        time.sleep(expected)


def test_a_ban_is_three_days_at_most(time: Time) -> None:
    limiter = Limiter(Limits(), time)
    limiter.ban("a", 10**7)
    refusal = refusal_of(limiter.charge, "a", 1)
    assert refusal.data is not None
    assert refusal.data["retryAfter"] - refusal.data["serverTime"] == 3 * 86_400_000
    assert limiter.addresses() == ["a"]


def test_patience_wipes_the_strikes(time: Time) -> None:
    limiter = Limiter(Limits(request_weight=1, strikes=2), time)
    for _ in range(10):
        limiter.charge("a", 1)
        assert [refusal_of(limiter.charge, "a", 1).status for _ in range(2)] == [429, 429]
        time.sleep(60)


def test_orders_are_limited_per_ten_seconds_and_day(time: Time) -> None:
    limiter = Limiter(Limits(orders_per_10s=3, orders_per_day=5), time)
    limiter.count_orders(1, 2)
    limiter.check_orders(1, 1)
    refusal = refusal_of(limiter.check_orders, 1, 2)
    assert (refusal.status, refusal.code, refusal.data) == (429, -1015, None)
    assert "10 SECOND" in refusal.msg
    limiter.check_orders(2, 3)
    time.sleep(10)
    limiter.count_orders(1, 3)
    time.sleep(10)
    assert "1 DAY" in refusal_of(limiter.check_orders, 1, 1).msg
    time.sleep(86_400)
    assert [row["count"] for row in limiter.order_rows(1)] == [0, 0]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    limits = Limits(request_weight=60, orders_per_10s=2, strikes=2)
    async with open_sandbox(in_memory=True, limits=limits, clock=Clock(START)) as sandbox:
        yield sandbox


async def test_both_fronts_share_one_count(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.rest_app), base_url="http://x") as rest:
        assert (await rest.get("/api/v3/exchangeInfo")).headers["x-mbx-used-weight-1m"] == "22"
        assert (await client.call("ping"))["rateLimits"][0]["count"] == 23


async def test_too_much_weight_is_429_and_repeated_418_with_a_close(
    autojump_clock: MockClock, sandbox: Sandbox
) -> None:
    client = await RawClient.connect(sandbox)
    for _ in range(2):
        assert (await client.call("exchangeInfo"))["status"] == 200
    for _ in range(2):
        answer = await client.call("exchangeInfo")
        assert (answer["status"], answer["error"]["code"]) == (429, -1003)
        assert answer["error"]["data"]["retryAfter"] == (int(START.timestamp()) + 10) * 1000
    assert (await client.call("exchangeInfo"))["status"] == 418
    assert (await client.wait_gone()).code == 1008


async def test_without_weight_left_an_upgrade_is_refused(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    for _ in range(58):
        await client.ask("ping")
    with pytest.raises(Rejected) as caught:
        await RawClient.connect(sandbox)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "10")


async def test_too_many_orders_are_429_without_data(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    account = sandbox.add_account(balances={"USDT": "1000"})
    client = await RawClient.connect(sandbox)
    for _ in range(2):
        await client.call("order.place", signed(sandbox, account, **ORDER))
    answer = await client.call("order.place", signed(sandbox, account, **ORDER))
    assert (answer["status"], answer["error"]["code"]) == (429, -1015)
    assert "data" not in answer["error"]
    assert answer["rateLimits"][0]["count"] == 2
    await trio.sleep(10)
    assert (await client.call("order.place", signed(sandbox, account, **ORDER)))["status"] == 200


async def test_exchange_info_lists_the_limits_in_force(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    listed = (await client.call("exchangeInfo"))["result"]["rateLimits"]
    assert [(row["rateLimitType"], row["limit"]) for row in listed] == [
        ("REQUEST_WEIGHT", 60),
        ("ORDERS", 2),
        ("ORDERS", 200_000),
        ("CONNECTIONS", 300),
    ]
