"""Reads members of the venue's answers strictly: what is not as documented is refused, with the member's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from trio_binance_uds.events.fields import Kind
from trio_binance_uds.wire.values import converter

_AnswerT = TypeVar("_AnswerT")

text: Callable[[Any], Any] = converter(Kind.TEXT, None, can_be_none=False)
integer: Callable[[Any], Any] = converter(Kind.INTEGER, None, can_be_none=False)
amount: Callable[[Any], Any] = converter(Kind.AMOUNT, None, can_be_none=False)
moment: Callable[[Any], Any] = converter(Kind.TIME, None, can_be_none=False)
flag: Callable[[Any], Any] = converter(Kind.FLAG, None, can_be_none=False)


class Unreadable(ValueError):
    """An answer is not what the venue documents."""


def read_all(raw: Any, read: Callable[[Any], _AnswerT]) -> list[_AnswerT]:
    """Read a list of answers.

    Raises:
        Unreadable: it is no list, or one of them cannot be read.
    """
    return [read(one) for one in each(raw)]


def each(raw: Any) -> list[Any]:
    """Return the members of a list.

    Raises:
        Unreadable: it is none.
    """
    if type(raw) is not list:
        raise Unreadable("a list was expected")
    return raw


def whole(value: Any) -> Any:
    return value


def member(raw: Any, name: str, convert: Callable[[Any], _AnswerT]) -> _AnswerT:
    if type(raw) is not dict:
        raise Unreadable("an object was expected")
    try:
        return convert(raw[name])
    except KeyError:
        raise Unreadable(f'"{name}" is missing') from None
    except (TypeError, ValueError) as error:
        raise Unreadable(f'"{name}" {error}') from None
