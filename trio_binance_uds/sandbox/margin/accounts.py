"""Margin accounts: each is an account of the exchange, with debts, and a record of what was moved, lent and charged."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.sandbox.exchange import Account
from trio_binance_uds.sandbox.exchange.amounts import ZERO


@attrs.define
class Debt:
    """What is owed of one asset."""

    principal: Decimal = ZERO
    interest: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        """Principal and interest together."""
        return self.principal + self.interest


@attrs.frozen(kw_only=True)
class Record:
    """Something that happened to an account, for one of its histories.

    Attributes:
        id: counts up over all accounts of a sandbox.
        time: in microseconds since the epoch.
        row: as the history lists it, but for id and time.
    """

    id: int
    time: int
    asset: str
    kind: str
    row: dict[str, Any]


@attrs.define(eq=False, kw_only=True)
class MarginAccount:
    """The cross margin account of an owner, or that of one isolated pair.

    Attributes:
        owner: the uid that the owner has at all desks.
        symbol: the isolated pair; ``None`` is cross.
        account: the account at the exchange: its balances, orders and trades, under a uid of its own.
        status: how the margin level was last told to stand.
        auto_repay: the open orders whose proceeds repay what is owed.
    """

    owner: int
    symbol: str | None = None
    account: Account
    debts: dict[str, Debt] = attrs.field(factory=dict)
    status: str = "EXCESSIVE"
    auto_repay: set[tuple[str, int]] = attrs.field(factory=set)
    loans: list[Record] = attrs.field(factory=list, repr=False)
    interest: list[Record] = attrs.field(factory=list, repr=False)
    flows: list[Record] = attrs.field(factory=list, repr=False)
    liquidations: list[Record] = attrs.field(factory=list, repr=False)

    @property
    def is_isolated(self) -> bool:
        """Whether it is that of one pair."""
        return self.symbol is not None

    def debt(self, asset: str) -> Debt:
        """Return what is owed of an asset, which may be nothing."""
        return self.debts.setdefault(asset, Debt())

    @property
    def owes(self) -> bool:
        """Whether anything is owed."""
        return any(debt.total for debt in self.debts.values())
