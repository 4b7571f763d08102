# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Order promising

Ask for a date, see the chain and its chances, what limits it, and what would help.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: can we promise it?")

with app.setup:
    import marimo as mo

    import medhavi as mv


@app.cell(hide_code=True)
def welcome():
    mo.md("""
    [Start page and lessons](/)

    # Order promising

    A **promise** chains what has to happen: components, steps on lines
    that are not full, lanes with their departures. It never breaks what
    was promised before, and it says how sure its date is.
    """)
    return


@app.cell
def open_data():
    try:
        snapshot = mv.Workbench.current().snapshot()
    except mv.MedhaviError:
        snapshot = mv.Snapshot.example()
    return (snapshot,)


@app.cell(hide_code=True)
def say_ask():
    mo.md("""
    ## 1. Ask

    A request is a row of `demands`: product, location, quantity and due date are
    enough. `mv.promise(snapshot, rows)` answers a list of them by priority, each
    seeing what those before it took; nothing is written.
    """)
    return


@app.cell
def ask(snapshot):
    _open = snapshot["demands"].filter(snapshot["demands"]["status"] == "open")
    usual = _open.sort("due", "demand").row(0, named=True)
    request = {name: usual[name] for name in ("product", "location", "qty", "due")}
    promise, twice = mv.promise(snapshot, [request, request])
    promise.chart.answer(snapshot)
    return promise, twice


@app.cell(hide_code=True)
def say_chain():
    mo.md("""
    ## 2. Look at the chain

    Stages are chained, never the latest of three dates taken from now: production
    cannot start before its material, a truck not before the goods are there. The
    dashed bars are **slack**: so much later a stage may end and nothing moves.

    A quote keeps three quantiles of the arrival. In the app you drag the date along the
    whole curve.
    """)
    return


@app.cell
def chain(promise, snapshot):
    promise.chart.chain(snapshot)
    return


@app.cell
def chance(promise, snapshot):
    promise.chart.probability(snapshot)
    return


@app.cell(hide_code=True)
def say_ways():
    mo.md("""
    ## 3. Find what limits

    Options were ranked by the policy's weights. The limiter is found by relaxing one
    stage at a time and asking again; each remedy was tried the same way, and carries
    the rows that give its date.
    """)
    return


@app.cell
def limits(promise, snapshot):
    promise.chart.reasons(snapshot)
    return


@app.cell(hide_code=True)
def say_twice():
    mo.md("""
    ## 4. Ask twice

    The second of two equal requests sees the first one's holds: it is never less
    late, and neither breaks the other. In time, its date may be the earlier one: what
    is on the way goes first, and what is bought instead may be faster.
    """)
    return


@app.cell
def compare(promise, twice):
    _due, _dates = promise.demand["due"], [promise.date, twice.date]
    later = None in _dates or max(_dates[1], _due) >= max(_dates[0], _due)
    mo.md(f"The second is {'not less late' if later else 'less late: a defect'}.")
    return (later,)


@app.cell(hide_code=True)
def next_lesson():
    mo.md("""
    Next: `medhavi promise --request FILE` answers files, `--commit --approver` makes
    a promise binding. The promise app does both, lets you move the date and say why,
    and lists which accepted promises are at risk. docs/promising.md has the rules.
    """)
    return


if __name__ == "__main__":
    app.run()
