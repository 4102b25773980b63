"""Balances and positions as they can be compared, whether an event or an answer told them.

What an event lacked counts as zero here: then an answer differs, and what was missing is told with it.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from trio_binance_uds.events import AccountUpdateBalance, AccountUpdatePosition
from trio_binance_uds.stream.recovery.futures.answers import ZERO, BalanceAnswer, PositionAnswer, PositionKey


def key_of(position: AccountUpdatePosition) -> PositionKey:
    """Return which position an event is about; where it does not say, there is one of each symbol only."""
    return (position.symbol, str(position.position_side or "BOTH"))


@attrs.frozen
class BalanceState:
    """A wallet, and its part that backs cross positions."""

    wallet: Decimal
    cross_wallet: Decimal

    @classmethod
    def nothing(cls) -> BalanceState:
        return cls(ZERO, ZERO)

    @classmethod
    def of_event(cls, balance: AccountUpdateBalance) -> BalanceState:
        return cls(balance.wallet_balance, balance.cross_wallet_balance or ZERO)

    @classmethod
    def of_answer(cls, balance: BalanceAnswer) -> BalanceState:
        return cls(balance.wallet, balance.cross_wallet)


@attrs.frozen
class PositionState:
    """The size of a position, and at what price it was entered on the average."""

    amount: Decimal
    entry_price: Decimal

    @classmethod
    def nothing(cls) -> PositionState:
        return cls(ZERO, ZERO)

    @classmethod
    def of_event(cls, position: AccountUpdatePosition) -> PositionState:
        return cls(position.position_amount, position.entry_price or ZERO)

    @classmethod
    def of_answer(cls, position: PositionAnswer) -> PositionState:
        return cls(position.amount, position.entry_price)
