"""The recovery of the Portfolio Margin Pro stream: the totals and the level of risk of now, if they have changed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import trio
from recovery_desk_scene import ALICE, DeskStream, ProScene

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError
from trio_binance_uds.events import Event, PmProAccountUpdate, RiskLevelChange
from trio_binance_uds.stream.recovery.portfolio_pro.recoverer import ProAnswer
from trio_binance_uds.stream.recovery.reading import Unreadable


async def whole(scene: ProScene) -> DeskStream:
    stream = DeskStream(scene)
    await stream.start()
    return stream


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_an_account_that_has_not_changed_has_nothing_to_tell(autojump_clock: trio.abc.Clock) -> None:
    scene = ProScene()
    stream = await whole(scene)
    scene.tick(60)
    assert await stream.missed() == []
    assert stream.results[-1].complete
    assert stream.link.weight == 10


async def test_the_totals_and_the_level_of_now_are_told_if_they_have_changed(autojump_clock: trio.abc.Clock) -> None:
    scene = ProScene()
    stream = await whole(scene)
    scene.stand("1030.5")
    before = scene.now()
    totals, risk = await stream.missed()
    assert isinstance(totals, PmProAccountUpdate)
    assert isinstance(risk, RiskLevelChange)
    sent = [event for event in scene.sent() if isinstance(event, RiskLevelChange)]
    assert risk.risk_level == sent[-1].risk_level != "NORMAL"
    assert (risk.uni_mmr, risk.account_equity) == (sent[-1].uni_mmr, sent[-1].account_equity)
    assert (totals.account_equity, totals.virtual_max_withdraw) == (Decimal("1030.5"), None)
    for event in (totals, risk):
        assert (event.account, event.recovered, event.event_time) == ("portfolio-margin-pro", True, before)
    assert [totals.event_type, risk.event_type] == ["PM_PRO_ACCOUNT_UPDATE", "riskLevelChange"]
    assert stream.results[-1].complete
    assert await stream.missed() == []


async def test_what_was_told_last_counts(autojump_clock: trio.abc.Clock) -> None:
    scene = ProScene()
    stream = await whole(scene)
    scene.stand("1030.5")
    scene.desk.report(ALICE)
    stream.deliver()
    assert await stream.missed() == []


def test_commas_between_thousands_are_read() -> None:
    now = ProScene().now()
    raw = {
        "uniMMR": "5,167.92",
        "accountEquity": "122607.35",
        "actualEquity": "142,607.35",
        "accountMaintMargin": "23.7",
        "accountInitialMargin": "47.4",
        "totalAvailableBalance": "122,559.90199491",
        "virtualMaxWithdrawAmount": "1,000",
        "accountStatus": "SOMETHING_NEW",
    }
    read = ProAnswer.read(raw, now, now)
    assert (read.available_balance, read.uni_mmr) == (Decimal("122559.90199491"), Decimal("5167.92"))
    assert (read.level, read.virtual_max_withdraw) == ("SOMETHING_NEW", 1000)
    with pytest.raises(Unreadable, match="uniMMR"):
        ProAnswer.read(raw | {"uniMMR": None}, now, now)


async def test_without_an_answer_nothing_is_told_and_nothing_proven(
    autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    scene = ProScene()
    stream = DeskStream(scene)

    def refuse(method: str, params: Any) -> None:
        raise ApiError(method=method, status=400, code=-1000, msg="An unknown error occurred")

    stream.link.before = refuse
    await stream.start()
    assert "cannot be proven complete" in caplog.text
    assert await stream.missed() == []
    assert "unknown error" in stream.results[-1].detail
    stream.link.before = lambda method, params: None
    assert kinds(await stream.missed()) == ["PmProAccountUpdate"]
    assert stream.results[-1].detail == "the level of risk before is not known"
    assert await stream.missed() == []
    assert stream.results[-1].complete


async def test_falls_of_the_margin_rate_cannot_be_asked_for(autojump_clock: trio.abc.Clock) -> None:
    scene = ProScene()
    stream = await whole(scene)
    scene.desk.emit(ALICE, {"e": "uniMMRDrop", "E": scene.clock.time // 1000})
    stream.deliver()
    await stream.missed()
    assert "uniMMRDrop" in stream.results[-1].detail


async def test_what_comes_live_is_left_to_the_live_events(autojump_clock: trio.abc.Clock) -> None:
    scene = ProScene()
    stream = await whole(scene)
    scene.stand("1030.5")
    found = await stream.recoverer.recover(stream.link.request, scene.now(), ExactClock(scene.now))
    assert kinds(list(found.events)) == ["PmProAccountUpdate", "RiskLevelChange"]
    mark = len(scene.sent())
    scene.desk.report(ALICE)
    (report,) = scene.sent(mark)
    assert kinds(list(found.without([report]).events)) == ["RiskLevelChange"]
    level = scene.sent(mark - 1)[0]
    assert found.echoes().is_echo(level)
    assert not found.without([level]).echoes().is_echo(level)


async def test_totals_that_are_older_are_echoes_and_newer_ones_are_not(autojump_clock: trio.abc.Clock) -> None:
    scene = ProScene()
    stream = await whole(scene)
    scene.desk.report(ALICE)
    older = scene.sent()[-1]
    scene.tick(3)
    scene.stand("5000")
    found = await stream.recoverer.recover(stream.link.request, scene.now(), ExactClock(scene.now))
    scene.tick(3)
    newer = scene.sent()[-1]
    echoes = found.echoes()
    assert [echoes.is_echo(older), echoes.is_echo(newer)] == [True, False]


async def test_a_level_that_comes_again_after_the_answer_is_no_echo(autojump_clock: trio.abc.Clock) -> None:
    """It was told as recovered, another one came in a second gap, and now it is so again."""
    scene = ProScene()
    stream = await whole(scene)
    scene.stand("1030.5")
    first = (await stream.recover()).echoes()
    scene.tick(10)
    scene.stand("100000")
    await stream.recover()
    scene.tick(10)
    scene.stand("1030.5")
    again = scene.sent()[-1]
    assert isinstance(again, RiskLevelChange)
    assert not first.is_echo(again)


async def test_totals_that_may_be_newer_than_the_answer_are_no_echo(autojump_clock: trio.abc.Clock) -> None:
    """The clock is ahead, by what it says that it may be wrong."""
    scene = ProScene()
    stream = await whole(scene)
    error = timedelta(seconds=0.9)
    clock = ExactClock(lambda: scene.now() + error, error)
    scene.desk.report(ALICE)
    older = scene.sent()[-1]
    scene.tick(3)
    scene.stand("5000")
    found = await stream.recoverer.recover(stream.link.request, scene.now(), clock)
    scene.tick(0.5)
    scene.desk.report(ALICE)
    newer = scene.sent()[-1]
    echoes = found.echoes()
    assert [echoes.is_echo(older), echoes.is_echo(newer)] == [True, False]
