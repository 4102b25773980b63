"""Payloads of the events of every product but spot, each with every field that it can have; all values are our own."""

from __future__ import annotations

from typing import Any

LISTEN_KEY = "key-that-nobody-may-see"

UM_ORDER: dict[str, Any] = {
    "s": "LINKUSDT",
    "c": "hedge-204",
    "S": "SELL",
    "o": "LIMIT",
    "f": "GTD",
    "q": "41.30",
    "p": "17.455",
    "ap": "17.4562",
    "sp": "17.401",
    "x": "TRADE",
    "X": "PARTIALLY_FILLED",
    "i": 9007199254741993,
    "l": "11.30",
    "z": "21.30",
    "L": "17.456",
    "N": "BNB",
    "n": "0.00013877",
    "T": 1782907200456,
    "t": 660712,
    "b": "35.20",
    "a": "349.10",
    "m": True,
    "R": True,
    "wt": "MARK_PRICE",
    "ot": "TRAILING_STOP_MARKET",
    "ps": "SHORT",
    "cp": False,
    "AP": "17.900",
    "cr": "0.8",
    "pP": True,
    "si": 0,
    "ss": 0,
    "rp": "-3.05200000",
    "V": "EXPIRE_BOTH",
    "pm": "QUEUE_5",
    "gtd": 1782993600000,
    "er": "4",
    "M": "second-thought",
}
CM_ORDER: dict[str, Any] = {
    **{key: value for key, value in UM_ORDER.items() if key not in ("si", "ss", "gtd")},
    "s": "LINKUSD_PERP",
    "ma": "LINK",
    "er": "11",
}
PM_ORDER: dict[str, Any] = {
    **{
        key: value
        for key, value in UM_ORDER.items()
        if key not in ("wt", "ot", "cp", "AP", "cr", "pP", "pm", "er", "ss", "si")
    },
    "st": "C_STOP_MARKET",
    "si": 70415,
}
ALGO_ORDER: dict[str, Any] = {
    "caid": "guard-9",
    "aid": 3300127,
    "at": "CONDITIONAL",
    "o": "TRAILING_STOP_MARKET",
    "s": "LINKUSDT",
    "S": "BUY",
    "ps": "LONG",
    "f": "GTC",
    "q": "5.25",
    "X": "TRIGGERED",
    "ai": "9223372036854775807",
    "ap": "18.02000",
    "aq": "1.25000",
    "act": "MARKET",
    "tp": "18.010",
    "p": "0.000",
    "V": "EXPIRE_TAKER",
    "wt": "CONTRACT_PRICE",
    "pm": "OPPONENT_10",
    "cp": False,
    "pP": True,
    "R": False,
    "tt": 1782907200441,
    "gtd": 1782993600001,
    "rm": "Margin is insufficient",
    "ia": True,
}
POSITION: dict[str, Any] = {
    "s": "LINKUSDT",
    "pa": "-20.50",
    "ep": "17.4011",
    "bep": "17.3902",
    "cr": "12.70500000",
    "up": "-0.41250000",
    "mt": "isolated",
    "iw": "88.10000000",
    "ps": "SHORT",
    "ma": "USDC",
}
BALANCES: list[dict[str, Any]] = [
    {"a": "USDC", "wb": "1204.55000000", "cw": "1116.45000000", "bc": "-20.00000000"},
    {"a": "BNB", "wb": "0.81000000", "cw": "0.81000000", "bc": "0"},
]
CALLED: dict[str, Any] = {
    "s": "LINKUSDT",
    "ps": "BOTH",
    "pa": "730.1",
    "mt": "CROSSED",
    "iw": "0",
    "mp": "15.00210000",
    "up": "-901.15000000",
    "mm": "55.70110000",
}
STRATEGY: dict[str, Any] = {
    "si": 81200044,
    "st": "GRID",
    "ss": "WORKING",
    "s": "LINKUSDT",
    "ut": 1782907200400,
    "c": 8007,
}
GRID: dict[str, Any] = {
    "si": 81200044,
    "st": "GRID",
    "ss": "CANCELLED",
    "s": "LINKUSDT",
    "r": "-0.01250000",
    "up": "17.4",
    "uq": "-3.2",
    "uf": "-0.00111360",
    "mp": "0.31",
    "ut": 1782907200401,
}
CONDITIONAL_ORDER: dict[str, Any] = {
    "s": "LINKUSD_PERP",
    "c": "fence-2",
    "si": 70416,
    "S": "BUY",
    "st": "STOP",
    "f": "GTC",
    "q": "12",
    "p": "18.200",
    "sp": "18.150",
    "os": "TRIGGERED",
    "T": 1782907100000,
    "ut": 1782907200455,
    "R": True,
    "wt": "MARK_PRICE",
    "ps": "BOTH",
    "cp": False,
    "AP": "18.000",
    "cr": "1.2",
    "i": 9007199254741995,
    "V": "NONE",
    "gtd": 1782993600002,
}


def futures(name: str, **members: Any) -> dict[str, Any]:
    return {"e": name, "E": 1782907200457, "T": 1782907200456, **members}


def without_time(name: str, **members: Any) -> dict[str, Any]:
    return {"e": name, "E": 1782907200457, **members}


LISTEN_KEY_EXPIRED = {"e": "listenKeyExpired", "E": 1782907700001, "listenKey": LISTEN_KEY}

SPOT_LIKE: dict[str, dict[str, Any]] = {
    "executionReport": without_time(
        "executionReport",
        s="LINKUSDT", c="carry-3", S="BUY", o="LIMIT", f="GTC", q="9.10", p="17.010", P="0.000", F="0.00", g=-1, C="",
        x="TRADE", X="FILLED", r="NONE", i=5500120, l="9.10", z="9.10", L="17.009", n="0.00910000", N="LINK",
        T=1782907200456, t=88123, I=1901234, w=False, m=False, O=1782907100001, Z="154.78190000", Y="154.78190000",
        Q="0.00", V="EXPIRE_MAKER", W=1782907100002, d=250, D=1782907100003, j=9007199254740993, J=1000007, v=31,
        A="0.30", B="0.10", u=4, U=5500099, Cs="LINKUSDC", pl="0.11", pL="16.999", pY="1.86989",
        b="ONE_PARTY_TRADE_REPORT", a=612, k="SOR", uS=True, gP="MARKET_PEG", gOT="PRICE_LEVEL", gOV=3, gp="17.010",
        eR="INSUFFICIENT_LIQUIDITY",
    ),
    "outboundAccountPosition": without_time(
        "outboundAccountPosition", u=1782907200456, B=[{"a": "LINK", "f": "9.10", "l": "0.00"}]
    ),
    "balanceUpdate": without_time("balanceUpdate", a="LINK", d="-2.50", T=1782907200455),
    "listStatus": without_time(
        "listStatus", s="LINKUSDT", g=41, c="OCO", l="EXEC_STARTED", L="EXECUTING", r="NONE", C="list-41",
        T=1782907200456, O=[{"s": "LINKUSDT", "i": 5500121, "c": "leg-1"}],
    ),
}  # fmt: skip

USDM: dict[str, dict[str, Any]] = {
    "ORDER_TRADE_UPDATE": futures("ORDER_TRADE_UPDATE", o=UM_ORDER),
    "TRADE_LITE": futures(
        "TRADE_LITE", s="LINKUSDT", q="41.30", p="17.455", m=True, c="hedge-204", S="SELL", L="17.456", l="11.30",
        t=660712, i=9007199254741993,
    ),
    "ACCOUNT_UPDATE": futures(
        "ACCOUNT_UPDATE", a={"m": "FUNDING_FEE", "S": "LINKUSDT", "B": BALANCES, "P": [POSITION]}
    ),
    "ACCOUNT_CONFIG_UPDATE": futures(
        "ACCOUNT_CONFIG_UPDATE", ac={"s": "LINKUSDT", "l": 12}, ai={"j": False}
    ),
    "MARGIN_CALL": without_time("MARGIN_CALL", cw="740.10000000", p=[CALLED]),
    "ALGO_UPDATE": futures("ALGO_UPDATE", o=ALGO_ORDER),
    "CONDITIONAL_ORDER_TRIGGER_REJECT": futures(
        "CONDITIONAL_ORDER_TRIGGER_REJECT", **{"or": {"s": "LINKUSDT", "i": 9007199254741993, "r": "Would trigger."}}
    ),
    "STRATEGY_UPDATE": futures("STRATEGY_UPDATE", su=STRATEGY),
    "GRID_UPDATE": futures("GRID_UPDATE", gu=GRID),
    "listenKeyExpired": LISTEN_KEY_EXPIRED,
}  # fmt: skip

COINM: dict[str, dict[str, Any]] = {
    "ORDER_TRADE_UPDATE": futures("ORDER_TRADE_UPDATE", i="XyAl", o=CM_ORDER),
    "ACCOUNT_UPDATE": {**USDM["ACCOUNT_UPDATE"], "i": "XyAl"},
    "ACCOUNT_CONFIG_UPDATE": futures("ACCOUNT_CONFIG_UPDATE", ac={"s": "LINKUSD_PERP", "l": 12}),
    "MARGIN_CALL": {**USDM["MARGIN_CALL"], "i": "XyAl"},
    "ALGO_UPDATE": futures("ALGO_UPDATE", ao=ALGO_ORDER),
    "STRATEGY_UPDATE": USDM["STRATEGY_UPDATE"],
    "GRID_UPDATE": USDM["GRID_UPDATE"],
    "listenKeyExpired": LISTEN_KEY_EXPIRED,
}

OPTIONS: dict[str, dict[str, Any]] = {
    "ACCOUNT_UPDATE": futures(
        "ACCOUNT_UPDATE", eq="5021.10", aeq="5030.20", b="5044.00", m="-22.90", u="3.70", i="410.55", M="81.05"
    ),
    "BALANCE_POSITION_UPDATE": futures(
        "BALANCE_POSITION_UPDATE",
        m="ORDER",
        B=[{"a": "USDT", "b": "5044.00000000", "bc": "0"}],
        P=[{"s": "ETH-260925-4200-P", "c": "-0.3000", "p": "-22.90", "a": "88.60"}],
    ),
    "GREEK_UPDATE": futures(
        "GREEK_UPDATE", G=[{"u": "ETHUSDT", "d": "0.1102", "g": "-0.0009", "t": "3.4410", "v": "-1.9"}]
    ),
    "ORDER_TRADE_UPDATE": futures(
        "ORDER_TRADE_UPDATE",
        o={
            "s": "ETH-260925-4200-P", "c": "wing-1", "S": "SELL", "o": "LIMIT", "f": "GTX", "q": "0.5000", "p": "88.60",
            "ap": "88.60", "x": "TRADE", "X": "PARTIALLY_FILLED", "i": 4611875134427365999, "l": "0.3000",
            "z": "0.3000", "L": "88.60", "N": "USDT", "n": "-0.04100000", "T": 1782907200456, "t": 77, "b": "0",
            "a": "0.2000", "m": True, "R": False, "ot": "LIMIT", "rp": "1.10", "V": "EXPIRE_MAKER",
        },
    ),
    "RISK_LEVEL_CHANGE": without_time("RISK_LEVEL_CHANGE", s="REDUCE_ONLY", mb="412.10", mm="399.05"),
    "listenKeyExpired": {**LISTEN_KEY_EXPIRED, "E": "1782907700001"},
}  # fmt: skip

MARGIN: dict[str, dict[str, Any]] = {
    **SPOT_LIKE,
    "executionReport": {**SPOT_LIKE["executionReport"], "M": True},
    "eventStreamTerminated": {"e": "eventStreamTerminated", "E": 1782907500001},
    "serverShutdown": {"e": "serverShutdown", "E": 1782907600001},
}

MARGIN_RISK: dict[str, dict[str, Any]] = {
    "MARGIN_LEVEL_STATUS_CHANGE": without_time("MARGIN_LEVEL_STATUS_CHANGE", l="1.23", s="MARGIN_CALL"),
    "USER_LIABILITY_CHANGE": without_time(
        "USER_LIABILITY_CHANGE", a="LINK", t="BORROW", p="4.00000000", i="0.00002100"
    ),
    "listenKeyExpired": {**LISTEN_KEY_EXPIRED, "E": "1782907700001"},
}

UNIFIED_LIABILITY_CHANGE = without_time(
    "liabilityChange",
    t="DEBT_CHANGE",
    L=[{"a": "LINK", "p": "4.00", "i": "0.00002100"}, {"a": "USDC", "p": "0", "i": "0"}],
)

MARGIN_LISTEN_KEY: dict[str, dict[str, Any]] = {
    **MARGIN,
    **MARGIN_RISK,
    "marginLevelChange": without_time("marginLevelChange", l="1.31", s="NORMAL"),
    "liabilityChange": UNIFIED_LIABILITY_CHANGE,
}

RISK_LEVEL_CHANGE = without_time("riskLevelChange", u="1.14", s="MARGIN_CALL", eq="830.10", ae="841.55", m="728.16")

PORTFOLIO_MARGIN: dict[str, dict[str, Any]] = {
    **SPOT_LIKE,
    "ORDER_TRADE_UPDATE": futures("ORDER_TRADE_UPDATE", fs="UM", i="", o=PM_ORDER),
    "ACCOUNT_UPDATE": futures(
        "ACCOUNT_UPDATE",
        fs="CM",
        i="XyAl",
        a={
            "m": "ORDER",
            "B": BALANCES,
            "P": [{key: value for key, value in POSITION.items() if key not in ("mt", "iw", "ma")}],
        },
    ),
    "ACCOUNT_CONFIG_UPDATE": futures("ACCOUNT_CONFIG_UPDATE", fs="UM", ac={"s": "LINKUSDT", "l": 12}),
    "ALGO_UPDATE": futures("ALGO_UPDATE", fs="UM", ao=ALGO_ORDER),
    "CONDITIONAL_ORDER_TRADE_UPDATE": futures("CONDITIONAL_ORDER_TRADE_UPDATE", fs="CM", so=CONDITIONAL_ORDER),
    "outboundAccountPosition": {**SPOT_LIKE["outboundAccountPosition"], "U": 1027053479999},
    "balanceUpdate": {**SPOT_LIKE["balanceUpdate"], "U": 1027053479998},
    "liabilityChange": without_time(
        "liabilityChange", a="LINK", t="BORROW", T=1352286576452864999, p="4.00", i="0.00002100", l="11.00002100"
    ),
    "openOrderLoss": without_time("openOrderLoss", O=[{"a": "USDC", "o": "-1.25"}, {"a": "LINK", "o": "-0.0000001"}]),
    "riskLevelChange": RISK_LEVEL_CHANGE,
    "listenKeyExpired": {"e": "listenKeyExpired", "E": 1782907700001},
}

PORTFOLIO_MARGIN_PRO: dict[str, dict[str, Any]] = {
    "PM_PRO_ACCOUNT_UPDATE": without_time(
        "PM_PRO_ACCOUNT_UPDATE", u="4.20", eq="830.10", ae="841.55", im="310.00", mm="197.65", avb="520.10", vmw="519.9"
    ),
    "riskLevelChange": {**RISK_LEVEL_CHANGE, "s": "NORMAL"},
    "listenKeyExpired": LISTEN_KEY_EXPIRED,
}

STOCKS: dict[str, dict[str, Any]] = {
    "orderReport": without_time(
        "orderReport",
        x="ORDER_UPDATE",
        i="7d0c9b52-64f3-4f1e-9a55-0c6f2f1be7a1",
        ai="b3f8a1c4",
        b="EQ_MSFT",
        q="USDC",
        S="buy",
        o="limit",
        p=411.25,
        Q=12.5,
        N=4000,
        fq=3.125,
        FN=1285.15625,
        tc=1285.79,
        Z=25,
        n="24 Hours Trading",
        s="partially_filled",
        T=1782907100001,
        U=1782907200001,
    ),
    "listenKeyExpired": {**LISTEN_KEY_EXPIRED, "E": 1782907700001},
}
