"""ccxt pro: ``watch_orders`` returns lists of its own orders, with floats."""

import asyncio

import ccxt.pro
from harness import Meter, measure_requests, plan

PAIRS = (("BTC", "USDT"), ("ETH", "USDT"), ("SOL", "USDC"), ("LINK", "BTC"), ("DOGE", "USDT"))
CODES = ("BTC", "ETH", "SOL", "LINK", "DOGE", "USDT", "USDC", "BNB")


def markets():
    return [
        {
            "id": base + quote, "symbol": f"{base}/{quote}", "base": base, "quote": quote, "baseId": base,
            "quoteId": quote, "type": "spot", "spot": True, "margin": False, "swap": False, "future": False,
            "option": False, "contract": False, "active": True, "linear": None, "inverse": None,
            "precision": {"amount": 1e-8, "price": 1e-8}, "limits": {"amount": {}, "price": {}, "cost": {}},
            "info": {"orderTypes": ["LIMIT", "MARKET"]},
        }
        for base, quote in PAIRS
    ]  # fmt: skip


async def main():
    wanted = plan()
    key = {"apiKey": wanted["api_key"], "secret": wanted["secret"]}
    exchange = ccxt.pro.binance(key | {"enableRateLimit": False, "newUpdates": True})
    exchange.urls["api"]["ws"]["ws-api"]["spot"] = wanted["url"]
    exchange.set_markets(markets(), {code: {"id": code, "code": code, "precision": 1e-8} for code in CODES})
    exchange.options["watchOrders"] = {"fetchOrdersSnapshot": False}
    exchange.options["fetchBalanceSnapshot"] = False
    if wanted["url"].startswith("wss:"):
        exchange.cafile = wanted["cafile"]
    if wanted["case"] == "requests":

        async def call(number):
            return await exchange.create_order_ws("BTC/USDT", "limit", "sell", 0.00847, 23416.1)

        await measure_requests(call)
        await exchange.close()
        return
    await exchange.authenticate({"type": "spot"})
    meter = Meter(lambda order: order["info"]["c"])
    meter.connected()
    while not meter.done:
        for order in await exchange.watch_orders():
            if meter.see(order):
                pause = meter.turned()
                if pause:
                    await asyncio.sleep(pause)
    await exchange.close()


asyncio.run(main())
