"""How much of the venue's request weight is used, as its answers report it.

The venue counts for a whole address and by whole minutes of its clock: other programs behind the same address count
too, and with the next minute it begins anew. So a report is worth something only until its minute is over.

Source: Binance Spot, REST API and WebSocket API, "IP Limits" (2026-07-21): ``X-MBX-USED-WEIGHT-1M``, and ``rateLimits``
in frames; Binance Margin Trading, "General Info" (2026-01-15): ``X-SAPI-USED-IP-WEIGHT-1M``, which counts each route.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import trio

from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.wire.frames import Response

_OF_ADDRESS = "x-mbx-used-weight-1m"
_OF_ROUTE = "x-sapi-used-ip-weight-1m"
_MINUTE = 60.0


class Usage:
    """What was reported in the present minute."""

    def __init__(self, clock: ServerClock) -> None:
        self._clock = clock
        self._minute = 0
        self._of_address: int | None = None
        self._of_routes: dict[str, int] = {}

    def note_headers(self, route: str, used: Mapping[str, int]) -> None:
        """Record what the headers of an answer report, by their names in lower case."""
        self._begin_minute()
        if (of_address := used.get(_OF_ADDRESS)) is not None:
            self._of_address = of_address
        if (of_route := used.get(_OF_ROUTE)) is not None:
            self._of_routes[route] = of_route

    def note_frame(self, entries: Any) -> None:
        """Record what an answer of the WebSocket API reports: its rate limits, as they came."""
        self._begin_minute()
        for limit in Response(id=0, status=0, rate_limit_entries=entries).rate_limits:
            if (limit.rate_limit_type, limit.interval, limit.interval_num) == ("REQUEST_WEIGHT", "MINUTE", 1):
                self._of_address = limit.count

    def of(self, route: str) -> int | None:
        """Return how much is used of the limit that a question counts for; ``None`` where nobody has said."""
        self._begin_minute()
        return self._of_routes.get(route, self._of_address)

    def _begin_minute(self) -> None:
        minute = int(self._clock.seconds(trio.current_time()) // _MINUTE)
        if minute != self._minute:
            self._minute = minute
            self._of_address = None
            self._of_routes.clear()
