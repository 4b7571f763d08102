"""The capacity page: what it finds, what an address asks for, what an edit costs."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from html import unescape
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from medhavi.errors import UsageError
from medhavi.results.figures.kpis import used_share
from medhavi.service import page_data
from medhavi.service.capacity_pages import (
    capacity_edits,
    capacity_page,
)
from medhavi.service.order_pages import order_page
from medhavi.service.page_data import PageProblem
from medhavi.service.plan_pages import decision_words, plan_page
from medhavi.service.plan_pages.plan_loading import PlanPage, plan_of
from medhavi.service.plan_pages.plan_page import EditForm
from medhavi.snapshot.calendars.weekly_shifts import WEEKDAYS
from medhavi.views.names import names_of, number
from medhavi.views.pictures.load import loads_from_now
from medhavi.views.plan_pages import calendar_words, capacity_words
from tests import api, factories
from tests.api import DataSource, Lake
from tests.service.promise_company import promise_company

NOW = factories.AS_OF  # a Monday
DAY = dt.timedelta(days=1)
LINK = re.compile('href="([^"]*)"')


@pytest.fixture(scope="module")
def company():
    """Three orders of 80 for a machine that works eight hours on weekdays."""
    return factories.snapshot(
        settings=[{"bucket": "week"}],
        locations=[{"location": "L", "timezone": "Europe/Rome"}],
        products=[{"product": "A", "name": "Soap", "uom": "each"}],
        customers=[{"customer": "C-1", "name": "Corner shop"}],
        resources=[
            {"resource": "M", "calendar": "CAL", "overtime_minutes_per_day": 120},
            {"resource": "IDLE", "calendar": "CAL"},
        ],
        shifts=[{"calendar": "CAL", "weekday": day} for day in range(1, 6)],
        routings=[{"routing": "R", "product": "A"}],
        steps=[{"routing": "R", "setup_minutes": 30, "run_minutes_per_unit": 20}],
        step_resources=[{"routing": "R", "resource": "M"}],
        demands=[
            {"product": "A", "qty": 80, "due": NOW + days * DAY, "customer": "C-1"}
            for days in (3, 4, 18)
        ],
    )


@pytest.fixture(scope="module")
def shown(company):
    plan = plan_of(company, "constrained")
    return PlanPage(
        source=DataSource(tables="shop"),
        snapshot=company,
        plan=plan,
        names=names_of(company),
    )


@pytest.fixture(scope="module")
def loads(shown):
    return capacity_page.loads_of(shown)


def view_of(shown, loads, **asked):
    def wanted(name):
        return asked.get(name, "")

    window = capacity_page.first_window(shown.plan, loads, shown.names, wanted)
    return capacity_page.with_operation(window, shown.plan, None, wanted)


@pytest.mark.req("UI-05")
def test_the_finding_is_what_the_causes_of_the_plan_say(shown, loads) -> None:
    money = shown.plan.causes.filter(pl.col("subject") == "M")["money"].sum()
    found = capacity_words.bottleneck(shown.plan, loads)
    assert (found.resource, found.money) == ("M", pytest.approx(money))
    told = capacity_words.capacity_finding(shown.plan, loads, shown.names)
    assert re.match(
        r"M causes .+ of lateness: \d demands?, [\d dh]+ late in all$", told
    )


def test_utilisation_is_one_figure_whether_hours_without_work_are_listed(
    shown, loads
) -> None:
    plan = shown.plan
    known = dict(plan.kpis.select("kpi", "value").iter_rows())["KPI-05"]
    assert loads.height >= plan.loads.height
    assert used_share(loads).value == pytest.approx(known)
    idle = loads.head(1).with_columns(
        pl.lit(0.0).alias("run"), pl.lit(0.0).alias("setup")
    )
    more = pl.concat([loads, idle])
    assert used_share(more).value == pytest.approx(known)
    for rows in (loads, more, loads_from_now(plan)):
        found = capacity_words.bottleneck(plan, rows)
        assert found.load == capacity_words.bottleneck(plan, loads).load


def test_without_lateness_the_most_overloaded_is_named(company) -> None:
    plan = plan_of(company, "mrp")
    page = PlanPage(source=DataSource(tables="shop"), snapshot=company, plan=plan)
    loads = capacity_page.loads_of(page)
    told = capacity_words.capacity_finding(plan, loads, names_of(company))
    over = loads["overload"].sum()
    assert told == f"M is {number(over)} h over its open time in 1 bucket"


def test_tiles_are_sums_of_the_loads(shown, loads, company) -> None:
    tiles = capacity_words.capacity_tiles(shown.plan, loads, shown.names, company)
    known = {tile.label: tile for tile in tiles}
    assert len(tiles) == 5
    assert known["Set-up"].figure == f"{round(loads['setup'].sum()):,}"
    assert known["Overtime needed"].figure == "0"
    assert "2 h a day agreed" in known["Overtime needed"].note
    assert {tile.rows for tile in tiles} <= {"resource=M", "resource=N", ""}
    assert known["Utilisation of the bottleneck"].rows == "resource=M"
    assert known["Overtime needed"].rows == ""
    own = loads.filter(resource="M")
    ahead = own.filter(pl.col("bucket") < NOW + 28 * DAY)
    note = known["Lateness by capacity"].note
    assert re.fullmatch(
        r"(\d+) demands? on all resources, \d+ of them on M; target none", note
    )
    assert capacity_words.bottleneck(shown.plan, loads).demands == int(
        note.split(", ")[1].split()[0]
    )
    free = (ahead["available"] - ahead["run"] - ahead["setup"]).sum()
    assert known["Free in the next 4 weeks"].figure == f"{round(free)}"


def test_a_page_begins_with_the_bottleneck_and_the_day_of_now(shown, loads) -> None:
    view = view_of(shown, loads)
    assert (view.resource, view.first, view.days) == ("M", NOW.date(), 7)
    assert view_of(shown, loads, resource="IDLE").resource == "IDLE"
    assert view_of(shown, loads, resource="GONE").resource == "M"
    ranked, names = ["M", "IDLE"], shown.names
    told = capacity_words.missing_html("GONE", ranked, names)
    assert "Resource GONE is not in this plan" in told
    assert capacity_words.missing_html("M", ranked, names) == ""
    asked = view_of(shown, loads, **{"from": "2026-02-02", "days": "28"})
    assert (asked.first, asked.days) == (dt.date(2026, 2, 2), 28)
    assert view_of(shown, loads, **{"from": "soon", "days": "5"}).days == 7


def test_the_address_keeps_the_chosen_operation_by_its_number(shown, loads) -> None:
    operation = shown.plan.operations.sort("start").row(-1, named=True)
    chosen = capacity_page.operation_of(shown.plan, operation["id"])
    params = {"rows": "own"}

    def keep(name, value):
        page_data.keep_in(params, {name: value})

    capacity_page.keep_window(keep, view_of(shown, loads))
    capacity_page.keep_operation(keep, chosen, shown.plan)
    assert params["resource"] == "M"
    assert params["order"].startswith("P-")
    again = view_of(shown, loads, **params)
    assert (again.order, again.step) == (operation["supply"], operation["step"])
    alone = view_of(shown, loads, order=params["order"])
    work = shown.plan.operations.filter(supply=operation["supply"])
    assert alone.first == min(work["start"]).date()
    assert capacity_page.operation_of(shown.plan, "gone") is None


def test_a_cell_leads_to_its_resource_and_week(shown, loads) -> None:
    view = capacity_page.chosen_cell(
        view_of(shown, loads), "IDLE|2026-01-12T00:00:00+00:00", shown.names
    )
    assert (view.resource, view.first) == ("IDLE", dt.date(2026, 1, 12))


def test_the_window_has_the_chosen_resource_on_top(shown, loads, company) -> None:
    view = view_of(shown, loads)
    site = capacity_page.shown_window(
        view, company, shown.names, capacity_page.SITE, "date"
    )
    assert site.resources == ("M", "IDLE")
    own = capacity_page.shown_window(view, company, shown.names, "", "status")
    assert (own.resources, own.colour) == (("M",), "status")
    work = capacity_page.operations_of(shown.plan, own)
    rows = capacity_words.operation_rows(work, shown.names)
    week = shown.plan.operations.filter(pl.col("start") < NOW + 7 * DAY)
    assert rows.height == week.height
    assert rows["Start"][0].hour == 9  # 8 in UTC, as the calendar says, is 9 in Rome


def test_an_operation_says_why_it_begins_then_and_whom_it_serves(
    shown, loads, company
) -> None:
    last = shown.plan.operations.sort("start")["supply"][-1]
    told = capacity_words.operation_html(shown.plan, company, last, None, shown.names)
    assert re.search(r"Waits .+ for M, which runs P-L-\d+ until \w{3} \d", told)
    assert "Corner shop" in told
    assert "/plan/?demand=D" in told
    assert "takes it now" in told
    none = capacity_words.operation_html(shown.plan, company, "", None, shown.names)
    assert "No operation is chosen" in none


def test_downtime_is_listed_in_local_time() -> None:
    snapshot = factories.snapshot(
        locations=[{"location": "L", "timezone": "Europe/Rome"}],
        resources=[{"resource": "M"}],
        disruptions=[
            {
                "kind": "resource_down",
                "subject": "M",
                "valid_from": NOW + dt.timedelta(hours=8),
            }
        ],
    )
    names = names_of(snapshot)
    assert "Mon 5 Jan 2026, 09:00" in calendar_words.downtime_html(snapshot, "M", names)
    assert "No downtime of N" in calendar_words.downtime_html(snapshot, "N", names)


# --------------------------------------------------------------------------- edits
def test_a_form_of_a_move_is_an_edit_in_local_time(shown, loads) -> None:
    view = capacity_page.CapacityWindow(resource="M", first=NOW.date(), order="P")
    form = {"kind": capacity_edits.BEGIN, "moment": "2026-01-09 08:00"}
    assert capacity_edits.moved(form, view, shown.names) == {
        "kind": "move",
        "supply": "P",
        "start": "2026-01-09T07:00:00+00:00",
    }
    form = {"kind": capacity_edits.FINISH, "moment": "2026-01-09"}
    assert capacity_edits.moved(form, view, shown.names)["due"] == (
        "2026-01-09T23:00:00+00:00"
    )
    form = {"kind": capacity_edits.SOURCE, "source": "R2"}
    assert capacity_edits.moved(form, view, shown.names)["source"] == "R2"


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"kind": capacity_edits.BEGIN, "moment": ""}, "Enter the time"),
        ({"kind": capacity_edits.BEGIN, "moment": "soon"}, "enter a date and time"),
        ({"kind": capacity_edits.SOURCE, "source": None}, "Choose the source"),
        ({"kind": capacity_edits.RESOURCE, "resource": None}, "Choose the resource"),
    ],
)
def test_a_form_that_cannot_be_read_is_told(shown, form, words) -> None:
    view = capacity_page.CapacityWindow(resource="M", first=NOW.date(), order="P")
    with pytest.raises(UsageError, match=words):
        capacity_edits.moved(form, view, shown.names)
    told = capacity_edits.read(
        lambda: capacity_edits.moved(form, view, shown.names), shown.names
    )
    assert isinstance(told, PageProblem)
    assert words in capacity_edits.priced(shown, EditForm(form=told)).problem.text


def mills() -> PlanPage:
    """Two mills of one routing, an old mill of another, a packing line."""
    snapshot = factories.snapshot(
        resources=[{"resource": name} for name in ("M1", "M2", "OLD", "PACK")],
        routings=[{}, {"routing": "R2", "preference": 2}],
        steps=[
            {"step": 1, "sequence": 1, "run_minutes_per_unit": 6},
            {"step": 2, "sequence": 2, "run_minutes_per_unit": 6},
            {"routing": "R2", "run_minutes_per_unit": 6},
        ],
        step_resources=[
            {"step": 1, "resource": "M1", "choice": "mill", "preference": 1},
            {"step": 1, "resource": "M2", "choice": "mill", "preference": 2},
            {"step": 2, "resource": "PACK"},
            {"routing": "R2", "resource": "OLD"},
        ],
        demands=[{"qty": 10, "due": NOW + 9 * DAY}],
    )
    return PlanPage(
        source=DataSource(tables="mills"),
        snapshot=snapshot,
        plan=plan_of(snapshot, "constrained"),
        names=names_of(snapshot),
    )


@pytest.mark.req("UI-05", "WO-12")
@pytest.mark.parametrize(
    ("step", "resource", "asked"),
    [
        (1, "M1", {"kind": "move"}),
        (1, "M2", {"kind": "change_resource", "resource": "M2"}),
        (2, "PACK", {"kind": "move"}),
        (1, "OLD", {"kind": "change_source", "source": "R2"}),
    ],
)
def test_what_is_dragged_moves_its_order_by_as_much(step, resource, asked) -> None:
    page = mills()
    own = page.plan.operations.filter(pl.col("step") == step)
    supply, start = page.plan.supplies.select("id", "start").row(0)
    view = capacity_page.CapacityWindow(
        resource=own["resource"][0], first=NOW.date(), order=supply, step=step
    )
    begin = own["start"][0] + dt.timedelta(hours=3)
    edit = capacity_edits.dragged(page, view, resource, begin)
    if "source" not in asked:
        asked = {**asked, "start": (start + dt.timedelta(hours=3)).isoformat()}
    assert edit == {**asked, "supply": supply}
    words = capacity_edits.dragged_part(edit, page.plan, page.names).text
    assert (
        page.names.name(asked.get("source", asked.get("resource", "make 10"))) in words
    )


@pytest.mark.req("WO-12")
def test_only_made_orders_are_offered_another_resource() -> None:
    page = mills()
    rows = order_page.selected_rows(
        order_page.orders_of(page), page.plan.supplies["id"]
    )
    assert (
        "change_resource"
        in order_page.actions_for(rows, page.plan, page.snapshot).values()
    )
    told: list[dict[str, object]] = []
    session = plan_page.EditSession()
    assert order_page.edit_form(session, told.append) is None
    edited = plan_page.EditedOrders(
        kind="change_resource", selected=rows, snapshot=page.snapshot, plan=page.plan
    )
    assert session.ask(edited)
    assert not session.ask(edited)
    form = order_page.edit_form(session, told.append)
    assert form is not None
    assert set(form.element["resource"].options.values()) == {"M1", "M2"}


@pytest.mark.req("WO-12")
@pytest.mark.parametrize(
    ("stated", "words"),
    [
        ({}, "Change resource to M2"),
        ({"start": NOW}, "Change resource to M2, to begin Mon 5 Jan"),
    ],
)
def test_another_resource_is_told_with_and_without_a_begin(stated, words) -> None:
    page = mills()
    supply = page.plan.supplies["id"][0]
    asked = api.edit("change_resource", supply, resource="M2", **stated)
    assert decision_words.edit_words(asked, page.names) == words


@pytest.mark.req("UI-05")
def test_what_is_dragged_to_a_stranger_is_refused_in_words() -> None:
    page = mills()
    supply = page.plan.supplies["id"][0]
    view = capacity_page.CapacityWindow(
        resource="PACK", first=NOW.date(), order=supply, step=2
    )
    asked = capacity_edits.read(
        lambda: capacity_edits.dragged(page, view, "NEW", NOW + DAY), page.names
    )
    assert isinstance(asked, PageProblem)
    told = capacity_edits.dragged_part(asked, page.plan, page.names).text
    assert "can do no step of this order" in told


def test_a_downtime_needs_an_end_after_its_begin(shown) -> None:
    form = {"resource": "M", "begin": "2026-01-09", "end": "2026-01-08", "units": 0}
    with pytest.raises(
        UsageError, match="end, Thu 8 Jan 2026, is not after the begin, Fri 9 Jan 2026"
    ):
        capacity_edits.downtime(form, shown.names)


@pytest.mark.req("WO-12")
def test_a_downtime_is_priced_and_kept_on_a_lake(tmp_path) -> None:
    page_data._benches.clear()
    lake = promise_company(tmp_path)
    snapshot = Lake(lake).snapshot()
    page = PlanPage(
        source=DataSource(lake=str(lake)),
        snapshot=snapshot,
        plan=plan_of(snapshot, "constrained"),
        names=names_of(snapshot),
    )
    resource = snapshot["resources"]["resource"][0]
    form = {
        "resource": resource,
        "begin": "2026-01-08",
        "end": "2026-01-09",
        "units": 0,
    }
    edit = capacity_edits.read(
        lambda: capacity_edits.downtime(form, page.names), page.names
    )
    asked = capacity_edits.priced(page, EditForm(form=edit))
    assert asked.problem is None
    assert asked.preview.ready
    view = capacity_page.CapacityWindow(resource=resource, first=dt.date(2026, 1, 8))
    window = capacity_page.shown_window(view, snapshot, page.names, "", "date")
    placed = capacity_page.placed_bars(page, window, page.names, asked)
    [drawn, title, _] = capacity_page.gantt_picture(
        placed, page, window, page.names, str, lambda *_: None
    )
    assert title.startswith("With the edit, Thu 8 Jan")
    assert " down, Thu 8 Jan to Sat 10 Jan" in str(drawn.text)
    assert plan_page.decide(page, asked, "Ana").kept
    units = Lake(lake).snapshot()["resource_units"]
    assert units.select("resource", "units").row(0) == (resource, 0.0)


def calendar_html(snapshot):
    """All that stands about the calendar on the page."""
    names = names_of(snapshot)
    return (
        calendar_words.holders_html(snapshot, "CAL", names)
        + calendar_words.weeks_html(snapshot, "CAL")
        + calendar_words.exceptions_html(snapshot, "CAL")
    )


@pytest.mark.req("UI-05", "CAP-03")
def test_a_calendar_is_read_and_opened_for_an_extra_shift(company) -> None:
    told = calendar_html(company)
    assert "works by Opening hours of Idle and 1 more: 2 resources: Idle, M." in told
    assert re.search(r"to Friday</td>.*?08:00 to 16:00", told, re.DOTALL)
    assert re.search(r"Saturday to Sunday</td>.*?closed", told, re.DOTALL)
    form = {
        "kind": "calendar_open",
        "begin": "2026-01-10 08:00",
        "end": "2026-01-10 16:00",
        "reason": "",
    }
    edit = capacity_edits.calendar_exception(form, company, "CAL")
    (row,) = edit["rows"]
    assert row["row"]["capacity"] == 1.0
    assert row["row"]["reason"] == "extra shift"
    after = api.edit(**edit).patch(company).apply(company)
    assert "100 % open" in calendar_html(after)
    assert "extra shift" in calendar_html(after)
    # Eight hours more of the one machine, of two in time: some demand is earlier.
    late, then = (
        plan_of(one, "constrained").fulfilment["lateness_h"].sum()
        for one in (company, after)
    )
    assert then < late
    shut = {**form, "kind": "calendar_closed", "begin": "2026-01-09", "end": ""}
    with pytest.raises(UsageError, match="from when to when"):
        capacity_edits.calendar_exception(shut, company, "CAL")
    names = names_of(company)
    open_already = {**form, "begin": "2026-01-09 09:00", "end": "2026-01-09 12:00"}
    refused = capacity_edits.read(
        lambda: capacity_edits.calendar_exception(open_already, company, "CAL"), names
    )
    assert isinstance(refused, PageProblem)
    assert "No machine works longer with Opening hours of Idle" in refused.text
    assert "Open the calendar of the place" in refused.remedy
    closed = capacity_edits.calendar_exception(
        {**shut, "end": "2026-01-09"}, after, "CAL"
    )
    assert closed["rows"][0]["row"]["priority"] == 1
    assert closed["rows"][0]["row"]["capacity"] == 0.0
    # A day that is closed ends on that day.
    rested = api.edit(**closed).patch(after).apply(after)
    told = calendar_html(rested)
    assert told.count("Fri 9 Jan 2026<") == 2


@pytest.fixture
def week(company):
    """Form of the week of CAL as it is drawn, with other cells."""

    def filled(**other):
        named = zip(WEEKDAYS, range(1, 8), strict=True)
        stated = capacity_edits.stated_week(company, "CAL")
        cells = {name: stated[day] for name, day in named}
        return {**cells, "begin": "2026-01-12", "end": "", "reason": "", **other}

    return filled


@pytest.mark.req("UI-05", "CAP-03")
def test_the_form_of_a_week_is_an_edit_of_the_days_that_differ(company, week) -> None:
    assert week()["Mon"] == "08:00-16:00"
    assert week()["Sun"] == "closed"
    assert str(capacity_edits.next_monday(company, "Europe/Rome")) == "2026-01-12"
    day = "06:00-14:00, 14:00-22:00"
    form = week(Mon=day, Tue=day, Fri="", Sat="6:00 to 14:00", reason="peak")
    asked = capacity_edits.week_change(form, company, "CAL")
    assert asked == {
        "kind": "change_shifts",
        "calendar": "CAL",
        "shifts": ["Mon-Tue 06:00-14:00, 14:00-22:00", "Fri closed", "Sat 06:00-14:00"],
        "valid_from": "2026-01-12T00:00:00+00:00",
        "reason": "peak",
    }
    after = api.edit(**asked).patch(company).apply(company)
    told = calendar_html(after)
    assert "Open, 40 h a week" in told
    assert "From Mon 12 Jan 2026" in told
    # 16 on Monday and Tuesday, 8 on Wednesday, Thursday and Saturday.
    assert "Open, 56 h a week" in told
    words = calendar_words.shifts_words(api.edit(**asked).values, names_of(after))
    assert words == (
        "Shifts of Opening hours of Idle and 1 more, from Mon 12 Jan 2026: Mon to Tue "
        "06:00 to 14:00, 14:00 to 22:00 (16 h a day); Fri closed; Sat 06:00 to 14:00 "
        "(8 h a day)"
    )


@pytest.mark.req("UI-05")
def test_a_form_of_a_week_that_cannot_be_says_all_that_is_wrong(company, week) -> None:
    names = names_of(company)

    def told(**other):
        return capacity_edits.read(
            lambda: capacity_edits.week_change(week(**other), company, "CAL"), names
        )

    assert told().text.startswith("No day has other hours")
    assert "enter a date and time" in told(Sat="06:00-14:00", begin="soon").text
    problem = told(Mon="early", Tue="06:00-14:00, 13:00-22:00", end="2026-01-01")
    assert isinstance(problem, PageProblem)
    for words in ("Mon early: it cannot be read", "overlaps Tue", "ends before"):
        assert words in problem.text
    assert "Write weekdays and hours like" in problem.remedy


def test_who_shares_a_calendar_is_named_before_a_change_has_a_price() -> None:
    snapshot = factories.snapshot(
        locations=[{"location": "L", "calendar": "CAL"}],
        resources=[{"resource": f"M-{n}"} for n in range(3)],
        suppliers=[{"supplier": "S", "name": "Glassworks", "calendar": "CAL"}],
        calendars=[{"calendar": "CAL"}],
    )
    told = calendar_words.holders(snapshot, "CAL", names_of(snapshot))
    assert told == "1 location: L (with 3 resources); 1 supplier: Glassworks"


@pytest.mark.parametrize("mode", ["mrp", "constrained"])
def test_a_price_without_limits_of_capacity_says_so(tmp_path, mode) -> None:
    page_data._benches.clear()
    lake = promise_company(tmp_path)
    snapshot = Lake(lake).snapshot()
    plan = plan_of(snapshot, mode)
    page = PlanPage(
        source=DataSource(lake=str(lake)),
        snapshot=snapshot,
        plan=plan,
        names=names_of(snapshot),
    )
    form = {
        "resource": snapshot["resources"]["resource"][0],
        "begin": "2026-01-08",
        "end": "2026-01-09",
        "units": 0,
    }
    edit = EditForm(form=capacity_edits.downtime(form, page.names))
    asked = capacity_edits.priced(page, edit)
    told = capacity_edits.priced_part(asked, plan, page.names)
    assert ("infinite capacity" in told.text) == (mode == "mrp")


def test_nothing_is_priced_on_tables(shown) -> None:
    asked = capacity_edits.priced(shown, EditForm(form={"kind": "move", "supply": "P"}))
    assert "needs a lake" in asked.problem.text


def told_at(moment):
    return f"{moment.astimezone(ZoneInfo('Europe/Rome')):%Y-%m-%d %H:%M}"


@pytest.mark.req("UI-02")
def test_scenarios_of_a_resource_begin_with_their_form_filled_in(company):
    window = int(company.as_of), int(company.as_of) + 7 * 86_400
    told = calendar_words.what_if_html(company, "M", names_of(company), window)
    links = [parse_qs(urlsplit(unescape(one)).query) for one in LINK.findall(told)]
    assert [one["kind"] for one in links] == [
        ["shift_added"],
        ["unit_added"],
        ["resource_down"],
    ]
    assert all(one["subject"] == ["M"] and one["add"] == ["1"] for one in links)
    # More hours are asked for when they help, as remedies try them.
    assert links[0]["start"] == links[1]["start"] == [told_at(NOW)]
    assert links[0]["finish"] == links[1]["finish"] == [told_at(NOW + 7 * DAY)]
    monday = NOW.date() + 7 * DAY
    assert links[2]["start"] == [f"{monday}"]
    assert links[2]["finish"] == [f"{monday + 4 * DAY}"]


def test_no_shift_is_offered_where_the_place_is_closed_as_well():
    both = factories.snapshot(
        locations=[{"location": "L", "calendar": "PLANT"}],
        resources=[{"resource": "M", "calendar": "CAL"}],
        shifts=[
            {"calendar": one, "weekday": day}
            for one in ("CAL", "PLANT")
            for day in range(1, 6)
        ],
    )
    assert not calendar_words.can_work_longer(both, "M")


@pytest.mark.req("UI-05")
def test_an_order_stays_chosen_when_its_proposal_is_firmed() -> None:
    page = mills()
    assert page.plan is not None
    supply, number = page.plan.supplies.select("id", "number").row(0)
    window = capacity_page.CapacityWindow(resource="M1", first=NOW.date())
    chosen = (supply, 1)
    asked: dict[str, str] = {"order": number, "step": "1"}

    def kept(plan, operation):
        view = capacity_page.with_operation(
            window, plan, operation, lambda name: asked.get(name, "")
        )
        return view.order, view.step

    assert kept(page.plan, chosen) == chosen
    firmed = f"WO-{number.split('-', 1)[1]}"
    renamed = {
        name: frame.with_columns(pl.col(key).replace({supply: firmed}))
        for name, key in (("supplies", "id"), ("operations", "supply"))
        for frame in [page.plan.tables[name]]
    }
    renamed["supplies"] = renamed["supplies"].with_columns(
        number=pl.col("number").replace({number: firmed})
    )
    after = replace(page.plan, tables={**page.plan.tables, **renamed})
    assert kept(after, chosen) == (firmed, 1)
    asked["order"] = "P-NOWHERE-1"
    assert kept(after, chosen) == chosen
    # The next plan may give the number of the proposal to another one.
    decided = capacity_page.decided_operation(chosen, (firmed,))
    assert decided == (firmed, 1)
    assert kept(after, decided) == decided
    assert capacity_page.decided_operation(chosen, ()) == chosen
    assert capacity_page.decided_operation(None, (firmed,)) is None
