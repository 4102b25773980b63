"""What an examination has found: one finding for each step, and what to do where something is wrong."""

from __future__ import annotations

from enum import StrEnum, unique

import attrs

from trio_binance_uds.texts import detail_line


@unique
class DiagnosisStep(StrEnum):
    """What is examined, in this order."""

    NETWORK = "network"  #: DNS, TCP, the proxy and TLS, to each server
    VENUE = "venue"  #: the venue answers, and has neither banned nor limited this address
    CLOCK = "clock"  #: this machine's clock goes right
    ROUTE = "route"  #: what the product is subscribed by is there, and not retired
    KEY = "key"  #: the venue knows the API key, and takes it from this address
    KIND = "kind of key"  #: the secret is of the kind that the key was registered with
    SIGNATURE = "signature"  #: the secret is that of the key
    PERMISSIONS = "permissions"  #: the key may read the account and subscribe to its events
    SUBSCRIPTION = "subscription"  #: the listen key, token or subscription was made
    SOCKET = "socket"  #: the socket is the one that brings the account's events
    BASELINE = "baseline"  #: what there was before can be asked for
    GAP = "gap"  #: a connection that is broken on purpose heals
    ORDER = "order"  #: the events of an order arrive; only if asked for


@unique
class DiagnosisResult(StrEnum):
    """How a step has ended."""

    OK = "ok"  #: it is as it should be
    FAILED = "failed"  #: it is not; ``advice`` says what to do
    UNSURE = "unsure"  #: it cannot be known from here; ``detail`` says why
    SKIPPED = "skipped"  #: it was not examined, as another step has failed or it was not asked for


@attrs.frozen(kw_only=True)
class Finding:
    """What one step has shown. There is no secret in it.

    Attributes:
        step: what was examined.
        result: how it ended.
        detail: what was seen, for people; the wording may change.
        advice: what to do, for people; empty where there is nothing to do.
    """

    step: DiagnosisStep
    result: DiagnosisResult
    detail: str = attrs.field(default="", converter=detail_line)
    advice: str = ""


@attrs.frozen(kw_only=True)
class Diagnosis:
    """All that an examination has found.

    Attributes:
        product: the name of what was examined.
        environment: where.
        findings: one for each step, in order.
    """

    product: str
    environment: str
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> tuple[Finding, ...]:
        """What is wrong; empty where nothing is."""
        return tuple([finding for finding in self.findings if finding.result is DiagnosisResult.FAILED])

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong; what cannot be known from here does not count as wrong."""
        return not self.failed
