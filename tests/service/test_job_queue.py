"""Jobs: done once in another process, stopped with the best, failed in words."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from medhavi.findings import finding
from medhavi.service.jobs import job_queue
from medhavi.service.jobs.job import Job, JobOutcome, JobState, OnStop
from medhavi.service.jobs.job_queue import JobQueue, current_queue
from medhavi.service.jobs.plan_jobs import PlanRequest
from medhavi.service.page_data import PageProblem
from medhavi.service.scenario_pages.scenario_page import ScenarioRequest
from tests.service.job_requests import Counting, Ending, Imagining, Planning


@pytest.fixture(scope="module")
def queue():
    made = JobQueue(workers=1)
    made.open()
    assert current_queue() is made
    yield made
    made.close()
    assert current_queue() is None


def running(job):
    while job.progress is None:
        time.sleep(0.02)
    return job


@pytest.mark.nightly
def test_work_is_done_in_another_process_once(queue):
    job = queue.submit(Ending(way="done"))
    outcome = job.wait()
    assert outcome.state is JobState.DONE
    assert outcome.value != os.getpid()
    assert queue.submit(Ending(way="done")) is job
    assert queue.submit(Ending(way="done"), again=True) is not job


def test_progress_is_told_and_a_stop_keeps_the_best_so_far(queue):
    job = running(queue.submit(Counting(name="stopped")))
    shown = job.as_dict()
    assert (shown["state"], shown["title"]) == ("running", "Counting")
    assert (shown["incumbent"] > 0, shown["bound"]) == (True, 0.0)
    assert job in queue.jobs()
    ended = []
    job.when_ended(lambda: ended.append(job.state))
    begun = time.monotonic()
    assert queue.stop(job.name) is job
    assert job.wait().value >= 1
    assert time.monotonic() - begun < 10
    assert ended == [JobState.DONE]


def test_what_was_asked_for_again_since_is_told_no_more(queue):
    """A plan that has changed meanwhile is no failure that a person has to see."""
    earlier = queue.submit(Ending(way="failed", about="schedule"))
    earlier.wait()
    assert earlier in queue.jobs()
    later = queue.submit(Ending(way="done", about="schedule"))
    assert earlier not in queue.jobs()
    later.wait()
    assert later in queue.jobs()


@pytest.mark.req("UI-07")
def test_an_offer_is_kept_while_a_page_shows_its_button(monkeypatch):
    monkeypatch.setattr(job_queue, "MOST_KEPT", 2)
    queue = JobQueue(workers=1)
    page = type("Page", (), {"is_open": True, "__call__": lambda self: None})()
    shown = queue.offer(Ending(way="done", about="shown"))
    shown.when_begun_again(page)
    unseen = queue.offer(Ending(way="done", about="unseen"))
    later = [queue.offer(Ending(way="done", about=str(n))) for n in range(3)]
    assert queue.find(shown.name) is shown
    assert queue.find(unseen.name) is None
    assert queue.find(later[-1].name) is later[-1]
    page.is_open = False
    queue.offer(Ending(way="done", about="after"))
    assert queue.find(shown.name) is None


def test_work_that_is_offered_waits_until_somebody_begins_it(queue):
    offered = queue.offer(Ending(way="done", about="offer"))
    assert (offered.state, offered.outcome) == (JobState.OFFERED, None)
    assert queue.offer(offered.request) is offered
    other = queue.offer(Ending(way="done", folder="other", about="offer"))
    assert other.state is JobState.OFFERED
    assert offered not in queue.jobs()
    told = []
    offered.when_begun_again(lambda: told.append(offered.name))
    begun = queue.submit(offered.request, again=True)
    assert begun.wait().state is JobState.DONE
    assert told == [offered.name]
    # It was asked for once: of a changed plan it begins by itself.
    later = queue.offer(Ending(way="done", folder="changed", about="offer"))
    assert later.wait().state is JobState.DONE


def test_a_failure_is_told_in_words(queue):
    job = queue.submit(Ending(way="failed"))
    outcome = job.wait()
    assert outcome.state is JobState.FAILED
    assert outcome.problem.text == "The tables have no demand."
    # It has no other answer: the page tells it, the bar shows no failure.
    assert job.as_dict()["final"]


def test_work_that_had_nothing_when_it_was_stopped_is_stopped(queue):
    assert queue.submit(Ending(way="stopped")).wait().state is JobState.STOPPED


def test_what_somebody_waits_for_does_not_wait_for_long_work(queue):
    long = running(queue.submit(Counting(name="long")))
    assert queue.submit(Ending(way="done"), again=True).wait().value
    assert long.outcome is None
    queue.stop(long.name)
    assert long.wait().state is JobState.DONE


@pytest.mark.nightly
@pytest.mark.parametrize(
    ("kind", "real"), [(Planning, PlanRequest), (Imagining, ScenarioRequest)]
)
def test_plans_and_scenarios_do_not_wait_for_long_work(queue, kind, real):
    """They stood behind the answers to a file, or trade-offs, for many minutes."""
    long = running(queue.submit(Counting(name=kind.__name__)))
    plan = queue.submit(kind(way="done"))
    assert plan.ahead == ()
    assert plan.wait().value
    assert long.outcome is None
    queue.stop(long.name)
    long.wait()
    assert real.lane is kind.lane


@pytest.mark.nightly
def test_work_without_a_best_so_far_is_stopped_at_once(queue):
    job = running(queue.submit(Ending(way="slow")))
    assert job.as_dict()["stop"] == "Stop"
    queue.stop(job.name)
    assert job.wait().state is JobState.STOPPED
    assert queue.submit(Ending(way="done"), again=True).wait().value


def test_work_that_waits_has_no_best_so_far(queue):
    first = running(queue.submit(Counting(name="before it")))
    waiting = queue.submit(Counting(name="behind it"))
    assert [one.stop_word for one in (first, waiting)] == [OnStop.BEST, OnStop.END]
    queue.stop(first.name)
    assert running(waiting).stop_word == OnStop.BEST
    queue.stop(waiting.name)
    assert waiting.wait().value


def test_a_killed_worker_leaves_its_job_failed_and_nothing_half(queue, tmp_path):
    place = tmp_path / "result"
    job = queue.submit(Ending(way="killed", folder=str(place)))
    outcome = job.wait()
    assert outcome.state is JobState.FAILED
    assert not job.as_dict()["final"]
    assert "ended from outside" in outcome.problem.title
    assert not place.exists()
    assert queue.submit(Ending(way="done"), again=True).wait().value


def test_a_later_request_about_the_same_takes_the_place_in_line(queue):
    first = running(queue.submit(Counting(name="first in line")))
    waiting = queue.submit(Counting(name="plan", facts=1))
    newer = queue.submit(Counting(name="plan", facts=2))
    assert waiting.state is JobState.STOPPED
    assert newer.state is JobState.WAITING
    assert queue.stop(newer.name).state is JobState.STOPPED
    queue.stop(first.name)
    assert first.wait().state is JobState.DONE
    assert queue.stop("none") is None


def test_a_job_in_line_says_what_it_waits_for(queue):
    first = running(queue.submit(Counting(name="ahead")))
    second = queue.submit(Counting(name="second"))
    third = queue.submit(Counting(name="third"))
    assert second.stands == second.as_dict()["phase"] == "waits for Counting"
    assert third.stands == "waits for Counting and 1 more"
    queue.stop(second.name)
    assert third.stands == "waits for Counting"
    queue.stop(first.name)
    running(third)
    assert "waits" not in third.stands
    queue.stop(third.name)
    third.wait()


def failed(queue, about):
    job = queue.submit(Ending(way="failed", about=about), again=True)
    job.wait()
    return job


def test_of_failures_that_are_alike_the_newest_is_listed_until_it_is_put_away(queue):
    earlier, later = failed(queue, "one"), failed(queue, "two")
    listed = queue.jobs()
    assert later in listed
    assert earlier not in listed
    assert queue.dismiss(later.name) is later
    assert not {earlier, later} & set(queue.jobs())
    assert queue.dismiss("none") is None


def test_a_failure_waits_until_somebody_has_seen_it(queue, monkeypatch):
    job = failed(queue, "night")
    monkeypatch.setattr(job_queue, "SHOWN_SECONDS", 0.0)
    assert job in queue.jobs()
    assert job in queue.jobs(seen=True)
    assert job not in queue.jobs(seen=True)


def test_the_bar_says_why_work_failed_and_what_helps():
    wrong = finding(
        "SNAP005", table="lanes", value="L", column="lane", kind="x", expected="y"
    )
    other = finding(
        "SNAP005", table="lanes", value="M", column="lane", kind="x", expected="y"
    )
    problem = PageProblem(
        title="Errors stop it",
        text="2 errors.",
        remedy="Mend it.",
        findings=(wrong, other),
    )
    job = Job(name="1", request=Ending(way="failed"))
    job.end(JobOutcome(state=JobState.FAILED, problem=problem))
    assert job.why == f"Errors stop it. {wrong.message} and 1 more Mend it."


def test_the_end_of_a_server_ends_its_workers():
    own = JobQueue(workers=1)
    own.open()
    job = running(own.submit(Counting()))
    process = own._workers[0]._process
    own.close()
    process.join(5)
    assert not Path(f"/proc/{process.pid}").exists() or not process.is_alive()
    assert job.wait().state is not JobState.RUNNING


SERVER = """
import time
from medhavi.service.jobs.job_queue import JobQueue
from tests.service.job_requests import Counting

if __name__ == "__main__":
    queue = JobQueue(workers=1)
    job = queue.submit(Counting(name="at the end"))
    while job.progress is None:
        time.sleep(0.02)
    print(queue._workers[0]._process.pid, flush=True)
    time.sleep(60)
"""


@pytest.mark.nightly
def test_a_worker_whose_server_is_killed_ends_at_its_next_phase(tmp_path):
    (tmp_path / "server.py").write_text(SERVER, "utf-8")
    path = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        [sys.executable, str(tmp_path / "server.py")],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        worker = Path(f"/proc/{int(server.stdout.readline())}")
        assert worker.exists()
        server.kill()
    begun = time.monotonic()
    while worker.exists() and time.monotonic() - begun < 20:
        time.sleep(0.05)
    assert not worker.exists()


def test_work_begins_although_the_page_that_was_opened_last_is_closed(monkeypatch):
    closed = ModuleType("__main__")
    closed.__dict__.clear()  # as marimo leaves the module of a closed page
    monkeypatch.setitem(sys.modules, "__main__", closed)
    own = JobQueue(workers=1)
    try:
        assert own.submit(Ending(way="done")).wait().state is JobState.DONE
        assert sys.modules["__main__"] is closed
    finally:
        own.close()
