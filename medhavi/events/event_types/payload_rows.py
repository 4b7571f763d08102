"""Payload types that are rows of planning tables, generated from the schema.

A row payload has a field per column of its table: required columns must be there, every
other field may be absent, which means an empty cell (the snapshot then takes the
default that the schema states). Bounds and closed lists are told by the JSON schema and
checked by the snapshot, which names every problem at once; the codec checks names and
types.
"""

from __future__ import annotations

import datetime as dt
import keyword
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from medhavi.schema import tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from medhavi.schema import Column

_TYPES: Mapping[str, Any] = {
    "str": str,
    "int": int,
    "float": float,
    "bool": bool,
    "timestamp": Annotated[dt.datetime, msgspec.Meta(tz=True)],
    "date": dt.date,
    "time": Annotated[dt.time, msgspec.Meta(tz=False)],
    "list": list[str],
}


class Payload(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """Base of all payloads: immutable, absent means default, no unknown field."""


def _described(column: Column) -> str:
    unit = f" [{column.unit}]" if column.unit else ""
    return f"{column.meaning}{unit}".strip()


def _annotation(column: Column) -> Any:
    extra: dict[str, Any] = {}
    if column.one_of:
        extra["enum"] = list(column.one_of)
    bounds = {
        "minimum": column.min,
        "maximum": column.max,
        "exclusiveMinimum": column.min_open,
    }
    extra.update({word: bound for word, bound in bounds.items() if bound is not None})
    if not column.required and "enum" in extra:
        extra["enum"].append(None)
    meta = msgspec.Meta(
        description=_described(column) or None, extra_json_schema=extra or None
    )
    kind = _TYPES[column.type]
    return Annotated[kind if column.required else kind | None, meta]


def _python_name(column: str) -> str:
    return f"{column}_" if keyword.iskeyword(column) else column


def row_type(
    table: str,
    name: str,
    *,
    doc: str,
    columns: Iterable[str] | None = None,
    extra: Mapping[str, Any] | None = None,
) -> Any:
    """Make the payload type `name` with the columns of a table.

    Parameters
    ----------
    columns
        Only these columns (a key); None: all.
    extra
        Further fields: name → annotation (required) or (annotation, default).
    """
    chosen = tables()[table].columns
    names = tuple(chosen) if columns is None else tuple(columns)
    fields: list[Any] = []
    renamed: dict[str, str] = {}
    for column in (chosen[n] for n in names):
        python = _python_name(column.name)
        if python != column.name:
            renamed[python] = column.name
        annotation = _annotation(column)
        fields.append(
            (python, annotation) if column.required else (python, annotation, None)
        )
    for field, declared in (extra or {}).items():
        fields.append(
            (field, *declared) if isinstance(declared, tuple) else (field, declared)
        )
    return msgspec.defstruct(
        name,
        fields,
        bases=(Payload,),
        module=__name__,
        namespace={"__doc__": doc},
        frozen=True,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
        rename=renamed or None,
    )


Instant = Annotated[dt.datetime, msgspec.Meta(tz=True)]
"""An aware instant; JSON carries it as ISO 8601 in UTC with Z."""


def says(meaning: str, unit: str | None = None) -> msgspec.Meta:
    """Describe a payload field: meaning and unit, for people and the JSON schema."""
    return msgspec.Meta(description=f"{meaning} [{unit}]" if unit else meaning)
