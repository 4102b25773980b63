"""What one stream tells: of which kind of futures, of which account, and which types of events."""

from __future__ import annotations

import attrs

from trio_binance_uds.stream.recovery.futures.dialect import Dialect


@attrs.frozen(kw_only=True)
class Scope:
    """What is to be recovered.

    Attributes:
        account: what events are marked with.
        types: the types of events that the stream was asked for; empty is all.
    """

    dialect: Dialect
    account: str
    types: frozenset[str] = frozenset()

    def tells(self, event_type: str) -> bool:
        """Whether events of this type are on the stream: others are not recovered either."""
        return not self.types or event_type in self.types

    @property
    def tells_conditionals(self) -> bool:
        """Whether events of conditional orders are on the stream."""
        return self.tells("ALGO_UPDATE")

    def lacking(self) -> list[str]:
        """Say what was asked for and cannot be recovered because of what was not asked for."""
        if self.tells("TRADE_LITE") and not self.tells("ORDER_TRADE_UPDATE"):
            return ["fills are recovered as ORDER_TRADE_UPDATE only, which this stream was not asked for"]
        return []
