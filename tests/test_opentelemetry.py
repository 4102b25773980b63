"""The metrics of streams, as the SDK of OpenTelemetry collects them and as Prometheus reads them."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import yaml
from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader, MetricReader
from prometheus_client import generate_latest
from trio.testing import MockClock

import trio_binance_uds as uds
from trio_binance_uds.opentelemetry import StreamMetrics
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox

DOCS = Path(__file__).parents[1] / "docs"
ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "50000",
    "quantity": "0.001",
}
Values = dict[tuple[str, ...], float]


@asynccontextmanager
async def opened(product: str = "spot", **options: Any) -> AsyncIterator[tuple[Sandbox, uds.UserDataStream]]:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "1000"}, usdm={"USDT": "1000"})
        async with stream_of(sandbox, account, product, **options) as stream:
            yield sandbox, stream


def stream_of(sandbox: Sandbox, account: SandboxAccount, product: str, **options: Any) -> Any:
    return uds.open_user_data_stream(
        account.credentials, product, environment=sandbox.environment, network=sandbox.network, seed=1, **options
    )


@pytest.fixture
def reader() -> InMemoryMetricReader:
    return InMemoryMetricReader()


@pytest.fixture
def metrics(reader: InMemoryMetricReader) -> Iterator[StreamMetrics]:
    yield from providing(reader)


def providing(reader: MetricReader) -> Iterator[StreamMetrics]:
    provider = MeterProvider(metric_readers=[reader])
    yield StreamMetrics(provider)
    provider.shutdown()


def collected(reader: InMemoryMetricReader) -> dict[str, Values]:
    """Return the value of each metric by its attributes, without those that say whose it is."""
    data = reader.get_metrics_data()
    found: dict[str, Values] = {}
    for resource in [] if data is None else data.resource_metrics:
        for scope in resource.scope_metrics:
            assert scope.scope.name == "trio_binance_uds"
            for metric in scope.metrics:
                values = found.setdefault(metric.name.removeprefix("binance.uds."), {})
                for point in metric.data.data_points:
                    attributes = dict(point.attributes or {})
                    assert attributes.pop("product")
                    stream = str(attributes.pop("stream"))
                    values[(stream, *map(str, attributes.values()))] = getattr(point, "value", 0.0)
    return found


async def test_a_healthy_stream_is_up_and_proven_and_nothing_is_missing(
    autojump_clock: MockClock, reader: InMemoryMetricReader, metrics: StreamMetrics
) -> None:
    async with opened() as (_, stream), metrics.observing(stream):
        await trio.sleep(60)
        values = collected(reader)
    assert values["up"] == {("spot",): 1}
    assert values["blind.age"] == {("spot",): 0}
    assert 0 <= values["proven.age"]["spot",] < 40
    assert set(values["gaps"].values()) == {0}
    assert {cause for _, cause in values["gaps"]} == set(uds.GapCause)
    assert values["baseline.known"] == {("spot",): 1}
    assert values["requests"]["spot", "stream", "answered"] > 3
    assert values["limit.used"]["spot", "request_weight-1-minute"] > 0
    assert values["limit.max"]["spot", "request_weight-1-minute"] == 6000
    assert values["left_alone.left"] == {("spot",): 0}
    assert "lease.left" not in values or not values["lease.left"]


async def test_an_outage_is_seen_while_it_lasts_and_counted_when_it_is_over(
    autojump_clock: MockClock, reader: InMemoryMetricReader, metrics: StreamMetrics
) -> None:
    async with opened() as (sandbox, stream), metrics.observing(stream):
        sandbox.faults.refuse_connections(seconds=30)
        sandbox.faults.cut()
        await trio.sleep(20)
        during = collected(reader)
        assert 10 < during["blind.age"]["spot",] <= 21
        assert during["blind.time"]["spot",] > 10
        assert during["connection.attempts.failed"]["spot",] > 1
        await trio.sleep(60)
        after = collected(reader)
    assert after["blind.age"] == {("spot",): 0}
    assert after["gaps"]["spot", "link_lost"] == 1
    assert after["blind.time"]["spot",] >= during["blind.time"]["spot",]
    assert after["recoveries"] == {("spot",): 1}
    assert after["connections"] == {("spot",): 2}


async def test_a_listen_key_and_the_weights_of_rest_are_in_it(
    autojump_clock: MockClock, reader: InMemoryMetricReader, metrics: StreamMetrics
) -> None:
    async with opened("usdm-futures") as (sandbox, stream), metrics.observing(stream):
        values = collected(reader)
        sandbox.faults.ban(600)
        await trio.sleep(120)
        banned = collected(reader)
    assert 0 < values["lease.left"]["usdm-futures",] < 3600
    assert values["limit.max"]["usdm-futures", "x-mbx-used-weight-1m"] == 2400
    assert values["limit.used"]["usdm-futures", "x-mbx-used-weight-1m"] > 0
    assert values["left_alone.left"]["usdm-futures",] == 0
    assert 0 < banned["left_alone.left"]["usdm-futures",] <= 600


async def test_a_stream_that_has_ended_for_good_is_down_until_its_block_is_left(
    autojump_clock: MockClock, reader: InMemoryMetricReader, metrics: StreamMetrics
) -> None:
    async with opened(name="alice") as (sandbox, stream):
        async with metrics.observing(stream):
            sandbox.faults.refuse_connections(status=410)
            sandbox.faults.cut()
            await trio.sleep(30)
            values = collected(reader)
            assert values["up"] == {("alice",): 0}
            assert values["blind.age"]["alice",] > 20
        assert not any(collected(reader).values())


async def test_several_streams_have_metrics_of_their_own(
    autojump_clock: MockClock, reader: InMemoryMetricReader, metrics: StreamMetrics
) -> None:
    async with opened(name="a") as (sandbox, first), metrics.observing(first):
        account = sandbox.add_account(balances={})
        async with stream_of(sandbox, account, "spot", name="b") as second, metrics.observing(second):
            assert collected(reader)["up"] == {("a",): 1, ("b",): 1}
        assert collected(reader)["up"] == {("a",): 1}


async def test_a_program_whose_event_loop_hangs_does_not_look_alive(
    autojump_clock: MockClock,
    reader: InMemoryMetricReader,
    metrics: StreamMetrics,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened() as (_, stream), metrics.observing(stream):
        now = trio.current_time() + 1_000_000
        monkeypatch.setattr("trio_binance_uds.opentelemetry.time.monotonic", lambda: now)
        values = collected(reader)
    assert values["look.age"]["spot",] > 1000
    assert values["proven.age"]["spot",] > 1000


async def test_what_the_body_raises_leaves_as_itself(autojump_clock: MockClock, metrics: StreamMetrics) -> None:
    async with opened() as (_, stream):
        with pytest.raises(LookupError, match="mine"):
            async with metrics.observing(stream):
                raise LookupError("mine")


def test_the_interval_is_a_number_of_seconds() -> None:
    with pytest.raises(ValueError, match="interval must be a positive number of seconds"):
        StreamMetrics(interval=0)


# What is in the documentation, against what Prometheus gets.


@pytest.fixture
async def exported() -> AsyncIterator[str]:
    """What Prometheus reads of a spot stream and of a futures stream."""
    for metrics in providing(PrometheusMetricReader()):
        async with open_sandbox(in_memory=True) as sandbox:
            account = sandbox.add_account(balances={"USDT": "1000"}, usdm={"USDT": "1"})
            async with (
                stream_of(sandbox, account, "spot") as spot,
                stream_of(sandbox, account, "usdm-futures") as futures,
                metrics.observing(spot),
                metrics.observing(futures),
            ):
                account.call("order.place", ORDER)
                await spot.receive()
                await trio.sleep(6)
                yield generate_latest().decode()


def names_in(text: str) -> set[str]:
    return set(re.findall(r"\bbinance_uds_\w+", text))


def expressions() -> Iterator[str]:
    """Yield all expressions of the alert rules and of the dashboard."""
    for group in yaml.safe_load((DOCS / "metrics" / "alerts.yml").read_text("utf-8"))["groups"]:
        for rule in group["rules"]:
            yield rule["expr"]
    board = json.loads((DOCS / "metrics" / "dashboard.json").read_text("utf-8"))
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield target["expr"]


async def test_every_metric_of_the_dashboard_and_of_the_alerts_is_there(
    autojump_clock: MockClock, exported: str
) -> None:
    there = {name.partition("{")[0].partition(" ")[0] for name in exported.splitlines() if name.startswith("binance")}
    asked = {name for expression in expressions() for name in names_in(expression)}
    assert len(asked) > 15
    assert asked <= there


async def test_every_metric_is_on_the_page_about_them(autojump_clock: MockClock, exported: str) -> None:
    page = (DOCS / "how-to" / "metrics.md").read_text("utf-8")
    named = names_in(page)
    there = set(re.findall(r"^# TYPE (\w+) ", exported, re.MULTILINE))
    ours = {name for name in there if name.startswith("binance_uds")}
    assert ours <= named
    assert {name for name in named if name not in ours} == set()


def test_every_alert_says_what_to_do() -> None:
    groups = yaml.safe_load((DOCS / "metrics" / "alerts.yml").read_text("utf-8"))["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 8
    for rule in rules:
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        assert len(rule["annotations"]["description"]) > 40


def test_the_dashboard_takes_any_source_and_its_panels_do_not_overlap() -> None:
    board = json.loads((DOCS / "metrics" / "dashboard.json").read_text("utf-8"))
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        assert panel["datasource"]["uid"] == "${datasource}"
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken
        taken |= cells
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
