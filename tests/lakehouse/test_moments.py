"""As-of reads of both times equal a fold by hand, whatever checkpoints there are."""

from __future__ import annotations

import datetime as dt
import tempfile
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.errors import UsageError
from medhavi.lakehouse.checkpoints import FactScope
from medhavi.lakehouse.folds.projections import fold
from medhavi.lakehouse.folds.silver_state import Fact, State
from medhavi.lakehouse.lake import assemble
from medhavi.lakehouse.log.log_reading import EventLog, Moment
from medhavi.lakehouse.silver import Silver
from tests.api import Lake, decode
from tests.examples import examples
from tests.lakehouse.lake_events import DUE, START, day, event, line, store_of
from tests.lakehouse.random_facts import facts_told

if TYPE_CHECKING:
    from medhavi.findings import Finding
    from medhavi.snapshot import Snapshot
    from tests.api import MemoryStore


def by_hand(
    store: MemoryStore, known_at: dt.datetime | None, effective_at: dt.datetime
) -> Snapshot:
    """Fold all facts of a moment from the beginning, in the order of their effect."""
    seen = [
        Fact(
            e.position,
            e.type,
            e.occurred_at,
            decode(e.type, e.schema_version, e.payload),
        )
        for e in store.read_all()
        if (known_at is None or e.recorded_at <= known_at)
        and e.occurred_at <= effective_at
    ]
    seen.sort(key=lambda fact: (fact.occurred_at, fact.position))
    return assemble(fold(State(), seen), effective_at)


def about_facts(snapshot: Snapshot) -> list[Finding]:
    """Findings about facts, without those about when they came."""
    return [f for f in snapshot.findings if f.code not in {"LAKE008", "LAKE009"}]


def stock_at(lake: Lake, **moment: dt.datetime) -> float:
    rows = lake.snapshot(**moment)["stock"]
    return float(rows["qty"].sum())


def moved(number: int, qty: float, **times: dt.datetime):
    return event(number, "StockMoved", product="A", location="DC", qty=qty, **times)


@st.composite
def logs(draw):
    """Draw facts whose two times disagree: recorded late, early, out of order."""
    told = draw(st.lists(facts_told, min_size=1, max_size=12))
    moments = st.integers(0, 6).map(day)
    return [
        event(number, kind, occurred=draw(moments), recorded=draw(moments), **fields)
        for number, (kind, fields) in enumerate(told)
    ]


@pytest.mark.req("NEX-04")
@settings(max_examples=examples(3, 12))
@given(
    logs(),
    st.lists(st.tuples(st.none() | st.integers(0, 6), st.integers(0, 6)), max_size=4),
    st.integers(1, 5),
)
def test_any_moment_equals_a_fold_from_the_beginning(batches, moments, spacing):
    store = store_of(batches)
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(folder)
        lake.mirror(store)
        lake._silver._spacing = spacing
        lake.refresh()
        for known, effective in moments:
            known_at = None if known is None else day(known)
            found = lake.snapshot(known_at=known_at, effective_at=day(effective))
            expected = by_hand(store, known_at, day(effective))
            assert found.fingerprint == expected.fingerprint
            assert about_facts(found) == about_facts(expected)


@settings(max_examples=examples(2, 8))
@given(logs(), st.integers(0, 12))
def test_a_lake_that_grew_equals_one_made_at_once(batches, cut):
    with tempfile.TemporaryDirectory() as grown, tempfile.TemporaryDirectory() as made:
        store = store_of(batches[:cut])
        first = Lake(grown)
        first.mirror(store)
        first.refresh()
        store.append_many(batches[cut:])
        first.mirror(store)
        second = Lake(made)
        second.mirror(store)
        assert first.fingerprints() == second.fingerprints()
        assert first.snapshot().fingerprint == second.snapshot().fingerprint


def test_a_late_recorded_fact_is_seen_by_those_who_knew_it(tmp_path):
    lake = Lake(tmp_path)
    batches = [moved(1, 10.0, occurred=day(1)), moved(2, 5.0, occurred=day(3))]
    lake.mirror(store := store_of(batches))
    lake.refresh()
    store.append_many([moved(3, 100.0, occurred=day(1), recorded=day(5))])
    lake.mirror(store)
    assert stock_at(lake, known_at=day(4), effective_at=day(2)) == 10.0
    assert stock_at(lake, effective_at=day(2)) == 110.0
    assert stock_at(lake) == 115.0


def test_a_fact_of_the_future_waits_for_its_day(tmp_path):
    lake = Lake(tmp_path)
    batches = [
        moved(1, 10.0, occurred=day(1)),
        moved(2, 100.0, occurred=day(9), recorded=day(1)),
        moved(3, 5.0, occurred=day(2)),
    ]
    lake.mirror(store_of(batches))
    lake.refresh()
    assert stock_at(lake, effective_at=day(2)) == 15.0
    assert stock_at(lake, effective_at=day(9)) == 115.0


def test_now_is_the_latest_fact_that_is_known(tmp_path):
    lake = Lake(tmp_path)
    batches = [
        moved(1, 1.0, occurred=day(5)),
        moved(2, 1.0, occurred=day(2), recorded=day(6)),
    ]
    lake.mirror(store_of(batches))
    assert lake.snapshot().as_of == int(day(5).timestamp())
    assert lake.snapshot(known_at=day(5)).as_of == int(day(5).timestamp())


def test_the_last_estimates_that_are_known_count_at_every_moment(tmp_path):
    row = {
        "kind": "supplier",
        "subject": "S",
        "quantity": "lead_days",
        "p50": 1.0,
        "p80": 2.0,
        "p95": 3.0,
        "model": "m",
        "version": "1",
        "basis": "model",
    }
    head: dict[str, Any] = {
        "kind": "supplier",
        "model": "m",
        "version": "1",
        "hash": "h",
    }
    lake = Lake(tmp_path)
    lake.mirror(
        store_of(
            [
                moved(1, 1.0, occurred=day(1)),
                event(2, "EstimatesPublished", occurred=day(8), rows=[row], **head),
                moved(3, 1.0, occurred=day(9)),
            ]
        )
    )
    lake.refresh()
    assert lake.snapshot(effective_at=day(2))["estimates"].height == 1
    assert lake.snapshot(known_at=day(7), effective_at=day(2))["estimates"].height == 0


def test_nothing_known_gives_a_snapshot_that_says_so(tmp_path):
    lake = Lake(tmp_path)
    lake.mirror(store_of([moved(1, 1.0, occurred=day(5))]))
    empty = lake.snapshot(known_at=day(1))
    assert empty["stock"].is_empty()
    assert "as_of" in str(empty.findings)


def test_an_empty_lake_can_be_read(tmp_path):
    lake = Lake(tmp_path)
    lake.mirror(store_of([]))
    assert lake.snapshot()["products"].is_empty()
    assert lake.quarantine().is_empty()
    assert set(lake.fingerprints()) >= {"stock", "demands"}


@pytest.mark.parametrize("name", ["known_at", "effective_at"])
def test_a_moment_without_a_zone_is_refused(tmp_path, name):
    lake = Lake(tmp_path)
    lake.mirror(store_of([]))
    with pytest.raises(UsageError, match=f"{name} .* has no time zone"):
        lake.snapshot(**{name: dt.datetime(2026, 1, 1)})  # noqa: DTZ001 - on purpose


def test_a_read_starts_from_a_checkpoint_where_one_serves(tmp_path, monkeypatch):
    lake = Lake(tmp_path)
    lake.mirror(store_of([moved(n, 1.0, occurred=day(n)) for n in range(1, 10)]))
    lake._silver._spacing = 3
    lake.refresh()
    started: list[int] = []
    tail = EventLog.tail

    def watched(self, after, known_at=None):
        started.append(after)
        return tail(self, after, known_at)

    monkeypatch.setattr(EventLog, "tail", watched)
    assert stock_at(lake, effective_at=day(7), known_at=day(7)) == 7.0
    assert stock_at(lake, effective_at=day(2), known_at=day(7)) == 2.0
    assert started == [6, 0]


@pytest.mark.parametrize(
    ("reach", "moment", "serves"),
    [
        (FactScope(), Moment(day(1), day(1)), True),
        (FactScope(last_recorded=day(2)), Moment(day(1), day(9)), False),
        (FactScope(last_recorded=day(2)), Moment(day(2), day(9)), True),
        (FactScope(last_recorded=day(2)), Moment(None, day(9)), True),
        (FactScope(last_occurred=day(3)), Moment(None, day(2)), False),
        (FactScope(last_occurred=day(3)), Moment(None, day(3)), True),
        (FactScope(next_occurred=day(4)), Moment(None, day(4)), True),
    ],
)
def test_a_checkpoint_serves_moments_that_pick_the_same_facts(reach, moment, serves):
    assert reach.serves(moment) is serves


def test_tables_that_no_event_touched_keep_their_file(tmp_path):
    lake = Lake(tmp_path)
    store = store_of([event(1, "ProductDefined", product="A"), moved(2, 1.0)])
    lake.mirror(store)
    lake.refresh()
    before = {path.name for path in (tmp_path / "silver" / "products").iterdir()}
    store.append_many([moved(3, 1.0)])
    lake.mirror(store)
    lake.refresh()
    assert {p.name for p in (tmp_path / "silver" / "products").iterdir()} == before
    assert len(list((tmp_path / "silver" / "stock").iterdir())) == 2


@pytest.mark.parametrize("damage", ["deleted", "manifests", "broken", "all"])
def test_damaged_silver_is_folded_again(tmp_path, damage):
    import shutil

    lake = Lake(tmp_path)
    lake.mirror(store_of([event(1, "ProductDefined", product="A"), moved(2, 1.0)]))
    before = lake.fingerprints()
    silver = tmp_path / "silver"
    if damage == "deleted":
        shutil.rmtree(silver / "stock")
    elif damage == "manifests":
        shutil.rmtree(silver / "checkpoints")
    elif damage == "broken":
        for path in (silver / "checkpoints").iterdir():
            path.write_text("{")
    else:
        shutil.rmtree(silver)
    assert Lake(tmp_path).fingerprints() == before
    assert stock_at(lake) == 1.0


def test_old_checkpoints_go_but_one_a_stretch_stays(tmp_path, monkeypatch):
    monkeypatch.setattr("medhavi.lakehouse.checkpoints._GRACE_SECONDS", -60)
    lake = Lake(tmp_path)
    lake._silver._spacing = 4
    store = store_of([])
    for number in range(1, 11):
        store.append_many([moved(number, 1.0, occurred=day(number))])
        lake.mirror(store)
        lake.refresh()
    manifests = sorted((tmp_path / "silver" / "checkpoints").glob("*.json"))
    assert [int(p.name.split("-")[0]) for p in manifests] == [3, 7, 9, 10]
    assert len(list((tmp_path / "silver" / "stock").glob("*.parquet"))) == 4
    assert stock_at(lake, effective_at=day(5), known_at=day(5)) == 5.0


def test_young_files_are_left_to_those_who_may_read_them(tmp_path):
    lake = Lake(tmp_path)
    store = store_of([])
    for number in range(1, 6):
        store.append_many([moved(number, 1.0)])
        lake.mirror(store)
        lake.refresh()
    assert len(list((tmp_path / "silver" / "stock").glob("*.parquet"))) == 5


def test_rebuilding_gives_the_same_fingerprints_and_leaves_nothing_old(tmp_path):
    lake = Lake(tmp_path)
    store = store_of([moved(1, 1.0)])
    lake.mirror(store)
    lake.refresh()
    store.append_many([moved(2, 1.0)])
    lake.mirror(store)
    before = lake.fingerprints()
    lake.rebuild()
    assert lake.fingerprints() == before
    assert len(list((tmp_path / "silver" / "stock").iterdir())) == 1


def test_folds_of_another_meaning_are_not_continued(tmp_path, monkeypatch):
    lake = Lake(tmp_path)
    lake.mirror(store_of([moved(1, 1.0)]))
    lake.refresh()
    monkeypatch.setattr("medhavi.lakehouse.checkpoints.meaning", lambda: "other")
    assert (
        Silver(lake._layout)._checkpoints.newest(Moment(None, DUE)).reach == FactScope()
    )


def test_bronze_rows_come_in_any_order_and_are_folded_by_position(tmp_path):
    told = [
        event(n, "StockCounted", product="A", location="DC", qty=float(n))
        for n in range(1, 40)
    ]
    lake = Lake(tmp_path)
    lake.mirror(store_of(told), batch=3)
    assert stock_at(lake) == 39.0


def test_open_things_stay_and_finished_ones_go(tmp_path):
    order = {
        "kind": "purchase",
        "product": "A",
        "location": "DC",
        "qty": 3.0,
        "due": DUE,
    }
    hold = {
        "kind": "material",
        "subject": "A",
        "qty": 1.0,
        "start": START,
        "finish": DUE,
        "key": "k",
    }
    peg = {"product": "A", "location": "DC", "qty": 1.0}
    told: list[tuple[str, dict[str, Any]]] = [
        ("OrderPlaced", {"sales_order": "S1", "lines": [line("open"), line("held")]}),
        ("OrderPlaced", {"sales_order": "S2", "lines": [line("gone")]}),
        ("OrderCancelled", {"sales_order": "S2"}),
        ("OrderCancelled", {"sales_order": "S1", "demands": ["held"]}),
        ("SupplyOrderPlaced", {"supply_order": "W1", **order}),
        ("SupplyOrderPlaced", {"supply_order": "W2", **order}),
        ("SupplyOrderProgressReported", {"supply_order": "W2", "step": 1}),
        ("SupplyOrderCompleted", {"supply_order": "W2", "completed_at": DUE}),
        ("ReservationCreated", {"reservation": "R1", "demand": "held", **hold}),
        ("ReservationCreated", {"reservation": "R2", "demand": "gone", **hold}),
        ("ReservationReleased", {"reservation": "R2"}),
        ("PegFirmed", {"demand": "open", "supply": "W1", **peg}),
        ("PegFirmed", {"demand": "open", "supply": "W2", **peg}),
        ("PegFirmed", {"demand": "open", "supply": "A|DC|", **peg}),
        ("StockMoved", {"product": "A", "location": "DC", "qty": 1.0}),
        ("StockMoved", {"product": "A", "location": "DC", "qty": -1.0}),
        (
            "ResourceDown",
            {
                "disruption": "X",
                "resource": "M",
                "valid_from": START,
                "valid_to": START,
            },
        ),
    ]
    lake = Lake(tmp_path)
    lake.mirror(store_of([event(n, k, **f) for n, (k, f) in enumerate(told)]))
    snapshot = lake.snapshot()
    assert snapshot["demands"]["demand"].to_list() == ["held", "open"]
    assert snapshot["supply_orders"]["supply_order"].to_list() == ["W1"]
    assert snapshot["reservations"]["reservation"].to_list() == ["R1"]
    assert snapshot["pegs"]["supply"].to_list() == ["A|DC|", "W1"]
    for table in ("supply_order_steps", "stock", "disruptions"):
        assert snapshot[table].is_empty()
    assert lake.table("silver.demands").collect().height == 3


def overridden(number: int, value: float | None, **cells: Any):
    fields: dict[str, Any] = {
        "override": f"O{number}",
        "table": "products",
        "key": {"product": "A"},
        "column": "unit_cost",
        "value": value,
        "approver": "ann",
    }
    return event(number, "OverrideRecorded", **(fields | cells))


def test_an_override_wins_while_it_is_valid(tmp_path):
    lake = Lake(tmp_path)
    lake.mirror(
        store_of(
            [
                event(1, "ProductDefined", product="A", unit_cost=2.0),
                overridden(2, 5.0, valid_from=day(2), valid_to=day(4)),
                overridden(3, 6.0, valid_from=day(3)),
            ]
        )
    )

    def cost(moment: dt.datetime) -> float:
        return float(lake.snapshot(effective_at=moment)["products"]["unit_cost"][0])

    assert [cost(day(n)) for n in (1, 2, 3, 5)] == [2.0, 5.0, 6.0, 6.0]
    silver = lake.table("silver.products").select(pl.col("unit_cost")).collect()
    assert silver.item() == 2.0


def test_an_override_of_nothing_is_a_finding_with_its_position(tmp_path):
    lake = Lake(tmp_path)
    lake.mirror(store_of([overridden(1, 5.0), overridden(2, 5.0, key={"prod": "A"})]))
    found = [str(f) for f in lake.snapshot().findings if f.code == "LAKE007"]
    assert len(found) == 2
    assert "event 1" in found[0]


def test_override_keys_of_numbers_are_read_by_their_column(tmp_path):
    step: dict[str, Any] = {"routing": "R", "step": 10, "sequence": 1}
    override: dict[str, Any] = {
        "table": "steps",
        "key": {"routing": "R", "step": "10"},
        "column": "setup_minutes",
    }
    lake = Lake(tmp_path)
    lake.mirror(
        store_of([event(1, "StepDefined", **step), overridden(2, 7.5, **override)])
    )
    assert lake.snapshot()["steps"]["setup_minutes"].to_list() == [7.5]


def test_an_override_key_that_is_no_number_is_a_finding(tmp_path):
    override: dict[str, Any] = {
        "table": "steps",
        "key": {"routing": "R", "step": "x"},
        "column": "setup_minutes",
    }
    lake = Lake(tmp_path)
    lake.mirror(store_of([overridden(1, 7.5, **override)]))
    assert "LAKE007" in {found.code for found in lake.snapshot().findings}


@pytest.mark.req("NEX-04")
def test_places_goods_and_work_are_what_a_replay_of_all_facts_gives(tmp_path):
    """After each new fact the three layers are those of a fold from the beginning."""
    told = [
        event(1, "ProductDefined", product="A"),
        event(2, "LocationDefined", location="DC"),
        event(3, "LocationDefined", location="W"),
        event(4, "StockCounted", product="A", location="DC", qty=40.0),
        event(
            5,
            "LaneDefined",
            lane="T",
            origin="W",
            destination="DC",
            duration_h=5.0,
        ),
        moved(6, -15.0),
        event(
            7,
            "SupplyOrderPlaced",
            supply_order="TO-1",
            kind="transfer",
            qty=30.0,
            due=day(10),
            product="A",
            location="DC",
            source="T",
        ),
        event(8, "SupplyOrderStarted", supply_order="TO-1", started_at=day(0)),
    ]
    store, lake = store_of([]), Lake(tmp_path)
    layers = []
    for one in told:
        store.append_many([one])
        lake.mirror(store)
        found = lake.snapshot(effective_at=day(1))
        assert found.fingerprint == by_hand(store, None, day(1)).fingerprint
        layers.append(
            (
                found["lanes"].height,
                float(found["stock"]["qty"].sum()),
                found["supply_orders"]["status"].to_list(),
            )
        )
    assert layers[3:] == [
        (0, 40.0, []),
        (1, 40.0, []),
        (1, 25.0, []),
        (1, 25.0, ["released"]),
        (1, 25.0, ["in_process"]),
    ]
