"""A trader that keeps an account of a desk busy, by a seed: it does one thing after the other, and never waits.

It places, modifies, cancels and fills orders, against a maker who has enough of everything, and where there are
conditional orders it places those, sets them off and cancels them. What it does it does through the desk's routes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from trio_binance_uds.sandbox.derivatives.amounts import floor_to
from trio_binance_uds.sandbox.derivatives.refusals import Refusal
from trio_binance_uds.sandbox.desk import Desk

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.contracts import Contract

MOST_OPEN = 8
FIRST_MAKER_UID = 900_000_001
MAKER_FUNDS = "100000000"


class TradedDesk(Desk, Protocol):
    """A desk with contracts whose mark prices can be moved."""

    def set_mark_price(self, symbol: str, price: Decimal) -> None:
        """Move the mark price of a contract."""

    def find_contract(self, symbol: str) -> Contract | None:
        """Return a contract by its name."""


@attrs.frozen(kw_only=True)
class Manner:
    """How orders are placed on one kind of desk.

    Attributes:
        orders: where its order routes begin.
        client_id: how the client id of an order that is asked for is called.
        has_market_orders: whether there are market orders, and modifications.
        algos: where conditional orders are placed and canceled; ``None``: there are none.
        open_algos: where they are listed.
        algo_names: what their type, trigger price and id are called.
        algo_extra: what else their placement needs.
    """

    orders: str
    client_id: str = "origClientOrderId"
    has_market_orders: bool = True
    algos: str | None = None
    open_algos: str = ""
    algo_names: tuple[str, str, str] = ("type", "triggerPrice", "algoId")
    algo_extra: Mapping[str, str] = attrs.field(factory=dict)


_ALGO = {"algoType": "CONDITIONAL"}
MANNERS = (
    Manner(orders="/fapi/v1", algos="/fapi/v1/algoOrder", open_algos="/fapi/v1/openAlgoOrders", algo_extra=_ALGO),
    Manner(orders="/dapi/v1", algos="/dapi/v1/algoOrder", open_algos="/dapi/v1/openAlgoOrders", algo_extra=_ALGO),
    Manner(
        orders="/papi/v1/um",
        algos="/papi/v1/um/algo/order",
        open_algos="/papi/v1/um/algo/openAlgoOrders",
        algo_extra=_ALGO,
    ),
    Manner(
        orders="/papi/v1/cm",
        algos="/papi/v1/cm/conditional/order",
        open_algos="/papi/v1/cm/conditional/openOrders",
        algo_names=("strategyType", "stopPrice", "strategyId"),
    ),
    Manner(orders="/eapi/v1", client_id="clientOrderId", has_market_orders=False),
)


def manner_of(desk: TradedDesk, contract: Contract) -> Manner:
    """Return how a contract is traded on a desk.

    Raises:
        ValueError: it is not.
    """
    inverse = contract.contract_size is not None
    for manner in MANNERS:
        unit = manner.orders.rpartition("/")[2]
        if ("POST", f"{manner.orders}/order") in desk.routes and unit != ("um" if inverse else "cm"):
            return manner
    raise ValueError(f"there is no way to trade {contract.name}")


class DeskTrader:
    """One account on one contract. The account needs some of what its margin is of; a maker's account is opened.

    Args:
        price: where the price starts to wander from.
        seed: what it does; the same does the same on a desk in the same state.

    Raises:
        ValueError: the desk has no such contract.
    """

    def __init__(self, desk: TradedDesk, uid: int, symbol: str, price: str | Decimal, seed: int = 0) -> None:
        contract = desk.find_contract(symbol)
        if contract is None:
            raise ValueError(f"the desk has no {symbol}")
        self._desk = desk
        self._uid = uid
        self._contract = contract
        self._manner = manner_of(desk, contract)
        self._price = floor_to(Decimal(price), contract.tick_size)
        self._random = Random(seed)
        self._placed = 0
        self._maker = FIRST_MAKER_UID
        while desk.has(self._maker):
            self._maker += 1
        desk.open_account(self._maker, dict.fromkeys(("USDT", contract.base), MAKER_FUNDS))
        desk.set_mark_price(symbol, self._price)

    def act(self) -> str:
        """Do one thing and return what it was; ``refused`` if the desk did not want to."""
        self._wander()
        orders = self._ask(f"{self._manner.orders}/openOrders")
        algos = self._ask(self._manner.open_algos) if self._manner.algos else []
        try:
            return self._choose(len(orders), len(algos))(orders, algos)
        except Refusal:
            # A purse can run empty, and the market can move under an order that must not take.
            return "refused"

    def _choose(self, orders: int, algos: int) -> Callable[[Sequence[dict[str, Any]], Sequence[dict[str, Any]]], str]:
        has_algos = self._manner.algos is not None
        weights = {
            self._place: 8 if orders < MOST_OPEN else 0,
            self._take: 2,
            self._fill: 4 if orders else 0,
            self._modify: 1 if orders and self._manner.has_market_orders else 0,
            self._cancel: 2 if orders else 0,
            self._place_algo: 2 if has_algos and algos < MOST_OPEN else 0,
            self._trigger_algo: 1 if algos else 0,
            self._cancel_algo: 1 if algos else 0,
        }
        return self._random.choices(list(weights), list(weights.values()))[0]

    def _wander(self) -> None:
        tick = self._contract.tick_size
        step = max(tick, floor_to(self._price / 4000, tick))
        self._price = max(self._price + step * self._random.randint(-1, 1), 20 * tick)

    def _away(self) -> Decimal:
        """Return a distance that keeps an order from being met by chance."""
        tick = self._contract.tick_size
        return max(tick, floor_to(self._price * self._random.randint(5, 30) / 1000, tick))

    def _quantity(self) -> Decimal:
        step = self._contract.step_size
        least = step
        if self._contract.contract_size is None:
            least += floor_to(2 * self._contract.min_notional / self._price, step)
        return least * self._random.randint(1, 4)

    def _side(self) -> str:
        return self._random.choice(("BUY", "SELL"))

    def _ask(self, path: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self._desk.call(self._uid, "GET", path, {"symbol": self._contract.name})
        return rows

    def _send(self, uid: int, verb: str, path: str, **params: Any) -> Any:
        return self._desk.call(uid, verb, path, {"symbol": self._contract.name, **params})

    def _order(self, uid: int, side: str, quantity: Decimal, price: Decimal, time_in_force: str, **more: Any) -> Any:
        params = {"side": side, "type": "LIMIT", "quantity": quantity, "price": price, "timeInForce": time_in_force}
        return self._send(uid, "POST", f"{self._manner.orders}/order", **params, **more)

    def _place(self, orders: Sequence[dict[str, Any]], algos: Sequence[dict[str, Any]]) -> str:
        side = self._side()
        price = self._price - self._away() if side == "BUY" else self._price + self._away()
        self._placed += 1
        name = "clientOrderId" if self._manner.client_id == "clientOrderId" else "newClientOrderId"
        self._order(self._uid, side, self._quantity(), price, "GTX", **{name: f"trader-{self._uid}-{self._placed}"})
        return "place"

    def _fill(self, orders: Sequence[dict[str, Any]], algos: Sequence[dict[str, Any]]) -> str:
        """Let the maker meet the best order of one side, wholly or in part."""
        side = self._random.choice(orders)["side"]
        candidates = [order for order in orders if order["side"] == side]
        best = (max if side == "BUY" else min)(candidates, key=lambda order: Decimal(order["price"]))
        left = Decimal(best["origQty" if "origQty" in best else "quantity"]) - Decimal(best["executedQty"])
        part = max(self._contract.step_size, floor_to(left / self._random.choice((1, 1, 2)), self._contract.step_size))
        self._order(self._maker, "SELL" if side == "BUY" else "BUY", part, Decimal(best["price"]), "IOC")
        return "fill"

    def _take(self, orders: Sequence[dict[str, Any]], algos: Sequence[dict[str, Any]]) -> str:
        """Let the maker offer something, and take it."""
        side, quantity = self._side(), self._quantity()
        offered = self._order(self._maker, "SELL" if side == "BUY" else "BUY", quantity, self._price, "GTC")
        try:
            if self._manner.has_market_orders:
                place = f"{self._manner.orders}/order"
                self._send(self._uid, "POST", place, side=side, type="MARKET", quantity=quantity)
            else:
                self._order(self._uid, side, quantity, self._price, "IOC")
        finally:
            self._withdraw(offered["orderId"])
        return "take"

    def _withdraw(self, order_id: int) -> None:
        """Take the maker's offer back, of which nothing may be left."""
        rows = self._desk.call(self._maker, "GET", f"{self._manner.orders}/openOrders", {"symbol": self._contract.name})
        if any(row["orderId"] == order_id for row in rows):
            self._send(self._maker, "DELETE", f"{self._manner.orders}/order", orderId=order_id)

    def _modify(self, orders: Sequence[dict[str, Any]], algos: Sequence[dict[str, Any]]) -> str:
        order = self._random.choice(orders)
        tick = self._contract.tick_size * self._random.randint(1, 3)
        price = Decimal(order["price"]) + (-tick if order["side"] == "BUY" else tick)
        self._placed += 1
        self._send(
            self._uid,
            "PUT",
            f"{self._manner.orders}/order",
            orderId=order["orderId"],
            side=order["side"],
            price=price,
            quantity=order["origQty"],
            modifyId=f"modify-{self._placed}",
        )
        return "modify"

    def _cancel(self, orders: Sequence[dict[str, Any]], algos: Sequence[dict[str, Any]]) -> str:
        order = self._random.choice(orders)
        self._send(
            self._uid,
            "DELETE",
            f"{self._manner.orders}/order",
            **{self._manner.client_id: order["clientOrderId"]},
        )
        return "cancel"

    def _place_algo(self, orders: Sequence[dict[str, Any]], algos: Sequence[dict[str, Any]]) -> str:
        side = self._side()
        kind, trigger, _ = self._manner.algo_names
        price = self._price + self._away() if side == "BUY" else self._price - self._away()
        self._send(
            self._uid,
            "POST",
            str(self._manner.algos),
            side=side,
            quantity=self._quantity(),
            workingType="MARK_PRICE",
            **{kind: "STOP_MARKET", trigger: price},
            **self._manner.algo_extra,
        )
        return "place algo"

    def _trigger_algo(self, orders: Sequence[dict[str, Any]], algos: Sequence[dict[str, Any]]) -> str:
        """Move the mark price as far as a conditional order waits for, and back; the maker takes what comes of it."""
        algo = self._random.choice(algos)
        trigger = Decimal(algo[self._manner.algo_names[1]])
        quantity = Decimal(algo["quantity" if "quantity" in algo else "origQty"])
        offered = self._order(self._maker, "SELL" if algo["side"] == "BUY" else "BUY", quantity, self._price, "GTC")
        self._desk.set_mark_price(self._contract.name, trigger)
        self._desk.set_mark_price(self._contract.name, self._price)
        self._withdraw(offered["orderId"])
        return "trigger algo"

    def _cancel_algo(self, orders: Sequence[dict[str, Any]], algos: Sequence[dict[str, Any]]) -> str:
        algo_id = self._manner.algo_names[2]
        params = {algo_id: self._random.choice(algos)[algo_id]}
        if algo_id == "strategyId":
            params["symbol"] = self._contract.name
        self._desk.call(self._uid, "DELETE", str(self._manner.algos), params)
        return "cancel algo"
