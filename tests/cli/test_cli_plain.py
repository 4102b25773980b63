"""Amounts, times and foreign text as plain text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import trio_binance_uds
from trio_binance_uds.cli.plain import clock, command_words, exact, iso, one_line, printable, short, signed, tail


@pytest.mark.parametrize("text", ["0.00000000", "0", "100", "1.50", "-0.00000001", "99999999999999999999.00000001"])
def test_an_amount_keeps_its_digits(text: str) -> None:
    assert exact(Decimal(text)) == text


@pytest.mark.parametrize("text", ["1E+999999999", "1E-999999999", "0E+999999999", "NaN", "Infinity"])
def test_an_amount_that_would_fill_the_memory_is_not_written_out(text: str) -> None:
    assert Decimal(exact(Decimal(text))).compare_total(Decimal(text)) == 0
    assert len(exact(Decimal(text))) < 80


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_whatever_an_amount_is_its_text_has_the_same_value(amount: Decimal) -> None:
    assert Decimal(exact(amount)) == amount == Decimal(short(amount))


@pytest.mark.parametrize(
    ("text", "expected"),
    [("0.50000000", "0.5"), ("100", "100"), ("100.00000000", "100"), ("0.00000000", "0"), ("1.20E-99", "1.20E-99")],
)
def test_for_people_zeros_at_the_end_go_and_nothing_else(text: str, expected: str) -> None:
    assert short(Decimal(text)) == expected


def test_a_change_has_its_sign() -> None:
    assert [signed(Decimal(text)) for text in ("2.50", "-2.50", "0.00", "-0.00")] == ["+2.5", "-2.5", "+0", "-0"]


def test_times_are_utc() -> None:
    time = datetime(2026, 3, 4, 7, 6, 7, 89_001, timezone(timedelta(hours=2)))
    assert iso(time) == "2026-03-04T05:06:07.089001Z"
    assert clock(time) == "05:06:07.089"
    assert clock(None) == " " * len(clock(datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("这是测试币456", "这是测试币456"),
        ("red \x1b[31m", "red \\x1b[31m"),
        ("one\ntwo\x9b", "one\\ntwo\\x9b"),
        ("turned \u202e round", "turned \\u202e round"),
        ("\ud800", "\\ud800"),
    ],
)
def test_nothing_that_steers_a_terminal_gets_through(text: str, expected: str) -> None:
    assert printable(text) == expected


@given(st.text())
def test_whatever_a_text_is_it_becomes_printable(text: str) -> None:
    assert printable(text).isprintable()


def test_an_exception_is_one_line_with_its_cause() -> None:
    error = ValueError("first\nsecond")
    error.__cause__ = OSError("why")
    assert one_line(error) == "first second (why)"
    error.__cause__ = OSError("all have failed")
    error.__cause__.__cause__ = ExceptionGroup("one of two", [OSError("the root"), OSError("another")])
    assert one_line(error) == "first second (the root)"
    error.__cause__ = OSError("second")
    assert one_line(error) == "first second"
    assert one_line(ValueError()) == "ValueError"


def test_the_end_of_an_id_is_kept() -> None:
    assert tail("5000000042", 7) == "…000042"
    assert tail("42", 7) == "42"


# Where the words are that a user of the command can get to see.
SHOWN = ("credentials", "doctor", "errors.py", "link", "products", "stream/recovery")
# What no command line leads to: options that only programs have.
FOR_PROGRAMS = {"choice.py", "network.py", "diagnose.py"}
CALL = re.compile(r"\b[a-z_]+\(\)|\w+\(\w+=|\([A-Z_]{4,}\)|\([a-z]+_[a-z]+\)|ssl_context")


def messages() -> Iterator[str]:
    root = Path(trio_binance_uds.__file__).parent
    paths = [path for place in SHOWN for path in [root / place, *(root / place).rglob("*.py")] if path.is_file()]
    for path in paths:
        tree = ast.parse(path.read_text("utf-8"))
        prose = {
            id(node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        }
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
            if is_text and path.name not in FOR_PROGRAMS and " " in node.value:
                yield node.value


def test_what_the_library_advises_programs_to_call_is_advice_for_the_command_too() -> None:
    advice = [text for text in messages() if CALL.search(text)]
    assert len(advice) > 5
    assert not [text for text in map(command_words, advice) if CALL.search(text)]
