"""How the outside world is reached: a TLS context, a proxy, or something in place of TCP."""

from __future__ import annotations

import ssl
from base64 import b64encode
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

import attrs
import trio

from trio_binance_uds import checks


@attrs.frozen(kw_only=True)
class ProxyAddress:
    """An HTTP proxy, taken apart.

    Attributes:
        secure: whether the proxy itself is spoken to over TLS.
        authorization: the value of ``Proxy-Authorization``, or ``None``; it holds the password.
    """

    secure: bool
    host: str
    port: int
    authorization: str | None = attrs.field(default=None, repr=False)

    def __str__(self) -> str:
        """Host and port, for messages."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> ProxyAddress:
        """Take ``http://user:password@host:port`` apart.

        Raises:
            ValueError: it is no URL of an HTTP proxy. The message never quotes it, since it may hold a password.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            # The original message quotes what it could not read, which after a typing error can be the password.
            raise ValueError(f"the proxy {_EXPECTED}; its host or port cannot be read") from None
        if parts.scheme.startswith("socks"):
            raise ValueError(
                f"SOCKS proxies are not supported: the proxy {_EXPECTED}, "
                "or give Network(open_stream=...) that dials through the SOCKS proxy"
            )
        if parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/"):
            raise ValueError(f"the proxy {_EXPECTED}")
        authorization = None
        if parts.username is not None:
            userinfo = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = "Basic " + b64encode(userinfo.encode()).decode("ascii")
        secure = parts.scheme == "https"
        return cls(secure=secure, host=host, port=port or (443 if secure else 80), authorization=authorization)


_EXPECTED = "must look like http://host:port or http://user:password@host:port (https is possible too)"


def _mask(proxy: str | None) -> str:
    if proxy is None:
        return "None"
    address = ProxyAddress.parse(proxy)
    scheme = "https" if address.secure else "http"
    return repr(f"{scheme}://{'***@' if address.authorization else ''}{address}")


@attrs.frozen(kw_only=True)
class Network:
    """How connections are made. Nothing is taken from the environment: no proxy is used unless it is named here.

    Attributes:
        ssl_context: used for every TLS handshake, with the proxy too; ``None`` means a fresh
            :func:`ssl.create_default_context` for each connection.
        proxy: an HTTP proxy that tunnels by ``CONNECT``, as ``http://user:password@host:port``. The password is
            kept out of ``repr`` and out of errors.
        open_stream: called with host and port in place of :func:`trio.open_tcp_stream`, for tests and tunnels. With a
            proxy, it is asked for the proxy's host and port. It should raise :exc:`OSError` when it cannot connect.

    Raises:
        ValueError: ``proxy`` is not the URL of an HTTP proxy; SOCKS is not supported.
    """

    ssl_context: ssl.SSLContext | None = None
    proxy: str | None = attrs.field(default=None, repr=_mask)
    open_stream: Callable[[str, int], Awaitable[trio.abc.Stream]] | None = None

    def __attrs_post_init__(self) -> None:
        # Checked here, so that a mistake shows where it was made and not at the first reconnect. Nothing is quoted, as
        # a proxy's URL can hold a password.
        if self.ssl_context is not None:
            checks.an(ssl.SSLContext, "ssl_context", self.ssl_context, "an ssl.SSLContext or None")
        if self.open_stream is not None and not callable(self.open_stream):
            raise TypeError("open_stream must be an async function of host and port, or None")
        _ = self.proxy_address

    @property
    def proxy_address(self) -> ProxyAddress | None:
        """The proxy taken apart, or ``None``."""
        if self.proxy is None:
            return None
        checks.an(str, "proxy", self.proxy, f"a text: it {_EXPECTED}")
        return ProxyAddress.parse(self.proxy)
