"""Reads the command line into values that are ready for use; what is wrong with it is told in one line."""

from __future__ import annotations

import argparse
import math
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import attrs

import trio_binance_uds
from trio_binance_uds import DEMO, PRODUCTION, TESTNET, Environment, Network, Product, TransportKind, __version__
from trio_binance_uds.cli.plain import one_line, printable

# Every product that the library has, so that a new one needs no change here.
PRODUCTS = {value.name: value for value in vars(trio_binance_uds).values() if isinstance(value, Product)}
ENVIRONMENTS = {environment.name: environment for environment in (PRODUCTION, TESTNET, DEMO)}

_STATUSES = (
    "exit status: 0 when it ended by itself or when nobody reads its output any more, 1 when it failed, 2 when it was "
    "called wrongly, 130 after Ctrl-C (and 143 after SIGTERM), which ends it cleanly"
)
_KEYS = (
    "The key is taken from the environment: BINANCE_API_KEY, and one of BINANCE_API_SECRET, BINANCE_PRIVATE_KEY and "
    "BINANCE_PRIVATE_KEY_FILE, with BINANCE_PRIVATE_KEY_PASSPHRASE if the key is encrypted."
)


@attrs.frozen(kw_only=True)
class WatchOptions:
    """What ``watch`` was asked for; ``url`` replaces that of the environment, ``duration`` is in seconds."""

    product: Product
    environment: Environment
    network: Network
    transport: TransportKind
    json: bool
    sandbox: bool
    color: bool
    duration: float | None


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


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say it in one line: the usage, which argparse would print first, is what ``--help`` is for."""
        self.exit(2, f"{self.prog}: {printable(message)}; see {self.prog} --help\n")


def parse(argv: Sequence[str] | None) -> WatchOptions | SandboxOptions:
    """Return what was asked for.

    Raises:
        SystemExit: help was asked for and given, or the command line is wrong, which has been said on stderr.
    """
    parser, watch = _parsers()
    given = parser.parse_args(argv)
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
    product: Product = PRODUCTS[given.product]
    if given.sandbox and (unfit := [name for name in ("environment", "url", "proxy") if getattr(given, name)]):
        watch.error(f"--{unfit[0]} does not go with --sandbox, which brings its own")
    if given.url:
        try:
            environment = environment.override(**{product.mechanism.connects_to: given.url})
        except ValueError as error:
            watch.error(f"argument --url: {one_line(error)}")
    return WatchOptions(
        product=product,
        environment=environment,
        network=given.proxy or Network(),
        transport=given.transport,
        json=given.json,
        sandbox=given.sandbox,
        color=not given.no_color,
        duration=given.duration,
    )


def _parsers() -> tuple[_Parser, _Parser]:
    parser = _Parser(
        prog="trio-binance-uds",
        description="Binance user data streams: watch one, or run a local Binance to try things out.",
        epilog=_STATUSES,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    watch = commands.add_parser(
        "watch",
        help="print the events of an account as they happen",
        description=f"Print the events of an account as they happen, and each place where some may be missing. {_KEYS}",
        epilog=_STATUSES,
    )
    _add_watch_arguments(watch)
    sandbox = commands.add_parser(
        "sandbox",
        help="run a local Binance until Ctrl-C",
        description="Run a local Binance until Ctrl-C, and print where it is and keys for it as lines for a shell. "
        "The keys open nothing but this sandbox, and are gone with it.",
        epilog=_STATUSES,
    )
    _add_sandbox_arguments(sandbox)
    return parser, watch


def _add_watch_arguments(watch: argparse.ArgumentParser) -> None:
    add = watch.add_argument
    add("product", nargs="?", choices=PRODUCTS, default="spot", metavar="PRODUCT", help=f"one of: {_list(PRODUCTS)}")
    add("--environment", choices=ENVIRONMENTS, metavar="NAME", help=f"one of: {_list(ENVIRONMENTS)}")
    add("--url", metavar="WSURL", help="where the WebSocket API is, instead of where the environment has it")
    add("--sandbox", action="store_true", help="watch a local Binance where somebody trades; no key is needed")
    add("--json", action="store_true", help="print one JSON object per line; all else goes to stderr")
    add("--duration", type=_seconds, metavar="SECONDS", help="end after so long")
    add("--proxy", type=_proxy, metavar="URL", help="an HTTP proxy: http://user:password@host:port")
    add(
        "--transport",
        type=TransportKind,
        choices=list(TransportKind),
        default=TransportKind.WEBSOCKETS,
        metavar="LIBRARY",
        help=f"which WebSocket library to use: {_list(TransportKind)}",
    )
    add("--no-color", action="store_true", help="no colours; NO_COLOR in the environment means the same")


def _add_sandbox_arguments(sandbox: argparse.ArgumentParser) -> None:
    add = sandbox.add_argument
    add("--host", default="127.0.0.1", help="the address to listen on; %(default)s by default")
    add("--ws-port", type=_port, default=0, metavar="N", help="the WebSocket API's port; any free one by default")
    add("--rest-port", type=_port, default=0, metavar="N", help="the REST API's port; any free one by default")
    add("--tls", action="store_true", help="speak TLS, with a certificate authority made up for this")
    add("--trader", action="store_true", help="let somebody trade on the account")
    add("--lifetime", type=_seconds, default=86_400.0, metavar="SECONDS", help="how long a connection may live; 24 h")
    add("--seed", type=int, default=0, metavar="N", help="makes keys and all that is random repeatable")
    add("--env", type=Path, metavar="FILE", help="write the lines with the Ed25519 key to a file, for 'source FILE'")
    add("--no-color", action="store_true", help="no colours; NO_COLOR in the environment means the same")


def _list(names: Sequence[str] | dict[str, Product] | dict[str, Environment] | type[TransportKind]) -> str:
    return ", ".join(names)


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
        raise argparse.ArgumentTypeError(str(error)) from None
