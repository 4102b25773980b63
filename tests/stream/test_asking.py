"""What a question about the past says of the credentials, and how those who ask pass that on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from trio_binance_uds.errors import ApiError, AuthenticationFailed
from trio_binance_uds.link.link import CredentialsDenied
from trio_binance_uds.stream.asking import Asker, Replied
from trio_binance_uds.stream.recovery.portfolio.margin import _Translated


def asker_that_meets(error: ApiError, reports: list[CredentialsDenied | Replied]) -> Asker:
    async def request(method: str, params: Mapping[str, Any] | None) -> Any:
        raise error

    return Asker(request, reports.append, at_once=lambda: True)


async def test_a_refusal_by_the_venue_is_a_reply_and_one_by_a_server_before_it_is_none() -> None:
    for code, replies in ((-1130, 1), (0, 0)):
        reports: list[CredentialsDenied | Replied] = []
        with pytest.raises(ApiError):
            await asker_that_meets(ApiError(method="x", status=400, code=code, msg="no"), reports)("x")
        assert len(reports) == replies


async def test_a_translated_question_passes_a_refusal_on_to_whom_it_may_concern() -> None:
    reports: list[CredentialsDenied | Replied] = []
    refused = AuthenticationFailed(method="x", status=401, code=-2015, msg="no")
    _Translated(asker_that_meets(refused, reports)).note_refused(refused)
    assert reports == [CredentialsDenied(refused)]

    async def request(method: str, params: Mapping[str, Any] | None) -> Any:
        return []

    _Translated(request).note_refused(refused)  # Nobody listens.
    assert _Translated(request).weight_left("GET /x") is None
