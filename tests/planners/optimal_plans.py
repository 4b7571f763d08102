"""Plan small snapshots in mode optimize; the independent check has to find nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests import factories
from tests.api import plan, verify

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot

DAILY: Mapping[str, object] = {"bucket": "30xday", "late_days": 20}


def best(
    parameters: Mapping[str, object] | None = None,
    /,
    **given: Iterable[Mapping[str, object]],
) -> Plan:
    """Plan partial rows on a daily grid; resources of steps are added."""
    rows = {name: list(table) for name, table in given.items()}
    named = sorted({str(row["resource"]) for row in rows.get("step_resources", ())})
    rows.setdefault("resources", [{"resource": name} for name in named])
    return checked(factories.snapshot(**rows), parameters)


def checked(snapshot: Snapshot, settings: Mapping[str, object] | None = None) -> Plan:
    """Plan a snapshot on a daily grid."""
    made = plan(snapshot, "optimize", {**DAILY, **(settings or {})})
    assert verify(made, snapshot) == []
    return made


def parts(made: Plan) -> dict[str, float]:
    """Parts of the objective."""
    return dict(made.contributions.select("part", "value").iter_rows())


def sources(made: Plan) -> dict[Any, float]:
    """Quantity that new orders of each source bring."""
    rows = made.supplies.filter(made.supplies["status"] == "planned")
    found: dict[Any, float] = {}
    for row in rows.iter_rows(named=True):
        found[row["source"]] = found.get(row["source"], 0.0) + row["qty"]
    return found
