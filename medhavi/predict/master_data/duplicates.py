"""Likely duplicates: rows of master data that name the same thing twice.

Names that are nearly the same and attributes that agree are weighed against how often
two rows agree by chance (Fellegi and Sunter 1969, doi:10.1080/01621459.1969.10501049).
Nothing is merged.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from difflib import SequenceMatcher
from itertools import combinations
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from medhavi.display import TextDisplay
from medhavi.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from medhavi.snapshot import Snapshot

COMPARED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "customers": ("tier", "parent", "country", "location", "sla_days"),
        "suppliers": ("currency", "country", "calendar"),
        "products": ("kind", "uom", "family", "parent", "unit_cost", "weight_kg"),
        "locations": ("kind", "country", "timezone", "latitude", "longitude"),
    }
)
"""Attributes that speak for or against two rows being one, by table."""
_LEGAL = frozenset(
    (
        "gmbh",
        "ag",
        "kg",
        "co",
        "spa",
        "srl",
        "ltd",
        "limited",
        "inc",
        "llc",
        "sa",
        "bv",
        "nv",
        "sas",
        "sarl",
        "plc",
        "corp",
        "company",
        "oy",
        "ab",
        "as",
        "and",
        "und",
        "the",
    )
)
"""Words that a name may have or lack."""
_LEVELS = (1.0, 0.9, 0.8)
"""Likeness of names: the same, nearly, alike."""
_OF_DUPLICATES = (0.5, 0.35, 0.13)
"""Share of true duplicates whose names are so alike; what is left is unlike."""
_BY_CHANCE = (1e-6, 1e-5, 1e-4)
"""Least share of two rows of different things whose names are so alike."""
_AGREE = 0.8
"""Chance that an attribute of a true duplicate agrees."""
_CLOSE = 0.05
"""Relative distance of numbers that agree."""
_WORD_LIKENESS = 0.8
_MOST_TIMES, _FEW = 3.0, 2.0
"""Doubles that there may be: times the assumed number, and at least."""
_MOST_IN_BLOCK = 40
_NEIGHBOURS = 4
_WORDS = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateSettings:
    """How likely duplicates are found.

    Parameters
    ----------
    least_chance
        Chance from which on a pair is listed. Between 0 and 1.
    duplicate_share
        Share of rows that have a double before one looks at them. Between 0 and 1.
    """

    least_chance: float = 0.5
    duplicate_share: float = 0.01

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises
        ------
        UsageError
            A value is out of its range.
        """
        for name in ("least_chance", "duplicate_share"):
            if not 0 < getattr(self, name) < 1:
                message = f"{name} ({getattr(self, name)}) must be between 0 and 1."
                raise UsageError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelyDuplicate:
    """Two rows that are likely one.

    Parameters
    ----------
    table, first, second
        Where they stand, and the id of each.
    names
        Name of each; its id where it has none.
    likeness
        How alike the names are, from 0 to 1.
    chance
        Probability that they are one.
    same
        Attributes that agree.
    differs
        Attributes that do not, with the value of each.
    """

    table: str
    first: str
    second: str
    names: tuple[str, str]
    likeness: float
    chance: float
    same: tuple[str, ...] = ()
    differs: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)

    @property
    def place(self) -> str:
        """Stable name of the pair, as reviews of exceptions name it."""
        return f"LikelyDuplicate|{self.table}|{self.first}|{self.second}|"

    def as_dict(self) -> dict[str, Any]:
        """All parts, as JSON has them."""
        return {**asdict(replace(self, differs={})), "differs": dict(self.differs)}


@dataclass(frozen=True, slots=True, kw_only=True)
class LikelyDuplicates(TextDisplay):
    """Pairs of rows that are likely one, the likeliest first."""

    pairs: tuple[LikelyDuplicate, ...] = ()

    def without(self, places: Iterable[str]) -> LikelyDuplicates:
        """List without pairs that somebody said are two."""
        known = frozenset(places)
        return LikelyDuplicates(
            pairs=tuple(one for one in self.pairs if one.place not in known)
        )

    def to_frame(self) -> pl.DataFrame:
        """One row a pair."""
        schema = {
            **dict.fromkeys(
                ("table", "first", "second", "first_name", "second_name"), pl.String
            ),
            **dict.fromkeys(("likeness", "chance"), pl.Float64),
            **dict.fromkeys(("same", "differs"), pl.String),
        }
        rows = [
            {
                **{name: getattr(one, name) for name in ("table", "first", "second")},
                **dict(zip(("first_name", "second_name"), one.names, strict=True)),
                "likeness": one.likeness,
                "chance": one.chance,
                "same": ", ".join(one.same),
                "differs": ", ".join(
                    f"{k} {a} / {b}" for k, (a, b) in one.differs.items()
                ),
            }
            for one in self.pairs
        ]
        return pl.DataFrame(rows, schema=schema)

    def __str__(self) -> str:
        """Number of pairs, a line a pair."""
        lines = [
            f"  {one.chance:.0%} {one.table}: {one.first} {one.names[0]!r}, "
            f"{one.second} {one.names[1]!r}"
            for one in self.pairs
        ]
        return "\n".join([f"{len(self.pairs):,} likely duplicates", *lines])


def likely_duplicates(
    snapshot: Snapshot, settings: DuplicateSettings | None = None
) -> LikelyDuplicates:
    """Customers, suppliers, products and locations that are likely one.

    Numbers in two names must be the same: 30 ml and 50 ml are two products.

    Returns
    -------
    LikelyDuplicates
        The likeliest first.

    Notes
    -----
    Only rows are compared that share a rare word or stand near each other in the order
    of their names; names that begin and end otherwise are not found.
    """
    settings = settings or DuplicateSettings()
    found = [
        one
        for table in COMPARED
        for one in _Candidates(snapshot, table).pairs(settings.duplicate_share)
        if one.chance >= settings.least_chance
    ]
    found.sort(key=lambda one: (-one.chance, one.table, one.first, one.second))
    return LikelyDuplicates(pairs=tuple(found))


class _Candidates:
    """Rows of one table that are compared in pairs."""

    def __init__(self, snapshot: Snapshot, table: str) -> None:
        self.table, self.frame = table, snapshot[table]
        self.ids = self.frame[self.frame.columns[0]].to_list()
        names = self.frame["name"] if "name" in self.frame.columns else self.ids
        self.names = [name or of for name, of in zip(names, self.ids, strict=True)]
        told = [_words(name) for name in self.names]
        self.texts = ["".join(words) for words in told]
        self.words = [tuple(sorted(words)) for words in told]
        self.attributes = {name: self.frame[name] for name in COMPARED[table]}

    def pairs(self, duplicate_share: float) -> Iterator[LikelyDuplicate]:
        """Pairs of alike names, each with its chance."""
        height = len(self.ids)
        every = height * (height - 1) / 2
        alike = [
            self._pair(a, b, likeness)
            for a, b in sorted(self._near())
            if (likeness := self._likeness(a, b)) >= _LEVELS[-1]
        ]
        if not alike:
            return
        level = np.array([_level(one.likeness) for one, _ in alike])
        odds = np.array([one for _, one in alike])
        # More alike names than there may be doubles are names of siblings.
        expected = max(_MOST_TIMES * duplicate_share * height, _FEW)
        siblings = np.bincount(level, minlength=len(_LEVELS)) - expected
        by_chance = np.maximum(siblings / every, _BY_CHANCE)
        doubles = duplicate_share * height / every * np.array(_OF_DUPLICATES)
        odds *= (doubles / by_chance)[level]
        chance = odds / (1 + odds)
        for (one, _), own in zip(alike, chance.tolist(), strict=True):
            yield replace(one, chance=own)

    def _likeness(self, a: int, b: int) -> float:
        """How alike two names are; word by word, or without their spaces."""
        if self.texts[a] == self.texts[b]:
            return 1.0
        return _likeness(self.words[a], self.words[b])

    def _near(self) -> set[tuple[int, int]]:
        """Pairs that share a rare word, or are near in the order of their names."""
        blocks: dict[str, list[int]] = defaultdict(list)
        for at, words in enumerate(self.words):
            for word in set(words):
                blocks[word].append(at)
        found: set[tuple[int, int]] = set()
        for block in blocks.values():
            if len(block) <= _MOST_IN_BLOCK:
                found.update(combinations(block, 2))
        backwards = [text[::-1] for text in self.texts]
        for turned in (self.texts, backwards):
            order = sorted(range(len(turned)), key=turned.__getitem__)
            for step in range(1, _NEIGHBOURS + 1):
                found.update(
                    (min(pair), max(pair))
                    for pair in zip(order, order[step:], strict=False)
                )
        numbers = [_numbers(words) for words in self.words]
        return {(a, b) for a, b in found if numbers[a] == numbers[b]}

    def _pair(self, a: int, b: int, likeness: float) -> tuple[LikelyDuplicate, float]:
        """Pair without its chance, and the odds by its attributes."""
        same, differs, odds = [], {}, 1.0
        for name, cells in self.attributes.items():
            pair = cells[a], cells[b]
            if None in pair or pair == (0, 0):
                continue
            by_chance = self._agreement(name)
            if _agree(*pair):
                same.append(name)
                odds *= _AGREE / by_chance
            else:
                differs[name] = pair
                odds *= (1 - _AGREE) / max(1 - by_chance, 1e-3)
        pair_of = LikelyDuplicate(
            table=self.table,
            first=self.ids[a],
            second=self.ids[b],
            names=(self.names[a], self.names[b]),
            likeness=likeness,
            chance=0.0,
            same=tuple(same),
            differs=differs,
        )
        return pair_of, odds

    def _agreement(self, name: str) -> float:
        """Chance that an attribute of two rows is the same."""
        cells = self.attributes[name].drop_nulls()
        if cells.dtype.is_numeric():
            cells = (cells.filter(cells > 0).log() / (2 * _CLOSE)).round()
        counts = cells.value_counts()["count"].cast(pl.Float64)
        share = float(((counts / max(cells.len(), 1)) ** 2).sum())
        return min(max(share, 1e-3), 0.999)


def _words(name: str) -> tuple[str, ...]:
    """Words of a name without accents and legal forms.

    >>> _words("Köln Chemie GmbH & Co. KG")
    ('koln', 'chemie')
    """
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    words = _WORDS.findall(plain.replace(".", "").replace("'", ""))
    return tuple(one for one in words if one not in _LEGAL) or tuple(words)


def _numbers(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(one for one in words if any(c.isdigit() for c in one))


def _likeness(first: Sequence[str], second: Sequence[str]) -> float:
    """How alike two names are: each word of one must have a like one in the other.

    >>> _likeness(("chemie", "rhein"), ("chemie", "rein")) > 0.9
    True
    >>> _likeness(("milano", "profumeria"), ("profumeria", "torino"))
    0.0
    """
    if first == second:
        return 1.0
    left = sorted((Counter(first) - Counter(second)).elements())
    right = sorted((Counter(second) - Counter(first)).elements())
    if len(left) != len(right):
        return 0.0
    for one, other in zip(left, right, strict=True):
        if _ratio(one, other) < _WORD_LIKENESS:
            return 0.0
    return _ratio(" ".join(first), " ".join(second))


def _ratio(one: str, other: str) -> float:
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if (
        matcher.real_quick_ratio() < _WORD_LIKENESS
        or matcher.quick_ratio() < _WORD_LIKENESS
    ):
        return 0.0
    return matcher.ratio()


def _level(likeness: float) -> int:
    return next(n for n, least in enumerate(_LEVELS) if likeness >= least)


def _agree(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=_CLOSE)
    return one == other
