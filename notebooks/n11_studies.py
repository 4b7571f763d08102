# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Scenarios side by side

Change a snapshot by typed changes, compare two plans, then run a study that is never
computed twice.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: what if, side by side")

with app.setup:
    import tempfile
    from pathlib import Path

    import marimo as mo

    import medhavi as mv


@app.cell(hide_code=True)
def welcome():
    mo.md("""
    [Start page and lessons](/)

    # Scenarios side by side

    A **change** is a typed row such as "this resource is down from Tuesday
    to Friday". Changes are made on a copy of a snapshot; nothing is ever
    committed. A **study** plans many of them and compares.
    """)
    return


@app.cell
def open_data():
    try:
        base = mv.Workbench.current().snapshot()
    except mv.MedhaviError:
        base = mv.Snapshot.example()
    base
    return (base,)


@app.cell(hide_code=True)
def say_change():
    mo.md("""
    ## 1. Change

    `mv.changes([...])` reads rows and names every mistake at once; `mv.apply` makes them
    in their order. docs/changes.md lists the kinds, from `resource_down` to `set`, which
    writes any cell. No change, or a factor of 1, is the identity.
    """)
    return


@app.cell
def change(base):
    wanted = mv.changes([{"kind": "demand_factor", "factor": 1.5}])
    changed = mv.apply(base, wanted)
    same = mv.apply(base, mv.changes([{"kind": "demand_factor", "factor": 1}]))
    mo.md(
        f"Base `{base.fingerprint[:12]}`, changed `{changed.fingerprint[:12]}`, "
        f"factor 1 `{same.fingerprint[:12]}`"
    )
    return changed, same


@app.cell(hide_code=True)
def say_compare():
    mo.md("""
    ## 2. Compare two plans

    Ids are identity, not content: the same order in both plans has the same id, so
    "changed" is told apart from "removed and added".
    """)
    return


@app.cell
def compare(base, changed):
    delta = mv.compare(mv.plan(base), mv.plan(changed))
    delta
    return (delta,)


@app.cell(hide_code=True)
def say_study():
    mo.md("""
    ## 3. Run a study

    A study is a TOML file: base, scenarios, a grid of factors, figures. Each run is
    kept under the identity of its work (base, changes, planner, seed, version), so the
    second time nothing is computed. `medhavi study run study.toml` does the same and
    writes one offline page.
    """)
    return


@app.cell
def study(base):
    folder = Path(tempfile.mkdtemp(prefix="medhavi-study-"))
    base.to_folder(folder / "tables")
    (folder / "study.toml").write_text(
        """
        name = "more-and-less"
        base = { tables = "tables" }
        executor = "serial"
        [[scenario]]
        name = "as it is"
        [[scenario]]
        name = "slow suppliers"
        change = [{ kind = "lead_time_factor", factor = 1.5 }]
        [grid]
        demand_factor = [1.0, 1.3]
        [output]
        kpis = ["KPI-09", "KPI-33"]
        compare_to = "as it is"
        """,
        "utf-8",
    )
    first = mv.run_study(folder / "study.toml", cache=folder / "cache")
    again = mv.run_study(folder / "study.toml", cache=folder / "cache")
    mo.md(f"First {first.computed} runs computed, then {again.computed}.")
    return again, first


@app.cell
def look(first):
    _report = first.report
    mo.vstack([_report.chart.table(), _report.chart.figure("KPI-33")])
    return


@app.cell(hide_code=True)
def next_lesson():
    mo.md("""
    Next: write your own study for `medhavi study run`; `docs/changes.md` lists every
    kind of change with its parameters.
    """)
    return


if __name__ == "__main__":
    app.run()
