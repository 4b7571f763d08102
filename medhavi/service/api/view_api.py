"""Addresses of the shell: saved views, a page as a notebook, an open page moved.

A view is no fact of the company and no decision about it, so it is no event: a small
file holds all of them (docs/decisions/028).
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec

from medhavi.errors import MedhaviError, UsageError
from medhavi.lakehouse.layout import environment
from medhavi.service.data_source import choose_source
from medhavi.service.page_notebooks import notebook_html, notebook_of
from medhavi.views.words import say
from medhavi.workbench.files.atomic_write import replaced_file
from medhavi.workbench.files.cache import cache_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from marimo._session.session import SessionImpl
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route


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
    """Routes of views, of a page as a notebook and of a page that is moved.

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


FILE = ".views.json"
"""Name of the file inside a lake, whose own folders it stands beside."""
LONGEST_NAME, LONGEST_ADDRESS, MOST_VIEWS = 60, 8_000, 200
_lock = threading.Lock()


class SavedView(msgspec.Struct, frozen=True, kw_only=True):
    """A page with its filters and choices, under a name.

    Parameters
    ----------
    name
        What people call it; a second view of the name replaces the first.
    address
        Path and query of the page, such as /orders/?status=planned.
    """

    name: str
    address: str


class SavedViews:
    """Views of one lake or one folder of tables.

    Parameters
    ----------
    place
        The file.
    """

    def __init__(self, place: Path) -> None:
        self._place = place

    def read(self) -> tuple[SavedView, ...]:
        """All views, by name; none where there is no file or it cannot be read."""
        try:
            found = msgspec.json.decode(
                self._place.read_bytes(), type=tuple[SavedView, ...]
            )
        except (OSError, msgspec.MsgspecError):
            return ()
        return tuple(sorted(found, key=lambda one: one.name.casefold()))

    def save(self, name: str, address: str) -> SavedView:
        """Keep a view; one of the same name is replaced.

        Raises
        ------
        UsageError
            The name or the address cannot be kept, or there are too many.
        EnvironmentFailure
            The file cannot be written.
        """
        made = SavedView(name=" ".join(name.split()), address=address)
        _check(made)
        with _lock:
            others = [one for one in self.read() if one.name != made.name]
            if len(others) >= MOST_VIEWS:
                message = f"There are {MOST_VIEWS} saved views; delete one first."
                raise UsageError(message)
            self._write([*others, made])
        return made

    def delete(self, name: str) -> bool:
        """Take a view away; tell whether it was there."""
        with _lock:
            known = self.read()
            kept = [one for one in known if one.name != name]
            if len(kept) == len(known):
                return False
            self._write(kept)
        return True

    def _write(self, views: Sequence[SavedView]) -> None:
        with (
            environment("writing saved views", self._place),
            replaced_file(self._place) as fresh,
        ):
            fresh.write_bytes(msgspec.json.format(msgspec.json.encode(views)))


def _check(view: SavedView) -> None:
    if not view.name or len(view.name) > LONGEST_NAME:
        message = f"A view needs a name of 1 to {LONGEST_NAME} characters."
        raise UsageError(message)
    inside = view.address.startswith("/") and not view.address.startswith("//")
    if not inside or "\\" in view.address or len(view.address) > LONGEST_ADDRESS:
        message = "A view is an address of these pages, such as /orders/?kind=buy."
        raise UsageError(message)


def views_of(lake: str | Path, tables: str | Path, cache: Path) -> SavedViews:
    """Views of a lake, inside it; of tables, in the cache.

    Parameters
    ----------
    lake, tables
        The one that is shown; the other is empty.
    cache
        Folder of what no lake keeps.
    """
    if lake:
        return SavedViews(Path(lake) / FILE)
    path = str(Path(tables).absolute())
    name = hashlib.sha256(path.encode()).hexdigest()[:16]
    return SavedViews(cache / "views" / f"{name}.json")
