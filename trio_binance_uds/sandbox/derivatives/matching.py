"""Matches an incoming order with the book: price first, then time; settles each trade; prevents self-trades.

Reports come out in this order, all with one time: for every match all of the taker's, then all of the maker's. An order
that only reduces a position trades no more than that has, and expires when nothing is left to reduce.

Source: Binance USD-M Futures, "STP FAQ" (2026-05-28).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.derivatives.amounts import to_unit
from trio_binance_uds.sandbox.derivatives.lifecycle import end, expire, expose, has_ended
from trio_binance_uds.sandbox.derivatives.orders import Fill

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_binance_uds.sandbox.derivatives.dialects import Dialect
    from trio_binance_uds.sandbox.derivatives.ledger import Ledger
    from trio_binance_uds.sandbox.derivatives.orders import Order
    from trio_binance_uds.sandbox.derivatives.step import Step


def crosses(taker: Order, price: Decimal) -> bool:
    """Tell whether a taker accepts a price of the book."""
    if not taker.is_limit:
        return True
    return price <= taker.price if taker.is_buy else price >= taker.price


def is_own(taker: Order, maker: Order) -> bool:
    """Tell whether self-trade prevention must keep two orders apart."""
    return taker.account is maker.account and taker.request.stp_mode != "NONE"


def reachable(taker: Order) -> Iterator[tuple[Decimal, Decimal]]:
    """Yield price and quantity of what a taker could trade with, best first, before anything is changed."""
    for maker in taker.contract.book.other_side(taker.side):
        if not crosses(taker, maker.price):
            return
        if not is_own(taker, maker):
            yield maker.price, maker.capacity()
        elif taker.request.stp_mode != "EXPIRE_MAKER":
            return


class Matching:
    """The matching engine. It remembers nothing but how many fills there were."""

    def __init__(self, dialect: Dialect, ledger: Ledger) -> None:
        self._dialect = dialect
        self._ledger = ledger
        self._serial = 0

    def run(self, step: Step, taker: Order) -> None:
        """Trade an order with the book until it is filled, ended, or nothing acceptable is left."""
        opposite = taker.contract.book.other_side(taker.side)
        while taker.is_open:
            maker = opposite.best()
            if maker is None or not crosses(taker, maker.price):
                return
            if is_own(taker, maker):
                self._prevent(step, taker, maker)
            else:
                self.trade(step, taker, maker)

    def trade(self, step: Step, taker: Order, maker: Order, *, execution: str = "TRADE") -> None:
        """Let two orders trade at the maker's price as much as both can."""
        contract, price = taker.contract, maker.price
        quantity = min(taker.capacity(), maker.capacity())
        trade_id = contract.next_trade_id()
        fills = [
            self._fill(step, order, trade_id, price, quantity, is_maker=order is maker) for order in (taker, maker)
        ]
        contract.last_price = price
        # Status and book first for both, then the reports: a report must not show a half-made trade.
        for order in (taker, maker):
            if order.open_quantity > 0:
                order.status = "PARTIALLY_FILLED"
            else:
                end(order, "FILLED")
        for order, fill in zip((taker, maker), fills, strict=True):
            step.report(order, execution, fill=fill)
            if not order.is_open:
                has_ended(step, order)
            for reducing in list(order.position.reducing.values()):
                if reducing.capacity() <= 0:
                    expire(step, reducing, "reduce-only")
        step.moved.append((contract, "CONTRACT_PRICE", price))

    def _fill(
        self, step: Step, order: Order, trade_id: int, price: Decimal, quantity: Decimal, *, is_maker: bool
    ) -> Fill:
        """Move the money of one side of a trade."""
        account, contract, position = order.account, order.contract, order.position
        value = contract.value(price, quantity)
        fee = to_unit(value * (account.maker_commission if is_maker else account.taker_commission))
        realized = position.trade(order.sign, quantity, value, fee)
        step.change(position)
        order.executed += quantity
        order.executed_value += value
        expose(order)
        self._serial += 1
        fill = Fill(
            id=trade_id,
            serial=self._serial,
            order=order,
            price=price,
            quantity=quantity,
            value=value,
            commission=fee,
            realized=realized,
            time=step.time,
            is_maker=is_maker,
        )
        account.records_of(contract.name).add_fill(fill)
        asset = contract.margin_asset
        # Of an option the price itself is paid; of a future only what has come of it.
        gain = ("PREMIUM", -order.sign * value) if self._dialect.pays_premium else ("REALIZED_PNL", realized)
        for kind, amount in (("COMMISSION", -fee), gain):
            self._ledger.move(step, account, kind, amount, asset, symbol=contract.name, trade_id=trade_id)
        return fill

    def _prevent(self, step: Step, taker: Order, maker: Order) -> None:
        """Keep two orders of one account from trading with each other; the taker's mode decides which one goes."""
        mode = taker.request.stp_mode
        taker.met_itself = True
        hit = [order for order in (taker, maker) if mode != ("EXPIRE_MAKER" if order is taker else "EXPIRE_TAKER")]
        for order in hit:
            expire(step, order, "self-trade", status="EXPIRED_IN_MATCH")
