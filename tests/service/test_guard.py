"""The guard: foreign hosts, foreign pages, large bodies and routes nobody needs."""

from __future__ import annotations

import json
import logging
import re

import pytest
from starlette.testclient import TestClient

from medhavi.service.api.guard import HEADERS, KERNEL, MOST_BYTES, RequestGuard
from medhavi.service.app import create_app, entries
from medhavi.service.plan_pages.approver_names import BROWSER
from tests.asynchronous import finished

OWN = "http://localhost:8710"
FOREIGN = (
    ({"host": "evil.example:8710"}, 421),
    ({"host": "localhost.evil.example"}, 421),
    ({"host": "localhost:8710" + "@" + "evil.example"}, 421),
    ({"origin": "http://example.org"}, 403),
    ({"origin": "http://localhost:9999"}, 403),
    ({"origin": "null"}, 403),
    ({"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}, 403),
    ({"sec-fetch-site": "same-site", "sec-fetch-mode": "cors"}, 403),
)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """The whole server with all its pages, on no data."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MEDHAVI_LAKE", "MEDHAVI_STORE", "MEDHAVI_TABLES"):
            patch.delenv(name, raising=False)
        patch.chdir(tmp_path_factory.mktemp("nowhere"))
        yield create_app()


@pytest.fixture
def client(app):
    return TestClient(app, base_url=OWN)


def routes(app):
    """Every route of the server with one of its methods: (page, path, method)."""
    served = app._app

    def below(found, prefix):
        for route in found:
            path = prefix + getattr(route, "path", "")
            inner = getattr(route, "routes", None)
            if inner:
                yield from below(inner, path)
            elif type(route).__name__ == "WebSocketRoute":
                yield path, "WEBSOCKET"
            else:
                methods = getattr(route, "methods", None) or {"GET"}
                yield path, "POST" if "POST" in methods else "GET"

    filled = {"{path:path}": "logo.png", "{filename_and_length:path}": "1-a.txt"}
    for path, method in below(served.routes, ""):
        text = path
        for name, value in filled.items():
            text = text.replace(name, value)
        yield text.replace("{filepath:path}", "a.txt"), method


def test_no_route_of_the_server_answers_a_foreign_host_or_page(app, client):
    known = sorted(set(routes(app)))
    pages = [entry.address.rstrip("/") for entry in (*entries("apps"),)]
    assert all((f"{page}/ws", "WEBSOCKET") in known for page in pages)
    assert all((f"{page}/sse", "GET") in known for page in pages)
    assert ("/", "GET") in known
    assert len(known) > 14 * 80
    foreign = FOREIGN[:1] + FOREIGN[3:4] + FOREIGN[5:6]
    tried = [(*route, *one) for route in known for one in foreign]

    async def all_of_them():
        return [
            (path, method, await status_of(app, path, method, headers), wanted)
            for path, method, headers, wanted in tried
        ]

    found = finished(all_of_them())
    assert [one for one in found if one[2] != one[3]] == []


def test_a_browser_is_told_apart_by_digits_that_no_script_reads(app, client):
    opened = {"sec-fetch-mode": "navigate", "sec-fetch-site": "none"}
    told = client.get("/health", headers=opened).headers["set-cookie"]
    assert re.fullmatch(
        rf"{BROWSER}=[0-9a-f]{{32}}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax",
        told,
    )
    # It keeps them; programs and refused pages get none, another browser others.
    assert "set-cookie" not in client.get("/health", headers=opened).headers
    other = TestClient(app, base_url=OWN)
    assert "set-cookie" not in other.get("/health").headers
    foreign = {**opened, "origin": "http://example.org"}
    assert "set-cookie" not in other.get("/health", headers=foreign).headers
    assert other.get("/health", headers=opened).headers["set-cookie"] != told


async def status_of(app, path, method, headers):
    """Status of an answer; a WebSocket that is closed before it is open: 421 or 403."""
    kind = "websocket" if method == "WEBSOCKET" else "http"
    named = {"host": "localhost:8710", **headers}
    scope = {
        "type": kind,
        "path": path,
        "method": method,
        "scheme": "http" if kind == "http" else "ws",
        "query_string": b"",
        "extensions": {"websocket.http.response": {}},
        "headers": [(name.encode(), text.encode()) for name, text in named.items()],
    }
    sent = []

    async def receive():
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent[0]["status"]


@pytest.mark.parametrize(("headers", "status"), FOREIGN)
def test_what_is_foreign_is_refused_before_any_route(headers, status):
    async def never(*_):
        raise AssertionError(headers)

    client = TestClient(RequestGuard(never, ["/plan"]), base_url=OWN)
    for method, path in ("GET", "/"), ("POST", "/desk/quote"), ("GET", "/plan/sse"):
        said = client.request(method, path, headers=headers)
        assert said.status_code == status
        assert said.headers["x-request-id"] == said.json()["request_id"]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": OWN},
        {"host": "127.0.0.1:8710"},
        {"host": "[::1]:8710", "origin": OWN.replace("localhost", "[::1]")},
        {"host": "LOCALHOST", "origin": "http://localhost"},
        {"origin": "https://localhost:8710"},
        {
            "sec-fetch-site": "cross-site",
            "sec-fetch-mode": "navigate",
            "sec-fetch-dest": "document",
        },
    ],
)
def test_this_machine_is_served_without_any_set_up(client, headers):
    said = client.get("/health", headers=headers)
    assert said.status_code == 200
    for name, value in HEADERS:
        assert said.headers[name.decode()] == value.decode()


def test_a_page_may_not_be_posted_to_by_a_followed_link(client):
    followed = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    said = client.post(
        "/desk/quote", headers={**followed, "sec-fetch-dest": "document"}
    )
    assert said.status_code == 403


def test_of_marimo_a_reader_gets_what_a_page_needs_and_nothing_else(app, client):
    page = "/plan"
    kernel = {f"{page}{path}" for path in KERNEL}
    api = {path for path, _ in routes(app) if path.startswith(f"{page}/api/")}
    assert kernel < api
    for path in sorted(api - kernel):
        for method in ("GET", "POST"):
            assert client.request(method, path).status_code == 404
    for path in ("/auth/login", "/public/a.txt", "/terminal/ws", "/og/thumbnail"):
        assert client.get(page + path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "/plan/@file/8-../../etc/passwd",
        "/plan/@file/8-%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/plan/@file/8-nothing.txt",
        "/plan/@file/8-",
        "/plan/@file/99999999999999999999-a.txt",
        "/plan/assets/..%5c..%5cindex.html",
        "/plan/assets/%00",
    ],
)
def test_a_file_that_is_not_there_is_refused_without_a_traceback(client, path, caplog):
    with caplog.at_level(logging.WARNING):
        said = client.get(path)
    assert 400 <= said.status_code < 500
    assert "Traceback" not in caplog.text


def test_a_body_is_counted_as_it_arrives(caplog):
    """300 chunks of a megabyte, as no content-length tells them before."""
    taken = []

    async def reads(scope, receive, send):
        while (await receive()).get("more_body"):
            taken.append(1)
        raise AssertionError(scope)

    chunk = b" " * 1_000_000
    sent = []

    async def client():
        left = [{"type": "http.request", "body": chunk, "more_body": True}] * 300

        async def receive():
            return left.pop()

        async def send(message):
            sent.append(message)

        headers = [(b"host", b"localhost")]
        scope = {"type": "http", "method": "POST", "path": "/x", "headers": headers}
        await RequestGuard(reads)(scope, receive, send)
        return len(left)

    with caplog.at_level(logging.WARNING):
        left = finished(client())
    assert sent[0]["status"] == 413
    assert left == 300 - MOST_BYTES // 1_000_000 - 1
    assert len(taken) == MOST_BYTES // 1_000_000
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize("length", [str(MOST_BYTES + 1), "-1", "x", "9" * 40])
def test_an_announced_body_that_is_too_long_is_not_read(client, length):
    said = client.post("/desk/quote", headers={"content-length": length}, content=b"{}")
    assert said.status_code == 413


def test_a_route_that_fails_is_told_by_id_and_logged_with_its_cause(caplog):
    async def fails(_scope, _receive, _send):
        raise KeyError(_CAUSE)

    with caplog.at_level(logging.WARNING):
        said = TestClient(RequestGuard(fails), base_url=OWN).get("/x")
    assert said.status_code == 500
    assert _CAUSE not in said.text
    (line,) = caplog.messages
    noted = json.loads(line)
    assert noted["request_id"] == said.json()["request_id"]
    assert noted["request_id"] == said.headers["x-request-id"]
    assert _CAUSE in noted["failure"]


_CAUSE = "what the log alone says"


@pytest.mark.parametrize("path", ["/nopage", "/plan/nopage", "/docs/nopage"])
def test_who_follows_a_link_to_nowhere_reads_a_page_with_a_way_back(client, path):
    """It was a line of text, or JSON, in the frame of the page."""
    said = client.get(path, headers={"sec-fetch-mode": "navigate"})
    assert said.status_code == 404
    assert said.headers["content-type"].startswith("text/html")
    assert 'href="/"' in said.text
    assert not client.get(path).headers["content-type"].startswith("text/html")


def test_who_opens_a_page_that_fails_reads_the_request_id(caplog):
    async def fails(_scope, _receive, _send):
        raise KeyError(_CAUSE)

    asked = {"sec-fetch-mode": "navigate"}
    with caplog.at_level(logging.WARNING):
        said = TestClient(RequestGuard(fails), base_url=OWN).get("/x", headers=asked)
    assert said.headers["content-type"].startswith("text/html")
    assert said.headers["x-request-id"] in said.text
    assert _CAUSE not in said.text


def test_answers_show_no_path_of_the_server(client, tmp_path_factory):
    place = str(tmp_path_factory.getbasetemp())
    for path in ("/", "/health", "/desk", "/plan/api/home/workspace_files"):
        said = client.get(path)
        assert place not in said.text
        assert str(entries("apps")[0].path.parent) not in said.text
