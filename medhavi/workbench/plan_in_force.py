"""The plan in force: the one plan of a workspace that pages, jobs and people speak of.

It is kept where its facts are kept: in gold of the lake, else in a folder of the cache
(MEDHAVI_CACHE). Nobody plans to show it; where it is older than the facts a plan on it
is made beside (docs/decisions/026).
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from medhavi.errors import EnvironmentFailure
from medhavi.lakehouse.layout import environment
from medhavi.planners.net_change.incremental import earlier_release
from medhavi.planners.parameters import STABILITY_SHARE
from medhavi.planners.pipeline import changed_inputs, own_settings
from medhavi.progress import Progress
from medhavi.providers.material.supply_orders import LIVE
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import Basis, Status
from medhavi.units import from_seconds, to_seconds
from medhavi.version import __version__
from medhavi.workbench.files.cache import StepCache, cache_folder
from medhavi.workbench.files.tables_run import plan_snapshot, write_plan
from medhavi.workbench.runs import RENEWAL_SHARE, published_plans

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.lakehouse import Lake
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot

MOST_COMPARED = 24
"""Recorded plans whose facts are compared with newer ones, the newest."""
MOST_KEPT = 32
"""Plans that stay in the cache; the one written longest ago goes first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanInForce:
    """A plan of a workspace, and whether its facts are the newest.

    `current`: no later fact changes what the plan depends on, and plans can be built
    on it, as on one of an earlier release they cannot.
    """

    plan: Plan
    current: bool


def plan_in_force(
    snapshot: Snapshot, mode: str, lake: Lake | None = None, *, past: bool = False
) -> PlanInForce | None:
    """Find the plan of a mode; None where there is none yet.

    The published plan where its facts are the newest, else the plan that was recorded
    last of such facts; where all are older, the newest of them.

    Parameters
    ----------
    lake
        Where plans are recorded; None: tables without a lake.
    past
        The tables are of another moment than the newest: older plans are none of
        theirs.
    """
    kept = cached_plan(_cache_name(snapshot, mode))
    if kept is not None and not earlier_release(kept):
        return PlanInForce(plan=restated(kept, snapshot), current=True)
    older: str | None = None
    for run, fingerprint in [] if lake is None else _runs(lake, mode, snapshot):
        if fingerprint != snapshot.fingerprint:
            basis = None if past else lake.recorded_basis(run)  # type: ignore[union-attr]
            if basis is None or changed_inputs(basis, mode, snapshot):
                older = older or run
                continue
        plan = lake.recorded_plan(run)  # type: ignore[union-attr]
        if past or not earlier_release(plan):
            return PlanInForce(plan=restated(plan, snapshot), current=True)
        older = older or run
    if older is None or past or lake is None:
        return None
    return PlanInForce(plan=lake.recorded_plan(older), current=False)


PROMISED_BY = "constrained"
"""Mode of the plan by whose dates promises are made, and that shows what they do."""


def dated_by_plan(snapshot: Snapshot, lake: Lake) -> Snapshot:
    """Tables of now of a lake for promises: orders as its plan in force has them.

    A work order states when it is due. Where its machine is full or its goods come
    later the plan moves it, and who is promised by what it states is late from the
    first day on. So it is due when the plan ends it, where that is later. Purchases and
    transfers are there when they say so, and so are all orders where there is no plan.
    """
    known = plan_in_force(snapshot, PROMISED_BY, lake)
    if known is None:
        return snapshot
    ends = known.plan.supplies.filter(pl.col("status").is_in(LIVE)).select(
        pl.col("id").alias("supply_order"), pl.col("finish").alias("planned")
    )
    orders = snapshot["supply_orders"]
    later = (pl.col("kind") == "work") & (pl.col("planned") > pl.col("due"))
    dated = (
        orders.join(ends, on="supply_order", how="left", maintain_order="left")
        .with_columns(due=pl.when(later).then("planned").otherwise("due"))
        .select(orders.columns)
    )
    return snapshot if dated.equals(orders) else snapshot.replace(supply_orders=dated)


def renewed_plan(
    snapshot: Snapshot,
    mode: str,
    lake: Lake | None = None,
    *,
    past: bool = False,
    kept: bool = True,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> Plan:
    """Plan in force of these tables; made, on the nearest one, where there is none.

    Where the run was ended before, it goes on from the steps that were done.

    Parameters
    ----------
    snapshot, mode, lake, past
        As of `plan_in_force`.
    kept
        Keep what was made: in gold of the lake, of the newest facts, where its folder
        can be written, else in the cache; whole or not at all.

    Raises
    ------
    BadData
        The data has errors; all are named.
    VerificationFailed
        The plan breaks its own snapshot, a defect of the planner.
    EnvironmentFailure
        Neither the lake nor the cache can be written.
    KeyboardInterrupt
        It was ended before there was any plan.
    """
    known = plan_in_force(snapshot, mode, lake, past=past)
    if known is not None and known.current:
        return known.plan
    settings, baseline = None, None
    if known is not None:
        settings = _own_settings(mode, known.plan.run.settings)
        if not earlier_release(known.plan):
            baseline = nearest_plan(snapshot, known.plan, lake)
            if mode != "mrp":
                settings[STABILITY_SHARE] = RENEWAL_SHARE
    steps = StepCache(resume=True)
    made = plan_snapshot(
        snapshot,
        mode,
        settings,
        observe,
        baseline=baseline,
        cancelled=cancelled,
        kept=steps,
    )
    if not kept:
        steps.end(made.run.status)
        return made
    if observe is not None:
        observe(Progress("recording"))
    recorded = keep_plan(made, snapshot, None if past else lake)
    steps.end(made.run.status)
    return recorded


def nearest_plan(snapshot: Snapshot, known: Plan, lake: Lake | None) -> Plan:
    """Recorded plan whose facts are nearest to some tables: fewest rows differ.

    A decision that is taken back is so planned on the plan before it, not on the plan
    with it. Plans of other settings, of another moment or of another version are no
    base; of equally near ones the newest counts.

    Parameters
    ----------
    known
        Plan in force, which is the base where no other is nearer.
    lake
        Where plans are recorded; None: there are no others.
    """
    if lake is None or known.basis is None:
        return known
    mode = known.run.mode
    runs = lake.table("gold.plan_runs").filter(
        (pl.col("mode") == mode)
        & (pl.col("package_version") == __version__)
        & (pl.col("status") != Status.CANCELLED)
        & (pl.col("fingerprint") != known.fingerprint)
    )
    newest = runs.sort("recorded_at", descending=True).collect()
    nearest = None
    own = _own_settings(mode, known.run.settings)
    least = (known.run.as_of != int(snapshot.as_of), *known.basis.distance(snapshot))
    alike = (
        row
        for row in newest.iter_rows(named=True)
        if to_seconds(row["as_of"]) == int(snapshot.as_of)
        and _own_settings(mode, msgspec.json.decode(row["settings"])) == own
    )
    for row in islice(alike, MOST_COMPARED):
        basis = lake.recorded_basis(row["run_id"])
        if basis is None or (known.basis.schedule is None) < (basis.schedule is None):
            continue
        distance = False, *basis.distance(snapshot)
        if distance < least:
            least, nearest = distance, row["run_id"]
    return known if nearest is None else lake.recorded_plan(nearest)


def _own_settings(mode: str, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by which a mode plans again, as JSON has them."""
    own = msgspec.json.encode(own_settings(mode, settings))
    plain: dict[str, Any] = msgspec.json.decode(own)
    return plain


def keep_plan(plan: Plan, snapshot: Snapshot, lake: Lake | None) -> Plan:
    """Keep a plan for `plan_in_force`, whole or not at all; numbered where it is kept.

    Parameters
    ----------
    lake
        Records it, where its folder can be written; None: the cache keeps it.

    Raises
    ------
    EnvironmentFailure
        Neither can be written.
    """
    if lake is not None:
        with suppress(EnvironmentFailure, OSError):
            return lake.record(plan, snapshot).plan
    cache_plan(plan, _cache_name(snapshot, plan.run.mode))
    return plan


def cache_plan(plan: Plan, name: str) -> None:
    """Keep a plan in the cache under a name, whole or not at all.

    Raises
    ------
    EnvironmentFailure
        The cache cannot be written.
    """
    place = cache_folder() / "plans" / name
    with environment("keeping a plan", place):
        write_plan(plan, place)
        kept = sorted(place.parent.iterdir(), key=lambda one: one.stat().st_mtime)
    for folder in kept[:-MOST_KEPT]:
        shutil.rmtree(folder, ignore_errors=True)


def cached_plan(name: str) -> Plan | None:
    """Plan of a name in the cache; None where there is none."""
    place = cache_folder() / "plans" / name
    return Plan.from_folder(place) if (place / "run.json").is_file() else None


def restated(plan: Plan, snapshot: Snapshot) -> Plan:
    """Plan as one of a snapshot in which nothing that it depends on has changed."""
    run = replace(plan.run, snapshot_fingerprint=snapshot.fingerprint)
    made, basis = plan.basis, Basis.of(snapshot)
    if made is not None:
        # What was read for it is that of the very same tables.
        kept = None if made.changed(snapshot) else made.kept
        basis = replace(basis, schedule=made.schedule, kept=kept)
    return replace(plan, run=run, basis=basis)


def _runs(lake: Lake, mode: str, snapshot: Snapshot) -> Iterable[tuple[str, str]]:
    """Run and facts of the recorded plans that may be in force, the best one first.

    Those of these very facts, then the last published one, then the others of the same
    moment: what came after one of them may have been taken back.
    """
    rows = lake.table("gold.plan_runs").filter(pl.col("mode") == mode).collect()
    newest = rows.sort("as_of", "recorded_at", descending=True)
    published = {told.fingerprint: told for told in published_plans(lake, mode)}
    last = next(iter(published), "")
    marked = newest.with_columns(
        same=pl.col("snapshot_fingerprint") == snapshot.fingerprint,
        published=pl.col("fingerprint").is_in(list(published)),
        last=pl.col("fingerprint") == last,
    )
    exact = marked.filter("same").sort(
        "last", "published", descending=True, maintain_order=True
    )
    alike = marked.filter(pl.col("as_of") == from_seconds(int(snapshot.as_of)))
    others = pl.concat(
        [marked.filter("last").head(1), marked.head(1), alike.head(MOST_COMPARED)]
    )
    found = pl.concat([exact, others]).unique("run_id", maintain_order=True)
    return list(found.select("run_id", "snapshot_fingerprint").iter_rows())


def _cache_name(snapshot: Snapshot, mode: str) -> str:
    """Name in the cache: the same facts, mode and version find a plan again."""
    return f"{snapshot.fingerprint[:40]}-{mode}-{__version__}"
