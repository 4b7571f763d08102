"""Positions and loads on the grid of the settings."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi.planners.mrp.reporting import KINDS, PositionEvents, loads, positions
from medhavi.results.plans.tables import SCHEMAS, shaped
from medhavi.snapshot import Snapshot
from medhavi.units import DAY, HOUR

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

AS_OF = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
NOW = int(AS_OF.timestamp())


def snapshot(bucket: str = "week", **resources: float) -> Snapshot:
    return Snapshot.from_frames(
        {
            "settings": [{"as_of": AS_OF, "bucket": bucket}],
            "locations": [{"location": "L"}],
            "resources": [
                {
                    "resource": name,
                    "location": "L",
                    "units": units,
                    "finite": name != "FREE",
                }
                for name, units in resources.items()
            ],
        }
    )


def ledger(*rows: tuple[float, str, float]) -> PositionEvents:
    """Make a ledger of product A at L from (day, kind, qty)."""
    return PositionEvents(
        places=pl.DataFrame({"product": ["A"], "location": ["L"]}),
        place=np.zeros(len(rows), dtype=np.int64),
        instant=np.array(
            [NOW + round(day * DAY) for day, _, _ in rows], dtype=np.int64
        ),
        kind=np.array([KINDS.index(kind) for _, kind, _ in rows], dtype=np.int64),
        qty=np.array([qty for _, _, qty in rows], dtype=np.float64),
    )


def nets(table: pl.DataFrame) -> list[float]:
    return table["net"].to_list()


@pytest.mark.req("DEF-01")
def test_safety_is_counted_once() -> None:
    table = positions(
        snapshot(),
        ledger((0, "stock", 100), (0, "safety", 20), (8, "gross", 100)),
        "week",
    )
    assert nets(table) == [0.0, 20.0]
    assert table["gross"].to_list() == [0.0, 100.0]
    assert table["safety"].to_list() == [20.0, 20.0]


@pytest.mark.req("MRP-02")
def test_stock_lowers_the_net() -> None:
    table = positions(snapshot(), ledger((0, "stock", 50), (1, "gross", 200)), "week")
    assert nets(table) == [150.0]


@pytest.mark.req("MRP-17")
def test_a_row_shows_all_that_moves_in_its_week() -> None:
    table = positions(
        snapshot(),
        ledger(
            (0, "stock", 10),
            (1, "receipt", 5),
            (2, "gross", 30),
            (2, "new", 15),
            (9, "gross", 4),
            (9, "waste", 1),
        ),
        "week",
    )
    assert table.columns == list(SCHEMAS["positions"])
    assert table["inbound"].to_list() == [20.0, 0.0]
    assert table["on_hand"].to_list() == [0.0, -5.0]
    assert table["short"].to_list() == [0.0, 5.0]
    assert nets(table) == [15.0, 5.0]


def test_a_late_receipt_does_not_lower_the_net_of_the_same_week() -> None:
    table = positions(snapshot(), ledger((1, "gross", 10), (3, "receipt", 10)), "week")
    assert nets(table) == [10.0]


def test_the_planners_own_net_wins() -> None:
    table = positions(
        snapshot(), ledger((1, "gross", 10), (1, "net", 7), (1, "new", 10)), "week"
    )
    assert nets(table) == [7.0]


@pytest.mark.req("DEF-02")
def test_a_hold_is_reserved_until_its_owner_takes_it() -> None:
    table = positions(
        snapshot(),
        ledger(
            (0, "stock", 100),
            (0, "hold", 100),
            (10, "gross", 100),
            (10, "hold", -100),
        ),
        "week",
    )
    assert table["reserved"].to_list() == [100.0, 0.0]
    assert nets(table) == [0.0, 0.0]


def test_a_hold_makes_others_need_more() -> None:
    table = positions(
        snapshot(), ledger((0, "stock", 100), (0, "hold", 80), (1, "gross", 50)), "week"
    )
    assert nets(table) == [30.0]


def test_no_events_give_no_rows() -> None:
    assert positions(snapshot(), ledger(), "week").is_empty()


def test_rows_have_a_bucket_of_the_hybrid() -> None:
    table = positions(
        snapshot(), ledger((0.5, "gross", 1), (20, "gross", 1)), "14xday+26xweek"
    )
    assert table["bucket"].to_list() == [AS_OF, AS_OF + dt.timedelta(days=14)]


EVENTS = st.lists(
    st.tuples(
        st.integers(-5, 60).map(float),
        st.sampled_from([kind for kind in KINDS if kind not in {"safety", "net"}]),
        st.integers(0, 50).map(float),
    ),
    min_size=1,
    max_size=30,
)


@given(EVENTS, st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing(
    rows: list[tuple[float, str, float]], random: Random
) -> None:
    turned = list(rows)
    random.shuffle(turned)
    first = positions(snapshot(), ledger(*rows), "week")
    assert first.equals(positions(snapshot(), ledger(*turned), "week"))


@given(EVENTS)
def test_on_hand_is_what_was_there_and_came_less_what_went(
    rows: list[tuple[float, str, float]],
) -> None:
    table = positions(snapshot(), ledger(*rows), "day")
    stock = sum(qty for _, kind, qty in rows if kind == "stock")
    waste = sum(qty for _, kind, qty in rows if kind == "waste")
    end = stock + table["inbound"].sum() - table["gross"].sum() - waste
    assert table["on_hand"][-1] == pytest.approx(end)


def offering(hours: float = 24.0) -> Callable[[str, int, int], float]:
    """Offer so many unit-hours a day."""

    def available(_resource: str, start: int, finish: int) -> float:
        return (finish - start) / DAY * hours * HOUR

    return available


def operations(*rows: tuple[str, float, float, float]) -> pl.DataFrame:
    """Make operations from (resource, start hour, hours, set-up hours)."""
    return shaped(
        "operations",
        pl.DataFrame(
            {
                "resource": [row[0] for row in rows],
                "units": [1.0] * len(rows),
                "start": [AS_OF + dt.timedelta(hours=row[1]) for row in rows],
                "finish": [AS_OF + dt.timedelta(hours=row[1] + row[2]) for row in rows],
                "setup_minutes": [row[3] * 60 for row in rows],
                "run_minutes": [(row[2] - row[3]) * 60 for row in rows],
            }
        ),
    )


def test_work_over_midnight_counts_on_both_days() -> None:
    table = loads(snapshot("day", M=1.0), operations(("M", 20, 6, 1)), offering())
    assert table["run"].to_list() == [3.0, 2.0]
    assert table["setup"].to_list() == [1.0, 0.0]
    assert table["available"].to_list() == [24.0, 24.0]
    assert table["overload"].to_list() == [0.0, 0.0]


@pytest.mark.req("KPI-05")
def test_set_up_is_part_of_the_overload() -> None:
    table = loads(snapshot("day", M=1.0), operations(("M", 0, 10, 2)), offering(8.0))
    assert table["overload"].to_list() == [2.0]


def test_a_resource_without_limit_is_never_overloaded() -> None:
    table = loads(
        snapshot("day", FREE=1.0), operations(("FREE", 0, 10, 0)), offering(8.0)
    )
    assert table["overload"].to_list() == [0.0]


def test_steps_without_resource_load_nothing() -> None:
    assert loads(snapshot(), operations(("", 0, 10, 0)), offering()).is_empty()


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["M", "N"]),
            st.integers(-200, 2000).map(float),
            st.integers(1, 400).map(float),
            st.just(0.0),
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(["hour", "day", "week", "month", "3xday+2xweek"]),
)
def test_no_hour_is_lost_or_doubled(
    rows: list[tuple[str, float, float, float]], bucket: str
) -> None:
    table = loads(snapshot(bucket, M=1.0, N=1.0), operations(*rows), offering())
    assert table["run"].sum() == pytest.approx(sum(row[2] for row in rows))


def test_sixty_thousand_operations_are_quick() -> None:
    count = 60_000
    generator = np.random.default_rng(1)
    rows = [
        (f"R{n % 500}", float(start), 20.0, 1.0)
        for n, start in enumerate(generator.integers(0, 4000, count).tolist())
    ]
    frame = operations(*rows)
    shop = snapshot("week", **{f"R{n}": 1.0 for n in range(500)})
    begin = time.process_time()
    table = loads(shop, frame, offering())
    assert table.height > 500
    # 0.1 s on the machine this was written on.
    assert time.process_time() - begin < 2.0


def test_nothing_is_needed_after_the_horizon() -> None:
    table = positions(
        snapshot(), ledger((0, "safety", 5), (0, "stock", 5), (400, "waste", 5)), "week"
    )
    assert nets(table) == [0.0, 0.0]
    assert table["on_hand"].to_list() == [5.0, 0.0]


def test_stock_serves_needs_before_now_too() -> None:
    table = positions(snapshot(), ledger((0, "stock", 8), (-9, "gross", 5)), "week")
    assert nets(table) == [0.0]
    assert table["on_hand"].to_list() == [3.0]
