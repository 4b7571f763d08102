# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""A schedule and what it risks

Sequence six orders on three lines, see the proof, then ask how sure it is.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: a schedule and its risk")

with app.setup:
    import marimo as mo

    import medhavi as mv


@app.cell(hide_code=True)
def welcome():
    mo.md("""
    [Start page and lessons](/)

    # A schedule and what it risks

    A plan says what to make and roughly when. A **schedule** says which
    line runs which order, minute by minute, with its set-ups. And since no
    run takes exactly as long as planned, a schedule has a **risk**.
    """)
    return


@app.cell(hide_code=True)
def say_state():
    mo.md("""
    ## 1. State the problem

    A schedule file lists resources, changeovers and orders (docs/scheduling.md).
    Here a filling line is followed by labelling and quality control; a change of
    product costs two hours on the filler. Only fillings are uncertain.
    """)
    return


@app.cell
def state():
    def order(name, fill, label, check, due):
        runs = (("filling", "FILL", fill), ("labelling", "LABEL", label))
        steps = [
            {
                "step": place,
                "name": step,
                "family": name,
                "after": [place - 1] if place > 1 else [],
                "options": [{"resource": line, "run_minutes": run}],
            }
            for place, (step, line, run) in enumerate((*runs, ("qc", "QC", check)), 1)
        ]
        steps[0]["run_minutes_range"] = [0.8 * fill, fill, 1.35 * fill]
        return {"order": name, "steps": steps, "due_minutes": due}

    any_to_any = {"from_family": "*", "to_family": "*"}
    document = {
        "schema": "medhavi.schedule/1",
        "name": "six orders",
        "start": "2026-01-05T06:00:00Z",
        "time_axis": "working",
        "objective": ["late_orders", "makespan"],
        "resources": [
            {"resource": "FILL", "name": "Filling", "changeover_matrix": "clean"},
            {"resource": "LABEL", "name": "Labelling"},
            {"resource": "QC", "name": "Quality control"},
        ],
        "changeovers": [{"matrix": "clean", **any_to_any, "setup_minutes": 120}],
        "orders": [
            order("Shampoo", 420, 285, 105, 3000),
            order("Detergent", 240, 135, 45, 3000),
            order("Body wash", 390, 210, 90, 3000),
            order("Conditioner", 330, 195, 60, 1500),
            order("Face cream", 240, 195, 75, 900),
            order("Soap", 300, 195, 60, 3000),
        ],
    }
    return (document,)


@app.cell(hide_code=True)
def say_solve():
    mo.md("""
    ## 2. Schedule

    Objectives count one after another, down to the earliest starts, so nothing is
    left to chance: the same file gives the same schedule, byte for byte. Each value
    comes with a bound; `optimal` is said only where the two meet. A checker that
    shares no code with the search then looks at every rule.
    """)
    return


@app.cell
def solve(document):
    schedule = mv.schedule(document)
    schedule
    return (schedule,)


@app.cell
def see(schedule):
    schedule.chart.gantt()
    return


@app.cell(hide_code=True)
def say_risk():
    mo.md("""
    ## 3. Ask how sure it is

    `mv.risk` keeps the sequence and draws the uncertain runs ten thousand times.
    Nothing is solved again: this is the risk of *this* schedule, not of a planner
    who knows the future. The **premium** is how much longer the worst twentieth
    takes than the mean; a price for certainty.
    """)
    return


@app.cell
def simulate(schedule):
    report = mv.risk(schedule)
    minutes = dict.fromkeys(("finish_p50", "finish_p95"), "{:,.0f}")
    orders = mo.ui.table(
        report.orders, selection=None, format_mapping={"prob_late": "{:.1%}", **minutes}
    )
    mo.vstack([report.chart.makespan(), orders])
    return (report,)


@app.cell(hide_code=True)
def say_volatility():
    mo.md("""
    ## 4. Turn up the volatility

    The runs of one line add up. Their spreads partly cancel, so the premium grows
    with the spread in proportion, and less than the spread itself.
    """)
    return


@app.cell
def compare(schedule):
    premiums = {
        spread: mv.risk(schedule, spread=spread, scenarios=4000).figures["premium"]
        for spread in (0.1, 0.2, 0.35)
    }
    rows = [
        {"spread": f"± {s:.0%}", "premium": f"{p:.1%}"} for s, p in premiums.items()
    ]
    mo.ui.table(rows, selection=None)
    return (premiums,)


@app.cell(hide_code=True)
def what_next(premiums, report, schedule):
    if mo.app_meta().mode == "script":
        hours = schedule.makespan / 3600
        print(f"{hours:.1f} h", f"{report.figures['premium']:.1%}", premiums)
    mo.md(
        """
        ## Next

        - `medhavi schedule FILE --out DIR`, then `medhavi risk FILE --schedule DIR`.
        - Give a resource `windows` that are too short: the answer names the orders,
          steps and resources that cannot all hold.
        """
    )
    return


if __name__ == "__main__":
    app.run()
