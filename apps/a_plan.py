# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Plan

Late demands and their causes, exceptions by money, orders to firm, move or release,
each edit with its cost before it is approved.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: plan")

with app.setup:
    import marimo as mo

    from medhavi.service import grid_groups
    from medhavi.service.capacity_pages import capacity_page
    from medhavi.service.page_data import (
        html,
        picture,
        said,
        section,
        trouble_of,
    )
    from medhavi.service.plan_pages import (
        decision_words,
        demand_page,
        desk_parts,
        desk_words,
        item_page,
        plan_page,
        plan_standing,
    )
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.service.plan_pages.page_choices import drawer_tabs
    from medhavi.service.plan_pages.plan_page import (
        Decision,
        EditForm,
        EditSession,
    )
    from medhavi.service.plan_pages.plan_standing import published_of, tiles_of
    from medhavi.views import item_record, page, theme
    from medhavi.views.order_list import (
        EXCEPTION_GROUPING,
        advice_of,
        exception_rows,
    )
    from medhavi.views.pictures.lateness import (
        causes_html,
        late_chart,
        overdue_chart,
    )
    from medhavi.views.pictures.load import load_chart
    from medhavi.views.pictures.stock import record_chart
    from medhavi.views.report import figures_html
    from medhavi.views.tiles import tiles_html
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("plan"))
    return


@app.cell(hide_code=True)
def address():
    _params = mo.query_params()
    wanted, keep = desk_words.address_of(_params)
    links = desk_words.tile_links(_params.to_dict())
    return keep, links, wanted


@app.cell(hide_code=True)
def moment(keep, wanted):
    moments = desk_words.moment_form(wanted, keep)
    return (moments,)


@app.cell(hide_code=True)
def how(keep, wanted):
    mode = desk_words.mode_choice(wanted, keep)
    return (mode,)


@app.cell(hide_code=True)
def remembered():
    # What a person chose stays while the plan is made anew for what was decided.
    session = EditSession()
    get_asked, ask = mo.state(None)
    get_decision, decide = mo.state(None)
    get_renewed, renew = mo.state(0)
    get_published, tell_published = mo.state(0)
    approver = Approver()

    def preview(edit):
        if edit is not None:
            decide(None)
            ask(EditForm(form=edit))

    def settle(done):
        if done.kept:
            ask(None)

    return (
        approver,
        decide,
        get_asked,
        get_decision,
        get_published,
        get_renewed,
        preview,
        renew,
        session,
        settle,
        tell_published,
    )


@app.cell(hide_code=True)
def data(get_renewed, mode, moments, wanted):
    _renewed = get_renewed()
    _chosen = {**desk_words.moments_of(wanted), **(moments.value or {})}
    shown = desk_words.shown_plan(wanted, mode, _chosen)
    names, known_at = shown.names, _chosen["known_at"]
    return known_at, names, shown


@app.cell(hide_code=True)
def history(get_published, shown):
    _again = get_published()
    published = published_of(shown)
    return (published,)


@app.cell(hide_code=True)
def head(known_at, mode, moments, published, shown):
    mo.vstack(desk_words.head_parts(shown, published, mode, moments, known_at), gap=1)
    return


@app.cell(hide_code=True)
def trouble(shown):
    mo.stop(shown.problem is not None, trouble_of(shown))
    plan = shown.plan
    return (plan,)


@app.cell(hide_code=True)
def tiles(links, plan, published, shown):
    costs = dict(shown.snapshot["products"].select("product", "unit_cost").iter_rows())
    html(tiles_html(tiles_of(shown, published), *links)) if plan else None
    return (costs,)


@app.cell(hide_code=True)
def choose_tab(keep, mode, wanted):
    tab = desk_words.tab_bar(
        desk_words.plan_tabs(mode.value), wanted, keep, desk_words.plan_tab(wanted)
    )
    return (tab,)


@app.cell(hide_code=True)
def bar(plan, tab, wanted):
    mo.vstack([html(desk_words.moved_html(wanted)), tab], gap=0) if plan else None
    return


@app.cell(hide_code=True)
def draw(mode, names, plan, tab):
    mo.stop(tab.value != say("column_demands"))
    if mode.value == "mrp":
        _chart, _key = overdue_chart(plan, names), "overdue"
        _none = say("no_start_before_now"), say("look_for_tight")
    else:
        _chart, _key = late_chart(plan, names), "late"
        _none = say("nothing_is_late"), say("all_demands_on_time")
    drawn = section(_key, "", picture(_chart, *_none))
    return (drawn,)


@app.cell(hide_code=True)
def causes(names, plan, tab):
    mo.stop(tab.value != say("cost_of_lateness_by_cause"))
    html(causes_html(plan, names))
    return


@app.cell(hide_code=True)
def choose_demand(keep, plan, shown, tab, wanted):
    _on = plan and tab.value == say("column_demands")
    demands = demand_page.demand_table(shown, wanted, keep) if _on else None
    return (demands,)


@app.cell(hide_code=True)
def choose_side(keep, mode, wanted):
    # Apart from what changes with the selection: a click on it is not lost.
    side = desk_words.tab_bar(
        drawer_tabs(mode.value), wanted, keep, say("why"), name="side"
    )
    everything = mo.ui.checkbox(label=say("all_orders_of_the_chain"))
    return everything, side


@app.cell(hide_code=True)
def grid(demands, drawn, names, plan, wanted):
    _grid = (
        html(demand_page.missing_html(wanted("demand"), demands))
        if demands is None
        else demand_page.table_part(demands, plan, names)
    )
    mo.vstack([drawn, _grid], gap=1)
    return


@app.cell(hide_code=True)
def select(demands):
    demand = demand_page.selected_demand(demands)
    return (demand,)


@app.cell(hide_code=True)
def selected(demand, demands, names, wanted):
    mo.stop(demands is None)
    html(
        page.drawer_head(f"<b>{names.html(demand)}</b>")
        if demand
        else demand_page.missing_html(wanted("demand"), demands)
    )
    return


@app.cell(hide_code=True)
def side_bar(demands, side):
    side if demands is not None else None
    return


@app.cell(hide_code=True)
def why(demand, everything, shown, side):
    mo.stop(demand is None or side.value != say("why"))
    demand_page.why_parts(shown, demand, everything)
    return


@app.cell(hide_code=True)
def choose_remedy(demand, names, plan, side):
    mo.stop(demand is None or side.value != say("remedies"))
    remedy_form = None
    if demand_page.is_late(plan, demand):
        remedy_form = desk_parts.remedy_form(plan, names, [demand], others=True)
    section(
        "remedies",
        "",
        *(
            [html(page.empty(say("demand_is_kept"), say("look_at_late_ones")))]
            if remedy_form is None
            else [
                html(f'<p class="muted">{say("changes_are_tried_in_order")}</p>'),
                remedy_form,
            ]
        ),
    )
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
def edit(demand, shown, side):
    mo.stop(demand is None or side.value != say("edit"))
    html(demand_page.edit_html(shown, demand))
    return


@app.cell(hide_code=True)
def past(demand, known_at, shown, side):
    mo.stop(demand is None or side.value != say("history"))
    html(demand_page.history_html(shown, demand, known_at))
    return


@app.cell(hide_code=True)
def choose_item(keep, names, plan, wanted):
    item = desk_words.item_choice(plan, names, wanted, keep)
    return (item,)


@app.cell(hide_code=True)
def stock(item, names, plan, shown, tab):
    mo.stop(tab.value != say("stock"))
    if item.value is None:
        _parts = [
            html(page.empty(say("no_stock_is_moved"), say("add_demands_or_a_later")))
        ]
    else:
        _product, _place = item.value.rsplit("|", 1)
        _link = item_record.item_link(_product, _place)
        _record = item_page.record_of(shown, item, "week")
        _parts = [
            mo.hstack(
                [
                    item,
                    html(f'<a href="{_link}" target="_self">Time-phased record</a>'),
                ],
                justify="start",
                wrap=True,
            ),
            picture(
                None if _record is None else record_chart(_record, plan, names),
                say("nothing_moves_here"),
                say("choose_another_product_and_place"),
            ),
        ]
    section("stock", say("projected_available_balance"), *_parts)
    return


@app.cell(hide_code=True)
def loads(names, plan, shown, tab):
    mo.stop(tab.value != say("capacity"))
    section(
        "loads",
        say("capacity_load"),
        picture(
            load_chart(plan, names, capacity_page.loads_of(shown)),
            say("no_resource_has_work"),
            say("add_steps"),
        ),
    )
    return


@app.cell(hide_code=True)
def choose_code(keep, plan, wanted):
    code = desk_words.code_choice(plan, wanted, keep)
    by = grid_groups.group_choice(EXCEPTION_GROUPING, wanted, keep)
    return by, code


@app.cell(hide_code=True)
def exception_groups(by, code, keep, names, plan, tab, wanted):
    mo.stop(tab.value != say("exceptions"))
    rows = exception_rows(plan, names, code.value)
    grouped = grid_groups.group_table(
        rows, EXCEPTION_GROUPING, by.value, names, wanted, keep
    )
    return grouped, rows


@app.cell(hide_code=True)
def listed_exceptions(by, code, grouped, plan, rows):
    _advice = advice_of(plan, code.value)
    _orders = html(desk_words.orders_link(code.value))
    _rows = grid_groups.listed_rows(rows, EXCEPTION_GROUPING, by.value, grouped)
    if plan.exceptions.is_empty():
        _none = (say("no_exceptions"), say("the_plan_keeps_every_rule"))
        listed = [html(page.empty(*_none))]
    else:
        listed = [] if grouped is None else [grouped]
    if _rows.height:
        listed += [desk_parts.exception_table(_rows, code.value)]
    if not plan.exceptions.is_empty():
        _choices = [code, by, _orders, *map(mo.md, _advice)]
        listed = [mo.hstack(_choices, justify="start", wrap=True), *listed]
    return (listed,)


@app.cell(hide_code=True)
def suggested(code, costs, names, plan, preview, tab):
    mo.stop(tab.value != say("exceptions"))
    answers = desk_parts.answer_buttons(plan, names, costs, code.value, preview)
    return (answers,)


@app.cell(hide_code=True)
def exceptions(answers, listed, tab):
    mo.stop(tab.value != say("exceptions"))
    _parts = [*listed]
    if answers:
        _parts += [html(f"<h3>{say('suggested_edits_by_money')}</h3>")]
        _parts += [desk_parts.beside(_line) for _line in answers]
    section("exceptions", say("exceptions"), *_parts)
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
def approver_buttons():
    publish = mo.ui.run_button(label=say("publish_this_plan"), kind="success")
    return (publish,)


@app.cell(hide_code=True)
def publishing(approver, publish, shown, tab):
    mo.stop(tab.value != say("compare_and_publish"))
    section(
        "publish",
        say("publish_the_plan"),
        html(f'<p class="muted">{say("a_published_plan_is_kept")}</p>'),
        mo.hstack([approver.field(), publish], justify="start", wrap=True),
    ) if shown.source.lake else None
    return


@app.cell(hide_code=True)
def published(approver, publish, shown, tell_published):
    mo.stop(not publish.value)
    _done = plan_page.publish(shown, approver.value)
    if _done.kept:
        tell_published(lambda times: times + 1)
    said(_done)
    return


@app.cell(hide_code=True)
def choose_other(keep, published, shown, wanted):
    other = plan_standing.comparison_choice(shown, published, wanted, keep)
    return (other,)


@app.cell(hide_code=True)
def compared(other, shown, tab):
    mo.stop(tab.value != say("compare_and_publish"))
    section(
        "compare",
        say("comparison_with_another_plan"),
        other,
        *plan_standing.comparison_parts(shown, other.value),
    )
    return


@app.cell(hide_code=True)
def figures(plan, tab):
    mo.stop(tab.value != say("key_figures"))
    section("figures", say("key_figures"), html(figures_html(plan)))
    return


@app.cell(hide_code=True)
def steps(plan, tab):
    mo.stop(plan is None or tab.value != say("steps_of_the_run"))
    section("steps", "", *desk_parts.step_parts(plan))
    return


@app.cell(hide_code=True)
def trust(known_at, plan, shown):
    desk_words.foot(shown, known_at) if plan else None
    return


if __name__ == "__main__":
    app.run()
