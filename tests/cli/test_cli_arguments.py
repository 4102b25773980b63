"""Command lines: good ones become values, bad ones one line and status 2."""

from __future__ import annotations

from pathlib import Path

import pytest

from trio_binance_uds import PRODUCTS, SPOT, TESTNET, Host, TransportKind, __version__
from trio_binance_uds.cli import main
from trio_binance_uds.cli.arguments import SandboxOptions, WatchOptions, parse


def watching(*argv: str) -> WatchOptions:
    options = parse(["watch", *argv])
    assert isinstance(options, WatchOptions)
    return options


def test_watch_without_options_is_spot_in_production() -> None:
    options = watching()
    assert options.product is SPOT
    assert options.environment.url(Host.SPOT_WS_API) == "wss://ws-api.binance.com:443/ws-api/v3"
    assert options.duration is None
    assert options.transport is TransportKind.WEBSOCKETS
    assert options.color
    assert not options.json
    assert not options.sandbox


def test_watch_takes_all_it_is_given() -> None:
    proxy = ["--proxy", "http://me:pass@127.0.0.1:3128"]
    more = [
        "--json",
        "--no-color",
        "--duration",
        "2.5",
        "--transport",
        "trio-websocket",
        "--symbol",
        "BTCUSDT",
        "--symbol",
        "ETHUSDT",
    ]
    options = watching("spot", "--environment", "testnet", *more, *proxy)
    assert options.environment == TESTNET
    assert (options.json, options.color, options.duration) == (True, False, 2.5)
    assert options.transport is TransportKind.TRIO_WEBSOCKET
    assert options.symbols == ("BTCUSDT", "ETHUSDT")
    assert options.network.proxy == "http://me:pass@127.0.0.1:3128"


def test_a_url_replaces_that_of_the_environment() -> None:
    url = "ws://127.0.0.1:9443/ws-api/v3"
    assert watching("--url", url).environment.url(Host.SPOT_WS_API) == url


@pytest.mark.parametrize(
    "name", [*PRODUCTS, "isolated-margin:BTCUSDT", "cross-margin+isolated-margin:BTCUSDT+isolated-margin:ETHUSDT"]
)
def test_watch_takes_every_product_by_its_name(name: str) -> None:
    assert watching(name).product.name == name
    assert watching(name, "--sandbox").sandbox


@pytest.mark.parametrize(
    "given",
    [
        ["--url", "ws://127.0.0.1:1/ws", "--url", "usdm_rest=http://127.0.0.1:2/base"],
        ["--url", " usdm_stream=ws://127.0.0.1:1/ws  usdm_rest=http://127.0.0.1:2/base "],
    ],
)
def test_the_url_of_any_host_can_be_replaced(given: list[str]) -> None:
    environment = watching("usdm-futures", *given).environment
    assert environment.url(Host.USDM_STREAM) == "ws://127.0.0.1:1/ws"
    assert environment.url(Host.USDM_REST) == "http://127.0.0.1:2/base"
    assert environment.url(Host.COINM_REST) == "https://dapi.binance.com"


def test_a_url_without_a_host_is_that_of_the_products_own_socket() -> None:
    url = "wss://example.com/private/ws?listenKey=x"
    assert watching("options", "--url", url).environment.url(Host.OPTIONS_STREAM) == url


def test_sandbox_takes_all_it_is_given() -> None:
    given = "--host ::1 --ws-port 1 --rest-port 65535 --tls --trader --lifetime 60 --seed 7 --env keys.sh --no-color"
    assert parse(["sandbox", *given.split()]) == SandboxOptions(
        host="::1",
        ws_port=1,
        rest_port=65535,
        tls=True,
        trader=True,
        lifetime=60.0,
        seed=7,
        env_file=Path("keys.sh"),
        color=False,
    )


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        ([], "say what to do: watch, doctor, sandbox"),
        (["trade"], "invalid choice: 'trade' (choose from 'watch', 'doctor', 'sandbox')"),
        (["watch", "margin-of-error"], "no product 'margin-of-error'; there are spot, cross-margin, "),
        (["watch", "isolated-margin"], "isolated-margin:SYMBOL"),
        (["watch", "isolated-margin:"], "isolated-margin:SYMBOL"),
        (["watch", "isolated-margin:btcusdt"], "in upper case, got 'btcusdt'"),
        (["watch", "cross-margin+nonsense"], "no product 'nonsense'"),
        (["watch", "cross-margin+cross-margin"], "each once; got cross-margin, cross-margin"),
        (["watch", "cross-margin+usdm-futures"], "usdm-futures is not subscribed to with a listen token"),
        (["watch", "spot", "--url", "usdm=ws://127.0.0.1"], "no URL named 'usdm'; there are spot_ws_api, "),
        (["watch", "spot", "--url", "usdm_rest=ws://127.0.0.1"], "usdm_rest must start with https:// or http://"),
        (["watch", "--environment", "moon"], "invalid choice: 'moon' (choose from 'production', 'testnet', "),
        (["watch", "--url", "http://127.0.0.1"], "must start with wss:// or ws://"),
        (["watch", "--transport", "pigeon"], "'pigeon' (choose from 'websockets', 'trio-websocket')"),
        (["watch", "--symbol", "btcusdt"], "in upper case: 'BTCUSDT'"),
        (["watch", "--duration", "-1"], "'-1' is not a positive number of seconds"),
        (["watch", "--duration", "soon"], "'soon' is not a positive number of seconds"),
        (["watch", "--duration", "inf"], "'inf' is not a positive number of seconds"),
        (["watch", "--sandbox", "--environment", "demo"], "--environment does not go with --sandbox"),
        (["watch", "--sandbox", "--url", "ws://127.0.0.1"], "--url does not go with --sandbox"),
        (["watch", "--proxy", "socks5://127.0.0.1:1080"], "user:password@host:port (https is possible too); see"),
        (["watch", "spot", "line\nbreak\x1b"], "line\\nbreak\\x1b"),
        (["sandbox", "--ws-port", "70000"], "'70000' is not a port"),
        (["sandbox", "--ws-port", "http"], "'http' is not a port"),
        (["sandbox", "--rest-port", "٣"], "is not a port"),
        (["sandbox", "--rest-port=-1"], "'-1' is not a port"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], argv: list[str], complaint: str
) -> None:
    assert main(argv) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("trio-binance-uds")
    assert said.err.endswith("--help\n")
    assert complaint in said.err


def test_the_password_of_a_wrong_proxy_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", "--proxy", "http://me:hunter2@host:port"]) == 2
    assert "hunter2" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "content"),
    [
        (["--help"], "watch"),
        (["watch", "--help"], "BINANCE_PRIVATE_KEY_FILE"),
        (["sandbox", "--help"], "--lifetime"),
        (["--version"], __version__),
    ],
)
def test_help_is_given_on_stdout(capsys: pytest.CaptureFixture[str], argv: list[str], content: str) -> None:
    assert main(argv) == 0
    assert content in capsys.readouterr().out
