"""unicorn-binance-websocket-api: an asyncio queue of dictionaries, filled by a thread of its own.

Requests are not measured: it notes that it waits for an answer after it has sent the request, and so waits for ever
for one that comes at once, as on one machine it does.
"""

import asyncio
import logging

import unicorn_binance_websocket_api as unicorn
from harness import Meter, plan

logging.getLogger("unicorn_binance_websocket_api").setLevel(logging.CRITICAL)


async def main():
    wanted = plan()
    meter = Meter(lambda event: event["event"]["c"])

    async def process(stream_id=None):
        while not meter.done:
            event = await ubwa.get_stream_data_from_asyncio_queue(stream_id)
            if "event" in event and meter.see(event):
                pause = meter.turned()
                if pause:
                    await asyncio.sleep(pause)
            ubwa.asyncio_queue_task_done(stream_id)

    ubwa = unicorn.BinanceWebSocketApiManager(
        exchange="binance.com", websocket_api_base_uri=wanted["url"], output_default="dict", warn_on_update=False
    )
    ubwa.create_stream(
        ["arr"], ["!userData"], api_key=wanted["api_key"], api_secret=wanted["secret"], process_asyncio_queue=process
    )
    await asyncio.sleep(2)
    meter.connected()
    await asyncio.Event().wait()  # the runner ends the process


asyncio.run(main())
