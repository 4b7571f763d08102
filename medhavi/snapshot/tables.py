"""The typed frames of the planning tables: dtypes, access, frames made late.

A protocol, so that the snapshot can call its checks without a circle of imports.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeVar

import polars as pl

from medhavi import schema
from medhavi.units import DAY, Seconds, seconds_up, to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Collection, Iterator


_USUAL_WEIGHTS = (10.0, 5.0, 2.0, 1.0)
_TARGET = re.compile(r"\s*(KPI-\d\d(?:\.\w+)?)\s*(>=|<=)\s*(-?\d+(?:\.\d+)?)\s*")


class KpiTarget(NamedTuple):
    """Target of a key figure.

    Parameters
    ----------
    kpi
        Code of the figure, with its part: `KPI-06.days_of_supply`.
    is_least
        The figure should be `value` or more, else `value` or less.
    value
        In the unit of the figure; a share is a fraction of 1.
    """

    kpi: str
    is_least: bool
    value: float

    @classmethod
    def read(cls, text: str) -> KpiTarget | None:
        """Read `KPI-28>=0.95`; None where it is no target.

        >>> KpiTarget.read("KPI-05 <= 0.85")
        KpiTarget(kpi='KPI-05', is_least=False, value=0.85)
        """
        found = _TARGET.fullmatch(text)
        return cls(found[1], found[2] == ">=", float(found[3])) if found else None

    def is_met(self, figure: float) -> bool:
        """Whether a figure reaches the target, or does not exceed it."""
        return figure >= self.value if self.is_least else figure <= self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The moment and the frame of a plan.

    `as_of` is now of every planner [UTC seconds]; `horizon_days` [days] counts from it.
    `priority_weights` are the weights of priority 1, 2, 3 …; the last one holds on.
    `delay_correlation` is that of the delays of different suppliers and lanes.
    `remedies_min_share` is the least share of a need that a remedy must deliver.
    `min_on_time_prob` is the probability below which a demand is at risk (NEX-05).
    `kpi_targets` are those that are stated, in their order.
    `over_peg` tells whether a firm peg keeps more than its demand needs (PEG-08).
    """

    as_of: Seconds
    horizon_days: float
    base_currency: str
    bucket: str
    tenant: str
    fx_max_age_days: float
    priority_weights: tuple[float, ...]
    risk_basis: Literal["p50", "p80", "p95"]
    delay_correlation: float = 0.0
    over_peg: Literal["cap", "allow"] = "cap"
    kpi_targets: tuple[KpiTarget, ...] = ()
    remedies_min_share: float = 0.2
    min_on_time_prob: float = 0.8
    timezone: str | None = None
    """Zone of dates without a time and of pages; None: not stated."""

    @classmethod
    def from_row(cls, row: Mapping[str, object]) -> Settings:
        """Read a row of the typed table."""
        moment: dt.datetime = row["as_of"]  # type: ignore[assignment]
        weights: list[str] = row["priority_weights"] or []  # type: ignore[assignment]
        wanted: list[str] = row.get("kpi_targets") or []  # type: ignore[assignment]
        return cls(
            as_of=Seconds(to_seconds(moment)),
            horizon_days=float(row["horizon_days"]),  # type: ignore[arg-type]
            base_currency=str(row["base_currency"]),
            bucket=str(row["bucket"]),
            tenant=str(row["tenant"] or ""),
            fx_max_age_days=float(row["fx_max_age_days"]),  # type: ignore[arg-type]
            priority_weights=tuple(
                number for number in map(_number, weights) if number
            ),
            risk_basis=row["risk_basis"],  # type: ignore[arg-type]
            delay_correlation=float(row["delay_correlation"]),  # type: ignore[arg-type]
            over_peg=row["over_peg"],  # type: ignore[arg-type]
            kpi_targets=tuple(one for one in map(KpiTarget.read, wanted) if one),
            remedies_min_share=float(row["remedies_min_share"]),  # type: ignore[arg-type]
            min_on_time_prob=float(row["min_on_time_prob"]),  # type: ignore[arg-type]
            timezone=str(row["timezone"]) if row.get("timezone") else None,
        )

    @property
    def horizon_end(self) -> int:
        """First instant beyond the horizon [UTC seconds]; demands up to it count."""
        return self.as_of + seconds_up(self.horizon_days, DAY)

    def weight(self, priority: int) -> float:
        """Weight of a priority in objectives and default costs.

        Priority 0 stands above all and weighs as 1.
        """
        weights = self.priority_weights or _USUAL_WEIGHTS
        return weights[min(max(priority, 1), len(weights)) - 1]


def _number(text: str) -> float | None:
    """Read a weight; what is none has its own finding."""
    try:
        return float(text)
    except ValueError:
        return None


INSTANT = pl.Datetime("us", "UTC")

BY_TYPE: Mapping[str, pl.DataType] = MappingProxyType(
    {
        "str": pl.String(),
        "int": pl.Int64(),
        "float": pl.Float64(),
        "bool": pl.Boolean(),
        "timestamp": INSTANT,
        "date": pl.Date(),
        "time": pl.Time(),
        "list": pl.List(pl.String()),
    }
)

DTYPES: Mapping[str, Mapping[str, pl.DataType]] = MappingProxyType(
    {
        name: MappingProxyType(
            {column.name: BY_TYPE[column.type] for column in table.columns.values()}
        )
        for name, table in schema.tables().items()
    }
)
"""Per table its columns in the order of the schema, with their polars types."""


def empty(name: str) -> pl.DataFrame:
    """Table without rows, with all its columns.

    >>> empty("fx_rates").columns
    ['currency', 'as_of', 'rate']
    """
    return pl.DataFrame(schema=dict(DTYPES[name]))


class TableAccess(Protocol):
    """The part of `Snapshot` that the package itself reads."""

    def __getitem__(self, name: str) -> pl.DataFrame:
        """Table by name."""
        ...

    def input_rows(self, name: str) -> pl.Series:
        """Input row number (from 1) of each row of a table."""
        ...

    @property
    def settings(self) -> Settings:
        """The one row of settings."""
        ...

    @property
    def as_of(self) -> int:
        """Now of every planner [UTC seconds]."""
        ...


Made = TypeVar("Made")


class LazyTables(Mapping[str, Made]):
    """Tables by name; those that change are made when they are first read.

    Parameters
    ----------
    known
        All tables as they are.
    changed
        Names of the tables that change.
    make
        Gives a changed table by its name; it is asked once.

    Examples
    --------
    >>> tables = LazyTables({"a": 1, "b": 2}, {"b"}, len)
    >>> dict(tables)
    {'a': 1, 'b': 1}
    """

    __slots__ = ("_changed", "_known", "_made", "_make")

    def __init__(
        self,
        known: Mapping[str, Made],
        changed: Collection[str],
        make: Callable[[str], Made],
    ) -> None:
        self._known = known
        self._changed = frozenset(changed)
        self._make = make
        self._made: dict[str, Made] = {}

    def __getitem__(self, name: str) -> Made:
        if name not in self._changed:
            return self._known[name]
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Walk over the names, in the order of the schema."""
        return iter(self._known)

    def __len__(self) -> int:
        """Count the tables."""
        return len(self._known)
