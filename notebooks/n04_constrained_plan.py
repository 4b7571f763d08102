# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""A plan that can be carried out

Dates on paper against dates that hold, why an order is late, and what was tried.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: a plan that can be carried out")

with app.setup:
    import marimo as mo

    import medhavi as mv


@app.cell(hide_code=True)
def welcome():
    mo.md("""
    [Start page and lessons](/)

    # A plan that can be carried out

    Net requirements say what it takes to keep every date. Whether there is
    time, and a machine that is free, is another question: mode
    **constrained** answers it. What it cannot keep it explains, and what
    might help it tries.
    """)
    return


@app.cell(hide_code=True)
def say_two():
    mo.md("""
    ## 1. Plan twice

    Mode `mrp` keeps every due date and lets orders begin in the past. Mode
    `constrained` begins nothing before now, puts no two orders on one machine at
    once, obeys fences and what suppliers and vehicles can carry; then some dates
    move. The example keeps all of its dates, so half as much again is wanted here.
    """)
    return


@app.cell
def two_plans():
    more = mv.changes([{"kind": "demand_factor", "factor": 1.5}])
    snapshot = mv.apply(mv.Snapshot.example(), more)
    wish = mv.plan(snapshot, mode="mrp")
    plan = mv.plan(snapshot, mode="constrained")
    plan
    return plan, snapshot, wish


@app.cell(hide_code=True)
def say_differ():
    mo.md("""
    ## 2. Differences

    `mv.compare` matches orders by identity, so a moved order is *changed*, not gone
    and new.
    """)
    return


@app.cell
def differ(plan, wish):
    delta = mv.compare(wish, plan)
    delta
    return (delta,)


@app.cell(hide_code=True)
def say_why():
    mo.md("""
    ## 3. Causes of lateness

    `plan.causes` walks down the critical path of each late demand: every hour of its
    lateness is put down to a machine that was busy, a lot that was missing, a fence, a
    rule or plain lead time. The hours sum to the lateness, the money to what it costs.
    """)
    return


@app.cell
def why(plan, snapshot):
    hours = plan.causes["hours"].sum()
    lateness = plan.fulfilment["lateness_h"].sum()
    mo.vstack(
        [
            plan.chart.late(snapshot),
            mo.ui.table(
                plan.causes,
                selection=None,
                page_size=8,
                format_mapping={"money": "{:,.2f}"},
            ),
        ]
    )
    return hours, lateness


@app.cell(hide_code=True)
def say_remedies():
    mo.md("""
    ## 4. Remedies

    `mv.remedies` changes one thing at a time and plans again: one more machine, a
    faster supplier, another source, smaller lots, a later date for somebody else. A
    date that it gives is the date of a whole verified plan. What it
    saves counts against it those who would be worse off.
    """)
    return


@app.cell
def remedies(plan, snapshot):
    tried = mv.remedies(snapshot, plan, tries=6)
    mo.plain_text("\n".join(map(str, tried)))
    return (tried,)


@app.cell(hide_code=True)
def say_apply():
    mo.md("""
    ## 5. Take one at its word

    A remedy carries the rows that it changes. Put them into the tables, plan again on
    the plan in force: the same date comes out, to the second.
    """)
    return


@app.cell
def apply(plan, snapshot, tried):
    best = tried[0]
    again = mv.plan(best.apply(snapshot), mode="constrained", baseline=plan)
    told, got = best.fingerprint, again.fingerprint
    mo.plain_text(
        f"{best.text}\n"
        f"late before: {best.lateness_before_h:.1f} h, then {best.lateness_h:.1f} h\n"
        f"late demands: {(plan.fulfilment['status'] == 'late').sum()}, "
        f"then {(again.fulfilment['status'] == 'late').sum()}\n"
        f"the plan is the one that was told: {told == got}"
    )
    return got, told


@app.cell(hide_code=True)
def next_steps():
    mo.md("""
    ## Next

    - The page *Plan* (`medhavi serve`) does all this on your data:
      choose *what can be done*, try remedies, decide about orders with their price.
    - `medhavi plan --mode constrained --effort full` searches longer;
      `medhavi remedies PLAN --tables DIR` lists what was tried.
    - docs/orders.md: how an order becomes firm, and how a decision is taken back.
    """)
    return


if __name__ == "__main__":
    app.run()
