"""Matches an incoming order with the book: price first, then time; settles each trade; prevents self-trades.

Reports come out in this order, all with one time: for every match the taker's, then the maker's. That is why the
taker sees its execution ids skip. The mode of the taker decides on self-trade prevention.

Source: Binance Spot, "STP FAQ" and "Market orders FAQ" (2026-07-21).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.exchange.amounts import ZERO
from trio_binance_uds.sandbox.exchange.fees import commission
from trio_binance_uds.sandbox.exchange.lifecycle import end, expire_rivals, has_ended
from trio_binance_uds.sandbox.exchange.orders import PreventedMatch, Trade

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from trio_binance_uds.sandbox.exchange.orders import Order
    from trio_binance_uds.sandbox.exchange.symbols import Symbol
    from trio_binance_uds.sandbox.exchange.transaction import Transaction


def crosses(taker: Order, price: Decimal) -> bool:
    """Tell whether a taker accepts a price of the book."""
    if not taker.is_limit:
        return True
    return price <= taker.price if taker.is_buy else price >= taker.price


def reachable(taker: Order, *, all_or_nothing: bool = False) -> Iterator[tuple[Decimal, Decimal]]:
    """Yield price and quantity of what a taker could trade with, best first, before anything is changed.

    ``all_or_nothing`` stops where self-trade prevention would keep the taker from going on; otherwise the
    result is an upper bound, good for reserving money.
    """
    mode = taker.request.stp_mode
    for maker in taker.symbol.book.other_side(taker.side):
        if not crosses(taker, maker.price):
            return
        if mode != "NONE" and taker.is_own(maker):
            if mode in ("EXPIRE_TAKER", "EXPIRE_BOTH"):
                return
            if mode == "EXPIRE_MAKER" or (taker.account is maker.account and not all_or_nothing):
                continue
            if all_or_nothing:
                return
        yield maker.price, maker.open_quantity


class Matching:
    """The matching engine. It remembers nothing but the commissions that it collected."""

    def __init__(self, pairs: Mapping[tuple[str, str], Symbol]) -> None:
        self._pairs = pairs
        self.fees: dict[str, Decimal] = {}
        """The commissions collected so far, by asset."""

    def run(self, tx: Transaction, taker: Order) -> None:
        """Trade an order with the book until it is filled, ended, or nothing acceptable is left."""
        opposite = taker.symbol.book.other_side(taker.side)
        while taker.is_open and taker.open_quantity > 0:
            maker = opposite.best()
            if maker is None or not crosses(taker, maker.price):
                return
            if taker.request.stp_mode != "NONE" and taker.is_own(maker):
                self._prevent(tx, taker, maker)
            else:
                self._trade(tx, taker, maker)

    def _trade(self, tx: Transaction, taker: Order, maker: Order) -> None:
        expire_rivals(tx, maker)
        price = maker.price
        quantity = min(taker.open_quantity, maker.open_quantity)
        symbol = taker.symbol
        trade_id = symbol.next_trade_id()
        trades: list[Trade] = []
        for order in (taker, maker):
            trade = self._fill(tx, order, trade_id, price, quantity, is_maker=order is maker)
            symbol_records = order.account.records_of(symbol.name)
            symbol_records.trades.append(trade)
            order.trades.append(trade)
            trades.append(trade)
        symbol.recent.append(trades[0])
        symbol.last_price = price
        # Status and book first for both, then the reports: a report must not show a half-made trade.
        for order in (taker, maker):
            if order.open_quantity <= 0:
                end(order, "FILLED")
            else:
                order.status = "PARTIALLY_FILLED"
                if order.is_limit and order.reservation is not None:
                    order.reservation.trim_to(order.needs())
        for order, trade in zip((taker, maker), trades, strict=True):
            tx.report(order, "TRADE", trade=trade)
            if not order.is_open:
                has_ended(tx, order)
        tx.triggered.extend(symbol.triggers.went_off(price, tx.time))

    def _fill(
        self, tx: Transaction, order: Order, trade_id: int, price: Decimal, quantity: Decimal, *, is_maker: bool
    ) -> Trade:
        """Move the money of one side of a trade."""
        account, symbol = order.account, order.symbol
        assert order.reservation is not None
        quote = price * quantity
        if order.is_buy:
            order.reservation.pay(quote)
            account.change(symbol.base, free=quantity)
        else:
            order.reservation.pay(quantity)
            account.change(symbol.quote, free=quote)
        fee, asset = commission(order, price, quantity, is_maker=is_maker, symbols=self._pairs)
        account.change(asset, free=-fee)
        self.fees[asset] = self.fees.get(asset, ZERO) + fee
        order.executed += quantity
        order.quote_executed += quote
        return Trade(
            id=trade_id,
            order=order,
            price=price,
            quantity=quantity,
            commission=fee,
            commission_asset=asset,
            time=tx.time,
            is_maker=is_maker,
        )

    def _prevent(self, tx: Transaction, taker: Order, maker: Order) -> None:
        """Keep two orders of one owner from trading with each other."""
        mode = taker.request.stp_mode
        executable = min(taker.open_quantity, maker.open_quantity)
        if mode in ("DECREMENT", "TRANSFER"):
            taken = {taker: executable, maker: executable}
        else:
            hit = [order for order in (taker, maker) if mode != ("EXPIRE_MAKER" if order is taker else "EXPIRE_TAKER")]
            taken = {order: order.open_quantity for order in hit}
        if maker in taken:
            expire_rivals(tx, maker)
        match = PreventedMatch(
            id=taker.symbol.next_prevented_match_id(),
            symbol=taker.symbol.name,
            taker_order_id=taker.order_id,
            maker_order_id=maker.order_id,
            trade_group_id=taker.account.trade_group_id,
            mode=mode,
            price=maker.price,
            taker_quantity=taken.get(taker),
            maker_quantity=taken.get(maker),
            executable=executable,
            time=tx.time,
        )
        if mode == "TRANSFER" and taker.account is not maker.account:
            self._transfer(taker, maker, executable)
        for account in {taker.account.uid: taker.account, maker.account.uid: maker.account}.values():
            account.records_of(taker.symbol.name).prevented.append(match)
        for order in (taker, maker):
            order.prevented_matches.append(match)
        for order, quantity in taken.items():
            order.prevented += quantity
            order.prevented_match_id = match.id
            if order.open_quantity <= 0:
                end(order, "EXPIRED_IN_MATCH")
            elif order.is_limit and order.reservation is not None:
                order.reservation.trim_to(order.needs())
        for order in taken:
            tx.report(order, "TRADE_PREVENTION", prevention=match)
            if not order.is_open:
                has_ended(tx, order)

    def _transfer(self, taker: Order, maker: Order, quantity: Decimal) -> None:
        """Move the balances between two accounts of a trade group as a trade would, free of charge."""
        quote = maker.price * quantity
        for order in (taker, maker):
            assert order.reservation is not None
            paid, received = (quote, quantity) if order.is_buy else (quantity, quote)
            order.reservation.pay(paid)
            order.account.change(order.symbol.base if order.is_buy else order.symbol.quote, free=received)
