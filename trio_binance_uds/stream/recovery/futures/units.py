"""Which part of a Portfolio Margin account an event is about that does not name it: its symbol tells.

COIN-M symbols are quoted in USD and have their term behind it (``LINKUSD_PERP``); no USD-M symbol looks like that.
"""

from __future__ import annotations

from trio_binance_uds.events import AccountUpdate, Event


def is_of_unit(event: Event, unit: str | None) -> bool:
    """Return whether an event that names another part, or none, is about this one; ``None``: there are no parts."""
    if unit is None or getattr(event, "business_unit", "other") is not None:
        return False
    first = next(iter(event.positions), None) if isinstance(event, AccountUpdate) else event
    symbol: str | None = getattr(first, "symbol", None)
    return symbol is not None and unit_of(symbol) == unit


def unit_of(symbol: str) -> str:
    """Return the part that a contract is of."""
    return "CM" if "USD_" in symbol else "UM"
