"""What one frame costs from its text to a typed event: CPU time, for every type of event of every product."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Iterator
from typing import Any

from benchmarks.frames import Envelope, event_text, order_events
from support import product_payloads
from support.products import SAMPLED
from trio_binance_uds.events import KnownEvent
from trio_binance_uds.products import SPOT, Product
from trio_binance_uds.wire.decode import decode_frame

_FRAMES = 500


def frames() -> Iterator[tuple[str, Product, list[bytes]]]:
    """Yield the name of a type of event, its product, and frames with it."""
    yield "spot executionReport", SPOT, [event_text(event, Envelope.WS_API) for event in order_events(_FRAMES)]
    spot = {name: sample for name, sample in product_payloads.SPOT_LIKE.items() if name != "executionReport"}
    for product, payloads in ((SPOT, spot), *((sampled.product, sampled.payloads) for sampled in SAMPLED)):
        for name, payload in payloads.items():
            yield f"{product.name} {name}", product, _varied(payload)


def _varied(payload: dict[str, Any]) -> list[bytes]:
    """Return frames of this payload with other amounts in each, so that remembering them does not help."""
    rng = random.Random(1)

    def vary(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: vary(member) for key, member in value.items()}
        if isinstance(value, list):
            return [vary(member) for member in value]
        if isinstance(value, str) and re.fullmatch(r"-?\d+\.\d+", value):
            return re.sub(r"\d", lambda digit: str(rng.randrange(1, 10)), value)
        return value

    return [json.dumps({"event": vary(payload)}, separators=(",", ":")).encode() for _ in range(_FRAMES)]


def measure() -> dict[str, float]:
    """Return the cost of each type in microseconds, the best of a few goes over the frames."""
    return {name: _cost(texts, product) for name, product, texts in frames()}


def _cost(texts: list[bytes], product: Product) -> float:
    if not isinstance(decode_frame(texts[0], product), KnownEvent):
        raise ValueError(f"{product.name} does not decode {texts[0]!r}")
    best = float("inf")
    for _ in range(3):
        begin = time.process_time()
        for text in texts:
            decode_frame(text, product)
        best = min(best, time.process_time() - begin)
    return best / len(texts) * 1e6
