"""The one judge of lateness: what a plan says of the date of each demand (rule 45).

Planners take the word of `fulfilment.status` from here, a finished plan its flags, and
every figure, page, report and export its counts. `results/verify` derives them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.exceptions import ExceptionCode
from medhavi.units import HOUR

if TYPE_CHECKING:
    from medhavi.results.plans.tables import PlanAccess

BEGUN = ("released", "in_process")
"""States of an order that was placed or begun: its start before now is not missed."""
FLAGS = ("past_due", "at_risk")


class Verdict(StrEnum):
    """What a plan says of a demand; each demand has one, the first that holds.

    `ignored`: not planned. `unplanned`, `short`: nothing, or less than the quantity;
    `short` too where mode mrp plans it whole of material that no source can supply.
    `past_due`: due before the plan began. `late`: delivered after its due date.
    `at_risk`: on time in mode mrp only where a start before now is caught up.
    `on_time`: the whole quantity by the due date.
    """

    ON_TIME = "on_time"
    LATE = "late"
    SHORT = "short"
    UNPLANNED = "unplanned"
    PAST_DUE = "past_due"
    AT_RISK = "at_risk"
    IGNORED = "ignored"


WORDS: Mapping[Verdict, str] = MappingProxyType(
    {
        Verdict.ON_TIME: "on time",
        Verdict.AT_RISK: "with a past-due release",
        Verdict.PAST_DUE: "past due when planned",
        Verdict.LATE: "late",
        Verdict.SHORT: "short",
        Verdict.UNPLANNED: "unplanned",
        Verdict.IGNORED: "ignored",
    }
)
"""Verdicts as people read them, from good to bad."""
NOT_KEPT = (Verdict.PAST_DUE, Verdict.LATE, Verdict.SHORT, Verdict.UNPLANNED)
"""Verdicts of demands whose date or quantity the plan does not keep."""


def there_at(last: int, as_of: int | None) -> int:
    """Instant [UTC s] at which the last delivery can be there: never before now.

    Mode mrp dates a delivery on its due date (rule 2), also where that is past.

    >>> there_at(100, 250), there_at(300, 250), there_at(100, None)
    (250, 300, 100)
    """
    return last if as_of is None else max(last, as_of)


def status_of(
    *, planned: float, qty: float, due: int, last: int | None, as_of: int | None
) -> str:
    """Word of `fulfilment.status` of a demand that is planned for (rules 22 and 45).

    Parameters
    ----------
    planned, qty
        Quantity that is delivered and that is asked for [any one unit].
    due, last
        Due date and last delivery [UTC s]; no delivery: None.
    as_of
        Now of the plan [UTC s].

    >>> status_of(planned=5, qty=5, due=100, last=100, as_of=50)
    'on_time'
    >>> status_of(planned=5, qty=5, due=100, last=100, as_of=150)
    'late'
    """
    if planned <= 0 or last is None:
        return str(Verdict.UNPLANNED)
    if planned < qty:
        return str(Verdict.SHORT)
    late = there_at(last, as_of) > due
    return str(Verdict.LATE if late else Verdict.ON_TIME)


def flagged(
    tables: Mapping[str, pl.DataFrame], mode: str, as_of: int | None
) -> pl.DataFrame:
    """Table `fulfilment` with the flags `past_due` and `at_risk` (rule 45).

    Parameters
    ----------
    tables
        Tables `fulfilment`, `supplies` and `pegging` of a plan.
    mode
        Mode of the run; only mode mrp lets orders start before now.
    as_of
        Now of the plan [UTC s]; without one no flag is set.
    """
    fulfilment = tables["fulfilment"]
    if as_of is None:
        return fulfilment.with_columns(
            pl.lit(value=False).alias(name) for name in FLAGS
        )
    live = pl.col("status") != Verdict.IGNORED
    past_due = live & (pl.col("due").dt.epoch("s") < as_of)
    missed = (
        _starts_missed(tables, as_of)
        if mode == "mrp"
        else pl.Series([], dtype=pl.String)
    )
    return fulfilment.with_columns(
        past_due=past_due.fill_null(value=False),
        at_risk=(live & ~past_due & pl.col("demand").is_in(missed.implode())).fill_null(
            value=False
        ),
    )


def _starts_missed(tables: Mapping[str, pl.DataFrame], as_of: int) -> pl.Series:
    """Demands with an order in their chain that should have started before now."""
    missed = tables["supplies"].filter(
        (pl.col("start").dt.epoch("s") < as_of)
        & ~pl.col("status").is_in(BEGUN).fill_null(value=False)
    )
    return (
        tables["pegging"]
        .join(missed.select(supply="id").unique(), on="supply", how="semi")["demand"]
        .unique()
    )


def has_flags(fulfilment: pl.DataFrame) -> bool:
    """Whether the flags of every demand are stated."""
    return not any(fulfilment[name].null_count() for name in FLAGS)


def verdicts(plan: PlanAccess) -> pl.DataFrame:
    """Verdict of each demand, from the plan alone.

    Parameters
    ----------
    plan
        A plan of any mode; its flags are derived where it has none.

    Returns
    -------
    pl.DataFrame
        demand, due, qty, planned, short, status (words of rule 22), past_due, at_risk,
        verdict, lateness_h (from the due date to the earliest instant at which all that
        is planned can be there; null where nothing is) and overdue_h (its part that
        had passed when the plan began), in the sequence of `fulfilment`.
    """
    as_of = plan.run.as_of
    rows = plan.fulfilment
    if not has_flags(rows):
        tables = {
            "fulfilment": rows,
            "supplies": plan.supplies,
            "pegging": plan.pegging,
        }
        rows = flagged(tables, plan.run.mode, as_of)
    now = pl.col("due").dt.epoch("s") if as_of is None else pl.lit(as_of)
    overdue = (
        pl.when("past_due")
        .then((now - pl.col("due").dt.epoch("s")) / HOUR)
        .otherwise(0.0)
    )
    status = pl.col("status")
    kept_on_paper = (status == Verdict.ON_TIME) & pl.col("past_due")
    return (
        rows.with_columns(overdue_h=overdue)
        .with_columns(
            status=pl.when(kept_on_paper)
            .then(pl.lit(str(Verdict.LATE)))
            .otherwise(status),
            lateness_h=pl.when(pl.col("lateness_h").is_null())
            .then(None)
            .otherwise(pl.max_horizontal("lateness_h", "overdue_h")),
        )
        .with_columns(
            verdict=pl.when(~status.is_in([Verdict.ON_TIME, Verdict.LATE]))
            .then("status")
            .when(pl.col("demand").is_in(_without_source(plan).implode()))
            .then(pl.lit(str(Verdict.SHORT)))
            .when("past_due")
            .then(pl.lit(str(Verdict.PAST_DUE)))
            .when((pl.col("status") == Verdict.ON_TIME) & pl.col("at_risk"))
            .then(pl.lit(str(Verdict.AT_RISK)))
            .otherwise("status")
        )
        .select(
            "demand",
            "due",
            "qty",
            "planned",
            "short",
            "status",
            "past_due",
            "at_risk",
            "verdict",
            "lateness_h",
            "overdue_h",
        )
    )


def _without_source(plan: PlanAccess) -> pl.Series:
    """Demands that no source can supply, in part or whole, by what a plan lists.

    Mode mrp plans them whole on paper and lists what is missing (`NoSource`), for the
    demand itself or for an order in its chain; the other modes do not plan them.
    """
    lacking = plan.exceptions.filter(pl.col("code") == ExceptionCode.NO_SOURCE)
    if lacking.is_empty():
        return pl.Series([], dtype=pl.String)
    orders = lacking.select("supply").drop_nulls().unique()
    hanging = plan.pegging.join(orders, on="supply", how="semi")["demand"]
    return pl.concat([lacking["demand"].drop_nulls(), hanging]).unique()


def late_costs(plan: PlanAccess) -> pl.DataFrame:
    """Cost of lateness and shortage by demand, of those that are not kept.

    Returns
    -------
    pl.DataFrame
        demand, money [base currency].
    """
    return plan.causes.group_by("demand").agg(pl.col("money").fill_null(0.0).sum())


def late_cost(plan: PlanAccess) -> float:
    """Cost of lateness and shortage of a plan [base currency]."""
    return float(plan.causes["money"].fill_null(0.0).sum())


def outcomes(plan: PlanAccess) -> pl.DataFrame:
    """What becomes of each demand; nothing is 0, and no date where none is delivered.

    Returns
    -------
    pl.DataFrame
        demand, verdict, lateness_h, short, money (as of `late_costs`) and date (of the
        last delivery).
    """
    dates = plan.deliveries.group_by("demand").agg(pl.col("date").max())
    return (
        verdicts(plan)
        .join(late_costs(plan), on="demand", how="left")
        .join(dates, on="demand", how="left")
        .select(
            "demand",
            pl.col("verdict").cast(pl.String),
            pl.col("lateness_h").fill_null(0.0),
            pl.col("short").fill_null(0.0),
            pl.col("money").fill_null(0.0),
            "date",
        )
    )


def live_verdicts(plan: PlanAccess) -> pl.DataFrame:
    """Verdicts of the demands that are planned for, without those that are ignored."""
    return verdicts(plan).filter(pl.col("verdict") != Verdict.IGNORED)


def not_kept(plan: PlanAccess) -> pl.DataFrame:
    """Verdicts of the demands that come late, in part, not at all, or were past due."""
    return verdicts(plan).filter(pl.col("verdict").is_in(NOT_KEPT))


def late_demands(plan: PlanAccess) -> pl.DataFrame:
    """Demands that the plan does not keep, the dearest first.

    Returns
    -------
    pl.DataFrame
        Columns of `verdicts` and money (as of `late_costs`).
    """
    return (
        not_kept(plan)
        .join(late_costs(plan), on="demand", how="left", maintain_order="left")
        .with_columns(pl.col("money").fill_null(0.0))
        .sort("money", "lateness_h", "demand", descending=[True, True, False])
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictCounts:
    """Counts of the verdicts of one plan: the headline figures.

    Parameters
    ----------
    by_verdict
        Number of demands of each verdict.
    late_hours
        Sum of the lateness of all demands [h].
    late
        Number of demands with a lateness above 0.
    latest
        Demand with the greatest lateness and its lateness [h]; None: none is late.
    """

    by_verdict: Mapping[Verdict, int]
    late_hours: float
    late: int
    latest: tuple[str, float] | None

    @property
    def live(self) -> int:
        """Number of demands that are planned for."""
        return sum(self.by_verdict.values()) - self.by_verdict[Verdict.IGNORED]

    @property
    def on_time(self) -> int:
        """Number of demands that are on time."""
        return self.by_verdict[Verdict.ON_TIME]

    @property
    def at_risk(self) -> int:
        """Number of demands whose chain starts before now."""
        return self.by_verdict[Verdict.AT_RISK]

    @property
    def not_kept(self) -> int:
        """Number of demands that come late, in part, not at all, or were past due."""
        return sum(self.by_verdict[one] for one in NOT_KEPT)

    @property
    def share_on_time(self) -> float | None:
        """On time ÷ planned for [fraction]; None where nothing is planned for."""
        return self.on_time / self.live if self.live else None

    @property
    def mean_late_h(self) -> float | None:
        """Mean lateness of the late demands alone [h]; None where none is."""
        return self.late_hours / self.late if self.late else None

    @property
    def mean_h(self) -> float | None:
        """Mean lateness of all demands that are planned for [h], 0 for one on time."""
        return self.late_hours / self.live if self.live else None

    def words(self) -> str:
        """Name the counts by verdict: "631 on time, 5 late, 300 ignored"."""
        return ", ".join(
            f"{self.by_verdict[one]:,} {word}"
            for one, word in WORDS.items()
            if self.by_verdict[one]
        )


def tally(plan: PlanAccess) -> VerdictCounts:
    """Count the verdicts of a plan."""
    rows = verdicts(plan)
    counts = dict(rows["verdict"].value_counts().iter_rows())
    late = rows.filter(pl.col("lateness_h") > 0).sort(
        "lateness_h", "demand", descending=[True, False]
    )
    # Sums of floats depend on their order.
    hours = float(late["lateness_h"].sum())
    latest = late.select("demand", "lateness_h").row(0) if late.height else None
    return VerdictCounts(
        by_verdict=MappingProxyType({one: counts.get(one, 0) for one in Verdict}),
        late_hours=hours,
        late=late.height,
        latest=latest,
    )
