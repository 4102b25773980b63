"""The official SDK: a callback gets a pydantic model with strings."""

import asyncio
import logging
import ssl
import time

from binance_common.configuration import ConfigurationWebSocketAPI
from binance_sdk_spot.spot import Spot
from harness import Meter, measure_requests, plan, reading, say

logging.getLogger().setLevel(logging.ERROR)


async def connect(wanted):
    key = {"private_key": wanted["pem"]} if wanted.get("key") == "ed25519" else {"api_secret": wanted["secret"]}
    tls = ssl.create_default_context(cafile=wanted["cafile"]) if wanted["url"].startswith("wss:") else None
    configuration = ConfigurationWebSocketAPI(
        api_key=wanted["api_key"], stream_url=wanted["url"], https_agent=tls, **key
    )
    connection = await Spot(config_ws_api=configuration).websocket_api.create_connection()
    if wanted.get("key") == "ed25519":
        await connection.session_logon()
        subscribed = await connection.user_data_stream_subscribe()
    else:
        subscribed = await connection.user_data_stream_subscribe_signature()
    return connection, subscribed.stream


async def main():
    wanted = plan()
    connection, stream = await connect(wanted)
    if wanted["case"] == "requests":

        async def call(number):
            answer = await connection.order_place(
                symbol="BTCUSDT", side="SELL", type="LIMIT", time_in_force="GTC", price=23416.1, quantity=0.00847
            )
            return answer.data()

        await measure_requests(call)
        return
    if wanted["case"] == "accounts":
        say(connected=True, **reading())
        kept = [await connect(wanted) for _ in range(wanted["accounts"])]
        await asyncio.sleep(0.5)
        say(stage="accounts", done=True, accounts=len(kept), **reading())
        return
    meter = Meter(lambda event: event.actual_instance.c)
    finished = asyncio.Event()

    def on_message(event):
        if meter.see(event):
            pause = meter.turned()
            if pause:
                time.sleep(pause)  # a callback has no other way to take its time
            if meter.done:
                finished.set()

    stream.on("message", on_message)
    meter.connected()
    await finished.wait()


asyncio.run(main())
