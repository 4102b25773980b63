"""What the venue names, such as keys, ids and ends of lives, is used only where it is of use."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support.everywhere import KEYED, THREE_ACCOUNTS, TOKENED, opened, venue_for
from support.venue import Call, Reply, Socket, Venue

every_key = pytest.mark.parametrize("product", KEYED, ids=lambda product: product.name)
every_token = pytest.mark.parametrize("product", TOKENED, ids=lambda product: product.name)


@every_key
@pytest.mark.parametrize("key", [".", "..", "", "k" * 5000, "a\nb", "ä", 5, None], ids=repr)
async def test_a_listen_key_that_is_none_is_never_connected_with(
    autojump_clock: trio.testing.MockClock, product: uds.Product, key: Any
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    venue = venue_for(product)
    venue.answer_instead(f"POST {mechanism.path}", Reply(body={"listenKey": key}))
    with pytest.raises(uds.OutcomeUnknown, match="no listenKey that can be used"):
        async with opened(product, venue):
            pytest.fail("it is open")
    assert not venue.sockets


@every_key
@pytest.mark.parametrize("key", ["../ws", "a/b", "...", "a?listenKey=b", "a#b", "a%2Fb", "a b", "a&events=x"])
async def test_a_listen_key_stays_in_its_place_whatever_it_looks_like(
    autojump_clock: trio.testing.MockClock, product: uds.Product, key: str
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    venue = venue_for(product)
    original = venue._on_key

    def on_key(call: Call) -> Reply:
        reply = original(call)
        for made in venue.keys.values():
            made.text = key
        return Reply(reply.status, {**reply.body, "listenKey": key} if "listenKey" in reply.body else reply.body)

    venue._on_key = on_key  # type: ignore[method-assign]
    async with opened(product, venue):
        (socket,) = venue.sockets
        if mechanism.place is uds.KeyPlace.PATH:
            assert socket.path.startswith("/root/ws/")
            assert "/" not in socket.path.removeprefix("/root/ws/")
            assert not socket.query
        else:
            assert socket.path == "/root/ws"
            assert socket.query.get("listenKey", key) == key  # where it is not in the URL it is subscribed to


def soon(venue: Venue, seconds: float) -> Callable[[Call], Reply]:
    """Return what answers with tokens whose named end is so many seconds ahead."""
    original = venue._on_token

    def on_token(call: Call) -> Reply:
        reply = original(call)
        return Reply(body={**reply.body, "expirationTime": venue.now_ms() + round(1000 * seconds)})

    return on_token


@every_token
@pytest.mark.parametrize("seconds", [0.001, 0.05, 1.0, 9.0])
@pytest.mark.parametrize("second", ["same", "new", "refused"])
async def test_a_token_that_is_about_to_end_is_renewed_with_a_floor(
    autojump_clock: trio.testing.MockClock, product: uds.Product, seconds: float, second: str
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenTokenSubscription)
    venue = venue_for(product)
    venue.second_subscription = second
    venue._on_token = soon(venue, seconds)  # type: ignore[method-assign]
    async with opened(product, venue) as stage:
        await trio.sleep(60)
        renewals = len(venue.tokens) - len(mechanism.accounts)
        assert renewals <= 5 * len(mechanism.accounts)
        await trio.sleep(600)
        assert len(venue.tokens) <= 20 * len(mechanism.accounts)
        assert "Disconnected" not in stage.kinds()
        venue._on_token = Venue._on_token.__get__(venue)  # type: ignore[method-assign]
        await trio.sleep(120)
        count = len(venue.tokens)
        await trio.sleep(1200)
        assert len(venue.tokens) <= count + 2 * len(mechanism.accounts), "a long life is a long life again"


async def test_a_renewal_that_gets_the_id_of_another_account_is_no_renewal(
    autojump_clock: trio.testing.MockClock,
) -> None:
    venue = venue_for(THREE_ACCOUNTS, token_life=1000.0)
    mechanism = THREE_ACCOUNTS.mechanism
    assert isinstance(mechanism, uds.ListenTokenSubscription)
    names = {account.symbol or "cross": account.name for account in mechanism.accounts}

    async def mixed_up(socket: Socket, params: dict[str, Any]) -> Any:
        whose = venue.tokens[params["listenToken"]][0]
        other = next(number for number, name in socket.subscriptions.items() if name != whose)
        return 200, {"subscriptionId": other, "expirationTime": 1000 * (venue.now_ms() + 1_000_000)}

    async with opened(THREE_ACCOUNTS, venue) as stage:
        venue.answer_method_instead("userDataStream.subscribe.listenToken", *[mixed_up] * 6)
        for at in range(12):
            await trio.sleep(50)
            for whose in names:
                await venue.tell({"e": f"{whose} {at}"}, account=whose)
        await trio.sleep(0.01)
        events = [item for item in stage.items if isinstance(item, uds.Event)]
        assert [(event.event_type, event.account) for event in events] == [
            (f"{whose} {at}", name) for at in range(12) for whose, name in names.items()
        ]
        (socket,) = venue.sockets
        assert sorted(socket.subscriptions.values()) == sorted(names), "nobody's subscription was given up"
        assert not venue.ws_instead["userDataStream.subscribe.listenToken"]
