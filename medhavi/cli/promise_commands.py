"""Command `promise`: requests are answered, and committed where that is asked for."""

from __future__ import annotations

import sys
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medhavi.cli.boundary import interruption, leave_if_cancelled
from medhavi.cli.command_output import CommandOutput, talk
from medhavi.cli.lake_commands import (
    HEAD,
    moments,
    one_place,
    open_workbench,
    snapshot_of,
)
from medhavi.cli.options import (
    AsOfOption,
    DateFormatOption,
    KnownAtOption,
    LakeOption,
    StoreOption,
    StrictOption,
    TablesOption,
    instant,
)
from medhavi.errors import UsageError
from medhavi.units import to_seconds
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from polars import DataFrame

    from medhavi.cli.options import LakeMoment
    from medhavi.progress import Observe, Progress
    from medhavi.results.promises.promise import Promise
    from medhavi.snapshot import Snapshot
    from medhavi.workbench.commitments.decisions import Override
    from medhavi.workbench.promise_desk.promise_desk import PromiseDesk


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
EffectOption = Annotated[
    bool,
    typer.Option(
        "--plan-effect",
        help="Plan with the promises too: what that costs, who waits and who gains.",
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
    plan_effect: EffectOption = False,
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
    from medhavi.snapshot.reading.request_rows import WrittenRequests
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
                _dated(snapshot, lake, moment),
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
    if plan_effect:
        _show_effect(conversation, snapshot, answers.promises, lake)
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


def _dated(snapshot: Snapshot, lake: str | None, moment: LakeMoment) -> Snapshot:
    """Tables that promises are asked of: a lake of now has a plan in force."""
    if lake is None or moment != HEAD:
        return snapshot
    from medhavi.lakehouse import Lake
    from medhavi.workbench.plan_in_force import dated_by_plan

    return dated_by_plan(snapshot, Lake(lake))


def _show_effect(
    conversation: CommandOutput,
    snapshot: Snapshot,
    promises: Sequence[Promise],
    lake: str | None,
) -> None:
    """Print what the promises would do to the plan in force."""
    from medhavi.lakehouse import Lake
    from medhavi.workbench.plan_in_force import renewed_plan
    from medhavi.workbench.promise_desk.promise_effect import promise_effect

    kept = None if lake is None else Lake(lake)
    plan = renewed_plan(snapshot, "constrained", kept, kept=False)
    effect = promise_effect(plan, snapshot, promises)
    conversation.say(say("promises_in_the_plan", plan.run.mode, plan.run.run_id))
    for line in effect.lines():
        conversation.say(line)
    conversation.answer(plan_effect=effect.as_dict())


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

    kinds = {".xlsx": lambda rows: as_xlsx(rows, "answers"), ".csv": as_csv}
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
