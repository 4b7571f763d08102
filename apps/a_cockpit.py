# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Cockpit

Service, promises, lateness, stock, load and cost over published plans; exceptions by
money with who takes care of them; the service that the coming weeks may bring; where
in the network lateness is caused.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: cockpit")

with app.setup:
    from typing import Any

    import marimo as mo

    from medhavi.service import grid_groups
    from medhavi.service.page_data import (
        html,
        said,
        trouble_of,
    )
    from medhavi.service.plan_pages import cockpit_page, desk_words, plan_risk
    from medhavi.service.plan_pages.plan_standing import published_of, standing_facts
    from medhavi.views import page, theme
    from medhavi.views.pictures.lateness import plan_finding
    from medhavi.views.plan_pages import cockpit
    from medhavi.views.tiles import targets_of, tiles_html
    from medhavi.views.words import say
    from medhavi.workbench.plan_pack import published_figures

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("cockpit"))
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
def data(mode, wanted):
    shown = desk_words.shown_plan(wanted, mode, desk_words.moments_of(wanted))
    names = shown.names
    return names, shown


@app.cell(hide_code=True)
def history(shown):
    published = published_of(shown)
    return (published,)


@app.cell(hide_code=True)
def head(mode, names, published, shown, wanted):
    _found = plan_finding(shown.plan, names) if shown.plan else ""
    mo.vstack(
        desk_words.page_head(
            say("cockpit"),
            shown,
            wanted("known_at"),
            _found,
            [mode, cockpit_page.pack_download(shown) if shown.plan else None],
            standing_facts(shown, published),
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
def tiles(names, plan, published, shown):
    _figures = published_figures(plan, published) if plan else ()
    _targets = targets_of(shown.snapshot)
    html(
        tiles_html(cockpit.cockpit_tiles(plan, names, _figures, _targets), "{rows}")
    ) if plan else None
    return


@app.cell(hide_code=True)
def remembered():
    _nothing: tuple[Any, dict[str, Any]] = (None, {})
    get_done, tell = mo.state(_nothing)
    state = mo.ui.radio(
        cockpit_page.STATES, value="To do", inline=True, label=say("exceptions")
    )
    return get_done, state, tell


@app.cell(hide_code=True)
def choose_group(keep, wanted):
    by = grid_groups.group_choice(cockpit.INBOX_GROUPING, wanted, keep)
    return (by,)


@app.cell(hide_code=True)
def inbox(get_done, plan, shown, state):
    # A new form after each recording: what was recorded is not recorded again.
    form = cockpit_page.review_form(get_done()[1])
    rows = cockpit_page.inbox_of(shown, state.value) if plan else None
    return form, rows


@app.cell(hide_code=True)
def groups(by, keep, names, rows, wanted):
    grouped = (
        None
        if rows is None
        else grid_groups.group_table(
            rows, cockpit.INBOX_GROUPING, by.value, names, wanted, keep
        )
    )
    return (grouped,)


@app.cell(hide_code=True)
def listed(by, grouped, names, rows):
    # Apart from where it is shown, so that a tick has nothing else drawn again.
    table, exceptions = None, []
    if rows is None or rows.is_empty():
        exceptions = [
            html(
                page.empty(say("no_exception_here"), say("choose_another_state_above"))
            )
        ]
    else:
        table = cockpit_page.inbox_table(
            grid_groups.listed_rows(rows, cockpit.INBOX_GROUPING, by.value, grouped),
            names,
        )
        exceptions += [] if grouped is None else [grouped]
        exceptions += [] if table is None else [cockpit_page.inbox_part(table, names)]
    return exceptions, table


@app.cell(hide_code=True)
def choose_tab(keep, wanted):
    tab = desk_words.tab_bar(cockpit_page.TABS, wanted, keep, say("exceptions"))
    return (tab,)


@app.cell(hide_code=True)
def bar(plan, tab):
    tab if plan else None
    return


@app.cell(hide_code=True)
def grid(by, exceptions, state, tab):
    mo.stop(tab.value != say("exceptions"))
    mo.vstack(
        [
            mo.hstack([state, by], justify="start", wrap=True, gap=2),
            *exceptions,
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def forecast(plan, shown, tab):
    # Run again when the job has drawn the times of the orders.
    mo.stop(plan is None or tab.value != say("service_forecast"))
    plan_risk.forecast_part(shown)
    return


@app.cell(hide_code=True)
def others(plan, shown, tab):
    mo.stop(plan is None)
    _parts = {
        say("promised_dates_missed"): lambda: cockpit_page.promise_table(shown, plan),
        say("tab_network"): lambda: cockpit_page.network_part(shown, plan),
        say("tab_events"): lambda: cockpit_page.event_table(shown),
    }
    _parts[tab.value]() if tab.value in _parts else None
    return


@app.cell(hide_code=True)
def chosen(tab, table):
    mo.stop(tab.value != say("exceptions") or table is None or not len(table.value))
    html(cockpit_page.links_html(table.value["Key"][0]))
    return


@app.cell(hide_code=True)
def review(form, shown, tab):
    form if shown.source.lake and tab.value == say("exceptions") else None
    return


@app.cell(hide_code=True)
def record(form, shown, table, tell):
    mo.stop(form.value is None)
    _keys = [] if table is None else table.value["Key"].to_list()
    _done = cockpit_page.review(shown, _keys, form.value)
    tell((_done, {} if _done.kept else form.value))
    return


@app.cell(hide_code=True)
def outcome(get_done):
    _done = get_done()[0]
    said(_done) if _done else None
    return


@app.cell(hide_code=True)
def trust(plan, shown, wanted):
    desk_words.foot(shown, wanted("known_at")) if plan else None
    return


if __name__ == "__main__":
    app.run()
