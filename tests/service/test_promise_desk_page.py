"""The desk of the promise page: what is tried, moved, overridden, dropped, watched."""

from __future__ import annotations

import datetime as dt
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import fastexcel
import polars as pl
import pytest

from medhavi.errors import UsageError
from medhavi.findings import BadData
from medhavi.progress import unobserved
from medhavi.service import page_data
from medhavi.service.downloads import as_csv, as_xlsx
from medhavi.service.jobs.open_pages import AGAIN
from medhavi.service.page_data import problem_of, trouble_of
from medhavi.service.promise_pages import (
    promise_check,
    promise_commit,
    promise_page,
    promise_widgets,
    request_file,
)
from medhavi.service.promise_pages.promise_check import checked_promises, last_check
from medhavi.service.promise_pages.promise_commit import (
    OpenRequest,
    OverrideDate,
    commit,
    commit_lines,
    requested_of,
)
from medhavi.service.promise_pages.promise_page import (
    PromisePage,
    ask,
    ask_changed,
    choices,
    named,
    read_quantity,
    template_csv,
    template_xlsx,
    variants_of,
)
from medhavi.service.promise_pages.request_file import RequestFile, answer_file
from medhavi.units import DAY, from_seconds
from medhavi.views.promises.lists import (
    answer_rows,
    answers_sentence,
    at_risk_rows,
    checked_words,
    hot_spots_html,
    no_risk_html,
    risk_spots_html,
    variants_html,
    watch_sentence,
)
from medhavi.views.promises.words import (
    changes_html,
    compared_html,
    there,
)
from tests import factories
from tests.api import PageProblem, load_data
from tests.service.promise_company import SHORT, page_of, promise_company

if TYPE_CHECKING:
    from tests.api import PageData


@pytest.fixture(autouse=True)
def no_memory():
    promise_page._books.clear()
    page_data._benches.clear()
    promise_page.forget()


@pytest.fixture
def company(tmp_path) -> PageData:
    return page_of(promise_company(tmp_path))


def asked(company, **cells) -> PromisePage:
    page = ask(company, {**SHORT, **cells})
    assert page.problem is None
    return page


# ------------------------------------------------------------ facts that change
def test_an_open_request_is_asked_again_when_facts_change(company):
    """What is being typed meanwhile is not asked."""
    question = OpenRequest()
    first = question.answer(company, SHORT)
    again = question.answer(replace(company), {**SHORT, "qty": "1"})
    assert again is not first
    assert again.qty == first.qty
    assert question.answer(question.data, {**SHORT, "qty": "1"}).qty == 1.0


@pytest.mark.nightly
def test_what_was_promised_is_not_asked_again_by_itself(company):
    question = OpenRequest()
    told = question.answer(company, SHORT)
    done = question.keep(commit(company, told, "Ana"))
    assert done.kept
    assert question.answer(replace(company), SHORT) is told
    assert question.promised is done
    assert question.answer(question.data, SHORT) is not told
    assert question.promised is None


# --------------------------------------------------------------------- the form
def test_places_are_called_like_their_customer_and_due_is_local_to_them(company):
    offered = choices(company.snapshot, company.names)
    assert "Corner shop (SHOP)" in offered.locations
    page = asked(company, due="2026-01-08 09:00")
    assert page.row["due"] == dt.datetime(2026, 1, 8, 8, tzinfo=dt.UTC)  # Rome: +1 h


@pytest.mark.req("ATP-26", "DEF-28")
def test_a_quantity_may_be_stated_in_another_unit():
    snapshot = factories.snapshot(
        products=[{"product": "A", "uom": "kg"}],
        uom_conversions=[{"product": "A", "uom": "case", "factor": 12.0}],
    )
    assert read_quantity("3,650", "A", snapshot) == 3650
    assert read_quantity("2.5 case", "A", snapshot) == 30
    assert read_quantity(" 7 kg", "A", snapshot) == 7
    assert read_quantity(5, "A", snapshot) == 5
    with pytest.raises(
        UsageError, match="has no unit 'box'; it is counted in kg, case"
    ):
        read_quantity("2 box", "A", snapshot)
    assert read_quantity("12,345,678.5 kg", "A", snapshot) == 12_345_678.5
    assert read_quantity("1\u202f234 case", "A", snapshot) == 14_808
    assert read_quantity("1e3", "A", snapshot) == 1000
    # A comma that parts no thousands may be one of decimals.
    for doubtful in ("3,5", "0,500", "1,23,456", "1.234,5", "3 5", "1,2345", "1 20ft"):
        with pytest.raises(UsageError, match=f"^'{doubtful}' is not a quantity"):
            read_quantity(doubtful, "A", snapshot)
    with pytest.raises(UsageError, match="is not a quantity"):
        read_quantity("many", "A", snapshot)


# ------------------------------------------------------------------ the moved date
@pytest.mark.req("ATP-13")
def test_the_chance_goes_with_the_date(company):
    page = asked(company)
    share = promise_widgets.share_of(page)
    assert share == pytest.approx(0.8)
    assert promise_widgets.date_at(page.curve, share) == page.promise.date
    sooner = promise_widgets.date_at(page.curve, 0.3)
    assert sooner < page.promise.date
    names = there(company.names, "SHOP")
    assert "earlier than quoted" in promise_widgets.moved_words(page, sooner, names)
    assert "the quoted date" in promise_widgets.moved_words(
        page, page.promise.date, names
    )
    assert promise_widgets.own_date(page, page.promise.date, names) == ""


@pytest.mark.req("ATP-13")
def test_the_page_says_what_would_be_if_it_were_asked_otherwise(company):
    page = asked(company)
    variants = variants_of(company, page)
    changes = {one.change for one in variants}
    assert changes == {"risk_basis", "qty", "due"}
    told = variants_html(variants, page.promise, there(company.names, "SHOP"))
    assert "quoted at P95" in told
    assert re.search(r"quantity [0-9]+", told)
    assert "due Thu 15 Jan, 09:00" in told
    assert "Nothing else" in variants_html((), page.promise, company.names)


# ---------------------------------------------------------------- what would help
@pytest.mark.req("ATP-19")
def test_every_remedy_of_an_answer_gives_what_it_says(company):
    page = asked(company)
    assert page.promise.remedies
    for place, remedy in enumerate(page.promise.remedies):
        tried = ask_changed(company, page, place)
        assert (tried.promise.date, tried.promise.cost.total) == (
            remedy.date,
            pytest.approx(remedy.cost),
        )
        assert tried.binding == (set(remedy.rows) <= {"request"})
        names = there(company.names, "SHOP")
        told = compared_html(page.promise, tried.promise, names)
        assert "With the change" in told
        rows = changes_html(remedy, page.promise, company.snapshot, names, page.policy)
        assert "<td" in rows


@pytest.mark.req("ATP-19")
def test_a_question_that_was_changed_is_committed_as_changed(company):
    page = asked(company)
    codes = [one.code for one in page.promise.remedies]
    tried = ask_changed(company, page, codes.index("split_delivery"))
    assert tried.promise.on_time
    assert commit(company, tried, "Ada").kept
    assert tried.promise.qty == 40
    assert not asked(company, qty="1").promise.on_time


@pytest.mark.defect
def test_what_cannot_be_tried_is_a_problem_of_the_page(company):
    page = asked(company)
    assert ask_changed(company, page, 99).problem is not None
    assert ask_changed(company, PromisePage(), 0).promise is None


# ---------------------------------------------------------------------- the commit
@pytest.mark.req("ATP-23")
def test_another_date_needs_a_reason_and_is_told(company):
    page = asked(company, qty="5", due="2026-03-20")
    bare = commit(company, page, "Ada", OverrideDate(date="2026-03-19 10:00"))
    assert not bare.kept
    assert "needs a reason" in bare.text
    own = OverrideDate(date="2026-03-19 10:00", reason="closed before")
    said = commit(company, page, "Ada", own)
    assert said.kept
    assert "Thu 19 Mar, 10:00, not the one that was found: closed before" in said.text
    wrong = commit(company, page, "Ada", OverrideDate(date="soon", reason="x"))
    assert (wrong.kept, wrong.title) == (False, "It was not promised")


@pytest.mark.req("ATP-23")
def test_the_requested_date_is_promised_where_the_goods_come_before(company):
    """Nobody has to say why a customer gets the date that he asked for."""
    page = asked(company, qty="5", due="2026-03-20")
    requested = requested_of(page, company.names)
    assert page.promise.date < page.due
    button = promise_widgets.requested_button(page, company.names)
    assert "Promise the requested date, Fri 20 Mar" in button.text
    said = commit(company, page, "Ada", requested)
    assert said.kept
    assert "not the one that was found: the requested date" in said.text
    late = asked(company, qty="5", due="2026-01-05")
    assert requested_of(late, company.names) is None
    assert requested_of(PromisePage(), company.names) is None


@pytest.mark.req("ATP-28")
def test_a_date_that_somebody_gave_is_changed_with_a_reason_only(company):
    page = asked(company, qty="5", due="2026-03-20")
    own = OverrideDate(date="2026-03-19 10:00", reason="closed before")
    assert commit(company, page, "Ada", own).kept
    bare = commit(company, page, "Bob", OverrideDate())
    assert (bare.kept, bare.title) == (False, "It was not promised")
    assert "Thu 19 Mar 2026, 10:00, a date that somebody gave" in bare.text
    assert commit(company, page, "Bob", OverrideDate(reason="it opens earlier")).kept


@pytest.mark.req("RES-05")
def test_equal_questions_of_two_pages_are_two_promises(company):
    pages = [asked(company, qty="5", due="2026-03-20") for _ in range(2)]
    said = [commit(company, page, "Ada") for page in (*pages, pages[0])]
    assert all(one.kept for one in said)
    again = ["It was promised before" in one.text for one in said]
    assert again == [False, False, True]


def test_the_date_that_was_found_is_no_override(company):
    page = asked(company, qty="5", due="2026-03-20")
    assert commit(company, page, "Ada", OverrideDate()).kept


@pytest.mark.req("RES-05")
def test_who_came_first_is_named_with_what_is_left(company):
    mine, theirs = asked(company, qty="40"), asked(company, qty="39")
    assert commit(company, theirs, "Bob").kept
    said = commit(company, mine, "Ada")
    assert (said.kept, said.title) == (False, "Others came first")
    assert "Apple crate for Corner shop" in said.text
    assert "The earliest is" in said.text


# ------------------------------------------------------------------------ the file
def answered(data, name, content):
    """Answers of the page to a dropped file."""
    return answer_file(data, RequestFile(name=name, content=content))


def lines(*rows: str) -> bytes:
    head = "sales_order,line,customer,product,location,qty,due"
    return "\n".join([head, *rows]).encode()


@pytest.mark.req("ATP-22")
def test_a_file_is_answered_chosen_lines_are_kept_and_both_files_come_back(company):
    content = lines(
        "SO-7,1,C-1,A,SHOP,30,2026-01-20T00:00:00Z",
        "SO-8,1,C-1,A,SHOP,30,2026-01-08T00:00:00Z",
    )
    many = answered(company, "requests.csv", content)
    assert many.problem is None
    assert many.binding
    assert [one.sales_order for one in many.promises] == ["SO-7", "SO-8"]
    assert [one.request for one in many.promises] == [2, 3]  # below the header
    assert "2 lines" in answers_sentence(many.promises)
    rows = answer_rows(many.promises, company.names)
    first = rows.row(0, named=True)
    assert first["Row"] == 2
    assert (first["Customer"], first["Product"]) == ("Corner shop", "Apple crate")
    assert first["Zone"] == "Europe/Rome"
    book = fastexcel.read_excel(as_xlsx(rows, "answers")).load_sheet(0).to_polars()
    assert book["Order"].to_list() == ["SO-7 line 1", "SO-8 line 1"]
    text = pl.read_csv(io.BytesIO(as_csv(rows)), infer_schema=False)
    assert text["Order"].to_list() == book["Order"].to_list()
    said = commit_lines(company, many.promises[1:], "Ada")
    assert said.kept
    assert ask(company, {**SHORT, "qty": 10, "due": "2026-01-20"}).promise.on_time


@pytest.mark.req("ATP-22")
def test_a_day_on_which_a_line_is_due_is_told_as_that_day(company):
    """Its end is meant, the midnight after it."""
    many = answered(company, "requests.csv", lines("SO-7,1,C-1,A,SHOP,3,2026-01-20"))
    rows = answer_rows(many.promises, company.names)
    assert rows["Due"].to_list() == ["Tue 20 Jan 2026"]
    book = pl.read_excel(io.BytesIO(as_xlsx(rows, "answers")))
    assert book["Due"].to_list() == rows["Due"].to_list()
    # The date of the answer is a moment: Excel sorts it.
    assert book["Delivery date"].to_list() == rows["Delivery date"].to_list()
    (shown,) = json.loads(promise_widgets.answer_table(rows)._component_args["data"])
    (date,) = rows["Delivery date"]
    told = shown["Delivery date"].replace("\xa0", " ")
    assert told == f"{date:%a} {date.day} {date:%b %Y, %H:%M}"
    assert f",{date:%Y-%m-%d %H:%M}," in as_csv(rows).decode()


@pytest.mark.req("ATP-22")
def test_all_that_is_wrong_in_a_file_is_listed_with_row_and_column(company):
    content = lines(
        "SO-7,1,C-1,Z,SHOP,-4,2026-01-20T00:00:00Z",
        "SO-8,1,C-1,A,NOWHERE,many,",
    )
    many = answered(company, "requests.csv", content)
    assert many.problem.title == "Fix the errors of the file"
    places = {(found.row, found.column) for found in many.problem.findings}
    wrong = {(2, "product"), (2, "qty"), (3, "qty"), (3, "due"), (3, "location")}
    assert wrong <= places


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("requests.pdf", b"x", "is not a request file"),
        ("requests.csv", b"0" * 50_000_001, "50 MB"),
        ("requests.json", b"{", "Fix the errors of the file"),
    ],
)
def test_what_is_no_request_file_is_said(company, name, content, words):
    many = answered(company, name, content)
    assert words in f"{many.problem.title} {many.problem.text}"


def test_a_file_without_content_and_a_text_for_a_number_are_told_in_words(company):
    [found] = answered(company, "requests.csv", b"").problem.findings
    assert "it is empty" in found.message
    many = answered(company, "r.csv", lines("SO-7,1,C-1,A,SHOP,ten,2026-01-20"))
    assert [one.message for one in many.problem.findings] == [
        "qty is 'ten', which is no number."
    ]


@pytest.mark.req("ATP-22")
def test_a_large_file_has_dates_without_reasons_and_the_page_says_so(
    company, monkeypatch
):
    content = lines(
        "SO-7,1,C-1,A,SHOP,30,2026-01-20T00:00:00Z",
        "SO-8,1,C-1,A,SHOP,60,2026-01-08T00:00:00Z",
    )
    monkeypatch.setattr(request_file, "MOST_IN_FULL", 2)
    full = answered(company, "requests.csv", content)
    assert promise_widgets.brief_words(full) == ""
    known = promise_page.recent(str(company.source))
    assert [bool(one.limiter) for one in known] == [False, True]
    monkeypatch.setattr(request_file, "MOST_IN_FULL", 1)
    brief = answered(company, "requests.csv", content)
    assert (full.brief, brief.brief, brief.binding) == (False, True, True)
    told = promise_widgets.brief_words(brief)
    assert "more than 1 lines" in told
    empty = {"Limited by", "What would help"}
    for name in empty:
        assert name in told
    rows = [answer_rows(one.promises, company.names) for one in (full, brief)]
    assert rows[0].drop(empty).equals(rows[1].drop(empty))
    assert rows[0].row(1, named=True)["Limited by"]
    assert [set(rows[1][name]) for name in empty] == [{""}, {""}]
    # Answers without reasons do not drive out what limited others.
    assert promise_page.recent(str(company.source)) == known
    said = commit_lines(company, brief.promises, "Ada")
    assert (said.kept, "2 promises" in said.text) == (True, True)


@pytest.mark.req("ATP-22", "UI-07")
def test_a_longer_file_is_a_job_that_tells_its_progress_and_can_be_stopped(
    company, monkeypatch
):
    rows = [f"SO-{n},1,C-1,A,SHOP,1,2026-01-20T00:00:00Z" for n in range(12)]
    file = RequestFile(name="requests.csv", content=lines(*rows))
    asked = []

    def noted(job, here, _title):
        asked.append(job)
        return here()

    monkeypatch.setattr(request_file, "result_of", noted)
    at_desk = answer_file(company, file)
    [job] = asked
    seen = []
    assert job.run(seen.append, lambda: False).promises == at_desk.promises
    assert [one.done for one in seen if one.total == 12][:2] == [0, 1]
    assert job.title == "Answers to requests.csv"
    assert not at_desk.stopped
    made = job.run(seen.append, lambda: seen[-1].done > 4)
    assert 0 < sum(one.date is not None for one in made.promises) < 12
    monkeypatch.setattr(request_file, "result_of", lambda *_: made)
    stopped = answer_file(company, file)
    assert stopped.stopped
    assert "It was stopped" in promise_widgets.brief_words(stopped)


def test_reasons_are_searched_for_no_file_that_would_take_a_quarter_of_an_hour(
    company, monkeypatch
):
    asked = []
    problem = PageProblem(title="under way", text="")

    def under_way(job, *_rest):
        asked.append(job)
        return problem

    monkeypatch.setattr(request_file, "result_of", under_way)
    for most in (200, 201):
        rows = [f"SO-{n},1,C-1,A,SHOP,1,2026-01-20" for n in range(most)]
        assert answered(company, "requests.csv", lines(*rows)).problem is problem
    assert [job.detail for job in asked] == ["full", "date"]


def test_what_is_wrong_in_a_longer_file_is_listed_as_of_a_file(company, monkeypatch):
    """A job that failed left its errors behind."""
    rows = [f"SO-{n},1,C-1,A,SHOP,many,2026-01-20" for n in range(12)]

    def failed(job, _here, _title):
        try:
            job.run(unobserved, lambda: False)
        except BadData as failure:
            return replace(problem_of(failure), job="1", remedy=AGAIN)

    monkeypatch.setattr(request_file, "result_of", failed)
    many = answered(company, "requests.csv", lines(*rows))
    assert many.problem.title == "Fix the errors of the file"
    assert many.problem.text.startswith("12 errors")
    assert many.problem.job == ""
    assert "which is no number" in trouble_of(many).text


def test_a_few_lines_are_answered_at_once(company, monkeypatch):
    monkeypatch.delattr(request_file, "result_of")
    row = "SO-7,1,C-1,A,SHOP,1,2026-01-20T00:00:00Z"
    assert len(answered(company, "requests.csv", lines(row)).promises) == 1


def test_both_templates_are_answered_as_they_are(company):
    page = asked(company)
    for name, content in (
        ("r.xlsx", template_xlsx(page)),
        ("r.csv", template_csv(page)),
    ):
        many = answered(company, name, content)
        assert many.problem is None
        assert [one.date for one in many.promises] == [page.promise.date]
    empty = answered(company, "r.csv", template_csv())
    assert empty.promises == ()
    assert answers_sentence(empty.promises) == "No line was asked."


def test_a_folder_of_tables_answers_files_and_keeps_nothing(tmp_path):
    factories.snapshot(
        products=[{"product": "A"}],
        locations=[{"location": "SHOP"}],
        customers=[{"customer": "C-1"}],
        stock=[{"location": "SHOP", "qty": 30}],
    ).to_folder(tmp_path)
    data = named(load_data(str(tmp_path)))
    content = lines("SO-7,1,C-1,A,SHOP,30,2026-02-20T00:00:00Z")
    many = answered(data, "r.csv", content)
    again = answered(data, "r.csv", content)
    assert many.promises == again.promises
    assert many.promises[0].on_time
    assert not many.binding
    assert not commit_lines(data, many.promises, "Ada").kept


def test_lines_need_an_approver_and_a_date(company):
    page = asked(company)
    assert page.promise is not None
    assert "approver" in commit_lines(company, [page.promise], " ").text
    assert not commit_lines(company, [], "Ada").kept


# ----------------------------------------------------------------------- the lists
@pytest.mark.req("ATP-20")
def test_promises_at_risk_are_told_by_name_with_their_reason(company):
    page = asked(company, qty="40", due="2026-01-20")
    before = OverrideDate(date="2026-01-06 01:00", reason="he insists")
    assert commit(company, page, "Ada", before).kept
    found = checked_promises(company)
    assert found.problem is None
    assert [one.product for one in found.watch.at_risk] == ["A"]
    assert found.watch is not None
    told = watch_sentence(found.watch)
    assert "1 of 1 accepted promise does not hold any more: 0 overdue, 1 at" in told
    (one,) = found.watch.at_risk
    late = replace(found.watch, as_of=one.promised + 1)
    assert "not hold any more: 1 overdue, 0 at risk" in watch_sentence(late)
    planned = {one.demand: dt.datetime(2026, 1, 9, 7, tzinfo=dt.UTC)}
    (row,) = at_risk_rows(found.watch, company.names, planned).to_dicts()
    assert (row["Customer"], row["State"]) == ("Corner shop", "▲ late")
    assert f"{row['Promised']:%d %b, %H:%M}" == "06 Jan, 01:00"
    assert f"{row['By the plan']:%d %b, %H:%M}" == "09 Jan, 08:00"
    assert row["Zone"] == "Europe/Rome"
    assert isinstance(risk_spots_html(found.watch, company.names), str)


def test_nothing_at_risk_says_what_to_do(company):
    found = checked_promises(company)
    assert watch_sentence(found.watch) == "No promise is accepted yet"
    assert at_risk_rows(found.watch, company.names, {}).is_empty()
    assert "Quote something" in no_risk_html(found.watch)
    assert risk_spots_html(None, company.names) == ""
    nowhere = checked_promises(load_data("/not/there"))
    assert nowhere.problem is not None


@pytest.mark.req("ATP-20")
def test_the_last_check_stays_until_newer_facts_are_asked_about(company, monkeypatch):
    def waits(_asked, _here, _title, offer):
        return offer

    def works(_asked, _here, title, **_offer):
        return PageProblem(title=title, text="running", job="1", stop="Stop")

    assert commit(company, asked(company), "Ada").kept
    now = page_of(company.source.lake)
    with monkeypatch.context() as patched:
        patched.setattr(promise_check, "result_of", waits)
        offered = checked_promises(now)
        assert (offered.watch, offered.problem.title) == (None, "Not checked yet")
    first = checked_promises(now)
    assert (first.problem, first.watch.watched) == (None, 1)
    assert last_check(now) is checked_promises(now) is first

    assert commit(company, asked(company, qty="1"), "Ada").kept
    later = page_of(company.source.lake)
    with monkeypatch.context() as patched:
        patched.setattr(promise_check, "result_of", works)
        meanwhile = checked_promises(later)
        assert meanwhile.is_renewed
        assert meanwhile.watch is first.watch
    told = checked_words(meanwhile.watch, later.names, is_renewed=True)
    assert told.endswith("facts have changed, being checked again.")
    assert checked_promises(later).watch.watched == 2


def test_what_limits_most_is_counted_once_a_question(company):
    assert "was limited" in hot_spots_html((), company.names)
    for qty in ("60", "60", "70"):
        asked(company, qty=qty)
    known = promise_page.recent(str(company.source))
    assert len(known) == 2
    told = hot_spots_html(known, company.names)
    assert "100 %" in told
    assert "SHOP" not in told


def test_the_memory_of_answers_is_bounded(company):
    promise = asked(company).promise
    assert promise is not None
    many = [
        replace(promise, demand={**promise.demand, "qty": number})
        for number in range(1, promise_page.MOST + 6)
    ]
    promise_page.remember("x", many)
    promise_page.remember("x", many[:3])
    assert len(promise_page.recent("x")) == promise_page.MOST
    for number in range(20):
        promise_page.remember(f"y{number}", many[:1])
    assert promise_page.recent("x") == ()


def test_the_command_asks_the_same(company):
    page = asked(company)
    told = promise_widgets.command(page.row, company.source.option)
    assert '"due": "2026-01-08T08:00:00Z"' in told
    assert told.endswith("--request -")
    assert str(company.source.tables or company.source.lake) not in told
    assert promise_widgets.own_date(page, page.promise.date + DAY, company.names)


# ------------------------------------------------------------ the plan in force
@pytest.mark.req("UI-06")
def test_a_page_says_what_an_answer_does_to_the_plan_and_writes_nothing(company):
    page = asked(company)
    effect = promise_commit.effect_of(company, page.promise, 1)
    text = promise_commit.effect_words(effect, page.promise, company.names)
    assert "planned again with this promise" in text
    assert "What it costs" in text
    assert effect.price.lateness > 0
    assert "this promise" in text
    after = page_of(Path(company.source.lake))
    assert after.snapshot.fingerprint == company.snapshot.fingerprint


@pytest.mark.req("UI-06")
def test_a_page_says_where_the_plan_delivers_after_the_date_of_the_quote(company):
    page = asked(company)
    effect = promise_commit.effect_of(company, page.promise, 1)
    own = str(page.promise.demand["demand"])
    (one,) = (one for one in effect.victims if one.demand == own)
    date = int(page.promise.date)
    late, same = (
        replace(
            effect, victims=(replace(one, new_date=from_seconds(date + days * DAY)),)
        )
        for days in (5, 0)
    )
    text = promise_commit.effect_words(late, page.promise, company.names)
    assert "5 d after the date of the quote" in text
    assert "after the date of the quote" not in promise_commit.effect_words(
        same, page.promise, company.names
    )


def test_a_page_without_tables_says_why_there_is_no_effect(company):
    page = asked(company)
    nothing = replace(company, snapshot=None)
    effect = promise_commit.effect_of(nothing, page.promise, 1)
    assert "nothing to promise" in promise_commit.effect_words(
        effect, page.promise, company.names
    )
