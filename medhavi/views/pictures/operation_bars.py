"""Bars of operations: their hues, and their words on hover."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.views.names import duration, quantity, wall_milliseconds, when
from medhavi.views.pictures.gantt import BAR, RUN, SETUP
from medhavi.views.theme import MOST_MARKS
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

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
_FAMILY_HUES = ("plan", "alt", "good", "warn")
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
        families = {} if snapshot is None else dict(_families(snapshot))
        named = {
            supply: families.get(product) or product or ""
            for supply, product in orders.select("supply", "product").iter_rows()
        }
        hues = {supply: family_hue(family) for supply, family in named.items()}
        words = {
            hue: ", ".join(sorted({f for o, f in named.items() if hues[o] == hue}))
            for hue in _FAMILY_HUES
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


def _families(snapshot: Snapshot) -> Iterable[tuple[str, str | None]]:
    return snapshot["products"].select("product", "family").iter_rows()


def family_hue(family: str) -> str:
    """Hue of a family: a fixed hash, the same on every page."""
    place = hashlib.sha256(family.encode()).digest()[0] % len(_FAMILY_HUES)
    return _FAMILY_HUES[place]
