"""Examines what a stream does once it is open: its baseline, a gap that is provoked on purpose, the events of an order.

Two streams of the same account are open. The connection of one of them is closed; the other stays, and what it brings
meanwhile must come out of the first one too, recovered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, TypeAlias

import attrs
import trio

from trio_binance_uds.doctor.blame import advice_on
from trio_binance_uds.doctor.findings import DiagnosisResult, DiagnosisStep, Finding
from trio_binance_uds.doctor.trial_order import Trial
from trio_binance_uds.errors import StreamFailed, UserDataStreamError
from trio_binance_uds.events import Event, Gap, Notice
from trio_binance_uds.nurseries import open_bare_nursery
from trio_binance_uds.stream.breaking import break_connection
from trio_binance_uds.stream.stream import UserDataStream

# An answer about the past can be slow; a stream tries again for longer than that.
_BASELINE_SECONDS = 15.0
_HEALED_SECONDS = 60.0
# Between the place of an order and its events.
_ARRIVED_SECONDS = 15.0
_LOOK_SECONDS = 0.1
_CANCEL_SECONDS = 5.0
Step: TypeAlias = DiagnosisStep
Result: TypeAlias = DiagnosisResult


@attrs.define(eq=False)
class _Watched:
    """A stream, and what it has brought."""

    stream: UserDataStream
    items: list[Event | Notice] = attrs.field(factory=list)

    async def read(self) -> None:
        """Read until the stream is over."""
        with suppress(StreamFailed):
            while True:
                self.items.append(await self.stream.receive())

    def events_of(self, client_order_id: str) -> list[Event]:
        """Return the events that are about an order."""
        return [item for item in self.items if isinstance(item, Event) and client_order_id in _ids(item)]

    async def wait(self, holds: Callable[[], bool], seconds: float) -> bool:
        """Wait until something holds, for so long at most; return whether it does."""
        with trio.move_on_after(seconds):
            while not holds():  # noqa: ASYNC110 - what is waited for is a property of what was read
                await trio.sleep(_LOOK_SECONDS)
        return holds()


def missing_fills(gap: Gap, seen: Iterable[Event | Notice], brought: Iterable[Event | Notice]) -> list[str]:
    """Return the fills of the time of a gap that were seen elsewhere and not brought, for people."""

    def fills(items: Iterable[Event | Notice]) -> Iterator[tuple[str, Any]]:
        for item in items:
            when, trade = getattr(item, "event_time", None), getattr(item, "trade_id", None)
            if when is not None and gap.since <= when <= gap.until and trade not in (None, -1, 0):
                yield str(getattr(item, "symbol", "")), trade

    return [f"{symbol} trade {trade}" for symbol, trade in sorted({*fills(seen)} - {*fills(brought)})]


def _ids(item: Event) -> set[Any]:
    names = ("client_order_id", "placed_client_order_id", "original_client_order_id")
    return {getattr(item, name, None) for name in names}


@attrs.define(eq=False)
class StreamExamination:
    """Two streams of one account, examined."""

    report: Callable[[Finding], Awaitable[None]]
    make_trial: Callable[[UserDataStream], Trial] | None

    async def run(self, broken: UserDataStream, witness: UserDataStream) -> None:
        """Examine them."""
        watched, other = _Watched(broken), _Watched(witness)
        async with open_bare_nursery() as nursery:
            nursery.start_soon(watched.read)
            nursery.start_soon(other.read)
            await self._examine_baseline(watched)
            if await self._examine_gap(watched, other):
                await self._examine_order(watched, other)
            else:
                await self.report(
                    Finding(step=Step.ORDER, result=Result.SKIPPED, detail="the stream has not come back")
                )
            nursery.cancel_scope.cancel()

    async def _examine_baseline(self, watched: _Watched) -> None:
        stream, step = watched.stream, Step.BASELINE
        if stream.product.history is None:
            detail = "nothing can be asked about the past of this product, so that no gap can be proven complete"
            await self.report(Finding(step=step, result=Result.UNSURE, detail=detail))
        elif await watched.wait(lambda: stream.is_baseline_known, _BASELINE_SECONDS):
            await self.report(Finding(step=step, result=Result.OK, detail="what there was before is known"))
        else:
            said = [str(getattr(item, "detail", "")) for item in watched.items if isinstance(item, Notice)]
            detail = "; ".join(["it has not come", *said])
            advice = advice_on(UserDataStreamError(), step, "")
            await self.report(Finding(step=step, result=Result.FAILED, detail=detail, advice=advice))

    async def _examine_gap(self, watched: _Watched, other: _Watched) -> bool:
        """Close a connection and see it heal; return whether the stream came back."""
        step, began, before = Step.GAP, trio.current_time(), len(watched.items)
        break_connection(watched.stream)

        def gaps() -> list[Gap]:
            return [item for item in watched.items[before:] if isinstance(item, Gap)]

        if not await watched.wait(lambda: bool(gaps()), _HEALED_SECONDS):
            why = watched.stream.statistics().last_failure or "no attempt to connect has succeeded"
            detail = f"a connection that was closed on purpose has not healed within {_HEALED_SECONDS:g} s: {why}"
            advice = advice_on(UserDataStreamError(), step, "")
            await self.report(Finding(step=step, result=Result.FAILED, detail=detail, advice=advice))
            return False
        gap, took = gaps()[-1], trio.current_time() - began
        await watched.wait(lambda: not missing_fills(gap, other.items, watched.items), _ARRIVED_SECONDS)
        if missing := missing_fills(gap, other.items, watched.items):
            detail = f"{len(missing)} fills that another connection has brought meanwhile are missing: {missing[0]}"
            advice = "this must not happen: please report it, with the log of this run at the level DEBUG"
            await self.report(Finding(step=step, result=Result.FAILED, detail=detail, advice=advice))
            return True
        detail = (
            f"a connection that was closed on purpose has healed in {took:.1f} s, with {gap.recovered} events recovered"
        )
        if gap.complete:
            await self.report(Finding(step=step, result=Result.OK, detail=f"{detail}; nothing is missing"))
        else:
            await self.report(
                Finding(
                    step=step,
                    result=Result.UNSURE,
                    detail=f"{detail}; it is not proven that nothing is missing: {gap.detail}",
                    advice="after such a gap ask for balances and open orders",
                )
            )
        return True

    async def _examine_order(self, watched: _Watched, other: _Watched) -> None:
        step, make_trial = Step.ORDER, self.make_trial
        if make_trial is None:
            await self.report(Finding(step=step, result=Result.SKIPPED, detail="no order was asked for"))
            return
        began = trio.current_time()
        try:
            trial = make_trial(watched.stream)
            await trial.place()
            try:
                arrived = await watched.wait(
                    lambda: bool(watched.events_of(trial.name) and other.events_of(trial.name)), _ARRIVED_SECONDS
                )
                took = trio.current_time() - began
            finally:
                # Also when nobody waits for it any more: an order that was only placed to be seen must not stay.
                with trio.move_on_after(_CANCEL_SECONDS, shield=True):
                    await trial.cancel()
            gone = await watched.wait(
                lambda: min(len(watched.events_of(trial.name)), len(other.events_of(trial.name))) > 1, _ARRIVED_SECONDS
            )
        except UserDataStreamError as error:
            advice = advice_on(error, step, "")
            await self.report(Finding(step=step, result=Result.FAILED, detail=str(error), advice=advice))
            return
        if arrived and gone:
            detail = (
                f"it was placed and cancelled, and its events came on both connections, the first after {took:.2f} s"
            )
            await self.report(Finding(step=step, result=Result.OK, detail=detail))
        else:
            advice = advice_on(UserDataStreamError(), Step.SOCKET, "")
            detail = "it was placed and cancelled, and its events have not come on both connections"
            await self.report(Finding(step=step, result=Result.FAILED, detail=detail, advice=advice))
