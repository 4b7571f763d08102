"""What is late or should have begun, and why: bars split by cause, the worst first."""

from __future__ import annotations

from functools import partial
from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.amounts import difference
from medhavi.results.exceptions import ExceptionCode
from medhavi.results.limiter import Limiter
from medhavi.results.plans.lateness import WORDS, Verdict, late_demands, tally
from medhavi.units import DAY, from_seconds, to_seconds
from medhavi.views.names import (
    NOTHING,
    Names,
    code_words,
    count,
    duration,
    local_words,
    money,
    when,
)
from medhavi.views.order_grid import remedies_link
from medhavi.views.page import empty, table_html
from medhavi.views.promises.words import remedy_words
from medhavi.views.theme import (
    ROW,
    finished,
    label_axis,
    legend_below,
    row_height,
    rows_of,
    token,
)
from medhavi.views.words import say, signed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.results.plan_remedy import PlanRemedy
    from medhavi.results.plans.plan import Plan
    from medhavi.views.theme import Picture


MOST_LATE = 12
"""Demands that the picture has."""
_BAR = 14
"""Height of a bar [px]: picture and grid stand on two screens."""
_HUES = {"material": "warn", "capacity": "bad", "transport": "plan"}
_PAST_DUE, _OTHER = say("past_due_when_made"), "other"
_TONES = {**_HUES, _PAST_DUE: "muted", _OTHER: "alt"}
_DOMAINS = [*_TONES]


def late_served(plan: Plan, pegs: pl.Expr) -> pl.DataFrame:
    """Late demands that some pegs of a plan serve, as `late_demands` has them."""
    served = plan.pegging.filter(pegs)["demand"].drop_nulls().unique()
    return late_demands(plan).filter(pl.col("demand").is_in(served.implode()))


def helped_html(plan: Plan, pegs: pl.Expr, names: Names) -> str:
    """Late demands that some pegs serve, each a link to what would help it.

    Remedies are tried of a demand; so of an item, a supplier or a promise they are
    those of the demands behind it.
    """
    late = late_served(plan, pegs)
    if late.is_empty():
        return empty(say("it_serves_nothing_late"), say("what_serves_late_demands"))
    lines = [
        f'<li><a href="{escape(remedies_link(row["demand"]))}" target="_self">'
        f"{escape(names.name(row['demand']))}</a>: {escape(lateness_text(row))}"
        f"{_worth(row['money'], names)}</li>"
        for row in late.head(MOST_LATE).iter_rows(named=True)
    ]
    if late.height > len(lines):
        lines.append(
            f'<li class="muted">{say("and_more", late.height - len(lines))}</li>'
        )
    head = f"<p>{say('remedies_of_late_demands')}</p>"
    return f'<div class="mv-list">{head}<ul>{"".join(lines)}</ul></div>'


def _worth(cost: float, names: Names) -> str:
    return f", {escape(money(cost, names.currency))}" if cost else ""


def late_bars(plan: Plan, names: Names, most: int = MOST_LATE) -> pl.DataFrame:
    """One bar per cause of the dearest late demands.

    Returns
    -------
    pl.DataFrame
        demand, label, domain, days, tip; empty where nothing is late by time.
    """
    wanted = late_demands(plan).filter(pl.col("lateness_h") > 0).head(most)
    if wanted.is_empty():
        return pl.DataFrame()
    order = {demand: place for place, demand in enumerate(wanted["demand"])}
    rows = plan.causes.filter(
        pl.col("demand").is_in(list(order)) & (pl.col("hours") > 0)
    ).sort("demand", "valid_from", "code", "subject")
    bars = [_bar(row, names) for row in rows.iter_rows(named=True)]
    return pl.DataFrame(sorted(bars, key=lambda bar: order[str(bar["demand"])]))


def _bar(row: Mapping[str, object], names: Names) -> dict[str, object]:
    code = Limiter(str(row["code"]))
    kind = str(code.domain) if str(code.domain) in _HUES else _OTHER
    if code is Limiter.PAST_DUE:
        kind = _PAST_DUE
    return {
        "demand": row["demand"],
        "domain": kind,
        "rank": _DOMAINS.index(kind),
        "days": float(str(row["hours"])) / 24,
        "name": names.name(str(row["demand"])),
        "tip": f"{names.name(str(row['demand']))}: {cause_sentence(row, names)}",
    }


def cause_sentence(
    row: Mapping[str, object], names: Names, words: str = "of_the_lateness"
) -> str:
    """Sentence of one cause: what binds, and the hours of lateness that are its own.

    Parameters
    ----------
    words
        Entry of the catalogue that joins both.
    """
    hours = row["hours"]
    span = duration(float(str(hours))) if hours else ""
    told = cause_words(str(row["code"]), str(row["subject"] or ""), names)
    sentence = say(words, span, told) if span else told
    return sentence[:1].upper() + sentence[1:]


def cause_words(code: str, subject: str | None, names: Names) -> str:
    """What binds, as part of a sentence."""
    limiter, told = Limiter(code), names.place(subject or "")
    if limiter is Limiter.PAST_DUE:
        return _PAST_DUE
    if limiter is Limiter.CAPACITY_SHORTFALL and "|" in (subject or ""):
        resource, skill = str(subject).split("|", 1)
        return say("cause_no_skill", names.place(resource), skill)
    if limiter in _SENTENCES:
        return say(_SENTENCES[limiter], told)
    return code_words(code) + (f": {told}" if told else "")


_SENTENCES: Mapping[Limiter, str] = {
    Limiter.CAPACITY_SHORTFALL: "cause_taken",
    Limiter.CAPACITY_LOCKED: "cause_locked",
    Limiter.AWAITING_SUPPLY: "cause_order",
    Limiter.MATERIAL_SHORTFALL: "cause_short",
    Limiter.NO_TRANSPORT_CAPACITY: "cause_no_room",
    Limiter.RELEASE_FENCE: "cause_release_fence",
    Limiter.ORDER_RULE: "cause_order_rule",
    Limiter.LEAD_TIME: "cause_lead_time",
    Limiter.NO_SOURCE: "nothing_supplies",
}
"""What a reason says; others give their code in words and what they are about."""


def late_chart(plan: Plan, names: Names) -> Picture | None:
    """Draw the bars; None where nothing is late."""
    import altair as alt

    rows = late_bars(plan, names, MOST_LATE)
    if rows.is_empty():
        return None
    order = rows["name"].unique(maintain_order=True).to_list()
    seen = set(rows["domain"])
    kinds = [kind for kind in _DOMAINS if kind in seen]
    chart = (
        alt.Chart(rows_of(rows))
        .mark_bar(height=_BAR, cornerRadius=2)
        .encode(
            x=alt.X("sum(days):Q", title=say("days_late"), stack="zero"),
            y=alt.Y(
                "name:N",
                title=None,
                sort=order,
                axis=label_axis(order, 400),
            ),
            color=alt.Color(
                "domain:N",
                title=None,
                scale=alt.Scale(
                    domain=kinds, range=[token(_TONES[kind]) for kind in kinds]
                ),
                legend=legend_below(1),
            ),
            order=alt.Order("rank:Q"),
            detail=alt.Detail("tip:N"),
            tooltip=alt.Tooltip("tip:N"),
            description=alt.Description("tip:N"),
        )
    )
    late = late_demands(plan)
    title = say(
        "not_kept_by_cost",
        count(late.height, "demand"),
        money(float(late["money"].sum()), names.currency),
    )
    short = late.height - late.filter(pl.col("lateness_h") > 0).height
    if short:
        title += f"; {say('short_without_a_bar', short)}"
    if late.height - short > len(order):
        title += f"; {say('costliest_are_drawn', len(order))}"
    return finished(chart, title, row_height(order, _BAR + 4) * len(order))


def late_causes(
    plan: Plan, demands: Sequence[str], names: Names
) -> dict[str, list[str]]:
    """Causes of demands in short sentences, by demand, the dearest first."""
    causes = plan.causes.filter(pl.col("demand").is_in(list(demands))).sort(
        ["demand", "money", "valid_from", "code"],
        descending=[False, True, False, False],
        nulls_last=True,
    )
    told: dict[str, list[str]] = {}
    for row in causes.iter_rows(named=True):
        told.setdefault(row["demand"], []).append(
            cause_sentence(row, names, "cause_and_its_span")
        )
    return told


def lateness_text(row: Mapping[str, object]) -> str:
    """How late a demand of `late_demands` is, or what else became of it."""
    if row["lateness_h"]:
        return duration(float(str(row["lateness_h"])))
    return WORDS[Verdict(str(row["verdict"]))]


MOST_DEMANDS = 8
_CAUSES = {
    "buying": "bad",
    "making": "warn",
    "moving": "plan",
    "other": "muted",
}
_KINDS = {"buy": "buying", "make": "making", "move": "moving"}


def overdue_rows(plan: Plan, names: Names, most: int = MOST_DEMANDS) -> pl.DataFrame:
    """Demands whose supply should have begun before now, worst first.

    Returns
    -------
    pl.DataFrame
        demand, label, days (before now), cause ("buying", "making", "moving": what
        should have begun), tip.
    """
    if plan.run.as_of is None:
        return pl.DataFrame()
    past = plan.exceptions.filter(pl.col("code") == ExceptionCode.PAST_DUE_START)
    starts = (
        plan.supplies.join(
            past.select("supply").unique(), left_on="id", right_on="supply", how="semi"
        )
        .select("id", "kind", "start", "source", thing="product")
        .sort("start", "id")
    )
    rows = (
        plan.pegging.select("demand", "supply")
        .join(starts, left_on="supply", right_on="id")
        .sort("start", "demand", "supply")
        .unique("demand", keep="first", maintain_order=True)
        .head(most)
    )
    if rows.is_empty():
        return pl.DataFrame()
    return pl.DataFrame(
        [_row(row, plan.run.as_of, names) for row in rows.iter_rows(named=True)]
    )


def _row(row: dict[str, object], as_of: int, names: Names) -> dict[str, object]:
    cause = _KINDS.get(str(row["kind"]), "other")
    days = (as_of - to_seconds(row["start"])) / DAY  # type: ignore[arg-type]
    what = names.name(str(row["thing"]))
    source = names.name(str(row["source"])) if row["source"] else "its source"
    return {
        "demand": row["demand"],
        "label": names.name(str(row["demand"])),
        "days": days,
        "cause": cause,
        "word": f"▲ {duration(days * 24)}: {cause}",
        "tip": say(
            "begun_before_now",
            names.name(str(row["demand"])),
            cause,
            what,
            source,
            duration(days * 24),
        ),
    }


def overdue_chart(plan: Plan, names: Names | None = None) -> Picture | None:
    """Draw the bars; None where every chain can still begin in time."""
    import altair as alt

    rows = overdue_rows(plan, names or Names())
    if rows.is_empty():
        return None
    most = max(rows["days"].to_list())
    labels = rows["label"].to_list()
    base = alt.Chart(rows_of(rows)).encode(
        # Room on the right for the words of the longest bar.
        x=alt.X(
            "days:Q",
            title=say("days_before_now"),
            scale=alt.Scale(domain=[0, most * 2.2], nice=False),
            axis=alt.Axis(tickCount=6),
        ),
        y=alt.Y("label:N", title=None, sort=None, axis=label_axis(labels, 440)),
    )
    colours = alt.Scale(
        domain=list(_CAUSES)[:3], range=[token(c) for c in list(_CAUSES.values())[:3]]
    )
    bars = base.mark_bar(height=ROW - 10, cornerRadius=2).encode(
        color=alt.Color("cause:N", scale=colours, title=None, legend=None),
        tooltip=alt.Tooltip("tip:N"),
        description=alt.Description("tip:N"),
    )
    words = base.mark_text(
        align="left",
        dx=6,
        color=token("ink"),
        aria=False,
        limit=alt.ExprRef("width * 0.55"),
    ).encode(text=alt.Text("word:N"))
    height = row_height(labels, ROW) * rows.height
    return finished(alt.layer(bars, words), overdue_title(plan), height)


def overdue_title(plan: Plan) -> str:
    """Count the demands with a missed start, by verdict (rule 45)."""
    counts = tally(plan).by_verdict
    risk, past = counts[Verdict.AT_RISK], counts[Verdict.PAST_DUE]
    overdue = say("past_due_when_planned", past) if past else ""
    return say("at_risk_the_earliest_missed", count(risk, "demand"), overdue)


MOST_CAUSES = 12
MOST_HARMED = 3


def cause_groups(plan: Plan) -> pl.DataFrame:
    """Group the causes of all late and short demands, the dearest first.

    What was past due when planned is one cause: each demand is its own subject there,
    so that the groups would rank demands beside resources and suppliers.

    Returns
    -------
    pl.DataFrame
        code, subject, demands, hours, money, dearest (the demand that pays most).
    """
    return (
        plan.causes.with_columns(
            subject=pl.when(pl.col("code") != Limiter.PAST_DUE).then("subject")
        )
        .sort("money", "demand", descending=[True, False])
        .group_by("code", "subject", maintain_order=True)
        .agg(
            demands=pl.col("demand").n_unique(),
            hours=pl.col("hours").sum(),
            money=pl.col("money").sum(),
            dearest=pl.col("demand").first(),
        )
        .sort("money", "code", "subject", descending=[True, False, False])
    )


def causes_html(plan: Plan, names: Names, most: int = MOST_CAUSES) -> str:
    """List the reasons with what they cost."""
    groups = cause_groups(plan)
    if groups.is_empty():
        return empty(say("nothing_is_late"), say("all_demands_on_time"))
    rows = [
        (
            _reason(row["code"]),
            _subject(row["subject"], names),
            f"{row['demands']:,}",
            escape(duration(row["hours"])),
            escape(money(row["money"], names.currency)),
        )
        for row in groups.head(most).iter_rows(named=True)
    ]
    more = groups.height - len(rows)
    columns = (
        say("reason"),
        say("column_what_binds"),
        say("column_demands"),
        say("late_in_sum"),
        say("column_costs"),
    )
    return table_html(
        columns, rows, (say("column_demands"), say("column_costs")), more=more
    )


def plan_finding(plan: Plan, names: Names) -> str:
    """What a plan finds: demands that are not kept, their cost, the largest cause."""
    counts = tally(plan)
    missed = say("of_late_or_short", counts.not_kept, count(counts.live, "demand"))
    if plan.run.mode == "mrp":
        at_risk = say("of_at_risk", counts.at_risk, count(counts.live, "demand"))
        return say("at_risk_and_late", at_risk, counts.not_kept)
    groups = cause_groups(plan)
    if groups.is_empty():
        return missed
    cost = money(float(groups["money"].fill_null(0.0).sum()), names.currency)
    first = groups.row(0, named=True)
    cause = _cause_words(first["code"]).lower()
    if first["subject"]:
        cause += f", {names.place(first['subject'])}"
    part = money(float(first["money"] or 0.0), names.currency)
    return f"{missed}, {cost}; largest cause: {cause}, {part}"


def _cause_words(code: str) -> str:
    return _PAST_DUE.capitalize() if code == Limiter.PAST_DUE else code_words(code)


def _subject(subject: str | None, names: Names) -> str:
    if subject is None:
        return NOTHING
    told = escape(names.place(subject))
    return f'<abbr title="{escape(subject)}">{told}</abbr>'


def _reason(code: str) -> str:
    meaning = escape(Limiter(code).entry.meaning)
    return f'<abbr title="{meaning}">{escape(_cause_words(code))}</abbr>'


def plan_remedies_html(
    remedies: Sequence[PlanRemedy], names: Names, tried: Sequence[str] = ()
) -> str:
    """List remedies, what cures most first; an empty list names what was tried."""
    if not remedies:
        told = "; ".join(local_words(text, names) for text in tried)
        return empty(
            say("no_remedy_found"),
            say("tried_without_gain", told or say("no_change_applies")),
        )
    rows = [
        (
            escape(remedy_words(one, names)),
            difference(one.more_late, "count"),
            escape(names.told(one.demand)),
            _dates(one, names),
            escape(
                signed(
                    one.saved, partial(money, currency=names.currency), "costs_amount"
                )
            ),
            escape(_price(one, names)),
            _harmed(one, names),
        )
        for one in remedies
    ]
    columns = (
        say("column_change"),
        say("late_demands"),
        say("for"),
        say("column_its_date"),
        say("column_saves"),
        say("column_costs"),
        say("column_who_pays"),
    )
    told = table_html(columns, rows, (say("column_saves"), say("column_costs")))
    return f'{told}<p class="muted small">{say("what_remedies_count")}</p>'


def _price(one: PlanRemedy, names: Names) -> str:
    """What a remedy costs, and whether somebody has to ask for a part of it."""
    told = signed(one.price, partial(money, currency=names.currency), "saves_amount")
    return told if one.priced else say("and_a_price_not_stated", told)


def _dates(one: PlanRemedy, names: Names) -> str:
    zone = names.zone_of(one.demand)
    before, after = (
        when(None if instant is None else from_seconds(instant), zone)
        for instant in (one.date_before, one.tested_date)
    )
    there = "" if zone == names.zone else f" {zone}"
    if before == after:
        return escape(after + there)
    return f'<span class="muted">{escape(before)} →</span> {escape(after + there)}'


def _harmed(one: PlanRemedy, names: Names) -> str:
    if not one.harms:
        return "nobody"
    told = ", ".join(
        f"{names.name(harm.demand)} {money(harm.money, names.currency)}"
        for harm in one.harms[:MOST_HARMED]
    )
    more = len(one.harms) - MOST_HARMED
    tail = f" and {count(more, 'more', 'more')}" if more > 0 else ""
    return escape(told + tail)
