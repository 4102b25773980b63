"""An order can be found by the client order id that it was placed under, in every report of it, of every product."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support import product_payloads as payloads
from support.products import COINM, OPTIONS, PORTFOLIO_MARGIN, USDM
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.stream import placed_names
from trio_binance_uds.stream.placed_names import PlacedNames

LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "20000"}


@attrs.define
class Stage:
    sandbox: Sandbox
    account: SandboxAccount
    other: SandboxAccount
    items: list[uds.Event | uds.Notice]

    def place(self, name: str, **more: Any) -> Any:
        return self.account.call("order.place", {**LIMIT, "newClientOrderId": name, **more})

    def fill(self, quantity: str) -> None:
        self.other.call("order.place", symbol="BTCUSDT", side="SELL", type="MARKET", quantity=quantity)

    def amend(self, order: Any, quantity: str, name: str) -> None:
        self.account.call(
            "order.amend.keepPriority",
            symbol="BTCUSDT",
            orderId=order["orderId"],
            newQty=quantity,
            newClientOrderId=name,
        )

    def cancel(self, order: Any) -> None:
        self.account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"], newClientOrderId="the-cancel")

    def told(self, order: Any) -> list[tuple[str, str, str | None]]:
        return [
            (str(item.execution_type), item.client_order_id, item.placed_client_order_id)
            for item in self.items
            if isinstance(item, uds.ExecutionReport) and item.order_id == order["orderId"]
        ]


@asynccontextmanager
async def reading(product: uds.Product = uds.SPOT) -> AsyncIterator[Stage]:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "1000000"})
        other = sandbox.add_account(balances={"BTC": "100"})
        async with uds.open_user_data_stream(
            account.credentials, product, environment=sandbox.environment, network=sandbox.network, seed=1
        ) as stream:
            items: list[uds.Event | uds.Notice] = []

            async def read() -> None:
                async for item in stream:
                    items.append(item)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                await trio.sleep(2)
                yield Stage(sandbox, account, other, items)
                await trio.sleep(90)
                nursery.cancel_scope.cancel()


async def test_a_canceled_order_is_found_by_its_own_id(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as stage:
        order = stage.place("first")
        stage.cancel(order)
    assert stage.told(order) == [("NEW", "first", "first"), ("CANCELED", "the-cancel", "first")]


async def test_both_orders_of_a_replacement_are_found_by_their_own_ids(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as stage:
        first = stage.place("first")
        answer = stage.account.call(
            "order.cancelReplace",
            {
                **LIMIT,
                "price": "19000",
                "cancelReplaceMode": "STOP_ON_FAILURE",
                "cancelOrderId": first["orderId"],
                "newClientOrderId": "second",
            },
        )
    assert [placed for *_, placed in stage.told(first)] == ["first", "first"]
    assert [placed for *_, placed in stage.told(answer["newOrderResponse"])] == ["second"]


async def test_an_amended_order_is_found_by_the_id_that_it_was_placed_under_to_its_end(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as stage:
        order, other = stage.place("first"), stage.place("other", price="19000")
        stage.amend(order, "0.9", "second")
        stage.amend(order, "0.8", "third")
        stage.fill("0.1")
        stage.cancel(order)
        stage.cancel(other)
    assert stage.told(order) == [
        ("NEW", "first", "first"),
        ("REPLACED", "second", "first"),
        ("REPLACED", "third", "first"),
        ("TRADE", "third", "first"),
        ("CANCELED", "the-cancel", "first"),
    ]
    assert [placed for *_, placed in stage.told(other)] == ["other", "other"]


@pytest.mark.parametrize("blind", [range(1, 2), range(2, 4), range(3, 5), range(2, 5), range(5, 6)])
async def test_an_amended_order_is_found_whatever_of_it_lies_in_a_gap(
    autojump_clock: trio.testing.MockClock, blind: range
) -> None:
    async with reading() as stage:
        order = stage.place("first")
        await trio.sleep(1)
        steps = {
            1: lambda: stage.amend(order, "0.9", "second"),
            2: lambda: stage.fill("0.1"),
            3: lambda: stage.amend(order, "0.8", "third"),
            4: lambda: stage.fill("0.1"),
            5: lambda: stage.cancel(order),
        }
        for number, step in steps.items():
            if number == blind.start:
                stage.sandbox.faults.cut()
            step()
            if number == blind.stop - 1:
                await trio.sleep(100)
            await trio.sleep(0.1)
    told = stage.told(order)
    assert [kind for kind, *_ in told] == ["NEW", "REPLACED", "TRADE", "REPLACED", "TRADE", "CANCELED"]
    assert {placed for *_, placed in told} == {"first"}
    assert any(isinstance(item, uds.ExecutionReport) and item.recovered for item in stage.items)


async def test_a_filled_order_that_was_amended_is_forgotten_and_its_id_stays_right(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as stage:
        order = stage.place("first")
        stage.amend(order, "0.5", "second")
        await trio.sleep(1)
        stage.sandbox.faults.cut()
        stage.fill("0.5")
    assert stage.told(order)[-1] == ("TRADE", "second", "first")


async def test_of_an_order_that_came_and_went_in_a_gap_it_is_said_only_if_the_venue_tells_it(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as stage:
        seen = stage.place("seen")
        await trio.sleep(1)
        stage.sandbox.faults.cut()
        canceled, filled = stage.place("canceled"), stage.place("filled", price="21000")
        stage.cancel(canceled)
        stage.fill("1")
        stage.cancel(seen)
    assert [placed for *_, placed in stage.told(seen)] == ["seen", "seen"]
    assert [placed for *_, placed in stage.told(filled)] == ["filled", "filled"]
    assert stage.told(canceled) == [("NEW", "the-cancel", None), ("CANCELED", "the-cancel", None)]


@pytest.mark.parametrize(
    ("sampled", "kind", "holder", "member"),
    [
        (USDM, "ORDER_TRADE_UPDATE", "o", "c"),
        (USDM, "TRADE_LITE", "", "c"),
        (USDM, "ALGO_UPDATE", "o", "caid"),
        (COINM, "ORDER_TRADE_UPDATE", "o", "c"),
        (COINM, "ALGO_UPDATE", "ao", "caid"),
        (OPTIONS, "ORDER_TRADE_UPDATE", "o", "c"),
        (PORTFOLIO_MARGIN, "ORDER_TRADE_UPDATE", "o", "c"),
        (PORTFOLIO_MARGIN, "CONDITIONAL_ORDER_TRADE_UPDATE", "so", "c"),
        (PORTFOLIO_MARGIN, "executionReport", "", "c"),
    ],
    ids=lambda value: getattr(value, "product", value) if isinstance(value, str) else "",
)
def test_reports_of_every_product_have_it_under_this_name(sampled: Any, kind: str, holder: str, member: str) -> None:
    payload = json.loads(json.dumps(sampled.payloads[kind]))
    inner = payload[holder] if holder else payload
    inner[member] = "mine"
    if kind == "executionReport":
        inner["C"] = ""
    for frame in (payload, {"E": payload["E"], **payload}):
        event: Any = uds.decode_frame(json.dumps(frame), sampled.product)
        assert isinstance(event, uds.KnownEvent), event
        assert event.placed_client_order_id == "mine"


def _report(**changes: Any) -> uds.ExecutionReport:
    event = uds.decode_frame(json.dumps({**payloads.MARGIN["executionReport"], **changes}), uds.CROSS_MARGIN)
    assert isinstance(event, uds.ExecutionReport)
    return event


@pytest.mark.parametrize("original", ["", None])
def test_both_ways_of_decoding_and_a_change_agree(original: str | None) -> None:
    fast = _report(c="mine", C=original)
    careful = _report(E=str(1_700_000_000_000), c="mine", C=original)
    assert fast.placed_client_order_id == careful.placed_client_order_id == "mine"
    renamed = _report(c="other", C="mine")
    assert renamed.placed_client_order_id == "mine"
    assert attrs.evolve(renamed, order_id=1).placed_client_order_id == "mine"


def test_names_of_amended_orders_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placed_names, "_MAX_KEPT", 3)
    names = PlacedNames()
    for number in range(5):
        names.completed(_report(i=number, c="new", C=f"old-{number}", X="NEW", x="REPLACED"))
    assert len(names.names) == 3
    later = names.completed(_report(i=4, c="new", C="", X="FILLED", x="TRADE"))
    assert later.placed_client_order_id == "old-4"
    assert len(names.names) == 2


@pytest.mark.parametrize(
    ("name", "kind", "is_venue"),
    [
        ("autoclose-1234", "LIMIT", True),
        ("adl_autoclose", "LIMIT", True),
        ("settlement_autoclose-1", "MARKET", True),
        ("delivery_autoclose-1", "MARKET", True),
        ("mine", "LIQUIDATION", True),
        ("mine", "LIMIT", False),
        ("my-autoclose-1", "LIMIT", False),
    ],
)
@pytest.mark.parametrize("sampled", [USDM, COINM, PORTFOLIO_MARGIN], ids=lambda sampled: sampled.product.name)
def test_the_orders_of_the_venue_itself_are_told_by_one_property(
    sampled: Any, name: str, kind: str, is_venue: bool
) -> None:
    payload = json.loads(json.dumps(sampled.payloads["ORDER_TRADE_UPDATE"]))
    payload["o"] |= {"c": name, "o": kind}
    event: Any = uds.decode_frame(json.dumps(payload), sampled.product)
    assert event.is_venue_order is is_venue


def test_the_orders_of_the_venue_itself_elsewhere() -> None:
    lite = json.loads(json.dumps(USDM.payloads["TRADE_LITE"])) | {"c": "autoclose-7"}
    option = json.loads(json.dumps(OPTIONS.payloads["ORDER_TRADE_UPDATE"]))
    option["o"]["c"] = "autoclose-7"
    events: list[Any] = [
        uds.decode_frame(json.dumps(lite), USDM.product),
        uds.decode_frame(json.dumps(option), OPTIONS.product),
        _report(c="the-cancel", C="autoclose-7"),
    ]
    assert [event.is_venue_order for event in events] == [True] * 3
    assert not _report(c="mine", C="").is_venue_order
    assert not attrs.evolve(_report(), placed_client_order_id=None).is_venue_order
