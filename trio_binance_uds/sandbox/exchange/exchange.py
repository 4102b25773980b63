"""Is the exchange: symbols, accounts, and every method of the WebSocket API that needs no connection.

There is no I/O and no clock in here. A call reads the clock that was passed in once and everything it does
carries that time. Calls are atomic: a refused one changes nothing (except, as documented, half of an
``order.cancelReplace``). Events reach their subscribers after the call has done all its work, in order.
"""

from __future__ import annotations

import random
import string
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange import events as wire_events
from trio_binance_uds.sandbox.exchange import refusals
from trio_binance_uds.sandbox.exchange.accounts import Account
from trio_binance_uds.sandbox.exchange.amounts import ZERO, decimal_places, floor_to
from trio_binance_uds.sandbox.exchange.delivery import Delivery
from trio_binance_uds.sandbox.exchange.engine import Engine
from trio_binance_uds.sandbox.exchange.journal import Journal
from trio_binance_uds.sandbox.exchange.lifecycle import expire
from trio_binance_uds.sandbox.exchange.methods import ACCOUNT_METHODS, PUBLIC_METHODS
from trio_binance_uds.sandbox.exchange.parameters import Parameters
from trio_binance_uds.sandbox.exchange.symbols import Symbol
from trio_binance_uds.sandbox.exchange.transaction import Transaction
from trio_binance_uds.sandbox.exchange.weights import method_weight, unfilled_order_count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from trio_binance_uds.sandbox.exchange.delivery import Sink
    from trio_binance_uds.sandbox.exchange.orders import Order

    Amount = str | int | Decimal

FIRST_UID = 350_000_001
CLIENT_ID_LENGTH = 22
CLIENT_ID_ALPHABET = string.ascii_letters + string.digits


class Exchange:
    """A spot exchange in memory.

    Args:
        now: the time in epoch microseconds; a clock that goes back is held at its highest value.
        seed: what generated client ids come from.

    Attributes:
        journal: every event emitted so far.
        database_lag: how far behind, in microseconds, the answers of database-backed queries are. Former
            states of orders are kept only while it is above zero, so set it before trading.
        rate_limits: what ``exchangeInfo`` lists; the limits themselves are the front's business.
        fees: the commissions collected so far, by asset.
    """

    def __init__(self, now: Callable[[], int], seed: int = 0) -> None:
        self.symbols: dict[str, Symbol] = {}
        self.accounts: dict[int, Account] = {}
        self.journal: Journal = Journal()
        self.database_lag = 0
        self.rate_limits: list[dict[str, Any]] = []
        self._pairs: dict[tuple[str, str], Symbol] = {}
        self.engine: Engine = Engine(self._pairs, self.new_client_id)
        self._now = now
        self._latest = 0
        self._random = random.Random(seed)
        self._list_id = -1
        self._delivery = Delivery(self.journal)
        self._observers: list[Callable[[], None]] = []

    @classmethod
    def default(cls, now: Callable[[], int], seed: int = 0) -> Exchange:
        """Make an exchange with a few symbols, one of them not ASCII."""
        exchange = cls(now, seed)
        exchange.add_symbol("BTCUSDT", "BTC", "USDT")
        exchange.add_symbol("ETHUSDT", "ETH", "USDT", step_size="0.0001")
        exchange.add_symbol("ETHBTC", "ETH", "BTC", tick_size="0.00001", step_size="0.001", min_notional="0.0001")
        exchange.add_symbol("BNBUSDT", "BNB", "USDT", step_size="0.001")
        exchange.add_symbol(
            "这是测试币456", "这是测试币", "456", tick_size="0.0001", step_size="0.01", min_notional="1"
        )
        return exchange

    @property
    def methods(self) -> frozenset[str]:
        """The names of the methods that :meth:`call` knows."""
        return frozenset(PUBLIC_METHODS) | frozenset(ACCOUNT_METHODS)

    @property
    def public_methods(self) -> frozenset[str]:
        """The names of the methods that need no account."""
        return frozenset(PUBLIC_METHODS)

    @property
    def fees(self) -> Mapping[str, Decimal]:
        return self.engine.matching.fees

    def method_weight(self, method: str, params: Mapping[str, Any], *, succeeded: bool = False) -> int:
        """Return what a call costs; a trading call that turns out to have ``succeeded`` costs nothing."""
        return method_weight(method, params, succeeded=succeeded)

    def unfilled_order_count(self, method: str) -> int:
        """Return by how much a call raises the count of unfilled orders."""
        return unfilled_order_count(method)

    def add_symbol(
        self,
        symbol: str,
        base: str,
        quote: str,
        *,
        tick_size: Amount = "0.01",
        step_size: Amount = "0.00001",
        min_notional: Amount = "5",
        max_open_orders: int = 10_000,
        last_price: Amount | None = None,
    ) -> Symbol:
        """List a pair.

        Raises:
            ValueError: the symbol exists, or price times quantity could need more than eight decimals.
        """
        if symbol in self.symbols:
            raise ValueError(f"{symbol} is listed already")
        made = Symbol(
            name=symbol,
            base=base,
            quote=quote,
            tick_size=Decimal(tick_size),
            step_size=Decimal(step_size),
            min_notional=Decimal(min_notional),
            max_open_orders=max_open_orders,
            last_price=None if last_price is None else Decimal(last_price),
        )
        self.symbols[symbol] = made
        self._pairs[base, quote] = made
        return made

    def add_account(
        self,
        balances: Mapping[str, Amount],
        *,
        maker_commission: Amount = "0.001",
        taker_commission: Amount = "0.001",
        uses_bnb: bool = False,
        trade_group_id: int = -1,
    ) -> Account:
        """Open an account with these balances; that is no event."""
        account = Account(
            uid=FIRST_UID + len(self.accounts),
            maker_commission=Decimal(maker_commission),
            taker_commission=Decimal(taker_commission),
            uses_bnb=uses_bnb,
            trade_group_id=trade_group_id,
            update_time=self.time(),
        )
        for asset, amount in balances.items():
            account.change(asset, free=_amount(amount))
        self.accounts[account.uid] = account
        return account

    def call(self, account: Account | None, method: str, params: Mapping[str, Any]) -> Any:
        """Execute a method of the WebSocket API and return its ``result``.

        ``params`` are those of the method alone: apiKey, timestamp, signature, recvWindow and returnRateLimits
        are the front's and would be refused as unknown.

        Raises:
            Refusal: the exchange says no.
            UnknownMethod: it is not in :attr:`methods`.
        """
        p = Parameters(params)
        if (public := PUBLIC_METHODS.get(method)) is not None:
            return public(self, p)
        if (private := ACCOUNT_METHODS.get(method)) is None:
            raise refusals.UnknownMethod(method)
        if account is None:
            raise refusals.not_authorized()
        return private(self, account, p)

    def watch(self, account: Account, sink: Sink) -> Callable[[], None]:
        """Call ``sink`` with every event of an account from now on; return a function that ends this.

        It is called inside whatever call made the event, after that call has done its work. It may call the
        exchange; the events of that follow behind those still to be delivered. It must not raise, and must not
        change the event, which is shared.
        """
        return self._delivery.watch(account.uid, sink)

    def observe(self, observer: Callable[[], None]) -> None:
        """Call a function behind every step of the exchange, when its events are out. Prices may have moved."""
        self._observers.append(observer)

    def deposit(self, account: Account, asset: str, amount: Amount) -> None:
        """Add to a free balance from outside."""
        self._move(account, asset, _amount(amount))

    def withdraw(self, account: Account, asset: str, amount: Amount) -> None:
        """Take from a free balance.

        Raises:
            InsufficientFunds: there is less; nothing was changed.
        """
        self._move(account, asset, -_amount(amount))

    def adjust(self, account: Account, asset: str, amount: Amount) -> None:
        """Add to a free balance, or with a negative amount take from it, and tell the new balance only.

        It is for what is neither trade nor transfer, such as loans.

        Raises:
            InsufficientFunds: there is less; nothing was changed.
        """
        change = Decimal(amount)
        if account.free(asset) + change < 0:
            raise refusals.InsufficientFunds(f"less than {-change} {asset} is free")
        with self.transaction() as tx:
            account.change(asset, free=change)
            tx.touch(account, asset)

    def lock_externally(self, account: Account, asset: str, amount: Amount) -> None:
        """Lock part of a free balance from outside, such as for collateral.

        Raises:
            InsufficientFunds: there is less; nothing was changed.
        """
        self._lock(account, asset, _amount(amount))

    def unlock_externally(self, account: Account, asset: str, amount: Amount) -> None:
        """Undo :meth:`lock_externally`, in whole or in part.

        Raises:
            InsufficientFunds: less was locked so; nothing was changed.
        """
        self._lock(account, asset, -_amount(amount))

    def expire_order(self, account: Account, symbol: str, order_id: int, reason: str | None = None) -> None:
        """Let an open order expire for a reason of the exchange's own (``eR``).

        Raises:
            LookupError: there is no such open order.
        """
        order: Order = account.records_of(symbol).open[order_id]
        with self.transaction() as tx:
            expire(tx, order, reason)

    def exchange_cancel(self, account: Account, symbol: str, order_id: int) -> None:
        """Take an open order away in the exchange's name: it expires as ``EXCHANGE_CANCELED``.

        Raises:
            LookupError: there is no such open order.
        """
        self.expire_order(account, symbol, order_id, "EXCHANGE_CANCELED")

    def seed_book(
        self, symbol: str, mid: Amount, levels: int, maker: Account, *, quantity: Amount | None = None
    ) -> list[int]:
        """Place ``levels`` buy and sell orders of ``maker`` around a price; return their order ids.

        They stand a twentieth of a percent apart, and are worth about twenty times the least allowed if no
        ``quantity`` is given. A symbol that never traded gets ``mid`` for its last price.

        Raises:
            Refusal: the maker cannot pay for them; the orders up to there were placed.
        """
        pair = self.symbols[symbol]
        middle = floor_to(Decimal(mid), pair.tick_size)
        gap = max(floor_to(middle / 2000, pair.tick_size), pair.tick_size)
        if quantity is None:
            size = floor_to(20 * pair.min_notional / middle, pair.step_size) + pair.step_size
        else:
            size = Decimal(quantity)
        if pair.last_price is None:
            pair.last_price = middle
        placed: list[int] = []
        for level in range(1, levels + 1):
            for side, price in (("BUY", middle - level * gap), ("SELL", middle + level * gap)):
                params = {"symbol": symbol, "side": side, "type": "LIMIT_MAKER", "price": price, "quantity": size}
                placed.append(self.call(maker, "order.place", params)["orderId"])
        return placed

    # What the methods need.

    def time(self) -> int:
        """Read the clock, in epoch microseconds; it never goes back."""
        self._latest = max(self._latest, self._now())
        return self._latest

    def stated_time(self) -> int:
        """Read the clock as the venue states it to whoever asks, in epoch microseconds; it can have been set back."""
        return self._now()

    def horizon(self) -> int | None:
        """Return up to when the database knows, or ``None`` if it knows everything."""
        return self.time() - self.database_lag if self.database_lag else None

    def find_symbol(self, name: str) -> Symbol:
        found = self.symbols.get(name)
        if found is None:
            raise refusals.bad_symbol()
        return found

    def symbol_of(self, p: Parameters) -> Symbol:
        """Read the mandatory ``symbol``."""
        return self.find_symbol(p.need_text("symbol"))

    def new_client_id(self) -> str:
        """Make a client id, as for an order that was sent without."""
        return "".join(self._random.choices(CLIENT_ID_ALPHABET, k=CLIENT_ID_LENGTH))

    def next_list_id(self) -> int:
        self._list_id += 1
        return self._list_id

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Run one atomic step; its events go out when it ends."""
        tx = Transaction(self.time(), self._delivery.post, keep_versions=self.database_lag > 0)
        try:
            yield tx
            self.engine.settle(tx)
        finally:
            tx.close()
            self._delivery.flush()
            for observer in self._observers:
                observer()

    def _move(self, account: Account, asset: str, amount: Decimal) -> None:
        if account.free(asset) + amount < 0:
            raise refusals.InsufficientFunds(f"less than {-amount} {asset} is free")
        with self.transaction() as tx:
            account.change(asset, free=amount)
            tx.touch(account, asset)
            tx.emit(account, wire_events.balance_update(asset, amount, tx.time))

    def _lock(self, account: Account, asset: str, amount: Decimal) -> None:
        known = account.balances.get(asset)
        if account.free(asset) < amount or (ZERO if known is None else known.external) + amount < 0:
            raise refusals.InsufficientFunds(f"{amount} {asset} cannot be locked from outside")
        balance = account.balance(asset)
        with self.transaction() as tx:
            balance.external += min(amount, ZERO)
            account.change(asset, free=-amount, locked=amount)
            balance.external += max(amount, ZERO)
            tx.touch(account, asset)
            tx.emit(account, wire_events.external_lock_update(asset, amount, tx.time))


def _amount(value: Amount) -> Decimal:
    amount = Decimal(value)
    if amount < 0 or decimal_places(amount) > 8:
        raise ValueError(f"{value!r} is not an amount: it must be at least 0 and have at most 8 decimals")
    return amount
