"""The report of an order for stocks: numbers stay exact, and what it says is known by what it is about."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from support.products import STOCKS
from trio_binance_uds import events
from trio_binance_uds.wire.decode import decode_frame
from trio_binance_uds.wire.json_text import dumps
from trio_binance_uds.wire.typed_frames import typed_frames

REPORT = STOCKS.payloads["orderReport"]


def text(**changed: Any) -> str:
    return json.dumps({**REPORT, **changed})


def decode(frame: str) -> Any:
    return decode_frame(frame, STOCKS.product)


def fast(frame: str) -> Any:
    return typed_frames(STOCKS.product.event_types).reader("stocks", lambda text: None)(frame)


NUMBERS = [
    "0",
    "12",
    "3.125",
    "0.1",
    "0.30000000000000004",
    "123456789012345678901234567890.123456789012345678901234567890",
    "1E-8",
    "1.10",
    "-0.0",
]


@pytest.mark.parametrize("digits", NUMBERS)
@pytest.mark.parametrize("key", ["fq", "FN", "p"])
def test_a_number_is_kept_digit_for_digit_and_by_the_fast_way(digits: str, key: str) -> None:
    frame = text(**{key: 4711}).replace("4711", digits)
    names = {"fq": "filled_quantity", "FN": "filled_notional", "p": "price"}
    for event in (decode(frame), fast(frame), decode(" " + frame)):
        assert str(getattr(event, names[key])) == str(Decimal(digits))
        assert dumps(event.raw[key]) in (dumps(Decimal(digits)), digits)


@pytest.mark.parametrize("odd", ['"NaN"', '"1_0"', "true", "{}", '""', "1E9999", "[1]"])
def test_what_is_no_amount_is_none_for_either_way(odd: str) -> None:
    frame = text(fq=4711).replace("4711", odd)
    assert fast(frame) is None
    assert not isinstance(decode(frame), events.OrderReport) or decode(frame).filled_quantity is None


def test_an_amount_as_a_text_is_read_too() -> None:
    assert decode(text(fq="3.10")).filled_quantity == Decimal("3.10")


def test_the_words_are_in_lower_case_and_new_ones_stay_texts() -> None:
    event = decode(text())
    assert event.side is events.StockSide.BUY
    assert event.order_status is events.StockOrderStatus.PARTIALLY_FILLED
    assert event.execution_type is events.StockExecutionType.ORDER_UPDATE
    assert decode(text(s="pending_cancel")).order_status == "pending_cancel"


def test_its_symbol_is_that_of_the_rest_api() -> None:
    assert decode(text()).symbol == "MSFT"
    assert decode(text(b="MSFT")).symbol == "MSFT"


def test_an_update_is_known_by_order_time_filled_quantity_and_status() -> None:
    event = decode(text())
    same = decode(text(E=1782907299999, Z=25.0, tc=None))
    assert same.identity == event.identity
    assert event.is_told_once
    for other in ({"i": "another"}, {"U": 1782907200002}, {"fq": 3.126}, {"s": "filled"}):
        assert decode(text(**other)).identity != event.identity


@pytest.mark.parametrize("key", ["ai", "q", "p", "Q", "N", "FN", "tc", "Z", "n", "T"])
def test_what_an_order_is_not_about_may_be_missing(key: str) -> None:
    frame = json.loads(text())
    del frame[key]
    event = decode(json.dumps(frame))
    assert isinstance(event, events.OrderReport)
    assert event == fast(json.dumps(frame))
