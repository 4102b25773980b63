"""Events as people read them."""

from __future__ import annotations

from decimal import Decimal

import attrs
import cli_samples as samples
import pytest
from rich.text import Text

from trio_binance_uds import Event, GapCause, KnownEvent, Notice, UndecodableEvent, UnknownEvent
from trio_binance_uds.cli.pretty import render


@attrs.frozen(kw_only=True)
class NewNotice(Notice):
    """A notice of a later version."""

    reason: str


@attrs.frozen(kw_only=True, weakref_slot=False)
class NewEvent(KnownEvent):
    """An event of a later version, or of another product."""

    margin: Decimal


CASES = [
    (
        samples.report(),
        "05:06:07.089  order     BTCUSDT    BUY   LIMIT        NEW              0/0.5  @ 60000     "
        "…000042  …t-order-one",
    ),
    (
        samples.report(**samples.FILL),
        "05:06:07.089  fill      BTCUSDT    BUY   LIMIT        PARTIAL        0.2/0.5  @ 60000     …000042  "
        "+0.2 @ 59990  fee 0.0002 BTC  …t-order-one",
    ),
    (
        samples.report(**{**samples.FILL, "N": None, "o": "MARKET", "p": "0", "X": "FILLED", "z": "0.5"}),
        "05:06:07.089  fill      BTCUSDT    BUY   MARKET       FILLED         0.5/0.5              …000042  "
        "+0.2 @ 59990  …t-order-one",
    ),
    (
        samples.report(S="SELL", o="STOP_LOSS_LIMIT", P="58000.00", w=False, C="first-name"),
        "05:06:07.089  order     BTCUSDT    SELL  STOP LIMIT   NEW              0/0.5  @ 60000 if 58000  "
        "…000042  first-name",
    ),
    (
        samples.report(x="EXPIRED", X="EXPIRED", eR="OCO_TRIGGER", i=42, c="x"),
        "05:06:07.089  order     BTCUSDT    BUY   LIMIT        EXPIRED          0/0.5  @ 60000     "
        "42       oco trigger  x",
    ),
    (
        samples.report(x="REJECTED", X="REJECTED", r="INSUFFICIENT_BALANCES", c="x"),
        "05:06:07.089  order     BTCUSDT    BUY   LIMIT        REJECTED         0/0.5  @ 60000     …000042  "
        "insufficient balances  x",
    ),
    (
        samples.report(X="HALTED", o="ICE", S="HOLD", c="x"),
        "05:06:07.089  order     BTCUSDT    HOLD  ICE          HALTED           0/0.5  @ 60000     …000042  x",
    ),
    (
        samples.position(("BTC", "0.10000000", "0.00000000"), ("USDT", "5.0", "1.00")),
        "05:06:07.089  balance   BTC 0.1  USDT 5 (+1 locked)",
    ),
    (samples.transfer("2500.00000000"), "05:06:07.089  transfer  USDT       +2500"),
    (samples.transfer("-0.5"), "05:06:07.089  transfer  USDT       -0.5"),
    (samples.external_lock("3.10"), "05:06:07.089  lock      USDT       +3.1"),
    (samples.order_list(), "05:06:07.089  list      BTCUSDT    OCO   #7           EXECUTING  of …000043 …000044"),
    (
        samples.event({"e": "serverShutdown", "E": samples.AT_MS}),
        "05:06:07.089  server    is going to close this connection",
    ),
    (
        samples.event({"e": "eventStreamTerminated", "E": samples.AT_MS}),
        "05:06:07.089  stream    the subscription has ended",
    ),
    (
        samples.event({"e": "listenKeyExpired", "E": str(samples.AT_MS), "listenKey": "secret"}),
        "05:06:07.089  stream    a listen key has expired",
    ),
    (
        NewEvent(event_type="margin", event_time=samples.AT, margin=Decimal("1.50")),
        "05:06:07.089  event     NewEvent margin=1.50",
    ),
    (
        UnknownEvent(raw={"e": 1}, problem="no type"),
        '              unknown   -  no type\n   {"e":1}',
    ),
    (
        UndecodableEvent(raw="<html>", problem="not JSON", event_type="x\x1b[2J"),
        '              faulty    x\\x1b[2J  not JSON\n   "<html>"',
    ),
]


@pytest.mark.parametrize(("item", "expected"), CASES, ids=lambda value: type(value).__name__)
def test_an_event_is_a_line(item: Event, expected: str) -> None:
    assert render(item).plain == expected


@pytest.mark.parametrize("width", [None, 120, 80])
@pytest.mark.parametrize("item", [item for item, _ in CASES if item.event_time], ids=lambda item: type(item).__name__)
def test_a_recovered_event_is_marked_and_no_column_moves_for_it(item: Event, width: int | None) -> None:
    live, recovered = render(item, width).plain, render(attrs.evolve(item, recovered=True), width).plain
    assert recovered == f"{live[:13]}*{live[14:]}"


def test_the_mark_of_what_was_recovered_stays_where_there_is_no_time() -> None:
    assert render(attrs.evolve(samples.report(), recovered=True), 50).plain.startswith("*order ")


def test_nothing_is_written_in_the_blue_that_cannot_be_read_on_black() -> None:
    styles = {str(span.style) for item, _ in CASES for span in render(item).spans}
    assert "bright_blue" in styles
    assert not [style for style in styles if "blue" in style.split()]


@pytest.mark.parametrize("width", [140, 120, 100, 80, 60, 50])
@pytest.mark.parametrize("item", [item for item, _ in CASES if type(item).__name__ == "ExecutionReport"])
def test_an_order_fits_into_a_narrow_terminal(item: Event, width: int) -> None:
    line = render(item, width)
    assert line.cell_len <= width
    for essential in ("BTCUSDT", line.plain.split("/")[0].rpartition(" ")[2]):
        assert essential in line.plain


def test_what_goes_first_from_a_narrow_line_is_what_matters_least() -> None:
    fill = samples.report(**samples.FILL)
    assert "fee" in render(fill, 130).plain
    assert "order-one" not in render(fill, 130).plain
    assert render(fill, 80).plain == "05:06:07.089  fill      BTCUSDT    BUY   PARTIAL        0.2/0.5  +0.2 @ 59990"
    assert render(fill, 1).plain == "fill      BTCUSDT    BUY   PARTIAL        0.2/0.5"


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_columns_stay_aligned_whatever_is_left_out(width: int) -> None:
    lines = [render(samples.report(**changes), width).plain for changes in ({}, samples.FILL, {"x": "EXPIRED"})]
    assert len({line.index("/0.5") for line in lines}) == 1


def test_columns_stay_aligned_under_wide_letters() -> None:
    plain, wide = samples.report(s="ABCDEFGHI"), samples.report(s="测试币4")

    def column(item: Event) -> int:
        return Text(render(item).plain.partition("BUY")[0]).cell_len

    assert column(plain) == column(wide)


def test_sides_and_states_differ_in_colour() -> None:
    def styles(item: Event) -> set[str]:
        return {str(span.style) for span in render(item).spans}

    assert "bold green" in styles(samples.report(S="BUY"))
    assert "bold red" in styles(samples.report(S="SELL"))
    assert "magenta" in styles(samples.report(X="CANCELED"))


@pytest.mark.parametrize("width", [60, 80, 200])
def test_a_loss_stands_out_over_the_full_width(width: int) -> None:
    first, _, second = render(samples.disconnected(detail="code 1006\x1b"), width).plain.partition("\n")
    assert first.startswith("━━ DISCONNECTED 05:06:07.089 · connection lost")
    assert first.endswith("━━")
    assert Text(first).cell_len >= width
    assert second == "   code 1006?"


def test_a_gap_says_how_long_and_whether_it_is_complete() -> None:
    unproven = render(samples.gap(detail="lost", shed=2, cause=GapCause.CONSUMER_TOO_SLOW), 100)
    assert "GAP 05:06:07.089 to 05:06:08.589 (1.500 s) · consumer too slow · NOT PROVEN COMPLETE" in unproven.plain
    assert "2 shed; lost; ask for balances" in unproven.plain
    assert {str(span.style) for span in unproven.spans} == {"bold yellow", "yellow"}
    complete = render(samples.gap(complete=True, recovered=4), 100)
    assert "· complete ━" in complete.plain
    assert complete.plain.endswith("\n   4 recovered, marked *")
    assert render(samples.gap(complete=True), 100).plain.endswith("\n   0 recovered")
    assert str(complete.spans[0].style) == "bold green"


def test_a_loss_without_a_detail_is_one_line() -> None:
    assert "\n" not in render(samples.disconnected(detail="")).plain


def test_a_lease_at_risk_stands_out_and_says_whose_it_is() -> None:
    notice = samples.lease_at_risk(detail="refused\x1b")
    first, _, second = render(notice, 90).plain.partition("\n")
    assert first.startswith("━━ LEASE AT RISK 05:06:07.089 · isolated-margin:BTCUSDT · ends at 05:11:07.089 ━━")
    assert Text(first).cell_len >= 90
    assert second == "   refused?"


def test_shedding_stands_out_and_says_until_when() -> None:
    first, _, second = render(samples.shedding(detail="slow"), 100).plain.partition("\n")
    assert first.startswith("━━ SHEDDING 05:06:07.089 · 7 events so far · blind until after 05:06:37.089 ━━")
    assert second == "   slow"


@pytest.mark.parametrize(("attempts", "words"), [(1, "1 attempt failed"), (12, "12 attempts failed")])
def test_a_failed_attempt_says_when_the_next_one_is(attempts: int, words: str) -> None:
    first, _, second = render(samples.reconnect_failed(attempts), 100).plain.partition("\n")
    assert first.startswith(f"━━ STILL BLIND 05:06:07.089 · {words} · next at 05:07:07.089 ━━")
    assert second == "   refused"


def test_a_key_that_is_refused_stands_out() -> None:
    first, _, second = render(samples.credentials_refused("refused\x1b"), 100).plain.partition("\n")
    assert first.startswith("━━ KEY REFUSED 05:06:07.089 · gaps stay incomplete until it is accepted again ━━")
    assert second == "   refused?"


def test_what_is_advised_is_what_the_command_takes() -> None:
    said = render(samples.disconnected(detail="it is locked; name them in Recovery(symbols=...)")).plain
    assert said.endswith("\n   it is locked; name them with --symbol")


def test_an_unproven_stream_and_its_proof_stand_out() -> None:
    first, _, second = render(samples.unproven("no list"), 100).plain.partition("\n")
    assert first.startswith("━━ UNPROVEN 05:06:07.089 · coinm-futures · until the first event comes ━━")
    assert second == "   no list"
    assert render(samples.proven(), 100).plain.startswith(
        "━━ PROVEN 05:06:07.089 · coinm-futures · its events arrive ━"
    )


def test_a_missing_baseline_and_its_coming_stand_out() -> None:
    first, _, second = render(samples.baseline_missing("refused"), 100).plain.partition("\n")
    assert first.startswith("━━ BASELINE MISSING 05:06:07.089 · no gap can be complete until it is known ━━")
    assert second == "   refused"
    assert render(samples.baseline_known(), 100).plain.startswith(
        "━━ BASELINE KNOWN 05:06:07.089 · gaps can be complete "
    )


def test_an_event_names_its_account_where_there_are_several() -> None:
    names = ("cross-margin", "isolated-margin:BTCUSDT")
    line = render(attrs.evolve(samples.transfer("1"), account=names[0]), accounts=names).plain
    assert line == "05:06:07.089  cross-margin             transfer  USDT       +1"
    assert render(samples.transfer("1"), accounts=names[:1]).plain == "05:06:07.089  transfer  USDT       +1"
    nobodys = render(attrs.evolve(samples.transfer("1"), account=None), accounts=names).plain
    assert nobodys == "05:06:07.089                           transfer  USDT       +1"


def test_a_notice_of_a_later_version_is_shown() -> None:
    assert "NewNotice reason=rolled over" in render(NewNotice(reason="rolled over"), 80).plain


def test_a_long_payload_is_cut() -> None:
    assert render(UnknownEvent(raw={"x": "y" * 1000}, problem="new")).plain.endswith("yyy…")


def test_what_looks_like_markup_is_text() -> None:
    line = render(samples.report(c="[red]x[/red]"))
    assert "red]x[/red]" in line.plain
