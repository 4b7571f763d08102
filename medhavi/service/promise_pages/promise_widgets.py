"""Widgets of the promise desk: the form, what is tried, the date that is promised."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from html import escape
from typing import TYPE_CHECKING, Any

from medhavi.planners.promising.answering import chance_by
from medhavi.service import downloads
from medhavi.service.page_data import html, trouble_of
from medhavi.service.page_table import grid
from medhavi.service.plan_pages.desk_parts import rows_download
from medhavi.service.promise_pages import promise_page, request_file
from medhavi.service.promise_pages.promise_page import REQUEST
from medhavi.snapshot.reading.request_rows import TABLE
from medhavi.units import from_seconds
from medhavi.views import grid_columns, page
from medhavi.views.names import count, duration, local, percent, when
from medhavi.views.promises.picture import DRAGGED
from medhavi.views.promises.words import changes_html, compared_html, remedy_words
from medhavi.views.theme import title_of, untitled
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import marimo as mo
    import polars as pl

    from medhavi.planners.promising.answering import Curve
    from medhavi.results.promises.promise import Promise, TriedRemedy
    from medhavi.service.page_data import PageData
    from medhavi.service.promise_pages.promise_page import FormChoices, PromisePage
    from medhavi.service.promise_pages.request_file import BulkPage
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture

SHOWN = (
    *(
        grid_columns.ROW,
        grid_columns.ORDER,
        grid_columns.PRODUCT,
        grid_columns.ASKED_FOR,
    ),
    *(
        grid_columns.DUE,
        grid_columns.ANSWER,
        grid_columns.DELIVERY_DATE,
        grid_columns.LIMITED_BY,
    ),
)
"""Columns of answers that fit beside each other; the others are hidden at first."""
TABS = (
    say("desk"),
    say("promises"),
    say("request_file"),
    say("at_risk"),
    say("demands_at_risk"),
)
"""Parts of the page."""
DESK_CELLS = (
    *("ask_for", "answer", "no_answer", "tiles", "sure", "moved_words", "options"),
    *("parts", "reasons", "tried", "try_it", "remedy_price", "remedy_who"),
    *("remedy_accept", "remedy_done", "otherwise", "giving_way", "confirm"),
    *("effect", "who", "done", "done_as_requested"),
)
"""Cells of the page whose outputs are the desk; none is made anew by another part."""
PARTS = (say("confirm"), say("why_remedies"), say("sensitivity"))
"""Parts of an answer."""
NOT_HERE = (say("nothing_can_be_kept"), say("promise_needs_a_lake"))
"""What is said where no store is known, and what to do."""


def request_form(
    offered: FormChoices,
    wanted: Callable[[str], str],
    keep: Callable[[Mapping[str, Any] | None], None],
) -> mo.ui.form[Any, Any]:
    """Ask for product, place, customer, quantity, due date, priority and policy."""
    import marimo as mo

    def pick(
        name: str, options: Mapping[str, str], label: str, *, none: bool = False
    ) -> mo.ui.dropdown:
        labels = {item: text for text, item in options.items()}
        first = wanted(name) or str(offered.first.get(name) or "")
        usual = None if none else next(iter(options), None)
        return mo.ui.dropdown(
            dict(options),
            value=labels.get(first, usual),
            searchable=True,
            allow_select_none=none,
            label=label,
            full_width=True,
        )

    def text(name: str, label: str, hint: str) -> mo.ui.text:
        first = wanted(name) or str(offered.first[name])
        return mo.ui.text(value=first, label=label, placeholder=hint, full_width=True)

    usual_policy = say("policy_by_the_rules")
    policies = {usual_policy: "", **{one: one for one in offered.policies}}
    policy = wanted("policy") if wanted("policy") in offered.policies else usual_policy
    return (
        mo.md(
            '<div class="mv-form">{product}{location}{customer}</div>'
            '<div class="mv-form">{qty}{due}{priority}{policy}</div>'
        )
        .batch(
            product=pick("product", offered.products, grid_columns.PRODUCT),
            location=pick("location", offered.locations, "Delivered at"),
            customer=pick(
                "customer", offered.customers, grid_columns.CUSTOMER, none=True
            ),
            qty=text("qty", grid_columns.QUANTITY, "3,650 or 12 case"),
            due=text("due", say("due_local_time_there"), "2026-12-04 14:00"),
            priority=mo.ui.number(
                start=0,
                step=1,
                value=int(wanted("priority") or 1),
                label=say("priority"),
                full_width=True,
            ),
            policy=mo.ui.dropdown(
                policies,
                value=policy,
                label=say("policy"),
                full_width=True,
            ),
        )
        .form(submit_button_label=say("quote"), bordered=True, on_change=keep)
    )


def remedy_buttons(
    promise: Promise, names: Names, chosen: Callable[[int], None]
) -> list[mo.ui.button]:
    """Button a remedy; pressing it calls `chosen` with its place."""
    import marimo as mo

    def button(place: int) -> mo.ui.button:
        words = remedy_words(promise.remedies[place], names)
        return mo.ui.button(label=words, on_change=lambda _: chosen(place))

    return [button(place) for place in range(len(promise.remedies))]


def compared(
    told: PromisePage,
    tried: PromisePage,
    remedy: TriedRemedy,
    shown: PageData,
    names: Names,
) -> list[mo.Html]:
    """Answer beside the one with a remedy's rows, and these rows."""
    if told.promise is None or tried.promise is None or shown.snapshot is None:
        return [trouble_of(tried)]
    rows = changes_html(remedy, told.promise, shown.snapshot, names, told.policy)
    parts = [
        html(compared_html(told.promise, tried.promise, names)),
        html(f"<h3>What changes</h3>{rows}"),
    ]
    if set(remedy.rows) > {REQUEST} or REQUEST not in remedy.rows:
        parts.append(rows_download(remedy.rows, shown.snapshot))
    return parts


# ------------------------------------------------------------------ the moved date
def dragged_share(selections: Mapping[str, Any] | None) -> float | None:
    """Read the share under the pointer from the selections of the curve.

    >>> dragged_share({"quoted": {"share": [0.8]}})
    0.8
    >>> dragged_share({}) is None
    True
    """
    found = ((selections or {}).get(DRAGGED) or {}).get("share") or []
    return float(found[0]) if found else None


def curve_picture(chart: Picture, moved: Callable[[float], None]) -> mo.ui.altair_chart:
    """Curve; dragging its rule calls `moved` with the share under it."""
    import marimo as mo

    def told(_rows: object) -> None:
        share = dragged_share(drawn.selections)
        if share is not None:
            moved(share)

    drawn = mo.ui.altair_chart(
        untitled(chart), chart_selection=False, legend_selection=False, on_change=told
    )
    return drawn


def two_pictures(
    chain: mo.Html, curve: mo.ui.altair_chart | None, chart: Picture | None
) -> str:
    """Chain of an answer beside the curve of its date; one below the other if narrow.

    Parameters
    ----------
    curve, chart
        The curve as it is dragged, and the drawing that names it; None: nothing in the
        chain is uncertain.
    """
    told = (
        page.empty(say("nothing_in_the_chain"), say("no_learned_lead_time"))
        if curve is None or chart is None
        else f"<h3>{title_of(chart)}</h3>"
        f'<div class="mv-draw mv-drag">{curve.text}</div>'
        f"{downloads.picture_buttons(chart).text}"
    )
    return (
        f'<div class="mv-two" id="pictures"><div>{chain.text}</div>'
        f"<div>{told}</div></div>"
    )


def share_slider(
    curve: Curve, share: float, moved: Callable[[float], None]
) -> mo.ui.slider:
    """Same rule for the keyboard: a step is one in a hundred."""
    import marimo as mo

    shares = [round(100 * level) for level, _ in curve]
    first = min(shares, key=lambda one: abs(one - 100 * share))
    return mo.ui.slider(
        steps=shares,
        value=first,
        label=say("probability_chosen"),
        show_value=True,
        full_width=True,
        on_change=lambda value: moved(float(value or 0) / 100),
    )


def share_of(told: PromisePage) -> float:
    """Share at which the date was quoted."""
    assert told.promise is not None
    return chance_by(told.curve, told.promise.date or 0)


def date_at(curve: Curve, share: float) -> int:
    """Instant by which it is there with at least so much certainty [s]."""
    return next((date for level, date in curve if level >= share - 1e-9), curve[-1][1])


def moved_words(told: PromisePage, date: int, names: Names) -> str:
    """What a moved date means: its chance, and how it stands to the quoted one."""
    assert told.promise is not None
    chance = chance_by(told.curve, date)
    moment = when(from_seconds(date), names.zone, year=True)
    hours = (date - (told.promise.date or date)) / 3600
    apart = say("the_quoted_date")
    if hours:
        word = "later" if hours > 0 else "earlier"
        apart = f"{duration(abs(hours))} {word} than quoted"
    return f"<p>{say('chance_by_then', escape(moment), percent(chance), escape(apart))}</p>"


def own_date(told: PromisePage, date: int, names: Names) -> str:
    """Moved date as text for the form; nothing where it is the quoted one."""
    assert told.promise is not None
    if date == told.promise.date:
        return ""
    # The form counts minutes; nothing is promised earlier than it was shown.
    return f"{local(from_seconds(date + 59), names.zone):%Y-%m-%d %H:%M}"


def own_field(date: str) -> mo.ui.text:
    """Ask for another date than the one that was found."""
    import marimo as mo

    return mo.ui.text(
        value=date, label=say("another_date_local"), placeholder=say("as_found")
    )


def requested_button(chosen: PromisePage, names: Names) -> mo.ui.run_button:
    """Button that promises the requested date; shown where the goods come before."""
    import marimo as mo

    promise = chosen.promise
    if promise is None or promise.on_time_prob is None or chosen.due is None:
        return mo.ui.run_button(label=say("promise_it"))
    zone = names.zone_of(str(promise.demand.get("location") or ""))
    due = when(from_seconds(chosen.due), zone, ends=True)
    chance = percent(promise.on_time_prob)
    return mo.ui.run_button(label=say("promise_the_requested_date", due, chance))


def decision_text(chosen: PromisePage, tried: PromisePage | None) -> str:
    """What a commit would do, or why nothing can be committed."""
    promise = chosen.promise
    if promise is None or promise.date is None:
        return page.empty(say("nothing_to_promise"), say("ask_for_something_else"))
    if not chosen.binding:
        return page.empty(*NOT_HERE)
    others = len(promise.preempted)
    moved = f" and moves {count(others, 'other promise')}" if others else ""
    text = say(
        "confirming_books", count(len(promise.reservations), "reservation"), moved
    )
    if tried is not None and tried.promise is not None and not tried.binding:
        text += f" {say('tried_changes_data')}"
    return f'<p class="muted">{text}</p>'


# ----------------------------------------------------------------------- the lists
def answer_table(rows: pl.DataFrame) -> mo.ui.table:
    """Show answers; lines may be chosen, and other columns shown."""
    return grid(
        rows,
        first=grid_columns.ROW,
        formats={
            grid_columns.DELIVERY_DATE: _dated,
            grid_columns.ASKED_FOR: "{:,g}",
            grid_columns.PROMISED: "{:,g}",
            grid_columns.COST: "{:,.2f}",
        },
        selection="multi",
        page_size=12,
        hidden_columns=[name for name in rows.columns if name not in SHOWN],
        column_widths={
            grid_columns.ROW: 50,
            grid_columns.ORDER: 100,
            grid_columns.PRODUCT: 140,
            grid_columns.ASKED_FOR: 85,
            grid_columns.DUE: 176,
            grid_columns.ANSWER: 85,
            grid_columns.DELIVERY_DATE: 176,
            grid_columns.LIMITED_BY: 200,
        },
        label=say("answers"),
    )


def _dated(moment: dt.datetime | None) -> str:
    return "" if moment is None else when(moment.replace(tzinfo=dt.UTC), year=True)


def templates(told: PromisePage) -> mo.Html:
    """Offer the empty file in both forms, with the question as its first row."""
    return _downloads(
        "Template",
        "requests",
        lambda: promise_page.template_xlsx(told),
        lambda: promise_page.template_csv(told),
    )


def answer_files(rows: pl.DataFrame) -> mo.Html:
    """Offer the answers in both forms."""
    return _downloads(
        "Answers",
        "answers",
        lambda: downloads.as_xlsx(rows, "answers"),
        lambda: downloads.as_csv(rows),
    )


def _downloads(
    what: str, name: str, xlsx: Callable[[], bytes], csv: Callable[[], bytes]
) -> mo.Html:
    import marimo as mo

    return mo.hstack(
        [
            mo.download(xlsx, filename=f"{name}.xlsx", label=f"{what}, xlsx"),
            mo.download(csv, filename=f"{name}.csv", label=f"{what}, CSV"),
        ],
        justify="start",
        wrap=True,
    )


def brief_words(many: BulkPage) -> str:
    """What the answers to a file leave out: a large one, one that was stopped."""
    most = f"{request_file.MOST_IN_FULL:,}"
    brief = f"<p>{say('the_file_has_more_than', most)}</p>" if many.brief else ""
    return f"<p>{say('stopped_lines')}</p>{brief}" if many.stopped else brief


def odd_lines(many: BulkPage, names: Names) -> list[mo.Html]:
    """What is odd in a file, open, and what is odd in the tables, folded."""
    import marimo as mo

    asked = [found for found in many.findings if found.table == TABLE]
    other = [found for found in many.findings if found.table != TABLE]
    parts = [html(page.findings_html(asked, names))] if asked else []
    if other:
        words = say("check_the_tables", page.findings_words(other))
        parts.append(mo.accordion({words: html(page.findings_html(other, names))}))
    return parts


def command(row: Mapping[str, object], option: str) -> str:
    r"""Command line of the same question to the tables of an option.

    >>> command({"product": "A", "qty": 5.0}, " --tables t")
    'echo \'[{"product": "A", "qty": 5.0}]\' | medhavi promise --tables t --request -'
    """
    told = json.dumps([dict(row)], default=lambda one: f"{one:%Y-%m-%dT%H:%M:%SZ}")
    return f"echo {shlex.quote(told)} | medhavi promise{option} --request -"
