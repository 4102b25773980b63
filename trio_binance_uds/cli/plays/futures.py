"""A dozen seconds of trading on a futures account, USD-M or COIN-M, and what moves it besides its own orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
import trio

from trio_binance_uds import AccountUpdate, Event, Notice, Product
from trio_binance_uds.cli.script import STEP, Play, Stage, at_desk, do, key_expires, kinds, something_new, statuses
from trio_binance_uds.sandbox import Sandbox, SandboxAccount

_MAKER_FUNDS = "100000000"


@attrs.frozen
class Contract:
    """A contract of the demo: its price, a distance from that, and the quantity that is traded."""

    symbol: str
    price: Decimal
    tick: Decimal
    quantity: Decimal


@attrs.frozen(kw_only=True)
class Market:
    """Where contracts are traded by REST, and by whom.

    Attributes:
        desk: the desk of the sandbox that moves prices and wallets.
        root: where its routes for orders begin.
        account, maker: the one that is watched, and somebody else.
        algos: the route of conditional orders.
        algo: what a stop at a trigger price is, in the words of that route.
    """

    desk: Any
    root: str
    account: SandboxAccount
    maker: SandboxAccount
    algos: str = ""
    algo: Mapping[str, str] = attrs.field(factory=dict)

    def limit(
        self, contract: Contract, side: str, quantity: Decimal, price: Decimal, *, maker: bool = False, tif: str = "GTC"
    ) -> int:
        """Place an order, and return its id."""
        who = self.maker if maker else self.account
        answer = who.call(
            f"POST {self.root}/order",
            symbol=contract.symbol,
            side=side,
            type="LIMIT",
            quantity=quantity,
            price=price,
            timeInForce=tif,
        )
        order_id: int = answer["orderId"]
        return order_id

    def take(self, contract: Contract, side: str, quantity: Decimal) -> None:
        """Trade at once, with what the maker offers; IOC, because options have no market orders."""
        sign = 1 if side == "BUY" else -1
        self.limit(contract, side, quantity, contract.price + sign * 10 * contract.tick, tif="IOC")

    def cancel(self, contract: Contract, order_id: int) -> None:
        """Cancel an order of the account."""
        self.account.call(f"DELETE {self.root}/order", symbol=contract.symbol, orderId=order_id)

    def open(self, contracts: Sequence[Contract]) -> None:
        """Let the maker offer something on both sides of each contract."""
        for contract in contracts:
            self.desk.set_mark_price(contract.symbol, contract.price)
            for level in (3, 4, 5):
                for side, sign in (("BUY", -1), ("SELL", 1)):
                    price = contract.price + sign * level * contract.tick
                    self.limit(contract, side, 4 * contract.quantity, price, maker=True)

    async def fill_in_parts(self, stage: Stage, contract: Contract) -> None:
        """Have an order of the account filled in two parts."""
        stage.narrate("a limit order; somebody sells into it, twice")
        price = contract.price - contract.tick
        self.limit(contract, "BUY", contract.quantity, price)
        part = contract.quantity * 2 / 5
        for quantity in (part, contract.quantity - part):
            await trio.sleep(STEP)
            self.limit(contract, "SELL", quantity, price, maker=True, tif="IOC")
        await trio.sleep(STEP)

    async def change_of_mind(self, stage: Stage, contract: Contract) -> None:
        """Place an order, and cancel it."""
        stage.narrate("an order, and a change of mind")
        order = self.limit(contract, "SELL", contract.quantity, contract.price + 20 * contract.tick)
        await trio.sleep(STEP)
        self.cancel(contract, order)
        await trio.sleep(STEP)

    async def stop_loss(self, stage: Stage, contract: Contract) -> None:
        """Let a conditional order be triggered."""
        stage.narrate("a stop loss; the mark price falls as far as that, and comes back")
        trigger = contract.price - 20 * contract.tick
        price = "stopPrice" if "strategyType" in self.algo else "triggerPrice"
        self.account.call(
            f"POST {self.algos}",
            self.algo,
            symbol=contract.symbol,
            side="SELL",
            quantity=contract.quantity * 2 / 5,
            workingType="MARK_PRICE",
            **{price: trigger},
        )
        await trio.sleep(STEP)
        self.desk.set_mark_price(contract.symbol, trigger)
        await trio.sleep(STEP)
        self.desk.set_mark_price(contract.symbol, contract.price)


ALGO = {"algoType": "CONDITIONAL", "type": "STOP_MARKET"}


@attrs.frozen(kw_only=True)
class _Futures:
    """What tells the two kinds of futures apart in the demo."""

    desk: str
    root: str
    asset: str
    funds: Mapping[str, str]
    change: Decimal
    contracts: tuple[Contract, Contract]
    kinds: tuple[str, ...]

    def play(self) -> Play:
        return Play(
            wallets={self.desk: self.funds},
            perform=self._perform,
            journals=at_desk(self.desk),
            seen={
                **statuses("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "TRIGGERED", "FINISHED"),
                **kinds("AccountConfigUpdate", "AlgoUpdate", *self.kinds),
                "the funding": partial(_has_reason, "FUNDING_FEE"),
                "the withdrawal at the end": partial(_has_reason, "WITHDRAW"),
            },
            symbols=tuple(contract.symbol for contract in self.contracts),
        )

    async def _perform(self, stage: Stage) -> None:
        market = self._open(stage.sandbox, stage.account)
        first, second = self.contracts
        desk, uid = market.desk, stage.account.uid
        await trio.sleep(STEP)
        await do(
            stage,
            f"{self.change} {self.asset} come in, and the leverage is changed",
            lambda: desk.transfer(uid, self.asset, self.change),
            lambda: stage.account.call(f"POST {self.root}/leverage", symbol=first.symbol, leverage=10),
        )
        await market.fill_in_parts(stage, first)
        await market.change_of_mind(stage, second)
        await market.stop_loss(stage, first)
        await do(stage, "funding is paid", lambda: desk.fund(first.symbol, "0.0001"))
        await something_new(stage)
        part = first.quantity / 5
        await key_expires(
            stage,
            [partial(market.take, second, "BUY", second.quantity), partial(market.take, first, "SELL", part)],
            f"back again; {second.quantity} {second.symbol} were bought meanwhile, and {part} {first.symbol} sold",
        )
        await do(
            stage,
            f"one position is closed, and {self.change} {self.asset} leave; that is all",
            lambda: market.take(second, "SELL", second.quantity),
            lambda: desk.transfer(uid, self.asset, -self.change),
        )

    def _open(self, sandbox: Sandbox, account: SandboxAccount) -> Market:
        wallets: dict[str, Any] = {self.desk: {"USDT": _MAKER_FUNDS, "BTC": _MAKER_FUNDS, "ETH": _MAKER_FUNDS}}
        market = Market(
            desk=sandbox.desks[self.desk],
            root=self.root,
            account=account,
            maker=sandbox.add_account(key="hmac", **wallets),
            algos=f"{self.root}/algoOrder",
            algo=ALGO,
        )
        market.open(self.contracts)
        return market


def _has_reason(reason: str, item: Event | Notice) -> bool:
    return isinstance(item, AccountUpdate) and item.event_reason_type == reason


_USDM = _Futures(
    desk="usdm",
    root="/fapi/v1",
    asset="USDT",
    funds={"USDT": "50000"},
    change=Decimal(2500),
    contracts=(
        Contract("BTCUSDT", Decimal(60_000), Decimal(10), Decimal("0.5")),
        Contract("ETHUSDT", Decimal(3_000), Decimal("0.5"), Decimal(2)),
    ),
    kinds=("UsdmOrderTradeUpdate", "TradeLite"),
)
_COINM = _Futures(
    desk="coinm",
    root="/dapi/v1",
    asset="BTC",
    funds={"BTC": "5", "ETH": "20"},
    change=Decimal("0.5"),
    contracts=(
        Contract("BTCUSD_PERP", Decimal(60_000), Decimal(10), Decimal(50)),
        Contract("ETHUSD_PERP", Decimal(3_000), Decimal("0.5"), Decimal(20)),
    ),
    kinds=("CoinmOrderTradeUpdate",),
)


def usdm_play(product: Product) -> Play:
    """Return the play of a USD-M futures account."""
    return _USDM.play()


def coinm_play(product: Product) -> Play:
    """Return the play of a COIN-M futures account."""
    return _COINM.play()
