"""The page of trade-offs: a job finds the front, files keep it, failures are words."""

from __future__ import annotations

import time

import pytest

from medhavi.results.pareto_front import ParetoFront
from medhavi.schema.template import example_rows
from medhavi.service import tradeoff_page
from medhavi.service.answer_cache import AnswerCache
from medhavi.service.data_source import DataSource, served_mode
from medhavi.service.jobs import plan_jobs
from medhavi.service.jobs.job import JobState
from medhavi.service.jobs.job_queue import JobQueue, current_queue
from medhavi.service.jobs.plan_jobs import FrontRequest, front_folder
from medhavi.service.plan_pages import plan_loading
from medhavi.service.tradeoff_page import (
    begin,
    budgets_of,
    is_current,
    load_front,
    objectives_of,
    objectives_of_form,
    plan_before,
    publish,
)
from medhavi.snapshot import Snapshot
from medhavi.views.pictures.pareto import changes_html
from medhavi.workbench.plan_in_force import plan_in_force
from tests.api import Lake, load_data
from tests.service.job_requests import Counting
from tests.workbench.edit_company import company


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEDHAVI_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def queue(cache):
    made = JobQueue(workers=1)
    made.open()
    yield made
    made.close()


@pytest.fixture
def lemonade(tmp_path):
    Snapshot.from_frames(example_rows()).to_folder(tmp_path)
    return load_data(str(tmp_path))


@pytest.fixture
def company_page(tmp_path, monkeypatch):
    company(tmp_path / "c")
    monkeypatch.setenv("MEDHAVI_LAKE", str(tmp_path / "c" / "lake"))
    monkeypatch.setenv("MEDHAVI_STORE", f"sqlite:///{tmp_path}/c/events.db")
    monkeypatch.delenv("MEDHAVI_TABLES", raising=False)
    return load_data()


def found(data, points=3, budgets=None):
    """Page once its job has ended."""
    asked = begin(data, points, budgets or {})
    current_queue().newest(asked.subject).wait()
    return load_front(data, asked)


def test_nothing_is_planned_until_it_is_asked(queue, lemonade):
    assert load_front(lemonade) == tradeoff_page.FrontPage()
    assert queue.newest(FrontRequest.subject_of(lemonade.source)) is None


@pytest.mark.nightly
@pytest.mark.req("UI-02")
def test_a_job_finds_the_front_and_another_server_reads_it(queue, lemonade):
    shown = found(lemonade)
    assert shown.problem is None
    assert is_current(lemonade, shown.front)
    assert shown.front.points.height == len(shown.front.plans) >= 1
    plan_jobs._fronts = AnswerCache(4)
    kept = ParetoFront.from_folder(front_folder(lemonade.source))
    assert load_front(lemonade).front.fingerprint == kept.fingerprint
    job = queue.newest(FrontRequest.subject_of(lemonade.source))
    assert job.outcome.value == kept.fingerprint
    assert job.progress.phase == "writing the plans"


def test_the_page_tells_the_phase_of_its_job(queue, lemonade):
    busy = queue.submit(Counting(name="before"))
    asked = begin(lemonade, 3, {})
    shown = load_front(lemonade)
    assert (shown.front, shown.problem.text) == (None, "waits for Counting")
    assert shown.problem.job == queue.newest(asked.subject).name
    queue.stop(shown.problem.job)
    queue.stop(busy.name)
    assert queue.newest(asked.subject).wait().state is JobState.STOPPED
    assert load_front(lemonade).problem.title == "The work was stopped"


@pytest.mark.nightly
def test_budgets_that_cannot_hold_say_what_to_allow_and_the_last_front_stays(
    queue, lemonade
):
    before = found(lemonade).front
    shown = found(lemonade, budgets={"cost": 0.01})
    assert "cannot hold" in shown.problem.text
    assert shown.front is before
    assert found(lemonade).problem is None
    # The same budgets have the same answer: nobody is offered to start again.
    assert shown.problem.is_final
    assert shown.problem.remedy.startswith("Raise a budget")
    assert shown.problem.job == ""


def test_what_cannot_be_asked_is_told(queue, lemonade):
    shown = found(lemonade, points=-1)
    assert (shown.front, "points" in shown.problem.text) == (None, True)


def test_search_that_is_stopped_keeps_the_plans_that_are_made(lemonade):
    asked = begin_without_queue(lemonade)
    made: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        asked.run(lambda _done: None, lambda: True)
    asked.run(lambda done: made.append(done.phase), lambda: "points" in made)
    front = ParetoFront.from_folder(front_folder(lemonade.source))
    assert str(front.run.status) == "cancelled"
    assert front.plans
    # Stopped at once, a search has what the one before had done.
    asked.run(lambda _done: None, lambda: True)
    again = ParetoFront.from_folder(front_folder(lemonade.source))
    orders = again.plan(1).supplies
    assert any(orders.equals(one.supplies) for one in front.plans.values())


def begin_without_queue(data):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tradeoff_page, "current_queue", lambda: None)
        return begin(data, 3, {})


@pytest.mark.nightly
def test_a_page_outside_the_server_finds_its_front_itself(lemonade, monkeypatch):
    monkeypatch.setattr(tradeoff_page, "current_queue", lambda: None)
    assert load_front(lemonade, begin(lemonade, 3, {})).front.plans
    assert load_front(lemonade, begin(lemonade, -1, {})).problem is not None


@pytest.mark.nightly
@pytest.mark.req("UI-02")
def test_a_published_plan_of_a_front_is_in_force_at_once(queue, company_page):
    data = company_page
    front = found(data).front
    assert front_folder(data.source).parent.name == "c"
    refused = publish(data, front, 1, "")
    assert (refused.kept, "approver" in refused.text) == (False, True)
    done = publish(data, front, 1, "Ada")
    assert done.kept
    assert "planning mode “Cost-optimized”" in done.text
    assert front.plan(1).kpis.height > 0, "the cockpit has its figures"
    before = plan_before(data, "optimize")
    assert before.plan.fingerprint == front.plan(1).fingerprint
    row = front.points.row(0, named=True)
    shown = objectives_of(before, front)
    assert shown == pytest.approx({name: row[name] for name in shown})
    plan_loading._plans = AnswerCache(8)
    plan_loading._shown.clear()
    kept = plan_in_force(data.snapshot, "optimize", Lake(data.source.lake))
    assert (kept.current, kept.plan.fingerprint) == (True, before.plan.fingerprint)


@pytest.mark.req("OMO-15")
@pytest.mark.nightly
def test_changes_are_counted_from_the_plan_in_force(queue, company_page):
    """The plan in force is a point itself: none of its orders changes."""
    data = company_page
    before = plan_before(data, served_mode())
    asked = begin(data, 3, {}, ("cost", "churn"))
    queue.newest(asked.subject).wait()
    front = load_front(data, asked).front
    assert front.chosen == ["cost", "churn"]
    stays = front.points.filter(churn=0)["point"].to_list()
    assert [front.plan(one).supplies for one in stays]
    known = objectives_of(before, front)
    assert known["churn"] == 0
    assert "changed orders" in changes_html(front, known).lower()


def test_two_to_four_objectives_are_traded():
    four = ["cost", "lateness", "co2", "churn"]
    assert objectives_of_form({"objectives": four}) == (four, "")
    for few in (["cost"], [*four, "overtime"]):
        assert objectives_of_form({"objectives": few})[1]


def test_a_lake_beside_which_nothing_can_be_written_has_its_front_in_the_cache(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("os.access", lambda *_asked: False)
    place = front_folder(DataSource(lake=str(tmp_path / "lake")))
    assert tmp_path not in place.parents


def test_a_budget_is_a_number():
    for wrong in ("many", "-10", "nan"):
        found, told = budgets_of({"cost": wrong})
        assert (found, told.startswith(wrong)) == ({}, True)
    assert budgets_of({"co2": " 1,040 "}) == ({"co2": 1_040_000.0}, "")
    assert budgets_of({"cash": "1,234,567.50"}) == ({"cash": 1_234_567.5}, "")


@pytest.mark.req("OMO-14")
@pytest.mark.parametrize("decimal_comma", ["12,5", "1.234,5", "1,00", "12,3456"])
def test_a_decimal_comma_is_asked_for_again_not_read_as_thousands(decimal_comma):
    """It was 125 tonnes, and 1.2345."""
    known, told = budgets_of({"co2": decimal_comma})
    assert (known, told.startswith(decimal_comma)) == ({}, True)


def test_each_budget_that_is_no_number_is_named():
    known, told = budgets_of({"cost": "few", "co2": "less", "cash": "5"})
    assert known == {"cash": 5.0}
    assert "few is not" in told
    assert "less is not" in told


def test_the_front_is_judged_again_when_facts_change(queue, lemonade, monkeypatch):
    """An approval on another page: this one compares with the new tables."""
    again = []

    class Cell:
        is_busy = False

        def kernel(self):
            return self

        def __call__(self):
            again.append(True)

    monkeypatch.setattr(tradeoff_page, "this_cell", Cell)
    load_front(lemonade)
    plan_loading.open_pages.tell(lemonade.source)
    limit = time.monotonic() + 10
    while not again and time.monotonic() < limit:
        time.sleep(0.01)  # pages are filled in turn by a thread
    assert again == [True]
