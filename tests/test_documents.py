"""The pages of docs/: the generated ones are up to date, the links lead somewhere."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from tests import followed_calls
from tools.rule_index import Decider, rules, shown_by
from tools.write_docs import PAGES, marks

ROOT = Path(__file__).resolve().parents[1]
PROSE = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(r"`((?:medhavi|tests|apps|docs|tools|benchmarks)/[\w/.-]+)`")
GUIDES = [ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
STATION = re.compile(
    r"^\| (\d+) \| \[`([\w.]+)`\]\(\.\./(medhavi/[\w/]+\.py)\) ", re.MULTILINE
)
FUNCTION = re.compile(r"\[`([\w.]+)`\]\(\.\./((?:medhavi|tests)/[\w/]+)\.py\)")
ANCHOR = re.compile(r"\(rules\.md#([\w-]+)\)")
BARE_FILE = re.compile(r"(?<![\w/])\w+\.py\b")
SYMBOL = re.compile(
    r"\b(?:[A-Z]+_[A-Z_]+|[A-Z][a-z]+[A-Z]\w*|_?[a-z]+_[a-z_]+)\b(?!\.)"
)
FOLLOWED = {
    "how-mrp-runs.md": followed_calls.mrp,
    "how-a-constrained-plan-runs.md": followed_calls.constrained,
    "how-a-promise-runs.md": followed_calls.promise,
}


@cache
def all_marks() -> tuple[tuple[str, str], ...]:
    return tuple(marks())


@pytest.mark.parametrize("name", sorted(PAGES))
def test_generated_page_is_up_to_date(name):
    text = (ROOT / "docs" / name).read_text("utf-8")
    assert text == PAGES[name](), "run `make docs`"


@pytest.mark.parametrize("page", PROSE, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_to_files_that_are_there(page):
    targets = [
        link for link in LINK.findall(page.read_text("utf-8")) if ":" not in link
    ]
    assert [link for link in targets if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", GUIDES, ids=lambda p: p.name)
def test_files_that_a_page_names_are_there(page):
    named = [
        path for path in PATH.findall(page.read_text("utf-8")) if "NAME" not in path
    ]
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/how-to.md"])
def test_what_a_page_for_developers_names_is_there(name):
    """Functions, classes and constants, and files beside others by their last part."""
    told = " ".join(re.findall(r"`([^`\n]+)`", (ROOT / name).read_text("utf-8")))
    files = {path.name for path in ROOT.glob("*/**/*.py")}
    wanted = {one for one in BARE_FILE.findall(told) if "NAME" not in one}
    assert wanted - files == set()
    code = [*ROOT.glob("medhavi/**/*.py"), *ROOT.glob("tests/**/*.py")]
    known = set(re.findall(r"\w+", " ".join(path.read_text("utf-8") for path in code)))
    symbols = {one for one in SYMBOL.findall(told) if "NAME" not in one}
    assert symbols - known == set()


@pytest.mark.parametrize("name", FOLLOWED)
def test_a_call_passes_the_functions_of_its_page_in_their_order(name):
    """Where a function moved, was merged or is called elsewhere, mend the page."""
    stations = STATION.findall((ROOT / "docs" / name).read_text("utf-8"))
    told = [f"{place}:{function}" for _, function, place in stations]
    passed = followed_calls.passed(FOLLOWED[name])
    assert [one for one in told if one not in passed] == []
    assert told == sorted(told, key=passed.index)
    assert [int(number) for number, *_ in stations] == list(range(1, len(told) + 1))


@pytest.mark.parametrize("name", FOLLOWED)
def test_the_result_of_a_followed_call_is_that_of_its_page(name):
    text = (ROOT / "docs" / name).read_text("utf-8")
    (block,) = re.findall(r"```text\n(.*?)```", text, re.DOTALL)
    assert FOLLOWED[name]() == block.splitlines()


@pytest.mark.parametrize("page", GUIDES, ids=lambda p: p.name)
def test_functions_and_rules_that_a_page_links_are_there(page):
    text = page.read_text("utf-8")
    linked = [
        Decider(function=f"{place.replace('/', '.')}:{name}", purpose="")
        for name, place in FUNCTION.findall(text)
    ]
    assert [one.function for one in linked if not one.exists()] == []
    assert set(ANCHOR.findall(text)) <= {rule.id for rule in rules()}


def test_a_question_of_a_newcomer_is_answered_by_two_files_at_most():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = text.partition("## Five questions")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+\?) \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    assert len(rows) == 5
    for question, files, shown in rows:
        assert 1 <= len({*LINK.findall(files)}) <= 2, question
        assert FUNCTION.findall(shown), question


@pytest.mark.req("OPA-25")
def test_every_module_of_the_best_plan_stands_in_the_map_of_its_steps():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    _, part = text.split("A run of mode `optimize` takes these steps", 1)
    named = set(re.findall(r"`([\w/]+)`", part.split("Tests of behaviour", 1)[0]))
    folder = ROOT / "medhavi" / "planners" / "master_plan"
    there = {one.stem for one in folder.iterdir() if not one.name.startswith("__")}
    assert there <= named, sorted(there - named)


def test_requirement_marks_look_like_requirements():
    known = re.compile(r"[A-Z]+-\d\d|OMC-7\.\d+(\.\d)?")
    strange = [mark for mark, _ in marks() if not known.fullmatch(mark)]
    assert strange == []


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.id)
def test_functions_and_tests_of_a_rule_are_there(rule):
    """A function that moved or was renamed takes its line of docs/rules.toml along."""
    assert [one.function for one in rule.functions if not one.exists()] == []
    assert all(one.purpose for one in rule.decided[1:]), "say what each is asked for"
    assert rule.writings <= len(rule.decided)
    assert set(rule.req) <= {requirement for requirement, _ in all_marks()}
    assert [name for name in rule.tests if not (ROOT / name).is_file()] == []
    stories = ROOT / "tests" / "golden"
    assert [name for name in rule.stories if not (stories / name).is_dir()] == []
    assert shown_by(rule, all_marks())


def test_each_rule_has_one_entry():
    names = [rule.id for rule in rules()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "function",
    [
        "medhavi.providers.sources:no_such_function",
        "medhavi.providers.sources:Lots",
        "medhavi.providers.no_such_module:lot_steps",
        "medhavi.providers.sources:Source.no_such_method",
    ],
)
def test_a_function_that_is_not_there_is_noticed(function):
    assert not Decider(function=function, purpose="").exists()


@pytest.mark.req("DEF-18")
def test_every_target_says_where_it_stands_and_clashing_ones_which_counts():
    text = (ROOT / "docs" / "targets.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (TGT-\d\d) \| .* \| (.*) \|$", text, re.MULTILINE))
    wishes = {f"TGT-{number:02}" for number in range(1, len(rows) + 1)}
    assert set(rows) == wishes
    stands = ("tested", "measured", "not claimed", "not built", "read as", "`make")
    assert {stand for stand in rows.values() if not stand.startswith(stands)} == set()
    assert "exclude each other" in rows["TGT-10"]
    assert "read as 10,000 items" in rows["TGT-07"]


@pytest.mark.req("DEF-30")
def test_what_a_page_calls_tested_has_a_test_that_says_so():
    """Targets that are tested, and each requirement of the list, name their tests."""
    text = (ROOT / "docs" / "targets.md").read_text("utf-8")
    claims = set(re.findall(r"^\| (TGT-\d\d) \| .* \| tested", text, re.MULTILINE))
    assert claims
    shown = {requirement for requirement, _ in all_marks()}
    assert claims <= shown, sorted(claims - shown)
    listed = (ROOT / "docs" / "testing.md").read_text("utf-8")
    rows = re.findall(r"^\| ([A-Z]+-[\d.]+) \| `", listed, re.MULTILINE)
    assert set(rows) == shown
    assert "\N{WHITE HEAVY CHECK MARK}" not in text + listed


@pytest.mark.req("OPA-24")
def test_solvers_are_chosen_by_times_that_were_measured():
    """Methods of linear programs by size, with seconds, also of those not taken."""
    text = (ROOT / "docs" / "decisions" / "029-one-solver-of-programs.md").read_text(
        "utf-8"
    )
    table = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", text, re.MULTILINE)
    times = {name.strip(): (m1000, m3000) for name, m1000, m3000 in table}
    for method in ("simplex alone", "interior point with crossover"):
        assert all(re.search(r"\d", cell) for cell in times[method]), method
    assert sum(name.startswith("PDLP") for name in times) == 2
    text = (ROOT / "docs" / "performance.md").read_text("utf-8")
    assert "HiGHS 1.14" in text
    timed = text.partition("\n## scheduling\n")[2].partition("\n## ")[0]
    assert re.search(r"^\| mk10 \|.* [\d.]+ \|$", timed, re.MULTILINE)
    assert "CP-SAT" in (ROOT / "docs" / "scheduling.md").read_text("utf-8")


PRINCIPLES = (
    "normalised tables",
    "rules are rows",
    "the same again",
    "each slack is a figure",
    "switches",
    "bounds of the data",
    "slacks before infeasibility",
    "prices by piece",
    "buckets",
)


@pytest.mark.req("OMI-01")
def test_the_principles_of_the_program_are_reviewed_by_a_test_each():
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    section = text.partition("## Principles of the program")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    reviewed = {name: FUNCTION.findall(shown) for name, _, shown in rows}
    assert [name for name in reviewed if name in PRINCIPLES] == list(PRINCIPLES)
    assert all(reviewed[name] for name in PRINCIPLES)
    marked = {test.rpartition("::")[2] for _, test in all_marks()}
    named = {test for name in PRINCIPLES for test, _ in reviewed[name]}
    assert named <= marked, sorted(named - marked)
