# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The best plan, and what better costs

A plan of least cost, the prices behind it, and the trade-off with lateness.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: the best plan")

with app.setup:
    from html import escape

    import marimo as mo
    import polars as pl

    import medhavi as mv
    from medhavi.results.figures.scorecard import scorecard
    from medhavi.schema.template import example_rows
    from medhavi.views import page, theme
    from medhavi.views.names import money, names_of
    from medhavi.views.pictures.pareto import difference_html, front_chart, points_html
    from medhavi.views.theme import title_of, untitled

    theme.register()


@app.cell(hide_code=True)
def welcome():
    mo.vstack(
        [
            mo.Html(page.top_html()),
            mo.md(
                """
                # The best plan, and what better costs

                Mode `optimize` weighs everything in money: making, buying, moving,
                holding, overtime, a day of lateness, a unit never delivered. This
                lesson uses the lemonade maker in a summer of three times the orders,
                and a second supplier of bottles who is quick and dear.
                """
            ),
        ]
    )
    return


@app.cell
def open_data():
    rows = {
        name: [dict(row) for row in table] for name, table in example_rows().items()
    }
    for order in rows["demands"]:
        order["qty"] *= 3
    rows["suppliers"].append({"supplier": "RUSH"})
    rush = {"supplier": "RUSH", "lead_time_days": 3, "unit_price": 0.9}
    rows["supply_terms"].append({"product": "BOTTLE", "location": "PLANT", **rush})
    snapshot = mv.Snapshot.from_frames(rows)
    names = names_of(snapshot)
    mo.Html(
        page.header(
            "What is the best plan?",
            page.moment_facts(snapshot, names, "the lemonade maker"),
        )
    )
    return names, snapshot


@app.cell(hide_code=True)
def say_modes():
    mo.md("""
    ## 1. Three modes side by side

    `mrp` keeps every date on paper, `constrained` plans what can be done, `optimize`
    looks for the least cost. All three are checked by the same independent verifier;
    the plan of `optimize` is a *relaxation*: its program counts machine hours per week,
    so it may book an hour twice, and its summary says how many.
    """)
    return


@app.cell
def modes(names, snapshot):
    plans = {
        mode: mv.plan(snapshot, mode=mode)
        for mode in ("mrp", "constrained", "optimize")
    }
    _cards = {mode: scorecard(plan, snapshot) for mode, plan in plans.items()}
    _rows = [
        (
            mode,
            str(plans[mode].run.status),
            escape(money(card.total, names.currency)),
            escape(money(card.lateness, names.currency)),
            escape(money(card.inventory, names.currency)),
        )
        for mode, card in _cards.items()
    ]
    mo.Html(
        '<div class="mv">'
        + page.table_html(
            ("Mode", "Status", "Cost", "Of it late", "Mean stock"),
            _rows,
            ("Cost", "Of it late", "Mean stock"),
        )
        + "</div>"
    )
    return (plans,)


@app.cell(hide_code=True)
def say_parts():
    mo.md("""
    ## 2. What the objective is made of

    `contributions` add up to the objective of the program. `prices` say what one unit
    more of something scarce would be worth; the largest were verified by solving again.
    """)
    return


@app.cell
def parts(plans):
    best = plans["optimize"]
    _parts = best.contributions.filter(pl.col("value") != 0)
    mo.vstack(
        [
            mo.ui.table(
                _parts,
                selection=None,
                show_column_summaries=False,
                show_data_types=False,
            ),
            mo.ui.table(
                best.prices.head(8),
                selection=None,
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

    `mv.pareto` finds plans that cannot be better in one objective without being worse
    in another. Service is always in: no plan may deliver less than the best one can.
    """)
    return


@app.cell
def trade(snapshot):
    front = mv.pareto(snapshot, ["cost", "lateness"], points=5)
    _chart = front_chart(front)
    _drawn = mo.ui.altair_chart(
        untitled(_chart), chart_selection=False, legend_selection=False
    )
    mo.vstack(
        [
            mo.Html(
                f'<div class="mv"><h3>{escape(title_of(_chart))}</h3>{_drawn.text}</div>'
            ),
            mo.Html(f'<div class="mv">{points_html(front)}</div>'),
        ]
    )
    return (front,)


@app.cell
def apart(front):
    _points = front.points["point"].to_list()
    mo.Html(f'<div class="mv">{difference_html(front, _points[0], _points[-1])}</div>')
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
