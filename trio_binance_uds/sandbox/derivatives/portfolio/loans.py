"""Keeps what a Portfolio Margin account owes in its margin wallet: loans, repayments and interest.

The wire's words for a repayment and for interest are not public; REPAY and INTEREST are assumed.

Source: Binance Portfolio Margin, "Margin Account Borrow", "Margin Account Repay" and "Event: Liability Update"
(2026-05-28).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.sandbox.derivatives.amounts import ZERO, milliseconds, wire_amount

FIRST_TX_ID = 1_352_286_576_452_864_727


@attrs.define
class Debt:
    """What is owed of one asset."""

    principal: Decimal = ZERO
    interest: Decimal = ZERO

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest


@attrs.frozen(kw_only=True)
class DebtChange:
    """One loan, repayment, or charge of interest."""

    tx_id: int
    kind: str
    asset: str
    principal: Decimal
    """By how much the principal has changed; a repayment lowers it."""
    interest: Decimal
    debt: Debt
    """What was owed then."""
    time: int


class Loans:
    """The debts of one account, and how they came about."""

    def __init__(self) -> None:
        self.debts: dict[str, Debt] = {}
        self.changes: dict[str, list[DebtChange]] = {"BORROW": [], "REPAY": [], "INTEREST": []}

    def debt(self, asset: str) -> Debt:
        """Return what is owed of an asset, which may be nothing."""
        return self.debts.get(asset) or Debt()

    def change(self, tx_id: int, kind: str, asset: str, principal: Decimal, interest: Decimal, time: int) -> DebtChange:
        """Change a debt, and write that down."""
        debt = self.debts.setdefault(asset, Debt())
        debt.principal += principal
        debt.interest += interest
        made = DebtChange(
            tx_id=tx_id,
            kind=kind,
            asset=asset,
            principal=principal,
            interest=interest,
            debt=Debt(debt.principal, debt.interest),
            time=time,
        )
        self.changes[kind].append(made)
        return made


def liability_change(change: DebtChange) -> dict[str, Any]:
    """Tell a changed debt."""
    return {
        "e": "liabilityChange",
        "E": milliseconds(change.time),
        "a": change.asset,
        "t": change.kind,
        "T": change.tx_id,
        "p": wire_amount(change.debt.principal),
        "i": wire_amount(change.debt.interest),
        "l": wire_amount(change.debt.total),
    }


def told(change: DebtChange) -> dict[str, Any]:
    """A change as the route of its kind lists it."""
    if change.kind == "BORROW":
        return {
            "txId": change.tx_id,
            "asset": change.asset,
            "principal": wire_amount(change.principal),
            "timestamp": milliseconds(change.time),
            "status": "CONFIRMED",
        }
    if change.kind == "REPAY":
        return {
            "amount": wire_amount(-change.principal - change.interest),
            "asset": change.asset,
            "interest": wire_amount(-change.interest),
            "principal": wire_amount(-change.principal),
            "status": "CONFIRMED",
            "timestamp": milliseconds(change.time),
            "txId": change.tx_id,
        }
    return {
        "txId": change.tx_id,
        "interestAccuredTime": milliseconds(change.time),
        "asset": change.asset,
        "rawAsset": change.asset,
        "principal": wire_amount(change.debt.principal),
        "interest": wire_amount(change.interest),
        "interestRate": wire_amount(change.interest / change.debt.principal if change.debt.principal else ZERO),
        "type": "PERIODIC",
    }
