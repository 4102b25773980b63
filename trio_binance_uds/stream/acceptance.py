"""Whether the venue accepts the stream's credentials, and when a refusal of them is believed.

A venue refuses right keys now and then: its address list is being changed, a cache is stale, a server is misled. So the
refusal of a key that *has worked* in this stream ends nothing by itself. The rules:

* Before the first link is up, and before the first signed question has been answered, a refusal is believed at once.
* Later, one that keeps a link from coming up is believed when it has been repeated ``Backoff.refusals`` times in a row
  over ``Backoff.refusal_seconds``. Failures of other kinds in between neither count nor begin the row anew; a link that
  comes up does.
* One that a signed question gets, or a proof of life, never ends the stream. It is said once, until that question has
  been answered again.
"""

from __future__ import annotations

from trio_binance_uds.errors import AuthenticationFailed
from trio_binance_uds.stream.backoff import Backoff


class Acceptance:
    """What the venue has said of the credentials."""

    def __init__(self, backoff: Backoff) -> None:
        self._backoff = backoff
        self._in_a_row = 0
        self._since = 0.0
        self._refused_questions: set[str] = set()

    def note_refused_link(self, at: float) -> bool:
        """Record that a link has ended by a refusal, at this time of trio's clock; return whether to believe it."""
        if self._in_a_row == 0:
            self._since = at
        self._in_a_row += 1
        return self._in_a_row >= self._backoff.refusals and at - self._since >= self._backoff.refusal_seconds

    def note_link_up(self) -> None:
        """Record that the credentials have brought a link up."""
        self._in_a_row = 0

    def note_refused_question(self, error: AuthenticationFailed) -> bool:
        """Record that a question was refused; return whether that is news: all others have been answered."""
        is_news = not self._refused_questions
        self._refused_questions.add(error.method)
        return is_news

    def note_answered(self, method: str) -> None:
        """Record that a question was answered."""
        self._refused_questions.discard(method)

    def is_refused(self, method: str) -> bool:
        """Whether this question was refused when it was last asked."""
        return method in self._refused_questions
