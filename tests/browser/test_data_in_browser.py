"""The data page in a real browser: findings to their pages, what is refused."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from tests.browser.conftest import Watched, served
from tests.workbench.edit_company import company, plan_of

pytestmark = pytest.mark.browser


@pytest.mark.req("ENR-10", "UI-09")
def test_findings_and_refused_rows_are_listed(watched):
    watched.open("/data/")
    page = watched.page
    for words in ("Late cost on a finding", "Newest file", "Every check passed"):
        expect(page.get_by_text(words).first).to_be_visible()
    watched.act(lambda: page.get_by_role("radio", name="All").click())
    expect(page).to_have_url(re.compile(re.escape("scope=all")))
    page.get_by_role("tab", name="Refused").click()
    nothing = page.get_by_text("Nothing is refused").locator("visible=true")
    expect(nothing.first).to_be_visible()
    watched.assert_clean()


@pytest.mark.req("ENR-10")
def test_a_file_and_a_cell_are_shown_before_they_are_taken(watched):
    """Differences of a file with the row of the spreadsheet; a cell that differs."""
    watched.open("/data/?tab=upload")
    page = watched.page
    expect(page.get_by_text("Drop a workbook").first).to_be_visible()
    page.locator("input[type=file]").first.set_input_files(
        {
            "name": "products.csv",
            "mimeType": "text/csv",
            "buffer": b"product,unit_cost\nNEW-1,cheap\n",
        }
    )
    told = page.get_by_text("is no number").locator("visible=true")
    expect(told.first).to_be_visible()
    expect(page.get_by_text("row 2").locator("visible=true").first).to_be_visible()
    page.get_by_role("tab", name="Changes").click()
    nothing = page.get_by_text("Nothing was changed yet").locator("visible=true")
    expect(nothing.first).to_be_visible()
    watched.assert_clean()


@pytest.mark.req("ENR-10", "UI-09")
@pytest.mark.nightly  # by day: the test that follows
def test_a_page_has_its_plan_as_soon_as_a_wrong_cell_is_corrected(
    page, tmp_path, chromium
):
    folder = tmp_path / "mine"
    Snapshot.from_frames(example_rows()).to_folder(folder, format="csv")
    file = folder / "demands.csv"
    file.write_text(file.read_text("utf-8").replace("LEMONADE", "LEMONAID", 1), "utf-8")
    with served(tmp_path, "--tables", str(folder)) as address:
        orders = Watched(page.context.new_page(), address)
        orders.open("/orders/")
        wrong = orders.page.get_by_role("heading", name="Fix the data errors to plan")
        expect(wrong).to_be_visible()
        link = orders.page.get_by_role("link", name="Correct a cell")
        expect(link).to_have_attribute("href", "/data/?tables=mine&tab=correct-a-cell")
        desk = Watched(page, address)
        desk.open("/data/")
        row = page.get_by_role("row").filter(has_text="LEMONAID").first
        desk.act(lambda: row.get_by_role("checkbox").click())
        page.get_by_role("tab", name="Correct a cell").click()
        value = page.get_by_placeholder("empty: no value").locator("visible=true")
        value.fill("LEMONADE")
        page.get_by_role("button", name="Show what changes").click()
        page.get_by_label("Approver").locator("visible=true").first.fill("Maria")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Apply the change").click()
        expect(page.get_by_text("● Taken")).to_be_visible()
        # Nobody has loaded the other page again.
        planned = orders.page.get_by_role("row").filter(has_text="planned")
        expect(planned.first).to_be_visible()
        for one in (desk, orders):
            one.assert_clean()


@pytest.mark.req("UI-09", "ENR-10")
def test_a_plan_from_an_empty_company_by_a_browser_alone(page, tmp_path, chromium):
    """Nothing is served: the pages lead to the upload, and show the plan of it."""
    Snapshot.from_frames(example_rows()).to_folder(tmp_path / "own", format="csv")
    files = sorted(str(one) for one in (tmp_path / "own").iterdir())
    place = tmp_path / "here"
    place.mkdir()
    nothing = {"MEDHAVI_TABLES": "", "MEDHAVI_LAKE": "", "MEDHAVI_STORE": ""}
    with served(place, **nothing) as address:
        orders = Watched(page.context.new_page(), address)
        orders.open("/orders/")
        expect(orders.page.get_by_text("There is no data yet")).to_be_visible()
        link = orders.page.locator(".mv-empty").get_by_role("link", name="Data").first
        expect(link).to_have_attribute("href", "/data/?tables=tables&tab=upload")
        desk = Watched(page, address)
        desk.open("/data/?tables=tables&tab=upload")
        with page.expect_download() as example:
            page.get_by_text("An example", exact=True).click()
        assert example.value.path().stat().st_size > 0
        page.locator("input[type=file]").first.set_input_files(files)
        told = page.get_by_text("settings 1 added.")
        expect(told.locator("visible=true").first).to_be_visible()
        assert list((place / "tables").iterdir()) == []
        page.get_by_label("Approver").locator("visible=true").first.fill("Maria")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Apply the change").click()
        expect(page.get_by_text("● Taken")).to_be_visible()
        see = page.get_by_role("link", name="See the plan")
        expect(see).to_have_attribute("href", "/plan/?tables=tables")
        # Nobody has loaded the other page again.
        planned = orders.page.get_by_role("row").filter(has_text="planned")
        expect(planned.first).to_be_visible()
        # One press takes the files once, however often the page is filled again.
        page.wait_for_timeout(5_000)
        journal = place / "tables" / ".changes" / "changes.jsonl"
        assert len(journal.read_text("utf-8").splitlines()) == 1
        for one in (desk, orders):
            one.assert_clean()


@pytest.mark.req("ENR-10", "UI-11")
@pytest.mark.nightly  # by day: tests/service/test_own_data.py
def test_a_file_names_the_override_that_it_would_end(page, tmp_path, chromium):
    bench = company(tmp_path)
    key = {"supplier": "S", "product": "A", "location": "DC"}
    place = ("supply_terms", key, "unit_price")
    assert bench.override(plan_of(bench), place, 5.0, approver="Maria").committed
    with served(tmp_path, "--lake", str(tmp_path / "lake"), "--mode", "mrp") as address:
        watched = Watched(page, address)
        watched.open("/data/?tab=upload")
        expect(page.get_by_text("Drop a workbook").first).to_be_visible()
        page.locator("input[type=file]").first.set_input_files(
            {
                "name": "prices of 2027.csv",
                "mimeType": "text/csv",
                "buffer": b"supplier,product,location,lead_time_days,unit_price\n"
                b"S,A,DC,5,7\n",
            }
        )
        kept = page.get_by_text("the override by Maria of")
        expect(kept.first).to_be_visible()
        expect(page.get_by_text("Nothing differs")).to_be_visible()
        box = page.get_by_text("End the overrides of these cells")
        watched.act(box.click)
        expect(page.get_by_text("supply terms 1 changed")).to_be_visible()
        page.get_by_role("button", name="Price it").click()
        # The price names it once more: approving ends it.
        expect(kept.first).to_be_visible()
        page.get_by_label("Approver").fill("Ana")
        page.keyboard.press("Tab")
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_text("● Decided")).to_be_visible()
        watched.assert_clean()
    prices = bench.snapshot()["supply_terms"].filter(supplier="S")["unit_price"]
    assert prices.to_list() == [7.0]


@pytest.mark.req("NEX-09")
@pytest.mark.nightly
def test_a_doubtful_value_leads_to_the_filled_form(page, tmp_path, chromium):
    """Ten lemons of one family; the cost of one has lost its decimal point."""
    rows = dict(example_rows())
    rows["products"] = [
        *rows["products"],
        *(
            {"product": f"L{n}", "name": f"Lemon {n}", "family": "L", "unit_cost": cost}
            for n, cost in enumerate([2.0] * 9 + [200.0])
        ),
    ]
    folder = tmp_path / "mine"
    Snapshot.from_frames(rows).to_folder(folder, format="csv")
    with served(tmp_path, "--tables", str(folder)) as address:
        desk = Watched(page, address)
        desk.open("/data/")
        page.get_by_role("tab", name="Doubtful values").click()
        row = page.get_by_role("row").filter(has_text="Lemon 9").first
        expect(row).to_contain_text("decimal point (100 times)")
        desk.act(lambda: row.get_by_role("checkbox").click())
        link = page.get_by_role("link", name="Correct this cell")
        box = link.bounding_box()
        assert box is not None
        assert box["y"] <= 1600
        # The row stays chosen when the page is made again.
        desk.act(page.reload)
        link.click()
        value = page.get_by_placeholder("empty: no value").locator("visible=true")
        expect(value).to_have_value("2")
        page.get_by_role("button", name="Show what changes").click()
        told = page.get_by_text("products 1 changed").locator("visible=true")
        expect(told.first).to_be_visible()
        page.get_by_role("tab", name="Likely duplicates").click()
        nothing = page.get_by_text("No likely duplicate").locator("visible=true")
        expect(nothing.first).to_be_visible()
        desk.assert_clean()
