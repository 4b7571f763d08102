"""Reasons as sentences: names, plant-local times, durations as people say them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from medhavi.results.limiter import Limiter
from medhavi.results.plans.lateness import WORDS, Verdict
from medhavi.units import from_seconds
from medhavi.views.format import code_words, duration, quantity, relative, when

if TYPE_CHECKING:
    from medhavi.results.plans.explanation import ChainLink, Explanation
    from medhavi.views.names import Names

_VERBS = {"make": "Make", "buy": "Buy", "move": "Move"}
_STATUS = {
    Verdict.ON_TIME: "planned on time",
    Verdict.AT_RISK: "on time only if the overdue start is caught up",
    Verdict.UNPLANNED: "not planned",
    Verdict.IGNORED: "not planned for (its status)",
}
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
            "Stock serves it; nothing has to be made, bought or moved."
            if explanation.planned and explanation.limiter != Limiter.NO_SOURCE
            else "Nothing serves it: look at the exceptions of its product."
        )
        return (*lines, Sentence(kind="stock", text=text))
    for link in explanation.chain:
        kind = "past" if link.in_past else "link"
        lines.append(Sentence(kind=kind, text=link_words(link, names, as_of)))
    lines.append(
        Sentence(
            kind="sum",
            text="From first start to delivery: "
            f"{duration(explanation.total_hours)}, of which "
            f"{duration(sum(x.waiting_hours for x in explanation.chain))} waiting.",
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
        if explanation.limiter
        else ""
    )
    status = verdict_words(explanation.verdict)
    if explanation.verdict in (Verdict.LATE, Verdict.PAST_DUE):
        # The hours say it.
        status, late = late.removeprefix(", "), ""
    if explanation.limiter == Limiter.NO_SOURCE:
        status, limiter = "not all of it has a source", ""
    thing = (
        f"{asked} of {names.name(explanation.product)} "
        f"at {names.name(explanation.location)}"
        if explanation.product
        else asked
    )
    return (
        f"{thing} by {when(explanation.due, zone, year=True)}: {status}{late}{limiter}."
    )


def lateness_words(hours: float | None, overdue: float) -> str:
    """Lateness as part of a sentence, what had passed when planned apart.

    >>> lateness_words(384.0, 336.0)
    ', already 14 d overdue when planned; the chain adds 2 d'
    >>> lateness_words(30.0, 0.0)
    ', 1 d 6 h late'
    """
    if not hours:
        return ""
    if not overdue:
        return f", {duration(hours)} late"
    own = hours - overdue
    more = f"; the chain adds {duration(own)}" if own > 0 else ""
    return f", already {duration(overdue)} overdue when planned{more}"


def link_words(link: ChainLink, names: Names, as_of: int | None) -> str:
    """One supply in words: product, place, source, start, duration, wait."""
    zone = names.zone_of(link.location)
    what = f"{quantity(link.qty, names.unit(link.product))} {names.name(link.product)}"
    how = {
        "make": f"at {names.name(link.location)}",
        "buy": f"from {names.name(link.source)} for {names.name(link.location)}",
        "move": f"to {names.name(link.location)} ({names.name(link.source)})",
    }.get(link.kind, f"at {names.name(link.location)}")
    span = duration((link.finish - link.start).total_seconds() / 3600)
    wait = (
        f" Then it waits {duration(link.waiting_hours)}."
        if link.waiting_hours >= _WAITING
        else ""
    )
    past = ""
    if link.in_past and as_of is not None:
        ago = relative(link.start, from_seconds(as_of))
        past = f" ▲ Should have started {ago}."
    return (
        f"{_VERBS.get(link.kind, 'Supply')} {what} {how}: {when(link.start, zone)} "
        f"to {when(link.finish, zone)} ({span}).{past}{wait}"
    )


_HELP = {
    Limiter.CAPACITY_SHORTFALL: "More hours on {subject}, another source, less urgent "
    "work behind it, or a later date.",
    Limiter.CAPACITY_LOCKED: "Unlock work on {subject}, another source, or a later "
    "date.",
    Limiter.AWAITING_SUPPLY: "Expedite order {subject}, or agree a later date.",
    Limiter.LEAD_TIME: "A faster way than {subject}, or a later date.",
    Limiter.NO_TRANSPORT_CAPACITY: "One more departure on {subject}, another lane, or "
    "a later date.",
    Limiter.RELEASE_FENCE: "Release inside the fence of {subject}, or a later date.",
}


def advice(explanation: Explanation, names: Names) -> str | None:
    """What can help against the longest reason, or an overdue start."""
    helped = (one for one in explanation.reasons if one.code in _HELP)
    reason = max(helped, key=lambda one: one.hours, default=None)
    if reason is not None:
        return _HELP[Limiter(reason.code)].format(subject=names.place(reason.subject))
    past = explanation.first_in_past
    if past is None:
        return None
    what = names.name(past.product)
    remedies = {
        "buy": f"Expedite {what} at {names.name(past.source)}, buy it from a faster "
        "supplier, or agree a later date.",
        "make": f"Start {what} at once and shorten its steps or lot, or agree a later "
        "date.",
        "move": f"Send {what} by a faster lane or from another place, or agree a later "
        "date.",
    }
    return remedies.get(past.kind, "Expedite it or agree a later date.")
