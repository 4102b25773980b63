"""The figures of streams as metrics of OpenTelemetry, which its SDK exports to Prometheus and to the rest.

A reader of the SDK collects in a thread of its own, where nothing of trio may be asked. So a task looks at each stream
every few seconds, and what is collected is what it saw last, a value that cannot change. All that is an age goes on
growing from there with the machine's clock: an event loop that hangs cannot make a stream look alive.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

import attrs
import trio
from opentelemetry.metrics import CallbackOptions, Meter, MeterProvider, Observation, get_meter

from trio_binance_uds import checks
from trio_binance_uds.events import GapCause
from trio_binance_uds.nurseries import open_bare_nursery, start
from trio_binance_uds.stream.blind import BlindReason
from trio_binance_uds.stream.stream import StreamStatistics, UserDataStream
from trio_binance_uds.wire.frames import RateLimit

Value = tuple[float, Mapping[str, str]]
_FEW_SECONDS = 5.0


@attrs.frozen(eq=False)
class _Look:
    """What was seen of a stream.

    Attributes:
        product: the name of what is streamed.
        statistics: all its figures.
        now: the venue's time at that moment.
        monotonic: the moment, by the machine's own clock.
        blind_seconds: for how long it has been blind, never less than at an earlier look: of the present blindness it
            is an estimate, and a counter must not go back.
    """

    product: str
    statistics: StreamStatistics
    now: datetime
    monotonic: float
    blind_seconds: float

    @property
    def elapsed(self) -> float:
        """How long ago that was."""
        return max(0.0, time.monotonic() - self.monotonic)

    def since(self, moment: datetime | None) -> Iterator[Value]:
        """Yield how long ago a time of the venue's is by now, if there is one."""
        if moment is not None:
            yield (self.now - moment).total_seconds() + self.elapsed, {}

    def until(self, moment: datetime | None) -> Iterator[Value]:
        """Yield how far off a time of the venue's is by now, if there is one."""
        if moment is not None:
            yield (moment - self.now).total_seconds() - self.elapsed, {}


@attrs.frozen
class _Metric:
    name: str
    unit: str
    description: str
    read: Callable[[_Look], Iterable[Value]]
    counts: bool = False


def _figure(name: str) -> Callable[[_Look], Iterable[Value]]:
    """Return what reads one figure of the statistics, if there is one."""

    def read(look: _Look) -> Iterator[Value]:
        value = getattr(look.statistics, name)
        if value is not None:
            yield value, {}

    return read


def _figures(attribute: str, **names: str) -> Callable[[_Look], Iterable[Value]]:
    """Return what reads several figures of the statistics, each with its word for the attribute."""
    return lambda look: [(getattr(look.statistics, name), {attribute: word}) for word, name in names.items()]


def _gaps(look: _Look) -> Iterator[Value]:
    # Those that there were none of, too: a counter that appears with its first gap has not grown, for Prometheus.
    counts = {**dict.fromkeys(GapCause, 0), **look.statistics.gaps_by_cause}
    for cause, count in counts.items():
        yield count, {"cause": str(cause)}


def _outcomes(look: _Look) -> Iterator[Value]:
    for origin, counts in (("user", look.statistics.requests), ("stream", look.statistics.questions)):
        for outcome in ("answered", "refused", "not_sent", "unknown", "abandoned"):
            yield getattr(counts, outcome), {"origin": origin, "outcome": outcome}


def _answers(name: str) -> Callable[[_Look], Iterable[Value]]:
    return lambda look: [
        (getattr(look.statistics.requests, name), {"origin": "user"}),
        (getattr(look.statistics.questions, name), {"origin": "stream"}),
    ]


def _limits_used(look: _Look) -> Iterator[Value]:
    limits = [limit for limit in look.statistics.rate_limits if limit.count is not None]
    yield from [(limit.count or 0, _limit_label(limit)) for limit in limits]
    yield from [(used, {"limit": name}) for name, used in look.statistics.rest_weights_used.items()]


def _limits(look: _Look) -> Iterator[Value]:
    statistics = look.statistics
    yield from [(limit.limit, _limit_label(limit)) for limit in statistics.rate_limits]
    # What an address may use in a minute; a user has limits of its own.
    names = [name for name in statistics.rest_weights_used if name.endswith("weight-1m") and "uid" not in name]
    yield from [(statistics.weight_per_minute or 0, {"limit": name}) for name in names]


def _limit_label(limit: RateLimit) -> Mapping[str, str]:
    return {"limit": f"{limit.rate_limit_type}-{limit.interval_num}-{limit.interval}".lower()}


# A name is below "binance.uds". Exported to Prometheus, dots are underscores, counters end in "_total", and a unit of
# seconds or bytes is a part of the name.
_METRICS = (
    _Metric(
        "up",
        "",
        "1 while the stream runs, also while it is blind; 0 when it has ended for good.",
        lambda look: [(float(look.statistics.blind_reason is not BlindReason.ENDED), {})],
    ),
    _Metric(
        "blind.age",
        "s",
        "For how long nothing can have been delivered now; 0 while events are delivered.",
        lambda look: list(look.since(look.statistics.blind_since)) or [(0.0, {})],
    ),
    _Metric(
        "blind.time",
        "s",
        "For how long events may have been missed, over all gaps and in the present blindness.",
        lambda look: [(look.blind_seconds, {})],
        counts=True,
    ),
    _Metric(
        "proven.age",
        "s",
        "How long ago the subscription was last proven to be alive; absent while it never was.",
        lambda look: look.since(look.statistics.proven_at),
    ),
    _Metric(
        "baseline.known",
        "",
        "1 if it is known what was there before the stream began: only then can a gap be proven complete.",
        lambda look: [(float(look.statistics.is_baseline_known), {})],
    ),
    _Metric("gaps", "{gap}", "Gaps, by their causes.", _gaps, counts=True),
    _Metric(
        "gaps.incomplete",
        "{gap}",
        "Gaps of which it is not proven that nothing is missing any more.",
        _figure("gaps_incomplete"),
        counts=True,
    ),
    _Metric(
        "connections", "{connection}", "Subscriptions that were acknowledged.", _figure("links_opened"), counts=True
    ),
    _Metric("connection.attempts", "{attempt}", "Attempts to connect.", _figure("attempts"), counts=True),
    _Metric(
        "connection.attempts.failed",
        "{attempt}",
        "Attempts to connect that failed.",
        _figure("attempts_failed"),
        counts=True,
    ),
    _Metric(
        "recoveries", "{recovery}", "How often the venue was asked what was missed.", _figure("recoveries"), counts=True
    ),
    _Metric(
        "recovery.time", "s", "How long that took; events wait meanwhile.", _figure("recovery_seconds"), counts=True
    ),
    _Metric(
        "events.delivered",
        "{event}",
        "Events that the consumer has received.",
        _figure("events_delivered"),
        counts=True,
    ),
    _Metric(
        "events.recovered",
        "{event}",
        "Events among them that were asked for after a gap.",
        _figure("events_recovered"),
        counts=True,
    ),
    _Metric(
        "events.faulty",
        "{event}",
        "Events with a member that could not be read, and events of which nothing could be.",
        _figures("kind", faults="events_with_faults", undecodable="events_undecodable"),
        counts=True,
    ),
    _Metric(
        "events.dropped",
        "{event}",
        "Events that were not delivered: shed ones lie in a gap, the others had been delivered already.",
        _figures(
            "kind", shed="events_shed", echo="echoes_dropped", repeated="events_repeated", renumbered="fills_renumbered"
        ),
        counts=True,
    ),
    _Metric(
        "event.latency", "s", "From the venue's time in the last event to its arrival.", _figure("latency_seconds")
    ),
    _Metric("buffer.items", "{item}", "Events and notices that wait for the consumer.", _figure("buffered")),
    _Metric("buffer.items.max", "{item}", "How many may wait.", _figure("max_buffer")),
    _Metric("buffer.size", "By", "How big the frames are of what waits.", _figure("buffered_bytes")),
    _Metric("buffer.size.max", "By", "How big they may be.", _figure("max_buffer_bytes")),
    _Metric(
        "consumer.lag", "s", "How long the oldest of what waits has been waiting.", _figure("consumer_lag_seconds")
    ),
    _Metric(
        "lease.left",
        "s",
        "How long the listen key or token lives unless it is renewed; absent where there is none.",
        lambda look: look.until(look.statistics.lease_expires_at),
    ),
    _Metric(
        "clock.offset",
        "s",
        "By how much this machine's clock was ahead of the venue's when that was last measured.",
        _figure("clock_offset_seconds"),
    ),
    _Metric(
        "clock.uncertainty", "s", "By how much the venue's time may be wrong.", _figure("clock_uncertainty_seconds")
    ),
    _Metric("requests", "{request}", "Requests, by whose they are and what became of them.", _outcomes, counts=True),
    _Metric(
        "request.answer.time",
        "s",
        "How long the answers have taken, all together.",
        _answers("answer_seconds"),
        counts=True,
    ),
    _Metric("request.answer.slowest", "s", "How long the slowest answer took.", _answers("slowest_answer_seconds")),
    _Metric("requests.open", "{request}", "Requests that wait for an answer.", _figure("open_requests")),
    _Metric("limit.used", "", "How much of a limit of the venue is used, as it said last.", _limits_used),
    _Metric("limit.max", "", "How much the venue allows, where that is known.", _limits),
    _Metric(
        "left_alone.left",
        "s",
        "For how long nothing is asked, as the venue wants to be left alone (429, 418); 0 where it may be asked.",
        lambda look: (
            [(max(0.0, left), labels) for left, labels in look.until(look.statistics.left_alone_until)] or [(0.0, {})]
        ),
    ),
    _Metric(
        "look.age",
        "s",
        "How long ago these figures were taken: it grows where the program's event loop hangs.",
        lambda look: [(look.elapsed, {})],
    ),
)


@attrs.define(eq=False)
class StreamMetrics:
    """The metrics of all streams of a program; make one, and observe each stream with it.

    Every metric has the attributes ``stream``, the name of the stream, and ``product``. Give each stream a name of its
    own where there are several.

    Attributes:
        meter_provider: where the metrics go; ``None``: to the one that the program has set for all.
        interval: how many seconds lie between two looks at a stream.
    """

    meter_provider: MeterProvider | None = attrs.field(default=None, repr=False)
    interval: float = attrs.field(default=_FEW_SECONDS, kw_only=True, validator=checks.seconds())
    # Replaced as a whole, never changed: a reader in another thread sees the old one or the new one.
    _looks: Mapping[UserDataStream, _Look] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        meter = get_meter("trio_binance_uds", meter_provider=self.meter_provider)
        for metric in _METRICS:
            self._add_to(meter, metric)

    @asynccontextmanager
    async def observing(self, stream: UserDataStream) -> AsyncIterator[None]:
        """Have the figures of a stream collected while the block runs, also after the stream has failed."""
        self._look_at(stream)
        async with open_bare_nursery() as nursery:
            start(nursery, self._keep_looking_at, stream)
            try:
                yield
            finally:
                nursery.cancel_scope.cancel()
                self._looks = {other: look for other, look in self._looks.items() if other is not stream}

    async def _keep_looking_at(self, stream: UserDataStream) -> None:
        while True:
            await trio.sleep(self.interval)
            self._look_at(stream)

    def _look_at(self, stream: UserDataStream) -> None:
        statistics, before = stream.statistics(), self._looks.get(stream)
        look = _Look(
            product=stream.product.name,
            statistics=statistics,
            now=stream.now(),
            monotonic=time.monotonic(),
            blind_seconds=max(statistics.blind_seconds, 0.0 if before is None else before.blind_seconds),
        )
        self._looks = {**self._looks, stream: look}

    def _add_to(self, meter: Meter, metric: _Metric) -> None:
        def observe(options: CallbackOptions) -> Iterator[Observation]:
            for look in self._looks.values():
                whose = {"stream": look.statistics.stream, "product": look.product}
                for value, attributes in metric.read(look):
                    yield Observation(value, {**whose, **attributes})

        create = meter.create_observable_counter if metric.counts else meter.create_observable_gauge
        create(f"binance.uds.{metric.name}", [observe], metric.unit, metric.description)
