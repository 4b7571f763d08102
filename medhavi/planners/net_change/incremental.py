"""Mode constrained on a baseline: what a change does not reach stays where it is.

The search resumes the schedule that it found for the baseline: orders that still fit
stay, and demands that changed, or whose orders do not fit any more, are served anew.
Moves then look for less lateness where that was.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.findings import finding
from medhavi.planners.constrained.memory import UNREAD, PlantReading
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.constrained.search.baseline_schedule import BaselineSchedule
from medhavi.results.run_record import Basis, Status
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.findings import Finding
    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

ORDER_TABLES = frozenset({"supply_orders", "supply_order_steps"})
_PRICE = "stability_price"
_OWN = {"baseline", _PRICE}
"""Settings that only a plan on a baseline has."""
_PLACED = ["kind", "product", "location", "source", "qty", "start", "finish"]


def plan(
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    baseline: Plan,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
    price: float | None = None,
) -> Plan:
    """Plan a snapshot in mode constrained on top of an earlier plan.

    Parameters
    ----------
    snapshot
        All planning tables.
    parameters, observe, cancelled, seed
        As of `searched_run.plan`.
    baseline
        Earlier plan of the same company in mode constrained.
    price
        Most that lateness and shortage may cost more than in the baseline before a plan
        is made from nothing to compare, and then than in that [base currency]; None:
        they are not compared.

    Returns
    -------
    Plan
        Finding NET003 tells how much was planned again, NET001 why all of it was.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.
    """
    snapshot.require()

    before = _reading(snapshot, baseline)

    def searched(kept: BaselineSchedule | None) -> Plan:
        return searched_run.plan(
            snapshot,
            parameters,
            __version__,
            observe,
            cancelled,
            seed=seed,
            kept=kept,
            before=before,
        )

    kept = _kept(snapshot, parameters, baseline)
    if kept is None:
        told = _findings(_told(baseline, baseline), baseline)
        assert baseline.basis is not None  # it tells that nothing changed
        basis = replace(baseline.basis, position=snapshot.position)
        return replace(baseline, findings=told, basis=basis)
    if isinstance(kept, str):
        return _whole(searched(None), snapshot, kept)
    made = searched(kept)
    if made.run.status is Status.CANCELLED:
        return made
    if "demands_anew" not in made.run.effort:
        reason = "most of its orders do not fit any more"
        if made.basis is None:
            reason = f"no schedule was found: planned by {made.run.engine}"
        return _whole(made, snapshot, reason)
    # The same tables and settings give another plan on another baseline.
    own = {**made.run.settings, "baseline": baseline.fingerprint}
    own |= {} if price is None else {_PRICE: price}
    made = replace(made, run=replace(made.run, settings=own))
    if price is not None and _money(made) > _money(baseline) + price:
        whole = searched(None)
        if _money(made) > _money(whole) + price:
            reason = (
                f"lateness costs {_money(made):g} on it and {_money(whole):g} in a "
                f"plan from nothing, more than {price:g} apart"
            )
            return _whole(whole, snapshot, reason)
    return replace(made, findings=_findings(_told(made, baseline), made))


def _findings(told: Finding, made: Plan) -> tuple[Finding, ...]:
    return (told, *(one for one in made.findings if not one.code.startswith("NET")))


def _told(made: Plan, baseline: Plan) -> Finding:
    """Finding that tells how much was planned again, and what lateness costs."""
    new = pl.col("status") == "planned"
    before = baseline.supplies.filter(new).select(_PLACED)
    after = made.supplies.filter(new)
    anew = 0.0 if made is baseline else made.run.effort["demands_anew"]
    return finding(
        "NET003",
        count=int(anew),
        total=made.fulfilment.height,
        kept=after.join(before, on=_PLACED, how="semi", nulls_equal=True).height,
        orders=after.height,
        money=f"{_money(made):,.0f}",
        before=f"{_money(baseline):,.0f}",
    )


def _whole(made: Plan, snapshot: Snapshot, reason: str) -> Plan:
    told = finding("NET001", reason=reason)
    basis = made.basis or Basis.of(snapshot)
    return replace(made, findings=(told, *made.findings), basis=basis)


def _money(made: Plan) -> float:
    return float(made.causes["money"].fill_null(0.0).sum())


def _kept(
    snapshot: Snapshot, parameters: ConstrainedParameters, baseline: Plan
) -> BaselineSchedule | str | None:
    """Schedule of a baseline; a text says why there is none, None: nothing changed."""
    run, basis = baseline.run, baseline.basis
    if basis is None:
        return "it does not know what it was made from"
    troubles = (
        (run.mode != "constrained", f"it is a plan of mode {run.mode}"),
        (run.status is Status.CANCELLED, "it was cancelled"),
        (
            run.package_version != __version__,
            f"it was made by version {run.package_version}",
        ),
        (
            _steady(run.settings) != _steady(parameters.as_dict()),
            "it has other settings",
        ),
        (run.as_of != int(snapshot.as_of), "it was made at another moment"),
    )
    told = next((reason for is_so, reason in troubles if is_so), None)
    if told is not None:
        return told
    if not basis.changed(snapshot):
        return None
    if basis.schedule is None:
        return f"no schedule of a search is kept with it: planned by {run.engine}"
    # What changed of orders is told by the schedule itself.
    touched = basis.touched(snapshot, besides=ORDER_TABLES)
    products = None if touched.tables else touched.products
    kept = BaselineSchedule(frame=basis.schedule, products=products)
    return kept if kept.is_complete else "its schedule was kept by an earlier release"


def _reading(snapshot: Snapshot, baseline: Plan) -> PlantReading | None:
    """What was read for a baseline, where it holds for a snapshot as well."""
    basis = baseline.basis
    if basis is None or not isinstance(basis.kept, PlantReading):
        return None
    return basis.kept if basis.changed(snapshot) <= UNREAD else None


def _steady(settings: Mapping[str, object]) -> list[tuple[str, object]]:
    return sorted((name, value) for name, value in settings.items() if name not in _OWN)
