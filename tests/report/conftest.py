from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.report.build import build
from bench.report.frame.inputs import ReportInput

sys.path.insert(0, str(Path(__file__).parent))  # helpers_report.py


@pytest.fixture(scope="session")
def golden() -> ReportInput:
    from helpers_report import golden_inputs

    return golden_inputs()


@pytest.fixture(scope="session")
def built(golden, tmp_path_factory) -> Path:
    """The folder of the golden report, to be read, not written."""
    return build(golden, tmp_path_factory.mktemp("report")).parent
