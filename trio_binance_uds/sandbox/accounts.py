"""What an account of the sandbox is to a test or a demo: its key material, and a way to act without a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.catalogue import ROUTES
from trio_binance_uds.sandbox.keys import ApiKey, KeyType

if TYPE_CHECKING:
    from trio_binance_uds.credentials import Credentials
    from trio_binance_uds.sandbox.exchange import Exchange
    from trio_binance_uds.sandbox.exchange.accounts import Account
    from trio_binance_uds.sandbox.services import Services


class SandboxAccount:
    """An account and its API key.

    Attributes:
        exchange_account: the account as the exchange core knows it, with its balances.
        key: the API key as the server knows it; its permissions can be changed at any time.
    """

    def __init__(self, exchange: Exchange, services: Services, exchange_account: Account, key: ApiKey) -> None:
        self.exchange_account = exchange_account
        self.key = key
        self._exchange = exchange
        self._services = services

    def __repr__(self) -> str:
        return f"<SandboxAccount uid={self.uid} key={self.key.type}>"

    @property
    def uid(self) -> int:
        """The number of the account."""
        return self.exchange_account.uid

    @property
    def api_key(self) -> str:
        """The public name of the API key."""
        return self.key.api_key

    @property
    def secret(self) -> str:
        """What the client signs with: the text of an HMAC key, or a PEM."""
        return self.key.secret

    @property
    def private_key_pem(self) -> str:
        """The private key as PEM (PKCS#8).

        Raises:
            ValueError: an HMAC key has none.
        """
        if self.key.type is KeyType.HMAC:
            raise ValueError("an HMAC key has a secret and no private key")
        return self.key.secret

    @property
    def credentials(self) -> Credentials:
        """The key as this library's own client takes it."""
        from trio_binance_uds.credentials import Credentials

        return Credentials.from_secret(self.key.api_key, self.key.secret)

    def balances(self) -> dict[str, dict[str, str]]:
        """Return what the account has: ``{"BTC": {"free": "1.00000000", "locked": "0.00000000"}, ...}``."""
        rows = self.call("account.status")["balances"]
        return {row["asset"]: {"free": row["free"], "locked": row["locked"]} for row in rows}

    def call(self, method: str, params: Mapping[str, Any] | None = None, /, **more: Any) -> Any:
        """Act at the venue as this account, at once and without a connection, a signature or limits.

        A method is one of the WebSocket API of spot, such as ``order.place``, or a route of the REST API, such as
        ``POST /fapi/v1/order``. Every subscriber has its events when this returns.

        Raises:
            Refusal: the venue does not want to.
            LookupError: there is no such method or route.
        """
        given = {**(params or {}), **more}
        verb, space, path = method.partition(" ")
        if not space:
            return self._exchange.call(self.exchange_account, method, given)
        if (name := ROUTES.get((verb, path))) is not None:
            return self._exchange.call(self.exchange_account, name, given)
        service = self._services.find(verb, path)
        if service is None:
            raise LookupError(f"the sandbox has no route {method}")
        return service.do(self.key, given)
