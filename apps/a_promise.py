# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Promise desk

Delivery dates with their probability, sourcing options, remedies, request files, and
the promises at risk.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="full", app_title="Medhavi: promise desk")

with app.setup:
    import marimo as mo

    from medhavi.service.page_data import (
        facts_of,
        html,
        keep_in,
        picture,
        said,
        section,
        trouble_of,
        wanted_data,
        wanted_of,
    )
    from medhavi.service.page_files import picture_buttons
    from medhavi.service.plan_pages import desk_parts, desk_words, plan_page
    from medhavi.service.plan_pages.plan_page import last_approver
    from medhavi.service.promise_pages import (
        promise_commit,
        promise_page,
        promise_widgets,
    )
    from medhavi.service.promise_pages.promise_commit import (
        OverrideDate,
        commit,
        commit_lines,
        watch_promises,
    )
    from medhavi.service.promise_pages.promise_page import (
        ask,
        ask_changed,
        choices,
        named,
        recent,
    )
    from medhavi.version import __version__
    from medhavi.views import page, theme
    from medhavi.views.names import count
    from medhavi.views.promises import lists as promise_lists
    from medhavi.views.promises.picture import (
        RULES,
        probability_chart,
        promise_chain_chart,
    )
    from medhavi.views.promises.words import (
        options_html,
        preempted_html,
        promise_tiles,
        reasons_html,
        remedies_html,
        remedy_words,
        there,
        variants_html,
    )
    from medhavi.views.theme import title_of
    from medhavi.views.tiles import tiles_html

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("promise", rules=RULES))
    return


@app.cell(hide_code=True)
def address():
    params = mo.query_params()
    wanted = wanted_of(params)
    past = bool(wanted("known_at") or wanted("effective_at"))
    return params, past, wanted


@app.cell(hide_code=True)
def data(wanted):
    shown = named(wanted_data(wanted))
    return (shown,)


@app.cell(hide_code=True)
def head(shown, wanted):
    mo.Html(page.header("Promise desk", facts_of(shown, wanted("known_at"))))
    return


@app.cell(hide_code=True)
def trouble(shown):
    mo.stop(shown.problem is not None, trouble_of(shown))
    offered = choices(shown.snapshot, shown.names)
    return (offered,)


@app.cell(hide_code=True)
def request(offered, params, wanted):
    form = promise_widgets.request_form(
        offered, wanted, lambda value: keep_in(params, value)
    )
    section("request", "Request", form)
    return (form,)


@app.cell(hide_code=True)
def answer(form, past, shown):
    with mo.status.spinner("Quoting", remove_on_exit=True):
        told = ask(shown, form.value or form.element.value, past=past)
    mo.stop(told.promise is None, trouble_of(told))
    promise = told.promise
    names = there(shown.names, promise.demand["location"])
    return names, promise, told


@app.cell(hide_code=True)
def tiles(names, promise, told):
    _zone = f'<p class="muted small">Dates are local to {names.zone}.</p>'
    html(tiles_html(promise_tiles(promise, names, qty=told.qty, due=told.due)) + _zone)
    return


@app.cell(hide_code=True)
def options(names, promise):
    section(
        "options",
        "Sourcing options",
        html(options_html(promise, names)),
    )
    return


@app.cell(hide_code=True)
def chain(names, promise, shown, told):
    section(
        "chain",
        "Delivery date",
        picture(
            promise_chain_chart(
                promise, names, due=told.due, as_of=shown.snapshot.as_of
            ),
            "Nothing has to happen first",
            "It is served from stock where it lies, or nothing can be promised.",
        ),
    )
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
def sure(drag, get_slid, keep_share, names, promise, told):
    def _moved(share):
        drag(share)
        keep_share(share)

    _share = get_slid() if told.curve else None
    _chart = probability_chart(
        promise, names, due=told.due, curve=told.curve, share=_share
    )
    if _chart is None:
        curve_drawn = None
        _shown = html(
            page.empty(
                "Nothing in the chain is uncertain",
                "No learned lead time and no stated 95th percentile takes part in it.",
            )
        )
    else:
        curve_drawn = promise_widgets.curve_picture(_chart, _moved)
        _shown = html(
            f"<h3>{title_of(_chart)}</h3><p class='muted small'>Drag the orange rule "
            "or move the slider: the chance goes with the date.</p>"
            f'<div class="mv-draw mv-drag">{curve_drawn.text}</div>'
            f"{picture_buttons(_chart).text}"
        )
    section("sure", "Probability on time", _shown)
    return (curve_drawn,)


@app.cell(hide_code=True)
def sure_slider(get_dragged, keep_share, slide, told):
    def _moved(share):
        slide(share)
        keep_share(share)

    mo.stop(not told.curve)
    share_slider = promise_widgets.share_slider(told.curve, get_dragged(), _moved)
    share_slider
    return (share_slider,)


@app.cell(hide_code=True)
def moved(get_share, names, promise, told):
    moved_to = promise.date
    if told.curve and get_share() != promise_widgets.share_of(told):
        moved_to = promise_widgets.date_at(told.curve, get_share())
    html(promise_widgets.moved_words(told, moved_to, names)) if told.curve else None
    return (moved_to,)


@app.cell(hide_code=True)
def giving_way(names, promise):
    mo.stop(not promise.preempted)
    section(
        "giving-way",
        "Preemption",
        html(
            '<p class="muted">The policy lets it take from less important orders. '
            "Once it is promised, each of them comes whole at its new date.</p>"
        ),
        html(preempted_html(promise, names)),
    )
    return


@app.cell(hide_code=True)
def trying(told):
    _question = told.row  # a new question forgets what was tried for the last one
    get_tried, set_tried = mo.state(-1)
    return get_tried, set_tried


@app.cell(hide_code=True)
def reasons(names, promise, set_tried):
    tries = promise_widgets.remedy_buttons(promise, names, set_tried)
    section(
        "why",
        "Limiting factors and remedies",
        html(reasons_html(promise, names)),
        html(remedies_html(promise, names)),
        *(
            [
                html("<p class='muted'>Try one: it is quoted with its rows.</p>"),
                mo.hstack(tries, justify="start", wrap=True),
            ]
            if tries
            else []
        ),
    )
    return (tries,)


@app.cell(hide_code=True)
def tried(get_tried, names, past, promise, shown, told):
    tried_page = _shown = None
    if 0 <= get_tried() < len(promise.remedies):
        _remedy = promise.remedies[get_tried()]
        with mo.status.spinner("Quoting", remove_on_exit=True):
            tried_page = ask_changed(shown, told, get_tried(), past=past)
        _shown = section(
            "tried",
            f"{remedy_words(_remedy, names)}: what then?",
            *promise_widgets.compared(told, tried_page, _remedy, shown, names),
        )
    _shown
    return (tried_page,)


@app.cell(hide_code=True)
def try_it(get_tried, past, promise, shown, tried_page):
    mo.stop(tried_page is None or tried_page.promise is None)
    _rows = promise.remedies[get_tried()].rows
    remedy = promise_commit.edit_of(promise.remedies[get_tried()], shown, past=past)
    get_asked, ask_price = mo.state(None)
    do_it = mo.ui.button(
        label="Show its price",
        on_change=lambda _: ask_price(plan_page.EditForm(form=remedy.edit)),
    )
    mo.vstack(promise_commit.doing(remedy, _rows, do_it))
    return do_it, get_asked, remedy


@app.cell(hide_code=True)
def remedy_price(get_asked, names, shown):
    mo.stop(get_asked() is None)
    with mo.status.spinner("Reading the plan", remove_on_exit=True) as _spinner:
        priced = promise_commit.priced(
            shown, get_asked(), lambda done: _spinner.update(subtitle=str(done))
        )
    html(desk_words.asked_html(priced, names))
    return (priced,)


@app.cell(hide_code=True)
def remembered():
    # Typed once: it stays for every question of this page.
    approver = mo.ui.text(
        value=last_approver(), label="Approver", placeholder="your name"
    )
    # Here, not where it is shown: a new approver runs the cell that asks for it too.
    remedy_ok = mo.ui.run_button(label="Approve the change", kind="success")
    get_made, made = mo.state(())
    get_decision, decide = mo.state(None)
    return approver, decide, get_decision, get_made, made, remedy_ok


@app.cell(hide_code=True)
def remedy_who(approver, remedy):
    approver if remedy.edit else None
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
def otherwise(names, promise, told):
    section(
        "otherwise",
        "Sensitivity of the request",
        html(variants_html(told.variants, promise, names)),
    )
    return


@app.cell(hide_code=True)
def choose_answer(tried_page):
    _both = tried_page is not None and tried_page.binding
    _answers = ["as asked", "with the change"] if _both else ["as asked"]
    which = mo.ui.radio(_answers, value="as asked", label="Answer", inline=True)
    return (which,)


@app.cell(hide_code=True)
def choose_date(moved_to, names, told, tried_page, which):
    chosen = tried_page if which.value == "with the change" else told
    _date = promise_widgets.own_date(told, moved_to, names) if chosen is told else ""
    own = promise_widgets.own_field(_date)
    return chosen, own


@app.cell(hide_code=True)
def decide(chosen, own, told, tried_page, which):
    _parts = [html(promise_widgets.decision_text(chosen, tried_page))]
    if told.binding:
        _parts += [which] if len(which.options) > 1 else []
        _parts += [own]
    section("decide", "Confirm the promise", *_parts)
    return


@app.cell(hide_code=True)
def decision(told):
    # Apart from the date: what is typed while an answer is worked out stays.
    _question = told.row  # a new question has no reason yet
    because = mo.ui.text(label="because", placeholder="why another date")
    accept = mo.ui.run_button(label="Promise it", kind="success")
    return accept, because


@app.cell(hide_code=True)
def who(accept, approver, because, told):
    # Apart from the reason: another approver leaves it as it was typed.
    _fields = mo.hstack([because, approver], justify="start", wrap=True)
    mo.vstack([_fields, accept]) if told.binding else None
    return


@app.cell(hide_code=True)
def done(accept, approver, because, chosen, made, own, shown):
    mo.stop(not accept.value)
    _own = OverrideDate(date=own.value, reason=because.value)
    _done = commit(shown, chosen, approver.value, _own)
    made(lambda known: (*known, *_done.promises))
    said(_done)
    return


@app.cell(hide_code=True)
def promised(get_made, shown):
    promise_widgets.made_table(get_made(), shown.names) if get_made() else None
    return


@app.cell(hide_code=True)
def drop(told):
    dropped = mo.ui.file(
        filetypes=list(promise_page.KINDS),
        kind="area",
        label="Drop a file of requests: xlsx, CSV or JSON",
        max_size=promise_page.MOST_BYTES,
    )
    section(
        "bulk",
        "Requests from a file",
        html(
            '<p class="muted">Each line of the file is answered by priority, seeing '
            "what the lines before it took. Nothing is promised before you choose.</p>"
        ),
        promise_widgets.templates(told),
        dropped,
    )
    return (dropped,)


@app.cell(hide_code=True)
def bulk(dropped, past, shown):
    mo.stop(not dropped.value)
    with mo.status.spinner("Answering", remove_on_exit=True):
        many = promise_page.answer_file(
            shown, dropped.name(), dropped.contents(), past=past
        )
    mo.stop(many.problem is not None, trouble_of(many))
    return (many,)


@app.cell(hide_code=True)
def bulk_answers(many, shown):
    _rows = promise_lists.answer_rows(many.promises, shown.names)
    answer_table = promise_widgets.answer_table(_rows)
    mo.vstack(
        [
            html(
                f"<p><b>{promise_lists.answers_sentence(many.promises)}</b> "
                "Dates are local to each place; the files say the zone. <i>Columns</i> "
                "shows customers, places, chances, costs and what would help.</p>"
                f"{promise_widgets.brief_words(many)}"
            ),
            answer_table,
            promise_widgets.answer_files(_rows),
            *promise_widgets.odd_lines(many),
        ]
    )
    return (answer_table,)


@app.cell(hide_code=True)
def bulk_decision():
    # Apart from where it is shown: pressed right after the name, it is still the same.
    bulk_accept = mo.ui.run_button(label="Promise the chosen lines", kind="success")
    return (bulk_accept,)


@app.cell(hide_code=True)
def bulk_decide(approver, bulk_accept, many):
    (
        mo.hstack([approver, bulk_accept], justify="start", wrap=True)
        if many.binding
        else html(page.empty(*promise_widgets.NOT_HERE))
    )
    return


@app.cell(hide_code=True)
def bulk_done(answer_table, approver, bulk_accept, made, many, shown):
    mo.stop(not bulk_accept.value)
    _lines = answer_table.value[promise_lists.LINE]
    _chosen = [many.promises[line - 1] for line in _lines]
    _done = commit_lines(shown, _chosen, approver.value)
    made(lambda known: (*known, *_done.promises))
    said(_done)
    return


@app.cell(hide_code=True)
def look(shown):
    _what = shown.source  # another source is looked at anew
    look_again = mo.ui.run_button(label="Ask all accepted promises again")
    section(
        "at-risk",
        "Promises at risk",
        html(
            '<p class="muted">Every accepted promise is asked again on today\'s facts. '
            "That takes some seconds a hundred promises; nothing is written.</p>"
        ),
        look_again,
    )
    return (look_again,)


@app.cell(hide_code=True)
def at_risk(look_again, past, shown):
    watched = None
    if look_again.value:
        with mo.status.spinner("Asking again", remove_on_exit=True):
            watched = watch_promises(shown, past=past)
        if watched.watch is None:
            _shown = trouble_of(watched)
        else:
            _text = promise_lists.watch_sentence(watched.watch)
            _rows = promise_lists.at_risk_html(watched.watch, shown.names)
            _shown = html(f"<p><b>{_text}</b></p>{_rows}")
    else:
        _shown = html(page.empty("Nobody has looked yet", "Press the button above."))
    _shown
    return (watched,)


@app.cell(hide_code=True)
def hot_spots(dropped, shown, told, watched):
    # It counts what was answered until now: it is drawn anew after each answer.
    _after = (told, dropped.value)
    _watch = watched.watch if watched is not None else None
    _answers = recent(str(shown.source))
    section(
        "hot-spots",
        "Most frequent limiting factors",
        html(
            f"<p class='muted'>Of the last {count(len(_answers), 'answer')} here.</p>"
            f"{promise_lists.hot_spots_html(_answers, shown.names)}"
        ),
        html(promise_lists.risk_spots_html(_watch, shown.names)),
    )
    return


@app.cell(hide_code=True)
def trust(promise, shown, told, wanted):
    _basis = promise.basis
    _facts = [
        ("Answer", "exact" if promise.exact else "heuristic"),
        ("Times from", f"{_basis.model} {_basis.version or ''}".strip()),
        ("Quoted at", _basis.risk_basis),
        ("Medhavi", __version__),
    ]
    _line = page.data_line(
        shown.snapshot, shown.names, _facts, known_at=wanted("known_at")
    )
    mo.vstack(
        [
            mo.Html(_line),
            html("<p class='muted small'>The same question as a command:</p>"),
            mo.md(f"```sh\n{promise_widgets.command(told.row, shown.source)}\n```"),
        ]
    )
    return


if __name__ == "__main__":
    app.run()
