"""Which time each uncertain purchase or lane takes in one evaluation.

A chain with uncertain times is evaluated at levels: a level is a probability, one for
all or one for each group of subjects that are late together. The quantiles and the
clocks are those of the providers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from medhavi.providers.altered_copy import altered

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt

    from medhavi.providers import Providers
    from medhavi.providers.lead_times import Quantiles
    from medhavi.providers.sources import Clock, Source

LEVELS: Mapping[str, float] = {"p50": 0.5, "p80": 0.8, "p95": 0.95}
MOST_COLUMNS = 8192
"""Times at all points that are kept: 32 MB."""
Subject = tuple[str, str, str]
"""Kind, supplier or lane, product (lanes: none)."""


class UncertainTimes:
    """Quantiles of purchases and lanes of one snapshot, each looked up once.

    Parameters
    ----------
    providers
        Lead times, suppliers, transport.

    Attributes
    ----------
    anything
        Whether any time of the snapshot is uncertain.
    columns
        Times of subjects at all points of a sample, by what they are for.
    """

    __slots__ = ("_known", "_lanes", "_stated", "anything", "columns", "providers")

    def __init__(self, providers: Providers) -> None:
        self.providers = providers
        self._stated: dict[tuple[str, str, str], bool] = {}
        self._known: dict[Subject, Quantiles | None] = {}
        self.columns: dict[tuple[object, ...], npt.NDArray[np.int64]] = {}
        tables = providers.tables
        self._lanes = {row["lane"]: row for row in tables["lanes"]}
        self.anything = bool(
            tables["estimates"].count
            or tables["supply_terms"].filled("lead_time_p95_days")
            or tables["lanes"].filled("duration_p95_h")
        )

    def on(self, providers: Providers) -> UncertainTimes:
        """Give the times of other providers; what is uncertain at all stays so."""
        return altered(self, providers=providers, _stated={}, _known={}, columns={})

    def keep(self, key: tuple[object, ...], column: npt.NDArray[np.int64]) -> None:
        """Keep the times of a subject at all points, the oldest in its place."""
        if len(self.columns) >= MOST_COLUMNS:
            del self.columns[next(iter(self.columns))]
        self.columns[key] = column

    def purchase(self, source: Source) -> tuple[Subject, Quantiles | None]:
        """Give the uncertain days of a purchase; None: they are certain."""
        subject = ("supplier", source.source, f"{source.product}|{source.location}")
        if subject not in self._known:
            found = self.providers.lead_times.supplier_quantiles(
                source.row, source.product
            )
            self._known[subject] = found if found.uncertain else None
        return subject, self._known[subject]

    def lane(self, lane: str) -> tuple[Subject, Quantiles | None]:
        """Give the uncertain seconds of a lane; None: they are certain."""
        subject = ("lane", lane, "")
        if subject not in self._known:
            found = self.providers.lead_times.lane_quantiles(self._lanes[lane])
            self._known[subject] = found if found.uncertain else None
        return subject, self._known[subject]

    def of(self, subject: Subject) -> Quantiles:
        """Give the quantiles of a subject that is known to be uncertain."""
        found = self._known[subject]
        if found is None:
            message = f"{subject} is certain."
            raise KeyError(message)
        return found

    def stated(self, source: Source) -> bool:
        """Tell whether a supplier has neither estimate nor 95th percentile."""
        key = (source.source, source.product, source.location)
        known = self._stated.get(key)
        if known is None:
            found = self.providers.lead_times.supplier_quantiles(
                source.row, source.product
            )
            plain = source.row["lead_time_p95_days"] is None
            known = self._stated[key] = plain and found.basis == "stated"
        return known


class LeadDraws:
    """One level for each uncertain subject.

    Parameters
    ----------
    times
        Quantiles.
    level
        Probability of subjects without an own one.
    own
        Probability by subject.
    """

    __slots__ = ("_level", "_own", "_times")

    def __init__(
        self,
        times: UncertainTimes,
        level: float,
        own: Mapping[Subject, float] | None = None,
    ) -> None:
        self._times = times
        self._level = level
        self._own = own or {}

    def level(self, subject: Subject) -> float:
        """Give the probability at which a subject is taken."""
        return self._own.get(subject, self._level)

    def purchase_days(self, source: Source) -> float | None:
        """Give the days of a purchase; None: as stated."""
        subject, found = self._times.purchase(source)
        return None if found is None else found.at(self.level(subject))

    def transit(self, lane: str) -> float | None:
        """Give the seconds of a lane; None: as stated."""
        subject, found = self._times.lane(lane)
        return None if found is None else found.at(self.level(subject))

    def clock(self, source: Source) -> Clock:
        """Give the clock of a purchase at its level."""
        providers = self._times.providers
        days = self.purchase_days(source)
        if days is None:
            return source.clock
        return providers.suppliers.clock_at(source.row, source.location, days)
