"""What is counted of a stream, and how it is summed up."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from io import StringIO

import attrs
import cli_samples as samples
import pytest
from rich.console import Console

from trio_binance_uds import Balance, Event, Gap, Notice
from trio_binance_uds.cli.summary import heading, summary
from trio_binance_uds.cli.tally import Tally


def tally(*items: Event | Notice) -> Tally:
    counted = Tally()
    for item in items:
        counted.add(item)
    return counted


def text_of(counted: Tally, *, balances: list[Balance] | None = None) -> str:
    console = Console(file=StringIO(), width=120)
    now = samples.AT + timedelta(seconds=10)
    console.print(summary(counted, links_opened=2, seconds=12.34, now=now, balances=balances))
    file = console.file
    assert isinstance(file, StringIO)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def test_events_and_fills_are_counted() -> None:
    fill = samples.report(**samples.FILL)
    counted = tally(samples.report(), fill, attrs.evolve(fill, recovered=True), samples.transfer("1"))
    assert counted.kinds == {"ExecutionReport": 3, "BalanceUpdate": 1}
    assert counted.fills == {"BTCUSDT": 2}
    assert counted.recovered == 1


def test_the_last_word_on_a_balance_counts() -> None:
    first = samples.position(("BTC", "1.0", "0.0"), ("USDT", "5.0", "0.0"))
    counted = tally(first, samples.position(("BTC", "2.0", "0.5")))
    assert counted.balances["BTC"] == Balance(asset="BTC", free=Decimal(2), locked=Decimal("0.5"))
    assert "BTC 2 (+0.5 locked), USDT 5  (of what has changed)" in text_of(counted)


@pytest.mark.parametrize(
    ("gaps", "seconds"),
    [
        ([], 0.0),
        ([samples.gap(0, 1.5)], 1.5),
        ([samples.gap(0, 1.5), samples.gap(3, 4)], 2.5),
        ([samples.gap(0, 3), samples.gap(1, 2), samples.gap(2, 4)], 4.0),
    ],
)
def test_blind_seconds_that_overlap_count_once(gaps: list[Gap], seconds: float) -> None:
    assert tally(*gaps).blind_seconds(samples.AT) == seconds


def test_blind_at_the_end_counts_up_to_now() -> None:
    counted = tally(samples.gap(0, 1), samples.disconnected(4))
    assert counted.blind_seconds(samples.AT + timedelta(seconds=10)) == 7.0
    assert "1: 0 complete, 1 not proven complete; blind at the end" in text_of(counted)


def test_a_gap_ends_being_blind() -> None:
    assert tally(samples.disconnected(0), samples.gap(0, 1)).blind_since is None


def test_the_summary_says_it_all() -> None:
    counted = tally(
        samples.report(**samples.FILL),
        samples.disconnected(),
        samples.gap(0, 1.5, complete=True, recovered=1),
        attrs.evolve(samples.report(), recovered=True),
    )
    assert text_of(counted, balances=[Balance(asset="BTC", free=Decimal("1.50"), locked=Decimal(0))]) == "\n".join(
        [
            "watched   12.3 s over 2 connections",
            "events    4: ExecutionReport 2, Disconnected 1, Gap 1",
            "fills     1: BTCUSDT 1",
            "gaps      1: 1 complete, 0 not proven complete",
            "blind     1.500 s, 1 event recovered",
            "balances  BTC 1.5",
        ]
    )


def test_nothing_is_summed_up_too() -> None:
    assert text_of(tally(), balances=[]) == "\n".join(
        [
            "watched   12.3 s over 2 connections",
            "events    none",
            "fills     none",
            "gaps      none: nothing was missed",
            "balances  none",
        ]
    )
    assert "balances" not in text_of(tally())


def test_the_heading_is_as_wide_as_the_terminal() -> None:
    assert heading(77).cell_len == 77
