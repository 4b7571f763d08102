"""Checks of the network and of routings: circles, unsupplied places, steps, links."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from medhavi.findings import finding
from medhavi.schema import PLANNED_STATUS
from medhavi.snapshot.checks.check_memory import Check
from medhavi.snapshot.checks.links import is_without_ids, mark, numbered
from medhavi.snapshot.checks.values import qty_steps
from medhavi.snapshot.network.network import MAKE, cycles, path_text, reached
from medhavi.snapshot.reading.row_findings import LISTED, more, told
from medhavi.units import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from medhavi.findings import Finding
    from medhavi.snapshot.network.network import Network, NetworkAccess
    from medhavi.snapshot.tables import TableAccess


_MOST_YEARS = 1000
_YEAR_MINUTES = 365.25 * 24 * 60


def network_checks() -> Iterator[Check]:
    """List checks of what only the whole network shows."""
    yield Check("cycles", _cycles)
    yield Check("circles", _circles)
    planned = "demand", "product", "location", "status"
    yield Check("unsupplied", _unsupplied, {"demands": planned})
    counted = "product", "location", "status", "qty"
    yield Check("overflow", _overflow, {"demands": counted})
    yield Check("endless", _endless, {"demands": counted})


def _cycles(snapshot: NetworkAccess) -> list[Finding]:
    """Products that are needed to make themselves, each as a path."""
    network = snapshot.network
    found = [
        finding("SNAP043", table="bom_lines", value=_path(network, path))
        for path in network.cycles[:LISTED]
    ]
    return found + more("SNAP043", "bom_lines", None, len(network.cycles) - LISTED)


def _path(network: Network, path: tuple[int, ...]) -> str:
    """Write a path; the place only where it changes on the way."""
    ids = [network.ids(node) for node in path]
    if len({place for _, place in ids}) == 1:
        return path_text([product for product, _ in ids])
    return path_text([f"{product} @ {place}" for product, place in ids])


def _circles(snapshot: NetworkAccess) -> list[Finding]:
    """Circles of moves that were cut open; equal ones of many products told once."""
    network = snapshot.network
    groups: dict[tuple[str, ...], list[str]] = {}
    for path in network.circles:
        ids = [network.ids(node) for node in path]
        groups.setdefault(tuple(place for _, place in ids), []).append(ids[0][0])
    cut: dict[str, list[str]] = {}
    for product, place, origin in sorted(network.ignored_moves):
        cut.setdefault(product, []).append(f"{origin} → {place}")
    found = []
    for places, products in groups.items():
        others = len(products) - 1
        many = f" and {others} other products" if others else ""
        found.append(
            finding(
                "SNAP044",
                table="lanes",
                value=path_text(list(reversed(places))),
                product=products[0] + many,
                ignored=", ".join(cut.get(products[0], ())),
            )
        )
    return found


def needed(snapshot: TableAccess, network: Network) -> NDArray[np.bool_]:
    """Mark the nodes that a demand or a stock level calls for, and all below them."""
    policies = snapshot["inventory_policies"].filter(
        pl.any_horizontal(
            pl.col("safety_qty", "safety_days", "min_qty", "reorder_point") > 0
        )
    )
    calls = [
        _open(snapshot).select("product", "location"),
        policies.select("product", "location"),
        snapshot["inventory_levels"].select("product", "location"),
    ]
    called = (network.node(*one) for one in pl.concat(calls).unique().iter_rows())
    first = (node for node in called if node is not None)
    marks = np.zeros(len(network), np.bool_)
    marks[reached(first, network.component_start, network.component)] = True
    return marks


def _open(snapshot: TableAccess) -> pl.DataFrame:
    """Demands that are planned, with their input rows."""
    return numbered(snapshot, "demands").filter(pl.col("status").is_in(PLANNED_STATUS))


def _places(network: Network, nodes: NDArray[np.int64]) -> pl.DataFrame:
    pairs = [network.ids(int(node)) for node in nodes]
    return pl.DataFrame(
        pairs, schema={"product": pl.String, "location": pl.String}, orient="row"
    )


def _unsupplied(snapshot: NetworkAccess) -> list[Finding]:
    """Demands and components at places that nothing reaches."""
    network = snapshot.network
    dry = _places(network, np.flatnonzero(~network.supplied))
    # What has no row has a finding of its own.
    for table, key in (("products", "product"), ("locations", "location")):
        dry = dry.join(snapshot[table], on=key, how="semi")
    if not dry.height:
        return []
    return [*_dry_demands(snapshot, dry), *_dry_components(snapshot, dry)]


def _dry_demands(snapshot: TableAccess, dry: pl.DataFrame) -> list[Finding]:
    swaps = snapshot["substitutes"].select("product").unique()
    demands = (
        _open(snapshot)
        .join(dry, on=["product", "location"], how="semi")
        .join(swaps, on="product", how="anti")
        .sort("row")
        .group_by("product", "location", maintain_order=True)
        .agg(pl.col("row").first(), pl.col("demand").first(), pl.len().alias("count"))
    )

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {
            "value": row["demand"],
            "product": row["product"],
            "location": row["location"],
            "count": row["count"],
        }

    return told(
        "SNAP045", "demands", "product", *mark(snapshot, "demands", demands), tell
    )


def _dry_components(snapshot: TableAccess, dry: pl.DataFrame) -> list[Finding]:
    routings = snapshot["routings"].select("routing", place="location")
    lines = (
        numbered(snapshot, "bom_lines")
        .join(routings, on="routing")
        .with_columns(location=pl.coalesce("location", "place"))
        .join(
            dry.rename({"product": "component"}),
            on=["component", "location"],
            how="semi",
        )
    )

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {"location": row["location"], "routing": row["routing"]}

    return told(
        "SNAP046", "bom_lines", "component", *mark(snapshot, "bom_lines", lines), tell
    )


def _overflow(snapshot: NetworkAccess) -> list[Finding]:
    """Dependent needs beyond what int64 steps can count, first place of each path.

    The bound takes the largest ratio over all routings of a node, so it may warn where
    a plan would use a smaller one; at 4e18 steps that is no loss.
    """
    network = snapshot.network
    asked = float(_open(snapshot)["qty"].clip(lower_bound=0.0).sum())
    smallest = min(1.0, float(qty_steps(snapshot)["step"].min() or 1.0))  # type: ignore[arg-type]
    if smallest > 0 and asked * network.most_of_one / smallest < INT64_MAX / 4:
        return []
    need = _demanded(snapshot, network)
    steps = dict(qty_steps(snapshot).iter_rows())
    size = [float(steps.get(product) or 1.0) for product in network.products]
    size_of = [size[code] for code in network.node_product.tolist()]
    start, target = network.component_start.tolist(), network.component.tolist()
    ratio = network.component_ratio.tolist()
    kind = network.component_kind.tolist()
    large = []
    for node in network.order.tolist():
        amount = need[node]
        if not amount or network.level[node] < 0:
            continue
        if amount / size_of[node] >= INT64_MAX / 2:
            large.append(node)
            continue
        made = moved = amount
        for edge in range(start[node], start[node + 1]):
            share = made * ratio[edge] if kind[edge] == MAKE else moved
            need[target[edge]] += share
    return [_too_large(network, node, need[node], size_of[node]) for node in large]


def _demanded(snapshot: TableAccess, network: Network) -> list[float]:
    totals = _open(snapshot).group_by("product", "location").agg(pl.col("qty").sum())
    nodes = pl.DataFrame(
        {
            "product": pl.Series(network.products, dtype=pl.String).gather(
                network.node_product
            ),
            "location": pl.Series(network.locations, dtype=pl.String).gather(
                network.node_location
            ),
        }
    )
    found = nodes.join(
        totals, on=["product", "location"], how="left", maintain_order="left"
    )
    qty: list[float] = found["qty"].fill_null(0.0).clip(lower_bound=0.0).to_list()
    return qty


def _too_large(network: Network, node: int, amount: float, step: float) -> Finding:
    product, location = network.ids(node)
    return finding(
        "SNAP029",
        table="bom_lines",
        column="qty_per",
        value=f"{amount:.3g}",
        product=product,
        place=f" needed at {location}",
        step=f"{step:g}",
    )


def _endless(snapshot: TableAccess) -> list[Finding]:
    """Demands whose order would run for longer than dates can say, in one piece."""
    largest = snapshot["demands"]["qty"].max()
    longest = snapshot["steps"]["run_minutes_per_unit"].max()
    if not largest or not longest:
        return []
    if float(str(largest)) * float(str(longest)) < _MOST_YEARS * _YEAR_MINUTES:
        return []
    slowest = pl.col("run_minutes_per_unit").max()
    steps = snapshot["steps"].group_by("routing").agg(minutes=slowest)
    made = snapshot["routings"].select("routing", "product", "max_lot")
    pieces = pl.min_horizontal("qty", "max_lot")
    asked = (
        numbered(snapshot, "demands")
        .filter(pl.col("status").is_in(PLANNED_STATUS))
        .join(made.join(steps, on="routing"), on="product")
        .with_columns(years=pieces * pl.col("minutes") / _YEAR_MINUTES)
        .sort("years", "routing")
        .unique("row", keep="first", maintain_order=True)
        .filter(pl.col("years") > _MOST_YEARS)
        .sort("row")
    )

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        years = f"{row['years']:.3g}"
        return {
            "product": row["product"],
            "routing": row["routing"],
            "years": years,
            "most": _MOST_YEARS,
        }

    return told("SNAP053", "demands", "qty", *mark(snapshot, "demands", asked), tell)


_STEP_COLUMNS = (
    ("bom_lines", "step"),
    ("routing_outputs", "step"),
    ("step_links", "step"),
    ("step_links", "after"),
    ("step_resources", "step"),
    ("step_resources", "until_step"),
)


def making_checks(snapshot: TableAccess) -> list[Finding]:
    """Check routings and what belongs to them."""
    if not snapshot["routings"].height:
        return []
    return [
        *_without_steps(snapshot),
        *_missing_steps(snapshot),
        *_order_steps(snapshot),
        *_link_circles(snapshot),
        *_resource_places(snapshot),
        *_skills(snapshot),
    ]


def _without_steps(snapshot: TableAccess) -> list[Finding]:
    having = snapshot["steps"].get_column("routing")
    bare = ~pl.col("routing").is_in(having.implode())
    return told("SNAP032", "routings", "routing", *mark(snapshot, "routings", bare))


def _missing_steps(snapshot: TableAccess) -> list[Finding]:
    """Step numbers that no step of the routing has."""
    found: list[Finding] = []
    if is_without_ids(snapshot, "steps", "step"):
        return found
    steps = snapshot["steps"].select("routing", "step")
    routings = snapshot["routings"].select("routing")
    for name, column in _STEP_COLUMNS:
        if snapshot[name][column].null_count() == snapshot[name].height:
            continue
        lost = (
            numbered(snapshot, name)
            .filter(pl.col(column).is_not_null())
            .join(routings, on="routing", how="semi")
            .join(
                steps,
                left_on=["routing", column],
                right_on=["routing", "step"],
                how="anti",
            )
        )
        found += told("SNAP033", name, column, *mark(snapshot, name, lost), _routing)
    return found


def _routing(row: Mapping[str, object]) -> dict[str, object]:
    return {"routing": row["routing"]}


def _order_steps(snapshot: TableAccess) -> list[Finding]:
    """Name work in progress at steps that the order's routing does not have."""
    if not snapshot["supply_order_steps"].height:
        return []
    orders = snapshot["supply_orders"].select("supply_order", routing="source")
    routed = orders.join(snapshot["routings"].select("routing"), on="routing")
    lost = (
        numbered(snapshot, "supply_order_steps")
        .join(routed, on="supply_order")
        .join(snapshot["steps"], on=["routing", "step"], how="anti")
    )
    return told(
        "SNAP033",
        "supply_order_steps",
        "step",
        *mark(snapshot, "supply_order_steps", lost),
        _routing,
    )


def _link_circles(snapshot: TableAccess) -> list[Finding]:
    """Name steps of a routing that wait for each other."""
    links = snapshot["step_links"].filter(pl.col("step") != pl.col("after"))
    if not links.height:
        return []
    ends = [links.select("routing", step=name) for name in ("after", "step")]
    nodes = pl.concat(ends).unique().sort("routing", "step").with_row_index("node")
    coded = links.join(nodes.rename({"node": "child"}), on=["routing", "step"]).join(
        nodes.rename({"node": "parent", "step": "after"}), on=["routing", "after"]
    )
    parent = coded["parent"].cast(pl.Int64).to_numpy()
    child = coded["child"].cast(pl.Int64).to_numpy()
    found = []
    for path in cycles(nodes.height, parent, child):
        steps = [str(nodes["step"][node]) for node in path]
        found.append(
            finding(
                "SNAP034",
                table="step_links",
                value=path_text(steps),
                routing=nodes["routing"][path[0]],
            )
        )
    return found


def candidates(snapshot: TableAccess) -> pl.DataFrame:
    """Pair each need of a step with each resource that may serve it.

    Columns of step_resources, `row`, `need` (resource or pool as named) and `resource`
    (one member), `resource_location`.
    """
    needs = numbered(snapshot, "step_resources").with_columns(need="resource")
    resources = snapshot["resources"].select(
        "resource", "pool", resource_location="location"
    )
    direct = needs.join(resources.drop("pool"), on="resource")
    pooled = needs.drop("resource").join(
        resources, left_on="need", right_on="pool", how="inner"
    )
    pooled = pooled.join(direct.select("row"), on="row", how="anti")
    return pl.concat([direct, pooled.select(direct.columns)])


def _resource_places(snapshot: TableAccess) -> list[Finding]:
    """Needs of which no candidate stands where the routing runs."""
    places = snapshot["routings"].select("routing", place="location")
    pairs = candidates(snapshot).join(places, on="routing")
    here = pairs.filter(pl.col("resource_location") == pl.col("place")).select("row")
    away = (
        pairs.join(here, on="row", how="anti")
        .with_columns(resource="need")
        .unique("row", keep="first", maintain_order=True)
    )

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {"location": row["place"], "routing": row["routing"]}

    return told(
        "SNAP035",
        "step_resources",
        "resource",
        *mark(snapshot, "step_resources", away),
        tell,
    )


def _skills(snapshot: TableAccess) -> list[Finding]:
    """Name needs whose skill no candidate has."""
    if (
        snapshot["step_resources"]["skill"].null_count()
        == snapshot["step_resources"].height
    ):
        return []
    asked = candidates(snapshot).filter(pl.col("skill").is_not_null())
    skilled = asked.join(
        snapshot["resource_skills"], on=["resource", "skill"], how="semi"
    )
    lost = asked.join(skilled, on="row", how="anti").unique(
        "row", keep="first", maintain_order=True
    )

    def tell(row: Mapping[str, object]) -> dict[str, object]:
        return {
            "resource": row["need"],
            "step": row["step"],
            "routing": row["routing"],
        }

    return told(
        "SNAP036",
        "step_resources",
        "skill",
        *mark(snapshot, "step_resources", lost),
        tell,
    )
