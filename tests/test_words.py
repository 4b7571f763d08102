"""Names of modules and classes: words of the field, one meaning each."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from tests.source_outline import outline

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "medhavi"
MOST_SHARED_NAMES = 10
"""Class names that may stand for two things, private ones counted."""


def parts(name: str) -> list[str]:
    """Words of a name in snake or camel case.

    >>> parts("PegGraph"), parts("wall_clock"), parts("MRPRun")
    (['peg', 'graph'], ['wall', 'clock'], ['mrp', 'run'])
    """
    found = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    return [word.lower() for word in found]


def singulars(word: str) -> set[str]:
    """The word itself and what it may be the plural of."""
    found = {word}
    if word.endswith("s") and not word.endswith("ss"):
        found.add(word[:-1])
    if word.endswith("es"):
        found.add(word[:-2])
    if word.endswith("ies"):
        found.add(word[:-3] + "y")
    return found


def sections() -> dict[str, list[str]]:
    """Lines of each section of the list of words."""
    found: dict[str, list[str]] = {}
    section: list[str] = []
    for line in (ROOT / "tests/field_words.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            section = found.setdefault(line.strip("[]"), [])
        elif line.strip() and not line.startswith("#"):
            section.append(line)
    return found


@cache
def known_words() -> set[str]:
    rows = (ROOT / "docs/glossary.md").read_text("utf-8").splitlines()
    terms = [row.split("|")[1] for row in rows if row.startswith("| ")]
    listed = sections()
    lines = [*listed["field"], *listed["plain"], *terms]
    return {word for line in lines for word in re.findall(r"[a-z]+", line.lower())}


@cache
def names() -> dict[tuple[str, str], list[str]]:
    """The words of each module and class, by the folder that it is in and its name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        room = path.parent.relative_to(PACKAGE).as_posix()
        own = path.parent.name if path.stem == "__init__" else path.stem
        for name in (own, *outline(path).classes):
            found[room, name] = parts(name)
    return found


def unknown(words: list[str], known: set[str], phrases: list[list[str]]) -> set[str]:
    """Words in no list, after those that are good together."""
    left = [*words]
    for phrase in phrases:
        for at in range(len(left) - len(phrase) + 1):
            if left[at : at + len(phrase)] == phrase:
                left[at : at + len(phrase)] = []
                break
    return {word for word in left if not singulars(word) & known}


def strange_words() -> dict[tuple[str, str], set[str]]:
    known = known_words()
    phrases = [line.split() for line in sections()["phrases"]]
    all_of = {key: unknown(words, known, phrases) for key, words in names().items()}
    return {key: words for key, words in all_of.items() if words}


def test_names_are_made_of_words_of_the_field():
    """APICS/ASCM and OR terms, the glossary, plain English: no metaphors."""
    found = {
        f"{room}: {name}": sorted(words)
        for (room, name), words in strange_words().items()
    }
    assert found == {}, "write the word into docs/glossary.md or choose the field's"


def test_home_made_nouns_are_in_no_list():
    """Words that this package once had for what the field names otherwise."""
    once = (
        "ahead anew aside behind beyond conversation dead detour diverting doors ends "
        "getter grain jam kept kitchen lasting manner mover obeyed piece placing quest "
        "reach register rehearsal rival road scene seeking sending shop spot "
        "spreading stage stand stretch surroundings telling trait turn walk want way "
        "web weighing wheel wish world"
    )
    assert set(once.split()) & known_words() == set()


def test_few_class_names_stand_for_two_things():
    places = defaultdict(list)
    for path in sorted(PACKAGE.rglob("*.py")):
        for name in outline(path).classes:
            places[name].append(path.relative_to(PACKAGE).as_posix())
    shared = {name: where for name, where in places.items() if len(where) > 1}
    assert len(shared) <= MOST_SHARED_NAMES, shared


def test_no_title_is_a_question():
    """Titles are nouns of the trade; what is computed stands below them."""
    pages = [*ROOT.glob("apps/*.py"), *(PACKAGE / "views").rglob("*.py")]
    pages += (PACKAGE / "service").rglob("*.py")
    asked = [
        f"{path.name}: {node.value}"
        for path in pages
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and node.value[:1].isupper()
        and node.value.endswith("?")
    ]
    assert asked == []
