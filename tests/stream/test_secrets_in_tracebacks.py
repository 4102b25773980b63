"""Tracebacks with local variables, as crash reporters send them, show no secret, whatever fails where."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support.everywhere import EVERYWHERE, KEYED, TOKENED, venue_for
from support.frames import shown
from support.peer import Counted
from support.venue import Call, Cut, Hangs, Reply, Socket, Venue

KEY = "qZ7Kw3Vn9Tt5Rb1Xy8Lm4Pc6Jd2Hf0GsAa7Ee3Ii9Oo5Uu1Yy8Ww4Qq6Zz2Xx0Cc"
SECRET = "mN8bV4cX6zL2kJ0hG7fD3sA9pO5iU1yT8rE4wQ6qW2eR0tY7uI3oP9aS5dF1gH8jK"
CREDENTIALS = uds.Credentials.from_secret(KEY, SECRET)
# One for each place where a key or token goes.
LEASED = (*KEYED[:2], uds.USDM_FUTURES, uds.usdm_futures(events=["ORDER_TRADE_UPDATE"]), uds.STOCKS, *TOKENED[1:3])
PRODUCTS = (uds.SPOT, *LEASED)
every_product = pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.name)


def secrets_of(venue: Venue) -> set[str]:
    """Return everything secret that was sent or received."""
    found = {KEY, SECRET, *venue.tokens}
    found |= {key.text for key in venue.keys.values()}
    found |= {socket.key for socket in venue.sockets if len(socket.key) > 20}
    for params in [call.params for call in venue.calls] + [params for _, params in venue.ws_calls]:
        found |= {str(params[name]) for name in ("signature", "listenKey", "listenToken", "apiKey") if name in params}
    return found


def check(venue: Venue, *texts: str) -> None:
    for text in texts:
        for secret in secrets_of(venue):
            assert secret not in text, next(line for line in text.splitlines() if secret in line)


def echo(status: int, code: int) -> Callable[[Call], Reply]:
    """Return what refuses a REST call and repeats all of it."""

    def refuse(call: Call) -> Reply:
        said = f"bad {call.verb} {call.path} {call.params} {call.headers}\n\x1b[31m" + "x" * 10_000
        body = {"code": code, "msg": said, "data": {"headers": call.headers, "query": [call.params]}}
        return Reply(status, body, {"location": f"https://{KEY}.elsewhere.test/{call.params}"})

    return refuse


async def fail(product: uds.Product, venue: Venue, use: Any = None, **options: Any) -> BaseException:
    """Open a stream, use it, and return what is raised."""
    try:
        async with uds.open_user_data_stream(
            CREDENTIALS,
            product,
            environment=EVERYWHERE,
            network=venue.network,
            backoff=uds.Backoff(attempts=2),
            **options,
        ) as stream:
            if use is not None:
                await use(stream)
            async for _ in stream:
                pass
    except Exception as error:
        return error
    raise AssertionError("nothing was raised")


def accept_spot(venue: Venue) -> None:
    async def subscribe(socket: Socket, params: dict[str, Any]) -> Any:
        socket.subscriptions[0] = "spot"
        return 200, {"subscriptionId": 0}

    venue.answer_method_instead("userDataStream.subscribe.signature", *[subscribe] * 5)


def on_key_or_token(venue: Venue, answer: Callable[[Call], Reply]) -> None:
    venue._on_key = venue._on_token = answer  # type: ignore[method-assign]


# How it can fail before it is open.


def rest_refuses(venue: Venue) -> None:
    on_key_or_token(venue, echo(400, -1102))


def rest_refuses_the_key(venue: Venue) -> None:
    on_key_or_token(venue, echo(401, -2015))


def rest_is_limited(venue: Venue) -> None:
    on_key_or_token(venue, echo(429, -1003))


def rest_redirects(venue: Venue) -> None:
    on_key_or_token(venue, echo(302, 0))


def rest_is_gone(venue: Venue) -> None:
    on_key_or_token(venue, echo(410, -1))


def rest_does_not_know(venue: Venue) -> None:
    on_key_or_token(venue, echo(500, -1000))


def rest_answers_with_a_page(venue: Venue) -> None:
    on_key_or_token(venue, lambda call: Reply(403, f"<html>{call.headers} {call.params}</html>".encode()))


def rest_answers_with_something_else(venue: Venue) -> None:
    on_key_or_token(venue, lambda call: Reply(200, {"listenKey": 5, "token": "", "was": dict(call.headers)}))


def rest_cuts(venue: Venue) -> None:
    def cut(call: Call) -> Reply:
        raise Cut

    on_key_or_token(venue, cut)


def rest_is_no_http(venue: Venue) -> None:
    async def answer(host: str, stream: trio.abc.Stream, head: bytes) -> None:
        await stream.send_all(b"HTTP/1.1 2x0 " + b" ".join(head.split()) + b"\r\n\r\n")

    venue._serve_http = answer  # type: ignore[method-assign]


def the_socket_is_refused(raw: Callable[[bytes], bytes]) -> Callable[[Venue], None]:
    def change(venue: Venue) -> None:
        async def refuse(host: str, stream: trio.abc.Stream, head: bytes) -> None:
            await stream.send_all(raw(head))

        venue._serve_socket = refuse  # type: ignore[method-assign]

    return change


def nothing_connects(venue: Venue) -> None:
    async def refuse(host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        raise OSError("no route to host")

    venue.network = uds.Network(open_stream=refuse)


def writing_breaks(venue: Venue) -> None:
    original = venue.network.open_stream
    assert original is not None

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        stream = await original(host, port)
        assert isinstance(stream, Counted)
        stream.broken = True
        return stream

    venue.network = uds.Network(open_stream=open_stream)


def reading_breaks(venue: Venue) -> None:
    class Breaking(Counted):
        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError

    original = venue.network.open_stream
    assert original is not None

    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        return Breaking(await original(host, port))

    venue.network = uds.Network(open_stream=open_stream)


def refused_subscription(venue: Venue) -> None:
    async def refuse(socket: Socket, params: dict[str, Any]) -> Any:
        return 400, {"code": -1102, "msg": f"bad {params}\n" + "y" * 5000, "data": [params]}

    for method in ("userDataStream.subscribe.signature", "userDataStream.subscribe.listenToken"):
        venue.answer_method_instead(method, *[refuse] * 5)


def closed_with_a_reason(venue: Venue) -> None:
    async def close(socket: Socket, params: dict[str, Any]) -> Any:
        socket.protocol.send_close(1008, (params.get("signature") or params.get("listenToken"))[:100] + "\n")
        await socket.flush()
        raise Cut

    for method in ("userDataStream.subscribe.signature", "userDataStream.subscribe.listenToken"):
        venue.answer_method_instead(method, *[close] * 5)


def page(head: bytes, status: bytes = b"403 Forbidden", body: bytes = b"<html>") -> bytes:
    return (
        b"HTTP/1.1 "
        + status
        + b"\r\nlocation: /x\r\ncontent-length: %d\r\n\r\n" % (len(body) + len(head))
        + body
        + head
    )


def json_page(head: bytes) -> bytes:
    path = head.split()[1].decode()
    body = b'{"code": -2015, "msg": "bad %s"}' % path.encode()
    return b"HTTP/1.1 400 Bad\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)


FAULTS: dict[str, Callable[[Venue], None]] = {
    "nothing connects": nothing_connects,
    "writing breaks": writing_breaks,
    "reading breaks": reading_breaks,
    "REST refuses": rest_refuses,
    "REST refuses the key": rest_refuses_the_key,
    "REST is limited": rest_is_limited,
    "REST redirects": rest_redirects,
    "REST is gone": rest_is_gone,
    "REST does not know": rest_does_not_know,
    "REST answers with a page": rest_answers_with_a_page,
    "REST answers with something else": rest_answers_with_something_else,
    "REST cuts": rest_cuts,
    "REST is no HTTP": rest_is_no_http,
    "the socket answers with a page": the_socket_is_refused(page),
    "the socket redirects": the_socket_is_refused(lambda head: page(head, b"302 Found")),
    "the socket is gone": the_socket_is_refused(lambda head: page(head, b"410 Gone")),
    "the socket refuses in JSON": the_socket_is_refused(json_page),
    "the socket is no HTTP": the_socket_is_refused(lambda head: b"what is " + head.split()[1] + b"\r\n\r\n"),
    "the socket shakes hands wrongly": the_socket_is_refused(
        lambda head: b"HTTP/1.1 101 x\r\nupgrade: " + head.split()[1] + b"\r\nconnection: upgrade\r\n\r\n"
    ),
    "the socket is closed at once": the_socket_is_refused(lambda head: b""),
    "the subscription is refused": refused_subscription,
    "the socket is closed with a reason": closed_with_a_reason,
}


@every_product
@pytest.mark.parametrize(
    ("fault", "transport"),
    [
        (fault, transport)
        for fault in FAULTS
        for transport in list(uds.TransportKind)[: 1 if fault.startswith("REST") else 2]
    ],
)
async def test_what_fails_before_it_is_open_shows_no_secret(
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
    product: uds.Product,
    fault: str,
    transport: uds.TransportKind,
) -> None:
    caplog.set_level(logging.DEBUG)
    venue = Venue() if product is uds.SPOT else venue_for(product)
    async with venue:
        FAULTS[fault](venue)
        accept_spot(venue)
        with trio.move_on_after(120) as scope:
            error = await fail(product, venue, transport=transport)
        if scope.cancelled_caught:
            assert product.name == "spot" or fault.startswith(("the socket is closed", "the subs", "REST"))
            return
        assert isinstance(error, uds.UserDataStreamError), error
        check(venue, shown(error))
        assert len(str(error)) < 1500
        assert str(error).isprintable()
        for record in caplog.records:
            if record.name != "websockets.server":  # the venue's own
                check(venue, record.getMessage(), repr(record.args))


# How it can fail later.


async def refuse_with_an_echo(socket: Socket, params: dict[str, Any]) -> Any:
    return 400, {"code": -1100, "msg": f"bad {params}\n" + "y" * 5000, "data": {"params": [params]}}


async def know_nothing(socket: Socket, params: dict[str, Any]) -> Any:
    return 500, {"code": -1000, "msg": f"trouble {params}"}


async def drop(socket: Socket, params: dict[str, Any]) -> Any:
    await socket.drop()
    return 200, {}


async def close(socket: Socket, params: dict[str, Any]) -> Any:
    said = str(params.get("signature") or params.get("listenToken") or KEY)
    socket.protocol.send_close(1008, f"{said[:100]}\r\n\x1b[0m")
    await socket.flush()
    raise Cut


ANSWERS = [refuse_with_an_echo, know_nothing, drop, close, Hangs()]
METHODS: dict[str, dict[str, Any]] = {
    "order.place": {"symbol": "BTCUSDT", "quantity": "1"},
    "order.test": {"symbol": "BTCUSDT", "quantity": 0.5},
    "account.status": {"listenToken": "tok" * 30, "apiKey": "k" * 30},
    "time": {"listenToken": "aToken" * 12},
    "userDataStream.unknown": {"listenKey": "aListenKey" * 7},
}


@pytest.mark.parametrize("transport", list(uds.TransportKind), ids=str)
@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: getattr(answer, "__name__", "hangs"))
@pytest.mark.parametrize("method", METHODS)
async def test_a_request_that_fails_shows_no_secret(
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
    transport: uds.TransportKind,
    answer: Any,
    method: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    errors: list[BaseException] = []
    given = METHODS[method]
    secrets = [str(given[name]) for name in ("listenToken", "listenKey", "apiKey") if name in given]
    async with Venue() as venue:
        accept_spot(venue)
        async with uds.open_user_data_stream(
            CREDENTIALS,
            uds.SPOT,
            environment=EVERYWHERE,
            network=venue.network,
            transport=transport,
            recovery=uds.Recovery(enabled=False),
        ) as stream:
            venue.answer_method_instead(method, answer)
            try:
                await stream.request(method, given)
            except Exception as error:
                errors.append(error)
            await trio.sleep(3)
            items: list[object] = []
            while stream.statistics().buffered:
                items.append(await stream.receive())
        (error,) = errors
        texts = [shown(error), *[repr(item) for item in items], repr(stream.statistics())]
        texts += [record.getMessage() for record in caplog.records if record.name != "websockets.server"]
        check(venue, *texts)
        for secret in secrets:
            assert secret not in "".join(texts)
        for notice in items:
            assert str(getattr(notice, "detail", "")).isprintable()


@pytest.mark.parametrize("product", LEASED, ids=lambda product: product.name)
@pytest.mark.parametrize("answer", [echo(400, -1102), echo(401, -2015), echo(500, 0)], ids=["no", "key", "unknown"])
async def test_a_renewal_that_fails_shows_no_secret(
    autojump_clock: trio.testing.MockClock,
    caplog: pytest.LogCaptureFixture,
    product: uds.Product,
    answer: Callable[[Call], Reply],
) -> None:
    caplog.set_level(logging.DEBUG)
    venue = venue_for(product)
    errors: list[BaseException] = []
    items: list[object] = []
    async with venue:
        try:
            async with uds.open_user_data_stream(
                CREDENTIALS,
                product,
                environment=EVERYWHERE,
                network=venue.network,
                backoff=uds.Backoff(attempts=2),
                recovery=uds.Recovery(enabled=False),
            ) as stream:
                on_key_or_token(venue, answer)
                for socket in venue.live_sockets():
                    await socket.drop()
                with trio.move_on_after(10_000):
                    async for item in stream:
                        items.append(item)
        except uds.StreamFailed as error:
            errors.append(error)
        check(venue, *[shown(error) for error in errors], *[repr(item) for item in items])
        check(venue, *[record.getMessage() for record in caplog.records if record.name != "websockets.server"])
        assert items
        for item in items:
            assert str(getattr(item, "detail", "")).isprintable()
            assert len(str(getattr(item, "detail", ""))) < 2000


@pytest.mark.parametrize("product", LEASED, ids=lambda product: product.name)
async def test_what_nobody_can_read_is_delivered_without_the_keys_we_know(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    async with venue_for(product) as venue:
        async with uds.open_user_data_stream(
            CREDENTIALS,
            product,
            environment=EVERYWHERE,
            network=venue.network,
            recovery=uds.Recovery(enabled=False),
        ) as stream:
            held = secrets_of(venue) - {SECRET}
            await venue.tell({"e": "somethingNew", "x": [{"deep": f"of {one}"} for one in sorted(held)]})
            event = await stream.receive()
        assert isinstance(event, uds.UnknownEvent)
        check(venue, repr(event.raw), repr(event), str(event))
        assert "of ***" in repr(event.raw)
