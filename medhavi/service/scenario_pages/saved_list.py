"""Scenarios that were planned of the data of a page: kept, listed, opened, removed."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from html import escape
from itertools import count
from typing import TYPE_CHECKING, Any

from medhavi.errors import MedhaviError
from medhavi.service.page_data import html
from medhavi.service.scenario_pages.scenario_form import change_words
from medhavi.units import from_seconds
from medhavi.views import page
from medhavi.views.names import when
from medhavi.views.pictures.scenarios import cost_words
from medhavi.views.words import say
from medhavi.workbench.files.cache import cache_folder
from medhavi.workbench.studies.scenario_list import (
    MOST_SCENARIOS,
    SavedScenario,
    ScenarioList,
    read_list,
    scenarios_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import marimo as mo

    from medhavi.results.reports.scenario_comparison import ScenarioComparison
    from medhavi.scenarios import Scenario
    from medhavi.service.data_source import DataSource
    from medhavi.views.names import Names
    from medhavi.workbench.studies.scenario_list import SavedScenarios


def saved_of(source: DataSource) -> SavedScenarios:
    """Scenarios that are kept of a source."""
    return scenarios_of(source.lake, source.tables, cache_folder())


def keep_planned(source: DataSource, text: str, found: ScenarioComparison) -> None:
    """Keep a scenario that was planned; a place that cannot be written keeps none.

    What has no plan, or is compared with the plan of a past moment, is not kept.
    """
    if source.past or not found.is_planned or found.problem:
        return
    more = round(found.cost - found.cost_today, 2)
    made = SavedScenario(text=text, planned_at=int(time.time()), change=more)
    with suppress(MedhaviError, OSError):
        saved_of(source).keep(made)


def forget(source: DataSource, scenario: Scenario) -> None:
    """Take a scenario out that is in force now."""
    with suppress(MedhaviError, OSError):
        saved_of(source).remove(ScenarioList(scenarios=(scenario,)).text())


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedList:
    """Scenarios that a page lists; `trouble` says why their file cannot be read."""

    scenarios: tuple[SavedScenario, ...] = ()
    trouble: str = ""


def saved_list(source: DataSource, held: ScenarioList) -> SavedList:
    """Scenarios of a source that a page does not hold already, the newest first."""
    try:
        found = saved_of(source).read()
    except MedhaviError as failure:
        return SavedList(trouble=str(failure))
    there = {ScenarioList(scenarios=(one,)).text() for one in held.scenarios}
    return SavedList(scenarios=tuple(one for one in found if one.text not in there))


def opened(held: ScenarioList, text: str) -> ScenarioList:
    """List with a saved scenario at its end; its name stays its own."""
    (one,) = read_list(text).scenarios
    taken = held.names
    names = (one.name if at == 1 else f"{one.name} ({at})" for at in count(1))
    name = next(name for name in names if name not in taken)
    return ScenarioList(scenarios=(*held.scenarios, replace(one, name=name)))


def saved_buttons(
    kept: SavedList,
    held: ScenarioList,
    source: DataSource,
    hold: Callable[[ScenarioList], None],
    told: Callable[[object], None],
) -> mo.ui.dictionary:
    """Buttons that open a saved scenario beside those held, and that remove it.

    Parameters
    ----------
    told
        Called after one was removed.
    """
    import marimo as mo

    known = saved_of(source)

    def cleared(_: object) -> None:
        known.clear()
        told(time.monotonic())

    def opening(one: SavedScenario) -> mo.ui.button:
        return mo.ui.button(
            label=say("open_a_scenario"),
            tooltip=f"{say('open_a_scenario')}: {one.scenario.name}",
            disabled=len(held.scenarios) >= MOST_SCENARIOS,
            on_click=lambda _: hold(opened(held, one.text)),
        )

    def removal(one: SavedScenario) -> mo.ui.button:
        def removed(_: object) -> None:
            known.remove(one.text)
            told(time.monotonic())

        return mo.ui.button(
            label=say("remove"),
            tooltip=f"{say('remove_from_the_list')}: {one.scenario.name}",
            on_click=removed,
        )

    made: dict[str, Any] = {}
    if kept.trouble:
        made["clear"] = mo.ui.button(label=say("empty_the_list"), on_click=cleared)
    for at, one in enumerate(kept.scenarios):
        made[f"open|{at}"] = opening(one)
        made[f"remove|{at}"] = removal(one)
    return mo.ui.dictionary(made)


def saved_parts(
    kept: SavedList, names: Names, buttons: mo.ui.dictionary, *, folded: bool
) -> mo.Html | None:
    """Saved scenarios with when they were planned and what they cost; None: none is.

    Parameters
    ----------
    folded
        Whether the list is opened by a press, below scenarios that the page compares.
    """
    import marimo as mo

    if kept.trouble:
        told = page.problem(say("no_scenarios_can_be_read"), kept.trouble)
        return mo.vstack([html(told), buttons.elements["clear"]], gap=0.5)
    if not kept.scenarios:
        return None
    rows = [
        mo.hstack(
            [
                buttons.elements[f"open|{at}"],
                html(_saved_words(one, names)),
                buttons.elements[f"remove|{at}"],
            ],
            justify="start",
            align="center",
            gap=1,
            widths=[0, 1, 0],
        )
        for at, one in enumerate(kept.scenarios)
    ]
    note = html(f'<p class="muted small">{say("opened_on_facts_of_now")}</p>')
    title, body = say("scenarios_of_this_workspace"), mo.vstack([note, *rows], gap=0.25)
    if folded:
        return mo.accordion({title: body})
    return mo.vstack([html(f"<h2>{title}</h2>"), body], gap=0.5)


def _saved_words(one: SavedScenario, names: Names) -> str:
    scenario = one.scenario
    changes = "; ".join(change_words(change, names) for change in scenario.changes)
    told = [] if changes == scenario.name else [changes]
    told.append(
        say(
            "planned_then_it_cost",
            when(from_seconds(one.planned_at), names.zone, year=True),
            cost_words(one.change, names),
        )
    )
    return (
        f"<b>{escape(scenario.name)}</b> "
        f'<span class="muted">{escape("; ".join(told))}</span>'
    )


def offered_scenarios(source: DataSource) -> Sequence[str]:
    """Texts of the saved scenarios, for the bar; none where they cannot be read."""
    return [one.text for one in saved_list(source, ScenarioList()).scenarios]
