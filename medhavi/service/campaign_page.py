"""What a page of campaigns shows and edits: matrix, savings, how rules were kept.

Data alone: an app lays it out. A matrix is edited in the snapshot of the page; the
tables stay as they are until somebody exports them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.errors import UsageError
from medhavi.service.page_data import Problem, problem_of
from medhavi.views.format import NOTHING, duration, money, number, percent, when
from medhavi.views.tiles import Tile
from medhavi.workbench.campaign_study import CampaignStudy, study_campaigns

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from medhavi.results.campaign_report import (
        CampaignAdherence,
        CampaignDifference,
        CampaignProposal,
    )
    from medhavi.snapshot import Snapshot

ANY = "*"
FROM = "from"
CLEANS = " ●"
"""Mark of a change that is a cleaning."""


class Change(NamedTuple):
    """A cell of a matrix as somebody edited it; no minutes: the row goes."""

    before: str
    after: str
    minutes: float | None
    cleaning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPage:
    """Both plans and what is told about them, or what stands in the way."""

    study: CampaignStudy | None = None
    problem: Problem | None = None


def load_campaigns(
    snapshot: Snapshot,
    how: str = "propose",
    observe: Callable[[str], object] | None = None,
) -> CampaignPage:
    """Plan without and with campaigns; failures become a problem of the page."""
    try:
        return CampaignPage(study=study_campaigns(snapshot, how=how, observe=observe))
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return CampaignPage(problem=problem_of(failure))


# ---------------------------------------------------------------------------- matrix
def matrices(snapshot: Snapshot) -> list[str]:
    """List the changeover matrices, by name."""
    named = snapshot["changeovers"]["matrix"].unique().to_list()
    of_resources = snapshot["resources"]["changeover_matrix"].drop_nulls().to_list()
    return sorted({*named, *of_resources})


def matrix_families(snapshot: Snapshot, matrix: str) -> list[str]:
    """List the families of a matrix: of its rows and of steps on its resources."""
    rows = snapshot["changeovers"].filter(pl.col("matrix") == matrix)
    resources = snapshot["resources"].filter(pl.col("changeover_matrix") == matrix)
    named = pl.concat([resources["resource"], resources["pool"].drop_nulls()])
    steps = snapshot["step_resources"].filter(pl.col("resource").is_in(named.to_list()))
    families = snapshot["steps"].join(steps, on=["routing", "step"], how="semi")
    found = {
        *rows["from_family"].to_list(),
        *rows["to_family"].to_list(),
        *families["family"].drop_nulls().to_list(),
    }
    return sorted(found - {ANY}) + ([ANY] if ANY in found else [])


def matrix_table(snapshot: Snapshot, matrix: str) -> pl.DataFrame:
    """Give a matrix as it is edited: a row per family before, a column per one after.

    Returns
    -------
    polars.DataFrame
        Column `from`, then a column of text per family: minutes, marked where the
        change is a cleaning; empty where no row says anything; a dash for one family.
    """
    families = matrix_families(snapshot, matrix)
    rows = snapshot["changeovers"].filter(pl.col("matrix") == matrix)
    cells = {
        (row["from_family"], row["to_family"]): number(row["setup_minutes"])
        + (CLEANS if row["cleaning"] else "")
        for row in rows.unique(
            ["from_family", "to_family"], keep="first", maintain_order=True
        ).iter_rows(named=True)
    }
    columns: dict[str, list[str]] = {FROM: families}
    for after in families:
        columns[after] = [
            NOTHING
            if before == after and after != ANY
            else cells.get((before, after), "")
            for before in families
        ]
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def with_changes(
    snapshot: Snapshot, matrix: str, changes: Iterable[Change]
) -> Snapshot:
    """Give the snapshot with cells of a matrix changed.

    Raises
    ------
    UsageError
        Minutes below 0, a change to the same family, or an empty family.
    """
    rows = snapshot["changeovers"]
    for change in changes:
        _check(change)
        same = (
            (pl.col("matrix") == matrix)
            & (pl.col("from_family") == change.before)
            & (pl.col("to_family") == change.after)
        )
        old = rows.filter(same)
        cost = float(old["cost"][0]) if old.height else 0.0
        rows = rows.filter(~same)
        if change.minutes is None:
            continue
        row = {
            "matrix": matrix,
            "from_family": change.before,
            "to_family": change.after,
            "setup_minutes": float(change.minutes),
            "cost": cost,
            "cleaning": change.cleaning,
        }
        rows = pl.concat([rows, pl.DataFrame([row], schema=rows.schema)])
    return snapshot.replace(changeovers=rows)


def _check(change: Change) -> None:
    if not change.before or not change.after:
        message = "A change needs a family before and one after; * stands for any."
        raise UsageError(message)
    if change.before == change.after != ANY:
        message = f"{change.before} to {change.after}: the same family needs no change."
        raise UsageError(message)
    if change.minutes is not None and not 0 <= change.minutes < float("inf"):
        message = (
            f"{change.before} to {change.after}: {change.minutes} min; "
            "write 0 or more minutes."
        )
        raise UsageError(message)


# --------------------------------------------------------------------------- savings
def saving_tiles(found: CampaignDifference, currency: str = "EUR") -> tuple[Tile, ...]:
    """Give what campaigns save and cost as tiles (UI-05)."""
    before, after = found.without, found.with_campaigns
    saved = before.setup_minutes - after.setup_minutes
    later = found.lateness_hours
    share = found.setup_reduction
    return (
        Tile(
            label="Set-up saved",
            figure=duration(saved / 60),
            note=f"{percent(share)} of {duration(before.setup_minutes / 60)}",
            state="good" if saved > 0 else "",
            word="saved" if saved > 0 else "nothing saved",
        ),
        Tile(
            label="Changes of family",
            figure=number(after.setups),
            note=f"without campaigns: {number(before.setups)}",
        ),
        Tile(
            label="Lateness",
            figure=duration(later),
            note=f"late demands: {before.late} without, {after.late} with",
            state="bad" if later > 0 else "good",
            word="later" if later > 0 else "no later",
        ),
        Tile(
            label="Saved in all",
            figure=money(found.saved_money, currency),
            note="set-up and lateness",
            state="good" if found.saved_money >= 0 else "bad",
            word="gain" if found.saved_money >= 0 else "loss",
        ),
    )


def proposal_rows(
    found: Sequence[CampaignProposal], zone: str = "UTC", currency: str = "EUR"
) -> list[dict[str, str]]:
    """Give the proposals as rows for people, the largest saving first."""
    return [
        {
            "campaign": one.campaign,
            "orders": number(len(one.orders)),
            "quantity": number(one.qty),
            "start": when(one.start, zone),
            "end": when(one.finish, zone),
            "set-up saved": duration(one.saved_minutes / 60),
            "money saved": money(one.saved_money, currency),
            "lateness": duration(one.lateness_hours),
        }
        for one in found
    ]


def compliance_rows(
    found: Sequence[CampaignAdherence], zone: str = "UTC"
) -> list[dict[str, str]]:
    """Give how campaigns were kept as rows for people (UI-05, KPI-20)."""
    return [
        {
            "campaign": one.campaign,
            "planned start": when(one.planned_start, zone),
            "start": _days(one.start_days),
            "end": _days(one.finish_days),
            "quantity": f"{one.qty_variance:+,.10g}",
            "set-up": f"{one.setup_actual_minutes - one.setup_planned_minutes:+,.0f} min",
            "in campaign": f"{one.in_campaign} of {one.assigned}",
        }
        for one in found
    ]


def _days(value: float | None) -> str:
    if value is None:
        return "not yet"
    if value == 0:
        return "as planned"
    return f"{abs(value):.1f} days {'late' if value > 0 else 'early'}"
