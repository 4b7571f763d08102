# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Orders

All planned and open orders with what they serve, how late and at what value; firm,
release, reschedule or cancel many at once at one price, undo, history, export.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: orders")

with app.setup:
    import marimo as mo

    from medhavi.service import grid_groups
    from medhavi.service.order_pages import one_order, order_filters, order_page
    from medhavi.service.page_data import (
        html,
        trouble_of,
    )
    from medhavi.service.plan_pages import (
        decision_words,
        desk_parts,
        desk_words,
        plan_page,
    )
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.service.plan_pages.page_choices import drawer_tabs
    from medhavi.service.plan_pages.plan_page import (
        Decision,
        EditedOrders,
        EditForm,
        EditSession,
    )
    from medhavi.views import order_grid, page, theme
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("orders"))
    return


@app.cell(hide_code=True)
def address():
    _params = mo.query_params()
    wanted, keep = desk_words.address_of(_params)
    link = desk_words.page_link(_params.to_dict(), order_page.FILTERS)
    return keep, link, wanted


@app.cell(hide_code=True)
def how(keep, wanted):
    mode = desk_words.mode_choice(wanted, keep)
    return (mode,)


@app.cell(hide_code=True)
def remembered():
    # What a person selected stays while the plan is made anew for what was decided.
    session = EditSession()
    get_asked, ask = mo.state(None)
    get_decision, decide = mo.state(None)
    get_renewed, renew = mo.state(0)
    get_form, draw_form = mo.state(0)
    get_filters, _draw_filters = mo.state(0)
    approver = Approver()

    def preview(edit):
        decide(None)
        ask(EditForm(form=edit))

    def draw_filters():
        _draw_filters(lambda times: times + 1)

    def settle(done):
        if done.kept:
            session.select(done.orders)
            ask(None)

    return (
        approver,
        decide,
        draw_filters,
        draw_form,
        get_asked,
        get_decision,
        get_filters,
        get_form,
        get_renewed,
        preview,
        renew,
        session,
        settle,
    )


@app.cell(hide_code=True)
def data(get_renewed, mode, wanted):
    _renewed = get_renewed()
    shown = desk_words.shown_plan(wanted, mode, desk_words.moments_of(wanted))
    plan_page.expect_edits(shown)
    names, known_at = shown.names, wanted("known_at")
    everything = order_page.orders_of(shown)
    return everything, known_at, names, shown


@app.cell(hide_code=True)
def choose(everything, get_filters, keep, names, shown, wanted):
    _drawn = get_filters()
    chosen = (
        order_page.filter_choice(everything, shown.plan, names, wanted, keep)
        if shown.plan
        else None
    )
    return (chosen,)


@app.cell(hide_code=True)
def kept(chosen, everything, session, wanted):
    rows = (
        order_grid.filtered(everything, order_page.filter_of(chosen.value))
        if chosen is not None
        else everything
    )
    if chosen is not None:
        order_page.select_asked(session, everything, rows, wanted)
    return (rows,)


@app.cell(hide_code=True)
def head(everything, known_at, mode, names, rows, shown):
    _found = order_grid.orders_finding(everything, rows, names) if shown.plan else ""
    mo.vstack(
        desk_words.page_head(say("orders"), shown, known_at, _found, [mode]),
        gap=1,
    )
    return


@app.cell(hide_code=True)
def trouble(shown):
    mo.stop(shown.problem is not None, trouble_of(shown))
    plan, snapshot = shown.plan, shown.snapshot
    return plan, snapshot


@app.cell(hide_code=True)
def tiles(chosen, everything, link, plan, shown):
    html(
        order_filters.tiles_of(shown, everything, chosen.value, link)
    ) if plan else None
    return


@app.cell(hide_code=True)
def press(chosen, draw_filters, everything, keep, plan, shown):
    mo.stop(plan is None)
    presses = order_filters.filter_choices(
        order_filters.filter_values(shown, everything),
        chosen.value,
        keep,
        draw_filters,
    )
    mo.hstack(presses, justify="start", wrap=True) if presses else None
    return (presses,)


@app.cell(hide_code=True)
def choose_group(keep, names, wanted):
    grouping = order_grid.order_grouping(names)
    group = grid_groups.group_choice(grouping, wanted, keep)
    return group, grouping


@app.cell(hide_code=True)
def groups(group, grouping, keep, names, plan, rows, wanted):
    mo.stop(plan is None)
    grouped = grid_groups.group_table(rows, grouping, group.value, names, wanted, keep)
    return (grouped,)


@app.cell(hide_code=True)
def list_rows(group, grouped, grouping, rows):
    listed = grid_groups.listed_rows(rows, grouping, group.value, grouped)
    return (listed,)


@app.cell(hide_code=True)
def choose_rows(chosen, group, grouped, grouping, names, rows, table):
    mo.vstack(
        [
            mo.hstack(
                [
                    *chosen.elements.values(),
                    group,
                    order_page.exports(
                        rows, names, grouping, group.value, grouped, table
                    ),
                ],
                justify="start",
                align="end",
                wrap=True,
            ),
            *([] if grouped is None else [grouped]),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def grid(grouped, keep, listed, names, rows, session):
    table = order_page.order_table(listed, names, session, keep)
    _none = html(page.empty(say("no_order_matches"), say("remove_a_filter")))
    _nothing = None if rows.height and grouped is not None else _none
    table if listed.height else _nothing
    return (table,)


@app.cell(hide_code=True)
def select(everything, table):
    _ids = list(table.value["Id"]) if len(table.value) else []
    selected = order_page.selected_rows(everything, _ids)
    return (selected,)


@app.cell(hide_code=True)
def choose_tab(keep, mode, wanted):
    tab = desk_words.tab_bar(
        drawer_tabs(mode.value),
        wanted,
        keep,
        say("why") if wanted("order") else say("edit"),
    )
    return (tab,)


@app.cell(hide_code=True)
def choose_one(selected):
    one = one_order.order_choice(selected)
    return (one,)


@app.cell(hide_code=True)
def chosen_words(selected):
    html(order_page.selection_words(selected)) if selected else None
    return


@app.cell(hide_code=True)
def bar(plan, tab):
    # Apart from what changes with the selection: a click on it is not lost.
    tab if plan else None
    return


@app.cell(hide_code=True)
def look(one, selected):
    _id = one.value if one is not None else None
    looked = next((row for row in selected if _id in (None, row["id"])), None)
    return (looked,)


@app.cell(hide_code=True)
def why(everything, looked, names, one, plan, tab, wanted):
    mo.stop(plan is None or tab.value != say("why"))
    _parts = (
        one_order.why_parts(plan, looked, names)
        if looked
        else [html(one_order.missing_html(wanted("order"), everything))]
    )
    mo.vstack([*([one] if one is not None else []), *_parts], gap=1)
    return


@app.cell(hide_code=True)
def choose_remedy(everything, looked, names, plan, tab, wanted):
    mo.stop(plan is None or tab.value != say("remedies"))
    _late = one_order.late_served(plan, looked) if looked else []
    remedy_form = None
    if _late:
        remedy_form = desk_parts.remedy_form(plan, names, _late)
    _told = html(one_order.no_help(wanted("order"), everything, looked))
    _told if remedy_form is None else remedy_form
    return (remedy_form,)


@app.cell(hide_code=True)
def remedies(names, remedy_form, shown):
    mo.stop(remedy_form is None or remedy_form.value is None)
    tried, pick, _told = desk_parts.remedies_of(shown, remedy_form.value, names)
    _told
    return pick, tried


@app.cell(hide_code=True)
def look_at_one(names, pick, preview, shown, tried):
    mo.stop(pick is None)
    remedy_line = desk_parts.remedy_line(
        tried[pick.value], shown.snapshot, names, preview
    )
    desk_parts.remedy_part(pick, remedy_line)
    return (remedy_line,)


@app.cell(hide_code=True)
def choose_action(plan, selected, session, shown, snapshot):
    action = None
    if plan:
        action = order_page.action_choice(selected, plan, snapshot, session)
    if action is not None:
        plan_page.prepare_edits(shown)
    return (action,)


@app.cell(hide_code=True)
def edit(action, plan, selected, tab):
    mo.stop(plan is None or tab.value != say("edit"))
    if action is None:
        _parts = [html(order_page.no_action(selected))]
    else:
        _parts = [action, html(order_page.action_note(selected, action.value))]
    mo.vstack(_parts, gap=1)
    return


@app.cell(hide_code=True)
def ask_about(action, draw_form, plan, selected, session, snapshot):
    _edited = (
        EditedOrders(kind=action.value, selected=selected, snapshot=snapshot, plan=plan)
        if action is not None
        else None
    )
    if session.ask(_edited):
        draw_form(lambda times: times + 1)
    return


@app.cell(hide_code=True)
def fill_in(get_form, preview, session):
    # Apart from the plan: what is being filled in stays while it is made anew.
    _drawn = get_form()
    edit_form = order_page.edit_form(session, preview)
    return (edit_form,)


@app.cell(hide_code=True)
def form(edit_form, tab):
    edit_form if tab.value == say("edit") else None
    return


@app.cell(hide_code=True)
def price(get_asked, names, plan, renew, session, shown):
    mo.stop(get_asked() is None)
    _edit = get_asked().form
    asked = plan_page.show_edit(shown, _edit, get_asked().press)
    mo.stop(
        plan_page.is_replanned(shown, asked, session, renew),
        html(f'<p class="muted">{say("planning_again")}</p>'),
    )
    _order = desk_words.edited_words(plan, _edit, names)
    _option = f" --mode {plan.run.mode}{shown.source.option}"
    html(decision_words.asked_html(asked, names, _order, _option))
    return (asked,)


@app.cell(hide_code=True)
def choose_accept(asked):
    accept = mo.ui.run_button(label=say("approve_the_edit"), kind="success")
    ready = desk_parts.is_ready(asked)
    return accept, ready


@app.cell(hide_code=True)
def approve(accept, approver, ready):
    mo.hstack([approver.field(), accept], justify="start", wrap=True) if ready else None
    return


@app.cell(hide_code=True)
def approved(accept, approver, asked, decide):
    mo.stop(not accept.value)
    decide(Decision(asked=asked, approver=approver.value))
    return


@app.cell(hide_code=True)
def buttons():
    # Apart from where they are shown: pressed right after the name, they are the same.
    back = mo.ui.run_button(label=say("undo_last_decision"))
    return (back,)


@app.cell(hide_code=True)
def history(approver, back, known_at, looked, names, shown, tab):
    mo.stop(shown.plan is None or tab.value != say("history"))
    _past = plan_page.decisions(shown, known_at)
    _own = (
        [
            html(
                f"<h3>{looked['number']}</h3>{one_order.events_html(shown, looked, known_at, _past)}"
            )
        ]
        if looked
        else []
    )
    mo.vstack(
        [
            *_own,
            html(f"<h3>Decisions</h3>{decision_words.history_html(_past, names)}"),
            *desk_parts.undo_row(
                _past,
                approver,
                back,
                *([one_order.decided_file(shown)] if _past else []),
            ),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def taken_back(approver, back, decide):
    mo.stop(not back.value)
    decide(Decision(approver=approver.value))
    return


@app.cell(hide_code=True)
def outcome(get_decision, settle, shown):
    _told = desk_parts.outcome(shown, get_decision(), settle)
    decided = get_decision()
    _told
    return (decided,)


@app.cell(hide_code=True)
def undo(approver, decide, decided):
    undo = desk_parts.undo_button(decided, approver.value, decide)
    undo
    return (undo,)


@app.cell(hide_code=True)
def trust(known_at, plan, shown):
    desk_words.foot(shown, known_at) if plan else None
    return


if __name__ == "__main__":
    app.run()
