"""The recovery of the margin risk stream: what is made of its answers, and what is said of what they leave open."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
from recovery_desk_scene import DeskStream, RiskScene

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError
from trio_binance_uds.events import Event, MarginLevelStatusChange, UnknownEvent, UserLiabilityChange
from trio_binance_uds.stream.recovery.reading import Unreadable
from trio_binance_uds.stream.recovery.risk.answers import Bars, DebtChange, read_interest, read_loan
from trio_binance_uds.stream.recovery.risk.knowledge import RiskKnowledge, tells

T0 = 1_790_000_000_000


async def whole(scene: RiskScene) -> DeskStream:
    stream = DeskStream(scene)
    await stream.start()
    scene.tick(5)
    stream.link.calls.clear()
    stream.link.weight = 0
    return stream


def words(events: list[Event]) -> list[tuple[str, ...]]:
    return [
        (event.asset, str(event.liability_type), f"{event.principal.normalize():f}", f"{event.interest.normalize():f}")
        if isinstance(event, UserLiabilityChange) and event.interest is not None
        else (type(event).__name__,)
        for event in events
    ]


class TestDebts:
    async def test_loans_repayments_and_interest_of_the_gap_are_told(self, autojump_clock: trio.abc.Clock) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        scene.loan("BORROW", "USDT", "1000")
        scene.tick(3600)
        scene.loan("REPAY", "USDT", "100")
        told = await stream.missed()
        assert words(told) == [
            ("USDT", "BORROW", "1000", "0.01"),
            ("USDT", "INTEREST", "0", "0.01"),
            ("USDT", "REPAY", "99.98", "0.02"),
        ]
        assert words(told) == words(scene.sent())
        assert all(event.recovered and event.account == "margin-risk" for event in told)
        assert {event.event_type for event in told} == {"USER_LIABILITY_CHANGE"}
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_what_a_loan_costs_at_once_is_not_told_where_the_book_of_interest_does_not_answer(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        scene.loan("BORROW", "USDT", "1000")
        scene.tick(3600)
        scene.loan("REPAY", "USDT", "100")

        def without_interest(method: str, params: Any) -> None:
            if method.endswith("interestHistory"):
                raise ApiError(method=method, status=400, code=-1000, msg="An unknown error occurred")

        stream.link.before = without_interest
        loan, repayment = await stream.missed()
        assert isinstance(loan, UserLiabilityChange)
        assert isinstance(repayment, UserLiabilityChange)
        assert (loan.principal, loan.interest) == (1000, None)
        assert repayment.interest == Decimal("0.02")
        assert not stream.results[-1].complete
        stream.link.before = lambda method, params: None
        assert words(await stream.missed()) == [("USDT", "INTEREST", "0", "0.01")], "the loan was told"

    async def test_a_quiet_gap_costs_41(self, autojump_clock: trio.abc.Clock) -> None:
        stream = await whole(RiskScene())
        assert await stream.missed() == []
        assert stream.results[-1].complete, stream.results[-1].detail
        assert stream.link.weight == 41

    async def test_loans_of_isolated_pairs_are_none_of_its_business(self, autojump_clock: trio.abc.Clock) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        scene.loan("BORROW", "USDT", "50", isIsolated="TRUE", symbol="BTCUSDT")
        assert await stream.missed() == []
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_more_than_a_page_is_read_to_its_end(self, autojump_clock: trio.abc.Clock) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        for _ in range(130):
            scene.tick(0.1)
            scene.loan("BORROW", "USDT", "10")
        assert len(await stream.missed()) == 130
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_debt_that_no_booking_explains_is_asked_for_again_and_then_said(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        scene.loan("BORROW", "BTC", "0.5")
        stream.link.before = lambda method, params: {"rows": [], "total": 0} if "borrow-repay" in method else None
        start = trio.current_time()
        assert words(await stream.missed()) == []
        assert trio.current_time() - start == pytest.approx(1)
        assert stream.results[-1].detail == "+0.5 BTC of debt is not explained"

    async def test_books_that_lag_a_little_are_asked_again_and_complete(self, autojump_clock: trio.abc.Clock) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        scene.loan("BORROW", "BTC", "0.5")
        asked = trio.current_time()
        stream.link.before = lambda method, params: (
            {"rows": [], "total": 0} if "borrow-repay" in method and trio.current_time() == asked else None
        )
        assert len(await stream.missed()) == 1
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_a_recovery_that_was_not_delivered_proves_nothing_for_the_next_one(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        scene.loan("BORROW", "BTC", "0.5")
        scene.tick(5)
        for _ in range(2):
            await stream.recoverer.recover(stream.link.request, stream.whole_until, ExactClock(scene.now))
            scene.tick(5)
        stream.link.before = lambda method, params: {"rows": [], "total": 0} if "borrow-repay" in method else None
        await stream.missed()
        assert "+0.5 BTC of debt is not explained" in stream.results[-1].detail

    async def test_without_a_baseline_the_books_are_told_and_prove_nothing(
        self, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
    ) -> None:
        scene = RiskScene()
        stream = DeskStream(scene)

        def refuse(method: str, params: Any) -> None:
            raise ApiError(method=method, status=400, code=-1000, msg="An unknown error occurred")

        stream.link.before = refuse
        await stream.start()
        assert "cannot be proven complete" in caplog.text
        stream.link.before = lambda method, params: None
        scene.tick(5)
        scene.loan("BORROW", "BTC", "0.5")
        scene.tick(5)
        assert len(await stream.missed()) == 1
        for text in ("what was owed before is not known", "what the margin level meant before is not known"):
            assert text in stream.results[-1].detail
        scene.tick(5)
        scene.loan("REPAY", "BTC", "0.1")
        scene.tick(5)
        assert len(await stream.missed()) == 1
        assert "owed before" not in stream.results[-1].detail

    async def test_without_any_answer_nothing_is_told(self, autojump_clock: trio.abc.Clock) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        stream.link.before = lambda method, params: {"not": "what is documented"}
        assert await stream.missed() == []
        assert not stream.results[-1].complete

    @pytest.mark.parametrize("hours", [0, 20])
    async def test_a_change_that_was_never_sent_comes_with_the_next_gap(
        self, hours: int, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        scene.loan("BORROW", "USDT", "1000")
        stream.position += 1  # Nobody has sent it.
        for _ in range(3 * hours):
            scene.tick(1200)
            scene.loan("BORROW", "BTC", "0.01")
            stream.deliver()
        assert words(await stream.missed()) == [("USDT", "BORROW", "1000", "0.01")]
        assert stream.results[-1].complete, stream.results[-1].detail
        assert await stream.missed() == [], "it comes once"

    async def test_what_a_recovery_could_not_read_comes_with_a_later_one(self, autojump_clock: trio.abc.Clock) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        scene.loan("BORROW", "USDT", "1000")

        def without_loans(method: str, params: Any) -> None:
            if method.endswith("borrow-repay"):
                raise ApiError(method=method, status=400, code=-1104, msg="Not now")

        scene.tick(60)
        stream.link.before = without_loans
        assert await stream.missed() == []
        stream.link.before = lambda method, params: None
        scene.tick(600)
        assert words(await stream.missed()) == [("USDT", "BORROW", "1000", "0.01")]
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_an_event_that_was_long_before_its_booking_is_not_told_again(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        scene.loan("BORROW", "USDT", "1000")
        (event,) = scene.sent(stream.position)
        stream.position += 1
        assert event.event_time is not None
        stream.tell(attrs.evolve(event, event_time=event.event_time - timedelta(minutes=4)))
        scene.tick(600)
        scene.loan("BORROW", "BTC", "0.01")
        stream.deliver()
        assert await stream.missed() == []
        assert stream.results[-1].complete, stream.results[-1].detail

    def test_what_was_told_long_before_the_books_were_read_is_forgotten(self) -> None:
        knowledge = RiskKnowledge()
        for hours in (0, 1, 3):
            knowledge.observe(live(hours=hours))
        knowledge.begin(moment(hours=2.5))
        assert knowledge.read_until(moment(hours=4)) == moment(hours=2.5)
        assert len(knowledge.changes) == 2

    def test_nothing_from_before_what_is_remembered_is_told(self) -> None:
        knowledge = RiskKnowledge()
        start = moment()
        knowledge.begin(start)
        for number in range(20_001):
            knowledge.observe(live(at=start + timedelta(seconds=number)))
        assert knowledge.read_until(start + timedelta(hours=9)) == start + timedelta(seconds=1, minutes=5)


class TestLevel:
    async def test_a_call_for_margin_is_told_with_its_level_and_not_complete(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = RiskScene()
        scene.loan("BORROW", "BTC", "8")
        scene.tick(5)
        stream = await whole(scene)
        scene.price("BTCUSDT", "72000")
        (event,) = await stream.missed()
        assert isinstance(event, MarginLevelStatusChange)
        assert (event.margin_level_status, event.account, event.recovered) == ("MARGIN_CALL", "margin-risk", True)
        assert Decimal("1.1") < event.margin_level < Decimal("1.4")
        assert "can mean MARGIN_CALL or PRE_LIQUIDATION" in stream.results[-1].detail

    async def test_a_level_whose_word_is_not_documented_is_told_and_not_complete(
        self, autojump_clock: trio.abc.Clock
    ) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        stream.tell(level("MARGIN_CALL"))
        (event,) = await stream.missed()
        assert isinstance(event, MarginLevelStatusChange)
        assert event.margin_level_status == "NORMAL"
        assert "means NORMAL is not documented" in stream.results[-1].detail
        assert await stream.missed() == []
        assert stream.results[-1].complete, stream.results[-1].detail

    async def test_what_the_stream_has_told_stands_against_the_baseline(self, autojump_clock: trio.abc.Clock) -> None:
        stream = DeskStream(RiskScene())
        stream.tell(level("FORCE_LIQUIDATION"))
        await stream.start()
        (event,) = await stream.missed()
        assert isinstance(event, MarginLevelStatusChange)

    async def test_a_status_that_comes_live_is_left_to_the_live_event(self, autojump_clock: trio.abc.Clock) -> None:
        scene = RiskScene()
        stream = await whole(scene)
        stream.tell(level("MARGIN_CALL"))
        found = await stream.recoverer.recover(stream.link.request, scene.now(), ExactClock(scene.now))
        assert len(found.events) == 1
        assert found.without([level("EXCESSIVE")]).events == ()
        echoes = found.echoes()
        assert [echoes.is_echo(level("NORMAL")), echoes.is_echo(level("NORMAL"))] == [True, False]
        echoes = found.echoes()
        assert [echoes.is_echo(level("EXCESSIVE")), echoes.is_echo(level("NORMAL"))] == [False, False]
        assert not echoes.is_echo(UnknownEvent(problem="new", raw={}))

    @pytest.mark.parametrize(
        ("value", "first"),
        [("999", "NORMAL"), ("1.3", "MARGIN_CALL"), ("1.1", "MARGIN_CALL"), ("1.09", "FORCE_LIQUIDATION")],
    )
    def test_the_bars_part_the_words(self, value: str, first: str) -> None:
        bars = Bars.read({"normalBar": "1.5", "marginCallBar": "1.3", "forceLiquidationBar": "1.1"})
        assert bars.words(Decimal(value))[0] == first

    def test_bars_that_do_not_follow_each_other_are_refused(self) -> None:
        with pytest.raises(Unreadable, match="above"):
            Bars.read({"normalBar": "1.5", "marginCallBar": "1.1", "forceLiquidationBar": "1.3"})


def level(word: str) -> MarginLevelStatusChange:
    return MarginLevelStatusChange(
        event_type="MARGIN_LEVEL_STATUS_CHANGE",
        event_time=RiskScene().now(),
        margin_level=Decimal(2),
        margin_level_status=word,
    )


def moment(**later: float) -> datetime:
    return RiskScene().now() + timedelta(**later)


def live(word: str = "BORROW", *, at: datetime | None = None, hours: float = 0, **changes: Any) -> UserLiabilityChange:
    at = moment(hours=hours) if at is None else at
    fields: dict[str, Any] = {"asset": "BTC", "principal": Decimal(1), "interest": Decimal("0.1"), **changes}
    return UserLiabilityChange(event_type="USER_LIABILITY_CHANGE", event_time=at, liability_type=word, **fields)


def row(kind: str = "BORROW", *, seconds: float = 0, **changes: Any) -> DebtChange:
    at = RiskScene().now() + timedelta(seconds=seconds)
    fields: dict[str, Any] = {"asset": "BTC", "principal": Decimal(1), "interest": Decimal("0.1"), **changes}
    return DebtChange(raw={}, kind=kind, number=1, time=at, **fields)


class TestPairing:
    @pytest.mark.parametrize(
        ("event", "booked"),
        [
            (live(), row(interest=Decimal(0))),
            (live(), row(seconds=-5)),
            (live("REPAY"), row("REPAY")),
            (live("PAID_BACK"), row("REPAY")),
            (live("INTEREST", principal=Decimal(7)), row("INTEREST", seconds=-1700)),
            (live("ACCRUED"), row("INTEREST")),
        ],
    )
    def test_an_event_tells_a_booking_of_its_kind_amount_and_time(
        self, event: UserLiabilityChange, booked: DebtChange
    ) -> None:
        assert tells(event, booked)

    @pytest.mark.parametrize(
        ("event", "booked"),
        [
            (live(), row(asset="ETH")),
            (live(), row(seconds=-6)),
            (live(), row(principal=Decimal(2))),
            (live(), row("REPAY")),
            (live("PAID_BACK"), row()),
            (live("INTEREST"), row("REPAY")),
            (live("INTEREST"), row("INTEREST", interest=Decimal("0.2"))),
        ],
    )
    def test_and_no_other(self, event: UserLiabilityChange, booked: DebtChange) -> None:
        assert not tells(event, booked)


LOAN: dict[str, Any] = {
    "type": "AUTO",
    "amount": "14",
    "asset": "BTC",
    "interest": "0.5",
    "principal": "13.5",
    "status": "CONFIRMED",
    "timestamp": T0,
    "txId": 77,
}
INTEREST: dict[str, Any] = {
    "txId": "1352286576452864727",
    "interestAccuredTime": T0,
    "asset": "USDT",
    "principal": "45.3",
    "interest": "0.0002",
    "type": "PERIODIC",
}


class TestRows:
    @pytest.mark.parametrize(("kind", "delta"), [("BORROW", ("13.5", "0")), ("REPAY", ("-13.5", "-0.5"))])
    def test_a_loan_changes_what_is_owed(self, kind: str, delta: tuple[str, str]) -> None:
        read = read_loan(LOAN, kind)
        assert read is not None
        assert read.delta == tuple(map(Decimal, delta))

    def test_interest_is_owed_whatever_it_was_charged_for(self) -> None:
        for kind in ("PERIODIC", "ON_BORROW"):
            read = read_interest(INTEREST | {"type": kind})
            assert read is not None
            assert read.delta == (0, Decimal("0.0002"))

    def test_what_has_not_succeeded_or_is_of_a_pair_does_not_count(self) -> None:
        assert read_loan(LOAN | {"status": "FAILED"}, "BORROW") is None
        assert read_loan(LOAN | {"isolatedSymbol": "BTCUSDT"}, "BORROW") is None
        assert read_interest(INTEREST | {"isolatedSymbol": "BTCUSDT"}) is None

    @pytest.mark.parametrize("number", [None, 1.5, True])
    def test_a_booking_without_a_number_is_refused(self, number: object) -> None:
        with pytest.raises(Unreadable, match="txId"):
            read_loan(LOAN | {"txId": number}, "BORROW")
