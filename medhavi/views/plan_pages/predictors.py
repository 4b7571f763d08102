"""Predictors in words: how they hold, their versions, what they change in a plan."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.predict.coverage import CHANCE, undercovered
from medhavi.views import grid_columns
from medhavi.views.names import (
    NOTHING,
    count,
    duration,
    local,
    number,
    percent,
    wall_clock,
    when,
)
from medhavi.views.page import part_rows, table_html
from medhavi.views.theme import finished, legend_below, rows_of, token
from medhavi.views.tiles import Tile
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.predict.coverage import PredictorReport, RecentCoverage
    from medhavi.predict.versions import PredictorVersion
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture


TITLES = {
    "supplier-lead-time": say("supplier_lead_time"),
    "lane-lead-time": say("lane_transit_time"),
    "supplier-on-time": "Supplier reliability",
    "lane-on-time": "Lane reliability",
}
"""Title of each predictor by its registered name."""
_BASES = {"model": "model", "group": "own record", "global": say("record_of_all")}
_ALL = "*"


def predictor_finding(
    reports: Sequence[PredictorReport],
    names: Names,
    effects: pl.DataFrame | None = None,
) -> str:
    """Which predictor has slipped since when, else how many hold.

    Parameters
    ----------
    effects
        Orders that the plan has on predicted times, also without a model; None: there
        is no plan.
    """
    if not any(one.observations for one in reports):
        return say("no_order_has_been_observed")
    slipped = [one for one in reports if one.slipped is not None]
    if slipped:
        return "; ".join(
            f"{TITLES[one.model]}: {coverage_words(one.slipped, names)}"
            for one in slipped
            if one.slipped is not None
        )
    used = [one for one in reports if one.version_in_use]
    unwatched = [one for one in used if not one.recent]
    plain = [TITLES[one.model].lower() for one in reports if not one.version_in_use]
    parts = [
        f"{count(len(used), 'model')} in use, "
        + (
            say("not_watched_train_again", count(len(unwatched), "is", "are"))
            if unwatched
            else "within coverage"
            if len(used) == 1
            else say("all_within_their_coverage")
        )
        if used
        else _unmodelled(effects)
    ]
    for one in used:
        worst = undercovered(one.spread).head(1)
        parts += [
            say(
                "p80_of_covers_of",
                names.name(row["subject"]),
                percent(row["within_p80"]),
                count(row["judged"], "order"),
            )
            for row in worst.iter_rows(named=True)
        ]
    if plain and used:
        parts.append(say("plain_rule_for", ", ".join(plain)))
    return "; ".join(parts)


def _unmodelled(effects: pl.DataFrame | None) -> str:
    """What times orders where no model is in use."""
    orders = 0 if effects is None else int(effects["orders"].sum())
    if not orders:
        return say("no_model_is_in_use")
    return say("no_model_but_estimates", count(orders, "order"))


def coverage_words(found: RecentCoverage, names: Names) -> str:
    """Coverage of the newest outcomes as part of a sentence."""
    since = ""
    if found.since is not None:
        first = local(found.since, names.zone)
        since = f" since {first.day} {first:%b %Y}"
    what = (
        say(
            "newest_on_time",
            percent(found.share),
            found.orders,
            since,
            percent(found.told),
        )
        if found.quantile == CHANCE
        else say(
            "newest_orders_covered",
            QUANTILES[found.quantile],
            percent(found.share),
            found.orders,
            since,
        )
    )
    return say("chance_allows", what, percent(found.low), percent(found.high))


def predictor_tiles(
    reports: Sequence[PredictorReport], effects: pl.DataFrame | None, names: Names
) -> tuple[Tile, ...]:
    """Models in use, those within coverage, orders on predicted times, training."""
    used = [one for one in reports if one.version_in_use]
    lost = [one for one in reports if one.lost]
    watched = [one for one in reports if one.recent]
    slipped = [one for one in watched if one.slipped is not None]
    waiting = [one for one in reports if one.challenger is not None]
    ready = [one for one in waiting if one.challenger and one.challenger.is_promotable]
    return (
        Tile(
            label=say("models_in_use"),
            figure=f"{len(used)} of {len(reports)}",
            note=f"{count(len(ready), 'challenger')} ready"
            if ready
            else say("not_in_the_predictor_store", len(lost))
            if lost
            else say("others_plain_rule")
            if len(used) < len(reports)
            else say("tile_all"),
            rows=part_rows(say("champion_and_challenger")),
        ),
        Tile(
            label=say("within_coverage"),
            figure=f"{len(watched) - len(slipped)} of {len(watched)}",
            note=say("tile_newest_60_orders_each")
            if watched
            else say("none_is_watched"),
            state="bad" if slipped else "good" if watched else "",
            word=", ".join(TITLES[one.model].lower() for one in slipped)
            if slipped
            else say("tile_all")
            if watched
            else "",
            rows=part_rows(
                say("spread_by_supplier_or_lane"),
                **({"predictor": slipped[0].model} if slipped else {}),
            )
            if watched
            else "",
        ),
        _planned_tile(effects),
        _training_tile(reports, names),
    )


def _planned_tile(effects: pl.DataFrame | None) -> Tile:
    label = say("orders_on_predicted_times")
    if effects is None:
        return Tile(label=label, figure=NOTHING, note=say("no_plan_yet"))
    orders = int(effects["orders"].sum())
    longer = effects.filter(pl.col("planned_days") > pl.col("stated_days"))
    return Tile(
        label=label,
        figure=f"{orders:,}",
        note=say("longer_than_stated", int(longer["orders"].sum()))
        if orders
        else say("none_in_this_plan"),
        rows=part_rows(say("effect_on_the_plan")) if orders else "",
    )


def _training_tile(reports: Sequence[PredictorReport], names: Names) -> Tile:
    made = [(one, one.versions[0]) for one in reports if one.versions]
    if not made:
        return Tile(
            label=say("last_training"),
            figure=NOTHING,
            note=say("training_runs_not_here")
            if any(one.lost for one in reports)
            else say("tile_never_trained"),
        )
    last = max(version.trained_at for _, version in made)
    fresh = sum(
        max(one.observations - int(version.tags.get("observations", 0)), 0)
        for one, version in made
        if one.model.endswith("lead-time") and "observations" in version.tags
    )
    moment = local(last, names.zone)
    return Tile(
        label=say("last_training"),
        figure=f"{moment.day} {moment:%b}",
        note=f"{count(fresh, 'order')} observed since",
        rows=part_rows(say("champion_and_challenger")),
    )


# ----------------------------------------------------------------------- grids
def spread_rows(spread: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Predicted beside actual times of each supplier or lane.

    Returns
    -------
    pl.DataFrame
        Name, Item, Basis, Orders (newest ones), Stated, then P50, P80, P95 as
        "predicted / actual" [days], Within P80 (share of judged orders), On time.
    """
    few = set(undercovered(spread)["subject"])
    return pl.DataFrame(
        [
            {
                grid_columns.NAME: names.name(row["subject"]),
                grid_columns.ITEM: "all items"
                if row["product"] == _ALL
                else names.name(row["product"]),
                grid_columns.BASIS: _BASES.get(row["basis"], row["basis"]),
                grid_columns.ORDERS: row["orders"],
                grid_columns.STATED: _days(row["stated_days"]),
                **{
                    name.upper(): _pair(row[f"told_{name}"], row[f"came_{name}"])
                    for name in ("p50", "p80", "p95")
                },
                grid_columns.WITHIN_P80: ""
                if row["within_p80"] is None
                else "▲ " * (row["product"] == _ALL and row["subject"] in few)
                + f"{percent(row['within_p80'])} of {row['judged']:,}",
                grid_columns.ON_TIME: _shares(row["on_time_told"], row["on_time_came"]),
            }
            for row in spread.iter_rows(named=True)
        ],
        schema={
            grid_columns.NAME: pl.String,
            grid_columns.ITEM: pl.String,
            grid_columns.BASIS: pl.String,
            grid_columns.ORDERS: pl.Int64,
            **dict.fromkeys(
                (
                    grid_columns.STATED,
                    grid_columns.P50,
                    grid_columns.P80,
                    grid_columns.P95,
                    grid_columns.WITHIN_P80,
                    grid_columns.ON_TIME,
                ),
                pl.String,
            ),
        },
    )


def _days(value: float | None) -> str:
    return "" if value is None else f"{number(value)} d"


def _pair(told: float | None, came: float | None) -> str:
    """Predicted and actual days.

    >>> _pair(12.21, 14.0), _pair(12.21, None)
    ('12.2 / 14 d', '12.2 d')
    """
    if told is None:
        return ""
    return _days(told) if came is None else f"{_short(told)} / {_short(came)} d"


def _short(days: float) -> str:
    text = f"{days:.1f}" if days >= 1 else f"{days:.2f}"
    return text.rstrip("0").rstrip(".") or "0"


def _shares(told: float | None, came: float | None) -> str:
    """Predicted and actual share.

    >>> _shares(0.15, 0.2), _shares(0.15, None)
    ('15 / 20 %', '15 %')
    """
    if told is None:
        return ""
    first = percent(told)
    return first if came is None else f"{first.removesuffix(' %')} / {percent(came)}"


def effect_rows(effects: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Planned against stated times of a plan, and what depends on them.

    Returns
    -------
    pl.DataFrame
        Name, Item, Planned, Stated, Difference, Orders, First start (wall
        clock), Demands, Late.
    """
    return pl.DataFrame(
        [
            {
                grid_columns.NAME: names.name(row["subject"]),
                grid_columns.ITEM: "all items"
                if row["product"] == _ALL
                else names.name(row["product"]),
                grid_columns.PLANNED: _days(round(row["planned_days"], 2)),
                grid_columns.STATED: _days(round(row["stated_days"], 2)),
                grid_columns.DIFFERENCE: _difference(
                    row["planned_days"] - row["stated_days"]
                ),
                grid_columns.ORDERS: row["orders"],
                grid_columns.FIRST_START: wall_clock(row["first_start"], names.zone),
                grid_columns.DEMANDS: row["demands"],
                grid_columns.LATE: row["late"],
            }
            for row in effects.iter_rows(named=True)
        ],
        schema={
            **dict.fromkeys(
                (
                    grid_columns.NAME,
                    grid_columns.ITEM,
                    grid_columns.PLANNED,
                    grid_columns.STATED,
                    grid_columns.DIFFERENCE,
                ),
                pl.String,
            ),
            grid_columns.ORDERS: pl.Int64,
            grid_columns.FIRST_START: pl.Datetime("us"),
            grid_columns.DEMANDS: pl.Int64,
            grid_columns.LATE: pl.Int64,
        },
    )


def _difference(days: float) -> str:
    """How much longer or shorter.

    >>> _difference(2.5), _difference(-0.25), _difference(0.0)
    ('2 d 12 h longer', '6 h shorter', 'the same')
    """
    if abs(days) * 24 < 1:
        return "the same"
    return f"{duration(abs(days) * 24)} {'longer' if days > 0 else 'shorter'}"


def demand_rows(demands: pl.DataFrame, names: Names) -> pl.DataFrame:
    """Demands that depend on a predicted time; see `predict.plan_effects`.

    Returns
    -------
    pl.DataFrame
        Demand, Due (wall clock), Late by, Order (the first that serves it), Release
        and Receipt (wall clocks).
    """
    return pl.DataFrame(
        [
            {
                grid_columns.DEMAND: names.name(row["demand"]),
                grid_columns.DUE: wall_clock(row["due"], names.zone),
                grid_columns.LATE_BY: duration(row["lateness_h"])
                if (row["lateness_h"] or 0) > 0
                else "",
                grid_columns.ORDER: row["number"],
                grid_columns.RELEASE: wall_clock(row["start"], names.zone),
                grid_columns.RECEIPT: wall_clock(row["finish"], names.zone),
            }
            for row in demands.iter_rows(named=True)
        ],
        schema={
            grid_columns.DEMAND: pl.String,
            grid_columns.DUE: pl.Datetime("us"),
            grid_columns.LATE_BY: pl.String,
            grid_columns.ORDER: pl.String,
            grid_columns.RELEASE: pl.Datetime("us"),
            grid_columns.RECEIPT: pl.Datetime("us"),
        },
    )


# -------------------------------------------------------------------- versions
def versions_html(report: PredictorReport, names: Names) -> str:
    """Versions of a predictor: role, figures, what it learned from, verdict."""
    columns = (
        say("version"),
        say("column_role"),
        say("column_method"),
        say("against_plain_rule"),
        say("column_p80_p95_cover"),
        say("column_judged_on"),
        say("column_learned_from"),
        say("column_trained"),
        say("column_verdict"),
    )
    rows = [
        (
            f"<b>{escape(one.version)}</b>",
            escape(role_of(report, one)),
            escape(one.tags.get("method", "")),
            escape(_gain(one)),
            escape(_covers(one)),
            escape(count(int(one.metrics.get("tested", 0)), "order")),
            escape(_basis(one)),
            escape(when(one.trained_at, names.zone, year=True)),
            escape(one.tags.get("reason", "")),
        )
        for one in report.versions
    ]
    return table_html(columns, rows)


def role_of(report: PredictorReport, version: PredictorVersion) -> str:
    """What a version is: in use, challenger, refused or earlier."""
    if version is report.champion:
        return say("champion_in_use")
    if not version.is_promotable:
        return "refused"
    return "challenger" if version is report.challenger else "earlier"


def _gain(version: PredictorVersion) -> str:
    gain = version.metrics.get("gain")
    if gain is None:
        return NOTHING
    return f"{percent(abs(gain))} {'better' if gain >= 0 else 'worse'}"


def _covers(version: PredictorVersion) -> str:
    shares = [version.metrics.get(f"coverage_{name}") for name in ("p80", "p95")]
    return " / ".join(percent(one) for one in shares) if None not in shares else NOTHING


def _basis(version: PredictorVersion) -> str:
    seen, place = version.tags.get("observations"), version.tags.get("position")
    if seen is None or place is None:
        return NOTHING
    return say("up_to_event", count(int(seen), "order"), int(place))


QUANTILES = {
    "p80": grid_columns.P80,
    "p95": grid_columns.P95,
    "on_time": grid_columns.ON_TIME,
}
"""Words of what is covered."""


def coverage_chart(by_month: pl.DataFrame, title: str) -> Picture | None:
    """Draw the share within what was predicted, a line a quantile; None without any.

    Parameters
    ----------
    by_month
        Columns of `predict.coverage.COVERAGE`.
    """
    import altair as alt

    if by_month.is_empty():
        return None
    rows = pl.DataFrame(
        [
            {
                "month": f"{row['month']:%Y-%m}",
                "what": QUANTILES[row["quantile"]],
                "share": row["share"],
                "told": row["told"],
                "low": row["low"],
                "high": row["high"],
                "outside": not row["low"] - 1e-4 <= row["share"] <= row["high"] + 1e-4,
                "tip": say(
                    "coverage_tip",
                    f"{row['month']:%b %Y}",
                    percent(row["share"]),
                    count(row["orders"], "order"),
                    percent(row["told"]),
                    percent(row["low"]),
                    percent(row["high"]),
                ),
            }
            for row in by_month.iter_rows(named=True)
        ]
    )
    shown = [word for word in QUANTILES.values() if word in set(rows["what"])]
    hues = [token("plan"), token("alt")]
    legend = legend_below()
    legend.symbolOpacity, legend.symbolType = 1, "square"
    colour = alt.Color(
        "what:N",
        title=None,
        scale=alt.Scale(domain=shown, range=hues[: len(shown)]),
        legend=legend if len(shown) > 1 else None,
    )
    months = alt.X(
        "month:O",
        title=None,
        axis=alt.Axis(
            labelAngle=0,
            labelOverlap=True,
            labelExpr="timeFormat(toDate(datum.value + '-15'), '%b %Y')",
        ),
    )
    base = alt.Chart(rows_of(rows)).encode(x=months, color=colour)
    share = alt.Scale(domain=[min(0.4, float(rows["low"].min() or 0.0)), 1.0])  # type: ignore[arg-type]
    axis = alt.Axis(format=".0%", tickCount=5)
    y = alt.Y("share:Q", title=say("share_of_orders"), scale=share, axis=axis)
    band = base.mark_area(opacity=0.15, interpolate="monotone", aria=False).encode(
        y=alt.Y("low:Q", scale=share, title=say("share_of_orders")), y2=alt.Y2("high:Q")
    )
    nominal = base.mark_line(strokeDash=[4, 3], strokeWidth=1.5, aria=False).encode(
        y=alt.Y("told:Q")
    )
    line = base.mark_line(strokeWidth=2, aria=False).encode(y=y)
    points = base.mark_point(filled=True, size=60, opacity=1).encode(
        y=y,
        shape=alt.ShapeValue(
            "circle", condition={"test": "datum.outside", "value": "triangle-up"}
        ),
        tooltip=alt.Tooltip("tip:N", title=say("coverage")),
        description=alt.Description("tip:N"),
    )
    return finished(alt.layer(band, nominal, line, points), title, height=240)
