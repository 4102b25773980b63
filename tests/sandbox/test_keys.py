"""API keys and the sandbox's clock."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from trio_binance_uds.sandbox import Clock, KeyType, Permission
from trio_binance_uds.sandbox.auth import WireDecimal, signed_text
from trio_binance_uds.sandbox.keys import KeyRing


@pytest.mark.parametrize("type", [KeyType.HMAC, KeyType.ED25519])
def test_the_same_seed_makes_the_same_keys(type: KeyType) -> None:
    first, again, another = [KeyRing(Random(seed)).create(object(), type) for seed in (1, 1, 2)]
    assert (first.api_key, first.secret) == (again.api_key, again.secret)
    assert first.api_key != another.api_key
    assert first.secret != another.secret


def test_a_key_has_all_permissions_unless_told_otherwise() -> None:
    ring = KeyRing(Random(0))
    assert ring.create(object()).permissions == set(Permission)
    assert ring.create(object(), permissions=["USER_DATA"]).permissions == {Permission.USER_DATA}
    with pytest.raises(ValueError, match="WITHDRAW"):
        ring.create(object(), permissions=["WITHDRAW"])
    with pytest.raises(ValueError, match="dsa"):
        ring.create(object(), "dsa")


def test_a_key_does_not_show_its_secret() -> None:
    for type in KeyType:
        key = KeyRing(Random(0)).create(object(), type)
        assert key.secret not in repr(key)
        assert "PRIVATE" not in repr(key)


def test_a_revoked_key_allows_nothing() -> None:
    key = KeyRing(Random(0)).create(object())
    assert key.allows(Permission.TRADE)
    key.revoked = True
    assert not key.allows(Permission.TRADE)


@pytest.mark.parametrize(
    ("params", "text"),
    [
        ({"b": 1, "a": "x", "signature": "s", "B": True}, "B=true&a=x&b=1"),
        ({"recvWindow": WireDecimal("5000.10"), "n": WireDecimal("1e3")}, "n=1e3&recvWindow=5000.10"),
        ({"symbol": "这是测试币456", "list": ["a", WireDecimal("1.50")]}, 'list=["a","1.50"]&symbol=这是测试币456'),
        ({"none": None}, "none=null"),
    ],
)
def test_the_signed_text_is_sorted_and_raw(params: dict[str, Any], text: str) -> None:
    assert signed_text(params) == text


async def test_a_clock_runs_with_trio_from_its_start(autojump_clock: MockClock) -> None:
    clock = Clock(datetime(2026, 7, 21, tzinfo=UTC))
    await trio.sleep(5)
    assert clock.datetime() == datetime(2026, 7, 21, tzinfo=UTC)
    await trio.sleep(3600.25)
    assert clock.datetime() == datetime(2026, 7, 21, 1, 0, 0, 250_000, tzinfo=UTC)
    assert clock.now_ms() == clock.now() // 1000


async def test_a_clock_can_be_wrong(autojump_clock: MockClock) -> None:
    clock = Clock(datetime(2026, 7, 21, tzinfo=UTC))
    clock.skew = -2.5
    assert clock.datetime() == datetime(2026, 7, 20, 23, 59, 57, 500_000, tzinfo=UTC)
    clock.jump(3)
    assert clock.skew == 0.5
    assert clock.datetime() == datetime(2026, 7, 21, 0, 0, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize("clock", [Clock(), Clock.wall()])
async def test_by_default_a_clock_tells_the_present_time(clock: Clock) -> None:
    assert abs(clock.datetime() - datetime.now(UTC)).total_seconds() < 5


def test_a_clock_needs_an_aware_start() -> None:
    with pytest.raises(ValueError, match="aware"):
        Clock(datetime(2026, 7, 21))
