"""The JSON body of a call of the desk: read within limits, refused by field.

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
from typing import TYPE_CHECKING, Any, Final, NoReturn

from medhavi.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
    f"The body has more than {MOST_BYTES // 1_000_000} MB.",
    f"Ask for at most {MOST_LINES:,} lines a call.",
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
        problem = f"The body is no JSON: {failure}."
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
        problem = f"{_shown(value)} is no text."
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
        problem = f"The text has {len(text):,} characters."
        remedy = f"Send at most {MOST_TEXT:,}."
    elif "\0" in text or _is_torn(text):
        problem, remedy = "The text has a NUL or half a character.", "Send plain text."
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
        problem = "The key comes twice in one object."
        raise BodyRefusedError(400, _shown(twice), problem, "State it once.")
    return found


def _no_constant(name: str) -> NoReturn:
    problem = f"The body has {name}, which JSON has not."
    raise BodyRefusedError(422, "", problem, "Send a finite number, or null.")


def _shown(value: object) -> str:
    """Beginning of a value for a message."""
    text = hex(value) if isinstance(value, int) else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
