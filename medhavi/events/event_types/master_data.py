"""Master-data events: `<Singular>Defined / Changed / Retired` per table of the schema.

Defined and Changed carry the whole row, Retired its key columns. The rows of one thing
share its stream: bill of materials and steps of a routing are in the routing's stream.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from medhavi.events.event_types.payload_rows import row_type
from medhavi.schema import tables

if TYPE_CHECKING:
    from collections.abc import Mapping


class MasterTable(NamedTuple):
    """How a table's rows become events.

    `stream_key` are the columns whose values form the stream's id.
    """

    singular: str
    category: str
    stream_key: tuple[str, ...]


_PRODUCT = ("product", ("product",))
_LOCATION = ("location", ("location",))
_CALENDAR = ("calendar", ("calendar",))
_RESOURCE = ("resource", ("resource",))
_ROUTING = ("routing", ("routing",))
_SUPPLIER = ("supplier", ("supplier",))
_LANE = ("lane", ("lane",))
_INVENTORY = ("inventory", ("product", "location"))

MASTER: Mapping[str, MasterTable] = MappingProxyType(
    {
        "products": MasterTable("Product", *_PRODUCT),
        "substitutes": MasterTable("Substitute", *_PRODUCT),
        "uom_conversions": MasterTable("UomConversion", *_PRODUCT),
        "locations": MasterTable("Location", *_LOCATION),
        "customers": MasterTable("Customer", "customer", ("customer",)),
        "calendars": MasterTable("Calendar", *_CALENDAR),
        "shifts": MasterTable("Shift", *_CALENDAR),
        "calendar_exceptions": MasterTable("CalendarException", *_CALENDAR),
        "resources": MasterTable("Resource", *_RESOURCE),
        "resource_units": MasterTable("ResourceUnit", *_RESOURCE),
        "resource_skills": MasterTable("ResourceSkill", *_RESOURCE),
        "routings": MasterTable("Routing", *_ROUTING),
        "routing_outputs": MasterTable("RoutingOutput", *_ROUTING),
        "bom_lines": MasterTable("BomLine", *_ROUTING),
        "steps": MasterTable("Step", *_ROUTING),
        "step_links": MasterTable("StepLink", *_ROUTING),
        "step_resources": MasterTable("StepResource", *_ROUTING),
        "changeovers": MasterTable("Changeover", "changeover", ("matrix",)),
        "campaign_rules": MasterTable("CampaignRule", *_RESOURCE),
        "cleaning_windows": MasterTable("CleaningWindow", *_RESOURCE),
        "tariffs": MasterTable("Tariff", *_LOCATION),
        "suppliers": MasterTable("Supplier", *_SUPPLIER),
        "supply_terms": MasterTable("SupplyTerm", *_SUPPLIER),
        "price_tiers": MasterTable("PriceTier", *_SUPPLIER),
        "supplier_capacity": MasterTable("SupplierCapacity", *_SUPPLIER),
        "lanes": MasterTable("Lane", *_LANE),
        "departures": MasterTable("Departure", *_LANE),
        "lane_blackouts": MasterTable("LaneBlackout", *_LANE),
        "sourcing": MasterTable("Sourcing", "sourcing", ("product", "location")),
        "inventory_policies": MasterTable("InventoryPolicy", *_INVENTORY),
        "inventory_levels": MasterTable("InventoryLevel", *_INVENTORY),
        "storage_limits": MasterTable("StorageLimit", *_INVENTORY),
        "forecast_policies": MasterTable(
            "ForecastPolicy", "forecast_policy", ("product", "location")
        ),
        "promise_policies": MasterTable("PromisePolicy", "promise_policy", ("policy",)),
        "fx_rates": MasterTable("FxRate", "fx_rate", ("currency",)),
    }
)
"""Table → singular name, stream category, columns of the stream's id."""

NOT_MASTER = frozenset(
    {
        "settings",
        "stock",
        "supply_orders",
        "supply_order_steps",
        "demands",
        "reservations",
        "pegs",
        "disruptions",
        "resource_state",
        "estimates",
    }
)
"""Tables that movements, disruptions and decisions fill."""


def master_types() -> dict[str, tuple[Any, str, tuple[str, ...]]]:
    """Type → payload, stream category, fields of the stream's id."""
    types: dict[str, tuple[Any, str, tuple[str, ...]]] = {}
    for table, (singular, category, stream_key) in MASTER.items():
        key = tables()[table].key
        for verb, columns in (("Defined", None), ("Changed", None), ("Retired", key)):
            name = f"{singular}{verb}"
            about = "its whole row" if columns is None else "the row is gone"
            payload = row_type(
                table, name, doc=f"{singular} {verb.lower()}: {about}.", columns=columns
            )
            types[name] = (payload, category, stream_key)
    return types
