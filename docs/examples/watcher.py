"""Watch several accounts in one place, and say so when one of them cannot be seen."""

from __future__ import annotations

from functools import partial

import trio

from trio_binance_uds import (
    SPOT,
    USDM_FUTURES,
    Credentials,
    Disconnected,
    Event,
    ExecutionReport,
    Gap,
    Notice,
    OrderTradeUpdate,
    Product,
    open_user_data_stream,
)
from trio_binance_uds.sandbox import open_sandbox

Item = Event | Notice


async def watch(
    name: str,
    product: Product,
    credentials: Credentials,
    deliver: trio.MemorySendChannel[Item],
    *,
    task_status: trio.TaskStatus[None],
    **there,
) -> None:
    """Pass on what an account brings; ``nursery.start`` waits for the subscription."""
    async with open_user_data_stream(
        credentials, product, name=name, **there
    ) as stream:
        task_status.started()
        async for item in stream:
            await deliver.send(item)


def described(item: Item) -> str | None:
    """Return a line for people, or None for what is of no interest here."""
    match item:
        case ExecutionReport(execution_type="TRADE", last_executed_quantity=filled):
            line = f"{item.side} {filled.normalize()} {item.symbol}"
        case OrderTradeUpdate(execution_type="TRADE", last_filled_quantity=filled):
            line = f"{item.side} {filled.normalize()} {item.symbol}"
        case ExecutionReport() | OrderTradeUpdate():
            line = f"order on {item.symbol} is {item.order_status}"
        case Disconnected(cause=cause):
            return f"BLIND: {cause}"
        case Gap(complete=True, recovered=recovered):
            return f"sees again, and has missed {recovered} events:"
        case Gap(detail=detail):
            return f"sees again, but LOOK: {detail}"
        case _:
            return None
    return f"{line} (missed before)" if item.recovered else line


async def report(items: trio.MemoryReceiveChannel[Item], ends_with: str) -> None:
    async for item in items:
        if line := described(item):
            print(f"{item.stream:6}{line}")
            if line == ends_with:
                return


async def main() -> None:
    """Show it in the sandbox, for two accounts; one of them is cut off."""
    async with open_sandbox() as sandbox, trio.open_nursery() as nursery:
        there = {"environment": sandbox.environment, "network": sandbox.network}
        alice = sandbox.add_account(balances={"USDT": "90000"})
        bob = sandbox.add_account(usdm={"USDT": "90000"})
        send, receive = trio.open_memory_channel[Item](0)
        start = partial(nursery.start, partial(watch, **there))
        await start("alice", SPOT, alice.credentials, send)
        await start("bob", USDM_FUTURES, bob.credentials, send)

        bid = {"symbol": "BTCUSDT", "side": "BUY", "price": "50000", "quantity": "0.1"}
        bid |= {"type": "LIMIT", "timeInForce": "GTC"}
        bob.call("POST /fapi/v1/order", bid)
        await report(receive, ends_with="order on BTCUSDT is NEW")
        alice.call("order.place", bid)
        await report(receive, ends_with="order on BTCUSDT is NEW")
        sandbox.faults.cut(sandbox.connections[0])  # that of alice, unseen by her:
        seller = sandbox.add_account(balances={"BTC": "1"})
        seller.call("order.place", {**bid, "side": "SELL"})
        await report(receive, ends_with="BUY 0.1 BTCUSDT (missed before)")
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
