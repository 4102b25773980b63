"""Which gaps a later recovery looks into again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from trio_binance_uds.products import PORTFOLIO_MARGIN
from trio_binance_uds.stream.recovery import Recovery, recoverer_for
from trio_binance_uds.stream.recovery.futures.recoverer import FuturesRecoverer
from trio_binance_uds.stream.recovery.portfolio.recoverer import PortfolioRecoverer
from trio_binance_uds.stream.recovery.unproven import Unproven

NOON = datetime(2031, 5, 4, 12, tzinfo=UTC)
NOTHING = timedelta()


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def test_a_gap_is_looked_into_with_a_margin_and_only_before_what_is_asked_anyway() -> None:
    unproven = Unproven()
    unproven.note_gap(at(0), at(1), complete=False)
    assert unproven.before(at(60), timedelta(minutes=1)) == ((at(-1), at(2)),)
    assert unproven.before(at(0.5), timedelta(minutes=1)) == ((at(-1), at(0.5)),)
    assert unproven.before(at(-2), timedelta(minutes=1)) == ()


def test_a_complete_gap_settles_those_before_it_and_so_does_one_in_which_all_was_listed() -> None:
    unproven = Unproven()
    unproven.note_gap(at(0), at(1), complete=False)
    unproven.note_gap(at(5), at(6), complete=True)
    assert unproven.before(at(60), NOTHING) == ()
    unproven.note_gap(at(10), at(11), complete=False)
    unproven.note_listed()
    unproven.note_gap(at(20), at(21), complete=False)
    assert unproven.before(at(60), NOTHING) == ((at(20), at(21)),)


def test_what_was_listed_counts_for_one_gap_only() -> None:
    unproven = Unproven()
    unproven.note_listed()
    unproven.note_gap(at(0), at(1), complete=False)
    unproven.note_gap(at(20), at(21), complete=False)
    assert len(unproven.before(at(60), NOTHING)) == 2


def test_many_of_them_cost_no_more_than_some_and_none_is_left_out() -> None:
    unproven = Unproven()
    for number in range(100):
        unproven.note_gap(at(10 * number), at(10 * number + 1), complete=False)
    spans = unproven.before(at(5000), NOTHING)
    assert len(spans) == 8
    for number in range(100):
        assert any(since <= at(10 * number) and at(10 * number + 1) <= until for since, until in spans)


def test_both_futures_parts_of_a_portfolio_margin_account_take_them_in() -> None:
    recoverer = recoverer_for(PORTFOLIO_MARGIN, Recovery())
    assert isinstance(recoverer, PortfolioRecoverer)
    recoverer.note_gap(at(0), at(1), complete=False)
    for name in ("UM", "CM"):
        part = recoverer.parts[name]
        assert isinstance(part, FuturesRecoverer)
        assert part.knowledge.unproven.before(at(60), NOTHING) == ((at(0), at(1)),)


def test_what_was_placed_since_the_last_list_of_open_orders_is_asked_for_and_no_more_than_some_minutes() -> None:
    unproven = Unproven()
    assert unproven.placed_since(at(5), at(0)) == at(0), "the stream began with a list"
    assert unproven.placed_since(at(60), at(0)) == at(51)
    unproven.note_gap(at(57), at(58), complete=True)
    assert unproven.placed_since(at(60), at(0)) == at(57)
    unproven.note_gap(at(59), at(60), complete=False)
    assert unproven.placed_since(at(61), at(0)) == at(57), "nobody has said what was open then"
    assert unproven.placed_since(at(50), at(55)) == at(50), "a gap from before that is asked for whole"
