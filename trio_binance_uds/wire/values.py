"""One JSON value to the value of one field, or a ``ValueError`` that says what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from trio_binance_uds.events.fields import Kind, cached

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_from_timestamp = datetime.fromtimestamp
# What Decimal() alone would take is more: NaN, Infinity, blanks, underscores, digits of other scripts. An exponent
# is plain Java for a small number ("0E-8"); three digits of it are harmless, nine would be a bomb.
_is_amount = re.compile(r"-?[0-9]{1,64}(?:\.[0-9]{1,64})?(?:[eE][+-]?[0-9]{1,3})?").fullmatch
_MAX_EXPONENT = 1100
_is_integer = re.compile(r"-?(?:0|[1-9][0-9]{0,18})").fullmatch


def text(value: Any) -> str:
    """Return the text as it is."""
    if type(value) is not str:
        raise ValueError("is not a text")
    return value


def amount(value: Any) -> Decimal:
    """Return the amount, digit for digit, from a text or from a number."""
    if type(value) is str and _is_amount(value):
        return Decimal(value)
    if type(value) is int and abs(value) < 10**64:
        return Decimal(value)
    if type(value) is Decimal and value.is_finite():
        _, digits, exponent = value.as_tuple()
        if len(digits) <= 128 and abs(int(exponent)) <= _MAX_EXPONENT:
            return value
    raise ValueError("is not an amount")


def moment(value: Any) -> datetime:
    """Return the time, exact to its unit: 13 digits are milliseconds, 16 are microseconds.

    The unit is judged by magnitude, as a connection can ask for either and not every message obeys.
    """
    if type(value) is int:
        number = value
    elif type(value) is str and len(value) <= 16 and value.isascii() and value.isdigit():
        number = int(value)
    else:
        raise ValueError("is not a time")
    if 10**12 <= number < 2**32 * 1000:
        # Twice as fast as the exact sum below, and exact too: until 2106 the nearest float is less than half a
        # microsecond away, and fromtimestamp() rounds to microseconds.
        return _from_timestamp(number / 1000, UTC)
    if 10**12 <= number < 10**13:
        return _EPOCH + timedelta(milliseconds=number)
    if 10**15 <= number < 10**16:
        return _EPOCH + timedelta(microseconds=number)
    raise ValueError("is not a time in milliseconds (13 digits) or microseconds (16 digits)")


def integer(value: Any) -> int:
    """Return the integer as it is, or from its digits; ids and counts of the venue fit in 64 bits."""
    number = int(value) if type(value) is str and _is_integer(value) else value
    if type(number) is not int or not -(2**63) <= number < 2**63:
        raise ValueError("is not an integer of 64 bits")
    return number


def flag(value: Any) -> bool:
    """Return the truth value as it is."""
    if type(value) is not bool:
        raise ValueError("is neither true nor false")
    return value


class Vocabulary(dict[str, str]):
    """The members of an open enum by their values: a word that is not among them stands for itself."""

    def __missing__(self, word: Any) -> str:
        return text(word)


@cached
def vocabulary(of: type[StrEnum]) -> Vocabulary:
    """Return the vocabulary of this enum."""
    return Vocabulary({member.value: member for member in of})


class AmountMemo(dict[str, Decimal]):
    """The amounts of late by their texts; forgotten as a whole when it is full. Ask it for a plain ``str`` only.

    Most amounts of an account's stream repeat. A hit costs a fifteenth of the conversion, and a miss little more than
    it; ``functools.lru_cache`` costs twice as much for a hit and half as much again for a miss.
    """

    def __missing__(self, sent: str) -> Decimal:
        # At most 64 digits around a point, as nearly all are: to see that costs half of what the pattern costs.
        digits = sent.replace(".", "", 1)
        if not (digits.isdigit() and digits.isascii() and len(digits) <= 64 and sent[0] != "." != sent[-1]):
            amount(sent)  # or its ValueError
        if len(self) >= 1024:
            self.clear()
        value = self[sent] = Decimal(sent)
        return value


class MomentMemo(dict[int, datetime]):
    """The times of late by their integers, in the same manner; ask it for a plain ``int`` only."""

    def __missing__(self, sent: Any) -> datetime:
        value = moment(sent)
        if len(self) >= 256:
            self.clear()
        self[sent] = value
        return value


_PLAIN: dict[Kind, Callable[[Any], Any]] = {
    Kind.TEXT: text,
    Kind.SECRET: text,
    Kind.AMOUNT: amount,
    Kind.NUMBER: amount,
    Kind.TIME: moment,
    Kind.INTEGER: integer,
    Kind.FLAG: flag,
}


def converter(
    kind: Kind, of: type[Any] | None, *, can_be_none: bool, none: int | str | None = None
) -> Callable[[Any], Any]:
    """Return the function from a JSON value, not null, to the value of a field of this kind; not for items.

    Where there may be none, the value ``none`` says so; -1 always says so of a time that names no such value.

    The function raises ``ValueError``, or ``TypeError`` for a list or an object, when the value does not fit.
    """
    if kind is Kind.CHOICE:
        assert of is not None, "a choice declares its enum"
        return vocabulary(of).__getitem__
    convert = _PLAIN[kind]
    if none is None and kind is Kind.TIME:
        none = -1
    if not can_be_none or none is None:
        return convert
    return lambda value: None if type(value) is type(none) and value == none else convert(value)
