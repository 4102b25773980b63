"""Who is measured: this library, two floors, and other clients at the versions that are named here."""

from __future__ import annotations

from collections.abc import Set
from enum import StrEnum

import attrs


class Case(StrEnum):
    """What is measured; :mod:`benchmarks.cases` says how."""

    BURST = "burst"
    BURST_TLS = "burst_tls"
    PACED_500 = "paced_500"
    PACED_5000 = "paced_5000"
    SLOW = "slow"
    SLOW_WITHIN = "slow_within"
    SESSION = "requests_session"
    SIGNED = "requests_signed"
    IMPORT = "import"
    ACCOUNTS = "accounts"
    GROWTH = "growth"
    DECODE = "decode"


class Installer(StrEnum):
    """Which registry a client comes from."""

    PIP = "pip"
    NPM = "npm"


@attrs.frozen
class Package:
    """What to install, into an environment of its own."""

    installer: Installer
    name: str
    version: str

    @property
    def folder(self) -> str:
        return f"{self.installer}-{self.name}"


@attrs.frozen(kw_only=True)
class Client:
    """One line of the tables.

    Attributes:
        package: where it comes from; ``None`` for what runs in our own environment.
        script: its program in ``clients``.
        variant: which of several ways the program is to go.
        gives: what the user of it holds in hands for an event.
        imports: what its user imports.
        cases: what it is measured in.
        notes: why it is not measured in a case, where that is not plain.
    """

    name: str
    package: Package | None = None
    script: str
    variant: str = ""
    gives: str
    imports: str = ""
    cases: Set[Case]
    notes: str = ""


OURS = "trio_binance_uds"
FLOOR = "floor: trio socket, nothing decoded"
FLOOR_JSON = "floor: trio socket and json"
NPM_RAW = "npm binance, raw"
OFFICIAL_SDK = "binance-sdk-spot (official)"

_STREAMS = {Case.BURST, Case.BURST_TLS, Case.PACED_500, Case.PACED_5000, Case.SLOW, Case.GROWTH}
_REQUESTS = {Case.SESSION, Case.SIGNED}
_NPM = Package(Installer.NPM, "binance", "3.6.5")

CLIENTS = (
    Client(
        name=OURS,
        script="client_ours.py",
        gives="typed, Decimal",
        imports="from trio_binance_uds import open_user_data_stream",
        cases=frozenset(Case),
    ),
    Client(
        name=FLOOR,
        script="client_floor.py",
        variant="recv",
        gives="bytes",
        imports="import trio",
        cases={Case.BURST, Case.BURST_TLS, Case.PACED_500, Case.PACED_5000, Case.IMPORT},
    ),
    Client(
        name=FLOOR_JSON,
        script="client_floor.py",
        variant="json",
        gives="dict, strings",
        imports="import trio, json",
        cases=_STREAMS | {Case.SESSION, Case.IMPORT},
    ),
    Client(
        name=NPM_RAW,
        package=_NPM,
        script="client_npm.js",
        variant="raw",
        gives="object, strings",
        imports="binance",
        cases=_STREAMS | _REQUESTS | {Case.IMPORT, Case.ACCOUNTS},
    ),
    Client(
        name="npm binance, beautified",
        package=_NPM,
        script="client_npm.js",
        variant="beautified",
        gives="object, floats",
        cases=_STREAMS,
    ),
    Client(
        name=OFFICIAL_SDK,
        package=Package(Installer.PIP, "binance-sdk-spot", "13.3.0"),
        script="client_official_sdk.py",
        gives="pydantic, strings",
        imports="from binance_sdk_spot.spot import Spot",
        cases=_STREAMS | _REQUESTS | {Case.IMPORT, Case.ACCOUNTS},
    ),
    Client(
        name="python-binance",
        package=Package(Installer.PIP, "python-binance", "1.0.37"),
        script="client_python_binance.py",
        gives="dict, strings",
        imports="from binance import AsyncClient, BinanceSocketManager",
        cases=_STREAMS | {Case.SIGNED, Case.IMPORT, Case.ACCOUNTS},
        notes="it knows no logon of a session",
    ),
    Client(
        name="unicorn-binance-websocket-api",
        package=Package(Installer.PIP, "unicorn-binance-websocket-api", "2.16.1"),
        script="client_unicorn.py",
        gives="dict, strings",
        imports="import unicorn_binance_websocket_api",
        cases=_STREAMS | {Case.IMPORT},
        notes="an answer that comes as fast as from the same machine is missed, and waited for without end",
    ),
    Client(
        name="ccxt pro",
        package=Package(Installer.PIP, "ccxt", "4.5.90"),
        script="client_ccxt.py",
        gives="dict, floats",
        imports="import ccxt.pro",
        cases=_STREAMS | {Case.SIGNED, Case.IMPORT},
        notes="it knows no logon of a session; its own throttle is switched off for the requests",
    ),
    Client(
        name="nautilus_trader, transport and schema",
        package=Package(Installer.PIP, "nautilus_trader", "1.221.0"),
        script="client_nautilus.py",
        gives="typed, strings",
        imports="from nautilus_trader.adapters.binance.spot.execution import BinanceSpotExecutionClient",
        cases=_STREAMS - {Case.BURST_TLS} | {Case.IMPORT},
        notes="not run as a whole, which takes a trading engine; no TLS, as it trusts its own list of authorities only",
    ),
)
BY_NAME = {client.name: client for client in CLIENTS}
