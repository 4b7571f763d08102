from __future__ import annotations

import datetime as dt
import pickle

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from medhavi import schema
from medhavi.findings import BadData
from medhavi.snapshot import Snapshot
from medhavi.snapshot.reading.local_days import LocalDays
from medhavi.snapshot.reading.normalise import normalise
from medhavi.snapshot.tables import DTYPES, empty
from tests import factories
from tests.factories import AS_OF
from tests.strategies import network_tables, snapshots


def test_every_table_has_all_columns_in_order_typed_also_without_rows():
    snapshot = Snapshot.from_frames({})
    for name in schema.tables():
        assert dict(snapshot[name].schema) == dict(DTYPES[name])
        assert snapshot[name].equals(empty(name))


def test_a_table_without_rows_is_the_same_however_it_is_given():
    for name in schema.tables():
        header = pl.DataFrame(schema=dict.fromkeys(DTYPES[name], pl.String))
        for given_rows in (header, empty(name), pl.DataFrame()):
            made = normalise(name, given_rows, LocalDays({}.get))
            assert made.frame.equals(empty(name))
            assert dict(made.frame.schema) == dict(DTYPES[name])
            assert (len(made.rows), made.findings) == (0, ())
    unknown = Snapshot.from_frames({"products": pl.DataFrame(schema=["colour"])})
    assert "SNAP001" in {found.code for found in unknown.findings}


def test_defaults_are_filled_and_unstated_cells_are_null():
    row = factories.snapshot(products=[{"product": "A"}])["products"].row(0, named=True)
    assert (row["uom"], row["unit_cost"], row["hazmat"]) == ("each", 0.0, False)
    assert (row["kind"], row["qty_step"], row["characteristics"]) == (None, None, None)


def test_an_open_begin_is_null():
    snapshot = factories.snapshot(supply_terms=[{"valid_from": "always"}])
    assert snapshot["supply_terms"]["valid_from"].to_list() == [None]
    assert Snapshot.from_frames({"settings": [{"as_of": AS_OF}]})["settings"][
        "priority_weights"
    ].to_list() == [[]]


@given(st.data())
def test_the_order_of_input_rows_changes_nothing(data):
    tables = data.draw(network_tables())
    shuffled = {
        name: data.draw(st.permutations(rows)) if rows else rows
        for name, rows in tables.items()
    }
    one, other = Snapshot.from_frames(tables), Snapshot.from_frames(shuffled)
    assert one.fingerprint == other.fingerprint
    for name in tables:
        assert one[name].equals(other[name])


@given(snapshots())
def test_a_snapshot_of_its_own_tables_is_the_same(snapshot):
    assert Snapshot.from_frames(snapshot.tables).fingerprint == snapshot.fingerprint


def test_rows_that_share_a_key_are_put_in_one_order_too():
    rows = [{"product": "A", "name": name} for name in "xyz"]
    one = Snapshot.from_frames({"products": rows})
    other = Snapshot.from_frames({"products": rows[::-1]})
    assert one["products"].equals(other["products"])


def test_input_rows_are_counted_as_a_person_sees_them():
    snapshot = Snapshot.from_frames({"products": [{"product": "B"}, {"product": "A"}]})
    assert snapshot["products"]["product"].to_list() == ["A", "B"]
    assert snapshot.input_rows("products").to_list() == [2, 1]


def test_replace_reads_only_the_named_tables():
    before = factories.snapshot(stock=[{"qty": 1}])
    after = before.replace(stock=[{"product": "A", "location": "L", "qty": 2}])
    assert after["stock"]["qty"].to_list() == [2.0]
    assert after["products"] is before["products"]
    assert after.fingerprint != before.fingerprint
    assert after.replace(stock=before["stock"]).fingerprint == before.fingerprint


def test_a_table_without_rows_counts_as_absent_in_the_fingerprint():
    with_empty = factories.snapshot(stock=[])
    assert with_empty.fingerprint == factories.snapshot().fingerprint


def test_unknown_table_names_are_refused_with_the_nearest():
    snapshot = factories.snapshot()
    with pytest.raises(KeyError, match="product; the nearest name is products"):
        snapshot["product"]
    with pytest.raises(KeyError, match="stocks; the nearest name is stock"):
        snapshot.replace(stocks=[])


def test_unknown_tables_in_frames_are_a_warning():
    [found] = (
        factories.snapshot()
        .from_frames({"bom": [], "settings": [{"as_of": AS_OF}]})
        .findings
    )
    assert (found.code, found.table) == ("SNAP002", "bom")


def test_bad_data_never_raises_until_it_is_required():
    snapshot = factories.snapshot(demands=[{"qty": -1}, {"due": "soon"}])
    codes = [found.code for found in snapshot.findings]
    assert codes == ["SNAP005", "SNAP007", "SNAP045"]
    with pytest.raises(BadData, match=r"qty is -1\.0"):
        snapshot.require()


def test_good_data_passes_the_requirement_as_itself():
    snapshot = factories.snapshot(products=[{}])
    assert snapshot.require() is snapshot


def test_settings_are_a_record():
    settings = factories.snapshot(
        settings=[{"horizon_days": 1.5, "priority_weights": "4;2"}]
    ).settings
    assert settings.as_of == int(AS_OF.timestamp())
    assert settings.horizon_end == settings.as_of + 36 * 3600
    assert [settings.weight(priority) for priority in (0, 1, 2, 9)] == [4, 4, 2, 2]
    assert settings.risk_basis == "p80"


def test_usual_priority_weights_hold_where_none_are_stated():
    settings = factories.snapshot().settings
    assert [settings.weight(priority) for priority in range(6)] == [10, 10, 5, 2, 1, 1]


def test_a_weight_that_is_no_number_is_left_out():
    settings = factories.snapshot(settings=[{"priority_weights": "4;much;1"}]).settings
    assert settings.priority_weights == (4.0, 1.0)


@pytest.mark.parametrize("rows", [[], [{"as_of": "yesterday"}]])
def test_without_a_moment_there_are_no_settings(rows):
    snapshot = Snapshot.from_frames({"settings": rows})
    with pytest.raises(BadData, match="settings"):
        _ = snapshot.as_of


def test_the_summary_names_moment_rows_and_worst_findings():
    snapshot = factories.snapshot(demands=[{"qty": -1}], settings=[{}])
    lines = str(snapshot).splitlines()
    assert lines[0].startswith("Snapshot of 2026-01-05 00:00 UTC: 1 products, 1 loc")
    assert lines[1] == "1 errors, 1 other findings"
    assert lines[2].startswith("  SNAP007 error: demands row 1 column qty")
    assert repr(snapshot) == f"<Snapshot {snapshot.fingerprint[:12]}>"


def test_an_empty_snapshot_has_a_summary_too():
    assert str(Snapshot.from_frames({})).startswith("Snapshot of no as_of: no rows")


def test_rows_may_mix_types_and_leave_columns_out():
    snapshot = Snapshot.from_frames(
        {
            "demands": [
                {"demand": 7, "qty": "5", "due": dt.date(2026, 1, 5), "line": 1.0},
                {"demand": "x", "qty": 2.5, "due": AS_OF, "requires": ["a=b", "c=d"]},
                {
                    "demand": True,
                    "full_line": "true",
                    "due": AS_OF.replace(tzinfo=None),
                },
                {"demand": 0.5, "full_line": False, "requires": "e=f"},
            ]
        }
    )
    demands = snapshot["demands"]
    assert demands["demand"].to_list() == ["0.5", "7", "true", "x"]
    assert demands["qty"].to_list() == [None, 5.0, None, 2.5]
    end_of_day = AS_OF + dt.timedelta(days=1)
    assert demands["due"].to_list() == [None, end_of_day, AS_OF, AS_OF]
    assert demands["requires"].to_list() == [["e=f"], None, None, ["a=b", "c=d"]]
    assert demands["full_line"].to_list() == [False, False, True, False]


def test_frames_may_come_in_other_dtypes():
    frame = pl.DataFrame(
        {
            "product": pl.Series(["A"], dtype=pl.Categorical),
            "qty_step": pl.Series([2], dtype=pl.Int8),
            "weight_kg": pl.Series([None], dtype=pl.Null),
            "make_to_order": pl.Series([1], dtype=pl.UInt8),
        }
    )
    row = Snapshot.from_frames({"products": frame})["products"].row(0, named=True)
    assert row["product"] == "A"
    assert (row["qty_step"], row["weight_kg"], row["make_to_order"]) == (2.0, 0.0, True)


def test_missing_columns_and_cells_that_must_be_filled_are_errors():
    snapshot = Snapshot.from_frames(
        {"settings": [{"as_of": AS_OF}], "customers": [{"name": "x"}]}
    )
    assert [(f.code, f.column) for f in snapshot.findings] == [("SNAP003", "customer")]
    snapshot = Snapshot.from_frames(
        {
            "settings": [{"as_of": AS_OF}],
            "customers": [{"customer": ""}, {"customer": 1}],
        }
    )
    assert [(f.code, f.row) for f in snapshot.findings] == [("SNAP004", 1)]


def test_infinite_and_undefined_numbers_are_errors_and_become_empty():
    snapshot = factories.snapshot(
        routings=[{"max_lot": float("inf"), "yield": float("nan")}]
    )
    found = [f for f in snapshot.findings if f.code == "SNAP009"]
    assert [f.column for f in found] == ["max_lot", "yield"]
    assert snapshot["routings"]["max_lot"].to_list() == [None]
    assert snapshot["routings"]["yield"].to_list() == [1.0]


def test_instants_cut_to_the_second_are_told():
    snapshot = factories.snapshot(settings=[{"as_of": "2026-01-05T00:00:00.5Z"}])
    assert [(f.code, f.value) for f in snapshot.findings] == [("SNAP014", "1")]


def test_a_whole_column_of_wrong_cells_is_listed_in_part_and_counted():
    rows = [{"product": f"P{number}", "unit_cost": "much"} for number in range(250)]
    snapshot = factories.snapshot(products=rows)
    listed = [found for found in snapshot.findings if found.code == "SNAP005"]
    [rest] = [found for found in snapshot.findings if found.code == "SNAP013"]
    assert len(listed) == 100
    assert rest.value == "150"
    assert "SNAP005" in rest.message


def test_minus_zero_is_zero():
    snapshot = factories.snapshot(products=[{"unit_cost": -0.0}])
    other = factories.snapshot(products=[{"unit_cost": 0.0}])
    assert snapshot.fingerprint == other.fingerprint


def test_a_snapshot_travels_between_processes():
    snapshot = factories.snapshot(demands=[{"qty": -1}], supply_terms=[{}])
    again = pickle.loads(pickle.dumps(snapshot))
    assert again.fingerprint == snapshot.fingerprint
    assert again.findings == snapshot.findings


@given(snapshots(), snapshots())
def test_sharing_equal_tables_changes_nothing_that_is_said(earlier, later):
    """Not even where rows are held back, or what was said before would be wrong."""
    assert isinstance(earlier.findings, tuple)  # it has been asked
    shared = later.sharing(earlier)
    assert shared.fingerprint == later.fingerprint
    assert shared.findings == later.findings
    assert shared.hold_bad_rows().fingerprint == later.hold_bad_rows().fingerprint
    assert shared.hold_bad_rows().findings == later.hold_bad_rows().findings
    for name, frame in later.tables.items():
        if frame.equals(earlier[name]):
            assert shared.input_rows(name).equals(later.input_rows(name))


def test_a_fault_of_another_table_is_found_beside_shared_ones():
    rows = {
        "settings": [{"as_of": AS_OF}],
        "products": [{"product": "A"}],
        "locations": [{"location": "L"}],
    }
    right = Snapshot.from_frames(rows)
    assert all(found.table != "stock" for found in right.findings)
    stock = [{"product": "GONE", "location": "L", "qty": 1}]
    wrong = Snapshot.from_frames({**rows, "stock": stock})
    shared = wrong.sharing(right)
    assert shared["products"] is right["products"]
    assert shared.findings == wrong.findings != right.findings
