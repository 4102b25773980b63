"""Times in microseconds, asked for by an option or in the URL: a stream works as with milliseconds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.link.openers.urls import extended, with_time_unit
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox

MARKET = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
PRODUCTS = {
    "spot": (uds.SPOT, {"balances": {"USDT": "1000000"}}, "order.place"),
    "cross margin": (uds.CROSS_MARGIN, {"cross_margin": {"USDT": "1000000"}}, "POST /sapi/v1/margin/order"),
    "isolated margin": (
        uds.isolated_margin("BTCUSDT"),
        {"isolated_margin": {"BTCUSDT": {"USDT": "1000000"}}},
        "POST /sapi/v1/margin/order",
    ),
}
HOST = uds.Host.SPOT_WS_API


def by_hand(sandbox: Sandbox) -> dict[str, Any]:
    url = sandbox.environment.url(HOST) + "?timeUnit=MICROSECOND"
    return {"environment": sandbox.environment.override(**{HOST: url})}


def by_option(sandbox: Sandbox) -> dict[str, Any]:
    return {"environment": sandbox.environment, "time_unit": uds.TimeUnit.MICROSECOND}


def by_name_over_another(sandbox: Sandbox) -> dict[str, Any]:
    url = sandbox.environment.url(HOST) + "?timeUnit=MILLISECOND"
    return {"environment": sandbox.environment.override(**{HOST: url}), "time_unit": "microsecond"}


@pytest.mark.parametrize("ask", [by_hand, by_option, by_name_over_another])
@pytest.mark.parametrize("skew", [-30, 0, 30])
@pytest.mark.parametrize("name", PRODUCTS)
async def test_it_opens_recovers_and_rolls_over_whatever_this_machines_clock_shows(
    autojump_clock: trio.testing.MockClock, name: str, skew: float, ask: Any
) -> None:
    product, wallets, place = PRODUCTS[name]
    async with open_sandbox(in_memory=True) as sandbox:
        sandbox.clock.skew = skew
        maker = sandbox.add_account(balances={"BTC": "10"})
        maker.call("order.place", {**MARKET, **RESTING})
        account = sandbox.add_account(**wallets)
        isolated = {"isIsolated": "TRUE"} if name == "isolated margin" else {}

        def buy(account: SandboxAccount, quantity: str) -> None:
            account.call(place, {**MARKET, **isolated, "quantity": quantity})

        async with uds.open_user_data_stream(
            account.credentials,
            product,
            network=sandbox.network,
            rollover=uds.Rollover(lifetime=700, lead=100, jitter=0),
            recovery=uds.Recovery(symbols=("BTCUSDT",)),
            **ask(sandbox),
        ) as stream:
            items: list[uds.Event | uds.Notice] = []

            async def read() -> None:
                async for item in stream:
                    items.append(item)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                buy(account, "0.1")
                await trio.sleep(120)
                sandbox.faults.cut()
                buy(account, "0.2")
                await trio.sleep(120)
                links = stream.statistics().links_opened
                await trio.sleep(900)
                assert stream.statistics().links_opened > links, "there was a rollover"
                buy(account, "0.3")
                await trio.sleep(5)
                nursery.cancel_scope.cancel()
            statistics = stream.statistics()
            assert abs(stream.now() - sandbox.clock.datetime()) <= timedelta(milliseconds=2)
            assert statistics.clock_uncertainty_seconds is not None
            assert statistics.clock_uncertainty_seconds < 0.1
    trades = [item for item in items if isinstance(item, uds.ExecutionReport) and item.execution_type == "TRADE"]
    assert [str(trade.last_executed_quantity) for trade in trades] == ["0.10000000", "0.20000000", "0.30000000"]
    assert [trade.recovered for trade in trades] == [False, True, False]
    gaps = [item for item in items if isinstance(item, uds.Gap)]
    assert [gap.complete for gap in gaps] == [True], gaps


RESTING = {"side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": "60000", "quantity": "5"}


@pytest.mark.parametrize(
    "product",
    [uds.MARGIN_RISK, uds.USDM_FUTURES, uds.COINM_FUTURES, uds.OPTIONS, uds.PORTFOLIO_MARGIN, uds.PORTFOLIO_MARGIN_PRO],
    ids=lambda product: product.name,
)
@pytest.mark.parametrize("unit", uds.TimeUnit)
async def test_products_without_that_choice_refuse_it_in_words(product: uds.Product, unit: uds.TimeUnit) -> None:
    credentials = uds.Credentials.from_secret("test-api-key-0001", "test-secret-0001")
    with pytest.raises(ValueError, match=f"time_unit is for products on the WebSocket API .* {product.name} is not"):
        async with uds.open_user_data_stream(credentials, product, time_unit=unit):
            pytest.fail("it opened")


@pytest.mark.parametrize("unit", ["NANOSECOND", "", 1, True])
async def test_another_unit_is_refused(unit: Any) -> None:
    credentials = uds.Credentials.from_secret("test-api-key-0001", "test-secret-0001")
    with pytest.raises(ValueError, match="time_unit must be one of MILLISECOND, MICROSECOND, got"):
        async with uds.open_user_data_stream(credentials, uds.SPOT, time_unit=unit):
            pytest.fail("it opened")


@pytest.mark.parametrize(
    ("url", "unit", "expected"),
    [
        ("wss://a.test/ws-api/v3", None, "wss://a.test/ws-api/v3"),
        ("wss://a.test/ws-api/v3?x=1", None, "wss://a.test/ws-api/v3?x=1"),
        ("wss://a.test/ws-api/v3", "MICROSECOND", "wss://a.test/ws-api/v3?timeUnit=MICROSECOND"),
        (
            "wss://a.test:9443/ws-api/v3?x=1&timeUnit=MILLISECOND&y=2",
            "MICROSECOND",
            "wss://a.test:9443/ws-api/v3?x=1&y=2&timeUnit=MICROSECOND",
        ),
    ],
)
def test_the_rest_of_a_url_stays_as_it_is(url: str, unit: str | None, expected: str) -> None:
    assert with_time_unit(url, uds.SPOT, unit) == expected


@pytest.mark.parametrize(
    ("url", "path", "query", "expected"),
    [
        ("wss://a.test/ws", "/key", "", "wss://a.test/ws/key"),
        ("wss://a.test/ws/", "/key", "", "wss://a.test/ws/key"),
        ("wss://a.test", "/key", "", "wss://a.test/key"),
        ("wss://a.test/ws?via=me", "/key", "", "wss://a.test/ws/key?via=me"),
        ("wss://a.test/ws", "", "listenKey=key", "wss://a.test/ws?listenKey=key"),
        ("wss://a.test/ws?via=me", "", "listenKey=key&events=A/B", "wss://a.test/ws?via=me&listenKey=key&events=A/B"),
    ],
)
def test_what_is_added_to_a_url_comes_beside_its_own_query(url: str, path: str, query: str, expected: str) -> None:
    assert extended(url, path, query) == expected


def test_a_rest_url_with_a_query_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot have a query: a request is signed over all of its query"):
        uds.PRODUCTION.override(usdm_rest="https://a.test?via=me")
