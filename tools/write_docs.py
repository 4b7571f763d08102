"""Write the generated pages: tables, findings, testing, rules, figures, READMEs.

`python tools/write_docs.py` writes; a test compares, so a page is never out of date.
"""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from medhavi.edits.edit import EDITS, KINDS
from medhavi.findings import catalog
from medhavi.results.figures.kpi_page import kpis_page
from medhavi.results.limiter import limiters_page
from medhavi.schema import conventions, tables
from medhavi.service.app import entries
from tools import rule_index

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from medhavi.edits.catalogue import ChangeKind
    from medhavi.findings import FindingCode
    from medhavi.schema import Column, Table

ROOT = Path(__file__).resolve().parents[1]
DOMAINS = {
    "EVT": "Events",
    "FILE": "Files",
    "LAKE": "Lakehouse",
    "PLAN": "Planning",
    "SNAP": "Tables",
    "SRC": "Sourcing",
    "STU": "Studies",
    "VER": "Verification",
}
NOTICE = "<!-- written by tools/write_docs.py; `make docs` renews it -->"


def tables_page() -> str:
    """Text of docs/tables.md: what each table and column means, from the one schema."""
    lines = [
        "# Tables",
        "",
        NOTICE,
        "",
        "A folder of CSV or Parquet files with these names is a snapshot that can be",
        "checked (`medhavi check --tables DIR`) and planned (`medhavi plan --tables DIR`).",
        "A table without rows may be left out; so may a column that is not required.",
        "",
        "## Conventions",
        "",
        *(f"- **{name}**: {text}" for name, text in conventions().items()),
        "",
        "## The tables",
        "",
        ", ".join(f"[{name}](#{name})" for name in tables()),
        "",
    ]
    for table in tables().values():
        lines += _table_section(table)
    return "\n".join(lines) + "\n"


def _table_section(table: Table) -> list[str]:
    key = "one row" if table.one_row else f"key: {', '.join(table.key)}"
    return [
        f"## {table.name}",
        "",
        f"{table.meaning} ({key})",
        "",
        "| column | type | unit | empty means | meaning |",
        "|---|---|---|---|---|",
        *(_column_row(column) for column in table.columns.values()),
        "",
    ]


def _column_row(column: Column) -> str:
    if column.required:
        empty = "must be filled"
    elif column.default is None or column.default in ("", []):
        empty = "not stated"
    elif isinstance(column.default, bool):
        empty = str(column.default).lower()
    else:
        empty = str(column.default)
    if column.reason:
        empty += f" ({column.reason})"
    parts = [column.meaning] if column.meaning else []
    if column.one_of:
        parts.append("one of " + ", ".join(f"`{value}`" for value in column.one_of))
    if column.refs:
        parts.append("from " + " or ".join(f"`{'.'.join(ref)}`" for ref in column.refs))
    limits = {"≥": column.min, "≤": column.max, ">": column.min_open}
    parts += [
        f"{sign} {limit:g}" for sign, limit in limits.items() if limit is not None
    ]
    kind = column.type
    if kind == "timestamp":
        kind += f" (date: {column.day})"
    if column.for_people:
        parts.append("no plan reads it")
    if column.day_begins_where:
        parts.append(f"where {column.day_begins_where} a date means its begin")
    cells = [column.name, kind, column.unit or "", empty, "; ".join(parts)]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def findings_page() -> str:
    """Text of docs/findings.md: each code, what it says, what to do."""
    codes = catalog()
    lines = [
        "# Findings",
        "",
        NOTICE,
        "",
        f"{len(codes)} codes. An error stops a plan (exit code 1), a warning does not.",
        "`--json` and `run.json` carry each finding with table, row (of a file as a",
        "spreadsheet counts, else from 1), column, value, message and remedy. Words in",
        "braces are filled in.",
        "",
    ]
    groups: dict[str, list[FindingCode]] = {}
    for code in codes.values():
        groups.setdefault(code.code.rstrip("0123456789"), []).append(code)
    for prefix, coded in groups.items():
        lines += [f"## {DOMAINS.get(prefix, prefix)} ({prefix})", ""]
        for entry in coded:
            lines += _finding_section(entry)
    return "\n".join(lines) + "\n"


def _finding_section(entry: FindingCode) -> list[str]:
    lines = [
        f"### {entry.code} {entry.title}",
        "",
        f"- severity: {entry.severity}",
        f"- says: {entry.message}",
        f"- remedy: {entry.remedy}",
    ]
    if entry.example:
        lines.append(f"- example: {entry.example}")
    return [*lines, ""]


def testing_page() -> str:
    """Text of docs/testing.md: which tests show which requirement."""
    shown: dict[str, list[str]] = {}
    for requirement, test in sorted(marks()):
        shown.setdefault(requirement, []).append(test)
    lines = [
        "# Testing",
        "",
        NOTICE,
        "",
        "`make test` runs everything but the `nightly` tests, `make test-all` those too;",
        "slow laws get fewer random examples in the first (`tests/examples.py`).",
        "`make check` looks at format, lint, types and import arrows; `make cover` traces",
        "the tests of snapshot, results, providers and planners and holds 95 % of their",
        "lines and branches.",
        "",
        "The contract of event stores (`tests/contracts/store.py`) is asked of KurrentDB",
        "through its own client, against a double of the server in a process of its own.",
        "Where `MEDHAVI_KURRENTDB_URL` names a real server, it is asked too, in streams with",
        "a prefix of their own. **Only the double has been asked so far**; see",
        "[KurrentDB](kurrentdb.md).",
        "",
        "| mark | meaning |",
        "|---|---|",
        '| `req("ID")` | the requirement that the test shows |',
        "| `nightly` | too long for every run |",
        "| `browser` | needs Chromium; skips with a line that says how to get it |",
        "| `notebook` | runs a notebook or an app without a screen |",
        "| `public_data` | needs `MEDHAVI_PUBLIC_DATA`, a folder of published data |",
        "| `golden` | compares with frozen numbers |",
        "",
        f"## Requirements and the tests that show them ({len(shown)})",
        "",
        "| requirement | tests |",
        "|---|---|",
        *(
            f"| {requirement} | {'<br>'.join(f'`{test}`' for test in tests)} |"
            for requirement, tests in shown.items()
        ),
    ]
    return "\n".join(lines) + "\n"


def marks() -> Iterator[tuple[str, str]]:
    """Yield (requirement, test) of each `pytest.mark.req` in tests/."""
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        name = str(path.relative_to(ROOT / "tests"))
        whole = [
            requirement
            for node in tree.body
            if isinstance(node, ast.Assign)
            and any(
                isinstance(t, ast.Name) and t.id == "pytestmark" for t in node.targets
            )
            for requirement in _required(node.value)
        ]
        yield from ((requirement, name) for requirement in whole)
        yield from _marked(tree, name)


def _marked(tree: ast.AST, place: str) -> Iterator[tuple[str, str]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            here = f"{place}::{node.name}"
            for decorator in node.decorator_list:
                yield from ((requirement, here) for requirement in _required(decorator))
            if isinstance(node, ast.ClassDef):
                yield from _marked(node, here)


def _required(node: ast.AST) -> Iterator[str]:
    for call in ast.walk(node):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and call.func.attr == "req"
        ):
            for argument in call.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


def changes_page() -> str:
    """Text of docs/changes.md: what a scenario may change, and an edit of a plan."""
    lines = [
        "# Changes of a scenario",
        "",
        NOTICE,
        "",
        "Kinds with one factor may stand in the `[grid]` of a study (docs/studies.md).",
        "",
    ]
    for kind in KINDS.values():
        grid = " May stand in a grid." if kind.is_factor else ""
        lines += [
            f"## {kind.name}",
            "",
            f"{kind.meaning}{grid}",
            "",
            *_parameters(kind),
        ]
    lines += [
        "# Edits of a plan",
        "",
        "By `wb.preview(plan, {'kind': …})` or on the command line (docs/orders.md).",
        "",
    ]
    for kind in EDITS.values():
        command = f"`medhavi orders {kind.command.replace('_', '-')}`"
        lines += [f"## {kind.name}", "", f"{kind.meaning} {command}", ""]
        lines += _parameters(kind)
    return "\n".join(lines).rstrip() + "\n"


def _parameters(kind: ChangeKind) -> list[str]:
    return [
        "| parameter | type | stated | meaning |",
        "|---|---|---|---|",
        *(
            f"| {p.name} | {p.type} | {'must be' if p.required else 'may be'} | "
            f"{'no: ' * p.option.startswith('!')}"
            f"{p.meaning.replace('|', chr(92) + '|')} |"
            for p in kind.parameters.values()
        ),
        "",
    ]


APPS = """# apps/

{notice}

marimo apps, thin: widgets and layout, no planning. `make apps` (or `medhavi serve`) shows
them on this machine, in this order; the wheel carries them as `medhavi/_apps`.

| app | what it shows |
|---|---|
{rows}

An app shows the data of the current workspace, or of the folders and workbooks that
`medhavi serve --tables` names (`MEDHAVI_TABLES` where an app runs by itself): the first of
them, or the one that the address names by the last part of its path
(`/plan/?tables=NAME`). The address keeps what was chosen: moment, demand, product, kind of
exception. In the server the bar chooses one moment for all of them (`known_at`): what was known
then is shown, and nothing is decided. There an app shows the plan in force, which jobs make beside it; an app that
runs by itself makes in its own process what is not recorded.
"""
NOTEBOOKS = """# notebooks/

{notice}

marimo lessons in reading order. `make apps` serves them; the wheel carries them as
`medhavi/_notebooks`. Each also runs as a program: `python notebooks/n01_first_plan.py`.

| lesson | what you learn |
|---|---|
{rows}
"""


def apps_page() -> str:
    """Text of apps/README.md: each app by the first lines of its own docstring."""
    return APPS.format(notice=NOTICE, rows=_entry_rows("apps"))


def notebooks_page() -> str:
    """Text of notebooks/README.md: each lesson by the first lines of its docstring."""
    return NOTEBOOKS.format(notice=NOTICE, rows=_entry_rows("notebooks"))


def _entry_rows(kind: str) -> str:
    return "\n".join(
        f"| `{entry.path.name}` | **{entry.title}**: {entry.summary} |"
        for entry in entries(kind, ROOT / kind)
    )


def rules_page() -> str:
    """Text of docs/rules.md: which function decides each rule."""
    return rule_index.rules_page(NOTICE, list(marks()))


PAGES: dict[str, Callable[[], str]] = {
    "../apps/README.md": apps_page,
    "../notebooks/README.md": notebooks_page,
    "changes.md": changes_page,
    "findings.md": findings_page,
    "kpis.md": kpis_page,
    "limiters.md": limiters_page,
    "rules.md": rules_page,
    "tables.md": tables_page,
    "testing.md": testing_page,
}


def main() -> int:
    """Write every page that changed and say which."""
    for name, page in PAGES.items():
        target = ROOT / "docs" / name
        text = page()
        if not target.is_file() or target.read_text("utf-8") != text:
            target.write_text(text, "utf-8")
            print(f"{target.resolve().relative_to(ROOT)} written")
    return 0


if __name__ == "__main__":
    sys.exit(main())
