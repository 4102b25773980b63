"""An order that is placed to see its events, and cancelled at once: on a testnet or a sandbox, and nowhere else."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from urllib.parse import urlsplit
from uuid import uuid4

import attrs

from trio_binance_uds import checks
from trio_binance_uds.errors import NotConnected
from trio_binance_uds.link.plan import Request
from trio_binance_uds.products import DEMO, DEMO_BINANCEFUTURE, PRODUCTION, TESTNET, Environment, Host
from trio_binance_uds.stream.stream import UserDataStream

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _symbol(text: str) -> str:
    return checks.symbol("symbol", text)


def _amount(number: Decimal | str | int) -> Decimal:
    try:
        amount = Decimal(number)
    except (InvalidOperation, TypeError):
        amount = Decimal(0)
    if not amount.is_finite() or amount <= 0:
        raise ValueError(f"quantity and price must be positive numbers, got {checks.shown(number)}")
    return amount


@attrs.frozen(kw_only=True)
class TrialOrder:
    """A limit order to buy, far enough below the market not to be filled.

    Attributes:
        symbol: what to buy.
        quantity, price: how much, and for how much; both must fit the venue's filters.
    """

    symbol: str = attrs.field(converter=_symbol)
    quantity: Decimal = attrs.field(converter=_amount)
    price: Decimal = attrs.field(converter=_amount)

    def on(self, stream: UserDataStream, place: str, cancel: str) -> Trial:
        """Return the order as it is placed and cancelled beside a stream, by these methods or routes."""
        return Trial(order=self, request=_requests_beside(stream), place_by=place, cancel_by=cancel)


@attrs.frozen(kw_only=True)
class Trial:
    """One trial of an order.

    Attributes:
        name: the client order id.
    """

    order: TrialOrder
    request: Request
    place_by: str
    cancel_by: str
    name: str = attrs.field(factory=lambda: f"doctor-{uuid4().hex[:20]}")

    async def place(self) -> None:
        """Place the order.

        Raises:
            RequestError: it was not placed, or nobody knows whether.
        """
        params = {
            "symbol": self.order.symbol,
            "side": "BUY",
            "type": "LIMIT",
            "timeInForce": "GTC",
            "quantity": self.order.quantity,
            "price": self.order.price,
            "newClientOrderId": self.name,
        }
        await self.request(self.place_by, params)

    async def cancel(self) -> None:
        """Cancel the order.

        Raises:
            RequestError: it was not cancelled, or nobody knows whether.
        """
        await self.request(self.cancel_by, {"symbol": self.order.symbol, "origClientOrderId": self.name})


def _requests_beside(stream: UserDataStream) -> Request:
    link = stream._supervisor.active
    if link is None or link.connection is None:
        raise NotConnected("there is no connection to place an order by", method="the order")
    return stream._plan.request_about_the_past(link.connection)


def check_is_play_money(environment: Environment, host: Host) -> None:
    """Return if it is play money there.

    Raises:
        ValueError: it is production, or a server of which nobody knows whose money it moves.
    """
    name = urlsplit(environment.url(host)).hostname or ""
    real = {urlsplit(url).hostname for url in PRODUCTION.urls.values()}
    play = {urlsplit(url).hostname for world in (TESTNET, DEMO, DEMO_BINANCEFUTURE) for url in world.urls.values()}
    if name not in (play - real) | _LOOPBACK:
        raise ValueError(f"an order is placed on a testnet or a sandbox only, and {name} is not known to be one")
