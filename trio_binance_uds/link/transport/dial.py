"""Opens the byte stream under a WebSocket: TCP or its replacement, an HTTP proxy, TLS; and words the failures."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator

import attrs
import trio

from trio_binance_uds.errors import ConnectFailed
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.transport.address import Address
from trio_binance_uds.texts import one_line

READ_SIZE = 65536  # measured: larger reads are mapped anew each time, smaller ones cost a system call per few frames


@attrs.define
class Attempt:
    """How far an attempt to connect has come, so that a timeout can say what it waited for."""

    step: str = "the TCP connection"


@contextlib.contextmanager
def connecting(address: Address, seconds: float) -> Iterator[Attempt]:
    """Bound an attempt to connect, and turn its timeout into a failure that names the step.

    Raises:
        ConnectFailed: the time was up. An outer cancellation stays what it is.
    """
    attempt = Attempt()
    with trio.move_on_after(seconds) as in_time:
        yield attempt
    if in_time.cancelled_caught:
        raise ConnectFailed(f"cannot connect to {address}: {attempt.step} took more than {seconds:g} s") from None


async def dial(address: Address, network: Network, attempt: Attempt) -> trio.abc.Stream:
    """Open a stream to ``address``, TLS included. Cancelling closes what was opened.

    Raises:
        ConnectFailed: a step failed; the text names it, and the lower layer's error is chained.
    """
    proxy = network.proxy_address
    stream: trio.abc.Stream
    if proxy is None:
        stream = await _open(address.host, address.port, network, f"cannot connect to {address}")
    else:
        attempt.step = "the TCP connection to the proxy"
        trouble = f"cannot reach the proxy {proxy} on the way to {address}"
        stream = await _open(proxy.host, proxy.port, network, trouble)
    try:
        if proxy is not None:
            # Imported here: most connections have no proxy.
            from trio_binance_uds.link.transport.plain_http import tunnel

            if proxy.secure:
                attempt.step = "the TLS handshake with the proxy"
                stream = await _wrap_in_tls(stream, proxy.host, network, f"the proxy {proxy}")
            attempt.step = "the proxy's answer"
            await tunnel(stream, proxy, address)
        if address.secure:
            attempt.step = "the TLS handshake"
            stream = await _wrap_in_tls(stream, address.host, network, str(address))
    except BaseException:
        await close_now(stream)
        raise
    return stream


async def close_now(stream: trio.abc.AsyncResource) -> None:
    """Close without waiting for anybody, even when cancelled; never raises."""
    # Shielded from birth: otherwise a cancellation from outside would come out of here in place of the error which
    # the caller is about to raise. It cannot block, since aclose_forcefully cancels what it does.
    with trio.CancelScope(shield=True), contextlib.suppress(Exception):
        await trio.aclose_forcefully(stream)


async def _open(host: str, port: int, network: Network, trouble: str) -> trio.abc.Stream:
    try:
        if network.open_stream is not None:
            return await network.open_stream(host, port)
        return await trio.open_tcp_stream(host, port)
    except (OSError, trio.BrokenResourceError, UnicodeError) as exc:  # UnicodeError: no IDNA form of the host exists
        raise ConnectFailed(f"{trouble}: {_tcp_problem(exc)}") from exc


def _tcp_problem(error: BaseException) -> str:
    # trio tries every address of a host, and says only that none has worked.
    while isinstance(error.__cause__, BaseException) or isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__ or error
    return one_line(str(error)) or type(error).__name__


async def _wrap_in_tls(stream: trio.abc.Stream, host: str, network: Network, where: str) -> trio.abc.Stream:
    try:
        context = network.ssl_context or ssl.create_default_context()
        # https_compatible: WebSocket has its own end, the Close frame, and servers leave out TLS's.
        tls = trio.SSLStream(stream, context, server_hostname=host, https_compatible=True)
        await tls.do_handshake()
    except (trio.BrokenResourceError, OSError, UnicodeError) as exc:  # OSError: ssl.SSLError of an unfit context
        cause = exc.__cause__ if isinstance(exc, trio.BrokenResourceError) and exc.__cause__ is not None else exc
        raise ConnectFailed(f"the TLS handshake with {where} failed: {_tls_problem(cause)}") from cause
    return tls


def _tls_problem(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {one_line(error.verify_message)}"
    if isinstance(error, ssl.SSLEOFError) or "UNEXPECTED_EOF" in (getattr(error, "reason", None) or ""):
        return "the connection was closed during the handshake"
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    return str(error) or type(error).__name__
