"""What the scenarios page holds, shows and plans, and what can be committed of it.

The list is a study: the page, `medhavi study run` and `mv.run_study` plan the same runs
with the same figures.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from html import escape
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import polars as pl

from medhavi.edits.edit import KINDS, apply, changes
from medhavi.findings import BadData
from medhavi.planners.edit_price import edit_price
from medhavi.progress import Progress
from medhavi.results.reports.scenario_comparison import (
    COMPARED_KPIS,
    EXTRA_UNITS,
    ScenarioComparison,
    best_first,
)
from medhavi.results.run_record import Status
from medhavi.scenarios import Base, Scenario, Study, study_text
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.jobs.job import JobLane, OwnWork
from medhavi.service.jobs.open_pages import result_of
from medhavi.service.jobs.plan_jobs import PlanRequest, outcome_of
from medhavi.service.page_data import PageProblem, html, read_moment
from medhavi.service.page_table import page_table
from medhavi.service.plan_pages.plan_loading import PlanPage
from medhavi.service.plan_pages.remedy_edits import (
    CARRY,
    RemedyEdit,
    answer_of,
    rows_file,
)
from medhavi.service.scenario_pages.saved_list import keep_planned
from medhavi.service.scenario_pages.scenario_form import (
    NEW,
    ChangeForm,
    change_form,
    change_words,
    chosen_by,
    hours_words,
    read_form,
)
from medhavi.snapshot.patch import Patch
from medhavi.snapshot.reading.local_days import ASKED_EDGES
from medhavi.version import __version__
from medhavi.views import grid_columns, page
from medhavi.views.names import money, names_of
from medhavi.views.order_list import clock, clocks
from medhavi.views.pictures.scenarios import demand_rows, order_rows, stays_words
from medhavi.views.words import say
from medhavi.workbench.studies.scenario_list import (
    MOST_SCENARIOS,
    STUDY_COMMAND,
    ScenarioList,
    read_list,
)
from medhavi.workbench.studies.study_base import planner_of, scenario_run

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import marimo as mo

    from medhavi.edits.catalogue import ChangeKind
    from medhavi.progress import Cancelled, Observe
    from medhavi.service.plan_pages.remedy_edits import Rows
    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]

BASE = "Today"
"""Scenario without a change; others are compared with it."""
_KEPT = 48
_compared: AnswerCache[ScenarioComparison] = AnswerCache(_KEPT)


def add_change(
    held: ScenarioList, shown: PlanPage, kind: str, values: Mapping[str, Any]
) -> tuple[ScenarioList, ChangeForm]:
    """Add the change of a form; what is wrong comes back beside its fields.

    Parameters
    ----------
    values
        Fields of the kind, and `into` and `name`: the scenario that it goes to.
    """
    assert shown.snapshot is not None
    row, problems = read_form(KINDS[kind], values, shown.names.zone)
    name = str(values.get("name") or "").strip()
    into = str(values.get("into") or NEW)
    known = {one.name: one for one in held.scenarios}
    if into == NEW and len(known) >= MOST_SCENARIOS:
        problems["into"] = say("scenarios_stand_side_by_side", MOST_SCENARIOS)
    if into == NEW and name in (*known, BASE):
        problems["name"] = say("is_there_already", name)
    told = ChangeForm(kind=kind, values=values, problems=problems)
    if problems:
        return held, told
    (change,) = changes([row])
    before = known[into].changes if into in known else ()
    try:
        apply(shown.snapshot, (*before, change)).require()
    except BadData as wrong:
        text = " ".join(shown.names.told(one.message) for one in wrong.findings[:5])
        return held, replace(told, trouble=text)
    if into in known:
        grown = replace(known[into], changes=(*before, change))
        scenarios = tuple(grown if one.name == into else one for one in held.scenarios)
    else:
        words = name or change_words(change, shown.names)
        fresh = Scenario(name=_unused(words, (*known, BASE)), changes=(change,))
        scenarios = (*held.scenarios, fresh)
    return ScenarioList(scenarios=scenarios), ChangeForm(kind=kind)


def changed_name(before: ScenarioList, after: ScenarioList) -> str:
    """Name of the scenario that was added or got a change; empty: none."""
    fresh = (one.name for one in after.scenarios if one not in before.scenarios)
    return next(fresh, "")


def _unused(words: str, taken: Sequence[str]) -> str:
    names = (words if at == 1 else f"{words} ({at})" for at in count(1))
    return next(name for name in names if name not in taken)


# --------------------------------------------------------------------------- planning
def page_study(shown: PlanPage, scenarios: Sequence[Scenario], wanted: Wanted) -> Study:
    """Study that repeats what the page shows."""
    assert shown.plan is not None
    key, path = _place(shown)
    moments = {
        name: read_moment(wanted(name), shown.names.zone, ASKED_EDGES[name])
        for name in ("known_at", "effective_at")
        if key == "lake" and wanted(name)
    }
    return Study(
        name="scenarios",
        base=Base(**{key: path}, **moments),  # type: ignore[arg-type]
        planners=(planner_of(shown.plan),),
        scenarios=(Scenario(name=BASE), *scenarios),
        kpis=COMPARED_KPIS,
        compare_to=BASE,
    )


def _place(shown: PlanPage) -> tuple[str, str]:
    """Kind and path of the base, as a command names it."""
    option, path = (*shlex.split(shown.source.option), "", "")[:2]
    return option.removeprefix("--") or "tables", path or "."


def study_file(shown: PlanPage, scenarios: Sequence[Scenario], wanted: Wanted) -> str:
    """Study file (TOML) of what the page shows."""
    return study_text(page_study(shown, scenarios, wanted))


def compare_scenarios(
    shown: PlanPage,
    scenarios: Sequence[Scenario],
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> tuple[ScenarioComparison, ...]:
    """Plan the scenarios of a page beside its plan, the best first.

    Plans are remembered; a run that was cancelled is left out and not remembered.
    """
    found = []
    for number, scenario in enumerate(scenarios, start=1):
        if cancelled is not None and cancelled():
            break
        if observe is not None:
            observe(Progress(scenario.name, number, len(scenarios)))
        one = _comparison(shown, scenario, observe, cancelled)
        if one.status != Status.CANCELLED:
            found.append(one)
    return best_first(tuple(found))


def _comparison(
    shown: PlanPage,
    scenario: Scenario,
    observe: Observe | None,
    cancelled: Cancelled | None,
) -> ScenarioComparison:
    plan, snapshot = shown.plan, shown.snapshot
    assert plan is not None
    assert snapshot is not None
    run = scenario_run(scenario, plan)
    named = (plan.fingerprint, run.identity(snapshot.fingerprint, __version__))

    def planned() -> ScenarioComparison:
        outcome = outcome_of(
            scenario, plan, snapshot, observe=observe, cancelled=cancelled
        )
        if outcome.plan is None:
            return ScenarioComparison(
                name=run.scenario,
                status=outcome.status,
                problem=shown.names.told(outcome.problem),
            )
        if outcome.plan.run.status is Status.CANCELLED:
            raise _CancelledRunError
        edited = apply(snapshot, run.changes)
        cost = edit_price((plan, snapshot), (outcome.plan, edited))
        paid = hours_words(run.changes, shown.names)
        return ScenarioComparison.of(
            run.scenario,
            outcome.status,
            (plan, outcome.plan),
            change=cost.total,
            extra_units=cost.extra_units,
            extra_words=say("extra_hours_in", paid) if paid else EXTRA_UNITS,
            problem=shown.names.told(outcome.problem),
        )

    try:
        return replace(_compared.get(named, planned), name=run.scenario)
    except _CancelledRunError:
        return ScenarioComparison(name=run.scenario, status=str(Status.CANCELLED))


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenarioRequest(OwnWork):
    """One scenario beside the plan in force.

    Parameters
    ----------
    plan, fingerprint
        Request of the plan, and which one the page shows.
    scenario
        The scenario, as an address has it.
    """

    plan: PlanRequest
    fingerprint: str
    scenario: str
    lane: ClassVar = JobLane.SCENARIO

    @property
    def title(self) -> str:
        """Name of the work, for people."""
        return f"Scenario {', '.join(read_list(self.scenario).names)}"

    def run(self, observe: Observe, cancelled: Cancelled) -> ScenarioComparison:
        """Plan the scenario and compare it."""
        observe(Progress(say("reading_the_plan")))
        snapshot = self.plan.tables()
        shown = PlanPage(
            source=self.plan.source,
            snapshot=snapshot,
            plan=self.plan.shown(self.fingerprint),
            names=names_of(snapshot),
        )
        held = read_list(self.scenario).scenarios
        (found,) = compare_scenarios(shown, held, observe, cancelled)
        if not self.plan.past:
            keep_planned(self.plan.source, self.scenario, found)
        return found


def scenarios_beside(
    shown: PlanPage, scenarios: Sequence[Scenario]
) -> tuple[tuple[ScenarioComparison, ...], tuple[PageProblem, ...]]:
    """Scenarios that are planned, the best first; what is done about the others.

    Jobs plan them; the cell that asks is run again when each is there. Outside the
    server they are planned here.
    """
    assert shown.plan is not None
    assert shown.request is not None
    found: list[ScenarioComparison] = []
    missing: list[PageProblem] = []
    for one in scenarios:
        asked = ScenarioRequest(
            plan=shown.request,
            fingerprint=shown.plan.fingerprint,
            scenario=ScenarioList(scenarios=(one,)).text(),
        )
        told = result_of(
            asked,
            lambda one=one: compare_scenarios(shown, [one])[0],  # type: ignore[misc]
            say("is_being_planned", one.name),
            offer=_offer(shown, one),
        )
        if isinstance(told, PageProblem):
            missing.append(told)
        else:
            _seen.put(_place_of(shown, one), shown.plan.fingerprint)
            found.append(told)
    return best_first(tuple(found)), tuple(missing)


_seen: AnswerCache[str] = AnswerCache(_KEPT)
"""Fingerprint of the plan that a scenario was compared with last."""


def _place_of(shown: PlanPage, scenario: Scenario) -> tuple[object, str, str]:
    """Source, mode and text of a scenario."""
    assert shown.plan is not None
    text = ScenarioList(scenarios=(scenario,)).text()
    return shown.source, shown.plan.run.mode, text


def _offer(shown: PlanPage, scenario: Scenario) -> PageProblem | None:
    """Offer to plan a scenario again that was compared with an older plan.

    Each decision makes a plan: a page that nobody looks at does not plan all its
    scenarios again after each. None: it is planned at once.
    """
    assert shown.plan is not None
    last = _seen.known(_place_of(shown, scenario))
    if last in (None, shown.plan.fingerprint):
        return None
    return PageProblem(
        title=say("planned_before", scenario.name),
        text=say("plans_again_when_seen"),
        remedy=say("plan_it_again"),
        when_seen=True,
    )


class _CancelledRunError(Exception):
    """A run was ended early; nothing of it is kept."""


def asked_demands(shown: PlanPage, scenario: Scenario | None) -> pl.DataFrame:
    """Demands of the base and of a scenario: id, product, customer, place, dates."""
    assert shown.snapshot is not None
    columns = ["demand", "product", "customer", "location", "due", "promised"]
    tables = [shown.snapshot["demands"].select(columns)]
    if scenario is not None:
        changed = apply(shown.snapshot, scenario.changes)
        tables.insert(0, changed["demands"].select(columns))
    return pl.concat(tables).unique("demand", keep="first", maintain_order=True)


# ----------------------------------------------------------------------- committing
def changed_rows(shown: PlanPage, scenario: Scenario) -> tuple[Rows, Rows]:
    """Rows that a scenario changes or adds, by table, and keys of those that go."""
    assert shown.snapshot is not None
    patch = Patch.between(shown.snapshot, apply(shown.snapshot, scenario.changes))
    rows = {
        table: frame.to_dicts()
        for table, frame in patch.upserts.items()
        if not frame.is_empty()
    }
    removed = {table: keys.to_dicts() for table, keys in patch.deletes.items()}
    return rows, removed


def edit_of(shown: PlanPage, scenario: Scenario) -> RemedyEdit:
    """Edit that puts a scenario in force, or in a sentence why there is none."""
    assert shown.snapshot is not None
    rows, removed = changed_rows(shown, scenario)
    made = answer_of(rows, shown.snapshot, removed)
    if made.edit is not None and not shown.source.lake:
        why = say("decisions_are_recorded")
        return RemedyEdit(why=f"{why} {CARRY}")
    return made


Named = TypeVar("Named", Scenario, ScenarioComparison)


def by_name(known: Sequence[Named], name: str | None) -> Named | None:
    """Scenario, or its comparison, of a name; None where there is none."""
    return next((one for one in known if one.name == name), None)


def file_rows(shown: PlanPage, scenario: Scenario) -> bytes:
    """Rows that a scenario changes as a workbook, a sheet a table."""
    assert shown.snapshot is not None
    return rows_file(changed_rows(shown, scenario)[0], shown.snapshot)


def form_of(
    kind: ChangeKind,
    shown: PlanPage,
    draft: ChangeForm,
    scenarios: Sequence[str],
    wanted: Wanted,
    send: Callable[[dict[str, object] | None], None],
) -> mo.ui.form[Any, Any]:
    """Form of a kind: what was sent of it, else subject and fields of the address.

    A name of the address is that of its first scenario; `scenarios` are there already.
    """
    assert shown.snapshot is not None
    if draft.kind != kind.name or not draft.values:
        values = _stated(shown, kind, wanted)
        if values.get("name") in scenarios:
            del values["name"]
        draft = replace(draft, values=values, problems={}, trouble="")
    return change_form(kind, shown.snapshot, shown.names, draft, scenarios, send)


def _stated(shown: PlanPage, kind: ChangeKind, wanted: Wanted) -> dict[str, str]:
    """Fields of a form that an address states."""
    assert shown.snapshot is not None
    stated = {one: wanted(one) for one in (*kind.parameters, "name") if wanted(one)}
    return {**stated, **chosen_by(shown.snapshot, kind, wanted("subject"))}


def stated_change(
    held: ScenarioList, shown: PlanPage, kind: ChangeKind, wanted: Wanted
) -> tuple[ScenarioList, ChangeForm, str]:
    """Add the change of an address, and the name of its scenario.

    A scenario that is there already with this change alone is looked at.
    """
    made, told = add_change(held, shown, kind.name, _stated(shown, kind, wanted))
    name = changed_name(held, made)
    fresh = next((one for one in made.scenarios if one.name == name), None)
    for one in held.scenarios:
        if fresh is not None and one.changes == fresh.changes:
            return held, told, one.name
    return made, told, name


def builder(
    choices: Sequence[mo.ui.dropdown], form: mo.ui.form[Any, Any], trouble: str
) -> mo.Html:
    """Choices above the form of a change, and what is wrong with all of it."""
    import marimo as mo

    parts = [mo.hstack(list(choices), justify="start", wrap=True, gap=2), form]
    if trouble:
        parts.append(html(page.problem(say("the_change_cannot_be_made"), trouble)))
    return mo.vstack(parts, gap=0.5)


def removals(
    held: ScenarioList, names: Names, hold: Callable[[ScenarioList], None]
) -> mo.ui.dictionary:
    """Buttons that take a scenario or one of its changes out of the list."""
    import marimo as mo

    def button(title: str, name: str, number: int | None) -> mo.ui.button:
        return mo.ui.button(
            label=say("remove"),
            tooltip=f"Remove {title}",
            on_click=lambda _: hold(held.without(name, number)),
        )

    made = {}
    for one in held.scenarios:
        made[one.name] = button(one.name, one.name, None)
        if len(one.changes) > 1:
            for at, change in enumerate(one.changes):
                title = change_words(change, names)
                made[f"{one.name}|{at}"] = button(title, one.name, at)
    return mo.ui.dictionary(made)


def list_parts(held: ScenarioList, names: Names, buttons: mo.ui.dictionary) -> mo.Html:
    """Scenarios with their changes, each beside its button."""
    import marimo as mo

    if held.trouble:
        told = names.told(held.trouble)
        return html(page.problem(say("the_address_names_no_scenarios"), told))
    if not held.scenarios:
        return html(
            page.empty(say("no_scenario_yet"), say("choose_a_change", MOST_SCENARIOS))
        )
    rows: list[Any] = []
    for one in held.scenarios:
        words = [change_words(change, names) for change in one.changes]
        alone = len(words) == 1
        told = f"<b>{escape(one.name)}</b>"
        if alone and words[0] != one.name:
            told += f' <span class="muted">{escape(words[0])}</span>'
        rows.append(_beside(told, buttons.elements[one.name]))
        if not alone:
            rows += [
                _beside(
                    f'<span class="muted">{escape(text)}</span>',
                    buttons.elements[f"{one.name}|{at}"],
                )
                for at, text in enumerate(words)
            ]
    return mo.vstack(rows, gap=0.25)


def _beside(text: str, button: mo.Html) -> mo.Html:
    import marimo as mo

    return mo.hstack(
        [button, html(text)], justify="start", align="center", gap=1, widths=[0, 1]
    )


def scenario_choice(
    found: Sequence[ScenarioComparison], wanted: Wanted, keep: Keep
) -> mo.ui.dropdown:
    """Ask for the scenario that is looked at; the best where none is chosen."""
    import marimo as mo

    names = [one.name for one in found]
    asked = wanted("scenario")
    return mo.ui.dropdown(
        names,
        value=asked if asked in names else names[0],
        label=say("look_at"),
        on_change=lambda value: keep("scenario", value or ""),
    )


def _rows_table(rows: pl.DataFrame, name: str, forms: dict[str, Any]) -> Any:
    numbers = [one for one, dtype in rows.schema.items() if dtype.is_numeric()]
    return page_table(rows, name, formats=forms, right=numbers)


def demand_table(shown: PlanPage, scenario: Scenario, one: ScenarioComparison) -> Any:
    """Demands and promises whose date differs, as a table."""
    if one.demands.is_empty():
        return html(
            page.empty(say("no_date_differs"), say("every_demand_is_delivered"))
        )
    names = shown.names
    rows = demand_rows(one, names, asked_demands(shown, scenario))
    dates = (
        *(grid_columns.DUE, grid_columns.PROMISED),
        *(grid_columns.DATE_TODAY, grid_columns.DATE_THEN),
    )
    forms = {
        **clocks(dates),
        grid_columns.MONEY: lambda value: money(value, names.currency),
    }
    return _rows_table(rows, grid_columns.DEMANDS, forms)


def order_table(one: ScenarioComparison, names: Names) -> Any:
    """Orders that are new, gone, moved or resized, as a table."""
    import marimo as mo

    if one.orders.is_empty():
        return html(page.empty(say("no_order_differs"), say("every_order_stays")))
    dates = (grid_columns.DATE_TODAY, grid_columns.DATE_THEN)
    rows = order_rows(one.orders, names)
    table = _rows_table(rows, grid_columns.ORDERS, dict.fromkeys(dates, clock))
    told = html(f'<p class="muted">{escape(stays_words(one))}</p>')
    return mo.vstack([told, table], gap=0.5)


def accept_parts(
    answer: RemedyEdit, shown: PlanPage, scenario: Scenario, preview: mo.ui.button
) -> mo.Html:
    """How a scenario is put in force: an edit with its price, or its rows as a file."""
    import marimo as mo

    file = mo.download(
        lambda: file_rows(shown, scenario),
        filename="changed-rows.xlsx",
        label=say("the_changed_rows"),
    )
    if answer.edit is None:
        told = page.empty(say("no_edit_does_it"), answer.why)
        return mo.vstack([html(told), file], gap=1)
    words = f'<p class="muted">{say("the_rows_of_the_scenario")}</p>'
    return mo.vstack(
        [html(words), mo.hstack([preview, file], justify="start", wrap=True)], gap=1
    )


def study_parts(text: str) -> mo.Html:
    """Study file of the page, the command that repeats it, and its download."""
    import marimo as mo

    words = f"<p>{say('save_it_as_scenarios_toml', STUDY_COMMAND)}</p>"
    shown = f"{words}<pre><code>{escape(text)}</code></pre>"
    file = mo.download(
        text.encode(), filename="scenarios.toml", label=say("the_study_file")
    )
    return mo.vstack([html(f'<div class="mv-list">{shown}</div>'), file], gap=1)
