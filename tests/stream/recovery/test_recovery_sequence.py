"""In which order the reports of several orders are told."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from recovery_answers import at, report

from trio_binance_uds.events import ExecutionReport
from trio_binance_uds.stream.recovery.spot.life import Place, Rank
from trio_binance_uds.stream.recovery.spot.sequence import in_sequence

Step = tuple[Place, ExecutionReport]


def step(kind: str, when: int, rank: Rank, order_id: int, number: int = -1, **changes: Any) -> Step:
    return (at(when), rank, number), report(kind, "NEW", when, order_id, t=number, **changes)


def told(*rows: list[Step]) -> list[str]:
    return [f"{event.order_id} {event.execution_type} {event.trade_id}" for _, event in in_sequence(rows)]


def test_place_decides_between_orders() -> None:
    assert told(
        [step("NEW", 1, Rank.NEW, 1), step("CANCELED", 3, Rank.END, 1)],
        [step("NEW", 2, Rank.NEW, 2), step("CANCELED", 3, Rank.END, 2)],
        [],
    ) == ["1 NEW -1", "2 NEW -1", "1 CANCELED -1", "2 CANCELED -1"]


def test_a_fill_waits_for_those_with_lower_ids_of_its_symbol_and_for_no_others() -> None:
    late = [step("REPLACED", 2, Rank.CHANGE, 1, 70), step("TRADE", 2, Rank.END, 1, 5)]
    assert told(
        late,
        [step("TRADE", 2, Rank.FILL, 2, 6)],
        [step("TRADE", 2, Rank.FILL, 3, 7, s="CCCDDD")],
        [step("TRADE", 2, Rank.FILL, 4, -1, I=1, a=8)],
    ) == ["4 TRADE -1", "3 TRADE 7", "1 REPLACED 70", "1 TRADE 5", "2 TRADE 6"]


def test_both_halves_of_a_trade_with_oneself_are_told() -> None:
    assert told([step("TRADE", 2, Rank.FILL, 1, 5)], [step("TRADE", 2, Rank.FILL, 2, 5)]) == ["1 TRADE 5", "2 TRADE 5"]


def test_where_times_contradict_ids_nothing_is_lost() -> None:
    assert told(
        [step("TRADE", 1, Rank.FILL, 1, 6), step("TRADE", 2, Rank.FILL, 1, 5)],
        [step("TRADE", 2, Rank.FILL, 2, 7)],
    ) == ["1 TRADE 6", "1 TRADE 5", "2 TRADE 7"]


@st.composite
def lives(draw: st.DrawFn) -> list[list[Step]]:
    """Orders with fills whose ids rise with time, and with other steps between."""
    moments = draw(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4)), max_size=12).map(sorted))
    rows: dict[int, list[Step]] = {}
    for number, (when, order_id) in enumerate(moments):
        row = rows.setdefault(order_id, [])
        kind, rank = draw(st.sampled_from([("TRADE", Rank.FILL), ("TRADE", Rank.END), ("REPLACED", Rank.CHANGE)]))
        place = max([(at(when), rank, number), *[place for place, _ in row[-1:]]])
        row.append((place, report(kind, "NEW", when, order_id, t=number)))
    return list(rows.values())


@given(lives())
def test_lives_stay_in_order_and_fills_rise(rows: list[list[Step]]) -> None:
    sequence = in_sequence(rows)
    assert Counter(event.trade_id for _, event in sequence) == Counter(
        event.trade_id for row in rows for _, event in row
    )
    for row in rows:
        order_id = row[0][1].order_id
        assert [item for item in sequence if item[1].order_id == order_id] == row
    fills = [event.trade_id for _, event in sequence if event.execution_type == "TRADE"]
    assert fills == sorted(fills)
    times = [event.transaction_time for _, event in sequence]
    assert times == sorted(times)
