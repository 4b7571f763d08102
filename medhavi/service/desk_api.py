"""The promise desk over HTTP, for programs on this machine (design 3.8).

    POST /desk/quote    {"requests": [...], "policy": null}
    POST /desk/hold     {"quote": id, "requests": [1]}
    POST /desk/commit   {"quote": id, "requests": [1], "approver": "Ada",
                         "reason": null}
    POST /desk/release  {"demand": "SO-7-1", "approver": "Ada", "reason": null}
    GET  /desk          state, revision, counters

A quote stays known until `KEPT` others came. Holding and committing the same quote
again is the same hold and the same commit, so a client that lost a reply asks again.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from medhavi.errors import MedhaviError, UsageError
from medhavi.findings import BadData

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from medhavi.results.promise import Promise
    from medhavi.service.desk_keeper import DeskKeeper
    from medhavi.workbench.commit_answer import Commit
    from medhavi.workbench.promise_desk import PromiseDesk

    Verb = Callable[["DeskApi", PromiseDesk, dict[str, Any]], dict[str, object]]

KEPT = 10_000
"""Quotes that are remembered."""
MOST_BYTES = 50_000_000
"""Largest body that is read."""
_NO_QUESTION = (
    "Give requests (a list of objects with product, location, qty and due) and, if any, "
    "policy as a name."
)
_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


class DeskApi:
    """The routes of one keeper's desk."""

    def __init__(self, keeper: DeskKeeper) -> None:
        self._keeper = keeper
        self._lock = threading.Lock()
        self._quotes: OrderedDict[str, tuple[str | None, tuple[Promise, ...]]] = (
            OrderedDict()
        )

    def routes(self) -> list[Route]:
        """Give the routes for the server."""
        from starlette.routing import Route

        return [
            Route("/desk", self._state),
            *(
                Route(f"/desk/{name}", self._served(verb), methods=["POST"])
                for name, verb in _VERBS.items()
            ),
        ]

    # ----------------------------------------------------------------------- verbs
    def quote(self, desk: PromiseDesk, body: dict[str, Any]) -> dict[str, object]:
        """Answer requests; nothing is written."""
        policy, asked = body.get("policy"), body.get("requests")
        if asked is None or not isinstance(policy, str | None):
            raise UsageError(_NO_QUESTION)
        answers = desk.answer(asked, policy)
        name = str(uuid.uuid4())
        with self._lock:
            self._quotes[name] = policy, answers.promises
            while len(self._quotes) > KEPT:
                self._quotes.popitem(last=False)
        return {
            "quote": name,
            "promises": [one.as_dict() for one in answers.promises],
            "findings": [one.as_dict() for one in answers.findings],
        }

    def hold(self, desk: PromiseDesk, body: dict[str, Any]) -> dict[str, object]:
        """Hold what was quoted until its time ends."""
        policy, promises = self._named(body)
        return _told(desk.hold(*promises, policy=policy))

    def commit(self, desk: PromiseDesk, body: dict[str, Any]) -> dict[str, object]:
        """Make what was quoted binding."""
        policy, promises = self._named(body)
        approver = str(body.get("approver") or "")
        reason = str(body.get("reason") or "")
        return _told(
            desk.commit(*promises, approver=approver, policy=policy, reason=reason)
        )

    def release(self, desk: PromiseDesk, body: dict[str, Any]) -> dict[str, object]:
        """Take the promise of a line back."""
        freed = desk.release(
            str(body.get("demand") or ""),
            approver=str(body.get("approver") or ""),
            reason=body.get("reason"),
        )
        return {"released": list(freed)}

    def _named(self, body: dict[str, Any]) -> tuple[str | None, list[Promise]]:
        """Find the promises of a quote that are asked for; all by default."""
        with self._lock:
            known = self._quotes.get(str(body.get("quote")))
        if known is None:
            message = "This quote is not known, or forgotten. Quote again."
            raise UsageError(message)
        policy, promises = known
        wanted = body.get("requests")
        if wanted is None:
            return policy, [one for one in promises if one.date is not None]
        places = {one.request: one for one in promises}
        if not isinstance(wanted, list) or any(
            not isinstance(one, int) or one not in places for one in wanted
        ):
            message = (
                f"requests ({wanted}) names what the quote has not: give a list of "
                f"places from 1 to {len(promises)}, or leave it out for all."
            )
            raise UsageError(message)
        return policy, [places[one] for one in dict.fromkeys(wanted)]

    # ---------------------------------------------------------------------- serving
    async def _state(self, _request: Request) -> Response:
        from starlette.responses import JSONResponse

        return JSONResponse(self._keeper.as_dict())

    def _served(self, verb: Verb) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            from starlette.concurrency import run_in_threadpool
            from starlette.responses import JSONResponse

            refused = _refusal(request)
            if refused:
                return JSONResponse({"error": refused}, status_code=403)
            content = await request.body()
            code, answer = await run_in_threadpool(self._answered, verb, content)
            return JSONResponse(answer, status_code=code)

        return serve

    def _answered(self, verb: Verb, content: bytes) -> tuple[int, dict[str, object]]:
        desk = self._keeper.desk
        if desk is None:
            why = self._keeper.trouble or "the desk is being opened; ask again"
            return 503, {"error": why}
        try:
            return 200, verb(self, desk, _body(content))
        except BadData as failure:
            found = [one.as_dict() for one in failure.findings]
            return 422, {"error": str(failure), "findings": found}
        except UsageError as failure:
            return 400, {"error": str(failure)}
        except MedhaviError as failure:
            return 503, {"error": str(failure)}


_VERBS: dict[str, Verb] = {
    "quote": DeskApi.quote,
    "hold": DeskApi.hold,
    "commit": DeskApi.commit,
    "release": DeskApi.release,
}


def _refusal(request: Request) -> str:
    """Say why a request is not served; empty: it is.

    There are no accounts: a page of another site, open in a browser here, must not be
    able to promise anything. It cannot send JSON unasked, nor name this host.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        return "Send JSON: content-type application/json."
    host = request.headers.get("host", "")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if name not in _HOSTS:
        return f"The desk is served to this machine only, not as {host}."
    length = request.headers.get("content-length") or "0"
    if not length.isdecimal() or int(length) > MOST_BYTES:
        return f"The body is larger than {MOST_BYTES // 1_000_000} MB."
    return ""


def _body(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as failure:
        message = f"The body is no JSON: {failure}."
        raise UsageError(message) from failure
    if not isinstance(found, dict):
        message = "The body is one JSON object."
        raise UsageError(message)
    return found


def _told(done: Commit) -> dict[str, object]:
    return {**done.as_dict(), "promises": [one.as_dict() for one in done.promises]}
