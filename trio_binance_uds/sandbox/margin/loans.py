"""Lends, takes repayments, charges interest, and moves money between accounts; each leaves its record.

A loan bears an hour's interest at once and more with every full hour; a repayment pays interest first. The balances
that change are told on the account stream, without a ``balanceUpdate``, which transfers alone have.

Source: Binance Margin Trading, "Margin account borrow/repay", "Get Interest History" and "Query Cross Isolated Margin
Capital Flow" (2026-01-15). How much may be borrowed is simplified to what leaves the level at the normal bar, and what
may be transferred out to what leaves it at 2.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

from trio_binance_uds.sandbox.exchange import Account, Exchange, Refusal
from trio_binance_uds.sandbox.exchange.amounts import UNIT, ZERO, floor_to, wire_amount
from trio_binance_uds.sandbox.margin import events
from trio_binance_uds.sandbox.margin.accounts import MarginAccount, Record
from trio_binance_uds.sandbox.margin.levels import NORMAL_BAR, Prices, assets_of, debts_of

_FIRST_ID = 7_000_000_001
_TRANSFER_BAR = Decimal(2)
HOURLY_RATE = Decimal("0.00001")

Place = MarginAccount | Account
"""Where money can be: in a margin account, or in a spot account."""


class Loans:
    """The lender of a margin desk.

    Args:
        tell: sends an event to whoever watches the risk of an account.
        owing: called when an account may owe more than before.
    """

    def __init__(
        self,
        exchange: Exchange,
        prices: Prices,
        tell: Callable[[MarginAccount, dict[str, Any]], None],
        owing: Callable[[], None],
    ) -> None:
        self._exchange = exchange
        self._prices = prices
        self._tell = tell
        self._owing = owing
        self._ids = count(_FIRST_ID)

    def check_asset(self, account: MarginAccount, asset: str) -> None:
        """Refuse an asset that an account cannot have."""
        symbols = self._exchange.symbols
        pairs = symbols.values() if account.symbol is None else [symbols[account.symbol]]
        if not any(asset in (pair.base, pair.quote) for pair in pairs):
            raise Refusal(-3027, f"{asset} is not a valid margin asset.")

    def borrow(self, account: MarginAccount, asset: str, amount: Decimal, *, automatic: bool = False) -> int:
        """Lend an amount and return the number of the loan.

        Raises:
            Refusal: -3027 or -3006.
        """
        self.check_asset(account, asset)
        worth = amount * self._prices.of(asset)
        debts = debts_of(account, self._prices.of) + worth
        if assets_of(account, self._prices.of) + worth < debts * NORMAL_BAR:
            raise Refusal(-3006, "Your borrow amount has exceed maximum borrow amount.")
        id, time = next(self._ids), self._exchange.time()
        first_interest = floor_to(amount * HOURLY_RATE, UNIT)
        debt = account.debt(asset)
        debt.principal += amount
        debt.interest += first_interest
        self._record_loan(account, id, time, asset, "BORROW", amount, ZERO, automatic=automatic)
        self._record_interest(account, time, asset, amount, first_interest, "ON_BORROW")
        # Told before the balance moves, behind which the level is looked at.
        self._tell(account, events.liability_change(time, asset, "BORROW", amount, first_interest))
        self._exchange.adjust(account.account, asset, amount)
        self._owing()
        return id

    def repay(self, account: MarginAccount, asset: str, amount: Decimal, *, automatic: bool = False) -> int:
        """Take a repayment and return its number.

        Raises:
            Refusal: -3027, -3015 or -3041.
        """
        self.check_asset(account, asset)
        debt = account.debt(asset)
        if amount > debt.total:
            raise Refusal(-3015, "Repay amount exceeds borrow amount.")
        if amount > account.account.free(asset):
            raise Refusal(-3041, "Balance is not enough.")
        id, time = next(self._ids), self._exchange.time()
        interest = min(amount, debt.interest)
        debt.interest -= interest
        debt.principal -= amount - interest
        self._record_loan(account, id, time, asset, "REPAY", amount - interest, interest, automatic=automatic)
        self._tell(account, events.liability_change(time, asset, "REPAY", amount - interest, interest))
        self._exchange.adjust(account.account, asset, -amount)
        return id

    def repay_what_is_there(self, account: MarginAccount, asset: str) -> None:
        """Repay as much of a debt as the free balance can."""
        amount = min(account.debt(asset).total, account.account.free(asset))
        if amount:
            self.repay(account, asset, amount, automatic=True)

    def charge(self, account: MarginAccount) -> None:
        """Charge the interest of an hour."""
        time = self._exchange.time()
        for asset, debt in account.debts.items():
            interest = floor_to(debt.principal * HOURLY_RATE, UNIT)
            if interest:
                debt.interest += interest
                self._record_interest(account, time, asset, debt.principal, interest, "PERIODIC")
                self._tell(account, events.liability_change(time, asset, "INTEREST", ZERO, interest))

    def move(
        self, source: MarginAccount | Account, target: MarginAccount | Account, asset: str, amount: Decimal
    ) -> int:
        """Transfer between a spot account and a margin account, or two of these, and return the transfer's number.

        Raises:
            Refusal: -3027, -3041 or -3020.
        """
        for account in (source, target):
            if isinstance(account, MarginAccount):
                self.check_asset(account, asset)
        giver, taker = _at_exchange(source), _at_exchange(target)
        if giver.free(asset) < amount:
            raise Refusal(-3041, "Balance is not enough.")
        if isinstance(source, MarginAccount):
            self._check_out(source, amount * self._prices.of(asset))
        id, time = next(self._ids), self._exchange.time()
        for account, sign in ((source, -1), (target, 1)):
            if isinstance(account, MarginAccount):
                self._record_flow(account, id, time, asset, "TRANSFER", sign * amount)
        self._exchange.withdraw(giver, asset, amount)
        self._exchange.deposit(taker, asset, amount)
        return id

    def _check_out(self, account: MarginAccount, worth: Decimal) -> None:
        debts = debts_of(account, self._prices.of)
        if debts and assets_of(account, self._prices.of) - worth < debts * _TRANSFER_BAR:
            raise Refusal(-3020, "Transfer out amount exceeds max amount.")

    def _record_loan(
        self,
        account: MarginAccount,
        id: int,
        time: int,
        asset: str,
        kind: str,
        principal: Decimal,
        interest: Decimal,
        *,
        automatic: bool,
    ) -> None:
        amount = principal + interest
        row = {
            "type": "AUTO" if automatic else "MANUAL",
            "amount": wire_amount(amount),
            "asset": asset,
            "interest": wire_amount(interest),
            "principal": wire_amount(principal),
            "status": "CONFIRMED",
        }
        account.loans.append(Record(id=id, time=time, asset=asset, kind=kind, row=row))
        self._record_flow(account, id, time, asset, kind, amount if kind == "BORROW" else -amount)

    def _record_interest(
        self, account: MarginAccount, time: int, asset: str, principal: Decimal, interest: Decimal, kind: str
    ) -> None:
        row = {
            "asset": asset,
            "rawAsset": asset,
            "principal": wire_amount(principal),
            "interest": wire_amount(interest),
            "interestRate": wire_amount(HOURLY_RATE),
            "type": kind,
        }
        account.interest.append(Record(id=next(self._ids), time=time, asset=asset, kind=kind, row=row))

    def _record_flow(
        self, account: MarginAccount, transfer: int, time: int, asset: str, kind: str, amount: Decimal
    ) -> None:
        row = {"tranId": transfer, "asset": asset, "type": kind, "amount": wire_amount(amount)}
        account.flows.append(Record(id=next(self._ids), time=time, asset=asset, kind=kind, row=row))


def _at_exchange(account: Place) -> Account:
    return account.account if isinstance(account, MarginAccount) else account
