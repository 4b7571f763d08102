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
// holds, saved views, and what is shown now; those that were planned are kept.
let saved = [], kept = [];
function listed(text) {
  try { return JSON.parse(text).map(one => [JSON.stringify([one]), one.name]); }
  catch { return []; }
}

function offered() {
  const open = at(frames.get("/scenarios/"))?.href;
  const places = [...(open ? [open] : []), ...saved.map(one => one.address)];
  const asked = places.map(one => new URL(one, location.origin).searchParams);
  const texts = asked.flatMap(one => [one.get("scenarios"), one.get(WHAT_IF)]);
  return new Map([...texts, moment[WHAT_IF], ...kept].flatMap(listed));
}

async function readKept() {
  const asked = moment.tables ? "?" + new URLSearchParams({tables: moment.tables}) : "";
  const answer = await fetch("/saved-scenarios" + asked);
  kept = (await answer.json()).scenarios;
  tellScenario();
}
const lookForKept = () => { if (pick) readKept().catch(() => {}); };

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
// The search lists what it finds while somebody types; Enter opens the chosen one.
const search = document.querySelector(".bar form"), field = search.querySelector("input");
const hits = document.querySelector("#hits");
let asked = "", chosen = -1, typed = 0;
for (const [name, value] of Object.entries({
  role: "combobox", "aria-controls": "hits", "aria-expanded": "false",
  "aria-autocomplete": "list", autocomplete: "off"})) field.setAttribute(name, value);

function choose(place) {
  chosen = place;
  for (const [at, one] of [...hits.children].entries())
    one.setAttribute("aria-selected", String(at === place));
  const one = hits.children[place];
  field.toggleAttribute("aria-activedescendant", Boolean(one));
  if (one) field.setAttribute("aria-activedescendant", one.id);
  one?.scrollIntoView({block: "nearest"});
}
function lay(found) {
  hits.replaceChildren(...found.map((one, at) => {
    const row = document.createElement("li"), kind = document.createElement("small");
    const title = document.createElement("b"), rest = document.createElement("span");
    row.id = `hit-${at}`; row.role = "option"; row.dataset.address = one.address;
    kind.textContent = one.kind; title.textContent = one.title;
    rest.textContent = one.detail;
    row.append(title, kind, rest);
    return row;
  }));
  hits.hidden = !found.length;
  field.setAttribute("aria-expanded", String(!hits.hidden));
  choose(found[0]?.exact ? 0 : -1);
}
async function suggest() {
  const text = field.value.trim();
  if (text === asked) return;
  asked = text;
  const url = dated(new URL("/search?" + new URLSearchParams({q: text}), location.origin));
  const found = text && await fetch(url, {headers: {accept: "application/json"}})
    .then(answer => answer.json()).catch(() => []);
  if (text === asked) lay(found || []);
}
function leaveSearch() { hits.hidden = true; field.setAttribute("aria-expanded", "false"); asked = ""; }
function openHit(row) {
  leaveSearch();
  field.value = "";
  show(row.dataset.address);
  shown?.focus();
}
field.addEventListener("input", () => {
  clearTimeout(typed);
  typed = setTimeout(suggest, 150);
});
field.addEventListener("blur", leaveSearch);
field.addEventListener("keydown", event => {
  const step = {ArrowDown: 1, ArrowUp: -1}[event.key];
  if (step && !hits.hidden) {
    event.preventDefault();
    const count = hits.children.length + 1;
    choose((chosen + 1 + step + count) % count - 1);
  }
  if (event.key !== "Escape") return;
  leaveSearch();
  field.value = "";
  shown?.focus();
});
hits.addEventListener("mousedown", event => {
  event.preventDefault();
  const row = event.target.closest("li");
  if (row) openHit(row);
});
search.addEventListener("submit", async event => {
  event.preventDefault();
  clearTimeout(typed);
  await suggest();
  const row = hits.hidden ? null : hits.children[chosen];
  if (row) return openHit(row);
  leaveSearch();
  show("/search?" + new URLSearchParams(new FormData(search)));
  shown.focus();
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
addEventListener("focus", lookForKept);
whatif?.addEventListener("pointerenter", lookForKept);
lookForKept();
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
  kept = [];
  lookForKept();
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
