"""The short walk of plain nodes gives what the general walk gives, record by record."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st

from medhavi.errors import NotAvailable
from medhavi.findings import BadData
from medhavi.planners.constrained.feasible_run import FeasibleRun
from medhavi.planners.constrained.memory import Memory
from medhavi.planners.mrp.plain_netting import is_plain
from medhavi.planners.mrp.run import MrpRun
from medhavi.units import DAY
from tests import factories
from tests.api import ConstrainedParameters, MrpParameters
from tests.examples import examples
from tests.planners.small_plans import day
from tests.strategies import network_tables

if TYPE_CHECKING:
    from medhavi.snapshot import Snapshot

PLAIN = MrpParameters(engine="python")
LIGHT = ConstrainedParameters(engine="python", effort="light")
FEW = settings(max_examples=examples(4, 20))


class GeneralRun(MrpRun):
    """A run that nets every node in the general way."""

    def _plain_walks(self) -> bool:
        return False


class GeneralFeasibleRun(FeasibleRun):
    """A constrained run that nets every node in the general way."""

    def _plain_walks(self) -> bool:
        return False


def netted(kind: type[MrpRun], snapshot: Snapshot) -> MrpRun:
    if issubclass(kind, FeasibleRun):
        run: MrpRun = kind(Memory(snapshot), LIGHT)
    else:
        run = kind(snapshot, PLAIN)
    run.build()
    run.net()
    return run


def records(run: MrpRun) -> list[Any]:
    """Write down all that netting leaves behind."""
    release = run.release
    return [
        release.has_late,
        [
            (o.index, o.kind, o.node, o.source_id, o.steps, o.qty, o.timing, o.need)
            for o in release.orders
        ],
        [
            (o.cause, o.lot_rule, o.priority, o.alive_until, o.recipe, o.asks)
            for o in release.orders
        ],
        [
            (None if o.carried is None else o.carried.index, [u.index for u in o.units])
            for o in release.orders
        ],
        [
            (u.index, u.node.key, u.qty, u.free, u.available, u.arrives, u.source)
            for u in release.units
        ],
        [
            (u.expires, u.for_demand, [(need.index, qty) for need, qty in u.takers])
            for u in release.units
        ],
        [
            (n.index, n.node.key, n.instant, n.qty, n.open, n.priority, n.demand)
            for n in release.needs
        ],
        [
            (None if n.order is None else n.order.index, n.alive_until, n.asks)
            for n in release.needs
        ],
        [[need.index for need in node.needs] for node in run.model.nodes.values()],
        release.match_need,
        release.match_unit,
        release.match_qty,
        [(node.key, instant, qty) for node, instant, qty in release.asked],
        [(short.need.index, short.qty) for short in release.shortages],
    ]


def same(
    snapshot: Snapshot,
    general_kind: type[MrpRun] = GeneralRun,
    kind: type[MrpRun] = MrpRun,
) -> MrpRun:
    """Net in both ways; what the plan is made from must be equal."""
    try:
        general = netted(general_kind, snapshot.require())
    except (BadData, NotAvailable):
        # Random networks may have a circle.
        reject()
    run = netted(kind, snapshot)
    assert records(run) == records(general)
    return run


def plain_nodes(run: MrpRun) -> set[str]:
    return {node.key[0] for node in run.model.nodes.values() if is_plain(node)}


@pytest.mark.req("MRP-03", "MRP-04")
@FEW
@given(network_tables(plain=True))
def test_plain_networks_are_netted_as_in_general(tables: dict[str, Any]):
    same(factories.snapshot(**tables))


@FEW
@given(network_tables())
def test_networks_with_rules_are_netted_as_in_general(tables: dict[str, Any]):
    same(factories.snapshot(**tables))


@FEW
@given(network_tables(plain=True), st.data())
def test_what_is_not_plain_in_the_midst_goes_on_in_general(
    tables: dict[str, Any], data: st.DataObject
):
    """Some demand asks for a place of origin, some product dies, some source ends."""
    demand = data.draw(st.sampled_from(tables["demands"]))
    odd = data.draw(st.sampled_from(["origin", "life", "validity"]))
    if odd == "origin":
        places = [row["location"] for row in tables["locations"]]
        demand["ship_from"] = data.draw(st.sampled_from(places))
    elif odd == "life":
        for row in tables["products"]:
            row["shelf_life_days"] = 30.0
    else:
        for name in ("routings", "supply_terms"):
            for row in tables.get(name, ()):
                row["valid_from"] = day(data.draw(st.integers(-30, 30)))
    same(factories.snapshot(**tables))


@FEW
@given(network_tables(plain=True), st.data())
def test_constrained_networks_are_netted_as_in_general(
    tables: dict[str, Any], data: st.DataObject
):
    """Some suppliers and lanes have limits, some demands are due at once, or late."""
    limit = data.draw(st.sampled_from([None, None, 3.0, 20.0]))
    for row in tables.get("supply_terms", ()):
        row["capacity_per_period"] = limit
    for row in tables["products"]:
        row["weight_kg"] = 1.0
    for row in tables["lanes"]:
        row["capacity_kg"] = data.draw(st.sampled_from([None, None, 5.0, 50.0]))
    for row in tables["demands"]:
        row["due"] = day(data.draw(st.sampled_from([1, 8, 8, 20, 40])))
    same(factories.snapshot(**tables), GeneralFeasibleRun, FeasibleRun)


def shop(**more: Any) -> Snapshot:
    """A of two X; X is bought by tens."""
    tables: dict[str, Any] = {
        "demands": [
            {"demand": "D1", "product": "A", "qty": 3, "due": day(20)},
            {"demand": "D2", "product": "A", "qty": 4, "due": day(30)},
        ],
        "routings": [{"routing": "R", "product": "A"}],
        "bom_lines": [{"routing": "R", "component": "X", "qty_per": 2}],
        "supply_terms": [{"product": "X", "lead_time_days": 5, "lot_multiple": 10}],
    }
    return factories.snapshot(**{**tables, **more})


def test_a_surplus_serves_the_next_need_before_what_is_ordered():
    run = same(shop())
    assert plain_nodes(run) == {"A", "X"}
    bought = [o for o in run.release.orders if o.kind == "buy"]
    assert [(o.steps, o.need) for o in bought] == [
        (10, run.release.orders[0].timing.start),
        (10, run.release.orders[1].timing.start),
    ]
    taken = [(need.qty, qty) for o in bought for need, qty in o.units[0].takers]
    # 6 of the first ten, then its 4 that are left over and 4 of the second.
    assert taken == [(6, 6), (8, 4), (8, 4)]


@pytest.mark.req("MRP-04")
def test_what_comes_before_a_late_purchase_serves_first():
    """What is bought now comes on day 5, as the receipt; D alone can wait longer."""
    demands = [
        {"demand": name, "product": "X", "qty": qty, "due": day(due)}
        for name, qty, due in [("A", 3, 2), ("B", 3, 3), ("C", 5, 4), ("D", 2, 9)]
    ]
    receipt = {"product": "X", "qty": 2, "due": day(5)}
    snapshot = shop(demands=demands, supply_orders=[receipt])
    run = same(snapshot, GeneralFeasibleRun, FeasibleRun)
    assert run.release.has_late
    came = [(u.qty, u.arrives - run.as_of) for u in run.release.units]
    assert came == [(2, 5 * DAY), (10, 5 * DAY), (10, 9 * DAY)]
    taken = [[qty for _, qty in unit.takers] for unit in run.release.units]
    assert taken == [[2], [1, 3, 5, 1], [1]]


AMOUNTS = st.integers(1, 9)
DAYS = st.integers(0, 12)


@FEW
@given(
    wanted=st.lists(st.tuples(AMOUNTS, DAYS, st.integers(1, 3)), max_size=8),
    coming=st.lists(st.tuples(AMOUNTS, DAYS), max_size=3),
    stock=st.integers(0, 12),
    terms=st.tuples(st.sampled_from([1, 7]), st.sampled_from([1, 10])),
)
def test_late_purchases_are_netted_as_in_general(wanted, coming, stock, terms):
    """There is stock, receipts come, some demands are more important than others."""
    demands = [
        {"demand": f"D{turn}", "product": "X", "qty": qty, "due": day(due)}
        | {"priority": priority}
        for turn, (qty, due, priority) in enumerate(wanted)
    ]
    receipts = [
        {"supply_order": f"O{turn}", "product": "X", "qty": qty, "due": day(due)}
        for turn, (qty, due) in enumerate(coming)
    ]
    least, multiple = terms
    bought = {"product": "X", "lead_time_days": 5}
    snapshot = shop(
        demands=demands,
        supply_orders=receipts,
        stock=[{"product": "X", "qty": stock}],
        supply_terms=[{**bought, "moq": least, "lot_multiple": multiple}],
    )
    same(snapshot, GeneralFeasibleRun, FeasibleRun)


def test_an_order_that_wants_one_place_is_served_in_general_from_there_on():
    more = {
        "demands": [
            {"demand": "D1", "product": "X", "qty": 3, "due": day(20)},
            {"demand": "D2", "product": "X", "qty": 4, "due": day(30)},
            {
                "demand": "D3",
                "product": "X",
                "qty": 2,
                "due": day(25),
                "ship_from": "PLANT",
            },
        ]
    }
    run = same(shop(**more))
    assert plain_nodes(run) == {"X"}
    # D3 and D2 take what the order of D1 left over: nothing more is ordered.
    assert len(run.release.orders) == 1


@pytest.mark.parametrize(
    "more",
    [
        {"products": [{"product": "X", "shelf_life_days": 30}]},
        {"products": [{"product": "X", "make_to_order": True}]},
        {"inventory_policies": [{"product": "X", "safety_qty": 5}]},
        {"inventory_policies": [{"product": "X", "lot_rule": "poq", "cover_days": 7}]},
        {"supply_terms": [{"product": "X", "max_lot": 4}]},
        {"stock": [{"product": "X", "qty": 5, "expires_at": day(15)}]},
    ],
)
def test_what_has_rules_is_not_plain(more: dict[str, Any]):
    assert "X" not in plain_nodes(same(shop(**more)))
