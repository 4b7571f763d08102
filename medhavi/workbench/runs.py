"""The last run in memory, and plans that were published.

A what-if of one changed demand then takes a fraction of a second where planning
everything takes many (MRP-13); the plan is the same, row by row.
"""

from __future__ import annotations

import datetime as dt
from threading import Lock
from typing import TYPE_CHECKING

import msgspec
import polars as pl

from medhavi.planners.edit_price import planned_without, unless_later
from medhavi.planners.net_change.net_change import NETTED_ALONE
from medhavi.planners.parameters import STABILITY_PRICE, STABILITY_SHARE, MrpParameters
from medhavi.planners.pipeline import changed_inputs, own_settings, plan_to_build_on
from medhavi.planners.pipeline import plan as make_plan
from medhavi.results.identity import register_of
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import Basis, RunRecord
from medhavi.units import from_seconds, to_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from medhavi.lakehouse import Lake
    from medhavi.planners.edit_price import PlanOf
    from medhavi.snapshot import Snapshot


FEW_PRODUCTS = 100
"""So many changed products are always netted on a kept run."""
RENEWAL_SHARE = 0.03
"""Setting `stability_share` of a plan that is renewed, and of what shows it before."""
MOST_TOUCHED = 0.1
"""Share of the products from which planning everything takes no longer."""


class LastRun:
    """One run is kept, of the newest snapshot that was asked for; the one before goes.

    A kept run takes about as much memory again as its tables and its plan.

    Parameters
    ----------
    share
        Setting `stability_share` of the runs on a plan; None: none is planned from
        nothing to compare, but for the `stability_price` of the plan.
    """

    def __init__(self, share: float | None = None) -> None:
        self._share = share
        self._base: Plan | None = None
        self._unchanged: tuple[tuple[str, ...], Plan] | None = None
        self._lock = Lock()

    def plan(self, plan: Plan, snapshot: Snapshot, edited: Snapshot) -> Plan:
        """Plan an edited snapshot with mode, settings and seed of a plan.

        Parameters
        ----------
        edited
            The snapshot with an edit. Where its tables differ in what is netted alone,
            the kept run is built on; it is made first where there is none. In modes
            constrained and optimize the plan itself is built on.
        """
        mode, seed = plan.run.mode, plan.run.seed
        settings = own_settings(mode, plan.run.settings)
        if mode == "mrp" and nets_alone(snapshot, edited):
            self.take(plan)
            made = self.netted(snapshot, edited, settings, seed)
        else:
            on = None if mode == "mrp" else plan
            settings |= {} if on is None else self._stability(plan)
            made = make_plan(edited, mode, settings=settings, baseline=on, seed=seed)
        return made.numbered(register_of(plan.supplies))

    def _stability(self, plan: Plan) -> dict[str, object]:
        """Settings that say how far a plan on another may be from one from nothing."""
        price = plan.run.settings.get(STABILITY_PRICE)
        stated = {STABILITY_PRICE: price, STABILITY_SHARE: self._share}
        return {name: one for name, one in stated.items() if one is not None}

    def without(self, old: PlanOf, new: PlanOf) -> Plan:
        """Plan the unchanged tables as an edit had them planned.

        That is from nothing where the plan of the edit was made so and the one before
        was not, else see `planned_without`. The last one is kept: the next edit of the
        plan is priced beside it as well.

        Parameters
        ----------
        old, new
            The plan in force and that of the edit, with their tables.
        """
        (plan, snapshot), (after, edited) = old, new
        if _from_nothing(after) and not _from_nothing(plan):
            made = self._known("anew", old, lambda: planned_anew(plan, snapshot))
            return unless_later(plan, made)

        def resumed(on: Plan) -> Plan:
            return self._known(
                "resumed", old, lambda: self.plan(on, snapshot, snapshot)
            )

        return planned_without(plan, edited, resumed)

    def _known(self, how: str, old: PlanOf, planned: Callable[[], Plan]) -> Plan:
        """Plan of the unchanged tables that was made last, if it is of this plan."""
        key = how, *(one.fingerprint for one in old)
        known = self._unchanged
        if known is None or known[0] != key:
            known = self._unchanged = key, planned()
        return known[1]

    def take(self, plan: Plan) -> None:
        """Keep the run of a plan from now on, if it is there."""
        if _is_kept(plan):
            with self._lock:
                self._base = plan

    def of_plan(self, plan: Plan | None) -> Plan | None:
        """Plan with its run, where that is the kept one; else the plan itself.

        A plan that was read from a folder finds its run so.
        """
        known = self._base
        if known is None or plan is None or known.run.run_id != plan.run.run_id:
            return plan
        return known

    def netted(
        self,
        snapshot: Snapshot,
        edited: Snapshot,
        settings: Mapping[str, object],
        seed: int | None = None,
    ) -> Plan:
        """Plan an edited snapshot in mode mrp on the run of the snapshot.

        Parameters
        ----------
        snapshot, edited
            What differs between them is netted alone; see `nets_alone`.
        """
        with self._lock:
            base = self._base = self._of(snapshot, settings)
        return make_plan(edited, "mrp", settings=settings, baseline=base, seed=seed)

    def _of(self, snapshot: Snapshot, settings: Mapping[str, object]) -> Plan:
        """Plan of the snapshot whose run is kept, if it can be."""
        known = self._base
        if known is None:
            return plan_to_build_on(snapshot, settings)
        same = known.run.snapshot_fingerprint == snapshot.fingerprint
        wanted = MrpParameters.from_mapping(settings).as_dict()
        if same and dict(known.run.settings) == wanted:
            return known
        if not _is_kept(known):
            return plan_to_build_on(snapshot, settings)
        return make_plan(snapshot, settings=settings, baseline=known)


def planned_anew(plan: Plan, snapshot: Snapshot) -> Plan:
    """Plan tables from nothing as a plan was made: its mode, settings and seed."""
    mode = plan.run.mode
    settings = own_settings(mode, plan.run.settings)
    return make_plan(snapshot, mode, settings=settings, seed=plan.run.seed)


def _from_nothing(plan: Plan) -> bool:
    """Whether a plan that can be resumed was made without a baseline."""
    return plan.run.mode != "mrp" and "baseline" not in plan.run.settings


def _is_kept(plan: Plan) -> bool:
    # A constrained plan keeps what it read, which nets nothing.
    basis = plan.basis
    return plan.run.mode == "mrp" and basis is not None and basis.kept is not None


def nets_alone(snapshot: Snapshot, edited: Snapshot) -> bool:
    """Whether a snapshot differs from another in what is netted on a kept run.

    That is: in few products, and in tables whose rows are netted alone. The plan is the
    same either way; where most products differ, planning everything is quicker.
    """
    touched = Basis.of(snapshot).touched(edited)
    if touched.tables or not touched.changed <= NETTED_ALONE:
        return False
    most = max(FEW_PRODUCTS, MOST_TOUCHED * snapshot["products"].height)
    return len(touched.products) <= most


def is_of(plan: Plan, snapshot: Snapshot) -> bool:
    """Whether a plan made from nothing would be this one."""
    if plan.run.snapshot_fingerprint == snapshot.fingerprint:
        return True
    known = plan.basis
    return known is not None and not changed_inputs(known, plan.run.mode, snapshot)


class PublishedPlan(msgspec.Struct, frozen=True):
    """What is read of an event PlanPublished; `recorded_at` is when it was told."""

    run: str
    planner: str
    mode: str
    snapshot: str
    fingerprint: str
    as_of: dt.datetime
    approver: str = ""
    recorded_at: dt.datetime = from_seconds(0)
    package_version: str | None = None
    kpis: dict[str, float | None] = msgspec.field(default_factory=dict)


def published_plans(lake: Lake, mode: str | None = None) -> tuple[PublishedPlan, ...]:
    """Published plans of a mode, or of all, the newest first, each plan once."""
    said = (
        lake.table("bronze.events")
        .filter(pl.col("type") == "PlanPublished")
        .sort("position", descending=True)
        .select("payload", "recorded_at")
        .collect()
    )
    found: dict[str, PublishedPlan] = {}
    for text, recorded_at in said.iter_rows():
        event = msgspec.json.decode(text, type=PublishedPlan)
        told = msgspec.structs.replace(event, recorded_at=recorded_at)
        if mode in (None, told.mode):
            found.setdefault(told.fingerprint, told)
    return tuple(found.values())


def published_before(
    plan: Plan, published: Iterable[PublishedPlan]
) -> list[PublishedPlan]:
    """Published plans with which a plan is compared: other ones of its mode, no newer.

    Parameters
    ----------
    published
        Plans as `published_plans` reads them; their order stays.
    """
    as_of, mode = plan.run.as_of, plan.run.mode
    return [
        one
        for one in published
        if one.mode == mode
        and one.fingerprint != plan.fingerprint
        and (as_of is None or to_seconds(one.as_of) <= as_of)
    ]


def published_plan(lake: Lake, told: PublishedPlan, tables: Iterable[str]) -> Plan:
    """Published plan with these of its tables; the others are not there."""
    run = RunRecord(
        planner=told.planner,
        mode=told.mode,
        package_version=told.package_version or "",
        snapshot_fingerprint=told.snapshot,
        as_of=to_seconds(told.as_of),
    )
    return Plan(tables={name: _rows(lake, name, told.run) for name in tables}, run=run)


def _rows(lake: Lake, table: str, run: str) -> pl.DataFrame:
    rows = lake.table(f"gold.{table}").filter(pl.col("run_id") == run)
    return rows.drop("run_id").collect()
