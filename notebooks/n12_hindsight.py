# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Hindsight

What would have been promised with what was known then, and what happened.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: hindsight")

with app.setup:
    import tempfile
    from pathlib import Path

    import marimo as mo

    import medhavi as mv


@app.cell(hide_code=True)
def welcome():
    mo.md("""
    [Start page and lessons](/)

    # Hindsight

    A way of promising is judged by its past: ask every order again **on
    what was known that morning**, then look what happened. Nothing of
    later days may help, and lines count whether they were delivered or
    not, once all their dates have passed.
    """)
    return


@app.cell
def open_lake():
    folder = Path(tempfile.mkdtemp(prefix="medhavi-hindsight-"))
    try:
        lake = mv.Workbench.current().lake
        _orders = lake.order_line_observations()
    except mv.MedhaviError:
        _orders = None
    if _orders is None or _orders.is_empty():
        lake = mv.Workbench.example(folder).lake
    orders, snapshot = lake.order_line_observations(), lake.snapshot()
    mo.md(
        f"Table `gold.order_line_observations` has a row a line, as it was placed: "
        f"**{orders.height:,}** lines here."
    )
    return folder, lake, orders, snapshot


@app.cell(hide_code=True)
def say_ask():
    mo.md("""
    ## 1. Ask again

    A study file with a table `[hindsight]` does it; `medhavi study run hindsight.toml`
    is the same on the command line. Every day is a task of its own, kept under what it
    follows from, and never asked twice.
    """)
    return


@app.cell
def ask(folder, lake, orders):
    every = max(1, orders["placed_at"].dt.date().n_unique() // 40)
    (folder / "hindsight.toml").write_text(
        f"""
        name = "hindsight"
        base = {{ lake = "{lake.path.as_posix()}" }}
        executor = "serial"
        [hindsight]
        every_days = {every}
        """,
        "utf-8",
    )
    result = mv.run_hindsight(folder / "hindsight.toml", cache=folder / "cache")
    report = result.report
    mo.md(f"{result.days} days, {report.lines.height} lines asked again.")
    return (report,)


@app.cell
def look(report, snapshot):
    _less = ["Customer", "Quantity", "Place"]
    mo.ui.table(
        report.chart.lines(snapshot),
        selection=None,
        page_size=5,
        hidden_columns=_less,
    )
    return


@app.cell(hide_code=True)
def say_judge():
    mo.md("""
    ## 2. Judge

    *Ours* is the date that we would have promised: the due date, or the first date
    that is possible where that is later, at the percentile that the policy quotes.
    Dates that are kept are half of it; a probability is right when what was said to
    happen in eight of ten cases happens in eight of ten.
    """)
    return


@app.cell
def judge(report, snapshot):
    mo.vstack([report.chart.calibration(), report.chart.summary(snapshot)], gap=1)
    return


@app.cell(hide_code=True)
def say_missed():
    mo.md("""
    ## 3. Learn

    What was missed most, and by whom? Where one supplier stands behind it, train a
    predictor (lesson 9): estimates stand in for what the supplier says.
    """)
    return


@app.cell(hide_code=True)
def next_lesson():
    mo.md("""
    Next: put `hindsight.toml` beside your lake; `docs/studies.md` lists its keys.
    """)
    return


if __name__ == "__main__":
    app.run()
