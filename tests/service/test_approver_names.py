"""Names of approvers: the one of a browser, and of nobody else."""

from __future__ import annotations

import pytest

from tests.api import Approver, last_approver, remember_approver

NAMES = "medhavi.service.plan_pages.approver_names"


@pytest.fixture
def at(monkeypatch, tmp_path):
    """Cells that run from now on are those of a page of this browser."""
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path))
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


def restart(monkeypatch):
    """Forget what a server has in memory."""
    monkeypatch.setattr(f"{NAMES}._names", {})


@pytest.mark.req("UI-08")
def test_a_browser_keeps_its_name_when_the_server_starts_anew(
    at, monkeypatch, tmp_path
):
    at("digits-of-maria")
    entered(Approver(), "Maria")
    restart(monkeypatch)
    assert Approver().field().value == "Maria"
    # Nobody else has it, and the file tells nobody's digits.
    at("digits-of-piero")
    assert last_approver() == ""
    (file,) = tmp_path.iterdir()
    assert "digits" not in file.read_text()
    assert file.stat().st_mode & 0o077 == 0


def test_a_page_outside_a_server_writes_no_name(at, tmp_path):
    at("")
    entered(Approver(), "Maria")
    assert last_approver() == "Maria"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}'])
def test_a_file_that_cannot_be_read_offers_nothing_and_is_replaced(
    at, monkeypatch, tmp_path, text
):
    (tmp_path / "approvers.json").write_text(text)
    at("one")
    assert last_approver() == ""
    entered(Approver(), "Maria")
    restart(monkeypatch)
    assert last_approver() == "Maria"


def test_a_name_is_known_where_no_file_can_be_written(at, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path / "file"))
    at("one")
    entered(Approver(), "Maria")
    assert last_approver() == "Maria"
