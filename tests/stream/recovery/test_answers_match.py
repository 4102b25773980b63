"""An answer that is about something else than its question is no answer: nothing of it is delivered, and it is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs
import pytest
import trio
from futures_scene import ALICE as FUTURES_ALICE
from futures_scene import KINDS
from futures_scene import Market as FuturesMarket
from futures_scene import Stream as FuturesStream
from futures_scene import Trader as FuturesTrader
from recovery_desk_scene import Borrower, DeskStream, OptionsScene, OptionsTrader, RiskScene
from recovery_margin_scene import BOTH, MarginMarket, MarginStream, MarginTrader
from recovery_scene import Market, Stream, Trader
from test_portfolio_recovery import Account
from test_portfolio_recovery import Trader as PortfolioTrader
from test_stocks_recovery import Scene as StocksScene

from trio_binance_uds.events import Event
from trio_binance_uds.products import CROSS_MARGIN, isolated_margin
from trio_binance_uds.stream.recovery.contract import Recovered
from trio_binance_uds.stream.recovery.inquiry import Inquiry, Question
from trio_binance_uds.stream.recovery.matching import Whose, check_answer
from trio_binance_uds.stream.recovery.reading import Unreadable

START, END = 1_900_000_000_000, 1_900_000_060_000
WINDOW = {"startTime": START, "endTime": END}


@pytest.mark.parametrize(
    ("params", "answer"),
    [
        ({}, None),
        ({}, [{"symbol": "ETHUSDT"}]),
        ({"symbol": "BTCUSDT"}, [{"symbol": "BTCUSDT"}, {"orderId": 5}, 7, None]),
        ({"symbol": "BTCUSDT"}, {"symbol": "BTCUSDT", "orders": [{"symbol": "BTCUSDT"}]}),
        ({"symbol": "BTCUSDT"}, []),
        ({"symbol": "BTCUSDT"}, "junk"),
        ({"orderId": 5}, [{"orderId": 5}, {"orderId": "5"}]),
        ({"orderId": 5}, [{"takerOrderId": 4, "makerOrderId": 5}, {"takerOrderId": 5, "makerOrderId": 6}]),
        ({"isIsolated": "TRUE"}, [{"isIsolated": True}, {"isIsolated": None}]),
        ({"isIsolated": "FALSE"}, [{"isIsolated": False}]),
        ({"isolatedSymbol": "BTCUSDT"}, {"rows": [{"isolatedSymbol": "BTCUSDT"}, {}]}),
        ({"symbols": "BTCUSDT"}, {"assets": [{"symbol": "BTCUSDT"}]}),
        ({"symbols": ["BTCUSDT", "ETHUSDT"]}, {"symbols": [{"symbol": "ETHUSDT"}]}),
        ({"fromId": 5}, [{"id": 5}, {"id": 6}, {"id": "x"}]),
        (WINDOW, [{"time": START}, {"time": END}, {"time": 1000 * START}, {"time": START - 999}, {"time": 0}]),
        (WINDOW, [{"time": START - 10**9, "updateTime": END + 10**9}, {"createTime": START - 1, "updateTime": END}]),
        ({"startTime": START}, [{"time": START + 10**9}, {"time": "soon"}]),
        ({"endTime": END}, [{"time": 1}]),
    ],
)
def test_what_may_be_an_answer_passes(params: Mapping[str, Any], answer: Any) -> None:
    check_answer(params, answer)


@pytest.mark.parametrize(
    ("params", "answer", "problem"),
    [
        ({"symbol": "BTCUSDT"}, [{"symbol": "BTCUSDT"}, {"symbol": "ETHUSDT"}], "symbol 'ETHUSDT', not 'BTCUSDT'"),
        ({"symbol": "BTCUSDT"}, {"symbol": "ETHUSDT"}, "ETHUSDT"),
        ({"symbol": "BTCUSDT"}, [{"symbol": "btcusdt"}], "btcusdt"),
        ({"symbol": "BTCUSDT"}, [{"symbol": "\x1b[2K\n" + "x" * 10**6}], r"\\x1b\[2K\\n"),
        ({"orderId": 5}, {"orderId": 6}, "orderId '6'"),
        ({"orderId": 5}, [{"takerOrderId": 4, "makerOrderId": 6}], "orderId"),
        ({"orderListId": 5}, {"orderListId": 6}, "orderListId"),
        ({"preventedMatchId": 5}, [{"preventedMatchId": 6}], "preventedMatchId"),
        ({"algoId": 5}, {"algoId": 6}, "algoId"),
        ({"strategyId": 5}, {"strategyId": 6}, "strategyId"),
        ({"isIsolated": "TRUE"}, [{"isIsolated": False}], "isIsolated"),
        ({"isIsolated": "FALSE"}, [{"isIsolated": True}], "isIsolated"),
        ({"isolatedSymbol": "BTCUSDT"}, {"rows": [{"isolatedSymbol": "ETHUSDT"}]}, "isolatedSymbol"),
        ({"symbols": "BTCUSDT"}, {"assets": [{"symbol": "ETHUSDT"}]}, "ETHUSDT"),
        ({"symbols": ["BTCUSDT"]}, {"symbols": [{"symbol": "ETHUSDT"}]}, "ETHUSDT"),
        ({"fromId": 5}, [{"id": 4}], "was to begin at 5"),
        (WINDOW, [{"time": START - 1001}], "another time"),
        (WINDOW, {"rows": [{"timestamp": END + 1001}]}, "another time"),
        (WINDOW, [{"createTime": START - 10**6, "updateTime": START - 10**5}], "another time"),
        (WINDOW, [{"createDate": 1000 * (END + 10**6)}], "another time"),
    ],
)
def test_what_is_about_something_else_is_no_answer(params: Mapping[str, Any], answer: Any, problem: str) -> None:
    with pytest.raises(Unreadable, match=problem) as caught:
        check_answer(params, answer)
    assert len(str(caught.value)) < 150
    assert str(caught.value).isprintable()


def test_answers_are_one_accounts() -> None:
    whose = Whose()
    mine: dict[str, Any] = {"uid": 1, "balances": []}
    for answer in (None, [], [{"accountAlias": ""}], mine, [{"accountAlias": "a"}, {"accountAlias": "a"}], mine):
        whose.check(answer)
    for stranger in ({"uid": 2}, [{"accountAlias": "b"}], [{"accountAlias": "a"}, {"accountAlias": "b"}]):
        with pytest.raises(Unreadable, match="another account's"):
            whose.check(stranger)
    with pytest.raises(Unreadable, match="another account's"):
        Whose().check([{"uid": 1}, {"uid": 2}])


async def test_an_answer_that_does_not_match_is_not_used(autojump_clock: trio.abc.Clock) -> None:
    async def request(method: str, params: Any) -> Any:
        await trio.lowlevel.checkpoint()
        return [{"symbol": "ETHUSDT"}]

    used: list[Any] = []
    inquiry = Inquiry(request, 100)
    question = Question(method="m", params={"symbol": "BTCUSDT"}, weight=1, about="the orders", use=used.append)
    await inquiry.ask([question])
    assert used == []
    assert inquiry.reasons() == ["the orders: the answer is about symbol 'ETHUSDT', not 'BTCUSDT'"]


# Through the recovery of each product.


Request = Callable[[str, Mapping[str, Any] | None], Awaitable[Any]]


@attrs.define
class Stranger:
    """Answers some questions, in a recovery, with rows that are about something else."""

    inner: Request
    route: str
    changes: Mapping[str, Any]
    changed: int = 0
    active: bool = False

    async def request(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        answer = await self.inner(method, params)
        if not self.active or not method.endswith(self.route):
            return answer
        rows = answer["rows"] if isinstance(answer, dict) and "rows" in answer else answer
        for row in rows if isinstance(rows, list) else [rows]:
            self.changed += 1
            row.update({name: make(row[name]) if callable(make) else make for name, make in self.changes.items()})
        return answer


@attrs.frozen
class Case:
    """A stream that was broken while much happened, and what makes good what it missed."""

    link: Any
    recover: Callable[[], Awaitable[Recovered]]


async def spot() -> Case:
    market = Market()
    stream = Stream(market)
    await stream.start()
    trader = Trader(market, 1)
    for _ in range(60):
        trader.step()
    return Case(stream.link, lambda: stream.recover(len(market.exchange.journal.events(market.alice))))


async def margin(product: Any = BOTH) -> Case:
    market = MarginMarket(product)
    stream = MarginStream(market)
    await stream.start()
    trader = MarginTrader(market, 1)
    for _ in range(60):
        trader.step()
    return Case(stream.link, lambda: stream.recover(len(market.sent())))


async def futures(kind: str) -> Case:
    market = FuturesMarket(KINDS[kind])
    stream = FuturesStream(market)
    await stream.start()
    FuturesTrader(market, 1).steps(60)
    return Case(stream.link, lambda: stream.recover(len(market.desk.journal.events(FUTURES_ALICE))))


async def options() -> Case:
    scene = OptionsScene()
    stream = DeskStream(scene)
    await stream.start()
    OptionsTrader(scene, 1).steps(60)
    return Case(stream.link, stream.recover)


async def risk() -> Case:
    scene = RiskScene()
    stream = DeskStream(scene)
    await stream.start()
    Borrower(scene, 1).steps(30)
    return Case(stream.link, stream.recover)


class _Stocks(StocksScene):
    """The scene with room for another way to ask."""


async def stocks() -> Case:
    scene = _Stocks()
    await scene.begin()
    for quantity in ("10", "4"):
        order = scene.place(quantity)
        scene.fill(order, "2.5")
        scene.fill(order, "1.5")
    return Case(scene, scene.recover)


async def portfolio() -> Case:
    account = Account()
    await account.start()
    PortfolioTrader(account, 1).steps(80)
    return Case(account, account.missed)


def later(stamp: int) -> int:
    return stamp + 90 * 86_400_000


def next_id(number: int) -> int:
    return number + 1_000_000


OTHER: Mapping[str, Any] = {"symbol": "STRANGER"}
LATER: Mapping[str, Any] = dict.fromkeys(("time", "updateTime", "createTime", "createDate", "timestamp"), later)


def only(names: Mapping[str, Any], *wanted: str) -> Mapping[str, Any]:
    return {name: names[name] for name in wanted}


TIMES = only(LATER, "time", "updateTime")
CASES: list[tuple[str, Callable[[], Awaitable[Case]], str, Mapping[str, Any]]] = [
    ("spot", spot, "allOrders", OTHER),
    ("spot", spot, "allOrders", TIMES),
    ("spot", spot, "myTrades", OTHER),
    ("spot", spot, "myTrades", only(LATER, "time")),
    ("spot", spot, "account.status", {"uid": 666}),
    ("margin", margin, "/allOrders", OTHER),
    ("margin", margin, "/myTrades", OTHER),
    ("margin", margin, "/myTrades", {"isIsolated": lambda flag: not flag}),
    ("margin", margin, "/openOrders", {"isIsolated": lambda flag: not flag}),
    ("isolated", lambda: margin(isolated_margin("BTCUSDT")), "/openOrders", OTHER),
    ("cross", lambda: margin(CROSS_MARGIN), "/openOrders", {"isIsolated": True}),
    *[
        (kind, case, route, changes)
        for kind, case in (("usdm", lambda: futures("usdm")), ("coinm", lambda: futures("coinm")))
        for route, changes in (
            ("/userTrades", OTHER),
            ("/userTrades", only(LATER, "time")),
            ("/allOrders", TIMES),
            ("/income", only(LATER, "time")),
            ("/allAlgoOrders", OTHER),
            ("/balance", {"accountAlias": "another"}),
        )
    ],
    ("coinm", lambda: futures("coinm"), "/allOrders", OTHER),
    ("options", options, "/userTrades", OTHER),
    ("options", options, "/userTrades", only(LATER, "time")),
    ("options", options, "/historyOrders", OTHER),
    ("risk", risk, "/borrow-repay", only(LATER, "timestamp")),
    ("risk", risk, "/interestHistory", {"interestAccuredTime": later}),
    ("stocks", stocks, "order/detail", {"orderId": "another"}),
    ("stocks", stocks, "order/history", dict.fromkeys(("createdAt", "updatedAt"), later)),
    ("stocks", stocks, "trade/history", dict.fromkeys(("executionAt", "updatedAt"), later)),
    *[("portfolio", portfolio, f"/{part}/userTrades", OTHER) for part in ("um", "cm")],
    *[("portfolio", portfolio, f"/{part}/allOrders", OTHER) for part in ("um", "cm", "margin")],
    ("portfolio", portfolio, "/margin/myTrades", OTHER),
    ("portfolio", portfolio, "/margin/openOrders", OTHER),
]


@pytest.mark.parametrize(
    ("case", "route", "changes"),
    [case[1:] for case in CASES],
    ids=[f"{name} {route} {' '.join(changes)}" for name, _, route, changes in CASES],
)
async def test_a_strangers_answer_makes_the_gap_incomplete_and_is_not_told(
    autojump_clock: trio.abc.Clock, case: Callable[[], Awaitable[Case]], route: str, changes: Mapping[str, Any]
) -> None:
    made = await case()
    stranger = Stranger(made.link.request, route, changes, active=True)
    made.link.request = stranger.request
    result = await made.recover()
    assert stranger.changed > 0, "the question was asked, and had an answer"
    assert not result.complete
    assert "the answer is about" in result.detail or "another account's" in result.detail
    assert not [event for event in result.events if "STRANGER" in str(getattr(event, "symbol", ""))]
    assert all(isinstance(event, Event) for event in result.events)
