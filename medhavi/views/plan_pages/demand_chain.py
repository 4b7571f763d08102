"""A demand in words: what is asked, its chain step by step, and what would help."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from medhavi.results.limiter import Limiter
from medhavi.results.plans.lateness import WORDS, Verdict
from medhavi.units import from_seconds
from medhavi.views.names import code_words, duration, quantity, relative, when
from medhavi.views.order_grid import expedite_link, order_link
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plans.explanation import ChainLink, Explanation, LatenessReason
    from medhavi.results.plans.source_choice import SourceChoice
    from medhavi.views.names import Names


_VERBS = {"make": "Make", "buy": "Buy", "move": "Move"}
_STATUS = {
    Verdict.ON_TIME: say("planned_on_time"),
    Verdict.AT_RISK: say("on_time_only_if"),
    Verdict.UNPLANNED: "not planned",
    Verdict.IGNORED: say("not_planned_for_its_status"),
}
_DAY = dt.timedelta(days=1)
_WAITING = 1.0
"""Waiting below this goes without saying [h]."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence; `kind` is head, link, past, stock or sum."""

    kind: str
    text: str


def verdict_words(verdict: Verdict) -> str:
    """Verdict of a demand as the end of a sentence."""
    return _STATUS.get(verdict, WORDS[verdict])


def story(
    explanation: Explanation, names: Names, as_of: int | None
) -> tuple[Sentence, ...]:
    """Chain of a demand in words, first start first.

    Times are those of the place where it happens.

    Parameters
    ----------
    as_of
        Now of the plan [UTC seconds].
    """
    lines = [Sentence(kind="head", text=headline(explanation, names))]
    if not explanation.chain:
        text = (
            say("stock_serves_it_all")
            if explanation.planned and explanation.limiter != Limiter.NO_SOURCE
            else say("nothing_serves_it")
        )
        return (*lines, Sentence(kind="stock", text=text))
    for link in explanation.chain:
        kind = "past" if link.in_past else "link"
        lines.append(Sentence(kind=kind, text=link_words(link, names, as_of)))
    lines.append(
        Sentence(
            kind="sum",
            text=say(
                "start_to_delivery",
                duration(explanation.total_hours),
                duration(sum(x.waiting_hours for x in explanation.chain)),
            ),
        )
    )
    return tuple(lines)


def headline(explanation: Explanation, names: Names) -> str:
    """What is asked, by when, and how it stands."""
    zone = names.zone_of(explanation.location)
    asked = quantity(explanation.qty, names.unit(explanation.product))
    late = lateness_words(explanation.lateness_hours, explanation.overdue_hours)
    limiter = (
        f"; limited by {code_words(explanation.limiter).lower()}"
        # The lateness says how much of it was past due.
        if explanation.limiter and explanation.limiter != Limiter.PAST_DUE
        else ""
    )
    status = verdict_words(explanation.verdict)
    if explanation.verdict in (Verdict.LATE, Verdict.PAST_DUE):
        # The hours say it.
        status, late = late.removeprefix(", "), ""
    if explanation.limiter == Limiter.NO_SOURCE:
        status, limiter = say("partly_without_source"), ""
    thing = (
        say(
            "amount_at",
            asked,
            names.name(explanation.product),
            names.name(explanation.location),
        )
        if explanation.product
        else asked
    )
    there = "" if zone == names.zone else f" ({zone})"
    due = when(explanation.due, zone, year=True, ends=True) + there
    return f"{thing} by {due}: {status}{late}{limiter}."


def lateness_words(hours: float | None, overdue: float) -> str:
    """Lateness as part of a sentence, what had passed when planned apart.

    >>> lateness_words(384.0, 336.0)
    ', 16 d late: 14 d past due when planned, 2 d added by the chain'
    >>> lateness_words(30.0, 0.0)
    ', 1 d 6 h late'
    """
    if not hours:
        return ""
    if not overdue:
        return f", {duration(hours)} late"
    own = hours - overdue
    if own <= 0:
        return say("already_overdue_when_planned", duration(overdue))
    return say("late_of_it_overdue", duration(hours), duration(overdue), duration(own))


def link_words(link: ChainLink, names: Names, as_of: int | None) -> str:
    """One supply in words: product, place, source, start, duration, wait."""
    zone = names.zone_of(link.location)
    what = f"{quantity(link.qty, names.unit(link.product))} {names.name(link.product)}"
    how = {
        "make": f"at {names.name(link.location)}",
        "buy": say(
            "from_supplier_for", names.name(link.source), names.name(link.location)
        ),
        "move": f"to {names.name(link.location)} ({names.name(link.source)})",
    }.get(link.kind, f"at {names.name(link.location)}")
    span = duration((link.finish - link.start).total_seconds() / 3600)
    wait = (
        f" {say('then_waits', duration(link.waiting_hours))}"
        if link.waiting_hours >= _WAITING
        else ""
    )
    past = ""
    if link.in_past and as_of is not None:
        ago = relative(link.start, from_seconds(as_of))
        past = f" {say('should_have_started', ago)}"
    there = "" if zone == names.zone else f" {zone}"
    return (
        f"{_VERBS.get(link.kind, 'Supply')} {what} {how}: {when(link.start, zone)} "
        f"to {when(link.finish, zone)}{there} ({span}).{past}{wait}"
    )


_HELP = {
    Limiter.CAPACITY_SHORTFALL: "more_hours_on",
    Limiter.CAPACITY_LOCKED: "unlock_work_on",
    Limiter.AWAITING_SUPPLY: "expedite_order",
    Limiter.LEAD_TIME: "a_faster_way_than",
    Limiter.NO_TRANSPORT_CAPACITY: "one_more_departure_on",
    Limiter.RELEASE_FENCE: "release_inside_the_fence",
}


def advice(explanation: Explanation, names: Names, as_of: int | None) -> str | None:
    """What can help against the longest reason, or an overdue start.

    An order that is under way keeps its dates: that is said of it, and what can help
    against the next reason.
    """
    reasons = [one for one in explanation.reasons if one.code in _HELP]
    reasons.sort(key=lambda one: -one.hours)
    kept = [one for one in reasons if _under_way(explanation, one, as_of)]
    told = [say("order_keeps_its_dates", names.place(one.subject)) for one in kept]
    reason = next((one for one in reasons if one not in kept), None)
    past = explanation.first_in_past
    if reason is not None:
        told.append(say(_HELP[Limiter(reason.code)], names.place(reason.subject)))
    elif kept:
        told.append(say("agree_a_later_date"))
    elif past is not None:
        what = names.name(past.product)
        remedies = {
            "buy": say("expedite_or_buy", what, names.name(past.source)),
            "make": say("start_at_once_and_shorten", what),
            "move": say("send_by_a_faster_lane", what),
        }
        told.append(remedies.get(past.kind, say("expedite_it_or_agree")))
    return " ".join(told) or None


def _under_way(
    explanation: Explanation, reason: LatenessReason, as_of: int | None
) -> bool:
    """Whether a reason waits for an order that is made or moved since before now."""
    if reason.code != Limiter.AWAITING_SUPPLY or as_of is None:
        return False
    return any(
        link.supply == reason.subject
        and link.kind != "buy"
        and link.start < from_seconds(as_of)
        for link in explanation.chain
    )


def story_html(
    explanation: Explanation,
    names: Names,
    as_of: int | None,
    *,
    expedite: bool = False,
) -> str:
    """Chain of a demand as an HTML list, and what would help.

    Parameters
    ----------
    expedite
        Each order that can come earlier has a link to the price of that.
    """
    lines = story(explanation, names, as_of)
    chain = explanation.chain if expedite and as_of is not None else ()
    asked = [_expedite(place, explanation, as_of or 0) for place in range(len(chain))]
    asked += [""] * (len(lines) - 1 - len(asked))
    items = "".join(
        f'<li class="{_story_class(line.kind)}">{escape(line.text)}{link}</li>'
        for line, link in zip(lines[1:], asked, strict=True)
    )
    help_text = advice(explanation, names, as_of)
    told = escape(help_text or "")
    for reason in explanation.reasons:
        if reason.code == Limiter.AWAITING_SUPPLY:
            order = escape(names.place(reason.subject))
            link = order_link(reason.subject)
            told = told.replace(
                order, f'<a href="{link}" target="_self">{order}</a>', 1
            )
    helped = f"<p>{say('what_would_help_line', told)}</p>" if help_text else ""
    return (
        f'<div class="mv-list"><p>{escape(lines[0].text)}</p>'
        f'<ol class="mv-chain">{items}</ol>{helped}</div>'
    )


def sources_html(choices: Sequence[SourceChoice], names: Names) -> str:
    """Sources of the orders of a chain, each beside those that were not chosen."""
    if not choices:
        return f'<p class="muted">{say("no_other_source")}</p>'
    items = "".join(_source_html(one, names) for one in choices)
    head = f"<summary>{say('why_this_source')}</summary>"
    return f"<details>{head}{items}</details>"


def _source_html(choice: SourceChoice, names: Names) -> str:
    head, *others = choice.sentences(names.place, names.when_there)
    items = "".join(f"<li>{escape(one)}</li>" for one in others)
    return f'<p><strong>{escape(head)}</strong></p><ol class="mv-chain">{items}</ol>'


def _expedite(place: int, explanation: Explanation, as_of: int) -> str:
    """Link to the price of an order of the chain that comes earlier, by the lateness.

    What is bought may come at once, where its supplier can; what is made or moved
    begins no earlier than its goods are there. Whose goods wait anyway has none.
    """
    link, now = explanation.chain[place], from_seconds(as_of)
    if not link.number or link.start < now or (explanation.lateness_hours or 0) <= 0:
        return ""  # what has begun keeps its dates
    if link.waiting_hours >= _WAITING:
        return ""
    ready = explanation.chain[place - 1].finish if place else now
    room = link.finish - now if link.kind == "buy" else link.start - max(ready, now)
    late = math.ceil((explanation.lateness_hours or 0) / 24)
    days = min(late, room // _DAY)
    if days < 1:
        return ""
    address = escape(expedite_link(link.number, days))
    words = escape(say("expedite_by_days", link.number, days))
    return f' <a href="{address}" target="_self">{words}</a>'


def _story_class(kind: str) -> str:
    return {"past": "past", "sum": "note muted", "stock": "note"}.get(kind, "")
