# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Campaigns and changeovers

Campaigns by set-up saving, the changeover matrix to edit, and how campaigns were
kept.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: campaigns and changeovers")

with app.setup:
    import marimo as mo

    from medhavi.service import campaign_page
    from medhavi.service.campaign_page import change_form, change_words, matrix_grid
    from medhavi.service.page_data import (
        facts_of,
        html,
        picture,
        problem_html,
        section,
        trouble_of,
        wanted_data,
    )
    from medhavi.service.plan_pages import (
        decision_words,
        desk_parts,
        desk_words,
        plan_page,
    )
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.service.plan_pages.plan_loading import awaiting
    from medhavi.service.plan_pages.plan_page import (
        Decision,
        EditForm,
    )
    from medhavi.views import page, theme
    from medhavi.views.plan_pages import campaign_words
    from medhavi.views.plan_pages.campaign_words import setup_chart
    from medhavi.views.tiles import tiles_html
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("campaigns"))
    return


@app.cell(hide_code=True)
def address():
    wanted, keep = desk_words.address_of(mo.query_params())
    return keep, wanted


@app.cell(hide_code=True)
def choose_how(keep, wanted):
    _words = {say("rules_and_set_up"): "propose", say("rules_alone"): "rules"}
    how = mo.ui.dropdown(
        _words,
        value=next(word for word, name in _words.items() if name == "propose")
        if wanted("how") != "rules"
        else say("rules_alone"),
        label=say("campaigns"),
        on_change=lambda value: keep("how", value),
    )
    return (how,)


@app.cell(hide_code=True)
def remembered():
    # What was decided, and by whom, stays while the plans are made anew.
    get_asked, ask = mo.state(None)
    get_decision, decide = mo.state(None)
    get_renewed, renew = mo.state(0)
    approver = Approver()

    def price(form):
        if form is not None:
            decide(None)
            ask(EditForm(form=form))

    def settle(done):
        if done.kept:
            ask(None)
            renew(lambda times: times + 1)

    return approver, decide, get_asked, get_decision, get_renewed, price, settle


@app.cell(hide_code=True)
def data(get_renewed, wanted):
    _renewed = get_renewed()
    # Tables that can be planned bring what there was none to compare of.
    read = awaiting(wanted_data(wanted))
    names = read.names
    return names, read


@app.cell(hide_code=True)
def head(how, read, wanted):
    _facts = facts_of(read, wanted("known_at"))
    mo.vstack(
        [
            mo.Html(page.header(say("campaigns_and_changeovers"), _facts)),
            mo.hstack([how], justify="start"),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def plans(families, get_asked, how, read):
    _seen = families  # the matrix is there to read while the plans are made
    with mo.status.spinner("Planning twice", remove_on_exit=True) as _spinner:
        tried = campaign_page.load_campaigns(
            read,
            how.value,
            carried_out=mo.cli_args().get("plan") or "",
            observe=lambda done: _spinner.update(subtitle=str(done)),
            begin=get_asked() is not None,
        )
    trouble_of(tried) if tried.study is None else None
    return (tried,)


@app.cell(hide_code=True)
def compared(tried):
    mo.stop(tried.study is None)
    shown, study = tried, tried.study
    return shown, study


@app.cell(hide_code=True)
def tiles(names, study):
    _found = campaign_words.saving_finding(study.difference, names.currency)
    _tiles = campaign_words.saving_tiles(study.difference, names.currency)
    html(page.finding_line(_found) + tiles_html(_tiles, "#runs"))
    return


@app.cell(hide_code=True)
def choose_tab(keep, wanted):
    # The address of an edit of a cell names its families: it leads to the matrix.
    _first = "Changeover matrix" if wanted("from") or wanted("matrix") else "Effect"
    tab = desk_words.tab_bar(campaign_page.TABS, wanted, keep, _first)
    return (tab,)


@app.cell(hide_code=True)
def bar(read, tab):
    tab if read.problem is None else None
    return


@app.cell(hide_code=True)
def not_compared(read, tab, tried):
    mo.stop(read.problem is not None or tried.study is not None)
    _parts = {
        say("effect"): say("effect_of_both_plans"),
        say("campaigns"): say("campaigns_and_how_kept"),
    }
    _told = _parts.get(tab.value)
    html(page.empty(_told, say("once_it_is_compared"))) if _told else None
    return


@app.cell(hide_code=True)
def setups(shown, study, tab):
    mo.stop(tab.value != say("effect"))
    section(
        "setups",
        say("changeover_time"),
        picture(
            setup_chart(campaign_page.setup_rows(shown)),
            say("nothing_is_changed_over"),
            say("each_stays_with_a_family"),
        ),
    )
    return


@app.cell(hide_code=True)
def runs(names, study, tab):
    mo.stop(tab.value != say("effect"))
    section(
        "runs",
        say("effect_of_campaigns"),
        html(campaign_words.runs_html(study.difference, currency=names.currency)),
        html(campaign_words.kpis_html(study.kpis)),
    )
    return


@app.cell(hide_code=True)
def choose_matrix(keep, names, read, wanted):
    mo.stop(read.problem is not None, trouble_of(read))
    _all = campaign_page.matrices(read.snapshot, names)
    _asked = [label for label, one in _all.items() if one == wanted("matrix")]
    matrix = mo.ui.dropdown(
        _all,
        value=next(iter([*_asked, *_all]), None),
        label=say("matrix"),
        on_change=lambda value: keep("matrix", value or ""),
    )
    return (matrix,)


@app.cell(hide_code=True)
def show_matrix(matrix, names, read, tab):
    if matrix.value is None:
        families, grid = {}, None
        _parts = [
            html(page.empty(say("there_is_no_changeover_matrix"), say("name_a_matrix")))
        ]
    else:
        families = campaign_page.matrix_families(read.snapshot, matrix.value, names)
        grid = matrix_grid(
            campaign_page.matrix_table(read.snapshot, matrix.value, families)
        )
        _parts = [matrix, html(f'<p class="muted">{say("matrix_legend")}</p>'), grid]
    section("matrix", say("changeover_matrix"), *_parts) if tab.value == say(
        "changeover_matrix"
    ) else None
    return families, grid


@app.cell(hide_code=True)
def edit_cell(families, grid, matrix, price, read, wanted):
    mo.stop(grid is None)
    form = change_form(read.snapshot, matrix.value, families, grid.value, wanted, price)
    return (form,)


@app.cell(hide_code=True)
def show_form(form, tab):
    form if tab.value == say("changeover_matrix") else None
    return


@app.cell(hide_code=True)
def priced(get_asked, names, shown, study):
    mo.stop(get_asked() is None)
    _asked = get_asked().form
    asked = campaign_page.show_change(shown, _asked, get_asked().press)
    if asked.problem is not None:
        _told = [problem_html(asked.problem)]
    else:
        _told = [
            decision_words.preview_html(
                asked.preview, names, change_words(_asked, names)
            )
        ]
    if asked.study is not None:
        _told.insert(0, campaign_words.kpis_html(study.kpis, asked.study.kpis))
        _told.insert(
            0,
            campaign_words.runs_html(
                study.difference, asked.study.difference, names.currency
            ),
        )
    section(
        "price", say("effect_of_the_new_changeover"), *(html(_part) for _part in _told)
    )
    return (asked,)


@app.cell(hide_code=True)
def who(approver, form, shown, tab):
    # Apart from the price: a name that is typed while it is worked out stays.
    _on = tab.value == say("changeover_matrix")
    approver.field() if _on and form is not None and shown.source.lake else None
    return


@app.cell(hide_code=True)
def approve(asked):
    mo.stop(asked.study is None)
    mo.stop(
        not asked.binding,
        html(page.empty(say("nothing_can_be_kept"), say("tables_are_read_only"))),
    )
    accept = mo.ui.run_button(label=say("approve_the_edit"), kind="success")
    accept
    return (accept,)


@app.cell(hide_code=True)
def decided(accept, approver, asked, decide):
    mo.stop(not accept.value)
    decide(Decision(asked=asked, approver=approver.value))
    return


@app.cell(hide_code=True)
def undo():
    # Apart from where it is shown: pressed right after the name, it is still the same.
    back = mo.ui.run_button(label=say("undo_last_decision"))
    return (back,)


@app.cell(hide_code=True)
def history(approver, back, names, shown, study, tab, wanted):
    mo.stop(tab.value != say("changeover_matrix"))
    _past = plan_page.decisions(shown, wanted("known_at")) if study else []
    section(
        "decisions",
        say("decisions"),
        html(decision_words.history_html(_past, names, say("choose_a_cell_above"))),
        *desk_parts.undo_row(_past, approver, back),
    )
    return


@app.cell(hide_code=True)
def taken_back(approver, back, decide):
    mo.stop(not back.value)
    decide(Decision(approver=approver.value))
    return


@app.cell(hide_code=True)
def outcome(get_decision, read, settle):
    desk_parts.outcome(read, get_decision(), settle)
    return


@app.cell(hide_code=True)
def proposals(names, study, tab):
    mo.stop(tab.value != say("campaigns"))
    section(
        "proposals",
        say("campaigns_by_saving"),
        html(campaign_words.proposals_html(study.proposals, names)),
    )
    return


@app.cell(hide_code=True)
def kept(names, study, tab):
    mo.stop(tab.value != say("campaigns"))
    section(
        "kept",
        say("campaign_adherence"),
        html(campaign_words.compliance_html(study.adherence, names)),
    )
    return


@app.cell(hide_code=True)
def findings(names, shown, study):
    study and mo.accordion(
        {
            f"Data findings: {page.findings_words(shown.findings)}": html(
                page.findings_html(shown.findings, names)
            )
        }
    )
    return


@app.cell(hide_code=True)
def trust(how, names, shown, study, wanted):
    mo.Html(
        page.trust_line(
            study.with_campaigns,
            shown.snapshot,
            names,
            violations=0,
            findings=shown.findings,
            command=campaign_words.campaigns_command(
                shown.source.option, how=how.value
            ),
            known_at=wanted("known_at"),
        )
    )
    return


if __name__ == "__main__":
    app.run()
