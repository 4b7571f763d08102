"""Campaigns in words and tables: savings, matrix, two runs, how they were kept."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.views import grid_columns
from medhavi.views.names import Names, duration, money, number, percent, readable, when
from medhavi.views.page import empty, table_html
from medhavi.views.theme import ROW, finished, legend_below, rows_of, token
from medhavi.views.tiles import Tile
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.results.reports.campaign import (
        CampaignAdherence,
        CampaignDifference,
        CampaignFigures,
        CampaignProposal,
    )
    from medhavi.views.theme import Picture


ANY, ANY_FAMILY = "*", "any family"
_KPIS = ("KPI-19", "KPI-20", "KPI-21")
_MOST = 20


def family_name(family: str, names: Names) -> str:
    """Family as people say it.

    >>> family_name("*", Names())
    'any family'
    """
    return ANY_FAMILY if family == ANY else names.name(family)


def matrix_name(matrix: str, users: Iterable[str]) -> str:
    """Changeover matrix as people say it: by the names of resources that use it.

    >>> matrix_name("M-1", ["Filling 2", "Filling 1"]), matrix_name("CLEAN", [])
    ('Filling 1 and 1 more', 'Clean')
    """
    first, *more = sorted(users) or [readable(matrix)]
    return say("named_and_more", first, len(more)) if more else first


def saving_finding(found: CampaignDifference, currency: str = "EUR") -> str:
    """What campaigns come to, in a sentence."""
    before, after = found.without, found.with_campaigns
    saved = before.setup_minutes - after.setup_minutes
    if saved <= 0:
        hours = duration(before.setup_minutes / 60)
        return say("campaigns_save_nothing", number(before.setups), hours)
    return say(
        "campaigns_save",
        duration(saved / 60),
        money(found.saved_money, currency),
        number(after.setups),
        number(before.setups),
    )


def saving_tiles(found: CampaignDifference, currency: str = "EUR") -> tuple[Tile, ...]:
    """What campaigns save and cost as tiles (UI-05)."""
    before, after = found.without, found.with_campaigns
    saved = before.setup_minutes - after.setup_minutes
    later = found.lateness_hours
    share, money_saved = found.setup_reduction, round(found.saved_money)
    return (
        Tile(
            label=say("set_up_saved"),
            figure=duration(saved / 60),
            note=f"{percent(share)} of {duration(before.setup_minutes / 60)}",
            state="good" if saved > 0 else "",
            word=say("tile_saved") if saved > 0 else say("tile_nothing_saved"),
        ),
        Tile(
            label=say("changes_of_family"),
            figure=number(after.setups),
            note=f"without campaigns: {number(before.setups)}",
        ),
        Tile(
            label=say("added_lateness"),
            figure=duration(later),
            note=say("late_without_and_with", before.late, after.late),
            state="bad" if later > 0 else "good",
            word=say("tile_later") if later > 0 else say("tile_no_later"),
        ),
        Tile(
            label=say("total_saving"),
            figure=money(found.saved_money, currency),
            note=say("set_up_and_lateness"),
            state="good" if money_saved > 0 else "bad" if money_saved else "",
            word=_word_of(money_saved),
        ),
    )


def _word_of(saved: float) -> str:
    """Word for money that is saved, lost, or neither."""
    if not saved:
        return say("tile_nothing_saved")
    return say("tile_gain") if saved > 0 else say("tile_loss")


def runs_html(
    found: CampaignDifference,
    edited: CampaignDifference | None = None,
    currency: str = "EUR",
) -> str:
    """Put the two plans side by side (CMP-10); with an edited cell, all four.

    Parameters
    ----------
    edited
        Both plans with the edited cell.
    """
    rows = [
        ("Without campaigns", found.without),
        ("With campaigns", found.with_campaigns),
    ]
    if edited is not None:
        rows += [
            (say("new_cell_without_campaigns"), edited.without),
            (say("new_cell_with_campaigns"), edited.with_campaigns),
        ]
    columns = (
        *(
            say("plan"),
            say("changes"),
            say("changeover_time"),
            say("cost_of_set_up"),
            say("column_late_of_all"),
        ),
        *(say("column_not_served"), say("lateness"), say("cost_of_lateness")),
    )
    cells = [(word, *_figures(one, currency)) for word, one in rows]
    return table_html(columns, cells, columns[1:])


def _figures(one: CampaignFigures, currency: str) -> tuple[str, ...]:
    return (
        number(one.setups),
        duration(one.setup_minutes / 60),
        escape(money(one.setup_money, currency)),
        number(one.late),
        number(one.unserved),
        duration(one.lateness_hours),
        escape(money(one.lateness_money, currency)),
    )


def kpis_html(kpis: pl.DataFrame, edited: pl.DataFrame | None = None) -> str:
    """Figures of campaigns; with an edited cell, before and then.

    Parameters
    ----------
    kpis, edited
        In the columns of table `kpis`.
    """
    wanted = pl.col("kpi").str.split(".").list.first().is_in(_KPIS)
    now = kpis.filter(wanted).sort("kpi").to_dicts()
    if edited is None:
        told = [(_figure(row), _value(row)) for row in now]
        return table_html(
            (say("column_key_figure"), say("column_value")),
            told,
            (say("column_value"),),
        )
    then = {row["kpi"]: row for row in edited.to_dicts()}
    rows = [
        (_figure(row), _value(row), _value(then[row["kpi"]]))
        for row in now
        if row["value"] is not None and row["kpi"] in then
    ]
    return table_html(
        (say("column_key_figure"), say("column_now"), say("column_then")),
        rows,
        (say("column_now"), say("column_then")),
    )


def _figure(row: Mapping[str, Any]) -> str:
    why = row["reason"]
    tail = f'<br><span class="muted small">{escape(why)}</span>' if why else ""
    return f'<abbr title="{escape(row["kpi"])}">{escape(row["name"])}</abbr>{tail}'


def _value(row: Mapping[str, Any]) -> str:
    return (duration if row["unit"] == "hour" else percent)(row["value"])


def proposal_rows(
    found: Sequence[CampaignProposal], names: Names | None = None
) -> list[dict[str, str]]:
    """Proposals as rows for people, the largest saving first."""
    known = names or Names()
    return [
        {
            grid_columns.RESOURCE: known.name(one.resource),
            grid_columns.FAMILY: known.name(one.family),
            grid_columns.ORDERS: number(len(one.orders)),
            grid_columns.QUANTITY: number(one.qty),
            grid_columns.START: when(one.start, known.zone_of(one.resource)),
            grid_columns.END: when(one.finish, known.zone_of(one.resource)),
            grid_columns.SET_UP_SAVED: duration(one.saved_minutes / 60),
            grid_columns.MONEY_SAVED: money(one.saved_money, known.currency),
            grid_columns.LATENESS: duration(one.lateness_hours),
        }
        for one in found
    ]


def proposals_html(
    found: Sequence[CampaignProposal], names: Names | None = None
) -> str:
    """List the proposals; without any, say what asks for them."""
    if not found:
        return empty(say("no_campaigns"), say("no_saving_in_a_row"))
    rows = proposal_rows(found[:_MOST], names)
    columns = tuple(rows[0])
    cells = [tuple(escape(cell) for cell in row.values()) for row in rows]
    more = len(found) - len(rows)
    tail = (
        f'<p class="muted small">{say("and_more_campaigns", more)}</p>'
        if more > 0
        else ""
    )
    return table_html(columns, cells, columns[2:4] + columns[6:]) + tail


def compliance_rows(
    found: Sequence[CampaignAdherence], names: Names | None = None
) -> list[dict[str, str]]:
    """How campaigns were kept as rows for people (UI-05, KPI-20)."""
    known = names or Names()
    return [
        {
            grid_columns.CAMPAIGN: _campaign(one, known),
            grid_columns.PLANNED_START: when(
                one.planned_start, known.zone_of(one.resource)
            ),
            grid_columns.START: _days(one.start_days),
            grid_columns.END: _days(one.finish_days),
            grid_columns.QUANTITY: f"{one.qty_variance:+,.10g}",
            grid_columns.SET_UP: f"{one.setup_actual_minutes - one.setup_planned_minutes:+,.0f} min",
            grid_columns.IN_CAMPAIGN: f"{one.in_campaign} of {one.assigned}",
        }
        for one in found
    ]


def compliance_html(
    found: Sequence[CampaignAdherence], names: Names | None = None
) -> str:
    """List how campaigns were kept; without a plan, say where one comes from."""
    if not found:
        return empty(say("no_campaigns_reported"), say("publish_campaigns"))
    rows = compliance_rows(found[:_MOST], names)
    columns = tuple(rows[0])
    cells = [tuple(escape(cell) for cell in row.values()) for row in rows]
    return table_html(columns, cells, columns[4:])


def _campaign(one: CampaignAdherence, names: Names) -> str:
    resource, *family, place = one.campaign.split("|")
    told = names.name("|".join(family))
    return say("campaign_place", told, names.name(resource), place)


def _days(value: float | None) -> str:
    if value is None:
        return "not yet"
    if value == 0:
        return "as planned"
    return f"{duration(24 * abs(value))} {'late' if value > 0 else 'early'}"


def campaigns_command(source: str = "", *, how: str = "propose") -> str:
    """Command line of both plans of what an option names.

    >>> campaigns_command(" --lake lake")
    'medhavi campaigns --lake lake --how propose'
    """
    return f"medhavi campaigns{source} --how {how}"


MOST_RESOURCES = 20
WITHOUT, WITH = "without campaigns", "with campaigns"


def setup_chart(rows: pl.DataFrame) -> Picture | None:
    """Draw two bars a resource; None where nothing is changed over.

    Parameters
    ----------
    rows
        resource, plan (`WITHOUT` or `WITH`), hours, changes.
    """
    import altair as alt

    total = rows.group_by("resource").agg(pl.col("hours").sum())
    order = (
        total.filter(pl.col("hours") > 0)
        .sort("hours", "resource", descending=[True, False])
        .head(MOST_RESOURCES)["resource"]
        .to_list()
    )
    if not order:
        return None
    drawn = rows.filter(pl.col("resource").is_in(order)).with_columns(
        tip=pl.struct("resource", "plan", "hours", "changes").map_elements(
            _tip, return_dtype=pl.String
        )
    )
    chart = (
        alt.Chart(rows_of(drawn))
        .mark_bar(cornerRadius=2)
        .encode(
            x=alt.X("hours:Q", title=say("hours_of_changeovers")),
            y=alt.Y("resource:N", title=None, sort=order, axis=alt.Axis(domain=False)),
            yOffset=alt.YOffset("plan:N", sort=[WITHOUT, WITH]),
            color=alt.Color(
                "plan:N",
                title=None,
                sort=[WITHOUT, WITH],
                scale=alt.Scale(
                    domain=[WITHOUT, WITH], range=[token("alt"), token("plan")]
                ),
                legend=legend_below(1),
            ),
            tooltip=alt.Tooltip("tip:N"),
            description=alt.Description("tip:N"),
        )
    )
    return finished(chart, _title(rows), 2 * ROW * len(order))


def _tip(row: dict[str, object]) -> str:
    hours = float(str(row["hours"]))
    return (
        f"{row['resource']} {row['plan']}: {row['changes']} changes, {duration(hours)}"
    )


def _title(rows: pl.DataFrame) -> str:
    hours = dict.fromkeys((WITHOUT, WITH), 0.0)
    hours.update(rows.group_by("plan").agg(pl.col("hours").sum()).iter_rows())
    saved = hours[WITHOUT] - hours[WITH]
    word = "less" if saved >= 0 else "more"
    return say(
        "set_up_with_campaigns",
        duration(abs(saved)),
        word,
        duration(hours[WITH]),
        duration(hours[WITHOUT]),
    )
