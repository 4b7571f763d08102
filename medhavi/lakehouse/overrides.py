"""Overrides: values of people in place of stated cells while they are valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from medhavi import schema
from medhavi.findings import finding
from medhavi.lakehouse.folds.silver_state import key_of
from medhavi.schema import cell
from medhavi.snapshot.tables import DTYPES

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping

    from medhavi.findings import Finding
    from medhavi.lakehouse.folds.silver_state import Key, Row, State


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
    if row is None:
        position, value = override["position"], override["key"]
        found.append(finding("LAKE007", table=table, value=value, position=position))
        return
    state.put(table, {**row, column: overriding_value(override)})


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
