"""A socket that cannot bring the account's events is refused where that shows; one that may be wrong is unproven."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.sandbox.stream_session import StreamSession

LISTEN_KEY_PRODUCTS = [
    product for product in uds.PRODUCTS.values() if isinstance(product.mechanism, uds.ListenKeyStream)
]
LIMIT = {"type": "LIMIT", "timeInForce": "GTC", "price": "30000"}
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01", **LIMIT}

listening = pytest.mark.parametrize("product", LISTEN_KEY_PRODUCTS, ids=lambda product: product.name)


def account_for_all(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.add_account(
        balances={"USDT": "1000"},
        usdm={"USDT": "10000"},
        coinm={"BTC": "1"},
        options={"USDT": "10000"},
        portfolio_margin={"USDT": "10000"},
        cross_margin={"USDT": "10000"},
        portfolio_margin_pro={},
        stocks={"USDT": "10000"},
    )


def opening(sandbox: Sandbox, account: SandboxAccount, product: uds.Product, url: str | None = None) -> Any:
    environment = sandbox.environment
    if url is not None:
        # Past override(), which knows some of them.
        environment = uds.Environment("mine", {**environment.urls, product.mechanism.connects_to: url})
    return uds.open_user_data_stream(
        account.credentials, product, environment=environment, network=sandbox.network, seed=1
    )


@asynccontextmanager
async def answering(monkeypatch: pytest.MonkeyPatch, answer: Any) -> AsyncIterator[tuple[Sandbox, SandboxAccount]]:
    """A sandbox whose sockets answer LIST_SUBSCRIPTIONS like this."""
    obey = StreamSession._obey

    def instead(self: StreamSession, text: str | bytes) -> dict[str, Any]:
        reply = obey(self, text)
        return {"id": reply["id"], **answer} if "LIST_SUBSCRIPTIONS" in str(text) else reply

    monkeypatch.setattr(StreamSession, "_obey", instead)
    async with open_sandbox(in_memory=True) as sandbox:
        yield sandbox, account_for_all(sandbox)


async def first_item(stream: uds.UserDataStream) -> uds.Event | uds.Notice:
    with trio.fail_after(1):
        return await stream.receive()


@listening
async def test_a_right_stream_is_proven_at_opening_and_no_more_is_said(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = account_for_all(sandbox)
        async with opening(sandbox, account, product) as stream:
            assert stream.statistics().proven_at is not None
            await trio.sleep(1)
            assert stream.statistics().buffered == 0


@listening
async def test_a_websocket_api_is_no_stream(autojump_clock: trio.testing.MockClock, product: uds.Product) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = account_for_all(sandbox)
        url = sandbox.environment.url(uds.Host.SPOT_WS_API)
        began = trio.current_time()
        with pytest.raises(uds.ConnectFailed) as caught:
            async with opening(sandbox, account, product, url):
                pytest.fail("it opened")
        assert url in str(caught.value)
        if not isinstance(caught.value, uds.HandshakeRejected):  # as with a key behind the path
            assert f"is not where events of {product.name} come: it answers as a WebSocket API" in str(caught.value)
        assert trio.current_time() - began < 10


@listening
async def test_a_socket_that_has_other_streams_only_is_refused(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch, product: uds.Product
) -> None:
    async with answering(monkeypatch, {"result": ["btcusdt@trade", "ethusdt@depth"]}) as (sandbox, account):
        with pytest.raises(uds.ConnectFailed, match="lists 2 streams, and the listen key is not among them") as caught:
            async with opening(sandbox, account, product):
                pytest.fail("it opened")
        assert sandbox.environment.url(product.mechanism.connects_to) in str(caught.value)


async def test_a_key_that_is_listed_with_more_around_it_is_ours(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def result(self: StreamSession, method: str, params: list[Any]) -> Any:
        return [f"{name}@events" for name in self._entries]

    monkeypatch.setattr(StreamSession, "_result", result)
    async with (
        open_sandbox(in_memory=True) as sandbox,
        opening(sandbox, account_for_all(sandbox), uds.USDM_FUTURES) as stream,
    ):
        assert stream.statistics().proven_at is not None


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"result": []}, "lists no stream"),
        ({"result": None}, "did not list its streams"),
        ({"error": {"code": 2, "msg": "no"}}, "did not list its streams"),
        ({"id": 10**6, "result": []}, "did not list its streams"),
    ],
    ids=["empty", "null", "error", "none"],
)
@listening
async def test_what_proves_nothing_is_unproven_until_the_first_event(
    autojump_clock: trio.testing.MockClock,
    monkeypatch: pytest.MonkeyPatch,
    product: uds.Product,
    answer: dict[str, Any],
    words: str,
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    if mechanism.topics and words == "lists no stream":
        return  # There the socket has acknowledged a subscription, which it must list.
    async with answering(monkeypatch, answer) as (sandbox, account), opening(sandbox, account, product) as stream:
        unproven = await first_item(stream)
        assert isinstance(unproven, uds.Unproven)
        assert unproven.account == product.name
        assert unproven.stream == product.name
        assert words in unproven.detail
        assert sandbox.environment.url(product.mechanism.connects_to) in unproven.detail
        assert sandbox.clock.datetime() - unproven.at < timedelta(seconds=1)
        assert stream.statistics().proven_at is None
        assert stream.blind is None
        if product is uds.PORTFOLIO_MARGIN_PRO:
            return  # Its totals come at once, and prove it.
        await trio.sleep(100)
        assert stream.statistics().buffered == 0, "it is said once"
        assert stream.statistics().proven_at is None, "a living key proves the key"


async def test_the_first_event_proves_a_stream_for_all_its_connections(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        answering(monkeypatch, {"result": []}) as (sandbox, account),
        opening(sandbox, account, uds.USDM_FUTURES) as stream,
    ):
        assert isinstance(await first_item(stream), uds.Unproven)
        account.call("POST /fapi/v1/order", ORDER)
        assert isinstance(await first_item(stream), uds.UsdmOrderTradeUpdate)
        proven = await first_item(stream)
        assert isinstance(proven, uds.Proven)
        assert (proven.account, proven.stream) == ("usdm-futures", "usdm-futures")
        assert stream.statistics().proven_at is not None
        sandbox.faults.cut()
        await trio.sleep(60)
        kinds = [type(await first_item(stream)) for _ in range(stream.statistics().buffered)]
        assert kinds == [uds.Disconnected, uds.Gap]
        assert stream.statistics().proven_at is not None


async def test_an_unproven_stream_that_reconnects_says_nothing_twice(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with (
        answering(monkeypatch, {"result": []}) as (sandbox, account),
        opening(sandbox, account, uds.COINM_FUTURES) as stream,
    ):
        assert isinstance(await first_item(stream), uds.Unproven)
        sandbox.faults.cut()
        await trio.sleep(60)
        kinds = [type(await first_item(stream)) for _ in range(stream.statistics().buffered)]
        assert kinds == [uds.Disconnected, uds.Gap]
        assert stream.statistics().proven_at is None
        monkeypatch.undo()
        sandbox.faults.cut()
        await trio.sleep(60)
        kinds = [type(await first_item(stream)) for _ in range(stream.statistics().buffered)]
        assert kinds == [uds.Disconnected, uds.Proven, uds.Gap], "the next connection lists its streams"


@pytest.mark.parametrize("path", ["/public/ws", "/market/ws", "/ws"])
async def test_the_silent_paths_of_usdm_are_said_to_be_unproven(
    autojump_clock: trio.testing.MockClock, path: str
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = account_for_all(sandbox)
        url = sandbox.environment.url(uds.Host.USDM_STREAM).replace("/private/ws", path)
        async with opening(sandbox, account, uds.USDM_FUTURES, url) as stream:
            account.call("POST /fapi/v1/order", ORDER)
            unproven = await first_item(stream)
            assert isinstance(unproven, uds.Unproven)
            assert url in unproven.detail
            await trio.sleep(600)
            assert stream.statistics().buffered == 0
