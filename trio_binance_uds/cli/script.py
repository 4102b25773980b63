"""Is what happens in the demo: a dozen seconds of trading with everything in it that a stream has to tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs
import trio

from trio_binance_uds.sandbox import Sandbox, SandboxAccount

SYMBOLS = ("BTCUSDT", "ETHUSDT", "BNBUSDT")
# Seconds: between two steps, so that a person can follow; of the outage; how long it may take to come back.
STEP = 0.7
OUTAGE = 1.0
PATIENCE = 20.0


@attrs.frozen
class Stage:
    """Where the demo plays.

    Attributes:
        sandbox: the venue.
        account: whose stream is watched.
        narrate: says what is done.
        wait_resumed: waits until the viewer has seen a gap.
        links_opened: how many connections the viewer's stream has had.
    """

    sandbox: Sandbox
    account: SandboxAccount
    narrate: Callable[[str], None]
    wait_resumed: Callable[[], Awaitable[object]]
    links_opened: Callable[[], int]


async def play(stage: Stage) -> None:
    """Play it all, once."""
    counterparty = open_market(stage.sandbox)
    await trio.sleep(STEP)
    await _deposit(stage)
    await _fill_in_parts(stage, counterparty)
    await _change_of_mind(stage)
    await _one_cancels_the_other(stage, counterparty)
    await _something_new(stage)
    await _outage(stage)
    await _restart(stage)
    await _withdrawal(stage)


def open_market(sandbox: Sandbox) -> SandboxAccount:
    """Put orders of somebody else on both sides of the books, and return who that is."""
    maker = sandbox.add_account(
        balances={"USDT": "100000000", "BTC": "1000", "ETH": "10000", "BNB": "10000"}, key="hmac"
    )
    for symbol, price, quantity in zip(SYMBOLS, ("60000", "3000", "600"), ("1", "10", "20"), strict=True):
        sandbox.exchange.seed_book(symbol, price, 5, maker.exchange_account, quantity=quantity)
    return maker


async def _deposit(stage: Stage) -> None:
    stage.narrate("2,500 USDT are deposited")
    stage.sandbox.exchange.deposit(stage.account.exchange_account, "USDT", "2500")
    await trio.sleep(STEP)


async def _fill_in_parts(stage: Stage, counterparty: SandboxAccount) -> None:
    stage.narrate("a limit order; somebody sells into it, twice")
    _limit(stage.account, "BTCUSDT", "BUY", "0.5", "59990")
    for quantity in ("0.2", "0.3"):
        await trio.sleep(STEP)
        _market(counterparty, "BTCUSDT", "SELL", quantity)
    await trio.sleep(STEP)


async def _change_of_mind(stage: Stage) -> None:
    stage.narrate("an order, and a change of mind")
    order = _limit(stage.account, "ETHUSDT", "SELL", "1.5", "3100")
    await trio.sleep(STEP)
    stage.account.call("order.cancel", symbol="ETHUSDT", orderId=order)
    await trio.sleep(STEP)


async def _one_cancels_the_other(stage: Stage, counterparty: SandboxAccount) -> None:
    stage.narrate("take profit or stop loss, whichever comes first")
    stage.account.call(
        "orderList.place.oco",
        symbol="BTCUSDT",
        side="SELL",
        quantity="0.4",
        aboveType="LIMIT_MAKER",
        abovePrice="60020",
        belowType="STOP_LOSS",
        belowStopPrice="59000",
    )
    await trio.sleep(STEP)
    _market(counterparty, "BTCUSDT", "BUY", "0.4")
    await trio.sleep(STEP)


async def _something_new(stage: Stage) -> None:
    stage.narrate("the venue says something that nobody here has heard of")
    now = stage.sandbox.clock.now_ms()
    stage.sandbox.faults.send_event({"e": "loyaltyPoints", "E": now, "points": 42, "reason": "early bird"})
    await trio.sleep(STEP)


async def _outage(stage: Stage) -> None:
    stage.narrate("the connection breaks, and trading goes on without us")
    stage.sandbox.faults.refuse_connections(seconds=OUTAGE)
    stage.sandbox.faults.cut()
    await trio.sleep(OUTAGE / 3)
    _market(stage.account, "ETHUSDT", "BUY", "1")
    await trio.sleep(OUTAGE / 3)
    _market(stage.account, "BNBUSDT", "BUY", "5")
    with trio.move_on_after(PATIENCE):
        await stage.wait_resumed()
    await trio.sleep(STEP)
    stage.narrate("back again; 1 ETH and 5 BNB were bought meanwhile")
    _market(stage.account, "ETHUSDT", "SELL", "2")
    await trio.sleep(STEP)


async def _restart(stage: Stage) -> None:
    stage.narrate("the venue announces a restart")
    before = stage.links_opened()
    stage.sandbox.faults.server_shutdown(grace=3 * STEP)
    order = _limit(stage.account, "BTCUSDT", "SELL", "0.05", "60010")
    for price in ("60012", "60014"):
        await trio.sleep(1.5 * STEP)
        stage.account.call("order.cancel", symbol="BTCUSDT", orderId=order)
        order = _limit(stage.account, "BTCUSDT", "SELL", "0.05", price)
        if stage.links_opened() > before:
            before = stage.links_opened()
            stage.narrate("another connection has taken over, and nothing was lost")
    await trio.sleep(STEP)


async def _withdrawal(stage: Stage) -> None:
    stage.narrate("1,000 USDT are withdrawn, and that is all")
    stage.sandbox.exchange.withdraw(stage.account.exchange_account, "USDT", "1000")
    await trio.sleep(STEP)


def _limit(account: SandboxAccount, symbol: str, side: str, quantity: str, price: str) -> int:
    answer = account.call(
        "order.place", symbol=symbol, side=side, type="LIMIT", timeInForce="GTC", quantity=quantity, price=price
    )
    order_id: int = answer["orderId"]
    return order_id


def _market(account: SandboxAccount, symbol: str, side: str, quantity: str) -> None:
    account.call("order.place", symbol=symbol, side=side, type="MARKET", quantity=quantity)
