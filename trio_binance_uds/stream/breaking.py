"""Breaks the connection of a stream on purpose, so that it can be seen that the stream heals."""

from __future__ import annotations

from trio_binance_uds.link.transport import TransportClosed
from trio_binance_uds.stream.stream import UserDataStream


def break_connection(stream: UserDataStream) -> bool:
    """Close the connection of a stream, as a failing network would; return whether there was one."""
    link = stream._supervisor.active
    if link is None or link.connection is None:
        return False
    link.connection.end(TransportClosed(None, "the connection was closed on purpose"))
    return True
