"""Names of given columns, matched to those of the schema.

Upper and lower case, spaces around a name and spaces for underscores make no
difference where one column alone can be meant. A column that is dropped is an error
where its name is close to one that the table lacks: a plan without it would differ.
"""

from __future__ import annotations

import re
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from medhavi.findings import finding
from medhavi.snapshot.reading.row_findings import LISTED, more, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import polars as pl

    from medhavi.findings import Finding

_SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "amount": "qty",
        "quantity": "qty",
        "item": "product",
        "sku": "product",
        "article": "product",
        "material": "product",
        "part": "product",
        "site": "location",
        "plant": "location",
        "warehouse": "location",
        "vendor": "supplier",
        "client": "customer",
        "machine": "resource",
        "unit": "uom",
        "minimumorderquantity": "moq",
        "minorderqty": "moq",
        "duedate": "due",
        "deliverydate": "due",
        "leadtime": "lead_time_days",
        "validuntil": "valid_to",
        "duration": "duration_hours",
    }
)
"""Words of other systems for columns, by folded name."""

_ENDINGS: Final = re.compile(
    r"_(?:id|code|no|nr|number|date|days?|minutes?|hours?|pct|percent|kg|m3)$"
)
"""Endings that state a unit or a kind, which people add or leave out."""


def _folded(name: str) -> str:
    return re.sub(r"[\s\-]+", "_", name.strip().casefold())


def _bare(name: str) -> str:
    """Name without its unit, case and separators: what is compared for closeness."""
    return _ENDINGS.sub("", _folded(name)).replace("_", "")


def matched(raw: pl.DataFrame, known: Collection[str]) -> pl.DataFrame:
    """Frame with the names of the schema where one column alone can be meant.

    >>> import polars as pl
    >>> matched(pl.DataFrame({" Due Date": [1], "QTY": [2]}), ["qty", "due"]).columns
    [' Due Date', 'qty']
    """
    others = [name for name in raw.columns if name not in known]
    folded = Counter(_folded(name) for name in others)
    wanted = {_folded(name): name for name in known if name not in raw.columns}
    return raw.rename(
        {
            name: wanted[_folded(name)]
            for name in others
            if _folded(name) in wanted and folded[_folded(name)] == 1
        }
    )


def meant(name: str, lacking: Collection[str]) -> str | None:
    """Column that a table lacks and an unknown name stands for, else None.

    >>> meant("qtty", ["qty"]), meant("Due date", ["due"]), meant("colour", ["qty"])
    ('qty', 'due', None)
    """
    synonym = _SYNONYMS.get(_folded(name).replace("_", ""))
    if synonym in lacking:
        return synonym
    bare = _bare(name)
    by_distance = sorted(
        (_distance(bare, _bare(column)), column)
        for column in lacking
        if abs(len(bare) - len(_bare(column))) <= _MOST
    )
    if not by_distance:
        return None
    distance, column = by_distance[0]
    return column if distance <= _allowed(len(_bare(column))) else None


_MOST: Final = 2


def _allowed(length: int) -> int:
    """Typing slips at which a name still means another: one, two of long names."""
    return 0 if length < 3 else 1 if length < 7 else _MOST


def _distance(first: str, second: str) -> int:
    """Count of insertions, deletions, changes and swaps between two words.

    >>> _distance("qtty", "qty"), _distance("mioq", "moiq")
    (1, 1)
    """
    before: list[int] = []
    row = list(range(len(second) + 1))
    for place, letter in enumerate(first, 1):
        last, before, row = before, row, [place]
        for other, compared in enumerate(second, 1):
            cost = min(
                before[other] + 1,
                row[-1] + 1,
                before[other - 1] + (letter != compared),
            )
            swapped = place > 1 and other > 1 and letter == second[other - 2]
            if swapped and first[place - 2] == compared:
                cost = min(cost, last[other - 2] + 1)
            row.append(cost)
    return row[-1]


def unknown_columns(
    table: str, given: Collection[str], known: Collection[str]
) -> list[Finding]:
    """List the unknown columns; those that the plan would miss are errors."""
    unknown = [name for name in given if name not in known]
    lacking = [name for name in known if name not in given]
    found = []
    for name in unknown[:LISTED]:
        column = meant(name, lacking)
        if column is None:
            hint = nearest(name, known)
            found.append(finding("SNAP001", table=table, column=name, nearest=hint))
        else:
            found.append(finding("SNAP061", table=table, column=name, meant=column))
    return found + more("SNAP001", table, None, len(unknown) - LISTED)
