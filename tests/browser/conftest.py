"""One server for all browser tests, and a page that counts the kernel's runs."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from medhavi.schema.template import example_rows
from medhavi.snapshot import Snapshot
from tests.planners.campaign_shop import campaign_tables
from tests.service.edge_cases import EDGES, written
from tests.service.promise_company import promise_company
from tests.service.test_order_page import MORE
from tests.workbench.edit_company import company

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, Request, WebSocket

PATIENCE_S = 180.0
"""Longest wait of a browser test for one thing [s]: a loaded machine paints late.

It is the limit of all expectations and deeds; none has one of its own.
"""
LOST_S = 10.0
"""Seconds after which a deed that sent the server nothing has had no effect."""
expect.set_options(timeout=PATIENCE_S * 1000)

_OWN = re.compile(r"^(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|^(data|blob|file):")
_BENIGN = ("handleFillUnmount",)
"""Errors of marimo's own pages that mean nothing."""


class Watched:
    """A browser page of a marimo app: its kernel's runs, errors, foreign requests.

    marimo sends `completed-run` after every run of the kernel; waiting for elements
    that look finished returns on pages that are still empty.
    """

    def __init__(self, page: Page, address: str) -> None:
        self.page = page
        self.address = address
        self.runs = 0
        self.asked = 0
        self.errors: list[str] = []
        self.foreign: list[str] = []
        page.on("websocket", self._listen)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._heard)
        page.on("request", self._request)

    def _listen(self, channel: WebSocket) -> None:
        channel.on("framereceived", self._frame)

    def _frame(self, data: str | bytes) -> None:
        text = data if isinstance(data, str) else data.decode("utf8", "replace")
        self.runs += text.startswith('{"op": "completed-run"')
        # Cells below a cell that stopped on purpose say so; that is no failure.
        stopped = "ancestor-stopped" in text
        if "application/vnd.marimo+error" in text and not stopped:
            self.errors.append(text[:500])

    def _heard(self, message: object) -> None:
        kind, text = getattr(message, "type", ""), getattr(message, "text", "")
        if kind == "error" and not any(word in text for word in _BENIGN):
            self.errors.append(text)

    def _request(self, request: Request) -> None:
        # Scripts and the bar's look at the jobs are asked for without a deed.
        self.asked += request.method == "POST" or request.is_navigation_request()
        if not _OWN.match(request.url):
            self.foreign.append(request.url)

    def open(self, path: str) -> None:
        """Go to a page and wait for its first run."""
        self.act(lambda: self.page.goto(self.address + path))

    def act(self, deed: Callable[[], object], timeout_s: float = PATIENCE_S) -> None:
        """Do something and wait until the kernel has run for it.

        A click on what moves while the page is still painted asks the server for
        nothing, and is done once more, as people do.
        """
        runs, asked, begun = self.runs, self.asked, time.monotonic()
        deed()
        again = time.monotonic() + LOST_S
        while self.runs <= runs:
            now = time.monotonic()
            if self.asked == asked and now > again:
                deed()
                again = now + LOST_S
            if now - begun > timeout_s:
                message = f"the kernel did not run in {timeout_s} s; {self.errors[:3]}"
                raise TimeoutError(message)
            self.page.wait_for_timeout(20)

    def assert_clean(self) -> None:
        """No error in the console or in a cell, no request to another host."""
        assert self.errors == []
        assert self.foreign == []


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders: `lemonade`, `shop` with a changeover matrix, edge cases by name.

    `given` is empty, for tables that a test writes itself.
    """
    place = tmp_path_factory.mktemp("tables")
    Snapshot.from_frames(example_rows()).to_folder(place / "lemonade", format="csv")
    campaign_tables(place / "shop")
    for name in EDGES:
        written(place, name)
    (place / "given").mkdir()
    return place


@pytest.fixture(scope="session")
def server(chromium: str, tables: Path) -> Iterator[str]:
    """Address of `medhavi serve`; it starts only where there is a browser."""
    names = ("lemonade", "shop", "given", *EDGES)
    options = [part for name in names for part in ("--tables", str(tables / name))]
    options += ["--mode", "mrp"]
    with served(tables, *options) as address:
        yield address


@pytest.fixture(scope="session")
def promise_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lake of a company with promises; tests that share it record nothing."""
    return promise_company(tmp_path_factory.mktemp("promised"))


@pytest.fixture(scope="session")
def promise_server(chromium: str, promise_lake: Path) -> Iterator[str]:
    """Address of a server of that company."""
    with served(promise_lake.parent, "--lake", str(promise_lake)) as address:
        yield address


@pytest.fixture(scope="session")
def ordered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a company with two released orders, on which nothing is decided."""
    place = tmp_path_factory.mktemp("ordered")
    company(place, MORE)
    return place


@pytest.fixture(scope="session")
def order_server(chromium: str, ordered: Path) -> Iterator[str]:
    """Address of a server of that company."""
    with served(ordered, "--lake", str(ordered / "lake")) as address:
        yield address


@pytest.fixture(params=["light", pytest.param("dark", marks=pytest.mark.nightly)])
def order_desk(
    request: pytest.FixtureRequest, page: Page, order_server: str
) -> Watched:
    """A page of that server, in each colour scheme."""
    page.emulate_media(color_scheme=request.param)
    return Watched(page, order_server)


@contextmanager
def served(place: Path, *options: str, **variables: str) -> Iterator[str]:
    """Serve from a folder on a free port, and end the server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    known = {key: value for key, value in os.environ.items() if key != "MEDHAVI_LAKE"}
    start = "import sys; from medhavi.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", start, "serve", "--port", str(port), *options]
    with subprocess.Popen(
        command,
        cwd=place,
        env={**known, **variables},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        address = f"http://127.0.0.1:{port}"
        try:
            _wait_for(address, process)
            yield address
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def _wait_for(
    address: str, process: subprocess.Popen[str], limit_s: float = PATIENCE_S
) -> None:
    begun = time.monotonic()
    while time.monotonic() - begun < limit_s:
        if process.poll() is not None:
            said = process.stdout.read() if process.stdout else ""
            message = f"the server ended: {said}"
            raise RuntimeError(message)
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1).close()
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
        else:
            return
    message = "the server did not answer"
    raise TimeoutError(message)


@pytest.fixture(scope="session")
def browser_context_args(
    browser_context_args: dict[str, object],
) -> dict[str, object]:
    """Use a tall window: what scrolls inside an app is never below its edge."""
    return {
        **browser_context_args,
        "viewport": {"width": 1280, "height": 2600},
        "reduced_motion": "reduce",
    }


@pytest.fixture(scope="session")
def reader(
    browser: Browser, browser_context_args: dict[str, object]
) -> Iterator[BrowserContext]:
    """A browser that reads one page after another: it keeps scripts, as people's do."""
    with browser.new_context(**browser_context_args) as context:
        context.set_default_timeout(PATIENCE_S * 1000)
        yield context


@pytest.fixture
def context(reader: BrowserContext) -> Iterator[BrowserContext]:
    """Context of that browser; what a test leaves in it but scripts is forgotten."""
    yield reader
    for page in reader.pages:
        origin = {"origin": page.evaluate("origin")}
        kinds = {"storageTypes": "local_storage,indexeddb"}
        if origin != {"origin": "null"}:
            session = reader.new_cdp_session(page)
            session.send("Storage.clearDataForOrigin", origin | kinds)
        page.close()
    reader.clear_cookies()
    reader.clear_permissions()
    reader.unroute_all()
    reader.set_offline(False)


@pytest.fixture
def watched(server: str, page: Page) -> Watched:
    return Watched(page, server)
