"""The handover delivers each event once and in order, whichever link brings it and however far one lags."""

from __future__ import annotations

import random
from collections import deque

import attrs
import pytest

from trio_binance_uds.events import Event, UnknownEvent
from trio_binance_uds.stream.handover import Handover, ParkedTooMuch


def event(name: str) -> Event:
    """Return an event whose identity is its name; equal names are equal events."""
    return UnknownEvent(raw={"e": name}, problem="made up", event_type=name)


def name(item: Event) -> str:
    assert item.event_type is not None
    return item.event_type


def test_what_happens_to_two_accounts_is_no_echo_of_one_another() -> None:
    out: list[str | None] = []
    handover = Handover(lambda item: out.append(item.account), max_parked=10)
    handover.park(1)
    handover.cut(1)
    handover.park(2)
    for account in ("a", "b"):
        handover.accept(1, attrs.evolve(event("same"), account=account))
    handover.cut(2)
    for account in ("b", "a", "b"):
        handover.accept(2, attrs.evolve(event("same"), account=account))
    assert out == ["a", "b", "b"]


class Wire:
    """What the venue has sent on one link and has not arrived yet."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.on_the_way: deque[str] = deque()


@pytest.mark.parametrize("seed", range(300))
def test_each_event_comes_out_once_and_in_order_through_any_number_of_rollovers(seed: int) -> None:
    # An event may be equal to the one before it, as two deposits can be. Only where the first of them was sent
    # before the second link was subscribed, and the other one within the settle time, can they not be told apart.
    out: list[str] = []
    published: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=1000)
    old, new = Wire(1), None
    handover.park(1)
    handover.cut(1)
    due_before_cut = 0
    rng = random.Random(seed)
    todo = deque(rng.random() < 0.5 for _ in range(rng.randrange(80)))
    seen_by_both = 0

    def arrive(wire: Wire, count: int) -> None:
        for _ in range(min(count, len(wire.on_the_way))):
            handover.accept(wire.number, event(wire.on_the_way.popleft()))

    draining: Wire | None = None
    number = 1
    while todo or new is not None or draining is not None or old.on_the_way:
        if todo:
            seen_by_both = 0 if new is None and draining is None else seen_by_both + 1
            text = published[-1] if todo.popleft() and seen_by_both > 1 else f"event-{len(published)}"
            published.append(text)
            for wire in (old, new, draining):
                if wire is not None:
                    wire.on_the_way.append(text)
        arrive(old, rng.randrange(4))
        if new is not None:
            arrive(new, rng.randrange(4))
        if draining is not None:
            arrive(draining, rng.randrange(4))
        action = rng.choice(["nothing", "open", "cut", "close"])
        if action == "open" and new is None and draining is None and todo:
            number += 1
            new = Wire(number)
            handover.park(number)
            due_before_cut = len(old.on_the_way)
        elif action in ("cut", "close") and new is not None:
            # The pong of the old link: all that was on its way when the new one was subscribed has arrived.
            arrive(old, due_before_cut)
            handover.cut(new.number)
            draining, old, new = old, new, None
        elif action == "close" and draining is not None:
            handover.drop(draining.number)
            draining = None
    assert out == published


def test_a_parked_links_events_wait_for_the_cut() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    handover.park(1)
    handover.accept(1, event("a"))
    handover.accept(1, event("b"))
    assert out == []
    handover.cut(1)
    assert out == ["a", "b"]


def test_two_equal_events_are_two_events() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    handover.park(1)
    handover.cut(1)
    handover.park(2)
    for link in (1, 2):
        handover.accept(link, event("deposit"))
        handover.accept(link, event("deposit"))
    handover.cut(2)
    assert out == ["deposit", "deposit"]
    assert handover.echoes == 2


def test_a_lagging_successor_cannot_repeat_an_event_after_the_old_link_is_gone() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    handover.park(1)
    handover.cut(1)
    handover.park(2)
    handover.accept(1, event("fill"))
    handover.cut(2)
    handover.drop(1)
    handover.accept(2, event("fill"))
    handover.accept(2, event("next"))
    assert out == ["fill", "next"]


def test_once_settled_an_equal_event_is_a_new_one() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    handover.park(1)
    handover.cut(1)
    handover.park(2)
    handover.accept(1, event("deposit"))
    handover.cut(2)
    handover.settle(2)
    handover.accept(2, event("deposit"))
    assert out == ["deposit"], "while the old link is drained, nothing is forgotten"
    handover.accept(1, event("deposit"))
    handover.drop(1)
    handover.settle(2)
    handover.accept(2, event("deposit"))
    assert out == ["deposit", "deposit", "deposit"]


def test_what_an_ended_link_brings_is_not_delivered() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    handover.park(1)
    handover.accept(1, event("a"))
    handover.drop(1)
    handover.accept(1, event("b"))
    handover.park(2)
    handover.accept(2, event("c"))
    handover.cut(2)
    handover.drop(2)
    handover.accept(2, event("d"))
    assert out == ["c"]


def test_at_a_second_cut_the_link_before_the_old_one_is_let_go() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    for link in (1, 2, 3):
        handover.park(link)
        handover.cut(link)
    for link in (1, 2, 3):
        handover.accept(link, event(f"from {link}"))
    assert out == ["from 2", "from 3"]


def test_what_may_wait_is_bounded() -> None:
    handover = Handover(lambda item: None, max_parked=2)
    handover.park(1)
    handover.accept(1, event("a"))
    handover.accept(1, event("b"))
    with pytest.raises(ParkedTooMuch, match="2 events"):
        handover.accept(1, event("c"))


def test_without_overlap_nothing_is_compared() -> None:
    class Blind(UnknownEvent):
        @property
        def identity(self) -> tuple[object, ...]:
            raise AssertionError("computed for nothing")

    out: list[Event] = []
    handover = Handover(out.append, max_parked=2)
    handover.park(1)
    handover.cut(1)
    handover.accept(1, Blind(raw={}, problem="", event_type="x"))
    assert len(out) == 1


def test_what_waits_for_a_recovery_is_owed_by_a_successor_from_when_it_was_dialled() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    handover.park(1)
    handover.accept(1, event("before"))
    handover.park(2)
    handover.note_subscribed(2)
    handover.accept(1, event("deposit"))
    handover.accept(2, event("deposit"))
    handover.cut(1)
    handover.cut(2)
    assert out == ["before", "deposit"]
    assert handover.echoes == 1
    handover.accept(2, event("before"))
    assert out == ["before", "deposit", "before"], "the new link was not subscribed yet: it is another one"


def test_what_came_before_the_subscription_is_owed_until_something_later_comes() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    handover.park(1)
    handover.cut(1)
    handover.park(2)
    for text in ("one", "two", "three"):
        handover.accept(1, event(text))
    handover.note_subscribed(2)
    handover.accept(1, event("four"))
    handover.cut(2)
    handover.accept(2, event("two"))
    assert out == ["one", "two", "three", "four"], "it was sent just after the subscription"
    handover.accept(2, event("four"))
    handover.accept(2, event("three"))
    assert out == ["one", "two", "three", "four", "three"], "as all comes in order, this is a new one"


def test_what_came_before_the_subscription_can_be_forgotten() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    handover.forget_unsure(1)
    handover.note_subscribed(1)
    handover.park(1)
    handover.cut(1)
    handover.park(2)
    handover.accept(1, event("unsure"))
    handover.note_subscribed(2)
    handover.accept(1, event("sure"))
    handover.forget_unsure(2)
    handover.cut(2)
    for text in ("unsure", "sure"):
        handover.accept(2, event(text))
    assert out == ["unsure", "sure", "unsure"]


def test_a_drained_link_waits_with_the_active_one_and_both_are_let_out_in_order() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=3)
    handover.park(1)
    handover.cut(1)
    handover.park(2)
    handover.note_subscribed(2)
    handover.cut(2)
    handover.park_active()
    handover.accept(1, event("late"))
    handover.accept(2, event("late"))
    handover.accept(2, event("next"))
    with pytest.raises(ParkedTooMuch):
        handover.accept(1, event("next"))
    assert out == []
    assert [name(item) for item in handover.waiting(2)] == ["late", "late", "next"]
    handover.drop(1)
    handover.cut(2)
    assert out == ["late", "next"]


def test_a_link_that_is_lost_while_its_events_wait_holds_up_nothing() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=3)
    for link in (1, 2):
        handover.park(link)
        handover.cut(link)
    handover.park_active()
    handover.drop(2)
    handover.accept(1, event("from the drained one"))
    assert out == ["from the drained one"]


def test_echoes_of_one_handover_outlive_the_timer_of_the_one_before() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    handover.park(1)
    handover.cut(1)
    for old, new in ((1, 2), (2, 3)):
        handover.park(new)
        handover.note_subscribed(new)
        handover.accept(old, event(f"by {old}"))
        handover.cut(new)
        handover.drop(old)
    handover.settle(2)
    handover.accept(3, event("by 2"))
    assert out == ["by 1", "by 2"]
    handover.accept(3, event("by 2"))
    assert out == ["by 1", "by 2", "by 2"]


def test_all_that_follows_an_event_which_is_held_back_waits_too() -> None:
    out: list[str] = []

    def deliver(item: Event) -> bool:
        if name(item) == "held" and "before" not in out:
            handover.hold(item)
            return True
        out.append(name(item))
        return False

    handover = Handover(deliver, max_parked=10)
    handover.park(1)
    for text in ("first", "held", "after", "last"):
        handover.accept(1, event(text))
    handover.cut(1)
    assert out == ["first"]
    assert [name(item) for item in handover.waiting(1)] == ["held", "after", "last"]
    out.append("before")
    handover.cut(1)
    assert out == ["first", "before", "held", "after", "last"]


def test_what_waits_is_told_without_the_echoes() -> None:
    out: list[str] = []
    handover = Handover(lambda item: out.append(name(item)), max_parked=10)
    handover.park(1)
    handover.cut(1)
    handover.park(2)
    handover.note_subscribed(2)
    for link, text in ((1, "both"), (2, "both"), (2, "both"), (2, "new")):
        handover.accept(link, event(text))
    assert [name(item) for item in handover.waiting(2)] == ["both", "new"]
    assert [name(item) for item in handover.waiting(2)] == ["both", "new"], "to ask changes nothing"
    handover.cut(2)
    assert out == ["both", "both", "new"]


def test_an_event_of_a_drained_link_is_held_back_as_its_own() -> None:
    out: list[str] = []

    def deliver(item: Event) -> bool:
        if name(item) == "held" and "before" not in out:
            handover.hold(item)
            return True
        out.append(name(item))
        return False

    handover = Handover(deliver, max_parked=10)
    handover.park(1)
    handover.cut(1)
    handover.park(2)
    handover.note_subscribed(2)
    handover.cut(2)
    assert handover.may_hold
    handover.accept(1, event("held"))
    assert not handover.may_hold
    handover.accept(2, event("held"))
    assert [name(item) for item in handover.waiting(2)] == ["held", "held"]
    out.append("before")
    handover.cut(2)
    assert out == ["before", "held"]
