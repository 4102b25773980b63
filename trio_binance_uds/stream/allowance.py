"""How often something may be done that costs the venue's limits: so many times in so long, the first times at once."""

from __future__ import annotations

from collections import deque

import trio


class Allowance:
    """So many times within so many seconds."""

    def __init__(self, times: int, seconds: float) -> None:
        self._seconds = seconds
        self._used: deque[float] = deque(maxlen=times)

    def is_left(self) -> bool:
        """Whether it may be done now."""
        used = self._used
        return len(used) < (used.maxlen or 0) or trio.current_time() - used[0] >= self._seconds

    def use(self) -> None:
        """Note that it is done now."""
        self._used.append(trio.current_time())
