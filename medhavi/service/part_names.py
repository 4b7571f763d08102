"""Names, landmark and focus of a page's parts, for screen readers and the keyboard.

marimo draws its parts after the page has loaded, in shadow roots, and leaves some
without a name, the menu of a page, the field of a file, a group of radio buttons, or
with markup in it, the field of a number. A document does not tell which part inside a
shadow root has the focus, so that Tab and arrow keys chose the last of several tabs.
"""

from __future__ import annotations

from medhavi.views.words import worded

_SCRIPT = """
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

const observer = new MutationObserver(() => { due ||= setTimeout(completeAll, 150); });
completeAll();
"""

NAMES_SCRIPT = (
    "<script>addEventListener('DOMContentLoaded', () => {"
    + worded(_SCRIPT)
    + "})</script>"
)
"""Script of each page."""
