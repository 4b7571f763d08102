"""Tiles, lists, sentences and page parts say what the plan says, in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest

from medhavi.findings import finding
from medhavi.findings.groups import ignored_together
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.limiter import Limiter
from medhavi.results.plans.lateness import Verdict
from medhavi.snapshot.reading.cells import EXPECTED
from medhavi.views import page, report
from medhavi.views.order_list import clock, codes, exception_rows, plain
from medhavi.views.plan_pages.demand_chain import (
    advice,
    headline,
    story,
    verdict_words,
)
from medhavi.views.tiles import Tile, plan_tiles, tiles_html
from medhavi.workbench.files.tables_run import plan_snapshot
from tests import factories
from tests.api import Names
from tests.views.big_plan import AS_OF, DAY, hand, load

IDS = Names()


def tile(plan, label) -> Tile:
    return next(each for each in plan_tiles(plan) if each.label == label)


def exception(code: ExceptionCode, **more: object) -> dict[str, object]:
    return {
        "code": str(code),
        "severity": str(code.severity),
        "product": "A",
        "location": "L",
        "date": AS_OF,
        "message": "It is so.",
        **more,
    }


# ------------------------------------------------------------------ tiles
def test_a_demand_that_waits_for_an_overdue_order_is_not_met_in_time(plan):
    met = tile(plan, "On time in full")
    assert met.state == "bad"
    assert met.word == "1 with a past-due release, 0 not kept"
    assert met.note.endswith("target 100 %")


def test_a_tile_leads_to_its_rows(plan):
    text = tiles_html(plan_tiles(plan), "?code={rows}#exceptions")
    assert 'href="?code=PastDueStart#exceptions"' in text


def test_tiles_of_an_empty_plan_say_why_they_are_empty():
    empty = {each.label: each for each in plan_tiles(hand())}
    assert empty["On time in full"].note == "no demand"
    assert empty["Overload"].note == "no resource has work"
    assert empty["Late or short"].figure == "0"


def test_overload_counts_hours_and_resources():
    over = tile(hand(loads=[load(0, 100.0), load(1, 90.0)]), "Overload")
    assert (over.figure, over.unit, over.word) == ("30", "h", "1 resource")


def test_a_stock_short_in_two_buckets_counts_once():
    rows = [exception(ExceptionCode.BELOW_SAFETY, date=AS_OF + n * DAY) for n in (0, 7)]
    assert tile(hand(exceptions=rows), "Stocks below safety").figure == "1"


def test_demands_that_are_late_or_short_are_counted():
    rows = [
        {"demand": key, "due": AS_OF, "qty": 1.0, "status": status}
        for key, status in (("a", "late"), ("b", "short"), ("c", "on_time"))
    ]
    assert tile(hand(fulfilment=rows), "Late or short").figure == "2"


def test_a_state_has_a_mark_and_a_word_beside_its_colour():
    text = tiles_html([Tile(label="x", figure="1", state="bad", word="late")])
    assert '<span class="mv-mark mv-bad">▲ </span>late' in text


# ------------------------------------------------------------------ exceptions
def test_codes_are_sorted_by_severity_then_number():
    rows = [
        exception(ExceptionCode.DEFER),
        exception(ExceptionCode.BELOW_SAFETY),
        exception(ExceptionCode.BELOW_SAFETY),
        exception(ExceptionCode.OVERDUE_RECEIPT),
        exception(ExceptionCode.NO_SOURCE),
    ]
    found = codes(hand(exceptions=rows))
    assert found["code"].to_list() == [
        "NoSource",
        "BelowSafety",
        "OverdueReceipt",
        "Defer",
    ]
    assert found["mark"][0] == "▲ critical"


def test_rows_have_names_and_the_wall_clock_of_the_place():
    rows = [exception(ExceptionCode.DEFER, qty=5.0)]
    known = Names(texts={"A": "Apple"}, zones={"L": "Asia/Kolkata"}, units={"A": "kg"})
    row = exception_rows(hand(exceptions=rows), known).row(0, named=True)
    assert (row["Quantity"], row["Unit"]) == (5.0, "kg")
    assert (row["Product"], row["Where"], row["Ids"]) == ("Apple", "L", "A · L")
    assert list(row)[:2] == ["What", "Order"]
    assert row["Date"] == dt.datetime(2026, 1, 5, 5, 30)  # noqa: DTZ001 - a wall clock


def test_rows_of_one_code_can_be_asked_for(plan, names):
    assert exception_rows(plan, names, "PastDueStart").height == 1
    assert exception_rows(hand(), names).is_empty()
    assert codes(hand()).is_empty()


def test_cells_without_a_value_are_empty():
    assert (clock(None), plain(None), plain(1234.0)) == ("", "", "1,234")
    assert clock(dt.datetime(2026, 1, 5, 8)) == "Mon 5 Jan, 08:00"  # noqa: DTZ001


# ------------------------------------------------------------------ sentences
def test_a_story_tells_each_order_with_local_time_and_what_is_past(plan, names):
    lines = story(plan.explain("D-3"), names, plan.run.as_of)
    past = next(line for line in lines if line.kind == "past")
    assert past.text.startswith(
        "Buy 500 Glass bottle from Glassworks for Plant: Wed 18"
    )
    assert past.text.endswith("▲ Should have started 12 days ago.")
    assert lines[-1].kind == "sum"


def test_the_parts_of_a_chain_sum_to_its_whole(plan):
    told = plan.explain("D-3")
    parts = sum(link.own_hours + link.waiting_hours for link in told.chain)
    assert parts == pytest.approx(told.total_hours)


def test_a_demand_from_stock_needs_nothing(plan, names):
    served = hand(
        fulfilment=[
            {
                "demand": "d",
                "due": AS_OF,
                "qty": 2.0,
                "planned": 2.0,
                "status": "on_time",
                "lateness_h": 0.0,
            }
        ]
    )
    lines = story(served.explain("d"), names, None)
    assert lines[-1].text.startswith("Stock serves it")
    assert advice(served.explain("d"), names, None) is None


def test_a_late_demand_says_how_late_and_by_what():
    late = hand(
        fulfilment=[
            {
                "demand": "d",
                "due": AS_OF,
                "qty": 2.0,
                "planned": 0.0,
                "status": "unplanned",
                "lateness_h": 52.0,
                "limiter": "LeadTime",
            }
        ]
    )
    text = headline(late.explain("d"), IDS)
    assert text.endswith("not planned, 2 d 4 h late; limited by lead time.")
    # What was past due when planned is in the hours already.
    overdue = replace(late.explain("d"), limiter=Limiter.PAST_DUE)
    assert headline(overdue, IDS).endswith("not planned, 2 d 4 h late.")
    assert story(late.explain("d"), IDS, None)[-1].text.startswith("Nothing serves it")


def test_a_demand_without_source_is_never_told_as_kept():
    nothing = plan_snapshot(factories.snapshot(demands=[{"product": "A", "qty": 40}]))
    told = story(nothing.explain("D1"), IDS, None)
    assert told[0].text.endswith("not all of it has a source.")
    assert told[-1].text.startswith("Nothing serves it")
    assert tile(nothing, "On time in full").figure == "0 %"
    assert tile(nothing, "Late or short").figure == "1"


def test_what_would_help_depends_on_what_is_late(plan, names):
    text = advice(plan.explain("D-3"), names, None)
    assert text is not None
    assert text.startswith("Expedite Glass bottle at Glassworks")


def test_each_verdict_has_words():
    assert verdict_words(Verdict.PAST_DUE) == "past due when planned"
    assert verdict_words(Verdict.ON_TIME) == "planned on time"


# ------------------------------------------------------------------ page parts
def test_findings_are_listed_errors_first_as_text():
    good = finding("PLAN012", column="lot_size", value=3, rules="<b>set-up</b>")
    text = page.findings_html([good])
    assert "<b>set-up" not in text
    assert "◆ warning" in text
    assert page.findings_words([good, good]) == "2 warnings"


def test_what_to_do_is_a_sentence_without_options_of_commands():
    unit = {"bound": "at least 0", "unit": " (unit: day)"}
    low = finding(
        "SNAP007", table="supply_terms", column="lead_time_days", value=-7, **unit
    )
    assert "Correct the value (unit: day)." in page.findings_html([low])
    expected = EXPECTED["date"]
    told = finding(
        "SNAP005",
        table="demands",
        column="due",
        value="1.2.26",
        kind="date",
        expected=expected,
    )
    assert "--date-format" in told.remedy
    text = page.findings_html([told])
    assert "in date format of settings, such as DD.MM.YYYY." in text
    assert "--" not in text
    strict = finding(
        "SNAP065", table="stock", value=2, count=2, fault="a fault", reason="why"
    )
    assert page.remedy_text(strict) == "Correct them at their source."


def test_findings_of_a_page_name_what_they_are_about():
    told = finding("SCHED040", table="resources", value="LODZ-FILL-HEAVY-1")
    names = Names(texts={"LODZ-FILL-HEAVY-1": "Fill heavy 1, Lodz"})
    assert "Set-ups on Fill heavy 1, Lodz" in page.findings_html([told], names)
    assert "Set-ups on LODZ-FILL-HEAVY-1" in page.findings_html([told])


def test_instants_in_findings_of_a_page_are_local_times():
    told = finding(
        "MTL001", table="supply_orders", value="PO-1", due="2026-10-27 20:00 UTC"
    )
    text = page.findings_html([told], Names(zone="Europe/Rome"))
    assert "27 Oct" in text
    assert "21:00" in text
    assert "UTC" not in text


def test_findings_name_tables_and_columns_in_words():
    told = finding(
        "PLAN012",
        table="inventory_policies",
        column="order_cost",
        value=83,
        rules="silver_meal",
    )
    text = page.findings_html([told])
    assert "inventory policies · order cost" in text
    assert "order cost of inventory policies is filled in 83 rows" in text
    assert "lot rule does not read it; Silver-Meal does" in text
    assert "Choose that lot rule" in text


def test_what_a_mode_ignores_is_one_row():
    said = [
        finding("PLAN011", table="lanes", column=name, value="mrp", cells=3)
        for name in ("reliability", "capacity_kg")
    ]
    said.append(finding("PLAN010", table="tariffs", value="mrp", what="prices"))
    (told,) = ignored_together(said)
    assert told.severity == "info"
    assert "Mode mrp ignores 1 table and 2 columns" in told.message
    other = finding("PLAN012", column="lot_size", value=3, rules="fixed")
    text = page.findings_html([*said, other])
    assert text.index("PLAN012") < text.index("Mode mrp ignores")
    assert "reliability" not in text
    assert page.findings_words([*said, other]) == "1 warning, 1 info"


def test_what_the_program_relaxes_is_one_row():
    said = [
        finding(
            "PLAN013",
            table="routings",
            column=name,
            value="optimize",
            cells=3,
            what="x",
        )
        for name in ("min_lot", "max_lot")
    ]
    ignored = finding("PLAN010", table="tariffs", value="optimize", what="prices")
    relaxed, unused = ignored_together([*said, ignored])
    assert "program of mode optimize relaxes 2 columns" in relaxed.message
    assert "Mode optimize ignores 1 table that" in unused.message
    assert "min lot" not in page.findings_html(said)


def test_a_finding_about_a_name_in_a_file_tells_the_name_that_it_has_to_have():
    missing = finding(
        "SNAP003", table="lanes", column="duration_h", meaning="door to door"
    )
    close = finding(
        "SNAP061", table="lanes", column="duration hours", meant="duration_h"
    )
    text = page.findings_html([missing, close])
    assert "no column duration_h." in text
    assert "Add duration_h: door to door." in text
    assert "Rename the column to duration_h" in text
    other = finding("SNAP004", table="lanes", column="duration_h", meaning="x")
    assert "duration hours is empty" in page.findings_html([other])


def test_the_trust_line_counts_the_findings_that_the_page_lists(plan, lemonade, names):
    good = finding("PLAN010", table="changeovers", mode="mrp", what="set-up")
    told = replace(plan, findings=(good, good, good))
    listed = [*lemonade.findings, *told.findings]
    words = page.findings_words(listed)
    assert f"Findings in data and plan <b>{words}</b>" in page.trust_line(
        told, lemonade, names, violations=0
    )
    assert f"{words}</p>" in report.html(told, lemonade)
    one = page.trust_line(told, lemonade, names, violations=0, findings=[good])
    assert f"Findings in data and plan <b>{page.findings_words([good])}</b>" in one
    # A page without a plan counts those of the data alone, and says so.
    without = page.data_line(lemonade, names, [])
    of_data = page.findings_words(lemonade.findings)
    assert f"Findings in the data <b>{of_data}</b>" in without


def test_no_findings_is_said():
    assert "No findings" in page.findings_html([])


def test_many_findings_are_cut_and_counted():
    many = [
        finding("PLAN012", column=f"column_{number}", value=3, rules="fixed")
        for number in range(250)
    ]
    assert "and 50 more" in page.findings_html(many)
    equal = page.findings_html(many[:1] * 250)
    assert "more;" not in equal
    assert equal.count("<code>PLAN012</code>") == 1


def test_the_trust_line_says_what_the_figures_rest_on(plan, lemonade, names):
    text = page.trust_line(
        plan, lemonade, names, violations=0, command="medhavi plan --tables t"
    )
    assert "heuristic, verified: 0 violations" in text
    assert plan.fingerprint[:12] in text
    assert plan.run.snapshot_fingerprint in text
    assert "Again <code>medhavi plan --tables t" in text


def test_a_command_does_not_claim_the_plan_that_was_made_on_another_one(plan, names):
    settings = {**plan.run.settings, "baseline": "another"}
    on_another = replace(plan, run=replace(plan.run, settings=settings))
    text = page.trust_line(on_another, None, names, violations=0, command="medhavi")
    assert "Plan from scratch <code>medhavi" in text
    assert "Again" not in text


def test_the_trust_line_names_the_models_behind_the_times(plan, lemonade, names):
    def line(snapshot):
        return page.trust_line(plan, snapshot, names, violations=0)

    assert "none: plain times" in line(lemonade)
    learned = factories.snapshot(
        estimates=[
            {"subject": name, "model": "lead", "version": "7"} for name in ("S", "T")
        ]
    )
    assert "Estimates published by <b>lead 7</b>" in line(learned)


def test_a_plan_that_was_not_verified_does_not_claim_it():
    text = page.trust_line(hand(), None, IDS, violations=None)
    assert "not verified here" in text


def test_a_command_names_what_it_reads():
    assert page.plan_command() == "medhavi plan --mode mrp --out plan"


def test_a_problem_is_text_with_a_way_out():
    text = page.problem("Broken", "line <1>\nline 2", "Mend it.")
    assert "line &lt;1&gt;</p><p>line 2" in text
    assert "What to do:" in text


def test_a_table_says_which_cells_are_numbers():
    text = page.table_html(("a", "n"), [("x", "1")], ("n",))
    assert '<td class="num">1</td>' in text


def test_frames_of_hand_made_plans_are_typed():
    assert hand(loads=[load(0, 1.0)]).loads.schema["bucket"] == pl.Datetime("us", "UTC")
