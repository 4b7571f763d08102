"""What mode optimize reads of the tables, and what its program does not see.

A linear program has no lots, no lives and no rules of sequence. The plan that it guides
is made by mode constrained and obeys them, so it may differ from the solution: each of
these rules is told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import finding
from medhavi.planners.mrp.unsupported import (
    MRP,
    check_supported,
    stated_cells,
)
from medhavi.planners.parameters import USUAL_WEIGHTS, WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.findings import Finding
    from medhavi.planners.parameters import OptimizeParameters
    from medhavi.snapshot import Snapshot


MODE = "optimize"


class RelaxedColumn(NamedTuple):
    """A column, the value that asks for nothing, and what becomes of the others."""

    table: str
    column: str
    default: object
    what: str


LOTS = "its amounts are divisible"
COST_DECIDES = "cost decides which source is used"
SPREAD = "it is spread over an order of usual size"
NO_EFFECT = "its amounts follow the least cost"
USED_ON_ARRIVAL = "goods are used as soon as they arrive"
NOT_SEEN = "its amounts and dates do not look at it"
OWN_LOTS = "a customer's lot serves its demands at its place, and is not moved"
ROOM = "it holds for all departures of a bucket together"

RELAXED: tuple[RelaxedColumn, ...] = (
    RelaxedColumn("sourcing", "share_pct", None, COST_DECIDES),
    RelaxedColumn("sourcing", "preference", None, COST_DECIDES),
    RelaxedColumn("routings", "preference", 1, COST_DECIDES),
    RelaxedColumn("supply_terms", "preference", 1, COST_DECIDES),
    RelaxedColumn("lanes", "preference", 1, COST_DECIDES),
    RelaxedColumn("inventory_policies", "source_rule", "preference", COST_DECIDES),
    RelaxedColumn("substitutes", "substitute", None, NOT_SEEN),
    RelaxedColumn(
        "bom_lines",
        "substitute_group",
        None,
        "the first valid line is counted on",
    ),
    RelaxedColumn("products", "shelf_life_days", None, NOT_SEEN),
    RelaxedColumn("products", "make_to_order", default=False, what=NOT_SEEN),
    RelaxedColumn("demands", "min_shelf_days", 0.0, NOT_SEEN),
    RelaxedColumn("demands", "ship_from", None, NOT_SEEN),
    RelaxedColumn("demands", "order_policy", "independent", NOT_SEEN),
    RelaxedColumn("demands", "min_shipment", 0.0, NOT_SEEN),
    RelaxedColumn("demands", "full_line", default=False, what=NOT_SEEN),
    RelaxedColumn("stock", "owner", None, OWN_LOTS),
    RelaxedColumn("routings", "min_lot", 0.0, LOTS),
    RelaxedColumn("routings", "max_lot", None, LOTS),
    RelaxedColumn("routings", "lot_multiple", 0.0, LOTS),
    RelaxedColumn("supply_terms", "moq", 0.0, LOTS),
    RelaxedColumn("supply_terms", "max_lot", None, LOTS),
    RelaxedColumn("supply_terms", "lot_multiple", 0.0, LOTS),
    RelaxedColumn("sourcing", "min_lot", None, LOTS),
    RelaxedColumn("sourcing", "max_lot", None, LOTS),
    RelaxedColumn("sourcing", "lot_multiple", None, LOTS),
    RelaxedColumn("routings", "fixed_cost", 0.0, SPREAD),
    RelaxedColumn("lanes", "fixed_cost", 0.0, SPREAD),
    RelaxedColumn("lanes", "customs_cost", 0.0, SPREAD),
    RelaxedColumn("steps", "setup_minutes", 0.0, SPREAD),
    RelaxedColumn("bom_lines", "qty_fixed", 0.0, SPREAD),
    RelaxedColumn("routing_outputs", "qty_fixed", 0.0, SPREAD),
    RelaxedColumn(
        "price_tiers",
        "min_qty",
        0.0,
        "the price of an order of usual size counts, in planned lots that of each",
    ),
    RelaxedColumn("routings", "safety_days", 0.0, USED_ON_ARRIVAL),
    RelaxedColumn("supply_terms", "safety_days", 0.0, USED_ON_ARRIVAL),
    RelaxedColumn("sourcing", "safety_days", None, USED_ON_ARRIVAL),
    RelaxedColumn("routings", "batch_window_days", 0.0, NO_EFFECT),
    RelaxedColumn("supply_terms", "batch_window_days", 0.0, NO_EFFECT),
    RelaxedColumn("sourcing", "batch_window_days", None, NO_EFFECT),
    RelaxedColumn("inventory_policies", "lot_rule", "lot_for_lot", NO_EFFECT),
    RelaxedColumn("inventory_policies", "target_qty", None, NO_EFFECT),
    RelaxedColumn("inventory_levels", "target_qty", None, NO_EFFECT),
    RelaxedColumn("inventory_levels", "min_qty", None, NO_EFFECT),
    RelaxedColumn("inventory_levels", "max_qty", None, NO_EFFECT),
    RelaxedColumn(
        "storage_limits",
        "max_qty",
        None,
        "its stock keeps to it but for what expires; stock beyond it is an exception",
    ),
    RelaxedColumn(
        "lanes",
        "capacity_kg",
        None,
        ROOM,
    ),
    RelaxedColumn(
        "lanes",
        "capacity_m3",
        None,
        ROOM,
    ),
    RelaxedColumn(
        "supply_terms",
        "capacity_per_period",
        None,
        "its amounts keep to it without lots",
    ),
    RelaxedColumn(
        "supplier_capacity",
        "qty",
        None,
        "its amounts keep to it without lots",
    ),
)


def relaxed_columns(snapshot: Snapshot) -> Iterator[Finding]:
    """List the filled columns that the program relaxes."""
    for rule in RELAXED:
        cells = stated_cells(snapshot, (rule.table, rule.column), rule.default)
        if cells:
            yield finding(
                "PLAN013",
                table=rule.table,
                column=rule.column,
                cells=cells,
                value=MODE,
                what=rule.what,
            )


OVERTIME = "overtime_minutes_per_day"
ENERGY = "tariffs"
READING = MRP.with_capacity(MODE, OVERTIME, ENERGY)
OF_PRICES = {"risk_price": "reliability", "min_fill_price": "min_fill_kg"}
"""Columns that are read where something has a price."""


def check_read(snapshot: Snapshot, parameters: OptimizeParameters) -> list[Finding]:
    """List what is filled and has no effect, or less than it says, in mode optimize.

    Raises
    ------
    NotAvailable
        Something filled would change quantities or dates and is not built yet.
    """
    priced = (one for name, one in OF_PRICES.items() if getattr(parameters, name))
    reading = MRP.with_capacity(MODE, OVERTIME, ENERGY, *priced)
    return [
        *far_weights(parameters),
        *check_supported(snapshot, reading),
        *relaxed_columns(snapshot),
    ]


def far_weights(parameters: OptimizeParameters) -> Iterator[Finding]:
    """List the weights that are far from 1; 0 leaves a part out on purpose."""
    least, most = USUAL_WEIGHTS
    for name in WEIGHTS:
        weight = getattr(parameters, name)
        if weight and not least <= weight <= most:
            yield finding(
                "PLAN023",
                column=name,
                value=f"{weight:g}",
                least=f"{least:g}",
                most=f"{most:g}",
            )
