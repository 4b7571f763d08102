"""Commands about a plan that stands: the five diagnostic queries, and its repair."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from medhavi.cli.boundary import interruption, leave_if_cancelled
from medhavi.cli.command_output import show_table, talk
from medhavi.cli.lake_commands import TableSource
from medhavi.cli.options import (
    FileFormat,
    FolderOption,
    FormatOption,
    PlanArgument,
    existing_plan,
    refuse_other_facts,
    refuse_place,
    toml_file,
)
from medhavi.errors import UsageError
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import polars as pl

    Row = Mapping[str, Any]

LISTED = 20


def diagnose(
    folder: PlanArgument,
    place: TableSource,
    baseline: Annotated[
        Path | None,
        typer.Option("--baseline", help="Plan that changes are told against."),
    ] = None,
    below: Annotated[
        float,
        typer.Option(
            "--below",
            min=0,
            max=100,
            help="Share of its open hours below which a resource is unused [%].",
        ),
    ] = 50.0,
) -> None:
    """Print overload, breached safety stock, late demands, unused hours, changes.

    --tables or --lake say what was planned: only they know the open hours of what has
    no work.
    """
    from medhavi.results.amounts import (
        code_words,
        duration,
        full_money,
        number,
        percent,
    )
    from medhavi.results.plans.lateness import WORDS, Verdict
    from medhavi.results.plans.plan import Plan
    from medhavi.results.reports import plan_queries as queries

    conversation = talk()
    plan = Plan.from_folder(existing_plan(folder))
    told, currency = plan.locale.told, plan.locale.currency
    found: dict[str, pl.DataFrame | None] = {
        "overloaded": queries.overloaded_resources(plan),
        "below_safety": queries.safety_breaches(plan),
        "late": queries.late_demands(plan),
        "unused": None,
        "changes": None,
    }
    if place.tables is not None or place.lake is not None:
        snapshot = place.snapshot()
        refuse_other_facts(plan, snapshot, folder)
        found["unused"] = queries.unused_capacity(plan, snapshot, below / 100)
    if baseline is not None:
        before = Plan.from_folder(existing_plan(baseline))
        found["changes"] = queries.plan_changes(before, plan)

    def listed(
        name: str,
        title: str,
        columns: Sequence[str],
        cells: Callable[[Row], Iterable[object]],
    ) -> None:
        rows = found[name]
        if rows is None:
            return
        conversation.say(f"{title}: {rows.height:,}")
        if rows.height:
            few = rows.head(LISTED).iter_rows(named=True)
            show_table(columns, [tuple(cells(row)) for row in few])
        if rows.height > LISTED:
            conversation.say(say("and_more_by_json", rows.height - LISTED))

    listed(
        "overloaded",
        say("resources_overloaded"),
        ["resource", "from", "open h", "used h", "overload h"],
        lambda row: (
            row["resource"],
            f"{row['bucket']:%Y-%m-%d}",
            *(number(row[name]) for name in ("available", "used", "overload")),
        ),
    )
    listed(
        "below_safety",
        say("products_below_safety"),
        ["product", "location", "since", "buckets", "most short"],
        lambda row: (
            row["product"],
            row["location"],
            f"{row['since']:%Y-%m-%d}",
            row["buckets"],
            number(row["below"]),
        ),
    )
    listed(
        "late",
        say("demands_not_kept"),
        ["demand", "due", "verdict", "late", "short", "limited by", "costs"],
        lambda row: (
            row["demand"],
            told(row["due"]),
            WORDS[Verdict(row["verdict"])],
            duration(row["lateness_h"]),
            number(row["short"]),
            code_words(row["limiter"] or "").lower(),
            full_money(row["money"], currency, cents=False),
        ),
    )
    listed(
        "unused",
        say("buckets_used_below", number(below)),
        ["resource", "from", "open h", "used h", "share"],
        lambda row: (
            row["resource"],
            f"{row['bucket']:%Y-%m-%d}",
            number(row["available"]),
            number(row["used"]),
            percent(row["share"]),
        ),
    )
    listed(
        "changes",
        say("orders_off_baseline"),
        ["change", "order", "kind", "product", "location", "qty", "start", "finish"],
        lambda row: (
            *(
                row[name]
                for name in ("change", "number", "kind", "product", "location")
            ),
            number(row["qty"]),
            told(row["start"], row["location"]),
            told(row["finish"], row["location"]),
        ),
    )
    if found["unused"] is None:
        conversation.note(say("name_the_tables_for_unused"))
    if found["changes"] is None:
        conversation.note(say("name_a_baseline_for_changes"))
    conversation.answer(
        **{
            name: None if rows is None else rows.to_dicts()
            for name, rows in found.items()
        }
    )


def replan(
    folder: PlanArgument,
    changes: Annotated[
        Path,
        typer.Argument(
            help="TOML file with the disruptions, as a scenario of a study has them: "
            'change = [{ kind = "resource_down", resource = "LINE-2", … }].'
        ),
    ],
    place: TableSource,
    stability: Annotated[
        float | None,
        typer.Option(
            "--stability",
            help="How much less a plan from nothing must cost to take its place "
            "[base currency].",
        ),
    ] = None,
    out: FolderOption = None,
    file_format: FormatOption = FileFormat.PARQUET,
) -> None:
    """Repair a plan after disruptions, and tell what moved.

    --tables or --lake say what was planned; they stay as they are. The repaired plan
    keeps mode and settings, is verified, and written whole or not at all. Ctrl-C keeps
    the best plan so far; a second one ends at once.
    """
    from medhavi.edits import apply
    from medhavi.edits import changes as read_changes
    from medhavi.results.difference import compare
    from medhavi.results.plans.plan import Plan
    from medhavi.workbench.files.tables_run import (
        RESULT_NAMES,
        verify_or_refuse,
        write_plan,
    )
    from medhavi.workbench.plan_effects import replan as repaired

    conversation = talk()
    refuse_place(out, RESULT_NAMES)
    stated = toml_file(changes).get("change")
    rows = stated if isinstance(stated, list) else []
    if not rows or not all(isinstance(one, dict) for one in rows):
        message = f'{changes}: write the disruptions as change = [{{ kind = "…" }}].'
        raise UsageError(message)
    disruptions = read_changes(rows)
    plan, snapshot = Plan.from_folder(existing_plan(folder)), place.snapshot()
    with interruption() as cancelled:
        made = repaired(
            snapshot,
            plan,
            disruptions,
            stability=stability,
            observe=conversation.progress,
            cancelled=cancelled,
        )
    verify_or_refuse(made, apply(snapshot, disruptions))
    conversation.report(made.findings)
    if out is not None:
        write_plan(made, out, str(file_format))
        conversation.note(f"written to {out}")
    delta = compare(plan, made)
    conversation.say(f"{made}\n{delta}")
    conversation.answer(
        out=out,
        run=made.run.as_dict(),
        fingerprint=made.fingerprint,
        kpis=made.kpis_json(),
        stability=delta.stability,
    )
    leave_if_cancelled(made.run.status, say("the_best_plan_so"))
