"""The states of an order and what leads from one to the next (WO-02).

One table for work, purchase and transfer orders:

    planned → firmed → released → in_process → completed → closed
       └─────────┴────────┴───────────┴──────→ cancelled

Every pair of state and verb is in the table or is not possible. Some of the possible
ones have a guard, a condition on the order with a name and a way out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from medhavi.findings import finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from medhavi.findings import Finding


class OrderState(StrEnum):
    """How far an order is; values as in `supply_orders.status`."""

    PLANNED = "planned"
    FIRMED = "firmed"
    RELEASED = "released"
    IN_PROCESS = "in_process"
    COMPLETED = "completed"
    CLOSED = "closed"
    CANCELLED = "cancelled"


class Verb(StrEnum):
    """What is done to an order: an edit of that name, or a report of the shop floor."""

    FIRM = "firm"
    RELEASE = "release"
    MOVE = "move"
    CHANGE_QTY = "change_qty"
    CHANGE_SOURCE = "change_source"
    CHANGE_RESOURCE = "change_resource"
    SPLIT = "split"
    CANCEL = "cancel"
    START = "start"
    REPORT = "report"
    RECEIVE = "receive"
    COMPLETE = "complete"
    CLOSE = "close"

    @property
    def words(self) -> str:
        """Name for people.

        >>> Verb.MOVE.words, Verb.CHANGE_SOURCE.words
        ('reschedule', 'change source')
        """
        named = {"move": "reschedule", "change_qty": "change quantity"}
        return named.get(self.value, self.value.replace("_", " "))


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderFacts:
    """What guards look at.

    Parameters
    ----------
    order
        Its id, for messages.
    qty, qty_done
        Ordered, and in stock already [as the order].
    wanted_qty
        Quantity that the verb asks for; None where it asks for none.
    locked_steps
        Steps whose resource and times a schedule has fixed.
    gives_up_rest
        Completing: the rest is given up by name.
    """

    order: str
    state: OrderState
    qty: float
    qty_done: float = 0.0
    wanted_qty: float | None = None
    locked_steps: int = 0
    gives_up_rest: bool = False


class Guard(NamedTuple):
    """A condition: what it asks, what is wrong where it fails, the way out."""

    holds: Callable[[OrderFacts], bool]
    reason: str
    way_out: str


class Transition(NamedTuple):
    """Where a verb leads, and its guards."""

    target: OrderState
    guards: tuple[Guard, ...] = ()


SOMETHING = Guard(
    lambda order: order.qty > order.qty_done,
    "nothing of it is still to come",
    "Complete it.",
)
NOTHING_DONE = Guard(
    lambda order: order.qty_done == 0,
    "a part of it is in stock already",
    "Reduce its quantity to what is done, then complete it.",
)
NOT_BELOW_DONE = Guard(
    lambda order: order.wanted_qty is None or order.wanted_qty >= order.qty_done,
    "less than what is in stock already",
    "Ask for at least what is done.",
)
NOT_LOCKED = Guard(
    lambda order: order.locked_steps == 0,
    "the schedule has locked steps of it",
    "Unlock its steps in the schedule first.",
)
ALL_THERE = Guard(
    lambda order: order.gives_up_rest or order.qty_done >= order.qty,
    "not everything is there",
    "Receive the rest, or complete it giving up the rest.",
)

_S, _V = OrderState, Verb
TRANSITIONS: Mapping[tuple[OrderState, Verb], Transition] = MappingProxyType(
    {
        (_S.PLANNED, _V.FIRM): Transition(_S.FIRMED, (SOMETHING,)),
        # Editing a proposal takes it out of the planner's hands: it is firm then.
        (_S.PLANNED, _V.MOVE): Transition(_S.FIRMED, (SOMETHING,)),
        (_S.PLANNED, _V.CHANGE_QTY): Transition(_S.FIRMED),
        (_S.PLANNED, _V.CHANGE_SOURCE): Transition(_S.FIRMED, (SOMETHING,)),
        (_S.PLANNED, _V.CHANGE_RESOURCE): Transition(_S.FIRMED, (SOMETHING,)),
        (_S.PLANNED, _V.SPLIT): Transition(_S.FIRMED, (SOMETHING,)),
        (_S.PLANNED, _V.CANCEL): Transition(_S.CANCELLED),
        (_S.FIRMED, _V.RELEASE): Transition(_S.RELEASED, (SOMETHING,)),
        (_S.FIRMED, _V.MOVE): Transition(_S.FIRMED, (NOT_LOCKED,)),
        (_S.FIRMED, _V.CHANGE_QTY): Transition(_S.FIRMED, (NOT_BELOW_DONE,)),
        (_S.FIRMED, _V.CHANGE_SOURCE): Transition(
            _S.FIRMED, (NOTHING_DONE, NOT_LOCKED)
        ),
        (_S.FIRMED, _V.CHANGE_RESOURCE): Transition(
            _S.FIRMED, (NOTHING_DONE, NOT_LOCKED)
        ),
        (_S.FIRMED, _V.SPLIT): Transition(_S.FIRMED, (NOTHING_DONE, NOT_LOCKED)),
        (_S.FIRMED, _V.CANCEL): Transition(_S.CANCELLED, (NOTHING_DONE,)),
        (_S.RELEASED, _V.MOVE): Transition(_S.RELEASED, (NOT_LOCKED,)),
        (_S.RELEASED, _V.CHANGE_QTY): Transition(_S.RELEASED, (NOT_BELOW_DONE,)),
        (_S.RELEASED, _V.SPLIT): Transition(_S.RELEASED, (NOTHING_DONE, NOT_LOCKED)),
        (_S.RELEASED, _V.CANCEL): Transition(_S.CANCELLED, (NOTHING_DONE,)),
        (_S.RELEASED, _V.START): Transition(_S.IN_PROCESS),
        # Purchases arrive without anybody having reported a start.
        (_S.RELEASED, _V.RECEIVE): Transition(_S.RELEASED),
        (_S.RELEASED, _V.COMPLETE): Transition(_S.COMPLETED, (ALL_THERE,)),
        (_S.IN_PROCESS, _V.CHANGE_QTY): Transition(_S.IN_PROCESS, (NOT_BELOW_DONE,)),
        (_S.IN_PROCESS, _V.CANCEL): Transition(_S.CANCELLED, (NOTHING_DONE,)),
        # Later steps report their own start.
        (_S.IN_PROCESS, _V.START): Transition(_S.IN_PROCESS),
        (_S.IN_PROCESS, _V.REPORT): Transition(_S.IN_PROCESS),
        (_S.IN_PROCESS, _V.RECEIVE): Transition(_S.IN_PROCESS),
        (_S.IN_PROCESS, _V.COMPLETE): Transition(_S.COMPLETED, (ALL_THERE,)),
        (_S.COMPLETED, _V.CLOSE): Transition(_S.CLOSED),
    }
)
"""All that is possible."""


class TransitionResult(NamedTuple):
    """What a verb leads to: a state, or the finding that says why not."""

    state: OrderState | None
    refusal: Finding | None


def allowed(state: OrderState) -> tuple[Verb, ...]:
    """Verbs that a state knows, guards aside.

    >>> [str(verb) for verb in allowed(OrderState.COMPLETED)]
    ['close']
    """
    return tuple(verb for verb in Verb if (state, verb) in TRANSITIONS)


def advance(order: OrderFacts, verb: Verb) -> TransitionResult:
    """Do a verb, or say by name why it is not possible.

    Examples
    --------
    >>> facts = OrderFacts(order="WO-1", state=OrderState.CANCELLED, qty=10.0)
    >>> print(advance(facts, Verb.RELEASE).refusal.message)
    Order WO-1 is cancelled; release is not possible then.
    """
    found = TRANSITIONS.get((order.state, verb))
    if found is None:
        possible = ", ".join(one.words for one in allowed(order.state))
        words = possible or "nothing, it is done"
        return TransitionResult(
            None,
            finding(
                "ORD001",
                table="supply_orders",
                column="status",
                value=order.order,
                state=str(order.state).replace("_", " "),
                verb=verb.words,
                allowed=words,
            ),
        )
    for guard in found.guards:
        if not guard.holds(order):
            return TransitionResult(
                None,
                finding(
                    "ORD002",
                    table="supply_orders",
                    value=order.order,
                    verb=verb.words,
                    reason=guard.reason,
                    way_out=guard.way_out,
                ),
            )
    return TransitionResult(found.target, None)
