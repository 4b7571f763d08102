"""Findings told together: of one kind in one place, or what a mode does not keep to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from medhavi.findings import Finding, Severity, finding

if TYPE_CHECKING:
    from collections.abc import Iterable


TABLE, COLUMN, RELAXED = "PLAN010", "PLAN011", "PLAN013"
WORDS = {TABLE: "table", COLUMN: "column", RELAXED: "column"}
TOGETHER = {TABLE: "PLAN030", COLUMN: "PLAN030", RELAXED: "PLAN031"}


def ignored_together(findings: Iterable[Finding]) -> list[Finding]:
    """Gather all that a mode ignores into one finding, what it relaxes into another.

    A plan and its files keep every row; pages and commands show these, which stand
    last.
    """
    kept: list[Finding] = []
    ignored: dict[tuple[str, str], list[str]] = {}
    for one in findings:
        if one.code in TOGETHER:
            key = TOGETHER[one.code], one.value or ""
            ignored.setdefault(key, []).append(one.code)
        else:
            kept.append(one)
    for (code, mode), codes in ignored.items():
        counts = Counter(WORDS[one] for one in sorted(codes))
        parts = [
            f"{number:,} {word}{'s' * (number > 1)}" for word, number in counts.items()
        ]
        kept.append(finding(code, value=mode, what=" and ".join(parts)))
    return kept


FEW = 3
"""Findings of one group that are still told one by one."""
LISTED = 100
"""Findings of one group that a file or a JSON answer lists."""

Place = tuple[str, str | None, str | None, str | None]
"""Code, table, column and source: what a group has in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingGroup:
    """Findings of one code, table, column and source, in their order."""

    findings: tuple[Finding, ...]

    @property
    def count(self) -> int:
        """Number of findings."""
        return len(self.findings)

    def as_finding(self) -> Finding:
        """One finding for people in place of all."""
        first, last = self.findings[0], self.findings[-1]
        source = f" from {first.source}" if first.source else ""
        message = (
            f"{self.count:,} times{source}, first {_place(first)}, last {_place(last)}. "
            f"For example: {first.message}"
        )
        return replace(first, row=None, message=message)

    def as_dict(self) -> dict[str, object]:
        """Collect common cells of the findings, their number and an example."""
        first, last = self.findings[0], self.findings[-1]
        return {
            "code": first.code,
            "severity": str(first.severity),
            "table": first.table,
            "column": first.column,
            "source": first.source,
            "count": self.count,
            "first": first.value if first.row is None else first.row,
            "last": last.value if last.row is None else last.row,
            "example": first.message,
        }


def _place(found: Finding) -> str:
    return str(found.value) if found.row is None else f"row {found.row}"


def groups(findings: Iterable[Finding]) -> list[FindingGroup]:
    """Group findings by code, table, column and source, in order of the first."""
    found: dict[Place, list[Finding]] = {}
    for one in findings:
        key = (one.code, one.table, one.column, one.source)
        found.setdefault(key, []).append(one)
    return [FindingGroup(findings=tuple(members)) for members in found.values()]


def told_together(findings: Iterable[Finding]) -> list[Finding]:
    """List a large group for people as one finding, small ones one by one."""
    told: list[Finding] = []
    for group in groups(ignored_together(findings)):
        if group.count <= FEW:
            told.extend(group.findings)
        else:
            told.append(group.as_finding())
    return told


def as_json(findings: Iterable[Finding]) -> dict[str, object]:
    """List findings of a JSON document: the first of each group, and all groups.

    At most `LISTED` of a group are listed; `finding_groups` counts all of them.
    """
    everything = list(findings)
    together = groups(everything)
    left_out = {id(one) for group in together for one in group.findings[LISTED:]}
    return {
        "findings": [one.as_dict() for one in everything if id(one) not in left_out],
        "finding_groups": [group.as_dict() for group in together],
    }


def told_findings(rows: object) -> tuple[Finding, ...]:
    """Findings of a list of dictionaries, as `Finding.as_dict` gives them."""
    if not isinstance(rows, list):
        return ()
    return tuple(
        Finding(**{**row, "severity": Severity(row["severity"])}) for row in rows
    )
