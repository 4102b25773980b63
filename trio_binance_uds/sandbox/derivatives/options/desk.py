"""Is the desk of European options: bought and sold for their price in USDT, and settled when they end."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.derivatives.amounts import ZERO, to_unit
from trio_binance_uds.sandbox.derivatives.core import DeskCore, read_amount
from trio_binance_uds.sandbox.derivatives.dialects import Dialect
from trio_binance_uds.sandbox.derivatives.ledger import Ledger
from trio_binance_uds.sandbox.derivatives.lifecycle import expire
from trio_binance_uds.sandbox.derivatives.options.accounts import OptionsAccount
from trio_binance_uds.sandbox.derivatives.options.answers import Exercise
from trio_binance_uds.sandbox.derivatives.options.contracts import OptionContract, read_name
from trio_binance_uds.sandbox.derivatives.options.requests import OPTIONS_OPERATIONS
from trio_binance_uds.sandbox.derivatives.options.step import OptionsStep
from trio_binance_uds.sandbox.exchange.refusals import InsufficientFunds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.core import Amount

FIRST_ORDER_ID = 4_611_875_134_427_365_377
FIRST_BILL_ID = 1_125_899_906_842_624_001
HEARTBEAT = 10_000_000
"""How often an account with a position is told its totals, in microseconds."""
OPTIONS_DIALECT = Dialect(
    refuses_unfillable=False,
    pays_premium=True,
    margin_refusal=(-2027, "Margin is insufficient."),
    no_account=(-5002, "User has no option account."),
)


class OptionsDesk(DeskCore[OptionContract, OptionsAccount]):
    """An options exchange in memory; see :class:`DeskCore`.

    Its order ids do not fit a floating-point number, as they do not in production. It moves when it is called: call
    :meth:`tick` about every second for the events that come with time.
    """

    def __init__(self, now: Callable[[], int], seed: int = 0, *, first_order_id: int = FIRST_ORDER_ID) -> None:
        super().__init__(
            now,
            seed,
            dialect=OPTIONS_DIALECT,
            operations=OPTIONS_OPERATIONS,
            first_order_id=first_order_id,
            ledger=Ledger(FIRST_BILL_ID),
        )
        self._exercises: dict[int, list[Exercise]] = {}
        self._exercise_id = FIRST_BILL_ID
        self._heartbeat = 0
        for name, index_price in (
            ("BTC-261225-100000-C", 100_000),
            ("BTC-261225-100000-P", 100_000),
            ("ETH-261225-4000-C", 4000),
        ):
            self.add_option(name, index_price)

    def add_option(self, name: str, index_price: Amount) -> OptionContract:
        """List an option whose name says all but the price of what it is on.

        Raises:
            ValueError: it is listed already, or has no such name.
        """
        if name in self.contracts:
            raise ValueError(f"{name} is listed already")
        base, expiry, strike, is_call = read_name(name)
        made = OptionContract(
            name=name,
            pair=f"{base}USDT",
            base=base,
            quote="USDT",
            tick_size=Decimal(5) if base == "BTC" else Decimal("0.2"),
            step_size=Decimal("0.01"),
            underlying=f"{base}USDT",
            strike=strike,
            is_call=is_call,
            expiry=expiry,
            index_price=Decimal(index_price),
        )
        made.count_orders_from(self._first_order_id)
        self.contracts[name] = made
        return made

    def tick(self) -> None:
        """Let happen what is due by the clock: every ten seconds accounts with a position are told their totals."""
        if self.time() < self._heartbeat:
            return
        self._heartbeat = self.time() + HEARTBEAT
        with self.step() as step:
            assert isinstance(step, OptionsStep)
            for account in list(self.accounts.values()):
                if account.has_positions():
                    step.report_totals(account, self.main_asset, greeks=True)

    def set_mark_price(self, symbol: str, price: Amount) -> None:
        """Move the mark price of an option; the next totals tell of it."""
        self.contracts[symbol].mark_price = read_amount(price)

    def set_index_price(self, underlying: str, price: Amount) -> None:
        """Move the price of what options are on, which their margin depends on."""
        for contract in self.contracts.values():
            if contract.underlying == underlying:
                contract.index_price = read_amount(price)

    def transfer(self, uid: int, asset: str, amount: Amount) -> None:
        """Put money into a wallet or, with a negative amount, take it out.

        Raises:
            InsufficientFunds: there is less to take; nothing was changed.
        """
        account, change = self.accounts[uid], Decimal(amount)
        if change < 0 and account.withdrawable(asset) < -change:
            raise InsufficientFunds(f"less than {-change} {asset} can be withdrawn")
        with self.step() as step:
            self.ledger.move(step, account, "TRANSFER", change, asset)
            step.report_account(account, "WITHDRAW" if change < 0 else "DEPOSIT", {asset: change})

    def expire(self, symbol: str, index_price: Amount) -> None:
        """End an option: its open orders expire, and every position is settled for what it is worth then."""
        contract = self.contracts[symbol]
        price = read_amount(index_price)
        worth, asset = contract.worth_at(price), contract.margin_asset
        contract.mark_price = worth
        with self.step() as step:
            for account in list(self.accounts.values()):
                for order in list(account.records_of(symbol).open.values()):
                    expire(step, order, "nothing")
                for held in account.positions_of(contract):
                    if not held.amount:
                        continue
                    quantity = held.amount
                    amount = to_unit(worth * quantity)
                    held.trade(-held.sign, held.size, abs(amount), ZERO)
                    step.change(held)
                    self.ledger.move(step, account, "EXERCISE", amount, asset, symbol=symbol)
                    self._exercise_id += 1
                    record = Exercise(
                        id=self._exercise_id,
                        contract=contract,
                        quantity=quantity,
                        amount=amount,
                        price=price,
                        time=step.time,
                    )
                    self._exercises.setdefault(account.uid, []).append(record)
                    step.report_account(account, "ORDER", {asset: ZERO}, [held])

    def exercises_of(self, uid: int) -> Sequence[Exercise]:
        """Return the positions of an account that were settled, oldest first."""
        return self._exercises.get(uid, [])

    def _new_account(self, uid: int, alias: str) -> OptionsAccount:
        return OptionsAccount(
            uid=uid, alias=alias, maker_commission=Decimal("0.0003"), taker_commission=Decimal("0.0003")
        )

    def _new_step(self, time: int, post: Callable[[int, FuturesAccount, dict[str, object]], None]) -> OptionsStep:
        return OptionsStep(time, self.dialect, post)
