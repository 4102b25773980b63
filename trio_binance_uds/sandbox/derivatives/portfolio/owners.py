"""Describes one Portfolio Margin account: its uid, its margin wallet, and what it owes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.derivatives.portfolio.loans import Loans

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange import Account


@attrs.define(eq=False)
class PortfolioOwner:
    """One Portfolio Margin account. Made by ``open_account`` of the desk."""

    uid: int
    margin: Account
    loans: Loans = attrs.field(factory=Loans, repr=False)
    risk_level: str = "NORMAL"
