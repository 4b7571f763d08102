"""Watch over predictors: coverage, spread and versions of each."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import polars as pl

from medhavi.errors import EnvironmentFailure
from medhavi.predict import coverage
from medhavi.predict.coverage import PredictorReport
from medhavi.predict.estimates import RELIABILITY
from medhavi.predict.registry import CHAMPION, Registry
from medhavi.predict.windows import OUTCOMES
from medhavi.results.amounts import company_zone
from medhavi.workbench.training.observed_history import history_of
from medhavi.workbench.training.training import (
    NAMES,
    OUTCOMES_FILE,
    PLAIN,
    promoted_versions,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.predict.versions import PredictorVersion
    from medhavi.workbench.training.training import TrainingWorkbench


def drift(company: TrainingWorkbench) -> tuple[PredictorReport, ...]:
    """Report every predictor: coverage over time, spread, champion and challenger.

    Without one in use the plain rule is watched, unless the estimates in force are of
    a version that the store has not: it is in use, and is not watched. A store that
    cannot be read is the problem of each report.
    """
    snapshot = company.snapshot()
    observations = company.lake.lead_time_observations()
    problem = ""
    known: Sequence[PredictorVersion] = ()
    try:
        known = Registry(company.models).versions()
    except EnvironmentFailure as error:
        problem = str(error)
    zone = company_zone(snapshot)
    histories = {
        about: history_of(observations, snapshot, about)
        for about in dict.fromkeys(about for _, about in NAMES)
    }
    promoted = promoted_versions(company.lake)
    found = []
    for (kind, about), model in NAMES.items():
        own = tuple(one for one in known if one.model == model)
        history = histories[about]
        estimates = snapshot["estimates"].filter(pl.col("kind") == about)
        champion = _champion(own)
        lost = "" if champion else _lost(kind, model, estimates, promoted)
        outcomes, trouble = (
            (pl.DataFrame(schema=OUTCOMES), _LOST.format(lost))
            if lost
            else _outcomes(kind, own, history)
        )
        newest = own[0] if own else None
        found.append(
            PredictorReport(
                model=model,
                kind=kind,
                about=about,
                versions=own,
                champion=champion,
                challenger=None if newest is champion else newest,
                observations=history.height,
                outcomes=outcomes,
                recent=coverage.recent_coverage(outcomes),
                by_month=coverage.coverage_by_month(outcomes, zone),
                spread=coverage.spread(estimates, history, outcomes),
                lost=lost,
                problem=problem or trouble,
            )
        )
    return tuple(found)


def _champion(versions: Sequence[PredictorVersion]) -> PredictorVersion | None:
    return next((one for one in versions if CHAMPION in one.aliases), None)


_LOST = (
    "Version {} is in use: plans count on the estimates that it published. Its files "
    "are not in the predictor store, so it is not watched. Restore the store from a "
    "backup, or train again."
)


def _lost(
    kind: str, model: str, estimates: pl.DataFrame, promoted: Mapping[str, str]
) -> str:
    """Version that published the estimates in force; empty: the plain rule did.

    Lead times name who published them. A chance to be on time stands in their rows
    without its version: the log says which was put in use.
    """
    learned = estimates.filter(pl.col("model") != PLAIN)
    if kind == RELIABILITY:
        told = learned["on_time_prob"].is_not_null().any()
        return promoted.get(model, "") if told else ""
    versions = learned.filter(pl.col("model") == model)["version"]
    return str(versions[0]) if versions.len() else ""


def _outcomes(
    kind: str, versions: Sequence[PredictorVersion], history: pl.DataFrame
) -> tuple[pl.DataFrame, str]:
    """Outcomes of the version in use, else of the plain rule; what is missing."""
    champion = _champion(versions)
    if champion is None:
        if history.is_empty():
            return pl.DataFrame(schema=OUTCOMES), ""
        return coverage.plain_outcomes(history, chances=kind == RELIABILITY), ""
    try:
        return _told_by(champion, history), ""
    except EnvironmentFailure as error:
        told = str(error)
    except (OSError, KeyError, pl.exceptions.PolarsError):
        told = (
            f"Version {champion.version} was trained before the orders that judge it "
            "were kept, or they are gone. Train again to watch it."
        )
    return pl.DataFrame(schema=OUTCOMES), told


def _told_by(champion: PredictorVersion, history: pl.DataFrame) -> pl.DataFrame:
    """Orders that judged a version, and those placed since."""
    judged = pl.read_parquet(champion.place.parent / OUTCOMES_FILE)
    known_at = dt.datetime.fromisoformat(champion.tags["known_at"])
    if not history.filter(pl.col("ordered_at") > known_at).height:
        return judged
    model = Registry.read(champion)
    return pl.concat([judged, coverage.outcomes_since(model, history, known_at)])
