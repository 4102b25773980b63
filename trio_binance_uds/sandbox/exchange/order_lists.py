"""Holds order lists, which tie the fate of two or three orders together.

* OCO: two orders share one reservation. When one starts to fill, is triggered or ends, the other expires.
* OTO: a working order, and pending ones that enter the market when it is filled. When it ends otherwise they
  expire. Two pending orders (OTOCO, OPOCO) are an OCO among themselves. In an OPO the pending quantity is what
  the working order bought, less what the commission took.

A list executes until its last order has ended. The rules are applied in :mod:`.lifecycle`.
"""

from __future__ import annotations

import attrs

from trio_binance_uds.sandbox.exchange.orders import Order


@attrs.define(eq=False, kw_only=True)
class OrderList:
    """An order list that the exchange has given an id. Times are epoch microseconds."""

    list_id: int
    client_id: str
    contingency: str
    """``OCO`` or ``OTO``, which is all that the wire tells apart."""
    symbol: str
    created: int
    updated: int
    orders: list[Order] = attrs.field(factory=list)
    """Every order; the working one of an OTO comes first."""
    client_order_ids: list[str] = attrs.field(factory=list)
    """The client ids under which the list names its orders: a cancellation does not change them."""
    status_type: str = "EXEC_STARTED"
    order_status: str = "EXECUTING"

    @property
    def is_open(self) -> bool:
        return self.order_status == "EXECUTING"

    @property
    def working(self) -> Order | None:
        """The order that the others wait for, if there is such a one."""
        return self.orders[0] if self.contingency == "OTO" else None

    @property
    def alternatives(self) -> list[Order]:
        """The orders of which at most one may execute."""
        return self.orders[1:] if self.contingency == "OTO" else self.orders

    def members(self) -> list[tuple[int, str]]:
        """Return order id and client id of each order, as list messages name them."""
        return [
            (order.order_id, client_id) for order, client_id in zip(self.orders, self.client_order_ids, strict=True)
        ]

    def rivals(self, order: Order) -> list[Order]:
        """Return the open orders that may no longer execute once ``order`` does."""
        if order is self.working:
            return []
        return [other for other in self.alternatives if other is not order and other.is_open]
