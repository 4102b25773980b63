"""What crash reporters send along of local variables is forgotten, and the lines stay."""

from __future__ import annotations

import json
import traceback
from collections.abc import Generator

import pytest

from trio_binance_uds.credentials.hidden import SecretText
from trio_binance_uds.tracebacks import forget_locals
from trio_binance_uds.wire.requests import MaskedParams, encode_request, plain_params

SECRET = "a-secret-of-somebody"


def inner() -> None:
    secret = SECRET
    raise ValueError(len(secret))


def middle() -> None:
    secret = SECRET
    try:
        inner()
    except ValueError as error:
        raise KeyError(len(secret)) from error


def grouped() -> None:
    try:
        middle()
    except KeyError as error:
        raise ExceptionGroup("two", [error, OSError("other")]) from None


@pytest.mark.parametrize("fails", [inner, middle, grouped])
def test_the_locals_of_the_whole_chain_are_forgotten_and_its_lines_stay(fails: object) -> None:
    assert callable(fails)
    with pytest.raises((ValueError, KeyError, ExceptionGroup)) as caught:
        fails()
    before = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert SECRET in before
    forget_locals(caught.value)
    after = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "secret = 'a-secret" not in after
    assert "in inner" in after


def test_an_exception_that_was_never_raised_and_one_that_leads_to_itself_are_no_trouble() -> None:
    forget_locals(ValueError())
    error = ValueError()
    error.__cause__ = error
    forget_locals(error)


def test_what_the_caller_was_handling_is_left_alone_and_may_go_on() -> None:
    failures: list[ValueError] = []

    def patient() -> Generator[str, None, None]:
        try:
            inner()
        except ValueError as error:
            failures.append(error)
            yield "caught"
        yield "went on"

    generator = patient()
    assert next(generator) == "caught"
    try:
        try:
            raise failures[0]
        except ValueError as handled:
            the_callers = handled
            middle()
    except KeyError as error:
        forget_locals(error, handled=the_callers)
    assert next(generator) == "went on"


def test_a_frame_that_is_running_stays_as_it_is() -> None:
    secret = SECRET

    def fail_and_look() -> str:
        kept = SECRET
        try:
            inner()
        except ValueError as error:
            try:
                raise KeyError from error
            except KeyError as other:
                other.__traceback__ = type(error.__traceback__)(  # type: ignore[misc]
                    error.__traceback__, error.__traceback__.tb_frame, 0, 1
                )
                forget_locals(other)
        return kept

    assert fail_and_look() == secret


def test_a_secret_text_is_a_text_that_does_not_show_itself() -> None:
    secret = SecretText(SECRET)
    assert secret == SECRET
    assert f"{secret}" == SECRET
    assert SECRET not in repr(secret)
    assert SECRET not in repr({"a": [secret]})
    assert plain_params({"listenToken": secret}) == {"listenToken": SECRET}
    frame = encode_request(1, "time", {"listenToken": secret})
    assert json.loads(frame)["params"] == {"listenToken": SECRET}
    assert SECRET not in repr(frame)


def test_parameters_show_no_secret() -> None:
    params = MaskedParams(symbol="BTCUSDT", listenToken=SECRET, signature=SECRET, apiKey=SECRET)
    assert repr(params) == "{'symbol': 'BTCUSDT', 'listenToken': '***', 'signature': '***', 'apiKey': '***'}"
    assert SECRET not in repr(plain_params(params))
