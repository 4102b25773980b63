"""The REST front, in memory: routes, signatures, headers, errors, and what has been retired."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import trio
from trio.testing import MockClock

from trio_binance_uds.sandbox import Clock, Limits, Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.sandbox.catalogue import METHODS
from trio_binance_uds.wire.requests import rest_query, sign_rest

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


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    limits = Limits(request_weight=1000, orders_per_10s=3, strikes=1)
    async with open_sandbox(in_memory=True, clock=Clock(NOON), limits=limits) as sandbox:
        yield sandbox


@pytest.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(sandbox.rest_app)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", timeout=None) as http:
        yield http


@pytest.fixture
def account(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.add_account(balances={"USDT": "10000", "BTC": "1"})


class Caller:
    """Signs as the documents say: the encoded query string, the signature last."""

    def __init__(self, http: httpx.AsyncClient, sandbox: Sandbox, account: SandboxAccount) -> None:
        self.http = http
        self.sandbox = sandbox
        self.account = account

    async def __call__(self, verb: str, path: str, **params: Any) -> httpx.Response:
        query = sign_rest(self.account.credentials, params, self.sandbox.clock.now_ms())
        headers = {"X-MBX-APIKEY": self.account.api_key}
        return await self.http.request(verb, f"/api/v3{path}?{query}", headers=headers)


@pytest.fixture
def call(http: httpx.AsyncClient, sandbox: Sandbox, account: SandboxAccount) -> Caller:
    return Caller(http, sandbox, account)


async def test_public_routes_need_no_key(autojump_clock: MockClock, http: httpx.AsyncClient) -> None:
    ping = await http.get("/api/v3/ping")
    assert (ping.status_code, ping.json()) == (200, {})
    assert ping.headers["content-type"] == "application/json;charset=UTF-8"
    assert (await http.get("/api/v3/time")).json() == {"serverTime": NOON_MS}
    assert (await http.get("/api/v3/exchangeInfo", params={"symbol": "BTCUSDT"})).json()["symbols"][0][
        "baseAsset"
    ] == "BTC"
    assert (await http.get("/api/v3/exchangeInfo", params={"symbols": '["BTCUSDT"]'})).status_code == 200


@pytest.mark.parametrize("key", ["hmac", "rsa", "ed25519"])
async def test_every_kind_of_key_signs(
    autojump_clock: MockClock, http: httpx.AsyncClient, sandbox: Sandbox, key: str
) -> None:
    call = Caller(http, sandbox, sandbox.add_account(key=key))
    answer = await call("GET", "/account")
    assert answer.status_code == 200
    assert answer.json()["uid"] == call.account.uid


async def test_orders_are_placed_queried_amended_and_canceled(
    autojump_clock: MockClock, call: Caller, account: SandboxAccount
) -> None:
    placed = await call("POST", "/order", **ORDER)
    assert placed.status_code == 200
    assert placed.headers["x-mbx-order-count-10s"] == "1"
    assert placed.headers["x-mbx-order-count-1d"] == "1"
    assert placed.headers["x-mbx-used-weight-1m"] == "0"
    id = placed.json()["orderId"]
    assert (await call("GET", "/order", symbol="BTCUSDT", orderId=id)).json()["status"] == "NEW"
    amended = await call("PUT", "/order/amend/keepPriority", symbol="BTCUSDT", orderId=id, newQty="0.0005")
    assert amended.status_code == 200
    assert len((await call("GET", "/openOrders")).json()) == 1
    assert (await call("DELETE", "/order", symbol="BTCUSDT", orderId=id)).json()["status"] == "CANCELED"
    assert (await call("GET", "/openOrders", symbol="BTCUSDT")).json() == []
    assert (await call("GET", "/rateLimit/order")).json()[0]["count"] == 1


@pytest.mark.parametrize(
    "name",
    ["openOrderLists.status", "allOrderLists", "account.commission", "myTrades", "allOrders", "order.amendments"],
)
async def test_the_query_routes_are_there(autojump_clock: MockClock, call: Caller, name: str) -> None:
    method = METHODS[name]
    params = {} if name.endswith(("Lists.status", "allOrderLists")) else {"symbol": "BTCUSDT"}
    if name == "order.amendments":
        params["orderId"] = str((await call("POST", "/order", **ORDER)).json()["orderId"])
    answer = await call(method.verb, method.path.removeprefix("/api/v3"), **params)
    assert answer.status_code == 200, answer.text


async def test_parameters_may_be_in_the_body_and_the_query_wins(
    autojump_clock: MockClock, http: httpx.AsyncClient, account: SandboxAccount
) -> None:
    query = rest_query({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC"})
    body = rest_query({"side": "SELL", "quantity": "0.001", "price": "20000", "timestamp": NOON_MS})
    # Query string and body are signed as if they stood right behind one another.
    signature = account.credentials.sign(query + body)
    for signed_query, signed_body in (
        (query, body + "&" + rest_query({"signature": signature})),
        (query + "&" + rest_query({"signature": signature}), body),
    ):
        answer = await http.post(
            "/api/v3/order?" + signed_query,
            content=signed_body,
            headers={
                "X-MBX-APIKEY": account.api_key,
                "Content-Type": "application/x-www-form-urlencoded",
            },
        )
        assert answer.status_code == 200, answer.text
        assert answer.json()["side"] == "BUY"


async def test_what_is_signed_is_the_encoded_text(
    autojump_clock: MockClock, http: httpx.AsyncClient, account: SandboxAccount
) -> None:
    headers = {"X-MBX-APIKEY": account.api_key}
    raw = f"symbol=这是测试币456&timestamp={NOON_MS}"
    encoded = rest_query({"symbol": "这是测试币456", "timestamp": NOON_MS})
    for text, status in ((encoded, 200), (raw, 400)):
        signature = rest_query({"signature": account.credentials.sign(text)})
        answer = await http.get(f"/api/v3/openOrders?{encoded}&{signature}", headers=headers)
        assert answer.status_code == status
    assert answer.json()["code"] == -1022


@pytest.mark.parametrize(
    ("headers", "query", "status", "code"),
    [
        ({}, f"timestamp={NOON_MS}&signature=x", 400, -2014),
        ({"X-MBX-APIKEY": "short"}, f"timestamp={NOON_MS}&signature=x", 400, -2014),
        ({"X-MBX-APIKEY": "x" * 64}, f"timestamp={NOON_MS}&signature=x", 401, -2015),
        (None, "signature=x", 400, -1102),
        (None, f"timestamp={NOON_MS - 6000}&signature=x", 400, -1021),
        (None, f"timestamp={NOON_MS}&recvWindow=60001&signature=x", 400, -1131),
        (None, f"timestamp={NOON_MS}", 400, -1102),
        (None, f"timestamp={NOON_MS}&signature=x", 400, -1022),
        (None, f"timestamp={NOON_MS}&timestamp=5&signature=x", 400, -1101),
    ],
)
async def test_bad_authentication_is_refused(
    autojump_clock: MockClock,
    http: httpx.AsyncClient,
    account: SandboxAccount,
    headers: dict[str, str] | None,
    query: str,
    status: int,
    code: int,
) -> None:
    if headers is None:
        headers = {"X-MBX-APIKEY": account.api_key}
    answer = await http.get(f"/api/v3/account?{query}", headers=headers)
    assert answer.status_code == status
    assert answer.json()["code"] == code
    assert set(answer.json()) == {"code", "msg"}


async def test_a_revoked_key_opens_nothing(
    autojump_clock: MockClock, sandbox: Sandbox, call: Caller, account: SandboxAccount
) -> None:
    sandbox.revoke(account)
    answer = await call("GET", "/account")
    assert (answer.status_code, answer.json()["code"]) == (401, -2015)


async def test_microseconds_on_request(autojump_clock: MockClock, http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/v3/time", headers={"X-MBX-TIME-UNIT": "MICROSECOND"})
    assert answer.json() == {"serverTime": NOON_MS * 1000}
    answer = await http.get("/api/v3/time", headers={"X-MBX-TIME-UNIT": "NANOSECOND"})
    assert (answer.status_code, answer.json()["code"]) == (400, -1194)


async def test_too_much_weight_is_429_with_retry_after_and_then_418(
    autojump_clock: MockClock, http: httpx.AsyncClient
) -> None:
    for _ in range(50):
        assert (await http.get("/api/v3/exchangeInfo")).status_code == 200
    refused = await http.get("/api/v3/exchangeInfo")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
    assert set(refused.json()) == {"code", "msg"}
    banned = await http.get("/api/v3/exchangeInfo")
    assert (banned.status_code, banned.headers["retry-after"]) == (418, "120")
    await trio.sleep(120)
    assert (await http.get("/api/v3/exchangeInfo")).status_code == 200


async def test_too_many_orders_are_429(autojump_clock: MockClock, call: Caller) -> None:
    answers = [await call("POST", "/order", **ORDER) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].json()["code"] == -1015
    assert answers[-1].headers["x-mbx-order-count-10s"] == "3"


async def test_a_half_done_cancel_replace_keeps_its_data(autojump_clock: MockClock, call: Caller) -> None:
    params = {**ORDER, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrderId": 5}
    answer = await call("POST", "/order/cancelReplace", **params)
    assert (answer.status_code, answer.json()["code"]) == (409, -2021)
    assert answer.json()["data"]["newOrderResult"] == "SUCCESS"


RETIRED = [
    *((verb, "/api/v3/userDataStream") for verb in ("POST", "PUT", "DELETE")),
    *((verb, "/api/v1/userDataStream") for verb in ("GET", "POST", "PUT", "DELETE")),
    *((verb, "/sapi/v1/userDataStream") for verb in ("POST", "PUT", "DELETE")),
    *((verb, "/sapi/v1/userDataStream/isolated") for verb in ("POST", "PUT", "DELETE")),
]


@pytest.mark.parametrize(("verb", "path"), RETIRED)
async def test_the_listen_key_routes_are_gone_with_a_page_of_html(
    autojump_clock: MockClock, http: httpx.AsyncClient, verb: str, path: str
) -> None:
    answer = await http.request(verb, path)
    assert (answer.status_code, answer.headers["content-type"]) == (410, "text/html")
    assert len(answer.content) == 136
    assert "<center><h1>410 Gone</h1></center>" in answer.text
    with pytest.raises(json.JSONDecodeError):
        answer.json()


async def test_unknown_routes_are_404_in_the_form_asked_for(autojump_clock: MockClock, http: httpx.AsyncClient) -> None:
    for verb, path in (("GET", "/api/v3/nothing"), ("POST", "/api/v3/time"), ("GET", "/api/v3/userDataStream")):
        answer = await http.request(verb, path)
        assert answer.status_code == 404
        assert answer.json()["code"] == -1000
    answer = await http.get("/nothing", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html")


async def test_faults_work_on_rest_too(
    autojump_clock: MockClock, sandbox: Sandbox, call: Caller, account: SandboxAccount
) -> None:
    sandbox.faults.fail_next("order.place", status=503, code=-1007, executed=True)
    answer = await call("POST", "/order", **ORDER)
    assert (answer.status_code, answer.json()["code"]) == (503, -1007)
    assert len(account.call("openOrders.status")) == 1
    sandbox.faults.delay_answer(4)
    start = trio.current_time()
    assert (await call("GET", "/account")).status_code == 200
    assert trio.current_time() - start == pytest.approx(4)
    sandbox.faults.lose_answer("order.place")
    with trio.move_on_after(60) as patience:
        await call("POST", "/order", **ORDER)
    assert patience.cancelled_caught
    assert len(account.call("openOrders.status")) == 2


# The ASGI interface itself


async def test_a_client_that_leaves_early_is_no_trouble(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    sent: list[Any] = []
    scope = {"type": "http", "method": "GET", "path": "/api/v3/time", "query_string": b"", "headers": []}

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    await sandbox.rest_app(scope, receive, send)
    assert sent[0]["status"] == 200
    # The same client again, with an answer that is never to come.
    sandbox.faults.lose_answer()
    sent.clear()
    await sandbox.rest_app(scope, receive, send)
    assert sent == []


async def test_a_huge_body_is_refused(sandbox: Sandbox) -> None:
    sent: list[Any] = []
    scope = {"type": "http", "method": "POST", "path": "/api/v3/order", "query_string": b"", "headers": []}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": bytes(2**16), "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    await sandbox.rest_app(scope, receive, send)
    assert sent[0]["status"] == 413


async def test_the_lifespan_of_a_server_is_answered(sandbox: Sandbox) -> None:
    heard = iter(["lifespan.startup", "lifespan.shutdown"])
    said: list[str] = []

    async def receive() -> dict[str, Any]:
        return {"type": next(heard)}

    async def send(message: Any) -> None:
        said.append(message["type"])

    await sandbox.rest_app({"type": "lifespan"}, receive, send)
    assert said == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_only_http_is_spoken(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    async def never(*_: Any) -> Any:
        raise AssertionError("not reached")

    with pytest.raises(ValueError, match="websocket"):
        await sandbox.rest_app({"type": "websocket"}, never, never)
