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
    from medhavi.service.page_data import (
        html,
        picture,
        said,
        section,
        trouble_of,
    )
    from medhavi.service.plan_pages import (
        decision_words,
        desk_parts,
        desk_words,
        item_page,
        plan_comparison,
        plan_page,
    )
    from medhavi.service.plan_pages.approver_names import Approver
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
    from medhavi.views.pictures.chain import chain_chart
    from medhavi.views.pictures.lateness import (
        causes_html,
        late_chart,
        late_html,
        overdue_chart,
    )
    from medhavi.views.pictures.load import load_chart
    from medhavi.views.pictures.stock import record_chart
    from medhavi.views.plan_pages.demand_chain import story_html
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
def late(mode, names, plan, tab):
    mo.stop(tab.value != say("late_demands") or mode.value == "mrp")
    section(
        "late",
        "",
        picture(
            late_chart(plan, names), say("nothing_is_late"), say("all_demands_on_time")
        ),
    )
    return


@app.cell(hide_code=True)
def overdue(mode, names, plan, tab):
    mo.stop(tab.value != say("late_demands") or mode.value != "mrp")
    section(
        "overdue",
        "",
        picture(
            overdue_chart(plan, names),
            say("no_start_before_now"),
            say("look_for_tight"),
        ),
    )
    return


@app.cell(hide_code=True)
def choose_part(keep, mode, plan, wanted):
    parts = desk_parts.late_parts(plan, mode.value)
    part = desk_words.tab_bar(parts, wanted, keep, parts[0], name="part")
    return part, parts


@app.cell(hide_code=True)
def part_bar(part, parts, tab):
    part if tab.value == say("late_demands") and len(parts) > 1 else None
    return


@app.cell(hide_code=True)
def late_lists(names, part, plan, shown, tab):
    mo.stop(tab.value != say("late_demands"))
    _told = {
        say("late_demands_by_cost"): lambda: late_html(
            plan, names, shown.snapshot["demands"]
        ),
        say("cost_of_lateness_by_cause"): lambda: causes_html(plan, names),
    }.get(part.value)
    html(_told()) if _told else None
    return


@app.cell(hide_code=True)
def choose_demand(keep, plan, shown, wanted):
    demand = desk_words.demand_choice(shown, plan, wanted, keep)
    everything = mo.ui.checkbox(label=say("all_orders_of_the_chain"))
    return demand, everything


@app.cell(hide_code=True)
def missing(demand, part, tab, wanted):
    mo.stop(tab.value != say("late_demands") or demand.value is not None)
    mo.stop(part.value != say("pegging_chain_of_a_demand"))
    _told = html(desk_words.missing_demand_html(wanted("demand")))
    mo.vstack([*([demand] if demand.options else []), _told])
    return


@app.cell(hide_code=True)
def why(demand, everything, names, part, parts, plan, tab):
    mo.stop(tab.value != say("late_demands") or demand.value is None)
    mo.stop(part.value != say("pegging_chain_of_a_demand"))
    _told = plan.explain(demand.value, names=dict(names.texts))
    section(
        "why",
        part.value if len(parts) == 1 else "",
        mo.hstack([demand, everything], justify="start", wrap=True),
        picture(
            chain_chart(_told, names, plan.run.as_of, everything=everything.value),
            say("stock_serves_it"),
            say("nothing_to_supply"),
        ),
        html(story_html(_told, names, plan.run.as_of, expedite=True)),
    )
    return


@app.cell(hide_code=True)
def choose_remedy(names, part, plan, tab):
    mo.stop(tab.value != say("late_demands"))
    mo.stop(part.value != say("label_remedies"))
    remedy_form = desk_parts.remedy_form(plan, names)
    section(
        "remedies",
        "",
        html(f'<p class="muted">{say("changes_are_tried_in_order")}</p>'),
        remedy_form,
    )
    return (remedy_form,)


@app.cell(hide_code=True)
def remedies(names, remedy_form, shown):
    mo.stop(remedy_form.value is None)
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
def loads(names, plan, tab):
    mo.stop(tab.value != say("capacity"))
    section(
        "loads",
        say("capacity_load"),
        picture(load_chart(plan, names), say("no_resource_has_work"), say("add_steps")),
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
    other = plan_comparison.comparison_choice(shown, published, wanted, keep)
    return (other,)


@app.cell(hide_code=True)
def compared(other, shown, tab):
    mo.stop(tab.value != say("compare_and_publish"))
    section(
        "compare",
        say("comparison_with_another_plan"),
        other,
        *plan_comparison.comparison_parts(shown, other.value),
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
