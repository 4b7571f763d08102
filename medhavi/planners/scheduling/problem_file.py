"""Reading `medhavi.schedule/1`: a document to a problem, every error named at once."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from medhavi.findings import BadData, Finding, finding, has_errors
from medhavi.planners.scheduling.file_fields import (
    FieldCheck,
    RowPosition,
    nearest,
    short,
)
from medhavi.results.schedules.problem import (
    SCHEMA,
    Objective,
    ScheduleProblem,
    TimeAxis,
    instant,
)
from medhavi.snapshot import Snapshot
from medhavi.snapshot.calendars.calendars import Calendars
from medhavi.snapshot.network.network import circle
from medhavi.units import DAY, MINUTE, to_seconds

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Mapping, Sequence

    from medhavi.snapshot.calendars.working_time import WorkingTime


Row = dict[str, Any]
_TABLES = ("calendars", "shifts", "calendar_exceptions")
FIRST_DAYS, MOST_DAYS = 14, 3660


def open_windows(document: Row, start: dt.datetime, check: FieldCheck) -> list[Row]:
    """Resources with the windows of their calendars filled in.

    All calendars reach equally far: twice as long after the last release as all steps
    take one after another, each where it takes longest. No sensible schedule is longer.
    """
    resources: list[Row] = [dict(row) for row in document["resources"]]
    if not any("calendar" in row for row in resources):
        return resources
    snapshot = Snapshot.from_frames(
        {
            "settings": [{"as_of": start}],
            **{name: list(document.get(name, [])) for name in _TABLES},
        }
    )
    faults = [f for f in snapshot.findings if f.table in _TABLES]
    for fault in faults:
        if fault.severity == "error":
            place = RowPosition(str(fault.table), fault.row, str(fault.table))
            check.say("SCHED014", place, column=fault.column, why=fault.message)
    if any(f.severity == "error" for f in faults):
        return resources
    calendars = Calendars(snapshot)
    clocks = {
        str(row["resource"]): calendars.working_time(str(row["calendar"]))
        for row in resources
        if "calendar" in row
    }
    begin = to_seconds(start)
    reach = _reach(document, begin, clocks)
    for number, row in enumerate(resources, start=1):
        if "calendar" not in row:
            continue
        place = RowPosition(
            "resources", number, f"resources row {number} ({row['resource']})"
        )
        calendar = str(row.pop("calendar"))
        clock = clocks[str(row["resource"])]
        if clock.always_open:
            continue
        segments = clock.segments(begin, reach)
        if not segments:
            check.say("SCHED014", place, why=f"{calendar} never opens")
        elif _partly(clock, begin, reach, int(row.get("units", 1))):
            why = f"{calendar} opens for a part of the units only"
            check.say("SCHED014", place, why=why)
        row["windows"] = [
            [(a - begin) / MINUTE, (b - begin) / MINUTE] for a, b in segments
        ]
    return resources


def _reach(document: Row, begin: int, clocks: Mapping[str, WorkingTime]) -> int:
    """Instant up to which calendars are spelt out [s]."""
    latest = 0.0
    for order in document["orders"]:
        moments = (step.get("start_minutes", 0) for step in order["steps"])
        latest = max(latest, order.get("release_minutes", 0), *moments)
    first = begin + int(latest * MINUTE)
    change = max((row["setup_minutes"] for row in document["changeovers"]), default=0)
    now, most = first, first + MOST_DAYS * DAY
    for order in document["orders"]:
        for step in order["steps"]:
            ends = [
                _end(clocks.get(option["resource"]), now, option, change, step)
                for option in step["options"]
            ]
            # What fits nowhere is told when nothing else does.
            now = max([now, *(end for end in ends if end is not None)])
            if now >= most:
                return most
    return min(max(first + 2 * (now - first), first + FIRST_DAYS * DAY), most)


def _end(
    clock: WorkingTime | None, now: int, option: Row, change: float, step: Row
) -> int | None:
    """End of a step on a resource that it finds free; None: it never fits."""
    setup = int((change + option.get("setup_minutes", 0)) * MINUTE)
    run = int(option["run_minutes"] * MINUTE)
    if clock is None:
        return now + setup + run
    begin = clock.first_fit(now, setup) if setup else now
    if begin is None:
        return None
    if step.get("splittable"):
        return clock.add(begin + setup, run)
    start = clock.first_fit(begin + setup, run)
    return None if start is None else start + run


def _partly(clock: WorkingTime, begin: int, reach: int, units: int) -> bool:
    return any(share * units < units for *_, share in clock.shares(begin, reach))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemFile:
    """A problem and what was noticed while reading it."""

    problem: ScheduleProblem
    findings: tuple[Finding, ...] = ()


def read_problem(document: str | bytes | Mapping[str, object]) -> ProblemFile:
    """Read a problem.

    Parameters
    ----------
    document
        JSON text, or the object in it.

    Raises
    ------
    BadData
        The document has errors; all are named.
    """
    check = FieldCheck()
    raw = _object(document, check)
    reader = _ProblemReader(check, raw)
    cleaned = reader.read()
    if has_errors(check.findings):
        raise BadData(check.findings)
    problem = ScheduleProblem.from_dict(cleaned)
    return ProblemFile(
        problem=problem, findings=(*check.findings, *_below_yield(problem))
    )


def chosen_objectives(names: Sequence[str]) -> tuple[Objective, ...]:
    """Read names of objectives, such as an option of the command line.

    Raises
    ------
    BadData
        A name is unknown or stated twice.
    """
    check = FieldCheck()
    _check_objectives(check, RowPosition("objective", None, "objective"), list(names))
    if check.findings:
        raise BadData(check.findings)
    return tuple(Objective(name) for name in names)


def _object(document: str | bytes | Mapping[str, object], check: FieldCheck) -> Row:
    place = RowPosition("file", None, "the file")
    if not isinstance(document, (str, bytes)):
        return dict(document)

    def pairs(items: list[tuple[str, object]]) -> Row:
        seen: set[object] = set()
        for key, _ in items:
            check.unique(seen, key, place, "field")
        return dict(items)

    try:
        value = json.loads(document, object_pairs_hook=pairs)
    except (ValueError, RecursionError) as error:
        why = f"it is not JSON ({error})"
        raise BadData([finding("SCHED001", table="file", why=why)]) from error
    if not isinstance(value, dict):
        why = "it is not a JSON object"
        raise BadData([finding("SCHED001", table="file", why=why)])
    return value


def _check_objectives(check: FieldCheck, place: RowPosition, names: list[str]) -> None:
    seen: set[object] = set()
    known = [str(name) for name in Objective]
    for name in names:
        if name not in known:
            check.say(
                "SCHED008",
                place,
                column="objective",
                value=name,
                nearest=nearest(name, known),
            )
        check.unique(seen, name, place, "objective")


def _below_yield(problem: ScheduleProblem) -> list[Finding]:
    """Which options are out because of their yield (rule 40)."""
    return [
        finding(
            "SCHED030",
            table="orders",
            column="min_yield",
            value=option.resource,
            order=order.order,
            step=step.step,
            share=problem.good_share(option),
            least=order.min_yield,
        )
        for order, step in problem.steps()
        for option in step.options
        if not problem.admitted(order, option)
    ]


@dataclass(slots=True)
class _Names:
    """What rows may refer to."""

    resources: set[object] = field(default_factory=set)
    matrices: set[object] = field(default_factory=set)
    calendars: set[object] = field(default_factory=set)


class _ProblemReader:
    """Checks a document and gives its cleaned form."""

    def __init__(self, check: FieldCheck, raw: Row) -> None:
        self.check = check
        self.place = RowPosition("file", None, "the file")
        self.raw = check.row("file", raw, self.place)
        self.names = _Names()

    def read(self) -> Row:
        start = self._head()
        rows: Row = {
            table: [dict(row) for row in self.raw.get(table, [])]  # type: ignore[attr-defined]
            for table in ("resources", "changeovers", "orders")
        }
        self.names.calendars = {
            row.get("calendar")
            for row in self.raw.get("calendars", [])  # type: ignore[attr-defined]
        }
        self.names.matrices = {row.get("matrix") for row in rows["changeovers"]}
        cleaned = {**self.raw, **rows}
        cleaned["changeovers"] = self._changeovers(rows["changeovers"])
        cleaned["resources"] = self._resources(rows["resources"])
        cleaned["orders"] = self._orders(rows["orders"])
        cleaned.setdefault("name", "schedule")
        if start is not None and not has_errors(self.check.findings):
            cleaned["resources"] = open_windows(cleaned, start, self.check)
        return cleaned

    def _head(self) -> dt.datetime | None:
        stated = self.raw.get("schema")
        if stated is not None and stated != SCHEMA:
            why = f"its schema is {short(stated)}, not {SCHEMA!r}"
            self.check.say("SCHED001", self.place, why=why)
        axis = self.raw.get("time_axis", "calendar")
        if axis not in list(TimeAxis):
            self._not("time_axis", axis, "calendar or working")
        if "objective" in self.raw:
            names: list[str] = list(self.raw["objective"])  # type: ignore[call-overload]
            _check_objectives(self.check, self.place, names)
        if "start" not in self.raw:
            return None
        try:
            return instant(str(self.raw["start"]))
        except (ValueError, OverflowError):
            self._not(
                "start", self.raw["start"], "an instant like 2026-01-05T06:00:00Z"
            )
        return None

    def _not(self, column: str, value: object, expected: str) -> None:
        self.check.say(
            "SCHED004", self.place, column=column, value=short(value), expected=expected
        )

    # ------------------------------------------------------------------ tables
    def _changeovers(self, rows: list[Row]) -> list[Row]:
        seen: set[object] = set()
        cleaned = []
        for number, raw in enumerate(rows, start=1):
            place = RowPosition("changeovers", number, f"changeovers row {number}")
            row = self.check.row("changeovers", raw, place)
            keys = ("matrix", "from_family", "to_family")
            if all(key in row for key in keys):
                pair = tuple(str(row[key]) for key in keys)
                self.check.unique(seen, pair, place, "changeover")
            cleaned.append(row)
        return cleaned

    def _resources(self, rows: list[Row]) -> list[Row]:
        cleaned = []
        for number, raw in enumerate(rows, start=1):
            name = raw.get("resource", "")
            place = RowPosition("resources", number, f"resources row {number} ({name})")
            row = self.check.row("resources", raw, place)
            if "resource" in row:
                self.check.unique(
                    self.names.resources, row["resource"], place, "resource"
                )
            self._refers(row, "changeover_matrix", self.names.matrices, place)
            self._refers(row, "calendar", self.names.calendars, place)
            self._open(row, place)
            cleaned.append(row)
        if not rows and "resources" in self.raw:
            self._not("resources", [], "a list with at least one resource")
        return cleaned

    def _open(self, row: Row, place: RowPosition) -> None:
        for window in row.get("windows", []):
            begin, end = window
            if not 0 <= begin < end:
                self.check.say("SCHED009", place, column="windows", value=window)
            elif not all(
                self.check.whole_seconds("windows", edge, place) for edge in window
            ):
                return
        why = way_out = ""
        if "calendar" in row and "windows" in row:
            why, way_out = "it has windows and a calendar", "State one of them."
        elif "calendar" in row and self.raw.get("time_axis") == "working":
            why = "it has a calendar, and the working axis leaves closed time out"
            way_out = "Use the calendar axis, or windows in working minutes."
        if why:
            self.check.say("SCHED010", place, why=why, way_out=way_out)

    def _refers(
        self, row: Row, column: str, known: set[object], place: RowPosition
    ) -> None:
        value = row.get(column)
        if value is not None and value not in known:
            names = [str(name) for name in known]
            self.check.say(
                "SCHED006",
                place,
                column=column,
                value=value,
                nearest=nearest(str(value), names),
            )

    # ------------------------------------------------------------------ orders
    def _orders(self, rows: list[Row]) -> list[Row]:
        seen: set[object] = set()
        cleaned = []
        for number, raw in enumerate(rows, start=1):
            name = raw.get("order", "")
            place = RowPosition("orders", number, f"orders row {number} ({name})")
            row = self.check.row("orders", raw, place)
            if "order" in row:
                self.check.unique(seen, row["order"], place, "order")
            steps: list[Row] = list(row.get("steps", []))  # type: ignore[call-overload]
            if "steps" in row and not steps:
                self.check.say(
                    "SCHED004",
                    place,
                    column="steps",
                    value="[]",
                    expected="a list with at least one step",
                )
            row["steps"] = [
                self._step(
                    step,
                    # By its number in the file; a step without one by its place.
                    RowPosition(
                        "orders",
                        number,
                        f"order {name} step {step.get('step', f'at place {each}')}",
                    ),
                )
                for each, step in enumerate(steps, start=1)
            ]
            self._sequence(row["steps"], place, str(name))  # type: ignore[arg-type]
            cleaned.append(row)
        if not rows and "orders" in self.raw:
            self._not("orders", [], "a list with at least one order")
        return cleaned

    def _step(self, raw: Row, place: RowPosition) -> Row:
        row = self.check.row("steps", raw, place)
        seen: set[object] = set()
        options = []
        for number, option in enumerate(row.get("options", []), start=1):  # type: ignore[arg-type, var-annotated]
            at = RowPosition("orders", place.row, f"{place.words} option {number}")
            known = self.check.row("options", option, at)
            if "resource" in known:
                self.check.unique(seen, known["resource"], at, "option on")
                self._refers(known, "resource", self.names.resources, at)
            options.append(known)
        if "options" in row and not options:
            self.check.say(
                "SCHED004",
                place,
                column="options",
                value="[]",
                expected="a list with at least one option",
            )
        row["options"] = options
        self._range(row, place)
        self._fixed(row, seen, place)
        return row

    def _range(self, row: Row, place: RowPosition) -> None:
        stated = row.get("run_minutes_range")
        if stated is not None:
            low, mode, high = stated
            if not 0 < low <= mode <= high:
                self.check.say(
                    "SCHED011", place, column="run_minutes_range", value=stated
                )

    def _fixed(self, row: Row, options: set[object], place: RowPosition) -> None:
        start, resource = row.get("start_minutes"), row.get("resource")
        why = None
        if resource is not None and resource not in options:
            why = f"it is fixed to {resource}, which is none of its options"
        elif resource is not None and start is None:
            why = "it has a resource but no start_minutes"
        elif start is not None and resource is None and len(options) > 1:
            why = "it has start_minutes, several options and no resource"
        begun = row.get("initial_resource")
        if begun is not None and begun not in options:
            why = f"it begins on {begun}, which is none of its options"
        elif begun is not None and row.get("initial_start_minutes") is None:
            why = "it has an initial_resource but no initial_start_minutes"
        if why:
            self.check.say("SCHED012", place, why=why)

    def _sequence(self, steps: list[Row], place: RowPosition, order: str) -> None:
        """Check step numbers and `after`; a circle is told as a path."""
        seen: set[object] = set()
        waits: dict[object, list[object]] = {}
        for step in steps:
            if "step" in step and self.check.unique(seen, step["step"], place, "step"):
                waits[step["step"]] = list(step.get("after", []))
        for step in steps:
            for before in step.get("after", []):
                self._refers({"after": before}, "after", seen, place)
        path = circle(
            (step, other) for step, before in waits.items() for other in before
        )
        if path:
            words = " -> ".join(str(number) for number in path)
            self.check.say("SCHED007", place, value=order, path=words)
