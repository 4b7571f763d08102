# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Events and time travel

What happened, when it was known, and what a plan of last week could see.
"""

import marimo

__generated_with = "0.25.2"
app = marimo.App(width="medium", app_title="Medhavi: events and time travel")

with app.setup:
    import datetime as dt
    import json
    import tempfile
    from pathlib import Path

    import marimo as mo

    import medhavi as mv


@app.cell(hide_code=True)
def welcome():
    words = """
    [Start page and lessons](/)

    # Events and time travel

    Nothing is overwritten here. Each fact is an **event** that stays, and every table
    is what the events up to some moment add up to. So you can ask what was true last
    Tuesday, and what you *knew* last Tuesday: two questions with two answers.

    ## 1. Events

    They come from the lake of a workspace (`medhavi demo` makes one). Where there is
    none, a shop that sells lemonade steps in.
    """
    mo.md(words)
    return


@app.cell
def a_small_lake():
    def told(number, kind, stream, day, known=None, **fields):
        at = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
        event = {
            "event_id": f"00000000-0000-0000-0000-{number:012}",
            "type": kind,
            "stream": stream,
            "occurred_at": str(at + dt.timedelta(days=day)),
            "recorded_at": str(at + dt.timedelta(days=known or day)),
            "actor": "lesson",
            "payload": fields,
        }
        with log.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(event) + "\n")

    folder = tempfile.TemporaryDirectory()
    log = Path(folder.name) / "events.jsonl"
    shop = {"product": "LEMONADE", "location": "SHOP"}
    told(1, "ProductDefined", "product-LEMONADE", 0, product="LEMONADE")
    told(2, "LocationDefined", "location-SHOP", 0, location="SHOP")
    told(3, "StockCounted", "stock-LEMONADE,SHOP", 0, qty=40.0, **shop)
    # Ten bottles broke on Wednesday; it was written down on Saturday.
    broken = {"qty": -10.0, "reason": "scrap", **shop}
    told(4, "StockMoved", "stock-LEMONADE,SHOP", 2, known=5, **broken)
    practice = mv.Workbench(lake=Path(folder.name) / "lake", store=f"jsonl:{log}")
    _mirrored = practice.mirror()
    return folder, practice, told


@app.cell
def open_lake(practice):
    try:
        lake = mv.Workbench.current().lake
        lake.snapshot()
    except mv.MedhaviError:
        lake = practice.lake
    events = lake.table("bronze.events").sort("position").collect()
    shown = ["occurred_at", "recorded_at", "type", "stream", "actor"]
    mo.ui.table(events.select(shown).reverse(), selection=None, page_size=8)
    return events, lake


@app.cell(hide_code=True)
def say_two_times():
    mo.md("""
    ## 2. Two times

    `occurred_at` is when it happened, `recorded_at` when it was known: a receipt is
    typed in after the weekend, breakage is found at the count. Here is the event that
    took longest to be known.
    """)
    return


@app.cell
def latest_news(events):
    delayed = events.with_columns(delay=events["recorded_at"] - events["occurred_at"])
    late = delayed.sort("delay", "position").row(-1, named=True)
    mo.plain_text(
        f"{late['type']} in {late['stream']}\n"
        f"happened {late['occurred_at']:%Y-%m-%d %H:%M} UTC\n"
        f"known    {late['recorded_at']:%Y-%m-%d %H:%M} UTC\n{late['payload']}"
    )
    return (late,)


@app.cell(hide_code=True)
def say_travel():
    mo.md("""
    ## 3. Travel

    `snapshot(effective_at=…, known_at=…)` gives the planning tables of a moment. Both
    snapshots below are of the *same* moment; they differ in what was known: the first
    was taken a second before the late event came in.
    """)
    return


@app.cell
def travel(lake, late):
    moment = late["recorded_at"]
    earlier = moment - dt.timedelta(seconds=1)
    before = lake.snapshot(effective_at=moment, known_at=earlier)
    after = lake.snapshot(effective_at=moment, known_at=moment)

    def changes(name):
        old, new = before[name], after[name]
        gone = old.join(new, on=old.columns, how="anti", nulls_equal=True)
        come = new.join(old, on=old.columns, how="anti", nulls_equal=True)
        return [
            {"was": was} | {n: cell for n, cell in row.items() if cell is not None}
            for was, rows in (("before", gone), ("after", come))
            for row in rows.to_dicts()
        ]

    changed = {name: changes(name) for name in after.tables}
    changed = {name: rows for name, rows in changed.items() if rows}
    mo.accordion({name: mo.ui.table(changed[name], selection=None) for name in changed})
    return (changed,)


@app.cell(hide_code=True)
def say_quarantine():
    mo.md("""
    ## 4. Quarantine

    An event that cannot be read is neither dropped nor guessed at: it waits with its
    reason, and everything else goes on. When the catalogue learns its type,
    `replay` counts it in its old place. (This is the lemonade shop: your own events
    are left alone.)

    Below it the log in SQL (`mo.sql` with the workbench as its engine), and the
    **lineage** of one number: the events that the stock of lemonade comes from.
    """)
    return


@app.cell
def send_nonsense(practice, told):
    told(9, "StokCounted", "stock-LEMONADE,SHOP", 6)
    practice.mirror()
    waiting = practice.lake.quarantine()
    left = practice.snapshot()["stock"]
    shown_parts = waiting["code", "type", "reason"], left["product", "location", "qty"]
    mo.vstack([mo.ui.table(part, selection=None) for part in shown_parts])
    return left, waiting


@app.cell
def ask_in_sql(practice, waiting):
    mo.stop(waiting.is_empty())
    kinds = mo.sql(
        "select type, count(*) as events from bronze.events group by type order by type",
        engine=practice.connection,
    )
    mo.vstack([kinds, practice.lineage("stock", "LEMONADE|SHOP", "qty")])
    return (kinds,)


@app.cell(hide_code=True)
def what_next(changed, late, waiting):
    if mo.app_meta().mode == "script":
        print(late["type"], "changed:", *changed, "; waiting:", *waiting["type"])
    mo.md(
        """
        ## Next

        - Plan what was known then: `medhavi snapshot --known-at 2026-03-04 --out then`,
          then `medhavi plan --tables then --out plan-then`, and `medhavi compare`.
        - Ask the log in SQL: `medhavi query "select type, count(*) from bronze.events
          group by type"`.
        - Let the lake follow your own event store: `medhavi mirror --follow`.
        """
    )
    return


if __name__ == "__main__":
    app.run()
