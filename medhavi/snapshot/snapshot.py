"""The frozen snapshot: every planner's only view of the world (design 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal, Self

import polars as pl

from medhavi import schema
from medhavi.display import TextDisplay
from medhavi.findings import BadData, Finding, Severity, finding, has_errors
from medhavi.schema.template import example_rows
from medhavi.snapshot.checks.check_memory import NETWORK, NETWORK_NAME, CheckMemory
from medhavi.snapshot.checks.held_rows import (
    NOTHING_HELD,
    HeldRows,
    bad_rows,
    hold_whole_recipes,
    marked_rows,
    touched_demands,
)
from medhavi.snapshot.checks.time import checks
from medhavi.snapshot.checks.values import own_checks
from medhavi.snapshot.fingerprint import sorted_hash, tree_hash
from medhavi.snapshot.reading import folder
from medhavi.snapshot.reading.local_days import LocalDays
from medhavi.snapshot.reading.normalise import (
    NormalTable,
    absent,
    matched,
    normalise,
    raw_frame,
)
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.snapshot.tables import LazyTables, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from medhavi.snapshot.checks.held_rows import Marks
    from medhavi.snapshot.network.network import Network


Rows = pl.DataFrame | Sequence[Mapping[str, object]]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Part:
    """One table of a snapshot; snapshots that differ elsewhere share it."""

    name: str
    normal: NormalTable

    @property
    def frame(self) -> pl.DataFrame:
        """The rows."""
        return self.normal.frame

    @property
    def rows(self) -> pl.Series:
        """The input row number of each row."""
        return self.normal.rows

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """What is wrong in this table alone."""
        return (*self.normal.findings, *own_checks(self.name, self.normal))

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the table."""
        return sorted_hash(self.normal.frame)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Snapshot(TextDisplay):
    """All planning tables at one moment: typed, completed, sorted, checked, hashed.

    `snapshot["products"]` is a frame with all columns of the schema in their order;
    null means "not stated". Bad data never raises: see `findings`, or call `require`.
    `holds` tells whether rows that stop a planner are held instead of refused.
    `position` is that of the newest event it knows, where it comes from a log.
    """

    _parts: Mapping[str, _Part]
    _before: tuple[Finding, ...] = field(default=())
    held: HeldRows = NOTHING_HELD
    holds: bool = False
    position: int | None = None
    _memory: CheckMemory = field(default_factory=CheckMemory)

    @classmethod
    def from_frames(
        cls,
        frames: Mapping[str, Rows],
        findings: Iterable[Finding] = (),
        *,
        date_format: str | None = None,
        position: int | None = None,
    ) -> Self:
        """Build from polars frames or lists of dicts; columns may be missing.

        `findings` are what the maker of the frames found on the way; `date_format` as
        of `from_folder`; `position` is that of the newest event they know.

        >>> snapshot = Snapshot.from_frames({"products": [{"product": "A"}]})
        >>> snapshot["products"]["uom"].to_list()
        ['each']
        """
        return cls._build(frames, findings, date_format, position)

    @classmethod
    def example(cls) -> Self:
        """Tables of a lemonade maker with a dozen rows, as in the template."""
        return cls.from_frames(example_rows())

    @classmethod
    def from_folder(cls, path: Path | str, *, date_format: str | None = None) -> Self:
        """Read a folder of CSV or Parquet files, or one workbook (.xlsx).

        `date_format` is the order of written dates beside ISO 8601 (DD.MM.YYYY); None:
        what `settings.date_format` states.
        """
        frames, found = folder.read(Path(path))
        return cls._build(frames, found, date_format)

    @classmethod
    def _build(
        cls,
        frames: Mapping[str, Rows],
        before: Iterable[Finding],
        date_format: str | None = None,
        position: int | None = None,
    ) -> Self:
        known = schema.tables()
        unknown = [
            finding("SNAP002", table=name, nearest=nearest(name, known))
            for name in frames
            if name not in known
        ]
        raw = {name: _raw(name, frames[name]) for name in known if name in frames}
        days = LocalDays(raw.get, date_format)
        parts = {
            name: _part(name, raw[name], days) if name in raw else _absent(name)
            for name in known
        }
        return cls(
            _parts=MappingProxyType(parts),
            _before=(*before, *unknown),
            position=position,
        )

    def replace(self, **frames: Rows) -> Self:
        """Snapshot with other rows in the named tables, each replaced whole.

        Only these tables are read, checked and hashed again.
        """
        unknown = [name for name in frames if name not in self._parts]
        if unknown:
            hints = ", ".join(name + nearest(name, self._parts) for name in unknown)
            message = f"No planning table is called {hints}."
            raise KeyError(message)
        raw = {name: _raw(name, rows) for name, rows in frames.items()}
        days = LocalDays(lambda name: raw[name] if name in raw else self[name])
        touched = {name: _part(name, rows, days) for name, rows in raw.items()}
        return type(self)(
            _parts=MappingProxyType({**self._parts, **touched}),
            _before=self._before,
            held=self.held,
            holds=self.holds,
            position=self.position,
            _memory=CheckMemory(self._memory),
        )

    def sharing(self, earlier: Snapshot) -> Self:
        """Snapshot that has tables in common with an earlier one, where they are equal.

        They are not hashed again, and checks that read nothing else not asked again.
        """
        known = earlier._parts
        parts = {
            name: known[name] if part.normal.equals(known[name].normal) else part
            for name, part in self._parts.items()
        }
        memory = CheckMemory(earlier._memory)
        return replace(self, _parts=MappingProxyType(parts), _memory=memory)

    def hold_bad_rows(self) -> Self:
        """Snapshot without the rows that would stop a plan (semantics 48).

        What hangs on them is left out as well; `held` has all of it. A setting that
        cannot be used takes its default. Without such errors the rows are the same,
        and so are those of a company without products or places: there is nothing to
        plan.
        """
        is_empty = not (self["products"].height and self["locations"].height)
        if is_empty or not has_errors(self.findings):
            same = self.holding(self.held)
            same.__dict__["findings"] = self.findings
            return same
        kept = self._with_default_settings()
        errors = tuple(f for f in self.findings if f.severity is Severity.ERROR)
        return kept.holding_also(bad_rows(kept, kept.findings), errors)

    def holding_also(self, marks: Marks, errors: Sequence[Finding]) -> Self:
        """Snapshot without rows that stop a plan, nor what hangs on them.

        Parameters
        ----------
        marks
            The rows, with the code and the words of their fault.
        errors
            The findings with which they stop it.
        """
        held = {name: [frame] for name, frame in self.held.tables.items()}
        kept = self
        hold_whole_recipes(kept, marks)
        while marks:
            for name, rows in marks.items():
                held.setdefault(name, []).append(marked_rows(kept, name, rows))
            kept = kept.without_rows(marks)
            marks = bad_rows(kept, kept.findings, hanging=bool(held))
        tables = {name: pl.concat(held[name]) for name in self._parts if name in held}
        touched = (self.held.touched, touched_demands(self, tables))
        account = HeldRows(
            tables=MappingProxyType(tables),
            errors=(*self.held.errors, *errors),
            touched=pl.concat(touched).unique(maintain_order=True),
        )
        return kept.holding(account)

    def holding(self, held: HeldRows) -> Self:
        """Snapshot with the account of what it leaves out, as findings too."""
        told = {found.code for found in held.findings()}
        before = (found for found in self._before if found.code not in told)
        return type(self)(
            _parts=self._parts,
            _before=(*before, *held.findings()),
            held=held,
            holds=True,
            position=self.position,
            _memory=CheckMemory(self._memory),
        )

    def without_rows(self, marks: Mapping[str, Mapping[int, object]]) -> Self:
        """Snapshot without marked rows; the others keep their input rows."""
        parts = {
            name: _Part(name=name, normal=self._parts[name].normal.without(rows))
            for name, rows in marks.items()
        }
        return type(self)(
            _parts=MappingProxyType({**self._parts, **parts}),
            _before=self._before,
            position=self.position,
            _memory=CheckMemory(self._memory),
        )

    def _with_default_settings(self) -> Self:
        """Snapshot whose settings that cannot be used are at their defaults."""
        wrong = [
            found
            for found in self.findings
            if found.table == "settings"
            and found.severity is Severity.ERROR
            and found.column is not None
            and not schema.tables()["settings"].columns[found.column].required
        ]
        if not wrong:
            return self
        columns = {str(found.column) for found in wrong}
        part = self._parts["settings"].normal
        normal = normalise("settings", part.frame.drop(columns), self.local_days)
        row = normal.frame.row(0, named=True) if normal.frame.height else {}
        told = [
            finding(
                "SNAP067",
                table="settings",
                column=found.column,
                value=found.value,
                default=row.get(str(found.column)),
            )
            for found in wrong
        ]
        parts = {**self._parts, "settings": _Part(name="settings", normal=normal)}
        return type(self)(
            _parts=MappingProxyType(parts),
            _before=(*self._before, *told),
            position=self.position,
        )

    def replace_when_read(
        self, names: Iterable[str], make: Callable[[str], pl.DataFrame]
    ) -> Self:
        """Snapshot as `replace` does whose new tables are made when read.

        Parameters
        ----------
        names
            Tables that are replaced; the settings are not among them.
        make
            Gives the rows of one of them.
        """

        def part(name: str) -> _Part:
            return _part(name, _raw(name, make(name)), self.local_days)

        parts = LazyTables(self._parts, frozenset(names), part)
        made = type(self)(
            _parts=parts,
            _before=self._before,
            held=self.held,
            holds=self.holds,
            position=self.position,
            _memory=CheckMemory(self._memory),
        )
        if "settings" in self.__dict__:
            made.__dict__["settings"] = self.settings
        return made

    def to_folder(
        self,
        path: Path | str,
        format: Literal["parquet", "csv"] = "parquet",  # noqa: A002
    ) -> None:
        """Write every table that has rows; equal content gives equal bytes."""
        folder.write(Path(path), self.tables, format)

    def __getitem__(self, name: str) -> pl.DataFrame:
        try:
            return self._parts[name].normal.frame
        except KeyError:
            hint = nearest(name, self._parts)
            message = f"No planning table is called {name}{hint}."
            raise KeyError(message) from None

    @cached_property
    def tables(self) -> Mapping[str, pl.DataFrame]:
        """All tables by name, in the order of the schema."""
        return MappingProxyType(
            {name: part.normal.frame for name, part in self._parts.items()}
        )

    def input_rows(self, name: str) -> pl.Series:
        """Input row number (from 1) of each row of a table."""
        return self._parts[name].normal.rows

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that is wrong or odd, all at once: errors first."""
        own = [f for part in self._parts.values() for f in part.findings]
        cross = [
            found
            for check in checks()
            for found in self._memory.answer(
                check.name, check.ask, self, self._parts, check.narrow
            )
        ]
        unzoned = sum(part.normal.unzoned for part in self._parts.values())
        dated = [finding("SNAP062", value=unzoned)] if unzoned else []
        everything = [*self._before, *own, *dated, *cross]
        ranks = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}
        return tuple(sorted(everything, key=lambda found: ranks[found.severity]))

    def require(self, *, strict: bool = False) -> Self:
        """Snapshot itself if it can be planned.

        Parameters
        ----------
        strict
            Rows that are held stop it too, and so does what a planner refuses: the
            snapshot given leaves out nothing (`holds` is false).

        Raises
        ------
        BadData
            With all findings, if any is an error.
        """
        if has_errors(self.findings):
            raise BadData(self.findings)
        if strict and self.held:
            raise BadData((*self.held.errors, *self.findings))
        if not strict or not self.holds:
            return self
        memory = CheckMemory(self._memory)
        return type(self)(
            _parts=self._parts,
            _before=self._before,
            position=self.position,
            _memory=memory,
        )

    @cached_property
    def settings(self) -> Settings:
        """The settings row as a record.

        Raises
        ------
        BadData
            There is no row with a readable `as_of`.
        """
        rows = self["settings"].filter(pl.col("as_of").is_not_null())
        if rows.is_empty():
            raise BadData(self.findings)
        return Settings.from_row(rows.row(0, named=True))

    @cached_property
    def local_days(self) -> LocalDays:
        """Zones in which dates without a time are local days."""
        return LocalDays(self.__getitem__)

    @cached_property
    def is_priced(self) -> bool:
        """Whether any cell of money is above zero; else money says nothing."""
        for name, table in schema.tables().items():
            columns = [
                pl.col(column.name) > 0
                for column in table.columns.values()
                if column.type == "float" and "currency" in (column.unit or "")
            ]
            rows = self[name] if columns else None
            if (
                rows is not None
                and rows.select(pl.any_horizontal(columns).any()).item()
            ):
                return True
        return False

    @property
    def as_of(self) -> int:
        """Now of the plan [UTC seconds]."""
        return self.settings.as_of

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all tables that have rows; the order of rows does not matter."""
        return tree_hash(self.digests)

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of each table that has rows; tables that are shared keep theirs."""
        return {
            name: part.digest
            for name, part in self._parts.items()
            if part.normal.frame.height
        }

    @cached_property
    def planned_digests(self) -> Mapping[str, str]:
        """SHA-256 of what plans read of each table that has rows."""
        read = {
            name: sorted_hash(self[name].drop(columns))
            for name, columns in for_people().items()
            if name in self.digests
        }
        return {**self.digests, **read}

    @cached_property
    def network(self) -> Network:
        """Integer-coded arrays of the supply network, built on first use."""
        from medhavi.snapshot.network.network import Network

        return self._memory.answer(NETWORK_NAME, Network.of, self, self._parts, NETWORK)

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to other processes as plain tables; what is derived is made there."""
        held = replace(self.held, tables=dict(self.held.tables))
        return _restored, (type(self), dict(self._parts), self._before, held)

    def __str__(self) -> str:
        """Summarise: moment, row counts, findings, the first three problems."""
        moments = self["settings"].get_column("as_of").drop_nulls()
        moment = f"{moments[0]:%Y-%m-%d %H:%M} UTC" if len(moments) else "no as_of"
        counts = ", ".join(
            f"{frame.height:,} {name}"
            for name, frame in self.tables.items()
            if frame.height and name != "settings"
        )
        errors = sum(found.severity is Severity.ERROR for found in self.findings)
        head = f"Snapshot of {moment}: {counts or 'no rows'}"
        tail = f"{errors} errors, {len(self.findings) - errors} other findings"
        worst = [f"  {found}" for found in self.findings[:3]]
        return "\n".join([head, tail, *worst])

    def __repr__(self) -> str:
        """Name the fingerprint; `str` tells more."""
        return f"<Snapshot {self.fingerprint[:12]}>"


def _restored(
    kind: type[Snapshot],
    parts: dict[str, _Part],
    before: tuple[Finding, ...],
    held: HeldRows,
) -> Snapshot:
    return kind(_parts=MappingProxyType(parts), _before=before, held=held)


@cache
def _absent(name: str) -> _Part:
    """Share the part of a table without rows among all snapshots."""
    return _Part(name=name, normal=absent(name))


def _raw(name: str, rows: Rows) -> pl.DataFrame:
    """Rows as they were given, with the column names of the schema."""
    frame = rows if isinstance(rows, pl.DataFrame) else raw_frame(rows)
    return matched(frame, schema.tables()[name].columns)


def _part(name: str, raw: pl.DataFrame, days: LocalDays) -> _Part:
    if not raw.height and schema.tables()[name].columns.keys() >= set(raw.columns):
        return _absent(name)
    return _Part(name=name, normal=normalise(name, raw, days))


ACTIVE: Final = frozenset({"tentative", "reduced", "confirmed"})
"""States of a reservation that holds something."""


def active_holds(snapshot: Snapshot) -> pl.DataFrame:
    """Rows of `reservations` that are active at now of the plan, in their order.

    A row that is released, expired or past its `expires_at` holds nothing: a plan with
    it equals the plan without it.
    """
    rows = snapshot["reservations"]
    now = pl.lit(int(snapshot.as_of) * 1_000_000).cast(pl.Datetime("us", "UTC"))
    ends = pl.col("expires_at")
    return rows.filter(pl.col("state").is_in(ACTIVE) & (ends.is_null() | (ends > now)))


@cache
def for_people() -> Mapping[str, tuple[str, ...]]:
    """Columns that no plan reads, by the tables that have some."""
    found = {
        name: tuple(one.name for one in table.columns.values() if one.for_people)
        for name, table in schema.tables().items()
    }
    return MappingProxyType(
        {name: columns for name, columns in found.items() if columns}
    )
