"""The pages of MLflow, read-only, behind the address and the guard of the server.

A process of its own serves them on a socket file in a folder that only this user can
read: no port is open, and its imports (280 MB) are not the server's. It is started by
the first visit. Only what reads is passed on: who puts a predictor in use needs a name.
"""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from medhavi.errors import EnvironmentFailure
from medhavi.predict.versions import DATABASE
from medhavi.views.page import document, empty
from medhavi.views.words import say

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

TRACKING_VARIABLE = "MEDHAVI_MLFLOW"
"""Variable of the address of MLflow's pages; empty: they are not served."""
ADDRESS = "/mlflow/"
START_SECONDS = 60.0
"""How long the first visit waits for the process."""
MOST_SECONDS = 30.0
"""How long one answer is waited for."""
_READING: Final = ("/search", "/graphql", "/search-datasets", "/get-history-bulk")
"""Ends of the addresses that are posted to and change nothing."""
_KEPT_HEADERS: Final = ("content-type", "cache-control", "etag", "last-modified")


def tracking_address() -> str:
    """Address of MLflow's pages; empty where they are not served."""
    return os.environ.get(TRACKING_VARIABLE, "")


class _TrackingRequest(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=MOST_SECONDS)
        self._path = str(path)

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class TrackingPages:
    """Process that serves the pages of MLflow of a folder of predictors.

    Parameters
    ----------
    models
        Folder of the store.
    """

    def __init__(self, models: Path) -> None:
        self._database = (models / DATABASE).resolve()
        self._place: Path | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()

    def stop(self) -> None:
        """End the process."""
        with self._lock:
            process, self._process = self._process, None
            place, self._place = self._place, None
        if process is not None:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
        if place is not None:
            shutil.rmtree(place, ignore_errors=True)

    def ask(
        self, method: str, path: str, body: bytes, kind: str
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer of MLflow: status, headers and content.

        Raises
        ------
        EnvironmentFailure
            There is no store yet, or its process does not answer.
        """
        connection = _TrackingRequest(self._started())
        try:
            headers = {"content-type": kind} if kind else {}
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            kept = {name: answer.getheader(name) for name in _KEPT_HEADERS}
            told = {name: value for name, value in kept.items() if value}
            return answer.status, told, answer.read()
        except (OSError, http.client.HTTPException) as error:
            message = f"MLflow does not answer ({error}). Load the page again."
            raise EnvironmentFailure(message) from error
        finally:
            connection.close()

    def _started(self) -> Path:
        """Socket of the process, which is started where it does not run."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._start()
            assert self._place is not None
            return self._place / "mlflow.sock"

    def _start(self) -> None:
        if not self._database.is_file():
            message = "No predictor has been trained yet. Run: medhavi train"
            raise EnvironmentFailure(message)
        self._place = self._place or Path(tempfile.mkdtemp(prefix="medhavi-mlflow-"))
        path = self._place / "mlflow.sock"
        path.unlink(missing_ok=True)
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "uvicorn", "--no-access-log"),
                *("--log-level", "warning", "--uds", str(path)),
                "mlflow.server.fastapi_app:app",
            ],
            env={**os.environ, **self._variables()},
            cwd=self._place,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        begun = time.monotonic()
        while time.monotonic() - begun < START_SECONDS:
            if self._process.poll() is not None:
                break
            if path.exists():
                return
            time.sleep(0.1)
        self._process.kill()
        message = "MLflow could not be started. Look at the runs with: mlflow ui"
        raise EnvironmentFailure(message)

    def _variables(self) -> dict[str, str]:
        store = f"sqlite:///{self._database}"
        return {
            "_MLFLOW_SERVER_FILE_STORE": store,
            "_MLFLOW_SERVER_REGISTRY_STORE": store,
            "_MLFLOW_STATIC_PREFIX": ADDRESS.rstrip("/"),
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "DO_NOT_TRACK": "true",
        }


def is_reading(method: str, path: str) -> bool:
    """Whether a request changes nothing.

    >>> is_reading("POST", "/mlflow/ajax-api/2.0/mlflow/runs/search")
    True
    >>> is_reading("POST", "/mlflow/ajax-api/2.0/mlflow/runs/delete")
    False
    """
    return method in ("GET", "HEAD") or (method == "POST" and path.endswith(_READING))


def tracking_routes(pages: TrackingPages) -> list[Route]:
    """Routes that pass on what reads."""
    from starlette.concurrency import run_in_threadpool
    from starlette.responses import (
        HTMLResponse,
        JSONResponse,
        RedirectResponse,
        Response,
    )
    from starlette.routing import Route

    async def passed_on(request: Request) -> Response:
        path, asked = request.url.path, request.url.query
        if not is_reading(request.method, path):
            text = say("mlflow_is_shown_read_only")
            return JSONResponse({"error": text}, status_code=403)
        body, kind = await request.body(), request.headers.get("content-type", "")
        address = f"{path}?{asked}" if asked else path
        try:
            status, headers, content = await run_in_threadpool(
                pages.ask, request.method, address, body, kind
            )
        except EnvironmentFailure as failure:
            if request.headers.get("sec-fetch-mode") == "navigate":
                told = empty(say("no_training_runs_to_show"), str(failure))
                page = document("Medhavi", f'<main style="padding:24px">{told}</main>')
                return HTMLResponse(page, status_code=503)
            return JSONResponse({"error": str(failure)}, status_code=503)
        return Response(content, status_code=status, headers=headers)

    async def led(_request: Request) -> Response:
        return RedirectResponse(ADDRESS)

    methods = ["GET", "POST", "PUT", "PATCH", "DELETE"]
    return [
        Route(ADDRESS.rstrip("/"), led),
        Route(f"{ADDRESS}{{path:path}}", passed_on, methods=methods),
    ]
