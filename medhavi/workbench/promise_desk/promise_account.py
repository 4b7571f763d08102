"""What the log says of promises and suppliers, and refusals told to it (KPI-03)."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import polars as pl

from medhavi.predict.scorecards import supplier_scorecard
from medhavi.results.figures.promise_figures import decision_rows, promise_figures

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.events.envelope import NewEvent
    from medhavi.lakehouse import Lake
    from medhavi.providers.reservations.ledger import Reservation
    from medhavi.results.figures.promise_figures import Figures
    from medhavi.results.promises.promise import Promise
    from medhavi.results.promises.promises_at_risk import PromiseMonitor
    from medhavi.workbench.commitments.decisions import DecisionWriter
    from medhavi.workbench.promise_desk.promise_desk import PromiseDesk


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
    return promise_figures(
        lake.order_line_observations(), decision_rows(told), _now(lake), watch=watch
    )


def supplier_account(lake: Lake) -> pl.DataFrame:
    """Scorecard of suppliers; see `predict.supplier_scorecard`."""
    return supplier_scorecard(
        lake.table("gold.lead_time_observations").collect(),
        lake.snapshot()["supply_orders"],
        _now(lake),
    )


def _now(lake: Lake) -> dt.datetime:
    return dt.datetime.fromtimestamp(lake.snapshot().as_of, dt.UTC)


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
