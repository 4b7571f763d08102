"""The catalogue of sentences: what pages and messages say, by key.

All of them stand in `words.toml`: one place to read them as a whole, to keep them in
the terms of the trade, and to put them into another language.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from functools import cache
from pathlib import Path
from string import Formatter

from medhavi.results.amounts import number

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
    >>> say("of_target_100", 1714, 1743)
    '1,714 of 1,743; target 100 %'
    """
    text, names = catalogue()[key]
    return text.format_map(
        {name: _written(value) for name, value in zip(names, values, strict=True)}
    )


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
