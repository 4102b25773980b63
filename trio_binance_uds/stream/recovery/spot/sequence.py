"""In which order the reports of several orders are told.

Each order's own reports stay in their order, and the fills of a symbol are told by their ids, as the venue sends them.
As far as both leave a choice, place decides.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from heapq import heapify, heappop, heappush

from trio_binance_uds.events import Event, ExecutionReport
from trio_binance_uds.stream.recovery.spot.life import Place

Row = Sequence[tuple[Place, Event]]
"""What belongs together and is in order, such as the reports of one order."""

_Head = tuple[Place, int, int]


def in_sequence(rows: Iterable[Row]) -> list[tuple[Place, Event]]:
    """Return all of it in one row."""
    lives = [row for row in rows if row]
    ahead = _fill_numbers(lives)
    # The next of each life, by its place, life and position in it. Of those that wait for another fill, aside.
    heads: list[_Head] = [(life[0][0], number, 0) for number, life in enumerate(lives)]
    heapify(heads)
    aside: dict[Hashable, list[_Head]] = {}
    sequence: list[tuple[Place, Event]] = []
    while heads or aside:
        # All of them wait only where the times of fills contradict their ids: then time decides.
        is_forced = not heads
        if is_forced:
            heads = [head for waiting in aside.values() for head in waiting]
            heapify(heads)
            aside = {}
        head = heappop(heads)
        _, number, position = head
        item = lives[number][position]
        if (fill := _fill_of(item[1])) is not None:
            line, fill_number = fill
            if fill_number > ahead[line][0] and not is_forced:
                aside.setdefault(line, []).append(head)
                continue
            ahead[line].remove(fill_number)
            for waiting in aside.pop(line, ()):
                heappush(heads, waiting)
        sequence.append(item)
        if position + 1 < len(lives[number]):
            heappush(heads, (lives[number][position + 1][0], number, position + 1))
    return sequence


def _fill_numbers(lives: Iterable[Row]) -> dict[Hashable, deque[int]]:
    """Return the ids of all fills that are still to be told, rising, for each line of ids."""
    numbers: dict[Hashable, list[int]] = {}
    for life in lives:
        for _, event in life:
            if (fill := _fill_of(event)) is not None:
                numbers.setdefault(fill[0], []).append(fill[1])
    return {line: deque(sorted(found)) for line, found in numbers.items()}


def _fill_of(event: Event) -> tuple[Hashable, int] | None:
    """Return in which line of ids a fill stands, and its id; trades and allocations of a symbol are two lines."""
    if not isinstance(event, ExecutionReport) or event.execution_type != "TRADE":
        return None
    if event.allocation_id is not None:
        return (event.symbol, "allocation"), event.allocation_id
    return (event.symbol, "trade"), -1 if event.trade_id is None else event.trade_id
