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
app = marimo.App(width="medium", app_title="Medhavi: plan")

with app.setup:
    import marimo as mo

    from medhavi.results.difference import compare
    from medhavi.service.page_data import (
        PageProblem,
        html,
        keep_in,
        picture,
        problem_html,
        said,
        section,
        trouble_of,
        wanted_of,
    )
    from medhavi.service.plan_pages import desk_parts, desk_words, plan_page
    from medhavi.service.plan_pages.plan_loading import MODES
    from medhavi.service.plan_pages.plan_page import EditSession, last_approver
    from medhavi.views import order_list, page, theme
    from medhavi.views.order_list import codes, comparison_html, groups_html
    from medhavi.views.pictures.chain import chain_chart
    from medhavi.views.pictures.lateness import (
        causes_html,
        late_chart,
        late_html,
        overdue_chart,
        plan_remedies_html,
    )
    from medhavi.views.pictures.load import load_chart
    from medhavi.views.pictures.stock import stock_chart
    from medhavi.views.report import figures_html
    from medhavi.views.tiles import tiles_html

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("plan"))
    return


@app.cell(hide_code=True)
def address():
    params = mo.query_params()
    wanted = wanted_of(params)
    return params, wanted


@app.cell(hide_code=True)
def moment(params, wanted):
    moments = desk_words.moment_form(wanted, lambda value: keep_in(params, value))
    return (moments,)


@app.cell(hide_code=True)
def how(params, wanted):
    mode = desk_words.mode_choice(wanted, params.set)
    return (mode,)


@app.cell(hide_code=True)
def remembered():
    # What a person chose stays while the plan is made anew for what was decided.
    session = EditSession()
    get_asked, ask = mo.state(None)
    get_done, tell = mo.state(None)
    get_renewed, renew = mo.state(0)
    approver = mo.ui.text(
        value=last_approver(), label="Approver", placeholder="your name"
    )

    def preview(edit):
        if edit is not None:
            tell(None)
            ask(edit)

    def settle(done):
        tell(done)
        if done.kept:
            session.choose(done.order)
            ask(None)
            renew(lambda times: times + 1)

    return (
        approver,
        get_asked,
        get_done,
        get_renewed,
        preview,
        renew,
        session,
        settle,
    )


@app.cell(hide_code=True)
def data(get_renewed, mode, moments, wanted):
    _renewed = get_renewed()
    _chosen = moments.value or desk_words.moments_of(wanted)
    shown = desk_words.shown_plan(wanted, mode, _chosen)
    names, known_at = shown.names, _chosen["known_at"]
    return known_at, names, shown


@app.cell(hide_code=True)
def head(known_at, mode, moments, shown):
    mo.vstack(desk_words.head_parts(shown, mode, moments, known_at), gap=1)
    return


@app.cell(hide_code=True)
def trouble(shown):
    mo.stop(shown.problem is not None, trouble_of(shown))
    plan = shown.plan
    return (plan,)


@app.cell(hide_code=True)
def tiles(params, plan, shown):
    _address = "&".join(
        f"{name}={value}" for name, value in params.to_dict().items() if name != "code"
    )
    link = f"?{_address}&code={{rows}}#exceptions"
    costs = dict(shown.snapshot["products"].select("product", "unit_cost").iter_rows())
    html(tiles_html(desk_words.tiles_of(shown), link)) if plan else None
    return costs, link


@app.cell(hide_code=True)
def late(mode, names, plan):
    mo.stop(mode.value == "mrp")
    section(
        "late",
        "Late demands",
        picture(
            late_chart(plan, names),
            "Nothing is late",
            "Every demand has its supply by its due date.",
        ),
        html(late_html(plan, names)),
    )
    return


@app.cell(hide_code=True)
def dear(mode, names, plan):
    mo.stop(mode.value != "constrained")
    section("causes", "Cost of lateness by cause", html(causes_html(plan, names)))
    return


@app.cell(hide_code=True)
def choose_remedy(mode, names, plan):
    mo.stop(mode.value != "constrained" or plan.causes.is_empty())
    remedy_form = desk_parts.remedy_form(plan, names)
    section(
        "remedies",
        "Remedies",
        html(
            '<p class="muted">Changes are tried in order of what the lateness costs that '
            "waits for them. Those that cure most are planned as this plan was, so "
            "their dates are the ones you would get.</p>"
        ),
        remedy_form,
    )
    return (remedy_form,)


@app.cell(hide_code=True)
def remedies(names, preview, remedy_form, shown):
    mo.stop(remedy_form.value is None)
    _tried = plan_page.tried_remedies(
        shown, remedy_form.value["demand"], int(remedy_form.value["tries"])
    )
    mo.stop(
        isinstance(_tried, PageProblem),
        html(problem_html(_tried)) if isinstance(_tried, PageProblem) else None,
    )
    remedy_lines = desk_parts.remedy_lines(_tried.found, shown.snapshot, names, preview)
    _shown = [html(plan_remedies_html(_tried.found, names, _tried.texts))]
    if remedy_lines:
        _shown += [html(desk_parts.HOW_TO_DO)]
        _shown += [desk_parts.beside(_line) for _line in remedy_lines]
    mo.vstack(_shown)
    return (remedy_lines,)


@app.cell(hide_code=True)
def overdue(mode, names, plan):
    mo.stop(mode.value != "mrp")
    section(
        "overdue",
        "Past-due releases",
        picture(
            overdue_chart(plan, names),
            "Nothing: no start lies before now",
            "Look at the stocks and loads below for what is tight.",
        ),
    )
    return


@app.cell(hide_code=True)
def choose_demand(params, plan, shown, wanted):
    demand = desk_words.demand_choice(shown, plan, wanted, params.set)
    everything = mo.ui.checkbox(label="all orders behind it")
    return demand, everything


@app.cell(hide_code=True)
def why(demand, everything, names, plan):
    if demand.value is None:
        _parts = [
            html(
                page.empty(
                    "No demand is planned",
                    "Add rows to demands with a due date inside the horizon.",
                )
            )
        ]
    else:
        _told = plan.explain(demand.value, names=dict(names.texts))
        _parts = [
            mo.hstack([demand, everything], justify="start", wrap=True),
            picture(
                chain_chart(_told, names, plan.run.as_of, everything=everything.value),
                "Stock serves it",
                "Nothing has to be made, bought or moved for this demand.",
            ),
            html(page.story_html(_told, names, plan.run.as_of)),
        ]
    section("why", "Pegging chain of a demand", *_parts)
    return


@app.cell(hide_code=True)
def choose_item(names, params, plan, wanted):
    item = desk_words.item_choice(plan, names, wanted, params.set)
    return (item,)


@app.cell(hide_code=True)
def stock(item, names, plan):
    if item.value is None:
        _parts = [
            html(page.empty("No stock is moved", "Add demands, or a later horizon."))
        ]
    else:
        _product, _place = item.value.rsplit("|", 1)
        _parts = [
            item,
            picture(
                stock_chart(plan, _product, _place, names),
                "Nothing moves here",
                "Choose another product and place.",
            ),
        ]
    section("stock", "Projected available balance", *_parts)
    return


@app.cell(hide_code=True)
def loads(names, plan):
    section(
        "loads",
        "Capacity load",
        picture(
            load_chart(plan, names),
            "No resource has work in this plan",
            "Add rows to step_resources, or look at what is bought and moved.",
        ),
    )
    return


@app.cell(hide_code=True)
def choose_code(params, plan, wanted):
    code = desk_words.code_choice(plan, wanted, params.set)
    return (code,)


@app.cell(hide_code=True)
def exceptions(code, costs, link, names, plan, preview):
    _kinds = codes(plan)
    answers = []
    if _kinds.is_empty():
        _parts = [
            html(page.empty("No exceptions", "The plan keeps every rule and date."))
        ]
    else:
        _chosen = _kinds.filter(_kinds["code"] == (code.value or ""))
        _advice = _chosen["remedy"].to_list()
        answers = desk_parts.answer_buttons(plan, names, costs, code.value, preview)
        _parts = [
            html(groups_html(plan, costs, names.currency, link)),
            mo.hstack([code, mo.md(*_advice[:1] or [""])], justify="start", wrap=True),
            desk_parts.exception_table(plan, names, code.value),
        ]
        if answers:
            _parts += [html("<h3>Suggested edits, by money</h3>")]
            _parts += [desk_parts.beside(_line) for _line in answers]
    section("exceptions", "Exceptions", *_parts)
    return (answers,)


@app.cell(hide_code=True)
def choose_orders(names, params, plan, wanted):
    chosen = desk_parts.order_filter(plan, names, wanted, params.set)
    return (chosen,)


@app.cell(hide_code=True)
def orders(chosen, names, plan, session):
    _rows = order_list.order_rows(plan, names, **chosen.value)
    order_table = desk_parts.order_table(_rows, session)
    section(
        "orders",
        "Planned and open orders",
        mo.hstack(list(chosen.elements.values()), justify="start", wrap=True),
        order_table
        if _rows.height
        else html(page.empty("No such order", "Choose another kind or status.")),
    )
    return (order_table,)


@app.cell(hide_code=True)
def choose_decision(names, plan, preview, session):
    decision_form = desk_parts.decision_form(plan, names, session, preview)
    return (decision_form,)


@app.cell(hide_code=True)
def decide(decision_form, names, order_table, plan):
    _chosen = order_table.value["Id"].to_list() if len(order_table.value) else []
    _words = order_list.order_words(plan, _chosen[0] if _chosen else None, names)
    section(
        "decide",
        "Edit order: cost and affected demands",
        html(f"<p><b>{_words or 'Choose an order above'}</b></p>"),
        decision_form,
    )
    return


@app.cell(hide_code=True)
def price(get_asked, names, plan, renew, session, shown):
    mo.stop(get_asked() is None)
    _edit = get_asked()
    with mo.status.spinner("Planning with it", remove_on_exit=True):
        asked = plan_page.show_edit(shown, _edit)
    if plan_page.is_overtaken(asked) and session.may_renew():
        renew(lambda times: times + 1)
        mo.stop(
            asked is not None,
            html('<p class="muted">Facts have changed: planning again.</p>'),
        )
    _words = order_list.order_words(plan, _edit.get("supply"), names)
    html(desk_words.asked_html(asked, names, _words))
    return (asked,)


@app.cell(hide_code=True)
def approve(asked):
    accept = mo.ui.run_button(label="Approve the edit", kind="success")
    accept if desk_parts.is_ready(asked) else None
    return (accept,)


@app.cell(hide_code=True)
def approved(accept, approver, asked, settle, shown):
    mo.stop(not accept.value)
    with mo.status.spinner("Recording", remove_on_exit=True):
        settle(plan_page.decide(shown, asked.preview, approver.value))
    return


@app.cell(hide_code=True)
def approver_buttons():
    # Apart from where they are shown: pressed right after the name, they are the same.
    back = mo.ui.run_button(label="Take the last decision back")
    publish = mo.ui.run_button(label="Publish this plan", kind="success")
    return back, publish


@app.cell(hide_code=True)
def history(approver, back, names, shown):
    _past = plan_page.decisions(shown)
    mo.vstack(
        [
            mo.hstack([approver, back] if _past else [approver], justify="start"),
            html(desk_words.history_html(_past, names)),
        ]
    ) if shown.plan else None
    return


@app.cell(hide_code=True)
def taken_back(approver, back, settle, shown):
    mo.stop(not back.value)
    with mo.status.spinner("Recording", remove_on_exit=True):
        settle(plan_page.take_back(shown, approver.value))
    return


@app.cell(hide_code=True)
def outcome(get_done):
    said(get_done()) if get_done() else None
    return


@app.cell(hide_code=True)
def publishing(approver, publish, shown):
    section(
        "publish",
        "Publish the plan",
        html(
            '<p class="muted">A published plan is kept, and the tiles of the next one '
            "say what has changed since.</p>"
        ),
        mo.hstack([approver, publish], justify="start", wrap=True),
    ) if shown.source.lake else None
    return


@app.cell(hide_code=True)
def published(approver, publish, shown):
    mo.stop(not publish.value)
    said(desk_words.publish(shown, approver.value))
    return


@app.cell(hide_code=True)
def choose_other(mode):
    other = mo.ui.dropdown(
        [name for name in MODES if name != mode.value],
        allow_select_none=True,
        label="Compare with mode",
    )
    section("compare", "Comparison with another planning mode", other)
    return (other,)


@app.cell(hide_code=True)
def compared(names, other, plan, shown):
    mo.stop(other.value is None)
    _other = plan_page.other_plan(shown, other.value)
    mo.stop(_other.problem is not None, trouble_of(_other))
    html(comparison_html(plan, _other.plan, compare(plan, _other.plan), names))
    return


@app.cell(hide_code=True)
def choose_workbook():
    dropped = mo.ui.file(
        filetypes=[".xlsx"], kind="area", label="Drop a filled workbook"
    )
    _template = mo.download(
        plan_page.template_bytes,
        filename="medhavi-tables.xlsx",
        label="The template",
    )
    section(
        "workbook",
        "Plan from a workbook",
        html('<p class="muted">Nothing of it is kept.</p>'),
        mo.hstack([dropped, _template], justify="start", wrap=True),
    )
    return (dropped,)


@app.cell(hide_code=True)
def workbook(dropped, mode):
    mo.stop(not dropped.value)
    _file = dropped.value[0]
    with mo.status.spinner("Reading and planning", remove_on_exit=True):
        _made = plan_page.workbook_page(_file.name, _file.contents, mode.value)
    _parts = [page.findings_html(_made.findings)] if _made.findings else []
    if _made.problem is not None:
        _parts.insert(0, page.problem(_made.problem.title, _made.problem.text))
    else:
        _parts.insert(0, tiles_html(desk_words.tiles_of(_made), "#workbook"))
    mo.vstack([html(part) for part in _parts])
    return


@app.cell(hide_code=True)
def figures(names, plan):
    plan and mo.accordion({"Key figures": html(figures_html(plan))})
    return


@app.cell(hide_code=True)
def findings(plan, shown):
    # Without a plan the findings stand above, at full length.
    plan and mo.accordion(
        {
            f"Data findings: {page.findings_words(shown.findings)}": html(
                page.findings_html(shown.findings)
            )
        }
    )
    return


@app.cell(hide_code=True)
def trust(known_at, plan, shown):
    desk_words.foot(shown, known_at) if plan else None
    return


if __name__ == "__main__":
    app.run()
