"""The last fill of an order is never reported: positions, balances and early reports show it, and nothing else does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox.ws_connection import Connection
from trio_binance_uds.stream import account_sums, balance_sums
from trio_binance_uds.stream.account_sums import AccountSums
from trio_binance_uds.stream.buffer import EventBuffer
from trio_binance_uds.stream.delivery import Delivery
from trio_binance_uds.stream.record import StreamRecord
from trio_binance_uds.stream.recovery import NothingRecovered
from trio_binance_uds.stream.recovery.contract import NoRecovery
from trio_binance_uds.wire.json_text import dumps

from test_order_sums import futures, spot  # isort: skip
from test_report_missing import KINDS, Kind, every_kind, scene  # isort: skip


def never_sent(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let the venue never send the events whose frames have this in them."""
    send = Connection._send

    def all_but(self: Connection, data: Any, *more: Any, **options: Any) -> None:
        if not any(f'"{name}"' in str(data) for name in names):
            send(self, data, *more, **options)

    monkeypatch.setattr(Connection, "_send", all_but)


REPORTS = ("executionReport", "ORDER_TRADE_UPDATE")


@every_kind
async def test_last_fill_is_shown_by_what_it_moved(
    kind: Kind, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with scene(kind) as played:
        await trio.sleep(10)
        played.order()
        await played.fill()
        await played.fill()
        await trio.sleep(60)
        assert played.gaps() == []
        with monkeypatch.context() as patch:
            never_sent(patch, *REPORTS)
            await played.fill()
        await trio.sleep(60)
    (gap,) = played.gaps()
    assert gap.cause is uds.GapCause.REPORT_MISSING
    assert played.told() == played.parts(("NEW", 0), ("TRADE", 1), ("TRADE", 2), "gap", ("TRADE", 3, "recovered"))
    assert gap.complete, gap.detail


async def test_early_report_of_a_fill_shows_that_the_other_never_came(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    usdm = next(kind for kind in KINDS if kind.product is uds.USDM_FUTURES)
    async with scene(usdm) as played:
        await trio.sleep(10)
        played.order()
        with monkeypatch.context() as patch:
            never_sent(patch, "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE")
            await played.fill()
        await trio.sleep(60)
    (gap,) = played.gaps()
    assert "was told early, and no report of order" in gap.detail
    assert played.told() == played.parts(("NEW", 0), "gap", ("TRADE", 1, "recovered"))


async def test_without_reports_of_orders_nothing_is_held_against_them(autojump_clock: trio.testing.MockClock) -> None:
    usdm = next(kind for kind in KINDS if kind.product is uds.USDM_FUTURES)
    mechanism = attrs.evolve(uds.USDM_FUTURES.mechanism, events=("ACCOUNT_UPDATE", "TRADE_LITE"))
    async with scene(attrs.evolve(usdm, product=attrs.evolve(uds.USDM_FUTURES, mechanism=mechanism))) as played:
        await trio.sleep(10)
        played.order()
        for _ in range(2):
            await played.fill()
            await trio.sleep(60)
    assert {type(item) for item in played.items} == {uds.AccountUpdate, uds.TradeLite}


async def test_nobody_is_asked_all_the_time(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    usdm = next(kind for kind in KINDS if kind.product is uds.USDM_FUTURES)
    async with scene(usdm) as played:
        await trio.sleep(10)
        for _ in range(4):
            played.order()
            await played.fill()
            await trio.sleep(1)
            with monkeypatch.context() as patch:
                never_sent(patch, *REPORTS)
                await played.fill()
            await trio.sleep(20)
    assert [gap.complete for gap in played.gaps()] == [True, True, True, False]
    assert "not asked again so soon" in played.gaps()[-1].detail


async def test_what_waits_to_be_judged_when_the_link_is_lost_is_in_that_gap(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    usdm = next(kind for kind in KINDS if kind.product is uds.USDM_FUTURES)
    async with scene(usdm) as played:
        await trio.sleep(10)
        played.order()
        with monkeypatch.context() as patch:
            never_sent(patch, *REPORTS)
            await played.fill()
        played.sandbox.faults.refuse_connections(status=503, seconds=20)
        played.sandbox.faults.cut()
        await trio.sleep(120)
    (gap,) = played.gaps()
    assert gap.cause is uds.GapCause.LINK_LOST
    assert gap.complete, gap.detail
    assert played.told() == played.parts(("NEW", 0), "gap", ("TRADE", 1, "recovered"))


MS = 1_900_000_000_000
START = datetime.fromtimestamp(MS / 1000, UTC) - timedelta(minutes=1)


def update(at: int, amount: str | None, reason: str = "ORDER", side: str = "BOTH") -> Any:
    row = {"s": "BTCUSDT", "pa": amount, "ep": "1", "bep": "1", "cr": "0", "up": "0", "mt": "cross", "iw": "0"}
    rows = [] if amount is None else [row | {"ps": side}]
    event = {"e": "ACCOUNT_UPDATE", "E": MS + at, "T": MS + at, "a": {"m": reason, "B": [], "P": rows}}
    return uds.decode_frame(dumps(event), uds.USDM_FUTURES)


def fill(at: int, part: str, side: str = "BUY", trade: int = 1, position: str = "BOTH") -> Any:
    return futures(
        trade, part=part, filled=part, trade_id=trade, side=side, position_side=position,
        transaction_time=datetime.fromtimestamp((MS + at) / 1000, UTC), account=uds.USDM_FUTURES.name,
    )  # fmt: skip


async def test_order_that_the_venue_repeats_as_a_whole_moves_nothing_again() -> None:
    buffer = EventBuffer(100, lambda: START, on_caught_up=lambda mark: None)
    delivery = Delivery(buffer, NoRecovery(""), StreamRecord())
    delivery.handover.park(1)
    delivery.resume_from(1, START, NothingRecovered())
    placed, first = futures(1, account=uds.USDM_FUTURES.name), fill(1, "0.4")
    ended = attrs.evolve(
        fill(2, "0.6", trade=2), order_id=1, filled_accumulated_quantity=Decimal(1), order_status="FILLED"
    )
    for event in (update(0, "5"), placed, first, ended, update(3, "6")):
        delivery.handover.accept(1, event)
    delivery.judge(START)
    assert not delivery.judge(START)
    for event in (placed, first, ended):
        delivery.handover.accept(1, event)
    assert buffer.held == 5
    delivery.handover.accept(1, update(4, "6"))
    delivery.judge(START)
    assert not delivery.judge(START)


def early(at: int, trade: int) -> Any:
    event = {"e": "TRADE_LITE", "E": MS + at, "T": MS + at, "s": "BTCUSDT", "q": "1", "p": "1", "m": True, "c": "x"}
    return uds.decode_frame(dumps(event | {"S": "BUY", "L": "1", "l": "1", "t": trade, "i": trade}), uds.USDM_FUTURES)


def balances(at: int, **totals: str) -> Any:
    rows = [{"a": asset, "f": total, "l": "1"} for asset, total in totals.items()]
    event = {"e": "outboundAccountPosition", "E": MS + at, "u": MS + at, "B": rows}
    return uds.decode_frame(dumps(event), uds.SPOT)


def judged(sums: AccountSums) -> str | None:
    """Judge twice, as what has just come is judged when nothing more has come until the next time."""
    first = sums.judge()
    assert first is None
    found = sums.judge()
    assert sums.is_waiting is False
    return None if found is None else found.detail


def begun() -> AccountSums:
    sums = AccountSums()
    sums.begin(START)
    return sums


@pytest.mark.parametrize("first", ["fill", "update"])
def test_positions_that_move_by_the_fills_show_nothing_whichever_comes_first(first: str) -> None:
    sums = begun()
    for at, part, side, amount in ((0, "1", "BUY", "3"), (20, "0.5", "SELL", "2.5"), (40, "2.5", "SELL", "0")):
        trade = fill(at, part, side, trade=at + 1)
        if first == "fill":
            sums.add_fill(trade)
        sums.observe(update(at, amount))
        if first == "update":
            sums.add_fill(trade)
        assert judged(sums) is None


def test_nothing_is_judged_while_more_comes() -> None:
    sums = begun()
    sums.observe(update(0, "1"))
    for at in range(1, 5):
        assert sums.judge() is None
        sums.observe(update(at, "1"))
    assert sums.is_waiting
    sums.add_fill(fill(5, "1"))
    assert judged(sums) is None


def test_position_that_moves_without_a_fill_or_a_fill_without_it_is_shown_once() -> None:
    sums = begun()
    sums.add_fill(fill(0, "1"))
    sums.observe(update(0, "1"))
    assert judged(sums) is None
    sums.observe(update(10, "1.5"))
    assert judged(sums) == "the position of BTCUSDT has moved by 0.5 more than the fills say"
    sums.observe(update(20, "1.5"))
    assert judged(sums) is None
    sums.add_fill(fill(30, "1", "SELL", trade=2))
    assert judged(sums) == "the position of BTCUSDT has moved by 1 more than the fills say"


def test_update_by_an_order_of_a_position_that_nothing_is_known_of_lacks_its_fill() -> None:
    sums = begun()
    sums.observe(update(0, "1"))
    assert judged(sums) == "the position of BTCUSDT was moved by an order, and no report tells a fill"


def test_update_right_after_the_beginning_may_be_of_a_fill_before_it() -> None:
    sums = AccountSums()
    sums.begin(datetime.fromtimestamp(MS / 1000 - 1, UTC))
    sums.observe(update(0, "1"))
    sums.observe(early(0, 7))
    assert judged(sums) is None


def test_after_a_gap_an_update_alone_proves_nothing() -> None:
    sums = begun()
    sums.begin(START)
    sums.observe(update(0, "1"))
    assert judged(sums) is None, "its fill may have been recovered"
    sums.observe(update(10, "2"))
    assert judged(sums) == "the position of BTCUSDT has moved by 1 more than the fills say"


def test_other_reasons_move_a_position_too() -> None:
    sums = begun()
    sums.add_fill(fill(0, "1"))
    sums.observe(update(0, "1"))
    assert judged(sums) is None
    sums.observe(update(10, "5", reason="ADJUSTMENT"))
    assert judged(sums) is None
    sums.observe(update(20, "5", reason="FUNDING_FEE"))
    sums.observe(update(21, None, reason="FUNDING_FEE"))
    assert judged(sums) is None
    sums.add_fill(fill(30, "1", trade=2))
    sums.observe(update(30, "6"))
    assert judged(sums) is None


def test_the_sides_of_a_symbol_are_apart() -> None:
    sums = begun()
    sums.add_fill(fill(0, "1", position="LONG"))
    sums.observe(update(0, "1", side="LONG"))
    sums.add_fill(fill(0, "2", "SELL", trade=2, position="SHORT"))
    sums.observe(update(0, "-2", side="SHORT"))
    assert judged(sums) is None


def test_what_does_not_say_its_side_is_held_against_nothing() -> None:
    sums = begun()
    sums.add_fill(attrs.evolve(fill(0, "1"), position_side=None))
    moved = update(0, "1")
    sums.observe(attrs.evolve(moved, positions=(attrs.evolve(moved.positions[0], position_side=None),)))
    assert not sums.is_waiting


async def test_what_could_not_be_read_moves_nothing() -> None:
    buffer = EventBuffer(100, lambda: START, on_caught_up=lambda mark: None)
    delivery = Delivery(buffer, NoRecovery(""), StreamRecord())
    delivery.handover.park(1)
    delivery.resume_from(1, START, NothingRecovered())
    delivery.handover.accept(1, uds.UndecodableEvent(problem="made up", event_type="ACCOUNT_UPDATE"))
    assert buffer.held == delivery.unreadable.count == 1
    assert not delivery.has_unexplained
    delivery.handover.accept(1, update(0, "5"))
    assert delivery.has_unexplained


@pytest.mark.parametrize("product", uds.PRODUCTS.values(), ids=lambda product: product.name)
def test_fills_explain_all_events_of_a_class_or_none(product: uds.Product) -> None:
    explained: dict[Any, set[bool]] = {}
    for event_type, cls in product.event_types.items():
        for one in (cls, *cls.other_shapes.values()):
            explained.setdefault(one, set()).add(event_type in account_sums.EXPLAINED_BY_FILLS)
    assert all(len(found) == 1 for found in explained.values())


def test_fills_alone_where_no_updates_are_asked_for_show_nothing() -> None:
    sums = begun()
    sums.add_fill(fill(0, "1"))
    assert judged(sums) is None
    sums.add_fill(fill(10, "1", trade=2))
    assert judged(sums) is None


def test_early_reports_are_followed_by_the_others_or_came_after_them() -> None:
    sums = begun()
    sums.observe(early(0, 1))
    sums.add_fill(fill(0, "1", trade=1))
    sums.add_fill(fill(0, "1", trade=2))
    sums.observe(early(0, 2))
    assert judged(sums) is None
    sums.observe(early(10, 3))
    assert judged(sums) == "trade 3 of BTCUSDT was told early, and no report of order 3 tells it"


def spot_fill(at: int, part: str, price: str = "50", side: str = "BUY", symbol: str = "BTCUSDT", **more: Any) -> Any:
    moment = datetime.fromtimestamp((MS + at) / 1000, UTC)
    quote = Decimal(part) * Decimal(price)
    fields = {"symbol": symbol, "side": side, "last_executed_price": Decimal(price), "last_quote_quantity": quote}
    report = spot(filled=part, part=part, **{**fields, **more})
    return attrs.evolve(report, transaction_time=moment, event_time=moment)


def moved(at: int, asset: str, amount: str) -> Any:
    raw = {"e": "balanceUpdate", "E": 1, "a": asset, "d": amount, "T": MS + at}
    return attrs.evolve(uds.decode_frame(dumps(raw), uds.SPOT), account="spot")  # type: ignore[arg-type]


def test_balances_that_were_exchanged_need_a_fill() -> None:
    sums = begun()
    sums.observe(balances(0, BTC="1", USDT="100"))
    sums.add_spot_fill(spot_fill(10_000, "1"))
    sums.observe(balances(10_000, BTC="2", USDT="50"))
    assert not sums.is_waiting
    sums.observe(balances(20_000, BTC="3", USDT="0"))
    assert judged(sums) == "USDT and BTC were exchanged, and no report tells a fill of then"
    sums.observe(balances(30_000, BTC="3", USDT="0"))
    assert not sums.is_waiting, "it is said once"


def test_fill_of_another_time_explains_no_exchange_and_neither_does_another_amount() -> None:
    sums = begun()
    sums.observe(balances(0, BTC="1", USDT="100"))
    sums.add_spot_fill(spot_fill(10_000, "1"))
    sums.observe(balances(10_000, BTC="2", USDT="50"))
    sums.observe(balances(11_000, BTC="2.5", USDT="25"))
    sums.add_spot_fill(spot_fill(15_000, "0.1"))
    sums.observe(balances(15_000, BTC="2.6", USDT="20"))
    assert judged(sums) == "USDT and BTC were exchanged, and no report tells a fill of then"
    sums.add_spot_fill(spot_fill(20_000, "0.1", side="SELL"))
    sums.observe(balances(20_000, BTC="2.3", USDT="35"))
    assert judged(sums) == "BTC and USDT were exchanged, and no report tells a fill of then"
    assert not sums.is_waiting


def test_fill_may_come_after_its_balances_or_be_of_a_moment_next_to_theirs() -> None:
    sums = begun()
    sums.observe(balances(0, BTC="1", USDT="100", BNB="1"))
    sums.observe(balances(10_000, BTC="2", USDT="50"))
    assert sums.is_waiting
    sums.add_spot_fill(spot_fill(10_100, "1"))
    assert judged(sums) is None
    sums.observe(balances(20_000, BTC="1.99", USDT="100", BNB="0.5"))
    fees = {"commission_amount": Decimal("0.5"), "commission_asset": "BNB"}
    sums.add_spot_fill(spot_fill(20_000, "1", side="SELL", **fees))
    sums.observe(balances(20_000, BTC="1", USDT="100", BNB="0.5"))
    sums.observe(balances(25_000, BTC="1", USDT="100", BNB="0.5"))
    assert judged(sums) is None, "a later position has explained it"
    assert not sums.is_waiting


def test_one_asset_alone_proves_nothing_but_two_shortly_after_each_other_do() -> None:
    sums = begun()
    sums.observe(balances(0, BTC="1", USDT="100", ETH="5"))
    sums.observe(balances(10_000, BTC="2", ETH="5"))
    assert judged(sums) is None
    sums.observe(balances(100_000, USDT="50"))
    assert judged(sums) is None, "that is too long afterwards"
    sums.observe(balances(110_000, ETH="6"))
    assert judged(sums) == "USDT and ETH were exchanged, and no report tells a fill of then"


def test_what_comes_or_goes_from_outside_is_no_exchange() -> None:
    sums = begun()
    sums.observe(balances(0, BTC="1", USDT="100"))
    sums.observe(moved(10_000, "BTC", "1"))
    sums.observe(balances(10_000, BTC="2", USDT="50"))
    assert judged(sums) is None
    sums.observe(moved(20_000, "ETH", "1"))
    sums.observe(balances(20_000, BTC="1", USDT="75"))
    assert judged(sums) == "BTC and USDT were exchanged, and no report tells a fill of then"


def test_fill_of_which_the_assets_or_the_amounts_are_not_certain_explains_everything() -> None:
    sums = begun()
    sums.observe(balances(0, A="1", AB="1", B="1", BB="1"))
    sums.add_spot_fill(spot_fill(10_000, "1", symbol="ABB"))
    sums.observe(balances(10_000, A="2", AB="0.5"))
    assert not sums.is_waiting
    sums.observe(balances(20_000, A="3", B="0.5"))
    sums.add_spot_fill(spot_fill(20_000, "1", symbol="ABB"))
    assert judged(sums) is None
    sums.add_spot_fill(spot_fill(30_000, "1", symbol="ABBB", last_quote_quantity=None))
    sums.observe(balances(30_000, AB="3", BB="0.1"))
    assert not sums.is_waiting


def test_balances_right_after_the_beginning_are_taken_as_they_are() -> None:
    sums = AccountSums()
    sums.begin(datetime.fromtimestamp(MS / 1000 - 1, UTC))
    sums.observe(balances(0, BTC="1", USDT="100"))
    sums.add_spot_fill(spot_fill(500, "1"))
    sums.observe(balances(600, BTC="3", USDT="0"))
    sums.observe(balances(10_000, BTC="3", USDT="0"))
    assert not sums.is_waiting


def test_what_is_remembered_of_balances_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(balance_sums, "_CHANGES_AT_MOST", 3)
    monkeypatch.setattr(balance_sums, "_WAITING_AT_MOST", 2)
    sums = begun()
    sums.observe(balances(0, BTC="1", USDT="100"))
    for number in range(4):
        sums.add_spot_fill(spot_fill(1000 + number, "1"))
    sums.observe(balances(10_000, BTC="7", USDT="1"))
    assert not sums.is_waiting, "more has changed than is remembered"
    for number in range(3):
        sums.observe(balances(20_000 + number, BTC=str(8 + number), USDT="0"))
    assert judged(sums) is None


def test_beginning_anew_forgets() -> None:
    sums = begun()
    sums.add_fill(fill(0, "1"))
    sums.observe(update(0, "1"))
    sums.observe(early(0, 3))
    sums.begin(datetime.fromtimestamp(MS / 1000 + 10, UTC))
    assert not sums.is_waiting
    assert sums.judge() is None


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_sums, "_POSITIONS_AT_MOST", 2)
    monkeypatch.setattr(account_sums, "_PENDING_AT_MOST", 2)
    sums = begun()
    for number in range(1, 6):
        sums.observe(early(0, number))
    assert judged(sums) == "trade 2 of BTCUSDT was told early, and no report of order 2 tells it"
    for number in range(5):
        sums.add_fill(attrs.evolve(fill(0, "1", trade=number), symbol=f"COIN{number}"))
    assert judged(sums) is None
