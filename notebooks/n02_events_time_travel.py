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
    import tempfile
    import uuid

    import marimo as mo
    import polars as pl

    import medhavi as mv
    from medhavi.errors import MedhaviError
    from medhavi.events.envelope import NewEvent
    from medhavi.events.event_types.catalog import TYPES, new_event, stream_for
    from medhavi.events.memory import MemoryStore
    from medhavi.lakehouse import Lake
    from medhavi.views import page, theme

    theme.register()


@app.cell(hide_code=True)
def welcome():
    words = """
    # Events and time travel

    Nothing is overwritten here. Each fact is an **event** that stays, and every table
    is what the events up to some moment add up to. So you can ask what was true last
    Tuesday, and what you *knew* last Tuesday: two questions with two answers.

    ## 1. Events

    They come from the lake of a workspace (`medhavi demo` makes one). Where there is
    none, a shop that sells lemonade steps in.
    """
    mo.vstack([mo.Html(page.top_html()), mo.md(words)])
    return


@app.cell
def a_small_lake():
    def told(number, kind, day, known=None, **fields):
        body = TYPES[kind].payload(**fields)
        at = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)
        event = new_event(
            body,
            event_id=str(uuid.UUID(int=number)),
            occurred_at=at + dt.timedelta(days=day),
            recorded_at=at + dt.timedelta(days=day if known is None else known),
            actor="lesson",
        )
        return stream_for(body), [event]

    shop = {"product": "LEMONADE", "location": "SHOP"}
    few = MemoryStore()
    history = [
        told(1, "ProductDefined", 0, product="LEMONADE"),
        told(2, "LocationDefined", 0, location="SHOP"),
        told(3, "StockCounted", 0, qty=40.0, **shop),
        # Ten bottles broke on Wednesday; it was written down on Saturday.
        told(4, "StockMoved", 2, known=5, qty=-10.0, reason="scrap", **shop),
    ]
    few.append_many(history)
    folder = tempfile.TemporaryDirectory()
    practice = Lake(f"{folder.name}/lake")
    practice.mirror(few)
    return few, folder, practice


@app.cell
def open_lake(practice):
    try:
        lake = mv.Workbench.current().lake
        lake.snapshot()
    except MedhaviError:
        lake = practice
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
    delay = (pl.col("recorded_at") - pl.col("occurred_at")).alias("delay")
    late = events.with_columns(delay).sort("delay", "position").row(-1, named=True)
    mo.plain_text(
        f"{late['type']} in {late['stream']}\n"
        f"happened {late['occurred_at']:%Y-%m-%d %H:%M}\n"
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
        was = pl.Series("was", ["before"] * gone.height + ["after"] * come.height)
        rows = pl.concat([gone, come]).insert_column(0, was)
        return rows.select(n for n in rows.columns if not rows[n].null_count())

    changed = {name: changes(name) for name in after.tables}
    changed = {name: rows for name, rows in changed.items() if rows.height}
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
    """)
    return


@app.cell
def send_nonsense(few, practice):
    nonsense = NewEvent(
        event_id=str(uuid.UUID(int=9)), type="StokCounted", payload="{}"
    )
    few.append("stock-LEMONADE,SHOP", [nonsense])
    practice.mirror(few)
    waiting = practice.quarantine()
    left = practice.snapshot()["stock"]
    shown_parts = waiting["code", "type", "reason"], left["product", "location", "qty"]
    mo.vstack([mo.ui.table(part, selection=None) for part in shown_parts])
    return left, waiting


@app.cell(hide_code=True)
def what_next(changed, late, waiting):
    if mo.app_meta().mode == "script":
        print(late["type"], "changed:", *changed, "; waiting:", *waiting["type"])
    mo.md(
        """
        ## And now?

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
