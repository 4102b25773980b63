"""The order that a request is about, by the names that its parameters give: for the errors that the request ends in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from trio_binance_uds.errors import RequestError
from trio_binance_uds.wire.methods import id_parameter

_RequestErrorT = TypeVar("_RequestErrorT", bound=RequestError)


def naming_order(error: _RequestErrorT, method: str, params: Mapping[str, Any]) -> _RequestErrorT:
    """Return the error, with what the parameters say about the order written in it.

    The client order id of a cancellation or an amendment (``newClientOrderId``) names the request and not its order.
    Nobody can look that order up by it before the venue has acted, so it is left out.
    """
    placed_by = id_parameter(method)
    original = _text(params, "cancelOrigClientOrderId", "origClientOrderId")
    if placed_by is None:
        original = original or _text(params, "listClientOrderId")
    error.symbol = _text(params, "symbol")
    error.orig_client_order_id = original
    error.client_order_id = original if placed_by is None else _text(params, placed_by)
    error.order_id = _number(params, "cancelOrderId", "orderId")
    error.order_list_id = _number(params, "orderListId")
    return error


def _text(params: Mapping[str, Any], *names: str) -> str | None:
    return next((str(params[name]) for name in names if params.get(name) is not None), None)


def _number(params: Mapping[str, Any], *names: str) -> int | None:
    text = _text(params, *names)
    return int(text) if text is not None and text.isascii() and text.isdecimal() and len(text) < 40 else None
