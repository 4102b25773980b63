"""What does not fit is refused where it was given, in words that say what would fit; nothing is opened."""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import open_sandbox

KEY = uds.Credentials.from_secret("k" * 64, "s" * 64)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: uds.Recovery(symbols="BTCUSDT"), TypeError, r"write symbols=\('BTCUSDT',\)"),
        (lambda: uds.Recovery(symbols=b"BTCUSDT"), TypeError, "several texts"),
        (lambda: uds.Recovery(symbols=None), TypeError, "several texts, such as symbols=\\('BTCUSDT',\\), got None"),
        (lambda: uds.Recovery(symbols=["BTCUSDT", 7]), TypeError, "got 7 among them"),
        (lambda: uds.Recovery(symbols=["btcusdt"]), ValueError, "upper case: 'BTCUSDT', got 'btcusdt'"),
        (lambda: uds.Recovery(symbols=["BTC/USDT"]), ValueError, "without blanks and signs, got 'BTC/USDT'"),
        (lambda: uds.Recovery(symbols=[""]), ValueError, "a symbol such as 'BTCUSDT'"),
        (lambda: uds.Recovery(symbols=["B" * 300]), ValueError, "…$"),
        (lambda: uds.Recovery(max_seconds=0), ValueError, "max_seconds must be a positive number of seconds, got 0"),
        (lambda: uds.Recovery(max_seconds=-1.0), ValueError, "positive"),
        (lambda: uds.Recovery(max_seconds=math.nan), ValueError, "positive"),
        (lambda: uds.Recovery(max_seconds="5"), TypeError, "positive number of seconds, got '5'"),
        (lambda: uds.Recovery(max_weight=-5), ValueError, "whole number of at least 1 or None, got -5"),
        (lambda: uds.Recovery(max_weight=0), ValueError, "at least 1"),
        (lambda: uds.Recovery(max_weight=1.5), TypeError, "whole number"),
        (lambda: uds.Recovery(max_weight=True), TypeError, "whole number"),
        (lambda: uds.Recovery(enabled="no"), TypeError, "enabled must be True or False, got 'no'"),
        (lambda: uds.Timeouts(pong=0), ValueError, "pong must be a positive number of seconds, got 0"),
        (lambda: uds.Timeouts(close=-1), ValueError, "close must be"),
        (lambda: uds.Timeouts(answer=None), TypeError, "answer must be"),
        (lambda: uds.Timeouts(answer=True), TypeError, "answer must be"),
        (lambda: uds.Backoff(initial=0), ValueError, "initial must be"),
        (lambda: uds.Backoff(initial="1"), TypeError, "initial must be"),
        (lambda: uds.Backoff(initial=9, maximum=3), ValueError, "initial must be at most maximum"),
        (lambda: uds.Backoff(reset_after=-1), ValueError, "reset_after must be a number of seconds, 0 or more"),
        (lambda: uds.Backoff(attempts=0), ValueError, "attempts must be a whole number of at least 1 or None"),
        (lambda: uds.Backoff(attempts=2.5), TypeError, "attempts must be"),
        (lambda: uds.Rollover(lifetime=0), ValueError, "lifetime must be"),
        (lambda: uds.Rollover(lead=0), ValueError, "lead must be"),
        (lambda: uds.Rollover(jitter=-1), ValueError, "jitter must be"),
        (lambda: uds.Rollover(lifetime=10, lead=5, jitter=5), ValueError, "leave something of the lifetime"),
        (lambda: uds.Rollover(lifetime="a day"), TypeError, "lifetime must be"),
        (lambda: uds.Network(proxy=80), TypeError, "proxy must be a text: it must look like http://host:port"),
        (lambda: uds.Network(ssl_context=True), TypeError, "ssl_context must be an ssl.SSLContext or None"),
        (lambda: uds.Network(ssl_context=ssl.SSLContext), TypeError, "the class SSLContext itself; call it"),
        (lambda: uds.Network(open_stream="localhost"), TypeError, "open_stream must be an async function"),
        (lambda: uds.isolated_margin("btcusdt"), ValueError, "in upper case, got 'btcusdt'"),
        (lambda: uds.isolated_margin("BTC USDT"), ValueError, "named by its symbol"),
        (lambda: uds.isolated_margin(uds.SPOT), TypeError, "a text such as 'BTCUSDT'"),
        (lambda: uds.margin_accounts(5), TypeError, r"such as CROSS_MARGIN or isolated_margin\('BTCUSDT'\)"),
        (lambda: uds.margin_accounts([uds.CROSS_MARGIN]), TypeError, "got a value of type list"),
        (lambda: uds.margin_accounts(uds.SPOT), ValueError, "spot is not subscribed to with a listen token"),
        (lambda: uds.margin_accounts(), ValueError, "at least one"),
        (lambda: uds.usdm_futures(events="ORDER_TRADE_UPDATE"), TypeError, "write events=.'ORDER_TRADE_UPDATE',."),
        (lambda: uds.usdm_futures(events=["ORDER"]), ValueError, "no event 'ORDER'; they have"),
        (lambda: uds.find_product("sport"), ValueError, "no product 'sport'; there are spot, cross-margin"),
        (lambda: uds.find_product(uds.SPOT), TypeError, "a text such as 'spot'"),
        (lambda: uds.find_environment("prod"), ValueError, "there are production, testnet, demo"),
        (lambda: uds.find_environment(None), TypeError, "a text such as 'testnet'"),
        (lambda: uds.Environment("mine", {"spot": "wss://x.test"}), ValueError, "no URL named 'spot'; there are spot_"),
        (lambda: uds.Environment("mine", {uds.Host.SPOT_REST: 7}), TypeError, "the URL for spot_rest must be a text"),
        (lambda: uds.TESTNET.override(spot_rest="api.test"), ValueError, "must start with https:// or http://"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_when_it_is_made(
    make: Callable[[], object], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        make()
    assert len(str(caught.value)) < 400


def test_what_fits_is_taken() -> None:
    assert uds.Recovery(symbols=["BTCUSDT", "BTCUSD_PERP", "BTC-240329-70000-C"]).symbols[2] == "BTC-240329-70000-C"
    assert uds.Recovery(symbols=()).symbols == ()
    assert uds.Timeouts(answer=1, pong=math.inf).pong == math.inf
    assert uds.Backoff(attempts=1, reset_after=0).reset_after == 0
    assert uds.Network(ssl_context=ssl.create_default_context()).proxy_address is None
    assert uds.Environment("mine", {"spot_rest": "https://x.test"}).url(uds.Host.SPOT_REST) == "https://x.test"


async def opening(*args: Any, **options: Any) -> None:
    async with uds.open_user_data_stream(*args, **options):
        pytest.fail("it opened")


@pytest.mark.parametrize(
    ("args", "options", "error", "words"),
    [
        (("k" * 64, uds.SPOT), {}, TypeError, r"from Credentials.from_secret\(.*got a value of type str"),
        ((("k" * 64, "s" * 64), uds.SPOT), {}, TypeError, "got a value of type tuple"),
        ((uds.Credentials, uds.SPOT), {}, TypeError, "got the class Credentials itself; call it"),
        ((uds.SPOT, KEY), {}, TypeError, "the credentials come first and then the product"),
        (("spot", KEY), {}, TypeError, "the credentials come first"),
        ((KEY, "sport"), {}, ValueError, "no product 'sport'; there are spot"),
        ((KEY, "isolated-margin:btcusdt"), {}, ValueError, "upper case"),
        ((KEY, None), {}, TypeError, "a product such as SPOT, or the name of one such as 'spot'"),
        ((KEY, uds.SPOT.mechanism), {}, TypeError, "got a value of type WsApiSubscription"),
        ((KEY, uds.SPOT), {"environment": "prod"}, ValueError, "no environment 'prod'"),
        ((KEY, uds.SPOT), {"environment": uds.PRODUCTION.urls}, TypeError, "such as TESTNET"),
        ((KEY, uds.SPOT), {"network": "http://proxy.test:80"}, TypeError, r"made by Network\(\.\.\.\)"),
        ((KEY, uds.SPOT), {"timeouts": 5}, TypeError, r"timeouts must be made by Timeouts\(\.\.\.\)"),
        ((KEY, uds.SPOT), {"backoff": None}, TypeError, "backoff must be"),
        ((KEY, uds.SPOT), {"rollover": uds.Rollover}, TypeError, "the class Rollover itself; call it"),
        ((KEY, uds.SPOT), {"recovery": False}, TypeError, "recovery must be"),
        ((KEY, uds.SPOT), {"max_buffer": 1}, ValueError, "at least 2, one event and one gap"),
        ((KEY, uds.SPOT), {"max_buffer": "9"}, TypeError, "max_buffer must be a whole number"),
        ((KEY, uds.SPOT), {"transport": "requests"}, ValueError, "no transport 'requests'; there are websockets"),
        ((KEY, uds.SPOT), {"transport": None}, TypeError, "transport must be one of websockets"),
        ((KEY, uds.SPOT), {"logon": "yes"}, TypeError, "logon must be True, False, or None"),
        ((KEY, uds.SPOT), {"delete_listen_key_on_exit": 1}, TypeError, "True or False"),
        ((KEY, uds.SPOT), {"seed": "x"}, TypeError, "seed must be a whole number"),
        ((KEY, uds.SPOT), {"seed": True}, TypeError, "seed must be a whole number"),
    ],
)
async def test_arguments_that_do_not_fit_are_refused_before_anything_is_opened_and_no_secret_is_quoted(
    args: tuple[Any, ...], options: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words) as caught:
        await opening(*args, **options)
    assert "kkkk" not in str(caught.value)
    assert "ssss" not in str(caught.value)


@pytest.mark.parametrize(
    ("product", "transport"), [("spot", "websockets"), ("cross-margin", uds.TransportKind.TRIO_WEBSOCKET)]
)
async def test_products_and_transports_can_be_named(
    autojump_clock: trio.testing.MockClock, product: str, transport: str
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "100"}, cross_margin={"USDT": "100"})
        async with uds.open_user_data_stream(
            account.credentials,
            product,
            environment=sandbox.environment,
            network=sandbox.network,
            transport=transport,
        ) as stream:
            assert stream.product is uds.find_product(product)
            assert stream.name == product


def test_margin_accounts_can_be_named() -> None:
    joined = uds.margin_accounts("cross-margin", uds.isolated_margin("BTCUSDT"))
    assert joined == uds.margin_accounts(uds.CROSS_MARGIN, "isolated-margin:BTCUSDT")


async def test_environments_can_be_named() -> None:
    for environment in (uds.PRODUCTION, uds.TESTNET, uds.DEMO):
        assert uds.find_environment(environment.name) is environment
    with pytest.raises(uds.NotOffered, match="the demo environment has no options_stream"):
        await opening(KEY, "options", environment="demo")


def test_a_frame_can_be_decoded_for_the_name_of_a_product() -> None:
    frame = '{"e":"somethingNew"}'
    assert uds.decode_frame(frame, "spot") == uds.decode_frame(frame, uds.SPOT)


@pytest.mark.parametrize(
    "opens",
    [
        lambda: uds.open_user_data_stream(KEY, uds.SPOT),
        open_sandbox,
        lambda: open_sandbox(in_memory=True),
    ],
)
def test_under_asyncio_it_says_that_this_is_trio_and_what_to_do(
    opens: Callable[[], AbstractAsyncContextManager[object]],
) -> None:
    async def main() -> None:
        async with opens():
            pytest.fail("it opened")

    with pytest.raises(RuntimeError, match=r"runs on trio.*asyncio.*trio\.run\(main\).*start_guest_run"):
        asyncio.run(main())
    with pytest.raises(RuntimeError, match="runs on trio"):
        main().send(None)
