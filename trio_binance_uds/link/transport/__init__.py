"""The seam under a link: one open WebSocket connection, whichever library speaks the protocol.

Rules of the seam, which every kind keeps and ``tests/link/test_transport_contract.py`` holds:

* One task receives, one task writes. Neither waits for the application.
* The transport owns the trio stream that it dialed, and whatever happens ends with that stream closed.
* What arrived before the end of the connection is handed out before the end is told.
* Messages come out in the order in which they came in, and no pong overtakes a message: it proves that everything
  which the server sent before it has been received.
* Frames are never compressed and never logged: they hold signatures.
"""

from __future__ import annotations

import abc
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from enum import StrEnum

import attrs

from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.network import Network

MAX_MESSAGE_SIZE = 16 * 2**20
"""Bytes in one message, far above anything that Binance sends; a larger one ends the connection."""


class TransportKind(StrEnum):
    """Which library speaks WebSocket. The other one is not even imported."""

    WEBSOCKETS = "websockets"
    TRIO_WEBSOCKET = "trio-websocket"


@attrs.frozen
class Ping:
    """A ping to be sent. Its payload has at most 125 bytes, and differs from those of pings not yet answered."""

    payload: bytes = attrs.field(validator=attrs.validators.max_len(125))


@attrs.frozen
class Pong:
    """The server's answer to the ping that carried this payload."""

    payload: bytes

    def __len__(self) -> int:
        # As all that is received has a length, that of a read is summed up without a look at each.
        return len(self.payload)


class TransportClosed(Exception):
    """The connection is over; the text says how: closed by the server, cut off, reset, or a broken protocol.

    Attributes:
        code: of the Close frame that ended the connection, the server's or, after a violation, ours (1002, 1007,
            1009); ``None`` when there was none.
        reason: the text in that Close frame, without secrets and in one line; else what happened.

    The error of the lower layer, where there was one, is ``__cause__``.
    """

    def __init__(self, code: int | None, reason: str = "", message: str | None = None) -> None:
        super().__init__(message or reason or f"the connection was closed with code {code}")
        self.code = code
        self.reason = reason

    def again(self) -> TransportClosed:
        """Return an equal exception: one instance must not be raised twice, as it would collect tracebacks."""
        other = TransportClosed(self.code, self.reason, str(self))
        other.__cause__ = self.__cause__
        return other


class Transport(abc.ABC):
    """One open WebSocket connection."""

    __slots__ = ()

    @abc.abstractmethod
    async def receive(self) -> Sequence[str | bytes | Pong]:
        """Wait until something arrives and return all of it: whole messages in order, and pongs.

        A text message comes as ``str`` or as UTF-8 ``bytes``, whichever costs nothing; a text that is not UTF-8
        comes as ``bytes`` where the library lets it through. The result is empty when only a ping of the server
        arrived: look at :attr:`owes_output` then, and have the writer send.

        Pings are only seen, and so only answered, while this is being called. Cancelling it loses nothing.

        Raises:
            TransportClosed: the connection is over, and everything that arrived before has been returned.
        """

    @abc.abstractmethod
    async def send(self, items: Sequence[str | Ping]) -> None:
        """Write these, and what is owed to the server, in one write if the library can.

        Cancelling it can leave half a frame behind: the connection is broken then, later calls raise, and the
        receiving side ends when the server notices. So no caller's cancel scope may reach it.

        Raises:
            TransportClosed: the connection is over. How much of ``items`` has left is not known.
        """

    @property
    @abc.abstractmethod
    def owes_output(self) -> bool:
        """Whether there is something to write, a pong or a Close, that ``send(())`` would flush."""

    @abc.abstractmethod
    async def aclose(self, grace: float | None = None) -> None:
        """End the connection: politely if that is possible within ``grace`` seconds, and in any case for good.

        ``None`` means the ``close_timeout`` of :func:`open_transport`; 0 means at once, without a Close frame. It is
        shielded from cancellation, is bounded, never raises, and may be called again. Receiving and writing tasks
        should have ended; those that have not get :exc:`TransportClosed`. Messages that arrive meanwhile are lost.
        """


def open_transport(
    kind: TransportKind,
    url: str,
    network: Network,
    *,
    connect_timeout: float,
    close_timeout: float,
    max_message_size: int = MAX_MESSAGE_SIZE,
    now: Callable[[], float] = time.time,
    masker: Masker | None = None,
) -> AbstractAsyncContextManager[Transport]:
    """Connect to ``url`` and yield an open connection, which is closed when the block is left.

    ``connect_timeout`` bounds everything together: name look-up, TCP, proxy, TLS and the WebSocket handshake.
    ``now`` tells the venue's time in seconds since the epoch, by which a refusal names the end of a ban; ``masker``
    knows the secrets that the server may repeat in a refusal or in the reason of a Close.
    Cancelling is safe at any point. An exception of the block leaves it as itself.

    Raises:
        ConnectFailed: no connection came about; the text names the host and the step.
        HandshakeRejected: the server answered the WebSocket handshake with an HTTP status; redirects are refused.
        ValueError: ``url`` is not a ``ws://`` or ``wss://`` URL.
    """
    # Imported here: importing either library takes longer than importing all of ours, and nobody needs both.
    opener: Callable[..., AbstractAsyncContextManager[Transport]]
    if kind is TransportKind.WEBSOCKETS:
        from trio_binance_uds.link.transport.sans_io import open_sans_io

        opener = open_sans_io
    else:
        from trio_binance_uds.link.transport.trio_ws import open_trio_ws

        opener = open_trio_ws
    return opener(
        url,
        network,
        connect_timeout=connect_timeout,
        close_timeout=close_timeout,
        max_message_size=max_message_size,
        now=now,
        masker=masker or Masker(),
    )
