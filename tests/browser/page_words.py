"""The words of a page in a browser, and which of them are raw ids or UTC instants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

    from tests.api import Names

INSTANT = re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d|\d\d:\d\d UTC\b")
_ENGLISH = frozenset({"A"})
"""Ids that are words of a sentence as well."""
_HINTS = ("Local time of",)
"""How texts begin that show how an instant is written."""
_SAID = """() => {
  const parts = [];
  const walk = (root) => {
    for (const one of root.childNodes) {
      if (one.nodeType === Node.TEXT_NODE) parts.push(one.textContent.trim());
      if (one.nodeType !== Node.ELEMENT_NODE) continue;
      // Commands and fingerprints are for machines, rules of looks for nobody.
      if (one.matches('script, style, noscript, pre, code')) continue;
      if (getComputedStyle(one).display === 'none') continue;
      if (one.closest('svg')) parts.push(one.getAttribute('aria-label') || '');
      walk(one);
      if (one.shadowRoot) walk(one.shadowRoot);
    }
  };
  walk(document.body);
  return parts.filter(Boolean);
}"""


def said(page: Page) -> str:
    """All that a page shows: text, cells of tables, what marks of charts tell."""
    parts = page.evaluate(_SAID)
    return " ".join(one for one in parts if not one.startswith(_HINTS))


_VALUES = {"True", "False", "None"}
"""What a cell shows that ends with a call instead of words."""


def untold(page: Page, names: Names) -> list[str]:
    """List ids that have a name, instants that are not local, values of the program.

    A form says `name (id)`, which is both.
    """
    text = said(page)
    named = {one: name for one, name in names.texts.items() if name != one}
    assert text
    for identity, name in named.items():
        text = text.replace(f"{name} ({identity})", name)
    words = set(re.findall(r"[\w-]+", text))
    raw = (words & named.keys() - _ENGLISH) | (words & _VALUES)
    return [*sorted(raw), *INSTANT.findall(text)]
