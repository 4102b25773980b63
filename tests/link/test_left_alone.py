"""However the venue says that it wants to be left alone, it comes out as seconds from now, and all questions wait."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from trio_binance_uds.errors import ApiError, AuthenticationFailed, HandshakeRejected, OutcomeUnknown, RateLimited
from trio_binance_uds.link.left_alone import (
    LONGEST_BAN_SECONDS,
    SHORTEST_BAN_SECONDS,
    Bar,
    ban_in,
    is_ban,
    seconds_to_wait,
    wait_of,
)
from trio_binance_uds.link.outcomes import outcome, refusal
from trio_binance_uds.wire.frames import ApiFailure, Response

NOW = 1_800_000_000.0
IN_AN_HOUR = int(NOW) + 3600


def limited(status: int = 429, code: int = -1003, msg: str = "Too much.", wait: float | None = None) -> RateLimited:
    return RateLimited(method="GET /a", status=status, code=code, msg=msg, retry_after=wait)


@pytest.mark.parametrize(
    "header", ["3600", " 3600 ", "Fri, 15 Jan 2027 09:00:00 GMT", "Fri, 15 Jan 2027 09:00:00 -0000"]
)
def test_a_header_names_seconds_or_a_date(header: str) -> None:
    assert seconds_to_wait(NOW, header=header) == 3600


@pytest.mark.parametrize("header", ["soon", "", "-5", "1.5", "0", "²", "Fri, 15 Jan 2027 07:00:00 GMT"])
def test_what_is_no_header_to_go_by_names_nothing(header: str) -> None:
    assert seconds_to_wait(NOW, header=header) is None


@pytest.mark.parametrize("unit", [1, 10**3, 10**6, 10**9], ids=["s", "ms", "us", "ns"])
def test_a_timestamp_is_read_in_any_unit(unit: int) -> None:
    stamp = IN_AN_HOUR * unit
    assert seconds_to_wait(NOW, data={"retryAfter": stamp, "serverTime": 1}) == 3600
    assert seconds_to_wait(NOW, data={"retryAfter": str(stamp)}) == 3600
    assert seconds_to_wait(NOW, text=f"Way too many requests; IP(203.0.113.9) banned until {stamp}.") == 3600


def test_a_small_number_in_the_data_is_a_number_of_seconds() -> None:
    assert seconds_to_wait(NOW, data={"retryAfter": 45}) == 45


@pytest.mark.parametrize("data", [None, [1], {}, {"retryAfter": "soon"}, {"retryAfter": -1}, {"retryAfter": True}])
def test_what_is_no_time_in_the_data_names_nothing(data: object) -> None:
    assert seconds_to_wait(NOW, data=data) is None


@pytest.mark.parametrize(
    "text",
    [
        "IP banned until {ms}",
        "Way too much request weight used; IP banned until {ms}. Please use WebSocket Streams.",
        "You are BANNED UNTIL: {ms}!",
        "ip auto banned until '{ms}' by the firewall",
    ],
)
def test_a_ban_is_read_from_texts_in_other_words(text: str) -> None:
    assert seconds_to_wait(NOW, text=text.format(ms=IN_AN_HOUR * 1000)) == 3600


@pytest.mark.parametrize("text", ["banned", "banned until further notice", f"banned until {int(NOW) - 5}", "until 12"])
def test_a_text_without_a_time_to_come_names_nothing(text: str) -> None:
    assert seconds_to_wait(NOW, text=text) is None


def test_of_several_times_the_latest_counts() -> None:
    text = f"IP banned until {IN_AN_HOUR}"
    assert seconds_to_wait(NOW, header="5", data={"retryAfter": 90}, text=text) == 3600


@pytest.mark.parametrize(
    ("header", "text"),
    [("8640000", ""), ("9" * 300, ""), (None, "IP banned until 9999999999999"), (None, f"banned until {'9' * 19}")],
)
def test_a_wait_beyond_the_longest_ban_is_cut_and_said(
    header: str | None, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert seconds_to_wait(NOW, header=header, text=text) == LONGEST_BAN_SECONDS
    assert "more than its longest ban of 259200 s" in caplog.text


def test_a_ban_is_known_by_its_status_or_its_words() -> None:
    assert is_ban(limited(418))
    assert is_ban(limited(msg="IP banned until tomorrow"))
    assert is_ban(HandshakeRejected("no", status=418))
    assert not is_ban(limited())


def test_a_ban_without_a_time_counts_as_the_shortest() -> None:
    assert wait_of(limited(418)) == wait_of(HandshakeRejected("no", status=418)) == SHORTEST_BAN_SECONDS
    assert wait_of(limited()) == wait_of(None) == wait_of(OSError()) == 0
    assert wait_of(limited(wait=7.0)) == wait_of(HandshakeRejected("no", status=503, retry_after=7.0)) == 7
    assert wait_of(limited(wait=1e12)) == LONGEST_BAN_SECONDS


def test_a_close_frame_can_name_a_ban() -> None:
    found = ban_in(f"Way too many requests; IP banned until {IN_AN_HOUR}", NOW)
    assert found is not None
    assert (found.status, found.retry_after) == (418, 3600)
    assert ban_in("banned", NOW) is None
    assert ban_in(f"maintenance until {IN_AN_HOUR}", NOW) is None


# The bar.


async def test_until_the_time_has_come_every_question_is_held_back(autojump_clock: MockClock) -> None:
    bar = Bar()
    bar.check("GET /b")
    bar.note(limited(wait=10.0))
    bar.note(limited(wait=5.0))
    await trio.sleep(4)
    with pytest.raises(RateLimited, match="left alone for 6 s more") as caught:
        bar.check("GET /b")
    assert (caught.value.method, caught.value.retry_after, bar.seconds_left) == ("GET /b", 6, 6)
    await trio.sleep(6)
    bar.check("GET /b")
    assert bar.seconds_left == 0


async def test_a_limit_bars_its_own_place_and_a_ban_all_places(autojump_clock: MockClock) -> None:
    whole = Bar()
    one, other = Bar(whole), Bar(whole)
    one.note(limited(wait=10.0))
    other.check("GET /b")
    one.note(limited(418))
    with pytest.raises(RateLimited) as caught:
        other.check("GET /b")
    assert (caught.value.status, caught.value.retry_after) == (418, SHORTEST_BAN_SECONDS)
    other.note(HandshakeRejected("no", status=418, retry_after=500.0))
    assert one.seconds_left == other.seconds_left == whole.seconds_left == 500


@pytest.mark.parametrize(
    "error",
    [
        OSError(),
        limited(),
        limited(code=-1015, wait=60.0),
        HandshakeRejected("no", status=503),
        AuthenticationFailed(method="a", status=401, code=-2015, msg="IP banned until 1900000000000"),
    ],
    ids=["an error of the network", "no time", "too many orders", "no time at the upgrade", "a refused key"],
)
async def test_what_is_no_limit_bars_nothing(autojump_clock: MockClock, error: Exception) -> None:
    bar = Bar()
    bar.note(error)
    bar.check("GET /b")


# What an answer means.


def failure(code: int, msg: str = "no") -> ApiFailure:
    return ApiFailure(code=code, msg=msg)


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, -2015, AuthenticationFailed),
        (400, -1022, AuthenticationFailed),
        (401, -9999, AuthenticationFailed),
        (401, 0, ApiError),
        (403, 0, ApiError),
        (400, -1003, RateLimited),
        (418, 0, RateLimited),
    ],
)
def test_a_key_is_refused_with_a_code_and_by_nothing_else(status: int, code: int, kind: type[ApiError]) -> None:
    assert type(refusal("GET /a", status, failure(code), NOW)) is kind


@pytest.mark.parametrize("where", ["error", "result"])
@pytest.mark.parametrize(
    ("code", "kind"), [(-2015, AuthenticationFailed), (-1121, ApiError), (-1003, RateLimited), (-1007, OutcomeUnknown)]
)
def test_an_error_with_status_200_is_an_error(where: str, code: int, kind: type[Exception]) -> None:
    if where == "error":
        response = Response(id=1, status=200, error=failure(code))
    else:
        response = Response(id=1, status=200, result={"code": code, "msg": "no"})
    with pytest.raises(kind) as caught:
        outcome("order.place", response, "mine", NOW)
    assert type(caught.value) is kind


def test_an_error_with_status_200_that_cannot_be_read_says_neither_yes_nor_no() -> None:
    with pytest.raises(OutcomeUnknown):
        outcome("order.place", Response(id=1, status=200, error=failure(0)), None, NOW)


@pytest.mark.parametrize(
    "result",
    [
        {"code": 200, "msg": "success"},
        {"code": -1},
        {"code": "-1", "msg": "x"},
        {"msg": "x"},
        [{"code": -1, "msg": ""}],
    ],
)
def test_a_result_that_only_looks_like_an_error_is_a_result(result: object) -> None:
    assert outcome("GET /a", Response(id=1, status=200, result=result), None, NOW) is result
