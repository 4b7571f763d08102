"""Mode constrained on a baseline: what a change does not reach stays where it is.

A change reaches all that is linked with its products: over bills of materials, over
resources, over suppliers that can deliver only so much. That part is placed anew by the
same planner; every other order, operation and delivery is that of the baseline.

A plan of parts may be later than one made from nothing, which chooses for all at once.
So it is taken only where its lateness costs at most a stated price more; else the plan
made from nothing is.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.findings import finding
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.net_change.linked import linked
from medhavi.planners.net_change.net_change import coupling
from medhavi.planners.net_change.tables import part_of, spliced
from medhavi.results.basis import Basis
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import Status
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot


_PRICE = "stability_price"
_OWN = {"baseline", _PRICE}
"""Settings that only a plan on a baseline has."""


def plan(
    snapshot: Snapshot,
    parameters: ConstrainedParameters,
    baseline: Plan,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
    price: float = 0.0,
) -> Plan:
    """Plan a snapshot in mode constrained on top of an earlier plan.

    Parameters
    ----------
    snapshot
        All planning tables.
    parameters, observe, cancelled, seed
        As of `rounds.plan`.
    baseline
        Earlier plan of the same company in mode constrained.
    price
        Most that lateness and shortage may cost more than in a plan made from nothing
        [base currency].

    Returns
    -------
    Plan
        Finding NET003 tells how much was placed again, NET001 why all of it was.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.

    Notes
    -----
    Where the part is on time for the price, nothing can be better by more, and nothing
    else is planned; otherwise the plan from nothing is made too, to compare.
    """
    snapshot.require()

    def anew(of: Snapshot) -> Plan:
        return searched_run.plan(
            of, parameters, __version__, observe, cancelled, seed=seed
        )

    part = _part(snapshot, parameters, baseline)
    if isinstance(part, str):
        return _whole(anew(snapshot), snapshot, part)
    made = _merged(snapshot, baseline, part, anew)
    # The same tables and settings give another plan on another baseline.
    own = {**made.run.settings, "baseline": baseline.fingerprint, _PRICE: price}
    made = replace(made, run=replace(made.run, settings=own))
    if made.run.status is not Status.CANCELLED and _money(made) > price:
        whole = anew(snapshot)
        if _money(made) > _money(whole) + price:
            reason = (
                f"lateness costs {_money(made):g} in it and {_money(whole):g} in a "
                f"plan from nothing, more than {price:g} apart"
            )
            return _whole(whole, snapshot, reason)
    return made


def _whole(made: Plan, snapshot: Snapshot, reason: str) -> Plan:
    told = finding("NET001", reason=reason)
    return replace(made, findings=(told, *made.findings), basis=Basis.of(snapshot))


def _money(made: Plan) -> float:
    return float(made.causes["money"].fill_null(0.0).sum())


def _part(
    snapshot: Snapshot, parameters: ConstrainedParameters, baseline: Plan
) -> frozenset[str] | str:
    """What a change reaches; a text says why that is not known."""
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
        (snapshot["departures"].height > 0, "vehicles are shared by all products"),
    )
    told = next((reason for is_so, reason in troubles if is_so), None)
    told = told or coupling(snapshot)
    if told is not None:
        return told
    touched = basis.touched(snapshot)
    if touched.tables:
        return f"table {touched.tables[0]} differs, which touches every product"
    return linked(snapshot, touched.products)


def _steady(settings: Mapping[str, object]) -> list[tuple[str, object]]:
    return sorted((name, value) for name, value in settings.items() if name not in _OWN)


def _merged(
    snapshot: Snapshot,
    baseline: Plan,
    part: frozenset[str],
    anew: Callable[[Snapshot], Plan],
) -> Plan:
    """Place the part anew and take the rest from the baseline."""
    made = anew(part_of(snapshot, part))
    run = replace(made.run, snapshot_fingerprint=snapshot.fingerprint)
    if made.run.status is Status.CANCELLED:
        return replace(made, run=run)
    ours = pl.Series(sorted(part), dtype=pl.String)
    used = snapshot["resources"]["resource"]
    used = used.filter(used.is_in(ours.implode()))
    tables = spliced(snapshot, baseline, made, part, used)
    total = snapshot["products"]["product"]
    count = int(total.is_in(ours.implode()).sum())
    told = finding("NET003", count=count, total=total.len())
    said = [one for one in baseline.findings if not one.code.startswith("NET")]
    more = [one for one in made.findings if one not in said]
    return Plan(
        tables=tables,
        run=run,
        findings=(told, *said, *more),
        basis=Basis.of(snapshot),
    )
