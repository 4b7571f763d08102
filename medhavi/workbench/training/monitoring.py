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
from medhavi.workbench.training.training import NAMES, OUTCOMES_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.predict.versions import PredictorVersion
    from medhavi.workbench.training.training import TrainingWorkbench


def drift(company: TrainingWorkbench) -> tuple[PredictorReport, ...]:
    """Report every predictor: coverage over time, spread, champion and challenger.

    Without one in use the plain rule is watched. A store that cannot be read is the
    problem of each report.
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
    found = []
    for (kind, about), model in NAMES.items():
        own = tuple(one for one in known if one.model == model)
        history = histories[about]
        outcomes, trouble = _outcomes(kind, own, history)
        estimates = snapshot["estimates"].filter(pl.col("kind") == about)
        champion = _champion(own)
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
                problem=problem or trouble,
            )
        )
    return tuple(found)


def _champion(versions: Sequence[PredictorVersion]) -> PredictorVersion | None:
    return next((one for one in versions if CHAMPION in one.aliases), None)


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
