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

_SCRIPT = """
const pages = document.querySelector(".pages"), frames = new Map();
let shown = null;
const links = [...document.querySelectorAll(".side a")];
// Which state pages show: empty, the plan in force of now.
const moment = {known_at: "", effective_at: "", what_if: "", tables: ""};
const STATES = Object.keys(moment), WHAT_IF = STATES[2];
const asof = document.querySelector(".asof"), choice = document.querySelector(".moment");
const place = document.querySelector("select.place");
const whatif = document.querySelector(".whatif"), pick = whatif?.querySelector("select");

const stated = url => STATES.some(one => url.searchParams.get(one));
const shows = path => path === "/search" || links.some(one => one.pathname === path && "scenario" in one.dataset);
const fits = (one, url) => one !== WHAT_IF || shows(url.pathname);
const follows = path => path === "/search" || links.some(one => one.pathname === path);

function take(url) {
  for (const one of STATES)
    if (fits(one, url)) moment[one] = url.searchParams.get(one) ?? "";
}

function dated(url) {
  if (!follows(url.pathname)) return url;
  for (const one of STATES) {
    const wanted = fits(one, url) ? moment[one] : "";
    if ((url.searchParams.get(one) ?? "") === wanted) continue;
    if (wanted) url.searchParams.set(one, wanted);
    else url.searchParams.delete(one);
  }
  return url;
}

// Scenarios stand in the addresses that name them: the list that the scenarios page
// holds, saved views, and what is shown now.
let saved = [];
function listed(text) {
  try { return JSON.parse(text).map(one => [JSON.stringify([one]), one.name]); }
  catch { return []; }
}

function offered() {
  const open = at(frames.get("/scenarios/"))?.href;
  const places = [...(open ? [open] : []), ...saved.map(one => one.address)];
  const asked = places.map(one => new URL(one, location.origin).searchParams);
  const texts = asked.flatMap(one => [one.get("scenarios"), one.get(WHAT_IF)]);
  return new Map([...texts, moment[WHAT_IF]].flatMap(listed));
}

let told = "";
function tellScenario() {
  if (!pick) return;
  const found = offered(), key = JSON.stringify([...found]);
  if (key !== told) {
    told = key;
    pick.replaceChildren(
      new Option("«plan_in_force_option»", ""),
      ...[...found].map(([text, name]) => new Option(name, text)),
      new Option("«build_a_scenario»", "build"));
  }
  pick.value = listed(moment[WHAT_IF])[0]?.[0] ?? "";
  const here = shows(at(shown)?.pathname);
  whatif.classList.toggle("past", Boolean(moment[WHAT_IF]) && here);
  whatif.querySelector("small").hidden = !moment[WHAT_IF] || here;
}

// Planning date of the newest page that states one, without its zone.
let planned = "";
function tellMoment() {
  if (!asof) return;
  const said = shown?.contentDocument?.querySelector("[data-as-of]")?.textContent;
  planned = said?.split(" (")[0] || planned;
  const own = moment.known_at || moment.effective_at, at = new Date(own);
  const form = {weekday: "short", day: "numeric", month: "short", year: "numeric",
                hour: "2-digit", minute: "2-digit"};
  const text = own && (isNaN(at) ? own
    : at.toLocaleString("en-GB", form).replace(",", ""));
  const of = own ? text : planned;
  const told = of ? `«as_of» ${of}` : "«as_of_now»";
  if (asof.textContent !== told) asof.textContent = told;
  asof.classList.toggle("past", Boolean(own));
}

// Where a frame is, or where it is going while its page is not there yet.
function at(frame) {
  const there = frame?.contentWindow?.location;
  return !frame || there?.origin === location.origin ? there : new URL(frame.src);
}

function go(frame, url) {
  if (frame.contentWindow.move) frame.contentWindow.move(url);
  else frame.src = url.href;
}

function open(url) {
  const key = url.pathname, frame = document.createElement("iframe");
  frame.title = links.find(one => one.pathname === key)?.textContent.trim() ?? key;
  frame.src = url.pathname + url.search + url.hash;
  frame.addEventListener("load", () => listen(frame.contentWindow));
  frames.set(key, frame);
  pages.append(frame);
  return frame;
}

function show(address, push = true) {
  const first = pages.dataset.first;
  const url = new URL(address === "/" ? first : address, location.origin);
  const key = url.pathname;
  // The server knows the page of an object's address.
  if (pages.dataset.leading.split(" ").some(one => one && key.startsWith(one)))
    return void fetch(url, {headers: {accept: "application/json"}})
      .then(answer => answer.json()).then(told => show(told.address, push))
      .catch(() => location.replace(url));
  if (stated(url)) take(url);
  let frame = frames.get(key);
  const there = at(frame);
  if (there && !url.search && !url.hash) url.search = there.search;
  // What a link adds to stands beside the scenarios that are there.
  const held = push && there && new URL(there).searchParams.get("scenarios");
  if (held && !url.searchParams.has("scenarios")) url.searchParams.set("scenarios", held);
  dated(url);
  if (!frame) frame = open(url);
  else if (there.search !== url.search || url.hash) {
    go(frame, url);
    // Who comes from another page by a link sees its head.
    const page = frame.contentWindow.document;
    if (frame !== shown && !url.hash)
      for (const one of [page.scrollingElement, page.getElementById("App")])
        one?.scrollTo(0, 0);
  }
  for (const one of frames.values()) one.classList.toggle("shown", one === frame);
  for (const one of links)
    if (one.pathname !== key) one.removeAttribute("aria-current");
    else {
      one.setAttribute("aria-current", "page");
      // Not scrollIntoView: Tab would go on from this link.
      const side = one.closest(".side");
      side.scrollLeft = one.offsetLeft - side.offsetLeft - 8;
    }
  shown = frame;
  const target = "#" + url.pathname + url.search + url.hash;
  if (push && location.hash !== target) history.pushState(null, "", target);
}

// All frames share one thread: a page is loaded ahead while nobody touches another.
let touched = performance.now();
const touch = () => { touched = performance.now(); };
function listen(place) {
  for (const kind of ["pointermove", "pointerdown", "wheel", "keydown"])
    place.addEventListener(kind, touch, {capture: true, passive: true});
}
const drawn = frame => frame.contentDocument?.querySelector("h1");

function loadAhead() {
  const still = performance.now() - touched > pages.dataset.still;
  if (!still || document.hidden || matchMedia("(max-width:700px)").matches) return;
  if (![...frames.values()].every(drawn)) return;
  const next = links.find(one => "ahead" in one.dataset && !frames.has(one.pathname));
  if (next) { open(dated(new URL(next.href))); touch(); }
}

function follow() {
  const address =
    location.hash.startsWith("#/") ? location.hash.slice(1) : pages.dataset.first;
  take(new URL(address, location.origin));
  show(address, false);
}

addEventListener("popstate", follow);
addEventListener("message", event => {
  if (event.origin !== location.origin || typeof event.data?.address !== "string") return;
  show(event.data.address);
});
addEventListener("keydown", event => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    document.querySelector(".bar input").select();
  }
});
document.querySelector(".bar form").addEventListener("submit", event => {
  event.preventDefault();
  show("/search?" + new URLSearchParams(new FormData(event.target)));
  shown.focus();
});
document.querySelector(".bar input").addEventListener("keydown", event => {
  if (event.key !== "Escape") return;
  event.target.value = "";
  shown?.focus();
});
document.querySelector(".side").addEventListener("click", event => {
  const link = event.target.closest("a[href]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link.getAttribute("href"));
});
document.querySelector(".bar button").addEventListener("click", event => {
  const narrow = document.body.classList.toggle("narrow");
  event.target.setAttribute("aria-expanded", String(!narrow));
});
const views = document.querySelector(".views"), form = views.querySelector("form");
const here = () => decodeURI(location.hash.slice(1).split("#")[0]) || "/";

function list(found) {
  views.querySelector(".list").replaceChildren(...found.map(one => {
    const row = document.createElement("div"), link = document.createElement("a");
    const gone = document.createElement("button");
    link.href = one.address; link.textContent = link.title = one.name;
    gone.textContent = "\u00d7"; gone.setAttribute("aria-label", `Delete view ${one.name}`);
    gone.addEventListener("click", () => {
      if (confirm(`«delete_the_view» ${one.name}`)) send("/views/delete", one);
    });
    row.append(link, gone);
    return row;
  }));
}

async function send(path, view) {
  const body = view && JSON.stringify(view);
  const answer = await fetch(path, view ? {method: "POST", body} : {});
  const told = await answer.json();
  if (told.views) list(saved = told.views);
  views.querySelector("p").textContent = told.error ?? "";
  return answer.ok;
}

views.querySelector(".save").addEventListener("click", () => {
  form.hidden = !form.hidden;
  if (!form.hidden) form.elements.name.select();
});
form.addEventListener("submit", async event => {
  event.preventDefault();
  const view = {name: form.elements.name.value, address: here()};
  if (await send("/views", view)) { form.hidden = true; form.reset(); }
});
views.querySelector(".notebook").addEventListener("click", event => {
  event.preventDefault();
  show("/notebook?" + new URLSearchParams({of: here()}));
});
addEventListener("focus", () => send("/views").catch(() => {}));
send("/views").catch(() => {});
// A page keeps what it shows in its own address: the shell's follows it.
setInterval(() => {
  loadAhead();
  const there = at(shown);
  if (!there) return;
  const target = "#" + there.pathname + there.search + there.hash;
  if (location.hash !== target) history.replaceState(null, "", target);
  if (follows(there.pathname)) take(new URL(there));
  tellMoment();
  if (place && document.activeElement !== place)
    place.value = moment.tables || place.options[0].value;
  if (document.activeElement !== pick) tellScenario();
  trail(there);
  const title = shown.contentDocument?.title;
  if (title && document.title !== title) document.title = title;
}, 500);
// Where one is: the page, which leads to all of it, and the object that it shows.
const crumbs = document.querySelector(".crumbs"), names = new Map();
function named(object, there) {
  if (!names.has(object)) {
    names.set(object, object.replaceAll("|", " \u00b7 "));
    const asked = new URLSearchParams(there.search);
    asked.set("of", object);
    fetch("/name?" + asked).then(answer => answer.json())
      .then(told => names.set(object, told.name)).catch(() => names.delete(object));
  }
  return names.get(object);
}
function trail(there) {
  const page = links.find(one => one.pathname === there.pathname);
  const asked = new URLSearchParams(there.search);
  const object = crumbs.dataset.objects.split(" ").map(one => asked.get(one)).find(Boolean);
  const [all, one] = crumbs.children;
  all.textContent = page?.textContent.trim() ?? "";
  // Start, lessons, answers of the search and a notebook itself have no notebook.
  const notebook = views.querySelector(".notebook");
  notebook.hidden = !page || [pages.dataset.first, "/notebook"].includes(page.pathname);
  if (object) all.href = there.pathname;
  else all.removeAttribute("href");
  const told = object ? named(object, there) : "";
  if (one.textContent !== told) one.textContent = told;
  one.hidden = !object;
}
crumbs.firstElementChild.addEventListener("click", event => {
  event.preventDefault();
  const url = new URL(event.target.href);
  history.pushState(null, "", "#" + url.pathname);
  go(shown, url);
});
asof?.addEventListener("click", () => {
  choice.querySelector("input").value = moment.known_at.replace(" ", "T");
});
choice?.addEventListener("submit", event => {
  event.preventDefault();
  moment.known_at = event.submitter.value
    ? "" : event.target.elements.known_at.value.replace("T", " ");
  moment.effective_at = "";
  choice.hidePopover();
  tellMoment();
  const there = at(shown);
  show(dated(new URL(there)).href);
});
place?.addEventListener("change", () => {
  // What is chosen of one workspace is not in another.
  Object.assign(moment, {what_if: "", tables: place.value});
  show(dated(new URL(at(shown).pathname, location.origin)).href);
});
pick?.addEventListener("focus", tellScenario);
pick?.addEventListener("change", () => {
  const value = pick.value, there = at(shown);
  if (value === "build") { pick.blur(); tellScenario(); return show("/scenarios/"); }
  moment[WHAT_IF] = value;
  tellScenario();
  show(dated(new URL(there)).href);
});
listen(window);
follow();
"""

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
        f"{search_form()}{_MOMENT * (data == 'lake')}{_WHAT_IF * (data != 'none')}</header>"
        f'<nav class="side" aria-label="Pages">{links}{_VIEWS}</nav>'
        f'<main class="pages" aria-label="Page" data-first="{START}" data-leading="{leading}" '
        f'data-still="{STILL_MS}"></main>'
        f"<script>{worded(_SCRIPT)}</script>{JOBS_SCRIPT}"
    )
    rules = style_rules(Path(__file__).with_name("shell.css"))
    return document("Medhavi", body, rules=rules, head=ICON)


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
  ["[data-testid=notebook-menu-dropdown], button[id^=radix][aria-haspopup=menu]",
   one => words(one) || "«menu_of_this_page»"],
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

const observer = new MutationObserver(() => { due ||= setTimeout(completeAll, 150); });
completeAll();
"""

NAMES_SCRIPT = (
    "<script>addEventListener('DOMContentLoaded', () => {"
    + worded(_NAMING)
    + "})</script>"
)
"""Script of each page."""
