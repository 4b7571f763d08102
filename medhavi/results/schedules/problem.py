"""What a schedule answers: resources, changeovers, orders and their steps.

The record keeps minutes as they were stated, so that a problem and its answer can be
stored, compared and checked together. Reading a file with all its errors named is the
planner's work; `from_dict` takes what `as_dict` gave.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

from medhavi.snapshot.calendars.intervals import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = "medhavi.schedule/1"
ANY = "*"
WAITING = "(waiting)"
"""Resource of times between steps: queue, move and lag, and of goods to come."""
NO_MACHINE = "(no machine)"
"""Resource of steps that no finite resource does."""
Window = tuple[float, float]


class TimeAxis(StrEnum):
    """What minutes count: the clock, or working time with closed time left out."""

    CALENDAR = "calendar"
    WORKING = "working"


class Objective(StrEnum):
    """What a schedule minimises; several count in the order they are stated."""

    LATE_ORDERS = "late_orders"
    WEIGHTED_TARDINESS = "weighted_tardiness"
    MAX_TARDINESS = "max_tardiness"
    MAKESPAN = "makespan"
    SETUP = "setup"
    COST = "cost"
    LOAD_BALANCE = "load_balance"
    ENERGY = "energy"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """A machine, or several alike.

    Parameters
    ----------
    units
        How many operations run at once, each on a unit of its own.
    good_share
        Share of good pieces, `yield` in files; None is 1.
    windows
        Open minutes from start, sorted and apart; None is always open.
    changeover_matrix
        Matrix of set-ups between neighbours of different families.
    setup_family
        What the resource is set up for at minute 0; None: the first change is free.
    """

    resource: str
    name: str | None = None
    units: int = 1
    good_share: float | None = None
    windows: tuple[Window, ...] | None = None
    changeover_matrix: str | None = None
    setup_family: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changeover:
    """Set-up between two families; `*` is any family, the row with fewer wins."""

    matrix: str
    from_family: str
    to_family: str
    setup_minutes: float
    cost: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A resource that can run a step, with its own times."""

    resource: str
    run_minutes: float
    setup_minutes: float = 0
    good_share: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation of an order.

    Parameters
    ----------
    after
        Steps of the order that end before this one begins.
    splittable
        Whether the run may pause while its resource is closed.
    run_minutes_range
        Low, mode and high of the run on the first option [min].
    start_minutes, resource
        Where and when a fixed step runs.
    initial_start_minutes, initial_resource
        Where and when it runs in the schedule that the search begins with; None: as
        soon as it can, on any of its options.
    """

    step: int
    options: tuple[Option, ...]
    name: str | None = None
    after: tuple[int, ...] = ()
    family: str | None = None
    splittable: bool = False
    run_minutes_range: tuple[float, float, float] | None = None
    start_minutes: float | None = None
    resource: str | None = None
    initial_start_minutes: float | None = None
    initial_resource: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Steps that make one thing for somebody.

    Parameters
    ----------
    due_minutes
        Wanted end; None is never late.
    weight
        Importance, higher counts more.
    min_yield
        Options with a lower share of good pieces are out.
    """

    order: str
    steps: tuple[Step, ...]
    product: str | None = None
    customer: str | None = None
    qty: float | None = None
    release_minutes: float = 0
    due_minutes: float | None = None
    weight: float = 1
    min_yield: float | None = None

    def step(self, number: int) -> Step:
        """Step by its number."""
        return next(step for step in self.steps if step.step == number)


@dataclass(frozen=True, kw_only=True)
class ScheduleProblem:
    """A scheduling problem (`medhavi.schedule/1`); rules 39 to 41 say what it means.

    Parameters
    ----------
    start
        Minute 0; aware.
    objective
        First counts most.
    effort
        Deterministic effort of the search.
    time_limit_s
        Safety stop [s]; a run that meets it does not repeat. None: no stop.
    """

    name: str
    start: dt.datetime
    resources: tuple[Resource, ...]
    orders: tuple[Order, ...]
    changeovers: tuple[Changeover, ...] = ()
    time_axis: TimeAxis = TimeAxis.CALENDAR
    objective: tuple[Objective, ...] = (Objective.LATE_ORDERS, Objective.MAKESPAN)
    effort: float = 10.0
    time_limit_s: float | None = None
    reference: Mapping[str, object] = field(default_factory=dict, compare=False)

    @cached_property
    def resource_by_id(self) -> Mapping[str, Resource]:
        """Resources by id."""
        return {row.resource: row for row in self.resources}

    @cached_property
    def order_by_id(self) -> Mapping[str, Order]:
        """Orders by id."""
        return {row.order: row for row in self.orders}

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the content; order of rows, and reference, do not count."""
        document = self.as_dict()
        document.pop("reference", None)
        for table, keys in _KEYS.items():
            rows: list[dict[str, object]] = document[table]  # type: ignore[assignment]
            document[table] = sorted(rows, key=lambda row: [str(row[k]) for k in keys])
        text = json.dumps(document, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def steps(self) -> Iterator[tuple[Order, Step]]:
        """Every step with its order, in the order of the file."""
        for order in self.orders:
            for step in order.steps:
                yield order, step

    def good_share(self, option: Option) -> float:
        """Share of good pieces of an option: its own, else its resource's."""
        if option.good_share is not None:
            return option.good_share
        own = self.resource_by_id[option.resource].good_share
        return 1.0 if own is None else own

    def admitted(self, order: Order, option: Option) -> bool:
        """Whether an option reaches the least yield of its order (rule 40)."""
        return order.min_yield is None or self.good_share(option) >= order.min_yield

    def changeover(
        self, resource: str, before: str | None, after: str | None
    ) -> Changeover | None:
        """Changeover between two families; None where there is none.

        Equal families need none. The row with fewer `*` wins, then the first.
        """
        matrix = self.resource_by_id[resource].changeover_matrix
        if matrix is None or before == after:
            return None
        fits = [
            row
            for row in self._rows_by_matrix.get(matrix, ())
            if row.from_family in (ANY, before) and row.to_family in (ANY, after)
        ]
        return min(
            fits,
            key=lambda row: (row.from_family == ANY) + (row.to_family == ANY),
            default=None,
        )

    @cached_property
    def _rows_by_matrix(self) -> Mapping[str, list[Changeover]]:
        found: dict[str, list[Changeover]] = {}
        for row in self.changeovers:
            found.setdefault(row.matrix, []).append(row)
        return found

    def as_dict(self) -> dict[str, object]:
        """Document that `from_dict` and the file reader read."""
        return {
            "schema": SCHEMA,
            "name": self.name,
            "start": self.start.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "time_axis": str(self.time_axis),
            "objective": [str(name) for name in self.objective],
            "effort": _plain(self.effort),
            "time_limit_s": _plain(self.time_limit_s),
            "resources": [_row(row) for row in self.resources],
            "changeovers": [_row(row) for row in self.changeovers],
            "orders": [_row(row) for row in self.orders],
            "reference": dict(self.reference),
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, object]) -> ScheduleProblem:
        """Read a document without errors, such as `as_dict` gave."""
        return _read_problem(dict(document))


_KEYS = {
    "resources": ("resource",),
    "changeovers": ("matrix", "from_family", "to_family"),
    "orders": ("order",),
}
_RENAMED = {"good_share": "yield"}


def _row(record: object) -> dict[str, object]:
    """Filled fields of a record by their names in files."""
    found: dict[str, object] = {}
    for item in fields(record):  # type: ignore[arg-type]
        value = getattr(record, item.name)
        if value is None:
            continue
        found[_RENAMED.get(item.name, item.name)] = _plain(value)
    return found


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    if isinstance(value, (Option, Step)):
        return _row(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _known(row: Mapping[str, object], record: type) -> dict[str, object]:
    """Fields of a record that a row states; null is not stated."""
    back = {new: old for old, new in _RENAMED.items()}
    names = {item.name for item in fields(record)}
    named = {back.get(key, key): value for key, value in row.items()}
    return {k: v for k, v in named.items() if k in names and v is not None}


def _step(row: Mapping[str, object], default_after: tuple[int, ...]) -> Step:
    known = _known(row, Step)
    known["options"] = tuple(
        Option(**_known(option, Option))  # type: ignore[arg-type]
        for option in known.get("options", ())  # type: ignore[attr-defined]
    )
    known["after"] = tuple(known.get("after", default_after))  # type: ignore[arg-type]
    if "run_minutes_range" in known:
        known["run_minutes_range"] = tuple(known["run_minutes_range"])  # type: ignore[arg-type]
    return Step(**known)  # type: ignore[arg-type]


def _order(row: Mapping[str, object]) -> Order:
    known = _known(row, Order)
    rows: list[dict[str, object]] = list(known["steps"])  # type: ignore[call-overload]
    # Steps of an order that says nothing about sequence follow one another.
    chained = all(step.get("after") is None for step in rows)
    known["steps"] = tuple(
        _step(
            step,
            (int(rows[place - 1]["step"]),) if chained and place else (),  # type: ignore[call-overload]
        )
        for place, step in enumerate(rows)
    )
    return Order(**known)  # type: ignore[arg-type]


def _resource(row: Mapping[str, object]) -> Resource:
    known = _known(row, Resource)
    if "windows" in known:
        known["windows"] = joined(
            [(float(a), float(b)) for a, b in known["windows"]]  # type: ignore[attr-defined]
        )
    return Resource(**known)  # type: ignore[arg-type]


def _read_problem(document: dict[str, object]) -> ScheduleProblem:
    known = _known(document, ScheduleProblem)
    known["start"] = instant(str(document["start"]))
    known["resources"] = tuple(_resource(row) for row in known["resources"])  # type: ignore[attr-defined]
    known["orders"] = tuple(_order(row) for row in known["orders"])  # type: ignore[attr-defined]
    known["changeovers"] = tuple(
        Changeover(**_known(row, Changeover))  # type: ignore[arg-type]
        for row in known.get("changeovers", ())  # type: ignore[attr-defined]
    )
    if "time_axis" in known:
        known["time_axis"] = TimeAxis(str(known["time_axis"]))
    if "objective" in known:
        known["objective"] = tuple(Objective(name) for name in known["objective"])  # type: ignore[attr-defined]
    return ScheduleProblem(**known)  # type: ignore[arg-type]


def instant(text: str) -> dt.datetime:
    """Read an ISO 8601 instant; without a zone it is UTC.

    >>> instant("2026-01-05T06:00:00Z").isoformat()
    '2026-01-05T06:00:00+00:00'
    """
    moment = dt.datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(
        dt.UTC
    )
