# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Data

Findings of the data by the late cost that hangs on them, refused rows and events with
their reason, and how fresh the facts are.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: data")

with app.setup:
    import marimo as mo

    from medhavi.service.data_pages import data_page
    from medhavi.service.page_data import html
    from medhavi.service.plan_pages import desk_words
    from medhavi.views import page, theme
    from medhavi.views.data_pages.finding_list import group_html

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("data"))
    return


@app.cell(hide_code=True)
def address():
    _params = mo.query_params()
    wanted, keep = desk_words.address_of(_params)
    link = desk_words.page_link(_params.to_dict(), ("tab",))
    return keep, link, wanted


@app.cell(hide_code=True)
def how(keep, wanted):
    mode = desk_words.mode_choice(wanted, keep)
    scope = data_page.scope_choice(wanted, keep)
    return mode, scope


@app.cell(hide_code=True)
def data(mode, wanted):
    shown = desk_words.shown_plan(wanted, mode, desk_words.moments_of(wanted))
    state = data_page.state_of(shown)
    return shown, state


@app.cell(hide_code=True)
def head(shown, state, wanted):
    mo.Html(data_page.head_html(shown, state, wanted("known_at")))
    return


@app.cell(hide_code=True)
def nothing(shown, state):
    mo.stop(state is None, html(data_page.no_data_html(shown)))
    html(data_page.plan_html(shown))
    return


@app.cell(hide_code=True)
def tiles(link, state):
    html(data_page.tiles(state, link)) if state else None
    return


@app.cell(hide_code=True)
def seen(state):
    data_page.data_picture(state) if state else None
    return


@app.cell(hide_code=True)
def choose_tab(keep, wanted):
    tab = desk_words.tab_bar(data_page.TABS, wanted, keep, "Findings")
    return (tab,)


@app.cell(hide_code=True)
def bar(state, tab):
    tab if state else None
    return


@app.cell(hide_code=True)
def listed(scope, state):
    table = data_page.finding_table(state, scope.value) if state else None
    return (table,)


@app.cell(hide_code=True)
def findings(scope, state, tab, table):
    mo.stop(state is None or tab.value != "Findings")
    _rows = data_page.no_finding(state, scope.value) if table is None else table
    mo.vstack([scope, _rows], gap=1)
    return


@app.cell(hide_code=True)
def chosen(state, tab, table):
    mo.stop(table is None or tab.value != "Findings")
    group = int(table.value["Group"][0]) if len(table.value) else None
    html(group_html(state.findings, group, state.names)) if group is not None else None
    return


@app.cell(hide_code=True)
def refused(state, tab):
    mo.stop(state is None or tab.value != "Refused")
    data_page.refused_part(state)
    return


@app.cell(hide_code=True)
def trust(shown, state, wanted):
    data_page.trust(shown, state, wanted("known_at")) if state else None
    return


if __name__ == "__main__":
    app.run()
