"""A lake: events in, tables out, at any moment of both times.

Silver keeps every order that there ever was; a snapshot holds what still matters: open
demands, orders still to come, holds in force, stock that is there. What they refer to
stays with them.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl

from medhavi.errors import UsageError
from medhavi.findings import finding
from medhavi.lakehouse import lineage, query, record
from medhavi.lakehouse.fact_history import cell_changes, overridden, standing_overrides
from medhavi.lakehouse.folds.silver_state import STATE_DTYPES, State
from medhavi.lakehouse.layout import lake_layout
from medhavi.lakehouse.log import mirror
from medhavi.lakehouse.log import mirror as mirroring
from medhavi.lakehouse.log.event_faults import within_calendar
from medhavi.lakehouse.log.log_reading import EventLog, Moment
from medhavi.lakehouse.observations import DERIVED, LEAD_TIMES, ORDER_LINES
from medhavi.lakehouse.silver import Silver
from medhavi.snapshot import Snapshot
from medhavi.snapshot.reading.local_days import ASKED_EDGES, day_instant
from medhavi.snapshot.tables import DTYPES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from medhavi.events.store import EventStore
    from medhavi.findings import Finding
    from medhavi.lakehouse.checkpoints import Checkpoint
    from medhavi.lakehouse.log.mirror import MirrorReport, ReplayReport
    from medhavi.lakehouse.query import FileTable
    from medhavi.lakehouse.record import GoldRows
    from medhavi.progress import Cancelled, Observe
    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports.lineage import Lineage
    from medhavi.results.run_record import Basis
    from medhavi.snapshot.overrides import StandingOverride


_DEMANDS_DONE = ("closed", "cancelled")
_ORDERS_DONE = ("completed", "closed", "cancelled")
_REASONED = ("LAKE001", "LAKE008")
"""Codes whose `column` in quality is a reason or a stream, not a column."""
_HOLDS_DONE = ("released", "expired")


def assemble(
    state: State,
    as_of: dt.datetime | None,
    about: Sequence[Finding] = (),
    position: int | None = None,
    earlier: Snapshot | None = None,
) -> Snapshot:
    """Snapshot of a state.

    Parameters
    ----------
    state
        Silver at the moment.
    as_of
        Now of the plan; None where nothing is known yet (the snapshot then says that
        its settings are missing).
    about
        Further findings, about the log.
    position
        Of the newest event that is known; None: of a moment of the past.
    earlier
        Snapshot whose tables are shared where they are equal.
    """
    frames, found = overridden(state, as_of)
    frames["settings"] = _settings(frames["settings"], as_of)
    _keep_what_matters(frames, as_of)
    found = [*quality_findings(state), *about, *found]
    made = Snapshot.from_frames(frames, findings=found, position=position)
    return (made if earlier is None else made.sharing(earlier)).hold_bad_rows()


def _settings(frame: pl.DataFrame, as_of: dt.datetime | None) -> pl.DataFrame:
    """Set `as_of`, in whole seconds as instants are."""
    if as_of is None:
        return frame
    row = frame if frame.height else pl.DataFrame({"as_of": [None]})
    moment = as_of.replace(microsecond=0)
    return row.with_columns(as_of=pl.lit(moment, dtype=DTYPES["settings"]["as_of"]))


def _keep_what_matters(
    frames: dict[str, pl.DataFrame], as_of: dt.datetime | None
) -> None:
    holds = _without(frames["reservations"], "state", _HOLDS_DONE)
    frames["stock"] = frames["stock"].filter(pl.col("qty") != 0)
    frames["reservations"] = holds
    orders = frames["supply_orders"]
    demands = frames["demands"]
    open_orders = _without(orders, "status", _ORDERS_DONE)
    open_demands = _without(demands, "status", _DEMANDS_DONE)
    # A peg or a hold of something finished has nothing left to bind.
    pegs = frames["pegs"].filter(
        pl.col("demand").is_in(open_demands["demand"].implode())
        & (
            pl.col("supply").is_in(open_orders["supply_order"].implode())
            | pl.col("supply").str.contains("|", literal=True)
        )
    )
    named = pl.concat([holds["demand"], open_orders["demand"]]).drop_nulls()
    frames["pegs"] = pegs
    frames["supply_orders"] = open_orders
    frames["demands"] = demands.filter(
        pl.col("demand").is_in(open_demands["demand"].implode())
        | pl.col("demand").is_in(named.implode())
    )
    frames["supply_order_steps"] = frames["supply_order_steps"].filter(
        pl.col("supply_order").is_in(open_orders["supply_order"].implode())
    )
    if as_of is not None:
        frames["disruptions"] = frames["disruptions"].filter(
            pl.col("valid_to").is_null() | (pl.col("valid_to") > as_of)
        )


def _without(frame: pl.DataFrame, column: str, values: tuple[str, ...]) -> pl.DataFrame:
    """Drop rows by a closed list; an empty cell is its default and stays."""
    return frame.filter(~pl.col(column).is_in(values).fill_null(value=False))


def quality_findings(state: State) -> list[Finding]:
    """What the fold could not make sense of, in order of position."""
    return [
        replace(
            finding(
                row["code"],
                table=row["table"],
                column=None if row["code"] in _REASONED else row["column"],
                value=row["value"],
                position=row["position"],
                type=row["type"],
                reason=row["column"],
                detail=row["detail"],
                first=row["detail"],
                occurred_at=str(row["detail"]).rpartition(", ")[0],
                overtaken=str(row["detail"]).rpartition(", ")[2],
            ),
            source=row["type"],
        )
        for row in state.frame("quality").iter_rows(named=True)
    ]


TABLES: tuple[str, ...] = (
    "bronze.events",
    "bronze.quarantine",
    *(f"silver.{table}" for table in STATE_DTYPES),
    *(f"gold.{table}" for table in record.GOLD_TABLES),
    *(f"gold.{table}" for table in DERIVED),
)
"""Full names of all tables of a lake."""


class Lake:
    """The lakehouse in one folder: bronze, silver, gold.

    Parameters
    ----------
    uri
        Folder or file:// URI. `mirror` makes it; everything else wants it there.
    """

    def __init__(self, uri: str | Path) -> None:
        self._layout = lake_layout(uri)
        self._silver = Silver(self._layout)

    @property
    def path(self) -> Path:
        """The folder."""
        return self._layout.root

    def mirror(
        self,
        store: EventStore,
        observe: Observe | None = None,
        cancelled: Cancelled | None = None,
        *,
        batch: int = mirroring.BATCH_ROWS,
    ) -> MirrorReport:
        """Copy what is new in a store into bronze, every event exactly once.

        Raises
        ------
        EnvironmentFailure
            The folder is no lake and not empty, the disk fails, or the lake mirrors
            another store.
        """
        self._layout.create()
        return mirroring.mirror(
            self._layout.events,
            store,
            batch=batch,
            observe=observe,
            cancelled=cancelled,
        )

    def refresh(self, observe: Observe | None = None) -> None:
        """Bring silver and quarantine up to bronze; reads do without, only slower.

        Raises
        ------
        EnvironmentFailure
            They cannot be written.
        """
        self._silver.head(self._log(), observe=observe, insist=True)

    def position(self) -> int:
        """Position of the newest event that is mirrored; 0 in an empty log."""
        return self._log().head

    def stamp(self) -> int | None:
        """Number that is another one after events were mirrored, by anybody.

        None: there is no log that can be read. It costs a look at one folder.
        """
        return _stamp(self._layout.events)

    def plan_stamp(self) -> int | None:
        """Number that is another one after a plan was recorded; None: none ever was."""
        return _stamp(self._layout.gold("plan_runs"))

    def snapshot(
        self,
        known_at: dt.date | None = None,
        effective_at: dt.date | None = None,
        *,
        earlier: Snapshot | None = None,
    ) -> Snapshot:
        """Planning tables of a moment; see `moment` for dates without a time.

        Parameters
        ----------
        known_at
            Facts recorded up to then; default: all.
        effective_at
            Facts in effect up to then, and now of the plan; default: the latest
            `occurred_at` of the facts that are known, but for those dated beyond their
            recording by more than the setting `clock_tolerance`.
        earlier
            Snapshot from before; tables of now that are equal are shared with it.

        Raises
        ------
        UsageError
            A moment has no time zone.
        """
        known_at = self.moment(known_at, "known_at")
        effective_at = self.moment(effective_at, "effective_at")
        log = self._log()
        if effective_at is None:
            effective_at = log.newest(known_at)
            if known_at is None and effective_at is not None:
                head = self._silver.head(log)
                about = _about(log, None, effective_at)
                position = head.reach.position
                return assemble(head.state, effective_at, about, position, earlier)
        if effective_at is None:
            return assemble(State(), None)
        state = self._silver.at(log, Moment(known_at, effective_at))
        return assemble(state, effective_at, _about(log, known_at, effective_at))

    def lineage(
        self,
        table: str,
        key: str | Mapping[str, str] = "",
        column: str | None = None,
        *,
        known_at: dt.date | None = None,
        effective_at: dt.date | None = None,
    ) -> Lineage:
        """Where a cell of a planning table comes from, or all cells of a row.

        Parameters
        ----------
        table, column
            Planning table and column; None: every cell of the row.
        key
            Key cells by column, or joined by | in the order of the key.
        known_at, effective_at
            As of `snapshot`.

        Raises
        ------
        UsageError
            There is no such table, column or key, or a moment has no time zone.
        """
        row = lineage.asked(table, key, column)
        known_at = self.moment(known_at, "known_at")
        effective_at = self.moment(effective_at, "effective_at")
        log = self._log()
        now = log.newest(known_at) if effective_at is None else effective_at
        if now is None:
            return lineage.without_events(row)
        moment = Moment(known_at, now)
        latest = known_at is None and effective_at is None
        state = self._silver.head(log).state if latest else self._silver.at(log, moment)
        read = lineage.LineageReading(log, moment, state, assemble(state, now))
        return read.of(row)

    def cell_changes(
        self,
        known_at: dt.datetime | None = None,
        rows: Mapping[str, int] | None = None,
    ) -> pl.DataFrame:
        """Earlier values of the cells of master data; see `cell_changes`.

        Parameters
        ----------
        known_at
            Events recorded up to then; default: all.
        rows
            Number of rows by table, by which tables are passed over that never changed.
        """
        return cell_changes(self._log(), known_at, rows)

    def overrides(self) -> tuple[StandingOverride, ...]:
        """Overrides of people that have not ended, the oldest first."""
        log = self._log()
        now = log.newest(None)
        if now is None:
            return ()
        return standing_overrides(self._silver.head(log).state, log, now)

    def moment(self, asked: dt.date | None, name: str) -> dt.datetime | None:
        """Instant in UTC of a moment that is asked for; None: the latest.

        Parameters
        ----------
        asked
            Instant with a zone, or a date: a day of the company (`settings.timezone`,
            else UTC), whose edge `ASKED_EDGES` tells.
        name
            known_at or effective_at.

        Raises
        ------
        UsageError
            It has a time and no time zone.
        """
        if asked is None:
            return None
        if not isinstance(asked, dt.datetime):
            zone = self.snapshot().local_days.company or "UTC"
            return day_instant(asked, zone, ASKED_EDGES[name])
        if asked.tzinfo is None:
            message = f"{name} ({asked}) has no time zone; instants are UTC."
            raise UsageError(message)
        # Columns hold UTC; an aware instant of another zone is the same instant.
        return asked.astimezone(dt.UTC)

    def fact(self, event: str) -> dict[str, Any]:
        """Row of an event as it counts now, with `voided`.

        Parameters
        ----------
        event
            Its id, or its position in digits.

        Raises
        ------
        UsageError
            The log has no such event.
        """
        log = self._log()
        named = pl.col("event_id") == event
        if event.isdecimal():
            named |= pl.col("position") == int(event)
        rows = log.scan().filter(named).collect().sort("position").head(1)
        if rows.is_empty():
            message = f"The log has no event {event!r}; name an id or a position."
            raise UsageError(message)
        return log.amendments(None).applied(rows).row(0, named=True)

    def amendment_fault(self, event: str, payload: str | None) -> str | None:
        """Reason why a void (no payload) or correction would not be obeyed, if any."""
        return self._log().amendment_fault(event, payload)

    def lead_time_observations(
        self, known_at: dt.datetime | None = None
    ) -> pl.DataFrame:
        """What orders and transports took, as it was known at a moment.

        Parameters
        ----------
        known_at
            Observations recorded up to then; default: all.
        """
        return DERIVED[LEAD_TIMES](self._log(), known_at)

    def order_line_observations(
        self, known_at: dt.datetime | None = None
    ) -> pl.DataFrame:
        """What customers ordered and what became of it, as known at a moment.

        Parameters
        ----------
        known_at
            What was recorded up to then; default: all.
        """
        return DERIVED[ORDER_LINES](self._log(), known_at)

    def table(self, name: str, known_at: dt.datetime | None = None) -> pl.LazyFrame:
        """Table by its full name: bronze.events, silver.stock, gold.supplies ….

        Parameters
        ----------
        known_at
            Events and silver of what was recorded up to then; default: all. What is
            derived or recorded as gold has no moment.

        Raises
        ------
        UsageError
            No table has this name.
        """
        log = self._log()
        if name not in TABLES:
            raise UsageError(query.unknown_table(name, TABLES))
        layer, _, table = name.partition(".")
        if name == "bronze.events":
            until = True if known_at is None else pl.col("recorded_at") <= known_at
            return log.scan().filter(until)
        if name == "bronze.quarantine":
            return self.quarantine().lazy()
        if table in DERIVED:
            return DERIVED[table](log, None).lazy()
        if layer == "gold":
            return record.read(self._layout, table)
        return self._silver_at(log, known_at).frame(table).lazy()

    def _silver_at(self, log: EventLog, known_at: dt.datetime | None) -> State:
        """Silver of what was recorded up to a moment; None: of all."""
        if known_at is None:
            return self._silver.head(log).state
        newest = log.newest(known_at)
        if newest is None:
            return State()
        return self._silver.at(log, Moment(known_at, newest))

    def query(self, sql: str, limits: query.QueryLimits | None = None) -> pl.DataFrame:
        """Run one SELECT over the tables by name; see `lakehouse.query`."""
        log = self._log()
        silver: list[Checkpoint] = []

        def resolve(name: str) -> pl.DataFrame | FileTable:
            layer, _, table = name.partition(".")
            if name == "bronze.events":
                return log.files() or log.scan().collect()
            if table in DERIVED:
                return DERIVED[table](log, None)
            if layer == "gold":
                rows = record.files(self._layout, table)
                return rows or record.read(self._layout, table).collect()
            if layer == "silver":
                if not silver:
                    silver.append(self._silver.head(log))
                return silver[0].state.frame(table)
            return self.quarantine()

        found = query.run(sql, self._layout.root, TABLES, resolve, limits)
        return within_calendar(found)

    def quarantine(self) -> pl.DataFrame:
        """Events that are not counted, with reason and payload."""
        log = self._log()
        return mirror.rejected(self._silver.head(log).state, log)

    def replay(self) -> ReplayReport:
        """Try the quarantined events again, in their places in the log.

        For use after a repair of the catalogue or of a lifting step; silver is folded
        again from the first of them.
        """
        held = mirror.undecodable(self.quarantine())
        if held:
            self._silver.forget(min(held))
        self.refresh()
        left = mirror.undecodable(self.quarantine())
        return mirror.ReplayReport(
            released=tuple(sorted(held - left)), held=tuple(sorted(left))
        )

    def rebuild(self, observe: Observe | None = None) -> None:
        """Throw silver away and fold it again from bronze."""
        self._layout.check_exists()
        self._silver.forget()
        self.refresh(observe)

    def fingerprints(self) -> Mapping[str, str]:
        """Hash of every silver table at the head of the log."""
        return dict(sorted(self._silver.head(self._log()).hashes.items()))

    def record(
        self, plan: Plan, snapshot: Snapshot | None = None
    ) -> record.RecordedRun:
        """Keep a plan in gold; the same plan is kept once.

        Parameters
        ----------
        snapshot
            Where given, the plan must be a plan of it.

        Raises
        ------
        UsageError
            The plan is of another snapshot.
        """
        self._layout.check_exists()
        if snapshot is not None and (
            plan.run.snapshot_fingerprint != snapshot.fingerprint
        ):
            message = "This is a plan of another snapshot; plan this one."
            raise UsageError(message)
        return record.write(self._layout, plan)

    def recorded_plan(self, run_id: str) -> Plan:
        """Plan of a recorded run, with all that plans on it need.

        Raises
        ------
        UsageError
            No complete run has this id.
        """
        return record.read_plan(self._layout, run_id)

    def recorded_basis(self, run_id: str) -> Basis | None:
        """What a recorded plan was made from; None where it was not kept."""
        return record.basis_of(self._layout, run_id)

    def record_estimates(self, rows: pl.DataFrame) -> GoldRows:
        """Keep a batch of estimates in gold; the same rows are kept once."""
        self._layout.check_exists()
        return record.write_estimates(self._layout, rows)

    def _log(self) -> EventLog:
        self._layout.check_exists()
        return EventLog(self._layout.events)


def _stamp(table: Path) -> int | None:
    """When a Delta table was written last [ns]; None: it cannot be read."""
    try:
        return (table / "_delta_log").stat().st_mtime_ns
    except OSError:
        return None


def _about(
    log: EventLog, known_at: dt.datetime | None, now: dt.datetime
) -> list[Finding]:
    """Name what is odd in the log: facts from the future, amendments not obeyed."""
    return [*log.waiting(known_at, now), *log.amendments(known_at).findings()]
