"""JSON objects to typed events, by functions written from the field declarations.

There are two passes with one meaning. :func:`fast_constructor` writes and compiles one function per class, for values
of the types that the venue documents. Whatever it raises, :func:`build_carefully` decides: it takes every form of a
value that the declarations allow, and names the field at fault.

A frozen attrs class sets its fields one by one through ``object.__setattr__``, which costs as much as all the rest.
So the written function fills a *twin*, an unfrozen class with the same base and the same slots, and then makes it an
instance of the real class; Python allows that exactly when both have the same layout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

from trio_binance_uds.events import Event
from trio_binance_uds.events.fields import Kind, Presence, WireField, cached, wire_fields
from trio_binance_uds.wire.values import AmountMemo, MomentMemo, converter, vocabulary

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


# --- the careful pass ------------------------------------------------------------------------------------------------


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


# --- the fast pass ---------------------------------------------------------------------------------------------------


@cached
def fast_constructor(cls: type[_EventT]) -> Callable[..., _EventT]:
    """Return a function ``(payload, subscription_id, account=None) -> event`` for this class of events.

    It raises ``LookupError``, ``TypeError`` or ``ValueError`` for a payload that is faulty or merely unusual.
    """
    writer = _Writer()
    keys = secret_keys(cls)
    raw = f"masked(payload, {writer.constant(keys)})" if keys else "payload"
    extra = [
        "self.account = account",
        "self.subscription_id = subscription_id",
        "self.recovered = False",
        f"self.raw = {raw}",
    ]
    return writer.constructor(cls, "payload, subscription_id, account=None", extra)


@cached
def _element_constructor(cls: type[Any]) -> Callable[[Any], Any]:
    return _Writer().constructor(cls, "payload", [])


# Caches, bounded and without meaning: shared by all constructors, as all events speak of the same amounts and times.
_amounts = AmountMemo()
_moments = MomentMemo()


class _Writer:
    """Writes the source of one constructor."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._variables = 0
        self._names: dict[str, Any] = {
            "amounts": _amounts,
            "moments": _moments,
            "masked": masked,
            "Mismatch": ValueError,
        }

    def constructor(self, cls: type[Any], parameters: str, extra: list[str]) -> Callable[..., Any]:
        # Both, or Python leads each assignment through a slower path: they share a slot in the type.
        plain = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")}
        twin = type(f"{cls.__name__}Twin", (cls.__mro__[1],), {"__slots__": cls.__dict__["__slots__"], **plain})
        self._names |= {"Twin": twin, "Real": cls}
        self._lines += [f"def construct({parameters}):", "self = Twin()"]
        self._lines += extra
        self._object("", wire_fields(cls), "payload")
        self._lines += ["self.__class__ = Real", "return self"]
        source = "\n    ".join(self._lines)
        exec(compile(source, f"<constructor of {cls.__qualname__}>", "exec"), self._names)
        return cast("Callable[..., Any]", self._names["construct"])

    def _object(self, path: str, declarations: tuple[WireField, ...], holder: str) -> None:
        """Write what reads the members of the object at this path, which the variable ``holder`` holds."""
        below = [declared for declared in declarations if declared.wire.startswith(path)]
        certain = {_next_key(declared, path) for declared in below if declared.presence is not Presence.OPTIONAL}
        possible = [declared for declared in below if declared.wire.removeprefix(path) == _next_key(declared, path)]
        self._lines.append(f"if type({holder}) is not dict: raise Mismatch")
        for declared in possible:
            if declared.presence is not Presence.OPTIONAL:
                self._certain_field(declared, f"{holder}[{_next_key(declared, path)!r}]")
        optional = [declared for declared in possible if declared.presence is Presence.OPTIONAL]
        if optional:
            # Most conditional members are absent most of the time. Having met all members that are not certain ends
            # the search; in the usual case after the first look.
            self._lines += [
                *[f"self.{declared.name} = {_absent(declared)}" for declared in optional],
                f"left = len({holder}) - {len(certain)}",
                "while left > 0:",
            ]
            for declared in optional:
                self._optional_field(declared, f"{holder}.get({_next_key(declared, path)!r})")
            self._lines.append("    break")
        for key in sorted({_next_key(declared, path) for declared in below if declared not in possible}):
            inner = self._variable("object")
            *others, last = key.split("|")
            value = f"{holder}[{last!r}]" if key in certain else f"{holder}.get({last!r}, {{}})"
            for other in reversed(others):
                value = f"{holder}[{other!r}] if {other!r} in {holder} else {value}"
            self._lines.append(f"{inner} = {value}")
            self._object(f"{path}{key}.", declarations, inner)

    def _certain_field(self, declared: WireField, value: str) -> None:
        nullable = declared.presence is Presence.NULLABLE
        fault, expression = self._conversion(declared, can_be_none=nullable)
        if fault or nullable:
            self._lines.append(f"value = {value}")
            value = "value"
        lines = [f"self.{declared.name} = {expression.format(value)}"]
        if fault:
            lines.insert(0, f"if {fault}: raise Mismatch")
        if nullable:
            lines = [f"if value is None: self.{declared.name} = None", "else:", *[f"    {line}" for line in lines]]
        self._lines += lines

    def _optional_field(self, declared: WireField, value: str) -> None:
        fault, expression = self._conversion(declared, can_be_none=True)
        self._lines += [f"    value = {value}", "    if value is not None:"]
        if fault:
            self._lines.append(f"        if {fault}: raise Mismatch")
        self._lines += [
            f"        self.{declared.name} = {expression.format('value')}",
            "        left -= 1",
            "        if not left: break",
        ]

    def _conversion(self, declared: WireField, can_be_none: bool) -> tuple[str, str]:
        """Return a condition on ``value`` under which it must not be used, and how to use it."""
        match declared.kind:
            case Kind.TEXT | Kind.SECRET:
                return "type(value) is not str", "{}"
            case Kind.INTEGER if can_be_none and declared.none is not None:
                convert = self.constant(converter(declared.kind, None, can_be_none=True, none=declared.none))
                return "", f"{convert}({{}})"
            case Kind.INTEGER:
                return f"type(value) is not int or not {-(2**63)} <= value < {2**63}", "{}"
            case Kind.FLAG:
                return "value is not True and value is not False", "{}"
            case Kind.AMOUNT:
                return "", "amounts[{}]"
            case Kind.TIME:
                expression = f"None if {{0}} == {declared.none} else moments[{{0}}]" if can_be_none else "moments[{}]"
                return "type(value) is not int", expression
            case Kind.CHOICE:
                assert declared.of is not None, "a choice declares its enum"
                return "", f"{self.constant(vocabulary(declared.of))}[{{}}]"
            case _:  # Kind.ITEMS
                assert declared.of is not None, "items declare their class"
                element = self.constant(_element_constructor(declared.of))
                return "type(value) is not list", f"tuple([{element}(member) for member in {{}}])"

    def constant(self, value: Any) -> str:
        name = self._variable("constant")
        self._names[name] = value
        return name

    def _variable(self, what: str) -> str:
        self._variables += 1
        return f"{what}{self._variables}"


def _absent(declared: WireField) -> str:
    return "()" if declared.kind is Kind.ITEMS else "None"


def _next_key(declared: WireField, path: str) -> str:
    return declared.wire.removeprefix(path).partition(".")[0]
