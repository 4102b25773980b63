"""What is locked although no open order is known that locks it: a trace of orders on symbols that nobody has named.

A sell order locks its base asset, a buy order its quote asset. Symbols are the names of both, one after the other. Of
an order without a price nobody can say how much it locks; it may be all there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal

from trio_binance_uds.stream.recovery.spot.answers import OrderAnswer
from trio_binance_uds.stream.recovery.spot.evidence import Evidence
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge

# What the venue rounds, of an amount that it locks.
_ROUNDING = Decimal("0.000001")
# How long the answer about the open orders may have been under way after that about the balances.
_UNDER_WAY = timedelta(seconds=5)


def strange_locks(evidence: Evidence) -> frozenset[str]:
    """Return the assets of which more is locked than the known open orders lock.

    An order that has changed since the balances were taken can have locked all of its quantity in them.
    """
    account = evidence.account
    if account is None or evidence.open_orders is None:
        return frozenset()
    demands = [
        (order, order.quantity if has_changed else order.quantity - order.executed - order.prevented)
        for order in evidence.known_orders()
        if (has_changed := order.updated >= account.updated) or not order.is_final
    ]
    return frozenset(
        asset
        for asset, (_, locked) in account.balances.items()
        if locked > 0 and not _is_locked_by(demands, asset, locked * (1 - _ROUNDING))
    )


def left_of_baseline(knowledge: Knowledge) -> frozenset[str]:
    """Return the assets that were locked strangely in the baseline, without those that the stream has explained since.

    An order can end between the answers about the balances and about the open orders. Then the stream tells its end.
    """
    updated, not_after = knowledge.baseline_updated, knowledge.baseline_not_after
    if not knowledge.strange_locks or updated is None or not_after is None:
        return knowledge.strange_locks
    ended = [
        symbol for (symbol, _), (at, _) in knowledge.finished.newest_first() if updated <= at <= not_after + _UNDER_WAY
    ]
    return frozenset(
        asset
        for asset in knowledge.strange_locks
        if not any(symbol.startswith(asset) or symbol.endswith(asset) for symbol in ended)
    )


def name_locks(assets: Iterable[str]) -> str:
    """Return what to say of such assets."""
    names = ", ".join(sorted(assets))
    return f"{names} is locked by orders on symbols that nobody has named; name them in Recovery(symbols=...)"


def _is_locked_by(demands: Iterable[tuple[OrderAnswer, Decimal]], asset: str, wanted: Decimal) -> bool:
    locked = Decimal(0)
    for order, left in demands:
        price = order.state["order_price"]
        if order.state["side"] == "SELL" and order.symbol.startswith(asset):
            locked += left
        elif order.state["side"] == "BUY" and order.symbol.endswith(asset):
            if not price:
                return True
            locked += left * price
    return locked >= wanted
