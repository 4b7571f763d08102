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
    from collections import Counter, defaultdict
    from random import Random
    from statistics import median

    import marimo as mo

    import medhavi as mv


@app.function
def example_history() -> list[dict[str, object]]:
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
    return rows


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
        history = mv.Workbench.current().history("supplier").to_dicts()
        source = "the workspace's lake"
    except mv.MedhaviError:
        history = []
    if len(history) < 100:
        history, source = example_history(), "three invented suppliers"
    mo.md(f"**{len(history):,}** observed purchases from {source}.")
    return (history,)


@app.cell
def choose(history):
    counted = Counter(row["subject"] for row in history)
    names = sorted(counted, key=lambda name: (-counted[name], name))
    first = next((name for name in ("S-23", "drifting") if name in names), names[0])
    supplier = mo.ui.dropdown(names, value=first, label="supplier")
    supplier
    return (supplier,)


@app.cell
def see_months(history, supplier):
    taken, stated = defaultdict(list), defaultdict(list)
    for row in history:
        if row["subject"] == supplier.value:
            taken[f"{row['ordered_at']:%Y-%m}"].append(row["lead_days"])
            stated[f"{row['ordered_at']:%Y-%m}"].append(row["stated_days"])
    months = [
        {
            "month": month,
            "orders": len(taken[month]),
            "days taken (median)": round(median(taken[month]), 1),
            "days stated": median(stated[month]),
        }
        for month in sorted(taken)
    ]
    mo.ui.table(
        months, selection=None, page_size=24, label=f"{supplier.value}, month by month"
    )
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
