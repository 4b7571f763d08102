"""One look for apps, notebooks, reports and charts: tokens, style sheet, chart theme.

Charts name colours as CSS variables, so one drawing is right in light and in dark and
changes with the screen; `inked` puts fixed colours in where no style sheet reaches.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Colours of one mode; the meanings are those of docs and legends.

    `plan` is planned supply and what is chosen, `firm` what is locked or in stock,
    `good` on time, `warn` at risk, `bad` late, short or overloaded, `alt` a baseline.
    The hues are Okabe and Ito's, which people tell apart who do not see all colours.
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
_NARROW, _NARROW_LABEL = 520, 128
"""A chart narrower than the one leaves its labels the other [px]."""
MOST_MARKS = 5000
"""A picture with more marks than this says less; views cut and say what they cut."""

_VARIABLE = re.compile(r"var\(--mv-([a-z]+)\)")


def token(name: str) -> str:
    """Colour as CSS variable.

    >>> token("plan")
    'var(--mv-plan)'
    """
    if name not in Tokens.__dataclass_fields__:
        message = f"There is no colour {name}; see medhavi.views.theme.Tokens."
        raise KeyError(message)
    return f"var(--mv-{name})"


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
    'containerSize()[0] < 520 ? 128 : 320'
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
    """Make `medhavi` the chart theme, and offer it inked as light and as dark."""
    import altair as alt

    def themed(config: dict[str, Any]) -> alt.theme.ThemeConfig:
        return alt.theme.ThemeConfig({"config": config})  # type: ignore[typeddict-item]

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


def app_style() -> str:
    """CSS of marimo apps: ours, and marimo's own colours and type."""
    return style_sheet(switch="class") + _APP_RULES.replace("FONT", FONT)


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
    return modes + _RULES.replace("FONT", FONT)


_RULES = """
.mv{font:14px/1.5 FONT;color:var(--mv-ink);font-variant-numeric:tabular-nums}
.mv *{box-sizing:border-box}
.mv h1,.mv h2,.mv h3,.mv p,.mv ul,.mv ol,.mv dl{margin:0;padding:0;border:0}
.mv h1{font-size:28px;line-height:1.2;font-weight:650;letter-spacing:-.01em;
 color:var(--mv-ink)}
.mv h2{font-size:20px;line-height:1.3;font-weight:600;color:var(--mv-ink)}
.mv h3{font-size:14px;font-weight:600;color:var(--mv-ink)}
.mv a{color:var(--mv-plan);text-decoration:none}
.mv a:hover,.mv a:focus-visible{text-decoration:underline}
.mv abbr{text-decoration:none;cursor:help}
.mv code{font:12px ui-monospace,SFMono-Regular,Menlo,"DejaVu Sans Mono",monospace;
 overflow-wrap:anywhere;background:none;color:inherit;padding:0;border:0}
.mv .muted,.mv-muted{color:var(--mv-muted)}
.mv .small{font-size:12px}
.mv-head{display:flex;flex-wrap:wrap;gap:8px 24px;align-items:baseline;
 justify-content:space-between}
.mv-nav{display:flex;flex-wrap:wrap;gap:4px 16px;padding-bottom:8px;
 border-bottom:1px solid var(--mv-line);font-size:13px}
.mv-nav a[aria-current]{color:var(--mv-ink);font-weight:600}
.mv-facts{display:flex;flex-wrap:wrap;gap:4px 20px;color:var(--mv-muted);
 font-size:12px}
.mv-facts b{color:var(--mv-ink);font-weight:500}
.mv-tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(168px,1fr));
 gap:12px}
.mv .mv-tile{display:flex;flex-direction:column;gap:2px;padding:16px;
 border-radius:12px;background:var(--mv-card);border:1px solid var(--mv-line);
 color:inherit;text-decoration:none;min-width:0}
.mv a.mv-tile:hover,.mv a.mv-tile:focus-visible{border-color:var(--mv-plan);
 text-decoration:none}
.mv-tile .label{font-size:12px;color:var(--mv-muted)}
.mv-tile .figure{font-size:28px;line-height:1.25;font-weight:600;
 letter-spacing:-.01em;color:var(--mv-ink)}
.mv-tile .figure small{font-size:14px;font-weight:400;color:var(--mv-muted);
 letter-spacing:0}
.mv-tile .note{font-size:12px;color:var(--mv-muted)}
.mv-tile .spark{width:100%;max-width:160px;height:24px;margin-top:auto;padding-top:4px}
.mv-mark{white-space:nowrap;font-weight:500}
.mv-good{color:var(--mv-good)}.mv-warn{color:var(--mv-warn)}.mv-bad{color:var(--mv-bad)}
.mv-card{padding:16px;border-radius:12px;background:var(--mv-card);
 border:1px solid var(--mv-line)}
.mv-empty{padding:16px;border-radius:12px;border:1px dashed var(--mv-line);
 color:var(--mv-muted)}
.mv-empty b{color:var(--mv-ink);font-weight:600;display:block}
.mv-problem{border-left:4px solid var(--mv-bad)}
.mv-chart{overflow-x:auto}
.mv-chart svg{display:block;max-width:100%;min-width:600px;height:auto}
.mv-scroll{overflow-x:auto}
.mv table.mv-table{border-collapse:collapse;width:100%;font-size:13px;margin:0}
.mv-table th{font-weight:500;color:var(--mv-muted);font-size:12px;text-align:left;
 white-space:nowrap}
.mv-table th,.mv-table td{padding:6px 12px 6px 0;vertical-align:top;
 border:0;border-bottom:1px solid var(--mv-line)}
.mv-table code{white-space:nowrap;overflow-wrap:normal}
.mv-table .num{text-align:right;white-space:nowrap}
.mv-table .when{white-space:nowrap}
.mv ol.mv-chain{list-style:none;display:grid;gap:4px}
.mv-chain li{padding-left:16px;position:relative}
.mv-chain li::before{content:"";position:absolute;left:0;top:8px;width:6px;height:6px;
 border-radius:3px;background:var(--mv-plan)}
.mv-chain li.past::before{background:var(--mv-bad)}
.mv-chain li.note::before{background:none}
.mv-trust{display:flex;flex-wrap:wrap;gap:4px 20px;padding-top:12px;
 border-top:1px solid var(--mv-line);font-size:12px;color:var(--mv-muted)}
.mv-trust code{user-select:all}
.mv-trust b{color:var(--mv-ink);font-weight:500}
.mv details summary{cursor:pointer;color:var(--mv-plan)}
.mv-list{display:grid;gap:8px}
.mv-form{display:grid;grid-template-columns:repeat(auto-fit,minmax(190px,1fr));
 gap:12px;align-items:end;margin-bottom:12px}
@media (max-width:640px){
 .mv-cards thead{display:none}
 .mv-cards tr{display:block;padding:8px 0;border-bottom:1px solid var(--mv-line)}
 .mv .mv-cards td,.mv .mv-cards td.num{display:grid;grid-template-columns:96px minmax(0,1fr);
  gap:8px;padding:2px 0;border:0;text-align:left;white-space:normal}
 .mv-cards td::before{content:attr(data-label);color:var(--mv-muted);font-size:12px}
 .mv .mv-cards td:has(>div:empty){display:none}
}
"""

_APP_RULES = """
:root{--marimo-text-font:FONT;--marimo-heading-font:FONT}
body,.marimo,.marimo *,.marimo-cell,.marimo-cell *{--background:var(--mv-page)!important;
 --card:var(--mv-card)!important;--border:var(--mv-line)!important;
 --foreground:var(--mv-ink)!important;--muted-foreground:var(--mv-muted)!important;
 --primary:var(--mv-plan)!important;--link:var(--mv-plan)!important;
 --secondary:var(--mv-card)!important;--secondary-foreground:var(--mv-ink)!important;
 --destructive:var(--mv-bad)!important;
 --base-shadow:transparent!important;--base-shadow-darker:transparent!important}
body,#root,#App{background:var(--mv-page)!important}
.marimo-cell{font-size:14px}
.marimo-cell .mv h1,.marimo-cell .mv h2,.marimo-cell .mv h3{
 font-family:FONT;text-align:left}
body:not(:has(.mv,marimo-progress,.markdown))::before{content:"Opening the page …";
 position:fixed;z-index:50;top:64px;left:0;right:0;text-align:center;font:14px FONT;
 color:var(--mv-muted);animation:mv-wait 1.6s ease-in-out infinite alternate}
@keyframes mv-wait{from{opacity:.35}to{opacity:1}}
@media (prefers-reduced-motion:reduce){body::before{animation:none!important}}
form,form *{--amber-1:var(--mv-card)!important;--gray-1:var(--mv-card)!important;
 --amber-7:var(--mv-line)!important;
 --action:var(--mv-plan)!important;--action-hover:var(--mv-plan)!important;
 --action-border:var(--mv-plan)!important;--action-foreground:var(--mv-page)!important}
.mv-draw{overflow-x:auto}
.mv-draw marimo-vega{display:block}
.vega-embed{width:100%}
[data-testid=notebook-menu-dropdown]{opacity:.35}
@media print,(max-width:640px){[data-testid=notebook-menu-dropdown]{display:none}}
@media (max-width:640px){
 .mo-label{max-width:100%;flex-wrap:wrap}
 .mo-label>*{min-width:0;max-width:100%}
 .mo-label button,.mo-label select,.mo-label input{max-width:100%}
 .border-t:has(>[class*="lg:justify-self-center"]){flex-wrap:wrap}
}
"""
"""What marimo's own pages need beside the style sheet."""
