"""Map of the network: locations, what moves between them, where lateness is caused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.plans.lateness import late_cost
from medhavi.views.names import money, percent
from medhavi.views.theme import edge_of_words, finished, rows_of, token
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture

HEIGHT = 420
CLOSE = 0.03
"""Words of places nearer than this share of the map stand above and below them."""


def network_rows(
    plan: Plan, snapshot: Snapshot, names: Names
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Locations with coordinates and flows between them.

    Returns
    -------
    tuple of pl.DataFrame
        Locations: location, longitude, latitude [degree], name, kind, share (of the
        money of lateness that is caused here), tip, below (whether its name stands
        below it). Flows: x, y, x2, y2 [degree], worth (of what the plan moves, at unit
        cost), tip.
    """
    places = (
        snapshot["locations"]
        .filter(
            pl.col("latitude").is_not_null() & pl.col("longitude").is_not_null(),
        )
        .select("location", "kind", "longitude", "latitude")
    )
    blame = _lateness(plan, snapshot)
    total = late_cost(plan)
    spots = places.join(blame, on="location", how="left").with_columns(
        share=pl.col("money").fill_null(0.0) / (total or 1.0)
    )
    told = [
        {
            **row,
            "name": names.name(row["location"]),
            "tip": say(
                "causes_cost_of_lateness",
                names.name(row["location"]),
                money(row["money"] or 0.0, names.currency),
            )
            + (f" ({percent(row['share'])})" if row["share"] else ""),
        }
        for row in spots.sort("location").iter_rows(named=True)
    ]
    below = _below(told)
    for row in told:
        row["below"] = row["location"] in below
    flows = _flows(plan, snapshot, places, names)
    return pl.DataFrame(told, infer_schema_length=None), flows


def _below(spots: list[dict[str, Any]]) -> set[str]:
    """Locations just south of another one: their names would cover each other."""
    named = [row for row in spots if row["kind"] != "customer"]
    edges = [[row[axis] for row in spots] for axis in ("longitude", "latitude")]
    room = [CLOSE * (max(edge) - min(edge)) for edge in edges if edge]

    def near(row: dict[str, Any], other: dict[str, Any]) -> bool:
        east = abs(row["longitude"] - other["longitude"])
        north = other["latitude"] - row["latitude"]
        return bool(east <= 4 * room[0] and 0 <= north <= room[1])

    return {
        row["location"]
        for row in named
        if any(other is not row and near(row, other) for other in named)
    }


def _lateness(plan: Plan, snapshot: Snapshot) -> pl.DataFrame:
    """Money of lateness by the location of the resource or lane that binds."""
    binds = pl.concat(
        [
            snapshot["resources"].select(subject="resource", location="location"),
            snapshot["lanes"].select(subject="lane", location="origin"),
        ]
    )
    return (
        plan.causes.join(
            binds.unique("subject", keep="first"), on="subject", maintain_order="left"
        )
        .group_by("location")
        .agg(pl.col("money").fill_null(0.0).sum())
    )


def _flows(
    plan: Plan, snapshot: Snapshot, places: pl.DataFrame, names: Names
) -> pl.DataFrame:
    costs = snapshot["products"].select("product", "unit_cost")
    ends = snapshot["lanes"].select("lane", "origin", "destination").unique("lane")
    moved = (
        plan.supplies.filter(pl.col("kind") == "move")
        .join(costs, on="product", how="left", maintain_order="left")
        .join(ends, on="lane", maintain_order="left")
        .group_by("origin", "destination")
        .agg(
            worth=(pl.col("qty") * pl.col("unit_cost").fill_null(0.0)).sum(),
            orders=pl.len(),
        )
        .join(
            places.select(origin="location", x="longitude", y="latitude"), on="origin"
        )
        .join(
            places.select(destination="location", x2="longitude", y2="latitude"),
            on="destination",
        )
        .sort("origin", "destination")
    )
    tips = [
        f"{names.name(row['origin'])} to {names.name(row['destination'])}: "
        f"{row['orders']:,} transfers, {money(row['worth'], names.currency)}"
        for row in moved.iter_rows(named=True)
    ]
    return moved.with_columns(tip=pl.Series(tips, dtype=pl.String))


def network_chart(plan: Plan, snapshot: Snapshot, names: Names) -> Picture | None:
    """Draw the map; None where fewer than two locations have coordinates."""
    import altair as alt

    spots, flows = network_rows(plan, snapshot, names)
    if spots.height < 2:
        return None
    x = alt.X("longitude:Q", axis=None, scale=alt.Scale(zero=False, padding=30))
    y = alt.Y("latitude:Q", axis=None, scale=alt.Scale(zero=False, padding=20))
    lines = (
        alt.Chart(rows_of(flows))
        .mark_rule(color=token("plan"), opacity=0.5)
        .encode(
            x=alt.X("x:Q", axis=None),
            y=alt.Y("y:Q", axis=None),
            x2=alt.X2("x2:Q"),
            y2=alt.Y2("y2:Q"),
            strokeWidth=alt.StrokeWidth(
                "worth:Q", scale=alt.Scale(range=[1, 8]), legend=None
            ),
            tooltip=alt.Tooltip("tip:N", title=say("transfers")),
            description=alt.Description("tip:N"),
        )
    )
    caused = alt.ColorValue(
        token("firm"), condition={"test": "datum.share > 0", "value": token("bad")}
    )
    base = alt.Chart(rows_of(spots)).encode(x=x, y=y)
    points = base.mark_circle(opacity=1).encode(
        size=alt.Size(
            "share:Q",
            title=say("share_of_lateness_caused"),
            scale=alt.Scale(domain=[0, 1], range=[50, 900]),
            legend=None,
        ),
        color=caused,
        tooltip=alt.Tooltip("tip:N", title=say("location")),
        description=alt.Description("tip:N"),
    )
    own = base.encode(text=alt.Text("name:N")).transform_filter(
        "datum.kind != 'customer'"
    )
    words: list[Picture] = []
    for below, dy in (("!datum.below", -7), ("datum.below", 12)):
        look: dict[str, Any] = {"align": "left", "dx": 9, "dy": dy, "fontSize": 12}
        part = own.transform_filter(below)
        words.append(edge_of_words(part, **look))
        words.append(part.mark_text(**look, color=token("ink"), aria=False))
    worst = spots.sort("share", "location", descending=[True, False]).row(0, named=True)
    title = (
        say("causes_share_of_lateness", worst["name"], percent(worst["share"]))
        if worst["share"]
        else say("no_location_or_lane_causes")
    )
    layers = ([lines] if flows.height else []) + [points, *words]
    return finished(alt.layer(*layers), title, height=HEIGHT)
