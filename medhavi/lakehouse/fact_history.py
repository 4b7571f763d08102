"""Facts and overrides of some rows, in the order of their effect.

What a row is, is the fold of all facts about it and about what shares a fact with it:
a late fact has them folded anew, and the lineage of a cell shows them. What each cell
of master data said before is read from the same log.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from medhavi import schema
from medhavi.events.event_types.master_data import MASTER
from medhavi.findings import finding
from medhavi.lakehouse.folds.effect_order import (
    TimedFact,
    subjects_of,
    types_about,
    word_of,
)
from medhavi.lakehouse.folds.silver_state import Rejection, key_of, row_of
from medhavi.lakehouse.log.log_reading import facts
from medhavi.predict.master_data.cell_history import CHANGES, key_text
from medhavi.predict.master_data.like_rows import like_rules
from medhavi.schema import cell
from medhavi.snapshot.overrides import StandingOverride, key_texts
from medhavi.snapshot.tables import DTYPES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Collection, Mapping

    from medhavi.findings import Finding
    from medhavi.lakehouse.folds.effect_order import Subject
    from medhavi.lakehouse.folds.silver_state import Key, Row, State
    from medhavi.lakehouse.log.log_reading import EventLog, Moment

_MANY_SUBJECTS = 1_000
"""Subjects from which on the log is read whole instead of searched for each."""


class FactHistory:
    """Facts of a log up to a position, as a moment sees them.

    Parameters
    ----------
    moment
        Which facts count.
    until
        Position of the last event that is looked at.

    Attributes
    ----------
    amendments
        Voids and corrections among them.
    """

    def __init__(self, log: EventLog, moment: Moment, until: int) -> None:
        self._log = log
        self._moment = moment
        self._until = until
        self.amendments = log.amendments(moment.known_at).until(until)

    def marked(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Rows as amended, with the mark whether they count."""
        amended = self.amendments.applied(rows)
        return amended.with_columns(counts=self._moment.sees())

    def about(
        self, subjects: Collection[Subject], joints: Collection[str] | None = None
    ) -> list[TimedFact]:
        """All facts about some subjects and about what shares a fact with them.

        Parameters
        ----------
        joints
            Names of the shared subjects that are followed, such as sales_order; None:
            all, so that each subject of a fact has all of its facts.
        """
        wanted = set(subjects)
        searched: set[Subject] = set()
        known: dict[int, TimedFact] = {}
        while wanted - searched:
            rows = self.naming(wanted - searched).filter("counts")
            searched = set(wanted)
            for one in placed(rows.filter(~pl.col("position").is_in(list(known)))):
                about = subjects_of(one.fact)
                if not wanted.isdisjoint(about):
                    known[one.fact.position] = one
                    wanted.update(
                        one for one in about if joints is None or one[0] in joints
                    )
        return sorted(known.values(), key=lambda one: one.place)

    def naming(self, subjects: Collection[Subject]) -> pl.DataFrame:
        """Rows that may be about some subjects, marked; see `marked`."""
        named = {word_of(subject) for subject in subjects}
        searched = None not in named and len(named) <= _MANY_SUBJECTS
        words = {word for word in named if word} if searched else None
        types = types_about({subject[0] for subject in subjects})
        return self.marked(self._log.naming(types, words, self._until))


def placed(rows: pl.DataFrame) -> list[TimedFact]:
    """Facts of rows that can be decoded, with when each was recorded."""
    pairs = zip(facts(rows), rows["recorded_at"], strict=True)
    return [
        TimedFact(*pair) for pair in pairs if not isinstance(pair[0].body, Rejection)
    ]


def overridden(
    state: State, as_of: dt.datetime | None
) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    """All schema tables with the overrides that are valid at a moment."""
    valid = state.frame("overrides").filter(is_valid(as_of))
    found: list[Finding] = []
    if valid.height:
        state = state.copy()
        # The newest decision about a cell is the last one applied.
        for override in valid.sort("position").iter_rows(named=True):
            _override(state, override, found)
    return {table: state.frame(table) for table in DTYPES}, found


def is_valid(as_of: dt.datetime | None) -> pl.Expr:
    """Condition on overrides that hold at a moment; None: all do."""
    if as_of is None:
        return pl.lit(value=True)
    return (pl.col("valid_from").is_null() | (pl.col("valid_from") <= as_of)) & (
        pl.col("valid_to").is_null() | (pl.col("valid_to") > as_of)
    )


def _override(state: State, override: Row, found: list[Finding]) -> None:
    table, column = override["table"], override["column"]
    key = overridden_key(override)
    row = None if key is None else state.row(table, key)
    if key == ():
        row = row or {}  # settings that nobody has set yet
    if row is None:
        position, value = override["position"], override["key"]
        found.append(finding("LAKE007", table=table, value=value, position=position))
        return
    state.put(table, {**row, column: overriding_value(override)})


def standing_overrides(
    state: State, log: EventLog, now: dt.datetime
) -> tuple[StandingOverride, ...]:
    """Overrides that have not ended at a moment, the oldest first."""
    ends = pl.col("valid_to")
    rows = state.frame("overrides").filter(ends.is_null() | (ends > now))
    rows = rows.sort("position")
    if rows.is_empty():
        return ()
    told = log.rows_at(rows["position"]).rows_by_key(
        "position", named=True, unique=True
    )
    found = []
    for one in rows.iter_rows(named=True):
        table, key = one["table"], overridden_key(one)
        if key is None:
            continue
        event, names = told[one["position"]], schema.tables()[table].key
        found.append(
            StandingOverride(
                override=one["override"],
                table=table,
                key=msgspec.json.decode(one["key"]),
                column=one["column"],
                row=key_texts(table, dict(zip(names, key, strict=False))),
                value=overriding_value(one),
                stated=(state.row(table, key) or {}).get(one["column"]),
                actor=event["actor"] or "",
                recorded_at=event["recorded_at"],
                valid_from=one["valid_from"],
                valid_to=one["valid_to"],
            )
        )
    return tuple(found)


def overridden_key(override: Row) -> Key | None:
    """Key of the row that an override is about; None where it is no key."""
    return typed_key(override["table"], msgspec.json.decode(override["key"]))


def overriding_value(override: Row) -> Any:
    """Value that an override puts into its cell."""
    value = msgspec.json.decode(override["value"])
    return cell(override["table"], override["column"], value)


def typed_key(table: str, key: Mapping[str, str]) -> Key | None:
    """Read key cells from their text; None when they are no key of the table."""
    columns = schema.tables()[table].columns
    typed: dict[str, Any] = {}
    for name, text in key.items():
        if name not in columns:
            return None
        number = columns[name].type in {"int", "float", "bool"}
        try:
            typed[name] = cell(
                table, name, msgspec.json.decode(text) if number else text
            )
        except msgspec.MsgspecError:
            return None
    return key_of(table, typed)


_OVERRIDE = "OverrideRecorded"


def cell_changes(
    log: EventLog,
    known_at: dt.datetime | None = None,
    rows: Mapping[str, int] | None = None,
) -> pl.DataFrame:
    """Changes of the cells that are compared with like rows, in the order of the log.

    Parameters
    ----------
    known_at
        Events recorded up to then; default: all. Voided ones count as never said.
    rows
        Number of rows by table: one with as many events said each row once, and is
        passed over. None: all tables are read.
    """
    types = {
        f"{MASTER[table].singular}{verb}": table
        for table in like_rules()
        if table in MASTER
        for verb in ("Defined", "Changed")
    }
    if rows is not None:
        types = _said_again(log, types, rows)
    numbers = {table: tuple(columns) for table, columns in like_rules().items()}
    known: dict[tuple[str, str, str], float] = {}
    found: list[tuple[Any, ...]] = []
    for fact, _ in log.recorded_facts([*types, _OVERRIDE], known_at):
        body = fact.body
        if isinstance(body, Rejection):
            continue
        if fact.type == _OVERRIDE:
            key = typed_key(body.table, body.key)
            if key is None or body.column not in numbers.get(body.table, ()):
                continue
            stated = {body.column: body.value}
            table = body.table
        else:
            table = types[fact.type]
            row = row_of(table, body)
            key = key_of(table, row)
            stated = {name: row.get(name) for name in numbers[table]}
        text = key_text(key)
        for column, value in stated.items():
            if not isinstance(value, int | float) or value <= 0:
                continue
            before = known.get((table, text, column))
            known[table, text, column] = float(value)
            if before is not None and before != value:
                found.append((table, text, column, before, float(value)))
    return pl.DataFrame(found, schema=CHANGES, orient="row")


def _said_again(
    log: EventLog, types: Mapping[str, str], rows: Mapping[str, int]
) -> dict[str, str]:
    """Types of the tables that have more events than rows, or an override."""
    told = log.scan().filter(pl.col("type").is_in(list(types)))
    counted = told.group_by("type").len().collect()
    events = dict.fromkeys(types.values(), 0)
    for kind, number in counted.iter_rows():
        events[types[kind]] += number
    overridden = {
        fact.body.table
        for fact, _ in log.recorded_facts([_OVERRIDE])
        if not isinstance(fact.body, Rejection)
    }
    return {
        kind: table
        for kind, table in types.items()
        if table in overridden or events[table] > rows.get(table, 0)
    }
