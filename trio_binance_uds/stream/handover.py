"""Which link's events reach the user, and which of them are echoes of what another link delivered.

The rules of this state machine:

* Every link starts *parked*: its events wait. A *cut* makes it the active one and lets them out, in order; the
  link that was active until then is *drained*: what still comes from it passes. The active link can be parked
  again, while something has to be delivered before what it brings: also from the very event on that shows it.
* Two links of one account bring the same events. While links overlap, ``_owed`` holds for each of them what the
  others have delivered and it has yet to bring. When it does, that is an *echo*: dropped and struck off.
* Identities are counted and not collected: two equal deposits are two events.
* A lagging successor may still repeat what its forerunner delivered, so what it owes outlives the cut. It is
  forgotten by :meth:`settle`: by then every echo has come, and an equal event is a new one.

All of it is synchronous. Nothing else decides about delivery.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

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
        self._parked: dict[int, list[Event]] = {}
        self._draining: int | None = None
        self._owed: dict[int, Counter[Hashable]] = {}
        self.echoes: int = 0

    def park(self, link: int) -> None:
        """Let a new link's events wait from here on; what the active link delivers is counted from here on."""
        self._parked[link] = []
        if self._active is not None:
            self._owed.setdefault(self._active, Counter())
            self._owed[link] = Counter()

    def park_active(self) -> None:
        """Let the active link's events wait from here on, until it is cut to again."""
        assert self._active is not None, "there is no active link"
        self._parked[self._active] = []
        self._active = None

    @property
    def may_hold(self) -> bool:
        """Whether an event can be held back: the active link delivers, and no other link beside it."""
        return self._active is not None and self._draining is None

    def hold(self, event: Event) -> None:
        """Let the active link's events wait from this one on, which it was about to deliver."""
        link = self._active
        assert link is not None, "there is no active link"
        self.park_active()
        self._parked[link].append(event)

    def waiting(self, link: int) -> Sequence[Event]:
        """Return the events that wait on a parked link."""
        return self._parked.get(link, ())

    def is_full(self, link: int) -> bool:
        """Whether as many events wait on a parked link as may."""
        return len(self.waiting(link)) >= self._max_parked

    def accept(self, link: int, event: Event) -> None:
        """Take in an event of a link; what comes from a link that has been dropped is not delivered.

        Raises:
            ParkedTooMuch: the link is parked and has brought more than may wait.
        """
        if link == self._active or link == self._draining:
            if self._owed:
                self._pass_once(link, event)
            else:
                self._deliver(event)
        elif link in self._parked:
            waiting = self._parked[link]
            if len(waiting) >= self._max_parked:
                raise ParkedTooMuch(f"{len(waiting)} events wait on a link that is not active yet")
            waiting.append(event)

    def cut(self, link: int) -> None:
        """Make a parked link the active one and let its events out; the old one is drained from here on."""
        waiting = self._parked.pop(link)
        if self._active is not None:
            if self._draining is not None:
                self.drop(self._draining)
            self._draining = self._active
        self._active = link
        for event in waiting:
            self.accept(link, event)

    def drop(self, link: int) -> None:
        """Forget a link that has ended; what it left parked is lost with it."""
        self._owed.pop(link, None)
        if link == self._active:
            self._active = None
        elif link == self._draining:
            self._draining = None
        else:
            self._parked.pop(link, None)

    def settle(self) -> None:
        """Stop looking for echoes, unless links still overlap."""
        if not self._parked and self._draining is None:
            self._owed.clear()

    def _pass_once(self, link: int, event: Event) -> None:
        # On a connection that several accounts share the same can happen to two of them.
        identity = (event.account, event.identity)
        owed = self._owed.get(link)
        if owed is not None and owed[identity] > 0:
            owed[identity] -= 1
            self.echoes += 1
            return
        if self._deliver(event):
            return  # It comes here again, when the link is cut to.
        for other, owed in self._owed.items():
            if other != link:
                owed[identity] += 1
