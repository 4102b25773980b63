"""Examines everything up to a subscribed socket: the servers, the clock, the key, and one link of the product.

The link is made by the product's own opener, one phase after the other, and each failure is given to the step that it
belongs to. A refusal with -2015 can mean a key that is not known, an address that is not on its list, or a permission
that is missing. So a signed question about the account is asked in any case: if the key may do anything, it is known.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeAlias

import attrs
import trio

from trio_binance_uds.doctor.blame import advice_on, step_of
from trio_binance_uds.doctor.findings import DiagnosisResult, DiagnosisStep, Finding
from trio_binance_uds.errors import ApiError, AuthenticationFailed, ConnectFailed, UserDataStreamError
from trio_binance_uds.events import Event
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.intake import Intake, SubscriptionEnded
from trio_binance_uds.link.link import MAX_MESSAGE_SIZE
from trio_binance_uds.link.openers.choice import rest_hosts
from trio_binance_uds.link.openers.contract import Subscription
from trio_binance_uds.link.plan import LinkPlan
from trio_binance_uds.link.transport import TransportClosed, open_transport
from trio_binance_uds.link.transport.address import Address
from trio_binance_uds.link.transport.dial import close_now, connecting, dial
from trio_binance_uds.products import Environment, Host
from trio_binance_uds.products.silent_urls import silent_because

# The venue refuses a timestamp that is more than a second early.
_CLOCK_TOLERANCE_SECONDS = 1.0
_NOT_KNOWN_OR_NOT_ALLOWED = -2015
_SPOT_ACCOUNT = "GET /api/v3/account"
Step: TypeAlias = DiagnosisStep
Result: TypeAlias = DiagnosisResult


@attrs.define(eq=False)
class LinkExamination:
    """One link of a product, examined.

    Attributes:
        plan: how links of the product are made.
        environment: where.
        report: takes each finding, in the order of the steps.
        failures: what is wrong, by step; the first failure of a step counts.
        is_known: whether an answer has shown that the venue knows the key.
        is_read: whether a signed question about the account was answered.
        is_prepared: whether what comes before the socket was done: a listen key or token was made.
        is_subscribed: whether the socket is subscribed.
        unproven: why nothing shows that the socket is the right one; empty where something does.
    """

    plan: LinkPlan
    environment: Environment
    report: Callable[[Finding], Awaitable[None]]
    failures: dict[DiagnosisStep, Exception] = attrs.field(factory=dict)
    is_known: bool = False
    is_read: bool = False
    is_subscribed: bool = False
    unproven: str = ""
    is_prepared: bool = False
    _refused: list[AuthenticationFailed] = attrs.field(factory=list)

    async def run(self) -> bool:
        """Examine it, and return whether a stream can be opened."""
        if not await self._examine_network():
            for step in list(Step)[1 : list(Step).index(Step.BASELINE)]:
                await self.report(Finding(step=step, result=Result.SKIPPED, detail="the network is in the way"))
            return False
        await self._try_link()
        self._settle_refusals()
        await self._report_all()
        return not self.failures

    async def _examine_network(self) -> bool:
        """Connect to each server once; where a proxy or the whole network is down, that is one failure."""
        product, network = self.plan.product, self.plan.network
        way = "" if network.proxy_address is None else f" by the proxy {network.proxy_address}"
        reached: list[str] = []
        failures: list[tuple[str, ConnectFailed]] = []
        for host in dict.fromkeys([*rest_hosts(product), product.mechanism.connects_to]):
            url = self.environment.url(host)
            address = Address.parse(url, "http" if url.startswith("http") else "ws")
            began = trio.current_time()
            try:
                with connecting(address, self.plan.timeouts.connect) as attempt:
                    await close_now(await dial(address, network, attempt))
            except ConnectFailed as error:
                failures.append((host, error))
            else:
                took = 1000 * (trio.current_time() - began)
                reached.append(f"{host} at {address} ({'TLS' if address.secure else 'without TLS'}, {took:.0f} ms)")
        if failures:
            _, first = failures[0]
            detail = f"{first} (of {', '.join(host for host, _ in failures)})"
            advice = advice_on(first, Step.NETWORK, "")
            await self.report(Finding(step=Step.NETWORK, result=Result.FAILED, detail=detail, advice=advice))
            return False
        detail = f"reached{way}: {', '.join(reached)}"
        await self.report(Finding(step=Step.NETWORK, result=Result.OK, detail=detail))
        return True

    # What is tried.

    async def _try_link(self) -> None:
        subscription = self.plan.opener.new_subscription(lambda lease, why: None)
        try:
            url = await subscription.prepare()
        except UserDataStreamError as error:
            self._note(error, Step.SUBSCRIPTION)
            await self._try_to_read(None)
            return
        self.is_prepared = True
        host = self.plan.product.mechanism.connects_to
        if why := silent_because(str(host), self.environment.url(host)):
            self._note(ConnectFailed(f"no event would ever come there: {why}"), Step.SOCKET)
            await self._try_to_read(None)
            return
        try:
            await self._try_socket(subscription, url)
        except UserDataStreamError as error:
            self._note(error, Step.SOCKET)
            await self._try_to_read(None)

    async def _try_socket(self, subscription: Subscription, url: str) -> None:
        plan = self.plan
        intake = Intake(
            accept=_ignore,
            about_the_link=lambda event: False,
            proven=lambda newest, now: None,
            on_batch_end=_ignore,
            masker=plan.masker,
        )
        async with open_transport(
            plan.transport,
            url,
            plan.network,
            connect_timeout=plan.timeouts.connect,
            close_timeout=plan.timeouts.close,
            max_message_size=MAX_MESSAGE_SIZE,
            now=lambda: plan.clock.seconds(trio.current_time()),
            masker=plan.masker,
        ) as transport:
            connection = Connection(
                transport,
                plan.product,
                plan.credentials,
                plan.clock,
                plan.timeouts,
                on_event=intake.on_event,
                on_batch_end=intake.on_batch_end,
                bar=plan.bar,
                masker=plan.masker,
            )
            ended = await connection.serve(partial(self._try_subscription, subscription, connection, intake))
        if not isinstance(ended, _Done):
            self._note(ended, Step.SOCKET)

    async def _try_subscription(self, subscription: Subscription, connection: Connection, intake: Intake) -> None:
        try:
            with trio.fail_after(self.plan.timeouts.subscribe):
                await subscription.subscribe(connection, intake)
                if not await subscription.is_alive(connection):
                    raise SubscriptionEnded("the venue does not list the subscription")
            self.is_subscribed = True
            self.unproven = subscription.unproven
        except trio.TooSlowError:
            seconds = self.plan.timeouts.subscribe
            self._note(ConnectFailed(f"the subscription was not acknowledged within {seconds:g} s"), Step.SUBSCRIPTION)
        except ConnectFailed as error:
            self._note(error, Step.SOCKET)
        except (UserDataStreamError, SubscriptionEnded) as error:
            self._note(error, Step.SUBSCRIPTION)
        self.is_known = self.is_known or connection.logged_on
        await self._try_to_read(connection)
        if self.is_subscribed:
            with suppress(UserDataStreamError):
                await subscription.leave(connection)
        connection.end(_Done())

    async def _try_to_read(self, connection: Connection | None) -> None:
        """Ask a signed question about the account; it says what the key may do, and that it is known."""
        question = _signed_question(self.plan, connection)
        if question is None:
            return
        try:
            await question()
        except UserDataStreamError as error:
            self._note(error, Step.PERMISSIONS)
        else:
            self.is_read = self.is_known = True

    # What it means.

    def _note(self, error: Exception, shown_in: DiagnosisStep) -> None:
        if isinstance(error, TransportClosed):
            error = ConnectFailed(f"the connection was closed: {error}")
        if isinstance(error, AuthenticationFailed) and error.code == _NOT_KNOWN_OR_NOT_ALLOWED:
            self._refused.append(error)
            return
        step = step_of(error, shown_in)
        if step in (Step.SIGNATURE, Step.KIND) and isinstance(error, ApiError):
            self.is_known = True  # A signature is compared with what the key was registered with.
        self.failures.setdefault(step, error)

    def _settle_refusals(self) -> None:
        """Say of refusals that have several meanings which one they have."""
        is_known = self.is_known or self.is_subscribed or self.is_prepared_by_key
        if self._refused:
            self.failures.setdefault(Step.PERMISSIONS if is_known else Step.KEY, self._refused[0])

    @property
    def is_prepared_by_key(self) -> bool:
        """Whether a listen key or token was made, for which the key must be known."""
        return self.is_prepared and self.plan.rest is not None

    async def _report_all(self) -> None:
        failed: list[DiagnosisStep] = []
        for step in list(Step)[1 : list(Step).index(Step.BASELINE)]:
            finding = self._finding(step, failed)
            await self.report(finding)
            if finding.result is Result.FAILED and step is not Step.CLOCK:
                failed.append(step)

    def _finding(self, step: DiagnosisStep, failed: list[DiagnosisStep]) -> Finding:
        error = self.failures.get(step)
        kind = self.plan.credentials.kind.name
        if step is Step.CLOCK:
            return self._clock_finding()
        if failed and not (self.is_subscribed and step in (Step.SUBSCRIPTION, Step.SOCKET)):
            # One failure hides what comes after it, and a second line in red would only lead astray.
            return Finding(step=step, result=Result.SKIPPED, detail=f"not to be seen behind: {failed[0]}")
        if error is not None:
            advice = advice_on(error, step, kind)
            return Finding(step=step, result=Result.FAILED, detail=str(error), advice=advice)
        return self._good(step, kind)

    def _good(self, step: DiagnosisStep, kind: str) -> Finding:
        ok, unsure = Result.OK, Result.UNSURE
        has_signed = self.is_read or (self.is_subscribed and self.plan.opener.is_signed)
        match step:
            case Step.VENUE:
                return Finding(
                    step=step, result=ok, detail="it answers, and has neither banned nor limited this address"
                )
            case Step.ROUTE:
                return Finding(step=step, result=ok, detail="what the product is subscribed by is there")
            case Step.KEY:
                return Finding(step=step, result=ok, detail=f"the venue knows {self.plan.credentials}")
            case Step.KIND if not has_signed:
                return Finding(
                    step=step, result=unsure, detail=f"{kind}; no signature has shown whether it is the key's"
                )
            case Step.KIND:
                return Finding(step=step, result=ok, detail=f"{kind}, as the key was registered")
            case Step.SIGNATURE | Step.PERMISSIONS if not has_signed:
                detail = "nothing about the account can be asked for this product"
                return Finding(step=step, result=unsure, detail=detail)
            case Step.SIGNATURE:
                return Finding(step=step, result=ok, detail="it is accepted")
            case Step.PERMISSIONS:
                return Finding(step=step, result=ok, detail="the key may read the account and subscribe to its events")
            case Step.SUBSCRIPTION:
                return Finding(step=step, result=ok, detail="it was made, and the venue says that it stands")
            case _:
                if self.unproven:
                    return Finding(
                        step=step,
                        result=unsure,
                        detail=self.unproven,
                        advice="wait for an event of the account, or have an order placed on the testnet",
                    )
                return Finding(
                    step=step, result=ok, detail="it lists the subscription, or is the one that was asked on"
                )

    def _clock_finding(self) -> Finding:
        step, ahead, refused = Step.CLOCK, self.plan.clock.wall_ahead, self.failures.get(Step.CLOCK)
        advice = advice_on(refused or UserDataStreamError(), step, "")
        if refused is not None:
            return Finding(step=step, result=Result.FAILED, detail=str(refused), advice=advice)
        if ahead is None:
            return Finding(step=step, result=Result.UNSURE, detail="the venue has not stated its time")
        word = "ahead of" if ahead > 0 else "behind"
        detail = f"this machine's clock is {abs(ahead):.3f} s {word} the venue's"
        # A slow answer tells the time less exactly.
        if abs(ahead) <= _CLOCK_TOLERANCE_SECONDS + self.plan.clock.uncertainty.total_seconds():
            return Finding(step=step, result=Result.OK, detail=detail)
        return Finding(step=step, result=Result.FAILED, detail=detail, advice=advice)


class _Done(Exception):
    """Everything was tried, and the connection is not needed any more."""


def _ignore(value: Event | float) -> None:
    pass


def _signed_question(plan: LinkPlan, connection: Connection | None) -> Callable[[], Awaitable[object]] | None:
    """Return a signed question about the account, if there is one that can be asked now."""
    product = plan.product
    if plan.rest is None:
        if connection is None or product.history is None:
            return None
        return partial(connection.ask, product.history.account_query)
    # Where a product has no questions of its own, its key may still ask about the spot account.
    query = _SPOT_ACCOUNT if product.history is None else product.history.account_query
    host = getattr(product.history or product.mechanism, "rest", Host.SPOT_REST)
    if product.history is None and host is not Host.SPOT_REST:
        return None
    return partial(plan.rest.at(host, time_path=host.time_path).request, query)
