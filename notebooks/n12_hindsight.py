# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Hindsight

What would we have promised with what was known then, and what happened?
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: hindsight")

with app.setup:
    import tempfile
    from pathlib import Path

    import marimo as mo

    import medhavi as mv
    from medhavi.demo.toy_company import toy_company
    from medhavi.errors import MedhaviError
    from medhavi.events.memory import MemoryStore
    from medhavi.lakehouse import Lake
    from medhavi.service.page_data import html, picture
    from medhavi.views import page, theme
    from medhavi.views.names import count, names_of
    from medhavi.views.study_page import (
        group_table,
        hindsight_tiles,
        missed_table,
        ordered_rows,
    )
    from medhavi.workbench.studies.hindsight import run_hindsight

    theme.register()


@app.cell(hide_code=True)
def welcome():
    mo.vstack(
        [
            mo.Html(page.top_html()),
            mo.md(
                """
                # What would we have promised?

                A way of promising is judged by its past: ask every order again **on
                what was known that morning**, then look what happened. Nothing of
                later days may help, and lines count whether they were delivered or
                not, once all their dates have passed.
                """
            ),
        ]
    )
    return


@app.cell
def open_lake():
    folder = Path(tempfile.mkdtemp(prefix="medhavi-hindsight-"))
    try:
        lake, company = mv.Workbench.current().lake, "the workspace's lake"
        _orders = lake.order_line_observations()
    except MedhaviError:
        _orders = None
    if _orders is None or _orders.is_empty():
        lake, company = Lake(folder / "lake"), "a jam shop"
        _store = MemoryStore()
        _store.append_many(toy_company())
        lake.mirror(_store)
    snapshot = lake.snapshot()
    names = names_of(snapshot)
    mo.Html(
        page.header("Who kept the dates?", page.moment_facts(snapshot, names, company))
    )
    return folder, lake, names


@app.cell(hide_code=True)
def say_look():
    mo.md("""
    ## 1. What was ordered, promised, delivered

    Table `gold.order_line_observations` has one row a line, as it was placed;
    here with names, and dates local to where it goes.
    """)
    return


@app.cell
def look(lake, names):
    orders = lake.order_line_observations()
    _rows = ordered_rows(orders, names)
    _less = ["Customer", "Quantity", "Place"]
    mo.ui.table(_rows, selection=None, page_size=5, hidden_columns=_less)
    return (orders,)


@app.cell(hide_code=True)
def say_ask():
    mo.md("""
    ## 2. Ask again

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
    result = run_hindsight(folder / "hindsight.toml", cache=folder / "cache")
    report = result.report
    mo.md(
        f"{count(result.days, 'day')}, {count(report.lines.height, 'line')} asked again."
    )
    return (report,)


@app.cell(hide_code=True)
def say_judge():
    mo.md("""
    ## 3. Judge

    *Ours* is the date that we would have promised: the due date, or the first date
    that is possible where that is later, at the percentile that the policy quotes.
    Dates that are kept are half of it; a probability is right when what was said to
    happen in eight of ten cases happens in eight of ten.
    """)
    return


@app.cell
def judge(names, report):
    mo.vstack(
        [
            html(hindsight_tiles(report)),
            picture(
                report.chart.calibration(),
                "There is no probability to judge yet",
                "It takes lines that have passed all their dates.",
            ),
            *(
                html(f"<h3>By {by}</h3>{group_table(report, by, names)}")
                for by in ("tier", "supplier")
            ),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def say_missed():
    mo.md("""
    ## 4. Learn

    What was missed most, and by whom? Where one supplier stands behind it, train a
    predictor (lesson 9): estimates stand in for what the supplier says.
    """)
    return


@app.cell
def missed(names, report):
    html(missed_table(report, names))
    return


@app.cell(hide_code=True)
def next_lesson():
    mo.md("""
    Next: put `hindsight.toml` beside your lake; `docs/studies.md` lists its keys.
    """)
    return


if __name__ == "__main__":
    app.run()
