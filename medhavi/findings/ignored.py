"""What a mode ignores of the tables, told to people in one line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.findings import Finding

TABLE, COLUMN, TOGETHER = "PLAN010", "PLAN011", "PLAN030"


def ignored_together(findings: Iterable[Finding]) -> list[Finding]:
    """Gather all tables and columns that a mode ignores into one finding.

    A plan and its files keep every row; pages and commands show these, which stand
    last.
    """
    kept, ignored = [], dict[str, list[str]]()
    for one in findings:
        if one.code in (TABLE, COLUMN):
            ignored.setdefault(one.value or "", []).append(one.code)
        else:
            kept.append(one)
    for mode, codes in ignored.items():
        parts = [
            f"{number:,} {word}{'s' * (number > 1)}"
            for word, number in (
                ("table", codes.count(TABLE)),
                ("column", codes.count(COLUMN)),
            )
            if number
        ]
        kept.append(finding(TOGETHER, value=mode, what=" and ".join(parts)))
    return kept
