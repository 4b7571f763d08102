"""Findings: coded statements about data, collected and never raised one by one.

Codes live in TOML files beside this module, one file a domain; each code has a
severity, a title, a message template, a remedy and an example. `docs/findings.md` is
generated from them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

from medhavi.errors import MedhaviError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Severity(StrEnum):
    """How much a finding matters: errors stop a plan, warnings are priced."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingCode:
    """Entry of the catalogue.

    `message` and `remedy` are `str.format` templates over the fields of a finding
    (table, row, column, value) and the extra fields given when it is made.
    """

    code: str
    severity: Severity
    title: str
    message: str
    remedy: str
    example: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One coded statement with its place and its way out.

    `row` counts data rows of the input file from 1; None where no row applies. One that
    stands for more of a kind names their code in `left_out` and their rows in `rows`.
    `source` is the type of event that it comes from, where it comes from one.
    `subject` has the ids that it speaks of, where a planner looks for their rows.
    """

    code: str
    severity: Severity
    table: str | None
    row: int | None
    column: str | None
    value: str | None
    message: str
    remedy: str
    left_out: str | None = field(default=None, compare=False, repr=False)
    rows: tuple[int, ...] = field(default=(), compare=False, repr=False)
    source: str | None = field(default=None, compare=False, repr=False)
    subject: tuple[str, ...] = field(default=(), compare=False, repr=False)

    def __str__(self) -> str:
        """One line: code, place, message, remedy."""
        place = " ".join(
            part
            for part in (
                self.table,
                f"row {self.row}" if self.row is not None else None,
                f"column {self.column}" if self.column else None,
            )
            if part
        )
        return f"{self.code} {self.severity}: {place + ': ' if place else ''}" + (
            f"{self.message} {self.remedy}".strip()
        )

    def as_dict(self) -> dict[str, object]:
        """Keys of rule 25 of the semantics."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "table": self.table,
            "row": self.row,
            "column": self.column,
            "value": self.value,
            "message": self.message,
            "remedy": self.remedy,
        }


class BadData(MedhaviError):  # noqa: N818 - reads as what it is
    """The data has errors; all of them are in `findings`."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        errors = [f for f in self.findings if f.severity is Severity.ERROR]
        super().__init__("\n".join(str(f) for f in errors))


@lru_cache(maxsize=1)
def catalog() -> Mapping[str, FindingCode]:
    """Read all codes of the package, sorted by code."""
    codes: dict[str, FindingCode] = {}
    for entry in sorted(
        resources.files("medhavi.findings").iterdir(), key=lambda path: path.name
    ):
        if entry.name.endswith(".toml"):
            for code, row in tomllib.loads(entry.read_text("utf-8")).items():
                codes[code] = FindingCode(
                    code=code,
                    severity=Severity(row["severity"]),
                    title=row["title"],
                    message=row["message"],
                    remedy=row["remedy"],
                    example=row.get("example", ""),
                )
    return dict(sorted(codes.items()))


def finding(
    code: str,
    *,
    table: str | None = None,
    row: int | None = None,
    column: str | None = None,
    value: object = None,
    **fields: object,
) -> Finding:
    """Make a finding from its catalogue entry.

    Raises
    ------
    KeyError
        The code or a field of its template is unknown (a defect of the caller).
    """
    entry = catalog()[code]
    known = {"table": table, "row": row, "column": column, "value": value, **fields}
    return Finding(
        code=code,
        severity=entry.severity,
        table=table,
        row=row,
        column=column,
        value=None if value is None else str(value),
        message=entry.message.format(**known),
        remedy=entry.remedy.format(**known),
    )


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any finding stops a plan."""
    return any(f.severity is Severity.ERROR for f in findings)
