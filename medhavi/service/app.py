"""The server: shell, start page, health, apps and notebooks, on this machine only."""

from __future__ import annotations

import ast
import errno
import importlib
import os
import socket
import sys
import threading
import time
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from medhavi import __version__
from medhavi.errors import EnvironmentFailure, MedhaviError, UsageError
from medhavi.service.api.desk_api import DeskApi
from medhavi.service.api.guard import RequestGuard
from medhavi.service.api.view_api import view_routes
from medhavi.service.data_source import (
    DATE_FORMAT_VARIABLE,
    MODE_VARIABLE,
    OWN_TABLES,
    TABLES_VARIABLE,
    choose_source,
    served_tables,
)
from medhavi.service.documents import FOLLOW_SCRIPT, document_route, documents_html
from medhavi.service.downloads import COPY_SCRIPT
from medhavi.service.jobs.job_progress import JOBS_SCRIPT, job_routes
from medhavi.service.jobs.job_queue import JobQueue
from medhavi.service.page_data import bench_of, load_data
from medhavi.service.plan_pages.plan_loading import PlanMaintenance
from medhavi.service.predictor_pages.tracking_pages import (
    ADDRESS,
    TRACKING_VARIABLE,
    TrackingPages,
    tracking_routes,
)
from medhavi.service.search_page import (
    OBJECTS,
    object_name,
    object_routes,
    search_hits,
    search_html,
)
from medhavi.service.shell import FRAMED_SCRIPT, NAMES_SCRIPT, START, shell_html
from medhavi.views.page import (
    AS_OF,
    HOME,
    ICON,
    PAGES,
    document,
    facts_html,
    navigation_html,
)
from medhavi.views.plan_pages.cockpit import numbers_of
from medhavi.views.theme import app_style
from medhavi.views.words import say
from medhavi.workbench.shared_desk import COMPARED_SECONDS, DeskMaintenance
from medhavi.workbench.workspace import NoWorkspaceError, models_folder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class AppEntry:
    """One app or notebook.

    `title` and `summary` come from its docstring: the first line, and the paragraph
    below it.
    """

    path: Path
    address: str
    title: str
    summary: str


def folder_of(kind: str) -> Path:
    """Folder of apps or notebooks.

    Parameters
    ----------
    kind
        "apps" or "notebooks".
    """
    package = Path(__file__).resolve().parents[1]
    shipped = package / f"_{kind}"
    return shipped if shipped.is_dir() else package.parent / kind


def entries(kind: str, folder: Path | None = None) -> list[AppEntry]:
    """List apps (`a_…`) in the order of `PAGES`, or notebooks (`n01_…`) by name."""
    place = folder or folder_of(kind)
    pattern = "a_*.py" if kind == "apps" else "n[0-9][0-9]_*.py"
    found = [_entry(path, kind) for path in sorted(place.glob(pattern))]
    known = list(PAGES)
    places = {entry.address: len(known) for entry in found}
    places |= {f"/{name}/": number for number, name in enumerate(known)}
    return sorted(found, key=lambda entry: places[entry.address])


def _entry(path: Path, kind: str) -> AppEntry:
    lines = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()
    told = [line.strip() for line in lines if line.strip()]
    name = path.stem.removeprefix("a_") if kind == "apps" else path.stem
    return AppEntry(
        path=path,
        address=f"/{name}/",
        title=told[0] if told else name.replace("_", " "),
        summary=" ".join(told[1:]),
    )


_RULES = """
html{background:var(--mv-page)}
body.mv{margin:0 auto;padding:24px;max-width:1440px;display:grid;gap:24px;
 background:var(--mv-page)}
.brand{display:grid;gap:4px}
.grid{display:grid;grid-template-columns:repeat(auto-fill,minmax(196px,1fr));gap:12px}
.mv a.mv-card{display:grid;gap:4px;color:inherit;text-decoration:none;
 align-content:start}
.mv a.mv-card:hover,.mv a.mv-card:focus-visible{border-color:var(--mv-plan)}
main{display:grid;gap:24px}section{display:grid;gap:12px}
.docs{margin:0;padding:0;list-style:none;columns:18em;column-gap:24px;line-height:1.8}
@media (max-width:520px){body.mv{padding:24px 16px}}
"""


def landing_html(
    apps: Sequence[AppEntry],
    notebooks: Sequence[AppEntry],
    health: Mapping[str, object],
    numbers: Mapping[str, str] | None = None,
) -> str:
    """Write the page; `numbers` has a sentence for some of the apps."""
    known = numbers or {}
    groups = (("Apps", apps, "app"), ("Lessons", notebooks, "lesson"))
    body = "".join(
        f'<section><h2>{title}</h2><div class="grid">'
        f"{''.join(_card(entry, known) for entry in entries)}</div></section>"
        for title, entries, _ in groups
        if entries
    )
    body += documents_html()
    body = (
        f'{navigation_html(HOME)}<main><header class="brand"><h1>Medhavi</h1>'
        f'<p class="muted">{say("plans_that_explain")}</p></header>'
        f"{_state(health, known)}{body}</main>{_footer(health)}"
    )
    head = ICON + FRAMED_SCRIPT + FOLLOW_SCRIPT
    return document("Medhavi", body, rules=_RULES, head=head)


def _card(entry: AppEntry, numbers: Mapping[str, str]) -> str:
    told = numbers.get(entry.address.strip("/"))
    number = f"<b>{escape(told)}</b>" if told else ""
    return (
        f'<a class="mv-card" href="{escape(entry.address)}">'
        f"<h3>{escape(entry.title)}</h3>"
        f'<span class="muted">{escape(entry.summary)}</span>{number}</a>'
    )


def _state(health: Mapping[str, object], numbers: Mapping[str, str]) -> str:
    """What data there is; without any, what to do."""
    if health["status"] == "no data":
        advice = (
            say("run_the_demo_or_your_own")
            if health["data"] == "none"
            else say("upload_on_the_page_data")
        )
        return f'<div class="mv-empty"><b>{say("no_data_yet")}</b>{advice}</div>'
    return (
        '<div class="mv-facts">'
        f"<span>Data <b>{escape(str(health['data']))} "
        f"{escape(str(health['place']))}</b></span>"
        f'<span>State <b><span class="mv-{_tone(health)}">●</span> '
        f"{escape(str(health['status']))}</b></span></div>"
        f"{facts_html([(AS_OF, numbers[AS_OF])]) if AS_OF in numbers else ''}"
    )


def _tone(health: Mapping[str, object]) -> str:
    return "good" if health["status"] == "ok" else "bad"


def _footer(health: Mapping[str, object]) -> str:
    return (
        '<footer class="mv-trust">'
        f"<span>Medhavi <b>{escape(str(health['version']))}</b></span>"
        '<span><a href="/health">health</a></span>'
        f"<span>{say('served_to_this_machine_only')}</span></footer>"
    )


_lock = threading.Lock()
_kept: dict[str, tuple[str, dict[str, str]]] = {}
"""Numbers by folder of tables, with the fingerprint of their tables."""


def live_numbers(tables: str | None = None, *, known_at: str = "") -> Mapping[str, str]:
    """Sentence with a number by app; nothing where there is no data.

    Parameters
    ----------
    tables
        Folder of tables; else the environment's or the workspace's data.
    known_at
        Moment of a lake; empty: now.
    """
    data = load_data(tables, known_at=known_at)
    if data.snapshot is None or data.problem is not None:
        return {}
    facts = data.snapshot.fingerprint
    with _lock:
        known = _kept.get(tables or "")
        if known is not None and known[0] == facts:
            return known[1]
        told = numbers_of(data.snapshot)
        if not known_at:
            _kept[tables or ""] = facts, told
        return told


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
    if source.is_empty:
        told = {"status": "no data", "ready": True, "data": "tables"}
        return {**facts, **told, "place": str(source)}
    there = "://" in place or Path(place).exists()
    status, ready = ("ok", True) if there else ("unreachable", False)
    if there and keeper is not None:
        status = "ok" if keeper.state == "open" else keeper.state
        ready = keeper.ready
    return {
        **facts,
        "status": status,
        "ready": ready,
        "data": "tables" if source.tables else "lake",
        "place": str(source),
    }


LOCAL = ("127.0.0.1", "localhost", "::1")


def create_app(
    *,
    watch: bool = False,
    hosts: Iterable[str] = (),
    compared_every: float = COMPARED_SECONDS,
    workers: int = 1,
    tracking: bool = False,
) -> RequestGuard:
    """Make the ASGI application, behind its guard.

    Parameters
    ----------
    watch, compared_every
        As in `DeskMaintenance`.
    workers
        Most processes that plan beside the server.
    tracking
        Whether the pages of MLflow are served, read-only.
    hosts
        Further names of this machine, as in `RequestGuard`.
    """
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import HTMLResponse, JSONResponse
    from starlette.routing import Mount, Route

    from medhavi.service.page_files import ADDRESS as FILES
    from medhavi.service.page_files import PageApps, PageFiles, share_between_visitors

    share_between_visitors()
    apps, notebooks = entries("apps"), entries("notebooks")
    # The title lets marimo carry the style sheet into its components.
    style = f"<style title='marimo-custom'>{app_style()}</style>"
    head = f"{style}{FRAMED_SCRIPT}{JOBS_SCRIPT}{NAMES_SCRIPT}{COPY_SCRIPT}"
    files = {entry.address: entry.path for entry in (*apps, *notebooks)}
    pages = PageApps(files, head=head, files=FILES)
    keeper = _keeper(watch=watch, compared_every=compared_every)
    queue, plans = JobQueue(workers), _plan_keeper()
    runs = _tracking() if tracking else None

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        queue.open()
        keepers = [one for one in (plans, keeper) if one is not None]
        for one in keepers:
            one.start()
        threading.Thread(target=_load_libraries, name="libraries", daemon=True).start()
        yield
        for one in keepers:
            await run_in_threadpool(one.stop)
        await run_in_threadpool(queue.close)
        if runs is not None:
            await run_in_threadpool(runs.stop)
        await pages.end_sessions()

    async def landing(request: Request) -> Response:
        known_at = request.query_params.get("known_at", "")
        tables = served_tables().get(request.query_params.get("tables", ""))
        numbers = await run_in_threadpool(live_numbers, tables, known_at=known_at)
        return HTMLResponse(landing_html(apps, notebooks, health(keeper), numbers))

    async def shell(_request: Request) -> Response:
        told = health(keeper)
        place, data = str(told["place"]), str(told["data"])
        return HTMLResponse(shell_html(place, OBJECTS, data, tuple(served_tables())))

    async def search(request: Request) -> Response:
        asked = request.query_params
        if request.headers.get("accept") == "application/json":
            hits = await run_in_threadpool(search_hits, asked.get("q", ""), asked)
            return JSONResponse(hits)
        page = await run_in_threadpool(search_html, asked.get("q", ""), asked)
        return HTMLResponse(page)

    async def named(request: Request) -> Response:
        asked = request.query_params
        name = await run_in_threadpool(object_name, asked.get("of", ""), asked)
        return JSONResponse({"name": name})

    async def alive(_request: Request) -> Response:
        facts = health(keeper)
        return JSONResponse(facts, status_code=200 if facts["ready"] else 503)

    served = Starlette(
        routes=[
            Route("/", shell),
            Route(START, landing),
            Route("/health", alive),
            Route("/search", search),
            Route("/name", named),
            document_route(),
            *job_routes(queue),
            *view_routes(pages.session_of),
            *object_routes(),
            *([] if keeper is None else DeskApi(keeper).routes()),
            *([] if runs is None else tracking_routes(runs)),
            Mount(FILES, app=PageFiles()),
            Mount("/", app=pages),
        ],
        lifespan=lifespan,
    )
    return RequestGuard(served, files, hosts)


_PAUSE_S = 5.0
"""So long what draws and answers the first page has the processor for itself [s]."""


def _load_libraries() -> None:
    """Load what pages need before they ask: the first chart, and then the first quote.

    Either would wait a second for it.
    """
    importlib.import_module("altair")
    time.sleep(_PAUSE_S)
    importlib.import_module("scipy.stats")


def _keeper(*, watch: bool, compared_every: float) -> DeskMaintenance | None:
    """Keeper of the promise desk; None where no event store is known."""
    try:
        bench = bench_of(choose_source())
    except MedhaviError:
        return None
    if bench is None:
        return None
    return DeskMaintenance(bench, watch=watch, compared_every=compared_every)


def _plan_keeper() -> PlanMaintenance | None:
    """Keeper of the plan in force; None where there is no data."""
    try:
        return PlanMaintenance(choose_source())
    except MedhaviError:
        return None


def _tracking() -> TrackingPages:
    """Pages of MLflow of the lake that is served.

    Raises
    ------
    UsageError
        No lake is served, so that there are no predictors.
    """
    source = choose_source()
    if not source.lake:
        message = "--mlflow shows the predictors of a lake: serve one with --lake LAKE."
        raise UsageError(message)
    os.environ[TRACKING_VARIABLE] = f"{ADDRESS}#/models"
    return TrackingPages(models_folder(source.lake))


def serve(  # noqa: PLR0913 - one keyword each
    host: str = "127.0.0.1",
    port: int = 8710,
    lake: str | None = None,
    tables: Sequence[str] = (),
    *,
    date_format: str | None = None,
    mode: str | None = None,
    workers: int = 1,
    watch: bool = False,
    compared_every: float = COMPARED_SECONDS,
    tracking: bool = False,
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
    mode
        Planning mode of pages whose address names none; None: constrained.
    workers
        Most processes that plan beside the server.
    watch
        Tell the log which promises are at risk whenever facts change.
    compared_every
        Seconds between two comparisons of the desk's book with one made anew.
    tracking
        Whether the pages of MLflow are served too, read-only, below /mlflow/.

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
    listener = listening_socket(host, port)
    if tables:
        os.environ[TABLES_VARIABLE] = os.pathsep.join(tables)
    elif lake is not None:
        os.environ["MEDHAVI_LAKE"] = lake
        os.environ.pop(TABLES_VARIABLE, None)  # what is said now wins
    else:
        _serve_own_tables()
    if date_format is not None:
        os.environ[DATE_FORMAT_VARIABLE] = date_format
    if mode is not None:
        os.environ[MODE_VARIABLE] = mode
    address = f"http://{'localhost' if host == '::1' else host}:{port}"
    # A thread that waits for the interpreter gets it after a ms: threads of calls wait
    # for it several times, beside a long one 5 ms (the default) each time.
    sys.setswitchinterval(0.001)
    config = uvicorn.Config(
        create_app(
            watch=watch,
            hosts=(host,),
            compared_every=compared_every,
            workers=workers,
            tracking=tracking,
        ),
        log_level="warning",
        timeout_graceful_shutdown=3,
        server_header=False,
        # On this machine bytes cost nothing; packing them costs each page 0.3 MB.
        ws_per_message_deflate=False,
    )
    print(say("medhavi_is_at_ctrl_c", address), flush=True)  # noqa: T201
    uvicorn.Server(config).run(sockets=[listener])


def _serve_own_tables() -> None:
    """Serve a folder that pages fill, where nothing names any data."""
    try:
        choose_source()
    except NoWorkspaceError:
        with suppress(OSError):  # nothing can be kept here: pages name the commands
            place = Path(OWN_TABLES).absolute()
            place.mkdir(exist_ok=True)
            os.environ[TABLES_VARIABLE] = str(place)
    except MedhaviError:
        return  # pages say what is wrong with what is named


def listening_socket(host: str, port: int) -> socket.socket:
    """Take the port before anything heavy is loaded."""
    family = socket.AF_INET6 if host == "::1" else socket.AF_INET
    # Only of a socket that names TCP does asyncio send small parts at once: headers and
    # bodies, and each message to a page, would wait 40 ms for the one before.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as failure:
        listener.close()
        taken = failure.errno == errno.EADDRINUSE
        reason = say("port_taken") if taken else say("port_unusable", failure)
        message = (
            f"Port {port} {reason}. Choose another: medhavi serve --port {port + 1}"
        )
        raise EnvironmentFailure(message) from failure
    return listener
