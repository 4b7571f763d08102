"""What a mode does not look at: ignored with a warning, or refused (design 6).

A quality class that `settings.quality_classes` does not rank cannot be compared: such a
cell is refused by name. Of a snapshot that leaves out what stops a plan (semantics 48)
only those rows are refused that would be compared: what asks for the class, lots and
substitutes of a product of such a class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.errors import NotAvailable
from medhavi.findings import finding
from medhavi.providers.material.characteristics import unranked

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot

    Cell = tuple[str, str]
    InputRows = Mapping[str, tuple[int, ...]]


TRAITS = (
    ("demands", "requires"),
    ("demands", "min_quality"),
    ("products", "quality_class"),
)
"""What changes who is served by what."""
CLASSES = (*TRAITS[1:], ("stock", "quality"))
_OF_PRODUCT, _OF_LOT = CLASSES[1:]


class UnsupportedCells(NamedTuple):
    """Cells that a mode cannot obey, in words, with the input rows to leave out."""

    words: str
    rows: InputRows


def undecided(snapshot: Snapshot) -> Iterator[UnsupportedCells]:
    """Cells with classes that nothing ranks."""
    for cell, odd, words in _odd_cells(snapshot):
        if cell == _OF_PRODUCT and snapshot.holds:
            rows = _compared(snapshot, odd)
        elif cell == _OF_LOT and snapshot.holds:
            classes = snapshot["products"].select("product", own="quality_class")
            lots = _beside(snapshot, "stock", classes)
            differs = lots["quality"].ne_missing(lots["own"])
            rows = {cell[0]: _input_rows(snapshot, cell[0], odd & differs)}
        else:
            rows = {cell[0]: _input_rows(snapshot, cell[0], odd)}
        if any(rows.values()):
            yield UnsupportedCells(words, rows)


def undecided_classes(snapshot: Snapshot) -> int:
    """Count the products of a class that nothing ranks."""
    odd = [mask for cell, mask, _ in _odd_cells(snapshot) if cell == _OF_PRODUCT]
    return sum(int(mask.sum()) for mask in odd)


def filled(snapshot: Snapshot, cell: Cell) -> pl.Series:
    """Rows of a table in which a column says something."""
    table, column = cell
    cells = snapshot[table][column]
    if cells.dtype == pl.List:
        return (cells.list.len() > 0).fill_null(value=False)
    return (
        (cells != "").fill_null(value=False)
        if cells.dtype == pl.String
        else (cells.is_not_null())
    )


def _odd_cells(snapshot: Snapshot) -> Iterator[tuple[Cell, pl.Series, str]]:
    """Cells with the rows in question and the words that refuse them."""
    if not any(filled(snapshot, cell).any() for cell in CLASSES[:2]):
        return
    cells = {".".join(cell): snapshot[cell[0]][cell[1]].to_list() for cell in CLASSES}
    found = unranked(_ranking(snapshot), cells)
    for cell in CLASSES:
        names = found.get(".".join(cell))
        if names:
            odd = snapshot[cell[0]][cell[1]].is_in(names).fill_null(value=False)
            words = f"{'.'.join(cell)} {', '.join(names)}"
            told = "(settings.quality_classes, best first, does not rank them)"
            yield cell, odd, f"{words} {told}"


def _ranking(snapshot: Snapshot) -> Sequence[str]:
    stated = snapshot["settings"]["quality_classes"].to_list()
    return (stated or [()])[0] or ()


def _compared(snapshot: Snapshot, odd: pl.Series) -> InputRows:
    """Lots, substitutes and demands that are compared with the class of a product."""
    classes = snapshot["products"].select("product", given="quality_class")
    own = classes.filter(odd).rename({"given": "own"})
    lots = _beside(snapshot, "stock", own).with_columns(
        given=pl.coalesce("quality", "own")
    )
    others = _beside(snapshot, "substitutes", own).join(
        classes.rename({"product": "substitute"}),
        on="substitute",
        how="left",
        maintain_order="left",
    )
    asking = _beside(snapshot, "demands", own)["own"].is_not_null()
    asking &= filled(snapshot, TRAITS[1])
    ranking = _ranking(snapshot)
    return {
        "stock": _input_rows(snapshot, "stock", _unsure(lots, ranking)),
        "substitutes": _input_rows(snapshot, "substitutes", _unsure(others, ranking)),
        "demands": _input_rows(snapshot, "demands", asking),
    }


def _beside(snapshot: Snapshot, table: str, own: pl.DataFrame) -> pl.DataFrame:
    """Rows of a table with the class `own` of their product, if in question."""
    return snapshot[table].join(own, on="product", how="left", maintain_order="left")


def _unsure(lines: pl.DataFrame, ranking: Sequence[str]) -> pl.Series:
    """Lines of which it is not sure that class `given` is at least `own`."""
    ranks = {name: rank for rank, name in enumerate(ranking)}
    given, own = (
        pl.col(name).replace_strict(ranks, default=None, return_dtype=pl.Int64)
        for name in ("given", "own")
    )
    fits = (pl.col("given") == pl.col("own")) | (given <= own)
    in_question = pl.col("own").is_not_null()
    return lines.select(in_question & ~fits.fill_null(value=False)).to_series()


def _input_rows(snapshot: Snapshot, table: str, odd: pl.Series) -> tuple[int, ...]:
    return tuple(snapshot.input_rows(table).filter(odd).to_list())


MOST_ROWS = 10
OF_CAPACITY = frozenset(
    {
        ("lanes", "capacity_kg"),
        ("lanes", "capacity_m3"),
        ("disruptions", "severity"),
        ("reservations", "kind"),
    }
)
"""Columns that only modes with finite capacity read."""
OF_A_RULE: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("lot_size", ("fixed",)),
    ("reorder_point", ("fixed", "eoq")),
    ("min_qty", ("min_max",)),
    ("cover_days", ("poq",)),
    ("order_cost", ("eoq", "silver_meal", "wagner_whitin")),
)
"""Columns of inventory_policies that only some lot rules read."""

GIVING = (
    ("stock", "quality", TRAITS[1:]),
    ("routings", "provides", TRAITS[:1]),
)
"""Columns that are read only where others ask for what they say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableReading:
    """What a mode reads of the planning tables, seen from what it does not.

    Parameters
    ----------
    mode
        Name of the mode.
    tables
        Tables that it does not read, and what they are for.
    columns
        Columns that it does not read, with the value that says nothing.
    """

    mode: str
    tables: Mapping[str, str]
    columns: tuple[tuple[str, str, object], ...]

    def with_capacity(self, mode: str, *reads: str) -> TableReading:
        """Reading of a mode that obeys capacity and reads some names besides."""
        beside = ("tariffs", "promise_policies")
        return TableReading(
            mode=mode,
            tables={one: self.tables[one] for one in beside if one not in reads},
            columns=tuple(
                one
                for one in self.columns
                if one[:2] not in OF_CAPACITY and one[1] not in reads
            ),
        )


MRP = TableReading(
    mode="mrp",
    tables={
        "changeovers": "sequence-dependent set-up",
        "campaign_rules": "campaigns",
        "tariffs": "energy prices count in what a plan costs alone",
        "resource_state": "the present set-up of resources",
        "promise_policies": "promising",
        "disruptions": "disruptions",
    },
    columns=(
        ("suppliers", "reliability", None),
        ("suppliers", "esg_score", None),
        ("supply_terms", "lead_time_p95_days", None),
        ("supply_terms", "reliability", None),
        ("supply_terms", "quality", None),
        ("lanes", "duration_p95_h", None),
        ("lanes", "capacity_kg", None),
        ("lanes", "capacity_m3", None),
        ("lanes", "min_fill_kg", 0.0),
        ("lanes", "reliability", None),
        ("routings", "quality", None),
        ("disruptions", "severity", None),
        ("reservations", "kind", "material"),
        ("resources", "max_early_days", None),
        ("resources", "overtime_minutes_per_day", 0.0),
        ("resources", "withheld_share", 0.0),
        ("inventory_policies", "service_level", None),
        ("customers", "sla_days", None),
        ("demands", "expedite", False),
    ),
)
CONSTRAINED = MRP.with_capacity("constrained", "max_early_days")


def check_supported(snapshot: Snapshot, reading: TableReading = MRP) -> list[Finding]:
    """List what is filled and has no effect in a mode.

    Raises
    ------
    NotAvailable
        Something filled would change quantities or dates and is not built yet.
    """
    refused = tuple(undecided(snapshot))
    # A refusal is the reason of the rows that are left out for it.
    _raise(refused[:1] if snapshot.holds else refused, reading.mode)
    found: list[Finding] = []
    mode = reading.mode
    for table, what in reading.tables.items():
        if snapshot[table].height:
            found.append(finding("PLAN010", table=table, value=mode, what=what))
    if "disruptions" not in reading.tables:
        _refuse_changed_demands(snapshot, mode)
    return [*found, *_idle_columns(snapshot, reading)]


def _refuse_changed_demands(snapshot: Snapshot, mode: str) -> None:
    """Refuse disruptions of demands: these would be planned as they were."""
    of_demand = snapshot["disruptions"]["kind"] == "demand_change"
    changed = snapshot["disruptions"].filter(of_demand)
    if changed.height:
        names = ", ".join(sorted(changed["disruption"].to_list())[:MOST_ROWS])
        message = (
            f"Mode {mode} does not support yet: disruptions of kind demand_change "
            f"({names}). Change the rows of demands instead."
        )
        asking = snapshot.input_rows("disruptions").filter(of_demand)
        raise NotAvailable(message, {"disruptions": tuple(asking)})


def stated_cells(snapshot: Snapshot, cell: Cell, default: object) -> int:
    """Count the cells of a column that say something else than the default."""
    values = snapshot[cell[0]][cell[1]]
    stated = len(values) - values.null_count()
    return stated if default is None or not stated else int((values != default).sum())


def _idle_columns(snapshot: Snapshot, reading: TableReading) -> Iterator[Finding]:
    """Name the filled cells that nothing reads."""
    mode = reading.mode
    for table, column, default in reading.columns:
        cells = stated_cells(snapshot, (table, column), default)
        if cells and table not in reading.tables:
            yield finding(
                "PLAN011", table=table, column=column, value=mode, cells=cells
            )
    for table, column, asking in GIVING:
        cells = int(filled(snapshot, (table, column)).sum())
        if cells and not any(filled(snapshot, asked).any() for asked in asking):
            yield finding(
                "PLAN011", table=table, column=column, value=mode, cells=cells
            )
    if cells := undecided_classes(snapshot):
        # Without the rows that would be compared with it, a class decides nothing.
        table, column = TRAITS[2]
        yield finding("PLAN011", table=table, column=column, value=mode, cells=cells)
    policies = snapshot["inventory_policies"]
    blocked = (policies["on_violation"] == "block").sum()
    if blocked:
        yield finding(
            "PLAN011",
            table="inventory_policies",
            column="on_violation",
            value=mode,
            cells=blocked,
        )
    for column, rules in OF_A_RULE:
        idle = policies.filter(
            policies[column].is_not_null() & ~policies["lot_rule"].is_in(rules)
        )
        if idle.height:
            yield finding(
                "PLAN012",
                table="inventory_policies",
                column=column,
                value=idle.height,
                rules=" or ".join(rules),
            )


def refuse(
    cells: Iterable[tuple[str, str, tuple[int, ...]]], mode: str = MRP.mode
) -> None:
    """Refuse what a provider cannot obey: (table, column, input rows).

    Raises
    ------
    NotAvailable
        Anything is listed.
    """
    _raise(
        [
            UnsupportedCells(
                f"{table}.{column} (row{'s' if len(rows) > 1 else ''} "
                f"{', '.join(str(row) for row in rows[:MOST_ROWS])}"
                f"{' …' if len(rows) > MOST_ROWS else ''})",
                {table: rows},
            )
            for table, column, rows in cells
        ],
        mode,
    )


def _raise(refused: Sequence[UnsupportedCells], mode: str) -> None:
    if not refused:
        return
    message = (
        f"Mode {mode} does not support yet: "
        + "; ".join(one.words for one in refused)
        + ". They would change quantities or dates. Empty these cells to plan without "
        "them."
    )
    rows: dict[str, tuple[int, ...]] = {}
    for one in refused:
        for table, numbers in one.rows.items():
            rows[table] = (*rows.get(table, ()), *numbers)
    raise NotAvailable(message, rows)
