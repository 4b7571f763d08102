"""Which fields a schedule file has, of which kind; checked row by row, none skipped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import Finding, finding
from medhavi.units import MINUTE, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


MOST_MINUTES = 52_560_000
"""A hundred years; larger times are mistakes of unit."""
Raw = Mapping[str, object]


class FieldKind(NamedTuple):
    """What a value must be: the test and its words."""

    accepts: Callable[[object], bool]
    expected: str
    minutes: bool = False


def _number(value: object) -> bool:
    return (
        isinstance(value, (int, float))
        and not isinstance(value, bool)
        and math.isfinite(value)
    )


def _between(
    low: float, high: float, *, above: bool = False
) -> Callable[[object], bool]:
    def accepts(value: object) -> bool:
        if not _number(value):
            return False
        amount = float(value)  # type: ignore[arg-type]
        return (low < amount if above else low <= amount) and amount <= high

    return accepts


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


TEXT = FieldKind(
    lambda v: isinstance(v, str) and bool(v.strip()), "a text that is not empty"
)
FLAG = FieldKind(lambda v: isinstance(v, bool), "true or false")
OBJECT = FieldKind(lambda v: isinstance(v, Mapping), "an object")
ROWS = FieldKind(
    lambda v: isinstance(v, list) and all(isinstance(row, Mapping) for row in v),
    "a list of objects",
)
TEXTS = FieldKind(
    lambda v: isinstance(v, list) and bool(v) and all(isinstance(t, str) for t in v),
    "a list of names, at least one",
)
COUNT = FieldKind(
    lambda v: _whole(v) and 1 <= v <= 1000,  # type: ignore[operator]
    "a whole number from 1 to 1000",
)
STEP = FieldKind(_whole, "a whole number")
STEPS = FieldKind(
    lambda v: isinstance(v, list) and all(_whole(n) for n in v),
    "a list of step numbers",
)
MINUTES = FieldKind(
    _between(0, MOST_MINUTES), f"minutes from 0 to {MOST_MINUTES:,}", minutes=True
)
RUN = FieldKind(
    _between(0, MOST_MINUTES, above=True),
    f"minutes above 0, at most {MOST_MINUTES:,}",
    minutes=True,
)
SHARE = FieldKind(_between(0, 1, above=True), "a share above 0, at most 1")
AMOUNT = FieldKind(_between(0, 1e9), "a number from 0 to 1,000,000,000")
POSITIVE = FieldKind(_between(0, 1e9, above=True), "a number above 0")
NUMBERS = FieldKind(
    lambda v: isinstance(v, list) and len(v) == 3 and all(map(_number, v)),
    "a list of three numbers",
)
WINDOWS = FieldKind(
    lambda v: (
        isinstance(v, list)
        and bool(v)
        and all(isinstance(w, list) and len(w) == 2 and all(map(_number, w)) for w in v)
    ),
    "a list of [from, to] in minutes, at least one",
)


@dataclass(frozen=True, slots=True)
class RowFields:
    """Fields of one kind of row."""

    kinds: Mapping[str, FieldKind]
    required: tuple[str, ...] = ()


SHAPES: Mapping[str, RowFields] = {
    "file": RowFields(
        {
            "schema": TEXT,
            "name": TEXT,
            "start": TEXT,
            "time_axis": TEXT,
            "objective": TEXTS,
            "effort": POSITIVE,
            "time_limit_s": POSITIVE,
            "resources": ROWS,
            "changeovers": ROWS,
            "orders": ROWS,
            "calendars": ROWS,
            "shifts": ROWS,
            "calendar_exceptions": ROWS,
            "reference": OBJECT,
        },
        ("schema", "start", "resources", "orders"),
    ),
    "resources": RowFields(
        {
            "resource": TEXT,
            "name": TEXT,
            "units": COUNT,
            "yield": SHARE,
            "windows": WINDOWS,
            "calendar": TEXT,
            "changeover_matrix": TEXT,
            "setup_family": TEXT,
        },
        ("resource",),
    ),
    "changeovers": RowFields(
        {
            "matrix": TEXT,
            "from_family": TEXT,
            "to_family": TEXT,
            "setup_minutes": MINUTES,
            "cost": AMOUNT,
        },
        ("matrix", "from_family", "to_family", "setup_minutes"),
    ),
    "orders": RowFields(
        {
            "order": TEXT,
            "product": TEXT,
            "customer": TEXT,
            "qty": AMOUNT,
            "release_minutes": MINUTES,
            "due_minutes": MINUTES,
            "weight": AMOUNT,
            "min_yield": SHARE,
            "steps": ROWS,
        },
        ("order", "steps"),
    ),
    "steps": RowFields(
        {
            "step": STEP,
            "name": TEXT,
            "after": STEPS,
            "family": TEXT,
            "splittable": FLAG,
            "options": ROWS,
            "run_minutes_range": NUMBERS,
            "start_minutes": MINUTES,
            "resource": TEXT,
            "initial_start_minutes": MINUTES,
            "initial_resource": TEXT,
        },
        ("step", "options"),
    ),
    "options": RowFields(
        {
            "resource": TEXT,
            "run_minutes": RUN,
            "setup_minutes": MINUTES,
            "yield": SHARE,
        },
        ("resource", "run_minutes"),
    ),
}


@dataclass(slots=True)
class RowPosition:
    """Where a row stands: its table, its number from 1, its words."""

    table: str
    row: int | None
    words: str


@dataclass(slots=True)
class FieldCheck:
    """Collects what is wrong with fields."""

    findings: list[Finding] = field(default_factory=list)

    def say(self, code: str, place: RowPosition, **facts: object) -> None:
        """Add a finding at a place."""
        self.findings.append(
            finding(code, table=place.table, row=place.row, place=place.words, **facts)  # type: ignore[arg-type]
        )

    def row(self, shape: str, row: Raw, place: RowPosition) -> dict[str, object]:
        """Fields of a row that are of their kind; report the others.

        A field that is null is not stated.
        """
        known = SHAPES[shape]
        stated = {key: value for key, value in row.items() if value is not None}
        for name in stated:
            if name not in known.kinds:
                self.say(
                    "SCHED002", place, column=name, nearest=nearest(name, known.kinds)
                )
        for name in known.required:
            if name not in stated:
                self.say("SCHED003", place, column=name)
        return {
            name: value
            for name, value in stated.items()
            if name in known.kinds and self._fits(name, value, known.kinds[name], place)
        }

    def _fits(
        self, name: str, value: object, kind: FieldKind, place: RowPosition
    ) -> bool:
        if not kind.accepts(value):
            self.say(
                "SCHED004",
                place,
                column=name,
                value=short(value),
                expected=kind.expected,
            )
            return False
        return not (kind.minutes and not self.whole_seconds(name, value, place))

    def whole_seconds(self, name: str, value: object, place: RowPosition) -> bool:
        """Whether minutes are whole seconds; report those that are not."""
        if (exact(value) * MINUTE).denominator == 1:
            return True
        self.say("SCHED013", place, column=name, value=value)
        return False

    def unique(
        self, seen: set[object], key: object, place: RowPosition, what: str
    ) -> bool:
        """Report a key that was there before."""
        if key in seen:
            words = " to ".join(key) if isinstance(key, tuple) else key
            self.say("SCHED005", place, what=what, value=words)
            return False
        seen.add(key)
        return True


def nearest(name: str, known: Collection[str]) -> str:
    """Words that name the nearest known name, if one is near.

    >>> nearest("due_dat", ["due_date", "weight"])
    ' (did you mean due_date?)'
    """
    found = get_close_matches(name, [str(each) for each in known], n=1)
    return f" (did you mean {found[0]}?)" if found else ""


def short(value: object) -> str:
    """Value in at most sixty letters.

    >>> short("ab")
    "'ab'"
    """
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
