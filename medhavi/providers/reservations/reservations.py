"""Holds: what is promised to whom and may not be given to others (rule 10)."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from medhavi.findings import finding
from medhavi.snapshot.snapshot import ACTIVE
from medhavi.units import MINUTE, units_up

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping

    from medhavi.findings import Finding
    from medhavi.providers.product_facts import ProductFacts
    from medhavi.providers.table_rows import TableRows

Scope = Literal["material", "capacity", "transport"]
Key = TypeVar("Key", bound="Hashable")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One active reservation.

    `subject` is a product, resource or lane; `qty` is in base units, minutes or kg;
    `steps` is the quantity of a material hold in steps of the product, rounded up, and
    0 for the others. Time of a resource is set up for `family`; the first `changeover`
    of it changes it from the one before [s]. It makes `good_qty` [base units] of
    `made_product`; None: nobody knows. `demand` is the owner: the hold is netted
    against its need alone.
    """

    reservation: str
    scope: Scope
    demand: str | None
    subject: str
    location: str | None
    qty: float
    units: int
    start: int
    finish: int
    family: str | None = None
    changeover: int = 0
    made_product: str | None = None
    good_qty: float | None = None


class Holds:
    """Active reservations at the moment of the plan.

    Parameters
    ----------
    tables : mapping of str to Rows
        `reservations`, `demands`.
    facts : ProductFacts
        Steps of the products.
    as_of : int
        Now of the plan [s]; a hold is active while `expires_at` is after it.

    Attributes
    ----------
    findings : tuple of Finding
        Material holds whose place is unknown.
    capacity, transport : tuple of Hold
        Active holds of these kinds, by id.
    """

    def __init__(
        self, tables: Mapping[str, TableRows], facts: ProductFacts, as_of: int
    ) -> None:
        demands = tables["demands"]
        places = dict(
            zip(demands.column("demand"), demands.column("location"), strict=True)
        )
        rows = tables["reservations"]
        found: list[Finding] = []
        holds: list[Hold] = []
        for number, row in enumerate(rows):
            expiry = row["expires_at"]
            if row["state"] not in ACTIVE or (expiry is not None and expiry <= as_of):
                continue
            material = row["kind"] == "material"
            location = row["location"]
            if material and location is None:
                location = places.get(row["demand"])
                if location is None:
                    found.append(
                        finding(
                            "SRC011",
                            table="reservations",
                            row=rows.place(number),
                            column="location",
                            value=row["reservation"],
                        )
                    )
                    continue
            holds.append(
                Hold(
                    reservation=row["reservation"],
                    scope=row["kind"],
                    demand=row["demand"],
                    subject=row["subject"],
                    location=location,
                    qty=row["qty"],
                    units=units_up(row["qty"], facts.step(row["subject"]))
                    if material
                    else 0,
                    start=row["start"],
                    finish=row["finish"],
                    family=row["family"],
                    changeover=round((row["changeover_minutes"] or 0.0) * MINUTE),
                    made_product=row["made_product"],
                    good_qty=row["good_qty"],
                )
            )
        holds.sort(key=lambda hold: hold.reservation)
        self.findings = tuple(found)
        self.capacity = tuple(hold for hold in holds if hold.scope == "capacity")
        self.transport = tuple(hold for hold in holds if hold.scope == "transport")
        self._by_node: dict[tuple[str, str], list[Hold]] = {}
        self._by_demand: dict[str, list[Hold]] = {}
        self._others: dict[str, list[Hold]] = {}
        self._by_lane: dict[str, list[Hold]] = {}
        for hold in self.transport:
            self._by_lane.setdefault(hold.subject, []).append(hold)
        for hold in (*self.capacity, *self.transport):
            if hold.demand is not None:
                self._others.setdefault(hold.demand, []).append(hold)
        for hold in holds:
            if hold.scope == "material" and hold.location is not None:
                node = (hold.subject, hold.location)
                self._by_node.setdefault(node, []).append(hold)
                if hold.demand is not None:
                    self._by_demand.setdefault(hold.demand, []).append(hold)

    def without(self, hold: Hold) -> Holds:
        """Holds but for one; these stay."""
        made: Holds = copy(self)
        if hold.scope == "material":
            node = (hold.subject, str(hold.location))
            made._by_node = _left(self._by_node, node, hold)
            if hold.demand is not None:
                made._by_demand = _left(self._by_demand, hold.demand, hold)
            return made
        made.capacity = tuple(one for one in self.capacity if one is not hold)
        made.transport = tuple(one for one in self.transport if one is not hold)
        if hold.scope == "transport":
            made._by_lane = _left(self._by_lane, hold.subject, hold)
        if hold.demand is not None:
            made._others = _left(self._others, hold.demand, hold)
        return made

    def material(self, product: str, location: str) -> tuple[Hold, ...]:
        """Holds on a product at a location, by id."""
        return tuple(self._by_node.get((product, location), ()))

    def on_lane(self, lane: str) -> tuple[Hold, ...]:
        """Holds on a lane, by id."""
        return tuple(self._by_lane.get(lane, ()))

    def of_demand(self, demand: str) -> tuple[Hold, ...]:
        """Material holds that a demand owns, by id."""
        return tuple(self._by_demand.get(demand, ()))

    def has(self, demand: str) -> bool:
        """Whether a demand owns any hold."""
        return demand in self._by_demand or demand in self._others

    def of_owner(self, demand: str, scope: Scope) -> tuple[Hold, ...]:
        """Holds of resources or lanes that a demand owns, by id."""
        found = self._others.get(demand, ())
        return tuple(hold for hold in found if hold.scope == scope)

    def of_row(self, row: Mapping[str, Any]) -> Hold | None:
        """Find the active hold of a row of `reservations`; None: there is none."""
        among: tuple[Hold, ...]
        if row["kind"] != "material":
            among = self.capacity if row["kind"] == "capacity" else self.transport
        elif row["location"] is None:
            among = self.of_demand(row["demand"])
        else:
            among = self.material(row["subject"], row["location"])
        name = row["reservation"]
        return next((one for one in among if one.reservation == name), None)

    @property
    def nodes(self) -> tuple[tuple[str, str], ...]:
        """Products at locations with a hold, sorted."""
        return tuple(sorted(self._by_node))

    def active_steps(self, product: str, location: str) -> int:
        """Quantity that is held in all [units]."""
        return sum(hold.units for hold in self._by_node.get((product, location), ()))


def _left(
    known: Mapping[Key, list[Hold]], key: Key, hold: Hold
) -> dict[Key, list[Hold]]:
    """Lists by key, that of one key without a hold."""
    rest = [one for one in known[key] if one is not hold]
    found = dict(known)
    if rest:
        found[key] = rest
    else:
        del found[key]
    return found
