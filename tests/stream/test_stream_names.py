"""Several streams in one channel can be told apart by their names."""

from __future__ import annotations

import itertools
import json
import logging
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support import product_payloads as payloads
from support.everywhere import KEYED, TOKENED, lose, opened
from support.products import SAMPLED
from trio_binance_uds.sandbox import open_sandbox
from trio_binance_uds.wire.decode import frame_decoder

Item = uds.Event | uds.Notice


async def test_events_notices_statistics_and_log_lines_of_two_accounts_have_their_names(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "trio_binance_uds")
    items: list[Item] = []
    statistics: dict[str, uds.StreamStatistics] = {}
    async with open_sandbox(in_memory=True) as sandbox, trio.open_nursery() as nursery:
        accounts = {name: sandbox.add_account(balances={"USDT": "100000"}) for name in ("alice", "bob")}

        async def read(name: str) -> None:
            async with uds.open_user_data_stream(
                accounts[name].credentials,
                uds.SPOT,
                name=name,
                environment=sandbox.environment,
                network=sandbox.network,
            ) as stream:
                assert stream.name == name
                with trio.CancelScope() as scope:
                    scopes.append(scope)
                    async for item in stream:
                        items.append(item)
                statistics[name] = stream.statistics()

        def order(name: str) -> None:
            accounts[name].call(
                "order.place",
                symbol="BTCUSDT",
                side="BUY",
                type="LIMIT",
                timeInForce="GTC",
                quantity="0.001",
                price="20000",
                newClientOrderId=f"of-{name}-{next(numbers)}",
            )

        numbers = itertools.count()
        scopes: list[trio.CancelScope] = []
        nursery.start_soon(read, "alice")
        nursery.start_soon(read, "bob")
        await trio.sleep(2)
        order("alice")
        order("bob")
        sandbox.faults.send_event({"e": "executionReport", "E": 1_700_000_000_000, "s": 7})
        sandbox.faults.send_event({"e": "somethingNew", "E": 1_700_000_000_000})
        await trio.sleep(1)
        sandbox.faults.cut()
        order("alice")
        order("bob")
        await trio.sleep(100)
        for scope in scopes:
            scope.cancel()
    kinds: dict[str, set[str]] = {}
    for item in items:
        assert item.stream is not None
        kinds.setdefault(item.stream, set()).add(type(item).__name__)
        if isinstance(item, uds.ExecutionReport):
            assert item.client_order_id.startswith(f"of-{item.stream}-")
    expected = {
        "ExecutionReport",
        "OutboundAccountPosition",
        "UnknownEvent",
        "UndecodableEvent",
        "Disconnected",
        "Gap",
    }
    assert kinds.keys() == {"alice", "bob"}
    assert expected <= kinds["alice"]
    assert kinds["alice"] == kinds["bob"]
    recovered = [item for item in items if isinstance(item, uds.Event) and item.recovered]
    assert {event.stream for event in recovered} == {"alice", "bob"}
    assert {name: said.stream for name, said in statistics.items()} == {"alice": "alice", "bob": "bob"}
    lines = [record for record in caplog.records if record.name.startswith("trio_binance_uds")]
    assert {record.__dict__["stream"] for record in lines} == {"alice", "bob"}
    assert all(record.getMessage().startswith(f"{record.__dict__['stream']}: ") for record in lines)


@pytest.mark.parametrize("product", [*KEYED, *TOKENED], ids=lambda product: product.name)
@pytest.mark.parametrize("name", [None, "mine"])
async def test_the_default_name_is_that_of_the_product(
    autojump_clock: trio.testing.MockClock, product: uds.Product, name: str | None
) -> None:
    async with opened(product, name=name) as stage:
        await stage.venue.tell({"e": "first"})
        await lose(stage.venue, "cut")
        await trio.sleep(60)
        assert len(stage.items) >= 3
        assert {item.stream for item in stage.items} == {name or product.name}
        assert {item.account for item in stage.items if isinstance(item, uds.Event)} == set(product.accounts)


@pytest.mark.parametrize("sampled", SAMPLED, ids=lambda sampled: sampled.product.name)
def test_the_decoder_marks_every_event_whichever_way_it_was_read(sampled: Any) -> None:
    decode = frame_decoder(sampled.product, "alice")
    for payload in sampled.payloads.values():
        for frame in (payload, {"E": payload["E"], **payload}, {**payload, "e": "new"}):
            event = decode(json.dumps(frame))
            assert isinstance(event, uds.Event)
            assert event.stream == "alice"
            assert event == uds.decode_frame(json.dumps(frame), sampled.product), "the name does not count"


async def test_a_report_for_nobody_and_the_gap_at_the_end_have_the_name_too(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "100000"})
        async with uds.open_user_data_stream(
            account.credentials,
            uds.SPOT,
            name="alice",
            environment=sandbox.environment,
            network=sandbox.network,
            max_buffer=2,
        ) as stream:
            stray = {"subscriptionId": 77, "event": {**payloads.MARGIN["balanceUpdate"]}}
            sandbox.faults.send_raw(json.dumps(stray))
            await trio.sleep(1)
            event = await stream.receive()
            assert isinstance(event, uds.UnknownEvent)
            assert event.stream == "alice"
            for _ in range(3):
                sandbox.faults.send_event({"e": "somethingNew", "E": 1_700_000_000_000})
            await trio.sleep(1)
            sandbox.revoke(account)
            await trio.sleep(1_000)
            items: list[Item] = []

            async def read_all() -> None:
                async for item in stream:
                    items.append(item)

            with pytest.raises(uds.StreamFailed):
                await read_all()
            assert isinstance(items[-1], uds.Gap)
            assert {item.stream for item in items} == {"alice"}


@pytest.mark.parametrize("name", ["", " ", " alice", "alice ", "al\nice", "al\x1bice", "x" * 101])
async def test_a_name_that_cannot_stand_in_a_log_line_is_refused_in_words(name: str) -> None:
    with pytest.raises(ValueError, match="1 to 100 printable characters"):
        async with uds.open_user_data_stream(
            uds.Credentials.from_secret("k" * 8, "s" * 8), uds.SPOT, name=name, environment=uds.TESTNET
        ):
            pytest.fail("it opened")


async def test_a_name_that_is_no_text_is_refused_in_words() -> None:
    with pytest.raises(TypeError, match="must be a text such as 'alice', got a value of type int"):
        async with uds.open_user_data_stream(
            uds.Credentials.from_secret("k" * 8, "s" * 8),
            uds.SPOT,
            name=7,  # type: ignore[arg-type]
            environment=uds.TESTNET,
        ):
            pytest.fail("it opened")
