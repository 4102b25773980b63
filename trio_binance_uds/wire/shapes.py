"""What the events of a product look like on the wire, as structs that are made from the field declarations.

A struct is filled straight from the text, in C, and the type of each member is checked on the way. It holds the values
as JSON has them; to make the event of it is the work of the functions in ``construct``.

A shape is narrower than the declarations: only the form of a value that the venue documents fits. What does not fit is
not faulty for that; the careful pass decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from trio_binance_uds.events.fields import Kind, Presence, WireField, cached, wire_fields
from trio_binance_uds.wire.json_text import ABSENT, INT64, Absent, Struct, struct

_TYPES: Mapping[Kind, Any] = {
    Kind.TEXT: str,
    Kind.SECRET: str,
    Kind.AMOUNT: str,
    Kind.NUMBER: Any,  # as it was written: a type of its own would make a float of it, or take more than numbers
    Kind.TIME: int,
    Kind.INTEGER: INT64,
    Kind.FLAG: bool,
}


def event_shape(cls: type[Any], event_type: str) -> Struct:
    """Return the shape of the events of this class under this type.

    It has a member for each field, by the name of the field. What is nested is in a shape of its own, in the member
    that :func:`member` names.
    """
    has_secrets = any(declared.kind is Kind.SECRET for declared in wire_fields(cls))
    declared = tuple(declared for declared in wire_fields(cls) if declared.wire != "e")
    # With a secret beside it, what nobody knows must not be kept as it came; and it can be what tells another shape.
    only_known = has_secrets or bool(cls.other_shapes)
    return _shape(cls.__name__, declared, "", tag=("e", event_type), only_known=only_known)


@cached
def element_shape(cls: type[Any]) -> Struct:
    """Return the shape of the elements of a list."""
    return _shape(cls.__name__, wire_fields(cls), "")


def member(key: str) -> str:
    """Return the name of the member that holds the object under this key."""
    return f"object_{key}"


def next_key(declared: WireField, path: str) -> str:
    """Return the key that leads from the object at this path towards a field: ``o`` for ``o.q`` from the event."""
    return declared.wire.removeprefix(path).partition(".")[0]


def keys_below(declarations: tuple[WireField, ...], path: str) -> dict[str, bool]:
    """Return the keys of objects within the object at this path, and whether the object must be there."""
    certain: dict[str, bool] = {}
    for declared in declarations:
        key = next_key(declared, path)
        if declared.wire.startswith(path) and declared.wire != path + key:
            certain[key] = certain.get(key, False) or not declared.is_conditional
    return certain


def _shape(
    name: str,
    declarations: tuple[WireField, ...],
    path: str,
    *,
    tag: tuple[str, str] | None = None,
    only_known: bool = False,
) -> Struct:
    members: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    named: dict[str, str] = {}
    for declared in declarations:
        if declared.wire == path + next_key(declared, path):
            named[declared.name] = declared.wire.removeprefix(path)
            kind = _type(declared)
            if declared.presence is Presence.OPTIONAL:
                members.append((declared.name, kind, None))
            else:
                members.append((declared.name, kind))
    for keys, certain in keys_below(declarations, path).items():
        alternatives = keys.split("|")
        inner = _shape(f"{name}_{alternatives[0]}", declarations, f"{path}{keys}.")
        for key in alternatives:
            named[member(key)] = key
            if certain and len(alternatives) == 1:
                members.append((member(key), inner))
            else:
                members.append((member(key), inner | Absent, ABSENT))
    return struct(name, members, named, tag=tag, only_known=only_known)


def _type(declared: WireField) -> Any:
    if declared.kind is Kind.ITEMS:
        kind: Any = list[element_shape(cast("type[Any]", declared.of))]  # type: ignore[misc]
    elif declared.kind is Kind.CHOICE:
        kind = declared.of  # its words; a new one is for the careful pass
    else:
        kind = _TYPES[declared.kind]
    if not declared.may_be_none:
        return kind
    if isinstance(declared.none, str):
        kind = kind | str
    return kind | None
