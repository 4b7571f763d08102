"""Promise policies: which rows hold for a request and what they say together.

Rows are merged default < tier < product tier < customer; of a group of customers the
nearest wins. A cell that holds the default of its column says nothing, for a table in
normal form does not know whether it was written. A policy that the request names wins
over all of them.

`work_rules` are what a policy says of new work: what stays free, where it is placed and
how early (CAP-11). `Terms` are what one search may do because of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from medhavi import schema
from medhavi.findings import BadData, finding
from medhavi.providers.capacity.resources import WithheldCapacity, stopped_share
from medhavi.providers.material.characteristics import Characteristics
from medhavi.providers.table_rows import TableRows
from medhavi.results.promises.parts import LINE
from medhavi.snapshot.reading.row_findings import nearest
from medhavi.units import DAY, MINUTE, exact, lineage, seconds_up

if TYPE_CHECKING:
    from collections.abc import Iterable

    from medhavi.findings import Finding
    from medhavi.planners.promising.supply_search.campaign_capacity import (
        CampaignCapacity,
    )
    from medhavi.planners.promising.supply_search.requests import Request
    from medhavi.providers.capacity.resources import CapacityReserves
    from medhavi.providers.capacity.routings import CompiledRouting
    from medhavi.providers.finite_capacity.finite import FiniteCapacity
    from medhavi.providers.sources import OrderTiming, Source
    from medhavi.providers.table_rows import Row
    from medhavi.snapshot import Snapshot


DEFAULT = "default"
PRESETS: Mapping[str, Mapping[str, object]] = {
    "gold": {
        "time_preference": 1.0,
        "risk_basis": "p95",
        "expedite": True,
        "ask_supplier": "on_shortfall",
    },
    "silver": {
        "time_preference": 0.6,
        "cost_preference": 0.4,
        "risk_basis": "p80",
    },
    "bronze": {
        "time_preference": 0.2,
        "cost_preference": 0.8,
        "risk_basis": "p50",
        "ask_supplier": "on_shortfall",
    },
}
"""Policies that may be named without a row (CORE-03); a row of the name wins.

Gold is the fastest at 95 of 100, without a cap; silver weighs cost; bronze is cheap.
"""
_KEYS = ("policy", "tier", "sku_tier", "customer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How one request is promised; meaning and defaults as in `promise_policies`."""

    policy: str
    time_preference: float
    cost_preference: float
    risk_preference: float
    co2_preference: float
    risk_basis: str
    cost_cap: float | None
    co2_cap: float | None
    risk_cap: float | None
    hold_minutes: float
    delivery: str
    buffers: bool
    preempt: bool
    expedite: bool
    ask_supplier: str
    supplier_fallback: str
    search_budget_evaluations: int
    remedy_tries: int = 6
    sensitivity: bool = False
    watch_days: float | None = None

    capacity: str = "finite"
    overload_threshold: float = 0.005
    bottleneck_share: float = 0.0
    max_distance_to_bottleneck: int | None = None
    plan_early_days: float | None = None
    plan_late_days: float | None = None
    not_before_due: bool = False
    delivery_buffer_h: float = 0.0
    least_esg: float | None = None
    short_runs: str = "plan"
    planned_orders: bool = False
    split_sourcing: bool = False

    @property
    def plain_work(self) -> bool:
        """Whether new work may be placed wherever there is room."""
        return (
            self.capacity == "finite"
            and self.max_distance_to_bottleneck is None
            and self.plan_early_days is None
        )

    @property
    def hold_seconds(self) -> int:
        """Life of a tentative reservation [s]."""
        return seconds_up(self.hold_minutes, MINUTE)

    def as_row(self) -> dict[str, object]:
        """Policy as a row of `promise_policies` that holds by its name."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


class Policies:
    """The policies of a snapshot.

    Parameters
    ----------
    snapshot
        `promise_policies`, `customers`, `products`, `settings`.
    """

    __slots__ = ("_basis", "_customers", "_known", "_rows", "_skus", "findings")

    def __init__(self, snapshot: Snapshot) -> None:
        self._basis = snapshot.settings.risk_basis
        self._rows = snapshot["promise_policies"].to_dicts()
        self._customers = {
            row["customer"]: row for row in snapshot["customers"].to_dicts()
        }
        products = snapshot["products"]
        self._skus = dict(zip(products["product"], products["sku_tier"], strict=True))
        self._known: dict[tuple[object, ...], Policy] = {}
        self.findings: tuple[Finding, ...] = tuple(self._several_defaults())

    def with_rows(self, rows: Iterable[Mapping[str, Any]]) -> Policies:
        """Policies with rows in the place of those of the same name.

        Parameters
        ----------
        rows
            Rows of `promise_policies` in their normal form.
        """
        by_name = {row["policy"]: dict(row) for row in (*self._rows, *rows)}
        sorted_rows = [by_name[name] for name in sorted(by_name)]
        made: Policies = copy(self)
        made._rows = sorted_rows
        made._known = {}
        return made

    def stating(self, column: str) -> list[Mapping[str, Any]]:
        """Rows that say something else than the default of a column."""
        usual = _defaults()[column]
        return [row for row in self._rows if row[column] not in {None, usual}]

    def named(self, name: str) -> Mapping[str, Any] | None:
        """Row or preset of a name, whatever the case of its letters."""
        for row in self._rows:
            if row["policy"] == name:
                return row
        for row in self._rows:
            if row["policy"].casefold() == name.casefold():
                return row
        return PRESETS.get(name.casefold())

    def of(self, request: Request, name: str | None = None) -> Policy:
        """Policy of a request.

        Parameters
        ----------
        name
            Policy for requests that name none.

        Raises
        ------
        BadData
            The named policy is unknown.
        """
        wanted = request.policy or name
        key = (wanted, request.tier, request.customer, self._skus.get(request.product))
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = self._merged(request, wanted)
        return known

    def country(self, request: Request) -> str | None:
        """Country of the request's customer."""
        row = self._customers.get(request.customer)
        country = None if row is None else row["country"]
        return None if country is None else str(country)

    def tier(self, request: Request) -> str | None:
        """Tier of a request: its own, else its customer's or group's."""
        if request.tier is not None:
            return request.tier
        for name in self._line(request.customer):
            row = self._customers.get(name)
            if row is not None and row["tier"] is not None:
                return str(row["tier"])
        return None

    def line(self, request: Request) -> dict[str, Any]:
        """Fields of `PromisedLine` of a request."""
        own = {name: getattr(request, name) for name in LINE}
        return {**own, "tier": self.tier(request)}

    # ------------------------------------------------------------------- merging
    def _merged(self, request: Request, wanted: str | None) -> Policy:
        cells: dict[str, Any] = dict(_defaults())
        cells["policy"] = DEFAULT
        rows: list[Mapping[str, Any]]
        if wanted is not None:
            row = self.named(wanted)
            if row is None:
                raise BadData([self._unknown(request, wanted)])
            rows = [*self._for_all(), {**row, "policy": row.get("policy", wanted)}]
        else:
            rows = [*self._for_all(), *self._special(request)]
        for row in rows:
            cells.update(_stated(row))
        cells["risk_basis"] = cells["risk_basis"] or self._basis
        return Policy(**{name: cells[name] for name in Policy.__dataclass_fields__})

    def _for_all(self) -> list[dict[str, Any]]:
        """Row for everybody: that called default, else the only one."""
        rows = [row for row in self._rows if not any(row[key] for key in _KEYS[1:])]
        called = [row for row in rows if row["policy"].casefold() == DEFAULT]
        return called[:1] or (rows if len(rows) == 1 else [])

    def _special(self, request: Request) -> list[Mapping[str, Any]]:
        """Rows for classes and customers, the most special last."""
        line = list(self._line(request.customer))
        tier, sku = self.tier(request), self._skus.get(request.product)
        found = []
        for row in self._rows:
            if not any(row[key] for key in _KEYS[1:]):
                continue
            fits = (
                row["tier"] in (None, tier)
                and row["sku_tier"] in (None, sku)
                and (row["customer"] is None or row["customer"] in line)
            )
            if fits:
                near = -line.index(row["customer"]) if row["customer"] else 0
                rank = 4 * bool(row["customer"]) + 2 * bool(row["sku_tier"])
                found.append((rank + bool(row["tier"]), near, row["policy"], row))
        return [entry[3] for entry in sorted(found, key=lambda entry: entry[:3])]

    def _line(self, customer: str | None) -> list[str]:
        if customer is None:
            return []
        parents = {
            name: row["parent"]
            for name, row in self._customers.items()
            if row["parent"] is not None
        }
        return list(lineage(customer, parents))

    # ------------------------------------------------------------------ findings
    def _unknown(self, request: Request, wanted: str) -> Finding:
        names = sorted({row["policy"] for row in self._rows} | set(PRESETS))
        return finding(
            "PRM004",
            table="request",
            row=request.position,
            column="policy",
            value=wanted,
            nearest=nearest(wanted, names),
            known=", ".join(names),
        )

    def _several_defaults(self) -> list[Finding]:
        rows = [row for row in self._rows if not any(row[key] for key in _KEYS[1:])]
        called = [row for row in rows if row["policy"].casefold() == DEFAULT]
        if called or len(rows) < 2:
            return []
        names = ", ".join(row["policy"] for row in rows)
        return [finding("PRM008", table="promise_policies", value=names)]


@cache
def _defaults() -> Mapping[str, object]:
    table = schema.tables()["promise_policies"]
    return {name: column.default for name, column in table.columns.items()}


def usual_policy() -> Policy:
    """Policy that holds where no table says anything."""
    cells: dict[str, Any] = {**_defaults(), "policy": DEFAULT}
    cells["risk_basis"] = schema.tables()["settings"].columns["risk_basis"].default
    return Policy(**{name: cells[name] for name in Policy.__dataclass_fields__})


def _stated(row: Mapping[str, Any]) -> dict[str, Any]:
    """Cells that say something else than the default, and the name."""
    defaults = _defaults()
    return {
        name: value
        for name, value in row.items()
        if name == "policy" or (value is not None and value != defaults[name])
    }


def substitutes(snapshot: Snapshot) -> dict[str, list[Row]]:
    """Collect what may be delivered instead, by product, the first choice first."""
    found: dict[str, list[Row]] = {}
    for row in TableRows(snapshot["substitutes"]):
        found.setdefault(row["product"], []).append(row)
    for rows in found.values():
        rows.sort(key=lambda row: (row["priority"], row["substitute"]))
    return found


class WorkRules(NamedTuple):
    """Rules for the work of one request.

    Parameters
    ----------
    capacity
        Room that leaves free what is spared and uses the alternates that are permitted.
    unreserved
        The same room with nothing withheld.
    kept
        Withheld share by resource, where it is left free.
    begin
        Nothing new is made before it [s].
    infinite
        As if resources were never short.
    by
        Work at `location` ends no earlier than this instant needs; None: as early as it
        can [s].
    campaigns
        Rules of campaigns that bind; None: there are none.
    """

    capacity: FiniteCapacity
    unreserved: FiniteCapacity
    kept: Mapping[str, float]
    begin: int
    infinite: bool
    by: int | None
    location: str
    campaigns: CampaignCapacity | None = None

    def place(
        self, source: Source, steps: int, start: int, by: int | None
    ) -> OrderTiming | None:
        """Place an order of a routing that begins nothing before `start`."""
        if not self.infinite and self.campaigns is not None:
            return self.campaigns.earliest(self.capacity, source, steps, start, by)
        if not self.infinite:
            return self.capacity.earliest(source.source, steps, start, by=by)
        found = self.capacity.earliest(source.source, steps, start, relaxed=True)
        if found is None or self.by is None or source.location != self.location:
            return found
        later = self.capacity.unlimited_latest(source.source, steps, self.by)
        return found if later is None or later.start < start else later

    def raised(self, source: Source, wanted: int) -> int:
        """Size of an order, raised to a least run where that is asked for."""
        if self.campaigns is None or self.infinite:
            return wanted
        return self.campaigns.least(source, wanted)

    def breaks(self, source: Source, steps: int) -> str | None:
        """Name the rule of campaigns that an order breaks by itself."""
        if self.campaigns is None or self.infinite:
            return None
        return self.campaigns.refused(source, steps)

    def without_reserve(self) -> WorkRules:
        """Rules where nothing is withheld."""
        return self._replace(capacity=self.unreserved, kept={})


def work_rules(
    base: FiniteCapacity,
    reserves: CapacityReserves,
    window: tuple[int, int],
    request: Request,
    policy: Policy,
    campaigns: CampaignCapacity | None,
) -> WorkRules | None:
    """Rules of a request; None: nothing but free time decides.

    Parameters
    ----------
    base
        Room in which nothing is spared.
    window
        Now, and when the goods must arrive, the buffer of the policy taken off [s].
    campaigns
        Rules of campaigns, if there are any.
    """
    reserved = reserves.withheld or reserves.stops or reserves.factors
    if not reserved and policy.plain_work and campaigns is None:
        return None
    now, due = window
    end = max(due, now + DAY)
    kept = () if policy.buffers else tuple(sorted(reserves.withheld.items()))
    if policy.bottleneck_share:
        share = policy.bottleneck_share
        kept = tuple(
            (name, part)
            for name, part in kept
            if base.utilisation(name, now, end) >= share
        )
    stops = tuple(
        (name, stopped_share(getattr(one, policy.risk_basis)))
        for name, one in sorted(reserves.stops.items())
    )
    factors = tuple(
        (step, exact(getattr(one, policy.risk_basis)))
        for step, one in sorted(reserves.factors.items())
    )
    rooms = [base.sparing(WithheldCapacity(one, stops, factors)) for one in (kept, ())]
    if policy.max_distance_to_bottleneck is not None:
        far = partial(_far_steps, base, (now, end), policy)
        rooms = [room.preferring(far) for room in rooms]
    begin = now
    if policy.plan_early_days is not None:
        begin = max(begin, due - seconds_up(policy.plan_early_days, DAY))
    return WorkRules(
        capacity=rooms[0],
        unreserved=rooms[1],
        kept=dict(kept),
        begin=begin,
        infinite=policy.capacity != "finite",
        by=due if policy.capacity == "infinite_desired" else None,
        location=request.location,
        campaigns=campaigns,
    )


def _far_steps(
    base: FiniteCapacity,
    window: tuple[int, int],
    policy: Policy,
    compiled: CompiledRouting,
) -> frozenset[int]:
    """Steps that are farther from a bottleneck than permitted.

    A step is on a bottleneck where one of the resources that it prefers is one; the
    distance counts links of the routing in either direction.
    """
    share = policy.bottleneck_share
    places = [
        place
        for place, task in enumerate(compiled.tasks)
        if any(
            base.utilisation(resource, *window) >= share
            for epoch in task.plan.epochs
            for option in epoch.options[:1]
            for resource, _ in option.resources
        )
    ]
    near = set(places)
    for _ in range(policy.max_distance_to_bottleneck or 0):
        links = compiled.network.links
        near |= {link.later for link in links if link.earlier in near} | {
            link.earlier for link in links if link.later in near
        }
    return frozenset(
        task.node.step for place, task in enumerate(compiled.tasks) if place not in near
    )


Stage = Literal["material", "capacity", "transport", "policy"]
Node = tuple[str, str]
"""Product and location."""
Batch = tuple[str, str, str, str]
"""Kind, source, product, location of new orders."""
Taker = tuple[Node, Node | None]
"""Goods, and what they go into; None: they are delivered."""
Limits = Sequence[tuple[int, int]]
"""So many pieces, in the order of leaving, must live until then [steps, s]."""
Ends = Mapping[Taker, Mapping[int, Limits]]
"""What must live how long of what is taken at an instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a walk may do.

    Parameters
    ----------
    now
        Nothing begins before it [s].
    buy
        `never`; `rest`: only what stock and receipts never cover; `missing`: what is
        not there now, where that is earlier; `compare`: beside stock and making
        (rule 32).
    known_only
        Suppliers with neither estimate nor 95th percentile are not used (rule 38).
    by
        Preferred resources are kept where they are through by then; None: the ones that
        are through first (rule 33) [s].
    buffers
        Safety stock may be used.
    customer, min_shelf_days
        Whose stock counts too, and the life that what is delivered must have then.
    traits
        Characteristics and class that what is delivered must have; None: any.
    relaxed
        Stages that take no time (rule 36).
    budget
        Evaluations before choices become greedy.
    asked
        Product that is delivered.
    transit
        Time from when goods are ready until they are used up or delivered, by product
        and location [s]: what expires must live that long.
    ends
        Until when what is taken at an instant must live, as far as that is known.
    apart
        What is ready is sent, even where the whole would be in time.
    batches
        Needs that one order of a source meets together [steps] (rule 33).
    least_esg
        Suppliers with a lower rating, or none, sell nothing new; None: any may.
    work
        How the policy lets new work be placed; None: wherever there is room.
    first
        Components that an order gets before its others, by product and location: they
        were used up when their turn came.
    """

    now: int
    buy: str = "compare"
    known_only: bool = False
    by: int | None = None
    buffers: bool = False
    customer: str | None = None
    min_shelf_days: float = 0.0
    traits: Characteristics | None = None
    relaxed: frozenset[Stage] = frozenset()
    budget: int = 200
    transit: Mapping[tuple[str, str], int] = field(default_factory=dict)
    ends: Ends = field(default_factory=dict)
    asked: str = ""
    apart: bool = False
    batches: Mapping[Batch, int] = field(default_factory=dict)
    least_esg: float | None = None
    work: WorkRules | None = None
    first: frozenset[Node] = frozenset()

    @property
    def begin(self) -> int:
        """First instant at which anything new may be made [s]."""
        return self.now if self.work is None else self.work.begin

    @property
    def plain(self) -> bool:
        """Whether nothing is relaxed, and no trait, rule or order of needs counts."""
        special = self.relaxed, self.traits, self.work, self.batches, self.first
        return not any(special)
