"""The recovery of the additional stream of a Portfolio Margin Pro account: its totals and its level of risk of now.

There is nothing else to ask about its past. What cannot be recovered:

* The totals of every five seconds: there is one event with those of now, if they have changed. What could be withdrawn
  at most is in no documented answer, and then ``None``.
* A level of risk that came and went.
* ``uniMMRDrop``: where the stream has ever told one, no gap is complete.

Orders, positions and balances come by the streams of the account's products, and are recovered there.

Source: Binance Portfolio Margin Pro, "Get Portfolio Margin Pro Account Info" (2026-05-28).
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
import trio

from trio_binance_uds.events import Event, PmProAccountUpdate, RiskLevel, RiskLevelChange, UnknownEvent
from trio_binance_uds.events.fields import Kind
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.contract import NEVER_ASKED
from trio_binance_uds.stream.recovery.inquiry import Inquiry, Question, Request
from trio_binance_uds.stream.recovery.learned import Learned
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.reading import amount, member
from trio_binance_uds.stream.recovery.timing import VenueClock, latest
from trio_binance_uds.stream.recovery.told_states import SnapshotEchoes, WordEcho
from trio_binance_uds.wire.values import converter, vocabulary

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

_level = converter(Kind.CHOICE, RiskLevel, can_be_none=False)

Totals = tuple[Decimal | None, ...]


def _grouped(value: Any) -> Decimal:
    """Read an amount that may be written with a comma before every three digits, as in the published sample."""
    found: Decimal = amount(value.replace(",", "") if type(value) is str else value)
    return found


@attrs.frozen(kw_only=True)
class ProAnswer:
    """What the account is at the moment; the answer carries no time, so that of asking stands for it."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    asked: datetime
    answered: datetime
    level: RiskLevel | str
    uni_mmr: Decimal
    account_equity: Decimal
    actual_equity: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal
    available_balance: Decimal
    virtual_max_withdraw: Decimal | None

    @classmethod
    def read(cls, raw: Any, asked: datetime, answered: datetime) -> ProAnswer:
        return cls(
            asked=asked,
            answered=answered,
            level=member(raw, "accountStatus", _level),
            uni_mmr=member(raw, "uniMMR", _grouped),
            account_equity=member(raw, "accountEquity", _grouped),
            actual_equity=member(raw, "actualEquity", _grouped),
            initial_margin=member(raw, "accountInitialMargin", _grouped),
            maintenance_margin=member(raw, "accountMaintMargin", _grouped),
            available_balance=member(raw, "totalAvailableBalance", _grouped),
            virtual_max_withdraw=member(raw, "virtualMaxWithdrawAmount", _grouped)
            if "virtualMaxWithdrawAmount" in raw
            else None,
            raw=raw,
        )

    def totals(self) -> PmProAccountUpdate:
        """Return the totals as an event."""
        return PmProAccountUpdate(
            event_type="PM_PRO_ACCOUNT_UPDATE",
            event_time=self.asked,
            recovered=True,
            raw={"account": self.raw},
            uni_mmr=self.uni_mmr,
            account_equity=self.account_equity,
            actual_equity=self.actual_equity,
            initial_margin=self.initial_margin,
            maintenance_margin=self.maintenance_margin,
            available_balance=self.available_balance,
            virtual_max_withdraw=self.virtual_max_withdraw,
        )

    def risk(self) -> RiskLevelChange:
        """Return the level of risk as an event."""
        return RiskLevelChange(
            event_type="riskLevelChange",
            event_time=self.asked,
            recovered=True,
            raw={"account": self.raw},
            uni_mmr=self.uni_mmr,
            risk_level=vocabulary(RiskLevel)[str(self.level)],
            account_equity=self.account_equity,
            actual_equity=self.actual_equity,
            maintenance_margin=self.maintenance_margin,
        )


def _figures(update: PmProAccountUpdate) -> Totals:
    """Return the totals that every answer has, to see if they have changed."""
    return (
        update.uni_mmr,
        update.account_equity,
        update.actual_equity,
        update.initial_margin,
        update.maintenance_margin,
        update.available_balance,
    )


class ProRecoverer:
    """Knows what the user was told, and recovers what was missed."""

    def __init__(self, options: Recovery, account: str) -> None:
        self._options = options
        self._account = account
        self._level: str | None = None
        self._figures: Totals | None = None
        self._has_drops = False
        self._no_baseline_because = NEVER_ASKED
        self._learned = Learned()

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        if isinstance(event, PmProAccountUpdate):
            self._figures = _figures(event)
        elif isinstance(event, RiskLevelChange):
            self._level = None if event.risk_level is None else str(event.risk_level)
        elif isinstance(event, UnknownEvent) and event.event_type == "uniMMRDrop":
            self._has_drops = True

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return "" if self._level is not None else self._no_baseline_because

    async def take_baseline(self, request: Request, clock: VenueClock) -> None:
        """Ask what the account was when the stream began. Weight 5."""
        answer, reasons = await self._ask(request, clock)
        if answer is not None:
            self._level = self._level or str(answer.level)
            self._figures = self._figures or _figures(answer.totals())
        else:
            self._no_baseline_because = "; ".join(reasons)
            log.warning("gaps cannot be proven complete: %s", self._no_baseline_because)

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> ProRecovered:
        """Ask what the account is now; it raises no ordinary exception. Weight 5."""
        self._learned.forget()
        answer, reasons = await self._ask(request, clock)
        events: list[Event] = []
        if answer is not None:
            totals = answer.totals()
            if _figures(totals) != self._figures:
                events.append(totals)
            if self._level is not None and answer.level != self._level:
                events.append(answer.risk())
        if self._level is None:
            reasons.append("the level of risk before is not known")
        if self._has_drops:
            reasons.append("falls of the margin rate (uniMMRDrop) cannot be asked for")
        if answer is not None:
            self._learned.add(partial(self._note_level, str(answer.level)))
        marked = [attrs.evolve(event, account=self._account) for event in events]
        answered = None if answer is None else answer.answered
        return ProRecovered(tuple(marked), "; ".join(reasons), answered, clock.uncertainty)

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Record the level of risk that was answered, if none was known."""
        self._learned.record()

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        self._learned.forget()

    def _note_level(self, level: str) -> None:
        self._level = self._level or level

    async def _ask(self, request: Request, clock: VenueClock) -> tuple[ProAnswer | None, list[str]]:
        asked, found = clock.now(), list[ProAnswer]()

        def use(result: Any) -> None:
            found.append(ProAnswer.read(result, asked, latest(clock)))

        inquiry = Inquiry(request, self._options.weight_allowed)
        with trio.move_on_after(self._options.max_seconds):
            await inquiry.ask(
                [Question(method="GET /sapi/v1/portfolio/account", weight=5, about="the account", use=use)]
            )
        return (found[-1] if found else None), inquiry.reasons()


@attrs.frozen
class ProRecovered:
    """What a recovery has brought: the totals and the level of risk as they were answered, where they have changed.

    Attributes:
        answered: the latest time at which that can have been answered; ``None`` where it was not.
        uncertainty: by how much the times of the events may be wrong.
    """

    events: tuple[Event, ...]
    detail: str
    answered: datetime | None
    uncertainty: timedelta

    @property
    def complete(self) -> bool:
        return not self.detail

    def without(self, parked: Iterable[Event]) -> ProRecovered:
        """Return what the live events do not tell anew."""
        kinds = {type(event) for event in parked}
        return attrs.evolve(self, events=tuple([event for event in self.events if type(event) not in kinds]))

    def echoes(self) -> ProEchoes:
        """Return what to look out for."""
        return ProEchoes(self)


class ProEchoes:
    """Recognises live events that tell what was recovered, or totals that are older."""

    def __init__(self, recovered: ProRecovered) -> None:
        totals = [event for event in recovered.events if isinstance(event, PmProAccountUpdate)]
        levels = [event.risk_level for event in recovered.events if isinstance(event, RiskLevelChange)]
        told = [(type(event), event.event_time) for event in totals]
        self._totals = SnapshotEchoes([(kind, None if at is None else at - recovered.uncertainty) for kind, at in told])
        self._level = WordEcho(levels[0] if levels else None, recovered.answered)

    def is_echo(self, event: Event) -> bool:
        """Whether a live event is not to be told because a recovered one has told it, or something newer."""
        if isinstance(event, PmProAccountUpdate):
            return self._totals.is_echo(event, event.event_time)
        return isinstance(event, RiskLevelChange) and self._level.is_echo(event.risk_level, event.event_time)
