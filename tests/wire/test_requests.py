"""Requests: what is refused before anything is sent, and that what is signed is what is sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from enum import Enum, IntEnum, StrEnum
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.wire.requests import (
    encode_request,
    plain_params,
    rest_query,
    sign_rest,
    sign_ws_params,
    stamp_ws_params,
    ws_signing_text,
)

API_KEY = "RequestTestApiKeyRequestTestApiKeyRequestTestApiKeyRequestTestAp"
CREDENTIALS = Credentials.from_secret(API_KEY, "a secret of these tests".replace(" ", "-"))
NOW = 1_785_000_000_000

Writer = Callable[[Mapping[str, object]], object]
WRITERS: list[Writer] = [
    plain_params,
    ws_signing_text,
    rest_query,
    lambda params: encode_request(1, "order.place", params),
    lambda params: stamp_ws_params(params, NOW),
    lambda params: sign_ws_params(CREDENTIALS, params, NOW),
    lambda params: sign_rest(CREDENTIALS, params, NOW),
]
all_writers = pytest.mark.parametrize("write", WRITERS)


class OldSide(str, Enum):  # noqa: UP042 - the older idiom, whose str() is "OldSide.BUY"
    BUY = "BUY"


class Side(StrEnum):
    SELL = "SELL"


class Limit(IntEnum):
    TEN = 10


class Price(Enum):
    CHEAP = Decimal("1E-8")


names = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_", min_size=1, max_size=12).filter(
    lambda name: name not in {"apiKey", "timestamp", "signature", "recvWindow"}
)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
amounts = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**30), max_value=10**30)
scalars = texts | st.integers(-(2**63), 2**63 - 1) | st.booleans() | amounts
all_params = st.dictionaries(names, scalars | st.lists(scalars, max_size=3), max_size=6)


# Values


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.10", "0.10"),
        ("", ""),
        (100, "100"),
        (-(2**63), "-9223372036854775808"),
        (True, "true"),
        (False, "false"),
        (Decimal("0.00000100"), "0.00000100"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1E+3"), "1000"),
        (Decimal("-0.0"), "0.0"),
        (Decimal("123456789012345678901234567890.123456789"), "123456789012345678901234567890.123456789"),
        (OldSide.BUY, "BUY"),
        (Side.SELL, "SELL"),
        (Limit.TEN, "10"),
        (Price.CHEAP, "0.00000001"),
        (["SPOT", "MARGIN"], '["SPOT","MARGIN"]'),
        ((Decimal("1.50"), 2, True), '["1.50",2,true]'),
        ({"a": [Side.SELL]}, '{"a":["SELL"]}'),
        (MappingProxyType({"a": 1}), '{"a":1}'),
        ("\uff11 \u6e2c &=+%/", "\uff11 \u6e2c &=+%/"),
    ],
)
def test_value_is_signed_as_it_stands_in_the_frame(value: object, text: str) -> None:
    assert ws_signing_text({"v": value}) == f"v={text}"
    sent = json.loads(encode_request(1, "m", {"v": value}))["params"]["v"]
    if isinstance(sent, str):
        assert sent == text
    else:
        assert json.dumps(sent, separators=(",", ":"), ensure_ascii=False) == text
    assert parse_qsl(rest_query({"v": value}), keep_blank_values=True) == [("v", text)]


def test_decimal_keeps_all_its_digits_whatever_the_context() -> None:
    with localcontext(prec=3):
        assert ws_signing_text({"q": Decimal("1234.56780")}) == "q=1234.56780"


@all_writers
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.1, "price is a float, which does not keep decimal amounts exactly; give a Decimal or a string"),
        (float("nan"), "price is a float"),
        (None, "price is None; leave the parameter out instead"),
        (b"1", "price is of type bytes, which has no form on the wire"),
        ({1}, "price is of type set"),
        ([1, [0.5]], "price is a float"),
        ({1: 2}, "the name of a parameter is a string, not int"),
    ],
)
def test_value_without_an_exact_form_is_refused(write: Writer, value: object, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        write({"price": value})


@all_writers
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Decimal("NaN"), "price is not a finite number"),
        (Decimal("sNaN"), "price is not a finite number"),
        (Decimal("-Infinity"), "price is not a finite number"),
        (Decimal("1E+999999"), "price has an exponent beyond 100"),
        (Decimal("0E-999999"), "price has an exponent beyond 100"),
        (2**63, "price does not fit into a signed 64-bit integer"),
        (-(2**63) - 1, "price does not fit into a signed 64-bit integer"),
        pytest.param(10**5000, "price does not fit into a signed 64-bit integer", id="5001 digits"),
        ("\ud800", "price has a lone surrogate, which cannot be sent as UTF-8"),
        (["x", "\udfff"], "price has a lone surrogate"),
    ],
)
def test_value_that_cannot_be_sent_is_refused(write: Writer, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write({"price": value})


@all_writers
@pytest.mark.parametrize("name", ["", "a=b", "a&b", "a b", "a\n", "é", "\ud800"])
def test_name_that_would_blur_the_signed_text_is_refused(write: Writer, name: str) -> None:
    with pytest.raises(ValueError, match="the name of a parameter has ASCII letters and digits only"):
        write({name: 1})


# The signed text of the WebSocket API


@given(all_params, st.randoms(use_true_random=False))
def test_signing_text_does_not_depend_on_the_order(params: dict[str, object], random: Any) -> None:
    items = list(params.items())
    random.shuffle(items)
    assert ws_signing_text(dict(items)) == ws_signing_text(params)


@given(all_params)
def test_signing_text_has_every_parameter_once_sorted_by_bytes(params: dict[str, object]) -> None:
    alone = [ws_signing_text({name: params[name]}) for name in sorted(params, key=str.encode)]
    assert ws_signing_text({**params, "signature": "left out"}) == "&".join(alone)


@given(all_params)
def test_signing_text_is_that_of_the_frame_that_arrives(params: dict[str, object]) -> None:
    signed = sign_ws_params(CREDENTIALS, params, NOW, 5000)
    arrived = json.loads(encode_request(7, "order.place", signed))["params"]
    assert ws_signing_text(arrived) == ws_signing_text(signed)
    assert arrived["signature"] == CREDENTIALS.sign(ws_signing_text(arrived))
    assert set(arrived) == {*params, "apiKey", "timestamp", "recvWindow", "signature"}


def test_signing_leaves_the_callers_params_alone() -> None:
    params = {"symbol": "ABCUSDT"}
    sign_ws_params(CREDENTIALS, params, NOW, 5000)
    assert params == {"symbol": "ABCUSDT"}


def test_logged_on_session_keeps_the_timestamp_and_nothing_else() -> None:
    assert stamp_ws_params({"a": Decimal("1.0")}, NOW) == {"a": "1.0", "timestamp": NOW}


@pytest.mark.parametrize("name", ["apiKey", "timestamp", "signature"])
@pytest.mark.parametrize(
    "sign",
    [
        lambda params: stamp_ws_params(params, NOW),
        lambda params: sign_ws_params(CREDENTIALS, params, NOW),
        lambda params: sign_rest(CREDENTIALS, params, NOW),
    ],
)
def test_what_signing_adds_is_refused_from_the_caller(name: str, sign: Writer) -> None:
    with pytest.raises(ValueError, match=f"{name} is added when the request is written; leave it out"):
        sign({name: "1"})


@pytest.mark.parametrize("timestamp", [0, -1, True, 1.5, "1785000000000", None])
def test_timestamp_is_a_positive_int(timestamp: Any) -> None:
    with pytest.raises(ValueError, match="the timestamp must be a positive int"):
        sign_ws_params(CREDENTIALS, {}, timestamp)


@pytest.mark.parametrize(
    ("recv_window", "written"),
    [(5000, 5000), (60000, 60000), (Decimal("6000.346"), "6000.346"), (Decimal("6E+3"), "6000"), ("0.001", "0.001")],
)
def test_receive_window_is_written_exactly(recv_window: Any, written: object) -> None:
    assert stamp_ws_params({}, NOW, recv_window) == {"recvWindow": written, "timestamp": NOW}


@pytest.mark.parametrize(
    "recv_window", [0, -1, 60001, Decimal("60000.001"), Decimal("1.0001"), "5s", "", "\u0665000", True]
)
def test_receive_window_out_of_range_is_refused(recv_window: Any) -> None:
    with pytest.raises(ValueError, match="recvWindow must be more than 0 and at most 60000 milliseconds"):
        stamp_ws_params({}, NOW, recv_window)
    with pytest.raises(ValueError, match="recvWindow must be"):
        stamp_ws_params({"recvWindow": recv_window}, NOW)


def test_receive_window_of_the_request_goes_before_the_general_one() -> None:
    assert stamp_ws_params({"recvWindow": 100}, NOW, 5000)["recvWindow"] == 100


# Frames


@pytest.mark.parametrize("id", [1, 0, -(2**63), 2**63 - 1, "a", "A-b_9" * 7, str(UUID(int=7)), "-"])
def test_id_is_sent_unchanged(id: int | str) -> None:
    assert json.loads(encode_request(id, "session.status")) == {"id": id, "method": "session.status"}


@pytest.mark.parametrize("id", [2**63, -(2**63) - 1, "", "a" * 37, f"x{UUID(int=7)}", "a b", "é", "a\n", "\ud800"])
def test_id_that_the_server_would_refuse_is_refused(id: int | str) -> None:
    with pytest.raises(ValueError, match="request id"):
        encode_request(id, "session.status")


@pytest.mark.parametrize("id", [None, True, 1.0, b"a"])
def test_id_of_another_type_is_refused(id: Any) -> None:
    with pytest.raises(TypeError, match="a request id is an int or a string"):
        encode_request(id, "session.status")


@pytest.mark.parametrize("method", ["", "order place", "order.", "séance", "a\n", "\ud800", '"'])
def test_method_that_cannot_exist_is_refused(method: str) -> None:
    with pytest.raises(ValueError, match="a method is words joined by"):
        encode_request(1, method)


def test_frame_is_compact_and_keeps_the_order() -> None:
    frame = encode_request("x", "v3/order.place", {"symbol": "ABC", "quantity": Decimal("1.0"), "ok": True})
    assert frame == '{"id":"x","method":"v3/order.place","params":{"symbol":"ABC","quantity":"1.0","ok":true}}'


@given(all_params)
def test_frame_says_what_was_asked(params: dict[str, object]) -> None:
    arrived = json.loads(encode_request(1, "m", params)).get("params", {})
    assert arrived == plain_params(params)
    assert list(arrived) == list(params)


# REST


@given(all_params)
def test_query_can_be_read_back_and_is_plain_ascii(params: dict[str, object]) -> None:
    query = rest_query(params)
    assert query.isascii()
    assert not set(query) & set(' "+/#?')
    read = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    assert [(name, f"{name}={value}") for name, value in read] == [
        (name, ws_signing_text({name: value})) for name, value in params.items()
    ]


@given(all_params)
def test_rest_signature_covers_the_encoded_text_and_stands_last(params: dict[str, object]) -> None:
    text, _, signature = sign_rest(CREDENTIALS, params, NOW, 5000).rpartition("&signature=")
    assert text == rest_query({**params, "recvWindow": 5000, "timestamp": NOW})
    assert signature == CREDENTIALS.sign(text)
    assert API_KEY not in text
