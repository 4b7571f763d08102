"""Make the planning tables of one moment from the state of silver.

Silver keeps every order that there ever was; a snapshot holds what still matters: open
demands, orders still to come, holds in force, stock that is there. What they refer to
stays with them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from medhavi import schema
from medhavi.findings import finding
from medhavi.lakehouse.folds.silver_state import key_of
from medhavi.schema.cells import cell
from medhavi.snapshot import Snapshot
from medhavi.snapshot.tables import DTYPES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from medhavi.findings import Finding
    from medhavi.lakehouse.folds.silver_state import Key, Row, State

_DEMANDS_DONE = ("closed", "cancelled")
_ORDERS_DONE = ("completed", "closed", "cancelled")
_REASONED = ("LAKE001", "LAKE008")
"""Codes whose `column` in quality is a reason or a stream, not a column."""
_HOLDS_DONE = ("released", "expired")


def assemble(
    state: State, as_of: dt.datetime | None, about: Sequence[Finding] = ()
) -> Snapshot:
    """Snapshot of a state.

    Parameters
    ----------
    state
        Silver at the moment.
    as_of
        Now of the plan; None where nothing is known yet (the snapshot then says that
        its settings are missing).
    about
        Further findings, about the log.
    """
    frames, found = _overridden(state, as_of)
    frames["settings"] = _settings(frames["settings"], as_of)
    _keep_what_matters(frames, as_of)
    found = [*quality_findings(state), *about, *found]
    return Snapshot.from_frames(frames, findings=found).hold_bad_rows()


def _settings(frame: pl.DataFrame, as_of: dt.datetime | None) -> pl.DataFrame:
    """Set `as_of`, in whole seconds as instants are."""
    if as_of is None:
        return frame
    row = frame if frame.height else pl.DataFrame({"as_of": [None]})
    moment = as_of.replace(microsecond=0)
    return row.with_columns(as_of=pl.lit(moment, dtype=DTYPES["settings"]["as_of"]))


def _keep_what_matters(
    frames: dict[str, pl.DataFrame], as_of: dt.datetime | None
) -> None:
    holds = _without(frames["reservations"], "state", _HOLDS_DONE)
    frames["stock"] = frames["stock"].filter(pl.col("qty") != 0)
    frames["reservations"] = holds
    orders = frames["supply_orders"]
    demands = frames["demands"]
    open_orders = _without(orders, "status", _ORDERS_DONE)
    open_demands = _without(demands, "status", _DEMANDS_DONE)
    # A peg or a hold of something finished has nothing left to bind.
    pegs = frames["pegs"].filter(
        pl.col("demand").is_in(open_demands["demand"].implode())
        & (
            pl.col("supply").is_in(open_orders["supply_order"].implode())
            | pl.col("supply").str.contains("|", literal=True)
        )
    )
    named = pl.concat([holds["demand"], open_orders["demand"]]).drop_nulls()
    frames["pegs"] = pegs
    frames["supply_orders"] = open_orders
    frames["demands"] = demands.filter(
        pl.col("demand").is_in(open_demands["demand"].implode())
        | pl.col("demand").is_in(named.implode())
    )
    frames["supply_order_steps"] = frames["supply_order_steps"].filter(
        pl.col("supply_order").is_in(open_orders["supply_order"].implode())
    )
    if as_of is not None:
        frames["disruptions"] = frames["disruptions"].filter(
            pl.col("valid_to").is_null() | (pl.col("valid_to") > as_of)
        )


def _without(frame: pl.DataFrame, column: str, values: tuple[str, ...]) -> pl.DataFrame:
    """Drop rows by a closed list; an empty cell is its default and stays."""
    return frame.filter(~pl.col(column).is_in(values).fill_null(value=False))


def _overridden(
    state: State, as_of: dt.datetime | None
) -> tuple[dict[str, pl.DataFrame], list[Finding]]:
    """Apply the overrides that are valid at the moment; give all schema tables."""
    valid = state.frame("overrides")
    if as_of is not None:
        valid = valid.filter(
            (pl.col("valid_from").is_null() | (pl.col("valid_from") <= as_of))
            & (pl.col("valid_to").is_null() | (pl.col("valid_to") > as_of))
        )
    found: list[Finding] = []
    if valid.height:
        state = state.copy()
        # The newest decision about a cell is the last one applied.
        for override in valid.sort("position").iter_rows(named=True):
            _override(state, override, found)
    return {table: state.frame(table) for table in DTYPES}, found


def _override(state: State, override: Row, found: list[Finding]) -> None:
    table, column = override["table"], override["column"]
    key = _typed_key(table, msgspec.json.decode(override["key"]))
    row = None if key is None else state.row(table, key)
    if row is None:
        position, value = override["position"], override["key"]
        found.append(finding("LAKE007", table=table, value=value, position=position))
        return
    value = cell(table, column, msgspec.json.decode(override["value"]))
    state.put(table, {**row, column: value})


def _typed_key(table: str, key: dict[str, str]) -> Key | None:
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


def quality_findings(state: State) -> list[Finding]:
    """What the fold could not make sense of, in order of position."""
    return [
        replace(
            finding(
                row["code"],
                table=row["table"],
                column=None if row["code"] in _REASONED else row["column"],
                value=row["value"],
                position=row["position"],
                type=row["type"],
                reason=row["column"],
                detail=row["detail"],
                first=row["detail"],
                occurred_at=str(row["detail"]).rpartition(", ")[0],
                overtaken=str(row["detail"]).rpartition(", ")[2],
            ),
            source=row["type"],
        )
        for row in state.frame("quality").iter_rows(named=True)
    ]
