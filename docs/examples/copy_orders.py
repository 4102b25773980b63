"""Copy the orders of one spot account to another, each at a tenth of its size.

Each copy has a client order id that is made from the id of the order that it copies. So
a cancellation finds it, and where the answer to a placement is lost, the copy is looked
up before it is sent again.
"""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import trio

from trio_binance_uds import (
    SPOT,
    ApiError,
    Credentials,
    ExecutionReport,
    Gap,
    NotConnected,
    OutcomeUnknown,
    UserDataStream,
    open_user_data_stream,
)
from trio_binance_uds.sandbox import open_sandbox

SHARE = Decimal("0.1")
REJECTED, NOT_OPEN, NO_SUCH_ORDER = -2010, -2011, -2013
ENDED = {"CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"}


class Copier:
    def __init__(self, follower: UserDataStream) -> None:
        self._follower = follower

    async def heed(self, report: ExecutionReport) -> None:
        """Do for the follower what the leader has done."""
        copy_id = f"copy-{report.order_id}"
        if report.execution_type == "NEW" and report.order_type == "LIMIT":
            order = {
                "symbol": report.symbol,
                "side": str(report.side),
                "type": "LIMIT",
                "timeInForce": str(report.time_in_force),
                "price": f"{report.order_price:f}",
                "quantity": f"{(report.order_quantity * SHARE).normalize():f}",
                "newClientOrderId": copy_id,
            }
            await self._ask("order.place", order, unless=REJECTED)
        elif report.order_status in ENDED:
            order = {"symbol": report.symbol, "origClientOrderId": copy_id}
            await self._ask("order.cancel", order, unless=NOT_OPEN)

    async def _ask(self, method: str, order: dict[str, str], *, unless: int) -> None:
        while True:
            try:
                await self._follower.request(method, order)
            except ApiError as error:
                if error.code != unless:
                    raise
                print(f"{method} was refused, {order}: {error.msg}")
            except NotConnected:
                await trio.sleep(1)  # nothing was sent
                continue
            except OutcomeUnknown:
                if method == "order.place" and not await self._is_placed(order):
                    continue
            return

    async def _is_placed(self, order: dict[str, str]) -> bool:
        """Look up an order whose placement was not answered."""
        looked_up = {
            "symbol": order["symbol"],
            "origClientOrderId": order["newClientOrderId"],
        }
        while True:
            await trio.sleep(2)  # a query can lag behind
            try:
                await self._follower.request("order.status", looked_up)
            except ApiError as error:
                if error.code != NO_SUCH_ORDER:
                    raise
                return False
            except (NotConnected, OutcomeUnknown):
                continue
            return True


async def copy(
    leader: Credentials,
    follower: Credentials,
    reports: trio.MemorySendChannel[ExecutionReport],
    *,
    task_status: trio.TaskStatus[None],
    **there,
) -> None:
    """Copy until cancelled; the reports of the copies go to a channel."""
    async with (
        open_user_data_stream(leader, SPOT, name="leader", **there) as of,
        open_user_data_stream(follower, SPOT, name="follower", **there) as to,
        trio.open_nursery() as nursery,
    ):
        nursery.start_soon(pass_on, to, reports)
        copier = Copier(to)
        task_status.started()
        async for item in of:
            if isinstance(item, ExecutionReport):
                await copier.heed(item)
            elif isinstance(item, Gap) and not item.complete:
                print("compare both accounts by hand:", item.detail)


async def pass_on(
    stream: UserDataStream, reports: trio.MemorySendChannel[ExecutionReport]
) -> None:
    """Read the follower's stream too: unread, its buffer would fill up."""
    async for item in stream:
        if isinstance(item, ExecutionReport):
            await reports.send(item)


async def main() -> None:
    """Show it in the sandbox: one order is placed, and cancelled unseen."""
    async with open_sandbox() as sandbox, trio.open_nursery() as nursery:
        there = {"environment": sandbox.environment, "network": sandbox.network}
        leader = sandbox.add_account(balances={"USDT": "90000"})
        follower = sandbox.add_account(balances={"USDT": "9000"})
        send, receive = trio.open_memory_channel[ExecutionReport](0)
        copying = partial(copy, **there)
        await nursery.start(copying, leader.credentials, follower.credentials, send)

        bid = {"symbol": "BTCUSDT", "side": "BUY", "price": "50000", "quantity": "0.5"}
        leader.call("order.place", {**bid, "type": "LIMIT", "timeInForce": "GTC"})
        async for report in receive:
            quantity = report.order_quantity.normalize()
            print(f"copy: {report.side} {quantity} BTCUSDT is {report.order_status}")
            if report.order_status == "CANCELED":
                break
            sandbox.faults.cut(sandbox.connections[0])  # that of the leader
            leader.call("openOrders.cancelAll", symbol="BTCUSDT")
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
