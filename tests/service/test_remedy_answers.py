"""What a remedy asks for: an edit where one does it, else rows and a reason."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from medhavi.results.limiter import RemedyKind
from medhavi.results.plan_remedy import PlanRemedy
from medhavi.results.promises.parts import TriedRemedy
from medhavi.service.plan_pages.decision_words import override_words
from medhavi.service.plan_pages.desk_parts import remedy_line, remedy_pick
from medhavi.service.plan_pages.remedy_edits import answer_of, rows_file
from medhavi.service.promise_pages import promise_commit
from medhavi.snapshot.reading.folder import read
from medhavi.views.changed_cells import rows_html
from tests import factories
from tests.api import DataSource, PageData, edit, names_of
from tests.factories import AS_OF

NOW = AS_OF
LATER = AS_OF + dt.timedelta(days=9)
ORDER = {"supply_order": "PO-1", "kind": "purchase", "product": "A", "location": "L"}


@pytest.fixture
def snapshot():
    return factories.snapshot(
        demands=[{"due": LATER}],
        supply_terms=[{"lead_time_days": 5}],
        supply_orders=[{**ORDER, "qty": 4, "due": LATER}],
    )


def changed(
    snapshot, table: str, **cells: object
) -> dict[str, tuple[dict[str, object], ...]]:
    return {table: ({**snapshot[table].row(0, named=True), **cells},)}


def test_an_order_with_another_date_is_a_move(snapshot):
    answer = answer_of(changed(snapshot, "supply_orders", due=NOW, start=NOW), snapshot)
    due = NOW.isoformat()
    assert answer.edit == {"kind": "move", "supply": "PO-1", "due": due}


def test_an_order_that_has_begun_has_no_button():
    begun = {**ORDER, "kind": "work", "qty": 4, "due": LATER, "status": "in_process"}
    snapshot = factories.snapshot(
        routings=[{"routing": "R", "product": "A", "location": "L"}],
        supply_orders=[{**begun, "source": "R"}],
    )
    answer = answer_of(changed(snapshot, "supply_orders", due=NOW), snapshot)
    assert answer.edit is None
    assert "PO-1 is in process" in answer.why


def test_one_other_cell_is_an_override(snapshot):
    rows = changed(snapshot, "supply_terms", lead_time_days=2.0)
    edit = answer_of(rows, snapshot).edit
    assert edit is not None
    assert (edit["kind"], edit["column"], edit["value"]) == (
        "override",
        "lead_time_days",
        2.0,
    )
    assert edit["key"]["product"] == "A"


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"request": ({"qty": 3.0},)}, "promise it with the change"),
        ({"reservations": ({"reservation": "R"},)}, "released first"),
        ({"supply_orders": ({**ORDER, "supply_order": "PO-2"},)}, "adds rows"),
        (
            {"request": ({"qty": 3.0},), "lanes": ({"lane": "L-1"},)},
            "both the request and the data",
        ),
    ],
)
def test_what_no_edit_does_is_said_with_a_way_out(snapshot, rows, words):
    answer = answer_of(rows, snapshot)
    assert answer.edit is None
    assert words in answer.why


def test_new_rows_of_master_data_are_added(snapshot):
    unit = {"resource": "M", "valid_from": NOW, "valid_to": LATER, "units": 2.0}
    answer = answer_of({"resource_units": (unit,)}, snapshot)
    assert answer.edit is not None
    asked = edit(**answer.edit)  # type: ignore[arg-type]
    (row,) = asked.values["rows"]
    assert (row.table, row.row["valid_from"]) == ("resource_units", NOW.isoformat())


def test_new_rows_and_other_cells_of_master_data_are_one_edit(snapshot):
    """An extra shift: the resource gets a calendar that is new."""
    shift = {
        "calendar": "C+M",
        "weekday": 1,
        "start": dt.time(6),
        "finish": dt.time(14),
    }
    cells = changed(snapshot, "supply_terms", lead_time_days=2.0)
    mixed = answer_of({**cells, "shifts": (shift,)}, snapshot)
    assert mixed.edit is not None
    patch = edit(**mixed.edit).patch(snapshot)  # type: ignore[arg-type]
    assert patch.apply(snapshot)["supply_terms"]["lead_time_days"].to_list() == [2.0]
    assert patch.upserts["shifts"]["weekday"].to_list() == [1]


def test_rows_of_others_beside_cells_are_for_whoever_keeps_them(snapshot):
    order = {**ORDER, "supply_order": "PO-2", "qty": 1.0, "due": LATER}
    known = changed(snapshot, "supply_terms", lead_time_days=2.0)
    why = answer_of({**known, "supply_orders": (order,)}, snapshot).why
    assert "Whoever keeps these records has to enter it" in why


def test_several_cells_of_data_are_one_override(snapshot):
    rows = changed(snapshot, "supply_terms", lead_time_days=2.0, lead_time_p95_days=3.0)
    asked = answer_of(rows, snapshot).edit
    assert asked is not None
    cells = {one.column: one.value for one in edit(**asked).overridden()}  # type: ignore[arg-type]
    assert cells == {"lead_time_days": 2.0, "lead_time_p95_days": 3.0}
    told = override_words(edit(**asked), names_of(snapshot))  # type: ignore[arg-type]
    assert told.count("becomes") == 2
    assert told.count("supply terms") == 1


def test_cells_of_orders_and_data_are_no_edit_but_a_file_that_can_be_read(
    snapshot, tmp_path
):
    rows = {
        **changed(snapshot, "supply_terms", lead_time_days=2.0, lead_time_p95_days=3.0),
        **changed(snapshot, "supply_orders", qty=5.0),
    }
    assert "3 cells of orders and more" in answer_of(rows, snapshot).why
    place = tmp_path / "rows.xlsx"
    place.write_bytes(rows_file(rows, snapshot))
    frames, found = read(place)
    assert found == []
    [row] = frames["supply_terms"].to_dicts()
    assert (float(row["lead_time_days"]), float(row["lead_time_p95_days"])) == (2, 3)


def test_rows_are_told_with_local_times(snapshot):
    rows = changed(snapshot, "supply_orders", due=NOW)
    told = rows_html(rows, snapshot, names_of(snapshot))
    assert "supply orders" in told
    assert "UTC" not in told
    new = {"resource_units": ({"resource": "M", "valid_from": NOW},)}
    assert "a new row" in rows_html(new, snapshot, names_of(snapshot))


def test_a_remedy_has_a_button_where_an_edit_does_it(snapshot):
    remedy = PlanRemedy(
        demand="D",
        kind=RemedyKind.EXPEDITE,
        cause="AwaitingSupply",
        subject="PO-1",
        text="bring PO-1 forward to 2026-01-05 00:00 UTC",
        rows=changed(snapshot, "supply_orders", due=NOW),
        date_before=2,
        tested_date=1,
        lateness_before_h=1.0,
        lateness_h=0.0,
        saved=5.0,
        price=0.0,
        priced=False,
        late_before=1,
        late_after=0,
        helped=1,
    )
    pressed: list[object] = []
    names = names_of(snapshot)
    button, words = remedy_line(remedy, snapshot, names, pressed.append)
    assert "UTC" not in words.text
    assert list(remedy_pick([remedy], names).options) == [
        "1: Bring PO-1 forward to Mon 5 Jan"
    ]
    assert remedy_pick([], names) is None
    assert button is not None
    button._update(1)
    reason = "Bring PO-1 forward to Mon 5 Jan"
    assert pressed == [{**answer_of(remedy.rows, snapshot).edit, "reason": reason}]


def test_nothing_is_decided_on_tables_or_in_the_past(snapshot):
    rows = changed(snapshot, "supply_orders", due=NOW)
    remedy = TriedRemedy(code="AwaitingSupply", text="t", rows=rows, date=0, cost=0.0)
    page = PageData(source=DataSource(tables="t"), snapshot=snapshot)
    assert "serve a lake" in promise_commit.edit_of(remedy, page).why
    lake = PageData(source=DataSource(lake="l"), snapshot=snapshot)
    ago = replace(lake, source=DataSource(lake="l", past=True))
    assert "in the past" in promise_commit.edit_of(remedy, ago).why
    assert promise_commit.edit_of(remedy, lake).edit is not None
