"""The doctor against a sandbox with one fault at a time: one line is red, the right one, and it says what to do."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
import trio
from trio.testing import MockClock

import trio_binance_uds as uds
from support.one_time import with_one_time
from trio_binance_uds import DiagnosisResult as Result
from trio_binance_uds import DiagnosisStep as Step
from trio_binance_uds.doctor import stream_examination
from trio_binance_uds.doctor.link_examination import LinkExamination
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.sandbox.stream_session import StreamSession
from trio_binance_uds.stream.breaking import break_connection

WALLETS: dict[str, Any] = {
    "balances": {"USDT": "10000"},
    "cross_margin": {},
    "isolated_margin": {"BTCUSDT": {}},
    "usdm": {"USDT": "1000"},
    "coinm": {"BTC": "1"},
    "options": {},
    "portfolio_margin": {},
    "portfolio_margin_pro": {},
    "stocks": {},
}
SPOT_ORDER = uds.TrialOrder(symbol="BTCUSDT", quantity="0.001", price=30_000)
Break = Callable[[Sandbox, SandboxAccount], object]


@asynccontextmanager
async def sandbox_with(key: str = "ed25519") -> AsyncIterator[tuple[Sandbox, SandboxAccount]]:
    with pytest.MonkeyPatch.context() as patch:
        clock = with_one_time(patch)
        async with open_sandbox(in_memory=True, clock=clock) as sandbox:
            yield sandbox, sandbox.add_account(**WALLETS, key=key)


async def examined(
    sandbox: Sandbox,
    account: SandboxAccount,
    product: str = "spot",
    *,
    credentials: uds.Credentials | None = None,
    urls: dict[str, str] | None = None,
    **options: Any,
) -> uds.Diagnosis:
    urls = {str(host): url for host, url in sandbox.environment.urls.items()} | (urls or {})
    return await uds.diagnose(
        credentials or account.credentials,
        product,
        environment=uds.Environment("sandbox", urls),
        **{"network": sandbox.network, **options},
    )


def results(diagnosis: uds.Diagnosis) -> dict[Step, Result]:
    return {finding.step: finding.result for finding in diagnosis.findings}


def the_failed(diagnosis: uds.Diagnosis) -> uds.Finding:
    """Return the one line that is red, after a look at all of them."""
    assert [finding.step for finding in diagnosis.findings] == list(Step)
    (finding,) = diagnosis.failed
    assert not diagnosis.is_healthy
    assert finding.advice
    return finding


ALL = [*uds.PRODUCTS, "isolated-margin:BTCUSDT", "cross-margin@listen-key", "isolated-margin:BTCUSDT@listen-key"]


@pytest.mark.parametrize("product", ALL)
async def test_of_a_product_that_works_no_line_is_red(autojump_clock: MockClock, product: str) -> None:
    async with sandbox_with() as (sandbox, account):
        diagnosis = await examined(sandbox, account, product)
    found = results(diagnosis)
    assert list(found) == list(Step)
    assert diagnosis.is_healthy, diagnosis.failed
    assert (diagnosis.product, diagnosis.environment) == (product, "sandbox")
    assert found.pop(Step.ORDER) is Result.SKIPPED
    unsure = {step for step, result in found.items() if result is not Result.OK}
    # Nothing about the past of this account can be asked, so that no gap can be proven complete.
    silent = {Step.BASELINE, Step.GAP}
    assert unsure <= (silent if product == "unified-margin" else {Step.GAP})


def forbid(*permissions: str) -> Break:
    return lambda sandbox, account: setattr(account.key, "permissions", account.key.permissions - set(permissions))


def of_address(allowed: bool) -> Break:
    return lambda sandbox, account: setattr(account.key, "ip_allowed", allowed)


@pytest.mark.parametrize(
    ("product", "key", "fault", "step", "advice"),
    [
        ("spot", "ed25519", of_address(False), Step.KEY, "list of addresses"),
        ("usdm-futures", "hmac", of_address(False), Step.KEY, "list of addresses"),
        ("spot", "ed25519", forbid("USER_DATA"), Step.PERMISSIONS, "enable reading"),
        ("spot", "hmac", forbid("USER_STREAM"), Step.PERMISSIONS, "enable reading"),
        ("spot", "ed25519", forbid("USER_DATA", "USER_STREAM", "TRADE"), Step.PERMISSIONS, "enable reading"),
        ("usdm-futures", "hmac", forbid("USER_STREAM"), Step.PERMISSIONS, "the product"),
        ("cross-margin", "ed25519", forbid("USER_DATA"), Step.PERMISSIONS, "enable reading"),
        ("unified-margin", "hmac", forbid("USER_STREAM"), Step.PERMISSIONS, "enable reading"),
    ],
)
async def test_a_key_that_may_not_is_told_from_one_that_is_not_known(
    autojump_clock: MockClock, product: str, key: str, fault: Break, step: Step, advice: str
) -> None:
    async with sandbox_with(key) as (sandbox, account):
        fault(sandbox, account)
        failed = the_failed(await examined(sandbox, account, product))
    assert (failed.step, "-2015" in failed.detail) == (step, True)
    assert advice in failed.advice


@pytest.mark.parametrize("product", ["spot", "usdm-futures", "cross-margin", "unified-margin"])
async def test_a_wrong_secret_is_seen_by_its_signature(autojump_clock: MockClock, product: str) -> None:
    async with sandbox_with("hmac") as (sandbox, account):
        wrong = uds.Credentials.from_secret(account.api_key, "x" * 64)
        diagnosis = await examined(sandbox, account, product, credentials=wrong)
    failed = the_failed(diagnosis)
    assert failed.step is Step.SIGNATURE
    assert "copy the secret again" in failed.advice
    assert results(diagnosis)[Step.KEY] is Result.OK
    assert results(diagnosis)[Step.KIND] is Result.UNSURE


async def test_the_wrong_kind_of_key_is_seen_where_the_venue_tells_and_named_where_it_may_be(
    autojump_clock: MockClock,
) -> None:
    async with sandbox_with("hmac") as (sandbox, account):
        other = sandbox.add_account(balances={}, key="ed25519")
        wrong = uds.Credentials.from_secret(account.api_key, other.secret)
        failed = the_failed(await examined(sandbox, account, credentials=wrong))
        assert (failed.step, "-1193" in failed.detail) == (Step.KIND, True)
        assert "another kind than ED25519" in failed.advice
        wrong = uds.Credentials.from_secret(other.api_key, account.secret)
        failed = the_failed(await examined(sandbox, other, credentials=wrong))
        assert failed.step is Step.SIGNATURE
        assert "another kind than HMAC" in failed.advice


@pytest.mark.parametrize("seconds", [40, -40])
@pytest.mark.parametrize("product", ["spot", "usdm-futures"])
async def test_a_clock_that_is_off_is_told_and_keeps_nothing_from_working(
    autojump_clock: MockClock, product: str, seconds: float
) -> None:
    async with sandbox_with() as (sandbox, account):
        sandbox.faults.skew_clock(seconds)
        diagnosis = await examined(sandbox, account, product)
    failed = the_failed(diagnosis)
    assert failed.step is Step.CLOCK
    assert ("behind" if seconds > 0 else "ahead of") in failed.detail
    assert "NTP" in failed.advice
    assert results(diagnosis)[Step.GAP] is Result.OK


@pytest.mark.parametrize("product", ["spot", "usdm-futures"])
async def test_a_timestamp_that_is_refused_is_the_clocks(autojump_clock: MockClock, product: str) -> None:
    async with sandbox_with() as (sandbox, account):
        for method in ("session.logon", "GET /fapi/v3/balance", "account.status"):
            sandbox.faults.fail_next(method, status=400, code=-1021, msg="Timestamp", times=9)
        failed = the_failed(await examined(sandbox, account, product))
    assert failed.step is Step.CLOCK
    assert "-1021" in failed.detail


def gone(method: str, **answer: Any) -> Break:
    return lambda sandbox, account: sandbox.faults.fail_next(method, times=9, **answer)


@pytest.mark.parametrize(
    ("product", "fault", "says"),
    [
        ("spot", lambda sandbox, account: sandbox.faults.refuse_connections(status=410), "later version"),
        ("usdm-futures", gone("POST /fapi/v1/listenKey", status=410, code=0, msg="Gone"), "what replaces it"),
        ("stocks", gone("POST /sapi/v1/equity/listenKey", status=400, code=-21015, msg="GONE"), "what replaces it"),
    ],
)
async def test_a_route_that_is_retired_is_told(
    autojump_clock: MockClock, product: str, fault: Break, says: str
) -> None:
    async with sandbox_with() as (sandbox, account):
        fault(sandbox, account)
        failed = the_failed(await examined(sandbox, account, product))
    assert failed.step is Step.ROUTE
    assert says in failed.advice


async def test_the_old_listen_key_of_spot_is_replaced_by_what_it_says(autojump_clock: MockClock) -> None:
    mechanism = uds.ListenKeyStream(
        rest=uds.Host.SPOT_REST, path="/api/v3/userDataStream", stream=uds.Host.MARGIN_STREAM
    )
    product = uds.Product("old-spot", mechanism, uds.SPOT.events)
    async with sandbox_with() as (sandbox, account):
        diagnosis = await uds.diagnose(
            account.credentials, product, environment=sandbox.environment, network=sandbox.network
        )
    failed = the_failed(diagnosis)
    assert failed.step is Step.ROUTE
    assert "2026-02-20" in failed.detail
    assert "WebSocket API (SPOT)" in failed.advice


@pytest.mark.parametrize("rest", [uds.Host.USDM_REST, None])
async def test_what_nobody_can_ask_about_is_unsure(autojump_clock: MockClock, rest: uds.Host | None) -> None:
    mechanism = uds.SPOT.mechanism if rest is None else uds.USDM_FUTURES.mechanism
    product = uds.Product("without-history", mechanism, uds.SPOT.events)
    async with sandbox_with() as (sandbox, account):
        diagnosis = await uds.diagnose(
            account.credentials, product, environment=sandbox.environment, network=sandbox.network
        )
    assert diagnosis.is_healthy
    signature = results(diagnosis)[Step.SIGNATURE]
    assert signature is (Result.OK if rest is None else Result.UNSURE), "spot subscribes by a signature"


@pytest.mark.parametrize("product", ["spot", "portfolio-margin"])
async def test_a_slow_answer_is_no_wrong_clock(autojump_clock: MockClock, product: str) -> None:
    async with sandbox_with() as (sandbox, account):
        sandbox.faults.delay(0.7)
        assert (await examined(sandbox, account, product)).is_healthy


async def test_a_url_that_never_brings_events_is_told(autojump_clock: MockClock) -> None:
    async with sandbox_with() as (sandbox, account):
        public = sandbox.environment.url(uds.Host.USDM_STREAM).replace("/private", "/public")
        diagnosis = await examined(sandbox, account, "usdm-futures", urls={"usdm_stream": public})
    failed = the_failed(diagnosis)
    assert failed.step is Step.SOCKET
    assert "/public" in failed.detail
    assert results(diagnosis)[Step.PERMISSIONS] is Result.OK


def listing(streams: list[str]) -> Callable[[StreamSession, str], dict[str, Any]]:
    """Return how a socket answers that lists these streams."""
    return lambda self, text: {"id": json.loads(text)["id"], "result": streams}


async def test_a_socket_with_other_streams_is_told(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(StreamSession, "_obey", listing(["btcusdt@trade"]))
    async with sandbox_with() as (sandbox, account):
        failed = the_failed(await examined(sandbox, account, "usdm-futures"))
    assert failed.step is Step.SOCKET
    assert "the listen key is not among them" in failed.detail


async def test_the_socket_of_another_product_is_told(autojump_clock: MockClock) -> None:
    async with sandbox_with() as (sandbox, account):
        url = sandbox.environment.url(uds.Host.SPOT_WS_API)
        failed = the_failed(await examined(sandbox, account, "usdm-futures", urls={"usdm_stream": url}))
    assert failed.step is Step.SOCKET


async def test_a_socket_that_proves_nothing_is_no_failure(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(StreamSession, "_obey", listing([]))
    async with sandbox_with() as (sandbox, account):
        diagnosis = await examined(sandbox, account, "usdm-futures")
    assert diagnosis.is_healthy
    (socket,) = [finding for finding in diagnosis.findings if finding.step is Step.SOCKET]
    assert socket.result is Result.UNSURE
    assert "only an event can prove the URL" in socket.detail


async def refused(host: str, port: int) -> trio.abc.Stream:
    raise OSError(111, "Connection refused")


async def test_a_proxy_that_is_down_is_one_line_and_its_password_is_in_none(autojump_clock: MockClock) -> None:
    network = uds.Network(proxy="http://me:hunter2@127.0.0.1:3128", open_stream=refused)
    async with sandbox_with() as (sandbox, account):
        diagnosis = await examined(sandbox, account, "usdm-futures", network=network)
    failed = the_failed(diagnosis)
    assert failed.step is Step.NETWORK
    assert "the proxy 127.0.0.1:3128" in failed.detail
    assert "the proxy runs" in failed.advice
    assert "hunter2" not in repr(diagnosis)
    assert set(results(diagnosis).values()) == {Result.FAILED, Result.SKIPPED}


@pytest.mark.parametrize("product", ["spot", "usdm-futures"])
async def test_a_ban_is_told_with_its_end(autojump_clock: MockClock, product: str) -> None:
    async with sandbox_with() as (sandbox, account):
        await examined(sandbox, account, product)
        sandbox.faults.ban(600)
        failed = the_failed(await examined(sandbox, account, product))
    assert failed.step is Step.VENUE
    assert "this address is banned: wait 6" in failed.advice or "this address is banned: wait 5" in failed.advice


@pytest.mark.parametrize(
    ("product", "fault", "says"),
    [
        ("spot", lambda sandbox, account: sandbox.faults.refuse_connections(status=503), "maintenance"),
        ("spot", lambda sandbox, account: sandbox.faults.refuse_connections(status=403), "firewall"),
        ("spot", lambda sandbox, account: sandbox.faults.refuse_connections(status=429, retry_after=7), "wait 7 s"),
        ("usdm-futures", lambda sandbox, account: sandbox.faults.html_answer(times=99), "maintenance"),
        ("usdm-futures", lambda sandbox, account: sandbox.faults.html_answer(status=403, times=99), "firewall"),
    ],
)
async def test_a_venue_that_does_not_want_is_told(
    autojump_clock: MockClock, product: str, fault: Break, says: str
) -> None:
    async with sandbox_with() as (sandbox, account):
        fault(sandbox, account)
        failed = the_failed(await examined(sandbox, account, product))
    assert failed.step is Step.VENUE
    assert says in failed.advice


async def test_a_subscription_that_does_not_stand_is_told(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_with() as (sandbox, account):
        sandbox.faults.fail_next("session.subscriptions", status=400, code=-1102, msg="no", times=9)
        failed = the_failed(await examined(sandbox, account))
        assert failed.step is Step.SUBSCRIPTION
    async with sandbox_with() as (sandbox, account):
        sandbox.faults.lose_answer("session.logon", times=9)
        failed = the_failed(await examined(sandbox, account))
        assert failed.step is Step.SUBSCRIPTION
        assert "within 10 s" in failed.detail
    async with sandbox_with() as (sandbox, account):
        monkeypatch.setattr("trio_binance_uds.link.openers.ws_api.ListedSubscription.is_alive", _never_alive)
        failed = the_failed(await examined(sandbox, account))
        assert failed.step is Step.SUBSCRIPTION
        assert "does not list" in failed.detail


async def _never_alive(self: object, connection: object) -> bool:
    return False


async def test_a_connection_that_breaks_meanwhile_is_told(autojump_clock: MockClock) -> None:
    async with sandbox_with() as (sandbox, account):
        sandbox.faults.delay_answer(2, "session.logon")
        sandbox.faults.cut(after=1)
        failed = the_failed(await examined(sandbox, account))
    assert failed.step is Step.SOCKET
    assert "the connection was closed" in failed.detail


async def test_what_cannot_be_asked_about_the_past_is_told(autojump_clock: MockClock) -> None:
    async with sandbox_with() as (sandbox, account):
        # The examination of the link asks once, and what two streams ask after it gets no answer.
        sandbox.faults.fail_next("openOrders.status", status=400, code=-1000, msg="no", times=999)
        diagnosis = await examined(sandbox, account)
    failed = the_failed(diagnosis)
    assert failed.step is Step.BASELINE
    assert results(diagnosis)[Step.GAP] is Result.UNSURE


async def test_a_stream_that_does_not_come_back_is_told(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_with() as (sandbox, account):
        original = stream_examination.break_connection

        def break_for_good(stream: uds.UserDataStream) -> bool:
            sandbox.faults.refuse_connections()
            return original(stream)

        monkeypatch.setattr(stream_examination, "break_connection", break_for_good)
        failed = the_failed(await examined(sandbox, account))
    assert failed.step is Step.GAP
    assert "has not healed within 60 s" in failed.detail


async def test_a_stream_that_ends_for_good_is_told(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with sandbox_with() as (sandbox, account):

        def end(stream: uds.UserDataStream) -> bool:
            sandbox.faults.refuse_connections(status=410)
            sandbox.faults.cut()
            return True

        monkeypatch.setattr(stream_examination, "break_connection", end)
        failed = the_failed(await examined(sandbox, account, order=SPOT_ORDER, progress=None))
    assert failed.step is Step.GAP


async def test_streams_that_cannot_be_opened_although_a_link_could_are_told(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_with() as (sandbox, account):

        class Closing(LinkExamination):
            async def run(self) -> bool:
                can_stream = await super().run()
                sandbox.faults.refuse_connections(status=503)
                return can_stream

        monkeypatch.setattr("trio_binance_uds.doctor.diagnose.LinkExamination", Closing)
        failed = the_failed(await examined(sandbox, account))
    assert failed.step is Step.BASELINE
    assert "maintenance" in failed.advice


async def test_fills_that_only_the_other_connection_has_brought_are_told(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_examination, "missing_fills", lambda gap, seen, brought: ["BTCUSDT trade 7"])
    async with sandbox_with() as (sandbox, account):
        failed = the_failed(await examined(sandbox, account))
    assert failed.step is Step.GAP
    assert "BTCUSDT trade 7" in failed.detail


async def test_a_fill_is_missing_where_it_lies_in_the_gap_and_was_seen_elsewhere(autojump_clock: MockClock) -> None:
    async with sandbox_with() as (sandbox, account):
        opening = uds.open_user_data_stream(
            account.credentials, "spot", environment=sandbox.environment, network=sandbox.network
        )
        async with opening as stream:
            sandbox.add_account(balances={"BTC": "1"}).call("order.place", SELL)
            account.call("order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
            items = [await stream.receive() for _ in range(2)]
    fill = items[1]
    assert isinstance(fill, uds.ExecutionReport)
    assert fill.event_time is not None
    until = fill.event_time + timedelta(seconds=1)
    gap = uds.Gap(cause=uds.GapCause.LINK_LOST, since=fill.event_time, until=until)
    assert stream_examination.missing_fills(gap, items, items) == []
    assert stream_examination.missing_fills(gap, items, []) == [f"BTCUSDT trade {fill.trade_id}"]
    later = uds.Gap(cause=uds.GapCause.LINK_LOST, since=until, until=until)
    assert stream_examination.missing_fills(later, items, []) == []


SELL = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": "60000", "quantity": "1"}


# The order.


@pytest.mark.parametrize(
    ("product", "order"),
    [
        ("spot", SPOT_ORDER),
        ("usdm-futures", uds.TrialOrder(symbol="BTCUSDT", quantity="0.01", price="30000")),
        ("coinm-futures", uds.TrialOrder(symbol="BTCUSD_PERP", quantity=1, price="30000")),
    ],
)
async def test_an_order_is_placed_and_cancelled_and_its_events_arrive(
    autojump_clock: MockClock, product: str, order: uds.TrialOrder
) -> None:
    async with sandbox_with() as (sandbox, account):
        diagnosis = await examined(sandbox, account, product, order=order)
        assert results(diagnosis)[Step.ORDER] is Result.OK
        route = {"spot": "openOrders.status", "usdm-futures": "GET /fapi/v1/openOrders"}.get(product)
        assert route is None or account.call(route) == []


async def test_an_order_that_is_refused_or_brings_nothing_is_told(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with sandbox_with() as (sandbox, account):
        small = uds.TrialOrder(symbol="BTCUSDT", quantity="0.0000001", price="30000")
        failed = the_failed(await examined(sandbox, account, order=small))
        assert failed.step is Step.ORDER
        assert "filters" in failed.advice
        monkeypatch.setattr(stream_examination._Watched, "events_of", lambda self, name: [])
        failed = the_failed(await examined(sandbox, account, order=SPOT_ORDER))
        assert failed.step is Step.ORDER
        assert "have not come" in failed.detail


async def test_an_order_finds_no_connection_and_there_is_none_to_break(autojump_clock: MockClock) -> None:
    async with sandbox_with() as (sandbox, account):
        opening = uds.open_user_data_stream(
            account.credentials, "spot", environment=sandbox.environment, network=sandbox.network
        )
        async with opening as stream:
            sandbox.faults.refuse_connections()
            assert break_connection(stream)
            await trio.sleep(1)
            assert not break_connection(stream)
            with pytest.raises(uds.NotConnected):
                SPOT_ORDER.on(stream, "order.place", "order.cancel")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"environment": uds.PRODUCTION}, "on a testnet or a sandbox only"),
        ({"environment": "demo", "product": "options"}, "for spot and futures only"),
        (
            {"environment": uds.Environment("mine", {uds.Host.SPOT_WS_API: "wss://example.com/ws-api/v3"})},
            "example.com",
        ),
    ],
)
async def test_no_order_is_placed_with_real_money(options: dict[str, Any], says: str) -> None:
    credentials = uds.Credentials.from_secret("k" * 64, "s" * 64)
    with pytest.raises(ValueError, match=says):
        await uds.diagnose(credentials, options.pop("product", "spot"), order=SPOT_ORDER, **options)


@pytest.mark.parametrize("amount", ["0", "-1", "Infinity", "NaN", "much", None])
def test_an_order_has_an_amount(amount: Any) -> None:
    with pytest.raises(ValueError, match="positive numbers"):
        uds.TrialOrder(symbol="BTCUSDT", quantity=amount, price="1")


# The call.


async def test_what_an_environment_does_not_have_is_told(autojump_clock: MockClock) -> None:
    credentials = uds.Credentials.from_secret("k" * 64, "s" * 64)
    diagnosis = await uds.diagnose(credentials, "portfolio-margin", environment="testnet")
    (failed,) = diagnosis.failed
    assert failed.step is Step.ROUTE
    assert "the testnet environment has no portfolio_margin" in failed.detail


async def test_findings_come_one_by_one_and_no_secret_is_in_them_or_in_the_log(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    to_reader, reader = trio.open_memory_channel[uds.Finding](100)
    async with sandbox_with("hmac") as (sandbox, account):
        diagnosis = await examined(sandbox, account, "usdm-futures", progress=to_reader)
        await to_reader.aclose()
        seen = [finding async for finding in reader]
        key = account.call("POST /fapi/v1/listenKey")["listenKey"]
    assert tuple(seen) == diagnosis.findings
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("trio_binance_uds")]
    said = repr(diagnosis) + repr(ours)
    for secret in (account.secret, account.api_key, key):
        assert secret not in said


async def test_it_leaves_nothing_behind_when_it_is_cancelled(autojump_clock: MockClock) -> None:
    async with sandbox_with() as (sandbox, account):
        for deadline in (0.0, 0.05, 0.3, 0.6):
            with trio.move_on_after(deadline):
                await examined(sandbox, account, "usdm-futures")
        assert not sandbox.connections


def test_it_says_where_it_runs() -> None:
    with pytest.raises(RuntimeError, match=r"diagnose\(\) runs on trio"):
        uds.diagnose(uds.Credentials.from_secret("k" * 64, "s" * 64), "spot").send(None)
