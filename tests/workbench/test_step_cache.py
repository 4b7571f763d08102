"""Plans of steps are read by the code that made them, and by no other."""

from __future__ import annotations

import pytest

from medhavi.workbench.files.cache import StepCache, source_digest
from tests import factories
from tests.api import plan


def test_a_digest_follows_each_byte_and_each_name_of_the_source(tmp_path):
    def digest(**files: str) -> str:
        for file in tmp_path.iterdir():
            file.unlink()
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        source_digest.cache_clear()
        return source_digest(tmp_path)

    texts = [{"a": "1"}, {"a": "2"}, {"b": "1"}, {"a": "1", "b": ""}]
    assert len({digest(**files) for files in texts}) == len(texts)
    assert digest(**texts[0]) == digest(**texts[0])


@pytest.mark.req("OPA-21")
def test_a_step_of_other_code_is_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path))
    made = plan(factories.snapshot(), "mrp")
    StepCache(resume=True).keep("step", made)
    known = StepCache(resume=True).read("step")
    assert known is not None
    assert known.fingerprint == made.fingerprint
    (place,) = (tmp_path / "steps").iterdir()
    place.rename(place.with_name("step-0123456789abcdef"))
    assert StepCache(resume=True).read("step") is None


def test_a_run_that_resumes_nothing_reads_its_own_steps(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDHAVI_CACHE", str(tmp_path))
    made = plan(factories.snapshot(), "mrp")
    own = StepCache(resume=False)
    own.keep("step", made)
    known = own.read("step")
    assert known is not None
    assert known.fingerprint == made.fingerprint
    assert StepCache(resume=False).read("step") is None
