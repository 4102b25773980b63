"""URLs that are known to acknowledge a connection and to bring nothing are refused in words that say what to use."""

from __future__ import annotations

import pytest

from trio_binance_uds import DEMO, DEMO_BINANCEFUTURE, PRODUCTION, TESTNET, Environment, Host

FSTREAM = ["usdm_stream", "options_stream", "portfolio_margin_stream", "portfolio_margin_pro_stream"]
MARGIN = ["margin_stream", "margin_listen_key_stream", "unified_margin_stream"]
STREAMS = [*FSTREAM, *MARGIN, "coinm_stream", "stocks_stream"]


@pytest.mark.parametrize(
    "environment", [PRODUCTION, TESTNET, DEMO, DEMO_BINANCEFUTURE], ids=lambda environment: environment.name
)
def test_what_an_environment_has_is_accepted(environment: Environment) -> None:
    for host, url in environment.urls.items():
        assert environment.override(**{host.value: url}).urls == environment.urls


@pytest.mark.parametrize(
    ("role", "url"),
    [
        *[(role, f"wss://fstream.binance.com/{path}/ws") for role in FSTREAM for path in ("public", "market")],
        *[(role, f"ws://127.0.0.1:9000/{path}") for role in FSTREAM for path in ("public/ws", "market/stream/")],
        *[(role, f"wss://fstream.binance.com/{kind}") for role in FSTREAM for kind in ("ws", "stream")],
        *[(role, "wss://ws-api.binance.com:443/ws-api/v3") for role in STREAMS],
        *[(role, "ws://127.0.0.1:8443/ws-api/v3") for role in STREAMS],
        *[(role, "wss://ws-fapi.binance.com/ws-fapi/v1") for role in STREAMS],
        *[(role, "wss://ws-dapi.binance.com/ws") for role in STREAMS],
        *[(role, "wss://stream.binance.com:9443/ws") for role in STREAMS],
        *[(role, "wss://dstream.binance.com/ws") for role in STREAMS if role != "coinm_stream"],
        *[(role, "wss://demo-dstream.binance.com/private/ws") for role in FSTREAM],
        *[(role, "wss://margin-stream.binance.com/ws") for role in STREAMS if role not in MARGIN],
        ("coinm_stream", "wss://fstream.binance.com/private/ws"),
        ("coinm_stream", "wss://demo-fstream.binance.com/ws"),
        *[(role, "wss://fstream.binance.com/ws") for role in MARGIN],
        *[(role, "wss://nbstream.binance.com/equity/ws") for role in STREAMS if role != "stocks_stream"],
        ("stocks_stream", "wss://fstream.binance.com/private/ws"),
        ("usdm_stream", "wss://fstream.binance.com/pm/ws"),
        ("usdm_stream", "wss://fstream.binance.com/PM-classic/WS"),
        ("options_stream", "wss://fstream.binance.com/pm-classic/ws"),
        ("portfolio_margin_stream", "wss://fstream.binance.com/private/ws"),
        ("portfolio_margin_pro_stream", "wss://fstream.binance.com/pm/ws"),
        ("spot_ws_api", "wss://ws-fapi.binance.com/ws-fapi/v1"),
        ("spot_ws_api", "wss://stream.binance.com:9443/ws"),
        ("spot_ws_api", "wss://fstream.binance.com/private/ws"),
        ("spot_ws_api", "ws://127.0.0.1:1/ws"),
        ("spot_ws_api", "wss://dstream.binance.com./"),
    ],
)
def test_a_url_that_is_known_to_be_silent_is_refused_and_the_right_one_named(role: str, url: str) -> None:
    with pytest.raises(ValueError, match=f"cannot be {role}: .*; use a URL such as ") as caught:
        PRODUCTION.override(**{role: url})
    example = str(caught.value).rpartition(" ")[2]
    assert PRODUCTION.urls[Host(role)] == example
    assert repr(url) in str(caught.value)


@pytest.mark.parametrize(
    ("role", "url"),
    [
        ("usdm_stream", "wss://fstream-mm.binance.com/private/ws"),
        ("usdm_stream", "wss://fstream.binance.com/private/stream"),
        ("usdm_stream", "wss://stream.binancefuture.com/ws"),
        ("usdm_stream", "ws://127.0.0.1:1/ws"),
        ("usdm_stream", "wss://relay.example.com/anything"),
        ("coinm_stream", "wss://dstream-auth.binance.com/ws"),
        ("coinm_stream", "wss://dstream.binance.com/private/ws"),
        ("options_stream", "wss://nbstream.binance.com/eoptions/ws"),
        *[(role, "wss://fstream.binance.com/private/ws") for role in MARGIN],
        ("spot_ws_api", "wss://ws-api.binance.com:9443/ws-api/v3"),
        ("spot_ws_api", "wss://127.0.0.1:1/"),
        ("usdm_rest", "https://fapi.binance.com"),
    ],
)
def test_what_is_not_known_to_be_silent_is_left_to_the_user(role: str, url: str) -> None:
    assert PRODUCTION.override(**{role: url}).url(Host(role)) == url


def test_an_environment_of_ones_own_takes_any_url() -> None:
    url = "wss://fstream.binance.com/public/ws"
    assert Environment("mine", {Host.USDM_STREAM: url}).url(Host.USDM_STREAM) == url
