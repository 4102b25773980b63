"""The HTTP around a WebSocket, by ``h11``: a tunnel through a proxy, and an answer that was no handshake."""

from __future__ import annotations

import attrs
import h11
import trio

from trio_binance_uds.errors import ConnectFailed
from trio_binance_uds.link.network import ProxyAddress
from trio_binance_uds.link.transport.address import USER_AGENT, Address
from trio_binance_uds.link.transport.refusal import printable


async def tunnel(stream: trio.abc.Stream, proxy: ProxyAddress, address: Address) -> None:
    """Ask the proxy at the other end of ``stream`` for a tunnel; afterwards the stream leads to ``address``.

    Raises:
        ConnectFailed: the proxy refused, answered with something else, or broke the connection.
    """
    where = f"the proxy {proxy}"
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
        problem = f"did not answer CONNECT as an HTTP proxy does: {printable(str(cause))}"
        raise ConnectFailed(f"{where} {problem}") from cause
    if not 200 <= answer.status_code < 300:
        hint = ": it wants a user name and password, or others" if answer.status_code == 407 else ""
        raise ConnectFailed(f"{where} refused a tunnel to {address} with HTTP {answer.status_code}{hint}")
    if exchange.trailing_data[0]:
        # Whoever it comes from, it is not what we asked for: in a tunnel the client speaks first.
        raise ConnectFailed(f"{where} sent data before the tunnel to {address} was used")


@attrs.frozen
class Answer:
    """An HTTP answer that was cut off or not: status and headers, and as much of the body as came."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


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
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers]
    return Answer(answer.status_code, headers, bytes(body))
