"""Lineage of a row: the events whose fold it is, and the overrides above them.

The facts about the row are folded anew, one by one, by the fold that makes the tables:
what a fact changes is what it changed there. Facts that share an order or a batch with
the row are folded with it; other rows of theirs are no concern of it.
"""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from medhavi import schema
from medhavi.errors import UsageError
from medhavi.lakehouse.fact_history import (
    FactHistory,
    is_valid,
    overridden_key,
    overriding_value,
    placed,
    typed_key,
)
from medhavi.lakehouse.folds.effect_order import subjects_of, types_about
from medhavi.lakehouse.folds.projections import FOLDS, apply
from medhavi.lakehouse.folds.silver_state import KEYS, STATE_DTYPES, State
from medhavi.lakehouse.log import mirror
from medhavi.results.reports.lineage import Lineage, LineageStep, Standing, StepEffect
from medhavi.snapshot.checks.held_rows import CODE, REASON
from medhavi.snapshot.reading.row_findings import nearest

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Iterator, Mapping

    from medhavi.lakehouse.folds.effect_order import Subject
    from medhavi.lakehouse.folds.silver_state import Key, Row
    from medhavi.lakehouse.log.log_reading import EventLog, Moment
    from medhavi.snapshot import Snapshot

_JOINTS = frozenset({"sales_order", "forecast_rows", "estimates"})
"""Subjects by which a fact reaches a row that it does not name."""
_LATE, _UNREADABLE = "LAKE008", "LAKE001"
"""Codes of what came late, and of what cannot be decoded."""


class TableCell(NamedTuple):
    """Row or cell whose lineage is asked for."""

    table: str
    key: Key
    column: str | None = None

    @property
    def text(self) -> str:
        """Key cells as text, joined by |."""
        return "|".join("" if one is None else str(one) for one in self.key).rstrip("|")

    @property
    def subject(self) -> Subject:
        """What facts about the row share."""
        if self.table == "supply_order_steps":
            return ("supply_orders", self.key[0])
        if self.table == "estimates":
            return ("estimates", self.key[0])
        return (self.table, *self.key)

    def cells(self, before: Row | None, after: Row | None) -> dict[str, Any]:
        """TableCell cells that differ: column to value before and after."""
        old, new = before or {}, after or {}
        names = [self.column] if self.column else [*dict.fromkeys((*old, *new))]
        return {
            name: (old.get(name), new.get(name))
            for name in names
            if old.get(name) != new.get(name)
        }


def asked(table: str, key: str | Mapping[str, str], column: str | None) -> TableCell:
    """Row or cell of a planning table.

    Parameters
    ----------
    key
        Key cells by column, or their texts in the order of the key, joined by |; cells
        at the end may be left out where they have a default.

    Raises
    ------
    UsageError
        There is no such table or column, or the key is none of the table.
    """
    known = schema.tables()
    if table not in known:
        message = f"There is no planning table {table!r}{nearest(table, known)}."
        raise UsageError(message)
    columns = known[table].columns
    if column is not None and column not in columns:
        message = f"{table} has no column {column!r}{nearest(column, columns)}."
        raise UsageError(message)
    names = known[table].key
    parts = key
    if isinstance(key, str):
        texts = key.split("|", len(names) - 1) if names else []
        pairs = zip(names, texts, strict=False)
        # A last text that is empty stands for the default, as the key itself does.
        parts = {name: text for name, text in pairs if text}
    assert not isinstance(parts, str)
    typed = typed_key(table, parts)
    if typed is None or (names and not parts):
        message = f"{key!r} is not a key of {table}: give {'|'.join(names)}."
        raise UsageError(message)
    return TableCell(table, typed, column)


def without_events(row: TableCell) -> Lineage:
    """Lineage of a row of a log without events."""
    return Lineage(
        table=row.table, key=row.text, column=row.column, standing=Standing.UNKNOWN
    )


class _Step(NamedTuple):
    """Step before its event is read."""

    position: int
    effect: StepEffect
    cells: Mapping[str, tuple[Any, Any]] = MappingProxyType({})
    codes: tuple[str, ...] = ()
    detail: str = ""
    occurred_at: dt.datetime | None = None


class LineageReading:
    """Facts of a log as a moment sees them, for the lineage of its rows.

    Parameters
    ----------
    snapshot
        Planning tables of the moment, as planners read them.
    """

    def __init__(
        self, log: EventLog, moment: Moment, state: State, snapshot: Snapshot
    ) -> None:
        self._log = log
        self._moment = moment
        self._state = state
        self._snapshot = snapshot
        self._history = FactHistory(log, moment, log.head)

    def of(self, row: TableCell) -> Lineage:
        """Lineage of a row or of one of its cells."""
        folded, stated = self._folded(row)
        above = self._overrides(row, stated)
        refused = [*self._left_out(row), *self._unread(row)]
        standing, shown, reason = self._standing(row, stated, bool(folded))
        told = Lineage(
            table=row.table,
            key=row.text,
            column=row.column,
            standing=standing,
            reason=reason,
            steps=self._steps(folded, refused, above),
        )
        if row.column is None:
            return told
        cell = (stated or {}).get(row.column)
        value = cell if shown is None else shown[row.column]
        hidden = any(one.effect is StepEffect.OVERRIDDEN for one in above)
        return replace(
            told,
            value=value,
            stated=cell,
            unit=schema.tables()[row.table].columns[row.column].unit or "",
            origin=_origin(row, cell, value, hidden=hidden),
        )

    def _folded(self, row: TableCell) -> tuple[list[_Step], Row | None]:
        """Facts that changed what is asked for or were refused, and the row stated."""
        state, found = State(), []
        complaints = self._complaints(row)
        for fact, _ in self._history.about([row.subject], joints=_JOINTS):
            before = state.row(row.table, row.key)
            apply(state, [fact])
            after = state.row(row.table, row.key)
            cells = row.cells(before, after)
            codes = complaints.get(fact.position, ())
            refused = before == after and set(codes) - {_LATE}
            if not cells and not refused:
                continue
            effect = StepEffect.REFUSED if refused else StepEffect.STATED
            found.append(
                _Step(
                    fact.position,
                    StepEffect.REMOVED if cells and after is None else effect,
                    cells,
                    codes,
                    occurred_at=fact.occurred_at,
                )
            )
        return found, state.row(row.table, row.key)

    def _complaints(self, row: TableCell) -> dict[int, tuple[str, ...]]:
        """Codes of what the fold did not make sense of in the row, by position."""
        named = row.column or "" if row.table == "settings" else row.text
        rows = self._state.frame("quality").filter(
            (pl.col("table") == row.table)
            & (pl.col("value").str.strip_chars_end("|") == named)
        )
        found: dict[int, tuple[str, ...]] = {}
        for position, code in rows.select("position", "code").iter_rows():
            found[position] = (*found.get(position, ()), code)
        return found

    def _left_out(self, row: TableCell) -> Iterator[_Step]:
        """Facts about the row that are voided, or take effect after the moment."""
        rows = self._history.naming([row.subject]).filter(~pl.col("counts"))
        if self._moment.known_at is not None:
            rows = rows.filter(pl.col("recorded_at") <= self._moment.known_at)
        for voided, part in (
            (True, rows.filter("voided")),
            (False, rows.filter(~pl.col("voided"))),
        ):
            for fact, _ in placed(part):
                if row.subject in subjects_of(fact):
                    effect = StepEffect.VOIDED if voided else StepEffect.NOT_IN_EFFECT
                    yield _Step(fact.position, effect, occurred_at=fact.occurred_at)

    def _unread(self, row: TableCell) -> Iterator[_Step]:
        """Quarantined events of these types whose payload names the row."""
        words = [one for one in row.key if isinstance(one, str) and one]
        if not words:
            return
        types = types_about({row.subject[0]})
        rows = mirror.rejected(self._state, self._log).filter(
            (pl.col("type").is_in(types) | ~pl.col("type").is_in(list(FOLDS)))
            & pl.all_horizontal(
                pl.col("payload").str.contains(word, literal=True) for word in words
            )
        )
        for one in rows.iter_rows(named=True):
            detail = (
                one["detail"]
                if one["code"] == _UNREADABLE
                else (f"delivered before, as position {one['detail']}")
            )
            yield _Step(
                one["position"], StepEffect.REFUSED, codes=(one["code"],), detail=detail
            )

    def _overrides(self, row: TableCell, stated: Row | None) -> list[_Step]:
        """Overrides of what is asked for, in the order in which they are applied."""
        about = self._state.frame("overrides").filter(pl.col("table") == row.table)
        if row.column is not None:
            about = about.filter(pl.col("column") == row.column)
        about = about.with_columns(holds=is_valid(self._moment.effective_at))
        found, before = [], dict(stated or {})
        for one in about.sort("position").iter_rows(named=True):
            if overridden_key(one) != row.key:
                continue
            if not one["holds"] or stated is None:
                found.append(
                    _Step(one["position"], StepEffect.NOT_VALID, detail=_validity(one))
                )
                continue
            column, value = one["column"], overriding_value(one)
            cells = {column: (before.get(column), value)}
            before[column] = value
            found.append(
                _Step(
                    one["position"], StepEffect.OVERRIDDEN, cells, detail=_validity(one)
                )
            )
        return found

    def _standing(
        self,
        row: TableCell,
        stated: Row | None,
        told: bool,  # noqa: FBT001
    ) -> tuple[Standing, Row | None, str]:
        """Where the row stands, as planners read it, and why it is left out."""
        same = [
            pl.col(name).eq_missing(pl.lit(cell, dtype=STATE_DTYPES[row.table][name]))
            for name, cell in zip(KEYS[row.table], row.key, strict=True)
        ]
        # A table of one row has no key.
        same = same or [pl.lit(value=True)]
        shown = self._snapshot[row.table].filter(same)
        if shown.height:
            return Standing.PLANNED, shown.row(0, named=True), ""
        held = self._snapshot.held.tables.get(row.table)
        left = held.filter(same) if held is not None else shown
        if left.height:
            one = left.row(0, named=True)
            return Standing.HELD, one, f"{one[CODE]}: {one[REASON]}"
        if stated is not None:
            return Standing.FINISHED, None, ""
        return (Standing.REMOVED if told else Standing.UNKNOWN), None, ""

    def _steps(self, *parts: Iterable[_Step]) -> tuple[LineageStep, ...]:
        """Steps with their events: facts in the order of their effect come first."""
        found = [one for part in parts for one in part]
        positions = pl.Series([one.position for one in found], dtype=pl.Int64())
        rows = self._history.amendments.applied(self._log.rows_at(positions))
        events = {row["position"]: row for row in rows.iter_rows(named=True)}
        amending = {
            target: one
            for one in self._history.amendments.members
            if one.fault is None
            for target in one.targets
        }
        steps = []
        for one in found:
            row, amended = events[one.position], amending.get(one.position)
            steps.append(
                LineageStep(
                    effect=one.effect,
                    position=one.position,
                    type=row["type"],
                    event=row["event_id"],
                    stream=row["stream"],
                    actor=row["actor"] or "",
                    occurred_at=one.occurred_at or row["occurred_at"],
                    recorded_at=row["recorded_at"],
                    cells=one.cells,
                    codes=one.codes,
                    detail=one.detail,
                    amended_by=None if amended is None else amended.position,
                )
            )
        return tuple(steps)


def _origin(row: TableCell, stated: Any, value: Any, *, hidden: bool) -> str:
    if row.table == "settings" and row.column == "as_of":
        return "moment"
    if hidden:
        return "override"
    return "default" if stated is None and value is not None else "events"


def _validity(override: Row) -> str:
    """Validity of an override in words; nothing where it holds for ever."""
    ends = [
        f"{word} {override[name]:%Y-%m-%d %H:%M} UTC"
        for word, name in (("from", "valid_from"), ("until", "valid_to"))
        if override[name] is not None
    ]
    return " ".join(ends)
