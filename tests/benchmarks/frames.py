"""The order events that every client is sent, and the WebSocket frames around them; pure, and built beforehand.

The events are those of orders that live: each is announced, filled in parts or at once, or cancelled. Prices,
quantities and fees differ from order to order as they do on a busy account, and what is zero until the first fill is
zero here too: a client may remember values that really repeat, and gains nothing from any that do not. The orders
are a strategy's, pegged, some of them trailing, and filled through smart routing, so that conditional fields are there.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import Any

EPOCH_MS = 1_790_000_000_000
# The client order id of every event begins with so many digits, which can be overwritten with the time of sending.
STAMP_DIGITS = 19
_STAMP = b"0" * STAMP_DIGITS

_ZERO = "0.00000000"
_SATOSHI = Decimal("0.00000001")
# Symbol, a price to start from, the price's tick, the quantity's step and what is usually traded.
_MARKETS = (
    ("BTCUSDT", Decimal("64210.50"), Decimal("0.01"), Decimal("0.00001"), 0.02),
    ("ETHUSDT", Decimal("3310.12"), Decimal("0.01"), Decimal("0.0001"), 0.4),
    ("SOLUSDC", Decimal("148.31"), Decimal("0.01"), Decimal("0.001"), 9.0),
    ("LINKBTC", Decimal("0.00021770"), Decimal("0.00000010"), Decimal("0.01"), 80.0),
    ("DOGEUSDT", Decimal("0.12244"), Decimal("0.00001"), Decimal("1"), 9000.0),
)


class Envelope(StrEnum):
    """What an event is wrapped in: what the WebSocket API sends, or what a stream of a listen key sends."""

    WS_API = "ws_api"
    COMBINED = "combined"


def order_events(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield that many execution reports, the same ones each time; no two have the same execution id."""
    rng = random.Random(seed)
    execution_id, order_id, trade_id, now = 4_100_000_000, 8_800_000_000, 1_200_000_000, EPOCH_MS
    produced = 0
    while True:
        for report in _life(rng, order_id):
            now += rng.randrange(3)
            execution_id += rng.randrange(1, 9)
            if report["x"] == "TRADE":
                trade_id += rng.randrange(1, 40)
                report["t"] = trade_id
            yield report | {"E": now, "T": now - rng.randrange(2), "O": now - 40, "W": now - 40, "I": execution_id}
            produced += 1
            if produced == count:
                return
        order_id += rng.randrange(1, 50)


def _life(rng: random.Random, order_id: int) -> Iterator[dict[str, Any]]:
    """Yield the reports of one order; times, trade and execution ids are filled in by the caller."""
    symbol, start, tick, step, usual = rng.choice(_MARKETS)
    price = (start * Decimal(str(round(rng.uniform(0.97, 1.03), 6)))).quantize(tick, ROUND_DOWN)
    quantity = max(step, Decimal(str(rng.lognormvariate(0, 0.7) * usual)).quantize(step, ROUND_DOWN))
    report = _report(symbol, order_id, rng, price, quantity)
    yield report
    if rng.random() < 0.4:
        original = report["c"]
        yield report | {"x": "CANCELED", "X": "CANCELED", "w": False, "C": original, "c": _client_order_id(rng)}
        return
    parts = rng.choice((1, 1, 2, 3))
    filled, spent = Decimal(0), Decimal(0)
    for part in range(1, parts + 1):
        share = Decimal(str(round(rng.uniform(0.2, 0.8), 3)))
        last = ((quantity - filled) * share).quantize(step, ROUND_DOWN)
        is_last = part == parts or last == 0
        if is_last:
            last = quantity - filled
        filled, quote = filled + last, (last * price).quantize(_SATOSHI, ROUND_DOWN)
        spent += quote
        yield report | {
            "x": "TRADE", "X": "FILLED" if is_last else "PARTIALLY_FILLED", "w": not is_last, "m": rng.random() < 0.7,
            "l": _amount(last), "z": _amount(filled), "L": _amount(price), "Y": _amount(quote), "Z": _amount(spent),
            "n": _amount((quote * Decimal("0.00075")).quantize(_SATOSHI, ROUND_DOWN)), "N": "BNB",
            "b": "ONE_PARTY_TRADE_REPORT", "a": order_id + part, "k": "SOR", "uS": True,
        }  # fmt: skip
        if is_last:
            return


def _report(symbol: str, order_id: int, rng: random.Random, price: Decimal, quantity: Decimal) -> dict[str, Any]:
    trailing = {"d": rng.randrange(20, 400), "D": EPOCH_MS} if rng.random() < 0.5 else {}
    return {
        "e": "executionReport", "E": 0, "s": symbol, "c": _client_order_id(rng), "S": rng.choice(("BUY", "SELL")),
        "o": "LIMIT", "f": rng.choice(("GTC", "GTC", "IOC")), "q": _amount(quantity), "p": _amount(price), "P": _ZERO,
        "F": _ZERO, "g": -1, "C": "", "x": "NEW", "X": "NEW", "r": "NONE", "i": order_id, "l": _ZERO, "z": _ZERO,
        "L": _ZERO, "n": "0", "N": None, "T": 0, "t": -1, "I": 0, "w": True, "m": False, "M": False, "O": 0, "Z": _ZERO,
        "Y": _ZERO, "Q": _ZERO, "W": 0, "V": "EXPIRE_MAKER", "j": 1000 + rng.randrange(50), "J": 1_000_000,
        "gP": "PRIMARY_PEG", "gOT": "PRICE_LEVEL", "gOV": rng.randrange(1, 20), "gp": _amount(price), **trailing,
    }  # fmt: skip


def _client_order_id(rng: random.Random) -> str:
    return f"{_STAMP.decode()}-{rng.getrandbits(60):015x}"


def _amount(value: Decimal) -> str:
    return f"{value:.8f}"


def event_text(event: dict[str, Any], envelope: Envelope) -> bytes:
    """Return the event as it is sent: compact JSON inside its envelope."""
    wrapped = (
        {"subscriptionId": 0, "event": event}
        if envelope is Envelope.WS_API
        else {"stream": "a-listen-key-of-sixty-characters-as-long-as-those-of-the-venue-", "data": event}
    )
    return json.dumps(wrapped, separators=(",", ":")).encode()


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """Return one whole unmasked frame, as servers send it."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, size)) + payload
    if size < 1 << 16:
        return bytes((0x80 | opcode, 126)) + size.to_bytes(2, "big") + payload
    return bytes((0x80 | opcode, 127)) + size.to_bytes(8, "big") + payload


def event_frames(count: int, envelope: Envelope, seed: int = 1) -> list[bytes]:
    """Return the frames of that many events."""
    return [frame(event_text(event, envelope)) for event in order_events(count, seed)]


def stamped(framed: bytes, nanoseconds: int) -> bytes:
    """Return the frame with the time of its sending at the beginning of the event's client order id."""
    return framed.replace(_STAMP, b"%0*d" % (STAMP_DIGITS, nanoseconds), 1)


class FrameReader:
    """Takes the frames that a client sends out of the bytes that arrive, unmasked."""

    def __init__(self) -> None:
        self._waiting = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield opcode and payload of every frame that is complete by now."""
        data = self._waiting + data
        at = 0
        while len(data) - at >= 6:
            opcode, size, head = data[at] & 0x0F, data[at + 1] & 0x7F, at + 2
            if size >= 126:
                width = 2 if size == 126 else 8
                size, head = int.from_bytes(data[head : head + width], "big"), head + width
            body = head + 4
            if len(data) < body + size:
                break
            yield opcode, _unmasked(data[body : body + size], data[head:body])
            at = body + size
        self._waiting = data[at:]


def _unmasked(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    mask = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")
