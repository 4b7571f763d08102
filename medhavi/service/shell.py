"""The frame around all pages: navigation, search, and pages that stay alive.

Each page is a marimo app that an analyst can open alone. Inside the shell it stands in
a frame that stays when another page is shown, so going back is no reload and loses no
state (docs/decisions/024). The address of the shell names the page and what it shows:
`/#/items/?item=OLI-CO250|LODZ`. An address under a name is a saved view.

marimo draws its parts after the page has loaded, in shadow roots, and leaves some
without a name, the menu of a page, the field of a file, a group of radio buttons, or
with markup in it, the field of a number. A document does not tell which part inside a
shadow root has the focus, so that Tab and arrow keys chose the last of several tabs.
"""

from __future__ import annotations

from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from medhavi.service.jobs.job_progress import JOBS_SCRIPT
from medhavi.views.page import ICON, IN_FORCE, PAGES, document, search_form
from medhavi.views.theme import style_rules
from medhavi.views.words import say, worded

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


START = "/start"
"""Address of the start page inside the shell."""
BEGIN_WORK = frozenset({"campaigns", "predictors", "schedule"})
"""Pages whose opening begins a job: they are loaded when somebody asks for them."""
AHEAD = frozenset(PAGES) - BEGIN_WORK
"""Pages that are loaded before somebody asks for them, one after the other."""
_AHEAD = " data-ahead"
_SCENARIO = " data-scenario"
STILL_MS = 1000
"""So long nobody has touched a page when another one is loaded ahead [ms]."""

_OBJECTS = ("order", "promise", "demand", "item", "resource", "supplier", "for")
"""Parts of addresses that name the object of a page, the one that counts first."""

_ICONS = {
    "start": "M3 9l7-6 7 6v8h-5v-5H8v5H3z",
    "cockpit": "M3 14a7 7 0 1 1 14 0M10 14l4-5",
    "plan": "M3 16V9h3v7zM8.5 16V4h3v12zM14 16v-5h3v5z",
    "orders": "M4 3h12v14H4zM7 7h6M7 10h6M7 13h4",
    "items": "M3 6l7-3 7 3v8l-7 3-7-3zM3 6l7 3 7-3M10 9v8",
    "capacity": "M3 3v14h14M6 6h6M8 10h8M6 14h4",
    "promise": "M4 10l4 4 8-9",
    "suppliers": "M2 6h9v8H2zM11 9h4l3 3v2h-7M6 16v.1M14 16v.1",
    "predictors": "M3 15c4 0 4-9 8-9s3 5 6 5M3 17h14",
    "schedule": "M3 5h7M7 10h9M5 15h6",
    "campaigns": "M16 7a6.5 6.5 0 1 0 .5 5M16 3v4h-4",
    "scenarios": "M4 3v14M4 8h5l3-4h4M4 8h5l3 5h4",
    "tradeoffs": "M3 3v14h14M6 6v.1M8 10v.1M11 13v.1M15 14v.1",
    "data": "M4 5c0-3 12-3 12 0v10c0 3-12 3-12 0zM4 5c0 3 12 3 12 0M4 10c0 3 12 3 12 0",
}
"""Path of the icon of each page, in a box of 20 by 20."""

FRAMED_SCRIPT = """<script>
const framed = window.top !== window;
if (framed) document.documentElement.classList.add("mv-framed");
addEventListener("click", event => {
  const link = event.composedPath().find(one => one.tagName === "A");
  const away = link && link.origin === location.origin && !link.hasAttribute("download")
    && link.target !== "_blank"
    && (link.pathname !== location.pathname || link.search !== location.search);
  if (!framed || !away || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  parent.postMessage(
    {address: link.pathname + link.search + link.hash}, location.origin);
}, true);
// What an address points at is drawn long after the page has loaded.
function seek(target) {
  if (!target) return;
  const watch = new MutationObserver(() => {
    const there = document.getElementById(target);
    if (there) { watch.disconnect(); setTimeout(() => there.scrollIntoView(), 300); }
  });
  watch.observe(document, {childList: true, subtree: true});
  setTimeout(() => watch.disconnect(), 60000);
}
seek(decodeURIComponent(location.hash.slice(1)));
// An open page gets other choices without being loaded again: its kernel runs anew.
let session = null;
const Socket = WebSocket;
window.WebSocket = class extends Socket {
  constructor(url, ...rest) {
    super(url, ...rest);
    session = new URL(url, location).searchParams.get("session_id") ?? session;
  }
};
window.move = async url => {
  const before = location.href;
  const body = JSON.stringify({session, query: url.search.slice(1)});
  history.replaceState(history.state, "", url.href);
  seek(decodeURIComponent(url.hash.slice(1)));
  if (url.search === new URL(before).search) return location.replace(url.href);
  const answer = session && await fetch("/move", {method: "POST", body}).catch(() => null);
  // Replaced, not followed: the shell alone keeps the history.
  if (!answer?.ok) location.reload();
};
addEventListener("keydown", event => {
  const home = framed ? parent.document : document;
  const field = home.querySelector(framed ? ".bar input" : ".mv-nav input");
  if (field && (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (framed) parent.focus();
    field.focus();
  }
}, true);
</script>"""
"""Script of each page: in a frame its links lead the shell; Ctrl or Command K moves to
the search before marimo takes it; a page scrolls to what its address names."""


def shell_html(
    place: str,
    objects: Iterable[str] = (),
    data: str = "none",
    tables: Sequence[str] = (),
) -> str:
    """Document of the shell; `place` is the name of the data that is served.

    `objects` are the routes of objects, which the server leads to their pages.
    `data` is "lake", which knows what was known before, "tables" or "none"; `tables`
    are the names of the workspaces, of which one is chosen where there are several.
    """
    entries = [("start", START, "Start"), *((n, f"/{n}/", t) for n, t in PAGES.items())]
    links = "".join(
        f'<a href="{address}" title="{escape(title)}"{_AHEAD * (name in AHEAD)}'
        f"{_SCENARIO * (name not in IN_FORCE | {'start'})}>{_icon(name)}"
        f"<span>{escape(title)}</span></a>"
        for name, address, title in entries
    )
    leading = " ".join(path.partition("{")[0] for path in objects)
    body = (
        '<header class="bar">'
        '<button aria-label="Navigation" aria-expanded="true">☰</button>'
        f"<b>Medhavi</b>{_workspace(place, tables)}"
        f'<nav class="crumbs" aria-label="{say("breadcrumbs")}" '
        f'data-objects="{" ".join(_OBJECTS)}"><a></a><span aria-current="location" hidden></span></nav>'
        f"{_SEARCH}{_MOMENT * (data == 'lake')}{_WHAT_IF * (data != 'none')}</header>"
        f'<nav class="side" aria-label="Pages">{links}{_VIEWS}</nav>'
        f'<main class="pages" aria-label="Page" data-first="{START}" data-leading="{leading}" '
        f'data-still="{STILL_MS}"></main>'
        f"<script>{_script()}</script>{JOBS_SCRIPT}"
    )
    rules = style_rules(Path(__file__).with_name("shell.css"))
    return document("Medhavi", body, rules=rules, head=ICON)


@cache
def _script() -> str:
    """Script of the shell, with its words."""
    return worded(Path(__file__).with_name("shell.js").read_text("utf-8"))


def _workspace(place: str, tables: Sequence[str]) -> str:
    """Part of the bar that says whose data is shown, and asks where it is a choice."""
    if len(tables) < 2:
        return f'<span class="place">{escape(place)}</span>'
    options = "".join(f"<option>{escape(one)}</option>" for one in tables)
    return f'<select class="place" aria-label="{say("workspace")}">{options}</select>'


_MOMENT = (
    f'<button class="asof" popovertarget="moment">{say("as_of_now")}</button>'
    '<div class="moment" id="moment" popover><form>'
    f'<label for="known_at">{say("as_known_at")}</label>'
    '<input type="datetime-local" id="known_at" name="known_at" required>'
    f'<button class="mv-button">{say("show_this_moment")}</button>'
    f'<button class="mv-button" value="now" formnovalidate>{say("back_to_now")}</button>'
    "</form></div>"
)
"""Part of the bar that says, and asks, of which moment all pages are."""

_SEARCH = search_form().replace(
    "</form>",
    f'<ul id="hits" role="listbox" aria-label="{say("search")}" hidden></ul></form>',
)
"""Search of the bar, which lists what it finds while somebody types."""

_WHAT_IF = (
    f'<label class="whatif"><select aria-label="{say("scenario_shown_by_pages")}">'
    f'<option value="">{say("plan_in_force_option")}</option></select>'
    f"<small hidden>{say('not_on_this_page')}</small></label>"
)
"""Part of the bar that says, and asks, which scenario's plan pages show."""

_VIEWS = (
    f'<section class="views" aria-label="{say("saved_views")}">'
    f"<h2>{say('saved_views')}</h2>"
    f'<div class="list"></div><button class="save">{say("save_this_view")}</button>'
    '<form hidden><input name="name" required maxlength="60" '
    f'placeholder="{say("its_name")}" aria-label="{say("name_of_the_view")}">'
    f"<button>{say('save')}</button></form>"
    f'<p role="status"></p><a class="notebook" href="/notebook">'
    f"{say('open_as_notebook')}</a></section>"
)
"""Part of the navigation with the views that people saved."""


def _icon(name: str) -> str:
    path = _ICONS.get(name, _ICONS["plan"])
    return f'<svg viewBox="0 0 20 20" aria-hidden="true"><path d="{path}"/></svg>'


_NAMING = """
const focused = Object.getOwnPropertyDescriptor(Document.prototype, "activeElement").get;
Object.defineProperty(document, "activeElement", {get() {
  let one = focused.call(document);
  while (one?.shadowRoot?.activeElement) one = one.shadowRoot.activeElement;
  return one;
}});
const words = element => element?.textContent?.trim() ?? "";
const NAMED = [
  ["[data-testid=notebook-menu-dropdown]", () => "«menu_of_this_page»"],
  ["button[id^=radix][aria-haspopup=menu]:not([data-testid])",
   one => words(one) || "«menu_of_this_page»"],
  ["[data-testid=data-table-column-menu-button]",
   one => "«menu_of_column» " + words(one.closest("th"))],
  // marimo names the order in which a press sorts, of no column which one.
  ["[data-testid=data-table-sort-button][aria-label*=' column ']",
   one => one.getAttribute("aria-label").replace("column", words(one.closest("th")))],
  ["input[placeholder='Search...']", () => "«search_in_the_list»"],
  ["input[type=file]", one => words(one.parentElement) || words(one.getRootNode())],
  ["[aria-label*='<']", one => one.getAttribute("aria-label").replace(/<[^>]*>/g, "")],
  // Vega names the box that is dragged by nothing; the form below it does the same.
  ["[class*=dragged_brush]", () => "«selected_operation»"],
  ["[role=radiogroup]", one => words(one.parentElement?.querySelector("label"))],
];
const watched = new WeakSet();
let due = 0;

function complete(root) {
  if (!watched.has(root)) {
    watched.add(root);
    // A picture that is drawn anew for another width takes the names away.
    const seen = {childList: true, subtree: true, attributeFilter: ["aria-label"]};
    observer.observe(root, seen);
  }
  for (const one of root.querySelectorAll("*"))
    if (one.shadowRoot) complete(one.shadowRoot);
  for (const [parts, name] of NAMED)
    for (const one of root.querySelectorAll(parts)) {
      const label = name(one);
      if (label && one.getAttribute("aria-label") !== label)
        one.setAttribute("aria-label", label);
    }
  for (const one of root.querySelectorAll("button[role=presentation]"))
    one.removeAttribute("role");
  // Vega calls the place of marks a picture even where no row makes any.
  for (const one of root.querySelectorAll("[role=graphics-symbol]:empty"))
    if (!one.hasAttribute("aria-label")) one.setAttribute("aria-hidden", "true");
  // What scrolls must be reached by the keyboard, which then scrolls it.
  for (const one of root.querySelectorAll("pre"))
    if (one.scrollWidth > one.clientWidth) one.tabIndex = 0;
}

// What a press brought comes into view, once for what it says.
let answered = "";
function showAnswer() {
  const answers = [...document.querySelectorAll(".mv-answer")];
  const last = answers.filter(one => one.getClientRects().length).at(-1);
  const told = words(last);
  if (told && told !== answered) last.scrollIntoView({block: "nearest"});
  answered = told;
}

function completeAll() {
  due = 0;
  showAnswer();
  const app = document.getElementById("App");
  if (app && !document.querySelector("main")) app.setAttribute("role", "main");
  complete(document);
}

// A list of choices opens whole: marimo keeps what was searched the last time.
addEventListener("focusin", event => {
  const field = event.composedPath()[0];
  if (!field.matches?.("input[cmdk-input]") || !field.value) return;
  const own = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
  own.set.call(field, "");
  field.dispatchEvent(new Event("input", {bubbles: true}));
});

// Before it is painted: what is selected stands beside its grid, not below it.
function showBeside() {
  const cell = document.querySelector(".mv-drawer")?.closest(".marimo-cell");
  const beside = cell?.parentElement;
  for (const one of document.querySelectorAll(".mv-drawn"))
    if (one !== beside) one.classList.remove("mv-drawn");
  beside?.classList.add("mv-drawn");
}

const observer = new MutationObserver(() => {
  showBeside();
  due ||= setTimeout(completeAll, 150);
});
completeAll();
"""

NAMES_SCRIPT = (
    "<script>addEventListener('DOMContentLoaded', () => {"
    + worded(_NAMING)
    + "})</script>"
)
"""Script of each page."""
