"""Reading a lake: tables of a moment, lineage of a number, events, queries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import polars as pl

from medhavi import schema
from medhavi.errors import UsageError
from medhavi.predict.plan_effects import order_times, plan_effects
from medhavi.providers import Providers
from medhavi.providers.lead_times import EVERY_PRODUCT
from medhavi.results.figures.kpis import KPIS
from medhavi.results.plans.tables import SCHEMAS
from medhavi.results.reports.lineage import Lineage, LineageInput
from medhavi.snapshot.reading.row_findings import nearest

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from medhavi.lakehouse import Lake, QueryLimits
    from medhavi.predict.plan_effects import OrderTime
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot


class LakeReading:
    """What is read from the lake of a workbench."""

    if TYPE_CHECKING:

        @property
        def lake(self) -> Lake:
            """The lake."""

    def snapshot(
        self,
        known_at: dt.date | None = None,
        effective_at: dt.date | None = None,
    ) -> Snapshot:
        """Planning tables of a moment; see `Lake.snapshot`."""
        return self.lake.snapshot(known_at=known_at, effective_at=effective_at)

    def predicted_times(self, plan: Plan) -> pl.DataFrame:
        """Learned against stated times of a plan of the newest facts.

        Returns
        -------
        DataFrame
            Columns of `predict.plan_effects.EFFECTS`.
        """
        return plan_effects(plan, self.snapshot())

    def lineage(
        self,
        table: str,
        key: str | Mapping[str, str] = "",
        column: str | None = None,
        *,
        plan: Plan | None = None,
        known_at: dt.date | None = None,
        effective_at: dt.date | None = None,
    ) -> Lineage:
        """Where one number comes from: events, overrides, predictions, pegs.

        Parameters
        ----------
        table
            A planning table, or of a plan supplies, fulfilment or kpis.
        key, column
            Key cells by column or joined by |, and the column; None: all cells of the
            row. Of a plan: number of the order, demand, key figure.
        plan
            Plan whose number it is.
        known_at, effective_at
            As of `snapshot`.

        Raises
        ------
        UsageError
            There is no such table, row or column.
        """
        moments = {"known_at": known_at, "effective_at": effective_at}
        return lineage(self.lake, table, key, column, plan=plan, **moments)

    def query(self, sql: str, limits: QueryLimits | None = None) -> pl.DataFrame:
        """Run one SELECT over bronze, silver and gold by table name."""
        return self.lake.query(sql, limits)

    @property
    def connection(self) -> QueryConnection:
        """Queries as a database connection: `mo.sql(text, engine=wb.connection)`."""
        return QueryConnection(self.query)

    def events(self, type: str | None = None) -> pl.LazyFrame:  # noqa: A002 - design 8
        """Mirrored events, sorted by position; of one type, if named.

        Raises
        ------
        UsageError
            The type is not in the catalogue.
        """
        import polars as pl

        rows = self.lake.table("bronze.events")
        if type is not None:
            _refuse_unknown_type(type)
            rows = rows.filter(pl.col("type") == type)
        return rows.sort("position")


def _refuse_unknown_type(name: str) -> None:
    from difflib import get_close_matches

    from medhavi.events.event_types.catalog import TYPES

    if name not in TYPES:
        near = get_close_matches(name, TYPES, n=3)
        hint = f" Near: {', '.join(near)}." if near else ""
        message = f"There is no event type {name}.{hint}"
        raise UsageError(message)


class QueryConnection:
    """Connection whose cursors run one SELECT each.

    Parameters
    ----------
    run
        Runs a statement; its rows.
    """

    dialect = "duckdb"
    """SQL that it speaks, by which editors colour it."""

    def __init__(self, run: Callable[[str], pl.DataFrame]) -> None:
        self._run = run

    def cursor(self) -> QueryCursor:
        """Cursor for a statement."""
        return QueryCursor(self._run)

    def commit(self) -> None:
        """Do nothing: nothing is written."""

    def rollback(self) -> None:
        """Do nothing: nothing is written."""

    def close(self) -> None:
        """Do nothing: each query has a process of its own, which ended with it."""


class QueryCursor:
    """Rows of one statement.

    Attributes
    ----------
    description
        Name and type of each column, as PEP 249 has them; None before `execute`.
    """

    def __init__(self, run: Callable[[str], pl.DataFrame]) -> None:
        self._run = run
        self._rows: list[tuple[Any, ...]] = []
        self.description: list[tuple[Any, ...]] | None = None

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> QueryCursor:
        """Run a SELECT.

        Raises
        ------
        UsageError
            It does not read, is no SQL, names what is not there, or has parameters.
        LimitReached
            It would take more than a query may.
        """
        if parameters:
            _refuse_parameters()
        found = self._run(sql)
        nothing = (None,) * 5
        self.description = [
            (name, str(kind), *nothing) for name, kind in found.schema.items()
        ]
        self._rows = found.rows()
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        """All rows that were not fetched yet."""
        rows, self._rows = self._rows, []
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        """Next row; None: there is none."""
        return self._rows.pop(0) if self._rows else None

    def close(self) -> None:
        """Forget the rows."""
        self._rows = []


def _refuse_parameters() -> NoReturn:
    message = "A query has no parameters; write the values into the statement."
    raise UsageError(message)


_TIMES = {"supply_terms": "lead_time_days", "lanes": "duration_h"}
"""Column of the stated time that a prediction replaces, by table."""
_MODES = {"mode mrp": True, "modes constrained and optimize": False}
"""Who plans with which quantile: whether capacity is infinite there."""
_LOTS = ("moq", "min_lot", "lot_multiple", "max_lot")
_STATED = {"qty": "qty", "order_qty": "qty", "start": "start", "finish": "due"}
"""Column of an open order that a plan takes over, by the column of the plan."""
FIGURES: Mapping[str, str] = {
    "supplies": "number",
    "fulfilment": "demand",
    "kpis": "kpi",
}
"""Tables of a plan whose numbers have a lineage, and the column that names a row."""


def lineage(
    lake: Lake,
    table: str,
    key: str | Mapping[str, str] = "",
    column: str | None = None,
    *,
    plan: Plan | None = None,
    known_at: dt.date | None = None,
    effective_at: dt.date | None = None,
) -> Lineage:
    """Where a number comes from; see `Workbench.lineage`."""
    moments = {"known_at": known_at, "effective_at": effective_at}
    if table not in FIGURES:
        known = (*schema.tables(), *FIGURES)
        if table not in known:
            message = (
                f"{table!r} has no lineage{nearest(table, known)}. There are the "
                f"planning tables, and of a plan {', '.join(FIGURES)}."
            )
            raise UsageError(message)
        told = lake.lineage(table, key, column, **moments)
        if _TIMES.get(table) != column or column is None:
            return told
        return _predicted(told, lake.snapshot(known_at, effective_at))
    if plan is None:
        message = f"{table} belongs to a plan: name the plan."
        raise UsageError(message)
    return _Figures(plan, lake.snapshot(known_at, effective_at)).of(
        table, str(key), column
    )


def _predicted(told: Lineage, snapshot: Snapshot) -> Lineage:
    """Lineage of a stated time with the prediction that plans use in its place."""
    parts = told.key.split("|")
    order = {
        "item": parts[1] if len(parts) > 1 else EVERY_PRODUCT,
        "subject": parts[0],
        "location": parts[2] if len(parts) > 2 else EVERY_PRODUCT,
    }
    kind = "supplier" if told.table == "supply_terms" else "lane"
    inputs: list[LineageInput] = []
    for who, infinite in _MODES.items():
        found = order_times(snapshot, infinite=infinite)(kind, order)
        if found is not None and found.estimate is not None:
            inputs.append(_estimate_input(snapshot, found, who, infinite=infinite))
    if not inputs:
        return told
    rule = "A prediction stands in place of the stated time in plans."
    return replace(told, inputs=tuple(inputs), rule=rule)


def _estimate_input(
    snapshot: Snapshot, found: OrderTime, who: str, *, infinite: bool
) -> LineageInput:
    """Prediction that stands in place of a stated time."""
    row = found.estimate or {}
    quantile = Providers(snapshot, infinite=infinite).lead_times.quantile
    names = schema.tables()["estimates"].key
    version = f" version {row['version']}" if row["version"] else ""
    return LineageInput(
        table="estimates",
        key="|".join(str(row[name]) for name in names),
        column=quantile,
        value=found.planned_days,
        unit="day",
        role=f"{who}: predicted by {row['model']}{version}, basis {row['basis']}",
    )


class _Figures:
    """Numbers of a plan and what they are made from."""

    def __init__(self, plan: Plan, snapshot: Snapshot) -> None:
        self._plan = plan
        self._snapshot = snapshot
        self._units = dict(snapshot["products"].select("product", "uom").iter_rows())

    def of(self, table: str, key: str, column: str | None) -> Lineage:
        """Lineage of a number of a table; without a column, of its first amount."""
        if column is not None and column not in SCHEMAS[table]:
            names = list(SCHEMAS[table])
            message = f"{table} has no column {column!r}{nearest(column, names)}."
            raise UsageError(message)
        made = {
            "supplies": self._supply,
            "fulfilment": self._demand,
            "kpis": self._figure,
        }
        return made[table](key, column)

    def _row(self, table: str, key: str, *others: str) -> dict[str, Any]:
        frame, names = self._plan[table], (*others, FIGURES[table])
        found = frame.filter(pl.any_horizontal(pl.col(name) == key for name in names))
        if found.is_empty():
            known = frame[names[-1]].drop_nulls().to_list()
            message = f"The plan has no {key!r} in {table}{nearest(key, known)}."
            raise UsageError(message)
        return found.row(0, named=True)

    # ---------------------------------------------------------------------- orders
    def _supply(self, key: str, column: str | None) -> Lineage:
        row = self._row("supplies", key, "id")
        column = column or "qty"
        unit = self._units.get(row["product"], "") if "qty" in column else ""
        told = Lineage(
            table="supplies",
            key=row["number"],
            column=column,
            value=row[column],
            unit=unit,
            origin="plan",
        )
        if self._is_open(row["id"]):
            stated = _STATED.get(column, column)
            source = LineageInput(
                table="supply_orders",
                key=row["id"],
                column=stated,
                value=row[column],
                unit=unit,
                role="open order",
            )
            rule = "An open order: its events state it, less what was received."
            return replace(told, inputs=(source,), rule=rule)
        if column in ("start", "finish", "departure"):
            rule = "Need date, and from there the time that making or moving takes."
            inputs = (*self._needs(row["id"]), *self._durations(row))
            return replace(told, inputs=inputs, rule=rule)
        if column not in ("qty", "order_qty"):
            return told
        pegged = list(self._pegged(row, unit))
        rest = row["qty"] - sum(one.value for one in pegged)
        lots = list(self._lots(row))
        more = f"{row['lot_rule'] or 'no'} lot rule"
        rule = (
            f"Pegged to demands and, for lot sizes and safety stock ({more}), "
            f"{round(rest, 6):g} {unit} more."
        )
        if column == "order_qty":
            rule += " The order is larger by what is lost in making it."
        return replace(told, inputs=(*pegged, *lots), rule=rule)

    def _is_open(self, order: str) -> bool:
        return bool((self._snapshot["supply_orders"]["supply_order"] == order).any())

    def _pegged(self, row: Mapping[str, Any], unit: str) -> Iterator[LineageInput]:
        pegs = self._plan.pegging.filter(pl.col("supply") == row["id"])
        per_demand = pegs.group_by("demand").agg(pl.col("qty").sum()).sort("demand")
        for demand, qty in per_demand.iter_rows():
            yield LineageInput(
                table="demands",
                key=demand,
                column="qty",
                value=qty,
                unit=unit,
                role="pegged demand",
            )

    def _needs(self, order: str) -> tuple[LineageInput, ...]:
        """Due date of the demand that the order serves first."""
        pegs = self._plan.pegging.filter(pl.col("supply") == order)
        first = (
            self._plan.fulfilment.join(pegs, on="demand", how="semi")
            .sort("due", "demand")
            .head(1)
        )
        return tuple(
            LineageInput(
                table="demands",
                key=row["demand"],
                column="due",
                value=row["due"],
                role="first demand pegged",
            )
            for row in first.iter_rows(named=True)
        )

    def _durations(self, row: Mapping[str, Any]) -> Iterator[LineageInput]:
        """Stated and predicted time of a purchase or move; steps of what is made."""
        if row["kind"] == "make":
            yield from self._steps(row)
            return
        table = "supply_terms" if row["kind"] == "buy" else "lanes"
        infinite = self._plan.run.mode == "mrp"
        found = self._time(row)
        if found is None:
            return
        if found.estimate is not None:
            yield _estimate_input(self._snapshot, found, "used", infinite=infinite)
        keys = [found.terms[name] for name in schema.tables()[table].key]
        yield LineageInput(
            table=table,
            key="|".join("" if one is None else str(one) for one in keys).rstrip("|"),
            column=_TIMES[table],
            value=found.stated_days,
            unit="day",
            role="stated" if found.estimate is None else "stated, not used",
        )

    def _time(self, row: Mapping[str, Any]) -> OrderTime | None:
        """Time of a purchase or a move that is not begun."""
        kind, named = ("supplier", "source") if row["kind"] == "buy" else ("lane",) * 2
        order = {**row, "item": row["product"], "subject": row[named]}
        infinite = self._plan.run.mode == "mrp"
        return order_times(self._snapshot, infinite=infinite)(kind, order)

    def _steps(self, row: Mapping[str, Any]) -> Iterator[LineageInput]:
        """Minutes of each step of an order, from its operations."""
        work = self._plan.operations.filter(pl.col("supply") == row["id"])
        minutes = pl.col("setup_minutes") + pl.col("run_minutes")
        for step, spent in (
            work.group_by("step").agg(minutes.sum().alias("spent")).sort("step")
        ).iter_rows():
            yield LineageInput(
                table="steps",
                key=f"{row['source']}|{step}",
                column="run_minutes_per_unit",
                value=spent,
                unit="min",
                role=f"work of step {step}",
            )

    def _lots(self, row: Mapping[str, Any]) -> Iterator[LineageInput]:
        """Lot sizes that are stated where the order comes from."""
        found: Iterable[Mapping[str, Any]] = ()
        table = "routings"
        if row["kind"] == "make":
            own = pl.col("routing") == row["source"]
            found = self._snapshot[table].filter(own).iter_rows(named=True)
        elif row["kind"] == "buy":
            table, time = "supply_terms", self._time(row)
            found = () if time is None else (time.terms,)
        for terms in found:
            keys = [terms[name] for name in schema.tables()[table].key]
            for name in _LOTS:
                if terms.get(name):
                    yield LineageInput(
                        table=table,
                        key="|".join(str(one or "") for one in keys).rstrip("|"),
                        column=name,
                        value=terms[name],
                        role="lot size",
                    )

    # ------------------------------------------------------------- demands, figures
    def _demand(self, key: str, column: str | None) -> Lineage:
        row, column = self._row("fulfilment", key), column or "planned"
        served = (
            self._plan.pegging.filter(
                (pl.col("demand") == key) & (pl.col("level") == 0)
            )
            .group_by("supply")
            .agg(pl.col("qty").sum(), pl.col("product").first())
            .join(
                self._plan.supplies.select("number", "finish", supply="id"),
                on="supply",
                how="left",
            )
            .sort("finish", "supply", nulls_last=False)
        )
        asked = LineageInput(
            table="demands", key=key, column="qty", value=row["qty"], role="demand"
        )
        orders = [
            LineageInput(
                table="supplies" if one["number"] else "stock",
                key=one["number"] or str(one["supply"]).rstrip("|"),
                column="qty",
                value=one["qty"],
                unit=self._units.get(one["product"], ""),
                role="pegged supply",
            )
            for one in served.iter_rows(named=True)
        ]
        return Lineage(
            table="fulfilment",
            key=key,
            column=column,
            value=row[column],
            origin="plan",
            inputs=(asked, *orders),
            rule="What the pegged supplies bring by their dates.",
        )

    def _figure(self, key: str, column: str | None) -> Lineage:
        row, column = self._row("kpis", key), column or "value"
        parts = [
            LineageInput(table="kpis", key=key, column=name, value=row[name], role=name)
            for name in ("numerator", "denominator")
            if row[name] is not None
        ]
        return Lineage(
            table="kpis",
            key=key,
            column=column,
            value=row[column],
            unit=row["unit"] or "",
            origin="plan",
            inputs=tuple(parts),
            rule=row["reason"] or KPIS[key.partition(".")[0]].meaning,
        )
