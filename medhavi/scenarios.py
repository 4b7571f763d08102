"""A study: which scenarios are planned how, read from TOML with every problem named."""

from __future__ import annotations

import datetime as dt
import hashlib
import itertools
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from medhavi.edits.edit import KINDS, Edit, apply, plain, read_change
from medhavi.edits.parameter import instant_or_day, unknown_keys
from medhavi.errors import MedhaviError, UsageError
from medhavi.findings import BadData, finding, has_errors
from medhavi.planners.pipeline import MODES, check_settings
from medhavi.planners.pipeline import plan as make_plan
from medhavi.results.figures.kpis import KPIS, kpi_table
from medhavi.results.plans.plan import Plan
from medhavi.results.verify import verify
from medhavi.snapshot.reading.row_findings import nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot


DEFAULT_KPIS = ("KPI-01", "KPI-05", "KPI-28")
EXECUTORS = ("serial", "processes")
DASK = "dask://"
KEYS = {
    "name": "name of the study",
    "base": "what is changed: { lake = … } or { tables = … }",
    "seeds": "seeds, one run each; [0] where nothing is said",
    "executor": "serial, processes, or dask://host:port",
    "planner": "planner settings: mode and the parameters of the mode",
    "scenario": "scenarios: name and change",
    "grid": "factors that are combined on every scenario",
    "output": "kpis and compare_to",
}
BASE_KEYS = {
    "lake": "folder of a lakehouse",
    "tables": "folder or xlsx of tables",
    "known_at": "facts recorded up to here",
    "effective_at": "facts effective up to here",
}
OUTPUT_KEYS = {"kpis": "key figures", "compare_to": "scenario to compare with"}
SCENARIO_KEYS = {"name": "its name", "change": "its changes"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """Where the base snapshot comes from; either a lake at two times or tables."""

    lake: str | None = None
    tables: str | None = None
    known_at: dt.date | None = None
    effective_at: dt.date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannerChoice:
    """A mode and its parameters."""

    mode: str = "mrp"
    settings: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line such as "constrained effort = light"."""
        words = ", ".join(
            f"{name} = {self.settings[name]}" for name in sorted(self.settings)
        )
        return f"{self.mode} {words}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A name and its changes, in the order in which they are made."""

    name: str
    changes: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyRun:
    """One run: a scenario with one point of the grid, a planner and a seed."""

    scenario: str
    point: Mapping[str, float]
    changes: tuple[Edit, ...]
    planner: PlannerChoice
    seed: int

    @property
    def point_words(self) -> str:
        """Grid point for people: each factor as its change in per cent."""
        return ", ".join(_factor_words(*one) for one in self.point.items())

    @property
    def own_changes(self) -> tuple[Edit, ...]:
        """The changes of the scenario, without those of the grid point."""
        return self.changes[: len(self.changes) - len(self.point)]

    @property
    def label(self) -> str:
        """Name the run for people: scenario, grid point, planner, seed."""
        point = "".join(f" {name}={value:g}" for name, value in self.point.items())
        return f"{self.scenario}{point} [{self.planner}, seed {self.seed}]"

    def identity(self, fingerprint: str, version: str) -> str:
        """What tells runs apart: base, changes, planner, seed, package version.

        Names are no part of it: the same work under another name is the same run.
        """
        parts = {
            "base": fingerprint,
            "changes": [plain(change.as_dict()) for change in self.changes],
            "mode": self.planner.mode,
            "settings": plain(self.planner.settings),
            "seed": self.seed,
            "version": version,
        }
        text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A study as its file says it, checked.

    Runs = scenarios x points of the grid x planners x seeds, in this order.
    """

    name: str
    base: Base
    planners: tuple[PlannerChoice, ...]
    scenarios: tuple[Scenario, ...]
    seeds: tuple[int, ...] = (0,)
    grid: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    executor: str = "processes"
    kpis: tuple[str, ...] = DEFAULT_KPIS
    compare_to: str | None = None

    @property
    def runs(self) -> tuple[StudyRun, ...]:
        """List all runs."""
        names = tuple(self.grid)
        points = [
            dict(zip(names, values, strict=True))
            for values in itertools.product(*self.grid.values())
        ]
        return tuple(
            StudyRun(
                scenario=scenario.name,
                point=MappingProxyType(point),
                changes=(
                    *scenario.changes,
                    *(_factor(name, value) for name, value in point.items()),
                ),
                planner=planner,
                seed=seed,
            )
            for scenario in self.scenarios
            for point in points
            for planner in self.planners
            for seed in self.seeds
        )


def _factor(kind: str, value: float) -> Edit:
    return Edit(kind=kind, values=MappingProxyType({"factor": value}))


def _factor_words(kind: str, factor: float) -> str:
    """What a factor changes, and by how much.

    >>> _factor_words("demand_factor", 1.15), _factor_words("lead_time_factor", 1.0)
    ('demand +15 %', 'lead time as it is')
    """
    what = kind.removesuffix("_factor").replace("_", " ")
    change = round((factor - 1) * 100, 1)
    return f"{what} {change:+g} %" if change else f"{what} as it is"


def parse_study(text: str) -> Study:
    """Read the text of a study file.

    Raises
    ------
    BadData
        The file is no TOML, or keys, changes or values are wrong: all are named.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadData(
            [finding("STU001", value=f"The study is not TOML: {error}.")]
        ) from error
    return study_of(document)


def study_of(document: Mapping[str, object]) -> Study:
    """Read a study from names and values, as its file or a form gives them.

    Raises
    ------
    BadData
        Keys, changes or values are wrong: all are named.
    """
    return _StudyReader(document).study()


def study_text(study: Study) -> str:
    r"""Study file (TOML) that is read as this study.

    >>> print(study_text(parse_study('name = "s"\nbase = { tables = "t" }')))
    name = "s"
    base = {tables = "t"}
    seeds = [0]
    executor = "processes"
    [[planner]]
    mode = "mrp"
    [[scenario]]
    name = "base"
    change = []
    [output]
    kpis = ["KPI-01", "KPI-05", "KPI-28"]
    <BLANKLINE>
    """
    stated = {
        "name": study.name,
        "base": {
            key: value
            for key in BASE_KEYS
            if (value := getattr(study.base, key)) is not None
        },
        "seeds": list(study.seeds),
        "executor": study.executor,
    }
    output = {"kpis": list(study.kpis), "compare_to": study.compare_to}
    parts = [
        _keys(stated),
        *(
            f"[[planner]]\n{_keys({'mode': one.mode, **one.settings})}"
            for one in study.planners
        ),
        *(
            f"[[scenario]]\n{_keys({'name': one.name, 'change': _rows(one)})}"
            for one in study.scenarios
        ),
        *([f"[grid]\n{_keys(study.grid)}"] if study.grid else []),
        f"[output]\n{_keys(output)}",
    ]
    return "\n".join(parts) + "\n"


def _rows(scenario: Scenario) -> list[dict[str, object]]:
    return [change.as_dict() for change in scenario.changes]


def _keys(values: Mapping[str, object]) -> str:
    """Lines of a table in TOML; what is None is left out."""
    return "\n".join(
        f"{name} = {_toml(value)}"
        for name, value in values.items()
        if value is not None
    )


def _toml(value: object) -> str:
    """Value in TOML; inside of lists and tables on one line."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key} = {_toml(one)}" for key, one in value.items())
        return f"{{{inside}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(plain(value), ensure_ascii=False)


class _StudyReader:
    """Reads a document and collects what is wrong in it."""

    def __init__(self, document: Mapping[str, object]) -> None:
        self._document = document
        self._found: list[Finding] = unknown_keys(document, KEYS, "The study")

    def study(self) -> Study:
        scenarios = self._scenarios()
        made = Study(
            name=self._name(),
            base=self._base(),
            planners=self._planners(),
            scenarios=scenarios,
            seeds=self._seeds(),
            grid=self._grid(),
            executor=self._executor(),
            **self._output([scenario.name for scenario in scenarios]),  # type: ignore[arg-type]
        )
        if self._found:
            raise BadData(self._found)
        return made

    # ------------------------------------------------------------------- its parts
    def _name(self) -> str:
        name = self._document.get("name")
        if name is None:
            self._missing("name", "The study", KEYS["name"])
            return ""
        if not isinstance(name, str) or not name.strip() or "/" in name:
            self._wrong("name", name, "The study", "a name without a slash")
            return ""
        return name

    def _base(self) -> Base:
        base = self._table("base")
        self._found += unknown_keys(base, BASE_KEYS, "base")
        places = [key for key in ("lake", "tables") if key in base]
        if len(places) != 1:
            self._wrong(
                "base", base or "(empty)", "The study", "either a lake or tables"
            )
            return Base()
        moments = {}
        for key in ("known_at", "effective_at"):
            if key in base:
                moments[key] = instant_or_day(base[key])
                if moments[key] is None or "tables" in base:
                    self._wrong(key, base[key], "base", "an instant, with a lake")
        place = base[places[0]]
        if not isinstance(place, str):
            self._wrong(places[0], place, "base", "the path of a folder")
            return Base()
        return Base(**{places[0]: place}, **moments)  # type: ignore[arg-type]

    def _planners(self) -> tuple[PlannerChoice, ...]:
        made = []
        for number, row in enumerate(self._list("planner"), start=1):
            mode = row.get("mode", "mrp")
            if mode not in MODES:
                wanted = f"one of {', '.join(MODES)}"
                self._wrong("mode", mode, f"planner {number}", wanted)
                continue
            settings = {key: value for key, value in row.items() if key != "mode"}
            self._settings(str(mode), settings, f"planner {number} ({mode})")
            made.append(
                PlannerChoice(mode=str(mode), settings=MappingProxyType(settings))
            )
        return tuple(made) or (PlannerChoice(),)

    def _settings(self, mode: str, settings: Mapping[str, object], place: str) -> None:
        """Try each setting by itself, so that all that are wrong are named."""
        for key, value in settings.items():
            try:
                check_settings(mode, {key: value})
            except UsageError as error:
                wanted = f"another one ({str(error).rstrip('.')})"
                self._wrong(key, value, place, wanted)

    def _scenarios(self) -> tuple[Scenario, ...]:
        made: list[Scenario] = []
        for number, row in enumerate(self._list("scenario"), start=1):
            name = row.get("name")
            place = f"scenario {name if isinstance(name, str) else number}"
            self._found += unknown_keys(row, SCENARIO_KEYS, place)
            if not isinstance(name, str) or not name:
                self._missing("name", place, SCENARIO_KEYS["name"])
                continue
            if name in [scenario.name for scenario in made]:
                self._found.append(finding("STU007", value=name))
            made.append(Scenario(name=name, changes=self._changes(row, place)))
        return tuple(made) or (Scenario(name="base"),)

    def _changes(self, row: Mapping[str, object], place: str) -> tuple[Edit, ...]:
        given = row.get("change", [])
        if not isinstance(given, list) or not all(isinstance(c, dict) for c in given):
            self._wrong("change", given, place, "a list of changes, each a table")
            return ()
        made = []
        for number, entry in enumerate(given, start=1):
            change, problems = read_change(entry, f"{place} change {number}")
            self._found += problems
            if change is not None:
                made.append(change)
        return tuple(made)

    def _seeds(self) -> tuple[int, ...]:
        given = self._document.get("seeds", [0])
        seeds = given if isinstance(given, list) else []
        whole = all(isinstance(s, int) and not isinstance(s, bool) for s in seeds)
        if not whole or not seeds:
            self._wrong("seeds", given, "The study", "a list of whole numbers")
            return (0,)
        return tuple(dict.fromkeys(seeds))

    def _grid(self) -> Mapping[str, tuple[float, ...]]:
        known = [name for name, kind in KINDS.items() if kind.is_factor]
        grid = {}
        for name, values in self._table("grid").items():
            if name not in known:
                self._found.append(
                    finding(
                        "STU010",
                        column=name,
                        nearest=nearest(name, known),
                        known=", ".join(known),
                    )
                )
                continue
            read = values if isinstance(values, list) and values else [values]
            for value in read:
                _, problems = read_change({"kind": name, "factor": value}, "grid")
                self._found += problems
            grid[name] = tuple(float(v) for v in read if isinstance(v, (int, float)))
        return MappingProxyType(grid)

    def _executor(self) -> str:
        executor = self._document.get("executor", "processes")
        if not isinstance(executor, str) or not (
            executor in EXECUTORS or executor.startswith(DASK)
        ):
            self._wrong("executor", executor, "The study", KEYS["executor"])
            return "serial"
        return executor

    def _output(self, scenarios: Sequence[str]) -> dict[str, object]:
        output = self._table("output")
        self._found += unknown_keys(output, OUTPUT_KEYS, "output")
        kpis = output.get("kpis", list(DEFAULT_KPIS))
        if not isinstance(kpis, list):
            self._wrong("kpis", kpis, "output", "a list of key figures")
            kpis = []
        for name in kpis:
            if str(name).split(".")[0] not in KPIS:
                self._found.append(
                    finding(
                        "STU008",
                        value=name,
                        place="output.kpis",
                        nearest=nearest(str(name), tuple(KPIS)),
                    )
                )
        compare_to = output.get("compare_to")
        if compare_to is not None and compare_to not in scenarios:
            self._found.append(
                finding(
                    "STU009",
                    value=compare_to,
                    nearest=nearest(str(compare_to), tuple(scenarios)),
                )
            )
        return {"kpis": tuple(str(name) for name in kpis), "compare_to": compare_to}

    # --------------------------------------------------------------------- reading
    def _table(self, key: str) -> Mapping[str, object]:
        value = self._document.get(key, {})
        if isinstance(value, dict):
            return value
        self._wrong(key, value, "The study", "a table")
        return {}

    def _list(self, key: str) -> list[Mapping[str, object]]:
        value = self._document.get(key, [])
        if isinstance(value, list) and all(isinstance(row, dict) for row in value):
            return value
        self._wrong(key, value, "The study", f"[[{key}]] tables")
        return []

    def _missing(self, column: str, place: str, meaning: str) -> None:
        self._found.append(
            finding("STU003", column=column, place=place, meaning=meaning)
        )

    def _wrong(self, column: str, value: object, place: str, wanted: str) -> None:
        self._found.append(
            finding("STU004", column=column, value=value, place=place, wanted=wanted)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one run.

    `status` is the run's own (heuristic, optimal, …), or "refused" where the changed
    data has errors or the planner does not know what it holds, or "unverified" where
    the plan breaks its snapshot. `plan` is None when refused; `problem` says why.
    """

    status: str
    plan: Plan | None
    snapshot_fingerprint: str
    problem: str = ""


def planned(snapshot: Snapshot, run: StudyRun) -> Plan:
    """Plan the tables of a run from nothing."""
    choice = run.planner
    return make_plan(snapshot, choice.mode, dict(choice.settings), seed=run.seed)


def compute(
    base: Snapshot,
    run: StudyRun,
    planner: Callable[[Snapshot, StudyRun], Plan] = planned,
) -> Outcome:
    """Compute one run; what goes wrong is its outcome, so that others go on.

    Parameters
    ----------
    base, run
        Tables, and what the run changes in them.
    planner
        Plans the changed tables; whichever way, the plan is the same.
    """
    try:
        snapshot = apply(base, run.changes, "change")
        snapshot.require()
        made = planner(snapshot, run)
    except MedhaviError as error:
        return Outcome(
            status="refused", plan=None, snapshot_fingerprint="", problem=str(error)
        )
    broken = [found for found in verify(made, snapshot) if has_errors([found])]
    return Outcome(
        status="unverified" if broken else str(made.run.status),
        plan=made.replace(kpis=kpi_table(made, snapshot)),
        snapshot_fingerprint=snapshot.fingerprint,
        problem=str(broken[0]) if broken else "",
    )
