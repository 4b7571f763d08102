# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Suppliers and lanes

How each supplier and lane keeps its lead times and since when it does not, what is owed
and overdue, what has to be ordered next.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: suppliers and lanes")

with app.setup:
    import marimo as mo

    from medhavi.service.page_data import (
        html,
        picture,
        trouble_of,
        wanted_of,
    )
    from medhavi.service.plan_pages import desk_words, supplier_page
    from medhavi.views import page, theme
    from medhavi.views.plan_pages import suppliers
    from medhavi.views.plan_pages.suppliers import delivery_chart
    from medhavi.views.tiles import tiles_html
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("suppliers"))
    return


@app.cell(hide_code=True)
def address():
    params = mo.query_params()
    wanted = wanted_of(params)
    return params, wanted


@app.cell(hide_code=True)
def how(params, wanted):
    mode = desk_words.mode_choice(wanted, params.set)
    return (mode,)


@app.cell(hide_code=True)
def data(mode, wanted):
    shown = desk_words.shown_plan(wanted, mode, desk_words.moments_of(wanted))
    names = shown.names
    found = supplier_page.deliveries_of(shown)
    return found, names, shown


@app.cell(hide_code=True)
def head(found, mode, names, shown, wanted):
    _told = suppliers.supplier_finding(found.record, names) if found else ""
    mo.vstack(
        desk_words.page_head(
            say("suppliers_lanes"), shown, wanted("known_at"), _told, [mode]
        ),
        gap=1,
    )
    return


@app.cell(hide_code=True)
def trouble(shown):
    mo.stop(shown.problem is not None, trouble_of(shown))
    plan = shown.plan
    return (plan,)


@app.cell(hide_code=True)
def tiles(found, names, plan):
    mo.stop(plan is None)
    _record = found.record if found else suppliers.NO_RECORD
    html(tiles_html(suppliers.supplier_tiles(plan, _record, names)))
    return


@app.cell(hide_code=True)
def choose(found, names, params, wanted):
    subject = supplier_page.subject_choice(found, names, wanted, params.set)
    days = mo.ui.slider(1, 60, value=7, label=say("days_ahead"), show_value=True)
    return days, subject


@app.cell(hide_code=True)
def show(days, found, names, plan, shown, subject):
    mo.stop(plan is None)
    _chosen = subject is not None and bool(subject.value)
    _drawn = (
        delivery_chart(found.history, found.record, subject.value, names)
        if _chosen
        else None
    )
    mo.ui.tabs(
        {
            say("tab_delivery_record"): mo.vstack(
                [
                    supplier_page.record_table(found, names),
                    subject if subject is not None else mo.md(""),
                    supplier_page.subject_words(shown, subject.value)
                    if _chosen
                    else mo.md(""),
                    picture(_drawn, "No delivery", say("choose_a_supplier_or_lane")),
                ],
                gap=1,
            ),
            say("demands_of_supplier"): mo.vstack(
                [subject, supplier_page.served_table(shown, subject.value)], gap=1
            )
            if _chosen
            else html(page.empty(say("choose_a_supplier_or_lane"), "")),
            say("tab_open_orders"): supplier_page.owed_table(shown),
            say("tab_buy_list"): mo.vstack(
                [days, supplier_page.buy_table(shown, days.value)], gap=1
            ),
        }
    )
    return


@app.cell(hide_code=True)
def trust(plan, shown, wanted):
    desk_words.foot(shown, wanted("known_at")) if plan else None
    return


if __name__ == "__main__":
    app.run()
