"""The reports of the fills of a spot or margin order, from what the venue lists of that order alone."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trio_binance_uds.stream.recovery.inquiry import Inquiry, Question
from trio_binance_uds.stream.recovery.own_reports import OrderName, OwnReports, Searched
from trio_binance_uds.stream.recovery.spot.book import Book
from trio_binance_uds.stream.recovery.spot.evidence import Evidence
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.life import reports_of
from trio_binance_uds.stream.recovery.spot.questions import Questions
from trio_binance_uds.stream.recovery.timing import VenueClock
from trio_binance_uds.stream.recovery.windows import EPOCH


async def search(inquiry: Inquiry, book: Book, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
    """Ask about these orders as if nothing of them had ever been delivered. Weight 9 each, on margin 20."""
    nothing = Knowledge()
    evidence = Evidence(nothing, EPOCH)
    questions = Questions(book, evidence, nothing, since=clock.now(), clock=clock)

    def status_of(order: OrderName) -> Question:
        question = questions.status_of(order.key)
        is_gone = dict.fromkeys(book.no_such_symbol, lambda: evidence.not_found.add(order.key))
        return attrs.evolve(question, excuses={**question.excuses, **is_gone})

    await inquiry.ask([status_of(order) for order in orders])
    known = [order for order in orders if order.key in evidence.orders]
    await inquiry.ask([questions.trades_of_order(order.key) for order in known])
    lacking = [one.order for one in evidence.facts() if one.missing_quantity() > 0]
    routed = [
        order.key for order in lacking if order.state.get("used_sor") or order.state.get("working_floor") == "SOR"
    ]
    await inquiry.ask([question for key in routed for question in questions.allocations_of(key)])
    found = {order: OwnReports(is_known=False) for order in orders if order.key in evidence.not_found}
    facts = {one.order.key: one for one in evidence.facts() if one.missing_quantity() == 0}
    for order in known:
        if (one := facts.get(order.key)) is not None:
            fills = [event for _, event in reports_of(one) if event.execution_type == "TRADE"]
            reports = tuple([attrs.evolve(event, account=order.account) for event in fills])
            found[order] = OwnReports(reports=reports, filled=one.order.executed)
    return found
