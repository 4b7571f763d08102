"""The newest facts of a company: head of the log, its tables, who changed what."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from medhavi.workbench.orders.plan_edit_answers import RecentEvent

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from medhavi.events.store import BulkStore
    from medhavi.lakehouse import Lake
    from medhavi.results.difference import PegHistory
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.overrides import StandingOverride

SHOWN = 20
"""Events that a stale plan is told, the newest."""


class NewestFacts:
    """A lake that follows its store; the head is read once as long as it stays.

    Parameters
    ----------
    lake, store
        The lake mirrors the store.
    """

    def __init__(self, lake: Lake, store: BulkStore) -> None:
        self._lake = lake
        self._store = store
        self._head: tuple[int, Snapshot] | None = None
        self._reading = Lock()

    @property
    def position(self) -> int:
        """Head of the log as it was read last; 0 before."""
        return 0 if self._head is None else self._head[0]

    @property
    def last(self) -> Snapshot | None:
        """Tables as they were read last; None before."""
        return None if self._head is None else self._head[1]

    @property
    def lake(self) -> Lake:
        """The lake, with the head of the log in it."""
        self.read()
        return self._lake

    def read(self) -> tuple[int, Snapshot]:
        """Head of the log and its tables, mirrored first where it moved."""
        with self._reading:
            head = self._store.head()
            known = self._head
            if known is None or known[0] != head:
                self._lake.mirror(self._store)
                earlier = None if known is None else known[1]
                known = self._head = head, self._lake.snapshot(earlier=earlier)
            return known

    def order_numbers(self) -> frozenset[str]:
        """Numbers of all orders that there ever were."""
        orders = self._lake.table("silver.supply_orders").select("supply_order")
        return frozenset(orders.collect()["supply_order"].to_list())

    def demand_lines(self) -> frozenset[str]:
        """Ids of all demands that there ever were."""
        demands = self._lake.table("silver.demands").select("demand")
        return frozenset(demands.collect()["demand"].to_list())

    def override(self, name: str) -> dict[str, Any] | None:
        """Row of an override as silver has it; None: there is none."""
        rows = self._lake.table("silver.overrides").collect()
        found = rows.filter(pl.col("override") == name).to_dicts()
        return found[0] if found else None

    def overrides(self) -> tuple[StandingOverride, ...]:
        """Overrides that have not ended, the oldest first."""
        return self.lake.overrides()

    def peg_history(self) -> PegHistory:
        """What became of pegs over the published plans (PEG-09)."""
        from medhavi.results.difference import PegHistory

        self.read()
        said = self._lake.table("bronze.events").filter(
            pl.col("type") == "PlanPublished"
        )
        told = said.sort("position").collect()["payload"]
        runs = [str(msgspec.json.decode(text)["run"]) for text in told]
        rows = self._lake.table("gold.pegging")
        return PegHistory(
            (run, rows.filter(pl.col("run_id") == run).collect()) for run in runs
        )

    def since_plan(self, plan: Plan) -> tuple[RecentEvent, ...]:
        """Newest events that a plan does not know, the newest first.

        Known is what the log held when the plan's snapshot was taken; of a plan of
        unknown age, such as one of tables, the newest events that were recorded after
        it was.
        """
        if plan.basis is not None and plan.basis.position is not None:
            return self.since(plan.basis.position)
        runs = self._lake.table("gold.plan_runs").collect()
        kept = runs.filter(pl.col("fingerprint") == plan.fingerprint)
        moments = kept["recorded_at"].to_list()
        return self.since(0, after=min(moments) if moments else None)

    def since(
        self,
        position: int,
        *,
        subject: str | None = None,
        after: dt.datetime | None = None,
    ) -> tuple[RecentEvent, ...]:
        """Newest events behind a position, the newest first.

        Parameters
        ----------
        subject
            Only events that name this id.
        after
            Only events recorded later than this.
        """
        rows = self._lake.table("bronze.events").filter(pl.col("position") > position)
        if after is not None:
            rows = rows.filter(pl.col("recorded_at") > after)
        if subject is not None:
            named = msgspec.json.encode(subject).decode()
            rows = rows.filter(pl.col("payload").str.contains(named, literal=True))
        found = rows.sort("position", descending=True).head(SHOWN).collect()
        return tuple(
            RecentEvent(
                position=row["position"],
                type=row["type"],
                subject=_subject(row),
                actor=row["actor"],
                recorded_at=row["recorded_at"],
            )
            for row in found.iter_rows(named=True)
        )


def _subject(row: Mapping[str, Any]) -> str:
    """What an event is about: the id that it names, else its stream."""
    try:
        body = msgspec.json.decode(row["payload"])
    except msgspec.DecodeError:
        return str(row["stream"])
    for name in ("supply_order", "demand", "sales_order", "product", "run"):
        if isinstance(body.get(name), str):
            return str(body[name])
    return str(row["stream"])
