"""Rows that would stop a plan, held back with all that hangs on them (semantics 48).

A row is held for its own fault (a reference that leads nowhere, a member of a cycle, an
impossible window) or because what it needs is held. A recipe of which a part is held is
held whole: without that part it would make the product from too little.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi import schema
from medhavi.findings import Finding, Severity, catalog, finding
from medhavi.snapshot.checks.links import numbered
from medhavi.snapshot.network.needs_and_sources import NODE, links
from medhavi.snapshot.network.network import inner_edges, reached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from medhavi.snapshot.network.network import Network, NetworkAccess
    from medhavi.snapshot.tables import TableAccess

Marks = dict[str, dict[int, tuple[str, str]]]
"""Table → input row → code of the fault and the words for it."""

RECIPE_PARTS = ("bom_lines", "routing_outputs", "steps", "step_links", "step_resources")
"""Tables without whose rows a routing would make something else."""
HANGS = "SNAP066"
"""Code of rows that are held because another row is."""
CODE, REASON = "held for", "reason"
"""Columns beside those of the table: code of the fault, and the words for it."""

_PARENT_KEYS = {"products": "product", "customers": "customer"}
_DONE = ("closed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldRows:
    """What a snapshot leaves out.

    Attributes
    ----------
    tables
        Held rows by table, with columns `held for` and `reason`.
    errors
        The findings with which they would stop a plan.
    touched
        Demands that stay, of which a source on the way is held (column `demand`).
    """

    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    errors: tuple[Finding, ...] = ()
    touched: pl.DataFrame = field(
        default_factory=lambda: pl.DataFrame(schema={"demand": pl.String})
    )

    def __bool__(self) -> bool:
        """Whether anything is held."""
        return bool(self.tables) or bool(self.errors)

    @property
    def count(self) -> int:
        """Number of rows that are held."""
        return sum(frame.height for frame in self.tables.values())

    def findings(self) -> list[Finding]:
        """Count the held rows of each table and fault, and name the first of them."""
        found = []
        for name, frame in self.tables.items():
            key = [*schema.tables()[name].key] or frame.columns[:1]
            groups = frame.group_by(CODE, maintain_order=True).agg(
                pl.len().alias("count"), pl.col(REASON).first(), *_first(key)
            )
            for row in groups.iter_rows(named=True):
                cells = [row[f"key {column}"] for column in key]
                found.append(
                    finding(
                        "SNAP065",
                        table=name,
                        value=", ".join(str(cell) for cell in cells if cell) or "empty",
                        count=row["count"],
                        fault=row[CODE],
                        reason=row[REASON],
                    )
                )
        return found


def _first(key: Iterable[str]) -> Iterator[pl.Expr]:
    for column in key:
        yield pl.col(column).first().alias(f"key {column}")


NOTHING_HELD = HeldRows()


def marked_rows(
    snapshot: TableAccess, name: str, rows: Mapping[int, tuple[str, str]]
) -> pl.DataFrame:
    """Rows of a table that are marked, with the code and reason of each."""
    numbers = snapshot.input_rows(name)
    here = numbers.is_in(list(rows))
    told = [rows[number] for number in numbers.filter(here).to_list()]
    return (
        snapshot[name]
        .filter(here)
        .with_columns(
            pl.Series(CODE, [code for code, _ in told], pl.String),
            pl.Series(REASON, [reason for _, reason in told], pl.String),
        )
    )


def bad_rows(
    snapshot: NetworkAccess, findings: Sequence[Finding], *, hanging: bool = False
) -> Marks:
    """Rows to hold for the errors of a snapshot, each with its code and reason.

    Errors that no row answers for (no settings) mark nothing and stop a plan as before.

    Parameters
    ----------
    snapshot, findings
        The tables and what is wrong with them.
    hanging
        Whether other rows were held before: references lead to those then.
    """
    marks: Marks = {}
    for found in findings:
        code = found.left_out or found.code
        if catalog()[code].severity is not Severity.ERROR or found.table is None:
            continue
        if found.table == "settings":
            if code == "SNAP012":  # the first of several rows counts
                for row in snapshot.input_rows("settings").to_list()[1:]:
                    _mark(marks, "settings", row, code, found.message)
            continue
        rows = found.rows or (() if found.row is None else (found.row,))
        if not rows and code in _WHOLE_TABLE:
            rows = tuple(snapshot.input_rows(found.table).to_list())
        reason = f"{catalog()[code].title}." if found.left_out else found.message
        if hanging and code == "SNAP011" and not found.left_out:
            code, reason = HANGS, f"{found.column} {found.value!r} is held back."
        elif hanging:
            code = HANGS
        for row in rows:
            _mark(marks, found.table, row, code, reason)
        if not rows and found.code in _SEARCHES:
            _SEARCHES[found.code](snapshot, found, marks)
    hold_whole_recipes(snapshot, marks)
    return marks


def _mark(marks: Marks, table: str, row: int, code: str, reason: str) -> None:
    marks.setdefault(table, {}).setdefault(row, (code, reason))


def _mark_all(marks: Marks, table: str, rows: pl.DataFrame, found: Finding) -> None:
    for row in rows["row"].to_list():
        _mark(marks, table, row, found.code, found.message)


def hold_whole_recipes(snapshot: TableAccess, marks: Marks) -> None:
    """Mark the routing of each part that is held; one of several machines may go."""
    for name in RECIPE_PARTS:
        if name not in marks:
            continue
        parts = numbered(snapshot, name)
        held = parts.filter(pl.col("row").is_in(list(marks[name])))
        if name == "step_resources":
            choice = ["routing", "step", "choice"]
            left = parts.filter(
                ~pl.col("row").is_in(list(marks[name])), pl.col("choice").is_not_null()
            )
            held = held.join(left, on=choice, how="anti")
        routings = numbered(snapshot, "routings").join(
            held.select("routing").unique(), on="routing", how="semi"
        )
        for row in routings["row"].to_list():
            _mark(marks, "routings", row, HANGS, f"A row of {name} of it is held.")


# ------------------------------------------------------- faults of several rows
def _on_product_cycle(snapshot: NetworkAccess, found: Finding, marks: Marks) -> None:
    """Mark the routings, else the sourcing rows, that make products need themselves."""
    network = snapshot.network
    inner = pl.DataFrame(
        list(_cycle_edges(network)),
        schema=[*NODE, "component", "component_location"],
        orient="row",
        schema_overrides=dict.fromkeys(range(4), pl.String),  # type: ignore[arg-type]
    )
    makes = links(snapshot).makes.join(
        inner, on=[*NODE, "component", "component_location"], how="semi"
    )
    routings = numbered(snapshot, "routings").filter(
        pl.col("routing").is_in(makes["routing"].implode())
    )
    if routings.height:
        _mark_all(marks, "routings", routings, found)
        return
    moves = inner.filter(pl.col("product") == pl.col("component"))
    sourcing = numbered(snapshot, "sourcing").filter(pl.col("kind") == "move")
    _mark_all(marks, "sourcing", sourcing.join(moves, on=NODE, how="semi"), found)


def _cycle_edges(network: Network) -> Iterator[tuple[str, str, str, str]]:
    count = len(network)
    start = network.component_start
    parent = (
        pl.Series(range(count), dtype=pl.Int64)
        .to_numpy()
        .repeat(start[1:] - start[:-1])
    )
    child = network.component.astype("int64")
    for edge in inner_edges(count, parent, child).nonzero()[0].tolist():
        yield (*network.ids(int(parent[edge])), *network.ids(int(child[edge])))


def _on_parent_circle(snapshot: NetworkAccess, found: Finding, marks: Marks) -> None:
    """Mark the rows of a table that are their own ancestors."""
    table = str(found.table)
    key = _PARENT_KEYS[table]
    rows = numbered(snapshot, table).drop_nulls([key, "parent"])
    _mark_all(marks, table, rows.filter(_on_circle(rows, key, "parent")), found)


def _on_step_circle(snapshot: NetworkAccess, found: Finding, marks: Marks) -> None:
    """Mark the links of steps that wait for each other."""
    rows = numbered(snapshot, "step_links").with_columns(
        pl.concat_str("routing", "step", separator="\n").alias("from"),
        pl.concat_str("routing", "after", separator="\n").alias("to"),
    )
    _mark_all(marks, "step_links", rows.filter(_on_circle(rows, "from", "to")), found)


def _on_circle(rows: pl.DataFrame, source: str, target: str) -> pl.Series:
    """Mark the rows that lead from one text to another along a circle."""
    names = pl.concat([rows[source].rename("n"), rows[target].rename("n")]).unique()
    codes = {name: code for code, name in enumerate(names.sort().to_list())}
    ends = (
        rows[column].replace_strict(codes, return_dtype=pl.Int64).to_numpy()
        for column in (source, target)
    )
    return pl.Series(inner_edges(len(codes), *ends))


def _users_of_calendar(snapshot: NetworkAccess, found: Finding, marks: Marks) -> None:
    """Mark what can never work because its calendar never opens."""
    using = pl.col("calendar") == found.value
    for name in ("resources", "suppliers", "lanes", "steps"):
        _mark_all(marks, name, numbered(snapshot, name).filter(using), found)
    closed = snapshot["locations"].filter(using)["location"]
    here = pl.col("location").is_in(closed.implode())
    _mark_all(marks, "routings", numbered(snapshot, "routings").filter(here), found)


def _large_demands(snapshot: NetworkAccess, found: Finding, marks: Marks) -> None:
    """Mark the largest demand: the need that grows beyond what can be counted."""
    rows = numbered(snapshot, "demands").drop_nulls("qty")
    _mark_all(
        marks, "demands", rows.filter(pl.col("qty") == pl.col("qty").max()), found
    )


_WHOLE_TABLE = frozenset({"SNAP003", "SNAP051"})
"""Faults of a table as a whole."""
_SEARCHES: Mapping[str, Callable[[NetworkAccess, Finding, Marks], None]] = (
    MappingProxyType(
        {
            "SNAP023": _on_parent_circle,
            "SNAP029": _large_demands,
            "SNAP034": _on_step_circle,
            "SNAP039": _users_of_calendar,
            "SNAP043": _on_product_cycle,
        }
    )
)
"""Faults whose finding names no row → what marks the rows."""


# ------------------------------------------------------- what hangs on held rows
def touched_demands(
    snapshot: NetworkAccess, held: Mapping[str, pl.DataFrame]
) -> pl.DataFrame:
    """Demands on whose way from any source a row is held.

    Parameters
    ----------
    snapshot
        The tables with the held rows.
    held
        The held rows by table.
    """
    network = snapshot.network
    without = _nodes_without(network, held)
    lost = reached(without, network.parent_start, network.parent)
    pairs = pl.DataFrame(
        [network.ids(node) for node in lost],
        schema=dict.fromkeys(NODE, pl.String),
        orient="row",
    )
    demands = snapshot["demands"].filter(
        ~pl.col("status").is_in(_DONE).fill_null(value=False)
    )
    rest = demands.join(pairs, on=NODE, how="semi")
    if "demands" in held:
        rest = rest.join(held["demands"], on="demand", how="anti")
    return rest.select("demand")


def _nodes_without(network: Network, held: Mapping[str, pl.DataFrame]) -> Iterator[int]:
    """Item-locations that lose a source, a receipt or stock."""
    pairs: set[tuple[str | None, str | None]] = set()
    for name in ("routings", "sourcing", "supply_terms", "supply_orders", "stock"):
        if name in held:
            pairs |= set(held[name].select(NODE).iter_rows())
    if "routing_outputs" in held and "routings" in held:
        outputs = held["routing_outputs"].select("routing", "product", "location")
        places = held["routings"].select("routing", place="location")
        made = outputs.join(places, on="routing").with_columns(
            pl.coalesce("location", "place").alias("location")
        )
        pairs |= set(made.select(NODE).iter_rows())
    lanes = set(held["lanes"]["destination"].to_list()) if "lanes" in held else set()
    everywhere = {product for product, place in pairs if place == "*"}
    for node in range(len(network)):
        product, place = network.ids(node)
        if (product, place) in pairs or product in everywhere or place in lanes:
            yield node
