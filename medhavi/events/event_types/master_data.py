"""Master-data events: `<Singular>Defined / Changed / Retired` per table of the schema.

Defined and Changed carry the whole row, Retired its key columns. The rows of one thing
share its stream: bill of materials and steps of a routing are in the routing's stream.

A row payload has a field per column of its table: required columns must be there, every
other field may be absent, which means an empty cell (the snapshot then takes the
default that the schema states). Bounds and closed lists are checked by the snapshot,
which names every problem at once; the codec checks names and types.
"""

from __future__ import annotations

import datetime as dt
import keyword
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import msgspec

from medhavi.schema import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.schema import Column


_TYPES: Mapping[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "timestamp": Annotated[dt.datetime, msgspec.Meta(tz=True)],
    "date": dt.date,
    "time": Annotated[dt.time, msgspec.Meta(tz=False)],
    "list": list[str],
}


class Payload(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """Base of all payloads: immutable, absent means default, no unknown field."""


def _annotation(column: Column) -> Any:
    kind = _TYPES[column.type]
    return kind if column.required else kind | None


def _python_name(column: str) -> str:
    return f"{column}_" if keyword.iskeyword(column) else column


def row_type(
    table: str,
    name: str,
    *,
    doc: str,
    columns: Iterable[str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Any:
    """Make the payload type `name` with the columns of a table.

    Parameters
    ----------
    columns
        Only these columns (a key); None: all.
    extra
        Further fields: name → annotation (required) or (annotation, default).
    """
    chosen = tables()[table].columns
    names = tuple(chosen) if columns is None else tuple(columns)
    fields: list[Any] = []
    renamed: dict[str, str] = {}
    for column in (chosen[n] for n in names):
        python = _python_name(column.name)
        if python != column.name:
            renamed[python] = column.name
        annotation = _annotation(column)
        fields.append(
            (python, annotation) if column.required else (python, annotation, None)
        )
    for field, declared in (extra or {}).items():
        fields.append(
            (field, *declared) if isinstance(declared, tuple) else (field, declared)
        )
    return msgspec.defstruct(
        name,
        fields,
        bases=(Payload,),
        module=__name__,
        namespace={"__doc__": doc},
        frozen=True,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
        rename=renamed or None,
    )


Instant = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""An aware instant; JSON carries it as ISO 8601 in UTC with Z."""


def says(meaning: str, unit: str | None = None) -> msgspec.Meta:
    """Describe a payload field: meaning and unit, for people."""
    return msgspec.Meta(description=f"{meaning} [{unit}]" if unit else meaning)


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
