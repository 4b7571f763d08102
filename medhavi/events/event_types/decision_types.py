"""Decisions: what Medhavi and its users settle, each an event of its own (design 3.6).

Decisions that commit carry the approver: critical actions are confirmed by a person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from medhavi.events.event_types.master_data import Instant, Payload, row_type, says

if TYPE_CHECKING:
    DemandRow = Any
    EstimateRow = Any
    StepRow = Any
else:
    from medhavi.events.event_types.movements import DemandRow

    EstimateRow = row_type("estimates", "EstimateRow", doc="A row of estimates.")
    StepRow = row_type(
        "supply_order_steps",
        "StepRow",
        doc="Where and when a step of an order is to run.",
        columns=("step", "resource", "start", "finish"),
    )

Reason = Annotated[str | None, says("why, for people")]
Approver = Annotated[str, says("who confirmed it")]
Value = Annotated[
    bool | int | float | str | list[str] | None,
    says("value of the cell in the type of its column; absent: empty"),
]


# ------------------------------------------------------------- reservations
ReservationCreated: Any = row_type(
    "reservations",
    "ReservationCreated",
    doc="A hold. Reservations: the row, new or replaced.",
)


class ReservationConfirmed(Payload, frozen=True, kw_only=True):
    """A hold became firm. Reservations: state confirmed, no expiry."""

    reservation: Annotated[str, says("reservation id")]


class ReservationReduced(Payload, frozen=True, kw_only=True):
    """A hold became smaller. Reservations: qty, state reduced."""

    reservation: Annotated[str, says("reservation id")]
    qty: Annotated[float, says("what is left", "as the reservation")]
    reason: Reason = None


class ReservationReleased(Payload, frozen=True, kw_only=True):
    """A hold is given back. Reservations: state released."""

    reservation: Annotated[str, says("reservation id")]
    reason: Reason = None


class ReservationExpired(Payload, frozen=True, kw_only=True):
    """A tentative hold ran out. Reservations: state expired."""

    reservation: Annotated[str, says("reservation id")]
    expired_at: Annotated[Instant, says("when it ran out")]


# ----------------------------------------------------------------- promises
class OrderPromised(Payload, frozen=True, kw_only=True):
    """A line has a date. Demands: promised; with `line` the row too, if new."""

    demand: Annotated[str, says("order line id")]
    promised: Annotated[Instant, says("delivered by then")]
    qty: Annotated[float, says("promised", "base unit")]
    line: Annotated[
        DemandRow | None, says("row of demands of a request not ordered yet")
    ] = None
    p50: Annotated[Instant | None, says("median arrival")] = None
    p80: Annotated[Instant | None, says("80 % arrive by then")] = None
    p95: Annotated[Instant | None, says("95 % arrive by then")] = None
    on_time_prob: Annotated[
        float | None,
        says("probability of the whole arriving by due", "fraction"),
    ] = None
    date_prob: Annotated[
        float | None, says("probability of arriving by promised", "fraction")
    ] = None
    cost: Annotated[float | None, says("cost of the option", "base currency")] = None
    limiter: Annotated[str | None, says("code of what binds; absent: on time")] = None
    policy: Annotated[str | None, says("promise policy")] = None
    reservations: Annotated[list[str], says("its holds")] = msgspec.field(
        default_factory=list
    )
    snapshot: Annotated[str | None, says("fingerprint of the snapshot")] = None
    approver: Annotated[str | None, says("who confirmed it")] = None


class PromiseRejected(Payload, frozen=True, kw_only=True):
    """No acceptable date. Changes no table."""

    demand: Annotated[str, says("order line id")]
    limiter: Annotated[str, says("code of what binds")]
    qty: Annotated[float | None, says("asked for", "base unit")] = None
    remedies: Annotated[list[str], says("kinds of change that would help")] = (
        msgspec.field(default_factory=list)
    )
    snapshot: Annotated[str | None, says("fingerprint of the snapshot")] = None


class PromiseRevised(Payload, frozen=True, kw_only=True):
    """A promise has a new date, or none. Demands: promised; a quote: inquiry then."""

    demand: Annotated[str, says("order line id")]
    promised: Annotated[Instant | None, says("new date; absent: taken back")] = None
    previous: Annotated[Instant | None, says("old date")] = None
    reason: Reason = None
    approver: Annotated[str | None, says("who confirmed it")] = None


class PromiseAtRisk(Payload, frozen=True, kw_only=True):
    """A promise may break. Changes no table."""

    demand: Annotated[str, says("order line id")]
    promised: Annotated[Instant, says("date that was promised")]
    expected: Annotated[Instant | None, says("what the plan shows now")] = None
    limiter: Annotated[str | None, says("code of what binds")] = None
    on_time_prob: Annotated[
        float | None, says("probability now of the whole arriving by due", "fraction")
    ] = None
    date_prob: Annotated[
        float | None, says("probability now of arriving by promised", "fraction")
    ] = None


# -------------------------------------------------- orders, operations, pegs
SupplyOrderFirmed: Any = row_type(
    "supply_orders",
    "SupplyOrderFirmed",
    doc=(
        "A proposal of a plan became an order. Supply_orders: the row, new or replaced; "
        "status firmed where it is absent. With `steps`: rows of supply_order_steps, "
        "status firmed, until a step is reported or the order has other dates."
    ),
    extra={
        "approver": Approver,
        "run": (Annotated[str | None, says("plan run that proposed it")], None),
        "steps": (
            Annotated[
                list[StepRow] | None, says("its steps as planned; absent: unchanged")
            ],
            None,
        ),
    },
)


class SupplyOrderSuperseded(Payload, frozen=True, kw_only=True):
    """Others stand in for an order. Supply_orders: status cancelled."""

    supply_order: Annotated[str, says("order id")]
    by: Annotated[list[str], says("orders that replace it")]
    approver: Approver
    reason: Reason = None


class OperationLocked(Payload, frozen=True, kw_only=True):
    """Resource and times are fixed. Supply_order_steps: the row, locked true."""

    supply_order: Annotated[str, says("order id")]
    step: Annotated[int, says("step of the routing")]
    resource: Annotated[str | None, says("where; absent: unchanged")] = None
    start: Annotated[Instant | None, says("absent: unchanged")] = None
    finish: Annotated[Instant | None, says("absent: unchanged")] = None
    approver: Annotated[str | None, says("who confirmed it")] = None


class OperationUnlocked(Payload, frozen=True, kw_only=True):
    """Times may move again. Supply_order_steps: locked false."""

    supply_order: Annotated[str, says("order id")]
    step: Annotated[int, says("step of the routing")]
    approver: Annotated[str | None, says("who confirmed it")] = None


PegFirmed: Any = row_type(
    "pegs",
    "PegFirmed",
    doc="A supply is bound to a demand. Pegs: the row, new or replaced.",
    extra={"approver": (Annotated[str | None, says("who confirmed it")], None)},
)


class PegReleased(Payload, frozen=True, kw_only=True):
    """A peg is free again. Pegs: the row is gone."""

    demand: Annotated[str, says("order line id")]
    supply: Annotated[str, says("supply order, or product|location|lot of stock")]
    reason: Reason = None


# --------------------------------------------------------- plans and models
class GoldTable(Payload, frozen=True, kw_only=True):
    """A table that a run wrote: where it is and what it must hash to."""

    name: Annotated[str, says("table of the plan, such as supplies")]
    uri: Annotated[str, says("where it is in the lake")]
    hash: Annotated[str, says("SHA-256 of its rows")]
    rows: Annotated[int, says("how many")]


class PlanPublished(Payload, frozen=True, kw_only=True):
    """A plan is the plan. Changes no table; its rows are in gold, never here."""

    run: Annotated[str, says("run id")]
    fingerprint: Annotated[str, says("fingerprint of the plan")]
    snapshot: Annotated[str, says("fingerprint of the snapshot")]
    planner: Annotated[str, says("registered name of the planner")]
    mode: Annotated[str, says("mrp, constrained or optimize")]
    status: Annotated[str, says("optimal, feasible, heuristic …")]
    as_of: Annotated[Instant, says("now of the plan")]
    approver: Approver
    kpis: Annotated[
        dict[str, float | None], says("KPI id to value; null where undefined")
    ] = msgspec.field(default_factory=dict)
    tables: Annotated[list[GoldTable], says("URI and hash of its gold tables")] = (
        msgspec.field(default_factory=list)
    )
    package_version: Annotated[str | None, says("version of medhavi")] = None
    baseline: Annotated[str | None, says("run that it replaces")] = None


class ExceptionReviewed(Payload, frozen=True, kw_only=True):
    """A person took up, noted or settled an exception message. Changes no table."""

    exception: Annotated[
        str, says("code, product, location, demand and order, divided by |")
    ]
    done: Annotated[bool, says("whether nothing is left to do about it")] = False
    assignee: Annotated[str | None, says("who takes care of it")] = None
    note: Annotated[str | None, says("what was found or agreed")] = None
    approver: Approver


class EstimatesPublished(Payload, frozen=True, kw_only=True):
    """What was learned. Estimates: the batch replaces all rows of its kind.

    Small batches carry `rows`; larger ones only URI and hash of the gold table.
    """

    kind: Annotated[str, says("supplier, lane, step, resource or demand")]
    model: Annotated[str, says("registered name")]
    version: Annotated[str, says("version of the model")]
    hash: Annotated[str, says("SHA-256 of the rows")]
    uri: Annotated[str | None, says("gold table; absent: `rows` has them all")] = None
    rows: Annotated[list[EstimateRow] | None, says("rows of estimates")] = None


class ModelPromoted(Payload, frozen=True, kw_only=True):
    """A model version is in use. Changes no table."""

    model: Annotated[str, says("registered name")]
    version: Annotated[str, says("version now in use")]
    approver: Approver
    previous: Annotated[str | None, says("version before")] = None
    reason: Reason = None


class SettingChanged(Payload, frozen=True, kw_only=True):
    """A setting has a value. Settings: the column of the one row."""

    setting: Annotated[str, says("column of settings")]
    value: Value = None
    approver: Annotated[str | None, says("who confirmed it")] = None
    reason: Reason = None


class OverrideRecorded(Payload, frozen=True, kw_only=True):
    """A person's value wins over the stated one. The cell of the table, while valid."""

    override: Annotated[str, says("id of the override; same id replaces")]
    table: Annotated[str, says("planning table")]
    key: Annotated[dict[str, str], says("key column to value as text")]
    column: Annotated[str, says("column that is overridden")]
    approver: Approver
    value: Value = None
    previous: Value = None
    valid_from: Annotated[Instant | None, says("absent: since ever")] = None
    valid_to: Annotated[Instant | None, says("absent: for ever")] = None
    reason: Reason = None


# --------------------------------------------------------------- amendments
class EventVoided(Payload, frozen=True, kw_only=True):
    """A fact never was. It counts nowhere; the log keeps both.

    It holds from when it was recorded, for every moment that is looked at. Decisions,
    voids and corrections cannot be voided.
    """

    event: Annotated[str, says("id of the event that is taken out")]
    reason: Annotated[str, says("why, for people")]
    approver: Approver


class EventCorrected(Payload, frozen=True, kw_only=True):
    """A fact was otherwise. The corrected payload counts in its place.

    It holds from when it was recorded, for every moment that is looked at; of several
    corrections of one event the last recorded one. Decisions, voids and corrections
    cannot be corrected.
    """

    event: Annotated[str, says("id of the event that is corrected")]
    reason: Annotated[str, says("why, for people")]
    approver: Approver
    payload: Annotated[
        dict[str, Any], says("whole payload as it should have been, of the same type")
    ]
    occurred_at: Annotated[
        Instant | None, says("when it took effect; absent: as the event says")
    ] = None


_RESERVATION = ("reservation", ("reservation",))
_PROMISE = ("promise", ("demand",))
_SUPPLY_ORDER = ("supply_order", ("supply_order",))
_PEG = ("peg", ("demand",))

DECISIONS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "ReservationCreated": (ReservationCreated, *_RESERVATION),
    "ReservationConfirmed": (ReservationConfirmed, *_RESERVATION),
    "ReservationReduced": (ReservationReduced, *_RESERVATION),
    "ReservationReleased": (ReservationReleased, *_RESERVATION),
    "ReservationExpired": (ReservationExpired, *_RESERVATION),
    "OrderPromised": (OrderPromised, *_PROMISE),
    "PromiseRejected": (PromiseRejected, *_PROMISE),
    "PromiseRevised": (PromiseRevised, *_PROMISE),
    "PromiseAtRisk": (PromiseAtRisk, *_PROMISE),
    "SupplyOrderFirmed": (SupplyOrderFirmed, *_SUPPLY_ORDER),
    "SupplyOrderSuperseded": (SupplyOrderSuperseded, *_SUPPLY_ORDER),
    "OperationLocked": (OperationLocked, *_SUPPLY_ORDER),
    "OperationUnlocked": (OperationUnlocked, *_SUPPLY_ORDER),
    "PegFirmed": (PegFirmed, *_PEG),
    "PegReleased": (PegReleased, *_PEG),
    "PlanPublished": (PlanPublished, "plan", ("run",)),
    "ExceptionReviewed": (ExceptionReviewed, "exception", ("exception",)),
    "EstimatesPublished": (EstimatesPublished, "estimates", ("kind",)),
    "ModelPromoted": (ModelPromoted, "model", ("model",)),
    "SettingChanged": (SettingChanged, "settings", ()),
    "OverrideRecorded": (OverrideRecorded, "override", ("override",)),
}
"""Decision type → payload, stream category, fields of the stream's id.

The categories are homes of single decisions; a commit of the promise desk appends its
reservations and promises to the one stream `commitments` instead (design 3.8).
"""

AMENDMENTS: dict[str, tuple[Any, str, tuple[str, ...]]] = {
    "EventVoided": (EventVoided, "amendment", ("event",)),
    "EventCorrected": (EventCorrected, "amendment", ("event",)),
}
"""Decisions about facts of the log → payload, stream category, id of the stream."""
