"""The catalogue of sentences: what pages and messages say, by key.

All of them stand in `words.toml`: one place to read them as a whole, to keep them in
the terms of the trade, and to put them into another language.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from dataclasses import replace
from functools import cache
from html import escape
from pathlib import Path
from string import Formatter
from typing import TYPE_CHECKING

from medhavi.results.amounts import number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from medhavi.progress import Progress

PLACE = Path(__file__).with_name("words.toml")


def say(key: str, *values: object) -> str:
    """Sentence of a key with its values, in the order in which it names them.

    Parameters
    ----------
    values
        Numbers are written by `number`; times and money come as text, since both need
        a zone or a currency.

    Raises
    ------
    KeyError
        Where the catalogue has no such key.
    TypeError
        For a date or a time.
    ValueError
        Where the sentence names fewer or more values.

    Examples
    --------
    >>> say("of_lines_and_forecasts", 1714, 1743)
    '1,714 of 1,743 (order lines and forecasts)'
    """
    text, names = catalogue()[key]
    return text.format_map(
        {name: _written(value) for name, value in zip(names, values, strict=True)}
    )


def progress_words(progress: Progress) -> str:
    """Where long work stands, for a person who waits for it.

    A phase of a planner has an entry of the catalogue, which names its figures where
    they do not follow it; any other says what it says.

    Examples
    --------
    >>> from medhavi.progress import Progress
    >>> progress_words(Progress("late of priority 4", 12, 160))
    'Late demands of priority 4: 12 of 160'
    """
    key = "phase_" + "_".join(re.findall("[a-z]+", progress.phase))
    if key not in catalogue():
        return str(progress)
    names = catalogue()[key][1]
    if "total" in names:
        figures = [getattr(progress, name) for name in names]
        return str(progress) if None in figures else say(key, *figures)
    own = re.findall(r"\d[\d,]*", progress.phase)[: len(names)]
    return str(replace(progress, phase=say(key, *own)))


def worded(script: str) -> str:
    """Script or style sheet in which each «key» is its sentence.

    >>> worded('content: "«nothing_is_late»"')
    'content: "Nothing is late"'
    """
    return re.sub("«(.*?)»", lambda found: say(found[1]), script)


def _written(value: object) -> str:
    if isinstance(value, dt.date):
        message = f"{value} needs a zone: write it by views.names.when"
        raise TypeError(message)
    return number(value) if isinstance(value, int | float) else str(value)


@cache
def catalogue() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Text of each key and the names of its values; sections are for readers alone."""
    sections = tomllib.loads(PLACE.read_text("utf-8")).values()
    return {
        key: (text, tuple(dict.fromkeys(filter(None, (x[1] for x in _parsed(text))))))
        for section in sections
        for key, text in section.items()
    }


_parsed = Formatter().parse


def signed(amount: float, told: Callable[[float], str], below_zero: str) -> str:
    """Amount of a column of costs or of savings; one below zero names its kind.

    Parameters
    ----------
    told
        Writes an amount of zero or more.
    below_zero
        Key of the sentence of an amount below zero: `saves_amount`, `costs_amount`.
    """
    text, size = told(amount), told(abs(amount))
    # Where nothing has a price both are the same words.
    return text if round(amount, 2) >= 0 or text == size else say(below_zero, size)


TERMS = {
    "P50": "term_p50",
    "P80": "term_p80",
    "P95": "term_p95",
    "paid out": "term_paid_out",
    say("policy"): "term_policy",
    "EXW": "term_exw",
    "FCA": "term_fca",
    "FAS": "term_fas",
    "FOB": "term_fob",
    "CFR": "term_cfr",
    "CIF": "term_cif",
    "CPT": "term_cpt",
    "CIP": "term_cip",
    "DAP": "term_dap",
    "DPU": "term_dpu",
    "DDP": "term_ddp",
}
"""Terms that pages explain, and the key that says what they mean."""
_TERM = re.compile(rf"\b(?:{'|'.join(TERMS)})\b")


def explained(text: str) -> str:
    """Text as HTML in which each term says what it means where one points at it.

    >>> explained("6 d < P80").partition(" title=")[0]
    '6 d &lt; <abbr'
    """

    def marked(found: re.Match[str]) -> str:
        meaning = escape(say(TERMS[found[0]]))
        return f'<abbr title="{meaning}">{found[0]}</abbr>'

    return _TERM.sub(marked, escape(text))


def meanings(titles: Iterable[str]) -> dict[str, str]:
    """What the terms in titles of columns mean, by title; others are left out.

    >>> list(meanings(["Item", "Within P80"]))
    ['Within P80']
    """
    found = {title: _TERM.findall(title) for title in titles}
    return {
        title: " ".join(say(TERMS[one]) for one in terms)
        for title, terms in found.items()
        if terms
    }
