# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Capacity

Load by resource and week, the operations of a window by unit, why one begins when it
does, and the cost of moving it, of a downtime or of other shifts.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: capacity")

with app.setup:
    import marimo as mo

    from medhavi.service import grid_groups
    from medhavi.service.capacity_pages import (
        capacity_edits,
        capacity_page,
        capacity_parts,
    )
    from medhavi.service.page_data import html, trouble_of
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
        EditForm,
        EditSession,
    )
    from medhavi.units import from_seconds
    from medhavi.views import page, theme
    from medhavi.views.names import local
    from medhavi.views.plan_pages import capacity_words
    from medhavi.views.tiles import tiles_html
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("capacity"))
    return


@app.cell(hide_code=True)
def address():
    _params = mo.query_params()
    wanted, keep = desk_words.address_of(_params)
    link = desk_words.page_link(
        _params.to_dict(), ("resource", "from", "days", "order", "step")
    )
    return keep, link, wanted


@app.cell(hide_code=True)
def how(keep, wanted):
    mode = desk_words.mode_choice(wanted, keep)
    colour = capacity_page.colour_choice(wanted, keep)
    rows = capacity_page.rows_choice(wanted, keep)
    return colour, mode, rows


@app.cell(hide_code=True)
def remembered():
    # What a person chose stays while the plan is made anew for what was decided.
    session = EditSession()
    get_window, _set_window = mo.state(None)
    get_operation, _set_operation = mo.state(None)
    get_asked, ask = mo.state(None)
    get_dragged, drag = mo.state(None)
    get_put_back, _put_back = mo.state(0)
    get_decision, decide = mo.state(None)
    get_renewed, renew = mo.state(0)
    get_picture, _set_picture = mo.state(0)
    approver = Approver()
    back = mo.ui.run_button(label=say("undo_last_decision"))

    def set_window(chosen):
        drag(None)
        _set_window(chosen)

    def set_operation(chosen):
        drag(None)
        _set_operation(chosen)

    def put_back():
        drag(None)
        _put_back(lambda times: times + 1)

    def draw_picture():
        _set_picture(lambda times: times + 1)

    def price(edit):
        decide(None)
        drag(None)
        ask(EditForm(form=edit))

    def settle(done):
        if done.kept:
            ask(None)
            _set_operation(
                lambda chosen: capacity_page.decided_operation(chosen, done.orders)
            )

    return (
        approver,
        ask,
        back,
        decide,
        drag,
        draw_picture,
        get_asked,
        get_decision,
        get_dragged,
        get_operation,
        get_picture,
        get_put_back,
        get_renewed,
        get_window,
        price,
        put_back,
        renew,
        session,
        set_operation,
        set_window,
        settle,
    )


@app.cell(hide_code=True)
def data(get_renewed, mode, wanted):
    _renewed = get_renewed()
    shown = desk_words.shown_plan(wanted, mode, desk_words.moments_of(wanted))
    plan_page.expect_edits(shown)
    names, loads = shown.names, capacity_page.loads_of(shown)
    return loads, names, shown


@app.cell(hide_code=True)
def look(get_window, loads, names, shown, wanted):
    window = get_window()
    if window is None and shown.plan is not None:
        window = capacity_page.first_window(shown.plan, loads, names, wanted)
    return (window,)


@app.cell(hide_code=True)
def look_elsewhere(keep, set_window):
    def choose(chosen):
        capacity_page.keep_window(keep, chosen)
        set_window(chosen)

    return (choose,)


@app.cell(hide_code=True)
def look_at(get_operation, shown, wanted, window):
    # Apart from the window: a click on an operation leaves what shows that alone.
    view = window
    if window is not None:
        view = capacity_page.with_operation(window, shown.plan, get_operation(), wanted)
    return (view,)


@app.cell(hide_code=True)
def look_at_another(keep, set_operation, shown, window):
    def choose_operation(key):
        keep("edit", "")
        if chosen := capacity_page.operation_of(shown.plan, key):
            capacity_page.keep_window(keep, window)
            capacity_page.keep_operation(keep, chosen, shown.plan)
            set_operation(chosen)

    return (choose_operation,)


@app.cell(hide_code=True)
def look_into(choose, draw_picture, keep):
    # A cell of the load leads to its window.
    def choose_cell(chosen):
        keep("picture", page.tab_address(capacity_page.GANTT))
        draw_picture()
        choose(chosen)

    return (choose_cell,)


@app.cell(hide_code=True)
def rank(loads, names, shown):
    # Apart from what is looked at, as the tiles are: a click works nothing out anew.
    ranked: list[str] = []
    finding = ""
    if shown.plan is not None:
        finding = capacity_words.capacity_finding(shown.plan, loads, names)
        _needed = capacity_words.resources_by_need(shown.plan, loads)["resource"]
        ranked = _needed.to_list()
    return finding, ranked


@app.cell(hide_code=True)
def choose_resource(choose, names, ranked, window):
    resource = None
    if window is not None:
        resource = capacity_page.resource_choice(ranked, names, window, choose)
    return (resource,)


@app.cell(hide_code=True)
def head(finding, mode, names, resource, shown, wanted, window):
    mo.vstack(
        capacity_page.head_parts(
            shown, names, finding, [resource, mode], wanted("known_at"), window
        ),
        gap=1,
    )
    return


@app.cell(hide_code=True)
def trouble(shown):
    mo.stop(shown.problem is not None, trouble_of(shown))
    plan, snapshot = shown.plan, shown.snapshot
    return plan, snapshot


@app.cell(hide_code=True)
def nothing(names, plan, ranked, wanted):
    _missing = (
        capacity_words.missing_html(wanted("resource"), ranked, names) if plan else ""
    )
    html(_missing) if _missing else None
    return


@app.cell(hide_code=True)
def tiles(link, loads, names, plan, snapshot):
    mo.stop(plan is None)
    _tiles = capacity_words.capacity_tiles(plan, loads, names, snapshot)
    html(tiles_html(_tiles, link))
    return


@app.cell(hide_code=True)
def choose_picture(get_picture, keep, plan, wanted):
    # Drawn anew where a cell of the load leads to its window.
    _drawn = get_picture()
    mo.stop(plan is None)
    which = capacity_page.picture_choice(capacity_page.first_picture(wanted), keep)
    which
    return (which,)


@app.cell(hide_code=True)
def load_map(choose_cell, loads, names, plan, which, window):
    mo.stop(window is None or which.value != capacity_page.LOAD)
    load_picture, _title, _files = capacity_page.load_picture(
        plan, loads, names, window, choose_cell
    )
    capacity_page.framed(load_picture, _title, _files)
    return (load_picture,)


@app.cell(hide_code=True)
def priced(get_asked, renew, session, shown):
    # None while nothing is asked for: the pictures below are drawn all the same.
    asked = None
    if get_asked() is not None:
        asked = capacity_edits.priced(shown, get_asked())
        if plan_page.is_replanned(shown, asked, session, renew):
            asked = None
    return (asked,)


@app.cell(hide_code=True)
def window_choice(choose, names, plan, window):
    mo.stop(window is None)
    _now = local(from_seconds(plan.run.as_of or 0), names.zone_of(window.resource))
    controls = capacity_page.window_controls(window, _now.date(), choose)
    return (controls,)


@app.cell(hide_code=True)
def choose_window(colour, names, rows, snapshot, window):
    mo.stop(window is None)
    days = capacity_page.shown_window(window, snapshot, names, rows.value, colour.value)
    return (days,)


@app.cell(hide_code=True)
def draw_window(days, get_put_back, view, which):
    # What is put back is drawn anew where it was.
    _put_back = get_put_back()
    mo.stop(which.value != capacity_page.GANTT)
    drawn = capacity_page.with_chosen(days, view)
    return (drawn,)


@app.cell(hide_code=True)
def place_bars(asked, days, names, shown, which):
    # Apart from the chosen operation: a click draws them, and works nothing out.
    mo.stop(which.value != capacity_page.GANTT)
    placed = capacity_page.placed_bars(shown, days, names, asked)
    return (placed,)


@app.cell(hide_code=True)
def draw_gantt(choose_operation, drag, drawn, names, placed, shown, view):
    def _dropped(place):
        drag(
            capacity_edits.read(
                lambda: capacity_edits.dragged(shown, view, *place), names
            )
            if place
            else None
        )

    gantt_picture, gantt_title, gantt_files = capacity_page.gantt_picture(
        placed, shown, drawn, names, choose_operation, _dropped
    )
    return gantt_files, gantt_picture, gantt_title


@app.cell(hide_code=True)
def gantt(colour, controls, gantt_files, gantt_picture, gantt_title, rows):
    mo.vstack(
        [
            mo.hstack(
                [*controls.elements.values(), colour, rows],
                justify="start",
                align="end",
                wrap=True,
            ),
            capacity_page.framed(
                gantt_picture, gantt_title, gantt_files, capacity_page.LEGEND
            ),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def dragged_order(get_dragged):
    # A cell of its own: what a press changes runs all cells but that of its button.
    dragged = get_dragged()
    return (dragged,)


@app.cell(hide_code=True)
def dragged_choice(dragged, put_back, price, shown):
    if dragged is not None:
        plan_page.prepare_edits(shown)
    choices = capacity_edits.dragged_choices(dragged, shown, price, put_back)
    return (choices,)


@app.cell(hide_code=True)
def dragged_to(choices, dragged, names, plan):
    mo.stop(dragged is None)
    mo.hstack(
        [
            capacity_edits.dragged_part(dragged, plan, names),
            *choices.elements.values(),
        ],
        justify="start",
        align="center",
        wrap=True,
    )
    return


@app.cell(hide_code=True)
def choose_group(keep, names, wanted):
    grouping = capacity_words.operation_grouping(names)
    group = grid_groups.group_choice(grouping, wanted, keep)
    return group, grouping


@app.cell(hide_code=True)
def in_window(days, plan):
    work = capacity_page.operations_of(plan, days)
    return (work,)


@app.cell(hide_code=True)
def groups(group, grouping, keep, names, wanted, work):
    grouped = grid_groups.group_table(work, grouping, group.value, names, wanted, keep)
    return (grouped,)


@app.cell(hide_code=True)
def list_operations(group, grouped, grouping, work):
    listed = grid_groups.listed_rows(work, grouping, group.value, grouped)
    return (listed,)


@app.cell(hide_code=True)
def choose_row(choose_operation, listed, names, plan, view):
    table = capacity_page.operation_table(listed, plan, names, view, choose_operation)
    return (table,)


@app.cell(hide_code=True)
def grid(group, grouped, table):
    capacity_page.operation_grid(table, group, grouped)
    return


@app.cell(hide_code=True)
def chosen_words(names, plan, view):
    mo.stop(view is None)
    capacity_parts.chosen_head(plan, view, names)
    return


@app.cell(hide_code=True)
def decision_buttons(asked):
    accept = mo.ui.run_button(label=say("approve_the_edit"), kind="success")
    drop = mo.ui.run_button(label=say("drop_it"))
    return accept, drop


@app.cell(hide_code=True)
def decide(accept, approver, asked, drop, names, plan):
    mo.stop(asked is None)
    _buttons = (
        [approver.field(), accept, drop] if desk_parts.is_ready(asked) else [drop]
    )
    mo.vstack(
        [
            html(f'<h2 class="mv-of" id="decide">{say("cost_and_demands")}</h2>'),
            capacity_edits.priced_part(asked, plan, names),
            mo.hstack(_buttons, justify="start", align="end", wrap=True),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def outcome(approver, back, get_decision, settle, shown, tab):
    _told = desk_parts.outcome(shown, get_decision(), settle)
    _undo = [] if tab.value == say("history") else [approver.field(), back]
    mo.vstack(
        [_told, mo.hstack(_undo, justify="start", align="end", wrap=True)]
    ) if _told else None
    return


@app.cell(hide_code=True)
def choose_tab(keep, mode, wanted):
    tab = desk_words.tab_bar(drawer_tabs(mode.value), wanted, keep, say("why"))
    return (tab,)


@app.cell(hide_code=True)
def bar(tab, window):
    # Apart from what changes with the operation: a click on it is not lost.
    mo.stop(window is None)
    tab
    return


@app.cell(hide_code=True)
def why(plan, shown, tab, view):
    mo.stop(view is None or tab.value != say("why"))
    capacity_parts.why_part(plan, shown, view)
    return


@app.cell(hide_code=True)
def choose_remedy(names, plan, tab, view):
    mo.stop(view is None or tab.value != say("remedies"))
    remedy_form = capacity_parts.help_form(plan, view, names)
    capacity_parts.no_help_part(view) if remedy_form is None else remedy_form
    return (remedy_form,)


@app.cell(hide_code=True)
def remedies(names, remedy_form, shown):
    mo.stop(remedy_form is None or remedy_form.value is None)
    tried, pick, _told = desk_parts.remedies_of(shown, remedy_form.value, names)
    _told
    return pick, tried


@app.cell(hide_code=True)
def look_at_one(names, pick, price, shown, tried):
    mo.stop(pick is None)
    remedy_line = desk_parts.remedy_line(
        tried[pick.value], shown.snapshot, names, price
    )
    desk_parts.remedy_part(pick, remedy_line)
    return (remedy_line,)


@app.cell(hide_code=True)
def choose_calendar(keep, names, snapshot, wanted, window):
    mo.stop(window is None)
    calendar = capacity_edits.calendar_choice(snapshot, window, names, wanted, keep)
    return (calendar,)


@app.cell(hide_code=True)
def calendar_forms(calendar, names, price, snapshot):
    def _submitted(asked):
        return lambda form: (
            None
            if form is None
            else price(
                capacity_edits.read(
                    lambda: asked(form, snapshot, calendar.value), names
                )
            )
        )

    of_calendar = dict.fromkeys((capacity_parts.WEEK, capacity_parts.EXCEPTION))
    if calendar is not None:
        of_calendar[capacity_parts.WEEK] = capacity_edits.week_form(
            snapshot, calendar.value, _submitted(capacity_edits.week_change)
        )
        of_calendar[capacity_parts.EXCEPTION] = capacity_edits.exception_form(
            _submitted(capacity_edits.calendar_exception)
        )
    return (of_calendar,)


@app.cell(hide_code=True)
def ask_for_downtime(names, price, ranked, window):
    def submit_downtime(form):
        if form is not None:
            price(
                capacity_edits.read(lambda: capacity_edits.downtime(form, names), names)
            )

    stopped = None
    if window is not None:
        stopped = capacity_edits.downtime_form(ranked, window, names, submit_downtime)
    return (stopped,)


@app.cell(hide_code=True)
def ask_for_a_move(names, plan, price, snapshot, view):
    def submit_move(form):
        if form is not None:
            price(
                capacity_edits.read(
                    lambda: capacity_edits.moved(form, view, names), names
                )
            )

    moving = None
    if view is not None and view.order:
        moving = capacity_edits.move_form(plan, snapshot, view, names, submit_move)
    return (moving,)


@app.cell(hide_code=True)
def all_forms(moving, of_calendar, stopped):
    forms = {
        capacity_parts.OPERATION: moving,
        capacity_parts.DOWNTIME: stopped,
        **of_calendar,
    }
    return (forms,)


@app.cell(hide_code=True)
def choose_edit(keep, view, wanted):
    mo.stop(view is None)
    kind = capacity_parts.edit_choice(view, wanted, keep)
    return (kind,)


@app.cell(hide_code=True)
def edit(calendar, forms, kind, shown, tab, view):
    mo.stop(tab.value != say("edit"))
    capacity_parts.edit_part(kind, shown, view, forms, calendar)
    return


@app.cell(hide_code=True)
def approved(accept, approver, asked, decide):
    mo.stop(not accept.value)
    decide(Decision(asked=asked, approver=approver.value))
    return


@app.cell(hide_code=True)
def dropped(ask, drop):
    mo.stop(not drop.value)
    ask(None)
    return


@app.cell(hide_code=True)
def history(approver, back, names, shown, tab, wanted):
    mo.stop(shown.plan is None or tab.value != say("history"))
    _past = plan_page.decisions(shown, wanted("known_at"))
    mo.vstack(
        [
            html(decision_words.history_html(_past, names, say("price_an_edit"))),
            *desk_parts.undo_row(_past, approver, back),
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
def trust(plan, shown, wanted):
    desk_words.foot(shown, wanted("known_at")) if plan else None
    return


if __name__ == "__main__":
    app.run()
