"""Checks of routings: steps, links, resources, skills."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.findings import finding
from medhavi.snapshot.checks.links import mark, numbered
from medhavi.snapshot.network import ordering
from medhavi.snapshot.reading.row_findings import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.findings import Finding
    from medhavi.snapshot.tables import TableAccess

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
    for path in ordering.cycles(nodes.height, parent, child):
        steps = [str(nodes["step"][node]) for node in path]
        found.append(
            finding(
                "SNAP034",
                table="step_links",
                value=ordering.path_text(steps),
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
