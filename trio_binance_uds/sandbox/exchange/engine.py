"""Brings orders into the market, triggers them, and takes them out again.

An order comes in through :meth:`Engine.check`, :meth:`Engine.draft` and :meth:`Engine.reserve_alternatives`, of
which the first and the last may refuse it. From :meth:`Engine.number` on nothing can fail: :meth:`Engine.admit`
reports it as NEW, :meth:`Engine.enter` lets it act. Behind every call :meth:`Engine.settle` works off what was set
going, triggered orders and pending orders of lists, until all is quiet.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.exchange import refusals
from trio_binance_uds.sandbox.exchange.accounts import Account, Reservation
from trio_binance_uds.sandbox.exchange.amounts import UNIT, ZERO, floor_to
from trio_binance_uds.sandbox.exchange.lifecycle import close_list, end, expire, expire_rivals, rest
from trio_binance_uds.sandbox.exchange.matching import Matching, reachable
from trio_binance_uds.sandbox.exchange.orders import STOP_TYPES, Order, OrderRequest
from trio_binance_uds.sandbox.exchange.refusals import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trio_binance_uds.sandbox.exchange.order_lists import OrderList
    from trio_binance_uds.sandbox.exchange.symbols import Symbol
    from trio_binance_uds.sandbox.exchange.transaction import Transaction


class Engine:
    """Order entry above the matching engine."""

    def __init__(self, pairs: Mapping[tuple[str, str], Symbol], new_client_id: Callable[[], str]) -> None:
        self.matching: Matching = Matching(pairs)
        self._new_client_id = new_client_id

    def check_entry(self, account: Account, symbol: Symbol, request: OrderRequest) -> None:
        """Refuse what an account's open orders forbid: a second order of one client id, too many orders."""
        records = account.records_of(symbol.name)
        if request.client_order_id is not None and request.client_order_id in records.open_by_client_id:
            raise refusals.rejected("Duplicate order sent.")
        if len(records.open) >= symbol.max_open_orders:
            raise refusals.filter_failure("MAX_NUM_ORDERS")

    def check(self, account: Account, symbol: Symbol, request: OrderRequest) -> None:
        """Apply the matching engine's own rules to a new order, money apart.

        Raises:
            Refusal: -2010 or -1013.
        """
        self.check_entry(account, symbol, request)
        self.check_market(symbol, request)

    def check_market(self, symbol: Symbol, request: OrderRequest) -> None:
        """Refuse what the present prices forbid: a stop already passed, a maker order that would take."""
        last = symbol.last_price
        if request.type in STOP_TYPES and request.stop_price and last is not None:
            passed = last >= request.stop_price if request.rises else last <= request.stop_price
            # With a trailing delta the stop price only activates the order, which it may do at once.
            if passed and request.trailing_delta is None:
                raise refusals.would_trigger()
        if request.type == "LIMIT_MAKER" and symbol.book.would_match(request.side, request.price):
            raise refusals.would_match()

    def draft(self, account: Account, symbol: Symbol, request: OrderRequest, time: int) -> Order:
        """Make an order without an id and without a reservation."""
        trails_at_once = request.trailing_delta is not None and not request.stop_price
        return Order(
            account=account,
            symbol=symbol,
            request=request,
            order_id=-1,
            client_order_id=request.client_order_id or "",
            created=time,
            updated=time,
            quantity=request.quantity or ZERO,
            reserve_price=request.price or request.stop_price or symbol.last_price or ZERO,
            trailing_since=time if trails_at_once else None,
        )

    def number(self, order: Order) -> None:
        """Give an accepted order its ids; from here on nothing may refuse it."""
        order.order_id = order.symbol.next_order_id()
        if not order.client_order_id:
            order.client_order_id = self._new_client_id()

    def admit(self, tx: Transaction, order: Order, *, pending: bool = False) -> None:
        """Put a numbered order among its account's and report it as NEW; nothing is matched yet."""
        if pending:
            order.status = "PENDING_NEW"
        elif order.type not in STOP_TYPES:
            order.working_since = tx.time
        order.account.records_of(order.symbol.name).add(order)
        tx.report(order, "NEW")

    def submit(self, tx: Transaction, account: Account, symbol: Symbol, request: OrderRequest) -> Order:
        """Place a single order.

        Raises:
            Refusal: nothing was changed.
        """
        self.check(account, symbol, request)
        order = self.draft(account, symbol, request, tx.time)
        self.reserve_alternatives([order])
        self.number(order)
        self.admit(tx, order)
        self.enter(tx, order)
        return order

    def enter(self, tx: Transaction, order: Order) -> None:
        """Let an order that was reported as NEW act: wait for its trigger, trade, rest or expire."""
        if order.awaits_trigger:
            order.symbol.triggers.add(order, order.symbol.last_price, tx.time)
            return
        time_in_force = order.request.time_in_force
        if time_in_force == "FOK" and not _can_fill(order):
            expire(tx, order, "UNFILLED_FOK_ORDER_EXPIRED")
            return
        self.matching.run(tx, order)
        if not order.is_open:
            return
        if not order.is_limit:
            expire(tx, order, "INSUFFICIENT_LIQUIDITY")
        elif time_in_force == "IOC":
            expire(tx, order, "UNFILLED_IOC_QUANTITY_EXPIRED")
        else:
            rest(order)

    def reject(
        self, tx: Transaction, account: Account, symbol: Symbol, request: OrderRequest, refusal: Refusal
    ) -> None:
        """Report the new half of a cancel-replace as rejected; it is the only refused order that is reported."""
        order = self.draft(account, symbol, request, tx.time)
        self.number(order)
        order.status = "REJECTED"
        account.records_of(symbol.name).add(order)
        tx.report(order, "REJECTED", reject_reason=refusal.reject_reason)

    def settle(self, tx: Transaction) -> None:
        """Work off what this transaction has set going, oldest first."""
        while tx.triggered or tx.activations:
            if tx.activations:
                self._place_pending(tx, tx.activations.popleft())
            else:
                self._trigger(tx, tx.triggered.popleft())

    def cancel(self, tx: Transaction, order: Order, client_order_id: str) -> str:
        """Cancel an open order for its owner; return the client id that it had. Its list is left alone."""
        former = order.client_order_id
        end(order, "CANCELED")
        order.account.records_of(order.symbol.name).rename(order, client_order_id)
        tx.report(order, "CANCELED", former_client_order_id=former)
        return former

    def cancel_list(self, tx: Transaction, order_list: OrderList, client_order_id: str) -> dict[Order, str]:
        """Cancel the open orders of a list; return the client ids that they had."""
        former = {order: self.cancel(tx, order, client_order_id) for order in order_list.orders if order.is_open}
        close_list(tx, order_list)
        return former

    def _trigger(self, tx: Transaction, order: Order) -> None:
        """Turn a contingent order that went off into a working one."""
        if not order.is_open:
            return  # Its rival went off in the same trade and expired it.
        expire_rivals(tx, order)
        try:
            if not order.is_limit:
                self._cover_market(order)
        except Refusal:
            expire(tx, order, "REJECTED")
            return
        order.working_since = tx.time
        tx.report(order, "NEW")
        self.enter(tx, order)

    def _place_pending(self, tx: Transaction, order_list: OrderList) -> None:
        """Bring the pending orders of a list to the market after its working order was filled."""
        pending = [order for order in order_list.alternatives if order.is_open]
        if not pending:
            return  # The exchange has taken them away in the meantime.
        for order in pending:
            if order.request.quantity is None:
                order.quantity = _bought(order_list.orders[0])
        try:
            for order in pending:
                order.symbol.check_quantity(order.quantity)
                self.check_market(order.symbol, order.request)
            self.reserve_alternatives(pending)
        except Refusal:
            for order in pending:
                expire(tx, order, "REJECTED", alone=True)
            return
        for order in pending:
            order.status = "NEW"
            if order.type not in STOP_TYPES:
                order.working_since = tx.time
            tx.report(order, "NEW")
        for order in pending:
            self.enter(tx, order)

    def reserve_alternatives(self, orders: list[Order]) -> None:
        """Lock, once, what one order or either of two may have to pay.

        Raises:
            Refusal: the free balance does not suffice; nothing was changed.
        """
        asset, amount = self.cost(orders)
        reservation = Reservation(orders[0].account, asset)
        reservation.grow_to(amount)
        for order in orders:
            order.reservation = reservation

    def cost(self, orders: list[Order]) -> tuple[str, Decimal]:
        """Return the asset, and how much of it, that one drafted order or either of two may have to pay.

        Raises:
            Refusal: the book does not have what a market order needs.
        """
        first = orders[0]
        if first.type == "MARKET":
            self._plan_market(first)
            amount = self._market_cost(first) if first.is_buy else first.needs()
        else:
            amount = max(order.needs() for order in orders)
        return first.symbol.paid_with(first.side), amount

    def _plan_market(self, order: Order) -> None:
        """Turn the quote quantity of a market order into a quantity, as far as the book reaches."""
        left = order.request.quote_quantity
        if not left:
            return
        step, price = order.symbol.step_size, None
        for price, quantity in reachable(order):
            part = min(quantity, floor_to(left / price, step))
            order.quantity += part
            left -= part * price
            if part < quantity:
                break
        else:
            if price is None:
                raise refusals.rejected("Order book liquidity is less than symbol minimum quantity.")
            # The book is too short. What is missing counts at its last price, so that the rest can expire.
            order.quantity += floor_to(left / price, step)
        if not order.quantity:
            raise refusals.rejected("Order book liquidity is less than `LOT_SIZE` filter minimum quantity.")

    def _market_cost(self, order: Order) -> Decimal:
        cost, left = ZERO, order.open_quantity
        for price, quantity in reachable(order):
            part = min(quantity, left)
            cost += part * price
            left -= part
            if left <= 0:
                break
        return cost

    def _cover_market(self, order: Order) -> None:
        """Reserve more for a buy that becomes a market order dearer than it was reserved for."""
        if order.is_buy and order.reservation is not None:
            order.reservation.grow_to(self._market_cost(order))


def _can_fill(order: Order) -> bool:
    left = order.open_quantity
    for _, quantity in reachable(order, all_or_nothing=True):
        left -= quantity
        if left <= 0:
            return True
    return False


def _bought(order: Order) -> Decimal:
    """Return what an OPO may sell: what its working order bought, less the commission taken from it."""
    base = order.symbol.base
    fees = sum((trade.commission for trade in order.trades if trade.commission_asset == base), ZERO)
    return floor_to(order.executed - fees, max(order.symbol.step_size, UNIT))
