"""Orders on the command line: price first, written only by somebody, exit codes."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.api import SqliteStore
from tests.planners.campaign_shop import matrix
from tests.workbench.edit_company import (
    company,
    event,
    opened,
    plan_of,
    proposal,
    reported,
)
from tests.workbench.setup_company import setup_company
from tests.workbench.shift_company import shift_company


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A workspace named by the surroundings, and the proposal of its plan."""
    bench = company(tmp_path)
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("MEDHAVI_STORE", f"sqlite:///{tmp_path}/events.db")
    return tmp_path, proposal(plan_of(bench))


def head(folder):
    return SqliteStore(folder / "events.db").head()


@pytest.mark.req("WO-12")
def test_orders_are_listed_with_what_is_next(medhavi, place, tmp_path):
    _, supply = place
    said = medhavi("orders", "list", "--status", "planned", "--json")
    (row,) = said.answer["orders"]
    assert (row["id"], row["advice"], row["priority"]) == (supply, "wait", 1)
    assert row["verbs"][0] == "firm"
    rules = tmp_path / "orders.toml"
    rules.write_text('[[firming]]\nwithin_days = 90\napproval = "automatic"\n')
    said = medhavi("orders", "list", "--product", "A", "--settings", rules)
    assert (said.code, row["number"] in said.out) == (0, True)
    assert supply not in said.out, "people read numbers"
    said = medhavi(
        "orders", "firm", "--automatic", "--settings", rules,
        "--commit", "--approver", "Ada", "--json",
    )  # fmt: skip
    assert said.answer["commit"]["orders"] == ["PO-DC-0001"]
    said = medhavi("orders", "firm", "--automatic", "--settings", rules)
    assert "No rule firms a proposal now." in said.out
    for words, message in (
        (
            ["--status", "plannd"],
            "there is no such status; the nearest name is planned",
        ),
        (["--product", "Z"], "--product Z: there is no such product"),
    ):
        said = medhavi("orders", "list", *words)
        assert (said.code, message in said.err) == (2, True), said.err


@pytest.mark.req("WO-12")
def test_orders_of_a_plan_are_listed_with_what_a_named_store_tells(medhavi, place):
    folder, _ = place
    made = folder / "plan"
    assert medhavi("plan", "--lake", folder / "lake", "--out", made).code == 0
    reported(folder, event(41, "ProductDefined", product="N", uom="each"))
    listed = ("orders", "list", "--plan", made, "--product", "N")
    said = medhavi(*listed)
    assert (said.code, "there is no such product" in said.err) == (2, True)
    said = medhavi(*listed, "--from", f"sqlite:///{folder}/events.db", "--json")
    assert (said.code, said.answer["orders"]) == (0, [])


def test_an_edit_shows_its_price_and_writes_only_on_commit(medhavi, place):
    folder, supply = place
    before = head(folder)
    said = medhavi("orders", "change-source", supply, "--source", "T")
    assert said.code == 0
    assert "price +€ 30.00" in said.out
    assert "Nothing is written; --commit --approver NAME does that." in said.err
    assert head(folder) == before
    said = medhavi(
        "orders", "move", supply, "--due", "2026-02-20", "--commit",
        "--approver", "Ada", "--reason", "holiday", "--json",
    )  # fmt: skip
    assert said.answer["commit"]["status"] == "committed"
    assert said.answer["preview"]["rows"][0]["after"]["due"].startswith("2026-02-21")
    number = said.answer["commit"]["orders"][0]
    said = medhavi("orders", "history")
    assert f"Ada: move {supply}: due 2026-02-21T00:00:00Z" in said.out
    said = medhavi("orders", "undo", "--approver", "Bob")
    assert f"Committed: {number}, approved by Bob." in said.out
    assert "(taken back)" in medhavi("orders", "history").out
    said = medhavi("orders", "undo", "--approver", "Bob", "--json")
    assert (said.code, said.codes) == (1, ["ORD009"])


@pytest.mark.req("CMP-09")
def test_a_changeover_is_edited_like_an_order(medhavi, tmp_path, monkeypatch):
    setup_company(tmp_path, matrix(("FA", "FB", 120, True)))
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("MEDHAVI_STORE", f"sqlite:///{tmp_path}/events.db")
    change = (
        "orders",
        "change-setup",
        "--matrix",
        "X",
        "--before",
        "FA",
        "--after",
        "FB",
    )
    said = medhavi(*change, "--minutes", 60)
    assert said.code == 0
    # An hour less of a machine at 30 an hour.
    assert "price \N{MINUS SIGN}€ 30.00" in said.out
    said = medhavi(*change, "--minutes", 60, "--commit", "--approver", "Ada", "--json")
    assert said.answer["commit"]["events"] == ["ChangeoverDefined"]
    assert medhavi(*change, "--minutes", 60).code == 1
    assert "changeover" in medhavi("orders", "history").out
    assert medhavi("orders", "undo", "--approver", "Bob").code == 0


@pytest.mark.nightly
def test_rows_are_added_like_an_order(medhavi, tmp_path, monkeypatch):
    setup_company(tmp_path, matrix(("FA", "FB", 120, True)))
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("MEDHAVI_STORE", f"sqlite:///{tmp_path}/events.db")
    row = '{"table": "resource_units", "row": {"resource": "M", "units": 2}}'
    add = ("orders", "add-rows", "--row", row)
    said = medhavi(*add)
    assert said.code == 0
    assert "price" in said.out
    said = medhavi(*add, "--commit", "--approver", "Ada", "--json")
    assert said.answer["commit"]["events"] == ["ResourceUnitDefined"]
    said = medhavi(*add)
    assert (said.code, "the row is there already" in said.err) == (1, True)
    assert "add_rows" in medhavi("orders", "history").out
    assert medhavi("orders", "undo", "--approver", "Bob").code == 0
    assert medhavi("orders", "add-rows", "--row", "M").code == 2


@pytest.mark.req("UI-05")
@pytest.mark.nightly
def test_shifts_are_edited_like_an_order(medhavi, tmp_path, monkeypatch):
    shift_company(tmp_path)
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("MEDHAVI_STORE", f"sqlite:///{tmp_path}/events.db")
    change = ("orders", "change-shifts", "--calendar", "DAY")
    week = ("--valid-from", "2026-01-05", "--valid-to", "2026-01-11")
    said = medhavi(*change, "--shift", "Sat 08:00-16:00", *week)
    assert said.code == 0
    # Eight hours of two machines in overtime, at 45 an hour.
    assert "price +€ 720.00" in said.out
    wrong = ("--shift", "Sat 08:00-16:00, 15:00-20:00", "--shift", "Sunday")
    said = medhavi(*change, *wrong)
    assert (said.code, "it overlaps Sat" in said.err) == (1, True)
    assert "it cannot be read" in said.err
    sure = ("--commit", "--approver", "Ada", "--json")
    said = medhavi(*change, "--shift", "Sat 08:00-16:00", *week, *sure)
    assert said.answer["commit"]["events"] == ["ShiftDefined"]
    assert "change_shifts" in medhavi("orders", "history").out
    assert medhavi("orders", "undo", "--approver", "Bob").code == 0


def test_several_orders_are_one_edit(medhavi, place):
    folder, supply = place
    sure = ("--commit", "--approver", "Ada", "--json")
    edits = [{"kind": "firm", "supply": supply}, {"kind": "cancel", "supply": "PO-1"}]
    words = [part for one in edits for part in ("--edit", json.dumps(one))]
    said = medhavi("orders", "mass-change", *words)
    assert (said.code, said.out.count("price")) == (0, 1)
    said = medhavi("orders", "mass-change", *words, *sure)
    assert said.answer["commit"]["events"] == [
        "SupplyOrderFirmed",
        "SupplyOrderCancelled",
    ]
    assert medhavi("orders", "undo", "--approver", "Bob").code == 0
    before = head(folder)
    said = medhavi("orders", "firm", supply, "PO-1", *sure)
    assert (said.code, said.codes) == (1, ["ORD001"])
    assert head(folder) == before


@pytest.mark.nightly
def test_each_verb_has_its_command(medhavi, place):
    _, supply = place
    sure = ("--commit", "--approver", "Ada", "--json")
    said = medhavi("orders", "firm", supply, *sure)
    (number,) = said.answer["commit"]["orders"]
    said = medhavi("orders", "change-qty", number, "--qty", 40, *sure)
    assert said.answer["commit"]["events"] == ["SupplyOrderRescheduled"]
    said = medhavi("orders", "split", number, "--part", 15, "--part", 25, *sure)
    first = said.answer["commit"]["orders"][0]
    assert medhavi("orders", "release", first, *sure).code == 0
    assert medhavi("orders", "cancel", first, *sure).code == 0
    said = medhavi(
        "orders", "override", "--table", "demands", "--key", "demand=D-1",
        "--column", "qty", "--value", "120", *sure,
    )  # fmt: skip
    assert said.answer["commit"]["events"] == ["OverrideRecorded"]
    more = {"table": "demands", "key": {"demand": "D-1"}, "column": "priority"}
    said = medhavi(
        "orders", "override", "--table", "demands", "--key", "demand=D-1",
        "--column", "qty", "--value", "121",
        "--also", json.dumps({**more, "value": 3}), *sure,
    )  # fmt: skip
    assert said.answer["commit"]["events"] == ["OverrideRecorded", "OverrideRecorded"]
    said = medhavi("orders", "history", number, "--json")
    assert said.answer["account"]["state"] == "cancelled"


def test_orders_go_out_since_a_position(medhavi, place, tmp_path):
    _, supply = place
    medhavi("orders", "firm", supply, "--commit", "--approver", "Ada")
    said = medhavi("export", "orders", "--since", 0, "--to", "csv")
    assert said.out.startswith("order,revision,action,")
    assert "PO-DC-0001,1,firmed" in said.out
    said = medhavi("export", "orders", "--to", "json", "--out", tmp_path / "o.json")
    written = json.loads((tmp_path / "o.json").read_text())
    assert f"ask next --since {written['next']}" in said.err
    said = medhavi(
        "export", "orders", "--since", written["next"], "--to", "json", "--json"
    )
    assert said.answer["orders"] == []
    assert medhavi("export", "orders", "--since", 999, "--to", "csv").code == 2
    assert medhavi("export", "orders", "--since", 0, "--to", "html").code == 2


@pytest.mark.nightly
def test_a_plan_is_published_by_somebody(medhavi, place, tmp_path):
    said = medhavi("orders", "publish", "--approver", "Ada", "--json")
    assert said.code == 0
    types = [e.type for e in SqliteStore(tmp_path / "events.db").read_all()]
    assert types.count("PlanPublished") == 1
    assert medhavi("orders", "publish", "--approver", " ").code == 2


@pytest.mark.nightly
def test_a_plan_of_older_facts_ends_in_1_and_tells_what_changed(
    medhavi, place, tmp_path
):
    _, supply = place
    assert (
        medhavi("plan", "--lake", tmp_path / "lake", "--out", tmp_path / "p").code == 0
    )
    reported(tmp_path, event(70, "StockCounted", product="A", location="DC", qty=9.0))
    words = ("orders", "firm", supply, "--plan", tmp_path / "p")
    said = medhavi(*words, "--commit", "--approver", "Ada")
    assert said.code == 1
    assert "unknown: StockCounted of A" in said.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["firm", "x", "--commit"], "--commit needs --approver"),
        (["firm"], "name proposals, or give --automatic"),
        (["mass-change", "--edit", "x"], "must be a list of edits"),
        (["move", "x"], "Reschedule needs due"),
        (["move", "x", "--due", "soon"], "due (soon) must be an instant"),
        (["split", "x"], "Missing option '--part'"),
        (["override", "--table", "t", "--key", "k", "--column", "c"], "--key names"),
        (
            [
                "override",
                "--table",
                "t",
                "--key",
                "k=v",
                "--column",
                "c",
                "--also",
                "x",
            ],
            "must be a list of cells, each table, key, column, value",
        ),
        (["undo"], "Missing option '--approver'"),
        (["list", "--settings", "no.toml"], "there is no such file"),
        (["list", "--plan", "nowhere"], "there is no such folder"),
    ],
)
def test_a_wrong_call_ends_in_2(medhavi, monkeypatch, words, message):
    monkeypatch.setenv("MEDHAVI_LAKE", "nowhere")
    said = medhavi("orders", *words)
    assert (said.code, said.out) == (2, "")
    assert message in said.err


def test_an_impossible_edit_ends_in_1(medhavi, place):
    said = medhavi("orders", "release", "PO-1", "--json")
    assert (said.code, said.codes) == (1, ["ORD001"])
    assert said.answer["preview"]["status"] == "refused"


@pytest.mark.req("UI-04")
@pytest.mark.parametrize(
    "stated",
    [
        {"kind": "firm", "lock": False, "reason": "it's agreed"},
        {"kind": "move", "due": "2026-02-20", "start": "2026-02-10T08:30:00+01:00"},
        {"kind": "change_qty", "qty": 12.5},
        {"kind": "split", "parts": [10, 20]},
        {"kind": "change_source", "source": "T"},
        {
            "kind": "override",
            "table": "demands",
            "key": {"demand": "SO-1-1"},
            "column": "qty",
            "value": 90,
        },
        {
            "kind": "override",
            "table": "products",
            "key": {"product": "A"},
            "column": "name",
            "value": "12",
        },
    ],
    ids=lambda stated: f"{stated['kind']} {stated.get('table', '')}".strip(),
)
@pytest.mark.nightly
def test_the_command_of_an_edit_asks_the_same_at_the_same_price(medhavi, place, stated):
    folder, supply = place
    bench = opened(folder)
    made = bench.plan_in_force("mrp")
    values = (
        dict(stated) if stated["kind"] == "override" else {**stated, "supply": supply}
    )
    preview = bench.preview(made, values)
    words = shlex.split(preview.named.command())
    assert words[0] == "medhavi"
    said = medhavi(*words[1:], "--mode", "mrp", "--json")
    assert said.code == (0 if preview.ready else 1)
    asked = said.answer["preview"]
    assert asked["price"] == preview.as_dict()["price"]
    assert asked["edit"] == preview.edit.as_dict()
    assert supply not in words, "people read numbers"


def test_the_command_of_an_edit_of_several_orders_asks_the_same(medhavi, place):
    folder, supply = place
    bench = opened(folder)
    edits = [{"kind": "firm", "supply": supply}, {"kind": "cancel", "supply": "PO-1"}]
    made = bench.plan_in_force("mrp")
    preview = bench.preview(made, {"kind": "mass_change", "edits": edits})
    words = shlex.split(preview.named.command())
    said = medhavi(*words[1:], "--mode", "mrp", "--json")
    assert said.answer["preview"]["edit"] == preview.edit.as_dict()
    assert said.answer["preview"]["price"] == preview.as_dict()["price"]


def test_the_store_beside_a_lake_is_found_as_pages_find_it(medhavi, place, monkeypatch):
    folder, supply = place
    monkeypatch.delenv("MEDHAVI_STORE")
    monkeypatch.delenv("MEDHAVI_LAKE")
    said = medhavi("orders", "firm", supply, "--lake", folder / "lake")
    assert (said.code, "price" in said.out) == (0, True), said.err
    (folder / "events.db").rename(folder / "elsewhere.db")
    said = medhavi("orders", "firm", supply, "--lake", folder / "lake")
    assert (said.code, "No event store is named" in said.err) == (2, True)
