"""Folds by column give what the folds of each fact give, or leave the fact to them."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medhavi.events.event_types.catalog import encode
from medhavi.lakehouse import silver
from medhavi.lakehouse.folds.bulk_folds import fold_plain
from medhavi.lakehouse.folds.effect_order import with_crossing, with_kinship
from medhavi.lakehouse.folds.projections import apply
from medhavi.lakehouse.folds.silver_state import State
from medhavi.lakehouse.log.log_reading import facts
from tests.api import Lake
from tests.examples import examples
from tests.lakehouse.lake_events import DUE, START, body, day, event, store_of

_QUANTITIES = st.sampled_from(
    [0.1, 0.2, 0.7, 1.0, 2.5, 7.0, 934.71, 1126.332, 1e8, 0.1234567, 1e11, 1e-9, 0.0]
)
_MOMENTS = st.sampled_from(
    [
        day(1),
        day(2.123456),
        DUE,
        day(
            3,
        ),
    ]
)
_ORDERS = st.sampled_from(["PO-1", "PO-2", "PO-3"])
_STATUS = st.none() | st.sampled_from(["firmed", "released", "in_process", "planned"])
_PLACE = {
    "product": st.sampled_from(["A", "B"]),
    "location": st.sampled_from(["DC", "é"]),
}
_LOT = st.sampled_from(["", "L1", 'L"2'])
_MAYBE_LOT = st.none() | _LOT
_STEP = st.sampled_from([10, 20])
_RESOURCE = st.none() | st.sampled_from(["M1", "M2"])


def _told(kind: str, /, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[str]:
    """Type and payload of a fact, most often as this package writes it."""
    stated = st.fixed_dictionaries(fields).map(
        lambda cells: {name: cell for name, cell in cells.items() if cell is not None}
    )
    texts = stated.map(lambda cells: encode(body(kind, **cells)))
    return st.tuples(
        st.just(kind), st.one_of(texts, texts, texts, texts.flatmap(_otherwise))
    )


def _otherwise(text: str) -> st.SearchStrategy[str]:
    """Texts that another program may write: the same, or nearly, or not to be read."""
    return st.sampled_from(
        [
            text,
            text.replace('":', '": '),
            text.replace("}", ',"reason":null}'),
            text.replace("}", ',"lot":"L1"}'),
            text.replace("}", ',"new_field":1}'),
            text.replace("2026-01", "2026-02").replace("-06T", "-30T"),
            text.replace('"A"', '"\\u0041"'),
            text[:-1],
        ]
    )


_FACTS = st.one_of(
    _told(
        "StockCounted",
        **_PLACE,
        lot=_MAYBE_LOT,
        qty=_QUANTITIES,
        status=_STATUS,
        received_at=st.none() | _MOMENTS,
    ),
    _told("StockMoved", **_PLACE, lot=_LOT, qty=_QUANTITIES),
    _told("StockMoved", **_PLACE, lot=_LOT, qty=_QUANTITIES.map(float.__neg__)),
    _told(
        "LotReceived",
        **_PLACE,
        lot=_MAYBE_LOT,
        qty=_QUANTITIES,
        received_at=st.none() | _MOMENTS,
        expires_at=st.none() | _MOMENTS,
    ),
    _told("LotStatusChanged", **_PLACE, lot=_LOT, status=st.just("blocked")),
    _told(
        "SupplyOrderPlaced",
        supply_order=_ORDERS,
        kind=st.just("purchase"),
        **_PLACE,
        qty=_QUANTITIES,
        qty_done=st.none() | _QUANTITIES,
        due=_MOMENTS,
        status=_STATUS,
        firm=st.none() | st.booleans(),
    ),
    _told(
        "SupplyOrderFirmed",
        supply_order=_ORDERS,
        kind=st.just("work"),
        **_PLACE,
        qty=_QUANTITIES,
        due=_MOMENTS,
        approver=st.just("ann"),
        steps=st.none()
        | st.lists(
            st.fixed_dictionaries({"step": _STEP, "start": _MOMENTS}),
            max_size=2,
            unique_by=lambda row: row["step"],
        ),
    ),
    *(
        _told(
            kind,
            supply_order=_ORDERS,
            due=st.none() | _MOMENTS,
            qty=st.none() | _QUANTITIES,
            **more,
        )
        for kind, more in {
            "SupplyOrderConfirmed": {},
            "SupplyOrderRescheduled": {"start": st.none() | _MOMENTS},
        }.items()
    ),
    _told(
        "SupplyOrderStarted",
        supply_order=_ORDERS,
        started_at=_MOMENTS,
        step=st.none() | _STEP,
        resource=_RESOURCE,
    ),
    _told(
        "SupplyOrderProgressReported",
        supply_order=_ORDERS,
        step=_STEP,
        qty_done=st.none() | _QUANTITIES,
        status=_STATUS,
        resource=_RESOURCE,
        start=st.none() | _MOMENTS,
    ),
    _told(
        "SupplyOrderReceived",
        supply_order=_ORDERS,
        qty=_QUANTITIES,
        received_at=_MOMENTS,
    ),
    _told("SupplyOrderReleased", supply_order=_ORDERS),
    _told("SupplyOrderCompleted", supply_order=_ORDERS, completed_at=_MOMENTS),
    _told("SupplyOrderCancelled", supply_order=_ORDERS),
    _told("OperationLocked", supply_order=_ORDERS, step=_STEP),
)

_NUMBERS = st.none() | st.sampled_from([-0.0, -2.5, 0.05, 1.0, 0.1234567, 1e-9])
_SUBSTITUTE = {
    "product": st.sampled_from(["A", "B"]),
    "substitute": st.sampled_from(["C", 'D"']),
    "location": st.none() | st.sampled_from(["*", "DC"]),
    "valid_from": st.none() | _MOMENTS,
}
_LISTS = st.none() | st.lists(st.sampled_from(["a=1", 'b="', "é"]), max_size=2)
_MASTER_DATA = st.one_of(
    *(
        _told(
            f"Substitute{verb}",
            **_SUBSTITUTE,
            ratio=_NUMBERS,
            priority=st.none() | st.sampled_from([0, 3, -1, 10**10]),
        )
        for verb in ("Defined", "Changed")
    ),
    _told("SubstituteRetired", **_SUBSTITUTE),
    _told(
        "ProductDefined",
        product=st.sampled_from(["A", "B"]),
        uom=st.just("kg"),
        characteristics=_LISTS,
        unit_cost=_NUMBERS,
    ),
    _told(
        "FxRateDefined",
        currency=st.sampled_from(["EUR", "PLN"]),
        as_of=st.sampled_from([dt.date(2026, 1, 31), dt.date(2028, 2, 29)]),
        rate=_QUANTITIES,
    ),
    _told(
        "DepartureDefined",
        lane=st.just("L"),
        weekday=st.sampled_from([0, 6]),
        time=st.sampled_from([dt.time(6), dt.time(23, 59, 59), dt.time(7, 0, 0, 5)]),
    ),
)


def _rows(told: list[tuple[str, str]], turned: int | None = None) -> pl.DataFrame:
    """Rows of the log; one that took effect before all, where asked for."""
    minutes = [-1 if number == turned else number for number in range(len(told))]
    return pl.DataFrame(
        {
            "position": range(1, len(told) + 1),
            "event_id": [str(number) for number in range(len(told))],
            "type": [kind for kind, _ in told],
            "schema_version": [1] * len(told),
            "occurred_at": [START + dt.timedelta(minutes=m) for m in minutes],
            "payload": [payload for _, payload in told],
            "fault": [None] * len(told),
            "first": [None] * len(told),
        },
        schema={
            "position": pl.Int64,
            "event_id": pl.String,
            "type": pl.String,
            "schema_version": pl.Int32,
            "occurred_at": pl.Datetime("us", "UTC"),
            "payload": pl.String,
            "fault": pl.String,
            "first": pl.Int64,
        },
    )


def _by_column(state: State, rows: pl.DataFrame) -> pl.DataFrame:
    """Fold plain facts by column, the others one by one; return these."""
    left = fold_plain(state, with_crossing(with_kinship(rows)))
    apply(state, facts(left.sort("occurred_at", "position")))
    return left


_CUTS = st.lists(st.integers(0, 60), max_size=3)
_TURNED = st.none() | st.integers(0, 60)


@settings(max_examples=examples(20, 60))
@given(st.lists(_FACTS, max_size=40), _TURNED, _CUTS)
def test_stock_and_orders_by_column_and_by_fact_are_equal(told, turned, cuts):
    _assert_equal_folds(told, turned, cuts)


@settings(max_examples=examples(10, 30))
@given(st.lists(_MASTER_DATA, max_size=15), _TURNED, _CUTS)
def test_master_data_by_column_and_by_fact_are_equal(told, turned, cuts):
    _assert_equal_folds(told, turned, cuts)


def _assert_equal_folds(
    told: list[tuple[str, str]], turned: int | None, cuts: list[int]
) -> None:
    rows = _rows(told, turned)
    one, other = State(), State()
    for start, end in pairwise(sorted({0, len(told), *cuts})):
        piece = rows.slice(start, end - start)
        apply(one, facts(piece.sort("occurred_at", "position")))
        _by_column(other, piece)
        assert other.equals(one)


def _of(*told: tuple[str, dict[str, Any]]) -> pl.DataFrame:
    return _rows([(kind, encode(body(kind, **cells))) for kind, cells in told])


_STOCK = {"product": "A", "location": "DC", "lot": "L1"}
_ORDER: dict[str, Any] = {"supply_order": "PO-1"}
_PLACED = {
    **_ORDER,
    "kind": "purchase",
    "product": "A",
    "location": "DC",
    "qty": 5.0,
    "due": DUE,
}


def test_movements_since_the_last_count_are_summed_without_a_fact():
    rows = _of(
        ("StockMoved", {**_STOCK, "qty": 7.0}),
        ("StockCounted", {**_STOCK, "qty": 1000.0}),
        ("StockMoved", {**_STOCK, "qty": -65.2}),
        ("StockMoved", {**_STOCK, "qty": -0.09}),
    )
    state = State()
    assert _by_column(state, rows).is_empty()
    assert state.frame("stock")["qty"].to_list() == [934.71]


def test_the_life_of_an_order_is_folded_without_a_fact():
    rows = _of(
        ("SupplyOrderPlaced", _PLACED),
        ("SupplyOrderConfirmed", {**_ORDER, "qty": 6.0}),
        ("SupplyOrderStarted", {**_ORDER, "started_at": day(1), "step": 10}),
        ("SupplyOrderStarted", {**_ORDER, "started_at": day(2), "step": 20}),
        ("SupplyOrderReceived", {**_ORDER, "qty": 4.5, "received_at": day(3)}),
        ("SupplyOrderCompleted", {**_ORDER, "completed_at": day(3)}),
    )
    state = State()
    assert _by_column(state, rows).is_empty()
    cells = state.frame("supply_orders").row(0, named=True)
    found = [cells[name] for name in ("qty", "qty_done", "start", "status")]
    assert found == [6.0, 4.5, day(1), "completed"]
    assert state.frame("supply_order_steps")["start"].to_list() == [day(1), day(2)]


_SUBSTITUTED = {"product": "A", "substitute": "C"}


def test_the_last_stated_row_of_a_key_is_taken_whole_without_a_fact():
    rows = _of(
        ("SubstituteDefined", {**_SUBSTITUTED, "ratio": 2.0, "priority": 1}),
        ("SubstituteDefined", {**_SUBSTITUTED, "location": "DC", "ratio": 3.0}),
        ("SubstituteChanged", {**_SUBSTITUTED, "location": "*", "priority": 7}),
    )
    state = State()
    assert _by_column(state, rows).is_empty()
    found = state.frame("substitutes").select("location", "ratio", "priority")
    assert found.rows() == [("*", None, 7), ("DC", 3.0, None)]


def test_a_retirement_sends_its_key_alone_fact_by_fact():
    other = {**_SUBSTITUTED, "location": "DC"}
    rows = _of(
        ("SubstituteDefined", _SUBSTITUTED),
        ("SubstituteDefined", other),
        ("SubstituteRetired", _SUBSTITUTED),
    )
    state = State()
    assert _by_column(state, rows)["position"].to_list() == [1, 3]
    assert state.frame("substitutes")["location"].to_list() == ["DC"]


@pytest.mark.parametrize(
    "told",
    [
        [("SupplyOrderReleased", _ORDER)],
        [
            ("SupplyOrderPlaced", _PLACED),
            ("SupplyOrderReceived", {**_ORDER, "qty": 9.0, "received_at": DUE}),
        ],
        [("SupplyOrderPlaced", _PLACED), ("SupplyOrderPlaced", _PLACED)],
        [("StockMoved", {**_STOCK, "qty": 0.1234567})],
        [("StockMoved", {**_STOCK, "qty": 1.0, "reason": 'a"b'})],
        [
            ("LotStatusChanged", {**_STOCK, "status": "blocked"}),
            ("StockMoved", {**_STOCK, "qty": 1.0}),
        ],
        [
            ("SubstituteDefined", {**_SUBSTITUTED, "ratio": 1e-9}),
            ("SubstituteDefined", {**_SUBSTITUTED, "location": "DC"}),
        ],
    ],
    ids=[
        "unknown",
        "too_much",
        "twice",
        "digits",
        "escape",
        "with_another_type",
        "table_with_an_unread_fact",
    ],
)
def test_what_is_not_plain_goes_fact_by_fact(told):
    rows = _of(*told)
    assert _by_column(State(), rows).height == len(told)


def test_a_lake_folded_by_column_has_the_tables_of_one_folded_by_fact(
    tmp_path, monkeypatch
):
    told = [event(1, "SupplyOrderPlaced", **_PLACED)]
    told += [
        event(number, "StockMoved", **_STOCK, qty=number / 10)
        for number in range(2, 40)
    ]
    told += [event(60, "StockCounted", occurred=day(0.001), **_STOCK, qty=3.3)]
    store = store_of(told)
    found = []
    for least in (1, 10**9):
        monkeypatch.setattr(silver, "_BULK", least)
        lake = Lake(tmp_path / str(least))
        lake.mirror(store)
        lake.refresh()
        found.append(lake.fingerprints())
    assert found[0] == found[1]
