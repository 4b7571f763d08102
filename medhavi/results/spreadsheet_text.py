"""Texts that spreadsheets would take for formulas, in files that people open there.

A cell of a CSV file that begins with = + - @, a tab or a carriage return is run as a
formula by common spreadsheets, whoever wrote the text. An apostrophe before it makes it
text; what begins with apostrophes and then so gets one more, so that reading the file
again gives what was written. Numbers, instants and truth values stay as they are.
"""

from __future__ import annotations

import polars as pl

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
