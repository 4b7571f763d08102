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

    from medhavi.service import grid_groups
    from medhavi.service.page_data import html, trouble_of
    from medhavi.service.plan_pages import desk_words, supplier_page
    from medhavi.service.plan_pages.page_choices import drawer_tabs
    from medhavi.views import page, theme
    from medhavi.views.order_grid import partner_links
    from medhavi.views.plan_pages import suppliers
    from medhavi.views.tiles import tiles_html
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("suppliers"))
    return


@app.cell(hide_code=True)
def address():
    _params = mo.query_params()
    wanted, keep = desk_words.address_of(_params)
    link = desk_words.page_link(
        _params.to_dict(), ("tab", "from", "due", "order_by", "group", "open")
    )
    return keep, link, wanted


@app.cell(hide_code=True)
def how(keep, wanted):
    mode = desk_words.mode_choice(wanted, keep)
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
def nothing(found, names, plan, wanted):
    _known = found.record["subject"].to_list() if found else ()
    _missing = suppliers.missing_html(wanted("supplier"), _known, names) if plan else ""
    html(_missing) if _missing else None
    return


@app.cell(hide_code=True)
def tiles(found, link, names, plan):
    mo.stop(plan is None)
    _record = found.record if found else suppliers.NO_RECORD
    html(tiles_html(suppliers.supplier_tiles(plan, _record, names), link))
    return


@app.cell(hide_code=True)
def choose(found, keep, names, wanted):
    subject = supplier_page.subject_choice(found, names, wanted, keep)
    days = supplier_page.days_choice()
    return days, subject


@app.cell(hide_code=True)
def choose_from(keep, plan, shown, wanted):
    mo.stop(plan is None)
    source = supplier_page.from_choice(shown, wanted, keep)
    due = supplier_page.due_choice(shown, wanted, keep)
    order_by = supplier_page.order_choice(shown, wanted, keep)
    return due, order_by, source


@app.cell(hide_code=True)
def choose_tab(keep, plan, wanted):
    mo.stop(plan is None)
    tab = desk_words.tab_bar(
        supplier_page.TABS, wanted, keep, say("tab_delivery_record")
    )
    tab
    return (tab,)


@app.cell(hide_code=True)
def choose_side(keep, mode, wanted):
    _sides = drawer_tabs(mode.value, history=False)
    side = desk_words.tab_bar(_sides, wanted, keep, say("why"), name="side")
    return (side,)


@app.cell(hide_code=True)
def narrow(due, order_by, source, tab):
    _week = order_by if tab.value == say("tab_buy_list") else due
    narrowed = source.value or "", _week.value or ""
    return (narrowed,)


@app.cell(hide_code=True)
def look(days, found, narrowed, shown, subject, tab):
    chosen = subject.value if subject is not None and subject.value else ""
    grid = supplier_page.grid_of(tab.value, shown, found, chosen, days.value, *narrowed)
    return chosen, grid


@app.cell(hide_code=True)
def choose_group(grid, keep, wanted):
    group = grid_groups.group_choice(grid.grouping, wanted, keep)
    return (group,)


@app.cell(hide_code=True)
def groups(grid, group, keep, names, wanted):
    grouped = grid_groups.group_table(
        grid.rows, grid.grouping, group.value, names, wanted, keep
    )
    return (grouped,)


@app.cell(hide_code=True)
def ask(days, due, group, order_by, source, subject, tab):
    _choices = {
        say("demands_of_supplier"): [subject],
        say("tab_open_orders"): [source, due],
        say("tab_buy_list"): [source, *([] if order_by.value else [days]), order_by],
    }
    _asked = [*_choices.get(tab.value, []), group]
    asked_above = mo.hstack(
        [one for one in _asked if one is not None],
        justify="start",
        align="end",
        wrap=True,
    )
    return (asked_above,)


@app.cell(hide_code=True)
def parts(asked_above, grid, group, grouped, names, shown):
    _rows = grid_groups.listed_rows(grid.rows, grid.grouping, group.value, grouped)
    _parts = [] if grouped is None else [grouped]
    if grid.rows.is_empty():
        _parts = [html(page.empty(*grid.none))]
    elif _rows.height:
        _links = partner_links(shown.snapshot, names)
        _parts += [grid.table(_rows, names, _links)]
    part = mo.vstack([asked_above, *_parts], gap=1)
    return (part,)


@app.cell(hide_code=True)
def grid(part, tab):
    part if tab.value == say("tab_delivery_record") else None
    return


@app.cell(hide_code=True)
def lists(part, tab):
    # A grid in the place of another one is drawn twice: not in that of the record.
    part if tab.value != say("tab_delivery_record") else None
    return


@app.cell(hide_code=True)
def one(chosen, names, subject, tab):
    mo.stop(tab.value != say("tab_delivery_record") or not chosen)
    _head = html(page.drawer_head(f"<b>{names.html(chosen)}</b>"))
    mo.vstack([_head, subject], gap=1)
    return


@app.cell(hide_code=True)
def side_bar(chosen, side, tab):
    mo.stop(tab.value != say("tab_delivery_record") or not chosen)
    side
    return


@app.cell(hide_code=True)
def told(chosen, found, shown, side, tab):
    mo.stop(tab.value != say("tab_delivery_record") or not chosen)
    supplier_page.side_part(side.value, shown, found, chosen)
    return


@app.cell(hide_code=True)
def trust(plan, shown, wanted):
    desk_words.foot(shown, wanted("known_at")) if plan else None
    return


if __name__ == "__main__":
    app.run()
