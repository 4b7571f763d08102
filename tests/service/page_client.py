"""A page of a real server without a browser: its session, its cells, its files."""

from __future__ import annotations

import base64
import http.client
import json
import re
import time
import urllib.request
import uuid
from typing import TYPE_CHECKING, Self

from websockets.sync.client import connect

if TYPE_CHECKING:
    from types import TracebackType

_FILE = re.compile(r"object-id=\\?'([^'\\]+)\\?'[^>]*>\s*<marimo-file\b")
_TOKEN = re.compile(r"serverToken[^A-Za-z0-9]*:\s*\"([^\"]+)\"")


class PageClient:
    """One session of a page, as a browser opens it: a WebSocket and POSTs.

    Parameters
    ----------
    port
        Of the server on 127.0.0.1.
    page
        Address of the page ("/plan").
    query
        What it asks for ("&tab=upload").
    """

    def __init__(self, port: int, page: str, query: str = "") -> None:
        self._port, self._page = port, page
        self._session = f"s_{uuid.uuid4().hex[:6]}"
        self._place = ""
        self.text = ""
        """What the server sent since the last file, in its order."""
        address = f"http://127.0.0.1:{port}{page}/"
        with urllib.request.urlopen(address, timeout=60) as said:
            shown = said.read().decode()
        self._token = _TOKEN.findall(shown)[0]
        self._opening = connect(
            f"ws://127.0.0.1:{port}{page}/ws?session_id={self._session}{query}",
            max_size=None,
            open_timeout=60,
        )

    def __enter__(self) -> Self:
        self._channel = self._opening.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opening.__exit__(kind, value, trace)

    def drop(self, name: str, content: bytes) -> int:
        """Drop a file on the first place of the page that takes one; the status."""
        if not self._place:
            self.until(_FILE)
            self._place = _FILE.findall(self.text)[0]
        self.text = ""
        packed = base64.b64encode(content).decode()
        value = [[name, packed]]
        body = {"objectIds": [self._place], "values": [value]}
        return self._post("set_ui_element_value", body)

    def until(self, wanted: str | re.Pattern[str], seconds: float = 90.0) -> None:
        """Read what the server sends until it has said something."""
        last = time.monotonic() + seconds
        while not re.search(wanted, self.text):
            left = last - time.monotonic()
            assert left > 0, f"{wanted} was not said: {self.text[-2000:]}"
            try:
                said = self._channel.recv(timeout=left)
            except TimeoutError:
                continue
            self.text += said if isinstance(said, str) else said.decode()

    def _post(self, verb: str, body: object) -> int:
        asking = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        headers = {
            "content-type": "application/json",
            "marimo-session-id": self._session,
            "marimo-server-token": self._token,
        }
        path = f"{self._page}/api/kernel/{verb}"
        try:
            asking.request("POST", path, json.dumps(body), headers)
            return asking.getresponse().status
        finally:
            asking.close()
