"""Asks the venue about an account's past, and reports what that says of the credentials."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import attrs

from trio_binance_uds.errors import ApiError, AuthenticationFailed
from trio_binance_uds.link.link import CredentialsDenied

Request = Callable[[str, Mapping[str, Any] | None], Awaitable[Any]]


@attrs.frozen
class Replied:
    """The venue has taken a signed question for that of its account: it has answered it, or refused it for itself."""

    method: str


class Asker:
    """What a recovery asks with. ``report`` gets each refusal of the credentials that stands, and each reply."""

    def __init__(
        self,
        request: Request,
        report: Callable[[CredentialsDenied | Replied], None],
        *,
        at_once: Callable[[], bool],
        weight_left: Callable[[str], int | None] = lambda method: None,
    ) -> None:
        self._request = request
        self._report = report
        self._at_once = at_once
        self.weight_left: Callable[[str], int | None] = weight_left

    async def __call__(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Ask, and return the answer; it raises what the request raises."""
        try:
            result = await self._request(method, params)
        except AuthenticationFailed as error:
            if self._at_once():
                self._report(CredentialsDenied(error))
            raise
        except ApiError as error:
            if error.code:  # Without one it comes from a server that stands before the venue.
                self._report(Replied(method))
            raise
        self._report(Replied(method))
        return result

    def note_refused(self, error: AuthenticationFailed) -> None:
        """Report that the credentials are refused, and were so when it was asked again."""
        self._report(CredentialsDenied(error))
