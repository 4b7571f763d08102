"""Every fault of a campaign, planted into a right plan, is found by its code."""

from __future__ import annotations

import datetime as dt
from functools import cache

import polars as pl
import pytest

from medhavi.findings import catalog
from tests.api import verify
from tests.planners.campaign_shop import day, matrix, planned, rule, shop

RULES = [
    rule(
        min_run_qty=100,
        max_run_qty=500,
        max_run_minutes=480,
        cleaning_minutes=60,
        reduction_over=400,
        reduction_pct=10,
    )
]


@cache
def right():
    """Two orders of FA in one campaign, then FB after a cleaning; and the snapshot."""
    snapshot = shop(
        [("A", 60, 3), ("A", 60, 3.2), ("B", 60, 4)],
        campaign_rules=RULES,
        changeovers=matrix(("FA", "FB", 30, False)),
    )
    return planned(snapshot), snapshot


def codes(plan=None, **tables):
    made, snapshot = right()
    found = verify(plan or made, snapshot.replace(**tables))
    return {one.code for one in found if one.code.startswith("CAM")}


def with_rule(**cells):
    _, snapshot = right()
    rows = snapshot["campaign_rules"].with_columns(
        **{name: pl.lit(value) for name, value in cells.items()}
    )
    return {"campaign_rules": rows}


def moved(product, minutes, **cells):
    """Plan with the operations of a product at another time."""
    made, _ = right()
    own = pl.col("supply").is_in(
        made.supplies.filter(pl.col("product") == product)["id"].to_list()
    )
    shift = pl.when(own).then(dt.timedelta(minutes=minutes)).otherwise(dt.timedelta(0))
    rows = made.operations.with_columns(
        pl.col("start") + shift,
        pl.col("finish") + shift,
        **{
            name: pl.when(own).then(pl.lit(value)).otherwise(name)
            for name, value in cells.items()
        },
    )
    return made.replace(operations=rows)


def renamed(*campaigns):
    """Plan with other campaigns, in order of product and start."""
    made, _ = right()
    rows = made.supplies.sort("product", "start").with_columns(
        campaign=pl.Series(campaigns, dtype=pl.String)
    )
    return made.replace(supplies=rows)


def gap():
    """Minutes between the end of FA and the begin of FB."""
    made, _ = right()
    rows = made.operations.join(
        made.supplies.select("id", "product"), left_on="supply", right_on="id"
    )
    end = rows.filter(pl.col("product") == "A")["finish"].max()
    begin = rows.filter(pl.col("product") == "B")["start"].min()
    return (begin - end).total_seconds() / 60


def test_the_plan_is_right():
    assert codes() == set()
    assert gap() >= 60


@pytest.mark.req("CMP-03")
def test_too_little_and_too_much():
    assert codes(**with_rule(min_run_qty=121.0)) == {"CAM090"}
    assert codes(**with_rule(max_run_qty=119.0)) == {"CAM091"}
    assert codes(**with_rule(max_run_minutes=100.0)) == {"CAM091"}


@pytest.mark.req("CMP-04")
def test_no_room_for_a_cleaning():
    short = 5 - gap()
    assert codes(moved("B", short)) == {"CAM092"}
    cleaning = matrix(("FA", "FB", 30, True))
    clean = shop([], changeovers=cleaning)["changeovers"]
    assert codes(moved("B", short), changeovers=clean) == set()


@pytest.mark.req("CMP-04")
def test_a_cleaning_outside_its_calendar_is_none():
    assert codes(
        calendars=shop([], calendars=[{"calendar": "N"}])["calendars"],
        **with_rule(cleaning_window="N"),
    ) == {"CAM092"}


@pytest.mark.req("CMP-04")
def test_a_planned_cleaning_between_is_one():
    made, snapshot = right()
    rows = made.operations.join(
        made.supplies.select("id", "product"), left_on="supply", right_on="id"
    )
    end = rows.filter(pl.col("product") == "A")["finish"].max()
    window = {
        "resource": "M",
        "valid_from": end,
        "valid_to": end + dt.timedelta(hours=1),
    }
    windows = shop([], cleaning_windows=[window])["cleaning_windows"]
    none = shop([], calendars=[{"calendar": "N"}])["calendars"]
    tables = {**with_rule(cleaning_window="N"), "calendars": none}
    assert codes(cleaning_windows=windows, **tables) == set()
    assert verify(made, snapshot) == []


def test_work_without_its_campaign():
    assert codes(renamed("M|FA|1", None, None)) == {"CAM093", "CAM090"}
    assert "CAM093" in codes(renamed("M|FB|1", "M|FA|1", None))


def test_a_campaign_that_goes_on_after_other_work():
    made, _ = right()
    first = made.operations.join(
        made.supplies.filter(pl.col("product") == "A").select("id"),
        left_on="supply",
        right_on="id",
        how="semi",
    )["start"].min()
    begin = made.operations.join(
        made.supplies.filter(pl.col("product") == "B").select("id"),
        left_on="supply",
        right_on="id",
        how="semi",
    )["start"].min()
    between = (first - begin).total_seconds() / 60 + 65
    found = codes(moved("B", between))
    assert {"CAM092", "CAM094"} <= found


@pytest.mark.req("CMP-05")
def test_a_long_campaign_at_full_speed():
    assert codes(**with_rule(reduction_over=100.0)) == {"CAM095"}
    assert codes(**with_rule(reduction_over=120.0)) == set()


@pytest.mark.req("DEF-09")
def test_a_change_that_is_too_short_though_the_machine_was_idle():
    made, _ = right()
    # Only what is idle directly before counts; after the last piece of FA it is much.
    short = matrix(("FA", "FB", 60 * 24 * 30, False))
    assert codes(changeovers=shop([], changeovers=short)["changeovers"]) == {"CAM096"}
    state = [{"resource": "M", "family": "FC"}]
    changes = matrix(("FC", "FA", 60 * 24 * 30, False), ("FA", "FB", 30, False))
    assert codes(
        changeovers=shop([], changeovers=changes)["changeovers"],
        resource_state=shop([], resource_state=state)["resource_state"],
    ) == {"CAM096"}
    assert made.run.mode == "constrained"


def test_a_plan_that_looks_at_no_rule_is_not_held_to_them():
    _, snapshot = right()
    made = planned(snapshot, "off")
    assert made.supplies["campaign"].null_count() == made.supplies.height


def test_orders_that_exist_are_no_faults():
    snapshot = shop(
        [],
        campaign_rules=RULES,
        supply_orders=[
            {
                "supply_order": f"W{number}",
                "kind": "work",
                "product": product,
                "location": "L",
                "qty": 40,
                "start": day(2 + number / 36),
                "due": day(3),
                "source": f"R{product}",
            }
            for number, product in enumerate("AB")
        ],
    )
    planned(snapshot)


def test_every_code_of_the_check_is_planted_here():
    found = {code for code in catalog() if code.startswith("CAM09")}
    assert found == {f"CAM09{number}" for number in range(7)}
