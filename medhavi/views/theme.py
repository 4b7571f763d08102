"""One look for apps, notebooks, reports and charts: tokens, style sheet, chart theme.

Charts name colours as CSS variables, so one drawing is right in light and in dark and
changes with the screen; `inked` puts fixed colours in where no style sheet reaches.

Vega knows the browser's zone and UTC. Charts of a plant need the plant's, so x holds
its wall clock in milliseconds and the scale reads it as UTC.
"""

from __future__ import annotations

import hashlib
import json
import re
import textwrap
from copy import copy
from dataclasses import dataclass, fields
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from medhavi.views.words import worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import altair as alt
    import polars as pl

    Picture = alt.Chart | alt.LayerChart | alt.FacetChart


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Colours of one mode; the meanings are those of docs and legends.

    `plan` is planned supply and what is chosen, `firm` what is locked or in stock,
    `good` on time, `warn` at risk, `bad` late, short or overloaded, `alt` a baseline.
    The hues are Okabe and Ito's, which people tell apart who do not see all colours.
    They fill areas; words take their darker twins (`bad_ink` …), which can be read.
    """

    ink: str
    muted: str
    line: str
    page: str
    card: str
    plan: str
    firm: str
    good: str
    warn: str
    bad: str
    alt: str
    good_ink: str
    warn_ink: str
    bad_ink: str
    alt_ink: str


LIGHT = Tokens(
    ink="#1b1f24",
    muted="#5b6570",
    line="#d9dee4",
    page="#ffffff",
    card="#f6f8fa",
    plan="#0072b2",
    firm="#1b1f24",
    good="#009e73",
    warn="#e69f00",
    bad="#d55e00",
    alt="#cc79a7",
    good_ink="#00664b",
    warn_ink="#8a5a00",
    bad_ink="#a34300",
    alt_ink="#8f3f6c",
)
DARK = Tokens(
    ink="#e8ecf0",
    muted="#9aa5b1",
    line="#2d343c",
    page="#14181f",
    card="#1b2129",
    plan="#56b4e9",
    firm="#e8ecf0",
    good="#2fbf95",
    warn="#ffb84d",
    bad="#ff7f50",
    alt="#e29cc2",
    good_ink="#2fbf95",
    warn_ink="#ffb84d",
    bad_ink="#ff7f50",
    alt_ink="#e29cc2",
)
MODES: Mapping[str, Tokens] = {"light": LIGHT, "dark": DARK}

FONT = (
    'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", '
    '"Noto Sans", "DejaVu Sans", Arial, sans-serif'
)
BODY, LABEL, FIGURE = 14, 12, 28
"""Sizes of type [px]."""
WIDTH, ROW, PLOT = 880, 26, 220
"""Width of a chart on a page, height of a row of bars, height of a plot [px]."""
AS_SVG = {"embedOptions": {"renderer": "svg", "actions": False}}
"""How each chart is drawn: a canvas knows no variables of the page, as colours are."""
LINE = 12
"""Height of a line where a label has two [px]."""
_NARROW, _NARROW_LABEL = 520, 168
"""A chart narrower than the one leaves its labels the other [px]."""
_LINE_LETTERS = 22
"""So many letters fit that room."""
MOST_MARKS = 5000
"""A picture with more marks than this says less; views cut and say what they cut."""

_VARIABLE = re.compile(r"var\(--mv-([a-z_]+)\)")


def token(name: str) -> str:
    """Colour as CSS variable.

    >>> token("plan")
    'var(--mv-plan)'
    """
    if name not in Tokens.__dataclass_fields__:
        message = f"There is no colour {name}; see medhavi.views.theme.Tokens."
        raise KeyError(message)
    return f"var(--mv-{name})"


def ink_token(name: str) -> str:
    """Colour of words about what another colour fills, as CSS variable."""
    twin = f"{name}_ink"
    return token(twin if twin in Tokens.__dataclass_fields__ else name)


def inked(spec: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """Chart's specification with the fixed colours of one mode.

    >>> inked({"color": "var(--mv-bad)"}, "light")
    {'color': '#d55e00'}
    """
    tokens = MODES[mode]
    text = _VARIABLE.sub(lambda hit: getattr(tokens, hit[1]), json.dumps(spec))
    return dict(json.loads(text))


def label_room(most: int) -> str:
    """Room of the labels beside a chart [px], as an expression of Vega.

    >>> label_room(320)
    'containerSize()[0] < 520 ? 168 : 320'
    """
    return narrow(_NARROW_LABEL, most)


def narrow(value: int, otherwise: int) -> str:
    """Expression of Vega: one value in a narrow chart, the other elsewhere."""
    return f"containerSize()[0] < {_NARROW} ? {value} : {otherwise}"


def chart_config() -> dict[str, Any]:
    """Chart theme; the background is whatever lies behind."""
    words: dict[str, Any] = {
        "labelColor": token("muted"),
        "titleColor": token("muted"),
        "labelFontSize": LABEL,
        "titleFontSize": LABEL,
        "titleFontWeight": "normal",
        "labelFontWeight": "normal",
    }
    return {
        "background": "transparent",
        "font": FONT,
        "padding": {"left": 0, "top": 4, "right": 16, "bottom": 4},
        "view": {"stroke": None},
        "axis": {
            **words,
            "domain": False,
            "gridColor": token("line"),
            "tickColor": token("line"),
            "domainColor": token("line"),
            "labelPadding": 6,
            "labelLimit": {"expr": label_room(320)},
        },
        "axisX": {"grid": False, "domain": True, "labelOverlap": True},
        "legend": {**words, "orient": "top", "symbolType": "square", "offset": 4},
        "header": words,
        "title": {
            "color": token("ink"),
            "anchor": "start",
            "fontSize": BODY,
            "fontWeight": 600,
        },
        "text": {"color": token("ink"), "fontSize": LABEL, "font": FONT},
        "rule": {"color": token("line")},
        "bar": {"color": token("plan")},
        "line": {"color": token("plan"), "strokeWidth": 2},
        "range": {
            "category": [token(n) for n in ("plan", "warn", "good", "bad", "alt")]
        },
    }


def register() -> None:
    """Make `medhavi` the chart theme, and offer it inked as light and as dark.

    Parts of charts are no longer checked one by one: that took most of their time.
    """
    import altair as alt
    from altair.utils.schemapi import disable_debug_mode

    disable_debug_mode()

    def themed(config: dict[str, Any]) -> alt.theme.ThemeConfig:
        return alt.theme.ThemeConfig({"config": config, "usermeta": AS_SVG})  # type: ignore[typeddict-item]

    for mode in MODES:
        alt.theme.register(f"medhavi_{mode}", enable=False)(
            lambda mode=mode: themed(inked(chart_config(), mode))
        )
    alt.theme.register("medhavi", enable=True)(lambda: themed(chart_config()))


def variables(tokens: Tokens) -> str:
    """Tokens as CSS declarations."""
    return "".join(
        f"--mv-{item.name}:{getattr(tokens, item.name)};" for item in fields(tokens)
    )


def style_sheet(*, switch: str = "media") -> str:
    """CSS of pages.

    Parameters
    ----------
    switch
        What turns it dark: "media", the reader's system; "class", a class `dark` above
        (as marimo sets it on the body, following the reader's system too).
    """
    light, dark = variables(LIGHT), variables(DARK)
    if switch == "media":
        modes = (
            f":root{{color-scheme:light dark;{light}}}"
            f"@media (prefers-color-scheme:dark){{:root{{{dark}}}}}"
        )
    else:
        modes = f":root,.light{{{light}}}.dark{{{dark}}}"
    return modes + style_rules(Path(__file__).with_name("theme.css"))


@cache
def style_rules(place: Path) -> str:
    """CSS rules of a file, in the type of all pages."""
    return place.read_text("utf-8").replace("FONT", FONT)


DAY_MS = 86_400_000
_LABELLED = re.compile(r'<(path|rect) ([^>]*?) ?aria-label="([^"]+)"([^>]*?)/>')

_CLIP = re.compile(r"\bclip\d+\b")


def time_scale(first: int, last: int) -> alt.Scale:
    """Scale of wall-clock milliseconds from one to the other.

    The span is an expression: Vega-Lite reads a list of numbers as instants for x and
    as numbers for x2, and warns that the two differ.
    """
    import altair as alt

    span = alt.ExprRef(f"[{first}, {last}]")
    return alt.Scale(type="utc", domain=span, nice=False)


def legend_below(columns: int = 2) -> alt.Legend:
    """Legend below a chart; in so many columns on a phone."""
    import altair as alt

    return alt.Legend(
        orient="bottom", offset=8, columns=alt.ExprRef(narrow(columns, 0))
    )


def label_limit(most: int) -> alt.ExprRef:
    """Room of the labels of an axis: less of it on a phone [px]."""
    import altair as alt

    return alt.ExprRef(label_room(most))


def label_axis(labels: Sequence[str], most: int, place: str = "") -> alt.Axis:
    """Axis of rows with labels, whole on a phone too.

    Parameters
    ----------
    labels
        Of the rows, from the top.
    most
        Room of the labels elsewhere [px].
    place
        Expression of the place of a row; rows are known by their label without it.
    """
    import altair as alt

    names = json.dumps(list(labels), ensure_ascii=False)
    at = place or f"indexof({names}, datum.value)"
    return alt.Axis(
        labelExpr=label_lines(labels, at),
        labelOffset=line_offset(labels, at),
        labelLineHeight=LINE,
        labelLimit=label_limit(most),
        domain=False,
    )


def label_lines(labels: Sequence[str], place: str) -> str:
    """Expression of a label by its place, in several lines where the chart is narrow.

    Parameters
    ----------
    labels
        Words of all places.
    place
        Expression of the place.

    Examples
    --------
    >>> label_lines(["Mix, Lodz"], "value")
    'containerSize()[0] < 520 ? [["Mix", "Lodz"]][value] : ["Mix, Lodz"][value]'
    >>> in_lines("Oliva conditioner 250 ml in stock, Lodz")
    ['Oliva conditioner 250', 'ml in stock, Lodz']
    """
    whole = json.dumps(list(labels), ensure_ascii=False)
    cut = json.dumps([in_lines(label) for label in labels], ensure_ascii=False)
    size = f"containerSize()[0] < {_NARROW}"
    return f"{size} ? {cut}[{place}] : {whole}[{place}]"


def line_offset(labels: Sequence[str], place: str) -> dict[str, Any]:
    """Offset that centres the lines of a label on its row: Vega hangs them below it.

    Parameters
    ----------
    labels, place
        As of `label_lines`.

    Examples
    --------
    >>> line_offset(["Mix, Lodz", "QC"], "value")["condition"]
    [{'test': 'containerSize()[0] < 520 && [2,1][value] === 2', 'value': -6.0}]
    """
    lines = [len(in_lines(label)) for label in labels]
    told = json.dumps(lines, separators=(",", ":"))
    conditions = [
        {
            "test": f"containerSize()[0] < {_NARROW} && {told}[{place}] === {many}",
            "value": (1 - many) * LINE / 2,
        }
        for many in sorted({*lines} - {1})
    ]
    return {"condition": conditions, "value": 0}


def in_lines(label: str) -> list[str]:
    """Label in lines that fit a phone: at its comma, else as its words fit."""
    parts = label.split(", ", 1)
    if max(map(len, parts)) <= _LINE_LETTERS:
        return parts
    return textwrap.wrap(label, _LINE_LETTERS)


def row_height(labels: Iterable[str], least: int = ROW) -> int:
    """Height of rows, from the top, whose labels fit on a phone too [px].

    A long label takes half of its lines from each neighbour; `least` is the height of
    rows with short ones [px].

    >>> long = "Agrumi shampoo 250 ml at Milano, forecast of Mon 4 Jan 2027"
    >>> row_height(["SO-1", long, "SO-2"]), row_height([long, long])
    (26, 36)
    """
    lines = [len(in_lines(label)) for label in labels]
    return max([least, *(LINE * (a + b) // 2 for a, b in pairwise(lines))])


def time_axis(first: int, last: int, *, field: str = "x", title: str = "") -> alt.X:
    """X channel over wall-clock milliseconds with weekdays where they fit."""
    import altair as alt

    days = (last - first) / DAY_MS
    near = "%a %-d %b" if days > 3 else "%a %H:%M"
    form = "%b %Y" if days > 500 else "%-d %b" if days > 70 else near
    # Ticks of parts of a day would all bear the name of the day.
    whole_days = alt.TimeIntervalStep(interval="day", step=1)
    return alt.X(
        f"{field}:T",
        title=title or None,
        scale=time_scale(first, last),
        axis=alt.Axis(
            format=form,
            tickCount=whole_days if 3 < days <= 7 else 6,
            labelAngle=0,
            # Half a label has no room beyond an end: it turns inwards there.
            labelFlush=32,
        ),
    )


def rows_of(frame: pl.DataFrame) -> alt.Data:
    """Rows of a frame, without dates, as inline data of a chart."""
    import altair as alt

    return alt.Data(values=ChartRows(frame.to_dicts()))


def _rule(moment: int, word: str, *, colour: str, dy: int, left: bool) -> list[Picture]:
    """Vertical rule with its word at the top, right or left of it."""
    import altair as alt

    at = alt.Data(values=[{"x": moment, "word": word}])
    base = alt.Chart(at).encode(x=alt.X("x:T"))
    line = base.mark_rule(color=token(colour), strokeDash=[3, 3], aria=False)
    text = base.mark_text(
        align="right" if left else "left",
        dx=-4 if left else 4,
        dy=dy,
        baseline="bottom",
        color=token(colour),
        aria=False,
    ).encode(text=alt.Text("word:N"), y=alt.YValue(0))
    return [line, text]


CLOSE = 0.4
"""Words of rules nearer than this share of the axis stand one above the other: on a
phone it is some 180 px wide, and two words with their gaps need 70 px."""
_RULE_COLOURS = {"now": "ink", "quoted": "plan"}


def rules_at(moments: Mapping[str, int], first: int, last: int) -> list[Picture]:
    """Layers of a rule and its word for each instant of an axis.

    Parameters
    ----------
    moments
        Word to instant, as the axis counts.
    first, last
        Ends of the axis. A word near the right end stands left of its rule.
    """
    edge = first + 0.8 * (last - first)
    drawn: list[Picture] = []
    level, before = 0, None
    for word, x in sorted(moments.items(), key=lambda item: item[1]):
        close = before is not None and x - before < CLOSE * (last - first)
        level = level + 1 if close else 0
        before = x
        colour = _RULE_COLOURS.get(word, "muted")
        # Flat: what stacks layers copies those inside layers once more.
        drawn += _rule(x, word, colour=colour, dy=-4 - 12 * level, left=x > edge)
    return drawn


def edge_of_words(base: Picture, **look: Any) -> Picture:
    """Edge under words, in the page's colour: any line they cross is broken.

    Parameters
    ----------
    base
        Chart of the words, without a colour of its own.
    look
        As of the words: where they stand from their point, and how heavy they are.
    """
    page = token("page")
    edge: Picture = base.mark_text(
        **look, color=page, stroke=page, strokeWidth=4, aria=False
    )
    return edge


def finished(chart: Picture, title: str, height: int | None = None) -> Picture:
    """Chart its title and size; it takes the width that there is."""
    import altair as alt

    return _with(
        chart,
        title=alt.Title(title, fontSize=BODY, anchor="start", offset=16, limit=WIDTH),
        usermeta=AS_SVG,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
        width="container",
        **({} if height is None else {"height": height}),
    )


def specification(chart: Picture, width: int = WIDTH) -> dict[str, Any]:
    """Vega-Lite specification in a fixed width, with the chart theme in it."""
    spec = chart.to_dict(validate=False)  # tests validate; it takes three quarters
    own = spec.get("config", {})
    return {**spec, "width": width, "config": {**own, **chart_config()}}


def title_of(chart: Picture) -> str:
    """Title of a chart; pages set it as text, which wraps on a phone."""
    return str(getattr(chart["title"], "text", ""))


def untitled(chart: Picture) -> Picture:
    """Chart without its title, which marimo draws as it is."""
    import altair as alt

    plain = _with(chart, title=alt.Undefined)
    object.__setattr__(plain, "__class__", _kept(type(chart)))  # type: ignore[arg-type]
    return plain


def _with(chart: Picture, **attributes: object) -> Picture:
    """Shallow copy of a chart with other attributes; altair's copies each layer."""
    made = copy(chart)
    object.__setattr__(made, "_kwds", {**chart._kwds, **attributes})  # noqa: SLF001
    return made


@cache
def _kept(kind: type[Any]) -> type[Any]:
    """Kind of a chart whose deep copy is itself: nothing is added to what is drawn.

    altair's shallow copy makes a layered chart anew, with deep copies of its layers.
    """

    class Chart(kind):  # type: ignore[misc]
        def copy(self, deep: bool = True, ignore: Any = None) -> Any:  # noqa: FBT001, FBT002, ARG002
            return self if deep else _with(self)

        def to_dict(self, validate: bool = False, **more: Any) -> Any:  # noqa: FBT001, FBT002
            return super().to_dict(validate, **more)

    return Chart


def drawing(chart: Picture, width: int = WIDTH) -> str:
    """Chart as SVG: it follows light and dark, tells on hover, asks no host."""
    import vl_convert

    spec = specification(chart, width)
    svg = str(vl_convert.vegalite_to_svg(spec))
    # Vega counts clips over all drawings of a process: name them by their drawing.
    key = hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:8]
    seen: dict[str, str] = {}
    svg = _CLIP.sub(lambda hit: seen.setdefault(hit[0], f"c{key}-{len(seen)}"), svg)
    return _LABELLED.sub(r"<\1 \2\4><title>\3</title></\1>", svg)


def app_style() -> str:
    """CSS of marimo apps: ours, and marimo's own colours and type."""
    return style_sheet(switch="class") + worded(
        style_rules(Path(__file__).with_name("app.css"))
    )


class ChartRows:
    """Rows of plain values, as one part of a chart.

    altair asks of each value of a list whether it is a chart or a date: more than half
    of the time in which a picture was written. What has a schema it asks as a whole.

    Parameters
    ----------
    rows
        Texts, numbers, truths and None by column.
    """

    _schema: ClassVar[dict[str, str]] = {"type": "array"}

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        self._rows = list(rows)

    def __repr__(self) -> str:
        """Text of the rows: altair names a view by the hash of its parts."""
        return f"{type(self).__name__}({self._rows!r})"

    def to_dict(self, *_args: object, **_more: object) -> list[Mapping[str, Any]]:
        """Rows as a specification has them."""
        return self._rows
