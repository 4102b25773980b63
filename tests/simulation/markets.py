"""What is traded in a story, one market for each product: how its account is opened, kept busy, and held to account."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import Any, Protocol

import attrs
import trio

import trio_binance_uds as uds
from simulation.desk_traders import Act, Borrower, Fortune, desk_trader, stocks_trader
from trio_binance_uds.sandbox import Refusal, Sandbox, SandboxAccount, run_trader
from trio_binance_uds.sandbox.exchange.journal import JournalEntry
from trio_binance_uds.wire.json_text import dumps, loads

PRICES = {"BTCUSDT": "50000", "ETHUSDT": "3000"}
FUNDS = {"USDT": "10000000", "BTC": "1000", "ETH": "10000", "BNB": "1000"}
Faults = Mapping[str, Callable[[], None]]


class Market(Protocol):
    """One product, traded.

    Attributes:
        symbols: what a trader each is busy with.
        acknowledged_by: the requests by whose answers a subscription comes about and stays alive.
        asked_by_recovery: some of what is asked after a gap.
        asks: a request that the stream takes, if it takes any.
        spared: faults that no client can see through here.
    """

    product: uds.Product
    symbols: tuple[str, ...]
    acknowledged_by: Sequence[str]
    asked_by_recovery: Sequence[str]
    asks: str | None
    spared: Collection[str]

    def open(self, sandbox: Sandbox, key: str, lag: float = 0.0) -> SandboxAccount:
        """Open the account, at a venue whose databases may lag."""

    async def trade(
        self, sandbox: Sandbox, account: SandboxAccount, number: int, *, seed: int, seconds: float, rate: float
    ) -> None:
        """Keep the symbol with this number busy."""

    def move_money(self, sandbox: Sandbox, account: SandboxAccount, random: Random) -> None:
        """Let something come or go without an order, where that can be."""

    def ends(self, sandbox: Sandbox, account: SandboxAccount) -> Faults:
        """Return what can end a subscription of this kind, besides what can end any, by name."""

    def entries(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Iterable[JournalEntry]]:
        """Return what the venue has recorded, by the name of the account that the events are marked with."""


def decoded(market: Market, sandbox: Sandbox, account: SandboxAccount, since: int = 0) -> list[uds.Event]:
    """Return every event that the venue has recorded since then, as it would have come from a stream."""
    found = []
    for name, entries in market.entries(sandbox, account).items():
        for entry in list(entries)[since:]:
            event = uds.decode_frame(dumps(entry.event), market.product)
            assert isinstance(event, uds.Event)
            found.append(attrs.evolve(event, account=name))
    return found


def never_sent(market: Market, sandbox: Sandbox, account: SandboxAccount) -> list[uds.Event]:
    """Return the events that were never sent on a connection that was well."""
    swallowed = [loads(message) for message in sandbox.faults.never_sent]
    payloads = [frame.get("event") or frame.get("data") or frame for frame in swallowed if isinstance(frame, dict)]
    found = []
    for name, entries in market.entries(sandbox, account).items():
        for entry in entries:
            text = dumps(entry.event)
            if loads(text) in payloads:
                event = uds.decode_frame(text, market.product)
                assert isinstance(event, uds.Event)
                found.append(attrs.evolve(event, account=name))
    return found


class SpotMarket:
    """A spot account on two symbols."""

    product = uds.SPOT
    symbols = tuple(PRICES)
    acknowledged_by = ("session.logon", "userDataStream.subscribe.signature", "userDataStream.subscribe")
    asked_by_recovery = ("openOrders.status", "order.status", "myTrades", "allOrders", "account.status")
    asks: str | None = "account.status"
    spared: Collection[str] = ()

    def open(self, sandbox: Sandbox, key: str, lag: float = 0.0) -> SandboxAccount:
        return sandbox.add_account(balances=FUNDS, key=key)

    async def trade(
        self, sandbox: Sandbox, account: SandboxAccount, number: int, *, seed: int, seconds: float, rate: float
    ) -> None:
        symbol, price = list(PRICES.items())[number]
        await run_trader(sandbox, account, seed=seed, duration=seconds, rate=rate, symbol=symbol, price=price)

    def move_money(self, sandbox: Sandbox, account: SandboxAccount, random: Random) -> None:
        sandbox.exchange.deposit(account.exchange_account, "USDT", "1")

    def ends(self, sandbox: Sandbox, account: SandboxAccount) -> Faults:
        return {}

    def entries(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Iterable[JournalEntry]]:
        return {self.product.name: sandbox.exchange.journal.entries(account.exchange_account)}


class MarginMarket:
    """A cross and an isolated margin account on one stream."""

    product = uds.margin_accounts(uds.CROSS_MARGIN, uds.isolated_margin("ETHUSDT"))
    symbols: tuple[str, ...] = tuple(PRICES)
    acknowledged_by = ("POST /sapi/v1/userListenToken", "userDataStream.subscribe.listenToken")
    asked_by_recovery = tuple(
        f"GET /sapi/v1/margin/{name}" for name in ("account", "isolated/account", "openOrders", "allOrders", "myTrades")
    )
    asks: str | None = None
    spared: Collection[str] = ()
    pairs: tuple[str | None, ...] = (None, "ETHUSDT")

    def open(self, sandbox: Sandbox, key: str, lag: float = 0.0) -> SandboxAccount:
        pair = {name: FUNDS[name] for name in ("ETH", "USDT")}
        return sandbox.add_account(cross_margin=FUNDS, isolated_margin={"ETHUSDT": pair}, key=key)

    async def trade(
        self, sandbox: Sandbox, account: SandboxAccount, number: int, *, seed: int, seconds: float, rate: float
    ) -> None:
        symbol, trading = self.symbols[number], sandbox.margin_account(account, self.pairs[number])
        await run_trader(
            sandbox, trading, seed=seed, duration=seconds, rate=rate, symbol=symbol, price=PRICES[symbol], amends=False
        )

    def move_money(self, sandbox: Sandbox, account: SandboxAccount, random: Random) -> None:
        loan = {"asset": "USDT", "amount": "100", "type": random.choice(["BORROW", "REPAY"])}
        sandbox.margin.call(account.uid, "POST", "/sapi/v1/margin/borrow-repay", loan)

    def ends(self, sandbox: Sandbox, account: SandboxAccount) -> Faults:
        faults = sandbox.faults
        return {
            "token expired": lambda: faults.expire_listen_token(account),
            "token of the pair expired": lambda: faults.expire_listen_token(account, "ETHUSDT"),
        }

    def entries(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Iterable[JournalEntry]]:
        journal = sandbox.exchange.journal
        return {
            "cross-margin" if pair is None else f"isolated-margin:{pair}": journal.entries(
                sandbox.margin.account(account.uid, pair)
            )
            for pair in self.pairs
        }


class MarginKeyMarket(MarginMarket):
    """A cross margin account whose account and risk events come with one listen key."""

    product = uds.margin_listen_key(uds.CROSS_MARGIN)
    acknowledged_by = ("POST /sapi/v2/margin/listen-key", "PUT /sapi/v2/margin/listen-key")
    asked_by_recovery = tuple(
        f"GET /sapi/v1/margin/{name}"
        for name in ("account", "openOrders", "allOrders", "myTrades", "borrow-repay", "interestHistory")
    )
    # Changes of a debt have no number.
    spared: Collection[str] = ("duplicate",)
    pairs: tuple[str | None, ...] = (None, None)

    def open(self, sandbox: Sandbox, key: str, lag: float = 0.0) -> SandboxAccount:
        return sandbox.add_account(cross_margin=FUNDS, key=key)

    def move_money(self, sandbox: Sandbox, account: SandboxAccount, random: Random) -> None:
        # No amount comes twice, or nothing would tell the changes apart.
        amount = f"{random.randint(50, 150)}.{random.randrange(10**8):08d}"
        loan = {"asset": "USDT", "amount": amount, "type": random.choice(["BORROW", "BORROW", "REPAY"])}
        with suppress(Refusal):
            sandbox.margin.call(account.uid, "POST", "/sapi/v1/margin/borrow-repay", loan)

    def ends(self, sandbox: Sandbox, account: SandboxAccount) -> Faults:
        return _ends_of_key(self.product, sandbox, account)

    def entries(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Iterable[JournalEntry]]:
        return {self.product.name: sandbox.desks["margin_accounts"].journal.entries(account.uid)}


def _ends_of_key(product: uds.Product, sandbox: Sandbox, account: SandboxAccount) -> Faults:
    faults = sandbox.faults
    return {
        "key expired": lambda: faults.expire_listen_key(account, product),
        "key deleted": lambda: faults.delete_listen_key(account, product),
        "key gone without a word": lambda: faults.expire_listen_key(account, product, silently=True),
    }


def _no_money(sandbox: Sandbox, account: SandboxAccount, random: Random) -> None:
    pass


@attrs.frozen
class DeskMarket:
    """An account at a desk, whose stream is opened by a listen key.

    Attributes:
        desk: where the events are recorded.
        funds: what the account is opened with.
        prices: what is traded, and the prices that these start from.
        trader: makes what keeps one of them busy: it does one thing whenever it is called.
        money: lets something come or go without an order.
    """

    product: uds.Product
    desk: str
    funds: Mapping[str, Mapping[str, str]]
    prices: Mapping[str, str]
    asked_by_recovery: Sequence[str]
    trader: Callable[[Any, int, str, str, int], Act] = desk_trader
    money: Callable[[Sandbox, SandboxAccount, Random], None] = _no_money
    asks: str | None = None
    spared: Collection[str] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        return tuple(self.prices)

    @property
    def acknowledged_by(self) -> Sequence[str]:
        mechanism = self.product.mechanism
        assert isinstance(mechanism, uds.ListenKeyStream)
        return tuple(f"{verb} {mechanism.path}" for verb in (("POST",) if mechanism.has_only_post else ("POST", "PUT")))

    def open(self, sandbox: Sandbox, key: str, lag: float = 0.0) -> SandboxAccount:
        desk: Any = sandbox.desks[self.desk]
        if lag:
            # Before anything happens: former states are kept only for those who will ask for them.
            desk.lag = lag
        wallets: Any = self.funds
        return sandbox.add_account(key=key, **wallets)

    async def trade(
        self, sandbox: Sandbox, account: SandboxAccount, number: int, *, seed: int, seconds: float, rate: float
    ) -> None:
        symbol, price = list(self.prices.items())[number]
        act = self.trader(sandbox.desks[self.desk], account.uid, symbol, price, seed)
        end = trio.current_time() + seconds
        while trio.current_time() < end:
            act()
            await trio.sleep(1 / rate)

    def move_money(self, sandbox: Sandbox, account: SandboxAccount, random: Random) -> None:
        self.money(sandbox, account, random)

    def ends(self, sandbox: Sandbox, account: SandboxAccount) -> Faults:
        return _ends_of_key(self.product, sandbox, account)

    def entries(self, sandbox: Sandbox, account: SandboxAccount) -> Mapping[str, Iterable[JournalEntry]]:
        return {self.product.name: sandbox.desks[self.desk].journal.entries(account.uid)}


def _transfer_at(name: str, asset: str, contract: str | None = None) -> Callable[..., None]:
    """Return what moves money at a futures or options desk, by a transfer or by funding."""

    def move(sandbox: Sandbox, account: SandboxAccount, random: Random) -> None:
        desk: Any = sandbox.desks[name]
        if contract is not None and random.random() < 0.5:
            desk.fund(contract, random.choice(["0.0001", "-0.0002"]))
        else:
            desk.transfer(account.uid, asset, random.choice(["0.25", "-0.125"]))

    return move


def _transfer_in_portfolio(sandbox: Sandbox, account: SandboxAccount, random: Random) -> None:
    desk: Any = sandbox.desks["portfolio_margin"]
    desk.transfer(account.uid, random.choice(["UM", "MARGIN"]), "USDT", "0.25")


def _futures_routes(root: str) -> tuple[str, ...]:
    return tuple(
        f"GET {root}{name}" for name in ("openOrders", "allOrders", "userTrades", "income", "positionRisk", "order")
    )


# Two equal changes are two events where nothing numbers them, and so are one change and its duplicate.
_UNNUMBERED = frozenset({"duplicate"})

MARKETS: Mapping[str, Market] = {
    "spot": SpotMarket(),
    "margin": MarginMarket(),
    "margin risk": DeskMarket(
        uds.MARGIN_RISK,
        "margin",
        {"cross_margin": {"USDT": "1000000", "BTC": "10"}},
        {"BTCUSDT": "50000"},
        tuple(f"GET /sapi/v1/margin/{name}" for name in ("account", "borrow-repay", "interestHistory", "tradeCoeff")),
        trader=Borrower,
        spared=_UNNUMBERED,
    ),
    "margin by key": MarginKeyMarket(),
    "usdm": DeskMarket(
        uds.USDM_FUTURES,
        "usdm",
        {"usdm": {"USDT": "10000000"}},
        PRICES,
        ("GET /fapi/v3/balance", "GET /fapi/v3/positionRisk", *_futures_routes("/fapi/v1/")),
        money=_transfer_at("usdm", "USDT", "BTCUSDT"),
    ),
    "coinm": DeskMarket(
        uds.COINM_FUTURES,
        "coinm",
        {"coinm": {"BTC": "1000", "ETH": "10000"}},
        {"BTCUSD_PERP": "50000", "ETHUSD_PERP": "3000"},
        ("GET /dapi/v1/balance", *_futures_routes("/dapi/v1/")),
        money=_transfer_at("coinm", "BTC", "BTCUSD_PERP"),
    ),
    "options": DeskMarket(
        uds.OPTIONS,
        "options",
        {"options": {"USDT": "10000000"}},
        {"BTC-261225-100000-C": "1200", "ETH-261225-4000-C": "100"},
        tuple(f"GET /eapi/v1/{name}" for name in ("marginAccount", "position", "openOrders", "historyOrders")),
        money=_transfer_at("options", "USDT"),
    ),
    "portfolio margin": DeskMarket(
        uds.PORTFOLIO_MARGIN,
        "portfolio_margin",
        {"portfolio_margin": {"USDT": "10000000", "BTC": "1000"}},
        {"BTCUSDT": "50000", "BTCUSD_PERP": "50000"},
        (*_futures_routes("/papi/v1/um/"), *_futures_routes("/papi/v1/cm/"), "GET /papi/v1/balance"),
        money=_transfer_in_portfolio,
    ),
    "portfolio margin pro": DeskMarket(
        uds.PORTFOLIO_MARGIN_PRO,
        "portfolio_margin_pro",
        {"portfolio_margin_pro": {"USDT": "100000"}, "usdm": {}},
        {"EQUITY": "100000"},  # no symbol, but what the trader moves
        ("GET /sapi/v1/portfolio/account",),
        trader=Fortune,
        spared=_UNNUMBERED,
    ),
    "stocks": DeskMarket(
        uds.STOCKS,
        "stocks",
        {"stocks": {}},
        {"AAPL": "200", "MSFT": "400"},
        tuple(
            f"GET /sapi/v1/equity/{name}"
            for name in ("order/open-orders", "order/history", "order/detail", "trade/history")
        ),
        trader=stocks_trader,
        # A stream of one topic is not told that its key has expired, and here it lives on in the list of streams.
        spared=frozenset({"terminated"}),
    ),
}
