"""Commands of promises: promise, promises at-risk, renew, release, sweep; suppliers."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medhavi.cli.boundary import interruption, leave_if_cancelled
from medhavi.cli.command_output import CommandOutput, show_table, talk
from medhavi.cli.lake_commands import (
    TableSource,
    moments,
    one_place,
    open_workbench,
    snapshot_of,
)
from medhavi.cli.options import (
    ApproverOption,
    AsOfOption,
    DateFormatOption,
    KnownAtOption,
    LakeOption,
    ReasonOption,
    StoreOption,
    StrictOption,
    TablesOption,
    WhyOption,
    instant,
)
from medhavi.errors import UsageError
from medhavi.units import to_seconds
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polars import DataFrame

    from medhavi.progress import Observe, Progress
    from medhavi.results.amounts import PlanLocale
    from medhavi.results.promises.promise import Promise
    from medhavi.results.promises.promises_at_risk import PromiseMonitor
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.commitments.decisions import Override
    from medhavi.workbench.promise_desk.promise_desk import PromiseDesk
    from medhavi.workbench.promise_desk.repromising import RenewalResult


RequestOption = Annotated[
    str,
    typer.Option("--request", "--bulk", help="JSON, CSV or xlsx file; - reads stdin."),
]
PolicyOption = Annotated[
    str | None,
    typer.Option("--policy", help="Promise policy of requests that name none."),
]
DetailOption = Annotated[
    str,
    typer.Option(
        "--detail",
        help="full; or date: without reasons and remedies, for large files.",
    ),
]
CommitOption = Annotated[
    bool,
    typer.Option(
        "--commit", help="Make binding what can be promised; with --approver."
    ),
]
OutFileOption = Annotated[
    Path | None,
    typer.Option("--out", help="Write an answer a line: FILE.xlsx or FILE.csv."),
]
DateOption = Annotated[
    str | None,
    typer.Option("--date", help="Promise this date instead; with --reason."),
]
DateReasonOption = Annotated[
    str | None,
    typer.Option("--reason", help="Why --date, or a worse date than was promised."),
]
CommitterOption = Annotated[
    str | None, typer.Option("--approver", help="Who confirms the commitment.")
]


def promise(
    request: RequestOption,
    tables: TablesOption = None,
    lake: LakeOption = None,
    policy: PolicyOption = None,
    detail: DetailOption = "full",
    commit: CommitOption = False,
    approver: CommitterOption = None,
    store: StoreOption = None,
    out: OutFileOption = None,
    date: DateOption = None,
    reason: DateReasonOption = None,
    strict: StrictOption = None,
    as_of: AsOfOption = None,
    known_at: KnownAtOption = None,
    date_format: DateFormatOption = None,
) -> None:
    """Answer requests: when, how sure, what would help.

    Every request of a file is answered; a rejection is an answer too. With --commit all
    that can be promised is committed at once, or nothing where others came first (exit
    code 1).
    """
    from medhavi.planners.promising.promise_run import answer, require_detail
    from medhavi.planners.promising.supply_search.requests import WrittenRequests
    from medhavi.views.names import names_of
    from medhavi.views.promises.lists import answer_rows
    from medhavi.workbench.promise_desk.repromising import record_rejections

    conversation = talk()
    one_place(tables, lake)
    require_detail(detail)
    if commit and (as_of or known_at):
        message = (
            "A promise is committed on what is known now: leave --as-of and --known-at "
            "out, or leave --commit out."
        )
        raise UsageError(message)
    moment = moments(as_of, known_at, lake, tables)
    _refuse_date(date, commit=commit)
    writer = None if out is None else writer_of(out)
    content = WrittenRequests(source=request_content(request), date_format=date_format)
    desk = desk_of(tables, lake, store, approver) if commit else None
    snapshot = (
        snapshot_of(tables, lake, moment, strict=strict, date_format=date_format)
        if desk is None
        else desk.book.snapshot.require(strict=bool(strict))
    )
    if desk is None:
        with interruption() as cancelled:
            answers = answer(
                snapshot,
                content,
                policy,
                detail=detail,
                observe=_tenths(conversation),
                cancelled=cancelled,
            )
    else:
        answers = desk.answer(content, policy, detail=detail, call=str(uuid.uuid4()))
    conversation.report((*answers.findings, *snapshot.held.findings()))
    show(conversation, answers.promises, snapshot)
    if writer is not None and out is not None:
        out.write_bytes(writer(answer_rows(answers.promises, names_of(snapshot))))
        conversation.say(say("answers_are_in", len(answers.promises), out))
    if desk is not None:
        binding = [one for one in answers.promises if one.date is not None]
        record_rejections(desk, answers.promises)
        override = override_of(date, reason, binding, snapshot)
        settle(conversation, desk, binding, str(approver), policy, override, reason)
    conversation.answer(
        promises=[one.as_dict() for one in answers.promises],
        run=answers.run.as_dict(),
    )
    leave_if_cancelled(answers.run.status, say("requests_that_were_not"))


def _tenths(conversation: CommandOutput) -> Observe:
    """Progress of a long file, told at each tenth of it."""

    def observe(progress: Progress) -> None:
        part = progress.total // 10
        if part >= 10 and progress.done and progress.done % part == 0:
            conversation.progress(progress)

    return observe


def desk_of(
    tables: Path | None, lake: str | None, store: str | None, approver: str | None
) -> PromiseDesk:
    """Open the desk of a workspace.

    Raises
    ------
    UsageError
        Tables of a folder have no event store, or nobody approves.
    """
    from medhavi.cli.lake_commands import open_workbench

    if tables is not None:
        message = (
            "--commit appends events, and a folder of tables has no event store. Give "
            "--lake and --from, or leave --commit out."
        )
        raise UsageError(message)
    if approver is None or not approver.strip():
        message = "--commit needs --approver: a commitment is confirmed by somebody."
        raise UsageError(message)
    return open_workbench(lake, store).desk


def _refuse_date(date: str | None, *, commit: bool) -> None:
    """Refuse before any work a date that is none, or that nothing is committed for.

    Raises
    ------
    UsageError
        The date is no instant, or nothing is committed.
    """
    if instant(date, "--date") is not None and not commit:
        message = "--date changes what is committed: give --commit and --approver too."
        raise UsageError(message)


def override_of(
    date: str | None,
    reason: str | None,
    promises: Sequence[Promise],
    snapshot: Snapshot,
) -> Override | None:
    """Date that a person promises instead of the one that is found (ATP-23).

    Without a time it is the end of that day where the promise is delivered.
    """
    from medhavi.workbench.commitments.decisions import Override

    place = promises[0].demand.get("location") if promises else None
    moment = instant(date, "--date", snapshot.local_days.zone_of(location=place))
    if moment is None:
        return None
    return Override(date=to_seconds(moment), reason=reason or "")


def writer_of(place: Path) -> Callable[[DataFrame], bytes]:
    """Find how a file of answers is written.

    Raises
    ------
    UsageError
        It is neither xlsx nor CSV, or its folder is not there.
    """
    from medhavi.service.downloads import as_csv, as_xlsx

    kinds = {".xlsx": as_xlsx, ".csv": as_csv}
    if place.suffix.lower() not in kinds:
        message = f"--out {place}: answers are written as .xlsx or .csv."
        raise UsageError(message)
    if not place.absolute().parent.is_dir():
        message = f"--out {place}: there is no folder {place.absolute().parent}."
        raise UsageError(message)
    return kinds[place.suffix.lower()]


def settle(
    conversation: CommandOutput,
    desk: PromiseDesk,
    promises: list[Promise],
    approver: str,
    policy: str | None,
    override: Override | None = None,
    reason: str | None = None,
) -> None:
    """Commit what can be promised, and say what became of it."""
    from medhavi.results.amounts import PlanLocale
    from medhavi.results.promises.promise import moment
    from medhavi.workbench.commitments.commit_answer import gives_way

    if not promises:
        conversation.say(say("nothing_can_be_promised_so"))
        conversation.answer(commit=None)
        return
    done = desk.commit(
        *promises, approver=approver, policy=policy, override=override, reason=reason
    )
    conversation.answer(commit=done.as_dict())
    if done.committed:
        lines = f"{len(promises)} promise" + ("s" if len(promises) > 1 else "")
        holds = f"{len(done.reservations)} reservations"
        conversation.say(say("committed_with_approved_by", lines, holds, approver))
        locale = PlanLocale.of(desk.snapshot)
        for moved in () if done.replayed else gives_way(done.promises):
            now = moment(moved.line.date, locale.zone_of(moved.line.location))
            conversation.say(f"{moved.line.demand} {moved.reason}: {now} instead.")
        return
    conversation.failed = True
    conversation.say(f"{done.code}: {done.text}")


def request_content(place: str) -> bytes:
    """Read the requests.

    Raises
    ------
    UsageError
        There is no such file.
    """
    if place == "-":
        return sys.stdin.buffer.read()
    path = Path(place)
    if not path.is_file():
        message = f"--request {place}: there is no such file. Check the path."
        raise UsageError(message)
    return path.read_bytes()


def show(
    conversation: CommandOutput, promises: tuple[Promise, ...], snapshot: Snapshot
) -> None:
    """Print each promise as a block, in the local time of its place of delivery."""
    from medhavi.results.amounts import PlanLocale
    from medhavi.results.promises.promise import block

    locale = PlanLocale.of(snapshot)
    for one in promises:
        zone = locale.zone_of(one.demand.get("location"))
        conversation.say("\n".join(block(one, zone, locale.currency)))
        conversation.say()


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
    from medhavi.results.figures.kpis import figures_table
    from medhavi.workbench.promise_desk.repromising import promise_account

    bench = open_workbench(lake)
    watch = bench.at_risk(explained=0) if watched else None
    rows = figures_table(promise_account(bench.lake, watch))
    names = ("kpi", "name", "value", "unit", "numerator", "denominator", "reason")
    show_table(names, rows.select(names).rows())
    talk().answer(figures=rows.to_dicts())


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
    from medhavi.units import to_seconds

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
