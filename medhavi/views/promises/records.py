"""List of promises: rows of the records for people, its figures, one promise."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import polars as pl

from medhavi.results.promises.parts import STANDING, PromiseState
from medhavi.units import from_seconds
from medhavi.views import grid_columns
from medhavi.views.names import NOTHING, count, percent, quantity, wall_clock, when
from medhavi.views.page import empty, table_html
from medhavi.views.promises.words import BY_REQUESTED, there
from medhavi.views.row_groups import GridGroups, quantity_sums
from medhavi.views.tiles import Tile
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.views.names import Names

TO_KEEP = "to keep"
"""State of the filter: promises that still have to be kept."""
MOST_PROMISES = 5_000
"""No list sends more rows than this to a browser."""
SOON_DAYS = 7
_MARKS = {
    PromiseState.OPEN: "○",
    PromiseState.HOLDS: "●",
    PromiseState.NOT_KEPT: "▲",
    PromiseState.AT_RISK: "◆",
    PromiseState.OVERDUE: "▲",
    PromiseState.DELIVERED: "●",
    PromiseState.RELEASED: "○",
    PromiseState.CANCELLED: "○",
}
_BROKEN = (PromiseState.OVERDUE, PromiseState.AT_RISK, PromiseState.NOT_KEPT)
"""States that the subtitle counts."""
_COLUMNS: dict[str, pl.DataType | type[pl.DataType]] = {
    "Id": pl.String,
    grid_columns.NUMBER: pl.String,
    grid_columns.CUSTOMER: pl.String,
    grid_columns.PRODUCT: pl.String,
    grid_columns.QUANTITY: pl.Float64,
    grid_columns.PROMISED: pl.Datetime("us"),
    grid_columns.PROBABILITY: pl.String,
    grid_columns.APPROVED_BY: pl.String,
    grid_columns.STATE: pl.String,
    grid_columns.UNIT: pl.String,
    grid_columns.PLACE: pl.String,
    grid_columns.REQUESTED: pl.Datetime("us"),
    BY_REQUESTED: pl.String,
    grid_columns.RECORDED: pl.Datetime("us"),
    grid_columns.REVISIONS: pl.Int64,
    grid_columns.ZONE: pl.String,
}
SHOWN = tuple(_COLUMNS)[1:9]
"""Columns of the list that stand beside each other; the others are hidden at first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PromiseFilter:
    """Which promises a list shows; empty: all.

    Parameters
    ----------
    state
        One state of the records, or `TO_KEEP`.
    customer, product
        Only these, by id.
    number
        Part of its number, in any case.
    """

    state: str = ""
    customer: str = ""
    product: str = ""
    number: str = ""


def filtered_promises(records: pl.DataFrame, wanted: PromiseFilter) -> pl.DataFrame:
    """Rows of the records that a filter keeps."""
    rows = records
    if wanted.state == TO_KEEP:
        rows = rows.filter(pl.col("state").is_in(STANDING))
    elif wanted.state:
        rows = rows.filter(pl.col("state") == wanted.state)
    for name in ("customer", "product"):
        value = getattr(wanted, name)
        if value:
            rows = rows.filter(pl.col(name) == value)
    part = wanted.number.strip().lower()
    if part:
        number = pl.col("number").str.to_lowercase()
        rows = rows.filter(number.str.contains(part, literal=True))
    return rows


def promise_grouping(names: Names) -> GridGroups:
    """How promises form groups, the greatest number first; dates as weeks."""
    promised = pl.col("promised").dt.convert_time_zone(names.zone)
    return GridGroups(
        by={
            "customer": grid_columns.CUSTOMER,
            "product": grid_columns.PRODUCT,
            "location": grid_columns.PLACE,
            "state": grid_columns.STATE,
            "promised": grid_columns.PROMISED,
            "approver": grid_columns.APPROVED_BY,
        },
        keys={"promised": promised.dt.truncate("1w").dt.date()},
        sums={
            say("promises"): pl.len().cast(pl.Int64),
            **quantity_sums(names),
        },
        words=lambda column, key: (
            state_words(key) if column == "state" else names.name(key)
        ),
        largest=say("promises"),
    )


def promise_rows(records: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Rows of the records for people; at most `MOST_PROMISES`.

    Dates are the wall clock of the place, so that they sort; `Zone` names it.
    """
    shown = records.head(MOST_PROMISES).iter_rows(named=True)
    return pl.DataFrame([_row(one, names) for one in shown], schema=_COLUMNS)


def _row(one: Mapping[str, Any], names: Names) -> dict[str, object]:
    zone = names.zone_of(one["location"])
    return {
        "Id": one["demand"],
        grid_columns.NUMBER: one["number"],
        grid_columns.CUSTOMER: names.name(one["customer"]) if one["customer"] else "",
        grid_columns.PRODUCT: names.name(one["product"]) if one["product"] else "",
        grid_columns.QUANTITY: one["qty"],
        grid_columns.PROMISED: wall_clock(one["promised"], zone),
        grid_columns.PROBABILITY: _share(one["date_prob"]),
        grid_columns.APPROVED_BY: one["approver"],
        grid_columns.STATE: state_words(one["state"]),
        grid_columns.UNIT: names.unit(one["product"]) if one["product"] else "",
        grid_columns.PLACE: names.name(one["location"]) if one["location"] else "",
        grid_columns.REQUESTED: wall_clock(one["due"], zone),
        BY_REQUESTED: _share(one["on_time_prob"]),
        grid_columns.RECORDED: wall_clock(one["recorded_at"], names.zone),
        grid_columns.REVISIONS: one["revisions"],
        grid_columns.ZONE: zone,
    }


def _share(probability: float | None) -> str:
    return "" if probability is None else percent(probability)


def state_words(state: str) -> str:
    """State of a promise with its mark.

    >>> state_words("at risk")
    '◆ at risk'
    """
    return f"{_MARKS[PromiseState(state)]} {state}"


def records_finding(records: pl.DataFrame, now: int) -> str:
    """What the records finds, for the subtitle of a page."""
    standing = records.filter(pl.col("state").is_in(STANDING))
    if standing.is_empty():
        return say("no_promise_to_keep")
    parts = [f"{count(standing.height, 'promise')} to keep"]
    # Asked again, it may hold: the plan sets priorities over all.
    told = {PromiseState.NOT_KEPT: say("not_kept_by_the_plan")}
    parts += [
        f"{amount:,} {told.get(state, state)}"
        for state in _BROKEN
        if (amount := standing.filter(pl.col("state") == state).height)
    ]
    soon = _soon(standing, now).height
    if soon:
        parts.append(say("due_within_days", soon, SOON_DAYS))
    return ", ".join(parts)


def _soon(standing: pl.DataFrame, now: int) -> pl.DataFrame:
    begin = from_seconds(now)
    end = begin + dt.timedelta(days=SOON_DAYS)
    return standing.filter(pl.col("promised").is_between(begin, end))


def records_tiles(
    records: pl.DataFrame, now: int, *, is_checked: bool = True
) -> tuple[Tile, ...]:
    """Figures of the records; each leads to its rows.

    Parameters
    ----------
    is_checked
        Whether all promises were asked again on the facts of today: before, only those
        are known to be at risk that the records say so of.
    """
    standing = records.filter(pl.col("state").is_in(STANDING))
    counts = dict(records["state"].value_counts().iter_rows())
    overdue, risky, missed = (counts.get(state, 0) for state in _BROKEN)
    customers = standing["customer"].n_unique() if standing.height else 0
    return (
        Tile(
            label=say("promises_to_keep"),
            figure=f"{standing.height:,}",
            note=f"of {count(customers, 'customer')}",
            rows=_rows(TO_KEEP),
        ),
        Tile(
            label=say("due_within_days_title", SOON_DAYS),
            figure=f"{_soon(standing, now).height:,}",
            note=say("by_their_promised_date"),
        ),
        Tile(
            label=say("overdue_promises"),
            figure=f"{overdue:,}",
            note=say("tile_target_0"),
            state="bad" if overdue else "good",
            word=say("past_the_promised_date") if overdue else say("none_of_them"),
            rows=_rows(PromiseState.OVERDUE) if overdue else "",
        ),
        _at_risk_tile(risky, missed, is_checked=is_checked),
        Tile(
            label=say("delivered"),
            figure=f"{counts.get(PromiseState.DELIVERED, 0):,}",
            note=f"{counts.get(PromiseState.RELEASED, 0):,} released",
            rows=_rows(PromiseState.DELIVERED),
        ),
    )


def _at_risk_tile(risky: int, missed: int, *, is_checked: bool) -> Tile:
    """Promises that cannot be kept any more, as far as they were asked again.

    Before, those that the plan in force does not keep.
    """
    label = say("at_risk")
    if not is_checked and not risky:
        rows = urlencode({"tab": "promises-at-risk"})
        if not missed:
            note = say("not_checked_yet")
            return Tile(label=label, figure=NOTHING, note=note, rows=rows)
        return Tile(
            label=say("not_kept_by_the_plan_title"),
            figure=f"{missed:,}",
            note=say("delivered_after_the_promise"),
            state="warn",
            word=say("tile_target_0"),
            rows=_rows(PromiseState.NOT_KEPT),
        )
    return Tile(
        label=label,
        figure=f"{risky:,}",
        note=say("asked_again_is"),
        state="warn" if risky else "good",
        word=say("overdue_apart") if risky else say("none_of_them"),
        rows=_rows(PromiseState.AT_RISK) if risky else "",
    )


def _rows(state: str) -> str:
    return urlencode({"tab": "promises", "state": state})


# ------------------------------------------------------------------------ one promise
def promise_html(one: Mapping[str, Any], names: Names) -> str:
    """One promise in a sentence: number, what, to whom, by when, how sure, by whom."""
    local = there(names, one["location"])
    whom = f" for {names.html(one['customer'])}" if one["customer"] else ""
    product = one["product"]
    what = quantity(one["qty"], names.unit(product)) if product else ""
    sure = _share(one["date_prob"])
    chance = say("probability_when_quoted", sure) if sure else ""
    return (
        f"<b>{escape(one['number'])}</b> · {escape(what)} "
        f"{names.html(product) if product else ''}{whom}: "
        f"<b>{escape(when(one['promised'], local.zone, year=True, ends=True))}</b> "
        f"({escape(local.zone)}){escape(chance)}; {escape(state_words(one['state']))}, "
        f"approved by {escape(one['approver'])}"
    )


_EVENTS = {
    grid_columns.ORDERPROMISED: grid_columns.PROMISED,
    grid_columns.PROMISEREVISED: "Date changed",
    grid_columns.PROMISEATRISK: "At risk",
}


def promise_history_html(events: Iterable[Any], zone: str, names: Names) -> str:
    """Dates of a promise with who gave them and why, the newest first.

    Parameters
    ----------
    events
        With `type`, `approver`, `recorded_at` and the payload `said`.
    zone
        Of the place where the goods come.
    """
    rows = [
        tuple(
            map(
                escape,
                (
                    _event_words(one),
                    when(one.said.promised, zone, year=True, ends=True),
                    getattr(one.said, "reason", None) or "",
                    one.approver,
                    when(one.recorded_at, names.zone),
                ),
            )
        )
        for one in events
    ][::-1]
    if not rows:
        return empty(say("no_event_yet"), say("it_is_in_the_log"))
    return table_html(
        (
            say("column_event"),
            say("column_date"),
            say("why"),
            say("column_by"),
            say("column_when"),
        ),
        rows,
    )


def _event_words(event: Any) -> str:
    if event.type == grid_columns.PROMISEREVISED and event.said.promised is None:
        return "Released"
    return _EVENTS[event.type]


def holds_html(holds: Sequence[Mapping[str, Any]], names: Names) -> str:
    """What a promise holds: material, resources, departures."""
    if not holds:
        return empty(say("it_holds_nothing"), say("its_goods_are_not_reserved"))
    rows = [
        (
            escape(str(one["kind"])),
            names.html(one["subject"]),
            escape(names.name(one["location"]) if one["location"] else NOTHING),
            escape(when(one["start"], names.zone_of(one["location"]))),
            escape(when(one["finish"], names.zone_of(one["location"]))),
        )
        for one in holds
    ]
    return table_html(
        (
            say("column_reserved"),
            say("column_what"),
            say("column_where"),
            say("from"),
            say("column_to"),
        ),
        rows,
    )
