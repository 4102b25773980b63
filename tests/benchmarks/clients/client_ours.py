"""This library: typed events with exact amounts, in the user's ``async for``."""

import ssl

import trio
from harness import Meter, measure_requests, plan, reading, say

from trio_binance_uds import SPOT, TESTNET, Credentials, ExecutionReport, Gap, Network, open_user_data_stream

ORDER = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "23416.10000000",
    "quantity": "0.00847000",
}


def door():
    wanted = plan()
    network = Network()
    if wanted["url"].startswith("wss:"):
        network = Network(ssl_context=ssl.create_default_context(cafile=wanted["cafile"]))
    environment = TESTNET.override(spot_ws_api=wanted["url"], spot_rest=wanted["rest"])
    if wanted.get("key") == "ed25519":
        credentials = Credentials.from_file(wanted["api_key"], wanted["pem"])
    else:
        credentials = Credentials.from_secret(wanted["api_key"], wanted["secret"])
    return open_user_data_stream(credentials, SPOT, environment=environment, network=network)


async def follow(stream, meter):
    async for event in stream:
        if isinstance(event, ExecutionReport):
            if meter.see(event):
                pause = meter.turned()
                if pause:
                    await trio.sleep(pause)
                if meter.done:
                    return
        elif isinstance(event, Gap):
            meter.shed += event.shed


async def call_orders(stream):
    async def call(number):
        return await stream.request("order.place", ORDER)

    async def gather(work, arguments):
        async with trio.open_nursery() as nursery:
            for argument in arguments:
                nursery.start_soon(work, argument)

    await measure_requests(call, gather=gather)


async def open_accounts(number):
    """Open streams one inside the other, and read each."""
    if number == 0:
        await trio.sleep(0.5)
        say(stage="accounts", done=True, **reading())
        return
    async with door():
        await open_accounts(number - 1)


async def main():
    wanted = plan()
    async with door() as stream:
        if wanted["case"] == "requests":
            await call_orders(stream)
        elif wanted["case"] == "accounts":
            say(connected=True, **reading())
            await open_accounts(wanted["accounts"])
        else:
            meter = Meter(lambda event: event.client_order_id)
            meter.connected()
            await follow(stream, meter)


trio.run(main)
