"""Log lines name the stream that they are about."""

from __future__ import annotations

import logging

import pytest
import trio

from trio_binance_uds.logs import name_log_lines, stream_logger

log = stream_logger("trio_binance_uds.test")


async def test_lines_begin_with_the_name_of_the_stream_of_their_task_and_of_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def child(name: str) -> None:
        log.warning("link %d has ended", 3)

    async def stream(name: str) -> None:
        name_log_lines(name)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child, name)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream, "alice")
        nursery.start_soon(stream, "bob")
    log.warning("of no stream: %d", 1)
    said = [(record.getMessage(), record.__dict__["stream"]) for record in caplog.records]
    assert sorted(said[:2]) == [("alice: link 3 has ended", "alice"), ("bob: link 3 has ended", "bob")]
    assert said[2] == ("of no stream: 1", None)
    assert {record.msg for record in caplog.records[:2]} == {"%s: link %d has ended"}, "one text for all streams"


async def test_a_percent_sign_is_text_in_the_name_and_in_a_message_without_arguments(
    caplog: pytest.LogCaptureFixture,
) -> None:
    name_log_lines("100%s")
    log.warning("5% of it")
    assert [record.getMessage() for record in caplog.records] == ["100%s: 5% of it"]


async def test_the_place_of_a_line_is_where_it_was_logged(caplog: pytest.LogCaptureFixture) -> None:
    log.warning("here")
    assert [record.funcName for record in caplog.records] == [
        "test_the_place_of_a_line_is_where_it_was_logged",
    ]


async def test_what_is_not_wanted_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        log.warning("nobody asked")
    assert not caplog.records
