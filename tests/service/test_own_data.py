"""A file of one's own and a mended cell, on files and on a lake, from a page."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import openpyxl
import pytest

from medhavi.schema.template import example_rows
from medhavi.service import page_data
from medhavi.service.data_pages import (
    cell_form,
    change_list,
    data_page,
    own_data,
)
from medhavi.service.plan_pages import decision_words
from medhavi.service.plan_pages.plan_loading import load_page
from medhavi.snapshot import Snapshot
from medhavi.views.grid_columns import APPROVED_BY, CHANGE, STATE
from medhavi.views.names import NOTHING
from medhavi.workbench.files.template_files import write_xlsx_template
from tests.examples import some
from tests.lakehouse.lake_events import event
from tests.workbench.edit_company import company

if TYPE_CHECKING:
    from collections.abc import Mapping


@pytest.fixture(autouse=True)
def nowhere(monkeypatch, tmp_path):
    for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    page_data._benches.clear()


@pytest.fixture
def lemonade(tmp_path):
    folder = tmp_path / "lemonade"
    Snapshot.from_frames(example_rows()).to_folder(folder, format="csv")
    return folder


@pytest.fixture
def lake(tmp_path, monkeypatch):
    company(tmp_path)
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    return load_page(mode="mrp")


def asked(**form):
    usual = {"table": "demands", "row": "2", "column": "product", "value": ""}
    return {**usual, **form}


@pytest.mark.req("ENR-10")
def test_a_wrong_cell_of_a_file_is_mended_from_its_finding(lemonade) -> None:
    path = lemonade / "demands.csv"
    path.write_text(path.read_text("utf-8").replace("LEMONADE", "X", 1), "utf-8")
    shown = load_page(str(lemonade), mode="mrp")
    state = data_page.state_of(shown)
    assert state is not None
    found = state.findings.groups[0][0]
    table = cell_form.table_choice(state, found, lambda _: "", print)
    assert table.value == "demands"
    place = cell_form.cell_place(shown, state, table.value, found, lambda _: "")
    assert place.value == {"row": "2", "column": "product"}
    form = cell_form.cell_value(table.value, place, found, lambda _: "")
    assert form.element.value == ""
    present = cell_form.present_html(shown, state, table.value, place.value)
    assert present == "<p>Product now: X</p>"
    proposal = own_data.proposed_cell(shown, state, asked(value="LEMONADE"))
    told = own_data.proposal_html(proposal, shown.names)
    assert "demands 1 changed; " in told
    assert "SNAP011" in told
    command = own_data.command_html(shown, proposal, whole=False)
    assert "medhavi tables mend --tables lemonade --table demands --row 2" in command
    done = own_data.take(shown, proposal, None, "Ana")
    assert done.kept
    mended = load_page(str(lemonade), mode="mrp")
    assert mended.plan is not None
    listed = change_list.change_rows(mended, mended.names)
    assert listed.select(APPROVED_BY, STATE).row(0) == ("Ana", "stands")
    assert own_data.undo(mended, "Bob").kept
    assert load_page(str(lemonade), mode="mrp").plan is None


def test_the_price_of_a_file_is_that_of_the_plan_with_it(lemonade) -> None:
    shown = load_page(str(lemonade), mode="mrp")
    content = b"supplier,product,location,unit_price\nGLASS,BOTTLE,PLANT,9\n"
    proposal = own_data.uploaded(shown, [("supply_terms.csv", content)], whole=False)
    assert proposal.update is not None
    assert proposal.update.findings == ()
    priced = own_data.priced(shown, proposal)
    assert priced.preview is not None
    assert priced.preview.price.total > 0
    assert own_data.buttons(shown, proposal, None, (1, 2, 3)) == [1, 2, 3]


@pytest.mark.req("ENR-10")
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("served", [True, False])
def test_a_missing_column_is_one_error_and_the_file_is_not_taken(
    tmp_path, served, whole
) -> None:
    """References to the ids that it lacks are no errors of their own."""
    place = tmp_path / "place"
    if served:
        Snapshot.from_frames(example_rows()).to_folder(place, format="csv")
    else:
        place.mkdir()
    write_xlsx_template(tmp_path / "mine.xlsx", example=True)
    book = openpyxl.load_workbook(tmp_path / "mine.xlsx")
    book["products"].delete_cols(1)
    book.save(tmp_path / "mine.xlsx")
    shown = load_page(str(place), mode="mrp")
    files = [("mine.xlsx", (tmp_path / "mine.xlsx").read_bytes())]
    proposal = own_data.uploaded(shown, files, whole=whole)
    assert proposal.update is not None
    assert "products" not in proposal.update.counts()
    told = [(one.code, one.column) for one in proposal.update.findings]
    assert told == [("SNAP003", "product")]
    assert cell_form.mend_form(proposal, print) is None
    (said,) = own_data.buttons(shown, proposal, None, (1, 2, 3))
    assert "Correct the errors above first" in said.text
    assert own_data.command_html(shown, proposal, whole=whole) == ""
    done = own_data.take(shown, proposal, None, "Ana")
    assert (done.kept, "brings errors" in done.text) == (False, True)


def test_what_cannot_be_read_is_told(lemonade) -> None:
    shown = load_page(str(lemonade), mode="mrp")
    state = data_page.state_of(shown)
    for form in (asked(row=""), asked(row="two"), asked(row="99")):
        proposal = own_data.proposed_cell(shown, state, form)
        assert proposal.problem is not None
        assert own_data.buttons(shown, proposal, None, (1, 2, 3)) == []
    wrong = own_data.uploaded(shown, [("a.docx", b"")], whole=False)
    assert "not a file of tables" in own_data.proposal_html(wrong, shown.names)


def test_a_workbook_is_checked_where_nothing_is_served(tmp_path) -> None:
    shown = load_page()
    proposal = own_data.uploaded(
        shown, [("products.csv", b"product,unit_cost\nA,cheap\n")], whole=False
    )
    assert "is no number" in own_data.proposal_html(proposal, shown.names)
    assert own_data.buttons(shown, proposal, None, (1, 2, 3)) == []


@pytest.mark.req("ENR-10")
def test_a_whole_workbook_is_compared_where_nothing_is_served(tmp_path) -> None:
    """Settings have no key, and there are none before the first workbook."""
    write_xlsx_template(tmp_path / "mine.xlsx", example=True)
    content = (tmp_path / "mine.xlsx").read_bytes()
    proposal = own_data.uploaded(load_page(), [("mine.xlsx", content)], whole=False)
    assert proposal.problem is None
    told = own_data.proposal_html(proposal, load_page().names)
    assert "settings 1 added. products 4 added" in told
    # 06:00 UTC is told in the zone of the plant of the file.
    assert "as of Mon 2 Mar, 07:00" in told


@pytest.mark.req("ENR-10")
@pytest.mark.parametrize(
    ("sheet", "wrong", "time"),
    [("products", "cheap", "07:00"), ("locations", "Europe/Nowhere", "06:00")],
)
def test_times_of_a_workbook_with_errors_are_those_of_its_zone(
    tmp_path, sheet, wrong, time
) -> None:
    """Those of a zone that there is; the cell with the wrong one is told."""
    write_xlsx_template(tmp_path / "mine.xlsx", example=True)
    book = openpyxl.load_workbook(tmp_path / "mine.xlsx")
    column = {"products": "unit_cost", "locations": "timezone"}[sheet]
    names = [cell.value for cell in book[sheet][1]]
    for row in range(2, book[sheet].max_row + 1):
        book[sheet].cell(row, names.index(column) + 1).value = wrong
    content = io.BytesIO()
    book.save(content)
    shown = load_page()
    files = [("mine.xlsx", content.getvalue())]
    told = own_data.proposal_html(
        own_data.uploaded(shown, files, whole=False), shown.names
    )
    assert wrong in told
    assert f"as of Mon 2 Mar, {time}" in told


@pytest.mark.req("ENR-10", "UI-11")
def test_a_cell_of_a_lake_is_an_override_with_its_price(lake) -> None:
    state = data_page.state_of(lake)
    form = asked(table="supply_terms", row="S|A|DC", column="unit_price", value="9")
    proposal = own_data.proposed_cell(lake, state, form)
    assert "medhavi orders override" in own_data.command_html(
        lake, proposal, whole=False
    )
    told = own_data.proposal_html(proposal, lake.names)
    assert told.index(">unit price<") < told.index(">2<") < told.index(">9<")
    unread = own_data.proposed_cell(lake, state, {**form, "value": "9,99"})
    assert unread.problem is not None
    assert "Unit price 9,99: the column holds numbers" in unread.problem.text
    assert own_data.buttons(lake, proposal, None, (1, 2, 3)) == [1]
    priced = own_data.priced(lake, proposal)
    assert own_data.buttons(lake, proposal, priced, (1, 2, 3)) == [1, 2, 3]
    assert own_data.take(lake, proposal, priced, "Ana").kept
    later = load_page(mode="mrp")
    prices = later.snapshot["supply_terms"].filter(supplier="S")["unit_price"]
    assert prices.to_list() == [9.0]
    assert own_data.undo(later, "Ana").kept


@pytest.mark.req("ENR-10", "UI-11")
def test_a_file_of_master_data_is_one_edit_of_a_lake(lake) -> None:
    content = b"supplier,name\nS,Smith\nNEW,New one\n"
    proposal = own_data.uploaded(lake, [("suppliers.csv", content)], whole=False)
    assert proposal.edit is not None
    assert proposal.edit["kind"] == "replace_rows"
    priced = own_data.priced(lake, proposal)
    assert priced.preview is not None
    assert own_data.take(lake, proposal, priced, "Ana").kept
    later = load_page(mode="mrp")
    names = dict(later.snapshot["suppliers"].select("supplier", "name").iter_rows())
    assert (names["S"], names["NEW"]) == ("Smith", "New one")
    told = " ".join(change_list.change_rows(later, later.names)[CHANGE])
    assert "New: suppliers, New one" in told
    assert f"Changed: suppliers, Smith, name {NOTHING} → Smith" in told
    assert own_data.undo(later, "Ana").kept
    assert "NEW" not in load_page(mode="mrp").snapshot["suppliers"]["supplier"]


def test_stock_of_a_file_is_nothing_a_lake_takes(lake) -> None:
    content = b"product,location,lot,qty\nA,DC,L9,5\n"
    proposal = own_data.uploaded(lake, [("stock.csv", content)], whole=False)
    assert proposal.problem is not None, "nobody plans before it is refused"
    told = own_data.proposal_html(proposal, lake.names)
    assert "no edit adds to it" in told
    assert "medhavi serve --tables stock.csv" in told
    assert own_data.buttons(lake, proposal, None, (1, 2, 3)) == []
    assert own_data.command_html(lake, proposal, whole=False) == ""


def _taken(lake, content: bytes, *, whole: bool = False):
    """Page after a file of demands was priced and taken."""
    proposal = own_data.uploaded(lake, [("demands.csv", content)], whole=whole)
    assert proposal.problem is None, proposal.problem
    priced = own_data.priced(lake, proposal)
    assert priced.preview is not None, priced.problem
    done = own_data.take(lake, proposal, priced, "Ana")
    assert done.kept, done.text
    return load_page(mode="mrp"), proposal


@pytest.mark.req("ENR-10")
def test_orders_of_a_file_are_priced_and_taken_by_a_lake_and_go_again(lake) -> None:
    before = lake.snapshot
    first = before["demands"].row(0, named=True)
    content = (
        "demand,product,location,qty,due\n"
        "NEW-1,A,DC,5,2026-05-01T00:00:00Z\n"
        f"{first['demand']},A,DC,{first['qty'] + 7},{first['due']:%Y-%m-%dT%H:%M:%SZ}\n"
    ).encode()
    later, proposal = _taken(lake, content)
    told = own_data.proposal_html(proposal, lake.names)
    assert "NEW-1" in told
    new = re.search("a new row: ([^<]*)", told)[1]
    assert "due " in new, "when it is wanted counts more than what is usual"
    assert "kind order" not in new
    rows = {row["demand"]: row for row in later.snapshot["demands"].to_dicts()}
    assert (rows["NEW-1"]["qty"], rows["NEW-1"]["sales_order"]) == (5.0, "NEW-1")
    assert rows[first["demand"]] == {**first, "qty": first["qty"] + 7}
    assert "NEW-1" in later.plan.fulfilment["demand"], "it is planned"
    assert not [one for one in later.findings if one.code.startswith("LAKE")]
    assert own_data.undo(later, "Ana").kept
    assert load_page(mode="mrp").snapshot["demands"].equals(before["demands"])
    # Once more: the log knows the line, and that it was cancelled.
    again, _ = _taken(load_page(mode="mrp"), content)
    assert "NEW-1" in again.snapshot["demands"]["demand"]
    assert not [one for one in again.findings if one.code.startswith("LAKE")]


def test_a_cell_that_a_file_empties_is_empty_then(tmp_path, monkeypatch) -> None:
    """Customer, order and when it was asked for were kept from the line before."""
    cells = {
        "product": "A",
        "location": "DC",
        "qty": 3.0,
        "due": "2026-05-01T00:00:00Z",
    }
    lines = [
        {"demand": "C-1", "customer": "SHOP", **cells},
        {"demand": "C-2", "customer": "SHOP", **cells},
    ]
    placed = {"sales_order": "SO-9", "requested_at": "2026-01-01T00:00:00Z"}
    company(
        tmp_path,
        event(30, "CustomerDefined", customer="SHOP", name="The shop"),
        event(31, "OrderPlaced", lines=lines, **placed),
    )
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    lake = load_page(mode="mrp")
    before = lake.snapshot["demands"]
    content = (
        b"demand,product,location,qty,due,customer,sales_order,requested_at\n"
        b"C-1,A,DC,3,2026-05-01T00:00:00Z,,,\n"
        b"C-2,A,DC,3,2026-05-01T00:00:00Z,SHOP,SO-9,2026-01-01T00:00:00Z\n"
        b"NEW-1,A,DC,5,2026-05-01T00:00:00Z,SHOP,SO-9,2026-01-01T00:00:00Z\n"
    )
    later, _ = _taken(lake, content)
    rows = {row["demand"]: row for row in later.snapshot["demands"].to_dicts()}
    assert (rows["C-1"]["customer"], rows["C-1"]["requested_at"]) == (None, None)
    assert rows["C-1"]["sales_order"] == "C-1", "a line without an order is its own"
    assert (rows["C-2"]["customer"], rows["C-2"]["sales_order"]) == ("SHOP", "SO-9")
    assert own_data.undo(later, "Ana").kept
    assert load_page(mode="mrp").snapshot["demands"].equals(before)


def test_a_whole_file_of_demands_cancels_the_orders_that_it_lacks(lake) -> None:
    before = lake.snapshot["demands"]
    content = (
        b"demand,product,location,qty,due,kind,period_end\n"
        b"F-1,A,DC,9,2026-05-01T00:00:00Z,forecast,2026-05-08T00:00:00Z\n"
    )
    later, _ = _taken(lake, content, whole=True)
    (row,) = later.snapshot["demands"].to_dicts()
    assert (row["demand"], row["kind"], row["qty"]) == ("F-1", "forecast", 9.0)
    assert row["sales_order"] is None
    assert own_data.undo(later, "Ana").kept
    assert load_page(mode="mrp").snapshot["demands"].equals(before)


@pytest.mark.nightly
def test_a_file_takes_a_promised_date_back(tmp_path, monkeypatch) -> None:
    promise = {"promised": "2026-05-02T00:00:00Z", "qty": 100.0}
    company(tmp_path, event(23, "OrderPromised", demand="D-1", **promise))
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    lake = load_page(mode="mrp")
    row = lake.snapshot["demands"].row(0, named=True)
    assert row["promised"] is not None
    content = (
        "demand,product,location,qty,due,promised\n"
        f"{row['demand']},A,DC,{row['qty']},{row['due']:%Y-%m-%dT%H:%M:%SZ},\n"
        "NEW-1,A,DC,5,2026-05-01T00:00:00Z,2026-05-03T00:00:00Z\n"
    ).encode()
    later, _ = _taken(lake, content)
    promised = dict(later.snapshot["demands"].select("demand", "promised").iter_rows())
    assert promised[row["demand"]] is None
    assert promised["NEW-1"] is not None


PRICE = b"supplier,product,location,lead_time_days,unit_price\nS,A,DC,5,7\n"
"""A price and a time that somebody has overridden."""
PRICES = PRICE + b"NEW,A,DC,3,9\n"
"""The same beside a row that is new."""
OTHERS = ("suppliers.csv", b"supplier,name\nNEW,New one\n")


def _terms(shown):
    """Price and lead time of supplier S."""
    rows = shown.snapshot["supply_terms"].filter(supplier="S")
    return rows.select("unit_price", "lead_time_days").row(0)


@pytest.fixture
def overridden(lake):
    """Supplier S at 5 and in 4 days by an override; 2 and 5 days are stated."""
    bench = page_data.bench_of(lake.source)
    key = {"supplier": "S", "product": "A", "location": "DC"}
    places = [
        ("supply_terms", key, "unit_price"),
        ("supply_terms", key, "lead_time_days"),
    ]
    done = bench.override_all(
        lake.plan, list(zip(places, (5.0, 4.0), strict=True)), approver="Maria"
    )
    assert done.committed, done.findings
    return load_page(mode="mrp")


@pytest.mark.req("ENR-10", "UI-11")
@pytest.mark.parametrize("files", [[("supply_terms.csv", PRICE)], None])
def test_an_override_is_kept_over_a_file_and_named(overridden, files) -> None:
    files = files or [("supply_terms.csv", PRICES), OTHERS]
    proposal = own_data.uploaded(overridden, files, whole=False)
    assert own_data.keeps_overrides(proposal)
    told = own_data.proposal_html(proposal, overridden.names)
    assert re.search(
        r"the override by Maria of \d+ \w{3} \d{4} keeps 5 over 7 of the file", told
    )
    if len(files) == 1:
        assert proposal.is_empty, "nothing but overridden cells differs"
        return
    priced = own_data.priced(overridden, proposal)
    assert own_data.take(overridden, proposal, priced, "Ana").kept
    later = load_page(mode="mrp")
    assert later.snapshot.fingerprint == priced.preview.fingerprint_after
    assert _terms(later) == (5.0, 4.0)
    # What is stated below stays as it was: undo both, and it counts again.
    assert own_data.undo(later, "Ana").kept
    assert own_data.undo(load_page(mode="mrp"), "Maria").kept
    assert _terms(load_page(mode="mrp")) == (2.0, 5.0)


@pytest.mark.nightly
@pytest.mark.req("ENR-10", "UI-11")
@pytest.mark.parametrize("files", some([None, [("supply_terms.csv", PRICE)]], 1))
def test_a_file_ends_overrides_where_that_is_chosen(overridden, files) -> None:
    files = files or [("supply_terms.csv", PRICES), OTHERS]
    proposal = own_data.uploaded(overridden, files, whole=False, end_overrides=True)
    command = own_data.command_html(
        overridden, proposal, whole=False, end_overrides=True
    )
    assert "--end-overrides" in command or len(files) > 1
    priced = own_data.priced(overridden, proposal)
    assert "the override by Maria of" in decision_words.asked_html(
        priced, overridden.names
    )
    assert own_data.take(overridden, proposal, priced, "Ana").kept
    later = load_page(mode="mrp")
    assert later.snapshot.fingerprint == priced.preview.fingerprint_after
    assert _terms(later) == (7.0, 5.0)
    assert own_data.undo(later, "Ana").kept
    assert _terms(load_page(mode="mrp")) == (5.0, 4.0)
    assert own_data.undo(load_page(mode="mrp"), "Maria").kept
    assert _terms(load_page(mode="mrp")) == (2.0, 5.0)


@pytest.mark.nightly
def test_a_row_that_is_stated_anew_is_not_hidden_by_an_override_of_before(
    overridden,
) -> None:
    """An edit that takes a row away ends its overrides; undo brings them back."""
    key = "S,A,DC"
    gone = b"supplier,product,location,lead_time_days,unit_price\nT,A,DC,1,3\n"
    proposal = own_data.uploaded(overridden, [("supply_terms.csv", gone)], whole=True)
    priced = own_data.priced(overridden, proposal)
    assert own_data.take(overridden, proposal, priced, "Ana").kept
    later = load_page(mode="mrp")
    assert not [one for one in later.findings if one.code == "LAKE007"]
    back = f"supplier,product,location,lead_time_days,unit_price\n{key},5,7\n".encode()
    again = own_data.uploaded(later, [("supply_terms.csv", back)], whole=False)
    priced = own_data.priced(later, again)
    assert own_data.take(later, again, priced, "Ana").kept
    assert _terms(load_page(mode="mrp")) == (7.0, 5.0)
    assert own_data.undo(load_page(mode="mrp"), "Ana").kept
    assert own_data.undo(load_page(mode="mrp"), "Ana").kept
    assert _terms(load_page(mode="mrp")) == (5.0, 4.0)


@pytest.mark.req("ENR-10")
def test_a_workbook_of_another_company_is_not_mixed_with_that_of_a_lake(
    tmp_path, monkeypatch
) -> None:
    company(tmp_path, event(30, "ProductDefined", product="A"))
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    lake = load_page(mode="mrp")
    write_xlsx_template(tmp_path / "mine.xlsx", example=True)
    content = (tmp_path / "mine.xlsx").read_bytes()
    proposal = own_data.uploaded(lake, [("mine.xlsx", content)], whole=False)
    told = own_data.proposal_html(proposal, lake.names)
    assert "The file is a company of its own" in told
    assert "Start it by itself: medhavi serve --tables mine.xlsx" in told
    assert own_data.buttons(lake, proposal, None, (1, 2, 3)) == []
    # A product beside the known ones is no other company.
    more = b"product,name\nA,Apple\nNEW,New one\n"
    shared = own_data.uploaded(lake, [("products.csv", more)], whole=False)
    assert shared.problem is None


@pytest.mark.req("ENR-10", "UI-02")
def test_a_cell_of_a_lake_is_chosen_by_names(lake) -> None:
    state = data_page.state_of(lake)

    def place(table):
        return cell_form.cell_place(lake, state, table, None, lambda _: "")

    assert place(None) is None
    offered = place("supply_terms").elements
    assert offered["row"].options["S, A, DC"] == "S|A|DC"
    assert offered["column"].options["Unit price"] == "unit_price"
    assert "Supplier" not in offered["column"].options
    # The present value stands there as soon as row and column are chosen.
    row = {"row": "S|A|DC", "column": None}
    assert cell_form.present_html(lake, state, "supply_terms", row) == ""
    told = cell_form.present_html(
        lake, state, "supply_terms", {**row, "column": "unit_price"}
    )
    (price,) = state.snapshot["supply_terms"].filter(supplier="S")["unit_price"]
    assert told == f"<p>Unit price now: {price:g}</p>"


@pytest.mark.req("ENR-10", "UI-11")
def test_a_wrong_cell_of_a_file_is_mended_on_the_page(lake) -> None:
    content = b"supplier,product,location,unit_price\nS,A,DC,dear\nT,A,DC,4\n"
    files = [("supply_terms.csv", content)]
    wrong = own_data.uploaded(lake, files, whole=False)
    kept: list[Mapping[tuple[str, int, str], str]] = []
    form = cell_form.mend_form(wrong, kept.append)
    assert form is not None
    assert form.element.value == {"cell0": "dear"}
    assert "removed" not in own_data.proposal_html(wrong, lake.names)
    (said,) = own_data.buttons(lake, wrong, None, (1, 2, 3))
    assert "Correct the errors above first" in said.text
    assert form._on_change is not None
    form._on_change({"cell0": "9"})
    proposal = own_data.uploaded(lake, files, whole=False, mended=kept[-1])
    assert cell_form.mend_form(proposal, kept.append) is None
    assert own_data.command_html(lake, proposal, whole=False) == ""
    priced = own_data.priced(lake, proposal)
    assert own_data.take(lake, proposal, priced, "Ana").kept
    terms = load_page(mode="mrp").snapshot["supply_terms"]
    assert sorted(terms["unit_price"]) == [4.0, 9.0]


@pytest.mark.req("ENR-10", "UI-11")
def test_a_date_of_an_order_is_typed_as_local_time(lake) -> None:
    """Who makes or carries an order in process reports its date as pages show it."""
    state = data_page.state_of(lake)
    form = asked(table="supply_orders", row="PO-1", column="due")
    typed = own_data.proposed_cell(lake, state, {**form, "value": "2026-01-09 12:00"})
    assert typed.edit is not None
    assert typed.edit["value"].startswith("2026-01-09T")
    priced = own_data.priced(lake, typed)
    assert priced.preview is not None
    told = decision_words.asked_html(priced, lake.names)
    assert "due Wed 14 Jan → Fri 9 Jan, 12:00" in told
    day = own_data.proposed_cell(lake, state, {**form, "value": "2026-01-09"})
    assert day.edit is not None
    assert day.edit["value"] == "2026-01-09"
    wrong = own_data.proposed_cell(lake, state, {**form, "value": "soon: Friday"})
    assert wrong.problem is not None
    assert "enter a date and time" in wrong.problem.text
