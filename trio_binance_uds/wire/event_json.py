"""Events and notices as JSON, and back: one object on one line of ASCII, exact for tools that know doubles only.

========================  ============================================================================================
member                    what it holds
========================  ============================================================================================
``type``                  the name of the class, such as ``ExecutionReport`` or ``Gap``
``format``                the version of this form, 1
the fields of the class   in the order of the reference, ``null`` for ``None``
========================  ============================================================================================

* Amounts are texts with the digits that the venue sent.
* Whole numbers of the venue, ids among them, are texts: a double holds no id above 2**53. Counts and seconds of the
  library's own are numbers.
* Times are ISO 8601 in UTC, to the microsecond: ``2026-05-06T07:08:09.123456Z``.
* Secrets are left out; read back, they are ``***``. ``raw`` is left out too, except that of an :class:`UntypedEvent`,
  which has nothing else. Numbers in it are numbers only where they are exact for everybody: any other is
  ``{"$int": "..."}`` or ``{"$decimal": "..."}``, and bytes are ``{"$bytes": "..."}`` in base64. An object with a key
  that begins with ``$`` is ``{"$object": [[key, value], ...]}``.
* ``faults`` is there only where there are some.

Members that this version does not know are ignored when it is read, so that a later one can add some. A change that
older versions would misread gets another ``format``.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

import attrs

from trio_binance_uds import events
from trio_binance_uds.events import Event, Notice, UntypedEvent
from trio_binance_uds.events.fields import Kind, cached
from trio_binance_uds.events.showing import amount
from trio_binance_uds.events.words import OpenEnum
from trio_binance_uds.texts import quoted
from trio_binance_uds.wire.masking import MASK
from trio_binance_uds.wire.values import vocabulary

FORMAT = 1

_EXACT = 2**53 - 1
_HUGE = 10**600
_is_whole = re.compile(r"-?[0-9]{1,640}").fullmatch
_is_amount = re.compile(r"-?[0-9]{1,1300}(?:\.[0-9]{1,1300})?(?:E[+-]?[0-9]{1,6})?").fullmatch


def event_to_json(item: Event | Notice) -> str:
    """Return an event or a notice as one line of JSON, for :func:`event_from_json` and for other programs.

    The module's table says what it holds. It is ASCII, without a line end, and without secrets.
    """
    members = {"type": type(item).__name__, "format": FORMAT, **_members(item)}
    if isinstance(item, UntypedEvent):
        members["raw"] = _from_raw(item.raw)
    return json.dumps(members, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def event_from_json(text: str | bytes) -> Event | Notice:
    """Return the event or notice that a line of JSON holds. It is equal to the one that was written.

    Only secrets, and the ``raw`` of events that have a class of their own, are not in that line.

    Raises:
        ValueError: it is no such line, or of a later version; the message says which member is wrong.
    """
    try:
        members = json.loads(text)
    except (ValueError, RecursionError):
        raise ValueError(f"not an event as JSON: {quoted(str(text), 60)}") from None
    if not isinstance(members, dict) or "type" not in members:
        raise ValueError("not an event as JSON: it has no type")
    if members.get("format") != FORMAT:
        found = quoted(str(members.get("format")), 20)
        raise ValueError(f"this version reads format {FORMAT} of events as JSON, not {found}")
    return cast("Event | Notice", _read(_class_named(members["type"]), members))


def _members(value: Any) -> dict[str, Any]:
    return {
        field.name: _written(getattr(value, field.name), is_of_venue="wire" in field.metadata)
        for field in attrs.fields(type(value))
        if _is_member(field, value)
    }


def _is_member(field: attrs.Attribute[Any], value: Any) -> bool:
    if field.name == "faults":
        return bool(value.faults)
    return field.name != "raw" and field.metadata.get("kind") is not Kind.SECRET


def _written(value: Any, *, is_of_venue: bool) -> Any:
    match value:
        case None | bool() | float():
            return value
        case str():
            return str(value)  # of a member of an enum its value
        case int():
            return str(value) if is_of_venue or abs(value) > _EXACT else value
        case Decimal():
            return amount(value)
        case datetime():
            return value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        case tuple():
            return [_written(item, is_of_venue=is_of_venue) for item in value]
        case _:
            return _members(value)


def _class_named(name: Any) -> type[Any]:
    value = getattr(events, name, None) if isinstance(name, str) and name in events.__all__ else None
    if not isinstance(value, type) or not issubclass(value, Event | Notice):
        raise ValueError(f"this version knows no event {quoted(str(name), 60)}")
    return value


@cached
def _readers(cls: type[Any]) -> dict[str, Callable[[Any], Any]]:
    """Return what reads each field of a class, by its annotation."""
    hints = get_type_hints(cls)
    return {field.name: _to_raw if field.name == "raw" else _reader(hints[field.name]) for field in attrs.fields(cls)}


def _read(cls: type[Any], members: Any) -> Any:
    if not isinstance(members, dict):
        raise ValueError(f"a {cls.__name__} must be an object")
    values: dict[str, Any] = {}
    for field in attrs.fields(cls):
        if field.metadata.get("kind") is Kind.SECRET:
            values[field.name] = MASK
        elif field.name in members:
            try:
                values[field.name] = _readers(cls)[field.name](members[field.name])
            except _Misfit as misfit:
                raise ValueError(f"{cls.__name__}.{field.name} {misfit}") from None
        elif field.default is attrs.NOTHING:
            raise ValueError(f"{cls.__name__}.{field.name} is missing")
    return cls(**values)


class _Misfit(Exception):
    """What is wrong with a member."""


def _reader(hint: Any) -> Callable[[Any], Any]:
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        # A word of an open enum is read as one, and stays a text where the enum does not know it.
        read = _reader(next((kind for kind in kinds if kind is not str), str))
        return (lambda value: None if value is None else read(value)) if NoneType in get_args(hint) else read
    if get_origin(hint) is tuple:
        read_item = _reader(get_args(hint)[0])
        return lambda value: tuple([read_item(item) for item in _of(list, value)])
    if issubclass(hint, OpenEnum):
        words = vocabulary(hint)
        return lambda value: words[_of(str, value)]
    if attrs.has(hint):
        return lambda value: _read(hint, value)
    plain = {Decimal: _amount, datetime: _time, int: _whole, float: _seconds}
    return plain.get(hint) or (lambda value: _of(hint, value))


def _of(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise _Misfit(f"is no {kind.__name__}")
    return value


def _amount(value: Any) -> Decimal:
    if not _is_amount(_of(str, value)):
        raise _Misfit("is no amount")
    return Decimal(value)


def _time(value: Any) -> datetime:
    try:
        at = datetime.fromisoformat(_of(str, value))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise _Misfit("is no time in UTC")
    return at.astimezone(UTC)


def _whole(value: Any) -> int:
    if type(value) is int:
        return value
    if not _is_whole(_of(str, value)):
        raise _Misfit("is no whole number")
    return int(value)


def _seconds(value: Any) -> float:
    return float(value) if type(value) is int else cast("float", _of(float, value))


def _from_raw(value: Any) -> Any:
    match value:
        case None | bool() | str():
            return value
        case int():
            # Beyond some size Python may refuse to write the digits, and to read them.
            return value if abs(value) <= _EXACT else {"$int": str(value) if abs(value) < _HUGE else hex(value)}
        case Decimal():
            return {"$decimal": str(value)}
        case bytes():
            return {"$bytes": b64encode(value).decode("ascii")}
        case list() | tuple():
            return [_from_raw(item) for item in value]
        case dict():
            if any(str(key).startswith("$") for key in value):
                return {"$object": [[str(key), _from_raw(item)] for key, item in value.items()]}
            return {str(key): _from_raw(item) for key, item in value.items()}
        case _:
            return str(value)


def _to_raw(value: Any) -> Any:
    match value:
        case {"$int": str(text)}:
            return int(text, 16) if "x" in text else _whole(text)
        case {"$decimal": str(text)}:
            try:
                return Decimal(text)
            except ArithmeticError:
                raise _Misfit("holds no number where it says so") from None
        case {"$bytes": str(text)}:
            return b64decode(text)
        case {"$object": list(pairs)}:
            return {key: _to_raw(item) for key, item in pairs}
        case dict():
            return {key: _to_raw(item) for key, item in value.items()}
        case list():
            return [_to_raw(item) for item in value]
        case _:
            return value
