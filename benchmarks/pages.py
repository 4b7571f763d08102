"""What pages cost the server: CPU to open each, once more, and of its costliest click.

A click runs the cells that follow from what was clicked: their CPU is summed over the
graph of the page. The plan is made before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
SIZES = ("demo", "m1000", "m10000")
BY_JOBS = "campaigns"
"""Page that waits for a job of half a minute: without a queue it works that out."""
MOST_GROWTH = 10.0
"""A further opening on the largest tables, against one on the smallest, at most."""


def measured(name: str) -> dict[str, float]:
    """Measure a page in this process [CPU s]: opened first, once more, and a click."""
    import importlib.util

    from marimo._ast.app import InternalApp
    from marimo._plugins.ui._core.ui_element import UIElement
    from marimo._runtime.dataflow import transitive_closure
    from marimo._runtime.executor import Evaluator

    spent: dict[Any, float] = {}
    evaluate = Evaluator.evaluate_sync

    def timed(self: Evaluator, cell: Any, variables: Any) -> Any:
        begun = time.process_time()
        result = evaluate(self, cell, variables)
        spent[cell.cell_id] = time.process_time() - begun
        return result

    Evaluator.evaluate_sync = timed  # type: ignore[assignment]
    begun = time.process_time()
    spec = importlib.util.spec_from_file_location("page", ROOT / f"apps/a_{name}.py")
    assert spec is not None
    assert spec.loader is not None
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)
    page.app.run()
    opened = time.process_time()
    _, variables = page.app.run()
    again = time.process_time()
    graph = InternalApp(page.app).graph
    clicks = [0.0]
    for chosen, value in variables.items():
        if isinstance(value, UIElement) and chosen not in ("mode", "moments"):
            users = {key for key, cell in graph.cells.items() if chosen in cell.refs}
            run = transitive_closure(graph, users, children=True)
            clicks.append(sum(spent.get(key, 0.0) for key in run))
    return {"first": opened - begun, "further": again - opened, "click": max(clicks)}


def in_a_process(name: str, tables: Path, kept: Path) -> dict[str, float]:
    """Measure a page of a folder in a process of its own."""
    known = {"MEDHAVI_TABLES": str(tables), "MEDHAVI_CACHE": str(kept)}
    program = f"import json; from benchmarks import pages; print(json.dumps(pages.measured({name!r})))"
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        env={**os.environ, **known, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
        text=True,
        check=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def plan_kept(tables: Path, kept: Path) -> None:
    """Make the plan that pages show, in the cache that they read."""
    from medhavi.service.page_data import USUAL_MODE
    from medhavi.workbench.files.tables_run import read_tables
    from medhavi.workbench.plan_in_force import CACHE_VARIABLE, renewed_plan

    os.environ[CACHE_VARIABLE] = str(kept)
    renewed_plan(read_tables(tables), USUAL_MODE)


def main() -> int:
    """Write the section; exit 1 where a page grows more than it may."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.demo_company import company
    from benchmarks.instances import scaled
    from benchmarks.performance_page import write_section
    from medhavi.views.page import PAGES
    from medhavi.workbench.plan_in_force import CACHE_VARIABLE

    rows, missed = [], False
    with tempfile.TemporaryDirectory(prefix="medhavi-bench-") as place:
        kept = Path(os.environ.get(CACHE_VARIABLE) or f"{place}/plans")
        for size in SIZES:
            tables = company("small") if size == "demo" else scaled(size)
            tables.to_folder(Path(place) / size, format="parquet")
            plan_kept(Path(place) / size, kept)
        for name in (one for one in PAGES if one != BY_JOBS):
            found = [in_a_process(name, Path(place) / size, kept) for size in SIZES]
            growth = found[-1]["further"] / found[0]["further"]
            missed |= growth > MOST_GROWTH
            told = [
                f"{one['first']:.1f}; {one['further']:.2f}; {one['click']:.2f}"
                for one in found
            ]
            word = ", missed" if growth > MOST_GROWTH else ""
            rows.append((name, *told, f"{growth:.1f} x (≤ {MOST_GROWTH:g} x{word})"))
    write_section(
        "pages",
        ("page", *SIZES, f"further, {SIZES[-1]} against {SIZES[0]}"),
        rows,
        "CPU s of the server with the plan at hand: first page of a process with all "
        "imports; a further opening; the costliest click on it that asks for no other "
        "plan. The first promise page opens the desk; campaigns wait for a job and are not "
        "here. One run, beside neighbours.",
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
