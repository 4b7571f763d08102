"""What campaigns save: hours of set-up by resource, without and with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.views.charts import finished, rows_of
from medhavi.views.format import duration
from medhavi.views.theme import ROW, token

if TYPE_CHECKING:
    from medhavi.views.charts import Picture

MOST_RESOURCES = 20
WITHOUT, WITH = "without campaigns", "with campaigns"


def setup_chart(rows: pl.DataFrame) -> Picture | None:
    """Draw two bars a resource; None where nothing is changed over.

    Parameters
    ----------
    rows
        resource, plan (`WITHOUT` or `WITH`), hours, changes.
    """
    import altair as alt

    total = rows.group_by("resource").agg(pl.col("hours").sum())
    order = (
        total.filter(pl.col("hours") > 0)
        .sort("hours", "resource", descending=[True, False])
        .head(MOST_RESOURCES)["resource"]
        .to_list()
    )
    if not order:
        return None
    drawn = rows.filter(pl.col("resource").is_in(order)).with_columns(
        tip=pl.struct("resource", "plan", "hours", "changes").map_elements(
            _tip, return_dtype=pl.String
        )
    )
    chart = (
        alt.Chart(rows_of(drawn))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("hours:Q", title="hours of changeovers"),
            y=alt.Y("resource:N", title=None, sort=order, axis=alt.Axis(domain=False)),
            yOffset=alt.YOffset("plan:N", sort=[WITHOUT, WITH]),
            color=alt.Color(
                "plan:N",
                title=None,
                sort=[WITHOUT, WITH],
                scale=alt.Scale(
                    domain=[WITHOUT, WITH], range=[token("alt"), token("plan")]
                ),
            ),
            tooltip="tip:N",
            description="tip:N",
        )
    )
    return finished(chart, _title(rows), 2 * ROW * len(order))


def _tip(row: dict[str, object]) -> str:
    hours = float(str(row["hours"]))
    return (
        f"{row['resource']} {row['plan']}: {row['changes']} changes, {duration(hours)}"
    )


def _title(rows: pl.DataFrame) -> str:
    hours = dict.fromkeys((WITHOUT, WITH), 0.0)
    hours.update(rows.group_by("plan").agg(pl.col("hours").sum()).iter_rows())
    saved = hours[WITHOUT] - hours[WITH]
    word = "less" if saved >= 0 else "more"
    return (
        f"{duration(abs(saved))} {word} set-up with campaigns: "
        f"{duration(hours[WITH])} instead of {duration(hours[WITHOUT])}"
    )
