"""Pictures of a plan: a data step that can be tested, then an Altair chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.views.theme import LIGHT, chart_settings, with_variables

if TYPE_CHECKING:
    import altair as alt

    from medhavi.results.plan import Plan
    from medhavi.results.urgency import WorstDemand

    Picture = alt.LayerChart | alt.FacetChart

_RESOURCES = 12
_BUCKETS = 26
_WIDTH = 760


def load_rows(plan: Plan, resources: int = _RESOURCES) -> pl.DataFrame:
    """Give the load of the most loaded resources per bucket.

    Returns
    -------
    pl.DataFrame
        resource, bucket, load (run and set-up over available; null where nothing is
        open), needed [h], available [h]; the first `_BUCKETS` buckets.
    """
    loads = plan.loads.with_columns(needed=pl.col("run") + pl.col("setup"))
    top = (
        loads.group_by("resource")
        .agg(pl.col("overload").sum(), pl.col("needed").sum())
        .sort("overload", "needed", "resource", descending=[True, True, False])
        .head(resources)["resource"]
    )
    buckets = loads["bucket"].unique().sort().head(_BUCKETS)
    return (
        loads.filter(
            pl.col("resource").is_in(top.implode()),
            pl.col("bucket").is_in(buckets.implode()),
        )
        .with_columns(
            load=pl.when(pl.col("available") > 0).then(
                pl.col("needed") / pl.col("available")
            )
        )
        .select("resource", "bucket", "load", "needed", "available")
        .sort("resource", "bucket")
    )


def position_rows(plan: Plan, product: str, location: str) -> pl.DataFrame:
    """Give projected stock and safety of an item per bucket."""
    return (
        plan.positions.filter(
            pl.col("product") == product, pl.col("location") == location
        )
        .select("bucket", "on_hand", "safety", "short")
        .sort("bucket")
    )


def load_chart(plan: Plan) -> Picture | None:
    """Draw where the bottleneck is: resource by bucket, the load as colour and text."""
    import altair as alt

    rows = load_rows(plan)
    if rows.is_empty():
        return None
    over = alt.datum.load > 1
    base = alt.Chart(rows.to_pandas()).encode(
        x=alt.X("yearmonthdate(bucket):O", title=None, axis=alt.Axis(format="%-d %b")),
        y=alt.Y("resource:N", title=None),
    )
    # The shade is opacity, not a second colour: it reads on light and on dark.
    shade = alt.Scale(domain=[0, 1], range=[0.08, 1], clamp=True)
    cells = base.mark_rect().encode(
        color=alt.condition(over, alt.value(LIGHT["bad"]), alt.value(LIGHT["plan"])),
        opacity=alt.Opacity("load:Q", scale=shade, legend=None),
    )
    marks = (
        base.transform_filter(over)
        .mark_text(fontSize=11, color="#ffffff", fontWeight="bold")
        .encode(text=alt.Text("load:Q", format=".0%"))
    )
    return alt.layer(cells, marks).properties(width=_WIDTH)


def past_chart(worst: tuple[WorstDemand, ...]) -> Picture | None:
    """Draw how long ago the chains of the worst demands should have begun."""
    import altair as alt

    if not worst:
        return None
    rows = pl.DataFrame(
        {
            "demand": [item.demand for item in worst],
            "days": [item.days_ago for item in worst],
        }
    )
    base = alt.Chart(rows.to_pandas()).encode(
        x=alt.X("days:Q", title="days before now"),
        y=alt.Y("demand:N", title=None, sort=None),
    )
    bars = base.mark_bar(color=LIGHT["bad"], height=16)
    texts = base.mark_text(align="left", dx=4, color=LIGHT["ink"]).encode(
        text=alt.Text("days:Q", format=".1f")
    )
    return alt.layer(bars, texts).properties(width=_WIDTH)


def stock_chart(plan: Plan, product: str, location: str) -> Picture | None:
    """Draw what happens to the stock of an item: a step line with its safety."""
    import altair as alt

    rows = position_rows(plan, product, location)
    if rows.is_empty():
        return None
    base = alt.Chart(rows.to_pandas()).encode(x=alt.X("bucket:T", title=None))
    stock = base.mark_line(
        interpolate="step-after", color=LIGHT["plan"], strokeWidth=2
    ).encode(y=alt.Y("on_hand:Q", title="stock at the end of the bucket"))
    safety = base.mark_line(
        interpolate="step-after", color=LIGHT["warn"], strokeDash=[4, 4]
    ).encode(y="safety:Q")
    return alt.layer(stock, safety).properties(width=_WIDTH, height=200)


def drawing(chart: Picture) -> str:
    """Give a chart as SVG that follows light and dark and needs no network."""
    import vl_convert

    specification = chart.to_dict()
    specification["config"] = chart_settings()
    return with_variables(vl_convert.vegalite_to_svg(specification))
