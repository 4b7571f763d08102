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
    from html import escape

    import marimo as mo

    import medhavi as mv
    from medhavi.errors import MedhaviError
    from medhavi.results.figures.scorecard import worst_demands
    from medhavi.schema.template import example_rows
    from medhavi.views import page, theme
    from medhavi.views.names import names_of
    from medhavi.views.page import story
    from medhavi.views.pictures.chain import chain_chart
    from medhavi.views.pictures.stock import items_by_need, stock_chart
    from medhavi.views.theme import title_of, untitled
    from medhavi.workbench.files.tables_run import plan_snapshot

    theme.register()


@app.cell(hide_code=True)
def welcome():
    mo.vstack(
        [
            mo.Html(page.top_html()),
            mo.md(
                """
                # Your first plan

                A plan answers four questions: what must be **made**, **bought** and
                **moved**, and **when**. Here you open data, look at it, plan it, and
                ask why one order is as it is.
                """
            ),
        ]
    )
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
        snapshot, company = mv.Workbench.current().snapshot(), "the workspace's lake"
    except MedhaviError:
        snapshot, company = (
            mv.Snapshot.from_frames(example_rows()),
            "the lemonade maker",
        )
    names = names_of(snapshot)
    mo.Html(
        page.header("What do we have?", page.moment_facts(snapshot, names, company))
    )
    return names, snapshot


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
    findings = mo.Html(f'<div class="mv">{page.findings_html(snapshot.findings)}</div>')
    mo.vstack([mo.ui.table(demands, selection=None, page_size=5), findings])
    return


@app.cell(hide_code=True)
def say_plan():
    mo.md("""
    ## 3. Plan

    Mode `mrp` nets every demand against stock and open orders, level by level, and
    keeps every date on paper: a demand whose chain should have started before now is
    *at risk*, one that was due before now *past due when planned*. The plan is then checked by code that shares nothing with the
    planner.
    """)
    return


@app.cell
def make_plan(snapshot):
    plan = plan_snapshot(snapshot, mode="mrp")
    mo.plain_text(str(plan))
    return (plan,)


@app.cell
def next_orders(plan):
    orders = plan.supplies.filter(plan.supplies["status"] == "planned").sort("start")
    columns = ["kind", "product", "location", "qty", "start", "finish", "source"]
    mo.ui.table(orders.select(columns), selection=None, page_size=5)
    return


@app.cell
def see_stock(names, plan):
    def drawn(chart):
        ui = mo.ui.altair_chart(
            untitled(chart), chart_selection=False, legend_selection=False
        )
        return mo.Html(
            f'<div class="mv"><h3>{escape(title_of(chart))}</h3>{ui.text}</div>'
        )

    tightest = items_by_need(plan).row(0, named=True) if plan.positions.height else None
    picture = tightest and stock_chart(
        plan, tightest["product"], tightest["location"], names
    )
    drawn(picture) if picture else mo.md("Nothing is moved.")
    return (drawn,)


@app.cell(hide_code=True)
def say_why():
    mo.md("""
    ## 4. Ask why

    Every order is pegged to the demand that caused it. `plan.explain(demand)`
    climbs these pegs from the order that starts first up to the delivery. The
    worst demand is the one whose first order should have begun longest ago.
    """)
    return


@app.cell
def ask_why(drawn, names, plan):
    worst = worst_demands(plan)
    asked = worst[0].demand if worst else next(iter(plan.fulfilment["demand"]), None)
    explanation = plan.explain(asked) if asked else None
    told = story(explanation, names, plan.run.as_of) if explanation else ()
    chain = explanation and chain_chart(explanation, names, plan.run.as_of)
    mo.vstack(
        [
            drawn(chart=chain) if chain else mo.md("Stock serves it."),
            mo.md("\n".join(f"- {sentence.text}" for sentence in told)),
        ]
    )
    return asked, told


@app.cell(hide_code=True)
def what_next(asked, told):
    if mo.app_meta().mode == "script":
        print(f"Why {asked}?", *(sentence.text for sentence in told), sep="\n")
    mo.md(
        """
        ## And now?

        - Change a number and plan again: `snapshot.replace(stock=...)` gives a new
          snapshot, the old one stays as it is.
        - Take your own data: `medhavi template --csv my-tables`, fill it, then
          `medhavi plan --tables my-tables --out plan`.
        - Work with the plan: the app *Does the plan hold?* shows all of it.
        """
    )
    return


if __name__ == "__main__":
    app.run()
