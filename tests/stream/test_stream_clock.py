"""Through the front door: the venue's time is public, and nothing that an answer states about it ends a stream."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support.everywhere import KEYED, MADE_UP, TOKENED, logged, opened, unhurried
from support.venue import START_MS, Reply, Venue

every_product = pytest.mark.parametrize("product", [*KEYED, *TOKENED], ids=lambda product: product.name)
START = datetime.fromtimestamp(START_MS / 1000, UTC)
HOUR = 3600.0


@pytest.fixture(params=[0.0, -HOUR, 30.0])
def ahead(request: pytest.FixtureRequest) -> Iterator[float]:
    """Let this machine's clock be ahead of the venue's by so many seconds."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "time", lambda: START_MS / 1000 + request.param + trio.current_time())
        yield request.param


def true_time(venue: Venue) -> datetime:
    return START + timedelta(milliseconds=venue.now_ms() - START_MS)


@every_product
async def test_the_venues_time_is_told_with_how_far_this_machine_is_off_and_how_certain_that_is(
    autojump_clock: trio.testing.MockClock, product: uds.Product, ahead: float
) -> None:
    async with opened(product, timeouts=unhurried(product)) as stage:
        for _ in range(3):
            statistics, now = stage.stream.statistics(), stage.stream.now()
            assert now.tzinfo is UTC
            assert statistics.clock_offset_seconds is not None
            assert statistics.clock_uncertainty_seconds is not None
            # Where only whole seconds tell the time, a second and a bit.
            is_coarse = product in (uds.PORTFOLIO_MARGIN, MADE_UP)
            assert 0 < statistics.clock_uncertainty_seconds < (1.2 if is_coarse else 0.4)
            uncertainty = timedelta(seconds=statistics.clock_uncertainty_seconds)
            assert abs(now - true_time(stage.venue)) <= uncertainty
            assert abs(statistics.clock_offset_seconds - ahead) <= statistics.clock_uncertainty_seconds
            await trio.sleep(2 * HOUR)


@pytest.mark.parametrize("product", [uds.USDM_FUTURES, uds.CROSS_MARGIN, uds.PORTFOLIO_MARGIN], ids=lambda p: p.name)
async def test_the_time_is_asked_for_again_every_hour(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    async with opened(product) as stage:
        venue = stage.venue

        def times_asked() -> int:
            over_rest = sum(call.path.endswith("/time") for call in venue.calls)
            return over_rest + sum(method == "time" for method, _ in venue.ws_calls)

        before = times_asked()
        await trio.sleep(10.5 * HOUR)
        # Portfolio Margin has no route for it; the dates of its answers do.
        assert times_asked() - before == (0 if product is uds.PORTFOLIO_MARGIN else 10)
        uncertainty = stage.stream.statistics().clock_uncertainty_seconds
        assert uncertainty is not None
        assert uncertainty < 1.3


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, {"serverTime": 10**15 - 1}),
        Reply(200, {"serverTime": -1}),
        Reply(200, {"serverTime": 10**30}),
        Reply(200, {"serverTime": "soon"}),
        Reply(200, {"serverTime": 1.5}),
        Reply(200, {"serverTime": True}),
        Reply(200, {"serverTime": None}),
        Reply(200, {"serverTime": [1]}),
        Reply(200, []),
        Reply(503, b"<html>later</html>"),
    ],
    ids=lambda reply: str(reply)[:60],
)
async def test_a_venue_that_does_not_tell_its_time_is_streamed_by_this_machines_clock(
    autojump_clock: trio.testing.MockClock, answer: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    venue = Venue()
    venue.answer_instead("GET /fapi/v1/time", answer)
    async with opened(uds.USDM_FUTURES, venue) as stage:
        statistics = stage.stream.statistics()
        assert (statistics.clock_offset_seconds, statistics.clock_uncertainty_seconds) == (None, None)
        assert abs(stage.stream.now() - datetime.now(UTC)) < timedelta(seconds=5)
        assert "does not tell the time" in logged(caplog)
        await trio.sleep(60)  # and then it does
        assert stage.stream.statistics().clock_uncertainty_seconds is not None
        assert abs(stage.stream.now() - true_time(stage.venue)) < timedelta(seconds=0.1)


ODD_DATES: list[dict[str, str]] = [
    {"date": "Fri, 31 Dec 9999 23:59:59 GMT"},
    {"date": "Fri, 31 Dec 9999 23:59:59 -1200"},
    {"date": "Sat, 01 Jan 0001 00:00:00 +1200"},
    {"date": "Thu, 01 Jan 1970 00:00:00 GMT"},
    {"date": "Mon, 01 Jan 99999 00:00:00 GMT"},
    {"date": "Mon, 99 Zzz 2030 99:99:99 GMT"},
    {"date": "Mon, 01 Jan 2030 00:00:00 +9999999999"},
    {"date": ""},
    {"date": "a,b"},
    {"date": "1900000000"},
    {"date": "Sun, 17 Mar 2030 11:00:00 GMT", "age": "24400"},
    {"date": "Sun, 17 Mar 2030 11:00:00 GMT", "age": "yes"},
]


@pytest.mark.parametrize("headers", ODD_DATES, ids=str)
@pytest.mark.parametrize("product", [uds.PORTFOLIO_MARGIN, uds.USDM_FUTURES], ids=lambda product: product.name)
async def test_an_odd_date_or_a_stored_one_neither_ends_a_stream_nor_moves_its_clock(
    autojump_clock: trio.testing.MockClock,
    product: uds.Product,
    headers: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # By nothing but this machine's clock: nobody corrects it.
    ahead = 5.0 if product is uds.PORTFOLIO_MARGIN else 0.0
    monkeypatch.setattr(time, "time", lambda: START_MS / 1000 + 5.0 + trio.current_time())
    venue = Venue()
    venue.more_headers = headers
    async with opened(product, venue) as stage:
        await trio.sleep(600)
        assert abs(stage.stream.now() - true_time(venue) - timedelta(seconds=ahead)) < timedelta(seconds=0.1)
        assert stage.stream.statistics().connected_since is not None
    assert stage.failed is None


@pytest.mark.parametrize("date", ["Sun, 17 Mar 2030 11:00:00 GMT", "Wed, 01 Jan 2031 00:00:00 GMT"])
async def test_a_date_that_contradicts_all_others_is_that_of_a_stored_page(
    autojump_clock: trio.testing.MockClock, date: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(uds.PORTFOLIO_MARGIN) as stage:
        venue = stage.venue
        before = stage.stream.now() - true_time(venue)
        for _ in range(20):
            venue.answer_instead("PUT /papi/v1/listenKey", Reply(200, {}, {"date": date}))
            await trio.sleep(600)
        assert abs(stage.stream.now() - true_time(venue) - before) < timedelta(seconds=1.5)
        assert logged(caplog).count("off what is known of the venue's time") == 1


async def test_the_date_of_a_page_from_before_the_exchange_counts_for_nothing(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with opened(uds.PORTFOLIO_MARGIN) as stage:
        before = stage.stream.now() - true_time(stage.venue)
        page: dict[str, Any] = {"date": "Sun, 17 Mar 2030 11:00:00 GMT"}
        stage.venue.answer_instead("PUT /papi/v1/listenKey", *[Reply(403, b"<html>no</html>", page)] * 6)
        await trio.sleep(120)
        assert abs(stage.stream.now() - true_time(stage.venue) - before) < timedelta(seconds=1.5)
