"""What is late or should have begun, and why: bars by cause, the worst first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.plans.lateness import Verdict, tally
from medhavi.units import DAY, to_seconds
from medhavi.views.charts import finished, rows_of
from medhavi.views.format import count, duration
from medhavi.views.names import Names
from medhavi.views.theme import ROW, token

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan
    from medhavi.views.charts import Picture

MOST_DEMANDS = 12
_CAUSES = {
    "buying": "bad",
    "making": "warn",
    "moving": "plan",
    "other": "muted",
}
_KINDS = {"buy": "buying", "make": "making", "move": "moving"}


def overdue_rows(plan: Plan, names: Names, most: int = MOST_DEMANDS) -> pl.DataFrame:
    """Demands whose supply should have begun before now, worst first.

    Returns
    -------
    pl.DataFrame
        demand, label, days (before now), cause ("buying", "making", "moving": what
        should have begun), tip.
    """
    if plan.run.as_of is None:
        return pl.DataFrame()
    past = plan.exceptions.filter(pl.col("code") == ExceptionCode.PAST_DUE_START)
    starts = (
        plan.supplies.join(
            past.select("supply").unique(), left_on="id", right_on="supply", how="semi"
        )
        .select("id", "kind", "start", "source", thing="product")
        .sort("start", "id")
    )
    rows = (
        plan.pegging.select("demand", "supply")
        .join(starts, left_on="supply", right_on="id")
        .sort("start", "demand", "supply")
        .unique("demand", keep="first", maintain_order=True)
        .head(most)
    )
    if rows.is_empty():
        return pl.DataFrame()
    return pl.DataFrame(
        [_row(row, plan.run.as_of, names) for row in rows.iter_rows(named=True)]
    )


def _row(row: dict[str, object], as_of: int, names: Names) -> dict[str, object]:
    cause = _KINDS.get(str(row["kind"]), "other")
    days = (as_of - to_seconds(row["start"])) / DAY  # type: ignore[arg-type]
    what = names.name(str(row["thing"]))
    source = names.name(str(row["source"])) if row["source"] else "its source"
    return {
        "demand": row["demand"],
        "label": names.name(str(row["demand"])),
        "days": days,
        "cause": cause,
        "word": f"▲ {duration(days * 24)}: {cause} {what}",
        "tip": f"{names.name(str(row['demand']))}: {cause} {what} ({source}) should have begun "
        f"{duration(days * 24)} before now",
    }


def overdue_chart(plan: Plan, names: Names | None = None) -> Picture | None:
    """Draw the bars; None where every chain can still begin in time."""
    import altair as alt

    rows = overdue_rows(plan, names or Names())
    if rows.is_empty():
        return None
    most = max(rows["days"].to_list())
    base = alt.Chart(rows_of(rows)).encode(
        # Room on the right for the words of the longest bar.
        x=alt.X(
            "days:Q",
            title="days before now",
            scale=alt.Scale(domain=[0, most * 1.7], nice=False),
            axis=alt.Axis(tickCount=6),
        ),
        y=alt.Y("label:N", title=None, sort=None, axis=alt.Axis(domain=False)),
    )
    colours = alt.Scale(
        domain=list(_CAUSES)[:3], range=[token(c) for c in list(_CAUSES.values())[:3]]
    )
    bars = base.mark_bar(height=ROW - 10, cornerRadius=2).encode(
        color=alt.Color("cause:N", scale=colours, title=None, legend=None),
        tooltip="tip:N",
        description="tip:N",
    )
    words = base.mark_text(
        align="left",
        dx=6,
        color=token("ink"),
        aria=False,
        limit=alt.ExprRef("width * 0.4"),
    ).encode(text="word:N")
    return finished(alt.layer(bars, words), overdue_title(plan), ROW * rows.height)


def overdue_title(plan: Plan) -> str:
    """Count the demands with a missed start, by verdict (rule 45)."""
    counts = tally(plan).by_verdict
    risk, past = counts[Verdict.AT_RISK], counts[Verdict.PAST_DUE]
    overdue = f", {past:,} past due when planned" if past else ""
    return f"{count(risk, 'demand')} at risk{overdue}: the earliest missed starts"
