"""JSON objects to typed events, field by field: the pass that takes every form of a value which the declarations allow.

It is slow, and names each field at fault. Nearly every event comes out of the fast pass (``construct``) instead; what
that refuses, faulty or merely unusual, is decided here. The rules:

* A core field that is missing or cannot be read makes the event unreadable. Any other field is ``None`` then, and a
  fault.
* A conditional core field may be missing, but not each of them: then nothing is said of what the event is about.
* That a conditional field is missing or null is no fault.
* An element of a list that lacks a core field of its own makes a core list unreadable, as what it tells would be
  missing without a word. Any other list goes on without that element, which is a fault.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import attrs

from trio_binance_uds.events import Event
from trio_binance_uds.events.fields import Fault, Kind, Presence, WireField, cached, wire_fields
from trio_binance_uds.wire.masking import masked, masked_text
from trio_binance_uds.wire.values import converter, moment_from_zero, text_or_digits

MAX_FAULTS = 32
"""How many faults an event keeps; a list of a thousand broken elements has as many."""

_EventT = TypeVar("_EventT", bound=Event)
_NOT_THERE = object()


class Malformed(Exception):
    """A payload lacks what its class is about; the message names the field, and shows no secret.

    Attributes:
        faults: all that was found, what makes it unreadable first.
    """

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        worst = faults[0]
        super().__init__(f'{worst.name} ("{worst.wire}") {worst.reason}')
        self.faults = faults


def build_carefully(
    cls: type[_EventT],
    payload: dict[str, Any],
    subscription_id: int | None,
    account: str | None = None,
    *,
    faults: tuple[Fault, ...] = (),
    raw: Any = None,
) -> _EventT:
    """Return the event; ``faults`` are those that its frame has beside it, ``raw`` is its payload masked already.

    Raises:
        Malformed: what the event is about is missing or cannot be read.
    """
    found = _Found()
    values = _read(cls, payload, _TOP, found)
    if found.fatal:
        raise Malformed(tuple([*found.fatal, *faults, *found.faults][:MAX_FAULTS]))
    return cls(
        **values,
        account=account,
        subscription_id=subscription_id,
        faults=tuple([*faults, *found.faults][:MAX_FAULTS]),
        raw=masked(payload) if raw is None else raw,
    )


@attrs.frozen
class _Place:
    """Where an object stands, as what its fields' names and wire paths begin with."""

    name: str = ""
    wire: str = ""


_TOP = _Place()


@attrs.define
class _Found:
    """What was wrong: of core fields, and of others."""

    fatal: list[Fault] = attrs.field(factory=list)
    faults: list[Fault] = attrs.field(factory=list)


class _Misfit(Exception):
    """What is wrong with a value."""


@attrs.frozen(eq=False)
class _Step:
    """How one field is read: the keys of what holds it, each with its alternatives, its own key, and what takes it."""

    declared: WireField
    holders: tuple[tuple[str, ...], ...]
    key: str
    convert: Callable[[Any], Any]


@cached
def _steps(cls: type[Any]) -> tuple[_Step, ...]:
    return tuple(
        _Step(
            declared,
            tuple(tuple(segment.split("|")) for segment in declared.wire.split(".")[:-1]),
            declared.wire.rpartition(".")[2],
            _as_list if declared.kind is Kind.ITEMS else _converter(declared),
        )
        for declared in wire_fields(cls)
    )


def _converter(declared: WireField) -> Callable[[Any], Any]:
    if declared.kind is Kind.TIME and not declared.may_be_none and declared.is_core:
        return moment_from_zero
    if declared.takes_number:
        return text_or_digits
    return converter(declared.kind, declared.of, can_be_none=declared.may_be_none, none=declared.none)


def _read(cls: type[Any], payload: dict[str, Any], place: _Place, found: _Found) -> dict[str, Any]:
    """Return the values of the fields of a class by their names, and add what was wrong with them."""
    values: dict[str, Any] = {}
    # Those of the conditional fields that the event is about, and whether any of them is there.
    conditional: list[WireField] = []
    any_is_there = False
    for step in _steps(cls):
        declared = step.declared
        nothing = () if declared.kind is Kind.ITEMS else None
        value: Any
        try:
            value = _value(step, payload)
        except _Misfit as misfit:
            fault = Fault(f"{place.name}{declared.name}", f"{place.wire}{declared.wire}", str(misfit))
            (found.fatal if declared.is_core else found.faults).append(fault)
            value = nothing
        if declared.is_core and declared.is_conditional:
            conditional.append(declared)
            any_is_there = any_is_there or value is not _NOT_THERE
        if value is _NOT_THERE:
            value = nothing
        elif declared.kind is Kind.ITEMS:
            value = _elements(declared, value, place, found)
        values[declared.name] = value
    if conditional and not any_is_there:
        name, wire = (" or ".join(parts) for parts in zip(*[(one.name, one.wire) for one in conditional], strict=True))
        # Lists that are not there can be lists of nothing; settings that are not there are not said at all.
        is_fatal = conditional[0].presence is Presence.WITHIN
        (found.fatal if is_fatal else found.faults).append(Fault(name, wire, "is missing"))
    return values


def _value(step: _Step, payload: dict[str, Any]) -> Any:
    """Return the value of a field, ``None`` where there is none, or that it is not there, which is no fault."""
    declared = step.declared
    holder: Any = payload
    for keys in step.holders:
        holder = next((holder[key] for key in keys if key in holder), None)
        if holder is None:
            if declared.may_lack_holder:
                return _NOT_THERE
            raise _Misfit("is missing")
        if type(holder) is not dict:
            raise _Misfit("is out of reach: what should hold it is not an object")
    value = holder.get(step.key, _NOT_THERE)
    if value is _NOT_THERE:
        if declared.presence is Presence.OPTIONAL:
            return _NOT_THERE
        raise _Misfit("is missing")
    if value is None:
        if declared.kind is Kind.ITEMS:
            return ()
        if declared.may_be_none:
            return None
        raise _Misfit("is null")
    try:
        return step.convert(value)
    except (ValueError, TypeError) as error:
        # A TypeError is that of a cache or a table which cannot look up a list or an object.
        reason = str(error) if isinstance(error, ValueError) else f"is not of kind {declared.kind}"
        found = "" if declared.kind is Kind.SECRET else f": {_brief(value)}"
        raise _Misfit(f"{reason}{found}") from None


def _as_list(value: Any) -> Any:
    """Return the members of a list, of which several texts stand for an empty one."""
    if type(value) is str and value.lower() in ("", "null"):
        return ()
    if type(value) is not list:
        raise ValueError("is not a list")
    return value


def _elements(declared: WireField, members: Sequence[Any], place: _Place, found: _Found) -> tuple[Any, ...]:
    """Return the elements of a list that can be read."""
    assert declared.of is not None, "items declare their class"
    elements = []
    for index, member in enumerate(members):
        name, wire = f"{place.name}{declared.name}[{index}]", f"{place.wire}{declared.wire}[{index}]"
        inner = _Found()
        values: dict[str, Any] = {}
        if type(member) is dict:
            values = _read(declared.of, member, _Place(f"{name}.", f"{wire}."), inner)
        else:
            inner.fatal.append(Fault(name, wire, "is not an object"))
        if not inner.fatal:
            elements.append(declared.of(**values))
        elif declared.is_core:
            found.fatal += inner.fatal
        else:
            found.faults += inner.fatal
        found.faults += inner.faults
    return tuple(elements)


def _brief(value: Any) -> str:
    if type(value) in (dict, list):
        return "an object" if type(value) is dict else "a list"
    if type(value) is int and abs(value) >= 10**40:  # Python may refuse to print it
        return "a huge integer"
    shown = masked_text(repr(value[:50] if type(value) is str else value))
    return shown if len(shown) <= 50 else f"{shown[:47]}..."
