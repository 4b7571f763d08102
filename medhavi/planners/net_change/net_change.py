"""Net change in mode mrp: plan again only what a change reaches (MRP-13, MRP-14).

What is above and below the changed products is netted by the same engine on the tables
of that part; all other rows are those of the baseline. A plan made so equals one made
from nothing, row by row. Where that cannot be said before, everything is planned anew
and a finding tells why.

Source: net change against regenerative MRP, Orlicky, Material Requirements Planning
(ISBN 978-0071755634), chapter on replanning.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from medhavi.findings import finding
from medhavi.planners.mrp.reporting import loads
from medhavi.planners.mrp.run import MrpRun
from medhavi.planners.mrp.run import plan as regenerate
from medhavi.planners.mrp.unsupported import check_supported
from medhavi.planners.net_change.frames import exchanged
from medhavi.planners.net_change.kept import Kept, plan_and_keep
from medhavi.planners.net_change.orders import ORDERS
from medhavi.planners.net_change.region import region
from medhavi.planners.net_change.run import Change, ChangedRun
from medhavi.planners.net_change.state import RULES, STOCK, BeyondError
from medhavi.planners.net_change.tables import part_of, resources_of, spliced
from medhavi.providers import Providers
from medhavi.providers.sourcing.sourcing_checks import FOREIGN_ORDER, foreign_orders
from medhavi.providers.table_rows import TableRows
from medhavi.results.basis import Basis
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import NettingScope, Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl

    from medhavi.findings import Finding
    from medhavi.planners.mrp.messages import Messages
    from medhavi.planners.mrp.service import Service
    from medhavi.planners.net_change.region import Region
    from medhavi.planners.parameters import MrpParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.basis import SnapshotDifference
    from medhavi.snapshot import Snapshot


_STATE = {
    "demands",
    "stock",
    "supply_orders",
    "supply_order_steps",
    "pegs",
    "inventory_policies",
    "inventory_levels",
    "storage_limits",
}
"""Tables about which sources say nothing, but for orders of a foreign source."""
NETTED_ALONE = frozenset({"demands", STOCK, ORDERS, *RULES})
"""Tables whose changes are netted on a kept run, where they stay within its graph."""
_WORN = "plans upon plans made its kept run far longer than a new one is"
_WAITING = "orders in it wait for what comes late, which may reach every product"


class PartialRun(MrpRun):
    """One netting of a part of the products.

    Parameters
    ----------
    whole
        All tables; the run itself sees those of the region.
    baseline
        Plan that the rest is taken from.
    part
        What is planned again.
    parameters, observe, cancelled
        As of `MrpRun`.
    """

    netting = NettingScope.PART

    def __init__(
        self,
        whole: Snapshot,
        baseline: Plan,
        part: Region,
        parameters: MrpParameters,
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
    ) -> None:
        self._whole = whole
        self._baseline = baseline
        self._part = part
        super().__init__(part_of(whole, part), parameters, observe, cancelled)

    def _supported(self) -> list[Finding]:
        return list(check_supported(self._whole))

    def _tell(
        self,
        messages: Messages,
        found: list[Service],
        tables: Mapping[str, pl.DataFrame],
    ) -> None:
        """Report the loads of all work on the resources of this part."""
        used = resources_of(self._baseline, tables["operations"], self._part)
        capacity = self.providers.capacity
        merged = loads(
            self._whole,
            used.operations,
            lambda resource, start, finish: capacity.resource(resource).available(
                start, finish
            ),
        )
        super()._tell(messages, found, {**tables, "loads": merged})
        self.loads = merged
        self.resources = used.resources

    def _fingerprint(self) -> str:
        return self._whole.fingerprint


def plan(
    snapshot: Snapshot,
    parameters: MrpParameters,
    version: str,
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
    parameters, version, observe, cancelled, seed
        As of `mrp.run.plan`.
    baseline
        Earlier plan of the same company. It must know what it was made from: a plan of
        this process or one read from its folder does. Where its run is kept, changed
        demands, orders, stock and stock rules are netted on that; the run of this plan
        is kept then too.

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
    refusal = _refusal(snapshot, parameters, version, baseline)
    basis = baseline.basis
    if refusal is None and basis is not None:
        made = _net(snapshot, parameters, version, baseline, basis, observe, cancelled)
        if isinstance(made, Plan):
            return replace(made, run=replace(made.run, seed=seed))
        refusal = made
    again = (snapshot, parameters, version, observe, cancelled)
    if basis is not None and basis.kept is not None:
        whole = plan_and_keep(*again, seed=seed)
    else:
        whole = replace(regenerate(*again, seed=seed), basis=Basis.of(snapshot))
    told = finding("NET001", reason=refusal)
    return replace(whole, findings=(told, *whole.findings))


def _refusal(
    snapshot: Snapshot, parameters: MrpParameters, version: str, baseline: Plan
) -> str | None:
    """Why a baseline cannot be built upon; None: perhaps it can."""
    run = baseline.run
    troubles = (
        (run.mode != "mrp", f"it is a plan of mode {run.mode}"),
        (baseline.basis is None, "it does not know what it was made from"),
        (run.status is Status.CANCELLED, "it was cancelled"),
        (
            run.package_version != version,
            f"it was made by version {run.package_version}",
        ),
        (dict(run.settings) != parameters.as_dict(), "it has other settings"),
        (run.as_of != int(snapshot.as_of), "it was made at another moment"),
        (bool(run.effort.get("global_steps", 1.0)), _WAITING),
        (baseline.basis is not None and _is_worn(baseline.basis), _WORN),
    )
    told = next((reason for is_so, reason in troubles if is_so), None)
    return told or coupling(snapshot)


def _is_worn(basis: Basis) -> bool:
    return isinstance(basis.kept, Kept) and basis.kept.is_worn


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
    version: str,
    baseline: Plan,
    basis: Basis,
    observe: Observe | None,
    cancelled: Cancelled | None,
) -> Plan | str:
    """Plan the part that changed; a text says why that is not enough."""
    touched = basis.touched(snapshot)
    if touched.tables:
        return f"table {touched.tables[0]} differs, which touches every product"
    made = _on_kept(
        snapshot, parameters, version, baseline, touched, observe, cancelled
    )
    if made is not None:
        return made
    total = snapshot["products"].height
    part = region(snapshot, touched.products)
    run = PartialRun(snapshot, baseline, part, parameters, observe, cancelled)
    run.build()
    run.net()
    if run.release.has_late or run.model.irregular:
        run.release.dissolve()
        return _WAITING
    made = run.plan(version)
    stopped = run.stopped
    run.release.dissolve()
    if stopped:
        return replace(made, tables={}, basis=None)
    tables = spliced(snapshot, baseline, made, part, run.loads, run.resources)
    told = finding("NET002", count=len(part.products), total=total)
    effort = {**made.run.effort, "products": float(len(part.products))}
    return Plan(
        tables=tables,
        run=replace(made.run, effort=effort),
        findings=(told, *_findings(snapshot, baseline, run, touched.changed)),
        basis=Basis.of(snapshot),
    )


def _on_kept(
    snapshot: Snapshot,
    parameters: MrpParameters,
    version: str,
    baseline: Plan,
    touched: SnapshotDifference,
    observe: Observe | None,
    cancelled: Cancelled | None,
) -> Plan | None:
    """Plan on the run of the baseline, if it is kept and the change stays within it."""
    basis = baseline.basis
    if basis is None or basis.snapshot is None or not isinstance(basis.kept, Kept):
        return None
    if not touched.changed <= NETTED_ALONE:
        return None
    before, change = basis.kept, Change(basis.snapshot, touched)
    try:
        run = ChangedRun(before, snapshot, change, parameters, observe, cancelled)
        run.net_again(run.read())
        if run.stopped:
            return Plan(tables={}, run=run.record(version, {}), findings=())
        made = exchanged(before, run, baseline)
    except BeyondError:
        return None
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
        run=run.record(version, effort),
        findings=(told, *_findings(snapshot, baseline, run, touched.changed)),
        basis=replace(Basis.of(snapshot), kept=made.kept),
    )


def _findings(
    snapshot: Snapshot, baseline: Plan, run: MrpRun, changed: frozenset[str]
) -> tuple[Finding, ...]:
    """Findings of the whole; sources are asked again where they changed."""
    if changed <= _STATE:
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
    else:
        said = list(Providers(snapshot, infinite=True).findings)
    return (*run.findings, *said)
