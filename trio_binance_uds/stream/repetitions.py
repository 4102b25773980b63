"""Which reports the venue has sent before; the identity of a report belongs to one report of an account.

The last few thousand are remembered, in two generations: to drop the older one whole costs nothing. A report of spot
is remembered as a number or two, as its own number and the symbol are its identity: that is a fifth of the memory, and
nothing that the garbage collector has to look at.

An update of balances that says by how much a balance changed, and what it is since then, is a repetition if all of it
is the same again: after a change that is not 0 the balance would be another. One exception: in the same millisecond a
change can have been taken back and be made again, so one that takes up the balance where it was last delivered is new.
An update without a change repeats only absolute amounts, which does no harm; and an event that carries a change alone,
such as a deposit, may well come twice.
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Set
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.events import Event, ExecutionReport
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.record import StreamRecord

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

_REPORTS_REMEMBERED = 8192
_NOTHING: tuple[Set[int | None], Set[int | None]] = (frozenset(), frozenset())
_UPDATES_OF_BALANCES = frozenset({"ACCOUNT_UPDATE", "BALANCE_POSITION_UPDATE"})


@attrs.define(eq=False)
class _Generation:
    size: int = 0
    # Of each symbol of an account execution ids, and fills as :func:`_fill` numbers them: no number is both. Beside
    # these stands what the generation before has of that symbol, so that it is looked up once.
    numbers: dict[tuple[str | None, str], tuple[set[int | None], Set[int | None]]] = attrs.field(factory=dict)
    others: set[Hashable] = attrs.field(factory=set)


class Repetitions:
    """What has been sent of late."""

    def __init__(self, record: StreamRecord) -> None:
        self._record = record
        self._latest = _Generation()
        self._older = _Generation()
        # Balances by their last change: when that was, and what they were since.
        self._balances: dict[Hashable, tuple[datetime, Decimal]] = {}

    def is_repeated(self, report: Event) -> bool:
        """Remember a report or an update of balances; return whether it has come before.

        A fill is known by its trade too. Should one come again under another execution id, two connections do not
        number alike, although the handover and the guarantee rest on that: it must not be counted twice all the same.
        """
        if self._latest.size >= _REPORTS_REMEMBERED:
            self._older, self._latest = self._latest, _Generation()
        if type(report) is ExecutionReport and report.execution_id is not None:
            return self._has_report_come(report)
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
        others = self._latest.others
        size = len(others)
        others.add(key)  # and not asked for before: to hash such a key costs more than all else
        if len(others) == size or key in self._older.others:
            return True
        self._latest.size += 1
        return False

    def _counted(self, is_repeated: bool) -> bool:
        self._record.repeated += is_repeated
        return is_repeated

    def _has_report_come(self, report: ExecutionReport) -> bool:
        latest, place = self._latest, (report.account, report.symbol)
        numbers = latest.numbers.get(place)
        if numbers is None:
            numbers = latest.numbers[place] = (set(), self._older.numbers.get(place, _NOTHING)[0])
        known, older = numbers
        number, size = report.execution_id, len(known)
        known.add(number)
        if len(known) == size or number in older:
            self._record.repeated += 1
            return True
        latest.size += 1
        if report.execution_type == "TRADE" and report.trade_id is not None:
            fill = _fill(report)
            known.add(fill)
            if len(known) == size + 1 or fill in older:
                if not self._record.renumbered:
                    log.warning("trade %d of %s came again under another execution id", report.trade_id, report.symbol)
                self._record.renumbered += 1
                return True
            latest.size += 1
        return False


def _amount_of(balance: Any) -> Decimal:
    """Return what a balance is; futures and options have other names for it."""
    amount: Decimal = balance.wallet_balance if hasattr(type(balance), "wallet_balance") else balance.balance
    return amount


def _fill(report: ExecutionReport) -> int:
    """Return a number that no other fill of the symbol has: an order can fill once in a trade, or in an allocation.

    It is negative, as no execution id is.
    """
    if report.allocation_id is None:
        return ~((report.order_id << 65) + ((report.trade_id or 0) << 1))
    return ~((report.order_id << 65) + (report.allocation_id << 1) + 1)
