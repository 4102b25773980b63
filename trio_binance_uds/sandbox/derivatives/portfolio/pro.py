"""Is the desk of Portfolio Margin Pro: what its extra stream and ``/sapi/v1/portfolio`` tell of an account.

Orders and positions of such an account are those of the ordinary desks. What they add up to is not worked out here but
set: a test says what the account is worth and needs.

Source: Binance Portfolio Margin Pro, "User Data Streams" and "Account" (2026-05-28), with the change log of 2026-04-17.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from trio_binance_uds.sandbox.catalogue import Permission
from trio_binance_uds.sandbox.derivatives import refusals
from trio_binance_uds.sandbox.derivatives.amounts import ZERO, milliseconds, wire_amount
from trio_binance_uds.sandbox.derivatives.core import read_amount
from trio_binance_uds.sandbox.derivatives.portfolio.futures import NO_ACCOUNT
from trio_binance_uds.sandbox.derivatives.portfolio.risk import Standing, risk_level_change
from trio_binance_uds.sandbox.desk import Route
from trio_binance_uds.sandbox.exchange.delivery import Delivery
from trio_binance_uds.sandbox.exchange.journal import Journal
from trio_binance_uds.sandbox.exchange.parameters import Parameters
from trio_binance_uds.sandbox.exchange.refusals import UnknownMethod

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance_uds.sandbox.derivatives.core import Amount
    from trio_binance_uds.sandbox.desk import Sink

HEARTBEAT = 5_000_000
"""How often an account is told its totals, in microseconds."""


@attrs.define(eq=False)
class _Owner:
    """One Portfolio Margin Pro account."""

    uid: int
    balances: dict[str, Decimal]
    standing: Standing
    margin_call_level: Decimal | None = None


class PortfolioMarginProDesk:
    """The Portfolio Margin Pro accounts of a sandbox.

    It moves when it is called: call :meth:`tick` about every second for the totals that come every five.
    """

    def __init__(self, now: Callable[[], int], seed: int = 0) -> None:
        self._now = now
        self._journal = Journal()
        self._delivery = Delivery(self._journal)
        self._owners: dict[int, _Owner] = {}
        self._heartbeat = 0
        self._operations: Mapping[tuple[str, str], tuple[Callable[[_Owner, Parameters], Any], Route]] = {
            ("GET", "/sapi/v1/portfolio/account"): (self._account, _asking(5)),
            ("GET", "/sapi/v1/portfolio/balance"): (self._balance, _asking(20)),
            ("GET", "/sapi/v1/portfolio/margin-call-level"): (self._margin_call_level, _asking(1500)),
            ("POST", "/sapi/v1/portfolio/margin-call-level"): (self._set_margin_call_level, _asking(1500)),
            ("GET", "/sapi/v1/portfolio/pmLoan"): (self._loan, _asking(500)),
            ("GET", "/sapi/v1/portfolio/interest-history"): (self._interest, _asking(50)),
        }
        self._routes = {place: route for place, (_, route) in self._operations.items()}

    # What the fronts need: see the desk's contract.

    @property
    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The routes by verb and path."""
        return self._routes

    @property
    def journal(self) -> Journal:
        """Every event of the desk, by uid."""
        return self._journal

    def has(self, uid: int) -> bool:
        """Whether this owner has an account here."""
        return uid in self._owners

    def open_account(self, uid: int, balances: Mapping[str, str]) -> None:
        """Open an owner's account; what it has of USDT is what it is worth, until :meth:`set_standing` says otherwise.

        Raises:
            ValueError: the owner has one, or an amount is none.
        """
        if uid in self._owners:
            raise ValueError(f"there is an account of owner {uid} already")
        amounts = {asset: read_amount(amount) for asset, amount in balances.items()}
        worth = amounts.get("USDT", ZERO)
        standing = Standing(equity=worth, actual_equity=worth, initial_margin=ZERO, maintenance_margin=ZERO)
        self._owners[uid] = _Owner(uid, amounts, standing)

    def call(self, uid: int, verb: str, path: str, params: Mapping[str, Any]) -> Any:
        """Do what a route does for an account, and return its answer as JSON would have it.

        Raises:
            Refusal: the desk says no; nothing was changed.
            UnknownMethod: it has no such route.
        """
        found = self._operations.get((verb, path))
        if found is None:
            raise UnknownMethod(f"{verb} {path}")
        owner = self._owners.get(uid)
        if owner is None:
            raise refusals.Refusal(*NO_ACCOUNT)
        return found[0](owner, Parameters(params))

    def watch(self, uid: int, sink: Sink) -> Callable[[], None]:
        """Call ``sink`` with every event of an account from now on; return a function that ends this."""
        return self._delivery.watch(uid, sink)

    # What happens without a request.

    def tick(self) -> None:
        """Let happen what is due by the clock: every five seconds all accounts are told their totals."""
        now = self._now()
        if now >= self._heartbeat:
            self._heartbeat = now + HEARTBEAT
            for owner in self._owners.values():
                self.report(owner.uid)

    def report(self, uid: int) -> None:
        """Tell an account its totals now."""
        owner = self._owners[uid]
        standing = owner.standing
        event = {
            "e": "PM_PRO_ACCOUNT_UPDATE",
            "E": milliseconds(self._now()),
            "u": wire_amount(standing.uni_mmr),
            "eq": wire_amount(standing.equity),
            "ae": wire_amount(standing.actual_equity),
            "im": wire_amount(standing.initial_margin),
            "mm": wire_amount(standing.maintenance_margin),
            "avb": wire_amount(max(ZERO, standing.free)),
            "vmw": wire_amount(max(ZERO, standing.free)),
        }
        self.emit(uid, event)

    def set_standing(
        self, uid: int, *, equity: Amount, initial_margin: Amount = 0, maintenance_margin: Amount = 0
    ) -> None:
        """Say what an account is worth and needs, in USD; a changed risk level is told."""
        owner = self._owners[uid]
        former = owner.standing.level
        owner.standing = Standing(
            equity=Decimal(equity),
            actual_equity=Decimal(equity),
            initial_margin=read_amount(initial_margin),
            maintenance_margin=read_amount(maintenance_margin),
        )
        if owner.standing.level != former:
            self.emit(uid, risk_level_change(owner.standing, self._now()))

    def emit(self, uid: int, event: dict[str, Any]) -> None:
        """Send an event of the caller's making to an account, such as one of a kind that nothing here causes."""
        self._delivery.post(self._now(), self._owners[uid], event)
        self._delivery.flush()

    # The routes.

    def _account(self, owner: _Owner, p: Parameters) -> dict[str, Any]:
        p.finish()
        standing = owner.standing
        return {
            "uniMMR": wire_amount(standing.uni_mmr),
            "accountEquity": wire_amount(standing.equity),
            "actualEquity": wire_amount(standing.actual_equity),
            "accountMaintMargin": wire_amount(standing.maintenance_margin),
            "accountInitialMargin": wire_amount(standing.initial_margin),
            # The thousands are set off by commas here, and nowhere else.
            "totalAvailableBalance": format(max(ZERO, standing.free), ",.8f"),
            "accountStatus": standing.level,
            "accountType": "PM_1",
        }

    def _balance(self, owner: _Owner, p: Parameters) -> list[dict[str, Any]]:
        asset = p.text("asset")
        p.finish()
        nothing = wire_amount(ZERO)
        return [
            {
                "asset": name,
                "totalWalletBalance": wire_amount(amount),
                "crossMarginAsset": wire_amount(amount),
                "crossMarginBorrowed": nothing,
                "crossMarginFree": wire_amount(amount),
                "crossMarginInterest": nothing,
                "crossMarginLocked": nothing,
                "umWalletBalance": nothing,
                "umUnrealizedPNL": nothing,
                "cmWalletBalance": nothing,
                "cmUnrealizedPNL": nothing,
                "updateTime": 0,
                "negativeBalance": nothing,
                "optionWalletBalance": nothing,
                "optionEquity": nothing,
            }
            for name, amount in owner.balances.items()
            if asset in (None, name)
        ]

    def _margin_call_level(self, owner: _Owner, p: Parameters) -> dict[str, Any]:
        p.finish()
        level = owner.margin_call_level
        return {} if level is None else {"marginCallLevel": wire_amount(level)}

    def _set_margin_call_level(self, owner: _Owner, p: Parameters) -> dict[str, Any]:
        level = p.need_positive("marginCallLevel")
        p.finish()
        if not Decimal("1.1") <= level <= 2:
            raise refusals.not_valid("marginCallLevel")
        owner.margin_call_level = level
        return {"marginCallLevel": wire_amount(level)}

    def _loan(self, owner: _Owner, p: Parameters) -> dict[str, Any]:
        """``GET pmLoan``: nothing is owed here."""
        p.finish()
        return {"asset": "BUSD", "amount": "0"}

    def _interest(self, owner: _Owner, p: Parameters) -> list[dict[str, Any]]:
        """``GET interest-history``: always empty, because nothing is owed here."""
        p.text("asset")
        p.time("startTime")
        p.time("endTime")
        p.integer("size")
        p.finish()
        return []


def _asking(weight: int) -> Route:
    return Route(permission=Permission.USER_DATA, weight=lambda params: weight)
