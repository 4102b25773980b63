"""Text frames to events, responses and faults; nothing that a server can send makes it raise.

Frames are sorted in this order:

1. an ``event`` object with a ``subscriptionId``, or without an ``e`` beside it: an event of the WebSocket API;
2. ``stream`` and ``data`` without an ``e`` beside them: an event of a combined market-style stream;
3. an ``e``: a bare event;
4. an ``id`` that is an integer or a string, with ``status``, ``result`` or ``error``: the response to that request;
5. ``error`` without such an id: a fault of the connection;
6. anything else with a member of an answer (``id``, ``status``, ``result``, ``code``): an :class:`UnknownEvent`, as it
   is about no account;
7. anything else: an :class:`UndecodableEvent`. What does not even say its type may have been a fill.

An event that says something of the connection itself is known on every product, documented there or not. The type of an
event is known whatever its case and underscores: Binance's pages, schemas and frames have written
``RISK_LEVEL_CHANGE``, ``riskLevelChange`` and ``Risklevelchange`` for one and the same.

Source: Binance Spot, WebSocket API, "Response format", and "User Data Streams" (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from trio_binance_uds.events import Event, UndecodableEvent, UnknownEvent
from trio_binance_uds.events.fields import Fault
from trio_binance_uds.events.spot import CONTROL_EVENTS
from trio_binance_uds.products import Product, find_product
from trio_binance_uds.wire.build import Malformed, build_carefully
from trio_binance_uds.wire.frames import ApiFailure, ConnectionFault, Response
from trio_binance_uds.wire.json_text import InvalidJson, loads
from trio_binance_uds.wire.masking import masked, masked_text
from trio_binance_uds.wire.typed_frames import event_object, typed_frames
from trio_binance_uds.wire.values import integer, moment

_NO_TYPE = Fault("event_type", "e", "is missing")
_ODD_TYPE = Fault("event_type", "e", "is not a text")
_OF_ANSWERS = frozenset({"id", "status", "result", "code"})

FrameDecoder: TypeAlias = Callable[[str | bytes], Event | Response | ConnectionFault]


def frame_decoder(product: Product, stream: str | None = None) -> FrameDecoder:
    """Return the function that does what :func:`decode_frame` does for this product.

    Its events are marked with the name of the stream.
    """
    careful = partial(_decode_for_stream, product=product, stream=stream)
    return typed_frames(product.event_types).reader(product.name, careful, stream=stream)


def decode_frame(text: str | bytes, product: Product | str) -> Event | Response | ConnectionFault:
    """Return what one text frame of a product, or of the product of this name, says; no frame makes it raise.

    The event's ``raw`` is the event object itself, with secrets masked, or for what is no event the whole frame.
    """
    return frame_decoder(find_product(product) if isinstance(product, str) else product)(text)


def _decode_for_stream(text: str | bytes, product: Product, stream: str | None) -> Event | Response | ConnectionFault:
    decoded = _decode_carefully(text, product)
    if isinstance(decoded, Event):
        # Frozen for everybody else; nobody has seen it yet.
        object.__setattr__(decoded, "stream", stream)
    return decoded


def _decode_carefully(text: str | bytes, product: Product) -> Event | Response | ConnectionFault:
    try:
        frame = loads(text)
    except InvalidJson as error:
        problem = f"the frame cannot be read as JSON: {error}"
        faults = (Fault("", "", "the frame is not JSON"),)
        return UndecodableEvent(account=product.name, raw=masked_text(text), problem=problem, faults=faults)
    if type(frame) is not dict:
        problem = "the frame is neither an event nor a response: it is not an object"
        faults = (Fault("", "", "the frame is not an object"),)
        return UndecodableEvent(account=product.name, raw=masked(frame, in_texts=True), problem=problem, faults=faults)
    if (event := event_object(frame)) is not None:
        return _event(event, frame, product)
    if (answer := _answer(frame)) is not None:
        return answer
    problem, raw = "the frame is neither an event nor a response", masked(frame, in_texts=True)
    if frame.keys().isdisjoint(_OF_ANSWERS):
        return UndecodableEvent(account=product.name, raw=raw, problem=problem, faults=(_NO_TYPE,))
    return UnknownEvent(account=product.name, raw=raw, problem=problem)


def _event(payload: dict[str, Any], frame: dict[str, Any], product: Product) -> Event:
    subscription_id, faults = _subscription(frame) if payload is frame.get("event") else (None, ())
    event_type = payload.get("e")
    cls = _class_of(event_type, payload, product) if type(event_type) is str else None
    kind: type[UnknownEvent | UndecodableEvent] = UnknownEvent
    if faults and (cls is None or not issubclass(cls, CONTROL_EVENTS)):
        # Whose event is it? One that is about the connection is acted upon all the same.
        kind, problem = UndecodableEvent, 'the subscription id ("subscriptionId") of the event is not an integer'
    elif cls is not None:
        try:
            # The whole frame is masked, as the name of its stream may stand in the event again.
            raw = event_object(masked(frame))
            return build_carefully(cls, payload, subscription_id, product.name, faults=faults, raw=raw)
        except Malformed as error:
            kind, problem, faults = UndecodableEvent, f"{event_type}: {error}", error.faults
    elif type(event_type) is not str:
        kind, fault = UndecodableEvent, _NO_TYPE if event_type is None else _ODD_TYPE
        problem, faults = f'the type ("e") of the event {fault.reason}', (*faults, fault)
    else:
        problem = f"this version knows no event of type {event_type[:60]!r} for {product.name}"
    return kind(
        account=product.name,
        subscription_id=subscription_id,
        faults=faults,
        raw=event_object(masked(frame, in_texts=True)),
        problem=problem,
        event_type=event_type if type(event_type) is str else None,
        event_time=_event_time(payload),
    )


def _subscription(frame: dict[str, Any]) -> tuple[int | None, tuple[Fault, ...]]:
    """Return the subscription that a frame names, or what is wrong with it."""
    value = frame.get("subscriptionId")
    if value is None:
        return None, ()
    try:
        return integer(value), ()
    except ValueError as error:
        return None, (Fault("subscription_id", "subscriptionId", str(error)),)


def _class_of(event_type: str, payload: dict[str, Any], product: Product) -> type[Event] | None:
    cls = product.event_types.get(event_type)
    if cls is None:
        folded = _folded(event_type)
        known = (*product.event_types.items(), *((control.__name__, control) for control in CONTROL_EVENTS))
        cls = next((one for name, one in known if _folded(name) == folded), None)
    if cls is not None and cls.other_shapes:
        return next((other for member, other in cls.other_shapes.items() if member in payload), cls)
    return cls


def _folded(event_type: str) -> str:
    return event_type.replace("_", "").lower()


def _event_time(payload: dict[str, Any]) -> Any:
    try:
        return moment(payload["E"])
    except (LookupError, TypeError, ValueError):
        return None


def _answer(frame: dict[str, Any]) -> Response | ConnectionFault | None:
    id_, status, error = frame.get("id"), frame.get("status"), frame.get("error")
    status = status if type(status) is int else 0
    if (type(id_) is int or type(id_) is str) and not frame.keys().isdisjoint(("status", "result", "error")):
        return Response(
            id=id_,
            status=status,
            result=frame.get("result"),
            error=None if error is None and not 400 <= status < 600 else _failure(error),
            rate_limit_entries=frame.get("rateLimits"),
        )
    if error is not None or ("id" in frame and 400 <= status < 600):
        return ConnectionFault(status=status, error=_failure(error))
    return None


def _failure(error: Any) -> ApiFailure:
    code = error.get("code") if type(error) is dict else None
    if type(code) is not int:
        return ApiFailure(code=0, msg="the venue gave no error that can be read", data=error)
    msg = error.get("msg")
    return ApiFailure(code=code, msg=msg if type(msg) is str else "", data=error.get("data"))
