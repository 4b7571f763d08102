"""Promise again on today's facts: better may be taken, worse never silently (ATP-28).

All accepted promises are asked again in the order of a file. What can still come in
time another way gets new holds under its old date. An earlier date is taken where it is
wanted. A later date, or less, is taken only for demands that are named, with approver
and reason; for all others the log says that they are at risk, and they stay as they
are. A risk that is known already is not told twice.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import UsageError
from medhavi.planners.promising.renewal import RenewalRequest, renewal
from medhavi.planners.promising.standing_promises import standing_promises
from medhavi.predict.scorecards import supplier_scorecard
from medhavi.results.figures.log_figures import decision_rows, promise_figures
from medhavi.results.promises.promises_at_risk import MonitoredPromise, PromiseMonitor
from medhavi.workbench.commitments.commit_events import bound_anew, marked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from medhavi.events.envelope import NewEvent
    from medhavi.lakehouse import Lake
    from medhavi.planners.promising.renewal import Renewal
    from medhavi.providers.reservations import Reservation
    from medhavi.results.figures.log_figures import Figures
    from medhavi.results.promises.promise import Promise
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.commitments.decisions import DecisionWriter
    from medhavi.workbench.commitments.live_ledger import LivePromiseLedger
    from medhavi.workbench.promise_desk.promise_desk import PromiseDesk


ALL = "all"
"""In the place of names: every demand whose date is worse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalResult:
    """What became of promises that were made again.

    Parameters
    ----------
    watch
        How they stood before.
    moved
        Same date, other holds.
    better
        An earlier date.
    worse
        A later date, or less, that somebody approved.
    at_risk
        Left as they were; how they stand after it.
    waiting
        Left as they were too: they could come in time with what those at risk hold, or
        by making another promise worse.
    told
        Of these: risks that the log did not know yet.
    """

    watch: PromiseMonitor
    moved: tuple[MonitoredPromise, ...] = ()
    better: tuple[MonitoredPromise, ...] = ()
    worse: tuple[MonitoredPromise, ...] = ()
    at_risk: tuple[MonitoredPromise, ...] = ()
    waiting: tuple[MonitoredPromise, ...] = ()
    told: tuple[MonitoredPromise, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Counts, and the demands by what became of them."""
        groups = ("moved", "better", "worse", "at_risk", "waiting", "told")
        named = {name: [one.demand for one in getattr(self, name)] for name in groups}
        return {**self.watch.as_dict(), **named}


def record_risks(desk: PromiseDesk) -> RenewalResult:
    """Log the accepted promises at risk; nothing else changes.

    Others quote and commit while the promises are asked.

    Raises
    ------
    BadData
        The tables have errors.
    """
    watch = standing_promises(desk.snapshot, desk.quantities, explained=0)
    renewed = RenewalResult(watch=watch, at_risk=watch.at_risk)

    def decide(
        decider: DecisionWriter,
    ) -> tuple[list[NewEvent], tuple[Reservation, ...]]:
        nonlocal renewed
        events, renewed = _told(decider, desk.live, renewed)
        return events, ()

    desk.settle(decide, "medhavi")
    return renewed


def _told(
    decider: DecisionWriter, live: LivePromiseLedger, renewed: RenewalResult
) -> tuple[list[NewEvent], RenewalResult]:
    """Events of the risks not yet in the log."""
    events = []
    told = []
    for one in renewed.at_risk:
        event, risk = decider.at_risk(one)
        if live.state.risks.get(one.demand) != risk:
            events.append(event)
            told.append(one)
    return events, replace(renewed, told=tuple(told))


def repromise(
    desk: PromiseDesk,
    *,
    approver: str,
    reason: str = "asked again",
    worse: Collection[str] | str = (),
    gain_hours: float | None = None,
) -> RenewalResult:
    """Promise again what is accepted.

    Parameters
    ----------
    approver
        Who answers for the changes.
    reason
        Why dates change, for those who read the log.
    worse
        Demands whose later date, or smaller quantity, is taken; `ALL`: every one.
    gain_hours
        Earlier dates are taken where they gain this much [h]; None: none are.

    Raises
    ------
    UsageError
        Nobody approves, or a worse date has no reason or is not of an accepted promise.
    """
    if not approver.strip():
        message = "Promises are made again by somebody: name the approver."
        raise UsageError(message)
    if worse and not reason.strip():
        message = "A worse date needs a reason: say why the customer gets it."
        raise UsageError(message)
    return _RenewalRun(desk, approver, reason, worse, gain_hours).run()


class _RenewalRun:
    """One run over all accepted promises; anew where others came first."""

    def __init__(
        self,
        desk: PromiseDesk,
        approver: str,
        reason: str,
        worse: Collection[str] | str,
        gain_hours: float | None,
    ) -> None:
        self._desk = desk
        self._approver = approver
        self._reason = reason.strip()
        self._worse = worse
        self._gain = gain_hours
        self._renewed: RenewalResult | None = None

    def run(self) -> RenewalResult:
        self._desk.settle(self._decide, self._approver)
        assert self._renewed is not None
        return self._renewed

    def _decide(
        self, decider: DecisionWriter
    ) -> tuple[list[NewEvent], tuple[Reservation, ...]]:
        live = self._desk.live
        self._refuse_unknown(live)
        wish = RenewalRequest(
            worse=lambda demand: self._worse == ALL or demand in self._worse,
            gain_hours=self._gain,
            bound=marked,
            given=live.state.dates_given(),
        )
        found = renewal(live.state.snapshot(), dict(live.state.quantities), wish)
        renewed = _sorted(found, wish)
        events: list[NewEvent] = []
        for one in (*renewed.better, *renewed.worse):
            events += self._dated_anew(decider, live, one, self._approver)
        for one in renewed.moved:
            events += bound_anew(live, decider, marked(one.promise), self._reason)
        more, self._renewed = _told(decider, live, renewed)
        return [*events, *more], ()

    def _refuse_unknown(self, live: LivePromiseLedger) -> None:
        if self._worse == ALL:
            return
        unknown = sorted(set(self._worse) - set(live.state.promised))
        if unknown:
            message = (
                f"{', '.join(unknown)}: no accepted promise is called that. "
                "`medhavi promises at-risk` lists them."
            )
            raise UsageError(message)

    def _dated_anew(
        self,
        decider: DecisionWriter,
        live: LivePromiseLedger,
        one: MonitoredPromise,
        approver: str,
    ) -> list[NewEvent]:
        promise = marked(one.promise)
        return [
            *decider.promised(
                promise,
                approver=approver,
                snapshot=live.book.snapshot.fingerprint,
                is_new=not live.state.planned(one.demand),
                previous=live.state.promised.get(one.demand),
                reason=self._reason,
            ),
            *bound_anew(live, decider, promise, self._reason),
        ]


def _sorted(found: Renewal, wish: RenewalRequest) -> RenewalResult:
    """What became of each promise; who found nothing keeps what it has."""
    changed = found.changed.values()
    worse = [one for one in changed if _is_worse(one)]
    gains = [
        one
        for one in changed
        if one not in worse and wish.gains(one.demand, one.promised, one.expected)
    ]
    return RenewalResult(
        watch=found.before,
        moved=tuple(one for one in changed if one not in worse and one not in gains),
        better=tuple(gains),
        worse=tuple(worse),
        at_risk=found.after.at_risk,
        waiting=found.after.moved,
    )


def _is_worse(one: MonitoredPromise) -> bool:
    """Whether a new answer is later than promised, or brings less."""
    late = one.expected is None or one.expected > one.promised
    return late or one.expected_qty < one.qty * (1 - 1e-9)


_DECISIONS = ("OrderPromised", "PromiseRejected", "PromiseRevised", "PromiseAtRisk")


def promise_account(lake: Lake, watch: PromiseMonitor | None = None) -> Figures:
    """Measure KPI-01 to KPI-03 and parts of KPI-27 on what is mirrored.

    Parameters
    ----------
    watch
        Promises that are at risk, where somebody looked.
    """
    rows = (
        lake.table("bronze.events")
        .filter(pl.col("type").is_in(_DECISIONS))
        .sort("position")
        .select("type", "payload")
        .collect()
    )
    told = [{**json.loads(payload), "type": kind} for kind, payload in rows.iter_rows()]
    now = dt.datetime.fromtimestamp(lake.snapshot().as_of, dt.UTC)
    return promise_figures(
        lake.order_line_observations(), decision_rows(told), now, watch=watch
    )


def supplier_account(
    lake: Lake, snapshot: Snapshot, kind: str = "supplier"
) -> pl.DataFrame:
    """Scorecard of suppliers or lanes; see `predict.supplier_scorecard`.

    Parameters
    ----------
    snapshot
        Open orders, and the moment that what is owed is counted to.
    kind
        supplier or lane.
    """
    return supplier_scorecard(
        lake.table("gold.lead_time_observations").collect(),
        snapshot["supply_orders"],
        dt.datetime.fromtimestamp(snapshot.as_of, dt.UTC),
        kind,
    )


def record_rejections(desk: PromiseDesk, promises: Iterable[Promise]) -> int:
    """Log each new rejection; those already in the log are passed over.

    Returns
    -------
    int
        How many were told.
    """
    refused = {
        str(one.demand["demand"]): (one, str(one.limiter.code))
        for one in promises
        if one.date is None and one.limiter is not None
    }
    told: list[NewEvent] = []

    def decide(
        decider: DecisionWriter,
    ) -> tuple[list[NewEvent], tuple[Reservation, ...]]:
        live = desk.live
        told[:] = [
            decider.rejected(promise, code, live.book.snapshot.fingerprint)
            for demand, (promise, code) in refused.items()
            if live.state.rejected.get(demand) != code
        ]
        return told, ()

    desk.settle(decide, "medhavi")
    return len(told)
