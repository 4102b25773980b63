"""One listen key for all margin accounts of an owner: what happens on them, and their risk, in one order."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from support.raw_client import RawClient
from support.rest_client import RestClient
from trio_binance_uds import UNIFIED_MARGIN, margin_listen_key
from trio_binance_uds.products import CROSS_MARGIN, Host
from trio_binance_uds.sandbox import KeySpace, Refusal, Sandbox, SandboxAccount, open_sandbox

PAIR = {"isIsolated": "TRUE", "symbol": "BTCUSDT"}


def opened(sandbox: Sandbox) -> SandboxAccount:
    sandbox.exchange.symbols["BTCUSDT"].last_price = sandbox.exchange.symbols["BTCUSDT"].last_price or 50_000  # type: ignore[assignment]  # any number does
    return sandbox.add_account(
        cross_margin={"USDT": "10000"}, isolated_margin={"BTCUSDT": {"USDT": "10000", "BTC": "1"}}
    )


def borrow(account: SandboxAccount, **where: Any) -> None:
    account.call("POST /sapi/v1/margin/borrow-repay", where, asset="USDT", type="BORROW", amount="100")


async def test_cross_and_isolated_accounts_and_their_risk_come_with_one_key(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = opened(sandbox)
        async with RestClient(sandbox, Host.SPOT_REST, account) as rest:
            made = await rest.plain("POST", "/sapi/v2/margin/listen-key")
            assert made.headers["x-sapi-used-ip-weight-1m"] == "1"
            key = made.json()["listenKey"]
            assert (await rest.plain("PUT", "/sapi/v2/margin/listen-key")).json()["code"] == -1102
        async with await RawClient.connect(sandbox, f"/{key}", host=Host.MARGIN_LISTEN_KEY_STREAM) as client:
            borrow(account)
            borrow(account, **PAIR)
            told = [(await client.event())["e"] for _ in range(4)]
            assert told == ["USER_LIABILITY_CHANGE", "outboundAccountPosition"] * 2
            sandbox.faults.expire_listen_key(account, margin_listen_key(CROSS_MARGIN))
            assert (await client.event())["listenKey"] == key
        journal = sandbox.desks["margin_accounts"].journal
        assert [entry.event["e"] for entry in journal.entries(account.uid)] == told
        # The risk stream goes on as it was, for the cross account alone.
        assert len(list(sandbox.margin.journal.entries(account.uid))) == 1


async def test_a_unified_account_has_shapes_of_its_own(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = opened(sandbox)
        key = account.call("POST /sapi/v2/margin/uta/listen-key")["listenKey"]
        async with await RawClient.connect(sandbox, f"/{key}", host=Host.UNIFIED_MARGIN_STREAM) as client:
            borrow(account)
            change = await client.event()
            assert (change["e"], change["t"]) == ("liabilityChange", "BORROW")
            assert [row["a"] for row in change["L"]] == ["USDT"]
            assert (await client.event())["e"] == "outboundAccountPosition"
            account.call("POST /sapi/v1/margin/borrow-repay", asset="USDT", type="BORROW", amount="19899.5")
            told = [(await client.event())["e"] for _ in range(3)]
            assert sorted(told) == ["liabilityChange", "marginLevelChange", "outboundAccountPosition"]
        assert sandbox.listen_keys.of(account.uid, KeySpace.UNIFIED_MARGIN) is not None
        sandbox.faults.expire_listen_key(account, UNIFIED_MARGIN)
        assert sandbox.listen_keys.of(account.uid, KeySpace.UNIFIED_MARGIN) is None


async def test_a_feed_has_no_accounts_and_no_routes_of_its_own(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        desk = sandbox.desks["margin_accounts"]
        assert desk.routes == {}
        stranger = sandbox.add_account()
        assert not desk.has(stranger.uid)
        with pytest.raises(ValueError, match="open a margin account instead"):
            desk.open_account(stranger.uid, {})
        with pytest.raises(Refusal):
            desk.call(stranger.uid, "GET", "/nothing", {})
        with pytest.raises(Refusal):
            stranger.call("POST /sapi/v2/margin/listen-key")
        await trio.lowlevel.checkpoint()
