"""Keeps a futures account: its wallets, positions and settings, and what its margin allows."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import TYPE_CHECKING, Self

import attrs

from trio_binance_uds.sandbox.derivatives.amounts import ZERO
from trio_binance_uds.sandbox.derivatives.positions import Position, Wallet
from trio_binance_uds.sandbox.derivatives.records import AlgoRecords, IncomeLog, OrderRecords, as_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.orders import Order

DEFAULT_LEVERAGE = 20
ONE_WAY = ("BOTH",)
HEDGE = ("LONG", "SHORT")


@attrs.define(eq=False)
class SymbolSettings:
    """How an account trades one symbol."""

    leverage: int = DEFAULT_LEVERAGE
    isolated: bool = False


@attrs.define(eq=False, kw_only=True)
class FuturesAccount:
    """A futures account. Made by ``open_account`` of a desk; read it freely, change it through the desk."""

    uid: int
    alias: str
    maker_commission: Decimal = Decimal("0.0002")
    taker_commission: Decimal = Decimal("0.0004")
    hedged: bool = False
    multi_assets: bool = False
    called: bool = False
    """Whether a margin call is out that has not been answered yet."""
    wallets: dict[str, Wallet] = attrs.field(factory=dict, repr=False)
    positions: dict[tuple[str, str], Position] = attrs.field(factory=dict, repr=False)
    settings: dict[str, SymbolSettings] = attrs.field(factory=dict, repr=False)
    records: dict[str, OrderRecords] = attrs.field(factory=dict, repr=False)
    open_by_client_id: dict[str, Order] = attrs.field(factory=dict, repr=False)
    algos: AlgoRecords = attrs.field(factory=AlgoRecords, repr=False)
    income: IncomeLog = attrs.field(factory=IncomeLog, repr=False)
    forced: list[Order] = attrs.field(factory=list, repr=False)
    """The orders by which it was liquidated."""

    def wallet(self, asset: str) -> Wallet:
        """Return the wallet of an asset, which from now on the account lists."""
        found = self.wallets.get(asset)
        if found is None:
            found = self.wallets[asset] = Wallet(asset)
        return found

    def balance(self, asset: str) -> Decimal:
        found = self.wallets.get(asset)
        return ZERO if found is None else found.balance

    def settings_of(self, symbol: str) -> SymbolSettings:
        found = self.settings.get(symbol)
        if found is None:
            found = self.settings[symbol] = SymbolSettings()
        return found

    def position(self, contract: Contract, side: str) -> Position:
        """Return a position, which from now on the account lists."""
        found = self.positions.get((contract.name, side))
        if found is None:
            settings = self.settings_of(contract.name)
            found = Position(contract=contract, side=side, leverage=settings.leverage, isolated=settings.isolated)
            self.positions[contract.name, side] = found
        return found

    def positions_of(self, contract: Contract) -> Iterator[Position]:
        """Yield the positions of a contract that the account lists."""
        for side in (*ONE_WAY, *HEDGE):
            found = self.positions.get((contract.name, side))
            if found is not None:
                yield found

    def sides(self) -> tuple[str, ...]:
        """Return the position sides that orders may name in the account's mode."""
        return HEDGE if self.hedged else ONE_WAY

    def records_of(self, symbol: str) -> OrderRecords:
        found = self.records.get(symbol)
        if found is None:
            found = self.records[symbol] = OrderRecords()
        return found

    def margined_in(self, asset: str) -> Iterator[Position]:
        """Yield the positions whose margin is of this asset."""
        for position in self.positions.values():
            if position.contract.margin_asset == asset:
                yield position

    def cross_wallet(self, asset: str) -> Decimal:
        """Return the part of a wallet that backs cross positions."""
        return self.balance(asset) - sum((p.isolated_wallet for p in self.margined_in(asset)), ZERO)

    def cross_profit(self, asset: str) -> Decimal:
        """Return the profit of cross positions that is not realised."""
        return sum((p.profit for p in self.margined_in(asset) if not p.isolated), ZERO)

    def available(self, asset: str) -> Decimal:
        """Return what new orders may use as margin; it can be negative."""
        assets = list(self.wallets) if self.multi_assets else [asset]
        return sum((self._unused(each) for each in assets), ZERO)

    def _unused(self, asset: str) -> Decimal:
        bound = ZERO
        for position in self.margined_in(asset):
            bound += position.order_margin
            if not position.isolated:
                bound += position.initial_margin - position.profit
        return self.cross_wallet(asset) - bound

    def withdrawable(self, asset: str) -> Decimal:
        """Return what can be taken out of a wallet: profit that is not realised cannot."""
        return max(ZERO, min(self.cross_wallet(asset), self._unused(asset)))

    def as_of(self, horizon: int | None) -> Self:
        """Return the account with its wallets and positions as they were at a time; its settings are those of now."""
        if horizon is None:
            return self
        past = copy.copy(self)
        wallets = ((name, as_of(wallet, horizon)) for name, wallet in self.wallets.items())
        positions = ((key, as_of(position, horizon)) for key, position in self.positions.items())
        past.wallets = {name: wallet for name, wallet in wallets if wallet is not None}
        past.positions = {key: position for key, position in positions if position is not None}
        return past

    def has_open_orders(self, symbol: str | None = None) -> bool:
        records = self.records.values() if symbol is None else [self.records_of(symbol)]
        return any(each.open for each in records) or self.algos.has_open(symbol)
