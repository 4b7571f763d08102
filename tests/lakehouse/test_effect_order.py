"""Order of effect: counts, late facts, facts from the future, voids, corrections."""

from __future__ import annotations

import datetime as dt
import random
import tempfile
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from tests.api import TYPES, Lake, new_event, stream_for
from tests.lakehouse.any_facts import KINDS, any_event, told_in_order
from tests.lakehouse.lake_events import body, day, event, line, small_company, store_of

if TYPE_CHECKING:
    from pathlib import Path

    from medhavi.snapshot import Snapshot
    from tests.api import NewEvent

Batch = tuple[str, list["NewEvent"]]


def counted(number: int, qty: float, at: float, **times: dt.datetime) -> Batch:
    return event(
        number,
        "StockCounted",
        product="A",
        location="DC",
        qty=qty,
        occurred=day(at),
        **times,
    )


def moved(number: int, qty: float, at: float, **times: dt.datetime) -> Batch:
    return event(
        number,
        "StockMoved",
        product="A",
        location="DC",
        qty=qty,
        occurred=day(at),
        **times,
    )


def stock(snapshot: Snapshot) -> float:
    return float(snapshot["stock"]["qty"].sum())


def codes(snapshot: Snapshot) -> list[str]:
    return [one.code for one in snapshot.findings if one.code.startswith("LAKE")]


def grown(folder: Path, *batches: list[Batch]) -> Lake:
    """A lake that was folded after each of some batches."""
    lake, store = Lake(folder), store_of([])
    for batch in batches:
        store.append_many(batch)
        lake.mirror(store)
        lake.refresh()
    return lake


def id_of(number: int) -> str:
    """Id of the event with this number."""
    return str(uuid.UUID(int=number + 1))


# ---------------------------------------------------------------- late facts
@pytest.mark.parametrize("apart", [False, True], ids=["at once", "in two folds"])
def test_a_late_count_does_not_change_what_was_counted_after_it(tmp_path, apart):
    early = [counted(1, 500.0, 10), moved(2, 100.0, 11)]
    late = [counted(3, 10.0, 4, recorded=day(12))]
    lake = grown(tmp_path, early, late) if apart else grown(tmp_path, early + late)
    snapshot = lake.snapshot()
    assert stock(snapshot) == 600.0
    (found,) = (one for one in snapshot.findings if one.code == "LAKE008")
    for part in ("Event 3", "StockCounted", "stock-A,DC", "2026-01-09", "2 facts"):
        assert part in found.message


@pytest.mark.parametrize("apart", [False, True], ids=["at once", "in two folds"])
def test_a_late_count_carries_the_movements_after_it(tmp_path, apart):
    early = [counted(1, 500.0, 1), moved(2, 100.0, 11), moved(3, -30.0, 2)]
    late = [counted(4, 10.0, 4, recorded=day(12))]
    lake = grown(tmp_path, early, late) if apart else grown(tmp_path, early + late)
    assert stock(lake.snapshot()) == 110.0


def test_movements_that_come_late_are_counted_and_not_told(tmp_path):
    lake = grown(tmp_path, [moved(1, 5.0, 9)], [moved(2, 7.0, 3)])
    assert stock(lake.snapshot()) == 12.0
    assert codes(lake.snapshot()) == []


def test_a_statement_that_comes_late_does_not_win(tmp_path):
    changed = [
        event(n, "ProductChanged", product="A", unit_cost=cost, occurred=day(at))
        for n, cost, at in ((1, 3.0, 5), (2, 2.0, 1))
    ]
    lake = grown(tmp_path, changed[:1], changed[1:])
    assert lake.snapshot()["products"]["unit_cost"].to_list() == [3.0]


def test_the_order_itself_may_come_after_its_receipt(tmp_path):
    order = {"kind": "purchase", "product": "A", "location": "DC", "qty": 9.0}
    receipt = event(
        1,
        "SupplyOrderReceived",
        supply_order="PO-1",
        qty=4.0,
        received_at=day(5),
        occurred=day(5),
    )
    placed = event(
        2,
        "SupplyOrderPlaced",
        supply_order="PO-1",
        due=day(9),
        occurred=day(1),
        **order,
    )
    lake = grown(tmp_path, [receipt])
    assert codes(lake.snapshot()) == ["LAKE003"]
    lake = grown(tmp_path / "both", [receipt], [placed])
    assert lake.snapshot()["supply_orders"]["qty_done"].to_list() == [4.0]
    assert codes(lake.snapshot()) == ["LAKE008"]


def test_a_line_placed_late_is_cancelled_with_its_order(tmp_path):
    first = event(
        1, "OrderPlaced", sales_order="SO", lines=[line("D-1")], occurred=day(1)
    )
    gone = event(2, "OrderCancelled", sales_order="SO", occurred=day(5))
    late = event(
        3, "OrderPlaced", sales_order="SO", lines=[line("D-2")], occurred=day(2)
    )
    lake = grown(tmp_path, [first, gone], [late])
    demands = lake.table("silver.demands").collect()
    assert demands["status"].to_list() == ["cancelled", "cancelled"]


def recorded_anyhow(seed: int, count: int, batches: int, turns: int) -> None:
    """Record the same facts in other orders and batches; compare the states."""
    rng = random.Random(seed)
    often = [kind for kind in KINDS if TYPES[kind].group != "master"]
    more = max(0, count - len(KINDS))
    kinds = [*KINDS, *(rng.choice(often) for _ in range(more))][-count:]
    events = [any_event(n, kind, rng) for n, kind in enumerate(kinds)]
    with tempfile.TemporaryDirectory() as folder:
        expected = told_in_order(events, [], Lake(folder))
    assert sum(frame.height for frame in list(expected.values())[:-1]) > 20
    for _ in range(turns):
        rng.shuffle(events)
        cuts = sorted(rng.sample(range(count), batches))
        with tempfile.TemporaryDirectory() as folder:
            found = told_in_order(events, cuts, Lake(folder))
        different = [
            name
            for name, table in expected.items()
            if (table != found[name] if name == "snapshot" else False)
            or (name != "snapshot" and not table.equals(found[name]))
        ]
        assert different == []


@pytest.mark.parametrize("seed", [1])
def test_any_order_and_batching_of_recorded_facts_gives_the_same_state(seed):
    recorded_anyhow(seed, count=90, batches=2, turns=1)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_and_batching_of_250_facts_gives_the_same_state(seed):
    recorded_anyhow(seed, count=250, batches=3, turns=1)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", [11, 12])
def test_any_order_and_batching_of_10_000_facts_gives_the_same_state(seed):
    recorded_anyhow(seed, count=10_000, batches=12, turns=2)


# ---------------------------------------------------------------------- now
def test_a_fact_dated_2062_moves_nothing_and_is_named(tmp_path):
    far = dt.datetime(2062, 1, 1, tzinfo=dt.UTC)
    wrong = event(
        3,
        "StockCounted",
        product="A",
        location="DC",
        qty=1.0,
        occurred=far,
        recorded=day(3),
    )
    lake = grown(tmp_path, [counted(1, 40.0, 1), moved(2, 2.0, 2)], [wrong])
    snapshot = lake.snapshot()
    assert stock(snapshot) == 42.0
    assert snapshot.as_of == int(day(2).timestamp())
    (found,) = (one for one in snapshot.findings if one.code == "LAKE009")
    for part in ("Event 3", "stock-A,DC", id_of(3), "2062-01-01"):
        assert part in found.message
    assert stock(lake.snapshot(effective_at=far)) == 1.0


def test_a_fact_within_the_clock_tolerance_is_now(tmp_path):
    lake = grown(tmp_path, [counted(1, 40.0, 2, recorded=day(1))])
    assert lake.snapshot().as_of == int(day(2).timestamp())
    assert codes(lake.snapshot()) == []


def test_the_clock_tolerance_is_a_setting(tmp_path):
    lake = grown(
        tmp_path,
        [counted(1, 40.0, 1), moved(2, 2.0, 4, recorded=day(1))],
        [
            event(
                3,
                "SettingChanged",
                setting="clock_tolerance",
                value=3,
                occurred=day(1),
            )
        ],
    )
    assert lake.snapshot().as_of == int(day(4).timestamp())
    assert stock(lake.snapshot()) == 42.0


def test_a_fact_that_waited_is_folded_when_its_day_comes(tmp_path):
    ahead = moved(2, 5.0, 6, recorded=day(2))
    lake = grown(tmp_path, [counted(1, 40.0, 1), ahead], [moved(3, 1.0, 7)])
    assert stock(lake.snapshot()) == 46.0
    assert codes(lake.snapshot()) == []


# ------------------------------------------------------ voids and corrections
def amended(number: int, kind: str, target: int, /, **fields: Any) -> Batch:
    payload = body(
        kind, event=id_of(target), reason="typing error", approver="ann", **fields
    )
    at = fields.get("recorded", day(20 + number / 100))
    return stream_for(payload), [
        new_event(
            payload, event_id=id_of(number), occurred_at=at, recorded_at=at, actor="ann"
        )
    ]


def corrected(qty: float) -> dict[str, Any]:
    return {"product": "A", "location": "DC", "qty": qty}


def each_way(folder: Path, told: list[Batch]) -> list[Lake]:
    """Lakes that folded some facts at once, and one by one and rebuilt.

    The tables before they are built again are the same too.
    """
    once = grown(folder / "once", told)
    each = grown(folder / "each", *([one] for one in told))
    before = each.fingerprints()
    each.rebuild()
    assert once.fingerprints() == before == each.fingerprints()
    return [once, each]


def test_a_voided_fact_counts_nowhere_and_stays_in_the_log(tmp_path):
    told = [
        counted(1, 40.0, 1),
        counted(2, 4000.0, 2),
        moved(3, 1.0, 3),
        amended(4, "EventVoided", 2),
    ]
    for lake in each_way(tmp_path, told):
        snapshot = lake.snapshot()
        assert stock(snapshot) == 41.0
        assert snapshot.as_of == int(day(3).timestamp())
        assert codes(snapshot) == []
        assert lake.snapshot(effective_at=day(2))["stock"]["qty"].to_list() == [40.0]
        assert lake.table("bronze.events").collect().height == 4


def test_a_moment_before_the_void_was_recorded_does_not_see_it(tmp_path):
    told = [counted(1, 40.0, 1), counted(2, 7.0, 2), amended(4, "EventVoided", 1)]
    told.insert(2, moved(3, 1.0, 1.5))
    for lake in each_way(tmp_path, told):
        seen = lake.snapshot(known_at=day(3), effective_at=day(1.6))
        assert stock(seen) == 41.0
        assert stock(lake.snapshot(effective_at=day(1.6))) == 1.0


@pytest.mark.nightly
def test_a_correction_replaces_payload_and_time(tmp_path):
    told = [
        counted(1, 40.0, 1),
        counted(2, 4000.0, 12),
        moved(3, 1.0, 3),
        amended(4, "EventCorrected", 2, payload=corrected(50.0)),
        amended(5, "EventCorrected", 2, payload=corrected(60.0), occurred_at=day(2)),
    ]
    for lake in each_way(tmp_path, told):
        snapshot = lake.snapshot()
        assert stock(snapshot) == 61.0
        assert snapshot.as_of == int(day(3).timestamp())
        assert stock(lake.snapshot(known_at=day(20.045))) == 50.0
        assert stock(lake.snapshot(known_at=day(13))) == 4000.0


def test_a_correction_may_name_another_key(tmp_path):
    other = {"product": "B", "location": "DC", "qty": 5.0}
    told = [counted(1, 40.0, 1), amended(2, "EventCorrected", 1, payload=other)]
    for lake in each_way(tmp_path, told):
        assert lake.snapshot()["stock"]["product"].to_list() == ["B"]


def test_a_fact_from_the_future_is_corrected_or_voided(tmp_path):
    wrong = counted(1, 40.0, 9_000, recorded=day(1))
    told = [moved(0, 2.0, 1), wrong]
    fixed = amended(
        2, "EventCorrected", 1, payload=corrected(9.0), occurred_at=day(1.5)
    )
    for lake in each_way(tmp_path / "fixed", [*told, fixed]):
        assert stock(lake.snapshot()) == 9.0
        assert codes(lake.snapshot()) == []
    for lake in each_way(tmp_path / "void", [*told, amended(2, "EventVoided", 1)]):
        assert stock(lake.snapshot()) == 2.0
        assert codes(lake.snapshot()) == []


def test_a_correction_into_the_future_takes_the_fact_out_until_then(tmp_path):
    told = [
        counted(1, 40.0, 1),
        moved(2, 2.0, 2),
        amended(3, "EventCorrected", 1, payload=corrected(9.0), occurred_at=day(30)),
        moved(4, 1.0, 31, recorded=day(31)),
    ]
    for lake in each_way(tmp_path / "before", told[:3]):
        assert stock(lake.snapshot()) == 2.0
    for lake in each_way(tmp_path / "after", told):
        assert stock(lake.snapshot()) == 10.0


def test_what_cannot_be_amended_is_not_obeyed_and_named(tmp_path):
    published = event(
        2,
        "SettingChanged",
        setting="horizon_days",
        value=9,
        occurred=day(1),
    )
    told = [
        counted(1, 40.0, 1),
        published,
        amended(3, "EventVoided", 1),
        amended(4, "EventVoided", 3),
        amended(5, "EventVoided", 2),
        amended(6, "EventVoided", 99),
        amended(7, "EventCorrected", 1, payload={"qty": 3.0}),
    ]
    for lake in each_way(tmp_path, told):
        snapshot = lake.snapshot()
        assert stock(snapshot) == 0.0
        assert snapshot["settings"]["horizon_days"].to_list() == [9.0]
        found = [one.message for one in snapshot.findings if one.code == "LAKE010"]
        assert len(found) == 4
        for text, part in zip(
            found,
            ("record the fact again", "its own event", "no event", "payload"),
            strict=True,
        ):
            assert part in text


def test_a_void_recorded_before_its_fact_holds_when_that_comes(tmp_path):
    told = [amended(50, "EventVoided", 70), *small_company()[:2], counted(70, 8.0, 1)]
    for lake in each_way(tmp_path, told):
        assert stock(lake.snapshot()) == 0.0
