# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Can we promise it?

When can it be there, how sure, at what cost, what limits it, what would help.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: can we promise it?")

with app.setup:
    import marimo as mo

    from medhavi.service.page_data import load_data
    from medhavi.service.page_parts import html, picture, section
    from medhavi.service.promise_page import ask, choices, commit
    from medhavi.views import page, theme
    from medhavi.views.promise_picture import probability_chart, promise_chain_chart
    from medhavi.views.promise_words import (
        options_html,
        preempted_html,
        promise_tiles,
        reasons_html,
        remedies_html,
    )
    from medhavi.views.tiles import tiles_html

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(f"<style>{theme.app_style()}</style>")
    return


@app.cell(hide_code=True)
def address():
    params = mo.query_params()
    arguments = mo.cli_args()

    def wanted(name):
        return params.get(name) or arguments.get(name) or ""

    return params, wanted


@app.cell(hide_code=True)
def data(wanted):
    with mo.status.spinner("Reading", remove_on_exit=True):
        shown = load_data(
            wanted("tables"),
            known_at=wanted("known_at"),
            effective_at=wanted("effective_at"),
        )
    names = shown.names
    return names, shown


@app.cell(hide_code=True)
def head(names, shown, wanted):
    _facts = (
        page.moment_facts(shown.snapshot, names, str(shown.source), wanted("known_at"))
        if shown.snapshot is not None
        else [("Source", str(shown.source))]
    )
    mo.Html(page.header("Can we promise it?", _facts))
    return


@app.cell(hide_code=True)
def trouble(shown):
    _text = shown.problem and page.problem(
        shown.problem.title, shown.problem.text, shown.problem.remedy
    )
    _list = f"<p></p>{page.findings_html(shown.findings)}" if shown.findings else ""
    mo.stop(shown.problem is not None, html(f"{_text}{_list}"))
    offered = choices(shown.snapshot, shown.names)
    return (offered,)


@app.cell(hide_code=True)
def request(offered, params, wanted):
    def _keep(value):
        for name, text in (value or {}).items():
            if text not in {None, ""}:
                params.set(name, str(text))
            elif name in params:
                params.remove(name)

    def _pick(name, options, label, *, none=False):
        _labels = {item: text for text, item in options.items()}
        _first = wanted(name) or offered.first.get(name)
        return mo.ui.dropdown(
            options,
            value=_labels.get(_first, None if none else next(iter(options), None)),
            searchable=True,
            allow_select_none=none,
            label=label,
            full_width=True,
        )

    form = (
        mo.md(
            '<div class="mv-form">{product}{location}{customer}</div>'
            '<div class="mv-form">{qty}{due}{priority}{policy}</div>'
        )
        .batch(
            product=_pick("product", offered.products, "Product"),
            location=_pick("location", offered.locations, "Delivered at"),
            qty=mo.ui.number(
                start=0.001,
                value=float(wanted("qty") or offered.first["qty"]),
                label="Quantity",
            ),
            due=mo.ui.text(
                value=wanted("due") or offered.first["due"],
                label="Due (local)",
                placeholder="2026-12-04 14:00",
                full_width=True,
            ),
            customer=_pick("customer", offered.customers, "Customer", none=True),
            priority=mo.ui.number(
                start=0, step=1, value=int(wanted("priority") or 1), label="Priority"
            ),
            policy=mo.ui.dropdown(
                offered.policies,
                value=wanted("policy")
                if wanted("policy") in offered.policies
                else None,
                allow_select_none=True,
                label="Policy",
            ),
        )
        .form(submit_button_label="Quote", bordered=True, on_change=_keep)
    )
    section("request", "What is asked for?", form)
    return (form,)


@app.cell(hide_code=True)
def answer(form, shown, wanted):
    _asked = form.value or form.element.value
    _past = bool(wanted("known_at") or wanted("effective_at"))
    with mo.status.spinner("Quoting", remove_on_exit=True):
        told = ask(shown, _asked, past=_past)
    _text = told.problem and page.problem(
        told.problem.title, told.problem.text, told.problem.remedy
    )
    _list = f"<p></p>{page.findings_html(told.findings)}" if told.findings else ""
    mo.stop(told.promise is None, html(f"{_text}{_list}"))
    promise = told.promise
    return promise, told


@app.cell(hide_code=True)
def tiles(names, promise, told):
    html(tiles_html(promise_tiles(promise, names, qty=told.qty, due=told.due)))
    return


@app.cell(hide_code=True)
def chain(names, promise, shown, told):
    section(
        "chain",
        "When can it be there?",
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
def sure(names, promise, told):
    section(
        "sure",
        "How sure is the date?",
        picture(
            probability_chart(promise, names, due=told.due),
            "Nothing in the chain is uncertain",
            "No learned lead time and no stated 95th percentile takes part in it.",
        ),
    )
    return


@app.cell(hide_code=True)
def options(names, promise):
    section(
        "options",
        "Which ways are there?",
        html(options_html(promise, names)),
    )
    return


@app.cell(hide_code=True)
def giving_way(names, promise):
    mo.stop(not promise.preempted)
    section(
        "giving-way",
        "Who gives way?",
        html(
            '<p class="muted">The policy lets it take from less important orders. '
            "Once it is promised, each of them comes whole at its new date.</p>"
        ),
        html(preempted_html(promise, names)),
    )
    return


@app.cell(hide_code=True)
def reasons(names, promise):
    section(
        "why",
        "What limits it, and what would help?",
        html(reasons_html(promise, names)),
        html(remedies_html(promise, names)),
    )
    return


@app.cell(hide_code=True)
def decide(promise, told):
    approver = mo.ui.text(label="Approver", placeholder="your name")
    accept = mo.ui.run_button(label="Promise it", kind="success")
    if promise.date is None:
        _text = page.empty("There is nothing to promise", "Ask for something else.")
    elif not told.binding:
        _text = page.empty(
            "Nothing can be kept from here",
            "A promise needs a lake at its latest moment and its event store.",
        )
    else:
        _others = len(promise.preempted)
        _moved = f" and moves {_others} other promise" if _others else ""
        _moved += "s" if _others > 1 else ""
        _text = (
            f'<p class="muted">It makes {len(promise.reservations)} reservations'
            f"{_moved}, all at once, and is asked again first; nothing happens "
            "before.</p>"
        )
    section(
        "decide",
        "Promise it?",
        html(_text),
        *(
            [mo.hstack([approver, accept], justify="start", wrap=True)]
            if told.binding
            else []
        ),
    )
    return accept, approver


@app.cell(hide_code=True)
def done(accept, approver, shown, told):
    mo.stop(not accept.value)
    _said = commit(shown, told, approver.value)
    html(
        page.empty(f"● {_said.title}", _said.text)
        if _said.kept
        else page.problem(_said.title, _said.text)
    )
    return


@app.cell(hide_code=True)
def trust(names, promise, shown, wanted):
    _basis = promise.basis
    _facts = [
        ("Answer", "exact" if promise.exact else "heuristic"),
        ("Times from", f"{_basis.model} {_basis.version or ''}".strip()),
        ("Quoted at", _basis.risk_basis),
    ]
    mo.Html(page.data_line(shown.snapshot, names, _facts, known_at=wanted("known_at")))
    return


if __name__ == "__main__":
    app.run()
