"""Margin events: those of spot on the account stream, and two more on the risk stream."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from support.products import MARGIN, MARGIN_RISK
from trio_binance_uds.events import (
    MARGIN_EVENTS,
    SPOT_EVENTS,
    LiabilityType,
    MarginLevelStatus,
    MarginLevelStatusChange,
    UserLiabilityChange,
)
from trio_binance_uds.products import SPOT
from trio_binance_uds.wire.decode import decode_frame

EVENT_TIME = datetime(2026, 7, 1, 12, 0, 0, 457000, tzinfo=UTC)


def decode(payload: dict[str, Any]) -> Any:
    return decode_frame(json.dumps(payload), MARGIN_RISK.product)


def test_account_events_are_those_of_spot_but_for_two() -> None:
    assert SPOT_EVENTS.items() - MARGIN_EVENTS.items() == {
        (name, SPOT_EVENTS[name]) for name in ("externalLockUpdate", "listenKeyExpired")
    }
    assert MARGIN_EVENTS.items() <= SPOT_EVENTS.items()


def test_accounts_that_share_a_connection_are_told_apart_by_their_subscription() -> None:
    payload = MARGIN.payloads["outboundAccountPosition"]
    frames = [json.dumps({"subscriptionId": number, "event": payload}) for number in (0, 1, 2)]
    spot, cross, isolated = (
        decode_frame(frame, product)
        for frame, product in zip(frames, (SPOT, MARGIN.product, MARGIN.product), strict=True)
    )
    assert spot == cross == isolated
    assert [event.subscription_id for event in (spot, cross, isolated)] == [0, 1, 2]  # type: ignore[union-attr]


def test_margin_level_status_change() -> None:
    event = decode(MARGIN_RISK.payloads["MARGIN_LEVEL_STATUS_CHANGE"])
    assert event == MarginLevelStatusChange(
        event_type="MARGIN_LEVEL_STATUS_CHANGE",
        event_time=EVENT_TIME,
        margin_level=Decimal("1.23"),
        margin_level_status="MARGIN_CALL",
    )
    assert event.margin_level_status is MarginLevelStatus.MARGIN_CALL


def test_user_liability_change() -> None:
    event = decode(MARGIN_RISK.payloads["USER_LIABILITY_CHANGE"])
    assert event == UserLiabilityChange(
        event_type="USER_LIABILITY_CHANGE",
        event_time=EVENT_TIME,
        asset="LINK",
        liability_type=LiabilityType.BORROW,
        principal=Decimal(4),
        interest=Decimal("0.000021"),
    )
    assert decode({**MARGIN_RISK.payloads["USER_LIABILITY_CHANGE"], "t": "REPAY"}).liability_type == "REPAY"


@pytest.mark.parametrize(
    ("name", "cls"),
    [("marginLevelStatusChange", MarginLevelStatusChange), ("userLiabilityChange", UserLiabilityChange)],
)
def test_the_names_of_the_schemas_are_known_too(name: str, cls: type[Any]) -> None:
    on_the_wire = {"marginLevelStatusChange": "MARGIN_LEVEL_STATUS_CHANGE"}.get(name, "USER_LIABILITY_CHANGE")
    assert type(decode({**MARGIN_RISK.payloads[on_the_wire], "e": name})) is cls
