"""One machine with families and a changeover matrix: what the campaign tests share."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import polars as pl

from tests import factories
from tests.api import plan, verify
from tests.factories import AS_OF

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

FAMILIES = {"A": "FA", "B": "FB", "C": "FC"}


def day(number: float) -> dt.datetime:
    """Instant so many days after now."""
    return AS_OF + dt.timedelta(days=number)


def shop(
    demands: Sequence[tuple[str, float, float]],
    families: Mapping[str, str | None] = FAMILIES,
    **more: Iterable[Mapping[str, object]],
) -> Snapshot:
    """A machine M that makes each product in a minute a piece.

    Parameters
    ----------
    demands
        (product, quantity, due in days from now); ids D0, D1 … in this sequence.
    families
        Set-up family by product.
    more
        Rows that replace those of a table.
    """
    rows: dict[str, Any] = {
        "resources": [{"resource": "M", "location": "L", "changeover_matrix": "X"}],
        "products": [{"product": name} for name in families],
        "routings": [
            {"routing": f"R{name}", "product": name, "location": "L"}
            for name in families
        ],
        "steps": [
            {
                "routing": f"R{name}",
                "step": 1,
                "run_minutes_per_unit": 1,
                "family": family,
            }
            for name, family in families.items()
        ],
        "step_resources": [
            {"routing": f"R{name}", "step": 1, "resource": "M"} for name in families
        ],
        "sourcing": [
            {"product": name, "location": "L", "kind": "make", "source": f"R{name}"}
            for name in families
        ],
        "demands": [
            {
                "demand": f"D{number}",
                "product": product,
                "location": "L",
                "qty": qty,
                "due": day(due),
            }
            for number, (product, qty, due) in enumerate(demands)
        ],
    }
    return factories.snapshot(**{**rows, **more})


def rule(family: str = "FA", **more: object) -> dict[str, object]:
    """A row of campaign_rules of machine M."""
    return {"resource": "M", "family": family, **more}


def matrix(*rows: tuple[str, str, float, bool]) -> list[dict[str, object]]:
    """Rows of changeovers: from, to, minutes, whether it is a cleaning."""
    return [
        {
            "matrix": "X",
            "from_family": before,
            "to_family": after,
            "setup_minutes": minutes,
            "cleaning": cleaning,
        }
        for before, after, minutes, cleaning in rows
    ]


def campaign_tables(folder: Path) -> None:
    """Write tables of three orders that save a change in a campaign."""
    shop(
        [("A", 60, 3), ("B", 60, 3.5), ("A", 60, 4)],
        changeovers=matrix(("FA", "FB", 120, True), ("FB", "FA", 45, False)),
        resource_state=[{"resource": "M", "family": "FA"}],
    ).to_folder(folder)


def planned(snapshot: Snapshot, campaigns: str = "rules", **more: object) -> Plan:
    """Plan; the independent check has to find nothing."""
    settings = {"campaigns": campaigns, "effort": "light", **more}
    made = plan(snapshot, "constrained", settings)
    assert [str(found) for found in verify(made, snapshot)] == []
    return made


def work(made: Plan) -> list[tuple[str, float, float, float, str | None]]:
    """List (product, start, finish, set-up, campaign) in order; in minutes from now."""
    rows = (
        made.operations.group_by("supply", "step")
        .agg(
            pl.col("start").min(),
            pl.col("finish").max(),
            pl.col("setup_minutes").sum(),
        )
        .join(
            made.supplies.select("id", "product", "campaign"),
            left_on="supply",
            right_on="id",
        )
        .sort("start", "product")
    )
    return [
        (
            row["product"],
            _minutes(row["start"]),
            _minutes(row["finish"]),
            row["setup_minutes"],
            row["campaign"],
        )
        for row in rows.iter_rows(named=True)
    ]


def _minutes(moment: dt.datetime) -> float:
    return (moment - AS_OF).total_seconds() / 60


def status(made: Plan, demand: str = "D0") -> tuple[str, str | None]:
    """Status and limiter of a demand."""
    rows = made.fulfilment.filter(pl.col("demand") == demand)
    return rows["status"][0], rows["limiter"][0]


def told(made: Plan) -> list[str]:
    """List the codes of campaigns among the findings."""
    return [found.code for found in made.findings if found.code.startswith("CAM")]
