# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Production schedule

The sequence of work on each resource with its set-ups, its proof and its risk.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: production schedule")

with app.setup:
    import marimo as mo

    from medhavi.service.page_data import PageProblem, html, picture, section
    from medhavi.service.plan_pages import desk_words
    from medhavi.service.schedule_page import (
        EXAMPLE_NOTE,
        example_bytes,
        load_schedule,
        risk_of,
    )
    from medhavi.views import page, theme
    from medhavi.views.schedule_words import (
        gantt_chart,
        gantt_title,
        orders_html,
        proof_html,
        risk_chart,
        risk_orders_html,
        schedule_foot,
        schedule_tiles,
    )
    from medhavi.views.tiles import tiles_html

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("schedule"))
    return


@app.cell(hide_code=True)
def address():
    params = mo.query_params()
    wanted, keep = desk_words.address_of(params)
    return keep, params, wanted


@app.cell(hide_code=True)
def problem(params, wanted):
    dropped = mo.ui.file(filetypes=[".json"], label="Drop a schedule file (JSON)")
    goals = {
        "as the file says": "",
        "fewest late orders": "late_orders,makespan",
        "earliest end": "makespan",
        "least set-up": "late_orders,setup,makespan",
    }
    objective = mo.ui.dropdown(
        goals,
        value=next((k for k, v in goals.items() if v == wanted("objective")), None)
        or "as the file says",
        label="What counts first",
        on_change=lambda value: params.set("objective", value),
    )
    return dropped, objective


@app.cell(hide_code=True)
def solve(dropped, objective, wanted):
    with mo.status.spinner("Scheduling", remove_on_exit=True):
        shown = load_schedule(
            mo.cli_args().get("problem") or "",
            dropped.contents() if dropped.value else None,
            objective=objective.value or "",
        )
    return (shown,)


@app.cell(hide_code=True)
def head(dropped, objective, shown):
    _file = mo.download(
        example_bytes, filename="schedule.json", label="The example as a file to fill"
    )
    _example = mo.vstack(
        [
            html(page.empty("An example, not your plant", EXAMPLE_NOTE)),
            mo.hstack([_file], justify="start"),
        ]
    )
    mo.vstack(
        [
            mo.Html(
                page.header(
                    "Production schedule",
                    [("Source", shown.source)],
                    finding=gantt_title(shown.schedule) if shown.schedule else "",
                )
            ),
            mo.hstack([objective, dropped], justify="start", wrap=True),
            *([_example] if shown.is_example else []),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def trouble(shown):
    _text = shown.problem and page.problem(
        shown.problem.title, shown.problem.text, shown.problem.remedy
    )
    _list = f"<p></p>{page.findings_html(shown.findings)}" if shown.findings else ""
    mo.stop(shown.schedule is None, html(f"{_text}{_list}"))
    schedule = shown.schedule
    return (schedule,)


@app.cell(hide_code=True)
def tiles(schedule):
    html(tiles_html(schedule_tiles(schedule)))
    return


@app.cell(hide_code=True)
def gantt(schedule):
    section(
        "gantt",
        "Gantt chart by resource",
        picture(
            gantt_chart(schedule),
            "There is no schedule",
            "See below what cannot all hold.",
        ),
    )
    return


@app.cell(hide_code=True)
def choose_tab(keep, wanted):
    tab = desk_words.tab_bar(("Orders", "Risk"), wanted, keep, "Orders")
    return (tab,)


@app.cell(hide_code=True)
def bar(schedule, tab):
    tab if schedule else None
    return


@app.cell(hide_code=True)
def orders(schedule, tab):
    mo.stop(tab.value != "Orders")
    section(
        "orders",
        "Late orders and proof of optimality",
        html(proof_html(schedule)),
        html(orders_html(schedule)),
    )
    return


@app.cell(hide_code=True)
def uncertainty(params, schedule, wanted):
    mo.stop(schedule.operations.is_empty())
    _names = sorted({n for n in schedule.operations["name"].drop_nulls() if n})
    spread = mo.ui.slider(
        start=0,
        stop=60,
        step=5,
        value=int(wanted("spread") or 0),
        show_value=True,
        label="Volatility of run times, ± %; 0: as the file says",
        on_change=lambda value: params.set("spread", str(value)),
    )
    steps = mo.ui.dropdown(
        _names, value=None, allow_select_none=True, label="Only these steps"
    )
    return spread, steps


@app.cell(hide_code=True)
def risk(schedule, spread, steps, tab):
    mo.stop(tab.value != "Risk")
    _told = risk_of(
        schedule,
        scenarios=10_000,
        spread=spread.value / 100 if spread.value else None,
        steps=(steps.value or "") if spread.value else "",
    )
    _controls = mo.hstack([spread, steps], justify="start", wrap=True)
    _parts = (
        [html(page.problem(_told.title, _told.text, _told.remedy))]
        if isinstance(_told, PageProblem)
        else [
            picture(risk_chart(_told), "No risk", "Nothing is uncertain."),
            html(risk_orders_html(_told)),
        ]
    )
    section("risk", "Risk of the makespan", _controls, *_parts)
    return


@app.cell(hide_code=True)
def trust(schedule):
    mo.Html(schedule_foot(schedule))
    return


if __name__ == "__main__":
    app.run()
