"""What a recovery of a stocks account has brought: reports that the stream would have sent, each delivered once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal

import attrs

from trio_binance_uds.events import Event, OrderReport, StockExecutionType, StockOrderStatus, StockOrderType, StockSide
from trio_binance_uds.stream.recovery.stocks.answers import FillAnswer, OrderAnswer, Progress, is_final, progress_of
from trio_binance_uds.wire.values import vocabulary

_ZERO = Decimal(0)
_PARTLY = "partially_filled"


def missed_reports(
    order: OrderAnswer, delivered: Progress | None, began: datetime, account: str
) -> Iterator[OrderReport]:
    """Yield a report for each fill of an order that was not delivered, and one for how it stands now.

    The last fill and the state of now are one report where nothing but that fill has happened. Of an order that was
    never delivered, the fills before the stream ``began`` are left out.
    """
    fills = order.fills if order.adds_up else ()
    old = sum((fill.quantity for fill in fills if fill.time < began), _ZERO)
    before = old if delivered is None else delivered[0]
    last = fills[-1] if fills and order.status in (_PARTLY, "filled") else None
    so_far = worth = _ZERO
    for fill in fills:
        so_far += fill.quantity
        worth += fill.price * fill.quantity
        if before < so_far and fill is not last:
            yield _report(order, account, _PARTLY, fill.time, so_far, worth, fill)
    if delivered is None or delivered < order.progress:
        yield _report(order, account, order.status, order.updated, order.filled, worth if order.adds_up else None, last)


def _report(
    order: OrderAnswer,
    account: str,
    status: str,
    time: datetime,
    filled: Decimal,
    worth: Decimal | None,
    fill: FillAnswer | None,
) -> OrderReport:
    ended = StockExecutionType.ORDER_TERMINAL if is_final(status) else StockExecutionType.ORDER_UPDATE
    return OrderReport(
        event_type="orderReport",
        event_time=time,
        account=account,
        recovered=True,
        raw={"order": order.raw} if fill is None else {"order": order.raw, "trade": fill.raw},
        execution_type=ended,
        order_id=order.id,
        base_asset=f"EQ_{order.symbol}",
        quote_asset=order.quote,
        side=vocabulary(StockSide)[order.side],
        order_type=vocabulary(StockOrderType)[order.kind],
        price=order.price,
        quantity=_ZERO if order.quantity is None else order.quantity,
        notional=order.notional,
        filled_quantity=filled,
        filled_notional=worth,
        session=order.session,
        order_status=vocabulary(StockOrderStatus)[status],
        order_creation_time=order.created,
        update_time=time,
    )


@attrs.frozen(kw_only=True)
class StocksRecovered:
    """The reports that were missed, by time. It is complete if there is no reason against it."""

    events: tuple[OrderReport, ...] = ()
    detail: str = ""

    @property
    def complete(self) -> bool:
        return not self.detail

    def without(self, parked: Iterable[Event]) -> StocksRecovered:
        """Return what lies before the first live report of each order: from there on the stream reports it."""
        first: dict[str, Progress] = {}
        for event in parked:
            if isinstance(event, OrderReport):
                progress = progress_of(event)
                first[event.order_id] = min(progress, first.get(event.order_id, progress))
        kept = [
            event for event in self.events if event.order_id not in first or progress_of(event) < first[event.order_id]
        ]
        return attrs.evolve(self, events=tuple(kept))

    def echoes(self) -> StocksEchoes:
        """Return what to look out for."""
        reached: dict[str, Progress] = {}
        for event in self.events:
            progress = progress_of(event)
            reached[event.order_id] = max(progress, reached.get(event.order_id, progress))
        return StocksEchoes(reached)


class StocksEchoes:
    """Recognises live reports that say no more of an order than a recovered one has said."""

    def __init__(self, reached: dict[str, Progress]) -> None:
        self._reached = reached

    def is_echo(self, event: Event) -> bool:
        """Whether a live event says nothing new."""
        if not isinstance(event, OrderReport):
            return False
        reached = self._reached.get(event.order_id)
        return reached is not None and progress_of(event) <= reached
