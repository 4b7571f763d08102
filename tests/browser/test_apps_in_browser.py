"""Apps in a real browser: they run, stay local, and say what to do on bad data."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest
from playwright.sync_api import expect

from tests.api import DARK, LIGHT
from tests.browser.conftest import PATIENCE_S
from tests.examples import some

pytestmark = pytest.mark.browser


def background(page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def rgb(colour: str) -> str:
    parts = [int(colour[place : place + 2], 16) for place in (1, 3, 5)]
    return f"rgb({parts[0]}, {parts[1]}, {parts[2]})"


def test_health_is_json(server):
    with urllib.request.urlopen(f"{server}/health", timeout=PATIENCE_S) as answer:
        facts = json.load(answer)
    assert (facts["status"], facts["data"]) == ("ok", "tables")


def shows_figures_reasons_names_local_times_and_trust(page):
    expect(page.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    for words in (
        "On time in full",
        "The chain takes 61 d; it should have begun 12 d ago",
        "Mon 2 Mar 2026, 07:00 (Europe/Berlin)",
        "Buy 500 Glass bottle from Glassworks for Plant",
        "What would help:",
        "heuristic, verified: 0 violations",
    ):
        expect(page.get_by_text(words).first).to_be_visible()
    expect(page.locator("marimo-vega svg").first).to_be_visible()
    expect(page.locator("marimo-vega svg")).to_have_count(2)
    page.get_by_role("tab", name="Capacity").click()
    expect(page.get_by_text("Capacity load").first).to_be_visible()
    page.get_by_role("tab", name="Demands").click()


def test_the_plan_is_read_from_the_landing_page_on(watched):
    """One visit: the page, its plan, why, what is behind it, and the rows of a tile."""
    page = watched.page
    page.goto(f"{watched.address}/start")
    expect(page.get_by_role("heading", name="Medhavi")).to_be_visible()
    watched.act(lambda: page.get_by_role("link", name="Plan Late demands").click())
    shows_figures_reasons_names_local_times_and_trust(page)
    box = page.get_by_label("all orders of the chain")
    expect(box).to_be_visible()
    watched.act(box.click)
    expect(page.get_by_text(re.compile("orders of the chain")).first).to_be_visible()
    watched.act(lambda: page.get_by_role("link", name="Past-due releases").click())
    expect(page).to_have_url(re.compile(re.escape("code=PastDueStart")))
    expect(page.get_by_text("Expedite the supply").first).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
@pytest.mark.req("UI-08")
def test_pages_stay_alive_in_the_shell(watched):
    """From the start page to plan, items and back: no reload, the address follows."""
    page = watched.page
    page.goto(watched.address)
    shown = page.frame_locator("iframe.shown")
    expect(shown.get_by_role("heading", name="Medhavi")).to_be_visible()
    side = page.get_by_role("navigation", name="Pages")
    side.get_by_role("link", name="Plan", exact=True).click()
    expect(shown.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    expect(shown.locator(".mv-nav")).to_be_hidden()
    plan = next(frame for frame in page.frames if "/plan/" in frame.url)
    plan.evaluate("window.alive = true")
    side.get_by_role("link", name="Items").click()
    expect(shown.get_by_role("heading", name="Items")).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("#/items/")))
    side.get_by_role("link", name="Plan", exact=True).click()
    expect(shown.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    assert plan.evaluate("window.alive")
    # A search for the number of an item opens its page in the shell.
    page.keyboard.press("Control+k")
    page.keyboard.type("lemonade")
    expect(page.get_by_role("option", name="Lemonade, bottle").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(
        shown.get_by_text(re.compile("^Lemonade, bottle at Plant: ")).first
    ).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("#/items/?item=")))
    watched.assert_clean()


@pytest.mark.req("UI-08")
@pytest.mark.nightly
def test_a_page_is_loaded_before_somebody_asks_for_it(watched):
    """Pages follow one after the other, none that would begin a job; one is shown."""
    page = watched.page
    page.goto(watched.address)
    for name in ("cockpit", "plan"):
        ahead = page.locator(f'iframe[src="/{name}/"]').content_frame.locator("h1")
        expect(ahead.first).to_be_attached()
    expect(page.locator("iframe.shown")).to_have_attribute("src", "/start")
    loaded = next(frame for frame in page.frames if "/plan/" in frame.url)
    loaded.evaluate("window.ahead = true")
    side = page.get_by_role("navigation", name="Pages")
    expected = {"Cockpit": True, "Predictors": False, "Production schedule": False}
    for name, ahead in expected.items():
        link = side.get_by_role("link", name=name, exact=True)
        assert (link.get_attribute("data-ahead") is not None) is ahead
    side.get_by_role("link", name="Plan", exact=True).click()
    shown = page.frame_locator("iframe.shown")
    expect(shown.get_by_role("heading", name="Plan", exact=True)).to_be_visible()
    assert loaded.evaluate("window.ahead")
    assert page.locator('iframe[src="/plan/"]').count() == 1
    watched.assert_clean()


@pytest.mark.nightly
@pytest.mark.req("UI-08", "ANA-10")
@pytest.mark.parametrize("width", some([390, 1280], 1))
def test_a_view_is_saved_opened_deleted_and_shown_as_a_notebook(watched, width):
    page = watched.page
    page.set_viewport_size({"width": width, "height": 2600})
    page.goto(f"{watched.address}/#/orders/?kind=buy")
    shown = page.frame_locator("iframe.shown")
    expect(shown.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
    page.get_by_role("button", name="Save this view").click()
    page.get_by_label("Name of the view").fill("What we buy")
    page.get_by_label("Name of the view").press("Enter")
    view = page.get_by_role("link", name="What we buy")
    expect(view).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Data").click()
    expect(shown.get_by_role("heading", name="Data", exact=True)).to_be_visible()
    view.click()
    expect(shown.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("#/orders/?kind=buy") + "$"))
    page.get_by_role("link", name="Open as notebook").click()
    expect(shown.get_by_text("plan.chart.orders(snapshot, kind='buy')")).to_be_visible()
    page.once("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Delete view What we buy").click()
    expect(view).to_be_hidden()
    watched.assert_clean()


@pytest.mark.nightly
def test_another_demand_is_asked_for_by_the_address(watched):
    watched.open("/plan/?demand=D-1")
    page = watched.page
    expect(page.get_by_text(re.compile(r"^250 of Lemonade")).first).to_be_visible()
    watched.assert_clean()


@pytest.mark.parametrize(
    ("scheme", "tokens"), some([("dark", DARK), ("light", LIGHT)], 1)
)
def test_apps_follow_light_and_dark(watched, scheme, tokens):
    watched.page.emulate_media(color_scheme=scheme)
    watched.open("/plan/")
    expect(watched.page.locator("marimo-vega svg").first).to_be_visible()
    assert background(watched.page) == rgb(tokens.page)
    bar = watched.page.locator("marimo-vega svg path[fill='var(--mv-bad)']").first
    assert bar.evaluate("e => getComputedStyle(e).fill") == rgb(tokens.bad)
    watched.assert_clean()


@pytest.mark.req("QA-05")
@pytest.mark.parametrize(
    ("case", "words"),
    [
        pytest.param("no_demand", "No demand is planned", marks=pytest.mark.nightly),
        ("cyclic_bom", "A → B → A"),
        pytest.param("zero_capacity", "is never open", marks=pytest.mark.nightly),
        pytest.param(
            "past_due", "Should have started 14 days ago", marks=pytest.mark.nightly
        ),
        pytest.param(
            "no_source", "not all of it has a source", marks=pytest.mark.nightly
        ),
    ],
)
def test_edges_are_told_in_words(watched, case, words):
    watched.open(f"/plan/?tables={case}")
    page = watched.page
    expect(page.get_by_text(re.compile(re.escape(words))).first).to_be_visible()
    expect(page.get_by_text("Traceback")).to_have_count(0)
    watched.assert_clean()


@pytest.mark.nightly
def test_an_address_reads_no_path(watched, tables):
    watched.open(f"/plan/?tables={tables / 'lemonade'}")
    told = watched.page.get_by_text(re.compile("Served: lemonade, shop"))
    expect(told.first).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
def test_the_first_lesson_runs_in_the_browser(watched):
    watched.open("/n01_first_plan/")
    page = watched.page
    expect(page.get_by_role("heading", name="Your first plan")).to_be_visible()
    expect(page.get_by_text(re.compile("should have started")).first).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("tab", "words"),
    [
        ("exceptions", "Its orders, to edit at once"),
        ("stock", "Projected available balance"),
        ("compare-and-publish", "Comparison with another plan"),
        ("key-figures", "Key figures"),
    ],
)
def test_each_part_of_the_plan_has_an_address(watched, tab, words):
    watched.open(f"/plan/?tab={tab}")
    page = watched.page
    expect(page.get_by_text(words).first).to_be_visible()
    watched.assert_clean()


@pytest.mark.nightly
def test_an_address_of_orders_on_the_plan_page_leads_on(watched):
    watched.open("/plan/?kind=buy")
    page = watched.page
    link = page.get_by_role("link", name="Show these orders")
    expect(link).to_be_visible()
    watched.act(link.click)
    expect(page.get_by_role("heading", name="Orders", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile(re.escape("/orders/?kind=buy") + "$"))
    watched.assert_clean()
