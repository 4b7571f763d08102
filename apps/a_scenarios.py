# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Scenarios

What-ifs built by clicks, up to six beside today's plan: late demands, cost by part,
dates and orders that differ, the study file that repeats them, and the way to accept.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: scenarios")

with app.setup:
    from html import escape
    from typing import Any

    import marimo as mo

    from medhavi.edits.edit import KINDS
    from medhavi.service.page_data import (
        facts_of,
        html,
        picture,
        problem_html,
        trouble_of,
    )
    from medhavi.service.plan_pages import (
        decision_words,
        desk_parts,
        desk_words,
        plan_page,
    )
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.service.scenario_pages import (
        saved_list,
        scenario_form,
        scenario_page,
    )
    from medhavi.views import page, theme
    from medhavi.views.pictures import scenarios as side_by_side
    from medhavi.views.pictures.lateness import plan_finding
    from medhavi.views.tiles import tiles_html
    from medhavi.views.words import say
    from medhavi.workbench.studies import scenario_list

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("scenarios"))
    return


@app.cell(hide_code=True)
def address():
    wanted, keep = desk_words.address_of(mo.query_params())
    return keep, wanted


@app.cell(hide_code=True)
def how(keep, wanted):
    mode = desk_words.mode_choice(wanted, keep)
    return (mode,)


@app.cell(hide_code=True)
def remembered(keep, wanted):
    # The cells that send changes and remove them are those that show them.
    get_list, set_list = mo.state(
        scenario_list.read_list(wanted("scenarios")), allow_self_loops=True
    )
    get_draft, set_draft = mo.state(scenario_form.ChangeForm(), allow_self_loops=True)
    _unasked: Any = None
    get_asked, ask = mo.state(_unasked)
    get_decision, decide = mo.state(None)
    get_removed, tell_removed = mo.state(0.0, allow_self_loops=True)
    approver = Approver()

    def hold(held):
        fresh = scenario_page.changed_name(get_list(), held)
        if fresh:
            keep("scenario", fresh)
        set_list(held)
        ask(None)

    def settle(done, source):
        if done.kept and get_asked():
            _name = get_asked()[0]
            _done = scenario_page.by_name(get_list().scenarios, _name)
            if _done is not None:
                saved_list.forget(source, _done)
            hold(get_list().without(_name))

    return (
        approver,
        ask,
        decide,
        get_asked,
        get_decision,
        get_draft,
        get_list,
        get_removed,
        hold,
        set_draft,
        settle,
        tell_removed,
    )


@app.cell(hide_code=True)
def keep_list(get_list, keep, wanted):
    if wanted("scenarios") != get_list().text() and not get_list().trouble:
        keep("scenarios", get_list().text())
    return


@app.cell(hide_code=True)
def data(mode, wanted):
    shown = desk_words.shown_plan(
        wanted, mode, desk_words.moments_of(wanted, scenario=False)
    )
    names = shown.names
    return names, shown


@app.cell(hide_code=True)
def head(shown, wanted):
    _found = plan_finding(shown.plan, shown.names) if shown.plan else ""
    mo.Html(
        page.header(
            say("scenarios_title"),
            facts_of(shown, wanted("known_at")),
            finding=say("compared_with_the_plan", _found) if _found else "",
        )
    )
    return


@app.cell(hide_code=True)
def trouble(shown):
    mo.stop(shown.problem is not None, trouble_of(shown))
    plan, snapshot = shown.plan, shown.snapshot
    return plan, snapshot


@app.cell(hide_code=True)
def choose_kind(keep, plan, snapshot, wanted):
    mo.stop(plan is None)
    kind = scenario_form.kind_choice(snapshot, wanted, keep)
    return (kind,)


@app.cell(hide_code=True)
def make_form(get_draft, get_list, hold, kind, set_draft, shown, wanted):
    def _send(values):
        if values is not None:
            _held, _told = scenario_page.add_change(
                get_list(), shown, kind.value, values
            )
            set_draft(_told)
            if _held is not get_list():
                hold(_held)

    form = scenario_page.form_of(
        KINDS[kind.value],
        shown,
        get_draft(),
        get_list().names,
        wanted,
        _send,
    )
    return (form,)


@app.cell(hide_code=True)
def arrive(get_list, hold, keep, kind, set_draft, shown, wanted):
    # A link that says all that is needed is one press to its result.
    if wanted("add"):
        keep("add", "")
        _held, _told, _name = scenario_page.stated_change(
            get_list(), shown, KINDS[kind.value], wanted
        )
        set_draft(_told)
        if _name:
            keep("scenario", _name)
        if _held is not get_list():
            hold(_held)
    return


@app.cell(hide_code=True)
def build(form, get_draft, kind, mode):
    _trouble = get_draft().trouble if get_draft().kind == kind.value else ""
    scenario_page.builder([kind, mode], form, _trouble)
    return


@app.cell(hide_code=True)
def held(get_list, hold, names, plan):
    removals = scenario_page.removals(get_list(), names, hold)
    scenario_page.list_parts(get_list(), names, removals) if plan else None
    return


@app.cell(hide_code=True)
def saved_scenarios(get_list, get_removed, hold, names, plan, shown, tell_removed):
    mo.stop(plan is None or get_removed() is None)
    _held = get_list()
    _saved = saved_list.saved_list(shown.source, _held)
    saved_buttons = saved_list.saved_buttons(
        _saved, _held, shown.source, hold, tell_removed
    )
    saved_list.saved_parts(_saved, names, saved_buttons, folded=bool(_held.scenarios))
    return


@app.cell(hide_code=True)
def compared(get_list, plan, shown):
    mo.stop(plan is None or not get_list().scenarios)
    found, _missing = scenario_page.scenarios_beside(shown, get_list().scenarios)
    _waits = html("".join(map(problem_html, _missing)))
    mo.stop(not found, _waits)
    _waits
    return (found,)


@app.cell(hide_code=True)
def side_by_side_table(found, look, names):
    _told = side_by_side.scenario_finding(found, names, look.value)
    html(
        f'<p class="mv-finding">{escape(_told)}</p>'
        f"{side_by_side.comparison_table(found, names)}"
    )
    return


@app.cell(hide_code=True)
def choose(found, keep, wanted):
    look = scenario_page.scenario_choice(found, wanted, keep)
    return (look,)


@app.cell(hide_code=True)
def tiles(found, look, names):
    one = scenario_page.by_name(found, look.value)
    mo.vstack(
        [
            mo.hstack([look], justify="start"),
            html(tiles_html(side_by_side.scenario_tiles(one, names), "#scenarios"))
            if one.is_planned
            else html(
                page.problem(say("has_no_plan", one.name), names.told(one.problem))
            ),
        ],
        gap=1,
    )
    return (one,)


@app.cell(hide_code=True)
def proposal(get_list, one, shown):
    scenario = scenario_page.by_name(get_list().scenarios, one.name)
    answer = scenario_page.edit_of(shown, scenario) if scenario else None
    return answer, scenario


@app.cell(hide_code=True)
def preview_button(answer, ask, decide, scenario):
    def _asked(_):
        decide(None)
        ask((scenario.name, plan_page.EditForm(form=answer.edit)))

    preview = mo.ui.button(label=say("preview_cost"), on_click=_asked)
    return (preview,)


@app.cell(hide_code=True)
def file(get_list, plan, shown, wanted):
    mo.stop(plan is None)
    study = scenario_page.study_file(shown, get_list().scenarios, wanted)
    return (study,)


@app.cell(hide_code=True)
def show(answer, found, one, preview, scenario, shown, study):
    mo.stop(scenario is None)
    _names = shown.names
    _tabs = {
        say("cost_by_part"): mo.vstack(
            [
                picture(
                    side_by_side.waterfall_chart(one, _names)
                    if one.is_planned
                    else None,
                    say("no_plan_to_draw"),
                    say("change_the_scenario_the_reason"),
                ),
                html(side_by_side.money_table(found, _names)),
            ],
            gap=1,
        ),
        say("demands_and_promises"): scenario_page.demand_table(shown, scenario, one),
        say("orders"): scenario_page.order_table(one, _names),
        say("tab_accept"): scenario_page.accept_parts(answer, shown, scenario, preview),
        say("tab_study_file"): scenario_page.study_parts(study),
    }
    mo.ui.tabs(_tabs)
    return


@app.cell(hide_code=True)
def price(get_asked, names, scenario, shown):
    mo.stop(get_asked() is None or scenario is None or get_asked()[0] != scenario.name)
    _edit = get_asked()[1]
    asked = plan_page.show_edit(shown, _edit.form, _edit.press)
    html(
        f"<h3>Accept {escape(scenario.name)}</h3>{decision_words.asked_html(asked, names)}"
    )
    return (asked,)


@app.cell(hide_code=True)
def approve(asked):
    ready = desk_parts.is_ready(asked)
    accept = mo.ui.run_button(label=say("approve_the_scenario"), kind="success")
    return accept, ready


@app.cell(hide_code=True)
def approval(accept, approver, ready):
    mo.hstack([approver.field(), accept], justify="start", wrap=True) if ready else None
    return


@app.cell(hide_code=True)
def approved(accept, approver, asked, decide):
    mo.stop(not accept.value)
    decide(plan_page.Decision(asked=asked, approver=approver.value))
    return


@app.cell(hide_code=True)
def outcome(get_decision, settle, shown):
    desk_parts.outcome(shown, get_decision(), lambda done: settle(done, shown.source))
    return


@app.cell(hide_code=True)
def trust(plan, shown, wanted):
    desk_words.foot(shown, wanted("known_at")) if plan else None
    return


if __name__ == "__main__":
    app.run()
