# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Predictors

Who keeps what was agreed: learn lead times, judge them honestly, use them.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: predictors")

with app.setup:
    import datetime as dt
    import math
    from random import Random

    import altair as alt
    import marimo as mo
    import polars as pl

    import medhavi as mv


@app.function
def example_history() -> pl.DataFrame:
    """Three suppliers who state ten days: right, slow, and slower every month."""
    chance, start = Random(9), dt.datetime(2025, 1, 6, tzinfo=dt.UTC)
    truth = {
        "right": lambda _day: 10.0,
        "slow": lambda _day: 14.0,
        "drifting": lambda day: 10.0 + max(0.0, day - 150) / 50,
    }
    rows = []
    for number in range(450):
        subject, day = chance.choice(sorted(truth)), number * 0.8
        lead = truth[subject](day) * math.exp(chance.gauss(0, 0.12))
        ordered = start + dt.timedelta(days=day)
        known = ordered + dt.timedelta(days=lead)
        rows.append(
            {
                "subject": subject,
                "product": "P",
                "qty": 10.0,
                "ordered_at": ordered,
                "known_at": known,
                "lead_days": round(lead, 2),
                "stated_days": 10.0,
                "on_time": lead <= 10,
            }
        )
    return pl.DataFrame(rows)


@app.cell(hide_code=True)
def welcome():
    mo.md("""
    [Start page and lessons](/)

    # Predictors

    A plan needs times, and master data are opinions. Here you look at what orders
    really took, let four ways of learning compete, and see when the simplest one wins.
    """)
    return


@app.cell(hide_code=True)
def say_look():
    mo.md("""
    ## 1. Look

    Table `gold.lead_time_observations` has one row an order, known from the moment at
    which its last receipt was recorded. Where there is no workspace, this lesson takes
    three invented suppliers.
    """)
    return


@app.cell
def open_history():
    try:
        history = mv.Workbench.current().history("supplier")
        source = "the workspace's lake"
    except mv.MedhaviError:
        history = pl.DataFrame()
    if history.height < 100:
        history, source = example_history(), "three invented suppliers"
    mo.md(f"**{history.height:,}** observed purchases from {source}.")
    return (history,)


@app.cell
def choose(history):
    counted = history["subject"].value_counts().sort("count", "subject")
    names = counted["subject"].to_list()[::-1]
    first = next((name for name in ("S-23", "drifting") if name in names), names[0])
    supplier = mo.ui.dropdown(names, value=first, label="supplier")
    supplier
    return (supplier,)


@app.cell
def see_months(history, supplier):
    months = (
        history.filter(pl.col("subject") == supplier.value)
        .group_by(month=pl.col("ordered_at").dt.truncate("1mo"))
        .agg(
            days=pl.col("lead_days").median(),
            stated=pl.col("stated_days").median(),
            orders=pl.len(),
        )
        .sort("month")
    )
    when = alt.X("month:T", title=None)
    days = alt.Y("days:Q", title="days")
    taken = alt.Chart(months).mark_line(point=True).encode(x=when, y=days)
    stated = alt.Chart(months).mark_line(strokeDash=[4, 4]).encode(x=when, y="stated:Q")
    picture = (taken + stated).properties(
        width="container",
        height=220,
        title=f"{supplier.value}: days taken (line) and stated (dashes), monthly median",
    )
    mo.ui.altair_chart(picture, chart_selection=False, legend_selection=False)
    return (months,)


@app.cell(hide_code=True)
def say_judge():
    mo.md("""
    ## 2. Judge

    A way is chosen on some orders and judged on **later** ones that chose nothing. The
    loss is pinball at p80 and p95: days lost an order by promising too late or too
    early. A way may be used only if it beats every plain quantile with 95 % confidence
    *and* its p80 and p95 cover their share as far as chance allows.
    """)
    return


@app.cell
def judge(history):
    made = mv.backtest(history)
    shown = made.to_frame().select(
        "method", "basis", "loss", "coverage_p80", "coverage_p95", "fits", "chosen"
    )
    written = {"loss": "{:.2f}"} | dict.fromkeys(shown.columns[3:5], "{:.1%}")
    verdict = "It may be used" if made.promotable else "The plain quantile stays"
    mo.vstack(
        [
            mo.ui.table(shown, selection=None, format_mapping=written),
            mo.md(f"**{verdict}**: {made.reason}. Judged on {made.tested} orders."),
        ]
    )
    return (made,)


@app.cell(hide_code=True)
def say_chance():
    mo.md("""
    ## 3. On time or late

    The chance to be there by the stated date is scored by Brier: 0 is always sure and
    right. The plain rate says the same of everybody.
    """)
    return


@app.cell
def judge_rates(history):
    rates = mv.backtest_rates(history)
    chances = {"brier": "{:.3f}", "stated": "{:.1%}", "observed": "{:.1%}"}
    table = mo.ui.table(rates.to_frame(), selection=None, format_mapping=chances)
    mo.vstack([table, mo.md(rates.reason)])
    return (rates,)


@app.cell(hide_code=True)
def what_next(made, rates):
    if mo.app_meta().mode == "script":
        print(made.reason, rates.reason, sep="\n")
    mo.md(
        """
        ## Next

        - `medhavi train --approver you` does this for suppliers and lanes, keeps every
          version in MLflow, and publishes estimates: plans and promises use them from
          then on, with model and version shown.
        - `rm -r models/` loses no answer: published estimates are events, and the next
          ones rest on the plain quantile.
        - docs/predictors.md shows the same tables on real data.
        """
    )
    return


if __name__ == "__main__":
    app.run()
