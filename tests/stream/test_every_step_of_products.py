"""A stream with a listen key or token, cancelled at every scheduler step: nothing runs and nothing is open."""

from __future__ import annotations

import pytest
import trio

import trio_binance_uds as uds
from support.everywhere import CREDENTIALS, EVERYWHERE, lose, venue_for
from support.steps import cancel_at_every_step
from support.venue import Cut, Venue

pytestmark = pytest.mark.long


@pytest.mark.parametrize("product", [uds.OPTIONS, uds.STOCKS, uds.CROSS_MARGIN], ids=lambda product: product.name)
@pytest.mark.parametrize("story", ["renewed", "expired", "rollover", "trouble"])
def test_nothing_is_left_behind_wherever_it_is_cancelled(product: uds.Product, story: str) -> None:
    venues: list[Venue] = []
    told: list[str | None] = []

    async def read(stream: uds.UserDataStream) -> None:
        async for item in stream:
            if isinstance(item, uds.Event):
                told.append(item.event_type)

    async def live(venue: Venue) -> None:
        await venue.tell({"e": "one"})
        if story == "expired":
            await lose(venue, "told")
        elif story == "trouble":
            venue.answer_instead("PUT /eapi/v1/listenKey", Cut())
            venue.answer_instead("POST /sapi/v1/equity/listenKey", Cut())
            venue.answer_instead("POST /sapi/v1/userListenToken", Cut())
        await trio.sleep(70)
        await venue.tell({"e": "two"})

    async def scenario() -> None:
        told.clear()
        async with venue_for(product, token_life=100.0) as venue:
            venues[:] = [venue]
            venue.second_subscription = "new"
            async with (
                uds.open_user_data_stream(
                    CREDENTIALS,
                    product,
                    environment=EVERYWHERE,
                    network=venue.network,
                    recovery=uds.Recovery(enabled=False),
                    rollover=uds.Rollover(lifetime=60, lead=10, jitter=0) if story == "rollover" else uds.Rollover(),
                    timeouts=uds.Timeouts(ping_interval=40),
                    delete_listen_key_on_exit=product is uds.OPTIONS and story == "renewed",
                    seed=2,
                ) as stream,
                trio.open_nursery() as nursery,
            ):
                nursery.start_soon(read, stream)
                await live(venue)
                await trio.sleep(0.001)
                nursery.cancel_scope.cancel()

    def check() -> None:
        assert venues[0].open_streams() == 0
        assert told == ["one", "two"][: len(told)]

    # Those with two links have twice the steps.
    seeds = range(1 if story in ("expired", "rollover") else 2)
    assert cancel_at_every_step(scenario, check=check, seeds=seeds) > 100
