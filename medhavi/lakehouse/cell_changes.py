"""Changes of the numbers of master data: what each cell said before, from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.events.event_types.master_data import MASTER
from medhavi.lakehouse.fact_history import typed_key
from medhavi.lakehouse.folds.silver_state import Rejection, key_of, row_of
from medhavi.predict.master_data.cell_history import CHANGES, key_text
from medhavi.predict.master_data.like_rows import like_rules

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from medhavi.lakehouse.log.log_reading import EventLog

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
