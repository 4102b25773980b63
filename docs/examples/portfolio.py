"""Keep a table of the balances of a spot account.

The stream says what has changed, and only a query says what there is. So both are
joined: subscribe first, ask then, and take for each asset what is newer. After a gap
that is not proven complete, ask again, once what was recovered has been read.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import trio

from trio_binance_uds import (
    SPOT,
    Credentials,
    Event,
    Gap,
    NotConnected,
    Notice,
    OutboundAccountPosition,
    OutcomeUnknown,
    UserDataStream,
    open_user_data_stream,
)
from trio_binance_uds.sandbox import open_sandbox

LONG_AGO = datetime.min.replace(tzinfo=UTC)
Amounts = tuple[Decimal, Decimal]  # free, locked


class Portfolio:
    def __init__(self) -> None:
        self.amounts: dict[str, Amounts] = {}
        self._as_of: dict[str, datetime] = {}
        self._must_ask = True
        self._recovered_to_come = 0

    async def heed(self, stream: UserDataStream, item: Event | Notice) -> bool:
        """Apply what the stream has brought; return whether the table has changed."""
        before = dict(self.amounts)
        match item:
            case OutboundAccountPosition(balances=balances, last_account_update=when):
                for balance in balances:
                    self._set(balance.asset, (balance.free, balance.locked), when)
            case Gap(complete=complete, recovered=recovered):
                self._recovered_to_come = recovered
                self._must_ask = self._must_ask or not complete
        if isinstance(item, Event) and item.recovered:
            self._recovered_to_come -= 1
        if self._must_ask and self._recovered_to_come <= 0:
            await self.ask(stream)
        return self.amounts != before

    async def ask(self, stream: UserDataStream) -> None:
        """Ask what there is now; if that fails, the next item tries it again."""
        try:
            account = await stream.request("account.status")
        except (NotConnected, OutcomeUnknown):
            return
        self._must_ask = False
        when = datetime.fromtimestamp(0, UTC) + timedelta(
            milliseconds=account["updateTime"]
        )
        for balance in account["balances"]:
            amounts = Decimal(balance["free"]), Decimal(balance["locked"])
            self._set(balance["asset"], amounts, when)

    def _set(self, asset: str, amounts: Amounts, when: datetime) -> None:
        if when >= self._as_of.get(asset, LONG_AGO):
            self.amounts[asset], self._as_of[asset] = amounts, when

    def show(self) -> None:
        for asset, (free, locked) in sorted(self.amounts.items()):
            if free or locked:
                print(f"{asset:5}{free:14.4f}{locked:14.4f}")
        print()


async def keep(credentials: Credentials, portfolio: Portfolio, **there) -> None:
    """Show the table as it begins, and whenever it has changed."""
    async with open_user_data_stream(credentials, SPOT, **there) as stream:
        await portfolio.ask(stream)
        portfolio.show()
        async for item in stream:
            if await portfolio.heed(stream, item):
                portfolio.show()


async def main() -> None:
    """Show it in the sandbox, where half of an order is filled."""
    async with open_sandbox() as sandbox, trio.open_nursery() as nursery:
        there = {"environment": sandbox.environment, "network": sandbox.network}
        account = sandbox.add_account(balances={"USDT": "10000"})
        seller = sandbox.add_account(balances={"BTC": "1"})
        bid = {"symbol": "BTCUSDT", "side": "BUY", "price": "50000", "quantity": "0.1"}
        bid |= {"type": "LIMIT", "timeInForce": "GTC"}

        class Shown(Portfolio):
            """Acts in turn whenever the table has been shown."""

            actions = iter([account, seller, None])

            def show(self) -> None:
                super().show()
                actor = next(self.actions)
                if actor is account:
                    account.call("order.place", bid)
                elif actor is seller:
                    half = {**bid, "side": "SELL", "quantity": "0.05"}
                    seller.call("order.place", half)
                else:
                    nursery.cancel_scope.cancel()

        print("asset         free        locked")
        await keep(account.credentials, Shown(), **there)


if __name__ == "__main__":
    trio.run(main)
