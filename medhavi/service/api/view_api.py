"""Addresses of the shell: views, scenarios, pages as notebooks, an open page moved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from medhavi.errors import MedhaviError
from medhavi.service.data_source import choose_source
from medhavi.service.page_notebooks import notebook_html, notebook_of
from medhavi.service.scenario_pages.saved_list import offered_scenarios
from medhavi.views.words import say
from medhavi.workbench.files.cache import cache_folder
from medhavi.workbench.files.saved_views import SavedView, views_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from marimo._session.session import SessionImpl
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


class PageMove(msgspec.Struct):
    """Other choices for an open page: its session, and the query of the address."""

    session: str
    query: str


def view_routes(session_of: Callable[[str], SessionImpl | None]) -> list[Route]:
    """Routes of views, saved scenarios, a page as a notebook and a page that is moved.

    Parameters
    ----------
    session_of
        Session of an open page by its name.
    """
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    def told(status: int, **facts: object) -> Response:
        return JSONResponse(
            facts, status_code=status, headers={"cache-control": "no-store"}
        )

    async def views(_request: Request) -> Response:
        return told(200, views=await run_in_threadpool(_listed))

    async def scenarios(request: Request) -> Response:
        name = request.query_params.get("tables")
        return told(200, scenarios=await run_in_threadpool(_scenarios, name))

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

    async def move(request: Request) -> Response:
        body = await request.body()
        try:
            asked = msgspec.json.decode(body[:_MOST_BYTES], type=PageMove)
        except msgspec.MsgspecError:
            return told(422)
        session = session_of(asked.session)
        if session is None:
            return told(404)
        _moved(session, asked.query)
        return told(200)

    return [
        Route("/move", move, methods=["POST"]),
        Route("/views", views),
        Route("/views", change, methods=["POST"]),
        Route("/saved-scenarios", scenarios),
        Route("/views/delete", change, methods=["POST"]),
        Route("/notebook", _notebook),
        Route("/notebook.py", _notebook),
    ]


def _moved(session: SessionImpl, query: str) -> None:
    """Run all cells of an open page again, as if it was opened with this query."""
    from marimo._runtime.commands import ExecuteCellsCommand

    kernel: Any = session._kernel_manager  # noqa: SLF001 - no public way
    shown = kernel.app_metadata.query_params
    shown.clear()
    shown.update(parse_qsl(query))
    codes = session.app_file_manager.app.cell_manager.code_map()
    again = ExecuteCellsCommand(cell_ids=list(codes), codes=list(codes.values()))
    session.put_control_request(again, from_consumer_id=None)


def _listed() -> list[dict[str, str]]:
    """Views of the data that is served; none where none is."""
    try:
        found = known_views().read()
    except MedhaviError:
        return []
    return [{"name": one.name, "address": one.address} for one in found]


def _scenarios(name: str | None) -> list[str]:
    """Texts of the scenarios that are kept of the named data; none where none is."""
    try:
        return list(offered_scenarios(choose_source(name)))
    except MedhaviError:
        return []


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
