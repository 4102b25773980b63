"""What every event is: typed when it could be read, and raw when it could not."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
from attrs import field

from trio_binance_uds.events.fields import Fault, text, time, wire_fields
from trio_binance_uds.events.showing import line, represent


class Shown:
    """What is shown to people as :mod:`showing` does it, whatever attrs would write."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # attrs writes a repr into each class, and makes the class anew for its slots: then this is called once more.
        if "__repr__" in cls.__dict__:
            type.__setattr__(cls, "__repr__", represent)  # plainly assigned, it would be an override without a type

    def __str__(self) -> str:
        return line(self)


class _Unparsed(Shown):
    """What an event is made of whose payload is parsed only when somebody reads its ``raw``."""

    __slots__ = ("_frame", "_read")

    if TYPE_CHECKING:
        _frame: str | bytes
        _read: Callable[[str | bytes], Any]


class _RawWhenRead:
    """Stands before the slot of ``raw``, and fills it when that is first read.

    A ``__getattr__`` of events would do so too. But Python reads all fields of a class that has one in a slower way.
    """

    def __init__(self, slot: Any) -> None:
        self._slot = slot

    def __get__(self, event: Any, cls: type[Any]) -> Any:
        if event is None:
            return self
        try:
            return self._slot.__get__(event, cls)
        except AttributeError:  # The decoder has left the slot empty.
            raw = event._read(event._frame)
            self._slot.__set__(event, raw)
            return raw

    def __set__(self, event: Any, raw: Any) -> None:
        self._slot.__set__(event, raw)


# weakref_slot is off in all classes of events: the decoder fills a twin with the same slots and then makes it one of
# these, and Python allows that only where the layouts agree.
@attrs.frozen(kw_only=True, weakref_slot=False)
class Event(_Unparsed):
    """Something that the venue said on a user data stream.

    Two events are equal when they say the same; whose they are and how they came here (``stream``, ``account``,
    ``subscription_id``, ``recovered``, ``faults``, ``raw``) does not count.

    Attributes:
        stream: the name of the stream that it came by, as given to :func:`open_user_data_stream`; by default that
            of the product. ``None`` in an event that came from no stream.
        account: whose event it is: the name of the product, such as ``spot``, or of one of its accounts, such as
            ``isolated-margin:BTCUSDT``. ``None`` in an event that came from no stream.
        subscription_id: the subscription that it came by on its connection, where the frame names one. The first is 0.
        recovered: whether it was fetched by a query after a gap instead of having come by the stream.
        faults: which members were missing or could not be read, although the venue documents them, and why; at most
            32 of them. Their fields are ``None``. Empty for nearly every event.
        raw: the event object as it was parsed from JSON, with fractional numbers as ``Decimal`` and secrets masked.
            It is parsed when it is first read, and no copy: leave it as it is. Should a member that this version does
            not know be beyond reading, it is the text of the frame.
        event_type: the wire's ``e``.
        event_time: the wire's ``E``.
    """

    # Whether its identity belongs to one event only, so that the same one again on one connection is a repetition. An
    # update of balances is one if it says that a balance has changed, and what it is since.
    is_told_once: ClassVar[bool] = False
    # Whether it is about the connection or subscription that it came by, which is acted upon at once.
    is_about_the_link: ClassVar[bool] = False
    # Other classes of events of the same type, by a member that only their frames have.
    other_shapes: ClassVar[Mapping[str, type[Event]]] = MappingProxyType({})

    stream: str | None = field(default=None, eq=False)
    account: str | None = field(default=None, eq=False)
    subscription_id: int | None = field(default=None, eq=False)
    recovered: bool = field(default=False, eq=False)
    faults: tuple[Fault, ...] = field(default=(), eq=False)
    raw: Any = field(factory=dict, eq=False, repr=False)
    event_type: str | None = None
    event_time: datetime | None = None

    @property
    def identity(self) -> tuple[Hashable, ...]:
        """What this event has in common with the same event on another connection, and with no other event.

        It is hashable, and free of what two connections may tell differently. Equal events can still be two events
        (two deposits of the same amount at the same time): count identities, do not collect them in a set.
        """
        raise NotImplementedError(f"{type(self).__name__} has no identity")


type.__setattr__(Event, "raw", _RawWhenRead(Event.__dict__["raw"]))  # plainly assigned, it would need a type


@attrs.frozen(kw_only=True, weakref_slot=False)
class KnownEvent(Event):
    """An event that was read into a class of its own, every field with its type.

    What it is about is always there: without that it would be an :class:`UndecodableEvent`. Any other member can be
    missing or unreadable; then its field is ``None``, and :attr:`~Event.faults` says so.
    """

    event_type: str = field(metadata=text("e", "The type of the event.", core=True))
    event_time: datetime | None = field(metadata=time("E", "When the venue sent the event."))

    @property
    def identity(self) -> tuple[Hashable, ...]:
        cls: type[Any] = type(self)
        names = [declared.name for declared in wire_fields(cls) if declared.name not in ("event_type", "event_time")]
        return (self.event_type, *[getattr(self, name) for name in names])


@attrs.frozen(kw_only=True, weakref_slot=False, eq=False)
class UntypedEvent(Event):
    """What arrived but has no typed event: it is delivered as it came, with the problem, instead of being dropped.

    Attributes:
        problem: what stood in the way, in a sentence without secrets.
        event_type: the wire's ``e`` where it is a text, else ``None``.
        event_time: the wire's ``E`` where it is a time, else ``None``.
    """

    problem: str

    @property
    def identity(self) -> tuple[Hashable, ...]:
        raw = self.raw
        if isinstance(raw, dict):
            raw = {key: value for key, value in raw.items() if key != "E"}
        return (type(self).__name__, _canonical(raw))

    # The fields say too little for equality, as the payload is not hashable: its canonical form is.
    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def _key(self) -> tuple[Hashable, ...]:
        return (self.problem, self.event_type, self.event_time, self.identity)


@attrs.frozen(kw_only=True, weakref_slot=False, eq=False)
class UnknownEvent(UntypedEvent):
    """An event of a type that this version does not know, one for another subscription, or an answer to no question.

    Binance adds types of events; the raw payload is all there is until a version of this library knows the type.
    """


@attrs.frozen(kw_only=True, weakref_slot=False, eq=False)
class UndecodableEvent(UntypedEvent):
    """Something that lacks even what it is about: a known event without a core field, or a frame without a type.

    ``raw`` is the frame's own ``str`` or ``bytes`` if it is not JSON, with what looks like a secret masked. ``faults``
    says what was wrong, what makes it undecodable first. The event concerns the account all the same: something has
    happened that could not be read, so query what it may have changed.
    """


def _canonical(value: Any) -> Hashable:
    """Return a hashable form of a JSON value in which ``True`` is not 1 and the order of keys does not matter."""
    if isinstance(value, dict):
        return ("object", frozenset((key, _canonical(member)) for key, member in value.items()))
    if isinstance(value, list):
        return ("array", tuple([_canonical(member) for member in value]))
    return (type(value).__name__, value)
