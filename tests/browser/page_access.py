"""What a page lacks for people who hear it, or see its colours less well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from axe_playwright_python.base import AXE_SCRIPT

if TYPE_CHECKING:
    from playwright.sync_api import Page

WEIGHED = ("serious", "critical")
"""Impacts of findings of axe that no page has."""
CONTROLS = frozenset(
    [
        "button",
        "checkbox",
        "combobox",
        "link",
        "listbox",
        "radio",
        "radiogroup",
        "searchbox",
        "slider",
        "spinbutton",
        "switch",
        "tab",
        "textbox",
    ]
)
"""Roles of what is operated."""
_MUTE = ("Radio Group", "--", "...")
"""Names that tell nothing."""

_CONTRASTS = """() => {
  const rgba = text => {
    const found = /rgba?\\(([^)]+)\\)/.exec(text);
    if (!found) return null;
    const [r, g, b, a = 1] = found[1].split(/[ ,/]+/).map(Number);
    return [r, g, b, a];
  };
  const light = colour => {
    const part = v =>
      (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    return 0.2126 * part(colour[0]) + 0.7152 * part(colour[1])
      + 0.0722 * part(colour[2]);
  };
  const over = (top, a, under) => [0, 1, 2].map(i => top[i] * a + under[i] * (1 - a));
  const opacity = one => {
    let a = 1;
    for (let e = one; e && e.tagName !== 'svg'; e = e.parentElement)
      a *= Number(getComputedStyle(e).opacity);
    return a;
  };
  const pictures = [];
  const collect = root => {
    for (const one of root.querySelectorAll('*')) {
      if (one.shadowRoot) collect(one.shadowRoot);
      if (one.tagName === 'svg') pictures.push([root, one]);
    }
  };
  collect(document);
  const page = rgba(getComputedStyle(document.body).backgroundColor);
  const found = [];
  for (const [root, svg] of pictures) {
    // A point then meets all marks below a word, also those that ignore the pointer.
    const style = document.createElementNS('http://www.w3.org/2000/svg', 'style');
    style.textContent = 'svg *{pointer-events:all!important}';
    svg.append(style);
    for (const word of svg.querySelectorAll('text')) {
      const look = getComputedStyle(word), fill = rgba(look.fill);
      const shown = word.getBoundingClientRect().width && opacity(word);
      // What has a stroke is the edge under a word.
      if (!word.textContent.trim() || !shown || !fill || look.stroke !== 'none') continue;
      word.scrollIntoView({block: 'center', inline: 'center'});
      const box = word.getBoundingClientRect();
      for (const share of [0.08, 0.5, 0.92]) {
        const stack = root.elementsFromPoint(
          box.left + box.width * share, box.top + box.height / 2).reverse();
        let ground = page;
        for (const one of stack.filter(e => svg.contains(e))) {
          const of = getComputedStyle(one);
          if (one === word) break;
          if (one.tagName === 'text') {
            if (of.stroke !== 'none' && one.textContent === word.textContent)
              ground = rgba(of.stroke);
          } else if (['path', 'rect', 'circle'].includes(one.tagName)) {
            const colour = rgba(of.fill);
            if (colour)
              ground = over(colour, colour[3] * of.fillOpacity * opacity(one), ground);
          }
        }
        const ink = over(fill, fill[3] * look.fillOpacity * opacity(word), ground);
        const [high, low] = [light(ink), light(ground)].sort((a, b) => b - a);
        found.push([word.textContent, (high + 0.05) / (low + 0.05)]);
      }
    }
    style.remove();
  }
  return found;
}"""


def weighed_findings(page: Page) -> list[str]:
    """Findings of axe-core of the two heaviest impacts, each with its place."""
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:200]}"
        for one in found["violations"]
        for node in one["nodes"]
        if one["impact"] in WEIGHED
    ]


def picture_contrasts(page: Page) -> list[tuple[str, float]]:
    """Each word of a picture with its contrast against what lies under it (WCAG 2)."""
    return [(text, float(ratio)) for text, ratio in page.evaluate(_CONTRASTS)]


def faint_words(page: Page, least: float = 4.5) -> list[str]:
    """Words of pictures that are hard to read."""
    told = {f"{text}: {x:.2f}" for text, x in picture_contrasts(page) if x < least}
    return sorted(told)


def nameless_controls(page: Page) -> list[str]:
    """Controls that the browser tells without a name, or with markup for a name."""
    session = page.context.new_cdp_session(page)
    nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
    session.detach()
    controls = [
        (_value(node, "role"), _value(node, "name").strip())
        for node in nodes
        if not node["ignored"] and _value(node, "role") in CONTROLS
    ]
    return [
        f"{role} {name!r}"
        for role, name in controls
        if not any(map(str.isalnum, name)) or "<" in name or name in _MUTE
    ]


def _value(node: dict[str, Any], key: str) -> str:
    return str(node.get(key, {}).get("value", ""))
