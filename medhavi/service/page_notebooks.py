"""A page as a notebook: the few lines behind it, with its choices, to go on from.

A notebook imports medhavi and marimo alone, reads the data that is served and shows
what the page shows by the public names of the package.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlsplit

from medhavi.errors import UsageError
from medhavi.results.pareto_front import USUAL
from medhavi.service.data_source import choose_source, file_date_format, served_mode
from medhavi.service.page_data import SCENARIO, load_data, read_moment
from medhavi.service.plan_pages.plan_loading import MODES
from medhavi.service.shell import FRAMED_SCRIPT
from medhavi.snapshot.reading.local_days import ASKED_EDGES
from medhavi.views.order_grid import OrderFilter
from medhavi.views.page import ICON, IN_FORCE, PAGES, document, header, navigation_html
from medhavi.views.words import say
from medhavi.workbench.studies.scenario_list import read_list
from medhavi.workbench.studies.study_base import INCREMENTAL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from medhavi.service.data_source import DataSource

    Choices = Mapping[str, str]
    Cells = list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageNotebook:
    """Notebook of a page: the page's name, its title, the text of the file."""

    name: str
    title: str
    text: str


def notebook_of(address: str) -> PageNotebook:
    """Notebook of what an address shows.

    Parameters
    ----------
    address
        Path and query of a page, such as /items/?item=OLI-CO250|LODZ.

    Raises
    ------
    UsageError
        It is the address of no page, or no data is served.
    """
    parts = urlsplit(address)
    name = parts.path.strip("/")
    if name not in _CELLS:
        message = (
            f"{address!r} is not a page with a notebook; there are {', '.join(_CELLS)}."
        )
        raise UsageError(message)
    chosen = dict(parse_qsl(parts.query))
    source = choose_source(chosen.get("tables"))
    cells = [*_opening(name, source, chosen), *_CELLS[name](chosen, source)]
    title = PAGES[name]
    return PageNotebook(name=name, title=title, text=_text(title, address, cells))


def notebook_html(made: PageNotebook, address: str) -> str:
    """Page that shows a notebook, to copy or to download."""
    file = f"/notebook.py?of={quote(address, safe='')}"
    body = (
        f"{navigation_html()}"
        f"{header(say('notebook'), [('Page', made.title)])}"
        f'<div class="mv mv-list"><p class="muted">{say("save_and_run", made.name)}</p>'
        f'<p><a class="mv-button" href="{escape(file)}" download>Download '
        f"{made.name}.py</a> "
        '<button class="mv-button" id="copy">Copy</button></p>'
        f'<pre class="mv-card" id="code">{escape(made.text)}</pre></div>'
    )
    return document(
        say("medhavi_notebook_of", made.title),
        body,
        rules=_RULES,
        head=ICON + FRAMED_SCRIPT + _COPY,
    )


_RULES = """
html{background:var(--mv-page)}
body.mv{margin:0 auto;padding:24px;max-width:1100px;display:grid;gap:16px;
 background:var(--mv-page)}
pre{overflow-x:auto;font-size:12px;line-height:1.5;margin:0}
a.mv-button{display:inline-block;text-decoration:none}
"""
_COPY = """<script>
addEventListener("DOMContentLoaded", () => {
  const button = document.getElementById("copy");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById("code").textContent);
    button.textContent = "Copied";
  });
});
</script>"""


def _text(title: str, address: str, cells: Iterable[str]) -> str:
    """File of a marimo notebook with these cells."""
    imports = "import marimo as mo\n\nimport medhavi as mv"
    if any("dt" in _used(one) for one in cells):
        imports = f"import datetime as dt\n\n{imports}"
    blocks = [imports, *cells]
    defined = [_defined(block) for block in blocks]
    told = []
    for place, block in enumerate(blocks):
        known = {name for names in defined[:place] for name in names}
        used = sorted(known & (_used(block) - set(defined[place])))
        body = "".join(f"    {line}\n" if line else "\n" for line in block.splitlines())
        given = ", ".join(defined[place])
        end = f"return {given}" if len(defined[place]) != 1 else f"return ({given},)"
        end = end if given else "return"
        told.append(f"@app.cell\ndef _({', '.join(used)}):\n{body}    {end}\n")
    return (
        f'"""{title} of Medhavi: {_plain(address)}"""\n\nimport marimo\n\n'
        f'app = marimo.App(width="full", app_title="Medhavi: {title.lower()}")\n\n\n'
        + "\n\n".join(told)
        + '\n\nif __name__ == "__main__":\n    app.run()\n'
    )


def _plain(address: str) -> str:
    """Address that a docstring holds."""
    return address.replace("\\", "").replace('"', "'")


def _defined(block: str) -> list[str]:
    """Names that a cell gives to others, in their order."""
    found: list[str] = []
    for node in ast.parse(block).body:
        if isinstance(node, ast.Import):
            found += [one.asname or one.name for one in node.names]
        elif isinstance(node, ast.Assign):
            names = (one for one in ast.walk(node.targets[0]))
            found += [one.id for one in names if isinstance(one, ast.Name)]
    return found


def _used(block: str) -> set[str]:
    """Names that a cell reads."""
    return {one.id for one in ast.walk(ast.parse(block)) if isinstance(one, ast.Name)}


# ------------------------------------------------------------------------- the cells
_WITHOUT_PLAN = ("promise", "tradeoffs", "campaigns", "data")
"""Pages that make what they show from the tables alone."""


def _opening(name: str, source: DataSource, chosen: Choices) -> Cells:
    """Read the tables and the plan of a page."""
    if name == "schedule" and chosen.get("source") == "file":
        return []
    mode = chosen.get("mode", "")
    mode = mode if mode in MODES else served_mode()
    if name == "schedule" and mode == "mrp":
        mode = "constrained"  # orders of infinite capacity overlap
    moments = _moments(source, chosen)
    if source.tables:
        order = file_date_format()
        more = f", date_format={order!r}" if order else ""
        lines = [f"snapshot = mv.Snapshot.from_folder({_path(source.tables)!r}{more})"]
    else:
        lines = [f"bench = {_bench(source)}", f"snapshot = bench.snapshot({moments})"]
    has_plan = name not in _WITHOUT_PLAN
    if has_plan:
        in_force = bool(source.lake) and not moments
        lines.append(
            f"plan = bench.plan_in_force(mode={mode!r})"
            if in_force
            else f"plan = mv.plan(snapshot, mode={mode!r})"
        )
    if name not in IN_FORCE:
        lines += _scenario(chosen, mode, has_plan=has_plan)
    return ["\n".join(lines)]


def _scenario(chosen: Choices, mode: str, *, has_plan: bool) -> Cells:
    """Change the tables as the scenario of an address does, and plan them."""
    lines = []
    for one in read_list(chosen.get(SCENARIO, "")).scenarios[:1]:
        rows = [change.as_dict() for change in one.changes]
        lines.append(f"snapshot = mv.apply(snapshot, mv.changes({rows!r}))")
        resumed = f', {{"effort": {INCREMENTAL!r}}}, baseline=plan'
        more = resumed if mode == "constrained" else ""
        if has_plan:
            lines.append(f"plan = mv.plan(snapshot, {mode!r}{more})")
    return lines


def _path(given: str) -> str:
    """Path from the folder of the server; elsewhere the name alone."""
    path, here = Path(given), Path.cwd()
    if path.is_absolute():
        path = path.relative_to(here) if path.is_relative_to(here) else Path(path.name)
    return path.as_posix()


def _bench(source: DataSource) -> str:
    """Open the workspace; a lake elsewhere is named by MEDHAVI_LAKE."""
    path = Path(source.lake)
    inside = not path.is_absolute() or path.is_relative_to(Path.cwd())
    if inside:
        return f"mv.Workbench(lake={_path(source.lake)!r})"
    return "mv.Workbench.current()  # MEDHAVI_LAKE names the lake"


def _moments(source: DataSource, chosen: Choices) -> str:
    """Moments of the past that an address asks for, as arguments."""
    asked = {name: chosen.get(name, "") for name in ("known_at", "effective_at")}
    if not source.lake or not any(asked.values()):
        return ""
    zone = load_data().names.zone
    told = []
    for name, text in asked.items():
        moment = read_moment(text, zone, ASKED_EDGES[name])
        if moment is not None:
            told.append(f"{name}=dt.datetime.fromisoformat({moment.isoformat()!r})")
    return ", ".join(told)


def _cockpit(_chosen: Choices, _source: DataSource) -> Cells:
    return [
        "plan.chart.figures(snapshot)",
        "plan.chart.exceptions(snapshot)",
        "plan.chart.network(snapshot)",
    ]


def _plan(chosen: Choices, _source: DataSource) -> Cells:
    demand, item = chosen.get("demand", ""), chosen.get("item", "")
    cells = ["plan", "plan.chart.late(snapshot)"]
    cells.append(
        f"plan.chart.chain({demand!r}, snapshot)"
        if demand
        else "plan.chart.overdue(snapshot)"
    )
    cells.append("plan.chart.load(snapshot)")
    if "|" in item:
        product, location = item.split("|", 1)
        cells.append(f"plan.chart.stock({product!r}, {location!r}, snapshot)")
    return cells


def _orders(chosen: Choices, _source: DataSource) -> Cells:
    names = OrderFilter.__dataclass_fields__
    filters = "".join(
        f", {name}={chosen[name]!r}" for name in names if chosen.get(name)
    )
    cells = [f"plan.chart.orders(snapshot{filters})"]
    if chosen.get("order"):
        told = f"plan.supplies.filter(number={chosen['order']!r})"
        cells.append(f"{told}.join(plan.pegging, left_on='id', right_on='supply')")
    return cells


def _items(chosen: Choices, _source: DataSource) -> Cells:
    bucket = chosen.get("bucket", "")
    bucket = bucket if bucket in ("day", "week", "month") else "week"
    product, bar, location = chosen.get("item", "").partition("|")
    if not bar:
        first = 'plan.positions.select("product", "location").row(0)'
        return [
            f"item = {first}",
            f"plan.chart.record(*item, snapshot, bucket={bucket!r})",
            "plan.chart.stock(*item, snapshot)",
        ]
    return [
        f"item = ({product!r}, {location!r})",
        f"plan.chart.record(*item, snapshot, bucket={bucket!r})",
        "plan.chart.stock(*item, snapshot)",
    ]


def _capacity(chosen: Choices, _source: DataSource) -> Cells:
    words = ["snapshot"]
    if chosen.get("resource"):
        words.append(f"resources=[{chosen['resource']!r}]")
    if chosen.get("from"):
        words.append(f"first=dt.date.fromisoformat({chosen['from']!r})")
    if chosen.get("days", "").isdigit():
        words.append(f"days={int(chosen['days'])}")
    if chosen.get("colour") in ("date", "status", "family"):
        words.append(f"colour={chosen['colour']!r}")
    return ["plan.chart.load(snapshot)", f"plan.chart.gantt({', '.join(words)})"]


def _promise(chosen: Choices, _source: DataSource) -> Cells:
    names = ("product", "location", "qty", "due", "customer", "policy")
    row = {name: chosen[name] for name in names if chosen.get(name)}
    if {"product", "location", "qty", "due"} <= row.keys() and _number(row["qty"]):
        asked = {**row, "qty": float(row["qty"])}
        request = f"request = [{asked!r}]"
    else:
        columns = '"product", "location", "qty", "due"'
        request = f'request = snapshot["demands"].select({columns}).head(1)'
    return [
        f"{request}\n[answer] = mv.promise(snapshot, request)\nanswer",
        "answer.chart.answer(snapshot)",
        "answer.chart.chain(snapshot)",
    ]


def _number(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def _suppliers(_chosen: Choices, source: DataSource) -> Cells:
    to_order = "plan.chart.to_order(snapshot)"
    return [*(["bench.suppliers()"] if source.lake else []), to_order]


def _predictors(_chosen: Choices, source: DataSource) -> Cells:
    if not source.lake:
        return ['snapshot["estimates"]']
    return [
        "mo.vstack(list(bench.drift()))",
        "bench.predicted_times(plan)",
    ]


def _schedule(chosen: Choices, _source: DataSource) -> Cells:
    objective = chosen.get("objective", "")
    more = f", objective={objective!r}" if objective else ""
    spread = chosen.get("spread", "")  # in percent
    spread = f", spread={float(spread) / 100}" if _number(spread) else ""
    risk = f"mv.risk(schedule{spread}).chart.makespan()"
    if chosen.get("source") == "file":
        told = "# The page gives the example as this file, to be filled.\n"
        made = f'{told}schedule = mv.schedule("schedule.json"{more})'
        return [made, "schedule.chart.gantt()", risk]
    days = chosen.get("days", "")
    days = f", {float(days)}" if _number(days) else ""
    problem = f"problem = mv.schedule_problem(snapshot, plan{days})\n"
    made = f"{problem}schedule = mv.schedule(problem{more})"
    return [made, "schedule.chart.gantt()", *([risk] if spread else [])]


def _campaigns(chosen: Choices, _source: DataSource) -> Cells:
    how = "rules" if chosen.get("how") == "rules" else "propose"
    return [
        'without = mv.plan(snapshot, mode="constrained", settings={"campaigns": "off"})',
        (
            "planned = mv.plan(\n"
            f'    snapshot, mode="constrained", settings={{"campaigns": {how!r}}}\n)'
        ),
        "mv.compare(without, planned)",
        'planned.chart.gantt(snapshot, colour="family")',
    ]


def _scenarios(chosen: Choices, _source: DataSource) -> Cells:
    cells = []
    for number, one in enumerate(read_list(chosen.get("scenarios", "")).scenarios, 1):
        rows = [change.as_dict() for change in one.changes]
        cells.append(
            f"# {' '.join(one.name.split())}\n"
            f"changed_{number} = mv.apply(snapshot, mv.changes({rows!r}))\n"
            f"scenario_{number} = mv.plan(changed_{number}, mode=plan.run.mode)\n"
            f"mv.compare(plan, scenario_{number})"
        )
    return cells or [
        (
            'changes = mv.changes([{"kind": "demand_factor", "factor": 1.15}])\n'
            "scenario = mv.plan(mv.apply(snapshot, changes), mode=plan.run.mode)\n"
            "mv.compare(plan, scenario)"
        )
    ]


def _tradeoffs(chosen: Choices, _source: DataSource) -> Cells:
    points = chosen.get("points", "")
    points = str(min(max(int(points), 3), 24)) if points.isdigit() else "6"
    axes = [
        chosen[name] if chosen.get(name) in USUAL else usual
        for name, usual in (("x", "cost"), ("y", "lateness"))
    ]
    return [
        f"front = mv.pareto(snapshot, points={points})",
        f"front.chart.points({axes[0]!r}, {axes[1]!r})",
    ]


def _data(chosen: Choices, source: DataSource) -> Cells:
    cells = ["snapshot", 'mo.plain_text("\\n".join(map(str, snapshot.findings)))']
    if source.lake and chosen.get("of"):
        words = [repr(chosen["of"]), repr(chosen.get("key", ""))]
        words += [repr(chosen["column"])] if chosen.get("column") else []
        cells.append(f"bench.lineage({', '.join(words)})")
    return cells


_CELLS: dict[str, Callable[[Choices, DataSource], Cells]] = {
    "cockpit": _cockpit,
    "plan": _plan,
    "orders": _orders,
    "items": _items,
    "capacity": _capacity,
    "promise": _promise,
    "suppliers": _suppliers,
    "predictors": _predictors,
    "schedule": _schedule,
    "campaigns": _campaigns,
    "scenarios": _scenarios,
    "tradeoffs": _tradeoffs,
    "data": _data,
}
"""What a page shows, in code."""
