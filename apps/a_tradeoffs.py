# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Trade-offs

Efficient plans between cost, lateness, emissions and inventory, compared in pairs.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: trade-offs")

with app.setup:
    from html import escape

    import marimo as mo

    import medhavi as mv
    from medhavi.service.page_data import (
        facts_of,
        html,
        section,
        trouble_of,
        wanted_data,
        wanted_of,
    )
    from medhavi.service.tradeoff_page import OBJECTIVES, load_front
    from medhavi.views import page, theme
    from medhavi.views.pictures.pareto import (
        TITLES,
        difference_html,
        front_chart,
        knee,
        points_html,
    )
    from medhavi.views.theme import title_of, untitled

    theme.register()


@app.cell(hide_code=True)
def style():
    mo.Html(page.top_html("tradeoffs"))
    return


@app.cell(hide_code=True)
def address():
    params = mo.query_params()
    wanted = wanted_of(params)
    return params, wanted


@app.cell(hide_code=True)
def data(wanted):
    shown = wanted_data(wanted)
    return (shown,)


@app.cell(hide_code=True)
def head(shown, wanted):
    mo.Html(page.header("Trade-offs", facts_of(shown, wanted("known_at"))))
    return


@app.cell(hide_code=True)
def trouble(shown):
    mo.stop(shown.problem is not None, trouble_of(shown))
    ready = shown
    return (ready,)


@app.cell(hide_code=True)
def effort(params, ready, wanted):
    _size = ready.snapshot["demands"].height
    points = mo.ui.slider(
        start=3,
        stop=24,
        value=min(max(int(wanted("points") or 6), 3), 24),
        show_value=True,
        label="How many programs",
        on_change=lambda value: params.set("points", str(value)),
    ).form(submit_button_label="Find the trade-offs", bordered=True)
    section(
        "effort",
        "Number of plans and objectives",
        html(
            f'<p class="muted">Linear programs over {_size:,} orders and forecasts guide '
            "as many plans within capacity and all rules. Plans that another one beats, or "
            "equals, are left out, so fewer may remain.</p>"
        ),
        points,
    )
    return (points,)


@app.cell(hide_code=True)
def find(points, ready, wanted):
    _asked = points.value or (int(wanted("points")) if wanted("points") else None)
    mo.stop(
        _asked is None,
        html(
            page.empty(
                "Nothing is computed yet",
                "Choose how many programs guide plans, then find them.",
            )
        ),
    )
    with mo.status.spinner("Planning", remove_on_exit=True) as _spinner:
        _told = load_front(
            ready, _asked, observe=lambda done: _spinner.update(subtitle=str(done))
        )
    _text = _told.problem and page.problem(
        _told.problem.title, _told.problem.text, _told.problem.remedy
    )
    _list = f"<p></p>{page.findings_html(_told.findings)}" if _told.findings else ""
    mo.stop(_told.front is None, html(f"{_text}{_list}"))
    front = _told.front
    return (front,)


@app.cell(hide_code=True)
def axes(params, wanted):
    _named = {title: name for name, title in TITLES.items()}
    across = mo.ui.dropdown(
        _named,
        value=TITLES.get(wanted("x"), "cost"),
        label="Across",
        on_change=lambda value: params.set("x", value),
    )
    up = mo.ui.dropdown(
        _named,
        value=TITLES.get(wanted("y"), "lateness"),
        label="Up",
        on_change=lambda value: params.set("y", value),
    )
    return across, up


@app.cell(hide_code=True)
def picture(across, front, up):
    _chart = front_chart(front, across.value, up.value, brush=True)
    scatter = mo.ui.altair_chart(
        untitled(_chart), chart_selection=False, legend_selection=False
    )
    section(
        "front",
        "Efficient plans",
        mo.hstack([across, up], justify="start"),
        html(f"<h3>{escape(title_of(_chart))}</h3>"),
        scatter,
        html(
            f'<p class="muted">Points are plans, by their scorecards. The dashed line '
            f"joins the {front.programs.height} programs that guide them: it holds overtime, "
            "overload and safety stock, divides lots, and is no bound of plans.</p>"
        ),
    )
    return (scatter,)


@app.cell(hide_code=True)
def brushed(front, scatter):
    _rows = scatter.value
    picked = (
        sorted({int(p) for p in _rows["point"]})
        if _rows is not None and len(_rows)
        else []
    )
    _hint = (
        f'<p class="muted">{len(picked)} of {front.points.height} plans are '
        "selected.</p>"
        if picked
        else '<p class="muted">Draw a rectangle in the picture to select plans.</p>'
    )
    section(
        "plans", "Objectives of each plan", html(_hint + points_html(front, picked))
    )
    return (picked,)


@app.cell(hide_code=True)
def choose_two(front, params, picked, wanted):
    _labels = {f"Plan {p}": p for p in front.points["point"]}
    _cheapest = front.points.sort("cost", "point")["point"][0]
    _other = picked[0] if picked else knee(front)
    _other = front.points["point"][-1] if _other is None else _other

    def _first(name, usual):
        asked = f"Plan {wanted(name)}"
        return asked if asked in _labels else f"Plan {usual}"

    one = mo.ui.dropdown(
        _labels,
        value=_first("from", _cheapest),
        label="From",
        on_change=lambda value: params.set("from", str(value)),
    )
    two = mo.ui.dropdown(
        _labels,
        value=_first("to", _other),
        label="to",
        on_change=lambda value: params.set("to", str(value)),
    )
    return one, two


@app.cell(hide_code=True)
def difference(front, one, two):
    _delta = mv.compare(front.plan(one.value), front.plan(two.value))
    section(
        "difference",
        "Difference between two plans",
        mo.hstack([one, two], justify="start"),
        html(difference_html(front, one.value, two.value)),
        mo.accordion(
            {
                "Orders, demands and pegs that differ": html(
                    f"<pre>{escape(str(_delta))}</pre>"
                )
            }
        ),
    )
    return


@app.cell(hide_code=True)
def trust(front, ready, wanted):
    _facts = [
        ("Status", f"{front.run.status}"),
        ("Objectives", ", ".join(OBJECTIVES)),
        ("Front", front.fingerprint[:12]),
    ]
    mo.Html(
        page.data_line(ready.snapshot, ready.names, _facts, known_at=wanted("known_at"))
    )
    return


if __name__ == "__main__":
    app.run()
