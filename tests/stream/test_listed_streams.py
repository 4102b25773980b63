"""A socket can forget a key that lives on: where the venue lists the streams of a socket, that is found."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox

PRICE = {"type": "LIMIT", "timeInForce": "GTC", "price": "30000"}
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", **PRICE}


@asynccontextmanager
async def watched() -> AsyncIterator[tuple[Sandbox, SandboxAccount, uds.UserDataStream]]:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(usdm={"USDT": "10000"})
        async with uds.open_user_data_stream(
            account.credentials, uds.USDM_FUTURES, environment=sandbox.environment, network=sandbox.network
        ) as stream:
            await trio.sleep(5)
            yield sandbox, account, stream


async def until_gap(stream: uds.UserDataStream) -> list[uds.Event | uds.Notice]:
    items: list[uds.Event | uds.Notice] = []
    with trio.fail_after(120):
        while not items or not isinstance(items[-1], uds.Gap):
            items.append(await stream.receive())
    return items


async def test_a_socket_that_forgets_a_living_key_is_found_and_what_it_missed_is_recovered(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with watched() as (sandbox, account, stream):
        sandbox.faults.vanish_subscription()
        account.call("POST /fapi/v1/order", ORDER)
        began = trio.current_time()
        *_, gap = await until_gap(stream)
        assert trio.current_time() - began < uds.Timeouts().subscription_check + 5
        assert isinstance(gap, uds.Gap)
        assert (gap.cause, gap.recovered, gap.complete) == (uds.GapCause.SUBSCRIPTION_LOST, 1, True)
        order = await stream.receive()
        assert isinstance(order, uds.UsdmOrderTradeUpdate)
        assert order.recovered


async def test_a_socket_that_forgets_its_key_while_the_key_is_being_proven_is_found(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with watched() as (sandbox, account, stream):
        sandbox.faults.delay_answer(8, "PUT /fapi/v1/listenKey")
        sandbox.faults.cut()
        await trio.sleep(5)
        assert len(sandbox.connections) == 1
        sandbox.faults.vanish_subscription()
        await until_gap(stream)
        account.call("POST /fapi/v1/order", ORDER)
        with trio.fail_after(1):
            assert isinstance(await stream.receive(), uds.UsdmOrderTradeUpdate)


async def test_a_key_that_lives_proves_nothing_about_a_socket_that_is_silent(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with watched() as (sandbox, _, stream):
        await trio.sleep(17)
        sandbox.faults.half_open()
        silent_since = sandbox.clock.datetime()
        # Its key is proven by REST after that, and then no pong comes.
        *_, disconnected, gap = await until_gap(stream)
        assert isinstance(disconnected, uds.Disconnected)
        assert disconnected.cause == uds.DisconnectCause.KEEPALIVE_TIMEOUT
        assert isinstance(gap, uds.Gap)
        assert gap.since <= silent_since


async def test_a_list_that_is_not_answered_any_more_proves_nothing(autojump_clock: trio.testing.MockClock) -> None:
    """The socket forgets the key, pongs for a while, and then falls silent, before anybody has looked."""
    async with watched() as (sandbox, account, stream):
        await trio.sleep(30)
        sandbox.faults.vanish_subscription()
        account.call("POST /fapi/v1/order", ORDER)
        forgotten_at = sandbox.clock.datetime()
        await trio.sleep(17)
        sandbox.faults.half_open()
        *_, gap = await until_gap(stream)
        assert isinstance(gap, uds.Gap)
        assert gap.since <= forgotten_at
        assert gap.recovered == 1


@pytest.mark.parametrize("fault", ["lose_answer", "fail_next"])
async def test_a_list_that_is_not_answered_is_no_reason_to_doubt(
    autojump_clock: trio.testing.MockClock, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unanswered(self: object, method: str) -> None:
        if fault == "lose_answer":
            await trio.sleep_forever()
        raise uds.OutcomeUnknown("the answer is an error", method=method)

    async with watched() as (_, account, stream):
        monkeypatch.setattr("trio_binance_uds.link.connection.Connection.control", unanswered)
        await trio.sleep(300)
        account.call("POST /fapi/v1/order", ORDER)
        assert isinstance(await stream.receive(), uds.UsdmOrderTradeUpdate)
        assert stream.statistics().links_opened == 1


async def test_a_control_message_that_the_venue_does_not_like_has_no_result(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with watched() as (_, _, stream):
        link = stream._supervisor.active
        assert link is not None
        assert link.connection is not None
        assert len(await link.connection.control("LIST_SUBSCRIPTIONS")) == 1

        def refuse(self: object, text: str) -> dict[str, object]:
            return {"error": {"code": 2, "msg": "no"}, "id": json.loads(text)["id"]}

        monkeypatch.setattr("trio_binance_uds.sandbox.stream_session.StreamSession._obey", refuse)
        with pytest.raises(uds.OutcomeUnknown, match=r"LIST_SUBSCRIPTIONS .* an error with code 2"):
            await link.connection.control("LIST_SUBSCRIPTIONS")
