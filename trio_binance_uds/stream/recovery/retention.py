"""How long the venue lists what has ended. What ended in a gap that began before that is in no answer any more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import attrs


@attrs.frozen(kw_only=True)
class Retention:
    """How long the histories of a product reach back; ``None`` is for ever.

    Attributes:
        unfilled: orders that ended without a fill, from when they were placed.
        orders: all orders that have ended.
        fills: trades, and what else moves an account.
    """

    unfilled: timedelta | None = None
    orders: timedelta | None = None
    fills: timedelta | None = None

    def lacking(self, since: datetime, now: datetime) -> Iterator[str]:
        """Say what of all that happened since a time the venue does not list any more."""
        for kept, what in (
            (self.unfilled, "orders that ended without a fill"),
            (self.orders, "orders that ended"),
            (self.fills, "trades"),
        ):
            if kept is not None and now - since >= kept:
                yield f"{what} are not listed any more when they are older than {kept.days} days"
