"""A symbol that is gone is said to be so once, and one on which nothing happens is forgotten: gaps stay proven."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.stream.recovery.european_options.knowledge import Knowledge as OptionsKnowledge
from trio_binance_uds.stream.recovery.european_options.knowledge import Told as ToldAmount
from trio_binance_uds.stream.recovery.inquiry import Question
from trio_binance_uds.stream.recovery.symbols import BAD_MARGIN_PAIR, BAD_SYMBOL, QUIET_AFTER, Gone, listed

BAD = {"status": 400, "code": -1121, "msg": "Invalid symbol."}


def nothing(_: object) -> None:
    return None


def gone_with(*found: str, named: bool = False) -> Gone:
    gone = Gone(leaves_named=named)
    gone.begin(())
    for symbol in found:
        gone.note(symbol)
    return gone


def never(_: str) -> bool:
    return False


def always(_: str) -> bool:
    return True


# The rules.


def test_what_is_gone_is_said_once_and_then_not_asked_about() -> None:
    gone = gone_with("AAABBB")
    said = gone.findings((), is_known=always, is_open=never)
    assert (said.reasons, len(said.remarks)) == ((), 1)
    assert "AAABBB does not exist any more" in said.remarks[0]
    assert gone.settle() == ("AAABBB",)
    gone.begin(())
    assert "AAABBB" in gone
    assert gone.findings((), is_known=always, is_open=never).remarks == ()
    gone.begin({"AAABBB"})  # The stream has shown it again.
    assert "AAABBB" not in gone


def test_what_a_recovery_has_found_that_was_not_delivered_is_found_again() -> None:
    gone = gone_with("AAABBB")
    gone.begin(())
    assert "AAABBB" not in gone
    assert gone.settle() == ()


def test_what_was_open_on_it_makes_the_gap_incomplete() -> None:
    said = gone_with("AAABBB").findings((), is_known=always, is_open=always)
    assert len(said.reasons) == 1
    assert "something was open on it" in said.reasons[0]


def test_a_symbol_that_was_named_and_never_existed_is_said_in_every_gap() -> None:
    gone = gone_with("TYPO")
    said = gone.findings(("TYPO",), is_known=never, is_open=never)
    assert said.reasons == ("Recovery(symbols=...) names TYPO, which the venue does not know",)
    gone.settle()
    gone.begin(())
    said = gone.findings(("TYPO",), is_known=never, is_open=never)
    assert (said.reasons, len(said.remarks)) == ((), 1)


def test_where_a_symbol_may_belong_to_another_part_it_is_left_to_that(caplog: pytest.LogCaptureFixture) -> None:
    gone = gone_with("TYPO", "AAABBB", named=True)
    said = gone.findings(("TYPO",), is_known=never, is_open=never)
    assert said.reasons == ()
    assert len(said.remarks) == 1
    gone.settle()
    assert caplog.text == ""


def test_only_a_question_about_a_symbol_can_be_answered_by_its_absence() -> None:
    gone = gone_with()
    question = Question(method="a", weight=1, about="all", use=nothing)
    assert gone.excusing(question, BAD_SYMBOL) is question
    own: list[str] = []
    question = Question(
        method="a", params={"symbol": "X"}, weight=1, about="X", use=nothing, excuses={-3028: lambda: own.append("")}
    )
    excusing = gone.excusing(question, BAD_MARGIN_PAIR)
    excusing.excuses[-3028]()
    assert own == [""]
    assert "X" not in gone
    excusing.excuses[-1121]()
    assert "X" in gone


def test_of_many_texts_the_first_are_shown() -> None:
    assert listed(["a", "b"]) == "a; b"
    assert listed([*"abcdefgh"]) == "a; b; c; d; e; f; and 2 more"


# Through the front door.


class Place:
    """A product in the sandbox, and how a symbol is traded and taken away there."""

    def __init__(
        self,
        product: uds.Product,
        account: dict[str, Any],
        symbol: str,
        place: str,
        cancel: str,
        routes: tuple[str, ...],
        *,
        price: str = "500",
        quantity: str = "0.1",
        desk: str | None = None,
        more: dict[str, Any] | None = None,
    ) -> None:
        self.product, self.account, self.symbol = product, account, symbol
        self.place, self.cancel, self.routes = place, cancel, routes
        self.price, self.quantity, self.desk, self.more = price, quantity, desk, more or {}

    def order(self, account: SandboxAccount, symbol: str | None = None) -> dict[str, Any]:
        params = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": self.price, "quantity": self.quantity}
        answer: dict[str, Any] = account.call(self.place, symbol=symbol or self.symbol, **params, **self.more)
        return answer

    def open_and_cancel(self, account: SandboxAccount) -> None:
        order = self.order(account)
        account.call(self.cancel, symbol=self.symbol, orderId=order["orderId"], **self.more)

    def take_away(self, sandbox: Sandbox) -> None:
        for route in self.routes:
            sandbox.faults.fail_next(route, times=1000, **BAD)


SPOT = Place(
    uds.SPOT,
    {"balances": {"USDT": "100000"}},
    "BNBUSDT",
    "order.place",
    "order.cancel",
    ("allOrders", "myTrades", "order.status"),
)
MARGIN = Place(
    uds.CROSS_MARGIN,
    {"cross_margin": {"USDT": "100000"}},
    "BNBUSDT",
    "POST /sapi/v1/margin/order",
    "DELETE /sapi/v1/margin/order",
    tuple(f"GET /sapi/v1/margin/{route}" for route in ("openOrders", "allOrders", "myTrades", "order")),
)
USDM = Place(
    uds.USDM_FUTURES,
    {"usdm": {"USDT": "100000"}},
    "ETHUSDT",
    "POST /fapi/v1/order",
    "DELETE /fapi/v1/order",
    tuple(f"GET /fapi/v1/{route}" for route in ("userTrades", "allAlgoOrders", "order")),
)
COINM = Place(
    uds.COINM_FUTURES,
    {"coinm": {"BTC": "100"}},
    "BTCUSD_PERP",
    "POST /dapi/v1/order",
    "DELETE /dapi/v1/order",
    tuple(f"GET /dapi/v1/{route}" for route in ("userTrades", "allOrders", "allAlgoOrders", "order")),
    price="10000",
    quantity="1",
)
every_place = pytest.mark.parametrize("place", [SPOT, MARGIN, USDM, COINM], ids=lambda place: place.product.name)


def opened(sandbox: Sandbox, account: SandboxAccount, place: Place, **options: Any) -> Any:
    return uds.open_user_data_stream(
        account.credentials, place.product, environment=sandbox.environment, network=sandbox.network, seed=1, **options
    )


async def gap_of(sandbox: Sandbox, stream: uds.UserDataStream, *, after: float = 0.0) -> uds.Gap:
    await trio.sleep(after)
    sandbox.faults.cut()
    found: list[uds.Gap] = []
    with trio.move_on_after(60):
        async for item in stream:
            if isinstance(item, uds.Gap):
                found.append(item)
    assert len(found) == 1
    return found[0]


@every_place
async def test_a_symbol_that_is_delisted_is_said_once_and_later_gaps_are_proven(
    autojump_clock: MockClock, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**place.account)
        async with opened(sandbox, account, place) as stream:
            await trio.sleep(1)
            place.open_and_cancel(account)
            assert (await gap_of(sandbox, stream, after=5)).complete
            place.take_away(sandbox)
            first = await gap_of(sandbox, stream, after=1000)
            assert first.complete
            assert f"{place.symbol} does not exist any more" in first.detail
            assert f"does not know {place.symbol}" in caplog.text
            for _ in range(2):
                later = await gap_of(sandbox, stream, after=1000)
                assert later.complete
                assert place.symbol not in later.detail


@every_place
async def test_a_symbol_that_is_delisted_with_an_open_order_leaves_one_gap_unproven(
    autojump_clock: MockClock, place: Place
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**place.account)
        async with opened(sandbox, account, place) as stream:
            await trio.sleep(1)
            order = place.order(account)
            assert (await gap_of(sandbox, stream, after=5)).complete
            # It ends as the venue takes the market away, and no question says so any more.
            sandbox.faults.cut()
            account.call(place.cancel, symbol=place.symbol, orderId=order["orderId"], **place.more)
            place.take_away(sandbox)
            if place is USDM:
                sandbox.faults.fail_next("GET /fapi/v1/allOrders", times=2, status=400, code=-1130, msg="no")
            first = await gap_of(sandbox, stream)
            assert not first.complete
            assert "something was open on it" in first.detail
            later = [await gap_of(sandbox, stream, after=1000) for _ in range(2)]
            assert later[-1].complete, later[-1].detail


@pytest.mark.parametrize("place", [SPOT, MARGIN, USDM, COINM], ids=lambda place: place.product.name)
async def test_a_symbol_that_was_named_and_does_not_exist_is_said_clearly(
    autojump_clock: MockClock, place: Place
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**place.account)
        async with opened(sandbox, account, place, recovery=uds.Recovery(symbols=("NOSUCHCOIN",))) as stream:
            place.take_away(sandbox)
            first = await gap_of(sandbox, stream, after=20)
            assert not first.complete
            assert "Recovery(symbols=...) names NOSUCHCOIN, which the venue does not know" in first.detail
            later = await gap_of(sandbox, stream, after=1000)
            assert later.complete
            assert "names NOSUCHCOIN" in later.detail


async def test_a_symbol_that_was_named_and_that_no_part_of_an_account_has_is_said_clearly(
    autojump_clock: MockClock,
) -> None:
    place = Place(uds.PORTFOLIO_MARGIN, {"portfolio_margin": {"USDT": "1000"}}, "", "", "", ())
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**place.account)
        symbols = ("BTCUSDT", "NOSUCHCOIN")
        async with opened(sandbox, account, place, recovery=uds.Recovery(symbols=symbols)) as stream:
            first = await gap_of(sandbox, stream, after=20)
            assert not first.complete
            assert first.detail.endswith("; Recovery(symbols=...) names NOSUCHCOIN, which the venue does not know")
            assert "BTCUSDT" not in first.detail
            later = await gap_of(sandbox, stream, after=1000)
            assert later.complete
            assert "names NOSUCHCOIN" in later.detail


@pytest.fixture
def short_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A week of virtual time is many pings."""
    monkeypatch.setattr("trio_binance_uds.stream.recovery.run.QUIET_AFTER", timedelta(minutes=30))


@every_place
async def test_a_symbol_of_which_nothing_was_seen_for_long_is_forgotten(
    autojump_clock: MockClock, short_memory: None, place: Place
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**place.account)
        async with opened(sandbox, account, place) as stream:
            await trio.sleep(1)
            place.open_and_cancel(account)
            assert (await gap_of(sandbox, stream, after=1000)).complete
            place.take_away(sandbox)
            later = await gap_of(sandbox, stream, after=1000)
            assert later.complete
            assert place.symbol not in later.detail, "it was asked about"


@every_place
async def test_a_symbol_with_an_open_order_is_never_forgotten(
    autojump_clock: MockClock, short_memory: None, place: Place
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**place.account)
        async with opened(sandbox, account, place) as stream:
            await trio.sleep(1)
            order = place.order(account)
            await trio.sleep(4000)
            sandbox.faults.cut()
            account.call(place.cancel, symbol=place.symbol, orderId=order["orderId"], **place.more)
            gap = await gap_of(sandbox, stream)
            assert gap.complete
            assert gap.recovered >= 1


NOW = datetime(2030, 1, 8, tzinfo=UTC)


def test_options_contracts_that_are_quiet_or_gone_are_forgotten() -> None:
    knowledge = OptionsKnowledge()
    knowledge.begin(NOW - timedelta(days=30))
    for symbol, days in (("OLD", 8), ("HELD", 8), ("NEW", 6), ("GONE", 6)):
        knowledge.symbols[symbol] = NOW - timedelta(days=days)
        knowledge.positions[symbol] = ToldAmount(Decimal(symbol == "HELD"), NOW - timedelta(days=days), NOW)
    knowledge.forget_quiet(NOW - QUIET_AFTER)
    assert list(knowledge.symbols) == list(knowledge.positions) == ["HELD", "NEW", "GONE"]
    knowledge.gone.note("GONE")
    knowledge.drop_gone()
    assert list(knowledge.symbols) == list(knowledge.positions) == ["HELD", "NEW"]


# Orders on symbols that nobody has named, where open orders are asked for symbol by symbol.

BY_SYMBOL = [
    MARGIN,
    Place(
        uds.PORTFOLIO_MARGIN,
        {"portfolio_margin": {"USDT": "100000"}},
        "BNBUSDT",
        "POST /papi/v1/margin/order",
        "DELETE /papi/v1/margin/order",
        (),
    ),
]


@pytest.fixture
def no_guesses(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with an asset that is one of hundreds."""
    monkeypatch.setattr("trio_binance_uds.stream.recovery.spot.questions._GUESSES_AT_MOST", 0)


@pytest.mark.parametrize("place", BY_SYMBOL, ids=lambda place: place.product.name)
async def test_an_order_on_a_symbol_that_nobody_has_named_is_found_by_what_it_locks(
    autojump_clock: MockClock, place: Place
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**place.account)
        async with opened(sandbox, account, place) as stream:
            await trio.sleep(20)
            sandbox.faults.cut()
            place.order(account)
            gap = await gap_of(sandbox, stream)
            assert gap.complete
            assert gap.recovered >= 1


@pytest.mark.parametrize("place", BY_SYMBOL, ids=lambda place: place.product.name)
async def test_orders_on_symbols_that_nobody_has_named_show_in_what_is_locked(
    autojump_clock: MockClock, no_guesses: None, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**place.account)
        place.order(account)
        async with opened(sandbox, account, place) as stream:
            gap = await gap_of(sandbox, stream, after=20)
            assert not gap.complete
            assert "USDT is locked by orders on symbols that nobody has named" in gap.detail
            assert "USDT is locked" in caplog.text
        named = uds.Recovery(symbols=(place.symbol,))
        async with opened(sandbox, account, place, recovery=named) as stream:
            assert (await gap_of(sandbox, stream, after=20)).complete


@pytest.mark.parametrize("place", BY_SYMBOL, ids=lambda place: place.product.name)
async def test_what_such_an_order_locked_before_a_gap_counts_too(
    autojump_clock: MockClock, no_guesses: None, place: Place
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**place.account)
        order = place.order(account)
        async with opened(sandbox, account, place) as stream:
            await trio.sleep(20)
            sandbox.faults.cut()
            account.call(place.cancel, symbol=place.symbol, orderId=order["orderId"])
            gap = await gap_of(sandbox, stream)
            assert not gap.complete
            assert "is locked by" in gap.detail
            assert (await gap_of(sandbox, stream, after=100)).complete


@pytest.mark.parametrize("place", BY_SYMBOL, ids=lambda place: place.product.name)
async def test_no_open_orders_are_asked_for_without_a_symbol(
    autojump_clock: MockClock, no_guesses: None, place: Place
) -> None:
    route = "GET /sapi/v1/margin/openOrders" if place is MARGIN else "GET /papi/v1/margin/openOrders"
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**place.account)
        async with opened(sandbox, account, place) as stream:
            await trio.sleep(20)
            sandbox.faults.fail_next(route, times=1000, status=400, code=-9999, msg="too dear")
            assert (await gap_of(sandbox, stream)).complete
            place.order(account)
            assert not (await gap_of(sandbox, stream, after=100)).complete
