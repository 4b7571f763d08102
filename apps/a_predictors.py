# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Predictors

How sure predicted lead and transit times are: coverage over time, spread against what
came, champion and challenger, and the orders and demands that count on them.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: predictors")

with app.setup:
    import marimo as mo

    from medhavi.service.page_data import html, picture, trouble_of
    from medhavi.service.plan_pages import (
        decision_words,
        desk_parts,
        desk_words,
        plan_page,
    )
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.service.plan_pages.plan_page import Decision, EditForm, EditSession
    from medhavi.service.predictor_pages import predictor_page, time_edit
    from medhavi.service.predictor_pages.predictor_page import TrainingRequest
    from medhavi.views import page, theme
    from medhavi.views.order_grid import partner_links
    from medhavi.views.plan_pages import predictors
    from medhavi.views.plan_pages.predictors import coverage_chart
    from medhavi.views.tiles import tiles_html
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("predictors"))
    return


@app.cell(hide_code=True)
def address():
    _params = mo.query_params()
    wanted, keep = desk_words.address_of(_params)
    link = desk_words.page_link(_params.to_dict(), ("tab", "predictor", "key"))
    return keep, link, wanted


@app.cell(hide_code=True)
def how(keep, wanted):
    mode = desk_words.mode_choice(wanted, keep)
    return (mode,)


@app.cell(hide_code=True)
def remembered():
    get_told, tell = mo.state("")
    session = EditSession()
    get_asked, ask = mo.state(None)
    get_decision, give = mo.state(None)
    get_renewed, renew = mo.state(0)
    approver = Approver()
    retrain = mo.ui.run_button(label=say("retrain_all_predictors"))
    promote = mo.ui.run_button(label=say("put_this_version_in_use"), kind="success")

    def settle(done):
        if done.kept:
            ask(None)

    return (
        approver,
        ask,
        get_asked,
        get_decision,
        get_renewed,
        get_told,
        give,
        promote,
        renew,
        retrain,
        session,
        settle,
        tell,
    )


@app.cell(hide_code=True)
def data(get_renewed, mode, wanted):
    _renewed = get_renewed()
    shown = desk_words.shown_plan(
        wanted, mode, desk_words.moments_of(wanted, scenario=False)
    )
    names = shown.names
    return names, shown


@app.cell(hide_code=True)
def work(get_told, shown):
    # Runs again when a training has ended, and so do the reports below.
    _told = get_told()
    working = predictor_page.work_html(shown.source)
    html(
        f"{working}{page.empty(say('retrain_and_put_in_use'), _told) if _told else ''}"
    ) if working or _told else None
    return (working,)


@app.cell(hide_code=True)
def read(shown, working):
    _working = working
    found = predictor_page.reports_of(shown)
    reports = predictor_page.reports(found)
    effects = predictor_page.effects_of(shown)
    return effects, found, reports


@app.cell(hide_code=True)
def choose(keep, reports, wanted):
    choice = predictor_page.predictor_choice(reports, wanted, keep) if reports else None
    return (choice,)


@app.cell(hide_code=True)
def head(choice, effects, mode, names, reports, shown, wanted):
    _told = predictors.predictor_finding(reports, names, effects) if reports else ""
    mo.vstack(
        desk_words.page_head(
            say("predictors"),
            shown,
            wanted("known_at"),
            _told,
            [choice, mode, predictor_page.tracking_link(shown.source)],
        ),
        gap=1,
    )
    return


@app.cell(hide_code=True)
def trouble(found, reports, shown):
    _stands = shown.problem is not None and not shown.problem.job
    _nothing = predictor_page.nothing_html(shown, found)
    ready = () if _stands or _nothing else reports
    trouble_of(shown) if _stands else html(_nothing) if _nothing else None
    return (ready,)


@app.cell(hide_code=True)
def look(choice, ready):
    # Always there, None where there is nothing: a tab may be clicked meanwhile.
    one = next((each for each in ready if each.model == choice.value), None)
    return (one,)


@app.cell(hide_code=True)
def tiles(effects, link, names, ready):
    mo.stop(not ready)
    html(tiles_html(predictors.predictor_tiles(ready, effects, names), link))
    return


@app.cell(hide_code=True)
def coverage(names, one):
    mo.stop(one is None)
    picture(
        coverage_chart(one.by_month, predictor_page.coverage_title(one, names)),
        say("no_coverage_to_draw"),
        one.problem or say("too_few_orders_have_been"),
    )
    return


@app.cell(hide_code=True)
def choose_tab(keep, wanted):
    tab = desk_words.tab_bar(predictor_page.TABS, wanted, keep, predictor_page.TABS[0])
    return (tab,)


@app.cell(hide_code=True)
def bar(one, tab):
    tab if one else None
    return


@app.cell(hide_code=True)
def spread(names, one, shown, tab):
    mo.stop(one is None or tab.value != predictor_page.TABS[0])
    _links = partner_links(shown.snapshot, names)
    predictor_page.spread_table(one, names, _links)
    return


@app.cell(hide_code=True)
def choose_key(effects, keep, names, one, wanted):
    own = predictor_page.own_effects(effects, one)
    key = predictor_page.key_choice(own, names, wanted, keep)
    return key, own


@app.cell(hide_code=True)
def effect(key, names, one, own, shown, tab):
    mo.stop(one is None or tab.value != predictor_page.TABS[1])
    _none = shown.plan is None
    _links = partner_links(shown.snapshot, names)
    mo.vstack(
        [trouble_of(shown)]
        if _none
        else [
            part
            for part in (
                predictor_page.effect_table(own, names, _links),
                key,
                predictor_page.demand_table(shown, key),
            )
            if part is not None
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def ask_time(key, one, own, shown):
    time = (
        None
        if one is None or key is None
        else time_edit.learned_time(shown, key.value, own, one)
    )
    time_form = time_edit.time_form(time)
    return time, time_form


@app.cell(hide_code=True)
def another_time(key, names, one, tab, time, time_form):
    mo.stop(one is None or tab.value != predictor_page.TABS[2])
    time_edit.time_part(time, time_form, key, names)
    return


@app.cell(hide_code=True)
def propose(ask, give, time, time_form):
    mo.stop(time_form is None or not time_form.value)
    give(None)
    ask(EditForm(form=time_edit.time_edit(time, time_form.value)))
    return


@app.cell(hide_code=True)
def price(get_asked, names, one, renew, session, shown, tab):
    mo.stop(get_asked() is None or one is None or tab.value != predictor_page.TABS[2])
    asked = plan_page.show_edit(shown, get_asked().form, get_asked().press)
    mo.stop(
        plan_page.is_replanned(shown, asked, session, renew),
        html(f'<p class="muted">{say("planning_again")}</p>'),
    )
    html(decision_words.asked_html(asked, names))
    return (asked,)


@app.cell(hide_code=True)
def choose_accept(asked):
    accept = mo.ui.run_button(label=say("approve_the_edit"), kind="success")
    priced = desk_parts.is_ready(asked)
    return accept, priced


@app.cell(hide_code=True)
def approve(accept, approver, priced):
    mo.hstack(
        [approver.field(), accept], justify="start", wrap=True
    ) if priced else None
    return


@app.cell(hide_code=True)
def approved(accept, approver, asked, give):
    mo.stop(not accept.value)
    give(Decision(asked=asked, approver=approver.value))
    return


@app.cell(hide_code=True)
def outcome(get_decision, settle, shown):
    _told = desk_parts.outcome(shown, get_decision(), settle)
    decided = get_decision()
    _told
    return (decided,)


@app.cell(hide_code=True)
def undo(approver, decided, give):
    undo = desk_parts.undo_button(decided, approver.value, give)
    undo
    return (undo,)


@app.cell(hide_code=True)
def versions(names, one, tab):
    mo.stop(one is None or tab.value != predictor_page.TABS[3])
    html(predictor_page.versions_part(one, names))
    return


@app.cell(hide_code=True)
def choose_version(one):
    version = None if one is None else predictor_page.version_choice(one)
    return (version,)


@app.cell(hide_code=True)
def decide(approver, one, promote, retrain, shown, tab, version):
    mo.stop(one is None or tab.value != predictor_page.TABS[4])
    _chosen = version.value if version is not None else ""
    mo.vstack(
        [
            retrain,
            html(predictor_page.kept_html(one)),
            *(
                [
                    mo.hstack(
                        [version, approver.field(), promote], justify="start", wrap=True
                    )
                ]
                if version is not None
                else []
            ),
            html(predictor_page.commands_html(shown, one, _chosen)),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def train(retrain, shown, tell):
    mo.stop(not retrain.value)
    tell(predictor_page.begin(TrainingRequest(source=shown.source)))
    return


@app.cell(hide_code=True)
def put_in_use(approver, one, promote, shown, tell, version):
    mo.stop(not promote.value or version is None)
    _asked = predictor_page.promotion(shown, one, version.value, approver.value)
    tell(_asked if isinstance(_asked, str) else predictor_page.begin(_asked))
    return


@app.cell(hide_code=True)
def trust(shown, wanted):
    desk_words.foot(shown, wanted("known_at")) if shown.plan else None
    return


if __name__ == "__main__":
    app.run()
