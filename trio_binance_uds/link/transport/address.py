"""Where a WebSocket URL points, and how it is shown without the secrets that it can hold."""

from __future__ import annotations

from urllib.parse import urlsplit

import attrs

USER_AGENT = "trio-binance-uds"


@attrs.frozen(kw_only=True)
class Address:
    """Where a WebSocket URL points. The path and the query can hold a listenKey, so they are not shown."""

    secure: bool
    host: str
    port: int
    path: str = attrs.field(repr=False)
    query: str = attrs.field(repr=False)

    @classmethod
    def parse(cls, url: str) -> Address:
        """Take a ``ws://`` or ``wss://`` URL apart.

        Raises:
            ValueError: it is none, or it has a user name or a fragment. The URL is not quoted.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError("the host or the port of the WebSocket URL cannot be read") from None
        if parts.scheme not in ("ws", "wss") or not host:
            raise ValueError("a WebSocket URL must start with ws:// or wss:// and name a host")
        if parts.username is not None or parts.fragment:
            raise ValueError("a WebSocket URL cannot have a user name or a fragment here")
        if not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("a WebSocket URL must be percent-encoded ASCII")
        secure = parts.scheme == "wss"
        default = 443 if secure else 80
        return cls(secure=secure, host=host, port=port or default, path=parts.path or "/", query=parts.query)

    @property
    def resource(self) -> str:
        """What follows ``GET``; may hold a secret."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def host_and_port(self) -> str:
        """As in a URL: an IPv6 address stands in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def host_header(self) -> str:
        """As in ``Host:``, without the port when it is the scheme's own."""
        default = 443 if self.secure else 80
        return self.host_and_port.removesuffix(f":{self.port}") if self.port == default else self.host_and_port

    def __str__(self) -> str:
        """For messages: without the query, and without what follows ``/ws/``, where a listenKey stands."""
        path, marker, _ = self.path.partition("/ws/")
        return f"{'wss' if self.secure else 'ws'}://{self.host_and_port}{path}{marker and '/ws/***'}"
