"""Which client order ids the venue gives to orders of its own."""

from __future__ import annotations

# Source: Binance USD-M and COIN-M Futures, "Event: Order Update" (2026-05-28): liquidation, deleveraging, settlement.
# The last is not on these pages; clients know it for contracts that are delivered.
_OF_THE_VENUE = ("autoclose-", "adl_autoclose", "settlement_autoclose-", "delivery_autoclose-")


def is_of_the_venue(client_order_id: str | None) -> bool:
    """Whether it is one of the ids that the venue gives to orders of its own."""
    return client_order_id is not None and client_order_id.startswith(_OF_THE_VENUE)
