"""What is counted of a stream, and how it is summed up."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import attrs
import cli_samples as samples
import pytest
from rich.console import Console

from support.products import MARGIN_RISK, OPTIONS, PORTFOLIO_MARGIN, USDM, Sampled
from trio_binance_uds import Balance, Event, Gap, Notice, decode_frame
from trio_binance_uds.cli.summary import Summary
from trio_binance_uds.cli.tally import Tally


def tally(*items: Event | Notice) -> Tally:
    counted = Tally()
    for item in items:
        counted.add(item)
    return counted


def summed_up(counted: Tally, **more: Any) -> Summary:
    now = samples.AT + timedelta(seconds=10)
    return Summary(tally=counted, links_opened=2, seconds=12.34, now=now, blind_since=counted.blind_since, **more)


def text_of(counted: Tally, **more: Any) -> str:
    console = Console(file=StringIO(), width=120)
    console.print(summed_up(counted, **more).table())
    file = console.file
    assert isinstance(file, StringIO)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def test_events_and_fills_are_counted() -> None:
    fill = samples.report(**samples.FILL)
    counted = tally(samples.report(), fill, attrs.evolve(fill, recovered=True), samples.transfer("1"))
    assert counted.kinds == {"order": 1, "fill": 2, "transfer": 1}
    assert counted.fills == {"BTCUSDT": 2}
    assert counted.recovered == 1


def test_the_last_word_on_a_balance_counts() -> None:
    first = samples.position(("BTC", "1.0", "0.0"), ("USDT", "5.0", "0.0"))
    counted = tally(first, samples.position(("BTC", "2.0", "0.5")))
    assert counted.balances["spot", "BTC"] == Balance(asset="BTC", free=Decimal(2), locked=Decimal("0.5"))
    assert "BTC 2 (+0.5 locked), USDT 5  (of what has changed)" in text_of(counted)


def of(sampled: Sampled, name: str, account: str | None = None, **changes: Any) -> Event:
    """Return the sample of an event, with some members changed."""
    payload = {**sampled.payloads[name], **changes}
    decoded = decode_frame(json.dumps(payload), sampled.product)
    assert isinstance(decoded, Event)
    return attrs.evolve(decoded, account=account)


def test_a_fill_of_futures_counts_once_though_it_is_told_twice() -> None:
    counted = tally(of(USDM, "TRADE_LITE"), of(USDM, "ORDER_TRADE_UPDATE"), of(OPTIONS, "ORDER_TRADE_UPDATE"))
    assert counted.fills == {"LINKUSDT": 1, "ETH-260925-4200-P": 1}


def test_what_is_no_fill_counts_for_none() -> None:
    order = {**USDM.payloads["ORDER_TRADE_UPDATE"]["o"], "t": 0}
    assert not tally(of(USDM, "ORDER_TRADE_UPDATE", o=order)).fills


def test_balances_and_positions_are_kept_apart_by_whose_they_are() -> None:
    told = of(PORTFOLIO_MARGIN, "ACCOUNT_UPDATE")
    counted = tally(told, of(PORTFOLIO_MARGIN, "outboundAccountPosition"))
    text = text_of(counted)
    assert "balances   CM USDC 1204.55 (-20), CM BNB 0.81, margin LINK 9.1  (of what has changed)" in text
    assert "positions  LINKUSDT short -20.5 @ 17.4011" in text


def test_the_accounts_of_a_stream_are_kept_apart() -> None:
    first = attrs.evolve(samples.position(("BTC", "1.0", "0.0")), account="cross-margin")
    counted = tally(first, attrs.evolve(first, account="isolated-margin:BTCUSDT"))
    assert "cross-margin BTC 1, isolated-margin:BTCUSDT BTC 1" in text_of(counted)


def test_positions_of_options_are_told_too() -> None:
    assert "positions  ETH-260925-4200-P -0.3 @ 88.6" in text_of(tally(of(OPTIONS, "BALANCE_POSITION_UPDATE")))


@pytest.mark.parametrize(
    ("sampled", "name", "level"),
    [
        (MARGIN_RISK, "MARGIN_LEVEL_STATUS_CHANGE", "MARGIN_CALL"),
        (PORTFOLIO_MARGIN, "riskLevelChange", "MARGIN_CALL"),
        (OPTIONS, "RISK_LEVEL_CHANGE", "REDUCE_ONLY"),
    ],
)
def test_the_last_word_on_the_risk_is_summed_up(sampled: Sampled, name: str, level: str) -> None:
    assert text_of(tally(of(sampled, name))).splitlines()[-1] == f"risk     {level}"


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
    assert tally(*gaps).blind_seconds(samples.AT, None) == seconds


def test_blind_at_the_end_counts_up_to_now() -> None:
    counted = tally(samples.gap(0, 1), samples.disconnected(4))
    assert counted.blind_seconds(samples.AT + timedelta(seconds=10), counted.blind_since) == 7.0
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
            "events    4: fill 1, disconnected 1, gap 1, order 1",
            "fills     1: BTCUSDT 1",
            "gaps      1: 1 complete, 0 not proven complete",
            "blind     1.500 s, 1 event recovered, marked *",
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
    assert summed_up(tally()).heading(77).cell_len == 77


def test_programs_get_the_summary_with_every_digit() -> None:
    counted = tally(of(PORTFOLIO_MARGIN, "ACCOUNT_UPDATE"), samples.gap(0, 1.5), samples.disconnected(4))
    members = json.loads(json.dumps(summed_up(counted, proven_at=samples.AT).members()))
    assert members["events"] == {"account": 1, "gap": 1, "disconnected": 1}
    assert (members["gaps_complete"], members["gaps_incomplete"], members["blind_seconds"]) == (0, 1, 7.5)
    assert (members["blind_since"], members["proven_at"]) == ("2026-03-04T05:06:11.089000Z", samples.AT_ISO)
    assert members["balances"][0]["account"] == "CM"
    assert members["positions"][0]["position_amount"] == "-20.50"
    asked = summed_up(tally(), balances=[Balance(asset="BTC", free=Decimal("1.50"), locked=Decimal(0))]).members()
    assert asked["balances"] == [{"account": "", "asset": "BTC", "free": "1.50", "locked": "0"}]
    assert (asked["blind_since"], asked["proven_at"], asked["risk"]) == (None, None, None)


def test_when_it_was_last_proven_alive_is_said() -> None:
    assert "alive    proven at 05:06:07.089" in text_of(tally(), proven_at=samples.AT)
