"""Documents of the repository as pages: tables, rules, figures, how plans are made."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from medhavi.service.shell import FRAMED_SCRIPT
from medhavi.views.page import ICON, document, navigation_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

ADDRESS = "/docs"
_FIRST = ("own-data", "glossary", "tables", "rules", "orders", "promising", "kpis")
"""Documents that a planner needs first; the others follow by their titles."""
_FOR_PROGRAMMERS = frozenset(
    {"architecture", "features", "how-to", "kurrentdb", "performance", "testing"}
)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_RULES = """
html{background:var(--mv-page)}
body.mv{margin:0 auto;padding:24px;max-width:1200px;display:grid;gap:24px}
main{min-width:0}
main :is(h2,h3){margin:24px 0 8px}main :is(p,ul,ol,pre,table){margin:8px 0}
main :is(ul,ol){padding-left:20px}main :is(code,a){overflow-wrap:anywhere}
main pre,main table{overflow-x:auto;display:block;max-width:100%}
main td,main th{padding:4px 12px 4px 0;text-align:left;vertical-align:top}
"""


def documents_folder() -> Path:
    """Folder of the documents, in the wheel or beside the package."""
    package = Path(__file__).resolve().parents[1]
    shipped = package / "_docs"
    return shipped if shipped.is_dir() else package.parent / "docs"


def documents(folder: Path | None = None) -> Mapping[str, str]:
    """Title of each document by its name, those for planners first."""
    titles = {
        path.stem: path.read_text("utf-8").partition("\n")[0].lstrip("# ")
        for path in (folder or documents_folder()).glob("*.md")
    }
    first = {name: number for number, name in enumerate(_FIRST)}
    order = sorted(
        titles,
        key=lambda name: (
            name in _FOR_PROGRAMMERS,
            first.get(name, len(first)),
            titles[name],
        ),
    )
    return {name: titles[name] for name in order}


def documents_html() -> str:
    """Section with a link to each document; empty where there is none."""
    links = "".join(
        f'<li><a href="{ADDRESS}/{escape(name)}">{escape(title)}</a></li>'
        for name, title in documents().items()
    )
    if not links:
        return ""
    return f'<section><h2>{say("documentation")}</h2><ul class="docs">{links}</ul></section>'


def document_route() -> Route:
    """Route of the documents, each by its name."""
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.responses import HTMLResponse
    from starlette.routing import Route

    async def documented(request: Request) -> Response:
        page = await run_in_threadpool(document_html, request.path_params["name"])
        if page is None:
            raise HTTPException(404)
        return HTMLResponse(page)

    return Route(f"{ADDRESS}/{{name}}", documented)


def document_html(name: str, folder: Path | None = None) -> str | None:
    """Page of a document; None: there is none of this name.

    Links to other documents lead to their pages, those to the source lead nowhere.
    """
    place = folder or documents_folder()
    known = documents(place)
    if name not in known:
        return None
    import markdown  # type: ignore[import-untyped]

    text = (place / f"{name}.md").read_text("utf-8")
    body = markdown.markdown(
        _LINK.sub(lambda found: f"]({_led(found[1], known)})", text),
        extensions=["tables", "fenced_code", "sane_lists", "toc"],
    )
    body = re.sub(r'<a href="">(.*?)</a>', r"\1", body, flags=re.DOTALL)
    return document(
        f"Medhavi: {known[name]}",
        f"{navigation_html()}<main>{body}</main>",
        rules=_RULES,
        head=ICON + FRAMED_SCRIPT,
    )


def _led(target: str, known: Mapping[str, str]) -> str:
    """Where a link of a document leads on the pages; empty: nowhere."""
    path, _, part = target.partition("#")
    anchor = f"#{part}" if part else ""
    if not path:
        return anchor
    name = path.removesuffix(".md")
    if name in known and path.endswith(".md"):
        return f"{ADDRESS}/{name}{anchor}"
    return ""


FOLLOW_SCRIPT = """<script>
// The figures of the page follow the data while somebody looks at it.
async function follow() {
  const shown = !window.frameElement || window.frameElement.classList.contains("shown");
  if (!document.hidden && shown) try {
    const text = await (await fetch(location.href)).text();
    const now = new DOMParser().parseFromString(text, "text/html");
    for (const old of document.querySelectorAll("a.mv-card")) {
      const same = `a.mv-card[href="${old.getAttribute("href")}"]`;
      const fresh = now.querySelector(same);
      if (fresh && fresh.innerHTML !== old.innerHTML) old.innerHTML = fresh.innerHTML;
    }
  } catch { /* the server is gone, or comes back */ }
  setTimeout(follow, 3000);
}
setTimeout(follow, 3000);
</script>"""
"""Script of the start page: its figures are those of the newest facts."""
