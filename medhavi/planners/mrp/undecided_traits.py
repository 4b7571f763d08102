"""Traits that a mode cannot compare, and the rows whose use depends on them.

Mode optimize compares no traits; the other modes compare no quality class that
`settings.quality_classes` does not rank. Such a cell is refused by name. Of a snapshot
that leaves out what stops a plan (semantics 48) only those rows are refused that would
be compared: what asks for the trait, lots and substitutes of a product of such a class.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from medhavi.providers.material.traits import unranked

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from medhavi.snapshot import Snapshot

    Cell = tuple[str, str]
    InputRows = Mapping[str, tuple[int, ...]]

TRAITS = (
    ("demands", "requires"),
    ("demands", "min_quality"),
    ("products", "quality_class"),
)
"""What changes who is served by what."""
CLASSES = (*TRAITS[1:], ("stock", "quality"))
_OF_PRODUCT, _OF_LOT = CLASSES[1:]


class Refusal(NamedTuple):
    """Cells that a mode cannot obey, in words, with the input rows to leave out."""

    words: str
    rows: InputRows


def undecided(snapshot: Snapshot, refused: Sequence[Cell]) -> Iterator[Refusal]:
    """Cells with traits that a mode cannot compare.

    Parameters
    ----------
    snapshot
        What is to be planned.
    refused
        Cells of traits that the mode does not read at all; empty: it ranks classes.
    """
    for cell, odd, words in _odd_cells(snapshot, refused):
        if cell == _OF_PRODUCT and snapshot.holds:
            rows = _compared(snapshot, odd)
        elif cell == _OF_LOT and snapshot.holds:
            classes = snapshot["products"].select("product", own="quality_class")
            lots = _beside(snapshot, "stock", classes)
            differs = lots["quality"].ne_missing(lots["own"])
            rows = {cell[0]: _input_rows(snapshot, cell[0], odd & differs)}
        else:
            rows = {cell[0]: _input_rows(snapshot, cell[0], odd)}
        if any(rows.values()):
            yield Refusal(words, rows)


def undecided_classes(snapshot: Snapshot, refused: Sequence[Cell]) -> int:
    """Count the products of a class that the mode cannot compare."""
    odd = [
        mask for cell, mask, _ in _odd_cells(snapshot, refused) if cell == _OF_PRODUCT
    ]
    return sum(int(mask.sum()) for mask in odd)


def filled(snapshot: Snapshot, cell: Cell) -> pl.Series:
    """Rows of a table in which a column says something."""
    table, column = cell
    cells = snapshot[table][column]
    if cells.dtype == pl.List:
        return (cells.list.len() > 0).fill_null(value=False)
    return (
        (cells != "").fill_null(value=False)
        if cells.dtype == pl.String
        else (cells.is_not_null())
    )


def _odd_cells(
    snapshot: Snapshot, refused: Sequence[Cell]
) -> Iterator[tuple[Cell, pl.Series, str]]:
    """Cells with the rows in question and the words that refuse them."""
    if refused:
        for cell in refused:
            odd = filled(snapshot, cell)
            if odd.any():
                yield cell, odd, f"{'.'.join(cell)} ({int(odd.sum())} cells)"
        return
    if not any(filled(snapshot, cell).any() for cell in CLASSES[:2]):
        return
    cells = {".".join(cell): snapshot[cell[0]][cell[1]].to_list() for cell in CLASSES}
    found = unranked(_ranking(snapshot), cells)
    for cell in CLASSES:
        names = found.get(".".join(cell))
        if names:
            odd = snapshot[cell[0]][cell[1]].is_in(names).fill_null(value=False)
            words = f"{'.'.join(cell)} {', '.join(names)}"
            told = "(settings.quality_classes, best first, does not rank them)"
            yield cell, odd, f"{words} {told}"


def _ranking(snapshot: Snapshot) -> Sequence[str]:
    stated = snapshot["settings"]["quality_classes"].to_list()
    return (stated or [()])[0] or ()


def _compared(snapshot: Snapshot, odd: pl.Series) -> InputRows:
    """Lots, substitutes and demands that are compared with the class of a product."""
    classes = snapshot["products"].select("product", given="quality_class")
    own = classes.filter(odd).rename({"given": "own"})
    lots = _beside(snapshot, "stock", own).with_columns(
        given=pl.coalesce("quality", "own")
    )
    others = _beside(snapshot, "substitutes", own).join(
        classes.rename({"product": "substitute"}),
        on="substitute",
        how="left",
        maintain_order="left",
    )
    asking = _beside(snapshot, "demands", own)["own"].is_not_null()
    asking &= filled(snapshot, TRAITS[1])
    ranking = _ranking(snapshot)
    return {
        "stock": _input_rows(snapshot, "stock", _unsure(lots, ranking)),
        "substitutes": _input_rows(snapshot, "substitutes", _unsure(others, ranking)),
        "demands": _input_rows(snapshot, "demands", asking),
    }


def _beside(snapshot: Snapshot, table: str, own: pl.DataFrame) -> pl.DataFrame:
    """Rows of a table with the class `own` of their product, if in question."""
    return snapshot[table].join(own, on="product", how="left", maintain_order="left")


def _unsure(lines: pl.DataFrame, ranking: Sequence[str]) -> pl.Series:
    """Lines of which it is not sure that class `given` is at least `own`."""
    ranks = {name: rank for rank, name in enumerate(ranking)}
    given, own = (
        pl.col(name).replace_strict(ranks, default=None, return_dtype=pl.Int64)
        for name in ("given", "own")
    )
    fits = (pl.col("given") == pl.col("own")) | (given <= own)
    in_question = pl.col("own").is_not_null()
    return lines.select(in_question & ~fits.fill_null(value=False)).to_series()


def _input_rows(snapshot: Snapshot, table: str, odd: pl.Series) -> tuple[int, ...]:
    return tuple(snapshot.input_rows(table).filter(odd).to_list())
