"""REST requests end in one of three ways, leave nothing open, and show no secret."""

from __future__ import annotations

import logging
import ssl
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime
from email.utils import formatdate
from urllib.parse import parse_qsl

import pytest
import trio
import trio.testing

from support.peer import Authority, Counted, socket_wire
from support.steps import cancel_at_every_step
from support.venue import START_MS, Cut, Hangs, Reply, Venue
from trio_binance_uds.credentials import Credentials
from trio_binance_uds.errors import (
    ApiError,
    AuthenticationFailed,
    ClockSkew,
    ConnectFailed,
    NotConnected,
    NotOffered,
    OutcomeUnknown,
    RateLimited,
    Retired,
)
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.rest import http
from trio_binance_uds.link.rest.answers import used_weights
from trio_binance_uds.link.rest.client import Rest, RestClient
from trio_binance_uds.link.rest.http import Answer
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.products import Environment, Host

SECRET = "very-secret-0001"
KEY = "public-api-key-0001"
CREDENTIALS = Credentials.from_secret(KEY, SECRET)
HTML = b"<html>\r\n<head><title>nginx</title></head></html>\r\n"
ROUTE = "GET /fapi/v1/openOrders"


def client_of(venue: Venue, url: str = "http://rest.test", *, time_path: str | None = "/fapi/v1/time") -> RestClient:
    # That of Portfolio Margin has no route that states the time.
    host = Host.USDM_REST if time_path is not None else Host.PORTFOLIO_MARGIN_REST
    rest = Rest(Environment("fake", {host: url}), venue.network, CREDENTIALS, ServerClock(), Timeouts())
    return rest.at(host, time_path=time_path)


@asynccontextmanager
async def served(*, time_path: str | None = "/fapi/v1/time") -> AsyncIterator[tuple[Venue, RestClient]]:
    async with Venue() as venue:
        yield venue, client_of(venue, time_path=time_path)


async def test_a_signed_request_carries_the_key_in_a_header_and_a_signature_over_its_query(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with served() as (venue, client):
        venue.past = lambda call: Reply(body=[1, 2])
        await client.measure_clock()
        assert await client.request(ROUTE, {"symbol": "BTC USDT"}) == [1, 2]
        call = venue.calls[-1]
        assert (call.route, call.headers["x-mbx-apikey"]) == (ROUTE, KEY)
        assert call.params["symbol"] == "BTC USDT"
        assert call.params["timestamp"] == str(START_MS)
        signed = f"symbol=BTC%20USDT&timestamp={START_MS}"
        assert call.params["signature"] == CREDENTIALS.sign(signed)


async def test_a_keyed_request_is_not_signed_and_a_public_one_does_not_even_name_the_key(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with served() as (venue, client):
        venue.past = lambda call: Reply()
        await client.keyed("POST /one")
        await client.public("GET /two", {"limit": 3})
        keyed, public = venue.calls
        assert keyed.headers["x-mbx-apikey"] == KEY
        assert keyed.params == {}
        assert "x-mbx-apikey" not in public.headers
        assert public.params == {"limit": "3"}
        assert not any(name in public.headers for name in ("cookie", "content-type"))


async def test_a_path_in_the_base_url_stays(autojump_clock: trio.testing.MockClock) -> None:
    async with Venue() as venue:
        venue.past = lambda call: Reply(body=call.path)
        assert await client_of(venue, "http://rest.test/through/").public("GET /api") == "/through/api"


async def test_a_connection_is_used_again_while_it_is_fresh_and_then_no_more(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with served() as (venue, client):
        venue.past = lambda call: Reply()
        for _ in range(3):
            await client.public("GET /again")
            await trio.sleep(3)
        assert len(venue.dialled) == 1
        await trio.sleep(2)
        await client.public("GET /again")
        assert len(venue.dialled) == 2


async def test_a_request_is_stamped_when_it_is_written_and_not_before_it_waits_for_a_connection(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with served() as (venue, client):
        await client.measure_clock()
        for _ in range(30):
            venue.answer_instead(ROUTE, Hangs())

        async def ask() -> None:
            with pytest.raises(OutcomeUnknown):
                await client.request(ROUTE)

        began = trio.current_time()
        async with trio.open_nursery() as nursery:
            for _ in range(30):
                nursery.start_soon(ask)
        waited = 1000 * (trio.current_time() - began)
        stamps = [int(call.params["timestamp"]) for call in venue.calls if call.route == ROUTE]
        assert len(stamps) == 30
        # Ten go out at once, and the next ten when these have got no answer in time.
        assert max(stamps) - min(stamps) == pytest.approx(waited * 2 / 3, abs=100)


async def test_only_so_many_requests_are_under_way_at_once(autojump_clock: trio.testing.MockClock) -> None:
    async with served() as (venue, client), trio.open_nursery() as nursery:
        venue.past = lambda call: Reply()
        for _ in range(40):
            nursery.start_soon(client.public, "GET /many")
        await trio.sleep(1)
        assert len(venue.calls) == 40
        assert len(venue.dialled) == 10


@pytest.mark.parametrize("body", [b"", b"  \r\n"])
async def test_an_empty_answer_is_a_result(autojump_clock: trio.testing.MockClock, body: bytes) -> None:
    async with served() as (venue, client):
        venue.answer_instead(ROUTE, Reply(200, body))
        assert await client.request(ROUTE) is None


REFUSED = {"msg": "refused by the test"}
OUTCOMES = [
    (Reply(400, {"code": -1102, **REFUSED}), ApiError, -1102),
    (Reply(400, {"code": -1125, **REFUSED}), ApiError, -1125),
    (Reply(401, {"code": -2014, **REFUSED}), AuthenticationFailed, -2014),
    (Reply(400, {"code": -2015, **REFUSED}), AuthenticationFailed, -2015),
    (Reply(429, {"code": -1003, **REFUSED}), RateLimited, -1003),
    (Reply(418, HTML), RateLimited, 0),
    (Reply(403, HTML), ApiError, 0),
    (Reply(404, HTML), ApiError, 0),
    (Reply(404, b""), ApiError, 0),
    (Reply(400, {"unreadable": True}), ApiError, 0),
    (Reply(302, b"", {"location": "https://elsewhere.test/x?signature=deadbeef"}), ApiError, 0),
    (Reply(410, HTML), Retired, 0),
    (Reply(400, {"code": -21015, **REFUSED}), Retired, -21015),
    (Reply(400, {"code": -1006, **REFUSED}), OutcomeUnknown, -1006),
    (Reply(400, {"code": -1007, **REFUSED}), OutcomeUnknown, -1007),
    (Reply(408, {"code": -1007, **REFUSED}), OutcomeUnknown, -1007),
    (Reply(500, HTML), OutcomeUnknown, 0),
    (Reply(503, {"code": -1008, **REFUSED}), OutcomeUnknown, -1008),
    (Reply(502, b""), OutcomeUnknown, 0),
    (Reply(200, HTML), OutcomeUnknown, None),
    (Cut(), OutcomeUnknown, None),
    (Hangs(), OutcomeUnknown, None),
]


@pytest.mark.parametrize(("reply", "kind", "code"), OUTCOMES, ids=lambda value: str(value)[:60])
async def test_what_is_no_plain_yes_is_an_error_of_the_right_kind(
    autojump_clock: trio.testing.MockClock, reply: Reply | Exception, kind: type[ApiError], code: int | None
) -> None:
    async with served() as (venue, client):
        venue.answer_instead("POST /order", reply)
        with pytest.raises((ApiError, OutcomeUnknown)) as caught:
            await client.request("POST /order", {"symbol": "BTCUSDT"})
        assert type(caught.value) is kind
        assert caught.value.code == code
        assert caught.value.method == "POST /order"
        assert len(venue.calls) == 1, "nothing is repeated, and no redirect is followed"
        assert "elsewhere.test" in str(caught.value) or "location" not in getattr(reply, "headers", {})


async def test_what_never_left_is_told_apart_from_what_did(autojump_clock: trio.testing.MockClock) -> None:
    async def refuse(host: str, port: int) -> trio.abc.Stream:
        raise OSError("no route to host")

    async def hang(host: str, port: int) -> trio.abc.Stream:
        return await trio.sleep_forever()

    async with Venue() as venue:
        for open_stream, text in ((refuse, "no route to host"), (hang, "took more than 10 s")):
            venue.network = Network(open_stream=open_stream)
            with pytest.raises(
                NotConnected, match=rf"GET /time was not sent.*http://rest\.test:80/time.*{text}"
            ) as caught:
                await client_of(venue).public("GET /time")
            assert isinstance(caught.value.__cause__, ConnectFailed)


async def test_a_request_whose_connection_breaks_while_it_is_written_may_have_been_sent(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with Venue() as venue:

        async def open_stream(host: str, port: int) -> trio.abc.Stream:
            ours, theirs = trio.testing.memory_stream_pair()
            await theirs.aclose()
            return Counted(ours, broken=True)

        venue.network = Network(open_stream=open_stream)
        with pytest.raises(OutcomeUnknown, match="lost before a whole answer"):
            await client_of(venue).public("GET /time")


async def test_a_connection_that_breaks_while_the_answer_is_read_leaves_the_outcome_unknown(
    autojump_clock: trio.testing.MockClock,
) -> None:
    class Breaking(Counted):
        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError

    async with Venue() as venue:

        async def open_stream(host: str, port: int) -> trio.abc.Stream:
            return Breaking(trio.testing.memory_stream_pair()[0])

        venue.network = Network(open_stream=open_stream)
        with pytest.raises(OutcomeUnknown, match="lost before a whole answer"):
            await client_of(venue).public("GET /time")


async def test_an_answer_is_bounded(autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_ANSWER_SIZE", 1000)
    async with served() as (venue, client):
        venue.answer_instead(ROUTE, Reply(200, b'"' + b"x" * 2000 + b'"'))
        with pytest.raises(OutcomeUnknown, match="longer than 1000 bytes"):
            await client.request(ROUTE)
        assert await client.public("GET /fapi/v1/time"), "the next answer counts by itself"
        assert len(venue.dialled) == 2


@pytest.mark.parametrize(
    "garbage", [b"SSH-2.0-dropbear\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"]
)
async def test_what_is_no_http_answer_leaves_the_outcome_unknown(
    autojump_clock: trio.testing.MockClock, garbage: bytes
) -> None:
    async with Venue() as venue, trio.open_nursery() as nursery:
        ours, theirs = trio.testing.memory_stream_pair()

        async def answer() -> None:
            await theirs.receive_some()
            await theirs.send_all(garbage)
            await theirs.aclose()

        async def open_stream(host: str, port: int) -> trio.abc.Stream:
            nursery.start_soon(answer)
            return ours

        venue.network = Network(open_stream=open_stream)
        with pytest.raises(OutcomeUnknown):
            await client_of(venue).public("GET /time")


# Limits.


@pytest.mark.parametrize(
    "reply",
    [
        Reply(429, {"code": -1003, "msg": "too much"}, {"retry-after": "30"}),
        Reply(418, HTML, {"retry-after": "30"}),
        Reply(418, {"code": -1003, "msg": f"Way too much; IP banned until {START_MS + 30_000}."}),
    ],
    ids=["seconds", "page", "text"],
)
async def test_until_the_time_that_the_venue_named_nothing_more_is_sent(
    autojump_clock: trio.testing.MockClock, reply: Reply
) -> None:
    async with served() as (venue, client):
        await client.measure_clock()
        venue.past = lambda call: Reply()
        venue.answer_instead(ROUTE, reply)
        for left in (30, 1):
            with pytest.raises(RateLimited) as caught:
                await client.request(ROUTE)
            assert caught.value.retry_after == pytest.approx(left, abs=0.01)
            await trio.sleep(29)
        assert len(venue.calls) == 2
        await trio.sleep(2)
        await client.request(ROUTE)


async def test_a_limit_without_a_time_does_not_bar(autojump_clock: trio.testing.MockClock) -> None:
    async with served() as (venue, client):
        venue.past = lambda call: Reply()
        venue.answer_instead(ROUTE, Reply(429, {"code": -1003, "msg": "too much"}, {"retry-after": "soon"}))
        with pytest.raises(RateLimited) as caught:
            await client.request(ROUTE)
        assert caught.value.retry_after is None
        await client.request(ROUTE)


async def test_a_ban_without_a_time_bars_for_as_long_as_the_shortest(autojump_clock: trio.testing.MockClock) -> None:
    async with served() as (venue, client):
        venue.past = lambda call: Reply()
        venue.answer_instead(ROUTE, Reply(418, HTML))
        for _ in range(2):
            with pytest.raises(RateLimited):
                await client.keyed(ROUTE)
        assert len(venue.calls) == 1
        await trio.sleep(120)
        await client.keyed(ROUTE)


@pytest.mark.parametrize(("status", "code"), [(200, -2015), (201, -1121), (200, -1003)])
async def test_an_error_with_a_status_of_success_is_an_error(
    autojump_clock: trio.testing.MockClock, status: int, code: int
) -> None:
    async with served() as (venue, client):
        venue.answer_instead(ROUTE, Reply(status, {"code": code, "msg": "made up"}))
        with pytest.raises(ApiError) as caught:
            await client.request(ROUTE)
        assert (caught.value.status, caught.value.code) == (200, code)


async def test_an_answer_that_says_success_is_one(autojump_clock: trio.testing.MockClock) -> None:
    async with served() as (venue, client):
        said = {"code": 200, "msg": "success"}
        venue.answer_instead(ROUTE, Reply(200, said))
        assert await client.request(ROUTE) == said


async def test_the_used_weights_are_those_of_the_last_answer_that_had_any(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with served() as (venue, client):
        told = {"X-MBX-USED-WEIGHT-1M": "17", "X-SAPI-USED-UID-WEIGHT-1M": "3", "X-MBX-USED-WEIGHT-1S": "many"}
        venue.answer_instead("GET /one", Reply(headers=told))
        venue.past = lambda call: Reply()
        await client.public("GET /one")
        await client.public("GET /two")
        assert client.used_weights == {"x-mbx-used-weight-1m": 17, "x-sapi-used-uid-weight-1m": 3}


# The clock.


async def test_a_refused_timestamp_leads_to_a_look_at_the_clock_and_where_harmless_to_another_try(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with served() as (venue, client):
        venue.past = lambda call: Reply(body=call.params["timestamp"])
        skewed = Reply(400, {"code": -1021, "msg": "outside"})
        venue.answer_instead(ROUTE, skewed)
        venue.answer_instead("POST /order", skewed)
        assert await client.request(ROUTE) == str(START_MS)
        with pytest.raises(ClockSkew):
            await client.request("POST /order")
        routes = [call.route for call in venue.calls]
        assert routes == [ROUTE, "GET /fapi/v1/time", ROUTE, "POST /order", "GET /fapi/v1/time"]


async def test_without_a_route_that_tells_the_time_the_dates_of_answers_do(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(time_path=None) as (venue, client):
        await client.measure_clock()  # nothing has been heard yet: nothing is learned
        venue.past = lambda call: Reply(body=call.params["timestamp"])
        venue.answer_instead(ROUTE, Reply(400, {"code": -1021, "msg": "outside"}))
        assert abs(int(await client.request(ROUTE)) - START_MS) <= 1000
        assert "goes by the venue's now" in caplog.text
        caplog.clear()
        before = client._clock.epoch_ms()
        await trio.sleep(3.3)
        await client.request(ROUTE)
        await client.measure_clock()
        assert client._clock.epoch_ms() - before == pytest.approx(3300, abs=1)
        assert not caplog.text, "dates that agree, as far as whole seconds go, teach nothing"


async def test_a_clock_that_the_dates_confirm_goes_on_by_itself(autojump_clock: trio.testing.MockClock) -> None:
    async with served(time_path=None) as (venue, client):
        venue.past = lambda call: Reply(headers={"date": formatdate(usegmt=True)})
        await client.public("GET /one")
        await client.measure_clock()
        before = client._clock.epoch_ms()
        await trio.sleep(3600)
        # This machine's clock knows nothing of that hour.
        assert client._clock.epoch_ms() - before == 3_600_000


@pytest.mark.parametrize("told", [{"date": "yesterday"}, {"date": ""}])
async def test_a_date_that_cannot_be_read_teaches_nothing(
    autojump_clock: trio.testing.MockClock, told: dict[str, str]
) -> None:
    async with served(time_path=None) as (venue, client):
        venue.past = lambda call: Reply(headers=told)
        await client.public("GET /one")
        before = client._clock.epoch_ms()
        await client.measure_clock()
        assert client._clock.epoch_ms() - before < 1000


@pytest.mark.parametrize("told", ["Sun, 17 Mar 2030 17:46:40 GMT", "Sun, 17 Mar 2030 17:46:40 -0000"])
async def test_a_date_is_in_utc(autojump_clock: trio.testing.MockClock, told: str) -> None:
    async with served(time_path=None) as (venue, client):
        venue.past = lambda call: Reply(headers={"date": told})
        await client.public("GET /one")
        await client.measure_clock()
        assert client._clock.now() == datetime(2030, 3, 17, 17, 46, 40, 500_000, UTC)


@pytest.mark.parametrize("body", [b"", {}, {"serverTime": "now"}, {"serverTime": 10**15}, []])
async def test_a_time_that_cannot_be_read_is_no_time(autojump_clock: trio.testing.MockClock, body: object) -> None:
    async with served() as (venue, client):
        venue.answer_instead("GET /fapi/v1/time", Reply(body=body))
        with pytest.raises(OutcomeUnknown, match="no serverTime"):
            await client.measure_clock()


# What has been taken away.


@pytest.mark.parametrize(
    ("path", "what", "replacement"),
    [
        ("/api/v3/userDataStream", "listen keys of spot", "SPOT"),
        ("/sapi/v1/userDataStream", "listen keys of cross margin", "CROSS_MARGIN"),
        ("/sapi/v1/userDataStream/isolated", "listen keys of isolated margin", "isolated_margin"),
    ],
)
async def test_a_retired_route_names_the_product_the_date_and_what_replaces_it(
    autojump_clock: trio.testing.MockClock, path: str, what: str, replacement: str
) -> None:
    async with served() as (venue, client):
        venue.answer_instead(f"POST {path}", Reply(410, HTML, {"content-type": "text/html"}))
        with pytest.raises(NotOffered) as caught:
            await client.keyed(f"POST {path}")
        assert isinstance(caught.value, Retired)
        assert isinstance(caught.value, ApiError)
        assert caught.value.since == date(2026, 2, 20)
        for part in (what, "2026-02-20", replacement, f"POST {path}", "410"):
            assert part in str(caught.value)


async def test_a_route_that_is_gone_without_our_knowing_is_told_as_such(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with served() as (venue, client):
        venue.answer_instead(ROUTE, Reply(410, HTML))
        with pytest.raises(
            Retired, match=r"GET /fapi/v1/openOrders is gone.*a later version of this library"
        ) as caught:
            await client.request(ROUTE)
        assert caught.value.since is None


# Secrets.


@pytest.mark.parametrize("reply", [*[reply for reply, *_ in OUTCOMES], Reply(body={"listenKey": "lk" * 32})])
async def test_no_secret_is_in_an_error_or_a_log(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture, reply: Reply | Exception
) -> None:
    caplog.set_level(logging.DEBUG)
    told = ""
    async with served() as (venue, client):
        venue.answer_instead("PUT /key", reply)
        try:
            await client.request("PUT /key", {"listenKey": "k" * 64})
        except (ApiError, OutcomeUnknown) as error:
            told = "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
        signature = venue.calls[-1].params["signature"]
    for secret in (SECRET, KEY, signature, "k" * 64, "lk" * 32, "signature=" + signature[:8]):
        assert secret not in caplog.text
        assert secret not in told


async def test_what_the_client_holds_does_not_show_it() -> None:
    answer = Answer(200, {"x": "a-secret-header"}, b"a-secret-body")
    assert "a-secret" not in repr(answer)
    assert used_weights(answer) == {}


# How it connects, and what it leaves behind.


async def answer_once(stream: trio.abc.Stream, seen: list[bytes]) -> None:
    seen.append(bytes(await stream.receive_some(65536)))
    await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
    assert await stream.receive_some(1) == b""


@pytest.mark.parametrize("tls", [False, True])
async def test_over_tcp_an_idle_connection_that_the_server_closes_is_not_used_again(tls: bool) -> None:
    authority = Authority.create()
    network = Network(ssl_context=authority.client) if tls else Network()
    wrap = authority.wrap if tls else (lambda stream: stream)
    async with (
        socket_wire(scheme="wss" if tls else "ws", network=network, wrap=wrap) as wire,
        trio.open_nursery() as nursery,
    ):
        url = wire.url.replace("ws", "http", 1).removesuffix("/ws-api/v3")
        closed = trio.Event()

        async def serve() -> None:
            for index in range(2):
                stream = await wire.stream()
                await stream.receive_some(65536)
                await stream.send_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n%d" % index)
                if index == 0:
                    await trio.aclose_forcefully(stream)
                    closed.set()

        nursery.start_soon(serve)
        rest = Rest(Environment("tcp", {Host.USDM_REST: url}), network, CREDENTIALS, ServerClock(), Timeouts())
        client = rest.at(Host.USDM_REST)
        assert await client.public("GET /") == 0
        await closed.wait()
        await trio.testing.wait_all_tasks_blocked(0.05)
        assert await client.public("GET /") == 1
        await rest.aclose()


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_anything_is_sent() -> None:
    authority = Authority.create()
    network = Network(ssl_context=ssl.create_default_context())
    async with socket_wire(scheme="wss", network=network, wrap=authority.wrap) as wire, trio.open_nursery() as nursery:
        url = wire.url.replace("wss", "https", 1).removesuffix("/ws-api/v3")

        async def serve() -> None:
            stream = await wire.stream()
            with suppress(trio.BrokenResourceError):
                assert await stream.receive_some(1) == b""

        nursery.start_soon(serve)
        rest = Rest(Environment("tcp", {Host.USDM_REST: url}), network, CREDENTIALS, ServerClock(), Timeouts())
        with pytest.raises(NotConnected, match=r"https://127\.0\.0\.1.*certificate was not accepted"):
            await rest.at(Host.USDM_REST).public("GET /")


async def test_through_a_proxy_whose_password_stays_out_of_everything(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with trio.open_nursery() as nursery:
        seen: list[bytes] = []
        places: list[tuple[str, int]] = []

        async def proxy(stream: trio.abc.Stream, answer: bytes) -> None:
            seen.append(bytes(await stream.receive_some(65536)))
            await stream.send_all(answer)
            if b"200" in answer:
                await answer_once(stream, seen)

        answers = [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 407 No\r\n\r\n"]

        async def open_stream(host: str, port: int) -> trio.abc.Stream:
            places.append((host, port))
            ours, theirs = trio.testing.memory_stream_pair()
            nursery.start_soon(proxy, theirs, answers[len(places) - 1])
            return ours

        network = Network(proxy="http://me:passw0rd@proxy.test:3128", open_stream=open_stream)
        rest = Rest(
            Environment("proxied", {Host.USDM_REST: "http://rest.test"}),
            network,
            CREDENTIALS,
            ServerClock(),
            Timeouts(),
        )
        assert await rest.at(Host.USDM_REST).public("GET /x") == {}
        await rest.aclose()
        with pytest.raises(NotConnected, match="407") as caught:
            await rest.at(Host.USDM_REST).public("GET /x")
        assert places == [("proxy.test", 3128)] * 2
        assert seen[0].startswith(b"CONNECT rest.test:80 ")
        assert seen[1].startswith(b"GET /x ")
        assert "passw0rd" not in "".join(traceback.format_exception(caught.value)) + caplog.text


async def test_an_environment_without_the_host_offers_nothing() -> None:
    rest = Rest(Environment("bare", {}), Network(), CREDENTIALS, ServerClock(), Timeouts())
    with pytest.raises(NotOffered, match="no usdm_rest"):
        rest.at(Host.USDM_REST)


def test_the_apis_of_one_stream_share_what_was_heard_of_limits() -> None:
    hosts = {Host.USDM_REST: "http://one.test", Host.SPOT_REST: "http://two.test"}
    rest = Rest(Environment("two", hosts), Network(), CREDENTIALS, ServerClock(), Timeouts())
    assert rest.at(Host.USDM_REST) is rest.at(Host.USDM_REST)
    assert rest.at(Host.USDM_REST) is not rest.at(Host.SPOT_REST)
    assert rest.used_weights == {}


@pytest.mark.parametrize(
    ("name", "value"), parse_qsl("listenKey=k&timestamp=1&recvWindow=x"), ids=lambda value: str(value)
)
async def test_a_parameter_that_cannot_be_sent_is_refused_before_anything_is(
    autojump_clock: trio.testing.MockClock, name: str, value: str
) -> None:
    async with served() as (venue, client):
        with pytest.raises((ValueError, TypeError)):
            await client.request(ROUTE, {name: value} if name != "listenKey" else {name: 0.5})
        assert not venue.calls


@pytest.mark.parametrize("reply", [None, Hangs(), Cut(), Reply(200, HTML)], ids=lambda value: str(value)[:20])
def test_wherever_it_is_cancelled_nothing_is_left_open(reply: Reply | Exception | None) -> None:
    venues: list[Venue] = []

    async def scenario() -> None:
        async with Venue() as venue:
            venues[:] = [venue]
            venue.past = lambda call: Reply()
            if reply is not None:
                venue.answer_instead("GET /one", reply)
            environment = Environment("fake", {Host.USDM_REST: "http://rest.test"})
            rest = Rest(environment, venue.network, CREDENTIALS, ServerClock(), Timeouts())
            try:
                with suppress(OutcomeUnknown):
                    await rest.at(Host.USDM_REST).public("GET /one")
                await rest.at(Host.USDM_REST).public("GET /two")
            finally:
                await rest.aclose()

    def check() -> None:
        assert venues[0].open_streams() == 0

    assert cancel_at_every_step(scenario, check=check, seeds=range(3)) > 60
