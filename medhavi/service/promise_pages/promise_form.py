"""What the form of the promise app offers, and how its quantity is read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.errors import UsageError
from medhavi.views.format import local

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names

_MOST_CHOICES = 5000
_AMOUNT = re.compile(r"^([0-9][0-9 ,_']*(?:\.[0-9]+)?|\.[0-9]+)\s*(.*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormChoices:
    """What a form offers: label to id, the usual first; `first` fills the form."""

    products: Mapping[str, str]
    locations: Mapping[str, str]
    customers: Mapping[str, str]
    policies: Sequence[str]
    first: Mapping[str, object]


def choices(snapshot: Snapshot, names: Names) -> FormChoices:
    """What may be asked for: products and places with demand first."""
    demands = snapshot["demands"].filter(pl.col("status").is_in(("open", "quote")))
    usual = demands.sort("due", "demand").row(0, named=True) if demands.height else {}
    products = _ordered(demands["product"], snapshot["products"]["product"])
    places = _ordered(demands["location"], snapshot["locations"]["location"])
    customers = _ordered(demands["customer"], snapshot["customers"]["customer"])
    return FormChoices(
        products={_product(one, names): one for one in products},
        locations={names.both(one): one for one in places},
        customers={names.both(one): one for one in customers},
        policies=snapshot["promise_policies"]["policy"].to_list(),
        first={
            "product": usual.get("product") or next(iter(products), None),
            "location": usual.get("location") or next(iter(places), None),
            "customer": usual.get("customer"),
            "qty": f"{usual.get('qty', 1.0):,g}",
            "due": _first_due(snapshot, usual, names),
        },
    )


def _product(product: str, names: Names) -> str:
    """Name, id and unit: quantities count in it."""
    unit = names.unit(product)
    return names.both(product) + ("" if unit == "each" else f", in {unit}")


def _ordered(wanted: pl.Series, known: pl.Series) -> list[str]:
    """List the ids that are asked for most first, then the others."""
    counted = wanted.drop_nulls().value_counts(sort=True)
    often = counted.sort("count", counted.columns[0], descending=[True, False])
    first = often[counted.columns[0]].to_list()
    seen = set(first)
    return [*first, *(one for one in known.sort() if one not in seen)][:_MOST_CHOICES]


def _first_due(snapshot: Snapshot, usual: Mapping[str, Any], names: Names) -> str:
    """Due date of the first demand, but not less than three weeks from now."""
    begin = dt.datetime.fromtimestamp(snapshot.as_of, dt.UTC)
    due = max(begin + dt.timedelta(days=21), usual.get("due") or begin)
    return f"{local(due, names.zone_of(usual.get('location'))):%Y-%m-%d %H:%M}"


def read_quantity(value: object, product: str, snapshot: Snapshot) -> float:
    """Read a quantity in base units; text may name another unit of the product.

    Parameters
    ----------
    value
        A number, or text such as "3,650" or "12 case".
    product
        Whose units count (`uom_conversions`).

    Raises
    ------
    UsageError
        It is no quantity, or the product has no such unit.
    """
    if isinstance(value, (int, float)):
        return float(value)
    found = _AMOUNT.match(str(value or "").strip())
    if found is None:
        message = f"{value!r} is no quantity; write it like 3,650 or 12 case."
        raise UsageError(message)
    amount = float(re.sub(r"[ ,_']", "", found[1]))
    units = _units(product, snapshot)
    unit = found[2].strip()
    if unit and unit not in units:
        known = ", ".join(units) or "none"
        message = f"{product} has no unit {unit!r}; it is counted in {known}."
        raise UsageError(message)
    return amount * units.get(unit, 1.0)


def _units(product: str, snapshot: Snapshot) -> dict[str, float]:
    """Units of a product with how many base units each is."""
    base = snapshot["products"].filter(pl.col("product") == product)["uom"].to_list()
    others = snapshot["uom_conversions"].filter(pl.col("product") == product)
    return {
        **dict.fromkeys(base, 1.0),
        **dict(others.select("uom", "factor").iter_rows()),
    }
