"""Every exception that the library raises, in one tree.

::

    UserDataStreamError
    ├── CredentialsError           a key cannot be read, or is of the wrong kind (also a ValueError)
    ├── NotOffered                 the environment or product does not have what was asked for
    ├── ConnectFailed              no connection came about: DNS, TCP, TLS, proxy, handshake
    │   └── HandshakeRejected      the server answered the upgrade with an HTTP error
    ├── StreamFailed               the stream ended for good; the reason is its ``__cause__``
    └── RequestError               a request has no result
        ├── NotConnected           it was never sent
        ├── OutcomeUnknown         it was sent; whether the venue acted is not known
        └── ApiError               the venue refused it
            ├── RateLimited            429, 418: too much, too fast
            ├── AuthenticationFailed   the key, its permissions, its IP or the signature
            ├── ClockSkew              the timestamp was outside the receive window
            └── Retired                the venue has taken the route away for good (also NotOffered)

A request has three outcomes. *Yes* is a returned result. *No* is :exc:`ApiError` or :exc:`NotConnected`.
*Unknown* is :exc:`OutcomeUnknown`, and never one of the others: an answer with status 5xx, or with code -1006
or -1007, is raised as :exc:`OutcomeUnknown` too.
"""

from __future__ import annotations

from datetime import date
from typing import Any


def _restored(
    kind: type[UserDataStreamError], args: tuple[Any, ...], fields: dict[str, Any], cause: UserDataStreamError | None
) -> UserDataStreamError:
    error = kind.__new__(kind, *args)
    error.__dict__.update(fields)
    error.__cause__ = cause
    return error


class UserDataStreamError(Exception):
    """The base of everything that this library raises on purpose.

    Its errors can be copied, and pickled for another process: with their fields, and with a cause that is one of them
    too. As with any exception, the traceback stays behind.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        # What Python does by itself calls the class with args alone, and most classes here need more. Only a cause of
        # our own goes along: another library's may refuse to be pickled, and would keep this error from it as well.
        cause = self.__cause__ if isinstance(self.__cause__, UserDataStreamError) else None
        return _restored, (type(self), self.args, dict(self.__dict__), cause)


class CredentialsError(UserDataStreamError, ValueError):
    """A key cannot be used; the message says what was found and what was expected, and no secret."""


class NotOffered(UserDataStreamError):
    """The environment, or the connection of the product, does not have what was asked for."""


class ConnectFailed(UserDataStreamError):
    """No connection came about.

    The message names the host and the step; the operating system's, TLS's or proxy's own error is ``__cause__``.
    """


class HandshakeRejected(ConnectFailed):
    """The server answered the WebSocket upgrade with an HTTP status.

    Attributes:
        status: the HTTP status, such as 403 (firewall), 418 (banned), 429 (too many) or 503.
        retry_after: for how many seconds from then the venue wanted to be left alone, by its ``Retry-After`` header or
            the text of its body, or ``None`` where it did not say. A ban (418) lasts 120 s at least.
        code: Binance's error code from a JSON body, or ``None``.
    """

    def __init__(self, message: str, *, status: int, retry_after: float | None = None, code: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after
        self.code = code


class StreamFailed(UserDataStreamError):
    """The stream has ended and will not come back: a revoked key, a spent budget, or a bug of ours.

    It is raised by ``receive()`` after everything that was buffered has been delivered. ``__cause__`` is the reason.
    """


class RequestError(UserDataStreamError):
    """A request has no result.

    Attributes:
        method: the WebSocket API method or the REST route.
        outcome_unknown: whether the venue may have acted all the same.
        symbol: the symbol that the request named, or ``None``.
        client_order_id: the client order id to look its order up by: of the order, or list of orders, that it places;
            otherwise of that which it cancels, amends or asks about. ``None`` where the request had none.
        orig_client_order_id: the client order id of the order that it cancels, replaces, amends or asks about.
        order_id, order_list_id: the venue's id of that order, or list of orders.
    """

    outcome_unknown = False
    symbol: str | None = None
    client_order_id: str | None = None
    orig_client_order_id: str | None = None
    order_id: int | None = None
    order_list_id: int | None = None

    def __init__(self, message: str, *, method: str) -> None:
        super().__init__(message)
        self.method = method

    def __str__(self) -> str:
        order = self._order()
        return f"{self.args[0]} ({order})" if order else str(self.args[0])

    def _order(self) -> str:
        """Return what the request said of its order, for people; empty where that is nothing."""
        original, placed = self.orig_client_order_id, self.client_order_id
        parts: list[str] = []
        if self.order_id is not None:
            parts.append(f"order id {self.order_id}")
        if self.order_list_id is not None:
            parts.append(f"order list id {self.order_list_id}")
        if original is not None:
            parts.append(f"client order id {_shown(original)}")
        if placed is not None and placed != original:
            parts.append(f"{'new ' if parts else ''}client order id {_shown(placed)}")
        if parts and self.symbol is not None:
            parts.insert(0, _shown(self.symbol))
        return ", ".join(parts)


def _shown(text: str) -> str:
    """Return a text of the caller's as it can stand in a message: on one line, and not too long."""
    text = text[:100]
    return text if text.isprintable() else repr(text)


class NotConnected(RequestError):
    """There is no live connection, and the request was never sent: repeating it is safe."""


class OutcomeUnknown(RequestError):
    """The request was sent and no answer says what became of it: look before repeating it.

    Attributes:
        status, code: those of the answer, where there was one (5xx, -1006, -1007), else ``None``.
    """

    outcome_unknown = True

    def __init__(
        self,
        message: str,
        *,
        method: str,
        client_order_id: str | None = None,
        status: int | None = None,
        code: int | None = None,
    ) -> None:
        super().__init__(message, method=method)
        self.client_order_id = client_order_id
        self.status = status
        self.code = code

    def _order(self) -> str:
        order = super()._order()
        return order and f"look it up: {order}"


class ApiError(RequestError):
    """The venue refused the request.

    Attributes:
        status: the HTTP-like status, 4xx.
        code, msg: Binance's error code and its text; 0 where a front server or firewall refused, which has no codes.
        data: the ``data`` member of the error, its texts without secrets and in bounded length, or ``None``;
            ``order.cancelReplace`` has details there.
    """

    def __init__(self, *, method: str, status: int, code: int, msg: str, data: Any = None) -> None:
        super().__init__(f"{method} was refused with status {status}, code {code}: {msg}", method=method)
        self.status = status
        self.code = code
        self.msg = msg
        self.data = data


class RateLimited(ApiError):
    """Too many requests or too many orders; status 418 means that the IP address is banned for now.

    Attributes:
        retry_after: for how many seconds from then the venue wanted to be left alone, or ``None`` where it did not say.
            A ban (418) lasts 120 s at least. It is the same in :exc:`HandshakeRejected`, and no clock is needed to use
            it; the venue's own timestamp, where it named one, is in ``data`` or in ``msg``.
    """

    def __init__(
        self, *, method: str, status: int, code: int, msg: str, data: Any = None, retry_after: float | None = None
    ) -> None:
        super().__init__(method=method, status=status, code=code, msg=msg, data=data)
        self.retry_after = retry_after


class AuthenticationFailed(ApiError):
    """The key, its permissions, its IP allow-list or the signature was refused."""


class ClockSkew(ApiError):
    """The timestamp was outside the receive window (-1021)."""


class Retired(ApiError, NotOffered):
    """The venue has taken the route away for good (410, or -21015): trying again cannot help.

    Attributes:
        what: what the route was for.
        since: the day, where this version knows it.
        replaced_by: what came instead, for people.
    """

    def __init__(
        self, *, method: str, status: int, code: int, msg: str, what: str, since: date | None, replaced_by: str
    ) -> None:
        super().__init__(method=method, status=status, code=code, msg=msg)
        self.what = what
        self.since = since
        self.replaced_by = replaced_by

    def __str__(self) -> str:
        when = "" if self.since is None else f" on {self.since:%Y-%m-%d}"
        gone = f"{self.method} is gone (status {self.status}): Binance retired {self.what}{when}"
        return f"{gone}; what replaces it: {self.replaced_by}"
