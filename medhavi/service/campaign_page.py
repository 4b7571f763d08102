"""What the campaigns app shows and edits: matrix, savings, how campaigns were kept.

A cell of a matrix is edited like a plan: what it changes is planned first, with and
without campaigns, and somebody approves it. A folder of tables keeps nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

import polars as pl

from medhavi.edits.data_changes import ANY
from medhavi.edits.edit import edit as edit_of
from medhavi.errors import UsageError
from medhavi.findings import Finding
from medhavi.planners.campaigns.campaign_proposals import plan_changes
from medhavi.progress import Progress
from medhavi.providers import Providers
from medhavi.results.plans.plan import Plan
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.data_source import DataSource
from medhavi.service.jobs.job import JobLane, OnStop, OwnWork
from medhavi.service.jobs.open_pages import result_of
from medhavi.service.jobs.plan_jobs import PlanRequest, PricedEdit
from medhavi.service.page_data import PageProblem, bench_of, problem_of
from medhavi.service.page_table import grid
from medhavi.service.plan_pages.plan_loading import plan_of
from medhavi.snapshot import Snapshot
from medhavi.views.names import NOTHING, Names, number
from medhavi.views.plan_pages.campaign_words import (
    WITH,
    WITHOUT,
    family_name,
    matrix_name,
)
from medhavi.views.words import say
from medhavi.workbench.files.tables_run import plan_snapshot
from medhavi.workbench.orders.plan_edit_answers import Preview, worked_out
from medhavi.workbench.plan_effects import edited_snapshot, planned_again
from medhavi.workbench.plan_in_force import renewed_plan
from medhavi.workbench.studies.campaign_study import (
    CampaignStudy,
    published_campaigns,
    side_by_side,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import marimo as mo

    from medhavi.edits.edit import Edit
    from medhavi.progress import Cancelled, Observe
    from medhavi.service.page_data import PageData


HOW = ("propose", "rules")
FROM = "from \\ to"
CLEANS = " ●"
"""Mark of a change that is a cleaning."""
_KEPT = 4
_OFFER = PageProblem(
    title=say("campaigns_are_not_compared_yet"),
    text=say("what_campaigns_are_compared"),
    remedy=say("compare_with_and_without_campaigns"),
)
_studies: AnswerCache[CampaignStudy] = AnswerCache(_KEPT)


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignPage:
    """Both plans and what is told about them, or what stands in the way."""

    source: DataSource = field(default_factory=DataSource)
    snapshot: Snapshot | None = None
    names: Names = field(default_factory=Names)
    study: CampaignStudy | None = None
    findings: tuple[Finding, ...] = ()
    problem: PageProblem | None = None
    request: PlanRequest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EditedMatrix:
    """What an edited cell changes.

    `preview` has price and victims, `study` both plans with the cell; None where it
    cannot be. `binding` says whether somebody may approve it here, `request` what
    worked it out.
    """

    preview: Preview | None = None
    study: CampaignStudy | None = None
    binding: bool = False
    problem: PageProblem | None = None
    request: PricedEdit | None = None


def load_campaigns(
    data: PageData,
    how: str = "propose",
    carried_out: str = "",
    observe: Observe | None = None,
    *,
    begin: bool = True,
) -> CampaignPage:
    """Plan without and with campaigns; failures become a problem of the page.

    Parameters
    ----------
    how
        One of `HOW`.
    carried_out
        Folder of a plan that was carried out; else the last published one of a lake.
    begin
        Plan at once; else a page offers it until somebody begins it.
    """
    if data.snapshot is None or data.problem is not None:
        return CampaignPage(
            source=data.source,
            snapshot=data.snapshot,
            findings=data.findings,
            problem=data.problem,
        )
    asked = CampaignRequest(
        plan=PlanRequest.for_page(data, "constrained"),
        how=how if how in HOW else HOW[0],
        carried_out=carried_out,
    )
    try:
        study = _studied(asked, data.snapshot, observe, begin=begin)
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return CampaignPage(
            source=data.source,
            snapshot=data.snapshot,
            names=data.names,
            findings=data.findings,
            problem=problem_of(failure),
        )
    page = CampaignPage(
        source=data.source,
        snapshot=data.snapshot,
        names=data.names,
        findings=data.findings,
        request=asked.plan,
    )
    if isinstance(study, PageProblem):
        return replace(page, problem=study)
    return replace(page, study=study, findings=(*data.findings, *study.findings))


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignRequest:
    """Plans without and with campaigns, side by side.

    Parameters
    ----------
    plan
        Request of the plan in force: the one that obeys the rules of campaigns.
    how, carried_out
        As of `load_campaigns`.
    """

    plan: PlanRequest
    how: str
    carried_out: str
    title: str = field(default="Campaigns", init=False, compare=False)
    on_stop: ClassVar = OnStop.BEST
    lane: ClassVar = JobLane.LONG

    @property
    def subject(self) -> object:
        """Source and how campaigns are made."""
        return self.plan.subject, "campaigns", self.how

    def run(self, observe: Observe, cancelled: Cancelled) -> CampaignStudy:
        """Plan twice, or take the plan in force for one of them."""
        asked = self.plan
        snapshot = asked.tables()

        def in_force() -> Plan:
            return renewed_plan(
                snapshot,
                asked.mode,
                asked.lake,
                past=asked.past,
                observe=observe,
                cancelled=cancelled,
            )

        return self.studied(snapshot, in_force, observe, cancelled)

    def studied(
        self,
        snapshot: Snapshot,
        in_force: Callable[[], Plan],
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
    ) -> CampaignStudy:
        """Two plans of these tables; the one in force obeys the rules there are."""
        ruled = snapshot["campaign_rules"].height > 0

        def made(campaigns: str) -> Plan:
            if campaigns == "rules" or (campaigns == "off" and not ruled):
                return in_force()
            settings = {"campaigns": campaigns}
            return plan_snapshot(
                snapshot, self.plan.mode, settings, observe, cancelled=cancelled
            )

        return side_by_side(made("off"), made(self.how), snapshot, self.past_plan)

    @property
    def past_plan(self) -> Plan | None:
        """Plan that was carried out: of a folder, else the last published one."""
        if self.carried_out:
            return Plan.from_folder(self.carried_out)
        lake = self.plan.lake
        return None if lake is None else published_campaigns(lake)


def _studied(
    asked: CampaignRequest,
    snapshot: Snapshot,
    observe: Observe | None,
    *,
    begin: bool,
) -> CampaignStudy | PageProblem:
    """Study of a question, of a job where the server does jobs."""

    def here() -> CampaignStudy:
        past = asked.past_plan
        return _studies.get(
            (snapshot.fingerprint, asked.how, "" if past is None else past.fingerprint),
            lambda: asked.studied(
                snapshot, lambda: plan_of(snapshot, "constrained", observe), observe
            ),
        )

    offer = None if begin else _OFFER
    return result_of(
        asked, here, say("campaigns_are_being_planned"), observe, offer=offer
    )


# ---------------------------------------------------------------------------- matrix
def matrices(snapshot: Snapshot, names: Names) -> dict[str, str]:
    """Changeover matrices by the resources that use them."""
    used: dict[str, list[str]] = {one: [] for one in snapshot["changeovers"]["matrix"]}
    pairs = snapshot["resources"].select("changeover_matrix", "resource").drop_nulls()
    for matrix, resource in pairs.iter_rows():
        used.setdefault(matrix, []).append(names.name(resource))
    return dict(sorted((matrix_name(one, users), one) for one, users in used.items()))


def matrix_families(snapshot: Snapshot, matrix: str, names: Names) -> dict[str, str]:
    """Families of a matrix by name: of its rows and of steps on its resources."""
    rows = snapshot["changeovers"].filter(pl.col("matrix") == matrix)
    resources = snapshot["resources"].filter(pl.col("changeover_matrix") == matrix)
    named = pl.concat([resources["resource"], resources["pool"].drop_nulls()])
    steps = snapshot["step_resources"].filter(pl.col("resource").is_in(named.to_list()))
    families = snapshot["steps"].join(steps, on=["routing", "step"], how="semi")
    found = {
        *rows["from_family"].to_list(),
        *rows["to_family"].to_list(),
        *families["family"].drop_nulls().to_list(),
    }
    ids = [*sorted(found - {ANY}), ANY]
    return {family_name(one, names): one for one in ids}


def matrix_table(
    snapshot: Snapshot, matrix: str, families: Mapping[str, str]
) -> pl.DataFrame:
    """Matrix as it is edited: a row per family before, a column per one after.

    Returns
    -------
    polars.DataFrame
        A column of text per family: minutes, marked where the change is a cleaning; in
        brackets where a row for any family says it; a dash for one family.
    """
    known = Providers(snapshot).changeovers
    rows = snapshot["changeovers"].filter(pl.col("matrix") == matrix)
    own = {
        (row["from_family"], row["to_family"]): number(row["setup_minutes"])
        + (CLEANS if row["cleaning"] else "")
        for row in rows.unique(
            ["from_family", "to_family"], keep="first", maintain_order=True
        ).iter_rows(named=True)
    }

    def cell(before: str, after: str) -> str:
        if before == after != ANY:
            return NOTHING
        if (before, after) in own or ANY in {before, after}:
            return own.get((before, after), "")
        minutes = known.seconds(matrix, before, after) / 60
        mark = CLEANS if known.cleans(matrix, before, after) else ""
        return f"({number(minutes)}{mark})"

    columns = {FROM: list(families)}
    for name, after in families.items():
        columns[name] = [cell(before, after) for before in families.values()]
    return pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String))


def setup_rows(page: CampaignPage) -> pl.DataFrame:
    """Hours of changeovers of both plans by resource.

    Returns
    -------
    polars.DataFrame
        resource (its name), plan, hours, changes.
    """
    schema = {
        "resource": pl.String,
        "plan": pl.String,
        "hours": pl.Float64,
        "changes": pl.Int64,
    }
    if page.study is None or page.snapshot is None:
        return pl.DataFrame(schema=schema)
    providers = Providers(page.snapshot)
    found: dict[tuple[str, str], list[float]] = {}
    plans = {WITHOUT: page.study.without, WITH: page.study.with_campaigns}
    for word, plan in plans.items():
        for change in plan_changes(plan, providers):
            key = (page.names.name(change.resource), word)
            found.setdefault(key, []).append(change.minutes)
    rows = [
        (resource, word, sum(minutes) / 60, len(minutes))
        for (resource, word), minutes in sorted(found.items())
    ]
    return pl.DataFrame(rows, schema=schema, orient="row")


# ------------------------------------------------------------------------------ edit
@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixRequest(OwnWork):
    """What an edited cell of a matrix changes.

    Parameters
    ----------
    plan
        Source, moments and facts.
    study
        Both plans as the page shows them, `shown` their fingerprints.
    edit
        The cell as JSON.
    press
        Number of the press that asked: the same cell is worked out anew later.
    """

    plan: PlanRequest
    study: CampaignStudy = field(compare=False)
    shown: tuple[str, str]
    edit: str
    press: int
    title: str = field(default=say("effect_of_a_changeover"), init=False, compare=False)

    def preview(self, observe: Observe) -> Preview:
        """Preview with its plan, as it was made before."""
        made = self.worked_out(observe).preview
        assert made is not None  # it was approved
        return made

    def worked_out(self, observe: Observe) -> EditedMatrix:
        """Plan with the cell, with and without campaigns."""
        observe(Progress(say("planning_with_the_edit")))
        return _edited.get(self, lambda: self.made(self.plan.tables()))

    def made(self, snapshot: Snapshot) -> EditedMatrix:
        """Work it out in this process, on these tables."""
        asked = edit_of("changeover", **json.loads(self.edit))
        return _worked_out(self.study, snapshot, self.plan.source, asked)

    def run(self, observe: Observe, cancelled: Cancelled) -> EditedMatrix:  # noqa: ARG002
        """Plan with the cell; nothing is written."""
        return self.worked_out(observe)


_edited: AnswerCache[EditedMatrix] = AnswerCache(_KEPT)
"""What this worker has worked out: approving it does not plan again."""


def show_change(
    page: CampaignPage, form: Mapping[str, object], press: int = 0
) -> EditedMatrix:
    """Work out what an edited cell changes; nothing is written.

    Parameters
    ----------
    form
        matrix, from_family, to_family, minutes (empty: the row goes) and, if stated,
        cleaning.
    """
    if page.study is None or page.snapshot is None:
        return EditedMatrix(problem=page.problem)
    study, snapshot = page.study, page.snapshot
    plans = study.without, study.with_campaigns
    try:
        request = MatrixRequest(
            plan=page.request or PlanRequest(source=page.source, mode="constrained"),
            study=study,
            shown=(plans[0].fingerprint, plans[1].fingerprint),
            edit=json.dumps(_asked(form)),
            press=press,
        )
        told = result_of(
            request, lambda: request.made(snapshot), say("effect_being_computed")
        )
    except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
        return EditedMatrix(problem=problem_of(failure))
    if isinstance(told, PageProblem):
        return EditedMatrix(problem=told)
    return replace(told, request=request)


def _asked(form: Mapping[str, object]) -> dict[str, object]:
    names = ("matrix", "from_family", "to_family")
    return {
        "key": {name: str(form[name] or "") for name in names},
        "value": _minutes(form["minutes"]),
        "cleaning": form.get("cleaning"),
    }


def _minutes(value: object) -> float | None:
    """Read minutes; nothing: the row goes.

    Raises
    ------
    UsageError
        It is no number.
    """
    text = str("" if value is None else value).strip()
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        message = f"{text!r} is not a time; write minutes, like 45."
        raise UsageError(message) from error


def _worked_out(
    study: CampaignStudy, snapshot: Snapshot, source: DataSource, asked: Edit
) -> EditedMatrix:
    bench = bench_of(source)
    made = study.with_campaigns
    if bench is None:
        shown = {"snapshot": snapshot.fingerprint}
        preview = worked_out(asked, snapshot, made, snapshot, shown)
    else:
        preview = bench.preview(made, asked)
    if not preview.ready or preview.plan is None:
        return EditedMatrix(preview=preview)
    edited = edited_snapshot(snapshot, asked.patch(snapshot))
    without = planned_again(study.without, edited)
    return EditedMatrix(
        preview=preview,
        study=side_by_side(without, preview.plan, edited),
        binding=bench is not None,
    )


TABS = (say("effect"), say("changeover_matrix"), say("campaigns"))
"""Parts of the page."""
AS_ANY = say("as_row_for_any_family")
CLEANING = {say("is_a_cleaning"): True, say("is_no_cleaning"): False}


def matrix_grid(table: pl.DataFrame) -> mo.ui.table:
    """Show a matrix; one cell may be chosen."""
    return grid(
        table,
        first=FROM,
        selection="single-cell",
        pagination=False,
        show_search=False,
        label="",
    )


def chosen_cell(
    families: Mapping[str, str], cells: Sequence[Any], wanted: Callable[[str], str]
) -> tuple[str | None, str | None]:
    """Families of the chosen cell; else those that the address names."""
    known = list(families.values())
    for cell in cells or ():
        return known[int(cell.row)], families.get(cell.column)
    before, after = wanted("from"), wanted("to")
    return before if before in known else None, after if after in known else None


def change_form(
    snapshot: Snapshot,
    matrix: str,
    families: dict[str, str],
    cells: Sequence[Any],
    wanted: Callable[[str], str],
    submitted: Callable[[dict[str, Any] | None], None],
) -> mo.ui.form[Any, Any]:
    """Ask how long the change of a cell takes; it begins with what is so now.

    Parameters
    ----------
    cells
        What is chosen in the grid.
    wanted
        What the address asks for: `from` and `to` name a cell.
    submitted
        Called with the cell and its values.
    """
    import marimo as mo

    before, after = chosen_cell(families, cells, wanted)
    row = _row(snapshot, matrix, before, after)
    known = Providers(snapshot).changeovers
    labels: dict[str | None, str] = {
        family: label for label, family in families.items()
    }
    cleans = row.get("cleaning", known.cleans(matrix, before, after or ANY))
    cleaning = next(word for word, value in CLEANING.items() if value == cleans)

    return (
        mo.md("{from_family} {to_family} {minutes} {cleaning}")
        .batch(
            from_family=mo.ui.dropdown(
                families, value=labels.get(before), searchable=True, label=say("from")
            ),
            to_family=mo.ui.dropdown(
                families,
                value=labels.get(after),
                searchable=True,
                label=say("label_to"),
            ),
            minutes=mo.ui.text(
                value=number(row["setup_minutes"]).replace(",", "") if row else "",
                placeholder=AS_ANY,
                label=say("takes_in_minutes"),
            ),
            cleaning=mo.ui.dropdown(CLEANING, value=cleaning, label=say("label_and")),
        )
        .form(
            submit_button_label=say("show_what_changes"),
            bordered=True,
            on_change=lambda form: submitted(form and {"matrix": matrix, **form}),
        )
    )


def _row(
    snapshot: Snapshot, matrix: str, before: str | None, after: str | None
) -> dict[str, Any]:
    """Row of a cell; empty where only a row for any family says it."""
    cell = (matrix, before, after)
    for row in snapshot["changeovers"].iter_rows(named=True):
        if (row["matrix"], row["from_family"], row["to_family"]) == cell:
            return row
    return {}


def change_words(form: Mapping[str, Any], names: Names) -> str:
    """Edited cell in words.

    >>> change_words({"from_family": "A", "to_family": "*", "minutes": "45"}, Names())
    'from A to any family takes 45 min'
    """
    before, after = (
        family_name(str(form[name]), names) for name in ("from_family", "to_family")
    )
    minutes = str(form["minutes"]).strip()
    time = say("takes_min", minutes) if minutes else f"is {AS_ANY}"
    return say("changeover_from_to", before, after, time)
