# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""What if, side by side

Change a snapshot by typed changes, compare two plans, then run a study that is never
computed twice.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: what if, side by side")

with app.setup:
    import tempfile
    from html import escape
    from pathlib import Path

    import marimo as mo

    import medhavi as mv
    from medhavi.edits import apply, changes
    from medhavi.edits.edit import KINDS
    from medhavi.errors import MedhaviError
    from medhavi.schema.template import example_rows
    from medhavi.views import page, theme
    from medhavi.views.names import names_of
    from medhavi.views.study_page import study_table
    from medhavi.views.theme import title_of, untitled
    from medhavi.workbench.files.tables_run import plan_snapshot
    from medhavi.workbench.studies.studies import run_study

    theme.register()


@app.cell(hide_code=True)
def welcome():
    mo.vstack(
        [
            mo.Html(page.top_html()),
            mo.md(
                """
                # What if, side by side

                A **change** is a typed row such as "this resource is down from Tuesday
                to Friday". Changes are made on a copy of a snapshot; nothing is ever
                committed. A **study** plans many of them and compares.
                """
            ),
        ]
    )
    return


@app.cell
def open_data():
    try:
        base, company = mv.Workbench.current().snapshot(), "the workspace's lake"
    except MedhaviError:
        base, company = mv.Snapshot.from_frames(example_rows()), "the lemonade maker"
    mo.Html(
        page.header(
            "What would happen?", page.moment_facts(base, names_of(base), company)
        )
    )
    return (base,)


@app.cell(hide_code=True)
def say_change():
    mo.md(f"""
    ## 1. Change

    `changes([...])` reads rows and names every mistake at once; `apply` makes them in
    their order. There are {len(KINDS)} kinds, from `resource_down` to `set`, which
    writes any cell. No change, or a factor of 1, is the identity.
    """)
    return


@app.cell
def change(base):
    wanted = changes([{"kind": "demand_factor", "factor": 1.5}])
    changed = apply(base, wanted)
    same = apply(base, changes([{"kind": "demand_factor", "factor": 1}]))
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
    delta = mv.compare(plan_snapshot(base), plan_snapshot(changed))
    mo.Html(f'<div class="mv"><pre>{escape(str(delta))}</pre></div>')
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
    first = run_study(folder / "study.toml", cache=folder / "cache")
    again = run_study(folder / "study.toml", cache=folder / "cache")
    mo.md(f"First {first.computed} runs computed, then {again.computed}.")
    return again, first


@app.cell
def look(first):
    _chart = first.report.chart.figure("KPI-33")
    mo.vstack(
        [
            mo.Html(f'<div class="mv">{study_table(first.report)}</div>'),
            mo.Html(f'<div class="mv"><h3>{escape(title_of(_chart))}</h3></div>'),
            mo.ui.altair_chart(
                untitled(_chart), chart_selection=False, legend_selection=False
            ),
        ]
    )
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
