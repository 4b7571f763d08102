# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Your first plan

Open the data, look at it, plan it, and ask why: ten minutes.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: your first plan")

with app.setup:
    import marimo as mo

    import medhavi as mv


@app.cell(hide_code=True)
def welcome():
    mo.md("""
    [Start page and lessons](/)

    # Your first plan

    A plan answers four questions: what must be **made**, **bought** and
    **moved**, and **when**. Here you open data, look at it, plan it, and
    ask why one order is as it is.
    """)
    return


@app.cell(hide_code=True)
def say_open():
    mo.md("""
    ## 1. Open

    A `Snapshot` holds the planning tables of one moment. It comes from the lake of
    a workspace (`Workbench.current()`), or from a folder of CSV or Parquet files
    (`Snapshot.from_folder("my-tables")`). Where there is no workspace, this lesson
    takes a lemonade maker with a dozen rows.
    """)
    return


@app.cell
def open_data():
    try:
        snapshot = mv.Workbench.current().snapshot()
    except mv.MedhaviError:
        snapshot = mv.Snapshot.example()
    snapshot
    return (snapshot,)


@app.cell(hide_code=True)
def say_look():
    mo.md("""
    ## 2. Look

    `snapshot["demands"]` is a polars table with every column typed and every
    default filled. `snapshot.findings` names all that is odd at once, each with
    its place and its remedy; an error stops a plan, a warning does not.
    """)
    return


@app.cell
def look(snapshot):
    demands = snapshot["demands"].select("demand", "product", "location", "qty", "due")
    findings = "\n".join(map(str, snapshot.findings)) or "No findings."
    mo.vstack(
        [mo.ui.table(demands, selection=None, page_size=5), mo.plain_text(findings)]
    )
    return


@app.cell(hide_code=True)
def say_plan():
    mo.md("""
    ## 3. Plan

    Mode `mrp` nets every demand against stock and open orders, level by level, and
    keeps every date on paper: a demand whose chain should have started before now is
    *with a past-due release*, one that was due before now *past due when planned*. `mv.verify` checks
    a plan by code that shares nothing with the planner, and lists what is broken.
    """)
    return


@app.cell
def make_plan(snapshot):
    plan = mv.plan(snapshot, mode="mrp")
    broken = mv.verify(plan, snapshot)
    mo.vstack([plan, mo.md(f"Rules that it breaks: {len(broken)}.")])
    return (plan,)


@app.cell
def next_orders(plan):
    orders = plan.supplies.filter(plan.supplies["status"] == "planned").sort("start")
    columns = ["kind", "product", "location", "qty", "start", "finish", "source"]
    mo.ui.table(orders.select(columns), selection=None, page_size=5)
    return


@app.cell
def see_stock(plan, snapshot):
    plan.chart.stock(snapshot=snapshot)
    return


@app.cell(hide_code=True)
def say_why():
    mo.md("""
    ## 4. Ask why

    Every order is pegged to the demand that caused it. `plan.explain(demand)`
    climbs these pegs from the order that starts first up to the delivery; without a
    demand it takes the one whose first order should have begun longest ago.
    """)
    return


@app.cell
def ask_why(plan, snapshot):
    explanation = plan.explain()
    mo.vstack([plan.chart.chain(explanation.demand, snapshot), explanation])
    return (explanation,)


@app.cell(hide_code=True)
def what_next(explanation):
    if mo.app_meta().mode == "script":
        print(f"Why {explanation.demand}?", explanation, sep="\n")
    mo.md(
        """
        ## Next

        - Change a number and plan again: `snapshot.replace(stock=...)` gives a new
          snapshot, the old one stays as it is.
        - Take your own data: `medhavi template --csv my-tables`, fill it, then
          `medhavi plan --tables my-tables --out plan`.
        - Work with the plan: the app *Plan* shows all of it.
        """
    )
    return


if __name__ == "__main__":
    app.run()
