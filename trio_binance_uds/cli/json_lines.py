"""Writes an event or a notice as one line of JSON, exact and free of secrets, for programs to read.

* ``type`` is the name of the class; the other members are its fields, in the order of the reference.
* Amounts are strings with the digits that the venue sent. Times are ISO 8601 in UTC, to the microsecond.
* A field that is kept out of ``repr`` is a secret, or the raw payload: it is left out. Only what has no typed event
  brings its ``raw``, which has no secrets in it; fractional numbers in there are strings as well.
* What an event lacks, or has in a form that cannot be read, stands in ``faults``, which is there only then.
"""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds import Event, Notice, UntypedEvent
from trio_binance_uds.cli.plain import exact, iso

_HUGE = 10**600


def as_json_line(item: Event | Notice) -> str:
    """Return the line, without its end; it is ASCII, whatever the event holds."""
    members = {"type": type(item).__name__, **_fields(item)}
    if isinstance(item, Event) and item.faults:
        members["faults"] = _value(item.faults)
    if isinstance(item, UntypedEvent):
        members["raw"] = _value(item.raw)
    return json.dumps(members, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _fields(value: Any) -> dict[str, Any]:
    fields = [field.name for field in attrs.fields(type(value)) if field.repr and field.name != "faults"]
    return {name: _value(getattr(value, name)) for name in fields}


def _value(value: Any) -> Any:
    match value:
        case int() if abs(value) >= _HUGE:
            return f"{value:#x}"  # Python may refuse to write it in decimal digits
        case None | bool() | int():
            return value
        case str():
            # An enum is a str: what is written is its value.
            return str(value)
        case Decimal():
            return exact(value)
        case datetime():
            return iso(value)
        case bytes():
            return value.decode("utf-8", "backslashreplace")
        case dict():
            return {str(key): _value(member) for key, member in value.items()}
        case list() | tuple():
            return [_value(member) for member in value]
        case _ if attrs.has(type(value)):
            return _fields(value)
        case _:
            return str(value)
