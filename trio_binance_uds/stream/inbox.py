"""What reaches the supervisor's inbox: the reports of links, its own timers, and the answers to its questions."""

from __future__ import annotations

from datetime import datetime

import attrs
import trio

from trio_binance_uds.link.link import Link, Report
from trio_binance_uds.stream.asking import Replied
from trio_binance_uds.stream.buffer import Mark
from trio_binance_uds.stream.recovery import Echoes, Recovered
from trio_binance_uds.stream.recovery.own_reports import Searched


@attrs.frozen
class BringUp:
    """Time to start a successor."""


@attrs.frozen
class RolloverDue:
    """A link is so old that it is to be replaced."""

    link: Link


@attrs.frozen
class BarrierPassed:
    """The old link has proven itself, or has not."""

    old: Link
    new: Link
    clean: bool


@attrs.frozen(eq=False)
class Resumption:
    """The end of a blindness: a link whose events wait until what was missed has been asked for.

    ``scope`` is that of the recovery. One that nobody waits for any more is cancelled, so that it changes nothing.
    """

    link: Link
    until: datetime
    began: float = attrs.field(factory=trio.current_time)
    scope: trio.CancelScope = attrs.field(factory=trio.CancelScope)


@attrs.frozen
class Answered:
    """A recovery is over."""

    resumption: Resumption
    recovered: Recovered
    searched: Searched


@attrs.frozen
class OpeningOver:
    """The baseline has taken so long that entering does not wait for it any more."""


@attrs.frozen
class BaselineAsked:
    """The baseline has been asked for, whatever came of it."""


@attrs.frozen
class AskForBaseline:
    """Time to ask for the baseline again."""


@attrs.frozen
class Settled:
    """The time for echoes is over: of a recovery, or of all links before the one that has become active."""

    of: Echoes | Link


@attrs.frozen
class UnreadableDue:
    """Time to ask the venue what the events were that could not be read."""


@attrs.frozen
class JudgementDue:
    """Time to see what no fill has explained."""


@attrs.frozen
class OpenDiffers:
    """The open orders are not those that were delivered, which was last seen to be right at ``since``."""

    link: Link
    since: datetime
    detail: str


@attrs.frozen
class Crashed:
    """A task of ours has failed as none should."""

    bug: Exception


Message = (
    Crashed
    | Report
    | Mark
    | BringUp
    | RolloverDue
    | BarrierPassed
    | Answered
    | AskForBaseline
    | BaselineAsked
    | OpeningOver
    | Replied
    | Settled
    | UnreadableDue
    | JudgementDue
    | OpenDiffers
)
