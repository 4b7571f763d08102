"""Small schedule files by keyword: a workshop of one or two machines."""

from __future__ import annotations

from typing import Any

from tests.api import read_problem, solve

Document = dict[str, Any]


def step(number: int, *options: tuple[object, ...], **fields: object) -> Document:
    """Make a step; options are (resource, run) or (resource, run, set-up)."""
    rows = []
    for option in options:
        names = ("resource", "run_minutes", "setup_minutes", "yield")
        rows.append(dict(zip(names, option, strict=False)))
    return {"step": number, "options": rows, **fields}


def order(name: str, *steps: Document, **fields: object) -> Document:
    return {"order": name, "steps": list(steps), **fields}


def workshop(*orders: Document, **fields: Any) -> Document:
    """Make a file; resources named in options come into being by themselves."""
    named = {
        option["resource"]: {"resource": option["resource"]}
        for row in orders
        for each in row["steps"]
        for option in each["options"]
    }
    for row in fields.pop("resources", []):
        named[row["resource"]] = row
    return {
        "schema": "medhavi.schedule/1",
        "name": "workshop",
        "start": "2026-01-05T06:00:00Z",
        "objective": ["makespan"],
        "resources": list(named.values()),
        "orders": list(orders),
        **fields,
    }


def changes(*rows: tuple[str, str, float]) -> list[Document]:
    """Make changeovers of matrix m."""
    return [
        {"matrix": "m", "from_family": a, "to_family": b, "setup_minutes": minutes}
        for a, b, minutes in rows
    ]


def solved(document: Document):
    """Schedule a file and demand that it is proven."""
    read = read_problem(document)
    made = solve(read.problem, findings=read.findings)
    assert str(made.status) in {"optimal", "infeasible"}
    return made


def times(made) -> dict[tuple[str, int], tuple[float, float]]:
    """Start and finish of every operation [min]."""
    columns = ("sales_order", "step", "start_minutes", "finish_minutes")
    return {
        (o, s): (a, b) for o, s, a, b in made.operations.select(columns).iter_rows()
    }
