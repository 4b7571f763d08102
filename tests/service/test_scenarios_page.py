"""The scenarios page: a form of each kind, plans beside today's, equal to a study."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import replace

import polars as pl
import pytest

from medhavi.edits.edit import KINDS, apply
from medhavi.scenarios import parse_study
from medhavi.service import page_data
from medhavi.service.page_data import problem_html
from medhavi.service.plan_pages import plan_page
from medhavi.service.plan_pages.plan_loading import PlanPage, load_page, plan_of
from medhavi.service.scenario_pages import (
    scenario_form,
    scenario_page,
)
from medhavi.service.scenario_pages.scenario_form import (
    NEW,
    OFFERED,
    ChangeForm,
    change_form,
    change_words,
    chosen_by,
    kind_wanted,
    options_of,
)
from medhavi.service.scenario_pages.scenario_page import (
    add_change,
    asked_demands,
    changed_name,
    compare_scenarios,
    edit_of,
    file_rows,
    study_file,
)
from medhavi.views.names import wall_clock
from medhavi.views.pictures.scenarios import (
    COLUMNS,
    comparison_table,
    demand_rows,
    money_table,
    order_rows,
    scenario_finding,
    scenario_link,
    scenario_tiles,
    waterfall_chart,
    waterfall_rows,
)
from medhavi.workbench.studies.scenario_list import (
    MOST_SCENARIOS,
    ScenarioList,
    read_list,
)
from medhavi.workbench.studies.studies import plan_of_run, run_study
from tests import factories
from tests.api import DataSource, names_of
from tests.examples import some
from tests.lakehouse.lake_events import event
from tests.planners.small_plans import day
from tests.workbench.edit_company import company

FORMS = {
    "resource_down": {"resource": "M", "start": "2026-01-05", "finish": "2026-01-06"},
    "supplier_delay": {"supplier": "S", "days": "2"},
    "lane_blocked": {"lane": "L-X", "start": "2026-01-05 08:00"},
    "demand_factor": {"factor": "+50 %", "customer": "C", "finish": "2026-02-01"},
    "demand_added": {
        "product": "A",
        "location": "L",
        "qty": "40",
        "due": "2026-01-08",
        "customer": "C",
    },
    "demand_changed": {"demand": "D1", "qty": "30"},
    "demand_removed": {"demand": "D2"},
    "capacity_factor": {"factor": "-50", "resource": "M"},
    "unit_added": {"resource": "M", "start": "2026-01-05", "finish": "2026-01-06"},
    "shift_added": {"resource": "M", "start": "2026-01-05", "finish": "2026-01-06"},
    "calendar_open": {
        "calendar": "CAL",
        "start": "2026-01-10",
        "finish": "2026-01-10",
    },
    "calendar_closed": {
        "calendar": "CAL",
        "start": "2026-01-06",
        "finish": "2026-01-06",
    },
    "lead_time_factor": {"factor": "100", "supplier": "S"},
    "transit_factor": {"factor": "20"},
    "stock_factor": {"factor": "\N{MINUS SIGN}100", "product": "A"},
    "receipt_lost": {"supply_order": "PO-1"},
    "safety_factor": {"factor": "10,5"},
    "price_factor": {"factor": "10", "supplier": "S"},
}


def tables():
    """A bought item and one made of it on a machine with shifts; a lane to a shop."""
    return factories.snapshot(
        products=[{"product": "A", "family": "F", "unit_cost": 2.0}, {"product": "B"}],
        locations=[{"location": "L"}, {"location": "X"}],
        demands=[
            {"demand": "D1", "qty": 20, "customer": "C", "due": day(10)},
            {"demand": "D2", "product": "B", "qty": 8, "due": day(9), "priority": 1},
        ],
        stock=[{"qty": 4}],
        suppliers=[{"supplier": "S"}],
        supply_terms=[{"unit_price": 2.0, "lead_time_days": 3}],
        supply_orders=[
            {"supply_order": "PO-1", "kind": "purchase", "qty": 10, "due": day(5)}
        ],
        calendars=[{"calendar": "CAL"}],
        shifts=[{"calendar": "CAL", "start": "06:00", "finish": "18:00"}],
        lanes=[{"lane": "L-X", "origin": "L", "destination": "X", "duration_h": 10}],
        resources=[{"resource": "M", "location": "L", "calendar": "CAL"}],
        routings=[{"routing": "R", "product": "B", "location": "L"}],
        bom_lines=[{"routing": "R", "component": "A", "qty": 1}],
        steps=[{"routing": "R", "step": 1, "run_per_unit": 60}],
        step_resources=[{"routing": "R", "step": 1, "resource": "M"}],
        inventory_policies=[{"product": "A", "location": "L", "safety_qty": 4}],
    )


@pytest.fixture(autouse=True)
def no_memory():
    page_data._benches.clear()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("scenarios") / "tables"
    tables().to_folder(place)
    return place


def shown_of(folder, mode="mrp"):
    shown = load_page(str(folder), mode=mode)
    assert shown.problem is None, shown.problem
    return shown


def with_changes(shown, *forms):
    held = ScenarioList()
    for kind, values in forms:
        held, told = add_change(held, shown, kind, values)
        assert (told.problems, told.trouble) == ({}, ""), kind
    return held


@pytest.mark.req("UI-06")
def test_each_offered_kind_has_a_form_here():
    assert {kind.name for kind in OFFERED.values()} == set(FORMS)


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_of_each_kind_becomes_a_plan_with_figures(folder, kind):
    shown = shown_of(folder)
    held = with_changes(shown, (kind, FORMS[kind]))
    (found,) = compare_scenarios(shown, held.scenarios)
    assert found.problem == ""
    assert sum(found.steps.values()) == pytest.approx(
        found.cost - found.cost_today, abs=0.01
    )
    # What the catalogue refers to is what the page offers to choose from.
    for parameter in KINDS[kind].parameters.values():
        if parameter.reference:
            offered = options_of(shown.snapshot, shown.names, parameter.reference)
            assert len(set(offered.values())) == len(offered)


def test_more_demand_costs_more_and_names_what_differs(folder):
    shown = shown_of(folder)
    held = with_changes(shown, ("demand_factor", FORMS["demand_factor"]))
    (found,) = compare_scenarios(shown, held.scenarios)
    assert found.name == "More or less demand: +50 %, C, to Sun 1 Feb"
    # Ten pieces more at 2 each.
    assert found.steps["Purchase"] == pytest.approx(20.0)
    rows = waterfall_rows(found, shown.names)
    low, high = rows["low"].min(), rows["high"].max()
    axis = waterfall_chart(found, shown.names).to_dict()["layer"][0]["encoding"]["x"]
    # Two fifths of the span: the label of the last bar was cut on a phone.
    assert axis["scale"]["domain"][1] == pytest.approx(high + 0.4 * (high - low))
    assert rows["low"][0] == pytest.approx(found.cost_today)
    assert rows["high"][-1] == pytest.approx(found.cost)
    told = order_rows(found.orders, shown.names)
    assert "A at L" in told["Order"][0]
    assert not any("each" in one for one in told["Quantity"])
    assert (
        waterfall_chart(found, shown.names)
        .to_dict()["title"]["text"]
        .startswith("More or less demand")
    )


def test_an_item_that_is_late_then_is_named_with_both_dates(folder, monkeypatch):
    shown = shown_of(folder, "constrained")
    form = {"resource": "M", "start": "2026-01-01", "finish": "2026-01-20"}
    held = with_changes(shown, ("resource_down", {**form, "name": "Machine down"}))
    (found,) = compare_scenarios(shown, held.scenarios)
    asked = asked_demands(shown, held.scenarios[0])
    rows = demand_rows(found, shown.names, asked)
    row = rows.filter(pl.col("Demand").str.starts_with("D2")).row(0, named=True)
    assert row["Date then"] is None or row["Date then"] > row["Date today"]
    assert row["Due"] is not None
    monkeypatch.setattr(
        scenario_page, "page_table", lambda *_, formats, **_more: formats
    )
    forms = scenario_page.demand_table(shown, held.scenarios[0], found)
    midnight = wall_clock(dt.datetime(2027, 1, 4, tzinfo=dt.UTC), "UTC")
    assert forms["Due"](midnight) == "Sun 3 Jan"
    assert forms["Date then"](midnight) == "Mon 4 Jan"
    assert found.not_kept == found.not_kept_today + 1
    finding = scenario_finding([found], shown.names)
    assert finding.startswith("Machine down: ")
    assert finding.endswith("1 more late demand")
    late = scenario_tiles(found, shown.names)[1]
    assert (late.state, late.word) == ("bad", "+1")


def test_a_breakdown_is_told_as_dearer_and_not_as_the_one_that_costs_least(folder):
    shown = shown_of(folder, "constrained")
    down = {"resource": "M", "start": "2026-01-01", "finish": "2026-01-20"}
    held = with_changes(
        shown,
        ("resource_down", {**down, "name": "Machine down"}),
        ("demand_removed", {"demand": "D1", "name": "Less"}),
    )
    found = compare_scenarios(shown, held.scenarios)
    told = scenario_finding(found, shown.names, "Machine down")
    assert re.fullmatch(
        r"Machine down: costs \S+ \S+ more than today, 1 more late demand", told
    )
    assert " less than today, " in scenario_finding(found, shown.names, "Less")


def test_what_was_added_or_grew_is_looked_at(folder):
    shown = shown_of(folder)
    first = with_changes(shown, ("price_factor", {"factor": "5", "name": "Dear"}))
    values = {"factor": "-10", "name": "Less"}
    more, _ = add_change(first, shown, "stock_factor", values)
    assert changed_name(first, more) == "Less"
    grown, _ = add_change(more, shown, "stock_factor", {**values, "into": "Dear"})
    assert changed_name(more, grown) == "Dear"


def test_a_link_that_says_all_is_one_press_to_its_scenario(folder):
    shown = shown_of(folder)
    asked = {"subject": "M", "start": "2026-01-05", "finish": "2026-01-06"}.get
    kind = KINDS["unit_added"]
    held, told, name = scenario_page.stated_change(
        ScenarioList(), shown, kind, lambda one: asked(one, "")
    )
    assert name == "One more unit: M, from Mon 5 Jan, to Tue 6 Jan"
    assert (held.names, told.problems) == ((name,), {})
    again, _, same = scenario_page.stated_change(
        held, shown, kind, lambda one: asked(one, "")
    )
    assert (again, same) == (held, name)
    # What is missing is asked for in the form.
    nothing, told, name = scenario_page.stated_change(
        ScenarioList(), shown, kind, lambda _: ""
    )
    assert (nothing.scenarios, name) == ((), "")
    assert "resource" in told.problems


def test_hours_that_are_added_say_when_they_are_paid(folder):
    shown = shown_of(folder)
    open_end = with_changes(shown, ("unit_added", {"resource": "M"}))
    assert open_end.names == ("One more unit: M, to the end of the plan",)
    dated = with_changes(shown, ("unit_added", FORMS["unit_added"]))
    (change,) = dated.scenarios[0].changes
    told = scenario_form.hours_words([change], shown.names)
    assert told == "from Mon 5 Jan to Tue 6 Jan"


def test_a_scenario_of_an_older_plan_waits_until_its_page_is_looked_at(folder):
    shown = shown_of(folder)
    held = with_changes(shown, ("price_factor", FORMS["price_factor"]))
    (one,) = held.scenarios
    assert scenario_page._offer(shown, one) is None
    scenario_page.scenarios_beside(shown, [one])
    assert scenario_page._offer(shown, one) is None
    newer = replace(shown, plan=shown_of(folder, "constrained").plan)
    key = scenario_page._place_of(newer, one)
    scenario_page._seen.put(key, "an older plan")
    told = scenario_page._offer(newer, one)
    assert told is not None
    assert told.title == f"{one.name} was planned on an older plan"
    assert "data-when-seen" in problem_html(replace(told, job="1"))


def test_customers_are_offered_by_the_value_of_their_orders():
    made = factories.snapshot(
        products=[{"product": "A", "unit_cost": 2.0}],
        demands=[
            {"demand": "D1", "qty": 10, "customer": "Alba"},
            {"demand": "D2", "qty": 10, "customer": "Zeno", "price": 6.0},
            {"demand": "D3", "qty": 90, "customer": "Alba", "status": "cancelled"},
            {"demand": "D4", "qty": 50, "kind": "forecast"},
        ],
    )
    told = options_of(made, names_of(made), ("demands", "customer"))
    assert told == {
        "Zeno, 75 % of ordered value": "Zeno",
        "Alba, 25 % of ordered value": "Alba",
    }
    form = scenario_form.change_form(
        KINDS["demand_factor"], made, names_of(made), ChangeForm(), (), print
    )
    assert "Forecasts name no customer" in form.text


def test_an_item_that_nobody_asks_for_where_it_is_begins_with_all_its_demand(folder):
    """The form of the item page named its plant and then refused its own values."""
    snapshot = shown_of(folder, "mrp").snapshot
    (demand,) = snapshot["demands"].head(1).to_dicts()
    product, place = demand["product"], demand["location"]
    kind = KINDS["demand_factor"]
    there = scenario_form.chosen_by(snapshot, kind, f"{product}|{place}")
    assert there == {"product": product, "location": place}
    none = snapshot.replace(
        demands=snapshot["demands"].filter(pl.col("product") != product)
    )
    elsewhere = scenario_form.chosen_by(none, kind, f"{product}|{place}")
    assert elsewhere == {"product": product}


def test_another_kind_begins_without_the_dates_of_a_link(folder):
    """They limited a change of demand to the days of a downtime."""
    shown = shown_of(folder, "mrp")
    asked = {"kind": "resource_down", "start": "2026-01-05", "finish": "2026-01-09"}
    choice = scenario_form.kind_choice(
        shown.snapshot, lambda name: asked.get(name, ""), asked.__setitem__
    )
    assert choice._on_change is not None
    choice._on_change("demand_factor")
    assert asked == {"kind": "demand_factor", "start": "", "finish": ""}


@pytest.mark.req("RPL-11", "RPL-13")
@pytest.mark.parametrize("mode", some(["constrained", "mrp"], 1))
def test_page_command_and_study_have_the_same_figures(
    folder, mode, tmp_path, monkeypatch
):
    monkeypatch.chdir(folder.parent)
    shown = load_page(folder.name, mode=mode)
    held = with_changes(
        shown,
        ("demand_factor", FORMS["demand_factor"]),
        ("resource_down", {**FORMS["resource_down"], "name": 'M "down"'}),
        ("price_factor", {**FORMS["price_factor"], "into": 'M "down"'}),
    )
    assert len(held.scenarios) == 2
    file = tmp_path / "scenarios.toml"
    file.write_text(study_file(shown, held.scenarios, lambda _name: ""), "utf-8")
    report = run_study(file, cache=tmp_path / "cache", executor="serial").report
    assert set(report.runs["status"]) == {"heuristic"}
    for row in report.runs[1:].iter_rows(named=True):
        resumed = plan_of_run(row["run"], tmp_path / "cache").run.settings
        on = shown.plan.fingerprint if mode == "constrained" else None
        assert resumed.get("baseline") == on
    for one in compare_scenarios(shown, held.scenarios):
        rows = report.figures.filter(pl.col("scenario") == one.name)
        assert dict(rows.select("kpi", "value").iter_rows()) == one.figures
        assert dict(rows.select("kpi", "compared").iter_rows()) == one.today


def test_the_study_file_says_what_the_page_holds(folder):
    shown = shown_of(folder)
    held = with_changes(shown, *list(FORMS.items())[:3])
    study = parse_study(study_file(shown, held.scenarios, lambda _name: ""))
    assert study.scenarios[1:] == held.scenarios
    assert read_list(held.text()) == held


def test_what_is_wrong_is_told_beside_each_field_all_at_once(folder):
    shown = shown_of(folder)
    form = {"factor": "much", "start": "soon", "finish": "2026-13-01"}
    held, told = add_change(ScenarioList(), shown, "demand_factor", form)
    assert held.scenarios == ()
    assert set(told.problems) == {"factor", "start", "finish"}
    assert told.values == form
    assert told.problems["start"] == (
        "“soon” is not understood: enter a date or local time such as 2026-11-03 14:00"
    )
    _, told = add_change(held, shown, "supplier_delay", {"days": "-1"})
    assert told.problems["supplier"] == "is needed"
    assert "out of range" in told.problems["days"]
    turned = {"resource": "M", "start": "2026-01-06", "finish": "2026-01-05 07:00"}
    _, told = add_change(held, shown, "resource_down", turned)
    assert told.problems == {"finish": "To is before From"}


def test_a_change_that_selects_nothing_is_no_scenario(folder):
    shown = shown_of(folder)
    form = {"factor": "10", "family": "F", "customer": "C", "start": "2027-01-01"}
    held, told = add_change(ScenarioList(), shown, "demand_factor", form)
    assert held.scenarios == ()
    assert told.trouble.startswith("More or less demand (change 1): no row of demands ")


def test_changes_join_a_scenario_and_leave_it_one_by_one(folder):
    shown = shown_of(folder)
    held = with_changes(
        shown,
        ("price_factor", {"factor": "5", "name": "Dear"}),
        ("stock_factor", {"factor": "-10", "into": "Dear"}),
        ("transit_factor", {"factor": "5"}),
    )
    assert [len(one.changes) for one in held.scenarios] == [2, 1]
    fewer = held.without("Dear", 0)
    assert [one.kind for one in fewer.scenarios[0].changes] == ["stock_factor"]
    assert fewer.without("Dear", 0).names == ("Transit times: +5 %",)
    assert held.without("Dear").names == ("Transit times: +5 %",)


def test_names_are_unique_and_scenarios_few(folder):
    shown = shown_of(folder)
    form = {"factor": "5"}
    held = with_changes(shown, *[("price_factor", form)] * MOST_SCENARIOS)
    assert held.names[1] == "Purchase prices: +5 % (2)"
    _, told = add_change(held, shown, "price_factor", {**form, "into": NEW})
    assert "remove one" in told.problems["into"]
    one = with_changes(shown, ("price_factor", {**form, "name": "Dear"}))
    _, told = add_change(one, shown, "price_factor", {**form, "name": "Dear"})
    assert told.problems["name"] == "Dear is there already"


@pytest.mark.parametrize(
    "text",
    ["{", '{"a": 1}', '[{"name": "x", "change": [{"kind": "flood"}]}]'],
)
def test_a_wrong_address_is_told_in_words(text):
    assert read_list(text).trouble
    assert read_list("") == ScenarioList()


def test_demand_of_a_brand_is_one_change_that_says_so(folder):
    shown = shown_of(folder)
    held = with_changes(shown, ("demand_factor", {"factor": "+15 %", "named": "a"}))
    (scenario,) = held.scenarios
    (change,) = scenario.changes
    assert change_words(change, shown.names) == (
        "More or less demand: +15 %, products named a"
    )
    (found,) = compare_scenarios(shown, held.scenarios)
    assert found.problem == ""


def test_a_field_without_anything_to_choose_is_not_asked(folder):
    """No product has a characteristic; families and names there are."""
    shown = shown_of(folder)
    form = change_form(
        KINDS["demand_factor"], shown.snapshot, shown.names, ChangeForm(), (), print
    )
    asked = set(form.element.value)
    assert "characteristic" not in asked
    assert {"family", "named", "customer"} <= asked


def test_an_address_opens_the_form_with_its_subject(folder):
    shown = shown_of(folder)
    at = shown.snapshot
    assert kind_wanted(at, "", "M").name == "resource_down"
    assert kind_wanted(at, "price_factor", "S").name == "price_factor"
    assert kind_wanted(at, "set", "nobody").name == next(iter(OFFERED.values())).name
    assert chosen_by(at, KINDS["demand_factor"], "A|L") == {
        "product": "A",
        "location": "L",
    }
    assert chosen_by(at, KINDS["demand_factor"], "C") == {"customer": "C"}


def test_a_scenario_that_cannot_be_planned_says_why_and_stands_last(folder):
    shown = shown_of(folder)
    held = with_changes(shown, ("price_factor", {"factor": "5"}))
    rows = json.loads(held.text())
    rows.insert(
        0,
        {
            "name": "No such line",
            "change": [{"kind": "resource_down", "resource": "N"}],
        },
    )
    read = read_list(json.dumps(rows))
    good, bad = compare_scenarios(shown, read.scenarios)
    assert (good.name, bad.is_planned) == ("Purchase prices: +5 %", False)
    assert "is not in the table resources" in bad.problem
    assert "refused" in comparison_table((good, bad), shown.names)
    assert scenario_finding((good, bad), shown.names).endswith(
        "1 scenario cannot be planned"
    )
    assert "Purchase" in money_table((good, bad), shown.names)


def test_a_run_that_is_cancelled_is_left_out(folder):
    shown = shown_of(folder)
    held = with_changes(shown, ("price_factor", {"factor": "7"}))
    told = []
    assert compare_scenarios(shown, held.scenarios, told.append, lambda: True) == ()
    assert len(compare_scenarios(shown, held.scenarios, told.append)) == 1
    assert str(told[0]) == "Purchase prices: +7 %: 1 of 1"


def test_a_folder_offers_the_changed_rows_as_a_file(folder):
    shown = shown_of(folder)
    held = with_changes(
        shown,
        ("price_factor", {"factor": "5"}),
        ("supplier_delay", FORMS["supplier_delay"]),
    )
    prices, late = (edit_of(shown, one) for one in held.scenarios)
    assert "this is a folder" in prices.why
    assert "disruptions, which another system owns" in late.why
    assert file_rows(shown, held.scenarios[0])[:2] == b"PK"


def company_page(tmp_path, *more):
    """A workbench on a lake and the page that shows its plan."""
    bench = company(tmp_path, *more)
    snapshot = bench.snapshot()
    return bench, PlanPage(
        source=DataSource(lake=str(tmp_path / "lake")),
        snapshot=snapshot,
        plan=plan_of(snapshot),
        names=names_of(snapshot),
    )


@pytest.mark.req("WO-12")
@pytest.mark.parametrize(
    ("kind", "form", "table"),
    [
        (
            "resource_down",
            {"start": "2026-01-05", "finish": "2026-01-06"},
            "resource_units",
        ),
        ("demand_added", {"qty": "2", "due": "2026-01-20"}, "demands"),
        ("demand_removed", {}, "demands"),
    ],
)
def test_what_a_page_or_a_workbook_may_decide_is_accepted(tmp_path, kind, form, table):
    """The same edit as that of the page of capacity and of a workbook."""
    machine = event(30, "ResourceDefined", resource="M", location="DC")
    bench, shown = company_page(tmp_path, machine)
    snapshot = shown.snapshot
    first = snapshot["demands"].row(0, named=True)
    stated = {
        "resource_down": {"resource": "M"},
        "demand_added": {name: first[name] for name in ("product", "location")},
        "demand_removed": {"demand": first["demand"]},
    }[kind]
    held = with_changes(shown, (kind, {**stated, **form}))
    (found,) = compare_scenarios(shown, held.scenarios)
    answer = edit_of(shown, held.scenarios[0])
    assert answer.edit is not None, answer.why
    asked = plan_page.show_edit(shown, answer.edit)
    assert asked.preview.price.total == pytest.approx(found.cost - found.cost_today)
    done = plan_page.decide(shown, asked, "Ana")
    assert done.kept, done.text
    after = bench.snapshot()[table]
    wanted = apply(snapshot, held.scenarios[0].changes)[table]
    assert after.height == wanted.height != snapshot[table].height
    assert bench.edits.undo(approver="Ana").committed


@pytest.mark.req("WO-12")
def test_a_scenario_is_accepted_with_its_price_and_a_name(tmp_path):
    bench, shown = company_page(tmp_path)
    held = with_changes(shown, ("price_factor", {"factor": "50", "supplier": "S"}))
    (found,) = compare_scenarios(shown, held.scenarios)
    answer = edit_of(shown, held.scenarios[0])
    asked = plan_page.show_edit(shown, answer.edit)
    assert asked.preview.price.total == pytest.approx(found.cost - found.cost_today)
    assert not plan_page.decide(shown, asked, "").kept
    done = plan_page.decide(shown, asked, "Ana")
    assert done.kept, done.text
    there = page_data.bench_of(shown.source)
    assert there is not None
    after = there.edits.facts.read()[1]
    terms = after["supply_terms"].filter(pl.col("supplier") == "S")
    assert terms["unit_price"].to_list() == [3.0]
    assert bench.edit_history()[-1].approver == "Ana"


def test_parts_show_lists_and_forms_in_words(folder):
    shown = shown_of(folder)
    held = with_changes(
        shown,
        ("price_factor", {"factor": "5", "name": "Dear"}),
        ("stock_factor", {"factor": "-10", "into": "Dear"}),
    )
    buttons = scenario_page.removals(held, shown.names, lambda _held: None)
    assert list(buttons.elements) == ["Dear", "Dear|0", "Dear|1"]
    text = scenario_page.list_parts(held, shown.names, buttons).text
    assert "Stock lost or found: \N{MINUS SIGN}10 %" in text
    draft = ChangeForm(
        kind="price_factor",
        values={"factor": "x"},
        problems={"factor": "is {no} number"},
    )
    form = scenario_page.form_of(
        KINDS["price_factor"], shown, draft, held.names, {}.get, print
    )
    assert "is (no) number" in form.text
    asked = {"subject": "S", "factor": "5", "name": "Dear"}.get

    def filled(*scenarios):
        return scenario_page.form_of(
            KINDS["price_factor"], shown, ChangeForm(), scenarios, asked, print
        )

    assert (filled().value, filled().element.value["factor"]) == (None, "5")
    assert filled().element.value["name"] == "Dear"
    # A name is given once: the next scenario of the same address has its own.
    assert filled("Dear").element.value["name"] == ""
    assert scenario_link("A|L") == "/scenarios/?subject=A%7CL"


@pytest.mark.req("OPA-07")
def test_a_shift_is_added_by_the_name_of_each_line_that_it_opens() -> None:
    """A calendar that opens nothing is not offered: it would change no plan."""
    resources = [
        {"resource": name, "location": "L", "calendar": "CAL"} for name in ("M", "N")
    ]
    made = tables().replace(
        calendars=[{"calendar": "CAL"}, {"calendar": "IDLE"}], resources=resources
    )
    options = options_of(made, names_of(made), ("calendars", "calendar"))
    assert options == {
        "Opening hours of M and 1 more": "CAL",
        "Opening hours of N and 1 more": "CAL",
    }


def test_the_share_of_lines_in_time_has_the_name_that_the_cockpit_gives_it() -> None:
    assert "promises kept" in (name.lower() for name in COLUMNS)
    assert "On time" not in COLUMNS


def test_counts_of_orders_are_those_of_the_list_of_orders(folder):
    """One sum of new, gone and changed orders was larger than all orders of today."""
    shown = shown_of(folder, "constrained")
    held = with_changes(
        shown,
        ("demand_removed", {"demand": "D1", "name": "Less"}),
        ("demand_added", {**FORMS["demand_added"], "name": "More"}),
    )
    today = shown.plan.supplies.height
    for one in compare_scenarios(shown, held.scenarios):
        new, gone, changed, stay = one.order_counts
        assert gone + changed + stay == today
        assert new + gone + changed == one.orders.height
        told = scenario_tiles(one, shown.names)[3].note
        assert told == f"orders: {new} new, {gone} gone, {changed} changed"
        whole = f"{stay} of the {today} orders of today stay as they are."
        assert whole in comparison_table([one], shown.names)
        assert "planned anew" not in comparison_table([one], shown.names)


def test_a_scenario_that_changes_no_order_says_so(folder):
    shown = shown_of(folder)
    held = with_changes(shown, ("price_factor", FORMS["price_factor"]))
    (found,) = compare_scenarios(shown, held.scenarios)
    assert found.orders.is_empty()
    assert scenario_tiles(found, shown.names)[3].note == "no order differs"
    assert "No order differs; " in comparison_table([found], shown.names)


def test_amounts_are_written_as_on_the_other_pages(folder):
    shown = shown_of(folder)
    held = with_changes(shown, ("price_factor", FORMS["price_factor"]))
    (found,) = compare_scenarios(shown, held.scenarios)
    dear = replace(
        found,
        today={**found.today, "KPI-33": 192_155.17, "KPI-33.co2": 82_664.0},
        figures={
            **found.figures,
            "KPI-33": 192_155.17,
            "KPI-33.co2": 82_715.6,
            "KPI-01": 0.93,
        },
    )
    dear = replace(dear, today={**dear.today, "KPI-01": 1.0})
    told = money_table([dear], shown.names)
    assert "192,155<" in told
    table = comparison_table([dear], shown.names)
    assert ">82.7 t<" in table
    assert "+51.6 kg" in table
    assert "\N{MINUS SIGN}7 pp<" in table
    assert "pp: percentage points" in table
    assert "pp" not in comparison_table([found], shown.names)
    drawn = str(waterfall_chart(found, shown.names).to_dict())
    assert "'title': '€'" in drawn
