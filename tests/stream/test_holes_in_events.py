"""Events with holes on their way through a stream: those about it are obeyed at once, all others are counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support.everywhere import KEYED, TOKENED, opened
from support.product_payloads import MARGIN, USDM

# So long that nothing but the event itself can tell.
NO_CHECKS = uds.Timeouts(subscription_check=7200.0)
# All that an event can lack, or have in another form, and still say that it was sent.
HOLES: list[dict[str, Any]] = [
    {},
    {"E": None},
    {"E": 0},
    {"E": "soon"},
    {"E": "1782907700001"},
    {"E": {}, "listenKey": None},
    {"listenKey": 5},
    {"listenKey": []},
    {"listenKey": ""},
    {"zz": [1]},
]


@pytest.mark.parametrize("product", KEYED, ids=lambda product: product.name)
async def test_an_expiry_with_holes_ends_the_link_at_once(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    for hole in HOLES:
        async with opened(product, timeouts=NO_CHECKS) as stage:
            (socket,) = stage.venue.live_sockets()
            await stage.venue.expire_keys(silently=True)
            await socket.send({"e": "listenKeyExpired", **hole})
            await trio.sleep(30)
            assert stage.kinds() == ["Disconnected", "Gap"], hole
            assert stage.items[0].cause is uds.DisconnectCause.SUBSCRIPTION_LOST


@pytest.mark.parametrize("product", TOKENED, ids=lambda product: product.name)
async def test_a_termination_with_holes_ends_the_link_at_once(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    event = {"e": "eventStreamTerminated"}
    frames = [
        {"event": event},
        {"subscriptionId": 0, "event": event},
        {"subscriptionId": "0", "event": {**event, "E": None}},
        {"subscriptionId": 0.0, "event": {**event, "E": "soon"}},
        {"subscriptionId": None, "event": {**event, "E": 0}},
        {"subscriptionId": "?", "event": event},
        event,
    ]
    for frame in frames:
        async with opened(product, timeouts=NO_CHECKS) as stage:
            (socket,) = stage.venue.live_sockets()
            await socket.send(frame)
            await trio.sleep(30)
            assert stage.kinds() == ["Disconnected", "Gap"], frame


@pytest.mark.parametrize(
    "frame",
    [
        {"e": "serverShutdown"},
        {"event": {"e": "serverShutdown", "E": None}},
        {"subscriptionId": 77, "event": {"e": "serverShutdown", "E": "?"}},
    ],
    ids=json.dumps,
)
async def test_a_shutdown_with_holes_is_obeyed_at_once(
    autojump_clock: trio.testing.MockClock, frame: dict[str, Any]
) -> None:
    async with opened(uds.CROSS_MARGIN, timeouts=NO_CHECKS) as stage:
        (socket,) = stage.venue.live_sockets()
        await socket.send(frame)
        await trio.sleep(10)
        assert stage.items == []
        assert stage.stream.statistics().links_opened == 2


@pytest.mark.parametrize("product", KEYED, ids=lambda product: product.name)
async def test_what_a_socket_of_a_listen_key_says_of_itself_is_obeyed_too(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    async with opened(product, timeouts=NO_CHECKS) as stage:
        (socket,) = stage.venue.live_sockets()
        await socket.send({"stream": "!serverShutdown", "data": {"e": "serverShutdown"}})
        await trio.sleep(10)
        assert stage.items == []
        assert stage.stream.statistics().links_opened == 2
        (socket,) = stage.venue.live_sockets()
        await socket.send({"e": "eventStreamTerminated"})
        await trio.sleep(30)
        assert stage.kinds() == ["Disconnected", "Gap"]


async def test_events_with_holes_are_delivered_and_counted(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(uds.USDM_FUTURES) as stage:
        for payload in (
            USDM["TRADE_LITE"],
            {key: value for key, value in USDM["TRADE_LITE"].items() if key != "c"} | {"t": 660713},
            {"e": "MARGIN_CALL"},
            {"e": "ACCOUNT_UPDATE"},
            {"e": "unheardOf"},
        ):
            await stage.venue.tell(payload)
        await trio.sleep(1)
        statistics = stage.stream.statistics()
        assert (statistics.events_with_faults, statistics.events_undecodable) == (2, 1)
        assert [item.faults != () for item in stage.items[:5] if isinstance(item, uds.Event)][:2] == [False, True]


async def test_a_report_with_holes_is_one(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(uds.CROSS_MARGIN) as stage:
        await stage.venue.tell({key: MARGIN["executionReport"][key] for key in "esiSxXqplzLTt"})
        await trio.sleep(1)
        (report,) = stage.items
        assert type(report) is uds.ExecutionReport
        assert report.execution_id is report.client_order_id is report.self_trade_prevention_mode is None
        assert uds.Fault("self_trade_prevention_mode", "V", "is missing") in report.faults
        assert stage.stream.statistics().events_with_faults == 1
