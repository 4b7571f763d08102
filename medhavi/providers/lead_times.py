"""Which time is used for buying and moving, on what basis, and how sure it is.

Where `estimates` has a row for the supplier or lane, its quantile is planned with: the
row of the product before that of all products. `settings.risk_basis` names the
quantile; mode mrp takes the median. Without a row the stated time holds: a missing
model changes the basis of an answer, never its existence. A finding names the models.
"""

from __future__ import annotations

import math
from collections import Counter
from copy import copy
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from medhavi.findings import finding
from medhavi.units import DAY, HOUR, ceil_fraction, exact

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from medhavi.findings import Finding
    from medhavi.providers.table_rows import Row, TableRows


Quantile = Literal["p50", "p80", "p95"]
Basis = Literal["model", "group", "global", "terms", "stated"]

EVERY_PRODUCT: Final = "*"
LEVELS: Final = (0.5, 0.8, 0.95)
"""Probabilities of the three quantiles."""
STEEP: Final = 1e6
"""Times that grow more than so many times are taken as growing from zero."""
TIMED: Final = ("supplier", "lane")
DELAY = "supplier_delay"
"""Kind of the disruptions that make a supplier late."""
LEAD_DAYS: Final = "lead_days"
"""Quantity of `estimates` that stands in place of a stated time of buying or moving."""
_FACTOR, _DOWN, _YIELD = "duration_factor", "downtime_h", "yield"
_PARTS = 9
"""Decimals of a time between two that are known."""
_DIGITS = 6
"""Digits of a learned yield that count: what is beyond them is noise."""


class LeadTime(NamedTuple):
    """A time and where it comes from.

    `amount` is in days of the supplier's calendar for purchases and in seconds of the
    lane's calendar for moves.
    """

    amount: float
    basis: Basis


class Quantiles(NamedTuple):
    """An uncertain time: three quantiles, in the unit of `LeadTime.amount`.

    `basis` is that of the estimate (model, group, global), "terms" where only a stated
    95th percentile is known, "stated" where nothing says that the time is uncertain.
    `on_time_prob` is the chance to be on time by the plain value, where it is known;
    `group` names subjects that are late together.
    """

    p50: float
    p80: float
    p95: float
    basis: Basis
    model: str | None = None
    version: str | None = None
    on_time_prob: float | None = None
    group: str | None = None

    @property
    def uncertain(self) -> bool:
        """Whether the time varies at all."""
        return self.p95 > self.p50

    @property
    def on_time(self) -> float:
        """Chance to be on time by the plain value.

        Where nothing says it: a half where the time varies, else 1.
        """
        if self.on_time_prob is not None:
            return self.on_time_prob
        return 0.5 if self.uncertain else 1.0

    def later(self, days: float) -> Quantiles:
        """Same that takes some days more."""
        return self._replace(
            p50=self.p50 + days, p80=self.p80 + days, p95=self.p95 + days
        )

    def named(self, quantile: Quantile) -> float:
        """Quantile by its name."""
        return float(getattr(self, quantile))

    def at(self, probability: float) -> float:
        """Time that is not exceeded with a probability.

        Between the three quantiles the logarithm of the time is linear in the
        probability; below the median and above the 95th percentile the nearest line
        goes on, never below zero.

        >>> Quantiles(10.0, 20.0, 20.0, "model").at(0.8)
        20.0
        """
        times = (self.p50, self.p80, self.p95)
        place = 0 if probability <= LEVELS[1] else 1
        return _log_linear(
            (LEVELS[place], LEVELS[place + 1]),
            (times[place], times[place + 1]),
            probability,
        )

    def probability(self, time: float) -> float:
        """Chance that the time is at most `time`; the inverse of `at`."""
        if not self.uncertain:
            return 1.0 if time >= self.p50 else 0.0
        low, high = 0.0, 1.0
        # `at` rises with the probability; fifty halvings reach the last bit.
        for _ in range(50):
            middle = (low + high) / 2
            if self.at(middle) <= time:
                low = middle
            else:
                high = middle
        return low


class LeadTimes:
    """Times of supply terms and lanes.

    Parameters
    ----------
    tables : mapping of str to Rows
        `estimates`, `suppliers`, `supply_terms`, `lanes`.
    quantile : {"p50", "p80", "p95"}
        What planners use where there is an estimate.
    delayed : bool
        What is ordered while a supplier is late takes its delay longer (rule 20), by
        terms that are cut where delays begin and end; `disruptions` is read then.
    """

    def __init__(
        self,
        tables: Mapping[str, TableRows],
        quantile: Quantile,
        *,
        delayed: bool,
    ) -> None:
        self.quantile: Quantile = quantile
        self._delays: dict[str, list[Row]] = {}
        for row in tables["disruptions"] if delayed else ():
            if row["kind"] == DELAY and row["delay_days"] > 0:
                self._delays.setdefault(row["subject"], []).append(row)
        self._tables = tables
        self._estimates = tables["estimates"]
        self._known: dict[tuple[str, str, str, str], Row] = {}
        for row in self._estimates:
            key = (row["kind"], row["subject"], row["product"], row["quantity"])
            self._known[key] = row
        suppliers = tables["suppliers"]
        self._reliability: dict[str, float | None] = dict(
            zip(
                suppliers.column("supplier"),
                suppliers.column("reliability"),
                strict=True,
            )
        )

    # ----------------------------------------------------------------- planned times
    def supplier(self, terms: Row, product: str | None = None) -> LeadTime:
        """Days from order to receipt of a row of supply terms.

        A stated time is raised by `lead_margin_pct` (WO-03: 5 days and 20 % are 6); an
        estimate carries its own margin, the quantile. A delay of the supplier comes on
        top of either.

        Parameters
        ----------
        product
            What is bought, where the row is that of a group.
        """
        late = self._delay(terms) if self._delays else 0.0
        found = self._estimated_days(terms, product) if self._known else None
        if found is not None:
            return LeadTime(found.named(self.quantile) + late, found.basis)
        margin = terms.get("lead_margin_pct")
        if not margin:
            return LeadTime(terms["lead_time_days"] + late, "terms")
        days = exact(terms["lead_time_days"]) * (100 + exact(margin)) / 100
        return LeadTime(float(days) + late, "terms")

    def lane(self, lane: Row) -> LeadTime:
        """Seconds from departure to use: duration and customs, rounded up.

        The clock of a lane is one for all products.
        """
        found = self._estimated_transit(lane) if self._known else None
        if found is None:
            hours = exact(lane["duration_h"]) + exact(lane["customs_h"])
            return LeadTime(ceil_fraction(hours * HOUR), "terms")
        return LeadTime(found.named(self.quantile), found.basis)

    # --------------------------------------------------------------------- quantiles
    def supplier_quantiles(self, terms: Row, product: str | None = None) -> Quantiles:
        """Days from order to receipt as quantiles.

        An estimate, else the stated time and its 95th percentile as median and p95 with
        the p80 log-linear between (rule 36), else the stated time alone.
        """
        found = self._estimated_days(terms, product) if self._known else None
        if found is None:
            reliability = terms["reliability"]
            if reliability is None:
                reliability = self._reliability.get(terms["supplier"])
            found = _two_points(
                terms["lead_time_days"], terms["lead_time_p95_days"], reliability
            )
        late = self._delay(terms) if self._delays else 0.0
        return found.later(late) if late else found

    def lane_quantiles(self, lane: Row) -> Quantiles:
        """Seconds from departure to use as quantiles, customs in them."""
        found = self._estimated_transit(lane) if self._known else None
        if found is not None:
            return found
        customs = exact(lane["customs_h"])
        stated = ceil_fraction((exact(lane["duration_h"]) + customs) * HOUR)
        high = lane["duration_p95_h"]
        late = None if high is None else ceil_fraction((exact(high) + customs) * HOUR)
        plain = _two_points(stated, late, lane["reliability"])
        return plain._replace(p80=math.ceil(round(plain.p80, _DIGITS)))

    def _delay(self, terms: Row) -> float:
        """How much longer what is ordered by these terms takes [days]."""
        opens, closes = terms["valid_from"], terms["valid_to"]
        if opens is None:
            return 0.0
        days = 0.0
        for one in self._delays.get(terms["supplier"], ()):
            begin, end = one["valid_from"], one["valid_to"]
            if begin <= opens and (
                end is None or (closes is not None and closes <= end)
            ):
                days += one["delay_days"]
        return days

    # --------------------------------------------------------------------- estimates
    def _row(self, kind: str, subject: str, product: str, what: str) -> Row | None:
        own = self._known.get((kind, subject, product, what))
        if own is not None:
            return own
        return self._known.get((kind, subject, EVERY_PRODUCT, what))

    def estimate(self, kind: str, subject: str, product: str) -> Row | None:
        """Row of `estimates` whose time stands in place of the stated one, if any."""
        days = self._row(kind, subject, product, LEAD_DAYS)
        return self._row(kind, subject, product, _FACTOR) if days is None else days

    def _estimated_days(self, terms: Row, product: str | None) -> Quantiles | None:
        item = product or terms["product"]
        row = self.estimate("supplier", terms["supplier"], item)
        if row is None:
            return None
        if row["quantity"] == LEAD_DAYS:
            return _quantiles(row, (row["p50"], row["p80"], row["p95"]))
        stated = exact(terms["lead_time_days"])
        return _quantiles(
            row, [float(stated * exact(row[name])) for name in ("p50", "p80", "p95")]
        )

    def _estimated_transit(self, lane: Row) -> Quantiles | None:
        row = self.estimate("lane", lane["lane"], EVERY_PRODUCT)
        names = ("p50", "p80", "p95")
        if row is None:
            return None
        if row["quantity"] == LEAD_DAYS:
            days = [ceil_fraction(exact(row[name]) * DAY) for name in names]
            return _quantiles(row, days)
        hours, customs = exact(lane["duration_h"]), exact(lane["customs_h"])
        return _quantiles(
            row,
            [
                ceil_fraction((hours * exact(row[name]) + customs) * HOUR)
                for name in names
            ],
        )

    def downtime(self, resource: str) -> Quantiles | None:
        """Estimated hours of 24 hours of working time in which it stands."""
        row = self._row("resource", resource, EVERY_PRODUCT, _DOWN)
        if row is None:
            return None
        return _quantiles(row, (row["p50"], row["p80"], row["p95"]))

    def step_factors(self) -> dict[tuple[str, int], Quantiles]:
        """How much longer than stated steps take, by routing and step (RTG-07).

        Estimates name them `routing|step`; a name of another form says nothing.
        """
        return self._of_steps(_FACTOR)

    def step_yields(self) -> dict[tuple[str, int], Quantiles]:
        """Learned good shares of steps, by routing and step (RTG-07).

        Named as in `step_factors`; what is never good says nothing.
        """
        found = self._of_steps(_YIELD)
        return {step: one for step, one in found.items() if one.p50 > 0}

    def _of_steps(self, what: str) -> dict[tuple[str, int], Quantiles]:
        found = {}
        for (kind, subject, _, quantity), row in self._known.items():
            routing, _, step = subject.rpartition("|")
            if (kind, quantity) == ("step", what) and routing and step.isdigit():
                times = (row["p50"], row["p80"], row["p95"])
                found[routing, int(step)] = _quantiles(row, times)
        return found

    # ----------------------------------------------------------- what a change reaches
    def learned_days(
        self, subject: str, product: str, kind: str = "supplier"
    ) -> Row | None:
        """Row of `estimates` with the days of a supplier or lane, if any."""
        return self._row(kind, subject, product, LEAD_DAYS)

    def factor(self, supplier: str, product: str) -> float:
        """How much longer than stated a supplier takes; 1: nothing says so."""
        row = self._row("supplier", supplier, product, _FACTOR)
        return 1.0 if row is None else float(row[self.quantile])

    def relearned(self, rows: Iterable[Row]) -> LeadTimes:
        """Same with other or new rows of `estimates`."""
        known = dict(self._known)
        for row in rows:
            key = (row["kind"], row["subject"], row["product"], row["quantity"])
            known[key] = row
        made: LeadTimes = copy(self)
        made._known = known
        return made

    # ---------------------------------------------------------------------- findings
    @property
    def findings(self) -> tuple[Finding, ...]:
        """Name the models whose times are used, and the estimates that are not."""
        if not self._known:
            return ()
        used: Counter[tuple[str, str | None, str | None]] = Counter()
        for terms in self._tables["supply_terms"]:
            days = self._estimated_days(terms, None)
            if days is not None:
                used["supply_terms", days.model, days.version] += 1
        for lane in self._tables["lanes"]:
            transit = self._estimated_transit(lane)
            if transit is not None:
                used["lanes", transit.model, transit.version] += 1
        found = [
            finding(
                "SRC009",
                table=table,
                value=count,
                quantile=self.quantile,
                model=model,
                version=version,
            )
            for (table, model, version), count in sorted(used.items(), key=str)
        ]
        others = sum(row["kind"] not in TIMED for row in self._known.values())
        if others:
            found.append(finding("SRC012", table="estimates", value=others))
        return tuple(found)


def reached_yield(known: Quantiles, quantile: Quantile) -> float:
    """Good share that is reached as often as a quantile says.

    A time is safe at its high quantile, a yield at its low one: what 80 of 100 runs
    reach is the 20th percentile, drawn on below the median as by `Quantiles.at`.

    >>> reached_yield(Quantiles(0.9, 0.95, 0.97, "model"), "p50")
    0.9
    >>> reached_yield(Quantiles(0.8, 1.0, 1.0, "model"), "p80")
    0.64
    """
    level = dict(zip(("p50", "p80", "p95"), LEVELS, strict=True))[quantile]
    return round(min(known.at(1 - level), 1.0), _DIGITS)


def _quantiles(row: Row, times: Sequence[float]) -> Quantiles:
    """Read an estimate; a later quantile is never the smaller one."""
    p50, p80, p95 = times
    p80 = max(p50, p80)
    return Quantiles(
        p50,
        p80,
        max(p80, p95),
        row["basis"],
        row["model"],
        row["version"],
        row["on_time_prob"],
        row["correlation_group"],
    )


def _two_points(
    stated: float, late: float | None, reliability: float | None
) -> Quantiles:
    if late is None or late <= stated:
        return Quantiles(stated, stated, stated, "stated", on_time_prob=reliability)
    # 8 and 27 days have 18 between them: noise of the power would add a second.
    between = round(
        _log_linear((LEVELS[0], LEVELS[2]), (stated, late), LEVELS[1]), _PARTS
    )
    return Quantiles(stated, between, late, "terms", on_time_prob=reliability)


def _log_linear(
    levels: tuple[float, float], times: tuple[float, float], probability: float
) -> float:
    """Interpolate with the logarithm linear in the probability; plainly from zero.

    Next to zero the line of the logarithm would run beyond all numbers.
    """
    share = (probability - levels[0]) / (levels[1] - levels[0])
    first, second = times
    if share == 1:
        return second
    if first * STEEP <= second:
        return max(0.0, first + (second - first) * share)
    return float(first * (second / first) ** share)
