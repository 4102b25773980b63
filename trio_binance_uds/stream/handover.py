"""Which link's events reach the user, and which of them are echoes of what another link delivered.

The rules of this state machine:

* Every link starts *parked*: its events wait. A *cut* makes it the active one and lets them out, in order; the
  link that was active until then is *drained*: what still comes from it passes. The active link can be parked
  again, while something has to be delivered before what it brings: also from the very event on that shows it. Then
  what a drained link brings waits with the others.
* Two links of one account bring the same events. While links overlap, ``_owed`` holds for each of them what the
  others have delivered and it has yet to bring. When it does, that is an *echo*: dropped and struck off.
* A link owes what came by another one since it was subscribed. What came while it was being dialled and subscribed may
  have been sent before: it is *unsure*, and is struck off as well when something surely owed comes, since a link brings
  everything in order.
* Identities are counted and not collected: two equal deposits are two events.
* A lagging successor may still repeat what its forerunner delivered, so what it owes outlives the cut. It is
  forgotten by :meth:`settle`: by then every echo has come, and an equal event is a new one.

All of it is synchronous. Nothing else decides about delivery.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import attrs

from trio_binance_uds.events import Event


class ParkedTooMuch(Exception):
    """A parked link has brought more events than may wait; it cannot become the active one any more."""


class Handover:
    """The one place that events pass on their way from the links to the buffer. Links are known by their numbers.

    ``deliver`` accepts an event, or calls :meth:`hold` instead and returns true.
    """

    def __init__(self, deliver: Callable[[Event], bool | None], *, max_parked: int) -> None:
        self._deliver = deliver
        self._max_parked = max_parked
        self._active: int | None = None
        # The link that was active, while its events wait for something that is to be delivered before.
        self._resuming: int | None = None
        self._draining: int | None = None
        # What waits on a link: how many waited anywhere before, which link brought it, and the event.
        self._parked: dict[int, list[tuple[int, int, Event]]] = {}
        self._arrived = 0
        self._owed: dict[int, _Debt] = {}
        # The link whose event is being passed on, while links overlap.
        self._passing = 0
        self.echoes: int = 0

    def park(self, link: int) -> None:
        """Let a new link's events wait from here on; what other links bring is counted from here on."""
        others = [number for number in (self._active, self._draining, *self._parked) if number is not None]
        self._parked[link] = []
        if others:
            for number in others:
                # It has been subscribed for longer than the new one.
                self._owed.setdefault(number, _Debt(since=self._arrived, sure_since=self._arrived))
            self._owed[link] = _Debt(since=self._arrived)

    def note_subscribed(self, link: int) -> None:
        """Note that the venue has acknowledged the subscription of a link: from here on it surely brings everything."""
        if link in self._owed:
            self._owed[link].sure_since = self._arrived

    def forget_unsure(self, link: int) -> None:
        """Expect nothing more from a link of what came by another one before it was subscribed."""
        if link in self._owed:
            self._owed[link].unsure.clear()

    def park_active(self) -> None:
        """Let the active link's events wait from here on, until it is cut to again."""
        assert self._active is not None, "there is no active link"
        self._parked[self._active] = []
        self._active, self._resuming = None, self._active

    @property
    def may_hold(self) -> bool:
        """Whether an event can be held back: there is an active link that delivers."""
        return self._active is not None

    def hold(self, event: Event) -> None:
        """Let the events wait from this one on, which was about to be delivered, whichever link has brought it."""
        link = self._active
        assert link is not None, "there is no active link"
        self.park_active()
        self._wait(link, self._passing if self._owed else link, event)

    def waiting(self, link: int) -> Sequence[Event]:
        """Return the events that wait on a parked link and are no echoes of what was delivered."""
        entries = self._parked.get(link, ())
        if not self._owed:
            return [event for _, _, event in entries]
        owed = {number: debt.copy() for number, debt in self._owed.items()}
        return [
            event
            for _, source, event in entries
            if source not in owed or not owed[source].is_paid_by((event.account, event.identity))
        ]

    def is_full(self, link: int) -> bool:
        """Whether as many events wait on a parked link as may."""
        return len(self._parked.get(link, ())) >= self._max_parked

    def accept(self, link: int, event: Event) -> None:
        """Pass on an event of a link, or let it wait; what comes from a link that has been dropped is not delivered.

        Raises:
            ParkedTooMuch: the link is parked and has brought more than may wait.
        """
        if link == self._active or (link == self._draining and self._resuming is None):
            if self._owed:
                self._pass_once(link, self._arrived, event)
            else:
                self._deliver(event)
        elif link == self._draining:
            assert self._resuming is not None, "or it would pass"
            self._wait(self._resuming, link, event)
        elif link in self._parked:
            self._wait(link, link, event)

    def cut(self, link: int) -> None:
        """Make a parked link the active one and let its events out; the old one is drained from here on."""
        waiting = self._parked.pop(link)
        if self._active is not None:
            if self._draining is not None:
                self.drop(self._draining)
            self._draining = self._active
        self._active, self._resuming = link, None
        for number, (arrived, source, event) in enumerate(waiting):
            if self._active is None:
                # The event before this one is held back, and all that follow it.
                self._parked[link] += waiting[number:]
                break
            if self._owed:
                self._pass_once(source, arrived, event)
            else:
                self._deliver(event)

    def drop(self, link: int) -> None:
        """Forget a link that has ended; what it left parked is lost with it."""
        self._owed.pop(link, None)
        if link == self._active:
            self._active = None
        elif link == self._draining:
            self._draining = None
        else:
            self._parked.pop(link, None)
            if link == self._resuming:
                self._resuming = None

    def settle(self, link: int) -> None:
        """Stop looking for echoes, if this link is still the active one, and no other one overlaps."""
        if link in (self._active, self._resuming) and self._draining is None and not self._parked.keys() - {link}:
            self._owed.clear()

    def _wait(self, place: int, source: int, event: Event) -> None:
        waiting = self._parked[place]
        if len(waiting) >= self._max_parked:
            raise ParkedTooMuch(f"{len(waiting)} events wait on a link that is not active yet")
        waiting.append((self._arrived, source, event))
        self._arrived += 1

    def _pass_once(self, link: int, arrived: int, event: Event) -> None:
        # On a connection that several accounts share the same can happen to two of them.
        identity = (event.account, event.identity)
        debt = self._owed.get(link)
        if debt is not None and debt.is_paid_by(identity):
            self.echoes += 1
            return
        self._passing = link
        if self._deliver(event):
            return  # It comes here again, when the link is cut to.
        for other, debt in self._owed.items():
            if other != link:
                debt.add(identity, arrived)


@attrs.define(eq=False)
class _Debt:
    """What a link has yet to bring of what others have delivered.

    Attributes:
        since: how many events had ever waited when it began to be dialled: those it does not bring.
        sure_since: the same when its subscription was acknowledged; ``None`` before that.
        sure: what came since it is subscribed, by identity.
        unsure: what came before that, and may come from it all the same.
    """

    since: int
    sure_since: int | None = None
    sure: Counter[Hashable] = attrs.field(factory=Counter)
    unsure: Counter[Hashable] = attrs.field(factory=Counter)

    def copy(self) -> _Debt:
        """Return one that can be struck off without consequence."""
        return attrs.evolve(self, sure=self.sure.copy(), unsure=self.unsure.copy())

    def add(self, identity: Hashable, arrived: int) -> None:
        """Expect an event of this identity, if it can be expected."""
        if self.sure_since is not None and arrived >= self.sure_since:
            self.sure[identity] += 1
        elif arrived >= self.since:
            self.unsure[identity] += 1

    def is_paid_by(self, identity: Hashable) -> bool:
        """Strike off one event of this identity, if there is one."""
        if self.sure[identity] > 0:
            self.sure[identity] -= 1
            self.unsure.clear()
            return True
        if self.unsure[identity] > 0:
            self.unsure[identity] -= 1
            return True
        return False
