"""Is the desk of Portfolio Margin: one account over USD-M futures, COIN-M futures and margin, with one stream.

The futures sides are futures desks of their own, the margin side is an account of the spot exchange. All three share
one journal and one delivery, and one margin: what the whole account is worth, less what its positions and orders need.
Of the margin wallet everything counts as collateral at its full price, which is simpler than in production.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives import refusals
from trio_binance_uds.sandbox.derivatives.amounts import ZERO, milliseconds
from trio_binance_uds.sandbox.derivatives.answers import sums
from trio_binance_uds.sandbox.derivatives.coinm import list_coinm
from trio_binance_uds.sandbox.derivatives.core import FIRST_ORDER_ID, read_amount
from trio_binance_uds.sandbox.derivatives.portfolio import margin
from trio_binance_uds.sandbox.derivatives.portfolio.futures import (
    CM_OPERATIONS,
    NO_ACCOUNT,
    PM_CM,
    PM_UM,
    UM_OPERATIONS,
    PortfolioFuturesDesk,
)
from trio_binance_uds.sandbox.derivatives.portfolio.loans import FIRST_TX_ID, liability_change
from trio_binance_uds.sandbox.derivatives.portfolio.owners import PortfolioOwner
from trio_binance_uds.sandbox.derivatives.portfolio.requests import UNIFIED_OPERATIONS
from trio_binance_uds.sandbox.derivatives.portfolio.risk import Standing, risk_level_change
from trio_binance_uds.sandbox.derivatives.usdm import list_usdm
from trio_binance_uds.sandbox.exchange.delivery import Delivery
from trio_binance_uds.sandbox.exchange.journal import Journal
from trio_binance_uds.sandbox.exchange.parameters import Parameters
from trio_binance_uds.sandbox.exchange.refusals import UnknownMethod

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.core import Amount
    from trio_binance_uds.sandbox.desk import Route, Sink
    from trio_binance_uds.sandbox.exchange import Account, Exchange

FIRST_UPDATE_ID = 1_027_053_479_001
ORDER_OF_LEVELS = ("NORMAL", "MARGIN_CALL", "REDUCE_ONLY", "FORCE_LIQUIDATION")


class PortfolioMarginDesk:
    """The Portfolio Margin accounts of a sandbox.

    Args:
        now: the time in epoch microseconds.
        seed: what generated client ids and aliases come from.
        exchange: where margin orders trade.

    Attributes:
        um: the USD-M side, for what only a futures desk can do, such as ``um.fund("BTCUSDT", "0.0001")``.
        cm: the COIN-M side.
    """

    def __init__(
        self,
        now: Callable[[], int],
        seed: int,
        exchange: Exchange,
        *,
        first_order_id: int = FIRST_ORDER_ID,
    ) -> None:
        journal = Journal()
        self._journal = journal
        self._delivery = Delivery(journal)
        self.exchange: Exchange = exchange
        shared = self._delivery, journal
        self.um: PortfolioFuturesDesk = PortfolioFuturesDesk(
            now, seed, dialect=PM_UM, operations=UM_OPERATIONS, first_order_id=first_order_id, delivery=shared
        )
        self.cm: PortfolioFuturesDesk = PortfolioFuturesDesk(
            now, seed + 1, dialect=PM_CM, operations=CM_OPERATIONS, first_order_id=first_order_id, delivery=shared
        )
        list_usdm(self.um)
        list_coinm(self.cm)
        self.um.unified = self.cm.unified = self._unified
        self._owners: dict[int, PortfolioOwner] = {}
        self._update_id = FIRST_UPDATE_ID - 1
        self._tx_id = FIRST_TX_ID - 1
        self._routes: Mapping[tuple[str, str], Route] = {
            **self.um.routes,
            **self.cm.routes,
            **{place: operation.route for place, operation in margin.MARGIN_OPERATIONS.items()},
            **{place: operation.route for place, operation in UNIFIED_OPERATIONS.items()},
        }

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
        """Open an owner's account with these balances in the margin wallet; that is no event.

        Raises:
            ValueError: the owner has one, or an amount is none.
        """
        self.um.open_account(uid, {})
        self.cm.open_account(uid, {})
        owner = PortfolioOwner(uid, self.exchange.add_account(balances))
        self._owners[uid] = owner
        self.exchange.watch(owner.margin, lambda event: self._on_margin_event(owner, event))

    def call(self, uid: int, verb: str, path: str, params: Mapping[str, Any]) -> Any:
        """Do what a route does for an account, and return its answer as JSON would have it.

        Raises:
            Refusal: the desk says no; nothing was changed.
            UnknownMethod: it has no such route.
        """
        place = verb, path
        if place not in self._routes:
            raise UnknownMethod(f"{verb} {path}")
        owner = self._owners.get(uid)
        if owner is None:
            raise refusals.Refusal(*NO_ACCOUNT)
        for side in (self.um, self.cm):
            if place in side.routes:
                return side.call(uid, verb, path, params)
        operation = margin.MARGIN_OPERATIONS.get(place)
        if operation is not None:
            return margin.do(self.exchange, owner.margin, operation, params)
        return UNIFIED_OPERATIONS[place].do(self, owner, Parameters(params))

    def watch(self, uid: int, sink: Sink) -> Callable[[], None]:
        """Call ``sink`` with every event of an account from now on; return a function that ends this."""
        return self._delivery.watch(uid, sink)

    # What happens without a request.

    @property
    def lag(self) -> float:
        """How far behind, in seconds, the answers for futures history, positions and balances are.

        That of the margin side is the exchange's own.
        """
        return self.um.lag

    @lag.setter
    def lag(self, seconds: float) -> None:
        self.um.lag = self.cm.lag = seconds

    def tick(self) -> None:
        """Let happen what is due by the clock; every call does so too."""
        self.um.tick()
        self.cm.tick()

    def emit(self, uid: int, event: dict[str, Any]) -> None:
        """Send an event of the caller's making to an account, such as one of a kind that nothing here causes."""
        self._post(self._owners[uid], event)

    def margin_account(self, uid: int) -> Account:
        """Return the account of the spot exchange that is an owner's margin wallet."""
        return self._owners[uid].margin

    def transfer(self, uid: int, unit: str, asset: str, amount: Amount) -> None:
        """Put money into a wallet or, with a negative amount, take it out; ``unit`` is UM, CM or MARGIN.

        Raises:
            InsufficientFunds: there is less to take; nothing was changed.
        """
        if unit == "MARGIN":
            change = Decimal(amount)
            move = self.exchange.deposit if change >= 0 else self.exchange.withdraw
            move(self._owners[uid].margin, asset, abs(change))
        else:
            (self.um if unit == "UM" else self.cm).transfer(uid, asset, amount)

    def set_mark_price(self, symbol: str, price: Amount) -> None:
        """Move a mark price; who is in danger by that is told, and at last liquidated."""
        side = self.um if symbol in self.um.contracts else self.cm
        side.set_mark_price(symbol, price)
        for owner in list(self._owners.values()):
            self._look_at(owner)

    def accrue_interest(self, uid: int, asset: str, interest: Amount) -> None:
        """Add interest to what an account owes."""
        self.owe(self._owners[uid], "INTEREST", asset, ZERO, read_amount(interest))

    def report_open_order_loss(self, uid: int, losses: Mapping[str, str]) -> None:
        """Tell what open margin orders reserve for losses, which is not worked out: negative amounts by asset."""
        listed = [{"a": asset, "o": amount} for asset, amount in losses.items()]
        self.emit(uid, {"e": "openOrderLoss", "E": milliseconds(self.um.time()), "O": listed})

    # Money.

    def price_of(self, asset: str) -> Decimal:
        """Return what an asset is worth in USD, by the markets of the sandbox; 0 if none of them knows."""
        if asset in ("USDT", "USDC"):
            return Decimal(1)
        symbol = self.exchange.symbols.get(f"{asset}USDT")
        if symbol is not None and symbol.last_price:
            return symbol.last_price
        contract = self.cm.contracts.get(f"{asset}USD_PERP")
        return contract.mark or ZERO if contract is not None else ZERO

    def find_contract(self, symbol: str) -> Contract | None:
        """Return a contract of either futures side by its name, if it is listed."""
        return self.um.find_contract(symbol) or self.cm.find_contract(symbol)

    def standing(self, uid: int) -> Standing:
        """Return what an account is worth, and what it needs."""
        owner = self._owners[uid]
        equity = initial = maintenance = ZERO
        for asset, balance in owner.margin.balances.items():
            equity += (balance.free + balance.locked) * self.price_of(asset)
        for asset, debt in owner.loans.debts.items():
            equity -= debt.total * self.price_of(asset)
        for side in (self.um, self.cm):
            account = side.accounts[uid]
            assets = {held.contract.margin_asset for held in account.positions.values()}
            for asset in assets.union(account.wallets):
                price, added = self.price_of(asset), sums(account, asset)
                equity += added["marginBalance"] * price
                initial += added["initialMargin"] * price
                maintenance += added["maintMargin"] * price
        return Standing(equity=equity, actual_equity=equity, initial_margin=initial, maintenance_margin=maintenance)

    def _unified(self, uid: int, asset: str) -> Decimal:
        price = self.price_of(asset)
        return self.standing(uid).free / price if price else ZERO

    def _look_at(self, owner: PortfolioOwner) -> None:
        standing = self.standing(owner.uid)
        former, owner.risk_level = owner.risk_level, standing.level
        if ORDER_OF_LEVELS.index(standing.level) <= ORDER_OF_LEVELS.index(former):
            return  # Only what gets worse is told.
        self._post(owner, risk_level_change(standing, self.um.time()))
        if standing.level == "FORCE_LIQUIDATION":
            self.um.liquidate(owner.uid)
            self.cm.liquidate(owner.uid)
            owner.risk_level = self.standing(owner.uid).level

    def owe(self, owner: PortfolioOwner, kind: str, asset: str, principal: Decimal, interest: Decimal) -> int:
        """Change what an account owes, and tell it; return the transaction."""
        self._tx_id += 1
        change = owner.loans.change(self._tx_id, kind, asset, principal, interest, self.um.time())
        self._post(owner, liability_change(change))
        return self._tx_id

    # Events.

    def _on_margin_event(self, owner: PortfolioOwner, event: dict[str, Any]) -> None:
        self._update_id += 1
        translated = margin.translate(event, self._update_id)
        if translated is not None:
            self._post(owner, translated)

    def _post(self, owner: PortfolioOwner, event: dict[str, Any]) -> None:
        self._delivery.post(self.um.time(), owner, event)
        self._delivery.flush()
