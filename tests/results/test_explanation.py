"""Explanations follow the chain and sum to the whole."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.errors import UsageError
from medhavi.results.plans.explanation import TABLE
from medhavi.units import HOUR
from tests.results.hand_plan import RESULTS, at, changed, hand_plan


@pytest.mark.req("PEG-11")
def test_the_chain_climbs_from_the_first_start_to_the_delivery() -> None:
    chain = hand_plan().explain("D1").chain
    assert [link.supply for link in chain] == ["buyX", "make1", "move1"]
    assert [link.level for link in chain] == [2, 1, 0]
    assert [link.own_hours for link in chain] == [120.0, 3.0, 12.0]
    assert [link.waiting_hours for link in chain] == [0.0, 4.0, 0.0]


def test_hours_sum_from_first_start_to_delivery() -> None:
    told = hand_plan().explain("D1")
    whole = (at("2026-02-02 18:00") - at("2026-01-27 23:00")).total_seconds() / HOUR
    assert told.total_hours == whole == 139.0


def test_the_first_link_in_the_past_is_named() -> None:
    early = at("2026-01-01 00:00")
    plan = hand_plan(**changed("supplies", "buyX", start=early, status="planned"))
    told = plan.explain("D1")
    assert told.first_in_past is not None
    assert told.first_in_past.supply == "buyX"
    assert "X at PLANT should have started Thu 2026-01-01 00:00 UTC, before now" in str(
        told
    )


def test_an_order_that_was_placed_in_the_past_is_not_overdue() -> None:
    early = at("2026-01-01 00:00")
    plan = hand_plan(**changed("supplies", "buyX", start=early, status="released"))
    assert plan.explain("D1").first_in_past is None


def test_nothing_in_the_past_is_said_by_silence() -> None:
    assert hand_plan().explain("D1").first_in_past is None
    assert "before now" not in str(hand_plan().explain("D1"))


def test_sentences_use_names_where_there_are_some() -> None:
    text = str(hand_plan().explain("D1", names={"FG": "Cream 50 ml", "S": "S"}))
    assert (
        "Demand D1: 100 of Cream 50 ml (FG) at DC by Mon 2026-02-02 18:00 UTC" in text
    )
    assert "bought from S (buyX): Tue 2026-01-27 23:00 UTC" in text
    assert "3 h, then waits 4 h." in text


def test_lateness_and_limiter_stand_in_the_first_sentence() -> None:
    plan = hand_plan(
        **changed("fulfilment", "D1", status="late", lateness_h=5.0, limiter="LeadTime")
    )
    head = plan.explain("D1").sentences()[0]
    assert head.endswith("planned 100, late, 5 h late, limited by lead time.")


def test_the_table_lists_every_peg_level_by_level() -> None:
    table = hand_plan().explain("D1").table
    assert table.columns == list(TABLE)
    assert table["level"].to_list() == [0, 0, 1, 2, 2, 2]
    assert table.filter("on_chain")["supply"].to_list() == ["move1", "make1", "buyX"]
    assert table.filter(pl.col("kind") == "stock")["supply"].to_list() == [
        "FG|DC|",
        "X|PLANT|A",
    ]


@pytest.mark.req("PEG-11")
def test_goods_that_come_when_their_order_is_over_are_on_no_chain() -> None:
    """X for make1 comes a day after make1 ended, which began without it.

    The chain was X alone, without its work and its move, as if it were delivered.
    """
    late = at("2026-02-02 12:00")
    told = hand_plan(**changed("supplies", "buyX", finish=late)).explain("D1")
    assert [link.supply for link in told.chain] == ["buyY", "make1", "move1"]
    assert told.total_hours == sum(
        link.own_hours + link.waiting_hours for link in told.chain
    )


@pytest.mark.req("PEG-11")
def test_the_chain_of_a_demand_in_two_deliveries_is_that_of_the_last_one() -> None:
    """What came for the first one a day before was said to wait for the second."""
    moves = [row for row in RESULTS["supplies"] if row["id"] == "move1"]
    pegs = [row for row in RESULTS["pegging"] if row["supply"] == "move1"]
    first = {
        **moves[0],
        "id": "move0",
        "start": at("2026-01-20 00:00"),
        "finish": at("2026-02-01 18:00"),
    }
    both = [{**pegs[0], "qty": 50.0}, {**pegs[0], "id": "p0", "supply": "move0"}]
    dates = ["2026-02-01 18:00", "2026-02-02 18:00"]
    told = hand_plan(
        supplies=[*moves, first],
        pegging=[both[0], {**both[1], "qty": 50.0}],
        operations=[],
        deliveries=[{"demand": "D1", "qty": 50.0, "date": at(day)} for day in dates],
    ).explain("D1")
    assert [link.supply for link in told.chain] == ["move1"]
    assert told.chain[-1].waiting_hours == 0


def test_stock_alone_needs_no_chain() -> None:
    pegs = [row for row in RESULTS["pegging"] if row["id"] == "p1"]
    told = hand_plan(pegging=pegs, supplies=[], operations=[]).explain("D1")
    assert told.chain == ()
    assert told.total_hours == 0
    assert "Stock serves it" in str(told)


def test_a_demand_without_plan_has_no_chain() -> None:
    told = hand_plan(deliveries=[], pegging=[]).explain("D1")
    assert told.chain == ()
    assert told.delivered is None


@pytest.mark.req("PEG-11")
def test_what_nothing_serves_is_not_said_to_come_from_stock() -> None:
    bare = hand_plan()
    empty = bare.replace(
        pegging=bare.pegging.clear(),
        exceptions=bare.exceptions.clear(),
    )
    told = str(empty.explain("D1"))
    assert "of  at" not in told
    assert "Stock serves it" not in told
    assert "Nothing serves it" in told


def test_an_unknown_demand_names_the_nearest() -> None:
    with pytest.raises(UsageError, match="no demand D10; the nearest name is D1"):
        hand_plan().explain("D10")
    with pytest.raises(UsageError, match=r"no demand other\.$"):
        hand_plan().explain("other")


@pytest.mark.parametrize("demand", [None, "D1"])
def test_a_plan_without_demands_says_so(demand: str | None) -> None:
    """It ended in a StopIteration."""
    bare = hand_plan()
    with pytest.raises(UsageError, match="no demands, so there is none to explain"):
        bare.replace(fulfilment=bare.fulfilment.clear()).explain(demand)


def test_an_order_from_outside_has_a_source_too() -> None:
    told = hand_plan(**changed("supplies", "buyX", source=None)).explain("D1")
    assert told.chain[0].source == "outside"


CHAINS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(1, 400), st.integers(0, 200)),
    min_size=1,
    max_size=12,
)


def _delivered(pegs: list[dict[str, Any]]) -> set[str]:
    return {one["supply"] for one in pegs if one["level"] == 0}


@given(CHAINS)
def test_hours_always_sum_to_the_whole(rows: list[tuple[int, int, int]]) -> None:
    """Whatever pegs there are: own and waiting hours fill first start to delivery."""
    due = at("2026-02-02 18:00")
    supplies: list[dict[str, Any]] = []
    pegs: list[dict[str, Any]] = []
    for number, (level, hours, before) in enumerate(rows):
        finish = pl.Series([due]).dt.offset_by(f"-{before}h")[0]
        start = pl.Series([finish]).dt.offset_by(f"-{hours}h")[0]
        name = f"s{number}"
        supplies.append({"id": name, "kind": "buy", "start": start, "finish": finish})
        pegs.append(
            {"id": name, "demand": "D1", "supply": name, "qty": 1.0, "level": level}
        )
    told = hand_plan(supplies=supplies, pegging=pegs, operations=[]).explain("D1")
    if not told.chain:
        assert all(level for level, _, _ in rows)
        return
    first = told.chain[0].start
    assert told.total_hours == pytest.approx((due - first).total_seconds() / HOUR)
    assert [link.level for link in told.chain] == [*range(len(told.chain))][::-1]
    top = [one for one in supplies if one["id"] in _delivered(pegs)]
    assert told.chain[-1].supply in {one["id"] for one in top}
    assert first <= told.chain[-1].start
    assert all(link.own_hours >= 0 and link.waiting_hours >= 0 for link in told.chain)


def test_the_reasons_of_a_plan_are_told_with_their_hours() -> None:
    causes = [
        {
            "demand": "D1",
            "code": "CapacityShortfall",
            "subject": "FILLER",
            "valid_from": at("2026-02-01 00:00"),
            "valid_to": at("2026-02-01 12:00"),
            "hours": 12.0,
        },
        {"demand": "D1", "code": "MaterialShortfall", "subject": "X|PLANT"},
        {"demand": "D1", "code": "ShelfLifeExceeded", "subject": "X|PLANT|A"},
        {"demand": "D1", "code": "CapacityShortfall", "subject": "FITTERS|weld"},
        {"demand": "D2", "code": "LeadTime", "subject": "S", "hours": 1.0},
    ]
    told = hand_plan(causes=causes).explain("D1")
    assert [reason.code for reason in told.reasons] == [
        "CapacityShortfall",
        "MaterialShortfall",
        "ShelfLifeExceeded",
        "CapacityShortfall",
    ]
    text = str(told)
    assert (
        "Capacity shortfall of FILLER: 12 h of it, Sun 2026-02-01 00:00 UTC to" in text
    )
    assert "Material shortfall of X at PLANT (Not enough of a product" in text
    assert "Shelf life exceeded of X at PLANT, lot A (" in text
    assert "Capacity shortfall of FITTERS, skill weld (" in text
