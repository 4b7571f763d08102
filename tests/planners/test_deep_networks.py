"""Long chains: no recursion, no overflow, no surprise."""

from __future__ import annotations

from itertools import pairwise

import polars as pl
import pytest

import medhavi as mv
from medhavi.findings import BadData
from medhavi.snapshot.network.network import circle
from tests import factories
from tests.api import plan, verify
from tests.examples import examples
from tests.planners.small_plans import PYTHON, day, pegs
from tests.planners.small_promises import TRUSTING

DEEP = 10_000


def chain(levels, qty_per=1.0, qty=5, **given):
    """Products P0 … Pn, each made of one of the next; the last is bought."""
    names = [f"P{number:05}" for number in range(levels + 1)]
    return factories.snapshot(
        products=[{"product": name} for name in names],
        demands=[{"product": names[0], "qty": qty, "due": day(30)}],
        routings=[
            {"routing": f"R{name}", "product": name, "location": "L"}
            for name in names[:-1]
        ],
        bom_lines=[
            {"routing": f"R{upper}", "component": lower, "qty_per": qty_per}
            for upper, lower in pairwise(names)
        ],
        supply_terms=[{"product": names[-1]}],
        **given,
    )


@pytest.mark.nightly
@pytest.mark.req("MRP-01", "PEG-11")
def test_ten_thousand_levels_are_planned_and_pegged():
    made = plan(chain(DEEP), settings=PYTHON)
    assert made.supplies.height == DEEP + 1
    assert set(made.supplies["qty"]) == {5}
    assert made.pegging["level"].max() == DEEP
    assert list(pegs(made, "D1", level=DEEP).values()) == [5]


def test_a_hold_at_the_end_of_a_long_chain_finds_its_owner():
    levels = 2_000
    held = f"P{levels:05}"
    snapshot = chain(
        levels,
        stock=[{"product": held, "qty": 5}],
        reservations=[{"subject": held, "demand": "D1", "qty": 5}],
    )
    made = plan(snapshot, settings=PYTHON)
    assert made.supplies.filter(pl.col("kind") == "buy").is_empty()


@pytest.mark.req("MRP-22")
def test_a_quantity_that_doubles_over_seventy_levels_is_a_finding():
    with pytest.raises(BadData, match=r"beyond 64 bits|more than can be counted"):
        plan(chain(70, qty_per=2.0), settings=PYTHON)


def test_a_late_part_at_the_end_of_a_long_chain_moves_all_of_it():
    snapshot = chain(500)
    terms = snapshot["supply_terms"].with_columns(
        valid_from=pl.lit(day(40)).cast(pl.Datetime("us", "UTC"))
    )
    made = plan(snapshot.replace(supply_terms=terms), settings=PYTHON)
    assert made.fulfilment["lateness_h"].to_list() == [15 * 24]
    assert made.supplies["finish"].n_unique() == 1


def test_the_path_of_a_long_circle_is_found_without_recursion():
    nodes = [(f"P{number:05}", "L") for number in range(DEEP)]
    edges = list(zip(nodes, [*nodes[1:], nodes[0]], strict=True))
    path = circle(edges)
    assert len(path) == DEEP + 1
    assert path[0] == path[-1]


def test_no_circle_has_no_path():
    assert circle([(("A", "x"), ("B", "x")), (("A", "x"), ("C", "x"))]) == []


@pytest.mark.parametrize("mode", ["mrp", "constrained", "optimize"])
def test_a_chain_of_500_levels_is_planned_and_explained_in_every_mode(mode):
    levels = examples(250, 500) if mode == "optimize" else 500
    snapshot = chain(levels)
    made = plan(snapshot, mode=mode)
    assert made.supplies.height == levels + 1
    assert made.fulfilment["planned"].to_list() == [5]
    assert str(made.explain("D1"))
    assert verify(made, snapshot) == []


@pytest.mark.parametrize("effort", ["light", "full"])
def test_the_bounds_of_a_deep_chain_are_found_at_every_effort(effort):
    made = plan(chain(400), mode="constrained", settings={"effort": effort})
    assert made.supplies.height == 401


@pytest.mark.nightly
def test_ten_thousand_levels_are_planned_within_capacity():
    snapshot = chain(DEEP)
    made = plan(snapshot, mode="constrained")
    assert made.supplies.height == DEEP + 1
    assert verify(made, snapshot) == []
    assert str(made.explain("D1"))


@pytest.mark.req("ATP-01")
def test_a_chain_of_500_levels_can_be_promised():
    asked = [{"product": "P00000", "location": "L", "qty": 3, "due": day(50)}]
    snapshot = chain(500, promise_policies=[TRUSTING])
    [answer] = mv.promise(snapshot, asked)
    assert answer.date == int(day(5).timestamp())
