"""Whatever the product: created, kept alive, expired, revoked and closed, always at its own host, path and verb."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support import product_payloads as payloads
from support.everywhere import (
    CREDENTIALS,
    KEYED,
    THREE_ACCOUNTS,
    TOKENED,
    expected_calls,
    life_of,
    lose,
    name_of,
    opened,
    unhurried,
    venue_for,
)
from support.venue import START_MS, Cut, Hangs, Reply
from trio_binance_uds.products import Host, MarginRiskHistory

every_product = pytest.mark.parametrize("product", [*KEYED, *TOKENED], ids=lambda product: product.name)


@every_product
@pytest.mark.parametrize("how", ["told", "without a name", "silently", "cut"])
async def test_it_is_created_kept_alive_replaced_when_it_ends_and_closed_at_its_own_places_only(
    autojump_clock: trio.testing.MockClock, product: uds.Product, how: str
) -> None:
    accounts = len(product.mechanism.accounts) if isinstance(product.mechanism, uds.ListenTokenSubscription) else 1
    life = life_of(product)
    rollover = uds.Rollover(lifetime=life, lead=life / 5, jitter=life / 10)
    async with opened(product, timeouts=unhurried(product), rollover=rollover) as stage:
        venue = stage.venue
        await venue.tell({"e": "first"})
        await trio.sleep(4 * life)
        assert stage.kinds() == ["first"] * accounts, "renewals and rollovers, and not a word of them"
        keys = {socket.key for socket in venue.sockets}
        sockets = len(venue.sockets)
        await lose(venue, how)
        await venue.tell({"e": "lost"})
        await trio.sleep(life / 20 + 2)
        assert stage.kinds() == ["first"] * accounts + ["Disconnected", "Gap"]
        disconnected, gap = stage.items[-2:]
        assert isinstance(gap, uds.Gap)
        assert isinstance(disconnected, uds.Disconnected)
        assert gap.since <= disconnected.at
        lost = uds.GapCause.LINK_LOST if how == "cut" else uds.GapCause.SUBSCRIPTION_LOST
        assert gap.cause == lost
        assert len(venue.sockets) == sockets + 1, "a new socket"
        if isinstance(product.mechanism, uds.ListenKeyStream) and how != "cut":
            assert venue.sockets[-1].key not in keys, "of a new key"
        assert len(venue.live_sockets()) == 1
        await venue.tell({"e": "again"})
        await trio.sleep(0.01)
        assert stage.kinds()[-accounts:] == ["again"] * accounts
    assert set(venue.places()) == expected_calls(product)
    stream_host = name_of(product.mechanism.connects_to)
    assert {socket.host for socket in venue.sockets} == {stream_host}
    assert {host for host, _ in venue.dialled} == {stream_host} | {host for host, *_ in expected_calls(product)}
    assert all(call.headers.get("x-mbx-apikey") == "test-api-key-0001" for call in venue.calls if call.verb != "GET")
    assert not any("signature" in call.params for call in venue.calls)


@every_product
async def test_a_revoked_api_key_ends_the_stream_with_the_reason(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    async with opened(product) as stage:
        revoked = Reply(401, {"code": -2015, "msg": "Invalid API-key, IP, or permissions for action."})
        for _, verb, path in expected_calls(product):
            stage.venue.answer_instead(f"{verb} {path}", *[revoked] * 100)
        if isinstance(product.mechanism, uds.ListenTokenSubscription):
            await lose(stage.venue, "told")
        await trio.sleep(300)
        assert stage.failed is not None
        assert isinstance(stage.failed.__cause__, uds.AuthenticationFailed)
        disconnected, *failures = stage.items
        assert isinstance(disconnected, uds.Disconnected)
        assert all(isinstance(failure, uds.ReconnectFailed) and "-2015" in failure.detail for failure in failures)
        if isinstance(product.mechanism, uds.ListenKeyStream):
            assert disconnected.cause == uds.DisconnectCause.CREDENTIALS_REVOKED


@every_product
async def test_what_fails_on_entering_is_bare_and_typed(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    (route,) = {f"{verb} {path}" for _, verb, path in expected_calls(product) if verb == "POST"}
    failures: list[tuple[Reply | Exception, type[uds.UserDataStreamError]]] = [
        (Reply(401, {"code": -2014, "msg": "API-key format invalid."}), uds.AuthenticationFailed),
        (Reply(400, {"code": -3003, "msg": "Margin account does not exist."}), uds.ApiError),
        (Reply(429, {"code": -1003, "msg": "Too many requests."}), uds.RateLimited),
        (Reply(410, b"<html>gone</html>"), uds.Retired),
        (Reply(503, b"<html>later</html>"), uds.OutcomeUnknown),
        (Reply(200, {"nothing": "of use"}), uds.OutcomeUnknown),
        (Reply(200, b""), uds.OutcomeUnknown),
        (Cut(), uds.OutcomeUnknown),
        (Hangs(), uds.OutcomeUnknown),
    ]
    for reply, kind in failures:
        venue = venue_for(product)
        venue.answer_instead(route, reply)
        with pytest.raises(kind) as caught:
            async with opened(product, venue):
                pytest.fail("it opened")
        assert type(caught.value) is kind
        assert venue.open_streams() == 0


@every_product
async def test_without_a_network_it_says_so_at_once(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    async def refuse(host: str, port: int) -> trio.abc.Stream:
        raise OSError("unreachable")

    venue = venue_for(product)
    venue.network = uds.Network(open_stream=refuse)
    with pytest.raises(uds.ConnectFailed, match="unreachable"):
        async with opened(product, venue):
            pytest.fail("it opened")


@every_product
async def test_requests_that_the_connection_does_not_take_are_refused_before_they_are_sent(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    async with opened(product) as stage:
        sent = len(stage.venue.ws_calls)
        with pytest.raises(ValueError, match="called by the stream itself"):
            await stage.stream.request("userDataStream.unsubscribe")
        with pytest.raises(uds.NotOffered, match=r"takes no requests|would act on the spot account"):
            await stage.stream.request("order.place", {"symbol": "BTCUSDT"})
        with pytest.raises(uds.NotOffered) as caught:
            await stage.stream.request("userDataStream.start")
        # On the futures' own WebSocket APIs the method goes on, but this is none of them.
        assert isinstance(caught.value, uds.Retired) == isinstance(product.mechanism, uds.ListenTokenSubscription)
        if isinstance(product.mechanism, uds.ListenTokenSubscription):
            assert await stage.stream.request("exchangeInfo") == {"method": "exchangeInfo"}
            sent += 1
        assert len(stage.venue.ws_calls) == sent


@every_product
async def test_options_that_do_not_fit_are_refused_before_anything_is_opened(product: uds.Product) -> None:
    options: list[dict[str, Any]] = [{"logon": True}]
    if not isinstance(product.mechanism, uds.ListenKeyStream) or product.mechanism.has_only_post:
        options.append({"delete_listen_key_on_exit": True})
    for option in options:
        with pytest.raises(ValueError, match=f"{next(iter(option))}=True is for products"):
            async with uds.open_user_data_stream(CREDENTIALS, product, **option):
                pytest.fail("it opened")
    bare = uds.Environment("bare", {})
    with pytest.raises(uds.NotOffered, match="the bare environment has no"):
        async with uds.open_user_data_stream(CREDENTIALS, product, environment=bare):
            pytest.fail("it opened")


async def test_spot_has_no_listen_key_to_delete() -> None:
    with pytest.raises(ValueError, match="products with a listen key, which spot is not"):
        async with uds.open_user_data_stream(CREDENTIALS, uds.SPOT, delete_listen_key_on_exit=True):
            pytest.fail("it opened")


@every_product
async def test_the_end_of_the_lease_is_told(autojump_clock: trio.testing.MockClock, product: uds.Product) -> None:
    life = life_of(product)
    async with opened(product, timeouts=unhurried(product)) as stage:
        for _ in range(3):
            await trio.sleep(life * 0.8)
            expires_at = stage.stream.statistics().lease_expires_at
            assert expires_at is not None
            left = expires_at - datetime.fromtimestamp(stage.venue.now_ms() / 1000, UTC)
            assert timedelta(seconds=life * 0.1) < left <= timedelta(seconds=life + 1)
        await lose(stage.venue, "cut")
        await trio.testing.wait_all_tasks_blocked()
        assert stage.stream.statistics().lease_expires_at is None


async def test_weights_of_rest_show_in_the_statistics(autojump_clock: trio.testing.MockClock) -> None:
    venue = venue_for(uds.USDM_FUTURES)
    venue.answer_instead("GET /fapi/v1/time", Reply(200, {"serverTime": START_MS}, {"x-mbx-used-weight-1m": "7"}))
    async with opened(uds.USDM_FUTURES, venue) as stage:
        assert stage.stream.statistics().rest_weights_used == {"x-mbx-used-weight-1m": 7}


# Each event once.


@pytest.mark.parametrize(
    ("product", "payload"),
    [
        (uds.CROSS_MARGIN, payloads.MARGIN["executionReport"]),
        (uds.USDM_FUTURES, payloads.USDM["ORDER_TRADE_UPDATE"]),
        (uds.USDM_FUTURES, payloads.USDM["TRADE_LITE"]),
        (uds.USDM_FUTURES, payloads.USDM["ALGO_UPDATE"]),
        (uds.margin_listen_key(uds.CROSS_MARGIN), payloads.MARGIN_LISTEN_KEY["executionReport"]),
        (uds.UNIFIED_MARGIN, payloads.MARGIN_LISTEN_KEY["executionReport"]),
        (uds.STOCKS, payloads.STOCKS["orderReport"]),
        (uds.COINM_FUTURES, payloads.COINM["ORDER_TRADE_UPDATE"]),
        (uds.OPTIONS, payloads.OPTIONS["ORDER_TRADE_UPDATE"]),
        (uds.PORTFOLIO_MARGIN, payloads.PORTFOLIO_MARGIN["ORDER_TRADE_UPDATE"]),
        (uds.PORTFOLIO_MARGIN, payloads.PORTFOLIO_MARGIN["executionReport"]),
        (uds.PORTFOLIO_MARGIN, payloads.PORTFOLIO_MARGIN["CONDITIONAL_ORDER_TRADE_UPDATE"]),
    ],
    ids=lambda value: value.name if isinstance(value, uds.Product) else value["e"],
)
async def test_a_report_that_the_venue_repeats_is_told_once(
    autojump_clock: trio.testing.MockClock, product: uds.Product, payload: dict[str, Any]
) -> None:
    async with opened(product) as stage:
        for _ in range(3):
            await stage.venue.tell(payload)
        await trio.sleep(0.01)
        assert len(stage.items) == 1
        assert isinstance(stage.items[0], uds.KnownEvent)
        assert stage.stream.statistics().events_repeated == 2


async def test_what_is_no_report_can_happen_twice(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(uds.USDM_FUTURES) as stage:
        for _ in range(2):
            await stage.venue.tell(payloads.USDM["ACCOUNT_CONFIG_UPDATE"])
        await trio.sleep(0.01)
        assert stage.kinds() == ["AccountConfigUpdate"] * 2


async def test_change_of_a_balance_that_the_venue_repeats_is_delivered_once(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with opened(uds.USDM_FUTURES) as stage:
        for _ in range(3):
            await stage.venue.tell(payloads.USDM["ACCOUNT_UPDATE"])
        await trio.sleep(0.01)
        assert stage.kinds() == ["AccountUpdate"]
        assert stage.stream.statistics().events_repeated == 2


async def test_the_same_can_happen_to_each_of_the_accounts_that_share_a_connection(
    autojump_clock: trio.testing.MockClock,
) -> None:
    rollover = uds.Rollover(lifetime=100, lead=50, jitter=0)
    async with opened(THREE_ACCOUNTS, rollover=rollover) as stage:
        for name in ("executionReport", "balanceUpdate"):
            for _ in range(2):  # by one connection, and by two that overlap
                await stage.venue.tell(payloads.MARGIN[name])
                await trio.sleep(50)
        reports = [item for item in stage.items if isinstance(item, uds.ExecutionReport)]
        assert [report.account for report in reports] == [
            "cross-margin",
            "isolated-margin:BTCUSDT",
            "isolated-margin:ETHUSDT",
        ]
        assert stage.kinds().count("BalanceUpdate") == 6


# The clock, and questions about the past.


@every_product
@pytest.mark.parametrize("how", [Reply(500, b""), Hangs()])
async def test_a_venue_that_does_not_tell_the_time_is_streamed_all_the_same(
    autojump_clock: trio.testing.MockClock, product: uds.Product, how: Reply | Exception
) -> None:
    venue = venue_for(product)
    for _, verb, path in expected_calls(product):
        if verb == "GET":
            venue.answer_instead(f"{verb} {path}", how)
    venue.answer_method_instead("time", how if isinstance(how, Exception) else (500, {"code": -1000, "msg": "no"}))
    async with opened(product, venue) as stage:
        await venue.tell({"e": "on"})
        await trio.sleep(1)
        assert set(stage.kinds()) == {"on"}


async def test_questions_about_the_past_go_to_rest_and_spots_go_to_the_connection(
    autojump_clock: trio.testing.MockClock,
) -> None:
    past = MarginRiskHistory(rest=Host.PORTFOLIO_MARGIN_REST)
    product = attrs.evolve(uds.USDM_FUTURES, history=past)
    async with opened(product) as stage:
        stage.venue.past = lambda call: Reply(body=[call.route])
        supervisor = stage.stream._supervisor
        assert supervisor.active is not None
        assert supervisor.active.connection is not None
        ask = stage.stream._plan.request_about_the_past(supervisor.active.connection)
        assert await ask("GET /papi/v1/account", {"asset": "BTC"}) == ["GET /papi/v1/account"]
        call = stage.venue.calls[-1]
        assert call.host == name_of(Host.PORTFOLIO_MARGIN_REST)
        assert "signature" in call.params
    async with opened(attrs.evolve(product, history=None)) as stage:
        supervisor = stage.stream._supervisor
        assert supervisor.active is not None
        connection = supervisor.active.connection
        assert connection is not None
        assert stage.stream._plan.request_about_the_past(connection) == connection.ask
        assert stage.stream._plan.weight_left(connection, "GET /papi/v1/account") is None


def test_a_spot_stream_does_not_even_import_rest() -> None:
    import subprocess
    import sys

    program = (
        "import sys, trio_binance_uds as uds\n"
        "from trio_binance_uds.link.plan import LinkPlan\n"
        "LinkPlan.make(uds.Credentials.from_secret('k' * 8, 's' * 8), uds.SPOT, uds.PRODUCTION, name='spot',"
        " network=uds.Network(), timeouts=uds.Timeouts(), transport=uds.TransportKind.WEBSOCKETS, logon=None)\n"
        "sys.exit(any(name in sys.modules for name in ('trio_binance_uds.link.rest', 'httpx', 'h11')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
