"""Filters of the orders page that one click sets: a week of release, a plant."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import polars as pl

from medhavi.service.order_pages.order_page import filter_of
from medhavi.views.order_grid import OrderFilter, filtered, order_tiles, this_monday
from medhavi.views.tiles import tiles_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import marimo as mo

    from medhavi.service.plan_pages.plan_loading import PlanPage

    Keep = Callable[[str, str], None]

MOST_PLANTS = 6
"""Plants that have a button: those with the most orders."""
_WEEK = "week"


def filter_values(shown: PlanPage, orders: pl.DataFrame) -> dict[tuple[str, str], str]:
    """Part of the address and its value to the words of each button."""
    plan, snapshot = shown.plan, shown.snapshot
    if plan is None or snapshot is None:
        return {}
    monday = this_monday(plan.run.as_of, shown.names.zone)
    weeks = (say("this_week"), say("next_week"))
    plants = snapshot["locations"].filter(pl.col("kind") == "plant")["location"]
    busiest = (
        orders.filter(pl.col("location").is_in(plants.to_list()))
        .group_by("location")
        .len()
        .sort("len", "location", descending=[True, False])["location"]
        .head(MOST_PLANTS)
    )
    return {
        **({} if monday is None else _weeks(monday, weeks)),
        **{("location", one): shown.names.name(one) for one in busiest},
    }


def _weeks(monday: dt.date, words: tuple[str, ...]) -> dict[tuple[str, str], str]:
    return {
        (_WEEK, str(monday + dt.timedelta(weeks=later))): told
        for later, told in enumerate(words)
    }


def filter_choices(
    values: Mapping[tuple[str, str], str],
    chosen: Mapping[str, str | None],
    keep: Keep,
    draw: Callable[[], None],
) -> list[mo.ui.button]:
    """A button for each filter of one click; pressed again it takes the filter off.

    Parameters
    ----------
    chosen
        Values of the filters of the page.
    draw
        Called after the address has the new value: the filters show it.
    """
    import marimo as mo

    def button(part: str, value: str, told: str) -> mo.ui.button:
        is_on = chosen.get(part) == value

        def press(_: object) -> None:
            keep(part, "" if is_on else value)
            draw()

        return mo.ui.button(
            label=f"✓ {told}" if is_on else told,
            kind="success" if is_on else "neutral",
            on_click=press,
        )

    return [button(*where, told) for where, told in values.items()]


TILE_PARTS = ("status", "week", "code")
"""Filters that the tiles set themselves: each counts its own of them."""


def tiles_of(
    shown: PlanPage,
    orders: pl.DataFrame,
    chosen: Mapping[str, str | None],
    link: str,
) -> str:
    """Tiles of the orders that the other filters keep, as HTML.

    Parameters
    ----------
    link
        Address of the page without its filters; `{rows}` stands for them.
    """
    assert shown.plan is not None
    wanted = filter_of(chosen)
    others = replace(wanted, **dict.fromkeys(TILE_PARTS, ""))
    kept = {name: value for name, value in asdict(others).items() if value}
    rows = f"{urlencode(kept)}&{{rows}}" if kept else "{rows}"
    tiles = order_tiles(filtered(orders, others), shown.names, shown.plan.run.as_of)
    told = say("tiles_of_all_weeks")
    note = f'<p class="muted small">{told}</p>' if wanted != OrderFilter() else ""
    return tiles_html(tiles, link.replace("{rows}", rows)) + note
