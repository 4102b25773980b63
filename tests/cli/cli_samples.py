"""Events and notices with values of our own, for the tests of the command."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from trio_binance_uds import (
    SPOT,
    BaselineKnown,
    BaselineMissing,
    CredentialsRefused,
    DisconnectCause,
    Disconnected,
    Event,
    Gap,
    GapCause,
    LeaseAtRisk,
    Proven,
    ReconnectFailed,
    Shedding,
    Unproven,
    decode_frame,
)

# 2026-03-04T05:06:07.089Z
AT_MS = 1_772_600_767_089
AT = datetime(2026, 3, 4, 5, 6, 7, 89_000, UTC)
AT_ISO = "2026-03-04T05:06:07.089000Z"

_REPORT = {
    "e": "executionReport",
    "E": AT_MS,
    "s": "BTCUSDT",
    "c": "client-order-one",
    "S": "BUY",
    "o": "LIMIT",
    "f": "GTC",
    "q": "0.50000000",
    "p": "60000.00000000",
    "P": "0.00000000",
    "F": "0.00000000",
    "g": -1,
    "C": "",
    "x": "NEW",
    "X": "NEW",
    "r": "NONE",
    "i": 5000000042,
    "l": "0.00000000",
    "z": "0.00000000",
    "L": "0.00000000",
    "n": "0",
    "N": None,
    "T": AT_MS,
    "t": -1,
    "I": 9000000001,
    "w": True,
    "m": False,
    "M": False,
    "O": AT_MS,
    "Z": "0.00000000",
    "Y": "0.00000000",
    "Q": "0.00000000",
    "V": "EXPIRE_MAKER",
}
FILL = {"x": "TRADE", "X": "PARTIALLY_FILLED", "l": "0.20000000", "z": "0.20000000", "L": "59990.00000000"} | {
    "n": "0.00020000",
    "N": "BTC",
    "t": 77,
}


def event(payload: dict[str, Any]) -> Event:
    """Return what the library makes of an event."""
    decoded = decode_frame(json.dumps({"subscriptionId": 0, "event": payload}), SPOT)
    assert isinstance(decoded, Event)
    return decoded


def report(**changes: Any) -> Event:
    """Return an execution report with some wire fields changed."""
    return event({**_REPORT, **changes})


def position(*balances: tuple[str, str, str]) -> Event:
    rows = [{"a": asset, "f": free, "l": locked} for asset, free, locked in balances]
    return event({"e": "outboundAccountPosition", "E": AT_MS, "u": AT_MS, "B": rows})


def transfer(amount: str) -> Event:
    return event({"e": "balanceUpdate", "E": AT_MS, "a": "USDT", "d": amount, "T": AT_MS})


def external_lock(amount: str) -> Event:
    return event({"e": "externalLockUpdate", "E": AT_MS, "a": "USDT", "d": amount, "T": AT_MS})


def order_list() -> Event:
    orders = [{"s": "BTCUSDT", "i": number, "c": f"leg-{number}"} for number in (5000000043, 5000000044)]
    payload = {"e": "listStatus", "E": AT_MS, "s": "BTCUSDT", "g": 7, "c": "OCO", "l": "EXEC_STARTED"}
    return event({**payload, "L": "EXECUTING", "r": "NONE", "C": "the-list", "T": AT_MS, "O": orders})


def disconnected(seconds: float = 0.0, detail: str = "the connection broke") -> Disconnected:
    return Disconnected(at=AT + timedelta(seconds=seconds), cause=DisconnectCause.CONNECTION_LOST, detail=detail)


def lease_at_risk(detail: str) -> LeaseAtRisk:
    return LeaseAtRisk(at=AT, expires_at=AT + timedelta(minutes=5), account="isolated-margin:BTCUSDT", detail=detail)


def shedding(seconds: float = 0.0, detail: str = "the consumer was behind") -> Shedding:
    at = AT + timedelta(seconds=seconds)
    return Shedding(at=at, shed=7, behind_seconds=2.5, resumes_at=AT + timedelta(seconds=30), detail=detail)


def reconnect_failed(attempts: int) -> ReconnectFailed:
    return ReconnectFailed(at=AT, attempts=attempts, next_attempt_at=AT + timedelta(seconds=60), detail="refused")


def unproven(detail: str) -> Unproven:
    return Unproven(at=AT, account="coinm-futures", detail=detail)


def credentials_refused(detail: str) -> CredentialsRefused:
    return CredentialsRefused(at=AT, method="myTrades", detail=detail)


def proven() -> Proven:
    return Proven(at=AT, account="coinm-futures")


def baseline_missing(detail: str) -> BaselineMissing:
    return BaselineMissing(at=AT, detail=detail)


def baseline_known() -> BaselineKnown:
    return BaselineKnown(at=AT)


def gap(since: float = 0.0, until: float = 1.5, **more: Any) -> Gap:
    cause = more.pop("cause", GapCause.LINK_LOST)
    start, end = AT + timedelta(seconds=since), AT + timedelta(seconds=until)
    return Gap(cause=cause, since=start, until=end, **more)
