"""The pages of MLflow behind the server: read-only, started by a visit, then ended."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from medhavi.errors import UsageError
from medhavi.service.app import create_app
from medhavi.service.predictor_pages.tracking_pages import (
    TrackingPages,
    is_reading,
    tracking_routes,
)
from medhavi.workbench.training.tracking import Tracking
from tests.model_stores import ready


@pytest.mark.parametrize(
    ("method", "path", "reads"),
    [
        ("GET", "/mlflow/ajax-api/2.0/mlflow/runs/get", True),
        ("POST", "/mlflow/ajax-api/2.0/mlflow/runs/search", True),
        ("POST", "/mlflow/ajax-api/2.0/mlflow/runs/delete", False),
        ("POST", "/mlflow/ajax-api/2.0/mlflow/registered-models/alias", False),
        ("DELETE", "/mlflow/ajax-api/2.0/mlflow/registered-models/alias", False),
        ("PATCH", "/mlflow/ajax-api/2.0/mlflow/model-versions/update", False),
    ],
)
def test_only_what_reads_is_passed_on(method, path, reads):
    assert is_reading(method, path) is reads


@pytest.mark.nightly
@pytest.mark.req("ANA-05")
def test_a_visit_starts_mlflow_which_shows_the_runs_and_changes_nothing(tmp_path):
    models = ready(tmp_path / "models")
    run = Tracking(models).record("predictors", "one", metrics={"gain": 0.25})
    pages = TrackingPages(models)
    client = TestClient(Starlette(routes=tracking_routes(pages)))
    try:
        assert client.get("/mlflow").status_code == 200
        assert "<title>MLflow</title>" in client.get("/mlflow/").text
        place = "/mlflow/ajax-api/2.0/mlflow/runs"
        found = client.post(f"{place}/search", json={"experiment_ids": ["1"]})
        (row,) = found.json()["runs"]
        assert row["info"]["run_id"] == run
        refused = client.post(f"{place}/delete", json={"run_id": run})
        assert refused.status_code == 403
        assert "read-only" in refused.json()["error"]
        process = pages._process
        assert process is not None
    finally:
        pages.stop()
    assert process.poll() is not None


def test_without_a_training_a_visit_says_how_to_begin(tmp_path):
    client = TestClient(Starlette(routes=tracking_routes(TrackingPages(tmp_path))))
    told = client.get("/mlflow/")
    assert told.status_code == 503
    assert "medhavi train" in told.json()["error"]
    page = client.get("/mlflow/", headers={"sec-fetch-mode": "navigate"})
    assert page.headers["content-type"].startswith("text/html")
    assert "medhavi train" in page.text


def test_tables_have_no_runs_to_show(tmp_path, monkeypatch):
    monkeypatch.setenv("MEDHAVI_TABLES", str(tmp_path))
    with pytest.raises(UsageError, match="serve one with --lake"):
        create_app(tracking=True)
