"""The server: landing page, health, apps and notebooks, on this machine only."""

from __future__ import annotations

import errno
import os
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from medhavi import __version__
from medhavi.errors import EnvironmentFailure, MedhaviError, UsageError
from medhavi.service.api.desk_api import DeskApi
from medhavi.service.api.desk_maintenance import COMPARED_SECONDS, DeskMaintenance
from medhavi.service.api.guard import RequestGuard
from medhavi.service.landing import landing_html, live_numbers
from medhavi.service.page_data import (
    DATE_FORMAT_VARIABLE,
    TABLES_VARIABLE,
    bench_of,
    choose_source,
)
from medhavi.service.pages import entries
from medhavi.views.theme import app_style

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response


def health(keeper: DeskMaintenance | None = None) -> dict[str, object]:
    """State of the server: version, data and desk; only presence of folders is read.

    `status` is "ok" where there is data and the desk, if any, is open; "no data" and
    "unreachable" (the folder is gone) of the data, else the state of the desk: opening,
    behind, rebuilding or failed. `ready` is false where nothing can be answered: a
    probe gets status code 503. No path of the server is shown.
    """
    facts: dict[str, object] = {"version": __version__}
    if keeper is not None:
        facts["desk"] = keeper.as_dict()
    try:
        source = choose_source()
    except MedhaviError:
        told = {"status": "no data", "ready": True, "data": "none", "place": ""}
        return {**facts, **told}
    place = source.tables or source.lake
    there = "://" in place or Path(place).exists()
    status, ready = ("ok", True) if there else ("unreachable", False)
    if there and keeper is not None:
        status, ready = _status(keeper.state), keeper.ready
    return {
        **facts,
        "status": status,
        "ready": ready,
        "data": "tables" if source.tables else "lake",
        "place": str(source),
    }


def _status(desk: str) -> str:
    return "ok" if desk == "open" else desk


LOCAL = ("127.0.0.1", "localhost", "::1")


def create_app(
    *,
    watch: bool = False,
    hosts: Iterable[str] = (),
    compared_every: float = COMPARED_SECONDS,
) -> RequestGuard:
    """Make the ASGI application, behind its guard.

    Parameters
    ----------
    watch, compared_every
        As in `DeskMaintenance`.
    hosts
        Further names of this machine, as in `RequestGuard`.
    """
    import marimo
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Mount, Route

    apps, notebooks = entries("apps"), entries("notebooks")
    # The title lets marimo carry the style sheet into its components.
    style = f"<style title='marimo-custom'>{app_style()}</style>"
    server = marimo.create_asgi_app(quiet=True, html_head=style)
    for entry in (*apps, *notebooks):
        server = server.with_app(path=entry.address.rstrip("/"), root=str(entry.path))

    mounted = server.build()
    keeper = _keeper(watch=watch, compared_every=compared_every)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if keeper is not None:
            keeper.start()
        yield
        if keeper is not None:
            await run_in_threadpool(keeper.stop)
        await _end_sessions(mounted)

    async def landing(_request: Request) -> Response:
        numbers = await run_in_threadpool(live_numbers)
        return HTMLResponse(landing_html(apps, notebooks, health(keeper), numbers))

    async def alive(_request: Request) -> Response:
        facts = health(keeper)
        return JSONResponse(facts, status_code=200 if facts["ready"] else 503)

    served = Starlette(
        routes=[
            Route("/", landing),
            Route("/health", alive),
            *([] if keeper is None else DeskApi(keeper).routes()),
            Mount("/", app=mounted),
        ],
        lifespan=lifespan,
    )
    pages = [entry.address for entry in (*apps, *notebooks)]
    return RequestGuard(served, pages, hosts)


def _keeper(*, watch: bool, compared_every: float) -> DeskMaintenance | None:
    """Keeper of the promise desk; None where no event store is known."""
    try:
        bench = bench_of(choose_source())
    except MedhaviError:
        return None
    if bench is None:
        return None
    return DeskMaintenance(bench, watch=watch, compared_every=compared_every)


async def _end_sessions(mounted: object) -> None:
    """End the kernels of open pages; their threads would keep the process alive.

    Starlette does not run the lifespans of what is mounted.
    """
    for route in getattr(mounted, "routes", ()):
        state = getattr(getattr(route, "app", None), "state", None)
        manager = getattr(state, "session_manager", None)
        if manager is not None:
            await manager.shutdown()


def serve(
    host: str = "127.0.0.1",
    port: int = 8710,
    lake: str | None = None,
    tables: Sequence[str] = (),
    *,
    date_format: str | None = None,
    watch: bool = False,
    compared_every: float = COMPARED_SECONDS,
) -> None:
    """Serve until Ctrl-C.

    Parameters
    ----------
    host
        An address of this machine: there are no accounts, so nothing else is served.
    port
        Where to listen.
    lake
        Lake of the apps; else the environment's or the workspace's.
    tables
        Folders and workbooks that pages may show instead of a lake, the first one where
        an address names none (`?tables=` takes the last part of a path).
    date_format
        Order of written dates of these files and of dropped ones, beside ISO 8601.
    watch
        Tell the log which promises are at risk whenever facts change.
    compared_every
        Seconds between two comparisons of the desk's book with one made anew.

    Raises
    ------
    UsageError
        The host is not this machine.
    EnvironmentFailure
        The port is taken, or may not be used.
    """
    import uvicorn

    if host not in LOCAL:
        message = (
            f"--host {host}: apps have no accounts yet and are served to this machine "
            "only. Leave --host out."
        )
        raise UsageError(message)
    if tables:
        os.environ[TABLES_VARIABLE] = os.pathsep.join(tables)
    elif lake is not None:
        os.environ["MEDHAVI_LAKE"] = lake
        os.environ.pop(TABLES_VARIABLE, None)  # what is said now wins
    if date_format is not None:
        os.environ[DATE_FORMAT_VARIABLE] = date_format
    listener = _listener(host, port)
    address = f"http://{'localhost' if host == '::1' else host}:{port}"
    # A thread that waits for the interpreter gets it after a ms: threads of calls wait
    # for it several times, beside a long one 5 ms (the default) each time.
    sys.setswitchinterval(0.001)
    config = uvicorn.Config(
        create_app(watch=watch, hosts=(host,), compared_every=compared_every),
        log_level="warning",
        timeout_graceful_shutdown=3,
        server_header=False,
    )
    print(f"Medhavi is at {address} (Ctrl-C ends it)", flush=True)  # noqa: T201
    uvicorn.Server(config).run(sockets=[listener])


def _listener(host: str, port: int) -> socket.socket:
    """Take the port before anything heavy is loaded."""
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as failure:
        listener.close()
        taken = failure.errno == errno.EADDRINUSE
        reason = (
            "is taken by another program" if taken else f"cannot be used: {failure}"
        )
        message = (
            f"Port {port} {reason}. Choose another: medhavi serve --port {port + 1}"
        )
        raise EnvironmentFailure(message) from failure
    return listener
