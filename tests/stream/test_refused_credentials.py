"""One refusal of a key that has worked ends nothing, and a secret that is wrong does not stay unnoticed."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

import trio_binance_uds as uds
from support.everywhere import CREDENTIALS, EVERYWHERE, KEYED, TOKENED, Stage, lose, opened, venue_for
from support.venue import Reply
from trio_binance_uds.errors import AuthenticationFailed
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.stream.acceptance import Acceptance

REFUSED = {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."}
SIGNATURE = {"code": -1022, "msg": "Signature for this request is not valid."}
FORMAT = {"code": -2014, "msg": "API-key format invalid."}
every_product = pytest.mark.parametrize("product", [*KEYED, *TOKENED], ids=lambda product: product.name)
every_refusal = pytest.mark.parametrize("refusal", [(401, REFUSED), (400, SIGNATURE), (401, FORMAT)])

UNSIGNED = (
    (uds.USDM_FUTURES, {"usdm": {"USDT": "100"}}, "GET /fapi/v1/openOrders"),
    (uds.COINM_FUTURES, {"coinm": {"BTC": "1"}}, "GET /dapi/v1/openOrders"),
    (uds.CROSS_MARGIN, {"cross_margin": {"USDT": "100"}}, "GET /sapi/v1/margin/account"),
    (uds.MARGIN_RISK, {"cross_margin": {"USDT": "100"}}, "GET /sapi/v1/margin/account"),
    (uds.OPTIONS, {"options": {"USDT": "100"}}, "GET /eapi/v1/marginAccount"),
    (uds.PORTFOLIO_MARGIN, {"portfolio_margin": {"USDT": "100"}}, "GET /papi/v1/balance"),
)
every_unsigned = pytest.mark.parametrize(("product", "account", "route"), UNSIGNED, ids=lambda value: str(value)[:20])


def post_of(product: uds.Product) -> str:
    return f"POST {product.mechanism.path}"  # type: ignore[union-attr]


async def read(stream: uds.UserDataStream, seconds: float) -> list[Any]:
    items: list[Any] = []
    with trio.move_on_after(seconds):
        async for item in stream:
            items.append(item)
    return items


# A link that the key does not bring up.


@every_product
@every_refusal
async def test_a_key_that_is_refused_once_at_a_reconnect_goes_on(
    autojump_clock: MockClock, product: uds.Product, refusal: tuple[int, dict[str, Any]]
) -> None:
    async with opened(product) as stage:
        stage.venue.answer_instead(post_of(product), Reply(*refusal))
        await lose(stage.venue, "cut")
        await trio.sleep(100)
        assert stage.failed is None
        assert stage.kinds()[0] == "Disconnected"
        assert stage.kinds()[-1] == "Gap"


@every_product
async def test_a_key_that_stays_refused_ends_the_stream_after_minutes_with_the_reason(
    autojump_clock: MockClock, product: uds.Product
) -> None:
    async with opened(product) as stage:
        stage.venue.answer_instead(post_of(product), *[Reply(401, REFUSED)] * 1000)
        await lose(stage.venue, "cut")
        await trio.sleep(170)
        assert stage.failed is None
        await trio.sleep(200)
        assert isinstance(stage.failed, uds.StreamFailed)
        assert isinstance(stage.failed.__cause__, AuthenticationFailed)
        assert stage.failed.__cause__.code == -2015


async def test_how_often_a_key_must_be_refused_can_be_chosen(autojump_clock: MockClock) -> None:
    backoff = uds.Backoff(refusals=1, refusal_seconds=0.0)
    async with opened(uds.USDM_FUTURES, backoff=backoff) as stage:
        stage.venue.answer_instead("POST /fapi/v1/listenKey", Reply(401, REFUSED))
        await lose(stage.venue, "cut")
        await trio.sleep(10)
        assert stage.failed is not None


@every_product
@pytest.mark.parametrize("reply", [Reply(401, b""), Reply(401, b"<html>no</html>"), Reply(403, b"<html>no</html>")])
async def test_a_front_server_is_never_believed_about_a_key(
    autojump_clock: MockClock, product: uds.Product, reply: Reply
) -> None:
    async with opened(product) as stage:
        stage.venue.answer_instead(post_of(product), *[reply] * 30)
        await lose(stage.venue, "cut")
        await trio.sleep(3000)
        assert stage.failed is None
        assert stage.kinds()[-1] == "Gap"


@pytest.mark.parametrize("status", [401, 403])
async def test_a_front_server_at_the_upgrade_is_never_believed_either(autojump_clock: MockClock, status: int) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "1"})
        async with opened_in(sandbox, account, uds.SPOT) as stream:
            await trio.sleep(1)
            sandbox.faults.refuse_connections(status=status, seconds=3000)
            sandbox.faults.cut()
            assert isinstance((await read(stream, 3200))[-1], uds.Gap)


@pytest.mark.parametrize("key", ["ed25519", "hmac"])
@pytest.mark.parametrize(("status", "code"), [(401, -2015), (400, -1022), (401, -2014), (401, -1002)])
async def test_a_logon_that_is_refused_once_is_tried_again(
    autojump_clock: MockClock, key: str, status: int, code: int
) -> None:
    method = "session.logon" if key == "ed25519" else "userDataStream.subscribe.signature"
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "1"}, key=key)
        async with opened_in(sandbox, account, uds.SPOT) as stream:
            await trio.sleep(1)
            sandbox.faults.fail_next(method, status=status, code=code, msg="no")
            sandbox.faults.cut()
            items = await read(stream, 100)
            assert isinstance(items[-1], uds.Gap)
            assert items[-1].complete


async def test_a_rollover_that_is_refused_disturbs_nobody(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "1"})
        rollover = uds.Rollover(lifetime=1000.0, lead=500.0, jitter=0.0)
        async with opened_in(sandbox, account, uds.SPOT, rollover=rollover) as stream:
            await trio.sleep(499)
            sandbox.faults.fail_next("session.logon", status=401, times=3, **REFUSED)
            assert await read(stream, 200) == []
            assert stream.statistics().links_opened == 2


def test_refusals_in_a_row_are_believed_by_number_and_by_time() -> None:
    acceptance = Acceptance(uds.Backoff(refusals=3, refusal_seconds=60.0))
    assert [acceptance.note_refused_link(at) for at in (0, 1, 2, 59, 60)] == [False, False, False, False, True]
    acceptance.note_link_up()
    assert [acceptance.note_refused_link(at) for at in (100, 200, 201)] == [False, False, True]


@pytest.mark.parametrize("options", [{"refusals": 0}, {"refusal_seconds": -1.0}, {"refusal_seconds": float("nan")}])
def test_a_rule_that_makes_no_sense_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="refusal"):
        uds.Backoff(**options)


# Proof of life.


@pytest.mark.parametrize("product", KEYED, ids=lambda product: product.name)
async def test_a_keepalive_that_is_refused_for_a_moment_leaves_the_link_alone(
    autojump_clock: MockClock, product: uds.Product
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    async with opened(product) as stage:
        verb = "POST" if mechanism.has_only_post else "PUT"
        # One check asks three times.
        stage.venue.answer_instead(f"{verb} {mechanism.path}", *[Reply(401, REFUSED)] * 6)
        await trio.sleep(300)
        assert stage.items == []
        stage.venue.answer_instead(f"{verb} {mechanism.path}", *[Reply(401, REFUSED)] * 9)
        await trio.sleep(100)
        assert stage.kinds() == ["Disconnected", "Gap"]
        assert isinstance(stage.items[0], uds.Disconnected)
        assert stage.items[0].cause == uds.DisconnectCause.CREDENTIALS_REVOKED
        assert "-2015" in stage.items[0].detail


async def test_a_listing_of_subscriptions_that_is_refused_for_a_moment_leaves_the_link_alone(
    autojump_clock: MockClock,
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "1"})
        async with opened_in(sandbox, account, uds.SPOT) as stream:
            sandbox.faults.fail_next("session.subscriptions", status=401, times=2, **REFUSED)
            assert await read(stream, 300) == []
            sandbox.faults.fail_next("session.subscriptions", status=401, times=3, **REFUSED)
            assert [type(item) for item in await read(stream, 100)] == [uds.Disconnected, uds.Gap]


# Signed questions.


def opened_in(sandbox: Sandbox, account: SandboxAccount, product: uds.Product, **options: Any) -> Any:
    credentials = options.pop("credentials", account.credentials)
    return uds.open_user_data_stream(
        credentials, product, environment=sandbox.environment, network=sandbox.network, seed=1, **options
    )


@every_unsigned
async def test_a_wrong_secret_is_raised_on_entering(
    autojump_clock: MockClock, product: uds.Product, account: dict[str, Any], route: str
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        owner = sandbox.add_account(key="hmac", **account)
        wrong = uds.Credentials.from_secret(owner.credentials.api_key, "W" * 64)
        began = trio.current_time()
        with pytest.raises(AuthenticationFailed) as caught:
            async with opened_in(sandbox, owner, product, credentials=wrong):
                pytest.fail("it opened")
        assert caught.value.code == -1022
        assert trio.current_time() - began < 1


async def test_a_wrong_secret_is_raised_on_entering_portfolio_margin_pro(autojump_clock: MockClock) -> None:
    venue = venue_for(uds.PORTFOLIO_MARGIN_PRO)
    venue.past = lambda call: Reply(400, SIGNATURE)
    async with venue:
        with pytest.raises(AuthenticationFailed):
            async with uds.open_user_data_stream(
                CREDENTIALS, uds.PORTFOLIO_MARGIN_PRO, environment=EVERYWHERE, network=venue.network
            ):
                pytest.fail("it opened")


async def test_without_recovery_nothing_is_signed_and_the_secret_does_not_matter(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        owner = sandbox.add_account(key="hmac", usdm={"USDT": "1"})
        wrong = uds.Credentials.from_secret(owner.credentials.api_key, "W" * 64)
        recovery = uds.Recovery(enabled=False)
        async with opened_in(sandbox, owner, uds.USDM_FUTURES, credentials=wrong, recovery=recovery) as stream:
            assert await read(stream, 100) == []


async def test_entering_does_not_wait_for_ever_for_the_first_signed_answer(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        owner = sandbox.add_account(usdm={"USDT": "1"})
        for _, _, route in UNSIGNED[:1]:
            sandbox.faults.delay_answer(1000, route, times=10)
        for route in ("GET /fapi/v3/balance", "GET /fapi/v3/positionRisk", "GET /fapi/v1/openAlgoOrders"):
            sandbox.faults.delay_answer(1000, route, times=10)
        for route in ("GET /fapi/v1/symbolConfig", "GET /fapi/v1/accountConfig"):
            sandbox.faults.delay_answer(1000, route, times=10)
        began = trio.current_time()
        async with opened_in(sandbox, owner, uds.USDM_FUTURES):
            assert trio.current_time() - began < 6


@every_unsigned
async def test_a_refusal_that_comes_later_is_said_once_until_it_works_again(
    autojump_clock: MockClock, product: uds.Product, account: dict[str, Any], route: str
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        owner = sandbox.add_account(**account)
        async with opened_in(sandbox, owner, product) as stream:
            assert await read(stream, 20) == []
            notices: list[uds.CredentialsRefused] = []
            for refusals in (3, 3, 0, 3):
                if refusals:
                    sandbox.faults.fail_next(route, status=401, times=refusals, **REFUSED)
                sandbox.faults.cut()
                found = await read(stream, 200)
                notices += [item for item in found if isinstance(item, uds.CredentialsRefused)]
                gap = next(item for item in found if isinstance(item, uds.Gap))
                assert gap.complete == (not refusals), gap.detail
            assert [notice.method for notice in notices] == [route, route]
            assert "-2015" in notices[0].detail


@every_unsigned
async def test_a_question_that_is_refused_for_a_moment_is_asked_again(
    autojump_clock: MockClock, product: uds.Product, account: dict[str, Any], route: str
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        owner = sandbox.add_account(**account)
        async with opened_in(sandbox, owner, product) as stream:
            assert await read(stream, 20) == []
            sandbox.faults.fail_next(route, status=401, **REFUSED)
            sandbox.faults.cut()
            found = await read(stream, 200)
            assert [type(item) for item in found] == [uds.Disconnected, uds.Gap]
            assert found[-1].complete, found[-1].detail


async def test_a_page_of_a_front_server_says_nothing_about_the_secret(autojump_clock: MockClock) -> None:
    venue = venue_for(uds.PORTFOLIO_MARGIN_PRO)
    venue.past = lambda call: Reply(401, b"<html>no</html>")
    async with opened(uds.PORTFOLIO_MARGIN_PRO, venue) as stage:
        assert isinstance(stage, Stage)
        await trio.sleep(60)
        assert stage.items == []
