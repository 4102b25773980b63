"""nautilus_trader: its WebSocket transport and its schemas, without the trading engine around them.

The adapter as a whole cannot be run without an engine, a cache and instruments, which would be measured along; so
this does what its message handler does until it has the typed order update.
"""

import asyncio
import time

import msgspec
from harness import Meter, plan
from nautilus_trader.adapters.binance.spot.schemas.user import BinanceSpotOrderUpdateWrapper, BinanceSpotUserMsgWrapper
from nautilus_trader.core.nautilus_pyo3 import WebSocketClient, WebSocketConfig


async def main():
    wanted = plan()
    first, second = msgspec.json.Decoder(BinanceSpotUserMsgWrapper), msgspec.json.Decoder(BinanceSpotOrderUpdateWrapper)
    meter = Meter(lambda update: update.c)
    finished = asyncio.Event()

    def handler(raw):
        if first.decode(raw).data.e is not None and meter.see(second.decode(raw).data):
            pause = meter.turned()
            if pause:
                time.sleep(pause)
            if meter.done:
                loop.call_soon_threadsafe(finished.set)

    loop = asyncio.get_running_loop()
    url = wanted["url"].replace("/ws-api/v3", "/stream?streams=key")
    config = WebSocketConfig(url=url, handler=handler, heartbeat=60, headers=[])
    client = await WebSocketClient.connect(config)
    meter.connected()
    await finished.wait()
    del client


asyncio.run(main())
