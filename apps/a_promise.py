# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Promise desk

Delivery dates with their probability, sourcing options and remedies; the list of all
promises with who made them, request files, the promises and demands at risk.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: promise desk")

with app.setup:
    import marimo as mo

    from medhavi.service import grid_groups
    from medhavi.service.page_data import (
        facts_of,
        html,
        keep_in,
        picture,
        said,
        section,
        trouble_of,
        wanted_data,
    )
    from medhavi.service.plan_pages import (
        decision_words,
        desk_parts,
        desk_words,
        plan_page,
        plan_risk,
    )
    from medhavi.service.plan_pages.approver_names import Approver
    from medhavi.service.plan_pages.plan_loading import (
        awaiting,
        follow_facts,
        followed,
    )
    from medhavi.service.promise_pages import (
        promise_commit,
        promise_list,
        promise_widgets,
        request_file,
    )
    from medhavi.service.promise_pages.open_lists import followed_records, records_of
    from medhavi.service.promise_pages.promise_check import (
        checked_promises,
        last_check,
        risk_part,
    )
    from medhavi.service.promise_pages.promise_commit import (
        OpenRequest,
        OverrideDate,
        commit,
        commit_lines,
        requested_of,
    )
    from medhavi.service.promise_pages.promise_page import (
        ask_changed,
        choices,
        named,
        recent,
        variants_of,
    )
    from medhavi.service.promise_pages.request_file import RequestFile
    from medhavi.version import __version__
    from medhavi.views import grid_columns, page, theme
    from medhavi.views.names import basis_words, count
    from medhavi.views.promises import lists as promise_lists
    from medhavi.views.promises import records as promise_records
    from medhavi.views.promises.picture import (
        RULES,
        probability_chart,
        promise_chain_chart,
    )
    from medhavi.views.promises.words import (
        answer_finding,
        options_html,
        preempted_html,
        promise_tiles,
        remedies_html,
        remedy_words,
        there,
    )
    from medhavi.views.tiles import tiles_html
    from medhavi.views.words import say

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("promise", rules=RULES))
    return


@app.cell(hide_code=True)
def address():
    params = mo.query_params()
    wanted, keep = desk_words.address_of(params)
    link = desk_words.page_link(
        params.to_dict(), ("tab", "promise", *promise_list.ADDRESS.values())
    )

    def keep_all(values):
        keep_in(params, values)

    return keep, keep_all, link, wanted


@app.cell(hide_code=True)
def remembered():
    # Typed once: it stays for every question of this page.
    approver = Approver()
    remedy_ok = mo.ui.run_button(label=say("approve_the_change"), kind="success")
    get_again, ask_again = mo.state(0)
    get_decision, decide = mo.state(None)
    get_released, released = mo.state(None)
    get_picked, pick_number = mo.state("")
    return (
        approver,
        ask_again,
        decide,
        get_again,
        get_decision,
        get_picked,
        get_released,
        pick_number,
        released,
        remedy_ok,
    )


@app.cell(hide_code=True)
def data(wanted):
    # It stays as it is while somebody fills in a request; where there is none to fill
    # in, tables that can be asked bring one.
    opened = awaiting(named(wanted_data(wanted, scenario=True)))
    question = OpenRequest()
    return opened, question


@app.cell(hide_code=True)
def facts(wanted):
    shown = named(wanted_data(wanted, scenario=True))
    _follows = follow_facts(shown)
    return (shown,)


@app.cell(hide_code=True)
def listed(shown):
    records = followed_records(shown)
    return (records,)


@app.cell(hide_code=True)
def watching(opened):
    _what = opened.source  # another source is looked at anew
    get_look, look = mo.state(0)
    look_again = mo.ui.button(
        label=say("check_all_promises_again"),
        on_change=lambda _: look(plan_page.new_press()),
    )
    return get_look, look_again


@app.cell(hide_code=True)
def choose_tab(get_again, keep, wanted):
    _again = get_again()  # asking a promise again leads to the desk
    tab = desk_words.tab_bar(promise_widgets.TABS, wanted, keep, say("desk"))
    return (tab,)


@app.cell(hide_code=True)
def check(get_look, shown, tab):
    # Nobody waits for it but who looks at it; the list has the last one.
    _asked = tab.value == say("at_risk")
    checked = checked_promises(shown, get_look()) if _asked else last_check(shown)
    return (checked,)


@app.cell(hide_code=True)
def in_force(records, shown, tab):
    # The head says on each part which promises the plan does not keep.
    _asked = tab.value == say("at_risk") or not records.is_empty()
    _is_read = _asked and shown.problem is None
    in_force = followed(shown, shown.snapshot).plan if _is_read else None
    return (in_force,)


@app.cell(hide_code=True)
def known(checked, in_force, records):
    promises = promise_list.with_standing(records, in_force, checked.watch)
    is_checked = checked.watch is not None
    return is_checked, promises


@app.cell(hide_code=True)
def head(finding, shown, wanted):
    mo.Html(
        page.header(
            say("promise_desk"), facts_of(shown, wanted("known_at")), finding=finding
        )
    )
    return


@app.cell(hide_code=True)
def trouble(shown):
    # Without tables there is no answer, and no finding for the head above.
    mo.stop(
        shown.problem is not None,
        mo.vstack(
            [
                mo.Html(page.header(say("promise_desk"), facts_of(shown, ""))),
                trouble_of(shown),
            ]
        ),
    )
    return


@app.cell(hide_code=True)
def offer(opened):
    mo.stop(opened.problem is not None)
    offered = choices(opened.snapshot, opened.names)
    return (offered,)


@app.cell(hide_code=True)
def bar(offered, tab):
    tab if offered else None
    return


@app.cell(hide_code=True)
def aside(tab):
    # The desk stays as it is while another part is open, and is back at once.
    _off = tab.value != say("desk")
    html(desk_words.hidden(promise_widgets.DESK_CELLS)) if _off else None
    return


@app.cell(hide_code=True)
def line(get_again, opened, wanted):
    # It reads the records itself: news of promises leaves a request as it is.
    _again = get_again()
    again = promise_list.standing_line(opened, records_of(opened), wanted("again"))
    return (again,)


@app.cell(hide_code=True)
def request(again, keep_all, offered, wanted):
    form = promise_widgets.request_form(
        offered, promise_list.asked_by(again, wanted), keep_all
    )
    return (form,)


@app.cell(hide_code=True)
def ask_for(again, form):
    _parts = [html(promise_list.again_html(again)), form] if again else [form]
    mo.vstack(_parts, gap=1)
    return


@app.cell(hide_code=True)
def answer(again, form, opened, question, shown):
    # Of new tables the page hears by two cells, one after the other.
    mo.stop(opened.problem is not None or shown.problem is not None)
    with mo.status.spinner("Quoting", remove_on_exit=True):
        told = question.answer(
            shown,
            promise_list.with_line(form.value or form.element.value, again),
        )
    _place = told.promise.demand["location"] if told.promise else None
    names = there(shown.names, _place)
    return names, told


@app.cell(hide_code=True)
def find(names, promises, shown, tab, told):
    finding = (
        answer_finding(told.promise, names, qty=told.qty, due=told.due)
        if tab.value == say("desk") and told.promise is not None
        else promise_records.records_finding(promises, shown.snapshot.as_of)
    )
    return (finding,)


@app.cell(hide_code=True)
def no_answer(told):
    trouble_of(told) if told.promise is None else None
    return


@app.cell(hide_code=True)
def answered(told):
    # Apart from the tab: another one draws no picture anew.
    mo.stop(told.promise is None)
    promise = told.promise
    return (promise,)


@app.cell(hide_code=True)
def tiles(names, promise, told):
    _tiles = promise_tiles(promise, names, qty=told.qty, due=told.due)
    html(tiles_html(_tiles, "#{rows}"))
    return


@app.cell(hide_code=True)
def moving(told):
    # A drag moves the slider and the slider moves the rule; neither draws itself anew.
    _first = promise_widgets.share_of(told) if told.curve else 0.0
    get_dragged, drag = mo.state(_first)
    get_slid, slide = mo.state(_first)
    get_share, keep_share = mo.state(_first)
    return drag, get_dragged, get_share, get_slid, keep_share, slide


@app.cell(hide_code=True)
def chain(names, promise, shown, told):
    chain_drawn = picture(
        promise_chain_chart(promise, names, due=told.due, as_of=shown.snapshot.as_of),
        say("nothing_has_to_happen_first"),
        say("it_is_served_from_stock"),
    )
    return (chain_drawn,)


@app.cell(hide_code=True)
def sure(chain_drawn, drag, get_slid, keep_share, names, told):
    def _moved(share):
        drag(share)
        keep_share(share)

    _chart = probability_chart(
        told.promise,
        names,
        due=told.due,
        curve=told.curve,
        share=get_slid() if told.curve else None,
    )
    curve_drawn = promise_widgets.curve_picture(_chart, _moved) if _chart else None
    html(promise_widgets.two_pictures(chain_drawn, curve_drawn, _chart))
    return (curve_drawn,)


@app.cell(hide_code=True)
def moved(get_share, names, promise, told):
    moved_to = promise.date
    if told.curve and get_share() != promise_widgets.share_of(told):
        moved_to = promise_widgets.date_at(told.curve, get_share())
    return (moved_to,)


@app.cell(hide_code=True)
def sure_slider(get_dragged, keep_share, slide, told):
    def _moved(share):
        slide(share)
        keep_share(share)

    mo.stop(not told.curve)
    share_slider = promise_widgets.share_slider(told.curve, get_dragged(), _moved)
    return (share_slider,)


@app.cell(hide_code=True)
def moved_words(moved_to, names, share_slider, told):
    html(
        f'<div class="mv-two"><div>{share_slider.text}</div>'
        f"<div>{promise_widgets.moved_words(told, moved_to, names)}</div></div>"
    )
    return


@app.cell(hide_code=True)
def options(names, promise):
    html(f'<h3 id="options">Sourcing options</h3>{options_html(promise, names)}')
    return


@app.cell(hide_code=True)
def choose_part(keep, wanted):
    part = desk_words.tab_bar(
        promise_widgets.PARTS, wanted, keep, say("confirm"), name="part"
    )
    return (part,)


@app.cell(hide_code=True)
def parts(part, promise):
    mo.stop(promise is None)
    part
    return


@app.cell(hide_code=True)
def trying(told):
    _question = told.row  # a new question forgets what was tried for the last one
    get_tried, set_tried = mo.state(-1)
    return get_tried, set_tried


@app.cell(hide_code=True)
def reasons(names, part, promise, set_tried):
    mo.stop(part.value != say("why_remedies"))
    tries = promise_widgets.remedy_buttons(promise, names, set_tried)
    section(
        "why",
        say("limits_and_remedies"),
        html(promise_lists.reasons_html(promise, names)),
        html(remedies_html(promise, names)),
        *(
            [
                html(f'<p class="muted">{say("try_one_it_is_quoted")}</p>'),
                mo.hstack(tries, justify="start", wrap=True),
            ]
            if tries
            else []
        ),
    )
    return (tries,)


@app.cell(hide_code=True)
def try_remedy(get_tried, promise, shown, told):
    tried_page = None
    if 0 <= get_tried() < len(promise.remedies):
        with mo.status.spinner("Quoting", remove_on_exit=True):
            tried_page = ask_changed(shown, told, get_tried())
    return (tried_page,)


@app.cell(hide_code=True)
def tried(get_tried, names, part, shown, told, tried_page):
    mo.stop(tried_page is None or part.value != say("why_remedies"))
    _remedy = told.promise.remedies[get_tried()]
    section(
        "tried",
        f"{remedy_words(_remedy, names)}: what then?",
        *promise_widgets.compared(told, tried_page, _remedy, shown, names),
    )
    return


@app.cell(hide_code=True)
def try_it(get_tried, part, promise, shown, tried_page):
    mo.stop(
        tried_page is None
        or tried_page.promise is None
        or part.value != say("why_remedies")
    )
    _rows = promise.remedies[get_tried()].rows
    remedy = promise_commit.edit_of(promise.remedies[get_tried()], shown)
    get_asked, ask_price = mo.state(None)
    do_it = mo.ui.button(
        label=say("show_its_price"),
        on_change=lambda _: ask_price(plan_page.EditForm(form=remedy.edit)),
    )
    mo.vstack(promise_commit.doing(remedy, _rows, do_it))
    return do_it, get_asked, remedy


@app.cell(hide_code=True)
def remedy_price(get_asked, names, shown):
    mo.stop(get_asked() is None)
    with mo.status.spinner(say("reading_the_plan"), remove_on_exit=True) as _spinner:
        priced = promise_commit.priced(
            shown, get_asked(), lambda done: _spinner.update(subtitle=str(done))
        )
    html(decision_words.asked_html(priced, names))
    return (priced,)


@app.cell(hide_code=True)
def remedy_who(approver, remedy):
    approver.field() if remedy.edit else None
    return


@app.cell(hide_code=True)
def remedy_accept(priced, remedy_ok):
    remedy_ok if desk_parts.is_ready(priced) else None
    return


@app.cell(hide_code=True)
def remedy_decided(approver, decide, priced, remedy_ok):
    mo.stop(not remedy_ok.value)
    decide(plan_page.Decision(asked=priced, approver=approver.value))
    return


@app.cell(hide_code=True)
def remedy_done(get_decision, shown):
    desk_parts.outcome(shown, get_decision(), lambda _done: None)
    return


@app.cell(hide_code=True)
def otherwise(names, part, promise, shown, told):
    mo.stop(part.value != say("sensitivity"))
    section(
        "otherwise",
        say("sensitivity_of_the_request"),
        html(promise_lists.variants_html(variants_of(shown, told), promise, names)),
    )
    return


@app.cell(hide_code=True)
def giving_way(names, part, promise):
    mo.stop(part.value != say("confirm") or not promise.preempted)
    section(
        "giving-way",
        say("preemption"),
        html(f'<p class="muted">{say("the_policy_lets_it_take")}</p>'),
        html(preempted_html(promise, names)),
    )
    return


@app.cell(hide_code=True)
def choose_answer(tried_page):
    _both = tried_page is not None and tried_page.binding
    _answers = ["as asked", say("with_the_change")] if _both else ["as asked"]
    which = mo.ui.radio(_answers, value="as asked", label=say("answer"), inline=True)
    return (which,)


@app.cell(hide_code=True)
def choose_date(moved_to, names, told, tried_page, which):
    chosen = tried_page if which.value == say("with_the_change") else told
    _date = promise_widgets.own_date(told, moved_to, names) if chosen is told else ""
    own = promise_widgets.own_field(_date)
    return chosen, own


@app.cell(hide_code=True)
def confirm(chosen, part, told, tried_page, which):
    mo.stop(part.value != say("confirm"))
    _parts = [html(promise_widgets.decision_text(chosen, tried_page))]
    if told.binding and len(which.options) > 1:
        _parts.append(which)
    mo.vstack(_parts, gap=1)
    return


@app.cell(hide_code=True)
def ask_effect(chosen):
    _question = chosen.row  # another answer was not asked about yet
    get_press, press_effect = mo.state(0)
    effect_button = mo.ui.button(
        label=say("show_what_it_does"),
        on_change=lambda _: press_effect(plan_page.new_press()),
    )
    return effect_button, get_press


@app.cell(hide_code=True)
def effect(chosen, effect_button, get_press, names, part, shown):
    mo.stop(
        part.value != say("confirm")
        or chosen.promise is None
        or chosen.promise.date is None
    )
    _found = []
    if get_press():
        _effect = promise_commit.effect_of(shown, chosen.promise, get_press())
        _found = [html(promise_commit.effect_words(_effect, chosen.promise, names))]
    mo.vstack([effect_button, *_found], gap=1)
    return


@app.cell(hide_code=True)
def decision(told):
    # Apart from the date: what is typed while an answer is worked out stays.
    _question = told.row  # a new question has no reason yet
    because = mo.ui.text(label=say("reason"), placeholder=say("why_another_date"))
    accept = mo.ui.run_button(label=say("promise_it"), kind="success")
    return accept, because


@app.cell(hide_code=True)
def requested_date(accept, chosen, names):
    as_requested = promise_widgets.requested_button(chosen, names)
    _requested = requested_of(chosen, names)
    presses = [accept] if _requested is None else [accept, as_requested]
    return as_requested, presses


@app.cell(hide_code=True)
def who(approver, because, own, part, presses, told):
    mo.stop(part.value != say("confirm") or not told.binding)
    _fields = [own, because, approver.field(), *presses]
    mo.hstack(_fields, justify="start", align="end", wrap=True)
    return


@app.cell(hide_code=True)
def done(accept, approver, because, chosen, opened, own, question):
    if accept.value:
        _own = OverrideDate(date=own.value, reason=because.value)
        question.keep(commit(opened, chosen, approver.value, _own))
    said(question.promised) if question.promised else None
    return


@app.cell(hide_code=True)
def done_as_requested(approver, as_requested, chosen, names, opened, question):
    if as_requested.value:
        _own = requested_of(chosen, names)
        question.keep(commit(opened, chosen, approver.value, _own))
    # Later it is told by the cell above.
    said(question.promised) if as_requested.value else None
    return


@app.cell(hide_code=True)
def records_figures(is_checked, link, promises, shown, tab):
    mo.stop(tab.value != say("promises"))
    _tiles = promise_records.records_tiles(
        promises, shown.snapshot.as_of, is_checked=is_checked
    )
    html(tiles_html(_tiles, link))
    return


@app.cell(hide_code=True)
def choose(keep, promises, shown, wanted):
    filters = promise_list.filter_choice(promises, shown.names, wanted, keep)
    _tables = shown.snapshot
    unknown = promise_list.missing_html(
        promises,
        [] if _tables is None else _tables["customers"]["customer"].to_list(),
        shown.names,
        wanted("for"),
    )
    return filters, unknown


@app.cell(hide_code=True)
def choose_group(keep, shown, wanted):
    grouping = promise_records.promise_grouping(shown.names)
    group = grid_groups.group_choice(grouping, wanted, keep)
    return group, grouping


@app.cell(hide_code=True)
def find_promises(filters, promises):
    found = promise_records.filtered_promises(
        promises, promise_list.filter_of(filters.value)
    )
    return (found,)


@app.cell(hide_code=True)
def groups(found, group, grouping, keep, shown, tab, wanted):
    grouped = grid_groups.group_table(
        found if tab.value == say("promises") else found.clear(),
        grouping,
        group.value,
        shown.names,
        wanted,
        keep,
    )
    return (grouped,)


@app.cell(hide_code=True)
def promise_files(found, group, grouped, grouping, promise_table, shown):
    _list = promise_list.exports(
        found, shown.names, grouping, group.value, grouped, promise_table
    )
    _decided = promise_list.decided_file(shown)
    files = [_list] if _decided is None else [_list, _decided]
    return (files,)


@app.cell(hide_code=True)
def which_promises(files, filters, group, grouped, tab, unknown):
    mo.stop(tab.value != say("promises"))
    mo.vstack(
        [
            mo.hstack(
                [
                    *filters.elements.values(),
                    group,
                    *files,
                ],
                justify="start",
                align="end",
                wrap=True,
            ),
            *([html(unknown)] if unknown else []),
            *([] if grouped is None else [grouped]),
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def list_promises(found, group, grouped, grouping):
    listed = grid_groups.listed_rows(found, grouping, group.value, grouped)
    return (listed,)


@app.cell(hide_code=True)
def grid(found, keep, listed, promises, shown, tab, wanted):
    # A part that is not shown has its names too: whoever types elsewhere runs on.
    _on = tab.value == say("promises")
    promise_table = (
        promise_list.promise_table(listed, shown, wanted, keep)
        if _on and listed.height
        else None
    )
    _none = html(page.empty(*promise_list.none_words(shown, promises)))
    _nothing = _none if _on and found.is_empty() else None
    promise_table if promise_table is not None else _nothing
    return (promise_table,)


@app.cell(hide_code=True)
def pick(get_picked, pick_number, promise_table, promises):
    one = promise_list.chosen_promise(promises, promise_table)
    if one and one["number"] != get_picked():
        pick_number(one["number"])
    return (one,)


@app.cell(hide_code=True)
def one_promise(one, shown):
    mo.vstack(promise_list.promise_parts(shown, one), gap=1) if one else None
    return


@app.cell(hide_code=True)
def one_change(ask_again, get_picked, keep_all):
    # Made anew for another promise alone: what is typed stays while the list is read.
    _number = get_picked()

    def _ask(count):
        keep_all({**promise_list.NO_REQUEST, "again": _number, "tab": "desk"})
        ask_again(count)

    again_button = mo.ui.button(
        label=say("promise_it_again"),
        value=0,
        on_click=lambda count: count + 1,
        on_change=_ask,
    )
    why_released = mo.ui.text(
        label=say("reason"), placeholder=say("why_it_is_released")
    )
    release_button = mo.ui.run_button(label=say("release_it"), kind="danger")
    return again_button, release_button, why_released


@app.cell(hide_code=True)
def one_buttons(again_button, approver, one, release_button, shown, why_released):
    mo.hstack(
        [again_button, why_released, approver.field(), release_button],
        justify="start",
        align="end",
        wrap=True,
    ) if one and promise_list.can_change(shown, one) else None
    return


@app.cell(hide_code=True)
def one_release(approver, one, release_button, released, shown, why_released):
    mo.stop(not release_button.value)
    released(promise_list.release(shown, one, approver.value, why_released.value))
    return


@app.cell(hide_code=True)
def one_released(get_released, tab):
    _done = get_released() if tab.value == say("promises") else None
    said(_done) if _done else None
    return


@app.cell(hide_code=True)
def drop(offered):
    dropped = mo.ui.file(
        filetypes=list(request_file.KINDS),
        kind="area",
        label=say("drop_a_file_of_requests"),
        max_size=request_file.MOST_BYTES,
    )
    return (dropped,)


@app.cell(hide_code=True)
def drop_here(dropped, tab, told):
    mo.stop(tab.value != say("request_file"))
    mo.vstack(
        [
            html(f'<p class="muted">{say("each_line_of_the_file")}</p>'),
            promise_widgets.templates(told),
            dropped,
        ],
        gap=1,
    )
    return


@app.cell(hide_code=True)
def dropped_file(dropped):
    # Apart from its answers: the cell of these runs again when a job has them.
    given = None
    if dropped.value:
        given = RequestFile(name=dropped.name(), content=dropped.contents())
    return (given,)


@app.cell(hide_code=True)
def answer_many(given, opened):
    many = request_file.answer_file(opened, given) if given else None
    return (many,)


@app.cell(hide_code=True)
def bulk(many, tab):
    mo.stop(many is None or tab.value != say("request_file"))
    mo.stop(many.problem is not None, trouble_of(many))
    _nothing = say("no_line_was_asked"), say("fill_the_request_template")
    mo.stop(not many.promises, html(page.empty(*_nothing)))
    answers = many
    return (answers,)


@app.cell(hide_code=True)
def bulk_answers(answers, opened):
    # News of promises leaves the chosen lines, and what became of them, as they are.
    _rows = promise_lists.answer_rows(answers.promises, opened.names)
    answer_table = promise_widgets.answer_table(_rows)
    mo.vstack(
        [
            html(
                f"<p><b>{promise_lists.answers_sentence(answers.promises)}</b> "
                f"{say('dates_are_local_to_each')}</p>"
                f"{promise_widgets.brief_words(answers)}"
            ),
            answer_table,
            promise_widgets.answer_files(_rows),
            *promise_widgets.odd_lines(answers, opened.names),
        ]
    )
    return (answer_table,)


@app.cell(hide_code=True)
def bulk_decision():
    # Apart from where it is shown: pressed right after the name, it is still the same.
    bulk_accept = mo.ui.run_button(
        label=say("promise_the_chosen_lines"), kind="success"
    )
    return (bulk_accept,)


@app.cell(hide_code=True)
def bulk_decide(answers, approver, bulk_accept):
    (
        mo.hstack([approver.field(), bulk_accept], justify="start", wrap=True)
        if answers.binding
        else html(page.empty(*promise_widgets.NOT_HERE))
    )
    return


@app.cell(hide_code=True)
def bulk_done(answer_table, answers, approver, bulk_accept, opened):
    mo.stop(not bulk_accept.value)
    _rows = set(answer_table.value[grid_columns.ROW])
    _chosen = [one for one in answers.promises if one.request in _rows]
    said(commit_lines(opened, _chosen, approver.value))
    return


@app.cell(hide_code=True)
def at_risk(checked, in_force, look_again, shown, tab):
    mo.stop(tab.value != say("at_risk"))
    mo.vstack(risk_part(checked, shown, in_force, look_again), gap=1)
    return


@app.cell(hide_code=True)
def hot_spots(checked, many, shown, tab, told):
    # It counts what was answered until now: it is drawn anew after each answer.
    mo.stop(tab.value != say("at_risk"))
    _after = (told, many)
    _answers = recent(str(shown.source))
    section(
        "hot-spots",
        say("frequent_limits"),
        html(
            f'<p class="muted">{say("of_the_last_answers", count(len(_answers), "answer"))}</p>'
            f"{promise_lists.hot_spots_html(_answers, shown.names)}"
        ),
        html(promise_lists.risk_spots_html(checked.watch, shown.names)),
    )
    return


@app.cell(hide_code=True)
def demands_at_risk(shown, tab):
    # Of the plan in force; run again when the plan or its risk is there.
    mo.stop(tab.value != say("demands_at_risk"))
    plan_risk.risky_part(followed(shown, shown.snapshot), shown.names)
    return


@app.cell(hide_code=True)
def trust(promise, shown, told, wanted):
    _basis = promise.basis
    _facts = [
        ("Answer", "exact" if promise.exact else "heuristic"),
        ("Times from", f"{_basis.model} {_basis.version or ''}".strip()),
        ("Quoted at", basis_words(_basis.risk_basis)),
        (say("policy"), str(told.policy.get("policy", ""))),
        ("Medhavi", __version__),
    ]
    mo.Html(
        page.data_line(
            shown.snapshot,
            shown.names,
            _facts,
            known_at=wanted("known_at"),
            command=promise_widgets.command(told.row, shown.option),
        )
    )
    return


if __name__ == "__main__":
    app.run()
