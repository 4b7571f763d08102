"""The life of a reservation, as pure transitions (RES-01 … RES-15).

    tentative ── confirm ──► confirmed ── reduce ──► reduced
        │  └──── reduce ─────────────────────────────►  │ (again: reduce)
        ├── expire ──► expired
        └── release ──────► released ◄── release from confirmed, reduced

A hold is active while it is tentative, confirmed or reduced. Commands repeat safely:
what is done already changes nothing and makes no event. What is not allowed is refused
with a coded finding. `ledger` carries the commands out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Final, NamedTuple

from medhavi.errors import MedhaviError
from medhavi.snapshot.active_holds import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from medhavi.findings import Finding


class ReservationState(StrEnum):
    """Where a reservation stands."""

    TENTATIVE = "tentative"
    CONFIRMED = "confirmed"
    REDUCED = "reduced"
    RELEASED = "released"
    EXPIRED = "expired"


class ReservationCommand(StrEnum):
    """What can be asked of a reservation, as a participle for messages."""

    CREATE = "created"
    CONFIRM = "confirmed"
    REDUCE = "reduced"
    RELEASE = "released"
    EXPIRE = "expired"


ALLOWED: Final[Mapping[ReservationState, frozenset[ReservationCommand]]] = {
    ReservationState.TENTATIVE: frozenset(
        {
            ReservationCommand.CONFIRM,
            ReservationCommand.REDUCE,
            ReservationCommand.RELEASE,
            ReservationCommand.EXPIRE,
        }
    ),
    ReservationState.CONFIRMED: frozenset(
        {ReservationCommand.REDUCE, ReservationCommand.RELEASE}
    ),
    ReservationState.REDUCED: frozenset(
        {
            ReservationCommand.REDUCE,
            ReservationCommand.RELEASE,
            ReservationCommand.EXPIRE,
        }
    ),
    ReservationState.RELEASED: frozenset(),
    ReservationState.EXPIRED: frozenset(),
}
"""Which commands change a reservation in which state."""

CONFLICT_CODES: Final[Mapping[str, str]] = {
    "material": "MaterialReservationConflict",
    "capacity": "CapacityLocked",
    "transport": "NoTransportCapacity",
}
"""What a hold that finds no room is called, by kind (RES-13)."""


class TransitionRefused(MedhaviError):  # noqa: N818 - reads as what it is
    """A reservation cannot change as asked; `finding` says why."""

    def __init__(self, found: Finding) -> None:
        super().__init__(str(found))
        self.finding = found


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """A hold with its state (RES-06).

    `demand` is where it comes from, nothing more is known of the order. `qty` counts
    base units of a material, minutes of a resource, kg on a lane. `start` and `finish`
    are its window, `expires_at` its end while it is not confirmed, `created` and
    `modified` when it changed [s]. Time of a resource is set up for `family`; the
    first `changeover` of it changes it from the one before [s]; it makes `good_qty` of
    `made_product` [base units], where that is known.
    """

    reservation: str
    key: str
    kind: str
    demand: str | None
    subject: str
    location: str | None
    qty: float
    start: int
    finish: int
    state: ReservationState = ReservationState.TENTATIVE
    expires_at: int | None = None
    created: int | None = None
    modified: int | None = None
    family: str | None = None
    changeover: int = 0
    made_product: str | None = None
    good_qty: float | None = None

    def active(self, now: int) -> bool:
        """Whether it holds anything now: it blocks while now is before its end."""
        return self.state in ACTIVE and (
            self.expires_at is None or now < self.expires_at
        )

    def is_same_wish(self, other: Reservation) -> bool:
        """Whether both ask for the same, whatever became of it since."""
        return _wish(self) == _wish(other)


def _wish(one: Reservation) -> tuple[object, ...]:
    return (one.kind, one.demand, one.subject, one.location, one.start, one.finish)


class Transition(NamedTuple):
    """What a command did; `command` None: it was done already, nothing happened."""

    before: Reservation | None
    after: Reservation
    command: ReservationCommand | None


class Conflict(NamedTuple):
    """A hold for which there is no room, with its reason code; nothing was created."""

    wanted: Reservation
    code: str


def reservation_id(
    order: str | None,
    line: object,
    kind: str,
    part: str,
    window: tuple[int, int],
) -> str:
    """Id of a hold from what it is for (RES-05).

    Parameters
    ----------
    order, line
        Sales order and line, or the demand and None.
    kind
        material, capacity or transport.
    part
        What of the promise it is: step, leg, component with its place.
    window
        Start and end [s].

    Examples
    --------
    >>> reservation_id("SO-7", 1, "material", "A@L", (0, 0))
    'H-ee8a690e07a1e6b6'
    """
    return reservation_named(order_named(order, line), kind, part, window)


def order_named(order: str | None, line: object) -> str:
    """Part of all ids of an order line, for `reservation_named`."""
    return f"{order or ''}\x1f{line or ''}"


def reservation_named(owner: str, kind: str, part: str, window: tuple[int, int]) -> str:
    """Id of one of many holds of an order line; see `reservation_id`."""
    start, end = window
    text = f"{owner}\x1f{kind}\x1f{part}\x1f{start}\x1f{end}"
    return f"H-{blake2b(text.encode(), digest_size=8).hexdigest()}"
