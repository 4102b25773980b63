"""What a complete gap proves, told as the same stories of every product that has orders.

Each story is one in which an order's reports are lost. Where the answers cannot show them, the gap must not be called
complete.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import attrs
import pytest
from futures_scene import BOB as FUTURES_BOB
from futures_scene import COINM, USDM, Kind
from futures_scene import Link as FuturesLink
from futures_scene import Market as FuturesMarket
from recovery_desk_scene import BOB, CALL, DeskLink, OptionsScene
from recovery_margin_scene import MarginLink, MarginMarket
from recovery_scene import Link as SpotLink
from recovery_scene import Market as SpotMarket
from test_portfolio_recovery import ALICE as PM_ALICE
from test_portfolio_recovery import BOB as PM_BOB
from test_portfolio_recovery import Account as PortfolioAccount
from test_portfolio_recovery import unit_of
from test_stocks_recovery import Scene as StocksScene
from trio.testing import MockClock

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError
from trio_binance_uds.events import Event
from trio_binance_uds.products import SPOT
from trio_binance_uds.stream.recovery import Recovered, Recoverer, Recovery, recoverer_for
from trio_binance_uds.stream.recovery.contract import LOST_MEANWHILE

Request = Callable[..., Awaitable[Any]]
Bend = Callable[[Any], Any]
# By these the venue tells of orders that have ended; the trades of an account have ids that some routes go by.
HISTORIES = ("allOrders", "historyOrders", "order/history", "allOrderList")
TRADES = ("myTrades", "userTrades", "order/detail", "trade/history")


@attrs.define
class Account:
    """An account, its stream of which events are lost, and the answers that the venue gives.

    Attributes:
        bent: what is done to the answers of routes whose names end like this.
        meanwhile: what happens when the open orders are asked for, once.
    """

    recoverer: Recoverer
    request: Request
    now: Callable[[], datetime]
    later: Callable[[float], object]
    place: Callable[[], Any]
    cancel: Callable[[Any], object]
    fill: Callable[[Any, str], object]
    sent: Callable[[], list[Event]]
    delivered: list[Event] = attrs.Factory(list)
    position: int = 0
    whole_until: datetime = attrs.Factory(lambda self: self.now(), takes_self=True)
    bent: dict[str, Bend] = attrs.Factory(dict)
    meanwhile: Callable[[], object] | None = None
    asked: list[tuple[str, dict[str, Any]]] = attrs.Factory(list)

    async def ask(self, method: str, params: Any = None) -> Any:
        self.asked.append((method, dict(params or {})))
        if self.meanwhile is not None and "open" in method and "OrderList" not in method:
            self.meanwhile, happens = None, self.meanwhile
            happens()
        answer = await self.request(method, params)
        for route, bend in self.bent.items():
            if method.endswith(route):
                answer = bend(answer)
        return answer

    async def begin(self) -> None:
        await self.recoverer.take_baseline(self.ask, ExactClock(self.now))
        assert not self.recoverer.no_baseline_because
        self.skip()
        self.later(60)
        self.whole_until = self.now()

    def skip(self) -> None:
        """Lose all that was sent."""
        self.position = len(self.sent())

    def deliver(self) -> None:
        for event in self.sent()[self.position :]:
            self.tell(event)
        self.skip()
        self.whole_until = self.now()

    def tell(self, event: Event) -> None:
        self.delivered.append(event)
        self.recoverer.observe(event)

    async def heal(self) -> Recovered:
        """Recover what was lost since the stream was whole, and deliver that."""
        since = self.whole_until
        found = await self.recoverer.recover(self.ask, since, ExactClock(self.now))
        self.skip()
        self.recoverer.note_gap(since, self.now(), complete=found.complete)
        for event in found.events:
            self.tell(event)
        self.whole_until = self.now()
        return found

    def told_of(self, order: Any) -> list[str]:
        """What was delivered of an order: its statuses."""
        reports = [event for event in self.delivered if getattr(event, "order_id", None) == order]
        return [str(getattr(event, "order_status")) for event in reports if hasattr(event, "order_status")]  # noqa: B009

    def hide(self, routes: tuple[str, ...], wanted: Callable[[Any], bool]) -> None:
        """Leave rows out of answers."""

        def bend(answer: Any) -> Any:
            if isinstance(answer, list):
                return [row for row in answer if not wanted(row)]
            lists = {name: bend(rows) for name, rows in answer.items() if isinstance(rows, list)}
            return {**answer, **lists}

        self.bent.update(dict.fromkeys(routes, bend))


def spot() -> Account:
    market = SpotMarket()
    return Account(
        recoverer=recoverer_for(SPOT, Recovery(symbols=("BTCUSDT",))),
        request=SpotLink(market).request,
        now=market.now,
        later=market.tick,
        place=lambda: market.limit("SELL", "1", "20000")["orderId"],
        cancel=lambda order: market.call(market.alice, "order.cancel", symbol="BTCUSDT", orderId=order),
        fill=lambda order, part: market.limit("BUY", part, "20000", market.bob),
        sent=market.sent,
    )


def margin() -> Account:
    market = MarginMarket()
    return Account(
        recoverer=recoverer_for(market.product, Recovery(symbols=("BTCUSDT",))),
        request=MarginLink(market).request,
        now=market.now,
        later=market.tick,
        place=lambda: market.limit("SELL", "1", "20000")["orderId"],
        cancel=lambda order: market.call(market.alice, "order.cancel", symbol="BTCUSDT", orderId=order),
        fill=lambda order, part: market.limit("BUY", part, "20000", market.bob),
        sent=market.sent,
    )


def futures(kind: Kind, unit: int) -> Account:
    """COIN-M goes by whole contracts: what is one elsewhere is ten of them."""
    market = FuturesMarket(kind)

    def fill(order: Any, part: str) -> Any:
        return market.limit("BUY", f"{float(part) * unit:g}", "20000", FUTURES_BOB)

    return Account(
        recoverer=recoverer_for(kind.product, Recovery(symbols=(market.symbol,))),
        request=FuturesLink(market).request,
        now=market.now,
        later=market.tick,
        place=lambda: market.limit("SELL", str(unit), "20000")["orderId"],
        cancel=lambda order: market.call("DELETE /v1/order", symbol=market.symbol, orderId=order),
        fill=fill,
        sent=market.sent,
    )


def portfolio(symbol: str, unit: int) -> Account:
    """UM or CM of a Portfolio Margin account; CM goes by whole contracts."""
    pm = PortfolioAccount(Recovery(symbols=("BTCUSDT", symbol), max_weight=6000))
    route = f"/papi/v1/{unit_of(symbol)}/order"

    def place(side: str, quantity: float, uid: int) -> Any:
        terms = {"symbol": symbol, "side": side, "type": "LIMIT", "timeInForce": "GTC", "price": "20000"}
        return pm.call(f"POST {route}", uid, **terms, quantity=f"{quantity:g}")

    return Account(
        recoverer=pm.recoverer,
        request=pm.request,
        now=pm.now,
        later=pm.tick,
        place=lambda: place("SELL", unit, PM_ALICE)["orderId"],
        cancel=lambda order: pm.call(f"DELETE {route}", symbol=symbol, orderId=order),
        fill=lambda order, part: place("BUY", float(part) * unit, PM_BOB),
        sent=pm.sent,
    )


def options() -> Account:
    scene = OptionsScene()
    return Account(
        recoverer=recoverer_for(scene.product, Recovery(symbols=(CALL,))),
        request=DeskLink(scene).request,
        now=scene.now,
        later=scene.tick,
        place=lambda: scene.place("SELL", "1", "1300")["orderId"],
        cancel=lambda order: scene.call("DELETE order", symbol=CALL, orderId=order),
        fill=lambda order, part: scene.place("BUY", part, "1300", BOB),
        sent=scene.sent,
    )


def stocks() -> Account:
    scene = StocksScene()
    return Account(
        recoverer=scene.recoverer,
        request=scene.request,
        now=scene.now,
        later=scene.later,
        place=lambda: scene.place("1"),
        cancel=scene.cancel,
        fill=scene.fill,
        sent=lambda: list(scene.events()),
    )


ACCOUNTS: dict[str, Callable[[], Account]] = {
    "spot": spot,
    "margin": margin,
    "usdm": lambda: futures(USDM, 1),
    "coinm": lambda: futures(COINM, 10),
    "um": lambda: portfolio("BTCUSDT", 1),
    "cm": lambda: portfolio("BTCUSD_PERP", 10),
    "options": options,
    "stocks": stocks,
}
every_product = pytest.mark.parametrize("product", ACCOUNTS)


@every_product
async def test_an_order_that_came_and_went_is_told_whole(product: str, autojump_clock: MockClock) -> None:
    account = ACCOUNTS[product]()
    await account.begin()
    order = account.place()
    account.later(1)
    account.cancel(order)
    account.later(60)
    found = await account.heal()
    assert found.complete, found.detail
    assert len(account.told_of(order)) >= 1
    assert account.told_of(order)[-1].upper() == "CANCELED"


@every_product
async def test_a_history_that_lags_behind_what_was_delivered_leaves_the_gap_unproven(
    product: str, autojump_clock: MockClock
) -> None:
    account = ACCOUNTS[product]()
    await account.begin()
    told = account.place()
    account.later(1)
    account.cancel(told)
    account.deliver()
    account.later(0.5)
    lost = account.place()
    account.cancel(lost)
    account.hide(HISTORIES, lambda row: True)
    account.later(5)
    found = await account.heal()
    assert account.told_of(lost) == []
    assert not found.complete
    assert "behind" in found.detail


@every_product
async def test_a_link_that_dies_while_the_baseline_is_asked_for_leaves_the_gap_unproven_or_told_whole(
    product: str, autojump_clock: MockClock
) -> None:
    account = ACCOUNTS[product]()
    order = account.place()
    account.later(7200)
    account.whole_until = account.now()

    def ends() -> None:
        account.later(0.3)
        account.cancel(order)
        account.later(0.3)

    account.meanwhile = ends
    await account.recoverer.take_baseline(account.ask, ExactClock(account.now))
    account.later(1)
    found = await account.heal()
    is_told = account.told_of(order) != []
    assert is_told or not found.complete
    assert is_told or LOST_MEANWHILE in found.detail


# How long each product lists orders that ended without a fill. What stocks keep is not known.
KEPT_DAYS = {"spot": 90, "margin": 90, "usdm": 3, "coinm": 3, "um": 3, "cm": 3, "options": 5}


@pytest.mark.parametrize("product", KEPT_DAYS)
async def test_a_gap_that_is_longer_than_orders_are_kept_is_unproven(product: str, autojump_clock: MockClock) -> None:
    account = ACCOUNTS[product]()
    await account.begin()
    account.cancel(account.place())
    account.later(KEPT_DAYS[product] * 86_400 + 3600)
    found = await account.heal()
    assert not found.complete
    assert f"not listed any more when they are older than {KEPT_DAYS[product]} days" in found.detail


@pytest.mark.parametrize(
    "product", ["usdm", "coinm", "um", "cm", "options"]
)  # The others list orders by their last change.
async def test_an_order_of_an_unproven_gap_that_is_forgotten_by_now_leaves_the_next_gap_unproven(
    product: str, autojump_clock: MockClock
) -> None:
    account = ACCOUNTS[product]()
    await account.begin()
    lost = account.place()
    account.later(5)

    def refuse(answer: Any) -> Any:
        raise ApiError(method="", status=500, code=-1000, msg="An unknown error occurred")

    account.bent["openOrders"] = refuse
    account.hide(HISTORIES, lambda row: True)
    assert not (await account.heal()).complete
    account.bent.clear()
    account.later(KEPT_DAYS[product] * 86_400)
    account.whole_until = account.now()
    account.cancel(lost)
    account.later(5)
    found = await account.heal()
    assert account.told_of(lost) != [] or not found.complete


@pytest.mark.parametrize("days", [1, 2.9])
@every_product
async def test_a_gap_of_days_is_asked_for_in_windows_that_the_venue_takes(
    product: str, days: float, autojump_clock: MockClock
) -> None:
    account = ACCOUNTS[product]()
    await account.begin()
    account.later(days * 86_400 - 3600)
    order = account.place()
    account.later(1)
    account.cancel(order)
    account.later(3600)
    found = await account.heal()
    assert found.complete, found.detail
    assert account.told_of(order)[-1].upper() == "CANCELED"


async def test_options_are_asked_for_up_to_the_last_hour_that_they_are_kept(autojump_clock: MockClock) -> None:
    for hours in (90, 110, 119):
        account = options()
        await account.begin()
        account.later((hours - 1) * 3600)
        order = account.place()
        account.cancel(order)
        account.later(3600)
        found = await account.heal()
        assert found.complete, found.detail
        assert account.told_of(order) == ["NEW", "CANCELED"]


@every_product
async def test_a_fill_that_is_listed_late_leaves_no_order_open_for_ever(
    product: str, autojump_clock: MockClock
) -> None:
    account = ACCOUNTS[product]()
    await account.begin()
    order = account.place()
    account.later(1)
    account.fill(order, "0.2")
    account.deliver()
    account.later(60)
    account.whole_until = account.now()
    account.fill(order, "0.3")
    account.later(1)
    account.fill(order, "0.5")
    account.later(1)
    account.hide(TRADES, _is_of("0.3"))
    first = await account.heal()
    assert not first.complete
    assert account.told_of(order)[-1].upper() == "FILLED"
    account.bent.clear()
    for _ in range(2):
        account.later(60)
        account.whole_until = account.now()
        last = await account.heal()
    assert last.complete, last.detail
    assert [status.upper() for status in account.told_of(order)].count("FILLED") == 1


def _is_of(part: str) -> Callable[[Any], bool]:
    """Whether a row is a fill of so much; contracts of COIN-M are ten for one."""
    wanted = {float(part), 10 * float(part)}
    return lambda row: abs(float(row.get("qty", row.get("quantity", 0)))) in wanted
