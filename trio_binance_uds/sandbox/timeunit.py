"""Turns the times of answers and events into microseconds, for those who asked for that unit.

The exchange core writes milliseconds, so the last three digits are zeros here, which they seldom are on Binance.

Source: Binance Spot, WebSocket API, "timeUnit" (2026-07-21).
"""

from __future__ import annotations

from typing import Any

_TIMES = frozenset(
    {
        # of answers
        *("time", "updateTime", "transactTime", "transactionTime", "workingTime", "trailingTime", "serverTime"),
        # of events
        *("E", "T", "O", "W", "D", "u"),
    }
)
# Some of these names mean something else elsewhere: a trade group in u, a -1 for "never", a list in O. What is larger
# is in microseconds already.
_MILLISECONDS = range(10**12, 10**14)


def in_microseconds(value: Any) -> Any:
    """Return a copy of an answer or event with all its times in microseconds."""
    if isinstance(value, dict):
        return {key: item * 1000 if _is_time(key, item) else in_microseconds(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [in_microseconds(item) for item in value]
    return value


def _is_time(key: Any, item: Any) -> bool:
    return key in _TIMES and isinstance(item, int) and item in _MILLISECONDS
