"""Limits of what an event may say: instants, numbers, names, depth, keys.

Writers that do not use this package send what they like. What is outside these limits
is no fact that can be planned with; it is refused where this package appends it, and
waits in quarantine where another program wrote it.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any, Final

from medhavi.units import EARLIEST, LARGEST_NUMBER, LATEST

LONGEST_NAME: Final = 1_000
"""Most characters of a stream, type, actor, correlation or causation."""
LONGEST_TEXT: Final = 100_000
"""Most characters of one text in a payload."""
DEEPEST: Final = 64
"""Most levels of objects and lists in a payload or in metadata."""

OPEN_ENDS: Final = frozenset({"valid_to", "expires_at", "latest"})
"""Ends that may lie after `LATEST`: other systems write "for ever" as 9999-12-31."""

_TEXTS = re.compile(r'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = "\x00"


class _Refused(Exception):  # noqa: N818 - never leaves this module
    """The reason for which a document is refused."""


def is_admissible(instant: dt.datetime) -> bool:
    """Whether an aware instant lies in the years 1900 to 2199.

    >>> is_admissible(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    True
    >>> is_admissible(dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=14))))
    False
    """
    # The year first: at the ends of the calendar another zone cannot be compared.
    return 1900 <= instant.year < 2200 and EARLIEST <= instant < LATEST


def instant_fault(name: str, instant: dt.datetime) -> str | None:
    """Fault of an instant of a payload; None where it may be planned with."""
    open_end = name in OPEN_ENDS and instant.year >= 2200 and _fits_utc(instant)
    if is_admissible(instant) or open_end:
        return None
    return f"{name} ({instant}) lies outside the years 1900 to 2199"


def _fits_utc(instant: dt.datetime) -> bool:
    try:
        instant.astimezone(dt.UTC)
    except OverflowError:
        return False
    return True


def name_fault(column: str, text: str) -> str | None:
    """Fault of a name of the envelope: too long, or characters that no table holds."""
    if len(text) > LONGEST_NAME:
        return f"{column} has {len(text):,} characters, at most {LONGEST_NAME:,}"
    return text_fault(column, text)


def text_fault(name: str, text: str) -> str | None:
    """Fault of a text: a NUL, or half of a surrogate pair."""
    if _CONTROL in text:
        return f"{name} holds a NUL character"
    if _LONE_SURROGATE.search(text):
        return f"{name} holds half of a surrogate pair"
    return None


def document_fault(text: str) -> str | None:
    """Fault of a JSON document: what breaks a limit of this module.

    A text that is no JSON has no fault here: its decoder says what is wrong with it.

    >>> document_fault('{"qty":1e300}')
    'the number 1e300 is beyond 1e+12'
    >>> document_fault('{"qty":1,"qty":2}')
    "the key 'qty' stands there twice"
    """
    too_deep = depth_fault(text)
    if too_deep is not None:
        return too_deep
    try:
        json.loads(
            text,
            object_pairs_hook=_checked_pairs,
            parse_int=_checked_number,
            parse_float=_checked_number,
            parse_constant=_checked_number,
        )
    except _Refused as refused:
        return str(refused)
    except ValueError:
        return None
    return None


def repeated_key_fault(text: str) -> str | None:
    """Fault of a JSON document that states a key of one object twice."""
    try:
        json.loads(text, object_pairs_hook=_unique_pairs, parse_int=float)
    except _Refused as refused:
        return str(refused)
    except ValueError:
        return None
    return None


def _unique_pairs(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            message = f"the key {key[:100]!a} stands there twice"
            raise _Refused(message)
        seen.add(key)


FAULT_KEY: Final = "$fault"
"""Key of metadata that says why an event of another writer cannot be used."""


def metadata_fault(text: str) -> str | None:
    """Fault of metadata: too many levels, or a key that stands there twice."""
    return depth_fault(text) or repeated_key_fault(text)


def may_hold_long_text(document: str) -> bool:
    """Whether a text of a JSON document may be longer than `LONGEST_TEXT`.

    Without a backslash, texts are what stands between the quotation marks.

    >>> may_hold_long_text('{"a":"' + 60_000 * "x" + '","b":"' + 60_000 * "x" + '"}')
    False
    """
    if len(document) <= LONGEST_TEXT:
        return False
    return "\\" in document or max(map(len, document.split('"'))) > LONGEST_TEXT


def depth_fault(text: str) -> str | None:
    """Fault of too many levels; brackets inside texts do not count."""
    if text.count("[") + text.count("{") <= DEEPEST:
        return None
    # Without a backslash every second part between quotation marks is a text.
    bare = _TEXTS.sub("", text) if "\\" in text else "".join(text.split('"')[::2])
    deepest = level = 0
    for sign in _BRACKETS.findall(bare):
        level += 1 if sign in "[{" else -1
        deepest = max(deepest, level)
    if deepest <= DEEPEST:
        return None
    return f"{deepest:,} levels of objects and lists, at most {DEEPEST}"


def _checked_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            message = f"the key {key[:100]!a} stands there twice"
            raise _Refused(message)
        _check_texts("a key", key)
        _check_texts(key[:100], value)
        found[key] = value
    return found


def _check_texts(name: str, value: object) -> None:
    if isinstance(value, list):
        for part in value:
            _check_texts(name, part)
    if not isinstance(value, str):
        return
    if len(value) > LONGEST_TEXT:
        message = f"{name} has {len(value):,} characters, at most {LONGEST_TEXT:,}"
        raise _Refused(message)
    fault = text_fault(name, value)
    if fault is not None:
        raise _Refused(fault)


def _checked_number(text: str) -> float:
    value = float(text)
    if not abs(value) <= LARGEST_NUMBER:
        message = f"the number {text[:40]} is beyond {LARGEST_NUMBER:g}"
        raise _Refused(message)
    return value
