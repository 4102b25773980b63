"""The paths of the stream hosts: what can be opened where, and whose events a listen key brings there.

Source: Binance Derivatives, "User Data Streams Connect" of each product (2026-05-28), and "Important WebSocket Change
Notice" (2026-03-05): since 2026-04-23 what is not under ``/private`` carries no user data of USD-M futures and options.
The streams of stocks, of margin's listen key of version 2 and of unified accounts are known from clients' code or
second hand (2026-10); the host of the second is a guess.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, unique
from types import MappingProxyType

import attrs

from trio_binance_uds.sandbox.listen_keys import KeySpace


@unique
class StreamHost(StrEnum):
    """A server of streams, which may play the role of several hosts."""

    FSTREAM = "fstream"
    DSTREAM = "dstream"
    MARGIN_STREAM = "margin_stream"
    NBSTREAM = "nbstream"


@attrs.frozen(kw_only=True)
class StreamPath:
    """What stands before ``/ws`` and ``/stream`` on a host.

    Attributes:
        desks: the name of the desk whose events a listen key of each kind brings; nothing comes of other keys.
        query: whether keys may stand in the query string, with their lists of events.
        combined: whether there is ``/stream`` too, where events are wrapped.
        topic: what stands behind a key and ``@`` in the name of a stream. Such a stream has the events of that type
            alone; of a key without it, and of one in the URL, nothing comes.
    """

    desks: Mapping[KeySpace, str] = MappingProxyType({})
    query: bool = False
    combined: bool = True
    topic: str = ""


STREAM_PATHS: Mapping[StreamHost, Mapping[str, StreamPath]] = MappingProxyType(
    {
        StreamHost.FSTREAM: {
            "/private": StreamPath(
                desks={
                    KeySpace.USDM: "usdm",
                    KeySpace.OPTIONS: "options",
                    KeySpace.UNIFIED_MARGIN: "unified_margin",
                },
                query=True,
            ),
            "/pm": StreamPath(desks={KeySpace.PORTFOLIO_MARGIN: "portfolio_margin"}, combined=False),
            "/pm-classic": StreamPath(desks={KeySpace.USDM: "portfolio_margin_pro"}, combined=False),
            # What only has market data takes a listen key without a word.
            "": StreamPath(),
            "/public": StreamPath(),
            "/market": StreamPath(),
        },
        StreamHost.DSTREAM: {"": StreamPath(desks={KeySpace.COINM: "coinm"})},
        StreamHost.MARGIN_STREAM: {
            "": StreamPath(desks={KeySpace.MARGIN_RISK: "margin", KeySpace.MARGIN: "margin_accounts"})
        },
        StreamHost.NBSTREAM: {"/equity": StreamPath(desks={KeySpace.STOCKS: "stocks"}, topic="orderReport")},
    }
)


def desks_of(space: KeySpace) -> frozenset[str]:
    """Return the names of all desks whose events a kind of listen key can bring."""
    return frozenset(
        path.desks[space] for paths in STREAM_PATHS.values() for path in paths.values() if space in path.desks
    )
