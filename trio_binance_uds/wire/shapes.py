"""What the events of a product look like on the wire, as structs of msgspec that are made from the field declarations.

msgspec fills a struct straight from the text, in C, and checks the type of each member on the way: no dictionary is
made, and no key is compared twice. A struct holds the values as JSON has them. To make the event of it is the work of
the functions in ``construct``.

A shape is narrower than the declarations: only the form of a value that the venue documents fits. What does not fit is
not faulty for that; the careful pass decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, cast

import msgspec

from trio_binance_uds.events.fields import Kind, Presence, WireField, cached, wire_fields

ABSENT = msgspec.UNSET
"""What stands for an object that is not there."""

Struct: TypeAlias = type[msgspec.Struct]
_Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_TYPES: Mapping[Kind, Any] = {
    Kind.TEXT: str,
    Kind.SECRET: str,
    Kind.AMOUNT: str,
    Kind.TIME: int,
    Kind.INTEGER: _Int64,
    Kind.FLAG: bool,
    Kind.CHOICE: str,
}


def event_shape(cls: type[Any], event_type: str) -> Struct:
    """Return the shape of the events of this class under this type.

    It has a member for each field, by the name of the field. What is nested is in a shape of its own, in the member
    that :func:`member` names.
    """
    has_secrets = any(declared.kind is Kind.SECRET for declared in wire_fields(cls))
    # "e" is the tag: it says which of several shapes a text has.
    declared = tuple(declared for declared in wire_fields(cls) if declared.wire != "e")
    return _shape(cls.__name__, declared, "", tag=event_type, only_known=has_secrets)


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
            certain[key] = certain.get(key, False) or declared.presence is not Presence.OPTIONAL
    return certain


def _shape(
    name: str, declarations: tuple[WireField, ...], path: str, tag: str | None = None, *, only_known: bool = False
) -> Struct:
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    rename: dict[str, str] = {}
    for declared in declarations:
        if declared.wire == path + next_key(declared, path):
            rename[declared.name] = declared.wire.removeprefix(path)
            kind = _type(declared)
            if declared.presence is Presence.OPTIONAL:
                fields.append((declared.name, kind, None))
            else:
                fields.append((declared.name, kind))
    for keys, certain in keys_below(declarations, path).items():
        alternatives = keys.split("|")
        inner = _shape(f"{name}_{alternatives[0]}", declarations, f"{path}{keys}.")
        for key in alternatives:
            rename[member(key)] = key
            if certain and len(alternatives) == 1:
                fields.append((member(key), inner))
            else:
                fields.append((member(key), inner | msgspec.UnsetType, ABSENT))
    return msgspec.defstruct(
        name,
        fields,
        kw_only=True,  # so that the members can be in the order in which the venue sends them
        rename=rename,
        tag=tag,
        tag_field=None if tag is None else "e",
        forbid_unknown_fields=only_known,
        gc=False,
    )


def _type(declared: WireField) -> Any:
    if declared.kind is Kind.ITEMS:
        kind: Any = list[element_shape(cast("type[Any]", declared.of))]  # type: ignore[misc]
    else:
        kind = _TYPES[declared.kind]
    if declared.presence is Presence.REQUIRED:
        return kind
    if isinstance(declared.none, str):
        kind = kind | str
    return kind | None
