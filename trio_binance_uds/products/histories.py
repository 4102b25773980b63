"""What the venue can be asked about an account's past, as values: after a gap, recovery goes by these.

There is one class for each family of queries, and for each class one way to recover. ``weight_per_minute`` is what the
venue allows an address in a minute, over all that it asks. ``account_query`` is a cheap signed question about the
account, and ``order_routes`` what places and cancels an order, where the examination of a product can do that.

Source: "Limits" in the general information of each product (2026-05-28, Spot 2026-07-21).
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import ClassVar, TypeAlias

import attrs

from trio_binance_uds.products.environments import Host
from trio_binance_uds.products.mechanisms import MarginAccount


def _margin_account(account: MarginAccount) -> str:
    return "GET /sapi/v1/margin/account" if account.symbol is None else "GET /sapi/v1/margin/isolated/account"


@attrs.frozen
class SpotHistory:
    """The queries of a spot account, on its own WebSocket API connection."""

    weight_per_minute: ClassVar[int] = 6_000
    account_query: ClassVar[str] = "account.status"
    order_routes: ClassVar[tuple[str, str]] = ("order.place", "order.cancel")


@attrs.frozen(kw_only=True)
class MarginHistory:
    """The queries of margin accounts: ``/sapi/v1/margin/...``."""

    rest: Host
    accounts: tuple[MarginAccount, ...]
    weight_per_minute: ClassVar[int] = 12_000

    @property
    def account_query(self) -> str:
        """A cheap signed question about the account."""
        return _margin_account(self.accounts[0])


@attrs.frozen(kw_only=True)
class MarginRiskHistory:
    """The queries of a cross-margin account's debt and margin level: ``/sapi/v1/margin/...``."""

    rest: Host
    weight_per_minute: ClassVar[int] = 12_000
    account_query: ClassVar[str] = "GET /sapi/v1/margin/account"


@attrs.frozen(kw_only=True)
class MarginListenKeyHistory:
    """The queries of one margin account, and of its debt and margin level: ``/sapi/v1/margin/...``."""

    rest: Host
    account: MarginAccount
    weight_per_minute: ClassVar[int] = 12_000

    @property
    def account_query(self) -> str:
        """A cheap signed question about the account."""
        return _margin_account(self.account)


@unique
class FuturesKind(StrEnum):
    """What a futures account settles in."""

    USDM = "usdm"
    COINM = "coinm"


@attrs.frozen(kw_only=True)
class FuturesHistory:
    """The queries of a futures account: ``/fapi/...`` or ``/dapi/...``."""

    rest: Host
    kind: FuturesKind
    weight_per_minute: ClassVar[int] = 2_400

    @property
    def account_query(self) -> str:
        """A cheap signed question about the account."""
        return "GET /fapi/v3/balance" if self.kind is FuturesKind.USDM else "GET /dapi/v1/balance"

    @property
    def order_routes(self) -> tuple[str, str]:
        """What places an order, and what cancels it."""
        path = "/fapi/v1/order" if self.kind is FuturesKind.USDM else "/dapi/v1/order"
        return f"POST {path}", f"DELETE {path}"


@attrs.frozen(kw_only=True)
class OptionsHistory:
    """The queries of an options account: ``/eapi/v1/...``."""

    rest: Host
    weight_per_minute: ClassVar[int] = 2_400
    account_query: ClassVar[str] = "GET /eapi/v1/openOrders"


@attrs.frozen(kw_only=True)
class PortfolioMarginHistory:
    """The queries of a Portfolio Margin account: ``/papi/...``, for its three parts."""

    rest: Host
    weight_per_minute: ClassVar[int] = 6_000
    account_query: ClassVar[str] = "GET /papi/v1/balance"


@attrs.frozen(kw_only=True)
class PortfolioMarginProHistory:
    """The query of a Portfolio Margin Pro account: ``/sapi/v1/portfolio/account``."""

    rest: Host
    weight_per_minute: ClassVar[int] = 12_000
    account_query: ClassVar[str] = "GET /sapi/v1/portfolio/account"


@attrs.frozen(kw_only=True)
class StocksHistory:
    """The queries of a stocks account: ``/sapi/v1/equity/...``."""

    rest: Host
    weight_per_minute: ClassVar[int] = 12_000
    account_query: ClassVar[str] = "GET /sapi/v1/equity/order/open-orders"


History: TypeAlias = (
    SpotHistory
    | MarginHistory
    | MarginRiskHistory
    | MarginListenKeyHistory
    | FuturesHistory
    | OptionsHistory
    | PortfolioMarginHistory
    | PortfolioMarginProHistory
    | StocksHistory
)
