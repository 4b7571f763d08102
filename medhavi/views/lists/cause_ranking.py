"""What lateness is put down to: reasons by money, and the changes that were tried."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.limiter import Limiter
from medhavi.units import from_seconds
from medhavi.views.format import NOTHING, code_words, count, duration, money, when
from medhavi.views.page import empty, table_html
from medhavi.views.promises.words import local_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from medhavi.results.plan_remedy import PlanRemedy
    from medhavi.results.plans.plan import Plan
    from medhavi.views.names import Names

MOST_CAUSES = 12
MOST_HARMED = 3


def cause_groups(plan: Plan) -> pl.DataFrame:
    """Group the causes of all late and short demands, the dearest first.

    Returns
    -------
    pl.DataFrame
        code, subject, demands, hours, money, dearest (the demand that pays most).
    """
    return (
        plan.causes.sort("money", "demand", descending=[True, False])
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
        return empty("Nothing is late", "Every demand has its supply by its due date.")
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
    tail = f'<p class="muted small">and {more:,} more</p>' if more > 0 else ""
    columns = ("Reason", "What binds", "Demands", "Late in sum", "Costs")
    return table_html(columns, rows, ("Demands", "Costs")) + tail


def _subject(subject: str, names: Names) -> str:
    told = escape(names.place(subject))
    return f'<abbr title="{escape(subject)}">{told}</abbr>'


def _reason(code: str) -> str:
    meaning = escape(Limiter(code).entry.meaning)
    return f'<abbr title="{meaning}">{escape(code_words(code))}</abbr>'


def plan_remedies_html(
    remedies: Sequence[PlanRemedy], names: Names, tried: Sequence[str] = ()
) -> str:
    """List remedies, the most gain first; an empty list names what was tried."""
    if not remedies:
        told = "; ".join(local_words(text, names) for text in tried)
        return empty(
            "No remedy found",
            f"Tried without gain for the demand itself: {told or 'no change applies'}. "
            "Agree a later date, or raise the number of tries.",
        )
    rows = [
        (
            escape(remedy_text(one, names)),
            escape(names.told(one.demand)),
            _dates(one, names),
            escape(money(one.saved, names.currency)),
            "not stated"
            if one.price is None
            else escape(money(one.price, names.currency)),
            _harmed(one, names),
        )
        for one in remedies
    ]
    columns = ("Change", "For", "Its date", "Saves", "Costs", "Who pays")
    return table_html(columns, rows, ("Saves", "Costs"))


def remedy_text(one: PlanRemedy, names: Names) -> str:
    """Change in names and local time, as the start of a sentence."""
    text = local_words(one.text, names)
    return text[:1].upper() + text[1:]


def _dates(one: PlanRemedy, names: Names) -> str:
    before = _when(one.date_before, names)
    after = _when(one.tested_date, names)
    if before == after:
        return escape(after)
    return f'<span class="muted">{escape(before)} →</span> {escape(after)}'


def _when(instant: int | None, names: Names) -> str:
    return NOTHING if instant is None else when(from_seconds(instant), names.zone)


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
