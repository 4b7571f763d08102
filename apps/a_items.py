# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Items

The time-phased record of each item at each location, its projected stock, the orders
and requirements behind each figure, its sources and where it is used.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: items")

with app.setup:
    import marimo as mo

    from medhavi.service import grid_groups
    from medhavi.service.page_data import html, picture, trouble_of
    from medhavi.service.plan_pages import desk_words, item_page
    from medhavi.service.plan_pages.page_choices import drawer_tabs
    from medhavi.views import item_record, page, theme
    from medhavi.views.pictures.stock import record_chart
    from medhavi.views.plan_pages.shortages import lots_html
    from medhavi.views.tiles import tiles_html
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("items"))
    return


@app.cell(hide_code=True)
def address():
    _params = mo.query_params()
    wanted, keep = desk_words.address_of(_params)
    return keep, wanted


@app.cell(hide_code=True)
def how(keep, wanted):
    mode = desk_words.mode_choice(wanted, keep)
    bucket = item_page.bucket_choice(wanted, keep)
    return bucket, mode


@app.cell(hide_code=True)
def data(mode, wanted):
    shown = desk_words.shown_plan(wanted, mode, desk_words.moments_of(wanted))
    names = shown.names
    return names, shown


@app.cell(hide_code=True)
def choose(keep, names, shown, wanted):
    item = item_page.item_choice(shown, names, wanted, keep)
    return (item,)


@app.cell(hide_code=True)
def read(bucket, item, shown):
    record = item_page.record_of(shown, item, bucket.value)
    return (record,)


@app.cell(hide_code=True)
def head(bucket, item, mode, names, record, shown, wanted):
    mo.vstack(
        item_page.head_parts(
            shown, names, record, [item, bucket, mode], wanted("known_at")
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
def nothing(item, names, plan, record, shown, wanted):
    _item = None if item is None else item.value
    html(
        item_page.nothing_html(shown, names, _item, wanted("item"))
    ) if plan and record is None else None
    return


@app.cell(hide_code=True)
def tiles(names, record):
    mo.stop(record is None)
    html(tiles_html(item_record.item_tiles(record, names), "{rows}"))
    return


@app.cell(hide_code=True)
def choose_tab(keep, mode, plan, wanted):
    mo.stop(plan is None)
    tab = desk_words.tab_bar(item_page.TABS, wanted, keep, say("time_phased_record"))
    group = grid_groups.group_choice(item_page.MOVEMENT_GROUPING, wanted, keep)
    month = item_page.month_choice(plan, wanted, keep)
    _sides = drawer_tabs(mode.value, history=False)
    side = desk_words.tab_bar(_sides, wanted, keep, say("why"), name="side")
    return group, month, side, tab


@app.cell(hide_code=True)
def bar(record, tab):
    tab if record is not None else None
    return


@app.cell(hide_code=True)
def time_phased(names, record, tab):
    # The whole width is its own: what is told of the item stands below it.
    mo.stop(record is None or tab.value != say("time_phased_record"))
    mo.vstack(
        [
            html(item_record.record_html(record, names, linked=True)),
            item_page.record_files(record, names),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def moved(group, keep, names, plan, record, tab, wanted):
    movements, grouped = None, None
    if record is not None and tab.value == say("orders_and_requirements"):
        movements = item_record.movement_rows(record, plan, names)
        grouped = grid_groups.group_table(
            movements, item_page.MOVEMENT_GROUPING, group.value, names, wanted, keep
        )
    return grouped, movements


@app.cell(hide_code=True)
def grid(group, grouped, month, movements, record, shown, tab):
    mo.stop(record is None)
    _plan, _tables, _names = shown.plan, shown.snapshot, shown.names
    _item = record.product, record.location
    if movements is not None:
        _rows = grid_groups.listed_rows(
            movements, item_page.MOVEMENT_GROUPING, group.value, grouped
        )
        _parts = item_page.movement_parts(record, _rows, group, grouped)
    elif tab.value == say("time_phased_record"):
        _none = say("stock_unlimited"), say("no_shortage_here")
        _parts = [picture(record_chart(record, _plan, _names), *_none)]
    elif tab.value == say("items_that_run_short"):
        _parts = item_page.short_parts(_plan, _names, month)
    elif tab.value == say("stock_lots"):
        _parts = [html(lots_html(_plan, _tables, *_item, _names))]
    else:
        _made = item_record.supply_html(_tables, *_item, _names)
        _parts = [html(f'<div class="mv-list">{_made}</div>')]
    mo.vstack(_parts, gap=1)
    return


@app.cell(hide_code=True)
def selected(names, record):
    html(page.drawer_head(item_page.item_words(record, names))) if record else None
    return


@app.cell(hide_code=True)
def side_bar(record, side):
    side if record is not None else None
    return


@app.cell(hide_code=True)
def told(record, shown, side):
    mo.stop(record is None)
    html(item_page.side_html(side.value, shown, record))
    return


@app.cell(hide_code=True)
def trust(plan, shown, wanted):
    desk_words.foot(shown, wanted("known_at")) if plan else None
    return


if __name__ == "__main__":
    app.run()
