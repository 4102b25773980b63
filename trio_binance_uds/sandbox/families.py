"""The families of REST routes: where each is at home, what its calls count against, and which headers say so.

Source: "Limits" and "IP Limits" of Binance Spot, Margin Trading, USD-M Futures, COIN-M Futures, Options Trading and
Portfolio Margin (2026-05-28); that USD-M and COIN-M count together is of the "Important CM-UM Integration Notice"
(2026-06-10).
"""

from __future__ import annotations

import attrs

from trio_binance_uds.products import Host
from trio_binance_uds.sandbox.auth import bad_key
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.limits import Budget


@attrs.frozen(kw_only=True)
class Family:
    """The routes that begin with a prefix.

    Attributes:
        budget: what the weight of its calls counts against; ``None``: each route counts for itself.
        orders: what its new orders count against.
        speaks_microseconds: whether a header can ask for times in microseconds.
        used_headers: how its answers tell the weight that the address has used.
        public: its public routes that all families have, as far as it has them.
        order_count: the route that tells how many orders were placed, and its weight.
    """

    prefix: str
    host: Host
    budget: Budget | None
    orders: Budget
    speaks_microseconds: bool = False
    used_headers: tuple[bytes, ...] = (b"x-mbx-used-weight-1m",)
    public: tuple[str, ...] = ()
    order_count: tuple[str, int] | None = None

    def no_account(self) -> Refusal:
        """Return the refusal of a key whose owner has no account of this kind."""
        if self.budget is None:
            return Refusal(-3003, "Margin account does not exist.")
        return bad_key()


_PUBLIC = ("ping", "time", "exchangeInfo")
FAMILIES = (
    Family(
        prefix="/api/",
        host=Host.SPOT_REST,
        budget=Budget.SPOT,
        orders=Budget.SPOT,
        speaks_microseconds=True,
        used_headers=(b"x-mbx-used-weight", b"x-mbx-used-weight-1m"),
    ),
    Family(
        prefix="/sapi/",
        host=Host.SPOT_REST,
        budget=None,
        orders=Budget.MARGIN,
        used_headers=(b"x-sapi-used-ip-weight-1m",),
        order_count=("/sapi/v1/margin/rateLimit/order", 20),
    ),
    Family(
        prefix="/fapi/",
        host=Host.USDM_REST,
        budget=Budget.FUTURES,
        orders=Budget.FUTURES,
        public=_PUBLIC,
        order_count=("/fapi/v1/rateLimit/order", 1),
    ),
    Family(prefix="/dapi/", host=Host.COINM_REST, budget=Budget.FUTURES, orders=Budget.FUTURES, public=_PUBLIC),
    Family(prefix="/eapi/", host=Host.OPTIONS_REST, budget=Budget.OPTIONS, orders=Budget.OPTIONS, public=_PUBLIC),
    Family(
        prefix="/papi/",
        host=Host.PORTFOLIO_MARGIN_REST,
        budget=Budget.PORTFOLIO_MARGIN,
        orders=Budget.PORTFOLIO_MARGIN,
        public=("ping",),
        order_count=("/papi/v1/rateLimit/order", 1),
    ),
)


def family_of(path: str) -> Family | None:
    """Return the family that a path belongs to."""
    return next((family for family in FAMILIES if path.startswith(family.prefix)), None)
