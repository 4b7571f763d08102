"""Bars of operations of plans and schedules: rows, hues, words on hover, due dates."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.results.schedules.problem import NO_MACHINE, WAITING, TimeAxis
from medhavi.views.names import duration, quantity, wall_milliseconds, when
from medhavi.views.pictures.gantt import BAR, RUN, SETUP
from medhavi.views.theme import MOST_MARKS, rows_of, token
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.results.schedules.problem import ScheduleProblem
    from medhavi.results.schedules.schedule import Schedule
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture

_STATUS_HUES = {
    "planned": "plan",
    "firmed": "alt",
    "released": "warn",
    "in_process": "good",
}
_DATE_WORDS = {
    "plan": "on time",
    "warn": say("past_due_release_mark"),
    "bad": say("late_mark"),
    "alt": "for stock",
}
HUES = ("plan", "alt", "good", "warn")
"""At most four hues in a chart; bad is kept for what is late."""
NO_FAMILY = "muted"
"""Hue of orders without a family beside those of orders with one."""
MOST_SERVED = 3
"""Demands that a bar names on hover; it counts the others."""


def operation_bars(
    work: pl.DataFrame,
    places: Mapping[tuple[str, int], tuple[int, str]],
    names: Names,
    hues: Mapping[str, str],
) -> pl.DataFrame:
    """Bars of operations, set-up and run apart; columns as in `BAR`.

    Parameters
    ----------
    work
        As `window_operations` gives it.
    places
        As `unit_rows` gives it; what has no row is left out.
    hues
        Token by order.
    """
    bars: list[dict[str, object]] = []
    for row in work.iter_rows(named=True):
        place = places.get((row["resource"], row["unit"]))
        if place is None or len(bars) + 2 > MOST_MARKS:
            continue
        bars += _bars(row, place, names, hues[row["supply"]])
    return pl.DataFrame(bars, schema=BAR)


def _bars(
    row: dict[str, Any], place: tuple[int, str], names: Names, hue: str
) -> list[dict[str, object]]:
    zone = names.zone_of(row["resource"])
    setup = dt.timedelta(minutes=row["setup_minutes"] or 0.0)
    done = min(row["start"] + setup, row["finish"])
    late = "▲ " if row["verdict"] == "late" else ""
    firm = "■ " if row["firm"] else ""
    shared = {
        "place": place[0],
        "label": place[1],
        "hue": hue,
        "tip": _tip(row, names),
        "firm": bool(row["firm"]),
        "key": row["id"],
        "order": row["supply"],
    }
    parts = ((SETUP, row["start"], done), (RUN, done, row["finish"]))
    spans = [
        (part, wall_milliseconds(a, zone), wall_milliseconds(b, zone))
        for part, a, b in parts
        if b > a
    ]
    words = f"{late}{firm}{names.name(row['product'])}"
    told = RUN if done < row["finish"] else SETUP
    return [
        {
            **shared,
            "part": part,
            "x": x,
            "x2": max(x, x2),
            "text": words if part == told else "",
        }
        for part, x, x2 in spans
    ]


def _tip(row: dict[str, Any], names: Names) -> str:
    zone = names.zone_of(row["resource"])
    amount = quantity(row["qty"], names.unit(row["product"]))
    setup = row["setup_minutes"] or 0.0
    before = f", set-up {duration(setup / 60)}" if setup else ""
    status = str(row["status"]).replace("_", " ")
    state = f"{status}, firm" if row["firm"] and status == "firmed" else status
    return say(
        "operation_tip",
        row["number"],
        amount,
        names.both(row["product"]),
        row["step"],
        names.name(row["resource"]),
        when(row["start"], zone),
        when(row["finish"], zone),
        duration((row["run_minutes"] or 0) / 60),
        before,
        state,
        ", locked" if row["locked"] else "",
        served_words(row["served"], row["verdict"], names),
    )


def served_words(
    served: Iterable[str] | None, verdict: str | None, names: Names
) -> str:
    """Which demands an order serves, and whether they are on time."""
    told = list(served or ())
    if not told:
        return "for stock"
    more = len(told) - MOST_SERVED
    listed = ", ".join(names.name(one) for one in told[:MOST_SERVED])
    also = f" {say('and_more', more)}" if more > 0 else ""
    late = {
        "late": f", {say('late_mark')}",
        "at_risk": f", {say('past_due_release_mark')}",
    }.get(verdict or "", "")
    return f"for {listed}{also}{late}"


def bar_hues(
    work: pl.DataFrame, colour: str, snapshot: Snapshot | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Token of each order, and what the tokens mean."""
    orders = work.unique("supply", maintain_order=True)
    if colour == "status":
        hues = {
            supply: _STATUS_HUES.get(str(status), "plan")
            for supply, status in orders.select("supply", "status").iter_rows()
        }
        words = {hue: one.replace("_", " ") for one, hue in _STATUS_HUES.items()}
    elif colour == "family":
        families: dict[str, str | None] = {}
        if snapshot is not None:
            families |= snapshot["products"].select("product", "family").iter_rows()
        named = {
            supply: families.get(product) or product or ""
            for supply, product in orders.select("supply", "product").iter_rows()
        }
        hues = {supply: _family_hue(family) for supply, family in named.items()}
        words = {
            hue: ", ".join(sorted({f for o, f in named.items() if hues[o] == hue}))
            for hue in HUES
        }
    else:
        known = {"late": "bad", "at_risk": "warn", "on_time": "plan"}
        hues = {
            supply: known.get(verdict or "", "alt")
            for supply, verdict in orders.select("supply", "verdict").iter_rows()
        }
        words = _DATE_WORDS
    used = set(hues.values())
    return hues, {hue: text for hue, text in words.items() if hue in used}


def _family_hue(family: str) -> str:
    """Hue of a family: a fixed hash, the same on every page."""
    place = hashlib.sha256(family.encode()).digest()[0] % len(HUES)
    return HUES[place]


MINUTES_MS = 60_000
NO_LINES = (WAITING, NO_MACHINE)
"""Resources on which nothing is run: times between steps, steps without a machine."""


def unit_places(
    schedule: Schedule, names: Names
) -> dict[tuple[str, int], tuple[int, str]]:
    """Row and label of each unit of each resource."""
    found: dict[tuple[str, int], tuple[int, str]] = {}
    for resource in schedule.problem.resources:
        if resource.resource in NO_LINES:
            continue
        name = resource.name or names.name(resource.resource)
        for unit in range(1, resource.units + 1):
            label = name if resource.units == 1 else f"{name}, unit {unit}"
            found[resource.resource, unit] = (len(found), label)
    return found


def axis_x(problem: ScheduleProblem, minutes: float, zone: str) -> int:
    """Place of a minute on the axis of a schedule [ms as the axis counts]."""
    if problem.time_axis is TimeAxis.WORKING:
        return round(minutes * MINUTES_MS)
    return wall_milliseconds(problem.start + dt.timedelta(minutes=minutes), zone)


def hours_text(minutes: float) -> str:
    """Hours and minutes; a day of working time has no fixed length.

    >>> hours_text(2415)
    '40 h 15 min'
    """
    hours, rest = divmod(round(minutes), 60)
    return f"{hours:,} h" + (f" {rest} min" if rest else "")


def order_hues(schedule: Schedule) -> dict[str, str]:
    """Hue of each order: that of its family, without any a fixed hash of its number."""
    orders, families = schedule.orders["order"].to_list(), _families(schedule)
    if not families:
        return {order: _family_hue(order) for order in orders}
    named = sorted(set(families.values()))
    hues = {family: HUES[at % len(HUES)] for at, family in enumerate(named)}
    return {
        order: hues[families[order]] if order in families else NO_FAMILY
        for order in orders
    }


def _families(schedule: Schedule) -> dict[str, str]:
    """Family of each order that has one: that of its first step with one.

    That of a fixed step may have its order behind it, as its changeover is booked.
    """
    found = {}
    for order in schedule.problem.orders:
        step = next((one for one in order.steps if one.family), None)
        if step is not None and step.family is not None:
            is_fixed = step.start_minutes is not None
            own = step.family.partition(", ")[0] if is_fixed else step.family
            found[order.order] = own
    return found


def hue_words(schedule: Schedule) -> dict[str, str]:
    """What the hues of the bars mean; without words where no order has a family."""
    families = _families(schedule)
    if not families:
        return dict.fromkeys((*HUES, "bad"), "")
    named: dict[str, set[str]] = {}
    for order, hue in order_hues(schedule).items():
        named.setdefault(hue, set()).add(families.get(order, say("without_a_family")))
    words = {
        hue: ", ".join(sorted(named[hue])) for hue in (*HUES, NO_FAMILY) if hue in named
    }
    late = schedule.orders.filter(pl.col("late_minutes") > 0).height
    return words | ({"bad": say("late_mark")} if late else {})


def due_rows(schedule: Schedule, zone: str, names: Names) -> pl.DataFrame:
    """Due dates of orders in the row of their last operation: place, x, tip."""
    problem, places = schedule.problem, unit_places(schedule, names)
    last = schedule.operations.filter(~pl.col("resource").is_in(NO_LINES))
    ends = last.sort("finish_minutes").unique("sales_order", keep="last")
    due = dict(schedule.orders.select("order", "due_minutes").iter_rows())
    rows = [
        {
            "place": places[row["resource"], row["unit"]][0],
            "x": axis_x(problem, minutes, zone),
            "tip": say(
                "due_date_of", row["sales_order"], _moment(problem, minutes, zone)
            ),
        }
        for row in ends.sort("sales_order").iter_rows(named=True)
        if (minutes := due.get(row["sales_order"])) is not None
    ]
    schema = {"place": pl.Int64, "x": pl.Int64, "tip": pl.String}
    return pl.DataFrame(rows, schema=schema)


def _moment(problem: ScheduleProblem, minutes: float, zone: str) -> str:
    if problem.time_axis is TimeAxis.WORKING:
        return hours_text(minutes)
    return when(problem.start + dt.timedelta(minutes=minutes), zone)


def due_marks(rows: pl.DataFrame, ends: tuple[int, int]) -> list[Picture]:
    """Marks of the due dates that lie on the axis."""
    import altair as alt

    seen = rows.filter(pl.col("x").is_between(*ends)).head(MOST_MARKS // 4)
    if seen.is_empty():
        return []
    marks = alt.Chart(rows_of(seen)).mark_point(
        shape="triangle-down", filled=True, size=45, opacity=1, yOffset=-10
    )
    return [
        marks.encode(
            x=alt.X("x:T"),
            y=alt.Y("place:O"),
            color=alt.ColorValue(token("ink")),
            tooltip=alt.Tooltip("tip:N"),
            description=alt.Description("tip:N"),
        )
    ]
