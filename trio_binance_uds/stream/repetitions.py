"""Which reports the venue has sent before; the identity of a report belongs to one report of an account.

The last few thousand are remembered, in two generations: to drop the older one whole costs next to nothing. A report
of spot is remembered as a number or two, as its own number and the symbol are its identity: that is a fifth of the
memory, and nothing that the garbage collector has to look at. These numbers rise within a symbol, so nearly all are
higher than all that are remembered, and need not be looked for.

An update of balances that says by how much a balance changed, and what it is since then, is a repetition if all of it
is the same again: after a change that is not 0 the balance would be another. One exception: in the same millisecond a
change can have been taken back and be made again, so one that takes up the balance where it was last delivered is new.
An update without a change repeats only absolute amounts, which does no harm; and an event that carries a change alone,
such as a deposit, may well come twice.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.events import Event, ExecutionReport
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.record import StreamRecord

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

_REPORTS_REMEMBERED = 8192
_UPDATES_OF_BALANCES = frozenset({"ACCOUNT_UPDATE", "BALANCE_POSITION_UPDATE"})


@attrs.define(eq=False)
class _Numbers:
    """What was delivered of one symbol of an account: execution ids, and fills as :func:`_fill` numbers them.

    Attributes:
        executions, fills: those of the latest generation.
        older_executions, older_fills: those of the one before.
        highest_execution, highest_trade: no execution id, and no trade of a fill, is higher than these.
    """

    executions: set[int] = attrs.field(factory=set)
    fills: set[int] = attrs.field(factory=set)
    older_executions: set[int] = attrs.field(factory=set)
    older_fills: set[int] = attrs.field(factory=set)
    highest_execution: int = -1
    highest_trade: int = -1

    def age(self) -> None:
        """Begin a new generation."""
        self.older_executions, self.executions = self.executions, set()
        self.older_fills, self.fills = self.fills, set()


class Repetitions:
    """What has been sent of late."""

    def __init__(self, record: StreamRecord) -> None:
        self._record = record
        # How much is in the latest generation.
        self._size = 0
        self._numbers: dict[tuple[str | None, str], _Numbers] = {}
        self._others: set[Hashable] = set()
        self._older_others: set[Hashable] = set()
        # Balances by their last change: when that was, and what they were since.
        self._balances: dict[Hashable, tuple[datetime, Decimal]] = {}

    def is_repeated(self, report: Event) -> bool:
        """Remember a report or an update of balances; return whether it has come before.

        A fill is known by its trade too. Should one come again under another execution id, two connections do not
        number alike, although the handover and the guarantee rest on that: it must not be counted twice all the same.
        """
        if self._size >= _REPORTS_REMEMBERED:
            self._begin_generation()
        if not isinstance(report, ExecutionReport) or (number := report.execution_id) is None:
            return self._is_other_repeated(report)
        place = (report.account, report.symbol)
        numbers = self._numbers.get(place)
        if numbers is None:
            numbers = self._numbers[place] = _Numbers()
        if number > numbers.highest_execution:
            numbers.highest_execution = number
        elif number in numbers.executions or number in numbers.older_executions:
            return self._counted(True)
        numbers.executions.add(number)
        self._size += 1
        if report.execution_type == "TRADE" and (trade := report.trade_id) is not None:
            fill = _fill(report, trade)
            if trade > numbers.highest_trade:
                numbers.highest_trade = trade
            elif fill in numbers.fills or fill in numbers.older_fills:
                if not self._record.renumbered:
                    log.warning("trade %d of %s came again under another execution id", trade, report.symbol)
                self._record.renumbered += 1
                return True
            numbers.fills.add(fill)
            self._size += 1
        return False

    def forget(self, report: Event) -> None:
        """Forget a report that was not delivered after all."""
        if isinstance(report, ExecutionReport) and report.execution_id is not None:
            numbers = self._numbers[report.account, report.symbol]
            numbers.executions.discard(report.execution_id)
            numbers.fills.discard(_fill(report, report.trade_id or 0))
        else:
            self._others.discard((report.account, report.identity))

    def _is_other_repeated(self, report: Event) -> bool:
        if report.event_type in _UPDATES_OF_BALANCES:
            return self._is_update_repeated(report)
        if report.event_type == "liabilityChange" and getattr(report, "transaction_id", None) is None:
            return False  # Without its number, two equal changes are two.
        return self._counted(self._has_come((report.account, report.identity)))

    def _is_update_repeated(self, update: Any) -> bool:
        changed = [balance for balance in update.balances if balance.balance_change]
        if not changed:
            return False
        at, unit = update.transaction_time, getattr(update, "business_unit", None)
        now, before = dict[Hashable, tuple[datetime, Decimal]](), dict[Hashable, tuple[datetime, Decimal]]()
        for balance in changed:
            place, amount = (update.account, unit, balance.asset), _amount_of(balance)
            now[place], before[place] = (at, amount), (at, amount - balance.balance_change)
        continues = all(self._balances.get(place) == state for place, state in before.items())
        is_repeated = self._has_come((update.account, update.identity)) and not continues
        if not is_repeated:
            self._balances.update(now)
        return self._counted(is_repeated)

    def _has_come(self, key: Hashable) -> bool:
        others = self._others
        size = len(others)
        others.add(key)  # and not asked for before: to hash such a key costs more than all else
        if len(others) == size or key in self._older_others:
            return True
        self._size += 1
        return False

    def _counted(self, is_repeated: bool) -> bool:
        self._record.repeated += is_repeated
        return is_repeated

    def _begin_generation(self) -> None:
        self._size = 0
        self._older_others, self._others = self._others, set()
        # Of what was not delivered again for a whole generation nothing is left to remember.
        self._numbers = {place: numbers for place, numbers in self._numbers.items() if numbers.executions}
        for numbers in self._numbers.values():
            numbers.age()


def _amount_of(balance: Any) -> Decimal:
    """Return what a balance is; futures and options have other names for it."""
    amount: Decimal = balance.wallet_balance if hasattr(type(balance), "wallet_balance") else balance.balance
    return amount


def _fill(report: ExecutionReport, trade: int) -> int:
    """Return a number that no other fill of the symbol has: an order can fill once in a trade, or in an allocation."""
    if report.allocation_id is None:
        return (report.order_id << 64) + trade
    return ~((report.order_id << 64) + report.allocation_id)
