"""Tables as they are planned: with disruptions (rule 20) and with agreed overtime.

Disruptions of resources are capacity's; those of lots, lanes and suppliers become what
the tables have for it: a lot on hold, a blackout of a lane. Terms of a late supplier
are cut where its delay begins and ends; what is ordered in between takes so much longer
than stated or learned (`LeadTimes`).

A plan may work agreed overtime where that pays (mode optimize); the scorecard counts
it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl

from medhavi.edits.remedy_changes import hours_after_work, own_calendar
from medhavi.providers import Providers
from medhavi.providers.lead_times import DELAY
from medhavi.results.figures.order_costs import agreed_overtime, overtime_worked
from medhavi.snapshot.calendars.intervals import combine, remaining, union
from medhavi.snapshot.patch import Patch
from medhavi.units import HOUR, MINUTE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from medhavi.providers.capacity.capacity import Capacity
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.snapshot.patch import Row


FAR = pl.datetime(9999, 1, 1, time_zone="UTC")


def with_disruptions(snapshot: Snapshot) -> Snapshot:
    """Snapshot as its disruptions leave it, those of resources apart."""
    rows = snapshot["disruptions"]
    if rows.is_empty():
        return snapshot
    tables: dict[str, pl.DataFrame] = {}
    until = pl.col("valid_to")
    lasts = until.is_null() | (until > snapshot["settings"]["as_of"][0])
    held = rows.filter((pl.col("kind") == "lot_held") & lasts)
    if held.height:
        tables["stock"] = _on_hold(snapshot["stock"], held)
    # What is blocked in part leaves room, which the provider counts.
    blocked = rows.filter(
        (pl.col("kind") == "lane_blocked") & (pl.col("severity") >= 1.0)
    )
    if blocked.height:
        tables["lane_blackouts"] = with_blackouts(snapshot["lane_blackouts"], blocked)
    late = rows.filter((pl.col("kind") == DELAY) & (pl.col("delay_days") > 0))
    if late.height:
        tables["supply_terms"] = _cut(snapshot["supply_terms"], late)
    return snapshot.replace(**tables) if tables else snapshot


def _on_hold(stock: pl.DataFrame, held: pl.DataFrame) -> pl.DataFrame:
    """Hold lots; what is free again later is not counted on."""
    lot = pl.format("{}|{}|{}", "product", "location", "lot")
    named = lot.is_in(held["subject"].to_list())
    return stock.with_columns(
        status=pl.when(named & (pl.col("status") == "available"))
        .then(pl.lit("quality_hold"))
        .otherwise("status")
    )


def with_blackouts(known: pl.DataFrame, blocked: pl.DataFrame) -> pl.DataFrame:
    """Blackouts, with those of lanes that are blocked: `subject`, from when, until."""
    rows = blocked.select(
        pl.col("subject").alias("lane"),
        "valid_from",
        pl.col("valid_to").fill_null(FAR),
    )
    made = rows.select(
        pl.col(name).cast(dtype)
        if name in rows.columns
        else pl.lit(None, dtype).alias(name)
        for name, dtype in known.schema.items()
    )
    return pl.concat([known, made]).unique(["lane", "valid_from"], maintain_order=True)


def _cut(terms: pl.DataFrame, late: pl.DataFrame) -> pl.DataFrame:
    """Cut terms at the edges of delays."""
    for row in late.sort("valid_from", "disruption").iter_rows(named=True):
        begin = row["valid_from"]
        end = row["valid_to"]
        named = pl.col("supplier") == row["subject"]
        others, own = terms.filter(~named), terms.filter(named)
        opens = pl.col("valid_from")
        closes = pl.col("valid_to")
        before = own.filter(opens.is_null() | (opens < begin)).with_columns(
            valid_to=pl.min_horizontal(closes, pl.lit(begin))
        )
        inside = own.filter(closes.is_null() | (closes > begin)).with_columns(
            valid_from=pl.max_horizontal(opens, pl.lit(begin)),
            valid_to=closes if end is None else pl.min_horizontal(closes, pl.lit(end)),
        )
        parts = [others, before, inside]
        if end is not None:
            parts.append(
                own.filter(closes.is_null() | (closes > end)).with_columns(
                    valid_from=pl.max_horizontal(opens, pl.lit(end))
                )
            )
        terms = pl.concat([part.select(others.columns) for part in parts])
        terms = terms.filter(
            pl.col("valid_to").is_null()
            | pl.col("valid_from").is_null()
            | (pl.col("valid_from") < pl.col("valid_to"))
        )
    return terms


def with_overtime(
    snapshot: Snapshot,
    resources: Collection[str] | None = None,
    closed: Sequence[tuple[str, int, int]] = (),
) -> Snapshot:
    """Snapshot, as its disruptions leave it, with all overtime that is agreed.

    Parameters
    ----------
    resources
        Those alone work any; None: all do.
    closed
        What nobody works of it, by resource [UTC seconds], rising.
    """
    rows: dict[str, list[Row]] = {}
    for resource, agreed in overtime_spans(snapshot, Providers(snapshot).capacity):
        if resources is not None and resource["resource"] not in resources:
            continue
        shut = ((low, high) for one, low, high in closed if one == resource["resource"])
        open_ = combine(union(agreed, 1.0), union(shut, 0.0), remaining)
        spans = [(begin, end) for begin, end, _ in open_]
        for name, more in own_calendar(snapshot, resource, spans, "overtime").items():
            rows.setdefault(name, []).extend(more)
    return Patch.of(snapshot, rows).apply(snapshot)


def overtime_spans(
    snapshot: Snapshot, capacity: Capacity
) -> Iterator[tuple[dict[str, Any], list[tuple[int, int]]]]:
    """Resources that may work overtime, each with when that is [UTC seconds].

    Parameters
    ----------
    snapshot, capacity
        As its disruptions leave it, and its hours.
    """
    zones = dict(snapshot["calendars"].select("calendar", "timezone").iter_rows())
    window = int(snapshot.as_of), snapshot.settings.horizon_end
    for resource in agreed_overtime(snapshot).iter_rows(named=True):
        yield (
            resource,
            hours_after_work(
                capacity.working_time(resource["resource"]),
                ZoneInfo(zones[resource["calendar"]]),
                int(resource["overtime_minutes_per_day"] * MINUTE),
                window,
            ),
        )


def overtime_hours(
    snapshot: Snapshot, capacity: Capacity, edges: Sequence[int]
) -> dict[str, list[float]]:
    """Hours of agreed overtime between instants, by resource, of all its units.

    As a plan may work them: where an exception closes the time after work, or there is
    no work on a day, there is no overtime.

    Parameters
    ----------
    snapshot, capacity
        As its disruptions leave it, and its hours.
    edges
        Rising instants [UTC seconds].
    """
    names = agreed_overtime(snapshot)["resource"].to_list()
    if not names:
        return {}
    longer = Providers(with_overtime(snapshot)).capacity
    return {
        name: [
            (
                longer.resource(name).available(low, high)
                - capacity.resource(name).available(low, high)
            )
            / HOUR
            for low, high in pairwise(edges)
        ]
        for name in names
    }


def providers_of(plan: Plan, snapshot: Snapshot) -> Providers:
    """Providers that know the hours in which a plan works.

    Parameters
    ----------
    snapshot
        What it was made of, as its disruptions leave it.
    """
    works = overtime_worked(plan, snapshot)
    return Providers(with_overtime(snapshot) if works else snapshot)
