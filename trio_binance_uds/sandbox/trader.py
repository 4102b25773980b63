"""A trader that keeps an account busy: it places, amends, cancels and fills orders by a seed, for demos and tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from decimal import Decimal
from random import Random
from typing import Any

import attrs
import trio

from trio_binance_uds.sandbox.accounts import SandboxAccount
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.server import Sandbox

_MOST_OPEN = 8
_MAKER_FUNDS = "100000000"


@attrs.frozen(kw_only=True)
class TraderReport:
    """What a trader has done.

    Attributes:
        actions: how often it did what: ``place``, ``fill``, ``take``, ``amend``, ``cancel``, ``refused``.
        events: how many events the account got of that.
    """

    actions: Mapping[str, int]
    events: int


class _Trader:
    """One account on one symbol, against a maker who has enough of everything."""

    def __init__(
        self,
        sandbox: Sandbox,
        account: SandboxAccount,
        symbol: str,
        price: Decimal,
        random: Random,
        *,
        amends: bool = True,
    ) -> None:
        self._account = account
        self._amends = amends
        self._symbol = sandbox.exchange.symbols[symbol]
        funds = {self._symbol.base: _MAKER_FUNDS, self._symbol.quote: _MAKER_FUNDS}
        self._maker = sandbox.exchange.add_account(funds)
        self._exchange = sandbox.exchange
        self._random = random
        self._price = price
        self._orders = 0

    def act(self) -> str:
        """Do one thing and return what it was."""
        self._wander()
        try:
            open_orders = self._account.call("openOrders.status", symbol=self._symbol.name)
            action = self._choose(len(open_orders))
            return action(open_orders)
        except Refusal:
            # A purse can run empty, and a step can be too small for a filter: the next one will do.
            return "refused"

    def _choose(self, open_orders: int) -> Callable[[list[dict[str, Any]]], str]:
        if open_orders == 0:
            return self._place
        actions = (self._place, self._fill, self._take, self._amend, self._cancel)
        weights = (8 if open_orders < _MOST_OPEN else 0, 4, 2, 1 if self._amends else 0, 2)
        return self._random.choices(actions, weights)[0]

    def _wander(self) -> None:
        step = self._symbol.tick_size * self._random.randint(-20, 20)
        self._price = max(self._price + step, 1000 * self._symbol.tick_size)

    def _quantity(self, price: Decimal) -> Decimal:
        notional = self._symbol.min_notional * self._random.randint(2, 6)
        return self._in_steps(notional / price) + self._symbol.step_size

    def _in_steps(self, quantity: Decimal) -> Decimal:
        return quantity // self._symbol.step_size * self._symbol.step_size

    def _order(self, side: str, type: str, quantity: Decimal, **more: Any) -> dict[str, Any]:
        return {"symbol": self._symbol.name, "side": side, "type": type, "quantity": quantity, **more}

    def _place(self, open_orders: list[dict[str, Any]]) -> str:
        side = self._random.choice(("BUY", "SELL"))
        # Far enough from the middle never to meet an order of its own on the other side.
        away = self._symbol.tick_size * self._random.randint(500, 900)
        price = self._price - away if side == "BUY" else self._price + away
        self._orders += 1
        name = f"trader-{self._account.uid}-{self._orders}"
        self._account.call(
            "order.place",
            self._order(side, "LIMIT_MAKER", self._quantity(price), price=price, newClientOrderId=name),
        )
        return "place"

    def _fill(self, open_orders: list[dict[str, Any]]) -> str:
        """Let the maker meet the best order of one side, wholly or in part."""
        side = self._random.choice(open_orders)["side"]
        candidates = [order for order in open_orders if order["side"] == side]
        best = (max if side == "BUY" else min)(candidates, key=lambda order: Decimal(order["price"]))
        left = Decimal(best["origQty"]) - Decimal(best["executedQty"])
        part = self._in_steps(left / self._random.choice((1, 1, 2)))
        opposite = "SELL" if side == "BUY" else "BUY"
        order = self._order(opposite, "LIMIT", part, price=best["price"], timeInForce="IOC")
        self._exchange.call(self._maker, "order.place", order)
        return "fill"

    def _take(self, open_orders: list[dict[str, Any]]) -> str:
        """Let the maker offer something, and take it with a market order."""
        side = self._random.choice(("BUY", "SELL"))
        quantity = self._quantity(self._price)
        offer = self._order("SELL" if side == "BUY" else "BUY", "LIMIT_MAKER", quantity, price=self._price)
        offered = self._exchange.call(self._maker, "order.place", offer)
        try:
            self._account.call("order.place", self._order(side, "MARKET", quantity))
        except Refusal:
            order = {"symbol": self._symbol.name, "orderId": offered["orderId"]}
            self._exchange.call(self._maker, "order.cancel", order)
            raise
        return "take"

    def _amend(self, open_orders: list[dict[str, Any]]) -> str:
        order = self._random.choice(open_orders)
        less = Decimal(order["origQty"]) - self._symbol.step_size
        self._account.call("order.amend.keepPriority", symbol=self._symbol.name, orderId=order["orderId"], newQty=less)
        return "amend"

    def _cancel(self, open_orders: list[dict[str, Any]]) -> str:
        order = self._random.choice(open_orders)
        self._account.call("order.cancel", symbol=self._symbol.name, orderId=order["orderId"])
        return "cancel"


async def run_trader(
    sandbox: Sandbox,
    account: SandboxAccount,
    *,
    seed: int = 0,
    events: int | None = None,
    duration: float | None = None,
    rate: float | None = None,
    symbol: str = "BTCUSDT",
    price: str = "50000",
    amends: bool = True,
) -> TraderReport:
    """Trade on an account until it has got so many events, or for so many seconds, whichever comes first.

    The account needs something of both assets of the symbol. The same seed does the same things in the same order.

    Args:
        events: how many, at least; a last action may bring a few more.
        duration: in seconds.
        rate: actions per second; without it as fast as other tasks allow.
        price: where the price starts to wander from.
        amends: whether it makes orders smaller, which margin accounts cannot.

    Raises:
        ValueError: nothing says when to stop: neither ``events``, nor ``duration`` with a ``rate``.
    """
    if events is None and (duration is None or rate is None):
        # Without a rate no time passes on a virtual clock.
        raise ValueError("say when to stop: give events, or duration and rate")
    trader = _Trader(sandbox, account, symbol, Decimal(price), Random(seed), amends=amends)
    journal = sandbox.exchange.journal
    done: Counter[str] = Counter()
    got, seen = 0, len(journal)
    end = float("inf") if duration is None else trio.current_time() + duration
    # An account without funds gets no events: it must not be tried for ever.
    patience = None if events is None else 100 + 20 * events
    while trio.current_time() < end and (events is None or got < events) and patience != 0:
        done[trader.act()] += 1
        got += sum(1 for _ in journal.entries(account.exchange_account, seen))
        seen = len(journal)
        patience = None if patience is None else patience - 1
        if rate is None:
            await trio.lowlevel.checkpoint()
        else:
            await trio.sleep(1 / rate)
    return TraderReport(actions=dict(done), events=got)
