"""Reads the command line into values that are ready for use; what is wrong with it is told in one line."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn, TypeAlias

import attrs

from trio_binance_uds import (
    DEMO,
    DEMO_BINANCEFUTURE,
    PRODUCTION,
    PRODUCTS,
    SPOT,
    TESTNET,
    Environment,
    Network,
    Product,
    Recovery,
    TransportKind,
    TrialOrder,
    __version__,
    find_product,
)
from trio_binance_uds.cli.plain import command_words, one_line, printable

ENVIRONMENTS = {environment.name: environment for environment in (PRODUCTION, TESTNET, DEMO, DEMO_BINANCEFUTURE)}

_STATUSES = (
    "exit status: 0 when it ended by itself or when nobody reads its output any more, 1 when it failed, 2 when it was "
    "called wrongly, 3 when events may be missing at its end, 130 after Ctrl-C (and 143 after SIGTERM), which ends it "
    "cleanly"
)
_KEYS = (
    "The key is taken from the environment: BINANCE_API_KEY, and one of BINANCE_API_SECRET, BINANCE_PRIVATE_KEY and "
    "BINANCE_PRIVATE_KEY_FILE, with BINANCE_PRIVATE_KEY_PASSPHRASE if the key is encrypted."
)


@attrs.frozen(kw_only=True)
class WatchOptions:
    """What ``watch`` was asked for; the environment has the URLs that were given, ``duration`` is in seconds."""

    product: Product
    environment: Environment
    network: Network
    transport: TransportKind
    symbols: tuple[str, ...] = ()
    json: bool
    sandbox: bool
    color: bool
    duration: float | None


@attrs.frozen(kw_only=True)
class DoctorOptions:
    """What ``doctor`` was asked for."""

    products: tuple[Product, ...]
    environment: Environment
    network: Network
    transport: TransportKind
    order: TrialOrder | None
    json: bool
    color: bool


Options: TypeAlias = "WatchOptions | DoctorOptions | SandboxOptions"


@attrs.frozen(kw_only=True)
class SandboxOptions:
    """What ``sandbox`` was asked for; port 0 is any free one, ``lifetime`` is in seconds."""

    host: str
    ws_port: int
    rest_port: int
    tls: bool
    trader: bool
    lifetime: float
    seed: int
    env_file: Path | None
    color: bool


COMMANDS = ("watch", "doctor", "sandbox")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say it in one line: the usage, which argparse would print first, is what ``--help`` is for."""
        self.exit(2, f"{self.prog}: {printable(message)}; see {self.prog} --help\n")


def parse(argv: Sequence[str] | None) -> Options:
    """Return what was asked for.

    Raises:
        SystemExit: help was asked for and given, or the command line is wrong, which has been said on stderr.
    """
    parser, watch, doctor = _parsers()
    given = parser.parse_args(argv)
    if given.command is None:
        parser.error(f"say what to do: {_list(COMMANDS)}")
    if given.command == "sandbox":
        return SandboxOptions(
            host=given.host,
            ws_port=given.ws_port,
            rest_port=given.rest_port,
            tls=given.tls,
            trader=given.trader,
            lifetime=given.lifetime,
            seed=given.seed,
            env_file=given.env,
            color=not given.no_color,
        )
    environment = ENVIRONMENTS[given.environment or PRODUCTION.name]
    if given.command == "doctor":
        return _doctor_options(doctor, given, environment)
    product: Product = given.product
    if given.sandbox and (unfit := [name for name in ("environment", "url", "proxy") if getattr(given, name)]):
        watch.error(f"--{unfit[0]} does not go with --sandbox, which brings its own")
    if given.url:
        try:
            environment = environment.override(**_urls(given.url, product))
        except ValueError as error:
            watch.error(f"argument --url: {one_line(error)}")
    return WatchOptions(
        product=product,
        environment=environment,
        network=given.proxy or Network(),
        transport=TransportKind(given.transport),
        symbols=tuple(given.symbol),
        json=given.json,
        sandbox=given.sandbox,
        color=not given.no_color,
        duration=given.duration,
    )


def _doctor_options(doctor: _Parser, given: argparse.Namespace, environment: Environment) -> DoctorOptions:
    products: tuple[Product, ...] = tuple(given.product) or (SPOT,)
    if given.url:
        try:
            # A URL that never brings events is what the doctor is there to find.
            urls = {str(host): url for host, url in environment.urls.items()} | _urls(given.url, products[0])
            environment = Environment(environment.name, urls)
        except ValueError as error:
            doctor.error(f"argument --url: {one_line(error)}")
    order = None
    if given.order:
        symbol, quantity, price = given.order
        try:
            order = TrialOrder(symbol=symbol, quantity=quantity, price=price)
        except ValueError as error:
            doctor.error(f"argument --order: {one_line(error)}")
    return DoctorOptions(
        products=products,
        environment=environment,
        network=given.proxy or Network(),
        transport=TransportKind(given.transport),
        order=order,
        json=given.json,
        color=not given.no_color,
    )


def _parsers() -> tuple[_Parser, _Parser, _Parser]:
    parser = _Parser(
        prog="trio-binance-uds",
        description="Binance user data streams: watch one, or run a local Binance to try things out.",
        epilog=_STATUSES,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    watch = commands.add_parser(
        "watch",
        help="print the events of an account as they happen",
        description=f"Print the events of an account as they happen, and each place where some may be missing. {_KEYS}",
        epilog=_STATUSES,
    )
    _add_watch_arguments(watch)
    doctor = commands.add_parser(
        "doctor",
        help="find out step by step why events do not arrive, or that they do",
        description="Examine step by step whether the events of an account can arrive: the network, the clock, the "
        f"key, the subscription, and a connection that is closed on purpose. {_KEYS}",
        epilog="exit status: 0 when nothing is wrong, 1 when something is, 2 when it was called wrongly, 130 after "
        "Ctrl-C",
    )
    _add_doctor_arguments(doctor)
    sandbox = commands.add_parser(
        "sandbox",
        help="run a local Binance until Ctrl-C",
        description="Run a local Binance until Ctrl-C, and print where it is and keys for it as lines for a shell. "
        "The keys open nothing but this sandbox, and are gone with it.",
        epilog=_STATUSES,
    )
    _add_sandbox_arguments(sandbox)
    return parser, watch, doctor


def _add_watch_arguments(watch: argparse.ArgumentParser) -> None:
    add = watch.add_argument
    add(
        "product",
        nargs="?",
        type=_product,
        default=SPOT,
        metavar="PRODUCT",
        help=f"one of: {_list(PRODUCTS)}, isolated-margin:SYMBOL; margin accounts can be joined, as in "
        "cross-margin+isolated-margin:BTCUSDT; spot by default",
    )
    _add_place(watch)
    add(
        "--symbol",
        type=_symbol,
        metavar="SYMBOL",
        action="append",
        default=[],
        help="a symbol to ask about after a gap, besides those that are known; can be given several times",
    )
    add("--sandbox", action="store_true", help="watch a local Binance where something happens; no key is needed")
    add("--json", action="store_true", help="print one JSON object per line: events on stdout, all else on stderr")
    add("--duration", type=_seconds, metavar="SECONDS", help="end after so long")
    _add_way(watch)


def _add_doctor_arguments(doctor: argparse.ArgumentParser) -> None:
    add = doctor.add_argument
    add(
        "product",
        nargs="*",
        type=_product,
        metavar="PRODUCT",
        help=f"any of: {_list(PRODUCTS)}, isolated-margin:SYMBOL, one after the other; spot by default",
    )
    _add_place(doctor)
    add(
        "--order",
        nargs=3,
        metavar=("SYMBOL", "QUANTITY", "PRICE"),
        help="place a limit order to buy, and cancel it, to see its events arrive: on a testnet or a sandbox only; "
        "give a price far below the market",
    )
    add("--json", action="store_true", help="print one JSON object per line: each finding, and at last the diagnosis")
    _add_way(doctor)


def _add_place(parser: argparse.ArgumentParser) -> None:
    """Add what says where the product is."""
    parser.add_argument("--environment", choices=ENVIRONMENTS, metavar="NAME", help=f"one of: {_list(ENVIRONMENTS)}")
    parser.add_argument(
        "--url",
        metavar="URL",
        action="append",
        help="where the product's WebSocket is, instead of where the environment has it; or HOST=URL for any host, "
        "with several apart by spaces or given one by one: usdm_rest=https://... usdm_stream=wss://...",
    )


def _add_way(parser: argparse.ArgumentParser) -> None:
    """Add what says how to get there, and how to print."""
    parser.add_argument("--proxy", type=_proxy, metavar="URL", help="an HTTP proxy: http://user:password@host:port")
    parser.add_argument(
        "--transport",
        choices=[str(kind) for kind in TransportKind],
        default=TransportKind.WEBSOCKETS,
        metavar="LIBRARY",
        help=f"which WebSocket library to use: {_list(TransportKind)}",
    )
    parser.add_argument(
        "--no-color", action="store_true", help="no colours; NO_COLOR in the environment means the same"
    )


def _add_sandbox_arguments(sandbox: argparse.ArgumentParser) -> None:
    add = sandbox.add_argument
    add("--host", default="127.0.0.1", help="the address to listen on; %(default)s by default")
    add(
        "--ws-port",
        type=_port,
        default=0,
        metavar="N",
        help="the port of spot's WebSocket API; any free one by default, as all other hosts have",
    )
    add("--rest-port", type=_port, default=0, metavar="N", help="the port of spot's REST API; any free one by default")
    add("--tls", action="store_true", help="speak TLS, with a certificate authority made up for this")
    add("--trader", action="store_true", help="let somebody trade on every market of the account")
    add("--lifetime", type=_seconds, default=86_400.0, metavar="SECONDS", help="how long a connection may live; 24 h")
    add("--seed", type=int, default=0, metavar="N", help="makes keys and all that is random repeatable")
    add("--env", type=Path, metavar="FILE", help="write the lines with the Ed25519 key to a file, for 'source FILE'")
    add("--no-color", action="store_true", help="no colours; NO_COLOR in the environment means the same")


def _list(names: Iterable[str]) -> str:
    return ", ".join(names)


def _product(name: str) -> Product:
    try:
        return find_product(name)
    except ValueError as error:
        raise argparse.ArgumentTypeError(command_words(str(error))) from None


def _symbol(text: str) -> str:
    try:
        (symbol,) = Recovery(symbols=(text,)).symbols
    except ValueError as error:
        raise argparse.ArgumentTypeError(command_words(str(error))) from None
    return symbol


def _urls(given: Sequence[str], product: Product) -> dict[str, str]:
    """Return the URLs by host; one without a host's name is that of the product's socket."""
    urls: dict[str, str] = {}
    for text in " ".join(given).split():
        host, equals, url = text.partition("=")
        # A URL can have an equals sign of its own, in its query.
        urls.update({host: url} if equals and "://" not in host else {product.mechanism.connects_to: text})
    return urls


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return seconds


def _port(text: str) -> int:
    # isdecimal() alone would let other scripts' digits through.
    if not (text.isascii() and text.isdecimal() and int(text[:6]) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: it must be a number from 0 to 65535")
    return int(text)


def _proxy(url: str) -> Network:
    try:
        return Network(proxy=url)
    except ValueError as error:
        # argparse would quote the URL, and with it the password.
        raise argparse.ArgumentTypeError(command_words(str(error))) from None
