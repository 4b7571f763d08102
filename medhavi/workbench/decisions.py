"""Decisions as events: the only writer of them.

An event's id is made from what it decides, so deciding the same again is one event.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from medhavi.events.catalog import new_event, stream_for
from medhavi.events.decision_types import GoldTable, PlanPublished
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from medhavi.events.store import EventStore
    from medhavi.lakehouse.record import RecordedRun
    from medhavi.results.plan import Plan

_NAMESPACE = uuid.UUID("6d656468-6176-5669-a465-636973696f6e")


def publish_plan(
    store: EventStore,
    plan: Plan,
    recorded: RecordedRun,
    *,
    approver: str,
    baseline: str | None = None,
) -> str:
    """Append PlanPublished: run, fingerprints, figures, places of tables, no rows.

    It takes effect at the plan's own now, so that a snapshot of that moment or later
    knows it, in a company of the past too.

    Parameters
    ----------
    recorded
        Where the plan lies in gold.
    approver
        Who confirmed it.
    baseline
        Run that it replaces.

    Returns
    -------
    str
        Id of the event.
    """
    if plan.run.as_of is None:
        message = "The plan has no as_of; only a planned snapshot can be published."
        raise ValueError(message)
    as_of = from_seconds(plan.run.as_of)
    body = PlanPublished(
        run=recorded.run_id,
        fingerprint=plan.fingerprint,
        snapshot=plan.run.snapshot_fingerprint,
        planner=plan.run.planner,
        mode=plan.run.mode,
        status=str(plan.run.status),
        as_of=as_of,
        approver=approver,
        kpis=dict(
            plan.kpis.sort("kpi").select("kpi", "value").iter_rows(),
        ),
        tables=[
            GoldTable(name=table.name, uri=table.uri, hash=table.hash, rows=table.rows)
            for table in recorded.tables
        ],
        package_version=plan.run.package_version,
        baseline=baseline,
    )
    words = "|".join(("PlanPublished", recorded.run_id, approver, baseline or ""))
    event = new_event(
        body,
        event_id=str(uuid.uuid5(_NAMESPACE, words)),
        occurred_at=as_of,
        actor=approver,
        correlation_id=recorded.run_id,
    )
    store.append(stream_for(body), [event])
    return event.event_id
