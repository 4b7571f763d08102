"""The meeting pack: one PDF of a plan for those who decide on it, as the pages look.

Two packs of the same content are equal to the byte: the date inside is given, and the
type comes with the program.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

from fpdf import FPDF  # noqa: TID253 - this module is imported to write one
from fpdf.enums import TableBordersLayout  # noqa: TID253
from fpdf.fonts import FontFace  # noqa: TID253

from medhavi.results.plans.lateness import late_demands
from medhavi.units import from_seconds
from medhavi.views import grid_columns
from medhavi.views.names import NOTHING, count, duration, money, names_of, percent, when
from medhavi.views.order_list import clock, plain
from medhavi.views.pictures.lateness import (
    late_causes,
    late_chart,
    lateness_text,
    overdue_chart,
    plan_finding,
)
from medhavi.views.pictures.load import load_chart, loads_from_now
from medhavi.views.pictures.pareto import front_chart, point_rows
from medhavi.views.pictures.picture_files import font_folder, picture_png
from medhavi.views.plan_pages.capacity_words import capacity_finding, resources_by_need
from medhavi.views.plan_pages.cockpit import (
    cockpit_tiles,
    inbox_rows,
    promises_missed,
    worth_once,
)
from medhavi.views.plan_pages.suppliers import BUY_DAYS, buy_rows
from medhavi.views.theme import LIGHT, title_of, untitled
from medhavi.views.tiles import marked_words
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl

    from medhavi.results.pareto_front import ParetoFront
    from medhavi.results.plans.plan import Plan
    from medhavi.snapshot import Snapshot
    from medhavi.views.names import Names
    from medhavi.views.theme import Picture
    from medhavi.views.tiles import Tile

MOST_ROWS = 25
"""Rows of a table of the pack; what is left out is counted below it."""
_MOST_RESOURCES = 6
TITLE = "Meeting pack"
_WIDE = 1080
"""Width of its pictures [px]."""
MARGIN, GAP = 12.0, 4.0
"""Edge of a page, and space between its parts [mm]."""
_FONT = "DejaVu"
_TEXT, _SMALL, _HEAD, _TITLE, _FIGURE = 9.0, 7.5, 12.0, 20.0, 17.0
"""Sizes of type [pt]."""
_LINE = 0.5
"""Height of a line [mm] by its size of type [pt]."""
_TONES = {"good": "#00664b", "warn": "#8a5a00", "bad": "#a34300", "": LIGHT.muted}
"""Colours of small words on white, dark enough to be read."""

Reviews = Mapping[str, tuple[bool, str, str]]
Text = Callable[[float | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PackSection:
    """A part of the pack.

    Parameters
    ----------
    title, words
        Its heading, and a sentence below it.
    chart
        Picture; None: it has none.
    columns
        Columns of its table with the share of the page of each.
    right
        Columns set to the right.
    rows
        All rows of the table, in words.
    """

    title: str
    words: str = ""
    chart: Any = None
    columns: Mapping[str, float] = field(default_factory=dict)
    right: tuple[str, ...] = ()
    rows: Sequence[Sequence[str]] = ()


def meeting_pack(
    plan: Plan,
    snapshot: Snapshot,
    *,
    published: Sequence[Mapping[str, float | None]] = (),
    reviews: Reviews | None = None,
    front: ParetoFront | None = None,
    source: str = "",
) -> bytes:
    """PDF of a plan: what it finds, its figures, and what has to be decided.

    Parameters
    ----------
    published
        Key figures of plans that were published before, the newest first.
    reviews
        Who takes care of which exception; see `cockpit.inbox_rows`.
    front
        Trade-offs that were worked out; None: the pack has none.
    source
        Where the data comes from.
    """
    names, moment = names_of(snapshot), from_seconds(snapshot.as_of)
    now = f"as of {when(moment, names.zone, year=True)} ({names.zone})"
    foot = f"Medhavi · {now} · plan {plan.fingerprint[:12]}"
    facts = [
        *([f"Source {source}"] if source else []),
        now[:1].upper() + now[1:],
        f"Mode {plan.run.mode}",
        f"Status {plan.run.status}",
    ]
    document = PdfDocument(f"{TITLE} {now}", moment, foot)
    document.heading(TITLE, plan_finding(plan, names), " · ".join(facts))
    targets = snapshot.settings.kpi_targets
    document.tiles(cockpit_tiles(plan, names, published, targets))
    for one in pack_sections(plan, snapshot, reviews=reviews or {}, front=front):
        _write(document, one)
    return document.content()


def pack_sections(
    plan: Plan,
    snapshot: Snapshot,
    *,
    reviews: Reviews | None = None,
    front: ParetoFront | None = None,
) -> list[PackSection]:
    """Parts of the pack that have something to tell, in their order."""
    names = names_of(snapshot)
    found = [
        _late(plan, snapshot, names),
        _promises(plan, snapshot, names),
        _capacity(plan, names),
        _to_order(plan, snapshot, names),
        _exceptions(plan, snapshot, names, reviews or {}),
        None if front is None else _trade_offs(front),
    ]
    return [one for one in found if one is not None]


def _write(document: PdfDocument, one: PackSection) -> None:
    document.section(one.title, one.words, room=60.0 if one.chart is None else 120.0)
    if one.chart is not None:
        drawn = picture_png(untitled(one.chart), _WIDE)
        document.picture(drawn, title_of(one.chart), most=105.0)
    if one.rows:
        shown = one.rows[:MOST_ROWS]
        document.grid(list(one.columns), shown, list(one.columns.values()), one.right)
        if len(one.rows) > len(shown):
            document.words(say("and_more", len(one.rows) - len(shown)))


def _money(names: Names) -> Text:
    return lambda value: NOTHING if value is None else money(value, names.currency)


def _late(plan: Plan, snapshot: Snapshot, names: Names) -> PackSection | None:
    late = late_demands(plan)
    chart = late_chart(plan, names)
    if late.is_empty():
        overdue = overdue_chart(plan, names)
        words = say("every_demand_is_kept")
        return None if overdue is None else _late_section(words, overdue, ())
    asked = {row["demand"]: row for row in snapshot["demands"].iter_rows(named=True)}
    told = late_causes(plan, late["demand"].head(MOST_ROWS).to_list(), names)
    rows = []
    for row in late.iter_rows(named=True):
        demand = asked.get(row["demand"], {})
        rows.append(
            (
                names.name(row["demand"]),
                names.name(demand["customer"]) if demand.get("customer") else "",
                names.name(demand.get("product")),
                when(row["due"], names.zone_of(demand.get("location")), ends=True),
                lateness_text(row),
                _money(names)(row["money"]),
                "\n".join(told.get(row["demand"], ())),
            )
        )
    return _late_section(
        say("demands_late_or_short", count(late.height, "demand")), chart, rows
    )


def _late_section(
    words: str, chart: Picture | None, rows: Sequence[Sequence[str]]
) -> PackSection:
    titles = (
        grid_columns.DEMAND,
        grid_columns.CUSTOMER,
        grid_columns.ITEM,
        grid_columns.DUE,
        grid_columns.LATE,
        grid_columns.COST,
        "Why",
    )
    return PackSection(
        title=say("late_demands"),
        words=words,
        chart=chart,
        columns=dict(zip(titles, (14, 15, 19, 13, 10, 8, 36), strict=True)),
        right=(grid_columns.COST,),
        rows=rows,
    )


def _promises(plan: Plan, snapshot: Snapshot, names: Names) -> PackSection | None:
    missed = promises_missed(plan, snapshot, names)
    if missed.is_empty():
        return None
    return PackSection(
        title=say("promises_not_kept"),
        words=count(missed.height, "order line"),
        columns=dict(zip(missed.columns, (16, 19, 24, 15, 15, 9, 9), strict=True)),
        right=(grid_columns.MONEY,),
        rows=_told(missed, {grid_columns.MONEY: _money(names)}),
    )


def _capacity(plan: Plan, names: Names) -> PackSection | None:
    chart, loads = load_chart(plan, names), loads_from_now(plan)
    if chart is None:
        return None
    columns = {
        grid_columns.RESOURCE: 40,
        grid_columns.LOAD: 12,
        grid_columns.OVERLOAD: 14,
        grid_columns.LATE_DEMANDS: 14,
        grid_columns.COST: 14,
    }
    rows = [
        (
            names.name(row["resource"]),
            percent(row["load"]),
            duration(row["over"]) if row["over"] else NOTHING,
            f"{row['demands']:,}" if row["demands"] else NOTHING,
            money(row["money"], names.currency) if row["money"] else NOTHING,
        )
        for row in resources_by_need(plan, loads)
        .head(_MOST_RESOURCES)
        .iter_rows(named=True)
    ]
    return PackSection(
        title=say("capacity"),
        words=capacity_finding(plan, loads, names),
        chart=chart,
        columns=columns,
        right=tuple(columns)[1:],
        rows=rows,
    )


def _to_order(plan: Plan, snapshot: Snapshot, names: Names) -> PackSection | None:
    bought = buy_rows(plan, snapshot, names).drop(
        *(grid_columns.OVERDUE, grid_columns.ITEM_NUMBER, grid_columns.SOURCE_NUMBER),
        strict=False,
    )
    if bought.is_empty():
        return None
    total = money(float(bought[grid_columns.COST].fill_null(0.0).sum()), names.currency)
    shares = (18, 13, 26, 12, 9, 6, 15, 15, 8)
    return PackSection(
        title=say("to_order"),
        words=say("within_days", count(bought.height, "order"), f"{BUY_DAYS:g}", total),
        columns=dict(zip(bought.columns, shares, strict=True)),
        right=(grid_columns.QUANTITY, grid_columns.COST),
        rows=_told(
            bought.sort(grid_columns.ORDER_BY, grid_columns.ORDER),
            {grid_columns.COST: _money(names), grid_columns.QUANTITY: plain},
        ),
    )


def _exceptions(
    plan: Plan, snapshot: Snapshot, names: Names, reviews: Reviews
) -> PackSection | None:
    costs = dict(snapshot["products"].select("product", "unit_cost").iter_rows())
    found = inbox_rows(plan, costs, names, reviews)
    if found.is_empty():
        return None
    worth = money(float(found.select(worth_once()).item() or 0.0), names.currency)
    shown = found.select(found.columns[:8])
    shares = (26, 26, 11, 15, 6, 9, 11, 16)
    return PackSection(
        title=say("exceptions_by_money"),
        words=say("to_do_worth", count(found.height, "message"), worth),
        columns=dict(zip(shown.columns, shares, strict=True)),
        right=(grid_columns.TIMES, grid_columns.WORTH),
        rows=_told(
            shown,
            {
                grid_columns.WORTH: lambda value: (
                    money(value, names.currency) if value else ""
                )
            },
        ),
    )


def _trade_offs(front: ParetoFront) -> PackSection:
    columns, rows = point_rows(front)
    return PackSection(
        title=say("trade_offs"),
        chart=front_chart(front),
        columns=dict.fromkeys(columns, 100 / len(columns)),
        right=columns[1:],
        rows=rows,
    )


def _told(rows: pl.DataFrame, formats: Mapping[str, Text]) -> list[tuple[str, ...]]:
    """Rows in words: wall clocks with weekday, money by `formats`."""
    return [
        tuple(
            formats[name](cell)
            if name in formats
            else clock(cell)
            if isinstance(cell, dt.datetime)
            else f"{cell:,}"
            if isinstance(cell, int)
            else str(cell or "")
            for name, cell in row.items()
        )
        for row in rows.iter_rows(named=True)
    ]


class PdfDocument(FPDF):
    """Landscape pages of A4 with a line at the foot of each.

    Parameters
    ----------
    moment
        When it is dated.
    foot
        Words at the foot of each page, before its number.
    """

    def __init__(self, title: str, moment: dt.datetime, foot: str) -> None:
        super().__init__(orientation="landscape", unit="mm", format="A4")
        self._foot = foot
        fonts = font_folder()
        self.add_font(_FONT, "", fonts / "DejaVuSans.ttf")
        self.add_font(_FONT, "B", fonts / "DejaVuSans-Bold.ttf")
        self.set_title(title)
        self.set_lang("en")
        self.set_producer("Medhavi")
        self.set_creation_date(moment)
        self.set_margin(MARGIN)
        self.set_auto_page_break(auto=True, margin=MARGIN + GAP)
        self.add_page()

    def footer(self) -> None:
        """Write the foot of a page; called where a page ends."""
        self.set_y(-MARGIN)
        self._type(_SMALL, LIGHT.muted)
        self.cell(0, GAP, self._foot)
        self.cell(0, GAP, f"{self.page_no()} / {{nb}}", align="R")

    def heading(self, title: str, found: str = "", facts: str = "") -> None:
        """Title of the document with what it finds and what it is about."""
        self._type(_TITLE, LIGHT.ink, bold=True)
        self._lines(title, _TITLE)
        if found:
            self._type(_HEAD, LIGHT.ink)
            self._lines(found, _HEAD)
        if facts:
            self._type(_TEXT, LIGHT.muted)
            self._lines(facts, _TEXT)
        self.ln(GAP)

    def section(self, title: str, words: str = "", *, room: float = 60.0) -> None:
        """Begin a part; on a new page where less than `room` [mm] is left."""
        if self.get_y() + room > self.h - MARGIN - GAP:
            self.add_page()
        self._type(_HEAD, LIGHT.ink, bold=True)
        self._lines(title, _HEAD)
        if words:
            self.words(words)
        self.ln(GAP / 4)

    def words(self, text: str) -> None:
        """Write a paragraph."""
        self._type(_TEXT, LIGHT.muted)
        self._lines(text, _TEXT)

    def tiles(self, tiles: Sequence[Tile]) -> None:
        """Write figures side by side."""
        wide = (self.epw - GAP * (len(tiles) - 1)) / len(tiles)
        top, high = self.get_y(), 27.0
        for place, tile in enumerate(tiles):
            left = self.l_margin + place * (wide + GAP)
            self.set_draw_color(LIGHT.line)
            self.set_fill_color(LIGHT.card)
            self.rect(left, top, wide, high, "DF", round_corners=True, corner_radius=2)
            unit = f" {tile.unit}" if tile.unit else ""
            state = marked_words(tile.state, tile.word) if tile.state else ""
            note = "; ".join(part for part in (state, tile.note) if part)
            lines = (
                (tile.label, _SMALL, LIGHT.muted, False),
                (tile.figure + unit, _FIGURE, LIGHT.ink, True),
                (note, _SMALL, _TONES.get(tile.state, LIGHT.muted), False),
                (tile.change[1], _SMALL, _TONES.get(tile.change[0], ""), False),
            )
            self.set_xy(left, top + 1.5)
            for text, size, colour, bold in lines:
                if not text:
                    continue
                self.set_x(left + 2)
                self._type(size, colour or LIGHT.muted, bold=bold)
                self._lines(text, size, wide - 4)
        self.set_xy(self.l_margin, top + high + GAP)

    def grid(
        self,
        columns: Sequence[str],
        rows: Iterable[Sequence[str]],
        widths: Sequence[float],
        right: Sequence[str] = (),
    ) -> None:
        """Write a table; its header stands again on each page.

        Parameters
        ----------
        widths
            Of the columns, in shares of the page.
        right
            Columns set to the right.
        """
        self._type(_SMALL, LIGHT.ink)
        self.set_draw_color(LIGHT.line)
        self.set_fill_color(LIGHT.page)
        head = FontFace(color=LIGHT.muted, emphasis="")
        with self.table(
            headings_style=head,
            col_widths=tuple(widths),
            text_align=tuple("RIGHT" if c in right else "LEFT" for c in columns),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            line_height=_SMALL * _LINE,
            padding=(0.8, 2.5, 0.8, 0),
        ) as table:
            table.row(list(columns))
            for row in rows:
                table.row(list(row))
        self.ln(GAP)

    def picture(self, png: bytes, words: str = "", *, most: float = 110.0) -> None:
        """Place a picture in the width of the page, at most so high [mm]."""
        from PIL import Image

        with Image.open(BytesIO(png)) as image:
            high = self.epw * image.height / image.width
        wide = self.epw * min(1.0, most / high)
        high = min(high, most)
        if self.get_y() + high + 2 * GAP > self.h - MARGIN - GAP:
            self.add_page()
        if words:
            self._type(_TEXT, LIGHT.ink, bold=True)
            self._lines(words, _TEXT)
        self.image(BytesIO(png), w=wide, alt_text=words or None)
        self.ln(GAP)

    def content(self) -> bytes:
        """Bytes of the file."""
        return bytes(self.output())

    def _type(self, size: float, colour: str, *, bold: bool = False) -> None:
        self.set_font(_FONT, "B" if bold else "", size)
        self.set_text_color(colour)

    def _lines(self, text: str, size: float, wide: float = 0.0) -> None:
        place: dict[str, Any] = {"new_x": "LEFT", "new_y": "NEXT"}
        self.multi_cell(wide, size * _LINE, text, align="L", **place)
