"""Moves money in and out of wallets, and writes each movement down as income.

What leaves a wallet arrives in another or in :attr:`Ledger.kept`, what the desk itself has taken in; so wallets and
that together change by deposits, withdrawals and realised profit only.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.derivatives.amounts import ZERO
from trio_binance_uds.sandbox.derivatives.records import Income

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.step import Step

FIRST_TRAN_ID = 9_600_000_001
KEPT_KINDS = frozenset({"COMMISSION", "FUNDING_FEE", "INSURANCE_CLEAR"})
"""What is paid to the desk, or by it."""


class Ledger:
    """The books of a desk.

    Attributes:
        kept: what the desk has taken in, by asset: commissions and funding, less what its insurance has paid.
    """

    def __init__(self, first_tran_id: int = FIRST_TRAN_ID) -> None:
        self.kept: dict[str, Decimal] = {}
        self._tran_id = first_tran_id - 1

    def move(
        self,
        step: Step,
        account: FuturesAccount,
        kind: str,
        amount: Decimal,
        asset: str,
        *,
        symbol: str = "",
        trade_id: int | None = None,
    ) -> None:
        """Add to a wallet; the amount may be negative, and nothing is written down for nothing."""
        wallet = account.wallet(asset)
        wallet.balance += amount
        step.change(wallet)
        if not amount:
            return
        if kind in KEPT_KINDS:
            self.kept[asset] = self.kept.get(asset, ZERO) - amount
        self._tran_id += 1
        account.income.append(
            Income(
                tran_id=self._tran_id,
                symbol=symbol,
                kind=kind,
                amount=amount,
                asset=asset,
                time=step.time,
                trade_id=trade_id,
            )
        )
