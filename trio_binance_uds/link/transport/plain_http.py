"""HTTP/1.1 by ``h11``: a tunnel through a proxy, an answer that was no handshake, and the exchanges of REST.

What a server sends is taken for the answer to our request only where it can be nothing else:

* A compressed answer is refused, as nobody asked for one: a mebibyte of it can become a gibibyte of memory.
* Bytes behind the end of an answer would be read as the next one, and every answer after that would be another
  question's. A connection on which there are any is not used again.
* Answers in advance (1xx), and bytes altogether, are bounded.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from contextlib import suppress

import attrs
import h11
import trio

from trio_binance_uds.errors import ConnectFailed
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.network import ProxyAddress
from trio_binance_uds.link.transport.address import USER_AGENT, Address
from trio_binance_uds.nurseries import start

_READ_SIZE = 65536
# To read what is there takes a task few turns, over TLS too: one to begin with, and one for each layer.
_TURNS_OF_A_READ = 5


async def tunnel(stream: trio.abc.Stream, proxy: ProxyAddress, address: Address) -> None:
    """Ask the proxy at the other end of ``stream`` for a tunnel; afterwards the stream leads to ``address``.

    Raises:
        ConnectFailed: the proxy refused, answered with something else, or broke the connection.
    """
    where = f"the proxy {proxy}"
    masker = _masker_of(proxy)
    headers = [("Host", address.host_and_port), ("User-Agent", USER_AGENT)]
    if proxy.authorization is not None:
        headers.append(("Proxy-Authorization", proxy.authorization))
    exchange = h11.Connection(h11.CLIENT)
    request = exchange.send(h11.Request(method="CONNECT", target=address.host_and_port, headers=headers))
    try:
        await stream.send_all((request or b"") + (exchange.send(h11.EndOfMessage()) or b""))
        while not isinstance(answer := exchange.next_event(), h11.Response):
            if answer is h11.NEED_DATA:
                exchange.receive_data(bytes(await stream.receive_some(4096)))
    except (trio.BrokenResourceError, h11.RemoteProtocolError) as exc:
        cause = exc.__cause__ or exc
        problem = f"did not answer CONNECT as an HTTP proxy does: {masker.text(str(cause))}"
        raise ConnectFailed(f"{where} {problem}") from cause
    if not 200 <= answer.status_code < 300:
        hint = ": it wants a user name and password, or others" if answer.status_code == 407 else ""
        raise ConnectFailed(f"{where} refused a tunnel to {address} with HTTP {answer.status_code}{hint}")
    if exchange.trailing_data[0]:
        # Whoever it comes from, it is not what we asked for: in a tunnel the client speaks first.
        raise ConnectFailed(f"{where} sent data before the tunnel to {address} was used")


def _masker_of(proxy: ProxyAddress) -> Masker:
    if proxy.authorization is None:
        return Masker()
    encoded = proxy.authorization.partition(" ")[2]
    return Masker(secrets=[encoded, b64decode(encoded).decode().partition(":")[2]])


@attrs.frozen
class Answer:
    """An HTTP answer that was cut off or not: status and headers, and as much of the body as came."""

    status: int
    headers: list[tuple[str, str]] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


def read_answer(received: bytes) -> Answer | None:
    """Read an HTTP answer out of everything that came before the end of the stream; ``None`` if it is none."""
    exchange = h11.Connection(h11.CLIENT)
    # h11 reads an answer only to a request that it has seen.
    exchange.send(h11.Request(method="GET", target="/", headers=[("Host", "-")]))
    exchange.send(h11.EndOfMessage())
    exchange.receive_data(received)
    exchange.receive_data(b"")
    answer = None
    body = bytearray()
    try:
        while True:
            event = exchange.next_event()
            if isinstance(event, h11.Response):
                answer = event
            elif isinstance(event, h11.Data):
                body += event.data
            elif not isinstance(event, h11.InformationalResponse):
                break
    except h11.RemoteProtocolError:
        pass  # What has been read so far decides.
    if answer is None:
        return None
    return Answer(answer.status_code, _decoded(answer), bytes(body))


class BadAnswer(Exception):
    """A request was sent, or may have been, and what came back is not a whole answer to it; the text says why."""


# A server sends none or one or two.
_MOST_IN_ADVANCE = 10


async def exchange(
    stream: trio.abc.Stream, verb: str, address: Address, headers: Mapping[str, str], *, max_size: int
) -> tuple[Answer, bool]:
    """Send a request without a body; return its answer, and whether the stream can be used for another.

    Raises:
        BadAnswer: there is no whole answer. The stream cannot be used again.
    """
    core = h11.Connection(h11.CLIENT)
    fields = [("Host", address.host_header), ("User-Agent", USER_AGENT), ("Accept", "*/*")]
    fields += [("Accept-Encoding", "identity"), *headers.items()]
    request = core.send(h11.Request(method=verb, target=address.resource, headers=fields)) or b""
    try:
        await stream.send_all(request + (core.send(h11.EndOfMessage()) or b""))
        return await _answer(stream, core, max_size)
    except (trio.BrokenResourceError, trio.ClosedResourceError):
        problem = "the connection was lost before a whole answer came"
    except h11.RemoteProtocolError as error:
        problem = f"what came is not HTTP: {error}"
    # Outside of the handlers, so that nothing of the lower layers is chained: their frames show what was sent.
    raise BadAnswer(problem)


async def _answer(stream: trio.abc.Stream, core: h11.Connection, max_size: int) -> tuple[Answer, bool]:
    head: h11.Response | None = None
    body = bytearray()
    received = in_advance = 0
    while True:
        event = core.next_event()
        if event is h11.NEED_DATA:
            data = bytes(await stream.receive_some(_READ_SIZE))
            if not data and head is None:
                raise BadAnswer("the server closed the connection without an answer")
            received += len(data)
            if received > max_size:
                raise BadAnswer(f"the answer is longer than {max_size} bytes")
            core.receive_data(data)
        elif isinstance(event, h11.InformationalResponse):
            in_advance += 1
            if in_advance > _MOST_IN_ADVANCE:
                raise BadAnswer("the server goes on answering in advance")
        elif isinstance(event, h11.Response):
            head = event
            _check_encoding(head)
        elif isinstance(event, h11.Data):
            body += event.data
        else:
            break  # The end of the message: whatever else there is, h11 raises for it.
    assert head is not None, "no message ends before it has begun"
    is_over = core.our_state is h11.DONE and core.their_state is h11.DONE
    # With both lengths it depends on the reader where the answer ends.
    names = [name for name, _ in head.headers]
    is_plain = not (b"content-length" in names and b"transfer-encoding" in names)
    return Answer(head.status_code, _decoded(head), bytes(body)), is_over and is_plain and core.trailing_data == (
        b"",
        False,
    )


def _check_encoding(head: h11.Response) -> None:
    for name, value in head.headers:
        if name == b"content-encoding" and value.strip().lower() not in (b"", b"identity"):
            raise BadAnswer("the answer is compressed, which was not asked for")


def _decoded(head: h11.Response) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers]


async def is_quiet(stream: trio.abc.Stream) -> bool:
    """Whether neither bytes nor the end of a stream have arrived that nobody has read.

    It looks for as long as a byte that has arrived needs to come through TLS, which is no time.
    """
    heard = False

    async def listen() -> None:
        nonlocal heard
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await stream.receive_some(1)
        heard = True

    async with trio.open_nursery() as nursery:
        start(nursery, listen)
        for _ in range(_TURNS_OF_A_READ):
            await trio.lowlevel.checkpoint()
        nursery.cancel_scope.cancel()
    return not heard
