"""The result of a planner: frozen tables, a run record, findings (design 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import polars as pl

from medhavi.display import Charted
from medhavi.findings import Finding
from medhavi.findings.groups import as_json, told_findings
from medhavi.results.amounts import NO_PRICES, PlanLocale, duration, percent, with_unit
from medhavi.results.identity import register_of, with_numbers
from medhavi.results.plans.folder import (
    read_json,
    read_tables,
    write_arrow,
    write_json,
    write_tables,
)
from medhavi.results.plans.lateness import WORDS, flagged, has_flags, late_cost, tally
from medhavi.results.plans.money_parts import Scorecard
from medhavi.results.plans.run_words import budget_words, step_words, unpriced_words
from medhavi.results.plans.tables import (
    KEYS,
    SCHEMAS,
    content,
    empty,
    in_key_order,
    shaped,
)
from medhavi.results.program_record import unsolved_words
from medhavi.results.run_record import Basis, RunRecord
from medhavi.snapshot.fingerprint import frame_hash, tree_hash
from medhavi.snapshot.reading.outside_file import read_written

if TYPE_CHECKING:
    from collections.abc import Iterator

    from medhavi.results.plans.explanation import Explanation
    from medhavi.results.plans.folder import Format
    from medhavi.results.plans.lateness import VerdictCounts
    from medhavi.results.plans.source_trace import Trace
    from medhavi.snapshot import Snapshot


__all__ = ["KEYS", "SCHEMAS", "Plan"]

BASIS = "basis.arrow"
"""What a plan was made from, beside its tables: for planning on a baseline."""
SCHEDULE = "search_schedule.arrow"
"""What a search found, beside the tables of a plan that it made."""
FIGURES = frozenset({"kpis", "contributions", "prices"})
"""Tables that say what a plan comes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan(Charted):
    """A plan of supplies for demands, with all that explains it.

    Parameters
    ----------
    tables
        Frames by the names of `SCHEMAS`. An absent table has no rows, an absent column
        only nulls; an unknown one is an error of the caller.
    run
        How the plan came about.
    findings
        What the planner found in the data.
    measured
        Seconds, memory, host: outside the fingerprint and every table.
    basis
        What it was made from, so that a later run replans only what changed.
    told_in
        Zones and currency in which it is told, where no basis has them; see `locale`.
    scorecards
        Its money by mode, which says whether overtime counts, and by the fingerprint of
        the tables that it was measured against: what is made of it by other figures,
        labels and texts alone has the same one.
    """

    tables: Mapping[str, pl.DataFrame]
    run: RunRecord
    findings: tuple[Finding, ...] = ()
    measured: Mapping[str, object] = field(default_factory=dict, compare=False)
    basis: Basis | None = field(default=None, compare=False, repr=False)
    told_in: PlanLocale | None = field(default=None, compare=False, repr=False)
    scorecards: dict[tuple[str, str], Scorecard] = field(
        default_factory=dict, compare=False, repr=False
    )
    _digests: dict[str, str] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        unknown = [name for name in self.tables if name not in SCHEMAS]
        if unknown:
            message = (
                f"A plan has no table {unknown[0]}; "
                f"its tables are {', '.join(SCHEMAS)}."
            )
            raise ValueError(message)
        frames = {
            name: shaped(name, self.tables[name])
            if name in self.tables
            else empty(name)
            for name in SCHEMAS
        }
        if not has_flags(frames["fulfilment"]):
            # A planner states no flags, and no folder of an earlier version does.
            frames["fulfilment"] = flagged(frames, self.run.mode, self.run.as_of)
        supplies = frames["supplies"]
        if supplies["number"].null_count():
            # Outside a lake numbers count from 1; what has one keeps it.
            named = with_numbers(supplies, register_of(supplies))
            frames["supplies"] = named
        object.__setattr__(self, "tables", MappingProxyType(frames))
        object.__setattr__(self, "findings", tuple(self.findings))

    def __getitem__(self, name: str) -> pl.DataFrame:
        """One table."""
        return self.tables[name]

    @property
    def locale(self) -> PlanLocale:
        """Zones and currency in which it is told; UTC where none are known."""
        own = None if self.basis is None else self.basis.locale
        return own or self.told_in or PlanLocale()

    @property
    def supplies(self) -> pl.DataFrame:
        """New and existing orders: make, buy, move."""
        return self.tables["supplies"]

    @property
    def operations(self) -> pl.DataFrame:
        """Work of the make orders: one row per step, working stretch and resource."""
        return self.tables["operations"]

    @property
    def pegging(self) -> pl.DataFrame:
        """Which supply or stock lot serves which demand, level by level."""
        return self.tables["pegging"]

    @property
    def deliveries(self) -> pl.DataFrame:
        """What each demand gets, and when."""
        return self.tables["deliveries"]

    @property
    def fulfilment(self) -> pl.DataFrame:
        """One row per demand: planned, short, late, status, limiter, flags."""
        return self.tables["fulfilment"]

    @property
    def causes(self) -> pl.DataFrame:
        """Why demands are late or short; hours and money sum to the whole."""
        return self.tables["causes"]

    @property
    def positions(self) -> pl.DataFrame:
        """Projected stock per product, location and bucket."""
        return self.tables["positions"]

    @property
    def loads(self) -> pl.DataFrame:
        """Hours per resource and bucket."""
        return self.tables["loads"]

    @property
    def exceptions(self) -> pl.DataFrame:
        """What a person should look at."""
        return self.tables["exceptions"]

    @property
    def contributions(self) -> pl.DataFrame:
        """Parts of the objective by program (`value`) and plan; they sum to it."""
        return self.tables["contributions"]

    @property
    def prices(self) -> pl.DataFrame:
        """Shadow prices of constraints."""
        return self.tables["prices"]

    @property
    def kpis(self) -> pl.DataFrame:
        """Key figures; a null value is undefined."""
        return self.tables["kpis"]

    @property
    def fingerprint(self) -> str:
        """SHA-256 over all tables; measurements and the order of rows do not count."""
        if len(self._digests) < len(self.tables):
            for _ in self._in_key_order():
                pass
        return tree_hash(self._digests)

    def _in_key_order(self) -> Iterator[tuple[str, pl.DataFrame]]:
        """Tables with their rows in key order, hashed on the way.

        Sorting the pegs costs more than hashing them: it serves both, once.
        """
        for name, frame in self.tables.items():
            ordered = in_key_order(name, frame)
            if name not in self._digests:
                known = content(name, ordered)
                self._digests[name] = frame_hash(known, KEYS[name])
            yield name, ordered

    def replace(self, **tables: pl.DataFrame) -> Plan:
        """Plan with some tables exchanged.

        With other tables than those of its figures and its money it is no longer what a
        planner made of its basis.
        """
        same = set(tables) <= FIGURES
        kept = self.basis if same else None
        told_in = self.told_in if kept is not None else self.locale
        return replace(
            self,
            tables={**self.tables, **tables},
            basis=kept,
            told_in=told_in,
            scorecards=self.scorecards if same else {},
        )

    def numbered(self, register: pl.DataFrame) -> Plan:
        """Plan whose planned orders bear the numbers of a register (rule 44).

        Numbers are labels: plan, fingerprint and basis stay as they are.
        """
        supplies = with_numbers(self.supplies, register)
        return replace(self, tables={**self.tables, "supplies": supplies})

    def with_measured(self, measured: Mapping[str, object]) -> Plan:
        """Plan with these measurements added; its fingerprint stays."""
        return replace(self, measured={**self.measured, **measured})

    def to_frames(self) -> dict[str, pl.DataFrame]:
        """All tables by name."""
        return dict(self.tables)

    def to_folder(
        self,
        folder: str | Path,
        format: Format = "parquet",  # noqa: A002 - the public name, as in Snapshot
        *,
        raw: bool = False,
    ) -> Path:
        """Write tables, `run.json`, `kpis.json`, `measured.json`, basis and schedule.

        Parameters
        ----------
        raw
            Texts of CSV files as they are, also such as a spreadsheet would run.

        Returns
        -------
        Path
            The folder.
        """
        path = Path(folder)
        write_tables(path, self._in_key_order(), format, raw=raw)
        write_json(path / "run.json", self.run_json())
        write_json(path / "kpis.json", self.kpis_json())
        write_json(path / "measured.json", dict(self.measured))
        if self.basis is not None:
            write_arrow(path / BASIS, self.basis.to_frame())
            if self.basis.schedule is not None:
                write_arrow(path / SCHEDULE, self.basis.schedule)
        return path

    @classmethod
    def from_folder(cls, folder: str | Path) -> Plan:
        """Read a folder that `to_folder` wrote; equal to what was written."""
        path = Path(folder)
        tables = read_tables(path)
        record = read_json(path / "run.json")
        return cls(
            tables=tables,
            run=RunRecord.from_dict(record),
            findings=told_findings(record.get("findings")),
            measured=read_json(path / "measured.json"),
            basis=_basis(path),
            told_in=PlanLocale.from_dict(record),
        )

    def run_json(self) -> dict[str, object]:
        """Content of `run.json`: record, fingerprint, findings (rule 25)."""
        return {
            **self.run.as_dict(),
            **self.locale.as_dict(),
            "fingerprint": self.fingerprint,
            **as_json(self.findings),
        }

    def kpis_json(self) -> dict[str, dict[str, object]]:
        """Content of `kpis.json` (rule 25); an undefined value is null."""
        return {
            row["kpi"]: {
                key: row[key]
                for key in (
                    "value",
                    "unit",
                    "numerator",
                    "denominator",
                    "name",
                    "reason",
                )
            }
            for row in self.kpis.sort("kpi").iter_rows(named=True)
        }

    def explain(
        self, demand: str | None = None, *, names: Mapping[str, str] | None = None
    ) -> Explanation:
        """Why a demand is served as it is; see `results.explanation`.

        Where none is named, the one whose first order should have begun longest ago,
        or the first of the plan.
        """
        from medhavi.results.plans.explanation import explain, worst_demands

        if demand is None:
            worst = [one.demand for one in worst_demands(self, count=1)]
            demand = next(iter([*worst, *self.fulfilment["demand"].head(1)]), "")
        return explain(self, demand, names=names)

    def trace(self, demand: str, snapshot: Snapshot | None = None) -> Trace:
        """Where a demand comes from, to purchased lots; see `source_trace`."""
        from medhavi.results.plans.source_trace import trace

        return trace(self, demand, snapshot)

    def where_used(self, subject: str) -> pl.DataFrame:
        """Which demands a product, an order or a stock lot ends in."""
        from medhavi.results.plans.source_trace import where_used

        return where_used(self, subject)

    def __reduce__(self) -> tuple[object, ...]:
        """Travel to another process with all that plans on it need but the tables."""
        known = self.basis
        basis = None if known is None else (known.to_frame(), known.schedule)
        parts = dict(self.tables), self.run, self.findings, dict(self.measured)
        return _arrived, (*parts, basis, self.locale)

    def __str__(self) -> str:
        """Summary: counts, statuses, the worst exceptions."""
        return summary(self)


def _arrived(
    tables: Mapping[str, pl.DataFrame],
    run: RunRecord,
    findings: tuple[Finding, ...],
    measured: Mapping[str, object],
    basis: tuple[pl.DataFrame, pl.DataFrame | None] | None,
    told_in: PlanLocale,
) -> Plan:
    """Plan as `Plan.__reduce__` sent it."""
    found = None
    if basis is not None:
        found = replace(Basis.from_frame(basis[0]), schedule=basis[1])
    return Plan(
        tables=tables,
        run=run,
        findings=findings,
        measured=measured,
        basis=found,
        told_in=told_in,
    )


def _basis(folder: Path) -> Basis | None:
    """What a plan of a folder was made from, where that was written."""
    if not (folder / BASIS).is_file():
        return None
    found = Basis.from_frame(read_written(folder / BASIS))
    if (folder / SCHEDULE).is_file():
        found = replace(found, schedule=read_written(folder / SCHEDULE))
    return found


_KINDS = ("make", "buy", "move")
_DELIVERY = ("KPI-01", "KPI-09", "KPI-13", "KPI-28")


def summary(plan: Plan) -> str:
    """Summarize counts, verdicts and the three most frequent exceptions.

    The first line is the run, the second the supplies by kind, the third the demands
    by verdict; then the number late beside its bound, where the run has one, what the
    program of the run says, lateness and exceptions where there are any.
    """
    counts = tally(plan)
    lines = [str(plan.run), _supplies(plan), _demands(counts)]
    bounded = late_and_bound(counts, plan.run.effort)
    told = bounded, program_words(plan), _steps(plan), shift_words(plan)
    lines += [words for words in told if words]
    lines += _lateness(counts) + _exceptions(plan)
    if plan.findings:
        lines.append(f"findings: {len(plan.findings)}")
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFigure:
    """One figure of a plan: stable key, name for people, value, unit of the value."""

    key: str
    name: str
    value: float | str | None
    unit: str


def key_figures(plan: Plan) -> tuple[KeyFigure, ...]:
    """List the figures of a plan that commands, pages and reports show alike.

    Verdicts and lateness, money of all that is not kept, numbers of rows, and the key
    figures about deliveries with what they count.
    """
    counts = tally(plan)
    rows = [(str(one), word, counts.by_verdict[one]) for one, word in WORDS.items()]
    rows += [
        ("planned_for", "demands planned for", counts.live),
        ("not_kept", "late, past due, short or unplanned", counts.not_kept),
        ("late_in_all", "delivered after the due date, past due included", counts.late),
    ]
    kinds = dict(plan.supplies["kind"].value_counts().iter_rows())
    rows += [("supplies", "orders", plan.supplies.height)]
    rows += [(kind, f"orders: {kind}", kinds.get(kind, 0)) for kind in _KINDS]
    rows += [
        ("operations", "operations", plan.operations.height),
        ("pegs", "pegs", plan.pegging.height),
        ("exceptions", "exceptions", plan.exceptions.height),
    ]
    found = [
        KeyFigure(key=key, name=name, value=value, unit="count")
        for key, name, value in rows
    ]
    latest, latest_h = counts.latest or (None, None)
    money = late_cost(plan)
    rest = (
        ("share_on_time", "share on time", counts.share_on_time, "fraction"),
        ("mean_h", "mean lateness of all demands", counts.mean_h, "hour"),
        ("mean_late_h", "mean lateness of late demands", counts.mean_late_h, "hour"),
        ("latest", "latest demand", latest, "text"),
        ("latest_h", "its lateness", latest_h, "hour"),
        ("late_money", "cost of what is not kept", money, plan.locale.currency),
    )
    found += [KeyFigure(key=k, name=n, value=v, unit=u) for k, n, v, u in rest]
    return tuple(found) + _delivery_kpis(plan)


def _delivery_kpis(plan: Plan) -> tuple[KeyFigure, ...]:
    """List the measured key figures about deliveries, each with what it counts."""
    found: list[KeyFigure] = []
    for row in plan.kpis.sort("kpi").iter_rows(named=True):
        if row["kpi"].split(".")[0] not in _DELIVERY:
            continue
        name = row["name"]
        counted = row["unit"] if row["unit"] == "hour" else "number"
        parts = (
            ("", name, row["value"], row["unit"]),
            (" counted", f"{name}: counted", row["numerator"], counted),
            (" of", f"{name}: of", row["denominator"], "number"),
        )
        found += [
            KeyFigure(key=f"{row['kpi']}{part}", name=text, value=value, unit=unit)
            for part, text, value, unit in parts
            if value is not None
        ]
    return tuple(found)


def _supplies(plan: Plan) -> str:
    kinds = dict(plan.supplies["kind"].value_counts().iter_rows())
    parts = [f"{kinds[kind]:,} {kind}" for kind in _KINDS if kind in kinds]
    detail = f" ({', '.join(parts)})" if parts else ""
    return (
        f"supplies: {plan.supplies.height:,}{detail}, "
        f"operations: {plan.operations.height:,}, pegs: {plan.pegging.height:,}"
    )


def _demands(counts: VerdictCounts) -> str:
    detail = f" ({counts.words()})" if counts.words() else ""
    return f"demands: {sum(counts.by_verdict.values()):,}{detail}"


def late_and_bound(counts: VerdictCounts, effort: Mapping[str, float]) -> str:
    """Put the number of late demands beside the fewest that any plan can have.

    Parameters
    ----------
    effort
        Counts of a run; "" where they bound nothing, or nothing is late.
    """
    if "late_by_chain" not in effort or not counts.late:
        return ""
    by_chain, by_capacity = effort["late_by_chain"], effort["late_by_capacity"]
    short = counts.not_kept - counts.late
    more = f", {short:,} short" if short else ""
    return (
        f"{counts.late:,} late{more}; no plan that delivers as much can have fewer late than "
        f"{by_chain + by_capacity:,.0f} "
        f"({by_chain:,.0f} by lead times, {by_capacity:,.0f} for lack of time or goods)"
    )


def _steps(plan: Plan) -> str:
    return step_words(plan.run, plan.locale.currency)


def program_words(plan: Plan) -> str:
    """Put the money of a plan beside its bound and its program; "": no program."""
    program, least = plan.run.program, plan.run.bound
    if plan.contributions.is_empty():
        return ""
    unit = plan.contributions["unit"][0]
    parts = plan.contributions.with_columns(pl.col("plan").fill_null(0.0))
    money = with_unit(float(parts["plan"].sum()), unit)
    by_profit = plan.run.settings.get("goal") == "profit"
    lost = " with the sales that it loses" if by_profit else ""
    priced = unit != NO_PRICES
    words = [f"the plan comes to {money}{lost}" if priced else unpriced_words(plan.run)]
    missing = float(parts.filter(pl.col("objective") == "safety")["plan"].sum())
    if missing > 0 and priced:
        words[0] += f", {with_unit(missing, unit)} of it for stock below safety stock"
    if least is not None and priced:
        gap = "" if plan.run.gap is None else f" (gap {percent(plan.run.gap)})"
        words.append(f"no plan costs less than {with_unit(least, unit)}{gap}")
    words += budget_words(plan.run)
    if program is None:
        return "; ".join(words)
    if program.value is None and not program.conflict:
        told = f"its program {unsolved_words(program.status)}: no value guides the plan"
        return "; ".join([*words, told])
    told = f"the program that guides it is {program.status}"
    if program.value is not None and priced:
        told += f" at {with_unit(program.value, unit)}, which is not a bound"
    conflict = f": {program.conflict}".rstrip(".") if program.conflict else ""
    return "; ".join([*words, told + conflict])


def shift_words(plan: Plan) -> str:
    """Words for the shift that saves most by the program; "" where none does."""
    priced = pl.col("unit") != NO_PRICES
    whole = plan.prices.filter(priced, pl.col("constraint") == "shift")
    if whole.is_empty():
        return ""
    # Of parts of a shift that save the same the shortest is enough.
    by = pl.col("saves").round(2), "more", "subject"
    best = whole.sort(*by, descending=[True, False, False])
    row = best.row(0, named=True)
    cost = float(plan.contributions["plan"].sum() or 0.0)
    # The program is late by whole buckets, a plan by hours.
    more = ", more than the plan costs" if 0 < cost < row["saves"] else ""
    return (
        f"{duration(row['more'])} more on {row['subject']} from "
        f"{row['bucket']:%a %d %b} would save {with_unit(row['saves'], row['unit'])} by "
        f"the program, solved again{more}"
    )


def _lateness(counts: VerdictCounts) -> list[str]:
    if counts.latest is None:
        return []
    demand, hours = counts.latest
    return [f"latest: {demand}, {duration(hours)} after due"]


def _exceptions(plan: Plan) -> list[str]:
    counts = (
        plan.exceptions.group_by("code")
        .len()
        .sort("len", "code", descending=[True, False])
    )
    if counts.is_empty():
        return []
    parts = [f"{count:,} {code}" for code, count in counts.head(3).iter_rows()]
    more = f" and {counts.height - 3} more codes" if counts.height > 3 else ""
    return [f"exceptions: {', '.join(parts)}{more}"]
