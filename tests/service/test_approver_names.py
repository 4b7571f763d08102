"""Names of approvers: the one of a browser, and of nobody else."""

from __future__ import annotations

import pytest

from tests.api import Approver, last_approver, remember_approver

NAMES = "medhavi.service.plan_pages.approver_names"


@pytest.fixture
def at(monkeypatch):
    """Cells that run from now on are those of a page of this browser."""
    monkeypatch.setattr(f"{NAMES}._names", {})

    def use(browser):
        monkeypatch.setattr(f"{NAMES}._this_browser", lambda: browser)

    return use


def entered(approver, name):
    """Enter a name in a field that a page shows."""
    approver.field()._update(name)


def test_a_name_is_offered_in_the_browser_in_which_it_was_entered(at):
    at("one")
    page, open_before = Approver(), Approver()
    entered(page, "Maria")
    assert (page.value, open_before.value) == ("Maria", "")
    assert Approver().value == open_before.field().value == "Maria"
    at("two")
    assert Approver().field().value == last_approver() == ""
    entered(Approver(), "Piero")
    at("one")
    assert last_approver() == "Maria"


def test_a_page_is_approved_with_the_name_that_it_shows(at):
    at("one")
    page, other = Approver(), Approver()
    entered(page, "Maria")
    entered(other, "Piero")
    assert page.value == "Maria"
    assert page.field().value == page.value == "Piero"


def test_a_browser_without_cookies_has_the_name_of_its_page_alone(at):
    at(None)
    page = Approver()
    entered(page, "Maria")
    assert page.field().value == page.value == "Maria"
    assert Approver().value == ""


def test_an_empty_name_is_not_offered(at):
    at("one")
    entered(Approver(), "Maria")
    remember_approver("  ")
    assert last_approver() == "Maria"


def test_the_browsers_that_had_a_name_last_are_known(at, monkeypatch):
    monkeypatch.setattr(f"{NAMES}.MOST_KNOWN", 2)
    for number in range(3):
        at(str(number))
        remember_approver(f"name {number}")
    assert last_approver() == "name 2"
    at("0")
    assert last_approver() == ""
