"""Commands of accepted promises: at-risk, renew, release, sweep, figures; suppliers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from medhavi.cli.command_output import show_measures, show_table, talk
from medhavi.cli.lake_commands import TableSource, open_workbench
from medhavi.cli.options import (
    ApproverOption,
    LakeOption,
    ReasonOption,
    StoreOption,
    WhyOption,
)
from medhavi.errors import UsageError
from medhavi.units import to_seconds
from medhavi.views.words import say

if TYPE_CHECKING:
    from medhavi.results.amounts import PlanLocale
    from medhavi.results.promises.promises_at_risk import PromiseMonitor
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.promise_desk.repromising import RenewalResult


ROWS_FOR_PEOPLE = 30
SHOWN = (
    "demand",
    "customer",
    "product",
    "qty",
    "standing",
    "promised",
    "expected",
    "late_hours",
    "on_time_prob",
    "date_prob",
    "cost",
    "limiter",
    "subject",
)
SCORED = {
    "supplier": "supplier",
    "orders": "orders",
    "on_time": "on time",
    "on_time_low": "at least",
    "recent_on_time": "lately",
    "late_days_mean": "days late",
    "lead_days_p50": "p50",
    "lead_days_p95": "p95",
    "stated_days": "stated",
    "open": "open",
    "overdue": "overdue",
}
"""Columns of the scorecard that people see, and what they are called there."""
_SHARES = frozenset({"on_time", "on_time_low", "recent_on_time"})
ExplainOption = Annotated[
    int,
    typer.Option("--explain", help="For how many remedies are tried.", min=0),
]


def at_risk(
    place: TableSource,
    store: StoreOption = None,
    explain: ExplainOption = 20,
    mirror: Annotated[
        bool, typer.Option("--mirror", help="Read new events into the lake first.")
    ] = False,
    record: Annotated[
        bool, typer.Option("--record", help="Tell the log each new risk, once.")
    ] = False,
) -> None:
    """List the promises that do not hold, and why.

    The exit code is 0 whatever the answer is.
    """
    from medhavi.planners.promising.standing_promises import standing_promises

    conversation = talk()
    if place.tables is not None:
        if mirror or record:
            message = "--mirror and --record need a lake with its event store."
            raise UsageError(message)
        snapshot = place.snapshot()
        found = standing_promises(snapshot, explained=explain)
    else:
        bench = open_workbench(place.lake, store)
        if mirror:
            conversation.note(str(bench.mirror()))
        found = bench.at_risk(explained=explain)
        snapshot = bench.snapshot()
    _tell(found, snapshot)
    conversation.answer(
        **found.as_dict(),
        promises=found.frame().to_dicts(),
        hot_spots=found.hot_spots().to_dicts(),
        remedies=_remedies(found),
    )
    if record:
        told = open_workbench(place.lake, store).record_risks()
        conversation.say(say("risks_are_new_in", len(told.told)))
        conversation.answer(told=[one.demand for one in told.told])


def renew(
    approver: ApproverOption,
    reason: ReasonOption = "asked again",
    lake: LakeOption = None,
    store: StoreOption = None,
    worse: Annotated[
        list[str] | None,
        typer.Option("--worse", help="Demand whose worse date is taken; all: every."),
    ] = None,
    gain_hours: Annotated[
        float | None,
        typer.Option("--gain-hours", help="Take dates earlier by this.", min=0),
    ] = None,
) -> None:
    """Promise again: better taken, worse only if named."""
    from medhavi.workbench.promise_desk.repromising import ALL

    conversation = talk()
    names = worse or []
    done = open_workbench(lake, store).repromise(
        approver=approver,
        reason=reason,
        worse=ALL if ALL in names else names,
        gain_hours=gain_hours,
    )
    _tell_renewed(done)
    conversation.answer(**done.as_dict())


def release(
    demand: Annotated[str, typer.Argument(help="Order line id.")],
    approver: ApproverOption,
    reason: WhyOption = None,
    lake: LakeOption = None,
    store: StoreOption = None,
) -> None:
    """Take the promise of a line back."""
    conversation = talk()
    desk = open_workbench(lake, store).desk
    freed = desk.release(demand, approver=approver, reason=reason)
    told = (
        f"{len(freed)} reservations released" if freed else say("there_is_nothing_to")
    )
    conversation.say(f"{demand}: {told}.")
    conversation.answer(released=list(freed))


def sweep(lake: LakeOption = None, store: StoreOption = None) -> None:
    """Free what nobody needs any more.

    Tentative holds expire past their end; what closed orders hold is freed.
    """
    conversation = talk()
    freed = open_workbench(lake, store).desk.sweep()
    conversation.say(say("reservations_freed_or_reduced", len(freed)))
    conversation.answer(swept=list(freed))


def figures(
    lake: LakeOption = None,
    watched: Annotated[
        bool, typer.Option("--at-risk", help="Count the promises at risk too.")
    ] = False,
) -> None:
    """Key figures of promises, from the log."""
    from medhavi.workbench.promise_desk.repromising import promise_account

    bench = open_workbench(lake)
    watch = bench.at_risk(explained=0) if watched else None
    show_measures(promise_account(bench.lake, watch))


def suppliers(lake: LakeOption = None) -> None:
    """Who keeps their word: a scorecard from receipts.

    The least reliable first; days run from order to receipt.
    """
    from medhavi.workbench.promise_desk.repromising import supplier_account

    bench = open_workbench(lake)
    rows = supplier_account(bench.lake, bench.snapshot())
    rows = rows.rename({"subject": "supplier"})
    if rows.is_empty():
        talk().say(say("nothing_was_bought_yet"))
    else:
        shown = rows.head(ROWS_FOR_PEOPLE).iter_rows(named=True)
        show_table(list(SCORED.values()), (_scored(row) for row in shown))
    talk().answer(suppliers=rows.to_dicts())


# ------------------------------------------------------------------------- telling
def _tell(found: PromiseMonitor, snapshot: Snapshot) -> None:
    from medhavi.results.amounts import PlanLocale, full_money, with_local_times
    from medhavi.results.promises.promise import moment

    write = talk().say
    locale = PlanLocale.of(snapshot)
    currency = locale.currency
    write(
        say(
            "promises_hold_can_come",
            found.watched,
            found.kept,
            len(found.moved),
            len(found.at_risk),
            full_money(found.cost, currency),
        )
    )
    if found.ahead:
        write(say("lie_further_ahead_than", found.ahead))
    if not found.at_risk:
        return
    write()
    rows = found.frame().head(min(len(found.at_risk), ROWS_FOR_PEOPLE))
    show_table(SHOWN, (_row(row, locale) for row in rows.iter_rows(named=True)))
    if len(found.at_risk) > ROWS_FOR_PEOPLE:
        talk().note(say("of_rows_json_gives", ROWS_FOR_PEOPLE, len(found.at_risk)))
    spots = found.hot_spots()
    write(say("what_binds_them"))
    show_table(spots.columns, spots.head(ROWS_FOR_PEOPLE).rows())
    for one in found.at_risk:
        for remedy in one.remedies:
            text = with_local_times(remedy.text, locale.told)
            date = moment(remedy.date, locale.zone_of(one.location))
            write(f"{one.demand}: {text}: {date}, {full_money(remedy.cost, currency)}")


def _row(row: dict[str, Any], locale: PlanLocale) -> list[object]:
    from medhavi.results.amounts import duration
    from medhavi.results.promises.promise import moment

    zone = locale.zone_of(row["location"])
    found = []
    for name in SHOWN:
        value = row[name]
        if name in {"promised", "expected"}:
            value = moment(None if value is None else to_seconds(value), zone)
        elif name == "late_hours" and value is not None:
            value = duration(value)
        found.append(value)
    return found


def _scored(row: dict[str, Any]) -> list[object]:
    """Cells of a supplier: shares in per cent, days with one decimal."""
    from medhavi.results.amounts import percent

    found: list[object] = []
    for name in SCORED:
        value = row[name]
        if name in _SHARES and value is not None:
            value = percent(value)
        found.append(round(value, 1) if isinstance(value, float) else value)
    return found


def _remedies(found: PromiseMonitor) -> list[dict[str, object]]:
    """Row a remedy; its date is an instant in UTC."""
    from medhavi.results.promises.promise import iso

    return [
        {
            "demand": one.demand,
            "code": remedy.code,
            "text": remedy.text,
            "date": iso(remedy.date),
            "cost": remedy.cost,
        }
        for one in found.at_risk
        for remedy in one.remedies
    ]


def _tell_renewed(done: RenewalResult) -> None:
    from medhavi.results.amounts import duration, number

    write = talk().say
    write(
        say(
            "promises_with_new_holds",
            done.watch.watched,
            len(done.moved),
            len(done.better),
            len(done.worse),
            len(done.at_risk),
        )
    )
    if done.waiting:
        write(say("more_could_come_in", len(done.waiting)))
    for one in done.worse:
        hours = one.late_hours
        late = "" if not hours else f" {duration(hours)} later"
        write(f"{one.demand}: {number(one.expected_qty)} of {number(one.qty)}{late}")
    for one in done.at_risk:
        write(say("is_worse_would_take", one.demand, one.standing))
