"""Events of a SQLite file as Arrow tables: through ADBC, or from rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from medhavi.events.envelope import arrow_schema

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def table_by_adbc(
    path: Path, columns: str, after: int, count: int, chunk: int
) -> pa.Table | None:
    """Read `count` events after a position; None where ADBC cannot.

    Notes
    -----
    The driver takes a column's type from its first batch and calls a column of nulls
    an integer, so a chunk is one batch and is cast by itself.
    """
    import adbc_driver_sqlite.dbapi as adbc
    import pyarrow as pa

    sql = f"SELECT {columns} FROM events WHERE position > ? ORDER BY position LIMIT ?"
    schema = arrow_schema()
    tables: list[pa.Table] = []
    try:
        with adbc.connect(f"{path.as_uri()}?mode=ro", autocommit=True) as connection:
            while count > 0:
                size = min(count, chunk)
                with connection.cursor() as cursor:
                    cursor.adbc_statement.set_options(
                        **{"adbc.sqlite.query.batch_rows": str(size)}
                    )
                    cursor.execute(sql, (after, size))
                    table = cursor.fetch_arrow_table().cast(schema)
                # Rows of other programs may hold bytes that are no text.
                table.validate(full=True)
                tables.append(table)
                after = table["position"][-1].as_py()
                count -= size
    except (adbc.Error, pa.ArrowInvalid):
        # The slower way reads everything too and names what is wrong.
        return None
    return pa.concat_tables(tables)


def table_by_rows(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Turn rows in the order of the envelope's columns into a table."""
    import pyarrow as pa

    schema = arrow_schema()
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [
        _array(column, field.type)
        for column, field in zip(columns, schema, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=schema)


def _array(column: tuple[Any, ...], kind: pa.DataType) -> pa.Array:
    import pyarrow as pa

    if pa.types.is_timestamp(kind):
        return pa.array(column, pa.int64()).cast(kind)
    if pa.types.is_int32(kind):
        # Another program may state a version that no column holds: then the nearest.
        column = tuple(max(-(2**31), min(number, 2**31 - 1)) for number in column)
    return pa.array(column, kind)
