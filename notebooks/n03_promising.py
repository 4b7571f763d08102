# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Can we promise it?

Ask for a date, see the chain and its chances, what limits it, and what would help.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: can we promise it?")

with app.setup:
    import marimo as mo

    import medhavi as mv
    from medhavi.errors import MedhaviError
    from medhavi.planners.promising.explain.answering import arrival_curve, chance_by
    from medhavi.planners.promising.ledger.promise_ledger import PromiseLedger
    from medhavi.planners.promising.ledger.what_if import asked_again, book_with
    from medhavi.planners.promising.options.option_search import OptionSearch
    from medhavi.planners.promising.quoting import quote
    from medhavi.planners.promising.requests.requests import read_requests
    from medhavi.schema.template import example_rows
    from medhavi.service.page_data import html, picture
    from medhavi.views import page, theme
    from medhavi.views.promises import words
    from medhavi.views.promises.lists import answers_sentence, brief_rows
    from medhavi.views.promises.picture import (
        RULES,
        probability_chart,
        promise_chain_chart,
    )
    from medhavi.views.promises.words import compared_html, promise_names, there
    from medhavi.views.tiles import tiles_html

    theme.register()


@app.cell(hide_code=True)
def welcome():
    mo.vstack(
        [
            mo.Html(page.top_html(rules=RULES)),
            mo.md(
                """
                # Can we promise it?

                A **promise** chains what has to happen: components, steps on lines
                that are not full, lanes with their departures. It never breaks what
                was promised before, and it says how sure its date is.
                """
            ),
        ]
    )
    return


@app.cell
def open_data():
    try:
        snapshot, company = mv.Workbench.current().snapshot(), "the workspace's lake"
    except MedhaviError:
        snapshot = mv.Snapshot.from_frames(example_rows())
        company = "the lemonade maker"
    names = promise_names(snapshot)
    mo.Html(
        page.header("When is it there?", page.moment_facts(snapshot, names, company))
    )
    return names, snapshot


@app.cell(hide_code=True)
def say_ask():
    mo.md("""
    ## 1. Ask

    A request is a row of `demands`: product, location, quantity and due date are
    enough. `mv.promise(snapshot, rows)` answers a list of them by priority, each
    seeing what those before it took; nothing is written.
    """)
    return


@app.cell
def ask(names, snapshot):
    _open = snapshot["demands"].filter(snapshot["demands"]["status"] == "open")
    usual = _open.sort("due", "demand").row(0, named=True)
    request = {name: usual[name] for name in ("product", "location", "qty", "due")}
    promise, twice = mv.promise(snapshot, [request, request])
    local = there(names, request["location"])
    mo.ui.table(brief_rows([promise], names), selection=None)
    return local, promise, request, twice


@app.cell
def tiles(local, promise, request):
    due = promise.demand["due"]
    html(tiles_html(words.promise_tiles(promise, local, qty=request["qty"], due=due)))
    return (due,)


@app.cell(hide_code=True)
def say_chain():
    mo.md("""
    ## 2. Look at the chain

    Stages are chained, never the latest of three dates taken from now: production
    cannot start before its material, a truck not before the goods are there. The
    dashed bars are **slack**: so much later a stage may end and nothing moves.

    A quote keeps three quantiles; `arrival_curve` gives the chance at every date. In
    the app you drag the date along this curve.
    """)
    return


@app.cell
def chain(due, local, promise, snapshot):
    picture(
        promise_chain_chart(promise, local, due=due, as_of=snapshot.as_of),
        "Nothing has to happen first",
        "Stock serves it where it lies.",
    )
    return


@app.cell
def chance(due, local, promise, request, snapshot):
    book = PromiseLedger.from_snapshot(snapshot)
    [asked] = read_requests([request], snapshot).requests
    search = OptionSearch(book, asked, book.policies.of(asked))
    curve = arrival_curve(search, promise)
    due_chance = chance_by(curve, due) if curve else promise.on_time_prob
    picture(
        probability_chart(promise, local, due=due, curve=curve),
        "Nothing in the chain is uncertain",
        "No learned lead time and no stated 95th percentile takes part.",
    )
    return asked, book, due_chance


@app.cell(hide_code=True)
def say_ways():
    mo.md("""
    ## 3. Compare ways, find what limits

    Options are ranked by the policy's weights. The limiter is found by relaxing one
    stage at a time and asking again; each remedy was tried the same way, and carries
    the rows that give its date.
    """)
    return


@app.cell
def ways(asked, book, local, promise):
    changed = [
        quote(book_with(book, one.rows), asked_again(asked, one.rows))
        for one in promise.remedies[:1]
    ]
    _told = words.options_html, words.reasons_html, words.remedies_html
    _parts = [one(promise, local) for one in _told]
    _parts += [compared_html(promise, one, local) for one in changed]
    mo.vstack([html(one) for one in _parts], gap=1)
    return (changed,)


@app.cell(hide_code=True)
def say_twice():
    mo.md("""
    ## 4. Ask twice

    The second of two equal requests sees the first one's holds: it is never less
    late, and neither breaks the other. In time, its date may be the earlier one: what
    is on the way goes first, and what is bought instead may be faster.
    """)
    return


@app.cell
def compare(due, promise, twice):
    _dates = [promise.date, twice.date]
    later = None in _dates or max(_dates[1], due) >= max(_dates[0], due)
    mo.md(
        f"{answers_sentence([promise, twice])} The second is "
        f"{'not less late' if later else 'less late, which is a defect'}."
    )
    return (later,)


@app.cell(hide_code=True)
def next_lesson():
    mo.md("""
    Next: `medhavi promise --request FILE` answers files, `--commit --approver` makes
    a promise binding. The promise app does both, lets you move the date and say why,
    and lists which accepted promises are at risk. docs/promising.md has the rules.
    """)
    return


if __name__ == "__main__":
    app.run()
