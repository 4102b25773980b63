"""Where a URL points, and how it is shown without the secrets that it can hold."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import attrs

USER_AGENT = "trio-binance-uds"

_NAMES = {"ws": "WebSocket", "http": "REST"}
# No part of a path that is worth showing is as long as a listen key.
_KEY_LIKE = re.compile(r"[^/]{20,}")


@attrs.frozen(kw_only=True)
class Address:
    """Where a URL points. The path and the query can hold a listenKey, so they are not shown.

    ``kind`` is the scheme without TLS: ``ws`` or ``http``.
    """

    kind: str = "ws"
    secure: bool
    host: str
    port: int
    path: str = attrs.field(repr=False)
    query: str = attrs.field(repr=False)

    @classmethod
    def parse(cls, url: str, kind: str = "ws") -> Address:
        """Take a ``ws://`` or ``wss://`` URL apart, or ``http://`` and ``https://`` for that kind.

        Raises:
            ValueError: it is none, or it has a user name or a fragment. The URL is not quoted.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise ValueError(f"the host or the port of the {_NAMES[kind]} URL cannot be read") from None
        if parts.scheme not in (kind, f"{kind}s") or not host:
            raise ValueError(f"a {_NAMES[kind]} URL must start with {kind}:// or {kind}s:// and name a host")
        if parts.username is not None or parts.fragment:
            raise ValueError(f"a {_NAMES[kind]} URL cannot have a user name or a fragment here")
        if not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError(f"a {_NAMES[kind]} URL must be percent-encoded ASCII")
        secure = parts.scheme == f"{kind}s"
        default = 443 if secure else 80
        return cls(kind=kind, secure=secure, host=host, port=port or default, path=parts.path or "/", query=parts.query)

    def at(self, path: str, query: str) -> Address:
        """Return what is found below this address, as the base of an API."""
        return attrs.evolve(self, path=self.path.rstrip("/") + path, query=query)

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

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self._scheme}://{self.host_and_port}"

    @property
    def _scheme(self) -> str:
        return f"{self.kind}s" if self.secure else self.kind

    def __str__(self) -> str:
        """For messages: without the query, and without what follows ``/ws/``, where a listenKey stands."""
        path, marker, _ = self.path.partition("/ws/")
        return f"{self._scheme}://{self.host_and_port}{_KEY_LIKE.sub('***', path)}{marker and '/ws/***'}"
