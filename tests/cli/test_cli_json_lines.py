"""Events as lines of JSON: exact, complete, and without secrets."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import cli_samples as samples
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance_uds import Event, Notice, UnknownEvent, event_to_json


def parsed(item: Event | Notice) -> Any:
    line = event_to_json(item)
    assert line.isascii()
    assert "\n" not in line
    return json.loads(line)


def test_an_event_says_its_class_and_keeps_every_digit() -> None:
    members = parsed(samples.report(**samples.FILL, W=1_772_600_767_089_123))
    assert members["type"] == "ExecutionReport"
    assert members["order_quantity"] == "0.50000000"
    assert members["stop_price"] == "0.00000000"
    assert members["order_status"] == "PARTIALLY_FILLED"
    assert members["event_time"] == "2026-03-04T05:06:07.089000Z"
    assert members["working_time"] == "2026-03-04T05:06:07.089123Z"
    assert members["order_id"] == "5000000042"
    assert members["is_maker"] is False
    assert members["trailing_delta"] is None
    assert "raw" not in members


def test_what_is_inside_an_event_is_written_too() -> None:
    members = parsed(samples.position(("BTC", "0.10000000", "0.00000000"), ("USDT", "5.0", "1.00")))
    assert members["balances"] == [
        {"asset": "BTC", "free": "0.10000000", "locked": "0.00000000"},
        {"asset": "USDT", "free": "5.0", "locked": "1.00"},
    ]


def test_notices_are_lines_as_well() -> None:
    gap = parsed(samples.gap(0.0, 1.5, recovered=3, complete=True))
    assert (gap["type"], gap["cause"], gap["recovered"], gap["complete"]) == ("Gap", "link_lost", 3, True)
    assert gap["until"] == "2026-03-04T05:06:08.589000Z"
    assert parsed(samples.disconnected())["cause"] == "connection_lost"


def test_an_unknown_event_brings_its_payload() -> None:
    members = parsed(samples.event({"e": "brandNew", "E": samples.AT_MS, "list": [1, {"x": True}], "none": None}))
    assert members["type"] == "UnknownEvent"
    assert members["raw"]["list"] == [1, {"x": True}]
    assert members["problem"]


def test_a_fraction_in_a_payload_keeps_its_digits() -> None:
    assert parsed(UnknownEvent(raw={"a": Decimal("0.10")}, problem="new"))["raw"] == {"a": {"$decimal": "0.10"}}


@pytest.mark.parametrize("raw", [b"\xff{", "no json \ud800"])
def test_what_is_no_json_is_written_as_text(raw: str | bytes) -> None:
    shown = parsed(UnknownEvent(raw=raw, problem="not JSON"))["raw"]
    assert shown == (raw if isinstance(raw, str) else {"$bytes": "/3s="})


def test_a_listen_key_is_never_written() -> None:
    expired = samples.event({"e": "listenKeyExpired", "E": str(samples.AT_MS), "listenKey": "very-secret-listen-key"})
    assert "very-secret" not in event_to_json(expired)
    assert "listen_key" not in parsed(expired)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(_json)
def test_whatever_the_payload_is_the_line_parses(raw: Any) -> None:
    parsed(UnknownEvent(raw=raw, problem="new"))


def test_a_value_of_an_unforeseen_kind_is_written_as_its_text() -> None:
    assert parsed(UnknownEvent(raw=1j, problem="new"))["raw"] == "1j"
