"""Net change in mode mrp: net again only the places that a change reaches (MRP-13).

The places are netted on the run of the baseline, which is kept in memory; all other
rows are those of the baseline. A plan made so equals one made from nothing, row by row
(MRP-14). Where the run is not kept, or a change reaches beyond its graph, everything is
planned anew and finding NET001 names the reason.

Source: net change against regenerative MRP, Orlicky, Material Requirements Planning
(ISBN 978-0071755634), chapter on replanning.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.findings import finding
from medhavi.planners.mrp.run import plan as regenerate
from medhavi.planners.net_change.frames import exchanged
from medhavi.planners.net_change.orders import ORDERS, RULES, STOCK, NotIncrementalError
from medhavi.planners.net_change.retained_run import RetainedRun, plan_and_keep
from medhavi.planners.net_change.run import Change, ChangedRun
from medhavi.providers import Providers
from medhavi.providers.sourcing.sourcing_checks import FOREIGN_ORDER, foreign_orders
from medhavi.providers.table_rows import TableRows
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import Basis, Status
from medhavi.version import __version__

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.planners.parameters import MrpParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot

NETTED_ALONE = frozenset({"demands", STOCK, ORDERS, *RULES})
"""Tables whose changes are netted on a kept run, where they stay within its graph."""
_WORN = "plans upon plans made its kept run far longer than a new one is"
_NOT_KEPT = "its run was not kept in this process"
_BEYOND = "the change reaches beyond the places of its run"
_WAITING = "orders in it wait for what comes late, which may reach every product"


def plan(
    snapshot: Snapshot,
    parameters: MrpParameters,
    baseline: Plan,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
    *,
    seed: int | None = None,
) -> Plan:
    """Plan a snapshot in mode mrp on top of an earlier plan.

    Parameters
    ----------
    snapshot
        All planning tables.
    baseline
        Earlier plan of the same company. Where its run is kept, changed demands,
        orders, stock and stock rules are netted on that; the run of this plan is kept
        then too.

    Returns
    -------
    Plan
        Equal to one made without a baseline. Finding NET002 tells how much was planned
        again, NET001 why all of it was.

    Raises
    ------
    BadData
        The snapshot has errors; all of them are named.
    NotAvailable
        A filled column would change quantities or dates and is not built yet.
    """
    snapshot.require()
    basis = baseline.basis
    refusal = _refusal(snapshot, parameters, baseline)
    if refusal is None and basis is not None:
        made = _net(snapshot, parameters, baseline, observe, cancelled)
        if isinstance(made, Plan):
            return replace(made, run=replace(made.run, seed=seed))
        refusal = made
    if basis is not None and isinstance(basis.kept, RetainedRun):
        whole = plan_and_keep(snapshot, parameters, observe, cancelled, seed=seed)
    else:
        whole = regenerate(snapshot, parameters, observe, cancelled, seed=seed)
        whole = replace(whole, basis=Basis.of(snapshot))
    told = finding("NET001", reason=refusal)
    return replace(whole, findings=(told, *whole.findings))


def _refusal(
    snapshot: Snapshot, parameters: MrpParameters, baseline: Plan
) -> str | None:
    """Why a baseline cannot be built upon; None: perhaps it can."""
    run = baseline.run
    troubles = (
        (run.mode != "mrp", f"it is a plan of mode {run.mode}"),
        (baseline.basis is None, "it does not know what it was made from"),
        (run.status is Status.CANCELLED, "it was cancelled"),
        (
            run.package_version != __version__,
            f"it was made by version {run.package_version}",
        ),
        (dict(run.settings) != parameters.as_dict(), "it has other settings"),
        (run.as_of != int(snapshot.as_of), "it was made at another moment"),
        (bool(run.effort.get("global_steps", 1.0)), _WAITING),
        (_is_worn(baseline.basis), _WORN),
    )
    told = next((reason for is_so, reason in troubles if is_so), None)
    return told or coupling(snapshot)


def _is_worn(basis: Basis | None) -> bool:
    return (
        basis is not None and isinstance(basis.kept, RetainedRun) and basis.kept.is_worn
    )


def coupling(snapshot: Snapshot) -> str | None:
    """Name a limit that all products share."""
    if snapshot["locations"]["storage_capacity"].is_not_null().any():
        return "the room of a location is shared by all its products"
    if (snapshot["supplier_capacity"]["product"] == "*").any():
        return "what a supplier can deliver is shared by all its products"
    return None


def _net(
    snapshot: Snapshot,
    parameters: MrpParameters,
    baseline: Plan,
    observe: Observe | None,
    cancelled: Cancelled | None,
) -> Plan | str:
    """Plan on the kept run of a baseline; a text says why it cannot be."""
    basis = baseline.basis
    if (
        basis is None
        or basis.snapshot is None
        or not isinstance(basis.kept, RetainedRun)
    ):
        return _NOT_KEPT
    touched = basis.touched(snapshot)
    beyond = [*touched.tables, *sorted(touched.changed - NETTED_ALONE)]
    if beyond:
        return f"table {beyond[0]} differs, which is not netted on a kept run"
    before, change = basis.kept, Change(basis.snapshot, touched)
    try:
        run = ChangedRun(before, snapshot, change, parameters, observe, cancelled)
        run.net_again(run.read())
        if run.stopped:
            return Plan(tables={}, run=run.record(__version__, {}), findings=())
        made = exchanged(before, run, baseline)
    except NotIncrementalError:
        return _BEYOND
    products = {product for product, _ in run.nodes}
    told = finding("NET002", count=len(products), total=snapshot["products"].height)
    effort = {
        "needs": float(sum(len(node.needs) for node in run.nodes.values())),
        "pegs": float(len(made.pegs.qty)),
        "products": float(len(products)),
        "global_steps": 0.0,
    }
    return Plan(
        tables=made.tables,
        run=run.record(__version__, effort),
        findings=(told, *_findings(snapshot, baseline, run, touched.changed)),
        basis=replace(Basis.of(snapshot), kept=made.kept),
    )


def _findings(
    snapshot: Snapshot, baseline: Plan, run: ChangedRun, changed: frozenset[str]
) -> tuple[Finding, ...]:
    """Findings of the whole; orders of foreign sources are read anew where changed."""
    again = ORDERS in changed
    said = [
        found
        for found in baseline.findings
        if not found.code.startswith(("NET", "PLAN"))
        and not (again and found.code == FOREIGN_ORDER)
    ]
    if again:
        rows = TableRows(snapshot[ORDERS], snapshot.input_rows(ORDERS))
        whole = run.providers if run.snapshot is snapshot else Providers(snapshot)
        said += foreign_orders(rows, whole.roads)
    return (*run.findings, *said)
