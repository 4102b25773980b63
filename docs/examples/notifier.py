"""Send a message for each fill, and whenever somebody has to look.

Messages go to a web hook, here a made-up one. A slow or broken web hook must never hold
up the stream: a task of its own sends, and what it cannot send in time is counted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import httpx
import trio

from trio_binance_uds import (
    SPOT,
    Credentials,
    Event,
    ExecutionReport,
    Gap,
    Notice,
    StreamFailed,
    Unproven,
    UserDataStream,
    open_user_data_stream,
)
from trio_binance_uds.sandbox import open_sandbox

BLIND_TOO_LONG = timedelta(minutes=1)
Post = Callable[[str], Awaitable[None]]


def message_about(item: Event | Notice) -> str | None:
    match item:
        case ExecutionReport(execution_type="TRADE", last_executed_quantity=quantity):
            price = item.last_executed_price
            done = f"{item.side} {quantity.normalize()} {item.symbol} at {price:.2f}"
            return f"{done}, order {item.order_status}"
        case Gap(complete=False, detail=detail):
            return f"Look at your account, something may be missing: {detail}"
        case Unproven(detail=detail):
            return f"Nobody can say whether events still arrive: {detail}"
        case _:
            return None


class Notifier:
    def __init__(self, post: Post) -> None:
        self._post = post
        self._send, self._receive = trio.open_memory_channel[str](100)
        self._left_out = 0

    def say(self, message: str) -> None:
        try:
            self._send.send_nowait(message)
        except trio.WouldBlock:
            self._left_out += 1

    async def send_all(self) -> None:
        async for message in self._receive:
            count, self._left_out = self._left_out, 0
            more = f" ({count} messages before this were left out)" if count else ""
            try:
                with trio.fail_after(10):
                    await self._post(message + more)
            except (httpx.HTTPError, trio.TooSlowError):
                self._left_out += count + 1

    async def warn_when_blind(self, stream: UserDataStream) -> None:
        said = False
        while True:
            await trio.sleep(5)
            since = stream.blind_since
            too_long = since is not None and stream.now() - since > BLIND_TOO_LONG
            if too_long and not said:
                self.say(f"Blind since {since:%H:%M:%S}: orders may be filled unseen")
            elif said and not too_long:
                self.say("Sees again")
            said = too_long


async def notify(
    credentials: Credentials,
    post: Post,
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    **there,
) -> None:
    notifier = Notifier(post)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(notifier.send_all)
        try:
            async with (
                open_user_data_stream(credentials, SPOT, **there) as stream,
                trio.open_nursery() as beside,
            ):
                beside.start_soon(notifier.warn_when_blind, stream)
                task_status.started()
                async for item in stream:
                    if message := message_about(item):
                        notifier.say(message)
        except* StreamFailed as group:
            await post(f"It is over: {group.exceptions[0]}")


async def main() -> None:
    """Show it in the sandbox, with a web hook that prints."""

    def web_hook(request: httpx.Request) -> httpx.Response:
        print(request.content.decode())
        received.set()
        return httpx.Response(204)

    received = trio.Event()
    transport = httpx.MockTransport(web_hook)
    async with (
        open_sandbox() as sandbox,
        httpx.AsyncClient(transport=transport) as http,
        trio.open_nursery() as nursery,
    ):

        async def post(text: str) -> None:
            await http.post("https://hooks.example.org/mine", content=text)

        there = {"environment": sandbox.environment, "network": sandbox.network}
        account = sandbox.add_account(balances={"USDT": "90000"})
        await nursery.start(partial(notify, account.credentials, post, **there))
        bid = {"symbol": "BTCUSDT", "side": "BUY", "price": "50000", "quantity": "0.1"}
        bid |= {"type": "LIMIT", "timeInForce": "GTC"}
        seller = sandbox.add_account(balances={"BTC": "1"})
        account.call("order.place", bid)
        seller.call("order.place", {**bid, "side": "SELL"})
        await received.wait()
        nursery.cancel_scope.cancel()


if __name__ == "__main__":
    trio.run(main)
