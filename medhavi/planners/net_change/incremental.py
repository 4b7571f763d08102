"""Mode constrained on a baseline: what a change does not reach stays where it is.

A change reaches all that is linked with its products: over bills of materials, over
resources, over suppliers that can deliver only so much. That part is placed anew by the
same planner; every other order, operation and delivery is that of the baseline.

A plan of parts may be later than one made from nothing, which chooses for all at once.
So it is taken only where its lateness costs at most a stated price more; else the plan
made from nothing is.

Links are bills of materials, substitutes, by-products, order lines delivered together,
shared resources and suppliers with a limit. They are followed both ways: what shares a
resource with a changed product may be placed elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from medhavi.findings import finding
from medhavi.planners.constrained.search import searched_run
from medhavi.planners.net_change.net_change import coupling
from medhavi.results.plans.lateness import FLAGS
from medhavi.results.plans.plan import Plan
from medhavi.results.run_record import Basis, Status
from medhavi.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from medhavi.planners.parameters import ConstrainedParameters
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot


def linked(snapshot: Snapshot, touched: Collection[str]) -> frozenset[str]:
    """All products that share material, resources or suppliers with some.

    Parameters
    ----------
    snapshot
        Tables after the change.
    touched
        Products that a changed row names.
    """
    links = pl.concat(list(_links(snapshot))).drop_nulls().unique()
    both = pl.concat([links, links.select(upper="lower", lower="upper")])
    seen = pl.DataFrame({"name": sorted(touched)}, schema={"name": pl.String})
    front = seen
    while front.height:
        reached = both.join(front, left_on="upper", right_on="name", how="semi")
        front = reached.select(name="lower").unique().join(seen, on="name", how="anti")
        seen = pl.concat([seen, front])
    return frozenset(seen["name"].to_list())


def _links(snapshot: Snapshot) -> Iterator[pl.DataFrame]:
    """Pairs of products, or of a product and a resource or supplier."""
    outputs = pl.concat(
        [
            snapshot[table].select("routing", "product")
            for table in ("routings", "routing_outputs")
        ]
    ).unique()
    lines = snapshot["bom_lines"]
    yield _pairs(lines.join(outputs, on="routing"), "product", "component")
    yield _together(outputs, ["routing"], "product")
    groups = lines.filter(pl.col("substitute_group").is_not_null())
    yield _together(groups, ["routing", "substitute_group"], "component")
    yield _pairs(snapshot["substitutes"], "product", "substitute")
    yield _pairs(snapshot["products"], "parent", "product")
    demands = snapshot["demands"]
    tied = demands.filter(
        pl.col("sales_order").is_not_null() & (pl.col("order_policy") != "independent")
    )
    yield _together(tied, ["sales_order"], "product")
    owners = demands.select("demand", pl.col("product").alias("owner"))
    for table, column in (
        ("pegs", "product"),
        ("supply_orders", "product"),
        ("reservations", "subject"),
    ):
        rows = snapshot[table].filter(pl.col("demand").is_not_null())
        yield _pairs(rows.join(owners, on="demand"), "owner", column)
    yield from _resources(snapshot)
    terms = snapshot["supply_terms"]
    if (
        snapshot["supplier_capacity"].height
        or terms["capacity_per_period"].is_not_null().any()
    ):
        yield _pairs(terms, "supplier", "product")


def _resources(snapshot: Snapshot) -> Iterator[pl.DataFrame]:
    """Pairs of a product and a resource that works, or is at work, for it."""
    routings = snapshot["routings"].select("routing", "product")
    work = snapshot["step_resources"].join(routings, on="routing")
    yield _pairs(work, "product", "resource")
    yield _pairs(snapshot["resources"], "pool", "resource")
    steps = snapshot["supply_order_steps"]
    orders = snapshot["supply_orders"]
    yield _pairs(steps.join(orders, on="supply_order"), "product", "resource")


def _pairs(rows: pl.DataFrame, upper: str, lower: str) -> pl.DataFrame:
    return rows.select(upper=pl.col(upper), lower=pl.col(lower))


def _together(rows: pl.DataFrame, group: list[str], member: str) -> pl.DataFrame:
    """Pairs of the first member of each group with every other."""
    return rows.select(
        upper=pl.col(member).min().over(group), lower=pl.col(member)
    ).filter(pl.col("upper") != pl.col("lower"))


_OF_PRODUCT = {
    "products": "product",
    "substitutes": "product",
    "demands": "product",
    "stock": "product",
    "supply_orders": "product",
    "pegs": "product",
    "inventory_policies": "product",
    "inventory_levels": "product",
    "storage_limits": "product",
    "supply_terms": "product",
    "price_tiers": "product",
    "sourcing": "product",
}
"""Column by which a table is cut."""
_FOR_ALL = ("estimates", "uom_conversions", "forecast_policies", "supplier_capacity")
"""Tables cut by product in which `*` stands for all products."""
_OF_ROUTING = ("routing_outputs", "bom_lines", "steps", "step_links", "step_resources")
_BY_DEMAND = ("deliveries", "fulfilment", "causes")


def part_of(snapshot: Snapshot, part: frozenset[str]) -> Snapshot:
    """Tables of some products: their state, sources and rules.

    Components that are not in the part are left out of its bills of materials: what
    they get does not depend on what is planned again.
    """
    wanted = pl.Series(sorted(part), dtype=pl.String)
    frames = {
        table: snapshot[table].filter(pl.col(column).is_in(wanted.implode()))
        for table, column in _OF_PRODUCT.items()
        if snapshot[table].height
    }
    for table in _FOR_ALL:
        if snapshot[table].height:
            named = pl.col("product").is_in(wanted.implode())
            frames[table] = snapshot[table].filter(named | (pl.col("product") == "*"))
    outputs = pl.concat(
        [
            snapshot[table].select("routing", "product")
            for table in ("routings", "routing_outputs")
        ]
    )
    kept = outputs.filter(pl.col("product").is_in(wanted.implode()))["routing"].unique()
    for table in ("routings", *_OF_ROUTING):
        if snapshot[table].height:
            rows = snapshot[table].filter(pl.col("routing").is_in(kept.implode()))
            if table == "bom_lines":
                rows = rows.filter(pl.col("component").is_in(wanted.implode()))
            frames[table] = rows
    orders = snapshot["supply_order_steps"]
    if orders.height:
        frames["supply_order_steps"] = orders.join(
            frames["supply_orders"], on="supply_order", how="semi"
        )
    holds = snapshot["reservations"]
    if holds.height:
        inside = pl.col("subject").is_in(wanted.implode())
        free = (pl.col("kind") == "transport") & pl.col("demand").is_null()
        frames["reservations"] = holds.filter(inside | free)
    return snapshot.replace(**frames)


def spliced(
    snapshot: Snapshot,
    baseline: Plan,
    made: Plan,
    part: frozenset[str],
    resources: pl.Series,
) -> Mapping[str, pl.DataFrame]:
    """Put the rows of a part in the place of those that the baseline has.

    Parameters
    ----------
    snapshot
        Tables after the change; tell whose demand is whose.
    baseline, made
        The plan before, and the plan of the part alone.
    part
        What was planned again.
    resources
        Resources that only the part uses.
    """
    ours = pl.col("product").is_in(pl.Series(sorted(part)).implode())
    tables: dict[str, pl.DataFrame] = {}
    for name in ("supplies", "pegging", "positions"):
        tables[name] = pl.concat(
            [baseline[name].filter(~ours), made[name].filter(ours)]
        )
    main = baseline.supplies.filter(ours).select("id")
    kept = baseline.operations.join(main, left_on="supply", right_on="id", how="anti")
    fresh = made.operations.join(
        made.supplies.filter(ours), left_on="supply", right_on="id", how="semi"
    )
    tables["operations"] = pl.concat([kept, fresh])
    demands = snapshot["demands"].filter(~ours).select("demand")
    for name in _BY_DEMAND:
        rest = baseline[name].join(demands, on="demand", how="semi")
        tables[name] = pl.concat([rest, made[name]])
    # Orders outside the part put its demands at risk: flags are told of the whole.
    tables["fulfilment"] = tables["fulfilment"].drop(FLAGS)
    used = resources.implode()
    tables["loads"] = pl.concat(
        [baseline["loads"].filter(~pl.col("resource").is_in(used)), made.loads]
    )
    tables["exceptions"] = _exceptions(baseline, made, demands, ours, resources)
    return tables


def _exceptions(
    baseline: Plan,
    made: Plan,
    demands: pl.DataFrame,
    ours: pl.Expr,
    resources: pl.Series,
) -> pl.DataFrame:
    """Exchange exceptions by product, else by demand, else by resource."""
    by_product = pl.col("product").is_not_null()
    by_demand = ~by_product & pl.col("demand").is_not_null()
    by_resource = ~by_product & ~by_demand
    rest = demands["demand"].implode()
    kept = baseline.exceptions.filter(
        (by_product & ~ours)
        | (by_demand & pl.col("demand").is_in(rest))
        | (by_resource & ~pl.col("location").is_in(resources.implode()))
    )
    fresh = made.exceptions.filter(~by_product | ours)
    return pl.concat([kept, fresh])


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
