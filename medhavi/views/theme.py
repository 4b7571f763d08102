"""The look in one place: colours, type, and the settings of all charts."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LIGHT: Mapping[str, str] = MappingProxyType(
    {
        "ink": "#1b1f24",
        "muted": "#5b6570",
        "line": "#d9dee4",
        "page": "#ffffff",
        "card": "#f6f8fa",
        "plan": "#0072b2",
        "firm": "#1b1f24",
        "good": "#009e73",
        "warn": "#e69f00",
        "bad": "#d55e00",
        "alt": "#cc79a7",
    }
)
DARK: Mapping[str, str] = MappingProxyType(
    {
        "ink": "#e8ecf0",
        "muted": "#9aa5b1",
        "line": "#2d343c",
        "page": "#14181f",
        "card": "#1b2129",
        "plan": "#56b4e9",
        "firm": "#e8ecf0",
        "good": "#2fbf95",
        "warn": "#ffb84d",
        "bad": "#ff7f50",
        "alt": "#e29cc2",
    }
)
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif"


def page_style() -> str:
    """Give the style sheet of a page: tokens as variables, light and dark."""
    light = "".join(f"--{name}:{value};" for name, value in LIGHT.items())
    dark = "".join(f"--{name}:{value};" for name, value in DARK.items())
    return (
        f":root{{color-scheme:light dark;{light}}}"
        f"@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"
        f"@media print{{:root{{{light}}}}}"
        f"body{{margin:0 auto;padding:24px;max-width:1080px;background:var(--page);"
        f"color:var(--ink);font:14px/1.45 {FONT};font-variant-numeric:tabular-nums}}"
        "h1{font-size:24px;margin:0}h2{font-size:18px;margin:32px 0 8px}"
        "h3{font-size:14px;margin:16px 0 4px}"
        ".muted,footer,caption{color:var(--muted);font-size:12px;text-align:left}"
        ".tiles{display:flex;flex-wrap:wrap;gap:12px;margin:20px 0}"
        ".tile{background:var(--card);border-radius:12px;padding:12px 16px;"
        "min-width:140px;flex:1}"
        ".tile b{display:block;font-size:28px;font-weight:600}"
        ".bad{color:var(--bad)}.good{color:var(--good)}.warn{color:var(--warn)}"
        ".scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}"
        "th,td{padding:4px 12px 4px 0;border-bottom:1px solid var(--line);"
        "text-align:left;vertical-align:top}th{color:var(--muted);font-weight:500}"
        ".number{text-align:right}ol.chain{margin:4px 0 12px;padding-left:20px}"
        "svg{max-width:100%;height:auto}footer{margin-top:40px;border-top:1px solid "
        "var(--line);padding-top:8px}code{font-size:12px}"
    )


def with_variables(svg: str) -> str:
    """Turn the light colours of a drawing into variables, so that dark works too."""
    for name in ("ink", "muted", "line", "plan", "good", "warn", "bad", "alt"):
        svg = svg.replace(LIGHT[name], f"var(--{name})")
    return svg


def chart_settings() -> dict[str, object]:
    """Give the Vega-Lite settings of all charts, in light colours."""
    axis = {
        "labelColor": LIGHT["muted"],
        "titleColor": LIGHT["muted"],
        "domainColor": LIGHT["line"],
        "gridColor": LIGHT["line"],
        "tickColor": LIGHT["line"],
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
    }
    return {
        "background": None,
        "font": FONT,
        "view": {"stroke": None},
        "axis": axis,
        "legend": {"labelColor": LIGHT["muted"], "titleColor": LIGHT["muted"]},
        "title": {
            "color": LIGHT["ink"],
            "anchor": "start",
            "fontSize": 14,
            "fontWeight": 600,
        },
    }
