# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Cost-optimized plans and trade-offs

A plan of least cost, the prices behind it, and the trade-off with emissions.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: the best plan")

with app.setup:
    import marimo as mo

    import medhavi as mv


@app.cell(hide_code=True)
def welcome():
    mo.md("""
    [Start page and lessons](/)

    # Cost-optimized plans and trade-offs

    Mode `optimize` weighs everything in money: making, buying, moving,
    holding, overtime, a day of lateness, a unit never delivered. This
    lesson uses the lemonade maker in a summer of three times the orders,
    and two more suppliers of bottles: both are quick and dear, the dearer one is clean.
    """)
    return


@app.cell
def open_data():
    base = mv.Snapshot.example()
    kind, bottle = "row_added", {"product": "BOTTLE", "location": "PLANT"}
    rush = {"supplier": "RUSH", "lead_time_days": 3, "unit_price": 0.9, "co2_kg": 0.5}
    green = {**rush, "supplier": "GREEN", "unit_price": 1.2, "co2_kg": 0.1}
    summer = mv.changes(
        [
            {"kind": "demand_factor", "factor": 3},
            {"kind": kind, "table": "suppliers", "row": {"supplier": "RUSH"}},
            {"kind": kind, "table": "suppliers", "row": {"supplier": "GREEN"}},
            {"kind": kind, "table": "supply_terms", "row": {**bottle, **rush}},
            {"kind": kind, "table": "supply_terms", "row": {**bottle, **green}},
        ]
    )
    snapshot = mv.apply(base, summer)
    snapshot
    return (snapshot,)


@app.cell(hide_code=True)
def say_modes():
    mo.md("""
    ## 1. Three modes side by side

    `mrp` keeps every date on paper, `constrained` plans what can be done, `optimize`
    looks for the least cost: a linear program says which sources to use, a constrained
    plan follows it, and where that is not cheaper the plan without it is the answer.
    All three are checked by the same independent verifier.
    """)
    return


@app.cell
def modes(snapshot):
    plans = {
        mode: mv.plan(snapshot, mode=mode)
        for mode in ("mrp", "constrained", "optimize")
    }
    _cards = {mode: mv.scorecard(plan, snapshot) for mode, plan in plans.items()}
    _rows = [
        {
            "mode": mode,
            "status": str(plans[mode].run.status),
            "cost": round(card.total),
            "of it late": round(card.lateness),
            "mean stock": round(card.inventory),
        }
        for mode, card in _cards.items()
    ]
    mo.ui.table(_rows, selection=None)
    return (plans,)


@app.cell(hide_code=True)
def say_parts():
    mo.md("""
    ## 2. What the objective is made of

    `contributions` say what each part adds to the program (`value`) and what the plan
    comes to (`plan`): lots and capacity part them. `prices` say what one unit
    more of something scarce would be worth; the largest were verified by solving again.
    A shift is worth less than its hours times a price: rows of constraint `shift` say
    what `more` hours save, solved again.
    """)
    return


@app.cell
def parts(plans):
    best = plans["optimize"]
    _parts = best.contributions.filter(best.contributions["value"] != 0)
    _numbers = [one for one, kind in best.prices.schema.items() if kind.is_float()]
    mo.vstack(
        [
            mo.ui.table(
                _parts,
                selection=None,
                format_mapping={"value": "{:,.2f}", "plan": "{:,.2f}"},
                show_column_summaries=False,
                show_data_types=False,
            ),
            mo.ui.table(
                best.prices.head(8),
                selection=None,
                format_mapping=dict.fromkeys(_numbers, "{:,.2f}"),
                show_column_summaries=False,
                show_data_types=False,
            )
            if best.prices.height
            else mo.md("Nothing is scarce here, so nothing has a price."),
        ]
    )
    return (best,)


@app.cell(hide_code=True)
def say_front():
    mo.md("""
    ## 3. The trade-off

    `mv.pareto` makes plans that follow programs between the objectives, and keeps those
    that no other plan beats: points are plans, hollow diamonds the programs behind them.
    Service is always in: no program may deliver less than the best one can.
    """)
    return


@app.cell
def trade(snapshot):
    front = mv.pareto(snapshot, ["cost", "co2"], points=5)
    front.chart.points("cost", "co2")
    return (front,)


@app.cell
def apart(front):
    _points = front.points["point"].to_list()
    front.chart.difference(_points[0], _points[-1])
    return


@app.cell(hide_code=True)
def next_lesson():
    mo.md("""
    Next: `medhavi plan --mode optimize`, `medhavi pareto`, and the trade-off app, where
    a rectangle in the picture selects plans.
    """)
    return


if __name__ == "__main__":
    app.run()
