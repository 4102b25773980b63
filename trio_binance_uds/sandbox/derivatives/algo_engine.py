"""Takes in conditional orders, follows the prices that set them off, and turns them into real orders.

No margin is looked at before an order goes off, so what it becomes may be refused: then it is rejected, and says why.
Prices that move are worked off one by one, in the order in which they moved, until all is quiet.

Source: Binance USD-M Futures, "New Algo Order" and "Event: Algo Order Update" (2026-05-28), change log of 2026-08-07.
"""

from __future__ import annotations

import heapq
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.derivatives import refusals
from trio_binance_uds.sandbox.derivatives.algos import AlgoOrder, AlgoRequest
from trio_binance_uds.sandbox.derivatives.amounts import ZERO, milliseconds
from trio_binance_uds.sandbox.derivatives.orders import OrderRequest
from trio_binance_uds.sandbox.derivatives.triggers import activates

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.engine import Engine
    from trio_binance_uds.sandbox.derivatives.orders import Order
    from trio_binance_uds.sandbox.derivatives.step import Step

FIRST_ALGO_ID = 2_150_001
MOST_OPEN = 200


class AlgoEngine:
    """The service for conditional orders, above the engine for real ones."""

    def __init__(self, engine: Engine, new_client_id: Callable[[], str]) -> None:
        self._engine = engine
        self._new_client_id = new_client_id
        self._algo_id = FIRST_ALGO_ID - 1
        self._due: list[tuple[int, int, AlgoOrder]] = []

    def submit(self, step: Step, account: FuturesAccount, contract: Contract, request: AlgoRequest) -> AlgoOrder:
        """Place a conditional order.

        Raises:
            Refusal: nothing was changed.
        """
        algos = account.algos
        if len(algos.open) >= MOST_OPEN:
            raise refusals.Refusal(-4045, "Reach max stop order limit.")
        former = algos.by_client_id.get(request.client_id or "")
        if former is not None and former.is_open:
            raise refusals.duplicate_client_id()
        price = price_for(contract, request.working_type)
        if price is not None and request.trigger_price:
            bound = request.trigger_price
            if price >= bound if request.rises else price <= bound:
                raise refusals.would_trigger()
        self._algo_id += 1
        algo = AlgoOrder(
            account=account,
            contract=contract,
            request=request,
            algo_id=self._algo_id,
            client_algo_id=request.client_id or self._new_client_id(),
            created=step.time,
            updated=step.time,
        )
        algos.add(algo)
        contract.triggers.add(algo)
        if request.good_till:
            heapq.heappush(self._due, (request.good_till, algo.algo_id, algo))
        step.report_algo(algo)
        if algo.trails and price is not None and activates(algo, price):
            self._activate(step, algo, price)
        return algo

    def _activate(self, step: Step, algo: AlgoOrder, price: Decimal) -> None:
        algo.is_activated, algo.extreme = True, price
        step.report_algo(algo)

    def cancel(self, step: Step, algo: AlgoOrder, status: str = "CANCELED") -> None:
        """End an order that has not gone off."""
        algo.contract.triggers.remove(algo)
        del algo.account.algos.open[algo.algo_id]
        self._end(step, algo, status)

    def _end(self, step: Step, algo: AlgoOrder, status: str, failure: str | None = None) -> None:
        algo.status, algo.failure = status, failure
        step.report_algo(algo)

    def expire_due(self, step: Step) -> None:
        """Let the orders expire whose date has come."""
        while self.is_due(step.time):
            algo = heapq.heappop(self._due)[2]
            if algo.waits:
                self.cancel(step, algo, "EXPIRED")

    def is_due(self, time: int) -> bool:
        """Whether the date of some order has come."""
        return bool(self._due) and self._due[0][0] <= milliseconds(time)

    def settle(self, step: Step) -> None:
        """Work off the prices that this step has moved, and what that sets going, oldest first."""
        while step.moved:
            contract, working_type, price = step.moved.popleft()
            activated, fired = contract.triggers.moved(working_type, price)
            for algo in activated:
                step.report_algo(algo)
            for algo in fired:
                self._trigger(step, algo)

    def _trigger(self, step: Step, algo: AlgoOrder) -> None:
        del algo.account.algos.open[algo.algo_id]
        algo.status, algo.triggered = "TRIGGERING", step.time
        step.report_algo(algo)
        request = self._real(algo)
        if request is None:
            self._end(step, algo, "EXPIRED", "There is no position to close.")
            return

        def acknowledge(order: Order) -> None:
            algo.status, algo.order = "TRIGGERED", order
            step.report_algo(algo)

        try:
            self._engine.submit(step, algo.account, algo.contract, request, algo=algo, acknowledge=acknowledge)
        except refusals.Refusal as refusal:
            self._end(step, algo, "REJECTED", refusal.msg)

    def _real(self, algo: AlgoOrder) -> OrderRequest | None:
        """Return the order that a conditional one becomes; ``None``: it is to close a position that is not there."""
        asked = algo.request
        request = OrderRequest(
            side=asked.side,
            type="LIMIT" if asked.price else "MARKET",
            time_in_force=asked.time_in_force,
            quantity=asked.quantity,
            price=asked.price,
            position_side=asked.position_side,
            reduce_only=asked.reduce_only,
            close_position=asked.close_position,
            client_order_id=algo.client_algo_id,
            stp_mode=asked.stp_mode,
            price_match=asked.price_match,
            good_till=asked.good_till,
            working_type=asked.working_type,
            price_protect=asked.price_protect,
        )
        if not asked.close_position:
            return request
        position = algo.account.position(algo.contract, asked.position_side)
        size = position.size if position.sign == (-1 if asked.side == "BUY" else 1) else ZERO
        return attrs.evolve(request, quantity=size, reduce_only=True) if size else None


def price_for(contract: Contract, working_type: str) -> Decimal | None:
    """Return the price that sets off orders of a working type; the last one as long as there is no mark price."""
    return contract.mark if working_type == "MARK_PRICE" else contract.last_price
