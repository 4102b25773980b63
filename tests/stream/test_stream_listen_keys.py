"""A listen key and its socket are one thing: proven, prolonged and replaced together, and never left to chance."""

from __future__ import annotations

import logging
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support.everywhere import (
    CREDENTIALS,
    EVERYWHERE,
    KEYED,
    logged,
    lose,
    name_of,
    opened,
    renewal_of,
    venue_for,
)
from support.venue import START_MS, Cut, Hangs, Reply, Venue
from trio_binance_uds.products import Host

every_key = pytest.mark.parametrize("product", KEYED, ids=lambda product: product.name)


@every_key
async def test_the_url_of_the_stream_holds_the_key_where_it_belongs(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    async with opened(product) as stage:
        (socket,) = stage.venue.sockets
        (key,) = stage.venue.keys.values()
        if mechanism.place is uds.KeyPlace.PATH:
            assert (socket.path, socket.query) == (f"/root/ws/{key.text}", {})
        elif mechanism.place is uds.KeyPlace.SUBSCRIPTION:
            assert (socket.path, socket.query) == ("/root/ws", {})
            assert stage.venue.ws_calls[0] == ("SUBSCRIBE", [f"{key.text}@{topic}" for topic in mechanism.topics])
        else:
            events = {"events": "/".join(mechanism.events)} if mechanism.events else {}
            assert (socket.path, socket.query) == ("/root/ws", {"listenKey": key.text, **events})


@every_key
@pytest.mark.parametrize("gone", [-1125, -3038])
async def test_it_is_prolonged_well_inside_its_life_and_each_time_proven_to_be_ours(
    autojump_clock: trio.testing.MockClock, product: uds.Product, gone: int
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    async with opened(product, timeouts=uds.Timeouts(subscription_check=7200.0)) as stage:
        venue = stage.venue
        await trio.sleep(4 * mechanism.life)
        assert stage.items == []
        puts = [call for call in venue.calls if call.verb == "PUT"]
        posts = [call for call in venue.calls if call.verb == "POST"]
        renewals = len(posts) - 1 if mechanism.has_only_post else len(puts)
        assert 12 <= renewals <= 14
        told_by_put = mechanism.put_names_key or mechanism.put_tells_key
        assert len(posts) == (1 if told_by_put else 1 + renewals)
        assert len(puts) == (0 if mechanism.has_only_post else renewals)
        (key,) = venue.keys.values()
        assert all(call.params == ({"listenKey": key.text} if mechanism.put_names_key else {}) for call in puts)
        assert not any(call.params for call in posts)
        venue.answer_instead(renewal_of(product), Reply(400, {"code": gone, "msg": "This listenKey does not exist."}))
        await trio.sleep(mechanism.life / 2)
        assert stage.kinds() == ["Disconnected", "Gap"]


@every_key
async def test_a_key_that_another_process_has_deleted_and_made_anew_is_not_ours_any_more(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    async with opened(product) as stage:
        venue = stage.venue
        old = venue.sockets[-1].key
        await venue.expire_keys(silently=True)
        other = venue._on_key(attrs.evolve(venue.calls[0], verb="POST")).body["listenKey"]
        await trio.sleep(40)
        assert stage.kinds() == ["Disconnected", "Gap"]
        assert [socket.key for socket in venue.live_sockets()] == [other] != [old]


async def test_a_key_that_has_died_before_its_socket_was_open_is_no_stream(
    autojump_clock: trio.testing.MockClock,
) -> None:
    venue = venue_for(uds.USDM_FUTURES)
    venue.answer_instead("PUT /fapi/v1/listenKey", Reply(400, {"code": -1125, "msg": "This listenKey does not exist."}))
    with pytest.raises(uds.ConnectFailed, match="had ended when its stream was open"):
        async with opened(uds.USDM_FUTURES, venue):
            pytest.fail("it opened")


async def test_what_says_that_another_key_has_expired_is_an_event_like_any_other(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with opened(uds.USDM_FUTURES) as stage:
        await stage.venue.tell({"e": "listenKeyExpired", "listenKey": "another" * 8})
        await trio.sleep(60)
        assert stage.kinds() == ["ListenKeyExpired"]
        assert "another" not in repr(stage.items)


async def test_where_put_does_not_tell_the_key_although_it_should_post_does(
    autojump_clock: trio.testing.MockClock,
) -> None:
    venue = venue_for(uds.USDM_FUTURES)
    venue.put_tells_key = False
    async with opened(uds.USDM_FUTURES, venue) as stage:
        await trio.sleep(3600)
        assert stage.items == []


@pytest.mark.parametrize("trouble", [Cut(), Hangs(), Reply(502, b""), Reply(429, {"code": -1003, "msg": "slow down"})])
async def test_a_moment_of_trouble_with_rest_disturbs_nobody(
    autojump_clock: trio.testing.MockClock, trouble: Reply | Exception
) -> None:
    async with opened(uds.USDM_FUTURES) as stage:
        stage.venue.answer_instead("PUT /fapi/v1/listenKey", *[trouble] * 5)
        await trio.sleep(1800)
        assert stage.items == []


@every_key
async def test_where_rest_stays_away_the_reader_is_warned_before_the_key_runs_out(
    autojump_clock: trio.testing.MockClock, product: uds.Product, caplog: pytest.LogCaptureFixture
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    venue = venue_for(product, key_life=mechanism.life)
    async with opened(product, venue) as stage:
        await trio.sleep(1)
        expires_at = stage.stream.statistics().lease_expires_at
        venue.answer_instead(renewal_of(product), *[Cut()] * 10_000)
        await trio.sleep(mechanism.life * 0.85)
        assert stage.items == [], "events still arrive"
        await trio.sleep(mechanism.life * 0.1)
        (warning,) = stage.items
        assert isinstance(warning, uds.LeaseAtRisk)
        assert warning.expires_at == expires_at
        assert warning.account == product.name
        assert warning.at < warning.expires_at
        assert "could not be renewed" in caplog.text
        venue.instead.clear()
        await trio.sleep(mechanism.life)
        assert len(stage.items) == 1, "it was renewed in time"
        venue.answer_instead(renewal_of(product), *[Cut()] * 10_000)
        await trio.sleep(mechanism.life * 1.1)
        assert stage.kinds()[1:3] == ["LeaseAtRisk", "Disconnected"]
        venue.instead.clear()
        await trio.sleep(120)
        kinds = [kind for kind in stage.kinds() if kind != "ReconnectFailed"]
        assert kinds[1:] == ["LeaseAtRisk", "Disconnected", "Gap"]


async def test_an_end_that_the_venue_tells_is_believed_if_it_is_earlier(
    autojump_clock: trio.testing.MockClock,
) -> None:
    venue = venue_for(uds.OPTIONS, key_life=1000.0)
    venue.expiration_member = True
    async with opened(uds.OPTIONS, venue) as stage:
        expires_at = stage.stream.statistics().lease_expires_at
        assert expires_at is not None
        assert expires_at.timestamp() == pytest.approx(START_MS / 1000 + 1000, abs=0.1)


@pytest.mark.parametrize(
    "product", [product for product in KEYED if product is not uds.STOCKS], ids=lambda product: product.name
)
@pytest.mark.parametrize("delete", [False, True])
async def test_the_key_is_deleted_on_leaving_only_if_that_was_asked_for(
    autojump_clock: trio.testing.MockClock, product: uds.Product, delete: bool
) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    async with opened(product, delete_listen_key_on_exit=delete) as stage:
        pass
    deleted = [call for call in stage.venue.calls if call.verb == "DELETE"]
    assert [call.place for call in deleted] == ([(name_of(mechanism.rest), "DELETE", mechanism.path)] if delete else [])
    assert bool(stage.venue.keys) is not delete


async def test_a_subscription_with_the_key_must_be_acknowledged(autojump_clock: trio.testing.MockClock) -> None:
    venue = venue_for(uds.STOCKS)
    venue.answer_method_instead("SUBSCRIBE", (400, {"code": 2, "msg": "Invalid request"}))
    with pytest.raises(uds.ConnectFailed, match="is not where events of stocks come"):
        async with opened(uds.STOCKS, venue):
            pytest.fail("it opened")
    venue = venue_for(uds.STOCKS)
    venue.answer_method_instead("SUBSCRIBE", Hangs())
    with pytest.raises(uds.UserDataStreamError):
        async with opened(uds.STOCKS, venue):
            pytest.fail("it opened")


async def test_a_socket_that_forgets_what_it_has_acknowledged_is_replaced(
    autojump_clock: trio.testing.MockClock,
) -> None:
    venue = venue_for(uds.STOCKS)
    async with opened(uds.STOCKS, venue):
        for listed in ([], [f"{'k' * 64}@orderReport"]):
            venue.answer_method_instead("LIST_SUBSCRIPTIONS", (200, listed))
            sockets = len(venue.sockets)
            await lose(venue, "told")
            await trio.sleep(60)
            assert len(venue.sockets) == sockets + 2, "the first of the two was not believed"
            assert len(venue.live_sockets()) == 1


async def test_a_new_socket_subscribes_with_the_key_of_its_own(autojump_clock: trio.testing.MockClock) -> None:
    async with opened(uds.STOCKS) as stage:
        await lose(stage.venue, "told")
        await trio.sleep(60)
        subscribed = [params for method, params in stage.venue.ws_calls if method == "SUBSCRIBE"]
        assert subscribed == [[f"{socket.key}@orderReport"] for socket in stage.venue.sockets]
        assert len({*map(tuple, subscribed)}) == 2


@pytest.mark.parametrize("reply", [Hangs(), Reply(400, {"code": -1125, "msg": "This listenKey does not exist."})])
async def test_a_key_that_cannot_be_deleted_holds_nobody_up(
    autojump_clock: trio.testing.MockClock, reply: Reply | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    venue = venue_for(uds.USDM_FUTURES)
    venue.answer_instead("DELETE /fapi/v1/listenKey", reply)
    began = trio.current_time()
    async with opened(uds.USDM_FUTURES, venue, delete_listen_key_on_exit=True):
        pass
    assert trio.current_time() - began < 6
    assert "was not deleted within 5 s" in caplog.text or "could not be deleted" in caplog.text


async def test_the_key_is_deleted_also_when_the_block_is_cancelled(autojump_clock: trio.testing.MockClock) -> None:
    async with Venue() as venue:
        with trio.CancelScope() as scope:
            async with uds.open_user_data_stream(
                CREDENTIALS,
                uds.COINM_FUTURES,
                environment=EVERYWHERE,
                network=venue.network,
                delete_listen_key_on_exit=True,
            ):
                scope.cancel()
                await trio.sleep_forever()
        assert venue.calls[-1].place == (name_of(Host.COINM_REST), "DELETE", "/dapi/v1/listenKey")
        assert venue.open_streams() == 0


@pytest.mark.parametrize("key", ["", None, 7, "k\u00e9y", "k\ny"])
async def test_a_key_that_cannot_be_used_is_none(autojump_clock: trio.testing.MockClock, key: Any) -> None:
    venue = venue_for(uds.USDM_FUTURES)
    venue.answer_instead("POST /fapi/v1/listenKey", Reply(200, {"listenKey": key}))
    with pytest.raises(uds.OutcomeUnknown, match="no listenKey that can be used"):
        async with opened(uds.USDM_FUTURES, venue):
            pytest.fail("it opened")


async def test_a_key_with_odd_characters_is_quoted(autojump_clock: trio.testing.MockClock) -> None:
    venue = venue_for(uds.COINM_FUTURES)
    venue.answer_instead("POST /dapi/v1/listenKey", Reply(200, {"listenKey": "a/b?c&d"}))
    venue.answer_instead("PUT /dapi/v1/listenKey", Reply(200, {"listenKey": "a/b?c&d"}))
    async with opened(uds.COINM_FUTURES, venue) as stage:
        assert stage.venue.sockets[0].path == "/root/ws/a%2Fb%3Fc%26d"


@every_key
async def test_a_rollover_costs_nothing_and_keeps_the_key(
    autojump_clock: trio.testing.MockClock, product: uds.Product
) -> None:
    async with opened(product, rollover=uds.Rollover(lifetime=1000, lead=100, jitter=100)) as stage:
        for number in range(40):
            await stage.venue.tell({"e": f"event {number}"})
            await trio.sleep(100)
        assert stage.kinds() == [f"event {number}" for number in range(40)]
        assert len(stage.venue.sockets) >= 4
        assert len({socket.key for socket in stage.venue.sockets}) == 1


async def test_no_listen_key_is_in_an_error_or_a_log(
    autojump_clock: trio.testing.MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for product in KEYED:
        async with opened(product) as stage:
            await lose(stage.venue, "told")
            await trio.sleep(60)
            await lose(stage.venue, "silently")
            await trio.sleep(60)
        for socket in stage.venue.sockets:
            assert socket.key not in logged(caplog)
            assert socket.key not in repr(stage.items)
