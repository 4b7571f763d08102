"""Key figures as tiles: figure, target, where its rows are."""

from __future__ import annotations

from dataclasses import dataclass, replace
from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.results.plans.lateness import Verdict, not_kept, tally, verdicts
from medhavi.snapshot.tables import KpiTarget
from medhavi.units import from_seconds
from medhavi.views.names import NOTHING, count, number, percent, when
from medhavi.views.order_list import measured, states_unit
from medhavi.views.theme import token
from medhavi.views.words import explained, say

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

    Targets = Sequence[KpiTarget]

WEEK = 7 * 86_400
LATE = "late"
"""Rows of a tile that counts demands."""
MOST_WEEKS = 26
"""A spark line with more bars than this cannot be read."""
_WIDTH, _HEIGHT = 120, 24


def by_week(
    plan: Plan, dates: pl.Series, weights: pl.Series, *, past: bool = False
) -> tuple[float, ...]:
    """Add up weights by week, counted from now.

    Parameters
    ----------
    plan
        Its now is the edge of two weeks; without one there is no course.
    dates
        Instants; rows without one are left out.
    weights
        What to add up, a value a date.
    past
        The weeks up to now instead of those from now on.

    Returns
    -------
    tuple of float
        A sum a week without gaps, from the week nearest to now, which holds what lies
        on its other side too, to `MOST_WEEKS` away. Empty where all falls into one.
    """
    if plan.run.as_of is None or dates.is_empty():
        return ()
    low, high = (-MOST_WEEKS, -1) if past else (0, MOST_WEEKS - 1)
    week = (dates.dt.epoch("s") - plan.run.as_of) // WEEK
    week = week.clip(upper_bound=high) if past else week.clip(lower_bound=low)
    sums = (
        pl.DataFrame({"week": week, "weight": weights.cast(pl.Float64)})
        .drop_nulls()
        .filter(pl.col("week").is_between(low, high))
        .group_by("week")
        .agg(pl.col("weight").sum())
    )
    found: dict[int, float] = dict(sums.iter_rows())
    if len(found) < 2:
        return ()
    return tuple(found.get(one, 0.0) for one in range(min(found), max(found) + 1))


def spark_html(course: Sequence[float], words: str) -> str:
    """Draw a course as bars from zero; nothing where there is none."""
    most = max(course, default=0.0)
    if most <= 0:
        return ""
    step = _WIDTH / len(course)
    bars = "".join(
        f'<rect x="{place * step:.1f}" y="{_HEIGHT - tall:.1f}" '
        f'width="{max(step - 1, 1):.1f}" height="{tall:.1f}"/>'
        for place, value in enumerate(course)
        if (tall := value / most * _HEIGHT) > 0
    )
    told = escape(words)
    return (
        f'<svg class="spark" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" '
        f'preserveAspectRatio="xMinYMax" '
        f'aria-label="{told}" fill="{token("plan")}"><title>{told}</title>{bars}</svg>'
    )


_MARKS = {"good": "● ", "warn": "◆ ", "bad": "▲ "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure.

    Parameters
    ----------
    label, figure, unit
        What it is and how much.
    note
        Target or base.
    state
        "good", "warn", "bad", or "" where there is nothing to judge.
    rows
        Code of the exceptions behind it, `LATE`, or a section of the page.
    value, is_share, more_is_better
        The figure as a number, to tell its change; a share changes in points.
    course, course_words
        The figure by week, and what the weeks are.
    change
        State and words of the change since an earlier plan.
    """

    label: str
    figure: str
    unit: str = ""
    note: str = ""
    state: str = ""
    word: str = ""
    rows: str = ""
    value: float | None = None
    is_share: bool = False
    more_is_better: bool = False
    course: tuple[float, ...] = ()
    course_words: str = ""
    change: tuple[str, str] = ("", "")


def targets_of(snapshot: Snapshot | None) -> tuple[KpiTarget, ...]:
    """Targets that the settings of a snapshot state; none without one."""
    return () if snapshot is None else snapshot.settings.kpi_targets


USUAL_TARGETS = tuple(
    KpiTarget(kpi, is_least=True, value=1.0) for kpi in ("KPI-28", "KPI-01")
)
"""Targets of figures for which settings state none."""


def against(tile: Tile, kpi: str, unit: str | None, targets: Targets) -> Tile:
    """Tile with the targets of its key figure, and whether its value meets them.

    Parameters
    ----------
    kpi, unit
        Code of the figure, and the unit of its value and its targets.
    targets
        Those that settings state (`settings.kpi_targets`).
    """
    stated = [one for one in targets if one.kpi == kpi]
    own = stated or [one for one in USUAL_TARGETS if one.kpi == kpi]
    if not own:
        return tile
    said = (
        say("tile_target" if one.is_least else "tile_target_most", _amount(one, unit))
        for one in own
    )
    told = replace(tile, note="; ".join(part for part in (tile.note, *said) if part))
    if tile.value is None:
        return told
    missed = [one for one in own if not one.is_met(tile.value)]
    word = say("tile_kept")
    if missed:
        word = say("tile_below") if missed[0].is_least else say("tile_above")
    return replace(told, state="bad" if missed else "good", word=tile.word or word)


def _amount(target: KpiTarget, unit: str | None) -> str:
    words = measured(target.value, unit)
    return words if states_unit(unit) else f"{words} {unit}"


def plan_tiles(plan: Plan, targets: Targets = ()) -> tuple[Tile, ...]:
    """Five figures of a plan; those of demands count the verdicts (rule 45)."""
    return (
        _on_time(plan, targets),
        _exception_tile(
            plan, ExceptionCode.PAST_DUE_START, "Past-due releases", "bad", "overdue"
        ),
        _overload(plan),
        _exception_tile(
            plan, ExceptionCode.BELOW_SAFETY, say("below_safety"), "warn", "short"
        ),
        _unserved(plan),
    )


def _on_time(plan: Plan, targets: Targets) -> Tile:
    counts = tally(plan)
    share = counts.share_on_time
    if share is None:
        return Tile(
            label=say("on_time_in_full"), figure=NOTHING, note=say("tile_no_demand")
        )
    missing = counts.live - counts.on_time
    met = verdicts(plan).filter(pl.col("verdict") == Verdict.ON_TIME)
    tile = Tile(
        label=say("on_time_in_full"),
        figure=percent(share),
        note=say("of_lines_and_forecasts", counts.on_time, counts.live),
        word=say("at_risk_not_kept", counts.at_risk, counts.not_kept)
        if counts.at_risk
        else say("number_not_kept", counts.not_kept)
        if missing
        else say("tile_all"),
        rows=ExceptionCode.PAST_DUE_START if counts.at_risk else "",
        value=share,
        is_share=True,
        more_is_better=True,
        course=_by_due(plan, met),
        course_words=say("by_week_of_due_date"),
    )
    return against(tile, "KPI-28", "fraction", targets)


def _exception_tile(
    plan: Plan, code: ExceptionCode, label: str, state: str, word: str
) -> Tile:
    rows = plan.exceptions.filter(pl.col("code") == code)
    if code is ExceptionCode.BELOW_SAFETY:
        rows = rows.unique(["product", "location"])
    return Tile(
        label=label,
        figure=f"{rows.height:,}",
        note=say("tile_target_0"),
        state=state if rows.height else "good",
        word=word if rows.height else say("none_of_them"),
        rows=code,
        value=rows.height,
        course=by_week(
            plan,
            rows["date"],
            pl.repeat(1, rows.height, eager=True),
            past=code is ExceptionCode.PAST_DUE_START,
        ),
        course_words="By week",
    )


def _overload(plan: Plan) -> Tile:
    hours = float(plan.loads["overload"].sum()) if plan.loads.height else None
    machines = plan.loads.filter(pl.col("overload") > 0)["resource"].n_unique()
    if hours is None:
        return Tile(
            label=say("overload"), figure=NOTHING, note=say("no_resource_has_work_part")
        )
    return Tile(
        label=say("overload"),
        figure=f"{hours:,.0f}",
        unit="h",
        note=say("tile_target_0_h"),
        state="bad" if hours > 0 else "good",
        word=f"{count(machines, 'resource')}" if hours > 0 else say("tile_all_fits"),
        rows=ExceptionCode.CAPACITY_OVERLOAD,
        value=hours,
        course=by_week(plan, plan.loads["bucket"], plan.loads["overload"]),
        course_words=say("hours_by_week"),
    )


def _unserved(plan: Plan) -> Tile:
    missed = not_kept(plan)
    number = missed.height
    return Tile(
        label=say("late_or_short"),
        figure=f"{number:,}",
        note=say("tile_target_0"),
        state="bad" if number else "good",
        word=say("tile_not_kept") if number else say("none_of_them"),
        rows=LATE if number else "",
        value=number,
        course=_by_due(plan, missed),
        course_words=say("by_week_of_due_date"),
    )


def _by_due(plan: Plan, demands: pl.DataFrame) -> tuple[float, ...]:
    return by_week(plan, demands["due"], pl.repeat(1, demands.height, eager=True))


def tiles_html(
    tiles: Iterable[Tile], link: str = "#exceptions", late: str = "#worst"
) -> str:
    """Tiles as HTML.

    Parameters
    ----------
    link
        Where the rows of a tile are; `{rows}` in it stands for the tile's code.
    late
        Where the late demands are.
    """
    drawn = (_html(one, late if one.rows == LATE else link) for one in tiles)
    return f'<div class="mv-tiles">{"".join(drawn)}</div>'


def _html(tile: Tile, link: str) -> str:
    unit = f"&nbsp;<small>{escape(tile.unit)}</small>" if tile.unit else ""
    mark = _marked(tile.state, tile.word) if tile.state else ""
    change = (
        f'<span class="note">{_marked(*tile.change)}</span>' if tile.change[1] else ""
    )
    note = "; ".join(part for part in (mark, explained(tile.note)) if part)
    inside = (
        f'<span class="label">{escape(tile.label)}</span>'
        f'<span class="figure">{escape(tile.figure)}{unit}</span>'
        f'<span class="note">{note}</span>{change}'
        f"{spark_html(tile.course, tile.course_words)}"
    )
    if not tile.rows:
        return f'<div class="mv-tile">{inside}</div>'
    address = escape(link.format(rows=tile.rows))
    return f'<a class="mv-tile" href="{address}" target="_self">{inside}</a>'


def marked_words(state: str, words: str) -> str:
    """Words of a state behind its mark, as plain text.

    >>> marked_words("good", "kept")
    '● kept'
    """
    return f"{_MARKS.get(state, '')}{words}"


def _marked(state: str, words: str) -> str:
    mark = _MARKS.get(state, "")
    return f'<span class="mv-mark mv-{state}">{mark}</span>{escape(words)}'


def changed_since(
    tiles: Iterable[Tile], before: Iterable[Tile], moment: int, zone: str
) -> tuple[Tile, ...]:
    """Add to each tile its change since an earlier plan.

    Parameters
    ----------
    before
        The tiles of that plan, in the same order.
    moment
        Its now [UTC seconds].
    """
    since = say("since_the_plan_of", when(from_seconds(moment), zone))
    return tuple(
        replace(tile, change=_change(tile, old, since))
        for tile, old in zip(tiles, before, strict=True)
    )


def _change(tile: Tile, old: Tile, since: str) -> tuple[str, str]:
    if tile.value is None or old.value is None:
        return "", ""
    size = tile.value - old.value
    if round(size, 3) == 0:
        return "", f"no change {since}"
    better = (size > 0) == tile.more_is_better
    amount = f"{number(abs(size) * 100)} points" if tile.is_share else number(abs(size))
    unit = f" {tile.unit}" if tile.unit else ""
    word = "more" if size > 0 else "less"
    return "good" if better else "bad", f"{amount}{unit} {word} {since}"
