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

    from medhavi.edits.order_rows import scheduled_edits
    from medhavi.service.page_data import (
        PageProblem,
        facts_of,
        html,
        picture,
        section,
        trouble_of,
    )
    from medhavi.service.plan_pages import (
        decision_words,
        desk_parts,
        desk_words,
        plan_page,
    )
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.service.plan_pages.plan_page import Decision, EditForm
    from medhavi.service.schedule_page import (
        EXAMPLE_NOTE,
        example_bytes,
        has_tables,
        load_schedule,
        order_table,
        risk_of,
        risk_table,
        schedule_of,
    )
    from medhavi.views import page, theme
    from medhavi.views.names import Names
    from medhavi.views.schedule_words import (
        gantt_chart,
        proof_html,
        risk_chart,
        schedule_finding,
        schedule_foot,
        schedule_tiles,
    )
    from medhavi.views.tiles import tiles_html
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("schedule"))
    return


@app.cell(hide_code=True)
def address():
    wanted, keep = desk_words.address_of(mo.query_params())
    return keep, wanted


@app.cell(hide_code=True)
def how(keep, wanted):
    # The orders of the plan in force, or a schedule file of one's own.
    sources = {say("the_plan_in_force"): "plan", say("a_schedule_file"): "file"}
    _file = mo.cli_args().get("problem") or ""
    source = mo.ui.dropdown(
        sources,
        value=say("a_schedule_file")
        if wanted("source") == "file" or _file or not has_tables(wanted("tables"))
        else say("the_plan_in_force"),
        label=say("orders_of"),
        on_change=lambda value: keep("source", value),
    )
    mode = desk_words.mode_choice(wanted, keep)
    days = mo.ui.number(
        start=1,
        stop=60,
        value=int(wanted("days") or 7),
        label=say("days_from_now"),
        on_change=lambda value: keep("days", str(value)),
    )
    goals = {
        say("late_orders_then_changeovers"): "",
        say("fewest_late_orders"): "late_orders,makespan",
        "earliest end": "makespan",
        "least set-up": "late_orders,setup,makespan",
    }
    objective = mo.ui.dropdown(
        goals,
        value=next((k for k, v in goals.items() if v == wanted("objective")), None)
        or say("late_orders_then_changeovers"),
        label=say("objective"),
        on_change=lambda value: keep("objective", value),
    )
    dropped = mo.ui.file(filetypes=[".json"], label=say("drop_a_schedule_file_json"))
    return days, dropped, mode, objective, source


@app.cell(hide_code=True)
def solve(days, dropped, mode, objective, source, wanted):
    planned, names = None, Names()
    if source.value == "plan":
        planned = desk_words.shown_plan(wanted, mode, desk_words.moments_of(wanted))
        names = planned.names
        shown = schedule_of(planned, float(days.value), objective.value or "")
    else:
        with mo.status.spinner("Scheduling", remove_on_exit=True):
            shown = load_schedule(
                mo.cli_args().get("problem") or "",
                dropped.contents() if dropped.value else None,
                objective=objective.value or "",
            )
    return names, planned, shown


@app.cell(hide_code=True)
def head(planned, shown, wanted):
    _facts = (
        [("Source", shown.source)]
        if planned is None
        else facts_of(planned, wanted("known_at"))
    )
    mo.Html(
        page.header(
            say("production_schedule"), _facts, finding=schedule_finding(shown.schedule)
        )
    )
    return


@app.cell(hide_code=True)
def ask(days, dropped, mode, objective, planned, shown, source):
    _asked = [dropped] if planned is None else [mode, days]
    _file = mo.download(
        example_bytes, filename="schedule.json", label=say("example_file")
    )
    _example = [html(page.empty(say("an_example_not_your_plant"), EXAMPLE_NOTE)), _file]
    mo.vstack(
        [
            mo.hstack([source, objective, *_asked], justify="start", wrap=True),
            *(_example if shown.is_example else []),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def trouble(planned, shown):
    _plan_fails = planned is not None and planned.problem is not None
    _where = planned if _plan_fails else shown
    mo.stop(shown.schedule is None, trouble_of(_where))
    schedule = shown.schedule
    return (schedule,)


@app.cell(hide_code=True)
def tiles(names, schedule):
    html(tiles_html(schedule_tiles(schedule, names.zone, names)))
    return


@app.cell(hide_code=True)
def gantt(names, schedule):
    mo.vstack(
        [
            picture(
                gantt_chart(schedule, names.zone, names),
                say("no_schedule"),
                say("see_conflicts_below"),
            ),
            html(f'<p class="muted small">{say("schedule_gantt_legend")}</p>'),
        ],
        gap=0,
    )
    return


@app.cell(hide_code=True)
def remembered():
    # What was decided stays while the plan is made anew for it.
    get_asked, ask = mo.state(None)
    get_decision, decide = mo.state(None)
    approver = Approver()
    accept = mo.ui.run_button(label=say("approve_the_edit"), kind="success")
    return accept, approver, ask, decide, get_asked, get_decision


@app.cell(hide_code=True)
def take(ask, decide, planned, schedule):
    def _price(_press):
        decide(None)
        _edits = scheduled_edits(planned.plan, schedule)
        ask(EditForm(form={"kind": "mass_change", "edits": _edits}))

    take_over = mo.ui.button(label=say("price_of_the_schedule"), on_change=_price)
    take_over if planned and planned.source.lake else None
    return (take_over,)


@app.cell(hide_code=True)
def price(get_asked, names, planned):
    mo.stop(planned is None or get_asked() is None)
    asked = plan_page.show_edit(planned, get_asked().form, get_asked().press)
    _words = desk_words.edited_words(planned.plan, get_asked().form, names)
    html(decision_words.asked_html(asked, names, _words))
    return (asked,)


@app.cell(hide_code=True)
def approve(accept, approver, asked):
    mo.hstack(
        [approver.field(), accept], justify="start", wrap=True
    ) if desk_parts.is_ready(asked) else None
    return


@app.cell(hide_code=True)
def approved(accept, approver, asked, decide):
    mo.stop(not accept.value)
    decide(Decision(asked=asked, approver=approver.value))
    return


@app.cell(hide_code=True)
def outcome(ask, get_decision, planned):
    desk_parts.outcome(
        planned, get_decision(), lambda done: ask(None) if done.kept else None
    )
    return


@app.cell(hide_code=True)
def choose_tab(keep, wanted):
    tab = desk_words.tab_bar((say("orders"), say("risk")), wanted, keep, say("orders"))
    return (tab,)


@app.cell(hide_code=True)
def bar(schedule, tab):
    tab if schedule else None
    return


@app.cell(hide_code=True)
def orders(names, schedule, shown, tab):
    mo.stop(tab.value != say("orders"))
    section(
        "orders",
        "",
        html(proof_html(schedule)),
        order_table(schedule, names),
        mo.accordion(
            {
                f"Data findings: {page.findings_words(shown.findings)}": html(
                    page.findings_html(shown.findings, names)
                )
            }
        )
        if shown.findings
        else html(""),
    )
    return


@app.cell(hide_code=True)
def uncertainty(keep, schedule, wanted):
    mo.stop(schedule.operations.is_empty())
    _names = sorted({n for n in schedule.operations["name"].drop_nulls() if n})
    spread = mo.ui.slider(
        start=0,
        stop=60,
        step=5,
        value=int(wanted("spread") or 0),
        show_value=True,
        label=say("volatility_of_run_times_0"),
        on_change=lambda value: keep("spread", str(value)),
    )
    steps = mo.ui.dropdown(
        _names, value=None, allow_select_none=True, label=say("these_steps_only")
    )
    return spread, steps


@app.cell(hide_code=True)
def risk(schedule, spread, steps, tab):
    mo.stop(tab.value != say("risk"))
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
            picture(risk_chart(_told), "No risk", say("nothing_is_uncertain")),
            risk_table(_told),
        ]
    )
    section("risk", say("risk_of_the_makespan"), _controls, *_parts)
    return


@app.cell(hide_code=True)
def trust(schedule):
    mo.Html(schedule_foot(schedule))
    return


if __name__ == "__main__":
    app.run()
