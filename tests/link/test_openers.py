"""Subscribing: what the venue answers is believed only if it can be understood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.fake_transport import FakeTransport
from support.served import serving
from trio_binance_uds.credentials import Credentials
from trio_binance_uds.errors import CredentialsError, OutcomeUnknown
from trio_binance_uds.link.link import Link
from trio_binance_uds.link.openers.ws_api import active_subscriptions, subscribe_by_signature, wants_logon
from trio_binance_uds.link.settings import Timeouts


def answering(result: Any) -> FakeTransport:
    return FakeTransport(lambda request: [json.dumps({"id": request["id"], "status": 200, "result": result})])


@pytest.mark.parametrize("number", [0, 1, 65535])
async def test_any_number_is_a_subscription_zero_included(number: int) -> None:
    async with serving(answering({"subscriptionId": number})) as served:
        assert await subscribe_by_signature(served.connection) == number
    async with serving(answering([{"subscriptionId": number}])) as served:
        assert await active_subscriptions(served.connection) == {number}


@pytest.mark.parametrize("result", [None, {}, [], {"subscriptionId": None}, {"subscriptionId": "0"}, "0", True])
async def test_an_acknowledgement_without_a_number_is_none(result: Any) -> None:
    async with serving(answering(result)) as served:
        with pytest.raises(OutcomeUnknown, match="subscriptionId"):
            await subscribe_by_signature(served.connection)


@pytest.mark.parametrize("result", [None, {}, [1], [{}], "none"])
async def test_a_list_of_subscriptions_that_cannot_be_read_proves_nothing(result: Any) -> None:
    async with serving(answering(result)) as served:
        with pytest.raises(OutcomeUnknown, match=r"session\.subscriptions"):
            await active_subscriptions(served.connection)


def test_a_logon_is_for_keys_that_can() -> None:
    hmac = Credentials.from_secret("test-api-key-0001", "test-secret-0001")
    assert not wants_logon(hmac, None)
    assert not wants_logon(hmac, False)
    with pytest.raises(CredentialsError, match="Ed25519"):
        wants_logon(hmac, True)


async def test_a_link_that_never_had_a_connection_can_leave() -> None:
    link = Link(1)
    assert not await link.prove()
    await link.leave(1.0)
    assert link.scope.cancel_called


@pytest.mark.parametrize("name", ["connect", "subscribe", "answer", "ping_interval", "pong", "close"])
def test_a_deadline_of_no_time_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a positive number of seconds"):
        Timeouts(**{name: 0})
