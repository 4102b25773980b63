"""What one execution report costs from its text to a typed event: CPU time, the median of interleaved rounds.

Compare numbers of one machine only. JSON alone is the floor under anything that reads JSON into Python objects.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from trio_binance_uds.products import SPOT
from trio_binance_uds.wire.decode import decode_frame
from trio_binance_uds.wire.json_text import loads

ROUNDS = 15
FRAMES = 2_000


# Amounts are left to be filled in: {amount[0]} to {amount[7]}.
TEMPLATE = (
    '{{"subscriptionId":0,"event":{{"e":"executionReport","E":{now},"s":"BTCUSDT","c":"uds-{number:024x}","S":"BUY",'
    '"o":"LIMIT","f":"GTC","q":"{amount[0]}","p":"{amount[1]}","P":"0.00000000","F":"0.00000000","g":-1,"C":"",'
    '"x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","i":{number},"l":"{amount[2]}","z":"{amount[3]}","L":"{amount[4]}",'
    '"n":"{amount[5]}","N":"BNB","T":{now},"t":{number},"I":{number},"w":true,"m":false,"M":true,"O":{now},'
    '"Z":"{amount[6]}","Y":"{amount[7]}","Q":"0.00000000","W":{now},"V":"EXPIRE_MAKER"}}}}'
)


def frame(number: int) -> str:
    """Return the frame of a partial fill; amounts differ, so remembering them from frame to frame does not help."""
    amounts = [f"{number % 977}.{number * 8 + position:08d}" for position in range(8)]
    return TEMPLATE.format(now=1_780_000_000_000 + number, number=10_000_000 + number, amount=amounts)


def cost(work: Callable[[str], Any], frames: list[str]) -> float:
    """Return the CPU time of one frame, in microseconds."""
    begin = time.process_time()
    for text in frames:
        work(text)
    return (time.process_time() - begin) / len(frames) * 1e6


def main() -> None:
    frames = [frame(number) for number in range(FRAMES)]
    ways: dict[str, Callable[[str], Any]] = {
        "json.loads(parse_float=Decimal)": lambda text: json.loads(text, parse_float=Decimal),
        "loads: JSON, exact": loads,
        "decode_frame: typed event": lambda text: decode_frame(text, SPOT),
    }
    assert type(decode_frame(frames[0], SPOT)).__name__ == "ExecutionReport"
    rounds = [{name: cost(work, frames) for name, work in ways.items()} for _ in range(ROUNDS)]
    print(f"{len(frames[0])} bytes a frame, {FRAMES} frames, {ROUNDS} rounds; µs a frame: median (least to most)")
    for name in ways:
        taken = sorted(round_[name] for round_ in rounds)
        print(f"{name:34} {statistics.median(taken):6.2f} ({taken[0]:.2f} to {taken[-1]:.2f})")


if __name__ == "__main__":
    main()
