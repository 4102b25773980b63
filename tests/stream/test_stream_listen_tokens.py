"""Listen tokens are renewed on the same connection, whatever the venue makes of it, and each account keeps its name."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support.everywhere import (
    MADE_UP_MARGIN,
    THREE_ACCOUNTS,
    TOKENED,
    life_of,
    logged,
    lose,
    opened,
    unhurried,
    venue_for,
)
from support.venue import START_MS, Cut, Reply, Socket

every_token = pytest.mark.parametrize("product", TOKENED, ids=lambda product: product.name)


@every_token
async def test_each_event_names_its_account(autojump_clock: trio.testing.MockClock, product: uds.Product) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenTokenSubscription)
    async with opened(product) as stage:
        names = {account.symbol or "cross": account.name for account in mechanism.accounts}
        for whose in names:
            await stage.venue.tell({"e": "balanceUpdate", "a": "BTC", "d": "1", "T": START_MS}, account=whose)
            await stage.venue.tell({"e": whose}, account=whose)
        await trio.sleep(0.01)
        events = [item for item in stage.items if isinstance(item, uds.Event)]
        assert [event.account for event in events] == [name for name in names.values() for _ in range(2)]
        assert [event.event_type for event in events[1::2]] == list(names)


async def test_the_token_of_an_isolated_pair_is_made_for_it(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(THREE_ACCOUNTS) as stage:
        assert [call.params for call in stage.venue.calls] == [
            {},
            {"isIsolated": "true", "symbol": "BTCUSDT"},
            {"isIsolated": "true", "symbol": "ETHUSDT"},
        ]
    async with opened(MADE_UP_MARGIN) as stage:
        assert [call.params for call in stage.venue.calls] == [{"validity": "3600000"}]


@every_token
@pytest.mark.parametrize("second", ["same", "new", "refused"])
async def test_a_token_is_renewed_at_half_of_its_life_whatever_the_venue_makes_of_it(
    autojump_clock: trio.testing.MockClock, product: uds.Product, second: str
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenTokenSubscription)
    life = life_of(product)
    venue = venue_for(product, token_life=life)
    venue.second_subscription = second
    accounts = len(mechanism.accounts)
    never = uds.Rollover(lifetime=100 * life)
    async with opened(product, venue, timeouts=unhurried(product), rollover=never) as stage:
        for number in range(60):
            await trio.sleep(life / 20)
            await venue.tell({"e": f"event {number}"})
        await trio.sleep(0.01)
        assert stage.kinds() == [f"event {number}" for number in range(60) for _ in range(accounts)]
        assert accounts * 6 <= len(venue.tokens) <= accounts * 7
        (socket,) = venue.sockets
        assert sorted(set(socket.subscriptions.values())) == sorted(socket.subscriptions.values()), "no twin is left"


async def test_a_token_that_was_asked_for_to_live_short_is_renewed_in_time_every_time(
    autojump_clock: trio.testing.MockClock,
) -> None:
    product = attrs.evolve(
        uds.CROSS_MARGIN,
        mechanism=attrs.evolve(uds.CROSS_MARGIN.mechanism, validity=1.5),  # type: ignore[misc]
    )
    venue = venue_for(product, token_life=1.5)
    async with opened(product, venue, rollover=uds.Rollover(lifetime=86_000)) as stage:
        await trio.sleep(30)
        assert stage.kinds() == []
        assert 40 <= len(venue.tokens) <= 44
        assert len(venue.sockets) == 1


async def test_events_that_twins_bring_are_told_once_and_equal_ones_twice(
    autojump_clock: trio.testing.MockClock,
) -> None:
    venue = venue_for(uds.CROSS_MARGIN, token_life=1000.0)
    venue.second_subscription = "new"
    # The older twin is not given up for a while.
    venue.answer_method_instead("userDataStream.unsubscribe", (400, {"code": -1000, "msg": "not now"}))

    async def subscribe(socket: Socket, params: dict[str, Any]) -> Any:
        answer = venue.subscribe(socket, params["listenToken"])
        for _ in range(2):  # by both, before the newer one is acknowledged
            await venue.tell({"e": "early"})
        return answer

    async with opened(uds.CROSS_MARGIN, venue) as stage:
        venue.answer_method_instead("userDataStream.subscribe.listenToken", subscribe)
        await trio.sleep(501)
        (socket,) = venue.sockets
        assert list(socket.subscriptions) == [0, 1]
        for name in ("one", "same", "same", "two"):
            await venue.tell({"e": name})
        await trio.sleep(0.01)
        assert stage.kinds() == ["early", "early", "one", "same", "same", "two"]
        await trio.sleep(60)
        assert list(socket.subscriptions) == [1], "the next proof of life clears it away"
        await trio.sleep(120)
        for name in ("one", "same"):
            await venue.tell({"e": name})
        await trio.sleep(0.01)
        assert stage.kinds()[-2:] == ["one", "same"], "what is brought later is new"


async def test_a_twin_that_ends_without_a_word_is_forgotten(autojump_clock: trio.testing.MockClock) -> None:
    venue = venue_for(uds.CROSS_MARGIN, token_life=1000.0)
    venue.second_subscription = "new"
    venue.answer_method_instead("userDataStream.unsubscribe", (400, {"code": -1000, "msg": "not now"}))
    async with opened(uds.CROSS_MARGIN, venue) as stage:
        await trio.sleep(501)
        (socket,) = venue.sockets
        del socket.subscriptions[0]
        await trio.sleep(60)
        await socket.send({"subscriptionId": 0, "event": {"e": "ghost", "E": START_MS}})
        await venue.tell({"e": "on"})
        await trio.sleep(0.01)
        ghost = stage.items[0]
        assert isinstance(ghost, uds.UnknownEvent)
        assert "not this stream's" in ghost.problem
        assert stage.kinds() == ["ghost", "on"]


async def test_a_twin_whose_acknowledgement_was_lost_is_found_and_given_up(
    autojump_clock: trio.testing.MockClock,
) -> None:
    venue = venue_for(uds.CROSS_MARGIN, token_life=1000.0)
    venue.second_subscription = "new"

    async def lose_answer(socket: Socket, params: dict[str, Any]) -> Any:
        venue.subscribe(socket, params["listenToken"])
        await venue.tell({"e": "meanwhile"})
        return 503, {"code": -1000, "msg": "unknown"}

    async with opened(uds.CROSS_MARGIN, venue) as stage:
        venue.answer_method_instead("userDataStream.subscribe.listenToken", lose_answer)
        await trio.sleep(500.5)
        (socket,) = venue.sockets
        assert list(socket.subscriptions) == [0]
        await trio.sleep(10)
        await venue.tell({"e": "later"})
        await trio.sleep(0.01)
        assert stage.kinds() == ["meanwhile", "later"]
        assert list(socket.subscriptions) == [2]


async def test_where_nothing_is_left_of_a_second_subscription_it_is_tried_again(
    autojump_clock: trio.testing.MockClock,
) -> None:
    venue = venue_for(uds.CROSS_MARGIN, token_life=1000.0)
    async with opened(uds.CROSS_MARGIN, venue) as stage:
        venue.answer_method_instead(
            "userDataStream.subscribe.listenToken",
            (503, {"code": -1000, "msg": "unknown"}),
            (400, {"code": -1209, "msg": "The listen token is not valid."}),
            (200, {"subscriptionId": None}),
        )
        await trio.sleep(600)
        await venue.tell({"e": "on"})
        await trio.sleep(0.01)
        assert stage.kinds() == ["on"]
        assert len(venue.tokens) == 5


async def test_a_token_that_is_refused_is_fetched_anew_once(autojump_clock: trio.testing.MockClock) -> None:
    refused = (400, {"code": -1209, "msg": "The listen token is not valid."})
    venue = venue_for(uds.CROSS_MARGIN)
    venue.answer_method_instead("userDataStream.subscribe.listenToken", refused)
    async with opened(uds.CROSS_MARGIN, venue):
        assert len(venue.tokens) == 2
    venue = venue_for(uds.CROSS_MARGIN)
    venue.answer_method_instead("userDataStream.subscribe.listenToken", refused, refused)
    with pytest.raises(uds.ApiError, match="-1209"):
        async with opened(uds.CROSS_MARGIN, venue):
            pytest.fail("it opened")
    venue = venue_for(uds.CROSS_MARGIN)
    venue.answer_method_instead("userDataStream.subscribe.listenToken", (400, {"code": -1102, "msg": "no"}))
    with pytest.raises(uds.ApiError, match="-1102"):
        async with opened(uds.CROSS_MARGIN, venue):
            pytest.fail("it opened")


async def test_two_accounts_with_one_subscription_are_not_believed(autojump_clock: trio.testing.MockClock) -> None:
    venue = venue_for(THREE_ACCOUNTS)
    venue.answer_method_instead("userDataStream.subscribe.listenToken", *[(200, {"subscriptionId": 0})] * 2)
    with pytest.raises(uds.OutcomeUnknown, match="two accounts got the subscriptionId 0"):
        async with opened(THREE_ACCOUNTS, venue):
            pytest.fail("it opened")


async def test_the_end_of_one_account_of_several_is_a_gap_for_all(autojump_clock: trio.testing.MockClock) -> None:
    for silently in (False, True):
        async with opened(THREE_ACCOUNTS) as stage:
            await stage.venue.end_subscription("BTCUSDT", silently=silently)
            # What the other accounts get proves nothing for this one.
            for _ in range(10):
                await stage.venue.tell({"e": "on"}, account="cross")
                await trio.sleep(4)
            gap = next(item for item in stage.items if isinstance(item, uds.Gap))
            assert gap.cause is uds.GapCause.SUBSCRIPTION_LOST
            began = datetime.fromtimestamp(START_MS / 1000, UTC)
            assert gap.since - began < timedelta(seconds=1)


@every_token
async def test_a_token_that_cannot_be_renewed_is_told_and_the_subscription_lives_to_its_end(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenTokenSubscription)
    life = life_of(product)
    venue = venue_for(product, token_life=life)
    names = [account.name for account in mechanism.accounts]
    never = uds.Rollover(lifetime=100 * life)
    async with opened(product, venue, timeouts=unhurried(product), rollover=never) as stage:
        began = trio.current_time()
        venue.answer_instead(f"POST {mechanism.path}", *[Cut()] * 100_000)
        await trio.sleep(life * 0.85)
        assert stage.items == []
        await trio.sleep(life * 0.14)
        assert stage.kinds() == ["LeaseAtRisk"] * len(names)
        assert [item.account for item in stage.items if isinstance(item, uds.LeaseAtRisk)] == names
        assert len(venue.calls) < 60 * len(names), "with waits that grow"
        await venue.tell({"e": "still"})
        await trio.sleep_until(began + life + 1)
        assert stage.kinds()[len(names) :] == ["still"] * len(names)
        venue.instead.clear()
        await lose(venue, "told")
        await trio.sleep(60)
        assert stage.kinds()[-2:] == ["Disconnected", "Gap"]


@pytest.mark.parametrize("stamp", [None, "soon", 10**18, START_MS - 1, 1000 * (START_MS - 1)])
async def test_an_end_that_makes_no_sense_is_not_planned_with(
    autojump_clock: trio.testing.MockClock, stamp: Any
) -> None:
    venue = venue_for(uds.CROSS_MARGIN)
    venue.answer_instead("POST /sapi/v1/userListenToken", Reply(200, {"token": "any", "expirationTime": stamp}))
    venue.answer_method_instead("userDataStream.subscribe.listenToken", (200, {"subscriptionId": 5}))
    async with opened(uds.CROSS_MARGIN, venue) as stage:
        expires_at = stage.stream.statistics().lease_expires_at
        assert expires_at is not None
        assert expires_at.timestamp() == pytest.approx(START_MS / 1000 + 86_400, abs=0.1)


async def test_the_earliest_end_that_is_named_counts(autojump_clock: trio.testing.MockClock) -> None:
    venue = venue_for(uds.CROSS_MARGIN)
    micros = 1000 * (START_MS + 600_000)
    venue.answer_method_instead(
        "userDataStream.subscribe.listenToken", (200, {"subscriptionId": 0, "expirationTime": micros})
    )
    async with opened(uds.CROSS_MARGIN, venue) as stage:
        expires_at = stage.stream.statistics().lease_expires_at
        assert expires_at is not None
        assert expires_at.timestamp() == pytest.approx(START_MS / 1000 + 600, abs=0.1)


async def test_no_listen_token_is_in_an_error_or_a_log(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for product in TOKENED:
        async with opened(product, timeouts=unhurried(product)) as stage:
            await trio.sleep(life_of(product))
            await lose(stage.venue, "told")
            await trio.sleep(60)
        for token in stage.venue.tokens:
            assert token not in logged(caplog)
            assert token not in repr(stage.items)
