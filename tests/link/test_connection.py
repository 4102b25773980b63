"""A connection resolves each request once, with one of three outcomes, and nobody disturbs anybody."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

from support.fake_transport import FakeTransport
from support.served import SERVER_START_MS, Served, no_opening, serving
from trio_binance_uds.credentials import Credentials
from trio_binance_uds.errors import (
    ApiError,
    AuthenticationFailed,
    ClockSkew,
    NotConnected,
    OutcomeUnknown,
    RateLimited,
)
from trio_binance_uds.events import BalanceUpdate, Event, UndecodableEvent
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.connection import Connection, PongMissing
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import Pong, TransportClosed
from trio_binance_uds.products import SPOT


class Caller:
    """A task that makes one request and keeps what became of it."""

    def __init__(self, served: Served, method: str = "account.status", params: dict[str, Any] | None = None) -> None:
        self._served, self._method, self._params = served, method, params
        self.scope = trio.CancelScope()
        self.outcomes: list[Any] = []

    async def run(self) -> None:
        with self.scope:
            try:
                self.outcomes.append(await self._served.connection.request(self._method, self._params))
            except Exception as error:
                self.outcomes.append(error)

    @property
    def outcome(self) -> Any:
        assert len(self.outcomes) == 1, "a request resolves exactly once"
        return self.outcomes[0]


async def test_answers_find_their_callers_in_any_order() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        callers = [Caller(served, "order.status", {"symbol": f"S{i}"}) for i in range(5)]
        for caller in callers:
            nursery.start_soon(caller.run)
        await trio.testing.wait_all_tasks_blocked()
        for request in reversed(served.transport.sent):
            served.transport.answer(request, request["params"]["symbol"])
        await trio.testing.wait_all_tasks_blocked()
        assert [caller.outcome for caller in callers] == ["S0", "S1", "S2", "S3", "S4"]
        assert served.connection.open_calls == 0


async def test_requests_that_are_ready_together_leave_in_one_write() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        for _ in range(20):
            nursery.start_soon(Caller(served).run)
        await trio.testing.wait_all_tasks_blocked()
        assert len(served.transport.sent) == 20
        assert len(served.transport.writes) <= 2
        served.transport.lose()


async def test_a_request_on_a_lost_connection_was_never_sent() -> None:
    async with serving() as served:
        served.transport.lose("cut by the test")
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(served.ended_by, TransportClosed)
        with pytest.raises(NotConnected, match=r"account\.status was not sent") as caught:
            await served.connection.request("account.status")
        assert not caught.value.outcome_unknown
        assert served.transport.sent == []


async def test_a_loss_leaves_what_was_written_unknown_and_what_waited_unsent() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        written = Caller(served, "order.place", {"symbol": "BTCUSDT", "newClientOrderId": "mine-1"})
        nursery.start_soon(written.run)
        await trio.testing.wait_all_tasks_blocked()
        served.transport.writable = trio.Event()
        blocking = Caller(served)
        nursery.start_soon(blocking.run)  # The writer takes it and blocks in the socket.
        await trio.testing.wait_all_tasks_blocked()
        waiting = Caller(served)
        nursery.start_soon(waiting.run)
        await trio.testing.wait_all_tasks_blocked()
        served.transport.lose("cut by the test")
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(written.outcome, OutcomeUnknown)
        assert written.outcome.client_order_id == "mine-1"
        assert "mine-1" in str(written.outcome)
        assert isinstance(written.outcome.__cause__, TransportClosed)
        assert isinstance(blocking.outcome, OutcomeUnknown)
        assert isinstance(waiting.outcome, NotConnected)


async def test_an_order_without_a_client_order_id_gets_one_to_be_looked_up_by() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        order = Caller(served, "order.place", {"symbol": "BTCUSDT"})
        oco = Caller(served, "orderList.place.oco", {"symbol": "BTCUSDT"})
        nursery.start_soon(order.run)
        nursery.start_soon(oco.run)
        await trio.testing.wait_all_tasks_blocked()
        served.transport.lose()
        await trio.testing.wait_all_tasks_blocked()
        sent = {request["method"]: request["params"] for request in served.transport.sent}
        assert order.outcome.client_order_id == sent["order.place"]["newClientOrderId"]
        assert oco.outcome.client_order_id == sent["orderList.place.oco"]["listClientOrderId"]
        assert len(order.outcome.client_order_id) <= 36


@pytest.mark.parametrize(
    ("method", "params", "names", "said"),
    [
        (
            "order.cancel",
            {"symbol": "BTCUSDT", "origClientOrderId": "mine", "newClientOrderId": "the-cancel"},
            {"client_order_id": "mine", "orig_client_order_id": "mine", "order_id": None},
            "BTCUSDT, client order id mine",
        ),
        (
            "v3/order.cancel",
            {"symbol": "BTCUSDT", "orderId": 77},
            {"client_order_id": None, "order_id": 77, "symbol": "BTCUSDT"},
            "BTCUSDT, order id 77",
        ),
        (
            "order.cancelReplace",
            {
                "symbol": "BTCUSDT",
                "cancelOrderId": "77",
                "cancelOrigClientOrderId": "old",
                "newClientOrderId": "mine",
                "cancelNewClientOrderId": "the-cancel",
            },
            {"client_order_id": "mine", "orig_client_order_id": "old", "order_id": 77},
            "BTCUSDT, order id 77, client order id old, new client order id mine",
        ),
        (
            "order.amend.keepPriority",
            {"symbol": "BTCUSDT", "origClientOrderId": "mine", "newClientOrderId": "later"},
            {"client_order_id": "mine", "order_id": None},
            "BTCUSDT, client order id mine",
        ),
        (
            "orderList.cancel",
            {"symbol": "BTCUSDT", "listClientOrderId": "my-list", "orderListId": 5},
            {"client_order_id": "my-list", "order_id": None, "order_list_id": 5},
            "BTCUSDT, order list id 5, client order id my-list",
        ),
        ("orderList.place.oco", {"listClientOrderId": "my-list"}, {"client_order_id": "my-list"}, "order id my-list"),
        ("order.place", {"newClientOrderId": "a\nb"}, {"client_order_id": "a\nb"}, "client order id 'a\\nb'"),
        ("openOrders.cancelAll", {"symbol": "BTCUSDT"}, {"symbol": "BTCUSDT", "client_order_id": None}, ""),
        ("order.status", {"symbol": "BTCUSDT", "orderId": "many"}, {"order_id": None}, ""),
    ],
)
async def test_every_error_names_the_order_that_its_request_is_about(
    method: str, params: dict[str, Any], names: dict[str, Any], said: str
) -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        refused, lost = Caller(served, method, params), Caller(served, method, params)
        nursery.start_soon(refused.run)
        await trio.testing.wait_all_tasks_blocked()
        (request,) = served.transport.sent
        served.transport.refuse(request, 400, -2010)
        nursery.start_soon(lost.run)
        await trio.testing.wait_all_tasks_blocked()
        served.transport.lose()
        await trio.testing.wait_all_tasks_blocked()
        unsent = Caller(served, method, params)
        await unsent.run()
        for caller, kind in ((refused, ApiError), (lost, OutcomeUnknown), (unsent, NotConnected)):
            assert type(caller.outcome) is kind
            assert {name: getattr(caller.outcome, name) for name in names} == names
            assert said in str(caller.outcome)
            assert "the-cancel" not in str(caller.outcome)
            assert str(caller.outcome).endswith(")") == bool(said), "nothing in brackets where nothing is named"


async def test_a_caller_who_leaves_disturbs_nobody_and_the_late_answer_is_counted() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        leaver, stayer = Caller(served), Caller(served)
        nursery.start_soon(leaver.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(stayer.run)
        await trio.testing.wait_all_tasks_blocked()
        leaver.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        assert served.connection.open_calls == 1
        for request in served.transport.sent:
            served.transport.answer(request, request["id"])
        await trio.testing.wait_all_tasks_blocked()
        assert leaver.outcomes == []
        assert stayer.outcome == 2
        assert served.connection.statistics.late_answers == 1


async def test_a_caller_who_leaves_before_the_writing_has_sent_nothing() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        served.transport.writable = trio.Event()
        blocking, leaver = Caller(served), Caller(served)
        nursery.start_soon(blocking.run)
        await trio.testing.wait_all_tasks_blocked()
        nursery.start_soon(leaver.run)
        await trio.testing.wait_all_tasks_blocked()
        leaver.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        served.transport.writable.set()
        await trio.testing.wait_all_tasks_blocked()
        assert len(served.transport.sent) == 1
        served.transport.lose()


async def test_without_an_answer_in_time_the_outcome_is_unknown(autojump_clock: trio.testing.MockClock) -> None:
    async with serving(timeouts=Timeouts(answer=15, ping_interval=1000)) as served:
        start = trio.current_time()
        with pytest.raises(OutcomeUnknown, match="no answer came within 15 s"):
            await served.connection.request("order.place", {"symbol": "BTCUSDT"})
        assert trio.current_time() - start == pytest.approx(15)
        served.transport.writable = trio.Event()

        async def block_the_writer() -> None:
            with pytest.raises(OutcomeUnknown):
                await served.connection.request("account.status")

        async with trio.open_nursery() as nursery:
            nursery.start_soon(block_the_writer)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(NotConnected, match="does not take it"):
                await served.connection.request("account.status")


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, -2010, ApiError),
        (409, -2021, ApiError),
        (403, 0, ApiError),
        (401, -2015, AuthenticationFailed),
        (400, -1022, AuthenticationFailed),
        (400, -2014, AuthenticationFailed),
        (429, -1003, RateLimited),
        (429, -1015, RateLimited),
        (418, -1003, RateLimited),
        (500, -1000, OutcomeUnknown),
        (503, 0, OutcomeUnknown),
        (504, -1007, OutcomeUnknown),
        (400, -1007, OutcomeUnknown),
        (400, -1006, OutcomeUnknown),
        (0, -2010, OutcomeUnknown),
        (302, -1, OutcomeUnknown),
    ],
)
async def test_each_answer_means_no_or_unknown_and_never_the_other(status: int, code: int, kind: type) -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        caller = Caller(served, "order.place", {"symbol": "BTCUSDT", "newClientOrderId": "mine-2"})
        nursery.start_soon(caller.run)
        await trio.testing.wait_all_tasks_blocked()
        served.transport.refuse(served.transport.sent[0], status, code, data={"retryAfter": 1_900_000_060_000})
        await trio.testing.wait_all_tasks_blocked()
        assert type(caller.outcome) is kind
        assert caller.outcome.method == "order.place"
        assert (caller.outcome.status, caller.outcome.code) == (status, code)
        assert caller.outcome.outcome_unknown == (kind is OutcomeUnknown)
        if kind is OutcomeUnknown:
            assert caller.outcome.client_order_id == "mine-2"
        if kind is RateLimited:
            assert caller.outcome.retry_after == pytest.approx(60, abs=1)


@pytest.mark.parametrize(
    ("half", "kind"),
    [
        ({"cancelResponse": {"orderId": 1}, "newOrderResponse": {"code": -1007, "msg": "Timeout."}}, OutcomeUnknown),
        ({"cancelResponse": {"code": -1006, "msg": "Unexpected."}, "newOrderResponse": None}, OutcomeUnknown),
        ({"cancelResponse": {"orderId": 1}, "newOrderResponse": {"code": -2010, "msg": "No money."}}, ApiError),
        ({"cancelResponse": {"code": [], "msg": "odd"}, "newOrderResponse": "odd"}, ApiError),
    ],
)
async def test_a_replacement_of_which_one_half_is_unknown_is_unknown(half: dict[str, Any], kind: type) -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        caller = Caller(served, "order.cancelReplace", {"symbol": "BTCUSDT", "newClientOrderId": "mine-3"})
        nursery.start_soon(caller.run)
        await trio.testing.wait_all_tasks_blocked()
        error = {"code": -2021, "msg": "Order cancel-replace partially failed.", "data": half}
        served.transport.feed(json.dumps({"id": 1, "status": 409, "error": error}))
        await trio.testing.wait_all_tasks_blocked()
        assert type(caller.outcome) is kind
        if kind is OutcomeUnknown:
            assert caller.outcome.client_order_id == "mine-3"
        else:
            assert caller.outcome.data == half


@pytest.mark.parametrize(
    "answer",
    [
        '{"id":1,"status":"200","result":{}}',
        '{"id":1,"status":null,"result":{}}',
        '{"id":1,"status":400,"error":"no"}',
        '{"id":1,"status":400}',
        '{"id":1,"status":200,"error":{}}',
        '{"id":1,"status":201,"result":{}}',
        '{"id":1,"status":true,"result":{}}',
    ],
)
async def test_a_malformed_answer_resolves_its_request_and_is_never_a_yes(answer: str) -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        caller = Caller(served, "order.place", {"symbol": "BTCUSDT"})
        nursery.start_soon(caller.run)
        await trio.testing.wait_all_tasks_blocked()
        served.transport.feed(answer)
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(caller.outcome, OutcomeUnknown | ApiError)
        if "400" not in answer:
            assert isinstance(caller.outcome, OutcomeUnknown)


async def test_a_parameter_that_cannot_be_sent_is_the_callers_error_alone() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        other = Caller(served)
        nursery.start_soon(other.run)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(TypeError, match="quantity"):
            await served.connection.request("order.place", {"symbol": "BTCUSDT", "quantity": 0.1})
        assert len(served.transport.sent) == 1
        served.transport.answer(served.transport.sent[0], "fine")
        await trio.testing.wait_all_tasks_blocked()
        assert other.outcome == "fine"
        assert served.connection.open_calls == 0


async def test_a_request_is_stamped_when_it_is_written_and_not_when_it_was_made(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        served.transport.writable = trio.Event()
        nursery.start_soon(Caller(served).run)
        await trio.testing.wait_all_tasks_blocked()
        late = Caller(served)
        nursery.start_soon(late.run)
        await trio.sleep(9)
        served.transport.writable.set()
        await trio.testing.wait_all_tasks_blocked()
        first, second = served.transport.sent
        assert second["params"]["timestamp"] - first["params"]["timestamp"] == 9000
        served.transport.lose()


async def test_without_a_session_each_request_is_signed_and_public_ones_are_not() -> None:
    async with serving(logged_on=False) as served, trio.open_nursery() as nursery:
        for method in ("account.status", "ticker.price", "session.subscriptions"):
            nursery.start_soon(Caller(served, method).run)
        await trio.testing.wait_all_tasks_blocked()
        sent = {request["method"]: request.get("params", {}) for request in served.transport.sent}
        assert sorted(sent["account.status"]) == ["apiKey", "signature", "timestamp"]
        assert sent["ticker.price"] == {}
        assert sent["session.subscriptions"] == {}
        served.transport.lose()


async def test_with_a_session_requests_carry_only_the_timestamp(autojump_clock: trio.testing.MockClock) -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        nursery.start_soon(Caller(served, "account.status", {"omitZeroBalances": True}).run)
        await trio.testing.wait_all_tasks_blocked()
        (request,) = served.transport.sent
        assert request["params"] == {"omitZeroBalances": True, "timestamp": SERVER_START_MS}
        served.transport.lose()


def skewed_server(server_ms: int) -> Callable[[dict[str, Any]], list[str]]:
    """Refuse timestamps that are not near the server's time, and tell it when asked."""

    def on_text(request: dict[str, Any]) -> list[str]:
        if request["method"] == "time":
            return [json.dumps({"id": request["id"], "status": 200, "result": {"serverTime": server_ms}})]
        if abs(request["params"]["timestamp"] - server_ms) > 1000:
            error = {"code": -1021, "msg": "Timestamp for this request is outside of the recvWindow."}
            return [json.dumps({"id": request["id"], "status": 400, "error": error})]
        return [json.dumps({"id": request["id"], "status": 200, "result": "accepted"})]

    return on_text


async def test_a_refused_timestamp_is_mended_and_a_query_asked_again(autojump_clock: trio.testing.MockClock) -> None:
    transport = FakeTransport(skewed_server(SERVER_START_MS + 3_600_000))
    async with serving(transport) as served:
        assert await served.connection.request("account.status") == "accepted"
        assert [request["method"] for request in transport.sent] == ["account.status", "time", "account.status"]


async def test_an_order_with_a_refused_timestamp_is_not_repeated_but_the_next_one_is_right(
    autojump_clock: trio.testing.MockClock,
) -> None:
    transport = FakeTransport(skewed_server(SERVER_START_MS - 3_600_000))
    async with serving(transport) as served:
        with pytest.raises(ClockSkew):
            await served.connection.request("order.place", {"symbol": "BTCUSDT"})
        assert await served.connection.request("order.place", {"symbol": "BTCUSDT"}) == "accepted"
        assert [request["method"] for request in transport.sent] == ["order.place", "time", "order.place"]


@pytest.mark.parametrize("answer", ["", '{"id":2,"status":429,"error":{"code":-1003,"msg":"Too many requests."}}'])
async def test_an_order_with_a_refused_timestamp_was_refused_though_the_venue_does_not_tell_the_time(
    autojump_clock: trio.testing.MockClock, answer: str
) -> None:
    def on_text(request: dict[str, Any]) -> list[str]:
        if request["method"] == "time":
            return [answer] if answer else []
        return [json.dumps({"id": request["id"], "status": 400, "error": {"code": -1021, "msg": "Outside."}})]

    async with serving(FakeTransport(on_text)) as served:
        with pytest.raises(ClockSkew) as caught:
            await served.connection.request("order.place", {"symbol": "BTCUSDT"})
        assert caught.value.method == "order.place"
        assert not caught.value.outcome_unknown
        served.transport.lose()


async def test_the_only_open_request_of_a_revoked_session_was_refused() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        caller = Caller(served)
        nursery.start_soon(caller.run)
        await trio.testing.wait_all_tasks_blocked()
        served.transport.feed('{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key."}}')
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(caller.outcome, AuthenticationFailed)
        assert isinstance(served.ended_by, AuthenticationFailed)


async def test_of_several_open_requests_of_a_revoked_session_none_is_known() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        callers = [Caller(served, "order.place", {"symbol": "BTCUSDT"}) for _ in range(2)]
        leaver = Caller(served, "order.place", {"symbol": "BTCUSDT"})
        for caller in (*callers, leaver):
            nursery.start_soon(caller.run)
        await trio.testing.wait_all_tasks_blocked()
        leaver.scope.cancel()
        served.transport.answer(next(r for r in served.transport.sent if r["id"] == 1), "done")
        await trio.testing.wait_all_tasks_blocked()
        served.transport.feed('{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key."}}')
        await trio.testing.wait_all_tasks_blocked()
        open_ones = [caller.outcome for caller in callers if caller.outcome != "done"]
        assert open_ones
        for outcome in open_ones:
            assert isinstance(outcome, OutcomeUnknown)
            assert isinstance(outcome.__cause__, AuthenticationFailed)


async def test_an_order_beside_a_question_of_ours_is_not_known_when_the_session_is_revoked() -> None:
    """The key is refused at the next request, which may be ours: the order before it can have been carried out."""
    async with serving() as served, trio.open_nursery() as nursery:
        order = Caller(served, "order.place", {"symbol": "BTCUSDT"})
        nursery.start_soon(order.run)

        async def ask() -> None:
            with pytest.raises(OutcomeUnknown):
                await served.connection.measure_clock()

        nursery.start_soon(ask)
        await trio.testing.wait_all_tasks_blocked()
        assert len(served.transport.sent) == 2
        served.transport.feed('{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key."}}')
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(order.outcome, OutcomeUnknown)
        assert isinstance(order.outcome.__cause__, AuthenticationFailed)
        assert isinstance(served.ended_by, AuthenticationFailed)


async def test_a_ban_that_names_no_request_ends_the_connection() -> None:
    async with serving() as served:
        served.transport.feed('{"id":null,"status":400,"error":{"code":-1135,"msg":"Invalid id."}}')
        await trio.testing.wait_all_tasks_blocked()
        assert served.ended_by is None
        served.transport.feed('{"id":null,"status":418,"error":{"code":-1003,"msg":"banned"}}')
        await trio.testing.wait_all_tasks_blocked()
        assert isinstance(served.ended_by, RateLimited)
        assert served.connection.statistics.faults == 2


async def test_an_answer_to_nobody_is_counted() -> None:
    async with serving() as served:
        served.transport.feed('{"id":"not-ours","status":200,"result":{}}', '{"id":404,"status":200,"result":{}}')
        await trio.testing.wait_all_tasks_blocked()
        assert served.connection.statistics.late_answers == 2
        assert served.ended_by is None


async def test_a_revoked_session_resolves_nobody_who_has_left() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        leaver = Caller(served)
        nursery.start_soon(leaver.run)
        await trio.testing.wait_all_tasks_blocked()
        leaver.scope.cancel()
        await trio.testing.wait_all_tasks_blocked()
        served.transport.feed('{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key."}}')
        await trio.testing.wait_all_tasks_blocked()
        assert leaver.outcomes == []
        assert isinstance(served.ended_by, AuthenticationFailed)


async def test_events_are_handed_out_in_order_whatever_stands_between_them() -> None:
    async with serving() as served:
        deposit = '{"event":{"e":"balanceUpdate","E":1900000000001,"a":"%s","d":"1","T":1900000000000}}'
        served.transport.feed(deposit % "BTC", "no json", Pong(b"x"), '{"id":99,"status":200}', deposit % "ETH")
        await trio.testing.wait_all_tasks_blocked()
        first, broken, second = served.events
        assert isinstance(first, BalanceUpdate)
        assert isinstance(broken, UndecodableEvent)
        assert isinstance(second, BalanceUpdate)
        assert (first.asset, second.asset) == ("BTC", "ETH")
        assert served.batches == 1


async def test_output_that_is_owed_is_written_at_once_when_the_writer_waits_and_when_it_is_busy() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        served.transport.owed = True
        served.transport.feed()
        await trio.testing.wait_all_tasks_blocked()
        assert not served.transport.owed
        served.transport.writable = trio.Event()
        nursery.start_soon(Caller(served).run)
        await trio.testing.wait_all_tasks_blocked()
        send = served.transport.send

        async def owe_more(items: Any) -> None:
            await send(items)
            if items:
                served.transport.owed = True

        served.transport.send = owe_more  # type: ignore[method-assign]
        served.transport.feed()
        await trio.testing.wait_all_tasks_blocked()
        served.transport.writable.set()
        await trio.testing.wait_all_tasks_blocked()
        assert not served.transport.owed
        served.transport.lose()


async def test_a_silent_peer_is_found_out_within_the_stated_time(autojump_clock: trio.testing.MockClock) -> None:
    async with serving(timeouts=Timeouts(ping_interval=15, pong=10)) as served:
        await trio.sleep(100)
        assert served.ended_by is None
        assert len(served.transport.pings) == 6
        served.transport.answers_pings = False
        silent_since = trio.current_time()
        async with trio.open_nursery() as nursery:
            caller = Caller(served)
            nursery.start_soon(caller.run)
            await served.ended.wait()
            assert trio.current_time() - silent_since <= 25
        assert isinstance(served.ended_by, PongMissing)
        assert isinstance(caller.outcome, OutcomeUnknown)


async def test_a_writer_that_is_stuck_is_found_out_as_well(autojump_clock: trio.testing.MockClock) -> None:
    async with serving(timeouts=Timeouts(ping_interval=15, pong=10)) as served:
        served.transport.writable = trio.Event()
        await trio.sleep(26)
        assert isinstance(served.ended_by, PongMissing)


async def test_a_ping_of_ones_own_returns_with_its_pong_and_fails_with_the_connection() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        await served.connection.ping()
        served.transport.answers_pings = False

        async def ping() -> None:
            with pytest.raises(NotConnected):
                await served.connection.ping()

        nursery.start_soon(ping)
        await trio.testing.wait_all_tasks_blocked()
        served.transport.feed(Pong(b"unsolicited"))
        await trio.testing.wait_all_tasks_blocked()
        served.transport.lose()


async def test_a_ping_on_a_lost_connection_fails_at_once() -> None:
    async with serving() as served:
        served.transport.lose()
        await served.ended.wait()
        assert served.connection.has_ended
        with pytest.raises(NotConnected, match="ping was not sent"):
            await served.connection.ping()
        await served.connection.wait_idle()


async def test_a_caller_who_is_cancelled_already_sends_nothing() -> None:
    async with serving() as served:
        with trio.CancelScope() as scope:
            scope.cancel()
            await served.connection.request("order.place", {"symbol": "BTCUSDT"})
        await trio.testing.wait_all_tasks_blocked()
        assert scope.cancelled_caught
        assert served.transport.sent == []
        assert served.connection.open_calls == 0


async def test_each_call_has_its_own_time_and_a_later_one_is_not_given_up_with_an_earlier(
    autojump_clock: trio.testing.MockClock,
) -> None:
    ended: list[float] = []

    async def call_at(second: float) -> None:
        await trio.sleep(second)
        with pytest.raises(OutcomeUnknown):
            await served.connection.request("account.status")
        ended.append(trio.current_time() - start)

    async with serving(timeouts=Timeouts(answer=10, ping_interval=1000)) as served:
        start = trio.current_time()
        async with trio.open_nursery() as nursery:
            for second in (0.0, 3.0, 3.0, 9.5, 14.0, 40.0):
                nursery.start_soon(call_at, second)
    assert ended == pytest.approx([10.0, 13.0, 13.0, 19.5, 24.0, 50.0])


async def test_an_order_gets_an_id_that_no_other_order_has() -> None:
    made: set[str] = set()
    for _ in range(2):
        async with serving() as served, trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(Caller(served, "order.place", {"symbol": "BTCUSDT"}).run)
            await trio.testing.wait_all_tasks_blocked()
            made |= {request["params"]["newClientOrderId"] for request in served.transport.sent}
            served.transport.lose()
    assert len(made) == 100


async def test_an_error_in_the_consumer_of_events_ends_the_connection_and_is_told() -> None:
    transport = FakeTransport()

    def broken(event: Event) -> None:
        raise LookupError("a bug")

    connection = Connection(
        transport,
        SPOT,
        Credentials.from_secret("test-api-key-0001", "test-secret-0001"),
        ServerClock(),
        Timeouts(),
        on_event=broken,
        on_batch_end=lambda now: None,
    )
    transport.feed("anything")
    assert isinstance(await connection.serve(no_opening), LookupError)


async def test_waiting_for_idleness_ends_with_the_last_answer() -> None:
    async with serving() as served, trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(Caller(served).run)
        await trio.testing.wait_all_tasks_blocked()
        idle = trio.Event()

        async def wait() -> None:
            await served.connection.wait_idle()
            idle.set()

        nursery.start_soon(wait)
        for request in served.transport.sent:
            await trio.testing.wait_all_tasks_blocked()
            assert not idle.is_set()
            served.transport.answer(request)
        await trio.testing.wait_all_tasks_blocked()
        assert idle.is_set()


@pytest.mark.parametrize("result", [None, {}, {"serverTime": "soon"}, {"serverTime": True}, [1], {"serverTime": -1}])
async def test_a_clock_that_cannot_be_read_is_not_believed(result: Any) -> None:
    def on_text(request: dict[str, Any]) -> list[str]:
        return [json.dumps({"id": request["id"], "status": 200, "result": result})]

    async with serving(FakeTransport(on_text)) as served:
        with pytest.raises(OutcomeUnknown, match="serverTime"):
            await served.connection.measure_clock()
