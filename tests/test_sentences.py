"""The catalogue of sentences: all of them stand there, each is used, none is odd."""

from __future__ import annotations

import ast
import re
import tomllib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("apps", "medhavi/views", "medhavi/service", "medhavi/cli")
SAID = re.compile(r"[A-Za-z]+[,;:]? (?:[A-Za-z'-]+|\{\})[,;:]? [A-Za-z]+")
"""Three words in a row: a sentence, or a part of one."""
BANNED = (
    *(
        "the dearest",
        "victim",
        "be mended",
        "mend ",
        "what should have begun",
        "is no time",
    ),
    *("a wish for", "half the time", "nobody has", "such a ", "eaten", "whom it"),
)
"""What no planner says aloud."""
QUOTED = r"[\"`]([^\"`\n=;]*)[\"`]"
"""Texts of a script or a style sheet."""
KEY = re.compile("«(.*?)»")
"""Key of a sentence in a script or a style sheet."""
WRITTEN = re.compile('content: "([^"]*)"')
"""What a style sheet writes."""
MARK = re.compile(r"\\[0-9a-f]+")
"""Character of a style sheet by its number."""
NO_SENTENCES = {
    "default-src ": "policy of content for browsers",
    "mv.Workbench": "code of a notebook",
    "plan.chart.": "code of a notebook",
    "# The page": "code of a notebook",
    "DejaVu ": "name of a font",
    "the history of one order": "help of a command",
}
"""Beginnings of texts that nobody reads as a sentence, and what they are."""


UNSAID = {
    "message",
    "app",
    "EPILOG",
    "GROUPS",
    "LATER",
    "_FULL_DISK",
    "_FORBIDDEN",
    "_LOCKED",
}
"""Names of what is raised, of the help of commands, and of errors of the system."""
NAMED_BY = {"label", "placeholder", "title", "submit_button_label"}
"""Arguments that people read, as short as they may be."""
OF_A_TILE = {"note", "word"}
"""Arguments of a tile that people read beside its label."""
COLUMNS = {"col", "alias", "sort", "drop"}
"""Functions of frames whose arguments are columns."""
HIDDEN = {"Id", "Ids", "Key"}
"""Columns of grids that people do not see."""
TITLED = {"section": 1, "empty": 0, "header": 0, "page_head": 0}
"""Functions whose argument at a place is a title."""


@cache
def trees() -> dict[str, ast.Module]:
    paths = [path for one in FOLDERS for path in sorted((ROOT / one).rglob("*.py"))]
    return {
        path.relative_to(ROOT).as_posix(): ast.parse(path.read_text("utf-8"))
        for path in paths
    }


@cache
def sheets() -> dict[str, str]:
    kinds = ("*.css", "*.js")
    paths = [
        path for one in FOLDERS for kind in kinds for path in (ROOT / one).rglob(kind)
    ]
    return {path.name: path.read_text("utf-8") for path in paths}


@cache
def entries() -> list[tuple[str, str]]:
    sections = tomllib.loads((ROOT / "medhavi/views/words.toml").read_text("utf-8"))
    return [entry for section in sections.values() for entry in section.items()]


def values(text: str) -> set[str]:
    """Names in braces."""
    return set(re.findall(r"\{(.*?)\}", text))


def _is_log(node: ast.Call) -> bool:
    called = node.func
    owner = called.value if isinstance(called, ast.Attribute) else None
    return isinstance(owner, ast.Name) and owner.id.lower() in {"_log", "log"}


def sentences(tree: ast.Module) -> list[str]:
    """Texts of three words and more; an f-string is one, with braces for values.

    Docstrings, logs, what is raised for a programmer, commands and the help of their
    options, the settings of an app, and scripts and style sheets are none.
    """
    skipped: set[int] = set()
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        names = {getattr(one, "id", "") for one in getattr(node, "targets", ())}
        names.add(getattr(getattr(node, "target", None), "id", ""))
        if (
            (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))
            or isinstance(node, ast.Raise)
            or (isinstance(node, ast.Call) and _is_log(node))
            or (isinstance(node, ast.keyword) and node.arg == "help")
            or names & UNSAID
        ):
            skipped |= {id(one) for one in ast.walk(node)}
        elif isinstance(node, ast.JoinedStr):
            skipped |= {id(one) for one in node.values if isinstance(one, ast.Constant)}
            found.append(
                "".join(
                    str(one.value) if isinstance(one, ast.Constant) else "{}"
                    for one in node.values
                )
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    inside = [text for one in found if "\n" in one for text in re.findall(QUOTED, one)]
    return [
        text
        for text in [*found, *inside]
        if SAID.search(re.sub(r"<[^>]*>", "|", text))
        and text.count("\n") < 2
        and not text.startswith(("medhavi ", *NO_SENTENCES))
    ]


def either(node: ast.expr) -> list[ast.expr]:
    """Texts of which an expression states one, or of which a tuple consists."""
    if isinstance(node, ast.IfExp):
        return [*either(node.body), *either(node.orelse)]
    if isinstance(node, ast.BoolOp):
        return [text for one in node.values for text in either(one)]
    if isinstance(node, ast.Tuple):
        return [text for one in node.elts for text in either(one)]
    return [node]


def labels(tree: ast.Module) -> list[str]:
    """Texts of labels, titles, tabs, tiles and headers, short as they are.

    A field of a picture's rows, as `tip:N`, and what has no word are none.
    """
    stated: list[ast.expr] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = getattr(called, "attr", getattr(called, "id", ""))
            stated += [one.value for one in node.keywords if one.arg in NAMED_BY]
            if name in TITLED:
                stated += node.args[TITLED[name] :][:1]
            if name == "Tile":
                parts = [one.value for one in node.keywords if one.arg in OF_A_TILE]
                stated += [text for part in parts for text in either(part)]
            if name == "table_html":
                stated += either(node.args[0])
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Tuple):
            names = [getattr(one, "id", "") for one in node.targets]
            stated += node.value.elts if any("TABS" in one for one in names) else []
        elif isinstance(node, ast.Compare) and isinstance(node.left, ast.Attribute):
            owner = getattr(node.left.value, "id", "")
            stated += node.comparators if owner in {"tab", "part"} else []
    texts = [
        one.value
        for one in stated
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    return [one for one in texts if re.search(r"[A-Za-z]{2}(?!.*:[A-Z]$)", one)]


def headers(tree: ast.Module) -> list[str]:
    """Columns of grids, tabs and choices that are named by their words, not by a key.

    They begin with a capital, as no column of a table does.
    """
    stated: list[ast.expr | None] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            stated += node.keys
        elif isinstance(node, ast.Subscript):
            stated.append(node.slice)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") in COLUMNS:
            stated += node.args
    texts = [
        one.value
        for one in stated
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    return [one for one in texts if re.match("[A-Z][a-z]", one) and one not in HIDDEN]


def calls() -> list[tuple[str, int]]:
    """Key of each call of `say` and the number of its values."""
    return [
        (str(node.args[0].value), len(node.args) - 1)
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", "") == "say"
        and isinstance(node.args[0], ast.Constant)
    ]


def test_no_sentence_stands_outside_the_catalogue():
    found = {name: sentences(tree) for name, tree in trees().items()}
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_no_word_of_a_style_sheet_stands_outside_the_catalogue():
    said = [text for sheet in sheets().values() for text in WRITTEN.findall(sheet)]
    assert said
    plain = [MARK.sub("", KEY.sub("", text)) for text in said]
    assert [text for text in plain if re.search("[A-Za-z]", text)] == []


def test_no_label_stands_outside_the_catalogue():
    found = {name: labels(tree) for name, tree in trees().items()}
    assert {name: texts for name, texts in found.items() if texts} == {}


def test_no_column_of_a_grid_is_named_outside_the_catalogue():
    found = {name: headers(tree) for name, tree in trees().items()}
    assert {name: texts for name, texts in found.items() if texts} == {}


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('{"Due": clock, say("cost"): 3}', ["Due"]),
        ('row["Item"], row["item"], row["Id"]', ["Item"]),
        ('pl.col("Quantity").sum()', ["Quantity"]),
    ],
)
def test_a_header_is_found(code, found):
    assert headers(ast.parse(code)) == found


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ('mo.ui.text(label="Approver")', ["Approver"]),
        ('mo.ui.text(label=say("approver"), placeholder="2026-12-04 14:00")', []),
        ('section("late", "Late demands")', ["Late demands"]),
        ('TABS = ("Desk", say("promises"))', ["Desk"]),
        ('tab.value != "Why"', ["Why"]),
        ('alt.Tooltip("tip:N")', []),
        ('Tile(figure="1", word="late" if late else say("none"))', ["late"]),
        ('table_html(("Demand", say("due")), rows)', ["Demand"]),
    ],
)
def test_a_label_is_found(code, found):
    assert labels(ast.parse(code)) == found


def phases():
    """Keys that `progress_words` makes of the texts of planners, their figures cut."""
    found = set()
    for path in sorted((ROOT / "medhavi").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            parts = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = " ".join(
                one.value
                for one in parts
                if isinstance(one, ast.Constant) and isinstance(one.value, str)
            )
            found.add("phase_" + "_".join(re.findall("[a-z]+", text)))
    return found


def test_every_entry_is_used():
    texts = {
        text
        for tree in trees().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant)
        for text in (node.value, *KEY.findall(str(node.value)))
    }
    texts |= {key for sheet in sheets().values() for key in KEY.findall(sheet)}
    texts |= phases()
    assert {key for key, _ in entries()} - texts == set()


def test_every_sentence_is_in_the_catalogue_and_gets_its_values():
    needed = {key: len(values(text)) for key, text in entries()}
    assert [one for one in calls() if needed.get(one[0]) != one[1]] == []


def test_a_key_and_a_text_stand_once():
    keys = Counter(key for key, _ in entries())
    texts = Counter(re.sub(r"\{\w+\}", "{}", text) for _, text in entries())
    assert [one for one, times in (keys + texts).items() if times > 1] == []


def test_values_are_names_alone():
    """Numbers are written by one function, not by a format of a sentence."""
    named = {name for _, text in entries() for name in values(text)}
    assert {name for name in named if not re.fullmatch("[a-z][a-z_]*", name)} == set()


def test_no_sentence_has_words_that_nobody_says():
    said = [
        (key, word)
        for key, text in entries()
        for word in BANNED
        if re.search(rf"\b{word}", text)
    ]
    assert said == []


def test_no_sentence_is_a_question():
    assert [key for key, text in entries() if "?" in text] == []
