"""python-binance: ``recv`` returns a dictionary with strings."""

import asyncio
import logging

from binance import AsyncClient, BinanceSocketManager
from harness import Meter, measure_requests, plan, reading, say

logging.getLogger().setLevel(logging.CRITICAL)


async def connect(wanted):
    client = AsyncClient(api_key=wanted["api_key"], api_secret=wanted["secret"])
    client.ws_api._url = wanted["url"]
    socket = BinanceSocketManager(client).user_socket()
    await socket.__aenter__()
    return client, socket


async def main():
    wanted = plan()
    client, socket = await connect(wanted)
    if wanted["case"] == "requests":

        async def call(number):
            return await client.ws_create_order(
                symbol="BTCUSDT", side="SELL", type="LIMIT", timeInForce="GTC", price="23416.10", quantity="0.00847"
            )

        await measure_requests(call)
        return
    if wanted["case"] == "accounts":
        say(connected=True, **reading())
        kept = [await connect(wanted) for _ in range(wanted["accounts"])]
        await asyncio.sleep(0.5)
        say(stage="accounts", done=True, accounts=len(kept), **reading())
        return
    meter = Meter(lambda event: event["c"])
    meter.connected()
    while not meter.done:
        if meter.see(await socket.recv()):
            pause = meter.turned()
            if pause:
                await asyncio.sleep(pause)


asyncio.run(main())
