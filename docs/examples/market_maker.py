"""Keep an order to buy and an order to sell in the book of a spot symbol.

It shows what an order needs: an id before it is sent, so that its report is never
strange; three outcomes of each request; and orders that are cancelled when the
program ends, for whatever reason. It is no strategy.
"""

from __future__ import annotations

from decimal import Decimal
from itertools import count

import trio

from trio_binance_uds import (
    SPOT,
    ApiError,
    Credentials,
    ExecutionReport,
    Gap,
    NotConnected,
    OutcomeUnknown,
    RequestError,
    UserDataStream,
    open_user_data_stream,
)
from trio_binance_uds.sandbox import open_sandbox

NO_SUCH_ORDER = -2013
PRICE = {"BUY": Decimal(49900), "SELL": Decimal(50100)}


class MarketMaker:
    def __init__(self, stream: UserDataStream, symbol: str, quantity: str) -> None:
        self._stream = stream
        self._symbol = symbol
        self._quantity = quantity
        self._numbers = count(1)
        self._ids: dict[str, str] = {}
        self._unsure: set[str] = set()

    async def run(self, fills: int) -> None:
        """Quote until so many orders have been filled, and leave none behind."""
        try:
            await self._quote("BUY")
            await self._quote("SELL")
            async for item in self._stream:
                if isinstance(item, ExecutionReport):
                    fills -= await self._heed(item)
                if fills <= 0:
                    return
                if isinstance(item, Gap):  # connected again: the venue can be asked
                    for side in tuple(self._unsure):
                        await self._find_out(side)
        finally:
            with trio.move_on_after(5, shield=True):
                await self._cancel_all()

    async def _heed(self, report: ExecutionReport) -> bool:
        """Replace a quote that has been filled; return whether it was one."""
        side = report.side
        mine = self._ids.get(side) == report.placed_client_order_id
        if not mine or report.order_status != "FILLED":
            return False
        print(f"{side} filled at {report.last_executed_price.normalize():f}")
        await self._quote(side)
        return True

    async def _quote(self, side: str) -> None:
        self._ids[side] = f"mm-{next(self._numbers)}"
        order = {
            "symbol": self._symbol,
            "side": side,
            "newClientOrderId": self._ids[side],
        }
        order |= {"price": str(PRICE[side]), "quantity": self._quantity}
        order |= {"type": "LIMIT_MAKER"}
        try:
            await self._stream.request("order.place", order)
        except (NotConnected, OutcomeUnknown):
            self._unsure.add(side)  # it may be in the book: never sent again unseen

    async def _find_out(self, side: str) -> None:
        """Ask what became of a quote that was not answered."""
        order = {"symbol": self._symbol, "origClientOrderId": self._ids[side]}
        try:
            await self._stream.request("order.status", order)
        except (NotConnected, OutcomeUnknown):
            return  # disconnected again: another Gap comes
        except ApiError as error:
            if error.code != NO_SUCH_ORDER:
                raise
            await self._quote(side)
        self._unsure.discard(side)

    async def _cancel_all(self) -> None:
        try:
            await self._stream.request("openOrders.cancelAll", {"symbol": self._symbol})
        except RequestError as error:
            print("orders may still be open:", error)
        else:
            print("no order is left")


async def make_market(credentials: Credentials, fills: int, **there) -> None:
    async with open_user_data_stream(credentials, SPOT, **there) as stream:
        await MarketMaker(stream, "BTCUSDT", "0.1").run(fills)


async def main() -> None:
    """Show it in the sandbox, where somebody buys and sells at the market."""
    async with open_sandbox() as sandbox, trio.open_nursery() as nursery:
        there = {"environment": sandbox.environment, "network": sandbox.network}
        maker = sandbox.add_account(balances={"USDT": "90000", "BTC": "1"})
        taker = sandbox.add_account(balances={"USDT": "90000", "BTC": "1"})

        async def trade() -> None:
            for side in ("BUY", "SELL", "BUY"):
                while len(maker.call("openOrders.status")) < 2:
                    await trio.sleep(0.01)
                order = {"symbol": "BTCUSDT", "side": side, "quantity": "0.1"}
                taker.call("order.place", {**order, "type": "MARKET"})

        nursery.start_soon(trade)
        await make_market(maker.credentials, 3, **there)


if __name__ == "__main__":
    trio.run(main)
