# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Data

Findings of the data by the late cost that hangs on them; where a number comes from;
cells to correct, files to upload; refused rows and events; changes to undo.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: data")

with app.setup:
    import marimo as mo

    from medhavi.service import grid_groups
    from medhavi.service.data_pages import (
        cell_form,
        change_list,
        data_page,
        doubtful_part,
        own_data,
    )
    from medhavi.service.data_pages.own_data import DataDecision
    from medhavi.service.page_data import html, no_data_html, said
    from medhavi.service.plan_pages import decision_words, desk_words
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.views import page, theme
    from medhavi.views.data_pages.finding_list import GROUP_KEY, group_html
    from medhavi.views.words import say

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
    by = grid_groups.group_choice(data_page.FINDING_GROUPING, wanted, keep)
    return by, mode, scope


@app.cell(hide_code=True)
def remembered():
    get_priced, ask = mo.state(None)
    get_decision, decide = mo.state(None)
    get_renewed, renew = mo.state(0)
    get_settled, tell_settled = mo.state(None)
    approver = Approver()

    def settle(done):
        if done.kept:
            ask(None)
            renew(lambda times: times + 1)

    return (
        approver,
        ask,
        decide,
        get_decision,
        get_priced,
        get_renewed,
        get_settled,
        settle,
        tell_settled,
    )


@app.cell(hide_code=True)
def data(get_renewed, mode, wanted):
    _renewed = get_renewed()
    shown = desk_words.shown_plan(
        wanted, mode, desk_words.moments_of(wanted, scenario=False)
    )
    state = data_page.state_of(shown, wanted("known_at"))
    if state:
        doubtful_part.judge_ahead(shown, state, wanted("known_at"))
    return shown, state


@app.cell(hide_code=True)
def head(shown, state, wanted):
    mo.Html(data_page.head_html(shown, state, wanted("known_at")))
    return


@app.cell(hide_code=True)
def nothing(shown, state):
    html(
        no_data_html(shown.source, shown.problem)
        if state is None
        else data_page.plan_html(shown)
    )
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
def choose_tab(keep, state, wanted):
    tab = desk_words.tab_bar(
        data_page.TABS if state else (say("upload"),),
        wanted,
        keep,
        say("findings") if state else say("upload"),
    )
    return (tab,)


@app.cell(hide_code=True)
def bar(tab):
    tab
    return


@app.cell(hide_code=True)
def groups(by, keep, scope, state, wanted):
    rows = data_page.finding_rows(state, scope.value) if state else None
    grouped = (
        grid_groups.group_table(
            rows,
            data_page.FINDING_GROUPING,
            by.value,
            state.names,
            wanted,
            keep,
        )
        if state
        else None
    )
    return grouped, rows


@app.cell(hide_code=True)
def listed(by, grouped, keep, rows, state, wanted):
    table = None
    if state:
        _rows = grid_groups.listed_rows(
            rows, data_page.FINDING_GROUPING, by.value, grouped
        )
        table = data_page.finding_table(_rows, state.names, wanted, keep)
    return (table,)


@app.cell(hide_code=True)
def findings(by, grouped, rows, scope, state, tab, table):
    mo.stop(state is None or tab.value != say("findings"))
    if rows.is_empty():
        _parts = [data_page.no_finding(state, scope.value)]
    else:
        _parts = [] if grouped is None else [grouped]
        _parts += [] if table is None else [data_page.finding_part(table, state)]
    mo.vstack(
        [mo.hstack([scope, by], justify="start", wrap=True, gap=2), *_parts], gap=1
    )
    return


@app.cell(hide_code=True)
def select(state, table):
    group = None
    if table is not None and len(table.value):
        group = state.findings.place(table.value[GROUP_KEY][0])
    found = None if group is None else state.findings.groups[group][0]
    return found, group


@app.cell(hide_code=True)
def chosen(group, link, state, tab):
    mo.stop(group is None or tab.value != say("findings"))
    html(group_html(state.findings, group, state.names, link))
    return


@app.cell(hide_code=True)
def judge(keep, shown, state, tab, wanted):
    # Made when its tab is opened: no other part of the page waits for it.
    listed, list_table = None, None
    if state and tab.value == say("doubtful_values"):
        listed = doubtful_part.doubtful_list(shown, state, wanted("known_at"))
    elif state and tab.value == say("likely_duplicates"):
        listed = doubtful_part.duplicate_list(shown, state)
    if listed is not None:
        list_table = doubtful_part.quality_table(listed, state, wanted, keep)
    return list_table, listed


@app.cell(hide_code=True)
def quality(list_table, listed, tab):
    mo.stop(listed is None)
    _empty = (
        (say("no_doubtful_value_here"), say("numbers_fit"))
        if tab.value == say("doubtful_values")
        else (say("no_likely_duplicate_here"), say("no_names_alike"))
    )
    doubtful_part.quality_part(listed, list_table, tab.value, _empty)
    return


@app.cell(hide_code=True)
def choose_doubt(list_table, listed, tab):
    doubt = None
    if listed is not None and listed.found:
        doubt = doubtful_part.chosen_in(listed, list_table.value)
    _pairs = tab.value == say("likely_duplicates")
    is_right = mo.ui.run_button(
        label=say("these_are_two" if _pairs else "this_value_is_right")
    )
    return doubt, is_right


@app.cell(hide_code=True)
def doubt_part(approver, doubt, is_right, link, shown, state, tab):
    mo.stop(doubt is None)
    _parts = []
    if tab.value == say("doubtful_values"):
        _parts.append(doubtful_part.doubtful_part(doubt, shown, state, link))
    if shown.source.lake:
        _fields = [approver.field(), is_right]
        _parts.append(mo.hstack(_fields, justify="start", align="end"))
    mo.vstack(_parts, gap=0.5)
    return


@app.cell(hide_code=True)
def settled(approver, doubt, is_right, settle, shown, tell_settled):
    mo.stop(doubt is None or not is_right.value)
    _done = doubtful_part.settle_doubt(shown, doubt, approver.value)
    tell_settled(_done)
    settle(_done)
    return


@app.cell(hide_code=True)
def settlement(get_settled, tab):
    mo.stop(tab.value not in (say("doubtful_values"), say("likely_duplicates")))
    said(get_settled()) if get_settled() else None
    return


@app.cell(hide_code=True)
def ask_lineage_table(keep, shown, state, wanted):
    traced_table = (
        cell_form.traced_table_choice(shown, state, wanted, keep)
        if state and shown.source.lake
        else None
    )
    return (traced_table,)


@app.cell(hide_code=True)
def ask_lineage(keep, shown, state, traced_table, wanted):
    traced = (
        cell_form.lineage_form(shown, state, traced_table.value, wanted, keep)
        if traced_table is not None
        else None
    )
    return (traced,)


@app.cell(hide_code=True)
def lineage(shown, state, tab, traced, traced_table, wanted):
    mo.stop(state is None or tab.value != say("lineage"))
    _form = None if traced is None else traced.value
    _table = None if traced_table is None else traced_table.value
    _asked = cell_form.traced_cell(_table, _form, wanted)
    _answer = html(cell_form.lineage_answer(shown, _asked, wanted))
    _ask = [one for one in (traced_table, traced) if one is not None]
    mo.vstack([html('<a id="lineage"></a>'), *_ask, _answer])
    return


@app.cell(hide_code=True)
def ask_table(found, keep, state, wanted):
    of_table = cell_form.table_choice(state, found, wanted, keep) if state else None
    return (of_table,)


@app.cell(hide_code=True)
def ask_cell(found, of_table, shown, state, wanted):
    place = (
        cell_form.cell_place(shown, state, of_table.value, found, wanted)
        if state
        else None
    )
    return (place,)


@app.cell(hide_code=True)
def ask_value(found, of_table, place, wanted):
    # Another cell has no new value yet.
    form = (
        None
        if place is None
        else cell_form.cell_value(of_table.value, place, found, wanted)
    )
    return (form,)


@app.cell(hide_code=True)
def correct(of_table, place, tab):
    # Apart from the value: what is typed beside it draws no field anew.
    mo.stop(tab.value != say("correct_a_cell"))
    _hint = html(f'<p class="muted">{say("choose_table_row_and_column")}</p>')
    _fields = [] if place is None else list(place.elements.values())
    _cell = mo.hstack(
        [of_table, *_fields], justify="start", align="end", gap=1, wrap=True
    )
    mo.vstack([_hint, _cell], gap=0.5)
    return


@app.cell(hide_code=True)
def correct_value(form, of_table, place, shown, state, tab):
    mo.stop(tab.value != say("correct_a_cell") or form is None)
    _now = cell_form.present_html(shown, state, of_table.value, place.value)
    mo.vstack([*([html(_now)] if _now else []), form], gap=0.5)
    return


@app.cell(hide_code=True)
def ask_file():
    dropped, whole = own_data.file_choice(), own_data.whole_choice()
    return dropped, whole


@app.cell(hide_code=True)
def mending(dropped):
    _files = dropped.value  # other files have no mended cells yet
    _none: dict[tuple[str, int, str], str] = {}
    get_mended, mend = mo.state(_none, allow_self_loops=True)
    ending = own_data.override_choice()
    return ending, get_mended, mend


@app.cell(hide_code=True)
def upload(dropped, tab, whole):
    mo.stop(tab.value != say("upload"))
    own_data.upload_part(dropped, whole)
    return


@app.cell(hide_code=True)
def propose_files(dropped, ending, get_mended, shown, tab, whole):
    of_files = None
    if tab.value == say("upload") and dropped.value:
        _files = [(one.name, one.contents) for one in dropped.value]
        with mo.status.spinner("Reading", remove_on_exit=True):
            of_files = own_data.uploaded(
                shown,
                _files,
                whole=whole.value,
                end_overrides=ending.value,
                mended=get_mended(),
            )
    return (of_files,)


@app.cell(hide_code=True)
def propose(form, of_files, of_table, place, shown, state, tab):
    proposal = of_files
    _asked = form is not None and form.value is not None
    if tab.value == say("correct_a_cell") and _asked:
        proposal = own_data.proposed_cell(
            shown,
            state,
            {"table": of_table.value, **place.value, "value": form.value},
        )
    return (proposal,)


@app.cell(hide_code=True)
def differences(ending, of_files, proposal, shown, whole):
    _ends = of_files is not None and ending.value
    _told = own_data.proposal_html(proposal, shown.names) if proposal else ""
    if proposal:
        _told += own_data.command_html(
            shown, proposal, whole=whole.value, end_overrides=_ends
        )
    mo.vstack(
        [
            html(_told),
            *([ending] if _ends or own_data.keeps_overrides(of_files) else []),
        ]
    ) if proposal else None
    return


@app.cell(hide_code=True)
def mend_cells(mend, proposal):
    wrong_form = cell_form.mend_form(proposal, mend)
    html(f"<h3>{say('wrong_cells')}</h3>") if wrong_form is not None else None
    return (wrong_form,)


@app.cell(hide_code=True)
def show_wrong_cells(wrong_form):
    wrong_form
    return


@app.cell(hide_code=True)
def choose_price(proposal):
    ask_price = mo.ui.run_button(label=say("price_it"))
    return (ask_price,)


@app.cell(hide_code=True)
def ask_for(ask, ask_price, proposal):
    mo.stop(proposal is None or not ask_price.value)
    ask(own_data.PricedProposal(proposal=proposal))
    return


@app.cell(hide_code=True)
def price(get_priced, proposal, shown):
    # Another proposal has no price before it is asked for.
    asked = None
    if get_priced() is not None and get_priced().proposal is proposal:
        asked = own_data.priced(shown, proposal, get_priced().press)
    html(decision_words.asked_html(asked, shown.names)) if asked else None
    return (asked,)


@app.cell(hide_code=True)
def buttons():
    # Apart from where they are shown: pressed right after the name, they are the same.
    accept, presses = own_data.apply_button(), own_data.CountedDecisions()
    back = mo.ui.run_button(label=say("undo_last_change"))
    return accept, back, presses


@app.cell(hide_code=True)
def approve(accept, approver, ask_price, asked, proposal, shown):
    mo.stop(proposal is None)
    mo.hstack(
        own_data.buttons(shown, proposal, asked, [ask_price, approver.field(), accept]),
        justify="start",
        align="end",
        wrap=True,
    )
    return


@app.cell(hide_code=True)
def approved(accept, approver, asked, decide, presses, proposal):
    # What is taken makes a new proposal of the same files: it is not pressed again.
    mo.stop(not presses.is_new(accept.value) or proposal is None)
    decide(DataDecision(asked=asked, approver=approver.value, proposal=proposal))
    return


@app.cell(hide_code=True)
def changes(approver, back, get_renewed, shown, state, tab, wanted):
    mo.stop(state is None or tab.value != say("changes"))
    _renewed = get_renewed()
    mo.vstack(
        [
            change_list.changes_part(shown, state.names, wanted("known_at")),
            mo.hstack(
                [approver.field(), back], justify="start", align="end", wrap=True
            ),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def taken_back(approver, back, decide):
    mo.stop(not back.value)
    decide(DataDecision(approver=approver.value))
    return


@app.cell(hide_code=True)
def outcome(get_decision, settle, shown):
    own_data.outcome(shown, get_decision(), settle)
    return


@app.cell(hide_code=True)
def refused(state, tab):
    mo.stop(state is None or tab.value != say("refused"))
    data_page.refused_part(state)
    return


@app.cell(hide_code=True)
def trust(shown, state, wanted):
    data_page.trust(shown, state, wanted("known_at")) if state else None
    return


if __name__ == "__main__":
    app.run()
