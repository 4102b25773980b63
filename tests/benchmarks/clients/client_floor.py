"""The floors: a trio socket of which everything is read and nothing understood, or frames parsed to a dictionary."""

import hashlib
import hmac
import json
import os
import ssl
import time
from urllib.parse import urlsplit

import trio
from harness import Meter, measure_requests, plan

MARK = b'"e":"executionReport"'
STAMP = b'"c":"'
ORDER = (
    '{"id":%d,"method":"order.place","params":{"symbol":"BTCUSDT","side":"SELL","type":"LIMIT","timeInForce":"GTC",'
    '"price":"23416.10000000","quantity":"0.00847000","newClientOrderId":"floor-%d","timestamp":%d}}'
)


def masked(text):
    payload, key = text.encode(), os.urandom(4)
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    mask = (key * (size // 4 + 1))[:size]
    return head + key + (int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")).to_bytes(size, "big")


def frames(data):
    """Yield the payloads of the frames that are whole, and last the bytes that are left."""
    at, end = 0, len(data)
    while at + 4 <= end:
        size, head = data[at + 1], at + 2
        if size == 126:
            size, head = int.from_bytes(data[head : head + 2], "big"), head + 2
        if head + size > end:
            break
        yield data[head : head + size]
        at = head + size
    return data[at:]


async def connect(wanted):
    parts = urlsplit(wanted["url"])
    stream = await trio.open_tcp_stream(parts.hostname, parts.port)
    if parts.scheme == "wss":
        context = ssl.create_default_context(cafile=wanted["cafile"])
        stream = trio.SSLStream(stream, context, server_hostname="localhost", https_compatible=True)
    await stream.send_all(
        b"GET /ws-api/v3 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    assert b"101" in await stream.receive_some()
    text = f"apiKey=k&timestamp={time.time_ns() // 1_000_000}"
    signature = hmac.new(b"secret", text.encode(), hashlib.sha256).hexdigest()
    params = {"apiKey": "k", "timestamp": 1, "signature": signature}
    await stream.send_all(
        masked(json.dumps({"id": 1, "method": "userDataStream.subscribe.signature", "params": params}))
    )
    assert b"subscriptionId" in await stream.receive_some()
    return stream


async def read_only(stream, meter):
    """Count events by a mark in their bytes; one that is cut in two by a read is found as well."""
    tail = b""
    while not meter.done:
        data = await stream.receive_some(65536)
        found = data.count(MARK) + ((tail + data[: len(MARK) - 1]).count(MARK))
        tail = data[-len(MARK) + 1 :]
        if found:
            meter.count += found - 1
            if meter.see(data):
                meter.turned()


async def read_stamps(stream, meter):
    """The same for events that come one at a time, and so whole."""
    while not meter.done:
        data = await stream.receive_some(65536)
        for piece in data.split(STAMP)[1:]:
            if meter.see(piece):
                meter.turned()


async def parse_json(stream, meter):
    rest = b""
    while True:
        data = await stream.receive_some(65536)
        pieces = frames(rest + data if rest else data)
        while True:
            try:
                payload = next(pieces)
            except StopIteration as end:
                rest = end.value
                break
            if meter.see(json.loads(payload)["event"]):
                pause = meter.turned()
                if pause:
                    await trio.sleep(pause)
                if meter.done:
                    return


async def call_orders(stream):
    """Write requests and read answers with nothing in between: one writer's worth of each."""
    waiting = {}
    sent = 10

    async def read():
        rest = b""
        while True:
            pieces = frames(rest + await stream.receive_some(65536))
            while True:
                try:
                    answer = json.loads(next(pieces))
                except StopIteration as end:
                    rest = end.value
                    break
                waiting.pop(answer["id"]).set()

    async def call(number):
        nonlocal sent
        sent += 1
        mine = sent
        waiting[mine] = event = trio.Event()
        async with lock:
            await stream.send_all(masked(ORDER % (mine, mine, time.time_ns() // 1_000_000)))
        await event.wait()

    async def gather(work, arguments):
        async with trio.open_nursery() as inner:
            for argument in arguments:
                inner.start_soon(work, argument)

    lock = trio.Lock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await measure_requests(call, gather=gather)
        nursery.cancel_scope.cancel()


async def main():
    wanted = plan()
    stream = await connect(wanted)
    if wanted["case"] == "requests":
        await call_orders(stream)
    elif wanted["variant"] == "recv":
        meter = Meter(lambda piece: piece[:19])
        meter.connected()
        await (read_stamps if meter.plan.get("latency") else read_only)(stream, meter)
    else:
        meter = Meter(lambda event: event["c"])
        meter.connected()
        await parse_json(stream, meter)


trio.run(main)
