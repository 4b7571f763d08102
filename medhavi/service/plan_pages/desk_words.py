"""Choices of the pages of a plan, its tiles, and an edit in words."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from medhavi.service.data_source import served_mode
from medhavi.service.jobs.open_pages import again_button
from medhavi.service.page_data import (
    SCENARIO,
    PageProblem,
    facts_of,
    html,
    keep_in,
    wanted_of,
)
from medhavi.service.plan_pages.page_choices import choice
from medhavi.service.plan_pages.plan_loading import MODE_WORDS, MODES, load_page
from medhavi.service.plan_pages.plan_standing import standing_facts
from medhavi.views import order_grid, order_list, page
from medhavi.views.order_list import codes
from medhavi.views.pictures.lateness import plan_finding
from medhavi.views.pictures.stock import items_by_need
from medhavi.views.words import say
from medhavi.workbench.studies.scenario_list import STUDY_COMMAND

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Collection,
        Iterable,
        Mapping,
        MutableMapping,
        Sequence,
    )

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.service.plan_pages.plan_standing import Published
    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]


MOST_ORDERS = 10
"""Orders of an edit that are named."""


def address_of(params: MutableMapping[str, str]) -> tuple[Wanted, Keep]:
    """What the address of a page asks for, and how a choice is kept in it.

    Cells that get these and not the parameters do not run again when one is kept.
    """
    return wanted_of(params), lambda name, value: keep_in(params, {name: value})


def page_link(params: Mapping[str, str], without: Collection[str]) -> str:
    """Address of other rows of a page; `{rows}` in it stands for what names them.

    Parameters
    ----------
    without
        Parts of the present address that it leaves out.
    """
    kept = {
        name: value for name, value in params.items() if name not in without and value
    }
    return f"?{urlencode(kept)}{'&' * bool(kept)}{{rows}}"


def edited_words(
    plan: Plan, edit: Mapping[str, Any] | PageProblem, names: Names
) -> str:
    """Which orders an edit is about: one in full, of several their numbers."""
    if isinstance(edit, PageProblem):
        return ""
    if "edits" not in edit:
        return order_list.order_words(plan, edit.get("supply"), names)
    numbers = dict(plan.supplies.select("id", "number").iter_rows())
    told = [str(numbers.get(one["supply"], one["supply"])) for one in edit["edits"]]
    more = len(told) - MOST_ORDERS
    return ", ".join(told[:MOST_ORDERS]) + (
        f" {say('and_more', more)}" if more > 0 else ""
    )


def tab_bar(
    tabs: Sequence[str], wanted: Wanted, keep: Keep, first: str, *, name: str = "tab"
) -> mo.ui.tabs:
    """Bar of the parts of a page; the address keeps the chosen one under a name."""
    import marimo as mo

    chosen = wanted(name).replace("-", " ").capitalize()
    return mo.ui.tabs(
        dict.fromkeys(tabs, ""),
        value=chosen if chosen in tabs else first,
        on_change=lambda tab: keep(name, page.tab_address(tab)),
    )


def hidden(cells: Sequence[str]) -> str:
    """Style by which a page does not show the outputs of some of its cells."""
    named = ",".join(f'.published[data-cell-name="{one}"]' for one in cells)
    return f"<style>{named}{{display:none}}</style>"


_TABS = (
    say("column_demands"),
    say("exceptions"),
    say("capacity"),
    say("stock"),
    say("compare_and_publish"),
    say("key_figures"),
)
"""Parts of the plan page."""


def plan_tabs(mode: str) -> tuple[str, ...]:
    """Parts of the plan page in a planning mode.

    Mode mrp knows no causes of lateness; only optimize makes its plan in steps.
    """
    late, *others = _TABS
    causes = [] if mode == "mrp" else [say("cost_of_lateness_by_cause")]
    steps = [say("steps_of_the_run")] if mode == "optimize" else []
    return (late, *causes, *others, *steps)


def plan_tab(wanted: Wanted) -> str:
    """Part of the plan page that an address points at without naming it."""
    if wanted("code"):
        return "Exceptions"
    return "Stock" if wanted("item") else "Demands"


def tile_links(params: Mapping[str, str]) -> tuple[str, str]:
    """Addresses on the plan page: exceptions of a code, `{rows}`, and late demands."""
    address = page_link(params, ("code", "tab"))
    late = f"tab={page.tab_address(say('column_demands'))}#late"
    exceptions = "code={rows}&tab=exceptions#exceptions"
    return address.replace("{rows}", exceptions), address.replace("{rows}", late)


def orders_link(code: str | None) -> str:
    """Link to the orders that have an exception, as HTML."""
    address = f"/orders/?{urlencode({'code': code or order_grid.ANY})}"
    return f'<a href="{escape(address)}" target="_self">{say("its_orders_to_edit")}</a>'


def moved_html(wanted: Wanted) -> str:
    """Link to the orders that an address of the plan page once listed; else nothing."""
    parts = ("kind", "status", "product")
    asked = {name: wanted(name) for name in parts if wanted(name)}
    if wanted("order"):
        asked["number"] = wanted("order")
    if not asked:
        return ""
    address = escape(f"/orders/?{urlencode(asked)}")
    return (
        f'<div class="mv-empty"><b>{say("orders_have_a_page")}</b>'
        f'<a href="{address}" target="_self">{say("show_these_orders")}</a></div>'
    )


def moment_form(wanted: Wanted, keep: Keep) -> mo.ui.form[Any, Any]:
    """Ask for which moment to plan; empty: the latest."""
    import marimo as mo

    labels = {"effective_at": "As of", "known_at": "Known at"}

    def store(form: Mapping[str, Any] | None) -> None:
        for name, value in (form or {}).items():
            keep(name, value)

    return (
        mo.md("{effective_at} {known_at}")
        .batch(
            **{
                name: mo.ui.text(
                    value=wanted(name), placeholder=say("the_latest"), label=label
                )
                for name, label in labels.items()
            }
        )
        .form(
            submit_button_label=say("plan_this_moment"), bordered=False, on_change=store
        )
    )


def mode_choice(wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask how to plan."""
    import marimo as mo

    return mo.ui.dropdown(
        {MODE_WORDS[name]: name for name in MODES},
        value=MODE_WORDS.get(wanted("mode"), MODE_WORDS[served_mode()]),
        label=say("planning_mode"),
        on_change=lambda value: keep("mode", value),
    )


def page_head(
    title: str,
    shown: PlanPage,
    known_at: str,
    found: str,
    choices: Sequence[Any],
    facts: Sequence[tuple[str, str]] = (),
) -> list[mo.Html]:
    """Title of a page with its moment and what it finds, and the choices below it."""
    import marimo as mo

    told = [*facts_of(shown, known_at), *facts]
    again = [html(again_button(shown.ended))] if shown.ended else []
    return [
        mo.Html(page.header(title, told, finding=found)),
        mo.hstack(
            [*(one for one in choices if one is not None), *again],
            justify="start",
            wrap=True,
            gap=2,
        ),
    ]


def head_parts(
    shown: PlanPage,
    published: Published,
    mode: mo.ui.dropdown,
    moments: mo.ui.form[Any, Any],
    known_at: str,
) -> list[mo.Html]:
    """Title with its moment, the mode, and how to plan another moment."""
    import marimo as mo

    found = plan_finding(shown.plan, shown.names) if shown.plan else ""
    parts = page_head(
        say("plan"), shown, known_at, found, [mode], standing_facts(shown, published)
    )
    if shown.source.lake:
        hint = html(
            f'<p class="muted">{say("local_time_of_like_2026", shown.names.zone)}</p>'
        )
        parts.append(
            mo.accordion({say("tab_another_moment"): mo.vstack([hint, moments])})
        )
    return parts


def shown_plan(
    wanted: Wanted, mode: mo.ui.dropdown, moments: Mapping[str, Any]
) -> PlanPage:
    """Read what a page asks for with the plan in force; see `load_page`."""
    import marimo as mo

    with mo.status.spinner("Reading", remove_on_exit=True) as spinner:
        return load_page(
            name=wanted("tables"),
            known_at=moments["known_at"],
            effective_at=moments["effective_at"],
            scenario=moments[SCENARIO],
            mode=mode.value,
            observe=lambda done: spinner.update(subtitle=str(done)),
        )


def moments_of(wanted: Wanted, *, scenario: bool = True) -> dict[str, str]:
    """Moments and scenario that the address of a page asks for.

    Parameters
    ----------
    scenario
        Whether the page shows scenarios; else it shows the plan in force.
    """
    moments = {name: wanted(name) for name in ("effective_at", "known_at")}
    return {**moments, SCENARIO: wanted(SCENARIO) if scenario else ""}


def foot(shown: PlanPage, known_at: str) -> mo.Html:
    """Trust line of a page with its plan."""
    import marimo as mo

    assert shown.plan is not None
    return mo.Html(
        page.trust_line(
            shown.plan,
            shown.snapshot,
            shown.names,
            violations=shown.violations,
            findings=shown.findings,
            command=STUDY_COMMAND
            if shown.source.scenario
            else page.plan_command(shown.option, mode=shown.plan.run.mode),
            known_at=known_at,
        )
    )


def item_choice(
    plan: Plan,
    names: Names,
    wanted: Wanted,
    keep: Keep,
    more: Iterable[tuple[str, str]] = (),
) -> mo.ui.dropdown:
    """Ask for a product at a place, those in need first; `more` come behind them.

    Nothing is chosen where the address names an item that is not among them.
    """
    items = items_by_need(plan).select("product", "location").iter_rows()
    options = {
        f"{names.name(product)} at {names.name(place)}": f"{product}|{place}"
        for product, place in (*items, *more)
    }
    unknown = bool(wanted("item")) and wanted("item") not in options.values()
    return choice("item", "Item", options, wanted, keep, none=unknown)


def code_choice(plan: Plan, wanted: Wanted, keep: Keep) -> mo.ui.dropdown:
    """Ask for a kind of exceptions; none: all of them."""
    options = {
        f"{row['mark'][0]} {row['headline']} ({row['number']:,})": row["code"]
        for row in codes(plan).iter_rows(named=True)
    }
    return choice("code", "Kind", options, wanted, keep, none=True)
