"""Each way in which a link can fail is fatal or transient, and the table says which."""

from __future__ import annotations

from datetime import date

import pytest

from trio_binance_uds.errors import (
    ApiError,
    AuthenticationFailed,
    ClockSkew,
    ConnectFailed,
    CredentialsError,
    HandshakeRejected,
    NotConnected,
    NotOffered,
    OutcomeUnknown,
    RateLimited,
    Retired,
)
from trio_binance_uds.events import DisconnectCause, GapCause
from trio_binance_uds.link.connection import PongMissing
from trio_binance_uds.link.intake import SubscriptionEnded
from trio_binance_uds.link.transport import TransportClosed
from trio_binance_uds.stream.handover import ParkedTooMuch
from trio_binance_uds.stream.verdict import disconnect_cause, gap_cause, is_fatal


def refused(kind: type[ApiError], code: int, status: int = 400) -> ApiError:
    return kind(method="session.logon", status=status, code=code, msg="made up")


def rejected(status: int) -> HandshakeRejected:
    return HandshakeRejected("made up", status=status)


RETIRED = Retired(
    method="POST /old", status=410, code=0, msg="", what="old keys", since=date(2026, 2, 20), replaced_by="new ones"
)
TABLE = [
    (CredentialsError("wrong kind"), True),
    (NotOffered("no such URL"), True),
    (refused(AuthenticationFailed, -2015, 401), True),
    (refused(AuthenticationFailed, -1022), True),
    (refused(AuthenticationFailed, -2014), True),
    (refused(ApiError, -1102), True),
    (refused(ApiError, -1016), True),
    (rejected(410), True),
    (RETIRED, True),
    (refused(AuthenticationFailed, -2015, 401), True),
    (refused(ApiError, -3003), False),
    (refused(ApiError, -4109), False),
    (refused(ApiError, 0, 403), False),
    (refused(ApiError, 0, 302), False),
    (refused(ApiError, -1125), False),
    (refused(ApiError, -1209), False),
    (refused(ApiError, -3000), False),
    (refused(ApiError, -3038), False),
    (refused(ApiError, -3044), False),
    (refused(RateLimited, 0, 418), False),
    (OutcomeUnknown("an HTML page", method="GET /fapi/v1/time", status=503), False),
    (RuntimeError("a bug"), True),
    (KeyError("a bug"), True),
    (refused(ApiError, -1020), True),
    (refused(ApiError, -1135), True),
    (refused(ApiError, 0), False),
    (refused(ApiError, 0, 403), False),
    (refused(ApiError, -9876), False),
    (refused(ApiError, -1181), False),
    (refused(ApiError, -1000), False),
    (refused(ApiError, -1001), False),
    (refused(ApiError, -1008), False),
    (refused(ApiError, -1034), False),
    (refused(ApiError, -1191), False),
    (refused(ApiError, -2035), False),
    (refused(ApiError, -2042), False),
    (refused(RateLimited, -1003, 429), False),
    (refused(RateLimited, -1003, 418), False),
    (refused(ClockSkew, -1021), False),
    (rejected(403), False),
    (rejected(404), False),
    (rejected(418), False),
    (rejected(429), False),
    (rejected(500), False),
    (rejected(503), False),
    (ConnectFailed("name not found"), False),
    (NotConnected("lost", method="time"), False),
    (OutcomeUnknown("lost", method="time"), False),
    (TransportClosed(1008, "disconnected"), False),
    (PongMissing("silent"), False),
    (SubscriptionEnded("terminated"), False),
    (ParkedTooMuch("a flood"), False),
]


@pytest.mark.parametrize(("error", "fatal"), TABLE, ids=lambda value: str(value)[:50])
def test_each_failure_is_fatal_or_transient(error: Exception, fatal: bool) -> None:
    assert is_fatal(error) is fatal


@pytest.mark.parametrize(
    ("error", "disconnect", "gap"),
    [
        (TransportClosed(None, "reset"), DisconnectCause.CONNECTION_LOST, GapCause.LINK_LOST),
        (PongMissing("silent"), DisconnectCause.KEEPALIVE_TIMEOUT, GapCause.LINK_LOST),
        (SubscriptionEnded("terminated"), DisconnectCause.SUBSCRIPTION_LOST, GapCause.SUBSCRIPTION_LOST),
        (refused(AuthenticationFailed, -2015, 401), DisconnectCause.CREDENTIALS_REVOKED, GapCause.LINK_LOST),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_user_is_told_the_cause(error: Exception, disconnect: DisconnectCause, gap: GapCause) -> None:
    assert disconnect_cause(error) is disconnect
    assert gap_cause(error) is gap
