"""The pages of MLflow beside those of Medhavi."""

from __future__ import annotations

import os

TRACKING_VARIABLE = "MEDHAVI_MLFLOW"
"""Variable of the address of MLflow's pages; empty: they are not served."""


def tracking_address() -> str:
    """Address of MLflow's pages; empty where they are not served."""
    return os.environ.get(TRACKING_VARIABLE, "")
