"""Map of the network: locations, what moves between them, where lateness is caused."""

from __future__ import annotations

import json
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
_SIZE = (900.0, 350.0)
"""Room of the points on a narrow window [px], by which names are kept apart."""
_CHARACTER = 6.5
_SIDES = ((False, False), (False, True), (True, False), (True, True))
"""Sides of a point that its name may stand on: left of it, below it."""


def network_rows(
    plan: Plan, snapshot: Snapshot, names: Names
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Locations with coordinates and flows between them.

    Returns
    -------
    tuple of pl.DataFrame
        Locations: location, longitude, latitude [degree], name, kind, share (of the
        money of lateness that is caused here), tip, named (whether its name is
        written), left and below (of its point). Flows: x, y, x2, y2 [degree], worth (of
        what the plan moves, at unit cost), tip.
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
    places_of = _placed(told)
    for row in told:
        row["named"] = row["location"] in places_of
        row["left"], row["below"] = places_of.get(row["location"], (False, False))
    flows = _flows(plan, snapshot, places, names)
    return pl.DataFrame(told, infer_schema_length=None), flows


def _placed(spots: list[dict[str, Any]]) -> dict[str, tuple[bool, bool]]:
    """Where the name of each location stands: left of its point, and below it.

    Own locations choose first. The name of a customer that would cover another one is
    left out: its point tells it.
    """
    edges = [[row[axis] for row in spots] for axis in ("longitude", "latitude")]
    ends = [(min(edge, default=0.0), max(edge, default=0.0)) for edge in edges]
    (west, east), (south, north) = ends
    wide, high = (east - west) or 1.0, (north - south) or 1.0
    points = {
        row["location"]: (
            (row["longitude"] - west) / wide * _SIZE[0],
            (north - row["latitude"]) / high * _SIZE[1],
        )
        for row in spots
    }
    # No name covers a point.
    taken = [(x - 6, x + 6, y - 6, 12.0) for x, y in points.values()]
    found = {}
    for row in sorted(spots, key=lambda row: row["kind"] == "customer"):
        x, y = points[row["location"]]
        length = len(row["name"]) * _CHARACTER
        for left, below in _SIDES:
            begin = x - 9 - length if left else x + 9
            box = (begin, begin + length, y + (4 if below else -15), 12.0)
            if not any(_covers(box, other) for other in taken):
                found[row["location"]] = left, below
                taken.append(box)
                break
        else:
            if row["kind"] != "customer":
                found[row["location"]] = False, True
    return found


def _covers(
    box: tuple[float, float, float, float], other: tuple[float, float, float, float]
) -> bool:
    """Whether two words (begin, end, top, height) cover each other."""
    return box[0] < other[1] and other[0] < box[1] and abs(box[2] - other[2]) < box[3]


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


def _ends_of(worth: pl.Series) -> list[float]:
    """Least and most of some amounts, which a legend shows."""
    ends = (worth.min(), worth.max())
    return sorted({float(one) for one in ends if isinstance(one, float)})


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
                "worth:Q",
                title=say("transfers_at_unit_cost", names.currency),
                scale=alt.Scale(range=[1, 8]),
                legend=alt.Legend(
                    orient="bottom",
                    values=_ends_of(flows["worth"]),
                    format=",.3s",
                    symbolSize=500,
                    titleLimit=0,
                    symbolType="stroke",
                    symbolStrokeColor=token("plan"),
                ),
            ),
            tooltip=alt.Tooltip("tip:N", title=say("transfers")),
            description=alt.Description("tip:N"),
        )
    )
    kinds = (say("causes_lateness_mark"), say("causes_none_mark"))
    caused = alt.Color(
        "caused:N",
        title=None,
        scale=alt.Scale(domain=list(kinds), range=[token("bad"), token("firm")]),
        legend=alt.Legend(
            orient="bottom", symbolType="circle", symbolOpacity=1, labelLimit=0
        ),
    )
    spots = spots.with_columns(
        caused=pl.when(pl.col("share") > 0)
        .then(pl.lit(kinds[0]))
        .otherwise(pl.lit(kinds[1]))
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
    written = base.encode(text=alt.Text("name:N")).transform_filter("datum.named")
    muted = alt.ColorValue(
        token("ink"),
        condition={"test": "datum.kind === 'customer'", "value": token("muted")},
    )
    words: list[Picture] = []
    for left, below in _SIDES:
        if spots.filter("named", left=left, below=below).is_empty():
            continue
        look: dict[str, Any] = {
            "align": "right" if left else "left",
            "dx": -9 if left else 9,
            "dy": 12 if below else -7,
            "fontSize": 12,
        }
        part = written.transform_filter(
            f"datum.left === {json.dumps(left)} && datum.below === {json.dumps(below)}"
        )
        words.append(edge_of_words(part, **look))
        words.append(part.mark_text(**look, aria=False).encode(color=muted))
    worst = spots.sort("share", "location", descending=[True, False]).row(0, named=True)
    title = (
        say("causes_share_of_lateness", worst["name"], percent(worst["share"]))
        if worst["share"]
        else say("no_location_or_lane_causes")
    )
    layers = ([lines] if flows.height else []) + [points, *words]
    return finished(alt.layer(*layers), title, height=HEIGHT)
