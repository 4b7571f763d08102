"""Scripts, styles and fonts of marimo, at one address for all pages.

Each page of marimo has an address of its own, and below it the same three hundred
files: a browser that changes the page asked for all of them again. Here they have one
address with the version in it, so a browser asks once and then never. The notebooks of
pages are parsed and compiled once, too, and not before somebody asks for them: all of
them together took a second of each start. Extensions of marimo are looked for once, and
messages of kernels read by one decoder. Charts bring their few data with them.
"""

from __future__ import annotations

import ast
import base64
import importlib.metadata
import mimetypes
import threading
from dataclasses import replace
from functools import lru_cache, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from marimo._ast.cell import CellImpl
    from marimo._session.session import SessionImpl
    from marimo._types.ids import CellId_t
    from starlette.applications import Starlette
    from starlette.routing import BaseRoute
    from starlette.types import Receive, Scope, Send

ADDRESS: Final = f"/marimo/{importlib.metadata.version('marimo')}"
"""Address of the files; another version of marimo has another."""
_KEPT: Final = (b"cache-control", b"public, max-age=31536000, immutable")
_MOST_KEPT: Final = 512
"""Files that stay in memory; a page asks for some three hundred."""
_MOST_PARSED: Final = 64
_MOST_COMPILED: Final = 2048
"""Cells: a page has some forty, each compiled with and without the name of its file."""
_SUFFIXES: Final = frozenset(
    (".js", ".css", ".woff2", ".woff", ".ttf", ".png", ".svg", ".ico", ".json", ".wasm")
)


class PageFiles:
    """ASGI application of the files below a folder, kept in memory once asked for.

    Parameters
    ----------
    folder
        Their folder; None: that of the installed marimo. Later files are not served.
    """

    def __init__(self, folder: Path | None = None) -> None:
        import marimo

        top = folder or Path(marimo.__file__).parent / "_static"
        self._paths = {
            path.relative_to(top).as_posix(): path
            for path in top.rglob("*")
            if path.suffix in _SUFFIXES and path.is_file()
        }
        self._content = lru_cache(_MOST_KEPT)(Path.read_bytes)

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """Answer one request."""
        name = str(scope["path"]).removeprefix(str(scope.get("root_path", "")))
        path = self._paths.get(name.lstrip("/"))
        if path is None or scope["type"] != "http":
            await send({"type": "http.response.start", "status": 404, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        content = self._content(path)
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = [
            (b"content-type", kind.encode()),
            (b"content-length", str(len(content)).encode()),
            _KEPT,
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else content
        await send({"type": "http.response.body", "body": body})


CLOSED_S = 30
"""A closed page keeps its kernel so long, to come back to it after a break [s].

Until then each decision fills it anew: 30 closed pages made the next one 3 s slower.
"""


class PageApps:
    """ASGI application of the notebooks of a server, by their addresses.

    Parameters
    ----------
    notebooks
        File of each by its address, as `/plan/`.
    head
        Markup in the head of each.
    files
        Address of the scripts and styles of marimo.
    """

    def __init__(self, notebooks: Mapping[str, Path], *, head: str, files: str) -> None:
        self._notebooks = {address.strip("/"): at for address, at in notebooks.items()}
        self._head, self._files = head, files
        self._made: dict[str, Starlette] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to its notebook; its application is made with the first."""
        from starlette.routing import Router

        name = str(scope["path"]).split("/")[1]
        if name not in self._notebooks:
            await Router().not_found(scope, receive, send)
            return
        await self._application(name)(scope, receive, send)

    @property
    def routes(self) -> list[BaseRoute]:
        """Routes of all pages, of those that nobody has asked for, too."""
        return [
            one for name in self._notebooks for one in self._application(name).routes
        ]

    def _application(self, name: str) -> Starlette:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> Starlette:
        import marimo

        builder = marimo.create_asgi_app(
            quiet=True,
            html_head=self._head,
            asset_url=self._files,
            session_ttl=CLOSED_S,
        ).with_app(path=f"/{name}", root=str(self._notebooks[name]))
        return cast("Starlette", builder.build())

    def session_of(self, name: str) -> SessionImpl | None:
        """Session of an open page; None: it is closed."""
        found = (one.sessions.get(name) for one in self._session_managers())
        return next(filter(None, found), None)

    async def end_sessions(self) -> None:
        """End the kernels of open pages; their threads would keep the process alive.

        Starlette does not run the lifespans of what is mounted.
        """
        for manager in self._session_managers():
            await manager.shutdown()

    def _session_managers(self) -> Iterator[Any]:
        """Keeper of the sessions of each page."""
        for route in (route for one in self._made.values() for route in one.routes):
            state = getattr(getattr(route, "app", None), "state", None)
            manager = getattr(state, "session_manager", None)
            if manager is not None:
                yield manager


def share_between_visitors() -> None:
    """Do once a process what marimo does for each visitor, or for each click."""
    parse_one_at_a_time()
    parse_once()
    decode_by_one_decoder()
    find_extensions_once()
    send_data_with_charts()


def parse_one_at_a_time() -> None:
    """Parse in one thread at a time.

    Before Python 3.13 the interpreter counts the depth of the tree that it builds for
    all threads together: where the collection of garbage lets another one parse in
    between, both end with SystemError, and so did a page that was opened.
    """
    if hasattr(ast.parse, "__wrapped__"):
        return
    parse, turn = ast.parse, threading.RLock()

    @wraps(parse)
    def one_at_a_time(*source: Any, **options: Any) -> Any:
        with turn:
            return parse(*source, **options)

    vars(ast)["parse"] = one_at_a_time


def parse_once() -> None:
    """Parse and compile each notebook once a process, not three times a visitor.

    Half of the server's time for a further visitor went there, and a quarter of its
    memory. What is kept are trees and code that nobody writes to, and the text is the
    key: an edited file is another one. What a kernel writes into a cell is its own.
    """
    from marimo._ast import compiler, parse
    from marimo._runtime import runtime

    if hasattr(parse.parse_notebook, "cache_info"):
        return
    parse.parse_notebook = lru_cache(_MOST_PARSED)(parse.parse_notebook)
    compiled = compiler.compile_cell
    kept = lru_cache(_MOST_COMPILED)(compiled)

    def compile_cell(
        code: str, cell_id: CellId_t, filename: str | None = None, **more: Any
    ) -> CellImpl:
        if any(more.values()):
            return compiled(code, cell_id, filename=filename, **more)
        return _own(kept(code, cell_id, filename=filename))

    for module in (compiler, runtime):
        vars(module)["compile_cell"] = compile_cell


def _own(kept: CellImpl) -> CellImpl:
    """The same cell with nothing of what a kernel writes into it."""
    from marimo._ast import cell

    return replace(
        kept,
        defs=set(kept.defs),
        refs=set(kept.refs),
        config=cell.CellConfig(),
        import_workspace=replace(kept.import_workspace, imported_defs=set()),
        _status=cell.RuntimeState(),
        _run_result_status=cell.RunResultStatus(),
        _stale=cell.CellStaleState(),
        _output=cell.CellOutput(),
    )


def decode_by_one_decoder() -> None:
    """Read the messages of kernels by one decoder a process.

    marimo makes the decoder of its kinds of message anew for each: a third of the
    server's time for a further visitor, and much of each click.
    """
    import msgspec
    from marimo._messaging.notification import NotificationMessage
    from marimo._session.state import session_view

    decoder = msgspec.json.Decoder(NotificationMessage)
    vars(session_view)["deserialize_kernel_message"] = decoder.decode


def find_extensions_once() -> None:
    """Look for extensions of marimo among the installed packages once a process.

    It opens the records of all packages whenever cells run: 30 ms of each click.
    """
    from marimo._entrypoints import registry

    if not hasattr(registry.get_entry_points, "cache_info"):
        vars(registry)["get_entry_points"] = lru_cache(registry.get_entry_points)


MOST_WITH_CHART: Final = 1 << 17
"""Data of a chart that come with it, at most [bytes]."""


def send_data_with_charts() -> None:
    """Send the data of a chart in its message, where they are few.

    marimo offers them as a file, which is gone once the cell has run again: a browser
    that was asked to draw both charts found none for the first.
    """
    from marimo._plugins.ui._impl.charts import altair_transformer as charts
    from marimo._plugins.ui._impl.tables.utils import get_table_manager

    offered = charts._to_marimo_arrow  # noqa: SLF001 - marimo has no other place for it
    if hasattr(offered, "__wrapped__"):
        return

    @wraps(offered)
    def sent(data: Any, **options: Any) -> Any:
        sound = charts._maybe_sanitize_dataframe(data)  # noqa: SLF001 - as there
        try:
            content = get_table_manager(sound).to_arrow_ipc()
        except NotImplementedError:
            return offered(data, **options)
        if len(content) > MOST_WITH_CHART:
            return offered(data, **options)
        text = base64.b64encode(content).decode()
        # By its end the page knows how to read it.
        address = f"data:application/vnd.apache.arrow.file;base64,{text}#.arrow"
        return {"url": address, "format": {"type": "arrow"}}

    vars(charts)["_to_marimo_arrow"] = sent
