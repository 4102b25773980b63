"""The recovery of a stocks account, by the routes of ``/sapi/v1/equity``.

After a gap it asks for the open orders and for the histories of orders and of trades in that time. Each order that has
come further than was delivered is then asked for by itself, with all its fills; each missed fill becomes a report, and
so does how the order stands now. The recovery is complete where every answer came, the fills of each such order make up
what is filled of it, what was delivered ends where one of them ends, and no answer is older than what was delivered.

What cannot be recovered, because no query returns it:

* Statuses between two fills, such as that an order was accepted.
* The cost so far, the progress in percent and the venue's own id of the stock, which are ``None``; the session has the
  word of the REST API.
* When a report would have been sent: the time of the fill, or of the order's last change, stands for it.

Whether the history of orders goes by when an order was placed or when it last changed is not known. Both are enough:
what was open when the gap began was delivered, or was open at the beginning. An order that was placed in an earlier gap
whose open orders were not answered is looked for in the time of that gap too.

Source: ``binance-sdk-stocks`` 1.6.0 (2026-10); no page was seen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import trio

from trio_binance_uds.events import Event, OrderReport
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.contract import LOST_MEANWHILE, NEVER_ASKED
from trio_binance_uds.stream.recovery.finished import Finished
from trio_binance_uds.stream.recovery.inquiry import Inquiry, Question, Request
from trio_binance_uds.stream.recovery.lag import placed_since
from trio_binance_uds.stream.recovery.learned import Learned
from trio_binance_uds.stream.recovery.open_check import differences, in_words
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.reading import member, read_all, text
from trio_binance_uds.stream.recovery.stocks.answers import OrderAnswer, Progress, has_ended, progress_of, rows_of
from trio_binance_uds.stream.recovery.stocks.recovered import StocksRecovered, missed_reports
from trio_binance_uds.stream.recovery.timing import UNDER_WAY, VenueClock, earliest, latest
from trio_binance_uds.stream.recovery.unproven import Span, Unproven
from trio_binance_uds.stream.recovery.windows import to_ms

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

_ROOT = "GET /sapi/v1/equity/"
_PAGE = 100
# As on spot; which code the routes of stocks have is not known.
_NO_SUCH_ORDER = -2013
# How exact the times of orders and fills are is not known.
_STAMPED_WITHIN = timedelta(seconds=2)
_AGAIN_SECONDS = 1.0
_UNKNOWN = Decimal("Infinity")


class StocksRecoverer:
    """Knows how far each order was reported, and recovers what was missed."""

    def __init__(self, options: Recovery, account: str) -> None:
        self._options = options
        self._account = account
        # What is open, and how far it was delivered; ``None``: open at the beginning, and it changed about then.
        self._open: dict[str, Progress | None] = {}
        self._ended: Finished[str] = Finished()
        # What was delivered of late, and when it was placed: a history that does not show it is behind.
        self._placed: Finished[str] = Finished()
        self._began: datetime | None = None
        # Whether everything that was open at some time has been listed, and until when that was first asked for: what
        # ended meanwhile may be in no answer.
        self._is_listed = False
        self._asked_until: datetime | None = None
        self._no_baseline_because = NEVER_ASKED
        self._unproven = Unproven()
        self._learned = Learned()

    def observe(self, event: Event) -> None:
        """Note how far an order was reported."""
        if not isinstance(event, OrderReport):
            return
        progress, is_first = progress_of(event), event.order_id not in self._open
        if is_first and event.order_id not in self._ended and event.order_creation_time is not None:
            self._placed.add(event.order_id, event.order_creation_time, "")
        if has_ended(progress):
            self._open.pop(event.order_id, None)
            self._ended.add(event.order_id, event.update_time, str(event.order_status))
        elif event.order_id not in self._ended:
            self._open[event.order_id] = max(progress, self._open.get(event.order_id) or progress)

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return "" if self._is_listed else self._no_baseline_because

    async def take_baseline(self, request: Request, clock: VenueClock) -> None:
        """Ask what was open when the stream began. Weight 1."""
        began_at, at = trio.current_time(), earliest(clock)
        self._begin(at)
        inquiry, answers = Inquiry(request, self._options.weight_allowed), _Answers()
        with trio.move_on_after(self._options.max_seconds):
            await inquiry.ask([answers.open_orders()])
        # A refused question may have shown that the clock was wrong.
        self._begin(at - clock.corrected_since(began_at))
        if answers.open is None:
            self._no_baseline_because = "; ".join(inquiry.reasons())
            log.warning("gaps cannot be proven complete: %s", self._no_baseline_because)
            return
        self._is_listed, self._asked_until = True, clock.now()
        assert self._began is not None
        for order in answers.open:
            # What the stream has reported meanwhile is newer, or the same. What changed since the stream began may
            # never have been delivered.
            if order.id not in self._ended:
                self._open.setdefault(order.id, order.progress if order.updated < self._began else None)

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> StocksRecovered:
        """Ask for what was missed since then; it raises no ordinary exception. Weight 3, and 1 for each order."""
        self._learned.forget()
        if not self._is_listed:
            self._begin(since - clock.uncertainty)
        assert self._began is not None
        margin = UNDER_WAY + clock.uncertainty
        start = since - margin
        # The venue's clock may have been set since it was measured. What is newer than the gap does no harm.
        spans = (*self._unproven.before(start, margin), (start, latest(clock) + margin))
        before = self._unproven.placed_since(start, self._began), start
        inquiry = Inquiry(request, self._options.weight_allowed)
        answers = _Answers()
        with trio.move_on_after(self._options.max_seconds):
            await self._ask(inquiry, answers, spans, before)
            if self._discrepancies(answers, start) and not inquiry.is_over:
                # The venue's databases can be behind its stream.
                await trio.sleep(_AGAIN_SECONDS)
                answers = _Answers()
                await self._ask(inquiry, answers, spans, before)
        reasons = inquiry.reasons() + self._discrepancies(answers, start)
        for id in answers.unknown:
            # Said once: nothing more can be asked about it.
            reasons.append(f"the venue does not know order {id}")
            self._learned.add(partial(self._open.pop, id, None))
        if not self._is_listed:
            reasons.append("what was open before is not known")
        elif self._asked_until is not None and since < self._asked_until:
            reasons.append(LOST_MEANWHILE)
        if answers.open is not None:
            self._learned.add(self._note_listed)
        events = [
            report
            for order in answers.details.values()
            if self._concerns_us(order)
            for report in missed_reports(order, self._open.get(order.id), self._began, self._account)
        ]
        events.sort(key=lambda event: event.update_time)
        return StocksRecovered(events=tuple(events), detail="; ".join(dict.fromkeys(reasons)))

    async def check(self, request: Request, clock: VenueClock) -> str:
        """Say how the open orders differ from what was delivered."""
        answers = _Answers()
        with trio.move_on_after(self._options.max_seconds):
            await Inquiry(request, self._options.weight_allowed).ask([answers.open_orders()])
        if answers.open is None:
            return ""
        # Of what changed about the beginning, nobody knows how much was delivered.
        delivered = {id: _UNKNOWN if progress is None else progress[0] for id, progress in self._open.items()}
        answered = {order.id: order.filled for order in answers.open}
        return in_words(f"order {id}" for id in differences(delivered, answered, self._ended))

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Remember a gap in which orders may have been placed that nobody knows."""
        self._learned.record()
        self._unproven.note_gap(since, until, complete=complete)

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        self._learned.forget()

    def _note_listed(self) -> None:
        self._is_listed = True
        self._unproven.note_listed()

    def _begin(self, at: datetime) -> None:
        at -= _STAMPED_WITHIN
        if self._began is None or at < self._began:
            self._began = at

    async def _ask(self, inquiry: Inquiry, answers: _Answers, spans: Sequence[Span], before: Span) -> None:
        # The open orders first: what ends between the two answers is then in the history.
        await inquiry.ask([answers.open_orders()])
        await inquiry.ask([question for span in spans for question in answers.histories(*span)])
        # What was placed shortly before may never have been sent: that is looked into as far as it is cheap.
        await inquiry.ask_to_spare([answers.orders(*before)])
        rows = {order.id: order for order in (*(answers.open or ()), *answers.history)}
        wanted = {*self._open, *answers.traded, *rows}
        await inquiry.ask([answers.detail(id) for id in sorted(wanted) if self._is_news(id, rows.get(id))])

    def _is_news(self, id: str, row: OrderAnswer | None) -> bool:
        """Whether an order has to be asked for by itself: a row of it is missing, or says other than was delivered."""
        if row is None:
            return id not in self._ended
        return self._concerns_us(row) and row.progress != self._open.get(id)

    def _concerns_us(self, order: OrderAnswer) -> bool:
        """Whether anything about an order can have happened since the stream began, of which there is no report."""
        assert self._began is not None
        if order.id in self._open:
            return True
        return not self._ended.is_told(order.id, order.updated) and order.updated >= self._began

    def _discrepancies(self, answers: _Answers, since: datetime) -> list[str]:
        """Return what the answers leave open, or contradict."""
        found = []
        shown = {order.id for order in answers.history}
        must = [id for id in placed_since(self._placed, since) if id in self._ended]
        if answers.is_history_answered and not shown.issuperset(must):
            found.append("the history of orders is behind")
        listed = {order.id for order in answers.open or ()}
        for order in answers.details.values():
            delivered = self._open.get(order.id)
            before = None if delivered is None else delivered[0]
            if delivered is not None and order.progress < delivered:
                found.append(f"the answer about order {order.id} is older than what was delivered of it")
            elif not order.adds_up:
                found.append(f"the fills of order {order.id} do not make up what is filled of it")
            elif before and before not in order.filled_at:
                found.append(f"what was delivered of order {order.id} ends between two of its fills")
            elif order.is_open and answers.open is not None and order.id not in listed:
                found.append(f"order {order.id} is open, and not among the open orders")
        # Whatever has a fill or is known as open was asked for, and not every answer need have come.
        answered = {*answers.details, *answers.unknown, *listed}
        missing = [id for id in self._open if id not in answered]
        return found + [f"what became of order {id} was not answered" for id in missing]


class _Answers:
    """The answers of one round, and the questions for them."""

    def __init__(self) -> None:
        self.open: list[OrderAnswer] | None = None
        self.history: list[OrderAnswer] = []
        self.is_history_answered = False
        self.traded: set[str] = set()
        self.details: dict[str, OrderAnswer] = {}
        self.unknown: set[str] = set()

    def open_orders(self) -> Question:
        def use(result: Any) -> None:
            self.open = read_all(result, OrderAnswer.read)

        return Question(method=f"{_ROOT}order/open-orders", weight=1, about="the open orders", use=use)

    def orders(self, since: datetime, until: datetime) -> Question:
        """Ask for the orders of a time."""
        params = {"startTime": to_ms(since), "endTime": to_ms(until)}
        return self._page("order/history", "the history of orders", params, 1, self._use_orders)

    def histories(self, since: datetime, until: datetime) -> Iterator[Question]:
        """Ask for the orders and the trades of a time."""
        yield self.orders(since, until)
        params = {"startTime": to_ms(since), "endTime": to_ms(until)}
        yield self._page("trade/history", "the history of trades", params, 1, self._use_trades)

    def detail(self, id: str) -> Question:
        """Ask for an order with its fills."""

        def use(result: Any) -> None:
            self.details[id] = OrderAnswer.read(result)

        return Question(
            method=f"{_ROOT}order/detail",
            params={"orderId": id},
            weight=1,
            about=f"order {id}",
            use=use,
            excuses={_NO_SUCH_ORDER: lambda: self.unknown.add(id)},
        )

    def _page(
        self, route: str, about: str, params: dict[str, Any], page: int, use_rows: Callable[[list[Any]], None]
    ) -> Question:
        def use(result: Any) -> Sequence[Question]:
            rows = rows_of(result)
            use_rows(rows)
            return (self._page(route, about, params, page + 1, use_rows),) if len(rows) >= _PAGE else ()

        asked = {**params, "current": page, "size": _PAGE}
        return Question(method=_ROOT + route, params=asked, weight=1, about=about, use=use)

    def _use_orders(self, rows: list[Any]) -> None:
        self.history += read_all(rows, OrderAnswer.read)
        self.is_history_answered = True

    def _use_trades(self, rows: list[Any]) -> None:
        self.traded.update([member(row, "orderId", text) for row in rows])
