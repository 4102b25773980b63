"""Notices are values of the library's own."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime

import attrs
import pytest

from trio_binance_uds.events import (
    BaselineKnown,
    BaselineMissing,
    DisconnectCause,
    Disconnected,
    Event,
    Gap,
    GapCause,
    LeaseAtRisk,
    Notice,
    Proven,
    ReconnectFailed,
    Shedding,
    Unproven,
)

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "notice",
    [
        LeaseAtRisk(at=NOON, expires_at=NOON, account="usdm-futures", detail="no route to host"),
        Disconnected(at=NOON, cause=DisconnectCause.KEEPALIVE_TIMEOUT, detail="no pong for 60 s"),
        Gap(cause=GapCause.LINK_LOST, since=NOON, until=NOON, recovered=2, complete=True),
        ReconnectFailed(at=NOON, attempts=2, next_attempt_at=NOON, detail="status 503"),
        BaselineMissing(at=NOON, detail="refused"),
        BaselineKnown(at=NOON),
        Unproven(at=NOON, account="coinm-futures", detail="no list"),
        Proven(at=NOON, account="coinm-futures"),
        Shedding(at=NOON, shed=3, behind_seconds=4.5, resumes_at=NOON, detail="slow"),
    ],
    ids=lambda notice: type(notice).__name__,
)
def test_notices_are_frozen_values_and_no_events(notice: Notice) -> None:
    assert isinstance(notice, Notice)
    assert not isinstance(notice, Event)
    assert not hasattr(notice, "__dict__")
    assert notice == pickle.loads(pickle.dumps(notice)) == attrs.evolve(notice)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        notice.stream = "other"  # type: ignore[attr-defined]  # it is a promise about run time


def test_a_gap_is_incomplete_until_proven_otherwise() -> None:
    gap = Gap(cause=GapCause.CONSUMER_TOO_SLOW, since=NOON, until=NOON)
    assert (gap.recovered, gap.complete, gap.shed, gap.detail) == (0, False, 0, "")


def test_causes_are_strings_that_programs_can_compare() -> None:
    match Disconnected(at=NOON, cause="keepalive_timeout"):
        case Disconnected(cause=DisconnectCause.KEEPALIVE_TIMEOUT):
            pass
        case _:
            pytest.fail("the pattern did not match")
    assert f"{GapCause.CONSUMER_TOO_SLOW}" == "consumer_too_slow"
