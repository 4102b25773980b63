"""What every Python client of the benchmark does the same way: count, take readings, tell the runner.

It runs inside the environments of the rivals, and so uses the standard library alone. A client is given its plan as
JSON in its only argument, and writes one line of JSON for each thing it has to say.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import resource
import statistics
import sys
import threading
import time

PATIENCE = 4.0  # so many seconds without an event mean that no more will come
_PAGE = resource.getpagesize()


def plan():
    """Return what the runner wants to be done."""
    return json.loads(sys.argv[1])


def say(**facts):
    """Tell the runner something."""
    print(json.dumps(facts), flush=True)


def rss_kb():
    """Return the memory that the process holds now."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * _PAGE // 1024


def reading(**facts):
    """Return what the process has used up so far."""
    return {
        "cpu": time.process_time(),
        "at": time.monotonic_ns(),
        "rss_kb": rss_kb(),
        "peak_kb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        **facts,
    }


class Meter:
    """Counts events and says so at the end of each stage.

    The user's code of a client calls ``see`` with every event, and where that returns true ``turned``, which says for
    how many seconds to pause: in the case of the slow consumer once, after the first event, else never. When ``done``
    is set it stops.
    """

    def __init__(self, stamp_of=None):
        self.plan = plan()
        self.stages = list(self.plan.get("stages", []))  # pairs of a name and a number of events
        self.pause = self.plan.get("pause", 0)
        self.count = 0
        self.shed = 0
        self.done = False
        self.latencies = []
        self._stamp_of = stamp_of
        self._base = 0
        self._turn_at = 0
        self._name = ""
        self._progress = None
        self._next_stage()
        self.see = self._see_latency if self.plan.get("latency") else self._see

    def connected(self, **facts):
        """Say that the events may come."""
        gc.collect()
        say(connected=True, **reading(**facts))
        threading.Thread(target=self._watch, daemon=True).start()

    def _see(self, event):
        self.count += 1
        return self.count >= self._turn_at

    def _see_latency(self, event):
        self.latencies.append(time.monotonic_ns() - int(self._stamp_of(event)[:19]))
        self.count += 1
        return self.count >= self._turn_at

    def turned(self):
        """Take note of the end of a stage."""
        if self.pause and self._name != "warm" and self.count == self._base + 1:
            pause, self.pause = self.pause, 0
            self._turn_at = self._end
            return pause
        if self.count >= self._end and not self.done:
            self._end_stage(reading())
        return 0

    def _end_stage(self, taken):
        facts = {"stage": self._name, "count": self.count - self._base, "shed": self.shed}
        if self.latencies:
            in_order = sorted(self.latencies)
            facts["p50_ns"] = statistics.median(in_order)
            facts["p99_ns"] = in_order[len(in_order) * 99 // 100]
            self.latencies = []
        self._base = self.count
        self._next_stage()
        say(**taken | facts, done=self.done)

    def _next_stage(self):
        self._progress = None
        if not self.stages:
            self.done = True
            self._turn_at = self._end = 0
            return
        self._name, expected = self.stages.pop(0)
        self._end = self._base + expected
        self._turn_at = self._base + 1 if self.pause and self._name != "warm" else self._end

    def _watch(self):
        """End a stage in which events were lost."""
        seen, since = 0, time.monotonic()
        while not self.done:
            time.sleep(0.25)
            now = time.monotonic()
            progress = self.count + self.shed
            if progress != seen:
                seen, since, self._progress = progress, now, reading()
            elif self._progress and now - since > PATIENCE + self.plan.get("pause", 0):
                self._end_stage(self._progress | {"stalled": True})
        time.sleep(1)
        os._exit(0)  # Some clients do not end by themselves.


async def measure_requests(call, sleep=asyncio.sleep, gather=None):
    """Time orders, one at a time and many at a time; ``call(number)`` places one and returns its answer."""
    wanted = plan()
    gather = gather or _gather
    say(connected=True, **reading())
    for number in range(wanted["warm"]):
        await call(number)
    taken = []
    before = reading()
    for number in range(wanted["count"]):
        begin = time.perf_counter_ns()
        await call(number)
        taken.append(time.perf_counter_ns() - begin)
    after = reading()
    taken.sort()
    say(
        stage="one",
        p50_ns=statistics.median(taken),
        p99_ns=taken[len(taken) * 99 // 100],
        cpu_each=(after["cpu"] - before["cpu"]) / len(taken),
    )
    flights = wanted["flights"]
    each = wanted["many"] // flights

    async def one_after_the_other(begin):
        for number in range(begin * each, begin * each + each):
            await call(number)

    await gather(one_after_the_other, range(flights))  # once to warm up
    before = reading()
    await gather(one_after_the_other, range(flights))
    after = reading()
    seconds = (after["at"] - before["at"]) / 1e9
    say(
        stage="many",
        rate=each * flights / seconds,
        cpu_each=(after["cpu"] - before["cpu"]) / (each * flights),
        done=True,
    )


async def _gather(work, arguments):
    await asyncio.gather(*[work(argument) for argument in arguments])
