"""While the venue wants to be left alone, the stream asks nothing, by whichever way it was said."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

import trio_binance_uds as uds
from support.everywhere import KEYED, opened
from support.venue import Reply
from trio_binance_uds.sandbox import open_sandbox

SIX_HOURS = 6 * 3600.0


class Dialled:
    """Counts the connections that a stream asks for."""

    def __init__(self, network: uds.Network) -> None:
        self.count = 0
        assert network.open_stream is not None
        self._open = network.open_stream
        self.network = uds.Network(open_stream=self._dial)

    async def _dial(self, host: str, port: int) -> trio.abc.Stream:
        self.count += 1
        return await self._open(host, port)


@pytest.mark.parametrize("transport", list(uds.TransportKind))
@pytest.mark.parametrize("unit", [1, 1000, 1_000_000], ids=["s", "ms", "us"])
async def test_in_a_ban_that_the_upgrade_names_there_is_one_attempt(
    autojump_clock: MockClock, transport: uds.TransportKind, unit: int
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "1"})
        dialled = Dialled(sandbox.network)
        async with uds.open_user_data_stream(
            account.credentials,
            uds.SPOT,
            environment=sandbox.environment,
            network=dialled.network,
            transport=transport,
            seed=1,
        ) as stream:
            await trio.sleep(1)
            until = (sandbox.clock.now_ms() + round(SIX_HOURS * 1000)) * unit // 1000
            text = f"Way too many requests; IP(203.0.113.9) banned until {until}."
            sandbox.faults.refuse_connections(status=418, msg=text, seconds=SIX_HOURS - 10)
            before = dialled.count
            sandbox.faults.cut()
            await trio.sleep(SIX_HOURS - 5)
            assert dialled.count == before + 1
            await trio.sleep(100)
            assert dialled.count == before + 2
            items: list[Any] = []
            with trio.move_on_after(1):
                async for item in stream:
                    items.append(item)
            assert isinstance(items[-1], uds.Gap)
            assert (items[-1].until - items[-1].since).total_seconds() > SIX_HOURS


@pytest.mark.parametrize("product", KEYED, ids=lambda product: product.name)
async def test_a_ban_without_a_time_is_respected_by_keepalives_for_as_long_as_the_shortest(
    autojump_clock: MockClock, product: uds.Product
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    async with opened(product) as stage:
        verb = "POST" if mechanism.has_only_post else "PUT"
        stage.venue.answer_instead(f"{verb} {mechanism.path}", Reply(418, b"<html>banned</html>"))
        await trio.sleep(31)
        asked = len(stage.venue.calls)
        assert stage.venue.calls[-1].verb == verb
        await trio.sleep(115)
        assert len(stage.venue.calls) == asked
        await trio.sleep(60)
        assert len(stage.venue.calls) > asked
        assert stage.items == []


async def test_a_ban_that_rest_names_holds_the_reconnect_back(autojump_clock: MockClock) -> None:
    async with opened(uds.CROSS_MARGIN) as stage:
        venue = stage.venue
        text = f"IP banned until {venue.now_ms() + 3_600_000}"
        venue.answer_instead("POST /sapi/v1/userListenToken", Reply(400, {"code": -1003, "msg": text}))
        asked, dialled = len(venue.calls), len(venue.sockets)
        for socket in venue.live_sockets():
            await socket.drop()
        await trio.sleep(3595)
        assert (len(venue.calls), len(venue.sockets)) == (asked + 1, dialled)
        await trio.sleep(70)
        assert stage.kinds()[0] == "Disconnected"
        assert stage.kinds()[-1] == "Gap"


async def test_a_ban_that_comes_while_an_attempt_is_due_puts_it_off(autojump_clock: MockClock) -> None:
    backoff = uds.Backoff(initial=50.0)
    async with opened(uds.USDM_FUTURES, backoff=backoff) as stage:
        venue = stage.venue
        dialled = len(venue.sockets)
        for socket in venue.live_sockets():
            await socket.drop()
        await trio.sleep(0.01)
        stage.stream._supervisor._plan.bar.note(uds.HandshakeRejected("banned", status=418, retry_after=1000.0))
        await trio.sleep(995)
        assert len(venue.sockets) == dialled
        await trio.sleep(10)
        assert len(venue.sockets) == dialled + 1


async def test_a_ban_in_a_close_frame_is_respected(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "1"})
        dialled = Dialled(sandbox.network)
        async with uds.open_user_data_stream(
            account.credentials, uds.SPOT, environment=sandbox.environment, network=dialled.network
        ):
            before = dialled.count
            sandbox.faults.close(reason=f"IP banned until {sandbox.clock.now_ms() + 600_000}.")
            await trio.sleep(590)
            assert dialled.count == before
            await trio.sleep(80)
            assert dialled.count == before + 1


async def test_a_limit_that_the_socket_names_holds_the_streams_own_questions_back(autojump_clock: MockClock) -> None:
    async with opened(uds.CROSS_MARGIN) as stage:
        venue = stage.venue
        data = {"retryAfter": venue.now_ms() + 300_000, "serverTime": venue.now_ms()}
        venue.answer_method_instead("session.subscriptions", (429, {"code": -1003, "msg": "Too many.", "data": data}))
        await trio.sleep(35)
        asked = len(venue.ws_calls)
        assert venue.ws_calls[-1][0] == "session.subscriptions"
        await trio.sleep(260)
        assert len(venue.ws_calls) == asked
        await trio.sleep(60)
        assert len(venue.ws_calls) > asked
        assert stage.items == []


async def test_a_ban_until_the_year_2286_blinds_for_three_days_and_says_so(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(uds.CROSS_MARGIN) as stage:
        venue = stage.venue
        reply = Reply(418, {"code": -1003, "msg": "IP banned until 9999999999999"})
        venue.answer_instead("POST /sapi/v1/userListenToken", reply)
        for socket in venue.live_sockets():
            await socket.drop()
        await trio.sleep(3 * 86_400 + 100)
        assert stage.kinds()[-1] == "Gap"
        assert "more than its longest ban" in caplog.text
