"""A company with one machine and a changeover matrix, told as events.

Machine M costs 30 an hour, is set up for FA and makes A (family FA) and B (FB), a piece
in a minute. A, B and A are wanted on days 3, 3.5 and 4, 60 of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.api import SqliteStore, Workbench
from tests.lakehouse.lake_events import day, event
from tests.made_folders import copied

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

WANTED = (("A", 3.0), ("B", 3.5), ("A", 4.0))


def setup_company(
    folder: Path, changeovers: Iterable[Mapping[str, object]]
) -> Workbench:
    """Make the company with these rows of `changeovers`, mirrored."""
    rows = [dict(row) for row in changeovers]
    copied(f"set up {rows}", lambda made: _company(made, rows), folder)
    return _opened(folder)


def _opened(folder: Path) -> Workbench:
    return Workbench(folder / "lake", f"sqlite:///{folder}/events.db")


def _company(folder: Path, changeovers: list[dict[str, object]]) -> None:
    """Write the events and the lake, folded."""
    told: list[tuple[str, dict[str, Any]]] = [
        ("LocationDefined", {"location": "L", "timezone": "Europe/Rome"}),
        (
            "ResourceDefined",
            {
                "resource": "M",
                "location": "L",
                "changeover_matrix": "X",
                "cost_per_hour": 30.0,
            },
        ),
        *(("ChangeoverDefined", row) for row in changeovers),
        *(row for product in ("A", "B") for row in _made(product)),
        ("ResourceSetupObserved", {"resource": "M", "family": "FA", "since": day(0)}),
        *(_placed(number, *wish) for number, wish in enumerate(WANTED)),
    ]
    store = SqliteStore(folder / "events.db")
    store.append_many(
        [event(number, kind, **cells) for number, (kind, cells) in enumerate(told)]
    )
    store.close()
    bench = _opened(folder)
    bench.mirror()
    bench.snapshot()


def _made(product: str) -> list[tuple[str, dict[str, Any]]]:
    routing = f"R{product}"
    key = {"routing": routing, "step": 1}
    return [
        ("ProductDefined", {"product": product, "name": f"Cream {product}"}),
        ("RoutingDefined", {"routing": routing, "product": product, "location": "L"}),
        (
            "StepDefined",
            {
                **key,
                "sequence": 1,
                "run_minutes_per_unit": 1.0,
                "family": f"F{product}",
            },
        ),
        ("StepResourceDefined", {**key, "resource": "M"}),
        (
            "SourcingDefined",
            {"product": product, "location": "L", "kind": "make", "source": routing},
        ),
    ]


def _placed(number: int, product: str, due: float) -> tuple[str, dict[str, Any]]:
    line = {
        "demand": f"D-{number}",
        "product": product,
        "location": "L",
        "qty": 60.0,
        "due": day(due),
        "line": 1,
    }
    return "OrderPlaced", {"sales_order": f"SO-{number}", "lines": [line]}
