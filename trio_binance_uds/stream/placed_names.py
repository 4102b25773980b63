"""The client order ids under which amended orders were placed.

An amendment on spot gives an order another client order id. Its own report names both, and those that follow only the
new one, so an order could not be found in them by the id that it was placed with. What is kept here is written into
them. There is an entry for each amended order until it ends, and for nearly all accounts there is none at all.
"""

from __future__ import annotations

import attrs

from trio_binance_uds.events import ExecutionReport

_FINAL = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})
# The end of an order can lie in a gap that was not healed: then its entry would stay for ever.
_MAX_KEPT = 10_000


class PlacedNames:
    """What amended orders were called at first."""

    def __init__(self) -> None:
        self.names: dict[tuple[str | None, str, int], str] = {}

    def completed(self, report: ExecutionReport) -> ExecutionReport:
        """Return the report with the id under which its order was placed; ask in the order of delivery.

        Where no order was amended, only a report that has an original client order id can say anything new, and at the
        end of an order not even that: a cancellation names the order's id as the original one.
        """
        if not self.names and (not report.original_client_order_id or report.order_status in _FINAL):
            return report
        key = (report.account, report.symbol, report.order_id)
        placed = self.names.get(key)
        if placed is not None and placed != report.placed_client_order_id:
            report = attrs.evolve(report, placed_client_order_id=placed)
        if report.order_status in _FINAL:
            self.names.pop(key, None)
        elif placed is None and report.original_client_order_id and report.placed_client_order_id is not None:
            if len(self.names) >= _MAX_KEPT:
                del self.names[next(iter(self.names))]
            self.names[key] = report.placed_client_order_id
        return report
