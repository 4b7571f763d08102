# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Trade-offs

Efficient plans between two to four objectives, compared in pairs.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: trade-offs")

with app.setup:
    from html import escape

    import marimo as mo

    import medhavi as mv
    from medhavi.results.pareto_front import MOST_OBJECTIVES, USUAL
    from medhavi.service import tradeoff_page
    from medhavi.service.downloads import picture_buttons
    from medhavi.service.page_data import (
        facts_of,
        html,
        said,
        section,
        trouble_of,
        wanted_data,
    )
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.service.plan_pages.desk_words import (
        address_of,
        mode_choice,
        tab_bar,
    )
    from medhavi.service.plan_pages.plan_loading import awaiting
    from medhavi.service.tradeoff_page import (
        budgets_of,
        is_current,
        objectives_of_form,
    )
    from medhavi.views import page, theme
    from medhavi.views.order_list import comparison_html
    from medhavi.views.pictures.pareto import (
        BUDGET_TITLES,
        TITLES,
        budget_unit,
        budgets_words,
        changes_html,
        difference_html,
        front_chart,
        front_finding,
        front_words,
        hypervolume_words,
        points_html,
    )
    from medhavi.views.theme import title_of, untitled
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("tradeoffs"))
    return


@app.cell(hide_code=True)
def address():
    wanted, keep = address_of(mo.query_params())
    return keep, wanted


@app.cell(hide_code=True)
def data(wanted):
    # Tables that can be planned bring what there was none to trade off of.
    shown = awaiting(wanted_data(wanted))
    return (shown,)


@app.cell(hide_code=True)
def head(shown, wanted):
    # With its finding it stands below, once the last plans are read.
    mo.Html(
        page.header(say("trade_offs"), facts_of(shown, wanted("known_at")))
    ) if shown.problem else None
    return


@app.cell(hide_code=True)
def found_head(last, shown, wanted):
    mo.Html(
        page.header(
            say("trade_offs"),
            facts_of(shown, wanted("known_at")),
            finding=say("no_plans_found_yet")
            if last.front is None
            else front_finding(last.front),
        )
    )
    return


@app.cell(hide_code=True)
def trouble(shown):
    mo.stop(shown.problem is not None, trouble_of(shown))
    ready = shown
    return (ready,)


@app.cell(hide_code=True)
def remembered():
    # What was published stays on the page while the plan in force beside it is read.
    approver = Approver()
    get_published, publish = mo.state(None)
    return approver, get_published, publish


@app.cell(hide_code=True)
def effort(ready, wanted):
    _ready = ready  # tables that cannot be read have no trade-offs
    form = (
        mo.md(
            "{objectives} {points}\n\n"
            f"{say('a_plan_has_at_most')}\n\n"
            '<div class="mv-form">{cost}{lateness}{co2}{inventory}{overtime}{cash}</div>'
        )
        .batch(
            objectives=mo.ui.multiselect(
                {title: name for name, title in TITLES.items()},
                value=[TITLES[name] for name in USUAL],
                max_selections=MOST_OBJECTIVES,
                label=say("traded_between"),
            ),
            points=mo.ui.slider(
                start=3,
                stop=24,
                value=min(max(int(wanted("points") or 6), 3), 24),
                show_value=True,
                label=say("programs"),
            ),
            **{
                name: mo.ui.text(
                    label=f"{title.capitalize()} "
                    f"[{budget_unit(name, ready.names.currency)}]",
                    placeholder=say("no_limit"),
                    full_width=True,
                )
                for name, title in BUDGET_TITLES.items()
            },
        )
        .form(submit_button_label=say("find_the_trade_offs"), bordered=True)
    )
    section(
        "effort",
        say("number_of_plans_and_budgets"),
        html(f'<p class="muted">{say("linear_programs_over_orders")}</p>'),
        form,
    )
    return (form,)


@app.cell(hide_code=True)
def begin(form, wanted):
    begun = None
    _wrong, _no_number, _amiss = "", "", None
    if form.value is not None:
        _budgets, _no_number = budgets_of(form.value)
        _objectives, _miscounted = objectives_of_form(form.value)
        _wrong = _no_number or _miscounted
        if not _wrong:
            _points, _now = form.value["points"], wanted_data(wanted)
            if _now.problem is None:
                begun = tradeoff_page.begin(_now, _points, _budgets, _objectives)
            else:
                _amiss = trouble_of(_now)
    _title = say("a_budget_is_a_number" if _no_number else "two_to_four_objectives")
    html(page.problem(_title, _wrong, "")) if _wrong else _amiss
    return (begun,)


@app.cell(hide_code=True)
def work(begun, ready):
    with mo.status.spinner(
        say("reading_the_last_plans"), remove_on_exit=True
    ) as _spinner:
        last = tradeoff_page.load_front(
            ready, begun, observe=lambda done: _spinner.update(subtitle=str(done))
        )
    trouble_of(last) if last.problem else None
    return (last,)


@app.cell(hide_code=True)
def find(last, wanted):
    # The tables may have changed since the page was opened.
    now = wanted_data(wanted)
    mo.stop(now.problem is not None, trouble_of(now))
    mo.stop(
        last.front is None,
        html(page.empty(say("no_plans_yet"), say("choose_programs")))
        if last.problem is None
        else None,
    )
    front = last.front
    current = is_current(now, front)
    html(
        page.problem(say("earlier_data"), say("tables_changed"), say("find_again"))
    ) if not current else None
    return current, front, now


@app.cell(hide_code=True)
def axes(front, keep, wanted):
    _named = {TITLES[name]: name for name in front.told}

    def _axis(wish, usual):
        return TITLES[wish if wish in front.told else usual]

    across = mo.ui.dropdown(
        _named,
        value=_axis(wanted("x"), front.chosen[0]),
        label=say("across"),
        on_change=lambda value: keep("x", value),
    )
    up = mo.ui.dropdown(
        _named,
        value=_axis(wanted("y"), front.chosen[1]),
        label=say("up"),
        on_change=lambda value: keep("y", value),
    )
    return across, up


@app.cell(hide_code=True)
def choose_mode(keep, wanted):
    mode = mode_choice(wanted, keep)
    return (mode,)


@app.cell(hide_code=True)
def in_force(front, mode, now):
    _shown = tradeoff_page.plan_before(now, mode.value)
    before_trouble = trouble_of(_shown) if _shown.problem else None
    before = None if before_trouble else tradeoff_page.objectives_of(_shown, front)
    return before, before_trouble


@app.cell(hide_code=True)
def picture(across, before, current, front, up):
    _before = before if current else None
    _stopped = (
        f"{say('search_was_stopped')} " if str(front.run.status) == "cancelled" else ""
    )
    _chart = front_chart(front, across.value, up.value, brush=True, before=_before)
    scatter = mo.ui.altair_chart(
        untitled(_chart), chart_selection=False, legend_selection=False
    )
    section(
        "front",
        say("efficient_plans"),
        mo.hstack([across, up], justify="start"),
        html(f"<h2 class='mv-of'>{escape(title_of(_chart))}</h2>"),
        scatter,
        picture_buttons(_chart),
        html(
            f'<p class="muted">{_stopped}{front_words(front, across.value, up.value, _before)}'
            f"{hypervolume_words(front)}{budgets_words(front)}</p>"
        ),
    )
    return (scatter,)


@app.cell(hide_code=True)
def choose_tab(keep, wanted):
    tab = tab_bar(tradeoff_page.TABS, wanted, keep, tradeoff_page.TABS[0])
    return (tab,)


@app.cell(hide_code=True)
def bar(front, tab):
    tab if front else None
    return


@app.cell(hide_code=True)
def brushed(front, scatter, tab):
    _rows = scatter.value
    picked = (
        sorted({int(p) for p in _rows["point"]})
        if _rows is not None and len(_rows)
        else []
    )
    _hint = (
        f'<p class="muted">{say("plans_selected", len(picked), front.points.height)}</p>'
        if picked
        else f'<p class="muted">{say("draw_a_rectangle")}</p>'
    )
    section(
        "plans", say("objectives_of_plans"), html(_hint + points_html(front, picked))
    ) if tab.value == say("objectives_of_plans") else None
    return (picked,)


@app.cell(hide_code=True)
def choose_two(front, keep, picked, wanted):
    _labels = {f"Plan {p}": p for p in front.points["point"]}
    _cheapest = front.points.sort("cost", "point")["point"][0]
    _other = picked[0] if picked else front.knee()
    _other = front.points["point"][-1] if _other is None else _other

    def _first(name, usual):
        asked = f"Plan {wanted(name)}"
        return asked if asked in _labels else f"Plan {usual}"

    one = mo.ui.dropdown(
        _labels,
        value=_first("from", _cheapest),
        label=say("from"),
        on_change=lambda value: keep("from", str(value)),
    )
    two = mo.ui.dropdown(
        _labels,
        value=_first("to", _other),
        label=say("label_to"),
        on_change=lambda value: keep("to", str(value)),
    )
    knee_first = picked[0] if picked else front.knee() or _cheapest
    return knee_first, one, two


@app.cell(hide_code=True)
def difference(front, now, one, tab, two):
    mo.stop(tab.value != say("difference_between_two_plans"))
    _one, _two = front.plan(one.value), front.plan(two.value)
    section(
        "difference",
        say("difference_between_two_plans"),
        mo.hstack([one, two], justify="start"),
        html(difference_html(front, one.value, two.value)),
        mo.accordion(
            {
                say("orders_demands_and_pegs"): html(
                    comparison_html(_one, _two, mv.compare(_one, _two), now.names)
                )
            }
        ),
    )
    return


@app.cell(hide_code=True)
def against(before, before_trouble, front, mode, tab):
    mo.stop(tab.value != say("difference_from_the_plan"))
    section(
        "in_force",
        say("difference_from_the_plan"),
        mode,
        html(changes_html(front, before)) if before else before_trouble,
    )
    return


@app.cell(hide_code=True)
def publish_choice(front, keep, knee_first, wanted):
    _labels = {f"Plan {p}": p for p in front.points["point"]}
    _asked = f"Plan {wanted('publish')}"
    chosen = mo.ui.dropdown(
        _labels,
        value=_asked if _asked in _labels else f"Plan {knee_first}",
        label=say("plan"),
        on_change=lambda value: keep("publish", str(value)),
    )
    release = mo.ui.run_button(label=say("publish_this_plan"), kind="success")
    return chosen, release


@app.cell(hide_code=True)
def publishing(approver, chosen, current, now, release):
    section(
        "publish",
        say("publish_a_plan"),
        mo.hstack([chosen, approver.field(), release], justify="start", wrap=True),
    ) if now.source.lake and current else None
    return


@app.cell(hide_code=True)
def published(approver, chosen, front, now, publish, release):
    mo.stop(not release.value)
    _done = tradeoff_page.publish(now, front, chosen.value, approver.value)
    publish((front.fingerprint, chosen.value, _done))
    return


@app.cell(hide_code=True)
def outcome(front, get_published):
    mo.stop(get_published() is None or get_published()[0] != front.fingerprint)
    _, _plan, _done = get_published()
    mo.vstack([html(f"<p><b>Plan {_plan}</b></p>"), said(_done)], gap=0.5)
    return


@app.cell(hide_code=True)
def trust(front, now, wanted):
    _facts = [
        ("Status", f"{front.run.status}"),
        ("Objectives", ", ".join(TITLES[name] for name in front.chosen)),
        ("Front", front.fingerprint[:12]),
    ]
    mo.Html(
        page.data_line(now.snapshot, now.names, _facts, known_at=wanted("known_at"))
    )
    return


@app.cell(hide_code=True)
def trust_before(last, ready, wanted):
    # Without plans the page still says which data it would trade off.
    mo.Html(
        page.data_line(ready.snapshot, ready.names, [], known_at=wanted("known_at"))
    ) if last.front is None else None
    return


if __name__ == "__main__":
    app.run()
