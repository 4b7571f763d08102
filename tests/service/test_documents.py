"""Documents as pages: they are listed on the start page and lead to each other."""

from __future__ import annotations

import pytest

from medhavi.service.app import entries, health, landing_html
from medhavi.service.documents import document_html, documents

FOLDER = {
    "own-data.md": "# Your own data\n\nSee [a rule](rules.md#lots), [code](../x.py).\n",
    "rules.md": "# Rules\n\n## Lots\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
    "testing.md": "# Testing\n",
}


@pytest.fixture
def folder(tmp_path):
    for name, text in FOLDER.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_documents_for_planners_come_before_those_for_programmers(folder):
    assert list(documents(folder)) == ["own-data", "rules", "testing"]


def test_documents_lead_to_each_other_and_not_into_the_source(folder):
    page = document_html("own-data", folder)
    assert '<a href="/docs/rules#lots">a rule</a>' in page
    assert "code" in page
    assert "x.py" not in page


def test_headings_have_the_anchors_that_links_name_and_tables_are_tables(folder):
    page = document_html("rules", folder)
    assert '<h2 id="lots">' in page
    assert "<td>2</td>" in page


def test_what_is_no_document_has_no_page(folder):
    assert document_html("../secret", folder) is None


@pytest.mark.req("UI-02")
def test_the_start_page_lists_the_documents(monkeypatch):
    text = landing_html(entries("apps"), entries("notebooks"), health())
    for name in documents():
        assert f'href="/docs/{name}"' in text
        assert document_html(name)
