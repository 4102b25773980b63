"""Checks of what users give: what does not fit is refused where it was given, in words that say what would fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, TypeGuard

import attrs

# Letters of other scripts occur, as do hyphens (options) and underscores (COIN-M).
_SYMBOL = re.compile(r"\w[\w-]{0,59}")
_MAX_SHOWN = 60


def shown(value: object) -> str:
    """Return a value of the user's as it can stand in a message: on one line, and not too long."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"


def is_number(value: object) -> TypeGuard[float]:
    """Whether it is a number that can be compared; truth values are none here."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def seconds(*, allow_zero: bool = False) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Return the validator of an option that is a number of seconds."""
    wanted = "a number of seconds, 0 or more" if allow_zero else "a positive number of seconds"

    def check(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not is_number(value):
            raise TypeError(f"{attribute.name} must be {wanted}, got {shown(value)}")
        if not (value > 0 or (allow_zero and value == 0)):
            raise ValueError(f"{attribute.name} must be {wanted}, got {shown(value)}")

    return check


def count(name: str, value: object, *, least: int, why: str = "", allow_none: bool = False) -> None:
    """Check that a value is a whole number that is large enough.

    Raises:
        TypeError: it is no whole number.
        ValueError: it is too small.
    """
    if value is None and allow_none:
        return
    wanted = f"{name} must be a whole number of at least {least}{why}{' or None' if allow_none else ''}"
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{wanted}, got {shown(value)}")
    if value < least:
        raise ValueError(f"{wanted}, got {shown(value)}")


def at_least(least: int, *, allow_none: bool = False) -> Callable[[object, attrs.Attribute[Any], object], None]:
    """Return the validator of an option that is a whole number."""

    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        count(attribute.name, value, least=least, allow_none=allow_none)

    return check


def truth(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    """Check an option that is True or False."""
    if not isinstance(value, bool):
        raise TypeError(f"{attribute.name} must be True or False, got {shown(value)}")


def texts(name: str, values: Iterable[str], example: str) -> tuple[str, ...]:
    """Return several texts as a tuple.

    Raises:
        TypeError: it is one text, of which the letters would be taken, or something that is not made of texts.
    """
    wanted = f"{name} must be several texts, such as {name}=({example!r},)"
    if isinstance(values, str):
        raise TypeError(f"{wanted}; for this one write {name}=({shown(values)},)")
    if isinstance(values, bytes) or not isinstance(values, Iterable):
        raise TypeError(f"{wanted}, got {shown(values)}")
    several = tuple(values)
    for value in several:
        if not isinstance(value, str):
            raise TypeError(f"{wanted}, got {shown(value)} among them")
    return several


def symbol(name: str, value: str) -> str:
    """Return a symbol.

    Raises:
        ValueError: it cannot be a symbol, as it is in lower case or has signs in it that none has.
    """
    if not _SYMBOL.fullmatch(value):
        raise ValueError(f"{name} must be a symbol such as 'BTCUSDT', without blanks and signs, got {shown(value)}")
    if value != value.upper():
        raise ValueError(f"{name} must be a symbol in upper case: {shown(value.upper())}, got {shown(value)}")
    return value


def an(kind: type[Any], name: str, value: object, instead: str) -> None:
    """Check that a value is of this class; ``instead`` shows how to make one.

    Raises:
        TypeError: it is not. The message does not quote the value, which may be a secret in the wrong place.
    """
    # True is an int to Python, and hardly to anybody else.
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        raise TypeError(f"{name} must be {instead}, got {_described(value)}")


def _described(value: object) -> str:
    if isinstance(value, type):
        return f"the class {value.__name__} itself; call it"
    return f"a value of type {type(value).__name__}"
