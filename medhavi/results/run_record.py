"""How a result came about: planner, input, settings, status, effort.

Only what repeats belongs here. Seconds, memory and hosts are measurements; they live in
`measured.json` beside the record, outside every fingerprint (design 3.7).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from medhavi.units import from_seconds, to_seconds


class Status(StrEnum):
    """What a run can say about its result; it never claims more than was shown.

    `optimal`: proven best. `feasible`: valid, with a known gap. `heuristic`: valid by
    the independent check, without a bound. `relaxation`: the program behind it was
    solved to its optimum, the plan itself may take more machine hours at a time than
    there are. `infeasible`: no valid result exists, see
    the conflict. `cancelled`: stopped from outside. `error`: nothing usable.
    """

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    HEURISTIC = "heuristic"
    RELAXATION = "relaxation"
    INFEASIBLE = "infeasible"
    CANCELLED = "cancelled"
    ERROR = "error"


class NettingScope(StrEnum):
    """What a run in mode mrp netted; the plan is the same whichever it was (MRP-14).

    `all`: everything, from nothing. `kept_run`: the places that a change reaches, on a
    run that was kept in memory.
    """

    ALL = "all"
    KEPT_RUN = "kept_run"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """The repeatable facts of one run.

    Parameters
    ----------
    planner
        Name of the planner, such as "mrp".
    mode
        Mode it ran in: mrp, constrained, optimize.
    package_version
        Version of Medhavi.
    snapshot_fingerprint
        Fingerprint of the input.
    as_of
        Now of the plan [UTC seconds]; None where the planner has no now.
    settings
        Parameters of the run; values that JSON knows.
    seed
        Seed of every random choice; None where nothing is random.
    status
        What the result is.
    bound, gap
        Best proven bound and relative gap [fraction]; None without an optimiser.
    effort
        Deterministic counts of work: iterations, nodes, evaluations.
    repeatable
        False when a wall-clock limit cut the run short.
    netting
        What was netted, in mode mrp; None in another mode or where it is not known. It
        is no part of the identity of the run.
    """

    planner: str
    mode: str
    package_version: str
    snapshot_fingerprint: str
    as_of: int | None = None
    settings: Mapping[str, object] = field(default_factory=dict)
    seed: int | None = None
    status: Status = Status.HEURISTIC
    bound: float | None = None
    gap: float | None = None
    effort: Mapping[str, float] = field(default_factory=dict)
    repeatable: bool = True
    netting: NettingScope | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "status", Status(self.status))
        if self.netting is not None:
            object.__setattr__(self, "netting", NettingScope(self.netting))
        if self.gap is not None and self.gap < 0:
            message = f"gap ({self.gap}) must not be negative."
            raise ValueError(message)

    @property
    def run_id(self) -> str:
        """Identity of the run: equal input, settings and seed give the equal id."""
        parts = {
            "planner": self.planner,
            "mode": self.mode,
            "package_version": self.package_version,
            "snapshot": self.snapshot_fingerprint,
            "settings": dict(self.settings),
            "seed": self.seed,
        }
        text = json.dumps(parts, sort_keys=True, default=str, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, object]:
        """Keys of `run.json`; instants as ISO 8601 text."""
        return {
            "run_id": self.run_id,
            "planner": self.planner,
            "mode": self.mode,
            "package_version": self.package_version,
            "snapshot_fingerprint": self.snapshot_fingerprint,
            "as_of": None if self.as_of is None else _iso(self.as_of),
            "settings": dict(self.settings),
            "seed": self.seed,
            "status": str(self.status),
            "bound": self.bound,
            "gap": self.gap,
            "effort": dict(self.effort),
            "repeatable": self.repeatable,
            "netting": None if self.netting is None else str(self.netting),
        }

    @classmethod
    def from_dict(cls, row: Mapping[str, object]) -> RunRecord:
        """Read what `as_dict` gave; keys that are not the record's own are left out."""
        known = {key: row[key] for key in cls.__dataclass_fields__ if key in row}
        moment = known.get("as_of")
        if isinstance(moment, str):
            known["as_of"] = to_seconds(dt.datetime.fromisoformat(moment))
        return cls(**known)  # type: ignore[arg-type]

    def bound_words(self) -> str:
        """Name the gap with the bound that it belongs to; "" where none is known.

        Mode constrained bounds weighted days of lateness, which nobody reads; its
        summary puts the number of late demands beside the fewest possible.
        """
        if self.bound is None or self.gap is None or self.mode == "constrained":
            return ""
        return f"within {self.gap:.2%} of the bound {self.bound:,.2f}"

    def __str__(self) -> str:
        """One line: planner, mode, status, value and bound, input."""
        bound = self.bound_words()
        bound = f", {bound}" if bound else ""
        cut = "" if self.repeatable else ", not repeatable"
        made_by = " ".join(dict.fromkeys((self.planner, self.mode)))
        return (
            f"{made_by}: {self.status}{bound}{cut} "
            f"(Medhavi {self.package_version}, "
            f"input {self.snapshot_fingerprint[:12]}, run {self.run_id})"
        )


def _iso(seconds: int) -> str:
    return from_seconds(seconds).strftime("%Y-%m-%dT%H:%M:%SZ")
