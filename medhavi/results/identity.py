"""Stable ids of objects (design 3.1), and numbers of planned orders (rule 44).

An id is 16 lower-case hex characters, a 64-bit value of its parts. Each distinct text
becomes 64 bits by BLAKE2b; the columns of a row are then folded with the finaliser of
SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195), one vector operation
per part. Nothing depends on hash seeds, processes, threads or the byte order of the
machine. Quantities and dates are never parts of an id.

Collisions: among n ids the chance of any clash is about n² / 2⁶⁵, 7·10⁻⁹ for 500,000.
It is not ignored: the functions that make ids raise when two different rows of one
table share an id, and `results.verify` checks ids again.

The parts, in their order:

========== ===================================================================
supply     kind, product, location, source, first cause (demand or policy
           slice), ordinal among equal ones
operation  supply, step, part (counts the rows of a step: segment, resource)
peg        demand, supply, slice (counts the pegs between the two)
========== ===================================================================

A letter for the kind (P make, B buy, T move), the location and a counter. Numbers are
given in the order of ids, stay with the id once given, and are never given again: what
is planned under the id of a proposal that became an order has the next number.
Orders that exist already are called by their own id.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


Hashes = NDArray[np.uint64]
Part = (
    pl.Series | NDArray[np.uint64] | NDArray[np.int64] | Sequence[str] | Sequence[int]
)

GAMMA = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_NOTHING = np.uint64(0x6E756C6C6E756C6C)
_FEW = 64
"""Texts of a column that are hashed one by one: sooner than a column is coded."""
_HEX = np.frombuffer(
    "".join(f"{byte:02x}" for byte in range(256)).encode("ascii"), dtype=np.uint16
)


def text_hash(text: str) -> int:
    """64-bit value of one text.

    >>> f"{text_hash('X-100'):016x}"
    'f39fef108dc59d95'
    """
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "little")


def text_hashes(texts: pl.Series | Iterable[str | None]) -> Hashes:
    """64-bit value of every text; each distinct text is hashed once.

    Parameters
    ----------
    texts
        A series of strings or an iterable of them; None has a value of its own.

    Returns
    -------
    ndarray
        Shape (n,), uint64.
    """
    series = (
        texts if isinstance(texts, pl.Series) else pl.Series(texts, dtype=pl.String)
    )
    if series.dtype != pl.String:
        series = series.cast(pl.String)
    if series.null_count() == len(series):
        return np.full(len(series), _NOTHING)
    if len(series) <= _FEW:
        few = [
            _NOTHING if text is None else text_hash(text) for text in series.to_list()
        ]
        return np.array(few, dtype=np.uint64)
    distinct = series.drop_nulls().unique(maintain_order=True)
    encoded = distinct.cast(pl.Binary).to_list()
    digests = b"".join([blake2b(text, digest_size=8).digest() for text in encoded])
    values = np.append(np.frombuffer(digests, dtype="<u8"), _NOTHING).astype(np.uint64)
    if len(distinct) == len(series):
        return values[:-1]
    codes = series.cast(pl.Enum(distinct)).to_physical().cast(pl.Int64)
    picked: Hashes = values[codes.fill_null(len(distinct)).to_numpy()]
    return picked


def mixed(*parts: Part) -> Hashes:
    """Fold the parts of each row to one 64-bit value; their order counts.

    Parameters
    ----------
    *parts
        Columns of equal length: texts, whole numbers, or values already hashed (uint64
        arrays, which are taken as they are).

    Returns
    -------
    ndarray
        Shape (n,), uint64.
    """
    folded: Hashes | None = None
    for part in parts:
        value = _hashed(part)
        folded = spread(value) if folded is None else spread(_turned(folded) ^ value)
    if folded is None:
        message = "An id needs at least one part."
        raise ValueError(message)
    return folded


def hex_texts(values: Hashes) -> pl.Series:
    """Write 64-bit values as 16 lower-case hex characters, most significant first.

    >>> hex_texts(np.array([255], dtype=np.uint64)).to_list()
    ['00000000000000ff']
    """
    digits = _HEX[values.astype(">u8").view(np.uint8)]
    return pl.Series(digits.view("S16")).cast(pl.String)


def ordinals(*parts: Part) -> NDArray[np.int64]:
    """Count the rows with equal parts: 0 for the first, 1 for the second and so on.

    The count follows the order of the rows, so give them in an order that does not
    depend on the order of the input.

    >>> ordinals(["a", "b", "a"]).tolist()
    [0, 0, 1]
    """
    values = mixed(*parts)
    order = np.argsort(values, kind="stable")
    ranked = values[order]
    place = np.arange(len(values), dtype=np.int64)
    first = np.ones(len(values), dtype=np.bool_)
    first[1:] = ranked[1:] != ranked[:-1]
    counts = np.empty(len(values), dtype=np.int64)
    counts[order] = place - np.maximum.accumulate(np.where(first, place, 0))
    return counts


def supply_ids(
    kind: Part,
    product: Part,
    location: Part,
    source: Part,
    cause: Part,
    ordinal: Part,
) -> pl.Series:
    """Ids of new supplies.

    Parameters
    ----------
    kind, product, location, source
        What the supply is: make, buy or move; its main product; where it arrives; its
        routing, supplier or lane.
    cause
        The demand or policy slice that first caused it.
    ordinal
        Counts the supplies that are equal in all else; see `ordinals`.
    """
    return _unique(mixed(kind, product, location, source, cause, ordinal), "supplies")


def coproduct_id(order: str, product: str) -> str:
    """Id of a co-product's row: the id of its order and the product.

    >>> coproduct_id("9f0c", "WHEY")
    '9f0c|WHEY'
    """
    return f"{order}|{product}"


def stock_id(product: str, location: str, lot: str) -> str:
    """Name of a stock lot as pegs use it.

    >>> stock_id("X", "DC1", "")
    'X|DC1|'
    """
    return f"{product}|{location}|{lot}"


def operation_ids(supply: Part, step: Part, part: Part) -> pl.Series:
    """Ids of operations; `part` counts the rows of a step of a supply."""
    return _unique(mixed(supply, step, part), "operations")


def peg_ids(demand: Part, supply: Part, slice_number: Part) -> pl.Series:
    """Ids of pegs; `slice_number` counts the pegs between the same two."""
    return _unique(mixed(demand, supply, slice_number), "pegging")


def content_hashes(frame: pl.DataFrame, exclude: Sequence[str] = ()) -> pl.Series:
    """Hash of the content of each row: all columns but `exclude`.

    The id of a row says which thing it is, its content hash says whether it changed.
    """
    return hex_texts(content_values(frame, exclude))


def content_values(frame: pl.DataFrame, exclude: Sequence[str] = ()) -> Hashes:
    """Content hashes as numbers: shape (n_rows,), uint64."""
    parts = [
        _content_part(column)
        for column in frame.iter_columns()
        if column.name not in exclude
    ]
    return mixed(*parts) if parts else np.zeros(frame.height, dtype=np.uint64)


def _content_part(column: pl.Series) -> Hashes:
    nulls = column.null_count()
    if nulls == len(column):
        return np.full(len(column), _NOTHING)
    if column.dtype == pl.String:
        return text_hashes(column)
    if column.dtype.is_float():
        # -0.0 and 0.0 are one value, and so are all texts of "not a number".
        numbers = column.cast(pl.Float64).fill_null(0.0).to_numpy() + 0.0
        numbers = np.where(np.isnan(numbers), np.nan, numbers)
        values: Hashes = numbers.view(np.uint64)
    else:
        whole = column.to_physical().cast(pl.Int64).fill_null(0).to_numpy()
        values = whole.astype(np.int64).view(np.uint64)
    if nulls:
        values = np.where(column.is_null().to_numpy(), _NOTHING, values)
    return values


def _hashed(part: Part) -> Hashes:
    if isinstance(part, np.ndarray):
        whole = part if part.dtype == np.uint64 else part.astype(np.int64)
        return whole.view(np.uint64)
    series = part if isinstance(part, pl.Series) else pl.Series(part)
    if series.dtype.is_integer():
        return series.cast(pl.Int64).to_numpy().view(np.uint64)
    return text_hashes(series)


def _turned(values: Hashes) -> Hashes:
    """Rotate and shift away from zero, so that (a, b) and (b, a) differ."""
    return ((values << np.uint64(23)) | (values >> np.uint64(41))) + GAMMA


def spread(values: Hashes) -> Hashes:
    """Apply the finaliser of SplitMix64 to every value; arithmetic is modulo 2⁶⁴."""
    out = values + GAMMA
    out ^= out >> np.uint64(30)
    out *= _FIRST
    out ^= out >> np.uint64(27)
    out *= _SECOND
    out ^= out >> np.uint64(31)
    return out


def _unique(values: Hashes, table: str) -> pl.Series:
    ids = hex_texts(values)
    if pl.Series(values).n_unique() != len(values):
        message = (
            f"Two rows of {table} have the same id; "
            "give equal rows different ordinals (see results.identity.ordinals)."
        )
        raise ValueError(message)
    return ids


LETTERS: Final[Mapping[str, str]] = MappingProxyType(
    {"make": "P", "buy": "B", "move": "T"}
)
"""First letter of a number, by kind of order."""
REGISTER: Final[Mapping[str, pl.DataType]] = MappingProxyType(
    {
        "id": pl.String(),
        "number": pl.String(),
        "prefix": pl.String(),
        "counter": pl.Int64(),
    }
)
"""Columns of a register: the numbers that were given so far."""

DIGITS: Final = 4
"""Least digits of a counter."""

_PROPOSED = "planned"
_BECAME = r"^(?:WO|PO|TO)-(.+)$"
"""Id of an order: what follows is that of the number of its proposal."""
_COUNTER = r"-(\d+)(?:/\d+)?$"
_SHORT = 12
_FIRMED = r"^(?:WO|PO|TO)-([0-9a-f]{12})(?:-(\d+))?$"
"""Ids of orders of earlier versions: begin of the proposal's id, which order."""


def register_of(supplies: pl.DataFrame) -> pl.DataFrame:
    """Register of the numbers that the planned orders of a plan bear.

    Parameters
    ----------
    supplies
        Rows of a plan's `supplies`.
    """
    rows = _orders(supplies).filter(pl.col("number") != pl.col("id"))
    counter = pl.col("number").str.extract(_COUNTER, 1).cast(pl.Int64, strict=False)
    return rows.select(
        "id",
        "number",
        prefix=pl.col("number").str.replace(_COUNTER, ""),
        counter=counter.fill_null(0),
    )


def new_numbers(supplies: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """Numbers of the planned orders that a register lacks, in the order of ids.

    It lacks also those whose number an order has become.

    Parameters
    ----------
    supplies
        Rows of a plan's `supplies`.
    register
        Columns of `REGISTER`.

    Returns
    -------
    DataFrame
        Columns of `REGISTER`; counters go on where those of the register end.
    """
    last = register.group_by("prefix").agg(pl.col("counter").max().alias("last"))
    letter = pl.col("kind").replace_strict(dict(LETTERS), default="O")
    orders = _orders(supplies).with_columns(letter=letter)
    planned = pl.col("status") == _PROPOSED
    became = orders.filter(~planned).select(
        number=pl.concat_str("letter", pl.lit("-"), pl.col("id").str.extract(_BECAME))
    )
    given = _newest(register).join(became, on="number", how="anti")
    return (
        orders.filter(planned)
        .join(given.select("id"), on="id", how="anti")
        .sort("id")
        .with_columns(
            prefix=pl.concat_str(
                "letter", pl.lit("-"), pl.col("location").fill_null("")
            )
        )
        .join(last, on="prefix", how="left", maintain_order="left")
        .with_columns(
            counter=pl.col("last").fill_null(0)
            + pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over("prefix")
        )
        .select(
            "id",
            pl.concat_str(
                "prefix",
                pl.lit("-"),
                pl.col("counter").cast(pl.String).str.zfill(DIGITS),
            ).alias("number"),
            "prefix",
            "counter",
        )
    )


def with_numbers(supplies: pl.DataFrame, register: pl.DataFrame) -> pl.DataFrame:
    """Supplies whose `number` is that of the register, else their own id.

    A planned order that the register lacks gets the next number; the row of a
    co-product bears the number of its order, an order that became of a proposal that
    of the proposal and which of its orders it is: P-LODZ-0417/1.
    """
    if supplies.is_empty():
        return supplies
    known = _newest(pl.concat([register, new_numbers(supplies, register)]))
    # Only what the register holds: a proposal of this plan made no order yet.
    begun = register.select(
        pl.col("number").alias("proposal"), part=pl.col("id").str.head(_SHORT)
    ).unique("part", keep="first", maintain_order=True)
    named = (
        supplies.select(order=_order())
        .with_columns(
            part=pl.col("order").str.extract(_FIRMED, 1),
            count=pl.col("order").str.extract(_FIRMED, 2).fill_null("1"),
        )
        .join(
            known.select("number", order="id"),
            on="order",
            how="left",
            maintain_order="left",
        )
        .join(begun, on="part", how="left", maintain_order="left")
    )
    firmed = pl.concat_str("proposal", pl.lit("/"), "count")
    numbers = named.select(pl.coalesce("number", firmed, "order")).to_series()
    return supplies.with_columns(number=numbers)


def order_id(supplies: pl.DataFrame, order: str) -> str:
    """Id of the order that a person names by its number or by its id.

    What is neither is given back as it came: who looks it up says so.
    """
    if order in supplies["id"]:
        return order
    hits = supplies.filter(pl.col("number") == order).select(_order()).to_series()
    return str(hits[0]) if hits.len() else order


def _order() -> pl.Expr:
    """Id of the order of a row: a co-product's is that before its product."""
    end = pl.concat_str(pl.lit("|"), pl.col("product").fill_null(""))
    of_product = pl.col("order_qty").is_null() & pl.col("id").str.ends_with(end)
    return (
        pl.when(of_product)
        .then(pl.col("id").str.strip_suffix(end))
        .otherwise(pl.col("id"))
    )


def _newest(register: pl.DataFrame) -> pl.DataFrame:
    """The number of each id that was given last."""
    return register.sort("counter").unique("id", keep="last", maintain_order=True)


def _orders(supplies: pl.DataFrame) -> pl.DataFrame:
    """One row an order: of its main row what it is numbered by."""
    columns = "id", "number", "kind", "status", "product", "location", "order_qty"
    own = supplies.select(columns).filter(_order() == pl.col("id"))
    return own.unique("id", keep="first")
