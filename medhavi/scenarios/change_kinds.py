"""The kinds of change that a scenario may name: parameters, meaning, what they do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from medhavi.scenarios import row_changes
from medhavi.scenarios.parameter import Parameter
from medhavi.scenarios.row_changes import Tables, Values
from medhavi.snapshot import Snapshot

if TYPE_CHECKING:
    Function = Callable[[Snapshot, Values], Tables]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeKind:
    """One kind of change: its name, meaning, parameters, and what it does.

    `do` takes a snapshot and the read values and gives the tables that differ.
    """

    name: str
    meaning: str
    parameters: Mapping[str, Parameter]
    do: Callable[[Snapshot, Values], Tables]

    @property
    def is_factor(self) -> bool:
        """Whether one number says it all, so that a grid can vary it."""
        return [p.name for p in self.parameters.values() if p.required] == ["factor"]


def _kind(
    name: str, meaning: str, do: object, *parameters: Parameter
) -> tuple[str, ChangeKind]:
    return name, ChangeKind(
        name=name,
        meaning=meaning,
        parameters=MappingProxyType({p.name: p for p in parameters}),
        do=cast("Function", do),
    )


def _id(
    name: str, meaning: str, reference: tuple[str, str], *, required: bool = False
) -> Parameter:
    return Parameter(name=name, meaning=meaning, reference=reference, required=required)


FACTOR = Parameter(
    name="factor",
    meaning="what it is multiplied by; 1 changes nothing",
    type="number",
    required=True,
    least=0.0,
)
PACE = Parameter(
    name="factor",
    meaning="what it is multiplied by; 1 changes nothing",
    type="number",
    required=True,
    least=0.0,
    open_end=True,
)
START = Parameter(name="start", meaning="from here; empty: now", type="instant")
FINISH = Parameter(name="finish", meaning="to here; empty: open end", type="instant")
SPAN = (
    Parameter(name="start", meaning="from here", type="instant", required=True),
    Parameter(
        name="finish", meaning="before this instant", type="instant", required=True
    ),
)
SEVERITY = Parameter(
    name="severity",
    meaning="share that is lost; empty: 1, all",
    type="number",
    least=0.0,
)
PRODUCT = _id("product", "only this product", ("products", "product"))
LOCATION = _id("location", "only this location", ("locations", "location"))
TABLE = Parameter(name="table", meaning="name of the table", required=True)
WHERE = Parameter(
    name="where", meaning="cells that select the rows; empty: all rows", type="row"
)

KINDS: Mapping[str, ChangeKind] = MappingProxyType(
    dict(
        (
            _kind(
                "resource_down",
                "A resource fails.",
                row_changes.disrupt("resource_down", "resource"),
                _id("resource", "which", ("resources", "resource"), required=True),
                START,
                FINISH,
                SEVERITY,
            ),
            _kind(
                "supplier_delay",
                "What a supplier delivers comes later.",
                row_changes.disrupt("supplier_delay", "supplier"),
                _id("supplier", "which", ("suppliers", "supplier"), required=True),
                Parameter(
                    name="days",
                    meaning="how much later",
                    type="number",
                    required=True,
                    least=0.0,
                ),
                START,
                FINISH,
            ),
            _kind(
                "lane_blocked",
                "Nothing leaves on a lane.",
                row_changes.disrupt("lane_blocked", "lane"),
                _id("lane", "which", ("lanes", "lane"), required=True),
                START,
                FINISH,
            ),
            _kind(
                "lot_held",
                "A lot may not be used.",
                row_changes.disrupt("lot_held", "lot"),
                Parameter(name="lot", meaning="product|location|lot", required=True),
                START,
                FINISH,
            ),
            _kind(
                "demand_factor",
                "Open demand is multiplied, rounded up to the step of the product.",
                row_changes.scale_demand,
                PACE,
                PRODUCT,
                LOCATION,
                _id("customer", "only this customer", ("demands", "customer")),
            ),
            _kind(
                "demand_added",
                "One more order line.",
                row_changes.add_demand,
                _id("product", "what", ("products", "product"), required=True),
                _id("location", "where", ("locations", "location"), required=True),
                Parameter(
                    name="qty",
                    meaning="how much",
                    type="number",
                    required=True,
                    least=0.0,
                    open_end=True,
                ),
                Parameter(name="due", meaning="when", type="instant", required=True),
                Parameter(
                    name="priority", meaning="empty: 1", type="number", least=0.0
                ),
                Parameter(name="customer", meaning="for whom"),
                Parameter(name="demand", meaning="id of the line; empty: made up"),
            ),
            _kind(
                "demand_changed",
                "An order line with another quantity, date or priority.",
                row_changes.change_demand,
                _id("demand", "which", ("demands", "demand"), required=True),
                Parameter(
                    name="qty",
                    meaning="new quantity",
                    type="number",
                    least=0.0,
                    open_end=True,
                ),
                Parameter(name="due", meaning="new due date", type="instant"),
                Parameter(
                    name="priority", meaning="new priority", type="number", least=0.0
                ),
            ),
            _kind(
                "demand_removed",
                "An order line falls away.",
                row_changes.remove_demand,
                _id("demand", "which", ("demands", "demand"), required=True),
            ),
            _kind(
                "capacity_factor",
                "Resources work faster or slower (efficiency).",
                row_changes.scale_capacity,
                PACE,
                _id("resource", "only this resource", ("resources", "resource")),
            ),
            _kind(
                "calendar_open",
                "A calendar works in a span: overtime, an extra shift.",
                row_changes.open_calendar,
                _id("calendar", "which", ("calendars", "calendar"), required=True),
                *SPAN,
            ),
            _kind(
                "calendar_closed",
                "A calendar rests in a span: a holiday, a stop.",
                row_changes.close_calendar,
                _id("calendar", "which", ("calendars", "calendar"), required=True),
                *SPAN,
            ),
            _kind(
                "lead_time_factor",
                "Lead times of suppliers, stated and estimated.",
                row_changes.scale_lead_time,
                FACTOR,
                _id("supplier", "only this supplier", ("suppliers", "supplier")),
            ),
            _kind(
                "transit_factor",
                "Durations of lanes, stated and estimated.",
                row_changes.scale_transit,
                FACTOR,
                _id("lane", "only this lane", ("lanes", "lane")),
            ),
            _kind(
                "stock_factor",
                "Stock on hand.",
                row_changes.scale_stock,
                FACTOR,
                PRODUCT,
                LOCATION,
            ),
            _kind(
                "safety_factor",
                "Safety stock, in quantity and in days.",
                row_changes.scale_safety,
                FACTOR,
                PRODUCT,
                LOCATION,
            ),
            _kind(
                "price_factor",
                "Prices of suppliers, price breaks included.",
                row_changes.scale_price,
                FACTOR,
                _id("supplier", "only this supplier", ("suppliers", "supplier")),
            ),
            _kind(
                "set",
                "Other values in the rows of any table.",
                row_changes.set_cells,
                TABLE,
                WHERE,
                Parameter(
                    name="set", meaning="the new cells", type="row", required=True
                ),
            ),
            _kind(
                "row_added",
                "One more row in any table.",
                row_changes.add_row,
                TABLE,
                Parameter(name="row", meaning="its cells", type="row", required=True),
            ),
            _kind(
                "rows_removed",
                "Rows of any table fall away.",
                row_changes.remove_rows,
                TABLE,
                Parameter(
                    name="where",
                    meaning="cells that select the rows",
                    type="row",
                    required=True,
                ),
            ),
        )
    )
)
"""All kinds by name."""
