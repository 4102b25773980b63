"""JSON objects to typed events, field by field: the pass that takes every form of a value which the declarations allow.

It is slow, and names the field at fault. Nearly every event comes out of the fast pass (``construct``) instead; what
that refuses, faulty or merely unusual, is decided here.
"""

from __future__ import annotations

from typing import Any, TypeVar

from trio_binance_uds.events import Event
from trio_binance_uds.events.fields import Kind, Presence, WireField, cached, wire_fields
from trio_binance_uds.wire.values import converter

MASK = "***"
_EventT = TypeVar("_EventT", bound=Event)


class Malformed(Exception):
    """A payload does not fit the declarations of its class; the message names the field, and shows no secret."""


@cached
def secret_keys(cls: type[Any]) -> frozenset[str]:
    """Return the top-level keys of a payload that must not be kept in clear."""
    return frozenset(declared.wire for declared in wire_fields(cls) if declared.kind is Kind.SECRET)


def masked(payload: dict[str, Any], keys: frozenset[str]) -> dict[str, Any]:
    """Return the payload, or a copy with these of its members masked."""
    found = keys & payload.keys()
    return {**payload, **dict.fromkeys(found, MASK)} if found else payload


def build_carefully(
    cls: type[_EventT], payload: dict[str, Any], subscription_id: int | None, account: str | None = None
) -> _EventT:
    """Return the event.

    Raises:
        Malformed: a field is missing or has a value that does not fit.
    """
    values = _careful_values(cls, payload, "", "")
    raw = masked(payload, secret_keys(cls))
    return cls(**values, account=account, subscription_id=subscription_id, raw=raw)


def _careful_values(cls: type[Any], payload: Any, above: str, wire_above: str) -> dict[str, Any]:
    if type(payload) is not dict:
        raise Malformed(f'{above.rstrip(".")} ("{wire_above.rstrip(".")}") is not an object')
    return {
        declared.name: _careful_value(declared, payload, f"{above}{declared.name}", f"{wire_above}{declared.wire}")
        for declared in wire_fields(cls)
    }


def _careful_value(declared: WireField, payload: dict[str, Any], name: str, wire: str) -> Any:
    place = f'{name} ("{wire}")'
    value: Any = payload
    for segment in declared.wire.split("."):
        if value is None:
            break
        if type(value) is not dict:
            raise Malformed(f"{place} is out of reach: what should hold it is not an object")
        keys = segment.split("|")
        key = next((key for key in keys if key in value), keys[-1])
        if key not in value and declared.presence is not Presence.OPTIONAL:
            raise Malformed(f"{place} is missing")
        value = value.get(key)
    if value is None:
        if declared.presence is Presence.REQUIRED:
            raise Malformed(f"{place} is null")
        return () if declared.kind is Kind.ITEMS else None
    if declared.kind is Kind.ITEMS:
        if type(value) is not list:
            raise Malformed(f"{place} is not a list")
        assert declared.of is not None, "items declare their class"
        element = declared.of
        return tuple(
            [
                element(**_careful_values(element, member, f"{name}[{index}].", f"{wire}[{index}]."))
                for index, member in enumerate(value)
            ]
        )
    can_be_none = declared.presence is not Presence.REQUIRED
    convert = converter(declared.kind, declared.of, can_be_none=can_be_none, none=declared.none)
    try:
        return convert(value)
    except (ValueError, TypeError) as error:
        # A TypeError is that of a cache or a table which cannot look up a list or an object.
        reason = str(error) if isinstance(error, ValueError) else f"is not of kind {declared.kind}"
        found = "" if declared.kind is Kind.SECRET else f": {_brief(value)}"
        raise Malformed(f"{place} {reason}{found}") from None


def _brief(value: Any) -> str:
    if type(value) in (dict, list):
        return "an object" if type(value) is dict else "a list"
    if type(value) is int and abs(value) >= 10**40:  # Python may refuse to print it
        return "a huge integer"
    shown = repr(value)
    return shown if len(shown) <= 50 else f"{shown[:47]}..."
