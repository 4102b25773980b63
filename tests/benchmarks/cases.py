"""What is measured and how: the plan that a client is given, and what its readings come to."""

from __future__ import annotations

from typing import Any

import attrs

from benchmarks.rivals import Case


@attrs.frozen
class Metric:
    """One figure: its unit, and whether it is good for it to be small."""

    name: str
    unit: str
    digits: int = 1
    smaller_is_better: bool = True


METRICS = {
    metric.name: metric
    for metric in (
        Metric("cpu_us", "µs CPU each"),
        Metric("events_per_s", "events/s", 0, smaller_is_better=False),
        Metric("p50_us", "µs p50", 0),
        Metric("p99_us", "µs p99", 0),
        Metric("received", "received", 0, smaller_is_better=False),
        Metric("told_lost", "told as lost", 0),
        Metric("lost", "lost in silence", 0),
        Metric("grown_mb", "MB more at the peak", 0),
        Metric("rate", "requests/s, 100 in flight", 0, smaller_is_better=False),
        Metric("cpu_many_us", "µs CPU each, 100 in flight"),
        Metric("import_ms", "ms to import", 0),
        Metric("connected_mb", "MB connected", 0),
        Metric("connected_cpu_ms", "ms CPU until connected", 0),
        Metric("account_kb", "KB for a further account", 0),
        Metric("million_mb", "MB kept per million events", 1),
    )
}


@attrs.frozen
class Sizes:
    """How much of everything."""

    rounds: int
    burst: int
    paced_seconds: float
    pause: float
    single_requests: int
    concurrent_requests: int
    imports: int
    slow: int
    growth: int  # events, twice; 0: it is left out
    accounts: int = 10
    warm: int = 1000


FULL = Sizes(5, 100_000, 3.0, 5.0, 2_000, 20_000, 3, 100_000, 50_000)
QUICK = Sizes(1, 20_000, 1.0, 1.0, 300, 4_000, 1, 40_000, 0)

FLIGHTS = 100
# Fewer than this library lets wait for a slow consumer by default.
WITHIN_BOUND = 15_000
_RATES = {Case.PACED_500: 500, Case.PACED_5000: 5000, Case.GROWTH: 5000}
TITLES = {
    Case.BURST: "A burst of {burst:,} order events",
    Case.BURST_TLS: "A burst of {burst:,} order events over TLS",
    Case.PACED_500: "500 events per second, from sending to the user's code",
    Case.PACED_5000: "5,000 events per second, from sending to the user's code",
    Case.SLOW: "A burst of {slow:,} events while the consumer takes {pause:g} s over the first",
    Case.SLOW_WITHIN: "The same with 15,000 events, which fit the buffer",
    Case.SESSION: "Order and answer, in a session that has logged on (Ed25519)",
    Case.SIGNED: "Order and answer, each request signed (HMAC)",
    Case.IMPORT: "Importing it in a fresh interpreter",
    Case.ACCOUNTS: "Connecting",
    Case.GROWTH: "Memory after {growth:,} events at 5,000 per second, and after as many again",
    Case.DECODE: "One frame into a typed event, by type of event",
}
# What is compared first in each table.
COLUMNS = {
    Case.BURST: ("cpu_us", "events_per_s", "told_lost", "lost"),
    Case.BURST_TLS: ("cpu_us", "events_per_s", "told_lost", "lost"),
    Case.PACED_500: ("p50_us", "p99_us", "cpu_us", "lost"),
    Case.PACED_5000: ("p50_us", "p99_us", "cpu_us", "lost"),
    Case.SLOW: ("received", "told_lost", "lost", "grown_mb"),
    Case.SLOW_WITHIN: ("received", "told_lost", "lost", "grown_mb"),
    Case.SESSION: ("p50_us", "p99_us", "cpu_us", "rate", "cpu_many_us"),
    Case.SIGNED: ("p50_us", "p99_us", "cpu_us", "rate", "cpu_many_us"),
    Case.IMPORT: ("import_ms",),
    Case.ACCOUNTS: ("connected_mb", "account_kb", "connected_cpu_ms"),
    Case.GROWTH: ("million_mb",),
}


def rate(case: Case) -> int | None:
    """Return how many events a second the server is to send; ``None``: as fast as they are taken."""
    return _RATES.get(case)


def rounds(case: Case, sizes: Sizes) -> int:
    """Return how often a case is repeated: what is no matter of chance, once."""
    if case is Case.GROWTH and not sizes.growth:
        return 0
    return 1 if case in (Case.SLOW, Case.SLOW_WITHIN, Case.GROWTH) else sizes.rounds


def plan(case: Case, sizes: Sizes) -> dict[str, Any]:
    """Return the part of a client's plan that is the same for all clients."""
    warm = ["warm", sizes.warm]
    match case:
        case Case.BURST | Case.BURST_TLS:
            return {"case": "burst", "stages": [warm, ["burst", sizes.burst]]}
        case Case.PACED_500 | Case.PACED_5000:
            count = int(sizes.paced_seconds * _RATES[case])
            return {"case": "paced", "latency": True, "stages": [["warm", count // 4], ["paced", count]]}
        case Case.SLOW | Case.SLOW_WITHIN:
            count = sizes.slow if case is Case.SLOW else WITHIN_BOUND
            return {"case": "slow", "pause": sizes.pause, "stages": [warm, ["slow", count]]}
        case Case.GROWTH:
            # What a client remembers on purpose, such as orders that have ended, is there after the first stage.
            return {"case": "growth", "stages": [warm, ["first", sizes.growth], ["second", sizes.growth]]}
        case Case.SESSION | Case.SIGNED:
            return {
                "case": "requests",
                "key": "ed25519" if case is Case.SESSION else "hmac",
                "warm": sizes.single_requests // 5,
                "count": sizes.single_requests,
                "many": sizes.concurrent_requests,
                "flights": FLIGHTS,
            }
        case Case.ACCOUNTS:
            return {"case": "accounts", "accounts": sizes.accounts}
        case _:
            raise ValueError(f"{case} has no plan: no client process is driven through it")


def figures(case: Case, sizes: Sizes, readings: list[dict[str, Any]], sent: list[dict[str, Any]]) -> dict[str, float]:
    """Return what one run comes to: ``readings`` are what the client said, ``sent`` when the server began to send."""
    wanted = plan(case, sizes)
    match case:
        case Case.SESSION | Case.SIGNED:
            one, many = readings[1], readings[2]
            return {
                "p50_us": one["p50_ns"] / 1e3,
                "p99_us": one["p99_ns"] / 1e3,
                "cpu_us": one["cpu_each"] * 1e6,
                "rate": many["rate"],
                "cpu_many_us": many["cpu_each"] * 1e6,
            }
        case Case.ACCOUNTS:
            before, after = readings
            return {
                "connected_mb": before["rss_kb"] / 1024,
                "connected_cpu_ms": before["cpu"] * 1e3,
                "account_kb": (after["rss_kb"] - before["rss_kb"]) / wanted["accounts"],
            }
        case Case.GROWTH:
            return {"million_mb": (readings[3]["rss_kb"] - readings[2]["rss_kb"]) / 1024 / sizes.growth * 1e6}
    before, after, expected = readings[1], readings[2], wanted["stages"][1][1]
    received, shed = after["count"], after.get("shed", 0) - before.get("shed", 0)
    facts = {
        "received": received,
        "told_lost": shed,
        "lost": expected - received - shed,
        "cpu_us": (after["cpu"] - before["cpu"]) / max(1, received) * 1e6,
        "events_per_s": received / max(1, after["at"] - sent[1]["sending_at"]) * 1e9,
    }
    if case in (Case.SLOW, Case.SLOW_WITHIN):
        return facts | {"grown_mb": (after["peak_kb"] - before["rss_kb"]) / 1024}
    if "p50_ns" in after:
        facts |= {"p50_us": after["p50_ns"] / 1e3, "p99_us": after["p99_ns"] / 1e3}
    return facts
