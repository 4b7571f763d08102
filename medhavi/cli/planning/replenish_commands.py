"""The commands that fill stock up to its levels, and that say where levels belong."""

from __future__ import annotations

import typer

from medhavi.cli.command_output import show_table, talk
from medhavi.cli.data.lake_commands import open_workbench, snapshot_of
from medhavi.cli.options import (
    DateFormatOption,
    FileFormat,
    FolderOption,
    FormatOption,
    JsonOption,
    LakeOption,
    SettingsOption,
    TablesOption,
    one_place,
    settings_file,
)
from medhavi.results.amounts import number

LISTED = 20


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command(
        "replenish", help="Fill stock up to its levels, without customers' orders."
    )(replenish)
    app.command("safety-stock", help="Place safety stock over the whole network.")(
        place_safety_stock
    )


def place_safety_stock(
    tables: TablesOption = None,
    lake: LakeOption = None,
    settings: SettingsOption = None,
    out: FolderOption = None,
    file_format: FormatOption = FileFormat.PARQUET,
    date_format: DateFormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Place safety stock at the least cost of holding, show it, write it."""
    from medhavi.planners.replenishment.safety_stock import safety_stock
    from medhavi.workbench.safety_stock_files import (
        lake_safety_stock,
        write_safety_stock,
    )

    conversation = talk()
    one_place(tables, lake, date_format)
    parameters = settings_file(settings)
    if tables is not None:
        found = safety_stock(
            snapshot_of(tables, None, date_format=date_format), parameters
        )
    else:
        found = lake_safety_stock(open_workbench(lake), parameters)
    conversation.report(found.findings)
    if out is not None:
        write_safety_stock(found, out, file_format.value)
        conversation.note(f"written to {out}")
    conversation.say(str(found))
    dearest = found.places.sort(
        "money", "product", "location", descending=[True, False, False]
    )
    show_table(
        ["product", "location", "lead d", "covers d", "safety", "alone", "today"],
        [
            (
                row["product"],
                row["location"],
                str(row["lead_days"]),
                str(row["covers_days"]),
                number(row["safety_qty"]),
                number(row["alone_qty"]),
                number(row["today_qty"]),
            )
            for row in dearest.head(LISTED).iter_rows(named=True)
        ],
    )
    conversation.answer(
        out=out,
        money=found.money(),
        alone_money=found.money("alone_money"),
        today_money=found.money("today_money"),
        bound=found.bound,
        proven=found.proven,
        days=found.days,
        places=found.places.to_dicts(),
    )


def replenish(
    tables: TablesOption = None,
    lake: LakeOption = None,
    settings: SettingsOption = None,
    out: FolderOption = None,
    file_format: FormatOption = FileFormat.PARQUET,
    date_format: DateFormatOption = None,
    as_json: JsonOption = False,
) -> None:
    """Watch stock, hand what is short to net requirements, verify, write."""
    from medhavi.workbench.files.decision_files import (
        replenish_verified,
        write_replenishment,
    )

    conversation = talk()
    one_place(tables, lake, date_format)
    parameters = settings_file(settings)
    found = replenish_verified(
        snapshot_of(tables, lake, date_format=date_format), parameters
    )
    conversation.report(found.plan.findings)
    if out is not None:
        write_replenishment(found, out, str(file_format))
        conversation.note(f"written to {out}")
    conversation.say(str(found).splitlines()[0])
    short = found.short
    if short.height:
        show_table(
            ["product", "location", "free", "level", "short", "needed"],
            [
                (
                    row["product"],
                    row["location"],
                    number(row["on_hand"] - row["reserved"]),
                    number(row["level"]),
                    number(row["shortfall"]),
                    f"{row['need_date']:%Y-%m-%d}",
                )
                for row in short.head(LISTED).iter_rows(named=True)
            ],
        )
    conversation.answer(
        out=out,
        run=found.plan.run.as_dict(),
        fingerprint=found.plan.fingerprint,
        watched=found.monitor.height,
        short=short.to_dicts(),
        rows={name: frame.height for name, frame in found.plan.tables.items()},
    )
