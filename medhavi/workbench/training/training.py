"""Training: from observations to registered predictors, promotion, estimates.

What is learned reaches planners in one way only: rows of table `estimates`, published
as an event. So a lost registry changes what the next estimates rest on, and never
whether there is an answer.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

import polars as pl

from medhavi.errors import EnvironmentFailure, MedhaviError, UsageError
from medhavi.findings import Finding, finding
from medhavi.predict import backtest, estimates, reliability
from medhavi.predict.estimates import KINDS, LEAD_TIME, RELIABILITY, Predictor
from medhavi.predict.lead_time import LeadTimeModel
from medhavi.predict.recipe import TrainingRecipe
from medhavi.predict.registry import CHAMPION, Registry
from medhavi.predict.reliability import PlainRate, RateModel
from medhavi.predict.windows import recalibrated, stated_in
from medhavi.progress import Progress, unobserved
from medhavi.version import __version__
from medhavi.workbench import decisions
from medhavi.workbench.training.observed_history import history_of, subjects_of
from medhavi.workbench.training.tracking import Tracking

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from medhavi.events.store import EventStore
    from medhavi.lakehouse import Lake
    from medhavi.predict.versions import PredictorVersion
    from medhavi.progress import Cancelled, Observe
    from medhavi.snapshot import Snapshot

    Comparison = (
        backtest.Comparison[backtest.Score] | backtest.Comparison[reliability.RateScore]
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Champions:
    """Predictors in use by name, with their versions, and what keeps others out."""

    models: Mapping[str, tuple[Predictor, str]]
    findings: tuple[Finding, ...]


def champions_of(models: Path, lake: Lake, names: Iterable[str]) -> Champions:
    """Every predictor in use; at most one finding says what cannot be read.

    Parameters
    ----------
    models
        Folder of the predictor store.
    lake
        Holds the events by which predictors were put in use.
    """
    registry = Registry(models)
    found: dict[str, tuple[Predictor, str]] = {}
    lost: dict[str, str] = {}
    try:
        known = registry.versions()
    except EnvironmentFailure as error:
        return Champions(models={}, findings=(finding("PRED001", detail=error),))
    promoted = promoted_versions(lake)
    in_use = {each.model: each for each in known if CHAMPION in each.aliases}
    for name in names:
        entry = in_use.get(name)
        if entry is None:
            if name in promoted:
                lost[name] = f"{models} has no version of it in use."
            continue
        try:
            found[name] = registry.load(name, entry.version), entry.version
        except EnvironmentFailure as error:
            lost[name] = str(error)
    if not lost:
        return Champions(models=found, findings=())
    told = finding(
        "PRED002",
        value=", ".join(sorted(lost)),
        detail=" ".join(dict.fromkeys(lost[name] for name in sorted(lost))),
    )
    return Champions(models=found, findings=(told,))


def promoted_versions(lake: Lake) -> dict[str, str]:
    """Version of each predictor that was put in use last, as the event log says."""
    rows = (
        lake.table("bronze.events")
        .filter(pl.col("type") == "ModelPromoted")
        .sort("position")
        .select("payload")
        .collect()
    )
    told = [json.loads(text) for (text,) in rows.iter_rows()]
    return {str(one["model"]): str(one["version"]) for one in told}


ABOUT = ("supplier", "lane")
"""What predictors are about; a batch of estimates each."""
NAMES = {
    (LEAD_TIME, "supplier"): "supplier-lead-time",
    (LEAD_TIME, "lane"): "lane-lead-time",
    (RELIABILITY, "supplier"): "supplier-on-time",
    (RELIABILITY, "lane"): "lane-on-time",
}
"""Registered names by kind and subject."""
PLAIN = "plain-quantile"
"""Model of estimates where no predictor is in use; the version counts observations."""
OUTCOMES_FILE = "outcomes.parquet"
"""File of a training run: the orders that judged it, with what was told of them."""
_EXPERIMENT = "predictors"
_SAMPLE = 200


class TrainingWorkbench(Protocol):
    """What training needs of a company."""

    @property
    def lake(self) -> Lake:
        """The lake."""
        ...

    @property
    def store(self) -> EventStore:
        """The event store."""
        ...

    @property
    def models(self) -> Path:
        """Folder of the predictors."""
        ...

    def snapshot(self, known_at: dt.datetime | None = None) -> Snapshot:
        """Planning tables."""
        ...

    def mirror(self) -> object:
        """Copy new events into the lake."""
        ...


class NotPromoted(MedhaviError):  # noqa: N818 - reads as what it is
    """A predictor did not earn its place; the text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """One training: how the candidates did, and what became of the best one.

    `version` is None where there was too little to learn from; `comparison` too.
    """

    model: str
    kind: str
    about: str
    version: str | None
    comparison: Comparison | None
    promotable: bool
    promoted: bool
    reason: str
    observations: int

    @property
    def gain(self) -> float:
        """1 - loss / loss of the plain quantile (or rate); 0 without a comparison."""
        return 0.0 if self.comparison is None else self.comparison.gain


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedEstimates:
    """A batch of estimates that is now an event.

    `findings` say which predictor in use could not speak; the plain rule did.
    """

    about: str
    model: str
    version: str
    rows: pl.DataFrame
    event_id: str
    findings: tuple[Finding, ...]


class _LakeHistory:
    """What the lake knows, as predictors read it."""

    def __init__(
        self, company: TrainingWorkbench, known_at: dt.datetime | None = None
    ) -> None:
        self.position = company.lake.position()
        self.snapshot: Snapshot = company.snapshot(known_at=known_at)
        self._observations = company.lake.lead_time_observations(known_at)
        self._histories: dict[str, pl.DataFrame] = {}

    def history(self, about: str) -> pl.DataFrame:
        if about not in self._histories:
            found = history_of(self._observations, self.snapshot, about)
            self._histories[about] = found
        return self._histories[about]


def train(
    company: TrainingWorkbench,
    kinds: Sequence[str] = KINDS,
    *,
    approver: str | None = None,
    recipe: TrainingRecipe | None = None,
    known_at: dt.datetime | None = None,
    observe: Observe | None = None,
    cancelled: Cancelled | None = None,
) -> tuple[TrainingResult, ...]:
    """Train, judge and register predictors; see `Workbench.train`."""
    for kind in kinds:
        if kind not in KINDS:
            message = f"There is no kind {kind!r} of predictors; there are {KINDS}."
            raise UsageError(message)
    if approver is not None:
        _check_approver(approver)
    say = observe or unobserved
    past = _LakeHistory(company, known_at)
    chosen = recipe or TrainingRecipe()
    done = []
    wanted = [(kind, about) for kind in kinds for about in ABOUT]
    for number, key in enumerate(wanted):
        if cancelled is not None and cancelled():
            break
        say(Progress(f"training {NAMES[key]}", number, len(wanted)))
        done.append(_train_one(company, past, key, chosen))
    if approver is None:
        return tuple(done)
    used = [
        _promoted(company, past, each, approver) if each.promotable else each
        for each in done
    ]
    _publish(company, past, chosen)
    return tuple(used)


def _train_one(
    company: TrainingWorkbench,
    past: _LakeHistory,
    key: tuple[str, str],
    recipe: TrainingRecipe,
) -> TrainingResult:
    kind, about = key
    name, history = NAMES[key], past.history(about)
    if history.height < recipe.minimum:
        return TrainingResult(
            model=name,
            kind=kind,
            about=about,
            version=None,
            comparison=None,
            promotable=False,
            promoted=False,
            reason=f"{history.height} observations, {recipe.minimum} are needed",
            observations=history.height,
        )
    comparison: Comparison
    model: Predictor
    if kind == LEAD_TIME:
        comparison = backtest.backtest(history, recipe)
        model = backtest.final_model(history, comparison.chosen, recipe)
    else:
        comparison = reliability.backtest_rates(history, recipe)
        model = reliability.final_rate(history, comparison.chosen, recipe)
    facts = _facts(company, past, comparison, key)
    run_id = Tracking(company.models).record(
        _EXPERIMENT,
        name,
        parameters={**asdict(recipe), "observations": history.height},
        metrics=_metrics(comparison),
        tags=facts,
        texts={"comparison.json": comparison.to_frame().write_json()},
        tables={OUTCOMES_FILE: comparison.outcomes},
    )
    sample = backtest.prepared(history, recipe)[0].tail(_SAMPLE)
    kept = Registry(company.models).register(
        name, model, sample, run_id=run_id, tags=facts
    )
    return TrainingResult(
        model=name,
        kind=kind,
        about=about,
        version=kept.version,
        comparison=comparison,
        promotable=comparison.promotable,
        promoted=False,
        reason=comparison.reason,
        observations=history.height,
    )


def _facts(
    company: TrainingWorkbench,
    past: _LakeHistory,
    comparison: Comparison,
    key: tuple[str, str],
) -> dict[str, str]:
    kind, about = key
    history = past.history(about)
    newest: dt.datetime = history["known_at"].max()  # type: ignore[assignment]
    return {
        "kind": kind,
        "about": about,
        "method": comparison.chosen,
        "promotable": "yes" if comparison.promotable else "no",
        "reason": comparison.reason,
        "lake": str(company.lake.path.resolve()),
        "position": str(past.position),
        "observations": str(history.height),
        "known_at": newest.isoformat(),
        "package": __version__,
    }


def _metrics(comparison: Comparison) -> dict[str, float]:
    """Figures of the chosen way, and the loss of the plain one."""
    best = comparison.score(comparison.chosen)
    figures = {
        "loss": best.loss,
        "plain_loss": comparison.score(comparison.plain).loss,
        "gain": comparison.gain,
        "fitted": comparison.fitted,
        "calibrated": comparison.calibrated,
        "chose": comparison.chose,
        "tested": comparison.tested,
    }
    if math.isfinite(comparison.upper):
        figures["upper"] = comparison.upper
    if isinstance(best, backtest.Score):
        for place, word in enumerate(("p50", "p80", "p95")):
            figures[f"pinball_{word}"] = best.pinball[place]
            figures[f"coverage_{word}"] = best.coverage[place]
    return figures


def promote(
    company: TrainingWorkbench,
    model: str,
    *,
    approver: str,
    version: str | None = None,
    reason: str | None = None,
) -> PredictorVersion:
    """Put a version in use, record who decided it, and publish new estimates.

    Parameters
    ----------
    version
        The newest by default.

    Raises
    ------
    UsageError
        There is no such model or version, or the approver has no name.
    NotPromoted
        It does not beat the plain quantile, or its coverage is off; nothing changes.
    """
    _check_approver(approver)
    registry = Registry(company.models)
    if model not in NAMES.values():
        message = (
            f"There is no predictor {model}; there are {', '.join(NAMES.values())}."
        )
        raise UsageError(message)
    versions = registry.versions(model)
    if not versions:
        message = f"{model} has no version in {company.models}; run: medhavi train"
        raise UsageError(message)
    chosen = versions[0] if version is None else registry.version(model, version)
    if not chosen.is_promotable:
        message = (
            f"{model} version {chosen.version} is not promoted: "
            f"{chosen.tags.get('reason', 'it was never judged')}. "
            "The plain quantile stays."
        )
        raise NotPromoted(message)
    registry.load(model, chosen.version)
    past = _LakeHistory(company)
    _use(company, past, chosen, approver=approver, reason=reason)
    _publish(company, past, TrainingRecipe())
    return registry.version(model, chosen.version)


def _use(
    company: TrainingWorkbench,
    past: _LakeHistory,
    chosen: PredictorVersion,
    *,
    approver: str,
    reason: str | None,
) -> None:
    registry = Registry(company.models)
    before = registry.under(chosen.model, CHAMPION)
    decisions.promote_model(
        company.store,
        model=chosen.model,
        version=chosen.version,
        previous=None if before is None else before.version,
        approver=approver,
        reason=reason or chosen.tags.get("reason"),
        as_of=past.snapshot.as_of,
    )
    registry.promote(chosen.model, chosen.version)


def _promoted(
    company: TrainingWorkbench,
    past: _LakeHistory,
    trained: TrainingResult,
    approver: str,
) -> TrainingResult:
    from dataclasses import replace

    assert trained.version is not None
    chosen = Registry(company.models).version(trained.model, trained.version)
    _use(company, past, chosen, approver=approver, reason=None)
    return replace(trained, promoted=True)


def publish(company: TrainingWorkbench) -> tuple[PublishedEstimates, ...]:
    """Publish estimates of every supplier and lane by what is in use now.

    Where no predictor is in use, or the store or its files cannot be read, the plain
    rule speaks, `basis` says global, and one finding (PRED001, PRED002) says why.
    Without observations nothing is published: planners then use the stated terms.
    """
    return _publish(company, _LakeHistory(company), TrainingRecipe())


def _publish(
    company: TrainingWorkbench, past: _LakeHistory, recipe: TrainingRecipe
) -> tuple[PublishedEstimates, ...]:
    done = []
    champions = champions_of(company.models, company.lake, NAMES.values())
    for about in ABOUT:
        history = past.history(about)
        if history.is_empty():
            continue
        model, name, version = _in_use(champions, about, history, recipe)
        rate = _rate_in_use(champions, about, history, recipe)
        rows = _rows(past, about, (model, rate), (name, version))
        if rows.is_empty():
            continue
        kept = company.lake.record_estimates(rows)
        event_id = decisions.publish_estimates(
            company.store,
            rows,
            kind=about,
            model=name,
            version=version,
            gold=kept,
            as_of=past.snapshot.as_of,
        )
        done.append(
            PublishedEstimates(
                about=about,
                model=name,
                version=version,
                rows=rows,
                event_id=event_id,
                findings=champions.findings,
            )
        )
    if done:
        company.mirror()
    return tuple(done)


def _rows(
    past: _LakeHistory,
    about: str,
    models: tuple[LeadTimeModel, RateModel],
    named: tuple[str, str],
) -> pl.DataFrame:
    from medhavi.units import from_seconds

    model, rate = models
    asked = estimates.asked(
        past.history(about),
        subjects_of(past.snapshot, about),
        from_seconds(past.snapshot.as_of),
        model.recipe,
        stated=model.stated,
    )
    return estimates.estimate_rows(
        about, asked, model, rate, name=named[0], version=named[1]
    )


def _in_use(
    champions: Champions, about: str, history: pl.DataFrame, recipe: TrainingRecipe
) -> tuple[LeadTimeModel, str, str]:
    name = NAMES[LEAD_TIME, about]
    found, version = champions.models.get(name, (None, ""))
    if isinstance(found, LeadTimeModel):
        rows, _ = backtest.prepared(history, found.recipe)
        return recalibrated(found, rows), name, version
    method = "plain" if stated_in(history) else "plain days"
    plain = backtest.final_model(history, method, recipe)
    return plain, PLAIN, str(history.height)


def _rate_in_use(
    champions: Champions, about: str, history: pl.DataFrame, recipe: TrainingRecipe
) -> RateModel:
    found, _ = champions.models.get(NAMES[RELIABILITY, about], (None, ""))
    if isinstance(found, RateModel):
        return reliability.recounted(found, history)
    return reliability.final_rate(history, PlainRate.name, recipe)


def _check_approver(approver: str) -> None:
    if not approver.strip():
        message = "A predictor is put in use by somebody: name the approver."
        raise UsageError(message)
