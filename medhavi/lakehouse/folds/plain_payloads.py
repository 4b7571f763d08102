"""Payloads of facts as columns, where they are written as this package writes them.

A pattern reads a payload whole or not at all: names in the order of the type, no space,
no escape, numbers of few digits, instants in UTC. What it reads, `decode` reads alike;
what it does not read (another program's spelling, a mistake) is left to `decode`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from medhavi.events.admission import LONGEST_TEXT
from medhavi.events.event_types.catalog import MASTER, TYPES
from medhavi.lakehouse.folds.silver_state import STATE_DTYPES
from medhavi.snapshot.tables import INSTANT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TEXT = r'[^"\\\x00-\x1f]*'
_DAY = (
    # A day that every year has.
    r"(?:19|2[01])[0-9]{2}-"
    r"(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
_WRITTEN: Mapping[type, tuple[str, str]] = {
    # A number of at most nine digits and six decimals.
    msgspec.inspect.StrType: ('"', _TEXT),
    msgspec.inspect.FloatType: (
        "",
        r"0|-?(?:[1-9][0-9]{0,8}(?:\.[0-9]{1,6})?|0\.[0-9]{1,6})",
    ),
    msgspec.inspect.IntType: ("", r"0|[1-9][0-9]{0,8}"),
    msgspec.inspect.BoolType: ("", r"true|false"),
    msgspec.inspect.DateTimeType: ('"', rf"{_DAY}T{_TIME}(?:\.[0-9]{{6}})?Z"),
    msgspec.inspect.DateType: ('"', _DAY),
    msgspec.inspect.TimeType: ('"', _TIME),
    msgspec.inspect.ListType: ("", rf'\[(?:"{_TEXT}"(?:,"{_TEXT}")*)?\]'),
}
"""How a payload writes a cell, by kind of field: the quote around it, its pattern."""

_OF_SUPPLY: Mapping[str, pl.DataType] = {
    "started_at": INSTANT,
    **STATE_DTYPES["supply_order_steps"],
    **STATE_DTYPES["supply_orders"],
    **STATE_DTYPES["stock"],
}
_OF_MASTER = {
    f"{master.singular}{verb}": STATE_DTYPES[table]
    for table, master in MASTER.items()
    for verb in ("Defined", "Changed", "Retired")
}


def _used(type_name: str) -> Mapping[str, pl.DataType]:
    """Fields of payloads that are folded, with the types of their columns."""
    return _OF_MASTER.get(type_name, _OF_SUPPLY)


def read_plain(rows: pl.DataFrame) -> pl.DataFrame:
    """Cells of the payloads that their pattern reads whole, beside what names the fact.

    Parameters
    ----------
    rows
        Rows of the log, with the columns of `with_kinship`: of stock and supply orders,
        or of one table of master data.
    """
    narrow = ("position", "type", "occurred_at", "relative")
    short = rows.filter(pl.col("payload").str.len_bytes() <= LONGEST_TEXT)
    found = [rows.select(narrow).clear()]
    for (kind,), part in short.partition_by("type", as_dict=True).items():
        name = str(kind)
        nothing = pl.DataFrame(schema=dict(_used(name)))
        found.append(pl.concat([found[0], nothing], how="horizontal"))
        texts = part.filter(pl.col("schema_version") == TYPES[name].version)
        read = texts["payload"].str.extract_groups(_pattern(name)).struct.unnest()
        typed = read.select(_typed(cell, _kinds(name)[cell]) for cell in read.columns)
        whole = pl.concat([texts.select(narrow), typed], how="horizontal")
        found.append(whole.filter(pl.col(read.columns[0]).is_not_null()))
    return pl.concat(found, how="diagonal")


@cache
def _kinds(type_name: str) -> dict[str, type]:
    """Kinds of the fields of a flat payload, in the order in which it is written."""
    found: dict[str, type] = {}
    for field in msgspec.structs.fields(TYPES[type_name].payload):
        shape: Any = msgspec.inspect.type_info(field.type)
        while type(shape) not in _WRITTEN:
            if isinstance(shape, msgspec.inspect.Metadata):
                shape = shape.type
            else:
                nothing = msgspec.inspect.NoneType
                shape = next(one for one in shape.types if not isinstance(one, nothing))
        found[field.encode_name] = type(shape)
    return found


@cache
def _pattern(type_name: str) -> str:
    """Pattern of a payload as this package writes it, with the cells that are used."""
    fields = msgspec.structs.fields(TYPES[type_name].payload)
    required = {field.encode_name for field in fields if field.required}
    parts: list[str] = []
    for name, kind in _kinds(type_name).items():
        quote, cell = _WRITTEN[kind]
        group = f"(?P<{name}>{cell})" if name in _used(type_name) else f"(?:{cell})"
        part = f'{"," if parts else ""}"{name}":{quote}{group}{quote}'
        parts.append(part if name in required else f"(?:{part})?")
    return rf"^\{{{''.join(parts)}\}}$"


def _typed(name: str, kind: type) -> pl.Expr:
    return _READ.get(kind, _as_text)(pl.col(name))


def _as_text(cell: pl.Expr) -> pl.Expr:
    return cell


_READ: Mapping[type, Callable[[pl.Expr], pl.Expr]] = {
    msgspec.inspect.FloatType: lambda cell: cell.cast(pl.Float64),
    msgspec.inspect.IntType: lambda cell: cell.cast(pl.Int64),
    msgspec.inspect.BoolType: lambda cell: cell == "true",
    msgspec.inspect.DateTimeType: lambda cell: cell.str.to_datetime(
        "%Y-%m-%dT%H:%M:%S%.fZ", time_unit="us", time_zone="UTC"
    ),
    msgspec.inspect.DateType: lambda cell: cell.str.to_date("%Y-%m-%d"),
    msgspec.inspect.TimeType: lambda cell: cell.str.to_time("%H:%M:%S"),
    msgspec.inspect.ListType: lambda cell: cell.str.json_decode(pl.List(pl.String())),
}
"""Column of what a pattern read, by kind of field; else it is the text itself."""
