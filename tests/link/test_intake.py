"""What a link's events are sorted by: their subscription, what is known of it, and what a twin has brought."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import trio
import trio.testing

from trio_binance_uds.events import Event, UndecodableEvent, UnknownEvent
from trio_binance_uds.link.intake import Intake, Route, SubscriptionEnded


def event(name: str, number: int | None = 0) -> Event:
    """Return an event whose identity is its name; equal names are equal events."""
    return UnknownEvent(raw={"e": name}, problem="made up", event_type=name, subscription_id=number)


class Sorted:
    """An intake and what came out of it."""

    def __init__(self) -> None:
        self.told: list[Event] = []
        self.about: list[Event] = []
        self.proofs = 0
        self.batches = 0
        self.intake = Intake(
            accept=self.told.append,
            about_the_link=self._take,
            proven=self._prove,
            on_batch_end=self._end_batch,
        )

    def _take(self, told: Event) -> bool:
        self.about.append(told)
        return True

    def _prove(self, newest: Event, now: float) -> None:
        self.proofs += 1
        assert newest is self.told[-1]

    def _end_batch(self, now: float) -> None:
        self.batches += 1

    def names(self) -> list[str | None]:
        return [item.event_type for item in self.told]


async def test_what_overtakes_the_acknowledgement_waits_for_it(autojump_clock: trio.testing.MockClock) -> None:
    out = Sorted()
    for number in (0, None, 7):
        out.intake.on_event(event(f"by {number}", number))
    assert out.told == []
    out.intake.open({0: Route("mine"), None: Route()})
    assert out.names() == ["by 0", "by None", "by 7"]
    assert [item.account for item in out.told] == ["mine", None, None]
    stray = out.told[-1]
    assert isinstance(stray, UnknownEvent)
    assert "subscription 7, which is not this stream's" in stray.problem


async def test_a_batch_is_a_proof_only_if_it_brought_an_event(autojump_clock: trio.testing.MockClock) -> None:
    out = Sorted()
    out.intake.open({0: Route()})
    out.intake.on_batch_end(trio.current_time())
    assert (out.proofs, out.batches) == (0, 1)
    out.intake.on_event(Event(event_type="outboundAccountPosition", raw={}, subscription_id=0))
    out.intake.on_batch_end(trio.current_time())
    out.intake.on_batch_end(trio.current_time())
    assert (out.proofs, out.batches) == (1, 3)


@pytest.mark.parametrize(
    "unread",
    [
        UnknownEvent(raw=None, problem="not an object"),
        UndecodableEvent(raw=b"{", problem="not JSON"),
        UndecodableEvent(raw={"e": "executionReport"}, problem="a field is missing", event_type="executionReport"),
    ],
)
async def test_what_cannot_be_read_is_told_but_proves_nothing(
    autojump_clock: trio.testing.MockClock, unread: Event
) -> None:
    """A frame of ``null`` comes from whatever is at the other end; that the account is still heard, it does not say."""
    out = Sorted()
    out.intake.open({None: Route()})
    out.intake.on_event(unread)
    out.intake.on_batch_end(trio.current_time())
    assert len(out.told) == 1
    assert (out.proofs, out.batches) == (0, 1)


async def test_a_flood_before_the_acknowledgement_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trio_binance_uds.link.intake._MAX_EARLY", 2)
    out = Sorted()
    out.intake.on_event(event("one"))
    out.intake.on_event(event("two"))
    with pytest.raises(SubscriptionEnded, match="2 events came before"):
        out.intake.on_event(event("three"))


def story(rng: random.Random) -> Iterator[str]:
    """Yield names of events, of which some are equal to one before."""
    for number in range(40):
        yield f"e{number}"
        if rng.random() < 0.2:
            yield f"e{number}"


@pytest.mark.parametrize("seed", range(200))
async def test_what_twins_bring_is_told_once_in_whichever_order_they_bring_it(
    autojump_clock: trio.testing.MockClock, seed: int
) -> None:
    rng = random.Random(seed)
    sent = list(story(rng))
    begins, ends = sorted(rng.sample(range(len(sent)), 2))
    out = Sorted()
    out.intake.open({0: Route("mine")})
    old, new = sent[:ends], sent[begins:]
    out.intake.expect_twin(0)
    until_known = rng.randrange(1, 30)
    while old or new:
        until_known -= 1
        if until_known == 0 or (not old and until_known > 0):
            until_known = 0
            out.intake.add_twin(0, 1, leaving=0)
        if old and (not new or rng.random() < 0.5):
            out.intake.on_event(event(old.pop(0), 0))
            if not old and until_known < 0:
                out.intake.forget(0)
        else:
            out.intake.on_event(event(new.pop(0), 1))
    assert sorted(map(str, out.names())) == sorted(sent)
    assert all(item.account == "mine" for item in out.told)


async def test_after_a_while_what_is_equal_is_new(autojump_clock: trio.testing.MockClock) -> None:
    out = Sorted()
    out.intake.open({0: Route()})
    out.intake.expect_twin(0)
    out.intake.on_event(event("one", 0))
    out.intake.add_twin(0, 1, leaving=0)
    out.intake.forget(0)
    assert out.intake.known == {1}
    await trio.sleep(61)
    out.intake.on_event(event("one", 1))
    assert out.names() == ["one", "one"]


async def test_a_third_twin_is_counted_with_the_two_before(autojump_clock: trio.testing.MockClock) -> None:
    out = Sorted()
    out.intake.open({0: Route()})
    out.intake.expect_twin(0)
    out.intake.add_twin(0, 1, leaving=0)
    out.intake.expect_twin(1)
    out.intake.add_twin(1, 2, leaving=1)
    assert out.intake.leaving == {0, 1}
    for number in (0, 1, 2):
        out.intake.on_event(event("one", number))
    assert out.names() == ["one"]
    out.intake.expect_twin(2)
    out.intake.no_twin(2)
    for number in (2, 1, 0):
        out.intake.on_event(event("two", number))
    assert out.names() == ["one", "two"]
    for number in (0, 1):
        out.intake.forget(number)
    assert out.intake.known == {2}
