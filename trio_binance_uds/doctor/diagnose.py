"""The examination of one product as one call."""

from __future__ import annotations

from functools import partial
from typing import cast

import trio

from trio_binance_uds import checks
from trio_binance_uds.credentials import Credentials
from trio_binance_uds.doctor.blame import advice_on, step_of
from trio_binance_uds.doctor.findings import Diagnosis, DiagnosisResult, DiagnosisStep, Finding
from trio_binance_uds.doctor.link_examination import LinkExamination
from trio_binance_uds.doctor.stream_examination import StreamExamination
from trio_binance_uds.doctor.trial_order import TrialOrder, check_is_play_money
from trio_binance_uds.errors import CredentialsError, NotOffered, UserDataStreamError
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.plan import LinkPlan
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import TransportKind
from trio_binance_uds.nurseries import require_trio
from trio_binance_uds.products import PRODUCTION, Environment, Product
from trio_binance_uds.stream.arguments import (
    checked_credentials,
    found_environment,
    found_product,
    found_transport,
)
from trio_binance_uds.stream.door import open_user_data_stream

_OF_STREAMS = (DiagnosisStep.BASELINE, DiagnosisStep.GAP, DiagnosisStep.ORDER)


async def diagnose(
    credentials: Credentials,
    product: Product | str,
    *,
    environment: Environment | str = PRODUCTION,
    network: Network = Network(),  # noqa: B008  # a frozen value
    timeouts: Timeouts = Timeouts(),  # noqa: B008
    transport: TransportKind | str = TransportKind.WEBSOCKETS,
    order: TrialOrder | None = None,
    progress: trio.abc.SendChannel[Finding] | None = None,
) -> Diagnosis:
    """Examine step by step whether the events of an account can arrive, and say what to do where they cannot.

    It asks what a stream asks, makes a listen key or token as one does, opens two streams, and closes the connection
    of one of them to see it heal. A stream of the same account in another program is not disturbed. It takes some
    seconds, and up to two minutes where something does not answer; cancelling it leaves nothing behind.

    Nothing that is wrong with the account, the venue or the way to it is raised: all of it is in the result.

    Args:
        credentials, product, environment, network, timeouts, transport: as for :func:`open_user_data_stream`.
        order: an order to place and cancel, of spot or futures, to see its events arrive. It is refused where it is not
            known to be play money: in production, and at servers that are neither Binance's testnets nor this machine.
        progress: gets each finding when it is made; it is not closed.

    Raises:
        ValueError, TypeError: an argument does not fit; nothing was opened.
        RuntimeError: it does not run under trio.
    """
    require_trio("diagnose()")
    credentials, product = checked_credentials(credentials, product), found_product(product)
    environment, transport = found_environment(environment), found_transport(transport)
    checks.an(Network, "network", network, "made by Network(...)")
    checks.an(Timeouts, "timeouts", timeouts, "made by Timeouts(...)")
    make_trial = None
    if order is not None:
        checks.an(TrialOrder, "order", order, "made by TrialOrder(symbol=..., quantity=..., price=...)")
        place, cancel = _order_routes(product, environment)
        make_trial = partial(order.on, place=place, cancel=cancel)
    findings: list[Finding] = []

    async def report(finding: Finding) -> None:
        findings.append(finding)
        if progress is not None:
            await progress.send(finding)

    async def skip(steps: tuple[DiagnosisStep, ...], detail: str) -> None:
        for step in steps:
            await report(Finding(step=step, result=DiagnosisResult.SKIPPED, detail=detail))

    try:
        plan = LinkPlan.make(
            credentials,
            product,
            environment,
            name=product.name,
            network=network,
            timeouts=timeouts,
            transport=transport,
            logon=None,
        )
    except (NotOffered, CredentialsError) as error:
        step = step_of(error, DiagnosisStep.ROUTE)
        advice = advice_on(error, step, credentials.kind.name)
        await report(Finding(step=step, result=DiagnosisResult.FAILED, detail=str(error), advice=advice))
        return Diagnosis(product=product.name, environment=environment.name, findings=tuple(findings))
    try:
        can_stream = await LinkExamination(plan, environment, report).run()
    finally:
        await plan.aclose()
    if not can_stream:
        await skip(_OF_STREAMS, "no stream can be opened")
    else:
        opened = partial(
            open_user_data_stream,
            credentials,
            product,
            environment=environment,
            network=plan.network,
            timeouts=timeouts,
            transport=transport,
        )
        try:
            async with opened(name="doctor-1") as first, opened(name="doctor-2") as second:
                await StreamExamination(report, make_trial).run(first, second)
        except UserDataStreamError as error:
            # What a link could do a moment ago, a stream cannot: the advice is on that, and the line is the next one.
            done = {finding.step for finding in findings}
            step = next(step for step in _OF_STREAMS if step not in done)
            advice = advice_on(error, step_of(error, step), credentials.kind.name)
            await report(Finding(step=step, result=DiagnosisResult.FAILED, detail=str(error), advice=advice))
            done.add(step)
            await skip(tuple(step for step in _OF_STREAMS if step not in done), "no stream could be opened")
    return Diagnosis(product=product.name, environment=environment.name, findings=tuple(findings))


def _order_routes(product: Product, environment: Environment) -> tuple[str, str]:
    """Return what places an order of the product and what cancels it.

    Raises:
        ValueError: none is known, or it is not known to be play money there.
    """
    routes = getattr(product.history, "order_routes", None)
    if routes is None:
        raise ValueError(f"an order can be placed for spot and futures only, and not for {product.name}")
    host = getattr(product.history, "rest", None) or product.mechanism.connects_to
    check_is_play_money(environment, host)
    return cast("tuple[str, str]", routes)
