"""JSON text: exact in, strict, one exception."""

from __future__ import annotations

import decimal
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance_uds.wire.json_text import MAX_DEPTH, InvalidJson, dumps, loads

texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda members: st.lists(members) | st.dictionaries(texts, members),
    max_leaves=20,
)


@given(plain)
def test_what_json_can_say_comes_in_unchanged(value: Any) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert loads(text) == value
    assert loads(text.encode()) == value
    assert loads(json.dumps(value)) == value


@given(st.decimals(allow_nan=False, allow_infinity=False).filter(lambda number: abs(number.adjusted()) < 10**6))
def test_a_number_with_a_fraction_keeps_every_digit(number: Decimal) -> None:
    text = str(number)
    if "." not in text and "E" not in text:
        text += ".0"
    parsed = loads(text)
    assert type(parsed) is Decimal
    assert str(parsed) == str(Decimal(text))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.00000000", Decimal("1.00000000")),
        ("-0.0", Decimal("-0.0")),
        ("1e5", Decimal("1E+5")),
        ("18446744073709551616", 2**64),
        ("-9223372036854775809", -(2**63) - 1),
        ("9" * 4000, 10**4000 - 1),
    ],
    ids=lambda value: str(value)[:25],
)
def test_numbers_lose_nothing(text: str, value: Any) -> None:
    parsed = loads(text)
    assert type(parsed) is type(value)
    assert parsed == value
    if isinstance(value, Decimal):
        assert parsed.as_tuple() == value.as_tuple()


def test_the_last_of_two_values_of_a_key_wins() -> None:
    assert loads('{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize("text", ['\ufeff{"a":1}', b'\xef\xbb\xbf{"a":1}'])
def test_a_byte_order_mark_is_tolerated(text: str | bytes) -> None:
    assert loads(text) == {"a": 1}


def bad() -> list[str | bytes]:
    faulty: list[str | bytes] = ["", " ", "{", "}", "{'a':1}", '{"a":1,}', "[1,]", "01", "1.", ".5", "+1", "1 2", "tru"]
    faulty += ["NaN", "Infinity", "-Infinity", "[NaN]", '"\t"', '"\\x"', "\x00", "\ufeff\ufeff1", "\ufeff"]
    faulty += ['"\ud800"', '"\\ud800"', '"\\ud800abcdefgh"', '"\\udc00\\ud800"', '{"\\ud800":1}']
    faulty += [b"\xff", b'"\xff"', b'{"\xff":1}', b'"\xc3"', b'"\xed\xa0\x80"', b"", b"\xef\xbb\xbf", b"\xef"]
    faulty += ["9" * 100_000, "1e99999999999999999999", "[" * 100_000, '{"a":' * 100_000, "[" * 900 + "]" * 900]
    return faulty


@pytest.mark.parametrize("text", bad(), ids=lambda text: repr(text[:16]))
def test_anything_else_is_invalid_and_raises_nothing_else(text: str | bytes) -> None:
    with pytest.raises(InvalidJson):
        loads(text)


@given(st.text() | st.binary())
def test_junk_is_a_value_or_invalid(text: str | bytes) -> None:
    try:
        value = loads(text)
    except InvalidJson:
        return
    assert dumps(value)


@given(st.lists(st.sampled_from(['"', "\\", "u", "d", "8", "0", "c", "a", "\\ud83d", "\\ude00", "\\ud800"])))
def test_no_text_comes_in_that_cannot_go_out(parts: list[str]) -> None:
    text = f'["{"".join(parts)}"]'
    try:
        value = loads(text)
    except InvalidJson:
        return
    assert "".join(value).encode().decode() == "".join(value)


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_is_bounded_so_that_walking_a_value_is_safe(opening: str, closing: str) -> None:
    def nested(depth: int) -> str:
        return opening * depth + "1" + closing * depth

    loads(nested(MAX_DEPTH))
    with pytest.raises(InvalidJson, match="levels"):
        loads(nested(MAX_DEPTH + 1))


def test_many_brackets_side_by_side_are_not_deep() -> None:
    wide: list[Any] = [[], {}] * 500
    assert loads(json.dumps(wide)) == wide
    assert loads('["' + "[{" * 200 + '"]') == ["[{" * 200]


def test_a_decimal_context_of_the_user_changes_nothing() -> None:
    with decimal.localcontext() as context:
        context.prec = 3
        for signal in context.traps:
            context.traps[signal] = False
        assert str(loads("1.23456789")) == "1.23456789"
        with pytest.raises(InvalidJson):
            loads("1e99999999999999999999")
    with decimal.localcontext() as context:
        context.prec = 3
        for signal in context.traps:
            context.traps[signal] = True
        assert str(loads("1.23456789")) == "1.23456789"
        with pytest.raises(InvalidJson):
            loads("1e99999999999999999999")


@given(plain)
def test_values_go_out_as_compact_json(value: Any) -> None:
    text = dumps(value)
    assert json.loads(text) == value
    assert text == json.dumps(value, ensure_ascii=False, separators=(",", ":")) or any(ord(c) < 32 for c in str(value))


def test_a_decimal_goes_out_as_a_string_with_all_its_digits() -> None:
    assert dumps({"quantity": Decimal("1.50000000")}) == '{"quantity":"1.50000000"}'


def test_what_has_no_json_form_is_refused() -> None:
    with pytest.raises(TypeError):
        dumps({"a": object()})
    with pytest.raises(UnicodeEncodeError):
        dumps("\ud800")
