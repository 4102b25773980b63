"""The stream hosts: their paths, wrappers, filters and silences, control messages, pings, and faults."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from support.fake_desk import FakeDesk, use_fake_desks
from support.raw_client import RawClient, Rejected
from trio_binance_uds.products import Host
from trio_binance_uds.sandbox import Behaviour, Sandbox, SandboxAccount, open_sandbox

ORDER = {"quantity": "1"}
ROUTES = {
    "usdm": "/fapi/v1",
    "coinm": "/dapi/v1",
    "options": "/eapi/v1",
    "portfolio_margin": "/papi/v1",
    "portfolio_margin_pro": "/sapi/v1/portfolio",
}
KEY_ROUTES = {**ROUTES, "portfolio_margin_pro": "/fapi/v1"}


@pytest.fixture(autouse=True)
def _desks(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_desks(monkeypatch)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(in_memory=True) as sandbox:
        yield sandbox


def everything(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.add_account(usdm={}, coinm={}, options={}, portfolio_margin={}, portfolio_margin_pro={})


@pytest.fixture
def account(sandbox: Sandbox) -> SandboxAccount:
    return everything(sandbox)


def key_of(account: SandboxAccount, product: str = "usdm") -> str:
    key: str = account.call(f"POST {KEY_ROUTES[product]}/listenKey")["listenKey"]
    return key


def trade(account: SandboxAccount, product: str = "usdm") -> None:
    account.call(f"POST {ROUTES[product]}/order", ORDER)


async def connect(sandbox: Sandbox, target: str, host: Host = Host.USDM_STREAM) -> RawClient:
    return await RawClient.connect(sandbox, target, path="", host=host)


async def is_silent(client: RawClient) -> bool:
    with trio.move_on_after(50) as silence:
        await client.event()
    return silence.cancelled_caught


async def control(client: RawClient, method: str, params: Any = None) -> Any:
    return (await client.call(method, params))["result"]


# What is where


@pytest.mark.parametrize(
    ("host", "path", "product"),
    [
        (Host.USDM_STREAM, "/private/ws/{key}", "usdm"),
        (Host.USDM_STREAM, "/private/ws?listenKey={key}", "usdm"),
        (Host.OPTIONS_STREAM, "/private/ws/{key}", "options"),
        (Host.PORTFOLIO_MARGIN_STREAM, "/pm/ws/{key}", "portfolio_margin"),
        (Host.PORTFOLIO_MARGIN_PRO_STREAM, "/pm-classic/ws/{key}", "portfolio_margin_pro"),
        (Host.COINM_STREAM, "/ws/{key}", "coinm"),
    ],
)
async def test_events_come_raw_on_ws(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, host: Host, path: str, product: str
) -> None:
    async with await connect(sandbox, path.format(key=key_of(account, product)), host) as client:
        trade(account, product)
        assert (await client.event())["e"] == "ACCOUNT_UPDATE"
        assert sandbox.connections[0].accounts == (account.uid,)
        assert sandbox.connections[0].subscriptions == {0: account.uid}
        assert sandbox.connections[0].path == path.partition("/{")[0].partition("?")[0]
        assert sandbox.connections[0].api_key is None


@pytest.mark.parametrize(
    ("host", "path", "product"),
    [
        (Host.USDM_STREAM, "/private/stream?listenKey={key}", "usdm"),
        (Host.USDM_STREAM, "/private/stream?streams={key}", "usdm"),
        (Host.COINM_STREAM, "/stream?streams={key}", "coinm"),
    ],
)
async def test_events_come_wrapped_on_stream(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, host: Host, path: str, product: str
) -> None:
    key = key_of(account, product)
    async with await connect(sandbox, path.format(key=key), host) as client:
        trade(account, product)
        event = await client.event()
        assert set(event) == {"stream", "data"}
        assert event["stream"] == key
        assert event["data"]["e"] == "ACCOUNT_UPDATE"


@pytest.mark.parametrize(
    ("host", "path", "product"),
    [
        # Since 2026-04-23.
        (Host.USDM_STREAM, "/ws/{key}", "usdm"),
        (Host.USDM_STREAM, "/stream?streams={key}", "usdm"),
        (Host.USDM_STREAM, "/public/ws/{key}", "usdm"),
        (Host.USDM_STREAM, "/market/stream?streams={key}", "options"),
        # A key of another kind, of another host, in another place, of nobody.
        (Host.USDM_STREAM, "/private/ws/{key}", "coinm"),
        (Host.USDM_STREAM, "/private/ws/{key}", "portfolio_margin"),
        (Host.USDM_STREAM, "/pm/ws/{key}", "usdm"),
        (Host.USDM_STREAM, "/pm-classic/ws/{key}", "portfolio_margin"),
        (Host.USDM_STREAM, "/pm/ws?listenKey={key}", "portfolio_margin"),
        (Host.COINM_STREAM, "/ws?listenKey={key}", "coinm"),
        (Host.COINM_STREAM, "/ws/{key}", "usdm"),
        (Host.MARGIN_STREAM, "/ws/{key}", "usdm"),
        (Host.USDM_STREAM, "/private/ws", "usdm"),
        (Host.USDM_STREAM, "/private/ws?listenKey=", "usdm"),
        (Host.USDM_STREAM, "/private/ws/invented", "usdm"),
    ],
)
async def test_what_brings_nothing_is_accepted_and_silent(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, host: Host, path: str, product: str
) -> None:
    async with await connect(sandbox, path.format(key=key_of(account, product)), host) as client:
        trade(account, product)
        assert await is_silent(client)
        assert sandbox.connections[0].accounts == ()


async def test_an_expired_key_is_accepted_and_silent(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    key = key_of(account)
    account.call("DELETE /fapi/v1/listenKey")
    async with await connect(sandbox, f"/private/ws/{key}") as client:
        trade(account)
        assert await is_silent(client)


async def test_a_key_without_an_account_at_that_desk_is_silent(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    account = sandbox.add_account(usdm={})
    async with await connect(sandbox, f"/pm-classic/ws/{key_of(account)}") as client:
        assert sandbox.connections[0].accounts == ()
        assert await is_silent(client)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        (Host.USDM_STREAM, "/"),
        (Host.USDM_STREAM, "/nowhere/ws/key"),
        (Host.USDM_STREAM, "/pm/stream?streams=key"),
        (Host.USDM_STREAM, "/private/stream/key"),
        (Host.USDM_STREAM, "/private/ws/a/b"),
        (Host.COINM_STREAM, "/private/ws/key"),
        (Host.MARGIN_STREAM, "/ws-api/v3"),
        (Host.SPOT_WS_API, "/ws/key"),
    ],
)
async def test_other_paths_are_not_found(autojump_clock: MockClock, sandbox: Sandbox, host: Host, path: str) -> None:
    with pytest.raises(Rejected) as caught:
        await connect(sandbox, path, host)
    assert caught.value.status == 404


async def test_a_banned_address_is_turned_away(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    async with await connect(sandbox, "/ws/k", Host.COINM_STREAM):
        sandbox.faults.ban(100)
        with pytest.raises(Rejected) as caught:
            await connect(sandbox, "/ws/k", Host.COINM_STREAM)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (418, "100")


async def test_several_sockets_on_one_key_get_each_event(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    key = key_of(account)
    async with await connect(sandbox, f"/private/ws/{key}") as one, await connect(sandbox, f"/private/ws/{key}") as two:
        trade(account)
        assert await one.event() == await two.event()
        await one.stream.aclose()
        await wait_all_tasks_blocked()
        trade(account)
        assert (await two.event())["n"] == 1


# Several keys, and lists of events


async def test_several_keys_on_one_socket_are_told_apart_by_their_stream(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    other = everything(sandbox)
    key, of_other, of_options = key_of(account), key_of(other), key_of(account, "options")
    target = (
        f"/private/stream?listenKey={key}&events=NOTHING&listenKey={of_other}&events=ACCOUNT_UPDATE/listenKeyExpired"
    )
    async with await connect(sandbox, f"{target}&listenKey={of_options}") as client:
        for one in (account, other):
            trade(one)
        trade(account, "options")
        assert [(await client.event())["stream"] for _ in range(2)] == [of_other, of_options]
        assert sandbox.connections[0].subscriptions == {0: account.uid, 1: other.uid, 2: account.uid}
        assert await control(client, "LIST_SUBSCRIPTIONS") == [key, of_other, of_options]
        for one in (account, other):
            one.call("DELETE /fapi/v1/listenKey")
        assert (await client.event())["data"]["listenKey"] == of_other
        assert await is_silent(client)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("ACCOUNT_UPDATE", ["ACCOUNT_UPDATE"]),
        ("ACCOUNT_UPDATE/listenKeyExpired", ["ACCOUNT_UPDATE", "listenKeyExpired"]),
        ("listenKeyExpired", ["listenKeyExpired"]),
        ("ACCOUNT_UPDTAE", []),
        ("", ["ACCOUNT_UPDATE", "listenKeyExpired"]),
    ],
)
async def test_what_a_list_of_events_does_not_have_never_comes(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, events: str, expected: list[str]
) -> None:
    async with await connect(sandbox, f"/private/ws?listenKey={key_of(account)}&events={events}") as client:
        trade(account)
        account.call("DELETE /fapi/v1/listenKey")
        assert [(await client.event())["e"] for _ in expected] == expected
        assert await is_silent(client)


async def test_a_key_that_is_named_twice_counts_once(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    key = key_of(account)
    async with await connect(sandbox, f"/private/ws/{key}?listenKey={key}") as client:
        trade(account)
        assert (await client.event())["n"] == 0
        assert await is_silent(client)


# Control messages


@pytest.mark.parametrize(("path", "wrapped"), [("/private/stream", True), ("/private/ws", False)])
async def test_subscribing_is_always_acknowledged(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, path: str, wrapped: bool
) -> None:
    async with await connect(sandbox, path) as client:
        key = key_of(account)
        assert await client.call("SUBSCRIBE", ["btcusdt@aggTrade", "invented"]) == {"result": None, "id": 1}
        trade(account)
        assert await client.call("SUBSCRIBE", [key]) == {"result": None, "id": 2}
        trade(account)
        event = await client.event()
        assert (event["data"] if wrapped else event)["n"] == 1
        assert await control(client, "LIST_SUBSCRIPTIONS") == ["btcusdt@aggTrade", "invented", key]
        assert await control(client, "UNSUBSCRIBE", [key, "never there"]) is None
        trade(account)
        assert await is_silent(client)
        assert await control(client, "LIST_SUBSCRIPTIONS") == ["btcusdt@aggTrade", "invented"]


async def test_a_new_key_can_take_the_place_of_one_that_has_expired(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    async with await connect(sandbox, f"/private/ws/{key_of(account)}") as client:
        account.call("DELETE /fapi/v1/listenKey")
        assert (await client.event())["e"] == "listenKeyExpired"
        await control(client, "SUBSCRIBE", [key_of(account)])
        trade(account)
        assert (await client.event())["e"] == "ACCOUNT_UPDATE"


async def test_the_wrapping_can_be_asked_for_and_changed(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    async with await connect(sandbox, f"/private/ws/{key_of(account)}") as client:
        assert await control(client, "GET_PROPERTY", ["combined"]) is False
        assert await control(client, "SET_PROPERTY", ["combined", True]) is None
        assert await control(client, "GET_PROPERTY", ["combined"]) is True
        trade(account)
        assert set(await client.event()) == {"stream", "data"}


@pytest.mark.parametrize(
    ("message", "code", "beginning"),
    [
        ("no json", 3, "Invalid JSON: expected value at line 1 column"),
        (b"{}", 3, "Invalid JSON: expected value at line 1 column"),
        ("[" * 3000, 3, "Invalid JSON"),
        ("{}", 2, "Invalid request: missing field `method` at line 1 column 2"),
        ("[]", 2, "Invalid request: missing field `method`"),
        ('{"method":"PING","id":1}', 2, "Invalid request: unknown variant `PING`, expected one of `SUBSCRIBE`, "),
        ('{"method":["x"],"id":1}', 2, "Invalid request: unknown variant"),
        ('{"method":"SUBSCRIBE","params":["x"]}', 2, "Invalid request: request ID must be an unsigned integer"),
        ('{"method":"SUBSCRIBE","params":["x"],"id":-1}', 2, "Invalid request: request ID must be an unsigned"),
        ('{"method":"SUBSCRIBE","params":["x"],"id":"a"}', 2, "Invalid request: request ID must be an unsigned"),
        ('{"method":"SUBSCRIBE","params":["x"],"id":true}', 2, "Invalid request: request ID must be an unsigned"),
        ('{"method":"SUBSCRIBE","params":"x","id":1}', 2, "Invalid request: "),
        ('{"method":"SUBSCRIBE","params":[5],"id":1}', 2, "Invalid request: "),
        ('{"method":"GET_PROPERTY","params":[],"id":1}', 2, "Invalid request: property name must be a string"),
        ('{"method":"SET_PROPERTY","params":[5,true],"id":1}', 2, "Invalid request: property name must be a string"),
        ('{"method":"GET_PROPERTY","params":["other"],"id":1}', 0, "Unknown property"),
        ('{"method":"GET_PROPERTY","params":["combined",1],"id":1}', 2, "Invalid request: too many parameters"),
        ('{"method":"SET_PROPERTY","params":["combined"],"id":1}', 1, "Invalid value type: expected Boolean"),
        ('{"method":"SET_PROPERTY","params":["combined",1],"id":1}', 1, "Invalid value type: expected Boolean"),
        ('{"method":"SET_PROPERTY","params":["combined",true,1],"id":1}', 2, "Invalid request: too many parameters"),
    ],
)
async def test_a_control_message_that_cannot_be_obeyed_is_told_why(
    autojump_clock: MockClock, sandbox: Sandbox, message: str | bytes, code: int, beginning: str
) -> None:
    async with await connect(sandbox, "/private/ws") as client:
        await client.send(message)
        error = await client.answer()
        assert set(error) == {"code", "msg"}
        assert error["code"] == code
        assert error["msg"].startswith(beginning)
        assert await control(client, "LIST_SUBSCRIPTIONS") == []


async def test_streams_are_limited(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    async with await connect(sandbox, "/private/ws") as client:
        assert await control(client, "SUBSCRIBE", [str(n) for n in range(1024)]) is None
        assert await client.call("SUBSCRIBE", ["one more"]) == {
            "code": 2,
            "msg": "Invalid request: too many parameters",
        }
        assert await control(client, "UNSUBSCRIBE", ["5", "6"]) is None
        assert await control(client, "SUBSCRIBE", ["one more"]) is None


# Pings, lives, limits


async def pinged(client: RawClient) -> float:
    """Return how long it takes until the next ping."""
    start, before = trio.current_time(), len(client.pings)
    while len(client.pings) == before:
        await client._receive()
    return trio.current_time() - start


@pytest.mark.parametrize(
    ("product", "interval", "patience"), [("usdm", 180, 600), ("options", 300, 900), ("coinm", 180, 600)]
)
async def test_pings_are_those_of_the_product(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, product: str, interval: float, patience: float
) -> None:
    host = Host(f"{product}_stream")
    target = "/ws/" if product == "coinm" else "/private/ws/"
    async with await connect(sandbox, target + key_of(account, product), host) as client:
        assert await pinged(client) == pytest.approx(interval)
        assert await pinged(client) == pytest.approx(interval)
        client.answers_pings = False
        start = trio.current_time()
        assert (await client.wait_gone()).code == 1008
        assert trio.current_time() - start == pytest.approx(interval + patience)


async def test_the_times_of_streams_can_be_set(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    behaviour = Behaviour(
        stream_lifetime=500, stream_ping_interval=7, options_ping_interval=11, stream_messages_per_second=2
    )
    async with open_sandbox(in_memory=True, behaviour=behaviour) as sandbox:
        account = everything(sandbox)
        start = trio.current_time()
        async with (
            await connect(sandbox, f"/private/ws/{key_of(account)}") as client,
            await connect(sandbox, f"/private/ws/{key_of(account, 'options')}") as of_options,
        ):
            assert await pinged(client) == pytest.approx(7)
            assert await pinged(of_options) == pytest.approx(4)
            await client.wait_gone()
            assert trio.current_time() - start == pytest.approx(500)


async def test_a_socket_of_a_stream_lives_for_24_hours(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    async with await connect(sandbox, "/ws/key", Host.COINM_STREAM) as client:
        start = trio.current_time()
        await client.wait_gone()
        assert trio.current_time() - start == pytest.approx(86_400)


async def test_more_than_ten_messages_a_second_end_the_connection(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    async with await connect(sandbox, "/private/ws") as client:
        for _ in range(3):
            for _ in range(5):
                await client.ask("LIST_SUBSCRIPTIONS")
                client.protocol.send_ping(b"")
            await client.flush()
            await trio.sleep(1)
        for _ in range(15):
            assert (await client.answer())["result"] == []
        # Pongs that nobody asked for count as well.
        for _ in range(11):
            client.protocol.send_pong(b"")
        await client.flush()
        assert (await client.wait_gone()).code == 1008


# Faults


@pytest.fixture
async def client(sandbox: Sandbox, account: SandboxAccount) -> AsyncIterator[RawClient]:
    async with await connect(sandbox, f"/private/ws/{key_of(account)}") as client:
        yield client


async def test_a_stream_can_vanish_and_its_socket_stays(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.vanish_subscription(subscription_id=0)
    trade(account)
    assert await is_silent(client)
    assert sandbox.connections[0].accounts == ()
    # The key lives; only the list of the socket's streams tells.
    assert account.call("PUT /fapi/v1/listenKey")["listenKey"] == key_of(account)
    assert await control(client, "LIST_SUBSCRIPTIONS") == []


async def test_a_stream_can_end_as_if_its_key_had_expired(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.terminate_subscription(subscription_id=5)
    sandbox.faults.terminate_subscription()
    event = await client.event()
    assert (event["e"], event["listenKey"]) == ("listenKeyExpired", key_of(account))
    trade(account)
    assert await is_silent(client)


async def test_any_event_can_be_sent_on_a_stream(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient
) -> None:
    sandbox.faults.send_event({"e": "neverHeardOf"})
    sandbox.faults.send_raw('{"e":"raw"}')
    assert [await client.event() for _ in range(2)] == [{"e": "neverHeardOf"}, {"e": "raw"}]


@pytest.mark.parametrize("fault", ["cut", "close", "tear_frame", "half_open", "delay", "drop", "duplicate"])
async def test_the_faults_of_lines_work_on_streams(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient, fault: str
) -> None:
    faults = sandbox.faults
    {"delay": lambda: faults.delay(9), "duplicate": lambda: faults.duplicate(1)}.get(fault, getattr(faults, fault))()
    start = trio.current_time()
    trade(account)
    match fault:
        case "cut" | "tear_frame":
            assert (await client.wait_gone()).code is None
        case "close":
            assert (await client.wait_gone()).code == 1008
        case "half_open" | "drop":
            assert await is_silent(client)
        case "duplicate":
            assert await client.event() == await client.event()
        case _:
            await client.event()
            assert trio.current_time() - start == pytest.approx(9)


async def test_a_shutdown_closes_streams_without_an_announcement(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient
) -> None:
    sandbox.faults.server_shutdown(grace=3)
    start = trio.current_time()
    assert (await client.wait_gone()).code == 1001
    assert trio.current_time() - start == pytest.approx(3)
    assert not client.events


async def test_streams_can_be_turned_away_at_the_door(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    sandbox.faults.refuse_connections(status=503, count=1)
    with pytest.raises(Rejected) as caught:
        await connect(sandbox, "/private/ws")
    assert caught.value.status == 503
    async with await connect(sandbox, "/private/ws"):
        pass


async def test_an_event_does_not_follow_the_end_of_its_key(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    desk = sandbox.desks["usdm"]
    assert isinstance(desk, FakeDesk)
    # Whoever watches the desk may end the key in the middle of a delivery.
    unwatch = desk.watch(account.uid, lambda event: sandbox.faults.delete_listen_key(account, "usdm"))
    async with await connect(sandbox, f"/private/ws/{key_of(account)}") as client:
        trade(account)
        unwatch()
        assert (await client.event())["e"] == "listenKeyExpired"
        assert await is_silent(client)


async def test_streams_are_there_on_sockets_too(monkeypatch: pytest.MonkeyPatch) -> None:
    with trio.fail_after(20):
        async with open_sandbox(tls=True) as sandbox:
            account = everything(sandbox)
            for product, host in (("usdm", Host.USDM_STREAM), ("coinm", Host.COINM_STREAM)):
                target = "/ws/" if product == "coinm" else "/private/ws/"
                async with await connect(sandbox, target + key_of(account, product), host) as client:
                    trade(account, product)
                    assert (await client.event())["e"] == "ACCOUNT_UPDATE"
