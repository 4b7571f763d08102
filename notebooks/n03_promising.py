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
    from html import escape

    import marimo as mo

    import medhavi as mv
    from medhavi.errors import MedhaviError
    from medhavi.schema.template import example_rows
    from medhavi.service.promise_page import choices
    from medhavi.views import page, theme
    from medhavi.views.charts import title_of, untitled
    from medhavi.views.names import names_of
    from medhavi.views.promise_picture import promise_chain_chart
    from medhavi.views.promise_words import (
        options_html,
        promise_tiles,
        reasons_html,
        remedies_html,
    )
    from medhavi.views.tiles import tiles_html

    theme.register()


@app.cell(hide_code=True)
def welcome():
    mo.vstack(
        [
            mo.Html(f"<style>{theme.app_style()}</style>"),
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
        snapshot, company = (
            mv.Snapshot.from_frames(example_rows()),
            "the lemonade maker",
        )
    names = names_of(snapshot)
    mo.Html(
        page.header("Can we promise it?", page.moment_facts(snapshot, names, company))
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
    usual = choices(snapshot, names).first
    request = {
        "product": usual["product"],
        "location": usual["location"],
        "qty": usual["qty"],
        "due": f"{usual['due']}T12:00:00Z",
    }
    promise, twice = mv.promise(snapshot, [request, request])
    mo.plain_text(str(promise))
    return promise, request, twice


@app.cell
def tiles(names, promise, request):
    due = promise.demand["due"]
    mo.Html(
        f'<div class="mv">'
        f"{tiles_html(promise_tiles(promise, names, qty=request['qty'], due=due))}"
        "</div>"
    )
    return (due,)


@app.cell(hide_code=True)
def say_chain():
    mo.md("""
    ## 2. Look at the chain

    Stages are chained, never the latest of three dates taken from now: production
    cannot start before its material, a truck not before the goods are there.
    """)
    return


@app.cell
def chain(due, names, promise, snapshot):
    _chart = promise_chain_chart(promise, names, due=due, as_of=snapshot.as_of)
    if _chart is None:
        _shown = mo.Html(
            page.empty("Nothing has to happen first", "Stock serves it where it lies.")
        )
    else:
        _drawn = mo.ui.altair_chart(
            untitled(_chart), chart_selection=False, legend_selection=False
        )
        _shown = mo.Html(
            f'<div class="mv"><h3>{escape(title_of(_chart))}</h3>{_drawn.text}</div>'
        )
    _shown
    return


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
def ways(names, promise):
    mo.Html(
        f'<div class="mv">{options_html(promise, names)}<p></p>'
        f"{reasons_html(promise, names)}{remedies_html(promise, names)}</div>"
    )
    return


@app.cell(hide_code=True)
def say_twice():
    mo.md("""
    ## 4. Ask twice

    The second of two equal requests sees the first one's holds: its date is never
    earlier, and neither breaks the other.
    """)
    return


@app.cell
def compare(promise, twice):
    later = promise.date is None or twice.date is None or twice.date >= promise.date
    mo.md(
        f"First **{promise.status}**, then **{twice.status}**; the second date is "
        f"{'not earlier' if later else 'earlier, which is a defect'}."
    )
    return (later,)


@app.cell(hide_code=True)
def next_lesson():
    mo.md("""
    Next: `medhavi promise --request FILE` answers files, `--commit --approver` makes
    a promise binding, and the promise app does both. docs/promising.md has the rules.
    """)
    return


if __name__ == "__main__":
    app.run()
