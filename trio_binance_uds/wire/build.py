"""JSON objects to typed events, field by field: the pass that takes every form of a value which the declarations allow.

It is slow, and names the field at fault. Nearly every event comes out of the fast pass (``construct``) instead; what
that refuses, faulty or merely unusual, is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import attrs

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
    try:
        values = _values(cls, payload)
    except _Misfit as misfit:
        raise Malformed(str(misfit)) from None
    raw = masked(payload, secret_keys(cls))
    return cls(**values, account=account, subscription_id=subscription_id, raw=raw)


class _Misfit(Exception):
    """What is wrong with a value; the place of it is added on the way up, as it is hardly ever wanted."""

    def __init__(self, reason: str) -> None:
        self._reason = reason
        self._names: list[str] = []
        self._wires: list[str] = []

    def at(self, name: str, wire: str) -> _Misfit:
        self._names.insert(0, name)
        self._wires.insert(0, wire)
        return self

    def __str__(self) -> str:
        name, wire = (".".join(parts).replace(".[", "[") for parts in (self._names, self._wires))
        return f'{name} ("{wire}") {self._reason}'


@attrs.frozen(eq=False)
class _Step:
    """How one field is read: the keys that lead to it, each with its alternatives, and what takes the value."""

    declared: WireField
    path: tuple[tuple[str, ...], ...]
    may_lack: bool
    can_be_none: bool
    convert: Callable[[Any], Any]


@cached
def _steps(cls: type[Any]) -> tuple[_Step, ...]:
    return tuple(
        _Step(
            declared,
            tuple(tuple(segment.split("|")) for segment in declared.wire.split(".")),
            declared.presence is Presence.OPTIONAL,
            can_be_none := declared.presence is not Presence.REQUIRED,
            _items_of(declared)
            if declared.kind is Kind.ITEMS
            else converter(declared.kind, declared.of, can_be_none=can_be_none, none=declared.none),
        )
        for declared in wire_fields(cls)
    )


def _values(cls: type[Any], payload: dict[str, Any]) -> dict[str, Any]:
    values = {}
    for step in _steps(cls):
        try:
            values[step.declared.name] = _value(step, payload)
        except _Misfit as misfit:
            raise misfit.at(step.declared.name, step.declared.wire) from None
    return values


def _value(step: _Step, payload: dict[str, Any]) -> Any:
    value: Any = payload
    for keys in step.path:
        if value is None:
            break
        if type(value) is not dict:
            raise _Misfit("is out of reach: what should hold it is not an object")
        key = keys[0] if len(keys) == 1 else next((key for key in keys if key in value), keys[-1])
        if key in value:
            value = value[key]
        elif step.may_lack:
            value = None
        else:
            raise _Misfit("is missing")
    if value is None:
        if not step.can_be_none:
            raise _Misfit("is null")
        return () if step.declared.kind is Kind.ITEMS else None
    try:
        return step.convert(value)
    except (ValueError, TypeError) as error:
        # A TypeError is that of a cache or a table which cannot look up a list or an object.
        reason = str(error) if isinstance(error, ValueError) else f"is not of kind {step.declared.kind}"
        found = "" if step.declared.kind is Kind.SECRET else f": {_brief(value)}"
        raise _Misfit(f"{reason}{found}") from None


def _items_of(declared: WireField) -> Callable[[Any], Any]:
    """Return what makes the elements of a list."""
    assert declared.of is not None, "items declare their class"
    element = declared.of

    def items(value: Any) -> Any:
        if type(value) is not list:
            raise _Misfit("is not a list")
        made = []
        for index, member in enumerate(value):
            place = f"[{index}]"
            if type(member) is not dict:
                raise _Misfit("is not an object").at(place, place)
            try:
                made.append(element(**_values(element, member)))
            except _Misfit as misfit:
                raise misfit.at(place, place) from None
        return tuple(made)

    return items


def _brief(value: Any) -> str:
    if type(value) in (dict, list):
        return "an object" if type(value) is dict else "a list"
    if type(value) is int and abs(value) >= 10**40:  # Python may refuse to print it
        return "a huge integer"
    shown = repr(value)
    return shown if len(shown) <= 50 else f"{shown[:47]}..."
