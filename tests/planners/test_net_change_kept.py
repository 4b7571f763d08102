"""A plan on a kept run is the plan that planning everything gives, to the byte."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from medhavi.findings import BadData
from medhavi.snapshot import Snapshot
from tests import factories
from tests.api import RetainedRun, apply_edits, changes, plan, plan_to_build_on
from tests.examples import examples
from tests.planners.small_plans import PYTHON, day
from tests.planners.test_net_change import company, other_qty
from tests.strategies import network_tables

if TYPE_CHECKING:
    from medhavi.results.plans.plan import Plan

FEW = settings(max_examples=examples(2, 15))


def on_kept(after: Snapshot, before: Plan) -> Plan:
    """Plan on a kept run; the result is checked against planning everything."""
    made = plan(after, settings=PYTHON, baseline=before)
    whole = plan(after, settings=PYTHON)
    for name in whole.tables:
        assert whole[name].height == made[name].height, name
    assert made.fingerprint == whole.fingerprint
    said = [found for found in made.findings if not found.code.startswith("NET")]
    assert sorted(map(str, said)) == sorted(map(str, whole.findings))
    return made


def is_kept(made: Plan) -> bool:
    return made.basis is not None and isinstance(made.basis.kept, RetainedRun)


def edited(snapshot: Snapshot, **change: Any) -> Snapshot:
    return apply_edits(snapshot, changes([change]))


@pytest.mark.req("MRP-13", "MRP-14")
def test_only_what_the_order_and_its_orders_take_from_is_netted():
    before = company()
    made = on_kept(other_qty(before), plan_to_build_on(before, PYTHON))
    assert "2 of 5 products" in made.findings[0].message
    assert sorted(made.supplies.filter(pl.col("product") == "X")["qty"]) == [10.0, 50.0]
    assert is_kept(made)


def test_a_plan_that_is_not_to_be_built_on_keeps_nothing():
    assert not is_kept(plan(company(), settings=PYTHON))


@pytest.mark.req("MRP-14")
def test_one_kept_run_serves_several_plans_and_plans_upon_plans():
    state = company()
    first = plan_to_build_on(state, PYTHON)
    made = first
    for qty in (25.0, 5.0, 60.0, 10.0):
        on_kept(other_qty(company(), "D2", qty), first)
        state = other_qty(state, qty=qty)
        made = on_kept(state, made)
        assert is_kept(made)
    assert made.fingerprint == first.fingerprint


def test_demands_come_and_go():
    before = company(inventory_policies=[{"product": "A"}, {"product": "B"}])
    first = plan_to_build_on(before, PYTHON)
    gone = edited(before, kind="demand_removed", demand="D1")
    without = on_kept(gone, first)
    assert is_kept(without)
    again = edited(
        gone,
        kind="demand_added",
        product="A",
        location="L",
        qty=4.0,
        due=day(9).isoformat(),
    )
    assert is_kept(on_kept(again, without))


def test_a_place_that_comes_or_goes_is_planned_anew_and_kept():
    before = company()
    first = plan_to_build_on(before, PYTHON)
    made = on_kept(edited(before, kind="demand_removed", demand="D1"), first)
    assert made.findings[0].code == "NET001"
    assert is_kept(made)


@pytest.mark.req("MRP-13", "MRP-14")
def test_counted_stock_is_netted_on_the_kept_run():
    before = company(stock=[{"product": "X", "qty": 3}])
    first = plan_to_build_on(before, PYTHON)
    for qty in (9.0, 0.0, 45.0):
        after = before.replace(stock=before["stock"].with_columns(qty=pl.lit(qty)))
        assert is_kept(on_kept(after, first))


@pytest.mark.req("PEG-08")
@pytest.mark.parametrize("over_peg", ["cap", "allow"])
def test_what_a_firm_peg_keeps_follows_the_need_of_its_demand(over_peg: str) -> None:
    """50 of X are pegged to D1, which takes 20 of them, then 30, then 50."""
    before = company(
        stock=[{"product": "X", "lot": "7", "qty": 60}],
        pegs=[{"demand": "D1", "product": "X", "supply": "X|L|7", "qty": 50}],
        settings=[{"over_peg": over_peg}],
    )
    made = plan_to_build_on(before, PYTHON)
    over = {"cap": (0, 0, 0), "allow": (30, 20, 0)}[over_peg]
    for qty, kept in zip((10.0, 15.0, 25.0), over, strict=True):
        made = on_kept(other_qty(before, "D1", qty), made)
        told = made.exceptions.filter(code="OverPegged")["qty"].sum()
        assert told == kept


@pytest.mark.req("PEG-08")
def test_another_rule_for_what_firm_pegs_keep_is_obeyed_at_once():
    given: dict[str, Any] = {
        "stock": [{"product": "X", "lot": "7", "qty": 60}],
        "pegs": [{"demand": "D1", "product": "X", "supply": "X|L|7", "qty": 50}],
    }
    before = company(**given)
    after = company(**given, settings=[{"over_peg": "allow"}])
    made = on_kept(after, plan_to_build_on(before, PYTHON))
    assert made.exceptions.filter(code="OverPegged")["qty"].to_list() == [30.0]
    made = on_kept(before, made)
    assert made.exceptions.filter(code="OverPegged").is_empty()


OTHER_STOCK = [
    [{"product": "X", "qty": 3}, {"product": "Y", "qty": 3}],
    [],
    [{"product": "X", "qty": -3}],
    [{"product": "X", "qty": 3, "status": "blocked"}],
]


@pytest.mark.parametrize("stock", OTHER_STOCK)
def test_stock_at_another_place_is_planned_anew(
    stock: list[dict[str, Any]],
) -> None:
    before = company(stock=[{"product": "X", "qty": 3}])
    after = before.replace(stock=company(stock=stock)["stock"])
    assert on_kept(after, plan_to_build_on(before, PYTHON)).run.netting == "all"


@pytest.mark.req("MRP-13", "MRP-14")
def test_another_safety_stock_is_netted_on_the_kept_run():
    policy = {"product": "X", "lot_rule": "lot_for_lot", "safety_qty": 4.0}
    before = company(inventory_policies=[policy])
    first = plan_to_build_on(before, PYTHON)
    for cells in ({"safety_qty": 9.0}, {"lot_rule": "fixed", "lot_size": 25.0}):
        rules = company(inventory_policies=[{**policy, **cells}])["inventory_policies"]
        assert is_kept(on_kept(before.replace(inventory_policies=rules), first))


@pytest.mark.parametrize("cells", [{"unlimited": True}, {"product": "Y"}])
def test_another_place_with_rules_is_planned_anew(
    cells: dict[str, Any],
) -> None:
    policy = {"product": "X", "safety_qty": 4.0}
    before = company(inventory_policies=[policy])
    rules = company(inventory_policies=[{**policy, **cells}])["inventory_policies"]
    after = before.replace(inventory_policies=rules)
    assert on_kept(after, plan_to_build_on(before, PYTHON)).run.netting == "all"


@pytest.mark.parametrize(
    "more",
    [
        {
            "products": [
                {"product": "A", "make_to_order": True},
                *({"product": name} for name in "BCXY"),
            ]
        },
        {
            "customers": [{"customer": "C1"}],
            "stock": [{"product": "A", "qty": 2, "owner": "C1"}],
        },
        {"substitutes": [{"product": "A", "substitute": "B"}]},
    ],
)
def test_what_depends_on_the_demands_behind_an_order_keeps_no_run(
    more: dict[str, Any],
) -> None:
    assert not is_kept(plan_to_build_on(company(**more), PYTHON))


def test_everything_planned_anew_on_a_kept_run_is_kept_again():
    before = company()
    after = edited(before, kind="set", table="suppliers", set={"reliability": 0.5})
    made = plan(after, settings=PYTHON, baseline=plan_to_build_on(before, PYTHON))
    assert made.findings[0].code == "NET001"
    assert is_kept(made)


# --- laws --------------------------------------------------------------------------
def factory() -> dict[str, Any]:
    """Rules of a large company in small: depots, lots, levels, orders that exist."""
    return {
        "locations": [
            {"location": "PLANT"},
            {"location": "DC", "kind": "warehouse"},
        ],
        "products": [{"product": name} for name in ("FG1", "FG2", "MIX", "BOTTLE")],
        "lanes": [
            {"lane": "P-D", "origin": "PLANT", "destination": "DC", "duration_h": 30.0}
        ],
        "routings": [
            {"routing": "R1", "product": "FG1", "location": "PLANT", "min_lot": 20.0},
            {"routing": "R2", "product": "FG2", "location": "PLANT", "max_lot": 30.0},
            {"routing": "RM", "product": "MIX", "location": "PLANT"},
        ],
        "bom_lines": [
            {"routing": "R1", "component": "MIX", "qty_per": 2, "line": 1},
            {"routing": "R1", "component": "BOTTLE", "qty_per": 1, "line": 2},
            {"routing": "R2", "component": "MIX", "qty_per": 1, "line": 1},
            {"routing": "R2", "component": "BOTTLE", "qty_per": 3, "line": 2},
        ],
        "resources": [{"resource": "FILL", "location": "PLANT"}],
        "steps": [
            {"routing": name, "run_minutes_per_unit": 20.0} for name in ("R1", "R2")
        ],
        "step_resources": [
            {"routing": name, "resource": "FILL"} for name in ("R1", "R2")
        ],
        "supply_terms": [
            {
                "product": "BOTTLE",
                "location": "PLANT",
                "lead_time_days": 9,
                "lot_multiple": 50.0,
                "capacity_per_period": 60.0,
                "period_days": 7.0,
            }
        ],
        "stock": [
            {"product": "FG1", "location": "DC", "qty": 15},
            {"product": "FG2", "location": "DC", "qty": 5},
            {"product": "MIX", "location": "PLANT", "qty": 30},
        ],
        "inventory_policies": [
            {"product": "FG1", "location": "DC", "safety_qty": 5.0},
            {"product": "FG2", "location": "DC", "cover_days": 3.0, "lot_rule": "poq"},
            {
                "product": "MIX",
                "location": "PLANT",
                "lot_rule": "fixed",
                "lot_size": 40,
            },
            {"product": "BOTTLE", "location": "PLANT", "safety_days": 4.0},
        ],
        "supply_orders": [
            {
                "supply_order": "WO1",
                "kind": "work",
                "product": "FG1",
                "location": "PLANT",
                "source": "R1",
                "qty": 20,
                "due": day(4),
                "status": "firmed",
            },
            {
                "supply_order": "TO1",
                "kind": "transfer",
                "product": "FG2",
                "location": "DC",
                "source": "P-D",
                "qty": 12,
                "due": day(6),
                "status": "firmed",
            },
        ],
    }


def _demand(number: int, product: str, qty: int, due: int, kind: str) -> dict[str, Any]:
    row = {
        "demand": f"{kind}{number:02}",
        "product": product,
        "location": "DC",
        "qty": float(qty),
        "due": day(due),
        "kind": "forecast" if kind == "F" else "order",
        "priority": 1 + number % 3,
    }
    if kind == "F":
        row["period_end"] = day(due + 7)
    return row


DEMANDS = st.lists(
    st.tuples(
        st.sampled_from(("FG1", "FG2", "MIX")),
        st.integers(1, 60),
        st.integers(1, 80),
        st.sampled_from("FO"),
    ),
    min_size=1,
    max_size=12,
)
EDITS = st.lists(
    st.tuples(st.integers(0, 11), st.integers(0, 90), st.integers(-3, 3)),
    min_size=1,
    max_size=3,
)


@FEW
@given(DEMANDS, EDITS, st.booleans())
@pytest.mark.req("MRP-14")
def test_a_chain_of_changed_orders_in_a_company_with_rules(
    wanted: list[tuple[str, int, int, str]],
    edits: list[tuple[int, int, int]],
    held: bool,
) -> None:
    rows = [_demand(number, *entry) for number, entry in enumerate(wanted)]
    for row in rows:
        row["location"] = "PLANT" if row["product"] == "MIX" else "DC"
    tables = factory()
    if held and rows[0]["kind"] == "order":
        tables["reservations"] = [
            {
                "reservation": "H1",
                "kind": "material",
                "subject": rows[0]["product"],
                "location": rows[0]["location"],
                "qty": 3.0,
                "demand": rows[0]["demand"],
            }
        ]
    state = factories.snapshot(**tables, demands=rows)
    made = plan_to_build_on(state, PYTHON)
    for number, qty, later in edits:
        place = number % len(rows)
        if qty == 0 and len(rows) > 1:
            del rows[place]
        else:
            due = rows[place]["due"] + later * (day(1) - day(0))
            rows[place] = {**rows[place], "qty": float(max(1, qty)), "due": due}
        state = state.replace(
            demands=factories.snapshot(**tables, demands=rows)["demands"]
        )
        assume(not any(found.severity == "error" for found in state.findings))
        made = on_kept(state, made)


def _order(number: int, kind: str, qty: int, due: int, status: str) -> dict[str, Any]:
    """An order that exists, for one of the ways of the company."""
    ways = {
        "work": ("FG1", "PLANT", "R1"),
        "other work": ("FG2", "PLANT", "R2"),
        "mix": ("MIX", "PLANT", "RM"),
        "transfer": ("FG2", "DC", "P-D"),
        "other transfer": ("FG1", "DC", "P-D"),
        "purchase": ("BOTTLE", "PLANT", "S"),
    }
    product, location, source = ways[kind]
    return {
        "supply_order": f"O{number:02}",
        "kind": kind.rsplit(maxsplit=1)[-1].replace("mix", "work"),
        "product": product,
        "location": location,
        "source": source,
        "qty": float(qty),
        "due": day(due),
        "status": status,
    }


ORDER = st.tuples(
    st.sampled_from(
        ("work", "other work", "mix", "transfer", "other transfer", "purchase")
    ),
    st.integers(1, 40),
    st.integers(-2, 30),
    st.sampled_from(("firmed", "released", "in_process", "closed", "planned")),
)
STEPS_OF_ORDERS = st.lists(
    st.tuples(
        st.sampled_from(("order", "order", "no order", "demand", "stock")),
        st.integers(0, 7),
        ORDER,
    ),
    min_size=1,
    max_size=4,
)


def _with_order(
    tables: dict[str, Any], kind: str, place: int, order: tuple[str, int, int, str]
) -> dict[str, Any]:
    """Tables with an order that comes, goes or is another one."""
    if kind not in {"order", "no order"}:
        return stepped(tables, kind, place, order[1])
    name = f"O{place:02}"
    rows = [row for row in tables["supply_orders"] if row["supply_order"] != name]
    if kind == "order":
        rows.append(_order(place, *order))
    return {**tables, "supply_orders": rows}


@settings(max_examples=examples(2, 25))
@given(DEMANDS, st.lists(ORDER, max_size=4), STEPS_OF_ORDERS)
@pytest.mark.req("MRP-13", "MRP-14")
def test_a_chain_of_changed_orders_that_exist(
    wanted: list[tuple[str, int, int, str]],
    known: list[tuple[str, int, int, str]],
    steps: list[tuple[str, int, tuple[str, int, int, str]]],
) -> None:
    rows = [_demand(number, *entry) for number, entry in enumerate(wanted)]
    for row in rows:
        row["location"] = "PLANT" if row["product"] == "MIX" else "DC"
    tables = {**factory(), "demands": rows}
    tables["supply_orders"] = [
        *tables["supply_orders"],
        *(_order(number, *entry) for number, entry in enumerate(known)),
    ]
    state = factories.snapshot(**tables)
    made = plan_to_build_on(state, PYTHON)
    for step in steps:
        tables = _with_order(tables, *step)
        fresh = factories.snapshot(**tables)
        names = ("stock", "supply_orders", "demands")
        state = state.replace(**{name: fresh[name] for name in names})
        made = on_kept(state, made)


def factory_with(*orders: dict[str, Any]) -> Snapshot:
    wanted = [_demand(1, "FG1", 30, 20, "O"), _demand(2, "FG2", 40, 25, "O")]
    tables = {**factory(), "demands": wanted}
    tables["supply_orders"] = [*tables["supply_orders"], *orders]
    return factories.snapshot(**tables)


@pytest.mark.req("MRP-13", "MRP-14", "WO-02")
def test_orders_that_come_change_and_close_are_netted_on_the_kept_run():
    first = plan_to_build_on(factory_with(), PYTHON)
    made = first
    for order in (
        ("work", 20, 9, "firmed"),
        ("work", 25, 9, "firmed"),
        ("work", 25, 12, "released"),
        ("work", 25, 12, "in_process"),
        ("work", 25, 12, "closed"),
        ("other transfer", 5, 10, "firmed"),
        ("purchase", 50, 8, "firmed"),
    ):
        made = on_kept(factory_with(_order(1, *order)), made)
        assert made.run.netting == "kept_run"
    assert on_kept(factory_with(), made).fingerprint == first.fingerprint


def test_an_order_for_one_demand_is_planned_anew():
    first = plan_to_build_on(factory_with(), PYTHON)
    order = {**_order(1, "work", 20, 9, "firmed"), "demand": "O01"}
    assert on_kept(factory_with(order), first).run.netting == "all"


def test_an_order_at_a_place_that_nothing_else_needs_is_planned_anew():
    before = company()
    order = {
        "supply_order": "WO",
        "kind": "purchase",
        "product": "B",
        "location": "ELSEWHERE",
        "qty": 5,
        "due": day(4),
        "status": "firmed",
    }
    after = before.replace(
        supply_orders=company(
            locations=[{"location": "L"}, {"location": "ELSEWHERE"}],
            supply_orders=[order],
        )["supply_orders"]
    )
    with_place = {"locations": [{"location": "L"}, {"location": "ELSEWHERE"}]}
    base = company(**with_place)
    after = base.replace(supply_orders=after["supply_orders"])
    assert on_kept(after, plan_to_build_on(base, PYTHON)).run.netting == "all"


def test_an_order_of_a_foreign_source_is_told_and_no_longer():
    base = factory_with()
    wrong = {**_order(1, "work", 5, 9, "firmed"), "source": "RM"}
    first = plan_to_build_on(base, PYTHON)
    made = on_kept(factory_with(wrong), first)
    assert [f.code for f in made.findings].count("SRC013") == 1
    assert "SRC013" not in {f.code for f in on_kept(base, made).findings}
    alone = plan(
        factory_with(wrong), settings=PYTHON, baseline=plan(base, settings=PYTHON)
    )
    assert [f.code for f in alone.findings].count("SRC013") == 1


STEPS = st.lists(
    st.tuples(
        st.sampled_from(("stock", "policy", "level", "demand")),
        st.integers(0, 11),
        st.integers(0, 90),
    ),
    min_size=1,
    max_size=4,
)


def stepped(tables: dict[str, Any], kind: str, place: int, qty: int) -> dict[str, Any]:
    """Tables with one row of stock, rules or demands changed."""
    name, cell = {
        "stock": ("stock", "qty"),
        "policy": ("inventory_policies", ("safety_qty", "lot_size")[place % 2]),
        "level": ("inventory_levels", "safety_qty"),
        "demand": ("demands", "qty"),
    }[kind]
    rows = [dict(row) for row in tables[name]]
    row = rows[place % len(rows)]
    row[cell] = float(qty if kind in {"stock", "level"} else max(1, qty))
    if kind == "stock" and place > 9:
        rows.append({**row, "lot": f"{place} {qty}", "expires_at": day(place * 3)})
    return {**tables, name: rows}


@FEW
@given(DEMANDS, STEPS)
@pytest.mark.req("MRP-14")
def test_a_chain_of_changed_stock_rules_and_orders(
    wanted: list[tuple[str, int, int, str]], steps: list[tuple[str, int, int]]
) -> None:
    rows = [_demand(number, *entry) for number, entry in enumerate(wanted)]
    for row in rows:
        row["location"] = "PLANT" if row["product"] == "MIX" else "DC"
    level = {"product": "FG1", "location": "DC", "valid_from": day(20)}
    tables = {
        **factory(),
        "demands": rows,
        "inventory_levels": [{**level, "safety_qty": 12.0}],
    }
    state = factories.snapshot(**tables)
    made = plan_to_build_on(state, PYTHON)
    for step in steps:
        tables = stepped(tables, *step)
        fresh = factories.snapshot(**tables)
        names = ("stock", "inventory_policies", "inventory_levels", "demands")
        state = state.replace(**{name: fresh[name] for name in names})
        made = on_kept(state, made)


@FEW
@given(network_tables(), st.data())
@pytest.mark.req("MRP-14")
def test_a_changed_order_in_a_random_network(tables: Any, data: st.DataObject) -> None:
    before = Snapshot.from_frames(tables)
    height = before["demands"].height
    assume(height > 0)
    number = data.draw(st.integers(0, height - 1))
    qty = float(data.draw(st.integers(1, 80)))
    more = pl.when(pl.int_range(pl.len()) == number).then(pl.lit(qty)).otherwise("qty")
    after = before.replace(demands=before["demands"].with_columns(qty=more))
    try:
        first = plan_to_build_on(before, PYTHON)
        plan(after, settings=PYTHON)
    except BadData as refused:
        assert {found.code for found in refused.findings} == {"PLAN003"}  # noqa: PT017 - a lot too small for a law
        return
    on_kept(after, first)
