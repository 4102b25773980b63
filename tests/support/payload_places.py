"""Where the fields of an event are in a payload of it, and payloads with something else there."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from trio_binance_uds.events.fields import Kind, WireField, wire_fields

Place = tuple[Any, ...]
"""The keys that lead to a value, and 0 for the first element of a list."""


def by_path(cls: type[Any]) -> dict[str, WireField]:
    """Return what the class declares by the paths that a payload can have."""
    declared: dict[str, WireField] = {}
    for field in wire_fields(cls):
        first, dot, rest = field.wire.partition(".")
        declared |= {f"{key}{dot}{rest}": field for key in first.split("|")}
    return declared


def places(payload: Any, above: Place = ()) -> Iterator[Place]:
    """Yield where the values of a payload are, those in the first elements of lists among them."""
    if isinstance(payload, dict):
        for key, value in payload.items():
            yield (*above, key)
            yield from places(value, (*above, key))
    elif isinstance(payload, list) and payload:
        yield from places(payload[0], (*above, 0))


def changed(payload: dict[str, Any], place: Place, *value: Any) -> dict[str, Any]:
    """Return a copy of the payload with another value at a place, or with nothing there."""
    result = copy.deepcopy(payload)
    holder: Any = result
    for key in place[:-1]:
        holder = holder[key]
    if value:
        holder[place[-1]] = value[0]
    else:
        del holder[place[-1]]
    return result


def fields_of(cls: type[Any], payload: Any, above: Place = ()) -> Iterator[tuple[Place, WireField]]:
    """Yield where the fields are in a payload, those of the first elements of lists among them."""
    declared = by_path(cls)
    for place in list(places(payload)):
        field = declared.get(".".join(map(str, place)))
        if field is not None:
            yield (*above, *place), field
            if field.kind is Kind.ITEMS:
                elements: Any = payload
                for key in place:
                    elements = elements[key]
                assert field.of is not None
                yield from fields_of(field.of, elements[0], (*above, *place, 0))


def at(event: Any, cls: type[Any], place: Place) -> Any:
    """Return the field's value of an event whose payload has it at this place."""
    for index, key in enumerate(place):
        if key == 0:
            field = by_path(cls)[".".join(place[:index])]
            assert field.of is not None
            return at(getattr(event, field.name)[0], field.of, place[index + 1 :])
    return getattr(event, by_path(cls)[".".join(place)].name)
