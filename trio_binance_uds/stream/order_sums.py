"""The sums inside the reports of orders: what was filled before, and what this report fills, give what is filled now.

Each report of an order says how much of it is filled (``z``) and how much of that is new (``l``), so each report proves
whether the one before it was delivered. These rules use only what holds by the venue's own definitions:

* A report whose ``z`` less ``l`` is more than what was delivered of its order proves that a report of a fill is missing
  between. Reports without a fill (``CANCELED``, ``EXPIRED``, an amendment, a trigger, a prevented match) have an ``l``
  of 0, so the same rule says that they must repeat the sum. A new client order id, an amended quantity and a prevented
  quantity change neither ``z`` nor ``l``.
* An order that ends ``FILLED`` is filled by its quantity, less what self-trade prevention took off it. Where the size
  was given in the quote asset, or no quantity is said, this proves nothing.
* On spot and margin the quote sums (``Z`` and ``Y``) must agree as the quantities do. Whether the venue rounds each
  fill or the sum is not documented, so a difference below 10^-7 is none.
* A report with a ``z`` that was reached before is late or comes twice. It proves no loss, and can make up for one.
* The first report of an order that was placed before the stream has nothing before it, so that it sets where the sums
  begin.
* Reports of stocks say only how much is filled so far, which proves nothing.

A part of an order's sum that no delivered report accounts for is a *hole*. While an order has a hole, no gap may be
called complete: :meth:`OrderSums.open_questions` names those orders. Each recovery asks the venue for all the fills of
such orders, and what is missing is taken from these.

What was delivered of an order is remembered as its last report, which the recovery keeps as well; of one that has
ended, as the sum alone. Orders are found by their ids, which are counted symbol by symbol: where two open ones on
different symbols have the same one, all but the newest are kept aside. The next report of an order that was forgotten
is a first one again: at most fifty thousand open orders are remembered, and between eight and sixteen thousand that
have ended.

Sums are exact where the task's decimal context is, for which the supervisor sees.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.events import Event, ExecutionReport
from trio_binance_uds.stream.account_sums import AccountSums
from trio_binance_uds.stream.recovery.own_reports import OrderName, Searched

_OPEN_AT_MOST = 50_000
_ENDED_AT_MOST = 8192
_ASIDE_AT_MOST = 1000
_TROUBLED_AT_MOST = 1000
_NAMED = 5
# The venue is asked about so many in one recovery.
_SEARCHED_AT_MOST = 20
_FINAL = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})
_ZERO = Decimal(0)
_QUOTE_TOLERANCE = Decimal("1e-7")
# An order whose sums were wrong, and stayed so after the venue was asked, is not looked into again for this long; the
# time doubles with each failure, up to an hour.
_NOT_AGAIN_FOR = timedelta(seconds=30)
_DOUBLED_AT_MOST = 7

Key = tuple[str, int]
Hole = tuple[Decimal, Decimal]
"""A part of a sum, as more than, and up to."""


@attrs.frozen(kw_only=True)
class Discrepancy:
    """A report that does not continue what was delivered of its order.

    Attributes:
        since: the last moment at which what was delivered of the order was all that there was.
        until: when the report says that it happened.
        detail: for people.
        may_ask: whether the venue may be asked about it; not so shortly after that has failed for this order.
    """

    since: datetime
    until: datetime
    detail: str
    may_ask: bool = True


class OrderSums:
    """The sums of all orders of one stream, as delivered.

    Reports of spot and margin orders, and those of derivatives, have other names for the same. A Portfolio Margin
    account has both, whose ids are counted apart; its two kinds of derivatives have no symbol in common.
    """

    def __init__(self) -> None:
        # What else is to be explained by the fills.
        self.account: AccountSums = AccountSums()
        self._spot = _SpotBook(self.account)
        self._derivatives = _DerivativesBook(self.account)
        # The book of each class of events that was met; ``None``: it is no report of an order.
        self._books: dict[type[Event], _Book | None] = {}

    def check(self, report: Event) -> Discrepancy | None:
        """Add a live event that is about to be delivered; return why it must not be, and then it is not added."""
        check = self.check_of(type(report))
        return None if check is None else check(report)

    def check_of(self, cls: type[Event]) -> Callable[[Any], Discrepancy | None] | None:
        """Return what checks the events of a class as :meth:`check` does; ``None``: they are no reports of orders."""
        book = self._book_of(cls)
        return None if book is None else book.check

    def concede(self, report: Any) -> None:
        """Add a report as it is: what is missing before it becomes a hole, and is not looked into soon again."""
        book = self._book_of(type(report))
        assert book is not None, "only reports of orders are ever found wrong"
        book.concede(report)

    def add_recovered(self, event: Any) -> None:
        """Add an event that was recovered; what a report of an order does not account for becomes a hole."""
        book = self._book_of(type(event))
        if book is not None:
            book.add(event)

    def next_lacking(self) -> list[OrderName]:
        """Return orders that the venue is to be asked about, as their delivered reports do not add up; in turn."""
        return [*self._spot.next_lacking(), *self._derivatives.next_lacking()][:_SEARCHED_AT_MOST]

    def settle(self, searched: Searched) -> Found:
        """Take from all the reports of orders those that are missing, and add these.

        An order that the venue does not know any more, or that is not filled by what seemed to be missing, is named
        once more, and not again.
        """
        reports, reasons, remarks = list[Event](), list[str](), list[str]()
        for name, own in searched.items():
            book = self._spot if name.is_spot else self._derivatives
            if not own.is_known:
                reasons += book.give_up(name.key)
            elif book.is_up_to_date(name.key, own.filled):
                reports += book.fill_holes(name.key, own.reports)
                remarks += book.drop_holes(name.key, own.filled)
        return Found(tuple(reports), tuple(reasons), tuple(remarks))

    def open_questions(self) -> str:
        """Name the orders of which the delivered reports do not add up; nothing if there are none."""
        lacking = [*self._spot.lacking(), *self._derivatives.lacking()]
        if not lacking:
            return ""
        more = f" and {len(lacking) - _NAMED} more" if len(lacking) > _NAMED else ""
        return f"the delivered reports do not add up: {', '.join(lacking[:_NAMED])}{more}"

    def _book_of(self, cls: type[Event]) -> _Book | None:
        """Return the book of a class of events, by its fields: no class of another product is imported for it."""
        if cls not in self._books:
            is_spot = hasattr(cls, "cumulative_filled_quantity")
            is_derivative = hasattr(cls, "filled_accumulated_quantity")
            self._books[cls] = self._spot if is_spot else self._derivatives if is_derivative else None
        return self._books[cls]


@attrs.frozen
class Found:
    """What the venue's answers about orders whose reports did not add up have brought.

    Attributes:
        reports: those that were missing.
        reasons: why some stay missing.
        remarks: where none was missing.
    """

    reports: tuple[Event, ...] = ()
    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


@attrs.define(eq=False)
class _Trouble:
    """An order whose sums were wrong.

    Attributes:
        report: the last report of it.
        holes: the parts of its sum that no delivered report accounts for.
        failures: how often they stayed although the venue was asked, or could not be.
        not_before: when the venue may be asked about the order again.
    """

    report: Any
    holes: tuple[Hole, ...] = ()

    @property
    def size(self) -> Decimal:
        """How much of the order the holes are."""
        return sum((high - low for low, high in self.holes), _ZERO)

    failures: int = 0
    not_before: datetime | None = None


@attrs.frozen
class _Figures:
    """What a report says of the sums of its order.

    Attributes:
        before, filled: the sum without what this report fills, and with it.
        lacking: how much an order that has ended as filled is not filled by.
    """

    before: Decimal
    filled: Decimal
    lacking: Decimal


class _Book(ABC):
    """The orders whose reports name their figures alike."""

    def __init__(self, account: AccountSums) -> None:
        self._account = account
        # Of each open order its last report; of each that has ended its sum, in two generations.
        self._open: dict[int, Any] = {}
        # Of open orders that have the same id as a newer one.
        self._aside: dict[Key, Any] = {}
        self._ended: dict[Key, Decimal] = {}
        self._ended_before: dict[Key, Decimal] = {}
        self._troubled: dict[Key, _Trouble] = {}

    @abstractmethod
    def check(self, report: Any) -> Discrepancy | None:
        """Add a report; return what is wrong with it, and then it is not added.

        This is done for every report. What continues the last report of its order, as nearly every one does, is all
        done here; else it is up to :meth:`_check_closely`.
        """

    @abstractmethod
    def _figures(self, report: Any) -> _Figures:
        """Return what a report says of the sums of its order."""

    @abstractmethod
    def _note_fill(self, report: Any) -> None:
        """Let the sums of the account know of a fill that is delivered for the first time."""

    def _open_new(self, report: Any) -> None:
        """Remember an order by its first report."""
        self._open[report.order_id] = report
        if len(self._open) > _OPEN_AT_MOST:
            del self._open[next(iter(self._open))]

    def _end(self, report: Any, filled: Decimal) -> None:
        """Remember of an order that has ended how much of it was filled."""
        last = self._open.pop(report.order_id, None)
        if self._aside:
            self._end_aside(report, last)
        if filled:
            self._ended[report.symbol, report.order_id] = filled
            if len(self._ended) > _ENDED_AT_MOST:
                self._ended_before, self._ended = self._ended, {}

    def _end_aside(self, report: Any, last: Any) -> None:
        """Forget an order that was kept aside, or let another one with its id take its place."""
        if last is not None and last.symbol != report.symbol:
            self._aside.pop(_key(report), None)
            self._open[report.order_id] = last
        elif (key := next((key for key in self._aside if key[1] == report.order_id), None)) is not None:
            self._open[report.order_id] = self._aside.pop(key)

    def _set(self, report: Any) -> None:
        """Remember a report of an open order as its last."""
        other = self._open.get(report.order_id)
        if other is not None and other.symbol != report.symbol:
            self._aside.pop(_key(report), None)
            self._aside[_key(other)] = other
            if len(self._aside) > _ASIDE_AT_MOST:
                del self._aside[next(iter(self._aside))]
        self._open[report.order_id] = report

    def _check_closely(self, report: Any) -> Discrepancy | None:
        """Add a report that has nothing before it, is late, or says something else; return what is wrong with it."""
        last, delivered, filled = self._last(report), self.delivered(report), self._figures(report).filled
        found = self._difference(report, last)
        if not found:
            self.add(report)
            if delivered is None or filled > delivered:
                self._note_fill(report)
            return None
        trouble = self._troubled.get(_key(report))
        not_before = None if trouble is None else trouble.not_before
        at: datetime = report.transaction_time
        return Discrepancy(
            since=min(at, at if last is None else last.transaction_time),
            until=at,
            detail=found,
            may_ask=not_before is None or at >= not_before,
        )

    def concede(self, report: Any) -> None:
        self.add(report)
        trouble = self._trouble(report)
        trouble.not_before = report.transaction_time + _NOT_AGAIN_FOR * 2**trouble.failures
        trouble.failures = min(trouble.failures + 1, _DOUBLED_AT_MOST)

    def add(self, report: Any) -> None:
        """Add a report to what was delivered of its order, whatever lies between."""
        key, figures = _key(report), self._figures(report)
        before, filled, known = figures.before, figures.filled, self.delivered(report)
        delivered = before if known is None else known
        trouble = self._troubled.get(key)
        holes = [] if trouble is None else [left for hole in trouble.holes for left in _without(hole, before, filled)]
        if before > delivered:
            holes.append((delivered, before))
        if figures.lacking and filled >= delivered:
            holes.append((filled, filled + figures.lacking))
        if holes or trouble is not None:
            self._trouble(report).holes = tuple(holes)
        if report.order_status in _FINAL or (known is not None and self._last(report) is None):
            self._end(report, max(filled, delivered))
        elif filled >= delivered:
            self._set(report)

    def lacking(self) -> list[str]:
        """Name the orders that have holes."""
        troubled = self._troubled.items()
        return [f"{_name(key)} lacks {_plain(trouble.size)}" for key, trouble in troubled if trouble.holes]

    def next_lacking(self) -> list[OrderName]:
        """Return the next orders that have holes; those that were returned last come again last."""
        keys = [key for key, trouble in self._troubled.items() if trouble.holes][:_SEARCHED_AT_MOST]
        found = []
        for key in keys:
            trouble = self._troubled[key] = self._troubled.pop(key)
            found.append(self._name_of(trouble.report))
        return found

    @abstractmethod
    def _name_of(self, report: Any) -> OrderName:
        """Return the name of the order of a report."""

    def is_up_to_date(self, key: Key, filled: Decimal) -> bool:
        """Whether an answer by which an order with holes is filled by so much knows of all that was delivered."""
        trouble = self._troubled.get(key)
        return trouble is not None and bool(trouble.holes) and filled >= (self.delivered(trouble.report) or _ZERO)

    def fill_holes(self, key: Key, reports: Sequence[Event]) -> Iterator[Event]:
        """Return those of all the reports of an order's fills that lie in its holes, and add them."""
        trouble = self._troubled[key]
        for report in reports:
            figures = self._figures(report)
            if any(low <= figures.before and figures.filled <= high for low, high in trouble.holes):
                left = [_without(hole, figures.before, figures.filled) for hole in trouble.holes]
                trouble.holes = tuple([hole for parts in left for hole in parts])
                yield report

    def drop_holes(self, key: Key, filled: Decimal) -> Iterator[str]:
        """Forget the holes of an order behind what it is filled by, and say so."""
        trouble = self._troubled[key]
        left = tuple([hole for hole in trouble.holes if hole[0] < filled])
        if left != trouble.holes:
            yield f"{_name(key)} is filled by {_plain(filled)}, and nothing of that is missing"
        trouble.holes = left

    def give_up(self, key: Key) -> Iterator[str]:
        """Forget the holes of an order that the venue does not know any more, and say so."""
        trouble = self._troubled.get(key)
        if trouble is not None and trouble.holes:
            yield f"{_name(key)} cannot be found any more, and lacks {_plain(trouble.size)} for good"
            trouble.holes = ()

    def _last(self, report: Any) -> Any:
        """Return the last report that was delivered of an open order; ``None`` if there is none."""
        last = self._open.get(report.order_id)
        return last if last is not None and last.symbol == report.symbol else self._aside.get(_key(report))

    def delivered(self, report: Any) -> Decimal | None:
        """Return the sum that was delivered of an order; ``None`` if nothing is known of it."""
        last, key = self._last(report), _key(report)
        return self._ended.get(key, self._ended_before.get(key)) if last is None else self._figures(last).filled

    def _difference(self, report: Any, last: Any) -> str:
        """Say how a report does not continue what was delivered of its order; nothing if it does."""
        figures, delivered, name = self._figures(report), self.delivered(report), _name(_key(report))
        if delivered is not None and figures.before > delivered:
            return f"{name} had been filled by {_plain(figures.before - delivered)} more than its reports said"
        if delivered is not None and figures.filled < delivered:
            return ""  # It is late.
        if figures.lacking:
            return f"{name} is said to be filled, but {_plain(figures.lacking)} of it are not"
        is_continued = isinstance(last, ExecutionReport) and figures.before == delivered
        if is_continued and not _do_quotes_agree(last, report):
            return f"{name} has traded another sum in the quote asset than its reports said"
        return ""

    def _trouble(self, report: Any) -> _Trouble:
        key = _key(report)
        trouble = self._troubled.get(key)
        if trouble is None:
            trouble = self._troubled[key] = _Trouble(report)
            if len(self._troubled) > _TROUBLED_AT_MOST:
                del self._troubled[next(iter(self._troubled))]
        return trouble


class _SpotBook(_Book):
    """The orders of spot and margin."""

    def _name_of(self, report: Any) -> OrderName:
        return OrderName(account=report.account, symbol=report.symbol, order_id=report.order_id, is_spot=True)

    def check(self, report: Any) -> Discrepancy | None:
        filled, part = report.cumulative_filled_quantity, report.last_executed_quantity
        last = self._open.get(report.order_id)
        if last is None:
            is_usual = not filled  # It has just been placed.
        elif last.symbol != report.symbol:
            is_usual = False
        elif not part:
            is_usual = last.cumulative_filled_quantity == filled
        elif last.cumulative_filled_quantity + part != filled:
            is_usual = False
        else:
            before, quote = last.cumulative_quote_quantity, report.last_quote_quantity
            is_usual = (
                before is not None and quote is not None and before + quote == report.cumulative_quote_quantity
            ) or _do_quotes_agree(last, report)
        status = report.order_status
        if not is_usual or (status == "FILLED" and filled != report.order_quantity):
            return self._check_closely(report)
        if status in _FINAL:
            self._end(report, filled)
        elif last is None:
            self._open_new(report)
        else:
            self._open[report.order_id] = report
        if part:
            self._account.add_spot_fill(report)
        return None

    def _figures(self, report: Any) -> _Figures:
        filled, lacking = report.cumulative_filled_quantity, _ZERO
        if report.order_status == "FILLED" and not report.quote_order_quantity:
            lacking = max(report.order_quantity - (report.prevented_quantity or _ZERO) - filled, _ZERO)
        return _Figures(filled - report.last_executed_quantity, filled, lacking)

    def _note_fill(self, report: Any) -> None:
        self._account.add_spot_fill(report)

    def concede(self, report: Any) -> None:
        """Add a report as it is; what is missing before it is known, and the balances need not show it again."""
        super().concede(report)
        self._account.forget_balances(report)


class _DerivativesBook(_Book):
    """The orders of futures and options."""

    def _name_of(self, report: Any) -> OrderName:
        unit = report.business_unit if hasattr(type(report), "business_unit") else None
        return OrderName(
            account=report.account,
            unit=None if unit is None else str(unit),
            symbol=report.symbol,
            order_id=report.order_id,
            is_spot=False,
        )

    def check(self, report: Any) -> Discrepancy | None:
        filled, part = report.filled_accumulated_quantity, report.last_filled_quantity
        last = self._open.get(report.order_id)
        if last is None:
            is_usual = not filled  # It has just been placed.
        elif last.symbol != report.symbol:
            is_usual = False
        else:
            is_usual = last.filled_accumulated_quantity + part == filled
        status = report.order_status
        if not is_usual or (status == "FILLED" and filled != report.original_quantity):
            return self._check_closely(report)
        if status in _FINAL:
            self._end(report, filled)
        elif last is None:
            self._open_new(report)
        else:
            self._open[report.order_id] = report
        if part:
            self._account.add_fill(report)
        return None

    def _figures(self, report: Any) -> _Figures:
        filled, lacking = report.filled_accumulated_quantity, _ZERO
        if report.order_status == "FILLED":
            lacking = max(report.original_quantity - filled, _ZERO)
        return _Figures(filled - report.last_filled_quantity, filled, lacking)

    def _note_fill(self, report: Any) -> None:
        self._account.add_fill(report)


def _do_quotes_agree(last: ExecutionReport, report: ExecutionReport) -> bool:
    """Whether the quote sums continue those before, as far as they are known: a negative one is not."""
    before, now, part = last.cumulative_quote_quantity, report.cumulative_quote_quantity, report.last_quote_quantity
    if before is None or now is None or part is None or before + part == now:
        return True
    return before < 0 or now < 0 or (before + part - now).copy_abs() < _QUOTE_TOLERANCE


def _without(hole: Hole, before: Decimal, filled: Decimal) -> list[Hole]:
    """Return what is left of a hole by a report that accounts for what lies between these."""
    low, high = hole
    parts = [(low, min(high, before)), (max(low, filled), high)]
    return [part for part in parts if part[0] < part[1]]


def _key(report: Any) -> Key:
    return (report.symbol, report.order_id)


def _name(key: Key) -> str:
    return f"order {key[1]} of {key[0]}"


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
