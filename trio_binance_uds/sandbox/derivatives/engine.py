"""Brings orders into a futures market, modifies them, and takes them out again.

An order comes in through :meth:`Engine.submit`, which may refuse it up to the moment when it gets its id; from there on
nothing can fail. Refused orders leave no trace, neither an event nor a record.

Source: Binance USD-M and COIN-M Futures, "New Order" and "Modify Order" (2026-05-28).
"""

from __future__ import annotations

import heapq
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.derivatives import refusals
from trio_binance_uds.sandbox.derivatives.amounts import ZERO, milliseconds
from trio_binance_uds.sandbox.derivatives.lifecycle import admit, end, expire, expose, has_ended, rest
from trio_binance_uds.sandbox.derivatives.matching import Matching, reachable
from trio_binance_uds.sandbox.derivatives.orders import Amendment, Order, OrderRequest

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.algos import AlgoOrder
    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.dialects import Dialect
    from trio_binance_uds.sandbox.derivatives.step import Step

IMMEDIATE = frozenset({"IOC", "FOK"})


class Engine:
    """Order entry above the matching engine."""

    def __init__(self, dialect: Dialect, matching: Matching, new_client_id: Callable[[], str]) -> None:
        self.matching: Matching = matching
        self._dialect = dialect
        self._new_client_id = new_client_id
        self._due: list[tuple[int, int, Order]] = []
        self._admitted = 0
        self._amendment_id = 5000

    def submit(
        self,
        step: Step,
        account: FuturesAccount,
        contract: Contract,
        request: OrderRequest,
        *,
        acknowledge: Callable[[Order], None],
        algo: AlgoOrder | None = None,
    ) -> Order:
        """Place an order; ``acknowledge`` is called with it when it is accepted and nothing is matched yet.

        Raises:
            Refusal: nothing was changed.
        """
        order = self._draft(step, account, contract, request, algo)
        self._check(order)
        self._admit(step, order)
        acknowledge(order)
        self._enter(step, order)
        return order

    def liquidate(
        self, step: Step, account: FuturesAccount, contract: Contract, request: OrderRequest, fund: FuturesAccount
    ) -> Order:
        """Place the venue's own order for an account; what the book does not take a fund takes."""
        order = self._admit(step, self._draft(step, account, contract, request, None))
        self.matching.run(step, order)
        if order.is_open:
            counterpart = attrs.evolve(
                request,
                side="BUY" if request.side == "SELL" else "SELL",
                type="LIMIT",
                quantity=order.open_quantity,
                position_side="BOTH",
                client_order_id=None,
            )
            taking = self._admit(step, self._draft(step, fund, contract, counterpart, None))
            self.matching.trade(step, order, taking, execution="CALCULATED")
        return order

    def _admit(self, step: Step, order: Order) -> Order:
        order.order_id = order.contract.next_order_id()
        order.client_order_id = order.request.client_order_id or self._new_client_id()
        expose(order)
        admit(step, order)
        return order

    def _draft(
        self, step: Step, account: FuturesAccount, contract: Contract, request: OrderRequest, algo: AlgoOrder | None
    ) -> Order:
        return Order(
            account=account,
            contract=contract,
            position=account.position(contract, request.position_side),
            request=request,
            order_id=0,
            client_order_id="",
            created=step.time,
            updated=step.time,
            quantity=request.quantity,
            price=request.price,
            reserve_price=request.price,
            algo=algo,
        )

    def _check(self, order: Order) -> None:
        """Refuse what the account's orders, its position, the book or its margin forbid; reserve the margin."""
        request, contract = order.request, order.contract
        if request.client_order_id in order.account.open_by_client_id:
            raise refusals.duplicate_client_id()
        if order.only_reduces and order.capacity() <= 0:
            raise refusals.reduce_only_rejected()
        if self._dialect.refuses_unfillable:
            if request.time_in_force == "GTX" and contract.book.would_match(order.side, order.price):
                raise refusals.post_only_rejected()
            if request.time_in_force == "FOK" and not _can_fill(order):
                raise refusals.fok_rejected()
        if not order.price:
            order.reserve_price = _price_to_pay(order)
        if not _affords(order):
            order.status = "REJECTED"
            expose(order)
            raise refusals.Refusal(*self._dialect.margin_refusal)

    def _enter(self, step: Step, order: Order) -> None:
        """Let an order that was reported as NEW act: trade, rest or expire."""
        request = order.request
        if request.time_in_force == "GTX" and order.contract.book.would_match(order.side, order.price):
            expire(step, order, "post-only")
            return
        if request.time_in_force == "FOK" and not _can_fill(order):
            expire(step, order, "fok")
            return
        self.matching.run(step, order)
        if not order.is_open:
            return
        if not order.is_limit:
            expire(step, order, "market")
        elif request.time_in_force in IMMEDIATE:
            expire(step, order, "ioc after self-trade" if order.met_itself else "ioc")
        else:
            rest(order)
            if request.good_till:
                self._admitted += 1
                heapq.heappush(self._due, (request.good_till, self._admitted, order))

    def expire_due(self, step: Step) -> None:
        """Let the orders expire whose date has come."""
        while self.is_due(step.time):
            order = heapq.heappop(self._due)[2]
            if order.is_open:
                expire(step, order, "nothing")

    def is_due(self, time: int) -> bool:
        """Whether the date of some order has come."""
        return bool(self._due) and self._due[0][0] <= milliseconds(time)

    def cancel(self, step: Step, order: Order) -> None:
        """Cancel an open order for its owner."""
        end(order, "CANCELED")
        step.report(order, "CANCELED")
        has_ended(step, order)

    def modify(self, step: Step, order: Order, price: Decimal, quantity: Decimal, modify_id: str | None) -> None:
        """Change price and quantity of an open limit order.

        Less at the same price keeps its place, anything else goes behind. What would be filled by that, or would
        have to take although it must not, is canceled.

        Raises:
            Refusal: nothing was changed.
        """
        if price == order.price and quantity == order.quantity:
            raise refusals.nothing_to_modify()
        must_rest = order.request.time_in_force == "GTX"
        if quantity <= order.executed or (must_rest and order.contract.book.would_match(order.side, price)):
            self.cancel(step, order)
            return
        former_price, former_quantity = order.price, order.quantity
        order.reserve_price, order.quantity = price, quantity
        if not _affords(order):
            order.reserve_price, order.quantity = former_price, former_quantity
            expose(order)
            raise refusals.Refusal(*self._dialect.margin_refusal)
        keeps_place = price == former_price and quantity < former_quantity
        if not keeps_place:
            order.contract.book.own_side(order.side).remove(order)
        order.price = price
        self._amendment_id += 1
        order.amendments.append(
            Amendment(
                id=self._amendment_id,
                count=len(order.amendments) + 1,
                time=step.time,
                old_price=former_price,
                price=price,
                old_quantity=former_quantity,
                quantity=quantity,
            )
        )
        step.report(order, "AMENDMENT", modify_id=modify_id)
        if not keeps_place:
            self.matching.run(step, order)
            if order.is_open:
                rest(order)


def _affords(order: Order) -> bool:
    """Count an order in as it is now, and tell whether there is margin for it."""
    account, asset = order.account, order.contract.margin_asset
    before = account.available(asset)
    expose(order)
    after = account.available(asset)
    # Only what makes it worse is too much: who is short of margin may still reduce.
    return after >= min(before, ZERO)


def _can_fill(order: Order) -> bool:
    """Tell whether the book could fill an order as a whole."""
    missing = order.capacity()
    for _, quantity in reachable(order):
        missing -= quantity
        if missing <= 0:
            return True
    return False


def _price_to_pay(order: Order) -> Decimal:
    """Return the worst price that a market order would take, or that of the market if there is nothing to take."""
    missing, worst = order.quantity, order.contract.mark or ZERO
    for price, quantity in reachable(order):
        worst = price
        missing -= quantity
        if missing <= 0:
            break
    return worst
