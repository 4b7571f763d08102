"""What mode optimize reads of the tables, and what it leaves out with a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.planners.master_plan.steering.relaxed_columns import relaxed_columns
from medhavi.planners.mrp.undecided_traits import TRAITS
from medhavi.planners.mrp.unsupported import MRP, Reading, check_supported

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot

READING = Reading(
    mode="optimize",
    tables={
        "changeovers": "sequence-dependent set-up",
        "resource_state": "the present set-up of resources",
        "campaign_rules": "runs may be shorter or longer than the rules allow, without "
        "cleaning between them; mode constrained obeys them",
        "tariffs": "energy prices",
        "promise_policies": "promising",
    },
    columns=tuple(
        column for column in MRP.columns if column[1] != "overtime_minutes_per_day"
    ),
    refused=TRAITS,
    reads=frozenset(
        {
            ("lanes", "capacity_kg"),
            ("lanes", "capacity_m3"),
            ("disruptions", "severity"),
            ("reservations", "kind"),
        }
    ),
)


def check_read(snapshot: Snapshot) -> list[Finding]:
    """List what is filled and has no effect, or less than it says, in mode optimize.

    Raises
    ------
    NotAvailable
        Something filled would change quantities or dates and is not built yet.
    """
    return [*check_supported(snapshot, READING), *relaxed_columns(snapshot)]
