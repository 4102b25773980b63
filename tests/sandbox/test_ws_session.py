"""The WebSocket API session as a client sees it: ids, signatures, time, logons, subscriptions, events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from support.raw_client import Gone, RawClient, signed, subscribe
from trio_binance_uds.sandbox import Clock, Limits, Permission, Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.wire.requests import ws_signing_text

NOON = datetime(2026, 7, 21, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp()) * 1000
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "20000",
}
REVOKED = {
    "id": None,
    "status": 401,
    "error": {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."},
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(in_memory=True, clock=Clock(NOON)) as sandbox:
        yield sandbox


@pytest.fixture
def account(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.add_account(balances={"USDT": "10000", "BTC": "1"})


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[RawClient]:
    async with await RawClient.connect(sandbox) as client:
        yield client


def code(answer: dict[str, Any]) -> tuple[int, int]:
    return answer["status"], answer["error"]["code"]


# Envelope


@pytest.mark.parametrize("id", [0, -5, 2**63 - 1, -(2**63), "a", "ABC-9_z", "x" * 36, None])
async def test_an_id_is_echoed_with_its_type(autojump_clock: MockClock, client: RawClient, id: Any) -> None:
    await client.send(json.dumps({"id": id, "method": "ping"}))
    answer = await client.answer()
    assert answer["id"] == id
    assert type(answer["id"]) is type(id)
    assert (answer["status"], answer["result"]) == (200, {})


@pytest.mark.parametrize("id", [2**63, True, 1.5, "", "x" * 37, "with space", "ümlaut", [1], {}])
async def test_an_unusable_id_is_answered_with_null(autojump_clock: MockClock, client: RawClient, id: Any) -> None:
    await client.send(json.dumps({"id": id, "method": "ping"}))
    answer = await client.answer()
    assert answer["id"] is None
    assert code(answer) == (400, -1135)
    assert answer["error"]["msg"].startswith("Invalid 'id' in JSON request; ")


@pytest.mark.parametrize(
    "frame",
    ['{"method":"ping"}', "no json", "[]", '"text"', "[" * 3000, '{"id":NaN}', '{"id":1e99999999999999999999}', b"{}"],
)
async def test_what_is_no_request_is_answered_with_a_null_id(
    autojump_clock: MockClock, client: RawClient, frame: str | bytes
) -> None:
    await client.send(frame)
    answer = await client.answer()
    assert answer["id"] is None
    assert code(answer) == (400, -1135)


@pytest.mark.parametrize(
    "request_", [{"id": 5, "method": "ping", "params": []}, {"id": 5, "method": 7}, {"id": 5}, {"id": 5, "method": ""}]
)
async def test_a_faulty_envelope_with_a_good_id_is_answered_under_it(
    autojump_clock: MockClock, client: RawClient, request_: dict[str, Any]
) -> None:
    await client.send(json.dumps(request_))
    answer = await client.answer()
    assert answer["id"] == 5
    assert code(answer) == (400, -1135)


async def test_repeated_invalid_requests_end_the_connection_with_1008(
    autojump_clock: MockClock, client: RawClient
) -> None:
    for _ in range(5):
        await client.send("{}")
    gone = await client.wait_gone()
    assert (gone.code, gone.reason) == (1008, "disconnected")
    assert len(client.answers) == 5


async def test_nothing_is_executed_behind_the_request_that_ended_the_connection(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    for text in [b"{}"] * 5 + [
        json.dumps({"id": 1, "method": "order.place", "params": signed(sandbox, account, **ORDER)}).encode()
    ]:
        client.protocol.send_text(text)
    await client.stream.send_all(b"".join(client.protocol.data_to_send()))
    assert (await client.wait_gone()).code == 1008
    assert account.call("openOrders.status") == []


async def test_a_valid_request_in_between_starts_the_count_again(autojump_clock: MockClock, client: RawClient) -> None:
    for _ in range(3):
        for _ in range(4):
            await client.send("{}")
            await client.answer()
        assert (await client.call("ping"))["status"] == 200


async def test_a_method_may_carry_the_version(autojump_clock: MockClock, client: RawClient) -> None:
    assert (await client.call("v3/ping"))["status"] == 200


async def test_an_unknown_method_is_refused(autojump_clock: MockClock, client: RawClient) -> None:
    assert code(await client.call("order.plaice")) == (400, -1020)


@pytest.mark.parametrize("method", ["userDataStream.start", "userDataStream.ping", "userDataStream.stop"])
async def test_the_retired_listen_key_methods_are_errors(
    autojump_clock: MockClock, client: RawClient, method: str
) -> None:
    answer = await client.call(method, {"apiKey": "x" * 64})
    assert answer["status"] == 400
    assert "result" not in answer


# Signatures


@pytest.mark.parametrize("key", ["hmac", "rsa", "ed25519"])
async def test_every_kind_of_key_subscribes_by_signature(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient, key: str
) -> None:
    account = sandbox.add_account(key=key)
    assert await subscribe(client, sandbox, account) == 0


async def test_the_letter_case_of_an_hmac_signature_does_not_matter(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient
) -> None:
    account = sandbox.add_account(key="hmac")
    params = signed(sandbox, account)
    answer = await client.call(
        "userDataStream.subscribe.signature", {**params, "signature": params["signature"].upper()}
    )
    assert answer["status"] == 200


@pytest.mark.parametrize("key", ["rsa", "ed25519"])
async def test_the_letter_case_of_base64_matters(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient, key: str
) -> None:
    account = sandbox.add_account(key=key)
    params = signed(sandbox, account)
    answer = await client.call(
        "userDataStream.subscribe.signature", {**params, "signature": params["signature"].swapcase()}
    )
    assert code(answer) == (400, -1022)


@pytest.mark.parametrize("key", ["hmac", "rsa", "ed25519"])
@pytest.mark.parametrize("signature", ["AAAA", "%%%", "ä"])
async def test_a_wrong_signature_is_refused(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient, key: str, signature: str
) -> None:
    account = sandbox.add_account(key=key)
    params = {**signed(sandbox, account), "signature": signature}
    assert code(await client.call("account.status", params)) == (400, -1022)


async def test_the_signature_covers_the_values_as_they_stand_in_the_json(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    # 6000.50 is a number with a trailing zero: its text, and no float's, is what was signed.
    text = f"apiKey={account.api_key}&omitZeroBalances=true&recvWindow=6000.50&timestamp={NOON_MS}"
    signature = account.credentials.sign(text)
    await client.send(
        f'{{"id":1,"method":"account.status","params":{{"timestamp":"{NOON_MS}","recvWindow":6000.50,'
        f'"omitZeroBalances":true,"apiKey":"{account.api_key}","signature":"{signature}"}}}}'
    )
    assert (await client.answer())["status"] == 200


async def test_a_signature_covers_values_that_are_not_ascii(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    params = signed(sandbox, account, symbol="这是测试币456")
    assert (await client.call("openOrders.status", params))["result"] == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"apiKey": None}, (400, -1102)),
        ({"apiKey": ""}, (400, -1102)),
        ({"apiKey": "short"}, (400, -2014)),
        ({"apiKey": 7}, (400, -2014)),
        ({"apiKey": "x" * 64}, (401, -2015)),
        ({"timestamp": "soon"}, (400, -1102)),
        ({"timestamp": ""}, (400, -1102)),
        ({"timestamp": -1}, (400, -1102)),
        ({"recvWindow": "wide"}, (400, -1102)),
        ({"recvWindow": "5000.1234"}, (400, -1102)),
        ({"recvWindow": 60001}, (400, -1131)),
        ({"recvWindow": "60000.001"}, (400, -1131)),
        ({"signature": ""}, (400, -1102)),
        ({"signature": 5}, (400, -1102)),
    ],
)
async def test_bad_authentication_parameters_are_refused(
    autojump_clock: MockClock,
    client: RawClient,
    sandbox: Sandbox,
    account: SandboxAccount,
    change: dict[str, Any],
    expected: tuple[int, int],
) -> None:
    assert code(await client.call("account.status", {**signed(sandbox, account), **change})) == expected


@pytest.mark.parametrize("lacking", ["apiKey", "timestamp", "signature"])
async def test_lacking_authentication_parameters_are_named(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount, lacking: str
) -> None:
    params = signed(sandbox, account)
    del params[lacking]
    answer = await client.call("account.status", params)
    assert code(answer) == (400, -1102)
    assert f"'{lacking}'" in answer["error"]["msg"]


async def test_repeated_failed_authentication_ends_the_connection_with_1008(
    autojump_clock: MockClock, client: RawClient
) -> None:
    for _ in range(5):
        await client.ask("account.status", {"apiKey": "x" * 64, "timestamp": NOON_MS, "signature": "y"})
    assert (await client.wait_gone()).code == 1008


@pytest.mark.parametrize(
    ("missing", "method", "params"),
    [
        (Permission.USER_STREAM, "userDataStream.subscribe.signature", {}),
        (Permission.USER_DATA, "account.status", {}),
        (Permission.TRADE, "order.place", ORDER),
    ],
)
async def test_a_key_needs_the_permission_of_the_method(
    autojump_clock: MockClock,
    client: RawClient,
    sandbox: Sandbox,
    missing: Permission,
    method: str,
    params: dict[str, Any],
) -> None:
    account = sandbox.add_account(balances={"USDT": "100"}, permissions=set(Permission) - {missing})
    assert code(await client.call(method, signed(sandbox, account, **params))) == (401, -2015)
    account.key.permissions |= {missing}
    assert (await client.call(method, signed(sandbox, account, **params)))["status"] == 200


async def test_a_key_is_refused_from_an_address_that_is_not_on_its_list(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    account.key.ip_allowed = False
    assert code(await client.call("account.status", signed(sandbox, account))) == (401, -2015)


# Time


@pytest.mark.parametrize(
    ("timestamp", "more", "accepted"),
    [
        (NOON_MS, {}, True),
        (NOON_MS * 1000, {}, True),
        (str(NOON_MS), {}, True),
        (NOON_MS - 5000, {}, True),
        (NOON_MS - 5001, {}, False),
        (NOON_MS * 1000 - 5_000_001, {}, False),
        (NOON_MS + 999, {}, True),
        (NOON_MS + 1000, {}, False),
        (NOON_MS * 1000 + 999_999, {}, True),
        (NOON_MS * 1000 + 1_000_000, {}, False),
        (NOON_MS - 6000, {"recvWindow": 6000}, True),
        (NOON_MS * 1000 - 6_000_346, {"recvWindow": "6000.346"}, True),
        (NOON_MS * 1000 - 6_000_347, {"recvWindow": "6000.346"}, False),
        (NOON_MS - 60_000, {"recvWindow": 60_000}, True),
        (1_483_228_799_000, {"recvWindow": 60_000}, False),
        (NOON_MS // 1000, {}, False),
    ],
)
async def test_a_timestamp_is_held_against_both_rules(
    autojump_clock: MockClock,
    client: RawClient,
    sandbox: Sandbox,
    account: SandboxAccount,
    timestamp: Any,
    more: dict[str, Any],
    accepted: bool,
) -> None:
    answer = await client.call("account.status", signed(sandbox, account, timestamp=timestamp, **more))
    assert (answer["status"] == 200) is accepted, answer
    if not accepted:
        assert code(answer) == (400, -1021)


async def test_a_skewed_server_clock_refuses_honest_timestamps(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    sandbox.faults.skew_clock(30)
    assert code(await client.call("account.status", signed(sandbox, account, timestamp=NOON_MS))) == (400, -1021)
    answer = await client.call("time")
    assert answer["result"]["serverTime"] == NOON_MS + 30_000


async def test_refused_requests_cost_weight(autojump_clock: MockClock, client: RawClient) -> None:
    before = (await client.call("ping"))["rateLimits"][-1]["count"]
    await client.call("account.status", {"apiKey": "x" * 64, "timestamp": 5})
    assert (await client.call("ping"))["rateLimits"][-1]["count"] == before + 21


# Sessions


async def test_logon_status_and_logout_show_the_session(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    await trio.sleep(7)
    empty = {
        "apiKey": None,
        "authorizedSince": None,
        "connectedSince": NOON_MS,
        "returnRateLimits": True,
        "serverTime": NOON_MS + 7000,
        "userDataStream": False,
    }
    on = {**empty, "apiKey": account.api_key, "authorizedSince": NOON_MS + 7000}
    assert (await client.call("session.status"))["result"] == empty
    assert (await client.call("session.logon", signed(sandbox, account)))["result"] == on
    assert (await client.call("session.status"))["result"] == on
    await subscribe(client, sandbox, account)
    assert (await client.call("session.status"))["result"] == {**on, "userDataStream": True}
    assert (await client.call("session.logout"))["result"] == {**empty, "userDataStream": True}
    assert (await client.call("session.logout"))["result"] == {**empty, "userDataStream": True}


@pytest.mark.parametrize("key", ["hmac", "rsa"])
async def test_only_ed25519_keys_can_log_on(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, key: str
) -> None:
    account = sandbox.add_account(key=key)
    assert code(await client.call("session.logon", signed(sandbox, account))) == (400, -1193)


async def test_a_session_replaces_key_and_signature_but_not_the_timestamp(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    await client.call("session.logon", signed(sandbox, account))
    assert (await client.call("account.status", {"timestamp": NOON_MS}))["result"]["uid"] == account.uid
    assert code(await client.call("account.status")) == (400, -1102)
    account.key.permissions = frozenset({Permission.USER_STREAM})
    assert code(await client.call("account.status", {"timestamp": NOON_MS})) == (401, -2015)


async def test_a_request_with_its_own_key_overrides_the_session(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    other = sandbox.add_account(key="hmac")
    await client.call("session.logon", signed(sandbox, account))
    assert (await client.call("account.status", signed(sandbox, other)))["result"]["uid"] == other.uid


async def test_another_logon_replaces_the_key(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    other = sandbox.add_account()
    await client.call("session.logon", signed(sandbox, account))
    assert (await client.call("session.logon", signed(sandbox, other)))["result"]["apiKey"] == other.api_key
    assert [c.api_key for c in sandbox.connections] == [other.api_key]


async def test_after_a_revocation_the_next_request_is_answered_without_its_id(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    await client.call("session.logon", signed(sandbox, account))
    await client.call("userDataStream.subscribe")
    sandbox.revoke(account)
    assert await client.call("session.status") == REVOKED
    # The request itself is never answered; the session is logged off, and goes on as one.
    assert (await client.call("session.status"))["result"]["apiKey"] is None
    assert (await client.call("session.subscriptions"))["result"] == []
    assert code(await client.call("userDataStream.subscribe.signature", signed(sandbox, account))) == (401, -2015)


async def test_a_revocation_can_end_subscriptions_audibly(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    other = sandbox.add_account()
    await subscribe(client, sandbox, other)
    await subscribe(client, sandbox, account)
    sandbox.faults.revoke(account.key, silently=False)
    event = await client.event()
    assert event == {"subscriptionId": 1, "event": {"e": "eventStreamTerminated", "E": NOON_MS}}
    assert (await client.call("session.subscriptions"))["result"] == [{"subscriptionId": 0}]


async def test_an_account_can_have_a_second_key(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    second = sandbox.add_key(account, key="hmac")
    sandbox.revoke(account)
    assert second.uid == account.uid
    assert await subscribe(client, sandbox, second) == 0
    assert [key.api_key for key in sandbox.keys.of(account.exchange_account)] == [account.api_key, second.api_key]


# Subscriptions


async def test_subscription_ids_count_up_from_zero_on_each_connection(
    autojump_clock: MockClock, sandbox: Sandbox
) -> None:
    accounts = [sandbox.add_account(key="hmac") for _ in range(3)]
    for _ in range(2):
        async with await RawClient.connect(sandbox) as client:
            assert [await subscribe(client, sandbox, account) for account in accounts] == [0, 1, 2]
            await client.call("userDataStream.unsubscribe", {"subscriptionId": 1})
            # An id that has been used does not come back.
            assert await subscribe(client, sandbox, accounts[1]) == 3
            assert (await client.call("session.subscriptions"))["result"] == [
                {"subscriptionId": id} for id in (0, 2, 3)
            ]


async def test_an_account_subscribes_once_on_a_connection(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    await client.call("session.logon", signed(sandbox, account))
    assert (await client.call("userDataStream.subscribe"))["result"] == {"subscriptionId": 0}
    assert code(await client.call("userDataStream.subscribe")) == (400, -2035)
    again = sandbox.add_key(account, key="hmac")
    assert code(await client.call("userDataStream.subscribe.signature", signed(sandbox, again))) == (400, -2035)
    async with await RawClient.connect(sandbox) as second:
        assert await subscribe(second, sandbox, account) == 0
        assert [c.accounts for c in sandbox.connections] == [(account.uid,), (account.uid,)]
        assert [c.subscriptions for c in sandbox.connections] == [{0: account.uid}, {0: account.uid}]


async def test_a_plain_subscribe_needs_a_logon(autojump_clock: MockClock, client: RawClient) -> None:
    assert code(await client.call("userDataStream.subscribe")) == (401, -2015)


async def test_a_plain_subscribe_takes_no_parameters(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    await client.call("session.logon", signed(sandbox, account))
    answer = await client.call("userDataStream.subscribe", {"timestamp": NOON_MS})
    assert answer["error"] == {
        "code": -1104,
        "msg": "Not all sent parameters were read; read '0' parameter(s) but was sent '1'.",
    }
    assert (await client.call("userDataStream.subscribe", {"returnRateLimits": False}))["status"] == 200


async def test_a_signature_subscription_needs_its_own_key_on_a_session_too(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    await client.call("session.logon", signed(sandbox, account))
    answer = await client.call("userDataStream.subscribe.signature", {"timestamp": NOON_MS})
    assert code(answer) == (400, -1102)


async def test_unsubscribing_by_id_ends_that_one(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    other = sandbox.add_account(balances={"USDT": "100"})
    await subscribe(client, sandbox, account)
    await subscribe(client, sandbox, other)
    assert (await client.call("userDataStream.unsubscribe", {"subscriptionId": 0}))["result"] == {}
    assert await client.event() == {"subscriptionId": 0, "event": {"e": "eventStreamTerminated", "E": NOON_MS}}
    account.call("order.place", ORDER)
    other.call("order.place", ORDER)
    assert (await client.event())["subscriptionId"] == 1


async def test_unsubscribing_without_an_id_ends_all(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    await subscribe(client, sandbox, account)
    await subscribe(client, sandbox, sandbox.add_account())
    assert (await client.call("userDataStream.unsubscribe"))["result"] == {}
    assert [(await client.event())["subscriptionId"] for _ in range(2)] == [0, 1]
    assert (await client.call("session.subscriptions"))["result"] == []
    assert (await client.call("userDataStream.unsubscribe"))["result"] == {}


@pytest.mark.parametrize(("id", "expected"), [(0, -2036), (7, -2036), ("0", -1102), (True, -1102), (None, -1102)])
async def test_unsubscribing_what_is_not_subscribed_is_refused(
    autojump_clock: MockClock, client: RawClient, id: Any, expected: int
) -> None:
    assert code(await client.call("userDataStream.unsubscribe", {"subscriptionId": id})) == (400, expected)


async def test_a_logout_ends_only_the_subscription_of_the_logon(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    other = sandbox.add_account(balances={"USDT": "100"})
    await subscribe(client, sandbox, other)
    await client.call("session.logon", signed(sandbox, account))
    await client.call("userDataStream.subscribe")
    await client.call("session.logout")
    assert (await client.event())["event"]["e"] == "eventStreamTerminated"
    assert (await client.call("session.subscriptions"))["result"] == [{"subscriptionId": 0}]
    other.call("order.place", ORDER)
    assert (await client.event())["subscriptionId"] == 0


@pytest.mark.parametrize("first", [False, True])
async def test_the_end_of_a_subscription_is_told_after_or_before_the_answer(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount, first: bool
) -> None:
    sandbox.faults.terminated_first = first
    await subscribe(client, sandbox, account)
    client.order.clear()
    await client.ask("userDataStream.unsubscribe")
    await client.answer()
    await client.event()
    assert client.order == (["event", "answer"] if first else ["answer", "event"])


async def test_active_subscriptions_and_ids_are_limited(autojump_clock: MockClock) -> None:
    limits = Limits(active_subscriptions=2, subscription_ids=3)
    async with open_sandbox(in_memory=True, limits=limits, clock=Clock(NOON)) as sandbox:
        accounts = [sandbox.add_account(key="hmac") for _ in range(4)]
        async with await RawClient.connect(sandbox) as client:
            for account in accounts[:2]:
                await subscribe(client, sandbox, account)
            third = signed(sandbox, accounts[2])
            assert code(await client.call("userDataStream.subscribe.signature", third)) == (400, -1191)
            await client.call("userDataStream.unsubscribe", {"subscriptionId": 0})
            assert await subscribe(client, sandbox, accounts[2]) == 2
            await client.call("userDataStream.unsubscribe")
            fourth = signed(sandbox, accounts[3])
            assert code(await client.call("userDataStream.subscribe.signature", fourth)) == (400, -2042)


def test_the_default_limits_are_those_of_production() -> None:
    assert (Limits().active_subscriptions, Limits().subscription_ids) == (1000, 65_535)


async def test_the_end_of_a_connection_ends_its_subscriptions(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient, account: SandboxAccount
) -> None:
    await subscribe(client, sandbox, account)
    sandbox.faults.cut()
    await client.wait_gone()
    assert sandbox.connections == ()
    account.call("order.place", ORDER)


# Events and answers


async def test_the_events_of_a_request_follow_its_answer(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    await subscribe(client, sandbox, account)
    client.order.clear()
    await client.ask("order.place", signed(sandbox, account, **ORDER))
    await client.event()
    await client.event()
    assert client.order == ["answer", "event", "event"]


async def test_events_reach_every_subscribed_connection_in_the_order_of_the_journal(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    async with await RawClient.connect(sandbox) as second:
        await subscribe(client, sandbox, account)
        await subscribe(second, sandbox, account)
        since = len(sandbox.exchange.journal)
        for _ in range(20):
            account.call("order.place", ORDER)
        await client.call("order.place", signed(sandbox, account, **ORDER))
        expected = sandbox.exchange.journal.events(account.exchange_account, since)
        assert len(expected) == 42
        for one in (client, second):
            assert [(await one.event())["event"] for _ in expected] == expected


async def test_time_unit_microsecond_goes_for_answers_and_events(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    async with await RawClient.connect(sandbox, "?timeUnit=MICROSECOND") as client:
        await client.call("session.logon", signed(sandbox, account))
        await client.call("userDataStream.subscribe")
        status = (await client.call("session.status"))["result"]
        assert status["connectedSince"] == status["serverTime"] == status["authorizedSince"] == NOON_MS * 1000
        assert (await client.call("time"))["result"]["serverTime"] == NOON_MS * 1000
        placed = await client.call("order.place", {"timestamp": NOON_MS, **ORDER})
        assert placed["result"]["transactTime"] == NOON_MS * 1000
        report = (await client.event())["event"]
        assert report["E"] == report["T"] == report["O"] == report["W"] == NOON_MS * 1000
        assert report["t"] == -1
        await client.call("userDataStream.unsubscribe")
        await client.event()
        assert (await client.event())["event"] == {"e": "eventStreamTerminated", "E": NOON_MS * 1000}


async def test_a_symbol_that_is_not_ascii_travels_as_utf8(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    await subscribe(client, sandbox, account)
    sandbox.faults.send_event({"e": "executionReport", "s": "这是测试币456"})
    assert (await client.event())["event"]["s"] == "这是测试币456"


# Rate limits in answers


async def test_rate_limits_are_returned_unless_the_url_or_the_request_says_no(
    autojump_clock: MockClock, sandbox: Sandbox
) -> None:
    async with (
        await RawClient.connect(sandbox) as with_them,
        await RawClient.connect(sandbox, "?returnRateLimits=false") as without,
    ):
        assert "rateLimits" in await with_them.call("ping")
        assert "rateLimits" not in await with_them.call("ping", {"returnRateLimits": False})
        assert "rateLimits" not in await without.call("ping")
        assert "rateLimits" in await without.call("ping", {"returnRateLimits": True})
        assert (await without.call("session.status"))["result"]["returnRateLimits"] is False
        # The samples of the session methods have none either way.
        assert "rateLimits" not in await with_them.call("session.status")


async def test_order_answers_show_the_order_limits_too(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    rows = (await client.call("order.place", signed(sandbox, account, **ORDER)))["rateLimits"]
    assert [(row["rateLimitType"], row["interval"], row["intervalNum"], row["limit"]) for row in rows] == [
        ("ORDERS", "SECOND", 10, 100),
        ("ORDERS", "DAY", 1, 200_000),
        ("REQUEST_WEIGHT", "MINUTE", 1, 6000),
    ]
    assert [row["count"] for row in rows[:2]] == [1, 1]
    listed = await client.call("account.rateLimits.orders", signed(sandbox, account))
    assert listed["result"] == rows[:2]


async def test_a_successful_order_costs_no_weight_and_a_refused_one_does(
    autojump_clock: MockClock, client: RawClient, sandbox: Sandbox, account: SandboxAccount
) -> None:
    placed = await client.call("order.place", signed(sandbox, account, **ORDER))
    refused = await client.call("order.place", signed(sandbox, account, **{**ORDER, "symbol": "NOPE"}))
    assert code(refused) == (400, -1121)
    assert refused["rateLimits"][-1]["count"] == placed["rateLimits"][-1]["count"] + 1
    assert refused["rateLimits"][0]["count"] == 1


async def test_gone_means_gone(autojump_clock: MockClock, client: RawClient, sandbox: Sandbox) -> None:
    sandbox.faults.close(code=1008, reason="disconnected")
    with pytest.raises(Gone):
        await client.frame()


def test_the_signing_text_of_the_test_client_is_the_documented_one() -> None:
    assert ws_signing_text({"timestamp": 5, "apiKey": "k", "signature": "s"}) == "apiKey=k&timestamp=5"
