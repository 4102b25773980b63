"""What is traded in a story, one market for each product: how its account is opened, kept busy, and held to account."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

import attrs
import trio

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, run_trader
from trio_binance_uds.sandbox.derivatives import DeskTrader
from trio_binance_uds.sandbox.exchange.journal import JournalEntry
from trio_binance_uds.wire.json_text import dumps

PRICES = {"BTCUSDT": "50000", "ETHUSDT": "3000"}
FUNDS = {"USDT": "10000000", "BTC": "1000", "ETH": "10000", "BNB": "1000"}


class Market(Protocol):
    """One product, traded.

    Attributes:
        acknowledged_by: the requests by whose answers a subscription comes about.
        ends_by: what can end a subscription, besides what can end any.
        asks: a request that the stream takes, if it takes any.
    """

    product: uds.Product
    symbols: tuple[str, ...]
    acknowledged_by: Sequence[str]
    asks: str | None

    def open(self, sandbox: Sandbox, key: str) -> SandboxAccount:
        """Open the account."""

    async def trade(
        self, sandbox: Sandbox, account: SandboxAccount, number: int, *, seed: int, seconds: float, rate: float
    ) -> None:
        """Keep the symbol with this number busy."""

    def ends(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Callable[[], None]]:
        """Return what can end a subscription of this kind, by name."""

    def entries(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Iterable[JournalEntry]]:
        """Return what the venue has recorded, by the name of the account that the events are marked with."""


def decoded(market: Market, sandbox: Sandbox, account: SandboxAccount) -> list[uds.Event]:
    """Return every event that the venue has recorded, as it would have come from a stream."""
    found = []
    for name, entries in market.entries(sandbox, account).items():
        for entry in entries:
            event = uds.decode_frame(dumps(entry.event), market.product)
            assert isinstance(event, uds.Event)
            found.append(attrs.evolve(event, account=name))
    return found


class SpotMarket:
    """A spot account on two symbols."""

    product = uds.SPOT
    symbols = tuple(PRICES)
    acknowledged_by = ("session.logon", "userDataStream.subscribe.signature", "userDataStream.subscribe")
    asks: str | None = "account.status"

    def open(self, sandbox: Sandbox, key: str) -> SandboxAccount:
        return sandbox.add_account(balances=FUNDS, key=key)

    async def trade(
        self, sandbox: Sandbox, account: SandboxAccount, number: int, *, seed: int, seconds: float, rate: float
    ) -> None:
        symbol, price = list(PRICES.items())[number]
        await run_trader(sandbox, account, seed=seed, duration=seconds, rate=rate, symbol=symbol, price=price)

    def ends(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Callable[[], None]]:
        return {}

    def entries(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Iterable[JournalEntry]]:
        return {self.product.name: sandbox.exchange.journal.entries(account.exchange_account)}


class MarginMarket:
    """A cross and an isolated margin account on one stream."""

    product = uds.margin_accounts(uds.CROSS_MARGIN, uds.isolated_margin("ETHUSDT"))
    symbols = tuple(PRICES)
    acknowledged_by = ("POST /sapi/v1/userListenToken", "userDataStream.subscribe.listenToken")
    asks: str | None = None
    _pairs = (None, "ETHUSDT")

    def open(self, sandbox: Sandbox, key: str) -> SandboxAccount:
        pair = {name: FUNDS[name] for name in ("ETH", "USDT")}
        return sandbox.add_account(cross_margin=FUNDS, isolated_margin={"ETHUSDT": pair}, key=key)

    async def trade(
        self, sandbox: Sandbox, account: SandboxAccount, number: int, *, seed: int, seconds: float, rate: float
    ) -> None:
        symbol, price = list(PRICES.items())[number]
        trading = sandbox.margin_account(account, self._pairs[number])
        await run_trader(
            sandbox, trading, seed=seed, duration=seconds, rate=rate, symbol=symbol, price=price, amends=False
        )

    def ends(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Callable[[], None]]:
        faults = sandbox.faults
        return {
            "token expired": lambda: faults.expire_listen_token(account),
            "token of the pair expired": lambda: faults.expire_listen_token(account, "ETHUSDT"),
        }

    def entries(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Iterable[JournalEntry]]:
        journal = sandbox.exchange.journal
        names = ("cross-margin", "isolated-margin:ETHUSDT")
        return {
            name: journal.entries(sandbox.margin.account(account.uid, pair))
            for name, pair in zip(names, self._pairs, strict=True)
        }


@attrs.frozen
class DeskMarket:
    """An account at a desk, on contracts with the prices that these start from."""

    product: uds.Product
    desk: str
    funds: Mapping[str, str]
    prices: Mapping[str, str]
    asks: str | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self.prices)

    @property
    def acknowledged_by(self) -> Sequence[str]:
        mechanism = self.product.mechanism
        assert isinstance(mechanism, uds.ListenKeyStream)
        return (f"POST {mechanism.path}", f"PUT {mechanism.path}")

    def open(self, sandbox: Sandbox, key: str) -> SandboxAccount:
        wallets: Any = {self.desk: self.funds}
        return sandbox.add_account(key=key, **wallets)

    async def trade(
        self, sandbox: Sandbox, account: SandboxAccount, number: int, *, seed: int, seconds: float, rate: float
    ) -> None:
        symbol, price = list(self.prices.items())[number]
        desk: Any = sandbox.desks[self.desk]
        trader = DeskTrader(desk, account.uid, symbol, price, seed)
        end = trio.current_time() + seconds
        while trio.current_time() < end:
            trader.act()
            await trio.sleep(1 / rate)

    def ends(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Callable[[], None]]:
        faults, product = sandbox.faults, self.product
        return {
            "key expired": lambda: faults.expire_listen_key(account, product),
            "key deleted": lambda: faults.delete_listen_key(account, product),
            "key gone without a word": lambda: faults.expire_listen_key(account, product, silently=True),
        }

    def entries(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Iterable[JournalEntry]]:
        return {self.product.name: sandbox.desks[self.desk].journal.entries(account.uid)}


MARKETS: Mapping[str, Market] = {
    "spot": SpotMarket(),
    "margin": MarginMarket(),
    "usdm": DeskMarket(uds.USDM_FUTURES, "usdm", {"USDT": "10000000"}, PRICES),
    "coinm": DeskMarket(
        uds.COINM_FUTURES,
        "coinm",
        {"BTC": "1000", "ETH": "10000"},
        {"BTCUSD_PERP": "50000", "ETHUSD_PERP": "3000"},
    ),
    "options": DeskMarket(
        uds.OPTIONS,
        "options",
        {"USDT": "10000000"},
        {"BTC-261225-100000-C": "1200", "ETH-261225-4000-C": "100"},
    ),
    "portfolio margin": DeskMarket(
        uds.PORTFOLIO_MARGIN,
        "portfolio_margin",
        {"USDT": "10000000", "BTC": "1000"},
        {"BTCUSDT": "50000", "BTCUSD_PERP": "50000"},
    ),
}
