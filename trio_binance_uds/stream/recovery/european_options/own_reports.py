"""The reports of the fills of an options order, from what the venue lists of that order alone."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from trio_binance_uds.stream.recovery.european_options.evidence import Evidence
from trio_binance_uds.stream.recovery.european_options.knowledge import Knowledge
from trio_binance_uds.stream.recovery.european_options.questions import Questions
from trio_binance_uds.stream.recovery.european_options.reconstruct import reports_of
from trio_binance_uds.stream.recovery.inquiry import Inquiry, Question
from trio_binance_uds.stream.recovery.own_reports import OrderName, OwnReports, Searched
from trio_binance_uds.stream.recovery.symbols import BAD_CONTRACT
from trio_binance_uds.stream.recovery.timing import VenueClock
from trio_binance_uds.stream.recovery.windows import EPOCH


async def search(inquiry: Inquiry, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
    """Ask about these orders as if nothing of them had ever been delivered. Weight 6 each, or a little more."""
    nothing = Knowledge()
    nothing.begin(EPOCH)
    evidence = Evidence(nothing, EPOCH)
    questions = Questions(evidence, clock.now(), clock)

    def status_of(order: OrderName) -> Question:
        question = questions.status_of(order.key)
        is_gone = dict.fromkeys(BAD_CONTRACT, lambda: evidence.not_found.add(order.key))
        return attrs.evolve(question, excuses={**question.excuses, **is_gone})

    await inquiry.ask([status_of(order) for order in orders])
    known = [order for order in orders if order.key in evidence.orders]
    # The trades of an order cannot be asked for, but those of its contract since it was placed.
    await inquiry.ask(
        [
            question
            for order in known
            for question in questions.trades_of(order.symbol, evidence.orders[order.key].created)
        ]
    )
    found = {order: OwnReports(is_known=False) for order in orders if order.key in evidence.not_found}
    facts = {one.order.key: one for one in evidence.facts() if not one.missing_quantity()}
    for order in known:
        if (one := facts.get(order.key)) is not None:
            fills = [event for _, event in reports_of(one) if event.execution_type == "TRADE"]
            reports = tuple([attrs.evolve(event, account=order.account) for event in fills])
            found[order] = OwnReports(reports=reports, filled=one.order.executed)
    return found
