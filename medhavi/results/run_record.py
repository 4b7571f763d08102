"""How a result came about: planner, settings, status, effort, and from which tables.

Only what repeats belongs here. Seconds, memory and hosts are measurements; they live in
`measured.json` beside the record, outside every fingerprint (design 3.7).

Tables that differ are found by their digests. Rows of tables that speak of products are
folded to one mark per product, so that a removed row still tells whom it spoke of. The
marks of a folder travel without the tables themselves.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from medhavi.results.amounts import PlanLocale, number, percent
from medhavi.results.identity import content_values
from medhavi.results.program_record import ProgramRecord
from medhavi.schema import PLANNED_STATUS
from medhavi.snapshot import Snapshot
from medhavi.snapshot.fingerprint import sorted_hash
from medhavi.snapshot.patch import differing_rows, with_texts
from medhavi.snapshot.snapshot import active_holds, for_people
from medhavi.units import iso, to_seconds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator


class Status(StrEnum):
    """What a run can say about its result; it never claims more than was shown.

    `optimal`: proven best. `feasible`: valid, with a known gap. `heuristic`: valid by
    the independent check, without a bound. `relaxation`: values of a program that was
    solved to its optimum and leaves rules out. `infeasible`: no valid result exists,
    see the conflict. `cancelled`: stopped from outside. `error`: nothing usable.
    """

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    HEURISTIC = "heuristic"
    RELAXATION = "relaxation"
    INFEASIBLE = "infeasible"
    CANCELLED = "cancelled"
    ERROR = "error"


_NOTHING = 1e-9


def relative_gap(value: float, bound: float) -> float | None:
    """Distance of a value from its bound, as share of the bound (KPI-25).

    Of a least value as of a greatest one it is never negative. None: the bound is
    nothing and the value is not, so no share of it is a measure.

    >>> relative_gap(110.0, 100.0), relative_gap(90.0, 100.0)
    (0.1, 0.1)
    >>> relative_gap(0.0, 0.0), relative_gap(5.0, 0.0)
    (0.0, None)
    """
    apart = abs(value - bound)
    if abs(bound) > _NOTHING:
        return apart / abs(bound)
    return None if apart > _NOTHING else 0.0


class NettingScope(StrEnum):
    """What a run in mode mrp netted; the plan is the same whichever it was (MRP-14).

    `all`: everything, from nothing. `kept_run`: the places that a change reaches, on a
    run that was kept in memory.
    """

    ALL = "all"
    KEPT_RUN = "kept_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanBudget:
    """A budget of a run and what its plan comes to, in `unit`."""

    name: str
    most: float
    value: float
    unit: str
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanStep:
    """What the plan of a step of a run came to.

    Parameters
    ----------
    name
        What guided it.
    effort
        How much it was improved.
    cost, lateness
        By the weights of the mode, and the money of lateness in it [base currency].
    late
        Demands that are late, short or not planned.
    best
        What the best plan of the run costs after it, that of the step before is what it
        was before; None: an earlier release did not say.
    moves
        Moves that its search tried; what it may try at most follows from the effort.
    """

    name: str
    effort: str
    cost: float
    lateness: float
    late: int
    best: float | None = None
    moves: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The repeatable facts of one run.

    Parameters
    ----------
    planner
        Name of the planner, such as "mrp".
    mode
        Mode it ran in: mrp, constrained, optimize.
    package_version
        Version of Medhavi.
    snapshot_fingerprint
        Fingerprint of the input.
    as_of
        Now of the plan [UTC seconds]; None where the planner has no now.
    settings
        Parameters of the run; values that JSON knows.
    seed
        Seed of every random choice; None where nothing is random.
    status
        What the result is.
    bound, gap
        Best proven bound, and how far the result is from it as share of the bound
        (`relative_gap`); None without an optimiser. In mode optimize money that no plan
        costs less than [base currency].
    effort
        Deterministic counts of work: iterations, nodes, evaluations. Of a run that was
        ended before its end they are part of its identity.
    repeatable
        False when a wall-clock limit cut the run short; its id says how far it came.
    netting
        What was netted, in mode mrp; None in another mode or where it is not known. It
        is no part of the identity of the run.
    engine
        In mode constrained: "search", and why its orders were not placed as found. It
        is no part of the identity of the run.
    program
        In mode optimize: what the program says that guides the plan; status, bound and
        gap are those of the plan.
    steps
        In mode optimize: the plans that were made, in their sequence; the cheapest one
        is the answer, of those that keep the budgets.
    budgets
        In mode optimize: what the plan comes to of each budget.
    """

    planner: str
    mode: str
    package_version: str
    snapshot_fingerprint: str
    as_of: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    seed: int | None = None
    status: Status = Status.HEURISTIC
    bound: float | None = None
    gap: float | None = None
    effort: Mapping[str, float] = field(default_factory=dict)
    repeatable: bool = True
    netting: NettingScope | None = None
    engine: str = ""
    program: ProgramRecord | None = None
    steps: tuple[PlanStep, ...] = ()
    budgets: tuple[PlanBudget, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", Status(self.status))
        if self.netting is not None:
            object.__setattr__(self, "netting", NettingScope(self.netting))
        if self.gap is not None and self.gap < 0:
            message = f"gap ({self.gap}) must not be negative."
            raise ValueError(message)

    @property
    def run_id(self) -> str:
        """Identity of the run: equal input, settings and seed give the equal id.

        Where a run was ended before its end, by somebody or by the clock, they decide
        no plan: how far it came is part of its id.
        """
        parts: dict[str, object] = {
            "planner": self.planner,
            "mode": self.mode,
            "package_version": self.package_version,
            "snapshot": self.snapshot_fingerprint,
            "settings": dict(self.settings),
            "seed": self.seed,
        }
        if self.status is Status.CANCELLED or not self.repeatable:
            counts = {name: float(count) for name, count in self.effort.items()}
            parts["reached"] = [counts, [asdict(step) for step in self.steps]]
        text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, object]:
        """Keys of `run.json`; instants as ISO 8601 text."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {
            "run_id": self.run_id,
            **fields,
            "as_of": None if self.as_of is None else iso(self.as_of),
            "settings": dict(self.settings),
            "status": str(self.status),
            "effort": dict(self.effort),
            "netting": None if self.netting is None else str(self.netting),
            "program": None if self.program is None else asdict(self.program),
            "steps": [asdict(step) for step in self.steps],
            "budgets": [asdict(one) for one in self.budgets],
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, object]) -> RunRecord:
        """Read what `as_dict` gave; keys that are not the record's own are left out."""
        known = {key: row[key] for key in cls.__dataclass_fields__ if key in row}
        moment = known.get("as_of")
        if isinstance(moment, str):
            known["as_of"] = to_seconds(dt.datetime.fromisoformat(moment))
        program = known.get("program")
        if isinstance(program, Mapping):
            known["program"] = ProgramRecord.from_dict(program)
        known["steps"] = tuple(PlanStep(**step) for step in row.get("steps") or ())  # type: ignore[attr-defined]
        known["budgets"] = tuple(PlanBudget(**one) for one in row.get("budgets") or ())  # type: ignore[attr-defined]
        return cls(**known)  # type: ignore[arg-type]

    def bound_words(self) -> str:
        """Name the gap with the bound that it belongs to; "" where none is known.

        Plans of mode constrained are bounded in weighted days of lateness, which nobody
        reads: their summary puts the number of late demands beside the fewest possible,
        that of mode optimize its money beside the least.
        """
        planned = self.mode in {"constrained", "optimize"}
        if self.bound is None or self.gap is None or planned:
            return ""
        return f"within {percent(self.gap)} of the bound {number(self.bound)}"

    def __str__(self) -> str:
        """One line: planner, mode, status, value and bound, engine, input."""
        bound = self.bound_words()
        bound = f", {bound}" if bound else ""
        bound += f", by {self.engine}" if self.engine else ""
        cut = "" if self.repeatable else ", not repeatable"
        made_by = " ".join(dict.fromkeys((self.planner, self.mode)))
        return (
            f"{made_by}: {self.status}{bound}{cut} "
            f"(Medhavi {self.package_version}, "
            f"input {self.snapshot_fingerprint[:12]}, run {self.run_id})"
        )


MARKS = {"table": pl.String(), "product": pl.String(), "mark": pl.UInt64()}
"""Columns of marks; a row without a product holds the digest of its table as text."""

_OF_PRODUCT = {
    "products": ("product", "parent"),
    "substitutes": ("product", "substitute"),
    "uom_conversions": ("product",),
    "stock": ("product",),
    "supply_orders": ("product",),
    "demands": ("product",),
    "pegs": ("product",),
    "inventory_policies": ("product",),
    "inventory_levels": ("product",),
    "storage_limits": ("product",),
    "forecast_policies": ("product",),
    "supply_terms": ("product",),
    "price_tiers": ("product",),
    "supplier_capacity": ("product",),
    "sourcing": ("product",),
    "routings": ("product",),
    "routing_outputs": ("product",),
    "bom_lines": ("component",),
    "steps": (),
    "step_links": (),
    "step_resources": (),
    "supply_order_steps": (),
    "reservations": ("subject",),
}
"""Tables whose rows touch products, with the columns that name them; all others touch
everything."""
_OF_ROUTING = (
    "routings",
    "routing_outputs",
    "bom_lines",
    "steps",
    "step_links",
    "step_resources",
)
_EVERYTHING = "*"
_POSITION = "position of the log"
"""What stands in the place of a table for the position of a basis."""
HOLDS = "reservations"


class SnapshotDifference(NamedTuple):
    """What differs between two snapshots.

    `products` are named by rows that differ; `tables` differ and speak of more than
    single products.
    """

    products: frozenset[str]
    tables: tuple[str, ...]
    changed: frozenset[str]
    """All tables that differ."""


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Basis:
    """Digests of the tables of a snapshot, and marks of its products.

    Parameters
    ----------
    digests
        Table to the digest of its rows.
    snapshot
        The snapshot itself, where it is at hand; marks are made when asked for.
    stored
        Marks that were read from a folder.
    kept
        What the planner keeps in memory for plans on this one; only it looks inside.
    schedule
        What a search in mode constrained found, one row of lists: plans on this one
        resume it; only that search looks inside.
    position
        Of the newest event that the snapshot knows, where it comes from a log.
    """

    digests: Mapping[str, str]
    snapshot: Snapshot | None = None
    stored: pl.DataFrame | None = None
    kept: object = None
    schedule: pl.DataFrame | None = None
    position: int | None = None

    @classmethod
    def of(cls, snapshot: Snapshot) -> Basis:
        """Take note of a snapshot: of its reservations only those that are active."""
        digests = dict(snapshot.planned_digests)
        active = active_holds(snapshot)
        if active.height < snapshot[HOLDS].height:
            del digests[HOLDS]
            digests |= {HOLDS: sorted_hash(active)} if active.height else {}
        return cls(digests=digests, snapshot=snapshot, position=snapshot.position)

    @cached_property
    def locale(self) -> PlanLocale | None:
        """Zones and currency of the snapshot; None where it is not at hand."""
        return None if self.snapshot is None else PlanLocale.of(self.snapshot)

    @cached_property
    def marks(self) -> pl.DataFrame:
        """One row per table and product: the folded hash of the rows that name it."""
        if self.stored is not None:
            return self.stored
        parts = [self._marks_of(table) for table in _OF_PRODUCT]
        return pl.concat(
            [
                part.select(pl.lit(table).alias("table"), "product", "mark")
                for table, part in zip(_OF_PRODUCT, parts, strict=True)
            ]
        ).cast(MARKS)  # type: ignore[arg-type]

    def changed(self, later: Snapshot) -> frozenset[str]:
        """Tables in which a later snapshot differs; ended reservations do not count."""
        new = Basis.of(later).digests
        return frozenset(
            name
            for name in {*self.digests, *new}
            if self.digests.get(name) != new.get(name)
        )

    def touched(
        self, later: Snapshot, *, besides: Collection[str] = ()
    ) -> SnapshotDifference:
        """Which products and tables a later snapshot changes.

        Parameters
        ----------
        besides
            Tables that are not looked at.
        """
        changed = self.changed(later).difference(besides)
        products: set[str] = set()
        wide = {name for name in changed if name not in _OF_PRODUCT}
        for name in sorted(changed - wide):
            named = self._differing(later, name)
            if _EVERYTHING in named:
                wide.add(name)
            products |= named - {_EVERYTHING}
        return SnapshotDifference(frozenset(products), tuple(sorted(wide)), changed)

    def distance(self, later: Snapshot) -> tuple[int, int]:
        """How far a later snapshot is: tables that touch everything, other rows.

        Of each table the products count whose rows differ, whatever is at hand.
        """
        changed = self.changed(later)
        wide = sum(name not in _OF_PRODUCT for name in changed)
        rows = (
            len(self._differing(later, name)) for name in changed if name in _OF_PRODUCT
        )
        return wide, sum(rows)

    def _differing(self, later: Snapshot, table: str) -> set[str]:
        """Name the products whose rows of one table differ."""
        before = self.snapshot
        if before is not None:
            old, new = _rows(before, table), _rows(later, table)
            gone, fresh = differing_rows(old, new)
            return _products(before, table, gone) | _products(later, table, fresh)
        new_marks = Basis.of(later)._marks_of(table)  # noqa: SLF001 - one of ours
        both = self._marks_of(table).join(
            new_marks, on="product", how="full", suffix="_new", coalesce=True
        )
        differs = both.filter(pl.col("mark").ne_missing(pl.col("mark_new")))
        return set(differs["product"].to_list())

    def to_frame(self) -> pl.DataFrame:
        """Digests and marks as one frame, for a file."""
        stated = dict(self.digests)
        if self.position is not None:
            stated[_POSITION] = str(self.position)
        digests = pl.DataFrame(
            {"table": [f"{name}={stated[name]}" for name in stated]}
        ).with_columns(
            product=pl.lit(None, dtype=pl.String), mark=pl.lit(None, dtype=pl.UInt64)
        )
        return pl.concat([digests, self.marks]).cast(MARKS).sort("table", "product")  # type: ignore[arg-type]

    @classmethod
    def from_frame(cls, frame: pl.DataFrame) -> Basis:
        """Read what `to_frame` gave."""
        stated = frame.filter(pl.col("mark").is_null())["table"].to_list()
        digests = dict(entry.split("=", 1) for entry in stated)
        position = digests.pop(_POSITION, None)
        marks = frame.filter(pl.col("mark").is_not_null())
        return cls(
            digests=digests,
            stored=marks,
            position=None if position is None else int(position),
        )

    def _marks_of(self, table: str) -> pl.DataFrame:
        """Marks of one table: product, mark."""
        if self.stored is not None:
            return self.stored.filter(pl.col("table") == table).select(
                "product", "mark"
            )
        if self.snapshot is None or _rows(self.snapshot, table).is_empty():
            return pl.DataFrame(schema={n: t for n, t in MARKS.items() if n != "table"})
        return _marks(self.snapshot, table)

    def __reduce__(self) -> tuple[object, ...]:
        """Travel without the tables: results of other processes stay small."""
        return _nothing, ()


def _nothing() -> None:
    return None


def _rows(snapshot: Snapshot, table: str) -> pl.DataFrame:
    """Rows of a table that a plan can depend on."""
    if table != HOLDS:
        return snapshot[table].drop(for_people().get(table, ()))
    # Hours and room that are held for a demand that is planned are free for plans.
    planned = snapshot["demands"].filter(
        pl.col("status").is_in(PLANNED_STATUS)
        & (pl.col("due").dt.epoch("s") <= snapshot.settings.horizon_end)
    )
    wanted = planned.select("demand", wanted="product").unique("demand")
    return active_holds(snapshot).join(wanted, on="demand", how="left")


def _products(snapshot: Snapshot, table: str, rows: pl.DataFrame) -> set[str]:
    """Name the products that some rows of a table touch."""
    numbered = rows.with_columns(mark=pl.lit(0, dtype=pl.UInt64))
    return {
        product
        for part in _named(snapshot, table, numbered)
        for product in part["product"].to_list()
    }


def _marks(snapshot: Snapshot, table: str) -> pl.DataFrame:
    """Fold the hashes of rows by the products that they name."""
    frame = _rows(snapshot, table)
    numbered = frame.with_columns(
        mark=pl.Series(content_values(with_texts(frame)), dtype=pl.UInt64)
    )
    named = pl.concat(list(_named(snapshot, table, numbered))).unique()
    ordered = named.sort("product")
    starts = np.flatnonzero(
        ordered["product"].ne_missing(ordered["product"].shift()).to_numpy()
    )
    # Sums run around the end of 64 bits: the order of rows does not matter.
    sums = np.add.reduceat(ordered["mark"].to_numpy(), starts)
    return pl.DataFrame(
        {"product": ordered["product"].gather(starts), "mark": sums},
        schema={"product": pl.String, "mark": pl.UInt64},
    )


def _named(
    snapshot: Snapshot, table: str, rows: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """List (product, mark): which products each row touches."""
    if table == HOLDS:
        goods = pl.col("kind") == "material"
        owner = pl.col("wanted").fill_null(_EVERYTHING)
        rows = rows.with_columns(
            subject=pl.when(goods).then("subject").otherwise(owner)
        )
    for column in _OF_PRODUCT[table]:
        yield _pair(rows.filter(pl.col(column).is_not_null()), column)
    if table in _OF_ROUTING:
        yield _pair(rows.join(_outputs(snapshot), on="routing"), "output")
    if table == "supply_order_steps":
        orders = snapshot["supply_orders"].select("supply_order", "product")
        yield _pair(rows.join(orders, on="supply_order"), "product")
    if table == "demands":
        # What is told about an order is told from all its lines.
        lines = snapshot[table].filter(_tied())
        others = lines.select("sales_order", pl.col("product").alias("other")).unique()
        yield _pair(rows.filter(_tied()).join(others, on="sales_order"), "other")


def _pair(rows: pl.DataFrame, column: str) -> pl.DataFrame:
    return rows.select(pl.col(column).alias("product"), "mark")


def _outputs(snapshot: Snapshot) -> pl.DataFrame:
    """List all products that each routing gives: routing, output."""
    return pl.concat(
        [
            snapshot[table].select("routing", pl.col("product").alias("output"))
            for table in ("routings", "routing_outputs")
        ]
    ).unique()


def _tied() -> pl.Expr:
    """Filter of order lines delivered together with others of their order."""
    return pl.col("sales_order").is_not_null() & (
        pl.col("order_policy") != "independent"
    )
