"""List of promises of a page: filters, one promise, its release, asking it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.lakehouse import Lake
from medhavi.planners.promising.supply_search.requests import columns
from medhavi.results.plans.lateness import Verdict, outcomes
from medhavi.results.promises.parts import STANDING, PromiseState
from medhavi.service.downloads import left_by_search, outbox_file
from medhavi.service.grid_groups import group_files
from medhavi.service.page_data import bench_of, html, problem_of, recorded_until
from medhavi.service.page_table import grid, keep_row, linked
from medhavi.service.plan_pages.page_choices import choice, named_options, number_choice
from medhavi.service.promise_pages.open_lists import tell_lists
from medhavi.service.promise_pages.promise_commit import CommitMessage
from medhavi.views import grid_columns, page
from medhavi.views.names import local
from medhavi.views.order_grid import demand_link, partner_links
from medhavi.views.order_list import clock, due_clock, plain
from medhavi.views.promises import records as promises
from medhavi.views.promises.records import TO_KEEP, PromiseFilter
from medhavi.views.words import say
from medhavi.workbench.promise_desk.promise_records import (
    promise_events,
    promise_outbox,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    import marimo as mo

    from medhavi.results.plans.plan import Plan
    from medhavi.results.promises.promises_at_risk import PromiseMonitor
    from medhavi.service.page_data import PageData
    from medhavi.views.names import Names
    from medhavi.views.row_groups import GridGroups

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]

FILTERS = tuple(one.name for one in fields(PromiseFilter))
ADDRESS = {
    "state": "state",
    "customer": "for",
    "product": "item",
    "number": "number",
}
"""Name of each filter in the address; those of the request have the others."""
NO_REQUEST = dict.fromkeys(
    ("product", "location", "customer", "qty", "due", "priority", "policy"), ""
)
"""Address without a request."""


def with_standing(
    records: pl.DataFrame, plan: Plan | None, watch: PromiseMonitor | None
) -> pl.DataFrame:
    """Records whose open promises say how they stand.

    Parameters
    ----------
    plan
        Plan in force: it delivers the whole by the promised date, or it does not. What
        it starts before now in mode mrp is not kept. None: none is there.
    watch
        All promises asked again: those at risk are said to be so. None: nobody asked.
    """
    state, risky = (
        pl.col("state"),
        [one.demand for one in watch.at_risk] if watch else [],
    )
    planned = _NO_OUTCOMES if plan is None else outcomes(plan)
    keeps = (
        (pl.col("date") <= pl.col("promised"))
        & (pl.col("short") == 0)
        & ~pl.col("verdict").is_in([str(Verdict.AT_RISK), str(Verdict.IGNORED)])
    ).fill_null(value=False)
    return records.join(
        planned.select("demand", "verdict", "short", "date"),
        on="demand",
        how="left",
        maintain_order="left",
    ).select(
        pl.when(state != PromiseState.OPEN)
        .then(state)
        .when(pl.col("demand").is_in(risky))
        .then(pl.lit(str(PromiseState.AT_RISK)))
        .when(pl.col("verdict").is_null())
        .then(state)
        .when(keeps)
        .then(pl.lit(str(PromiseState.HOLDS)))
        .otherwise(pl.lit(str(PromiseState.NOT_KEPT)))
        .alias("state")
        if name == "state"
        else pl.col(name)
        for name in records.columns
    )


_NO_OUTCOMES = pl.DataFrame(
    schema={
        "demand": pl.String,
        "verdict": pl.String,
        "short": pl.Float64,
        "date": pl.Datetime("us", "UTC"),
    }
)


# ----------------------------------------------------------------------------- filters
def filter_choice(
    records: pl.DataFrame, names: Names, wanted: Wanted, keep: Keep
) -> mo.ui.dictionary:
    """Ask which promises are listed; `keep` writes it to the address."""
    import marimo as mo

    states = {TO_KEEP.capitalize(): TO_KEEP}
    states |= {str(one).capitalize(): str(one) for one in PromiseState}
    offered = {
        "state": (grid_columns.STATE, states),
        "customer": (grid_columns.CUSTOMER, named_options(records["customer"], names)),
        "product": (grid_columns.PRODUCT, named_options(records["product"], names)),
    }

    def asked(at: str) -> str:
        usual = TO_KEEP if at == ADDRESS["state"] and not _any(wanted) else ""
        return wanted(at) or usual

    picks: dict[str, Any] = {
        name: choice(ADDRESS[name], label, options, asked, keep, none=True)
        for name, (label, options) in offered.items()
    }
    number = number_choice(wanted, keep)
    return mo.ui.dictionary({**picks, "number": number})


def _any(wanted: Wanted) -> bool:
    """Whether the address names promises by something else than their state."""
    return any(wanted(ADDRESS[name]) for name in FILTERS if name != "state") or bool(
        wanted("promise")
    )


def filter_of(chosen: Mapping[str, str | None]) -> PromiseFilter:
    """Filter that the choices of a page make."""
    return PromiseFilter(**{name: value or "" for name, value in chosen.items()})


# -------------------------------------------------------------------------------- list
def promise_table(
    records: pl.DataFrame, shown: PageData, wanted: Wanted, keep: Keep
) -> mo.ui.table:
    """List of promises, one of which may be chosen; the address keeps which."""
    rows = promises.promise_rows(records, shown.names)
    asked = wanted("promise").lower()
    pairs = zip(rows["Id"].to_list(), rows[grid_columns.NUMBER].to_list(), strict=True)
    found = [
        place
        for place, (demand, number) in enumerate(pairs)
        if asked and asked in (demand.lower(), number.lower())
    ]

    return grid(
        rows,
        first=grid_columns.NUMBER,
        formats={
            **linked(rows, partner_links(shown.snapshot, shown.names)),
            grid_columns.PROMISED: due_clock,
            grid_columns.REQUESTED: due_clock,
            grid_columns.RECORDED: clock,
            grid_columns.QUANTITY: plain,
        },
        right=(grid_columns.QUANTITY, grid_columns.PROBABILITY),
        selection="single",
        initial_selection=found[:1],
        on_change=keep_row(grid_columns.NUMBER, "promise", keep),
        label=say("times_local_to_place"),
        hidden_columns=[name for name in rows.columns if name not in promises.SHOWN],
        column_widths={
            grid_columns.NUMBER: 100,
            grid_columns.CUSTOMER: 150,
            grid_columns.PRODUCT: 165,
            grid_columns.QUANTITY: 68,
            grid_columns.PROMISED: 128,
            grid_columns.PROBABILITY: 90,
            grid_columns.APPROVED_BY: 115,
            grid_columns.STATE: 95,
            grid_columns.ZONE: 160,
            grid_columns.PLACE: 170,
            grid_columns.REQUESTED: 130,
            grid_columns.RECORDED: 130,
        },
    )


def exports(
    shown: pl.DataFrame,
    names: Names,
    grouping: GridGroups,
    column: str | None = None,
    grouped: mo.ui.table | None = None,
    grid: mo.ui.table | None = None,
) -> mo.Html:
    """Offer the listed promises as files: names, local times, units.

    Parameters
    ----------
    grouping, column, grouped
        Groups that the page shows; see `grid_groups`.
    grid
        Grid below: the files have what its search box leaves.
    """
    local = (grid_columns.PROMISED, grid_columns.REQUESTED, grid_columns.RECORDED)
    return group_files(
        lambda: left_by_search(shown, grid, "demand"),
        grouping,
        column,
        grouped,
        lambda listed: promises.promise_rows(listed, names).drop("Id"),
        {one: f"{one} (local)" for one in local},
        "promises",
    )


def decided_file(data: PageData) -> mo.Html | None:
    """Button that gives what was decided about promises; see `outbox_file`."""
    bench = bench_of(data.source.in_force)
    label = say("decided_promises_as_csv")
    return outbox_file(bench, promise_outbox, "decided-promises", label)


def none_words(data: PageData, records: pl.DataFrame) -> tuple[str, str]:
    """Why a list is empty, and what to do."""
    if not data.source.lake:
        return say("no_promise_is_known"), say("promises_are_in_the_log")
    if records.is_empty():
        return say("no_promise_yet"), say("quote_on_the_desk")
    return say("no_promise_matches"), say("remove_a_filter")


def missing_html(
    records: pl.DataFrame, customers: Collection[str], names: Names, asked: str
) -> str:
    """Why no promise of the customer of an address is listed; empty: some may be.

    Parameters
    ----------
    customers
        Ids of all customers.
    """
    if not asked or asked in records["customer"]:
        return ""
    known = asked in customers
    title = say("no_promise_to" if known else "customer_not_known", names.name(asked))
    return page.empty(title, say("all_promises_are_listed"))


# ------------------------------------------------------------------------- one promise
def chosen_promise(
    records: pl.DataFrame, table: mo.ui.table | None
) -> dict[str, Any] | None:
    """Row of the records that is chosen in a list."""
    chosen: Any = None if table is None else table.value
    if chosen is None or not len(chosen):
        return None
    rows = records.filter(pl.col("demand") == chosen["Id"][0]).to_dicts()
    return rows[0] if rows else None


def promise_parts(data: PageData, one: Mapping[str, Any]) -> list[mo.Html]:
    """One promise: its sentence, what it holds, its history."""
    assert data.snapshot is not None
    link = demand_link(one["demand"])
    chain = (
        f'<p><a href="{link}" target="_self">{say("pegging_chain_in_the_plan")}</a></p>'
    )
    holds = (
        data.snapshot["reservations"]
        .filter(
            pl.col("demand") == one["demand"],
            pl.col("state").is_in(("tentative", "confirmed", "reduced")),
        )
        .to_dicts()
    )
    lake = Lake(data.source.lake)
    until = recorded_until(data.known_at, data.names)
    events = promise_events(lake, one["demand"], until)
    zone = data.names.zone_of(one["location"])
    return [
        html(page.drawer_head(promises.promise_html(one, data.names)) + chain),
        html(
            f"<h3>History</h3>{promises.promise_history_html(events, zone, data.names)}"
        ),
        html(f"<h3>Reservations</h3>{promises.holds_html(holds, data.names)}"),
    ]


def can_change(data: PageData, one: Mapping[str, Any]) -> bool:
    """Whether a promise can be asked again or released from here."""
    return bench_of(data.source) is not None and one["state"] in STANDING


def release(
    data: PageData, one: Mapping[str, Any], approver: str, reason: str
) -> CommitMessage:
    """Take a promise back; what it held is free again."""
    bench = bench_of(data.source)
    title = say("it_was_not_released")
    if bench is None or not approver.strip():
        text = say("fill_in_the_approver")
        return CommitMessage(title=title, text=text, kept=False)
    try:
        freed = bench.desk.release(
            one["demand"], approver=approver, reason=reason.strip() or None
        )
        bench.edits.facts.read()
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return CommitMessage(title=title, text=problem_of(failure).text, kept=False)
    tell_lists(data.source)
    held = f"{len(freed):,} reservation{'s' if len(freed) != 1 else ''}"
    return CommitMessage(
        title=say("released"),
        text=say("has_no_date_any_more", one["number"], held, approver),
        kept=True,
    )


# ------------------------------------------------------------------------ asking again
@dataclass(frozen=True, slots=True, kw_only=True)
class StandingLine:
    """A promised line that is asked again.

    Parameters
    ----------
    number, promised
        Of the promise, in words.
    form
        Values that fill the form of a request.
    cells
        Cells of the request that no form states, its id among them.
    """

    number: str
    promised: str
    form: Mapping[str, str]
    cells: Mapping[str, object]


def standing_line(
    data: PageData, records: pl.DataFrame, number: str
) -> StandingLine | None:
    """Line of a promise as a request; None: no such promise stands."""
    wanted = number.strip().lower()
    if data.snapshot is None or not wanted:
        return None
    rows = records.filter(
        (pl.col("number").str.to_lowercase() == wanted)
        | (pl.col("demand").str.to_lowercase() == wanted),
        pl.col("state").is_in(STANDING),
    ).to_dicts()
    if not rows:
        return None
    one = rows[0]
    lines = data.snapshot["demands"].filter(pl.col("demand") == one["demand"])
    line = lines.to_dicts()[0] if lines.height else {}
    zone = data.names.zone_of(one["location"])
    due = local(one["due"], zone)
    form = {
        "product": one["product"],
        "location": one["location"],
        "customer": one["customer"] or "",
        "qty": f"{line.get('qty') or one['qty']:,.15g}",
        "due": f"{due:%Y-%m-%d %H:%M}",
        "priority": str(line.get("priority") or 1),
    }
    known = set(columns()) - {"promised", *form}
    cells = {n: v for n, v in line.items() if n in known and v is not None}
    return StandingLine(
        number=one["number"],
        promised=clock(local(one["promised"], zone).replace(tzinfo=None)),
        form=form,
        cells={**cells, "demand": one["demand"]},
    )


def asked_by(line: StandingLine | None, wanted: Wanted) -> Wanted:
    """What fills a form: the address, where it is silent the promise asked again."""
    form = {} if line is None else line.form
    return lambda name: wanted(name) or form.get(name, "")


def with_line(
    form: Mapping[str, object], line: StandingLine | None
) -> Mapping[str, object]:
    """Form as a request of the promised line; another product or place is a new one."""
    same = line is not None and all(
        form.get(name) == line.form[name] for name in ("product", "location")
    )
    return {**form, "cells": line.cells} if line is not None and same else form


def again_html(line: StandingLine) -> str:
    """Notice above a request that asks a promise again."""
    return page.empty(
        say("asked_again", line.number), say("stands_promised", line.promised)
    )
