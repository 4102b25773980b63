"""Listen tokens: made by REST, subscribed to on the WebSocket API, prolonged, ended; several accounts side by side."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from support.raw_client import RawClient, signed, subscribe
from support.rest_client import RestClient
from trio_binance_uds.products import Host
from trio_binance_uds.sandbox import Behaviour, Clock, Refusal, Sandbox, SandboxAccount, SecondToken, open_sandbox

NOON = datetime(2026, 7, 21, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp()) * 1000
DAY_MS = 86_400_000
SUBSCRIBE = "userDataStream.subscribe.listenToken"
ROUTE = "/sapi/v1/userListenToken"


def open_account(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.add_account(
        balances={"USDT": "100"},
        cross_margin={"USDT": "10000"},
        isolated_margin={"BTCUSDT": {"USDT": "500"}, "ETHUSDT": {}},
    )


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(in_memory=True, clock=Clock(NOON)) as sandbox:
        yield sandbox


@pytest.fixture
def account(sandbox: Sandbox) -> SandboxAccount:
    return open_account(sandbox)


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[RawClient]:
    async with await RawClient.connect(sandbox) as client:
        yield client


def token_for(account: SandboxAccount, symbol: str | None = None, **params: Any) -> str:
    where = {} if symbol is None else {"isIsolated": "true", "symbol": symbol}
    token: str = account.call(f"POST {ROUTE}", {**where, **params})["token"]
    return token


async def enter(client: RawClient, token: Any) -> dict[str, Any]:
    result: dict[str, Any] = (await client.call(SUBSCRIBE, {"listenToken": token}))["result"]
    return result


def move(account: SandboxAccount, amount: str = "1") -> None:
    """Cause two events on the cross account: a balanceUpdate and the new balance."""
    account.call("POST /sapi/v1/asset/transfer", type="MAIN_MARGIN", asset="USDT", amount=amount)


# By REST


@pytest.mark.parametrize("signed_too", [False, True])
async def test_a_token_is_made_with_or_without_a_signature(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, signed_too: bool
) -> None:
    async with RestClient(sandbox, Host.SPOT_REST, account) as rest:
        call = rest.signed if signed_too else rest.plain
        answers = [await call("POST", ROUTE) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert {answer.json()["expirationTime"] for answer in answers} == {NOON_MS + DAY_MS}
        tokens = {answer.json()["token"] for answer in answers}
        assert len(tokens) == 3
        assert all("+" in token and "/" in token for token in tokens)
        short = await call("POST", ROUTE, validity=1000, isIsolated="true", symbol="BTCUSDT")
        assert short.json()["expirationTime"] == NOON_MS + 1000
        assert short.headers["x-sapi-used-uid-weight-1m"] == "4"


@pytest.mark.parametrize(
    ("params", "status", "code"),
    [
        ({"isIsolated": "true"}, 400, -1102),
        ({"isIsolated": "perhaps"}, 400, -1130),
        ({"validity": 86_400_001}, 400, -1130),
        ({"validity": 0}, 400, -1130),
        ({"validity": "soon"}, 400, -1130),
        ({"isIsolated": "true", "symbol": "BNBUSDT"}, 400, -3003),
    ],
)
async def test_a_token_that_cannot_be_is_refused(
    autojump_clock: MockClock,
    sandbox: Sandbox,
    account: SandboxAccount,
    params: dict[str, Any],
    status: int,
    code: int,
) -> None:
    async with RestClient(sandbox, Host.SPOT_REST, account) as rest:
        answer = await rest.plain("POST", ROUTE, **params)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


async def test_a_token_needs_a_key_and_an_account(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    async with RestClient(sandbox, Host.SPOT_REST) as rest:
        answer = await rest.plain("POST", ROUTE)
    assert (answer.status_code, answer.json()["code"]) == (401, -2014)
    async with RestClient(sandbox, Host.SPOT_REST, sandbox.add_account()) as rest:
        assert (await rest.plain("POST", ROUTE)).json()["code"] == -3003


# Subscribing


async def test_an_unauthenticated_socket_subscribes_and_hears_of_the_account(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    answer = await client.call(SUBSCRIBE, {"listenToken": token_for(account)})
    assert answer["result"] == {"subscriptionId": 0, "expirationTime": (NOON_MS + DAY_MS) * 1000}
    move(account)
    events = [await client.event() for _ in range(2)]
    assert [event["subscriptionId"] for event in events] == [0, 0]
    assert [event["event"]["e"] for event in events] == ["balanceUpdate", "outboundAccountPosition"]
    assert sandbox.connections[0].accounts == (sandbox.margin.account(account.uid).uid,)


@pytest.mark.parametrize("token", ["unknown", 5, None, ""])
async def test_a_token_that_is_none_is_refused(autojump_clock: MockClock, client: RawClient, token: Any) -> None:
    answer = await client.call(SUBSCRIBE, {"listenToken": token})
    assert answer["status"] == 400
    assert answer["error"]["code"] == (-1102 if token in (None, "") else -1209)


async def test_an_expired_token_is_refused(
    autojump_clock: MockClock, account: SandboxAccount, client: RawClient
) -> None:
    token = token_for(account, validity=60_000)
    await trio.sleep(60)
    answer = await client.call(SUBSCRIBE, {"listenToken": token})
    assert (answer["status"], answer["error"]["code"]) == (400, -1209)


async def test_older_tokens_live_on(autojump_clock: MockClock, account: SandboxAccount, client: RawClient) -> None:
    old, _ = token_for(account), token_for(account)
    assert (await enter(client, old))["subscriptionId"] == 0


async def test_the_end_of_a_token_ends_its_subscription_and_not_the_socket(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    start = trio.current_time()
    await enter(client, token_for(account, validity=90_000))
    end = await client.event()
    assert trio.current_time() - start == pytest.approx(90)
    assert end == {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": NOON_MS + 90_000}}
    move(account)
    assert (await client.call("session.subscriptions"))["result"] == []
    assert not client.events
    assert (await enter(client, token_for(account)))["subscriptionId"] == 1
    move(account)
    assert (await client.event())["subscriptionId"] == 1


async def test_spot_cross_and_isolated_share_a_socket_and_are_told_apart_by_their_ids(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    spot = await subscribe(client, sandbox, account)
    cross = (await enter(client, token_for(account)))["subscriptionId"]
    isolated = (await enter(client, token_for(account, "BTCUSDT")))["subscriptionId"]
    other = (await enter(client, token_for(open_account(sandbox))))["subscriptionId"]
    ids = [spot, cross, isolated, other]
    assert ids == [0, 1, 2, 3]
    assert (await client.call("session.subscriptions"))["result"] == [{"subscriptionId": id} for id in ids]
    account.call(
        "POST /sapi/v1/asset/transfer", type="MARGIN_ISOLATEDMARGIN", toSymbol="BTCUSDT", asset="USDT", amount="7"
    )
    events = [await client.event() for _ in range(4)]
    deltas = [
        (event["subscriptionId"], event["event"]["d"]) for event in events if event["event"]["e"] == "balanceUpdate"
    ]
    assert deltas == [(cross, "-7.00000000"), (isolated, "7.00000000")]
    assert (await client.call("userDataStream.unsubscribe", {"subscriptionId": isolated}))["result"] == {}
    assert (await client.event())["event"]["e"] == "eventStreamTerminated"
    assert [row["subscriptionId"] for row in (await client.call("session.subscriptions"))["result"]] == [0, 1, 3]


async def test_a_logout_leaves_the_subscriptions_of_tokens(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    await client.call("session.logon", signed(sandbox, account))
    await client.call("userDataStream.subscribe")
    await enter(client, token_for(account))
    await client.call("session.logout")
    assert (await client.event())["event"]["e"] == "eventStreamTerminated"
    assert (await client.call("session.subscriptions"))["result"] == [{"subscriptionId": 1}]


# The second token


async def second(behaviour: Behaviour) -> tuple[list[Any], list[int], float]:
    """Subscribe for a minute, and again for an hour; return the second answer, ids of an event, and how it ends."""
    async with open_sandbox(in_memory=True, clock=Clock(NOON), behaviour=behaviour) as sandbox:
        account = open_account(sandbox)
        async with await RawClient.connect(sandbox) as client:
            await enter(client, token_for(account, validity=60_000))
            await trio.sleep(30)
            answer = await client.call(SUBSCRIBE, {"listenToken": token_for(account, validity=3_600_000)})
            move(account)
            ids = []
            start = trio.current_time()
            while (event := await client.event())["event"]["e"] != "eventStreamTerminated":
                ids += [event["subscriptionId"]] if event["event"]["e"] == "balanceUpdate" else []
            return [answer.get("result"), answer.get("error")], ids, trio.current_time() - start


async def test_a_second_token_prolongs_the_subscription(autojump_clock: MockClock) -> None:
    (result, error), ids, end = await second(Behaviour())
    assert (result["subscriptionId"], error) == (0, None)
    assert result["expirationTime"] == (NOON_MS + 3_630_000) * 1000
    assert ids == [0]
    assert end == pytest.approx(3600)


async def test_a_second_token_can_make_a_second_subscription(autojump_clock: MockClock) -> None:
    (result, error), ids, end = await second(Behaviour(second_token=SecondToken.NEW_ID))
    assert (result["subscriptionId"], error) == (1, None)
    assert ids == [0, 1]
    assert end == pytest.approx(30)


async def test_a_second_token_can_be_refused(autojump_clock: MockClock) -> None:
    (result, error), ids, end = await second(Behaviour(second_token=SecondToken.REFUSED))
    assert (result, error["code"]) == (None, -2035)
    assert ids == [0]
    assert end == pytest.approx(30)


async def test_the_end_can_be_told_in_milliseconds(autojump_clock: MockClock) -> None:
    (result, _), _, _ = await second(Behaviour(token_expiry_in_milliseconds=True))
    assert result["expirationTime"] == NOON_MS + 3_630_000


# On purpose


@pytest.mark.parametrize("symbol", [None, "BTCUSDT"])
async def test_the_tokens_of_an_account_can_expire_on_purpose(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient, symbol: str | None
) -> None:
    tokens = {name: token_for(account, name) for name in (None, "BTCUSDT")}
    for token in tokens.values():
        await enter(client, token)
    sandbox.faults.expire_listen_token(account, symbol, after=5)
    ended = await client.event()
    assert (ended["subscriptionId"], ended["event"]["e"]) == (0 if symbol is None else 1, "eventStreamTerminated")
    answer = await client.call(SUBSCRIBE, {"listenToken": tokens[symbol]})
    assert answer["error"]["code"] == -1209
    with pytest.raises(Refusal):
        sandbox.faults.expire_listen_token(account, "BNBUSDT")
    # When its own time comes there is nothing left to end.
    await trio.sleep(86_400)
    assert len(client.events) == 0


@pytest.mark.parametrize("silently", [True, False])
async def test_tokens_end_with_the_api_key_that_asked_for_them(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient, silently: bool
) -> None:
    token, kept = token_for(account), token_for(sandbox.add_key(account), "BTCUSDT")
    await enter(client, token)
    await enter(client, kept)
    sandbox.faults.revoke(account.key, silently=silently)
    assert (await client.call("session.subscriptions"))["result"] == [{"subscriptionId": 1}]
    assert len(client.events) == (0 if silently else 1)
    assert (await client.call(SUBSCRIBE, {"listenToken": token}))["error"]["code"] == -1209
    assert (await enter(client, kept))["subscriptionId"] == 1


async def test_tokens_are_never_shown(sandbox: Sandbox, account: SandboxAccount) -> None:
    token = token_for(account)
    found = sandbox.listen_tokens.find(token)
    assert found is not None
    assert token not in repr(found)
