"""The REST hosts: each shows its own routes, in its own manner, and breaks by the names of its routes."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
import pytest
import trio
from trio.testing import MockClock

from support.fake_desk import use_fake_desks
from support.rest_client import RestClient
from trio_binance_uds.products import Host
from trio_binance_uds.sandbox import Clock, Limits, Sandbox, SandboxAccount, open_sandbox

NOON = datetime(2026, 7, 21, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp()) * 1000
LIMITS = Limits(futures_weight=100, options_weight=50, route_uid_weight=7, orders_per_minute=3, strikes=1)
ROUTE_OF = {
    Host.SPOT_REST: "/api/v3/time",
    Host.USDM_REST: "/fapi/v1/time",
    Host.COINM_REST: "/dapi/v1/time",
    Host.OPTIONS_REST: "/eapi/v1/time",
    Host.PORTFOLIO_MARGIN_REST: "/papi/v1/ping",
}


@pytest.fixture(autouse=True)
def _desks(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_desks(monkeypatch)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(in_memory=True, clock=Clock(NOON), limits=LIMITS) as sandbox:
        yield sandbox


@pytest.fixture
def account(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.add_account(usdm={"USDT": "5"}, coinm={}, options={}, portfolio_margin={}, portfolio_margin_pro={})


# What is where


async def test_every_role_has_a_url_and_every_rest_host_a_port_of_its_own(sandbox: Sandbox) -> None:
    assert set(sandbox.environment.urls) == set(Host)
    ports = [urlsplit(sandbox.environment.url(host)).port for host in ROUTE_OF]
    assert len(set(ports)) == len(ports)
    assert sandbox.environment.url(Host.USDM_STREAM) == sandbox.environment.url(Host.OPTIONS_STREAM)


@pytest.mark.parametrize(("asked", "at"), list(itertools.product(ROUTE_OF, ROUTE_OF)))
async def test_a_route_is_found_at_its_own_host_only(
    autojump_clock: MockClock, sandbox: Sandbox, asked: Host, at: Host
) -> None:
    async with RestClient(sandbox, at) as rest:
        answer = await rest.plain("GET", ROUTE_OF[asked])
    assert answer.status_code == (200 if asked is at else 404)


async def test_a_keepalive_at_the_wrong_host_is_not_found(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    account.call("POST /dapi/v1/listenKey")
    async with RestClient(sandbox, Host.USDM_REST, account) as rest:
        assert (await rest.plain("PUT", "/dapi/v1/listenKey")).status_code == 404
    async with RestClient(sandbox, Host.COINM_REST, account) as rest:
        assert (await rest.plain("PUT", "/dapi/v1/listenKey")).status_code == 200


async def test_rest_hosts_are_there_on_sockets_too() -> None:
    with trio.fail_after(20):
        async with open_sandbox() as sandbox:
            for host, route in ROUTE_OF.items():
                for at in ROUTE_OF:
                    async with RestClient(sandbox, at) as rest:
                        assert (await rest.plain("GET", route)).status_code == (200 if host is at else 404)


@pytest.mark.parametrize("prefix", ["/fapi", "/dapi", "/eapi"])
async def test_the_public_routes_of_a_family(autojump_clock: MockClock, sandbox: Sandbox, prefix: str) -> None:
    http = httpx.AsyncClient(transport=httpx.ASGITransport(sandbox.rest_app), base_url="http://all")
    assert (await http.get(f"{prefix}/v1/ping")).json() == {}
    assert (await http.get(f"{prefix}/v1/time")).json() == {"serverTime": NOON_MS}
    info = (await http.get(f"{prefix}/v1/exchangeInfo")).json()
    assert (info["timezone"], info["serverTime"]) == ("UTC", NOON_MS)
    assert info["rateLimits"][0] == {
        "rateLimitType": "REQUEST_WEIGHT",
        "interval": "MINUTE",
        "intervalNum": 1,
        "limit": 50 if prefix == "/eapi" else 100,
    }
    assert (await http.get(f"{prefix}/v1/depth")).json() == {"bids": [], "asks": []}
    assert (await http.get(f"{prefix}/v1/time", headers={"X-MBX-TIME-UNIT": "MICROSECOND"})).json() == {
        "serverTime": NOON_MS
    }
    await http.aclose()


async def test_portfolio_margin_has_no_time_and_no_symbols(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    async with RestClient(sandbox, Host.PORTFOLIO_MARGIN_REST) as rest:
        assert [(await rest.plain("GET", f"/papi/v1/{name}")).status_code for name in ("time", "exchangeInfo")] == [
            404,
            404,
        ]


# Desks


async def test_a_desk_is_asked_with_a_signature(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    async with RestClient(sandbox, Host.USDM_REST, account) as rest:
        answer = await rest.signed("GET", "/fapi/v1/account")
        assert (answer.status_code, answer.json()) == (200, {"USDT": "5"})
        assert answer.headers["content-type"] == "application/json;charset=UTF-8"
        placed = await rest.signed("POST", "/fapi/v1/order", quantity="1")
        assert placed.json() == {"orderId": 1}
        refused = await rest.signed("POST", "/fapi/v1/order")
        assert (refused.status_code, refused.json()["code"]) == (400, -1102)
        unsigned = await rest.plain("POST", "/fapi/v1/order", quantity="1")
        assert (unsigned.status_code, unsigned.json()["code"]) == (400, -1102)
    assert account.call("POST /fapi/v1/order", quantity="1") == {"orderId": 2}
    assert [entry.event["n"] for entry in sandbox.desks["usdm"].journal.entries()] == [0, 1]
    # The routes of spot have names, and can be called by their path as well.
    assert account.call("GET /api/v3/openOrders") == account.call("openOrders.status") == []


@pytest.mark.parametrize(("path", "code"), [("/fapi/v1/account", -2015), ("/sapi/v1/portfolio/account", -3003)])
async def test_no_account_at_a_desk_is_told_as_the_family_does(
    autojump_clock: MockClock, sandbox: Sandbox, path: str, code: int
) -> None:
    host = Host.SPOT_REST if path.startswith("/sapi") else Host.USDM_REST
    async with RestClient(sandbox, host, sandbox.add_account()) as rest:
        assert (await rest.signed("GET", path)).json()["code"] == code


async def test_a_malformed_key_is_401_outside_of_spot(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    async with RestClient(sandbox, Host.USDM_REST) as rest:
        answer = await rest.plain("GET", "/fapi/v1/account")
    assert (answer.status_code, answer.json()["code"]) == (401, -2014)


async def test_an_account_needs_a_desk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("trio_binance_uds.sandbox.server.DESKS", {})
    async with open_sandbox(in_memory=True) as sandbox:
        with pytest.raises(ValueError, match="no desk for options"):
            sandbox.add_account(usdm={}, options={})
        assert sandbox.exchange.accounts == {}


# Limits


async def test_usdm_and_coinm_share_a_weight_and_the_others_do_not(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    used = []
    for host, prefix in (
        (Host.USDM_REST, "/fapi"),
        (Host.COINM_REST, "/dapi"),
        (Host.OPTIONS_REST, "/eapi"),
        (Host.PORTFOLIO_MARGIN_REST, "/papi"),
    ):
        async with RestClient(sandbox, host, account) as rest:
            answer = await rest.signed("GET", f"{prefix}/v1/account")
            used.append(answer.headers["x-mbx-used-weight-1m"])
            assert "x-mbx-used-weight" not in answer.headers
            assert not [name for name in answer.headers if name.startswith("x-sapi")]
    assert used == ["5", "10", "5", "5"]


async def test_too_much_weight_is_refused_per_budget_and_banned_everywhere(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    async with RestClient(sandbox, Host.OPTIONS_REST, account) as rest, RestClient(sandbox, Host.SPOT_REST) as spot:
        for _ in range(10):
            assert (await rest.signed("GET", "/eapi/v1/account")).status_code == 200
        refused = await rest.signed("GET", "/eapi/v1/account")
        assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (429, -1003, "60")
        assert (await spot.plain("GET", "/api/v3/time")).status_code == 200
        assert (await rest.signed("GET", "/eapi/v1/account")).status_code == 418
        assert (await spot.plain("GET", "/api/v3/time")).status_code == 418


async def test_orders_are_counted_in_the_manner_of_the_family(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    async with RestClient(sandbox, Host.USDM_REST, account) as rest:
        answers = [await rest.signed("POST", "/fapi/v1/order", quantity="1") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
        assert answers[0].headers["x-mbx-order-count-10s"] == answers[0].headers["x-mbx-order-count-1m"] == "1"
        assert answers[3].json()["code"] == -1015
        count = await rest.signed("GET", "/fapi/v1/rateLimit/order")
        assert [(row["interval"], row["count"]) for row in count.json()] == [("SECOND", 3), ("MINUTE", 3)]


async def test_routes_of_sapi_count_each_for_itself_for_an_address_or_an_account(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    async with RestClient(sandbox, Host.SPOT_REST, account) as rest:
        for used in ("5", "10"):
            answer = await rest.signed("GET", "/sapi/v1/portfolio/account")
            assert answer.headers["x-sapi-used-ip-weight-1m"] == used
            assert "x-mbx-used-weight-1m" not in answer.headers
        for status in (200, 200, 429):
            answer = await rest.signed("POST", "/sapi/v1/portfolio/order", quantity="1")
            assert answer.status_code == status
        assert answer.headers["x-sapi-used-uid-weight-1m"] == "6"
        assert answer.headers["retry-after"] == "60"
    # It is the account that has used it up, wherever it comes from, and nobody else.
    other = sandbox.add_account(portfolio_margin_pro={})
    async with RestClient(sandbox, Host.SPOT_REST, other) as rest:
        assert (await rest.signed("POST", "/sapi/v1/portfolio/order", quantity="1")).status_code == 200


# Faults


async def test_faults_go_by_the_names_of_routes(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    name = "PUT /fapi/v1/listenKey"
    async with RestClient(sandbox, Host.USDM_REST, account) as rest:
        await rest.plain("POST", "/fapi/v1/listenKey")
        sandbox.faults.fail_next(name, status=503, code=-1001, msg="Internal error.")
        assert (await rest.plain("POST", "/fapi/v1/listenKey")).status_code == 200
        failed = await rest.plain("PUT", "/fapi/v1/listenKey")
        assert (failed.status_code, failed.json()) == (503, {"code": -1001, "msg": "Internal error."})
        sandbox.faults.delay_answer(4, name)
        start = trio.current_time()
        assert (await rest.plain("PUT", "/fapi/v1/listenKey")).status_code == 200
        assert trio.current_time() - start == pytest.approx(4)
        sandbox.faults.lose_answer(name)
        with trio.move_on_after(60) as patience:
            await rest.plain("PUT", "/fapi/v1/listenKey")
        assert patience.cancelled_caught


@pytest.mark.parametrize("executed", [True, False])
async def test_an_answer_can_be_a_page_of_html(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, executed: bool
) -> None:
    sandbox.faults.html_answer("POST /fapi/v1/order", status=403, title="403 Forbidden", executed=executed)
    async with RestClient(sandbox, Host.USDM_REST, account) as rest:
        answer = await rest.signed("POST", "/fapi/v1/order", quantity="1")
        assert (answer.status_code, answer.headers["content-type"]) == (403, "text/html")
        assert "<h1>403 Forbidden</h1>" in answer.text
        assert (await rest.signed("GET", "/fapi/v1/account")).status_code == 200
    assert len(sandbox.desks["usdm"].journal) == executed


@pytest.mark.parametrize("tls", [False, True])
async def test_a_connection_can_be_cut_in_place_of_the_answer(monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:
    with trio.fail_after(20):
        async with open_sandbox(tls=tls) as sandbox:
            account = sandbox.add_account(usdm={})
            url = sandbox.environment.url(Host.USDM_REST)
            verify = sandbox.network.ssl_context or True
            sandbox.faults.cut_answer("POST /fapi/v1/listenKey")
            headers = {"X-MBX-APIKEY": account.api_key}
            async with httpx.AsyncClient(base_url=url, verify=verify, headers=headers, trust_env=False) as http:
                with pytest.raises(httpx.TransportError):
                    await http.post("/fapi/v1/listenKey")
                # It was done all the same, and the next connection is a good one.
                assert (await http.put("/fapi/v1/listenKey")).status_code == 200


async def test_without_a_connection_a_cut_is_an_exception(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    sandbox.faults.cut_answer(executed=False)
    async with RestClient(sandbox, Host.USDM_REST, account) as rest:
        with pytest.raises(ConnectionAbortedError):
            await rest.plain("POST", "/fapi/v1/listenKey")
        assert (await rest.plain("PUT", "/fapi/v1/listenKey")).json()["code"] == -1125
