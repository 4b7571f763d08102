"""What pages cost in a browser: opening, changing, clicks, a quote, many sessions.

Each figure is wall time in Chromium and CPU of the server's process. Neighbours disturb
wall time more than anything else: on a busy machine the CPU is what to compare. The
demo company is a copy of `lakehouse/aurora-small`, which `medhavi demo` makes, or of
what MEDHAVI_LAKE names; m1000 and m10000 are folders of tables whose plan is kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import uuid
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from playwright.sync_api import Locator, Page

ROOT = Path(__file__).resolve().parents[1]
SIZES: tuple[str, ...] = ("m1000", "m10000")
SESSIONS, TOGETHER = 10, 20
EDITS = 5
READ_S = 4.0
"""How long a person reads a form or a price before they go on [s]."""
STILL_S = 0.6
"""A page in which no cell has run for so long is drawn [s]."""
MOST_ROWS = 3
GATES = {
    "first page after start": (3.0, None),
    "page to page, p95": (0.8, None),
    "click without planning, p95": (0.3, 0.1),
    "full quote": (0.6, 0.3),
    "work over 1 s: phase and stop shown, slowest": (0.3, None),
    "edit priced, approved, new plan shown: first": (3.0, None),
    "edit priced, approved, new plan shown: median": (3.0, None),
    "further session [MB]": (4.0, None),
    f"{TOGETHER} sessions at once, first content p95": (5.0, None),
    f"{TOGETHER} sessions at once, click p95": (1.0, None),
    "m1000: slowest page": (4.0, None),
    "m10000: slowest page": (5.0, None),
}
"""Wall [s] and CPU [s] at most, on a machine that does nothing else."""


class Cost(NamedTuple):
    """Wall time [s] of one deed in the browser, and CPU of the server for it [s]."""

    wall: float
    cpu: float


class Server:
    """A server of its own process: its address, its CPU and its memory."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port
        self.address = f"http://127.0.0.1:{port}"

    def cpu(self) -> float:
        """Seconds of CPU so far, jobs in worker processes left out."""
        text = Path(f"/proc/{self._process.pid}/stat").read_text("utf-8")
        parts = text.rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """Resident memory [MB]."""
        text = Path(f"/proc/{self._process.pid}/status").read_text("utf-8")
        found = re.search(r"VmRSS:\s+(\d+)", text)
        assert found is not None
        return int(found[1]) / 1024


@contextmanager
def served(place: Path, *options: str) -> Iterator[Server]:
    """Serve what the options name until the block ends."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    start = "import sys; from medhavi.cli import main; sys.exit(main())"
    known = {key: value for key, value in os.environ.items() if key != "MEDHAVI_LAKE"}
    with subprocess.Popen(
        [sys.executable, "-c", start, "serve", "--port", str(port), *options],
        cwd=place,
        env={**known, "PYTHONPATH": str(ROOT), "MEDHAVI_CACHE": str(place / "plans")},
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        server = Server(process, port)
        try:
            while process.poll() is None and not _answers(server):
                time.sleep(0.1)
            yield server
        finally:
            process.terminate()


def _answers(server: Server) -> bool:
    try:
        urllib.request.urlopen(f"{server.address}/health", timeout=5).close()
    except OSError:
        return False
    return True


_CLOCK = """
const clock = window.medhaviClock = {begun: 0, ended: 0, runs: 0, awaited: 0};
const painted = () => {
  clock.awaited += 1;
  requestAnimationFrame(() => setTimeout(() => {
    clock.ended = performance.now();
    clock.awaited -= 1;
  }));
};
for (const kind of ["pointerdown", "keydown"])
  addEventListener(kind, () => { clock.begun = performance.now(); painted(); }, true);
const Channel = window.WebSocket;
window.WebSocket = class extends Channel {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", event => {
      if (!String(event.data).startsWith('{"op": "completed-run"')) return;
      clock.runs += 1;
      painted();
    });
  }
};
"""
"""Clock of a page: from a press to what was drawn after the kernel's last run [ms].

The browser's own, for a tool that drives it waits many frames for each press.
"""
_SHOWN = """
async name => {
  const there = () => {
    const frame = document.querySelector("iframe.shown");
    return frame?.src.endsWith(`/${name}/`) && frame.contentDocument?.querySelector("h1");
  };
  while (!there()) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - medhaviClock.begun;
}
"""
"""Time from the press on a link of the shell to the page in its frame [ms]."""


_THERE = """
text => {
  const buttons = [...document.querySelectorAll("marimo-button")];
  const there = document.body.innerText.includes(text)
    || buttons.some(one => one.dataset.label.includes(text));
  return there && performance.now() - medhaviClock.begun;
}
"""
"""Time from a press until a text or a button is there [ms]; asked in every frame."""
_WORKS = """
() => {
  const told = [...document.querySelectorAll("[data-job]")].some(place => {
    const stop = place.querySelector("[data-stop]");
    return place.querySelector(".mv-phase")?.textContent && stop?.checkVisibility();
  });
  return told && performance.now() - medhaviClock.begun;
}
"""
"""Time from a press until its work has a phase and a stop on the page [ms]."""


class Visitor:
    """A page in Chromium whose deeds are measured until the kernel is still again."""

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        page.add_init_script(_CLOCK)

    def _clock(self) -> tuple[int, float]:
        """Runs of the page so far, and the time from the press to its picture [s]."""
        self.page.wait_for_function("medhaviClock.awaited === 0")
        known = self.page.evaluate("medhaviClock")
        return known["runs"], (known["ended"] - known["begun"]) / 1000

    def deed(self, do: Callable[[], object], wait_s: float = 60.0) -> Cost:
        """Measure a press; one that no cell follows ends with its own picture."""
        runs, cpu, begun = self._clock()[0], self.server.cpu(), time.monotonic()
        do()
        while self._clock()[0] == runs and time.monotonic() - begun < wait_s:
            self.page.wait_for_timeout(20)
        return self.drawn(cpu)

    def until(self, text: str) -> float:
        """Seconds from the last press until a text or a button is there."""
        told = self.page.wait_for_function(_THERE, arg=text, timeout=60_000)
        return float(told.json_value()) / 1000

    def works(self, press: Locator) -> Cost:
        """Press what begins long work, until the page has its phase and its stop.

        A person reads the form before that.
        """
        self._still()
        self.page.wait_for_timeout(READ_S * 1000)
        cpu = self.server.cpu()
        press.click()
        told = self.page.wait_for_function(_WORKS, timeout=60_000)
        return Cost(float(told.json_value()) / 1000, self.server.cpu() - cpu)

    def _still(self) -> None:
        """Wait until no job is under way."""
        address = f"{self.server.address}/jobs"
        while True:
            with urllib.request.urlopen(address, timeout=60) as answer:
                states = {job["state"] for job in json.load(answer)}
            if not states & {"waiting", "running"}:
                return
            self.page.wait_for_timeout(100)

    def drawn(self, cpu: float) -> Cost:
        """Cost once no cell has run for a while; `cpu` is that of before."""
        (runs, wall), heard = self._clock(), time.monotonic()
        while time.monotonic() - heard < STILL_S:
            known, wall = self._clock()
            if known != runs:
                runs, heard = known, time.monotonic()
            self.page.wait_for_timeout(20)
        return Cost(wall, self.server.cpu() - cpu)

    def visit(self, path: str) -> Cost:
        """Open a page by its address, alone."""
        cpu = self.server.cpu()
        self.page.goto(self.server.address + path)
        self.page.locator("h1").first.wait_for()
        return self.drawn(cpu)

    def loaded_ahead(self) -> Cost:
        """Open the shell and wait until it has loaded its pages ahead."""
        cpu, begun = self.server.cpu(), time.monotonic()
        self.page.goto(self.server.address)
        for link in self.page.locator("a[data-ahead]").all():
            frame = self.page.locator(f'iframe[src="{link.get_attribute("href")}"]')
            frame.content_frame.locator("h1").first.wait_for(
                state="attached", timeout=120_000
            )
        return Cost(time.monotonic() - begun, self.server.cpu() - cpu)

    def changes(self, names: Iterable[str]) -> Iterator[Cost]:
        """Go from page to page by the navigation of the shell."""
        for name in names:
            cpu = self.server.cpu()
            self.page.locator(f'.side a[href="/{name}/"]').click()
            wall = self.page.evaluate(_SHOWN, name) / 1000
            yield Cost(wall, self.server.cpu() - cpu)

    def clicks(self) -> Iterator[tuple[str, Cost]]:
        """Click each tab of the page and the first rows of what is shown."""
        tabs = self.page.get_by_role("tablist").first.get_by_role("tab").all()
        for tab in tabs[1:]:
            yield f"tab {tab.inner_text()}", self.deed(tab.click, 1.0)
        if tabs:
            self.deed(tabs[0].click, 1.0)
        for row in range(1, MOST_ROWS + 1):
            box: Locator = self.page.get_by_role("checkbox", name="Select row").nth(row)
            if box.is_visible():
                yield f"row {row}", self.deed(box.click, 1.0)


@contextmanager
def visitor(server: Server) -> Iterator[Visitor]:
    """Open a browser, as a planner's: what it once has it does not ask for again."""
    from playwright.sync_api import sync_playwright

    place = os.environ.get("CHROMIUM") or shutil.which("chromium")
    options = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=place, args=options)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        yield Visitor(page, server)
        browser.close()


_ENDED = '{"op": "completed-run"'


class Session:
    """A session without a browser: the channel of a page, as a browser opens it."""

    def __init__(self, server: Server, path: str) -> None:
        from websockets.sync.client import connect

        with urllib.request.urlopen(f"{server.address}{path}", timeout=120) as page:
            token = re.search(r'data-token="([^"]*)"', page.read().decode())
        assert token is not None
        name = f"s_{uuid.uuid4().hex[:6]}"
        address = f"ws://127.0.0.1:{server.port}{path}ws?session_id={name}"
        self._values = f"{server.address}{path}api/kernel/set_ui_element_value"
        self._headers = {
            "Marimo-Session-Id": name,
            "Marimo-Server-Token": token[1],
            "Content-Type": "application/json",
        }
        self._tabs = ""
        self._opening = connect(
            address, max_size=None, open_timeout=120, ping_interval=None
        )

    def content(self) -> float:
        """Seconds until the tiles of the page are here; the session stays open."""
        begun = time.monotonic()
        while "mv-tile" not in (told := str(self._opening.recv(timeout=120))):
            self._look(told)
        self._look(told)
        return time.monotonic() - begun

    def _look(self, told: str) -> None:
        """Take note of the tabs of the page where a message draws them."""
        found = re.search(r"object-id='([\w-]+)'[^>]*><marimo-tabs", told)
        self._tabs = found[1] if found is not None else self._tabs

    def filled(self) -> None:
        """Wait until all cells of the page have run."""
        while not (told := str(self._opening.recv(timeout=120))).startswith(_ENDED):
            self._look(told)

    def press(self, tab: int) -> float:
        """Seconds from a press on a tab until all that follows from it is here."""
        asked = {"objectIds": [self._tabs], "values": [str(tab)]}
        content = json.dumps(asked).encode()
        begun = time.monotonic()
        press = urllib.request.Request(self._values, content, self._headers)
        urllib.request.urlopen(press, timeout=120).close()
        self.filled()
        return time.monotonic() - begun

    def close(self) -> None:
        self._opening.close()


def together(server: Server, path: str) -> tuple[list[float], list[float]]:
    """Sessions that open a page at once, and then press a tab at once.

    Seconds of each to its first content, and from its press to what follows.
    """
    opened: list[float] = []
    pressed: list[float] = []
    all_filled = threading.Barrier(TOGETHER)

    def one() -> None:
        begun = time.monotonic()
        session = Session(server, path)
        session.content()
        opened.append(time.monotonic() - begun)
        session.filled()
        all_filled.wait()
        pressed.append(session.press(1))
        session.close()

    threads = [threading.Thread(target=one) for _ in range(TOGETHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return opened, pressed


def further_session(server: Server, path: str) -> float:
    """Memory of a further session [MB]."""
    with ExitStack() as open_ones:
        before = 0.0
        for count in range(SESSIONS + 2):
            if count == 2:  # the first ones fill what all sessions share
                before = server.memory()
            session = Session(server, path)
            open_ones.callback(session.close)
            session.content()
        return (server.memory() - before) / SESSIONS


def quote(visitor: Visitor) -> Cost:
    """Ask for another quantity on the promise page: the whole answer."""
    costs = []
    field = visitor.page.get_by_label("Quantity").first
    for quantity in ("3600", "3700", "3800"):
        field.fill(quantity)
        field.press("Tab")
        ask = visitor.page.get_by_role("button", name="Quote")
        costs.append(visitor.deed(ask.click))
    return Cost(*(statistics.median(part) for part in zip(*costs, strict=True)))


def edit(visitor: Visitor, row: int) -> Cost:
    """Select an order, price a firming of it and approve: until the page has its plan.

    Waits of the person, who reads the form and the price, are left out.
    """
    page, server = visitor.page, visitor.server
    visitor.visit("/orders/?status=planned")
    page.get_by_role("checkbox", name="Select row").nth(row).click()
    form = page.get_by_role("button", name="Preview", exact=True).last
    form.wait_for()
    page.wait_for_timeout(READ_S * 1000)
    approve = page.get_by_role("button", name="Approve the edit")
    cpu = server.cpu()
    form.click()
    priced = visitor.until("Approve the edit")
    name = page.get_by_label("Approver").first
    if not name.input_value():
        name.fill("Maria")
        name.press("Tab")
        page.wait_for_timeout(READ_S * 1000)
    approve.click()
    visitor.until("● Decided")
    shown = visitor.drawn(cpu)
    return Cost(priced + shown.wall, shown.cpu)


def long_work(visitor: Visitor) -> Cost:
    """Begin trade-offs, the price of an edit and a scenario; the slowest to tell."""
    page = visitor.page
    visitor.visit("/tradeoffs/")
    fronts = visitor.works(page.get_by_role("button", name="Find the trade-offs"))
    visitor.visit("/scenarios/?kind=demand_factor")
    change = page.get_by_placeholder("15 or -10").locator("visible=true")
    visitor.deed(lambda: (change.fill("15"), change.press("Tab")), 1.0)
    scenario = visitor.works(page.get_by_role("button", name="Add the change"))
    visitor.visit("/orders/?status=planned")
    visitor.deed(page.get_by_role("checkbox", name="Select row").nth(1).click)
    preview = page.get_by_role("button", name="Preview", exact=True).last
    return max(fronts, scenario, visitor.works(preview))


def p95(values: list[float]) -> float:
    """Quantile of 95 %."""
    return sorted(values)[max(0, round(0.95 * len(values)) - 1)]


def costs_of_demo(
    server: Server, started: float
) -> tuple[dict[str, Cost], list[tuple[object, ...]]]:
    """Figures of the gates on the demo company, and a row a page."""
    from medhavi.service.page_files import CLOSED_S
    from medhavi.service.shell import AHEAD
    from medhavi.views.page import PAGES

    figures: dict[str, Cost] = {"start of the server": Cost(started, server.cpu())}
    rows, clicked, alone = [], [], []
    with visitor(server) as desk:
        figures["first page after start"] = desk.visit("/cockpit/")
        for name in PAGES:
            first = desk.visit(f"/{name}/")
            again = desk.visit(f"/{name}/")
            clicks = list(desk.clicks())
            alone.append(again)
            clicked += [cost for _, cost in clicks]
            worst = max(clicks, key=lambda one: one[1].cpu, default=("", Cost(0, 0)))
            told = f"{worst[0]}: {_told(worst[1])}" if clicks else ""
            rows.append((name, _told(first), _told(again), len(clicks), told))
            if name == "promise":
                figures["full quote"] = quote(desk)
    with visitor(server) as desk:
        figures["all pages loaded ahead"] = desk.loaded_ahead()
        changes = [*desk.changes(sorted(AHEAD)), *desk.changes(sorted(AHEAD))]
    for title, costs in (
        ("page to page, p95", changes),
        ("a page alone once more, p95", alone),
        ("click without planning, p95", clicked),
    ):
        wall, cpu = ([*part] for part in zip(*costs, strict=True))
        figures[title] = Cost(p95(wall), p95(cpu))
    with visitor(server) as desk:
        figures["work over 1 s: phase and stop shown, slowest"] = long_work(desk)
    figures["further session [MB]"] = Cost(further_session(server, "/plan/"), 0.0)
    time.sleep(CLOSED_S)  # pages that were closed are filled by edits until then
    with visitor(server) as desk:
        edits = [edit(desk, row) for row in range(2, 2 + EDITS)]
    figures["edit priced, approved, new plan shown: first"] = edits[0]
    figures["edit priced, approved, new plan shown: median"] = Cost(
        *(statistics.median(part) for part in zip(*edits, strict=True))
    )
    before = server.cpu()
    waited, pressed = together(server, "/plan/")
    spent = (server.cpu() - before) / TOGETHER
    figures[f"{TOGETHER} sessions at once, first content p95"] = Cost(
        p95(waited), spent
    )
    figures[f"{TOGETHER} sessions at once, click p95"] = Cost(p95(pressed), 0.0)
    assert len(pressed) == TOGETHER
    return figures, rows


def _told(cost: Cost) -> str:
    return f"{cost.wall:.2f} s, {cost.cpu:.2f} CPU s"


def slowest(server: Server) -> tuple[str, Cost]:
    """Page that takes longest to open where the server has read its data."""
    from medhavi.views.page import PAGES

    with visitor(server) as desk:
        desk.visit("/plan/")
        opened = {name: desk.visit(f"/{name}/") for name in PAGES}
    return max(opened.items(), key=lambda one: one[1].wall)


def plan_kept(tables: Path, kept: Path) -> None:
    """Make the plan that pages show, in the cache that they read."""
    from medhavi.service.data_source import USUAL_MODE
    from medhavi.workbench.files.cache import CACHE_VARIABLE
    from medhavi.workbench.files.tables_run import read_tables
    from medhavi.workbench.plan_in_force import renewed_plan

    os.environ[CACHE_VARIABLE] = str(kept)
    renewed_plan(read_tables(tables), USUAL_MODE)


def main() -> int:
    """Write the sections; exit 1 where a gate is missed."""
    sys.path.insert(0, str(ROOT))
    from benchmarks.instances import scaled
    from benchmarks.performance_page import write_section

    lake = Path(os.environ.get("MEDHAVI_LAKE") or ROOT / "lakehouse/aurora-small/lake")
    if not lake.is_dir():
        print("There is no demo company: run `medhavi demo`, or set MEDHAVI_LAKE.")
        return 2
    figures: dict[str, Cost] = {}
    with tempfile.TemporaryDirectory(prefix="medhavi-bench-") as folder:
        place = Path(folder)
        shutil.copytree(lake.parent, place / "company")
        begun = time.monotonic()
        with served(place, "--lake", str(place / "company" / lake.name)) as server:
            figures, rows = costs_of_demo(server, time.monotonic() - begun)
        for size in SIZES:
            scaled(size).to_folder(place / size, format="parquet")
            plan_kept(place / size, place / "plans")
            with served(place, "--tables", str(place / size)) as server:
                name, cost = slowest(server)
            figures[f"{size}: slowest page"] = cost
            rows.append((f"{size}: {name}", "", _told(cost), "", ""))
    missed = False
    told = []
    for what, cost in figures.items():
        wall, cpu = GATES.get(what, (None, None))
        over = (wall is not None and cost.wall > wall) or (
            cpu is not None and cost.cpu > cpu
        )
        missed |= over
        gate = "" if wall is None else f"≤ {wall:g}"
        gate += "" if cpu is None else f"; ≤ {cpu:g} CPU s"
        told.append(
            (what, f"{cost.wall:.2f}", f"{cost.cpu:.2f}", gate + ", missed" * over)
        )
    write_section(
        "pages",
        ("what", "wall [s]", "CPU of the server [s]", "gate"),
        told,
        "The demo company small in Chromium, the plan at hand; a session without a "
        "browser is the channel of the page alone. The CPU of sessions is that of one.",
    )
    write_section(
        "pages, each",
        ("page", "first of the process", "once more", "clicks", "costliest click"),
        rows,
        "The same run. Clicks are tabs and the first rows of grids; none plans.",
    )
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
