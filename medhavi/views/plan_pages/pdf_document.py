"""A printed document in the look of the pages: text, tiles, tables, pictures.

Two documents of the same content are equal to the byte: the date inside is given, and
the type comes with the program.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

from fpdf import FPDF  # noqa: TID253 - this module is imported to write one
from fpdf.enums import TableBordersLayout  # noqa: TID253
from fpdf.fonts import FontFace  # noqa: TID253

from medhavi.views.pictures.picture_files import font_folder
from medhavi.views.theme import LIGHT
from medhavi.views.tiles import marked_words

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterable, Sequence

    from medhavi.views.tiles import Tile

MARGIN, GAP = 12.0, 4.0
"""Edge of a page, and space between its parts [mm]."""
_FONT = "DejaVu"
_TEXT, _SMALL, _HEAD, _TITLE, _FIGURE = 9.0, 7.5, 12.0, 20.0, 17.0
"""Sizes of type [pt]."""
_LINE = 0.5
"""Height of a line [mm] by its size of type [pt]."""
_TONES = {"good": "#00664b", "warn": "#8a5a00", "bad": "#a34300", "": LIGHT.muted}
"""Colours of small words on white, dark enough to be read."""


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
