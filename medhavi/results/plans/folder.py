"""A plan as a folder: tables as Parquet or CSV, and what is told about them as JSON.

Equal plans give byte-equal Parquet files in one environment: rows are sorted by key,
written in one chunk with fixed settings, and nothing of the machine enters them.

A cell of a CSV file that begins with = + - @, a tab or a carriage return is run as a
formula by common spreadsheets, whoever wrote the text. An apostrophe before it makes it
text; what begins with apostrophes and then so gets one more, so that reading the file
again gives what was written. Numbers, instants and truth values stay as they are.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from medhavi.errors import UsageError
from medhavi.results.plans.tables import SCHEMAS, shaped
from medhavi.snapshot.reading.outside_file import read_written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from medhavi.results.plans.tables import Schema


_FORMULA = r"^'*[=+\-@\t\r]"
_GUARDED = r"^'('*[=+\-@\t\r])"

WORKBOOK_OPTIONS = {
    "nan_inf_to_errors": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
"""How a workbook is written in which texts stay texts, for xlsxwriter."""


def guarded(frame: pl.DataFrame) -> pl.DataFrame:
    """Put an apostrophe before texts that a spreadsheet would run.

    Examples
    --------
    >>> guarded(pl.DataFrame({"id": ["=1+1", "A-1", "'-x"], "qty": [-1, 2, 3]})).rows()
    [("'=1+1", -1), ('A-1', 2), ("''-x", 3)]
    """
    text = pl.col(pl.String)
    return frame.with_columns(
        pl.when(text.str.contains(_FORMULA))
        .then(pl.lit("'") + text)
        .otherwise(text)
        .name.keep()
    )


def unguarded(frame: pl.DataFrame) -> pl.DataFrame:
    """Take away the apostrophes that `guarded` put.

    Examples
    --------
    >>> unguarded(pl.DataFrame({"id": ["'=1+1", "'", "''-x"]}))["id"].to_list()
    ['=1+1', "'", "'-x"]
    """
    return frame.with_columns(pl.col(pl.String).str.replace(_GUARDED, "$1"))


Format = Literal["parquet", "csv"]
_ROWS = 131_072
INSTANT_TEXT = "%Y-%m-%dT%H:%M:%SZ"
"""How an instant stands in CSV and JSON."""


def write_tables(
    folder: Path,
    tables: Iterable[tuple[str, pl.DataFrame]],
    file_format: Format,
    *,
    raw: bool = False,
) -> None:
    """Write each table as `<name>.parquet` or `<name>.csv`.

    Parameters
    ----------
    tables
        Names and frames, rows in key order.
    raw
        Texts of CSV files as they are, also such as a spreadsheet would run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables:
        ordered = frame.rechunk()
        if file_format == "csv":
            safe = ordered if raw else guarded(ordered)
            safe.write_csv(folder / f"{name}.csv", datetime_format=INSTANT_TEXT)
        else:
            ordered.write_parquet(
                folder / f"{name}.parquet",
                compression="zstd",
                compression_level=1,
                statistics=True,
                row_group_size=_ROWS,
            )


def write_arrow(path: Path, frame: pl.DataFrame) -> None:
    """Write a frame as an Arrow file whose bytes are those of its cells alone.

    Texts stand one after the other: views of them would tell how the frame was made.
    """
    frame.rechunk().write_ipc(path, compat_level=pl.CompatLevel.oldest())


def write_frames(
    folder: Path, frames: Mapping[str, pl.DataFrame], file_format: Format
) -> None:
    """Write frames in their own order; lists are joined in CSV."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        if file_format == "csv":
            flat = frame.with_columns(
                pl.col(column).list.join("; ")
                for column, dtype in frame.schema.items()
                if dtype == pl.List
            )
            guarded(flat).write_csv(folder / f"{name}.csv")
        else:
            frame.rechunk().write_parquet(
                folder / f"{name}.parquet", compression="zstd", compression_level=1
            )


def read_tables(folder: Path) -> dict[str, pl.DataFrame]:
    """Read the tables of a folder; an absent file is a table without rows.

    Raises
    ------
    UsageError
        The folder holds no result of Medhavi.
    """
    read_record(folder, "plan", "plan", "run.json")
    return {
        name: shaped(name, read_table(folder, name, schema))
        for name, schema in SCHEMAS.items()
    }


def write_json(path: Path, value: object) -> None:
    """Write readable JSON: UTF-8, two spaces, a final line feed."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    path.write_text(text + "\n", "utf-8")


def read_record(folder: Path, kind: str, command: str, *names: str) -> dict[str, Any]:
    """Read the first of some files that a command wrote, where all are there.

    Raises
    ------
    UsageError
        The folder is no result of that kind.
    """
    for name in names:
        if not (folder / name).is_file():
            message = (
                f"{folder} holds no {name}, so it is not a {kind}; give the folder that "
                f"`medhavi {command} --out` wrote."
            )
            raise UsageError(message)
    return read_json(folder / names[0])


def read_json(path: Path) -> dict[str, object]:
    """Read an object; an absent file is an empty one."""
    if not path.is_file():
        return {}
    value = json.loads(path.read_text("utf-8"))
    return value if isinstance(value, dict) else {}


def read_table(folder: Path, name: str, schema: Schema) -> pl.DataFrame:
    """Read a table of either format; an absent file is a table without rows."""
    parquet, csv = folder / f"{name}.parquet", folder / f"{name}.csv"
    if parquet.is_file():
        return read_written(parquet)
    if not csv.is_file():
        return pl.DataFrame(schema=dict(schema))
    texts = unguarded(pl.read_csv(csv, infer_schema=False))
    known = [item for item in schema.items() if item[0] in texts.columns]
    return texts.select(_typed(*item) for item in known)


def _typed(column: str, dtype: pl.DataType) -> pl.Expr:
    text = pl.col(column)
    if dtype == pl.Datetime:
        return text.str.to_datetime(INSTANT_TEXT, time_unit="us", time_zone="UTC")
    if dtype == pl.Boolean:
        return pl.when(text.is_not_null()).then(text == "true").alias(column)
    return text.cast(dtype)
