"""What the predictors page shows and begins: reports, training, putting one in use."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, ClassVar, cast

from medhavi.predict.plan_effects import demands_behind, plan_effects
from medhavi.predict.versions import DATABASE
from medhavi.progress import Progress, unobserved
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.data_source import DataSource
from medhavi.service.jobs.job import JobLane, OnStop
from medhavi.service.jobs.job_queue import current_queue
from medhavi.service.jobs.open_pages import OpenPages, outcome_of, result_of, this_cell
from medhavi.service.page_data import PageProblem, html, problem_html, problem_of
from medhavi.service.page_table import linked, page_table
from medhavi.service.predictor_pages.tracking_pages import tracking_address
from medhavi.views import grid_columns, page
from medhavi.views.names import percent
from medhavi.views.order_list import clocks
from medhavi.views.plan_pages import predictors
from medhavi.views.words import say
from medhavi.workbench import workspace
from medhavi.workbench.workbench import Workbench
from medhavi.workbench.workspace import models_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import marimo as mo
    import polars as pl

    from medhavi.predict.coverage import PredictorReport
    from medhavi.predict.versions import PredictorVersion
    from medhavi.progress import Cancelled, Observe
    from medhavi.service.plan_pages.plan_loading import PlanPage
    from medhavi.views.names import Names

    Wanted = Callable[[str], str]
    Keep = Callable[[str, str], None]
    Reports = tuple[PredictorReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageRequest:
    """Reports of the predictors of a lake.

    Parameters
    ----------
    facts
        Fingerprint of the tables and stamp of the predictors: others, another job.
    """

    source: DataSource
    facts: str
    title: str = field(default=say("coverage_of_predictors"), init=False, compare=False)
    on_stop: ClassVar = OnStop.END
    lane: ClassVar = JobLane.AWAITED

    @property
    def subject(self) -> object:
        """Source: newer facts are reported instead."""
        return self.source, "drift"

    def run(
        self,
        observe: Observe,
        cancelled: Cancelled,  # noqa: ARG002 - it takes a second or two
    ) -> tuple[PredictorReport, ...]:
        """Report each predictor."""
        observe(Progress(say("reading_the_observed_orders")))
        return Workbench(lake=self.source.lake).drift()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingRequest:
    """Training of all predictors; new versions are challengers."""

    source: DataSource
    title: str = field(default=say("training_of_predictors"), init=False, compare=False)
    on_stop: ClassVar = OnStop.BEST
    lane: ClassVar = JobLane.LONG

    @property
    def subject(self) -> object:
        """Source."""
        return self.source, "training"

    def run(self, observe: Observe, cancelled: Cancelled) -> str:
        """Train; stopped, the predictors that were trained are kept.

        Returns
        -------
        str
            What became of each, in a sentence.
        """
        observe(Progress(say("reading_the_observed_orders")))
        done = Workbench(lake=self.source.lake).train(
            observe=observe, cancelled=cancelled
        )
        if not done:
            raise KeyboardInterrupt
        ready = sum(one.promotable for one in done)
        fresh = sum(one.version is not None for one in done)
        return say("predictors_trained", fresh, len(done), ready)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChampionRequest:
    """A version that somebody puts in use; estimates are published by it."""

    source: DataSource
    model: str
    version: str
    approver: str
    title: str = field(
        default=say("putting_a_predictor_in_use"), init=False, compare=False
    )
    on_stop: ClassVar = OnStop.NEVER
    lane: ClassVar = JobLane.AWAITED

    @property
    def subject(self) -> object:
        """Source and predictor: a later decision takes its place."""
        return self.source, "promotion", self.model

    def run(
        self,
        observe: Observe,
        cancelled: Cancelled,  # noqa: ARG002 - a decision is made whole
    ) -> str:
        """Put the version in use.

        Returns
        -------
        str
            What was decided, in a sentence.

        Raises
        ------
        NotPromoted
            It does not beat the plain rule.
        """
        observe(Progress("publishing estimates"))
        lake = self.source.lake
        bench = Workbench(lake=lake, store=workspace.store_of(lake))
        used = bench.promote(self.model, approver=self.approver, version=self.version)
        return say("version_is_in_use_approved", used.version, self.approver)


TABS = (
    say("spread_by_supplier_or_lane"),
    say("effect_on_the_plan"),
    say("plan_with_another_time"),
    say("champion_and_challenger"),
    say("retrain_and_put_in_use"),
)
"""Parts of the page below its picture."""
_effects: AnswerCache[pl.DataFrame] = AnswerCache(4)
_open_work = OpenPages()
"""Cells that show work on the predictors of a source."""


def reports_of(shown: PlanPage) -> Reports | PageProblem | None:
    """Reports of the predictors, or what is done about them; None without a lake."""
    lake = shown.source.lake
    if not lake or shown.snapshot is None:
        return None
    request = CoverageRequest(
        source=shown.source, facts=f"{shown.snapshot.fingerprint} {_stamp(lake)}"
    )

    def here() -> Reports | PageProblem:
        try:
            return request.run(unobserved, lambda: False)
        except Exception as failure:  # noqa: BLE001 - a page shows what went wrong
            return problem_of(failure)

    return result_of(request, here, say("the_coverage_of_predictors"))


def _stamp(lake: str) -> int:
    """Number that is another one after the store of predictors was written."""
    try:
        return (models_folder(lake) / DATABASE).stat().st_mtime_ns
    except OSError:
        return 0


def nothing_html(shown: PlanPage, found: Reports | PageProblem | None) -> str:
    """Why no predictor is shown, and what to do; empty where they are."""
    if found is None:
        return page.empty(say("no_predictor"), say("predictors_learn"))
    if isinstance(found, PageProblem):
        return problem_html(found)
    if not any(one.observations for one in found):
        return page.empty(
            say("no_order_has_been_observed"),
            say("record_receipts", shown.source.option),
        )
    return ""


def predictor_choice(
    found: Sequence[PredictorReport], wanted: Wanted, keep: Keep
) -> mo.ui.dropdown:
    """Ask for a predictor, one that has slipped first."""
    import marimo as mo

    ranked = sorted(found, key=lambda one: one.slipped is None)
    options = {predictors.TITLES[one.model]: one.model for one in ranked}
    labels = {model: title for title, model in options.items()}
    return mo.ui.dropdown(
        options,
        value=labels.get(wanted("predictor"), next(iter(options))),
        label=say("predictor"),
        on_change=lambda value: keep("predictor", value),
    )


def coverage_title(one: PredictorReport, names: Names) -> str:
    """What the picture of a predictor finds."""
    who = f"{predictors.TITLES[one.model]}, " + (
        f"version {one.version_in_use}" if one.version_in_use else "plain rule"
    )
    if one.problem or not one.recent:
        return who
    return f"{who}: {predictors.coverage_words(one.recent[0], names)}"


# ------------------------------------------------------------------------ tables
_WIDTHS = {
    grid_columns.NAME: 150,
    grid_columns.ITEM: 120,
    grid_columns.BASIS: 75,
    grid_columns.ORDERS: 70,
    grid_columns.STATED: 75,
    grid_columns.P50: 100,
    grid_columns.P80: 100,
    grid_columns.P95: 100,
    grid_columns.WITHIN_P80: 100,
    grid_columns.ON_TIME: 90,
    grid_columns.PLANNED: 80,
    grid_columns.DIFFERENCE: 130,
    grid_columns.FIRST_START: 140,
    grid_columns.DEMANDS: 90,
    grid_columns.LATE: 60,
}
"""Width of each column [px]: all of them fit a window of 1280."""


def _table(
    rows: pl.DataFrame,
    name: str,
    right: Sequence[str],
    size: int = 8,
    links: Mapping[str, str] | None = None,
) -> mo.Html:
    dates = [name for name, kind in rows.schema.items() if kind.is_temporal()]
    return page_table(
        rows,
        name,
        formats={**linked(rows, links or {}), **clocks(dates)},
        right=right,
        widths=_WIDTHS,
        page_size=size,
    )


def spread_table(
    one: PredictorReport, names: Names, links: Mapping[str, str] | None = None
) -> mo.Html:
    """Predicted beside actual times of the suppliers or lanes of a predictor."""
    import marimo as mo

    if one.spread.is_empty():
        return html(page.empty(say("no_estimate"), say("train_first")))
    rows = predictors.spread_rows(one.spread, names)
    newest = int(one.spread["orders"].max() or 0)  # type: ignore[arg-type]
    told = f'<p class="muted small">{say("predicted_and_actual", newest)}</p>'
    table = _table(
        rows, one.model, (grid_columns.ORDERS, *rows.columns[4:]), links=links
    )
    return mo.vstack([html(told), table], gap=0.5)


def effects_of(shown: PlanPage) -> pl.DataFrame | None:
    """What predicted times change in the plan of a page; None without a plan."""
    plan, snapshot = shown.plan, shown.snapshot
    if plan is None or snapshot is None:
        return None
    return _effects.get(
        (plan.fingerprint, snapshot.fingerprint), lambda: plan_effects(plan, snapshot)
    )


def own_effects(
    effects: pl.DataFrame | None, one: PredictorReport | None
) -> pl.DataFrame:
    """Rows of the suppliers, or of the lanes, that a predictor is about."""
    import polars as pl

    from medhavi.predict.plan_effects import EFFECTS

    if effects is None or one is None:
        return pl.DataFrame(schema=EFFECTS)
    return effects.filter(pl.col("kind") == one.about)


def effect_table(
    effects: pl.DataFrame, names: Names, links: Mapping[str, str] | None = None
) -> mo.Html:
    """Planned against stated times, and how many demands depend on them."""
    if effects.is_empty():
        return html(page.empty(say("no_predicted_time"), say("stated_times_are_used")))
    rows = predictors.effect_rows(effects, names)
    return _table(
        rows,
        "Predicted times",
        (
            grid_columns.PLANNED,
            grid_columns.STATED,
            grid_columns.ORDERS,
            grid_columns.DEMANDS,
            grid_columns.LATE,
        ),
        6,
        links,
    )


def key_choice(
    effects: pl.DataFrame, names: Names, wanted: Wanted, keep: Keep
) -> mo.ui.dropdown | None:
    """Ask whose demands are listed; None where no order counts on a prediction."""
    import marimo as mo

    if effects.is_empty():
        return None
    options = {
        names.name(subject) + ("" if product == "*" else f", {names.name(product)}"): (
            f"{subject}|{product}"
        )
        for subject, product in effects.select("subject", "product").iter_rows()
    }
    labels = {key: text for text, key in options.items()}
    return mo.ui.dropdown(
        options,
        value=labels.get(wanted("key"), next(iter(options))),
        searchable=True,
        label=say("supplier_or_lane_title"),
        on_change=lambda value: keep("key", value or ""),
    )


def demand_table(
    shown: PlanPage, key: mo.ui.dropdown | None
) -> mo.ui.table | mo.Html | None:
    """Demands that depend on the chosen time, the latest first."""
    if shown.plan is None or key is None or not key.value:
        return None
    subject, product = key.value.rsplit("|", 1)
    found = demands_behind(shown.plan, subject, product)
    if found.is_empty():
        return html(page.empty(say("no_demand_affected"), say("orders_refill_stock")))
    rows = predictors.demand_rows(found, shown.names)
    return _table(rows, grid_columns.DEMANDS, (grid_columns.LATE_BY,), 6)


# -------------------------------------------------------------------------- work
def begin(request: TrainingRequest | ChampionRequest) -> str:
    """Begin work; outside a server it is done here, and said how it ended.

    Of a state where nothing binds nothing is trained or put in use.
    """
    if request.source.unbound:
        return request.source.unbound
    queue = current_queue()
    if queue is None:
        return request.run(unobserved, lambda: False)
    queue.submit(request, again=True)
    _open_work.tell(request.source, but=this_cell())
    return ""


def work_html(source: DataSource) -> str:
    """Work on the predictors of a source: under way, ended, failed; else nothing.

    The cell is run again when it has ended, and when another page begins some.
    """
    queue, cell = current_queue(), this_cell()
    if queue is None:
        return ""
    if cell is not None:
        _open_work.follow(source, cell)
    told = []
    subjects = [
        TrainingRequest(source=source).subject,
        *(
            ChampionRequest(source=source, model=model, version="", approver="").subject
            for model in predictors.TITLES
        ),
    ]
    for subject in subjects:
        job = queue.newest(subject)
        if job is None:
            continue
        found = outcome_of(job, job.request.title)
        if isinstance(found, PageProblem):
            told.append(problem_html(found))
        elif job in queue.jobs():
            told.append(page.empty(f"● {job.request.title}: done", str(found)))
    return "".join(told)


def version_choice(one: PredictorReport) -> mo.ui.dropdown | None:
    """Ask which version is to be put in use; None where none may be."""
    import marimo as mo

    options = {
        _version_words(one, version): version.version
        for version in one.versions
        if version.is_promotable and version is not one.champion
    }
    if not options:
        return None
    return mo.ui.dropdown(options, value=next(iter(options)), label=say("version"))


def _version_words(one: PredictorReport, version: PredictorVersion) -> str:
    gain = percent(version.metrics.get("gain", 0.0))
    role = predictors.role_of(one, version)
    return say("better_than_the_plain_rule", version.version, role, gain)


def commands_html(shown: PlanPage, one: PredictorReport, version: str) -> str:
    """Commands that do the same."""
    option = shown.source.option
    lines = [f"medhavi drift{option}", f"medhavi train{option}"]
    if version:
        lines.append(
            f"medhavi promote {one.model} --version {version} --approver NAME{option}"
        )
    told = "".join(f"<code>{escape(line)}</code><br>" for line in lines)
    return f'<p class="muted small">{say("the_same_as_commands")}<br>{told}</p>'


def promotion(
    shown: PlanPage, one: PredictorReport, version: str, approver: str
) -> ChampionRequest | str:
    """Request of a decision; in a sentence why there is none."""
    if not approver.strip():
        return say("fill_in_the_approver")
    return ChampionRequest(
        source=shown.source,
        model=one.model,
        version=version,
        approver=approver.strip(),
    )


def kept_html(one: PredictorReport) -> str:
    """What can be put in use, or why nothing can."""
    if one.challenger is None and one.lost:
        return f"<p>{escape(one.problem)}</p>"
    if one.challenger is None:
        told = say("newest_version_in_use") if one.champion else "Train first."
        return f"<p>{told}</p>"
    version = escape(one.challenger.version)
    verdict = escape(one.challenger.tags.get("reason", ""))
    used = one.version_in_use
    stays = f"version {escape(used)}" if used else say("the_plain_rule")
    if not one.challenger.is_promotable:
        told = say("version_is_refused", version, verdict, stays)
        return f"<p>{told}</p>"
    return f"<p>{say('version_may_be_put_in_use', version, verdict, stays)}</p>"


def versions_part(one: PredictorReport, names: Names) -> str:
    """Versions of a predictor, or why none can be shown."""
    if one.versions:
        return predictors.versions_html(one, names)
    if one.lost:
        return page.empty(say("no_version_in_the_store"), one.problem)
    return page.empty(say("no_version_yet"), say("train_the_plain_rule"))


def tracking_link(source: DataSource) -> mo.Html | None:
    """Link to the training runs in MLflow, where the server shows them."""
    address = tracking_address()
    if not address or not source.lake:
        return None
    return html(
        f'<a href="{escape(address)}" target="_blank">{say("training_runs")}</a>'
    )


def reports(found: object) -> Reports:
    """Reports, where they are there."""
    return cast("Reports", found) if isinstance(found, tuple) else ()
