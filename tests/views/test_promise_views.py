"""How an answer to a request looks: words, tables, pictures."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from medhavi.results.limiter import Limiter
from medhavi.results.promises.promise import (
    Preempted,
    Promise,
    PromiseBasis,
    PromiseCost,
    PromisedDelivery,
    PromiseOption,
    PromiseReason,
    PromiseStatus,
    TriedRemedy,
    iso,
)
from medhavi.units import DAY
from medhavi.views.promises.lists import reasons_html
from medhavi.views.promises.picture import (
    CURVE,
    chain_sentence,
    probability_chart,
    probability_sentence,
    promise_chain_chart,
)
from medhavi.views.promises.words import (
    options_html,
    preempted_html,
    promise_tiles,
    reason_words,
    remedies_html,
)
from medhavi.views.theme import ChartRows
from tests.api import Names

NOW = 1_767_571_200  # Monday 2026-01-05 00:00 UTC
DUE = NOW + 10 * DAY
NAMES = Names(texts={"FACE": "Face <cream>", "M1": "Filling 1"}, units={"FACE": "each"})


def stage(
    kind: str, start: float, finish: float, *, used: float | None = None, **cells: str
) -> dict[str, object]:
    """An entry of a trace, in days from now."""
    given: dict[str, object] = {"product": "FACE", "location": "PLANT", "qty": 5.0}
    moments = {
        "start": start,
        "finish": finish,
        "used": finish if used is None else used,
    }
    told = {name: iso(NOW + int(day * DAY)) for name, day in moments.items()}
    return {"stage": kind, **given, **told, **cells}


@pytest.fixture
def promise() -> Promise:
    """A promise that is a day late, with two options and a remedy."""
    date = DUE + DAY
    return Promise(
        request=1,
        status=PromiseStatus.PROMISED_LATE,
        date=date,
        date_p50=date - DAY,
        date_p80=date,
        date_p95=date + 2 * DAY,
        on_time_prob=0.04,
        date_prob=0.83,
        deliveries=(
            PromisedDelivery(qty=5.0, date=date, product="FACE", origin="PLANT"),
        ),
        origin="PLANT",
        option="make",
        options=(
            PromiseOption(
                option="make",
                origin="PLANT",
                qty=5.0,
                date=date,
                on_time_prob=0.04,
                date_prob=0.83,
                cost=1234.0,
                co2_kg=12.0,
            ),
            PromiseOption(
                option="buy",
                origin="PLANT",
                qty=5.0,
                date=date + DAY,
                on_time_prob=0.0,
                date_prob=0.6,
                cost=900.0,
                co2_kg=2.0,
                why_not="later by 1 d",
            ),
        ),
        cost=PromiseCost(material=1000.0, production=234.0, cash_out=1500.0),
        co2_kg=12.0,
        limiter=PromiseReason(
            code=Limiter.CAPACITY_SHORTFALL,
            subject="M1",
            hours=24.0,
            text="Waits 24 h for Filling 1.",
        ),
        limiters=(),
        remedies=(
            TriedRemedy(
                code="overtime",
                text="Work on Saturday <on Filling 1>",
                rows={},
                date=DUE,
                cost=1300.0,
            ),
        ),
        reservations=("r1",),
        basis=PromiseBasis(model="lead-time", version="3", risk_basis="p80"),
        known_at=NOW,
        trace=(
            stage("material", 1, 1, way="stock", used=1.5),
            stage("transport", 6, 11, lane="LANE", origin="PLANT", destination="C"),
        ),
        demand={"product": "FACE"},
    )


@pytest.fixture
def rejected(promise: Promise) -> Promise:
    """An answer without a date."""
    return replace(
        promise,
        status=PromiseStatus.REJECTED,
        date=None,
        date_p50=None,
        date_p80=None,
        date_p95=None,
        on_time_prob=None,
        date_prob=None,
        deliveries=(),
        options=(),
        remedies=(),
        trace=(),
    )


@pytest.mark.req("ATP-15")
def test_tiles_say_date_quantity_chance_cost_and_their_basis(promise):
    date, qty, chance, cost, co2 = promise_tiles(promise, NAMES, qty=8.0, due=DUE)
    assert [one.rows for one in (date, qty, chance, cost, co2)] == [
        "pictures",
        "options",
        "pictures",
        "options",
        "options",
    ]
    assert (date.figure, date.state, date.note) == (
        "Fri 16 Jan",
        "warn",
        "UTC; 1 d after due",
    )
    assert (qty.word, chance.figure, chance.note) == (
        "less than asked for",
        "4 %",
        "by Fri 16 Jan 83 %; model lead-time 3",
    )
    assert cost.figure == "€ 1.23k"
    assert co2.figure == "12.0"


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("stated", "no uncertain time in the chain"),
        ("terms", "agreed times of suppliers and lanes"),
        ("stated, no history", "supplier lead time stated, no history"),
    ],
)
def test_the_basis_of_uncertain_times_is_said(promise, model, words):
    basis = PromiseBasis(model=model, version=None, risk_basis="p50")
    tiles = promise_tiles(replace(promise, basis=basis), NAMES, qty=5.0, due=None)
    assert tiles[2].note == f"by Fri 16 Jan 83 %; {words}"


def test_a_rejected_request_shows_dashes_and_what_to_do(rejected):
    tiles = promise_tiles(rejected, NAMES, qty=5.0, due=DUE)
    assert tiles[0].word == "cannot be promised"
    assert tiles[2].figure == "\N{EN DASH}"
    assert "No sourcing option" in options_html(rejected, NAMES)
    assert promise_chain_chart(rejected, NAMES, due=DUE, as_of=NOW) is None
    assert probability_chart(rejected, NAMES, due=DUE) is None
    assert chain_sentence(rejected, DUE) == "Nothing can be promised"
    assert probability_sentence(rejected) == "Probability of the delivery date"
    assert "No remedy found" in remedies_html(rejected, NAMES)
    entry = {"stage": "remedies", "tried": 1, "changes": ["buy M1"], "note": ""}
    tried = remedies_html(replace(rejected, trace=(entry,)), NAMES)
    assert "Tried without gain: buy Filling 1" in tried


def test_nobody_calls_a_late_date_in_time(promise):
    words = "Probability by the requested date 4 %, by the quoted date 83 %"
    assert probability_sentence(promise) == words
    card = options_html(promise, NAMES)
    cell = '<td class="num" data-label="By {} date"><div>{} %</div></td>'
    assert cell.format("requested", 4) in card
    assert cell.format("quoted", 83) in card
    assert "On time" not in card


def test_options_stand_side_by_side_with_why_not(promise):
    table = options_html(promise, NAMES)
    assert "<b>chosen</b>" in table
    assert "later by 1 d" in table


ONE_OPTION = r'data-label="Option"><div>(?:<b>)?(?:● )?(.*?)(?:</b>)?</div>'
"""Cell of an option in the grid."""


def test_two_ways_of_one_name_are_told_apart_by_their_dates(promise):
    first = promise.options[0]
    other = replace(first, date=first.date + DAY, why_not="later")
    titles = re.findall(
        ONE_OPTION, options_html(replace(promise, options=(first, other)), NAMES)
    )
    assert len(set(titles)) == 2
    alone = re.findall(
        ONE_OPTION, options_html(replace(promise, options=(first,)), NAMES)
    )
    assert titles[0].startswith(f"{alone[0]}, ")


def test_reasons_are_sentences_with_their_kind(promise):
    text = reasons_html(promise, NAMES)
    assert "Waits 24 h for Filling 1." in text
    assert "Capacity shortfall: 1 d earlier without it" in text
    second = replace(promise, limiters=(promise.limiter, promise.limiter))
    assert "another 1 d earlier without it too" in reasons_html(second, NAMES)
    held = replace(
        promise.limiter,
        code=Limiter.MATERIAL_RESERVATION_CONFLICT,
        subject="H-9c7c3225a21cb103",
        text="Stock of FACE is held for Q-0001.",
    )
    told = reasons_html(replace(promise, limiter=held), NAMES)
    assert "Stock of Face &lt;cream&gt; is held for Q-0001." in told
    assert "H-9c" not in told
    assert "Nothing limits it" in reasons_html(replace(promise, limiter=None), NAMES)


def test_remedies_show_what_they_gain_and_never_markup(promise):
    text = remedies_html(promise, NAMES)
    assert "1 d earlier" in text
    assert "<on Filling" not in text
    worse = replace(promise.remedies[0], date=DUE + 2 * DAY)
    same = replace(promise.remedies[0], date=DUE + DAY)
    both = remedies_html(replace(promise, remedies=(worse, same)), NAMES)
    assert "1 d later" in both
    assert "the same date" in both


def test_nothing_to_help_is_said(promise):
    fine = replace(promise, remedies=(), limiter=None)
    assert "No remedy needed" in remedies_html(fine, NAMES)


def test_the_pictures_draw(promise):
    chain = promise_chain_chart(promise, NAMES, due=DUE, as_of=NOW)
    assert chain is not None
    assert chain.to_dict()["title"]["text"] == "Delivered 1 d after the due date"
    curve = probability_chart(promise, NAMES, due=None)
    assert curve is not None
    assert "quoted date 83 %" in curve.to_dict()["title"]["text"]


def test_points_of_a_curve_are_taken_as_they_are_and_name_their_view_alike(promise):
    """altair asks of each value what it is, in each layer: most of a quote's time."""
    drawn = [probability_chart(promise, NAMES, due=DUE, share=0.8) for _ in range(2)]
    curve, *_ = drawn[0].layer
    assert isinstance(curve.data["values"], ChartRows)
    assert drawn[0].to_dict() == drawn[1].to_dict()


def test_words_of_the_dragged_date_stand_where_no_rule_comes(promise):
    """Rules end at the axis, 180 px from the top; its title is at the other side."""
    picture = probability_chart(promise, NAMES, due=DUE, share=0.8).to_dict()
    (words,) = [
        layer
        for layer in picture["layer"]
        if layer["encoding"].get("text", {}).get("field") == "tip"
    ]
    places = [
        int(one) for one in re.findall(r"[?:] (\d+)", str(words["encoding"]["y"]))
    ]
    assert len(places) == 2
    assert min(places) > picture["height"] == CURVE
    assert words["mark"]["align"] == "right"
    axis = picture["layer"][0]["encoding"]["x"]["axis"]
    assert axis["titleAnchor"] == "start"


def test_a_sure_date_has_no_curve(promise):
    sure = replace(promise, date_p50=DUE, date_p80=DUE, date_p95=DUE)
    assert probability_chart(sure, NAMES, due=DUE) is None


@pytest.mark.parametrize(
    ("date", "due", "sentence"),
    [
        (DUE, DUE, "Delivered when due"),
        (DUE - DAY, DUE, "Delivered 1 d before the due date"),
        (DUE, None, "The chain of the promise"),
    ],
)
def test_the_chain_says_how_it_stands_to_the_due_date(promise, date, due, sentence):
    assert chain_sentence(replace(promise, date=date), due) == sentence


# ------------------------------------------------------------------ who gives way
def giving(promise: Promise, **cells: object) -> Promise:
    """Make a line of the shop give way to a promise."""
    one = Preempted(
        demand="D-9",
        sales_order="SO-9",
        line=2,
        customer="SHOP",
        tier="Bronze",
        priority=3,
        product="FACE",
        location="PLANT",
        qty=4.0,
        previous=DUE,
        date=DUE + 2 * DAY,
        cost=56.0,
        promise=promise,
    )
    return replace(promise, preempted=(replace(one, **cells),))


@pytest.mark.req("ATP-09")
def test_who_gives_way_is_told_by_name_with_local_dates(promise):
    names = replace(
        NAMES,
        texts={**NAMES.texts, "SHOP": "Corner shop"},
        zones={"PLANT": "Europe/Rome"},
    )
    told = preempted_html(giving(promise), names)
    assert "SO-9 line 2" in told
    assert "Corner shop" in told
    assert "Bronze, priority 3" in told
    assert "Face &lt;cream&gt;" in told
    assert "01:00" in told
    assert "2 d later" in told
    assert "56" in told


def test_a_line_without_an_order_or_a_date_is_told_too(promise):
    told = preempted_html(
        giving(
            promise,
            sales_order=None,
            line=None,
            customer=None,
            tier=None,
            previous=None,
        ),
        NAMES,
    )
    assert "D-9" in told
    assert "no date yet" in told
    assert "later" not in told


def test_a_line_that_comes_no_later_says_so_by_its_dates(promise):
    assert "later" not in preempted_html(giving(promise, date=DUE), NAMES)


def test_an_option_that_takes_from_others_is_told_in_words(promise):
    option = replace(promise.options[0], option="preempt:stock@PLANT")
    told = options_html(replace(promise, options=(option,)), NAMES)
    assert "Stock at PLANT, which others have now" in told


def test_a_request_that_a_stopped_run_did_not_reach_names_no_stage_of_ours():
    text = "The run was stopped before this request was reached."
    reason = PromiseReason(
        code=Limiter.SEARCH_TIMEOUT, subject="search", hours=0.0, text=text
    )
    assert reason_words(reason, Names()) == text
