"""Writes requests: checked values, the text that is signed, the JSON frame and the REST query string.

Both APIs take parameters as a mapping. Values may be ``str``, ``int``, ``bool``, :class:`~decimal.Decimal`, an
enum of these, or a list or mapping of them. They are made plain once, and what is signed and what is sent are
both written from the plain form, so that they cannot differ:

* a ``Decimal`` becomes a string without an exponent, all its digits kept;
* a list or a mapping stays itself in a frame, and its compact JSON is its text wherever a text is needed. The
  documents are silent on signing one; no signed Spot method takes any (2026-07-21);
* a ``float`` is refused, because 0.1 is not 0.1 in it, and ``None`` too: leave the parameter out.

Source: Binance Spot, WebSocket API and REST API, "Request security" (2026-07-21).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

from trio_binance_uds.credentials.hidden import SecretText
from trio_binance_uds.wire.json_text import dumps

if TYPE_CHECKING:
    from trio_binance_uds.credentials import Credentials

Plain: TypeAlias = "str | int | list[Plain] | dict[str, Plain]"  # bool is an int

_NAME = re.compile(r"[A-Za-z0-9_.-]+")
# The words of control messages have underscores: LIST_SUBSCRIPTIONS.
_METHOD = re.compile(r"[A-Za-z0-9_]+([./][A-Za-z0-9]+)*")
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_INT64 = range(-(2**63), 2**63)
# Far beyond any amount; without a limit Decimal("1E+999999") would become a megabyte of zeros.
_LARGEST_EXPONENT = 100
_LARGEST_RECV_WINDOW = 60_000


SECRET_NAMES = frozenset({"apiKey", "listenKey", "listenToken", "signature", "token"})
"""Parameters of requests that are secrets."""


class MaskedParams(dict[str, Any]):
    """Parameters whose repr shows no secret."""

    def __repr__(self) -> str:
        return repr({name: "***" if name in SECRET_NAMES else value for name, value in self.items()})


class PlainParams(MaskedParams):
    """Parameters as they will stand in the JSON: checked, so that nobody need do it again."""


class Streams(dict[str, None]):
    """The names of streams, as the parameters of a control message: on the wire they are a list."""


def plain_params(params: Mapping[str, object]) -> PlainParams:
    """Return the parameters as they will stand in the JSON, in the same order.

    Raises:
        TypeError: a value is of a type that has no exact form on the wire, such as ``float`` or ``None``.
        ValueError: a value cannot be sent: a NaN, a lone surrogate, an int beyond 64 bits, an odd name.
    """
    return PlainParams([(_name(name), _plain(value, name)) for name, value in params.items()])


def ws_signing_text(params: Mapping[str, object]) -> str:
    """Return the text that a WebSocket API signature covers.

    All parameters but ``signature``, sorted by name, ``name=value`` joined by ``&``, without percent-encoding.

    Raises:
        TypeError, ValueError: as for :func:`plain_params`.
    """
    plain = plain_params(params)
    return "&".join(f"{name}={_text(plain[name])}" for name in sorted(plain) if name != "signature")


def stamp_ws_params(
    params: Mapping[str, object], timestamp_ms: int, recv_window: int | Decimal | None = None
) -> PlainParams:
    """Return the parameters with ``timestamp`` and ``recvWindow``: all that a logged-on session wants.

    Args:
        timestamp_ms: milliseconds since 1970 by the server's clock; microseconds are accepted too.
        recv_window: milliseconds, with up to three decimals; a ``recvWindow`` among the parameters goes first.

    Raises:
        TypeError, ValueError: as for :func:`plain_params`; or ``timestamp``, ``apiKey`` or ``signature`` is
            among the parameters; or the receive window is out of its range.
    """
    return plain_params(_stamped(params, timestamp_ms, recv_window))


def sign_ws_params(
    credentials: Credentials, params: Mapping[str, object], timestamp_ms: int, recv_window: int | Decimal | None = None
) -> PlainParams:
    """Return the parameters with ``apiKey``, ``timestamp``, ``recvWindow`` and ``signature``.

    The arguments and errors are those of :func:`stamp_ws_params`.
    """
    api_key = SecretText(credentials.api_key)
    signed = plain_params({"apiKey": api_key, **_stamped(params, timestamp_ms, recv_window)})
    signed["signature"] = credentials.sign(ws_signing_text(signed))
    return signed


def encode_request(id: int | str, method: str, params: Mapping[str, object] | None = None) -> str:
    """Return the text frame of a request; without parameters it has no ``params``.

    Raises:
        TypeError, ValueError: as for :func:`plain_params`; or the id or the method is not one that the server
            accepts. An id is a signed 64-bit int or 1 to 36 ASCII letters, digits, ``-`` and ``_``.

    Source: Binance Spot, WebSocket API, "Request format" (2026-07-21).
    """
    if isinstance(id, bool) or not isinstance(id, int | str):
        raise TypeError(f"a request id is an int or a string, not {type(id).__name__}")
    if isinstance(id, int) and id not in _INT64:
        raise ValueError("a request id must fit into a signed 64-bit integer")
    if isinstance(id, str) and not _REQUEST_ID.fullmatch(id):
        raise ValueError("a request id has 1 to 36 letters, digits, '-' and '_'; a bare UUID just fits")
    if not _METHOD.fullmatch(method):
        raise ValueError("a method is words joined by '.', such as 'order.place' or 'v3/order.place'")
    frame: dict[str, object] = {"id": id, "method": method}
    if params:
        if type(params) is Streams:
            frame["params"] = list(params)
        else:
            frame["params"] = params if type(params) is PlainParams else plain_params(params)
    return SecretText(dumps(frame))


def rest_query(params: Mapping[str, object]) -> str:
    """Return the parameters as a percent-encoded query string, in the order given.

    Raises:
        TypeError, ValueError: as for :func:`plain_params`.
    """
    pairs = [f"{name}={quote(_text(value), safe='')}" for name, value in plain_params(params).items()]
    return SecretText("&".join(pairs))


def sign_rest(
    credentials: Credentials, params: Mapping[str, object], timestamp_ms: int, recv_window: int | Decimal | None = None
) -> str:
    """Return the query string of a signed REST request without a body, its percent-encoded ``signature`` last.

    It is the encoded text that is signed; the API key is no part of it and goes into the ``X-MBX-APIKEY`` header.
    The arguments and errors are those of :func:`stamp_ws_params`.
    """
    query = rest_query(_stamped(params, timestamp_ms, recv_window))
    return SecretText(f"{query}&signature={quote(credentials.sign(query), safe='')}")


def _stamped(params: Mapping[str, object], timestamp_ms: int, recv_window: int | Decimal | None) -> dict[str, object]:
    stamped = dict(params)
    for name in ("apiKey", "timestamp", "signature"):
        if name in stamped:
            raise ValueError(f"{name} is added when the request is written; leave it out")
    if type(timestamp_ms) is not int or timestamp_ms <= 0:
        raise ValueError("the timestamp must be a positive int: milliseconds or microseconds since 1970")
    if recv_window is not None:
        stamped.setdefault("recvWindow", recv_window)
    if "recvWindow" in stamped:
        _check_recv_window(_plain(stamped["recvWindow"], "recvWindow"))
    stamped["timestamp"] = timestamp_ms
    return stamped


def _check_recv_window(value: Plain) -> None:
    text = _text(value)
    if not re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text, re.ASCII) or not 0 < Decimal(text) <= _LARGEST_RECV_WINDOW:
        raise ValueError("recvWindow must be more than 0 and at most 60000 milliseconds, with up to 3 decimals")


@lru_cache(maxsize=512)  # They are always the same few, and the expression costs more than all the rest.
def _name(name: object) -> str:
    if not isinstance(name, str):
        raise TypeError(f"the name of a parameter is a string, not {type(name).__name__}")
    if not _NAME.fullmatch(name):
        raise ValueError("the name of a parameter has ASCII letters and digits only")
    return name


def _plain(value: object, name: str) -> Plain:
    # What most values are, before anything that costs more.
    if type(value) is str and value.isascii():
        return value
    if isinstance(value, Enum):
        return _plain(value.value, name)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        if value not in _INT64:
            raise ValueError(f"{name} does not fit into a signed 64-bit integer; give it as a string")
        return int(value)
    if isinstance(value, str):
        if not _is_utf8(value):
            raise ValueError(f"{name} has a lone surrogate, which cannot be sent as UTF-8")
        return str.__str__(value)
    if isinstance(value, Decimal):
        return _decimal_text(value, name)
    if isinstance(value, float):
        raise TypeError(f"{name} is a float, which does not keep decimal amounts exactly; give a Decimal or a string")
    if isinstance(value, Mapping):
        return plain_params(value)
    if isinstance(value, list | tuple):
        return [_plain(item, name) for item in value]
    if value is None:
        raise TypeError(f"{name} is None; leave the parameter out instead")
    raise TypeError(f"{name} is of type {type(value).__name__}, which has no form on the wire")


def _decimal_text(value: Decimal, name: str) -> str:
    if not value.is_finite():
        raise ValueError(f"{name} is not a finite number")
    if abs(value.adjusted()) > _LARGEST_EXPONENT:
        raise ValueError(f"{name} has an exponent beyond {_LARGEST_EXPONENT}")
    return format(value if value else value.copy_abs(), "f")  # no minus before a zero


def _text(value: Plain) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | str) else dumps(value)


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
