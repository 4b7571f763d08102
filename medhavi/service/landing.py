"""The landing page: each app with its summary, and the state of the data."""

from __future__ import annotations

import threading
import time
from html import escape
from typing import TYPE_CHECKING

import polars as pl

from medhavi.results.plan_locale import currency_of
from medhavi.service.page_data import load_data
from medhavi.views.format import count, money
from medhavi.views.theme import style_sheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from medhavi.service.pages import AppEntry
    from medhavi.snapshot import Snapshot


_RULES = """
html{background:var(--mv-page)}
body.mv{margin:0 auto;padding:48px 24px;max-width:960px;display:grid;gap:32px;
 background:var(--mv-page)}
.brand{display:grid;gap:4px}
.grid{display:grid;grid-template-columns:repeat(auto-fit,minmax(260px,1fr));gap:16px}
.mv a.mv-card{display:grid;gap:4px;color:inherit;text-decoration:none;
 align-content:start}
.mv a.mv-card:hover,.mv a.mv-card:focus-visible{border-color:var(--mv-plan)}
section{display:grid;gap:12px}
@media (max-width:520px){body.mv{padding:28px 16px}}
"""


def landing_html(
    apps: Sequence[AppEntry],
    notebooks: Sequence[AppEntry],
    health: Mapping[str, object],
    numbers: Mapping[str, str] | None = None,
) -> str:
    """Write the page; `numbers` has a sentence for some of the apps."""
    known = numbers or {}
    groups = (("Apps", apps, "app"), ("Lessons", notebooks, "lesson"))
    body = "".join(
        f'<section><h2>{title}</h2><div class="grid">'
        f"{''.join(_card(entry, known) for entry in entries)}</div></section>"
        for title, entries, _ in groups
        if entries
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>Medhavi</title><style>{style_sheet()}{_RULES}</style></head>"
        '<body class="mv"><header class="brand"><h1>Medhavi</h1>'
        '<p class="muted">Supply-chain plans that explain themselves.</p></header>'
        f"{_state(health)}{body}{_footer(health)}</body></html>\n"
    )


def _card(entry: AppEntry, numbers: Mapping[str, str]) -> str:
    told = numbers.get(entry.address.strip("/"))
    number = f"<b>{escape(told)}</b>" if told else ""
    return (
        f'<a class="mv-card" href="{escape(entry.address)}">'
        f"<h3>{escape(entry.title)}</h3>"
        f'<span class="muted">{escape(entry.summary)}</span>{number}</a>'
    )


def _state(health: Mapping[str, object]) -> str:
    """What data there is; without any, what to do."""
    if health["data"] == "none":
        return (
            '<div class="mv-empty"><b>There is no data yet</b>'
            "Run <code>medhavi demo</code> for the demo company, or "
            "<code>medhavi template --csv my-tables</code> for your own, then "
            "<code>medhavi serve --tables my-tables</code>. The lessons below bring "
            "their own data.</div>"
        )
    return (
        '<div class="mv-facts">'
        f"<span>Data <b>{escape(str(health['data']))} "
        f"{escape(str(health['place']))}</b></span>"
        f'<span>State <b><span class="mv-{_tone(health)}">●</span> '
        f"{escape(str(health['status']))}</b></span></div>"
    )


def _tone(health: Mapping[str, object]) -> str:
    return "good" if health["status"] == "ok" else "bad"


def _footer(health: Mapping[str, object]) -> str:
    return (
        '<footer class="mv-trust">'
        f"<span>Medhavi <b>{escape(str(health['version']))}</b></span>"
        '<span><a href="/health">health</a></span>'
        "<span>Served to this machine only</span></footer>"
    )


KEPT_SECONDS = 60.0
"""How long numbers are shown before the data is looked at again."""
_lock = threading.Lock()
_kept: dict[str, tuple[float, dict[str, str]]] = {}


def live_numbers(tables: str | None = None) -> Mapping[str, str]:
    """Sentence with a number by app; nothing where there is no data.

    Parameters
    ----------
    tables
        Folder of tables; else the environment's or the workspace's data.
    """
    now = time.monotonic()
    with _lock:
        known = _kept.get(tables or "")
        if known is not None and now - known[0] < KEPT_SECONDS:
            return known[1]
        data = load_data(tables)
        told: dict[str, str] = {}
        if data.snapshot is not None and data.problem is None:
            told = numbers_of(data.snapshot)
        _kept[tables or ""] = (now, told)
        return told


def numbers_of(snapshot: Snapshot) -> dict[str, str]:
    """What waits in each app."""
    lines = snapshot["demands"].filter(
        (pl.col("kind") == "order") & pl.col("status").is_in(("open", "quote"))
    )
    now = pl.lit(snapshot.as_of * 1_000_000).cast(pl.Datetime("us", "UTC"))
    overdue = lines.filter(pl.col("due") < now).height
    waiting = lines.filter(pl.col("promised").is_null()).height
    started = snapshot["supply_orders"].filter(pl.col("kind") == "work").height
    stock = snapshot["stock"].join(
        snapshot["products"].select("product", "unit_cost"), on="product", how="left"
    )
    changing = snapshot["resources"]["changeover_matrix"].drop_nulls().len()
    value = float((stock["qty"] * stock["unit_cost"].fill_null(0.0)).sum())
    currency = currency_of(snapshot)
    return {
        "campaigns": f"{count(changing, 'resource')} with a changeover matrix",
        "plan": f"{overdue:,} of {count(lines.height, 'order line')} past due",
        "schedule": f"{count(started, 'open work order')}, listed under Plan",
        "promise": f"{count(waiting, 'order line')} without a promised date",
        "tradeoffs": f"{money(value, currency)} of stock on hand",
    }
