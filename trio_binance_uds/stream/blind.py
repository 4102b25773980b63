"""Since when a stream sees nothing, and why: a value that can be asked for at any time."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum, unique

import attrs

from trio_binance_uds.texts import detail_line


@unique
class BlindReason(StrEnum):
    """What keeps a stream from delivering now."""

    LINK_LOST = "link_lost"  #: there is no live connection
    SUBSCRIPTION_LOST = "subscription_lost"  #: the subscription has ended, and there is no other one yet
    SHEDDING = "shedding"  #: the buffer was full; what arrives is discarded until it is asked for again
    RECOVERING = "recovering"  #: a connection is live; its events wait until what was missed has been asked for
    ENDED = "ended"  #: the stream has ended for good


@attrs.frozen(kw_only=True)
class Blind:
    """The stream delivers no event now; a :class:`Gap` ends it, unless the stream ends first.

    Attributes:
        since: the last moment of the venue's time at which nothing was missing, as far as that is proven. The
            ``since`` of the gap that follows is this or earlier.
        reason: a short word for programs, one of :class:`BlindReason` or one of a later version. It changes while the
            stream is on its way back: from ``link_lost`` to ``recovering``.
        detail: for people, such as the last failed attempt to connect; the wording may change.
    """

    since: datetime
    reason: BlindReason | str
    detail: str = attrs.field(default="", converter=detail_line)
