"""The orders page: what is selected, what fits all of it, and one edit of it."""

from __future__ import annotations

import datetime as dt
import io
import re
from typing import Any

import marimo as mo
import polars as pl
import pytest

from medhavi.edits.order_rows import numbers_of, order_named, with_numbers
from medhavi.results.reports.time_phased import TimePhasedRecords
from medhavi.service import page_data
from medhavi.service.downloads import as_csv, as_xlsx
from medhavi.service.order_pages import one_order, order_filters, order_page
from medhavi.service.order_pages.order_page import SUGGESTED
from medhavi.service.plan_pages import (
    decision_words,
    demand_page,
    desk_parts,
    desk_words,
    item_page,
    plan_page,
)
from medhavi.service.plan_pages.page_choices import drawer_tabs
from medhavi.service.plan_pages.plan_loading import PlanPage, load_page
from medhavi.service.plan_pages.plan_page import EditSession
from medhavi.service.search_page import OBJECTS
from medhavi.views.order_grid import OrderFilter, grid_rows
from medhavi.views.pictures.lateness import helped_html
from tests import factories
from tests.api import DataSource, Names, names_of, plan
from tests.lakehouse.lake_events import day, purchase
from tests.results.hand_plan import hand_plan
from tests.views.test_late_picture import cause, demand
from tests.workbench.edit_company import company, proposal

MORE = purchase(30, "PO-2", 10.0, day(60), status="released")


@pytest.fixture(autouse=True)
def no_memory():
    page_data._benches.clear()


@pytest.fixture
def desk(tmp_path):
    company(tmp_path, MORE)
    return page_of(tmp_path)


def page_of(folder) -> PlanPage:
    page = PlanPage(source=DataSource(lake=str(folder / "lake")))
    bench = page_data.bench_of(page.source)
    assert bench is not None
    snapshot = bench.snapshot()
    return PlanPage(
        source=page.source,
        snapshot=snapshot,
        plan=plan(snapshot),
        names=names_of(snapshot),
    )


def selected_of(desk, *ids):
    return order_page.selected_rows(order_page.orders_of(desk), ids)


def test_the_story_of_a_chain_stands_beside_its_picture(desk):
    served = order_page.orders_of(desk).filter(pl.col("demand").is_not_null())
    _, both = one_order.why_parts(desk.plan, served.row(0, named=True), desk.names)
    left, right = both.text.split("</div><div><h3>")
    assert "<h3>Serves</h3>" in left
    assert "marimo-vega" in left
    assert "mv-chain" in right


@pytest.mark.req("UI-08")
def test_remedies_of_an_order_are_those_of_the_late_demands_it_serves(desk):
    pegs = [{"demand": one, "supply": "TO-1"} for one in ("D-1", "D-2", "D-3")]
    late = hand_plan(
        fulfilment=[
            demand("D-1", "late", 24.0),
            demand("D-2", "late", 24.0),
            demand("D-3", "on_time", 0.0),
            demand("D-4", "late", 99.0),
        ],
        causes=[
            cause("D-1", "AwaitingSupply", 24.0, 5.0),
            cause("D-2", "AwaitingSupply", 24.0, 9.0),
        ],
        pegging=pegs,
    )
    served = one_order.late_served(late, {"id": "TO-1"})
    assert served == ["D-2", "D-1"]
    assert one_order.late_served(late, {"id": "TO-2"}) == []
    form: Any = desk_parts.remedy_form(late, desk.names, served)
    asked = form.element.elements["demand"]
    assert (list(asked.options), asked.value) == (["D-2", "D-1"], "D-2")
    orders = order_page.orders_of(desk)
    told = one_order.no_help("", orders, orders.row(0, named=True))
    assert "It serves no late demand" in told
    assert "No order is selected" in one_order.no_help("", orders, None)
    assert drawer_tabs("mrp") == ("Why", "Edit", "History")
    assert "What would help" in drawer_tabs("constrained")


def test_an_address_names_an_order_by_id_or_number(desk):
    orders = order_page.orders_of(desk)
    supply = proposal(desk.plan)
    number = orders.filter(pl.col("id") == supply)["number"][0]
    assert order_named(orders, number.lower()) == supply
    assert order_named(orders, "PO-1") == "PO-1"
    assert order_named(orders, "PO-9") is None
    assert order_named(orders, "") is None
    assert OBJECTS["/order/{order}"](order="PO-1") == "/orders/?order=PO-1"
    assert "PO-9 is not in this plan" in one_order.missing_html("PO-9", orders)
    assert "PO-1 is outside the filters" in one_order.missing_html("PO-1", orders)


def test_actions_are_those_that_all_selected_orders_allow(desk):
    supply = proposal(desk.plan)
    one = order_page.actions_for(selected_of(desk, supply), desk.plan, desk.snapshot)
    assert list(one.values()) == [
        "firm",
        "move",
        "split",
        "change_qty",
        "change_source",
    ]
    assert "once it is firm" in order_page.action_note(selected_of(desk, supply))
    assert order_page.action_note(selected_of(desk, supply, "PO-1")) == ""
    begun = [{**row, "status": "in_process"} for row in selected_of(desk, "PO-1")]
    assert "keeps its dates" in order_page.action_note(begun)
    assert "row=PO-1&amp;column=due" in order_page.action_note(begun)
    both = order_page.actions_for(
        selected_of(desk, "PO-1", "PO-2"), desk.plan, desk.snapshot
    )
    assert {"move", "cancel"} <= set(both.values())
    assert not {"split", "change_qty", "firm"} & set(both.values())
    mixed = order_page.actions_for(
        selected_of(desk, supply, "PO-1"), desk.plan, desk.snapshot
    )
    assert list(mixed.values()) == ["firm", "move"]
    assert order_page.actions_for([], desk.plan, desk.snapshot) == {}
    assert "Tick orders" in order_page.no_action([])
    told = order_page.no_action(selected_of(desk, supply, "PO-1"))
    assert "(1 planned, 1 released)" in told


@pytest.mark.req("OPA-07")
def test_firming_leaves_selected_orders_alone_that_are_firm_already(desk):
    supply = proposal(desk.plan)
    mixed = selected_of(desk, supply, "PO-1")
    assert "Done to 1 of 2" in order_page.action_note(mixed, "firm")
    assert "Done to" not in order_page.action_note(mixed, "move")
    assert order_page.edit_of("firm", {}, mixed, desk.plan) == {
        "kind": "firm",
        "supply": supply,
    }


@pytest.mark.req("WO-12")
def test_a_change_of_source_is_offered_where_there_is_another(desk):
    terms = desk.snapshot["supply_terms"].filter(pl.col("supplier") == "S")
    tables = {one: desk.snapshot[one].to_dicts() for one in ("products", "locations")}
    alone = factories.snapshot(**tables, supply_terms=terms.to_dicts())
    supply = proposal(desk.plan)
    kinds = order_page.actions_for(selected_of(desk, supply), desk.plan, alone)
    assert not {"change_source", "change_resource"} & set(kinds.values())


@pytest.mark.req("WO-12")
def test_one_price_for_all_selected_orders_and_one_way_back(desk, tmp_path):
    selected = selected_of(desk, "PO-1", "PO-2")
    asked = order_page.edit_of("move", {"days": 2.0, "due": ""}, selected, desk.plan)
    assert asked["kind"] == "mass_change"
    shown = plan_page.show_edit(desk, asked)
    assert shown.problem is None
    assert shown.preview.ready, shown.preview.findings
    words = desk_words.edited_words(desk.plan, asked, desk.names)
    told = decision_words.asked_html(shown, desk.names, words)
    assert "Reschedule 2 orders: PO-1, PO-2" in told
    assert told.count("total") == 1
    done = plan_page.decide(desk, shown, "Ana")
    assert (done.kept, done.orders) == (True, ("PO-1", "PO-2"))
    for order in done.orders:
        assert f'href="/orders/?order={order}"' in page_data.said(done).text
    later = {
        row["id"]: row["finish"] for row in selected_of(page_of(tmp_path), *done.orders)
    }
    assert [later[row["id"]] - row["finish"] for row in selected] == [
        day(2) - day(0)
    ] * 2
    history = decision_words.history_html(plan_page.decisions(desk), desk.names)
    assert "Rescheduled 2 orders: PO-1, PO-2" in history
    assert plan_page.take_back(desk, "Ben").kept
    row = selected_of(page_of(tmp_path), "PO-1")[0]
    assert "Rescheduled" in one_order.events_html(desk, row)
    assert ">quantity " in one_order.events_html(desk, row)
    # Of a work order some may be lost: events state what is started.
    made = one_order.events_html(desk, {**row, "kind": "make"})
    assert ">quantity started " in made
    told = one_order.events_html(desk, row, decisions=plan_page.decisions(desk))
    assert "taken back" in told
    # Other systems take over what was decided, without a command line.
    file = one_order.decided_file(desk)
    assert isinstance(file, mo.download)
    decided = pl.read_csv(file._data())
    assert set(decided["order"]) == {"PO-1", "PO-2"}
    assert set(decided["approver"]) == {"Ana", "Ben"}


def test_a_proposal_shows_what_happened_to_the_order_that_was_taken_back(
    desk, tmp_path
):
    """It said that nothing had happened, while the decisions below told of it."""
    supply = proposal(desk.plan)
    (row,) = selected_of(desk, supply)
    form = {"days": 2.0, "due": "", "reason": "holiday"}
    asked = order_page.edit_of("move", form, [row], desk.plan)
    done = plan_page.decide(desk, plan_page.show_edit(desk, asked), "Ana")
    assert done.kept, done.text
    assert plan_page.take_back(desk, "Ben").kept
    (again,) = selected_of(page_of(tmp_path), supply)
    assert (again["status"], again["number"]) == ("planned", row["number"])
    told = one_order.events_html(desk, again, decisions=plan_page.decisions(desk))
    assert "holiday" in told
    assert "taken back" in told or "Cancelled" in told
    assert "It is a proposal" not in told


def test_a_date_without_a_time_is_read_for_each_order(desk):
    selected = selected_of(desk, "PO-1", "PO-2")
    form = {"due": "2026-03-20", "days": 3.0, "reason": "holiday"}
    asked = order_page.edit_of("move", form, selected, desk.plan)
    shown = plan_page.show_edit(desk, asked)
    assert shown.preview.edit.reason == "holiday"
    assert {one.values["due"] for one in shown.preview.edit.edits} == {day(75)}
    wrong = order_page.edit_of("move", {"due": "", "days": 0.0}, selected, desk.plan)
    assert "Enter a new date" in plan_page.show_edit(desk, wrong).problem.text
    assert desk_words.edited_words(desk.plan, wrong, desk.names) == ""
    for kind in ("split", "change_qty", "change_source", "change_resource"):
        empty = order_page.edit_of(kind, {}, selected[:1], desk.plan)
        assert plan_page.show_edit(desk, empty).problem.text.endswith(".")


def test_an_edit_that_waits_is_of_the_order_that_it_was_asked_for(desk, tmp_path):
    """Two people on one order: the later price was that of the next one of its id."""
    (row,) = selected_of(desk, proposal(desk.plan))
    asked = order_page.edit_of("move", {"days": 2.0}, [row], desk.plan)
    press = plan_page.new_press()
    first = plan_page.show_edit(desk, asked, press)
    assert first.preview.ready
    firm = order_page.edit_of("firm", {}, [row], desk.plan)
    done = plan_page.decide(desk, plan_page.show_edit(desk, firm), "Ana")
    assert done.kept, done.text
    after = page_of(tmp_path)
    told = plan_page.show_edit(after, asked, press).problem
    assert told is not None
    assert told.title == "The order has changed"
    assert "approved by Ana" in told.text
    assert plan_page.show_edit(after, asked, press).preview is None
    session = plan_page.EditSession(orders=(row["number"], "PO-1"))
    orders = order_page.orders_of(after)
    order_page.select_asked(session, orders, orders, lambda _: "")
    assert session.orders == (done.orders[0], "PO-1")


def test_an_edit_keeps_its_order_under_another_id(desk):
    (row,) = selected_of(desk, proposal(desk.plan))
    stated = {"kind": "mass_change", "edits": [{"kind": "firm", "supply": row["id"]}]}
    numbers = numbers_of(desk.plan, stated)
    assert numbers == {row["id"]: row["number"]}
    renamed = desk.plan.replace(
        supplies=desk.plan.supplies.with_columns(
            id=pl.col("id").replace(row["id"], "other")
        )
    )
    (kept,) = with_numbers(renamed, stated, numbers)["edits"]
    assert kept == {"kind": "firm", "supply": "other"}
    assert with_numbers(renamed, stated["edits"][0], numbers) == kept
    assert with_numbers(renamed, stated, {row["id"]: "P-GONE-1"}) is None


def test_the_suggestions_of_exceptions_are_one_edit(desk):
    row = {
        "code": "Defer",
        "severity": "info",
        "supply": "PO-1",
        "suggested_date": day(40),
    }
    told = desk.plan.exceptions.clear()
    rows = pl.DataFrame([row, {**row, "supply": "PO-2"}], schema_overrides=told.schema)
    changed = desk.plan.replace(exceptions=pl.concat([told, rows], how="diagonal"))
    selected = selected_of(desk, "PO-1", "PO-2")
    assert (
        SUGGESTED in order_page.actions_for(selected, changed, desk.snapshot).values()
    )
    asked = order_page.edit_of(SUGGESTED, {"reason": ""}, selected, changed)
    assert [one["supply"] for one in asked["edits"]] == ["PO-1", "PO-2"]
    assert plan_page.show_edit(desk, asked).preview.ready
    one = order_page.edit_of(SUGGESTED, {}, selected[:1], changed)
    assert one["kind"] == "move"
    alone = selected_of(desk, proposal(desk.plan))
    assert (
        SUGGESTED not in order_page.actions_for(alone, changed, desk.snapshot).values()
    )


def test_the_filtered_grid_is_exported_with_names_local_times_and_units(desk):
    rows = grid_rows(order_page.orders_of(desk), desk.names).drop("Id")
    text = as_csv(rows).decode("utf-8-sig")
    assert text.splitlines()[0].startswith(
        "Order,Type,Item,Location,Quantity,Unit,Start"
    )
    read = pl.read_excel(io.BytesIO(as_xlsx(rows, "orders")))
    assert read.columns == rows.columns
    assert read.height == rows.height


def test_what_the_address_asks_for_filters(desk):
    assert set(order_page.FILTERS) == {
        "kind", "status", "product", "location", "week", "code", "number",
        "ticked", "order",
    }  # fmt: skip
    found = order_page.filter_of({"kind": "buy", "week": None})
    assert found == OrderFilter(kind="buy")
    asked = {"mode": "mrp", "week": "past", "order": "PO-1"}
    link = desk_words.page_link(asked, order_page.FILTERS)
    assert link == "?mode=mrp&{rows}"
    assert desk_words.page_link({}, ()) == "?{rows}"


@pytest.mark.req("UI-02", "UI-08")
def test_one_click_filters_a_week_and_a_plant_and_takes_them_off(desk):
    orders = order_page.orders_of(desk)
    values = order_filters.filter_values(desk, orders)
    assert list(values.values()) == ["This week", "Next week", "DC"]
    ((_, this), (_, following), (part, plant)) = values
    assert dt.date.fromisoformat(following) - dt.date.fromisoformat(
        this
    ) == dt.timedelta(weeks=1)
    assert (part, plant) == ("location", "DC")
    kept, drawn = {}, []

    def buttons(chosen):
        made = order_filters.filter_choices(
            values, chosen, kept.__setitem__, lambda: drawn.append(1)
        )
        return {one._args.label: one for one in made}

    def press(button):
        button._update(1)

    press(buttons({})["DC"])
    press(buttons({"location": "DC"})["Next week"])
    assert kept == {"location": "DC", "week": following}
    press(buttons(kept)["✓ DC"])
    assert kept == {"location": "", "week": following}
    assert len(drawn) == 3


@pytest.mark.req("UI-02", "UI-08")
def test_tiles_count_what_is_chosen_and_lead_to_it(desk):
    orders = order_page.orders_of(desk)

    def tiles(**chosen):
        return order_filters.tiles_of(desk, orders, chosen, "?mode=mrp&{rows}")

    every, one_order_only = tiles(), tiles(number="PO-1", week="past")
    assert f'<span class="figure">{orders.height}</span>' in every
    assert "The figures above count" not in every
    assert (
        '<span class="figure">1</span><span class="note">0 planned, 1 open'
        in one_order_only
    )
    assert "whatever their week" in one_order_only
    linked = re.findall(r'href="([^"]*)"', one_order_only)
    assert linked
    assert all(one.startswith("?mode=mrp&amp;number=PO-1&amp;") for one in linked)


def test_an_address_selects_one_order_or_all_that_are_shown(desk):
    everything = order_page.orders_of(desk)
    shown = everything.head(2)

    def selected(session, **asked):
        order_page.select_asked(session, everything, shown, lambda n: asked.get(n, ""))
        return session.orders

    assert selected(EditSession()) == ()
    assert selected(EditSession(), ticked="all") == tuple(shown["number"])
    (one,) = everything["number"].tail(1)
    assert selected(EditSession(), order=one, ticked="all") == (one,)
    # A tile selects all its orders, whatever was selected before, of each new plan;
    # what somebody then selects stays while the plan is made anew.
    session = EditSession(orders=(one,))
    assert selected(session, ticked="all") == tuple(shown["number"])
    anew = everything.head(3)
    asked = {"ticked": "all"}
    order_page.select_asked(session, everything, anew, lambda n: asked.get(n, ""))
    assert session.orders == tuple(anew["number"])
    session.select(["PO-1"])
    assert selected(session, ticked="all") == ("PO-1",)
    assert selected(session, ticked="all", week="past") == tuple(shown["number"])


def test_a_demand_of_the_address_that_is_not_planned_is_told_and_no_other_shown(desk):
    """A link to a demand that was delivered showed the worst one in its place."""

    def asked(name):
        return "GONE" if name == "demand" else ""

    table = demand_page.demand_table(desk, asked, lambda *_: None)
    assert demand_page.selected_demand(table) is None
    told = demand_page.missing_html("GONE", table)
    assert "Demand GONE is not in this plan" in told
    usual = demand_page.demand_table(desk, lambda _: "", lambda *_: None)
    assert demand_page.selected_demand(usual) in list(desk.plan.fulfilment["demand"])
    assert "No demand is selected" in demand_page.missing_html("", usual)


def test_addresses_of_the_plan_page_lead_on():
    def address(**asked):
        return lambda name: asked.get(name, "")

    assert desk_words.plan_tab(address(code="Defer")) == "Exceptions"
    assert desk_words.plan_tab(address(item="A|DC")) == "Stock"
    assert desk_words.plan_tab(address(demand="D-1")) == "Demands"
    told = desk_words.moved_html(address(order="PO-1", kind="buy"))
    assert 'href="/orders/?kind=buy&amp;number=PO-1"' in told
    assert desk_words.moved_html(address(demand="D-1")) == ""
    links = desk_words.tile_links({"mode": "mrp", "code": "Defer", "tab": "stock"})
    assert links == (
        "?mode=mrp&code={rows}&tab=exceptions#exceptions",
        "?mode=mrp&tab=demands#late",
    )
    assert desk_words.orders_link("Defer").startswith('<a href="/orders/?code=Defer"')


def test_without_a_lake_the_page_says_what_events_need(tmp_path):
    factories.snapshot(demands=[{}], supply_terms=[{}]).to_folder(tmp_path)
    page = load_page(str(tmp_path))
    (row,) = order_page.orders_of(page).to_dicts()
    assert "need a lake" in one_order.events_html(page, row)
    assert one_order.decided_file(page) is None


def test_an_item_without_requirement_says_so_and_shows_its_sources(tmp_path):
    factories.snapshot(
        products=[{"product": "A"}, {"product": "N", "name": "New cream"}],
        demands=[{}],
        supply_terms=[{}, {"product": "N"}],
    ).to_folder(tmp_path)
    page = load_page(str(tmp_path))

    def asked(name):
        return {"item": "N|L"}.get(name, "")

    item = item_page.item_choice(page, page.names, asked, lambda *_: None)
    assert item.value == "N|L"
    assert item_page.record_of(page, item, "week") is None
    told = item_page.nothing_html(page, page.names, item.value, "N|L")
    assert "New cream at L has no requirement" in told
    assert "Sources" in told

    def unknown(name):
        return {"item": "X|L"}.get(name, "")

    none = item_page.item_choice(page, page.names, unknown, lambda *_: None)
    assert none.value is None
    assert "There is no item X at L" in item_page.nothing_html(
        page, page.names, none.value, "X|L"
    )
    assert "No item is planned" in item_page.nothing_html(page, page.names, None, "")


@pytest.mark.req("UI-02", "UI-08")
def test_the_drawer_of_an_item_has_its_reasons_its_late_demands_and_its_orders(desk):
    row = desk.plan.supplies.filter(pl.col("number") == "PO-2").row(0, named=True)
    record = TimePhasedRecords(desk.plan, desk.snapshot).of(
        row["product"], row["location"], "week"
    )

    def told(side):
        return item_page.side_html(side, desk, record)

    assert "Why it is short" in told("Why") or "It does not run short" in told("Why")
    assert '<a href="/orders/?order=PO-2&amp;tab=edit" target="_self">PO-2</a>' in told(
        "Edit"
    )
    assert "All its orders" in told("Edit")
    assert "It serves no late demand" in told("What would help")
    assert drawer_tabs("optimize", history=False)[-1] == "Edit"


def test_late_demands_of_an_item_lead_to_their_remedies():
    late = hand_plan(
        fulfilment=[demand("D-1", "late", 24.0), demand("D-2", "on_time", 0.0)],
        causes=[cause("D-1", "AwaitingSupply", 24.0, 5.0)],
        pegging=[{"demand": one, "supply": "TO-1"} for one in ("D-1", "D-2")],
    )
    names = Names(currency="EUR")
    told = helped_html(late, pl.col("supply") == "TO-1", names)
    link = "/plan/?demand=D-1&amp;side=what-would-help"
    assert f'<a href="{link}" target="_self">D-1</a>: 1 d, € 5' in told
    assert "D-2" not in told


@pytest.mark.req("UI-02")
def test_an_address_fills_in_the_form_of_the_order_that_it_names(desk):
    orders = order_page.orders_of(desk)
    asked = {"order": "PO-1", "action": "move", "days": "-3"}
    session = plan_page.EditSession()
    order_page.select_asked(session, orders, orders, lambda name: asked.get(name, ""))
    assert (session.kind, session.form) == ("move", {"days": -3.0})
    selected = selected_of(desk, "PO-1")
    action = order_page.action_choice(selected, desk.plan, desk.snapshot, session)
    assert action.value == "move"
    session.ask(
        plan_page.EditedOrders(
            kind="move", selected=selected, snapshot=desk.snapshot, plan=desk.plan
        )
    )
    form = order_page.edit_form(session, lambda edit: None)
    assert form.element["days"].value == -3.0
    # What somebody selects and fills in himself stays.
    session.select(["PO-2"])
    session.send("release", {})
    order_page.select_asked(session, orders, orders, lambda name: asked.get(name, ""))
    assert (session.orders, session.kind) == (("PO-2",), "release")
