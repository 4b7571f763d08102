"""The promise desk over HTTP, for programs on this machine (design 3.8).

POST /desk/quote    {"requests": [...], "policy": null}
    POST /desk/hold     {"quote": id, "requests": [1]}
    POST /desk/commit   {"quote": id, "requests": [1], "approver": "Ada",
                         "reason": null}
    POST /desk/release  {"demand": "SO-7-1", "approver": "Ada", "reason": null}
    GET  /desk          state, revision, counters

`detail` of a quote is "full", or "date" for dates, prices and holds without reasons. A
quote stays known until `KEPT_QUOTES` others, or others of `KEPT_LINES` lines, came.
Holding and committing the same quote again is the same hold and the same commit, so a
client that lost a reply asks again.

Who is asked and who asks is checked by the guard. Bodies are read within the limits of
`desk_body`; calls wait for a thread among calls of their size, so that files never take
all threads. An answer to a refused call has `error`, `field`, `remedy`, `status` and
`request_id`, and the log has the same id.

A body is checked before it becomes objects: its size, how deep it nests and how many
values it has. Then every number and text is looked at: what no table can hold (whole
numbers beyond 2^63, NaN, infinity, NUL) is named with its place, such as
`requests[3].qty`. A key that an object has twice is refused: which one counts is not
ours to guess.
"""

from __future__ import annotations

import json
import math
import re
import threading
import traceback
import uuid
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final, NoReturn

from medhavi.errors import MedhaviError, UsageError
from medhavi.findings import BadData
from medhavi.service.api.guard import FAILURE, PROBLEM, REQUEST_ID
from medhavi.views.words import say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from anyio import CapacityLimiter
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.routing import Route

    from medhavi.results.promises.promise import Promise
    from medhavi.workbench.commitments.commit_answer import Commit
    from medhavi.workbench.promise_desk.promise_desk import PromiseDesk
    from medhavi.workbench.shared_desk import DeskMaintenance

    Verb = Callable[["DeskApi", PromiseDesk, dict[str, Any]], dict[str, object]]


MOST_LINES: Final = 5_000
"""Most lines of one call; longer files are asked in parts, or by the command line."""
MOST_BYTES: Final = 8_000_000
"""Largest body of a call of the desk [bytes]: 1.6 kB a line."""
MOST_DEPTH: Final = 32
"""Deepest nesting of a body: lines with lists of cells need 4."""
MOST_VALUES: Final = 60 * MOST_LINES
"""Most values of a body: each line with every column of `demands`."""
MOST_TEXT: Final = 10_000
"""Longest text of a cell [characters]."""
_WHOLE: Final = 2**63
_TEXTS: Final = re.compile(rb'"(?:[^"\\\\]|\\\\.)*"', re.DOTALL)
_NO_BRACKET: Final = re.compile(rb"[^\[\]{}]+")


class BodyRefusedError(UsageError):
    """A body, or a field of it, that is not taken.

    Attributes
    ----------
    status
        Status of the answer: 400, 413, 415 or 422.
    field
        Place in the body; empty: all of it.
    remedy
        What to do.
    """

    def __init__(self, status: int, field: str, problem: str, remedy: str) -> None:
        place = f"{field}: " if field else ""
        super().__init__(f"{place}{problem} {remedy}")
        self.status = status
        self.field = field
        self.remedy = remedy


TOO_LARGE = (
    say("the_body_has_more_than", MOST_BYTES // 1_000_000),
    say("ask_for_at_most_lines", MOST_LINES),
)


def read_body(content: bytes) -> dict[str, Any]:
    """Read a body and check all of it.

    Raises
    ------
    BodyRefusedError
        It is no JSON object within the limits of this module.
    """
    if len(content) > MOST_BYTES:
        raise BodyRefusedError(413, "", *TOO_LARGE)
    if not content.strip():
        message = "The body is empty."
        raise BodyRefusedError(400, "", message, "Send one JSON object.")
    _check_shape(content)
    try:
        body = json.loads(
            content, object_pairs_hook=_object, parse_constant=_no_constant
        )
    except (ValueError, RecursionError) as failure:
        problem = say("the_body_is_no_json", failure)
        raise BodyRefusedError(400, "", problem, "Send one JSON object.") from failure
    if not isinstance(body, dict):
        message = "The body is a JSON value of another kind."
        raise BodyRefusedError(400, "", message, "Send one JSON object.")
    _check_lines(body)
    _check_values(body, "")
    return body


def text_of(body: Mapping[str, Any], field: str) -> str:
    """Text of a field; empty where it is not stated.

    Raises
    ------
    BodyRefusedError
        It is no text.
    """
    value = body.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        problem = say("is_no_text", _shown(value))
        raise BodyRefusedError(400, field, problem, "Send text, or leave it out.")
    return value


def _check_shape(content: bytes) -> None:
    """Count depth and values of a body before anything is made of it."""
    bare = _TEXTS.sub(b"", content)
    values = bare.count(b",") + bare.count(b"[") + bare.count(b"{")
    if values > MOST_VALUES:
        raise BodyRefusedError(
            413,
            "",
            f"The body has more than {MOST_VALUES:,} values.",
            f"Ask for at most {MOST_LINES:,} lines a call.",
        )
    depth = 0
    for bracket in _NO_BRACKET.sub(b"", bare):
        depth += 1 if bracket in b"[{" else -1
        if depth > MOST_DEPTH:
            raise BodyRefusedError(
                400,
                "",
                f"The body nests deeper than {MOST_DEPTH}.",
                "Send requests as a list of objects with plain cells.",
            )


def _check_lines(body: Mapping[str, Any]) -> None:
    asked = body.get("requests")
    if isinstance(asked, list) and len(asked) > MOST_LINES:
        raise BodyRefusedError(
            413,
            "requests",
            f"{len(asked):,} lines are more than {MOST_LINES:,}.",
            "Ask in parts, or use medhavi promise --request for a file.",
        )


def _check_values(value: object, place: str) -> None:
    """Refuse values that no table can hold, by their place."""
    if isinstance(value, dict):
        for key, cell in value.items():
            _check_text(key, place)
            _check_values(cell, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for number, cell in enumerate(value):
            _check_values(cell, f"{place}[{number}]")
    elif isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int) and not -_WHOLE <= value < _WHOLE:
        problem = f"{_shown(value)} is beyond 2^63."
        raise BodyRefusedError(422, place, problem, "Send a smaller number.")
    elif isinstance(value, float) and not math.isfinite(value):
        raise BodyRefusedError(
            422, place, "The number is not finite.", "Send a number below 1e308."
        )


def _check_text(text: str, place: str) -> None:
    if len(text) > MOST_TEXT:
        problem = say("the_text_has_characters", len(text))
        remedy = say("send_at_most", MOST_TEXT)
    elif "\0" in text or _is_torn(text):
        problem, remedy = say("the_text_has_a_nul"), say("send_plain_text")
    else:
        return
    raise BodyRefusedError(422, place, problem, remedy)


def _is_torn(text: str) -> bool:
    """Whether a text has a surrogate without its other half."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        problem = say("the_key_comes_twice")
        raise BodyRefusedError(400, _shown(twice), problem, "State it once.")
    return found


def _no_constant(name: str) -> NoReturn:
    problem = say("the_body_has_which_json", name)
    raise BodyRefusedError(422, "", problem, "Send a finite number, or null.")


def _shown(value: object) -> str:
    """Beginning of a value for a message."""
    text = hex(value) if isinstance(value, int) else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


KEPT_QUOTES: Final = 10_000
"""Quotes that are remembered."""
KEPT_LINES: Final = 20_000
"""Lines of all quotes that are remembered, but for the last quote."""
THREADS: Final = ((4_000, 32), (64_000, 8), (MOST_BYTES, 2))
"""Bodies up to so many bytes share so many threads: a line, an order, a file."""
MOST_WAITING: Final = 16
"""Calls of a size that may wait for a thread; further ones are told to come again."""
_PIECE: Final = 64_000
"""An answer is sent in pieces of about so many bytes."""


class DeskApi:
    """The routes of one keeper's desk."""

    def __init__(self, keeper: DeskMaintenance) -> None:
        self._keeper = keeper
        self._lock = threading.Lock()
        self._quotes: OrderedDict[str, tuple[str | None, tuple[Promise, ...]]] = (
            OrderedDict()
        )
        self._lines = 0
        self._threads: dict[int, CapacityLimiter] = {}

    def routes(self) -> list[Route]:
        """Routes for the server."""
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
        asked = body.get("requests")
        if not isinstance(asked, list) or not all(isinstance(r, dict) for r in asked):
            problem = say("the_requests_are_no_list")
            remedy = say("requests_need_fields")
            raise BodyRefusedError(400, "requests", problem, remedy)
        policy = text_of(body, "policy") or None
        detail = text_of(body, "detail") or "full"
        if not asked:
            problem = say("requests_has_no_line")
            remedy = say("state_at_least")
            raise BodyRefusedError(400, "requests", problem, remedy)
        # Equal lines of two calls are two requests unless they state an own id.
        call = str(uuid.uuid4())
        answers = desk.answer(asked, policy, detail=detail, call=call)
        return {
            "quote": self._remember(policy, answers.promises),
            "promises": answers.promises,
            "findings": [one.as_dict() for one in answers.findings],
        }

    def _remember(self, policy: str | None, promises: tuple[Promise, ...]) -> str:
        """Keep a quote under a new id, and forget the oldest ones."""
        name = str(uuid.uuid4())
        with self._lock:
            self._quotes[name] = policy, promises
            self._lines += len(promises)
            while len(self._quotes) > 1 and (
                len(self._quotes) > KEPT_QUOTES or self._lines > KEPT_LINES
            ):
                self._lines -= len(self._quotes.popitem(last=False)[1][1])
        return name

    def hold(self, desk: PromiseDesk, body: dict[str, Any]) -> dict[str, object]:
        """Hold what was quoted until its time ends."""
        policy, promises = self._named(body)
        return _told(desk.hold(*promises, policy=policy))

    def commit(self, desk: PromiseDesk, body: dict[str, Any]) -> dict[str, object]:
        """Make what was quoted binding."""
        policy, promises = self._named(body)
        approver, reason = text_of(body, "approver"), text_of(body, "reason")
        return _told(
            desk.commit(*promises, approver=approver, policy=policy, reason=reason)
        )

    def release(self, desk: PromiseDesk, body: dict[str, Any]) -> dict[str, object]:
        """Take the promise of a line back."""
        freed = desk.release(
            text_of(body, "demand"),
            approver=text_of(body, "approver"),
            reason=text_of(body, "reason") or None,
        )
        return {"released": list(freed)}

    def _named(self, body: dict[str, Any]) -> tuple[str | None, list[Promise]]:
        """Find the promises of a quote that are asked for; all by default."""
        with self._lock:
            known = self._quotes.get(text_of(body, "quote"))
        if known is None:
            problem = say("this_quote_is_not_known")
            raise BodyRefusedError(400, "quote", problem, "Quote again.")
        policy, promises = known
        wanted = body.get("requests")
        if wanted is None:
            return policy, [one for one in promises if one.date is not None]
        places = {one.request: one for one in promises}
        if not isinstance(wanted, list) or any(
            not isinstance(one, int) or isinstance(one, bool) or one not in places
            for one in wanted
        ):
            raise BodyRefusedError(
                400,
                "requests",
                "The list names what the quote has not.",
                f"Give places from 1 to {len(promises)}, or leave it out for all.",
            )
        return policy, [places[one] for one in dict.fromkeys(wanted)]

    # ---------------------------------------------------------------------- serving
    async def _state(self, _request: Request) -> Response:
        from starlette.responses import JSONResponse

        return JSONResponse(self._keeper.as_dict())

    def _served(self, verb: Verb) -> Callable[[Request], Any]:
        async def serve(request: Request) -> Response:
            try:
                content = await _content(request)
                return await self._in_thread(verb, request, content)
            except BodyRefusedError as failure:
                return _refused(request, failure)

        return serve

    async def _in_thread(
        self, verb: Verb, request: Request, content: bytes
    ) -> Response:
        """Answer a call in a thread among calls of its size."""
        from anyio import CapacityLimiter, to_thread
        from starlette.responses import StreamingResponse

        size, most = next(one for one in THREADS if len(content) <= one[0])
        threads = self._threads.setdefault(size, CapacityLimiter(most))
        if threads.statistics().tasks_waiting >= MOST_WAITING:
            problem = say("calls_of_this_size_wait", MOST_WAITING)
            raise BodyRefusedError(429, "", problem, "Ask again in a minute.")
        status, answer = await to_thread.run_sync(
            self._answered, verb, request, content, limiter=threads
        )

        async def pieces() -> AsyncIterator[bytes]:
            for piece in answer:
                yield piece

        return StreamingResponse(
            pieces(), status_code=status, media_type="application/json"
        )

    def _answered(
        self, verb: Verb, request: Request, content: bytes
    ) -> tuple[int, list[bytes]]:
        """Status and body of the answer to a call, in pieces."""
        try:
            desk, body = self._keeper.desk, read_body(content)
            if desk is None:
                return _problem(request, 503, _NOT_OPEN, remedy="Ask again.")
            return 200, _written(verb(self, desk, body))
        except MedhaviError as failure:
            status, told = _refusal(failure)
            return _problem(request, status, str(failure), **told)
        except Exception:  # noqa: BLE001 - the boundary of the process
            request.scope["state"][FAILURE] = traceback.format_exc(limit=-20)
            return _problem(request, 500, _FAILED, remedy=_REPORT)


def _refusal(failure: MedhaviError) -> tuple[int, dict[str, object]]:
    """Status of the answer to a call that failed, and what else it tells."""
    if isinstance(failure, BodyRefusedError):
        return failure.status, {"field": failure.field, "remedy": failure.remedy}
    if isinstance(failure, BadData):
        found = [one.as_dict() for one in failure.findings]
        first = next(iter(failure.findings))
        row = "" if first.row is None else f"[{first.row - 1}]"
        field = f"requests{row}.{first.column}" if first.column else f"requests{row}"
        return 422, {"field": field, "remedy": first.remedy, "findings": found}
    if isinstance(failure, UsageError):
        return 400, {}
    return 503, {"remedy": "Ask again."}


_NOT_OPEN = say("the_desk_is_not_open")
_FAILED = say("the_desk_failed")
_REPORT = say("report_request")
_VERBS: dict[str, Verb] = {
    "quote": DeskApi.quote,
    "hold": DeskApi.hold,
    "commit": DeskApi.commit,
    "release": DeskApi.release,
}


async def _content(request: Request) -> bytes:
    """Read the body of a call as far as it may be long.

    Raises
    ------
    BodyRefusedError
        It is no JSON by its own word, or too long.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        problem = say("wrong_content_type")
        remedy = say("send_as_json")
        raise BodyRefusedError(415, "content-type", problem, remedy)
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > MOST_BYTES:
            raise BodyRefusedError(413, "", *TOO_LARGE)
    return bytes(found)


def _written(answer: Mapping[str, object]) -> list[bytes]:
    """Write an answer as JSON, its promises one by one: no long call of the encoder."""
    pieces: list[bytes] = []
    text = bytearray(b"{")
    for number, (name, value) in enumerate(answer.items()):
        text += (b", " if number else b"") + _json(name) + b": "
        if name != "promises":
            text += _json(value)
            continue
        assert isinstance(value, tuple | list)
        text += b"["
        for place, promise in enumerate(value):
            text += (b", " if place else b"") + _json(promise.as_dict())
            if len(text) > _PIECE:
                pieces.append(bytes(text))
                text.clear()
        text += b"]"
    return [*pieces, bytes(text + b"}")]


def _json(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def _problem(
    request: Request, status: int, text: str, **told: object
) -> tuple[int, list[bytes]]:
    """Write what is wrong with a call, and note it for the log."""
    state = request.scope.setdefault("state", {})
    state[PROBLEM] = text[:500]
    known = {key: value for key, value in told.items() if value}
    answer = {"error": text, **known, "status": status}
    answer[REQUEST_ID] = state.get(REQUEST_ID)
    return status, [_json(answer)]


def _refused(request: Request, failure: BodyRefusedError) -> Response:
    from starlette.responses import Response

    told = {"field": failure.field, "remedy": failure.remedy}
    status, pieces = _problem(request, failure.status, str(failure), **told)
    # What still comes of a body that is not read ends with the connection.
    headers = {"connection": "close"} if status == 413 else None
    return Response(
        b"".join(pieces), status, headers=headers, media_type="application/json"
    )


def _told(done: Commit) -> dict[str, object]:
    return {**done.as_dict(), "promises": done.promises}
