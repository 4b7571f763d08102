"""The guard before all routes: who is addressed, who asks, how much, and in what frame.

There are no accounts: the server answers this machine alone. A browser on it also runs
pages of other sites, so every request is checked before any route sees it, those of
marimo, its WebSockets and event streams included:

- `Host` names this machine (421 otherwise): a foreign name that resolves to a loopback
  address, DNS rebinding, reads nothing.
- `Origin`, where there is one, is the address that is asked (403 otherwise; "null" is
  foreign). Programs send none; browsers send it with every WebSocket and every POST.
- What a browser says another site loads (`Sec-Fetch-Site`) is refused unless it is a
  link that was followed.
- The body is counted as it arrives, chunked ones included (413 at the limit).
- Of marimo only the routes that a reader of a page needs exist (404 otherwise).

A browser is given a cookie of random digits with its first page: it tells two people
apart, and opens nothing. Every answer carries the security headers and a request id;
every refusal and failure is one JSON line of the log with that id.
"""

from __future__ import annotations

import json
import logging
import re
import traceback
import uuid
from typing import TYPE_CHECKING, Final, NamedTuple

from medhavi.service.plan_pages.approver_names import BROWSER
from medhavi.views.page import ICON, document, empty, navigation_html
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
"""Names of this machine, as `Host` has them."""
MOST_BYTES: Final = 50_000_000
"""Largest body of a request [bytes]: a dropped file, as pages send it."""
_A_YEAR: Final = 31_536_000
REQUEST_ID: Final = "request_id"
"""Key of the request id in the state of a request, in answers and in the log."""
PROBLEM: Final = "problem"
"""Key in the state of a request for what a route refused; it goes to the log."""
FAILURE: Final = "failure"
"""Key in the state of a request for the traceback of a route that failed."""
_POLICY: Final = (
    "default-src 'self'; "
    # marimo starts its pages with inline scripts; Vega compiles its expressions.
    "script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:; worker-src 'self' blob:; "
    "frame-src 'self' data: blob:; object-src 'none'; base-uri 'self'; "
    # Pages stand in frames of the shell, and in nobody else's.
    "form-action 'self'; frame-ancestors 'self'"
)
HEADERS: Final = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Security headers of every answer; they replace those of a route."""
_OWN_NAMES: Final = frozenset(name for name, _ in HEADERS) | {b"x-request-id"}
KERNEL: Final = frozenset(
    f"/api/kernel/{verb}"
    for verb in (
        "function_call",
        "instantiate",
        "set_model_value",
        "set_ui_element_value",
        "takeover",
    )
)
"""Routes of marimo that a reader of a page posts to; none of them runs given code."""
_SERVED: Final = re.compile(
    r"/|/ws|/sse|/health|/favicon\.ico|/manifest\.json|/logo\.png|/custom\.css"
    r"|/assets/[\w.@+-]+(/[\w.@+-]+)*"
    r"|/@file/(\d{1,12}-[\w.-]{1,200}|[\w.-]{1,200})"
    r"|/[\w-]+\.(png|ico|svg|jpg|webmanifest|js|html)",
    re.ASCII,
)
"""Paths of a page of marimo, below its address, that are read."""
_log = logging.getLogger(__name__)


class HttpRefusal(NamedTuple):
    """The answer in place of a route's: status, what is wrong, what to do."""

    status: int
    problem: str
    remedy: str


TOO_LARGE = HttpRefusal(
    413,
    say("the_body_has_more_than", MOST_BYTES // 1_000_000),
    say("send_less_at_once"),
)
_GONE = HttpRefusal(404, say("the_file_of_this_page"), say("load_the_page_again"))
_UNKNOWN = HttpRefusal(404, say("this_address_is_not_served"), say("open_a_page"))
_FAILED = HttpRefusal(500, say("the_server_failed"), say("report_request_id"))


class RequestGuard:
    """An ASGI application behind the checks of this module.

    Parameters
    ----------
    app
        What is guarded.
    pages
        Addresses of marimo pages ("/plan"): below them only what a reader needs exists.
    hosts
        Further names of this machine, as `--host` has them.
    """

    def __init__(
        self, app: ASGIApp, pages: Iterable[str] = (), hosts: Iterable[str] = ()
    ) -> None:
        self._app = app
        self._pages = frozenset(page.rstrip("/") for page in pages)
        self._hosts = LOOPBACK | {_bracketed(host) for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        name = uuid.uuid4().hex
        scope.setdefault("state", {})[REQUEST_ID] = name
        exchange = _Exchange(scope, receive, send, name)
        refusal = self._refusal(scope)
        if refusal is not None:
            await exchange.refuse(refusal)
            return
        try:
            await self._app(scope, exchange.receive, exchange.send)
        except Exception:  # noqa: BLE001 - the boundary of the process
            scope["state"].setdefault(FAILURE, traceback.format_exc(limit=-20))
        await exchange.end()

    # -------------------------------------------------------------------- decisions
    def _refusal(self, scope: Scope) -> HttpRefusal | None:
        """Check a request before its body is read; None: nothing is wrong."""
        hosts = _values(scope, b"host")
        if len(hosts) != 1 or _host_name(hosts[0]) not in self._hosts:
            said = ", ".join(hosts) or "no host"
            return HttpRefusal(
                421,
                say("this_server_answers", said[:200]),
                say("open_it_as_http_localhost"),
            )
        return (
            _foreign(scope, hosts[0])
            or self._not_served(str(scope["path"]))
            or _announced(scope)
        )

    def _not_served(self, path: str) -> HttpRefusal | None:
        """Why a path is not served, as far as the path alone says it."""
        parts = path.split("/")
        if ".." in parts or "\\" in path or "\0" in path:
            return HttpRefusal(
                400, say("the_path_leaves_its_folder"), say("follow_a_link")
            )
        page = f"/{parts[1]}" if len(parts) > 1 else ""
        if page not in self._pages:
            return None
        below = path[len(page) :] or "/"
        if below in KERNEL or _SERVED.fullmatch(below):
            return None
        return _UNKNOWN


def _foreign(scope: Scope, host: str) -> HttpRefusal | None:
    """Why a request comes from a page of another site; None: it does not."""
    scheme = str(scope.get("scheme", "http")).replace("ws", "http")
    own = _address(f"{scheme}://{host}")
    origins = _values(scope, b"origin")
    # A proxy that ends TLS asks by http what the browser asked by https.
    ends = {own, _address(f"https://{host}")}
    if any(_address(origin) not in ends for origin in origins):
        return HttpRefusal(
            403,
            say("a_page_of_asks_only", ", ".join(origins)[:200]),
            say("open_the_page"),
        )
    site = _values(scope, b"sec-fetch-site")
    followed = (
        scope.get("method") in {"GET", "HEAD"}
        and _values(scope, b"sec-fetch-mode") == ["navigate"]
        and _values(scope, b"sec-fetch-dest") == ["document"]
    )
    if not followed and any(one not in {"same-origin", "none"} for one in site):
        return HttpRefusal(403, say("a_page_of_another_site"), say("open_the_page"))
    return None


def _introduction(scope: Scope) -> list[tuple[bytes, bytes]]:
    """Header that tells a browser its digits with the first page that it opens."""
    opens = _values(scope, b"sec-fetch-mode") == ["navigate"]
    if not opens or any(BROWSER in one for one in _values(scope, b"cookie")):
        return []
    digits = uuid.uuid4().hex
    # Lax: who follows a link of another site is still the same reader.
    told = f"{BROWSER}={digits}; Path=/; Max-Age={_A_YEAR}; HttpOnly; SameSite=Lax"
    return [(b"set-cookie", told.encode())]


def _announced(scope: Scope) -> HttpRefusal | None:
    """Why an announced length is not taken; what is not announced is counted."""
    for length in _values(scope, b"content-length"):
        if not length.isdecimal() or len(length) > 18 or int(length) > MOST_BYTES:
            return TOO_LARGE
    return None


class _TooLargeError(Exception):
    """More of a body came than is read."""


class _Exchange:
    """One request and its answer: counts what comes, completes what goes."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, name: str) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._name = name
        self._bytes = 0
        self._status = 0
        self._withheld = False
        self._instead = _FAILED
        self._navigates = _values(scope, b"sec-fetch-mode") == ["navigate"]
        self._files = "/@file/" in str(scope["path"])
        self._waiting: Message | None = None
        """Head of a page's file, which marimo sends before it looks for the file."""

    async def receive(self) -> Message:
        """Read the next message of the client.

        Raises
        ------
        _TooLargeError
            The body is larger than what is read.
        """
        if self._too_large:
            raise _TooLargeError
        message = await self._receive()
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            if self._too_large:
                raise _TooLargeError
        return message

    @property
    def _too_large(self) -> bool:
        return self._bytes > MOST_BYTES

    async def send(self, message: Message) -> None:
        """Pass a message of a route on, with the headers of the guard.

        What a route says of its own failure, of a body that was cut, or to a person of
        an address that is not there, is withheld: the guard answers instead.
        """
        if message["type"] in {"http.response.start", "websocket.accept"}:
            status = int(message.get("status", 200))
            failed = status == _FAILED.status and PROBLEM not in self._scope["state"]
            unknown = status == _UNKNOWN.status and self._navigates
            if unknown:
                self._instead = _GONE if self._files else _UNKNOWN
            self._withheld = self._too_large or failed or unknown
            if not self._withheld:
                self._status = status
                told = [*self._completed(message), *_introduction(self._scope)]
                message = {**message, "headers": told}
            if self._files and not self._withheld:
                self._waiting = message
                return
        if self._waiting is not None:
            head, self._waiting = self._waiting, None
            await self._send(head)
        if not self._withheld:
            await self._send(message)

    async def refuse(self, refusal: HttpRefusal) -> None:
        """Answer in place of a route; a WebSocket is closed before it is open."""
        self._scope["state"][PROBLEM] = refusal.problem
        await self._answer(refusal)
        self._note()

    async def end(self) -> None:
        """Answer for a route that failed or was cut, and note what went wrong."""
        state = self._scope["state"]
        if not self._status and self._too_large:
            state.pop(FAILURE, None)
            state[PROBLEM] = TOO_LARGE.problem
            await self._answer(TOO_LARGE)
        elif self._waiting is not None:
            self._waiting = None
            state.pop(FAILURE, None)
            state[PROBLEM] = _GONE.problem
            await self._answer(_GONE)
        elif not self._status and (self._withheld or FAILURE in state):
            await self._answer(self._instead)
        if self._status >= 400 or FAILURE in state:
            self._note()

    async def _answer(self, refusal: HttpRefusal) -> None:
        self._status = refusal.status
        kind = b"text/html; charset=utf-8"
        if self._navigates:
            asked = str(self._scope["path"]).rstrip("/").rpartition("/")[2]
            text = _page_of(refusal, self._name, asked[:_LONGEST_ASKED]).encode()
        else:
            kind = b"application/problem+json"
            told = {"error": f"{refusal.problem} {refusal.remedy}"}
            told |= {"remedy": refusal.remedy, REQUEST_ID: self._name}
            text = json.dumps({**told, "status": refusal.status}).encode()
        stated = [
            (b"content-type", kind),
            (b"content-length", str(len(text)).encode()),
            (b"cache-control", b"no-store"),
        ]
        message = "http.response"
        if self._scope["type"] == "websocket":
            if "websocket.http.response" not in self._scope.get("extensions", {}):
                await self._send({"type": "websocket.close", "code": 1008})
                return
            message = "websocket.http.response"
        elif refusal.status == TOO_LARGE.status:
            # What still comes of the body is not read: the connection ends.
            stated.append((b"connection", b"close"))
        headers = self._completed({"headers": stated})
        start = {"type": f"{message}.start", "status": refusal.status}
        await self._send({**start, "headers": headers})
        await self._send({"type": f"{message}.body", "body": text})

    def _completed(self, message: Message) -> list[tuple[bytes, bytes]]:
        kept = [
            (name, value)
            for name, value in message.get("headers", ())
            if name.lower() not in _OWN_NAMES
        ]
        return [*kept, *HEADERS, (b"x-request-id", self._name.encode())]

    def _note(self) -> None:
        """Write one JSON line about a refusal or a failure."""
        scope, state = self._scope, self._scope["state"]
        told = {
            REQUEST_ID: self._name,
            "method": scope.get("method", scope["type"]),
            "path": str(scope["path"])[:500],
            "status": self._status or _FAILED.status,
        }
        told |= {key: state[key] for key in (PROBLEM, FAILURE) if key in state}
        failed = told["status"] == _FAILED.status or FAILURE in state
        _log.log(logging.ERROR if failed else logging.WARNING, "%s", json.dumps(told))


_LONGEST_ASKED = 60
"""Characters of an unknown address that are offered to the search."""


def _page_of(refusal: HttpRefusal, name: str, asked: str) -> str:
    """Answer for a person, who followed a link or typed an address.

    The pages and the search stand above it, with what the address names.
    """
    told = empty(refusal.problem, refusal.remedy)
    failed = refusal.status == _FAILED.status
    number = f'<p class="muted small">{say("request_id", name)}</p>' if failed else ""
    pages = navigation_html(asked=asked if refusal.status == _UNKNOWN.status else "")
    body = f'{pages}<main style="padding:24px">{told}{number}</main>'
    return document("Medhavi", body, head=ICON)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _host_name(host: str) -> str:
    """Name in a `Host` header, without its port; empty: it is none.

    >>> _host_name("localhost:8710"), _host_name("[::1]"), _host_name("a:b:c")
    ('localhost', '[::1]', '')
    """
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:/@?#\s]+)(:\d{1,5})?", host)
    return found[1].lower() if found else ""


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()


def _address(origin: str) -> tuple[str, str, str] | None:
    """Scheme, name and port of an origin; None: it is none.

    >>> _address("http://localhost:80") == _address("http://localhost")
    True
    >>> _address("null") is None
    True
    """
    found = re.fullmatch(r"(https?)://([^/@?#\s]+)", origin.lower())
    if found is None or not _host_name(found[2]):
        return None
    name = _host_name(found[2])
    port = found[2][len(name) + 1 :]
    return found[1], name, port or {"http": "80", "https": "443"}[found[1]]
