"""The reports of the fills of a futures order, from what the venue lists of that order alone."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trio_binance_uds.stream.recovery.futures.evidence import Evidence
from trio_binance_uds.stream.recovery.futures.knowledge import Knowledge
from trio_binance_uds.stream.recovery.futures.life import reports_of
from trio_binance_uds.stream.recovery.futures.questions import Questions
from trio_binance_uds.stream.recovery.futures.scope import Scope
from trio_binance_uds.stream.recovery.inquiry import Inquiry, Question
from trio_binance_uds.stream.recovery.own_reports import OrderName, OwnReports, Searched
from trio_binance_uds.stream.recovery.symbols import BAD_SYMBOL
from trio_binance_uds.stream.recovery.timing import VenueClock


async def search(
    inquiry: Inquiry, scope: Scope, orders: Sequence[OrderName], clock: VenueClock, alias: str
) -> Searched:
    """Ask about these orders as if nothing of them had ever been delivered. Weight 6 each, or a little more."""
    nothing, now = Knowledge(), clock.now()
    evidence = Evidence(nothing, now, now)
    questions = Questions(scope.dialect, evidence, nothing, since=now, until=now)

    def status_of(order: OrderName) -> Question:
        question = questions.order(order.key)
        is_gone = dict.fromkeys(BAD_SYMBOL, lambda: evidence.not_found.add(order.key))
        return attrs.evolve(question, excuses={**question.excuses, **is_gone})

    await inquiry.ask([status_of(order) for order in orders])
    known = [order for order in orders if order.key in evidence.orders]
    await inquiry.ask([questions.trades_of_order(order.key) for order in known])
    found = {order: OwnReports(is_known=False) for order in orders if order.key in evidence.not_found}
    facts = {one.order.key: one for one in evidence.facts() if one.missing_quantity() == 0}
    for order in known:
        if (one := facts.get(order.key)) is not None:
            fills = [event for _, event in reports_of(one, scope.dialect, alias) if event.execution_type == "TRADE"]
            reports = tuple([attrs.evolve(event, account=order.account) for event in fills])
            found[order] = OwnReports(reports=reports, filled=one.order.executed)
    return found
