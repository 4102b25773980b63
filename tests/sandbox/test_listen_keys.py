"""Listen keys by REST: each product's own route, answers and errors, and what ends a key."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from support.fake_desk import use_fake_desks
from support.raw_client import RawClient
from support.rest_client import RestClient
from trio_binance_uds.products import (
    COINM_FUTURES,
    MARGIN_RISK,
    OPTIONS,
    PORTFOLIO_MARGIN,
    PORTFOLIO_MARGIN_PRO,
    SPOT,
    USDM_FUTURES,
    Host,
    Product,
)
from trio_binance_uds.sandbox import Behaviour, Clock, KeySpace, Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.sandbox.listen_keys import key_space

NOON = datetime(2026, 7, 21, 12, tzinfo=UTC)
NOON_MS = int(NOON.timestamp()) * 1000
EVERYTHING: dict[str, dict[str, str]] = {
    "usdm": {"USDT": "100"},
    "coinm": {},
    "options": {},
    "portfolio_margin": {},
    "portfolio_margin_pro": {},
}


@attrs.frozen(kw_only=True)
class Case:
    """A product with a listen key, and what is special about it."""

    rest: Host
    path: str
    stream: Host
    post: frozenset[str] = frozenset({"listenKey"})
    put_tells_key: bool = False
    expiry_is_text: bool = False
    expiry_names_key: bool = True


CASES = {
    "usdm": Case(rest=Host.USDM_REST, path="/fapi/v1/listenKey", stream=Host.USDM_STREAM, put_tells_key=True),
    "pro": Case(
        rest=Host.USDM_REST, path="/fapi/v1/listenKey", stream=Host.PORTFOLIO_MARGIN_PRO_STREAM, put_tells_key=True
    ),
    "coinm": Case(rest=Host.COINM_REST, path="/dapi/v1/listenKey", stream=Host.COINM_STREAM, put_tells_key=True),
    "options": Case(
        rest=Host.OPTIONS_REST,
        path="/eapi/v1/listenKey",
        stream=Host.OPTIONS_STREAM,
        post=frozenset({"listenKey", "expiration"}),
        expiry_is_text=True,
    ),
    "pm": Case(
        rest=Host.PORTFOLIO_MARGIN_REST,
        path="/papi/v1/listenKey",
        stream=Host.PORTFOLIO_MARGIN_STREAM,
        expiry_names_key=False,
    ),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@pytest.fixture(autouse=True)
def _desks(monkeypatch: pytest.MonkeyPatch) -> None:
    use_fake_desks(monkeypatch)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(in_memory=True, clock=Clock(NOON)) as sandbox:
        yield sandbox


@pytest.fixture
def account(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.add_account(**EVERYTHING)


async def post(sandbox: Sandbox, case: Case, account: SandboxAccount) -> str:
    async with RestClient(sandbox, case.rest, account) as rest:
        answer = await rest.plain("POST", case.path)
        assert answer.status_code == 200, answer.text
        key: str = answer.json()["listenKey"]
        return key


async def listen(sandbox: Sandbox, case: Case, key: str) -> RawClient:
    url = sandbox.environment.url(case.stream)
    return await RawClient.connect(sandbox, f"/{key}", host=case.stream, path="/" + url.split("/", 3)[3])


@every_case
async def test_a_key_is_made_prolonged_and_deleted(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, case: Case
) -> None:
    async with RestClient(sandbox, case.rest, account) as rest:
        made = await rest.plain("POST", case.path)
        assert set(made.json()) == case.post
        key = made.json()["listenKey"]
        assert len(key) == 64
        assert made.json().get("expiration", NOON_MS + 3_600_000) == NOON_MS + 3_600_000
        put = await rest.plain("PUT", case.path)
        assert put.json() == ({"listenKey": key} if case.put_tells_key else {})
        # A stray parameter, a timestamp and a signature do no harm.
        assert (await rest.signed("PUT", case.path, listenKey="of somebody else")).status_code == 200
        assert (await rest.plain("DELETE", case.path)).json() == {}
        for verb in ("PUT", "DELETE"):
            gone = await rest.plain(verb, case.path)
            assert (gone.status_code, gone.json()) == (
                400,
                {"code": -1125, "msg": "This listenKey does not exist."},
            )
        assert (await rest.plain("POST", case.path)).json()["listenKey"] != key


@every_case
async def test_post_returns_the_live_key_and_prolongs_it_as_put_does(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, case: Case
) -> None:
    async with RestClient(sandbox, case.rest, account) as rest:
        key = (await rest.plain("POST", case.path)).json()["listenKey"]
        for verb in ("POST", "PUT", "POST"):
            await trio.sleep(3599)
            assert (await rest.plain(verb, case.path)).status_code == 200
        assert (await rest.plain("POST", case.path)).json()["listenKey"] == key
        await trio.sleep(3600)
        assert (await rest.plain("PUT", case.path)).json()["code"] == -1125


@every_case
async def test_the_end_of_a_key_is_told_once_and_the_socket_stays(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, case: Case
) -> None:
    async with await listen(sandbox, case, key := await post(sandbox, case, account)) as client:
        event = await client.event()
        now = NOON_MS + 3_600_000
        assert event == {
            "e": "listenKeyExpired",
            "E": str(now) if case.expiry_is_text else now,
            **({"listenKey": key} if case.expiry_names_key else {}),
        }
        assert await post(sandbox, case, account) != key
        with trio.move_on_after(7200) as silence:
            await client.event()
        assert silence.cancelled_caught
        assert len(client.pings) > 20


@every_case
async def test_a_delete_is_told_like_an_expiry(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, case: Case
) -> None:
    async with await listen(sandbox, case, await post(sandbox, case, account)) as client:
        async with RestClient(sandbox, case.rest, account) as rest:
            await rest.plain("DELETE", case.path)
        assert (await client.event())["e"] == "listenKeyExpired"


async def test_the_keys_of_an_account_are_one_per_kind_for_all_its_api_keys(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    other = sandbox.add_key(account, key="hmac")
    stranger = sandbox.add_account(**EVERYTHING)
    keys = {name: await post(sandbox, case, account) for name, case in CASES.items()}
    assert len(set(keys.values())) == 4
    assert keys["pro"] == keys["usdm"]
    assert {name: await post(sandbox, case, other) for name, case in CASES.items()} == keys
    assert not {await post(sandbox, case, stranger) for case in CASES.values()} & set(keys.values())


@every_case
async def test_no_account_no_key(autojump_clock: MockClock, sandbox: Sandbox, case: Case) -> None:
    async with RestClient(sandbox, case.rest, sandbox.add_account()) as rest:
        answer = await rest.plain("POST", case.path)
    assert (answer.status_code, answer.json()["code"]) == (401, -2015)


@pytest.mark.parametrize(
    ("permissions", "with_key", "code"), [((), True, -2015), (("TRADE",), True, -2015), (None, False, -2014)]
)
async def test_the_header_is_checked(
    autojump_clock: MockClock, sandbox: Sandbox, permissions: Any, with_key: bool, code: int
) -> None:
    account = sandbox.add_account(usdm={}, **({} if permissions is None else {"permissions": permissions}))
    async with RestClient(sandbox, Host.USDM_REST, account if with_key else None) as rest:
        answer = await rest.plain("POST", "/fapi/v1/listenKey")
    assert (answer.status_code, answer.json()["code"]) == (401, code)


async def test_a_key_can_be_made_without_a_connection(sandbox: Sandbox, account: SandboxAccount) -> None:
    made = account.call("POST /fapi/v1/listenKey")["listenKey"]
    assert account.call("PUT /fapi/v1/listenKey") == {"listenKey": made}
    with pytest.raises(LookupError, match="no route POST /fapi/v9/order"):
        account.call("POST /fapi/v9/order")
    live = sandbox.listen_keys.of(account.uid, KeySpace.USDM)
    assert live is not None
    assert made not in repr(live)


async def test_the_life_of_a_key_and_the_shape_of_its_end_can_be_set(autojump_clock: MockClock) -> None:
    behaviour = Behaviour(listen_key_life=60, text_expiry_times=["usdm"])
    async with open_sandbox(in_memory=True, clock=Clock(NOON), behaviour=behaviour) as sandbox:
        account = sandbox.add_account(**EVERYTHING)
        for name, is_text in (("usdm", True), ("options", False)):
            case = CASES[name]
            start = trio.current_time()
            async with await listen(sandbox, case, await post(sandbox, case, account)) as client:
                assert isinstance((await client.event())["E"], str) is is_text
                assert trio.current_time() - start == pytest.approx(60)


async def test_a_clock_that_jumps_ends_a_key_at_once(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    case = CASES["usdm"]
    async with await listen(sandbox, case, await post(sandbox, case, account)) as client:
        start = trio.current_time()
        sandbox.clock.jump(3600)
        assert (await client.event())["e"] == "listenKeyExpired"
        assert trio.current_time() - start < 1


# On purpose


@pytest.mark.parametrize(
    ("product", "space"),
    [
        (USDM_FUTURES, "usdm"),
        (PORTFOLIO_MARGIN_PRO, "usdm"),
        (COINM_FUTURES, "coinm"),
        (OPTIONS, "options"),
        (PORTFOLIO_MARGIN, "portfolio_margin"),
        (MARGIN_RISK, "margin_risk"),
        ("coinm", "coinm"),
        (KeySpace.OPTIONS, "options"),
    ],
)
def test_a_product_names_its_kind_of_key(product: Product | str, space: str) -> None:
    assert key_space(product) is KeySpace(space)


@pytest.mark.parametrize("product", [SPOT, "spot"])
def test_a_product_without_a_listen_key_is_refused(product: Product | str) -> None:
    with pytest.raises(ValueError, match="spot"):
        key_space(product)


@pytest.mark.parametrize("fault", ["expire_listen_key", "delete_listen_key"])
async def test_a_key_can_end_on_purpose(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, fault: str
) -> None:
    case = CASES["coinm"]
    end = getattr(sandbox.faults, fault)
    end(account, COINM_FUTURES)
    key = await post(sandbox, case, account)
    async with await listen(sandbox, case, key) as client:
        end(account, COINM_FUTURES, after=5)
        assert (await client.event())["listenKey"] == key
        assert sandbox.listen_keys.of(account.uid, KeySpace.COINM) is None


@pytest.mark.parametrize("silently", [True, False])
async def test_a_key_ends_with_the_api_key_that_asked_for_it(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, silently: bool
) -> None:
    case = CASES["usdm"]
    other = sandbox.add_key(account)
    kept = await post(sandbox, CASES["coinm"], other)
    async with await listen(sandbox, case, await post(sandbox, case, account)) as client:
        sandbox.faults.revoke(account.key, silently=silently)
        with trio.move_on_after(60) as silence:
            assert (await client.event())["e"] == "listenKeyExpired"
        assert silence.cancelled_caught is silently
    assert sandbox.listen_keys.of(account.uid, KeySpace.USDM) is None
    assert await post(sandbox, CASES["coinm"], other) == kept
