"""Reservations: their states, and the ledger of commands on them (RES-01 … RES-15).

Pure: the ledger tells what happened, others write events. It knows nothing of stock,
machines or lanes (RES-12): whoever creates holds says whether there is room.

tentative ── confirm ──► confirmed ── reduce ──► reduced
        │  └──── reduce ─────────────────────────────►  │ (again: reduce)
        ├── expire ──► expired
        └── release ──────► released ◄── release from confirmed, reduced

A hold is active while it is tentative, confirmed or reduced. Commands repeat safely:
what is done already changes nothing and makes no event. What is not allowed is refused
with a coded finding. `ledger` carries the commands out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

from medhavi.errors import MedhaviError
from medhavi.findings import finding
from medhavi.snapshot.snapshot import ACTIVE
from medhavi.units import from_seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


class ReservationTransition(NamedTuple):
    """What a command did; `command` None: it was done already, nothing happened."""

    before: Reservation | None
    after: Reservation
    command: ReservationCommand | None


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


class ReservationLedger:
    """All reservations by id, key and place, and the commands on them.

    Parameters
    ----------
    reservations : iterable of Reservation
        What is known.

    Attributes
    ----------
    counts : Counter of str
        Events by command, `refused` and `replayed` (RES-14).
    """

    __slots__ = ("_by_demand", "_by_id", "_by_key", "_by_place", "counts")

    def __init__(self, reservations: Iterable[Reservation] = ()) -> None:
        self._by_id: dict[str, Reservation] = {}
        self._by_demand: dict[str | None, set[str]] = {}
        self._by_key: dict[str, str] = {}
        self._by_place: dict[tuple[str, str | None], set[str]] = {}
        self.counts: Counter[str] = Counter()
        for one in reservations:
            self.keep(one)

    def keep(self, one: Reservation) -> None:
        """Note a reservation as it stands: what is recorded is a fact."""
        known = self._by_id.get(one.reservation)
        if known is not None:
            self._by_demand[known.demand].discard(one.reservation)
        self._by_id[one.reservation] = one
        self._by_demand.setdefault(one.demand, set()).add(one.reservation)
        self._by_key[one.key] = one.reservation
        place = (one.subject, one.location)
        self._by_place.setdefault(place, set()).add(one.reservation)

    # ------------------------------------------------------------------- questions
    def get(self, reservation: str) -> Reservation | None:
        """Reservation."""
        return self._by_id.get(reservation)

    @property
    def all(self) -> tuple[Reservation, ...]:
        """All reservations, by id."""
        return tuple(self._by_id[name] for name in sorted(self._by_id))

    def of(self, demand: str) -> tuple[Reservation, ...]:
        """All reservations of a demand, by id."""
        names = self._by_demand.get(demand, ())
        return tuple(self._by_id[name] for name in sorted(names))

    def at(self, subject: str, location: str | None) -> tuple[Reservation, ...]:
        """Reservations on a product (resource, lane) at a place, by id."""
        names = self._by_place.get((subject, location), ())
        return tuple(self._by_id[name] for name in sorted(names))

    def ended(self, now: int) -> tuple[Reservation, ...]:
        """What ran out by now and was not expired yet, by id."""
        return tuple(
            one
            for one in self.all
            if one.state in ACTIVE
            and one.expires_at is not None
            and one.expires_at <= now
        )

    # -------------------------------------------------------------------- commands
    def create(self, wanted: Reservation, now: int) -> ReservationTransition:
        """Make a hold; the same wish under the same key is the same active hold.

        What was released or ran out is made anew.

        Raises
        ------
        TransitionRefused
            Quantity or window are impossible, or the key is another's.
        """
        self._check_shape(wanted)
        known = self._by_id.get(self._by_key.get(wanted.key, wanted.reservation))
        if known is not None and not known.is_same_wish(wanted):
            self._refuse("RSV005", value=wanted.key, other=known.reservation)
        if known is not None and known.active(now):
            return self._replayed(known)
        made = replace(wanted, created=now, modified=now)
        return self._done(known, made, ReservationCommand.CREATE)

    def confirm(self, reservation: str, now: int) -> ReservationTransition:
        """Make a tentative hold firm: it does not run out any more.

        Raises
        ------
        TransitionRefused
            It is unknown, ran out, or was released.
        """
        known = self._known(reservation)
        if known.state is ReservationState.CONFIRMED:
            return self._replayed(known)
        self._check(known, ReservationCommand.CONFIRM, now)
        after = replace(
            known, state=ReservationState.CONFIRMED, expires_at=None, modified=now
        )
        return self._done(known, after, ReservationCommand.CONFIRM)

    def reduce(self, reservation: str, qty: float, now: int) -> ReservationTransition:
        """Leave less of a hold; it never grows.

        Raises
        ------
        TransitionRefused
            It is not active, or `qty` is negative or more than it holds.
        """
        known = self._known(reservation)
        if known.state is ReservationState.REDUCED and known.qty == qty:
            return self._replayed(known)
        self._check(known, ReservationCommand.REDUCE, now)
        if not 0 <= qty <= known.qty:
            self._refuse("RSV004", value=reservation, held=known.qty, wanted=qty)
        after = replace(known, state=ReservationState.REDUCED, qty=qty, modified=now)
        return self._done(known, after, ReservationCommand.REDUCE)

    def release(self, reservation: str, now: int) -> ReservationTransition:
        """Release a hold; repeating changes nothing (RES-15).

        A hold that ran out is free already: releasing it changes nothing.
        """
        known = self._known(reservation)
        if known.state not in ACTIVE:
            return self._replayed(known)
        after = replace(known, state=ReservationState.RELEASED, modified=now)
        return self._done(known, after, ReservationCommand.RELEASE)

    def expire(self, reservation: str, now: int) -> ReservationTransition:
        """Expire a hold; only past its end (RES-03).

        Raises
        ------
        TransitionRefused
            It is confirmed, was released, or its end has not come.
        """
        known = self._known(reservation)
        if known.state is ReservationState.EXPIRED:
            return self._replayed(known)
        if known.state not in ACTIVE or known.expires_at is None:
            self._refuse_command(known, ReservationCommand.EXPIRE)
        if now < known.expires_at:
            self._refuse(
                "RSV006",
                value=reservation,
                until=from_seconds(known.expires_at).isoformat(),
                now=from_seconds(now).isoformat(),
            )
        after = replace(known, state=ReservationState.EXPIRED, modified=now)
        return self._done(known, after, ReservationCommand.EXPIRE)

    def sweep(self, now: int) -> tuple[ReservationTransition, ...]:
        """Expire all that ran out; a second sweep finds nothing (RES-09)."""
        return tuple(self.expire(one.reservation, now) for one in self.ended(now))

    # -------------------------------------------------------------------- internals
    def _known(self, reservation: str) -> Reservation:
        known = self._by_id.get(reservation)
        if known is None:
            self._refuse("RSV002", value=reservation)
        return known

    def _check(self, known: Reservation, command: ReservationCommand, now: int) -> None:
        if command not in ALLOWED[known.state] or not known.active(now):
            self._refuse_command(known, command)

    def _check_shape(self, wanted: Reservation) -> None:
        if wanted.qty < 0:
            self._refuse(
                "RSV003",
                value=wanted.reservation,
                detail=f"its quantity is {wanted.qty:g}",
            )
        if wanted.finish < wanted.start:
            self._refuse(
                "RSV003",
                value=wanted.reservation,
                detail="its window ends before it starts",
            )

    def _refuse_command(
        self, known: Reservation, command: ReservationCommand
    ) -> NoReturn:
        allowed = ", ".join(sorted(ALLOWED[known.state]))
        self._refuse(
            "RSV001",
            value=known.reservation,
            state=known.state,
            command=command,
            allowed=f"it can be {allowed}"
            if allowed
            else "nothing changes it any more",
        )

    def _refuse(self, code: str, **facts: Any) -> NoReturn:
        self.counts["refused"] += 1
        raise TransitionRefused(finding(code, table="reservations", **facts))

    def _replayed(self, known: Reservation) -> ReservationTransition:
        self.counts["replayed"] += 1
        return ReservationTransition(known, known, None)

    def _done(
        self,
        before: Reservation | None,
        after: Reservation,
        command: ReservationCommand,
    ) -> ReservationTransition:
        self.keep(after)
        self.counts[command] += 1
        return ReservationTransition(before, after, command)
