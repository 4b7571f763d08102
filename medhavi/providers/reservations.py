"""Reservations: their states, those a desk knows, and holds of planners (rule 10).

What is promised to somebody may not be given to others.

tentative ── confirm ──► confirmed ── reduce ──► reduced
        │  └──── reduce ─────────────────────────────►  │ (again: reduce)
        ├── expire ──► expired
        └── release ──────► released ◄── release from confirmed, reduced

A hold is active while it is tentative, confirmed or reduced and its end is not past
(RES-07). It knows its owner and nothing of stock, machines or lanes (RES-12): whoever
creates holds says whether there is room, and the desk decides what changes.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

from medhavi.findings import finding
from medhavi.snapshot.snapshot import ACTIVE
from medhavi.units import MINUTE, units_up

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

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


class ReservationState(StrEnum):
    """Where a reservation stands."""

    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"
    REDUCED = "reduced"
    RELEASED = "released"
    EXPIRED = "expired"


CONFLICT_CODES: Final[Mapping[str, str]] = {
    "material": "MaterialReservationConflict",
    "capacity": "CapacityLocked",
    "transport": "NoTransportCapacity",
}
"""What a hold that finds no room is called, by kind (RES-13)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A hold with its state (RES-06).

    `demand` is where it comes from, nothing more is known of the order. `qty` counts
    base units of a material, minutes of a resource, kg on a lane. `start` and `finish`
    are its window, `expires_at` its end while it is not confirmed [s]. Time of a
    resource is set up for `family`; the first `changeover` of it changes it from the
    one before [s]; it makes `good_qty` of `made_product` [base units], where that is
    known. When it was made and changed says the log.
    """

    reservation: str
    key: str
    kind: str
    demand: str | None
    subject: str
    location: str | None
    qty: float
    start: int
    finish: int
    state: ReservationState = ReservationState.TENTATIVE
    expires_at: int | None = None
    family: str | None = None
    changeover: int = 0
    made_product: str | None = None
    good_qty: float | None = None

    def active(self, now: int) -> bool:
        """Whether it holds anything now: it blocks while now is before its end."""
        return self.state in ACTIVE and (
            self.expires_at is None or now < self.expires_at
        )

    def changed(self, state: ReservationState, qty: float | None = None) -> Reservation:
        """The reservation in its next state: confirmed it has no end, reduced `qty`."""
        if state is ReservationState.CONFIRMED:
            return replace(self, state=state, expires_at=None)
        return replace(self, state=state, qty=self.qty if qty is None else qty)


def reservation_id(
    order: str | None,
    line: object,
    kind: str,
    part: str,
    window: tuple[int, int],
) -> str:
    """Id of a hold from what it is for (RES-05).

    Parameters
    ----------
    order, line
        Sales order and line, or the demand and None.
    kind
        material, capacity or transport.
    part
        What of the promise it is: step, leg, component with its place.
    window
        Start and end [s].

    Examples
    --------
    >>> reservation_id("SO-7", 1, "material", "A@L", (0, 0))
    'H-ee8a690e07a1e6b6'
    """
    return reservation_named(order_line_key(order, line), kind, part, window)


def order_line_key(order: str | None, line: object) -> str:
    """Part of all ids of an order line, for `reservation_named`."""
    return f"{order or ''}\x1f{line or ''}"


def reservation_named(owner: str, kind: str, part: str, window: tuple[int, int]) -> str:
    """Id of one of many holds of an order line; see `reservation_id`."""
    start, end = window
    text = f"{owner}\x1f{kind}\x1f{part}\x1f{start}\x1f{end}"
    return f"H-{blake2b(text.encode(), digest_size=8).hexdigest()}"


class ReservationLedger:
    """All reservations by id and by the demand that they are for."""

    __slots__ = ("_by_demand", "_by_id")

    def __init__(self, reservations: Iterable[Reservation] = ()) -> None:
        self._by_id: dict[str, Reservation] = {}
        self._by_demand: dict[str | None, set[str]] = {}
        for one in reservations:
            self.keep(one)

    def keep(self, one: Reservation) -> None:
        """Note a reservation as it stands: what is recorded is a fact."""
        known = self._by_id.get(one.reservation)
        if known is not None:
            self._by_demand[known.demand].discard(one.reservation)
        self._by_id[one.reservation] = one
        self._by_demand.setdefault(one.demand, set()).add(one.reservation)

    def get(self, reservation: str) -> Reservation | None:
        """Reservation."""
        return self._by_id.get(reservation)

    @property
    def all(self) -> tuple[Reservation, ...]:
        """All reservations, by id."""
        return tuple(self._by_id[name] for name in sorted(self._by_id))

    def of(self, demand: str) -> tuple[Reservation, ...]:
        """All reservations of a demand, by id."""
        names = self._by_demand.get(demand, ())
        return tuple(self._by_id[name] for name in sorted(names))

    def ended(self, now: int) -> tuple[Reservation, ...]:
        """What ran out by now and was not expired yet, by id."""
        return tuple(
            one
            for one in self.all
            if one.state in ACTIVE
            and one.expires_at is not None
            and one.expires_at <= now
        )
