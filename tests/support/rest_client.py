"""An HTTP client for the sandbox's REST hosts that signs as the documents say, in memory or on sockets."""

from __future__ import annotations

from typing import Any

import httpx

from trio_binance_uds.products import Host
from trio_binance_uds.sandbox import Sandbox, SandboxAccount
from trio_binance_uds.wire.requests import sign_rest


class RestClient:
    """Calls one host, as an account when it has one."""

    def __init__(self, sandbox: Sandbox, host: Host, account: SandboxAccount | None = None) -> None:
        in_memory = sandbox.network.open_stream is not None
        self._http = httpx.AsyncClient(
            base_url=sandbox.environment.url(host),
            transport=httpx.ASGITransport(sandbox.rest_app.at(host)) if in_memory else None,
            timeout=None,
            trust_env=False,
        )
        self._sandbox = sandbox
        self._account = account

    async def __aenter__(self) -> RestClient:
        return self

    async def __aexit__(self, *args: object) -> None:
        await self._http.aclose()

    async def plain(self, verb: str, path: str, **params: Any) -> httpx.Response:
        """Call a route with the API key at most, and no signature."""
        headers = {} if self._account is None else {"X-MBX-APIKEY": self._account.api_key}
        return await self._http.request(verb, path, params=params, headers=headers)

    async def signed(self, verb: str, path: str, **params: Any) -> httpx.Response:
        """Call a route with a signature."""
        assert self._account is not None
        query = sign_rest(self._account.credentials, params, self._sandbox.clock.now_ms())
        headers = {"X-MBX-APIKEY": self._account.api_key}
        return await self._http.request(verb, f"{path}?{query}", headers=headers)
