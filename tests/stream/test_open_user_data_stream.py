"""What the door promises, against the sandbox: in memory, on virtual time."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox

Item = uds.Event | uds.Notice


@attrs.define
class Stage:
    """A sandbox, an account that trades there, and its stream as it is read."""

    sandbox: Sandbox
    account: SandboxAccount
    stream: uds.UserDataStream
    items: list[Item] = attrs.field(factory=list)

    async def read(self) -> None:
        async for item in self.stream:
            self.items.append(item)

    def order(self, **more: Any) -> Any:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
        order |= {"quantity": "0.001", "price": "20000", **more}
        return self.account.call("order.place", {name: value for name, value in order.items() if value is not None})

    def reports(self) -> list[int | None]:
        """The execution ids that were received, in their order."""
        return [item.execution_id for item in self.items if isinstance(item, uds.ExecutionReport)]

    def sent_reports(self) -> list[int | None]:
        """The execution ids of everything that happened to the account, in its order."""
        entries = self.sandbox.exchange.journal.entries(self.account.exchange_account)
        return [entry.event["I"] for entry in entries if entry.event["e"] == "executionReport"]

    def notices(self) -> list[uds.Notice]:
        return [item for item in self.items if isinstance(item, uds.Notice)]


def new_account(sandbox: Sandbox, key: str = "ed25519") -> SandboxAccount:
    return sandbox.add_account(balances={"USDT": "100000", "BTC": "10"}, key=key)


@asynccontextmanager
async def stage(*, key: str = "ed25519", lifetime: float = 86_400, **options: Any) -> AsyncIterator[Stage]:
    async with open_sandbox(in_memory=True, lifetime=lifetime) as sandbox:
        account = new_account(sandbox, key)
        async with uds.open_user_data_stream(
            account.credentials,
            uds.SPOT,
            environment=sandbox.environment,
            network=sandbox.network,
            **{"seed": 1, **options},
        ) as stream:
            yield Stage(sandbox, account, stream)


@asynccontextmanager
async def reading(**options: Any) -> AsyncIterator[Stage]:
    async with stage(**options) as staged, trio.open_nursery() as nursery:
        nursery.start_soon(staged.read)
        await trio.sleep(1)  # The stream asks what was there before it began.
        yield staged
        await trio.sleep(1)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    ("key", "options"),
    [
        ("ed25519", {}),
        ("ed25519", {"logon": True}),
        ("ed25519", {"logon": False}),
        ("hmac", {}),
        ("rsa", {}),
        ("hmac", {"transport": uds.TransportKind.TRIO_WEBSOCKET}),
        ("ed25519", {"transport": uds.TransportKind.TRIO_WEBSOCKET}),
    ],
)
async def test_what_happens_after_entering_arrives_typed_and_in_order(
    autojump_clock: trio.testing.MockClock, key: str, options: dict[str, Any]
) -> None:
    async with reading(key=key, **options) as staged:
        order = staged.order()
        staged.account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
    new, position, cancel, back = staged.items
    assert isinstance(new, uds.ExecutionReport)
    assert new.order_status is uds.OrderStatus.NEW
    assert isinstance(position, uds.OutboundAccountPosition)
    assert isinstance(cancel, uds.ExecutionReport)
    assert cancel.order_status is uds.OrderStatus.CANCELED
    assert isinstance(back, uds.OutboundAccountPosition)


async def test_a_logon_with_another_kind_of_key_is_refused_in_plain_words_before_anything_is_opened(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        with pytest.raises(uds.CredentialsError, match=r"session\.logon needs an Ed25519 key.*HMAC"):
            async with uds.open_user_data_stream(
                new_account(sandbox, "hmac").credentials,
                uds.SPOT,
                environment=sandbox.environment,
                network=sandbox.network,
                logon=True,
            ):
                pytest.fail("it opened")
        assert sandbox.connections == ()


@pytest.mark.parametrize(
    ("break_it", "error"),
    [
        (lambda sandbox, account: sandbox.revoke(account), uds.AuthenticationFailed),
        (lambda sandbox, account: sandbox.faults.refuse_connections(), uds.ConnectFailed),
        (lambda sandbox, account: sandbox.faults.refuse_connections(status=403), uds.HandshakeRejected),
        (lambda sandbox, account: sandbox.faults.refuse_connections(status=429, retry_after=9), uds.HandshakeRejected),
        (lambda sandbox, account: sandbox.faults.fail_next("session.logon", status=503), uds.OutcomeUnknown),
        (lambda sandbox, account: sandbox.faults.drop(9, after=0), uds.ConnectFailed),
    ],
)
async def test_the_first_failure_leaves_the_block_bare(
    autojump_clock: trio.testing.MockClock, break_it: Callable[[Sandbox, SandboxAccount], None], error: type[Exception]
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = new_account(sandbox)
        break_it(sandbox, account)
        async with trio.open_nursery() as nursery:
            if error is uds.ConnectFailed:
                # A server that never answers: it must be found out while the subscription is awaited.
                nursery.start_soon(_silence, sandbox)
            with pytest.raises(error) as caught:
                async with uds.open_user_data_stream(
                    account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network
                ):
                    pytest.fail("it opened")
            nursery.cancel_scope.cancel()
        assert type(caught.value) is error
        await trio.sleep(1)
        assert sandbox.connections == ()


async def _silence(sandbox: Sandbox) -> None:
    while not sandbox.connections:
        await trio.lowlevel.checkpoint()
    sandbox.faults.half_open()
    await trio.sleep_forever()


async def test_an_exception_of_the_body_leaves_the_block_as_itself_with_its_chain(
    autojump_clock: trio.testing.MockClock,
) -> None:
    cause, context = LookupError("the cause"), KeyError("the context")
    error = ValueError("the user's own")
    error.__cause__, error.__context__ = cause, context
    with pytest.raises(ValueError, match="own") as caught:
        async with stage():
            raise error
    assert caught.value is error
    assert error.__cause__ is cause
    assert error.__context__ is context


async def test_a_group_that_leaves_the_body_is_left_whole(autojump_clock: trio.testing.MockClock) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        async with stage():
            raise ExceptionGroup("the user's", [ValueError("one"), TypeError("two")])
    assert caught.value.message == "the user's"


async def test_cancelled_the_body_hears_it_first_and_can_still_cancel_its_orders(
    autojump_clock: trio.testing.MockClock,
) -> None:
    canceled: list[Any] = []
    async with open_sandbox(in_memory=True) as sandbox:
        account = new_account(sandbox)
        with trio.move_on_after(5) as scope:
            async with uds.open_user_data_stream(
                account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network
            ) as stream:
                order = await stream.request(
                    "order.place",
                    {
                        "symbol": "BTCUSDT",
                        "side": "BUY",
                        "type": "LIMIT",
                        "timeInForce": "GTC",
                        "quantity": "0.001",
                        "price": "20000",
                    },
                )
                try:
                    await trio.sleep_forever()
                finally:
                    with trio.move_on_after(2, shield=True):
                        params = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
                        canceled.append(await stream.request("order.cancel", params))
        assert scope.cancelled_caught
        assert canceled[0]["status"] == "CANCELED"
        assert account.call("openOrders.status") == []


async def test_after_the_block_nothing_runs_and_the_stream_says_that_it_is_closed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = new_account(sandbox)
        await trio.testing.wait_all_tasks_blocked()
        before = trio.lowlevel.current_statistics().tasks_living
        async with uds.open_user_data_stream(
            account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network
        ) as stream:
            account.call("order.place", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.001")
        with pytest.raises(trio.ClosedResourceError):
            await stream.receive()
        with pytest.raises(trio.ClosedResourceError):
            await stream.request("account.status")
        await trio.sleep(1)
        assert sandbox.connections == ()
        assert trio.lowlevel.current_statistics().tasks_living == before


@pytest.mark.parametrize("fault", ["cut", "tear_frame", "close"])
async def test_a_lost_link_is_told_its_place_is_marked_and_the_stream_goes_on(
    autojump_clock: trio.testing.MockClock, fault: str
) -> None:
    async with reading(recovery=uds.Recovery(enabled=False)) as staged:
        staged.order()
        await trio.sleep(1)
        getattr(staged.sandbox.faults, fault)()
        staged.order()  # With tear_frame, half of this report is the last that is heard.
        if fault == "tear_frame":
            await trio.sleep(0.01)
        await trio.sleep(0.001)
        with pytest.raises(uds.NotConnected, match=r"\(BTCUSDT, client order id mine\)$") as caught:
            await staged.stream.request("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "mine"})
        assert caught.value.client_order_id == "mine"
        await trio.sleep(30)
        staged.order()
        await trio.sleep(1)
        statistics = staged.stream.statistics()
    disconnected, gap = staged.notices()
    assert isinstance(disconnected, uds.Disconnected)
    assert disconnected.cause is uds.DisconnectCause.CONNECTION_LOST
    assert isinstance(gap, uds.Gap)
    assert gap.cause is uds.GapCause.LINK_LOST
    assert not gap.complete
    assert gap.since <= disconnected.at <= gap.until
    assert staged.items.index(disconnected) < staged.items.index(gap)
    sent, got = staged.sent_reports(), staged.reports()
    assert got == [sent[0], sent[-1]], "what happened while blind lies in the gap, everything else arrived"
    assert statistics.links_opened == 2
    assert statistics.gaps_incomplete == 1
    assert statistics.events_delivered == len(staged.items) - 2


def story(items: list[Item]) -> list[tuple[Any, ...]]:
    """What was told of orders, without what only a live event can know."""
    return [
        (item.symbol, item.order_id, item.execution_type, item.order_status, item.trade_id)
        for item in items
        if isinstance(item, uds.ExecutionReport)
    ]


def sent_story(staged: Stage) -> list[tuple[Any, ...]]:
    events = staged.sandbox.exchange.journal.events(staged.account.exchange_account)
    return [(e["s"], e["i"], e["x"], e["X"], e["t"]) for e in events if e["e"] == "executionReport"]


@pytest.mark.parametrize("fault", ["cut", "tear_frame", "close", "half_open"])
async def test_what_was_missed_follows_its_gap_once_in_order_and_with_the_venues_own_figures(
    autojump_clock: trio.testing.MockClock, fault: str
) -> None:
    async with reading() as staged:
        maker = staged.sandbox.add_account(balances={"USDT": "100000", "BTC": "10"})
        staged.order()
        await trio.sleep(1)
        getattr(staged.sandbox.faults, fault)()
        for price in ("30000", "30001"):
            maker.call(
                "order.place",
                symbol="BTCUSDT",
                side="SELL",
                type="LIMIT",
                timeInForce="GTC",
                quantity="0.002",
                price=price,
            )
        bought = staged.order(type="MARKET", quantity="0.003", timeInForce=None, price=None)
        await trio.sleep(0.01)
        gone = staged.order(price="21000")
        await trio.sleep(0.01)
        staged.account.call("order.cancel", symbol="BTCUSDT", orderId=gone["orderId"])
        await trio.sleep(60)
        staged.order(price="22000")
        await trio.sleep(1)
    (gap,) = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert gap.complete, gap.detail
    assert story(staged.items) == sent_story(staged)
    recovered = [item for item in staged.items if isinstance(item, uds.Event) and item.recovered]
    assert gap.recovered == len(recovered)
    after = staged.items.index(gap) + 1
    assert staged.items[after : after + len(recovered)] == recovered
    fills = [item for item in recovered if isinstance(item, uds.ExecutionReport) and item.execution_type == "TRADE"]
    assert [(fill.order_id, fill.last_executed_quantity) for fill in fills] == [
        (bought["orderId"], Decimal("0.002")),
        (bought["orderId"], Decimal("0.001")),
    ]
    assert all(fill.commission_amount > 0 and fill.execution_id is None for fill in fills)
    position = recovered[-1]
    assert isinstance(position, uds.OutboundAccountPosition)
    assert {balance.asset for balance in position.balances} == {"BTC", "USDT"}


async def test_a_deposit_in_a_gap_shows_in_the_balance_and_makes_the_gap_incomplete(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        staged.sandbox.faults.cut()
        staged.sandbox.exchange.deposit(staged.account.exchange_account, "BTC", "2.5")
        await trio.sleep(30)
    (gap,) = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert not gap.complete
    assert "BTC" in gap.detail
    (position,) = [item for item in staged.items if isinstance(item, uds.OutboundAccountPosition)]
    assert position.recovered
    assert [(balance.asset, balance.free) for balance in position.balances] == [("BTC", Decimal("12.5"))]


async def test_what_a_slow_consumer_made_us_shed_is_recovered(autojump_clock: trio.testing.MockClock) -> None:
    async with stage(max_buffer=50) as staged:
        await trio.sleep(1)
        for _ in range(30):
            order = staged.order()
            staged.account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
            await trio.sleep(0.01)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(staged.read)
            await trio.sleep(30)
            nursery.cancel_scope.cancel()
    gaps = [item for item in staged.items if isinstance(item, uds.Gap)]
    assert gaps
    assert all(gap.complete and gap.cause is uds.GapCause.CONSUMER_TOO_SLOW for gap in gaps)
    assert sorted(story(staged.items)) == sorted(sent_story(staged))


async def test_a_half_open_connection_is_found_within_the_stated_time(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        await trio.sleep(100)
        silent_at = staged.sandbox.clock.now()
        staged.sandbox.faults.half_open()
        staged.order()
        await trio.sleep(60)
    disconnected, gap = staged.notices()
    assert isinstance(disconnected, uds.Disconnected)
    assert disconnected.cause is uds.DisconnectCause.KEEPALIVE_TIMEOUT
    assert disconnected.at.timestamp() * 1e6 - silent_at <= 25e6 + 1e4
    assert isinstance(gap, uds.Gap)
    assert gap.since.timestamp() * 1e6 <= silent_at + 1e4, "the gap begins with the last sign of life"


async def test_refused_again_and_again_it_goes_on_trying_and_tells_with_measure(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        staged.sandbox.faults.refuse_connections(status=503, seconds=3600)
        staged.sandbox.faults.cut()
        await trio.sleep(3700)
        staged.order()
    first, *failed, gap = staged.notices()
    assert isinstance(first, uds.Disconnected)
    assert isinstance(staged.items[len(failed) + 2], uds.ExecutionReport), "and before the gap there was none"
    assert {type(item) for item in failed} == {uds.ReconnectFailed}
    assert 1 < len(failed) < 10
    assert isinstance(gap, uds.Gap)
    assert 3500 < (gap.until - gap.since).total_seconds() < 3750


async def test_the_wait_that_the_venue_names_is_kept(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        staged.sandbox.faults.refuse_connections(status=429, retry_after=500, count=1)
        staged.sandbox.faults.cut()
        await trio.sleep(600)
    _, failed, gap = staged.notices()
    assert isinstance(failed, uds.ReconnectFailed)
    assert 500 <= (failed.next_attempt_at - failed.at).total_seconds() < 501
    assert isinstance(gap, uds.Gap)
    assert 500 <= (gap.until - gap.since).total_seconds() < 510


async def test_a_budget_of_attempts_that_is_spent_ends_the_stream(autojump_clock: trio.testing.MockClock) -> None:
    async with stage(backoff=uds.Backoff(attempts=4)) as staged:
        staged.sandbox.faults.refuse_connections()
        staged.sandbox.faults.cut()
        assert isinstance(await staged.stream.receive(), uds.Disconnected)
        assert isinstance(await staged.stream.receive(), uds.ReconnectFailed)
        with pytest.raises(uds.StreamFailed) as caught:
            await staged.stream.receive()
        assert "gave up after 4" in str(caught.value.__cause__)


@pytest.mark.parametrize("key", ["ed25519", "hmac"])
async def test_a_revoked_key_ends_the_stream_after_what_was_buffered(
    autojump_clock: trio.testing.MockClock, key: str
) -> None:
    async with stage(key=key) as staged:
        staged.order()
        await trio.sleep(1)
        staged.sandbox.faults.revoke(staged.account.key, silently=False)
        await trio.sleep(400)
        with pytest.raises(uds.StreamFailed) as caught:
            await staged.read()
        kinds = [type(item) for item in staged.items]
        assert kinds[:3] == [uds.ExecutionReport, uds.OutboundAccountPosition, uds.Disconnected]
        assert set(kinds[3:]) == {uds.ReconnectFailed}
        assert isinstance(caught.value.__cause__, uds.AuthenticationFailed)
        with pytest.raises(uds.StreamFailed):
            await staged.stream.receive()
        for _ in range(2):
            with pytest.raises(uds.StreamFailed) as caught:
                await staged.stream.request("account.status")
            assert isinstance(caught.value.__cause__, uds.AuthenticationFailed)


async def test_a_revoked_session_is_noticed_by_the_next_request(autojump_clock: trio.testing.MockClock) -> None:
    async with stage() as staged:
        await trio.sleep(1)
        staged.sandbox.revoke(staged.account)
        with pytest.raises(uds.AuthenticationFailed):
            await staged.stream.request("account.status")
        assert isinstance(await staged.stream.receive(), uds.Disconnected)
        with pytest.raises(uds.StreamFailed) as caught:
            await staged.read()
        assert isinstance(caught.value.__cause__, uds.AuthenticationFailed)


async def test_after_the_block_a_request_is_made_on_something_closed(autojump_clock: trio.testing.MockClock) -> None:
    async with stage() as staged:
        await staged.stream.aclose()
        assert await staged.stream.request("ping") == {}
    with pytest.raises(trio.ClosedResourceError):
        await staged.stream.request("ping")


@pytest.mark.parametrize("method", ["userDataStream.start", "userDataStream.ping", "v3/userDataStream.stop"])
async def test_what_the_venue_has_retired_says_since_when_and_what_came_instead(
    autojump_clock: trio.testing.MockClock, method: str
) -> None:
    async with stage() as staged:
        with pytest.raises(uds.Retired, match=r"retired listen keys of spot on 2026-02-20; .*subscri") as caught:
            await staged.stream.request(method)
        assert caught.value.method == method


async def test_a_subscription_that_the_venue_ends_is_a_gap_and_comes_back(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        staged.sandbox.faults.terminate_subscription()
        await trio.sleep(10)
        staged.order()
    disconnected, gap = staged.notices()
    assert isinstance(disconnected, uds.Disconnected)
    assert disconnected.cause is uds.DisconnectCause.SUBSCRIPTION_LOST
    assert isinstance(gap, uds.Gap)
    assert gap.cause is uds.GapCause.SUBSCRIPTION_LOST
    assert staged.reports() == staged.sent_reports()


async def trade(staged: Stage, seconds: float, every: float) -> None:
    end = trio.current_time() + seconds
    while trio.current_time() < end:
        order = staged.order()
        await trio.sleep(every / 2)
        staged.account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])
        await trio.sleep(every / 2)


async def test_an_announced_shutdown_costs_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged, trio.open_nursery() as nursery:
        nursery.start_soon(trade, staged, 60, 0.05)
        await trio.sleep(20)
        staged.sandbox.faults.server_shutdown(grace=10)
    assert staged.notices() == []
    assert staged.reports() == staged.sent_reports()
    assert len(staged.reports()) > 2000


async def test_while_links_overlap_no_event_is_lost_or_repeated_though_one_lags(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged, trio.open_nursery() as nursery:
        nursery.start_soon(trade, staged, 40, 0.02)
        await trio.sleep(5)
        (old,) = staged.sandbox.connections
        staged.sandbox.faults.delay(0.5, old)
        await trio.sleep(1)
        staged.sandbox.faults.server_shutdown(old, grace=20)
        await trio.sleep(15)
        (newer,) = staged.sandbox.connections
        assert newer.id != old.id
        staged.sandbox.faults.server_shutdown(newer, grace=20)
        staged.sandbox.faults.delay(0.7)
        await trio.sleep(1)
    assert staged.notices() == []
    assert staged.reports() == staged.sent_reports()


async def test_an_old_link_that_falls_silent_before_a_rollover_leaves_a_gap(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading(rollover=uds.Rollover(lifetime=100, lead=50, jitter=0)) as staged:
        await trio.sleep(48)
        staged.sandbox.faults.half_open()
        await trio.sleep(20)
        staged.order()
        await trio.sleep(1)
    (gap,) = staged.notices()
    assert isinstance(gap, uds.Gap)
    assert gap.cause is uds.GapCause.HANDOVER_UNPROVEN
    assert staged.reports() == staged.sent_reports()


async def test_requests_in_flight_on_the_old_link_are_answered_during_a_rollover(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        staged.sandbox.faults.delay_answer(5, "account.status")
        results = []

        async def ask() -> None:
            results.append(await staged.stream.request("account.status"))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ask)
            await trio.sleep(0.1)
            staged.sandbox.faults.server_shutdown(grace=60)
            await trio.sleep(1)
            assert (await staged.stream.request("account.status"))["accountType"] == "SPOT"
        assert len(results) == 1


async def test_a_slow_consumer_gets_a_gap_exactly_where_events_were_shed(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with stage(max_buffer=20, recovery=uds.Recovery(enabled=False)) as staged:
        for _ in range(50):
            staged.order()
            await trio.sleep(0.01)
        await trio.sleep(1)
        sent = staged.sent_reports()
        seen: list[Item] = []
        while not isinstance(seen[-1] if seen else None, uds.Gap):
            seen.append(await staged.stream.receive())
        gap = seen[-1]
        assert isinstance(gap, uds.Gap)
        assert gap.cause is uds.GapCause.CONSUMER_TOO_SLOW
        got = [item.execution_id for item in seen if isinstance(item, uds.ExecutionReport)]
        assert got == sent[: len(got)]
        assert isinstance(seen[-2], uds.Shedding), "in its place, before the gap"
        assert gap.shed == 100 - (len(seen) - 2)
        staged.order()
        after = await staged.stream.receive()
        assert isinstance(after, uds.ExecutionReport)
        assert staged.stream.statistics().events_shed == gap.shed


async def test_orders_are_placed_through_the_stream_and_refusals_are_errors(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with stage() as staged:
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}
        result = await staged.stream.request("order.place", {**order, "price": "20000"})
        report = await staged.stream.receive()
        assert isinstance(report, uds.ExecutionReport)
        assert (report.order_id, report.client_order_id) == (result["orderId"], result["clientOrderId"])
        with pytest.raises(uds.ApiError) as caught:
            await staged.stream.request("order.place", {**order, "price": "20000", "quantity": "9999"})
        assert caught.value.code == -2010
        for method in ("session.logout", "userDataStream.unsubscribe", "v3/userDataStream.subscribe.signature"):
            with pytest.raises(ValueError, match="by the stream itself"):
                await staged.stream.request(method)
        assert len(await staged.stream.request("session.subscriptions")) == 1


@pytest.mark.parametrize("executed", [True, False])
async def test_an_answer_that_does_not_know_is_never_yes_or_no(
    autojump_clock: trio.testing.MockClock, executed: bool
) -> None:
    async with stage() as staged:
        staged.sandbox.faults.fail_next("order.place", status=503, code=-1007, executed=executed)
        with pytest.raises(uds.OutcomeUnknown) as caught:
            await staged.stream.request(
                "order.place",
                {
                    "symbol": "BTCUSDT",
                    "side": "BUY",
                    "type": "LIMIT",
                    "timeInForce": "GTC",
                    "quantity": "0.001",
                    "price": "20000",
                },
            )
        look_up = {"symbol": "BTCUSDT", "origClientOrderId": caught.value.client_order_id}
        if executed:
            assert (await staged.stream.request("order.status", look_up))["status"] == "NEW"
        else:
            with pytest.raises(uds.ApiError) as refused:
                await staged.stream.request("order.status", look_up)
            assert refused.value.code == -2013


async def test_what_is_unknown_or_broken_arrives_as_a_value_in_its_place(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        staged.order()
        faults = staged.sandbox.faults
        faults.send_event({"e": "somethingNew", "E": 1_900_000_000_000, "x": 1})
        faults.send_raw('{"subscriptionId":0,"event":{"e":"balanceUpdate","E":1900000000000,"a":"BTC","d":"NaN"}}')
        faults.send_raw('{"subscriptionId":7,"event":{"e":"balanceUpdate","E":1900000000000,"a":"X","d":"1","T":1}}')
        faults.send_raw("{not json")
        faults.send_raw(b"\xff\xfe")
        faults.send_raw("[" * 100_000)
        staged.order()
        await trio.sleep(1)
    kinds = [type(item) for item in staged.items if isinstance(item, uds.Event)]
    middle = kinds[2:-2]
    assert set(middle) <= {uds.UnknownEvent, uds.UndecodableEvent}
    assert len(middle) == 6
    assert all(isinstance(notice, uds.Gap) for notice in staged.notices()), "the venue was asked what they were"
    assert staged.reports() == staged.sent_reports()


async def test_events_that_overtake_the_acknowledgement_are_not_lost(autojump_clock: trio.testing.MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = new_account(sandbox, "hmac")
        sandbox.faults.delay_answer(2, "userDataStream.subscribe.signature")

        async def trade_early() -> None:
            await trio.sleep(1)
            account.call(
                "order.place",
                symbol="BTCUSDT",
                side="BUY",
                type="LIMIT",
                timeInForce="GTC",
                quantity="0.001",
                price="20000",
            )

        async with trio.open_nursery() as nursery:
            nursery.start_soon(trade_early)
            async with uds.open_user_data_stream(
                account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network
            ) as stream:
                assert isinstance(await stream.receive(), uds.ExecutionReport)


async def test_the_clock_of_the_machine_does_not_matter(autojump_clock: trio.testing.MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        sandbox.faults.skew_clock(-86_400 * 365)
        account = new_account(sandbox)
        async with uds.open_user_data_stream(
            account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network
        ) as stream:
            sandbox.faults.skew_clock(3600)
            assert (await stream.request("account.status"))["accountType"] == "SPOT"


async def test_no_secret_is_logged_or_shown(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    async with reading(key="hmac") as staged:
        staged.order()
        staged.sandbox.faults.cut()
        await trio.sleep(20)
        with pytest.raises(uds.ApiError) as caught:
            await staged.stream.request("order.cancel", {"symbol": "BTCUSDT", "orderId": 999_999})
        shown += [repr(caught.value), str(caught.value)]
        shown += [repr(staged.stream), repr(staged.stream.statistics()), repr(staged.account.credentials)]
    shown += [repr(item) for item in staged.items] + [record.getMessage() for record in caplog.records]
    assert len(caplog.records) > 3
    for secret in (staged.account.secret, staged.account.api_key):
        assert not any(secret in text for text in shown)
    assert not any("signature=" in text for text in shown)


async def test_a_pickled_or_dumped_event_is_still_an_event(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        staged.order()
    report = staged.items[0]
    assert isinstance(report, uds.ExecutionReport)
    assert json.loads(json.dumps(report.raw))["s"] == "BTCUSDT"


async def never(_: str, __: int) -> trio.abc.Stream:
    await trio.sleep_forever()
    raise AssertionError


async def test_a_server_that_cannot_be_reached_is_given_up_in_time_and_starting_up_can_be_cancelled(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = new_account(sandbox)
        network = uds.Network(open_stream=never)

        def opening() -> Any:
            return uds.open_user_data_stream(
                account.credentials, uds.SPOT, environment=sandbox.environment, network=network
            )

        start = trio.current_time()
        with pytest.raises(uds.ConnectFailed, match="more than 10 s"):
            async with opening():
                pytest.fail("it opened")
        assert trio.current_time() - start == pytest.approx(10)
        with trio.move_on_after(3) as scope:
            async with opening():
                pytest.fail("it opened")
        assert scope.cancelled_caught


async def test_a_venue_that_does_not_tell_the_time_is_gone_by_the_machines_clock(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = new_account(sandbox)
        for prepare in (
            lambda: sandbox.faults.lose_answer("time"),
            lambda: sandbox.faults.fail_next("time", status=400, code=-1020),
        ):
            prepare()
            start = trio.current_time()
            async with uds.open_user_data_stream(
                account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network
            ):
                assert trio.current_time() - start <= 3


async def test_a_subscription_that_vanishes_in_silence_is_found_within_the_stated_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        await trio.sleep(95)
        vanished_at = staged.sandbox.clock.datetime()
        staged.sandbox.faults.vanish_subscription()
        staged.order()
        await trio.sleep(60)
        staged.order()
    disconnected, gap = staged.notices()
    assert isinstance(disconnected, uds.Disconnected)
    assert disconnected.cause is uds.DisconnectCause.SUBSCRIPTION_LOST
    assert (disconnected.at - vanished_at).total_seconds() <= 45
    assert isinstance(gap, uds.Gap)
    assert gap.since <= vanished_at


async def test_a_rollover_does_not_hide_that_the_old_subscription_had_vanished(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading(recovery=uds.Recovery(enabled=False)) as staged:
        await trio.sleep(1)
        vanished_at = staged.sandbox.clock.datetime()
        staged.sandbox.faults.vanish_subscription()
        staged.order()
        await trio.sleep(1)
        staged.sandbox.faults.server_shutdown(grace=60)
        await trio.sleep(5)
        staged.order()
    (gap,) = staged.notices()
    assert isinstance(gap, uds.Gap)
    assert gap.cause is uds.GapCause.HANDOVER_UNPROVEN
    assert gap.since <= vanished_at <= gap.until
    assert staged.reports() == staged.sent_reports()[-1:]


async def test_a_venue_that_answers_no_question_about_the_subscription_is_not_trusted(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with reading() as staged:
        staged.sandbox.faults.fail_next("session.subscriptions", status=503, times=2)
        await trio.sleep(100)
        staged.sandbox.faults.fail_next("session.subscriptions", status=400, code=-1020, times=5)
        await trio.sleep(150)
        assert staged.notices() == []
        staged.sandbox.faults.fail_next("session.subscriptions", status=503, times=3)
        await trio.sleep(100)
    assert [type(notice) for notice in staged.notices()] == [uds.Disconnected, uds.Gap]


async def test_a_report_that_the_venue_sends_twice_is_delivered_once(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        staged.sandbox.faults.duplicate(5)
        for _ in range(4):
            staged.order()
        await trio.sleep(1)
        assert staged.stream.statistics().events_repeated > 0
    assert staged.reports() == staged.sent_reports()


async def test_a_fill_that_comes_again_under_another_execution_id_is_dropped_and_told(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with reading() as staged:
        maker = staged.sandbox.add_account(balances={"BTC": "1"})
        offer = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC"}
        maker.call("order.place", **offer, quantity="0.003", price="20000")
        for _ in range(3):
            staged.order()
        await trio.sleep(1)
        fills = [event for event in (item.raw for item in staged.items) if event.get("x") == "TRADE"]
        for number, fill in enumerate(fills):
            staged.sandbox.faults.send_event(fill | {"I": number})
        await trio.sleep(1)
        statistics = staged.stream.statistics()
    assert len(fills) == statistics.fills_renumbered == 3
    assert statistics.events_repeated == 0
    assert staged.reports() == staged.sent_reports()
    assert sum("another execution id" in record.message for record in caplog.records) == 1


async def test_a_repeated_report_is_known_for_a_while_and_the_memory_for_it_is_bounded(
    autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trio_binance_uds.stream.repetitions._REPORTS_REMEMBERED", 10)
    async with reading() as staged:
        for _ in range(25):
            staged.order()
        await trio.sleep(1)
        reports = [item for item in staged.items if isinstance(item, uds.ExecutionReport)]
        for long_ago in (10, 25):
            staged.sandbox.faults.send_event(reports[-long_ago].raw)
        await trio.sleep(1)
        assert staged.stream.statistics().events_repeated == 1
    assert staged.reports() == [*staged.sent_reports(), reports[0].execution_id]


async def test_the_statistics_tell_of_links_blindness_and_latency(autojump_clock: trio.testing.MockClock) -> None:
    async with reading() as staged:
        staged.order()
        await trio.sleep(1)
        staged.sandbox.faults.refuse_connections(seconds=100)
        staged.sandbox.faults.cut()
        await trio.sleep(50)
        assert staged.stream.statistics().connected_since is None
        await trio.sleep(150)
        statistics = staged.stream.statistics()
    first, second = statistics.links
    assert first.ended_by is not None
    assert first.ended_at is not None
    assert second.ended_at is None
    assert statistics.connected_since == second.up_since
    assert 100 <= statistics.blind_seconds <= 180
    assert statistics.latency_seconds is not None
    assert 0 <= statistics.latency_seconds < 0.1
    assert statistics.consumer_lag_seconds == 0
