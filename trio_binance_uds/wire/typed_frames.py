"""Frames that hold an event of a known type, straight from their text: the way of nearly every frame.

It knows a frame by how it begins, in the order of members in which the venue sends them. A frame that begins otherwise,
or does not fit a shape, is left to the passes that know everything; there is no event that only this one can read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Union

from trio_binance_uds.events import Event
from trio_binance_uds.wire.construct import event_constructor
from trio_binance_uds.wire.json_text import MISMATCHES, InvalidJson, loads, struct, typed_decoder
from trio_binance_uds.wire.masking import masked, masked_text
from trio_binance_uds.wire.shapes import event_shape

# How frames begin: those of the WebSocket API, those of a combined stream, and bare events.
_PREFIX = 5
_WS_API = ('{"sub', '{"eve')
_COMBINED = ('{"str', '{"dat')
_BARE = ('{"e":',)
# What a frame raises that is none of these: in the decoder, or where its values do not fit.
_MISMATCHES = (*MISMATCHES, LookupError, AttributeError)
# Beside it there are at least two shapes, and so the tag is insisted on, which it would not be for a single one.
_Untagged = struct("Untagged", [], {}, tag=("e", ""))


_AnyT = TypeVar("_AnyT")


class TypedFrames:
    """What reads the frames of one table of events."""

    def __init__(self, event_types: Mapping[str, type[Event]]) -> None:
        classes = {event_shape(cls, event_type): (cls, event_type) for event_type, cls in event_types.items()}
        any_shape: Any = Union[(_Untagged, *classes)]
        self._constructors: dict[type[Any], Callable[..., Event]] = {
            shape: event_constructor(cls, event_type, _raw) for shape, (cls, event_type) in classes.items()
        }
        self._wrapped = _by_prefix(_WS_API, _ws_api_frame(any_shape)) | _by_prefix(
            _COMBINED, _combined_frame(any_shape)
        )
        self._bare = _by_prefix(_BARE, any_shape)

    def reader(
        self, account: str, otherwise: Callable[[str | bytes], _AnyT], *, stream: str | None = None
    ) -> Callable[[str | bytes], Event | _AnyT]:
        """Return the function from a frame to its event, marked with this account and the name of this stream.

        A frame that takes a closer look is given to ``otherwise``.
        """
        wrapped, bare, constructors = self._wrapped, self._bare, self._constructors

        # Every event passes here: a closure is spared the attributes, and a further call.
        def read(text: str | bytes) -> Event | _AnyT:
            prefix = text[:_PREFIX]
            try:
                decode = wrapped.get(prefix)
                if decode is not None:
                    frame = decode(text)
                    shape = frame.event
                    return constructors[type(shape)](shape, text, frame.subscription_id, account, stream)
                decode = bare.get(prefix)
                if decode is not None:
                    shape = decode(text)
                    return constructors[type(shape)](shape, text, None, account, stream)
            except _MISMATCHES:
                pass
            return otherwise(text)

        return read


# By the identity of a table, which is kept with it: to compare tables would cost as much as to decode an event.
_known: dict[int, tuple[Mapping[str, type[Event]], TypedFrames]] = {}


def typed_frames(event_types: Mapping[str, type[Event]]) -> TypedFrames:
    """Return what reads the frames of this table of events, which must not change; it is made once."""
    known = _known.get(id(event_types))
    if known is None:
        known = _known[id(event_types)] = event_types, TypedFrames(event_types)
    return known[1]


def event_object(frame: dict[str, Any]) -> Any:
    """Return the object in a frame that is an event, or ``None``."""
    event = frame.get("event")
    if type(event) is dict and ("subscriptionId" in frame or type(frame.get("e")) is not str):
        return event
    if "stream" in frame and type(frame.get("data")) is dict and type(frame.get("e")) is not str:
        return frame["data"]
    return frame if "e" in frame else None


def _raw(text: str | bytes) -> Any:
    """Return the payload of a frame of which an event was made.

    Only a member that nobody knows can make it unreadable, as nobody has read that. Then it is the text.
    """
    try:
        frame = loads(text)
    except InvalidJson:
        return masked_text(text)
    return event_object(masked(frame))


def _ws_api_frame(any_shape: Any) -> Any:
    return struct(
        "WsApiFrame",
        [("event", any_shape), ("subscription_id", int | None, None)],
        {"subscription_id": "subscriptionId"},
        only_known=True,
    )


def _combined_frame(any_shape: Any) -> Any:
    members = [("event", any_shape), ("stream", str)]
    return struct("CombinedFrame", members, {"event": "data"}, only_known=True, constants={"subscription_id": None})


def _by_prefix(prefixes: tuple[str, ...], kind: Any) -> dict[str | bytes, Callable[[str | bytes], Any]]:
    decode = typed_decoder(kind)
    return {form: decode for prefix in prefixes for form in (prefix, prefix.encode())}
