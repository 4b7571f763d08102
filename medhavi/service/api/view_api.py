"""Addresses of the shell for saved views, and for a page as a notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from medhavi.errors import MedhaviError
from medhavi.service.page_data import choose_source
from medhavi.service.page_notebooks import notebook_html, notebook_of
from medhavi.views.words import say
from medhavi.workbench.files.cache import cache_folder
from medhavi.workbench.files.saved_views import SavedView, views_of

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from medhavi.workbench.files.saved_views import SavedViews

_MOST_BYTES = 20_000


def known_views() -> SavedViews:
    """Views of the data that is served.

    Raises
    ------
    UsageError
        None is served.
    """
    source = choose_source()
    return views_of(source.lake, source.tables, cache_folder())


def view_routes() -> list[Route]:
    """Routes that list, save and delete views, and give a page as a notebook."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def told(status: int, **facts: object) -> Response:
        return JSONResponse(
            facts, status_code=status, headers={"cache-control": "no-store"}
        )

    async def views(_request: Request) -> Response:
        return told(200, views=await run_in_threadpool(_listed))

    async def change(request: Request) -> Response:
        body = await request.body()
        if len(body) > _MOST_BYTES:
            return told(413, error=say("a_view_is_a_name"))
        deletes = request.url.path.endswith("/delete")
        try:
            await run_in_threadpool(_changed, body, deletes=deletes)
        except msgspec.MsgspecError:
            return told(422, error=say("a_view_has_a_name"))
        except (MedhaviError, OSError) as failure:
            return told(422, error=str(failure))
        return told(200, views=await run_in_threadpool(_listed))

    return [
        Route("/views", views),
        Route("/views", change, methods=["POST"]),
        Route("/views/delete", change, methods=["POST"]),
        Route("/notebook", _notebook),
        Route("/notebook.py", _notebook),
    ]


def _listed() -> list[dict[str, str]]:
    """Views of the data that is served; none where none is."""
    try:
        found = known_views().read()
    except MedhaviError:
        return []
    return [{"name": one.name, "address": one.address} for one in found]


def _changed(body: bytes, *, deletes: bool) -> None:
    """Save or delete the view that a request names."""
    asked, kept = msgspec.json.decode(body, type=SavedView), known_views()
    if deletes:
        kept.delete(asked.name)
    else:
        kept.save(asked.name, asked.address)


async def _notebook(request: Request) -> Response:
    """Page as a notebook: shown, or as a file."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import HTMLResponse, PlainTextResponse

    address = request.query_params.get("of", "")
    try:
        made = await run_in_threadpool(notebook_of, address)
    except MedhaviError as failure:
        return PlainTextResponse(str(failure), status_code=404)
    if not request.url.path.endswith(".py"):
        return HTMLResponse(notebook_html(made, address))
    return PlainTextResponse(
        made.text,
        media_type="text/x-python",
        headers={"content-disposition": f'attachment; filename="{made.name}.py"'},
    )
