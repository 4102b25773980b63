"""What the library says about the stream itself, in line with the events: where it broke and what is missing."""

from __future__ import annotations

from datetime import datetime
from enum import unique
from typing import Literal, TypeAlias

import attrs

from trio_binance_uds.events.base import Shown
from trio_binance_uds.events.words import OpenEnum
from trio_binance_uds.texts import detail_line


@unique
class DisconnectCause(OpenEnum):
    """Why the live link ended."""

    CONNECTION_LOST = "connection_lost"  #: the socket broke or was closed by the other side
    KEEPALIVE_TIMEOUT = "keepalive_timeout"  #: a ping was not answered in time
    SERVER_SHUTDOWN = "server_shutdown"  #: the server said that it is going down
    SUBSCRIPTION_LOST = "subscription_lost"  #: the connection lives, but the subscription on it has ended
    CREDENTIALS_REVOKED = "credentials_revoked"  #: the venue no longer accepts the key


DisconnectCauseWord: TypeAlias = Literal[
    "connection_lost", "keepalive_timeout", "server_shutdown", "subscription_lost", "credentials_revoked"
]


@unique
class GapCause(OpenEnum):
    """Why events may be missing."""

    LINK_LOST = "link_lost"  #: no link was live for a while
    SUBSCRIPTION_LOST = "subscription_lost"  #: the connection lived, but the subscription on it had ended
    HANDOVER_UNPROVEN = "handover_unproven"  #: a link was replaced and could not show that it had delivered everything
    CONSUMER_TOO_SLOW = "consumer_too_slow"  #: the buffer was full, and events were shed
    REPORT_MISSING = "report_missing"  #: what came, or a list of what is open, proves that something never came
    EVENT_UNREADABLE = "event_unreadable"  #: an event came that could not be read


GapCauseWord: TypeAlias = Literal[
    "link_lost", "subscription_lost", "handover_unproven", "consumer_too_slow", "report_missing", "event_unreadable"
]


@attrs.frozen(kw_only=True)
class Notice(Shown):
    """The base of what the library itself puts into a stream, between the venue's events.

    Attributes:
        stream: the name of the stream that it is about, as in :attr:`Event.stream`; it does not count when two notices
            are compared.
    """

    stream: str | None = attrs.field(default=None, eq=False)


@attrs.frozen(kw_only=True)
class Disconnected(Notice):
    """The stream is blind from here on: no event can arrive before a new link is up.

    It is an early warning. It comes after every event that the lost link had delivered, and a :class:`Gap` always
    follows it before the next event, unless the stream ends first. It says nothing about what was missed.

    Attributes:
        at: when the loss was noticed; the link may have been dead for a while by then.
        cause: a short word for programs, one of :class:`DisconnectCause` or one of a later version.
        detail: for people, such as a close code; the wording may change.
    """

    at: datetime
    cause: DisconnectCause | DisconnectCauseWord
    detail: str = attrs.field(default="", converter=detail_line)


@attrs.frozen(kw_only=True)
class ReconnectFailed(Notice):
    """The stream is still blind: an attempt to connect has failed, and the next one follows.

    It comes between a :class:`Disconnected` and what ends that, for the first failed attempt and then at growing
    intervals, up to an hour; ``statistics()`` counts every attempt. As long as nobody has read it, a later one takes
    its place, so that an outage of any length takes up one place in the buffer.

    Attributes:
        at: when the attempt failed.
        attempts: how many have failed since the :class:`Disconnected`.
        next_attempt_at: when the next one begins.
        detail: for people: why it failed; the wording may change.
    """

    at: datetime
    attempts: int
    next_attempt_at: datetime
    detail: str = attrs.field(default="", converter=detail_line)


@attrs.frozen(kw_only=True)
class Shedding(Notice):
    """The stream is blind from here on: its buffer was full, and what arrived after this place was discarded.

    It stands exactly after the last event that found room. Events are discarded until the venue can be asked for them;
    a :class:`Gap` with the cause ``consumer_too_slow`` then follows before the next event, unless the stream ends
    first. The connection stays up meanwhile.

    Attributes:
        at: when the first event was discarded.
        shed: how many were discarded until this notice was read; the :class:`Gap` says how many there were in all.
        behind_seconds: for how long the buffer was full: from ``at`` until this notice was read.
        resumes_at: the earliest moment at which the venue is asked for what was discarded. To ask costs much of its
            limits, so some time lies between two such recoveries.
        detail: for people; the wording may change.
    """

    at: datetime
    shed: int
    behind_seconds: float
    resumes_at: datetime
    detail: str = attrs.field(default="", converter=detail_line)


@attrs.frozen(kw_only=True)
class Unproven(Notice):
    """The stream is open, and nothing has shown so far that its socket brings the events of this account.

    The venue acknowledges a socket at a wrong URL as well, and such a socket answers pings and is silent for ever. It
    is asked which streams it has, and this one did not say. So it may be right, and the account quiet, or wrong. It
    stays unproven until the first event comes, which :class:`Proven` says; an order that is placed and cancelled brings
    one. It comes once in a stream, before every event.

    Attributes:
        at: when the venue acknowledged the socket.
        account: whose events it should bring, as in :attr:`Event.account`.
        detail: for people: what could not be proven, and where; the wording may change.
    """

    at: datetime
    account: str
    detail: str = attrs.field(default="", converter=detail_line)


@attrs.frozen(kw_only=True)
class Proven(Notice):
    """A stream that was :class:`Unproven` brings events: its socket is the right one.

    It comes behind the first event; or before it, where a later connection lists its streams.

    Attributes:
        at: when it was shown.
        account: as in :class:`Unproven`.
    """

    at: datetime
    account: str


@attrs.frozen(kw_only=True)
class BaselineMissing(Notice):
    """It is not known what was there before the stream began, so no gap can be proven complete.

    Entering the block waits for the answers that tell it. This comes where they stayed away, were refused, or take
    longer. Events arrive all the same. It is asked again at growing intervals, until :class:`BaselineKnown`.

    Attributes:
        at: when it was given up to wait for them.
        detail: for people: what was not answered, and why; the wording may change.
    """

    at: datetime
    detail: str = attrs.field(default="", converter=detail_line)


@attrs.frozen(kw_only=True)
class BaselineKnown(Notice):
    """It is known by now what was there before the stream began, after a :class:`BaselineMissing`.

    From here on a gap can be proven complete.

    Attributes:
        at: when the answers came.
    """

    at: datetime


@attrs.frozen(kw_only=True)
class LeaseAtRisk(Notice):
    """A listen key or listen token is about to end, and could not be renewed so far.

    Events still arrive. It comes once for each life of the key or token, when a tenth of it is left; the attempts go
    on. When that life has ended, the link ends with it: a :class:`Disconnected` and, with the next link, a
    :class:`Gap` follow.

    Attributes:
        at: when it was noticed.
        expires_at: when the life ends.
        account: whose events depend on it, as in :attr:`Event.account`.
        detail: for people: why it could not be renewed; the wording may change.
    """

    at: datetime
    expires_at: datetime
    account: str
    detail: str = attrs.field(default="", converter=detail_line)


@attrs.frozen(kw_only=True)
class CredentialsRefused(Notice):
    """The venue has refused the key, or the signature made with its secret, for a question of the stream's own.

    Events still arrive, but what was missed in a gap cannot be asked for, so gaps stay incomplete. It comes when the
    question was refused three times within some seconds, and not again before it has been answered. The secret can be
    wrong, the key can lack the permission to read, or its address list does not have this address. On entering, the
    first such refusal is raised as :exc:`AuthenticationFailed`.

    Attributes:
        at: when it was noticed.
        method: what was asked: a method of the WebSocket API or a route.
        detail: for people: the refusal; the wording may change.
    """

    at: datetime
    method: str
    detail: str = attrs.field(default="", converter=detail_line)


@attrs.frozen(kw_only=True)
class Gap(Notice):
    """Events may be missing here, between the event before and the event after this notice.

    It can be read only once delivery has resumed: every event after it is newer than ``until`` or was recovered. The
    recovered events follow it directly, each with ``recovered=True``; only those which are newer than what had come
    live by then follow that.

    Where ``complete`` is False, ask for the state of the account, but not at once: the recovered events are older than
    the answer and must not change what it says. Read as many events with ``recovered=True`` as ``recovered`` says, then
    ask. Joined with the events that follow, that answer is complete.

    Attributes:
        since: the last moment at which nothing was missing yet.
        until: the moment from which on nothing is missing again.
        recovered: how many events inside the gap were recovered by queries.
        complete: whether it is proven that nothing is missing any more. False does not mean that something is.
        shed: how many events were thrown away because the consumer was too slow.
        detail: for people: what could not be proven, or why; the wording may change.
    """

    cause: GapCause | GapCauseWord
    since: datetime
    until: datetime
    recovered: int = 0
    complete: bool = False
    shed: int = 0
    detail: str = attrs.field(default="", converter=detail_line)
