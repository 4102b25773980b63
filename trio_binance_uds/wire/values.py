"""One JSON value to the value of one field, or a ``ValueError`` that says what is wrong with it.

A value that comes in another container than the documented one is read where it can mean one thing only: a number as
the text of its digits and the other way round, a flag as 0 or 1. Truth values are never numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar, cast

from trio_binance_uds.events.fields import Kind, cached
from trio_binance_uds.events.words import OpenEnum

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_from_timestamp = datetime.fromtimestamp
# What Decimal() alone would take is more: NaN, Infinity, blanks, underscores, digits of other scripts. An exponent
# is plain Java for a small number ("0E-8"); three digits of it are harmless, nine would be a bomb.
_is_amount = re.compile(r"-?(?:[0-9]{1,64}(?:\.[0-9]{0,64})?|\.[0-9]{1,64})(?:[eE][+-]?[0-9]{1,3})?").fullmatch
_MAX_EXPONENT = 1100
# Any size that an id may have, and none that Python would refuse to print, which it may from 641 digits on.
_is_integer = re.compile(r"-?(?:0|[1-9][0-9]{0,599})").fullmatch
_MAX_INTEGER = 10**600
# So long, in milliseconds, the nearest float is less than half a microsecond away: until 2106.
_FLOATS_UNTIL = 2**32 * 1000
# Where milliseconds end and microseconds begin: 5138 in the one unit is 1973 in the other.
_MICROSECONDS_FROM = 10**14
_LAST_MICROSECOND = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
# What stands for a time where there is none.
_NO_TIMES = frozenset({"0", "-1", "", "none", "null"})
_FLAGS = {"true": True, "false": False, "1": True, "0": False}


def text(value: Any) -> str:
    """Return the text as it is."""
    if type(value) is not str:
        raise ValueError("is not a text")
    return value


def text_or_digits(value: Any) -> str:
    """Return the text as it is, or the digits of a whole number."""
    return str(_whole(value)) if type(value) is int and _whole(value) is not None else text(value)


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
    """Return the time, exact to its unit: a whole number below 10**14 is of milliseconds, any other of microseconds.

    The unit is judged by magnitude, as a connection can ask for either and not every message obeys. Zero is no time.
    """
    number = _whole(value)
    if number is None:
        raise ValueError("is not a time")
    if 10**12 <= number < _FLOATS_UNTIL:
        # Twice as fast as the exact sum below, and exact too, as fromtimestamp() rounds to microseconds.
        return _from_timestamp(number / 1000, UTC)
    if 0 < number < _MICROSECONDS_FROM:
        return _EPOCH + timedelta(milliseconds=number)
    if _MICROSECONDS_FROM <= number <= _LAST_MICROSECOND:
        return _EPOCH + timedelta(microseconds=number)
    raise ValueError("is not a time in milliseconds or microseconds")


def moment_from_zero(value: Any) -> datetime:
    """Return the time like :func:`moment`; where there must be one, zero is the first moment of 1970."""
    return _EPOCH if _whole(value) == 0 else moment(value)


def is_no_time(value: Any) -> bool:
    """Return whether the value stands for "none" where a time is wanted: 0, -1, an empty text, or the word."""
    if type(value) is str:
        return value.lower() in _NO_TIMES
    return type(value) is int and value in (0, -1)


def integer(value: Any) -> int:
    """Return the whole number, of any size, as it is or from its digits."""
    number = _whole(value)
    if number is None:
        raise ValueError("is not a whole number")
    return number


def flag(value: Any) -> bool:
    """Return the truth value, also from 0 and 1 and from the words."""
    found = value if type(value) is bool else None
    if type(value) is int and value in (0, 1):
        found = value == 1
    elif type(value) is str:
        found = _FLAGS.get(value.lower())
    if found is None:
        raise ValueError("is neither true nor false")
    return found


def _whole(value: Any) -> int | None:
    """Return the whole number in a number or in a text of digits, or ``None``."""
    if type(value) is int:
        return value if -_MAX_INTEGER < value < _MAX_INTEGER else None
    if type(value) is str and _is_integer(value):
        return int(value)
    # An exponent of a few digits would make a number of billions of them.
    if type(value) is Decimal and value.is_finite() and value.adjusted() < 128 and value == value.to_integral_value():
        return int(value)
    return None


_WordsT = TypeVar("_WordsT", bound=OpenEnum)


class Vocabulary(dict[Any, _WordsT]):
    """The members of an open enum by their values: a word that is not among them stands for itself.

    A number stands for a word that is one, as ``4`` for ``"4"``.
    """

    def __missing__(self, word: Any) -> _WordsT:
        if type(word) is int and (member := self.get(str(word))) is not None:
            return member
        return cast("_WordsT", text(word))  # see events.words for what type checkers are told


@cached
def vocabulary(of: type[_WordsT]) -> Vocabulary[_WordsT]:
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
        if not (digits.isdigit() and digits.isascii() and len(digits) <= 64):
            amount(sent)  # or its ValueError
        if len(self) >= 1024:
            self.clear()
        value = self[sent] = Decimal(sent)
        return value


class MomentMemo(dict[int, datetime]):
    """The times of late by their integers, in the same manner; ask it for a plain ``int`` only."""

    def __missing__(self, sent: Any) -> datetime:
        # As moment() does it for nearly all times, without its calls.
        value = _from_timestamp(sent / 1000, UTC) if 10**12 <= sent < _FLOATS_UNTIL else moment(sent)
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

    Where there may be none, the value ``none`` says so; of a time that 0, -1, an empty text and "none" always do.

    The function raises ``ValueError``, or ``TypeError`` for a list or an object, when the value does not fit.
    """
    if kind is Kind.CHOICE:
        assert of is not None, "a choice declares its enum"
        return vocabulary(of).__getitem__
    convert = _PLAIN[kind]
    if can_be_none and kind is Kind.TIME:
        return lambda value: None if is_no_time(value) else convert(value)
    if not can_be_none or none is None:
        return convert
    return lambda value: None if type(value) is type(none) and value == none else convert(value)
