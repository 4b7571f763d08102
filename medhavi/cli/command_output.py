"""What a command says: one answer on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import TYPE_CHECKING, TextIO

from medhavi.results.amounts import (
    MINUS,
    NO_PRICES,
    figure,
    full_money,
    is_currency,
    number,
)

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.progress import Progress
    from medhavi.results.figures.measure import Measure
    from medhavi.results.plans.plan import KeyFigure


_FILE_WIDTH = 120
"""Characters of a line where the text goes into a file."""
_BETWEEN = 3
"""Characters between two columns of a table."""


class CommandOutput:
    """One call of the program: what it found, what it answers, how it ends.

    With `as_json` stdout gets exactly one object, at the end; text for people then goes
    to stderr. Findings go to stderr in both cases, one line each; what a mode ignores
    is one line unless `verbose`, and in full in the JSON object.
    """

    def __init__(
        self, *, as_json: bool, out: TextIO, err: TextIO, verbose: bool = False
    ) -> None:
        self.as_json = as_json
        self.verbose = verbose
        self.out = out
        self.err = err
        self.findings: list[Finding] = []
        self.facts: dict[str, object] = {}
        self.failed = False

    def say(self, text: str = "") -> None:
        """Write text for people."""
        print(text, file=self.err if self.as_json else self.out)

    def note(self, text: str) -> None:
        """Write progress or advice; never part of the answer."""
        print(text, file=self.err, flush=True)

    def progress(self, progress: Progress) -> None:
        """Write where long work stands; never part of the answer."""
        self.note(str(progress))

    def report(self, findings: Iterable[Finding]) -> None:
        """Take findings into the answer; errors among them end in exit code 1."""
        from medhavi.findings import has_errors
        from medhavi.findings.groups import told_together

        told = set(self.findings)
        fresh = [found for found in dict.fromkeys(findings) if found not in told]
        self.findings.extend(fresh)
        self.failed = self.failed or has_errors(fresh)
        for finding in fresh if self.verbose else told_together(fresh):
            self.note(one_line(str(finding)))

    def answer(self, **facts: object) -> None:
        """Add keys to the object that `--json` prints."""
        self.facts.update(facts)

    def finish(self, exit_code: int) -> None:
        """Print the object, if one was asked for."""
        if not self.as_json:
            return
        from medhavi.findings.groups import as_json

        document = {
            **self.facts,
            "exit_code": exit_code,
            **as_json(self.findings),
        }
        print(json.dumps(document, ensure_ascii=False, default=plain), file=self.out)


_CURRENT: ContextVar[CommandOutput] = ContextVar("conversation")


def begin(arguments: Sequence[str]) -> CommandOutput:
    """Open the conversation of this call."""
    conversation = CommandOutput(
        as_json="--json" in arguments,
        out=sys.stdout,
        err=sys.stderr,
        verbose=bool({"--verbose", "--all"} & {*arguments}),
    )
    _CURRENT.set(conversation)
    return conversation


def talk() -> CommandOutput:
    """Conversation of the running command."""
    return _CURRENT.get()


def one_line(text: str) -> str:
    """Join lines, so that one finding is one line."""
    return " ".join(text.split())


def plain(value: object) -> object:
    """JSON form of a value that JSON does not know: instants, paths, enums."""
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    if isinstance(value, tuple):
        return list(value)
    isoformat = getattr(value, "isoformat", None)
    return isoformat() if isoformat is not None else str(value)


def show_measures(figures: Mapping[str, Sequence[Measure]]) -> None:
    """Print key figures by code, and answer with them."""
    from medhavi.results.figures.kpis import figures_table

    rows = figures_table(figures)
    names = ("kpi", "name", "value", "unit", "numerator", "denominator", "reason")
    show_table(names, rows.select(names).rows())
    talk().answer(figures=rows.to_dicts())


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table for people, numbers to the right.

    One that is too wide, and has fewer rows than columns, is turned: a line a column.
    """
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    conversation = talk()
    stream = conversation.err if conversation.as_json else conversation.out
    console = Console(
        file=stream,
        width=None if stream.isatty() else _FILE_WIDTH,
        highlight=False,
        markup=False,
    )
    taken = [list(row) for row in rows]
    wide = _natural_width(columns, taken) > console.width
    turned = wide and 0 < len(taken) < len(columns)
    if turned:
        first, *others = columns
        columns = (first, *(cell_text(row[0]) for row in taken))
        cells = zip(*(row[1:] for row in taken), strict=True)
        taken = [[name, *own] for name, own in zip(others, cells, strict=True)]
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(columns):
        numeric = bool(taken) and all(
            isinstance(row[place], (int, float)) or row[place] is None for row in taken
        )
        table.add_column(
            name,
            justify="right" if numeric else "left",
            overflow="fold",
            no_wrap=turned and place == 0,
        )
    for row in taken:
        table.add_row(*(cell_text(cell) for cell in row))
    console.print(table)


def _natural_width(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> int:
    """Characters of a table without any line break, with what is between columns."""
    widths = (
        max(len(name), *(len(cell_text(row[place])) for row in rows), 0)
        for place, name in enumerate(columns)
    )
    return sum(width + _BETWEEN for width in widths)


def cell_text(value: object) -> str:
    """Write one cell: empty for what is not stated, six significant digits.

    >>> cell_text(1234.56789), cell_text(1_265_630.0), cell_text(-0.5)
    ('1,234.57', '1,265,630', '-0.5')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return number(value, 6).replace(MINUS, "-")
    return str(value)


_TOLD = frozenset({"fraction", "hour"})
"""Units that the text of a value has in it."""


def show_figures(figures: Mapping[str, Mapping[str, object]]) -> None:
    """Print the key figures of `Plan.kpis_json` that have a value."""
    show_table(
        ("kpi", "name", "value", "unit", "counted", "of"),
        [
            (
                code,
                row["name"],
                figure(value, unit),
                "" if unit in _TOLD or figure(value, unit) == NO_PRICES else unit,
                row["numerator"],
                row["denominator"],
            )
            for code, row in figures.items()
            if isinstance(value := row["value"], (int, float))
            and (unit := str(row["unit"]))
        ],
    )


def show_key_figures(figures: Iterable[KeyFigure]) -> None:
    """Print the key figures of a plan, each as its unit is read."""
    show_table(
        ("figure", "value"),
        [
            (one.name, _text(one.value, one.unit) if one.value is not None else "")
            for one in figures
        ],
    )


def _text(value: float | str, unit: str) -> str:
    if isinstance(value, str):
        return value
    return full_money(value, unit) if is_currency(unit) else figure(value, unit)


def show_reasons(figures: Mapping[str, Mapping[str, object]]) -> None:
    """Print why figures have no value, one line a reason."""
    by_reason: dict[str, list[str]] = {}
    for code, row in figures.items():
        if row["value"] is None:
            by_reason.setdefault(str(row["reason"]), []).append(code)
    conversation = talk()
    if by_reason:
        conversation.say("undefined:")
    for reason, codes in by_reason.items():
        conversation.say(f"  {', '.join(codes)}: {reason}")
