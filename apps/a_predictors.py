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

    from medhavi.service.jobs.predictor_jobs import TrainingRequest
    from medhavi.service.page_data import html, picture, trouble_of
    from medhavi.service.plan_pages import desk_words
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.service.predictor_pages import predictor_page
    from medhavi.views import page, theme
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
    wanted, keep = desk_words.address_of(mo.query_params())
    return keep, wanted


@app.cell(hide_code=True)
def how(keep, wanted):
    mode = desk_words.mode_choice(wanted, keep)
    return (mode,)


@app.cell(hide_code=True)
def remembered():
    get_told, tell = mo.state("")
    approver = Approver()
    retrain = mo.ui.run_button(label=say("retrain_all_predictors"))
    promote = mo.ui.run_button(label=say("put_this_version_in_use"), kind="success")
    return approver, get_told, promote, retrain, tell


@app.cell(hide_code=True)
def data(mode, wanted):
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
def head(choice, mode, names, reports, shown, wanted):
    _told = predictors.predictor_finding(reports, names) if reports else ""
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
def tiles(effects, names, ready):
    mo.stop(not ready)
    html(tiles_html(predictors.predictor_tiles(ready, effects, names)))
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
def spread(names, one, tab):
    mo.stop(one is None or tab.value != predictor_page.TABS[0])
    predictor_page.spread_table(one, names)
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
    mo.vstack(
        [trouble_of(shown)]
        if _none
        else [
            part
            for part in (
                predictor_page.effect_table(own, names),
                key,
                predictor_page.demand_table(shown, key),
            )
            if part is not None
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def versions(names, one, tab):
    mo.stop(one is None or tab.value != predictor_page.TABS[2])
    html(
        predictors.versions_html(one, names)
        if one.versions
        else page.empty(say("no_version_yet"), say("train_the_plain_rule"))
    )
    return


@app.cell(hide_code=True)
def choose_version(one):
    version = None if one is None else predictor_page.version_choice(one)
    return (version,)


@app.cell(hide_code=True)
def decide(approver, one, promote, retrain, shown, tab, version):
    mo.stop(one is None or tab.value != predictor_page.TABS[3])
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
